/*
 * main/children.h - the parent's two children: started, watched, started again
 *
 * A child that dies is started again at once; one that keeps dying young waits longer each time, up to 5 s. The
 * other one keeps running. A child that does not say that it is alive is killed.
 *
 * Threads: the parent has one.
 */
#ifndef RF_MAIN_CHILDREN_H
#define RF_MAIN_CHILDREN_H

#include "loop/wheel.h"
#include "base/log.h"
#include "main/launch.h"

#define RF_CHILD_OLD_US    (10 * RF_S) /* one that lived so long is started again at once */
#define RF_CHILD_SILENT_US (30 * RF_S) /* without a word from it: it hangs */
#define RF_CHILD_WAIT_US   (5 * RF_S)  /* the longest pause before a start */

struct rf_child {
    enum rf_launch_role role;
    const char *name, *title;   /* "signal", "ringfence: signal" */
    struct rf_launch *launch;   /* what it is given; its channel is the first descriptor */
    pid_t pid;                  /* 0: it does not run */
    int channel;                /* our end; -1 */
    bool is_ready, ends;        /* serves; was told to end, so it is not started again */
    uint64_t started_us, heard_us, start_at_us;
    unsigned deaths_young;
    enum rf_err (*before)(struct rf_child *c, void *ctx); /* of each start: fresh descriptors; NULL: nothing */
    void (*after)(struct rf_child *c, void *ctx);         /* it runs: close what only it needs; NULL: nothing */
    void *ctx;
    uint64_t starts;
};

/** Take `launch` (malloc'ed, with the channel's place first in fd[]). */
void rf_child_init(struct rf_child *c, enum rf_launch_role role, struct rf_launch *launch);

/** Start it now. RF_ERR_IO (errno). */
RF_MUST_CHECK enum rf_err rf_child_start(struct rf_child *c, uint64_t now_us);

/** waitpid told that it ended: logs why, sets when it is started again. */
void rf_child_ended(struct rf_child *c, int wait_status, uint64_t now_us);

/** Start it when it is time, kill it when it hangs. Returns when to ask again. */
uint64_t rf_child_tend(struct rf_child *c, uint64_t now_us);

#endif
