/*
 * acme/renew.h - when to renew, and when to try again
 *
 * Lives differ: 90 days today, 6 days under short profiles, minutes in tests. So every time here is a fraction of the
 * certificate's own life, never a number of days.
 *
 * Pure: times come as arguments, wall clock in seconds. Threads: any.
 */
#ifndef RF_ACME_RENEW_H
#define RF_ACME_RENEW_H

#include "acme/answer.h"
#include "base/rand.h"

#define RF_ACME_SHORT_LIFE_S  (10 * 86400)  /* shorter than this: renewed at half of its life, not at two thirds */
#define RF_ACME_WARNINGS      5             /* 30, 14, 7, 3, 1 days before the end */

struct rf_acme_life {
    int64_t not_before, not_after;
};

/**
 * When to renew by our own rule: a third of the life is left, of a short one half.
 * @param renew_before_s  so long before the end instead; 0: by fraction. More than nine tenths of the life is cut to that.
 */
int64_t rf_acme_renew_at(const struct rf_acme_life *life, int64_t renew_before_s);

/**
 * The moment within the window of the CA: uniformly random (RFC 9773 4.2), so that its customers do not come at once.
 * A window that lies near the end or behind it is cut: a tenth of the life stays for failures.
 */
int64_t rf_acme_window_moment(const struct rf_acme_window *window, const struct rf_acme_life *life,
                              const struct rf_rand *rand);

/** When to ask for the window again: what Retry-After said, or 6 hours, within a minute and a day; for short lives sooner. */
int64_t rf_acme_window_again_s(int64_t retry_after_s, const struct rf_acme_life *life);

/**
 * How long to wait after this many failures in a row (1 or more): doubles from 5 minutes to 12 hours, a quarter more
 * or less by chance; both bounds shrink with the life of what must be renewed.
 * @param life           NULL: there is no certificate yet
 * @param retry_after_s  what the CA said: never less than this, up to a week
 */
int64_t rf_acme_retry_s(unsigned failures, const struct rf_acme_life *life, int64_t retry_after_s,
                        const struct rf_rand *rand);

/** How many of the warnings (30, 14, 7, 3, 1 days before its end) are due now. A life shorter than 30 days has fewer. */
unsigned rf_acme_warnings_due(const struct rf_acme_life *life, int64_t wall_s);

#endif
