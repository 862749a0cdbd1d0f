/* UDP: an address behind one of our sockets is a flow; many are remembered, so that an answer costs a lookup. */
#include "flow/layer.h"

#include <stdlib.h>

#include "net/socket.h"

#define BATCHES_MAX 4 /* of RF_UDP_BATCH datagrams in one round of the loop */
#define EVICT_TRIES 8 /* flows that somebody holds are passed over */

/* Listener, local host, remote: what makes a UDP flow. Zeroed before it is filled, so it can be hashed whole. */
struct peer_key {
    const struct rf_listener *listener;
    uint8_t local[16], remote[16];
    uint32_t scope;
    uint16_t port, is_v6;
};

static struct peer_key
key_of(const struct rf_listener *ln, const struct rf_addr *local, const struct rf_addr *remote)
{
    struct peer_key k;

    memset(&k, 0, sizeof k);
    k.listener = ln;
    k.port = rf_addr_port(remote);
    if (remote->sa.sa_family == AF_INET6) {
        k.is_v6 = 1;
        memcpy(k.local, &local->v6.sin6_addr, 16);
        memcpy(k.remote, &remote->v6.sin6_addr, 16);
        k.scope = remote->v6.sin6_scope_id;
    } else {
        memcpy(k.local, &local->v4.sin_addr, 4);
        memcpy(k.remote, &remote->v4.sin_addr, 4);
    }
    return k;
}

static bool
is_peer(const struct rf_hash_node *node, const void *key)
{
    const struct rf_udp_flow *u = rf_container(node, const struct rf_udp_flow, by_peer);
    struct peer_key own = key_of(u->listener, &u->flow.local, &u->flow.remote);

    return memcmp(&own, key, sizeof own) == 0;
}

static struct rf_udp_flow *
udp_flow_of(struct rf_flow *f)
{
    return rf_container(f, struct rf_udp_flow, flow);
}

static enum rf_err
udp_flow_send(struct rf_flow *f, struct rf_span message)
{
    struct rf_listener *ln = udp_flow_of(f)->listener;
    enum rf_err err;

    if (ln == NULL)
        return RF_ERR_CLOSED;
    err = rf_udp_send(ln->tx, &f->remote, &f->local, message);
    ln->tx_is_dirty = ln->layer->is_dirty = true;
    if (!err)
        rf_flow_count(RF_TALLY_OUT, RF_UDP, message);
    return err;
}

static void
udp_flow_close(struct rf_flow *f)
{
}

static void
udp_flow_free(struct rf_flow *f)
{
    free(udp_flow_of(f));
}

static const struct rf_flow_ops udp_ops = { udp_flow_send, udp_flow_close, udp_flow_free };

static void
forget(struct rf_transport_layer *l, struct rf_udp_flow *u)
{
    rf_hash_remove(&l->udp_by_id, &u->by_id);
    rf_hash_remove(&l->udp_by_peer, &u->by_peer);
    rf_list_remove(&u->link);
    l->counts.udp_flows--;
    rf_flow_unref(&u->flow);
}

void
rf_udp_flows_forget(struct rf_transport_layer *l, struct rf_listener *ln, uint64_t now_us)
{
    struct rf_link theirs;

    /* Watchers may do anything, so the list is not walked while they are told. */
    rf_list_init(&theirs);
    RF_LIST_FOREACH(&l->udp_flows, link)
    {
        struct rf_udp_flow *u = rf_container(link, struct rf_udp_flow, link);

        if (u->listener != ln)
            continue;
        rf_flow_ref(&u->flow);
        forget(l, u);
        u->listener = NULL;
        rf_list_append(&theirs, &u->link);
    }
    while (!rf_list_empty(&theirs)) {
        struct rf_udp_flow *u = rf_container(theirs.next, struct rf_udp_flow, link);

        rf_list_remove(&u->link);
        rf_flow_gone(&u->flow, now_us);
        rf_flow_unref(&u->flow);
    }
}

/* Forget the least recently used flow that nobody holds. */
static bool
make_room(struct rf_transport_layer *l)
{
    for (int i = 0; i < EVICT_TRIES && !rf_list_empty(&l->udp_flows); i++) {
        struct rf_udp_flow *u = rf_container(l->udp_flows.next, struct rf_udp_flow, link);

        if (u->flow.refs == 1) {
            forget(l, u);
            return true;
        }
        rf_list_remove(&u->link);
        rf_list_append(&l->udp_flows, &u->link);
    }
    return false;
}

/* The flow of these addresses, remembered or new; NULL when there is no room. No new reference. */
static struct rf_udp_flow *
flow_of(struct rf_listener *ln, const struct rf_addr *local, const struct rf_addr *remote)
{
    struct rf_transport_layer *l = ln->layer;
    struct peer_key key = key_of(ln, local, remote);
    uint64_t hash = rf_hash_of(&l->udp_by_peer, rf_span(&key, sizeof key));
    struct rf_hash_node *node = rf_hash_find(&l->udp_by_peer, hash, is_peer, &key);
    struct rf_udp_flow *u;
    uint64_t id;

    if (node != NULL) {
        u = rf_container(node, struct rf_udp_flow, by_peer);
        rf_list_remove(&u->link);
        rf_list_append(&l->udp_flows, &u->link);
        return u;
    }
    if (l->counts.udp_flows >= l->limits.udp_flows_max && !make_room(l))
        return NULL;
    u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    id = ++l->last_id;
    rf_flow_init(&u->flow, &udp_ops, RF_UDP, id);
    u->flow.local = *local;
    u->flow.remote = *remote;
    memcpy(u->flow.listener, ln->name, sizeof u->flow.listener);
    u->flow.facts.since_wall_s = rf_wall_s();
    u->listener = ln;
    rf_hash_insert(&l->udp_by_peer, &u->by_peer, hash);
    rf_hash_insert(&l->udp_by_id, &u->by_id, rf_hash_of(&l->udp_by_id, rf_span(&id, sizeof id)));
    rf_list_append(&l->udp_flows, &u->link);
    l->counts.udp_flows++;
    return u;
}

enum rf_err
rf_transport_udp(struct rf_transport_layer *l, const char *name, const struct rf_addr *remote,
                 struct rf_flow **out)
{
    struct rf_listener *ln = rf_transport_listener(l, name, RF_UDP, remote->sa.sa_family);
    struct rf_addr local;
    struct rf_udp_flow *u;

    /* The interface is gone or has another name since the phone registered: better another way than none. */
    if (ln == NULL && name != NULL)
        ln = rf_transport_listener(l, NULL, RF_UDP, remote->sa.sa_family);
    if (ln == NULL)
        return RF_ERR_NOT_FOUND;
    local = ln->bound;
    if (rf_addr_is_any(&local)) {
        /* Via and Contact need an address, so it is chosen now. */
        struct rf_addr source = rf_socket_source(remote);

        if (rf_addr_is_set(&source)) {
            rf_addr_set_port(&source, rf_addr_port(&local));
            local = source;
        }
    }
    u = flow_of(ln, &local, remote);
    if (u == NULL)
        return RF_ERR_NOMEM;
    *out = rf_flow_ref(&u->flow);
    return RF_OK;
}

/* CRLFs, zero octets: what phones send to keep a NAT binding open. */
static bool
is_keepalive(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
            return false;
    return true;
}

/* RFC 8489 5: two zero bits and the magic cookie; no SIP message begins so. */
static bool
is_stun(struct rf_span s)
{
    return s.n >= 20 && (s.p[0] & 0xc0) == 0 && memcmp(s.p + 4, "\x21\x12\xa4\x42", 4) == 0;
}

static void
received(struct rf_listener *ln, const struct rf_udp_datagram *d, uint64_t now_us)
{
    struct rf_transport_layer *l = ln->layer;
    struct rf_udp_flow *u;

    l->counts.datagrams_in++;
    if (is_keepalive(d->octets)) {
        l->counts.keepalives_in++;
        return;
    }
    u = flow_of(ln, &d->local, &d->remote);
    if (u == NULL) {
        l->counts.datagrams_dropped++;
        return;
    }
    rf_flow_ref(&u->flow);
    if (!is_stun(d->octets)) {
        l->counts.messages_in++;
        rf_flow_count(RF_TALLY_IN, RF_UDP, d->octets);
        l->user.message(l->user.ctx, &u->flow, d->octets, now_us);
    } else if (l->user.stun != NULL) {
        l->user.stun(l->user.ctx, &u->flow, d->octets, now_us);
    }
    rf_flow_unref(&u->flow);
}

void
rf_udp_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct rf_listener *ln = rf_container(w, struct rf_listener, watch);
    struct rf_transport_layer *l = ln->layer;
    bool more = true;

    for (int batch = 0; more && batch < BATCHES_MAX && w->is_watched; batch++) {
        size_t n = rf_udp_recv(l->rx, w->fd, &ln->bound, l->datagram, &more);

        for (size_t i = 0; i < n; i++)
            received(ln, &l->datagram[i], now_us);
    }
}

void
rf_listener_flush(struct rf_listener *ln)
{
    ln->tx_is_dirty = false;
    rf_udp_flush(ln->tx);
}
