/*
 * tls/level.h - cipher levels: what an interface accepts, as in Mozilla's Server Side TLS 5.0
 *
 * An interface ("sip-phones", "sip-trunks", "https", ...) has one level. The rows are held against the
 * published file in tests/data/mozilla-tls by tls_level_test.
 */
#ifndef RF_TLS_LEVEL_H
#define RF_TLS_LEVEL_H

#include "base/span.h"

enum rf_tls_level { RF_TLS_INTERMEDIATE, RF_TLS_LEVEL_COUNT };

struct rf_tls_level_row {
    const char *name;            /* as in the configuration */
    int min_version, max_version;/* TLS1_2_VERSION ... */
    const char *suites_12;       /* OpenSSL names, ':' between, in order of preference */
    const char *suites_13;
    const char *groups;          /* for both roles */
    bool server_order;           /* ours instead of the client's */
    int dh_bits_min;
};

const struct rf_tls_level_row *rf_tls_level_row(enum rf_tls_level level);
/** RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_tls_level_find(struct rf_span name, enum rf_tls_level *out);

/** "1.2" of TLS1_2_VERSION; "SSL 3" and older are said so. */
const char *rf_tls_version_name(int version);

#endif
