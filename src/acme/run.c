/*
 * The story of a run is the table `steps`: each row makes a request (ask) and takes its good answer (took), which
 * names the next step. Everything else - nonces, repetitions, refusals, waiting - is the same for all rows and is
 * below the table.
 *
 * Invariants:
 * (R1) Every repetition is counted: bad nonces, silent servers, polls. The whole run ends at RUN_MAX_US at the latest.
 * (R2) What was shown for a challenge is hidden before the run ends.
 */
#include "acme/run.h"

#include <openssl/evp.h>
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
#define ALTERNATES_MAX 4
#define PAYLOAD_MAX    (36u << 10) /* the largest: a CSR of RF_ACME_CSR_MAX in base64url */
#define BODY_MAX       (64u << 10)

enum step {
    DIRECTORY, ACCOUNT, CONTACTS, NEW_KEY, WINDOW, REVOKE, NEW_ORDER, ORDER, AUTHORIZATION, CHALLENGE, FINALIZE,
    CERTIFICATE, ALTERNATE, END
};

struct rf_acme_run {
    struct rf_acme_run_conf conf;
    enum step step;
    bool asks_nonce;                 /* the request under way is for a nonce */
    bool waits;                      /* took() wants to wait until due_us before the next request */
    bool was_account_lost, replaces_refused, sent_replaces, is_resumed, is_proving, shows;
    unsigned bad_nonces, silent, polls;
    uint64_t started_us, due_us, now_us;
    int64_t wall_s;
    size_t at;                       /* authorization under way */
    size_t alternate_at, alternates;
    char nonce[RF_ACME_NONCE_MAX];
    char order_url[RF_ACME_URL_MAX];
    char alternate[ALTERNATES_MAX][RF_ACME_URL_MAX];
    char thumbprint[RF_ACME_THUMBPRINT_MAX];
    char shown_name[RF_ACME_NAME_MAX], shown_token[RF_ACME_TOKEN_MAX];
    char *chain;                     /* owned */
    struct rf_acme_directory directory;
    struct rf_acme_order order;
    struct rf_acme_authz authz;
    struct rf_acme_request request;
    struct rf_acme_result result;
    char payload[PAYLOAD_MAX], body[BODY_MAX];
};

/* --- ends --- */

static void
hide(struct rf_acme_run *r)
{
    if (r->shows) /* (R2) */
        r->conf.hide(r->conf.ctx, r->conf.challenge, r->shown_name, r->shown_token);
    r->shows = false;
}

static const char *step_name(enum step s);

static enum step
fail(struct rf_acme_run *r, enum rf_err err, const char *sentence)
{
    hide(r);
    r->result.err = err;
    snprintf(r->result.step, sizeof r->result.step, "%s", step_name(r->step));
    if (sentence != NULL)
        snprintf(r->result.problem.detail, sizeof r->result.problem.detail, "%s", sentence);
    return END;
}

static enum step
fail_with(struct rf_acme_run *r, enum rf_err err, const struct rf_acme_problem *p)
{
    r->result.problem = *p;
    return fail(r, err, NULL);
}

static enum step
nonsense(struct rf_acme_run *r, enum rf_err err)
{
    char sentence[160];

    snprintf(sentence, sizeof sentence, "the server's answer to %s cannot be read (%s)", step_name(r->step),
             rf_err_text(err));
    return fail(r, RF_ERR_SYNTAX, sentence);
}

static enum step
wait_s(struct rf_acme_run *r, int64_t seconds, enum step next)
{
    r->waits = true;
    r->due_us = r->now_us + (uint64_t)seconds * RF_S;
    return next;
}

/* Ask for the same object again: after what the server said, or 1, 2, 4 ... 15 s. */
static enum step
poll_again(struct rf_acme_run *r, const struct rf_acme_response *a, enum step next)
{
    int64_t seconds = rf_acme_retry_after(a->retry_after, r->wall_s);

    if (++r->polls > POLLS_MAX) /* (R1) */
        return fail(r, RF_ERR_TIMEOUT, "the CA did not come to a decision in time");
    if (seconds == 0)
        seconds = r->polls <= 4 ? 1 << (r->polls - 1) : POLL_MAX_S;
    return wait_s(r, seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S, next);
}

/* --- the steps --- */

static enum rf_err
ask_directory(struct rf_acme_run *r, struct rf_buf *payload)
{
    return rf_span_copy(rf_span_str(r->conf.account->directory), r->request.url, sizeof r->request.url);
}

static enum step
after_account(const struct rf_acme_run *r)
{
    switch (r->conf.goal) {
    case RF_ACME_NEW_KEY:
        return NEW_KEY;
    case RF_ACME_REVOKE:
        return REVOKE;
    case RF_ACME_ASK_WINDOW:
        return WINDOW;
    case RF_ACME_ISSUE:
        break;
    }
    return r->order_url[0] != '\0' ? ORDER : NEW_ORDER;
}

static bool
knows_profile(const struct rf_acme_run *r)
{
    for (size_t i = 0; i < r->directory.profile_count; i++)
        if (strcmp(r->directory.profile[i], r->conf.profile) == 0)
            return true;
    return false;
}

static enum step
took_directory(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    const struct rf_acme_account *account = r->conf.account;
    enum rf_err err = rf_acme_directory_read(a->body, &r->directory);
    char sentence[RF_ACME_DETAIL_MAX];

    if (err)
        return nonsense(r, err);
    snprintf(r->result.terms, sizeof r->result.terms, "%s", r->directory.terms);
    if (r->conf.goal == RF_ACME_ASK_WINDOW)
        return r->directory.renewal_info[0] != '\0' ? WINDOW : END;
    if (r->conf.goal == RF_ACME_ISSUE && r->conf.profile[0] != '\0' && !knows_profile(r)) {
        snprintf(sentence, sizeof sentence, "the CA has no profile %s", r->conf.profile);
        return fail(r, RF_ERR_REFUSED, sentence);
    }
    if (account->url[0] != '\0')
        return account->contact_count > 0 && r->conf.goal == RF_ACME_ISSUE && account->contact_changed
                   ? CONTACTS
                   : after_account(r);
    if (r->directory.terms[0] != '\0' && !account->terms_agreed) {
        snprintf(sentence, sizeof sentence, "the CA wants its terms of service to be agreed to: %.300s",
                 r->directory.terms);
        return fail(r, RF_ERR_REFUSED, sentence);
    }
    if (r->directory.wants_external_account && account->external_id == NULL)
        return fail(r, RF_ERR_REFUSED,
                    "the CA wants an account that was made outside of ACME: set external-account-id and "
                    "external-account-key");
    return ACCOUNT;
}

static void
put_contacts(const struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;

    rf_put_str(payload, "\"contact\":[");
    for (size_t i = 0; i < account->contact_count; i++) {
        if (i > 0)
            rf_put_char(payload, ',');
        rf_put_json_string(payload, rf_span_str(account->contact[i]));
    }
    rf_put_char(payload, ']');
}

/* RFC 8555 7.3.4: the account's public key, signed with the key that the CA gave out of band. */
static enum rf_err
put_external_account(const struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;
    const struct rf_jws inner = { .mac = account->external_key, .kid = account->external_id,
                                  .url = r->directory.new_account };
    char mem[2048];
    struct rf_buf jwk = rf_buf(mem, sizeof mem);
    enum rf_err err = rf_jwk_put(&jwk, account->key);

    rf_put_str(payload, ",\"externalAccountBinding\":");
    return err ? err : rf_jws_put(payload, &inner, rf_buf_span(&jwk));
}

static enum rf_err
ask_account(struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;

    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.new_account);
    rf_put_char(payload, '{');
    if (account->terms_agreed)
        rf_put_str(payload, "\"termsOfServiceAgreed\":true,");
    put_contacts(r, payload);
    if (account->external_id != NULL) {
        enum rf_err err = put_external_account(r, payload);

        if (err)
            return err;
    }
    rf_put_char(payload, '}');
    return RF_OK;
}

static enum step
took_account(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    struct rf_acme_account *account = r->conf.account;

    if (!rf_acme_url_is_valid(a->location) ||
        rf_span_copy(a->location, account->url, sizeof account->url) != RF_OK)
        return nonsense(r, RF_ERR_SYNTAX);
    r->conf.note(r->conf.ctx, account->url, NULL);
    return after_account(r);
}

static enum rf_err
ask_contacts(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->conf.account->url);
    rf_put_char(payload, '{');
    put_contacts(r, payload);
    rf_put_char(payload, '}');
    return RF_OK;
}

static enum step
took_contacts(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    r->conf.account->contact_changed = false;
    r->conf.note(r->conf.ctx, r->conf.account->url, NULL);
    return after_account(r);
}

static enum rf_err
ask_new_key(struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;
    const struct rf_jws inner = { .key = r->conf.new_key, .url = r->directory.key_change };
    char mem[4096];
    struct rf_buf change = rf_buf(mem, sizeof mem);
    enum rf_err err;

    if (r->directory.key_change[0] == '\0')
        return RF_ERR_UNSUPPORTED;
    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.key_change);
    rf_put_str(&change, "{\"account\":");
    rf_put_json_string(&change, rf_span_str(account->url));
    rf_put_str(&change, ",\"oldKey\":");
    err = rf_jwk_put(&change, account->key);
    rf_put_char(&change, '}');
    if (!err)
        err = rf_buf_done(&change);
    return err ? err : rf_jws_put(payload, &inner, rf_buf_span(&change));
}

static enum step
took_end(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    return END;
}

static enum rf_err
ask_window(struct rf_acme_run *r, struct rf_buf *payload)
{
    struct rf_buf url = rf_buf(r->request.url, sizeof r->request.url - 1);
    size_t n = strlen(r->directory.renewal_info);
    enum rf_err err;

    rf_put_str(&url, r->directory.renewal_info);
    if (r->directory.renewal_info[n - 1] != '/')
        rf_put_char(&url, '/');
    err = rf_acme_certificate_id(r->conf.chain, &url);
    r->request.url[url.n] = '\0';
    return err ? err : rf_buf_done(&url);
}

static enum step
took_window(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    enum rf_err err = rf_acme_window_read(a->body, &r->result.window);

    if (err)
        return nonsense(r, err);
    r->result.has_window = true;
    r->result.retry_after_s = rf_acme_retry_after(a->retry_after, r->wall_s);
    return END;
}

static enum rf_err
ask_revoke(struct rf_acme_run *r, struct rf_buf *payload)
{
    char mem[8192]; /* DER of one certificate: 64 names of 100 octets */
    struct rf_buf der = rf_buf(mem, sizeof mem);
    enum rf_err err = rf_acme_leaf_der(r->conf.chain, &der);

    if (r->directory.revoke_cert[0] == '\0')
        return RF_ERR_UNSUPPORTED;
    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.revoke_cert);
    rf_put_str(payload, "{\"certificate\":\"");
    rf_put_base64url(payload, der.p, der.n);
    rf_put_str(payload, "\"}");
    return err;
}

static enum rf_err
ask_new_order(struct rf_acme_run *r, struct rf_buf *payload)
{
    char mem[256];
    struct rf_buf id = rf_buf(mem, sizeof mem);

    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.new_order);
    rf_put_str(payload, "{\"identifiers\":[");
    for (size_t i = 0; i < r->conf.names; i++) {
        rf_putf(payload, "%s{\"type\":\"%s\",\"value\":", i > 0 ? "," : "",
                rf_acme_name_is_address(r->conf.name[i]) ? "ip" : "dns");
        rf_put_json_string(payload, rf_span_str(r->conf.name[i]));
        rf_put_char(payload, '}');
    }
    rf_put_char(payload, ']');
    if (r->conf.profile[0] != '\0') {
        rf_put_str(payload, ",\"profile\":");
        rf_put_json_string(payload, rf_span_str(r->conf.profile));
    }
    /* RFC 9773 5: some CAs free the renewal of their rate limits by this. */
    r->sent_replaces = r->directory.renewal_info[0] != '\0' && r->conf.chain.n > 0 && !r->replaces_refused &&
                       rf_acme_certificate_id(r->conf.chain, &id) == RF_OK;
    if (r->sent_replaces) {
        rf_put_str(payload, ",\"replaces\":");
        rf_put_json_string(payload, rf_buf_span(&id));
    }
    rf_put_char(payload, '}');
    return RF_OK;
}

static enum step
order_failed(struct rf_acme_run *r)
{
    if (r->is_resumed) { /* it ended while we were away: nothing was lost */
        r->is_resumed = r->is_proving = false;
        r->order_url[0] = '\0';
        return NEW_ORDER;
    }
    r->result.order_is_dead = true;
    if (r->order.has_problem)
        return fail_with(r, RF_ERR_REFUSED, &r->order.problem);
    return fail(r, RF_ERR_REFUSED, "the CA declared the order invalid and did not say why");
}

/* What an order's status asks for. */
static enum step
follow_order(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    enum rf_err err = rf_acme_order_read(a->body, &r->order);

    if (err)
        return nonsense(r, err);
    switch (r->order.status) {
    case RF_ACME_PENDING:
        if (r->at < r->order.authz_count)
            return AUTHORIZATION;
        return poll_again(r, a, ORDER);
    case RF_ACME_READY:
        r->polls = 0;
        return FINALIZE;
    case RF_ACME_PROCESSING:
        return poll_again(r, a, ORDER);
    case RF_ACME_VALID:
        if (r->order.certificate[0] == '\0')
            return nonsense(r, RF_ERR_SYNTAX);
        r->polls = 0;
        return CERTIFICATE;
    default:
        return order_failed(r);
    }
}

static enum step
took_new_order(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    if (!rf_acme_url_is_valid(a->location) || rf_span_copy(a->location, r->order_url, sizeof r->order_url) != RF_OK)
        return nonsense(r, RF_ERR_SYNTAX);
    r->at = 0;
    r->polls = 0;
    r->conf.note(r->conf.ctx, NULL, r->order_url);
    return follow_order(r, a);
}

static enum rf_err
ask_order(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->order_url);
    return RF_OK;
}

static enum rf_err
ask_authorization(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->order.authz[r->at]);
    return RF_OK;
}

static bool
is_ordered(const struct rf_acme_run *r, const char *name)
{
    for (size_t i = 0; i < r->conf.names; i++)
        if (strcmp(r->conf.name[i], name) == 0)
            return true;
    return false;
}

static enum step
prove(struct rf_acme_run *r)
{
    const struct rf_acme_challenge *c = &r->authz.challenge[r->conf.challenge];
    char text[RF_ACME_TOKEN_MAX + RF_ACME_THUMBPRINT_MAX + 1], sentence[RF_ACME_DETAIL_MAX];

    if (!c->is_offered) {
        r->result.order_is_dead = true;
        snprintf(sentence, sizeof sentence, "the CA does not offer %s for %s",
                 rf_acme_challenge_name(r->conf.challenge), r->authz.name);
        return fail(r, RF_ERR_REFUSED, sentence);
    }
    snprintf(text, sizeof text, "%s.%s", c->token, r->thumbprint);
    snprintf(r->shown_name, sizeof r->shown_name, "%s", r->authz.name);
    snprintf(r->shown_token, sizeof r->shown_token, "%s", c->token);
    r->conf.show(r->conf.ctx, r->conf.challenge, r->shown_name, r->shown_token, text);
    r->shows = true;
    return CHALLENGE;
}

static enum step
took_authorization(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    char sentence[RF_ACME_DETAIL_MAX];
    enum rf_err err = rf_acme_authz_read(a->body, &r->authz);

    if (err)
        return nonsense(r, err);
    if (!is_ordered(r, r->authz.name))
        return fail(r, RF_ERR_SYNTAX, "the CA wants a proof for a name that was not ordered");
    switch (r->authz.status) {
    case RF_ACME_VALID:
        hide(r);
        r->is_proving = false;
        r->polls = 0;
        return ++r->at < r->order.authz_count ? AUTHORIZATION : ORDER;
    case RF_ACME_PENDING:
    case RF_ACME_PROCESSING:
        if (!r->shows && prove(r) == END)
            return END;
        if (!r->is_proving && r->authz.challenge[r->conf.challenge].status == RF_ACME_PENDING)
            return CHALLENGE;
        return poll_again(r, a, AUTHORIZATION);
    default:
        break;
    }
    hide(r);
    if (r->is_resumed)
        return order_failed(r);
    r->result.order_is_dead = true;
    if (!r->authz.has_problem) {
        snprintf(sentence, sizeof sentence, "the CA does not believe that %s is ours and did not say why",
                 r->authz.name);
        return fail(r, RF_ERR_REFUSED, sentence);
    }
    return fail_with(r, RF_ERR_REFUSED, &r->authz.problem);
}

static enum rf_err
ask_challenge(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->authz.challenge[r->conf.challenge].url);
    rf_put_str(payload, "{}");
    return RF_OK;
}

static enum step
took_challenge(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    r->is_proving = true;
    r->polls = 0;
    return poll_again(r, a, AUTHORIZATION);
}

static enum rf_err
ask_finalize(struct rf_acme_run *r, struct rf_buf *payload)
{
    char *mem = malloc(RF_ACME_CSR_MAX);
    struct rf_buf der = rf_buf(mem, RF_ACME_CSR_MAX);
    enum rf_err err = mem != NULL ? rf_acme_csr_put(&der, r->conf.new_key, r->conf.name, r->conf.names) : RF_ERR_NOMEM;

    snprintf(r->request.url, sizeof r->request.url, "%s", r->order.finalize);
    rf_put_str(payload, "{\"csr\":\"");
    rf_put_base64url(payload, der.p, der.n);
    rf_put_str(payload, "\"}");
    free(mem);
    return err;
}

static enum rf_err
ask_certificate(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->order.certificate);
    r->request.answer_max = RF_ACME_CHAIN_MAX;
    return RF_OK;
}

/* The chain replaces the one that is there already, when it is what was ordered. */
static enum rf_err
keep_chain(struct rf_acme_run *r, struct rf_span body, char *why, size_t why_size)
{
    enum rf_err err = rf_acme_chain_check(body, r->conf.new_key, r->conf.name, r->conf.names, r->wall_s, why, why_size);
    char *copy = err ? NULL : rf_span_dup(body);

    if (err)
        return err;
    if (copy == NULL)
        return RF_ERR_NOMEM;
    free(r->chain);
    r->chain = copy;
    r->result.chain = rf_span_str(copy);
    return RF_OK;
}

static enum step
next_alternate(struct rf_acme_run *r)
{
    return r->alternate_at < r->alternates ? ALTERNATE : END;
}

static enum step
took_certificate(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    char why[RF_ACME_DETAIL_MAX] = "";
    enum rf_err err = keep_chain(r, a->body, why, sizeof why);

    if (err) {
        r->result.order_is_dead = true;
        return fail(r, err, why[0] != '\0' ? why : rf_err_text(err));
    }
    if (r->conf.authority[0] == '\0' || rf_acme_chain_is_from(a->body, r->conf.authority))
        return END;
    for (size_t i = 0; i < a->links && r->alternates < ALTERNATES_MAX; i++)
        if (rf_acme_link_read(a->link[i], "alternate", r->alternate[r->alternates]) == RF_OK)
            r->alternates++;
    return next_alternate(r);
}

static enum rf_err
ask_alternate(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->alternate[r->alternate_at]);
    r->request.answer_max = RF_ACME_CHAIN_MAX;
    return RF_OK;
}

/* None that fits is no failure: the CA's first choice works, too. */
static enum step
took_alternate(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    char why[RF_ACME_DETAIL_MAX];

    r->alternate_at++;
    if (rf_acme_chain_is_from(a->body, r->conf.authority) && keep_chain(r, a->body, why, sizeof why) == RF_OK)
        return END;
    return next_alternate(r);
}

enum signing { NOT_SIGNED, BY_JWK, BY_ACCOUNT };

static const struct step_row {
    const char *name;
    enum signing signing;
    enum rf_err (*ask)(struct rf_acme_run *r, struct rf_buf *payload); /* sets request.url, writes the payload */
    enum step (*took)(struct rf_acme_run *r, const struct rf_acme_response *a);
} steps[] = {
    [DIRECTORY] = { "directory", NOT_SIGNED, ask_directory, took_directory },
    [ACCOUNT] = { "newAccount", BY_JWK, ask_account, took_account },
    [CONTACTS] = { "account", BY_ACCOUNT, ask_contacts, took_contacts },
    [NEW_KEY] = { "keyChange", BY_ACCOUNT, ask_new_key, took_end },
    [WINDOW] = { "renewalInfo", NOT_SIGNED, ask_window, took_window },
    [REVOKE] = { "revokeCert", BY_ACCOUNT, ask_revoke, took_end },
    [NEW_ORDER] = { "newOrder", BY_ACCOUNT, ask_new_order, took_new_order },
    [ORDER] = { "order", BY_ACCOUNT, ask_order, follow_order },
    [AUTHORIZATION] = { "authorization", BY_ACCOUNT, ask_authorization, took_authorization },
    [CHALLENGE] = { "challenge", BY_ACCOUNT, ask_challenge, took_challenge },
    [FINALIZE] = { "finalize", BY_ACCOUNT, ask_finalize, follow_order },
    [CERTIFICATE] = { "certificate", BY_ACCOUNT, ask_certificate, took_certificate },
    [ALTERNATE] = { "alternate", BY_ACCOUNT, ask_alternate, took_alternate },
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
        r->step = fail(r, err, sentence);
        return (struct rf_acme_action){ .act = RF_ACME_END };
    }
    return (struct rf_acme_action){ .act = RF_ACME_SEND, .request = &r->request };
}

/* One function changes the step. */
static struct rf_acme_action
go_to(struct rf_acme_run *r, enum step next)
{
    if (next != END && r->now_us - r->started_us > RUN_MAX_US) /* (R1) */
        next = fail(r, RF_ERR_TIMEOUT, "the CA took too long");
    r->step = next;
    if (next == END) {
        hide(r);
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
        return fail(r, RF_ERR_CLOSED, NULL);
    }
    snprintf(sentence, sizeof sentence, "the CA cannot be reached: %s", a->failure != NULL ? a->failure : "no answer");
    return fail(r, RF_ERR_CLOSED, sentence);
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
        return fail_with(r, RF_ERR_AGAIN, &p);
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
            return order_failed(r);
        break;
    case FINALIZE:
        if (is_type(&p, "orderNotReady"))
            return poll_again(r, a, ORDER);
        break;
    case WINDOW: /* the CA need not know every certificate */
        return END;
    case ALTERNATE:
        r->alternate_at++;
        return next_alternate(r);
    default:
        break;
    }
    r->result.order_is_dead = true;
    return fail_with(r, RF_ERR_REFUSED, &p);
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
        next = r->nonce[0] != '\0' ? r->step : fail(r, RF_ERR_SYNTAX, "the CA gave no nonce that can be used");
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
    hide(r);
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
