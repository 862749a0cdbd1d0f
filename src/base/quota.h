/*
 * base/quota.h - how many of something there are now: of each name, and of all, counted over all threads
 *
 * Calls of a user and calls at all, connections of an address and connections at all: workers take one here before
 * they make the thing and drop it when the thing is freed. What is taken is exactly what exists.
 *
 * Threads: any. A name belongs to one of 64 stripes with a lock each, held for a look-up in a table; the count of all
 * is one atomic number. Memory: about 130 octets a name that has something, nothing for others.
 */
#ifndef RF_BASE_QUOTA_H
#define RF_BASE_QUOTA_H

#include "base/rand.h"
#include "base/span.h"

#define RF_QUOTA_NAME_MAX 64 /* a user's name; a source's address needs 17 */

struct rf_quota;
struct rf_quota_share; /* one name's count, as long as it is not 0 */

/** Nothing is counted yet. rand: for the key of its table. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_quota_new(struct rf_quota **out, const struct rf_rand *rand);
/** All that was taken has been dropped. NULL is fine. */
void rf_quota_free(struct rf_quota *q);

/**
 * Take one.
 * @param name      at most RF_QUOTA_NAME_MAX octets; none: counted among all alone
 * @param name_max  of this name at one time
 * @param all_max   of all names at one time
 * @param out       for rf_quota_drop
 *
 * @return RF_ERR_RANGE the name has its share; RF_ERR_STATE all are taken; RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_quota_take(struct rf_quota *q, struct rf_span name, uint32_t name_max, uint32_t all_max,
                                        struct rf_quota_share **out);
/** Give one back: the share that rf_quota_take gave. */
void rf_quota_drop(struct rf_quota *q, struct rf_quota_share *share);

/** How many are taken now, of all names. */
uint32_t rf_quota_all(const struct rf_quota *q);
/** How many names have something: for tests of leaks. */
uint32_t rf_quota_names(struct rf_quota *q);

#endif
