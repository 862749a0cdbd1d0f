#include "flow/remote.h"

#include <stdlib.h>

#include "base/hash.h"

#define RETRY_US (50 * RF_MS) /* a mailbox was full when we had to say that a flow is gone */

enum letter_kind {
    LETTER_WATCH,   /* tell me when it is gone */
    LETTER_UNWATCH, /* I let it go */
    LETTER_SEND,    /* octets follow */
    LETTER_CLOSE,
    LETTER_GONE /* from the owner */
};

struct head {
    uint64_t id;
    uint32_t kind;
    uint16_t from;
    uint16_t zero;
};

/* The user's side. */
struct remote_flow {
    struct rf_flow flow;         /* first */
    struct rf_remote_flows *set; /* NULL when that is gone */
    struct rf_hash_node node;
};

/* The owner's side: a worker that wants to know. */
struct watcher {
    struct rf_flow_watch watch;
    struct rf_remote_flows *set;
    struct rf_hash_node node;
    struct rf_link link; /* set->untold: the flow is gone and its letter did not fit yet */
    uint64_t id;
    uint16_t worker;
};

struct rf_remote_flows {
    struct rf_remote_conf conf;
    struct rf_hash flows;    /* remote_flow by id */
    struct rf_hash watchers; /* by id and worker */
    struct rf_link untold;
    struct rf_timer retry;
};

static enum rf_err
post(struct rf_remote_flows *r, uint16_t to, enum letter_kind kind, uint64_t id, struct rf_span octets)
{
    struct head head = { .id = id, .kind = kind, .from = r->conf.worker };
    struct rf_span parts[2] = { rf_span(&head, sizeof head), octets };

    return r->conf.post(r->conf.ctx, to, parts, octets.n > 0 ? 2 : 1);
}

/* --- the user's side --- */

static struct remote_flow *
remote_of(struct rf_flow *f)
{
    return rf_container(f, struct remote_flow, flow);
}

static enum rf_err
remote_send(struct rf_flow *f, struct rf_span message)
{
    struct remote_flow *rf = remote_of(f);

    if (rf->set == NULL)
        return RF_ERR_CLOSED;
    if (message.n > RF_SIP_MESSAGE_MAX)
        return RF_ERR_RANGE;
    return post(rf->set, f->worker, LETTER_SEND, f->id, message);
}

static void
remote_close(struct rf_flow *f)
{
    struct remote_flow *rf = remote_of(f);

    /* When the mailbox is full the connection stays; its own limits end it. */
    if (rf->set != NULL)
        post(rf->set, f->worker, LETTER_CLOSE, f->id, rf_span(NULL, 0));
}

static void
remote_free(struct rf_flow *f)
{
    struct remote_flow *rf = remote_of(f);

    if (rf->set != NULL) {
        rf_hash_remove(&rf->set->flows, &rf->node);
        /* If it does not fit, the owner tells us once too often when the flow goes. */
        if (!f->is_closed)
            post(rf->set, f->worker, LETTER_UNWATCH, f->id, rf_span(NULL, 0));
    }
    free(rf);
}

static const struct rf_flow_ops remote_ops = { remote_send, remote_close, remote_free };

static bool
flow_is(const struct rf_hash_node *node, const void *id)
{
    return rf_container(node, const struct remote_flow, node)->flow.id == *(const uint64_t *)id;
}

static struct remote_flow *
find_flow(struct rf_remote_flows *r, uint64_t id)
{
    struct rf_hash_node *node =
        rf_hash_find(&r->flows, rf_hash_of(&r->flows, rf_span(&id, sizeof id)), flow_is, &id);

    return node != NULL ? rf_container(node, struct remote_flow, node) : NULL;
}

void
rf_flow_card_fill(struct rf_flow_card *card, const struct rf_flow *f)
{
    memset(card, 0, sizeof *card);
    card->id = f->id;
    card->transport = f->transport;
    card->local = f->local;
    card->remote = f->remote;
    memcpy(card->listener, f->listener, sizeof card->listener);
    if (f->proven != NULL)
        memcpy(card->proven, f->proven, sizeof card->proven);
    card->facts = f->facts;
}

/* Its owner judges it anew after a reload, so the newest card counts. Without memory nothing is proven. */
static void
take_proof(struct rf_flow *f, const struct rf_flow_card *card)
{
    if (card->proven[0] == 0) {
        free(f->proven);
        f->proven = NULL;
        return;
    }
    if (f->proven == NULL)
        f->proven = malloc(sizeof card->proven);
    if (f->proven != NULL)
        memcpy(f->proven, card->proven, sizeof card->proven);
}

enum rf_err
rf_remote_flow(struct rf_remote_flows *r, const struct rf_flow_card *card, struct rf_flow **out)
{
    uint16_t owner = (uint16_t)(card->id >> 48);
    struct remote_flow *rf;
    enum rf_err err;

    if (owner == r->conf.worker) {
        struct rf_flow *own = rf_transport_find(r->conf.layer, card->id);

        if (own == NULL)
            return RF_ERR_CLOSED;
        *out = rf_flow_ref(own);
        return RF_OK;
    }
    rf = find_flow(r, card->id);
    if (rf != NULL) {
        take_proof(&rf->flow, card);
        *out = rf_flow_ref(&rf->flow);
        return RF_OK;
    }
    rf = calloc(1, sizeof *rf);
    err = rf == NULL ? RF_ERR_NOMEM : post(r, owner, LETTER_WATCH, card->id, rf_span(NULL, 0));
    if (err != RF_OK) {
        free(rf);
        return err;
    }
    rf_flow_init(&rf->flow, &remote_ops, card->transport, card->id);
    take_proof(&rf->flow, card);
    rf->flow.local = card->local;
    rf->flow.remote = card->remote;
    memcpy(rf->flow.listener, card->listener, sizeof rf->flow.listener);
    rf->flow.facts = card->facts;
    rf->set = r;
    rf_hash_insert(&r->flows, &rf->node, rf_hash_of(&r->flows, rf_span(&card->id, sizeof card->id)));
    *out = &rf->flow;
    return RF_OK;
}

static void
heard_gone(struct rf_remote_flows *r, uint64_t id, uint64_t now_us)
{
    struct remote_flow *rf = find_flow(r, id);

    if (rf == NULL)
        return;
    rf_hash_remove(&r->flows, &rf->node);
    rf->set = NULL;
    rf_flow_gone(&rf->flow, now_us);
}

/* --- the owner's side --- */

struct watcher_key {
    uint64_t id;
    uint64_t worker;
};

static bool
watcher_is(const struct rf_hash_node *node, const void *key)
{
    const struct watcher *w = rf_container(node, const struct watcher, node);
    const struct watcher_key *k = key;

    return w->id == k->id && w->worker == k->worker;
}

static struct watcher *
find_watcher(struct rf_remote_flows *r, uint64_t id, uint16_t worker, uint64_t *hash)
{
    struct watcher_key key = { id, worker };
    struct rf_hash_node *node;

    *hash = rf_hash_of(&r->watchers, rf_span(&key, sizeof key));
    node = rf_hash_find(&r->watchers, *hash, watcher_is, &key);
    return node != NULL ? rf_container(node, struct watcher, node) : NULL;
}

static void
watcher_free(struct watcher *w)
{
    rf_flow_unwatch(&w->watch);
    rf_list_remove(&w->link);
    rf_hash_remove(&w->set->watchers, &w->node);
    free(w);
}

static void
tell(struct watcher *w, uint64_t now_us)
{
    struct rf_remote_flows *r = w->set;

    if (post(r, w->worker, LETTER_GONE, w->id, rf_span(NULL, 0)) == RF_OK) {
        watcher_free(w);
        return;
    }
    if (!rf_link_is_in_list(&w->link))
        rf_list_append(&r->untold, &w->link);
    if (!rf_timer_is_armed(&r->retry))
        rf_timer_arm(r->conf.wheel, &r->retry, now_us + RETRY_US);
}

static void
on_gone(struct rf_flow_watch *watch, uint64_t now_us)
{
    tell(rf_container(watch, struct watcher, watch), now_us);
}

static void
retry(struct rf_timer *t, uint64_t now_us)
{
    struct rf_remote_flows *r = rf_container(t, struct rf_remote_flows, retry);

    RF_LIST_FOREACH(&r->untold, link)
    tell(rf_container(link, struct watcher, link), now_us);
}

/* Watch a flow for another worker; one that is gone already is told at once. */
static void
watch_for(struct rf_remote_flows *r, uint64_t id, uint16_t worker, uint64_t now_us)
{
    struct rf_flow *flow = rf_transport_find(r->conf.layer, id);
    uint64_t hash;
    struct watcher *w = find_watcher(r, id, worker, &hash);

    if (w != NULL)
        return;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return; /* the next send to a flow that is gone tells it as well */
    w->set = r;
    w->id = id;
    w->worker = worker;
    w->watch.gone = on_gone;
    rf_hash_insert(&r->watchers, &w->node, hash);
    if (flow != NULL)
        rf_flow_watch(flow, &w->watch);
    else
        tell(w, now_us);
}

static void
send_for(struct rf_remote_flows *r, uint64_t id, uint16_t worker, struct rf_span octets, uint64_t now_us)
{
    struct rf_flow *flow = rf_transport_find(r->conf.layer, id);

    /* A full queue (the peer does not read) loses the message, as the network might: transactions repeat or
     * time out, and the stall limit ends the connection. */
    if (flow == NULL || rf_flow_send(flow, octets) == RF_ERR_CLOSED)
        watch_for(r, id, worker, now_us);
}

void
rf_remote_letter(struct rf_remote_flows *r, struct rf_span letter, uint64_t now_us)
{
    struct head head;
    struct rf_span octets = rf_span_sub(letter, sizeof head, letter.n);
    struct rf_flow *flow;
    struct watcher *w;
    uint64_t hash;

    rf_assert(letter.n >= sizeof head);
    memcpy(&head, letter.p, sizeof head);
    switch ((enum letter_kind)head.kind) {
    case LETTER_WATCH:
        watch_for(r, head.id, head.from, now_us);
        break;
    case LETTER_UNWATCH:
        w = find_watcher(r, head.id, head.from, &hash);
        if (w != NULL)
            watcher_free(w);
        break;
    case LETTER_SEND:
        send_for(r, head.id, head.from, octets, now_us);
        break;
    case LETTER_CLOSE:
        flow = rf_transport_find(r->conf.layer, head.id);
        if (flow != NULL)
            rf_flow_close(flow);
        break;
    case LETTER_GONE:
        heard_gone(r, head.id, now_us);
        break;
    }
}

/* --- life --- */

enum rf_err
rf_remote_flows_new(struct rf_remote_flows **out, const struct rf_remote_conf *conf)
{
    struct rf_remote_flows *r = calloc(1, sizeof *r);

    if (r == NULL)
        return RF_ERR_NOMEM;
    r->conf = *conf;
    r->retry.fire = retry;
    rf_list_init(&r->untold);
    if (rf_hash_init(&r->flows, conf->rand) != RF_OK || rf_hash_init(&r->watchers, conf->rand) != RF_OK) {
        rf_remote_flows_free(r);
        return RF_ERR_NOMEM;
    }
    *out = r;
    return RF_OK;
}

void
rf_remote_flows_free(struct rf_remote_flows *r)
{
    if (r == NULL)
        return;
    rf_timer_cancel(r->conf.wheel, &r->retry);
    RF_HASH_FOREACH(&r->watchers, node)
    watcher_free(rf_container(node, struct watcher, node));
    /* A watcher may let other flows go, so begin anew after each. */
    for (bool found = true; found;) {
        found = false;
        RF_HASH_FOREACH(&r->flows, node)
        {
            heard_gone(r, rf_container(node, struct remote_flow, node)->flow.id,
                       rf_wheel_now_us(r->conf.wheel));
            found = true;
            goto next;
        }
    next:;
    }
    rf_hash_fini(&r->flows);
    rf_hash_fini(&r->watchers);
    free(r);
}
