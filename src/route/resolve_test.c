/* RFC 3263 against a table of records; no network. */
#include "route/resolve.h"

#include <stdio.h>
#include <string.h>
#include "tap.h"

struct record {
    const char *name;
    enum rf_dns_type type;
    int a, b, port;              /* SRV: priority, weight, port; NAPTR: order, preference */
    const char *value, *service; /* address, target or replacement; NAPTR service */
};

static const struct record zone[] = {
    { "full.example", RF_DNS_NAPTR, 90, 50, 0, "_sip._tcp.full.example", "SIP+D2T" },
    { "full.example", RF_DNS_NAPTR, 50, 50, 0, "_sips._tcp.full.example", "SIPS+D2T" },
    { "full.example", RF_DNS_NAPTR, 100, 50, 0, "_sip._udp.full.example", "SIP+D2U" },
    { "full.example", RF_DNS_NAPTR, 1, 1, 0, "_sip._sctp.full.example", "SIP+D2S" },
    { "_sips._tcp.full.example", RF_DNS_SRV, 10, 0, 5071, "one.full.example", NULL },
    { "_sips._tcp.full.example", RF_DNS_SRV, 20, 0, 5072, "two.full.example", NULL },
    { "_sip._tcp.full.example", RF_DNS_SRV, 10, 0, 5060, "one.full.example", NULL },
    { "_sip._udp.full.example", RF_DNS_SRV, 10, 0, 5060, "one.full.example", NULL },
    { "one.full.example", RF_DNS_A, 0, 0, 0, "192.0.2.1", NULL },
    { "one.full.example", RF_DNS_AAAA, 0, 0, 0, "2001:db8::1", NULL },
    { "two.full.example", RF_DNS_A, 0, 0, 0, "192.0.2.2", NULL },
    { "_sip._udp.srv.example", RF_DNS_SRV, 10, 0, 5080, "one.full.example", NULL },
    { "plain.example", RF_DNS_A, 0, 0, 0, "192.0.2.3", NULL },
    { "plain.example", RF_DNS_A, 0, 0, 0, "192.0.2.4", NULL },
    { "_sip._udp.closed.example", RF_DNS_SRV, 0, 0, 0, "", NULL },
    { "closed.example", RF_DNS_A, 0, 0, 0, "192.0.2.5", NULL },
    { "_sips._tls.pool.example", RF_DNS_SRV, 1, 0, 5061, "two.full.example", NULL },
    { "_sips._tcp.pool.example", RF_DNS_SRV, 1, 0, 5061, "one.full.example", NULL },
};

static struct rf_dns_answer answer;
static int asked;

static void
look_up(enum rf_dns_type type, const char *name)
{
    memset(&answer, 0, sizeof answer);
    answer.type = type;
    answer.status = RF_DNS_NO_NAME;
    asked++;
    if (strncmp(name, "down", 4) == 0)
        answer.status = RF_DNS_FAILED;
    for (size_t i = 0; i < sizeof zone / sizeof *zone; i++) {
        const struct record *z = &zone[i];
        struct rf_dns_record *r = &answer.record[answer.count];

        if (z->type != type || strcmp(z->name, name) != 0)
            continue;
        answer.status = RF_DNS_FOUND;
        answer.count++;
        if (type == RF_DNS_A || type == RF_DNS_AAAA) {
            rf_assert(rf_addr_parse(rf_span_str(z->value), 0, &r->addr) == RF_OK);
        } else if (type == RF_DNS_SRV) {
            r->srv.priority = (uint16_t)z->a;
            r->srv.weight = (uint16_t)z->b;
            r->srv.port = (uint16_t)z->port;
            snprintf(r->srv.target, sizeof r->srv.target, "%s", z->value);
        } else {
            r->naptr.order = (uint16_t)z->a;
            r->naptr.preference = (uint16_t)z->b;
            snprintf(r->naptr.flags, sizeof r->naptr.flags, "s");
            snprintf(r->naptr.service, sizeof r->naptr.service, "%s", z->service);
            snprintf(r->naptr.replacement, sizeof r->naptr.replacement, "%s", z->value);
        }
    }
}

static uint64_t seed = 1;
static const struct rf_rand rand_seeded = { rf_rand_seeded_fill, &seed };

static const struct rf_resolve_conf all = { .udp = true,
                                            .tcp = true,
                                            .tls = true,
                                            .ipv4 = true,
                                            .ipv6 = true,
                                            .ipv4_first = true,
                                            .rand = &rand_seeded };

static struct rf_resolve r;

/* All targets as text: "TLS 192.0.2.1:5071, ..."; or the error's name. */
static const char *
resolve(const char *text, const struct rf_resolve_conf *conf)
{
    static char out[2048];
    struct rf_buf b = rf_buf(out, sizeof out - 1);
    struct rf_sip_uri uri;
    struct rf_target t;
    enum rf_err err;

    asked = 0;
    if (rf_sip_uri_parse(rf_span_str(text), &uri) != RF_OK)
        return "the test's URI is broken";
    err = rf_resolve_begin(&r, &uri, conf);
    if (err != RF_OK)
        return rf_err_name(err);
    while ((err = rf_resolve_next(&r, &t)) != RF_ERR_NOT_FOUND) {
        if (err == RF_ERR_AGAIN) {
            look_up(r.question.type, r.question.name);
            rf_resolve_answer(&r, &answer);
            continue;
        }
        rf_putf(&b, "%s%s ", b.n > 0 ? ", " : "", rf_transport_name(t.transport));
        rf_put_addr(&b, &t.addr);
    }
    out[b.n] = '\0';
    return out;
}

static void
uris(void)
{
    static const struct {
        const char *uri, *want, *why;
    } cases[] = {
        { "sip:192.0.2.9", "UDP 192.0.2.9:5060", "numeric: UDP, at once" },
        { "sips:192.0.2.9", "TLS 192.0.2.9:5061", "numeric sips: TLS" },
        { "sip:[2001:db8::9]:5090;transport=tcp", "TCP [2001:db8::9]:5090",
          "numeric IPv6 with port and transport" },
        { "sip:192.0.2.9;transport=tls", "TLS 192.0.2.9:5061", "transport=tls has its own port" },
        { "sips:192.0.2.9;transport=tcp", "TLS 192.0.2.9:5061", "sips over TCP is TLS" },
        { "sips:192.0.2.9;transport=udp", "ERR_UNSUPPORTED", "sips over UDP does not exist" },
        { "sip:192.0.2.9;transport=sctp", "ERR_UNSUPPORTED", "a transport we do not have" },
        { "tel:+4930123", "ERR_UNSUPPORTED", "tel has no server" },
        { "sip:x.example;maddr=192.0.2.8", "UDP 192.0.2.8:5060", "maddr wins" },
        { "sip:plain.example:5070", "UDP 192.0.2.3:5070, UDP 192.0.2.4:5070", "a port: addresses only" },
        { "sips:plain.example:5070", "TLS 192.0.2.3:5070, TLS 192.0.2.4:5070", "a port with sips" },
        { "sip:plain.example", "UDP 192.0.2.3:5060, UDP 192.0.2.4:5060", "neither NAPTR nor SRV" },
        { "sips:plain.example", "TLS 192.0.2.3:5061, TLS 192.0.2.4:5061", "the same with sips" },
        { "sip:srv.example", "UDP 192.0.2.1:5080, UDP [2001:db8::1]:5080", "SRV without NAPTR" },
        { "sip:full.example",
          "TLS 192.0.2.1:5071, TLS [2001:db8::1]:5071, TLS 192.0.2.2:5072, TCP 192.0.2.1:5060, "
          "TCP [2001:db8::1]:5060, UDP 192.0.2.1:5060, UDP [2001:db8::1]:5060",
          "NAPTR order, then SRV priority, then families" },
        { "sips:full.example", "TLS 192.0.2.1:5071, TLS [2001:db8::1]:5071, TLS 192.0.2.2:5072",
          "sips keeps to SIPS+D2T" },
        { "sip:full.example;transport=tcp", "TCP 192.0.2.1:5060, TCP [2001:db8::1]:5060",
          "a transport: its SRV, no NAPTR" },
        { "sip:FULL.example.;transport=udp", "UDP 192.0.2.1:5060, UDP [2001:db8::1]:5060",
          "letter case, final dot" },
        { "sip:closed.example", "", "SRV target \".\": decidedly no service" },
        { "sip:closed.example:5060", "UDP 192.0.2.5:5060", "unless a port is given" },
        { "sip:nobody.example", "", "no such name" },
        { "sip:a..b.example", "ERR_SYNTAX", "no name at all" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_sip_uri uri;
        const char *got;

        if (rf_sip_uri_parse(rf_span_str(cases[i].uri), &uri) != RF_OK) {
            ok(strcmp(cases[i].want, "ERR_SYNTAX") == 0, "%s: %s", cases[i].uri, cases[i].why);
            continue;
        }
        got = resolve(cases[i].uri, &all);
        if (!ok(strcmp(got, cases[i].want) == 0, "TEL-18: %s: %s", cases[i].uri, cases[i].why))
            diag("%s", got);
    }
}

static void
settings(void)
{
    static const struct {
        const char *uri, *want, *why;
    } large[] = {
        { "sip:192.0.2.9", "TCP 192.0.2.9:5060, UDP 192.0.2.9:5060", "an address: TCP, then UDP" },
        { "sip:192.0.2.9:5070;transport=udp", "UDP 192.0.2.9:5070", "not where UDP is asked for" },
        { "sips:192.0.2.9", "TLS 192.0.2.9:5061", "sips never goes by UDP" },
        { "sip:plain.example:5070",
          "TCP 192.0.2.3:5070, TCP 192.0.2.4:5070, UDP 192.0.2.3:5070, UDP 192.0.2.4:5070", "a host with a port" },
        { "sip:plain.example", "TCP 192.0.2.3:5060, TCP 192.0.2.4:5060, UDP 192.0.2.3:5060, UDP 192.0.2.4:5060",
          "a host without SRV" },
        { "sip:srv.example", "UDP 192.0.2.1:5080, UDP [2001:db8::1]:5080", "a domain that has SRV of UDP alone" },
        { "sip:full.example",
          "TLS 192.0.2.1:5071, TLS [2001:db8::1]:5071, TLS 192.0.2.2:5072, TCP 192.0.2.1:5060, "
          "TCP [2001:db8::1]:5060, UDP 192.0.2.1:5060, UDP [2001:db8::1]:5060",
          "NAPTR's UDP is the last" },
    };
    struct rf_resolve_conf c = all;

    c.ipv4_first = false;
    ok(strcmp(resolve("sip:srv.example", &c), "UDP [2001:db8::1]:5080, UDP 192.0.2.1:5080") == 0,
       "IPv6 first");
    c.ipv4 = false;
    ok(strcmp(resolve("sip:srv.example", &c), "UDP [2001:db8::1]:5080") == 0, "IPv6 only");
    ok(strcmp(resolve("sip:192.0.2.1", &c), "ERR_UNSUPPORTED") == 0, "an IPv4 address then leads nowhere");
    c = all;
    c.avoid_udp = true;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        const char *got = resolve(large[i].uri, &c);

        if (!ok(strcmp(got, large[i].want) == 0, "a large request (RFC 3261 18.1.1): %s", large[i].why))
            diag("%s", got);
    }
    c = all;
    c.tls = false;
    ok(strcmp(resolve("sips:plain.example", &c), "ERR_UNSUPPORTED") == 0, "sips without TLS: never in clear");
    ok(strcmp(resolve("sip:full.example;transport=tls", &c), "ERR_UNSUPPORTED") == 0, "nor transport=tls");
    c = all;
    c.sips_tls_name = true;
    ok(strcmp(resolve("sips:pool.example;transport=tls", &c),
              "TLS 192.0.2.2:5061, TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061") == 0,
       "GEN-5: _sips._tls, then _sips._tcp");
    resolve("sip:down.example", &all);
    ok(r.had_failure, "a DNS failure is remembered");
    resolve("sips:full.example", &all);
    ok(strcmp(r.host, "full.example") == 0, "the certificate is for the URI's host, not for SRV's");
}

/* First targets only: addresses are looked up when their turn comes. */
static void
laziness(void)
{
    struct rf_sip_uri uri;
    struct rf_target t;
    enum rf_err err;

    asked = 0;
    rf_assert(rf_sip_uri_parse(RF_SPAN_LIT("sip:full.example"), &uri) == RF_OK);
    rf_assert(rf_resolve_begin(&r, &uri, &all) == RF_OK);
    while ((err = rf_resolve_next(&r, &t)) == RF_ERR_AGAIN) {
        look_up(r.question.type, r.question.name);
        rf_resolve_answer(&r, &answer);
    }
    ok(err == RF_OK && asked == 3, "the first target costs three questions: NAPTR, SRV, A");
    ok(strcmp(t.host, "full.example") == 0 && t.transport == RF_TLS,
       "and knows for whom the certificate must be");
}

/* RFC 2782: 10,000 draws; a share must lie within 3 % of its weight's. */
static void
weights(void)
{
    static const int weight[4] = { 60, 30, 10, 0 };
    int first[4] = { 0 }, wrong_priority = 0;
    bool ratio = true;

    for (int i = 0; i < 10000; i++) {
        struct rf_sip_uri uri;
        struct rf_target t;

        memset(&answer, 0, sizeof answer);
        answer.status = RF_DNS_FOUND;
        answer.type = RF_DNS_SRV;
        answer.count = 5;
        for (int k = 0; k < 5; k++) {
            answer.record[k].srv.priority = k < 4 ? 1 : 2;
            answer.record[k].srv.weight = (uint16_t)(k < 4 ? weight[k] : 1000);
            answer.record[k].srv.port = (uint16_t)(100 + k);
            snprintf(answer.record[k].srv.target, sizeof answer.record[k].srv.target, "h%d.example", k);
        }
        rf_assert(rf_sip_uri_parse(RF_SPAN_LIT("sip:w.example;transport=udp"), &uri) == RF_OK);
        rf_assert(rf_resolve_begin(&r, &uri, &all) == RF_OK);
        rf_assert(rf_resolve_next(&r, &t) == RF_ERR_AGAIN);
        rf_resolve_answer(&r, &answer);
        rf_assert(rf_resolve_next(&r, &t) == RF_ERR_AGAIN && r.host_count == 5);
        first[r.host_list[0].port - 100]++;
        wrong_priority += r.host_list[4].port != 104;
    }
    for (int k = 0; k < 4; k++)
        ratio = ratio && first[k] > 10000 * weight[k] / 100 - 300 && first[k] < 10000 * weight[k] / 100 + 300;
    ok(ratio, "weights 60, 30, 10, 0 are drawn first %d, %d, %d, %d times in 10,000", first[0], first[1],
       first[2], first[3]);
    ok(first[3] > 0, "weight 0 has a small chance");
    ok(wrong_priority == 0, "a lower priority always comes first, whatever the weights");
}

int
main(void)
{
    uris();
    settings();
    laziness();
    weights();
    return tap_done();
}
