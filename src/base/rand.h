/*
 * base/rand.h - randomness as an argument
 *
 * Protocol code takes its randomness from whoever calls it, so that a play or a simulation with one seed runs
 * the same way twice. The daemon gives rf_rand_system.
 */
#ifndef RF_BASE_RAND_H
#define RF_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct rf_rand {
    void (*fill)(void *ctx, void *out, size_t n);
    void *ctx;
};

/**
 * getrandom(2): fit for keys, nonces and tags. Never fails (aborts when the kernel has no entropy source). Each thread has
 * a small stock, because a call needs seven small values; what is taken out of it is wiped there.
 */
extern const struct rf_rand rf_rand_system;

static inline void
rf_rand_fill(const struct rf_rand *r, void *out, size_t n)
{
    r->fill(r->ctx, out, n);
}

static inline uint64_t
rf_rand_u64(const struct rf_rand *r)
{
    uint64_t v;

    r->fill(r->ctx, &v, sizeof v);
    return v;
}

/** For tests and simulations: a repeatable generator (SplitMix64), not fit for keys. ctx is a uint64_t seed. */
void rf_rand_seeded_fill(void *seed, void *out, size_t n);

#endif
