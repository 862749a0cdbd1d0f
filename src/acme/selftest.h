/*
 * acme/selftest.h - does this pair work? A TLS handshake with it before anybody else sees it
 */
#ifndef RF_ACME_SELFTEST_H
#define RF_ACME_SELFTEST_H

#include "cert/cert.h"

/**
 * Shake hands with ourselves, once with TLS 1.2 and once with 1.3: a server that shows `c`, and a client that wants
 * this leaf and the same number of intermediates, for each name that the certificate has.
 * @param why  on an error a sentence
 * @return RF_ERR_CRYPTO
 */
RF_MUST_CHECK enum rf_err rf_acme_selftest(struct rf_cert *c, char *why, size_t why_size);

#endif
