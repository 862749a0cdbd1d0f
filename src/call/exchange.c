/*
 * call/exchange.c - offers within a call that is up: hold, resume, a moved phone, refreshes (RFC 3261 14, 3264, 4028)
 *
 * One exchange at a time in a call (I2). A re-INVITE that says nothing new for the other leg (a refresh, a phone that
 * moved) is answered here; any other becomes a re-INVITE of ours on the other leg, whose answer is brought back.
 */
#include "call/layer.h"
#include "sip/header.h"

#define GLARE_TRIES_MAX 6           /* a peer that always answers 491 is not in glare */
#define JOIN_TRIES_MAX 30           /* once a second: so long a phone that is transferred may have no connection */
#define BUSY_AGAIN_US   (2 * RF_S)  /* a refresh that meets another exchange waits for its end */
/* Phones answer a re-INVITE by themselves. One that says 100 and no more would hold up every later exchange. */
#define ANSWER_WITHIN_US (32 * RF_S)
#define UPDATE_WITHIN_US (16 * RF_S) /* who sent UPDATE gives up after 32 s, and the answer needs time to get there */

static void
clear(struct call *c)
{
    struct exchange *x = &c->exchange;

    rf_timer_cancel(c->l->env.wheel, &x->glare);
    if (x->is_update && x->from != NULL)
        update_disown(x->from);
    x->kind = EXCHANGE_NONE;
    x->from = x->to = NULL;
    x->is_offerless = x->is_cancelled = x->is_update = false;
    x->failed_status = 0;
    x->tries = 0;
}

static void
disagree(struct call *c)
{
    leg_media_disagree(c->a);
    leg_media_disagree(c->b);
}

/* To the re-INVITE or UPDATE of `from`. */
static void
respond(struct call *c, int status, struct rf_span extra, struct rf_span sdp, uint64_t now_us)
{
    struct leg *from = c->exchange.from;

    if (!c->exchange.is_update)
        leg_respond(from, status, extra, sdp, now_us);
    else if (from->update != NULL)
        leg_reply(from, from->update, status, extra, sdp, now_us);
}

/* `from` is refused and the call stays as it was; one that began with this offer does not begin. */
static void
refuse(struct call *c, int status, enum rf_refusal why, uint64_t now_us)
{
    struct leg *from = c->exchange.from;
    char text[700];
    struct rf_buf extra = rf_buf(text, sizeof text);

    if (c->join == JOIN_INVITE) {
        call_end(c, "callee", status, why, now_us);
        return;
    }
    put_refusal_headers(c, &extra, why);
    if (from != NULL)
        respond(c, status, rf_buf_done(&extra) == RF_OK ? rf_buf_span(&extra) : (struct rf_span){ 0 },
                (struct rf_span){ 0 }, now_us);
    disagree(c);
    clear(c);
}

/* The answer for `from` is known; it owes its ACK. */
static void
accept_offer(struct call *c, struct rf_span sdp, uint64_t now_us)
{
    struct leg *from = c->exchange.from;

    if (c->exchange.is_update) {
        respond(c, 200, (struct rf_span){ 0 }, sdp, now_us);
        leg_session_start(from, now_us);
        c->old_keys_end = true;
        clear(c);
        call_save(c);
        return;
    }
    c->exchange.kind = EXCHANGE_ANSWERED;
    c->exchange.to = NULL;
    if (c->join == JOIN_INVITE) {
        c->join = JOIN_NONE;
        from->state = LEG_UP;
    }
    leg_respond(from, 200, (struct rf_span){ 0 }, sdp, now_us);
    leg_repeat_2xx(from, now_us);
    leg_session_start(from, now_us);
    call_save(c);
}

/* An INVITE of either side is not over, though its exchange may be. */
static bool
is_busy(const struct call *c)
{
    return c->a->awaits_ack || c->b->awaits_ack || c->a->client_is_open || c->b->client_is_open;
}

/* --- our re-INVITE --- */

static enum rf_err
invite_other(struct call *c, uint64_t now_us)
{
    struct exchange *x = &c->exchange;
    struct leg *to = x->to;
    const struct rf_call_settings *s = call_settings(c);
    const struct leg *other = leg_other(to);
    const struct leg_media *codecs = x->kind == EXCHANGE_RELAY ? other->next
                                     : c->join == JOIN_B && c->origin != NULL ? c->origin->abilities
                                                                              : other->media;
    char text[256];
    struct rf_buf extra = rf_buf(text, sizeof text);
    struct rf_span sdp = { 0 };
    enum rf_err err;

    rf_put_str(&extra, "Allow: " ALLOW "\r\nSupported: " SUPPORTED "\r\n");
    rf_put_session_timer_request(&extra, to->session.expires_s, s->min_se_s, &to->session);
    if (!x->is_offerless) {
        to->refusal = RF_REFUSE_NONE;
        sdp = leg_offer_out(to, codecs);
        if (sdp.n == 0) {
            leg_say_unoffered(to);
            return RF_ERR_REFUSED;
        }
    }
    if (to->client != NULL) {
        rf_client_txn_disown(to->client);
        to->client = NULL;
    }
    err = leg_send(to, RF_SIP_INVITE, rf_buf_span(&extra), "application/sdp", sdp, &exchange_events, to, &to->client,
                   now_us);
    to->client_is_open = err == RF_OK;
    if (err == RF_OK)
        rf_timer_arm(c->l->env.wheel, &x->glare, now_us + (x->is_update ? UPDATE_WITHIN_US : ANSWER_WITHIN_US));
    return err;
}

/* As above, but a phone whose connection is gone is looked for first. RF_OK: sent, or the path is being looked for. */
static enum rf_err
invite_or_find(struct call *c, uint64_t now_us)
{
    struct leg *to = c->exchange.to;

    enum rf_err err;

    if (to->flow == NULL || to->flow->is_closed)
        return leg_ask_path(to) ? RF_OK : RF_ERR_CLOSED;
    err = invite_other(c, now_us);
    if (err != RF_ERR_RANGE || to->is_large)
        return err;
    return leg_ask_large_path(to) ? RF_OK : invite_other(c, now_us);
}

static void refused(struct call *c, struct leg *to, int status, const struct rf_sip_msg *msg, uint64_t now_us);

static void
no_path(struct call *c, struct leg *to, enum rf_err err, uint64_t now_us)
{
    int status = c->exchange.failed_status;

    if (status != 0) { /* it was sent, and no other way was left */
        c->exchange.failed_status = 0;
        refused(c, to, status, NULL, now_us);
        return;
    }
    if (c->exchange.kind == EXCHANGE_JOIN && err == RF_ERR_CLOSED && c->join_tries++ < JOIN_TRIES_MAX) {
        leg_offer_drop(to);
        clear(c); /* transfer_tick looks for it once more */
        return;
    }
    if (c->exchange.kind == EXCHANGE_JOIN) {
        call_end(c, "transfer", err == RF_ERR_CLOSED ? 480 : err == RF_ERR_REFUSED ? 488 : 500, to->refusal, now_us);
        return;
    }
    if (c->exchange.kind != EXCHANGE_REFRESH) {
        refuse(c, err == RF_ERR_CLOSED ? 480 : err == RF_ERR_REFUSED ? 488 : 500,
               err == RF_ERR_REFUSED ? to->refusal : RF_REFUSE_NONE, now_us);
        return;
    }
    /* The phone may come back before the session is over: look again then. */
    disagree(c);
    clear(c);
    if (++to->session.missed < 2)
        rf_timer_arm(c->l->env.wheel, &to->session_timer,
                     now_us + (to->session.expires_s - to->session.expires_s / 2) * RF_S);
    else
        call_end(c, "session timer", 408, RF_REFUSE_NONE, now_us);
}

void
exchange_path(struct call *c, struct leg *leg, uint64_t now_us)
{
    enum rf_err err = RF_ERR_CLOSED;

    if (c->exchange.to != leg || leg->client_is_open || c->exchange.kind == EXCHANGE_NONE ||
        c->exchange.kind == EXCHANGE_ANSWERED)
        return;
    if (leg_has_way(leg))
        err = invite_other(c, now_us);
    if (err != RF_OK)
        no_path(c, leg, err, now_us);
}

void
exchange_refresh(struct call *c, struct leg *leg, uint64_t now_us)
{
    struct exchange *x = &c->exchange;
    enum rf_err err;

    if (x->kind != EXCHANGE_NONE || is_busy(c) || c->a->media == NULL || c->b->media == NULL) {
        rf_timer_arm(c->l->env.wheel, &leg->session_timer, now_us + BUSY_AGAIN_US);
        return;
    }
    x->kind = EXCHANGE_REFRESH;
    x->to = leg;
    leg->challenges = 0;
    err = invite_or_find(c, now_us);
    if (err != RF_OK)
        no_path(c, leg, err, now_us);
}

void
exchange_join(struct call *c, uint64_t now_us)
{
    struct exchange *x = &c->exchange;
    enum rf_err err;

    if (x->kind != EXCHANGE_NONE || is_busy(c))
        return; /* an INVITE that the leg has brought along: transfer_tick comes again */
    x->kind = c->join == JOIN_INVITE ? EXCHANGE_RELAY : EXCHANGE_JOIN;
    x->from = c->join == JOIN_INVITE ? c->a : NULL;
    x->to = c->join == JOIN_A ? c->a : c->b;
    x->is_offerless = c->join == JOIN_INVITE && c->is_offerless;
    err = invite_or_find(c, now_us);
    if (err != RF_OK)
        no_path(c, x->to, err, now_us);
}

/* `to` has answered the offer of a join. Leg B is told to the relay first (I3). */
static void
joined(struct call *c, struct leg *to, uint64_t now_us)
{
    leg_media_agree(to);
    call_media_change(c, c->b, NULL);
    clear(c);
    if (c->join == JOIN_B) {
        c->join = JOIN_A;
        call_save(c);
        exchange_join(c, now_us);
        return;
    }
    c->join = JOIN_NONE;
    call_media_change(c, c->a, NULL);
    if (c->origin != NULL) {
        leg_media_free(c->origin->abilities);
        c->origin->abilities = NULL;
        ladder_add(c, c->a->side, true, "", 0, "transferred: both legs are joined", now_us);
    }
    call_save(c);
}

static void
glare_over(struct rf_timer *t, uint64_t now_us)
{
    struct call *c = rf_container(t, struct call, exchange.glare);
    enum rf_err err;

    if (c->exchange.kind == EXCHANGE_NONE || c->state != CALL_UP)
        return;
    if (c->exchange.to != NULL && c->exchange.to->client_is_open) {
        rf_client_txn_cancel(c->exchange.to->client, (struct rf_span){ 0 }, now_us);
        return;
    }
    err = invite_or_find(c, now_us);
    if (err != RF_OK)
        no_path(c, c->exchange.to, err, now_us);
}

void
exchange_timer_init(struct call *c)
{
    c->exchange.glare.fire = glare_over;
}

/* A 2xx to our re-INVITE. */
static void
answered(struct call *c, struct leg *to, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct exchange *x = &c->exchange;
    struct rf_session_expires expires;
    struct leg_media *m = NULL;
    struct leg_media *was;
    struct rf_span text;
    enum rf_refusal why = RF_REFUSE_BAD_SDP;

    rf_dialog_refresh_target(&to->dialog, msg);
    if (rf_session_expires_of(msg, &expires) == RF_OK)
        rf_session_timer_uac(&expires, to->session.expires_s, &to->session);
    leg_session_start(to, now_us);
    if (rf_sip_has_sdp(msg))
        why = x->is_offerless ? leg_offer_in(to, msg->body, &m) : leg_answer_in(to, msg->body, &m);
    else
        call_say(c, RF_REFUSE_BAD_SDP,
                 (const struct rf_log_field[]){ RF_F_STR("who", leg_who(to)), RF_F_STR("call", c->id),
                                                RF_F_STR("detail", "its 200 has no session description"), { 0 } });
    if (why != RF_REFUSE_NONE) {
        /* It now believes in media that the policy forbids: the call cannot go on (TEL-31). */
        leg_send_ack(to, (struct rf_span){ 0 });
        call_end(c, "us", 488, why, now_us);
        return;
    }
    leg_media_free(to->next);
    to->next = m;
    if (x->is_offerless) { /* `to` gets its ACK when `from` has answered in its own */
        text = leg_offer_out(x->from, m);
        if (text.n == 0) {
            leg_send_ack(to, (struct rf_span){ 0 });
            call_end(c, "us", 488, RF_REFUSE_BAD_SDP, now_us);
            return;
        }
        accept_offer(c, text, now_us);
        c->exchange.to = to;
        return;
    }
    leg_send_ack(to, (struct rf_span){ 0 });
    if (x->kind == EXCHANGE_JOIN) {
        joined(c, to, now_us);
        return;
    }
    if (x->kind == EXCHANGE_REFRESH) {
        leg_media_agree(to);
        call_media_change(c, to, NULL);
        clear(c);
        call_save(c);
        return;
    }
    text = leg_answer_out(x->from, x->from->next, m);
    was = x->from->media;
    x->from->media = x->from->next; /* the old one is needed for packets on their way */
    x->from->next = NULL;
    leg_offer_drop(x->from);
    leg_media_agree(to);
    call_media_change(c, to, NULL);
    call_media_change(c, x->from, was);
    leg_media_free(was);
    accept_offer(c, text, now_us);
}

/* RFC 5057: these end the dialog, not only the transaction. */
static bool
ends_dialog(int status)
{
    return status == 408 || status == 481;
}

/* The way failed, not the other side: the next one (way.c). The call may be gone after it. */
static void
invite_elsewhere(struct call *c, struct leg *to, const struct rf_client_txn *txn, int status, uint32_t retry_after_s,
                 uint64_t now_us)
{
    if (c->exchange.is_cancelled) {
        refused(c, to, status, NULL, now_us);
        return;
    }
    leg_offer_drop(to); /* the next one is made anew, with keys that nobody has seen */
    c->exchange.failed_status = (uint16_t)status;
    to->challenges = 0;
    leg_next_way(to, rf_client_txn_flow(txn), retry_after_s, now_us);
}

static void
refused(struct call *c, struct leg *to, int status, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct exchange *x = &c->exchange;
    struct rf_session_expires e;

    if (ends_dialog(status)) {
        call_end(c, to == c->a ? "caller" : "callee", 408, RF_REFUSE_NONE, now_us);
        return;
    }
    /* Who sent UPDATE tries again by itself, and has no patience for ours. */
    if (status == 491 && !x->is_cancelled && !x->is_update && x->tries++ < GLARE_TRIES_MAX) {
        leg_offer_drop(to);
        rf_timer_arm(c->l->env.wheel, &x->glare, now_us + rf_dialog_glare_wait_us(&to->dialog, c->l->env.rand));
        return;
    }
    if (status == 422 && msg != NULL && rf_session_expires_of(msg, &e) == RF_OK &&
        e.min_se_s > to->session.expires_s && x->tries++ < GLARE_TRIES_MAX) {
        to->session.expires_s = e.min_se_s;
        if (invite_other(c, now_us) == RF_OK)
            return;
    }
    if (msg != NULL && !x->is_cancelled && leg_answers_challenge(to, msg, &to->challenges)) {
        if (invite_or_find(c, now_us) == RF_OK)
            return;
        leg_credentials_drop(to);
    }
    if (x->kind == EXCHANGE_JOIN) {
        if (msg == NULL && status == 480 && c->join_tries++ < JOIN_TRIES_MAX) {
            leg_offer_drop(to); /* its connection broke: transfer_tick looks for it once more */
            clear(c);
            return;
        }
        call_end(c, to == c->a ? "caller" : "callee", status < 400 ? 488 : status, RF_REFUSE_NONE, now_us);
        return;
    }
    if (x->kind == EXCHANGE_REFRESH) {
        /* It is alive, else it had said nothing. */
        leg_session_start(to, now_us);
        disagree(c);
        clear(c);
        return;
    }
    refuse(c, status == 401 || status == 407 || status < 400 ? 488 : status == 503 ? 500 : status, RF_REFUSE_NONE,
           now_us);
}

static void
on_response(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *to = owner;
    struct call *c = to->call;

    ladder_msg(c, to->side, false, msg, now_us);
    if (msg->status < 200)
        return;
    if (!to->client_is_open) { /* a repeated 200: our ACK was lost, or waits for the other leg's */
        leg_repeat_ack(to);
        return;
    }
    to->client_is_open = false;
    rf_timer_cancel(c->l->env.wheel, &c->exchange.glare);
    if (c->state != CALL_UP || c->exchange.to != to) {
        if (msg->status < 300)
            leg_send_ack(to, (struct rf_span){ 0 });
        call_settle(c);
        return;
    }
    if (msg->status == 503) {
        invite_elsewhere(c, to, txn, 503, retry_after_of(msg), now_us);
        return;
    }
    leg_way_works(to);
    c->exchange.failed_status = 0;
    if (msg->status < 300)
        answered(c, to, msg, now_us);
    else
        refused(c, to, msg->status, msg, now_us);
}

static void
on_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct leg *to = owner;
    struct call *c = to->call;
    bool waited = to->client_is_open;

    to->client_is_open = false;
    if (!waited)
        return;
    rf_timer_cancel(c->l->env.wheel, &c->exchange.glare);
    if (c->state != CALL_UP || c->exchange.to != to) {
        call_settle(c);
        return;
    }
    invite_elsewhere(c, to, txn, why == RF_ERR_CLOSED ? 480 : 408, 0, now_us);
}

static void
on_ended(void *owner, struct rf_client_txn *txn)
{
    struct leg *to = owner;

    if (to->client == txn)
        to->client = NULL;
}

const struct rf_client_txn_events exchange_events = { on_response, on_failed, on_ended };

/* --- their re-INVITE --- */

bool
exchange_is_in_the_way(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                       uint64_t now_us)
{
    const char *method = rf_sip_method_name(msg->method);
    char text[40];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (c->exchange.kind == EXCHANGE_NONE && !is_busy(c))
        return false;
    if (c->exchange.from == leg || leg->awaits_ack) {
        /* A second one before the first was done (RFC 3261 14.2, RFC 3311 5.2). */
        rf_putf(&b, "Retry-After: %u\r\n", (unsigned)(rf_rand_u64(c->l->env.rand) % 11));
        rf_server_txn_reply(txn, 500, NULL, rf_buf_span(&b), now_us);
        ladder_add(c, leg->side, true, method, 500, "", now_us);
    } else {
        rf_server_txn_reply(txn, 491, NULL, (struct rf_span){ 0 }, now_us);
        ladder_add(c, leg->side, true, method, 491, "", now_us);
    }
    return true;
}

bool
exchange_session(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                 uint64_t now_us)
{
    const struct rf_call_settings *s = call_settings(c);
    struct rf_session_expires asked;
    struct rf_session_timer t;
    char text[64];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (rf_session_expires_of(msg, &asked) != RF_OK) {
        rf_server_txn_reply(txn, 400, NULL, (struct rf_span){ 0 }, now_us);
        return false;
    }
    if (rf_session_timer_uas(&asked, s->session_expires_s, s->min_se_s, &t) != RF_OK) {
        rf_sip_put_headerf(&b, RF_HDR_MIN_SE, "%u", (unsigned)s->min_se_s);
        rf_server_txn_reply(txn, 422, NULL, rf_buf_span(&b), now_us);
        return false;
    }
    leg->session = t;
    return true;
}

static void
own(struct call *c, struct leg *leg, struct rf_server_txn *txn, bool is_update)
{
    c->exchange.from = leg;
    c->exchange.to = leg_other(leg);
    c->exchange.to->challenges = 0;
    c->exchange.is_update = is_update;
    if (is_update) {
        update_own(leg, txn);
        return;
    }
    if (leg->server != NULL)
        rf_server_txn_own(leg->server, NULL, NULL);
    leg->server = txn;
    leg->server_is_open = true;
    rf_server_txn_own(txn, &leg_server_events, leg);
}

/* It may be looked at, and bears an offer or, of an INVITE, none. */
static void
exchange_begin(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, int kind,
               uint64_t now_us)
{
    struct exchange *x = &c->exchange;
    struct leg_media *m = NULL, *was;
    struct rf_span text;
    enum rf_refusal why;
    enum rf_err err;

    if (c->a->media == NULL || c->b->media == NULL) { /* an offerless call before its answer */
        rf_server_txn_reply(txn, 491, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    own(c, leg, txn, msg->method == RF_SIP_UPDATE);
    rf_dialog_refresh_target(&leg->dialog, msg);
    x->kind = EXCHANGE_RELAY;
    x->is_offerless = kind == 0;
    if (kind > 0) {
        why = leg_offer_in(leg, msg->body, &m);
        if (why != RF_REFUSE_NONE) {
            refuse(c, rf_refusal_row(why)->sip, why, now_us);
            return;
        }
        leg_media_free(leg->next);
        leg->next = m;
        if (!leg_offer_is_news(leg, m)) {
            text = leg_answer_out(leg, m, x->to->media);
            was = leg->media;
            leg->media = m;
            leg->next = NULL;
            call_media_change(c, leg, was);
            leg_media_free(was);
            accept_offer(c, text, now_us);
            return;
        }
    }
    err = invite_or_find(c, now_us);
    if (err != RF_OK)
        no_path(c, x->to, err, now_us);
}

void
exchange_invite(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                uint64_t now_us)
{
    int kind;

    if (exchange_is_in_the_way(c, leg, txn, msg, now_us) || !exchange_session(c, leg, txn, msg, now_us))
        return;
    leg_learn_allow(leg, msg);
    kind = request_sdp(c->l, txn, msg, now_us);
    if (kind >= 0)
        exchange_begin(c, leg, txn, msg, kind, now_us);
}

void
exchange_update(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                uint64_t now_us)
{
    exchange_begin(c, leg, txn, msg, 1, now_us);
}

/* ACK for our 2xx to a re-INVITE: the old key ends, and an answer in it goes to the other leg. */
void
exchange_ack(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *to = c->exchange.to;
    bool offerless = c->exchange.is_offerless;
    struct leg_media *m = NULL;
    struct rf_span text;
    enum rf_refusal why = RF_REFUSE_BAD_SDP;

    if (!offerless) {
        clear(c);
        call_media_change(c, leg, NULL);
        return;
    }
    if (rf_sip_has_sdp(msg))
        why = leg_answer_in(leg, msg->body, &m);
    if (why != RF_REFUSE_NONE) {
        leg_send_ack(to, (struct rf_span){ 0 });
        call_end(c, "us", 488, why, now_us);
        return;
    }
    leg_media_free(leg->next);
    leg->next = m;
    text = leg_answer_out(to, to->next, m);
    leg_send_ack(to, text);
    leg_media_agree(leg);
    leg_media_agree(to);
    call_media_change(c, to, NULL);
    call_media_change(c, leg, NULL);
    clear(c);
    call_save(c);
}

void
exchange_stop(struct call *c, int status, uint64_t now_us)
{
    struct exchange *x = &c->exchange;

    if (x->kind == EXCHANGE_NONE)
        return;
    if (x->kind == EXCHANGE_RELAY && x->from != NULL && status != 0 && (x->from->server_is_open || x->is_update))
        respond(c, status, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
    if (x->kind == EXCHANGE_ANSWERED && x->is_offerless && x->to != NULL)
        leg_send_ack(x->to, (struct rf_span){ 0 });
    if (x->to != NULL && x->to->client_is_open && x->to->client != NULL)
        rf_client_txn_cancel(x->to->client, (struct rf_span){ 0 }, now_us);
    disagree(c);
    clear(c);
}
