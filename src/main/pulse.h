/*
 * main/pulse.h - does a thread beside the workers still turn its loop?
 *
 * Workers and media threads that hang take calls with them, so their processes start anew. What these threads do can
 * wait: no certificate is renewed and no web page answered; with security.ocsp hard, a peer that was never seen is refused.
 * Signal is not started anew for them, after no time: calls that are up would survive that, but every phone would lose its
 * connection and each call that still rings would end, to mend what has weeks of time. A hang that is the disk's would
 * meet the new process as well, before it listens, and then nobody is served. So it is said, once (RF-812), and shown by
 * status and doctor until the thread turns again; when to restart is the operator's choice.
 *
 * Threads: the watched one beats by a timer of its own loop; signal's first thread looks.
 */
#ifndef RF_MAIN_PULSE_H
#define RF_MAIN_PULSE_H

#include <jansson.h>
#include <stdatomic.h>

#include "loop/loop.h"

#define RF_PULSE_LATE_US (15 * RF_S) /* as long as a worker may take: longer than any wait for a disk that works */

enum rf_pulse_of { RF_PULSE_WEB, RF_PULSE_SLOW, RF_PULSE_COUNT };

struct rf_pulse {
    const char *name;          /* "web"; NULL: not kept (yet) */
    const char *stops;         /* what nobody does meanwhile, a sentence */
    struct rf_loop *loop;
    struct rf_timer timer;
    _Atomic uint64_t beat_us;  /* its loop went round, once a second */
    uint64_t seen_late_us;     /* the beat that was late at the last look; 0: none */
    bool is_late;              /* and at two looks */
};

/** From now on the loop beats, by its own timer. Before its thread runs. The pulse lives as long as the loop.
 *  @param name, stops  constant strings */
void rf_pulse_keep(struct rf_pulse *p, struct rf_loop *loop, const char *name, const char *stops);

/** Once a second: say RF-812 when it begins to be late, and when it is over. */
void rf_pulse_look(struct rf_pulse *p, uint64_t now_us);

/** [{"name": "web", "turns": true, "silent_s": 0}] */
json_t *rf_pulse_show(struct rf_pulse p[static RF_PULSE_COUNT], uint64_t now_us);

#endif
