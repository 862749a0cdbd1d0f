/*
 * http/date.h - dates of HTTP (RFC 9110 5.6.7)
 *
 * Threads: any; plain functions.
 */
#ifndef RF_HTTP_DATE_H
#define RF_HTTP_DATE_H

#include "base/buf.h"

#define RF_HTTP_DATE_MAX 32

/** "Sun, 06 Nov 1994 08:49:37 GMT". */
void rf_http_date_put(struct rf_buf *out, int64_t wall_s);
/** The same form alone; the two obsolete ones are not read. RF_ERR_SYNTAX, RF_ERR_RANGE. */
RF_MUST_CHECK enum rf_err rf_http_date_read(struct rf_span text, int64_t *wall_s);

#endif
