/*
 * base/arena.h - memory that is given out piece by piece and freed at once
 *
 * For what lives and dies together: a parsed message and its values, a configuration snapshot.
 */
#ifndef RF_BASE_ARENA_H
#define RF_BASE_ARENA_H

#include "base/span.h"

struct rf_arena {
    struct rf_arena_chunk *chunk; /* newest first */
    size_t used, size;            /* of the newest */
    size_t total, limit;          /* octets taken from the heap, and how many may be */
};

/** Empty; takes nothing yet. @param limit octets it may take in all (hostile input must end somewhere) */
void rf_arena_init(struct rf_arena *a, size_t limit);
/** Free everything. The arena may be used again. */
void rf_arena_fini(struct rf_arena *a);
/** The same, and all of it is overwritten first: a configuration may have passwords in its lines. */
void rf_arena_wipe(struct rf_arena *a);
/** n zeroed octets, aligned for any type; NULL when the heap or the limit is out. */
void *rf_arena_alloc(struct rf_arena *a, size_t n);
/** A copy as a C string; NULL as above. */
char *rf_arena_str(struct rf_arena *a, struct rf_span s);
/** A copy of the octets as a span (with a NUL behind it); the empty span with p == NULL when memory is out. */
struct rf_span rf_arena_dup(struct rf_arena *a, struct rf_span s);

#endif
