/* What is remembered of peers, for how long, and how many of them (route/peers.h). */
#include "route/peers.h"

#include "loop/wheel.h"
#include "tap.h"

static struct rf_addr
addr(const char *text)
{
    struct rf_addr a;

    rf_assert(rf_addr_parse_port(rf_span_str(text), &a) == RF_OK);
    return a;
}

int
main(void)
{
    uint64_t seed = 7, now_us = 1000 * RF_S;
    const struct rf_rand rand = { rf_rand_seeded_fill, &seed };
    struct rf_addr a = addr("192.0.2.1:5060"), b = addr("192.0.2.1:5061"), v6 = addr("[2001:db8::1]:5060");
    struct rf_peers *p;

    rf_assert(rf_peers_new(&p, &rand) == RF_OK);
    ok(rf_peers_look(p, RF_TCP, &a, now_us) == RF_PEER_UNKNOWN, "nothing is known at first");
    rf_peers_note(p, RF_TCP, &a, RF_PEER_FAILED, 10, now_us);
    ok(rf_peers_look(p, RF_TCP, &a, now_us) == RF_PEER_FAILED, "a peer failed");
    ok(rf_peers_look(p, RF_UDP, &a, now_us) == RF_PEER_UNKNOWN && rf_peers_look(p, RF_TCP, &b, now_us) == RF_PEER_UNKNOWN &&
           rf_peers_look(p, RF_TCP, &v6, now_us) == RF_PEER_UNKNOWN,
       "not by another transport, port or address");
    ok(rf_peers_look(p, RF_TCP, &a, now_us + 10 * RF_S - 1) == RF_PEER_FAILED &&
           rf_peers_look(p, RF_TCP, &a, now_us + 10 * RF_S) == RF_PEER_UNKNOWN,
       "for its time and no longer");
    rf_peers_note(p, RF_TCP, &a, RF_PEER_WORKS, 60, now_us + 1);
    ok(rf_peers_look(p, RF_TCP, &a, now_us + 2) == RF_PEER_WORKS && rf_peers_count(p) == 1, "what is told later holds");
    rf_peers_note(p, RF_UDP, &v6, RF_PEER_WAITS, 60, now_us + 2);
    ok(rf_peers_look(p, RF_UDP, &v6, now_us + 3) == RF_PEER_WAITS, "IPv6");
    for (unsigned i = 0; i < 2 * RF_PEERS_MAX; i++) {
        struct rf_addr more = addr("198.51.100.1:1");

        rf_addr_set_port(&more, (uint16_t)(i + 1));
        rf_peers_note(p, RF_TCP, &more, RF_PEER_FAILED, 600, now_us + 3);
        rf_peers_note(p, RF_UDP, &v6, RF_PEER_WAITS, 60, now_us + 3);
    }
    ok(rf_peers_count(p) == RF_PEERS_MAX, "%zu are remembered and no more", rf_peers_count(p));
    ok(rf_peers_look(p, RF_UDP, &v6, now_us + 4) == RF_PEER_WAITS && rf_peers_look(p, RF_TCP, &a, now_us + 4) == RF_PEER_UNKNOWN,
       "the one that was told of least recently gives way");
    rf_peers_free(p);
    rf_peers_free(NULL);
    return tap_done();
}
