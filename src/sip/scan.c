#include "sip/scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

const char *
rf_sip_scan_plain(const char *p, const char *end)
{
    while (p < end && *p != '\r' && *p != '\n' && *p != '\0')
        p++;
    return p;
}

#if defined(__SSE2__)
const char *
rf_sip_scan_vector(const char *p, const char *end)
{
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n'), nul = _mm_setzero_si128();

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf)),
                                   _mm_cmpeq_epi8(v, nul));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);

        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
    return rf_sip_scan_plain(p, end);
}
#else
const char *
rf_sip_scan_vector(const char *p, const char *end)
{
    return rf_sip_scan_plain(p, end);
}
#endif

bool
rf_sip_line_next(struct rf_span *left, struct rf_span *whole, bool *broken)
{
    const char *start = left->p, *end = left->p + left->n, *p = start;

    *broken = false;
    if (left->n == 0)
        return false;
    for (;;) {
        p = rf_sip_scan_vector(p, end);
        /* A CR as the last octet may be half of a CRLF that is on its way; it stays in the line. */
        if (p == end || (*p == '\r' && end - p == 1)) {
            p = end;
            *whole = rf_span(start, (size_t)(p - start));
            *left = rf_span(end, 0);
            return true;
        }
        if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
            /* A fold continues a line, but the empty line ends the header part whatever the body begins with. */
            if (p > start && end - p >= 3 && (p[2] == ' ' || p[2] == '\t')) {
                p += 3;
                continue;
            }
            *whole = rf_span(start, (size_t)(p - start));
            *left = rf_span(p + 2, (size_t)(end - p) - 2);
            return true;
        }
        *broken = true;
        p++;
    }
}
