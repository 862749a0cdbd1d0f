/*
 * txn/txn.h - transactions of one worker (RFC 3261 17, RFC 6026, RFC 3581, RFC 4320)
 *
 * All four machines, as tables. A server transaction stands for a request we received: it swallows
 * retransmissions and repeats our last response. A client transaction stands for a request we sent: it
 * retransmits on UDP, and gives up with a 408 of its own. The layer above is told through callbacks.
 *
 * No socket and no clock: messages go out by flows (flow/flow.h), timers run in the wheel it is given.
 * Threads: one worker. A callback is the last thing a function does, so it may end the transaction's owner.
 */
#ifndef RF_TXN_TXN_H
#define RF_TXN_TXN_H

#include "base/rand.h"
#include "flow/flow.h"
#include "loop/wheel.h"
#include "sip/msg.h"
#include "sip/write.h"

struct rf_txn_layer;
struct rf_server_txn;
struct rf_client_txn;

struct rf_txn_limits {
    uint32_t server_max, client_max; /* transactions at once; above: 503 with Retry-After / RF_ERR_NOMEM */
    uint64_t t1_us, t2_us, t4_us;    /* 500 ms, 4 s, 5 s; tests with sockets may set them shorter */
};

/* The layer above: the transaction user. */
struct rf_txn_user {
    void *ctx;
    /**
     * A request that started a transaction (never ACK, never a retransmission). The user answers it with
     * rf_server_txn_respond, now or later. msg is valid during the call.
     */
    void (*request)(void *ctx, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us);
    /** An ACK that belongs to no transaction, or to an accepted INVITE (for a 2xx): the dialog's business. */
    void (*ack)(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us);
    /** A response that belongs to no transaction (a late or stray one; a 2xx after timer M), or a 2xx to an INVITE
     * whose owner is gone. */
    void (*stray_response)(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us);
    /** May be NULL. The first ACK for a 3xx-6xx of ours: its transaction took it, the user need not do anything. */
    void (*refusal_acked)(void *ctx, const struct rf_sip_msg *msg, uint64_t now_us);
};

/** No transaction yet. wheel and what user points to must stay as long; rand, limits and user are copied. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_txn_layer_new(struct rf_txn_layer **out, struct rf_wheel *wheel,
                                           const struct rf_rand *rand, const struct rf_txn_limits *limits,
                                           const struct rf_txn_user *user);
/** Ends every transaction without a word. NULL is fine. */
void rf_txn_layer_free(struct rf_txn_layer *l);

/** Has a transaction of ours seen this request already, or is it a CANCEL for one? */
bool rf_txn_knows(struct rf_txn_layer *l, const struct rf_sip_msg *msg);

/**
 * A message that parsed came in by `flow`. Matches a transaction or tells the user. Merged requests are
 * answered 482 (RFC 3261 8.2.2.2); when the pool is full a request is answered 503 with Retry-After.
 */
void rf_txn_received(struct rf_txn_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us);

/* --- server side --- */

/** What the transaction's owner hears. Set right after it took the request; cleared with NULL. */
struct rf_server_txn_events {
    /** CANCEL came and was answered 200 (or 481); INVITE only, before a final response. */
    void (*cancelled)(void *owner, uint64_t now_us);
    /** No ACK came for our 3xx-6xx (timer H), or the flow is gone. The transaction ends by itself. */
    void (*failed)(void *owner, uint64_t now_us);
    /** It ended (after its last timer). The pointer is invalid after this call. */
    void (*ended)(void *owner);
    /** May be NULL. The transaction has sent 100 by itself, because there was no response yet. */
    void (*trying)(void *owner, uint64_t now_us);
};
void rf_server_txn_own(struct rf_server_txn *txn, const struct rf_server_txn_events *events, void *owner);

/**
 * Send a response (whole message, made with rf_sip_put_response from the request). The octets are copied for
 * retransmission. A 2xx to INVITE is retransmitted by the dialog (RFC 3261 13.3.1.4), not here: give it again.
 * A second final response to anything else is dropped. `ended` is never called from within.
 * @param status  of the message
 */
void rf_server_txn_respond(struct rf_server_txn *txn, int status, struct rf_span message, uint64_t now_us);

/** Send the last response once more, octet for octet: a 2xx to INVITE until its ACK comes. */
void rf_server_txn_repeat(struct rf_server_txn *txn);

/**
 * The ACK for its 2xx came: request and response are needed no more, and would lie idle for the 32 s of timer L. Neither
 * rf_server_txn_request nor rf_server_txn_repeat is for it from now on.
 */
void rf_server_txn_acked(struct rf_server_txn *txn);

/**
 * The request, parsed from the transaction's own copy. INVITE: valid until rf_server_txn_acked. Others: until the
 * next message comes in after the final response was given (32 s of timer J for each REGISTER would cost 1 kB each).
 */
const struct rf_sip_msg *rf_server_txn_request(const struct rf_server_txn *txn);
struct rf_flow *rf_server_txn_flow(const struct rf_server_txn *txn); /* not a new reference */
/** The To tag that responses of this transaction use: one random tag made with it. */
struct rf_span rf_server_txn_to_tag(const struct rf_server_txn *txn);

/** Another worker goes on with its request: it ends without a word, and `ended` is not called. Not from a callback. */
void rf_server_txn_forget(struct rf_server_txn *txn);

/** Convenience: a response with no body and the extra header lines (each with CRLF; may be empty). */
void rf_server_txn_reply(struct rf_server_txn *txn, int status, const char *reason, struct rf_span extra_headers,
                         uint64_t now_us);

/* --- client side --- */

struct rf_client_txn_events {
    /** Each response, 1xx to 6xx; for INVITE also repeated and forked 2xx until timer M. */
    void (*response)(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us);
    /** Timeout (timer B, F) or the flow is gone: as if 408 (RF_ERR_TIMEOUT) or 503 (RF_ERR_CLOSED) had come. */
    void (*failed)(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us);
    /** It ended; the pointer is invalid after this call. */
    void (*ended)(void *owner, struct rf_client_txn *txn);
};

/** "z9hG4bK..." for a new request's top Via: unguessable, unique. At most 48 octets and a NUL. */
void rf_txn_branch(struct rf_txn_layer *l, char branch[static 49]);

/**
 * Send a request and follow it. The message is whole and its top Via bears `branch`; for ACK use rf_flow_send.
 * @return RF_ERR_NOMEM pool full; RF_ERR_CLOSED the flow is gone; nothing was started then
 */
RF_MUST_CHECK enum rf_err rf_client_txn_new(struct rf_client_txn **out, struct rf_txn_layer *l,
                                            struct rf_flow *flow, enum rf_sip_method method,
                                            struct rf_span branch, struct rf_span message,
                                            const struct rf_client_txn_events *events, void *owner,
                                            uint64_t now_us);
/** CANCEL an INVITE (RFC 3261 9.1): sent at once, or after the first 1xx. Extra header lines, e.g. Reason. */
void rf_client_txn_cancel(struct rf_client_txn *txn, struct rf_span extra_headers, uint64_t now_us);
/** The owner goes away; the transaction finishes its machine alone. A 2xx to INVITE is a stray one from now on. */
void rf_client_txn_disown(struct rf_client_txn *txn);
/** By which it was sent; not a new reference. It may be closed. */
struct rf_flow *rf_client_txn_flow(const struct rf_client_txn *txn);

/* --- numbers --- */
struct rf_txn_counts {
    uint32_t servers, clients;              /* now */
    uint64_t retransmits_in, retransmits_out, timeouts, refused_full, merged;
};
struct rf_txn_counts rf_txn_counts(const struct rf_txn_layer *l);

#endif
