/*
 * cert/names.h - does a certificate speak for a name? SIP domains (RFC 5922), host names (RFC 9525), addresses
 *
 * Names of a certificate are octets that its owner chose: they are compared by length, so a NUL ends nothing, and
 * what is no host name in letters, digits, hyphens and dots equals nothing. International names are compared in
 * their ASCII form (xn--...), as RFC 5280 7.2 has them in certificates.
 */
#ifndef RF_CERT_NAMES_H
#define RF_CERT_NAMES_H

#include <openssl/x509v3.h>

#include "base/addr.h"

#define RF_NAMES_MAX 2000 /* names of one certificate that are looked at; public authorities stop at 250 */

struct rf_names_result {
    bool is_match;
    bool is_wildcard;  /* no match, but a wildcard of the certificate covers the name */
    char shown[160];   /* the names that would have counted: "a.example, b.example, and 3 more"; "" none */
};

/** A name to look for: brackets and one final dot are taken off. False: it cannot stand in a certificate. */
bool rf_names_target(struct rf_span text, struct rf_span *out);

/** @param common_name_counts  when there is no subjectAltName at all  @param wildcard_counts  against RFC 5922 7.2 */
void rf_names_sip(X509 *x, struct rf_span domain, bool common_name_counts, bool wildcard_counts,
                  struct rf_names_result *out);
/** dNSName with a wildcard for one whole left label; a common name never counts. */
void rf_names_host(X509 *x, struct rf_span host, struct rf_names_result *out);
/** iPAddress. IPv4 in IPv6 is the IPv4 address. */
void rf_names_address(X509 *x, const struct rf_addr *address, struct rf_names_result *out);

/** The host of a SIP URI without a user: what RFC 5922 7.1 calls a SIP domain identity. */
bool rf_names_of_sip_uri(struct rf_span uri, struct rf_span *host);

/** Letters, digits, hyphens, underscores; labels of 1 to 63 octets, 253 in all; no final dot. */
bool rf_names_is_host(struct rf_span s);

#endif
