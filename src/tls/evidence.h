/*
 * tls/evidence.h - what happened in the last handshakes: a bounded ring per worker
 *
 * Of every handshake the outcome with version, suite, group, name, certificate and verdict; of a failed one also
 * what the client offered and the alert. Good and failed ones have rings of their own, so that a storm of
 * registrations does not push out the one failure that somebody looks for.
 *
 * Threads: one, that of its worker; others ask the worker for a copy. Memory: 1.2 kB each, failed ones 1.7 kB,
 * made once.
 */
#ifndef RF_TLS_EVIDENCE_H
#define RF_TLS_EVIDENCE_H

#include "cert/check.h"
#include "tls/failure.h"
#include "tls/hello.h"

/* A handshake. Plain data: copied into letters. */
struct rf_tls_event {
    uint64_t serial;              /* 1, 2, ... of this ring */
    int64_t wall_s;
    uint32_t took_us;             /* from the first octet to the end */
    struct rf_addr peer;          /* not set: a socket without addresses */
    char interface[24];
    bool we_are_server, is_done, is_resumed;
    uint16_t version, suite, group; /* negotiated; 0 not reached; group 0 for a resumed TLS 1.2 */
    rf_tls_level_set fits;        /* levels that would have taken this client; 0 when we are the client */
    char server_name[128];        /* SNI, clipped */
    /* the peer's certificate */
    bool was_asked, has_certificate, is_accepted;
    enum rf_check_level check_level;
    enum rf_check_rule first_failed; /* RF_CHECK_RULE_COUNT: none */
    uint8_t passes_level;         /* bit per enum rf_check_level */
    uint8_t sha256[32];           /* of the leaf; zero when none */
    char subject[128];
    int64_t not_after;
    /* failed ones */
    struct rf_tls_failure failure;
};

struct rf_tls_ring;

/**
 * @param good, failed  how many of each are kept; 1 or more
 * @return RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_tls_ring_new(struct rf_tls_ring **out, size_t good, size_t failed);
void rf_tls_ring_free(struct rf_tls_ring *r); /* NULL is fine */

/** The event is copied; its serial is set by the ring. A failed event takes the offer with it. */
void rf_tls_ring_add(struct rf_tls_ring *r, const struct rf_tls_event *e, const struct rf_tls_offer *offer);

/* How many were seen in all. */
uint64_t rf_tls_ring_count(const struct rf_tls_ring *r, bool failed);

/**
 * Copy events out, oldest first.
 * @param after   only those with a greater serial: 0 from the start
 * @param failed  the failed ones, or the good ones
 * @param offer   room for max offers, or NULL; only failed ones have any
 * @return how many were copied
 */
size_t rf_tls_ring_copy(const struct rf_tls_ring *r, uint64_t after, bool failed, struct rf_tls_event *out,
                        struct rf_tls_offer *offer, size_t max);

/**
 * As JSON object text: the fields of requirement logs (tls.protocol.version, tls.cipher, tls.curve...).
 * @param offer  NULL: without it
 */
void rf_tls_event_json(struct rf_buf *b, const struct rf_tls_event *e, const struct rf_tls_offer *offer);

#endif
