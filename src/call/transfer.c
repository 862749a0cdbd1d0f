/*
 * call/transfer.c - a leg of one call becomes a leg of another: blind and attended transfer, Replaces (RFC 5589, 3891)
 *
 * Who is transferred hears nothing of REFER: we are its peer, so a transfer is a call of ours, with its own record.
 *
 * The leg that stays keeps its ports and keys, for there are phones that do not take new ones in a call (baresip 1.0):
 * the new call borrows the media session of the old one and takes it over when that leg moves, and the new leg gets
 * the place, with fresh keys, of the one that goes. Where that cannot be (an address family, media that passed us by)
 * the new call has a session of its own, and the leg that stays is offered new keys. Either way each leg's SRTP is
 * judged by its own policy, like any offer.
 *
 * A blind transfer, one function a step:
 *   refer_request       refer.c     what is asked for, and is it allowed?
 *   transfer_blind                  a new call; a stand-in holds the place of who stays, who still speaks in the old one
 *   transfer_ring                   the number is looked up and rings, like any (targets.c, ring.c)
 *   transfer_answered               the leg moves; who asked gets NOTIFY and BYE, the old call ends
 *   exchange_join       exchange.c  re-INVITE to the leg that moved, with what the new one has answered
 *
 * An attended one has both legs up in other calls: ports first (transfer_open), then both move. An INVITE with Replaces
 * brings leg A itself, and its offer goes to leg B when that has moved.
 *
 * Invariants
 * (X1) A leg moves when nothing can fail any more but its own answer. Until then its call is as it was, and who asked
 *      may take it back.
 * (X2) A leg that has moved is mute and deaf until it has answered our offer: nobody hears whom it does not know of.
 *      The same goes for INFO and MESSAGE.
 */
#include <stdlib.h>

#include "base/json.h"
#include "call/layer.h"
#include "sip/header.h"

static const char *const kind_name[TRANSFER_KINDS] = { "blind", "attended", "replaces" };

/* --- the new call --- */

struct leg *
stand_in(struct call *c, const struct leg *of, uint8_t side)
{
    struct leg *leg = leg_new(c, side);

    if (leg == NULL)
        return NULL;
    memcpy(leg->user, of->user, sizeof leg->user);
    memcpy(leg->display, of->display, sizeof leg->display);
    memcpy(leg->connection, of->connection, sizeof leg->connection);
    memcpy(leg->device, of->device, sizeof leg->device);
    memcpy(leg->setting, of->setting, sizeof leg->setting);
    memcpy(leg->instance, of->instance, sizeof leg->instance);
    memcpy(leg->listener, of->listener, sizeof leg->listener);
    leg->is_private = of->is_private;
    leg->sign_in = of->sign_in;
    leg->policy = of->policy;
    leg->transport = of->transport;
    leg->remote = of->remote;
    leg->media_addr = of->media_addr;
    leg->facts = of->facts;
    leg->dialog.call_id = strdup(of->dialog.call_id); /* says whose call it is (call_own_id); in no table */
    if (leg->dialog.call_id != NULL)
        return leg;
    leg_free(leg);
    return NULL;
}

/* What the leg's phone can, for an offer to somebody else: not that it is on hold now. */
static struct leg_media *
abilities(const struct leg *leg)
{
    struct leg_media *m = leg_media_dup(leg->media);

    if (m != NULL)
        m->theirs = m->ours = RF_SENDRECV;
    return m;
}

static struct moving
moving(const struct leg *leg)
{
    struct moving m = { .call = leg->call->serial, .side = leg->side };

    memcpy(m.id, leg->call->id, sizeof m.id);
    return m;
}

/* The leg that is to move, if it is still up. */
static struct leg *
mover(struct call *c, size_t i)
{
    const struct moving *m = &c->origin->moving[i];
    struct call *from = m->call != 0 ? call_by_serial(c->l, m->call) : NULL;
    struct leg *leg;

    if (from == NULL || from->state != CALL_UP)
        return NULL;
    leg = m->side == 0 ? from->a : from->b;
    return leg != NULL && leg->state == LEG_UP ? leg : NULL;
}

static bool
take_origin(struct call *c, enum transfer_kind kind, const struct leg *by)
{
    c->origin = calloc(1, sizeof *c->origin);
    if (c->origin == NULL)
        return false;
    c->origin->kind = (uint8_t)kind;
    memcpy(c->origin->user, by->user, sizeof c->origin->user);
    memcpy(c->origin->display, by->display, sizeof c->origin->display);
    memcpy(c->origin->connection, by->connection, sizeof c->origin->connection);
    c->origin->is_private = by->is_private;
    c->join = JOIN_ASKED;
    return true;
}

static struct call *
transfer_new(struct leg *a, struct leg *b, struct leg *by, enum transfer_kind kind, uint64_t now_us)
{
    struct call *c = call_new(a->call->l, now_us);

    if (c == NULL)
        return NULL;
    c->a = stand_in(c, a, 0);
    if (c->a == NULL || !take_origin(c, kind, by) || (c->origin->abilities = abilities(a)) == NULL)
        goto fail;
    c->origin->moving[0] = moving(a);
    if (b != NULL) {
        c->b = stand_in(c, b, 1);
        if (c->b == NULL)
            goto fail;
        c->origin->moving[1] = moving(b);
    }
    /* One hop more: phones that transfer each call to each other come to an end (RFC 3261 8.1.1.6). */
    c->max_forwards = a->call->max_forwards > 0 ? a->call->max_forwards - 1 : 0;
    c->trail = a->call->trail;
    /* It takes the place of a call that was admitted, so the share of who stays is not asked again. */
    if (rf_quota_take(c->l->env.quota, rf_span_str(a->connection[0] != '\0' ? "" : a->user), UINT32_MAX, UINT32_MAX,
                      &c->share) != RF_OK)
        goto fail;
    ladder_add(c, 0, false, "", 0, kind == TRANSFER_BLIND ? "blind transfer" : "attended transfer", now_us);
    return c;

fail:
    call_free(c);
    return NULL;
}

void
origin_free(struct call *c)
{
    if (c->origin != NULL) {
        leg_media_free(c->origin->abilities);
        free(c->origin->far);
    }
    free(c->origin);
    c->origin = NULL;
}

static bool
take_far(struct call *c, const struct far *far)
{
    c->origin->far = malloc(sizeof *c->origin->far);
    if (c->origin->far == NULL)
        return false;
    *c->origin->far = *far;
    return true;
}

struct leg *
leg_named(struct rf_call_layer *l, struct rf_span call_id, struct rf_span to_tag, struct rf_span from_tag)
{
    struct leg *leg = leg_find(l, call_id, to_tag);

    return leg != NULL && leg->dialog.remote_tag != NULL && rf_span_is(from_tag, leg->dialog.remote_tag) ? leg : NULL;
}

/*
 * Of REFER: a dialog of the asker's own. Of INVITE: one of its own user, or one that the settings let it take
 * (docs/design/0015): to know the names of a dialog is not enough. A connection may take over its own alone.
 */
static bool
may_have(const struct leg *leg, enum transfer_kind kind, const char *user, const char *connection)
{
    const struct rf_call_env *env = &leg->call->l->env;

    if (strcmp(leg->connection, connection) != 0)
        return false;
    if (connection[0] != '\0' || strcmp(leg->user, user) == 0)
        return true;
    return kind == TRANSFER_REPLACES && env->may_take != NULL &&
           env->may_take(env->ctx, user, leg->user, leg->state == LEG_UP);
}

int
transfer_judge(const struct leg *leg, enum transfer_kind kind, const char *user, const char *connection,
               bool early_only)
{
    const struct leg *other;

    if (leg == NULL)
        return 481;
    if (!may_have(leg, kind, user, connection))
        return 403;
    if (leg->state == LEG_DONE || leg->state == LEG_CANCELLED || leg->call->state == CALL_ENDING)
        return kind == TRANSFER_REPLACES ? 603 : 481; /* RFC 3891 3: it is over */
    if (leg->call->state != CALL_UP && kind == TRANSFER_ATTENDED && leg == leg->call->a)
        return 300;
    /* What rings at a connection was offered under the settings of calls to it, `outbound.srtp`. By an INVITE of its
     * own it would choose those of calls from it. */
    if (kind == TRANSFER_REPLACES && pickup_rings(leg))
        return connection[0] == '\0' ? TRANSFER_RINGS : 481;
    if (leg->state != LEG_UP || leg->call->state != CALL_UP)
        return 481; /* RFC 3891 3: an early dialog that we did not begin */
    if (early_only && kind == TRANSFER_REPLACES)
        return 486;
    other = leg_other(leg);
    if (leg->call->join != JOIN_NONE || leg->call->refer != NULL || other == NULL || other->state != LEG_UP ||
        other->media == NULL)
        return 491;
    return 0;
}

/* --- blind --- */

struct call *
transfer_blind(struct leg *stays, struct leg *by, const char *number, uint64_t now_us)
{
    struct call *c = transfer_new(stays, NULL, by, TRANSFER_BLIND, now_us);

    if (c != NULL)
        snprintf(c->called, sizeof c->called, "%s", number);
    return c;
}

void
transfer_ring(struct call *c, uint64_t now_us)
{
    enum rf_refusal why = RF_REFUSE_NOT_FOUND;

    rf_timer_arm(c->l->env.wheel, &c->timer, now_us + call_settings(c)->ring_time_s * RF_S);
    if (c->max_forwards == 0) {
        call_end(c, "us", 483, RF_REFUSE_NONE, now_us);
        return;
    }
    if (call_find_places(c, rf_span_str(c->called), &why)) {
        call_stage_begin(c, now_us);
        return;
    }
    call_refuse(c, why, why == RF_REFUSE_TLS_REQUIRED ? 480 : 0,
                (const struct rf_log_field[]){ RF_F_STR("number", c->called), RF_F_STR("user", c->called),
                                               RF_F_STR("who", why == RF_REFUSE_CALL_LOOP ? leg_who(c->a) : c->called),
                                               RF_F_STR("transport", "another transport"), RF_F_STR("call", c->id),
                                               { 0 } },
                now_us);
}

const char *
call_payer(const struct call *c, const char **connection)
{
    /* Who transfers may send the other party where it could have called itself, and nowhere else. */
    *connection = c->origin != NULL ? c->origin->connection : c->a->connection;
    return c->origin != NULL ? c->origin->user : c->a->user;
}

void
transfer_put_referred_by(const struct leg *leg, struct rf_buf *b)
{
    const struct call *c = leg->call;
    const struct origin *o = c->origin;
    const struct rf_connection *k = connection_of(leg->call, leg->connection);

    if (o == NULL || o->is_private || o->connection[0] != '\0' || (leg->connection[0] != '\0' && k == NULL) ||
        (k != NULL && !k->trusts_identity))
        return;
    rf_put_str(b, "Referred-By: <");
    rf_call_put_aor(b, rf_span_str(o->user), call_settings(c)->domain);
    rf_put_str(b, ">\r\n");
}

void
transfer_early(struct call *c, int status, uint64_t now_us)
{
    struct call *asker = c->origin != NULL ? call_by_serial(c->l, c->origin->moving[0].call) : NULL;

    if (asker != NULL && asker->refer != NULL && asker->refer->made == c->serial)
        refer_tell(asker, status, now_us);
}

/* --- attended, and Replaces --- */

/* Leg B is at another worker: what it is will be told (errand.c). */
static bool
stand_in_far(struct call *c, const struct far *far)
{
    c->b = leg_new(c, 1);
    if (c->b == NULL || !take_far(c, far))
        return false;
    c->b->media_addr = c->a->media_addr;
    c->b->dialog.call_id = strdup(far->call_id);
    return c->b->dialog.call_id != NULL;
}

struct call *
transfer_attended(struct leg *a, struct leg *b, struct leg *by, const struct far *far, uint64_t now_us)
{
    struct call *c = transfer_new(a, b, by, TRANSFER_ATTENDED, now_us);

    if (c == NULL)
        return NULL;
    if (b != NULL) {
        snprintf(c->called, sizeof c->called, "%s", b->side == 1 ? b->call->called : b->user);
    } else if (!stand_in_far(c, far)) {
        c->join = JOIN_NONE;
        call_free(c);
        return NULL;
    }
    return c;
}

bool
transfer_keep_srtp(struct leg *a, const struct rf_srtp_policy *was)
{
    const struct rf_srtp_policy own = a->policy;

    if (a->connection[0] == '\0')
        return false;
    if (was->mode > own.mode)
        a->policy = *was;
    /* `was` is of the time when that call began: what is not allowed any more is not inherited (TEL-29, TEL-30). */
    a->policy.allow_null_auth = own.allow_null_auth && was->allow_null_auth;
    a->policy.allow_unencrypted = own.allow_unencrypted && was->allow_unencrypted;
    return a->policy.mode != own.mode || a->policy.allow_null_auth != own.allow_null_auth ||
           a->policy.allow_unencrypted != own.allow_unencrypted;
}

int
transfer_replaces(struct call *c, const struct rf_sip_msg *msg, const struct caller *who)
{
    const char *connection = who->connection != NULL ? who->connection->name : "";
    struct rf_sip_replaces r;
    struct leg *leg, *stays;
    struct far far;
    int status;

    if (!call_settings(c)->transfer)
        return 403;
    if (rf_sip_replaces_parse(rf_sip_value(msg, RF_HDR_REPLACES), &r) != RF_OK)
        return 400;
    ladder_add(c, 0, false, "", 0, "replaces a leg of another call", call_now(c));
    leg = pickup_named(c->l, r.call_id, r.to_tag, r.from_tag);
    if (leg == NULL)
        leg = leg_named(c->l, r.call_id, r.to_tag, r.from_tag);
    if (leg == NULL && far_named(c->l, &r, &far))
        return take_origin(c, TRANSFER_REPLACES, c->a) && stand_in_far(c, &far) ? 0 : 503;
    status = transfer_judge(leg, TRANSFER_REPLACES, c->a->user, connection, r.is_early_only);
    if (status == TRANSFER_RINGS) {
        c->picks = leg->call->serial;
        return 0;
    }
    if (status != 0)
        return status;
    (void)transfer_keep_srtp(c->a, &leg->policy);
    stays = leg_other(leg);
    if (!take_origin(c, TRANSFER_REPLACES, c->a) || (c->b = stand_in(c, stays, 1)) == NULL)
        return 503;
    c->origin->moving[1] = moving(stays);
    snprintf(c->called, sizeof c->called, "%s", stays->user);
    return 0;
}

void
transfer_refuse(struct call *c, int status, uint64_t now_us)
{
    const struct origin *o = c->origin;
    bool is_refer = o != NULL && o->kind != TRANSFER_REPLACES;
    const char *asker = !is_refer ? leg_who(c->a) : o->connection[0] != '\0' ? o->connection : o->user;
    const char *reason = !call_settings(c)->transfer ? "sip.transfer is off"
                         : is_refer
                             ? "it names a call of somebody else"
                             : "the call is another user's: watched-by of that user must name who takes it (all is "
                               "enough while it rings), or both be members of one ring-group";

    if (status != 403)
        call_end(c, "us", status, RF_REFUSE_NONE, now_us);
    else
        call_refuse(c, RF_REFUSE_FORBIDDEN, 0,
                    (const struct rf_log_field[]){ RF_F_STR("what", is_refer ? "a transfer"
                                                                             : "to take over a call (Replaces)"),
                                                   RF_F_STR("who", asker), RF_F_STR("reason", reason),
                                                   RF_F_STR("call", c->id), { 0 } },
                    now_us);
}

void
transfer_open(struct call *c, uint64_t now_us)
{
    if (c->picks != 0) {
        pickup_begin(c, now_us);
        return;
    }
    if (c->origin->far != NULL && !c->origin->far->is_seen) {
        errand_look(c, now_us);
        return;
    }
    if (transfer_borrow(c, (c->origin->kind == TRANSFER_REPLACES ? c->a : c->b)->media_addr.sa.sa_family)) {
        transfer_opened(c, now_us);
        return;
    }
    if (call_media_open(c, c->b->media_addr.sa.sa_family, now_us))
        return;
    call_refuse(c, RF_REFUSE_OVERLOAD, 0,
                (const struct rf_log_field[]){ RF_F_STR("what", "the media relay"), RF_F_STR("who", leg_who(c->a)),
                                               RF_F_STR("seconds", "5"), RF_F_STR("call", c->id), { 0 } },
                now_us);
}

void
transfer_far_refused(struct call *c, int status, const char *number, uint64_t now_us)
{
    struct call *asker = call_by_serial(c->l, c->origin->moving[0].call);
    char called[sizeof c->called];

    if (c->origin->kind == TRANSFER_REPLACES || status == 403) {
        transfer_refuse(c, status == 300 ? 481 : status, now_us);
        return;
    }
    if (status != 300 || asker == NULL || asker->refer == NULL || asker->refer->made != c->serial) {
        call_end(c, "callee", status == 300 ? 481 : status, RF_REFUSE_NONE, now_us);
        return;
    }
    snprintf(called, sizeof called, "%s", number);
    errand_give_up(c);
    asker->refer->made = 0;
    call_end(c, "transfer", 487, RF_REFUSE_NONE, now_us);
    refer_blind(asker, asker->refer->from, called, now_us);
}

/* --- legs move --- */

void
leave_behind(struct leg *leg, struct leg *ghost, const char *to, uint64_t now_us)
{
    struct call *from = leg->call;
    struct leg **was = leg == from->a ? &from->a : &from->b;

    exchange_stop(from, 491, now_us);
    infos_stop(from, now_us);
    evidence_freeze(from);
    leg_media_disagree(leg);
    leg_media_free(ghost->media);
    ghost->call = from;
    ghost->side = leg->side;
    ghost->state = LEG_DONE;
    ghost->media = leg->media;
    ghost->media_addr = leg->media_addr;
    ghost->end = leg->end;
    ghost->has_end = leg->has_end;
    ghost->tally = leg->tally;
    ghost->tally.stream = NULL;
    ghost->oneway = leg->oneway;
    *was = ghost;
    leg->media = NULL;
    snprintf(from->moved_to, sizeof from->moved_to, "%s", to);
    ladder_add(from, ghost->side, true, "", 0, "transferred to another call", now_us);
    call_forget(from); /* a restart must not find the leg twice */
}

/* Which leg keeps its ports and keys: the one for whom another one comes. */
static size_t
keeper(const struct call *c)
{
    return c->origin->kind == TRANSFER_REPLACES ? 1 : 0;
}

bool
transfer_borrow(struct call *c, int family)
{
    struct leg *stays, *goes;
    uint8_t slot;

    if (c->join != JOIN_ASKED || c->media_open || c->media_opening || c->borrows_media)
        return c->borrows_media;
    stays = mover(c, keeper(c));
    goes = stays != NULL ? leg_other(stays) : NULL;
    if (goes == NULL || !stays->call->media_open || stays->call->borrows_media || stays->media == NULL ||
        goes->media_addr.sa.sa_family != family)
        return false;
    slot = leg_slot(stays);
    c->borrows_media = true;
    c->is_swapped = slot != keeper(c);
    c->media = stays->call->media;
    c->family_b = family;
    c->port[slot] = rf_addr_port(&stays->media_addr);
    c->port[1 - slot] = rf_addr_port(&goes->media_addr);
    if (c->origin->kind == TRANSFER_REPLACES)
        rf_addr_set_port(&c->a->media_addr, c->port[leg_slot(c->a)]);
    return true;
}

/* A leg comes; unless its session comes along, its keys and ports stay behind. */
static void
move_in(struct call *c, struct leg *leg, uint8_t side, uint64_t now_us)
{
    struct call *from = leg->call;
    struct leg **place = side == 0 ? &c->a : &c->b, *ghost = *place;
    bool keeps = c->borrows_media && side == keeper(c);
    struct leg_media *media = keeps ? leg->media : NULL;
    struct leg_media *shown = keeps ? leg_media_dup(leg->media) : NULL;

    if (keeps)
        leg->media = shown;
    *place = leg;
    leave_behind(leg, ghost, c->id, now_us);
    leg->call = c;
    leg->side = side;
    leg->media = media;
    leg->has_end = false;
    leg->seen_clear = leg->seen_encrypted = 0;
    leg->oneway = (struct leg_oneway){ 0 };
    leg->base = (struct media_numbers){ 0 };
    tally_leg_anew(leg, &leg->base);
    leg->status = 0;
    leg->refusal = RF_REFUSE_NONE;
    if (keeps) {
        call_media_take(c, from);
        leg_media_base(leg);
        leg->media->ours = RF_INACTIVE; /* (X2) */
        call_media_change(c, leg, NULL);
        return;
    }
    if (c->media_open || c->borrows_media)
        rf_addr_set_port(&leg->media_addr, c->port[leg_slot(leg)]);
}

/* The call that has lost a leg ends; who asked for it is told first. */
static void
leave(struct call *c, size_t i, int status, uint64_t now_us)
{
    struct call *from = call_by_serial(c->l, c->origin->moving[i].call);

    c->origin->moving[i].call = 0;
    if (from == NULL)
        return;
    if (from->refer != NULL && from->refer->made == c->serial)
        refer_tell(from, status, now_us);
    call_end(from, "transfer", 200, RF_REFUSE_NONE, now_us);
}

static void
is_up(struct call *c, uint64_t now_us)
{
    c->state = CALL_UP;
    if (!c->answered) {
        c->answered = true;
        c->answered_us = now_us;
        c->answered_wall_s = c->l->env.wall_s(c->l->env.ctx);
    }
    rf_timer_arm(c->l->env.wheel, &c->timer, now_us + SAMPLE_US);
}

/* Leg A is here already: it has sent the INVITE, or who asked has left before (transfer_left). */
static bool
has_a(const struct call *c)
{
    return c->a->node.is_in_table;
}

/* (X1) Who was to move has hung up meanwhile. */
static void
too_late(struct call *c, uint64_t now_us)
{
    call_end(c, "caller", 487, RF_REFUSE_NONE, now_us);
}

void
transfer_answered(struct call *c, uint64_t now_us)
{
    struct leg *leg;

    if (has_a(c)) {
        c->a->state = LEG_UP;
    } else {
        c->a->state = LEG_NEW; /* a stand-in: nobody to say BYE to */
        leg = mover(c, 0);
        if (leg == NULL) {
            too_late(c, now_us);
            return;
        }
        move_in(c, leg, 0, now_us);
        leave(c, 0, 200, now_us);
    }
    c->join = JOIN_A;
    leg_media_base(c->b);
    call_media_change(c, c->b, NULL);
    call_save(c);
    exchange_join(c, now_us);
}

/* Leg B is here; leg A comes, or has sent the INVITE. */
static void
begin_join(struct call *c, struct leg *a, uint64_t now_us)
{
    if (a != NULL)
        move_in(c, a, 0, now_us);
    c->join = c->origin->kind == TRANSFER_REPLACES ? JOIN_INVITE : JOIN_B;
    leg_media_base(c->origin->kind == TRANSFER_REPLACES ? c->a : c->b);
    is_up(c, now_us);
    for (size_t i = 0; i < 2; i++)
        if (c->origin->moving[i].call != 0)
            leave(c, i, 200, now_us);
    call_save(c);
    exchange_join(c, now_us);
}

void
transfer_opened(struct call *c, uint64_t now_us)
{
    struct leg *a = has_a(c) ? NULL : mover(c, 0), *b;

    if (a == NULL && !has_a(c)) {
        too_late(c, now_us);
        return;
    }
    if (c->origin->far != NULL) {
        errand_take(c, now_us);
        return;
    }
    b = mover(c, 1);
    if (b == NULL) {
        too_late(c, now_us);
        return;
    }
    move_in(c, b, 1, now_us);
    begin_join(c, a, now_us);
}

void
transfer_taken(struct call *c, struct leg *leg, uint64_t now_us)
{
    struct leg *a = has_a(c) ? NULL : mover(c, 0);

    leg_free(c->b);
    c->b = leg;
    rf_addr_set_port(&leg->media_addr, c->port[leg_slot(leg)]);
    ladder_add(c, 1, false, "", 0, "leg B comes from another worker", now_us);
    if (a == NULL && !has_a(c))
        too_late(c, now_us);
    else
        begin_join(c, a, now_us);
}

void
transfer_left(struct call *c, struct leg *leg, uint64_t now_us)
{
    struct call *made = c->refer != NULL ? call_by_serial(c->l, c->refer->made) : NULL;
    struct leg *stays;

    /* RFC 5589 6.1: a phone that wants to hear no more of it hangs up at once. Who was transferred stays and waits. */
    if (made == NULL || leg != c->refer->from || c->state != CALL_UP || made->state == CALL_ENDING ||
        (stays = mover(made, 0)) == NULL)
        return;
    if (!made->media_open && !made->media_opening)
        (void)transfer_borrow(made, leg_other(stays)->media_addr.sa.sa_family);
    move_in(made, stays, 0, now_us);
    made->a->state = LEG_UP;
    made->origin->moving[0].call = 0;
    c->refer->made = 0;
}

void
transfer_over(struct call *c, int status, uint64_t now_us)
{
    struct call *asker = c->origin != NULL && c->origin->moving[0].call != 0
                             ? call_by_serial(c->l, c->origin->moving[0].call) : NULL;
    struct call *made = c->refer != NULL && c->refer->made != 0 ? call_by_serial(c->l, c->refer->made) : NULL;

    if (asker != NULL && asker->refer != NULL && asker->refer->made == c->serial)
        refer_tell(asker, status >= 300 ? status : 487, now_us); /* it goes on as it was */
    if (c->refer == NULL)
        return;
    c->refer->made = 0;
    refer_tell(c, made != NULL ? 487 : 503, now_us);
    if (made != NULL && made->state != CALL_ENDING)
        call_end(made, "caller", 487, RF_REFUSE_NONE, now_us);
}

void
transfer_tick(struct call *c, uint64_t now_us)
{
    if (c->join != JOIN_NONE && c->join != JOIN_ASKED)
        exchange_join(c, now_us);
}

/* --- the record --- */

void
transfer_put(const struct call *c, struct rf_buf *b)
{
    const struct origin *o = c->origin;

    if (c->moved_to[0] != '\0')
        rf_json_str(b, "transferred_to", c->moved_to);
    if (c->picked_by[0] != '\0')
        rf_json_str(b, "picked_up_by", c->picked_by);
    if (o == NULL)
        return;
    rf_json_open(b, "transfer", '{');
    rf_json_str(b, "kind", kind_name[o->kind]);
    rf_json_str(b, "by", o->connection[0] != '\0' ? o->connection : o->user);
    rf_json_open(b, "calls", '[');
    for (int i = 0; i < 2; i++)
        if (o->moving[i].id[0] != '\0')
            rf_json_str(b, NULL, o->moving[i].id);
    rf_json_close(b, ']');
    rf_json_close(b, '}');
}
