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

/** A copy for a handshake, made with OPENSSL_malloc; 0 when there is none now. */
size_t rf_tls_staple_get(struct rf_tls_staple *s, int64_t now_s, unsigned char **out);

#endif
