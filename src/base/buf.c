#include "base/buf.h"

#include <stdio.h>

void
rf_put_u64(struct rf_buf *b, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;

    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    rf_put(b, rf_span(digits + i, sizeof digits - i));
}

void
rf_put_hex(struct rf_buf *b, const void *p, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *byte = p;

    for (size_t i = 0; i < n; i++) {
        rf_put_char(b, digit[byte[i] >> 4]);
        rf_put_char(b, digit[byte[i] & 15]);
    }
}

void
rf_putf(struct rf_buf *b, const char *format, ...)
{
    size_t left = b->cap - b->n;
    va_list ap;
    int n;

    if (b->overflow)
        return;
    va_start(ap, format);
    n = vsnprintf(b->p + b->n, left, format, ap);
    va_end(ap);
    /* vsnprintf also wants room for its NUL, so a text that fills the memory exactly counts as too long. */
    if (n < 0 || (size_t)n >= left)
        b->overflow = true;
    else
        b->n += (size_t)n;
}
