/*
 * relay/play.h - for the tests of this folder: a relay whose ports are only numbers, and far ends that talk through it
 *
 * The far ends are played with src/srtp: what comes out of the relay is decrypted and compared.
 */
#ifndef RF_RELAY_PLAY_H
#define RF_RELAY_PLAY_H

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
    uint16_t replay_window; /* of the relay that `start` makes */
} w;

static inline enum rf_err
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

static inline bool
io_claim(void *ctx, unsigned family, uint32_t leg, uint32_t index, uint16_t port)
{
    if (index >= 64 || w.taken[index] || port != 10000 + 2 * index)
        return false;
    return w.taken[index] = true;
}

static inline void
io_give(void *ctx, uint32_t index, uint64_t now_us)
{
    w.taken[index] = false;
}

static inline void
io_moved(void *ctx, uint32_t index)
{
    w.moved++;
}

static inline bool
io_event(void *ctx, uint32_t worker, const struct rf_media_reply *event)
{
    if (w.event_is_full || w.events == MAX_EVENTS)
        return false;
    w.event[w.events++] = *event;
    return true;
}

static const struct rf_relay_io io = { NULL, io_take, io_claim, io_give, io_moved, io_event };

static inline void
start(void)
{
    if (rf_relay_new(&w.relay, w.map, 0, w.replay_window, &io, w.now_us) != RF_OK)
        abort();
}

static inline void
begin(void)
{
    memset(&w, 0, sizeof w);
    w.now_us = 1000000000;
    if (rf_media_map_new(1, SLOTS, &w.fd) != RF_OK || rf_media_map_attach(w.fd, 1, SLOTS, 64, true, &w.map) != RF_OK)
        abort();
    start();
}

static inline void
end(void)
{
    rf_relay_free(w.relay);
    rf_media_map_detach(w.map);
    close(w.fd);
}

/* The process dies, and another goes on from the map. */
static inline void
restart(void)
{
    rf_relay_free(w.relay);
    memset(w.taken, 0, sizeof w.taken);
    start();
}

static inline unsigned
events_of(uint32_t event)
{
    unsigned n = 0;

    for (unsigned i = 0; i < w.events; i++)
        n += w.event[i].event == event;
    return n;
}

static inline struct rf_media_reply
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
    struct { uint32_t about, lost, jitter; } far; /* what its reports say */
};

static inline struct rf_addr
addr(const char *text)
{
    struct rf_addr a;

    if (rf_addr_parse_port(rf_span_str(text), &a) != RF_OK)
        abort();
    return a;
}

static inline unsigned
suite_named(const char *name)
{
    const struct rf_srtp_suite *s = rf_srtp_suite_named(rf_span_str(name));

    if (s == NULL)
        abort();
    return s->id;
}

static inline struct rf_srtp_key
key(unsigned suite)
{
    struct rf_srtp_key k = { .suite = (uint8_t)suite };

    if (suite != 0) {
        rf_rand_fill(&rf_rand_system, k.key, rf_srtp_suite(suite)->key_octets);
        rf_rand_fill(&rf_rand_system, k.salt, rf_srtp_suite(suite)->salt_octets);
    }
    return k;
}

static inline void
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

static inline void
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

static inline void
end_fini(struct end *e)
{
    rf_srtp_ctx_free(e->tx);
    rf_srtp_ctx_free(e->rx);
}

static inline struct rf_media_name
open_session(uint32_t timeout_s)
{
    struct rf_media_reply r =
        request((struct rf_media_request){ .command = RF_MEDIA_OPEN, .family = { 4, 4 }, .timeout_s = timeout_s });

    return r.event == RF_MEDIA_OPENED ? r.session : (struct rf_media_name){ 0 };
}

static inline bool
change(struct rf_media_name name, unsigned leg, const struct end *e)
{
    return request((struct rf_media_request){
               .command = RF_MEDIA_CHANGE, .session = name, .leg = leg, .change = e->leg }).event ==
           RF_MEDIA_CHANGED;
}

static uint8_t memory[RF_BATCH_MAX][RF_FRAME_ROOM];

/* An RTP packet of end e in frame f: extension, CSRC and padding bits stay as they are on the way. */
static inline size_t
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

static inline size_t
protect(struct end *e, uint8_t *p, size_t n, bool is_rtcp)
{
    struct rf_srtp_job job = { .ctx = e->tx, .stream = &e->tx_stream, .packet = p, .octets = n,
                               .room = RF_FRAME_ROOM, .is_rtcp = is_rtcp };

    if (e->tx == NULL)
        return n;
    rf_srtp_protect(&job, 1);
    return job.result == RF_OK ? job.octets : 0;
}

static inline size_t
unprotect(struct end *e, uint8_t *p, size_t n, bool is_rtcp)
{
    struct rf_srtp_job job = { .ctx = e->rx, .stream = &e->rx_stream, .packet = p, .octets = n,
                               .room = RF_FRAME_ROOM, .is_rtcp = is_rtcp };

    if (e->rx == NULL)
        return n;
    rf_srtp_unprotect(&job, 1);
    return job.result == RF_OK ? job.octets : 0;
}

static inline struct rf_frame
frame(unsigned i, size_t octets, struct rf_media_name name, unsigned leg, unsigned port, struct rf_addr from)
{
    return (struct rf_frame){ .packet = memory[i], .octets = (uint32_t)octets, .leg = 2 * name.slot + leg,
                              .port = (uint8_t)port, .addr = from };
}

/* Through the relay; true: it comes out, and may leave. Counted as sent. */
static inline bool
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
static inline bool
talk(struct rf_media_name name, struct end *a, unsigned from, struct end *b, bool with_extras)
{
    uint8_t plain[RF_FRAME_ROOM];
    size_t n = make_rtp(a, memory[0], with_extras), out;
    struct rf_frame f;
    bool is_same;

    memcpy(plain, memory[0], n);
    f = frame(0, protect(a, memory[0], n, false), name, from, RF_PORT_RTP, a->addr);
    if (!pass(&f, 1) || f.is_encrypted != (b->gets.suite != 0) || !rf_addr_eq(&f.addr, &b->addr))
        return false;
    /* What may be encrypted is, and what must not be is not. */
    is_same = memcmp(f.packet + n - 160, plain + n - 160, 160) == 0;
    if (b->gets.suite != 0 &&
        is_same != (rf_srtp_suite(b->gets.suite)->has_null_cipher || (b->gets.clear & RF_SRTP_CLEAR_RTP) != 0))
        return false;
    out = unprotect(b, f.packet, f.octets, false);
    return out == n && memcmp(f.packet, plain, n) == 0;
}

static inline size_t
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
    rf_set32(p + head, e->far.about);
    rf_set32(p + head + 4, e->far.lost & 0xffffff);
    rf_set32(p + head + 12, e->far.jitter);
    rf_set32(p + head + 16, lsr);
    rf_set32(p + head + 20, dlsr);
    return head + 24;
}

static inline bool
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

static inline struct rf_media_counts *
counts(struct rf_media_name name, unsigned leg)
{
    return rf_relay_counts(w.relay, 2 * name.slot + leg);
}

static inline struct rf_media_name
call(struct end *a, struct end *b)
{
    struct rf_media_name name = open_session(0);

    if (name.generation == 0 || !change(name, 0, a) || !change(name, 1, b))
        abort();
    return name;
}

#endif
