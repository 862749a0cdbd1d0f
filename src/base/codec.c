#include "base/codec.h"

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum rf_err
rf_hex_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n)
{
    if (text.n % 2 != 0)
        return RF_ERR_SYNTAX;
    if (text.n / 2 > cap)
        return RF_ERR_RANGE;
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_value(text.p[i]), low = hex_value(text.p[i + 1]);

        if (high < 0 || low < 0)
            return RF_ERR_SYNTAX;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *n = text.n / 2;
    return RF_OK;
}

static const char base64_digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int
base64_value(char c, const char *last_two)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == last_two[0] ? 62 : c == last_two[1] ? 63 : -1;
}

/* Octets of digits without padding; unused bits must be zero. */
static enum rf_err
decode_digits(struct rf_span digits, const char *last_two, uint8_t *out, size_t cap, size_t *n)
{
    size_t used = 0;
    uint32_t bits = 0;
    int held = 0;

    if (digits.n % 4 == 1)
        return RF_ERR_SYNTAX;
    if (digits.n / 4 * 3 + (digits.n % 4 > 0 ? digits.n % 4 - 1 : 0) > cap)
        return RF_ERR_RANGE;
    for (size_t i = 0; i < digits.n; i++) {
        int v = base64_value(digits.p[i], last_two);

        if (v < 0)
            return RF_ERR_SYNTAX;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[used++] = (uint8_t)(bits >> held);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0)
        return RF_ERR_SYNTAX;
    *n = used;
    return RF_OK;
}

enum rf_err
rf_base64_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n)
{
    size_t digits = text.n;

    while (digits > 0 && text.n - digits < 2 && text.p[digits - 1] == '=')
        digits--;
    if (digits != text.n && text.n % 4 != 0)
        return RF_ERR_SYNTAX;
    return decode_digits(rf_span_sub(text, 0, digits), "+/", out, cap, n);
}

enum rf_err
rf_base64url_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n)
{
    return decode_digits(text, "-_", out, cap, n);
}

/* Three octets as four digits; fewer octets as fewer digits. */
static void
put_group(struct rf_buf *b, const uint8_t *byte, size_t octets, const char *digits)
{
    uint32_t v = (uint32_t)byte[0] << 16;

    if (octets > 1)
        v |= (uint32_t)byte[1] << 8;
    if (octets > 2)
        v |= byte[2];
    for (size_t i = 0; i <= octets; i++)
        rf_put_char(b, digits[v >> (18 - 6 * i) & 63]);
}

void
rf_put_base64(struct rf_buf *b, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t octets = n - i < 3 ? n - i : 3;

        put_group(b, (const uint8_t *)p + i, octets, base64_digit);
        for (size_t pad = octets; pad < 3; pad++)
            rf_put_char(b, '=');
    }
}

void
rf_put_base64url(struct rf_buf *b, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i += 3)
        put_group(b, (const uint8_t *)p + i, n - i < 3 ? n - i : 3, base64url_digit);
}
