/*
 * call/indialog.c - requests within a dialog: BYE, re-INVITE, INFO, MESSAGE, OPTIONS
 *
 * RFC 3261 12.2.2, 15.1.2, RFC 6086, RFC 3428 4.
 */
#include <stdlib.h>

#include "call/layer.h"

/* An INFO or MESSAGE on its way: answered when the other leg has answered. It is sent from the request that came. */
struct relayed {
    struct rf_link link;
    struct call *call;
    struct leg *from;
    struct rf_server_txn *server;
    struct rf_client_txn *client; /* NULL: it is not sent */
    bool waits_for_path;
    uint8_t challenges;           /* answered */
};

static void
relayed_free(struct relayed *r)
{
    rf_list_remove(&r->link);
    r->call->info_count--;
    if (r->server != NULL)
        rf_server_txn_own(r->server, NULL, NULL);
    if (r->client != NULL)
        rf_client_txn_disown(r->client);
    free(r);
}

static void
relayed_server_ended(void *owner)
{
    struct relayed *r = owner;

    r->server = NULL;
    relayed_free(r);
}

static const struct rf_server_txn_events relayed_server_events = { .ended = relayed_server_ended };

static enum rf_sip_method
method_of(const struct relayed *r)
{
    return rf_server_txn_request(r->server)->method;
}

static void
relayed_reply(struct relayed *r, int status, uint64_t now_us)
{
    ladder_add(r->call, r->from->side, true, rf_sip_method_name(method_of(r)), status, "", now_us);
    rf_server_txn_reply(r->server, status, NULL, (struct rf_span){ 0 }, now_us);
    relayed_free(r);
}

/* It did not get through: the next way (way.c). The INFO, and the call, may be gone after it. */
static void
relayed_elsewhere(struct relayed *r, uint32_t retry_after_s, uint64_t now_us)
{
    struct rf_client_txn *txn = r->client;

    rf_client_txn_disown(txn);
    r->client = NULL;
    r->waits_for_path = true;
    leg_next_way(leg_other(r->from), rf_client_txn_flow(txn), retry_after_s, now_us);
}

static enum rf_err relayed_send(struct relayed *r, uint64_t now_us);

static void
relayed_response(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct relayed *r = owner;
    struct leg *to = leg_other(r->from);
    int status = msg->status;

    if (status < 200)
        return;
    ladder_msg(r->call, to->side, false, msg, now_us);
    if (status == 503) {
        relayed_elsewhere(r, retry_after_of(msg), now_us);
        return;
    }
    leg_way_works(to);
    if (leg_answers_challenge(to, msg, &r->challenges)) {
        rf_client_txn_disown(txn);
        r->client = NULL;
        if (relayed_send(r, now_us) == RF_OK)
            return;
        leg_credentials_drop(to);
    }
    relayed_reply(r, status == 401 || status == 407 ? 500 : status, now_us);
}

static void
relayed_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    (void)txn;
    if (why == RF_ERR_CLOSED)
        relayed_elsewhere(owner, 0, now_us);
    else
        relayed_reply(owner, 500, now_us); /* no 408 to a non-INVITE (RFC 4320 4.2) */
}

static void
relayed_ended(void *owner, struct rf_client_txn *txn)
{
    struct relayed *r = owner;

    if (r->client == txn)
        r->client = NULL;
}

static const struct rf_client_txn_events relayed_client_events = { relayed_response, relayed_failed, relayed_ended };

void
infos_stop(struct call *c, uint64_t now_us)
{
    RF_LIST_FOREACH(&c->infos, it)
        relayed_reply(rf_container(it, struct relayed, link), 481, now_us);
}

/* RF_ERR_SYNTAX: what came cannot be passed on. Others: as leg_send. */
static enum rf_err
relayed_send(struct relayed *r, uint64_t now_us)
{
    const struct rf_sip_msg *msg = rf_server_txn_request(r->server);
    struct rf_span content = rf_sip_value(msg, RF_HDR_CONTENT_TYPE);
    /* What says what the body is, and nothing else of the sender's. */
    static const enum rf_sip_header about_info[] = { RF_HDR_INFO_PACKAGE, RF_HDR_CONTENT_DISPOSITION };
    static const enum rf_sip_header about_message[] = { RF_HDR_CONTENT_DISPOSITION, RF_HDR_CONTENT_ENCODING,
                                                        RF_HDR_MIME_VERSION, RF_HDR_SUBJECT, RF_HDR_DATE };
    bool is_message = msg->method == RF_SIP_MESSAGE;
    const enum rf_sip_header *about = is_message ? about_message : about_info;
    size_t n = is_message ? sizeof about_message / sizeof *about_message : sizeof about_info / sizeof *about_info;
    char text[2048], type[256];
    struct rf_buf extra = rf_buf(text, sizeof text);

    for (size_t i = 0; i < n; i++)
        rf_sip_put_copy(&extra, msg, about[i]);
    if (rf_buf_done(&extra) != RF_OK || rf_span_copy(content, type, sizeof type) != RF_OK ||
        (msg->body.n > 0 && content.n == 0))
        return RF_ERR_SYNTAX;
    return leg_send(leg_other(r->from), msg->method, rf_buf_span(&extra), type, msg->body, &relayed_client_events, r,
                    &r->client, now_us);
}

/* It cannot be sent. Nothing slows a sender of datagrams down, so a long MESSAGE is none (RFC 3428 8). */
static void
relayed_refuse(struct relayed *r, enum rf_err why, uint64_t now_us)
{
    const struct rf_sip_msg *msg = rf_server_txn_request(r->server);

    if (why != RF_ERR_RANGE || msg->method != RF_SIP_MESSAGE) {
        relayed_reply(r, why == RF_ERR_SYNTAX ? 400 : 480, now_us);
        return;
    }
    ladder_add(r->call, r->from->side, true, "MESSAGE", 513, "", now_us);
    rf_call_message_too_large(r->call->l, r->server, leg_who(r->from), msg->body.n,
                              "the other side is reached by UDP alone", now_us);
    relayed_free(r);
}

/* Sent, or a path is looked for, or refused: the INFO may be gone after it. */
static void
relayed_begin(struct relayed *r, uint64_t now_us)
{
    struct leg *to = leg_other(r->from);
    enum rf_err err = relayed_send(r, now_us);

    if (err == RF_ERR_RANGE) { /* too large for UDP */
        r->waits_for_path = true;
        if (to->path_wanted || leg_ask_large_path(to))
            return;
        r->waits_for_path = false;
        err = relayed_send(r, now_us);
    } else if (err == RF_ERR_CLOSED) {
        r->waits_for_path = true;
        if (leg_ask_path(to))
            return;
    }
    if (err != RF_OK)
        relayed_refuse(r, err, now_us);
}

void
infos_path(struct call *c, struct leg *leg, uint64_t now_us)
{
    RF_LIST_FOREACH(&c->infos, it) {
        struct relayed *r = rf_container(it, struct relayed, link);
        enum rf_err err;

        if (!r->waits_for_path || leg_other(r->from) != leg)
            continue;
        r->waits_for_path = false;
        if (!leg_has_way(leg))
            relayed_reply(r, leg->failed_ways > 0 ? 500 : 480, now_us);
        else if ((err = relayed_send(r, now_us)) != RF_OK)
            relayed_refuse(r, err, now_us);
    }
}

/* Who may not send messages outside of calls may not within them either (event/message.c). false: it was refused. */
static bool
message_may_pass(struct call *c, const struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                 uint64_t now_us)
{
    const struct leg *const legs[] = { leg, leg_other(leg) };

    for (size_t i = 0; i < 2; i++) {
        const struct rf_connection *k = connection_of(c, legs[i]->connection);

        if (k == NULL || k->takes_messages)
            continue;
        rf_call_forbid_message(c->l, txn, k->name, now_us);
        return false;
    }
    return rf_call_message_may(c->l, txn, leg_who(leg), msg->body.n, now_us);
}

static void
relay(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *to = leg_other(leg);
    struct relayed *r;

    /* Who was transferred and has not been told yet writes, and dials, for the one before (X2). */
    if (c->state != CALL_UP || to == NULL || to->state != LEG_UP || (c->origin != NULL && c->join != JOIN_NONE)) {
        rf_server_txn_reply(txn, 480, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    if (msg->method == RF_SIP_MESSAGE && !message_may_pass(c, leg, txn, msg, now_us))
        return;
    if (msg->method == RF_SIP_INFO && msg->body.n > INFO_BODY_MAX) {
        rf_server_txn_reply(txn, 513, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    if (c->info_count >= INFO_MAX) {
        rf_server_txn_reply(txn, 503, NULL, RF_SPAN_LIT("Retry-After: 1\r\n"), now_us);
        return;
    }
    r = calloc(1, sizeof *r);
    if (r == NULL) {
        rf_server_txn_reply(txn, 503, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    r->call = c;
    r->from = leg;
    r->server = txn;
    rf_list_append(&c->infos, &r->link);
    c->info_count++;
    rf_server_txn_own(txn, &relayed_server_events, r);
    relayed_begin(r, now_us);
}

static void
bye(struct call *c, struct leg *leg, struct rf_server_txn *txn, uint64_t now_us)
{
    rf_server_txn_reply(txn, 200, NULL, (struct rf_span){ 0 }, now_us);
    ladder_add(c, leg->side, true, "BYE", 200, "", now_us);
    if (leg->state == LEG_UP) {
        leg->state = LEG_DONE;
        /* A BYE stands for the ACK we wait for as well. */
        leg->awaits_ack = leg->bye_waits_for_ack = false;
        rf_timer_cancel(c->l->env.wheel, &leg->ack_timer);
    }
    if (c->state == CALL_ENDING) { /* crossing BYEs */
        leg->bye_waits_for_ack = leg->bye_wanted = false;
        call_settle(c);
        return;
    }
    transfer_left(c, leg, now_us);
    call_end(c, leg == c->a ? "caller" : "callee", 487, RF_REFUSE_NONE, now_us);
}

void
indialog_request(struct rf_call_layer *l, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                 uint64_t now_us)
{
    struct call *c = leg->call;

    (void)l;
    if (rf_dialog_request_in(&leg->dialog, msg) != RF_OK) {
        rf_server_txn_reply(txn, 500, "CSeq out of order", (struct rf_span){ 0 }, now_us);
        return;
    }
    /* A phone that came back: its dialog is known by its tags, its path from now on is this one. */
    leg_set_flow(leg, rf_server_txn_flow(txn));
    ladder_msg(c, leg->side, false, msg, now_us);
    switch (msg->method) {
    case RF_SIP_BYE:
        bye(c, leg, txn, now_us);
        return;
    case RF_SIP_INVITE:
        if (c->state == CALL_UP && leg->state == LEG_UP)
            exchange_invite(c, leg, txn, msg, now_us);
        else
            rf_server_txn_reply(txn, c->state == CALL_ENDING ? 481 : 491, NULL, (struct rf_span){ 0 }, now_us);
        return;
    case RF_SIP_INFO:
    case RF_SIP_MESSAGE:
        relay(c, leg, txn, msg, now_us);
        return;
    case RF_SIP_UPDATE:
        update_request(c, leg, txn, msg, now_us);
        return;
    case RF_SIP_PRACK:
        prack_request(c, leg, txn, msg, now_us);
        return;
    case RF_SIP_REFER:
        refer_request(c, leg, txn, msg, now_us);
        return;
    case RF_SIP_SUBSCRIBE:
        refer_subscribe(c, leg, txn, msg, now_us);
        return;
    case RF_SIP_NOTIFY: /* we never subscribe in a dialog (RFC 6665 4.1.3) */
        rf_server_txn_reply(txn, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    case RF_SIP_OPTIONS:
        rf_server_txn_reply(txn, 200, NULL,
                            RF_SPAN_LIT("Allow: " ALLOW "\r\nAccept: application/sdp\r\nSupported: " SUPPORTED "\r\n"),
                            now_us);
        return;
    case RF_SIP_UNKNOWN:
        rf_server_txn_reply(txn, 501, NULL, RF_SPAN_LIT("Allow: " ALLOW "\r\n"), now_us);
        return;
    default:
        rf_server_txn_reply(txn, 405, NULL, RF_SPAN_LIT("Allow: " ALLOW "\r\n"), now_us);
    }
}
