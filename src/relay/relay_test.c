/*
 * relay/relay_test.c - sessions and packets of one thread, without sockets (relay.h)
 */
#include "relay/play.h"

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
                                         "AES_CM_128_NULL_AUTH",
                                         "NULL_HMAC_SHA1_80" };
    enum { N = sizeof names / sizeof names[0] };

    begin();
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            bool media = true, rtcp = true;
            struct end a, b;
            struct rf_media_name name;

            end_init(&a, "192.0.2.10:4000", names[i] ? suite_named(names[i]) : 0, (i + j) % 2 == 0, 0xaaaa);
            end_init(&b, "198.51.100.5:6000", names[j] ? suite_named(names[j]) : 0, j % 2 == 0, 0xbbbb);
            a.leg.require_srtp = b.leg.require_srtp = 0;
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
                counts(name, 0)->in_unencrypted != (names[i] != NULL && names[i][0] == 'N' ? 20 : 0) ||
                counts(name, 0)->in_clear != (names[i] != NULL ? 0 : 20) ||
                counts(name, 1)->out_encrypted != (names[j] != NULL && names[j][0] != 'N' ? 20 : 0))
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

/* A packet that arrives so many packets late: does it pass? Once, that is. restarts: those packets came to a process
 * with a window of 64, and the late one to its successor. */
static bool
late_passes(uint16_t window, unsigned behind, bool restarts)
{
    uint8_t late[RF_FRAME_ROOM];
    struct end a, b;
    struct rf_media_name name;
    struct rf_frame f;
    bool good = true, again;
    size_t n;

    begin();
    rf_relay_free(w.relay);
    w.replay_window = restarts ? 64 : window;
    start();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 1, true, 0xbbbb);
    name = call(&a, &b);
    n = protect(&a, late, make_rtp(&a, late, false), false);
    for (unsigned i = 0; i < behind; i++)
        good = talk(name, &a, 0, &b, false) && good;
    if (!good)
        abort();
    w.replay_window = window;
    if (restarts)
        restart();
    for (unsigned i = 0; i < 2; i++) {
        again = good;
        memcpy(memory[0], late, n);
        f = frame(0, n, name, 0, RF_PORT_RTP, a.addr);
        good = pass(&f, 1);
    }
    if (good || counts(name, 0)->in_replayed != (again ? 1 : 2))
        ok(false, "TEL-25 it is taken once at most, and what is not is counted");
    end_fini(&a);
    end_fini(&b);
    end();
    return again;
}

static void
test_window(void)
{
    static const struct {
        uint16_t window;
        unsigned behind;
        bool restarts, want;
        const char *why;
    } cases[] = {
        { 0, 127, false, true, "128 packets unless it is set: 127 late" },
        { 0, 128, false, false, "128 packets unless it is set: 128 late" },
        { 64, 63, false, true, "a window of 64: 63 late" },
        { 64, 64, false, false, "a window of 64: 64 late" },
        { 1024, 1023, false, true, "a window of 1024: 1023 late, to the other side too" },
        { 1024, 1024, false, false, "a window of 1024: 1024 late" },
        { 512, 300, true, true, "a wider window after a restart: what came before it counts" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ok(late_passes(cases[i].window, cases[i].behind, cases[i].restarts) == cases[i].want, "TEL-25 %s",
           cases[i].why);
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

    end_keys(&b, key(suite_named("NULL_HMAC_SHA1_80")), key(suite_named("NULL_HMAC_SHA1_80")));
    change(name, 1, &b);
    LEAKS("TEL-29 a suite whose cipher is NULL");
    f = frame(0, protect(&b, memory[0], make_rtp(&b, memory[0], false), false), name, 1, RF_PORT_RTP, b.addr);
    ok(!pass(&f, 1) && counts(name, 1)->in_clear_refused == 2, "TEL-29 nor is it accepted");

    f = (struct rf_frame){ .packet = memory[0], .octets = 172, .leg = 2 * name.slot + 1, .is_to_send = true };
    ok(!rf_relay_may_leave(w.relay, &f), "a clear frame is stopped at the last moment, whoever made it");
    f.is_encrypted = true;
    ok(!rf_relay_may_leave(w.relay, &f), "so is one that a NULL cipher has passed");
    b.leg.tx.suite = 0;
    change(name, 1, &b);
    f.is_encrypted = false;
    ok(!rf_relay_may_leave(w.relay, &f), "and a clear one of a leg that has no key");
    end_fini(&a);
    end_fini(&b);
    end();
#undef LEAKS
}

/* TEL-29: UNENCRYPTED_SRTP and UNENCRYPTED_SRTCP. Where nobody allowed them they are no keys (I3); where they were,
 * packets are authenticated, and counted as what they are. */
static void
test_unencrypted(void)
{
    static const struct { const char *suite; uint8_t clear; const char *what; } cases[] = {
        { "AES_CM_128_HMAC_SHA1_80", RF_SRTP_CLEAR_RTP, "SRTP" },
        { "AES_256_CM_HMAC_SHA1_32", RF_SRTP_CLEAR_RTP | RF_SRTP_CLEAR_RTCP, "SRTP and SRTCP" },
        { "AES_192_CM_HMAC_SHA1_80", RF_SRTP_CLEAR_RTCP, "SRTCP" },
        { "AEAD_AES_256_GCM", RF_SRTP_CLEAR_RTCP, "SRTCP with GCM" },
        { "NULL_HMAC_SHA1_80", 0, "all, by a suite without a cipher," },
        { "NULL_HMAC_SHA1_32", 0, "all, by a suite without a cipher," },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_srtp_key keys[2] = { key(suite_named(cases[i].suite)), key(suite_named(cases[i].suite)) };
        bool rtp_is_clear = (rf_srtp_suite_leaves_clear(rf_srtp_suite(keys[0].suite), cases[i].clear) &
                             RF_SRTP_CLEAR_RTP) != 0;
        bool leaked = false, good = true;
        struct rf_media_name name;
        struct rf_frame f;
        struct end a, b;
        size_t n;

        begin();
        end_init(&a, "192.0.2.10:4000", 9, false, 0xaaaa);
        end_init(&b, "198.51.100.5:6000", 9, i % 2 == 0, 0xbbbb);
        keys[0].clear = keys[1].clear = cases[i].clear;
        end_keys(&b, keys[0], keys[1]);
        name = call(&a, &b);
        for (unsigned k = 0; k < 10; k++) {
            leaked = talk(name, &a, 0, &b, false) || leaked;
            leaked = talk(name, &b, 1, &a, false) || leaked;
            leaked = report(name, &a, 0, &b, true, 0, 0) || leaked;
        }
        ok(!leaked && counts(name, 1)->in_clear_refused == 10 && counts(name, 1)->out_refused == 20 &&
               counts(name, 1)->out_packets == 0,
           "required, %s in clear that nobody allowed: nothing leaves, nothing is taken", cases[i].what);

        b.leg.unencrypted_allowed = 1;
        change(name, 1, &b);
        for (unsigned k = 0; k < 5; k++) {
            if (k == 3)
                restart(); /* a new process derives the same from the map */
            good = talk(name, &a, 0, &b, k == 1) && talk(name, &b, 1, &a, k == 1) && good;
            good = report(name, &a, 0, &b, true, 0, 0) && report(name, &b, 1, &a, true, 0, 0) && good;
        }
        ok(good, "TEL-29 %s in clear, allowed: %s both ways, over a restart", cases[i].what, cases[i].suite);
        ok(counts(name, 1)->in_unencrypted == (rtp_is_clear ? 5 : 0) &&
               counts(name, 1)->in_authentic == (rtp_is_clear ? 0 : 5) && counts(name, 1)->in_clear == 0 &&
               counts(name, 1)->out_clear == (rtp_is_clear ? 5 : 0) &&
               counts(name, 1)->out_encrypted == (rtp_is_clear ? 0 : 5) &&
               (counts(name, 1)->clear_us > 0) == rtp_is_clear && counts(name, 0)->in_authentic == 5 + 10 &&
               counts(name, 0)->clear_us == 0,
           "and counted as what they are");

        f = frame(0, make_rtp(&b, memory[0], false), name, 1, RF_PORT_RTP, b.addr);
        ok(!pass(&f, 1) && counts(name, 1)->in_auth_failed + counts(name, 1)->in_malformed == 1,
           "plain RTP stays refused: it authenticates nobody");
        n = protect(&b, memory[0], make_rtp(&b, memory[0], false), false);
        memory[0][40] ^= 1;
        f = frame(0, n, name, 1, RF_PORT_RTP, b.addr);
        ok(!pass(&f, 1) && counts(name, 1)->in_auth_failed >= 1, "and so is what was changed on the way");
        end_fini(&a);
        end_fini(&b);
        end();
    }
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
    ok(rf_relay_open_count(w.relay) == 1 && rf_media_map_find(w.map, other)->leg[0].place[0].port != 0,
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

static struct rf_media_reply
extend(struct rf_media_name name, uint8_t family, bool is_repeat)
{
    return request((struct rf_media_request){ .command = RF_MEDIA_EXTEND, .session = name, .leg = 1,
                                              .family = { 0, family }, .is_repeat = is_repeat });
}

/* A leg with a port of each family speaks by that of its peer. */
static void
test_two_families(void)
{
    struct end a, b, v6;
    struct rf_media_name name;
    struct rf_media_reply r;
    uint32_t first, taken = 0;
    uint16_t port;

    begin();
    end_init(&a, "192.0.2.10:4000", 1, true, 0xaaaa);
    end_init(&b, "198.51.100.5:6000", 2, true, 0xbbbb);
    end_init(&v6, "[2001:db8::6]:6006", 1, true, 0xcccc);
    name = call(&a, &b);
    first = rf_relay_port(w.relay, 2 * name.slot + 1);
    r = extend(name, 4, false);
    ok(r.event == RF_MEDIA_EXTENDED && r.port[1] == rf_media_map_find(w.map, name)->leg[1].place[0].port,
       "EXTEND by the family that it has gives the port that it has");
    r = extend(name, 6, false);
    port = r.port[1];
    ok(r.event == RF_MEDIA_EXTENDED && r.leg == 1 && port != rf_media_map_find(w.map, name)->leg[1].place[0].port,
       "EXTEND by the other family gives another port");
    ok(extend(name, 6, true).port[1] == port, "a repeated EXTEND gives the same one");
    ok(rf_relay_port(w.relay, 2 * name.slot + 1) == first && talk(name, &a, 0, &b, false) && talk(name, &b, 1, &a, false),
       "media goes on at the first port meanwhile");
    memset(&a.rx_stream, 0, sizeof a.rx_stream); /* the far end's, for another SSRC */
    ok(change(name, 1, &v6) && rf_relay_port(w.relay, 2 * name.slot + 1) != first && talk(name, &a, 0, &v6, false) &&
           talk(name, &v6, 1, &a, false), "a peer of the other family is spoken to by its port");
    v6.leg.peer = (struct rf_addr){ 0 };
    ok(change(name, 1, &v6) && rf_relay_port(w.relay, 2 * name.slot + 1) != first, "a hold without an address stays there");
    v6.leg.peer = v6.addr;
    ok(change(name, 1, &v6), "and is resumed");
    restart();
    ok(rf_relay_open_count(w.relay) == 1 && rf_relay_port(w.relay, 2 * name.slot + 1) != first &&
           talk(name, &v6, 1, &a, false), "a new process has both ports and goes on by the one in use");
    ok(change(name, 1, &b) && rf_relay_port(w.relay, 2 * name.slot + 1) == first, "a peer of the first family comes back");
    request((struct rf_media_request){ .command = RF_MEDIA_CLOSE, .session = name });
    for (unsigned i = 0; i < 64; i++)
        taken += w.taken[i];
    ok(taken == 0, "CLOSE gives all ports back (%u are left)", taken);
    ok(extend(name, 6, false).event == RF_MEDIA_GONE, "EXTEND of a session that ended: GONE");
    end_fini(&a);
    end_fini(&b);
    end_fini(&v6);
    end();
}

/* What a peer's reports say of what it hears, and no more than can be (RFC 3550 6.4.1). */
static void
far_reports(struct rf_media_name name, struct end *a, struct end *b)
{
    b->far.about = a->ssrc + 1;
    b->far.lost = 9;
    report(name, b, 1, a, false, 0, 0);
    ok(counts(name, 1)->far_reports == 0, "a report on a stream that nobody sends is not counted");
    b->far.about = a->ssrc;
    b->far.lost = 7;
    b->far.jitter = 80;
    report(name, b, 1, a, false, 0, 0);
    ok(counts(name, 1)->far_reports == 1 && counts(name, 1)->far_lost == 7 && counts(name, 1)->far_jitter_us == 10000,
       "a report on the other leg's stream: 7 lost, 10 ms");
    b->far.lost = 0xfffff0;
    report(name, b, 1, a, false, 0, 0);
    ok(counts(name, 1)->far_lost == 0, "duplicates there are no loss");
    b->far.lost = 0x7fffff;
    b->far.jitter = UINT32_MAX;
    report(name, b, 1, a, false, 0, 0);
    ok(counts(name, 1)->far_lost == counts(name, 1)->out_packets && counts(name, 1)->far_jitter_us == 10000000,
       "nobody loses more than was sent, nor keeps it for an hour");
    b->far.lost = 3;
    report(name, b, 1, a, false, 0, 0);
    a->ssrc ^= 0x10101010;
    talk(name, a, 0, b, false);
    b->far.about = a->ssrc;
    b->far.lost = 2;
    report(name, b, 1, a, false, 0, 0);
    ok(counts(name, 1)->far_lost == 5, "the loss of an earlier stream stays counted: %d",
       (int)counts(name, 1)->far_lost);
}

/* Leg A is plain RTP: its time in clear is that of packets, not of silence. */
static void
clear_time(struct rf_media_name name, struct end *a, struct end *b)
{
    uint64_t before = counts(name, 0)->clear_us, took;

    w.now_us += 60000000;
    for (int i = 0; i < 50; i++, w.now_us += 20000)
        talk(name, a, 0, b, false);
    took = counts(name, 0)->clear_us - before;
    ok(took >= 980000 && took <= 1020000, "after a minute of silence 50 packets are a second in clear: %d us",
       (int)took);
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
    far_reports(name, &a, &b);
    clear_time(name, &a, &b);
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
    test_window();
    test_follow();
    test_required();
    test_unencrypted();
    test_session_life();
    test_two_families();
    test_numbers();
    return tap_done();
}
