/*
 * crypto/aes.h - AES one call at a time: counter mode, GCM and f8 with a key that is used once or rarely
 *
 * For key derivation, SRTCP and the f8 suites. SRTP packets go through crypto/seal.h, which keeps expanded keys.
 *
 * Threads: any. Each thread keeps one OpenSSL context per cipher and gives it a new key with each call, so a call
 * does not allocate after the thread's first. RF_ERR_CRYPTO: OpenSSL refused, or memory was out at that first call.
 */
#ifndef RF_CRYPTO_AES_H
#define RF_CRYPTO_AES_H

#include "base/span.h"

/** XOR n octets in place with the key stream of AES in counter mode. key_octets 16, 24 or 32; iv 16 octets. */
RF_MUST_CHECK enum rf_err rf_aes_ctr(const uint8_t *key, size_t key_octets, const uint8_t *iv, uint8_t *data,
                                     size_t n);

/* One GCM operation (NIST SP 800-38D) with a 96-bit nonce. */
struct rf_gcm {
    const uint8_t *key;
    size_t key_octets;        /* 16 or 32 */
    const uint8_t *nonce;     /* 12 octets */
    const uint8_t *aad[2];    /* authenticated only; one after the other */
    size_t aad_octets[2];
    uint8_t *data;            /* in place */
    size_t octets;
};

/** Encrypt; tag gets 16 octets, of which a suite may send fewer. */
RF_MUST_CHECK enum rf_err rf_gcm_seal(const struct rf_gcm *g, uint8_t *tag);

/** Check the first tag_octets (8 or 16) of the tag and decrypt. RF_ERR_AUTH: it differs, and data is as it came. */
RF_MUST_CHECK enum rf_err rf_gcm_open(const struct rf_gcm *g, const uint8_t *tag, size_t tag_octets);

/** AES-128 in f8 mode (RFC 3711 4.1.2), in place; the same call encrypts and decrypts. iv 16 octets. */
RF_MUST_CHECK enum rf_err rf_aes_f8(const uint8_t *key, const uint8_t *salt, size_t salt_octets,
                                    const uint8_t *iv, uint8_t *data, size_t n);

#endif
