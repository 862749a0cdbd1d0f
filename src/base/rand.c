#include "base/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"

static void
system_fill(void *ctx, void *out, size_t n)
{
    unsigned char *p = out;

    (void)ctx;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        rf_assert(got > 0);
        p += got;
        n -= (size_t)got;
    }
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
