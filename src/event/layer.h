/*
 * event/layer.h - what the files of this folder share; nobody else includes it
 *
 * Invariants of a subscription
 * (E1) It is answered 200 after it was committed, and every 200 is followed by a NOTIFY (RFC 6665 4.2.1.2).
 * (E2) One NOTIFY is under way at a time. What changes meanwhile is told by one more when that is answered, so a slow
 *      watcher costs one transaction however much happens.
 * (E3) It ends with a NOTIFY that says so, or because its watcher refused one; then its row is deleted and its share
 *      given back.
 * (E4) CSeq and version only grow, over restarts, too: those of a restored one begin above any that the process before
 *      us could have reached (save.c).
 */
#ifndef RF_EVENT_LAYER_H
#define RF_EVENT_LAYER_H

#include "dialog/dialog.h"
#include "event/event.h"
#include "sip/header.h"

#define EXPIRES_MIN_S   60
#define NOTIFY_GAP_US   (250 * RF_MS) /* between two NOTIFY of one: a lamp that blinks faster helps nobody, and
                                         16 a second bound what E4 must leap over */
#define RETRY_FIRST_US  (2 * RF_S)    /* a watcher whose connection is gone is looked for again, */
#define RETRY_MOST_US   (15 * RF_S)   /* ever less often, until its subscription ends; a look costs a microsecond */
#define ATTEMPTS_MAX    32            /* bindings that one text message goes to */
#define MESSAGES_MAX    1000          /* text messages under way at once in a worker: 10 MB with bodies of 8 kB */
#define BODY_MAX        24576         /* of a NOTIFY: 16 dialogs of 1.2 kB */

enum package { PACKAGE_DIALOG, PACKAGE_SUMMARY, PACKAGES };

/* Users who are watched by subscriptions of this worker. */
struct watched {
    struct rf_hash_node node;
    struct rf_link subs;
    char user[64];
};

enum sub_state {
    SUB_NEW,   /* its SUBSCRIBE waits for the disk */
    SUB_UP,
    SUB_ENDING, /* its last NOTIFY is to be sent, or under way */
    SUB_OVER    /* nobody is told any more; its timer frees it */
};

/* What the watcher knows of a dialog. */
struct shown {
    char id[RF_CALL_DIALOG_ID];
    uint8_t state;
};

struct sub {
    struct rf_event_layer *l;
    struct rf_hash_node node;      /* layer.subs, by Call-ID and our tag */
    struct rf_hash_node by_serial; /* layer.serials */
    struct rf_link link;           /* in watched->subs */
    struct watched *watched;
    uint64_t serial;
    uint8_t state, package;
    char watcher[64];
    char event_id[64];             /* parameter id of Event; empty: none */
    struct rf_dialog dialog;
    struct rf_quota_share *share;
    int64_t began_s, expires_s;    /* wall clock */
    struct rf_server_txn *server;  /* a SUBSCRIBE that waits for the disk */
    uint32_t granted_s;            /* to that one */
    int64_t expired_s;             /* when it ended before that one */
    struct rf_timer expiry, later; /* its end; the next NOTIFY when it may not be sent at once */
    /* the way to it */
    enum rf_transport transport;
    struct rf_addr remote;
    char listener[24];
    struct rf_flow *flow;          /* NULL: none now */
    struct rf_flow_watch watch;
    struct rf_path *path;          /* being asked for */
    struct rf_binding *binding;    /* the path's */
    bool is_guess;                 /* the way leads to one of several phones; the others would say 481 */
    unsigned guess;                /* which of them */
    uint64_t retry_us;             /* until the next look for a way */
    /* NOTIFY */
    bool is_due;                   /* something is to be told */
    bool is_full;                  /* and all of it */
    struct rf_client_txn *notify;  /* under way */
    uint64_t notified_us;
    const char *reason;            /* of its end: a constant string */
    uint32_t version;
    struct shown shown[RF_EVENT_DIALOGS_MAX]; /* acknowledged, or on its way */
    size_t shown_count;
    struct rf_message_counts told; /* message-summary */
    uint64_t notifies, refused;    /* for people */
};

struct message;

struct rf_event_layer {
    struct rf_event_env env;
    struct rf_hash subs, serials, watched;
    struct rf_link messages, publishes;
    size_t message_count, publish_count;
    uint64_t serial;
    char out[RF_SIP_MESSAGE_MAX]; /* scratch: a message being built */
    char body[BODY_MAX];          /* scratch: its body */
};

/* --- layer.c --- */
uint64_t layer_now(const struct rf_event_layer *l);
int64_t layer_wall_s(const struct rf_event_layer *l);
const struct rf_event_settings *layer_settings(const struct rf_event_layer *l);
const char *layer_domain(const struct rf_event_layer *l);
void layer_put_server(struct rf_event_layer *l, struct rf_buf *b, enum rf_sip_header id);
bool layer_may_watch(struct rf_event_layer *l, const char *watcher, enum package p, const char *user);

/* --- subscribe.c --- */
void subscribe_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                       uint64_t now_us);
void subscribe_again(struct sub *s, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us);
void subscribe_stored(struct sub *s, enum rf_err err, uint64_t now_us);
extern const char *const package_name[PACKAGES];
extern const char *const package_type[PACKAGES];

/* --- sub.c: its life --- */
struct sub *sub_new(struct rf_event_layer *l, const char *user, enum package p, const char *watcher);
void sub_free(struct sub *s);
void sub_enter(struct sub *s);
struct sub *sub_find(struct rf_event_layer *l, struct rf_span call_id, struct rf_span our_tag);
struct sub *sub_of_serial(struct rf_event_layer *l, uint64_t serial);
void sub_set_flow(struct sub *s, struct rf_flow *flow);
void sub_arm(struct sub *s, uint64_t now_us); /* the timer of its end */
/** Say goodbye. It is freed later, by its timer. */
void sub_end(struct sub *s, const char *reason, uint64_t now_us);
/** There is nobody to say goodbye to. It is freed later, by its timer. */
void sub_die(struct sub *s, uint64_t now_us);

/* --- notify.c --- */
/** Something is new. Never frees it. */
void notify_due(struct sub *s, bool full, uint64_t now_us);
/** Is anything new for it? */
bool notify_is_news(struct sub *s);
void notify_stop(struct sub *s);
extern void notify_later(struct rf_timer *t, uint64_t now_us);

/* --- save.c --- */
enum rf_err sub_save(struct sub *s, uint64_t cookie);
void sub_forget(struct sub *s);

/* --- mailbox.c --- */
struct publish; /* a PUBLISH that waits for the disk */
/** false: the cookie is none of a publication. */
bool publish_stored(struct rf_event_layer *l, uint64_t cookie, enum rf_err err, uint64_t now_us);
void publishes_free(struct rf_event_layer *l);
void publish_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);

/* --- message.c --- */
void message_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);
void messages_free(struct rf_event_layer *l);

#endif
