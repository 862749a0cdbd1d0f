/* The guard in virtual time. */
#include "flow/guard.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tap.h"

#define S 1000000ull

static const struct rf_guard_limits usual = RF_GUARD_LIMITS;
static struct rf_guard_limits small = {
    .connections_per_s = 10,
    .connections_burst = 20,
    .requests_per_s = 5,
    .requests_burst = 10,
    .refused_max = 50,
    .refused_us = 10 * S,
    .wrong_passwords_max = 3,
    .wrong_us = 60 * S,
    .ban_first_us = 60 * S,
    .ban_max_us = 3600 * S,
    .sources_max = 100,
    .loopback_is_exempt = true,
};
static struct rf_guard *g;

static struct rf_addr
addr(const char *text)
{
    struct rf_addr a;

    rf_assert(rf_addr_parse(rf_span_str(text), 5060, &a) == RF_OK);
    return a;
}

static void
rates(void)
{
    struct rf_addr a = addr("192.0.2.1"), b = addr("192.0.2.2");
    uint64_t now = 1000 * S;
    struct rf_guard_limits patient = small;
    int allowed = 0;

    patient.refused_max = 0;
    rf_assert(rf_guard_new(&g, &patient, NULL, &rf_rand_system, S) == RF_OK);
    for (int i = 0; i < 30; i++)
        allowed += rf_guard_connection(g, &a, now).verdict == RF_GUARD_ALLOW;
    ok(allowed == 20, "a burst of 20 connections passes, not more: %d", allowed);
    ok(rf_guard_connection(g, &a, now).retry_after_s >= 1, "Retry-After says when");
    ok(rf_guard_connection(g, &b, now).verdict == RF_GUARD_ALLOW, "another source has a share of its own");
    allowed = 0;
    for (int i = 0; i < 300; i++)
        allowed += rf_guard_connection(g, &a, now += S / 100).verdict == RF_GUARD_ALLOW;
    ok(allowed >= 29 && allowed <= 31, "then 10 a second: %d in 3 s", allowed);
    rf_guard_free(g);

    rf_assert(rf_guard_new(&g, &small, NULL, &rf_rand_system, S) == RF_OK);
    allowed = 0;
    for (int i = 0; i < 1000; i++)
        allowed += rf_guard_request(g, &a, false, now += 50).verdict == RF_GUARD_ALLOW;
    ok(allowed == 10, "time in small pieces gives no more than its sum: %d", allowed);
    allowed = 0;
    for (int i = 0; i < 20000; i++)
        allowed += rf_guard_request(g, &a, false, now += 50).verdict == RF_GUARD_ALLOW;
    ok(allowed >= 4 && allowed <= 6, "and no less: %d in 1 s", allowed);
    rf_guard_free(g);
}

static void
bans(void)
{
    struct rf_addr a = addr("192.0.2.1"), forged = addr("192.0.2.9");
    struct rf_guard_answer answer = { 0 };
    uint64_t now = 1000 * S;
    int n = 0, before = 0;

    rf_assert(rf_guard_new(&g, &small, NULL, &rf_rand_system, S) == RF_OK);
    while (answer.verdict != RF_GUARD_BANNED && n++ < 1000)
        answer = rf_guard_request(g, &a, true, now);
    ok(n == 61 && answer.is_new_ban && answer.retry_after_s == 60,
       "a proven flood is banned for 60 s after %d requests", n);
    ok(rf_guard_ask(g, &a, now + 59 * S).verdict == RF_GUARD_BANNED &&
           rf_guard_ask(g, &a, now + 60 * S).verdict == RF_GUARD_ALLOW,
       "exactly so long");
    answer = rf_guard_connection(g, &a, now + S);
    ok(answer.verdict == RF_GUARD_BANNED && !answer.is_new_ban && answer.retry_after_s == 59,
       "its connections as well: %s", answer.reason);
    for (int i = 0; i < 100000; i++)
        if (rf_guard_request(g, &forged, false, now).verdict == RF_GUARD_BANNED)
            before++;
    ok(before == 0 && rf_guard_ask(g, &forged, now).verdict == RF_GUARD_ALLOW,
       "forged datagrams never ban the address they bear");
    ok(rf_guard_request(g, &a, false, now + S).verdict != RF_GUARD_BANNED,
       "and a banned address is not refused for datagrams that may be another's");

    n = 0;
    for (int level = 1; level < 10; level++) {
        static const uint32_t want_s[] = { 0, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600 };

        now += 3600 * S;
        do
            answer = rf_guard_wrong_password(g, &a, true, now);
        while (!answer.is_new_ban);
        n += answer.retry_after_s == want_s[level];
    }
    ok(n == 9, "each ban is twice as long, up to an hour");
    now += 7300 * S;
    do
        answer = rf_guard_wrong_password(g, &a, true, now);
    while (!answer.is_new_ban);
    ok(answer.retry_after_s == 60, "after an hour of peace the next one is small again");
    ok(rf_guard_unban(g, &a, now) && !rf_guard_unban(g, &a, now), "an operator can lift it, once");
    ok(rf_guard_ask(g, &a, now).verdict == RF_GUARD_ALLOW && rf_guard_counts(g).banned == 0,
       "and then it is as good as unknown");
    rf_guard_free(g);
}

static void
passwords(void)
{
    struct rf_addr a = addr("192.0.2.1");
    uint64_t now = 1000 * S;

    rf_assert(rf_guard_new(&g, &small, NULL, &rf_rand_system, S) == RF_OK);
    for (int i = 0; i < 3; i++)
        rf_guard_wrong_password(g, &a, true, now);
    ok(rf_guard_ask(g, &a, now).verdict == RF_GUARD_ALLOW, "three wrong passwords are a person");
    ok(rf_guard_wrong_password(g, &a, true, now).verdict == RF_GUARD_BANNED, "the fourth is a guesser");
    now += 61 * S;
    for (int i = 0; i < 100; i++) {
        rf_guard_wrong_password(g, &a, true, now);
        rf_guard_signed_in(g, &a);
    }
    ok(rf_guard_ask(g, &a, now).verdict == RF_GUARD_ALLOW, "a right password in between clears the count");
    for (int i = 0; i < 100; i++)
        rf_guard_wrong_password(g, &a, true, now += 30 * S);
    ok(rf_guard_ask(g, &a, now).verdict == RF_GUARD_ALLOW, "two a minute do not ban");
    for (int i = 0; i < 100; i++)
        rf_guard_wrong_password(g, &a, false, now);
    ok(rf_guard_ask(g, &a, now).verdict == RF_GUARD_ALLOW, "nor do forged ones");
    rf_guard_free(g);
}

static void
who_is_one(void)
{
    struct rf_addr a = addr("2001:db8:0:1::1"), b = addr("2001:db8:0:1:ffff::2"), c = addr("2001:db8:0:2::1");
    struct rf_addr local = addr("127.0.0.1"), local6 = addr("::1");
    int allowed = 0;

    rf_assert(rf_guard_new(&g, &small, NULL, &rf_rand_system, S) == RF_OK);
    for (int i = 0; i < 4; i++)
        rf_guard_wrong_password(g, i % 2 ? &a : &b, true, S);
    ok(rf_guard_ask(g, &a, S).verdict == RF_GUARD_BANNED && rf_guard_ask(g, &b, S).verdict == RF_GUARD_BANNED,
       "an IPv6 /64 is one source");
    ok(rf_guard_ask(g, &c, S).verdict == RF_GUARD_ALLOW, "its neighbour is another");
    for (int i = 0; i < 1000; i++)
        allowed += rf_guard_connection(g, i % 2 ? &local : &local6, S).verdict == RF_GUARD_ALLOW;
    ok(allowed == 1000, "loopback is exempt");
    small.loopback_is_exempt = false;
    rf_guard_set_limits(g, &small);
    for (int i = 0; i < 1000; i++)
        allowed += rf_guard_connection(g, &local, S).verdict == RF_GUARD_ALLOW;
    ok(allowed == 1020, "unless told otherwise");
    small.loopback_is_exempt = true;
    small.ban_first_us = 0;
    rf_guard_set_limits(g, &small);
    ok(rf_guard_ask(g, &a, S).verdict == RF_GUARD_ALLOW &&
           rf_guard_connection(g, &a, S).verdict == RF_GUARD_ALLOW,
       "a ban time of 0 lifts all bans");
    small.ban_first_us = 60 * S;
    rf_guard_free(g);
}

static void
bounded(void)
{
    struct rf_addr bad = addr("192.0.2.1");
    char text[32];

    rf_assert(rf_guard_new(&g, &small, NULL, &rf_rand_system, S) == RF_OK);
    for (int i = 0; i < 4; i++)
        rf_guard_wrong_password(g, &bad, true, S);
    for (int i = 0; i < 100000; i++) {
        struct rf_addr a;

        snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        a = addr(text);
        rf_guard_request(g, &a, false, S);
    }
    ok(rf_guard_counts(g).sources <= 100, "100,000 forged sources take no more than 100 places");
    ok(rf_guard_ask(g, &bad, S).verdict == RF_GUARD_BANNED, "and do not push a ban out");
    for (int i = 0; i < 1000; i++) {
        struct rf_addr a;

        snprintf(text, sizeof text, "11.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        a = addr(text);
        for (int k = 0; k < 4; k++)
            rf_guard_wrong_password(g, &a, true, S);
    }
    ok(rf_guard_counts(g).banned <= 50 && rf_guard_counts(g).sources <= 100,
       "bans take half of the table at most");
    rf_guard_free(g);
    rf_guard_free(NULL);
}

static void
an_office_comes_back(void)
{
    struct rf_addr a = addr("198.51.100.1");
    int refused = 0;

    rf_assert(rf_guard_new(&g, &usual, NULL, &rf_rand_system, S) == RF_OK);
    for (int i = 0; i < 500; i++) {
        refused += rf_guard_connection(g, &a, S).verdict != RF_GUARD_ALLOW;
        refused += rf_guard_request(g, &a, true, S).verdict != RF_GUARD_ALLOW;
    }
    ok(refused == 0, "500 phones behind one address sign in at the same moment");
    rf_guard_free(g);
}

/* --- one guard, several workers --- */

#define THREADS 4
#define EACH    50000

static _Atomic unsigned passed, new_bans;
static struct rf_addr crowd[256];

static void *
ask_for_one(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++)
        if (rf_guard_request(g, &crowd[0], false, 5 * S).verdict == RF_GUARD_ALLOW)
            atomic_fetch_add(&passed, 1);
    return NULL;
}

/* All that workers do with a guard at once, on sources that they share. */
static void *
ask_all(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (int i = 0; i < EACH; i++) {
        const struct rf_addr *a = &crowd[(seed = seed * 1103515245u + 12345u) >> 16 & 255];
        uint64_t now = 10 * S + (uint64_t)i;

        atomic_fetch_add(&new_bans, rf_guard_connection(g, a, now).is_new_ban);
        atomic_fetch_add(&new_bans, rf_guard_request(g, a, true, now).is_new_ban);
        atomic_fetch_add(&new_bans, rf_guard_wrong_password(g, a, seed & 1, now).is_new_ban);
        (void)rf_guard_ask(g, a, now);
        if (i % 16 == 0)
            rf_guard_signed_in(g, a);
        if (i % 64 == 0)
            (void)rf_guard_unban(g, a, now);
        if (i % 1024 == 0) {
            struct rf_guard_ban list[16];

            (void)rf_guard_bans(g, now, list, 16);
            (void)rf_guard_counts(g);
            rf_guard_set_limits(g, &usual);
        }
    }
    return NULL;
}

static void
run_threads(void *(*what)(void *arg))
{
    pthread_t t[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        rf_assert(pthread_create(&t[i], NULL, what, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
}

static void
workers_share_it(void)
{
    char text[32];

    for (int i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        crowd[i] = addr(text);
    }
    rf_assert(rf_guard_new(&g, &usual, NULL, &rf_rand_system, S) == RF_OK);
    run_threads(ask_for_one);
    ok(atomic_load(&passed) == usual.requests_burst, "4 workers together give a source one share: %u",
       atomic_load(&passed));
    run_threads(ask_all);
    ok(rf_guard_counts(g).bans == atomic_load(&new_bans), "each ban is told once: %u", atomic_load(&new_bans));
    ok(rf_guard_counts(g).banned <= 256 && rf_guard_counts(g).sources <= 256, "nothing is counted twice");
    rf_guard_free(g);
}

/* Bans of the process before us. */
static void
bans_go_on(void)
{
    static struct rf_guard_ban list[300];
    struct rf_addr a = addr("192.0.2.1"), b = addr("2001:db8:0:1::1"), fine = addr("192.0.2.2");
    int fd = rf_ban_memory_file();
    struct rf_ban_memory *m = rf_ban_memory_map(fd, &rf_rand_system), *again;
    uint64_t now = 1000 * S;
    struct rf_guard_answer answer;
    size_t n = 0;

    rf_assert(m != NULL && rf_guard_new(&g, &usual, m, &rf_rand_system, now) == RF_OK);
    for (int i = 0; i < 21; i++) {
        rf_guard_wrong_password(g, &a, true, now);
        rf_guard_wrong_password(g, &b, true, now);
        rf_guard_wrong_password(g, &fine, i % 2 == 0, now);
    }
    rf_guard_free(g);
    rf_ban_memory_unmap(m);

    m = rf_ban_memory_map(fd, &rf_rand_system);
    again = rf_ban_memory_map(fd, &rf_rand_system);
    rf_assert(m != NULL && rf_guard_new(&g, &usual, m, &rf_rand_system, now + S) == RF_OK);
    answer = rf_guard_ask(g, &a, now + S);
    ok(answer.verdict == RF_GUARD_BANNED && answer.retry_after_s == 59 && strstr(answer.reason, "wrong-passwords") != NULL,
       "a ban goes on in the next process, with its reason: %s", answer.reason);
    ok(rf_guard_ask(g, &b, now + S).verdict == RF_GUARD_BANNED && rf_guard_ask(g, &fine, now + S).verdict == RF_GUARD_ALLOW,
       "so does that of an IPv6 /64; who was not banned is not");
    ok(rf_guard_bans(g, now + S, list, 300) == 2 && list[0].level == 1 && list[0].left_s == 59, "both are listed");
    rf_guard_unban(g, &b, now + S);
    now += 61 * S;
    for (int i = 0; i < 21; i++)
        answer = rf_guard_wrong_password(g, &a, true, now);
    ok(answer.is_new_ban && answer.retry_after_s == 120, "and the next is twice as long");
    rf_guard_free(g);

    rf_assert(rf_guard_new(&g, &usual, again, &rf_rand_system, now) == RF_OK);
    ok(rf_guard_ask(g, &b, now).verdict == RF_GUARD_ALLOW && rf_guard_ask(g, &a, now).retry_after_s == 120,
       "a ban that was lifted stays so");
    for (int i = 0; i < RF_BANS_MAX; i++)
        n += atomic_load(&again->slot[i].source) != 0;
    ok(n == 1, "and gives its place back");
    rf_guard_free(g);

    /* (B2) What a process that was taken over may have left. */
    memset(again->slot, 0xff, sizeof again->slot);
    rf_assert(rf_guard_new(&g, &usual, again, &rf_rand_system, now) == RF_OK);
    ok(rf_guard_counts(g).banned == 0, "nonsense in it bans nobody");
    rf_guard_free(g);
    for (int i = 0; i < RF_BANS_MAX; i++) {
        again->slot[i] = (struct rf_ban_slot){ .address = 0x01020304, .until_us = UINT64_MAX, .level = 255, .reason = 1 };
        atomic_store(&again->slot[i].source, 4);
    }
    rf_assert(rf_guard_new(&g, &usual, again, &rf_rand_system, now) == RF_OK);
    n = rf_guard_bans(g, now, list, 300);
    ok(n == 1 && list[0].left_s == usual.ban_max_us / S && list[0].level == 32,
       "one source has one ban, no longer than the longest: %zu", n);
    rf_guard_free(g);
    rf_ban_memory_unmap(m);
    rf_ban_memory_unmap(again);
    close(fd);
}

int
main(void)
{
    rates();
    bans();
    passwords();
    who_is_one();
    bounded();
    an_office_comes_back();
    workers_share_it();
    bans_go_on();
    return tap_done();
}
