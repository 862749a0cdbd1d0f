/*
 * tls/strength.h - inside tls: how strong keys and signatures must be, in OpenSSL's words but by our rules
 *
 * OpenSSL's security level is one number for everything. Level old and the weak check levels need 0, which would
 * let 1024-bit Diffie-Hellman and certificates of our own with 512-bit keys pass as well. So every context asks
 * us instead:
 * - ephemeral Diffie-Hellman has 2048 bits or more, in both roles, at every level (TEL-13)
 * - certificates of our own have keys of 112 bits strength or more (RSA 2048, P-224) and signatures by SHA-2
 * - handshake signatures are by SHA-2; SHA-1 only at level old, where TLS 1.0 and 1.1 have nothing else
 * - certificates of peers are left to the check engine (cert/check.h), which names what it refuses
 */
#ifndef RF_TLS_STRENGTH_H
#define RF_TLS_STRENGTH_H

#include <openssl/ssl.h>

#include "tls/level.h"

#define RF_TLS_DH_BITS_MIN 2048

/**
 * Set suites, groups, signature algorithms, versions and the rules above.
 * @param min_version  the level's or higher
 * @param weak_peers   certificates of peers may be weak: check levels none and low
 */
bool rf_tls_strength_set(SSL_CTX *ctx, const struct rf_tls_level_row *row, int min_version, bool weak_peers);

/**
 * May we show this certificate (or send it as one of our chain)?
 * @param why  what is wrong with it, room for 128 octets; untouched when it is fine
 */
bool rf_tls_strength_own(X509 *x, bool is_leaf, char why[static 128]);

#endif
