/*
 * event/sub.c - one subscription: its place in the tables, its way, its end
 */
#include <stdlib.h>

#include "event/layer.h"

static void expired(struct rf_timer *t, uint64_t now_us);
static void flow_gone(struct rf_flow_watch *w, uint64_t now_us);

/* --- who is watched --- */

static bool
is_user(const struct rf_hash_node *node, const void *key)
{
    return strcmp(rf_container(node, const struct watched, node)->user, key) == 0;
}

static struct watched *
watched_of(struct rf_event_layer *l, const char *user)
{
    uint64_t hash = rf_hash_of(&l->watched, rf_span_str(user));
    struct rf_hash_node *node = rf_hash_find(&l->watched, hash, is_user, user);
    struct watched *w;

    if (node != NULL)
        return rf_container(node, struct watched, node);
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    snprintf(w->user, sizeof w->user, "%s", user);
    rf_list_init(&w->subs);
    rf_hash_insert(&l->watched, &w->node, hash);
    rf_event_board_watch(l->env.board, user, l->env.call.worker, true);
    return w;
}

static void
watched_drop(struct rf_event_layer *l, struct watched *w)
{
    if (w == NULL || !rf_list_empty(&w->subs))
        return;
    rf_event_board_watch(l->env.board, w->user, l->env.call.worker, false);
    rf_hash_remove(&l->watched, &w->node);
    free(w);
}

/* --- tables --- */

struct key {
    struct rf_span call_id, tag;
};

static uint64_t
hash_of(struct rf_event_layer *l, const struct key *k)
{
    uint64_t h[2] = { rf_siphash(&l->subs.key, k->call_id.p, k->call_id.n),
                      rf_siphash(&l->subs.key, k->tag.p, k->tag.n) };

    return rf_siphash(&l->subs.key, h, sizeof h);
}

static bool
is_sub(const struct rf_hash_node *node, const void *key)
{
    const struct sub *s = rf_container(node, const struct sub, node);
    const struct key *k = key;

    return rf_span_is(k->call_id, s->dialog.call_id) && rf_span_is(k->tag, s->dialog.local_tag);
}

static bool
is_serial(const struct rf_hash_node *node, const void *key)
{
    return rf_container(node, const struct sub, by_serial)->serial == *(const uint64_t *)key;
}

struct sub *
sub_find(struct rf_event_layer *l, struct rf_span call_id, struct rf_span our_tag)
{
    struct key k = { call_id, our_tag };
    struct rf_hash_node *node = rf_hash_find(&l->subs, hash_of(l, &k), is_sub, &k);

    return node != NULL ? rf_container(node, struct sub, node) : NULL;
}

struct sub *
sub_of_serial(struct rf_event_layer *l, uint64_t serial)
{
    struct rf_hash_node *node = rf_hash_find(&l->serials, rf_siphash(&l->serials.key, &serial, sizeof serial),
                                             is_serial, &serial);

    return node != NULL ? rf_container(node, struct sub, by_serial) : NULL;
}

struct sub *
sub_new(struct rf_event_layer *l, const char *user, enum package p, const char *watcher)
{
    struct sub *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->l = l;
    s->package = p;
    s->expiry.fire = expired;
    s->later.fire = notify_later;
    s->watch.gone = flow_gone;
    snprintf(s->watcher, sizeof s->watcher, "%s", watcher);
    s->watched = watched_of(l, user);
    if (s->watched == NULL) {
        free(s);
        return NULL;
    }
    rf_list_append(&s->watched->subs, &s->link);
    s->serial = ++l->serial;
    s->began_s = layer_wall_s(l);
    rf_hash_insert(&l->serials, &s->by_serial, rf_siphash(&l->serials.key, &s->serial, sizeof s->serial));
    return s;
}

void
sub_enter(struct sub *s)
{
    struct key k = { rf_span_str(s->dialog.call_id), rf_span_str(s->dialog.local_tag) };

    rf_hash_insert(&s->l->subs, &s->node, hash_of(s->l, &k));
}

void
sub_free(struct sub *s)
{
    struct rf_event_layer *l = s->l;

    rf_timer_cancel(l->env.call.wheel, &s->expiry);
    notify_stop(s);
    if (s->server != NULL)
        rf_server_txn_own(s->server, NULL, NULL);
    sub_set_flow(s, NULL);
    if (s->share != NULL)
        rf_quota_drop(l->env.quota, s->share);
    rf_hash_remove(&l->subs, &s->node);
    rf_hash_remove(&l->serials, &s->by_serial);
    rf_list_remove(&s->link);
    watched_drop(l, s->watched);
    rf_dialog_fini(&s->dialog);
    free(s);
}

/* --- its way --- */

void
sub_set_flow(struct sub *s, struct rf_flow *flow)
{
    if (flow == s->flow)
        return;
    rf_flow_unwatch(&s->watch);
    rf_flow_unref(s->flow);
    s->flow = NULL;
    if (flow == NULL)
        return;
    s->flow = rf_flow_ref(flow);
    rf_flow_watch(flow, &s->watch);
    s->transport = flow->transport;
    s->remote = flow->remote;
    memcpy(s->listener, flow->listener, sizeof s->listener);
}

/* A subscription outlives its connection: the watcher registers anew, and is found by that. */
static void
flow_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    struct sub *s = rf_container(w, struct sub, watch);

    (void)now_us;
    rf_flow_unref(s->flow);
    s->flow = NULL;
}

/* --- its end --- */

void
sub_arm(struct sub *s, uint64_t now_us)
{
    int64_t left = s->expires_s - layer_wall_s(s->l);

    rf_timer_arm(s->l->env.call.wheel, &s->expiry, now_us + (left > 0 ? (uint64_t)left : 0) * RF_S);
}

static void
expired(struct rf_timer *t, uint64_t now_us)
{
    struct sub *s = rf_container(t, struct sub, expiry);

    if (s->state >= SUB_ENDING)
        sub_free(s); /* the watcher was told, or cannot be told any more */
    else
        sub_end(s, "timeout", now_us);
}

#define GOODBYE_US (32 * RF_S) /* a NOTIFY's longest life (timer F): so long the last one is waited for */

void
sub_end(struct sub *s, const char *reason, uint64_t now_us)
{
    if (s->state >= SUB_ENDING)
        return;
    if (s->state == SUB_UP)
        sub_forget(s);
    s->state = SUB_ENDING;
    s->reason = reason;
    rf_timer_arm(s->l->env.call.wheel, &s->expiry, now_us + GOODBYE_US);
    notify_due(s, true, now_us);
}

void
sub_die(struct sub *s, uint64_t now_us)
{
    if (s->state == SUB_UP)
        sub_forget(s);
    s->state = SUB_OVER;
    s->is_due = false;
    rf_timer_arm(s->l->env.call.wheel, &s->expiry, now_us);
}
