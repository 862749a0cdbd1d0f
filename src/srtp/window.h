/*
 * srtp/window.h - packet indices: the estimate of RFC 3711 appendix A, and the window of those taken (3.3.2)
 */
#ifndef RF_SRTP_WINDOW_H
#define RF_SRTP_WINDOW_H

#include "srtp/srtp.h"

#define RF_SRTP_RING (RF_SRTP_WINDOW_WORDS * 64)

/** The index that is nearest to (roc, s_l) and ends in seq; negative: before the stream's first. */
static inline int64_t
rf_srtp_index_near(uint32_t roc, uint16_t s_l, uint16_t seq)
{
    int64_t v = roc;

    if (s_l < 0x8000) {
        if ((int32_t)seq - s_l > 0x8000)
            v--;
    } else if (s_l - 0x8000 > seq) {
        v++;
    }
    return v * 0x10000 + seq;
}

static inline int64_t
rf_srtp_highest(const struct rf_srtp_stream *s)
{
    return (int64_t)s->roc << 16 | s->s_l;
}

/** RF_OK: free. RF_ERR_REPLAY: taken. RF_ERR_STALE: `size` or more behind the highest, or negative. */
RF_MUST_CHECK static inline enum rf_err
rf_window_look(const uint64_t *ring, int64_t highest, int64_t index, unsigned size)
{
    unsigned bit = (uint64_t)index % RF_SRTP_RING;

    if (index < 0)
        return RF_ERR_STALE;
    if (index > highest)
        return RF_OK;
    if (highest - index >= size)
        return RF_ERR_STALE;
    return (ring[bit / 64] >> (bit % 64) & 1) != 0 ? RF_ERR_REPLAY : RF_OK;
}

/** Take an index. Above the highest the ring moves: places between them become free. */
static inline void
rf_window_take(uint64_t *ring, int64_t highest, int64_t index)
{
    unsigned bit = (uint64_t)index % RF_SRTP_RING;

    if (index - highest >= RF_SRTP_RING) {
        memset(ring, 0, RF_SRTP_RING / 8);
    } else {
        for (int64_t i = highest + 1; i < index; i++) {
            unsigned skipped = (uint64_t)i % RF_SRTP_RING;

            ring[skipped / 64] &= ~((uint64_t)1 << (skipped % 64));
        }
    }
    ring[bit / 64] |= (uint64_t)1 << (bit % 64);
}

#endif
