/*
 * flow/layer.h - what the files of the transport layer share; nobody else includes this
 *
 * Invariants:
 * (I1) The layer holds one reference to each connection that has a socket and to each UDP flow it remembers.
 * (I2) A flow is told gone from the loop alone (a socket event or its timer), so that nobody who sends or closes
 *      is called back from inside.
 * (I3) `in` and `out` of a connection are NULL when nothing is in them.
 */
#ifndef RF_FLOW_LAYER_H
#define RF_FLOW_LAYER_H

#include "base/hash.h"
#include "base/tally.h"
#include "flow/transport.h"
#include "net/udp.h"

#define SCRATCH_MAX 65536 /* octets read at once; one for all connections of a worker */

struct rf_listener {
    struct rf_link link;
    struct rf_transport_layer *layer;
    struct rf_watch watch;
    struct rf_timer pause;     /* no descriptors are left: look again later */
    enum rf_transport transport;
    uint32_t id;
    char name[sizeof((struct rf_flow *)0)->listener];
    struct rf_addr bound;
    struct rf_tls_server *tls;
    struct rf_udp_tx *tx;
    bool tx_is_dirty;          /* something waits for the flush */
};

enum rf_conn_state {
    RF_CONN_CONNECTING, /* our connect is under way */
    RF_CONN_HANDSHAKE,  /* TLS */
    RF_CONN_OPEN,
    RF_CONN_DRAINING,   /* closed by us; what is queued still goes out */
    RF_CONN_LINGERING,  /* we sent FIN; what comes is dropped until the peer's FIN, so that no reset eats our answer */
    RF_CONN_FAILED,     /* to be ended by the timer */
    RF_CONN_ENDED
};

struct rf_conn {
    struct rf_flow flow;          /* first: a flow of these ops is a conn */
    struct rf_watch watch;
    struct rf_timer timer;
    struct rf_link link;          /* layer->conns */
    struct rf_hash_node by_id, by_peer;
    struct rf_transport_layer *layer;
    struct rf_tls_conn *tls;
    struct rf_tls_server *server; /* accepted for TLS; until the first octet came */
    struct rf_tls_client *client; /* we connected: settings, for reuse */
    struct rf_quota_share *share; /* of connections */
    char *host;                   /* we connected by TLS: verified for this */
    char *in, *out;
    uint32_t in_n, in_cap;
    uint32_t out_at, out_n, out_cap; /* [out_at, out_n) waits */
    uint64_t state_us;            /* when the state began */
    uint64_t deaf_us;             /* nothing is read any more, and then it is closed; 0: it is read */
    uint64_t half_us;             /* when the message began that is not whole; 0: none */
    uint64_t progress_us;         /* when the peer last took octets, while some wait */
    uint64_t active_us;           /* when anything last came or went */
    uint32_t pings_sent;          /* not answered yet */
    enum rf_conn_state state;
    uint8_t crlf_run;             /* CRLFs since the last message or ping */
    bool is_inbound, is_plain_on_tls, has_spoken, has_asked; /* has_asked: a whole message came */
};

struct rf_udp_flow {
    struct rf_flow flow;          /* first */
    struct rf_listener *listener; /* NULL when that is gone */
    struct rf_hash_node by_id, by_peer;
    struct rf_link link;          /* layer->udp_flows, least recently used first */
};

struct rf_transport_layer {
    struct rf_loop *loop;
    struct rf_wheel *wheel;
    struct rf_transport_limits limits;
    struct rf_transport_user user;
    struct rf_loop_source source;
    struct rf_loop_hook hook;
    struct rf_link listeners, conns, udp_flows;
    struct rf_hash by_id, by_peer, udp_by_id, udp_by_peer;
    struct rf_quota *own_quota;   /* NULL: shared with others (user.connections) */
    struct rf_udp_rx *rx;
    struct rf_udp_datagram datagram[RF_UDP_BATCH];
    bool is_dirty;                /* a listener has datagrams to flush */
    uint64_t last_id;             /* worker << 48 | number */
    uint64_t log_window_us;       /* refusals logged since then: at most LOG_MAX a second, all are counted */
    uint32_t logged;
    struct rf_transport_counts counts;
    char scratch[SCRATCH_MAX];
};

/** May a refusal of a stranger be logged now? A flood must not fill the disk. */
bool rf_transport_may_log(struct rf_transport_layer *l, uint64_t now_us);
/** Count it and log it, as the user of the layer wants it. */
void rf_transport_refuse(struct rf_transport_layer *l, enum rf_refusal why, const struct rf_addr *who,
                         const struct rf_log_field *fields, uint64_t now_us);

/* transport.c */
struct rf_listener *rf_transport_listener(struct rf_transport_layer *l, const char *name, enum rf_transport t,
                                          int family);

/* conn.c */
void rf_conn_accepted(struct rf_listener *ln, int fd, const struct rf_addr *remote, uint64_t now_us);
/** End it now: socket, buffers, tables; tells that the flow is gone and drops the layer's reference. */
void rf_conn_end(struct rf_conn *c, uint64_t now_us);

/* stream.c: octets of a connection */
/** Cut what came into messages. RF_ERR_CLOSED: the connection ended on the way. */
enum rf_err rf_stream_received(struct rf_conn *c, struct rf_span octets, uint64_t now_us);
/** Queue octets behind those that wait, or send them. As rf_flow_ops.send. */
enum rf_err rf_stream_send(struct rf_conn *c, struct rf_span octets);
/** Send what waits. RF_ERR_CLOSED the socket is broken. */
enum rf_err rf_stream_flush(struct rf_conn *c, uint64_t now_us);
void rf_stream_free_buffers(struct rf_conn *c);
/* conn.c: for stream.c */
enum rf_err rf_conn_write(struct rf_conn *c, struct rf_span octets, size_t *n);
void rf_conn_want_timer(struct rf_conn *c, uint64_t due_us);
void rf_conn_watch_anew(struct rf_conn *c);
void rf_conn_fail(struct rf_conn *c);
void rf_conn_close(struct rf_conn *c);

/* udp_flow.c */
void rf_udp_ready(struct rf_watch *w, uint32_t events, uint64_t now_us);
void rf_udp_flows_forget(struct rf_transport_layer *l, struct rf_listener *ln, uint64_t now_us);
void rf_listener_flush(struct rf_listener *ln);

/* count.c: a message that arrived, or that was taken to be sent. */
void rf_flow_count(enum rf_tally_way way, enum rf_transport t, struct rf_span message);

#endif
