#include "registrar/nonce.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/secret.h"

#define WAYS  8   /* nonces in a set */
#define LOCKS 256 /* more than workers, so that two rarely meet */

struct used {
    uint64_t number; /* 0: free; numbers begin at 1 */
    uint64_t window; /* bit i: highest - i was used */
    uint32_t highest;
    uint32_t made_s;
};

struct set {
    struct used way[WAYS];
    uint64_t floor; /* the highest number that this set has forgotten */
};

struct rf_nonces {
    struct rf_hash_key mac[2], place, whom; /* two MACs of 64 bits under two keys; which set; whose address */
    _Atomic uint64_t next;
    struct set *set;
    size_t mask;
    pthread_mutex_t lock[LOCKS];
};

enum rf_err
rf_nonces_new(struct rf_nonces **out, const struct rf_rand *rand, uint32_t slots)
{
    struct rf_nonces *n = calloc(1, sizeof *n);
    size_t sets = 1;

    if (n == NULL)
        return RF_ERR_NOMEM;
    while (sets * WAYS < slots)
        sets *= 2;
    n->set = calloc(sets, sizeof *n->set);
    n->mask = sets - 1;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&n->lock[i], NULL);
    rf_rand_fill(rand, n->mac, sizeof n->mac);
    rf_rand_fill(rand, &n->place, sizeof n->place);
    rf_rand_fill(rand, &n->whom, sizeof n->whom);
    atomic_init(&n->next, 1);
    if (n->set == NULL) {
        rf_nonces_free(n);
        return RF_ERR_NOMEM;
    }
    *out = n;
    return RF_OK;
}

void
rf_nonces_free(struct rf_nonces *n)
{
    if (n == NULL)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&n->lock[i]);
    free(n->set);
    rf_wipe(n, sizeof *n);
    free(n);
}

/* --- making and opening -------------------------------------------------------------------------------- */

#define SIGNED_OCTETS (RF_NONCE_OCTETS - 16)

static void
sign(const struct rf_nonces *n, const uint8_t octet[static SIGNED_OCTETS], uint8_t mac[static 16])
{
    for (int i = 0; i < 2; i++) {
        uint64_t h = rf_siphash(&n->mac[i], octet, SIGNED_OCTETS);

        memcpy(mac + 8 * i, &h, sizeof h);
    }
}

static uint32_t
seconds_of(uint64_t now_us)
{
    return (uint32_t)(now_us / 1000000u);
}

uint32_t
rf_nonce_whom(const struct rf_nonces *n, const struct rf_addr *a)
{
    if (a->sa.sa_family == AF_INET6)
        return (uint32_t)rf_siphash(&n->whom, &a->v6.sin6_addr, 8);
    return (uint32_t)rf_siphash(&n->whom, &a->v4.sin_addr, 4);
}

void
rf_nonce_put(struct rf_nonces *n, struct rf_buf *b, enum rf_digest_algorithm a, const struct rf_addr *to,
             uint64_t now_us)
{
    uint64_t number = atomic_fetch_add_explicit(&n->next, 1, memory_order_relaxed);
    uint32_t made_s = seconds_of(now_us), whom = rf_nonce_whom(n, to);
    uint8_t octet[RF_NONCE_OCTETS];

    for (int i = 0; i < 6; i++)
        octet[i] = (uint8_t)(number >> (8 * (5 - i)));
    for (int i = 0; i < 4; i++)
        octet[6 + i] = (uint8_t)(made_s >> (8 * (3 - i)));
    octet[10] = (uint8_t)a;
    for (int i = 0; i < 4; i++)
        octet[11 + i] = (uint8_t)(whom >> (8 * (3 - i)));
    sign(n, octet, octet + SIGNED_OCTETS);
    rf_put_hex(b, octet, sizeof octet);
}

enum rf_err
rf_nonce_open(const struct rf_nonces *n, struct rf_span text, struct rf_nonce *out)
{
    uint8_t octet[RF_NONCE_OCTETS], mac[16];
    size_t octets;

    if (text.n != RF_NONCE_TEXT || rf_hex_decode(text, octet, sizeof octet, &octets) != RF_OK)
        return RF_ERR_AUTH;
    sign(n, octet, mac);
    if (!rf_octets_eq(mac, octet + SIGNED_OCTETS, sizeof mac) || octet[10] >= RF_DIGEST_COUNT)
        return RF_ERR_AUTH;
    *out = (struct rf_nonce){ .algorithm = (enum rf_digest_algorithm)octet[10] };
    for (int i = 0; i < 6; i++)
        out->number = out->number << 8 | octet[i];
    for (int i = 0; i < 4; i++)
        out->made_s = out->made_s << 8 | octet[6 + i];
    for (int i = 0; i < 4; i++)
        out->whom = out->whom << 8 | octet[11 + i];
    return RF_OK;
}

/* --- counts -------------------------------------------------------------------------------------------- */

/* The place for a nonce that is not in the set: a free or expired one, or the oldest one's. NULL: none. */
static struct used *
make_place(struct set *s, const struct rf_nonce *nonce, uint32_t life_s, uint32_t now_s)
{
    struct used *oldest = &s->way[0];

    for (int i = 0; i < WAYS; i++) {
        struct used *u = &s->way[i];

        if (u->number == 0)
            return u;
        /* The floor need not rise for one whose own age makes it stale. */
        if (now_s > u->made_s && now_s - u->made_s > life_s)
            return u;
        if (u->number < oldest->number)
            oldest = u;
    }
    if (nonce->number < oldest->number) {
        if (nonce->number > s->floor)
            s->floor = nonce->number;
        return NULL;
    }
    if (oldest->number > s->floor)
        s->floor = oldest->number;
    return oldest;
}

static enum rf_err
use_count(struct used *u, uint32_t count)
{
    if (count > u->highest) {
        uint32_t ahead = count - u->highest;

        u->window = ahead < RF_NONCE_WINDOW ? u->window << ahead | 1 : 1;
        u->highest = count;
        return RF_OK;
    }
    if (u->highest - count >= RF_NONCE_WINDOW || (u->window >> (u->highest - count) & 1) != 0)
        return RF_ERR_REPLAY;
    u->window |= 1ull << (u->highest - count);
    return RF_OK;
}

static enum rf_err
use_locked(struct set *s, const struct rf_nonce *nonce, uint32_t count, bool is_single, uint32_t life_s,
           uint32_t now_s)
{
    struct used *u;

    for (int i = 0; i < WAYS; i++)
        if (s->way[i].number == nonce->number)
            return is_single ? RF_ERR_REPLAY : use_count(&s->way[i], count);
    if (nonce->number <= s->floor)
        return RF_ERR_STALE;
    u = make_place(s, nonce, life_s, now_s);
    if (u == NULL)
        return RF_ERR_STALE;
    *u = (struct used){ nonce->number, 1, count, nonce->made_s };
    if (is_single) {
        u->window = UINT64_MAX;
        u->highest = UINT32_MAX;
    }
    return RF_OK;
}

enum rf_err
rf_nonce_use(struct rf_nonces *n, const struct rf_nonce *nonce, uint32_t count, bool is_single, uint32_t life_s,
             uint64_t now_us)
{
    /* By a keyed hash, so that nobody chooses nonces that meet in one set. */
    size_t at = rf_siphash(&n->place, &nonce->number, sizeof nonce->number) & n->mask;
    pthread_mutex_t *lock = &n->lock[at % LOCKS];
    enum rf_err err;

    pthread_mutex_lock(lock);
    err = use_locked(&n->set[at], nonce, count, is_single, life_s, seconds_of(now_us));
    pthread_mutex_unlock(lock);
    return err;
}
