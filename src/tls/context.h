/*
 * tls/context.h - what an interface's TLS looks like: level, certificates, ticket keys
 *
 * "Interface" is the design's word: sip-phones, sip-trunks, https... each with its own level and certificates.
 * An rf_tls_server is an immutable snapshot of one: at a reload a new one is made and new connections use it,
 * while the connections that are there keep theirs. Each worker makes its own from the same settings, so that
 * nothing of OpenSSL is contended; tickets work across them because their keys are computed (tls/tickets.h).
 *
 * Threads: a server or client context and its connections are used by one thread. The reference count alone is
 * atomic. Memory: some 60 kB a certificate.
 */
#ifndef RF_TLS_CONTEXT_H
#define RF_TLS_CONTEXT_H

#include "cert/cert.h"
#include "tls/level.h"
#include "tls/tickets.h"

struct rf_tls_server_conf {
    const char *interface;        /* "sip-phones"; tickets of one interface are not taken by another */
    enum rf_tls_level level;
    struct rf_cert *const *cert;  /* references are taken; the first is shown when no name matches */
    size_t cert_count;            /* 1 or more */
    struct rf_tls_tickets *tickets; /* a reference is taken; NULL: no resumption */
};

struct rf_tls_server;

/** RF_ERR_CRYPTO when OpenSSL does not take a certificate or a setting; the reason is in *why (constant string). */
RF_MUST_CHECK enum rf_err rf_tls_server_new(struct rf_tls_server **out, const struct rf_tls_server_conf *conf,
                                            const char **why);
struct rf_tls_server *rf_tls_server_ref(struct rf_tls_server *s);
void rf_tls_server_unref(struct rf_tls_server *s); /* NULL is fine */
const struct rf_tls_level_row *rf_tls_server_level(const struct rf_tls_server *s);

struct rf_tls_client_conf {
    enum rf_tls_level level;
    struct rf_span roots_pem;  /* trusted certificates; empty: the system's */
    struct rf_cert *cert;      /* shown when the server asks; NULL: none */
};

struct rf_tls_client;

RF_MUST_CHECK enum rf_err rf_tls_client_new(struct rf_tls_client **out, const struct rf_tls_client_conf *conf,
                                            const char **why);
struct rf_tls_client *rf_tls_client_ref(struct rf_tls_client *c);
void rf_tls_client_unref(struct rf_tls_client *c); /* NULL is fine */

/* --- for tls/conn.c --- */
SSL_CTX *rf_tls_server_ctx(const struct rf_tls_server *s);
SSL_CTX *rf_tls_client_ctx(const struct rf_tls_client *c);
const struct rf_tls_level_row *rf_tls_client_level(const struct rf_tls_client *c);
/** The context of the certificate for this name (SNI), the first one when there is none. */
SSL_CTX *rf_tls_server_ctx_for(const struct rf_tls_server *s, struct rf_span name);

#endif
