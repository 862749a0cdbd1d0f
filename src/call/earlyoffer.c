/*
 * call/earlyoffer.c - what the caller offers by UPDATE before the answer goes on to the phone that rings (RFC 3311)
 *
 * When one phone rings, by one fork, and has answered our offer reliably, its early dialog may have a second offer and
 * answer (RFC 3311 5.1): the caller's UPDATE waits for the answer to ours. In any other case update.c answers it here,
 * or refuses it. Keys stay as they are: the offer has the ones that were agreed.
 *
 * Invariants
 * (E1) One at a time: leg A's offer is `asked`, its UPDATE `update`; ours is leg B's `refresh`.
 * (E2) Meanwhile no 2xx of leg B is heard (prack_holds_2xx), and an offer of its own is answered 491 (5.2).
 * (E3) The INVITE's offer is kept in `invite_offer`: another fork may still answer that one.
 */
#include <stdlib.h>

#include "call/layer.h"

#define ANSWER_WITHIN_US (16 * RF_S) /* who sent UPDATE gives up after 32 s, and the answer needs time to get there */

static const struct rf_client_txn_events update_events;

/* --- whom to ask --- */

/* NULL: nobody, or several, or it cannot be updated yet. */
static struct leg *
only_phone(struct call *c)
{
    struct leg *b = NULL;

    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *leg = rf_container(it, struct leg, link);

        if (leg->state == LEG_DONE || leg->state == LEG_CANCELLED)
            continue;
        if (b != NULL)
            return NULL;
        b = leg;
    }
    return b != NULL && b->state == LEG_INVITED && b->early_answered && b->next != NULL && b->allows_update &&
                   b->refresh == NULL && prack_is_only_fork(b)
               ? b : NULL;
}

/* In the dialog that its 18x began; the numbers of requests are the leg's. */
static bool
send_update(struct leg *b, struct rf_span sdp, uint64_t now_us)
{
    struct rf_dialog whole = b->dialog;
    enum rf_err err;

    b->early.local_cseq = whole.local_cseq;
    b->dialog = b->early;
    err = leg_send(b, RF_SIP_UPDATE, RF_SPAN_LIT("Allow: " ALLOW "\r\nSupported: " SUPPORTED "\r\n"), "application/sdp",
                   sdp, &update_events, b, &b->refresh, now_us);
    b->early = b->dialog;
    b->dialog = whole;
    b->dialog.local_cseq = b->early.local_cseq;
    return err == RF_OK;
}

/* (E3) */
static void
restore_offer(struct leg *b)
{
    if (b->invite_offer == NULL)
        return;
    leg_offer_drop(b);
    b->offer = b->invite_offer;
    b->invite_offer = NULL;
}

/* Leg A's offer is asked no more. The caller's. */
static struct leg_media *
take_asked(struct leg *a)
{
    struct leg_media *m = a->asked;

    a->asked = NULL;
    rf_timer_cancel(a->call->l->env.wheel, &a->asked_timer);
    return m;
}

/* The phone may have agreed all the same, and its answer is lost: when it takes the call it is told what holds. */
static void
time_is_over(struct rf_timer *t, uint64_t now_us)
{
    struct leg *a = rf_container(t, struct leg, asked_timer);
    struct call *c = a->call;

    early_offer_stop(c, 500, now_us);
    a->early_news = true;
    RF_LIST_FOREACH(&c->attempts, it)
        rf_container(it, struct leg, link)->early_told = false;
    prack_go_on(c, now_us);
}

bool
early_offer_pass(struct call *c, struct rf_server_txn *txn, struct leg_media *m, uint64_t now_us)
{
    struct leg *b = c->is_bypass || c->join != JOIN_NONE ? NULL : only_phone(c);
    struct rf_span sdp;

    if (b == NULL || b->offer == NULL)
        return false;
    b->invite_offer = b->offer;
    b->offer = NULL;
    b->update_challenges = 0;
    sdp = leg_offer_early(b, m);
    if (sdp.n == 0 || !send_update(b, sdp, now_us)) {
        restore_offer(b);
        return false;
    }
    c->a->asked = m;
    c->a->asked_timer.fire = time_is_over;
    rf_timer_arm(c->l->env.wheel, &c->a->asked_timer, now_us + ANSWER_WITHIN_US);
    update_own(c->a, txn);
    return true;
}

/* --- the answer --- */

static void
reply(struct call *c, int status, struct rf_span sdp, uint64_t now_us)
{
    struct rf_server_txn *txn = c->a->update;

    update_disown(c->a);
    if (txn != NULL)
        leg_reply(c->a, txn, status, status == 500 ? RF_SPAN_LIT("Retry-After: 2\r\n") : (struct rf_span){ 0 }, sdp,
                  now_us);
}

/* Nothing has changed. What the phone does not do by UPDATE may still be answered without it. */
static void
refused(struct call *c, struct leg *b, int status, uint64_t now_us)
{
    struct leg_media *m = take_asked(c->a);
    struct rf_server_txn *txn = c->a->update;

    restore_offer(b);
    if (status == 405 || status == 501)
        b->allows_update = false;
    if (status == 491 || status == 500 || status == 503 || status == 408 || status == 481 || txn == NULL) {
        leg_media_free(m);
        reply(c, status == 491 ? 491 : 500, (struct rf_span){ 0 }, now_us);
    } else {
        update_disown(c->a);
        (void)update_answer_here(c->a, txn, m, now_us);
    }
}

/* It has agreed to what we cannot do, or may not: it is cancelled, as with an answer of that kind in its 18x. */
static void
unusable(struct call *c, struct leg *b, enum rf_refusal why, uint64_t now_us)
{
    leg_media_free(take_asked(c->a));
    restore_offer(b);
    reply(c, 488, (struct rf_span){ 0 }, now_us);
    b->refusal = why;
    b->status = 488;
    leg_cancel(b, why, now_us);
    call_choose_failure(c, now_us);
}

static void
agreed(struct call *c, struct leg *b, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *a = c->a;
    struct leg_media *m = NULL, *old = b->next;
    enum rf_refusal why = leg_answer_in(b, msg->body, &m);
    struct rf_span sdp = { 0 };

    if (why == RF_REFUSE_NONE && (sdp = leg_answer_out(a, a->asked, m)).n == 0) {
        leg_media_free(m);
        why = RF_REFUSE_NO_COMMON_CODEC;
    }
    if (why != RF_REFUSE_NONE) {
        unusable(c, b, why, now_us);
        return;
    }
    restore_offer(b);
    rf_dialog_refresh_target(&b->early, msg);
    b->next = m;
    b->early_updated = b->early_told = true;
    leg_media_free(a->next);
    a->next = take_asked(a);
    a->early_news = true; /* to whoever else answers */
    call_media_change(c, b, old);
    call_media_change(c, a, NULL);
    leg_media_free(old);
    reply(c, 200, sdp, now_us);
}

static bool
sign_in_again(struct leg *b, const struct rf_sip_msg *msg, uint64_t now_us)
{
    leg_credentials_drop(b);
    b->credentials = call_credentials(b->call->l, b->connection, b->early.target, msg, &b->update_challenges);
    return b->credentials != NULL && send_update(b, rf_span(b->sent, b->sent_n), now_us);
}

static void
update_answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *b = owner;
    struct call *c = b->call;
    struct rf_call_layer *l = c->l;
    uint64_t serial = c->serial;

    if (msg->status < 200)
        return;
    ladder_msg(c, b->side, false, msg, now_us);
    rf_client_txn_disown(txn);
    b->refresh = NULL;
    if (c->a->asked == NULL)
        return;
    if (b->state != LEG_INVITED || c->state != CALL_RINGING || !rf_span_is(msg->to_tag, b->early.remote_tag))
        refused(c, b, 500, now_us);
    else if (msg->status >= 300 && sign_in_again(b, msg, now_us))
        return;
    else if (msg->status >= 300)
        refused(c, b, msg->status, now_us);
    else
        agreed(c, b, msg, now_us);
    if (call_by_serial(l, serial) == c)
        prack_go_on(c, now_us);
}

static void
update_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct leg *b = owner;

    (void)why;
    rf_client_txn_disown(txn);
    b->refresh = NULL;
    if (b->call->a->asked == NULL)
        return;
    refused(b->call, b, 500, now_us);
    prack_go_on(b->call, now_us);
}

static void
update_ended(void *owner, struct rf_client_txn *txn)
{
    struct leg *b = owner;

    if (b->refresh == txn)
        b->refresh = NULL;
}

static const struct rf_client_txn_events update_events = { update_answered, update_failed, update_ended };

/* --- its end --- */

void
early_offer_stop(struct call *c, int status, uint64_t now_us)
{
    if (c->a == NULL || c->a->asked == NULL)
        return;
    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *b = rf_container(it, struct leg, link);

        if (b->invite_offer == NULL)
            continue;
        if (b->refresh != NULL)
            rf_client_txn_disown(b->refresh);
        b->refresh = NULL;
        restore_offer(b);
    }
    leg_media_free(take_asked(c->a));
    reply(c, status, (struct rf_span){ 0 }, now_us);
}

void
early_offer_free(struct leg *leg)
{
    leg_media_free(take_asked(leg));
    restore_offer(leg);
}
