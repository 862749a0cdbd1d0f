/* Hellos against a real server in memory, a table of what servers may send, and the plan against a model of one. */
#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "probe/answer.h"
#include "probe/judge.h"
#include "probe/scan.h"
#include "probe/suites.h"
#include "sip/msg.h"
#include "tap.h"

static struct rf_probe_flight flight;

/* --- what servers send --- */

#define HELLO_12(suite, extensions)                                                                          \
    "\x03\x03"                                                                                               \
    "01234567890123456789012345678901"                                                                       \
    "\0" suite "\0" extensions

static const struct {
    const char *what;
    const char *octets;
    size_t n;
    enum rf_probe_flight_state want;
    int alert;
} sent[] = {
#define OCTETS(text) text, sizeof text - 1
    {"an alert", OCTETS("\x15\x03\x01\0\2\2\x28"), RF_FLIGHT_ALERT, 40},
    {"an alert in two records", OCTETS("\x15\x03\x01\0\1\2\x15\x03\x01\0\1\x46"), RF_FLIGHT_ALERT, 70},
    {"a warning, and no more", OCTETS("\x15\x03\x01\0\2\1\x70"), RF_FLIGHT_MORE, -1},
    {"close_notify is an end, although a warning", OCTETS("\x15\x03\x01\0\2\1\0"), RF_FLIGHT_ALERT, 0},
    {"a banner", OCTETS("220 mail.example ESMTP\r\n"), RF_FLIGHT_NOT_TLS, -1},
    {"HTTP in clear", OCTETS("HTTP/1.1 400 Bad Request\r\n\r\n"), RF_FLIGHT_NOT_TLS, -1},
    {"half a header", OCTETS("\x16\x03\x03"), RF_FLIGHT_MORE, -1},
    {"a record that is too long", OCTETS("\x16\x03\x03\xff\xff"), RF_FLIGHT_TOO_LONG, -1},
    {"a message that is too long", OCTETS("\x16\x03\x03\0\4\2\xff\xff\xff"), RF_FLIGHT_TOO_LONG, -1},
    {"a certificate before the hello", OCTETS("\x16\x03\x03\0\7\x0b\0\0\3\0\0\0"), RF_FLIGHT_BROKEN, -1},
    {"a hello that ends early", OCTETS("\x16\x03\x03\0\6\2\0\0\2\3\3"), RF_FLIGHT_BROKEN, -1},
    {"an extension longer than its list",
     OCTETS("\x16\x03\x03\0\x30\2\0\0\x2c" HELLO_12("\xc0\x2f", "\0\4\xff\1\0\xff")), RF_FLIGHT_BROKEN, -1},
    {"a hello, and HelloDone", OCTETS("\x16\x03\x03\0\x2e\2\0\0\x26" HELLO_12("\0\x2f", "") "\x0e\0\0\0"),
     RF_FLIGHT_DONE, -1},
    {"application data first", OCTETS("\x17\x03\x03\0\1x"), RF_FLIGHT_BROKEN, -1},
    {"SSL 3's version in the record", OCTETS("\x15\x03\0\0\2\2\x28"), RF_FLIGHT_ALERT, 40},
};

static void
test_flights(void)
{
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        rf_probe_flight_init(&flight);
        rf_probe_flight_feed(&flight, rf_span(sent[i].octets, sent[i].n));
        ok(flight.state == sent[i].want && flight.alert == sent[i].alert, "%s: state %d alert %d",
           sent[i].what, flight.state, flight.alert);
    }
    rf_probe_flight_init(&flight);
    for (int i = 0; i < RF_PROBE_RECORDS_MAX + 1; i++)
        rf_probe_flight_feed(&flight, rf_span("\x16\x03\x03\0\0", 5));
    ok(flight.state == RF_FLIGHT_TOO_LONG, "endless empty records end");
    rf_probe_flight_init(&flight);
    for (int i = 0; i < 20; i++)
        rf_probe_flight_feed(&flight, rf_span("\x15\x03\x01\0\2\1\x70", 7));
    ok(flight.state == RF_FLIGHT_ALERT, "endless warnings end");
    rf_probe_flight_init(&flight);
    rf_probe_flight_feed(&flight, rf_span_str("SSH-2.0-OpenSSH\x1b[2J\r\nmore"));
    ok(strcmp(flight.said, "SSH-2.0-OpenSSH.[2J") == 0, "what was said is kept printable: %s", flight.said);
    rf_probe_flight_init(&flight);
    rf_probe_flight_feed(&flight, rf_span_str("\r\nwelcome\r\n"));
    ok(strcmp(flight.said, ".") == 0, "whoever begins with a line end said something too: %s", flight.said);
}

/* ServerHello of TLS 1.2 with DHE, then parameters of so many octets. */
static void
test_parameters(void)
{
    static const char hello[] = "\x16\x03\x03\0\x2a\2\0\0\x26" HELLO_12("\0\x9e", "");
    char key[300] = {0};
    struct rf_buf b = rf_buf(key, sizeof key);

    rf_put(&b, rf_span("\x16\x03\x03\0\x8c\x0c\0\0\x88\0\x80\x7f", 12));
    memset(key + b.n, 0xff, 127);
    b.n += 127;
    rf_put(&b, rf_span("\0\1\2\0\1\5", 6));
    rf_probe_flight_init(&flight);
    rf_probe_flight_feed(&flight, rf_span(hello, sizeof hello - 1));
    rf_probe_flight_feed(&flight, rf_buf_span(&b));
    ok(flight.dh_bits == 1023 && flight.dh_g.n == 1 && flight.dh_g.p[0] == 2, "Diffie-Hellman of %u bits",
       flight.dh_bits);
    rf_probe_flight_init(&flight);
    rf_probe_flight_feed(&flight, rf_span("\x16\x03\x03\0\x2a\2\0\0\x26" HELLO_12("\xc0\x2f", ""), 47));
    rf_probe_flight_feed(&flight, rf_span("\x16\x03\x03\0\x0a\x0c\0\0\6\3\0\x17\1\4\4", 15));
    ok(flight.group == 23, "a named curve");
    rf_probe_flight_feed(&flight,
                         rf_span("\x16\x03\x03\0\x17\x0d\0\0\x13\1\1\0\2\4\1\0\x0b\0\2ab\0\5cdefg", 28));
    struct rf_span name;

    ok(flight.asks_certificate && rf_probe_flight_ca_name(&flight, 1, &name) == RF_OK &&
           rf_span_is(name, "cdefg"),
       "the second name of a request");
    ok(rf_probe_flight_ca_name(&flight, 2, &name) == RF_ERR_NOT_FOUND, "and no third");
}

static void
test_ssl2(void)
{
    static const char hello[] = "\x80\x14\4\0\1\0\2\0\2\0\3\0\4ab\1\0\x80id..";
    struct rf_probe_ssl2 s;

    ok(rf_probe_ssl2_read(rf_span(hello, sizeof hello - 1), &s) == RF_OK && s.cipher_count == 1 &&
           rf_span_is(s.cert, "ab"),
       "a SERVER-HELLO of SSL 2");
    ok(rf_probe_ssl2_read(rf_span(hello, 15), &s) == RF_ERR_AGAIN, "half of one");
    ok(rf_probe_ssl2_read(rf_span("\x15\3\0\0\2\2\x28", 7), &s) == RF_ERR_SYNTAX, "an alert is none");
    ok(rf_probe_ssl2_read(rf_span("\x80\x03\0\0\1........", 13), &s) == RF_ERR_SYNTAX,
       "nor is an error of SSL 2");
}

/* --- our hellos and a real server --- */

static SSL_CTX *server;

static void
make_server(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"model",
                               -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_sign(x, key, EVP_sha256());
    server = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_cipher_list(server, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(server, TLS1_VERSION);
    SSL_CTX_set1_groups_list(server, "P-384:P-256");
    SSL_CTX_use_certificate(server, x);
    SSL_CTX_use_PrivateKey(server, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* The server's answer to a hello is in `flight`. */
static void
answer(const struct rf_probe_hello *h)
{
    SSL *ssl = SSL_new(server);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    char mem[RF_PROBE_HELLO_MAX];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    char *p;
    long n;

    rf_probe_flight_init(&flight);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    if (!ok(rf_probe_hello_put(&b, h, &rf_rand_system) == RF_OK, "the hello fits: %zu octets", b.n))
        return;
    BIO_write(in, b.p, (int)b.n);
    SSL_do_handshake(ssl);
    n = BIO_get_mem_data(out, &p);
    rf_probe_flight_feed(&flight, rf_span(p, (size_t)n));
    SSL_free(ssl);
}

static void
test_real_server(void)
{
    uint16_t suites[RF_PROBE_OFFER_MAX];
    const uint16_t *groups, *sigalgs;
    size_t n = 0, sound;
    struct rf_probe_hello h = {.suite = suites, .server_name = RF_SPAN_LIT("pbx.example")};
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};

    make_server();
    for (size_t i = 0; i < rf_probe_suite_count() && n < RF_PROBE_OFFER_MAX - 2; i++)
        if (rf_probe_suite(i) >= 0xc000 && !rf_probe_suite_is_13(rf_probe_suite(i)))
            suites[n++] = rf_probe_suite(i);
    h.suite_count = n;
    h.group_count = rf_probe_groups_12(&groups);
    h.group = groups;
    h.sigalg_count = rf_probe_sigalgs(&sigalgs, &sound);
    h.sigalg = sigalgs;
    for (size_t i = 0; i < 3; i++) {
        h.version = versions[i];
        answer(&h);
        ok(flight.state == RF_FLIGHT_DONE && flight.version == versions[i], "a server speaks %s with us",
           rf_probe_version_name((enum rf_probe_version)(RF_PROBE_TLS10 + i)));
        ok(flight.chain_count == 1 && flight.group == 23 && flight.has_renegotiation_info &&
               flight.has_extended_master_secret,
           "its certificate, curve and extensions are read");
    }
    h.is_fallback = true;
    answer(&h);
    ok(flight.alert == SSL_AD_INAPPROPRIATE_FALLBACK, "TLS_FALLBACK_SCSV is refused");
    h = (struct rf_probe_hello){.version = TLS1_3_VERSION,
                                .suite = suites,
                                .suite_count = 1,
                                .sigalg = sigalgs,
                                .sigalg_count = sound};
    suites[0] = 0x1302;
    h.group_count = rf_probe_groups_13(&groups);
    h.group = groups;
    answer(&h);
    ok(flight.state == RF_FLIGHT_DONE && flight.is_retry && flight.version == TLS1_3_VERSION &&
           flight.group == 24 && flight.suite == 0x1302,
       "without a key share a server of TLS 1.3 names its group: %u", flight.group);
    suites[0] = 0x1304;
    answer(&h);
    ok(flight.state == RF_FLIGHT_ALERT && flight.alert == SSL_AD_HANDSHAKE_FAILURE,
       "a suite it lacks is refused");
    SSL_CTX_free(server);
}

/* --- the plan and a model of a server --- */

struct model {
    const char *what;
    bool server_order, closes; /* closes instead of alerts */
    uint16_t suites12[6], suites13[4], groups[4];
    size_t connections_most; /* that the probe may need */
    bool chooses_unoffered;
} models[] = {
    {"server order", true, false, {0xc02f, 0x002f, 0x0005}, {0x1302, 0x1301}, {23, 29}, 60, false},
    {"client order", false, false, {0xc02f, 0xc030, 0x009e}, {0x1301, 0x1303}, {29}, 60, false},
    {"closes without alerts", true, true, {0xc030, 0x000a}, {0}, {24, 23, 25}, 90, false},
    {"chooses what was not offered", true, false, {0xc02f, 0xc030}, {0}, {23}, 60, true},
};

static bool
has(const uint16_t *list, size_t n, uint16_t v)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == v)
            return true;
    return false;
}

/* The first of `mine` (or of theirs) that both have; 0 none. */
static uint16_t
choose(const uint16_t *mine, size_t mine_n, const uint16_t *theirs, size_t theirs_n, bool my_order)
{
    const uint16_t *a = my_order ? mine : theirs, *b = my_order ? theirs : mine;
    size_t n = my_order ? mine_n : theirs_n, m = my_order ? theirs_n : mine_n;

    for (size_t i = 0; i < n; i++)
        if (a[i] != 0 && has(b, m, a[i]))
            return a[i];
    return 0;
}

static void
model_answer(const struct model *m, const struct rf_probe_hello *h, struct rf_probe_answer *a)
{
    bool is_13 = h->version == TLS1_3_VERSION && m->suites13[0] != 0;
    uint16_t suite = is_13 ? choose(m->suites13, 4, h->suite, h->suite_count, m->server_order)
                           : choose(m->suites12, 6, h->suite, h->suite_count, m->server_order);
    uint16_t group = choose(m->groups, 4, h->group, h->group_count, true);
    bool speaks = is_13 || h->version == TLS1_2_VERSION || (h->version_count > 1 && suite != 0);

    rf_probe_flight_init(&flight);
    a->outcome = RF_OUTCOME_FLIGHT;
    a->flight = &flight;
    if (m->chooses_unoffered)
        suite = 0x0005;
    if (!speaks || suite == 0 || (rf_probe_suite_kx(suite) != RF_KX_OTHER && group == 0)) {
        a->outcome = m->closes ? RF_OUTCOME_CLOSED : RF_OUTCOME_FLIGHT;
        flight.state = RF_FLIGHT_ALERT;
        flight.alert = SSL_AD_HANDSHAKE_FAILURE;
        return;
    }
    flight.state = RF_FLIGHT_DONE;
    flight.has_hello = true;
    flight.version = is_13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    flight.suite = suite;
    flight.group = group;
    flight.is_retry = is_13 && !h->has_share;
    flight.has_renegotiation_info = true;
}

static size_t
count_of(const uint16_t *list, size_t n)
{
    size_t k = 0;

    while (k < n && list[k] != 0)
        k++;
    return k;
}

static void
play(const struct model *m)
{
    static struct rf_probe_scan scan;
    static struct rf_probe_lists lists;
    const struct rf_probe_facts *f = &scan.facts;
    struct rf_probe_hello hello;
    enum rf_probe_topic topic;
    enum rf_err err;
    bool all = true;

    rf_probe_scan_init(&scan, RF_SPAN_LIT("pbx.example"), RF_TLS_INTERMEDIATE);
    while ((err = rf_probe_scan_next(&scan, &topic, &hello, &lists)) == RF_OK) {
        struct rf_probe_answer a = {.outcome = RF_OUTCOME_CLOSED};

        if (rf_probe_topic_row(topic)->talks) {
            rf_probe_scan_done(&scan, topic, 0);
            continue;
        }
        if (topic != RF_TOPIC_SSL2)
            model_answer(m, &hello, &a);
        rf_probe_scan_take(&scan, topic, &a);
    }
    ok(err == RF_ERR_NOT_FOUND && f->connections <= m->connections_most, "%s: it ends after %u connections",
       m->what, f->connections);
    if (m->chooses_unoffered) {
        ok(f->hello_names_unoffered && f->version[RF_PROBE_TLS12].is_incomplete, "%s: seen, and not believed",
           m->what);
        return;
    }
    for (size_t i = 0; i < count_of(m->suites12, 6); i++)
        all &= has(f->version[RF_PROBE_TLS12].suite, f->version[RF_PROBE_TLS12].suite_count, m->suites12[i]);
    ok(all && f->version[RF_PROBE_TLS12].suite_count == count_of(m->suites12, 6),
       "%s: all suites of TLS 1.2, no other", m->what);
    ok(f->version[RF_PROBE_TLS13].suite_count == count_of(m->suites13, 4), "%s: all suites of TLS 1.3",
       m->what);
    ok(f->version[RF_PROBE_TLS10].is_spoken == RF_PROBE_NO &&
           f->version[RF_PROBE_SSL3].is_spoken == RF_PROBE_NO,
       "%s: no older version", m->what);
    ok(f->order12 == (m->server_order ? RF_ORDER_SERVER : RF_ORDER_CLIENT), "%s: whose order", m->what);
    ok(f->group12_count == count_of(m->groups, 4), "%s: all groups, %u", m->what, f->group12_count);
}

static void
test_limits(void)
{
    static struct rf_probe_scan scan;
    static struct rf_probe_lists lists;
    struct rf_probe_hello hello;
    enum rf_probe_topic topic;
    uint64_t seed = 7;
    unsigned n = 0;

    ok(rf_probe_connections_max() <= 353, "a probe makes %u connections at most", rf_probe_connections_max());
    /* A server that takes every suite and every group, in turn by chance. */
    rf_probe_scan_init(&scan, rf_span(NULL, 0), RF_TLS_MODERN);
    while (rf_probe_scan_next(&scan, &topic, &hello, &lists) == RF_OK && n++ < 1000) {
        struct rf_probe_answer a = {.outcome = RF_OUTCOME_FLIGHT, .flight = &flight};
        uint64_t r;

        if (rf_probe_topic_row(topic)->talks || topic == RF_TOPIC_SSL2) {
            rf_probe_scan_done(&scan, topic, 1);
            continue;
        }
        rf_rand_seeded_fill(&seed, &r, sizeof r);
        rf_probe_flight_init(&flight);
        flight.state = RF_FLIGHT_DONE;
        flight.has_hello = true;
        flight.version = hello.version;
        flight.suite = hello.suite[r % hello.suite_count];
        flight.group = hello.group_count > 0 ? hello.group[r % hello.group_count] : 0;
        rf_probe_scan_take(&scan, topic, &a);
    }
    ok(scan.facts.connections <= rf_probe_connections_max(), "one that takes everything: %u",
       scan.facts.connections);
    ok(scan.facts.version[RF_PROBE_TLS12].suite_count == RF_PROBE_SUITES_MAX &&
           scan.facts.version[RF_PROBE_TLS12].is_incomplete,
       "and the report knows that there is more");
}

/* --- names --- */

static void
test_suites(void)
{
    static const struct {
        uint16_t id;
        enum rf_probe_mark mark;
        const char *why;
    } cases[] = {
        {0x1301, RF_MARK_OK, ""},
        {0xc02f, RF_MARK_OK, ""},
        {0x002f, RF_MARK_WARN, "no forward secrecy"},
        {0xc013, RF_MARK_NOTE, "CBC"},
        {0x0005, RF_MARK_FAIL, "RC4"},
        {0x000a, RF_MARK_WARN, "3DES"},
        {0x0009, RF_MARK_FAIL, "DES"},
        {0x0003, RF_MARK_FAIL, "export"},
        {0x0002, RF_MARK_FAIL, "no encryption"},
        {0x0034, RF_MARK_FAIL, "anonymous"},
        {0xc012, RF_MARK_WARN, "3DES"},
    };
    const char *why;
    bool twice = false;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(rf_probe_judge_suite(cases[i].id, &why) == cases[i].mark && strcmp(why, cases[i].why) == 0,
           "0x%04x: %s", cases[i].id, why);
    for (size_t i = 0; i < rf_probe_suite_count(); i++)
        for (size_t k = 0; k < i; k++)
            twice |= rf_probe_suite(i) == rf_probe_suite(k);
    ok(!twice && rf_probe_suite_count() > 350, "%zu suites, none twice", rf_probe_suite_count());
    ok(rf_probe_suite_kx(0x0014) == RF_KX_DHE && rf_probe_suite_kx(0xc01a) == RF_KX_OTHER &&
           rf_probe_suite_has_hint(0x00aa),
       "key exchange by name");
}

/* --- answers --- */

static void
test_answers(void)
{
    struct rf_probe_request r = {.is_sip = true, .host = "pbx.example", .port = 5061};
    struct rf_probe_talk_facts t = {0};
    char mem[RF_PROBE_REQUEST_MAX], text[1024];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_sip_problem problem;
    static struct rf_sip_msg m;

    rf_assert(rf_addr_parse_port(RF_SPAN_LIT("192.0.2.9:1234"), &r.local) == RF_OK);
    rf_probe_request_init(&r, &rf_rand_system);
    ok(rf_probe_request_put(&b, &r) == RF_OK && rf_sip_msg_parse(&m, rf_buf_span(&b), &problem) == RF_OK &&
           m.method == RF_SIP_OPTIONS,
       "our OPTIONS is a message that we would take ourselves");
    snprintf(
        text, sizeof text,
        "SIP/2.0 100 Trying\r\nVia: SIP/2.0/TLS h;branch=%s\r\nFrom: <sip:a@b>;tag=%s\r\nTo: <sip:c@d>\r\n"
        "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS h;branch=%s\r\nFrom: <sip:a@b>;tag=%s\r\nTo: <sip:c@d>\r\n"
        "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\nServer: x\x1b[31m\r\nContact: <sip:h>\r\nContent-Length: "
        "0\r\n\r\n",
        r.branch, r.tag, r.call_id, r.branch, r.tag, r.call_id);
    ok(rf_probe_answer_read(&r, rf_span(text, 40), false, &t) == RF_ERR_AGAIN, "half an answer");
    ok(rf_probe_answer_read(&r, rf_span_str(text), false, &t) == RF_OK && t.status == 200,
       "200 after 100: %d", t.status);
    ok(t.oddity_count == 3, "no To tag, a Contact without TLS, no Allow: %u", t.oddity_count);
    ok(strchr(t.server, '\x1b') == NULL, "what a peer wrote cannot move the cursor: %s", t.server);
    memset(&t, 0, sizeof t);
    ok(rf_probe_answer_read(&r, rf_span_str("HTTP/1.1 400 Bad Request\r\n\r\n"), false, &t) == RF_OK &&
           t.answered == RF_PROBE_NO,
       "HTTP is no SIP: %s", t.not_answered);
    r.is_sip = false;
    memset(&t, 0, sizeof t);
    ok(rf_probe_answer_read(&r, rf_span_str("HTTP/1.1 301 Moved\r\nlocation: https://x/\r\n\r\n"), false,
                            &t) == RF_OK &&
           t.status == 301 && strcmp(t.location, "https://x/") == 0,
       "HEAD: %d %s", t.status, t.location);
    memset(&t, 0, sizeof t);
    ok(rf_probe_answer_read(&r, rf_span_str("HTTP/1.1 20"), true, &t) == RF_OK && t.answered == RF_PROBE_NO,
       "an answer that ends early: %s", t.not_answered);
}

int
main(void)
{
    test_flights();
    test_parameters();
    test_ssl2();
    test_real_server();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        play(&models[i]);
    test_limits();
    test_suites();
    test_answers();
    return tap_done();
}
