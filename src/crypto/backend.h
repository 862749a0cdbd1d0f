/*
 * crypto/backend.h - what a back end of seal.h provides; private to this folder
 */
#ifndef RF_CRYPTO_BACKEND_H
#define RF_CRYPTO_BACKEND_H

#include <assert.h>

#include "crypto/seal.h"

struct rf_backend {
    const char *name;             /* for rf_seal_init */
    const char *(*describe)(void);
    bool (*is_usable)(void);      /* on this machine */
    size_t (*size)(enum rf_srtp_cipher cipher, size_t key_octets);
    enum rf_err (*make)(struct rf_seal *seal, const struct rf_seal_key *key);
    void (*end)(struct rf_seal *seal);
    void (*ctr)(struct rf_seal_job *const *jobs, size_t n);  /* counter mode only */
    void (*hmac)(struct rf_seal_job *const *jobs, size_t n);
    void (*gcm_seal)(struct rf_seal_job *job);
    enum rf_err (*gcm_open)(struct rf_seal_job *job, size_t tag_octets);
};

extern const struct rf_backend rf_backend_openssl;
#if RF_HAVE_IPSEC_MB
extern const struct rf_backend rf_backend_ipsec_mb;
#endif

/* Begins each seal; the back end's own part follows at octet 64. */
struct rf_seal {
    const struct rf_backend *backend;
    uint8_t cipher, key_octets, salt_octets;
    uint32_t octets;                        /* of the whole seal, to wipe it */
    uint32_t inner[5], outer[5];            /* SHA-1 states after the key's two blocks (RFC 2104), host order */
};

static_assert(sizeof(struct rf_seal) <= 64, "the common part fills at most one line");

/* f8 is the same with every back end: the raw key and salt follow. */
struct rf_seal_f8 {
    uint8_t key[16], salt[RF_SRTP_SALT_MAX];
};

static inline void *
rf_seal_own(const struct rf_seal *seal)
{
    return (uint8_t *)(uintptr_t)seal + 64;
}

/** SHA-1 state after one block of key XOR pad (RFC 2104). */
void rf_sha1_pad(uint32_t state[5], const uint8_t *key, size_t key_octets, uint8_t pad);
/** HMAC-SHA1 from the two states; 20 octets. */
void rf_sha1_hmac(const uint32_t inner[5], const uint32_t outer[5], const uint8_t *data, size_t n, uint8_t *tag);

/** rf_seal_make with a back end that is not (yet) in use; memory of rf_seal_size_with octets. */
RF_MUST_CHECK enum rf_err rf_seal_make_with(const struct rf_backend *b, struct rf_seal *seal,
                                            const struct rf_seal_key *key);
size_t rf_seal_size_with(const struct rf_backend *b, enum rf_srtp_cipher cipher, size_t key_octets);

/** Known answers of the RFCs, then random packets against the plain functions of aes.h and digest.h. */
bool rf_backend_passes(const struct rf_backend *b);

#endif
