/*
 * sip/chars.h - which octet may stand where (RFC 3261 25.1)
 *
 * One table of classes serves every grammar rule. Steps of a cursor that the rules share stand here inline,
 * because the eager part of rf_sip_msg_parse spends its time in them.
 */
#ifndef RF_SIP_CHARS_H
#define RF_SIP_CHARS_H

#include "base/cursor.h"

enum rf_sip_class {
    RF_CH_TOKEN = 1 << 0,    /* token */
    RF_CH_USER = 1 << 1,     /* user, without the escapes */
    RF_CH_PASSWORD = 1 << 2, /* password, without the escapes */
    RF_CH_PARAM = 1 << 3,    /* pname, pvalue of a URI, without the escapes */
    RF_CH_HEADER = 1 << 4,   /* hname, hvalue of a URI, without the escapes */
    RF_CH_HOST = 1 << 5,     /* hostname and IPv4address */
    RF_CH_DISPLAY = 1 << 6,  /* display-name without quotes, see chars.c */
    RF_CH_VALUE = 1 << 7,    /* gen-value without quotes: token / host */
    RF_CH_URIC = 1 << 8,     /* uric without the escapes, and [ ] of an IPv6 authority */
    RF_CH_BARE = 1 << 9,     /* what an addr-spec without < > may hold: no comma, semicolon, question mark */
    RF_CH_QUOTED = 1 << 10,  /* qdtext, LWS included */
    RF_CH_VISIBLE = 1 << 11, /* 0x21 to 0x7e */
    RF_CH_BLANK = 1 << 12,   /* LWS: the scan has made sure that CRLF is followed by SP or HTAB */
    RF_CH_DIGIT = 1 << 13,
    RF_CH_HEX = 1 << 14,
};

extern const uint16_t rf_sip_class[256];

static inline bool
rf_sip_is(char c, unsigned class)
{
    return (rf_sip_class[(unsigned char)c] & class) != 0;
}

/** Take octets of these classes; maybe none. */
static inline struct rf_span
rf_sip_take(struct rf_cursor *c, unsigned class)
{
    const char *start = c->p;

    if (c->err != RF_OK)
        return rf_span(start, 0);
    while (c->p < c->end && rf_sip_is(*c->p, class))
        c->p++;
    return rf_span(start, (size_t)(c->p - start));
}

/** As rf_sip_take, but at least one octet or RF_ERR_SYNTAX. */
static inline struct rf_span
rf_sip_take_some(struct rf_cursor *c, unsigned class)
{
    struct rf_span s = rf_sip_take(c, class);

    if (s.n == 0)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return s;
}

/** As rf_sip_take, with escapes: *( class / "%" HEXDIG HEXDIG ). A lone "%" is RF_ERR_SYNTAX. */
static inline struct rf_span
rf_sip_take_escaped(struct rf_cursor *c, unsigned class)
{
    const char *start = c->p;

    for (;;) {
        rf_sip_take(c, class);
        if (c->err != RF_OK || c->p == c->end || *c->p != '%')
            break;
        if (c->end - c->p < 3 || !rf_sip_is(c->p[1], RF_CH_HEX) || !rf_sip_is(c->p[2], RF_CH_HEX)) {
            rf_cur_fail(c, RF_ERR_SYNTAX);
            break;
        }
        c->p += 3;
    }
    return rf_span(start, (size_t)(c->p - start));
}

/** SWS. */
static inline void
rf_sip_sws(struct rf_cursor *c)
{
    while (c->err == RF_OK && c->p < c->end && rf_sip_is(*c->p, RF_CH_BLANK))
        c->p++;
}

/** SWS `want` SWS when `want` is next after the blanks; otherwise nothing is taken. */
static inline bool
rf_sip_sep(struct rf_cursor *c, char want)
{
    const char *start = c->p;

    rf_sip_sws(c);
    if (!rf_cur_accept(c, want)) {
        c->p = start;
        return false;
    }
    rf_sip_sws(c);
    return true;
}

/**
 * quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE. The cursor stands on the first quote.
 * @return what is between the quotes, escapes kept
 */
struct rf_span rf_sip_take_quoted(struct rf_cursor *c);

/**
 * SEMI generic-param. false, and nothing taken, when no semicolon is next.
 * @param value  p == NULL without "="; a quoted value keeps its quotes
 */
bool rf_sip_take_param(struct rf_cursor *c, struct rf_span *name, struct rf_span *value);

/** host = hostname / IPv4address / IPv6reference, brackets included. */
struct rf_span rf_sip_take_host(struct rf_cursor *c);

/** port, 1 to 65535. */
uint16_t rf_sip_take_port(struct rf_cursor *c);

#endif
