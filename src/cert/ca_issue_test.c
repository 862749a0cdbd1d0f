/*
 * GEN-18, GEN-19: certificates that an operator orders: what is in them, the list of them, and how they are
 * withdrawn.
 */
#include <dirent.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cert/ca_inside.h"
#include "cert/check.h"
#include "tap.h"

#define DAY 86400ll
#define T0 1795000000ll /* November 2026 */

static char place[] = "/tmp/rf-ca-issue-XXXXXX";
static char ca[64], out[64];
static struct rf_cert_problem problem;
static struct rf_ca_record record;

/* --- helpers --- */

static struct rf_ca_order
order_of(const char *name)
{
    return (struct rf_ca_order){
        .name = name, .use = RF_CA_CLIENT | RF_CA_SERVER, .days = 397, .out_dir = out};
}

static enum rf_err
issue_one(struct rf_ca_order o, int64_t wall_s)
{
    return rf_ca_issue(ca, &o, wall_s, &record, &problem);
}

static const char *
in(const char *dir, const char *name)
{
    static char path[4][200];
    static int i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
    return path[i];
}

static struct rf_trust *
store_with(const char *leaf, bool with_crl)
{
    struct rf_trust *t = NULL;

    rf_assert(rf_trust_new(&t) == RF_OK);
    if (rf_trust_add_path(t, in(out, "ca.pem"), &problem) != RF_OK ||
        (leaf != NULL && rf_trust_add_path(t, in(out, leaf), &problem) != RF_OK) ||
        (with_crl && rf_trust_add_path(t, in(ca, "ca.crl"), &problem) != RF_OK))
        ok(false, "a store: %s", problem.text);
    return t;
}

/* A certificate of `out` by a level, in one role, for a name. */
static bool
passes(const char *name, enum rf_check_level level, bool as_server, const char *target, bool with_crl,
       int64_t now_s)
{
    static struct rf_check_report report;
    char pem[96], key[96];
    struct rf_cert *c = NULL;
    struct rf_trust *t;
    struct rf_check_question q = {.level = level,
                                  .use = RF_CHECK_SIP,
                                  .peer_is_server = as_server,
                                  .target = rf_span_str(target),
                                  .now_s = now_s,
                                  .chain_count = 1};
    X509 *x;
    bool is;

    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    if (rf_cert_load(&c, in(out, pem), in(out, key), &problem) != RF_OK)
        return false;
    t = store_with(pem, with_crl);
    x = rf_cert_leaf(c);
    q.chain = &x;
    q.trust = t;
    is = rf_check_peer(&q, &report) == RF_OK && report.is_accepted;
    rf_trust_unref(t);
    rf_cert_unref(c);
    return is;
}

static unsigned
mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static size_t
issued_count(void)
{
    struct rf_ca_record *list = NULL;
    size_t n = 0;

    if (rf_ca_issued(ca, &list, &n, &problem) != RF_OK)
        return SIZE_MAX;
    free(list);
    return n;
}

static X509_CRL *
crl_now(int64_t wall_s)
{
    char *text;
    size_t n;
    X509_CRL *crl;
    BIO *b;

    if (rf_ca_crl(ca, wall_s, &text, &n, &problem) != RF_OK)
        return NULL;
    b = BIO_new_mem_buf(text, (int)n);
    crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
    BIO_free(b);
    free(text);
    return crl;
}

static int64_t
crl_number(int64_t wall_s)
{
    X509_CRL *crl = crl_now(wall_s);
    int64_t n = crl != NULL ? rf_ca_crl_number(crl) : -1;

    X509_CRL_free(crl);
    return n;
}

/* --- the root --- */

static void
the_root(void)
{
    static struct rf_cert_facts facts;
    enum rf_ca_key rsa = RF_CA_RSA, ec = RF_CA_ECDSA;
    struct rf_ca_root want = {.default_name = "authority of a test", .days = 3652};
    bool made;

    ok(issue_one(order_of("early"), T0) == RF_ERR_STATE, "without a root nothing is issued: %s",
       problem.text);
    ok(rf_ca_init(ca, &want, T0, &made, &facts, &problem) == RF_OK && made &&
           strcmp(facts.subject, "CN=authority of a test") == 0,
       "a root is made: %s %s", facts.subject, problem.text);
    ok(mode_of(ca) == 0700 && mode_of(in(ca, "ca.key")) == 0600 && mode_of(in(ca, "ca.pem")) == 0644 &&
           mode_of(in(ca, "ca.crl")) == 0644,
       "its folder is for nobody else, its key neither");
    ok(rf_ca_init(ca, &want, T0, &made, &facts, &problem) == RF_OK && !made, "a second time nothing is made");
    want.key = &ec;
    ok(rf_ca_init(ca, &want, T0, &made, &facts, &problem) == RF_OK && !made,
       "nor for the kind of key that it has");
    want.key = &rsa;
    ok(rf_ca_init(ca, &want, T0, &made, &facts, &problem) == RF_ERR_EXISTS && !made,
       "another kind of key: %s", problem.text);
    want.key = NULL;
    want.name = "another";
    ok(rf_ca_init(ca, &want, T0, &made, &facts, &problem) == RF_ERR_EXISTS && !made, "another name: %s",
       problem.text);
    want.name = "a, b";
    ok(rf_ca_init(ca, &want, T0, &made, &facts, &problem) == RF_ERR_RANGE, "a name that cannot be one: %s",
       problem.text);
}

/* --- orders --- */

static void
names(void)
{
    static const struct {
        const char *name;
        bool want;
        enum rf_san_kind kind;
    } cases[] = {
        {"pbx.example", true, RF_SAN_DNS},
        {"*.pbx.example", true, RF_SAN_DNS},
        {"localhost", true, RF_SAN_DNS},
        {"xn--bcher-kva.example", true, RF_SAN_DNS},
        {"192.0.2.1", true, RF_SAN_IP},
        {"2001:db8::1", true, RF_SAN_IP},
        {"[2001:db8::1]", true, RF_SAN_IP},
        {"sip:pbx.example", true, RF_SAN_URI},
        {"SIP:pbx.example", true, RF_SAN_URI},
        {"", false, RF_SAN_DNS},
        {"pbx.example.", false, RF_SAN_DNS},
        {"a b", false, RF_SAN_DNS},
        {"pbx.example,IP:10.0.0.1", false, RF_SAN_DNS},
        {"x\ny", false, RF_SAN_DNS},
        {"*.", false, RF_SAN_DNS},
        {"a.*.example", false, RF_SAN_DNS},
        {"b\xc3\xbc"
         "cher.example",
         false, RF_SAN_DNS},
        {"sip:user@pbx.example", false, RF_SAN_URI},
        {"sip:pbx.example:5061", false, RF_SAN_URI},
        {"sip:pbx.example;transport=tls", false, RF_SAN_URI},
        {"sip:*.pbx.example", false, RF_SAN_URI},
        {"sips:pbx.example", false, RF_SAN_DNS},
        {"sip:", false, RF_SAN_URI},
        {"http://pbx.example", false, RF_SAN_DNS},
    };
    enum rf_san_kind kind;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is = rf_ca_name_kind(cases[i].name, &kind);

        ok(is == cases[i].want && (!is || kind == cases[i].kind), "a name of a certificate? \"%s\": %s",
           strpbrk(cases[i].name, "\n") != NULL ? "(two lines)" : cases[i].name, is ? "yes" : "no");
    }
}

static void
refused_orders(void)
{
    static const char *const bad[] = {"sip:user@x", "a b"};
    static const char *const many[] = {
        "x1.a-rather-long-name-for-a-host.of-which-there-are-many-in-one.certificate.example",
        "x2.a-rather-long-name-for-a-host.of-which-there-are-many-in-one.certificate.example",
    };
    const char *list[RF_CERT_NAMES_MAX];
    static const char *const files[] = {
        "",    "ca",  "../x",
        ".x",  "-x",  "a/b",
        "a b", "x\n", "a-name-of-65-octets-0123456789-0123456789-0123456789-0123456789-x"};
    size_t before = issued_count();
    struct rf_ca_order o;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ok(issue_one(order_of(files[i]), T0) == RF_ERR_RANGE, "file name %zu is refused", i);
    for (size_t i = 0; i < 2; i++) {
        o = order_of("bad");
        o.names = &bad[i];
        o.name_count = 1;
        ok(issue_one(o, T0) == RF_ERR_RANGE, "%s", problem.text);
    }
    ok(issue_one(order_of("a..b"), T0) == RF_ERR_RANGE, "%s", problem.text);
    for (size_t i = 0; i < RF_CERT_NAMES_MAX; i++)
        list[i] = many[i % 2];
    o = order_of("many");
    o.names = list;
    o.name_count = RF_CERT_NAMES_MAX;
    ok(issue_one(o, T0) == RF_ERR_RANGE, "%s", problem.text);
    o = order_of("pbx.example");
    o.days = 0;
    ok(issue_one(o, T0) == RF_ERR_RANGE, "%s", problem.text);
    o = order_of("pbx.example");
    o.out_dir = ca;
    ok(issue_one(o, T0) == RF_ERR_RANGE, "%s", problem.text);
    o.out_dir = "/absent/folder";
    ok(issue_one(o, T0) == RF_ERR_NOT_FOUND, "%s", problem.text);
    ok(issue_one(order_of("pbx.example"), T0 + 4000 * DAY) == RF_ERR_SYNTAX, "%s", problem.text);
    ok(issue_one(order_of("pbx.example"), T0 - 400 * DAY) == RF_ERR_SYNTAX, "%s", problem.text);
    ok(issued_count() == before, "none of them is on the list");
}

static void
orders(void)
{
    static const char *const trunk_names[] = {"trunk.example.net", "192.0.2.7", "sip:trunk.example.net"};
    static const struct {
        const char *name;
        unsigned use;
        enum rf_ca_key key;
    } cases[] = {
        {"server.example", RF_CA_SERVER, RF_CA_ECDSA},
        {"client.example", RF_CA_CLIENT, RF_CA_ECDSA},
        {"both.example", RF_CA_SERVER | RF_CA_CLIENT, RF_CA_ECDSA},
        {"rsa.example", RF_CA_SERVER | RF_CA_CLIENT, RF_CA_RSA},
    };
    struct rf_ca_order o;
    char pem[80], key[80];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        o = order_of(cases[i].name);
        o.use = cases[i].use;
        o.key = cases[i].key;
        ok(issue_one(o, T0) == RF_OK && strcmp(record.names, o.name) == 0 && record.use == o.use, "%s: %s",
           o.name, problem.text);
        snprintf(pem, sizeof pem, "%s.pem", o.name);
        snprintf(key, sizeof key, "%s.key", o.name);
        ok(mode_of(in(out, key)) == 0600 && mode_of(in(out, pem)) == 0644,
           "GEN-18 %s: its key is for nobody else", o.name);
        for (int level = RF_CHECK_NONE; level < RF_CHECK_LEVEL_COUNT; level++)
            for (int as_server = 0; as_server < 2; as_server++) {
                bool fits = level <= RF_CHECK_LOW || (o.use & (as_server ? RF_CA_SERVER : RF_CA_CLIENT)) != 0;

                ok(passes(o.name, (enum rf_check_level)level, as_server == 1, o.name, true, T0) == fits,
                   "GEN-18 %s as %s at level %s: %s", o.name, as_server ? "server" : "client",
                   rf_check_level_name((enum rf_check_level)level), fits ? "accepted" : "refused");
            }
    }
    o = order_of("trunk");
    o.names = trunk_names;
    o.name_count = 3;
    ok(issue_one(o, T0) == RF_OK &&
           strcmp(record.names, "trunk.example.net,192.0.2.7,sip:trunk.example.net") == 0,
       "three names");
    for (size_t i = 0; i < 2; i++)
        ok(passes("trunk", RF_CHECK_HIGH_REMOTE, true, trunk_names[i], true, T0), "it passes for %s",
           trunk_names[i]);
    ok(!passes("trunk", RF_CHECK_HIGH_REMOTE, true, "trunk", true, T0), "its common name does not count");
    ok(issue_one(o, T0) == RF_ERR_EXISTS, "a second time: %s", problem.text);
    o.may_replace = true;
    ok(issue_one(o, T0) == RF_OK, "unless it may");
    o = order_of("long.example");
    o.days = 36500;
    ok(issue_one(o, T0 + 10 * DAY) == RF_OK && record.until == T0 - DAY + 3652 * DAY,
       "none outlives its root");
    ok(record.from == T0 + 9 * DAY, "and it starts a day ago, for clocks that are behind");
}

/* What was made is not on the list when its files cannot be written. */
static void
whole_or_not(void)
{
    size_t before = issued_count();
    struct rf_ca_order o = order_of("stuck.example");
    struct dirent *e;
    size_t left = 0;
    DIR *d;

    mkdir(in(out, "stuck.example.pem"), 0700);
    o.may_replace = true;
    ok(issue_one(o, T0) == RF_ERR_IO && issued_count() == before,
       "a file that cannot be put in its place: %s", problem.text);
    rmdir(in(out, "stuck.example.pem"));
    unlink(in(out, "stuck.example.key"));
    d = opendir(out);
    while ((e = readdir(d)) != NULL)
        left += strstr(e->d_name, ".new") != NULL;
    closedir(d);
    ok(left == 0, "and no half of it stays behind");
}

/* GEN-19: whoever is not told of the other's root refuses. */
static void
two_authorities(void)
{
    char other[64], other_out[64];
    struct rf_ca_root want = {.default_name = "the other", .days = 3652};
    struct rf_ca_order o = order_of("far.example");
    static struct rf_check_report report;
    struct rf_cert *c = NULL;
    struct rf_trust *t;
    struct rf_check_question q = {
        .level = RF_CHECK_MEDIUM, .use = RF_CHECK_SIP, .chain_count = 1, .now_s = T0};
    bool made;
    X509 *x;

    snprintf(other, sizeof other, "%s/other", place);
    snprintf(other_out, sizeof other_out, "%s/other-out", place);
    mkdir(other_out, 0700);
    o.out_dir = other_out;
    ok(rf_ca_init(other, &want, T0, &made, NULL, &problem) == RF_OK &&
           rf_ca_issue(other, &o, T0, &record, &problem) == RF_OK,
       "another authority: %s", problem.text);
    if (rf_cert_load(&c, in(other_out, "far.example.pem"), in(other_out, "far.example.key"), &problem) !=
        RF_OK)
        return;
    x = rf_cert_leaf(c);
    q.chain = &x;
    t = store_with(NULL, false);
    q.trust = t;
    ok(rf_check_peer(&q, &report) == RF_OK && !report.is_accepted,
       "GEN-19 its certificates are refused by who knows ours alone");
    ok(rf_trust_add_path(t, in(other_out, "ca.pem"), &problem) == RF_OK &&
           rf_check_peer(&q, &report) == RF_OK && report.is_accepted,
       "GEN-19 and accepted once its root was imported");
    rf_trust_unref(t);
    rf_cert_unref(c);
    o.out_dir = out;
    ok(rf_ca_issue(other, &o, T0, &record, &problem) == RF_ERR_EXISTS,
       "one folder takes certificates of one authority: %s", problem.text);
}

/* --- revocation --- */

static void
revocation(void)
{
    int64_t first = crl_number(T0), second;
    X509_CRL *crl;
    char serial[48];
    FILE *f;

    ok(first > 0 && crl_number(T0 + DAY) == first, "a list that is current is not made anew");
    ok(rf_ca_revoke(ca, "nobody", RF_CA_UNSPECIFIED, T0, &record, &problem) == RF_ERR_NOT_FOUND, "%s",
       problem.text);
    ok(rf_ca_revoke(ca, "trunk", RF_CA_SUPERSEDED, T0, &record, &problem) == RF_ERR_RANGE &&
           strlen(problem.text) > 100,
       "%s", problem.text);
    ok(passes("client.example", RF_CHECK_MEDIUM, false, "", true, T0), "client.example passes");
    ok(rf_ca_revoke(ca, "client.example", RF_CA_KEY_COMPROMISE, T0 + 100, &record, &problem) == RF_OK &&
           record.revoked == T0 + 100,
       "it is revoked: %s", problem.text);
    ok(!passes("client.example", RF_CHECK_MEDIUM, false, "", true, T0 + 100),
       "GEN-18 and refused from then on");
    ok(passes("client.example", RF_CHECK_MEDIUM, false, "", false, T0 + 100),
       "but by those who do not have the list");
    ok(passes("both.example", RF_CHECK_MEDIUM, false, "", true, T0 + 100), "others are not");
    second = crl_number(T0 + 100);
    ok(second > first, "the number of the list grew");
    snprintf(serial, sizeof serial, "%s", record.serial);
    ok(rf_ca_revoke(ca, "client.example", RF_CA_KEY_COMPROMISE, T0 + 200, &record, &problem) == RF_ERR_EXISTS,
       "%s", problem.text);
    ok(rf_ca_revoke(ca, serial, RF_CA_KEY_COMPROMISE, T0 + 200, &record, &problem) == RF_ERR_EXISTS, "%s",
       problem.text);

    /* A crash between the two files, and a list that was lost. */
    crl = crl_now(T0 + 100);
    f = fopen(in(ca, "ca.crl"), "w");
    fputs("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", f);
    fclose(f);
    ok(crl_number(T0 + 300) > second && !passes("client.example", RF_CHECK_MEDIUM, false, "", true, T0 + 300),
       "a damaged list is made from what was issued");
    unlink(in(ca, "ca.crl"));
    ok(crl_number(T0 + 400) > second && !passes("client.example", RF_CHECK_MEDIUM, false, "", true, T0 + 400),
       "so is a lost one");
    first = crl_number(T0 + 400);
    ok(crl_number(T0 + 400 + 19 * DAY) == first && crl_number(T0 + 400 + 20 * DAY) > first,
       "ten days before its end it is renewed");
    X509_CRL_free(crl);
    crl = crl_now(T0 + 430 * DAY);
    ok(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) <= 0, "what has ended long ago leaves the list");
    X509_CRL_free(crl);
    crl = crl_now(T0 + 400 * DAY);
    ok(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) == 1, "but not at its end (RFC 5280 3.3)");
    X509_CRL_free(crl);
}

static void
copy(const char *from, const char *to, long octets)
{
    FILE *f = fopen(from, "r"), *t = fopen(to, "w");
    static char text[1 << 20];
    size_t n;

    rf_assert(f != NULL && t != NULL);
    n = fread(text, 1, sizeof text, f);
    if (octets >= 0 && (size_t)octets < n)
        n = (size_t)octets;
    rf_assert(fwrite(text, 1, n, t) == n && fclose(f) == 0 && fclose(t) == 0);
}

/* `issued` is lost in a way that no parser sees: what was revoked stays so on every list that follows. */
static void
lost_records(void)
{
    static const struct {
        const char *what, *from;
        long octets;
    } rows[] = {
        { "it is empty", "issued.full", 0 },
        { "it is of a backup before the revocation", "issued.backup", -1 },
        { "it is whole", "issued.full", -1 },
    };

    rf_assert(issue_one(order_of("thief.example"), T0) == RF_OK && issue_one(order_of("later.example"), T0) == RF_OK);
    copy(in(ca, "issued"), in(ca, "issued.backup"), -1);
    rf_assert(rf_ca_revoke(ca, "thief.example", RF_CA_KEY_COMPROMISE, T0 + 10, &record, &problem) == RF_OK);
    copy(in(ca, "issued"), in(ca, "issued.full"), -1);
    copy(in(ca, "ca.crl"), in(ca, "crl.full"), -1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[40];

        copy(in(ca, rows[i].from), in(ca, "issued"), rows[i].octets);
        copy(in(ca, "crl.full"), in(ca, "ca.crl"), -1);
        snprintf(name, sizeof name, "other%zu.example", i);
        ok(issue_one(order_of(name), T0 + 20) == RF_OK &&
               rf_ca_revoke(ca, name, RF_CA_UNSPECIFIED, T0 + 30, &record, &problem) == RF_OK,
           "%s: another one is revoked: %s", rows[i].what, problem.text);
        ok(!passes("thief.example", RF_CHECK_MEDIUM, false, "", true, T0 + 40) &&
               !passes(name, RF_CHECK_MEDIUM, false, "", true, T0 + 40),
           "GEN-18 %s: both are refused", rows[i].what);
        ok(crl_number(T0 + 25 * DAY) > 0 && !passes("thief.example", RF_CHECK_MEDIUM, false, "", true, T0 + 25 * DAY),
           "GEN-18 %s: also by the list of the next month", rows[i].what);
        ok(passes("later.example", RF_CHECK_MEDIUM, false, "", true, T0 + 40), "%s: others are not", rows[i].what);
    }
    ok(rf_ca_revoke(ca, "thief.example", RF_CA_UNSPECIFIED, T0 + 50, &record, &problem) == RF_ERR_EXISTS,
       "and it cannot be revoked twice: %s", problem.text);
    unlink(in(ca, "issued.backup"));
    unlink(in(ca, "issued.full"));
    unlink(in(ca, "crl.full"));
}

/* Our own server's certificate is on the list, and is replaced when it was revoked. */
static void
own_server(void)
{
    static const char *const host[] = {"pbx.example"};
    struct rf_ca_conf conf = {ca, "unused", host, 1, false};
    struct rf_ca_result result;

    ok(rf_ca_ensure(&conf, T0, &result, &problem) == RF_OK && result.made_leaf && !result.made_ca,
       "a leaf of our own: %s", problem.text);
    ok(result.due_s > T0 && result.due_s <= T0 + 30 * DAY,
       "to be looked at again before the list of revoked ones ends");
    ok(rf_ca_ensure(&conf, T0 + 1, &result, &problem) == RF_OK && !result.made_leaf, "it is kept");
    ok(rf_ca_revoke(ca, "pbx.example", RF_CA_KEY_COMPROMISE, T0 + 2, &record, &problem) == RF_OK,
       "it is revoked: %s", problem.text);
    ok(rf_ca_ensure(&conf, T0 + 3, &result, &problem) == RF_OK && result.made_leaf &&
           strcmp(result.why, "it was revoked") == 0,
       "and made anew: %s", result.why);
}

/* --- the list --- */

static void
list_lines(void)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"", true},
        {"# nothing\n\n", true},
        {"0a\t1\t2\t0\tunspecified\tboth\tn\tx.example,sip:y\n", true},
        {"0a\t1\t2\t3\tkey-compromise\tclient\tn\t\n", true},
        {"0a\t1\t2\t0\tunspecified\tboth\tn\tx.example", false}, /* cut off */
        {"0A\t1\t2\t0\tunspecified\tboth\tn\tx\n", false},
        {"\t1\t2\t0\tunspecified\tboth\tn\tx\n", false},
        {"0a\t-1\t2\t0\tunspecified\tboth\tn\tx\n", false},
        {"0a\t1\t2\t99999999999999999999\tunspecified\tboth\tn\tx\n", false},
        {"0a\t1\t2\t0\tbecause\tboth\tn\tx\n", false},
        {"0a\t1\t2\t0\tunspecified\tneither\tn\tx\n", false},
        {"0a\t1\t2\t0\tunspecified\tboth\t\tx\n", false},
        {"0a\t1\t2\t0\tunspecified\tboth\tn\tx\ty\n", false},
        {"0a\t1\t2\t0\tunspecified\tboth\n", false},
    };
    struct rf_ca_list list;
    struct stat st;
    FILE *f;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ok((rf_ca_list_parse(&list, rf_span_str(cases[i].text), &problem) == RF_OK) == cases[i].want,
           "line %zu: %s", i, cases[i].want ? "read" : problem.text);
        if (cases[i].want)
            rf_ca_list_fini(&list);
    }
    f = fopen(in(ca, "issued"), "a");
    fputs("half a line", f);
    fclose(f);
    ok(issue_one(order_of("later.example"), T0) == RF_ERR_SYNTAX && strstr(problem.text, in(ca, "issued:")) != NULL,
       "with a damaged list nothing is issued: %s", problem.text);
    ok(rf_ca_revoke(ca, "both.example", RF_CA_UNSPECIFIED, T0, &record, &problem) == RF_ERR_SYNTAX,
       "nor revoked");
    stat(in(ca, "issued"), &st);
    ok(truncate(in(ca, "issued"), st.st_size - 11) == 0 && issued_count() != SIZE_MAX, "until it is mended");
}

static void
list_is_bounded(void)
{
    struct rf_ca_list list = {0};
    struct rf_ca_record r = {.use = 3, .from = T0 - 500 * DAY, .until = T0 - 100 * DAY};
    size_t n = 0;
    BIO *text;
    char *p;

    memset(r.names, 'x', 1000);
    snprintf(r.name, sizeof r.name, "old");
    for (; n < 5000; n++) {
        snprintf(r.serial, sizeof r.serial, "%040zx", n);
        if (n == 500) {
            r.until = T0 + 100 * DAY;
            snprintf(r.name, sizeof r.name, "new");
        }
        if (rf_ca_list_add(&list, &r, T0) != RF_OK)
            break;
    }
    text = rf_ca_list_text(&list);
    ok(n > 1300 && n < 5000 && BIO_get_mem_data(text, &p) <= (long)RF_CERT_FILE_MAX &&
           list.count == n - 500 && strcmp(list.record[0].name, "new") == 0,
       "a full list: those that had ended made room, then no more is issued (%zu)", n);
    BIO_free(text);
    rf_ca_list_fini(&list);
}

/* Eight writers at once, as a daemon and an impatient operator are. */
static void
writers(void)
{
    size_t before = issued_count(), good = 0;
    enum { WRITERS = 8, EACH = 4 };

    for (int w = 0; w < WRITERS; w++) {
        if (fork() == 0) {
            int done = 0;

            for (int i = 0; i < EACH; i++) {
                char name[40];

                snprintf(name, sizeof name, "w%d-%d.example", w, i);
                done += issue_one(order_of(name), T0) == RF_OK;
            }
            _exit(done == EACH ? 0 : 1);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;

        wait(&status);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    ok(good == WRITERS && issued_count() == before + WRITERS * EACH,
       "eight writers: each certificate is on the list (%zu)", issued_count() - before);
}

static void
remove_all(const char *name)
{
    char dir[100];
    struct dirent *e;
    DIR *d;

    snprintf(dir, sizeof dir, "%s/%s", place, name);
    d = opendir(dir);

    while (d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            unlink(in(dir, e->d_name));
    if (d != NULL)
        closedir(d);
    rmdir(dir);
}

int
main(void)
{
    if (!ok(mkdtemp(place) != NULL, "a directory"))
        return tap_done();
    snprintf(ca, sizeof ca, "%s/ca", place);
    snprintf(out, sizeof out, "%s/out", place);
    mkdir(out, 0700);
    the_root();
    names();
    refused_orders();
    orders();
    whole_or_not();
    two_authorities();
    revocation();
    lost_records();
    own_server();
    list_lines();
    list_is_bounded();
    writers();
    remove_all("ca");
    remove_all("out");
    remove_all("other");
    remove_all("other-out");
    ok(rmdir(place) == 0, "nothing was left elsewhere");
    return tap_done();
}
