#include "acme/keeper.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "acme/inside.h"
#include "acme/selftest.h"
#include "base/refusal.h"
#include "base/secret.h"
#include "base/tally.h"
#include "loop/wheel.h"

#define LOOK_US (30 * RF_S) /* the wall clock may be set: look at it this often */
#define DAY_S   86400

/* --- the store --- */

static enum rf_err
save_entry(struct acme_entry *e)
{
    char *text = rf_acme_state_encode(&e->s);
    enum rf_err err = text != NULL ? e->keeper->user.save(e->keeper->user.ctx, RF_ACME_ITEM_CERTIFICATE, e->name,
                                                          rf_span_str(text))
                                   : RF_ERR_NOMEM;

    rf_acme_text_free(text);
    return err;
}

static enum rf_err
save_account(struct rf_acme_keeper *k, const struct acme_account *a)
{
    char *text = rf_acme_account_encode(a);
    enum rf_err err =
        text != NULL ? k->user.save(k->user.ctx, RF_ACME_ITEM_ACCOUNT, a->name, rf_span_str(text)) : RF_ERR_NOMEM;

    rf_acme_text_free(text);
    return err;
}

static bool
read_life(const struct acme_state *s, struct rf_acme_life *life)
{
    struct rf_cert_problem problem = { 0 };
    char mem[RF_ACME_KEY_PEM_MAX];
    struct rf_buf key = rf_buf(mem, sizeof mem);
    struct rf_cert *c = NULL;
    bool fine = s->chain != NULL && s->key != NULL && rf_acme_key_put(&key, s->key) == RF_OK &&
                rf_cert_from_pem(&c, rf_span_str(s->chain), rf_buf_span(&key), &problem) == RF_OK;

    rf_wipe(mem, sizeof mem);
    if (fine)
        *life = (struct rf_acme_life){ rf_cert_facts(c)->not_before, rf_cert_facts(c)->not_after };
    rf_cert_unref(c);
    return fine;
}

struct acme_entry *
rf_acme_entry_of(struct rf_acme_keeper *k, const char *name)
{
    RF_LIST_FOREACH(&k->entries, it)
        if (strcmp(rf_container(it, struct acme_entry, link)->name, name) == 0)
            return rf_container(it, struct acme_entry, link);
    return NULL;
}

struct acme_entry *
rf_acme_entry_new(struct rf_acme_keeper *k, const char *name)
{
    struct acme_entry *e = calloc(1, sizeof *e);
    const char *slash = strrchr(name, '/');

    if (e == NULL)
        return NULL;
    e->keeper = k;
    snprintf(e->name, sizeof e->name, "%s", name);
    e->kind = slash != NULL && strcmp(slash, "/rsa") == 0 ? RF_ACME_RSA : RF_ACME_ECDSA;
    rf_list_append(&k->entries, &e->link);
    return e;
}

void
rf_acme_keeper_load(struct rf_acme_keeper *k, struct rf_span kind, struct rf_span name, struct rf_span value)
{
    char text[RF_ACME_URL_MAX + 260];
    enum rf_err err = rf_span_copy(name, text, sizeof text);

    if (!err && rf_span_is(kind, RF_ACME_ITEM_ACCOUNT)) {
        struct acme_account *a = calloc(1, sizeof *a);

        if (a == NULL)
            return;
        snprintf(a->name, sizeof a->name, "%s", text);
        err = rf_acme_account_decode(value, a);
        if (err)
            free(a);
        else
            rf_list_append(&k->accounts, &a->link);
    } else if (!err && strlen(text) < sizeof((struct acme_entry *)0)->name) {
        struct acme_entry *e = rf_acme_entry_new(k, text);

        if (e == NULL)
            return;
        err = rf_acme_state_decode(value, &e->s);
        if (!err && e->s.chain != NULL && !read_life(&e->s, &e->life)) {
            free(e->s.chain);
            e->s.chain = NULL;
            err = RF_ERR_SYNTAX;
        }
    }
    if (err)
        RF_LOGF(RF_LOG_ERROR, "acme.damaged", "what the store has of a certificate or account cannot be read",
                RF_F_STR("name", text), RF_F_STR("reason", rf_err_text(err)));
}

/* --- accounts --- */

struct acme_account *
rf_acme_account_of(struct rf_acme_keeper *k, const struct rf_acme_certificate *c)
{
    char name[RF_ACME_URL_MAX + 260];
    struct acme_account *a;

    snprintf(name, sizeof name, "%s%s%s", c->directory, c->external_id[0] != '\0' ? " " : "", c->external_id);
    RF_LIST_FOREACH(&k->accounts, it)
        if (strcmp(rf_container(it, struct acme_account, link)->name, name) == 0)
            return rf_container(it, struct acme_account, link);
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    snprintf(a->name, sizeof a->name, "%s", name);
    a->a.key = rf_acme_key_new(RF_ACME_ECDSA);
    if (a->a.key == NULL || save_account(k, a) != RF_OK) { /* (K2) */
        EVP_PKEY_free(a->a.key);
        free(a);
        return NULL;
    }
    rf_list_append(&k->accounts, &a->link);
    return a;
}

static void
join(char *out, size_t size, const char *words, size_t stride, size_t n)
{
    struct rf_buf b = rf_buf(out, size - 1);

    for (size_t i = 0; i < n; i++)
        rf_putf(&b, "%s%s", i > 0 ? " " : "", words + i * stride);
    out[b.n] = '\0';
}

/* What the configuration says about it, for the run that is about to start. */
static void
dress_account(struct acme_account *a, const struct rf_acme_certificate *c)
{
    char contacts[sizeof a->contacts];

    a->a.directory = c->directory;
    a->a.contact_count = c->contacts;
    memcpy(a->a.contact, c->contact, sizeof a->a.contact);
    join(contacts, sizeof contacts, c->contact[0], RF_ACME_CONTACT_MAX, c->contacts);
    a->a.contact_changed = strcmp(contacts, a->contacts) != 0;
    a->a.terms_agreed = c->terms_agreed;
    a->a.external_id = c->external_id[0] != '\0' ? c->external_id : NULL;
    a->a.external_key = rf_span(c->external_key, c->external_key_n);
}

/* --- what runs tell --- */

static void
on_show(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token, const char *authorization)
{
    struct acme_entry *e = ctx;

    e->keeper->user.show(e->keeper->user.ctx, kind, name, token, authorization);
}

static void
on_hide(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token)
{
    struct acme_entry *e = ctx;

    e->keeper->user.hide(e->keeper->user.ctx, kind, name, token);
}

static void
on_note(void *ctx, const char *account_url, const char *order_url)
{
    struct acme_entry *e = ctx;
    struct acme_account *a = e->account;
    enum rf_err err = RF_OK;

    if (account_url != NULL) {
        join(a->contacts, sizeof a->contacts, a->a.contact[0], RF_ACME_CONTACT_MAX, a->a.contact_count);
        err = save_account(e->keeper, a);
    }
    if (order_url != NULL) {
        snprintf(e->s.order, sizeof e->s.order, "%s", order_url);
        err = save_entry(e);
    }
    if (err) /* it only costs a second order after a restart */
        RF_LOGF(RF_LOG_WARN, "acme.not_saved", "the state of an order could not be written",
                RF_F_STR("certificate", e->name), RF_F_STR("reason", rf_err_text(err)));
}

/* --- the end of a run --- */

static int64_t
days_left(const struct acme_entry *e)
{
    return e->s.chain != NULL ? (e->life.not_after - e->keeper->wall_s) / DAY_S : 0;
}

static bool
is_any(const char *type, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(type, *list) == 0)
            return true;
    return false;
}

/* The codes that a person can look up, with the CA's own words. */
static void
refuse_failure(const struct acme_entry *e, const struct rf_acme_result *r)
{
    static const char *const unreachable[] = { "connection", "tls", NULL };
    static const char *const elsewhere[] = { "dns", "unauthorized", "incorrectResponse", NULL };
    const char *detail = e->s.problem, *name = e->conf->name[0];
    bool is_proof = strcmp(r->step, "authorization") == 0 || strcmp(r->step, "challenge") == 0;
    const struct rf_log_field fields[] = { RF_F_STR("name", name), RF_F_STR("certificate", e->name),
                                           RF_F_STR("detail", detail), RF_F_I64("days", days_left(e)),
                                           RF_F_U64("failures", e->s.failures), RF_F_STR("label", e->conf->label),
                                           { 0 } };

    if (is_proof && is_any(r->problem.type, unreachable) && e->conf->challenge == RF_ACME_HTTP_01)
        rf_refuse(RF_REFUSE_ACME_UNREACHABLE, fields);
    else if (is_proof && is_any(r->problem.type, elsewhere))
        rf_refuse(RF_REFUSE_ACME_ELSEWHERE, fields);
    if (e->s.failures >= 2)
        rf_refuse(RF_REFUSE_ACME_FAILING, fields);
}

static void
failed(struct acme_entry *e, const struct rf_acme_result *r)
{
    struct acme_state *s = &e->s;

    s->failures++;
    rf_count(&rf_tally_mine()->renewals[RF_TALLY_NOT_DONE], 1);
    s->next_s = e->keeper->wall_s + rf_acme_retry_s(s->failures, s->chain != NULL ? &e->life : NULL, r->retry_after_s,
                                                    e->keeper->user.rand);
    snprintf(s->problem, sizeof s->problem, "%s", r->problem.detail);
    snprintf(s->step, sizeof s->step, "%s", r->step);
    if (r->order_is_dead) {
        s->order[0] = '\0';
        free(s->next_names);
        s->next_names = NULL;
    }
    RF_LOGF(RF_LOG_WARN, "acme.failing", "a certificate could not be obtained; what is there stays",
            RF_F_STR("certificate", e->name), RF_F_STR("step", s->step), RF_F_STR("type", r->problem.type),
            RF_F_STR("detail", s->problem), RF_F_U64("failures", s->failures),
            RF_F_I64("again_in_s", s->next_s - e->keeper->wall_s));
    refuse_failure(e, r);
    if (save_entry(e) != RF_OK)
        RF_LOGF(RF_LOG_WARN, "acme.not_saved", "the state of an order could not be written",
                RF_F_STR("certificate", e->name));
}

static void
failed_here(struct acme_entry *e, const char *step, const char *why)
{
    struct rf_acme_result r = { .err = RF_ERR_IO };

    snprintf(r.step, sizeof r.step, "%s", step);
    snprintf(r.problem.detail, sizeof r.problem.detail, "%s", why);
    failed(e, &r);
}

static void
say_issued(const struct acme_entry *e, const struct rf_cert_facts *f, bool is_renewal)
{
    RF_LOGF(RF_LOG_INFO, is_renewal ? "acme.renewed" : "acme.issued",
            is_renewal ? "a certificate was renewed" : "a certificate was issued", RF_F_STR("certificate", e->name),
            RF_F_STR("names", e->s.names), RF_F_STR("key", f->key), RF_F_STR("serial", f->serial),
            RF_F_STR("issuer", f->issuer), RF_F_I64("not_after", f->not_after),
            RF_F_I64("life_s", f->not_after - f->not_before));
}

/* The new pair: handshake, disk, then into force (K1). */
static void
issued(struct acme_entry *e, const struct rf_acme_result *r)
{
    char mem[RF_ACME_KEY_PEM_MAX], why[200] = "it cannot be read";
    struct rf_buf key = rf_buf(mem, sizeof mem);
    struct rf_cert_problem problem = { 0 };
    struct rf_cert *c = NULL;
    struct acme_state was = e->s, next = was;
    enum rf_err err = rf_acme_key_put(&key, was.next_key);

    if (!err)
        err = rf_cert_from_pem(&c, r->chain, rf_buf_span(&key), &problem);
    rf_wipe(mem, sizeof mem);
    if (!err)
        err = rf_acme_selftest(c, why, sizeof why);
    if (err) {
        e->s.order[0] = '\0';
        failed_here(e, "self-test", why);
        rf_cert_unref(c);
        return;
    }
    next.chain = rf_span_dup(r->chain);
    next.key = was.next_key;
    next.next_key = NULL;
    next.names = was.next_names;
    next.next_names = NULL;
    snprintf(next.directory, sizeof next.directory, "%s", e->conf->directory);
    next.order[0] = next.problem[0] = next.step[0] = '\0';
    next.failures = next.warned = 0;
    next.next_s = next.window_again_s = next.moment_s = 0;
    next.has_window = false;
    next.issued_s = e->keeper->wall_s;
    e->s = next;
    if (next.chain == NULL || save_entry(e) != RF_OK) {
        free(next.chain);
        e->s = was;
        failed_here(e, "store", "the certificate was issued and could not be written to disk");
        rf_cert_unref(c);
        return;
    }
    free(was.chain);
    free(was.names);
    EVP_PKEY_free(was.key);
    e->life = (struct rf_acme_life){ rf_cert_facts(c)->not_before, rf_cert_facts(c)->not_after };
    e->was_revoked = false;
    say_issued(e, rf_cert_facts(c), was.chain != NULL);
    rf_count(&rf_tally_mine()->renewals[RF_TALLY_DONE], 1);
    e->keeper->user.deploy(e->keeper->user.ctx, e->conf->label);
    rf_cert_unref(c);
}

static void
took_window(struct acme_entry *e, const struct rf_acme_result *r)
{
    struct acme_state *s = &e->s;
    bool is_new = r->has_window && (!s->has_window || s->window.start_s != r->window.start_s ||
                                    s->window.end_s != r->window.end_s);

    /* Where it is not offered, a look a day is enough to see that it is. */
    s->window_again_s = e->keeper->wall_s +
                        rf_acme_window_again_s(r->has_window || s->has_window ? r->retry_after_s : DAY_S, &e->life);
    if (!r->err)
        s->has_window = r->has_window;
    if (is_new && !r->err) {
        s->window = r->window;
        s->moment_s = rf_acme_window_moment(&r->window, &e->life, e->keeper->user.rand);
        RF_LOGF(RF_LOG_INFO, "acme.window", "the CA named a time for the renewal", RF_F_STR("certificate", e->name),
                RF_F_I64("start", s->window.start_s), RF_F_I64("end", s->window.end_s),
                RF_F_I64("moment", s->moment_s), RF_F_STR("explanation", s->window.explanation));
    }
    if (save_entry(e) != RF_OK)
        RF_LOGF(RF_LOG_WARN, "acme.not_saved", "the renewal window could not be written",
                RF_F_STR("certificate", e->name));
}

static void
took_new_key(struct acme_entry *e, const struct rf_acme_result *r)
{
    struct acme_account *a = e->account;

    a->wants_new_key = false;
    /* After an interruption the CA may have changed the key already: then the old one is refused, and the next
     * account request with the new one finds the account. */
    if (!r->err || (r->err == RF_ERR_REFUSED && a->was_interrupted)) {
        EVP_PKEY_free(a->a.key);
        a->a.key = a->next_key;
        a->next_key = NULL;
        if (r->err)
            a->a.url[0] = '\0';
        a->was_interrupted = false;
        if (save_account(e->keeper, a) != RF_OK) /* the store still has both keys: a restart finds out which */
            RF_LOGF(RF_LOG_ERROR, "acme.not_saved", "the account's new key could not be written");
        else
            RF_LOGF(RF_LOG_INFO, "acme.account_key", "the account has a new key",
                    RF_F_STR("directory", a->a.directory));
        return;
    }
    if (r->err == RF_ERR_REFUSED) {
        EVP_PKEY_free(a->next_key);
        a->next_key = NULL;
        (void)!save_account(e->keeper, a);
    }
    RF_LOGF(RF_LOG_WARN, "acme.account_key_failed", "the account's key could not be changed; the old one stays",
            RF_F_STR("directory", a->a.directory), RF_F_STR("detail", r->problem.detail));
}

static void
took_revocation(struct acme_entry *e, const struct rf_acme_result *r)
{
    e->wants_revocation = false;
    if (r->err && strcmp(r->problem.type, "alreadyRevoked") != 0) {
        RF_LOGF(RF_LOG_WARN, "acme.revocation_failed", "the CA did not revoke the certificate",
                RF_F_STR("certificate", e->name), RF_F_STR("detail", r->problem.detail));
        return;
    }
    RF_LOGF(RF_LOG_WARN, "acme.revoked", "the certificate is revoked; another one is ordered",
            RF_F_STR("certificate", e->name));
    e->was_revoked = e->wants_now = true;
}

static void
run_ended(struct acme_entry *e)
{
    struct rf_acme_run *run = e->run;
    const struct rf_acme_result *r = rf_acme_run_result(run);

    if (r->clock_off_s != 0) {
        char by[32];

        snprintf(by, sizeof by, "%lld s", (long long)r->clock_off_s);
        RF_REFUSE(CLOCK_WRONG, RF_F_STR("by", by), RF_F_STR("directory", e->conf->directory));
    }
    e->run = NULL;
    switch (e->goal) {
    case RF_ACME_ISSUE:
        if (r->err)
            failed(e, r);
        else
            issued(e, r);
        break;
    case RF_ACME_ASK_WINDOW:
        took_window(e, r);
        break;
    case RF_ACME_NEW_KEY:
        took_new_key(e, r);
        break;
    case RF_ACME_REVOKE:
        took_revocation(e, r);
        break;
    }
    e->account->busy = NULL;
    e->account = NULL;
    rf_acme_run_free(run);
}

static void
follow(struct acme_entry *e, struct rf_acme_action action, uint64_t now_us)
{
    struct rf_acme_keeper *k = e->keeper;
    enum rf_err err;

    e->serial = 0;
    e->due_us = UINT64_MAX;
    switch (action.act) {
    case RF_ACME_SEND:
        e->serial = ++k->serial;
        err = k->user.send(k->user.ctx, e->serial, e->conf, action.request);
        if (err) { /* a run tells such an answer a few times to wait, then ends */
            const struct rf_acme_response none = { .failure = rf_err_text(err) };

            follow(e, rf_acme_run_answer(e->run, &none, now_us, k->wall_s), now_us);
        }
        break;
    case RF_ACME_WAIT:
        e->due_us = action.due_us;
        break;
    case RF_ACME_END:
        run_ended(e);
        break;
    }
}

/* --- what is due --- */

static bool
is_for_other_names(const struct acme_entry *e)
{
    char names[RF_ACME_NAMES_MAX * RF_ACME_NAME_MAX];

    join(names, sizeof names, e->conf->name[0], RF_ACME_NAME_MAX, e->conf->names);
    return e->s.names == NULL || strcmp(names, e->s.names) != 0 || strcmp(e->s.directory, e->conf->directory) != 0;
}

/* The moment of the next order, but for failures. */
static int64_t
renew_at(const struct acme_entry *e)
{
    if (e->s.chain == NULL || is_for_other_names(e))
        return 0;
    if (e->s.has_window) {
        /* A window that is past for a certificate of today would have us order for ever. */
        int64_t earliest = e->s.issued_s + (e->life.not_after - e->life.not_before) / 10;
        int64_t tomorrow = e->s.issued_s + DAY_S;

        earliest = earliest < tomorrow ? earliest : tomorrow;
        return e->s.moment_s > earliest ? e->s.moment_s : earliest;
    }
    return rf_acme_renew_at(&e->life, e->conf->renew_before_s);
}

int64_t
rf_acme_order_at(const struct acme_entry *e)
{
    int64_t at = renew_at(e);

    return at > e->s.next_s ? at : e->s.next_s; /* (K4) */
}

/* The key of the next order: that of an interrupted one, the one in force when it is to be kept, or a new one. */
static enum rf_err
choose_key(struct acme_entry *e)
{
    struct acme_state *s = &e->s;
    char names[RF_ACME_NAMES_MAX * RF_ACME_NAME_MAX];

    join(names, sizeof names, e->conf->name[0], RF_ACME_NAME_MAX, e->conf->names);
    if (s->order[0] != '\0' && s->next_key != NULL && s->next_names != NULL && strcmp(s->next_names, names) == 0)
        return RF_OK;
    s->order[0] = '\0';
    EVP_PKEY_free(s->next_key);
    free(s->next_names);
    s->next_names = strdup(names);
    s->next_key = NULL;
    if (e->conf->reuse_key && s->key != NULL && !e->was_revoked && EVP_PKEY_up_ref(s->key) == 1)
        s->next_key = s->key;
    else
        s->next_key = rf_acme_key_new(e->kind);
    if (s->next_key == NULL || s->next_names == NULL)
        return RF_ERR_NOMEM;
    return save_entry(e); /* (K2) */
}

static enum rf_err
prepare(struct acme_entry *e, struct acme_account *a, enum rf_acme_goal goal)
{
    if (goal == RF_ACME_ISSUE)
        return choose_key(e);
    if (goal == RF_ACME_NEW_KEY && a->next_key == NULL) {
        a->next_key = rf_acme_key_new(RF_ACME_ECDSA);
        return a->next_key != NULL ? save_account(e->keeper, a) : RF_ERR_NOMEM; /* (K2) */
    }
    return RF_OK;
}

static void
start(struct acme_entry *e, struct acme_account *a, enum rf_acme_goal goal, uint64_t now_us)
{
    struct rf_acme_keeper *k = e->keeper;
    struct rf_acme_run_conf conf = { .goal = goal, .account = &a->a, .name = e->conf->name, .names = e->conf->names,
                                     .challenge = e->conf->challenge, .profile = e->conf->profile,
                                     .authority = e->conf->authority, .chain = rf_span_str(e->s.chain),
                                     .order = "", .show = on_show, .hide = on_hide, .note = on_note, .ctx = e,
                                     .rand = k->user.rand };
    enum rf_err err;

    dress_account(a, e->conf);
    err = prepare(e, a, goal);
    conf.order = e->s.order;
    conf.new_key = goal == RF_ACME_NEW_KEY ? a->next_key : e->s.next_key;
    if (goal == RF_ACME_ISSUE)
        e->wants_now = false;
    if (!err)
        err = rf_acme_run_new(&e->run, &conf);
    if (err) {
        a->wants_new_key = e->wants_revocation = false;
        failed_here(e, "start", err == RF_ERR_IO ? "the store does not take the new key" : rf_err_text(err));
        return;
    }
    e->goal = goal;
    e->account = a;
    a->busy = e; /* (K3) */
    follow(e, rf_acme_run_start(e->run, now_us, k->wall_s), now_us);
}

/* Start what is due for this entry, if its account is free. */
static void
consider(struct acme_entry *e, uint64_t now_us)
{
    struct rf_acme_keeper *k = e->keeper;
    bool orders = e->wants_now || k->wall_s >= rf_acme_order_at(e);
    bool asks = e->s.chain != NULL && k->wall_s >= e->s.window_again_s && k->wall_s >= e->s.next_s;
    struct acme_account *a = rf_acme_account_of(k, e->conf);

    if (a == NULL) {
        if (orders)
            failed_here(e, "account", "the store does not take the account's key");
        return;
    }
    if (a->busy != NULL)
        return;
    if (a->wants_new_key || a->next_key != NULL)
        start(e, a, RF_ACME_NEW_KEY, now_us);
    else if (e->wants_revocation)
        start(e, a, RF_ACME_REVOKE, now_us);
    else if (orders)
        start(e, a, RF_ACME_ISSUE, now_us);
    else if (asks)
        start(e, a, RF_ACME_ASK_WINDOW, now_us);
}

static void
warn(struct acme_entry *e)
{
    unsigned due;

    if (e->s.chain == NULL || e->s.failures == 0)
        return; /* nothing is wrong: it will be renewed in time */
    due = rf_acme_warnings_due(&e->life, e->keeper->wall_s);
    if (due <= e->s.warned)
        return;
    e->s.warned = due;
    RF_REFUSE(CERT_EXPIRING, RF_F_STR("name", e->conf->name[0]), RF_F_STR("owner", "our own, renewed by itself"),
              RF_F_I64("days", days_left(e)));
    (void)!save_entry(e);
}

uint64_t
rf_acme_keeper_tick(struct rf_acme_keeper *k, uint64_t now_us, int64_t wall_s)
{
    uint64_t next_us = now_us + LOOK_US;

    k->wall_s = wall_s;
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);

        if (e->conf == NULL)
            continue;
        if (e->run != NULL && e->serial == 0 && now_us >= e->due_us)
            follow(e, rf_acme_run_due(e->run, now_us, wall_s), now_us);
        if (e->run == NULL) {
            warn(e);
            consider(e, now_us);
        }
    }
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);
        int64_t at;

        if (e->conf == NULL || e->serial != 0)
            continue;
        if (e->run != NULL) {
            next_us = e->due_us < next_us ? e->due_us : next_us;
            continue;
        }
        at = rf_acme_order_at(e);
        if (e->s.chain != NULL && e->s.window_again_s < at)
            at = e->s.window_again_s > e->s.next_s ? e->s.window_again_s : e->s.next_s;
        /* An account that is busy with another entry: look again in a second. */
        at = at > wall_s ? at - wall_s : 1;
        if ((uint64_t)at * RF_S < next_us - now_us)
            next_us = now_us + (uint64_t)at * RF_S;
    }
    return next_us;
}

void
rf_acme_keeper_answer(struct rf_acme_keeper *k, uint64_t serial, const struct rf_acme_response *a, uint64_t now_us,
                      int64_t wall_s)
{
    k->wall_s = wall_s;
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);

        if (e->run != NULL && e->serial == serial && serial != 0) {
            follow(e, rf_acme_run_answer(e->run, a, now_us, wall_s), now_us);
            return;
        }
    }
}

/* --- life --- */

enum rf_err
rf_acme_keeper_new(struct rf_acme_keeper **out, const struct rf_acme_keeper_user *user)
{
    struct rf_acme_keeper *k = calloc(1, sizeof *k);

    if (k == NULL)
        return RF_ERR_NOMEM;
    k->user = *user;
    rf_list_init(&k->entries);
    rf_list_init(&k->accounts);
    *out = k;
    return RF_OK;
}

void
rf_acme_keeper_free(struct rf_acme_keeper *k)
{
    if (k == NULL)
        return;
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);

        rf_acme_give_up(e);
        rf_acme_state_fini(&e->s);
        rf_list_remove(&e->link);
        free(e);
    }
    RF_LIST_FOREACH(&k->accounts, it) {
        struct acme_account *a = rf_container(it, struct acme_account, link);

        EVP_PKEY_free(a->a.key);
        EVP_PKEY_free(a->next_key);
        rf_list_remove(&a->link);
        free(a);
    }
    for (size_t i = 0; i < k->confs; i++)
        rf_acme_certificate_free(k->conf[i]);
    free(k);
}
