/*
 * sip/uri.c - SIP, SIPS and tel URIs taken apart, and their escapes
 */
#include "sip/uri.h"

#include "sip/chars.h"

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) - 'a' + 10;
}

/*
 * userinfo = ( user / telephone-subscriber ) [ ":" password ] "@"
 * No other part of a SIP URI may hold "@", so the first one ends it.
 */
static void
take_userinfo(struct rf_cursor *c, struct rf_sip_uri *out)
{
    const char *at = c->err == RF_OK ? memchr(c->p, '@', (size_t)(c->end - c->p)) : NULL;

    if (at == NULL)
        return;
    out->has_user = true;
    out->user = rf_sip_take_escaped(c, RF_CH_USER);
    if (out->user.n == 0)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    if (rf_cur_accept(c, ':'))
        out->password = rf_sip_take_escaped(c, RF_CH_PASSWORD);
    rf_cur_expect(c, '@');
}

/* uri-parameters = *( ";" pname [ "=" pvalue ] ) */
static struct rf_span
take_uri_params(struct rf_cursor *c)
{
    const char *start = c->p;
    unsigned count = 0;

    while (rf_cur_accept(c, ';')) {
        if (++count > RF_SIP_URI_PARAMS_MAX)
            rf_cur_fail(c, RF_ERR_RANGE);
        if (rf_sip_take_escaped(c, RF_CH_PARAM).n == 0)
            rf_cur_fail(c, RF_ERR_SYNTAX);
        if (rf_cur_accept(c, '=') && rf_sip_take_escaped(c, RF_CH_PARAM).n == 0)
            rf_cur_fail(c, RF_ERR_SYNTAX);
    }
    return rf_span(start, (size_t)(c->p - start));
}

/* headers = "?" header *( "&" header ), header = hname "=" hvalue, hvalue may be empty */
static struct rf_span
take_uri_headers(struct rf_cursor *c)
{
    const char *start;
    unsigned count = 0;

    if (!rf_cur_accept(c, '?'))
        return rf_span(c->p, 0);
    start = c->p;
    do {
        if (++count > RF_SIP_URI_PARAMS_MAX)
            rf_cur_fail(c, RF_ERR_RANGE);
        if (rf_sip_take_escaped(c, RF_CH_HEADER).n == 0)
            rf_cur_fail(c, RF_ERR_SYNTAX);
        rf_cur_expect(c, '=');
        rf_sip_take_escaped(c, RF_CH_HEADER);
    } while (rf_cur_accept(c, '&'));
    return rf_span(start, (size_t)(c->p - start));
}

/* SIP-URI = "sip:" [ userinfo ] host [ ":" port ] uri-parameters [ headers ]        RFC 3261 19.1.1 */
static void
take_sip(struct rf_cursor *c, struct rf_sip_uri *out)
{
    take_userinfo(c, out);
    out->host = rf_sip_take_host(c);
    if (rf_cur_accept(c, ':'))
        out->port = rf_sip_take_port(c);
    out->params = take_uri_params(c);
    out->headers = take_uri_headers(c);
}

/*
 * telephone-subscriber = global-number / local-number                                   RFC 3966 3
 * global: "+" and digits with visual separators; local: also hex digits, "*" and "#", and phone-context is
 * required. Some phones send a local number without phone-context; who routes it knows the context anyway.
 */
static void
take_tel(struct rf_cursor *c, struct rf_sip_uri *out)
{
    bool is_global = rf_cur_accept(c, '+');
    const char *start = is_global ? c->p - 1 : c->p;
    bool has_digit = false;

    while (c->err == RF_OK && c->p < c->end && *c->p != ';') {
        char d = *c->p++;
        bool is_digit = is_global ? rf_sip_is(d, RF_CH_DIGIT) : rf_sip_is(d, RF_CH_HEX) || d == '*' || d == '#';

        has_digit |= is_digit;
        if (!is_digit && d != '-' && d != '.' && d != '(' && d != ')')
            rf_cur_fail(c, RF_ERR_SYNTAX);
    }
    if (!has_digit)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    out->has_user = true;
    out->user = rf_span(start, (size_t)(c->p - start));
    out->params = take_uri_params(c);
}

/* absoluteURI of another scheme: scheme ":" 1*uric. What it means is not ours to know. */
static void
take_other(struct rf_cursor *c)
{
    if (rf_sip_take_escaped(c, RF_CH_URIC).n == 0)
        rf_cur_fail(c, RF_ERR_SYNTAX);
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), which HOST and "+" cover but for "_" */
static bool
is_scheme(struct rf_span s)
{
    if (s.n == 0 || !rf_sip_is(s.p[0], RF_CH_HOST) || rf_sip_is(s.p[0], RF_CH_DIGIT) || s.p[0] == '-' ||
        s.p[0] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '_' || (!rf_sip_is(s.p[i], RF_CH_HOST) && s.p[i] != '+'))
            return false;
    return true;
}

enum rf_err
rf_sip_uri_parse(struct rf_span text, struct rf_sip_uri *out)
{
    struct rf_cursor c = rf_cur(text);
    struct rf_span scheme;

    *out = (struct rf_sip_uri){ .scheme = RF_URI_OTHER, .raw = text };
    /* The scheme is short; a colon further on belongs to something else. */
    if (text.n == 0)
        return RF_ERR_SYNTAX;
    scheme = rf_cur_until(&c, ':');
    rf_cur_expect(&c, ':');
    if (RF_SIP_WORD(scheme, "sip")) {
        out->scheme = RF_URI_SIP;
        take_sip(&c, out);
    } else if (RF_SIP_WORD(scheme, "sips")) {
        out->scheme = RF_URI_SIPS;
        take_sip(&c, out);
    } else if (RF_SIP_WORD(scheme, "tel")) {
        out->scheme = RF_URI_TEL;
        take_tel(&c, out);
    } else {
        if (!is_scheme(scheme))
            rf_cur_fail(&c, RF_ERR_SYNTAX);
        take_other(&c);
    }
    return rf_cur_done(&c);
}

/* Octets up to the next `a` or `b` outside quotes; the rest stays in *left. */
static struct rf_span
cut(struct rf_span *left, char a, char b)
{
    size_t i = 0;
    bool quoted = false;
    struct rf_span part;

    for (; i < left->n && (quoted || (left->p[i] != a && left->p[i] != b)); i++) {
        if (left->p[i] == '"')
            quoted = !quoted;
        else if (quoted && left->p[i] == '\\' && i + 1 < left->n)
            i++;
    }
    part = rf_span(left->p, i);
    *left = rf_span_sub(*left, i, left->n);
    return part;
}

static bool
pair_next(struct rf_span *list, char separator, struct rf_span *name, struct rf_span *value)
{
    while (list->n > 0 && (list->p[0] == separator || rf_sip_is(list->p[0], RF_CH_BLANK)))
        *list = rf_span_sub(*list, 1, list->n);
    if (list->n == 0)
        return false;
    *name = rf_sip_trim(cut(list, separator, '='));
    *value = rf_span(NULL, 0);
    if (list->n > 0 && list->p[0] == '=') {
        *list = rf_span_sub(*list, 1, list->n);
        *value = rf_sip_trim(cut(list, separator, separator));
    }
    return true;
}

bool
rf_sip_param_next(struct rf_span *params, struct rf_span *name, struct rf_span *value)
{
    return pair_next(params, ';', name, value);
}

bool
rf_sip_uri_header_next(struct rf_span *headers, struct rf_span *name, struct rf_span *value)
{
    return pair_next(headers, '&', name, value);
}

bool
rf_sip_param(struct rf_span params, const char *name, struct rf_span *value)
{
    struct rf_span n, want = rf_span_str(name);

    while (rf_sip_param_next(&params, &n, value))
        if (rf_span_ieq(n, want))
            return true;
    *value = rf_span(NULL, 0);
    return false;
}

/* The next octet with %HH undone. */
static unsigned char
unescape_next(struct rf_span *s, bool *was_escaped)
{
    unsigned char octet = (unsigned char)s->p[0];
    size_t n = 1;

    *was_escaped = octet == '%' && s->n >= 3 && rf_sip_is(s->p[1], RF_CH_HEX) && rf_sip_is(s->p[2], RF_CH_HEX);
    if (*was_escaped) {
        octet = (unsigned char)(hex_value(s->p[1]) << 4 | hex_value(s->p[2]));
        n = 3;
    }
    *s = rf_span_sub(*s, n, s->n);
    return octet;
}

static unsigned char
lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
escaped_eq(struct rf_span a, struct rf_span b, bool fold_case)
{
    while (a.n > 0 && b.n > 0) {
        bool ea, eb;
        unsigned char x = unescape_next(&a, &ea), y = unescape_next(&b, &eb);

        if (fold_case) {
            x = lower(x);
            y = lower(y);
        }
        if (x != y)
            return false;
        /* RFC 3261 19.1.4: octets of the reserved set are not equal to their escapes. */
        if (ea != eb && x != '\0' && strchr(";/?:@&=+$,", x) != NULL)
            return false;
    }
    return a.n == 0 && b.n == 0;
}

/* The first parameter of this name; a second one does not count (19.1.1 forbids it). */
static bool
uri_param_find(struct rf_span params, struct rf_span want, struct rf_span *name, struct rf_span *value)
{
    while (rf_sip_param_next(&params, name, value))
        if (escaped_eq(*name, want, true))
            return true;
    *value = rf_span(NULL, 0);
    return false;
}

bool
rf_sip_uri_param(const struct rf_sip_uri *u, const char *name, struct rf_span *value)
{
    struct rf_span n;

    return uri_param_find(u->params, rf_span_str(name), &n, value);
}

/*
 * Is each parameter of `a` the same in `b`? One that `b` does not have passes unless its absence counts.
 */
static bool
params_within(struct rf_span a, struct rf_span b, bool (*absence_counts)(struct rf_span name))
{
    struct rf_span left = a, name, value, first, na, nb, vb;

    while (rf_sip_param_next(&left, &name, &value)) {
        if (uri_param_find(a, name, &na, &first) && na.p != name.p)
            continue;
        if (!uri_param_find(b, name, &nb, &vb)) {
            if (absence_counts(name))
                return false;
        } else if ((value.p == NULL) != (vb.p == NULL) || !escaped_eq(value, vb, true)) {
            return false;
        }
    }
    return true;
}

/* 19.1.4: these never match when only one URI has them; others are left out of account then. */
static bool
sip_absence_counts(struct rf_span name)
{
    static const char *const both[] = { "transport", "user", "ttl", "method", "maddr" };

    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++)
        if (escaped_eq(name, rf_span_str(both[i]), true))
            return true;
    return false;
}

/* RFC 3966 5: both have the same parameters, in whatever order. */
static bool
tel_absence_counts(struct rf_span name)
{
    return true;
}

/* Each header of `a` stands in `b` with the same value. */
static bool
headers_within(struct rf_span a, struct rf_span b)
{
    struct rf_span name, value, left, n, v;
    bool found;

    while (rf_sip_uri_header_next(&a, &name, &value)) {
        left = b;
        found = false;
        while (!found && rf_sip_uri_header_next(&left, &n, &v))
            found = escaped_eq(n, name, true) && escaped_eq(v, value, false);
        if (!found)
            return false;
    }
    return true;
}

static bool
host_eq(struct rf_span a, struct rf_span b)
{
    struct rf_addr x, y;

    if (rf_span_ieq(a, b))
        return true;
    /* One IPv6 address has many texts. */
    return a.n > 0 && b.n > 0 && a.p[0] == '[' && b.p[0] == '[' && rf_addr_parse(a, 0, &x) == RF_OK &&
           rf_addr_parse(b, 0, &y) == RF_OK && rf_addr_eq(&x, &y);
}

static bool
is_visual_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

static bool
number_eq(struct rf_span a, struct rf_span b)
{
    size_t i = 0, j = 0;

    for (;; i++, j++) {
        while (i < a.n && is_visual_separator(a.p[i]))
            i++;
        while (j < b.n && is_visual_separator(b.p[j]))
            j++;
        if (i == a.n || j == b.n)
            return i == a.n && j == b.n;
        if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[j]))
            return false;
    }
}

bool
rf_sip_uri_eq(const struct rf_sip_uri *a, const struct rf_sip_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    if (a->scheme == RF_URI_OTHER)
        return rf_span_eq(a->raw, b->raw);
    if (a->scheme == RF_URI_TEL)
        return number_eq(a->user, b->user) && params_within(a->params, b->params, tel_absence_counts) &&
               params_within(b->params, a->params, tel_absence_counts);
    return a->has_user == b->has_user && escaped_eq(a->user, b->user, false) &&
           escaped_eq(a->password, b->password, false) && host_eq(a->host, b->host) && a->port == b->port &&
           params_within(a->params, b->params, sip_absence_counts) &&
           params_within(b->params, a->params, sip_absence_counts) &&
           headers_within(a->headers, b->headers) && headers_within(b->headers, a->headers);
}

void
rf_put_unescaped(struct rf_buf *b, struct rf_span s)
{
    bool was_escaped;

    while (s.n > 0)
        rf_put_char(b, (char)unescape_next(&s, &was_escaped));
}

void
rf_put_escaped_user(struct rf_buf *b, struct rf_span s)
{
    static const char digit[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        /* "#" is only tolerated on the way in; what we send is escaped as the RFC wants. */
        if (rf_sip_is(s.p[i], RF_CH_USER) && c != '#') {
            rf_put_char(b, s.p[i]);
        } else {
            rf_put_char(b, '%');
            rf_put_char(b, digit[c >> 4]);
            rf_put_char(b, digit[c & 15]);
        }
    }
}
