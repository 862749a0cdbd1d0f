#include "base/tally.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

#define BLOCKS_MAX 256  /* threads that enter: workers and those beside them, of which there are fewer */
#define ROW_BUCKETS 1024
#define ROWS_MAX   8192 /* twice RF_CONF_CONNECTIONS_MAX: names change by reload */

static struct rf_tally shared; /* of threads that did not enter */
static struct rf_tally *_Atomic block[BLOCKS_MAX];
static atomic_uint blocks;
static _Thread_local struct rf_tally *mine;

void
rf_tally_enter(void)
{
    struct rf_tally *t = mine == NULL ? calloc(1, sizeof *t) : NULL;
    unsigned at;

    if (t == NULL)
        return;
    at = atomic_fetch_add(&blocks, 1);
    if (at >= BLOCKS_MAX) {
        free(t);
        return;
    }
    mine = t;
    atomic_store_explicit(&block[at], t, memory_order_release);
}

struct rf_tally *
rf_tally_mine(void)
{
    return mine != NULL ? mine : &shared;
}

static void
add(struct rf_tally *out, const struct rf_tally *from)
{
    rf_cell *to = (rf_cell *)(void *)out;
    const rf_cell *cell = (const rf_cell *)(const void *)from;

    for (size_t i = 0; i < sizeof *out / sizeof *to; i++)
        atomic_store_explicit(&to[i], rf_cell_value(&to[i]) + rf_cell_value(&cell[i]), memory_order_relaxed);
}

void
rf_tally_sum(struct rf_tally *out)
{
    unsigned n = atomic_load(&blocks);

    _Static_assert(sizeof(struct rf_tally) % sizeof(rf_cell) == 0, "cells alone");
    add(out, &shared);
    for (unsigned i = 0; i < n && i < BLOCKS_MAX; i++) {
        const struct rf_tally *t = atomic_load_explicit(&block[i], memory_order_acquire);

        if (t != NULL) /* else it is just being entered */
            add(out, t);
    }
}

void
rf_tally_time(struct rf_tally_times *t, const uint64_t *bounds, uint64_t us)
{
    unsigned i = 0;

    while (i < RF_TALLY_BUCKETS && us > bounds[i])
        i++;
    rf_count(&t->bucket[i], 1);
    rf_count(&t->sum_us, us);
}

/* --- labels with a table --- */

/* Those of RFC 3261 21 and of the RFCs that we speak, rising; then what is left of each class. */
#define STATUSES(X)                                                                                                   \
    X(100) X(180) X(181) X(182) X(183) X(200) X(202) X(204) X(300) X(301) X(302) X(305) X(380) X(400) X(401) X(402)   \
    X(403) X(404) X(405) X(406) X(407) X(408) X(410) X(412) X(413) X(414) X(415) X(416) X(420) X(421) X(422) X(423)   \
    X(428) X(429) X(433) X(436) X(437) X(438) X(439) X(469) X(480) X(481) X(482) X(483) X(484) X(485) X(486) X(487)   \
    X(488) X(489) X(491) X(493) X(500) X(501) X(502) X(503) X(504) X(600)

static const struct { uint16_t status; const char *name; } statuses[] = {
#define X(status) { status, #status },
    STATUSES(X)
#undef X
};
#define KNOWN (sizeof statuses / sizeof *statuses)
static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx", "6xx" };

_Static_assert(KNOWN + sizeof classes / sizeof *classes == RF_TALLY_STATUSES, "a place for each");

unsigned
rf_tally_status(unsigned status)
{
    unsigned low = 0, high = KNOWN;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (statuses[middle].status == status)
            return middle;
        if (statuses[middle].status < status)
            low = middle + 1;
        else
            high = middle;
    }
    return KNOWN + (status < 200 ? 0 : status >= 600 ? 5 : status / 100 - 1);
}

const char *
rf_tally_status_name(unsigned place)
{
    return place < KNOWN ? statuses[place].name : place < RF_TALLY_STATUSES ? classes[place - KNOWN] : NULL;
}

unsigned
rf_tally_version(uint16_t version)
{
    return version >= 0x0301 && version <= 0x0304 ? version - 0x0300u : 0;
}

/* TLS suites in the order of their first use: our levels allow fewer than there are places. */
static _Atomic uint16_t cipher[RF_TALLY_CIPHERS - 1];

unsigned
rf_tally_cipher(uint16_t suite)
{
    for (unsigned i = 0; i < RF_TALLY_CIPHERS - 1; i++) {
        uint16_t there = atomic_load_explicit(&cipher[i], memory_order_relaxed);

        if (there == 0 && atomic_compare_exchange_strong(&cipher[i], &there, suite))
            return i;
        if (there == suite)
            return i;
    }
    return RF_TALLY_CIPHERS - 1;
}

uint16_t
rf_tally_cipher_at(unsigned place)
{
    return place < RF_TALLY_CIPHERS - 1 ? atomic_load_explicit(&cipher[place], memory_order_relaxed) : 0;
}

/* --- connections --- */

static pthread_mutex_t rows_lock = PTHREAD_MUTEX_INITIALIZER; /* whoever adds a row */
static struct rf_tally_connection *_Atomic first_row;
static struct rf_tally_connection *_Atomic bucket[ROW_BUCKETS];
static size_t row_count;
static struct rf_tally_connection others = { .name = "(other)" };

static struct rf_tally_connection *_Atomic *
bucket_of(const char *name)
{
    static const struct rf_hash_key fixed; /* who chooses names is the operator */

    return &bucket[rf_siphash(&fixed, name, strlen(name)) % ROW_BUCKETS];
}

/* Rows are never taken away, so who walks along them needs no lock. */
static struct rf_tally_connection *
row_named(const char *name)
{
    struct rf_tally_connection *row = atomic_load_explicit(bucket_of(name), memory_order_acquire);

    while (row != NULL && strcmp(row->name, name) != 0)
        row = row->in_bucket;
    return row;
}

bool
rf_tally_has_connection(const char *name)
{
    return row_named(name) != NULL;
}

static struct rf_tally_connection *
row_add(const char *name)
{
    struct rf_tally_connection *row =
        row_count < ROWS_MAX && strlen(name) < sizeof row->name ? calloc(1, sizeof *row) : NULL;

    if (row == NULL)
        return &others;
    memcpy(row->name, name, strlen(name) + 1);
    row->next = atomic_load_explicit(&first_row, memory_order_relaxed);
    row->in_bucket = atomic_load_explicit(bucket_of(name), memory_order_relaxed);
    row_count++;
    atomic_store_explicit(bucket_of(name), row, memory_order_release);
    atomic_store_explicit(&first_row, row, memory_order_release);
    return row;
}

struct rf_tally_connection *
rf_tally_connection(const char *name)
{
    struct rf_tally_connection *row = row_named(name);

    if (row != NULL)
        return row;
    pthread_mutex_lock(&rows_lock);
    row = row_named(name);
    if (row == NULL)
        row = row_add(name);
    pthread_mutex_unlock(&rows_lock);
    return row;
}

const struct rf_tally_connection *
rf_tally_connection_next(const struct rf_tally_connection *row)
{
    if (row == &others)
        return NULL;
    row = row == NULL ? atomic_load_explicit(&first_row, memory_order_acquire) : row->next;
    return row != NULL ? row : &others;
}
