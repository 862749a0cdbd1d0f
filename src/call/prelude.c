/*
 * call/prelude.c - what was said before there was a call: the first INVITE, its challenge and the ACK for
 * that
 *
 * A phone that calls is challenged first (RFC 3261 22.2), and a call begins with the INVITE that signs in. A
 * reader of the ladder looks for all of it, so the rows wait here by Call-ID and From tag. The table has a
 * fixed size and each pair one place: a newer one with the same place takes it, and all that a flood can do
 * is to make rows be missing. Nothing of a message is kept but its name, status and size: no credentials, no
 * keys.
 */
#include "call/layer.h"

static struct prelude *
place(struct rf_call_layer *l, const struct rf_sip_msg *m, uint64_t *name)
{
    uint64_t h[2] = { rf_siphash(&l->legs.key, m->call_id.p, m->call_id.n),
                      rf_siphash(&l->legs.key, m->from_tag.p, m->from_tag.n) };

    *name = rf_siphash(&l->legs.key, h, sizeof h);
    return &l->prelude[*name % PRELUDES_MAX];
}

static void
add(struct prelude *p, enum prelude_kind kind, uint16_t status, bool has_sdp, const char *note,
    uint64_t now_us)
{
    if (p->n < PRELUDE_ROWS)
        p->row[p->n++] = (struct prelude_row){ .at_us = now_us, .note = note, .status = status, .kind = kind,
                                               .has_sdp = has_sdp };
}

void
prelude_challenged(struct rf_call_layer *l, const struct rf_sip_msg *m, int status, const char *note,
                   uint64_t now_us)
{
    uint64_t name;
    struct prelude *p = place(l, m, &name);

    if (m->method != RF_SIP_INVITE || m->to_tag.n > 0)
        return;
    if (p->name != name || p->n == 0 || now_us - p->row[0].at_us > PRELUDE_US)
        *p = (struct prelude){ .name = name };
    add(p, PRELUDE_INVITE, 0, m->body.n > 0, "", now_us);
    add(p, PRELUDE_RESPONSE, (uint16_t)status, false, note, now_us);
}

void
rf_call_refusal_acked(struct rf_call_layer *l, const struct rf_sip_msg *m, uint64_t now_us)
{
    uint64_t name;
    struct prelude *p = place(l, m, &name);

    /* The ACK for another refusal has no rows here: its call is over, and its record made. */
    if (p->name == name && p->n > 0 && p->row[p->n - 1].kind == PRELUDE_RESPONSE)
        add(p, PRELUDE_ACK, 0, false, "", now_us);
}

void
prelude_take(struct call *c, const struct rf_sip_msg *m)
{
    uint64_t name;
    struct prelude *p = place(c->l, m, &name);

    if (p->name != name || p->n == 0 || c->began_us - p->row[0].at_us > PRELUDE_US)
        return;
    c->began_us = p->row[0].at_us;
    for (size_t i = 0; i < p->n; i++) {
        const struct prelude_row *r = &p->row[i];

        ladder_add(c, 0, r->kind == PRELUDE_RESPONSE, r->kind == PRELUDE_ACK ? "ACK" : "INVITE", r->status,
                   r->note, r->at_us);
        if (c->ladder_n > 0)
            c->ladder[c->ladder_n - 1].has_sdp = r->has_sdp;
    }
    *p = (struct prelude){ 0 };
}
