#include "base/secret.h"

#include <malloc.h>
#include <stdlib.h>

enum rf_err
rf_secret_set(struct rf_secret *s, const void *octets, size_t n)
{
    rf_wipe(s, sizeof *s);
    if (n > sizeof s->octet)
        return RF_ERR_RANGE;
    if (n > 0)
        memcpy(s->octet, octets, n);
    s->n = n;
    return RF_OK;
}

bool
rf_octets_eq(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differ = 0;

    for (size_t i = 0; i < n; i++)
        differ |= x[i] ^ y[i];
    return differ == 0;
}

void
rf_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

void
rf_wipe_and_free(void *p)
{
    if (p != NULL)
        rf_wipe(p, malloc_usable_size(p));
    free(p);
}
