#include "sip/tool.h"

#include <stdlib.h>

#include "base/log.h"
#include "sip/chars.h"
#include "sip/header.h"
#include "sip/msg.h"

/* One writer for both forms: JSON members, or "path  value" lines. */
struct printer {
    struct rf_buf *out;
    bool json, first;
    struct rf_buf text; /* scratch for one unescaped value */
    size_t depth, path_n[8];
    char path[256];
};

static void
path_push(struct printer *p, const char *name)
{
    size_t n = p->depth > 0 ? p->path_n[p->depth - 1] : 0;
    struct rf_buf b = rf_buf(p->path, sizeof p->path);

    rf_assert(p->depth < sizeof p->path_n / sizeof p->path_n[0]);
    b.n = n;
    if (n > 0 && name[0] != '[')
        rf_put_char(&b, '.');
    rf_put_str(&b, name);
    p->path_n[p->depth++] = b.n;
}

static void
put_key(struct printer *p, const char *name)
{
    if (!p->json) {
        size_t n = p->depth > 0 ? p->path_n[p->depth - 1] : 0;

        rf_put(p->out, rf_span(p->path, n));
        if (n > 0 && name != NULL)
            rf_put_char(p->out, '.');
        rf_put_str(p->out, name);
        rf_put_str(p->out, "  ");
        return;
    }
    if (!p->first)
        rf_put_str(p->out, ", ");
    p->first = false;
    if (name != NULL) {
        rf_put_json_string(p->out, rf_span_str(name));
        rf_put_str(p->out, ": ");
    }
}

static void
put_open(struct printer *p, const char *name, char bracket)
{
    if (p->json) {
        put_key(p, name);
        rf_put_char(p->out, bracket);
        p->first = true;
    }
}

static void
put_close(struct printer *p, char bracket)
{
    if (p->json) {
        rf_put_char(p->out, bracket);
        p->first = false;
    }
}

static void
open_named(struct printer *p, const char *name, char bracket)
{
    put_open(p, name, bracket);
    path_push(p, name);
}

static void
close_named(struct printer *p, char bracket)
{
    put_close(p, bracket);
    p->depth--;
}

/* An element of the array that is open. */
static void
open_element(struct printer *p, size_t i)
{
    char index[24];
    struct rf_buf b = rf_buf(index, sizeof index);

    rf_putf(&b, "[%zu]", i);
    rf_put_char(&b, '\0');
    put_open(p, NULL, '{');
    path_push(p, index);
}

static void
put_value(struct printer *p, struct rf_span value)
{
    rf_put_json_string(p->out, value);
    if (!p->json)
        rf_put_char(p->out, '\n');
}

static void
put_text(struct printer *p, const char *name, struct rf_span value)
{
    put_key(p, name);
    put_value(p, value);
}

static void
put_number(struct printer *p, const char *name, uint64_t v)
{
    put_key(p, name);
    rf_put_u64(p->out, v);
    if (!p->json)
        rf_put_char(p->out, '\n');
}

/* Thousandths as a decimal number. */
static void
put_thousandths(struct printer *p, const char *name, unsigned v)
{
    put_key(p, name);
    rf_putf(p->out, "%u.%03u%s", v / 1000, v % 1000, p->json ? "" : "\n");
}

static struct rf_span
unescaped(struct printer *p, struct rf_span s)
{
    p->text.n = 0;
    rf_put_unescaped(&p->text, s);
    return rf_buf_span(&p->text);
}

static struct rf_span
unquoted(struct printer *p, struct rf_span s)
{
    p->text.n = 0;
    rf_put_unquoted(&p->text, s);
    return rf_buf_span(&p->text);
}

static void
put_hex_text(struct printer *p, const char *name, struct rf_span s)
{
    put_key(p, name);
    rf_put_char(p->out, '"');
    rf_put_hex(p->out, s.p, s.n);
    rf_put_str(p->out, p->json ? "\"" : "\"\n");
}

/* A member of an object whose name is text of the message. */
static void
put_named_text(struct printer *p, struct rf_span name, struct rf_span value, bool escaped)
{
    if (p->json) {
        if (!p->first)
            rf_put_str(p->out, ", ");
        p->first = false;
        rf_put_json_string(p->out, escaped ? unescaped(p, name) : name);
        rf_put_str(p->out, ": ");
    } else {
        rf_put(p->out, rf_span(p->path, p->path_n[p->depth - 1]));
        rf_put_char(p->out, '[');
        rf_put_json_string(p->out, escaped ? unescaped(p, name) : name);
        rf_put_str(p->out, "]  ");
    }
    put_value(p, escaped ? unescaped(p, value) : unquoted(p, value));
}

static void
put_uri(struct printer *p, const struct rf_sip_uri *u)
{
    static const char *const scheme[] = { "sip", "sips", "tel", "other" };
    struct rf_span params = u->params, name, value;
    size_t count = 0;

    put_text(p, "uri", u->raw);
    put_text(p, "scheme", rf_span_str(scheme[u->scheme]));
    if (u->scheme == RF_URI_OTHER)
        return;
    if (u->has_user) {
        put_text(p, "user", u->user);
        put_text(p, "user_unescaped", unescaped(p, u->user));
        put_hex_text(p, "user_unescaped_hex", unescaped(p, u->user));
    }
    put_text(p, "host", u->host);
    if (u->port != 0)
        put_number(p, "port", u->port);
    open_named(p, "param", '{');
    for (; rf_sip_param_next(&params, &name, &value); count++)
        put_named_text(p, name, value, true);
    close_named(p, '}');
    put_number(p, "param_count", count);
    if (u->headers.n > 0)
        put_text(p, "headers", u->headers);
}

static void
put_header_params(struct printer *p, struct rf_span params)
{
    struct rf_span name, value;

    open_named(p, "header_param", '{');
    while (rf_sip_param_next(&params, &name, &value))
        put_named_text(p, name, rf_sip_unquote(value), false);
    close_named(p, '}');
}

static void
put_party(struct printer *p, const char *name, const struct rf_sip_name_addr *a, struct rf_span tag)
{
    open_named(p, name, '{');
    put_text(p, "display", unquoted(p, a->display));
    put_uri(p, &a->uri);
    if (tag.n > 0)
        put_text(p, "tag", tag);
    put_header_params(p, a->params);
    close_named(p, '}');
}

static void
put_vias(struct printer *p, const struct rf_sip_msg *m)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_VIA);
    struct rf_span element;
    struct rf_sip_via via;
    size_t i = 0;

    open_named(p, "via", '[');
    for (; rf_sip_walk_next(&w, &element); i++) {
        if (rf_sip_via_parse(element, &via) != RF_OK)
            continue;
        open_element(p, i);
        put_text(p, "transport", via.transport);
        put_text(p, "host", via.host);
        if (via.port != 0)
            put_number(p, "port", via.port);
        if (via.branch.n > 0)
            put_text(p, "branch", via.branch);
        if (via.received.n > 0)
            put_text(p, "received", via.received);
        put_header_params(p, via.params);
        close_named(p, '}');
    }
    close_named(p, ']');
    put_number(p, "via_count", i);
}

static void
put_contacts(struct printer *p, const struct rf_sip_msg *m)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_CONTACT);
    struct rf_span element;
    struct rf_sip_contact c;
    size_t i = 0;

    open_named(p, "contact", '[');
    for (; rf_sip_walk_next(&w, &element); i++) {
        enum rf_err err = rf_sip_contact_parse(element, &c);

        open_element(p, i);
        if (err != RF_OK || c.is_star) {
            put_text(p, c.is_star ? "star" : "broken", element);
        } else {
            put_text(p, "display", unquoted(p, c.addr.display));
            put_uri(p, &c.addr.uri);
            put_thousandths(p, "q", c.q);
            if (c.has_expires)
                put_number(p, "expires", c.expires);
            if (c.instance.n > 0)
                put_text(p, "instance", c.instance);
            if (c.reg_id != 0)
                put_number(p, "reg_id", c.reg_id);
            put_header_params(p, c.addr.params);
        }
        close_named(p, '}');
    }
    close_named(p, ']');
    put_number(p, "contact_count", i);
}

static void
put_tokens(struct printer *p, const struct rf_sip_msg *m, const char *name, enum rf_sip_header id)
{
    struct rf_sip_walk w = rf_sip_walk(m, id);
    struct rf_span element;

    put_open(p, name, '[');
    while (rf_sip_walk_next(&w, &element))
        put_text(p, p->json ? NULL : name, element);
    put_close(p, ']');
}

/* Each header with its full name, once: the values of a repeated one stand in one array in JSON. */
static void
put_headers(struct printer *p, const struct rf_sip_msg *m)
{
    open_named(p, "header", '{');
    for (size_t i = 0; i < m->field_count; i++) {
        const struct rf_sip_field *f = &m->field[i];

        /* A repeated name would be lost in an object; lists have arrays of their own above. */
        if (f->id != RF_HDR_OTHER && m->first[f->id] != i + 1)
            continue;
        put_named_text(p, f->id != RF_HDR_OTHER ? rf_span_str(rf_sip_header_name(f->id)) : f->name, f->value, false);
    }
    close_named(p, '}');
}

static void
put_message(struct printer *p, const struct rf_sip_msg *m)
{
    put_text(p, "verdict", RF_SPAN_LIT("ok"));
    put_text(p, "kind", rf_span_str(m->is_request ? "request" : "response"));
    put_text(p, "method", m->method_text);
    if (m->is_request) {
        open_named(p, "ruri", '{');
        put_uri(p, &m->ruri);
        close_named(p, '}');
    } else {
        put_number(p, "status", (uint64_t)m->status);
        put_text(p, "reason", m->reason);
    }
    put_vias(p, m);
    put_party(p, "from", &m->from, m->from_tag);
    put_party(p, "to", &m->to, m->to_tag);
    put_text(p, "call_id", m->call_id);
    put_number(p, "cseq", m->cseq);
    if (m->is_request)
        put_number(p, "max_forwards", m->max_forwards);
    put_contacts(p, m);
    if (m->first[RF_HDR_SUBJECT] != 0)
        put_text(p, "subject", rf_sip_value(m, RF_HDR_SUBJECT));
    put_tokens(p, m, "require", RF_HDR_REQUIRE);
    put_tokens(p, m, "proxy_require", RF_HDR_PROXY_REQUIRE);
    put_headers(p, m);
    put_number(p, "content_length", m->body.n);
}

static void
put_problem(struct printer *p, const struct rf_sip_msg *m, const struct rf_sip_problem *problem)
{
    put_text(p, "verdict", RF_SPAN_LIT("refused"));
    put_number(p, "status", (uint64_t)problem->status);
    put_text(p, "why", rf_span_str(problem->sentence));
    put_text(p, "where", problem->where);
    put_text(p, "kind", rf_span_str(m->is_request ? "request" : "response"));
    put_text(p, "method", m->method_text);
}

enum rf_err
rf_sip_tool_parse(struct rf_buf *out, struct rf_span octets, bool json)
{
    struct rf_sip_msg *m = malloc(sizeof *m);
    char *mem = malloc(RF_SIP_MESSAGE_MAX);
    struct printer p = { .out = out, .json = json, .first = true };
    struct rf_sip_problem problem;
    enum rf_err err;

    if (m == NULL || mem == NULL) {
        free(m);
        free(mem);
        return RF_ERR_NOMEM;
    }
    p.text = rf_buf(mem, RF_SIP_MESSAGE_MAX);
    err = rf_sip_msg_parse(m, octets, &problem);
    if (json)
        rf_put_char(out, '{');
    if (err == RF_OK)
        put_message(&p, m);
    else
        put_problem(&p, m, &problem);
    if (json)
        rf_put_str(out, "}\n");
    free(m);
    free(mem);
    return rf_buf_done(out) != RF_OK ? RF_ERR_NOMEM : err;
}
