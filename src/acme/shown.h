/*
 * acme/shown.h - what the CA may look at now: tokens of http-01, certificates of tls-alpn-01
 *
 * The thread that talks to the CA puts them in, the threads that answer strangers look them up. The table is small:
 * a look lasts seconds.
 *
 * Threads: any; one lock, held for a walk over at most RF_ACME_SHOWN_MAX entries.
 */
#ifndef RF_ACME_SHOWN_H
#define RF_ACME_SHOWN_H

#include "acme/answer.h"

#define RF_ACME_SHOWN_MAX 64
#define RF_ACME_AUTHORIZATION_MAX (RF_ACME_TOKEN_MAX + RF_ACME_THUMBPRINT_MAX + 1)

/* http-01 is asked for below this path (RFC 8555 8.3). */
#define RF_ACME_HTTP_PATH "/.well-known/acme-challenge/"
/* ALPN protocol of tls-alpn-01 (RFC 8737 6.2). */
#define RF_ACME_ALPN      "acme-tls/1"

struct rf_acme_shown;

RF_MUST_CHECK enum rf_err rf_acme_shown_new(struct rf_acme_shown **out);
void rf_acme_shown_free(struct rf_acme_shown *s); /* NULL is fine */

/** @param wall_s  for the certificate of tls-alpn-01. RF_ERR_NOMEM the table is full, RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_acme_shown_put(struct rf_acme_shown *s, enum rf_acme_challenge_kind kind,
                                            const char *name, const char *token, const char *key_authorization,
                                            int64_t wall_s);
void rf_acme_shown_remove(struct rf_acme_shown *s, enum rf_acme_challenge_kind kind, const char *name,
                          const char *token);

/** The key authorization of this token, as a C string; false: nobody asked for one. */
bool rf_acme_shown_token(struct rf_acme_shown *s, struct rf_span token, char out[static RF_ACME_AUTHORIZATION_MAX]);
/** The certificate for a server name, with a reference; NULL. Of an address the name is that of RFC 8738 6. */
struct rf_cert *rf_acme_shown_certificate(struct rf_acme_shown *s, struct rf_span server_name);

/** "1.2.0.192.in-addr.arpa" of an address, the name itself otherwise. */
void rf_acme_server_name(const char *name, char out[static RF_ACME_NAME_MAX]);

#endif
