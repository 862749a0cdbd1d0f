/*
 * call/call.h - calls: two legs joined, the B2BUA (RFC 3261, 3264, 4028, 7092)
 *
 * A call has a leg A (who called) and one leg B for each phone that rings; when one answers the others are
 * cancelled. Each leg has its own dialog, Call-ID and offer. A call belongs to one worker: the one its Call-IDs
 * say (rf_call_owner), so all that is said about it arrives there.
 *
 * No socket, no clock: everything outside reaches this code through rf_call_env, so that plays run whole calls
 * in virtual time.
 *
 * Threads: one worker.
 */
#ifndef RF_CALL_CALL_H
#define RF_CALL_CALL_H

#include <jansson.h>

#include "base/hash.h"
#include "base/quota.h"
#include "call/guests.h"
#include "policy/srtp_policy.h"
#include "registrar/auth.h"
#include "registrar/location.h"
#include "relay/control.h"
#include "relay/map.h"
#include "route/board.h"
#include "route/plan.h"
#include "txn/txn.h"

struct rf_call_layer;
struct rf_path; /* the environment's: main/path.h, or a play's */

/* Where calls of a user go instead; "" nowhere. */
struct rf_call_forward {
    char always[64], busy[64], no_answer[64];
    uint32_t no_answer_s; /* so long its phones ring first */
    bool do_not_disturb;
};

/* What is known of a user (a block `user NAME` of the configuration). */
struct rf_call_user {
    char name[64];          /* "201" */
    char display[96];       /* "Reception" */
    struct rf_srtp_policy srtp;
    char srtp_setting[96];  /* "user.201.srtp": the setting that decides, for sentences */
    const char *codecs;     /* sdp/codecs.h, of the snapshot: do not keep it. NULL: all */
    bool require_tls;       /* only TLS flows may be used */
    uint32_t calls_max;     /* as caller, at one time; 0: as the settings say */
    struct rf_call_forward forward;
    struct rf_auth_user auth;
};

/* A server that stands in the configuration. */
struct rf_call_server {
    const char *name; /* of its block */
    bool is_device;   /* `dn`, otherwise `sip-connection` */
};

/* What a number leads to, as configured. */
struct rf_call_routing {
    const struct rf_conf *conf;
    const struct rf_connections *connections;
    struct rf_srtp_policy devices; /* what blocks `dn` have in common; mode by block */
};

struct rf_call_settings {
    char domain[256];              /* realm, and host of our URIs when a peer did not name one */
    char server[64];               /* User-Agent and Server value: "ringfence/0.1.0" */
    uint32_t ring_time_s;          /* 180: then 480 (RF-515) */
    uint32_t session_expires_s;    /* 1800 (RFC 4028); 0: no session timer */
    uint32_t min_se_s;             /* 90 */
    uint32_t media_timeout_s;      /* 60: both legs are ended (RF-404); 0: never */
    uint32_t calls_max;            /* of all workers; above: 503 (RF-512) */
    uint32_t calls_per_user_max;   /* 10 */
    bool transfer;                 /* REFER and Replaces: else 403 (RF-503) */
    bool explain_to_peer;          /* Warning: 399 with the RF code, to authenticated peers */
};

/* What is known of a call that ended, as JSON: valid during env.record. */
struct rf_call_record {
    struct rf_span text;
    size_t ladder_at;        /* "ladder" and what follows it begin here with a comma: the last members */
    const char *verdict_min;
    struct rf_span words;    /* by which it is found: rf_store_put_words */
    int64_t began_s;         /* wall clock */
};

/* --- what whoever watches a user sees of its calls (watch.c) --- */

enum rf_call_dialog_state { RF_DIALOG_NONE, RF_DIALOG_TRYING, RF_DIALOG_EARLY, RF_DIALOG_CONFIRMED };
#define RF_CALL_DIALOG_ID 32

/* A dialog of a user's phone with us, as that phone sees it; copied by whoever is told. */
struct rf_call_dialog {
    enum rf_call_dialog_state state; /* NONE: it is over, and only user and id are set */
    bool is_caller;
    char user[64];
    char id[RF_CALL_DIALOG_ID];      /* the same through all its states */
    char call_id[160], local_tag[64], remote_tag[64]; /* for its own user; empty: too long to be told */
    struct {
        char call_id[48], local_tag[24], remote_tag[24];
    } alias;                         /* for Replaces by others who may, while it rings; empty: it does not */
    char remote_user[64], remote_display[96];         /* the other party; empty: it hides its number */
};

/* Who sent an INVITE that one worker has judged and another one goes on with. */
struct rf_call_passed {
    char user[64];
    const char *sign_in; /* a constant string */
};

struct rf_call_env {
    void *ctx;
    const struct rf_rand *rand;
    struct rf_wheel *wheel;
    struct rf_txn_layer *txn;
    struct rf_auth *auth;
    struct rf_location *location;
    const struct rf_media_map *media_map;   /* may be NULL in plays: counters read as 0 */
    struct rf_quota *quota;                 /* calls of users and of all, shared by the workers; NULL: this one's own */
    uint16_t worker, workers;
    struct rf_call_guests *guests;          /* of all workers; NULL: there is one */
    struct rf_hash_key owner_key;           /* for rf_call_owner; the same in all workers and after a restart */

    /** The settings in force now. Never NULL; valid until the next call of it. */
    const struct rf_call_settings *(*settings)(void *ctx);
    /** false: no such user. */
    bool (*user)(void *ctx, struct rf_span name, struct rf_call_user *out);
    /** The dial plan in force now; valid until the next call of it. NULL: there are users alone. */
    const struct rf_call_routing *(*routing)(void *ctx);
    /**
     * Credentials of this connection for a challenge, as the value of Authorization. RF_ERR_NOT_FOUND: it has none;
     * RF_ERR_UNSUPPORTED: they cannot answer this one.
     */
    enum rf_err (*answer_challenge)(void *ctx, const char *connection, const struct rf_digest_challenge *c,
                                    struct rf_span method, struct rf_span uri, struct rf_buf *out);
    struct rf_board *board;                 /* of connections; may be NULL where `routing` is */
    /** Address that Via, Contact and c= name towards this flow's peer (public address, or the socket's own). */
    void (*our_address)(void *ctx, const struct rf_flow *flow, struct rf_addr *sip, struct rf_addr *media);
    /**
     * The ways to a binding, one after the other (RFC 3263 4.3). `to` must stay until path_end. NULL: no memory.
     * server: whose `to` is, to which we may connect by TLS; NULL: a phone's binding.
     * For each path_next `ready` is called once, now or later, as the last thing done, with a new reference; or with
     * NULL and why there is no more: RF_ERR_CLOSED (its connection is gone: RF-504), RF_ERR_NOT_FOUND (does not
     * resolve), RF_ERR_AGAIN (who is left asked us to wait), RF_ERR_IO.
     */
    struct rf_path *(*path_new)(void *ctx, const struct rf_binding *to, const struct rf_call_server *server,
                                void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why), void *owner);
    /** is_large: the request does not fit the UDP way that was given last, by which nothing was sent. Once. */
    void (*path_next)(void *ctx, struct rf_path *path, bool is_large);
    /** The way that was given last failed: set its target aside for a while, at least for Retry-After. */
    void (*path_aside)(void *ctx, struct rf_path *path, uint32_t retry_after_s, uint64_t now_us);
    /** Nothing is heard of it after this. Fine within `ready`. */
    void (*path_end)(void *ctx, struct rf_path *path);
    /** How many octets a request may have by UDP to this peer, when it has so many (RFC 3261 18.1.1). */
    size_t (*udp_max)(void *ctx, const struct rf_addr *peer, size_t octets);
    /** May this user or connection send a text message of so many octets now? NONE, MESSAGE_TOO_LARGE, OVERLOAD. */
    enum rf_refusal (*judge_message)(void *ctx, const char *who, size_t octets, uint64_t now_us);
    /**
     * Send to the media process; replies come by rf_call_media_reply. The callee sets `epoch` and, for OPEN, chooses
     * the media thread; others go to the thread that owns session.slot. RF_ERR_NOMEM, RF_ERR_CLOSED.
     */
    enum rf_err (*media)(void *ctx, const struct rf_media_request *request);
    /** Keep (or with value.p == NULL forget) what a new signal process needs to know of a call that is up. */
    void (*save)(void *ctx, struct rf_span call_id, struct rf_span value);
    /** A call ended: its record, to be stored and logged. */
    void (*record)(void *ctx, struct rf_span call_id, const struct rf_call_record *record);
    int64_t (*wall_s)(void *ctx);
    /**
     * May `who` take a call of `user` by Replaces (RFC 3891)? is_answered: else it rings. Both are users, and not the
     * same one. NULL: nobody may.
     */
    bool (*may_take)(void *ctx, const char *who, const char *user, bool is_answered);
    /** May be NULL. A dialog of a user has a new state. */
    void (*dialog)(void *ctx, const struct rf_call_dialog *d);
    /** A letter for rf_call_letter of another worker. false: its mailbox is full. NULL: there is one worker. */
    bool (*post)(void *ctx, uint16_t worker, struct rf_span letter);
    /** An INVITE that came by this flow is for that worker, which gets it between rf_call_pass_begin and _end. false: its
     *  mailbox is full. NULL: there is one worker. */
    bool (*pass)(void *ctx, uint16_t worker, struct rf_flow *flow, struct rf_span message,
                 const struct rf_call_passed *who);
    /* These may be NULL: then each refusal is logged by rf_refuse at once, which a flood would fill the log with. */
    /** Count and log a refusal; `who` is the party, for folding repeats. */
    void (*refuse)(void *ctx, enum rf_refusal why, struct rf_span who, const struct rf_log_field *fields,
                   uint64_t now_us);
    /** Wrong credentials in an INVITE or another request; known: the user exists. Logs it, counts for bans. */
    void (*sign_in_failed)(void *ctx, struct rf_flow *flow, const struct rf_auth_result *who, bool known,
                           uint64_t now_us);
};

/** No call yet; env is copied. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_call_layer_new(struct rf_call_layer **out, const struct rf_call_env *env);
/** Drops every call; no BYE is sent. NULL is fine. */
void rf_call_layer_free(struct rf_call_layer *l);

/**
 * The key of a user in the location table: "sip:USER@DOMAIN". The registrar's handler and calls must agree on it.
 */
void rf_call_put_aor(struct rf_buf *b, struct rf_span user, const char *domain);

/** Which worker a message with this Call-ID belongs to. Our own Call-IDs carry the hash of the first leg's. */
uint16_t rf_call_owner(const struct rf_hash_key *key, struct rf_span call_id, uint16_t workers);

/* --- what the worker hands in (it is the transactions' user) --- */

/** Is it a request in a dialog of ours? */
bool rf_call_has_dialog(struct rf_call_layer *l, const struct rf_sip_msg *msg);
/** INVITE, BYE, INFO, OPTIONS within a dialog, UPDATE and others: everything but REGISTER. Answers it. */
void rf_call_request(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);
/** An ACK that belongs to no transaction: for a 2xx of ours. */
void rf_call_ack(struct rf_call_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us);
/** The first ACK for a 3xx-6xx: for the ladder alone. */
void rf_call_refusal_acked(struct rf_call_layer *l, const struct rf_sip_msg *msg, uint64_t now_us);
/** A response without a transaction: a repeated 2xx is acknowledged again, one that nobody wants is ended. */
void rf_call_stray_response(struct rf_call_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow,
                            uint64_t now_us);
/** An answer or an event of the media process. */
void rf_call_media_reply(struct rf_call_layer *l, const struct rf_media_reply *reply, uint64_t now_us);

/** What another worker's `post` sent here. */
void rf_call_letter(struct rf_call_layer *l, uint16_t from, struct rf_span letter, uint64_t now_us);

/** What is handed in until the end is an INVITE that another worker's `pass` sent here: it is not asked who it is. */
void rf_call_pass_begin(struct rf_call_layer *l, const struct rf_call_passed *who);
void rf_call_pass_end(struct rf_call_layer *l, const struct rf_sip_msg *invite);

/** After a restart of signal: a call that was up, from what `save` was given. Its media is adopted. */
RF_MUST_CHECK enum rf_err rf_call_restore(struct rf_call_layer *l, struct rf_span value, uint64_t now_us);

/** Which worker such a value belongs to, as rf_call_owner; 0 when it cannot be read (rf_call_restore says why). */
uint16_t rf_call_saved_owner(const struct rf_hash_key *key, struct rf_span value, uint16_t workers);

/* --- for requests that begin something else (src/event) --- */

#define RF_UUID_OCTETS 16
#define RF_TRAIL_MAX   8 /* systems in a circle that we find at its first turn; 33 octets of a request each */

/* Which markers a request came in with (marker.c, docs/design/0020-loops.md). Zero: none. */
struct rf_call_trail {
    uint8_t passes; /* how often it has left us by a connection before it came in */
    uint8_t count;
    uint8_t uuid[RF_TRAIL_MAX][RF_UUID_OCTETS]; /* the last one first */
};

/* Who sent a request that begins something, and to whom. */
struct rf_call_party {
    char user[64], display[96];             /* of a connection: the calling number */
    char dialled[64];                       /* user part that it is for; empty: none of ours */
    const struct rf_connection *connection; /* NULL: a user */
    bool is_private;
};

/**
 * Require, Max-Forwards, sign-in, and that From is the user who signed in, over TLS where that is asked for. false: the
 * request was answered.
 */
bool rf_call_party_of(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                      struct rf_call_party *out, uint64_t now_us);
/** Count, log and answer a refusal, with its code for the peer. status 0: the row's. */
void rf_call_refuse_request(struct rf_call_layer *l, struct rf_server_txn *txn, enum rf_refusal why, int status,
                            const char *who, const struct rf_log_field *fields, uint64_t now_us);
/** May `who` send a text message of so many octets now? false: it was refused. */
bool rf_call_message_may(struct rf_call_layer *l, struct rf_server_txn *txn, const char *who, size_t octets,
                         uint64_t now_us);
/** Refuse a text message from or to a connection whose `messages` is off: RF-503. */
void rf_call_forbid_message(struct rf_call_layer *l, struct rf_server_txn *txn, const char *connection,
                            uint64_t now_us);
/** It does not fit a datagram, and its receiver has no other way (RFC 3428 8): RF-531. */
void rf_call_message_too_large(struct rf_call_layer *l, struct rf_server_txn *txn, const char *who, size_t octets,
                               const char *reason, uint64_t now_us);
/** Where requests for this number go over a connection; RF_REFUSE_NONE, or why nowhere. */
enum rf_refusal rf_call_binding_of(struct rf_call_layer *l, const struct rf_connection *k, const char *number,
                                   struct rf_binding *out);
/** Where a block `dn` is reached; false: there is none. */
bool rf_call_device_binding(const struct rf_call_routing *r, struct rf_span name, struct rf_binding *out);
/** From the Session-ID of a request; what is broken there is nothing. */
void rf_call_trail_read(const struct rf_call_env *env, const struct rf_sip_msg *msg, struct rf_call_trail *out);
/** It left for this very number by this connection before, or has left too often: it must not go there (again). */
bool rf_call_trail_is_circle(const struct rf_call_env *env, const struct rf_call_trail *t, const char *connection,
                             const char *number);
/** The header line by which we know it again when it comes back, with the markers of others behind ours. */
void rf_call_trail_put(const struct rf_call_env *env, const struct rf_call_trail *t, const char *connection,
                       const char *number, struct rf_buf *b);
/** A Call-ID of ours for what `first` is about; its owner is this worker (rf_call_owner). */
void rf_call_put_own_id(const struct rf_call_env *env, struct rf_span first, struct rf_buf *b);

/* --- what people ask --- */

/** Those that are ending count as well. */
size_t rf_call_count(const struct rf_call_layer *l);

struct rf_call_counts {
    uint64_t calls, encrypted; /* that ring or are up; of these: verdict ENCRYPTED now */
};
/** Both of the same moment. */
struct rf_call_counts rf_call_counts(struct rf_call_layer *l);
/** One object per call: id, from, to, seconds, legs with signalling and media evidence, verdict, code. */
json_t *rf_call_list(struct rf_call_layer *l, uint64_t now_us);
/**
 * The whole evidence of one call (id or unique prefix, or "last") with its ladder; NULL: not here. `newness` says which
 * of several workers' answers is the last call: more is newer, and one that is up is newer than all that ended.
 */
json_t *rf_call_show(struct rf_call_layer *l, struct rf_span id, uint64_t now_us, uint64_t *newness);
/** BYE or CANCEL both sides. RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_call_hangup(struct rf_call_layer *l, struct rf_span id, uint64_t now_us);
/** End all (stop --drain is over). */
void rf_call_hangup_all(struct rf_call_layer *l, uint64_t now_us);

#endif
