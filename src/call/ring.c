/*
 * call/ring.c - legs B: a path to each phone, an INVITE of its own, and what becomes of it (RFC 3261 13.2, 16.7)
 */
#include <stdlib.h>

#include "call/layer.h"
#include "sip/header.h"

static void ring_leg(struct leg *leg, uint64_t now_us);
static void path_ready(void *owner, struct rf_flow *flow, enum rf_err why);
static const struct rf_client_txn_events invite_events;

/* --- paths --- */

/* From target to target (route/hunt.h): a way to the next one. The leg, and the call, may be gone after it. */
static void
seek(struct leg *leg, bool is_large)
{
    struct rf_call_env *env = &leg->call->l->env;

    leg->state = LEG_NEW;
    leg->is_large = leg->is_large || is_large;
    leg_set_flow(leg, NULL);
    leg->path_wanted = true;
    env->path_next(env->ctx, leg->path, is_large);
}

/* What the leg was told and what it said is of no worth with the next target. */
static void
forget_target(struct leg *leg)
{
    early_offer_stop(leg->call, 500, call_now(leg->call));
    leg_offer_drop(leg);
    leg_media_free(leg->next);
    leg->next = NULL;
    leg_credentials_drop(leg);
    leg->challenges = 0;
    leg->early_tag[0] = '\0';
    prack_forget(leg);
}

/* It, or we, cannot speak as the other side wants. For how many places of a route that was so: places_incompatible. */
static bool
is_incompatible(const struct leg *leg)
{
    return leg->status == 488 || leg->status == 606 || rf_refusal_row(leg->refusal)->q850 == 88;
}

/* What the present place said is over, but may be the answer when nobody else says anything. */
static void
place_over(struct leg *leg)
{
    leg->places_incompatible += is_incompatible(leg) && !leg->status_is_former;
    leg->former_status = leg->status;
    leg->is_unreachable = false;
    leg->former_refusal = leg->refusal;
    leg->status_is_former = false;
    leg->status = 0;
}

/* true: the place before has said something. */
static bool
former_answers(struct leg *leg)
{
    if (leg->former_status == 0)
        return false;
    leg->status = leg->former_status;
    leg->refusal = leg->former_refusal;
    return leg->status_is_former = true;
}

/*
 * The next connection of a route: a dialog of its own, because its URI, its number and its policy are others.
 * false: there is none. Otherwise the leg, and the call, may be gone.
 */
static bool
next_place(struct leg *leg, uint64_t now_us)
{
    leg_path_end(leg);
    forget_target(leg);
    place_over(leg);
    while (leg_take_place(leg, now_us)) {
        ladder_add(leg->call, 1, true, "", 0, leg->connection, now_us);
        leg->path = leg_path_new(leg, path_ready);
        if (leg->path == NULL)
            continue;
        seek(leg, false);
        return true;
    }
    if (leg->status == 0)
        (void)former_answers(leg);
    leg->hunt.state = RF_HUNT_OVER;
    return false;
}

/*
 * The present target is done with, one way or another; leg->status says how. Last thing its caller does (I5).
 */
static void
target_over(struct leg *leg, enum rf_hunt_event e, uint64_t now_us)
{
    struct call *c = leg->call;
    struct rf_call_env *env = &c->l->env;
    unsigned act = rf_hunt_feed(&leg->hunt, e);

    if (act & RF_HUNT_ASIDE)
        env->path_aside(env->ctx, leg->path, leg->retry_after_s, now_us);
    leg->retry_after_s = 0;
    if (act & RF_HUNT_ASK_LARGE) {
        forget_target(leg);
        ladder_add(c, 1, true, "", 0, "too large for UDP: TCP comes first", now_us);
        seek(leg, true);
        return;
    }
    if (act & RF_HUNT_ASK) {
        forget_target(leg);
        seek(leg, false);
        return;
    }
    if ((act & RF_HUNT_ASK_PLACE) && next_place(leg, now_us))
        return;
    early_offer_leg_over(leg, now_us);
    leg->state = LEG_DONE;
    leg_tell(leg);
    leg_path_end(leg);
    leg_uncount(leg);
    call_choose_failure(c, now_us);
}

/* There is no way left. What the last target said stays the answer. */
static void
no_way(struct leg *leg, enum rf_err why, uint64_t now_us)
{
    if (leg->status == 0 && !former_answers(leg)) {
        /* A phone that cannot be reached is not there; a carrier's server is there and out of order (TEL-6). */
        leg->is_unreachable = leg->connection[0] != '\0' && !leg->is_registered && why != RF_ERR_NOMEM;
        leg->status = leg->is_unreachable || why == RF_ERR_AGAIN || why == RF_ERR_NOMEM ? 503 : 480;
        leg->refusal = why == RF_ERR_CLOSED && !leg->is_unreachable ? RF_REFUSE_STALE_FLOW : RF_REFUSE_NONE;
        ladder_add(leg->call, 1, true, "INVITE", 0, rf_err_text(why), now_us);
    }
    target_over(leg, RF_HUNT_EV_NO_WAY, now_us);
}

static void
path_ready(void *owner, struct rf_flow *flow, enum rf_err why)
{
    struct leg *leg = owner;
    struct call *c = leg->call;
    struct rf_addr sip, media;
    uint64_t now_us = call_now(c);

    leg->path_wanted = false;
    if (flow != NULL) {
        leg_set_flow(leg, flow);
        rf_flow_unref(flow);
    } else {
        no_way(leg, why, now_us);
        return;
    }
    c->l->env.our_address(c->l->env.ctx, leg->flow, &sip, &media);
    if ((c->is_bypass || transfer_borrow(c, media.sa.sa_family)) && c->state == CALL_OPENING)
        c->state = CALL_RINGING;
    if (c->media_open || c->is_bypass || c->borrows_media) {
        ring_leg(leg, now_us);
        return;
    }
    if (c->media_opening)
        return;
    if (!call_media_open(c, media.sa.sa_family, now_us))
        call_refuse(c, RF_REFUSE_OVERLOAD, 0,
                    (const struct rf_log_field[]){ RF_F_STR("what", "the media relay"), RF_F_STR("who", leg_who(c->a)),
                                                   RF_F_STR("seconds", "5"), RF_F_STR("call", c->id), { 0 } },
                    now_us);
}

void
call_paths_ask(struct call *c, uint64_t now_us)
{
    c->paths_wanted++; /* while we walk the list nothing may end the call */
    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *leg = rf_container(it, struct leg, link);

        if (leg->state != LEG_NEW || leg->binding == NULL || leg->path != NULL || leg->stage > c->stage)
            continue;
        rf_hunt_begin(&leg->hunt, leg->place_count - leg->place_next); /* a binding is a place of its own */
        leg->path = leg_path_new(leg, path_ready);
        if (leg->path != NULL)
            seek(leg, false);
        else
            no_way(leg, RF_ERR_NOMEM, now_us);
    }
    c->paths_wanted--;
    call_choose_failure(c, now_us);
}

/* --- INVITE --- */

static enum rf_err
begin_dialog(struct leg *leg)
{
    struct call *c = leg->call;
    char local[512], remote[512], call_id[48], tag[17];
    struct rf_buf from = rf_buf(local, sizeof local), to = rf_buf(remote, sizeof remote);
    struct rf_buf id = rf_buf(call_id, sizeof call_id), t = rf_buf(tag, sizeof tag);
    uint8_t octets[8];
    enum rf_err err;

    rf_rand_fill(c->l->env.rand, octets, sizeof octets);
    rf_put_hex(&t, octets, sizeof octets);
    if (leg_put_parties(leg, &from, &to) != RF_OK)
        return RF_ERR_RANGE;
    call_own_id(c, &id);
    err = rf_dialog_begin(&leg->dialog, rf_buf_span(&id), rf_buf_span(&t), rf_buf_span(&from), rf_buf_span(&to),
                          rf_span_str(leg->binding->contact), rf_span_str(leg->binding->path), 0);
    if (err != RF_OK)
        return err;
    /* RFC 3261 16.6: one less, down to 0. With a least of 1 two of us that route to each other would never end. */
    leg->dialog.has_max_forwards = true;
    leg->dialog.max_forwards = c->max_forwards > 0 ? c->max_forwards - 1 : 0;
    leg_enter(leg);
    return RF_OK;
}

static enum rf_err
send_invite(struct leg *leg, uint64_t now_us)
{
    struct call *c = leg->call;
    const struct rf_call_settings *s = call_settings(c);
    char text[4096];
    struct rf_buf extra = rf_buf(text, sizeof text);
    struct rf_span sdp = { 0 };
    enum rf_err err;

    rf_put_str(&extra, "Allow: " ALLOW "\r\n");
    rf_put_str(&extra, prack_is_offered(leg) ? "Supported: " SUPPORTED_100REL "\r\n"
                                             : "Supported: " SUPPORTED "\r\n");
    rf_put_session_timer_request(&extra, leg->session_ask_s, s->min_se_s, NULL);
    leg_put_identity(leg, &extra);
    leg_put_forwarded(leg, &extra);
    transfer_put_referred_by(leg, &extra);
    if (rf_buf_done(&extra) != RF_OK)
        return RF_ERR_NOMEM;
    if (!c->is_offerless) {
        sdp = leg_offer_out(leg, c->join == JOIN_ASKED ? c->origin->abilities : c->a->next);
        if (sdp.n == 0)
            return RF_ERR_REFUSED;
    }
    if (leg->client != NULL) {
        rf_client_txn_disown(leg->client);
        leg->client = NULL;
    }
    err = leg_send(leg, RF_SIP_INVITE, rf_buf_span(&extra), "application/sdp", sdp, &invite_events, leg, &leg->client,
                   now_us);
    if (err == RF_OK) {
        leg->client_is_open = true;
        leg->state = LEG_INVITED;
    }
    return err;
}

/* The INVITE could not be sent. */
static void
unsent(struct leg *leg, enum rf_err err, uint64_t now_us)
{
    if (err == RF_ERR_RANGE && !leg->is_large) {
        target_over(leg, RF_HUNT_EV_LARGE, now_us);
        return;
    }
    if (err == RF_ERR_REFUSED) {
        leg->status = 488;
        leg_say_unoffered(leg);
        target_over(leg, RF_HUNT_EV_AWAY, now_us); /* another connection may take what this one must not get */
        return;
    }
    leg->status = err == RF_ERR_CLOSED ? 480 : 503;
    leg->refusal = err == RF_ERR_CLOSED ? RF_REFUSE_STALE_FLOW : RF_REFUSE_NONE;
    /* A pool of ours that is full is not the target's fault, and the next one would not help. */
    target_over(leg, err == RF_ERR_NOMEM ? RF_HUNT_EV_FINAL : RF_HUNT_EV_LOST, now_us);
}

static void
ring_leg(struct leg *leg, uint64_t now_us)
{
    struct call *c = leg->call;
    enum rf_err err = leg_media_place(c, leg);

    if (err == RF_ERR_AGAIN) /* call_ring comes again when it is known */
        return;
    if (err != RF_OK) {
        RF_LOGF(RF_LOG_WARN, "call.family", "a phone does not ring: there is no media port of its address family",
                RF_F_STR("user", leg->user), RF_F_STR("call", c->id));
        seek(leg, false); /* a host may have addresses of both */
        return;
    }
    (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_WAY);
    leg->refusal = RF_REFUSE_NONE;
    if (leg->dialog.call_id != NULL)
        leg->dialog.local_cseq = leg->dialog.invite_cseq - 1; /* the same request, but for its branch (RFC 3263 4.3) */
    else if (begin_dialog(leg) != RF_OK)
        err = RF_ERR_NOMEM;
    if (err == RF_OK)
        err = send_invite(leg, now_us);
    if (err != RF_OK)
        unsent(leg, err, now_us);
}

void
call_ring(struct call *c, uint64_t now_us)
{
    c->state = CALL_RINGING;
    c->paths_wanted++;
    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *leg = rf_container(it, struct leg, link);

        if (leg->state == LEG_NEW && leg->flow != NULL)
            ring_leg(leg, now_us);
    }
    c->paths_wanted--;
    call_choose_failure(c, now_us);
}

/* --- responses --- */

/* 422: the phone wants a longer session (RFC 4028 7.3). Once: what it asks for is then ours too. */
static bool
invite_again(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_session_expires e;

    if (msg->status != 422 || leg->state != LEG_INVITED || rf_session_expires_of(msg, &e) != RF_OK ||
        e.min_se_s <= leg->session_ask_s || leg->call->state != CALL_RINGING)
        return false;
    leg->session_ask_s = e.min_se_s;
    (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_AGAIN);
    return send_invite(leg, now_us) == RF_OK;
}

/* 401, 407: with the name and password of the connection; once, and once more when the nonce was too old. */
static bool
sign_in_there(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    if (leg->state != LEG_INVITED || leg->call->state != CALL_RINGING ||
        !leg_answers_challenge(leg, msg, &leg->challenges))
        return false;
    (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_AGAIN);
    return send_invite(leg, now_us) == RF_OK;
}

/* A target gives way to the next one: for those who look after the call, and after that server. */
static void
say_failover(struct leg *leg, const char *reason)
{
    RF_LOGF(RF_LOG_INFO, "call.target_failed", "an INVITE failed at one target", RF_F_STR("user", leg->user),
            RF_F_ADDR("addr", &leg->remote), RF_F_STR("transport", rf_transport_name(leg->transport)),
            RF_F_STR("reason", reason), RF_F_STR("call", leg->call->id));
}

/* RFC 3261 20.33; what cannot be read counts as not said. */
uint32_t
retry_after_of(const struct rf_sip_msg *msg)
{
    struct rf_sip_retry_after r;

    return rf_sip_retry_after_parse(rf_sip_value(msg, RF_HDR_RETRY_AFTER), &r) == RF_OK ? r.seconds : 0;
}

static void
invite_response(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *leg = owner;
    struct call *c = leg->call;

    (void)txn;
    ladder_msg(c, 1, false, msg, now_us);
    if (msg->status < 200) {
        (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_1XX);
        leg_note_early(leg, msg);
        if (msg->status > 100 && leg->state == LEG_INVITED && c->state == CALL_RINGING &&
            prack_response(leg, msg, now_us))
            call_early(c, leg, msg, now_us);
        return;
    }
    leg->client_is_open = false;
    if (msg->status < 300) {
        (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_2XX);
        if (leg->state != LEG_UP && leg->state != LEG_DONE) /* else the path is wanted by a request in the dialog */
            leg_path_end(leg);
        call_answered(c, leg, msg, now_us);
        return;
    }
    if (leg->state == LEG_UP || leg->state == LEG_DONE)
        return;
    if (invite_again(leg, msg, now_us) || sign_in_there(leg, msg, now_us))
        return;
    if (leg->state == LEG_INVITED) {
        leg->status = msg->status;
        if (msg->status == 503) {
            leg->retry_after_s = retry_after_of(msg);
            say_failover(leg, "503");
        }
    }
    if (msg->status < 400 && c->state == CALL_RINGING) {
        (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_FINAL);
        leg->state = LEG_DONE;
        leg_path_end(leg);
        call_redirect(c, leg, msg);
        call_paths_ask(c, now_us);
        return;
    }
    target_over(leg, rf_hunt_event_of(msg->status), now_us);
}

static void
invite_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct leg *leg = owner;

    (void)txn;
    leg->client_is_open = false;
    if (leg->state == LEG_UP)
        return;
    if (leg->state == LEG_INVITED) {
        leg->status = why == RF_ERR_CLOSED ? 480 : 408;
        leg->refusal = why == RF_ERR_CLOSED ? RF_REFUSE_STALE_FLOW : RF_REFUSE_NONE;
        ladder_add(leg->call, 1, false, "INVITE", leg->status, rf_err_text(why), now_us);
        say_failover(leg, rf_err_text(why));
    }
    target_over(leg, why == RF_ERR_CLOSED ? RF_HUNT_EV_LOST : RF_HUNT_EV_TIMEOUT, now_us);
}

static void
invite_ended(void *owner, struct rf_client_txn *txn)
{
    struct leg *leg = owner;

    if (leg->client == txn)
        leg->client = NULL;
}

static const struct rf_client_txn_events invite_events = { invite_response, invite_failed, invite_ended };

/* true: a CANCEL is to be sent. A leg that looks for its next target stops looking. */
static bool
give_up(struct leg *leg, uint64_t now_us)
{
    if (leg->state == LEG_NEW) {
        leg->state = LEG_DONE;
        leg_path_end(leg);
    }
    (void)rf_hunt_feed(&leg->hunt, RF_HUNT_EV_CANCEL);
    if (leg->state != LEG_INVITED)
        return false;
    early_offer_leg_over(leg, now_us);
    leg->state = LEG_CANCELLED;
    leg_tell(leg);
    return leg->client_is_open && leg->client != NULL;
}

void
leg_cancel(struct leg *leg, enum rf_refusal why, uint64_t now_us)
{
    char text[160];
    struct rf_buf extra = rf_buf(text, sizeof text);

    if (!give_up(leg, now_us))
        return;
    if (why != RF_REFUSE_NONE)
        rf_sip_put_reason_q850(&extra, rf_refusal_row(why)->q850);
    ladder_add(leg->call, 1, true, "CANCEL", 0, why != RF_REFUSE_NONE ? rf_refusal_row(why)->code : "", now_us);
    rf_client_txn_cancel(leg->client, rf_buf_span(&extra), now_us);
}

void
call_cancel_attempts(struct call *c, const struct leg *but, const char *reason, uint64_t now_us)
{
    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *leg = rf_container(it, struct leg, link);

        if (leg == but || !give_up(leg, now_us))
            continue;
        ladder_add(c, 1, true, "CANCEL", 0, "", now_us);
        rf_client_txn_cancel(leg->client, rf_span_str(reason), now_us);
    }
}

/* --- the best of the failures --- */

/* RFC 3261 16.7 step 6: a 6xx rules; then what says most about the person called. Lower is better. */
static int
rank(const struct leg *leg)
{
    if (leg->status >= 600)
        return 0;
    if (leg->status == 486)
        return 1;
    if (is_incompatible(leg))
        return 2;
    if (leg->status == 408)
        return 5;
    return leg->status < 500 ? 3 : 4;
}

/* What leg A hears of it. Challenges and redirections are between us and the phone; somebody's 503 would say that we
 * are out of service (RFC 3261 16.7 step 6). */
static int
outward(const struct leg *leg)
{
    int status = leg->status;

    if (status < 400 || status == 401 || status == 407 || status == 422 || status == 481)
        return 480;
    return status == 503 && !leg->is_unreachable ? 500 : status;
}

void
call_choose_failure(struct call *c, uint64_t now_us)
{
    const struct leg *best = NULL;
    size_t incompatible = 0, all = 0;
    int status;

    if (c->state == CALL_ENDING) {
        if (c->paths_wanted == 0)
            call_settle(c);
        return;
    }
    if (c->state == CALL_UP || c->paths_wanted > 0)
        return;
    RF_LIST_FOREACH(&c->attempts, it) {
        const struct leg *leg = rf_container(it, struct leg, link);

        if (leg->stage > c->stage)
            continue; /* its turn comes when these have failed */
        if (leg->state != LEG_DONE && leg->state != LEG_CANCELLED)
            return; /* it may still answer */
        all += leg->place_next > 1 ? leg->place_next : 1;
        incompatible += leg->places_incompatible + (is_incompatible(leg) && !leg->status_is_former);
        if (best == NULL || rank(leg) < rank(best))
            best = leg;
    }
    if (call_goes_on(c, best, now_us) || best == NULL)
        return;
    /* TEL-35: several places, none compatible: 503; a single one's 488 stays 488. Both bear cause 88. */
    status = incompatible == all ? rf_srtp_incompatible_status(best->status, all) : outward(best);
    /* A phone's 488 often comes without a Reason. 27: destination out of order. */
    c->q850 = is_incompatible(best) ? 88 : best->is_unreachable ? 27 : 0;
    if (best->refusal == RF_REFUSE_STALE_FLOW)
        call_say(c, RF_REFUSE_STALE_FLOW,
                 (const struct rf_log_field[]){ RF_F_STR("user", best->user), RF_F_STR("call", c->id), { 0 } });
    call_end(c, "callee", status, best->refusal, now_us);
}
