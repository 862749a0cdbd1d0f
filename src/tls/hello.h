/*
 * tls/hello.h - what a client offered: the facts of its ClientHello, bounded
 *
 * Only the side that kept the offer can name the cause of a failed handshake, and only it can tell which level
 * would still serve the device. Numbers are kept as they came; what is more than fits is counted.
 *
 * Threads: any. Pure: octets in, facts out.
 */
#ifndef RF_TLS_HELLO_H
#define RF_TLS_HELLO_H

#include "tls/level.h"

#define RF_TLS_OFFER_VERSIONS 6
#define RF_TLS_OFFER_SUITES   48 /* browsers send 16, phones of 2012 up to 40; testssl.sh more than 100 */
#define RF_TLS_OFFER_GROUPS   12
#define RF_TLS_OFFER_SIGALGS  24

/* Without GREASE (RFC 8701) and signalling values. A count may be above what is kept. */
struct rf_tls_offer {
    int highest_version;            /* TLS1_2_VERSION ...; 0: no hello came */
    uint16_t version_count, suite_count, group_count, sigalg_count;
    uint16_t version[RF_TLS_OFFER_VERSIONS]; /* of supported_versions; none before TLS 1.3 */
    uint16_t suite[RF_TLS_OFFER_SUITES];
    uint16_t group[RF_TLS_OFFER_GROUPS];
    uint16_t sigalg[RF_TLS_OFFER_SIGALGS];
    bool has_groups, has_sigalgs;   /* the extension came at all */
    bool asks_status;               /* OCSP stapling */
    bool is_fallback;               /* TLS_FALLBACK_SCSV: it tried a newer version before (RFC 7507) */
    rf_tls_level_set fits;          /* levels with a version, a suite and a group of it */
    char server_name[256];          /* SNI; "" none */
    char alpn[32];                  /* its first protocol; "" none */
};

/* The parts of a ClientHello as they came: extension bodies, empty when the extension is missing. */
struct rf_tls_hello_parts {
    int legacy_version;
    struct rf_span suites, versions, groups, sigalgs, server_name, alpn;
    bool has_versions, has_groups, has_sigalgs, asks_status;
};

/** Nothing in a hello is an error here: a part that cannot be read counts as missing. */
void rf_tls_offer_read(const struct rf_tls_hello_parts *parts, struct rf_tls_offer *out);

/** Is there a version, a suite or a group of this level in the offer? */
bool rf_tls_offer_has_version(const struct rf_tls_offer *o, int min, int max);
bool rf_tls_offer_has_suite(const struct rf_tls_offer *o, enum rf_tls_level level);
bool rf_tls_offer_has_group(const struct rf_tls_offer *o, enum rf_tls_level level);

/** OpenSSL's name of a suite, "0x1301" of one that it does not know; `text` has room for 48 octets. */
const char *rf_tls_suite_name(uint16_t suite, char text[static 48]);
/** "rsa_pss_rsae_sha256" (RFC 8446 4.2.3), or the number. */
const char *rf_tls_sigalg_name(uint16_t sigalg, char text[static 32]);

#endif
