/* The loop with real descriptors, and mailboxes between threads. */
#include "loop/loop.h"
#include "loop/mailbox.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "tap.h"

static struct rf_loop *loop;

struct end {
    struct rf_watch watch;
    struct end *kill; /* unwatched and closed from the callback */
    int calls;
};

static void
end_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct end *e = rf_container(w, struct end, watch);
    char c;

    e->calls++;
    if (read(w->fd, &c, 1) < 0)
        e->calls += 1000;
    if (e->kill != NULL) {
        rf_loop_unwatch(loop, &e->kill->watch);
        close(e->kill->watch.fd);
        e->kill = NULL;
    }
}

static void
stale_events(void)
{
    struct end a = { .watch = { .ready = end_ready } }, b = { .watch = { .ready = end_ready } };
    int pa[2], pb[2];
    bool made = pipe(pa) == 0 && pipe(pb) == 0;

    rf_assert(made);
    a.watch.fd = pa[0];
    b.watch.fd = pb[0];
    a.kill = &b;
    b.kill = &a;
    ok(rf_loop_watch(loop, &a.watch, EPOLLIN) == RF_OK && rf_loop_watch(loop, &b.watch, EPOLLIN) == RF_OK,
       "two pipes are watched");
    rf_assert(write(pa[1], "x", 1) == 1 && write(pb[1], "x", 1) == 1);
    rf_loop_once(loop, RF_S);
    ok(a.calls + b.calls == 1, "the event of a descriptor that was unwatched in this round is dropped");
    rf_loop_once(loop, 0);
    ok(a.calls + b.calls == 1, "and it does not come back");
    if (a.watch.is_watched)
        rf_loop_unwatch(loop, &a.watch), close(pa[0]);
    if (b.watch.is_watched)
        rf_loop_unwatch(loop, &b.watch), close(pb[0]);
    close(pa[1]);
    close(pb[1]);
    a.watch.fd = -1;
    ok(rf_loop_watch(loop, &a.watch, EPOLLIN) == RF_ERR_IO, "a bad descriptor is refused");
}

static void
rewatched(void)
{
    struct end a = { .watch = { .ready = end_ready } };
    int p[2];

    rf_assert(pipe(p) == 0);
    a.watch.fd = p[0];
    rf_assert(rf_loop_watch(loop, &a.watch, 0) == RF_OK);
    rf_assert(write(p[1], "x", 1) == 1);
    rf_loop_once(loop, 0);
    ok(a.calls == 0, "nothing is delivered that is not asked for");
    rf_loop_rewatch(loop, &a.watch, EPOLLIN);
    rf_loop_once(loop, RF_S);
    ok(a.calls == 1, "a changed watch delivers");
    rf_loop_unwatch(loop, &a.watch);
    rf_loop_unwatch(loop, &a.watch);
    close(p[0]);
    close(p[1]);
}

static int fired, rounds;

static void
count_fire(struct rf_timer *t, uint64_t now_us)
{
    fired++;
    rf_loop_stop(loop);
}

static void
count_round(void *ctx, uint64_t now_us)
{
    (*(int *)ctx)++;
}

static void
timers(void)
{
    struct rf_timer t = { .fire = count_fire };
    uint64_t before = rf_now_us();

    rf_loop_on_round(loop, count_round, &rounds);
    rf_timer_arm(rf_loop_wheel(loop), &t, before + 3 * RF_MS);
    rf_loop_run(loop);
    ok(fired == 1 && rf_now_us() >= before + 3 * RF_MS, "a timer fires, not early, and stop ends the loop");
    ok(rounds >= 1, "the end of the round is told");
    rf_loop_on_round(loop, NULL, NULL);
}

/* --- mailboxes --- */

#define SENDERS 3
#define LETTERS 20000

struct letter {
    uint32_t sender, number, fill;
};

static struct rf_mailbox *box;
static uint32_t next_number[SENDERS], received, broken;

static void
got_letter(void *ctx, struct rf_span letter, uint64_t now_us)
{
    struct letter l;

    if (letter.n < sizeof l || ((uintptr_t)letter.p & 7) != 0) {
        broken++;
        return;
    }
    memcpy(&l, letter.p, sizeof l);
    if (l.sender >= SENDERS || l.number != next_number[l.sender] || letter.n != sizeof l + l.fill)
        broken++;
    else
        next_number[l.sender]++;
    for (size_t i = sizeof l; i < letter.n; i++)
        if (letter.p[i] != (char)l.number)
            broken++;
    if (++received == SENDERS * LETTERS)
        rf_loop_stop(loop);
}

static void *
sender_main(void *arg)
{
    uint32_t me = (uint32_t)(uintptr_t)arg;
    char fill[300];

    for (uint32_t i = 0; i < LETTERS; i++) {
        struct letter l = { me, i, (i * 7 + me) % sizeof fill };
        struct rf_span parts[2] = { rf_span(&l, sizeof l), rf_span(fill, l.fill) };

        memset(fill, (char)i, sizeof fill);
        while (rf_mailbox_send(box, parts, 2) == RF_ERR_NOMEM)
            usleep(50);
    }
    return NULL;
}

static void
many_senders(void)
{
    pthread_t thread[SENDERS];

    rf_assert(rf_mailbox_new(&box, loop, 512, 4096, got_letter, NULL) == RF_OK);
    for (uintptr_t i = 0; i < SENDERS; i++)
        rf_assert(pthread_create(&thread[i], NULL, sender_main, (void *)i) == 0);
    rf_loop_run(loop);
    for (size_t i = 0; i < SENDERS; i++)
        pthread_join(thread[i], NULL);
    ok(received == SENDERS * LETTERS, "all letters of %d senders came through a small ring", SENDERS);
    ok(broken == 0, "each whole, aligned, and in its sender's order");
    rf_mailbox_free(box);
}

static void
bounds(void)
{
    static char big[200];
    struct rf_span parts[2] = { rf_span(big, 100), rf_span(big, 60) };
    uint64_t sent = 0;

    ok(rf_mailbox_new(&box, loop, 512, 1000, got_letter, NULL) == RF_ERR_RANGE,
       "a ring that cannot hold two largest letters is refused");
    rf_assert(rf_mailbox_new(&box, loop, 128, 1024, got_letter, NULL) == RF_OK);
    ok(rf_mailbox_send(box, parts, 2) == RF_ERR_RANGE, "a letter above letter_max is refused");
    while (rf_mailbox_send(box, parts, 1) == RF_OK)
        sent++;
    ok(sent == 1024 / 112, "a ring of 1024 octets takes %llu letters of 100", (unsigned long long)sent);
    ok(rf_mailbox_send(box, parts, 1) == RF_ERR_NOMEM && rf_mailbox_refused(box) == 2,
       "a full ring refuses and counts");
    received = 0;
    rf_loop_once(loop, RF_S);
    ok(received == sent, "one round delivers them all");
    ok(rf_mailbox_send(box, parts, 0) == RF_OK, "an empty letter is a letter");
    broken = 0;
    rf_loop_once(loop, 0);
    ok(broken == 1, "and it arrives (too short for this test's letters)");
    rf_mailbox_free(box);
    rf_mailbox_free(NULL);
}

static void *
late_sender(void *arg)
{
    struct letter l = { 0, 0, 0 };
    struct rf_span part = rf_span(&l, sizeof l);

    usleep(20000);
    if (rf_mailbox_send(box, &part, 1) != RF_OK)
        abort();
    return NULL;
}

static void
wakes_a_sleeper(void)
{
    pthread_t thread;
    uint64_t before = rf_now_us();

    memset(next_number, 0, sizeof next_number);
    received = 0;
    rf_assert(rf_mailbox_new(&box, loop, 128, 1024, got_letter, NULL) == RF_OK);
    rf_assert(pthread_create(&thread, NULL, late_sender, NULL) == 0);
    while (received == 0 && rf_now_us() < before + 20 * RF_S)
        rf_loop_once(loop, 30 * RF_S);
    pthread_join(thread, NULL);
    ok(received == 1 && rf_now_us() < before + 10 * RF_S, "a letter wakes a loop that sleeps");
    rf_mailbox_free(box);
}

/* --- a busy loop rests --- */

#define MANY 4000

static unsigned octets;

static void
take_octets(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    char some[MANY];
    ssize_t n = read(w->fd, some, sizeof some);

    octets += n > 0 ? (unsigned)n : 0;
}

static void *
busy_sender(void *fd)
{
    for (int i = 0; i < MANY && write(*(int *)fd, "x", 1) == 1; i++)
        usleep(50); /* a tenth of a millisecond with what a sleep costs */
    return NULL;
}

static void
busy_loop_rests(void)
{
    struct rf_watch watch = { .ready = take_octets };
    uint64_t since_us = rf_now_us();
    pthread_t thread;
    int p[2];

    rf_assert(pipe(p) == 0);
    watch.fd = p[0];
    rf_assert(rf_loop_watch(loop, &watch, EPOLLIN) == RF_OK);
    rounds = 0;
    rf_loop_on_round(loop, count_round, &rounds);
    rf_loop_rest(loop, 2 * RF_MS);
    rf_assert(pthread_create(&thread, NULL, busy_sender, &p[1]) == 0);
    while (octets < MANY && rf_now_us() < since_us + 60 * RF_S)
        rf_loop_once(loop, RF_S);
    pthread_join(thread, NULL);
    ok(octets == MANY, "all that comes to a busy loop is done");
    ok(rounds < MANY / 3, "in few rounds, because it rests between them (%d of %d)", rounds, MANY);
    for (unsigned i = 0; i < 3; i++)
        rf_loop_once(loop, 0);
    since_us = rf_now_us();
    rf_assert(write(p[1], "x", 1) == 1);
    rf_loop_once(loop, RF_S);
    ok(octets == MANY + 1 && rf_now_us() - since_us < RF_S, "one that has become quiet takes what comes at once");
    rf_loop_rest(loop, 0);
    rf_loop_on_round(loop, NULL, NULL);
    rf_loop_unwatch(loop, &watch);
    close(p[0]);
    close(p[1]);
}

int
main(void)
{
    if (!ok(rf_loop_new(&loop) == RF_OK, "a loop"))
        return tap_done();
    stale_events();
    rewatched();
    timers();
    many_senders();
    bounds();
    wakes_a_sleeper();
    busy_loop_rests();
    rf_loop_free(loop);
    rf_loop_free(NULL);
    return tap_done();
}
