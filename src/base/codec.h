/*
 * base/codec.h - hexadecimal, Base64 and base64url (RFC 4648) text
 */
#ifndef RF_BASE_CODEC_H
#define RF_BASE_CODEC_H

#include "base/buf.h"

/** Octets from hexadecimal digits of either case. RF_ERR_SYNTAX, RF_ERR_RANGE when more than cap octets. */
RF_MUST_CHECK enum rf_err rf_hex_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n);

/**
 * Octets from Base64 (RFC 4648 4). Padding may be missing (RFC 4568 keys come without it from some phones),
 * but what is there must be right, and unused bits must be zero, so that one key has one text.
 * @return RF_ERR_SYNTAX, or RF_ERR_RANGE when more than cap octets.
 */
RF_MUST_CHECK enum rf_err rf_base64_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n);

/** Base64 with padding. */
void rf_put_base64(struct rf_buf *b, const void *p, size_t n);

/** base64url without padding (RFC 4648 5; RFC 7515 2). */
void rf_put_base64url(struct rf_buf *b, const void *p, size_t n);
/** The reverse; padding is refused. RF_ERR_SYNTAX, RF_ERR_RANGE when more than cap octets. */
RF_MUST_CHECK enum rf_err rf_base64url_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n);

#endif
