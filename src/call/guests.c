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
    size_t call_id_n, our_tag_n;
    char text[]; /* Call-ID, and our tag behind it */
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

struct rf_call_guest_name
rf_call_guest_of(const struct rf_sip_msg *msg)
{
    struct rf_span tag = msg->is_request ? msg->to_tag : msg->from_tag;

    return (struct rf_call_guest_name){ msg->call_id, tag.n > 0 ? tag : msg->via.branch };
}

static struct rf_call_guest_name
name_of(const struct guest *x)
{
    return (struct rf_call_guest_name){ rf_span(x->text, x->call_id_n), rf_span(x->text + x->call_id_n, x->our_tag_n) };
}

static bool
guest_is(const struct rf_hash_node *node, const void *key)
{
    struct rf_call_guest_name x = name_of(rf_container(node, const struct guest, node));
    const struct rf_call_guest_name *k = key;

    return rf_span_eq(x.call_id, k->call_id) && rf_span_eq(x.our_tag, k->our_tag);
}

static uint64_t
hash_of(const struct rf_call_guests *g, struct rf_call_guest_name name)
{
    uint64_t h[2] = { rf_hash_of(&g->table, name.call_id), rf_hash_of(&g->table, name.our_tag) };

    return rf_siphash(&g->table.key, h, sizeof h);
}

static struct guest *
find(struct rf_call_guests *g, struct rf_call_guest_name name)
{
    struct rf_hash_node *node = rf_hash_find(&g->table, hash_of(g, name), guest_is, &name);

    return node != NULL ? rf_container(node, struct guest, node) : NULL;
}

enum rf_err
rf_call_guests_add(struct rf_call_guests *g, struct rf_call_guest_name name, uint16_t worker)
{
    enum rf_err err = RF_OK;
    struct guest *x;

    if (name.our_tag.n == 0)
        return RF_ERR_RANGE;
    pthread_mutex_lock(&g->lock);
    x = find(g, name);
    if (x == NULL) {
        x = calloc(1, sizeof *x + name.call_id.n + name.our_tag.n);
        if (x == NULL) {
            err = RF_ERR_NOMEM;
        } else {
            memcpy(x->text, name.call_id.p, name.call_id.n);
            memcpy(x->text + name.call_id.n, name.our_tag.p, name.our_tag.n);
            x->call_id_n = name.call_id.n;
            x->our_tag_n = name.our_tag.n;
            rf_hash_insert(&g->table, &x->node, hash_of(g, name));
            atomic_fetch_add_explicit(&g->count, 1, memory_order_release);
        }
    }
    if (x != NULL)
        x->worker = worker;
    pthread_mutex_unlock(&g->lock);
    return err;
}

void
rf_call_guests_drop(struct rf_call_guests *g, struct rf_call_guest_name name, uint16_t worker)
{
    struct guest *x;

    pthread_mutex_lock(&g->lock);
    x = find(g, name);
    if (x != NULL && x->worker == worker) {
        rf_hash_remove(&g->table, &x->node);
        atomic_fetch_sub_explicit(&g->count, 1, memory_order_release);
        free(x);
    }
    pthread_mutex_unlock(&g->lock);
}

bool
rf_call_guests_find(struct rf_call_guests *g, struct rf_call_guest_name name, uint16_t *worker)
{
    struct guest *x;

    if (g == NULL || name.our_tag.n == 0 || atomic_load_explicit(&g->count, memory_order_acquire) == 0)
        return false;
    pthread_mutex_lock(&g->lock);
    x = find(g, name);
    if (x != NULL)
        *worker = x->worker;
    pthread_mutex_unlock(&g->lock);
    return x != NULL;
}

uint16_t
rf_call_guests_next(struct rf_call_guests *g, const struct rf_sip_msg *msg, uint16_t home, uint16_t here,
                    bool is_posted)
{
    uint16_t worker = home;

    if (!is_posted && home != here)
        return home;
    if (!rf_call_guests_find(g, rf_call_guest_of(msg), &worker) && msg->is_request && msg->method == RF_SIP_ACK)
        (void)rf_call_guests_find(g, (struct rf_call_guest_name){ msg->call_id, msg->via.branch }, &worker);
    return worker;
}

size_t
rf_call_guests_count(struct rf_call_guests *g)
{
    return atomic_load_explicit(&g->count, memory_order_acquire);
}
