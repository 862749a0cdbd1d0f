/*
 * crypto/seal.h - many short packets under many keys: the batch interface and its back ends
 *
 * A seal is the key material of one kind of packet (SRTP of one master key), expanded and ready. Jobs of many
 * seals run together: intel-ipsec-mb hashes 16 packets at a time, which OpenSSL cannot. Both back ends give the same
 * octets; rf_seal_init proves that with known answers and random packets before one is used.
 *
 * Threads: a seal belongs to one thread. Nothing here allocates after a thread's first call, except
 * rf_seal_make with OpenSSL.
 * Memory: with ipsec-mb 224 to 288 octets for counter mode and 1024 for GCM; with OpenSSL about 1 kB of its heap.
 */
#ifndef RF_CRYPTO_SEAL_H
#define RF_CRYPTO_SEAL_H

#include "crypto/suite.h"

#define RF_SEAL_BATCH    64 /* jobs of one call at most: what a media thread reads at a time */
#define RF_HMAC_SHA1_KEY 20 /* octets of the session authentication key (RFC 3711 5.2) */

struct rf_seal; /* opaque; at memory that its user gives, aligned to RF_SEAL_ALIGN */
struct rf_backend;

#define RF_SEAL_ALIGN 64

/* Session keys of one kind of packet. Wiped by whoever filled it. */
struct rf_seal_key {
    enum rf_srtp_cipher cipher;
    size_t key_octets, salt_octets;
    uint8_t key[RF_SRTP_KEY_MAX], salt[RF_SRTP_SALT_MAX];
    uint8_t auth[RF_HMAC_SHA1_KEY];
};

/* One packet. Which fields count depends on the call. */
struct rf_seal_job {
    const struct rf_seal *seal;
    uint8_t *data;          /* encrypted or decrypted in place */
    const uint8_t *auth;    /* authenticated: input of HMAC, or GCM's additional data */
    uint32_t octets, auth_octets;
    bool failed;            /* set when OpenSSL reported an error: the packet must not be used */
    uint8_t iv[16];         /* counter mode and f8; the first 12 octets are GCM's nonce */
    uint8_t tag[20];        /* result: HMAC 12 octets at least; GCM 16. Input of rf_seal_gcm_open */
};

/** Octets of memory for a seal of this cipher with the back end in use. */
size_t rf_seal_size(enum rf_srtp_cipher cipher, size_t key_octets);
/** Expand keys into memory of rf_seal_size octets. RF_ERR_CRYPTO, RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_seal_make(struct rf_seal *seal, const struct rf_seal_key *key);
/** Wipe it and free what it has beyond its memory. A zeroed seal is fine. */
void rf_seal_end(struct rf_seal *seal);

/** XOR the key stream (counter mode, f8; nothing for the null cipher): encrypts and decrypts. n <= RF_SEAL_BATCH. */
void rf_seal_cipher(struct rf_seal_job *const *jobs, size_t n);
/** HMAC-SHA1 of auth[0 .. auth_octets), the first 12 octets or more into tag. n <= RF_SEAL_BATCH. */
void rf_seal_hmac(struct rf_seal_job *const *jobs, size_t n);
/** GCM: encrypt data and set all 16 octets of tag. */
void rf_seal_gcm_seal(struct rf_seal_job *job);
/** GCM: RF_OK with data decrypted; RF_ERR_AUTH with data as it came; tag_octets 8 or 16. */
RF_MUST_CHECK enum rf_err rf_seal_gcm_open(struct rf_seal_job *job, size_t tag_octets);

/** Fetch the lines that the next calls with this seal read. */
void rf_seal_prefetch(const struct rf_seal *seal);

/**
 * Choose the back end and test it: known answers, and the same octets as OpenSSL over random packets. Before
 * threads start. Without it OpenSSL is used, untested.
 *
 * @param want  "auto", "openssl" or "ipsec-mb"
 * @return RF_ERR_NOT_FOUND: not built in, or it failed its test; what was in use stays. "auto" falls back.
 */
RF_MUST_CHECK enum rf_err rf_seal_init(const char *want);

/** "OpenSSL 3.0.17", "ipsec-mb 1.3.0 (AVX512)": the one in use. Valid until the thread's next call. */
const char *rf_seal_backend(void);

#endif
