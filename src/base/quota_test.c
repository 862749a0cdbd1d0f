/* Counts over threads: never above the limit, and 0 when all is given back. */
#include "base/quota.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tap.h"

#define THREADS 4
#define ROUNDS  20000
#define NAMES   3

static struct rf_quota *q;

static void
one_thread(void)
{
    struct rf_quota_share *a[4] = { 0 }, *b = NULL, *none = NULL;
    struct rf_span long_name = RF_SPAN_LIT("0123456789012345678901234567890123456789012345678901234567890123");

    rf_assert(rf_quota_new(&q, &rf_rand_system) == RF_OK);
    ok(rf_quota_take(q, RF_SPAN_LIT("201"), 2, 4, &a[0]) == RF_OK &&
           rf_quota_take(q, RF_SPAN_LIT("201"), 2, 4, &a[1]) == RF_OK && a[0] == a[1],
       "a name takes its share");
    ok(rf_quota_take(q, RF_SPAN_LIT("201"), 2, 4, &a[2]) == RF_ERR_RANGE && rf_quota_all(q) == 2,
       "and not one more, which leaves nothing behind");
    ok(rf_quota_take(q, RF_SPAN_LIT("202"), 2, 4, &b) == RF_OK &&
           rf_quota_take(q, rf_span("", 0), 0, 4, &none) == RF_OK && rf_quota_all(q) == 4,
       "another name has a share of its own; what has no name counts among all");
    ok(rf_quota_take(q, RF_SPAN_LIT("203"), 2, 4, &a[2]) == RF_ERR_STATE &&
           rf_quota_take(q, rf_span("", 0), 0, 4, &a[2]) == RF_ERR_STATE && rf_quota_names(q) == 2,
       "all are taken: nobody gets one");
    rf_quota_drop(q, a[0]);
    ok(rf_quota_take(q, RF_SPAN_LIT("201"), 2, 4, &a[0]) == RF_OK, "what was given back can be taken");
    ok(rf_quota_take(q, long_name, 0, 99, &a[2]) == RF_ERR_RANGE && rf_quota_names(q) == 2,
       "a share of none takes no memory");
    ok(rf_quota_take(q, long_name, 1, 99, &a[2]) == RF_OK, "a name of the largest size");
    rf_quota_drop(q, a[2]);
    rf_quota_drop(q, a[0]);
    rf_quota_drop(q, a[1]);
    rf_quota_drop(q, b);
    rf_quota_drop(q, none);
    ok(rf_quota_all(q) == 0 && rf_quota_names(q) == 0, "nothing is left");
    rf_quota_free(q);
    rf_quota_free(NULL);
}

static const char *const names[NAMES] = { "201", "202", "203" };
static _Atomic int held[NAMES], held_all, too_many;

static void *
take_and_drop(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned who = (seed = seed * 1103515245u + 12345u) >> 16;
        struct rf_quota_share *s;

        who %= NAMES;
        if (rf_quota_take(q, rf_span_str(names[who]), 2, 5, &s) != RF_OK)
            continue;
        if (atomic_fetch_add(&held[who], 1) >= 2 || atomic_fetch_add(&held_all, 1) >= 5)
            atomic_fetch_add(&too_many, 1);
        atomic_fetch_sub(&held_all, 1);
        atomic_fetch_sub(&held[who], 1);
        rf_quota_drop(q, s);
    }
    return NULL;
}

static void
many_threads(void)
{
    pthread_t t[THREADS];

    rf_assert(rf_quota_new(&q, &rf_rand_system) == RF_OK);
    for (uintptr_t i = 0; i < THREADS; i++)
        rf_assert(pthread_create(&t[i], NULL, take_and_drop, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    ok(atomic_load(&too_many) == 0, "4 threads together never have more than the limits");
    ok(rf_quota_all(q) == 0 && rf_quota_names(q) == 0, "and leave nothing behind");
    rf_quota_free(q);
}

int
main(void)
{
    one_thread();
    many_threads();
    return tap_done();
}
