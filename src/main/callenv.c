/*
 * main/callenv.c - what calls need of the outside, for the calls of one worker (struct rf_call_env)
 */
#include <stdlib.h>

#include "main/worker.h"

static const struct rf_call_settings *
settings(void *ctx)
{
    return &((struct rf_worker *)ctx)->site->call;
}

static bool
user(void *ctx, struct rf_span name, struct rf_call_user *out)
{
    return rf_site_user(((struct rf_worker *)ctx)->site, name, out);
}

static const struct rf_call_routing *
routing(void *ctx)
{
    return &((struct rf_worker *)ctx)->site->routing;
}

static enum rf_err
answer_challenge(void *ctx, const char *connection, const struct rf_digest_challenge *c, struct rf_span method,
                 struct rf_span uri, struct rf_buf *out)
{
    struct rf_worker *w = ctx;
    const struct rf_connection *k = rf_connection_named(w->site->connections, rf_span_str(connection));
    char cnonce[17];
    struct rf_buf b = rf_buf(cnonce, sizeof cnonce);
    struct rf_secret password = { 0 };
    uint8_t octets[8];
    enum rf_err err;

    if (k == NULL || k->username[0] == '\0')
        return RF_ERR_NOT_FOUND;
    err = rf_conf_block_secret(w->site->conf, k->block, "password", &password);
    if (err)
        return err;
    rf_rand_fill(&rf_rand_system, octets, sizeof octets);
    rf_put_hex(&b, octets, sizeof octets);
    rf_put_digest_credentials(out, c, rf_span_str(k->username), rf_span(password.octet, password.n), method, uri, 1,
                              rf_buf_span(&b));
    rf_secret_fini(&password);
    return out->overflow ? RF_ERR_UNSUPPORTED : RF_OK;
}

static void
our_address(void *ctx, const struct rf_flow *flow, struct rf_addr *sip, struct rf_addr *media)
{
    struct rf_worker *w = ctx;

    rf_site_our_address(w->site, flow, sip, media);
    /* A connection that we opened has a port of its own; we are reached at the listener of its transport. */
    for (size_t i = 0; i < w->site->listener_count; i++) {
        const struct rf_site_listener *ln = &w->site->listener[i];

        if (!rf_iface_row(ln->iface)->is_sip || ln->transport != flow->transport ||
            ln->addr.sa.sa_family != sip->sa.sa_family)
            continue;
        rf_addr_set_port(sip, rf_addr_port(&ln->addr));
        if (rf_addr_port(&ln->addr) == rf_addr_port(&flow->local))
            break;
    }
}

static struct rf_path *
path_new(void *ctx, const struct rf_binding *b, const struct rf_call_server *server, rf_path_ready *ready, void *owner)
{
    return rf_path_new(((struct rf_worker *)ctx)->paths, b, server, ready, owner);
}

static void
path_next(void *ctx, struct rf_path *path, bool is_large)
{
    rf_path_next(path, is_large);
}

static void
path_aside(void *ctx, struct rf_path *path, uint32_t retry_after_s, uint64_t now_us)
{
    rf_path_aside(path, retry_after_s, now_us);
}

static void
path_end(void *ctx, struct rf_path *path)
{
    rf_path_free(path);
}

static size_t
udp_max(void *ctx, const struct rf_addr *peer, size_t octets)
{
    return rf_path_udp_max(peer, octets);
}

/* --- media, store, time --- */

static enum rf_err
media(void *ctx, const struct rf_media_request *request)
{
    struct rf_worker *w = ctx;

    return rf_media_client_send(w->media, request, rf_now_us());
}

static void
save(void *ctx, struct rf_span call_id, struct rf_span value)
{
    struct rf_worker *w = ctx;
    struct rf_store_write write = { .op = value.p != NULL ? RF_STORE_DIALOG_PUT : RF_STORE_DIALOG_DELETE,
                                    .key = call_id, .value = value };

    /* Nobody waits for it: a restart at this moment would end the call, and the store counts its failures. */
    if (rf_store_write(w->shared->store, &write, 1, NULL, NULL, 0) != RF_OK)
        rf_fold_refuse(w->shared->fold, RF_REFUSE_STORE_FAILED, rf_span_str("call"),
                       (struct rf_log_field[]){ RF_F_STR("reason", "the queue of the store is full"), { 0 } },
                       rf_now_us());
}

static void
record(void *ctx, struct rf_span call_id, const struct rf_call_record *r)
{
    struct rf_worker *w = ctx;
    struct rf_store_write write = { .op = RF_STORE_RECORD_PUT, .key = call_id, .sub = r->words, .value = r->text,
                                    .expires_s = r->began_s };
    struct rf_buf line = rf_buf(w->out, sizeof w->out);

    if (rf_store_write(w->shared->store, &write, 1, NULL, NULL, 0) != RF_OK)
        rf_fold_refuse(w->shared->fold, RF_REFUSE_STORE_FAILED, rf_span_str("record"),
                       (struct rf_log_field[]){ RF_F_STR("reason", "the queue of the store is full"), { 0 } },
                       rf_now_us());
    /* The line has the evidence; the ladder is in the store. */
    rf_put(&line, rf_span_sub(r->text, 0, r->ladder_at));
    if (r->ladder_at < r->text.n)
        rf_put_char(&line, '}');
    if (!line.overflow)
        RF_LOGF(RF_LOG_INFO, "call.record", "a call ended", RF_F_SPAN("call_id", call_id),
                RF_F_STR("verdict_min", r->verdict_min), RF_F_JSON("record", rf_buf_span(&line)));
}

static void
dialog(void *ctx, const struct rf_call_dialog *d)
{
    rf_event_board_tell(((struct rf_worker *)ctx)->shared->lamps, d);
}

static void
refuse(void *ctx, enum rf_refusal why, struct rf_span who, const struct rf_log_field *fields, uint64_t now_us)
{
    rf_fold_refuse(((struct rf_worker *)ctx)->shared->fold, why, who, fields, now_us);
}

static void
sign_in_failed(void *ctx, struct rf_flow *flow, const struct rf_auth_result *who, bool known, uint64_t now_us)
{
    rf_worker_sign_in_failed(ctx, flow, who, now_us);
}

static bool
post(void *ctx, uint16_t worker, struct rf_span letter)
{
    struct rf_worker *w = ctx;
    const struct rf_letter_head head = { .kind = RF_LETTER_TRANSFER, .from = w->index };

    return rf_worker_post(w->shared->worker[worker]->letters, &head, sizeof head, letter);
}

static enum rf_refusal
judge_message(void *ctx, const char *who, size_t octets, uint64_t now_us)
{
    const struct rf_worker *w = ctx;

    return rf_event_judge_message(w->shared->lamps, &w->site->event, who, octets, now_us);
}

static int64_t
wall_s(void *ctx)
{
    return rf_wall_s();
}

void
rf_worker_call_env(struct rf_worker *w, struct rf_call_env *env)
{
    *env = (struct rf_call_env){
        .ctx = w,
        .rand = &rf_rand_system,
        .wheel = rf_loop_wheel(w->loop),
        .txn = w->txn,
        .auth = w->shared->auth,
        .location = w->shared->location,
        .media_map = w->shared->map,
        .quota = w->shared->calls,
        .worker = w->index,
        .workers = (uint16_t)w->shared->launch->workers, /* shared->workers counts those that are made already */
        .owner_key = w->shared->owner_key,
        .guests = w->shared->guests,
        .post = post,
        .settings = settings,
        .user = user,
        .routing = routing,
        .answer_challenge = answer_challenge,
        .board = w->shared->board,
        .our_address = our_address,
        .path_new = path_new,
        .path_next = path_next,
        .path_aside = path_aside,
        .path_end = path_end,
        .udp_max = udp_max,
        .judge_message = judge_message,
        .media = media,
        .save = save,
        .record = record,
        .dialog = dialog,
        .wall_s = wall_s,
        .refuse = refuse,
        .sign_in_failed = sign_in_failed,
    };
}
