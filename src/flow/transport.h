/*
 * flow/transport.h - the transport layer of one worker (RFC 3261 18): listeners, connections, datagrams
 *
 * Takes inherited sockets, accepts, shakes hands, cuts streams into messages and hands them up with the flow
 * they came by. Hands flows down: of a connection that is there, of a new one, of a UDP address. It knows
 * framing and keep-alive, nothing else of SIP.
 *
 * Callbacks come from the loop only, never from inside a call of this header or of rf_flow_send and
 * rf_flow_close; so does the news that a flow is gone.
 *
 * Threads: one worker. Memory: an idle connection is about 0.6 kB, and 13.7 kB of OpenSSL with TLS; buffers exist
 * only while something is in them.
 */
#ifndef RF_FLOW_TRANSPORT_H
#define RF_FLOW_TRANSPORT_H

#include "base/quota.h"
#include "base/rand.h"
#include "base/refusal.h"
#include "flow/flow.h"
#include "loop/loop.h"
#include "sip/msg.h"
#include "tls/conn.h"

struct rf_transport_layer;

/* Connections are those of all layers that share a quota; other counts are a worker's. 0 of a time means never. */
struct rf_transport_limits {
    uint32_t connections_max;       /* above: closed at once */
    uint32_t per_source_max;        /* connections of one IPv4 address or IPv6 /64; 0: no limit */
    bool loopback_is_exempt;        /* of per_source_max */
    uint32_t udp_flows_max;         /* UDP addresses remembered; those that somebody holds stay */
    uint32_t write_max;             /* octets queued to a peer that does not read; then RF_ERR_NOMEM */
    uint64_t connect_us;            /* outbound: TCP's connect */
    uint64_t handshake_us;          /* TLS */
    uint64_t half_message_us;       /* a message that began must be whole by then */
    uint64_t stall_us;              /* octets are queued and the peer takes none */
    uint64_t idle_us;               /* nothing came or went */
    uint64_t unused_us;             /* as idle_us, for one that nobody depends on (rf_flow_watch); 0: idle_us */
};

/* Idle: a phone that neither registers nor pings for 70 minutes (registrations last an hour) is gone. */
#define RF_TRANSPORT_LIMITS                                                                                   \
    {                                                                                                         \
        .connections_max = 20000, .per_source_max = 2000, .loopback_is_exempt = true, .udp_flows_max = 65536, \
        .write_max = 256u << 10, .connect_us = 10 * RF_S, .handshake_us = 10 * RF_S,                          \
        .half_message_us = 30 * RF_S, .stall_us = 32 * RF_S, .idle_us = 4200 * RF_S                           \
    }

/* Who uses the layer. Each member but `message` may be NULL. */
struct rf_transport_user {
    void *ctx;
    /** One whole message, not parsed: a datagram, or what rf_sip_frame cut. Valid during the call. */
    void (*message)(void *ctx, struct rf_flow *flow, struct rf_span octets, uint64_t now_us);
    /**
     * A stream that cannot be cut into messages. `head` is what can be parsed for an answer, when
     * problem->status is not 0; the answer is sent, then the connection closed.
     */
    void (*broken)(void *ctx, struct rf_flow *flow, struct rf_span head, const struct rf_sip_problem *problem,
                   uint64_t now_us);
    /** A STUN message on a SIP port (RFC 5626 4.4.2); dropped when NULL. */
    void (*stun)(void *ctx, struct rf_flow *flow, struct rf_span octets, uint64_t now_us);
    /** May this source connect (flow/guard.h)? false: closed at once, before any handshake. */
    bool (*admit)(void *ctx, const struct rf_addr *source, enum rf_transport t, uint64_t now_us);
    /** A connection is ready: accepted, or our connect is through; after the TLS handshake. */
    void (*opened)(void *ctx, struct rf_flow *flow, uint64_t now_us);
    /** A TLS handshake failed; logged already. For the list of failed handshakes. */
    void (*tls_failed)(void *ctx, const struct rf_flow *flow, const struct rf_tls_failure *f, uint64_t now_us);
    /** Refused, and this is its log line and count; `who` is the party, for folding repeats. NULL: logged here, at most
     *  ten a second. */
    void (*refuse)(void *ctx, enum rf_refusal why, const struct rf_addr *who, const struct rf_log_field *fields,
                   uint64_t now_us);
    /** Connections of sources and of all, shared with the other workers' layers; NULL: of this layer alone. */
    struct rf_quota *connections;
};

RF_MUST_CHECK enum rf_err rf_transport_layer_new(struct rf_transport_layer **out, struct rf_loop *loop,
                                                 uint16_t worker, const struct rf_transport_limits *limits,
                                                 const struct rf_transport_user *user,
                                                 const struct rf_rand *rand);
/** Closes everything; flows that others hold stay valid, closed. NULL is fine. */
void rf_transport_layer_free(struct rf_transport_layer *l);

struct rf_listener_conf {
    const char *name;           /* interface: "sip-phones"; shown in flows and log lines */
    enum rf_transport transport;
    int fd;                     /* bound, for streams listening; moves here on RF_OK */
    struct rf_tls_server *tls;  /* RF_TLS: a reference is taken */
    uint32_t id;                /* for rf_transport_unlisten */
};

RF_MUST_CHECK enum rf_err rf_transport_listen(struct rf_transport_layer *l, const struct rf_listener_conf *conf);
/** New TLS connections of this interface use `tls`; those that are there keep what they have. */
void rf_transport_set_tls(struct rf_transport_layer *l, const char *name, struct rf_tls_server *tls);
/** New limits after a reload; connections that are there stay. */
void rf_transport_set_limits(struct rf_transport_layer *l, const struct rf_transport_limits *limits);
/**
 * Close this listener. A stream's connections live on, also those that wait to be accepted; UDP flows behind it are
 * gone.
 */
void rf_transport_unlisten(struct rf_transport_layer *l, uint32_t id);

/**
 * The flow to a UDP address. Its source is the listener `name`, or the first UDP listener of the family when
 * that is NULL or gone. The reference is the caller's.
 * @return RF_ERR_NOT_FOUND there is no such listener; RF_ERR_NOMEM every remembered flow is held by somebody
 */
RF_MUST_CHECK enum rf_err rf_transport_udp(struct rf_transport_layer *l, const char *name,
                                           const struct rf_addr *remote, struct rf_flow **out);

struct rf_connect_conf {
    enum rf_transport transport;   /* RF_TCP or RF_TLS */
    struct rf_addr remote;
    struct rf_addr local;          /* source address; none: the kernel's choice */
    const char *name;              /* shown as the flow's interface */
    struct rf_tls_client *tls;     /* RF_TLS */
    struct rf_span host;           /* RF_TLS: for which the server's certificate must be: name or address */
};

/**
 * The flow to a server: one that we opened with the same settings and verified for the same host, or a new
 * connection. It may be used at once; what is sent waits until it is open. If it cannot be opened, the flow is
 * gone (rf_flow_watch). The reference is the caller's.
 * @return RF_ERR_IO it failed at once (errno); RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_transport_connect(struct rf_transport_layer *l, const struct rf_connect_conf *conf,
                                               struct rf_flow **out);

/** A flow of this worker by its id, no new reference; NULL when it is gone. */
struct rf_flow *rf_transport_find(struct rf_transport_layer *l, uint64_t id);

/** Is a flow of this layer ready for use: connected, and its TLS handshake through? A UDP flow always is. */
bool rf_transport_is_open(const struct rf_flow *flow);

/** The TLS of a flow of this layer that is open, for its peer's certificate; NULL: it has none. */
const struct rf_tls_conn *rf_transport_tls(const struct rf_flow *flow);

/** Send a keep-alive ping (CRLF CRLF, RFC 5626 4.4.1) on a stream; nothing on other flows. */
void rf_transport_ping(struct rf_flow *flow);

struct rf_transport_counts {
    uint32_t connections, tls_connections, udp_flows;      /* now */
    uint64_t accepted, connected, refused_full, refused_source, refused_guard, handshakes, resumed,
        handshakes_failed, plain_on_tls, tls_on_plain, messages_in, pings, broken, timeouts, queue_full,
        datagrams_in, datagrams_dropped, keepalives_in;    /* since the start */
};
void rf_transport_counts(const struct rf_transport_layer *l, struct rf_transport_counts *out);

#endif
