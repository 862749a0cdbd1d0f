/*
 * event/subscribe.c - SUBSCRIBE: who is it, may they, is there room; 200 when it is on disk (RFC 6665 4.2.1)
 */
#include <stdlib.h>

#include "event/layer.h"

#define ALLOW_EVENTS "Allow-Events: dialog, message-summary\r\n"

const char *const package_name[PACKAGES] = { "dialog", "message-summary" };
const char *const package_type[PACKAGES] = { "application/dialog-info+xml", "application/simple-message-summary" };

static void
reply(struct rf_server_txn *txn, int status, const char *headers, uint64_t now_us)
{
    rf_server_txn_reply(txn, status, NULL, rf_span_str(headers), now_us);
}

/* --- what is asked for --- */

/* Event; false: answered 489. */
static bool
check_event(struct rf_server_txn *txn, const struct rf_sip_msg *msg, enum package *out, char id[static 64],
            uint64_t now_us)
{
    struct rf_sip_event event;

    if (rf_sip_event_parse(rf_sip_value(msg, RF_HDR_EVENT), &event) == RF_OK && rf_span_copy(event.id, id, 64) == RF_OK)
        for (int p = 0; p < PACKAGES; p++)
            if (rf_span_is(event.package, package_name[p])) {
                *out = (enum package)p;
                return true;
            }
    reply(txn, 489, ALLOW_EVENTS, now_us);
    return false;
}

/* RFC 3261 8.2.3: without Accept the package's own type is meant (RFC 6665 3.1.3). */
static bool
check_accept(struct rf_server_txn *txn, const struct rf_sip_msg *msg, enum package p, uint64_t now_us)
{
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_ACCEPT);
    bool asks = false, takes = false;
    struct rf_span range;

    while (rf_sip_walk_next(&w, &range)) {
        range = rf_span_trim(rf_span_sub(range, 0, rf_span_find(range, ';')));
        asks = true;
        takes = takes || rf_span_iis(range, package_type[p]) || rf_span_iis(range, "application/*") ||
                rf_span_iis(range, "*/*");
    }
    if (asks && !takes)
        reply(txn, 406, "", now_us);
    return !asks || takes;
}

/* Seconds that are granted; false: answered 400 or 423. */
static bool
check_expires(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint32_t *out,
              uint64_t now_us)
{
    const struct rf_event_settings *s = layer_settings(l);
    char text[48];

    if (rf_sip_seconds(msg, RF_HDR_EXPIRES, s->expires_max_s, out) != RF_OK) {
        reply(txn, 400, "", now_us);
        return false;
    }
    if (*out > 0 && *out < EXPIRES_MIN_S) {
        snprintf(text, sizeof text, "Min-Expires: %d\r\n", EXPIRES_MIN_S);
        reply(txn, 423, text, now_us);
        return false;
    }
    if (*out > s->expires_max_s)
        *out = s->expires_max_s;
    return true;
}

/* --- may they? --- */

static void
forbid(struct rf_event_layer *l, struct rf_server_txn *txn, const char *who, const char *what, const char *reason,
       uint64_t now_us)
{
    rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_FORBIDDEN, 0, who,
                           (const struct rf_log_field[]){
                               RF_F_STR("what", what), RF_F_STR("who", who), RF_F_STR("reason", reason), { 0 } },
                           now_us);
}

static bool
check_watcher(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_call_party *who, enum package p,
              uint64_t now_us)
{
    struct rf_call_env *env = &l->env.call;
    struct rf_call_user user;
    char what[160], setting[160];

    snprintf(what, sizeof what, "a subscription to %s of %s", package_name[p], who->dialled);
    if (who->connection != NULL) {
        forbid(l, txn, who->connection->name, what, "users alone may watch", now_us);
        return false;
    }
    if (!env->user(env->ctx, rf_span_str(who->dialled), &user)) {
        rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_NOT_FOUND, 0, who->user,
                               (const struct rf_log_field[]){ RF_F_STR("number", who->dialled), { 0 } }, now_us);
        return false;
    }
    rf_wipe(&user, sizeof user);
    if (layer_may_watch(l, who->user, p, who->dialled))
        return true;
    if (p == PACKAGE_SUMMARY)
        snprintf(setting, sizeof setting, "messages of another user");
    else
        snprintf(setting, sizeof setting, "user.%s.watched-by", who->dialled);
    forbid(l, txn, who->user, what, setting, now_us);
    return false;
}

static bool
take_share(struct rf_event_layer *l, struct rf_server_txn *txn, struct sub *s, uint64_t now_us)
{
    const struct rf_event_settings *settings = layer_settings(l);
    const char *what = "the number of subscriptions (sip.subscriptions-max)";

    switch (rf_quota_take(l->env.quota, rf_span_str(s->watcher), settings->subscriptions_per_user,
                          settings->subscriptions_max, &s->share)) {
    case RF_OK:
        return true;
    case RF_ERR_RANGE:
        what = "the number of subscriptions of this user (sip.subscriptions-per-user)";
        break;
    default:
        break;
    }
    s->share = NULL;
    rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_OVERLOAD, 0, s->watcher,
                           (const struct rf_log_field[]){
                               RF_F_STR("what", what), RF_F_STR("who", s->watcher), RF_F_STR("seconds", "5"), { 0 } },
                           now_us);
    return false;
}

/* --- the disk --- */

static void
server_ended(void *owner)
{
    ((struct sub *)owner)->server = NULL;
}

static const struct rf_server_txn_events server_events = { .ended = server_ended };

static void
store_full(struct rf_event_layer *l, struct rf_server_txn *txn, const struct sub *s, const char *reason,
           uint64_t now_us)
{
    rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_STORE_FAILED, 0, s->watcher,
                           (const struct rf_log_field[]){ RF_F_STR("reason", reason), { 0 } }, now_us);
}

/* false: it cannot be kept, which was answered. */
static bool
keep(struct sub *s, struct rf_server_txn *txn, uint32_t granted_s, uint64_t now_us)
{
    enum rf_err err;

    s->expired_s = s->expires_s;
    s->expires_s = layer_wall_s(s->l) + granted_s;
    s->granted_s = granted_s;
    s->server = txn;
    rf_server_txn_own(txn, &server_events, s);
    err = sub_save(s, s->serial);
    if (!err)
        return true;
    s->expires_s = s->expired_s;
    s->server = NULL;
    rf_server_txn_own(txn, NULL, NULL);
    store_full(s->l, txn, s, rf_err_text(err), now_us);
    return false;
}

static void
answer(struct sub *s, struct rf_server_txn *txn, uint32_t granted_s, uint64_t now_us)
{
    struct rf_event_layer *l = s->l;
    const struct rf_sip_msg *req = rf_server_txn_request(txn);
    struct rf_flow *flow = rf_server_txn_flow(txn);
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_addr ours, media;
    struct rf_hop hop = { flow->transport, &ours };

    l->env.call.our_address(l->env.call.ctx, flow, &ours, &media);
    rf_sip_put_response(&b, req, 200, NULL, rf_span_str(s->dialog.local_tag), &flow->remote);
    rf_sip_put_copy(&b, req, RF_HDR_RECORD_ROUTE);
    rf_put_contact(&b, &hop, rf_span_str(s->watched->user));
    rf_sip_put_headerf(&b, RF_HDR_EXPIRES, "%u", (unsigned)granted_s);
    rf_put_str(&b, ALLOW_EVENTS);
    layer_put_server(l, &b, RF_HDR_SERVER);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    if (rf_buf_done(&b) == RF_OK)
        rf_server_txn_respond(txn, 200, rf_buf_span(&b), now_us);
    else
        rf_server_txn_reply(txn, 500, NULL, rf_span(NULL, 0), now_us);
}

void
subscribe_stored(struct sub *s, enum rf_err err, uint64_t now_us)
{
    struct rf_server_txn *txn = s->server;

    s->server = NULL;
    if (txn != NULL)
        rf_server_txn_own(txn, NULL, NULL);
    if (s->state >= SUB_ENDING)
        return; /* it was removed meanwhile; its end is told */
    if (err) {
        if (txn != NULL)
            store_full(s->l, txn, s, rf_err_text(err), now_us);
        if (s->state == SUB_NEW)
            sub_free(s);
        else
            s->expires_s = s->expired_s;
        return;
    }
    s->state = SUB_UP;
    if (txn != NULL)
        answer(s, txn, s->granted_s, now_us);
    sub_arm(s, now_us);
    notify_due(s, true, now_us); /* (E1) */
}

/* --- the request --- */

/* Expires: 0 without a subscription: what is it now? (RFC 6665 4.4.3) */
static void
answer_once(struct sub *s, struct rf_server_txn *txn, uint64_t now_us)
{
    s->expires_s = layer_wall_s(s->l);
    answer(s, txn, 0, now_us);
    sub_end(s, "timeout", now_us);
}

void
subscribe_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_call_party who;
    char id[64];
    enum package p;
    uint32_t granted_s;
    struct sub *s;
    enum rf_err err;

    if (!rf_call_party_of(l->env.calls, txn, msg, &who, now_us) || !check_event(txn, msg, &p, id, now_us) ||
        !check_accept(txn, msg, p, now_us) || !check_expires(l, txn, msg, &granted_s, now_us) ||
        !check_watcher(l, txn, &who, p, now_us))
        return;
    s = sub_new(l, who.dialled, p, who.user);
    if (s == NULL) {
        reply(txn, 503, "Retry-After: 5\r\n", now_us);
        return;
    }
    memcpy(s->event_id, id, sizeof s->event_id);
    err = rf_dialog_from_request(&s->dialog, msg, rf_server_txn_to_tag(txn));
    if (err) {
        reply(txn, err == RF_ERR_SYNTAX ? 400 : err == RF_ERR_RANGE ? 513 : 503, "", now_us);
        sub_free(s);
        return;
    }
    sub_enter(s);
    sub_set_flow(s, rf_server_txn_flow(txn));
    if (!take_share(l, txn, s, now_us)) {
        sub_free(s);
        return;
    }
    if (granted_s == 0)
        answer_once(s, txn, now_us);
    else if (!keep(s, txn, granted_s, now_us))
        sub_free(s);
}

void
subscribe_again(struct sub *s, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_event_layer *l = s->l;
    char id[64];
    enum package p;
    uint32_t granted_s;

    if (s->state >= SUB_ENDING) {
        reply(txn, 481, "", now_us);
        return;
    }
    if (s->server != NULL || rf_dialog_request_in(&s->dialog, msg) != RF_OK) {
        reply(txn, 500, "Retry-After: 1\r\n", now_us);
        return;
    }
    if (!check_event(txn, msg, &p, id, now_us) || !check_accept(txn, msg, p, now_us) ||
        !check_expires(l, txn, msg, &granted_s, now_us))
        return;
    if (p != (enum package)s->package || strcmp(id, s->event_id) != 0) {
        reply(txn, 481, "", now_us); /* another subscription in this dialog: RFC 6665 4.5.2 does not want it any more */
        return;
    }
    rf_dialog_refresh_target(&s->dialog, msg);
    sub_set_flow(s, rf_server_txn_flow(txn));
    s->is_guess = false;
    s->retry_us = 0;
    if (granted_s == 0) {
        answer(s, txn, 0, now_us);
        sub_end(s, "timeout", now_us);
    } else if (!layer_may_watch(l, s->watcher, p, s->watched->user)) {
        forbid(l, txn, s->watcher, "a subscription that goes on", "the settings of its user have changed", now_us);
        sub_end(s, "rejected", now_us);
    } else {
        (void)keep(s, txn, granted_s, now_us);
    }
}
