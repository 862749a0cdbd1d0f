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

static void
put_decimal(struct rf_buf *b, bool is_negative, uint64_t v, unsigned width)
{
    unsigned digits = 1 + is_negative;

    if (is_negative)
        rf_put_char(b, '-');
    for (uint64_t left = v; left >= 10; left /= 10)
        digits++;
    for (; digits < width; digits++)
        rf_put_char(b, '0');
    rf_put_u64(b, v);
}

/*
 * The conversions that messages, records and log lines are made with: %s %.*s %c %%, and %u %d with l, ll, z or leading
 * zeros (%03u). vsnprintf takes five times as long, which was 2 % of a call.
 * false: there is another one, and what was put is to be undone.
 */
static bool
put_simply(struct rf_buf *b, const char *f, va_list ap)
{
    for (;;) {
        const char *percent = strchrnul(f, '%');
        unsigned width = 0, longs = 0;

        rf_put(b, rf_span(f, (size_t)(percent - f)));
        if (*percent == '\0')
            return true;
        f = percent + 1;
        if (strncmp(f, ".*s", 3) == 0) {
            int n = va_arg(ap, int);
            const char *s = va_arg(ap, const char *);

            if (n < 0)
                return false;
            rf_put(b, rf_span(s, strnlen(s, (size_t)n)));
            f += 3;
            continue;
        }
        if (f[0] == '0' && f[1] >= '1' && f[1] <= '9') {
            width = (unsigned)(f[1] - '0');
            f += 2;
        }
        for (; *f == 'l' || *f == 'z'; f++)
            longs++;
        if (*f == 'u') {
            put_decimal(b, false, longs > 0 ? va_arg(ap, unsigned long) : va_arg(ap, unsigned), width);
        } else if (*f == 'd') {
            int64_t d = longs > 0 ? va_arg(ap, long) : va_arg(ap, int);

            put_decimal(b, d < 0, d < 0 ? 0 - (uint64_t)d : (uint64_t)d, width);
        } else if (width != 0 || longs != 0) {
            return false;
        } else if (*f == 's') {
            rf_put_str(b, va_arg(ap, const char *));
        } else if (*f == 'c') {
            rf_put_char(b, (char)va_arg(ap, int));
        } else if (*f == '%') {
            rf_put_char(b, '%');
        } else {
            return false;
        }
        f++;
    }
}

_Static_assert(sizeof(long) == sizeof(long long) && sizeof(long) == sizeof(size_t), "%lu, %llu and %zu are one");

void
rf_vputf(struct rf_buf *b, const char *format, va_list ap)
{
    size_t left = b->cap - b->n, from = b->n;
    va_list again;
    int n;

    if (b->overflow)
        return;
    va_copy(again, ap);
    if (!put_simply(b, format, ap)) {
        b->n = from;
        b->overflow = false;
        n = vsnprintf(b->p + b->n, left, format, again);
        /* vsnprintf also wants room for its NUL, so a text that fills the memory exactly counts as too long. */
        if (n < 0 || (size_t)n >= left)
            b->overflow = true;
        else
            b->n += (size_t)n;
    }
    va_end(again);
    if (b->overflow)
        b->n = from; /* what does not fit is left out whole */
}

void
rf_putf(struct rf_buf *b, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    rf_vputf(b, format, ap);
    va_end(ap);
}
