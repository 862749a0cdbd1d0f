#include "sip/scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WINDOW 64

uint64_t
rf_sip_marks_plain(const char *p)
{
    uint64_t marks = 0;

    for (unsigned i = 0; i < WINDOW; i++)
        if (p[i] == '\r' || p[i] == '\n' || p[i] == '\0')
            marks |= (uint64_t)1 << i;
    return marks;
}

#if defined(__SSE2__)
static inline uint64_t
marks_16(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));

    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_setzero_si128()));
    return (uint64_t)(unsigned)_mm_movemask_epi8(hit);
}

static inline uint64_t
marks_of(const char *p)
{
    return marks_16(p) | marks_16(p + 16) << 16 | marks_16(p + 32) << 32 | marks_16(p + 48) << 48;
}
#else
static inline uint64_t
marks_of(const char *p)
{
    return rf_sip_marks_plain(p);
}
#endif

uint64_t
rf_sip_marks(const char *p)
{
    return marks_of(p);
}

/* The marks of the window at p. The last window of a buffer is copied: nothing behind the end is read. */
static inline void
open_window(struct rf_sip_lines *l, const char *p)
{
    size_t left = (size_t)(l->end - p);

    l->window = p;
    if (left >= WINDOW) {
        l->marks = marks_of(p);
    } else {
        char copy[WINDOW];

        memset(copy, ' ', sizeof copy);
        memcpy(copy, p, left);
        l->marks = marks_of(copy);
    }
}

struct rf_sip_lines
rf_sip_lines(struct rf_span octets)
{
    struct rf_sip_lines l = { octets.p, octets.p, octets.p, 0 };

    if (octets.n > 0) {
        l.end = octets.p + octets.n;
        open_window(&l, octets.p);
    }
    return l;
}

/* The next CR, LF or NUL at or behind p, or the end. */
static inline const char *
mark_from(struct rf_sip_lines *l, const char *p)
{
    for (;;) {
        size_t skip = (size_t)(p - l->window);

        if (skip < WINDOW) {
            l->marks &= ~(uint64_t)0 << skip;
            if (l->marks != 0)
                return l->window + __builtin_ctzll(l->marks);
        }
        if ((size_t)(l->end - l->window) <= WINDOW)
            return l->end;
        open_window(l, l->window + WINDOW);
        if (p < l->window)
            p = l->window;
    }
}

bool
rf_sip_line_next(struct rf_sip_lines *l, struct rf_span *whole, bool *broken)
{
    const char *start = l->p, *end = l->end, *p = start;

    *broken = false;
    if (start == end)
        return false;
    for (;;) {
        p = mark_from(l, p);
        /* A CR as the last octet may be half of a CRLF that is on its way; it stays in the line. */
        if (p == end || (*p == '\r' && end - p == 1)) {
            *whole = rf_span(start, (size_t)(end - start));
            l->p = end;
            return true;
        }
        if (*p == '\r' && p[1] == '\n') {
            /* A fold continues a line, but the empty line ends the header part whatever the body begins
             * with. */
            if (p > start && end - p >= 3 && (p[2] == ' ' || p[2] == '\t')) {
                p += 3;
                continue;
            }
            *whole = rf_span(start, (size_t)(p - start));
            l->p = p + 2;
            return true;
        }
        *broken = true;
        p++;
    }
}
