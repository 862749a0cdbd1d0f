/*
 * cert/device.h - which handset is it? the hardware address in a factory certificate
 *
 * A manufacturer signs a certificate per handset and puts its hardware address (MAC) somewhere into the name. The
 * address must stand alone: twelve hexadecimal digits with no thirteenth beside them, plain or in one of the usual
 * notations. Exactly one address may be found; two are none.
 *
 * Where vendors put it, as far as is known: CN (Yealink, Snom, Poly), serialNumber, ST (Cisco), the first label of a
 * DNS name. OU counts only where a vendor's rule says so: there it is a word, not an identity.
 */
#ifndef RF_CERT_DEVICE_H
#define RF_CERT_DEVICE_H

#include <openssl/types.h>

#include "base/span.h"

/* Where to look: bits. */
#define RF_DEVICE_CN     1u
#define RF_DEVICE_SERIAL 2u  /* the subject's attribute serialNumber, not the certificate's number */
#define RF_DEVICE_STATE  4u  /* ST, and nothing but the address in it */
#define RF_DEVICE_DNS    8u  /* first label of a dNSName */
#define RF_DEVICE_OU     16u
#define RF_DEVICE_USUAL  (RF_DEVICE_CN | RF_DEVICE_SERIAL | RF_DEVICE_STATE | RF_DEVICE_DNS)

#define RF_DEVICE_TEXT_MAX 13 /* "02a0b1c2d3e4" and its NUL */

enum rf_device_found { RF_DEVICE_NONE, RF_DEVICE_ONE, RF_DEVICE_SEVERAL };

struct rf_device_id {
    enum rf_device_found found;
    char mac[RF_DEVICE_TEXT_MAX]; /* lower case; of the first one found */
};

/** Read it from a certificate that was accepted otherwise. @param fields  RF_DEVICE_USUAL or a vendor's */
void rf_device_identify(X509 *x, unsigned fields, struct rf_device_id *out);

/**
 * An address in one of its notations and nothing else: 02a0b1c2d3e4, 02:a0:b1:c2:d3:e4, 02-A0-..., 02a0.b1c2.d3e4.
 * @param out  twelve digits in lower case
 * @return RF_ERR_SYNTAX; RF_ERR_RANGE zero, or an address of many (broadcast, multicast): no handset has it
 */
RF_MUST_CHECK enum rf_err rf_device_parse(struct rf_span text, char out[static RF_DEVICE_TEXT_MAX]);

/** All addresses in a text, into what was found so far. */
void rf_device_search(struct rf_span text, struct rf_device_id *found);

#endif
