/*
 * event/board.h - what is known of users now: in which dialogs they are, how many messages wait for them
 *
 * A call belongs to one worker, whoever watches it to another: calls write here what their parties do, and
 * subscriptions read it. Whoever watches is told the name alone, by `changed`; what he then reads is the newest,
 * however many changes there were.
 *
 * Threads: any; one lock, held for a few instructions. Memory: 1 kB for each dialog of a user that is in one, 150
 * octets for each user that is watched or has messages, and one table of rates.
 */
#ifndef RF_EVENT_BOARD_H
#define RF_EVENT_BOARD_H

#include "event/body.h"

#define RF_EVENT_DIALOGS_MAX 16 /* of one user that are told; a lamp needs one */

struct rf_event_board;

/**
 * @param changed  what is known of a user has changed: once for each worker that watches it, without the lock
 */
RF_MUST_CHECK enum rf_err rf_event_board_new(struct rf_event_board **out, const struct rf_rand *rand,
                                             void (*changed)(void *ctx, const char *user, uint16_t worker), void *ctx);
void rf_event_board_free(struct rf_event_board *b); /* NULL is fine */

/** This worker begins to watch the user, or has nobody left who does. */
void rf_event_board_watch(struct rf_event_board *b, const char *user, uint16_t worker, bool on);

/* --- dialogs --- */

/** A dialog of d->user has a new state; RF_DIALOG_NONE: it is over. */
void rf_event_board_tell(struct rf_event_board *b, const struct rf_call_dialog *d);
/** Those that are not over, the oldest first. */
size_t rf_event_board_dialogs(struct rf_event_board *b, const char *user,
                              struct rf_call_dialog out[static RF_EVENT_DIALOGS_MAX]);

/* --- mailboxes --- */

struct rf_mailbox_state {
    struct rf_message_counts counts;
    int64_t until_s;   /* of a publication (RFC 3903), wall clock; 0: until it is set anew */
    char etag[20];     /* of a publication; empty: none */
    char by[64];       /* who set it */
};

/** NULL: nothing is known any more. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_event_board_set_mailbox(struct rf_event_board *b, const char *user,
                                                     const struct rf_mailbox_state *m);
/** false: nothing was ever said of it. */
bool rf_event_board_mailbox(struct rf_event_board *b, const char *user, struct rf_mailbox_state *out);
/** All of them; `visit` must not call the board. */
void rf_event_board_visit_mailboxes(struct rf_event_board *b,
                                    void (*visit)(void *ctx, const char *user, const struct rf_mailbox_state *m),
                                    void *ctx);

/* --- how often --- */

/** May this sender say something now? A minute's worth may come at once. */
bool rf_event_board_rate(struct rf_event_board *b, const char *name, uint32_t per_minute, uint64_t now_us);

#endif
