#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/secret.h"

struct rf_arena_chunk {
    struct rf_arena_chunk *older;
    alignas(max_align_t) char mem[];
};

#define CHUNK 4000 /* with its header and the heap's own just under a page */

void
rf_arena_init(struct rf_arena *a, size_t limit)
{
    memset(a, 0, sizeof *a);
    a->limit = limit;
}

static void
end(struct rf_arena *a, void (*release)(void *))
{
    size_t limit = a->limit;

    while (a->chunk != NULL) {
        struct rf_arena_chunk *older = a->chunk->older;

        release(a->chunk);
        a->chunk = older;
    }
    rf_arena_init(a, limit);
}

void
rf_arena_fini(struct rf_arena *a)
{
    end(a, free);
}

void
rf_arena_wipe(struct rf_arena *a)
{
    end(a, rf_wipe_and_free);
}

void *
rf_arena_alloc(struct rf_arena *a, size_t n)
{
    void *p;

    if (n > a->limit)
        return NULL;
    n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (a->chunk == NULL || a->size - a->used < n) {
        size_t size = n > CHUNK ? n : CHUNK;
        struct rf_arena_chunk *chunk;

        if (size > a->limit - a->total)
            size = n;
        if (size > a->limit - a->total)
            return NULL;
        chunk = calloc(1, sizeof *chunk + size);
        if (chunk == NULL)
            return NULL;
        chunk->older = a->chunk;
        a->chunk = chunk;
        a->used = 0;
        a->size = size;
        a->total += size;
    }
    p = a->chunk->mem + a->used;
    a->used += n;
    return p;
}

struct rf_span
rf_arena_dup(struct rf_arena *a, struct rf_span s)
{
    char *copy = s.n < SIZE_MAX ? rf_arena_alloc(a, s.n + 1) : NULL;

    if (copy == NULL)
        return rf_span(NULL, 0);
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    return rf_span(copy, s.n);
}

char *
rf_arena_str(struct rf_arena *a, struct rf_span s)
{
    return (char *)rf_arena_dup(a, s).p;
}
