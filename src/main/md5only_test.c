/*
 * main/md5only_test.c - who is challenged with MD5 alone
 */
#include "main/md5only.h"

#include "tap.h"

#define S 1000000ull

int
main(void)
{
    struct rf_span old = RF_SPAN_LIT("201"), modern = RF_SPAN_LIT("202"), none = { NULL, 0 };
    struct rf_addr here, there;
    struct rf_md5_only *m;

    if (rf_addr_parse(RF_SPAN_LIT("192.0.2.1"), 5060, &here) != RF_OK ||
        rf_addr_parse(RF_SPAN_LIT("192.0.2.2"), 5060, &there) != RF_OK || rf_md5_only_new(&m, &rf_rand_system) != RF_OK)
        return 1;
    ok(!rf_md5_only_ask(m, old, &here, none, 1 * S), "the first challenge is the list");
    ok(!rf_md5_only_ask(m, old, &here, none, 1 * S + 1000), "and again, when it is asked for at once");
    ok(rf_md5_only_ask(m, old, &here, none, 30 * S), "who answered nothing and asks again gets MD5 alone");
    rf_md5_only_answered(m, old, &here, RF_DIGEST_MD5);
    rf_addr_set_port(&here, 40000);
    ok(rf_md5_only_ask(m, old, &here, none, 600 * S), "and from then on, also from another port");
    ok(!rf_md5_only_ask(m, old, &there, none, 600 * S), "the same user's other phone gets the list");

    ok(!rf_md5_only_ask(m, modern, &here, none, 1 * S), "a phone that reads lists gets one");
    rf_md5_only_answered(m, modern, &here, RF_DIGEST_SHA256);
    ok(!rf_md5_only_ask(m, modern, &here, none, 60 * S), "and gets it again");
    rf_md5_only_answered(m, modern, &here, RF_DIGEST_SHA256);
    rf_md5_only_answered(m, old, &here, RF_DIGEST_SHA256);
    ok(!rf_md5_only_ask(m, old, &here, none, 700 * S), "a phone that was updated gets the list as well");

    ok(rf_md5_only_ask(m, modern, &there, RF_SPAN_LIT("baresip v1.0.0 (x86_64/linux)"), 1 * S),
       "baresip 1.0 is known for it");
    for (int i = 0; i < RF_MD5_ONLY_MAX + 100; i++) {
        char name[16];

        snprintf(name, sizeof name, "u%d", i);
        (void)rf_md5_only_ask(m, rf_span_str(name), &here, none, 800 * S);
    }
    ok(!rf_md5_only_ask(m, rf_span_str("u0"), &here, none, 900 * S), "the oldest is forgotten when too many ask");
    rf_md5_only_free(m);
    return tap_done();
}
