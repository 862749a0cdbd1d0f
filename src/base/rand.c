#include "base/rand.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"

#define STOCK 512 /* octets of one system call; what needs more goes past it */

static _Thread_local struct {
    size_t left;
    unsigned char octets[STOCK];
} stock;

static void
from_kernel(unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        rf_assert(got > 0);
        p += got;
        n -= (size_t)got;
    }
}

/* A child must not draw what its parent draws. The thread that forked is the one it has. */
static void
forked(void)
{
    explicit_bzero(&stock, sizeof stock);
}

static void
watch_forks(void)
{
    rf_assert(pthread_atfork(NULL, NULL, forked) == 0);
}

static void
system_fill(void *ctx, void *out, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)ctx;
    if (n > STOCK / 4) {
        from_kernel(out, n);
        return;
    }
    if (stock.left < n) {
        pthread_once(&once, watch_forks);
        from_kernel(stock.octets, STOCK);
        stock.left = STOCK;
    }
    stock.left -= n;
    memcpy(out, stock.octets + stock.left, n);
    explicit_bzero(stock.octets + stock.left, n);
}

const struct rf_rand rf_rand_system = { system_fill, NULL };

void
rf_rand_seeded_fill(void *seed, void *out, size_t n)
{
    uint64_t *state = seed;
    unsigned char *p = out;

    while (n > 0) {
        uint64_t z = (*state += 0x9e3779b97f4a7c15u);
        size_t take = n < sizeof z ? n : sizeof z;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        memcpy(p, &z, take);
        p += take;
        n -= take;
    }
}
