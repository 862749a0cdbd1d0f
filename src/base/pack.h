/*
 * base/pack.h - numbers and texts as octets that are kept, and back with suspicion
 *
 * Numbers are little endian; a text stands behind its length. Reading goes on after a failure, which the cursor
 * remembers.
 */
#ifndef RF_BASE_PACK_H
#define RF_BASE_PACK_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/cursor.h"

void rf_pack_u(struct rf_buf *b, uint64_t v, size_t octets);
void rf_pack_text(struct rf_buf *b, struct rf_span s);
void rf_pack_str(struct rf_buf *b, const char *s); /* as a text */
void rf_pack_addr(struct rf_buf *b, const struct rf_addr *a);

uint64_t rf_unpack_u(struct rf_cursor *c, size_t octets);
/** One octet, 0 or 1, else RF_ERR_SYNTAX. */
bool rf_unpack_bool(struct rf_cursor *c);
/** An enum member below `count`, else RF_ERR_RANGE and 0. */
unsigned rf_unpack_enum(struct rf_cursor *c, unsigned count);
struct rf_span rf_unpack_text(struct rf_cursor *c);
/** Into an array with its end, else RF_ERR_RANGE. */
void rf_unpack_array(struct rf_cursor *c, char *out, size_t size);
/** A copy of its own; NULL with RF_ERR_NOMEM. */
char *rf_unpack_dup(struct rf_cursor *c);
struct rf_addr rf_unpack_addr(struct rf_cursor *c);

#endif
