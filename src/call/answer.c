/*
 * call/answer.c - ringing, early media, the answer and its ACK: two legs become one call (RFC 3261 13.3.1, 3264)
 */
#include "call/layer.h"
#include "sip/header.h"

#define ELSEWHERE "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"

/*
 * Both legs' keys are known: tell the relay. Leg B first: while leg A has no CHANGE nothing is relayed either way, so
 * no order of packets can make one leave in clear (I3).
 */
static void
join_media(struct call *c, struct leg *b)
{
    call_media_change(c, b, NULL);
    call_media_change(c, c->a, NULL);
}

/* A description of a fork that has agreed to another one by UPDATE repeats what it said before. */
static bool
is_old_answer(const struct leg *leg, const struct rf_sip_msg *msg)
{
    return leg->early_updated && leg->early.remote_tag != NULL && rf_span_is(msg->to_tag, leg->early.remote_tag);
}

/* What an 18x says of media holds no more: the phone is asked by UPDATE of another offer than its INVITE's, or has agreed to
 * one (E3). Another fork of it is heard when it takes the call. */
static bool
is_past_answers(const struct leg *leg)
{
    return leg->early_updated || leg->invite_offer != NULL;
}

/* 101-199: told to leg A when new; with SDP it opens early media, encrypted like the rest (TEL-24). */
void
call_early(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg_media *m = NULL;
    uint64_t version = c->a->sdp_version;
    bool shown = c->a->sent != NULL;
    struct rf_span text;
    enum rf_refusal why;

    transfer_early(c, msg->status, now_us);
    /* An offerless INVITE: a description in an unreliable 1xx means nothing (RFC 3261 13.2.1). */
    if (!rf_sip_has_sdp(msg) || c->is_offerless || c->early_agreed || is_past_answers(leg)) {
        if (c->early_status != msg->status && (c->a->sent == NULL || is_past_answers(leg))) {
            c->early_status = (uint16_t)msg->status;
            leg_respond(c->a, msg->status, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
        }
        return;
    }
    why = leg_answer_in(leg, msg->body, &m);
    if (why != RF_REFUSE_NONE) { /* TEL-31: 183 without crypto: CANCEL with the Reason */
        leg->refusal = why;
        leg->status = 488;
        leg_cancel(leg, why, now_us);
        call_choose_failure(c, now_us);
        return;
    }
    leg_media_free(leg->next);
    leg->next = m; /* of several forks the latest is shown */
    if (c->join == JOIN_ASKED)
        return; /* leg A speaks with somebody else until this one answers */
    if (prack_is_bound(c->a)) {
        if (c->early_status != msg->status)
            leg_respond(c->a, msg->status, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
        c->early_status = (uint16_t)msg->status;
        return;
    }
    text = leg_answer_out(c->a, c->a->next, m);
    join_media(c, leg);
    /* The same description again, as most phones send it with 180 and 183: nothing new for leg A. */
    if (shown && c->a->sdp_version == version && c->early_status == msg->status)
        return;
    c->early_status = (uint16_t)msg->status;
    leg_respond(c->a, msg->status, (struct rf_span){ 0 }, text, now_us);
}

/* A 2xx we cannot use: ACK, BYE with the reason (TEL-31, TEL-32, TEL-38), and the others go on ringing. */
static void
refuse_answer(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, enum rf_refusal why, uint64_t now_us)
{
    leg_drop_2xx(leg, msg, leg->flow, why, now_us);
    leg->state = LEG_DONE;
    leg->refusal = why;
    leg->status = rf_refusal_row(why)->sip;
    call_choose_failure(c, now_us);
}

/* What a 2xx says about media: an answer to our offer, or the offer when leg A's INVITE had none. */
static enum rf_refusal
media_of_2xx(struct call *c, struct leg *leg, const struct rf_sip_msg *msg)
{
    struct leg_media *m = NULL;
    enum rf_refusal why;

    if (c->early_agreed || is_old_answer(leg, msg))
        return RF_REFUSE_NONE; /* what its 200 repeats is no second answer (RFC 3261 13.2.1) */
    if (!rf_sip_has_sdp(msg)) {
        /* Some phones answer in 183 alone; that answer then holds. */
        if (!c->is_offerless && leg->next != NULL)
            return RF_REFUSE_NONE;
        call_say(c, RF_REFUSE_BAD_SDP,
                 (const struct rf_log_field[]){ RF_F_STR("who", leg_who(leg)),
                                                RF_F_STR("detail", "its 200 has no session description"),
                                                RF_F_STR("call", c->id), { 0 } });
        return RF_REFUSE_BAD_SDP;
    }
    why = c->is_offerless ? leg_offer_in(leg, msg->body, &m) : leg_answer_in(leg, msg->body, &m);
    if (why != RF_REFUSE_NONE)
        return why;
    leg_media_free(leg->next);
    leg->next = m;
    return RF_REFUSE_NONE;
}

static void
take_winner(struct call *c, struct leg *leg, uint64_t now_us)
{
    rf_list_remove(&leg->link);
    pickup_unname(leg);
    c->b = leg;
    if (!leg->server_is_open) /* else with its 200 */
        leg->state = LEG_UP;
    c->a->state = LEG_UP;
    c->state = CALL_UP;
    c->answered = true;
    c->answered_us = now_us;
    c->answered_wall_s = c->l->env.wall_s(c->l->env.ctx);
    rf_timer_arm(c->l->env.wheel, &c->timer, now_us + SAMPLE_US);
    rf_timer_cancel(c->l->env.wheel, &c->stage_timer);
    call_tell(c);
    pickup_over(c, now_us);
}

void
call_answered(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_session_expires expires;
    enum rf_refusal why;

    if (leg == c->b && rf_span_is(msg->to_tag, leg->dialog.remote_tag)) {
        leg_repeat_ack(leg); /* our ACK was lost */
        return;
    }
    if (c->state != CALL_RINGING || leg->state != LEG_INVITED) {
        /* Crossed our CANCEL, lost against another phone, or another fork of the one that won. */
        leg_drop_2xx(leg, msg, leg->flow, c->state == CALL_UP ? RF_REFUSE_NONE : leg->refusal, now_us);
        if (leg != c->b)
            leg->state = LEG_DONE;
        call_choose_failure(c, now_us);
        return;
    }
    if (prack_holds_2xx(c->a, leg, msg))
        return;
    why = media_of_2xx(c, leg, msg);
    if (why != RF_REFUSE_NONE) {
        refuse_answer(c, leg, msg, why, now_us);
        return;
    }
    if (rf_dialog_from_response(&leg->dialog, &leg->dialog, msg) != RF_OK) {
        leg->state = LEG_DONE; /* no Contact: there is nowhere to send an ACK */
        leg->status = 502;
        call_choose_failure(c, now_us);
        return;
    }
    if (rf_session_expires_of(msg, &expires) == RF_OK)
        rf_session_timer_uac(&expires, leg->session_ask_s, &leg->session);
    if (leg->early.has_remote_cseq && rf_span_is(msg->to_tag, leg->early.remote_tag)) {
        leg->dialog.remote_cseq = leg->early.remote_cseq;
        leg->dialog.has_remote_cseq = true;
    }
    leg->early_told = leg->early_told && leg->early.remote_tag != NULL && rf_span_is(msg->to_tag, leg->early.remote_tag);
    prack_forget(leg);
    leg_learn_allow(leg, msg);
    call_won(c, leg, (struct rf_span){ 0 }, now_us);
}

/* ACK for its 2xx; or of one that has sent the INVITE itself the 200, with our answer to its offer. */
static void
tell_winner(struct leg *leg, struct rf_span sdp, uint64_t now_us)
{
    if (!leg->server_is_open) {
        leg_send_ack(leg, sdp);
        return;
    }
    leg->state = LEG_UP;
    leg_respond(leg, 200, (struct rf_span){ 0 }, sdp, now_us);
    leg_repeat_2xx(leg, now_us);
}

void
call_won(struct call *c, struct leg *leg, struct rf_span sdp, uint64_t now_us)
{
    bool is_picker = leg->server_is_open;
    uint64_t version = c->a->sdp_version;
    struct rf_span text;

    take_winner(c, leg, now_us);
    call_cancel_attempts(c, leg, ELSEWHERE, now_us);
    held_drop(c, now_us);

    if (c->join == JOIN_ASKED) {
        tell_winner(leg, sdp, now_us);
        leg_media_agree(leg);
        leg_session_start(leg, now_us);
        transfer_answered(c, now_us);
        return;
    }
    if (c->is_offerless) {
        text = leg_offer_out(c->a, leg->next); /* leg B hears when leg A's ACK has come, which bears the answer */
        c->a->answer_in_ack = true;
    } else {
        tell_winner(leg, sdp, now_us);
        text = c->early_agreed && !is_picker ? (struct rf_span){ 0 } : leg_answer_out(c->a, c->a->next, leg->next);
        leg_media_agree(leg);
        leg_media_agree(c->a);
        join_media(c, leg);
    }
    if (text.n == 0 && (!c->early_agreed || is_picker)) {
        /* SRTP required over a path that may not carry keys, or it does not fit */
        leg_session_start(leg, now_us);
        call_end(c, "us", 488, c->a->refusal != RF_REFUSE_NONE ? c->a->refusal : RF_REFUSE_BAD_SDP, now_us);
        return;
    }
    if ((prack_is_bound(c->a) || c->early_agreed) && c->a->sdp_version != version) {
        text.n = 0;
        c->join = JOIN_A; /* after its ACK: transfer_tick */
    }
    if (c->a->early_news && !leg->early_told)
        c->join = JOIN_B; /* leg B knows nothing of it */
    leg_respond(c->a, 200, (struct rf_span){ 0 }, text, now_us);
    leg_repeat_2xx(c->a, now_us);
    leg_session_start(c->a, now_us);
    leg_session_start(leg, now_us);
    call_save(c);
}

/* The ACK of an offerless INVITE bears leg A's answer: now leg B gets its ACK with ours. */
static void
answer_in_ack(struct call *c, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg_media *m = NULL;
    struct rf_span text;
    enum rf_refusal why = RF_REFUSE_BAD_SDP;

    c->a->answer_in_ack = false;
    if (rf_sip_has_sdp(msg))
        why = leg_answer_in(c->a, msg->body, &m);
    else
        call_say(c, RF_REFUSE_BAD_SDP,
                 (const struct rf_log_field[]){ RF_F_STR("who", leg_who(c->a)), RF_F_STR("call", c->id),
                                                RF_F_STR("detail", "its ACK has no answer to our offer"), { 0 } });
    if (why != RF_REFUSE_NONE) {
        if (!c->b->server_is_open)
            leg_send_ack(c->b, (struct rf_span){ 0 });
        call_end(c, "us", 488, why, now_us);
        return;
    }
    leg_media_free(c->a->next);
    c->a->next = m;
    text = leg_answer_out(c->b, c->b->next, m);
    tell_winner(c->b, text, now_us);
    leg_media_agree(c->a);
    leg_media_agree(c->b);
    join_media(c, c->b);
    call_save(c);
}

void
call_ack_received(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    if (leg->awaits_ack)
        ladder_msg(c, leg->side, false, msg, now_us);
    /* The number of the INVITE; PRACK, UPDATE and REFER have moved on the dialog's. */
    if (!leg->awaits_ack || leg->server == NULL || msg->cseq != rf_server_txn_request(leg->server)->cseq)
        return;
    leg_ack_received(leg, now_us);
    if (c->state != CALL_UP) {
        call_settle(c);
        return;
    }
    if (c->exchange.from == leg && c->exchange.kind == EXCHANGE_ANSWERED)
        exchange_ack(c, leg, msg, now_us);
    else if (leg == c->a && leg->answer_in_ack)
        answer_in_ack(c, msg, now_us);
}
