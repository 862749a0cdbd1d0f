/*
 * txn/layer.h - what the files of this folder share; nobody else includes it
 *
 * Invariants:
 * (T1) A transaction is in its table, in its list and counted from `new` to `ended`; it leaves all of them at once.
 * (T2) `ended` is told from a timer or from a lost flow, never from within a function its user called.
 * (T3) What repeats a message allocates nothing: request, response and ACK are kept as octets.
 */
#ifndef RF_TXN_LAYER_H
#define RF_TXN_LAYER_H

#include "base/hash.h"
#include "txn/machine.h"
#include "txn/txn.h"

#define RF_TXN_TAG_MAX    17 /* 16 hexadecimal digits: 64 random bits, twice what RFC 3261 19.3 asks for */
#define RF_TXN_RANDOM     512 /* octets of randomness taken at once: a system call for 64 tags, not for each */

struct rf_server_txn {
    struct rf_hash_node node, merge_node;
    struct rf_link all;   /* in layer.servers */
    struct rf_link spent; /* in layer.spent: answered, its request is dropped when the next message comes */
    struct rf_txn_layer *l;
    struct rf_flow *flow;
    struct rf_flow_watch watch;
    struct rf_timer retry, end;
    uint64_t retry_us; /* interval that runs */
    uint8_t machine, state;
    bool had_tag; /* the request bore a To tag */
    enum rf_sip_method method;
    const struct rf_server_txn_events *events;
    void *owner;
    char *request, *response;
    size_t request_n, response_n;
    struct rf_sip_msg *msg; /* index over `request`, made when asked for; only as large as its fields need */
    char to_tag[RF_TXN_TAG_MAX];
    size_t key_n, merge_n;
    char key[]; /* key_n octets, then merge_n octets */
};

struct rf_client_txn {
    struct rf_hash_node node;
    struct rf_link all; /* in layer.clients */
    struct rf_txn_layer *l;
    struct rf_flow *flow;
    struct rf_flow_watch watch;
    struct rf_timer retry, end;
    uint64_t retry_us;
    uint8_t machine, state;
    bool cancel_wanted, cancel_sent;
    enum rf_sip_method method;
    const struct rf_client_txn_events *events;
    void *owner;
    char *request, *ack, *cancel_extra;
    size_t request_n, ack_n, cancel_extra_n;
    size_t key_n;
    char key[]; /* branch, '\n', method */
};

struct rf_txn_layer {
    struct rf_wheel *wheel;
    struct rf_rand rand;
    struct rf_txn_limits limits;
    struct rf_txn_user user;
    struct rf_hash by_key, by_merge, clients_by_key;
    struct rf_link servers, clients, spent;
    const struct rf_server_txn *now_txn; /* whose request the user has just been given, and its index: an answer */
    const struct rf_sip_msg *now_msg;    /* given at once need not parse again */
    struct rf_txn_counts counts;
    size_t random_left;
    uint8_t random[RF_TXN_RANDOM];
    char key[RF_SIP_MESSAGE_MAX + 64];  /* scratch of one call */
    char out[RF_SIP_MESSAGE_MAX];       /* scratch of one call */
};

/** n random octets from the layer's stock (at most RF_TXN_RANDOM). */
void rf_txn_random(struct rf_txn_layer *l, void *out, size_t n);

/* --- keys (match.c): all are built into layer.key --- */

/** Key of the transaction a request belongs to, seen as `method` (INVITE for ACK and CANCEL, RFC 3261 17.2.3). */
struct rf_span rf_txn_key_server(struct rf_txn_layer *l, const struct rf_sip_msg *m, enum rf_sip_method as,
                                 bool with_to_tag);
/** Does its top Via bear an RFC 3261 branch? */
bool rf_txn_has_cookie(const struct rf_sip_msg *m);
/** From tag, Call-ID and CSeq: equal in merged requests (RFC 3261 8.2.2.2). */
struct rf_span rf_txn_key_merge(struct rf_txn_layer *l, const struct rf_sip_msg *m);
struct rf_span rf_txn_key_client(struct rf_txn_layer *l, struct rf_span branch, enum rf_sip_method method);

struct rf_server_txn *rf_txn_find_server(struct rf_txn_layer *l, struct rf_span key);
struct rf_client_txn *rf_txn_find_client(struct rf_txn_layer *l, struct rf_span key);

/* --- server.c --- */
struct rf_server_txn *rf_server_txn_make(struct rf_txn_layer *l, const struct rf_sip_msg *m, struct rf_flow *flow,
                                         struct rf_span key, uint64_t now_us);
/** A repeated request or an ACK. */
void rf_server_txn_event(struct rf_server_txn *t, enum rf_txn_event e, const struct rf_sip_msg *m,
                         struct rf_flow *flow, uint64_t now_us);
void rf_server_txn_free(struct rf_server_txn *t);
void rf_server_txn_drop_request(struct rf_server_txn *t);
/** A CANCEL for it came: tell its owner when there is still something to cancel. */
void rf_server_txn_cancelled(struct rf_server_txn *t, uint64_t now_us);

/* --- client.c --- */
void rf_client_txn_received(struct rf_client_txn *t, const struct rf_sip_msg *m, uint64_t now_us);
void rf_client_txn_free(struct rf_client_txn *t);

#endif
