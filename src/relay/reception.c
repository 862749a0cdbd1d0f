/*
 * relay/reception.c - loss, jitter, telephone-events of what arrives; RTCP: the round trip, and whose numbers are in it
 */
#include "relay/leg.h"
#include "rtp/octets.h"

#define FAR_JITTER_MAX_US 10000000 /* ten seconds: the whole of what a phone could hold back */

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

/* The peer's word on what we send. It may be wrong or worse: nothing is taken for more than is possible. */
static void
take_report(struct rf_leg *leg, const struct rf_leg *other, const struct rf_rtcp_report *report)
{
    struct rf_media_counts *counts = &leg->state->counts;
    uint64_t sent = atomic_load_explicit(&counts->out_packets, memory_order_relaxed);
    uint64_t lost = report->lost > 0 ? (uint64_t)report->lost : 0;
    uint64_t jitter_us = (uint64_t)report->jitter * 1000000 / other->clock_rate;

    if (report->ssrc != leg->state->far_ssrc) {
        leg->state->far_lost_before = atomic_load_explicit(&counts->far_lost, memory_order_relaxed);
        leg->state->far_ssrc = report->ssrc;
    }
    lost += leg->state->far_lost_before;
    rf_note(&counts->far_lost, lost < sent ? lost : sent);
    rf_note(&counts->far_jitter_us, jitter_us < FAR_JITTER_MAX_US ? jitter_us : FAR_JITTER_MAX_US);
    rf_bump(&counts->far_reports, 1);
}

void
rf_leg_rtcp_received(struct rf_leg *leg, const struct rf_leg *other, const struct rf_rtcp *rtcp, uint64_t now_us)
{
    for (size_t i = 0; i < rtcp->report_count; i++) {
        uint32_t rtt_us = rf_rtcp_rtt_us(&leg->rtt, &rtcp->report[i], now_us);

        if (rtt_us != 0)
            atomic_store_explicit(&leg->state->counts.rtt_us, rtt_us, memory_order_relaxed);
        if (other->state->reception.stats.is_started && rtcp->report[i].ssrc == other->state->reception.ssrc)
            take_report(leg, other, &rtcp->report[i]);
    }
}

void
rf_leg_rtcp_renumber(struct rf_leg *leg, const struct rf_leg *other, const struct rf_rtcp *rtcp, uint8_t *packet,
                     uint32_t batch)
{
    const struct rf_media_reception *n = &other->state->reception;

    for (size_t i = 0; i < rtcp->report_count; i++) {
        const struct rf_rtcp_report *report = &rtcp->report[i];
        const struct rf_srtp_stream *sent = leg->is_tx_srtp ? rf_streams_find(&leg->out, report->ssrc, batch) : NULL;
        uint16_t shift = sent != NULL ? sent->shift : 0;

        if (n->stats.is_started && report->ssrc == n->ssrc)
            rf_set32(packet + report->highest_at,
                     rf_rtcp_highest_of_source(report->highest, shift, rf_rtp_stats_highest(&n->stats)));
        else if (shift != 0) /* a source before this one: how often it had come round nobody knows any more */
            rf_set32(packet + report->highest_at, (report->highest & 0xffff0000) | (uint16_t)(report->highest - shift));
    }
}
