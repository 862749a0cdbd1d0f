/*
 * base/span.h - bytes that someone else owns
 *
 * A span never owns. It is valid as long as the buffer it points into; keep a copy of what must last.
 */
#ifndef RF_BASE_SPAN_H
#define RF_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct rf_span {
    const char *p;
    size_t n;
};

/* For printf: printf("%.*s", RF_SPAN_ARG(s)). Clipped to INT_MAX by its type; our spans are far below. */
#define RF_SPAN_ARG(s) (int)(s).n, (s).p

#define RF_SPAN_LIT(text) ((struct rf_span){ (text), sizeof(text) - 1 })

static inline struct rf_span
rf_span(const void *p, size_t n)
{
    return (struct rf_span){ (const char *)p, n };
}

/** A span over a C string; NULL gives the empty span. */
static inline struct rf_span
rf_span_str(const char *s)
{
    return (struct rf_span){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool
rf_span_eq(struct rf_span a, struct rf_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/** Equal when ASCII letter case does not count. */
bool rf_span_ieq(struct rf_span a, struct rf_span b);

static inline bool
rf_span_is(struct rf_span a, const char *s)
{
    return rf_span_eq(a, rf_span_str(s));
}

static inline bool
rf_span_iis(struct rf_span a, const char *s)
{
    return rf_span_ieq(a, rf_span_str(s));
}

static inline bool
rf_span_starts(struct rf_span a, const char *s)
{
    size_t n = strlen(s);

    return a.n >= n && memcmp(a.p, s, n) == 0;
}

/** The part from `from` on, at most n bytes; never outside s. */
static inline struct rf_span
rf_span_sub(struct rf_span s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct rf_span){ from > 0 ? s.p + from : s.p, n };
}

/** Without SP, HTAB, CR and LF at both ends. */
struct rf_span rf_span_trim(struct rf_span s);

/** Position of the byte c, or s.n when it is not there. */
static inline size_t
rf_span_find(struct rf_span s, char c)
{
    const char *hit = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

    return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

/** Position of the byte string `what`, or s.n when it is not there. */
size_t rf_span_find_str(struct rf_span s, struct rf_span what);

/** A decimal number of 1 to 20 digits and nothing else, at most max. RF_ERR_SYNTAX, RF_ERR_RANGE. */
RF_MUST_CHECK enum rf_err rf_span_u64(struct rf_span s, uint64_t max, uint64_t *out);

/** A C string of its own, freed by the caller with free(); NULL when memory is out. */
char *rf_span_dup(struct rf_span s);

/**
 * Copy into a fixed array as a C string.
 * @return RF_ERR_RANGE when it does not fit or holds a NUL; dst is then the empty string.
 */
RF_MUST_CHECK enum rf_err rf_span_copy(struct rf_span s, char *dst, size_t size);

#endif
