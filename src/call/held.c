/*
 * call/held.c - 2xx of phones that cannot be heard yet: the caller owes a PRACK, or one of them is asked by UPDATE
 *
 * Several phones may take the call meanwhile. They are heard in the order in which they came, until one has the call;
 * the others get ACK and BYE at once, and so do all when it ends before (RFC 3261 13.2.2.4). A phone whose answer waits
 * repeats it, for it gets no ACK: each is kept once.
 */
#include <stdlib.h>

#include "call/layer.h"

/* As many as phones that one call rings. Forks of a phone count, too; one too many is heard when it is repeated. */
#define HELD_MAX ATTEMPTS_MAX

struct held {
    struct rf_link link;   /* in call.held, the oldest first */
    struct leg *by;        /* of this call */
    struct rf_span to_tag; /* in text: which fork */
    size_t n;
    char text[];           /* as it came, with keys; wiped */
};

/* Its place is free: what is done with it may end the call. */
static struct held *
take_first(struct call *c)
{
    struct held *x = rf_container(c->held.next, struct held, link);

    rf_list_remove(&x->link);
    c->held_count--;
    return x;
}

static void
held_free(struct held *x)
{
    rf_wipe(x->text, x->n);
    free(x);
}

void
held_keep(struct leg *by, const struct rf_sip_msg *msg)
{
    struct call *c = by->call;
    struct held *x;

    RF_LIST_FOREACH(&c->held, it) {
        x = rf_container(it, struct held, link);
        if (x->by == by && rf_span_eq(x->to_tag, msg->to_tag))
            return;
    }
    if (c->held_count == HELD_MAX || (x = malloc(sizeof *x + msg->raw.n)) == NULL)
        return;
    x->by = by;
    x->n = msg->raw.n;
    memcpy(x->text, msg->raw.p, x->n);
    x->to_tag = rf_span(x->text + (msg->to_tag.p - msg->raw.p), msg->to_tag.n);
    rf_list_append(&c->held, &x->link);
    c->held_count++;
}

void
held_hear(struct call *c, uint64_t now_us)
{
    struct rf_call_layer *l = c->l;
    uint64_t serial = c->serial;
    struct rf_sip_problem problem;
    struct rf_sip_msg msg;

    /* Who has the call ends the waiting of all (held_drop); who cannot have it may end the call. */
    for (uint8_t left = c->held_count; left > 0 && call_by_serial(l, serial) != NULL && c->held_count > 0; left--) {
        struct held *x = take_first(c);

        if (rf_sip_msg_parse(&msg, rf_span(x->text, x->n), &problem) == RF_OK)
            call_answered(c, x->by, &msg, now_us);
        held_free(x);
    }
}

void
held_drop(struct call *c, uint64_t now_us)
{
    struct rf_sip_problem problem;
    struct rf_sip_msg msg;

    while (c->held_count > 0) {
        struct held *x = take_first(c);

        if (rf_sip_msg_parse(&msg, rf_span(x->text, x->n), &problem) == RF_OK)
            leg_drop_2xx(x->by, &msg, x->by->flow, x->by->refusal, now_us);
        held_free(x);
    }
}

void
held_forget(struct call *c)
{
    while (c->held_count > 0)
        held_free(take_first(c));
}
