/*
 * rtp/stats.h - loss and jitter of a received stream (RFC 3550 A.1, A.3, A.8)
 *
 * Threads: one writer; plain data. Zeroed: nothing received yet.
 */
#ifndef RF_RTP_STATS_H
#define RF_RTP_STATS_H

#include <stdbool.h>
#include <stdint.h>

#define RF_RTP_MAX_DROPOUT  3000 /* a forward jump below this is loss (A.1) */
#define RF_RTP_MAX_MISORDER 100  /* a packet at most so far behind is late or a duplicate (A.1) */
#define RF_RTP_PROBATION    2    /* packets in sequence that prove a source which no key proves (A.1) */

struct rf_rtp_stats {
    bool is_started;
    uint16_t max_seq;        /* highest seen */
    uint16_t probation;      /* packets still needed before the source counts */
    uint32_t cycles;         /* 65536 for each wrap */
    uint32_t base_seq, bad_seq;
    uint64_t received;
    uint64_t lost_before;    /* of runs that ended in a jump of the sequence numbers */
    uint32_t expected_prior, received_prior; /* at the last interval (A.3) */
    uint32_t transit;        /* arrival - timestamp of the last packet, timestamp units */
    uint32_t jitter16;       /* jitter times 16 (A.8) */
};

/**
 * A packet arrived.
 *
 * @param proven      SRTP that authenticated: counts from its first packet, no probation
 * @param arrival_us  monotonic
 * @param clock_rate  of the payload type in Hz, 0: leave the jitter alone (telephone-event repeats a timestamp)
 * @return whether it counts: false in probation, and for the first packet after a large jump
 */
bool rf_rtp_stats_update(struct rf_rtp_stats *s, uint16_t seq, uint32_t timestamp, bool proven,
                         uint64_t arrival_us, uint32_t clock_rate);

/** Packets expected less received, since the start; not below 0 (A.3). */
uint64_t rf_rtp_stats_lost(const struct rf_rtp_stats *s);
/** Extended highest sequence number. */
uint32_t rf_rtp_stats_highest(const struct rf_rtp_stats *s);
/** Lost of 256 since the last call (A.3). */
uint8_t rf_rtp_stats_fraction(struct rf_rtp_stats *s);
/** Jitter in microseconds; 0 when the rate is 0. */
uint64_t rf_rtp_stats_jitter_us(const struct rf_rtp_stats *s, uint32_t clock_rate);

#endif
