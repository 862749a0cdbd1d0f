/* rtp/stats.c - see stats.h */
#include "rtp/stats.h"

#define SEQ_MOD 65536u

static void
start(struct rf_rtp_stats *s, uint16_t seq)
{
    s->base_seq = seq;
    s->max_seq = seq;
    s->bad_seq = SEQ_MOD + 1; /* never equals a sequence number */
    s->cycles = 0;
    s->received = 0;
    s->expected_prior = 0;
    s->received_prior = 0;
    s->transit = 0;
}

static uint64_t
lost_of_run(const struct rf_rtp_stats *s)
{
    uint64_t expected = s->received > 0 ? (uint64_t)s->cycles + s->max_seq - s->base_seq + 1 : 0;

    return expected > s->received ? expected - s->received : 0;
}

/* RFC 3550 A.1. A jump that two packets confirm is a restart: what was lost before it stays counted. */
static bool
sequence(struct rf_rtp_stats *s, uint16_t seq, bool proven)
{
    uint16_t ahead;

    if (!s->is_started) {
        start(s, seq);
        s->is_started = true;
        s->probation = proven ? 0 : RF_RTP_PROBATION;
        s->max_seq = (uint16_t)(seq - 1);
    }
    if (s->probation > 0 && proven) {
        start(s, seq);
        s->probation = 0;
    } else if (s->probation > 0) {
        if (seq != (uint16_t)(s->max_seq + 1)) {
            s->probation = RF_RTP_PROBATION - 1;
            s->max_seq = seq;
            return false;
        }
        s->max_seq = seq;
        if (--s->probation > 0)
            return false;
        start(s, seq);
    } else {
        ahead = (uint16_t)(seq - s->max_seq);
        if (ahead < RF_RTP_MAX_DROPOUT) {
            if (seq < s->max_seq && s->received > 0)
                s->cycles += SEQ_MOD;
            s->max_seq = seq;
        } else if (ahead <= SEQ_MOD - RF_RTP_MAX_MISORDER) {
            if (seq != s->bad_seq) {
                s->bad_seq = (seq + 1) & (SEQ_MOD - 1);
                return false;
            }
            s->lost_before += lost_of_run(s);
            start(s, seq);
        }
    }
    s->received++;
    return true;
}

/* RFC 3550 A.8: J += (|D| - J) / 16, kept times 16 so that no fraction is lost. */
static void
arrival(struct rf_rtp_stats *s, uint32_t timestamp, uint64_t arrival_us, uint32_t clock_rate)
{
    uint32_t transit = (uint32_t)(arrival_us / 1000000 * clock_rate + arrival_us % 1000000 * clock_rate / 1000000) -
                       timestamp;
    int32_t d = (int32_t)(transit - s->transit);
    uint32_t size = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;
    bool is_first = s->received == 1;

    s->transit = transit;
    /* More than ten seconds is a new timestamp base of the sender, not a late packet. */
    if (is_first || size > 10 * clock_rate)
        return;
    s->jitter16 += size - ((s->jitter16 + 8) >> 4);
}

bool
rf_rtp_stats_update(struct rf_rtp_stats *s, uint16_t seq, uint32_t timestamp, bool proven, uint64_t arrival_us,
                    uint32_t clock_rate)
{
    if (!sequence(s, seq, proven))
        return false;
    if (clock_rate > 0)
        arrival(s, timestamp, arrival_us, clock_rate);
    return true;
}

uint64_t
rf_rtp_stats_lost(const struct rf_rtp_stats *s)
{
    return s->lost_before + lost_of_run(s);
}

uint32_t
rf_rtp_stats_highest(const struct rf_rtp_stats *s)
{
    return s->cycles + s->max_seq;
}

uint8_t
rf_rtp_stats_fraction(struct rf_rtp_stats *s)
{
    uint32_t expected = s->received > 0 ? rf_rtp_stats_highest(s) - s->base_seq + 1 : 0;
    uint32_t expected_interval = expected - s->expected_prior;
    uint32_t received_interval = (uint32_t)s->received - s->received_prior;
    int64_t lost = (int64_t)expected_interval - received_interval;

    s->expected_prior = expected;
    s->received_prior = (uint32_t)s->received;
    if (expected_interval == 0 || lost <= 0)
        return 0;
    return (uint8_t)(lost * 256 / expected_interval > 255 ? 255 : lost * 256 / expected_interval);
}

uint64_t
rf_rtp_stats_jitter_us(const struct rf_rtp_stats *s, uint32_t clock_rate)
{
    return clock_rate > 0 ? (uint64_t)(s->jitter16 >> 4) * 1000000 / clock_rate : 0;
}
