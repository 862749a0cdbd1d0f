/*
 * sip/write.c - messages written into a buffer
 *
 * Invariant:
 * (I1) Nothing that a caller or a peer gave us ends a line: every value passes is_one_line or is_copyable.
 */
#include "sip/write.h"

#include <stdio.h>

#include "base/refusal.h"
#include "sip/chars.h"

static bool
is_one_line(struct rf_span s)
{
    return rf_span_find(s, '\r') == s.n && rf_span_find(s, '\n') == s.n && rf_span_find(s, '\0') == s.n;
}

/* A value that we made or were given: no CR, LF or NUL at all. */
static void
put_value(struct rf_buf *b, struct rf_span s)
{
    if (!is_one_line(s))
        b->overflow = true;
    rf_put(b, s);
}

/*
 * May a received value be sent on? Folds go (each becomes one SP); a NUL may stay as a quoted-pair in a
 * quoted string, because From and To must come back as they were sent (RFC 3261 8.2.6.2, RFC 4475 3.1.1.2).
 */
static bool
is_copyable(struct rf_span s)
{
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '\r' && s.n - i >= 3 && s.p[i + 1] == '\n' && (s.p[i + 2] == ' ' || s.p[i + 2] == '\t')) {
            i += 2;
        } else if (c == '\r' || c == '\n' || c == '\0') {
            return false;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\' && i + 1 < s.n && s.p[i + 1] != '\r' && s.p[i + 1] != '\n') {
            i++;
        }
    }
    return true;
}

static void
put_copied(struct rf_buf *b, struct rf_span s)
{
    if (!is_copyable(s)) {
        b->overflow = true;
        return;
    }
    while (s.n > 0) {
        size_t fold = rf_span_find(s, '\r'), blanks = fold;

        rf_put(b, rf_span(s.p, fold));
        if (fold == s.n)
            return;
        while (blanks < s.n && rf_sip_is(s.p[blanks], RF_CH_BLANK))
            blanks++;
        rf_put_char(b, ' ');
        s = rf_span_sub(s, blanks, s.n);
    }
}

void
rf_sip_put_request(struct rf_buf *b, const char *method, struct rf_span uri)
{
    put_value(b, rf_span_str(method));
    rf_put_char(b, ' ');
    put_value(b, uri);
    rf_put_str(b, " SIP/2.0\r\n");
}

static void
put_name(struct rf_buf *b, const char *name)
{
    rf_put_str(b, name);
    rf_put_str(b, ": ");
}

/* Does the sent-by of a Via name the address the request came from? A host name never does (RFC 3261
 * 18.2.1). */
static bool
sent_by_is(const struct rf_sip_via *via, const struct rf_addr *source)
{
    struct rf_addr a;

    return rf_addr_parse(via->host, 0, &a) == RF_OK && rf_addr_same_host(&a, source);
}

/*
 * The top Via with received and rport (RFC 3261 18.2.1, RFC 3581 4). A received of the sender's own making
 * goes: it would send the response elsewhere.
 */
static void
put_top_via(struct rf_buf *b, const struct rf_sip_via *via, const struct rf_addr *source)
{
    struct rf_span params = via->params, name, value;

    rf_put_str(b, "SIP/2.0/");
    put_value(b, via->transport);
    rf_put_char(b, ' ');
    put_value(b, via->host);
    if (via->port != 0)
        rf_putf(b, ":%u", (unsigned)via->port);
    while (rf_sip_param_next(&params, &name, &value)) {
        if (rf_span_iis(name, "received"))
            continue;
        rf_put_char(b, ';');
        put_copied(b, name);
        if (rf_span_iis(name, "rport")) {
            rf_putf(b, "=%u", (unsigned)rf_addr_port(source));
        } else if (value.p != NULL) {
            rf_put_char(b, '=');
            put_copied(b, value);
        }
    }
    if (via->has_rport || !sent_by_is(via, source)) {
        rf_put_str(b, ";received=");
        rf_put_host(b, source, false);
    }
}

static void
put_vias(struct rf_buf *b, const struct rf_sip_msg *req, const struct rf_addr *source)
{
    const struct rf_sip_field *f;
    size_t i = 0;

    while ((f = rf_sip_field_next(req, RF_HDR_VIA, &i)) != NULL) {
        struct rf_span rest = f->value;
        bool is_top = i == req->first[RF_HDR_VIA];

        if (!is_copyable(rest))
            continue;
        put_name(b, "Via");
        /* A top Via that could not be parsed goes back as it came: its sender may know it again. */
        if (is_top && req->via.raw.n > 0 && source != NULL && rf_addr_is_set(source)) {
            const char *end = req->via.raw.p + req->via.raw.n;

            put_top_via(b, &req->via, source);
            rest = rf_span(end, (size_t)(f->value.p + f->value.n - end));
        }
        put_copied(b, rest);
        rf_put_str(b, "\r\n");
    }
}

/* The first field with this id, if it can be sent back. false: nothing was written. */
static bool
put_first(struct rf_buf *b, const struct rf_sip_msg *req, enum rf_sip_header id)
{
    struct rf_span value = rf_sip_value(req, id);

    if (value.n == 0 || !is_copyable(value))
        return false;
    put_name(b, rf_sip_header_name(id));
    put_copied(b, value);
    return true;
}

void
rf_sip_put_response(struct rf_buf *b, const struct rf_sip_msg *req, int status, const char *reason,
                    struct rf_span to_tag, const struct rf_addr *source)
{
    rf_assert(status >= 100 && status <= 699);
    rf_putf(b, "SIP/2.0 %d ", status);
    put_value(b, rf_span_str(reason != NULL ? reason : rf_sip_reason_phrase(status)));
    rf_put_str(b, "\r\n");
    put_vias(b, req, source);
    if (put_first(b, req, RF_HDR_FROM))
        rf_put_str(b, "\r\n");
    if (put_first(b, req, RF_HDR_TO)) {
        /* Behind a To that could not be parsed a tag could end up inside anything. */
        if (req->to.raw.n > 0 && req->to_tag.n == 0 && to_tag.n > 0) {
            rf_put_str(b, ";tag=");
            put_value(b, to_tag);
        }
        rf_put_str(b, "\r\n");
    }
    if (put_first(b, req, RF_HDR_CALL_ID))
        rf_put_str(b, "\r\n");
    if (put_first(b, req, RF_HDR_CSEQ))
        rf_put_str(b, "\r\n");
    /* RFC 3261 8.2.6.1: a 100 repeats Timestamp. */
    if (status == 100 && put_first(b, req, RF_HDR_TIMESTAMP))
        rf_put_str(b, "\r\n");
}

void
rf_sip_put_header(struct rf_buf *b, enum rf_sip_header id, struct rf_span value)
{
    rf_assert(id != RF_HDR_OTHER);
    put_name(b, rf_sip_header_name(id));
    put_value(b, value);
    rf_put_str(b, "\r\n");
}

void
rf_sip_put_headerf(struct rf_buf *b, enum rf_sip_header id, const char *format, ...)
{
    size_t from;
    va_list ap;

    rf_assert(id != RF_HDR_OTHER);
    put_name(b, rf_sip_header_name(id));
    from = b->n;
    va_start(ap, format);
    rf_vputf(b, format, ap);
    va_end(ap);
    if (!is_one_line(rf_span(b->p + from, b->n - from)))
        b->overflow = true;
    rf_put_str(b, "\r\n");
}

void
rf_sip_put_field(struct rf_buf *b, const struct rf_sip_field *f)
{
    if (f->id != RF_HDR_OTHER)
        rf_put_str(b, rf_sip_header_name(f->id));
    else
        put_value(b, f->name);
    rf_put_str(b, ": ");
    put_copied(b, f->value);
    rf_put_str(b, "\r\n");
}

void
rf_sip_put_copy(struct rf_buf *b, const struct rf_sip_msg *m, enum rf_sip_header id)
{
    const struct rf_sip_field *f;
    size_t i = 0;

    while ((f = rf_sip_field_next(m, id, &i)) != NULL)
        rf_sip_put_field(b, f);
}

void
rf_sip_put_body(struct rf_buf *b, const char *type, struct rf_span body)
{
    if (type == NULL)
        body = rf_span(NULL, 0);
    else
        rf_sip_put_header(b, RF_HDR_CONTENT_TYPE, rf_span_str(type));
    rf_putf(b, "Content-Length: %zu\r\n\r\n", body.n);
    rf_put(b, body);
}

void
rf_sip_put_reason_q850(struct rf_buf *b, int cause)
{
    if (cause == 0)
        return;
    put_name(b, "Reason");
    rf_putf(b, "Q.850;cause=%d;text=", cause);
    rf_put_quoted(b, rf_span_str(rf_q850_text(cause)));
    rf_put_str(b, "\r\n");
}

void
rf_sip_put_warning(struct rf_buf *b, int code, struct rf_span agent, struct rf_span text)
{
    rf_assert(code >= 300 && code <= 399);
    put_name(b, "Warning");
    rf_putf(b, "%d ", code);
    put_value(b, agent);
    rf_put_char(b, ' ');
    rf_put_quoted(b, text);
    rf_put_str(b, "\r\n");
}
