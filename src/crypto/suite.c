/* crypto/suite.c - see suite.h */
#include "crypto/suite.h"

/*
 * Strength ranks (TEL-22): whole GCM tags first, then the GCM_8 suites of Telnyx, then counter mode with 80-bit
 * tags, then 32-bit tags, then the rare F8, and at the end what does not encrypt or does not authenticate. The id
 * of a row lies in messages and in memory that outlives a process: rows are only ever added at the end.
 */
#define KEYS(key, salt) .key_octets = (key), .salt_octets = (salt)
#define TAGS(srtp, srtcp) .srtp_tag = (srtp), .srtcp_tag = (srtcp)

static const struct rf_srtp_suite suites[] = {
    { 0 },
    { .id = 1, .name = "AEAD_AES_256_GCM", .cipher = RF_CIPHER_AES_GCM, KEYS(32, 12), TAGS(16, 16), .strength = 150 },
    { .id = 2, .name = "AEAD_AES_128_GCM", .cipher = RF_CIPHER_AES_GCM, KEYS(16, 12), TAGS(16, 16), .strength = 140 },
    { .id = 3, .name = "AEAD_AES_256_GCM_8", .cipher = RF_CIPHER_AES_GCM, KEYS(32, 12), TAGS(8, 8), .strength = 130 },
    { .id = 4, .name = "AEAD_AES_128_GCM_8", .cipher = RF_CIPHER_AES_GCM, KEYS(16, 12), TAGS(8, 8), .strength = 120 },
    { .id = 5, .name = "AES_256_CM_HMAC_SHA1_80", .alias = { "AES_CM_256_HMAC_SHA1_80" }, .cipher = RF_CIPHER_AES_CM,
      KEYS(32, 14), TAGS(10, 10), .strength = 110 },
    { .id = 6, .name = "AES_256_CM_HMAC_SHA1_32", .alias = { "AES_CM_256_HMAC_SHA1_32" }, .cipher = RF_CIPHER_AES_CM,
      KEYS(32, 14), TAGS(4, 10), .strength = 80 },
    { .id = 7, .name = "AES_192_CM_HMAC_SHA1_80", .alias = { "AES_CM_192_HMAC_SHA1_80" }, .cipher = RF_CIPHER_AES_CM,
      KEYS(24, 14), TAGS(10, 10), .strength = 100 },
    { .id = 8, .name = "AES_192_CM_HMAC_SHA1_32", .alias = { "AES_CM_192_HMAC_SHA1_32" }, .cipher = RF_CIPHER_AES_CM,
      KEYS(24, 14), TAGS(4, 10), .strength = 70 },
    { .id = 9, .name = "AES_CM_128_HMAC_SHA1_80", .cipher = RF_CIPHER_AES_CM, KEYS(16, 14), TAGS(10, 10),
      .strength = 90 },
    { .id = 10, .name = "AES_CM_128_HMAC_SHA1_32", .cipher = RF_CIPHER_AES_CM, KEYS(16, 14), TAGS(4, 10),
      .strength = 60 },
    { .id = 11, .name = "AES_CM_128_NULL_AUTH", .cipher = RF_CIPHER_AES_CM, KEYS(16, 14), TAGS(0, 0),
      .has_null_auth = true, .strength = 10 },
    { .id = 12, .name = "F8_128_HMAC_SHA1_80", .cipher = RF_CIPHER_AES_F8, KEYS(16, 14), TAGS(10, 10), .strength = 50 },
    { .id = 13, .name = "F8_128_HMAC_SHA1_32", .cipher = RF_CIPHER_AES_F8, KEYS(16, 14), TAGS(4, 10), .strength = 40 },
    { .id = 14, .name = "NULL_HMAC_SHA1_80", .cipher = RF_CIPHER_NULL, KEYS(16, 14), TAGS(10, 10),
      .has_null_cipher = true, .strength = 30 },
    { .id = 15, .name = "NULL_HMAC_SHA1_32", .cipher = RF_CIPHER_NULL, KEYS(16, 14), TAGS(4, 10),
      .has_null_cipher = true, .strength = 20 },
};

#define SUITE_COUNT (sizeof suites / sizeof *suites - 1)

unsigned
rf_srtp_suite_count(void)
{
    return SUITE_COUNT;
}

const struct rf_srtp_suite *
rf_srtp_suite(unsigned id)
{
    return id >= 1 && id <= SUITE_COUNT ? &suites[id] : NULL;
}

bool
rf_srtp_suite_may_be_clear(const struct rf_srtp_suite *suite, unsigned clear)
{
    if ((clear & ~(unsigned)(RF_SRTP_CLEAR_RTP | RF_SRTP_CLEAR_RTCP)) != 0)
        return false;
    return (clear & RF_SRTP_CLEAR_RTP) == 0 || (suite->cipher != RF_CIPHER_AES_GCM && !suite->has_null_auth);
}

unsigned
rf_srtp_suite_leaves_clear(const struct rf_srtp_suite *suite, unsigned clear)
{
    return suite->has_null_cipher ? RF_SRTP_CLEAR_RTP | RF_SRTP_CLEAR_RTCP : clear;
}

const struct rf_srtp_suite *
rf_srtp_suite_named(struct rf_span name)
{
    for (unsigned id = 1; id <= SUITE_COUNT; id++) {
        const struct rf_srtp_suite *s = &suites[id];

        if (rf_span_is(name, s->name) || (s->alias[0] != NULL && rf_span_is(name, s->alias[0])) ||
            (s->alias[1] != NULL && rf_span_is(name, s->alias[1])))
            return s;
    }
    return NULL;
}
