/*
 * call/update.c - UPDATE (RFC 3311): a session refreshed or changed without a second INVITE
 *
 * Theirs without a description is a sign of life and a new target. With one it is an offer: in a call that is up it goes
 * the way of a re-INVITE (exchange.c) and has no ACK. Before the answer the caller's goes on to the phone, when there is
 * one that takes it (earlyoffer.c). Else, and in a PRACK, it is answered here with what is
 * agreed already, when it allows that: new ports, keys, a hold, more codecs (leg B's is prack_early_request). An offer
 * that takes away or renumbers a codec which the other side may send is 488: it would have to be an UPDATE to each fork
 * of each phone, every one a dialog with an offer and answer of its
 * own (RFC 3261 13.2.2.4, RFC 3264 4), whose several answers cannot become one; and a phone that has not said that it
 * takes reliable 1xx has answered nothing yet that may be updated (RFC 3311 5.1). RFC 3311 5.2 leaves the session as it
 * was, and the same offer goes through when the call is up. Then the other side is told of a hold, too (early_news).
 *
 * Ours are refreshes of the session timer, without a description, to peers whose Allow says UPDATE (RFC 4028 7.4).
 */
#include "call/layer.h"
#include "sip/header.h"

#define AGAIN_US (2 * RF_S) /* after 500 with its Retry-After, which is at most 10 s and of no use to a timer of minutes */

void
leg_learn_allow(struct leg *leg, const struct rf_sip_msg *msg)
{
    if (rf_sip_value(msg, RF_HDR_ALLOW).p != NULL)
        leg->allows_update = (rf_sip_allow(msg) & 1u << RF_SIP_UPDATE) != 0;
}

/* --- theirs --- */

static void
server_ended(void *owner)
{
    ((struct leg *)owner)->update = NULL;
}

static const struct rf_server_txn_events update_server_events = { .ended = server_ended };

void
update_own(struct leg *leg, struct rf_server_txn *txn)
{
    update_disown(leg);
    leg->update = txn;
    rf_server_txn_own(txn, &update_server_events, leg);
}

void
update_disown(struct leg *leg)
{
    if (leg->update != NULL)
        rf_server_txn_own(leg->update, NULL, NULL);
    leg->update = NULL;
}

void
leg_reply(struct leg *leg, struct rf_server_txn *txn, int status, struct rf_span extra, struct rf_span sdp,
          uint64_t now_us)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_flow *flow = rf_server_txn_flow(txn);
    const struct rf_sip_msg *req = rf_server_txn_request(txn);

    rf_sip_put_response(&b, req, status, NULL, rf_span_str(leg->dialog.local_tag), &flow->remote);
    if (status < 300) {
        struct rf_addr ours, media;
        struct rf_hop hop = { flow->transport, &ours };

        l->env.our_address(l->env.ctx, flow, &ours, &media);
        rf_put_contact(&b, &hop, leg_contact_user(leg));
        rf_put_str(&b, "Allow: " ALLOW "\r\nSupported: " SUPPORTED "\r\n");
        if (req->method == RF_SIP_UPDATE)
            rf_put_session_timer_response(&b, &leg->session);
    }
    rf_put(&b, extra);
    rf_sip_put_body(&b, sdp.n > 0 ? "application/sdp" : NULL, sdp);
    if (rf_buf_done(&b) != RF_OK) {
        rf_server_txn_reply(txn, 500, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    ladder_sdp(leg->call, leg->side, rf_sip_method_name(req->method), status, sdp, now_us);
    rf_server_txn_respond(txn, status, rf_buf_span(&b), now_us);
}

/* What leg A was shown last; NULL: nothing. */
static struct leg_media *
shown(struct call *c)
{
    struct leg_media *codecs = NULL;

    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *b = rf_container(it, struct leg, link);

        if (b->state == LEG_INVITED && b->next != NULL)
            codecs = b->next;
    }
    return codecs;
}

static bool
refuse_early(struct leg *leg, struct rf_server_txn *txn, enum rf_refusal why, uint64_t now_us)
{
    char text[700];
    struct rf_buf extra = rf_buf(text, sizeof text);

    put_refusal_headers(leg->call, &extra, why);
    leg_reply(leg, txn, why != RF_REFUSE_NONE ? rf_refusal_row(why)->sip : 488,
              rf_buf_done(&extra) == RF_OK ? rf_buf_span(&extra) : (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
    return false;
}

bool
update_early(struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg_media *m = NULL;
    enum rf_refusal why = shown(leg->call) != NULL ? leg_offer_in(leg, msg->body, &m) : RF_REFUSE_BAD_SDP;

    if (why != RF_REFUSE_NONE)
        return refuse_early(leg, txn, why, now_us);
    if (msg->method == RF_SIP_UPDATE && leg_offer_is_news(leg, m) && early_offer_pass(leg->call, txn, m, now_us))
        return true;
    return update_answer_here(leg, txn, m, now_us);
}

bool
update_answer_here(struct leg *leg, struct rf_server_txn *txn, struct leg_media *m, uint64_t now_us)
{
    struct call *c = leg->call;
    struct leg_media *codecs = shown(c);
    struct rf_span sdp;

    if (codecs == NULL || (leg_offer_is_news(leg, m) && (c->is_bypass || !leg_offer_covers(m, codecs)))) {
        leg_media_free(m);
        return refuse_early(leg, txn, RF_REFUSE_NONE, now_us);
    }
    if (leg->next != NULL && m->theirs != leg->next->theirs) {
        leg->early_news = true;
        RF_LIST_FOREACH(&c->attempts, it)
            rf_container(it, struct leg, link)->early_told = false;
    }
    leg_media_free(leg->next);
    leg->next = m;
    sdp = leg_answer_out(leg, m, codecs);
    call_media_change(c, leg, NULL);
    leg_reply(leg, txn, 200, (struct rf_span){ 0 }, sdp, now_us);
    return true;
}

/* An offer before the call is up (RFC 3311 5.2). */
static void
offer_early(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    if (leg != c->a || leg->state == LEG_UP || c->state != CALL_RINGING) {
        leg_reply(leg, txn, 491, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us); /* our offer has no answer */
        return;
    }
    if (!prack_answer_is_known(leg) || leg->asked != NULL) {
        leg_reply(leg, txn, 500, RF_SPAN_LIT("Retry-After: 2\r\n"), (struct rf_span){ 0 }, now_us);
        return;
    }
    (void)update_early(leg, txn, msg, now_us);
}

void
update_request(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
               uint64_t now_us)
{
    int kind;

    if (c->state == CALL_ENDING) {
        rf_server_txn_reply(txn, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    leg_learn_allow(leg, msg);
    if (msg->body.n > 0 && c->state == CALL_UP && exchange_is_in_the_way(c, leg, txn, msg, now_us))
        return;
    if (!exchange_session(c, leg, txn, msg, now_us))
        return;
    kind = request_sdp(c->l, txn, msg, now_us);
    if (kind < 0)
        return;
    if (kind == 0) {
        rf_dialog_refresh_target(&leg->dialog, msg);
        leg_reply(leg, txn, 200, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
        if (c->state == CALL_UP)
            leg_session_start(leg, now_us);
    } else if (c->state == CALL_UP && leg->state == LEG_UP) {
        exchange_update(c, leg, txn, msg, now_us);
    } else {
        offer_early(c, leg, txn, msg, now_us);
    }
}

/* --- ours --- */

static void
refreshed(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_session_expires e;

    rf_dialog_refresh_target(&leg->dialog, msg);
    if (rf_session_expires_of(msg, &e) == RF_OK)
        rf_session_timer_uac(&e, leg->session.expires_s, &leg->session);
    leg_session_start(leg, now_us);
}

/* By re-INVITE from now on: it said that it takes UPDATE, and does not. */
static void
refresh_by_invite(struct leg *leg, uint64_t now_us)
{
    leg->allows_update = false;
    exchange_refresh(leg->call, leg, now_us);
}

static void
refresh_answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *leg = owner;
    struct call *c = leg->call;
    struct rf_session_expires e;
    struct rf_wheel *wheel = c->l->env.wheel;

    if (msg->status < 200)
        return;
    ladder_msg(c, leg->side, false, msg, now_us);
    rf_client_txn_disown(txn);
    leg->refresh = NULL;
    if (c->state != CALL_UP)
        return;
    if (leg_answers_challenge(leg, msg, &leg->update_challenges)) {
        update_refresh(leg, now_us);
        return;
    }
    leg->update_challenges = 0;
    if (msg->status < 300)
        refreshed(leg, msg, now_us);
    else if (msg->status == 408 || msg->status == 481)
        call_end(c, leg == c->a ? "caller" : "callee", 408, RF_REFUSE_NONE, now_us);
    else if (msg->status == 491)
        rf_timer_arm(wheel, &leg->session_timer, now_us + rf_dialog_glare_wait_us(&leg->dialog, c->l->env.rand));
    else if (msg->status == 500)
        rf_timer_arm(wheel, &leg->session_timer, now_us + AGAIN_US);
    else if (msg->status == 422 && rf_session_expires_of(msg, &e) == RF_OK && e.min_se_s > leg->session.expires_s) {
        leg->session.expires_s = e.min_se_s;
        update_refresh(leg, now_us);
    } else {
        refresh_by_invite(leg, now_us);
    }
}

static void
refresh_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct leg *leg = owner;
    struct call *c = leg->call;

    rf_client_txn_disown(txn);
    leg->refresh = NULL;
    if (c->state != CALL_UP)
        return;
    if (why == RF_ERR_CLOSED) /* its connection broke: a re-INVITE looks for another way */
        exchange_refresh(c, leg, now_us);
    else
        call_end(c, "session timer", 408, RF_REFUSE_NONE, now_us);
}

static void
refresh_ended(void *owner, struct rf_client_txn *txn)
{
    struct leg *leg = owner;

    if (leg->refresh == txn)
        leg->refresh = NULL;
}

static const struct rf_client_txn_events refresh_events = { refresh_answered, refresh_failed, refresh_ended };

void
update_refresh(struct leg *leg, uint64_t now_us)
{
    char text[256];
    struct rf_buf extra = rf_buf(text, sizeof text);

    if (leg->refresh != NULL)
        return;
    rf_put_str(&extra, "Supported: " SUPPORTED "\r\n");
    rf_put_session_timer_request(&extra, leg->session.expires_s, call_settings(leg->call)->min_se_s, &leg->session);
    if (!leg->allows_update ||
        leg_send(leg, RF_SIP_UPDATE, rf_buf_span(&extra), NULL, (struct rf_span){ 0 }, &refresh_events, leg,
                 &leg->refresh, now_us) != RF_OK) {
        leg_credentials_drop(leg); /* they were for an UPDATE */
        exchange_refresh(leg->call, leg, now_us);
    }
}
