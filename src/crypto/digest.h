/*
 * crypto/digest.h - message digests and HMAC over several spans, in one call
 *
 * For SIP digest sign-in (RFC 8760), STUN (RFC 8489) and fingerprints. Packets of SRTP do not come this way:
 * crypto/batch.h keeps keyed state for them.
 *
 * Threads: any. Each thread keeps one OpenSSL context that every call uses again, so a call does not allocate
 * after the thread's first.
 */
#ifndef RF_CRYPTO_DIGEST_H
#define RF_CRYPTO_DIGEST_H

#include "base/span.h"

enum rf_md { RF_MD_MD5, RF_MD_SHA1, RF_MD_SHA256, RF_MD_SHA512_256, RF_MD_COUNT };

#define RF_MD_MAX 32 /* octets of the longest result: SHA-256 and SHA-512/256 */

/** Octets of the result: 16, 20, 32 or 32. */
size_t rf_md_octets(enum rf_md alg);

/**
 * The digest of parts[0] .. parts[n - 1], one after the other.
 *
 * @param out  rf_md_octets(alg) octets
 * @return RF_OK, or RF_ERR_CRYPTO when OpenSSL was told not to offer the algorithm (MD5 under a FIPS policy)
 */
RF_MUST_CHECK enum rf_err rf_digest(enum rf_md alg, const struct rf_span *parts, size_t n, uint8_t *out);

/** HMAC (RFC 2104) of the parts, one after the other. Result and errors as rf_digest. */
RF_MUST_CHECK enum rf_err rf_hmac(enum rf_md alg, struct rf_span key, const struct rf_span *parts,
                                  size_t n, uint8_t *out);

#endif
