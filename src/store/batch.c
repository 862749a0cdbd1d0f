#include "store/batch.h"

#include <stdlib.h>

#define FIRST_OCTETS (256u << 10)
#define KEEP_OCTETS  (8u << 20) /* twice what 10,000 refreshed bindings need */

/* In front of each write's octets: key, sub and value one behind the other. */
struct packed_write {
    int64_t expires_s;
    uint32_t op, key_n, sub_n, value_n;
};

static size_t
padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t
packed_octets(const struct rf_store_write *w)
{
    return sizeof(struct packed_write) + padded(w->key.n + w->sub.n + w->value.n);
}

static bool
make_room(struct rf_batch *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST_OCTETS;
    char *p;

    if (n > RF_BATCH_OCTETS_MAX || b->n > RF_BATCH_OCTETS_MAX - n)
        return false;
    while (cap < b->n + n)
        cap *= 2;
    if (cap == b->cap)
        return true;
    /* Not realloc: the old block may hold secrets, which are wiped. */
    p = malloc(cap);
    if (p == NULL)
        return false;
    if (b->n > 0) {
        memcpy(p, b->p, b->n);
        rf_wipe(b->p, b->n);
    }
    free(b->p);
    b->p = p;
    b->cap = cap;
    return true;
}

static char *
put_span(char *at, struct rf_span s)
{
    if (s.n > 0)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

enum rf_err
rf_batch_add(struct rf_batch *b, const struct rf_store_write *w, size_t n,
             void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx, uint64_t cookie)
{
    struct rf_batch_group group = { done, ctx, cookie, sizeof group, (uint32_t)n, false };
    char *at;

    if (n > RF_BATCH_WRITES_MAX || b->writes > RF_BATCH_WRITES_MAX - n)
        return RF_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        if (w[i].key.n > RF_BATCH_OCTETS_MAX || w[i].sub.n > RF_BATCH_OCTETS_MAX ||
            w[i].value.n > RF_BATCH_OCTETS_MAX || group.octets > RF_BATCH_OCTETS_MAX)
            return RF_ERR_NOMEM;
        group.octets += packed_octets(&w[i]);
        group.has_secret |= w[i].op == RF_STORE_SECRET_PUT || w[i].op == RF_STORE_SETTINGS_PUT ||
                            w[i].op == RF_STORE_ITEM_PUT;
    }
    if (!make_room(b, group.octets))
        return RF_ERR_NOMEM;

    at = b->p + b->n;
    memcpy(at, &group, sizeof group);
    at += sizeof group;
    for (size_t i = 0; i < n; i++) {
        struct packed_write packed = { w[i].expires_s, (uint32_t)w[i].op, (uint32_t)w[i].key.n,
                                       (uint32_t)w[i].sub.n, (uint32_t)w[i].value.n };
        char *octets = at + sizeof packed;

        memcpy(at, &packed, sizeof packed);
        octets = put_span(octets, w[i].key);
        octets = put_span(octets, w[i].sub);
        put_span(octets, w[i].value);
        at += packed_octets(&w[i]);
    }
    b->n += group.octets;
    b->groups++;
    b->writes += n;
    return RF_OK;
}

const struct rf_batch_group *
rf_batch_next(const struct rf_batch *b, size_t *at)
{
    const struct rf_batch_group *g;

    if (*at >= b->n)
        return NULL;
    g = (const struct rf_batch_group *)(const void *)(b->p + *at);
    *at += g->octets;
    return g;
}

bool
rf_batch_write(const struct rf_batch_group *g, size_t *at, struct rf_store_write *out)
{
    const char *start = (const char *)(g + 1);
    const struct packed_write *packed;
    const char *octets;

    if (sizeof *g + *at >= g->octets)
        return false;
    packed = (const struct packed_write *)(const void *)(start + *at);
    octets = (const char *)(packed + 1);
    *out = (struct rf_store_write){
        .op = (enum rf_store_op)packed->op,
        .key = rf_span(octets, packed->key_n),
        .sub = rf_span(octets + packed->key_n, packed->sub_n),
        .value = rf_span(octets + packed->key_n + packed->sub_n, packed->value_n),
        .expires_s = packed->expires_s,
    };
    *at += packed_octets(out);
    return true;
}

void
rf_batch_clear(struct rf_batch *b)
{
    const struct rf_batch_group *g;
    size_t at = 0, from = 0;

    while ((g = rf_batch_next(b, &at)) != NULL) {
        if (g->has_secret)
            rf_wipe(b->p + from, g->octets);
        from = at;
    }
    b->n = b->groups = b->writes = 0;
    /* One large write of settings must not hold its memory for ever. */
    if (b->cap > KEEP_OCTETS) {
        free(b->p);
        b->p = NULL;
        b->cap = 0;
    }
}

void
rf_batch_fini(struct rf_batch *b)
{
    rf_batch_clear(b);
    free(b->p);
    *b = (struct rf_batch){ 0 };
}
