#include "base/hash.h"

#include <stdlib.h>

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))
#define SIPROUND                                                                                              \
    do {                                                                                                      \
        v0 += v1;                                                                                             \
        v1 = ROTL(v1, 13) ^ v0;                                                                               \
        v0 = ROTL(v0, 32);                                                                                    \
        v2 += v3;                                                                                             \
        v3 = ROTL(v3, 16) ^ v2;                                                                               \
        v0 += v3;                                                                                             \
        v3 = ROTL(v3, 21) ^ v0;                                                                               \
        v2 += v1;                                                                                             \
        v1 = ROTL(v1, 17) ^ v2;                                                                               \
        v2 = ROTL(v2, 32);                                                                                    \
    } while (0)

uint64_t
rf_siphash(const struct rf_hash_key *key, const void *p, size_t n)
{
    uint64_t v0 = 0x736f6d6570736575u ^ key->k[0], v1 = 0x646f72616e646f6du ^ key->k[1];
    uint64_t v2 = 0x6c7967656e657261u ^ key->k[0], v3 = 0x7465646279746573u ^ key->k[1];
    const uint8_t *in = p;
    uint64_t m, last = (uint64_t)n << 56;
    size_t left = n;

    for (; left >= 8; left -= 8, in += 8) {
        memcpy(&m, in, 8);
        v3 ^= m;
        SIPROUND;
        SIPROUND;
        v0 ^= m;
    }
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)in[i] << (8 * i);
    v3 ^= last;
    SIPROUND;
    SIPROUND;
    v0 ^= last;
    v2 ^= 0xff;
    SIPROUND;
    SIPROUND;
    SIPROUND;
    SIPROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

#define BUCKETS_FIRST 64

enum rf_err
rf_hash_init(struct rf_hash *h, const struct rf_rand *rand)
{
    memset(h, 0, sizeof *h);
    h->bucket = calloc(BUCKETS_FIRST, sizeof *h->bucket);
    if (h->bucket == NULL)
        return RF_ERR_NOMEM;
    h->mask = BUCKETS_FIRST - 1;
    rf_rand_fill(rand, &h->key, sizeof h->key);
    return RF_OK;
}

void
rf_hash_fini(struct rf_hash *h)
{
    free(h->bucket);
    memset(h, 0, sizeof *h);
}

static void
grow(struct rf_hash *h)
{
    size_t mask = h->mask * 2 + 1;
    struct rf_hash_node **bucket = calloc(mask + 1, sizeof *bucket);

    if (bucket == NULL)
        return;
    RF_HASH_FOREACH(h, node) {
        node->next = bucket[node->hash & mask];
        bucket[node->hash & mask] = node;
    }
    free(h->bucket);
    h->bucket = bucket;
    h->mask = mask;
}

void
rf_hash_insert(struct rf_hash *h, struct rf_hash_node *node, uint64_t hash)
{
    rf_assert(!node->is_in_table);
    if (h->count > h->mask)
        grow(h);
    node->hash = hash;
    node->next = h->bucket[hash & h->mask];
    node->is_in_table = true;
    h->bucket[hash & h->mask] = node;
    h->count++;
}

void
rf_hash_remove(struct rf_hash *h, struct rf_hash_node *node)
{
    struct rf_hash_node **at;

    if (!node->is_in_table)
        return;
    for (at = &h->bucket[node->hash & h->mask]; *at != node; at = &(*at)->next)
        rf_assert(*at != NULL);
    *at = node->next;
    node->next = NULL;
    node->is_in_table = false;
    h->count--;
}

struct rf_hash_node *
rf_hash_find(const struct rf_hash *h, uint64_t hash,
             bool (*is)(const struct rf_hash_node *node, const void *key), const void *key)
{
    for (struct rf_hash_node *node = h->bucket[hash & h->mask]; node != NULL; node = node->next)
        if (node->hash == hash && is(node, key))
            return node;
    return NULL;
}
