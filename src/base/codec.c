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

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum rf_err
rf_base64_decode(struct rf_span text, uint8_t *out, size_t cap, size_t *n)
{
    size_t digits = text.n, used = 0;
    uint32_t bits = 0;
    int held = 0;

    while (digits > 0 && text.n - digits < 2 && text.p[digits - 1] == '=')
        digits--;
    if (digits != text.n && text.n % 4 != 0)
        return RF_ERR_SYNTAX;
    if (digits % 4 == 1)
        return RF_ERR_SYNTAX;
    if (digits / 4 * 3 + (digits % 4 > 0 ? digits % 4 - 1 : 0) > cap)
        return RF_ERR_RANGE;
    for (size_t i = 0; i < digits; i++) {
        int v = base64_value(text.p[i]);

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

void
rf_put_base64(struct rf_buf *b, const void *p, size_t n)
{
    const uint8_t *byte = p;

    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        uint32_t v = (uint32_t)byte[i] << 16;

        if (left > 1)
            v |= (uint32_t)byte[i + 1] << 8;
        if (left > 2)
            v |= byte[i + 2];
        rf_put_char(b, base64_digit[v >> 18]);
        rf_put_char(b, base64_digit[v >> 12 & 63]);
        rf_put_char(b, left > 1 ? base64_digit[v >> 6 & 63] : '=');
        rf_put_char(b, left > 2 ? base64_digit[v & 63] : '=');
    }
}
