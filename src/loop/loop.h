/*
 * loop/loop.h - the event loop of one thread: epoll and a timer wheel
 *
 * Threads: made, run and freed on one thread; rf_loop_stop and mailboxes alone may be used from others.
 */
#ifndef RF_LOOP_LOOP_H
#define RF_LOOP_LOOP_H

#include "loop/wheel.h"

struct rf_loop;

/* A watched descriptor. Lies inside its owner; the owner closes the descriptor after rf_loop_unwatch. */
struct rf_watch {
    int fd;
    void (*ready)(struct rf_watch *w, uint32_t events, uint64_t now_us); /* EPOLL* bits; may free its owner */
    uint32_t events;                                                     /* what is watched now */
    bool is_watched;
};

/** Monotonic time in microseconds: what now_us is in the daemon. */
uint64_t rf_now_us(void);
/** Wall clock in seconds since 1970, for what leaves the process (Expires in the store, logs). */
int64_t rf_wall_s(void);

RF_MUST_CHECK enum rf_err rf_loop_new(struct rf_loop **out);
void rf_loop_free(struct rf_loop *l); /* NULL is fine */

/** Watch w->fd for `events` (EPOLLIN...; level-triggered unless EPOLLET is in it). RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_loop_watch(struct rf_loop *l, struct rf_watch *w, uint32_t events);
/** Change what is watched; nothing happens when it is the same. */
void rf_loop_rewatch(struct rf_loop *l, struct rf_watch *w, uint32_t events);
/** Stop watching. Events of this round that are not delivered yet are dropped, so its owner may end now. */
void rf_loop_unwatch(struct rf_loop *l, struct rf_watch *w);

struct rf_wheel *rf_loop_wheel(struct rf_loop *l);

/**
 * Call `end_round` after each round of events and timers (to send what was batched); NULL for none.
 */
void rf_loop_on_round(struct rf_loop *l, void (*end_round)(void *ctx, uint64_t now_us), void *ctx);

/*
 * Something that other threads put work into (a mailbox). The loop looks at it once a round and before it
 * sleeps, so a sender needs a system call only when the loop sleeps.
 */
struct rf_loop_source {
    struct rf_link link;
    bool (*has_work)(struct rf_loop_source *s); /* loads must be sequentially consistent */
    void (*work)(struct rf_loop_source *s, uint64_t now_us);
};

void rf_loop_add_source(struct rf_loop *l, struct rf_loop_source *s);
void rf_loop_remove_source(struct rf_loop *l, struct rf_loop_source *s);

/** Any thread and signal handlers, after sequentially consistent stores that has_work sees: wake it if it sleeps. */
void rf_loop_wake(struct rf_loop *l);

/*
 * Called at the very end of each round, after end_round, so that it sees all that the round did: sockets send
 * what was batched. Lies inside its owner.
 */
struct rf_loop_hook {
    struct rf_link link;
    void (*run)(struct rf_loop_hook *h, uint64_t now_us);
};

void rf_loop_add_hook(struct rf_loop *l, struct rf_loop_hook *h);
void rf_loop_remove_hook(struct rf_loop *l, struct rf_loop_hook *h);

/**
 * While rounds follow each other closely (2000 a second), begin none earlier than rest_us after the one before: what
 * comes meanwhile is done in one round, with one wake-up, as network cards gather interrupts. 0, as it is at first:
 * never. A loop that is not busy answers at once, and one that has no time to rest does not.
 */
void rf_loop_rest(struct rf_loop *l, uint64_t rest_us);

/** Run until rf_loop_stop. */
void rf_loop_run(struct rf_loop *l);
/** One round: wait at most max_wait_us, deliver, advance the wheel. */
void rf_loop_once(struct rf_loop *l, uint64_t max_wait_us);
/** Ask it to return from rf_loop_run. Any thread, and signal handlers. */
void rf_loop_stop(struct rf_loop *l);

#endif
