/*
 * base/json.h - writes JSON into a buffer, without a tree and without an allocation
 *
 * For what is written often: the record of each call. Every value ends with a comma, which the next close takes
 * back, so nothing is remembered between calls. Names are ours and need no escapes.
 */
#ifndef RF_BASE_JSON_H
#define RF_BASE_JSON_H

#include "base/buf.h"

/** @param name  NULL in an array and at the top  @param bracket  '{' or '[' */
void rf_json_open(struct rf_buf *b, const char *name, char bracket);
/** @param bracket  '}' or ']' */
void rf_json_close(struct rf_buf *b, char bracket);
/** NULL: nothing is written. */
void rf_json_str(struct rf_buf *b, const char *name, const char *text);
void rf_json_u64(struct rf_buf *b, const char *name, uint64_t v);
void rf_json_bool(struct rf_buf *b, const char *name, bool v);
/** Microseconds as milliseconds with their decimals. */
void rf_json_ms(struct rf_buf *b, const char *name, uint64_t us);
/** The whole text, once all is closed. */
struct rf_span rf_json_text(const struct rf_buf *b);

#endif
