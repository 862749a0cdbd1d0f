/*
 * relay/relay_test.c - sessions and packets of one thread, without sockets (relay.h)
 *
 * The far ends are played with src/srtp: what comes out of the relay is decrypted and compared.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "relay/relay.h"
#include "rtp/octets.h"
#include "tap.h"

#define MAX_EVENTS 64
#define SLOTS 8

/* --- a relay with ports that are only numbers --- */

static struct {
    int fd;
    struct rf_media_map *map;
    struct rf_relay *relay;
    bool taken[64];
    bool event_is_full;
    struct rf_media_reply event[MAX_EVENTS];
    unsigned events, moved;
    uint64_t now_us;
} w;

static enum rf_err
io_take(void *ctx, unsigned family, uint32_t leg, uint32_t *index, uint16_t *port)
{
    for (uint32_t i = 0; i < 64; i++)
        if (!w.taken[i]) {
            w.taken[i] = true;
            *index = i;
            *port = (uint16_t)(10000 + 2 * i);
            return RF_OK;
        }
    return RF_ERR_NOMEM;
}

static bool
io_claim(void *ctx, unsigned family, uint32_t leg, uint32_t index, uint16_t port)
{
    if (index >= 64 || w.taken[index] || port != 10000 + 2 * index)
        return false;
    return w.taken[index] = true;
}

static void
io_give(void *ctx, uint32_t index, uint64_t now_us)
{
    w.taken[index] = false;
}

static void
io_moved(void *ctx, uint32_t index)
{
    w.moved++;
}

static bool
io_event(void *ctx, uint32_t worker, const struct rf_media_reply *event)
{
    if (w.event_is_full || w.events == MAX_EVENTS)
        return false;
    w.event[w.events++] = *event;
    return true;
}

static const struct rf_relay_io io = { NULL, io_take, io_claim, io_give, io_moved, io_event };

static void
start(void)
{
    if (rf_relay_new(&w.relay, w.map, 0, &io, w.now_us) != RF_OK)
        abort();
}

static void
begin(void)
{
    memset(&w, 0, sizeof w);
    w.now_us = 1000000000;
    if (rf_media_map_new(1, SLOTS, &w.fd) != RF_OK || rf_media_map_attach(w.fd, 1, SLOTS, 64, true, &w.map) != RF_OK)
        abort();
    start();
}

static void
end(void)
{
    rf_relay_free(w.relay);
    rf_media_map_detach(w.map);
    close(w.fd);
}

/* The process dies, and another goes on from the map. */
static void
restart(void)
{
    rf_relay_free(w.relay);
    memset(w.taken, 0, sizeof w.taken);
    start();
}

static unsigned
events_of(uint32_t event)
{
    unsigned n = 0;

    for (unsigned i = 0; i < w.events; i++)
        n += w.event[i].event == event;
    return n;
}

static struct rf_media_reply
request(struct rf_media_request q)
{
    struct rf_media_reply reply = { 0 };

    q.version = RF_MEDIA_VERSION;
    if (rf_media_request_check(&q, sizeof q) != RF_OK || rf_relay_request(w.relay, 0, &q, &reply, w.now_us) != RF_OK)
        reply.event = 0;
    return reply;
}

/* --- far ends --- */

struct end {
    struct rf_addr addr;
    struct rf_srtp_key sends, gets; /* suite 0: plain */
    struct rf_srtp_ctx *tx, *rx;
    struct rf_srtp_stream tx_stream, rx_stream;
    struct rf_media_leg leg;        /* as signalled for it */
    uint16_t seq;
    uint32_t ssrc;
    bool mux;
};

static struct rf_addr
addr(const char *text)
{
    struct rf_addr a;

    if (rf_addr_parse_port(rf_span_str(text), &a) != RF_OK)
        abort();
    return a;
}

static struct rf_srtp_key
key(unsigned suite)
{
    struct rf_srtp_key k = { .suite = (uint8_t)suite };

    if (suite != 0) {
        rf_rand_fill(&rf_rand_system, k.key, rf_srtp_suite(suite)->key_octets);
        rf_rand_fill(&rf_rand_system, k.salt, rf_srtp_suite(suite)->salt_octets);
    }
    return k;
}

static void
end_keys(struct end *e, struct rf_srtp_key sends, struct rf_srtp_key gets)
{
    rf_srtp_ctx_free(e->tx);
    rf_srtp_ctx_free(e->rx);
    e->tx = e->rx = NULL;
    e->sends = sends;
    e->gets = gets;
    if (sends.suite != 0 && rf_srtp_ctx_new(&e->tx, &sends, NULL) != RF_OK)
        abort();
    if (gets.suite != 0 && rf_srtp_ctx_new(&e->rx, &gets, NULL) != RF_OK)
        abort();
    e->leg.tx = gets;
    e->leg.rx_count = sends.suite != 0;
    e->leg.rx[0] = sends;
}

static void
end_init(struct end *e, const char *where, unsigned suite, bool mux, uint32_t ssrc)
{
    memset(e, 0, sizeof *e);
    e->addr = addr(where);
    e->mux = mux;
    e->ssrc = ssrc;
    e->seq = 100;
    e->leg.peer = e->addr;
    e->leg.rtcp_mux = mux;
    e->leg.may_send = e->leg.may_receive = e->leg.symmetric = 1;
    e->leg.require_srtp = suite != 0;
    end_keys(e, key(suite), key(suite));
}

static void
end_fini(struct end *e)
{
    rf_srtp_ctx_free(e->tx);
    rf_srtp_ctx_free(e->rx);
}

static struct rf_media_name
open_session(uint32_t timeout_s)
{
    struct rf_media_reply r =
        request((struct rf_media_request){ .command = RF_MEDIA_OPEN, .family = { 4, 4 }, .timeout_s = timeout_s });

    return r.event == RF_MEDIA_OPENED ? r.session : (struct rf_media_name){ 0 };
}

static bool
change(struct rf_media_name name, unsigned leg, const struct end *e)
{
    return request((struct rf_media_request){
               .command = RF_MEDIA_CHANGE, .session = name, .leg = leg, .change = e->leg }).event ==
           RF_MEDIA_CHANGED;
}

static uint8_t memory[RF_BATCH_MAX][RF_FRAME_ROOM];

/* An RTP packet of end e in frame f: extension, CSRC and padding bits stay as they are on the way. */
static size_t
make_rtp(struct end *e, uint8_t *p, bool with_extras)
{
    size_t n = 12;

    p[0] = with_extras ? 0xb1 : 0x80; /* V=2, P, X, one CSRC */
    p[1] = 0;
    rf_set16(p + 2, e->seq);
    rf_set32(p + 4, e->seq * 160u);
    rf_set32(p + 8, e->ssrc);
    if (with_extras) {
        rf_set32(p + 12, 0x11223344);
        rf_set32(p + 16, 0xbede0001);
        rf_set32(p + 20, 0x10ff0000);
        n = 24;
    }
    memset(p + n, (uint8_t)e->seq, 160);
    if (with_extras)
        p[n + 159] = 4;
    e->seq++;
    return n + 160;
}

static size_t
protect(struct end *e, uint8_t *p, size_t n, bool is_rtcp)
{
    struct rf_srtp_job job = { .ctx = e->tx, .stream = &e->tx_stream, .packet = p, .octets = n,
                               .room = RF_FRAME_ROOM, .is_rtcp = is_rtcp };

    if (e->tx == NULL)
        return n;
    rf_srtp_protect(&job, 1);
    return job.result == RF_OK ? job.octets : 0;
}

static size_t
unprotect(struct end *e, uint8_t *p, size_t n, bool is_rtcp)
{
    struct rf_srtp_job job = { .ctx = e->rx, .stream = &e->rx_stream, .packet = p, .octets = n,
                               .room = RF_FRAME_ROOM, .is_rtcp = is_rtcp };

    if (e->rx == NULL)
        return n;
    rf_srtp_unprotect(&job, 1);
    return job.result == RF_OK ? job.octets : 0;
}

static struct rf_frame
frame(unsigned i, size_t octets, struct rf_media_name name, unsigned leg, unsigned port, struct rf_addr from)
{
    return (struct rf_frame){ .packet = memory[i], .octets = (uint32_t)octets, .leg = 2 * name.slot + leg,
                              .port = (uint8_t)port, .addr = from };
}

/* Through the relay; true: it comes out, and may leave. Counted as sent. */
static bool
pass(struct rf_frame *f, size_t n)
{
    bool all = true;

    rf_relay_batch(w.relay, f, n, w.now_us);
    for (size_t i = 0; i < n; i++) {
        if (rf_relay_may_leave(w.relay, &f[i]))
            rf_relay_sent(w.relay, &f[i], true, w.now_us);
        else
            all = false;
    }
    return all;
}

/* One RTP packet from a (leg `from`) to b. */
static bool
talk(struct rf_media_name name, struct end *a, unsigned from, struct end *b, bool with_extras)
{
    uint8_t plain[RF_FRAME_ROOM];
    size_t n = make_rtp(a, memory[0], with_extras), out;
    struct rf_frame f;

    memcpy(plain, memory[0], n);
    f = frame(0, protect(a, memory[0], n, false), name, from, RF_PORT_RTP, a->addr);
    if (!pass(&f, 1) || f.is_encrypted != (b->gets.suite != 0) || !rf_addr_eq(&f.addr, &b->addr))
        return false;
    if (b->gets.suite != 0 && !rf_srtp_suite(b->gets.suite)->has_null_cipher &&
        memcmp(f.packet + n - 160, plain + n - 160, 160) == 0)
        return false;
    out = unprotect(b, f.packet, f.octets, false);
    return out == n && memcmp(f.packet, plain, n) == 0;
}

static size_t
make_rtcp(const struct end *e, uint8_t *p, bool is_sr, uint32_t lsr, uint32_t dlsr)
{
    size_t head = is_sr ? 28 : 8;

    memset(p, 0, head + 24);
    p[0] = 0x81;
    p[1] = is_sr ? 200 : 201;
    rf_set16(p + 2, (uint16_t)((head + 24) / 4 - 1));
    rf_set32(p + 4, e->ssrc);
    if (is_sr) {
        rf_set32(p + 8, 0x0000aaaa);
        rf_set32(p + 12, 0xbbbb0000);
    }
    rf_set32(p + head + 16, lsr);
    rf_set32(p + head + 20, dlsr);
    return head + 24;
}

static bool
report(struct rf_media_name name, struct end *a, unsigned from, struct end *b, bool is_sr, uint32_t lsr,
       uint32_t dlsr)
{
    uint8_t plain[256];
    size_t n = make_rtcp(a, memory[0], is_sr, lsr, dlsr), out;
    struct rf_addr source = a->addr, want = b->addr;
    struct rf_frame f;

    memcpy(plain, memory[0], n);
    if (!a->mux)
        rf_addr_set_port(&source, (uint16_t)(rf_addr_port(&source) + 1));
    if (!b->mux)
        rf_addr_set_port(&want, (uint16_t)(rf_addr_port(&want) + 1));
    f = frame(0, protect(a, memory[0], n, true), name, from, a->mux ? RF_PORT_RTP : RF_PORT_RTCP, source);
    if (!pass(&f, 1) || f.port != (b->mux ? RF_PORT_RTP : RF_PORT_RTCP) || !rf_addr_eq(&f.addr, &want))
        return false;
    out = unprotect(b, f.packet, f.octets, true);
    return out == n && memcmp(f.packet, plain, n) == 0;
}

static struct rf_media_counts *
counts(struct rf_media_name name, unsigned leg)
{
    return rf_relay_counts(w.relay, 2 * name.slot + leg);
}

static struct rf_media_name
call(struct end *a, struct end *b)
{
    struct rf_media_name name = open_session(0);

    if (name.generation == 0 || !change(name, 0, a) || !change(name, 1, b))
        abort();
    return name;
}

/* --- tests --- */

static unsigned
suite_named(const char *name)
{
    const struct rf_srtp_suite *s = rf_srtp_suite_named(rf_span_str(name));

    if (s == NULL)
        abort();
    return s->id;
}

/* TEL-20, TEL-25: any of {RTP, suite} to any, both ways, RTCP in both mux states. */
static void
test_pairs(void)
{
    static const char *const names[] = { NULL,
                                         "AES_CM_128_HMAC_SHA1_80",
                                         "AES_CM_128_HMAC_SHA1_32",
                                         "AEAD_AES_256_GCM",
                                         "AEAD_AES_128_GCM_8",
                                         "AES_192_CM_HMAC_SHA1_80",
                                         "AES_CM_128_NULL_AUTH" };
    enum { N = sizeof names / sizeof names[0] };

    begin();
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            bool media = true, rtcp = true;
            struct end a, b;
            struct rf_media_name name;

            end_init(&a, "192.0.2.10:4000", names[i] ? suite_named(names[i]) : 0, (i + j) % 2 == 0, 0xaaaa);
            end_init(&b, "198.51.100.5:6000", names[j] ? suite_named(names[j]) : 0, j % 2 == 0, 0xbbbb);
            name = call(&a, &b);
            for (unsigned k = 0; k < 20; k++) {
                media = talk(name, &a, 0, &b, k % 4 == 1) && media;
                media = talk(name, &b, 1, &a, k % 4 == 2) && media;
            }
            for (unsigned k = 0; k < 3; k++) {
                rtcp = report(name, &a, 0, &b, true, 0, 0) && rtcp;
                rtcp = report(name, &b, 1, &a, false, 0, 0) && rtcp;
            }
            ok(media, "TEL-20 %s to %s: RTP both ways, extension, CSRC and padding as they came",
               names[i] ? names[i] : "RTP", names[j] ? names[j] : "RTP");
            ok(rtcp, "RTCP both ways, %s to %s", a.mux ? "muxed" : "own port", b.mux ? "muxed" : "own port");
            if (counts(name, 0)->in_packets != 20 || counts(name, 1)->out_packets != 20 ||
                counts(name, 0)->in_authentic != (names[i] != NULL && strstr(names[i], "NULL") == NULL ? 20 : 0) ||
                counts(name, 0)->in_clear != (names[i] != NULL ? 0 : 20) ||
                counts(name, 1)->out_encrypted != (names[j] != NULL ? 20 : 0))
                ok(false, "the counters say so");
            request((struct rf_media_request){ .command = RF_MEDIA_CLOSE, .session = name });
            w.now_us += RF_MEDIA_REST_US;
            end_fini(&a);
            end_fini(&b);
        }
    end();
}

/* TEL-25, TEL-26: forged and replayed packets are dropped and counted, and change nothing. */
static void
test_hostile(void)
{
    struct end a, b;
    struct rf_media_name name;
    uint8_t captured[RF_FRAME_ROOM];
    struct rf_addr attacker = addr("203.0.113.66:9");
    bool through = false;
    struct rf_frame f;
    size_t n;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 0, true, 0xbbbb);
    name = call(&a, &b);
    n = protect(&a, memory[0], make_rtp(&a, memory[0], false), false);
    memcpy(captured, memory[0], n);
    f = frame(0, n, name, 0, RF_PORT_RTP, a.addr);
    ok(pass(&f, 1), "a packet passes");
    memcpy(memory[0], captured, n);
    f = frame(0, n, name, 0, RF_PORT_RTP, attacker);
    ok(!pass(&f, 1) && counts(name, 0)->in_replayed == 1, "TEL-25 the same again is a replay");
    for (unsigned i = 0; i < 5000; i++) {
        memcpy(memory[0], captured, n);
        rf_set16(memory[0] + 2, (uint16_t)(i * 13));
        memory[0][20] ^= 1;
        if (i % 3 == 0)
            rf_set32(memory[0] + 8, i);
        f = frame(0, n, name, 0, RF_PORT_RTP, attacker);
        through = pass(&f, 1) || through;
        w.now_us += 100;
    }
    ok(!through && counts(name, 0)->in_auth_failed + counts(name, 0)->in_replayed >= 5000,
       "TEL-26 5000 forged packets: none passes, all are counted");
    ok(events_of(RF_MEDIA_AUTH_BAD) == 1, "RF-308 is told once");
    ok(talk(name, &a, 0, &b, false), "TEL-26 and the stream is unharmed");
    ok(rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot), &a.addr), "media still goes where it went");

    /* The same packet twice in one batch. */
    n = protect(&a, memory[0], make_rtp(&a, memory[0], false), false);
    memcpy(memory[1], memory[0], n);
    {
        struct rf_frame two[2] = { frame(0, n, name, 0, RF_PORT_RTP, a.addr),
                                   frame(1, n, name, 0, RF_PORT_RTP, a.addr) };

        pass(two, 2);
        ok(two[0].is_to_send && !two[1].is_to_send, "TEL-25 a replay within one batch is dropped");
    }
    /* To the plain leg, from elsewhere, when it is latched. */
    ok(talk(name, &b, 1, &a, false), "the plain leg speaks");
    n = make_rtp(&b, memory[0], false);
    f = frame(0, n, name, 1, RF_PORT_RTP, attacker);
    ok(!pass(&f, 1) && counts(name, 1)->in_foreign == 1, "a foreign source does not get into a plain stream");
    ok(rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot + 1), &b.addr), "nor does it take it");
    memset(memory[0], 0, 20);
    f = frame(0, 20, name, 1, RF_PORT_RTP, b.addr);
    ok(!pass(&f, 1) && counts(name, 1)->in_other == 1, "STUN is not relayed");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* Design 5: an authenticated packet moves the leg, also back; an old one does not. */
static void
test_follow(void)
{
    struct end a, b;
    struct rf_media_name name;
    struct rf_addr elsewhere = addr("203.0.113.7:5000"), old;
    uint8_t late[RF_FRAME_ROOM];
    struct rf_frame f;
    size_t n;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 3, true, 0xbbbb);
    name = call(&a, &b);
    talk(name, &a, 0, &b, false);
    n = protect(&a, late, make_rtp(&a, late, false), false);
    old = a.addr;
    a.addr = elsewhere;
    w.moved = 0;
    ok(talk(name, &a, 0, &b, false) && w.moved == 1, "SRTP from a new address passes and moves the leg");
    ok(talk(name, &b, 1, &a, false), "the answer goes there");
    memcpy(memory[0], late, n);
    f = frame(0, n, name, 0, RF_PORT_RTP, old);
    ok(pass(&f, 1) && rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot), &elsewhere),
       "a late packet by the old path passes and moves nothing");
    restart();
    ok(rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot), &elsewhere), "a new process knows what was learnt");
    a.leg.peer = addr("192.0.2.99:7000");
    change(name, 0, &a);
    ok(rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot), &a.leg.peer), "a CHANGE with another peer forgets it");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* Nothing in clear on a leg that requires SRTP (I3), in any state. */
static void
test_required(void)
{
    struct end a, b;
    struct rf_media_name name;
    struct rf_frame f;
    bool leaked = false;

    begin();
    end_init(&a, "192.0.2.10:4000", 0, true, 0xaaaa); /* plain caller */
    end_init(&b, "198.51.100.5:6000", 1, true, 0xbbbb);
    name = open_session(0);
    change(name, 0, &a);

#define LEAKS(what)                                                                                           \
    leaked = false;                                                                                           \
    for (unsigned i_ = 0; i_ < 10; i_++) {                                                                    \
        f = frame(0, make_rtp(&a, memory[0], false), name, 0, RF_PORT_RTP, a.addr);                           \
        leaked = pass(&f, 1) || leaked;                                                                       \
    }                                                                                                         \
    ok(!leaked, "required, %s: nothing leaves", what)

    LEAKS("before any CHANGE");
    b.leg.tx.suite = 0;
    b.leg.may_send = 1;
    change(name, 1, &b);
    LEAKS("no key yet, although sending is allowed");
    ok(counts(name, 1)->out_refused >= 10, "and that is counted");
    b.leg.tx = b.gets;
    b.leg.may_send = 0;
    change(name, 1, &b);
    LEAKS("on hold");
    b.leg.may_send = 1;
    change(name, 1, &b);
    ok(talk(name, &a, 0, &b, false), "with a key it goes out encrypted");
    b.leg.tx.suite = 0;
    change(name, 1, &b);
    LEAKS("the key is taken away");
    b.leg.tx = b.gets;
    change(name, 1, &b);
    ok(talk(name, &a, 0, &b, false), "the same key again goes on where it was");
    b.leg.rx_count = 0;
    change(name, 1, &b);
    f = frame(0, make_rtp(&b, memory[0], false), name, 1, RF_PORT_RTP, b.addr);
    ok(!pass(&f, 1) && counts(name, 1)->in_clear_refused == 1, "required: plain RTP is not accepted");
    ok(counts(name, 1)->out_clear == 0 && counts(name, 0)->out_packets == 0, "the counters agree");

    f = (struct rf_frame){ .packet = memory[0], .octets = 172, .leg = 2 * name.slot + 1, .is_to_send = true };
    ok(!rf_relay_may_leave(w.relay, &f), "a clear frame is stopped at the last moment, whoever made it");
    end_fini(&a);
    end_fini(&b);
    end();
#undef LEAKS
}

static void
skip_to(struct end *e, uint16_t seq)
{
    e->seq = seq;
}

/* TEL-40, RFC 4568 7.1.4, RFC 3711 3.3.1. */
static void
test_rekey(bool peer_resets)
{
    struct end a, b;
    struct rf_media_name name;
    struct rf_srtp_key first, again;
    bool good = true;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, true, 0xbbbb);
    name = call(&a, &b);
    for (unsigned seq = 100; seq <= 70000; seq += 500) { /* past a wrap: ROC 1 */
        skip_to(&a, (uint16_t)seq);
        skip_to(&b, (uint16_t)seq);
        good = talk(name, &a, 0, &b, false) && talk(name, &b, 1, &a, false) && good;
    }
    ok(good && a.tx_stream.roc == 1 && b.rx_stream.roc == 1, "both ways past a wrap of the sequence number");
    change(name, 0, &a);
    ok(talk(name, &a, 0, &b, false) && talk(name, &b, 1, &a, false), "TEL-40 the same key again keeps the ROC");

    /* New keys on leg 0. We start anew with ours; the peer keeps its ROC, or not. */
    first = a.gets;
    end_keys(&a, key(1), key(1));
    a.rx_stream = (struct rf_srtp_stream){ 0 };
    if (peer_resets)
        a.tx_stream = (struct rf_srtp_stream){ 0 };
    else
        rf_srtp_stream_rekey(&a.tx_stream);
    ok(change(name, 0, &a) && talk(name, &a, 0, &b, false) && talk(name, &b, 1, &a, false),
       "TEL-40 new keys, peer %s its ROC: both ways go on", peer_resets ? "resets" : "keeps");
    good = true;
    for (unsigned i = 0; i < 10; i++)
        good = talk(name, &a, 0, &b, false) && talk(name, &b, 1, &a, false) && good;
    ok(good, "and stay");
    restart();
    ok(talk(name, &a, 0, &b, false) && talk(name, &b, 1, &a, false), "also in a new process");

    /* A key that was replaced never comes back (I1). */
    again = a.leg.tx;
    a.leg.tx = first;
    change(name, 0, &a);
    ok(!talk(name, &b, 1, &a, false) && counts(name, 0)->out_refused > 0, "a key that was replaced is not used again");
    a.leg.tx = again;
    change(name, 0, &a);
    ok(!talk(name, &b, 1, &a, false), "nor is the one that was replaced by it");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* Two keys to receive with, no MKI: the old one and the new one during a re-keying. */
static void
test_two_keys(void)
{
    struct end a, b;
    struct rf_media_name name;
    struct rf_srtp_ctx *old_tx;
    bool good = true;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 0, true, 0xbbbb);
    name = call(&a, &b);
    talk(name, &a, 0, &b, false);
    old_tx = a.tx;
    a.tx = NULL;
    a.leg.rx[1] = a.leg.rx[0];
    a.leg.rx[0] = key(1);
    a.leg.rx_count = 2;
    change(name, 0, &a);
    a.tx = old_tx;
    good = talk(name, &a, 0, &b, false) && good;
    good = talk(name, &a, 0, &b, false) && good;
    ok(good, "re-keying: packets under the old key still pass");
    rf_srtp_ctx_free(old_tx);
    if (rf_srtp_ctx_new(&a.tx, &a.leg.rx[0], NULL) != RF_OK)
        abort();
    good = talk(name, &a, 0, &b, false) && talk(name, &a, 0, &b, false);
    ok(good, "and those under the new one do");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* (I1): what left under one key never has an index twice, whatever the peer does with its SSRCs. */
static void
test_indices(void)
{
    static struct { uint32_t ssrc; uint16_t seq; } seen[4000];
    size_t seen_count = 0, doubles = 0;
    struct end a, b;
    struct rf_media_name name;

    begin();
    end_init(&a, "192.0.2.10:4000", 0, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 3, true, 0xbbbb);
    name = call(&a, &b);
    for (unsigned i = 0; i < 3000; i++) {
        struct rf_frame f;

        a.ssrc = 1 + (i * 7 / 5) % 20; /* more than fit */
        a.seq = (uint16_t)(1000 + (i * 37) % 60 + i);
        f = frame(0, make_rtp(&a, memory[0], false), name, 0, RF_PORT_RTP, a.addr);
        if (i % 500 == 499)
            restart();
        if (!pass(&f, 1))
            continue;
        for (size_t k = 0; k < seen_count; k++)
            doubles += seen[k].ssrc == a.ssrc && seen[k].seq == (uint16_t)(a.seq - 1);
        seen[seen_count].ssrc = a.ssrc;
        seen[seen_count++].seq = (uint16_t)(a.seq - 1);
    }
    ok(doubles == 0 && seen_count > 300,
       "no index leaves twice under one key: 20 SSRCs, repeated numbers, restarts (%zu left, %zu twice)", seen_count,
       doubles);
    end_fini(&a);
    end_fini(&b);
    end();
}

static void
test_session_life(void)
{
    struct end a, b;
    struct rf_media_name name, other;
    struct rf_media_reply r;
    const struct rf_media_session *s;
    struct rf_frame f;
    unsigned open = 0;

    begin();
    end_init(&a, "192.0.2.10:4000", 0, false, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, false, 0xbbbb);
    name = open_session(10);
    f = frame(0, make_rtp(&a, memory[0], false), name, 0, RF_PORT_RTP, a.addr);
    ok(!pass(&f, 1) && counts(name, 0)->in_other == 1, "before a CHANGE nothing is relayed");
    change(name, 0, &a);
    change(name, 1, &b);
    ok(events_of(RF_MEDIA_STARTED) == 0, "no event before a packet");
    w.event_is_full = true;
    talk(name, &a, 0, &b, false);
    talk(name, &a, 0, &b, false);
    w.event_is_full = false;
    ok(events_of(RF_MEDIA_STARTED) == 0, "an event that finds no room waits");
    for (unsigned i = 0; i < 20; i++)
        rf_relay_tick(w.relay, w.now_us);
    ok(events_of(RF_MEDIA_STARTED) == 1, "and comes later, once");

    w.now_us += 9900000;
    for (unsigned i = 0; i < 20; i++)
        rf_relay_tick(w.relay, w.now_us);
    ok(events_of(RF_MEDIA_TIMEOUT) == 0, "9.9 s of silence are below the timeout");
    w.now_us += 200000;
    talk(name, &b, 1, &a, false);
    for (unsigned k = 0; k < 3; k++)
        for (unsigned i = 0; i < 20; i++)
            rf_relay_tick(w.relay, w.now_us);
    ok(events_of(RF_MEDIA_TIMEOUT) == 1 && w.event[w.events - 1].leg == 0, "10 s: TIMEOUT, of that leg, once");
    talk(name, &a, 0, &b, false);
    w.now_us += 11000000;
    for (unsigned i = 0; i < 20; i++)
        rf_relay_tick(w.relay, w.now_us);
    ok(events_of(RF_MEDIA_TIMEOUT) == 3, "again after media came back, of both");

    a.leg.may_receive = 0;
    change(name, 0, &a);
    f = frame(0, make_rtp(&a, memory[0], false), name, 0, RF_PORT_RTP, a.addr);
    ok(!pass(&f, 1) && counts(name, 0)->in_packets == 4, "on hold: counted and dropped");

    r = request((struct rf_media_request){ .command = RF_MEDIA_CLOSE, .session = name, .cookie = 77 });
    ok(r.event == RF_MEDIA_CLOSED && r.cookie == 77, "CLOSE");
    s = rf_media_map_find(w.map, name);
    ok(s != NULL && s->leg[0].counts.in_packets == 4, "the final numbers are in the map");
    {
        static const struct rf_srtp_key none;

        ok(memcmp(&s->leg[1].set.tx, &none, sizeof none) == 0 && memcmp(&s->leg[1].set.rx[0], &none, sizeof none) == 0,
           "and the keys are not");
    }
    f = frame(0, make_rtp(&a, memory[0], false), name, 0, RF_PORT_RTP, a.addr);
    ok(!pass(&f, 1), "a late packet goes nowhere");
    ok(!change(name, 0, &a), "a late CHANGE finds it gone");
    ok(request((struct rf_media_request){ .command = RF_MEDIA_CLOSE, .session = name }).event == RF_MEDIA_GONE,
       "so does a second CLOSE");
    for (unsigned i = 0; i < SLOTS; i++)
        open += open_session(0).generation != 0;
    ok(open == SLOTS - 1, "a slot rests after a CLOSE");
    ok(request((struct rf_media_request){ .command = RF_MEDIA_OPEN, .family = { 4, 4 } }).event == RF_MEDIA_FULL,
       "no slot: FULL");
    w.now_us += RF_MEDIA_REST_US;
    other = open_session(0);
    ok(other.slot == name.slot && other.generation == name.generation + 2, "after it the slot is used again");
    ok(rf_media_map_find(w.map, name) == NULL, "and the old name finds nothing");

    /* Another signal process: what it adopts stays, what it does not is swept. */
    ok(request((struct rf_media_request){ .command = RF_MEDIA_ADOPT, .session = other, .epoch = 9 }).event ==
           RF_MEDIA_ADOPTED, "ADOPT");
    request((struct rf_media_request){ .command = RF_MEDIA_SWEEP, .epoch = 9 });
    ok(rf_relay_open_count(w.relay) == 1 && rf_media_map_find(w.map, other)->leg[0].port != 0,
       "SWEEP closes the others");
    ok(request((struct rf_media_request){ .command = RF_MEDIA_ADOPT, .session = other, .epoch = 8 }).event ==
           RF_MEDIA_GONE, "an older process cannot take it back");

    /* An OPEN that was done before its answer was lost. */
    w.now_us += RF_MEDIA_REST_US;
    r = request((struct rf_media_request){ .command = RF_MEDIA_OPEN, .family = { 4, 4 }, .epoch = 9, .cookie = 5 });
    restart();
    other = r.session;
    r = request((struct rf_media_request){ .command = RF_MEDIA_OPEN, .family = { 4, 4 }, .epoch = 9, .cookie = 5,
                                           .is_repeat = 1 });
    ok(r.event == RF_MEDIA_OPENED && r.session.slot == other.slot && r.session.generation == other.generation,
       "a repeated OPEN finds what it opened");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* A process dies at any moment of a CHANGE: the next one finishes it, or it never was (I2). */
static void
test_torn_change(void)
{
    struct end a, b, c;
    struct rf_media_name name;
    struct rf_media_leg_state *st;

    begin();
    end_init(&a, "192.0.2.10:4000", 0, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, true, 0xbbbb);
    end_init(&c, "198.51.100.77:6000", 3, true, 0xbbbb);
    name = call(&a, &b);
    talk(name, &a, 0, &b, false);
    st = &w.map->session[name.slot].leg[1];

    st->next = c.leg;
    memset(&st->next.peer, 0, sizeof st->next.peer);
    restart();
    ok(talk(name, &a, 0, &b, false), "before the commit mark: as if it never was");

    st->next = c.leg;
    st->pending = RF_MEDIA_PENDING_COMMIT | RF_MEDIA_PENDING_TX_NEW | RF_MEDIA_PENDING_PEER_NEW;
    memcpy(&st->set, &st->next, sizeof st->set / 2);
    restart();
    ok(talk(name, &a, 0, &c, false) && st->pending == 0, "after it: finished, half-written settings or not");

    st->learnt.sa.sa_family = AF_INET;
    st->learnt_torn = 1;
    restart();
    ok(rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot + 1), &c.addr), "a torn learnt address is not sent to");

    /* What another process left may be anything. */
    st->set.rx_count = 200;
    restart();
    ok(rf_relay_open_count(w.relay) == 0 && w.map->session[name.slot].generation % 2 == 0,
       "a session that makes no sense is closed");
    end_fini(&a);
    end_fini(&b);
    end_fini(&c);
    end();
}

static void
test_numbers(void)
{
    struct end a, b;
    struct rf_media_name name;
    uint64_t start_us;

    begin();
    end_init(&a, "192.0.2.10:4000", 0, false, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, false, 0xbbbb);
    a.leg.dtmf_payload = 101;
    name = call(&a, &b);
    for (unsigned i = 0; i < 100; i++) {
        if (i % 10 == 7)
            a.seq++; /* lost on the way */
        else
            talk(name, &a, 0, &b, false);
        w.now_us += 20000;
    }
    ok(counts(name, 0)->in_lost == 10, "RFC 3550 A.3: 10 of 100 lost (%d)", (int)counts(name, 0)->in_lost);
    ok(counts(name, 0)->in_jitter_us < 500, "even arrival has no jitter");
    for (unsigned i = 0; i < 100; i++) {
        talk(name, &a, 0, &b, false);
        w.now_us += i % 2 == 0 ? 10000 : 30000;
    }
    ok(counts(name, 0)->in_jitter_us > 5000 && counts(name, 0)->in_jitter_us < 10500,
       "RFC 3550 A.8: 10 ms off each time comes near 10 ms (%d)", (int)counts(name, 0)->in_jitter_us);
    {
        struct rf_frame f = frame(0, make_rtp(&a, memory[0], false), name, 0, RF_PORT_RTP, a.addr);

        memory[0][1] = 101;
        ok(pass(&f, 1) && counts(name, 0)->in_dtmf == 1, "telephone-event passes and is counted");
    }
    start_us = w.now_us;
    report(name, &a, 0, &b, true, 0, 0);
    w.now_us += 130000;
    report(name, &b, 1, &a, false, 0xaaaabbbb, 65536 / 10); /* held for 100 ms */
    ok(counts(name, 1)->rtt_us > 29000 && counts(name, 1)->rtt_us < 31000, "round trip from RTCP: 30 ms (%u), %d",
       counts(name, 1)->rtt_us, (int)(w.now_us - start_us));
    end_fini(&a);
    end_fini(&b);
    end();
}

int
main(void)
{
    if (rf_srtp_init("auto") != RF_OK)
        abort();
    test_pairs();
    test_hostile();
    test_follow();
    test_required();
    test_rekey(false);
    test_rekey(true);
    test_two_keys();
    test_indices();
    test_session_life();
    test_torn_change();
    test_numbers();
    return tap_done();
}
