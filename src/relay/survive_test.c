/*
 * relay/survive_test.c - what must outlast new keys and dead processes: rollover counters, indices, settings
 */
#include "relay/play.h"

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
    struct rf_srtp_stream before, second;
    struct rf_srtp_ctx *old_rx;
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
    before = a.rx_stream;
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

    /* A key that comes back goes on where it was left (I1): the far end has its window for each. */
    again = a.gets;
    second = a.rx_stream;
    if (rf_srtp_ctx_new(&old_rx, &first, NULL) != RF_OK)
        abort();
    for (unsigned i = 0; i < 3; i++) {
        struct rf_srtp_ctx *swap = a.rx;

        a.leg.tx = i % 2 == 0 ? first : again;
        a.rx = old_rx;
        old_rx = swap;
        a.gets = a.leg.tx;
        if (i % 2 == 0)
            second = a.rx_stream, a.rx_stream = before;
        else
            before = a.rx_stream, a.rx_stream = second;
        change(name, 0, &a);
        good = talk(name, &b, 1, &a, false) && talk(name, &b, 1, &a, false) && good;
    }
    ok(good, "a key that was replaced and comes back goes on where it was, and so does the other one");
    rf_srtp_ctx_free(old_rx);
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
    st->pending = RF_MEDIA_PENDING_COMMIT | RF_MEDIA_PENDING_PEER_NEW;
    st->next_tx_serial = 2;
    st->next_rx_serial[0] = 2;
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

int
main(void)
{
    if (rf_srtp_init("auto") != RF_OK)
        abort();
    test_rekey(false);
    test_rekey(true);
    test_two_keys();
    test_indices();
    test_torn_change();
    return tap_done();
}
