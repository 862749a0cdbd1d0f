/*
 * stun/wire.h - what decoding and encoding share; private to this folder
 */
#ifndef RF_STUN_WIRE_H
#define RF_STUN_WIRE_H

#include "base/span.h"

#define RF_STUN_COOKIE           0x2112a442u
#define RF_STUN_IPV4             1
#define RF_STUN_IPV6             2
#define RF_STUN_INTEGRITY_OCTETS 20

/** HMAC-SHA1 over the first n octets, with the length in the header as if the message ended behind the
 *  attribute that is to hold it (RFC 8489 14.5). tag: RF_DIGEST_MAX octets of memory. */
RF_MUST_CHECK enum rf_err rf_stun_integrity(const uint8_t *p, size_t n, struct rf_span key, uint8_t *tag);

/** CRC-32 of n octets XOR "STUN" (RFC 8489 14.7). The length in the header already counts the attribute. */
uint32_t rf_stun_fingerprint(const uint8_t *p, size_t n);

#endif
