/*
 * event/layer.c - subscriptions and messages of one worker: tables, and which file a request is for
 *
 *   SUBSCRIBE            subscribe.c  who is it, may they, is there room; 200 when it is on disk
 *   NOTIFY of ours       notify.c     what is new, by the way that the watcher came or is found again
 *   PUBLISH, and NOTIFY outside of a dialog from a voice mail system   mailbox.c
 *   MESSAGE              message.c    to all phones of a user, or over a connection
 */
#include "event/layer.h"

#include <stdlib.h>

enum rf_err
rf_event_layer_new(struct rf_event_layer **out, const struct rf_event_env *env)
{
    struct rf_event_layer *l = calloc(1, sizeof *l);

    if (l == NULL)
        return RF_ERR_NOMEM;
    l->env = *env;
    rf_list_init(&l->messages);
    rf_list_init(&l->publishes);
    if (rf_hash_init(&l->subs, env->call.rand) != RF_OK || rf_hash_init(&l->serials, env->call.rand) != RF_OK ||
        rf_hash_init(&l->watched, env->call.rand) != RF_OK) {
        rf_event_layer_free(l);
        return RF_ERR_NOMEM;
    }
    *out = l;
    return RF_OK;
}

void
rf_event_layer_free(struct rf_event_layer *l)
{
    if (l == NULL)
        return;
    messages_free(l);
    publishes_free(l);
    RF_HASH_FOREACH(&l->subs, it)
    sub_free(rf_container(it, struct sub, node));
    rf_hash_fini(&l->subs);
    rf_hash_fini(&l->serials);
    rf_hash_fini(&l->watched);
    free(l);
}

uint64_t
layer_now(const struct rf_event_layer *l)
{
    return rf_wheel_now_us(l->env.call.wheel);
}

int64_t
layer_wall_s(const struct rf_event_layer *l)
{
    return l->env.call.wall_s(l->env.call.ctx);
}

const struct rf_event_settings *
layer_settings(const struct rf_event_layer *l)
{
    return l->env.settings(l->env.call.ctx);
}

const char *
layer_domain(const struct rf_event_layer *l)
{
    return l->env.call.settings(l->env.call.ctx)->domain;
}

void
layer_put_server(struct rf_event_layer *l, struct rf_buf *b, enum rf_sip_header id)
{
    const char *server = l->env.call.settings(l->env.call.ctx)->server;

    if (server[0] != '\0')
        rf_sip_put_header(b, id, rf_span_str(server));
}

bool
layer_may_watch(struct rf_event_layer *l, const char *watcher, enum package p, const char *user)
{
    if (strcmp(watcher, user) == 0)
        return true;
    /* How many messages wait for somebody is nobody else's business. */
    return p == PACKAGE_DIALOG && l->env.may_watch(l->env.call.ctx, watcher, user);
}

bool
rf_event_has_dialog(struct rf_event_layer *l, const struct rf_sip_msg *msg)
{
    const struct sub *s = msg->method == RF_SIP_SUBSCRIBE ? sub_find(l, msg->call_id, msg->to_tag) : NULL;

    return s != NULL && rf_dialog_is(&s->dialog, msg);
}

bool
rf_event_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct sub *s;

    if (msg->to_tag.n > 0) {
        s = msg->method == RF_SIP_SUBSCRIBE ? sub_find(l, msg->call_id, msg->to_tag) : NULL;
        if (s == NULL || !rf_dialog_is(&s->dialog, msg))
            return false;
        subscribe_again(s, txn, msg, now_us);
        return true;
    }
    switch (msg->method) {
    case RF_SIP_SUBSCRIBE:
        subscribe_request(l, txn, msg, now_us);
        return true;
    case RF_SIP_PUBLISH:
    case RF_SIP_NOTIFY:
        publish_request(l, txn, msg, now_us);
        return true;
    case RF_SIP_MESSAGE:
        message_request(l, txn, msg, now_us);
        return true;
    default:
        return false;
    }
}

static bool
is_watched(const struct rf_hash_node *node, const void *key)
{
    return strcmp(rf_container(node, const struct watched, node)->user, key) == 0;
}

void
rf_event_changed(struct rf_event_layer *l, const char *user, uint64_t now_us)
{
    struct rf_hash_node *node = rf_hash_find(&l->watched, rf_hash_of(&l->watched, rf_span_str(user)), is_watched, user);

    if (node == NULL)
        return;
    RF_LIST_FOREACH (&rf_container(node, struct watched, node)->subs, it)
        notify_due(rf_container(it, struct sub, link), false, now_us);
}

void
rf_event_look_at_all(struct rf_event_layer *l, uint64_t now_us)
{
    RF_HASH_FOREACH(&l->subs, it)
    notify_due(rf_container(it, struct sub, node), false, now_us);
}

void
rf_event_settings_changed(struct rf_event_layer *l, uint64_t now_us)
{
    struct rf_call_user user;

    RF_HASH_FOREACH(&l->subs, it)
    {
        struct sub *s = rf_container(it, struct sub, node);

        if (s->state != SUB_UP)
            continue;
        if (!l->env.call.user(l->env.call.ctx, rf_span_str(s->watched->user), &user))
            sub_end(s, "noresource", now_us);
        else if (!l->env.call.user(l->env.call.ctx, rf_span_str(s->watcher), &user) ||
                 !layer_may_watch(l, s->watcher, (enum package)s->package, s->watched->user))
            sub_end(s, "rejected", now_us);
    }
    rf_wipe(&user, sizeof user);
}

void
rf_event_stored(struct rf_event_layer *l, uint64_t cookie, enum rf_err err, uint64_t now_us)
{
    struct sub *s = sub_of_serial(l, cookie);

    if (s != NULL)
        subscribe_stored(s, err, now_us);
    else
        (void)publish_stored(l, cookie, err, now_us);
}

size_t
rf_event_count(const struct rf_event_layer *l)
{
    return l->subs.count;
}

json_t *
rf_event_list(struct rf_event_layer *l)
{
    json_t *rows = json_array();
    int64_t now_s = layer_wall_s(l);

    RF_HASH_FOREACH(&l->subs, it)
    {
        const struct sub *s = rf_container(it, const struct sub, node);
        char address[RF_ADDR_TEXT_MAX];

        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:b, s:I}", "watcher", s->watcher,
                                              "event", package_name[s->package], "of", s->watched->user, "transport",
                                              rf_transport_name(s->transport), "source",
                                              rf_addr_text(&s->remote, address), "expires_s",
                                              (json_int_t)(s->expires_s > now_s ? s->expires_s - now_s : 0), "state",
                                              s->state == SUB_NEW  ? "new"
                                              : s->state == SUB_UP ? "active"
                                                                   : "terminated",
                                              "reachable", s->flow != NULL, "notifies", (json_int_t)s->notifies));
    }
    return rows;
}
