/*
 * base/cursor.h - walks a span and remembers its first failure
 *
 * Parsers are written without error branches: after a failure every step is a no-op that returns an empty
 * value, and rf_cur_done tells at the end. Bounds are checked here alone.
 */
#ifndef RF_BASE_CURSOR_H
#define RF_BASE_CURSOR_H

#include "base/span.h"

struct rf_cursor {
    const char *p, *end;
    enum rf_err err; /* the first failure, or RF_OK */
};

static inline struct rf_cursor
rf_cur(struct rf_span s)
{
    /* An empty span may have no address at all, and NULL + 0 is undefined. */
    return (struct rf_cursor){ s.p, s.n > 0 ? s.p + s.n : s.p, RF_OK };
}

/** Remember a failure (the first one stays). */
static inline void
rf_cur_fail(struct rf_cursor *c, enum rf_err err)
{
    if (c->err == RF_OK)
        c->err = err;
}

/** Nothing left, or failed. */
static inline bool
rf_cur_at_end(const struct rf_cursor *c)
{
    return c->err != RF_OK || c->p == c->end;
}

/** The next byte without taking it; '\0' at the end or after a failure (a real NUL looks the same). */
static inline char
rf_cur_peek(const struct rf_cursor *c)
{
    return rf_cur_at_end(c) ? '\0' : *c->p;
}

/** Take the byte `want` if it is next. */
static inline bool
rf_cur_accept(struct rf_cursor *c, char want)
{
    if (rf_cur_at_end(c) || *c->p != want)
        return false;
    c->p++;
    return true;
}

/** Take the byte `want` or fail with RF_ERR_SYNTAX. */
static inline void
rf_cur_expect(struct rf_cursor *c, char want)
{
    if (!rf_cur_accept(c, want))
        rf_cur_fail(c, RF_ERR_SYNTAX);
}


/** Take bytes up to, not including, the next `stop`, or all that is left. */
struct rf_span rf_cur_until(struct rf_cursor *c, char stop);

/** Take exactly n bytes or fail with RF_ERR_SYNTAX. */
struct rf_span rf_cur_take(struct rf_cursor *c, size_t n);

/** All that is left. */
struct rf_span rf_cur_rest(struct rf_cursor *c);

/** 1*DIGIT at most max. RF_ERR_SYNTAX without a digit, RF_ERR_RANGE above max. */
uint64_t rf_cur_u64(struct rf_cursor *c, uint64_t max);

/** 1*(SP / HTAB) / a fold; fails with RF_ERR_SYNTAX if there is none. */
void rf_cur_lws(struct rf_cursor *c);

/** As rf_cur_lws, but none is fine (SWS). */
void rf_cur_sws(struct rf_cursor *c);

/** The first failure, or RF_ERR_SYNTAX when something is left over, or RF_OK. */
RF_MUST_CHECK static inline enum rf_err
rf_cur_done(const struct rf_cursor *c)
{
    if (c->err != RF_OK)
        return c->err;
    return c->p == c->end ? RF_OK : RF_ERR_SYNTAX;
}

#endif
