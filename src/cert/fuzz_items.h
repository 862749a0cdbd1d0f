/*
 * cert/fuzz_items.h - one input of a fuzzer as several objects
 *
 * An octet of switches, then items: a letter, a length of two octets, so many octets. A length that runs past the end
 * takes what is left, so that every input means something.
 */
#ifndef RF_CERT_FUZZ_ITEMS_H
#define RF_CERT_FUZZ_ITEMS_H

#include <openssl/x509.h>

#include "base/span.h"

/* Certificates of one input: a chain beyond RF_CHECK_CHAIN_MAX, and a store of some authorities. */
#define FUZZ_ITEMS_MAX 32

struct fuzz_item {
    char kind;
    struct rf_span octets;
};

static inline bool
fuzz_next(struct rf_span *in, struct fuzz_item *out)
{
    size_t n;

    if (in->n < 3)
        return false;
    n = (size_t)(unsigned char)in->p[1] << 8 | (unsigned char)in->p[2];
    out->kind = in->p[0];
    *in = rf_span_sub(*in, 3, in->n - 3);
    if (n > in->n)
        n = in->n;
    out->octets = rf_span_sub(*in, 0, n);
    *in = rf_span_sub(*in, n, in->n - n);
    return true;
}

static inline X509 *
fuzz_x509(struct rf_span der)
{
    const unsigned char *p = (const unsigned char *)der.p;

    return d2i_X509(NULL, &p, (long)der.n);
}

#endif
