/*
 * call/prack.c - provisional responses that arrive (RFC 3262), on each leg by itself
 *
 * Leg B is told that we take them: each reliable one is acknowledged with PRACK and then treated like any other. Leg A
 * gets them reliably when its INVITE insists, and when it takes them and there is something to lose: a description, or
 * a response that leg B sent reliably. So a side that knows nothing of it is served by us, and when both know it each
 * reliable 18x has its PRACK on both legs.
 *
 * An INVITE without an offer whose caller and only phone both take them is passed through: leg B's offer goes to leg A
 * in its 18x, leg A's answer comes in its PRACK and goes on in ours (5).
 *
 * Invariants
 * (R1) One of leg A's is unacknowledged at a time; what comes meanwhile waits, the newest only.
 * (R2) While it bears a description no 2xx is sent: those of legs B are kept and heard after the PRACK (3; held.c). So
 *      it is while leg B is asked of an offer (earlyoffer.c, E2).
 * (R3) A description that leg A got reliably is the answer to its offer, and no other one may follow in the INVITE
 *      (RFC 3261 13.2.1): of forks it is shown the first, and a re-INVITE tells it of another one that has answered.
 */
#include <stdlib.h>

#include "call/layer.h"
#include "sip/header.h"

/* 3: T1, doubling without a cap, for 64*T1. */
#define REPEAT_FIRST_US (500 * RF_MS)
#define REPEAT_END_US   (64 * REPEAT_FIRST_US)

struct reliable {
    struct leg *leg;
    struct rf_timer timer;
    uint64_t interval_us, until_us;
    uint32_t cseq;        /* of the INVITE */
    uint32_t rseq;        /* of the last one */
    bool is_required;     /* by the INVITE: all of them */
    bool waits;           /* for its PRACK */
    bool has_sdp, was_offer;
    bool answer_is_known; /* one with our answer was acknowledged */
    int next_status;      /* (R1); 0: nothing waits */
    bool next_is_wanted;  /* leg B's was reliable */
    char *next_sdp;       /* has our key; wiped */
    size_t next_n;
    struct leg *offered_by;
};

/* One fork of a leg B. */
struct prack_fork {
    char tag[64];
    uint32_t rseq;
};

static void timer_fired(struct rf_timer *t, uint64_t now_us);

static void
forget(char **text, size_t *n)
{
    if (*text != NULL)
        rf_wipe(*text, *n);
    free(*text);
    *text = NULL;
    *n = 0;
}

void
prack_forget(struct leg *leg)
{
    if (leg->prack != NULL)
        rf_client_txn_disown(leg->prack);
    leg->prack = NULL;
    free(leg->prack_forks);
    leg->prack_forks = NULL;
    rf_dialog_fini(&leg->early);
    leg->early_answered = leg->early_updated = false;
}

void
prack_free(struct leg *leg)
{
    struct reliable *r = leg->reliable;

    prack_forget(leg);
    if (r == NULL)
        return;
    rf_timer_cancel(leg->call->l->env.wheel, &r->timer);
    forget(&r->next_sdp, &r->next_n);
    free(r);
    leg->reliable = NULL;
}

/* Each fork has a dialog of its own; the numbers of our requests are common to them, which keeps them rising. */
static bool
take_early(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_dialog d;

    if (leg->early.remote_tag != NULL && rf_span_is(msg->to_tag, leg->early.remote_tag)) {
        rf_dialog_refresh_target(&leg->early, msg);
        return true;
    }
    if (rf_dialog_from_response(&d, &leg->dialog, msg) != RF_OK)
        return false;
    early_offer_other_fork(leg, now_us);
    rf_dialog_fini(&leg->early);
    leg->early = d;
    leg->early_answered = false;
    return true;
}

static const struct rf_client_txn_events prack_events;

/* The last reliable response of `early`. */
static void
send_prack_with(struct leg *leg, struct rf_span sdp, const char *credentials, uint64_t now_us)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_addr ours;
    struct rf_hop hop;
    char branch[49];

    if (leg->flow == NULL || leg->flow->is_closed || leg->early.call_id == NULL)
        return;
    if (leg->prack != NULL)
        rf_client_txn_disown(leg->prack);
    leg->prack = NULL;
    leg->prack_rseq = leg->prack_forks[leg->prack_last].rseq;
    leg->prack_has_sdp = sdp.n > 0;
    leg_hop(leg, &hop, &ours);
    rf_txn_branch(l->env.txn, branch);
    leg->early.local_cseq = leg->dialog.local_cseq;
    rf_dialog_put_request(&b, &leg->early, RF_SIP_PRACK, &hop, branch);
    leg->dialog.local_cseq = leg->early.local_cseq;
    rf_putf(&b, "RAck: %u %u INVITE\r\n", (unsigned)leg->prack_rseq, (unsigned)leg->dialog.invite_cseq);
    rf_put_str(&b, credentials);
    rf_sip_put_body(&b, sdp.n > 0 ? "application/sdp" : NULL, sdp);
    if (rf_buf_done(&b) != RF_OK)
        return;
    if (rf_client_txn_new(&leg->prack, l->env.txn, leg->flow, RF_SIP_PRACK, rf_span_str(branch), rf_buf_span(&b),
                          &prack_events, leg, now_us) == RF_OK)
        ladder_sdp(leg->call, leg->side, "PRACK", 0, sdp, now_us);
    else
        leg->prack = NULL;
}

static void
send_prack(struct leg *leg, struct rf_span sdp, uint64_t now_us)
{
    leg->prack_challenges = 0;
    send_prack_with(leg, sdp, "", now_us);
}

/* Of its answers a challenge alone matters: without a PRACK the response comes again, and at last the call is over. */
static void
prack_answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *leg = owner;
    char *credentials;

    if (msg->status < 200)
        return;
    rf_client_txn_disown(txn);
    leg->prack = NULL;
    if (leg->state != LEG_INVITED || leg->prack_forks == NULL ||
        leg->prack_forks[leg->prack_last].rseq != leg->prack_rseq)
        return;
    credentials = call_credentials(leg->call->l, leg->connection, leg->early.target, msg, &leg->prack_challenges);
    if (credentials == NULL)
        return;
    send_prack_with(leg, leg->prack_has_sdp ? rf_span(leg->sent, leg->sent_n) : (struct rf_span){ 0 }, credentials,
                    now_us);
    rf_wipe(credentials, strlen(credentials));
    free(credentials);
}

static void
prack_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    (void)why;
    (void)now_us;
    rf_client_txn_disown(txn);
    ((struct leg *)owner)->prack = NULL;
}

static void
prack_ended(void *owner, struct rf_client_txn *txn)
{
    struct leg *leg = owner;

    if (leg->prack == txn)
        leg->prack = NULL;
}

static const struct rf_client_txn_events prack_events = { prack_answered, prack_failed, prack_ended };

/* --- leg A: ours --- */

void
prack_learn(struct leg *leg, const struct rf_sip_msg *invite)
{
    bool requires = rf_sip_has_token(invite, RF_HDR_REQUIRE, "100rel");

    if (!requires && !rf_sip_has_token(invite, RF_HDR_SUPPORTED, "100rel"))
        return;
    leg->reliable = calloc(1, sizeof *leg->reliable);
    if (leg->reliable == NULL)
        return; /* then they are not reliable; who insists gives up by itself */
    leg->reliable->leg = leg;
    leg->reliable->is_required = requires;
    leg->reliable->timer.fire = timer_fired;
    /* 3: from 1 to 2^31-1, by chance. With room, so that it never wraps. */
    leg->reliable->rseq = (uint32_t)(rf_rand_u64(leg->call->l->env.rand) % (1u << 30)) + 1;
}

bool
prack_put(struct leg *leg, int status, struct rf_span sdp, struct rf_buf *b)
{
    struct reliable *r = leg->reliable;
    bool wanted = leg->wants_reliable;

    leg->wants_reliable = false;
    if (r == NULL || (!r->is_required && !wanted && sdp.n == 0 && !r->waits))
        return true;
    if (r->waits) {
        forget(&r->next_sdp, &r->next_n);
        r->next_status = status;
        r->next_is_wanted = wanted;
        r->next_sdp = sdp.n > 0 ? rf_span_dup(sdp) : NULL;
        r->next_n = r->next_sdp != NULL ? sdp.n : 0;
        return false;
    }
    r->cseq = rf_server_txn_request(leg->server)->cseq;
    r->rseq++;
    r->waits = true;
    r->has_sdp = sdp.n > 0;
    r->was_offer = leg->call->is_offerless && sdp.n > 0;
    r->interval_us = REPEAT_FIRST_US;
    r->until_us = call_now(leg->call) + REPEAT_END_US;
    rf_timer_arm(leg->call->l->env.wheel, &r->timer, call_now(leg->call) + r->interval_us);
    rf_putf(b, "Require: 100rel\r\nRSeq: %u\r\n", (unsigned)r->rseq);
    return true;
}

static void
timer_fired(struct rf_timer *t, uint64_t now_us)
{
    struct reliable *r = rf_container(t, struct reliable, timer);
    struct call *c = r->leg->call;
    uint64_t next;

    if (!r->waits || r->leg->server == NULL || !r->leg->server_is_open)
        return;
    if (now_us >= r->until_us) {
        r->waits = false;
        ladder_add(c, r->leg->side, false, "PRACK", 0, "never came", now_us);
        call_end(c, "no PRACK", 500, RF_REFUSE_NONE, now_us); /* 3: a 5xx */
        return;
    }
    rf_server_txn_repeat(r->leg->server);
    r->interval_us *= 2;
    next = now_us + r->interval_us;
    rf_timer_arm(c->l->env.wheel, t, next < r->until_us ? next : r->until_us);
}

void
prack_final(struct leg *leg)
{
    if (leg->reliable == NULL)
        return;
    rf_timer_cancel(leg->call->l->env.wheel, &leg->reliable->timer); /* its PRACK is still answered 200 */
    leg->reliable->next_status = 0;
}

bool
prack_answer_is_known(const struct leg *leg)
{
    return leg->reliable != NULL && leg->reliable->answer_is_known && !leg->reliable->waits;
}

bool
prack_is_bound(const struct leg *leg)
{
    const struct reliable *r = leg->reliable;

    return r != NULL && (r->answer_is_known || (r->waits && r->has_sdp));
}

bool
prack_is_owed(const struct leg *leg)
{
    return leg->reliable != NULL && leg->reliable->waits && leg->reliable->has_sdp;
}

bool
prack_holds_2xx(struct leg *leg, struct leg *from, const struct rf_sip_msg *msg)
{
    if (!prack_is_owed(leg) && (leg->reliable == NULL || leg->asked == NULL))
        return false;
    held_keep(from, msg);
    return true; /* it is repeated until our ACK, should there be no room for it */
}

static bool
rings_still(struct rf_call_layer *l, uint64_t serial)
{
    const struct call *c = call_by_serial(l, serial);

    return c != NULL && c->state == CALL_RINGING;
}

/* The PRACK came: who has taken the call meanwhile is heard. When none of them can have it, who picks it up has waited
 * long enough, and so has the 18x. */
static void
go_on(struct call *c, struct reliable *r, uint64_t now_us)
{
    struct rf_call_layer *l = c->l;
    uint64_t serial = c->serial;
    int status;
    char *sdp;
    size_t sdp_n;

    if (c->held_count > 0) {
        held_hear(c, now_us);
        if (!rings_still(l, serial))
            return;
        pickup_go_on(c, now_us);
        if (!rings_still(l, serial))
            return;
    }
    status = r->next_status;
    sdp = r->next_sdp;
    sdp_n = r->next_n;
    r->next_status = 0;
    if (status == 0)
        return;
    r->next_sdp = NULL;
    r->leg->wants_reliable = r->next_is_wanted;
    leg_respond(r->leg, status, (struct rf_span){ 0 }, rf_span(sdp, sdp_n), now_us);
    forget(&sdp, &sdp_n);
}

/* (5): leg A's answer to the offer in our 18x. false: it was refused, and the call has ended. */
static bool
answer_in_prack(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *b = leg->reliable->offered_by;
    struct leg_media *m = NULL;
    enum rf_refusal why = RF_REFUSE_BAD_SDP;
    struct rf_span text;

    if (msg->body.n > 0)
        why = leg_answer_in(leg, msg->body, &m);
    if (why != RF_REFUSE_NONE || b == NULL || b->state != LEG_INVITED) {
        leg_media_free(m);
        call_end(c, "us", 488, why, now_us);
        return false;
    }
    leg_media_free(leg->next);
    leg->next = m;
    text = leg_answer_out(b, b->next, m);
    send_prack(b, text, now_us);
    call_media_change(c, b, NULL);
    call_media_change(c, leg, NULL);
    c->is_offerless = false;
    c->early_agreed = true;
    return true;
}

void
prack_request(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
              uint64_t now_us)
{
    struct reliable *r = leg->reliable;
    struct rf_call_layer *l = c->l;
    uint64_t serial = c->serial;
    struct rf_sip_rack rack;
    int kind;

    if (rf_sip_rack_parse(rf_sip_value(msg, RF_HDR_RACK), &rack) != RF_OK) {
        rf_server_txn_reply(txn, 400, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    if (r == NULL || !r->waits || rack.rseq != r->rseq || rack.method != RF_SIP_INVITE || leg->server == NULL ||
        rack.cseq != r->cseq) {
        rf_server_txn_reply(txn, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    kind = request_sdp(c->l, txn, msg, now_us);
    if (kind < 0)
        return;
    r->waits = false;
    rf_timer_cancel(c->l->env.wheel, &r->timer);
    r->answer_is_known = r->answer_is_known || r->has_sdp;
    if (r->was_offer) {
        leg_reply(leg, txn, 200, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
        if (!answer_in_prack(c, leg, msg, now_us))
            return;
    } else if (kind > 0) {
        if (r->answer_is_known && leg->asked == NULL)
            (void)update_early(leg, txn, msg, now_us); /* 5: a second offer, after the first has its answer */
        else
            leg_reply(leg, txn, 488, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
    } else {
        leg_reply(leg, txn, 200, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
    }
    if (c->held_count == 0) /* else somebody has answered before */
        pickup_go_on(c, now_us);
    if (rings_still(l, serial) && leg->asked == NULL)
        go_on(c, r, now_us);
}

void
prack_go_on(struct call *c, uint64_t now_us)
{
    if (c->state == CALL_RINGING && c->a->asked == NULL && c->a->reliable != NULL && !c->a->reliable->waits)
        go_on(c, c->a->reliable, now_us);
}

/* --- leg B: theirs --- */

bool
prack_is_offered(const struct leg *leg)
{
    const struct call *c = leg->call;

    /* Without an offer of ours a reliable 18x has theirs, and only leg A can answer it, and only one of them (5). */
    return !c->is_offerless || (c->attempt_count == 1 && c->a->reliable != NULL);
}

/* The fork that the response is of; NULL: one too many, or no memory. */
static struct prack_fork *
fork_of(struct leg *leg, struct rf_span tag)
{
    if (leg->prack_forks == NULL && (leg->prack_forks = calloc(FORKS_MAX, sizeof *leg->prack_forks)) == NULL)
        return NULL;
    for (uint8_t i = 0; i < FORKS_MAX; i++) {
        struct prack_fork *f = &leg->prack_forks[i];

        if (f->tag[0] == '\0' && rf_span_copy(tag, f->tag, sizeof f->tag) != RF_OK)
            return NULL;
        if (rf_span_is(tag, f->tag)) {
            leg->prack_last = i;
            return f;
        }
    }
    return NULL;
}

bool
prack_is_only_fork(const struct leg *leg)
{
    return leg->prack_forks != NULL && leg->prack_forks[1].tag[0] == '\0' && leg->early.remote_tag != NULL &&
           strcmp(leg->early_tag, leg->early.remote_tag) == 0;
}

/* (5): to leg A, whose PRACK brings what ours shall bear. */
static void
offer_in_18x(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct call *c = leg->call;
    struct leg_media *m = NULL;
    enum rf_refusal why = leg_offer_in(leg, msg->body, &m);
    struct rf_span text = { 0 };

    if (why == RF_REFUSE_NONE && c->a->reliable != NULL) {
        leg_media_free(leg->next);
        leg->next = m;
        text = leg_offer_out(c->a, m);
    } else {
        leg_media_free(m);
    }
    if (text.n > 0) {
        c->a->reliable->offered_by = leg;
        leg_respond(c->a, msg->status, (struct rf_span){ 0 }, text, now_us);
        return;
    }
    leg->refusal = why != RF_REFUSE_NONE ? why : RF_REFUSE_BAD_SDP;
    leg->status = 488;
    leg_cancel(leg, leg->refusal, now_us);
    call_choose_failure(c, now_us);
}

bool
prack_response(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct prack_fork *f;
    uint32_t rseq;

    if (msg->status <= 100 || !rf_sip_has_token(msg, RF_HDR_REQUIRE, "100rel"))
        return true;
    if (rf_sip_rseq_parse(rf_sip_value(msg, RF_HDR_RSEQ), &rseq) != RF_OK || msg->to_tag.n == 0 ||
        (f = fork_of(leg, msg->to_tag)) == NULL)
        return false;
    /* 4: a repeat (its PRACK is on its way), or one after a gap, which comes again. */
    if (f->rseq != 0 && rseq != f->rseq + 1)
        return false;
    if (!take_early(leg, msg, now_us))
        return false;
    f->rseq = rseq;
    leg_learn_allow(leg, msg);
    leg->call->a->wants_reliable = true;
    if (leg->call->is_offerless && msg->body.n > 0) {
        offer_in_18x(leg, msg, now_us);
        return false;
    }
    leg->early_answered = leg->early_answered || msg->body.n > 0;
    send_prack(leg, (struct rf_span){ 0 }, now_us);
    return true;
}

/* What the leg has said it can goes on to be what the other one was told: it answers nothing else (update.c). */
static bool
keep_told(struct leg_media *m, const struct leg_media *told)
{
    char *sdp = rf_span_dup(rf_span(told->sdp, told->sdp_n));

    if (sdp == NULL)
        return false;
    free(m->sdp);
    m->sdp = sdp;
    m->sdp_n = told->sdp_n;
    m->stream = told->stream;
    return true;
}

/* An offer of theirs, answered here with the codecs that leg A was told, when it has them all (update.c). */
static void
early_offer(struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct call *c = leg->call;
    const struct leg_media *codecs = c->join == JOIN_ASKED ? c->origin->abilities : c->a->next;
    struct leg_media *m = NULL, told;
    struct rf_span sdp;
    bool is_news;

    if (!leg->early_answered || leg->next == NULL || codecs == NULL || c->is_bypass || leg->refresh != NULL) {
        leg_reply(leg, txn, 491, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us); /* our offer has no answer */
        return;
    }
    if (leg_offer_in(leg, msg->body, &m) != RF_REFUSE_NONE ||
        ((is_news = leg_offer_is_news(leg, m)) && !leg_offer_covers(m, leg->next))) {
        leg_media_free(m);
        leg_reply(leg, txn, 488, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
        return;
    }
    told = *leg->next; /* its codecs, which leg A was told; and what leg A does now */
    told.theirs = codecs->theirs;
    sdp = leg_answer_out(leg, m, is_news ? &told : codecs);
    rf_wipe(&told, sizeof told);
    if (sdp.n == 0 || (is_news && !keep_told(m, leg->next))) {
        leg_media_free(m);
        leg_reply(leg, txn, 500, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
        return;
    }
    leg_media_free(leg->next);
    leg->next = m;
    leg->early_updated = true;
    if (c->join != JOIN_ASKED)
        call_media_change(c, leg, NULL);
    leg_reply(leg, txn, 200, (struct rf_span){ 0 }, sdp, now_us);
}

void
prack_early_request(struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct call *c = leg->call;
    int kind;

    if (msg->method != RF_SIP_UPDATE || leg->state != LEG_INVITED || c->state != CALL_RINGING) {
        rf_server_txn_reply(txn, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    if (rf_dialog_request_in(&leg->early, msg) != RF_OK) {
        rf_server_txn_reply(txn, 500, "CSeq out of order", (struct rf_span){ 0 }, now_us);
        return;
    }
    ladder_msg(c, leg->side, false, msg, now_us);
    kind = request_sdp(c->l, txn, msg, now_us);
    if (kind < 0)
        return;
    rf_dialog_refresh_target(&leg->early, msg);
    if (kind > 0)
        early_offer(leg, txn, msg, now_us);
    else
        leg_reply(leg, txn, 200, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
}
