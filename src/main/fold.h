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

/** About once a second, by one thread: log the counts of those whose minute is over. */
void rf_fold_tick(struct rf_fold *f, uint64_t now_us);

#endif
