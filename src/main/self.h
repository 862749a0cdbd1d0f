/*
 * main/self.h - what the kernel says of the signal process: its processor time, memory and descriptors
 *
 * The sandbox lets nobody open /proc; what is needed of it is opened before (rf_self_new) and read from then on.
 *
 * Threads: any. Memory: two descriptors.
 */
#ifndef RF_MAIN_SELF_H
#define RF_MAIN_SELF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct rf_self;

struct rf_self_numbers {
    uint64_t cpu_us;            /* of all its threads */
    uint64_t memory, addresses; /* octets */
    uint64_t fds, fds_max;
    uint64_t started_us;        /* since 1970 */
};

/** Before the sandbox. Where there is no /proc what it says is missing, and nothing else. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_self_new(struct rf_self **out);
void rf_self_free(struct rf_self *s); /* NULL is fine */

/** false: /proc says nothing. */
bool rf_self_look(struct rf_self *s, struct rf_self_numbers *out);

#endif
