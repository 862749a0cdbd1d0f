/* TLS over socket pairs: levels, refusals, names, resumption. The other side is OpenSSL as it comes. */
#include "tls/conn.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cert/ca.h"
#include "tap.h"

static char dir[] = "/tmp/rf-tls-test-XXXXXX";
static struct rf_cert *ec_cert, *rsa_cert, *other_cert;
static struct rf_trust *trust;
static int64_t clock_s = 1795000000;
static struct rf_tls_tickets *tickets;

static int64_t
test_clock(void)
{
    return clock_s;
}

/* --- certificates --- */

static struct rf_cert *
from_ca(const char *const *names, size_t n)
{
    struct rf_ca_conf conf = { dir, "test CA", names, n };
    struct rf_ca_result result;
    struct rf_cert_problem problem;
    struct rf_cert *c = NULL;
    char chain[256], key[256];

    snprintf(chain, sizeof chain, "%s/server.pem", dir);
    snprintf(key, sizeof key, "%s/server.key", dir);
    rf_assert(rf_ca_ensure(&conf, time(NULL), &result, &problem) == RF_OK);
    rf_assert(rf_cert_load(&c, chain, key, &problem) == RF_OK);
    return c;
}

/* Self-signed RSA 2048 for pbx.example: the suites need one. */
static struct rf_cert *
rsa(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x = X509_new();
    X509_EXTENSION *san;
    BIO *chain = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_mem());
    struct rf_cert_problem problem;
    struct rf_cert *c = NULL;
    char *p, *q;
    long pn, qn;

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"pbx.example", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:pbx.example");
    X509_add_ext(x, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(x, key, EVP_sha256());
    PEM_write_bio_X509(chain, x);
    PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL);
    pn = BIO_get_mem_data(chain, &p);
    qn = BIO_get_mem_data(key_pem, &q);
    rf_assert(rf_cert_from_pem(&c, rf_span(p, (size_t)pn), rf_span(q, (size_t)qn), &problem) == RF_OK);
    BIO_free(chain);
    BIO_free(key_pem);
    X509_free(x);
    EVP_PKEY_free(key);
    return c;
}

static void
certificates(void)
{
    static const char *const names[] = { "pbx.example" }, *const others[] = { "other.example", "192.0.2.9" };
    struct rf_cert_problem problem;
    char path[256];

    rf_assert(mkdtemp(dir) != NULL);
    other_cert = from_ca(others, 2);
    ec_cert = from_ca(names, 1);
    rsa_cert = rsa();
    snprintf(path, sizeof path, "%s/ca.pem", dir);
    rf_assert(rf_trust_new(&trust) == RF_OK && rf_trust_add_path(trust, path, &problem) == RF_OK);
}

static struct rf_tls_server *
server(const char *interface, struct rf_tls_tickets *t)
{
    struct rf_cert *certs[] = { ec_cert, rsa_cert, other_cert };
    struct rf_tls_server_conf conf = { interface, RF_TLS_INTERMEDIATE, certs, 3, t };
    struct rf_tls_server *s = NULL;
    const char *why;

    rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
    return s;
}

/* --- a handshake between one of our connections and one of OpenSSL's --- */

struct pair {
    int fd[2];
    struct rf_tls_conn *ours;
    SSL *theirs;
    enum rf_err outcome; /* ours */
    struct rf_tls_failure failure;
    struct rf_tls_facts facts;
    bool hang_up; /* they close after their first flight */
};

static SSL_CTX *
peer_ctx(int min, int max, const char *suites_12, const char *groups)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char list[256];

    snprintf(list, sizeof list, "%s:@SECLEVEL=0", suites_12);
    SSL_CTX_set_security_level(ctx, 0);
    rf_assert(SSL_CTX_set_min_proto_version(ctx, min) == 1 && SSL_CTX_set_max_proto_version(ctx, max) == 1);
    rf_assert(SSL_CTX_set_cipher_list(ctx, list) == 1);
    if (groups != NULL)
        rf_assert(SSL_CTX_set1_groups_list(ctx, groups) == 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return ctx;
}

static void
pair_open(struct pair *p, struct rf_tls_server *s, SSL_CTX *peer, const char *name, SSL_SESSION *resume)
{
    memset(p, 0, sizeof *p);
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd) == 0);
    rf_assert(rf_tls_conn_accept(&p->ours, s, p->fd[0]) == RF_OK);
    p->theirs = SSL_new(peer);
    SSL_set_fd(p->theirs, p->fd[1]);
    if (name != NULL)
        SSL_set_tlsext_host_name(p->theirs, name);
    if (resume != NULL)
        SSL_set_session(p->theirs, resume);
    SSL_set_connect_state(p->theirs);
}

static void
pair_shake(struct pair *p)
{
    bool theirs_over = false;

    p->outcome = RF_ERR_AGAIN;
    for (int i = 0; i < 20 && p->outcome == RF_ERR_AGAIN; i++) {
        if (!theirs_over) {
            int r = SSL_do_handshake(p->theirs);

            theirs_over = r == 1 || (SSL_get_error(p->theirs, r) != SSL_ERROR_WANT_READ);
            ERR_clear_error();
            if (p->hang_up)
                shutdown(p->fd[1], SHUT_RDWR);
        }
        p->outcome = rf_tls_conn_handshake(p->ours);
    }
    if (p->outcome == RF_OK) {
        char octet;

        SSL_do_handshake(p->theirs);
        SSL_read(p->theirs, &octet, 1); /* takes the TLS 1.3 ticket */
        ERR_clear_error();
        rf_tls_conn_facts(p->ours, &p->facts);
    } else {
        rf_tls_conn_failure(p->ours, &p->failure);
    }
}

static void
pair_close(struct pair *p)
{
    /* Otherwise OpenSSL takes the session for broken and never resumes it. */
    SSL_set_shutdown(p->theirs, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(p->theirs);
    rf_tls_conn_free(p->ours);
    close(p->fd[0]);
    close(p->fd[1]);
}

static void
shake(struct pair *p, SSL_CTX *peer)
{
    struct rf_tls_server *s = server("sip-phones", NULL);

    pair_open(p, s, peer, "pbx.example", NULL);
    rf_tls_server_unref(s); /* the connection keeps it alive */
    pair_shake(p);
}

/* The keys of the exchange are wiped at the handshake's end: the connection works on, also with new traffic keys. */
static void
works_without_exchange_keys(int version)
{
    struct pair p;
    SSL_CTX *peer = peer_ctx(version, version, "ALL", NULL);
    char text[8] = "";
    size_t n = 0, got = 0;
    bool is_good = true;

    shake(&p, peer);
    for (int i = 0; i < 3 && is_good; i++) {
        if (version == TLS1_3_VERSION)
            is_good = SSL_key_update(p.theirs, SSL_KEY_UPDATE_REQUESTED) == 1;
        is_good = is_good && SSL_write_ex(p.theirs, "hello", 5, &n) == 1 &&
                  rf_tls_conn_read(p.ours, text, sizeof text, &got) == RF_OK && got == 5 &&
                  rf_tls_conn_write(p.ours, RF_SPAN_LIT("world"), &n) == RF_OK &&
                  SSL_read_ex(p.theirs, text, sizeof text, &got) == 1 && got == 5 && memcmp(text, "world", 5) == 0;
    }
    ok(p.outcome == RF_OK && is_good && p.facts.group[0] != '\0',
       "TLS %s goes on without the keys of its exchange (%s)", rf_tls_version_name(version), p.facts.group);
    pair_close(&p);
    SSL_CTX_free(peer);
}

/* --- the level --- */

static void
joined(json_t *list, char *out, size_t size)
{
    struct rf_buf b = rf_buf(out, size - 1);
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) rf_putf(&b, "%s%s", i > 0 ? ":" : "", json_string_value(v));
    out[b.n] = '\0';
}

static void
as_published(void)
{
    const struct rf_tls_level_row *row = rf_tls_level_row(RF_TLS_INTERMEDIATE);
    json_t *file = json_load_file(tap_data("mozilla-tls/5.0.json"), 0, NULL), *level;
    char text[1024];
    enum rf_tls_level found;

    if (!ok(file != NULL, "Mozilla's 5.0 file is there"))
        return;
    level = json_object_get(json_object_get(file, "configurations"), row->name);
    joined(json_object_get(level, "openssl_ciphers"), text, sizeof text);
    ok(strcmp(text, row->suites_12) == 0, "IPC-9, IPC-12: TLS 1.2 suites as published");
    joined(json_object_get(level, "openssl_ciphersuites"), text, sizeof text);
    ok(strcmp(text, row->suites_13) == 0, "TLS 1.3 suites as published");
    joined(json_object_get(level, "tls_versions"), text, sizeof text);
    ok(strcmp(text, "TLSv1.2:TLSv1.3") == 0 && row->min_version == TLS1_2_VERSION &&
           row->max_version == TLS1_3_VERSION,
       "versions as published");
    joined(json_object_get(level, "tls_curves"), text, sizeof text);
    ok(strcmp(text, row->groups) == 0,
       "groups as published (secp256r1 is P-256)");
    ok(json_integer_value(json_object_get(level, "dh_param_size")) == row->dh_bits_min,
       "DH size as published");
    ok(json_boolean_value(json_object_get(level, "server_preferred_order")) == row->server_order,
       "order of preference as published");
    ok(rf_tls_level_find(RF_SPAN_LIT("intermediate"), &found) == RF_OK && found == RF_TLS_INTERMEDIATE &&
           rf_tls_level_find(RF_SPAN_LIT("Intermediate "), &found) == RF_ERR_NOT_FOUND,
       "levels by name");
    json_decref(file);
}

static void
suites(void)
{
    static const struct {
        const char *suite;
        bool want;
    } cases[] = {
        { "ECDHE-ECDSA-AES128-GCM-SHA256", true },
        { "ECDHE-RSA-AES128-GCM-SHA256", true },
        { "ECDHE-ECDSA-AES256-GCM-SHA384", true },
        { "ECDHE-RSA-AES256-GCM-SHA384", true },
        { "ECDHE-ECDSA-CHACHA20-POLY1305", true },
        { "ECDHE-RSA-CHACHA20-POLY1305", true },
        { "DHE-RSA-AES128-GCM-SHA256", true },
        { "DHE-RSA-AES256-GCM-SHA384", true },
        { "DHE-RSA-CHACHA20-POLY1305", false },
        { "ECDHE-ECDSA-AES128-SHA256", false },
        { "ECDHE-RSA-AES128-SHA", false },
        { "ECDHE-ECDSA-AES256-SHA384", false },
        { "AES128-GCM-SHA256", false },
        { "AES256-GCM-SHA384", false },
        { "AES128-SHA", false },
        { "AES256-SHA", false },
        { "DHE-RSA-AES128-SHA256", false },
        { "ECDHE-ECDSA-AES128-CCM", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *ctx = peer_ctx(TLS1_2_VERSION, TLS1_2_VERSION, cases[i].suite, NULL);
        EVP_PKEY *temporary = NULL;
        struct pair p;

        shake(&p, ctx);
        ok((p.outcome == RF_OK) == cases[i].want, "IPC-9: %s %s", cases[i].suite,
           cases[i].want ? "works" : "does not");
        if (p.outcome == RF_OK && strncmp(cases[i].suite, "DHE", 3) == 0) {
            SSL_get_peer_tmp_key(p.theirs, &temporary);
            ok(temporary != NULL && EVP_PKEY_get_bits(temporary) >= 2048, "TEL-13: %s with %d bits",
               cases[i].suite, EVP_PKEY_get_bits(temporary));
            EVP_PKEY_free(temporary);
        }
        if (!cases[i].want)
            ok(p.failure.refusal == RF_REFUSE_TLS_NO_CIPHER && p.failure.suite_count == 1 &&
                   strcmp(p.failure.first_suite, cases[i].suite) == 0,
               "RF-102 tells what was offered: %s", p.failure.first_suite);
        pair_close(&p);
        SSL_CTX_free(ctx);
    }
}

static void
versions_and_groups(void)
{
    static const struct {
        int min, max;
        const char *suites, *groups;
        enum rf_refusal want; /* RF_REFUSE_NONE: works */
        const char *version;  /* what our side says the client had at most, or negotiated */
    } cases[] = {
        { TLS1_VERSION, TLS1_VERSION, "ALL", NULL, RF_REFUSE_TLS_VERSION, "TLS 1.0" },
        { TLS1_VERSION, TLS1_1_VERSION, "ALL", NULL, RF_REFUSE_TLS_VERSION, "TLS 1.1" },
        { TLS1_1_VERSION, TLS1_1_VERSION, "ALL", NULL, RF_REFUSE_TLS_VERSION, "TLS 1.1" },
        { TLS1_VERSION, TLS1_2_VERSION, "ALL", NULL, RF_REFUSE_NONE, "1.2" },
        { TLS1_3_VERSION, TLS1_3_VERSION, "ALL", NULL, RF_REFUSE_NONE, "1.3" },
        { TLS1_3_VERSION, TLS1_3_VERSION, "ALL", "P-521", RF_REFUSE_TLS_NO_GROUP, "TLS 1.3" },
        { TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "P-521:X448",
          RF_REFUSE_TLS_NO_GROUP, "TLS 1.2" },
        { TLS1_3_VERSION, TLS1_3_VERSION, "ALL", "P-521:P-384", RF_REFUSE_NONE, "1.3" },
        { TLS1_2_VERSION, TLS1_2_VERSION, "AES128-SHA", NULL, RF_REFUSE_TLS_NO_CIPHER, "TLS 1.2" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *ctx = peer_ctx(cases[i].min, cases[i].max, cases[i].suites, cases[i].groups);
        const struct rf_refusal_row *row = rf_refusal_row(cases[i].want);
        struct pair p;

        shake(&p, ctx);
        if (cases[i].want == RF_REFUSE_NONE) {
            ok(p.outcome == RF_OK && strcmp(p.facts.version, cases[i].version) == 0, "TLS %s up to %s works",
               cases[i].groups != NULL ? cases[i].groups : "", cases[i].version);
        } else {
            ok(p.outcome == RF_ERR_CRYPTO && p.failure.refusal == cases[i].want, "%s: %s", cases[i].version,
               row->code);
            ok(strcmp(p.failure.version, cases[i].version) == 0 && strcmp(p.failure.min, "1.2") == 0,
               "its words: %s, needs %s; alert %s", p.failure.version, p.failure.min,
               rf_tls_alert_name(p.failure.alert_sent));
            ok(p.failure.alert_sent > 0 && strcmp(p.failure.server_name, "pbx.example") == 0,
               "an alert was sent and the name it asked for is kept");
        }
        pair_close(&p);
        SSL_CTX_free(ctx);
    }
}

static void
refused_by_the_peer(void)
{
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        SSL_CTX *ctx = peer_ctx(v, v, "ALL", NULL);
        struct pair p;

        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        shake(&p, ctx);
        ok(p.failure.refusal == RF_REFUSE_CERT_REFUSED_BY_PEER &&
               p.failure.alert_received == SSL_AD_UNKNOWN_CA,
           "TEL-8, RF-202 with TLS %s: %s", rf_tls_version_name(v), p.failure.reason);
        pair_close(&p);
        SSL_CTX_free(ctx);
    }
    {
        SSL_CTX *ctx = peer_ctx(TLS1_2_VERSION, TLS1_3_VERSION, "ALL", NULL);
        struct rf_tls_server *s = server("sip-phones", NULL);
        struct pair p;

        pair_open(&p, s, ctx, NULL, NULL);
        p.hang_up = true;
        pair_shake(&p);
        ok(p.failure.refusal == RF_REFUSE_TLS_CLOSED, "RF-109: closed during the handshake");
        pair_close(&p);
        pair_open(&p, s, ctx, NULL, NULL);
        rf_assert(write(p.fd[1], "\x16\x03\x01\x00\x05garbage beyond", 19) == 19);
        p.outcome = rf_tls_conn_handshake(p.ours);
        rf_tls_conn_failure(p.ours, &p.failure);
        ok(p.outcome == RF_ERR_CRYPTO && p.failure.refusal == RF_REFUSE_TLS_FAILED &&
               p.failure.reason[0] != '\0',
           "RF-108: %s", p.failure.reason);
        pair_close(&p);
        rf_tls_server_unref(s);
        SSL_CTX_free(ctx);
    }
}

static void
names(void)
{
    static const struct {
        const char *ask, *get;
    } cases[] = {
        { "pbx.example", "CN=pbx.example" },
        { "other.example", "CN=other.example" },
        { "OTHER.example", "CN=other.example" },
        { "nobody.example", "CN=pbx.example" },
        { NULL, "CN=pbx.example" },
    };
    SSL_CTX *ctx = peer_ctx(TLS1_2_VERSION, TLS1_3_VERSION, "ALL", NULL);
    struct rf_tls_server *s = server("sip-phones", NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_cert_facts facts = { 0 };
        struct pair p;

        pair_open(&p, s, ctx, cases[i].ask, NULL);
        pair_shake(&p);
        if (p.outcome == RF_OK)
            rf_cert_facts_read(SSL_get0_peer_certificate(p.theirs), &facts);
        ok(strcmp(facts.subject, cases[i].get) == 0, "SNI %s shows %s",
           cases[i].ask != NULL ? cases[i].ask : "(none)", facts.subject);
        pair_close(&p);
    }
    rf_tls_server_unref(s);
    SSL_CTX_free(ctx);
}

/* --- resumption --- */

static int tickets_got;

static int
count_tickets(SSL *ssl, SSL_SESSION *session)
{
    tickets_got++;
    return 0;
}

static bool
resumes(SSL_CTX *ctx, SSL_SESSION *session, const char *interface, struct rf_tls_tickets *t)
{
    struct rf_tls_server *s = server(interface, t);
    SSL_SESSION *copy = SSL_SESSION_dup(session); /* OpenSSL lets a TLS 1.3 session be used once */
    struct pair p;
    bool resumed;

    pair_open(&p, s, ctx, "pbx.example", copy);
    SSL_SESSION_free(copy);
    pair_shake(&p);
    resumed = p.outcome == RF_OK && p.facts.resumed;
    if (p.outcome != RF_OK)
        diag("handshake failed: %s", p.failure.reason);
    pair_close(&p);
    rf_tls_server_unref(s);
    return resumed;
}

static void
resumption(int version)
{
    static const char other_master[32] = "another secret of thirty-two oct";
    const char *v = rf_tls_version_name(version);
    SSL_CTX *ctx = peer_ctx(version, version, "ALL", NULL);
    struct rf_tls_server *s = server("sip-phones", tickets);
    struct rf_tls_tickets *foreign, *again;
    SSL_SESSION *session;
    struct pair p;

    SSL_CTX_sess_set_new_cb(ctx, count_tickets);
    tickets_got = 0;
    clock_s = 1795000000;
    pair_open(&p, s, ctx, "pbx.example", NULL);
    pair_shake(&p);
    ok(p.outcome == RF_OK && !p.facts.resumed && tickets_got == 1,
       "TLS %s: a full handshake gives one ticket", v);
    session = SSL_get1_session(p.theirs);
    pair_close(&p);
    rf_tls_server_unref(s);

    ok(resumes(ctx, session, "sip-phones", tickets), "TLS %s: resumed at the context of another worker", v);
    rf_assert(rf_tls_tickets_new(&again, RF_SPAN_LIT("a master secret of thirty-two oc"),
                                 RF_TLS_TICKET_PERIOD_S, test_clock) == RF_OK);
    ok(resumes(ctx, session, "sip-phones", again), "TLS %s: resumed after a restart with the same master", v);
    rf_tls_tickets_unref(again);
    ok(!resumes(ctx, session, "sip-trunks", tickets), "TLS %s: not at another interface", v);
    ok(!resumes(ctx, session, "sip-phones", NULL), "TLS %s: not where tickets are off", v);
    rf_assert(rf_tls_tickets_new(&foreign, rf_span(other_master, 32), RF_TLS_TICKET_PERIOD_S, test_clock) ==
              RF_OK);
    ok(!resumes(ctx, session, "sip-phones", foreign), "TLS %s: not with another master", v);
    rf_tls_tickets_unref(foreign);
    clock_s += RF_TLS_TICKET_PERIOD_S;
    ok(resumes(ctx, session, "sip-phones", tickets), "TLS %s: resumed with the key of the period before", v);
    clock_s += RF_TLS_TICKET_PERIOD_S;
    ok(!resumes(ctx, session, "sip-phones", tickets), "TLS %s: not with an older one", v);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void
ticket_keys(void)
{
    struct rf_tls_ticket_keys a, b;
    struct rf_tls_tickets *t;

    ok(rf_tls_tickets_new(&t, RF_SPAN_LIT("short"), 10, test_clock) == RF_ERR_RANGE,
       "a short master is refused");
    rf_tls_tickets_derive(tickets, 0, RF_SPAN_LIT("settings"), &a);
    clock_s += RF_TLS_TICKET_PERIOD_S;
    rf_tls_tickets_derive(tickets, 1, RF_SPAN_LIT("settings"), &b);
    ok(a.period == b.period && memcmp(a.aes, b.aes, 32) == 0 && memcmp(a.name, b.name, 16) == 0 &&
           memcmp(a.mac, b.mac, 32) == 0,
       "this period's keys are the next one's old keys");
    rf_tls_tickets_derive(tickets, 0, RF_SPAN_LIT("settings"), &b);
    ok(memcmp(a.aes, b.aes, 32) != 0 && memcmp(a.name, b.name, 16) != 0 && memcmp(b.aes, b.mac, 32) != 0,
       "each period and use has keys of its own");
}

/* --- our client --- */

static void
client_case(const char *host, bool with_root, bool want, const char *what)
{
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM_REMOTE, .trust = with_root ? trust : NULL };
    struct rf_tls_client_conf conf = { .level = RF_TLS_INTERMEDIATE, .check = &check };
    struct rf_cert *certs[] = { other_cert };
    struct rf_tls_server_conf server_conf = { "sip-phones", RF_TLS_INTERMEDIATE, certs, 1, NULL };
    struct rf_tls_client *c;
    struct rf_tls_server *s;
    struct rf_tls_conn *a, *b;
    enum rf_err ea = RF_ERR_AGAIN, eb = RF_ERR_AGAIN;
    struct rf_tls_failure f = { 0 };
    const char *why;
    int fd[2];

    rf_assert(rf_tls_client_new(&c, &conf, &why) == RF_OK);
    rf_assert(rf_tls_server_new(&s, &server_conf, &why) == RF_OK);
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    rf_assert(rf_tls_conn_accept(&a, s, fd[0]) == RF_OK);
    rf_assert(rf_tls_conn_connect(&b, c, fd[1], rf_span_str(host), NULL) == RF_OK);
    for (int i = 0; i < 10; i++) {
        eb = eb == RF_ERR_AGAIN ? rf_tls_conn_handshake(b) : eb;
        ea = ea == RF_ERR_AGAIN ? rf_tls_conn_handshake(a) : ea;
    }
    if (eb != RF_OK)
        rf_tls_conn_failure(b, &f);
    ok((eb == RF_OK) == want && (ea == RF_OK) == want, "our client: %s%s%s", what, want ? "" : ": ",
       f.reason);
    if (want) {
        char text[8];
        size_t n;

        ok(rf_tls_conn_write(a, RF_SPAN_LIT("hello"), &n) == RF_OK && n == 5 &&
               rf_tls_conn_read(b, text, sizeof text, &n) == RF_OK && n == 5 && memcmp(text, "hello", 5) == 0,
           "and octets pass");
        rf_tls_conn_close(a);
        ok(rf_tls_conn_read(b, text, sizeof text, &n) == RF_ERR_CLOSED, "until it is closed");
    }
    rf_tls_conn_free(a);
    rf_tls_conn_free(b);
    rf_tls_server_unref(s);
    rf_tls_client_unref(c);
    close(fd[0]);
    close(fd[1]);
}

int
main(void)
{
    static const char *const files[] = { "ca.pem", "ca.key", "server.pem", "server.key" };
    char path[256];

    signal(SIGPIPE, SIG_IGN);
    certificates();
    rf_assert(rf_tls_tickets_new(&tickets, RF_SPAN_LIT("a master secret of thirty-two oc"),
                                 RF_TLS_TICKET_PERIOD_S, test_clock) == RF_OK);
    as_published();
    works_without_exchange_keys(TLS1_3_VERSION);
    works_without_exchange_keys(TLS1_2_VERSION);
    suites();
    versions_and_groups();
    refused_by_the_peer();
    names();
    resumption(TLS1_2_VERSION);
    resumption(TLS1_3_VERSION);
    ticket_keys();
    client_case("other.example", true, true, "a certificate of a trusted root for the name");
    client_case("192.0.2.9", true, true, "a certificate for the address");
    client_case("pbx.example", true, false, "a certificate for another name");
    client_case("192.0.2.10", true, false, "a certificate for another address");
    client_case("other.example", false, false, "a root that is not trusted");

    rf_tls_tickets_unref(tickets);
    rf_trust_unref(trust);
    rf_cert_unref(ec_cert);
    rf_cert_unref(rsa_cert);
    rf_cert_unref(other_cert);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
    return tap_done();
}
