/*
 * tls/level.h - cipher levels: what an interface accepts, as in Mozilla's Server Side TLS guidelines
 *
 * An interface ("sip-phones", "sip-trunks", "https", ...) has one level: old, intermediate or modern, each of
 * guideline 5.0 unless it says another: "intermediate@5.8". The rows are held field by field against the
 * published files in tests/data/mozilla-tls by levels_test. They differ from them in two places, see
 * docs/design/0012-tls-levels.md: DES-CBC3-SHA is left out, and Diffie-Hellman has 2048 bits or more.
 */
#ifndef RF_TLS_LEVEL_H
#define RF_TLS_LEVEL_H

#include "base/span.h"

enum rf_tls_level {
    RF_TLS_OLD, RF_TLS_INTERMEDIATE, RF_TLS_MODERN,          /* of 5.0 */
    RF_TLS_OLD_57, RF_TLS_INTERMEDIATE_57, RF_TLS_MODERN_57,
    RF_TLS_OLD_58, RF_TLS_INTERMEDIATE_58, RF_TLS_MODERN_58,
    RF_TLS_INTERMEDIATE_60, RF_TLS_MODERN_60,                /* 6.0 has no old */
    RF_TLS_LEVEL_COUNT
};

/* Lists have ':' between their members and keep the order of preference. "" is an empty list. */
struct rf_tls_level_row {
    const char *name;            /* as in the configuration: "old", "old@5.7" */
    const char *kind;            /* "old" */
    const char *guideline;       /* "5.0" */
    int min_version, max_version;/* TLS1_VERSION ... */
    const char *suites_12;       /* OpenSSL's names; for TLS 1.2 and below */
    const char *suites_13;
    const char *groups;          /* for both roles; one that the library does not know is left out */
    bool server_order;           /* ours instead of the client's */
    int dh_bits_min;             /* 0: the level has no DHE */
    /* What the guideline says beside, for `tls levels`, and for the check of our own certificates. */
    const char *cert_types, *cert_curves, *cert_signatures; /* cert_curves "": any */
    int rsa_bits_min;            /* 0: no RSA */
    int ecdh_bits;
    uint32_t hsts_min_age_s;
    int cert_days_max, cert_days_recommended; /* the latter 0: not said */
    bool ocsp_staple;
    const char *oldest_clients;
};

const struct rf_tls_level_row *rf_tls_level_row(enum rf_tls_level level);
/** "old", "old@5.0", "modern@6.0". RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_tls_level_find(struct rf_span name, enum rf_tls_level *out);
/** All names, for a message: "old, intermediate, modern, old@5.7, ...". */
const char *rf_tls_level_names(void);

/**
 * The level of an interface that says none (IPC-8, IPC-26, TEL-14): old under profile compatible but
 * intermediate on sip-trunks and node-link; intermediate under profile secure.
 */
enum rf_tls_level rf_tls_level_default(const char *interface, bool is_secure_profile);
/** The oldest TLS version that an interface may ever speak, whatever its level: sip-trunks 1.2 (TEL-14). */
int rf_tls_version_floor(const char *interface);

/** Sets of levels: bit (1 << level). */
typedef uint16_t rf_tls_level_set;
/* Which levels have this suite, group or version (numbers of RFC 8446)? */
rf_tls_level_set rf_tls_levels_with_suite(uint16_t suite);
rf_tls_level_set rf_tls_levels_with_group(uint16_t group);
rf_tls_level_set rf_tls_levels_with_version(int version);

/** "X25519" of 29, "P-256" of 23; NULL when it is none that we know. */
const char *rf_tls_group_name(uint16_t group);
/** The number of what SSL_get_negotiated_group returns, a NID or a number; 0 of one that we do not know. */
uint16_t rf_tls_group_number(int openssl_group);
/** "1.2" of TLS1_2_VERSION; "SSL 3" and older are said so. */
const char *rf_tls_version_name(int version);

#endif
