/*
 * main/inquiry.h - questions to authorities about certificates (OCSP), carried by the slow thread
 *
 * Two kinds. About peers: the cache of all threads (cert/ocsp_cache.h) hands out errands, which come by
 * letter. About our own certificates: what the authority says is sent along with them (stapling), fetched
 * anew half-way to its end; while nobody answers the last answer is shown until it ends.
 *
 * Threads: the slow one. Memory: an entry for each own certificate; errands are the cache's.
 */
#ifndef RF_MAIN_INQUIRY_H
#define RF_MAIN_INQUIRY_H

#include "acme/run.h"
#include "cert/ocsp_cache.h"
#include "main/ifaces.h"

/* Serial numbers of our requests have this bit, those of the keeper do not. */
#define RF_INQUIRY_BIT (1ull << 63)

struct rf_inquiry;

struct rf_inquiry_user {
    void *ctx;
    /** Send one; its answer is given to rf_inquiry_answer. */
    enum rf_err (*send)(void *ctx, uint64_t serial, const struct rf_acme_request *request);
};

/** @param cache  where errands come from; outlives it. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_inquiry_new(struct rf_inquiry **out, struct rf_ocsp_cache *cache,
                                         const struct rf_inquiry_user *user);
void rf_inquiry_free(struct rf_inquiry *q); /* NULL is fine */

/** The certificates that are shown from now on. */
void rf_inquiry_set(struct rf_inquiry *q, const struct rf_ifaces *ifaces, int64_t now_s);
/** An errand of the cache. */
void rf_inquiry_carry(struct rf_inquiry *q, struct rf_ocsp_errand *errand, int64_t now_s);
/** An answer to a serial number with RF_INQUIRY_BIT. */
void rf_inquiry_answer(struct rf_inquiry *q, uint64_t serial, const struct rf_acme_response *a,
                       int64_t now_s);
/** Ask what is due. @return seconds until it should be called again */
int64_t rf_inquiry_tick(struct rf_inquiry *q, int64_t now_s);

#endif
