/*
 * sip/scan.h - finds where a header line may end
 *
 * The vector form is what runs; the plain one is its oracle (scan_test.c feeds both the same octets) and serves
 * machines without SSE2.
 */
#ifndef RF_SIP_SCAN_H
#define RF_SIP_SCAN_H

#include "base/span.h"

/** The first CR, LF or NUL in [p, end), or end. Reads nothing outside. */
const char *rf_sip_scan_plain(const char *p, const char *end);
const char *rf_sip_scan_vector(const char *p, const char *end);

/**
 * Cut the next header field off the header part: a line and its folds, without its last CRLF.
 * @return false when nothing is left
 * @param whole   the line with its folds, blanks kept; empty exactly for the CRLF that ends the header part
 * @param broken  a NUL, or a CR or LF alone, is in it (the line then ends at the next real CRLF)
 */
bool rf_sip_line_next(struct rf_span *left, struct rf_span *whole, bool *broken);

#endif
