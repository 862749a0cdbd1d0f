/* Dialogs at another worker: who has them, that only who has one can drop it, and that a stranger's Call-ID is nobody's. */
#include "call/guests.h"

#include <pthread.h>
#include <stdio.h>

#include "tap.h"

#define THREADS 4
#define ROUNDS  5000

static struct rf_call_guests *g;

static struct rf_call_guest_name
named(const char *call_id, const char *our_tag)
{
    return (struct rf_call_guest_name){ rf_span_str(call_id), rf_span_str(our_tag) };
}

/* The worker that has it, or 99. */
static uint16_t
whose(const char *call_id, const char *our_tag)
{
    uint16_t worker = 99;
    bool found = rf_call_guests_find(g, named(call_id, our_tag), &worker);

    return found == (worker != 99) ? worker : 98;
}

static void
test_one(void)
{
    uint16_t worker = 99;

    ok(!rf_call_guests_find(NULL, named("a", "1"), &worker) && worker == 99 && whose("a", "1") == 99,
       "nobody is a guest: the owner stays as it was");
    ok(rf_call_guests_add(g, named("a@b", "t1"), 1) == RF_OK && whose("a@b", "t1") == 1, "a guest is found");
    ok(rf_call_guests_add(g, named("a@b", "t1"), 2) == RF_OK && whose("a@b", "t1") == 2 && rf_call_guests_count(g) == 1,
       "it moves on, and is one guest still");
    rf_call_guests_drop(g, named("a@b", "t1"), 1);
    ok(whose("a@b", "t1") == 2, "who had it before cannot drop it");
    rf_call_guests_drop(g, named("a@b", "t1"), 2);
    ok(whose("a@b", "t1") == 99 && rf_call_guests_count(g) == 0, "who has it can");
}

/* A peer chooses the Call-ID of a call that it makes; our tag it does not (RFC 3261 12). */
static void
test_strangers(void)
{
    static const struct {
        const char *call_id, *our_tag, *why;
    } strangers[] = {
        { "a@b", "", "a new request with the same Call-ID has no tag of ours" },
        { "a@b", "t2", "another dialog with the same Call-ID" },
        { "a@b", "T1", "tags are compared whole, letter case counts (RFC 3261 7.3.1)" },
        { "A@b", "t1", "so are Call-IDs (RFC 3261 20.8)" },
        { "a@", "bt1", "where the Call-ID ends counts" },
        { "a@bt", "1", "where the tag begins counts" },
        { "", "a@bt1", "all of it as the tag" },
    };

    ok(rf_call_guests_add(g, named("a@b", "t1"), 1) == RF_OK && whose("a@b", "t1") == 1, "a guest");
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        ok(whose(strangers[i].call_id, strangers[i].our_tag) == 99, "not led to its worker: %s", strangers[i].why);
        rf_call_guests_drop(g, named(strangers[i].call_id, strangers[i].our_tag), 1);
        ok(whose("a@b", "t1") == 1, "and drops nobody: %s", strangers[i].why);
    }
    ok(rf_call_guests_add(g, named("a@b", "t2"), 3) == RF_OK && whose("a@b", "t1") == 1 && whose("a@b", "t2") == 3,
       "two dialogs with one Call-ID are two guests, of two workers");
    rf_call_guests_drop(g, named("a@b", "t2"), 3);
    ok(whose("a@b", "t1") == 1 && whose("a@b", "t2") == 99, "the end of the one is not the end of the other");
    ok(rf_call_guests_add(g, named("c@d", ""), 1) == RF_ERR_RANGE && rf_call_guests_count(g) == 1,
       "what is no dialog cannot be a guest");
    rf_call_guests_drop(g, named("a@b", "t1"), 1);
    ok(rf_call_guests_count(g) == 0, "nobody is left");
}

/* An INVITE that was passed on: what belongs to its transaction is led by its branch. */
static void
test_passed(void)
{
    static struct rf_sip_msg m; /* large */
    static const struct {
        enum rf_sip_method method;
        bool is_request;
        const char *to_tag, *branch;
        bool is_led;
        const char *what;
    } rows[] = {
        { RF_SIP_INVITE, true, "", "z9hG4bK1", true, "a repeat" },
        { RF_SIP_CANCEL, true, "", "z9hG4bK1", true, "its CANCEL" },
        { RF_SIP_ACK, true, "t9", "z9hG4bK1", true, "the ACK of a refusal, whose tag is in no list" },
        { RF_SIP_BYE, true, "t9", "z9hG4bK1", false, "no other request in a dialog" },
        { RF_SIP_ACK, true, "t9", "z9hG4bK2", false, "no ACK of another INVITE" },
        { RF_SIP_INVITE, true, "", "z9hG4bK2", false, "no other INVITE with its Call-ID" },
        { RF_SIP_ACK, true, "t9", "", false, "nothing without a branch" },
    };

    ok(rf_call_guests_add(g, named("a@b", "z9hG4bK1"), 1) == RF_OK, "an INVITE that was passed on");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_led = rows[i].is_led;

        m.is_request = rows[i].is_request;
        m.method = rows[i].method;
        m.call_id = RF_SPAN_LIT("a@b");
        m.to_tag = rf_span_str(rows[i].to_tag);
        m.via.branch = rf_span_str(rows[i].branch);
        ok(rf_call_guests_next(g, &m, 2, 2, false) == (is_led ? 1 : 2), "passed on: %s", rows[i].what);
        ok(rf_call_guests_next(g, &m, 2, 1, false) == 2, "by way of who passed it on, wherever it comes in: %s",
           rows[i].what);
        ok(rf_call_guests_next(g, &m, 2, 1, true) == (is_led ? 1 : 2) &&
               rf_call_guests_next(g, &m, 2, 0, true) == (is_led ? 1 : 2),
           "and from there on: %s", rows[i].what);
    }
    rf_call_guests_drop(g, named("a@b", "z9hG4bK1"), 1);
}

/* Each thread has guests of its own, with names that the others have too but for a letter. */
static void *
come_and_go(void *arg)
{
    uint16_t me = (uint16_t)(uintptr_t)arg, worker;
    uintptr_t wrong = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char call_id[32], tag[2] = { (char)('a' + me), '\0' };
        struct rf_call_guest_name name;

        snprintf(call_id, sizeof call_id, "%u", i % 64);
        name = named(call_id, tag);
        if (rf_call_guests_add(g, name, me) != RF_OK || !rf_call_guests_find(g, name, &worker) || worker != me)
            wrong++;
        rf_call_guests_drop(g, name, me);
        if (rf_call_guests_find(g, name, &worker))
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
    test_strangers();
    test_passed();
    test_threads();
    rf_call_guests_free(g);
    return tap_done();
}
