/*
 * flow/remote.h - flows of other workers
 *
 * A connection belongs to the worker that accepted it. When a call of another worker needs it, that worker makes
 * a remote flow: it looks like any flow, its sends travel as letters to the owner, and the news that it is gone
 * comes back as a letter. A UDP flow needs none of this: each worker has a socket with the same address, so it
 * uses rf_transport_udp.
 *
 * Letters are octets that the caller's mailboxes carry beside its own: `post` sends one, rf_remote_letter takes
 * one in. A letter is at most RF_REMOTE_LETTER_MAX octets.
 *
 * Threads: one of these a worker, used by that worker alone.
 */
#ifndef RF_FLOW_REMOTE_H
#define RF_FLOW_REMOTE_H

#include "flow/transport.h"

#define RF_REMOTE_LETTER_MAX (RF_SIP_MESSAGE_MAX + 24)

struct rf_remote_flows;

/* What another worker must know of a flow; plain data for a letter of the caller's. */
struct rf_flow_card {
    uint64_t id;
    enum rf_transport transport;
    struct rf_addr local, remote;
    char listener[sizeof((struct rf_flow *)0)->listener];
    uint64_t proven[RF_FLOW_PROVEN_MAX];
    struct rf_flow_facts facts;
};

struct rf_remote_conf {
    uint16_t worker;                   /* this one */
    struct rf_transport_layer *layer;  /* this worker's own flows */
    struct rf_wheel *wheel;
    const struct rf_rand *rand;
    /** Put a letter (the n parts one after another) into that worker's mailbox. RF_ERR_NOMEM: it is full. */
    enum rf_err (*post)(void *ctx, uint16_t worker, const struct rf_span *parts, size_t n);
    void *ctx;
};

RF_MUST_CHECK enum rf_err rf_remote_flows_new(struct rf_remote_flows **out, const struct rf_remote_conf *conf);
/** Before the layer. Remote flows that others hold stay valid, closed. NULL is fine. */
void rf_remote_flows_free(struct rf_remote_flows *r);

void rf_flow_card_fill(struct rf_flow_card *card, const struct rf_flow *f);

/**
 * The flow of a card: this worker's own, or a remote one. The reference is the caller's.
 * @return RF_ERR_CLOSED our own and gone; RF_ERR_NOMEM the owner's mailbox is full
 */
RF_MUST_CHECK enum rf_err rf_remote_flow(struct rf_remote_flows *r, const struct rf_flow_card *card,
                                         struct rf_flow **out);

/** A letter that another worker's `post` sent here. Broken letters are our own mistake. */
void rf_remote_letter(struct rf_remote_flows *r, struct rf_span letter, uint64_t now_us);

#endif
