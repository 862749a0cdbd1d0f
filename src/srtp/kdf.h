/*
 * srtp/kdf.h - session keys from a master key (RFC 3711 4.3, RFC 6188 3, RFC 7714 11)
 */
#ifndef RF_SRTP_KDF_H
#define RF_SRTP_KDF_H

#include "crypto/seal.h"

struct rf_srtp_session_keys {
    struct rf_seal_key rtp, rtcp;
};

/**
 * Derive both sets; the key derivation rate is 0, the only one that SDES peers use.
 *
 * @param old_aes192  as libsrtp before 2.8.0 does it for AES-192, see kdf.c
 * @return RF_OK, or RF_ERR_CRYPTO. The caller wipes *out.
 */
RF_MUST_CHECK enum rf_err rf_srtp_kdf(const struct rf_srtp_suite *suite, const uint8_t *key, const uint8_t *salt,
                                      bool old_aes192, struct rf_srtp_session_keys *out);

#endif
