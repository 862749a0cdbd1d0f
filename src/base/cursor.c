#include "base/cursor.h"

struct rf_span
rf_cur_until(struct rf_cursor *c, char stop)
{
    struct rf_span left = rf_span(c->p, (size_t)(c->end - c->p));
    size_t n;

    if (c->err != RF_OK)
        return rf_span(c->p, 0);
    n = rf_span_find(left, stop);
    c->p += n;
    return rf_span(left.p, n);
}

struct rf_span
rf_cur_take(struct rf_cursor *c, size_t n)
{
    const char *start = c->p;

    if (c->err != RF_OK || (size_t)(c->end - c->p) < n) {
        rf_cur_fail(c, RF_ERR_SYNTAX);
        return rf_span(start, 0);
    }
    c->p += n;
    return rf_span(start, n);
}

struct rf_span
rf_cur_rest(struct rf_cursor *c)
{
    const char *start = c->p;

    if (c->err != RF_OK)
        return rf_span(start, 0);
    c->p = c->end;
    return rf_span(start, (size_t)(c->end - start));
}

uint64_t
rf_cur_u64(struct rf_cursor *c, uint64_t max)
{
    const char *start = c->p;
    uint64_t v = 0;
    enum rf_err err;

    if (c->err != RF_OK)
        return 0;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    err = rf_span_u64(rf_span(start, (size_t)(c->p - start)), max, &v);
    if (err != RF_OK)
        rf_cur_fail(c, err);
    return v;
}

/*
 * LWS = [*WSP CRLF] 1*WSP (RFC 3261 25.1). A fold inside a header value equals one SP; the framer has
 * already made sure that a CRLF inside a value is followed by SP or HTAB.
 */
void
rf_cur_sws(struct rf_cursor *c)
{
    if (c->err != RF_OK)
        return;
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'))
        c->p++;
}

void
rf_cur_lws(struct rf_cursor *c)
{
    const char *start = c->p;

    rf_cur_sws(c);
    if (c->p == start)
        rf_cur_fail(c, RF_ERR_SYNTAX);
}
