/* Dialogs at another worker: who has them, and that only who has one can drop it. */
#include "call/guests.h"

#include <pthread.h>
#include <stdio.h>

#include "tap.h"

#define THREADS 4
#define ROUNDS  5000

static struct rf_call_guests *g;

static void
test_one(void)
{
    uint16_t worker = 99;

    ok(!rf_call_guests_find(NULL, RF_SPAN_LIT("a"), &worker) && !rf_call_guests_find(g, RF_SPAN_LIT("a"), &worker) &&
           worker == 99,
       "nobody is a guest: the owner stays as it was");
    ok(rf_call_guests_add(g, RF_SPAN_LIT("a@b"), 1) == RF_OK && rf_call_guests_find(g, RF_SPAN_LIT("a@b"), &worker) &&
           worker == 1,
       "a guest is found");
    ok(!rf_call_guests_find(g, RF_SPAN_LIT("A@b"), &worker) && !rf_call_guests_find(g, RF_SPAN_LIT("a@"), &worker),
       "a Call-ID is compared whole, letter case counts (RFC 3261 20.8)");
    ok(rf_call_guests_add(g, RF_SPAN_LIT("a@b"), 2) == RF_OK && rf_call_guests_find(g, RF_SPAN_LIT("a@b"), &worker) &&
           worker == 2 && rf_call_guests_count(g) == 1,
       "it moves on, and is one guest still");
    rf_call_guests_drop(g, RF_SPAN_LIT("a@b"), 1);
    ok(rf_call_guests_find(g, RF_SPAN_LIT("a@b"), &worker), "who had it before cannot drop it");
    rf_call_guests_drop(g, RF_SPAN_LIT("a@b"), 2);
    ok(!rf_call_guests_find(g, RF_SPAN_LIT("a@b"), &worker) && rf_call_guests_count(g) == 0, "who has it can");
}

/* Each thread has guests of its own, with names that the others have too but for a letter. */
static void *
come_and_go(void *arg)
{
    uint16_t me = (uint16_t)(uintptr_t)arg, worker;
    uintptr_t wrong = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[32];
        struct rf_span id;

        snprintf(name, sizeof name, "%c-%u", 'a' + me, i % 64);
        id = rf_span_str(name);
        if (rf_call_guests_add(g, id, me) != RF_OK || !rf_call_guests_find(g, id, &worker) || worker != me)
            wrong++;
        rf_call_guests_drop(g, id, me);
        if (rf_call_guests_find(g, id, &worker))
            wrong++;
    }
    return (void *)wrong;
}

static void
test_threads(void)
{
    pthread_t thread[THREADS];
    uintptr_t wrong = 0;
    void *out;

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, come_and_go, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], &out);
        wrong += (uintptr_t)out;
    }
    ok(wrong == 0 && rf_call_guests_count(g) == 0, "guests of four workers come and go");
}

int
main(void)
{
    rf_assert(rf_call_guests_new(&g, &rf_rand_system) == RF_OK);
    test_one();
    test_threads();
    rf_call_guests_free(g);
    return tap_done();
}
