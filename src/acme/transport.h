/*
 * acme/transport.h - requests of the ACME client over HTTPS: libcurl in our event loop, names asked of our resolver
 *
 * libcurl would look names up in a thread of its own by the system's resolver, which opens sockets of families that the
 * sandbox does not allow and reads files that landlock hides. So names are looked up by net/dns.h and handed to it; it
 * makes no thread. Redirects are not followed, proxies of the environment are not used, the server's certificate is
 * checked for its name always.
 *
 * Threads: that of its loop. Memory: an answer of at most what the request allows, and some 100 kB a connection.
 */
#ifndef RF_ACME_TRANSPORT_H
#define RF_ACME_TRANSPORT_H

#include "acme/run.h"
#include "net/dns.h"

#define RF_ACME_REQUESTS_MAX 64 /* under way at one time */

struct rf_acme_transport;

/** Once per process, before the sandbox and before threads: libcurl reads its and OpenSSL's files. */
RF_MUST_CHECK enum rf_err rf_acme_transport_global(void);

struct rf_acme_transport_user {
    void *ctx;
    /** The answer, valid during the call; never from inside rf_acme_transport_send. */
    void (*answer)(void *ctx, uint64_t serial, const struct rf_acme_response *a, uint64_t now_us);
};

/** @param dns  stays the caller's */
RF_MUST_CHECK enum rf_err rf_acme_transport_new(struct rf_acme_transport **out, struct rf_loop *loop,
                                                struct rf_dns *dns, const struct rf_acme_transport_user *user);
/** Requests under way are dropped without an answer. NULL is fine. */
void rf_acme_transport_free(struct rf_acme_transport *t);

/**
 * Send a copy. A failure on the way is an answer with status 0.
 * @param ca_pem  trusted authorities; NULL: the system's
 * @return RF_ERR_NOMEM, also when RF_ACME_REQUESTS_MAX are under way; RF_ERR_SYNTAX not an https address
 */
RF_MUST_CHECK enum rf_err rf_acme_transport_send(struct rf_acme_transport *t, uint64_t serial, const char *ca_pem,
                                                 const struct rf_acme_request *request);
void rf_acme_transport_cancel(struct rf_acme_transport *t, uint64_t serial);

#endif
