/*
 * call/guests.c - see guests.h
 */
#include "call/guests.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

struct rf_call_guests {
    pthread_mutex_t lock;
    struct rf_hash table;
    _Atomic size_t count;
};

struct guest {
    struct rf_hash_node node;
    uint16_t worker;
    size_t n;
    char call_id[];
};

enum rf_err
rf_call_guests_new(struct rf_call_guests **out, const struct rf_rand *rand)
{
    struct rf_call_guests *g = calloc(1, sizeof *g);

    if (g == NULL)
        return RF_ERR_NOMEM;
    if (rf_hash_init(&g->table, rand) != RF_OK) {
        free(g);
        return RF_ERR_NOMEM;
    }
    pthread_mutex_init(&g->lock, NULL);
    *out = g;
    return RF_OK;
}

void
rf_call_guests_free(struct rf_call_guests *g)
{
    if (g == NULL)
        return;
    RF_HASH_FOREACH(&g->table, it)
        free(rf_container(it, struct guest, node));
    rf_hash_fini(&g->table);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static bool
guest_is(const struct rf_hash_node *node, const void *key)
{
    const struct guest *x = rf_container(node, const struct guest, node);

    return rf_span_eq(rf_span(x->call_id, x->n), *(const struct rf_span *)key);
}

static struct guest *
find(struct rf_call_guests *g, struct rf_span call_id)
{
    struct rf_hash_node *node = rf_hash_find(&g->table, rf_hash_of(&g->table, call_id), guest_is, &call_id);

    return node != NULL ? rf_container(node, struct guest, node) : NULL;
}

enum rf_err
rf_call_guests_add(struct rf_call_guests *g, struct rf_span call_id, uint16_t worker)
{
    enum rf_err err = RF_OK;
    struct guest *x;

    pthread_mutex_lock(&g->lock);
    x = find(g, call_id);
    if (x == NULL) {
        x = calloc(1, sizeof *x + call_id.n);
        if (x == NULL) {
            err = RF_ERR_NOMEM;
        } else {
            memcpy(x->call_id, call_id.p, call_id.n);
            x->n = call_id.n;
            rf_hash_insert(&g->table, &x->node, rf_hash_of(&g->table, call_id));
            atomic_fetch_add_explicit(&g->count, 1, memory_order_release);
        }
    }
    if (x != NULL)
        x->worker = worker;
    pthread_mutex_unlock(&g->lock);
    return err;
}

void
rf_call_guests_drop(struct rf_call_guests *g, struct rf_span call_id, uint16_t worker)
{
    struct guest *x;

    pthread_mutex_lock(&g->lock);
    x = find(g, call_id);
    if (x != NULL && x->worker == worker) {
        rf_hash_remove(&g->table, &x->node);
        atomic_fetch_sub_explicit(&g->count, 1, memory_order_release);
        free(x);
    }
    pthread_mutex_unlock(&g->lock);
}

bool
rf_call_guests_find(struct rf_call_guests *g, struct rf_span call_id, uint16_t *worker)
{
    struct guest *x;

    if (g == NULL || atomic_load_explicit(&g->count, memory_order_acquire) == 0)
        return false;
    pthread_mutex_lock(&g->lock);
    x = find(g, call_id);
    if (x != NULL)
        *worker = x->worker;
    pthread_mutex_unlock(&g->lock);
    return x != NULL;
}

size_t
rf_call_guests_count(struct rf_call_guests *g)
{
    return atomic_load_explicit(&g->count, memory_order_acquire);
}
