/*
 * call/pickup.c - a call that rings is taken by another phone: INVITE with Replaces of an early dialog (RFC 3891 3)
 *
 * The dialog is one that we began with a phone that rings. Whoever takes the call has sent an INVITE of its own, so
 * two offers are open, the caller's and this one; each gets an answer with what both can, under the policy of its own
 * leg, and nobody gets a re-INVITE. The leg leaves the call that its INVITE began and is leg B of the one that rang; all
 * phones that ring are cancelled. From then on it is a call like any.
 *
 *   transfer_replaces  transfer.c  which dialog, and may he?
 *   pickup_begin                   his offer is judged already
 *   pickup_go_on                   a port of his address family is there, and the caller owes no PRACK
 *   call_won           answer.c    200 to both, or the caller's first when his INVITE had no offer
 *
 * Names. Call-ID and tags of a dialog are all that a request within it must bear, so they are shown to its own user
 * alone. Whoever else may take the call is told an alias (dialog-info needs a Call-ID and two tags, and a phone gives
 * back what it was told): it says which call is meant while it rings, and nothing any more when it is answered.
 *
 * Invariants
 * (P1) Nothing of the call that rings changes before the INVITE can be answered 200.
 * (P2) One waits at a time (call.picker); others meanwhile are answered 486.
 */
#include <stdlib.h>

#include "call/layer.h"

/* --- aliases --- */

static uint64_t
alias_hash(struct rf_call_layer *l, struct rf_span call_id)
{
    return rf_siphash(&l->aliases.key, call_id.p, call_id.n);
}

static bool
alias_is(const struct rf_hash_node *node, const void *key)
{
    return rf_span_is(*(const struct rf_span *)key, rf_container(node, const struct leg, by_alias)->alias.call_id);
}

void
pickup_name(struct leg *leg)
{
    struct rf_call_layer *l = leg->call->l;
    struct leg_alias *a = &leg->alias;
    struct rf_buf id = rf_buf(a->call_id, sizeof a->call_id - 1), ours = rf_buf(a->our_tag, sizeof a->our_tag - 1),
                  theirs = rf_buf(a->their_tag, sizeof a->their_tag - 1);
    uint8_t octets[16];

    if (leg->by_alias.is_in_table)
        return;
    call_own_id(leg->call, &id); /* so that another worker knows whose it is */
    rf_rand_fill(l->env.rand, octets, sizeof octets);
    rf_put_hex(&ours, octets, 8);
    rf_put_hex(&theirs, octets + 8, 8);
    a->call_id[id.n] = a->our_tag[ours.n] = a->their_tag[theirs.n] = '\0';
    rf_hash_insert(&l->aliases, &leg->by_alias, alias_hash(l, rf_buf_span(&id)));
}

void
pickup_unname(struct leg *leg)
{
    rf_hash_remove(&leg->call->l->aliases, &leg->by_alias);
}

struct leg *
pickup_named(struct rf_call_layer *l, struct rf_span call_id, struct rf_span to_tag, struct rf_span from_tag)
{
    struct rf_hash_node *node = rf_hash_find(&l->aliases, alias_hash(l, call_id), alias_is, &call_id);
    struct leg *leg = node != NULL ? rf_container(node, struct leg, by_alias) : leg_find(l, call_id, to_tag);

    if (leg == NULL)
        return NULL;
    if (node != NULL)
        return rf_span_is(to_tag, leg->alias.our_tag) && rf_span_is(from_tag, leg->alias.their_tag) ? leg : NULL;
    return leg->dialog.remote_tag == NULL && leg->early_tag[0] != '\0' && !leg->early_tag_is_none &&
                   rf_span_is(from_tag, leg->early_tag)
               ? leg : NULL;
}

bool
pickup_rings(const struct leg *leg)
{
    return leg->side == 1 && leg->state == LEG_INVITED && leg->call->state == CALL_RINGING &&
           leg->early_tag[0] != '\0';
}

/* --- who takes it --- */

static struct call *
picker_of(struct call *c)
{
    struct call *by = c->picker != 0 ? call_by_serial(c->l, c->picker) : NULL;

    return by != NULL && by->state == CALL_OPENING && by->picks == c->serial ? by : NULL;
}

void
pickup_begin(struct call *by, uint64_t now_us)
{
    struct call *c = call_by_serial(by->l, by->picks);

    if (c == NULL || c->state != CALL_RINGING) {
        call_end(by, "us", 603, RF_REFUSE_NONE, now_us); /* RFC 3891 3: somebody has answered, or nobody calls any more */
        return;
    }
    if (picker_of(c) != NULL) {
        call_end(by, "us", 486, RF_REFUSE_NONE, now_us);
        return;
    }
    /* An answer to our offer would come in the ACK, and the caller's own wait for it: no phone picks up like that.
     * Of a call whose media passes us by there is no session that a phone could enter. */
    if (by->is_offerless || c->is_bypass) {
        call_end(by, "us", 488, RF_REFUSE_NONE, now_us);
        return;
    }
    c->picker = by->serial;
    pickup_go_on(c, now_us);
}

/* What the caller can, for our answer to who takes the call; NULL: the caller's INVITE had no offer. */
static struct leg_media *
caller_media(struct call *c)
{
    return c->join == JOIN_ASKED ? c->origin->abilities : c->is_offerless ? NULL : c->a->next;
}

/* Our answer to its offer, in layer.sdp, as leg B of `c`; empty: there is none, and it is as it was. */
static struct rf_span
answer_of(struct call *c, struct leg *leg)
{
    struct leg_media *codecs = caller_media(c);
    struct call *by = leg->call;
    struct rf_span text;

    leg->next->was_offer = true;
    if (codecs == NULL)
        return (struct rf_span){ 0 };
    codecs->was_offer = true;
    leg->call = c; /* the lists of both users count */
    leg->side = 1;
    text = leg_answer_out(leg, leg->next, codecs);
    leg->call = by;
    leg->side = 0;
    return text;
}

static void
refuse_picker(struct call *by, struct leg *leg, int status, uint64_t now_us)
{
    leg_say_unoffered(leg);
    call_end(by, "us", status, leg->refusal, now_us);
}

static void
move_over(struct call *c, struct leg *leg, struct leg *ghost, uint64_t now_us)
{
    struct leg_media *offer = leg->next;
    struct call *by = leg->call;

    leg->next = NULL; /* else it ends with the exchange of its call */
    leave_behind(leg, ghost, c->id, now_us);
    leg->call = c;
    leg->side = 1;
    leg->next = offer;
    leg->has_end = false;
    tally_leg_anew(leg, &leg->base);
    leg->stage = c->stage;
    rf_list_append(&c->attempts, &leg->link);
    c->picker = 0;
    snprintf(c->picked_by, sizeof c->picked_by, "%s", leg_who(leg));
    ladder_add(c, 1, false, "INVITE", 0,
               leg->is_guest ? "picked up (Replaces); leg B comes from another worker" : "picked up (Replaces)", now_us);
    call_end(by, "pickup", 200, RF_REFUSE_NONE, now_us);
}

void
pickup_go_on(struct call *c, uint64_t now_us)
{
    struct call *by = picker_of(c);
    struct leg *leg = by != NULL ? by->a : NULL, *ghost;
    struct rf_span text;
    char *answer = NULL;
    enum rf_err err;

    if (by == NULL || c->state != CALL_RINGING || prack_is_owed(c->a))
        return;
    err = leg->flow == NULL ? RF_ERR_CLOSED : leg_media_place(c, leg);
    if (err == RF_ERR_AGAIN)
        return;
    if (err != RF_OK) {
        call_end(by, "us", err == RF_ERR_CLOSED ? 480 : 488, RF_REFUSE_NONE, now_us);
        return;
    }
    text = answer_of(c, leg);
    if (text.n == 0 && caller_media(c) != NULL) {
        refuse_picker(by, leg, 488, now_us);
        return;
    }
    ghost = stand_in(by, leg, 0);
    if (ghost == NULL || (text.n > 0 && (answer = rf_span_dup(text)) == NULL)) {
        leg_free(ghost);
        call_end(by, "us", 503, RF_REFUSE_NONE, now_us);
        return;
    }
    move_over(c, leg, ghost, now_us);
    call_won(c, leg, rf_span(answer, text.n), now_us);
    if (answer != NULL)
        rf_wipe(answer, text.n); /* it has our key */
    free(answer);
}

void
pickup_over(struct call *c, uint64_t now_us)
{
    struct call *by = picker_of(c);

    c->picker = 0;
    if (by != NULL)
        call_end(by, "us", 603, RF_REFUSE_NONE, now_us);
}
