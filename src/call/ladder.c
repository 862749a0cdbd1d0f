/*
 * call/ladder.c - the messages of a call in their order, for the person who asks why (interface 4.4)
 */
#include <stdlib.h>

#include "base/json.h"
#include "call/layer.h"

static struct ladder_entry *
next_entry(struct call *c)
{
    if (c->ladder_n == LADDER_MAX) {
        c->ladder_more++;
        return NULL;
    }
    if (c->ladder_n == c->ladder_cap) {
        uint16_t cap = c->ladder_cap == 0 ? 16 : 2 * c->ladder_cap;
        struct ladder_entry *more = realloc(c->ladder, cap * sizeof *more);

        if (more == NULL) {
            c->ladder_more++;
            return NULL;
        }
        c->ladder = more;
        c->ladder_cap = cap;
    }
    return &c->ladder[c->ladder_n++];
}

static void
add(struct call *c, const struct ladder_entry *what, uint64_t now_us)
{
    struct ladder_entry *e = next_entry(c);

    if (e == NULL)
        return;
    *e = *what;
    e->at_us = now_us > c->began_us ? now_us - c->began_us : 0;
    /* Some steps know only the wheel's time, which is behind that of the message that caused them: an effect never
     * stands before its cause. */
    if (e > c->ladder && e->at_us < e[-1].at_us)
        e->at_us = e[-1].at_us;
}

void
ladder_add(struct call *c, uint8_t side, bool is_out, const char *method, int status, const char *note,
           uint64_t now_us)
{
    struct ladder_entry e = { .side = side, .is_out = is_out, .status = (uint16_t)status };

    snprintf(e.method, sizeof e.method, "%s", method);
    snprintf(e.note, sizeof e.note, "%s", note);
    add(c, &e, now_us);
}

void
ladder_sdp(struct call *c, uint8_t side, const char *method, int status, struct rf_span sdp, uint64_t now_us)
{
    struct ladder_entry e = { .side = side, .is_out = true, .status = (uint16_t)status, .has_sdp = sdp.n > 0 };

    snprintf(e.method, sizeof e.method, "%s", method);
    if (e.has_sdp)
        leg_describe(sdp, e.note, sizeof e.note);
    add(c, &e, now_us);
}

void
ladder_msg(struct call *c, uint8_t side, bool is_out, const struct rf_sip_msg *m, uint64_t now_us)
{
    struct ladder_entry e = { .side = side, .is_out = is_out, .status = m->is_request ? 0 : (uint16_t)m->status };
    struct rf_span name = m->is_request ? m->method_text : rf_span_str(rf_sip_method_name(m->method));

    e.has_sdp = m->body.n > 0 && (m->method == RF_SIP_INVITE || m->method == RF_SIP_ACK);
    if (e.has_sdp)
        leg_describe(m->body, e.note, sizeof e.note);
    name = rf_span_sub(name, 0, sizeof e.method - 1);
    memcpy(e.method, name.p, name.n);
    add(c, &e, now_us);
}

void
ladder_put(const struct call *c, struct rf_buf *b)
{
    rf_json_open(b, "ladder", '[');
    for (size_t i = 0; i < c->ladder_n; i++) {
        const struct ladder_entry *e = &c->ladder[i];

        rf_json_open(b, NULL, '{');
        rf_json_u64(b, "at_us", e->at_us);
        rf_json_str(b, "leg", e->side == 0 ? "A" : "B");
        rf_json_str(b, "direction", e->is_out ? "out" : "in");
        rf_json_str(b, "method", e->method);
        if (e->status != 0)
            rf_json_u64(b, "status", e->status);
        rf_json_bool(b, "sdp", e->has_sdp);
        rf_json_str(b, "note", e->note);
        rf_json_close(b, '}');
    }
    rf_json_close(b, ']');
    rf_json_u64(b, "ladder_more", c->ladder_more);
}
