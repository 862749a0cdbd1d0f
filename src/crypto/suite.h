/*
 * crypto/suite.h - the crypto suites of SRTP, one row each, and a negotiated key (RFC 3711, 4568, 6188, 7714; TEL-20)
 *
 * It lies below sdp and srtp because both speak of suites: a=crypto lines name them, packets use them.
 */
#ifndef RF_CRYPTO_SUITE_H
#define RF_CRYPTO_SUITE_H

#include "base/span.h"

enum rf_srtp_cipher { RF_CIPHER_NULL, RF_CIPHER_AES_CM, RF_CIPHER_AES_GCM, RF_CIPHER_AES_F8 };

#define RF_SRTP_KEY_MAX     32 /* octets of a master key: AES-256 */
#define RF_SRTP_SALT_MAX    14 /* octets of a master salt; 12 with GCM */
#define RF_SRTP_MKI_MAX     128 /* RFC 4568 6.1: MKI length 1 to 128 */
/* What a key leaves in clear although its suite encrypts: session parameters of its a=crypto line (RFC 4568 6.3.2). */
#define RF_SRTP_CLEAR_RTP  1 /* UNENCRYPTED_SRTP: payloads of SRTP */
#define RF_SRTP_CLEAR_RTCP 2 /* UNENCRYPTED_SRTCP: SRTCP, with the E bit 0 in every packet */

#define RF_SRTP_TRAILER_MAX (16 + 4 + RF_SRTP_MKI_MAX) /* octets that protecting may add */

struct rf_srtp_suite {
    uint8_t id;               /* index in the table; 0 is "no suite" and is never valid */
    const char *name;         /* as in a=crypto */
    const char *alias[2];     /* other spellings that are understood, never sent */
    enum rf_srtp_cipher cipher;
    uint8_t key_octets, salt_octets;
    uint8_t srtp_tag, srtcp_tag; /* octets */
    bool has_null_cipher, has_null_auth;
    uint8_t strength;         /* rank for choosing the strongest common one (TEL-22); higher is stronger */
};

/* What was negotiated for one direction of one leg. Plain data: it is sent by value to the media process and lies
 * in the mapping that outlives a process. Its owner wipes it. Never logged or printed. */
struct rf_srtp_key {
    uint8_t suite; /* id of rf_srtp_suite; 0: none, the direction is plain RTP */
    uint8_t mki_octets;
    uint8_t clear; /* RF_SRTP_CLEAR_*: authenticated, not encrypted (TEL-29) */
    uint8_t key[RF_SRTP_KEY_MAX];
    uint8_t salt[RF_SRTP_SALT_MAX];
    uint8_t mki[RF_SRTP_MKI_MAX];
    uint64_t lifetime; /* packets; 0: the suite's maximum (2^48, SRTCP 2^31) */
};

/** The row with this id; NULL when there is none. */
const struct rf_srtp_suite *rf_srtp_suite(unsigned id);
/** By name or alias, case-sensitive as RFC 4568 wants; NULL when unknown. */
const struct rf_srtp_suite *rf_srtp_suite_named(struct rf_span name);
/**
 * Is there such a thing as this suite with `clear` (RF_SRTP_CLEAR_*)? SRTP with GCM always encrypts (RFC 7714 8.2),
 * SRTCP need not (9.3), and what is neither encrypted nor authenticated is not SRTP.
 */
bool rf_srtp_suite_may_be_clear(const struct rf_srtp_suite *suite, unsigned clear);
/** What leaves in clear (RF_SRTP_CLEAR_*) under these session parameters; with a suite without a cipher all does. */
unsigned rf_srtp_suite_leaves_clear(const struct rf_srtp_suite *suite, unsigned clear);
/** Rows are 1 .. rf_srtp_suite_count(). */
unsigned rf_srtp_suite_count(void);

#endif
