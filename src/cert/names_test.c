/* Names: SIP domains (RFC 5922), host names (RFC 9525), addresses, and which of them an authority may sign for. */
#include "cert/names.h"
#include "cert/cert_test.h"
#include "cert/part.h"
#include "cert/path.h"

struct name {
    int type;
    const char *octets;
    size_t n;
};

#define DNS(s) { GEN_DNS, s, sizeof(s) - 1 }
#define URI(s) { GEN_URI, s, sizeof(s) - 1 }

static X509 *
named(const struct name *names, size_t n, const char *cn)
{
    GENERAL_NAMES *list = NULL;
    const struct made *m;

    for (size_t i = 0; i < n && names[i].octets != NULL; i++)
        list = names_add(list, names[i].type, names[i].octets, names[i].n);
    m = make((struct recipe){ .subject = cn, .issuer = root, .ext = { LEAF_EXT }, .names = list });
    GENERAL_NAMES_free(list);
    return m->x;
}

static void
sip_names(void)
{
    static const struct {
        struct name name[3];
        const char *target;
        bool want;
        const char *what;
    } cases[] = {
        { { URI("sip:a.example") }, "a.example", true, "a SIP URI" },
        { { URI("SIP:A.Example") }, "a.EXAMPLE", true, "letter case" },
        { { URI("sip:a.example;transport=tls") }, "a.example", true, "parameters do not count" },
        { { URI("sip:a.example:5061") }, "a.example", true, "nor does a port" },
        { { URI("sip:a.example?x=y") }, "a.example", true, "nor headers" },
        { { URI("sip:bob@a.example") }, "a.example", false, "a user" },
        { { URI("sip:a.example;x=@"), DNS("b.example") }, "b.example", true, "an @ anywhere makes it no domain, so DNS counts" },
        { { URI("sips:a.example") }, "a.example", false, "another scheme" },
        { { URI("sips:a.example"), DNS("a.example") }, "a.example", true, "which does not hide DNS" },
        { { URI("sip:b.example"), DNS("a.example") }, "a.example", false, "another SIP domain hides DNS" },
        { { DNS("a.example"), URI("sip:b.example") }, "a.example", false, "in any order" },
        { { URI("sip:b.example"), URI("sip:a.example") }, "a.example", true, "the second SIP domain" },
        { { DNS("*.example") }, "a.example", false, "a wildcard" },
        { { DNS("*.a.example") }, "b.a.example", false, "a wildcard further down" },
        { { URI("sip:*.a.example") }, "b.a.example", false, "a wildcard in a URI" },
        { { DNS(".a.example") }, "b.a.example", false, "a suffix" },
        { { DNS("a.example") }, "b.a.example", false, "a parent" },
        { { DNS("b.a.example") }, "a.example", false, "a child" },
        { { DNS("a.example") }, "a.example.", true, "a final dot in the configuration" },
        { { DNS("a.example\0.evil.example") }, "a.example", false, "a NUL in the name" },
        { { URI("sip:a.example\0.evil.example") }, "a.example", false, "a NUL in the URI" },
        { { URI("sip:a.example\0@evil.example") }, "a.example", false, "a NUL before the @" },
        { { DNS(" a.example") }, "a.example", false, "a space" },
        { { DNS("a..example") }, "a..example", false, "an empty label" },
        { { DNS("xn--bcher-kva.example") }, "XN--bcher-kva.EXAMPLE", true, "the ASCII form of an international name" },
        { { DNS("xn--bcher-kva.example") }, "b\xc3\xbc" "cher.example", false, "its other form is not compared" },
        { { URI("sip:192.0.2.1"), DNS("a.example") }, "a.example", false, "an address as SIP domain hides DNS too" },
        { { URI("http://a.example/") }, "a.example", false, "a web address" },
        { { URI("sip:") }, "a.example", false, "a URI without a host" },
        { { DNS("") }, "a.example", false, "an empty name" },
        { { { GEN_EMAIL, "a.example", 9 } }, "a.example", false, "a mailbox" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x = named(cases[i].name, 3, "a.example");
        struct rf_names_result r = { 0 };
        struct rf_span target;
        bool is_name = rf_names_target(rf_span_str(cases[i].target), &target);

        if (is_name)
            rf_names_sip(x, target, false, false, &r);
        ok(r.is_match == cases[i].want, "AVA-17 %s: %s", cases[i].what, r.shown);
        rf_names_sip(x, target, true, false, &r);
        ok(r.is_match == (is_name && cases[i].want), "AVA-17 the common name does not change that");
    }
}

static void
common_names(void)
{
    static const struct {
        const char *cn, *target;
        bool want;
    } cases[] = { { "a.example", "A.example", true }, { "*.example", "a.example", false }, { "Trunk of a.example", "a.example", false },
                  { "b.example", "a.example", false } };
    struct rf_names_result r;
    const struct made *m;
    struct rf_check_question q;
    struct rf_trust *t = STORE(root);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        m = make((struct recipe){ .subject = cases[i].cn, .issuer = root, .ext = { LEAF_EXT } });
        rf_names_sip(m->x, rf_span_str(cases[i].target), false, false, &r);
        ok(!r.is_match, "AVA-17 common name %s, the switch is off", cases[i].cn);
        rf_names_sip(m->x, rf_span_str(cases[i].target), true, false, &r);
        ok(r.is_match == cases[i].want, "AVA-17 common name %s, the switch is on", cases[i].cn);
        rf_names_host(m->x, rf_span_str(cases[i].target), &r);
        ok(!r.is_match, "AVA-16 never on HTTPS");
    }
    /* The switches through the engine, and the refusal that a wildcard gets. */
    m = make((struct recipe){ .subject = "x", .issuer = root, .ext = { LEAF_EXT, "subjectAltName=DNS:*.a.example" } });
    q = ask(t, &m->x, 1, RF_CHECK_MEDIUM_REMOTE);
    q.target = RF_SPAN_LIT("sip.a.example");
    ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_WILDCARD_IN_SIP, "AVA-17 a wildcard has a code of its own: %s", why());
    q.target = RF_SPAN_LIT("a.example");
    ok(!judge(&q) && report.refusal == RF_REFUSE_CERT_NAME_MISMATCH, "AVA-17 one that does not even cover the name has the usual one");
    q.target = RF_SPAN_LIT("sip.a.example");
    q.wildcard_counts_in_sip = true;
    ok(judge(&q), "AVA-17 allow-wildcard");
    q.target = (struct rf_span){ 0 };
    ok(judge(&q) && !report.is_name_known && report.line[RF_CHECK_SIP_DOMAIN].result == RF_CHECK_NOT_MADE,
       "AVA-16 nothing to compare with yet: the report says so");
    rf_trust_unref(t);
}

static void
host_names(void)
{
    static const struct {
        struct name name[2];
        const char *target;
        bool want;
        const char *what;
    } cases[] = {
        { { DNS("www.example.net") }, "WWW.example.NET", true, "letter case" },
        { { DNS("*.example.net") }, "www.example.net", true, "a wildcard" },
        { { DNS("*.Example.net") }, "www.example.NET", true, "a wildcard, letter case" },
        { { DNS("*.example.net") }, "a.www.example.net", false, "for one label only" },
        { { DNS("*.example.net") }, "example.net", false, "and not for none" },
        { { DNS("w*.example.net") }, "www.example.net", false, "a wildcard in a part of a label" },
        { { DNS("*w.example.net") }, "www.example.net", false, "at its end" },
        { { DNS("www.*.net") }, "www.example.net", false, "in the middle" },
        { { DNS("*.*.net") }, "www.example.net", false, "two of them" },
        { { DNS("*.net") }, "example.net", false, "for a top domain" },
        { { DNS("*") }, "localhost", false, "alone" },
        { { DNS("*.example.net\0") }, "www.example.net", false, "with a NUL" },
        { { DNS("*.") }, "www.", false, "with nothing after it" },
        { { URI("https://www.example.net/") }, "www.example.net", false, "a web address" },
        { { DNS("192.0.2.1") }, "192.0.2.1", false, "an address as a name" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *x = named(cases[i].name, 2, "www.example.net");
        struct rf_check_question q = ask(NULL, &x, 1, RF_CHECK_MEDIUM_REMOTE);

        q.use = RF_CHECK_HTTPS;
        q.target = rf_span_str(cases[i].target);
        judge(&q);
        ok((report.line[RF_CHECK_TARGET_NAME].result == RF_CHECK_PASS) == cases[i].want, "AVA-16 %s: %s", cases[i].what,
           report.line[RF_CHECK_TARGET_NAME].detail);
    }
}

static void
addresses(void)
{
    static const unsigned char v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 0x10 }, mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 10 };
    const struct name names[] = { { GEN_IPADD, "\xc0\0\2\x0a", 4 }, { GEN_IPADD, (const char *)v6, 16 }, { GEN_IPADD, "\xc0\0\2", 3 } };
    const struct name of_mapped[] = { { GEN_IPADD, (const char *)mapped, 16 } };
    static const struct {
        const char *target;
        bool want;
    } cases[] = {
        { "192.0.2.10", true }, { "192.0.2.11", false }, { "2001:db8::10", true }, { "2001:DB8:0:0::10", true },
        { "[2001:db8::10]", true }, { "2001:db8::11", false }, { "192.0.2.010", false }, { "3221225994", false }, { "192.0.2", false },
    };
    X509 *x = named(names, 3, "x"), *y = named(of_mapped, 1, "x");
    struct rf_addr source = { 0 };
    struct rf_check_question q = ask(NULL, &x, 1, RF_CHECK_MEDIUM_REMOTE);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        q.target = rf_span_str(cases[i].target);
        judge(&q);
        ok((report.line[RF_CHECK_TARGET_NAME].result == RF_CHECK_PASS) == cases[i].want, "AVA-16 a peer configured as %s: %s",
           cases[i].target, report.line[RF_CHECK_TARGET_NAME].detail);
    }
    q.target = (struct rf_span){ 0 };
    q.source = &source;
    ok(rf_addr_parse(RF_SPAN_LIT("192.0.2.10"), 5061, &source) == RF_OK, "a source");
    judge(&q);
    ok(report.line[RF_CHECK_TARGET_NAME].result == RF_CHECK_PASS, "AVA-16 no name configured: the source address counts");
    ok(rf_addr_parse(RF_SPAN_LIT("192.0.2.12"), 5061, &source) == RF_OK, "another");
    judge(&q);
    ok(report.line[RF_CHECK_TARGET_NAME].result == RF_CHECK_FAIL, "AVA-16 and another one is refused");
    q.chain = &y;
    q.target = RF_SPAN_LIT("192.0.2.10");
    judge(&q);
    ok(report.line[RF_CHECK_TARGET_NAME].result == RF_CHECK_PASS, "AVA-16 IPv4 in IPv6 is that IPv4 address");
}

static void
constraints(void)
{
    static const struct {
        const char *nc, *san, *cn;
        bool want;
    } cases[] = {
        { "permitted;DNS:example.net", "DNS:a.example.net", "x", true },
        { "permitted;DNS:example.net", "DNS:example.net", "x", true },
        { "permitted;DNS:example.net", "DNS:aexample.net", "x", false },
        { "permitted;DNS:.example.net", "DNS:example.net", "x", false },
        { "permitted;DNS:.example.net", "DNS:a.example.net", "x", true },
        { "permitted;DNS:EXAMPLE.net", "DNS:a.example.NET", "x", true },
        { "excluded;DNS:evil.example", "DNS:a.example", "x", true },
        { "excluded;DNS:evil.example", "DNS:a.evil.example", "x", false },
        { "excluded;DNS:evil.example", "DNS:*.example", "x", false },
        { "permitted;DNS:example,excluded;DNS:evil.example", "DNS:evil.example", "x", false },
        { "permitted;DNS:example.net", "URI:sip:other.example", "x", true },
        { "permitted;URI:trunk.example", "URI:sip:trunk.example", "x", true },
        { "permitted;URI:trunk.example", "URI:sip:a.trunk.example", "x", false },
        { "permitted;URI:.trunk.example", "URI:sip:a.trunk.example", "x", true },
        { "permitted;URI:.trunk.example", "URI:sip:trunk.example", "x", false },
        { "permitted;URI:trunk.example", "URI:sip:bob@trunk.example;transport=tls", "x", true },
        { "permitted;URI:trunk.example", "URI:https://u@trunk.example:443/p", "x", true },
        { "permitted;URI:trunk.example", "URI:https://evil.example/@trunk.example", "x", false },
        { "permitted;URI:trunk.example", "URI:urn:uuid:1", "x", false },
        { "excluded;URI:evil.example", "URI:tel:+1", "x", false },
        { "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.77", "x", true },
        { "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.3.77", "x", false },
        { "permitted;IP:192.0.2.0/255.255.255.0", "IP:2001:db8::1", "x", false },
        { "excluded;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.1", "x", false },
        { "permitted;email:example.net", "email:bob@example.net", "x", true },
        { "permitted;email:example.net", "email:bob@a.example.net", "x", false },
        { "permitted;email:.example.net", "email:bob@a.example.net", "x", true },
        { "permitted;email:bob@example.net", "email:Bob@example.net", "x", false },
        { "permitted;DNS:example.net", NULL, "a.example.net", true },
        { "permitted;DNS:example.net", NULL, "evil.example", false },
        { "permitted;DNS:example.net", NULL, "A trunk", true },
        { "permitted;otherName:1.2.3.4;UTF8:x", "DNS:a.example", "x", true },
        { "permitted;otherName:1.2.3.4;UTF8:x", "otherName:1.2.3.4;UTF8:x", "x", false },
    };
    struct rf_trust *t = STORE(root);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nc[128], san[128];
        const struct made *m, *e;

        snprintf(nc, sizeof nc, "nameConstraints=critical,%s", cases[i].nc);
        snprintf(san, sizeof san, "subjectAltName=%s", cases[i].san != NULL ? cases[i].san : "");
        m = make((struct recipe){ .subject = "NC", .issuer = root, .ext = { CA_EXT, nc } });
        e = make((struct recipe){ .subject = cases[i].cn, .issuer = m, .ext = { LEAF_EXT, cases[i].san != NULL ? san : NULL } });
        ok(PASSES(t, RF_CHECK_MEDIUM, e, m) == cases[i].want, "AVA-6 %s, %s CN=%s: %s", nc, san, cases[i].cn, why());
    }
    rf_trust_unref(t);
}

static void
directory_constraints(void)
{
    X509_NAME *base = X509_NAME_new(), *other = X509_NAME_new();
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
    struct rf_part p;
    char text[128];

    rf_part_read(&p, leaf->x, false);
    X509_NAME_add_entry_by_txt(base, "CN", MBSTRING_ASC, (const unsigned char *)"TRUNK", -1, -1, 0);
    X509_NAME_add_entry_by_txt(other, "O", MBSTRING_ASC, (const unsigned char *)"Other", -1, -1, 0);
    GENERAL_NAME_free(tree->base);
    tree->base = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(tree->base, GEN_DIRNAME, base);
    nc->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
    sk_GENERAL_SUBTREE_push(nc->permittedSubtrees, tree);
    ok(rf_constraint_is_kept(&p, nc, text, sizeof text), "AVA-6 a subject within its permitted directory: %s", text);
    X509_NAME_free(base);
    tree->base->d.directoryName = other;
    ok(!rf_constraint_is_kept(&p, nc, text, sizeof text), "AVA-6 and outside of it: %s", text);
    NAME_CONSTRAINTS_free(nc);
    rf_part_fini(&p);
}

int
main(void)
{
    basics();
    sip_names();
    common_names();
    host_names();
    addresses();
    constraints();
    directory_constraints();
    made_free();
    return tap_done();
}
