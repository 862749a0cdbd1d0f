/*
 * sip/sip_test.h - what the tests and fuzz targets of this folder share
 */
#ifndef RF_SIP_SIP_TEST_H
#define RF_SIP_SIP_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "sip/msg.h"
#include "sip/write.h"

/**
 * A whole file in memory of exactly its size, so that a sanitizer sees a read behind it. Freed by the
 * caller.
 */
__attribute__((unused)) static struct rf_span
file_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *p, *exact;
    size_t n;

    if (f == NULL)
        return rf_span(NULL, 0);
    p = malloc(1 << 20);
    rf_assert(p != NULL);
    n = fread(p, 1, 1 << 20, f);
    fclose(f);
    exact = realloc(p, n > 0 ? n : 1);
    return rf_span(exact != NULL ? exact : p, n);
}

/** The same message again, from its parts. */
__attribute__((unused)) static void
message_write(struct rf_buf *b, const struct rf_sip_msg *m)
{
    if (m->is_request) {
        rf_put(b, m->method_text);
        rf_put_char(b, ' ');
        rf_put(b, m->ruri_text);
        rf_put_str(b, " SIP/2.0\r\n");
    } else {
        rf_putf(b, "SIP/2.0 %d ", m->status);
        rf_put(b, m->reason);
        rf_put_str(b, "\r\n");
    }
    for (size_t i = 0; i < m->field_count; i++)
        if (m->field[i].id != RF_HDR_CONTENT_LENGTH)
            rf_sip_put_field(b, &m->field[i]);
    rf_putf(b, "Content-Length: %zu\r\n\r\n", m->body.n);
    rf_put(b, m->body);
}

/* Values are equal when folds are made one SP. */
__attribute__((unused)) static bool
value_same(struct rf_span a, struct rf_span b)
{
    static char mem[2][RF_SIP_MESSAGE_MAX + 64];
    struct rf_buf x = rf_buf(mem[0], sizeof mem[0]), y = rf_buf(mem[1], sizeof mem[1]);
    struct rf_sip_field fa = { RF_HDR_OTHER, RF_SPAN_LIT("x"), a }, fb = { RF_HDR_OTHER, RF_SPAN_LIT("x"), b };

    rf_sip_put_field(&x, &fa);
    rf_sip_put_field(&y, &fb);
    return !x.overflow && !y.overflow && rf_span_eq(rf_buf_span(&x), rf_buf_span(&y));
}

/** What was read is the same in both. Returns NULL, or what differs. */
__attribute__((unused)) static const char *
message_differs(const struct rf_sip_msg *a, const struct rf_sip_msg *b)
{
    size_t j = 0;

    if (a->is_request != b->is_request || a->status != b->status || !rf_span_eq(a->reason, b->reason))
        return "the start line";
    if (a->method != b->method || !rf_span_eq(a->method_text, b->method_text) ||
        !rf_span_eq(a->ruri_text, b->ruri_text))
        return "method or Request-URI";
    if (a->cseq != b->cseq || a->max_forwards != b->max_forwards || !rf_span_eq(a->call_id, b->call_id))
        return "CSeq, Max-Forwards or Call-ID";
    if (!value_same(a->from.display, b->from.display) || !rf_span_eq(a->from_tag, b->from_tag) ||
        !rf_span_eq(a->to_tag, b->to_tag) || !rf_span_eq(a->from.uri.raw, b->from.uri.raw) ||
        !rf_span_eq(a->to.uri.raw, b->to.uri.raw))
        return "From or To";
    if (!rf_span_eq(a->via.branch, b->via.branch) || !rf_span_eq(a->via.host, b->via.host) ||
        a->via.port != b->via.port || a->via.has_rport != b->via.has_rport)
        return "Via";
    if (!rf_span_eq(a->body, b->body))
        return "the body";
    for (size_t i = 0; i < a->field_count; i++) {
        if (a->field[i].id == RF_HDR_CONTENT_LENGTH)
            continue;
        while (j < b->field_count && b->field[j].id == RF_HDR_CONTENT_LENGTH)
            j++;
        if (j == b->field_count || a->field[i].id != b->field[j].id ||
            !value_same(a->field[i].value, b->field[j].value))
            return "a header field";
        j++;
    }
    return NULL;
}

/**
 * Write the message, parse that and compare. NULL, or what went wrong. A message so near the limit that its
 * full header names do not fit any more is passed over.
 */
__attribute__((unused)) static const char *
message_round_trip(const struct rf_sip_msg *m)
{
    static char mem[RF_SIP_MESSAGE_MAX];
    static struct rf_sip_msg again;
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_sip_problem problem;

    message_write(&b, m);
    if (b.overflow)
        return m->raw.n > 32768 || m->field_count >= RF_SIP_HEADERS_MAX ? NULL : "what was accepted cannot be written";
    if (rf_sip_msg_parse(&again, rf_buf_span(&b), &problem) != RF_OK)
        return m->field_count >= RF_SIP_HEADERS_MAX ? NULL : problem.sentence;
    return message_differs(m, &again);
}

#endif
