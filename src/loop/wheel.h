/*
 * loop/wheel.h - timers of one thread (hierarchical wheel, 1 ms steps)
 *
 * The wheel has no clock: its owner says what time it is. Protocol code puts timers in and is called back when
 * they are due, in the daemon, in a play with virtual time and in a fuzzer alike.
 *
 * Threads: one. Memory: a timer lies inside its owner, which must cancel it before it ends. Cost: O(1).
 */
#ifndef RF_LOOP_WHEEL_H
#define RF_LOOP_WHEEL_H

#include "base/err.h"
#include "base/list.h"
#include <stdint.h>

#define RF_MS 1000ull     /* microseconds */
#define RF_S  1000000ull

#define RF_TIMER_LATE_US (128 * RF_MS)

struct rf_timer {
    struct rf_link link;
    uint64_t due_us;
    void (*fire)(struct rf_timer *t, uint64_t now_us); /* may free the timer's owner, or arm it again */
};

struct rf_wheel;

/** An empty wheel that starts at now_us (monotonic). RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_wheel_new(struct rf_wheel **out, uint64_t now_us);
/** Frees the wheel; timers still in it are simply forgotten. NULL is fine. */
void rf_wheel_free(struct rf_wheel *w);

/** Arm (again): `fire` is called by the first rf_wheel_advance at or after due_us, at most 1 ms late, never early. */
void rf_timer_arm(struct rf_wheel *w, struct rf_timer *t, uint64_t due_us);
/**
 * The same for what only tidies up or looks around: up to RF_TIMER_LATE_US later than due_us, together with all others
 * that may be late.
 * A transaction ends with each call or REGISTER, so exact timers would wake the worker for each once more.
 */
void rf_timer_arm_late(struct rf_wheel *w, struct rf_timer *t, uint64_t due_us);
/** Take it out; fine when it is not armed (a zeroed timer is not). */
void rf_timer_cancel(struct rf_wheel *w, struct rf_timer *t);
static inline bool
rf_timer_is_armed(const struct rf_timer *t)
{
    return rf_link_is_in_list(&t->link);
}

/** Time goes on to now_us: call what is due, in order of due time (to the millisecond). */
void rf_wheel_advance(struct rf_wheel *w, uint64_t now_us);
/** It is now_us, and nothing is called yet: so that what is done before the next advance reckons from now. */
void rf_wheel_look(struct rf_wheel *w, uint64_t now_us);
/** A time not later than the next due one, for epoll_wait; UINT64_MAX when no timer is armed. */
uint64_t rf_wheel_next_us(const struct rf_wheel *w);
/** The time of the last advance or look. */
uint64_t rf_wheel_now_us(const struct rf_wheel *w);
/** Timers armed. */
size_t rf_wheel_count(const struct rf_wheel *w);

#endif
