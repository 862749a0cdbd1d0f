/*
 * cert/ocsp.h - is a certificate still good? questions to its authority and the answers (RFC 6960, RFC 5019)
 *
 * Pure: octets and a time go in, octets and a verdict come out. Whoever has a socket sends the question to
 * rf_ocsp_url, by POST with the type application/ocsp-request.
 *
 * An answer counts when the certificate's issuer signed it, or somebody whom that issuer named for it by a
 * certificate of its own (id-kp-OCSPSigning, RFC 6960 4.2.2.2); when it is about this certificate; and when it is
 * fresh. Anything else is no answer, and `why` says what it lacks.
 *
 * Threads: any. Memory: none kept.
 */
#ifndef RF_CERT_OCSP_H
#define RF_CERT_OCSP_H

#include "cert/trust.h"

#define RF_OCSP_ANSWER_MAX  16384 /* octets; real ones have 500 to 2500, of which a certificate is the most */
#define RF_OCSP_REQUEST_MAX 256   /* octets: names are hashes, so only the serial number varies */
#define RF_OCSP_NONCE       16    /* octets of a nonce, if one is sent (RFC 8954: 1 to 32) */

/* Responder and we read different clocks. Five minutes are what Kerberos allows, and no phone call lasts on it. */
#define RF_OCSP_SKEW_S 300
/* An answer without an end says only that newer ones may always be had (RFC 6960 4.2.2.1): it counts for a day. */
#define RF_OCSP_NO_END_S 86400
/* An answer about many: more would be searched at our cost. Responders put in one. */
#define RF_OCSP_SINGLES_MAX 64
/* Certificates that a responder may send along with its own. */
#define RF_OCSP_SIGNERS_MAX 4

enum rf_ocsp_status { RF_OCSP_NO_ANSWER, RF_OCSP_GOOD, RF_OCSP_REVOKED, RF_OCSP_UNKNOWN };

struct rf_ocsp_question {
    X509 *x, *issuer;
    const uint8_t *nonce;         /* RF_OCSP_NONCE octets that were sent, or NULL; an answer may leave it out */
    const struct rf_trust *trust; /* lists of revoked certificates, against the responder's own; or NULL */
    int64_t now_s;
};

/*
 * Where the check engine gets verdicts from: a cache (ocsp_cache.h), or whatever a test puts there. It answers at once;
 * `why` is what it says of a certificate that it knows nothing about.
 */
struct rf_ocsp_verdict;
struct rf_ocsp_source {
    void *ctx;
    void (*ask)(void *ctx, X509 *x, X509 *issuer, int64_t now_s, struct rf_ocsp_verdict *out);
};

struct rf_ocsp_verdict {
    enum rf_ocsp_status status;
    int64_t this_update, next_update; /* next_update: when it ends, also where the answer names no end */
    int64_t since;                    /* revoked: when */
    const char *reason;               /* "keyCompromise"; "" none given */
    const char *why;                  /* no answer: what it lacks; a constant sentence without full stop */
    bool is_pending;                  /* no answer yet, but one is being fetched (ocsp_cache.h) */
};

/**
 * Where to ask: the first http address of the authorityInfoAccess. https is passed over: asking whether a certificate
 * is good must not need another certificate.
 * @return false: none, or one that is longer than `size` or no plain text
 */
bool rf_ocsp_url(X509 *x, char *out, size_t size);

/**
 * The question in DER. Names are SHA-1 hashes, the only ones that every responder knows (RFC 5019 2.1.1); they
 * protect nothing.
 * @param nonce  RF_OCSP_NONCE octets or NULL
 * @return RF_ERR_CRYPTO; RF_ERR_RANGE it does not fit
 */
RF_MUST_CHECK enum rf_err rf_ocsp_request(X509 *x, X509 *issuer, const uint8_t *nonce, struct rf_buf *out);

/** What an answer says. Never an error: what cannot be used is RF_OCSP_NO_ANSWER with its reason. */
void rf_ocsp_judge(const struct rf_ocsp_question *q, struct rf_span answer, struct rf_ocsp_verdict *out);

/** When a newer answer should be fetched: half-way to the end, so that a responder may be away for the other half. */
int64_t rf_ocsp_renew_at(const struct rf_ocsp_verdict *v);

const char *rf_ocsp_status_name(enum rf_ocsp_status status); /* "good", "revoked", "unknown", "no answer" */

#endif
