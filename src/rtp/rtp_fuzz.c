/* Any octets as what may arrive on a media port: told apart, then walked as RTP and as RTCP whatever they are. */
#include <stdint.h>

#include "rtp/rtcp.h"
#include "rtp/rtp.h"
#include "rtp/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink; /* so that each octet of a span is really read */

static unsigned
sum(struct rf_span s)
{
    unsigned n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (uint8_t)s.p[i];
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned read = (unsigned)rf_packet_kind(data, size);
    struct rf_rtp_stats stats = { 0 };
    struct rf_rtcp_rtt rtt = { 0 };
    struct rf_rtcp rtcp;
    struct rf_rtp rtp;

    if (rf_rtp_parse(data, size, &rtp) == RF_OK) {
        struct rf_span payload;
        struct rf_rtp_event event;

        rf_assert(rtp.header_octets >= RF_RTP_HEADER_OCTETS && rtp.header_octets <= size);
        if (rf_rtp_payload(data, size, &rtp, &payload) == RF_OK) {
            read += sum(payload);
            if (rf_rtp_event_parse(payload, &event) == RF_OK)
                read += event.duration;
        }
        /* Octets of the packet as a run of sequence numbers. */
        for (size_t i = 0; i + 6 <= size; i += 6) {
            uint32_t timestamp;

            memcpy(&timestamp, data + i + 2, 4);
            rf_rtp_stats_update(&stats, (uint16_t)(data[i] << 8 | data[i + 1]), timestamp, (data[i] & 1) != 0,
                                i * 20000, 8000);
        }
        rf_assert(rf_rtp_stats_lost(&stats) < (uint64_t)1 << 40);
        read += rf_rtp_stats_fraction(&stats) + (unsigned)rf_rtp_stats_jitter_us(&stats, 8000);
    }
    if (rf_rtcp_parse(data, size, &rtcp) == RF_OK) {
        rf_assert(rtcp.report_count <= RF_RTCP_REPORTS_MAX);
        read += sum(rtcp.cname);
        rf_rtcp_rtt_sent(&rtt, rf_rtcp_mid_ntp(&rtcp), 1);
        for (size_t i = 0; i < rtcp.report_count; i++)
            read += rf_rtcp_rtt_us(&rtt, &rtcp.report[i], UINT64_MAX);
    }
    sink = read;
    return 0;
}
