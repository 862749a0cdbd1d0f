/*
 * event/event.h - who watches whom, messages that wait, text messages (RFC 6665, 4235, 3842, 3903, 3428), of one worker
 *
 * A subscription belongs to the worker that its Call-ID says (rf_call_owner), as a call does. It is answered 200 once
 * it is on disk, and a new signal process goes on with it (rf_event_restore). What is told lies on the board
 * (event/board.h).
 *
 * No socket, no clock: like calls, by struct rf_call_env.
 *
 * Threads: one worker. Memory: 1.5 kB a subscription.
 */
#ifndef RF_EVENT_EVENT_H
#define RF_EVENT_EVENT_H

#include <jansson.h>

#include "event/board.h"

struct rf_event_layer;

struct rf_event_settings {
    uint32_t message_max;               /* octets of a text message's body */
    uint32_t messages_per_minute;       /* of one sender */
    uint32_t subscriptions_per_user, subscriptions_max;
    uint32_t expires_max_s;             /* of a subscription */
};

struct rf_event_env {
    struct rf_call_env call;            /* of the same worker */
    struct rf_call_layer *calls;
    struct rf_event_board *board;       /* shared by the workers */
    struct rf_quota *quota;             /* subscriptions of users and of all, shared by the workers */
    /** In force now. */
    const struct rf_event_settings *(*settings)(void *ctx);
    /** May this user see on a lamp what that user does? Also asked again after a reload; not for one's own. */
    bool (*may_watch)(void *ctx, const char *watcher, const char *user);
    bool (*may_set_mailboxes)(void *ctx, const char *user);
    /**
     * Keep, or with value.p == NULL forget. cookie not 0: rf_event_stored is called when it is on disk; RF_ERR_NOMEM:
     * it will not be, and nothing is called.
     */
    enum rf_err (*store)(void *ctx, const char *kind, struct rf_span name, struct rf_span value, uint64_t cookie);
};

#define RF_EVENT_SUBSCRIPTION "subscription" /* kinds of what `store` is given */
#define RF_EVENT_MAILBOX      "mailbox"

/** Of its sender, within a dialog or not: RF_REFUSE_NONE, RF_REFUSE_MESSAGE_TOO_LARGE, RF_REFUSE_OVERLOAD (too many). */
enum rf_refusal rf_event_judge_message(struct rf_event_board *b, const struct rf_event_settings *s, const char *who,
                                       size_t octets, uint64_t now_us);

RF_MUST_CHECK enum rf_err rf_event_layer_new(struct rf_event_layer **out, const struct rf_event_env *env);
void rf_event_layer_free(struct rf_event_layer *l); /* NULL is fine */

/** Is it a SUBSCRIBE in a dialog of ours? */
bool rf_event_has_dialog(struct rf_event_layer *l, const struct rf_sip_msg *msg);
/** A request that began a transaction. false: it is none of ours. */
bool rf_event_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                      uint64_t now_us);
/** The board has news of this user. */
void rf_event_changed(struct rf_event_layer *l, const char *user, uint64_t now_us);
/** News may have been missed: all who watch are looked at. */
void rf_event_look_at_all(struct rf_event_layer *l, uint64_t now_us);
void rf_event_stored(struct rf_event_layer *l, uint64_t cookie, enum rf_err err, uint64_t now_us);
/** Settings are others now: who may not watch any more is told so. */
void rf_event_settings_changed(struct rf_event_layer *l, uint64_t now_us);

/** After a restart of signal: what `store` was given of a subscription. The watcher is told anew. */
RF_MUST_CHECK enum rf_err rf_event_restore(struct rf_event_layer *l, struct rf_span name, struct rf_span value,
                                           uint64_t now_us);
/** The worker it belongs to. */
uint16_t rf_event_saved_owner(const struct rf_hash_key *key, struct rf_span value, uint16_t workers);

/** One object a subscription. */
json_t *rf_event_list(struct rf_event_layer *l);
size_t rf_event_count(const struct rf_event_layer *l);

/* --- mailboxes, for whoever has the board: commands and the start --- */

/** As it is kept; the caller stores it under RF_EVENT_MAILBOX and the user's name. */
void rf_mailbox_put(struct rf_buf *b, const struct rf_mailbox_state *m);
RF_MUST_CHECK enum rf_err rf_mailbox_parse(struct rf_span value, struct rf_mailbox_state *out);
/** Forget publications that nobody renewed; once a second from one worker. */
void rf_event_expire_mailboxes(struct rf_event_layer *l);

#endif
