/*
 * base/buf.h - builds text in memory of fixed size
 *
 * The builder never allocates and never writes outside its memory. What does not fit sets `overflow`, which
 * the caller checks once at the end (rf_buf_done).
 */
#ifndef RF_BASE_BUF_H
#define RF_BASE_BUF_H

#include <stdarg.h>

#include "base/span.h"

struct rf_buf {
    char *p;
    size_t n, cap; /* octets used, octets there */
    bool overflow; /* something did not fit and was left out */
};

static inline struct rf_buf
rf_buf(void *mem, size_t cap)
{
    return (struct rf_buf){ mem, 0, cap, false };
}

/* These two are here because messages are made of thousands of them. */
static inline void
rf_put(struct rf_buf *b, struct rf_span s)
{
    if (b->overflow || s.n > b->cap - b->n) {
        b->overflow = true;
        return;
    }
    if (s.n > 0)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

static inline void
rf_put_char(struct rf_buf *b, char c)
{
    if (b->overflow || b->n == b->cap) {
        b->overflow = true;
        return;
    }
    b->p[b->n++] = c;
}

/** Decimal digits. */
void rf_put_u64(struct rf_buf *b, uint64_t v);
/** Lower-case hexadecimal digits of n octets. */
void rf_put_hex(struct rf_buf *b, const void *p, size_t n);
__attribute__((format(printf, 2, 3))) void rf_putf(struct rf_buf *b, const char *format, ...);
__attribute__((format(printf, 2, 0))) void rf_vputf(struct rf_buf *b, const char *format, va_list ap);

static inline void
rf_put_str(struct rf_buf *b, const char *s)
{
    rf_put(b, rf_span_str(s));
}

static inline struct rf_span
rf_buf_span(const struct rf_buf *b)
{
    return rf_span(b->p, b->n);
}

/** RF_ERR_NOMEM when something was left out. */
RF_MUST_CHECK static inline enum rf_err
rf_buf_done(const struct rf_buf *b)
{
    return b->overflow ? RF_ERR_NOMEM : RF_OK;
}

#endif
