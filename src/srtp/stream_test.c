/*
 * What a stream goes through: replay, reordering, forgeries, wraps, new keys, new processes. Every case runs with
 * each back end; the two are also held against each other over random packets.
 */
#include <stdlib.h>

#include "base/rand.h"
#include "rtp/octets.h"
#include "srtp/srtp.h"
#include "tap.h"

#define PACKET_MAX 2048
#define ROOM       (PACKET_MAX + RF_SRTP_TRAILER_MAX)

static uint64_t seed = 1;
static const struct rf_rand rand_test = { rf_rand_seeded_fill, &seed };

static uint64_t
below(uint64_t n)
{
    return rf_rand_u64(&rand_test) % n;
}

static struct rf_srtp_key
random_key(const char *suite)
{
    struct rf_srtp_key key = { 0 };

    rf_rand_fill(&rand_test, key.key, sizeof key.key);
    rf_rand_fill(&rand_test, key.salt, sizeof key.salt);
    key.suite = rf_srtp_suite_named(rf_span_str(suite))->id;
    return key;
}

static struct rf_srtp_ctx *
new_ctx(const struct rf_srtp_key *key, struct rf_srtp_options options)
{
    struct rf_srtp_ctx *ctx;

    if (rf_srtp_ctx_new(&ctx, key, &options) != RF_OK)
        exit(ok(false, "a context"));
    return ctx;
}

/* A plain RTP packet of 20 ms PCMU; its payload repeats its sequence number and ROC, so that a test sees a wrong one. */
static size_t
rtp_packet(uint8_t *p, uint16_t seq, uint32_t roc)
{
    memset(p, 0, 172);
    p[0] = 0x80;
    rf_set16(p + 2, seq);
    rf_set32(p + 4, seq * 160u);
    rf_set32(p + 8, 0x11223344);
    for (size_t i = 12; i + 8 <= 172; i += 8) {
        rf_set32(p + i, seq);
        rf_set32(p + i + 4, roc);
    }
    return 172;
}

static size_t
rtcp_packet(uint8_t *p)
{
    static const uint8_t rr[8] = { 0x80, 201, 0, 1, 0x11, 0x22, 0x33, 0x44 };

    memcpy(p, rr, sizeof rr);
    return sizeof rr;
}

struct packet {
    uint8_t octet[ROOM];
    size_t n;
};

/* A sender's packet for this index, made with a stream of its own, so that any index can be had. */
static struct packet
sealed(struct rf_srtp_ctx *ctx, uint32_t roc, uint16_t seq)
{
    struct packet p;
    struct rf_srtp_stream tx = { .roc = roc };
    struct rf_srtp_job job = { .ctx = ctx, .stream = &tx, .packet = p.octet, .room = ROOM };

    job.octets = rtp_packet(p.octet, seq, roc);
    rf_srtp_protect(&job, 1);
    if (job.result != RF_OK)
        exit(ok(false, "a sealed packet"));
    p.n = job.octets;
    return p;
}

static enum rf_err
opens(struct rf_srtp_ctx *ctx, struct rf_srtp_stream *rx, struct packet p)
{
    struct rf_srtp_job job = { .ctx = ctx, .stream = rx, .packet = p.octet, .octets = p.n, .room = ROOM };

    rf_srtp_unprotect(&job, 1);
    return job.result;
}

static enum rf_err
sends(struct rf_srtp_ctx *ctx, struct rf_srtp_stream *tx, uint16_t seq)
{
    struct packet p;
    struct rf_srtp_job job = { .ctx = ctx, .stream = tx, .packet = p.octet, .room = ROOM };

    job.octets = rtp_packet(p.octet, seq, 0);
    rf_srtp_protect(&job, 1);
    return job.result;
}

/* A step: index to receive, and what must come of it. */
struct step {
    uint32_t roc;
    uint16_t seq;
    enum rf_err want;
};

static const struct {
    const char *name;
    uint16_t window;
    struct step step[10];
    size_t n;
} plays[] = {
    { "TEL-25: a replay is dropped", 0,
      { { 0, 100, RF_OK }, { 0, 100, RF_ERR_REPLAY }, { 0, 101, RF_OK }, { 0, 100, RF_ERR_REPLAY } }, 4 },
    { "TEL-25: reordering within 128 passes", 0,
      { { 0, 1000, RF_OK }, { 0, 873, RF_OK }, { 0, 873, RF_ERR_REPLAY }, { 0, 999, RF_OK },
        { 0, 872, RF_ERR_STALE } }, 5 },
    { "TEL-25: the window is configurable", 1024,
      { { 0, 5000, RF_OK }, { 0, 3977, RF_OK }, { 0, 3976, RF_ERR_STALE }, { 0, 3977, RF_ERR_REPLAY } }, 4 },
    { "a window of 64", 64, { { 0, 5000, RF_OK }, { 0, 4937, RF_OK }, { 0, 4936, RF_ERR_STALE } }, 3 },
    { "places that a jump skipped are free, those far behind are not", 1024,
      { { 0, 10, RF_OK }, { 0, 1500, RF_OK }, { 0, 1034, RF_OK }, { 0, 1034, RF_ERR_REPLAY },
        { 0, 10, RF_ERR_STALE } }, 5 },
    { "places that a short jump skipped are free", 1024,
      { { 0, 10, RF_OK }, { 0, 600, RF_OK }, { 0, 1200, RF_OK }, { 0, 1034, RF_OK }, { 0, 1034, RF_ERR_REPLAY },
        { 0, 600, RF_ERR_REPLAY } }, 6 },
    { "the sequence number wraps", 0,
      { { 0, 65534, RF_OK }, { 0, 65535, RF_OK }, { 1, 0, RF_OK }, { 1, 1, RF_OK }, { 0, 65535, RF_ERR_REPLAY },
        { 1, 0, RF_ERR_REPLAY } }, 6 },
    { "loss over the wrap", 0, { { 0, 65500, RF_OK }, { 1, 60, RF_OK }, { 0, 65530, RF_OK } }, 3 },
    { "a late packet from before the wrap", 0,
      { { 0, 65534, RF_OK }, { 1, 0, RF_OK }, { 0, 65535, RF_OK }, { 1, 1, RF_OK } }, 4 },
    { "the first packets were lost, and the wrap with them", 0,
      { { 1, 20, RF_OK }, { 1, 21, RF_OK }, { 0, 65535, RF_OK } }, 3 },
    { "a jump of more than half the space is not seen as a wrap", 0,
      { { 0, 100, RF_OK }, { 0, 40000, RF_ERR_STALE }, { 0, 101, RF_OK } }, 3 },
    { "the ROC of another time does not authenticate", 0,
      { { 0, 100, RF_OK }, { 7, 101, RF_ERR_AUTH }, { 0, 101, RF_OK } }, 3 },
};

static void
play_receiver(const char *suite)
{
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        struct rf_srtp_key key = random_key(suite);
        struct rf_srtp_ctx *ctx = new_ctx(&key, (struct rf_srtp_options){ .window = plays[i].window });
        struct rf_srtp_stream one = { 0 }, batch = { 0 };
        struct rf_srtp_job job[10];
        struct packet p[10];
        bool good = true, good_batch = true;

        for (size_t k = 0; k < plays[i].n; k++) {
            p[k] = sealed(ctx, plays[i].step[k].roc, plays[i].step[k].seq);
            good = opens(ctx, &one, p[k]) == plays[i].step[k].want && good;
            job[k] = (struct rf_srtp_job){ .ctx = ctx, .stream = &batch, .packet = p[k].octet, .octets = p[k].n,
                                           .room = ROOM };
        }
        ok(good, "%s (%s)", plays[i].name, suite);
        rf_srtp_unprotect(job, plays[i].n);
        for (size_t k = 0; k < plays[i].n; k++)
            good_batch = good_batch && job[k].result == plays[i].step[k].want &&
                         (job[k].result != RF_OK || (rf_get32(p[k].octet + 12) == plays[i].step[k].seq &&
                                                     rf_get32(p[k].octet + 16) == plays[i].step[k].roc));
        ok(good_batch && memcmp(&one, &batch, sizeof one) == 0, "the same in one batch: %s (%s)", plays[i].name,
           suite);
        rf_srtp_ctx_free(ctx);
    }
}

/* Nonces are (SSRC, index): a sender's index must never come twice, whatever is fed to it. */
static void
sender(const char *suite)
{
    static const struct {
        uint16_t seq;
        enum rf_err want;
    } steps[] = {
        { 65530, RF_OK }, { 65530, RF_ERR_REPLAY }, { 65529, RF_OK }, { 2, RF_OK },         { 65535, RF_OK },
        { 2, RF_ERR_REPLAY }, { 65535, RF_ERR_REPLAY }, { 300, RF_OK }, { 2, RF_ERR_STALE }, { 301, RF_OK },
    };
    struct rf_srtp_key key = random_key(suite);
    struct rf_srtp_ctx *ctx = new_ctx(&key, (struct rf_srtp_options){ 0 });
    struct rf_srtp_stream tx = { 0 }, before;
    bool good = true;
    static bool used[65536 * 4];
    struct packet p;
    struct rf_srtp_job job;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        good = sends(ctx, &tx, steps[i].seq) == steps[i].want && good;
    ok(good && tx.roc == 1 && tx.s_l == 301, "an index is sent once (%s)", suite);

    memset(used, 0, sizeof used);
    memset(&tx, 0, sizeof tx);
    for (size_t i = 0; i < 20000; i++) {
        /* Around a moving place, with repetitions and jumps. */
        uint16_t seq = (uint16_t)(i * 5 + below(300));
        int64_t index;

        before = tx;
        if (sends(ctx, &tx, seq) != RF_OK) {
            good = good && memcmp(&before, &tx, sizeof tx) == 0;
            continue;
        }
        index = (int64_t)tx.roc << 16 | seq;
        if (seq > tx.s_l && seq - tx.s_l > 0x8000)
            index -= 0x10000; /* a late packet from before the wrap */
        good = good && index >= 0 && index < 65536 * 4 && !used[index];
        if (index >= 0 && index < 65536 * 4)
            used[index] = true;
    }
    ok(good, "of 20000 disordered packets no index is sent twice (%s)", suite);

    /* A refused packet takes nothing. */
    before = tx;
    job = (struct rf_srtp_job){ .ctx = ctx, .stream = &tx, .packet = p.octet, .room = ROOM };
    job.octets = rtp_packet(p.octet, (uint16_t)(tx.s_l + 1), 0);
    job.room = job.octets + rf_srtp_suite(key.suite)->srtp_tag - 1;
    if (rf_srtp_suite(key.suite)->srtp_tag > 0) {
        rf_srtp_protect(&job, 1);
        ok(job.result == RF_ERR_RANGE && memcmp(&before, &tx, sizeof tx) == 0, "no room for the trailer (%s)",
           suite);
    }
    job.room = ROOM;
    p.octet[8] ^= 1;
    rf_srtp_protect(&job, 1);
    ok(job.result == RF_ERR_STATE && memcmp(&before, &tx, sizeof tx) == 0, "another SSRC needs another stream (%s)",
       suite);
    job.octets = 11;
    rf_srtp_protect(&job, 1);
    ok(job.result == RF_ERR_SYNTAX && memcmp(&before, &tx, sizeof tx) == 0, "eleven octets are no RTP (%s)", suite);
    rf_srtp_ctx_free(ctx);
}

/* TEL-26 */
static void
forgeries(const char *suite)
{
    struct rf_srtp_key key = random_key(suite);
    struct rf_srtp_ctx *ctx = new_ctx(&key, (struct rf_srtp_options){ .allow_quirks = 7, .keep_roc_try_zero = true });
    struct rf_srtp_stream rx = { 0 }, before;
    struct packet good = sealed(ctx, 0, 65000);
    static struct packet forged[64];
    struct rf_srtp_job job[64];
    size_t accepted = 0;
    bool unchanged = true;

    ok(opens(ctx, &rx, good) == RF_OK, "a stream begins (%s)", suite);
    before = rx;
    for (size_t round = 0; round < 100032 / 64; round++) {
        for (size_t i = 0; i < 64; i++) {
            forged[i] = good;
            if (i % 2 == 0) /* any sequence number with any tag */
                rf_set16(forged[i].octet + 2, (uint16_t)below(65536));
            forged[i].octet[12 + below(good.n - 12)] ^= (uint8_t)(1 + below(255));
            job[i] = (struct rf_srtp_job){ .ctx = ctx, .stream = &rx, .packet = forged[i].octet,
                                           .octets = forged[i].n, .room = ROOM };
        }
        rf_srtp_unprotect(job, 64);
        for (size_t i = 0; i < 64; i++)
            accepted += job[i].result == RF_OK;
        unchanged = unchanged && memcmp(&before, &rx, sizeof rx) == 0;
    }
    ok(accepted == 0 && unchanged, "TEL-26: 100032 forged packets change nothing (%s)", suite);
    ok(opens(ctx, &rx, sealed(ctx, 0, 65001)) == RF_OK && opens(ctx, &rx, sealed(ctx, 1, 7)) == RF_OK,
       "TEL-26: and the stream goes on over the wrap (%s)", suite);
    rf_srtp_ctx_free(ctx);
}

/* TEL-40: a new key after more than 65535 packets. */
static void
rekeying(const char *suite)
{
    static const struct {
        const char *name;
        bool try_zero;
        uint32_t roc; /* of the peer's first packet under the new key */
        uint16_t seq;
        enum rf_err want;
    } cases[] = {
        { "the peer keeps its ROC", true, 3, 201, RF_OK },
        { "the peer starts at 0", true, 0, 201, RF_OK },
        { "the peer starts at 0 and its sequence number too", true, 0, 40000, RF_OK },
        { "the peer keeps its ROC and wraps", true, 3, 65000, RF_ERR_AUTH },
        { "without the policy only a kept ROC counts", false, 3, 201, RF_OK },
        { "without the policy a ROC of 0 does not", false, 0, 201, RF_ERR_AUTH },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_srtp_key first = random_key(suite), second = random_key(suite);
        struct rf_srtp_options options = { .keep_roc_try_zero = cases[i].try_zero };
        struct rf_srtp_ctx *old = new_ctx(&first, options), *new = new_ctx(&second, options);
        struct rf_srtp_stream rx = { .roc = 3 }, before;
        bool good = opens(old, &rx, sealed(old, 3, 200)) == RF_OK;

        rf_srtp_stream_rekey(&rx);
        before = rx;
        good = good && opens(new, &rx, sealed(old, 3, 202)) == RF_ERR_AUTH && memcmp(&before, &rx, sizeof rx) == 0;
        good = good && opens(new, &rx, sealed(new, cases[i].roc, cases[i].seq)) == cases[i].want;
        if (cases[i].want == RF_OK)
            good = good && rx.roc == cases[i].roc &&
                   opens(new, &rx, sealed(new, cases[i].roc, (uint16_t)(cases[i].seq + 1))) == RF_OK &&
                   opens(new, &rx, sealed(new, cases[i].roc, cases[i].seq)) == RF_ERR_REPLAY &&
                   opens(new, &rx, sealed(new, cases[i].roc == 0 ? 3 : 0, (uint16_t)(cases[i].seq + 2))) ==
                       RF_ERR_AUTH;
        ok(good, "TEL-40: %s (%s)", cases[i].name, suite);
        rf_srtp_ctx_free(old);
        rf_srtp_ctx_free(new);
    }
}

static void
srtcp(const char *suite)
{
    struct rf_srtp_key key = random_key(suite);
    struct rf_srtp_ctx *ctx = new_ctx(&key, (struct rf_srtp_options){ 0 });
    struct rf_srtp_stream tx = { 0 }, rx = { 0 }, dead, before;
    static struct packet p[200];
    struct rf_srtp_job job;
    uint32_t last = 0;
    bool good = true;

    for (size_t i = 0; i < 200; i++) {
        if (i == 100) {
            dead = tx;
            dead.rtcp_index -= 3; /* what another process reads may be older than what was sent, but not reserved */
            tx = dead;
            rf_srtp_stream_resume(&tx);
        }
        job = (struct rf_srtp_job){ .ctx = ctx, .stream = &tx, .packet = p[i].octet, .is_rtcp = true, .room = ROOM,
                                    .octets = rtcp_packet(p[i].octet) };
        rf_srtp_protect(&job, 1);
        p[i].n = job.octets;
        good = good && job.result == RF_OK && (i == 0 || tx.rtcp_index > last) && tx.rtcp_index < tx.rtcp_reserved;
        last = tx.rtcp_index;
    }
    ok(good, "an SRTCP index is reserved before use, and a new process goes on above (%s)", suite);

    good = true;
    for (size_t i = 0; i < 200; i++) {
        struct packet copy = p[i ^ 1]; /* each pair swapped */

        job = (struct rf_srtp_job){ .ctx = ctx, .stream = &rx, .packet = copy.octet, .octets = copy.n, .room = ROOM,
                                    .is_rtcp = true };
        rf_srtp_unprotect(&job, 1);
        good = good && job.result == RF_OK && job.octets == 8;
        copy = p[i ^ 1];
        before = rx;
        job.octets = copy.n;
        rf_srtp_unprotect(&job, 1);
        good = good && job.result == RF_ERR_REPLAY && memcmp(&before, &rx, sizeof rx) == 0;
    }
    ok(good, "SRTCP out of order is accepted once (%s)", suite);

    tx.rtcp_is_started = false;
    tx.rtcp_reserved = 0x7fffffff;
    job = (struct rf_srtp_job){ .ctx = ctx, .stream = &tx, .packet = p[0].octet, .is_rtcp = true, .room = ROOM };
    job.octets = rtcp_packet(p[0].octet);
    rf_srtp_protect(&job, 1);
    good = job.result == RF_OK;
    job.octets = rtcp_packet(p[0].octet);
    rf_srtp_protect(&job, 1);
    ok(good && job.result == RF_ERR_REFUSED, "after index 2^31 - 1 SRTCP ends (%s)", suite);
    rf_srtp_ctx_free(ctx);
}

static void
lifetimes(const char *suite)
{
    struct rf_srtp_key key = random_key(suite);
    struct rf_srtp_ctx *ctx, *peer = new_ctx(&key, (struct rf_srtp_options){ 0 });
    struct rf_srtp_stream tx = { 0 }, rx = { 0 };
    struct packet p[5];
    struct rf_srtp_job job[5];
    bool good = true;

    key.lifetime = 3;
    ctx = new_ctx(&key, (struct rf_srtp_options){ 0 });
    for (uint16_t i = 0; i < 5; i++) {
        good = sends(ctx, &tx, i) == (i < 3 ? RF_OK : RF_ERR_REFUSED) && good;
        p[i] = sealed(peer, 0, i);
        job[i] = (struct rf_srtp_job){ .ctx = ctx, .stream = &rx, .packet = p[i].octet, .octets = p[i].n,
                                       .room = ROOM };
    }
    rf_srtp_unprotect(job, 5);
    for (size_t i = 0; i < 5; i++)
        good = good && job[i].result == (i < 3 ? RF_OK : RF_ERR_REFUSED);
    ok(good, "TEL-39: a lifetime of 3 packets is 3 packets, in a batch too (%s)", suite);
    rf_srtp_ctx_free(ctx);
    rf_srtp_ctx_free(peer);
}

/* One plain packet of any shape: CSRCs, extension, any payload. */
static size_t
random_packet(uint8_t *p, uint16_t seq)
{
    size_t csrcs = below(4), n = 12 + 4 * csrcs, words = below(4);
    bool has_extension = below(3) == 0;

    rf_rand_fill(&rand_test, p, 64);
    p[0] = (uint8_t)(0x80 | (has_extension ? 0x10 : 0) | csrcs);
    rf_set16(p + 2, seq);
    rf_set32(p + 8, 0x55667788);
    if (has_extension) {
        rf_set16(p + n + 2, (uint16_t)words);
        n += 4 + 4 * words;
    }
    words = below(400);
    rf_rand_fill(&rand_test, p + n, words);
    return n + words;
}

/* The same packets through both back ends, in batches of every size and mixed suites; then back again crosswise. */
static void
back_ends_agree(void)
{
    enum { ROUNDS = 200 };
    unsigned suites = rf_srtp_suite_count();
    struct rf_srtp_ctx *a[32], *b[32];
    struct rf_srtp_stream tx_a[32] = { 0 }, tx_b[32] = { 0 }, rx_a[32] = { 0 }, rx_b[32] = { 0 };
    static struct packet plain[64], pa[64], pb[64];
    struct rf_srtp_job ja[64], jb[64];
    uint16_t seq[32];
    bool same = true, back = true;

    if (rf_srtp_init("ipsec-mb") != RF_OK) {
        diag("ipsec-mb is not here: nothing to compare");
        return;
    }
    for (unsigned s = 0; s < suites; s++) {
        struct rf_srtp_key key = random_key(rf_srtp_suite(s + 1)->name);

        if (s % 3 == 0) {
            key.mki_octets = (uint8_t)(1 + below(RF_SRTP_MKI_MAX));
            rf_rand_fill(&rand_test, key.mki, key.mki_octets);
        }
        if (rf_srtp_init("openssl") != RF_OK)
            exit(ok(false, "OpenSSL"));
        a[s] = new_ctx(&key, (struct rf_srtp_options){ 0 });
        if (rf_srtp_init("ipsec-mb") != RF_OK)
            exit(ok(false, "ipsec-mb"));
        b[s] = new_ctx(&key, (struct rf_srtp_options){ 0 });
        seq[s] = (uint16_t)(65000 + below(500));
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t n = 1 + below(64);

        for (size_t i = 0; i < n; i++) {
            unsigned s = (unsigned)below(suites);

            plain[i].n = random_packet(plain[i].octet, seq[s]++);
            pa[i] = pb[i] = plain[i];
            ja[i] = (struct rf_srtp_job){ .ctx = a[s], .stream = &tx_a[s], .packet = pa[i].octet,
                                          .octets = plain[i].n, .room = ROOM };
            jb[i] = (struct rf_srtp_job){ .ctx = b[s], .stream = &tx_b[s], .packet = pb[i].octet,
                                          .octets = plain[i].n, .room = ROOM };
        }
        rf_srtp_protect(ja, n);
        rf_srtp_protect(jb, n);
        for (size_t i = 0; i < n; i++) {
            ptrdiff_t s = ja[i].stream - tx_a;

            same = same && ja[i].result == RF_OK && jb[i].result == RF_OK && ja[i].octets == jb[i].octets &&
                   memcmp(pa[i].octet, pb[i].octet, ja[i].octets) == 0;
            ja[i].ctx = b[s]; /* what one made the other reads */
            ja[i].stream = &rx_b[s];
            jb[i].ctx = a[s];
            jb[i].stream = &rx_a[s];
        }
        rf_srtp_unprotect(ja, n);
        rf_srtp_unprotect(jb, n);
        for (size_t i = 0; i < n; i++)
            back = back && ja[i].result == RF_OK && jb[i].result == RF_OK && ja[i].octets == plain[i].n &&
                   jb[i].octets == plain[i].n && memcmp(pa[i].octet, plain[i].octet, plain[i].n) == 0 &&
                   memcmp(pb[i].octet, plain[i].octet, plain[i].n) == 0;
    }
    ok(same, "both back ends give the same octets: all suites, mixed batches, MKI, over the wrap");
    ok(back, "each reads what the other made");
    for (unsigned s = 0; s < suites; s++) {
        rf_srtp_ctx_free(a[s]);
        rf_srtp_ctx_free(b[s]);
    }
}

static void
bad_arguments(void)
{
    static const struct {
        struct rf_srtp_key key;
        struct rf_srtp_options options;
        const char *why;
    } cases[] = {
        { { .suite = 0 }, { 0 }, "no suite" },
        { { .suite = 255 }, { 0 }, "an unknown suite" },
        { { .suite = 1, .mki_octets = 129 }, { 0 }, "an MKI of 129 octets" },
        { { .suite = 1 }, { .window = 63 }, "a window of 63" },
        { { .suite = 1 }, { .window = 1025 }, "a window of 1025" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_srtp_ctx *ctx;

        ok(rf_srtp_ctx_new(&ctx, &cases[i].key, &cases[i].options) == RF_ERR_RANGE, "no context with %s",
           cases[i].why);
    }
    rf_srtp_ctx_free(NULL);
}

/* A wrong MKI, and a right one with the key of its line: what a relay with two keys does. */
static void
mki(void)
{
    struct rf_srtp_key key[2] = { random_key("AES_CM_128_HMAC_SHA1_80"), random_key("AEAD_AES_128_GCM") };
    struct rf_srtp_ctx *ctx[2];
    bool good = true;

    for (size_t i = 0; i < 2; i++) {
        key[i].mki_octets = 2;
        key[i].mki[1] = (uint8_t)(1 + i);
        ctx[i] = new_ctx(&key[i], (struct rf_srtp_options){ 0 });
    }
    for (size_t i = 0; i < 2; i++) {
        struct packet p = sealed(ctx[i], 0, 5), copy = p;
        struct rf_srtp_stream rx = { 0 };
        struct rf_srtp_job job = { .ctx = ctx[1 - i], .stream = &rx, .packet = p.octet, .octets = p.n, .room = ROOM };

        rf_srtp_unprotect(&job, 1);
        good = good && job.result == RF_ERR_AUTH && memcmp(p.octet, copy.octet, p.n) == 0;
        job.ctx = ctx[i];
        rf_srtp_unprotect(&job, 1);
        good = good && job.result == RF_OK && job.octets == 172;
    }
    ok(good, "TEL-39: the key of another MKI is refused, and the packet may be tried with the next");
    rf_srtp_ctx_free(ctx[0]);
    rf_srtp_ctx_free(ctx[1]);
}

int
main(void)
{
    static const char *const suites[] = { "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM", "F8_128_HMAC_SHA1_80",
                                          "AES_192_CM_HMAC_SHA1_80" };
    static const char *const backends[] = { "openssl", "ipsec-mb" };

    for (size_t b = 0; b < 2; b++) {
        if (rf_srtp_init(backends[b]) != RF_OK) {
            diag("%s is not here", backends[b]);
            continue;
        }
        diag("%s", rf_srtp_backend());
        for (size_t s = 0; s < sizeof suites / sizeof *suites; s++) {
            play_receiver(suites[s]);
            sender(suites[s]);
            rekeying(suites[s]);
            srtcp(suites[s]);
            lifetimes(suites[s]);
        }
        forgeries("AES_CM_128_HMAC_SHA1_80");
        forgeries("AEAD_AES_128_GCM");
    }
    back_ends_agree();
    bad_arguments();
    mki();
    return tap_done();
}
