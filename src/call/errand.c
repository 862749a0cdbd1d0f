/*
 * call/errand.c - a leg that moves from one worker to another, for transfers (guests.h)
 *
 * The worker whose call it becomes asks twice: LOOK, what is this dialog's other leg, and may it be had? Then, when its
 * media ports are there, TAKE: the leg comes as the octets of which a restart would make it (save.c), without keys and
 * without its connection, which is found anew by its binding. Whoever gives it away ends the call it was in.
 *
 *   LOOK  -> SEEN   status; who the other leg is
 *   TAKE  -> TAKEN  status; octets of the leg
 *
 * A dialog that rings cannot come: its call has transactions under way. There the INVITE goes instead (pickup.c), whole
 * and with the name of who signed in, and its worker forgets it; from then on it is the other one's guest (passed.c).
 *
 * A letter that is lost leaves both calls as they were: the new one ends by its timer.
 */
#include <stdlib.h>

#include "call/layer.h"
#include "sip/header.h"

#define ANSWER_WITHIN_US (3 * RF_S) /* a neighbour answers in a millisecond */

enum errand_kind { ERRAND_LOOK = 1, ERRAND_SEEN, ERRAND_TAKE, ERRAND_TAKEN };

/* Plain data between threads of one process; for TAKEN octets follow. */
struct errand {
    uint32_t kind;
    int32_t status;                       /* answers: 0, or what transfer_judge says */
    uint64_t serial;                      /* of the new call, at the worker that asks */
    uint8_t purpose;                      /* enum transfer_kind */
    struct far far;                       /* the dialog */
    char id[2 * ID_OCTETS + 1];           /* of the call that writes */
    char user[64], connection[RF_CONNECTION_NAME_MAX]; /* who asks; answers: of the other leg */
    char display[96];
    char number[64];                      /* answers: what was dialled in that call */
    uint8_t side;                         /* answers: of the other leg */
    struct rf_addr media_addr;            /* answers: of the other leg */
    struct rf_srtp_policy policy;         /* answers to LOOK: of the leg that is to be replaced */
};

static bool
post(struct rf_call_layer *l, uint16_t to, struct errand *e, struct rf_span octets)
{
    struct rf_buf b = rf_buf(l->out, sizeof l->out);

    rf_put(&b, rf_span((const char *)e, sizeof *e));
    rf_put(&b, octets);
    return l->env.post != NULL && rf_buf_done(&b) == RF_OK && l->env.post(l->env.ctx, to, rf_buf_span(&b));
}

bool
far_named(struct rf_call_layer *l, const struct rf_sip_replaces *r, struct far *out)
{
    uint16_t worker = rf_call_owner(&l->env.owner_key, r->call_id, l->env.workers);

    memset(out, 0, sizeof *out);
    if (l->env.guests != NULL)
        (void)rf_call_guests_find(l->env.guests, (struct rf_call_guest_name){ r->call_id, r->to_tag }, &worker);
    out->worker = worker;
    out->early_only = r->is_early_only;
    return worker != l->env.worker && rf_span_copy(r->call_id, out->call_id, sizeof out->call_id) == RF_OK &&
           rf_span_copy(r->to_tag, out->to_tag, sizeof out->to_tag) == RF_OK &&
           rf_span_copy(r->from_tag, out->from_tag, sizeof out->from_tag) == RF_OK;
}

/* --- the worker that asks --- */

static void
ask(struct call *c, enum errand_kind kind, uint64_t now_us)
{
    const struct origin *o = c->origin;
    struct errand e = { .kind = kind, .serial = c->serial, .purpose = o->kind, .far = *o->far };
    const char *user = o->kind == TRANSFER_REPLACES ? c->a->user : o->user;
    const char *connection = o->kind == TRANSFER_REPLACES ? c->a->connection : o->connection;

    memcpy(e.id, c->id, sizeof e.id);
    snprintf(e.user, sizeof e.user, "%s", user);
    snprintf(e.connection, sizeof e.connection, "%s", connection);
    rf_timer_arm(c->l->env.wheel, &c->timer, now_us + ANSWER_WITHIN_US);
    if (!post(c->l, o->far->worker, &e, (struct rf_span){ 0 }))
        call_end(c, "us", 503, RF_REFUSE_NONE, now_us);
}

void
errand_look(struct call *c, uint64_t now_us)
{
    ask(c, ERRAND_LOOK, now_us);
}

void
errand_take(struct call *c, uint64_t now_us)
{
    ask(c, ERRAND_TAKE, now_us);
}

/* false: it stays here. true: the call is gone. */
static bool
pass_invite(struct call *c)
{
    struct rf_call_env *env = &c->l->env;
    struct leg *a = c->a;
    struct rf_server_txn *txn = a->server;
    struct rf_call_guest_name name;
    uint16_t to = c->origin->far->worker;
    struct rf_call_passed who = { .sign_in = a->sign_in };

    if (env->pass == NULL || env->guests == NULL || txn == NULL || !a->server_is_open)
        return false;
    snprintf(who.user, sizeof who.user, "%s", a->user);
    name = rf_call_guest_of(rf_server_txn_request(txn));
    if (rf_call_guests_add(env->guests, name, to) != RF_OK)
        return false;
    if (c->share != NULL) /* before the other one counts it */
        rf_quota_drop(env->quota, c->share);
    c->share = NULL;
    if (!env->pass(env->ctx, to, rf_server_txn_flow(txn), rf_server_txn_request(txn)->raw, &who)) {
        rf_call_guests_drop(env->guests, name, to);
        return false;
    }
    a->server = NULL;
    rf_server_txn_forget(txn);
    call_free(c);
    return true;
}

/* The offer of an INVITE with Replaces was judged before it was known whose place it takes. false: refused now. */
static bool
offer_holds(struct call *c, const struct rf_srtp_policy *was, uint64_t now_us)
{
    struct leg_media *m = NULL;
    enum rf_refusal why;

    if (c->origin->kind != TRANSFER_REPLACES || !transfer_keep_srtp(c->a, was) || c->a->next == NULL)
        return true;
    why = c->a->server != NULL ? leg_offer_in(c->a, rf_server_txn_request(c->a->server)->body, &m)
                               : RF_REFUSE_BAD_SDP;
    if (why != RF_REFUSE_NONE) {
        call_end(c, "us", rf_refusal_row(why)->sip, why, now_us);
        return false;
    }
    leg_media_free(c->a->next);
    c->a->next = m;
    return true;
}

static void
seen(struct call *c, const struct errand *e, uint64_t now_us)
{
    struct leg *b = c->b;

    if (e->status == TRANSFER_RINGS) { /* a user asks (transfer_judge) */
        if (!pass_invite(c))
            transfer_refuse(c, 503, now_us);
        return;
    }
    if (e->status != 0) {
        transfer_far_refused(c, e->status, e->number, now_us);
        return;
    }
    if (!offer_holds(c, &e->policy, now_us))
        return;
    snprintf(b->user, sizeof b->user, "%s", e->user);
    snprintf(b->display, sizeof b->display, "%s", e->display);
    snprintf(b->connection, sizeof b->connection, "%s", e->connection);
    snprintf(c->called, sizeof c->called, "%s", e->side == 1 && e->number[0] != '\0' ? e->number : e->user);
    b->media_addr = e->media_addr;
    memcpy(c->origin->moving[1].id, e->id, sizeof e->id);
    c->origin->far->is_seen = true;
    transfer_open(c, now_us);
}

/* For letters that need no answer of their own. */
void
errand_give_up(struct call *c)
{
    struct errand e = { .kind = ERRAND_TAKE, .serial = c->serial, .purpose = c->origin->kind, .far = *c->origin->far };

    snprintf(e.user, sizeof e.user, "%s", c->origin->user);
    snprintf(e.connection, sizeof e.connection, "%s", c->origin->connection);
    (void)!post(c->l, c->origin->far->worker, &e, (struct rf_span){ 0 });
}

/* Nobody is there for whom it was asked: it has left its call, so it is told that it is over. */
static void
orphan(struct leg *leg, struct call *c, uint64_t now_us)
{
    c->b = leg;
    c->a = stand_in(c, leg, 0);
    if (c->a == NULL) {
        call_free(c);
        return;
    }
    c->state = CALL_UP;
    c->answered = true;
    c->answered_us = now_us;
    call_end(c, "transfer", 487, RF_REFUSE_NONE, now_us);
}

/* It came and there is no memory for it: its messages go where its Call-ID says, and are answered 481 there. */
static void
guest_lost(struct rf_call_layer *l, const struct errand *e)
{
    rf_call_guests_drop(l->env.guests,
                        (struct rf_call_guest_name){ rf_span_str(e->far.call_id), rf_span_str(e->far.to_tag) },
                        l->env.worker);
}

static void
taken(struct rf_call_layer *l, const struct errand *e, struct rf_span octets, uint64_t now_us)
{
    struct call *c = call_by_serial(l, e->serial);
    bool is_wanted = c != NULL && c->state == CALL_OPENING && c->join == JOIN_ASKED && c->origin->far != NULL;
    struct leg *leg;

    if (e->status != 0) {
        if (is_wanted && e->status == 403)
            transfer_far_refused(c, e->status, "", now_us);
        else if (is_wanted)
            call_end(c, "callee", e->status == 300 ? 481 : e->status, RF_REFUSE_NONE, now_us);
        return;
    }
    if (!is_wanted && (c = call_new(l, now_us)) == NULL) {
        guest_lost(l, e);
        return;
    }
    leg = leg_new(c, 1);
    if (leg == NULL || leg_get(leg, octets) != RF_OK) {
        leg_free(leg);
        guest_lost(l, e);
        if (is_wanted)
            call_end(c, "us", 500, RF_REFUSE_NONE, now_us);
        else
            call_free(c);
        return;
    }
    leg_media_free(leg->media);
    leg->media = NULL;
    leg_enter(leg);
    leg_be_guest(leg);
    if (leg->connection[0] != '\0' && l->env.board != NULL)
        leg->is_counted = rf_board_take(l->env.board, leg->connection, UINT32_MAX) == RF_OK;
    if (is_wanted)
        transfer_taken(c, leg, now_us);
    else
        orphan(leg, c, now_us);
}

/* --- the worker that has it --- */

static void
answer_look(struct rf_call_layer *l, uint16_t from, const struct errand *e)
{
    struct rf_span call_id = rf_span_str(e->far.call_id), to_tag = rf_span_str(e->far.to_tag);
    struct rf_span from_tag = rf_span_str(e->far.from_tag);
    struct leg *leg = leg_named(l, call_id, to_tag, from_tag);
    struct errand answer = { .kind = ERRAND_SEEN, .serial = e->serial };
    const struct leg *other;

    if (leg == NULL && e->purpose == TRANSFER_REPLACES)
        leg = pickup_named(l, call_id, to_tag, from_tag);
    answer.status = transfer_judge(leg, e->purpose, e->user, e->connection, e->far.early_only);
    if (leg != NULL) {
        memcpy(answer.id, leg->call->id, sizeof answer.id);
        snprintf(answer.number, sizeof answer.number, "%s", leg->call->called);
    }
    if (answer.status == 0) {
        other = leg_other(leg);
        answer.side = other->side;
        answer.policy = leg->policy;
        answer.media_addr = other->media_addr;
        snprintf(answer.user, sizeof answer.user, "%s", other->user);
        snprintf(answer.display, sizeof answer.display, "%s", other->display);
        snprintf(answer.connection, sizeof answer.connection, "%s", other->connection);
    }
    (void)!post(l, from, &answer, (struct rf_span){ 0 });
}

static void
answer_take(struct rf_call_layer *l, uint16_t from, const struct errand *e, uint64_t now_us)
{
    struct leg *leg = leg_named(l, rf_span_str(e->far.call_id), rf_span_str(e->far.to_tag),
                                rf_span_str(e->far.from_tag));
    struct errand answer = { .kind = ERRAND_TAKEN, .serial = e->serial };
    struct leg *other = NULL, *ghost = NULL;
    struct rf_span octets = { 0 };
    struct rf_call_guest_name name;

    answer.status = transfer_judge(leg, e->purpose, e->user, e->connection, e->far.early_only);
    if (answer.status == 300) { /* it rings: its caller goes on by a call of its own */
        call_end(leg->call, "transfer", 487, RF_REFUSE_NONE, now_us);
        return;
    }
    if (answer.status == 0) {
        other = leg_other(leg);
        ghost = stand_in(leg->call, other, other->side);
        octets = leg_put(other);
        if (other->awaits_ack || other->client_is_open || other->path_wanted)
            answer.status = 491;
        else if (ghost == NULL || octets.n == 0)
            answer.status = 503;
    }
    if (answer.status != 0) {
        leg_free(ghost);
        (void)!post(l, from, &answer, (struct rf_span){ 0 });
        return;
    }
    name = leg_guest_name(other);
    snprintf(answer.far.call_id, sizeof answer.far.call_id, "%s", other->dialog.call_id);
    snprintf(answer.far.to_tag, sizeof answer.far.to_tag, "%s", other->dialog.local_tag);
    if (rf_call_guests_add(l->env.guests, name, from) != RF_OK || !post(l, from, &answer, octets)) {
        rf_call_guests_drop(l->env.guests, name, from);
        leg_be_guest(other); /* it may have been one here */
        leg_free(ghost);
        return;
    }
    leave_behind(other, ghost, e->id, now_us);
    ghost->call = leg->call;
    leg_free(other);
    call_end(leg->call, "transfer", 200, RF_REFUSE_NONE, now_us);
}

void
rf_call_letter(struct rf_call_layer *l, uint16_t from, struct rf_span letter, uint64_t now_us)
{
    struct errand e;
    struct call *c;

    rf_assert(letter.n >= sizeof e);
    memcpy(&e, letter.p, sizeof e);
    switch ((enum errand_kind)e.kind) {
    case ERRAND_LOOK:
        answer_look(l, from, &e);
        return;
    case ERRAND_SEEN:
        c = call_by_serial(l, e.serial);
        if (c != NULL && c->state == CALL_OPENING && c->join == JOIN_ASKED && c->origin->far != NULL &&
            !c->origin->far->is_seen)
            seen(c, &e, now_us);
        return;
    case ERRAND_TAKE:
        answer_take(l, from, &e, now_us);
        return;
    case ERRAND_TAKEN:
        taken(l, &e, rf_span_sub(letter, sizeof e, letter.n), now_us);
    }
}
