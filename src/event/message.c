/*
 * event/message.c - text messages: MESSAGE to all phones of a user, or over a connection (RFC 3428)
 *
 * Like a call it is asked for at one side and made anew at the other: no header of the sender's goes on but those that
 * say what the body is. It goes to all phones that the dial plan names, and is answered 200 when the first of them has
 * it; over connections it goes to one after the other until one takes it. Nothing is kept for later: whoever is not
 * there is not reached, and the sender learns so. Forwarding and do-not-disturb are about calls.
 *
 * A body is at most sip.message-max; a request that does not fit a datagram goes by TCP or TLS or not at all, because
 * nothing slows a sender of datagrams down (RFC 3428 8).
 */
#include <stdlib.h>

#include "event/message.h"

#define HEADERS_MAX 2048 /* of those that describe the body */

/* --- life --- */

static void
message_free(struct message *m)
{
    if (m->txn != NULL)
        rf_server_txn_own(m->txn, NULL, NULL);
    for (size_t i = 0; i < m->targets; i++)
        target_free(m->target[i]);
    rf_list_remove(&m->link);
    m->l->message_count--;
    free(m->call_id);
    free(m->headers);
    free(m->body);
    free(m);
}

void
messages_free(struct rf_event_layer *l)
{
    if (l->messages.next != NULL)
        RF_LIST_FOREACH (&l->messages, it)
            message_free(rf_container(it, struct message, link));
}

static void
txn_ended(void *owner)
{
    ((struct message *)owner)->txn = NULL;
}

static const struct rf_server_txn_events txn_events = { .ended = txn_ended };

/* --- the end of it --- */

/* Challenges and redirections are between us and the phone; a 503 would say that we are out of service. */
static int
outward(int status)
{
    if (status < 400 || status == 401 || status == 407 || status == 481)
        return 480;
    return status == 503 ? 500 : status;
}

/* RFC 3261 16.7 step 6; lower is better. */
static int
rank(int status)
{
    return status >= 600 ? 0 : status == 408 ? 3 : status < 500 ? 1 : 2;
}

static void
too_large(struct message *m, uint64_t now_us)
{
    struct rf_server_txn *txn = m->txn;

    m->txn = NULL;
    rf_server_txn_own(txn, NULL, NULL);
    rf_call_message_too_large(m->l->env.calls, txn, m->from.user, m->body_n,
                              "the other side is reached by UDP alone", now_us);
}

static void
say(const struct message *m, int status)
{
    RF_LOGF(RF_LOG_INFO, "message.done", status < 300 ? "a text message arrived" : "a text message did not arrive",
            RF_F_STR("from", m->from.user), RF_F_STR("to", m->from.dialled), RF_F_U64("octets", m->body_n),
            RF_F_I64("status", status));
}

void
message_reply(struct message *m, int status, uint64_t now_us)
{
    struct rf_server_txn *txn = m->txn;

    say(m, status);
    m->txn = NULL;
    if (txn == NULL)
        return;
    rf_server_txn_own(txn, NULL, NULL);
    rf_server_txn_reply(txn, status, NULL, rf_span(NULL, 0), now_us);
}

/* All of them are over? Then so is the message. */
void
message_settle(struct message *m, uint64_t now_us)
{
    int best = 0;
    bool arrived = false;

    if (m->busy > 0)
        return;
    for (size_t i = 0; i < m->targets; i++) {
        const struct target *t = m->target[i];

        if (!t->is_over)
            return;
        arrived = arrived || (t->status >= 200 && t->status < 300);
        if (best == 0 || rank(t->status) < rank(best))
            best = t->status;
    }
    if (m->txn != NULL && !arrived && best == 513)
        too_large(m, now_us);
    else if (m->txn != NULL && !arrived)
        message_reply(m, outward(best), now_us);
    message_free(m);
}

/* --- the request --- */

enum rf_refusal
rf_event_judge_message(struct rf_event_board *b, const struct rf_event_settings *s, const char *who, size_t octets,
                       uint64_t now_us)
{
    if (octets > s->message_max)
        return RF_REFUSE_MESSAGE_TOO_LARGE;
    return rf_event_board_rate(b, who, s->messages_per_minute, now_us) ? RF_REFUSE_NONE : RF_REFUSE_OVERLOAD;
}

static void
overload(struct rf_event_layer *l, struct rf_server_txn *txn, const char *who, const char *what, uint64_t now_us)
{
    rf_call_refuse_request(
        l->env.calls, txn, RF_REFUSE_OVERLOAD, 0, who,
        (const struct rf_log_field[]){ RF_F_STR("what", what), RF_F_STR("who", who), RF_F_STR("seconds", "5"), { 0 } },
        now_us);
}

/* false: answered. */
static bool
check(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
      const struct rf_call_party *from, uint64_t now_us)
{
    const char *who = from->connection != NULL ? from->connection->name : from->user;

    if (from->connection != NULL && !from->connection->takes_messages) {
        rf_call_forbid_message(l->env.calls, txn, from->connection->name, now_us);
        return false;
    }
    if (msg->body.n > 0 && rf_sip_value(msg, RF_HDR_CONTENT_TYPE).p == NULL) {
        rf_server_txn_reply(txn, 400, "No Content-Type", rf_span(NULL, 0), now_us);
        return false;
    }
    if (!rf_call_message_may(l->env.calls, txn, who, msg->body.n, now_us))
        return false;
    if (l->message_count >= MESSAGES_MAX) {
        overload(l, txn, who, "the number of text messages under way", now_us);
        return false;
    }
    return true;
}

static struct message *
message_new(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
            const struct rf_call_party *from)
{
    static const enum rf_sip_header about[] = {
        RF_HDR_CONTENT_TYPE, RF_HDR_CONTENT_ENCODING, RF_HDR_CONTENT_DISPOSITION,
        RF_HDR_MIME_VERSION, RF_HDR_SUBJECT,          RF_HDR_DATE
    };
    struct message *m = calloc(1, sizeof *m);
    char text[HEADERS_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (m == NULL)
        return NULL;
    m->l = l;
    m->from = *from;
    if (from->connection != NULL)
        snprintf(m->from_connection, sizeof m->from_connection, "%s", from->connection->name);
    m->max_forwards = msg->max_forwards;
    rf_call_trail_read(&l->env.call, msg, &m->trail);
    rf_list_append(&l->messages, &m->link);
    l->message_count++;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        rf_sip_put_copy(&b, msg, about[i]);
    m->call_id = rf_span_dup(msg->call_id);
    m->headers = rf_span_dup(rf_buf_span(&b));
    m->headers_n = b.n;
    m->body = malloc(msg->body.n + 1);
    m->body_n = msg->body.n;
    if (rf_buf_done(&b) != RF_OK || m->call_id == NULL || m->headers == NULL || m->body == NULL) {
        message_free(m);
        return NULL;
    }
    if (msg->body.n > 0)
        memcpy(m->body, msg->body.p, msg->body.n);
    m->txn = txn;
    rf_server_txn_own(txn, &txn_events, m);
    return m;
}

void
message_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_call_party from;
    enum rf_refusal why;
    struct message *m;

    if (!rf_call_party_of(l->env.calls, txn, msg, &from, now_us) || !check(l, txn, msg, &from, now_us))
        return;
    m = message_new(l, txn, msg, &from);
    if (m == NULL) {
        rf_server_txn_reply(txn, 503, NULL, RF_SPAN_LIT("Retry-After: 5\r\n"), now_us);
        return;
    }
    if (from.dialled[0] == '\0' || !message_find_targets(m, &why)) {
        why = from.dialled[0] == '\0' ? RF_REFUSE_NOT_FOUND : why;
        m->txn = NULL;
        rf_server_txn_own(txn, NULL, NULL);
        rf_call_refuse_request(
            l->env.calls, txn, why, 0, from.user,
            (const struct rf_log_field[]){
                RF_F_STR("number", from.dialled), RF_F_STR("user", from.dialled),
                RF_F_STR("who", from.connection != NULL ? from.connection->name : from.user), { 0 } },
            now_us);
        message_free(m);
        return;
    }
    m->from.connection = NULL; /* of the configuration, which may change while it is under way */
    m->busy++;
    for (size_t i = 0; i < m->targets; i++)
        target_set_out(m->target[i]);
    m->busy--;
    message_settle(m, now_us);
}
