/*
 * tls/inside.h - inside tls: a connection's state, shared by conn.c and shake.c
 */
#ifndef RF_TLS_INSIDE_H
#define RF_TLS_INSIDE_H

#include "base/tally.h"
#include "tls/conn.h"
#include "tls/peer.h"
#include "tls/why.h"

/* While a handshake lasts, and after one that failed. Freed when it is done: an idle phone must cost little. */
struct rf_tls_shake {
    struct rf_tls_offer offer;
    bool has_offer, cert_was_wanted;
    struct rf_tls_verdict verdict; /* refusal is set when the peer's certificate was refused */
    struct rf_addr peer;           /* for the ring; asked early, because a reset socket does not know it */
    uint64_t began_us;
    uint64_t held_us;              /* since when it is held */
    uint16_t dh_bits;
    char host[256];                /* we are the client: whom we want to reach */
    char gave_up[96];              /* "" no */
};

struct rf_tls_conn {
    SSL *ssl;
    struct rf_tls_server *server;  /* one of the two */
    struct rf_tls_client *client;
    struct rf_tls_shake *shake;    /* NULL when the handshake is done */
    struct rf_tls_kept *kept;      /* the peer's certificate; NULL: none asked for, or the handshake lasts */
    int16_t alert_sent, alert_received;
    rf_tls_level_set fits;         /* of the offer, which is freed when the handshake is done */
    int16_t failed_reason;         /* ERR_GET_REASON of what ended it */
    bool wants_write, is_done, saw_eof, is_challenge;
    bool is_asked;                 /* we are the client: for a certificate */
    bool may_hold, is_held;        /* rf_tls_conn_may_hold */
    bool has_failed;               /* and is noted */
    rf_cell *open_cell;            /* of the gauge that it is counted in; NULL: none */
};

struct rf_tls_side *rf_tls_conn_side(const struct rf_tls_conn *c);

/* shake.c: zeroed; NULL out of memory. */
struct rf_tls_shake *rf_tls_shake_new(struct rf_tls_side *side);

/* shake.c: a socket's other end; not set when it has no address. */
struct rf_addr rf_tls_peer_address(int fd);
/* shake.c: it is done but for the peer's authority. RF_OK, RF_ERR_AGAIN, RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_tls_shake_hold(struct rf_tls_conn *c);
/* shake.c: the handshake is over, one way or the other. */
void rf_tls_shake_done(struct rf_tls_conn *c);
void rf_tls_shake_failed(struct rf_tls_conn *c);
void rf_tls_shake_free(struct rf_tls_conn *c);
/** A session offered for resumption: may it be, by today's check? */
bool rf_tls_shake_may_resume(struct rf_tls_conn *c, SSL_SESSION *session);

/* count.c: it is done, or it failed. @param took_us  from its first octet */
void rf_tls_count_done(struct rf_tls_conn *c, uint64_t took_us);
void rf_tls_count_failed(const struct rf_tls_conn *c, const struct rf_tls_failure *f);

#endif
