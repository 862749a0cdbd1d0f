/* srtp/kdf.c - see kdf.h */
#include "srtp/kdf.h"

#include "base/secret.h"
#include "crypto/aes.h"

/* RFC 3711 4.3.2: labels of SRTP; those of SRTCP are 3 higher. */
enum { LABEL_KEY, LABEL_AUTH, LABEL_SALT, LABEL_RTCP };

struct prf {
    uint8_t key[RF_SRTP_KEY_MAX], salt[RF_SRTP_SALT_MAX];
    size_t key_octets;
};

/* The label stands 7 octets from the right of the 112-bit salt, for SRTCP too (errata 3712 of RFC 3711). */
static enum rf_err
derive(const struct prf *prf, unsigned label, uint8_t *out, size_t n)
{
    uint8_t iv[16] = { 0 };
    enum rf_err err;

    memcpy(iv, prf->salt, sizeof prf->salt);
    iv[7] ^= (uint8_t)label;
    memset(out, 0, n);
    err = rf_aes_ctr(prf->key, prf->key_octets, iv, out, n);
    rf_wipe(iv, sizeof iv);
    return err;
}

static enum rf_err
derive_set(const struct prf *prf, const struct rf_srtp_suite *suite, unsigned first_label, struct rf_seal_key *out)
{
    enum rf_err err;

    memset(out, 0, sizeof *out);
    out->cipher = suite->cipher;
    out->key_octets = suite->key_octets;
    out->salt_octets = suite->salt_octets;
    err = derive(prf, first_label + LABEL_KEY, out->key, suite->key_octets);
    if (err == RF_OK)
        err = derive(prf, first_label + LABEL_AUTH, out->auth, sizeof out->auth);
    if (err == RF_OK)
        err = derive(prf, first_label + LABEL_SALT, out->salt, suite->salt_octets);
    return err;
}

enum rf_err
rf_srtp_kdf(const struct rf_srtp_suite *suite, const uint8_t *key, const uint8_t *salt, bool old_aes192,
            struct rf_srtp_session_keys *out)
{
    struct prf prf = { .key_octets = suite->key_octets };
    enum rf_err err;

    memcpy(prf.key, key, suite->key_octets);
    memcpy(prf.salt, salt, suite->salt_octets); /* GCM's 96 bits are padded on the right (RFC 7714 11) */
    if (old_aes192) {
        /*
         * libsrtp before 2.8.0 takes every key longer than 128 bits for an AES-256 one: it cuts
         * key (24) || salt (14) || zeros after octet 32, so that the first 8 octets of the salt become key.
         * Most FreeSWITCH, Asterisk and PJSIP builds still send this.
         */
        memset(prf.salt, 0, sizeof prf.salt);
        memcpy(prf.key + 24, salt, 8);
        memcpy(prf.salt, salt + 8, 6);
        prf.key_octets = 32;
    }
    err = derive_set(&prf, suite, 0, &out->rtp);
    if (err == RF_OK)
        err = derive_set(&prf, suite, LABEL_RTCP, &out->rtcp);
    rf_wipe(&prf, sizeof prf);
    return err;
}
