/*
 * sip/chars.h - which octet may stand where (RFC 3261 25.1)
 *
 * One table of classes serves every grammar rule. Steps of a cursor that the rules share stand here inline,
 * because the eager part of rf_sip_msg_parse spends its time in them.
 */
#ifndef RF_SIP_CHARS_H
#define RF_SIP_CHARS_H

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

/** Without the blanks at both ends. */
static inline struct rf_span
rf_sip_trim(struct rf_span s)
{
    while (s.n > 0 && rf_sip_is(s.p[0], RF_CH_BLANK)) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && rf_sip_is(s.p[s.n - 1], RF_CH_BLANK))
        s.n--;
    return s;
}

/**
 * Is s this word, without letter case? `lower` holds small letters, digits and "-" only. Setting bit 5 makes
 * letters small; of other octets only control characters could then pass for "-" or a digit, so s is a token
 * or the like.
 */
static inline bool
rf_sip_word_is(struct rf_span s, const char *lower, size_t n)
{
    const uint64_t bit5 = 0x2020202020202020u;
    uint64_t a, b;

    if (s.n != n)
        return false;
    if (n < 4) {
        for (size_t i = 0; i < n; i++)
            if ((s.p[i] | 0x20) != lower[i])
                return false;
        return true;
    }
    if (n < 8) {
        uint32_t x[2], y[2];

        memcpy(&x[0], s.p, 4);
        memcpy(&x[1], s.p + n - 4, 4);
        memcpy(&y[0], lower, 4);
        memcpy(&y[1], lower + n - 4, 4);
        return (x[0] | (uint32_t)bit5) == y[0] && (x[1] | (uint32_t)bit5) == y[1];
    }
    for (size_t i = 0;; i = i + 16 <= n ? i + 8 : n - 8) {
        memcpy(&a, s.p + i, 8);
        memcpy(&b, lower + i, 8);
        if ((a | bit5) != b)
            return false;
        if (i + 8 == n)
            return true;
    }
}

#define RF_SIP_WORD(s, lower) rf_sip_word_is((s), (lower), sizeof(lower) - 1)

/*
 * Past the letters, digits, "-" and "." at p: all of them are in each class but DIGIT, HEX and BLANK. 16
 * octets a step where 16 are left; tags, branches and instance names are mostly these.
 */
static inline const char *
rf_sip_skip_alnum(const char *p, const char *end)
{
#if defined(__SSE2__)
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('-'));
        /* Unsigned x <= n is min(x, n) == x. '-' '.' '/' '0' .. '9' is one range; '/' is taken out again. */
        __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
        __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8('9' - '-')), digit);
        __m128i is_slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('/'));
        __m128i in = _mm_andnot_si128(is_slash, _mm_or_si128(is_letter, is_digit));
        unsigned out = ~(unsigned)_mm_movemask_epi8(in) & 0xffffu;

        if (out != 0)
            return p + __builtin_ctz(out);
        p += 16;
    }
#endif
    return p;
}

/** Take octets of these classes; maybe none. */
static inline struct rf_span
rf_sip_take(struct rf_cursor *c, unsigned class)
{
    const char *start = c->p, *p = start, *end = c->end;

    if (c->err != RF_OK)
        return rf_span(start, 0);
    if (class & (RF_CH_TOKEN | RF_CH_USER | RF_CH_QUOTED | RF_CH_PARAM | RF_CH_HOST | RF_CH_VALUE))
        p = rf_sip_skip_alnum(p, end);
    /* Local pointers: the octets might alias the cursor, and a store for each of them halves the speed. */
    while (p < end && rf_sip_is(*p, class))
        p++;
    c->p = p;
    return rf_span(start, (size_t)(p - start));
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
    if (c->err == RF_OK && c->p < c->end && rf_sip_is(*c->p, RF_CH_BLANK))
        rf_sip_take(c, RF_CH_BLANK);
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
 * The end of an element that may stand in a comma list: its parameters lie from `params`, all of it from `start`, and
 * behind it is nothing or a comma.
 */
static inline void
rf_sip_element_end(struct rf_cursor *c, const char *start, const char *params, struct rf_span *params_out,
                   struct rf_span *raw_out)
{
    *params_out = rf_sip_trim(rf_span(params, (size_t)(c->p - params)));
    *raw_out = rf_span(start, (size_t)(c->p - start));
    rf_sip_sws(c);
    if (c->err == RF_OK && c->p < c->end && *c->p != ',')
        rf_cur_fail(c, RF_ERR_SYNTAX);
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
