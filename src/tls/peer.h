/*
 * tls/peer.h - inside tls: the certificate chain that a peer showed, kept small, and its judgement
 *
 * OpenSSL's parsed certificates take some 5 kB each; what is kept here is their DER, and they are parsed again
 * the few times that somebody asks. A chain travels in the ticket of its session too, so that a resumed
 * connection is judged by today's store and clock and not by those of the day it was first let in.
 *
 * Threads: that of the connection.
 */
#ifndef RF_TLS_PEER_H
#define RF_TLS_PEER_H

#include <openssl/ssl.h>

#include "tls/conn.h"
#include "tls/why.h"

/* Chains in a ticket: larger ones are not resumed, because a ticket must fit its extension (RFC 8446 4.6.1). */
#define RF_TLS_TICKET_CHAIN_MAX 12288

/* One allocation: facts, then the certificates behind each other. */
struct rf_tls_kept {
    struct rf_tls_peer peer;
    uint32_t count, sent;             /* kept; and how many it showed, some of which may be left out */
    uint32_t end[RF_CHECK_CHAIN_MAX]; /* certificate i is [end[i - 1], end[i]) */
    char der[];
};

/** Of certificates, leaf first; those beyond RF_CHECK_CHAIN_MAX are left out. NULL: out of memory, or too long. */
struct rf_tls_kept *rf_tls_kept_new(STACK_OF(X509) *chain);
/** As written by rf_tls_kept_put. NULL when it is not that. */
struct rf_tls_kept *rf_tls_kept_parse(struct rf_span octets);
/** Into a ticket; b->overflow when it does not fit. */
void rf_tls_kept_put(const struct rf_tls_kept *k, struct rf_buf *b);
struct rf_span rf_tls_kept_der(const struct rf_tls_kept *k, size_t i);

/* References and copies of a check. */
RF_MUST_CHECK enum rf_err rf_tls_check_copy(struct rf_tls_check *to, const struct rf_tls_check *from);
void rf_tls_check_fini(struct rf_tls_check *c);

/* Who is asked about, beside the check. */
struct rf_tls_question {
    bool peer_is_server;
    struct rf_span target;  /* empty, and no source: a remote level is judged without its names */
    const struct rf_addr *source;
    struct rf_span stapled; /* the server's answer of its authority, in the handshake; or empty */
    bool staple_is_due;     /* cert/check.h */
    bool ocsp_later;        /* that one is still to come: the question is asked again then */
};

/** Judge kept certificates. Errors as rf_check_peer. */
RF_MUST_CHECK enum rf_err rf_tls_judge(const struct rf_tls_check *check, const struct rf_tls_question *q,
                                       const struct rf_tls_kept *k, struct rf_check_report *report);

/**
 * The same in the handshake: fills k->peer, and *verdict when it is not accepted.
 * @return an X509_V_* code whose alert is that of the failed rule; X509_V_OK accepted
 */
int rf_tls_judge_now(const struct rf_tls_check *check, const struct rf_tls_question *q, struct rf_tls_kept *k,
                     struct rf_tls_verdict *verdict);

/** A digest of settings: tickets and sessions made under others are not taken. */
void rf_tls_check_digest(const struct rf_tls_check *check, const char *interface, enum rf_tls_level level,
                         enum rf_tls_ask ask, uint8_t out[static 32]);

#endif
