#include "tls/level.h"

#include <openssl/ssl.h>

static const struct rf_tls_level_row rows[RF_TLS_LEVEL_COUNT] = {
    [RF_TLS_INTERMEDIATE] = {
        .name = "intermediate",
        .min_version = TLS1_2_VERSION,
        .max_version = TLS1_3_VERSION,
        .suites_12 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                     "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
        .suites_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
        .groups = "X25519:P-256:P-384",
        .server_order = false,
        .dh_bits_min = 2048,
    },
};

const struct rf_tls_level_row *
rf_tls_level_row(enum rf_tls_level level)
{
    rf_assert(level < RF_TLS_LEVEL_COUNT);
    return &rows[level];
}

enum rf_err
rf_tls_level_find(struct rf_span name, enum rf_tls_level *out)
{
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        if (rf_span_is(name, rows[i].name)) {
            *out = (enum rf_tls_level)i;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}

const char *
rf_tls_version_name(int version)
{
    switch (version) {
    case TLS1_3_VERSION:
        return "1.3";
    case TLS1_2_VERSION:
        return "1.2";
    case TLS1_1_VERSION:
        return "1.1";
    case TLS1_VERSION:
        return "1.0";
    case SSL3_VERSION:
        return "SSL 3";
    default:
        return "unknown";
    }
}
