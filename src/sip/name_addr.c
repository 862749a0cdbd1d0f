/*
 * sip/name_addr.c - quoted strings, name-addr, comma lists (RFC 3261 20.10, 25.1)
 */
#include "sip/chars.h"
#include "sip/uri.h"

struct rf_span
rf_sip_unquote(struct rf_span s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        return rf_span_sub(s, 1, s.n - 2);
    return s;
}

/* A fold equals one SP (RFC 3261 7.3.1). */
static size_t
fold_length(struct rf_span s, size_t i)
{
    size_t n = i;

    while (n < s.n && rf_sip_is(s.p[n], RF_CH_BLANK))
        n++;
    return n - i;
}

void
rf_put_unquoted(struct rf_buf *b, struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n) {
            rf_put_char(b, s.p[++i]);
        } else if (s.p[i] == '\r' || s.p[i] == '\n') {
            i += fold_length(s, i) - 1;
            rf_put_char(b, ' ');
        } else {
            rf_put_char(b, s.p[i]);
        }
    }
}

void
rf_put_quoted(struct rf_buf *b, struct rf_span s)
{
    rf_put_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            b->overflow = true;
        if (s.p[i] == '"' || s.p[i] == '\\')
            rf_put_char(b, '\\');
        rf_put_char(b, s.p[i]);
    }
    rf_put_char(b, '"');
}

/* LAQUOT addr-spec RAQUOT. A URI holds no ">", so the first one ends it. */
static void
take_angle(struct rf_cursor *c, struct rf_sip_uri *uri)
{
    struct rf_span text;

    rf_cur_expect(c, '<');
    text = rf_cur_until(c, '>');
    rf_cur_expect(c, '>');
    if (c->err == RF_OK)
        rf_cur_fail(c, rf_sip_uri_parse(text, uri));
}

/*
 * name-addr *( SEMI generic-param ) / addr-spec *( SEMI generic-param )
 * name-addr = [ display-name ] LAQUOT addr-spec RAQUOT, display-name = *( token LWS ) / quoted-string
 * Without < > the URI has no comma, semicolon or question mark: what follows belongs to the header (20.10).
 */
void
rf_sip_name_addr_take(struct rf_cursor *c, struct rf_sip_name_addr *out)
{
    struct rf_span name, value;
    const char *start, *params;

    memset(out, 0, sizeof *out);
    rf_sip_sws(c);
    start = c->p;
    if (rf_cur_peek(c) == '"') {
        out->display = rf_sip_take_quoted(c);
        rf_sip_sws(c);
        take_angle(c, &out->uri);
    } else {
        struct rf_span words = rf_sip_take(c, RF_CH_DISPLAY | RF_CH_BLANK);

        if (rf_cur_peek(c) == '<') {
            out->display = rf_sip_trim(words);
            take_angle(c, &out->uri);
        } else if (c->err == RF_OK) {
            struct rf_span bare;

            c->p = start;
            bare = rf_sip_take(c, RF_CH_BARE);
            rf_cur_fail(c, rf_sip_uri_parse(bare, &out->uri));
        }
    }
    params = c->p;
    while (rf_sip_take_param(c, &name, &value)) {
        if (!RF_SIP_WORD(name, "tag"))
            continue;
        /* tag-param = "tag" EQUAL token, once (RFC 3261 7.3.1, 25.1) */
        if (out->tag.p != NULL || value.n == 0 || value.p[0] == '"')
            rf_cur_fail(c, RF_ERR_SYNTAX);
        out->tag = value;
    }
    rf_sip_element_end(c, start, params, &out->params, &out->raw);
}

enum rf_err
rf_sip_name_addr_parse(struct rf_span text, struct rf_sip_name_addr *out)
{
    struct rf_cursor c = rf_cur(text);

    rf_sip_name_addr_take(&c, out);
    return rf_cur_done(&c);
}

bool
rf_sip_list_next(struct rf_span *value, struct rf_span *element)
{
    while (value->n > 0) {
        bool quoted = false, angle = false;
        size_t i = 0;

        for (; i < value->n; i++) {
            char ch = value->p[i];

            if (quoted) {
                if (ch == '\\' && i + 1 < value->n)
                    i++;
                else if (ch == '"')
                    quoted = false;
            } else if (ch == '"') {
                quoted = true;
            } else if (ch == '<' || ch == '>') {
                angle = ch == '<';
            } else if (ch == ',' && !angle) {
                break;
            }
        }
        *element = rf_sip_trim(rf_span(value->p, i));
        *value = rf_span_sub(*value, i + 1, value->n);
        if (element->n > 0)
            return true;
    }
    *element = rf_span(NULL, 0);
    return false;
}
