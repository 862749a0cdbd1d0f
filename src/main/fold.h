/*
 * main/fold.h - refusals that repeat: the first at once, then a count each minute
 *
 * A scan that guesses passwords would otherwise fill the log. What repeats is the code together with a key such
 * as user and source. Every refusal is counted, folded or not. One of these serves all workers: a scan that spreads
 * over them still makes one line.
 *
 * Threads: any; keys are spread over 16 stripes with a lock each, held for a look-up, never for a log line.
 */
#ifndef RF_MAIN_FOLD_H
#define RF_MAIN_FOLD_H

#include "base/addr.h"
#include "base/hash.h"
#include "base/refusal.h"

#define RF_FOLD_MAX     2048             /* keys remembered; with more, single refusals are only counted */
#define RF_FOLD_WAIT_US (60 * 1000000ull)

struct rf_fold;

/** Nothing was logged yet. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_fold_new(struct rf_fold **out, const struct rf_rand *rand);
void rf_fold_free(struct rf_fold *f); /* NULL is fine */

/** Log it, or count it when the same (code, key) was logged less than a minute ago. */
void rf_fold_refuse(struct rf_fold *f, enum rf_refusal r, struct rf_span key, const struct rf_log_field *fields,
                    uint64_t now_us);

/** What a stranger's connection is refused for: its kind is the code with the fields listener, what, and check
 *  or reason. */
void rf_fold_refuse_source(struct rf_fold *f, enum rf_refusal r, const struct rf_addr *who,
                           const struct rf_log_field *fields, uint64_t now_us);

/** Whose repeats are one line: an address, of IPv6 its /64, like the guard's sources. */
void rf_fold_put_source(struct rf_buf *b, const struct rf_addr *a);

/** About once a second, by one thread: log the counts of those whose minute is over. */
void rf_fold_tick(struct rf_fold *f, uint64_t now_us);

#endif
