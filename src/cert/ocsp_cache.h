/*
 * cert/ocsp_cache.h - what responders said, kept until it ends, and questions that are under way
 *
 * It has neither socket nor clock. Whoever asks gets what is known at once; where that is nothing, or half of its
 * life is over, an errand goes to the fetcher, at most one for a certificate. The fetcher brings back octets or
 * nothing, and they are judged before they are kept: what is kept is the verdict, some hundred octets.
 *
 * Threads: any; one lock, never held while the fetcher is called or an answer is judged. Memory: 150 octets an entry, and two
 * certificates (10 kB) an errand.
 */
#ifndef RF_CERT_OCSP_CACHE_H
#define RF_CERT_OCSP_CACHE_H

#include "cert/ocsp.h"

#define RF_OCSP_URL_MAX 256
/* Peers whose status is known at one time: trunks and their authorities; the least used one makes room. */
#define RF_OCSP_ENTRIES_MAX 1024
/* Questions that are open at one time. More peers than that at once get no answer yet, and ask again. */
#define RF_OCSP_ERRANDS_MAX 64
/* A responder that does not answer is asked again after a minute, then after two, up to an hour. */
#define RF_OCSP_RETRY_S     60
#define RF_OCSP_RETRY_MAX_S 3600

struct rf_ocsp_cache;

/* A question on its way. Whoever got one gives it back by rf_ocsp_cache_answer, with an answer or without. */
struct rf_ocsp_errand {
    char url[RF_OCSP_URL_MAX];
    char request[RF_OCSP_REQUEST_MAX]; /* DER */
    size_t request_n;
    uint8_t key[32];                   /* of the entry */
    X509 *x, *issuer;                  /* references of its own */
};

/* How questions are sent. `fetch` may be called on any thread that asks, and returns at once. */
struct rf_ocsp_fetcher {
    void *ctx;
    void (*fetch)(void *ctx, struct rf_ocsp_errand *errand);
};

/** @param fetcher  NULL: nothing is fetched. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_ocsp_cache_new(struct rf_ocsp_cache **out, const struct rf_ocsp_fetcher *fetcher);
/** Every errand has come back before. NULL is fine. */
void rf_ocsp_cache_free(struct rf_ocsp_cache *c);

/**
 * What is known of a certificate. NO_ANSWER with its reason otherwise; `is_pending` says that an answer is being
 * fetched. For rf_check_question.ocsp_source, so ctx is the cache.
 */
void rf_ocsp_cache_ask(void *ctx, X509 *x, X509 *issuer, int64_t now_s, struct rf_ocsp_verdict *out);

/**
 * What came of an errand, which ends with this call.
 * @param answer   OCSPResponse in DER; empty: nobody answered
 * @param verdict  what it says; or NULL
 */
void rf_ocsp_cache_answer(struct rf_ocsp_cache *c, struct rf_ocsp_errand *errand, struct rf_span answer,
                          int64_t now_s, struct rf_ocsp_verdict *verdict);

/** How many entries, and how many errands are under way. */
size_t rf_ocsp_cache_count(struct rf_ocsp_cache *c);
size_t rf_ocsp_cache_open(struct rf_ocsp_cache *c);

#endif
