/*
 * base/hash.h - SipHash-2-4 and a hash table whose links lie inside the members
 *
 * Keys come from the network, so each table has a random SipHash key. A hash finds candidates; the caller's
 * `is` function compares the whole key.
 *
 * Threads: a table belongs to one thread, or its owner locks.
 */
#ifndef RF_BASE_HASH_H
#define RF_BASE_HASH_H

#include "base/rand.h"
#include "base/span.h"

struct rf_hash_key {
    uint64_t k[2];
};

/** SipHash-2-4 (Aumasson, Bernstein 2012) of n octets. */
uint64_t rf_siphash(const struct rf_hash_key *key, const void *p, size_t n);

struct rf_hash_node {
    struct rf_hash_node *next;
    uint64_t hash;
    bool is_in_table;
};

struct rf_hash {
    struct rf_hash_node **bucket; /* owned */
    size_t mask;                  /* buckets - 1; a power of two, doubled when there is a member a bucket */
    size_t count;
    struct rf_hash_key key;
};

/** An empty table. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_hash_init(struct rf_hash *h, const struct rf_rand *rand);
/** Frees the table; the members are the caller's. A zeroed table is fine. */
void rf_hash_fini(struct rf_hash *h);

static inline uint64_t
rf_hash_of(const struct rf_hash *h, struct rf_span key)
{
    return rf_siphash(&h->key, key.p, key.n);
}

/** Put a member in under rf_hash_of its key. Never fails: when memory is out the table stays as small as it is. */
void rf_hash_insert(struct rf_hash *h, struct rf_hash_node *node, uint64_t hash);
/** Take it out; nothing happens when it is in no table. */
void rf_hash_remove(struct rf_hash *h, struct rf_hash_node *node);
/** The first member with this hash for which is(node, key) holds, or NULL. */
struct rf_hash_node *rf_hash_find(const struct rf_hash *h, uint64_t hash,
                                  bool (*is)(const struct rf_hash_node *node, const void *key), const void *key);

/* Visits each member; the body may remove `it`. */
#define RF_HASH_FOREACH(h, it)                                                                                \
    for (size_t it##_b = 0; (h)->bucket != NULL && it##_b <= (h)->mask; it##_b++)                             \
        for (struct rf_hash_node *it = (h)->bucket[it##_b], *it##_next = it != NULL ? it->next : NULL;        \
             it != NULL; it = it##_next, it##_next = it != NULL ? it->next : NULL)

#endif
