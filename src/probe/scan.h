/*
 * probe/scan.h - the plan: what is asked of a peer, in which order, and what its answers mean
 *
 * A topic is a row of a table (scan.c): what it asks, what must be known before, how many connections it may take.
 * Topics of raw hellos are here: each gives its next hello and takes the answer, until it has no more questions.
 * Topics that need a whole handshake (resumption, OPTIONS, our levels) are conversations of probe/talk.h; the plan
 * says when their turn is.
 *
 * Threads: the caller locks. Pure: no socket, no clock. Memory: some 20 kB.
 */
#ifndef RF_PROBE_SCAN_H
#define RF_PROBE_SCAN_H

#include "probe/facts.h"
#include "probe/hello.h"

/* name, what must be done before (bits of topics), connections at most, is it a conversation, what it asks */
#define RF_PROBE_TOPICS(X)                                                                                     \
    X(FIRST, 0, 4, false, "does it answer at all")                                                             \
    X(SSL2, BIT(FIRST), 1, false, "a hello of SSL 2")                                                          \
    X(SSL3, BIT(FIRST), 51, false, "SSL 3 and its suites, one by one")                                         \
    X(TLS10, BIT(FIRST), 51, false, "TLS 1.0 and its suites, one by one")                                      \
    X(TLS11, BIT(FIRST), 51, false, "TLS 1.1 and its suites, one by one")                                      \
    X(TLS12, BIT(FIRST), 78, false, "TLS 1.2 and its suites, one by one")                                      \
    X(TLS13, BIT(FIRST), 16, false, "TLS 1.3 and its suites, one by one")                                      \
    X(TALK, BIT(FIRST), 1, true, "the newest version: certificates, OPTIONS or HEAD, how it closes")           \
    X(CHAINS, BIT(TALK), 2, true, "certificates with RSA keys and with ECDSA keys")                            \
    X(NO_NAME, BIT(TALK), 1, true, "no server name")                                                           \
    X(OTHER_NAME, BIT(TALK), 1, true, "a server name that is not its own")                                     \
    X(ALPN, BIT(TALK), 1, true, "the application protocol")                                                    \
    X(RESUME13, BIT(TALK), 2, true, "resumption with TLS 1.3")                                                 \
    X(RESUME12, BIT(TALK), 4, true, "resumption with TLS 1.2, by ticket and by session id")                    \
    X(RENEGOTIATE, BIT(TALK), 1, true, "renegotiation that the client asks for")                               \
    X(GROUPS13, BIT(TLS13), 26, false, "groups of TLS 1.3, one by one")                                        \
    X(GROUPS12, BIT(TLS12) | BIT(TLS11) | BIT(TLS10), 33, false, "groups of TLS 1.2 and below, one by one")    \
    X(ORDER13, BIT(TLS13), 3, false, "whose order of suites counts with TLS 1.3")                              \
    X(ORDER12, BIT(TLS12) | BIT(TLS11) | BIT(TLS10), 3, false, "whose order of suites counts below")           \
    X(DEFLATE, BIT(TLS12) | BIT(TLS11) | BIT(TLS10) | BIT(SSL3), 1, false, "compression")                      \
    X(FALLBACK, BIT(TLS13) | BIT(TLS12) | BIT(TLS11) | BIT(TLS10), 1, false, "a version rolled back (RFC 7507)")\
    X(LEVELS, BIT(TALK), RF_TLS_LEVEL_COUNT, true, "our own client, at each of its levels")                    \
    X(CAUSES, BIT(LEVELS) | BIT(TLS13) | BIT(TLS12) | BIT(TLS11) | BIT(TLS10), 10, false,                      \
      "why a handshake at the level asked for fails, cause by cause")

enum rf_probe_topic {
#define X(name, before, most, talks, text) RF_TOPIC_##name,
    RF_PROBE_TOPICS(X)
#undef X
    RF_TOPIC_COUNT
};

struct rf_probe_topic_row {
    const char *name, *text;
    uint32_t before;
    uint16_t most;
    bool talks;
};

const struct rf_probe_topic_row *rf_probe_topic_row(enum rf_probe_topic topic);
/** Connections that a whole probe makes at most, whatever the peer answers. */
unsigned rf_probe_connections_max(void);

/* What came of one raw hello. */
enum rf_probe_outcome {
    RF_OUTCOME_FLIGHT,  /* the peer answered: see the flight */
    RF_OUTCOME_CLOSED,  /* closed or reset without an alert */
    RF_OUTCOME_SILENT,  /* nothing (whole) came in time */
    RF_OUTCOME_NO_ROOM, /* it could not be connected to any more */
};

struct rf_probe_answer {
    enum rf_probe_outcome outcome;
    const struct rf_probe_flight *flight; /* NULL but for RF_OUTCOME_FLIGHT and, as far as it came, SILENT */
    const struct rf_probe_ssl2 *ssl2;     /* of RF_TOPIC_SSL2 */
};

struct rf_probe_topic_state {
    bool is_busy, is_done, was_repeated;
    uint8_t step, chunk;
    uint16_t offered_count;
    uint16_t offered[RF_PROBE_OFFER_MAX]; /* suites of the last hello */
    uint16_t asked;                       /* connections so far */
    uint16_t left_count;
    uint16_t left[RF_PROBE_OFFER_MAX];    /* suites or groups still to be asked about */
};

struct rf_probe_scan {
    struct rf_probe_facts facts;
    struct rf_probe_topic_state topic[RF_TOPIC_COUNT];
    bool is_ended;
};

/**
 * @param name   SNI: empty when the peer was given by address
 * @param level  whose failure is looked into (RF-108)
 */
void rf_probe_scan_init(struct rf_probe_scan *s, struct rf_span name, enum rf_tls_level level);

/* What the lists of a hello point into. */
struct rf_probe_lists {
    uint16_t versions[4], suites[RF_PROBE_OFFER_MAX], groups[64];
};

/**
 * A topic whose turn it is; it is busy until rf_probe_scan_take or rf_probe_scan_done.
 * @param hello  what to send, for topics of raw hellos but RF_TOPIC_SSL2; its lists are in `lists`
 * @return RF_ERR_AGAIN: others are busy, ask again when one is done; RF_ERR_NOT_FOUND: all is done
 */
RF_MUST_CHECK enum rf_err rf_probe_scan_next(struct rf_probe_scan *s, enum rf_probe_topic *topic,
                                             struct rf_probe_hello *hello, struct rf_probe_lists *lists);
/** The answer of a raw hello. */
void rf_probe_scan_take(struct rf_probe_scan *s, enum rf_probe_topic topic, const struct rf_probe_answer *a);
/** A conversation is over; it wrote its facts itself. @param connections  that it made */
void rf_probe_scan_done(struct rf_probe_scan *s, enum rf_probe_topic topic, unsigned connections);
/** No further questions: the time is up, or the peer is gone. */
void rf_probe_scan_end(struct rf_probe_scan *s);

#endif
