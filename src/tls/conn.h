/*
 * tls/conn.h - one TLS connection over a non-blocking socket, and why its handshake failed
 *
 * Five causes hide behind one alert, and only the side that kept the ClientHello can name the right one. So the
 * hello's facts are kept until the handshake is done, and a failure is a refusal of base/refusal.h with the
 * values of its sentence.
 *
 * Threads: that of its context. Memory: 13.7 kB when idle, nearly all of it OpenSSL's; a peer that showed a
 * certificate costs its chain (some 2 kB a certificate) beside.
 */
#ifndef RF_TLS_CONN_H
#define RF_TLS_CONN_H

#include <openssl/ssl.h>

#include "tls/context.h"

struct rf_tls_conn;

struct rf_tls_facts {
    const char *version, *cipher, *group; /* constant strings; group may be "" (resumed TLS 1.2) */
    bool resumed;
    rf_tls_level_set fits; /* levels that would have taken this client; 0 when we are the client */
    bool asks_certificate; /* we are the client, and the server asked for a certificate of ours */
};

/* The peer's certificate as it was judged in the handshake. */
struct rf_tls_peer {
    bool was_asked;              /* a server always shows one; a client only when asked */
    bool has_shown;
    bool is_accepted;            /* by the level of the context; false, too, when one is required and none came */
    bool needs_target;           /* a remote level, and the name is not judged yet: rf_tls_conn_judge */
    enum rf_check_level level;   /* the one in force */
    enum rf_check_rule first_failed; /* RF_CHECK_RULE_COUNT: none */
    enum rf_refusal refusal;     /* RF_REFUSE_NONE when accepted */
    uint8_t passes_level;        /* bit per level; without names at a server */
    uint8_t sha256[32];          /* of the leaf: who it is, for flows and logs */
    int64_t not_after;
};

/** Our side is the server. The socket stays the caller's. The connection keeps the context alive. */
RF_MUST_CHECK enum rf_err rf_tls_conn_accept(struct rf_tls_conn **out, struct rf_tls_server *s, int fd);

/**
 * Our side is the client.
 * @param host    the name (SNI) or address in text form for which the server's certificate must be
 * @param resume  a session of rf_tls_conn_session, or NULL; one of other settings or another host is not used
 */
RF_MUST_CHECK enum rf_err rf_tls_conn_connect(struct rf_tls_conn **out, struct rf_tls_client *c, int fd,
                                              struct rf_span host, SSL_SESSION *resume);
void rf_tls_conn_free(struct rf_tls_conn *c); /* NULL is fine */

/** RF_OK when done; RF_ERR_AGAIN wait (rf_tls_conn_wants_write); RF_ERR_CRYPTO failed: rf_tls_conn_failure. */
RF_MUST_CHECK enum rf_err rf_tls_conn_handshake(struct rf_tls_conn *c);
/** What the last RF_ERR_AGAIN waits for: writable instead of readable. */
bool rf_tls_conn_wants_write(const struct rf_tls_conn *c);
/*
 * A peer whose authority has not answered yet (security.ocsp hard) is refused, unless its connection may be held: the
 * handshake goes on to its end, and then rf_tls_conn_handshake says RF_ERR_AGAIN until the answer is there, or for
 * RF_TLS_HELD_MAX_US. Nothing that the peer sent is read meanwhile. No event of the socket ends that: the owner calls
 * again every RF_TLS_HELD_US while rf_tls_conn_is_held. OpenSSL 3.0 cannot stop a server's handshake before its end.
 *
 * Who is refused after that gets close_notify (RFC 8446 6.1) and not the alert of its fault: for the peer the handshake
 * is over, and OpenSSL has no call that sends an alert of our choice then. SSL_set_retry_verify would stop a client's
 * handshake in time, but not for the answer that TLS 1.2 sends behind the chain, and no server's. Our log has the code.
 */
#define RF_TLS_HELD_US     20000   /* a judgement takes 0.3 ms; responders answer in some 100 ms */
#define RF_TLS_HELD_MAX_US 3000000 /* below the 4 s for which a target is tried, and the 10 s of a handshake */

/** Before the handshake. */
void rf_tls_conn_may_hold(struct rf_tls_conn *c);
bool rf_tls_conn_is_held(const struct rf_tls_conn *c);
/** Why the handshake failed. */
void rf_tls_conn_failure(const struct rf_tls_conn *c, struct rf_tls_failure *out);
/** A handshake that ended before there was a connection here, for the metrics; all others count themselves. */
void rf_tls_count_lost(const char *interface, enum rf_refusal why);
/** The owner gives up waiting for it: noted as a failure with this reason (the connection may then be freed). */
void rf_tls_conn_give_up(struct rf_tls_conn *c, const char *reason);
/** After the handshake; after one that failed, as far as it came. */
void rf_tls_conn_facts(const struct rf_tls_conn *c, struct rf_tls_facts *out);

/**
 * We are the client: the i-th authority of which the server wants a certificate (RFC 8446 4.2.4), as "CN=..., O=...".
 * @return false: it named no more
 */
bool rf_tls_conn_wanted_authority(const struct rf_tls_conn *c, size_t i, char *to, size_t size);

/* --- the peer's certificate, after the handshake --- */

/** NULL when none was asked for. Lives as long as the connection. */
const struct rf_tls_peer *rf_tls_conn_peer(const struct rf_tls_conn *c);
/**
 * Judge the peer's chain anew: with a name that was not known in the handshake, or by other settings.
 * @param check   NULL: those of the context. Whether it is enforced is the caller's business here.
 * @param target  host name, SIP domain or address in text form; empty: without a name
 * @param source  of the peer: an IP SAN counts when there is no target; or NULL
 * @return RF_OK: the report says yes or no, also when no certificate was shown; RF_ERR_NOMEM, RF_ERR_SYNTAX:
 *         refuse
 */
RF_MUST_CHECK enum rf_err rf_tls_conn_judge(const struct rf_tls_conn *c, const struct rf_tls_check *check,
                                            struct rf_span target, const struct rf_addr *source,
                                            struct rf_check_report *report);
/** How many certificates it showed (and we kept), leaf first; each in DER, valid while the connection lives. */
size_t rf_tls_conn_chain_count(const struct rf_tls_conn *c);
struct rf_span rf_tls_conn_chain(const struct rf_tls_conn *c, size_t i);
/** Facts of its leaf: names, fingerprint. RF_ERR_NOT_FOUND it showed none. */
RF_MUST_CHECK enum rf_err rf_tls_conn_peer_facts(const struct rf_tls_conn *c, struct rf_cert_facts *out);

/* --- use --- */

/**
 * @param cap  16384 or more takes a whole record at once
 * @return RF_ERR_AGAIN; RF_ERR_CLOSED closed properly or not at all; RF_ERR_CRYPTO broken
 */
RF_MUST_CHECK enum rf_err rf_tls_conn_read(struct rf_tls_conn *c, void *p, size_t cap, size_t *n);
/**
 * After RF_ERR_CRYPTO of a read: the peer ended it with an alert; rf_tls_conn_failure says why. In TLS 1.3 a
 * server refuses our certificate only when we believe that the handshake is done.
 */
bool rf_tls_conn_was_refused(const struct rf_tls_conn *c);
/** Octets read from the socket wait inside: read on, epoll does not know of them. */
bool rf_tls_conn_has_pending(const struct rf_tls_conn *c);
/** Some of it is taken. After RF_ERR_AGAIN call again with the same octets (they may have moved, and grown). */
RF_MUST_CHECK enum rf_err rf_tls_conn_write(struct rf_tls_conn *c, struct rf_span octets, size_t *n);
/** Send close_notify, if it can be sent at once. */
void rf_tls_conn_close(struct rf_tls_conn *c);

/** A session for resumption (client side, after something was read for TLS 1.3); free with SSL_SESSION_free. */
SSL_SESSION *rf_tls_conn_session(struct rf_tls_conn *c);

/* For tls/context.c: the callbacks of every context. For tls/strength.c: what a server's parameters had. */
void rf_tls_conn_hook(SSL_CTX *ctx, bool is_server, bool asks);
/* Of a client's context: ask servers for the answer of their authority, and judge them with it. False: OpenSSL cannot. */
bool rf_tls_conn_hook_status(SSL_CTX *ctx);
void rf_tls_conn_saw_small_dh(const SSL *ssl, EVP_PKEY *key);

/** The handshake was a look of an ACME authority (rf_tls_server_set_challenge): close, nothing else may follow. */
bool rf_tls_conn_is_challenge(const struct rf_tls_conn *c);

#endif
