/* The search with a real rf_dns: names of a hosts file, and a server that is not there. */
#include "route/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tap.h"

static struct rf_loop *loop;
static int woken;

static void
ready(struct rf_search *s, uint64_t now_us)
{
    woken++;
}

static const struct rf_resolve_conf conf = { .udp = true,
                                             .tcp = true,
                                             .tls = true,
                                             .ipv4 = true,
                                             .ipv6 = true,
                                             .ipv4_first = true,
                                             .rand = &rf_rand_system };

int
main(void)
{
    struct rf_dns_conf dns_conf = RF_DNS_CONF;
    char hosts[] = "/tmp/rf-search-XXXXXX", text[RF_ADDR_TEXT_MAX];
    FILE *f = fdopen(mkstemp(hosts), "w");
    struct rf_search s = { 0 };
    struct rf_sip_uri uri;
    struct rf_target t;
    struct rf_dns *dns;
    struct rf_addr nobody;
    enum rf_err err = RF_ERR_AGAIN;
    uint64_t end_us;

    fputs("192.0.2.50 host.example\n2001:db8::50 host.example\n", f);
    fclose(f);
    rf_assert(rf_loop_new(&loop) == RF_OK);
    rf_assert(rf_addr_parse_port(RF_SPAN_LIT("127.0.0.1:1"), &nobody) == RF_OK);
    dns_conf.server = &nobody;
    dns_conf.server_count = 1;
    dns_conf.hosts = hosts;
    dns_conf.timeout_ms = 50;
    rf_assert(rf_dns_new(&dns, loop, &dns_conf, &rf_rand_system) == RF_OK);
    unlink(hosts);
    rf_search_end(&s);

    rf_assert(rf_sip_uri_parse(RF_SPAN_LIT("sips:201@192.0.2.7"), &uri) == RF_OK);
    ok(rf_search_begin(&s, dns, &uri, &conf) == RF_OK && rf_search_next(&s, &t, rf_now_us()) == RF_OK &&
           t.transport == RF_TLS,
       "a numeric host is there at once");
    ok(rf_search_next(&s, &t, rf_now_us()) == RF_ERR_NOT_FOUND, "and there is no other");

    rf_assert(rf_sip_uri_parse(RF_SPAN_LIT("sip:201@host.example:5070"), &uri) == RF_OK);
    ok(rf_search_begin(&s, dns, &uri, &conf) == RF_OK && rf_search_next(&s, &t, rf_now_us()) == RF_OK &&
           strcmp(rf_addr_text(&t.addr, text), "192.0.2.50:5070") == 0,
       "a name that is remembered, too: %s", text);
    ok(rf_search_next(&s, &t, rf_now_us()) == RF_OK && t.addr.sa.sa_family == AF_INET6,
       "its other family next");

    rf_assert(rf_sip_uri_parse(RF_SPAN_LIT("sip:201@far.example:5070"), &uri) == RF_OK);
    rf_assert(rf_search_begin(&s, dns, &uri, &conf) == RF_OK);
    s.ready = ready;
    err = rf_search_next(&s, &t, rf_now_us());
    ok(err == RF_ERR_AGAIN, "another name must be asked for");
    end_us = rf_now_us() + 10 * RF_S;
    for (int seen = 0; err == RF_ERR_AGAIN && rf_now_us() < end_us;) {
        rf_loop_once(loop, 20 * RF_MS);
        if (woken == seen)
            continue;
        seen = woken;
        err = rf_search_next(&s, &t, rf_now_us());
    }
    ok(err == RF_ERR_TIMEOUT && woken == 2, "a dead DNS server is told apart from a name that is not there");
    rf_assert(rf_sip_uri_parse(RF_SPAN_LIT("sip:201@other.example"), &uri) == RF_OK);
    rf_assert(rf_search_begin(&s, dns, &uri, &conf) == RF_OK);
    s.ready = ready;
    woken = 0;
    rf_assert(rf_search_next(&s, &t, rf_now_us()) == RF_ERR_AGAIN);
    rf_search_end(&s);
    for (int i = 0; i < 30; i++)
        rf_loop_once(loop, 20 * RF_MS);
    ok(woken == 0, "a search that ended is not called");
    rf_dns_free(dns);
    rf_loop_free(loop);
    return tap_done();
}
