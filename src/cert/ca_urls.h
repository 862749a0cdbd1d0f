/*
 * cert/ca_urls.h - inside cert: where others learn what the local authority revoked
 *
 * Addresses that an operator serves: of its list (ca.crl), of a responder. Certificates that are issued from then on
 * name them (RFC 5280 4.2.1.13, 4.2.2.1); those that were issued before stay as they are. They are in the file `urls`,
 * a word and an address a line.
 */
#ifndef RF_CERT_CA_URLS_H
#define RF_CERT_CA_URLS_H

#include "cert/ca_files.h"

#define RF_CA_URLS_FILE "urls"
#define RF_CA_URL_MAX   256 /* with its end; as cert/ocsp_cache.h takes */

struct rf_ca_urls {
    char crl[RF_CA_URL_MAX], ocsp[RF_CA_URL_MAX]; /* "": none */
};

/**
 * May it stand in a certificate? Plain http alone: whoever checks a certificate must not need another one for it
 * (RFC 5280 8). Printable ASCII without blank, comma, semicolon and quote.
 */
bool rf_ca_url_is_fit(const char *url);

/** RF_OK also when there is no such file; RF_ERR_SYNTAX a line that cannot be understood; RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_ca_urls_load(struct rf_ca_urls *out, const char *dir, struct rf_cert_problem *problem);
/** RF_ERR_IO, RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_ca_urls_write(const struct rf_ca_urls *urls, const struct rf_ca_folder *f,
                                           struct rf_cert_problem *problem);

#endif
