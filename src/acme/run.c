/*
 * The story of a run is the table `steps`: each row makes a request (ask) and takes its good answer (took), which
 * names the next step. Everything else - nonces, repetitions, refusals, waiting - is the same for all rows and is
 * below the table.
 *
 * Invariants:
 * (R1) Every repetition is counted: bad nonces, silent servers, polls. The whole run ends at RUN_MAX_US at the latest.
 * (R2) What was shown for a challenge is hidden before the run ends.
 */
#include "acme/step.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "http/date.h"
#include "loop/wheel.h"

#define BAD_NONCES_MAX 20          /* pebble refuses a fifth of good ones on purpose: 20 in a row are 1e-14 */
#define SILENT_MAX     4           /* no answer, or 5xx: 2, 4, 8 s later; then the caller waits longer */
#define POLLS_MAX      60          /* of one object; at 15 s that is a quarter of an hour */
#define POLL_MAX_S     15
#define WAIT_MAX_S     600         /* the longest Retry-After that is waited for inside of a run */
#define RUN_MAX_US     (3600 * RF_S)
#define CLOCK_OFF_S    120         /* a Date header is whole seconds, and the answer took a while */

/* --- ends --- */

void
rf_acme_run_hide(struct rf_acme_run *r)
{
    if (r->shows) /* (R2) */
        r->conf.hide(r->conf.ctx, r->conf.challenge, r->shown_name, r->shown_token);
    r->shows = false;
}

static const char *step_name(enum step s);

enum step
rf_acme_run_fail(struct rf_acme_run *r, enum rf_err err, const char *sentence)
{
    rf_acme_run_hide(r);
    r->result.err = err;
    snprintf(r->result.step, sizeof r->result.step, "%s", step_name(r->step));
    if (sentence != NULL)
        snprintf(r->result.problem.detail, sizeof r->result.problem.detail, "%s", sentence);
    return END;
}

enum step
rf_acme_run_fail_with(struct rf_acme_run *r, enum rf_err err, const struct rf_acme_problem *p)
{
    r->result.problem = *p;
    return rf_acme_run_fail(r, err, NULL);
}

enum step
rf_acme_run_nonsense(struct rf_acme_run *r, enum rf_err err)
{
    char sentence[160];

    snprintf(sentence, sizeof sentence, "the server's answer to %s cannot be read (%s)", step_name(r->step),
             rf_err_text(err));
    return rf_acme_run_fail(r, RF_ERR_SYNTAX, sentence);
}

static enum step
wait_s(struct rf_acme_run *r, int64_t seconds, enum step next)
{
    r->waits = true;
    r->due_us = r->now_us + (uint64_t)seconds * RF_S;
    return next;
}

enum step
rf_acme_run_poll_again(struct rf_acme_run *r, const struct rf_acme_response *a, enum step next)
{
    int64_t seconds = rf_acme_retry_after(a->retry_after, r->wall_s);

    if (++r->polls > POLLS_MAX) /* (R1) */
        return rf_acme_run_fail(r, RF_ERR_TIMEOUT, "the CA did not come to a decision in time");
    if (seconds == 0)
        seconds = r->polls <= 4 ? 1 << (r->polls - 1) : POLL_MAX_S;
    return wait_s(r, seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S, next);
}

enum signing { NOT_SIGNED, BY_JWK, BY_ACCOUNT };

static const struct step_row {
    const char *name;
    enum signing signing;
    enum rf_err (*ask)(struct rf_acme_run *r, struct rf_buf *payload); /* sets request.url, writes the payload */
    enum step (*took)(struct rf_acme_run *r, const struct rf_acme_response *a);
} steps[] = {
    [DIRECTORY] = { "directory", NOT_SIGNED, rf_acme_ask_directory, rf_acme_took_directory },
    [ACCOUNT] = { "newAccount", BY_JWK, rf_acme_ask_account, rf_acme_took_account },
    [CONTACTS] = { "account", BY_ACCOUNT, rf_acme_ask_contacts, rf_acme_took_contacts },
    [NEW_KEY] = { "keyChange", BY_ACCOUNT, rf_acme_ask_new_key, rf_acme_took_end },
    [WINDOW] = { "renewalInfo", NOT_SIGNED, rf_acme_ask_window, rf_acme_took_window },
    [REVOKE] = { "revokeCert", BY_ACCOUNT, rf_acme_ask_revoke, rf_acme_took_end },
    [NEW_ORDER] = { "newOrder", BY_ACCOUNT, rf_acme_ask_new_order, rf_acme_took_new_order },
    [ORDER] = { "order", BY_ACCOUNT, rf_acme_ask_order, rf_acme_follow_order },
    [AUTHORIZATION] = { "authorization", BY_ACCOUNT, rf_acme_ask_authorization, rf_acme_took_authorization },
    [CHALLENGE] = { "challenge", BY_ACCOUNT, rf_acme_ask_challenge, rf_acme_took_challenge },
    [FINALIZE] = { "finalize", BY_ACCOUNT, rf_acme_ask_finalize, rf_acme_follow_order },
    [CERTIFICATE] = { "certificate", BY_ACCOUNT, rf_acme_ask_certificate, rf_acme_took_certificate },
    [ALTERNATE] = { "alternate", BY_ACCOUNT, rf_acme_ask_alternate, rf_acme_took_alternate },
    [END] = { "end", NOT_SIGNED, NULL, NULL },
};

static const char *
step_name(enum step s)
{
    return steps[s].name;
}

/* --- what all steps have in common --- */

static enum rf_err
sign(struct rf_acme_run *r, enum signing how, struct rf_span payload)
{
    const struct rf_jws j = { .key = r->conf.account->key, .url = r->request.url, .nonce = r->nonce,
                              .kid = how == BY_ACCOUNT ? r->conf.account->url : NULL };
    struct rf_buf body = rf_buf(r->body, sizeof r->body);
    enum rf_err err = rf_jws_put(&body, &j, payload);

    r->nonce[0] = '\0'; /* good for one request */
    r->request.method = RF_ACME_POST;
    r->request.body = rf_buf_span(&body);
    return err;
}

static struct rf_acme_action
make_request(struct rf_acme_run *r)
{
    struct rf_buf payload = rf_buf(r->payload, sizeof r->payload);
    const struct step_row *row = &steps[r->step];
    enum rf_err err;

    r->request = (struct rf_acme_request){ .method = RF_ACME_GET, .answer_max = RF_ACME_JSON_MAX };
    if (row->signing != NOT_SIGNED && r->nonce[0] == '\0') {
        r->asks_nonce = true;
        r->request.method = RF_ACME_HEAD;
        snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.new_nonce);
        return (struct rf_acme_action){ .act = RF_ACME_SEND, .request = &r->request };
    }
    err = row->ask(r, &payload);
    if (!err)
        err = rf_buf_done(&payload);
    if (!err && row->signing != NOT_SIGNED)
        err = sign(r, row->signing, rf_buf_span(&payload));
    if (err) {
        char sentence[120];

        snprintf(sentence, sizeof sentence, "the request %s cannot be made: %s", row->name, rf_err_text(err));
        r->step = rf_acme_run_fail(r, err, sentence);
        return (struct rf_acme_action){ .act = RF_ACME_END };
    }
    return (struct rf_acme_action){ .act = RF_ACME_SEND, .request = &r->request };
}

/* One function changes the step. */
static struct rf_acme_action
go_to(struct rf_acme_run *r, enum step next)
{
    if (next != END && r->now_us - r->started_us > RUN_MAX_US) /* (R1) */
        next = rf_acme_run_fail(r, RF_ERR_TIMEOUT, "the CA took too long");
    r->step = next;
    if (next == END) {
        rf_acme_run_hide(r);
        return (struct rf_acme_action){ .act = RF_ACME_END };
    }
    if (r->waits)
        return (struct rf_acme_action){ .act = RF_ACME_WAIT, .due_us = r->due_us };
    return make_request(r);
}

/* No answer, or the server is at fault: the same request again, a little later each time. */
static enum step
was_silent(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    int64_t retry_s = rf_acme_retry_after(a->retry_after, r->wall_s);
    char sentence[RF_ACME_DETAIL_MAX];

    if (++r->silent < SILENT_MAX && retry_s <= WAIT_MAX_S) {
        int64_t own_s = (int64_t)(1u << r->silent) + (int64_t)(rf_rand_u64(r->conf.rand) % 2);

        return wait_s(r, retry_s > own_s ? retry_s : own_s, r->step);
    }
    r->result.retry_after_s = retry_s;
    if (a->status != 0) {
        rf_acme_problem_read(a->body, a->status, &r->result.problem);
        return rf_acme_run_fail(r, RF_ERR_CLOSED, NULL);
    }
    snprintf(sentence, sizeof sentence, "the CA cannot be reached: %s", a->failure != NULL ? a->failure : "no answer");
    return rf_acme_run_fail(r, RF_ERR_CLOSED, sentence);
}

static bool
is_type(const struct rf_acme_problem *p, const char *type)
{
    return strcmp(p->type, type) == 0;
}

static enum step
was_refused(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    struct rf_acme_problem p;

    rf_acme_problem_read(a->body, a->status, &p);
    if (is_type(&p, "badNonce") && ++r->bad_nonces <= BAD_NONCES_MAX)
        return r->step;
    if (is_type(&p, "rateLimited") || a->status == 429) {
        r->result.retry_after_s = rf_acme_retry_after(a->retry_after, r->wall_s);
        return rf_acme_run_fail_with(r, RF_ERR_AGAIN, &p);
    }
    if (is_type(&p, "accountDoesNotExist") && steps[r->step].signing == BY_ACCOUNT && !r->was_account_lost) {
        r->was_account_lost = true;
        r->conf.account->url[0] = '\0';
        r->order_url[0] = '\0';
        return ACCOUNT;
    }
    switch (r->step) {
    case NEW_ORDER:
        if (r->sent_replaces) { /* replaced already, or a certificate it does not know: order without */
            r->replaces_refused = true;
            return NEW_ORDER;
        }
        break;
    case ORDER:
    case AUTHORIZATION:
        if (r->is_resumed)
            return rf_acme_order_failed(r);
        break;
    case FINALIZE:
        if (is_type(&p, "orderNotReady"))
            return rf_acme_run_poll_again(r, a, ORDER);
        break;
    case WINDOW: /* the CA need not know every certificate */
        return END;
    case ALTERNATE:
        r->alternate_at++;
        return rf_acme_next_alternate(r);
    default:
        break;
    }
    r->result.order_is_dead = true;
    return rf_acme_run_fail_with(r, RF_ERR_REFUSED, &p);
}

/* 1*( ALPHA / DIGIT / "-" / "_" )                             RFC 8555 6.5.1 */
static void
take_nonce(struct rf_acme_run *r, struct rf_span nonce)
{
    for (size_t i = 0; i < nonce.n; i++) {
        char c = nonce.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return;
    }
    if (nonce.n > 0 && rf_span_copy(nonce, r->nonce, sizeof r->nonce) != RF_OK)
        r->nonce[0] = '\0';
}

static void
compare_clocks(struct rf_acme_run *r, struct rf_span date)
{
    int64_t theirs, off;

    if (rf_http_date_read(date, &theirs) != RF_OK)
        return;
    off = theirs - r->wall_s;
    r->result.clock_off_s = off > CLOCK_OFF_S || off < -CLOCK_OFF_S ? off : 0;
}

struct rf_acme_action
rf_acme_run_answer(struct rf_acme_run *r, const struct rf_acme_response *a, uint64_t now_us, int64_t wall_s)
{
    bool was_nonce = r->asks_nonce;
    enum step next;

    rf_assert(r->step != END);
    r->now_us = now_us;
    r->wall_s = wall_s;
    r->asks_nonce = r->waits = false;
    take_nonce(r, a->nonce);
    compare_clocks(r, a->date);
    if (a->status == 0 || a->status >= 500)
        next = was_silent(r, a);
    else if (a->status < 200 || a->status > 299)
        next = was_refused(r, a);
    else if (was_nonce)
        next = r->nonce[0] != '\0' ? r->step
                                   : rf_acme_run_fail(r, RF_ERR_SYNTAX, "the CA gave no nonce that can be used");
    else {
        r->silent = r->bad_nonces = 0;
        next = steps[r->step].took(r, a);
    }
    return go_to(r, next);
}

struct rf_acme_action
rf_acme_run_due(struct rf_acme_run *r, uint64_t now_us, int64_t wall_s)
{
    rf_assert(r->step != END && r->waits);
    r->now_us = now_us;
    r->wall_s = wall_s;
    r->waits = false;
    return go_to(r, r->step);
}

struct rf_acme_action
rf_acme_run_start(struct rf_acme_run *r, uint64_t now_us, int64_t wall_s)
{
    r->started_us = r->now_us = now_us;
    r->wall_s = wall_s;
    return go_to(r, DIRECTORY);
}

enum rf_err
rf_acme_run_new(struct rf_acme_run **out, const struct rf_acme_run_conf *conf)
{
    struct rf_acme_run *r;
    enum rf_err err;

    if (conf->goal == RF_ACME_ISSUE && (conf->names == 0 || conf->names > RF_ACME_NAMES_MAX))
        return RF_ERR_RANGE;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return RF_ERR_NOMEM;
    r->conf = *conf;
    err = rf_jwk_thumbprint(conf->account->key, r->thumbprint);
    if (!err && conf->goal == RF_ACME_ISSUE && conf->order[0] != '\0') {
        r->is_resumed = rf_acme_url_is_valid(rf_span_str(conf->order));
        if (r->is_resumed)
            err = rf_span_copy(rf_span_str(conf->order), r->order_url, sizeof r->order_url);
    }
    if (err) {
        rf_acme_run_free(r);
        return err;
    }
    *out = r;
    return RF_OK;
}

void
rf_acme_run_free(struct rf_acme_run *r)
{
    if (r == NULL)
        return;
    rf_acme_run_hide(r);
    free(r->chain);
    free(r);
}

const struct rf_acme_result *
rf_acme_run_result(const struct rf_acme_run *r)
{
    return &r->result;
}

const char *
rf_acme_run_step(const struct rf_acme_run *r)
{
    return step_name(r->step);
}
