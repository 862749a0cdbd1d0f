#include "main/slow.h"

#include <semaphore.h>
#include <stdlib.h>

#include "acme/transport.h"
#include "main/inquiry.h"

#define RING (1u << 20)

struct rf_slow {
    struct rf_signal *shared;
    struct rf_site *site;
    struct rf_side_thread side;
    struct rf_dns *dns;
    struct rf_acme_transport *transport;
    struct rf_acme_keeper *keeper;
    struct rf_inquiry *inquiry;
    struct rf_timer timer, inquiry_timer;
};

/* --- what the keeper needs of the outside --- */

static enum rf_err
on_send(void *ctx, uint64_t serial, const struct rf_acme_certificate *conf, const struct rf_acme_request *request)
{
    struct rf_slow *s = ctx;

    return rf_acme_transport_send(s->transport, serial, conf->ca_pem, request);
}

static void
on_cancel(void *ctx, uint64_t serial)
{
    struct rf_slow *s = ctx;

    rf_acme_transport_cancel(s->transport, serial);
}

static void
on_show(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token, const char *authorization)
{
    struct rf_slow *s = ctx;
    enum rf_err err = rf_acme_shown_put(s->shared->shown, kind, name, token, authorization, rf_wall_s());

    if (err) /* the CA will say that it found nothing, which is then the failure that is told */
        RF_LOGF(RF_LOG_ERROR, "acme.not_shown", "the answer to the authority's question could not be made",
                RF_F_STR("name", name), RF_F_STR("reason", rf_err_text(err)));
}

static void
on_hide(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token)
{
    struct rf_slow *s = ctx;

    rf_acme_shown_remove(s->shared->shown, kind, name, token);
}

struct saved {
    sem_t done;
    enum rf_err err;
};

static void
on_saved(void *ctx, uint64_t cookie, enum rf_err err)
{
    struct saved *saved = ctx;

    saved->err = err;
    sem_post(&saved->done);
}

/* Waits for the disk: that is what this thread is for. A write that somebody waits for is synced. */
static enum rf_err
on_save(void *ctx, const char *kind, const char *name, struct rf_span value)
{
    struct rf_slow *s = ctx;
    const struct rf_store_write write = { .op = RF_STORE_ITEM_PUT, .key = rf_span_str(kind), .sub = rf_span_str(name),
                                          .value = value };
    struct saved saved = { .err = RF_OK };
    enum rf_err err;

    sem_init(&saved.done, 0, 0);
    err = rf_store_write(s->shared->store, &write, 1, on_saved, &saved, 0);
    while (!err && sem_wait(&saved.done) != 0)
        ; /* EINTR */
    sem_destroy(&saved.done);
    return err ? err : saved.err;
}

static void
on_deploy(void *ctx, const char *label)
{
    struct rf_slow *s = ctx;
    const struct rf_letter_head letter = { .kind = RF_LETTER_CERTIFICATE, .from = RF_WORKERS_MAX };

    if (!rf_worker_post(s->shared->desk, &letter, sizeof letter, rf_span(NULL, 0)))
        RF_LOGF(RF_LOG_ERROR, "acme.not_deployed", "the listeners were not told of a new certificate; reload does it",
                RF_F_STR("certificate", label));
}

static enum rf_err
on_inquiry_send(void *ctx, uint64_t serial, const struct rf_acme_request *request)
{
    struct rf_slow *s = ctx;

    return rf_acme_transport_send(s->transport, serial, NULL, request);
}

static void
tick_inquiry(struct rf_slow *s, uint64_t now_us)
{
    rf_timer_arm(rf_loop_wheel(s->side.loop), &s->inquiry_timer,
                 now_us + (uint64_t)rf_inquiry_tick(s->inquiry, rf_wall_s()) * RF_S);
}

static void
on_inquiry_timer(struct rf_timer *t, uint64_t now_us)
{
    tick_inquiry(rf_container(t, struct rf_slow, inquiry_timer), now_us);
}

static void
tick(struct rf_slow *s, uint64_t now_us)
{
    rf_timer_arm(rf_loop_wheel(s->side.loop), &s->timer, rf_acme_keeper_tick(s->keeper, now_us, rf_wall_s()));
}

static void
on_timer(struct rf_timer *t, uint64_t now_us)
{
    tick(rf_container(t, struct rf_slow, timer), now_us);
}

static void
on_answer(void *ctx, uint64_t serial, const struct rf_acme_response *a, uint64_t now_us)
{
    struct rf_slow *s = ctx;

    if ((serial & RF_INQUIRY_BIT) != 0) {
        rf_inquiry_answer(s->inquiry, serial, a, rf_wall_s());
        tick_inquiry(s, now_us);
        return;
    }
    rf_acme_keeper_answer(s->keeper, serial, a, now_us, rf_wall_s());
    tick(s, now_us);
}

/* --- letters --- */

static enum rf_err
give_to_keeper(struct rf_slow *s)
{
    return rf_acme_keeper_set(s->keeper, s->site->automatic->certificate, s->site->automatic->count, rf_wall_s());
}

static void
take_site(struct rf_slow *s, struct rf_site *site)
{
    enum rf_err err;

    rf_site_unref(s->site);
    s->site = site;
    rf_inquiry_set(s->inquiry, site->ifaces, rf_wall_s());
    err = give_to_keeper(s);
    if (err)
        RF_LOGF(RF_LOG_ERROR, "acme.failed", "the certificates that renew themselves could not be taken over",
                RF_F_STR("reason", rf_err_text(err)));
}

/* An answer is an object: of a list its rows, of a command what became of it. */
static json_t *
answer_to(struct rf_slow *s, const struct rf_letter_ask *ask)
{
    struct rf_span label = rf_span_str(ask->text);
    enum rf_err err = RF_OK;

    switch ((enum rf_question)ask->question) {
    case RF_ASK_ACME_LIST:
        return rf_acme_keeper_list(s->keeper, rf_wall_s());
    case RF_ASK_ACME_RENEW:
        err = rf_acme_keeper_renew(s->keeper, label);
        break;
    case RF_ASK_ACME_ACCOUNT_KEY:
        err = rf_acme_keeper_new_account_key(s->keeper, label);
        break;
    case RF_ASK_ACME_REVOKE:
        err = rf_acme_keeper_revoke(s->keeper, label);
        break;
    default:
        return NULL;
    }
    return json_pack("{s:s}", "result", rf_err_name(err));
}

static void
on_letter(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct rf_slow *s = ctx;
    struct rf_letter_head head;
    struct rf_letter_site site;
    struct rf_letter_ask ask;

    memcpy(&head, octets.p, sizeof head);
    if (head.kind == RF_LETTER_INQUIRY) {
        struct rf_letter_inquiry inquiry;

        memcpy(&inquiry, octets.p, sizeof inquiry);
        rf_inquiry_carry(s->inquiry, inquiry.errand, rf_wall_s());
        return;
    }
    if (head.kind == RF_LETTER_SITE) {
        memcpy(&site, octets.p, sizeof site);
        take_site(s, site.site);
        tick_inquiry(s, now_us);
    } else if (head.kind == RF_LETTER_ASK) {
        struct rf_letter_told told = { .head = { .kind = RF_LETTER_TOLD, .from = RF_WORKERS_MAX } };

        memcpy(&ask, octets.p, sizeof ask);
        told.serial = ask.serial;
        told.answer = answer_to(s, &ask);
        if (!rf_worker_post(s->shared->desk, &told, sizeof told, rf_span(NULL, 0)))
            json_decref(told.answer);
    }
    tick(s, now_us);
}

/* --- life --- */

struct rows {
    struct rf_acme_keeper *keeper;
};

static bool
take_row(void *ctx, struct rf_span kind, struct rf_span name, struct rf_span value, int64_t at_s)
{
    rf_acme_keeper_load(((struct rows *)ctx)->keeper, kind, name, value);
    return true;
}

static enum rf_err
load(struct rf_slow *s)
{
    struct rows rows = { s->keeper };
    enum rf_err err = rf_store_load_items(s->shared->store, RF_SPAN_LIT(RF_ACME_ITEM_ACCOUNT), take_row, &rows);

    if (!err)
        err = rf_store_load_items(s->shared->store, RF_SPAN_LIT(RF_ACME_ITEM_CERTIFICATE), take_row, &rows);
    return err ? err : give_to_keeper(s);
}

static enum rf_err
dns_new(struct rf_slow *s)
{
    struct rf_addr server[RF_DNS_SERVERS_MAX];
    struct rf_dns_conf conf = RF_DNS_CONF;

    conf.server = server;
    conf.server_count = rf_site_dns_servers(s->site->conf, server);
    conf.cache_max = 64;
    conf.pending_max = 2 * RF_ACME_REQUESTS_MAX;
    return rf_dns_new(&s->dns, s->side.loop, &conf, &rf_rand_system);
}

static void
on_begin(void *ctx, uint64_t now_us)
{
    tick(ctx, now_us);
    tick_inquiry(ctx, now_us);
}

static const struct rf_side_work work = { "rf-slow", RING, on_letter, on_begin };

enum rf_err
rf_slow_new(struct rf_slow **out, struct rf_signal *shared, struct rf_site *site)
{
    struct rf_slow *s = calloc(1, sizeof *s);
    const struct rf_acme_keeper_user user = { .ctx = s, .rand = &rf_rand_system, .send = on_send, .cancel = on_cancel,
                                              .show = on_show, .hide = on_hide, .save = on_save, .deploy = on_deploy };
    const struct rf_inquiry_user inquiry = { .ctx = s, .send = on_inquiry_send };
    const struct rf_acme_transport_user transport = { .ctx = s, .answer = on_answer };
    enum rf_err err = s != NULL ? RF_OK : RF_ERR_NOMEM;

    if (err)
        return err;
    s->shared = shared;
    s->site = rf_site_ref(site);
    s->timer.fire = on_timer;
    s->inquiry_timer.fire = on_inquiry_timer;
    err = rf_side_thread_init(&s->side, &work, s);
    if (!err) {
        rf_pulse_keep(&shared->pulse[RF_PULSE_SLOW], s->side.loop, "slow",
                      "no certificate is renewed or asked about");
        err = dns_new(s);
    }
    if (!err)
        err = rf_acme_transport_new(&s->transport, s->side.loop, s->dns, &transport);
    if (!err)
        err = rf_acme_keeper_new(&s->keeper, &user);
    if (!err)
        err = rf_inquiry_new(&s->inquiry, shared->ocsp, &inquiry);
    if (!err)
        err = load(s);
    if (!err)
        rf_inquiry_set(s->inquiry, site->ifaces, rf_wall_s());
    if (err) {
        rf_slow_free(s);
        return err;
    }
    *out = s;
    return RF_OK;
}

void
rf_slow_free(struct rf_slow *s)
{
    if (s == NULL)
        return;
    rf_acme_keeper_free(s->keeper);
    rf_acme_transport_free(s->transport);
    rf_inquiry_free(s->inquiry);
    rf_dns_free(s->dns);
    rf_side_thread_fini(&s->side);
    rf_site_unref(s->site);
    free(s);
}

struct rf_side_thread *
rf_slow_thread(struct rf_slow *s)
{
    return s != NULL ? &s->side : NULL;
}
