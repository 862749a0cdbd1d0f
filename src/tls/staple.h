/*
 * tls/staple.h - the OCSP answer that is shown beside a certificate (RFC 6066 8)
 *
 * A slot that is shared by all workers' contexts: whoever fetches the answer puts it in, and the next handshake
 * shows it. No context is made anew for it.
 *
 * Threads: any; a lock of a few instructions, taken only for clients that ask for the status.
 */
#ifndef RF_TLS_STAPLE_H
#define RF_TLS_STAPLE_H

#include "base/span.h"

#define RF_TLS_STAPLE_MAX 16384 /* octets; real answers have 500 to 2500 */

struct rf_tls_staple;

/** An empty slot: no status is shown. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_tls_staple_new(struct rf_tls_staple **out);
struct rf_tls_staple *rf_tls_staple_ref(struct rf_tls_staple *s);
void rf_tls_staple_unref(struct rf_tls_staple *s); /* NULL is fine */

/**
 * @param response  OCSPResponse in DER, copied; empty: nothing is shown from now on
 * @param until_s   its nextUpdate: not shown after that; seconds since 1970
 * @return RF_ERR_RANGE more than RF_TLS_STAPLE_MAX; RF_ERR_NOMEM; what was there stays then
 */
RF_MUST_CHECK enum rf_err rf_tls_staple_set(struct rf_tls_staple *s, struct rf_span response, int64_t until_s);

/* How the slot stands, for people. */
struct rf_tls_staple_state {
    bool has_answer;            /* one is there; whether it still counts, until_s says */
    int64_t fetched_s, until_s; /* of it; fetched_s stays when it is taken away; 0: never */
    int64_t failed_s;           /* the last time that no answer was got; 0: never, or one was got after it */
    char failure[160];          /* why */
};

/** No answer was got. */
void rf_tls_staple_failed(struct rf_tls_staple *s, const char *why, int64_t now_s);
void rf_tls_staple_look(struct rf_tls_staple *s, struct rf_tls_staple_state *out);

/** A copy for a handshake, made with OPENSSL_malloc; 0 when there is none now. */
size_t rf_tls_staple_get(struct rf_tls_staple *s, int64_t now_s, unsigned char **out);

#endif
