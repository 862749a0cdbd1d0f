/*
 * Ten levels of 64 slots cover every 64-bit microsecond. A timer's level is that of the highest 6-bit digit in
 * which its due tick differs from the current tick. Hence:
 *
 * (I1) All timers of a level are due before all timers of the level above it.
 * (I2) Within a level, slots lie in order of time and none lies at or before the current digit, except level 0,
 *      whose current slot may hold timers due later in this same millisecond.
 * (I3) The level stays right while `cur` moves up to, not past, the start of the first slot that is in use.
 * (I4) What is due at or before now_us when it is armed lies in `overdue`, in order, and waits for the next
 *      advance, so that a timer that arms itself for "now" cannot keep an advance from ending.
 */
#include "loop/wheel.h"

#include <stdlib.h>

#define DIGIT_BITS 6
#define SLOTS      64u
#define LEVELS     10 /* 60 bits of milliseconds; UINT64_MAX microseconds need 55 */

struct slot {
    struct rf_link timers;
    uint64_t min_us; /* not later than any timer here */
};

struct rf_wheel {
    uint64_t now_us;
    uint64_t cur; /* tick (millisecond) up to which slots have been emptied */
    size_t count;
    struct rf_link overdue;
    uint64_t used[LEVELS]; /* bit s: slot s of this level holds timers */
    struct slot slot[LEVELS][SLOTS];
};

enum rf_err
rf_wheel_new(struct rf_wheel **out, uint64_t now_us)
{
    struct rf_wheel *w = calloc(1, sizeof *w);

    if (w == NULL)
        return RF_ERR_NOMEM;
    w->now_us = now_us;
    w->cur = now_us / RF_MS;
    rf_list_init(&w->overdue);
    for (size_t level = 0; level < LEVELS; level++)
        for (size_t s = 0; s < SLOTS; s++)
            rf_list_init(&w->slot[level][s].timers);
    *out = w;
    return RF_OK;
}

void
rf_wheel_free(struct rf_wheel *w)
{
    free(w);
}

static struct rf_timer *
timer_of(struct rf_link *link)
{
    return rf_container(link, struct rf_timer, link);
}

static void
place_of(const struct rf_wheel *w, uint64_t due_us, size_t *level, size_t *s)
{
    uint64_t tick = due_us / RF_MS;
    uint64_t diff = tick ^ w->cur;

    *level = diff == 0 ? 0 : (63u - (size_t)__builtin_clzll(diff)) / DIGIT_BITS;
    *s = (size_t)(tick >> (*level * DIGIT_BITS)) & (SLOTS - 1);
}

static void
put_in_slot(struct rf_wheel *w, struct rf_timer *t)
{
    size_t level, s;
    struct slot *slot;

    place_of(w, t->due_us, &level, &s);
    slot = &w->slot[level][s];
    if ((w->used[level] & 1ull << s) == 0 || t->due_us < slot->min_us)
        slot->min_us = t->due_us;
    w->used[level] |= 1ull << s;
    rf_list_append(&slot->timers, &t->link);
}

/* In order of due time; late timers mostly come in that order, so the search starts at the end. */
static void
put_in_overdue(struct rf_wheel *w, struct rf_timer *t)
{
    struct rf_link *before = w->overdue.prev;

    while (before != &w->overdue && timer_of(before)->due_us > t->due_us)
        before = before->prev;
    t->link.prev = before;
    t->link.next = before->next;
    before->next->prev = &t->link;
    before->next = &t->link;
}

void
rf_timer_arm(struct rf_wheel *w, struct rf_timer *t, uint64_t due_us)
{
    rf_timer_cancel(w, t);
    t->due_us = due_us;
    w->count++;
    if (due_us <= w->now_us)
        put_in_overdue(w, t);
    else
        put_in_slot(w, t);
}

void
rf_timer_arm_late(struct rf_wheel *w, struct rf_timer *t, uint64_t due_us)
{
    /* What is due already goes with this round. */
    rf_timer_arm(w, t, due_us <= w->now_us ? due_us : (due_us / RF_TIMER_LATE_US + 1) * RF_TIMER_LATE_US);
}

void
rf_timer_cancel(struct rf_wheel *w, struct rf_timer *t)
{
    size_t level, s;

    if (!rf_timer_is_armed(t))
        return;
    rf_list_remove(&t->link);
    w->count--;
    /* It may have been in no slot (overdue, or about to fire); then this slot is checked in vain. */
    place_of(w, t->due_us, &level, &s);
    if (rf_list_empty(&w->slot[level][s].timers))
        w->used[level] &= ~(1ull << s);
}

/* Move all members of `from` to the end of `to`. */
static void
splice(struct rf_link *to, struct rf_link *from)
{
    if (rf_list_empty(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    rf_list_init(from);
}

/* Callbacks may cancel or arm any timer, also those that still wait in the list. */
static void
fire_all(struct rf_wheel *w, struct rf_link *due)
{
    while (!rf_list_empty(due)) {
        struct rf_timer *t = timer_of(due->next);

        rf_list_remove(&t->link);
        w->count--;
        t->fire(t, w->now_us);
    }
}

/* The first slot in use; false when none is. `start` is the tick at which it begins. */
static bool
first_slot(const struct rf_wheel *w, size_t *level, size_t *s, uint64_t *start)
{
    for (size_t l = 0; l < LEVELS; l++) {
        unsigned shift = (unsigned)l * DIGIT_BITS;

        if (w->used[l] == 0)
            continue;
        *level = l;
        *s = (size_t)__builtin_ctzll(w->used[l]);
        *start = (w->cur >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS)) | (uint64_t)*s << shift;
        return true;
    }
    return false;
}

void
rf_wheel_advance(struct rf_wheel *w, uint64_t now_us)
{
    uint64_t now_tick, start;
    size_t level, s;
    struct rf_link batch;

    if (now_us < w->now_us)
        now_us = w->now_us;
    w->now_us = now_us;
    now_tick = now_us / RF_MS;
    rf_list_init(&batch);
    splice(&batch, &w->overdue);
    fire_all(w, &batch);

    while (first_slot(w, &level, &s, &start) && start <= now_tick) {
        struct slot *slot = &w->slot[level][s];
        struct rf_link held;

        rf_list_init(&held);
        splice(&held, &slot->timers);
        w->used[level] &= ~(1ull << s);
        w->cur = start;
        while (!rf_list_empty(&held)) {
            struct rf_timer *t = timer_of(held.next);

            rf_list_remove(&t->link);
            if (level == 0 && t->due_us <= now_us)
                rf_list_append(&batch, &t->link);
            else
                put_in_slot(w, t);
        }
        fire_all(w, &batch);
        if (level == 0 && start == now_tick)
            break; /* what is left in this slot is due later in this millisecond */
    }
    w->cur = now_tick;
}

void
rf_wheel_look(struct rf_wheel *w, uint64_t now_us)
{
    if (now_us > w->now_us)
        w->now_us = now_us;
}

uint64_t
rf_wheel_next_us(const struct rf_wheel *w)
{
    uint64_t start;
    size_t level, s;

    if (!rf_list_empty(&w->overdue))
        return timer_of(w->overdue.next)->due_us;
    return first_slot(w, &level, &s, &start) ? w->slot[level][s].min_us : UINT64_MAX;
}

uint64_t
rf_wheel_now_us(const struct rf_wheel *w)
{
    return w->now_us;
}

size_t
rf_wheel_count(const struct rf_wheel *w)
{
    return w->count;
}
