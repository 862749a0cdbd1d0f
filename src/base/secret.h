/*
 * base/secret.h - keys, passwords and verifiers
 *
 * A secret is wiped when it ends, compared in constant time and has no function that prints it.
 */
#ifndef RF_BASE_SECRET_H
#define RF_BASE_SECRET_H

#include "base/span.h"

/* The longest: three digest verifiers of 16, 32 and 32 octets with their lengths, or a password of 128. */
#define RF_SECRET_MAX 256

struct rf_secret {
    uint8_t octet[RF_SECRET_MAX];
    size_t n;
};

/** Copy n octets in. RF_ERR_RANGE above RF_SECRET_MAX; the secret is then empty. */
RF_MUST_CHECK enum rf_err rf_secret_set(struct rf_secret *s, const void *octets, size_t n);

/** Constant-time compare of n octets. */
bool rf_octets_eq(const void *a, const void *b, size_t n);

/** free() that overwrites first, for libraries that let us choose: jansson's texts of requests hold passwords. */
void rf_wipe_and_free(void *p);

/** Overwrite; the compiler cannot leave it out. */
void rf_wipe(void *p, size_t n);

static inline void
rf_secret_fini(struct rf_secret *s)
{
    rf_wipe(s, sizeof *s);
}

#endif
