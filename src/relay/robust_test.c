/*
 * relay/robust_test.c - what SRTP goes through in real calls: holds, new keys, other phones, long calls (issue: TEL-40)
 *
 * The far ends are strict receivers of RFC 3711: one key, the ROC as they believe it, a window of 128. What they cannot
 * open they do not hear.
 */
#include "relay/play.h"

/* One packet from a to b: heard, whatever number it bears when it comes out. */
static bool
heard(struct rf_media_name name, struct end *a, unsigned from, struct end *b)
{
    uint8_t plain[RF_FRAME_ROOM];
    size_t n = make_rtp(a, memory[0], false), out;
    struct rf_frame f;

    memcpy(plain, memory[0], n);
    f = frame(0, protect(a, memory[0], n, false), name, from, RF_PORT_RTP, a->addr);
    w.now_us += 20000;
    if (!pass(&f, 1))
        return false;
    out = unprotect(b, f.packet, f.octets, false);
    return out == n && memcmp(f.packet + 4, plain + 4, n - 4) == 0;
}

/* n packets each way; the first `late` of each way may get lost. */
static bool
talk_on(struct rf_media_name name, struct end *a, struct end *b, unsigned n, unsigned late)
{
    unsigned lost_a = 0, lost_b = 0, last_lost = 0;

    for (unsigned i = 0; i < n; i++) {
        if (!heard(name, a, 0, b)) {
            lost_a++;
            last_lost = i;
        }
        if (!heard(name, b, 1, a)) {
            lost_b++;
            last_lost = i;
        }
    }
    if (lost_a > late || lost_b > late || last_lost > late)
        diag("lost %u of %u from A, %u from B, the last in round %u", lost_a, n, lost_b, last_lost);
    return lost_a <= late && lost_b <= late && last_lost <= late;
}

/* Past `wraps` wraps of both sequence numbers, with a packet out of 500. */
static void
wrap(struct rf_media_name name, struct end *a, struct end *b, unsigned wraps)
{
    for (unsigned i = 0; i < wraps * 65536 / 500 + 50; i++) {
        heard(name, a, 0, b);
        heard(name, b, 1, a);
        a->seq += 499;
        b->seq += 499;
    }
}

/* The far end begins with new keys: each direction keeps its ROC or not, by its own custom. */
static void
new_keys(struct end *e, unsigned suite, bool keeps_roc)
{
    end_keys(e, key(suite), key(suite));
    if (keeps_roc) {
        rf_srtp_stream_rekey(&e->tx_stream);
        rf_srtp_stream_rekey(&e->rx_stream);
    } else {
        e->tx_stream = e->rx_stream = (struct rf_srtp_stream){ 0 };
    }
}

/* CHANGE as a call does it: the old key stays beside the new one until the ACK. */
static bool
change_keys(struct rf_media_name name, unsigned leg, struct end *e, const struct rf_srtp_key *old)
{
    bool good;

    e->leg.rx_count = 2;
    e->leg.rx[1] = *old;
    good = change(name, leg, e);
    e->leg.rx_count = 1;
    return good;
}

static const struct rekey {
    const char *what;
    bool keeps_roc, old_stays, new_ssrc, new_numbers;
    uint32_t shows;
} rekeys[] = {
    { "same SSRC, ROC kept", true, false, false, false, RF_SRTP_QUIRK_ROC_KEPT },
    { "same SSRC, ROC reset", false, false, false, false, RF_SRTP_QUIRK_ROC_RESET },
    { "same SSRC, ROC kept, the old key still listed", true, true, false, false, RF_SRTP_QUIRK_ROC_KEPT },
    { "same SSRC, ROC reset, the old key still listed", false, true, false, false, RF_SRTP_QUIRK_ROC_RESET },
    { "same SSRC, numbers begin anew, ROC reset", false, false, false, true, RF_SRTP_QUIRK_ROC_RESET },
    { "same SSRC, numbers begin anew, ROC reset, the old key still listed", false, true, false, true,
      RF_SRTP_QUIRK_ROC_RESET },
    { "another SSRC", false, false, true, true, 0 },
    { "another SSRC, the old key still listed", false, true, true, true, 0 },
};

/* TEL-40: new keys after three wraps, whatever the peer makes of its ROC; both ways go on and replays stay out. */
static void
test_rekey(const struct rekey *t, const char *suite)
{
    uint8_t old_packet[RF_FRAME_ROOM];
    struct end a, b;
    struct rf_srtp_key old;
    struct rf_media_name name;
    struct rf_frame f;
    size_t n;
    bool good;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named(suite), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named("AES_CM_128_HMAC_SHA1_80"), true, 0xbbbb);
    name = call(&a, &b);
    wrap(name, &a, &b, 3);
    n = protect(&a, old_packet, make_rtp(&a, old_packet, false), false);
    memcpy(memory[0], old_packet, n);
    f = frame(0, n, name, 0, RF_PORT_RTP, a.addr);
    good = a.tx_stream.roc == 3 && pass(&f, 1);
    unprotect(&b, f.packet, f.octets, false);

    old = a.sends;
    new_keys(&a, suite_named(suite), t->keeps_roc);
    if (t->new_ssrc)
        a.ssrc = 0xa2a2;
    if (t->new_numbers)
        a.seq = (uint16_t)(a.seq - 20000);
    if (t->new_ssrc) /* B hears another source by the same key */
        b.rx_stream = (struct rf_srtp_stream){ 0 };
    good = (t->old_stays ? change_keys(name, 0, &a, &old) : change(name, 0, &a)) && good;
    ok(good && talk_on(name, &a, &b, 60, 2), "TEL-40 %s: both ways go on (%s)", t->what, suite);
    ok((counts(name, 0)->quirks & (RF_SRTP_QUIRK_ROC_KEPT | RF_SRTP_QUIRK_ROC_RESET)) == t->shows,
       "TEL-40 %s: it is known what the peer does", t->what);

    memcpy(memory[0], old_packet, n);
    f = frame(0, n, name, 0, RF_PORT_RTP, a.addr);
    ok(!pass(&f, 1), "TEL-25 %s: a packet of before stays a replay", t->what);
    if (t->old_stays)
        change(name, 0, &a);
    restart();
    ok(talk_on(name, &a, &b, 60, 0), "TEL-40 %s: after the ACK, in a new process", t->what);
    wrap(name, &a, &b, 1);
    ok(talk_on(name, &a, &b, 60, 0), "TEL-40 %s: and over the next wrap", t->what);
    end_fini(&a);
    end_fini(&b);
    end();
}

/* B counts on during a hold, so many packets; A hears none of them, and hears again what comes after. */
static void
test_hold(unsigned count, bool arrives, const char *suite)
{
    struct end a, b;
    struct rf_media_name name;
    struct rf_frame f;
    bool silent = true;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named(suite), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named(suite), true, 0xbbbb);
    name = call(&a, &b);
    wrap(name, &a, &b, 1);
    b.leg.may_receive = a.leg.may_send = 0;
    change(name, 0, &a);
    change(name, 1, &b);
    for (unsigned i = 0; i < count; i++) {
        size_t n = protect(&b, memory[0], make_rtp(&b, memory[0], false), false);

        w.now_us += 20000;
        if (!arrives)
            continue;
        f = frame(0, n, name, 1, RF_PORT_RTP, b.addr);
        silent = !pass(&f, 1) && silent;
    }
    b.leg.may_receive = a.leg.may_send = 1;
    change(name, 0, &a);
    change(name, 1, &b);
    /* One packet is lost: it takes two in sequence. */
    ok(silent && talk_on(name, &a, &b, 100, 1), "hold of %u packets that %s, then resume (%s)", count,
       arrives ? "reach us" : "are lost", suite);
    end_fini(&a);
    end_fini(&b);
    end();
}

/*
 * A is joined to B, then to C by another suite (a transfer), then to B again; all of them use one SSRC, as some devices
 * do in every call. A's key stays: no index may leave to it twice.
 */
static void
test_replug(const char *suite_a, const char *suite_b, const char *suite_c)
{
    static bool used[8 * 65536];
    struct end a, b, c;
    struct rf_media_name name;
    bool good = true;
    unsigned twice = 0, outside = 0;

    memset(used, 0, sizeof used);
    begin();
    end_init(&a, "192.0.2.10:4000", suite_named(suite_a), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named(suite_b), true, 0x5151);
    end_init(&c, "203.0.113.9:7000", suite_named(suite_c), false, 0x5151);
    name = call(&a, &b);
    b.seq = 50000;
    for (unsigned round = 0; round < 6; round++) {
        struct end *e = round % 2 == 0 ? &b : &c;

        if (round > 0) {
            e->seq = (uint16_t)(e->seq + 9973 * round);
            /* B comes back with the keys of a call of its own: RFC 3264 makes a new offer of every transfer. */
            new_keys(e, e->sends.suite, false);
            good = change(name, 1, e) && good;
            e->tx_stream = e->rx_stream = (struct rf_srtp_stream){ 0 };
        }
        for (unsigned i = 0; i < 3000; i++) {
            uint32_t index;

            if (!heard(name, e, 1, &a)) {
                good = i < 2 && good;
                continue;
            }
            index = a.rx_stream.roc << 16 | a.rx_stream.s_l;
            if (index >= sizeof used)
                outside++;
            else if (used[index])
                twice++;
            else
                used[index] = true;
        }
        good = talk_on(name, &a, e, 20, 0) && good;
    }
    ok(good, "A %s is joined to %s and %s in turn, all of one SSRC: both ways are heard", suite_a, suite_b, suite_c);
    ok(twice == 0 && outside == 0, "and no index leaves twice under A's key (%u twice)", twice);
    end_fini(&a);
    end_fini(&b);
    end_fini(&c);
    end();
}

/*
 * A transfer takes A into another session after three wraps. By RFC 3711 it keeps its ROC while it keeps its key; with
 * another it may do either.
 */
static void
test_other_session(bool keeps_key, bool keeps_roc)
{
    struct end a, b, c;
    struct rf_media_name first, second;
    bool good;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 2, true, 0xbbbb);
    end_init(&c, "203.0.113.9:7000", 3, true, 0xcccc);
    first = call(&a, &b);
    wrap(first, &a, &b, 3);
    a.leg.rx_roc = rf_media_roc(&rf_media_map_find(w.map, first)->leg[0]);
    request((struct rf_media_request){ .command = RF_MEDIA_CLOSE, .session = first });
    end_keys(&a, keeps_key ? a.sends : key(1), key(1)); /* ours is new in any case */
    a.rx_stream = (struct rf_srtp_stream){ 0 };
    if (!keeps_key && keeps_roc)
        rf_srtp_stream_rekey(&a.tx_stream);
    else if (!keeps_key)
        a.tx_stream = (struct rf_srtp_stream){ 0 };
    second = call(&a, &c);
    good = a.leg.rx_roc == 3 && talk_on(second, &a, &c, 60, 0);
    wrap(second, &a, &c, 1);
    ok(good && talk_on(second, &a, &c, 60, 0),
       "TEL-40 a transfer into another session after three wraps, with %s key and its ROC %s",
       keeps_key ? "the same" : "another", keeps_key || keeps_roc ? "kept" : "reset");
    end_fini(&a);
    end_fini(&b);
    end_fini(&c);
    end();
}

/* Three phones ring and all send early media, each with keys of its own; the first one answers in the end. */
static void
test_forks(void)
{
    struct end a, fork[3];
    struct rf_media_name name;
    bool good = true;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    for (unsigned i = 0; i < 3; i++) {
        end_init(&fork[i], "198.51.100.5:6000", 1 + i, true, 0xb000 + i);
        rf_addr_set_port(&fork[i].addr, (uint16_t)(6000 + 2 * i));
        fork[i].leg.peer = fork[i].addr;
    }
    name = call(&a, &fork[0]);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 3; i++) {
            a.rx_stream = (struct rf_srtp_stream){ 0 }; /* of the SSRC that speaks now */
            good = change(name, 1, &fork[i]) && good;
            for (unsigned k = 0; k < 10; k++)
                good = heard(name, &fork[i], 1, &a) && heard(name, &a, 0, &fork[i]) && good;
        }
        if (round == 1)
            restart();
    }
    a.rx_stream = (struct rf_srtp_stream){ 0 };
    good = change(name, 1, &fork[0]) && good;
    ok(good && talk_on(name, &a, &fork[0], 50, 0),
       "early media of three phones with a key each, and the first one answers");
    ok(counts(name, 1)->out_refused == 0 && counts(name, 1)->in_replayed == 0, "nothing was held back");
    end_fini(&a);
    for (unsigned i = 0; i < 3; i++)
        end_fini(&fork[i]);
    end();
}

/* A peer whose library derives AES-192 keys as libsrtp before 2.8.0 did hears only those who do it too. */
static void
test_old_aes192(bool dies)
{
    struct rf_srtp_options options = { .allow_quirks = RF_SRTP_QUIRK_AES192_OLD };
    struct end a, b;
    struct rf_media_name name;
    bool good;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named("AES_192_CM_HMAC_SHA1_80"), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, true, 0xbbbb);
    rf_srtp_ctx_free(a.tx);
    rf_srtp_ctx_free(a.rx);
    if (rf_srtp_ctx_new(&a.tx, &a.sends, &options) != RF_OK || rf_srtp_ctx_new(&a.rx, &a.gets, &options) != RF_OK)
        abort();
    a.tx_stream.quirks = a.rx_stream.quirks = RF_SRTP_QUIRK_AES192_OLD;
    name = call(&a, &b);
    good = heard(name, &a, 0, &b);
    if (dies)
        restart();
    for (unsigned i = 0; i < 5; i++) {
        good = heard(name, &b, 1, &a) && (a.rx_stream.quirks & RF_SRTP_QUIRK_AES192_OLD) != 0 && good;
        good = heard(name, &a, 0, &b) && good;
    }
    ok(good && (counts(name, 0)->quirks & RF_SRTP_QUIRK_AES192_OLD) != 0,
       "AES-192 as older libsrtp derives it: learnt, shown, answered in kind%s", dies ? ", by a new process too" : "");
    ok((counts(name, 1)->quirks & RF_SRTP_QUIRK_AES192_OLD) == 0, "and not said of the other leg");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* FreeSWITCH, Asterisk and libre cut SRTCP tags of _32 suites to 32 bits too (TEL-20). */
static void
test_tag32(bool refused)
{
    struct end a, b;
    struct rf_media_name name;
    unsigned through = 0;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named("AES_CM_128_HMAC_SHA1_32"), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, true, 0xbbbb);
    a.leg.rtcp_tag32_refused = refused;
    name = call(&a, &b);
    for (unsigned i = 0; i < 5; i++) {
        size_t n = protect(&a, memory[0], make_rtcp(&a, memory[0], true, 0, 0), true);
        struct rf_frame f = frame(0, n - 6, name, 0, RF_PORT_RTP, a.addr); /* the tag's first 32 of 80 bits */

        through += pass(&f, 1) && unprotect(&b, f.packet, f.octets, true) > 0;
    }
    ok(through == (refused ? 0 : 5) && ((counts(name, 0)->quirks & RF_SRTP_QUIRK_RTCP_TAG32) != 0) == !refused,
       "TEL-20 32-bit SRTCP tags %s", refused ? "are refused where the operator says so" : "are accepted, and shown");
    ok(report(name, &b, 1, &a, true, 0, 0), "TEL-20 ours have 80 bits");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* The peer moved: new address, port and keys. A late packet of the old key from the old place moves nothing back. */
static void
test_move(void)
{
    struct end a, b;
    struct rf_media_name name;
    struct rf_addr old_place;
    struct rf_srtp_key old;
    uint8_t late[RF_FRAME_ROOM];
    struct rf_frame f;
    size_t n;
    bool good;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 2, true, 0xbbbb);
    name = call(&a, &b);
    good = talk_on(name, &a, &b, 20, 0);
    old_place = a.addr;
    old = a.sends;
    n = protect(&a, late, make_rtp(&a, late, false), false);
    a.addr = a.leg.peer = addr("203.0.113.77:45000");
    new_keys(&a, 3, false);
    good = change_keys(name, 0, &a, &old) && good;
    memcpy(memory[0], late, n);
    f = frame(0, n, name, 0, RF_PORT_RTP, old_place);
    ok(good && pass(&f, 1), "a moved peer: a late packet under the old key from the old place is heard");
    unprotect(&b, f.packet, f.octets, false);
    ok(rf_addr_eq(rf_relay_target(w.relay, 2 * name.slot), &a.addr), "and media goes to the new place all the same");
    ok(talk_on(name, &a, &b, 20, 0) && change(name, 0, &a) && talk_on(name, &a, &b, 20, 0),
       "both ways go on there, also after the ACK");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* RFC 3264 6.1 as the relay sees it: leg A and B, may they send and receive. */
static void
test_directions(void)
{
    static const struct {
        const char *what;
        bool a_sends, a_listens, a_to_b, b_to_a;
    } steps[] = {
        { "sendrecv", true, true, true, true },   { "A sends only", true, false, true, false },
        { "inactive", false, false, false, false }, { "A listens only", false, true, false, true },
        { "sendrecv again", true, true, true, true },
    };
    struct end a, b;
    struct rf_media_name name;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 2, true, 0xbbbb);
    name = call(&a, &b);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        bool good = true;

        a.leg.may_receive = b.leg.may_send = steps[i].a_sends;
        a.leg.may_send = b.leg.may_receive = steps[i].a_listens;
        good = change(name, 0, &a) && change(name, 1, &b) && good;
        for (unsigned k = 0; k < 20; k++) {
            good = heard(name, &a, 0, &b) == steps[i].a_to_b && good;
            good = heard(name, &b, 1, &a) == steps[i].b_to_a && good;
            good = report(name, &a, 0, &b, true, 0, 0) == (b.leg.may_send != 0) && good;
        }
        ok(good, "direction: %s", steps[i].what);
    }
    end_fini(&a);
    end_fini(&b);
    end();
}

/* A source that changes its SSRC in the middle, speaks with several at once, and presses keys. */
static void
test_sources(void)
{
    struct end a, b;
    struct rf_srtp_stream tx[3] = { 0 }, rx[3] = { 0 };
    uint16_t seq[3] = { 65500, 7, 30000 };
    struct rf_media_name name;
    bool good = true;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xa0);
    end_init(&b, "198.51.100.5:6000", 3, true, 0xbbbb);
    a.leg.dtmf_payload = 101;
    name = call(&a, &b);
    for (unsigned i = 0; i < 900; i++) {
        unsigned k = i < 300 ? 0 : i < 600 ? 1 : i % 3; /* one, then another, then three at once */

        a.ssrc = 0xa0 + k;
        a.seq = seq[k]++;
        a.tx_stream = tx[k];
        b.rx_stream = rx[k];
        good = heard(name, &a, 0, &b) && good;
        tx[k] = a.tx_stream;
        rx[k] = b.rx_stream;
        if (i == 450)
            restart();
    }
    ok(good && counts(name, 1)->out_refused == 0,
       "another SSRC in the middle, then three at once, over a wrap: all is heard");
    b.rx_stream = rx[0];
    a.tx_stream = tx[0];
    a.ssrc = 0xa0;
    a.seq = seq[0];
    for (unsigned i = 0; i < 12; i++) { /* RFC 4733: a key for 100 ms, its end three times */
        size_t n = make_rtp(&a, memory[0], false);
        struct rf_frame f;

        memory[0][1] = (uint8_t)(101 | (i == 0 ? 0x80 : 0));
        memory[0][12] = 5;
        memory[0][13] = (uint8_t)(10 | (i >= 9 ? 0x80 : 0));
        n = 16;
        f = frame(0, protect(&a, memory[0], n, false), name, 0, RF_PORT_RTP, a.addr);
        good = pass(&f, 1) && unprotect(&b, f.packet, f.octets, false) == 16 && f.packet[12] == 5 &&
               (f.packet[13] >> 7) == (i >= 9) && good;
    }
    ok(good && counts(name, 0)->in_dtmf == 12, "a key pressed: its events pass, markers and ends as they came");
    end_fini(&a);
    end_fini(&b);
    end();
}

/* --- a long call --- */

struct ear {
    unsigned sent, lost, heard, gap, longest_gap; /* packets; lost: on the way to us, by chance */
};

static uint64_t chance = 20;
static const struct rf_rand rand_chance = { rf_rand_seeded_fill, &chance };

static void
one(struct rf_media_name name, struct end *from, unsigned leg, struct end *to, struct ear *ear)
{
    ear->sent++;
    if (rf_rand_u64(&rand_chance) % 20 == 0) {
        protect(from, memory[0], make_rtp(from, memory[0], false), false);
        w.now_us += 20000;
        ear->lost++;
        return;
    }
    if (heard(name, from, leg, to)) {
        ear->heard++;
        ear->gap = 0;
    } else if (++ear->gap > ear->longest_gap) {
        ear->longest_gap = ear->gap;
    }
}

static void
for_a_while(struct rf_media_name name, struct end *a, struct end *b, unsigned n, struct ear ear[2])
{
    for (unsigned i = 0; i < n; i++) {
        one(name, a, 0, b, &ear[0]);
        one(name, b, 1, a, &ear[1]);
    }
}

/* Four hours at 50 packets/s: hold, new keys, a transfer to a phone of another suite, a death, with 5 % of loss. */
static void
test_long_call(const char *suite_a, const char *suite_b, bool keeps_roc)
{
    struct end a, b, c;
    struct ear ear[2] = { 0 };
    struct rf_srtp_key old;
    struct rf_media_name name;

    begin();
    end_init(&a, "192.0.2.10:4000", suite_named(suite_a), true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", suite_named(suite_b), false, 0xbbbb);
    end_init(&c, "203.0.113.9:7000", suite_named("AEAD_AES_128_GCM"), true, 0xbbbb);
    name = call(&a, &b);
    for_a_while(name, &a, &b, 70000, ear);

    b.leg.may_receive = a.leg.may_send = 0; /* A holds B, which plays music on */
    change(name, 0, &a);
    change(name, 1, &b);
    for (unsigned i = 0; i < 105000; i++)
        heard(name, &b, 1, &a);
    b.leg.may_receive = a.leg.may_send = 1;
    change(name, 0, &a);
    change(name, 1, &b);
    for_a_while(name, &a, &b, 20000, ear);

    old = a.sends;
    new_keys(&a, suite_named(suite_a), keeps_roc);
    change_keys(name, 0, &a, &old);
    for_a_while(name, &a, &b, 10, ear);
    change(name, 0, &a);
    for_a_while(name, &a, &b, 70000, ear);

    c.seq = (uint16_t)(b.seq + 40000); /* the transfer's target has B's SSRC */
    change(name, 1, &c);
    for_a_while(name, &a, &c, 40000, ear);
    restart();
    for_a_while(name, &a, &c, 40000, ear);

    for (unsigned i = 0; i < 2; i++)
        ok(ear[i].heard + ear[i].lost + 6 >= ear[i].sent && ear[i].longest_gap <= 3,
           "%s of a call of %u packets (%s, %s, ROC %s): %u lost on the way by chance, %u heard, %u in a row not at most",
           i == 0 ? "A to B" : "B to A", ear[i].sent, suite_a, suite_b, keeps_roc ? "kept" : "reset", ear[i].lost,
           ear[i].heard, ear[i].longest_gap);
    end_fini(&a);
    end_fini(&b);
    end_fini(&c);
    end();
}

int
main(void)
{
    static const unsigned holds[] = { 100, 32800, 40000, 65400, 70000, 105000, 140000 };
    static const char *const suites[] = { "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM", "AES_192_CM_HMAC_SHA1_32" };

    if (rf_srtp_init("auto") != RF_OK)
        abort();
    for (size_t i = 0; i < sizeof rekeys / sizeof *rekeys; i++)
        for (size_t s = 0; s < 2; s++)
            test_rekey(&rekeys[i], suites[s]);
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++)
        test_hold(holds[i], true, suites[i % 3]);
    test_hold(40000, false, suites[0]);
    test_hold(70000, false, suites[1]);
    for (size_t i = 0; i < 3; i++)
        test_replug(suites[i], suites[(i + 1) % 3], suites[(i + 2) % 3]);
    test_other_session(true, true);
    test_other_session(false, true);
    test_other_session(false, false);
    test_forks();
    test_old_aes192(false);
    test_old_aes192(true);
    test_tag32(false);
    test_tag32(true);
    test_move();
    test_directions();
    test_sources();
    test_long_call("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM", false);
    test_long_call("AEAD_AES_256_GCM", "AES_192_CM_HMAC_SHA1_80", true);
    return tap_done();
}
