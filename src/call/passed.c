/*
 * call/passed.c - an INVITE that another worker has judged and this one goes on with (errand.c, guests.h)
 *
 * Its Call-ID is the other worker's, so its branch is a guest here: for repeats, CANCEL, and the ACK of a refusal.
 * These come after its leg is gone, too. An ACK that went astray would leave us repeating the refusal for 32 s, and a
 * repeated INVITE would be a second one to the worker of its Call-ID. So the name stays as long as an INVITE's
 * transaction may.
 *
 * A repeat that comes when its transaction has ended is absorbed: without who signed in it would be challenged, and its
 * sender would begin the call a second time.
 */
#include <stdlib.h>

#include "call/layer.h"

#define STAYS_US (32 * RF_S) /* 64 * T1: timers H and L, RFC 3261 17.2.1, RFC 6026 7.1 */
#define STAY_MAX 1024        /* so many at once; with more the oldest go: pickups come by the dozen */

struct past_guest {
    struct rf_link link; /* in layer.past_guests, the oldest first */
    uint64_t until_us;
    size_t call_id_n, branch_n;
    char text[]; /* Call-ID, and the branch behind it */
};

static struct rf_call_guest_name
name_of(const struct past_guest *x)
{
    return (struct rf_call_guest_name){ rf_span(x->text, x->call_id_n), rf_span(x->text + x->call_id_n, x->branch_n) };
}

static void
past_guest_free(struct rf_call_layer *l, struct past_guest *x)
{
    rf_call_guests_drop(l->env.guests, name_of(x), l->env.worker);
    rf_list_remove(&x->link);
    l->past_guest_count--;
    free(x);
}

static void
time_is_over(struct rf_timer *t, uint64_t now_us)
{
    struct rf_call_layer *l = rf_container(t, struct rf_call_layer, past_guests_timer);

    RF_LIST_FOREACH(&l->past_guests, it) {
        struct past_guest *x = rf_container(it, struct past_guest, link);

        if (x->until_us > now_us) {
            rf_timer_arm(l->env.wheel, t, x->until_us);
            return;
        }
        past_guest_free(l, x);
    }
}

void
layer_passed_init(struct rf_call_layer *l)
{
    rf_list_init(&l->past_guests);
    l->past_guests_timer.fire = time_is_over;
}

void
layer_passed_fini(struct rf_call_layer *l)
{
    if (l->past_guests.next == NULL)
        return;
    rf_timer_cancel(l->env.wheel, &l->past_guests_timer);
    RF_LIST_FOREACH(&l->past_guests, it)
        past_guest_free(l, rf_container(it, struct past_guest, link));
}

/* What is sent in time but without memory for it goes where its Call-ID says. */
static void
stay(struct rf_call_layer *l, struct rf_call_guest_name name)
{
    struct past_guest *x = malloc(sizeof *x + name.call_id.n + name.our_tag.n);

    if (x == NULL) {
        rf_call_guests_drop(l->env.guests, name, l->env.worker);
        return;
    }
    x->until_us = rf_wheel_now_us(l->env.wheel) + STAYS_US;
    x->call_id_n = name.call_id.n;
    x->branch_n = name.our_tag.n;
    memcpy(x->text, name.call_id.p, name.call_id.n);
    memcpy(x->text + name.call_id.n, name.our_tag.p, name.our_tag.n);
    rf_list_append(&l->past_guests, &x->link);
    if (++l->past_guest_count > STAY_MAX)
        past_guest_free(l, rf_container(l->past_guests.next, struct past_guest, link));
    if (!rf_timer_is_armed(&l->past_guests_timer))
        rf_timer_arm(l->env.wheel, &l->past_guests_timer, x->until_us);
}

void
rf_call_pass_begin(struct rf_call_layer *l, const struct rf_call_passed *who)
{
    l->passed = who;
    l->passed_is_taken = false;
}

void
rf_call_pass_end(struct rf_call_layer *l, const struct rf_sip_msg *invite)
{
    struct rf_call_guest_name name = rf_call_guest_of(invite);

    l->passed = NULL;
    if (l->passed_is_taken)
        return;
    if (rf_txn_knows(l->env.txn, invite)) /* refused before there was a leg, or a repeat */
        stay(l, name);
    else /* its connection is gone, or there was no room for it: a repeat is judged anew */
        rf_call_guests_drop(l->env.guests, name, l->env.worker);
}

bool
request_comes_again(struct rf_call_layer *l, const struct rf_sip_msg *msg)
{
    uint16_t worker;

    return l->passed == NULL && msg->method == RF_SIP_INVITE && msg->to_tag.n == 0 &&
           rf_call_guests_find(l->env.guests, rf_call_guest_of(msg), &worker) && worker == l->env.worker;
}

void
leg_was_passed(struct leg *leg, const struct rf_sip_msg *invite)
{
    struct rf_call_layer *l = leg->call->l;

    if (l->passed == NULL)
        return;
    leg_be_guest(leg);
    leg->passed_branch = rf_span_dup(invite->via.branch);
    l->passed_is_taken = leg->passed_branch != NULL;
}

void
leg_passed_over(struct leg *leg)
{
    if (leg->passed_branch != NULL)
        stay(leg->call->l, (struct rf_call_guest_name){ rf_span_str(leg->dialog.call_id),
                                                        rf_span_str(leg->passed_branch) });
    free(leg->passed_branch);
    leg->passed_branch = NULL;
}
