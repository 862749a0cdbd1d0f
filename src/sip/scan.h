/*
 * sip/scan.h - cuts the header part into lines
 *
 * CR, LF and NUL are found 64 octets at a time; the marks of a window are kept, so that each octet is looked
 * at once. The vector form is what runs; the plain one is its oracle (frame_test.c feeds both the same octets)
 * and serves machines without SSE2.
 */
#ifndef RF_SIP_SCAN_H
#define RF_SIP_SCAN_H

#include "base/span.h"

/** Bit i: p[i] is CR, LF or NUL. p has 64 octets. */
uint64_t rf_sip_marks_plain(const char *p);
uint64_t rf_sip_marks(const char *p);

struct rf_sip_lines {
    const char *p, *end;  /* what has not been given out */
    const char *window;   /* where the marks below begin */
    uint64_t marks;       /* of those octets of the window that are still ahead */
};

/** Lines of `octets` from their beginning. */
struct rf_sip_lines rf_sip_lines(struct rf_span octets);

/**
 * The next line with its folds, without its last CRLF.
 * @return false when nothing is left
 * @param whole   blanks kept; empty exactly for the CRLF that ends the header part
 * @param broken  a NUL, or a CR or LF alone, is in it (the line then ends at the next real CRLF)
 */
bool rf_sip_line_next(struct rf_sip_lines *l, struct rf_span *whole, bool *broken);

static inline struct rf_span
rf_sip_lines_left(const struct rf_sip_lines *l)
{
    return rf_span(l->p, (size_t)(l->end - l->p));
}

#endif
