/*
 * event/message.h - a text message under way; what message.c, recipients.c and delivery.c share, and nobody else includes
 *
 * A message owns its targets; they and it are freed together, in message_settle, when all targets are over. Of the
 * worker's thread, like the layer.
 */
#ifndef RF_EVENT_MESSAGE_H
#define RF_EVENT_MESSAGE_H

#include "event/layer.h"
#include "route/hunt.h"

#define PLACES_MAX RF_PLAN_PLACES_MAX

/* One phone, device, or the connections of a route. */
struct target {
    struct message *m;
    char user[64];                           /* whose phone; of a connection: the number */
    char connection[RF_CONNECTION_NAME_MAX]; /* empty: none */
    char device[64];                         /* a block dn; empty: none */
    struct rf_binding binding;
    struct rf_dialog dialog; /* Call-ID, From, To: there is no dialog (RFC 3428 4) */
    struct rf_hunt hunt;
    struct rf_path *path;
    struct rf_flow *flow;
    struct rf_client_txn *txn;
    bool is_large, is_over;
    uint8_t challenges;
    char *credentials; /* wiped */
    uint32_t retry_after_s;
    int status; /* of the last answer, or ours for it */
};

struct place {
    char connection[RF_CONNECTION_NAME_MAX];
    char number[RF_NUMBER_MAX];
};

struct message {
    struct rf_event_layer *l;
    struct rf_link link;
    struct rf_server_txn *txn; /* NULL: answered, or over */
    struct rf_call_party from;
    char from_connection[RF_CONNECTION_NAME_MAX];
    char *call_id; /* of the request: whose worker ours must belong to */
    uint8_t max_forwards;
    struct rf_call_trail trail;
    bool is_circle; /* a connection was passed over because it came back from there */
    char *headers, *body;
    size_t headers_n, body_n;
    struct place place[PLACES_MAX]; /* connections, for the one target that has them */
    size_t places, place_next;
    struct target *target[ATTEMPTS_MAX];
    size_t targets;
    unsigned busy; /* a list is walked: nothing is freed */
};

/* --- message.c: the request, and the end of it --- */

/** Answer the sender, once, and say so in the log. */
void message_reply(struct message *m, int status, uint64_t now_us);
/** Are all of its targets over? Then its sender is answered and it is freed. Not while it is busy. */
void message_settle(struct message *m, uint64_t now_us);

/* --- recipients.c: to whom --- */

/** The configuration as the dial plan needs it; NULL: there is none. */
const struct rf_call_routing *message_routing(struct rf_event_layer *l);
void target_free(struct target *t);
void target_forget_credentials(struct target *t);
/** On to the next connection of the route; false: there is none left. */
bool target_take_place(struct target *t);
/** Make a target of everybody whom the dialled number means; false: there is nobody, and `why`. */
bool message_find_targets(struct message *m, enum rf_refusal *why);

/* --- delivery.c: the way to one of them, the request there and its answer --- */

/** Set out. It may be over when this returns, never freed: the message is to be busy. */
void target_set_out(struct target *t);

#endif
