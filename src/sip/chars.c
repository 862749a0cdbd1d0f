#include "sip/chars.h"

#include "base/addr.h"

/* Sets of classes that letters, digits and the marks of RFC 3261 share. */
#define URI_ANY (RF_CH_USER | RF_CH_PASSWORD | RF_CH_PARAM | RF_CH_HEADER | RF_CH_URIC)
#define TEXT (RF_CH_QUOTED | RF_CH_VISIBLE)
#define TOKEN (RF_CH_TOKEN | RF_CH_VALUE | RF_CH_DISPLAY)
#define ALPHA (TOKEN | URI_ANY | RF_CH_HOST | RF_CH_BARE | TEXT)

/*
 * Leniencies, each with its reason:
 * - DISPLAY also holds octets above 0x7f and ( ) / @ & # [ ] { } =: what people type as a name into a phone's
 *   web page ("Lab/2", "R&D (2nd floor)", names with accents) is sent without quotes by handsets.
 * - HOST holds "_": names of private networks have it.
 * - USER holds "#": Grandstream phones send it bare when "escape # as %23 in SIP URI" is off.
 */
const uint16_t rf_sip_class[256] = {
    ['\t'] = RF_CH_QUOTED | RF_CH_BLANK,
    ['\n'] = RF_CH_QUOTED | RF_CH_BLANK,
    ['\r'] = RF_CH_QUOTED | RF_CH_BLANK,
    [' '] = RF_CH_QUOTED | RF_CH_BLANK,

    ['0' ... '9'] = ALPHA | RF_CH_DIGIT | RF_CH_HEX,
    ['A' ... 'F'] = ALPHA | RF_CH_HEX,
    ['G' ... 'Z'] = ALPHA,
    ['a' ... 'f'] = ALPHA | RF_CH_HEX,
    ['g' ... 'z'] = ALPHA,

    ['-'] = ALPHA,
    ['.'] = ALPHA,
    ['_'] = ALPHA,
    ['!'] = TOKEN | URI_ANY | RF_CH_BARE | TEXT,
    ['~'] = TOKEN | URI_ANY | RF_CH_BARE | TEXT,
    ['*'] = TOKEN | URI_ANY | RF_CH_BARE | TEXT,
    ['\''] = TOKEN | URI_ANY | RF_CH_BARE | TEXT,
    ['('] = URI_ANY | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    [')'] = URI_ANY | RF_CH_DISPLAY | RF_CH_BARE | TEXT,

    ['%'] = TOKEN | RF_CH_BARE | TEXT,
    ['`'] = TOKEN | TEXT,
    ['+'] = TOKEN | URI_ANY | RF_CH_BARE | TEXT,
    ['&'] = RF_CH_USER | RF_CH_PASSWORD | RF_CH_PARAM | RF_CH_URIC | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    ['='] = RF_CH_USER | RF_CH_PASSWORD | RF_CH_URIC | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    ['$'] = URI_ANY | RF_CH_BARE | TEXT,
    [','] = RF_CH_USER | RF_CH_PASSWORD | RF_CH_URIC | TEXT,
    [';'] = RF_CH_USER | RF_CH_URIC | TEXT,
    ['?'] = RF_CH_USER | RF_CH_HEADER | RF_CH_URIC | TEXT,
    ['/'] = RF_CH_USER | RF_CH_PARAM | RF_CH_HEADER | RF_CH_URIC | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    ['['] = RF_CH_PARAM | RF_CH_HEADER | RF_CH_URIC | RF_CH_VALUE | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    [']'] = RF_CH_PARAM | RF_CH_HEADER | RF_CH_URIC | RF_CH_VALUE | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    [':'] = RF_CH_PARAM | RF_CH_HEADER | RF_CH_URIC | RF_CH_VALUE | RF_CH_BARE | TEXT,
    ['@'] = RF_CH_URIC | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    ['#'] = RF_CH_USER | RF_CH_DISPLAY | RF_CH_BARE | TEXT,
    ['{'] = RF_CH_DISPLAY | TEXT,
    ['}'] = RF_CH_DISPLAY | TEXT,
    ['<'] = TEXT,
    ['>'] = TEXT,
    ['^'] = TEXT,
    ['|'] = TEXT,
    ['"'] = RF_CH_VISIBLE,
    ['\\'] = RF_CH_VISIBLE,

    /* Not checked for being UTF-8: some phones send display names in ISO 8859-1. */
    [0x80 ... 0xff] = RF_CH_QUOTED | RF_CH_DISPLAY,
};

/*
 * quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F): NUL is allowed there, CR and LF are not. An octet above
 * 0x7f after the backslash is accepted as well: phones escape names that they do not know to be UTF-8.
 */
struct rf_span
rf_sip_take_quoted(struct rf_cursor *c)
{
    const char *start;

    rf_cur_expect(c, '"');
    start = c->p;
    for (;;) {
        rf_sip_take(c, RF_CH_QUOTED);
        if (c->err != RF_OK || c->end - c->p < 2 || *c->p != '\\')
            break;
        if (c->p[1] == '\r' || c->p[1] == '\n') {
            rf_cur_fail(c, RF_ERR_SYNTAX);
            break;
        }
        c->p += 2;
    }
    if (c->err != RF_OK || c->p == c->end || *c->p != '"') {
        rf_cur_fail(c, RF_ERR_SYNTAX);
        return rf_span(start, 0);
    }
    return rf_span(start, (size_t)(c->p++ - start));
}

/*
 * SEMI generic-param, generic-param = token [ EQUAL gen-value ], gen-value = token / host / quoted-string
 */
bool
rf_sip_take_param(struct rf_cursor *c, struct rf_span *name, struct rf_span *value)
{
    if (!rf_sip_sep(c, ';'))
        return false;
    *name = rf_sip_take_some(c, RF_CH_TOKEN);
    *value = rf_span(NULL, 0);
    if (!rf_sip_sep(c, '='))
        return true;
    if (rf_cur_peek(c) == '"') {
        const char *quote = c->p;

        rf_sip_take_quoted(c);
        *value = rf_span(quote, (size_t)(c->p - quote));
    } else {
        *value = rf_sip_take_some(c, RF_CH_VALUE);
    }
    return true;
}

struct rf_span
rf_sip_take_host(struct rf_cursor *c)
{
    const char *start = c->p;
    struct rf_addr a;
    struct rf_span host;

    if (rf_cur_peek(c) != '[')
        return rf_sip_take_some(c, RF_CH_HOST);
    rf_cur_until(c, ']');
    rf_cur_expect(c, ']');
    host = rf_span(start, (size_t)(c->p - start));
    if (c->err == RF_OK && (rf_addr_parse(host, 0, &a) != RF_OK || rf_span_find(host, ':') == host.n))
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return host;
}

uint16_t
rf_sip_take_port(struct rf_cursor *c)
{
    struct rf_span digits = rf_sip_take_some(c, RF_CH_DIGIT);
    uint32_t port = 0;

    /* Stops at the first value that is too large, so that no run of digits overflows. */
    for (size_t i = 0; i < digits.n && port <= 65535; i++)
        port = port * 10 + (uint32_t)(digits.p[i] - '0');
    if (port == 0 || port > 65535)
        rf_cur_fail(c, RF_ERR_RANGE);
    return (uint16_t)port;
}
