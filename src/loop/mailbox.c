/*
 * A ring of octets. Positions count up for ever; position modulo size is the place. A letter is a word (its
 * length + 1) and its octets, padded to words, never broken by the end of the ring: when it would be, the
 * place up to the end becomes a skip.
 *
 * (I1) Senders reserve [head, head + n) by moving head; what they reserved is theirs until they store its word.
 * (I2) All octets from head to tail + size are zero, so that a word that is not written yet reads as 0. The
 *      receiver zeroes a letter before it moves tail.
 */
#include "loop/mailbox.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WORD sizeof(uint64_t)
#define SKIP (1ull << 63) /* in a word: no letter, go on after so many octets */

struct rf_mailbox {
    struct rf_loop_source source;
    struct rf_loop *loop;
    void (*receive)(void *ctx, struct rf_span letter, uint64_t now_us);
    void *ctx;
    size_t letter_max, size;
    char *ring;
    _Alignas(64) _Atomic uint64_t head; /* senders */
    _Atomic uint64_t refused;
    _Alignas(64) _Atomic uint64_t tail; /* the receiver */
};

static _Atomic uint64_t *
word_at(const struct rf_mailbox *m, uint64_t position)
{
    return (_Atomic uint64_t *)(void *)(m->ring + position % m->size);
}

static size_t
padded(size_t n)
{
    return WORD + (n + WORD - 1) / WORD * WORD;
}

static bool
has_letter(struct rf_loop_source *s)
{
    const struct rf_mailbox *m = rf_container(s, struct rf_mailbox, source);

    return atomic_load(word_at(m, atomic_load_explicit(&m->tail, memory_order_relaxed))) != 0;
}

/* Everything that was there when it began; later letters wait a round, so that sockets get their turn. */
static void
drain(struct rf_loop_source *s, uint64_t now_us)
{
    struct rf_mailbox *m = rf_container(s, struct rf_mailbox, source);
    uint64_t tail = atomic_load_explicit(&m->tail, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&m->head, memory_order_acquire);

    while (tail < end) {
        uint64_t word = atomic_load_explicit(word_at(m, tail), memory_order_acquire);
        char *at = m->ring + tail % m->size;
        size_t n;

        if (word == 0)
            break; /* reserved, not written yet: its sender wakes us */
        if (word & SKIP) {
            n = (size_t)(word & ~SKIP);
        } else {
            n = padded((size_t)(word - 1));
            m->receive(m->ctx, rf_span(at + WORD, (size_t)(word - 1)), now_us);
        }
        memset(at, 0, n);
        tail += n;
        atomic_store_explicit(&m->tail, tail, memory_order_release);
    }
}

enum rf_err
rf_mailbox_new(struct rf_mailbox **out, struct rf_loop *loop, size_t letter_max, size_t ring_octets,
               void (*receive)(void *ctx, struct rf_span letter, uint64_t now_us), void *ctx)
{
    struct rf_mailbox *m;
    size_t size = ring_octets / WORD * WORD;

    /* Twice the largest letter: one that has to skip the end of an empty ring must fit behind the skip. */
    if (letter_max > UINT32_MAX || size < 2 * padded(letter_max))
        return RF_ERR_RANGE;
    m = aligned_alloc(64, (sizeof *m + 63) / 64 * 64);
    if (m == NULL)
        return RF_ERR_NOMEM;
    memset(m, 0, sizeof *m);
    m->ring = calloc(size / WORD, WORD);
    if (m->ring == NULL) {
        free(m);
        return RF_ERR_NOMEM;
    }
    m->size = size;
    m->letter_max = letter_max;
    m->loop = loop;
    m->receive = receive;
    m->ctx = ctx;
    m->source.has_work = has_letter;
    m->source.work = drain;
    rf_loop_add_source(loop, &m->source);
    *out = m;
    return RF_OK;
}

void
rf_mailbox_free(struct rf_mailbox *m)
{
    if (m == NULL)
        return;
    rf_loop_remove_source(m->loop, &m->source);
    free(m->ring);
    free(m);
}

void
rf_mailbox_empty(struct rf_mailbox *m, void (*take)(void *ctx, struct rf_span letter, uint64_t now_us), void *ctx)
{
    m->receive = take;
    m->ctx = ctx;
    while (has_letter(&m->source))
        drain(&m->source, 0);
}

/* Room for one letter; `skip` octets at the end of the ring go unused before it. */
static bool
reserve(struct rf_mailbox *m, size_t need, uint64_t *at, size_t *skip)
{
    uint64_t head = atomic_load_explicit(&m->head, memory_order_relaxed);

    do {
        uint64_t tail = atomic_load_explicit(&m->tail, memory_order_acquire);
        size_t to_end = m->size - (size_t)(head % m->size);

        *skip = need > to_end ? to_end : 0;
        /* When tail has passed our head, head was old and the exchange below fails and loads it anew. */
        if (tail <= head && head + *skip + need - tail > m->size)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&m->head, &head, head + *skip + need,
                                                    memory_order_acq_rel, memory_order_relaxed));
    *at = head;
    return true;
}

enum rf_err
rf_mailbox_send(struct rf_mailbox *m, const struct rf_span *parts, size_t n)
{
    size_t total = 0, skip;
    uint64_t at;
    char *to;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > m->letter_max - total)
            return RF_ERR_RANGE;
        total += parts[i].n;
    }
    if (!reserve(m, padded(total), &at, &skip)) {
        atomic_fetch_add_explicit(&m->refused, 1, memory_order_relaxed);
        return RF_ERR_NOMEM;
    }
    if (skip > 0)
        atomic_store_explicit(word_at(m, at), SKIP | skip, memory_order_release);
    at += skip;
    to = m->ring + at % m->size + WORD;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > 0)
            memcpy(to, parts[i].p, parts[i].n);
        to += parts[i].n;
    }
    atomic_store(word_at(m, at), (uint64_t)total + 1);
    rf_loop_wake(m->loop);
    return RF_OK;
}

uint64_t
rf_mailbox_refused(const struct rf_mailbox *m)
{
    return atomic_load_explicit(&m->refused, memory_order_relaxed);
}
