/* One binding: as a row in memory, as a copy for callers, as octets in the store. */
#include <stdlib.h>

#include "registrar/table.h"

struct rf_span
rf_row_text(const struct row *r, enum row_text which)
{
    uint16_t from = which == 0 ? 0 : r->end[which - 1];

    return rf_span(r->text + from, (size_t)(r->end[which] - from));
}

struct row *
rf_row_new(const struct row_draft *d)
{
    size_t octets = 0;
    struct row *r;

    for (int i = 0; i < TEXT_COUNT; i++)
        octets += d->text[i].n;
    rf_assert(octets <= UINT16_MAX);
    r = malloc(sizeof *r + octets);
    if (r == NULL)
        return NULL;
    *r = (struct row){ .id = d->id, .touched = d->touched, .expires_s = d->expires_s, .flow_id = d->flow_id,
                       .reg_id = d->reg_id, .cseq = d->cseq, .q = d->q, .worker = d->worker,
                       .transport = (uint8_t)d->transport, .source = d->source };
    octets = 0;
    for (int i = 0; i < TEXT_COUNT; i++) {
        if (d->text[i].n > 0)
            memcpy(r->text + octets, d->text[i].p, d->text[i].n);
        octets += d->text[i].n;
        r->end[i] = (uint16_t)octets;
    }
    return r;
}

static void
copy_text(const struct row *r, enum row_text which, char *dst, size_t size)
{
    /* It was cut to its place when it came in. */
    rf_assert(rf_span_copy(rf_row_text(r, which), dst, size) == RF_OK);
}

void
rf_row_copy(const struct row *r, struct rf_binding *out)
{
    copy_text(r, TEXT_CONTACT, out->contact, sizeof out->contact);
    copy_text(r, TEXT_PATH, out->path, sizeof out->path);
    copy_text(r, TEXT_INSTANCE, out->instance, sizeof out->instance);
    copy_text(r, TEXT_CALL_ID, out->call_id, sizeof out->call_id);
    copy_text(r, TEXT_LISTENER, out->listener, sizeof out->listener);
    copy_text(r, TEXT_AGENT, out->user_agent, sizeof out->user_agent);
    out->reg_id = r->reg_id;
    out->cseq = r->cseq;
    out->q = r->q;
    out->expires_s = r->expires_s;
    out->transport = (enum rf_transport)r->transport;
    out->source = r->source;
    out->flow_id = r->flow_id;
    out->worker = r->worker;
}

/* --- in the store -------------------------------------------------------------------------------------- */

/*
 * Version 1: octet 1; numbers in network order: cseq 4, reg-id 4, q 2, transport 1; then seven texts, each with
 * its length in 2 octets: those of enum row_text, and the source address. A flow's number means nothing to the
 * next run, so it is not there.
 */
#define VERSION 1

static void
put_number(struct rf_buf *b, uint32_t v, int octets)
{
    while (octets-- > 0)
        rf_put_char(b, (char)(uint8_t)(v >> (8 * octets)));
}

static void
put_text(struct rf_buf *b, struct rf_span s)
{
    put_number(b, (uint32_t)s.n, 2);
    rf_put(b, s);
}

void
rf_row_encode(struct rf_buf *b, const struct row_draft *d)
{
    char addr[RF_ADDR_TEXT_MAX];

    put_number(b, VERSION, 1);
    put_number(b, d->cseq, 4);
    put_number(b, d->reg_id, 4);
    put_number(b, d->q, 2);
    put_number(b, d->transport, 1);
    for (int i = 0; i < TEXT_COUNT; i++)
        put_text(b, d->text[i]);
    put_text(b, rf_addr_is_set(&d->source) ? rf_span_str(rf_addr_text(&d->source, addr)) : rf_span(NULL, 0));
}

static uint32_t
take_number(struct rf_cursor *c, size_t octets)
{
    struct rf_span s = rf_cur_take(c, octets);
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (uint8_t)s.p[i];
    return v;
}

static struct rf_span
take_text(struct rf_cursor *c)
{
    return rf_cur_take(c, take_number(c, 2));
}

enum rf_err
rf_row_decode(struct rf_span value, struct row_draft *out)
{
    static const size_t room[TEXT_COUNT] = {
        sizeof((struct rf_binding *)0)->contact,  sizeof((struct rf_binding *)0)->path,
        sizeof((struct rf_binding *)0)->instance, sizeof((struct rf_binding *)0)->call_id,
        sizeof((struct rf_binding *)0)->listener, sizeof((struct rf_binding *)0)->user_agent,
    };
    struct rf_cursor c = rf_cur(value);
    struct rf_span addr;
    uint32_t transport;

    *out = (struct row_draft){ 0 };
    if (take_number(&c, 1) != VERSION)
        return RF_ERR_UNSUPPORTED;
    out->cseq = take_number(&c, 4);
    out->reg_id = take_number(&c, 4);
    out->q = (uint16_t)take_number(&c, 2);
    transport = take_number(&c, 1);
    for (int i = 0; i < TEXT_COUNT; i++) {
        out->text[i] = take_text(&c);
        if (out->text[i].n >= room[i] || rf_span_find(out->text[i], '\0') < out->text[i].n)
            rf_cur_fail(&c, RF_ERR_RANGE);
    }
    addr = take_text(&c);
    if (c.err == RF_OK && addr.n > 0)
        rf_cur_fail(&c, rf_addr_parse_port(addr, &out->source));
    if (transport >= RF_TRANSPORT_COUNT || out->q > 1000)
        rf_cur_fail(&c, RF_ERR_RANGE);
    out->transport = (enum rf_transport)transport;
    return rf_cur_done(&c);
}
