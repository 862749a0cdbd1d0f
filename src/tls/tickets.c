#include "tls/tickets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdlib.h>

struct rf_tls_tickets {
    _Atomic uint32_t refs;
    uint32_t period_s;
    int64_t (*wall_s)(void);
    struct rf_secret master;
};

enum rf_err
rf_tls_tickets_new(struct rf_tls_tickets **out, struct rf_span master, uint32_t period_s,
                   int64_t (*wall_s)(void))
{
    struct rf_tls_tickets *t;

    if (master.n < 32 || period_s == 0)
        return RF_ERR_RANGE;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return RF_ERR_NOMEM;
    if (rf_secret_set(&t->master, master.p, master.n) != RF_OK) {
        free(t);
        return RF_ERR_RANGE;
    }
    atomic_init(&t->refs, 1);
    t->period_s = period_s;
    t->wall_s = wall_s;
    *out = t;
    return RF_OK;
}

struct rf_tls_tickets *
rf_tls_tickets_ref(struct rf_tls_tickets *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void
rf_tls_tickets_unref(struct rf_tls_tickets *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    rf_secret_fini(&t->master);
    free(t);
}

uint32_t
rf_tls_tickets_period_s(const struct rf_tls_tickets *t)
{
    return t->period_s;
}

int64_t
rf_tls_tickets_period(const struct rf_tls_tickets *t)
{
    return t->wall_s() / t->period_s;
}

/* HMAC-SHA-256(master, use || 0 || period || settings), the period as 8 octets, big end first. */
static void
derive(const struct rf_tls_tickets *t, const char *use, int64_t period, struct rf_span settings,
       uint8_t out[32])
{
    uint8_t input[64];
    size_t n = strlen(use) + 1;
    unsigned out_n = 32;

    rf_assert(n + 8 + settings.n <= sizeof input);

    memcpy(input, use, n);
    for (int i = 0; i < 8; i++)
        input[n + (size_t)i] = (uint8_t)((uint64_t)period >> (56 - 8 * i));
    memcpy(input + n + 8, settings.p, settings.n);
    rf_assert(HMAC(EVP_sha256(), t->master.octet, (int)t->master.n, input, n + 8 + settings.n, out, &out_n) !=
              NULL);
}

void
rf_tls_tickets_derive(const struct rf_tls_tickets *t, int ago, struct rf_span settings,
                      struct rf_tls_ticket_keys *out)
{
    uint8_t name[32];

    out->period = rf_tls_tickets_period(t) - ago;
    out->is_set = true;
    derive(t, "ticket name", out->period, settings, name);
    memcpy(out->name, name, sizeof out->name);
    derive(t, "ticket aes-256", out->period, settings, out->aes);
    derive(t, "ticket hmac", out->period, settings, out->mac);
}
