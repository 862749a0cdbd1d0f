/*
 * relay/learn_test.c - who may move the media: the rules of learn.h as a table; and parked streams, and the checks
 * of control messages
 */
#include "relay/learn.h"
#include "relay/streams.h"
#include "tap.h"

static struct rf_addr
addr(const char *text)
{
    struct rf_addr a = { 0 };

    if (text != NULL && rf_addr_parse_port(rf_span_str(text), &a) != RF_OK)
        abort();
    return a;
}

/* Addresses: .10 the phone as signalled, 203.0.113.7 the NAT's public side, 198.51.100.66 somebody else. */
static const struct {
    const char *what;
    const char *from, *peer, *sip, *learnt;
    bool symmetric, authentic, newest;
    enum rf_learn_strength learnt_how;
    uint32_t since_s, packets;
    enum rf_learn_verdict want;
} cases[] = {
    { "SRTP from the signalled address", "192.0.2.10:4000", "192.0.2.10:4000", NULL, NULL, true, true, true, 0, 0,
      0, RF_LEARN_ACCEPT },
    { "SRTP that authenticates moves the leg", "203.0.113.7:5000", "192.0.2.10:4000", NULL, NULL, true, true, true,
      0, 0, 0, RF_LEARN_FOLLOW },
    { "SRTP moves it again after an hour (NAT rebinding)", "203.0.113.7:6000", "192.0.2.10:4000", NULL,
      "203.0.113.7:5000", true, true, true, 0, 3600, 50, RF_LEARN_FOLLOW },
    { "SRTP: a late packet by the old path does not move it back", "203.0.113.7:5000", "192.0.2.10:4000", NULL,
      "203.0.113.7:6000", true, true, false, 0, 3600, 50, RF_LEARN_ACCEPT },
    { "SRTP without leave to follow", "203.0.113.7:5000", "192.0.2.10:4000", NULL, NULL, false, true, true, 0, 0, 0,
      RF_LEARN_REFUSE },
    { "plain without leave to follow, from the signalled address", "192.0.2.10:4000", "192.0.2.10:4000", NULL, NULL,
      false, false, false, 0, 0, 0, RF_LEARN_ACCEPT },
    { "plain: the first packet from the signalled address latches", "203.0.113.9:4000", "203.0.113.9:4000", NULL,
      NULL, true, false, false, 0, 0, 0, RF_LEARN_FOLLOW },
    { "plain, public SDP address: another port of that host may latch", "203.0.113.9:4711", "203.0.113.9:4000", NULL,
      NULL, true, false, false, 0, 0, 0, RF_LEARN_FOLLOW },
    { "plain, public SDP address: another host may not, even first", "198.51.100.66:4000", "203.0.113.9:4000", NULL,
      NULL, true, false, false, 0, 0, 0, RF_LEARN_REFUSE },
    { "plain, private SDP address: the first source latches", "203.0.113.7:5000", "10.0.0.10:4000", NULL, NULL, true,
      false, false, 0, 0, 0, RF_LEARN_FOLLOW },
    { "plain, no SDP address yet: the first source latches", "203.0.113.7:5000", NULL, NULL, NULL, true, false,
      false, 0, 0, 0, RF_LEARN_FOLLOW },
    { "plain: the host that the SIP comes from displaces a stranger in the first 5 s", "203.0.113.7:5000",
      "10.0.0.10:4000", "203.0.113.7:5060", "198.51.100.66:9", true, false, false, RF_LEARN_ANYONE, 4, 49,
      RF_LEARN_FOLLOW },
    { "plain: but not after 5 s", "203.0.113.7:5000", "10.0.0.10:4000", "203.0.113.7:5060", "198.51.100.66:9", true,
      false, false, RF_LEARN_ANYONE, 5, 10, RF_LEARN_REFUSE },
    { "plain: nor after 50 packets", "203.0.113.7:5000", "10.0.0.10:4000", "203.0.113.7:5060", "198.51.100.66:9",
      true, false, false, RF_LEARN_ANYONE, 1, 50, RF_LEARN_REFUSE },
    { "plain: a stranger never displaces the host of the SIP", "198.51.100.66:9", "10.0.0.10:4000",
      "203.0.113.7:5060", "203.0.113.7:5000", true, false, false, RF_LEARN_HOST, 1, 2, RF_LEARN_REFUSE },
    { "plain: a second stranger never displaces the first", "198.51.100.67:9", "10.0.0.10:4000", NULL,
      "198.51.100.66:9", true, false, false, RF_LEARN_ANYONE, 1, 2, RF_LEARN_REFUSE },
    { "plain: the latched source goes on", "203.0.113.7:5000", "10.0.0.10:4000", NULL, "203.0.113.7:5000", true,
      false, false, RF_LEARN_ANYONE, 900, 50, RF_LEARN_ACCEPT },
    { "plain: another port of the latched host does not steal after the start", "203.0.113.7:5001",
      "203.0.113.7:4000", NULL, "203.0.113.7:5000", true, false, false, RF_LEARN_HOST, 900, 50, RF_LEARN_REFUSE },
    { "plain IPv6: the first source latches where SDP is private", "[2001:db8::7]:5000", "[fd00::1]:4000", NULL,
      NULL, true, false, false, 0, 0, 0, RF_LEARN_FOLLOW },
};

static void
test_rules(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_addr from = addr(cases[i].from), peer = addr(cases[i].peer), sip = addr(cases[i].sip);
        struct rf_addr learnt = addr(cases[i].learnt);
        enum rf_learn_strength how;
        struct rf_learn_facts f = {
            .from = &from, .peer = &peer, .signalled_from = &sip, .learnt = &learnt,
            .symmetric = cases[i].symmetric, .is_authentic = cases[i].authentic, .is_newest = cases[i].newest,
            .learnt_how = cases[i].learnt_how, .since_us = cases[i].since_s * 1000000ull,
            .packets = cases[i].packets,
        };

        ok(rf_learn(&f, &how) == cases[i].want, "%s", cases[i].what);
    }
}

#define SSRCS (RF_MEDIA_SSRCS + RF_MEDIA_PARKED - 1)

static void
test_streams(void)
{
    static struct rf_media_streams map;
    struct rf_streams s;
    struct rf_srtp_stream x;
    bool good = true;

    rf_streams_load(&s, &map, 0, 1);
    for (uint32_t ssrc = 1; ssrc <= SSRCS; ssrc++) {
        rf_streams_recall(&s, ssrc, &x);
        x.s_l = (uint16_t)(1000 + ssrc);
        x.roc = ssrc;
        x.is_started = true;
        x.key = 1;
        good = good && rf_streams_adopt(&s, &x, ssrc) != NULL;
    }
    ok(good, "a leg takes %d SSRCs under one key", SSRCS);
    rf_streams_recall(&s, 99, &x);
    ok(rf_streams_adopt(&s, &x, 100) == NULL, "and refuses a further one rather than forget an index");
    rf_streams_recall(&s, 1, &x);
    ok(x.roc == 1 && x.s_l == 1001 && x.is_started && x.window[0] == UINT64_MAX,
       "a parked stream comes back with its index, and all before it counts as used");
    ok(rf_streams_adopt(&s, &x, 101) != NULL && rf_streams_find(&s, 1, 101) != NULL, "it is live again");
    rf_streams_load(&s, &map, 0, 1);
    ok(rf_streams_find(&s, 1, 102) != NULL, "and a new process finds it");

    rf_streams_load(&s, &map, 0, 1);
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        s.batch[i] = 200;
    rf_streams_recall(&s, 2, &x);
    ok(rf_streams_adopt(&s, &x, 200) == NULL, "a stream that the present batch uses is not evicted");

    rf_streams_load(&s, &map, 0, 2);
    rf_streams_recall(&s, 99, &x);
    ok(rf_streams_adopt(&s, &x, 300) != NULL, "under the next key what is parked makes room");
    rf_streams_recall(&s, 98, &x);
    ok(rf_streams_adopt(&s, &x, 301) != NULL && rf_streams_find(&s, 98, 301) != NULL, "also for another");
}

/* (I1) Sending: a stream belongs to a key, and waits for it. */
static void
test_streams_of_keys(void)
{
    static struct rf_media_streams map;
    struct rf_streams s;
    struct rf_srtp_stream x;
    bool good = true;

    rf_streams_load(&s, &map, 1, 1);
    rf_streams_recall(&s, 7, &x);
    ok(x.key == 1 && !x.is_started && !x.has_former, "an SSRC under the first key: nothing is known");
    x = (struct rf_srtp_stream){ .ssrc = 7, .key = 1, .roc = 3, .s_l = 500, .shift = 90, .rtcp_reserved = 64,
                                 .is_started = true };
    good = rf_streams_adopt(&s, &x, 1) != NULL;
    rf_streams_load(&s, &map, 2, 2);
    ok(good && rf_streams_find(&s, 7, 2) == NULL, "under the next key it is another stream");
    rf_streams_recall(&s, 7, &x);
    ok(x.key == 2 && !x.is_started && x.roc == 0 && x.shift == 90 && x.rtcp_reserved == 64 && x.has_former &&
           x.former_roc == 3 && x.former_s_l == 500, "which knows where the one before stood");
    good = rf_streams_adopt(&s, &x, 2) != NULL;
    rf_streams_load(&s, &map, 1, 1);
    ok(good && rf_streams_find(&s, 7, 3) != NULL && rf_streams_find(&s, 7, 3)->roc == 3,
       "the first key comes back: so does its stream");

    /* More than fit: the oldest keys are given up for good. */
    for (uint32_t key = 3; key < 40; key++) {
        rf_streams_load(&s, &map, key, key);
        rf_streams_recall(&s, 7, &x);
        x.is_started = true;
        good = good && x.rtcp_reserved == 64 && rf_streams_adopt(&s, &x, key) != NULL;
    }
    ok(good && map.key_over >= 20 && map.key_over < 39, "40 keys: those up to %u are over", map.key_over);
}

static void
test_checks(void)
{
    struct rf_media_request good = { .version = RF_MEDIA_VERSION, .command = RF_MEDIA_CHANGE,
                                     .session = { 0, 1 } }, q;
    struct rf_media_reply r = { .version = RF_MEDIA_VERSION, .event = RF_MEDIA_OPENED, .session = { 0, 1 },
                                .port = { 2, 4 } };

#define REFUSED(change_, why)                                                                                 \
    q = good;                                                                                                 \
    change_;                                                                                                  \
    ok(rf_media_request_check(&q, sizeof q) == RF_ERR_RANGE, "request refused: %s", why)

    ok(rf_media_request_check(&good, sizeof good) == RF_OK, "a CHANGE that sets nothing is fine");
    ok(rf_media_request_check(&good, sizeof good - 1) == RF_ERR_RANGE, "request refused: short");
    REFUSED(q.version = RF_MEDIA_VERSION + 1, "another version");
    REFUSED(q.command = 0, "no command");
    REFUSED(q.command = RF_MEDIA_EXTEND + 1, "unknown command");
    REFUSED((q.command = RF_MEDIA_CLOSE, q.session.generation = 1, q.is_ahead = 2), "CLOSE ahead of nothing");
    REFUSED(q.leg = 2, "third leg");
    REFUSED(q.session.generation = 0, "no session");
    REFUSED(q.change.tx.suite = 200, "unknown suite");
    REFUSED(q.change.rx_count = 3, "more keys than there is room for");
    REFUSED(q.change.rx_count = 1, "a receive key without a suite");
    REFUSED(q.change.tx.mki_octets = 129, "MKI too long");
    REFUSED(q.change.tx.clear = 1, "in clear without a suite");
    REFUSED((q.change.tx.suite = 9, q.change.tx.clear = 4), "a session parameter that does not exist");
    REFUSED((q.change.tx.suite = 1, q.change.tx.clear = RF_SRTP_CLEAR_RTP), "SRTP with GCM in clear (RFC 7714 8.2)");
    REFUSED(q.change.unencrypted_allowed = 2, "neither allowed nor not");
    REFUSED(q.change.may_send = 2, "neither yes nor no");
    REFUSED(q.change.peer.sa.sa_family = AF_UNIX, "an address of another family");
    REFUSED(q.change.peer = addr("224.0.0.1:4000"), "multicast destination");
    REFUSED(q.change.peer_rtcp = addr("255.255.255.255:4000"), "broadcast destination");
    REFUSED(q.change.peer = addr("[ff02::1]:4000"), "IPv6 multicast destination");
    REFUSED(q.change.clock_rate = 192001, "a clock rate that no format has");
    REFUSED(q.change.dtmf_payload = 128, "payload type above 127");
    good.command = RF_MEDIA_OPEN;
    good.family[0] = good.family[1] = 4;
    ok(rf_media_request_check(&good, sizeof good) == RF_OK, "an OPEN");
    REFUSED(q.family[1] = 5, "family 5");
    REFUSED(q.timeout_s = RF_MEDIA_TIMEOUT_MAX_S + 1, "timeout above a day");
    good = (struct rf_media_request){ .version = RF_MEDIA_VERSION, .command = RF_MEDIA_EXTEND, .session = { 0, 1 },
                                      .leg = 1, .family = { 0, 6 } };
    ok(rf_media_request_check(&good, sizeof good) == RF_OK, "an EXTEND");
    REFUSED(q.leg = 0, "EXTEND by no family");
    REFUSED(q.leg = 2, "EXTEND of a third leg");
    REFUSED(q.session.generation = 0, "EXTEND of no session");

    ok(rf_media_reply_check(&r, sizeof r) == RF_OK, "a reply");
    r.session.generation = 2;
    ok(rf_media_reply_check(&r, sizeof r) == RF_ERR_RANGE, "reply refused: a session that is free");
    r.session.generation = 1;
    r.event = RF_MEDIA_EXTENDED + 1;
    ok(rf_media_reply_check(&r, sizeof r) == RF_ERR_RANGE, "reply refused: unknown event");
    r.event = RF_MEDIA_EXTENDED;
    r.leg = 1;
    ok(rf_media_reply_check(&r, sizeof r) == RF_OK, "EXTENDED");
    r.port[1] = 0;
    ok(rf_media_reply_check(&r, sizeof r) == RF_ERR_RANGE, "reply refused: EXTENDED without a port");
    r.event = RF_MEDIA_TIMEOUT;
    r.leg = 2;
    ok(rf_media_reply_check(&r, sizeof r) == RF_ERR_RANGE, "reply refused: third leg");
#undef REFUSED
}

int
main(void)
{
    test_rules();
    test_streams();
    test_streams_of_keys();
    test_checks();
    return tap_done();
}
