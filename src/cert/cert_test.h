/*
 * cert/cert_test.h - certificates made in a test: any name, key, extension and date in a line
 *
 * Elliptic keys, so that a hundred of them take no time. Everything is freed when the program ends by made_free.
 */
#ifndef RF_CERT_CERT_TEST_H
#define RF_CERT_CERT_TEST_H

#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "cert/check.h"
#include "tap.h"

#define DAY 86400ll
#define T0  1795000000ll /* November 2026: the time at which tests judge unless they say otherwise */

#define CA_EXT   "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"
#define KEY_IDS  "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"
#define LEAF_EXT "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth,clientAuth"

struct made {
    X509 *x;
    EVP_PKEY *key;
};

/* How to make one. What is 0 or NULL has a default. */
struct recipe {
    const char *subject;        /* common name; NULL: no subject at all */
    const struct made *issuer;  /* NULL: self-signed */
    EVP_PKEY *key;              /* to use again; NULL: a new one */
    const char *kind;           /* "P-256", "RSA1024", "ED25519" */
    const char *digest;         /* "SHA256" */
    int64_t from, to;           /* T0 - 30 days, T0 + 300 days */
    const char *ext[8];         /* "basicConstraints=critical,CA:TRUE" */
    GENERAL_NAMES *names;       /* subjectAltName octet by octet */
    bool no_key_ids;
    bool is_v1;
};

static struct made made_all[1200];
static size_t made_count;

__attribute__((unused)) static EVP_PKEY *
make_key(const char *kind)
{
    if (kind == NULL)
        kind = "P-256";
    if (strncmp(kind, "RSA", 3) == 0)
        return EVP_RSA_gen((unsigned)atoi(kind + 3));
    if (strncmp(kind, "PSS", 3) == 0) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
        EVP_PKEY *key = NULL;

        EVP_PKEY_keygen_init(ctx);
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, atoi(kind + 3));
        EVP_PKEY_generate(ctx, &key);
        EVP_PKEY_CTX_free(ctx);
        return key;
    }
    if (strncmp(kind, "ED", 2) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, kind);
    return EVP_EC_gen(kind);
}

static void
add_ext(X509 *x, X509 *issuer, const char *text)
{
    char name[64];
    const char *eq = strchr(text, '=');
    CONF *conf = NCONF_new(NULL); /* empty; some extensions want one to look into */
    X509_EXTENSION *e;
    X509V3_CTX ctx;
    BIO *empty = BIO_new_mem_buf("\n", 1);

    NCONF_load_bio(conf, empty, NULL);
    BIO_free(empty);
    snprintf(name, sizeof name, "%.*s", (int)(eq - text), text);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, conf);
    e = X509V3_EXT_nconf(conf, &ctx, name, eq + 1);
    NCONF_free(conf);
    if (e == NULL) {
        printf("Bail out! extension %s\n", text);
        exit(1);
    }
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

/* Signed again after a change. */
__attribute__((unused)) static void
make_sign(X509 *x, EVP_PKEY *key, const char *digest)
{
    bool has_digest = EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519 && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED448;

    if (X509_sign(x, key, has_digest ? EVP_get_digestbyname(digest != NULL ? digest : "SHA256") : NULL) <= 0) {
        printf("Bail out! signing\n");
        exit(1);
    }
}

__attribute__((unused)) static const struct made *
make(struct recipe r)
{
    static long serial = 1000;
    struct made *m = &made_all[made_count++];
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();
    unsigned char *der = NULL;
    const unsigned char *p;
    int n;

    rf_assert(made_count <= sizeof made_all / sizeof *made_all && x != NULL && name != NULL);
    m->key = r.key != NULL ? r.key : make_key(r.kind);
    rf_assert(m->key != NULL);
    if (r.key != NULL)
        EVP_PKEY_up_ref(r.key);
    X509_set_version(x, r.is_v1 ? X509_VERSION_1 : X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    if (r.subject != NULL)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)r.subject, -1, -1, 0);
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, r.issuer != NULL ? X509_get_subject_name(r.issuer->x) : name);
    X509_NAME_free(name);
    X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &(time_t){ r.from != 0 ? r.from : T0 - 30 * DAY });
    X509_time_adj_ex(X509_getm_notAfter(x), 0, 0, &(time_t){ r.to != 0 ? r.to : T0 + 300 * DAY });
    X509_set_pubkey(x, m->key);
    for (size_t i = 0; i < 8 && r.ext[i] != NULL; i++)
        add_ext(x, r.issuer != NULL ? r.issuer->x : x, r.ext[i]);
    if (!r.no_key_ids && !r.is_v1) {
        add_ext(x, x, "subjectKeyIdentifier=hash");
        if (r.issuer != NULL && X509_get0_subject_key_id(r.issuer->x) != NULL)
            add_ext(x, r.issuer->x, "authorityKeyIdentifier=keyid:always");
    }
    if (r.names != NULL)
        X509_add1_ext_i2d(x, NID_subject_alt_name, r.names, 0, X509V3_ADD_DEFAULT);
    make_sign(x, r.issuer != NULL ? r.issuer->key : m->key, r.digest);
    /* As one that came by the network: read from its octets. */
    n = i2d_X509(x, &der);
    p = der;
    m->x = d2i_X509(NULL, &p, n);
    rf_assert(m->x != NULL);
    OPENSSL_free(der);
    X509_free(x);
    return m;
}

__attribute__((unused)) static void
made_free(void)
{
    for (size_t i = 0; i < made_count; i++) {
        X509_free(made_all[i].x);
        EVP_PKEY_free(made_all[i].key);
    }
    made_count = 0;
}

/* A store of these; `text` gets its PEM. */
__attribute__((unused)) static void
store_add(struct rf_trust *t, const struct made *m, bool marked)
{
    struct rf_cert_problem problem;
    unsigned char *der = NULL;
    int n = i2d_X509(m->x, &der);
    enum rf_err err = rf_trust_add(t, rf_span(der, (size_t)n), "test", marked, &problem);

    OPENSSL_free(der);
    if (err != RF_OK)
        ok(false, "a store takes a certificate: %s", problem.text);
}

__attribute__((unused)) static struct rf_trust *
store_of(const struct made *const *list)
{
    struct rf_trust *t;

    if (rf_trust_new(&t) != RF_OK)
        return NULL;
    for (; *list != NULL; list++)
        store_add(t, *list, false);
    return t;
}

#define STORE(...) store_of((const struct made *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* One name of a certificate, with any octets in it. */
__attribute__((unused)) static GENERAL_NAMES *
names_add(GENERAL_NAMES *list, int type, const void *octets, size_t n)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    ASN1_STRING_set(s, octets, (int)n);
    GENERAL_NAME_set0_value(g, type, s);
    if (list == NULL)
        list = sk_GENERAL_NAME_new_null();
    sk_GENERAL_NAME_push(list, g);
    return list;
}

/* --- questions --- */

/* The question is asked before its reason is printed; the order of arguments is the compiler's choice. */
#define ok(passed, ...) ({ bool has_passed_ = (passed); ok(has_passed_, __VA_ARGS__); })

static struct rf_check_report report;
static const struct made *root, *mid, *leaf; /* of most tests; basics() makes them */

/* A question about a chain; the caller changes it. */
__attribute__((unused)) static struct rf_check_question
ask(const struct rf_trust *t, X509 *const *chain, size_t n, enum rf_check_level level)
{
    return (struct rf_check_question){
        .level = level, .use = RF_CHECK_SIP, .chain = chain, .chain_count = n, .trust = t, .now_s = T0
    };
}

__attribute__((unused)) static bool
judge(const struct rf_check_question *q)
{
    if (rf_check_peer(q, &report) != RF_OK)
        return false;
    return report.is_accepted;
}

/* Chain of made ones. */
__attribute__((unused)) static bool
passes(const struct rf_trust *t, enum rf_check_level level, const struct made *const *list)
{
    X509 *chain[64];
    size_t n = 0;
    struct rf_check_question q;

    for (; list[n] != NULL; n++)
        chain[n] = list[n]->x;
    q = ask(t, chain, n, level);
    return judge(&q);
}

#define PASSES(t, level, ...) passes(t, level, (const struct made *const[]){ __VA_ARGS__, NULL })

__attribute__((unused)) static const char *
why(void)
{
    return report.is_accepted ? "accepted" : report.line[report.first_failed].detail;
}

__attribute__((unused)) static void
basics(void)
{
    root = make((struct recipe){ .subject = "Root", .ext = { CA_EXT } });
    mid = make((struct recipe){ .subject = "Mid", .issuer = root, .ext = { CA_EXT } });
    leaf = make(
        (struct recipe){ .subject = "trunk",
                         .issuer = mid,
                         .ext = { LEAF_EXT, "subjectAltName=DNS:trunk.example.net,URI:sip:trunk.example.net" } });
}

#endif
