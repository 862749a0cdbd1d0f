/* The wheel against a plain list, in virtual time. */
#include "loop/wheel.h"

#include "base/rand.h"
#include <string.h>
#include "tap.h"

#define TIMERS 400

struct probe {
    struct rf_timer timer;
    bool is_armed;
    uint64_t due_us;
    int again; /* times it arms itself anew from its callback */
};

static struct rf_wheel *wheel;
static struct probe probe[TIMERS];
static uint64_t seed;
static uint64_t advance_to;
static int early, wrong_order, fired;
static uint64_t last_due_ms;

static uint64_t
random_u64(void)
{
    uint64_t v;

    rf_rand_seeded_fill(&seed, &v, sizeof v);
    return v;
}

static uint64_t
random_delay(void)
{
    /* Every level of the wheel gets its share. */
    return random_u64() >> (20 + random_u64() % 44);
}

static void
arm(struct probe *p, uint64_t due_us)
{
    p->due_us = due_us;
    p->is_armed = true;
    rf_timer_arm(wheel, &p->timer, due_us);
}

static void
probe_fire(struct rf_timer *t, uint64_t now_us)
{
    struct probe *p = rf_container(t, struct probe, timer);

    fired++;
    if (!p->is_armed || now_us < p->due_us || now_us != advance_to)
        early++;
    if (p->due_us / RF_MS < last_due_ms)
        wrong_order++;
    last_due_ms = p->due_us / RF_MS;
    p->is_armed = false;
    if (p->again > 0) {
        p->again--;
        arm(p, now_us + random_delay());
    }
    if (random_u64() % 4 == 0) {
        struct probe *other = &probe[random_u64() % TIMERS];

        rf_timer_cancel(wheel, &other->timer);
        other->is_armed = false;
    }
}

static void
advance(uint64_t to)
{
    advance_to = to;
    last_due_ms = 0;
    rf_wheel_advance(wheel, to);
}

static size_t
armed(uint64_t *min_us)
{
    size_t n = 0;

    *min_us = UINT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        if (!probe[i].is_armed)
            continue;
        n++;
        if (probe[i].due_us < *min_us)
            *min_us = probe[i].due_us;
    }
    return n;
}

static void
against_a_list(uint64_t start_us, bool step_by_next)
{
    uint64_t now = start_us, min_us;
    int wrong_count = 0, wrong_next = 0, not_fired = 0, stuck = 0;

    early = wrong_order = fired = 0;
    memset(probe, 0, sizeof probe);
    ok(rf_wheel_new(&wheel, now) == RF_OK, "a wheel that starts at %llu us", (unsigned long long)start_us);
    for (int step = 0; step < 20000; step++) {
        struct probe *p = &probe[random_u64() % TIMERS];
        uint64_t to;

        p->timer.fire = probe_fire;
        if (random_u64() % 8 == 0) {
            rf_timer_cancel(wheel, &p->timer);
            p->is_armed = false;
        } else {
            uint64_t delay = random_delay();

            p->again = (int)(random_u64() % 3);
            arm(p, delay < UINT64_MAX - now ? now + delay : UINT64_MAX);
        }
        if (rf_wheel_count(wheel) != armed(&min_us))
            wrong_count++;
        if (rf_wheel_next_us(wheel) > min_us)
            wrong_next++;
        if (random_u64() % 3 != 0)
            continue;
        to = rf_wheel_next_us(wheel);
        if (!step_by_next || to == UINT64_MAX)
            to = now + (random_u64() >> (30 + random_u64() % 34));
        if (to < now)
            to = now;
        advance(to);
        now = to;
        for (size_t i = 0; i < TIMERS; i++)
            if (probe[i].is_armed && probe[i].due_us < now)
                not_fired++;
    }
    /* Stepping by next_us always comes to an end. */
    for (size_t i = 0; i < TIMERS; i++)
        probe[i].again = 0;
    for (int step = 0; rf_wheel_count(wheel) > 0; step++) {
        uint64_t to = rf_wheel_next_us(wheel);

        if (step > 20 * TIMERS) {
            stuck++;
            break;
        }
        now = to > now ? to : now;
        advance(now);
    }
    ok(fired > 2000, "%d timers fired", fired);
    ok(early == 0, "none early, none after it was cancelled");
    ok(not_fired == 0, "none due is left after an advance");
    ok(wrong_order == 0, "order of due time to the millisecond");
    ok(wrong_count == 0, "count agrees with the list");
    ok(wrong_next == 0, "next is never later than the first due time");
    ok(stuck == 0 && rf_wheel_next_us(wheel) == UINT64_MAX, "stepping by next empties the wheel");
    rf_wheel_free(wheel);
}

static void
again_now(struct rf_timer *t, uint64_t now_us)
{
    fired++;
    rf_timer_arm(wheel, t, now_us);
}

static void
edges(void)
{
    static struct probe a, b;

    a.timer.fire = b.timer.fire = probe_fire;
    seed = 2;
    if (!ok(rf_wheel_new(&wheel, 1000500) == RF_OK, "a wheel"))
        return;
    ok(!rf_timer_is_armed(&a.timer), "a zeroed timer is not armed");
    ok(rf_wheel_next_us(wheel) == UINT64_MAX, "an empty wheel has no next time");
    arm(&a, 1000700);
    ok(rf_wheel_next_us(wheel) == 1000700, "next within the current millisecond is exact");
    fired = 0;
    advance(1000699);
    ok(fired == 0, "one microsecond early it does not fire");
    advance(1000700);
    ok(fired == 1 && rf_wheel_count(wheel) == 0, "at its very microsecond it fires");
    arm(&a, 5);
    ok(rf_wheel_next_us(wheel) == 5, "a past due time is next");
    advance(1000700);
    ok(fired == 2, "a past due time fires at the next advance");
    arm(&a, UINT64_MAX);
    arm(&a, 3000000);
    ok(rf_wheel_count(wheel) == 1 && rf_wheel_next_us(wheel) <= 3000000, "arming again moves it");
    rf_timer_cancel(wheel, &a.timer);
    rf_timer_cancel(wheel, &a.timer);
    ok(rf_wheel_count(wheel) == 0, "cancelling twice is fine");
    b.timer.fire = again_now;
    fired = 0;
    arm(&b, 1001000);
    advance(1002000);
    ok(fired == 1, "a timer that arms itself for now waits for the next advance");
    ok(rf_wheel_next_us(wheel) <= 1002000, "and that advance is due at once");
    rf_timer_cancel(wheel, &b.timer);
    advance(900);
    ok(rf_wheel_now_us(wheel) == 1002000, "time does not go back");
    rf_wheel_free(wheel);
    rf_wheel_free(NULL);
}

int
main(void)
{
    edges();
    seed = 20261121;
    against_a_list(0, false);
    against_a_list(123456789012ull, true);
    against_a_list(UINT64_MAX / 4, false);
    return tap_done();
}
