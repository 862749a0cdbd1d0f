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

void
ladder_add(struct call *c, uint8_t side, bool is_out, const char *method, int status, const char *note,
           uint64_t now_us)
{
    struct ladder_entry *e = next_entry(c);

    if (e == NULL)
        return;
    e->at_us = now_us - c->began_us;
    e->side = side;
    e->is_out = is_out;
    e->status = (uint16_t)status;
    snprintf(e->method, sizeof e->method, "%s", method);
    snprintf(e->note, sizeof e->note, "%s", note);
}

void
ladder_msg(struct call *c, uint8_t side, bool is_out, const struct rf_sip_msg *m, uint64_t now_us)
{
    char note[72] = "", method[12];

    if (m->body.n > 0 && (m->method == RF_SIP_INVITE || m->method == RF_SIP_ACK))
        leg_describe(m->body, note, sizeof note);
    snprintf(method, sizeof method, "%.*s", RF_SPAN_ARG(rf_span_sub(m->method_text, 0, sizeof method - 1)));
    if (!m->is_request)
        snprintf(method, sizeof method, "%s", rf_sip_method_name(m->method));
    ladder_add(c, side, is_out, method, m->is_request ? 0 : m->status, note, now_us);
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
        rf_json_str(b, "note", e->note);
        rf_json_close(b, '}');
    }
    rf_json_close(b, ']');
    rf_json_u64(b, "ladder_more", c->ladder_more);
}
