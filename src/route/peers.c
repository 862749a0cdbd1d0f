#include "route/peers.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "loop/wheel.h"

/* Zeroed before it is filled, so that it can be hashed and compared whole. */
struct peer_key {
    uint8_t host[16];
    uint32_t scope;
    uint16_t port;
    uint8_t is_v6, transport;
};

struct peer {
    struct rf_hash_node node;
    struct rf_link link; /* least recently told of first */
    struct peer_key key;
    enum rf_peer what;
    uint64_t until_us;
};

struct rf_peers {
    struct rf_hash table;
    struct rf_link order;
};

enum rf_err
rf_peers_new(struct rf_peers **out, const struct rf_rand *rand)
{
    struct rf_peers *p = calloc(1, sizeof *p);

    if (p == NULL || rf_hash_init(&p->table, rand) != RF_OK) {
        free(p);
        return RF_ERR_NOMEM;
    }
    rf_list_init(&p->order);
    *out = p;
    return RF_OK;
}

static void
forget(struct rf_peers *p, struct peer *e)
{
    rf_hash_remove(&p->table, &e->node);
    rf_list_remove(&e->link);
    free(e);
}

void
rf_peers_free(struct rf_peers *p)
{
    if (p == NULL)
        return;
    RF_LIST_FOREACH(&p->order, it)
        forget(p, rf_container(it, struct peer, link));
    rf_hash_fini(&p->table);
    free(p);
}

static struct peer_key
key_of(enum rf_transport t, const struct rf_addr *addr)
{
    struct peer_key k;

    memset(&k, 0, sizeof k);
    k.transport = (uint8_t)t;
    k.port = rf_addr_port(addr);
    if (addr->sa.sa_family == AF_INET6) {
        k.is_v6 = 1;
        k.scope = addr->v6.sin6_scope_id;
        memcpy(k.host, &addr->v6.sin6_addr, 16);
    } else {
        memcpy(k.host, &addr->v4.sin_addr, 4);
    }
    return k;
}

static bool
is_peer(const struct rf_hash_node *node, const void *key)
{
    return memcmp(&rf_container(node, const struct peer, node)->key, key, sizeof(struct peer_key)) == 0;
}

static struct peer *
find(const struct rf_peers *p, const struct peer_key *k)
{
    struct rf_hash_node *node = rf_hash_find(&p->table, rf_hash_of(&p->table, rf_span(k, sizeof *k)), is_peer, k);

    return node != NULL ? rf_container(node, struct peer, node) : NULL;
}

void
rf_peers_note(struct rf_peers *p, enum rf_transport t, const struct rf_addr *addr, enum rf_peer what,
              uint32_t seconds, uint64_t now_us)
{
    struct peer_key k = key_of(t, addr);
    struct peer *e = find(p, &k);

    if (e != NULL) {
        rf_list_remove(&e->link);
    } else {
        if (p->table.count >= RF_PEERS_MAX)
            forget(p, rf_container(p->order.next, struct peer, link));
        e = calloc(1, sizeof *e);
        if (e == NULL)
            return;
        e->key = k;
        rf_hash_insert(&p->table, &e->node, rf_hash_of(&p->table, rf_span(&k, sizeof k)));
    }
    rf_list_append(&p->order, &e->link);
    e->what = what;
    e->until_us = now_us + seconds * RF_S;
}

enum rf_peer
rf_peers_look(const struct rf_peers *p, enum rf_transport t, const struct rf_addr *addr, uint64_t now_us)
{
    struct peer_key k = key_of(t, addr);
    const struct peer *e = find(p, &k);

    return e != NULL && now_us < e->until_us ? e->what : RF_PEER_UNKNOWN;
}

size_t
rf_peers_count(const struct rf_peers *p)
{
    return p->table.count;
}
