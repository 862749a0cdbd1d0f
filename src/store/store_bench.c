/*
 * How many REGISTERs a second the store commits (synchronous=FULL) before each is answered, at what cost and
 * delay. bench-store DIR [PHONES] [THREADS] [OUTSTANDING] [SECONDS]
 *
 * PHONES bindings of 400 octets stand in the table; each thread refreshes them at random and has at most
 * OUTSTANDING unanswered, as workers whose phones wait for their 200.
 */
#include "store/store.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"

static struct rf_store *store;
static uint32_t phones = 100000;
static atomic_bool stop;
static atomic_ulong good, failed, refused;
static _Atomic uint32_t delay_count[32]; /* by power of two of microseconds */

static uint64_t
clock_us(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void
answered(void *ctx, uint64_t cookie, enum rf_err err)
{
    sem_t *slots = ctx;
    uint64_t us = clock_us(CLOCK_MONOTONIC) - cookie;
    int power = 0;

    while (us >> power > 1 && power < 31)
        power++;
    atomic_fetch_add(&delay_count[power], 1);
    atomic_fetch_add(err == RF_OK ? &good : &failed, 1);
    if (slots != NULL)
        sem_post(slots);
}

static enum rf_err
refresh(uint64_t phone, uint64_t seed, sem_t *slots)
{
    char aor[32], value[360];
    struct rf_store_write w = { .op = RF_STORE_BINDING_PUT, .expires_s = (int64_t)(seed >> 32) };

    memset(value, 'v', sizeof value);
    memcpy(value, &seed, sizeof seed);
    snprintf(aor, sizeof aor, "%llu", 200000 + (unsigned long long)phone);
    w.key = rf_span_str(aor);
    w.sub = RF_SPAN_LIT("urn:uuid:6ad5cf7c;1");
    w.value = rf_span(value, sizeof value);
    return rf_store_write(store, &w, 1, answered, slots, clock_us(CLOCK_MONOTONIC));
}

static void *
producer(void *ctx)
{
    sem_t *slots = ctx;
    uint64_t seed = (uint64_t)(uintptr_t)ctx ^ clock_us(CLOCK_MONOTONIC), r;

    while (!atomic_load(&stop)) {
        rf_rand_seeded_fill(&seed, &r, sizeof r);
        sem_wait(slots);
        if (refresh(r % phones, r, slots) != RF_OK) {
            atomic_fetch_add(&refused, 1);
            sem_post(slots);
            usleep(100);
        }
    }
    return NULL;
}

static unsigned long long
percentile_us(double share)
{
    uint64_t all = 0, seen = 0;

    for (int i = 0; i < 32; i++)
        all += delay_count[i];
    for (int i = 0; i < 32; i++) {
        seen += delay_count[i];
        if ((double)seen >= share * (double)all)
            return 2ull << i;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : NULL;
    int threads = argc > 3 ? atoi(argv[3]) : 2, outstanding = argc > 4 ? atoi(argv[4]) : 500;
    int seconds = argc > 5 ? atoi(argv[5]) : 5;
    pthread_t thread[64];
    sem_t slots[64];
    struct rf_store_counts before, after;
    uint64_t t0, cpu0, us, cpu;
    char why[256];

    if (dir == NULL || threads < 1 || threads > 64) {
        fprintf(stderr, "usage: bench-store DIR [PHONES] [THREADS] [OUTSTANDING] [SECONDS]\n");
        return 2;
    }
    if (argc > 2)
        phones = (uint32_t)atoi(argv[2]);
    if (rf_store_open(&store, dir, why, sizeof why) != RF_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    for (uint32_t i = 0; i < phones; i++)
        while (refresh(i, i, NULL) != RF_OK)
            usleep(1000);
    if (rf_store_flush(store) != RF_OK)
        return 1;

    /* A lone write: what one phone waits for when nobody else registers. */
    for (int i = 0; i < 32; i++)
        delay_count[i] = 0;
    for (uint32_t i = 0; i < 200; i++)
        if (refresh(i * 37 % phones, i, NULL) != RF_OK || rf_store_flush(store) != RF_OK)
            return 1;
    printf("lone write    answered within %llu us (median), %llu us (99 %%)\n", percentile_us(0.5),
           percentile_us(0.99));

    for (int i = 0; i < 32; i++)
        delay_count[i] = 0;
    atomic_store(&good, 0);
    rf_store_counts(store, &before);
    t0 = clock_us(CLOCK_MONOTONIC);
    cpu0 = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < threads; i++) {
        sem_init(&slots[i], 0, (unsigned)outstanding);
        pthread_create(&thread[i], NULL, producer, &slots[i]);
    }
    sleep((unsigned)seconds);
    atomic_store(&stop, true);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    if (rf_store_flush(store) != RF_OK)
        printf("some writes failed\n");
    us = clock_us(CLOCK_MONOTONIC) - t0;
    cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu0;
    rf_store_counts(store, &after);
    printf("refreshes     %.0f/s committed, %lu failed, %lu refused, of %u bindings\n",
           (double)good * 1e6 / (double)us, (unsigned long)failed, (unsigned long)refused, phones);
    printf("cost          %.1f us of CPU each (all threads), %.0f writes a commit\n", (double)cpu / (double)good,
           (double)(after.writes - before.writes) / (double)(after.commits - before.commits));
    printf("delay         %llu us (median), %llu us (99 %%)\n", percentile_us(0.5), percentile_us(0.99));
    rf_store_close(store);
    return failed > 0;
}
