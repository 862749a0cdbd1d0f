/*
 * relay/cost_test.c - what hostile packets cost us: 100000 forged and 100000 replayed ones of each kind change nothing,
 * and none takes twice the time of a packet of its length that is relayed (TEL-25, TEL-26)
 *
 * Time is the thread's own CPU time, the best of some rounds, so that other work of the machine does not count.
 */
#include <time.h>

#include "relay/play.h"

#define TOTAL  100000
#define BATCH  32
#define ROUNDS 20
#define LONG_OCTETS 1400

static uint64_t
cpu_ns(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        abort();
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum kind { GOOD, GOOD_LONG, BAD_TAG, ANY_NUMBER, ANY_SSRC, LONG_JUNK, REPLAYED, REPLAYED_OLD, KINDS };

static const char *const kind_name[KINDS] = {
    [BAD_TAG] = "forged, the number that comes next", [ANY_NUMBER] = "forged, any number",
    [ANY_SSRC] = "forged, any SSRC",                  [LONG_JUNK] = "forged, 1400 octets",
    [REPLAYED] = "replayed at once",                  [REPLAYED_OLD] = "replayed from long ago",
};

static struct end a, b;
static struct rf_media_name name;
static uint8_t captured[RF_BATCH_MAX][RF_FRAME_ROOM];
static size_t captured_octets;

static size_t
fill(enum kind kind, uint8_t *p, unsigned i)
{
    size_t n = captured_octets;

    if (kind == GOOD)
        return protect(&a, p, make_rtp(&a, p, false), false);
    if (kind == GOOD_LONG) {
        n = make_rtp(&a, p, false);
        memset(p + n, 0x5a, LONG_OCTETS - n);
        return protect(&a, p, LONG_OCTETS, false);
    }
    memcpy(p, captured[i], n);
    if (kind == REPLAYED || kind == REPLAYED_OLD)
        return n;
    rf_set16(p + 2, (uint16_t)(a.seq + i));
    if (kind == LONG_JUNK) {
        n = LONG_OCTETS;
        memset(p + captured_octets, 0x5a, n - captured_octets);
    }
    if (kind == ANY_NUMBER)
        rf_set16(p + 2, (uint16_t)rf_rand_u64(&rf_rand_system));
    if (kind == ANY_SSRC) {
        rf_set16(p + 2, (uint16_t)rf_rand_u64(&rf_rand_system));
        rf_set32(p + 8, (uint32_t)rf_rand_u64(&rf_rand_system));
    }
    p[n - 1] ^= 0x55;
    return n;
}

/* Nanoseconds of CPU for one packet of this kind, at best. *as_due: all were refused, or, if good, passed. */
static double
cost(enum kind kind, unsigned total, bool *as_due)
{
    double best = 1e9;
    unsigned per_round = total / ROUNDS / BATCH * BATCH + BATCH, passed = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t spent = 0;

        for (unsigned done = 0; done < per_round; done += BATCH) {
            struct rf_frame f[BATCH];
            uint64_t from;

            for (unsigned i = 0; i < BATCH; i++)
                f[i] = frame(i, fill(kind, memory[i], i), name, 0, RF_PORT_RTP, a.addr);
            from = cpu_ns();
            rf_relay_batch(w.relay, f, BATCH, w.now_us);
            for (unsigned i = 0; i < BATCH; i++)
                if (rf_relay_may_leave(w.relay, &f[i])) {
                    rf_relay_sent(w.relay, &f[i], true, w.now_us);
                    passed++;
                }
            spent += cpu_ns() - from;
            w.now_us += 20000;
        }
        if ((double)spent / per_round < best)
            best = (double)spent / per_round;
    }
    *as_due = passed == (kind <= GOOD_LONG ? per_round * ROUNDS : 0);
    return best;
}

static void
capture(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct rf_frame f;

        captured_octets = protect(&a, captured[i], make_rtp(&a, captured[i], false), false);
        memcpy(memory[0], captured[i], captured_octets);
        f = frame(0, captured_octets, name, 0, RF_PORT_RTP, a.addr);
        if (!pass(&f, 1))
            abort();
    }
}

static void
test_cost(const char *suite)
{
    const struct rf_srtp_suite *s = rf_srtp_suite_named(rf_span_str(suite));
    struct rf_srtp_stream before;
    struct rf_srtp_stream *live;
    double good, good_short, good_long, ns;
    bool as_due;

    begin();
    end_init(&a, "192.0.2.10:4000", s->id, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", s->id, true, 0xbbbb);
    name = call(&a, &b);
    good_short = cost(GOOD, TOTAL, &as_due);
    ok(as_due, "%s: %u packets are relayed, %.0f ns each", suite, TOTAL, good_short);
    good_long = cost(GOOD_LONG, TOTAL, &as_due);
    ok(as_due, "%s: and so are as many of %u octets, %.0f ns each", suite, LONG_OCTETS, good_long);
    live = &w.map->session[name.slot].leg[0].rx.live[0];
    for (enum kind kind = BAD_TAG; kind < KINDS; kind++) {
        capture();
        if (kind == REPLAYED_OLD)
            cost(GOOD, BATCH, &as_due); /* 640 packets later */
        before = *live;
        ns = cost(kind, TOTAL, &as_due);
        ok(as_due && memcmp(&before, live, sizeof before) == 0,
           "TEL-25, TEL-26 %s: %u packets %s: none passes, nothing changes", suite, TOTAL, kind_name[kind]);
        good = kind == LONG_JUNK ? good_long : good_short;
        ok(ns < 2 * good, "%s: one %s costs %.0f ns, %.2f of a good one", suite, kind_name[kind], ns, ns / good);
    }
    (void)cost(GOOD, BATCH, &as_due);
    ok(as_due, "%s: and A is still heard", suite);
    end_fini(&a);
    end_fini(&b);
    end();
}

int
main(void)
{
    static const char *const suites[] = { "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM", "AES_192_CM_HMAC_SHA1_80" };

    if (rf_srtp_init("auto") != RF_OK)
        abort();
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        test_cost(suites[i]);
    return tap_done();
}
