#include "base/quota.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

#define STRIPES 64 /* as many as there may be workers: two of them seldom wait for each other */

struct stripe {
    _Alignas(64) pthread_mutex_t lock;
    struct rf_hash table;
};

struct rf_quota_share {
    struct rf_hash_node node;
    struct stripe *stripe; /* NULL: the share of what has no name */
    uint32_t count;
    uint8_t name_n;
    char name[RF_QUOTA_NAME_MAX];
};

struct rf_quota {
    _Atomic uint32_t all;
    struct rf_hash_key key;
    struct rf_quota_share nameless;
    struct stripe stripe[STRIPES];
};

enum rf_err
rf_quota_new(struct rf_quota **out, const struct rf_rand *rand)
{
    struct rf_quota *q = aligned_alloc(_Alignof(struct rf_quota), sizeof *q);
    enum rf_err err = RF_OK;

    if (q == NULL)
        return RF_ERR_NOMEM;
    memset(q, 0, sizeof *q);
    rf_rand_fill(rand, &q->key, sizeof q->key);
    for (int i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&q->stripe[i].lock, NULL);
        if (!err)
            err = rf_hash_init(&q->stripe[i].table, rand);
    }
    if (err) {
        rf_quota_free(q);
        return err;
    }
    *out = q;
    return RF_OK;
}

void
rf_quota_free(struct rf_quota *q)
{
    if (q == NULL)
        return;
    for (int i = 0; i < STRIPES; i++) {
        rf_assert(q->stripe[i].table.count == 0);
        rf_hash_fini(&q->stripe[i].table);
        pthread_mutex_destroy(&q->stripe[i].lock);
    }
    free(q);
}

static bool
take_of_all(struct rf_quota *q, uint32_t max)
{
    uint32_t n = atomic_load_explicit(&q->all, memory_order_relaxed);

    do
        if (n >= max)
            return false;
    while (!atomic_compare_exchange_weak_explicit(&q->all, &n, n + 1, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static bool
is_name(const struct rf_hash_node *node, const void *key)
{
    const struct rf_quota_share *s = rf_container(node, const struct rf_quota_share, node);

    return rf_span_eq(rf_span(s->name, s->name_n), *(const struct rf_span *)key);
}

/* One more of this name, below the stripe's lock. */
static enum rf_err
take_of_name(struct stripe *st, struct rf_span name, uint64_t hash, uint32_t max, struct rf_quota_share **out)
{
    struct rf_hash_node *node = rf_hash_find(&st->table, hash, is_name, &name);
    struct rf_quota_share *s = node != NULL ? rf_container(node, struct rf_quota_share, node) : NULL;

    if ((s != NULL ? s->count : 0) >= max)
        return RF_ERR_RANGE;
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL)
            return RF_ERR_NOMEM;
        s->stripe = st;
        s->name_n = (uint8_t)name.n;
        memcpy(s->name, name.p, name.n);
        rf_hash_insert(&st->table, &s->node, hash);
    }
    s->count++;
    *out = s;
    return RF_OK;
}

enum rf_err
rf_quota_take(struct rf_quota *q, struct rf_span name, uint32_t name_max, uint32_t all_max,
              struct rf_quota_share **out)
{
    enum rf_err err = RF_OK;

    rf_assert(name.n <= RF_QUOTA_NAME_MAX);
    if (!take_of_all(q, all_max))
        return RF_ERR_STATE;
    if (name.n > 0) {
        uint64_t hash = rf_siphash(&q->key, name.p, name.n);
        struct stripe *st = &q->stripe[hash >> 32 & (STRIPES - 1)];

        pthread_mutex_lock(&st->lock);
        err = take_of_name(st, name, hash, name_max, out);
        pthread_mutex_unlock(&st->lock);
    } else {
        *out = &q->nameless;
    }
    if (err)
        atomic_fetch_sub_explicit(&q->all, 1, memory_order_relaxed);
    return err;
}

void
rf_quota_drop(struct rf_quota *q, struct rf_quota_share *share)
{
    struct stripe *st = share->stripe;
    uint32_t were;

    if (st != NULL) {
        pthread_mutex_lock(&st->lock);
        rf_assert(share->count > 0);
        if (--share->count == 0) {
            rf_hash_remove(&st->table, &share->node);
            free(share);
        }
        pthread_mutex_unlock(&st->lock);
    }
    were = atomic_fetch_sub_explicit(&q->all, 1, memory_order_relaxed);
    rf_assert(were > 0);
}

uint32_t
rf_quota_all(const struct rf_quota *q)
{
    return atomic_load_explicit(&q->all, memory_order_relaxed);
}

uint32_t
rf_quota_names(struct rf_quota *q)
{
    uint32_t n = 0;

    for (int i = 0; i < STRIPES; i++) {
        pthread_mutex_lock(&q->stripe[i].lock);
        n += (uint32_t)q->stripe[i].table.count;
        pthread_mutex_unlock(&q->stripe[i].lock);
    }
    return n;
}
