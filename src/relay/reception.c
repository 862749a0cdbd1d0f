/*
 * relay/reception.c - loss, jitter and telephone-events of what arrives, and the round trip from RTCP
 */
#include "relay/leg.h"

void
rf_leg_received(struct rf_leg *leg, const uint8_t *packet, uint32_t octets, bool is_authentic, uint64_t now_us)
{
    struct rf_media_reception *n = &leg->state->reception;
    struct rf_media_counts *counts = &leg->state->counts;
    bool is_event;
    struct rf_rtp h;

    if (rf_rtp_parse(packet, octets, &h) != RF_OK)
        return;
    if (h.ssrc != n->ssrc) {
        n->lost_before += rf_rtp_stats_lost(&n->stats);
        n->stats = (struct rf_rtp_stats){ 0 };
        n->ssrc = h.ssrc;
    }
    is_event = leg->dtmf_payload != 0 && rf_rtp_is_event(&h, leg->dtmf_payload);
    if (is_event)
        rf_bump(&counts->in_dtmf, 1);
    rf_rtp_stats_update(&n->stats, h.seq, h.timestamp, is_authentic, now_us, is_event ? 0 : leg->clock_rate);
    rf_note(&counts->in_lost, n->lost_before + rf_rtp_stats_lost(&n->stats));
    rf_note(&counts->in_jitter_us, rf_rtp_stats_jitter_us(&n->stats, leg->clock_rate));
}

void
rf_leg_rtcp_received(struct rf_leg *leg, const struct rf_rtcp *rtcp, uint64_t now_us)
{
    for (size_t i = 0; i < rtcp->report_count; i++) {
        uint32_t rtt_us = rf_rtcp_rtt_us(&leg->rtt, &rtcp->report[i], now_us);

        if (rtt_us != 0)
            atomic_store_explicit(&leg->state->counts.rtt_us, rtt_us, memory_order_relaxed);
    }
}
