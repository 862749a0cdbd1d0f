#include "tls/staple.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"

struct rf_tls_staple {
    _Atomic uint32_t refs;
    pthread_mutex_t lock; /* what follows */
    char *response;
    size_t n;
    int64_t until_s;
    struct rf_tls_staple_state state; /* but for has_answer and until_s */
};

enum rf_err
rf_tls_staple_new(struct rf_tls_staple **out)
{
    struct rf_tls_staple *s = calloc(1, sizeof *s);

    if (s == NULL)
        return RF_ERR_NOMEM;
    atomic_init(&s->refs, 1);
    rf_assert(pthread_mutex_init(&s->lock, NULL) == 0);
    *out = s;
    return RF_OK;
}

struct rf_tls_staple *
rf_tls_staple_ref(struct rf_tls_staple *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void
rf_tls_staple_unref(struct rf_tls_staple *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s->response);
    free(s);
}

enum rf_err
rf_tls_staple_set(struct rf_tls_staple *s, struct rf_span response, int64_t until_s)
{
    char *copy = NULL, *was;

    if (response.n > RF_TLS_STAPLE_MAX)
        return RF_ERR_RANGE;
    if (response.n > 0) {
        copy = malloc(response.n);
        if (copy == NULL)
            return RF_ERR_NOMEM;
        memcpy(copy, response.p, response.n);
    }
    pthread_mutex_lock(&s->lock);
    was = s->response;
    s->response = copy;
    s->n = response.n;
    s->until_s = until_s;
    if (response.n > 0) {
        s->state.fetched_s = rf_wall_s();
        s->state.failed_s = 0;
        s->state.failure[0] = '\0';
    }
    pthread_mutex_unlock(&s->lock);
    free(was);
    return RF_OK;
}

void
rf_tls_staple_failed(struct rf_tls_staple *s, const char *why, int64_t now_s)
{
    pthread_mutex_lock(&s->lock);
    s->state.failed_s = now_s;
    snprintf(s->state.failure, sizeof s->state.failure, "%s", why);
    pthread_mutex_unlock(&s->lock);
}

void
rf_tls_staple_look(struct rf_tls_staple *s, struct rf_tls_staple_state *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->state;
    out->has_answer = s->n > 0;
    out->until_s = s->until_s;
    pthread_mutex_unlock(&s->lock);
}

size_t
rf_tls_staple_get(struct rf_tls_staple *s, int64_t now_s, unsigned char **out)
{
    size_t n = 0;

    pthread_mutex_lock(&s->lock);
    if (s->n > 0 && now_s < s->until_s) {
        *out = OPENSSL_memdup(s->response, s->n);
        n = *out != NULL ? s->n : 0;
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}
