/*
 * main/sidethread.h - a thread of signal beside its workers: a loop, a mailbox, and what runs on them
 *
 * What would hold up calls has a thread of its own (main/slow.h, main/web.h). Each is one of these with its own work
 * inside. A worker is more (its tick, its flows), and keeps its own frame.
 *
 * Threads: made, started, stopped and ended by the first thread; everything on the loop belongs to the side thread
 *          from start to stop. Letters come from any thread.
 */
#ifndef RF_MAIN_SIDETHREAD_H
#define RF_MAIN_SIDETHREAD_H

#include <pthread.h>

#include "base/err.h"
#include "loop/mailbox.h"

/* What one does. */
struct rf_side_work {
    const char *name;    /* as ps shows it: at most 15 octets */
    size_t ring_octets;  /* of its mailbox */
    void (*letter)(void *ctx, struct rf_span octets, uint64_t now_us);
    void (*begin)(void *ctx, uint64_t now_us); /* on the thread, before its first round; NULL: nothing */
};

/* Lies inside its owner. */
struct rf_side_thread {
    const struct rf_side_work *work;
    void *ctx;
    struct rf_loop *loop;
    struct rf_mailbox *letters;
    pthread_t thread;
    bool runs;
};

/** Loop and mailbox, no thread yet. @param t  zeroed; on an error rf_side_thread_fini still copes with it */
RF_MUST_CHECK enum rf_err rf_side_thread_init(struct rf_side_thread *t, const struct rf_side_work *work, void *ctx);
RF_MUST_CHECK enum rf_err rf_side_thread_start(struct rf_side_thread *t);

/** Returns when the thread has ended; nothing when it never ran. NULL is fine. */
void rf_side_thread_stop(struct rf_side_thread *t);

/** After stop, and after everything that its owner has on the loop. */
void rf_side_thread_fini(struct rf_side_thread *t);

#endif
