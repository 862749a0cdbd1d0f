/*
 * main/certrow.h - certificates as rows of JSON, as the commands about them show and find them (certdesk.c)
 *
 * Threads: that of commands.
 */
#ifndef RF_MAIN_CERTROW_H
#define RF_MAIN_CERTROW_H

#include <jansson.h>
#include <openssl/types.h>

#include "cert/cert.h"

struct rf_desk;

#define RF_FINGERPRINT_MIN 8 /* hexadecimal digits that name a certificate to look at, or to trust no longer */

/** "2026-11-21T17:00:00Z"; "" for a time that no calendar has. Returns `mem`. */
const char *rf_cert_time_text(int64_t at_s, char mem[32]);

/** A fingerprint in lower case hexadecimal. Returns `mem`. */
const char *rf_cert_hex_text(const uint8_t sha256[32], char mem[65]);

/** A row: subject, issuer, serial, key, dates with the days that are left at `now_s`, fingerprint, names. */
json_t *rf_cert_facts_json(const struct rf_cert_facts *f, int64_t now_s);

/** From DER; the caller's to free. NULL: it is none. */
X509 *rf_cert_of_der(struct rf_span der);

/** Does `what` mean this row: by name of its block, or by `least` or more digits of its fingerprint, with or without colons? */
bool rf_cert_is_meant(const json_t *row, const char *what, size_t least);

/** Rows of what is trusted by command; the caller's. Empty when the store cannot be read. */
json_t *rf_desk_stored_trust(struct rf_desk *d);

#endif
