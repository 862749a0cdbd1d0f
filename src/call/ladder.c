/*
 * call/ladder.c - the messages of a call in their order, for the person who asks why (interface 4.4)
 */
#include <stdlib.h>

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

json_t *
ladder_json(const struct call *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->ladder_n; i++) {
        const struct ladder_entry *e = &c->ladder[i];
        json_t *row = json_object();

        json_object_set_new(row, "at_us", json_integer((json_int_t)e->at_us));
        json_object_set_new(row, "leg", json_string(e->side == 0 ? "A" : "B"));
        json_object_set_new(row, "direction", json_string(e->is_out ? "out" : "in"));
        json_object_set_new(row, "method", json_string(e->method));
        if (e->status != 0)
            json_object_set_new(row, "status", json_integer(e->status));
        json_object_set_new(row, "sdp", json_boolean(e->has_sdp));
        json_object_set_new(row, "note", json_string(e->note));
        json_array_append_new(list, row);
    }
    return list;
}
