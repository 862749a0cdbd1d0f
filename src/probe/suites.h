/*
 * probe/suites.h - every cipher suite and group that a peer might take, also those that no library has any more
 *
 * IANA's registry with the names of OpenSSL (the rest is formed like them), and what each name says about strength.
 *
 * Threads: any. Constant tables.
 */
#ifndef RF_PROBE_SUITES_H
#define RF_PROBE_SUITES_H

#include "base/span.h"

enum rf_probe_kx { RF_KX_OTHER, RF_KX_DHE, RF_KX_ECDHE, RF_KX_TLS13 };

size_t rf_probe_suite_count(void);
/** Number i of the table; those of TLS 1.3 stand first. */
uint16_t rf_probe_suite(size_t i);
bool rf_probe_suite_is_13(uint16_t suite);
/** "ECDHE-RSA-AES128-GCM-SHA256"; "0x1234" of one that is not in the table, in `text`. */
const char *rf_probe_suite_name(uint16_t suite, char text[static 8]);
enum rf_probe_kx rf_probe_suite_kx(uint16_t suite);
/** Has its ServerKeyExchange a PSK identity hint before the parameters (RFC 4279 3, RFC 5489 2)? */
bool rf_probe_suite_has_hint(uint16_t suite);
/** "no encryption", "export", "anonymous", "RC4", "DES", "3DES", "MD5", "IDEA or RC2"; "" sound. */
const char *rf_probe_suite_weakness(uint16_t suite);

/** Groups of TLS 1.3 (RFC 8446 4.2.7 and later); of TLS 1.2 and below (RFC 8422, RFC 7027). */
size_t rf_probe_groups_13(const uint16_t **out);
size_t rf_probe_groups_12(const uint16_t **out);
/** "X25519"; "group 4242" of one that is not known, in `text`. */
const char *rf_probe_group_name(uint16_t group, char text[static 16]);

/** All signature algorithms that a hello may list; those without SHA-1 and MD5 stand first, *sound of them. */
size_t rf_probe_sigalgs(const uint16_t **out, size_t *sound);

#endif
