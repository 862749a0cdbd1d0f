/*
 * sdp/crypto_line.h - a=crypto lines: SDES keys in SDP (RFC 4568, TEL-38, TEL-39)
 */
#ifndef RF_SDP_CRYPTO_LINE_H
#define RF_SDP_CRYPTO_LINE_H

#include "crypto/suite.h"
#include "sdp/sdp.h"

#define RF_CRYPTO_KEYS_MAX  4  /* inline keys with MKI on one line that we keep */
#define RF_CRYPTO_LINES_MAX 24 /* a=crypto lines of one stream that we look at; all 15 suites and room */

struct rf_crypto_line {
    uint32_t tag;                                /* 1 to 9 digits */
    const struct rf_srtp_suite *suite;           /* NULL: unknown here, the line is skipped */
    size_t key_count;
    struct rf_srtp_key key[RF_CRYPTO_KEYS_MAX];  /* more than one only with MKI */
    uint8_t clear;                               /* RF_SRTP_CLEAR_*, as each key has it: UNENCRYPTED_SRTP, ..._SRTCP */
    bool unauthenticated_srtp;
    bool has_unknown_mandatory_param;            /* a session parameter without '-' that we do not know */
    uint32_t wsh;                                /* WSH=, 0: none */
    bool fec_or_kdr;                             /* KDR other than 0 or FEC_*: not supported, line unusable */
};

/**
 * Parse the value of one a=crypto attribute.
 * @param why  on error a constant string, for instance "the key has 29 octets, the suite needs 30"
 * @return RF_OK also for an unknown suite (suite == NULL); RF_ERR_SYNTAX, RF_ERR_RANGE
 */
RF_MUST_CHECK enum rf_err rf_crypto_line_parse(struct rf_span value, struct rf_crypto_line *out,
                                               const char **why);

/** Appends "a=crypto:1 NAME inline:BASE64[|MKI:len][ UNENCRYPTED_SRTP][ UNENCRYPTED_SRTCP]\r\n". */
void rf_put_crypto_line(struct rf_buf *b, uint32_t tag, const struct rf_srtp_key *key);

#endif
