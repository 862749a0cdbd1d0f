/*
 * tls/conn.h - one TLS connection over a non-blocking socket, and why its handshake failed
 *
 * Five causes hide behind one alert, and only the side that kept the ClientHello can name the right one. So the
 * hello's facts are kept until the handshake is done, and a failure is a refusal of base/refusal.h with the
 * values of its sentence.
 *
 * Threads: that of its context. Memory: 13.7 kB when idle, nearly all of it OpenSSL's.
 */
#ifndef RF_TLS_CONN_H
#define RF_TLS_CONN_H

#include <openssl/ssl.h>

#include "base/refusal.h"
#include "tls/context.h"

struct rf_tls_conn;

/* What a client offered. */
struct rf_tls_hello {
    int highest_version;      /* TLS1_2_VERSION ...; 0: no hello came */
    uint16_t suite_count;     /* without signalling values and GREASE */
    char first_suite[48];     /* its first choice that OpenSSL knows, "" none */
    bool shares_suite, shares_group; /* with the level of this interface */
    char server_name[256];    /* SNI; "" none */
};

struct rf_tls_failure {
    enum rf_refusal refusal;  /* RF_REFUSE_TLS_VERSION ... */
    char version[12], min[12];/* words of RF-101 */
    char reason[128];         /* word of RF-108 and RF-202 */
    int alert_sent, alert_received; /* RFC 8446 6; -1 none */
    struct rf_tls_hello hello;
};

struct rf_tls_facts {
    const char *version, *cipher, *group; /* constant strings; group may be "" (resumed TLS 1.2) */
    bool resumed;
};

/** Our side is the server. The socket stays the caller's. The connection keeps the context alive. */
RF_MUST_CHECK enum rf_err rf_tls_conn_accept(struct rf_tls_conn **out, struct rf_tls_server *s, int fd);

/**
 * Our side is the client.
 * @param host    the name (SNI) or address in text form for which the server's certificate must be
 * @param resume  a session of rf_tls_conn_session, or NULL
 */
RF_MUST_CHECK enum rf_err rf_tls_conn_connect(struct rf_tls_conn **out, struct rf_tls_client *c, int fd,
                                              struct rf_span host, SSL_SESSION *resume);
void rf_tls_conn_free(struct rf_tls_conn *c); /* NULL is fine */

/** RF_OK when done; RF_ERR_AGAIN wait (rf_tls_conn_wants_write); RF_ERR_CRYPTO failed: rf_tls_conn_failure. */
RF_MUST_CHECK enum rf_err rf_tls_conn_handshake(struct rf_tls_conn *c);
/** What the last RF_ERR_AGAIN waits for: writable instead of readable. */
bool rf_tls_conn_wants_write(const struct rf_tls_conn *c);
/** Why the handshake failed. */
void rf_tls_conn_failure(const struct rf_tls_conn *c, struct rf_tls_failure *out);
/** After the handshake. */
void rf_tls_conn_facts(const struct rf_tls_conn *c, struct rf_tls_facts *out);
/** What OpenSSL thinks of the peer's certificate: X509_V_OK or another X509_V_ERR_*. */
long rf_tls_conn_verify_result(const struct rf_tls_conn *c);

/**
 * @param cap  16384 or more takes a whole record at once
 * @return RF_ERR_AGAIN; RF_ERR_CLOSED closed properly or not at all; RF_ERR_CRYPTO broken
 */
RF_MUST_CHECK enum rf_err rf_tls_conn_read(struct rf_tls_conn *c, void *p, size_t cap, size_t *n);
/** Octets read from the socket wait inside: read on, epoll does not know of them. */
bool rf_tls_conn_has_pending(const struct rf_tls_conn *c);
/** Some of it is taken. After RF_ERR_AGAIN call again with the same octets (they may have moved, and grown). */
RF_MUST_CHECK enum rf_err rf_tls_conn_write(struct rf_tls_conn *c, struct rf_span octets, size_t *n);
/** Send close_notify, if it can be sent at once. */
void rf_tls_conn_close(struct rf_tls_conn *c);

/** A session for resumption (client side, after something was read for TLS 1.3); free with SSL_SESSION_free. */
SSL_SESSION *rf_tls_conn_session(struct rf_tls_conn *c);

/** "unknown_ca" of an alert number, and what it means in words. */
const char *rf_tls_alert_name(int alert);

/** Count and log it (RF_REFUSE) with the peer's address and the facts. */
void rf_tls_failure_refuse(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener);

/* For tls/context.c: the callbacks of every context. */
void rf_tls_conn_hook(SSL_CTX *ctx);

#endif
