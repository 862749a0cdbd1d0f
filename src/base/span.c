#include "base/span.h"

#include <stdlib.h>

static inline char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
rf_span_ieq(struct rf_span a, struct rf_span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct rf_span
rf_span_trim(struct rf_span s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t
rf_span_find_str(struct rf_span s, struct rf_span what)
{
    const char *hit;

    if (what.n == 0)
        return 0;
    if (s.n < what.n)
        return s.n;
    hit = memmem(s.p, s.n, what.p, what.n);
    return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

enum rf_err
rf_span_u64(struct rf_span s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return RF_ERR_SYNTAX;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return RF_ERR_SYNTAX;
    for (size_t i = 0; i < s.n; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v) ||
            v > max)
            return RF_ERR_RANGE;
    *out = v;
    return RF_OK;
}

char *
rf_span_dup(struct rf_span s)
{
    char *copy = malloc(s.n + 1);

    if (copy == NULL)
        return NULL;
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

enum rf_err
rf_span_copy(struct rf_span s, char *dst, size_t size)
{
    rf_assert(size > 0);
    dst[0] = '\0';
    if (s.n >= size || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
        return RF_ERR_RANGE;
    if (s.n > 0)
        memcpy(dst, s.p, s.n);
    dst[s.n] = '\0';
    return RF_OK;
}
