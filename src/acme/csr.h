/*
 * acme/csr.h - what we ask to be signed, what came back, and certificates that prove a name
 *
 * Names are DNS names and IP addresses (RFC 8738) in text form.
 *
 * Threads: any; plain functions.
 */
#ifndef RF_ACME_CSR_H
#define RF_ACME_CSR_H

#include "acme/jws.h"
#include "cert/cert.h"

#define RF_ACME_NAMES_MAX RF_CERT_NAMES_MAX
#define RF_ACME_NAME_MAX  254              /* RFC 1035 2.3.4, with a NUL */
#define RF_ACME_CSR_MAX   (24u << 10)      /* DER: 64 names of 253 octets and an RSA key */
#define RF_ACME_CHAIN_MAX (128u << 10)     /* PEM; public chains are 2 to 6 kB */
#define RF_ACME_CERTS_MAX 10               /* certificates of a chain, like OpenSSL's default of 100 but sane */

/**
 * May this stand in an order: a host name in lower case of at least two labels, "localhost", or an address?
 * Names with a wildcard need dns-01, which we do not do.
 */
bool rf_acme_name_is_valid(struct rf_span name);
/** Is it an address (identifier type "ip")? */
bool rf_acme_name_is_address(const char *name);

/** A certificate signing request in DER for these names. RF_ERR_RANGE, RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_acme_csr_put(struct rf_buf *out, EVP_PKEY *key, const char (*name)[RF_ACME_NAME_MAX],
                                          size_t names);

/**
 * Is this chain what was ordered: readable, not too long, for this key, for all these names, and still valid?
 * @param why  on an error a sentence
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE, RF_ERR_REFUSED (wrong key or names), RF_ERR_STALE (expired)
 */
RF_MUST_CHECK enum rf_err rf_acme_chain_check(struct rf_span chain_pem, EVP_PKEY *key,
                                              const char (*name)[RF_ACME_NAME_MAX], size_t names, int64_t wall_s,
                                              char *why, size_t why_size);
/** Does a certificate of the chain name this authority as its issuer (part of its common name)? */
bool rf_acme_chain_is_from(struct rf_span chain_pem, const char *authority);
/** DER of the first certificate. RF_ERR_SYNTAX, RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_acme_leaf_der(struct rf_span chain_pem, struct rf_buf *out);
/** The certificate's name at renewalInfo: base64url of key identifier "." serial (RFC 9773 4.1). RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_acme_certificate_id(struct rf_span chain_pem, struct rf_buf *out);

/**
 * Chain and key of the certificate that answers tls-alpn-01 for a name (RFC 8737 3): self-signed, the name alone,
 * and the critical extension acmeIdentifier with the digest of the key authorization.
 */
RF_MUST_CHECK enum rf_err rf_acme_alpn_certificate(struct rf_cert **out, const char *name,
                                                   struct rf_span key_authorization, int64_t wall_s);

#endif
