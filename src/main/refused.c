#include "main/refused.h"

#include <pthread.h>
#include <stdlib.h>

struct rf_refused {
    pthread_mutex_t lock;
    uint32_t last;
    size_t count;
    struct rf_refused_chain chain[RF_REFUSED_MAX]; /* the newest first */
};

enum rf_err
rf_refused_new(struct rf_refused **out)
{
    struct rf_refused *r = calloc(1, sizeof *r);

    if (r == NULL)
        return RF_ERR_NOMEM;
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return RF_OK;
}

void
rf_refused_free(struct rf_refused *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        free(r->chain[i].der);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct rf_span
rf_refused_der(const struct rf_refused_chain *c, size_t i)
{
    uint32_t from = i > 0 ? c->end[i - 1] : 0;

    return rf_span(c->der + from, c->end[i] - from);
}

/* What fits, leaf first. false: nothing does. */
static bool
copy_chain(struct rf_refused_chain *to, const struct rf_tls_conn *c)
{
    size_t n = rf_tls_conn_chain_count(c), octets = 0;
    char *at;

    to->count = 0;
    for (size_t i = 0; i < n && i < RF_CHECK_CHAIN_MAX; i++) {
        struct rf_span der = rf_tls_conn_chain(c, i);

        if (octets + der.n > RF_REFUSED_OCTETS_MAX)
            break;
        octets += der.n;
        to->end[to->count++] = (uint32_t)octets;
    }
    at = to->der = to->count > 0 ? malloc(octets) : NULL;
    for (size_t i = 0; at != NULL && i < to->count; i++) {
        struct rf_span der = rf_tls_conn_chain(c, i);

        memcpy(at, der.p, der.n);
        at += der.n;
    }
    return to->der != NULL;
}

/* Its place among those that are kept; the last one's when it is new and there is no room. */
static size_t
place_of(struct rf_refused *r, const struct rf_refused_chain *c)
{
    size_t i = 0;

    while (i < r->count && (memcmp(r->chain[i].sha256, c->sha256, sizeof c->sha256) != 0 ||
                            strcmp(r->chain[i].interface, c->interface) != 0))
        i++;
    if (i < r->count)
        return i;
    if (r->count < RF_REFUSED_MAX)
        return r->count++;
    return RF_REFUSED_MAX - 1;
}

void
rf_refused_add(struct rf_refused *r, const struct rf_tls_conn *c, const struct rf_refused_chain *why)
{
    struct rf_refused_chain mine = *why;
    size_t at;

    if (c == NULL || !copy_chain(&mine, c))
        return;
    pthread_mutex_lock(&r->lock);
    at = place_of(r, &mine);
    mine.times = memcmp(r->chain[at].sha256, mine.sha256, sizeof mine.sha256) == 0 ? r->chain[at].times + 1 : 1;
    mine.number = ++r->last;
    free(r->chain[at].der);
    memmove(&r->chain[1], &r->chain[0], at * sizeof r->chain[0]);
    r->chain[0] = mine;
    pthread_mutex_unlock(&r->lock);
}

void
rf_refused_visit(struct rf_refused *r, bool (*visit)(void *ctx, const struct rf_refused_chain *c), void *ctx)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->count; i++)
        if (!visit(ctx, &r->chain[i]))
            break;
    pthread_mutex_unlock(&r->lock);
}
