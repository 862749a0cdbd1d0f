/*
 * flow/flow.h - a path by which a peer can be reached again (RFC 5626)
 *
 * A flow is a connection, or a UDP address behind one of our sockets. Requests for a phone that came in by TLS
 * leave on that very connection: bindings and dialogs keep a flow, not an address. Transactions and calls know
 * flows only through this header, so a play can hand them flows of its own.
 *
 * A connection belongs to the worker that accepted it. A worker that needs a flow of another worker uses a
 * remote flow (rf_flow_ops of flow/remote.c): same header, its `send` posts the octets to the owner's mailbox.
 *
 * Threads: a flow object is used by one worker only. Memory: counted references; the last unref frees it.
 */
#ifndef RF_FLOW_FLOW_H
#define RF_FLOW_FLOW_H

#include "base/addr.h"
#include "base/list.h"

enum rf_transport { RF_UDP, RF_TCP, RF_TLS, RF_WS, RF_WSS, RF_TRANSPORT_COUNT };

/** "UDP", "TCP", "TLS", "WS", "WSS": as in Via. */
const char *rf_transport_name(enum rf_transport t);
static inline bool
rf_transport_is_reliable(enum rf_transport t)
{
    return t != RF_UDP;
}
static inline bool
rf_transport_is_secure(enum rf_transport t)
{
    return t == RF_TLS || t == RF_WSS;
}

/* What a call record says of the signalling path; plain data. */
struct rf_flow_facts {
    char tls_version[8];  /* "1.3"; empty: no TLS */
    char tls_cipher[48];  /* "TLS_AES_256_GCM_SHA384" */
    char tls_group[24];   /* "X25519" */
    bool tls_resumed;
    char tls_peer[80];    /* subject of the certificate that the peer showed, clipped; empty: none */
    uint8_t tls_peer_sha256[32];
    uint16_t tls_fits;    /* rf_tls_level_set: levels that would take what the peer offered; 0: not known */
    int64_t tls_noted_s;  /* its user wrote it down then */
    int64_t since_wall_s; /* when the connection was made */
};

struct rf_flow;

struct rf_flow_ops {
    /** Send one whole message. RF_ERR_CLOSED the path is gone; RF_ERR_NOMEM its queue is full (peer does not
     *  read); RF_ERR_RANGE too large for a datagram. */
    enum rf_err (*send)(struct rf_flow *f, struct rf_span message);
    /** Close it as soon as what was sent is out (a UDP flow does nothing). */
    void (*close)(struct rf_flow *f);
    void (*free)(struct rf_flow *f);
};

/* Someone who wants to know that the path is gone. Lies inside its owner; removed by rf_flow_unwatch. */
struct rf_flow_watch {
    struct rf_link link;
    void (*gone)(struct rf_flow_watch *w, uint64_t now_us);
};

/* SIP connections with one certificate, which the number that is called tells apart: 256 octets of a letter */
#define RF_FLOW_PROVEN_MAX 32

/**
 * "The peer's certificate passed all checks of this SIP connection and speaks for its host", in 64 bits that are never 0:
 * a connection that a reload gave another host is not proven by it. Not secret, the same in every process run; letter
 * case of the host does not count.
 */
uint64_t rf_flow_proof(struct rf_span connection, struct rf_span host);

struct rf_flow {
    const struct rf_flow_ops *ops;
    uint32_t refs;
    enum rf_transport transport;
    uint64_t id;             /* unique in this process run: worker << 48 | number; also for UDP */
    uint16_t worker;         /* its owner */
    bool is_closed;          /* sends fail from now on */
    struct rf_addr local, remote;
    char listener[24];       /* interface it came by: "sip-phones", "sip-trunks" */
    /* By the peer's verified certificate: RF_FLOW_PROVEN_MAX places of rf_flow_proof, from the first on, then 0; freed with
     * the flow. NULL: none, as with every phone. */
    uint64_t *proven;
    uint32_t proven_by;      /* which configuration judged that: its owner's count of them */
    uint16_t peer_refusal;   /* enum rf_refusal: its requests are answered 403 with this; 0: they are handled */
    struct rf_flow_facts facts;
    struct rf_link watches;  /* rf_flow_watch */
};

struct rf_flow *rf_flow_ref(struct rf_flow *f);
/** NULL is fine. */
void rf_flow_unref(struct rf_flow *f);

static inline enum rf_err
rf_flow_send(struct rf_flow *f, struct rf_span message)
{
    return f->is_closed ? RF_ERR_CLOSED : f->ops->send(f, message);
}

static inline void
rf_flow_close(struct rf_flow *f)
{
    if (!f->is_closed)
        f->ops->close(f);
}

void rf_flow_watch(struct rf_flow *f, struct rf_flow_watch *w);
void rf_flow_unwatch(struct rf_flow_watch *w); /* fine when it watches nothing */
/** For implementers: mark it closed and tell the watchers, each once. */
void rf_flow_gone(struct rf_flow *f, uint64_t now_us);
/** For implementers: set the common members; one reference. */
void rf_flow_init(struct rf_flow *f, const struct rf_flow_ops *ops, enum rf_transport transport, uint64_t id);

#endif
