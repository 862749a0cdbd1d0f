/*
 * ua/inside.h - what the files of this folder share
 *
 *   ua.c        set, epoll loop, phones, waits
 *   conn.c      sockets, TLS, framing
 *   txn.c       transactions: retransmission, ACK of refusals, digest answers
 *   register.c  REGISTER and OPTIONS outside dialogs
 *   call.c      calls we make, what we ask within them
 *   callee.c    requests that come in
 *   dialog.c    what calls share: dialog state, requests within it, ends
 *   session.c   offers and answers
 *   media.c     RTP, SRTP, RTCP
 *
 * Lifetimes: a transaction or connection that ends is marked dead and freed when no event is being handled
 * (ua_reap), so that a callback may end anything. A call lives until its user frees it.
 */
#ifndef RF_UA_INSIDE_H
#define RF_UA_INSIDE_H

#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/list.h"
#include "base/secret.h"
#include "rtp/rtp.h"
#include "rtp/stats.h"
#include "sip/write.h"
#include "srtp/srtp.h"
#include "ua/ua.h"

#define UA_T1_US       UINT64_C(500000) /* RFC 3261 17.1.1.1 */
#define UA_T2_US       UINT64_C(4000000)
#define UA_TIMEOUT_US  (64 * UA_T1_US)
#define UA_NEVER       UINT64_MAX
#define UA_ROUTES_MAX  8
#define UA_AGENT       "rf-phone"
#define UA_ALLOW       "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY"

/* Something epoll tells of. */
struct ua_handle {
    int fd;
    void (*ready)(struct ua_handle *h, uint32_t events);
};

struct rf_ua_set {
    int epoll;
    struct rf_link phones;
};

/* --- connections --- */

struct ua_conn {
    struct ua_handle handle;
    struct rf_link link; /* of ua->conns */
    struct rf_ua *ua;
    enum rf_ua_transport transport;
    bool is_listener, is_server, is_connecting, is_handshaking, is_dead;
    SSL *ssl;
    struct rf_addr peer, local; /* peer: streams only */
    uint32_t events;            /* what epoll watches */
    char *in;                   /* streams: RF_SIP_MESSAGE_MAX octets, made with the first read */
    size_t in_n;
    char *out;                  /* streams: octets that could not be written yet */
    size_t out_n, out_cap;
};

enum rf_err ua_conn_open_own(struct rf_ua *ua);
/** The connection for this address: one that is there, or a new one. NULL: errno. */
struct ua_conn *ua_conn_to(struct rf_ua *ua, const struct rf_addr *to);
/** false: it is dead. What cannot be written now is kept. */
bool ua_conn_send(struct ua_conn *c, const struct rf_addr *to, struct rf_span octets);
/** Close; transactions on it fail. */
void ua_conn_kill(struct ua_conn *c, const char *why);
void ua_conn_free(struct ua_conn *c);
enum rf_err ua_tls_init(struct rf_ua *ua);
void ua_watch(struct rf_ua_set *set, struct ua_handle *h, uint32_t events, int op);

/* --- transactions --- */

/* A request as parts, so that it can be built again with credentials. */
struct ua_request {
    enum rf_sip_method method;
    char uri[512];
    char from[512], to[512], call_id[160]; /* header values */
    uint32_t *cseq_counter;                /* of the dialog or registration; raised for each new attempt */
    uint32_t cseq;
    uint32_t own_counter;                  /* the counter when its dialog is gone */
    char routes[2304];                     /* whole lines; also of CANCEL and the ACK of a refusal */
    char headers[1024];                    /* whole lines: Contact, Supported... */
    char auth[1024];                       /* whole line; "" */
    const char *body_type;
    size_t body_n;
    char body[4096];
};

enum ua_ctxn_state { UA_CALLING, UA_PROCEEDING, UA_COMPLETED, UA_DEAD };

struct ua_ctxn {
    struct rf_link link; /* of ua->ctxns */
    struct rf_ua *ua;
    struct ua_conn *conn;
    struct rf_addr to;
    struct ua_request *req; /* owned */
    char branch[40];
    char *wire, *ack;       /* owned; ack: of a refusal (INVITE) */
    size_t wire_n, ack_n;
    enum ua_ctxn_state state;
    uint64_t resend_us, interval_us, end_us;
    unsigned auth_tries;
    /** Every response but those that are answered with credentials; msg NULL: none came (status 408, 503). */
    void (*on_response)(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status);
    void *owner;
};

/** Takes req. NULL: it could not be sent (errno). */
struct ua_ctxn *ua_ctxn_start(struct rf_ua *ua, struct ua_request *req, const struct rf_addr *to,
                              void (*on_response)(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status),
                              void *owner);
/** CANCEL for an INVITE that got a provisional response (RFC 3261 9.1). */
void ua_ctxn_cancel(struct ua_ctxn *t);
void ua_ctxn_free(struct ua_ctxn *t);
/** ACK of a 2xx with q->cseq, kept in *wire to be sent again. */
void ua_ack_send(struct rf_ua *ua, struct ua_request *q, const struct rf_addr *to, char **wire, size_t *n);

struct ua_stxn {
    struct rf_link link; /* of ua->stxns */
    struct rf_ua *ua;
    struct ua_conn *conn; /* NULL: gone */
    struct rf_addr source;
    char *raw;            /* owned; msg points into it */
    struct rf_sip_msg msg;
    char *wire;           /* last response, owned; NULL: none yet */
    size_t wire_n;
    int status;           /* of wire */
    bool is_acked, is_dead;
    uint64_t resend_us, interval_us, end_us; /* of a final response to INVITE until its ACK */
    struct rf_ua_call *call; /* INVITE: whose; NULL: nobody's */
};

/** Send a response. headers: whole lines or "". The To tag is the call's, or the transaction's own. */
void ua_respond(struct ua_stxn *t, int status, struct rf_span to_tag, const char *headers, const char *body_type,
                struct rf_span body);
void ua_stxn_free(struct ua_stxn *t);

void ua_txn_receive(struct rf_ua *ua, struct ua_conn *c, const struct rf_addr *source, struct rf_span octets);
void ua_txn_conn_lost(struct rf_ua *ua, struct ua_conn *c);
/** What is due; returns when the next thing is. */
uint64_t ua_txn_tick(struct rf_ua *ua, uint64_t now_us);

/* --- media --- */

#define UA_SSRCS      4
#define UA_AUDIO_MAX  (60 * 8000)
#define UA_PACKET_MAX 2048

struct ua_datagram {
    size_t at, octets; /* in media.record */
    bool on_rtcp_port;
    uint64_t at_us;
};

struct ua_source {
    struct rf_srtp_stream srtp;
    struct rf_rtp_stats stats;
};

struct ua_media {
    struct ua_handle rtp, rtcp;
    struct rf_ua_call *call;
    struct rf_addr local, peer, peer_rtcp;
    bool is_set, is_muxed, is_muted, may_send, may_receive; /* is_set: offer and answer have agreed once */
    int payload_type, event_type; /* as the other side numbers them; event_type -1: none */

    struct rf_srtp_key tx_key;
    struct rf_srtp_ctx *tx;
    struct rf_srtp_stream tx_stream;
    size_t rx_count;
    struct rf_srtp_key rx_key[RF_CRYPTO_KEYS_MAX];
    struct rf_srtp_ctx *rx[RF_CRYPTO_KEYS_MAX];
    size_t source_count;
    struct ua_source source[UA_SSRCS];

    uint32_t ssrc, timestamp;
    uint16_t seq;
    double phase;
    uint64_t next_us, next_rtcp_us;
    uint8_t last[UA_PACKET_MAX]; /* what was sent last, for a replay */
    size_t last_n;
    uint8_t event_left;          /* packets of a telephone-event still to send */
    uint8_t event_code;
    uint32_t event_at;           /* its timestamp */
    uint16_t event_ms;

    struct rf_ua_media_info count;
    char dtmf[64];
    uint32_t dtmf_at;            /* timestamp of the event that was noted last */
    int16_t *audio;              /* ring of UA_AUDIO_MAX, made with the first packet */
    size_t audio_n, audio_at;
    char *record;
    size_t record_n, record_cap;
    struct ua_datagram *datagram;
    size_t datagram_n, datagram_cap;
};

enum rf_err ua_media_new(struct ua_media **out, struct rf_ua_call *call);
void ua_media_free(struct ua_media *m);
/** Sockets away, counters stay. */
void ua_media_stop(struct ua_media *m);
/** What offer and answer have agreed. A key that stays keeps its context and rollover counter. */
enum rf_err ua_media_set(struct ua_media *m, const struct rf_srtp_key *tx, const struct rf_srtp_decision *d,
                         const struct rf_sdp_media *theirs, enum rf_sdp_direction ours, bool muxed);
uint64_t ua_media_tick(struct ua_media *m, uint64_t now_us);

/* --- calls --- */

struct rf_ua_call {
    struct rf_link link; /* of ua->calls, oldest first */
    struct rf_ua *ua;
    struct rf_ua_call_info info;

    char call_id[160], local_tag[24], remote_tag[160];
    char local[320], remote[512];      /* From and To values, without tags */
    char target[512];                  /* their Contact */
    char route[UA_ROUTES_MAX][256];
    size_t route_count;
    uint32_t cseq, remote_cseq;

    struct ua_ctxn *invite;            /* our INVITE or re-INVITE that is not answered finally; NULL: none */
    struct ua_stxn *invited;           /* theirs, until its ACK; NULL: none */
    bool is_cancelled, is_cancel_sent, is_offerless;
    bool has_early_media;              /* our tone may go out before the call is answered */
    char auth[1024];                   /* credentials of the INVITE, for its ACK (RFC 3261 13.2.2.4) */
    char *sdp;                         /* our answer, or the offer of a 200; owned */
    uint64_t answer_us;                /* when a call that came in is answered or refused; UA_NEVER */
    char *ack;                         /* of the last 2xx, sent again when that is repeated */
    size_t ack_n;
    uint32_t ack_cseq;
    struct rf_addr ack_to;

    struct rf_sdp_face face;           /* our last offer or answer */
    bool held_here;                    /* we put the other side on hold */
    bool has_face, has_offered, is_agreed; /* has_offered: our offer waits for its answer */
    struct ua_media *media;
};

void ua_call_end(struct rf_ua_call *call, bool by_peer);
uint64_t ua_call_tick(struct rf_ua_call *call, uint64_t now_us);
/** Forget these transactions; they go away. */
void ua_call_forget_txn(struct rf_ua *ua, const void *txn);

void ua_call_send_bye(struct rf_ua_call *call, const char *headers);
/** A request within the dialog, to be filled with body and started; NULL: no memory. */
struct ua_request *ua_dialog_request(struct rf_ua_call *call, enum rf_sip_method method, struct rf_addr *to);
/** Their Contact and, from what makes the dialog, the route set (RFC 3261 12.1). */
void ua_dialog_learn(struct rf_ua_call *call, const struct rf_sip_msg *msg, bool with_routes, bool reverse_routes);
void ua_send_ack(struct rf_ua_call *call, uint32_t cseq, struct rf_span body);
struct rf_ua_call *ua_call_new(struct rf_ua *ua, bool is_incoming);
struct rf_ua_call *ua_call_find(struct rf_ua *ua, const struct rf_sip_msg *msg, bool is_request);
/** Where a URI leads: its host when that is an address, the server otherwise. false: nowhere. */
bool ua_uri_addr(const struct rf_ua *ua, struct rf_span uri, struct rf_addr *out);
/** "<sip:201@127.0.0.1:5060;transport=tcp>" for the connection that leads there. */
enum rf_err ua_contact(struct rf_ua *ua, const struct rf_addr *to, char *out, size_t size);

/** A request that is no retransmission. It is answered by the end of the call, or owned by a call. */
void ua_callee_request(struct rf_ua *ua, struct ua_stxn *t);
/** The ACK of a 2xx. */
void ua_callee_ack(struct rf_ua *ua, const struct rf_sip_msg *ack);
/** Answers or refuses a call that came in, as its phone is set. */
void ua_callee_due(struct rf_ua_call *call);
/** A response to INVITE that no transaction knows: a 2xx again. */
void ua_call_stray(struct rf_ua *ua, const struct rf_sip_msg *msg);

/* --- offers and answers --- */

/** Our offer as text into b. fresh: new keys and every suite, else those in use. */
enum rf_err ua_offer_put(struct rf_ua_call *call, enum rf_sdp_direction direction, bool fresh, struct rf_buf *b);
/** Their offer: our answer into b and media as agreed. RF_ERR_REFUSED: call->info.refusal says why. */
enum rf_err ua_offer_take(struct rf_ua_call *call, struct rf_span sdp, bool transport_secure, struct rf_buf *b);
/** Their answer to our last offer. RF_ERR_REFUSED as above. */
enum rf_err ua_answer_take(struct rf_ua_call *call, struct rf_span sdp, bool transport_secure);

/* --- a phone --- */

struct rf_ua {
    struct rf_link link; /* of set->phones */
    struct rf_ua_set *set;
    struct rf_ua_conf conf;
    struct rf_srtp_policy policy;
    SSL_CTX *tls_client, *tls_server;
    struct rf_link conns, ctxns, stxns, calls;
    struct ua_conn *own;          /* UDP socket, or the listener; NULL: streams without one */
    struct rf_ua_link_info link_info;
    char domain[256];
    char aor[400];                /* "<sip:201@domain>" */
    char register_call_id[64], register_tag[24];
    uint32_t register_cseq, options_cseq;
    bool register_is_pending;
    bool register_lost;           /* the last one got no answer */
    int register_status, options_status;
    unsigned bindings;
    enum rf_digest_algorithm digest_used;
};

uint64_t ua_now_us(void);
/** Lower-case hexadecimal digits of n random octets and a NUL. */
void ua_random_hex(char *out, size_t octets);
bool ua_transport_is_secure(const struct rf_ua *ua);
void ua_reap(struct rf_ua *ua);

#endif
