/* RTP headers, what shares a port, RTCP, round trip, loss and jitter. */
#include <math.h>

#include "base/codec.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"
#include "rtp/stats.h"
#include "tap.h"

/* Decoded into memory of exactly its length, so that a sanitizer sees an octet read beyond. */
static uint8_t *
octets(const char *hex, size_t *n)
{
    static uint8_t mem[512];
    static uint8_t *exact;

    *n = 0;
    if (rf_hex_decode(rf_span_str(hex), mem, sizeof mem, n) != RF_OK)
        exit(ok(false, "%s", hex));
    free(exact);
    exact = malloc(*n > 0 ? *n : 1);
    if (exact == NULL)
        exit(ok(false, "memory"));
    memcpy(exact, mem, *n);
    return exact;
}

static void
kinds(void)
{
    static const struct {
        const char *hex;
        enum rf_packet_kind want;
        const char *why;
    } cases[] = {
        { "", RF_PACKET_OTHER, "nothing" },
        { "80", RF_PACKET_OTHER, "one octet" },
        { "0001", RF_PACKET_STUN, "STUN binding request" },
        { "0301", RF_PACKET_STUN, "RFC 7983: 0 to 3" },
        { "0401", RF_PACKET_OTHER, "RFC 7983: 4 to 15 are nobody's" },
        { "1000", RF_PACKET_OTHER, "ZRTP" },
        { "16fe", RF_PACKET_DTLS, "DTLS handshake" },
        { "1400", RF_PACKET_DTLS, "DTLS, lowest" },
        { "3f00", RF_PACKET_DTLS, "DTLS, highest" },
        { "4000", RF_PACKET_OTHER, "TURN channel" },
        { "8000", RF_PACKET_RTP, "PCMU" },
        { "80bf", RF_PACKET_RTP, "payload type 63 with marker" },
        { "80c0", RF_PACKET_RTCP, "RFC 5761: 192" },
        { "81c8", RF_PACKET_RTCP, "sender report" },
        { "80df", RF_PACKET_RTCP, "RFC 5761: 223" },
        { "80e0", RF_PACKET_RTP, "payload type 96 with marker" },
        { "bf60", RF_PACKET_RTP, "payload type 96" },
        { "c000", RF_PACKET_OTHER, "version 3" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        const uint8_t *p = octets(cases[i].hex, &n);

        ok(rf_packet_kind(p, n) == cases[i].want, "told apart: %s", cases[i].why);
    }
}

#define HEADER "8000000100000002000000ff"

static void
headers(void)
{
    static const struct {
        const char *hex;
        enum rf_err want;
        size_t header;
        int payload; /* octets, -1: broken padding */
        const char *why;
    } cases[] = {
        { HEADER, RF_OK, 12, 0, "no payload" },
        { HEADER "aabb", RF_OK, 12, 2, "two octets" },
        { "80000001000000020000ff", RF_ERR_SYNTAX, 0, 0, "eleven octets" },
        { "4000000100000002000000ff", RF_ERR_SYNTAX, 0, 0, "version 1" },
        { "8200000100000002000000ff0000000a0000000b99", RF_OK, 20, 1, "two CSRCs" },
        { "8200000100000002000000ff0000000a000000", RF_ERR_SYNTAX, 0, 0, "one and a half of two CSRCs" },
        { "9000000100000002000000ffbede000111223344aa", RF_OK, 20, 1, "an extension of one word" },
        { "9000000100000002000000ffbede0000", RF_OK, 16, 0, "an extension without words" },
        { "9000000100000002000000ffbede00", RF_ERR_SYNTAX, 0, 0, "an extension cut in its header" },
        { "9000000100000002000000ffbedeffff11223344", RF_ERR_SYNTAX, 0, 0, "an extension beyond the end" },
        { "a000000100000002000000ffaa000002", RF_OK, 12, 2, "padding of two" },
        { "a000000100000002000000ffaa000004", RF_OK, 12, 0, "padding only" },
        { "a000000100000002000000ffaa000005", RF_OK, 12, -1, "padding beyond the payload" },
        { "a000000100000002000000ffaa000000", RF_OK, 12, -1, "padding of none" },
        { "a000000100000002000000ff", RF_OK, 12, -1, "padding in an empty payload" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        const uint8_t *p = octets(cases[i].hex, &n);
        struct rf_rtp h;
        struct rf_span payload;
        enum rf_err err = rf_rtp_parse(p, n, &h);
        bool good = err == cases[i].want;

        if (good && err == RF_OK)
            good = h.header_octets == cases[i].header && h.seq == 1 && h.timestamp == 2 && h.ssrc == 255 &&
                   (rf_rtp_payload(p, n, &h, &payload) == RF_OK ? (int)payload.n : -1) == cases[i].payload;
        ok(good, "RTP header: %s", cases[i].why);
    }
}

static void
events(void)
{
    size_t n;
    const uint8_t *p = octets("80e51268e1491a7057e17670050a00a0", &n);
    struct rf_rtp h, again;
    struct rf_rtp_event e;
    struct rf_span payload;
    uint8_t header[RF_RTP_HEADER_OCTETS];

    ok(rf_rtp_parse(p, n, &h) == RF_OK && h.is_marked && rf_rtp_is_event(&h, 101) && !rf_rtp_is_event(&h, 96) &&
           !rf_rtp_is_event(&h, -1) && rf_rtp_payload(p, n, &h, &payload) == RF_OK &&
           rf_rtp_event_parse(payload, &e) == RF_OK && e.event == 5 && !e.is_end && e.volume == 10 &&
           e.duration == 160,
       "telephone-event 5 begins");
    payload.n = 3;
    ok(rf_rtp_event_parse(payload, &e) == RF_ERR_SYNTAX, "three octets are no event");
    rf_rtp_put_header(header, &h);
    ok(rf_rtp_parse(header, sizeof header, &again) == RF_OK && again.is_marked && again.payload_type == 101 &&
           again.seq == h.seq && again.timestamp == h.timestamp && again.ssrc == h.ssrc,
       "a header, there and back");
}

#define REPORT "000000aa" "40ffffff" "00010005" "00000010" "12345678" "00010000"
#define SR "81c8000c" "00000001" "aaaa1234" "56780000" "00000064" "00000003" "000001e0" REPORT

static void
reports(void)
{
    static const struct {
        const char *hex;
        enum rf_err want;
        const char *why;
    } cases[] = {
        { SR, RF_OK, "a sender report" },
        { SR "81ca0002" "00000001" "01016100", RF_OK, "with a name" },
        { "80c90001" "00000001", RF_OK, "an empty receiver report" },
        { "80c90001" "00000001" "81cb0001" "00000001", RF_OK, "with a goodbye" },
        { "80c90001" "00000001" "80cf0001" "00000001", RF_OK, "with a packet of another type" },
        { "81ce0002" "00000001" "00000002", RF_OK, "RFC 5506: feedback alone" },
        { "80c9000100", RF_ERR_SYNTAX, "five octets" },
        { "80c90002" "00000001", RF_ERR_SYNTAX, "a length beyond the end" },
        { "81c90001" "00000001", RF_ERR_SYNTAX, "a report that is not there" },
        { "80c80001" "00000001", RF_ERR_SYNTAX, "a sender report without its numbers" },
        { "80c90000" "80c90001" "00000001", RF_ERR_SYNTAX, "a receiver report without its sender" },
        { "80c90001" "00000001" "40c90001" "00000001", RF_ERR_SYNTAX, "version 1 behind" },
        { "80c90001" "00000001" "80000000", RF_ERR_SYNTAX, "RTP behind" },
        { "80c90001" "00000001" "8200", RF_ERR_SYNTAX, "half a header behind" },
        { "a0c90002" "00000001" "00000004", RF_OK, "padding of four" },
        { "a0c90002" "00000001" "00000003", RF_ERR_SYNTAX, "padding of three" },
        { "a0c90002" "00000001" "00000010", RF_ERR_SYNTAX, "padding beyond the packet" },
        { "a0c90002" "00000001" "00000004" "80c90001" "00000001", RF_ERR_SYNTAX, "padding before the last packet" },
        { "80c90001" "00000001" "81ca0002" "00000001" "01056100", RF_ERR_SYNTAX, "a name beyond the end" },
        { "80c90001" "00000001" "81ca0002" "00000001" "01026161", RF_ERR_SYNTAX, "a chunk without its end" },
        { "80c90001" "00000001" "82ca0002" "00000001" "00000000", RF_ERR_SYNTAX, "a second chunk that is not there" },
        { "80c90001" "00000001" "82cb0001" "00000001", RF_ERR_SYNTAX, "two goodbyes, one source" },
    };
    struct rf_rtcp r;
    size_t n;
    const uint8_t *p;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p = octets(cases[i].hex, &n);
        ok(rf_rtcp_parse(p, n, &r) == cases[i].want, "RTCP: %s", cases[i].why);
    }
    p = octets(SR "81ca0002" "00000001" "01016100" "81cb0001" "00000001", &n);
    ok(rf_rtcp_parse(p, n, &r) == RF_OK && r.sender_ssrc == 1 && r.has_sender_info && r.packets == 3 &&
           r.octets == 480 && r.rtp_timestamp == 100 && rf_rtcp_mid_ntp(&r) == 0x12345678 && r.report_count == 1 &&
           r.report[0].ssrc == 0xaa && r.report[0].fraction_lost == 0x40 && r.report[0].lost == -1 &&
           r.report[0].highest == 0x10005 && r.report[0].jitter == 16 && r.report[0].lsr == 0x12345678 &&
           r.report[0].dlsr == 0x10000 && rf_span_is(r.cname, "a") && r.has_bye && r.bye_ssrc == 1,
       "RTCP: what a compound packet says");
}

static void
round_trips(void)
{
    struct rf_rtcp_rtt t = { 0 };
    struct rf_rtcp_report r = { .lsr = 0x12345678, .dlsr = 0x10000 }; /* held for 1 s */

    ok(rf_rtcp_rtt_us(&t, &r, 5000000) == 0, "no sender report went out: no round trip");
    rf_rtcp_rtt_sent(&t, 0x12345678, 1000000);
    ok(rf_rtcp_rtt_us(&t, &r, 2040000) == 40000, "away for 1.04 s, held for 1 s: 40 ms");
    ok(rf_rtcp_rtt_us(&t, &r, 1900000) == 0, "held for longer than it was away: a lie");
    r.lsr = 0;
    ok(rf_rtcp_rtt_us(&t, &r, 2040000) == 0, "a report before the first sender report");
    r.lsr = 0x12345678;
    for (uint32_t i = 0; i < RF_RTCP_RTT_KEPT; i++)
        rf_rtcp_rtt_sent(&t, i + 1, 3000000);
    ok(rf_rtcp_rtt_us(&t, &r, 4040000) == 0, "a sender report too long ago is forgotten");
}

static void
losses(void)
{
    static const struct {
        const char *why;
        bool proven;
        uint16_t seq[8];
        size_t n;
        uint64_t received, lost;
    } cases[] = {
        { "in order", true, { 1, 2, 3, 4 }, 4, 4, 0 },
        { "one missing", true, { 1, 2, 4 }, 3, 3, 1 },
        { "one late", true, { 1, 3, 2 }, 3, 3, 0 },
        { "one twice: not below 0", true, { 1, 2, 2, 3 }, 4, 4, 0 },
        { "over the wrap", true, { 65534, 65535, 0, 1 }, 4, 4, 0 },
        { "loss over the wrap", true, { 65533, 2 }, 2, 2, 4 },
        { "beginning at 0", true, { 0, 1 }, 2, 2, 0 },
        { "a lone wild number does not count", true, { 1, 2, 30000, 3 }, 4, 3, 0 },
        { "a restart that two confirm keeps the loss before", true, { 1, 3, 30000, 30001, 30003 }, 5, 2, 2 },
        { "plain RTP is on probation for its first packet", false, { 7, 8, 9 }, 3, 2, 0 },
        { "plain RTP out of order stays on probation", false, { 7, 9, 11, 12 }, 4, 1, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_rtp_stats s = { 0 };

        for (size_t k = 0; k < cases[i].n; k++)
            rf_rtp_stats_update(&s, cases[i].seq[k], k * 160u, cases[i].proven, k * 20000, 8000);
        ok(s.received == cases[i].received && rf_rtp_stats_lost(&s) == cases[i].lost,
           "A.1, A.3: %s (received %llu, lost %llu)", cases[i].why, (unsigned long long)s.received,
           (unsigned long long)rf_rtp_stats_lost(&s));
    }
}

static void
fractions(void)
{
    struct rf_rtp_stats s = { 0 };

    for (uint16_t seq = 0; seq < 100; seq++) {
        if (seq % 4 != 3)
            rf_rtp_stats_update(&s, seq, seq * 160u, true, seq * 20000u, 8000);
    }
    ok(rf_rtp_stats_fraction(&s) == 24 * 256 / 99, "A.3: 24 of 99 expected are lost");
    for (uint16_t seq = 100; seq < 200; seq++)
        rf_rtp_stats_update(&s, seq, seq * 160u, true, seq * 20000u, 8000);
    ok(rf_rtp_stats_fraction(&s) == 2, "A.3: then only the one at the seam: 1 of 101");
    ok(rf_rtp_stats_fraction(&s) == 0, "A.3: nothing new, nothing lost");
}

/* The estimator in floating point beside ours. */
static void
jitter(void)
{
    static const int late_us[] = { 0, 3000, -2000, 8000, 0, 0, 15000, -4000, 1000, 500 };
    struct rf_rtp_stats s = { 0 };
    double want = 0, before = 0;

    for (uint32_t i = 0; i < 1000; i++) {
        int late = late_us[i % 10];
        uint64_t arrival = 1000000000 + i * 20000u + (uint64_t)(int64_t)late;
        double transit = (double)arrival * 8 / 1000 - i * 160.0;

        if (i > 0)
            want += (fabs(transit - before) - want) / 16;
        before = transit;
        rf_rtp_stats_update(&s, (uint16_t)i, i * 160u, true, arrival, 8000);
    }
    ok(fabs((double)rf_rtp_stats_jitter_us(&s, 8000) - want * 125) < 250, "A.8: jitter %llu us, reference %.0f us",
       (unsigned long long)rf_rtp_stats_jitter_us(&s, 8000), want * 125);
    rf_rtp_stats_update(&s, 1000, 0x80000000, true, 1000000000 + 1000 * 20000u, 8000);
    ok(fabs((double)rf_rtp_stats_jitter_us(&s, 8000) - want * 125) < 250, "a new timestamp base is not jitter");
}

int
main(void)
{
    kinds();
    headers();
    events();
    reports();
    round_trips();
    losses();
    fractions();
    jitter();
    return tap_done();
}
