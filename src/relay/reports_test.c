/*
 * relay/reports_test.c - RTCP reports after jumps, new keys and transfers: the highest number seen is the sender's own
 * (RFC 3550 6.4.1; TEL-40)
 */
#include "relay/play.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"

#define CM80   "AES_CM_128_HMAC_SHA1_80"
#define GCM256 "AEAD_AES_256_GCM"

/* What a receiver keeps of a stream, by RFC 3550 A.1, to report on it: in the numbers that it sees. */
struct listener {
    struct rf_rtp_stats stats;
};

/* n packets from a to b, who counts what it can open; false: fewer than all but `late` of them were heard. */
static bool
speak(struct rf_media_name name, struct end *a, unsigned from, struct end *b, struct listener *l, unsigned n,
      unsigned late)
{
    unsigned heard = 0;

    for (unsigned i = 0; i < n; i++) {
        size_t octets = make_rtp(a, memory[0], false);
        struct rf_frame f = frame(0, protect(a, memory[0], octets, false), name, from, RF_PORT_RTP, a->addr);
        struct rf_rtp h;

        w.now_us += 20000;
        if (!pass(&f, 1) || unprotect(b, f.packet, f.octets, false) != octets ||
            rf_rtp_parse(f.packet, octets, &h) != RF_OK)
            continue;
        heard++;
        (void)rf_rtp_stats_update(&l->stats, h.seq, h.timestamp, true, w.now_us, 8000);
    }
    if (heard + late < n)
        diag("%u of %u were heard", heard, n);
    return heard + late >= n;
}

/* b reports on a's stream; what a reads as the highest number seen, 0 when nothing came. */
static uint32_t
reported(struct rf_media_name name, struct end *b, unsigned from, struct end *a, const struct listener *l, bool is_sr)
{
    size_t n, head = is_sr ? 28 : 8;
    struct rf_rtcp rtcp;
    struct rf_frame f;

    b->far.about = a->ssrc;
    b->far.lost = 7;
    b->far.jitter = 11;
    n = make_rtcp(b, memory[0], is_sr, 0x12345678, 99);
    rf_set32(memory[0] + head + 8, rf_rtp_stats_highest(&l->stats));
    f = frame(0, protect(b, memory[0], n, true), name, from, RF_PORT_RTP, b->addr);
    if (!pass(&f, 1) || unprotect(a, f.packet, f.octets, true) != n || rf_rtcp_parse(f.packet, n, &rtcp) != RF_OK ||
        rtcp.report_count != 1)
        return 0;
    /* And nothing else is another one. */
    if (rtcp.sender_ssrc != b->ssrc || rtcp.report[0].ssrc != a->ssrc || rtcp.report[0].lost != 7 ||
        rtcp.report[0].jitter != 11 || rtcp.report[0].lsr != 0x12345678 || rtcp.report[0].dlsr != 99 ||
        (is_sr && (rtcp.ntp_high != 0xaaaa || rtcp.ntp_low != 0xbbbb0000)))
        return 0;
    return rtcp.report[0].highest;
}

static const struct {
    uint32_t seen;
    uint16_t shift;
    uint32_t highest, want;
    const char *why;
} rows[] = {
    { 105, 0, 105, 105, "nothing was shifted, nothing is under way" },
    { 100, 0, 105, 100, "five are under way" },
    { 110, 0, 105, 110, "it knows more than we: its report overtook a packet of another thread" },
    { 1001, (uint16_t)(1001 - 40000), 40000, 40000, "the source began anew at 40000" },
    { 1000, (uint16_t)(1001 - 40000), 40000, 39999, "a report from before that" },
    { 0x00010005, 0, 0x00030005, 0x00030005, "a phone that came later has seen fewer rounds" },
    { 0x0001fffe, 0, 0x00030002, 0x0002fffe, "a wrap lies between" },
    { 0x00000002, 0, 0x0001fffe, 0x00020002, "on the other side" },
    { 0x0000fffe, 0, 5, 0xfffe, "before the first of all: no round to take away" },
    { 0xffffffff, 1, 0xffffffff, 0xfffffffe, "the end of the numbers" },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t got = rf_rtcp_highest_of_source(rows[i].seen, rows[i].shift, rows[i].highest);

        ok(got == rows[i].want, "%s: %x", rows[i].why, (unsigned)got);
    }
}

/* The extended number that the far end itself would say of its last packet. */
static uint32_t
last_of(const struct end *e, unsigned rounds)
{
    return rounds << 16 | (uint16_t)(e->seq - 1);
}

/* The source begins anew with a number so far off; a leg with SRTP has new keys for that. */
static bool
begin_anew(struct rf_media_name name, struct end *a, uint16_t jump)
{
    a->seq = (uint16_t)(a->seq + jump);
    if (a->sends.suite == 0)
        return true;
    end_keys(a, key(a->sends.suite), key(a->sends.suite));
    a->tx_stream = a->rx_stream = (struct rf_srtp_stream){ 0 };
    return change(name, 0, a);
}

static void
test_jump(const char *suite, bool is_plain, uint16_t jump)
{
    struct end a, b;
    struct listener l = { 0 };
    struct rf_media_name name;
    uint32_t got;

    begin();
    end_init(&a, "192.0.2.10:4000", is_plain ? 0 : suite_named(suite), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named(suite), true, 0xbbbb);
    name = call(&a, &b);
    a.seq = 20000;
    ok(speak(name, &a, 0, &b, &l, 300, 0) && reported(name, &b, 1, &a, &l, false) == last_of(&a, 0),
       "%s: a report says what A sent last", suite);
    ok(reported(name, &b, 1, &a, &l, true) == last_of(&a, 0), "so does one within a sender report");
    ok(begin_anew(name, &a, jump) && speak(name, &a, 0, &b, &l, 300, 2), "the source begins anew, by %u", jump);
    got = reported(name, &b, 1, &a, &l, false);
    ok(got == last_of(&a, 0), "TEL-40: the report has A's own number: %x, not B's %x", (unsigned)got,
       (unsigned)rf_rtp_stats_highest(&l.stats));
    restart();
    ok(speak(name, &a, 0, &b, &l, 20, 0) && reported(name, &b, 1, &a, &l, true) == last_of(&a, 0),
       "and after the media process has died");
    b.far.about = 0x12341234;
    ok(report(name, &b, 1, &a, false, 0, 0), "a report on nobody's stream passes as it came");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* A goes on through two wraps; B gives way to C with keys of its own, who counts from its own first packet. */
static void
test_transfer(const char *suite_a, const char *suite_c)
{
    struct end a, b, c;
    struct listener of_b = { 0 }, of_c = { 0 };
    struct rf_media_name name;
    uint32_t got;
    bool good;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named(suite_a), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named(suite_a), true, 0xbbbb);
    end_init(&c, "203.0.113.9:7000", suite_named(suite_c), true, 0xcccc);
    name = call(&a, &b);
    a.seq = 60000;
    good = speak(name, &a, 0, &b, &of_b, 72000, 0);
    ok(good && reported(name, &b, 1, &a, &of_b, false) == last_of(&a, 2), "%s: after two wraps", suite_a);
    good = change(name, 1, &c);
    a.rx_stream = (struct rf_srtp_stream){ 0 }; /* of another SSRC */
    ok(good && speak(name, &a, 0, &c, &of_c, 200, 0), "C takes the place of B (%s)", suite_c);
    got = reported(name, &c, 1, &a, &of_c, false);
    ok(got == last_of(&a, 2), "TEL-40: C has seen no wrap, and A is told its own number: %x", (unsigned)got);
    ok(begin_anew(name, &a, 33000) && speak(name, &a, 0, &c, &of_c, 200, 2), "A begins anew");
    got = reported(name, &c, 1, &a, &of_c, true);
    ok((uint16_t)got == (uint16_t)(a.seq - 1), "and still: %x", (unsigned)got);
    ok(rf_rtp_stats_lost(&of_c.stats) <= 2, "C has lost nothing by it: %llu",
       (unsigned long long)rf_rtp_stats_lost(&of_c.stats));
    end_fini(&a);
    end_fini(&b);
    end_fini(&c);
    end();
}

/* Keys of both legs change in a call whose numbers were shifted. */
static void
test_rekey(void)
{
    struct end a, b;
    struct listener l = { 0 };
    struct rf_media_name name;
    bool good;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named(CM80), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named(GCM256), true, 0xbbbb);
    name = call(&a, &b);
    good = speak(name, &a, 0, &b, &l, 300, 0);
    good = begin_anew(name, &a, 40000) && good;
    good = speak(name, &a, 0, &b, &l, 300, 2) && good;
    for (unsigned round = 0; round < 3; round++) {
        end_keys(&b, key(suite_named(GCM256)), key(suite_named(GCM256)));
        b.tx_stream = b.rx_stream = (struct rf_srtp_stream){ 0 };
        a.rx_stream = (struct rf_srtp_stream){ 0 };
        good = change(name, 1, &b) && speak(name, &a, 0, &b, &l, 100, 2) && good;
        good = reported(name, &b, 1, &a, &l, false) == last_of(&a, 0) && good;
    }
    ok(good, "TEL-40: new keys, three times, after a jump: reports have A's own numbers");
    end_fini(&a);
    end_fini(&b);
    end();
}

int
main(void)
{
    if (rf_srtp_init("auto") != RF_OK)
        abort();
    test_rows();
    test_jump(CM80, true, 40000);
    test_jump(GCM256, false, 33000);
    test_transfer(CM80, GCM256);
    test_transfer(GCM256, CM80);
    test_rekey();
    return tap_done();
}
