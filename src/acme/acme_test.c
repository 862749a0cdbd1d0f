/* The parts below a run: signatures against the RFC's own values, answers, requests for certificates, times. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "acme/renew.h"
#include "acme/selftest.h"
#include "acme/shown.h"
#include "base/codec.h"
#include "tap.h"

/* --- JWS --- */

static EVP_PKEY *
rsa_public(const char *n_text, const char *e_text)
{
    uint8_t n[512], e[8];
    size_t n_n, e_n;
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *bn_n, *bn_e;
    OSSL_PARAM *params;

    rf_assert(rf_base64url_decode(rf_span_str(n_text), n, sizeof n, &n_n) == RF_OK);
    rf_assert(rf_base64url_decode(rf_span_str(e_text), e, sizeof e, &e_n) == RF_OK);
    bn_n = BN_bin2bn(n, (int)n_n, NULL);
    bn_e = BN_bin2bn(e, (int)e_n, NULL);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn_n);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, bn_e);
    params = OSSL_PARAM_BLD_to_param(b);
    rf_assert(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    BN_free(bn_n);
    BN_free(bn_e);
    return key;
}

static void
thumbprint(void)
{
    /* The key and the result of RFC 7638 3.1. */
    EVP_PKEY *key = rsa_public("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
                               "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"
                               "_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWh"
                               "AI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
                               "AQAB");
    char text[RF_ACME_THUMBPRINT_MAX];

    ok(rf_jwk_thumbprint(key, text) == RF_OK && strcmp(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs") == 0,
       "RFC 7638 3.1: the thumbprint of its key (%s)", text);
    EVP_PKEY_free(key);
}

static struct rf_span
member(struct rf_span json, const char *name)
{
    char start[40];
    size_t at;
    struct rf_span rest;

    snprintf(start, sizeof start, "\"%s\":\"", name);
    at = rf_span_find_str(json, rf_span_str(start));
    rest = rf_span_sub(json, at + strlen(start), json.n);
    return rf_span_sub(rest, 0, rf_span_find(rest, '"'));
}

/* ES256 signatures are random: verify what was made instead. */
static bool
verify(EVP_PKEY *key, struct rf_span jws, bool is_ec)
{
    struct rf_span head = member(jws, "protected"), payload = member(jws, "payload"), sig_text = member(jws, "signature");
    uint8_t sig[1024], der[256], *p = der;
    char input[16384];
    size_t n, input_n = (size_t)snprintf(input, sizeof input, "%.*s.%.*s", RF_SPAN_ARG(head), RF_SPAN_ARG(payload));
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool fine = rf_base64url_decode(sig_text, sig, sizeof sig, &n) == RF_OK;

    if (fine && is_ec) {
        ECDSA_SIG *e = ECDSA_SIG_new();

        fine = n == 64;
        ECDSA_SIG_set0(e, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
        n = (size_t)i2d_ECDSA_SIG(e, &p);
        memcpy(sig, der, n);
        ECDSA_SIG_free(e);
    }
    fine = fine && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestVerify(md, sig, n, (uint8_t *)input, input_n) == 1;
    EVP_MD_CTX_free(md);
    return fine;
}

static void
signatures(void)
{
    for (int kind = 0; kind < RF_ACME_KEY_KINDS; kind++) {
        EVP_PKEY *key = rf_acme_key_new((enum rf_acme_key_kind)kind), *again;
        char mem[16384], pem[RF_ACME_KEY_PEM_MAX];
        uint8_t head[8192];
        struct rf_buf b = rf_buf(mem, sizeof mem), k = rf_buf(pem, sizeof pem);
        struct rf_jws j = { .key = key, .url = "https://ca.test/x", .nonce = "abc" };
        size_t n = 0;
        enum rf_err err = rf_jws_put(&b, &j, RF_SPAN_LIT("{\"a\":1}"));

        ok(!err && verify(key, rf_buf_span(&b), kind == RF_ACME_ECDSA) &&
               rf_span_is(member(rf_buf_span(&b), "payload"), "eyJhIjoxfQ"),
           "RFC 7515 %s: a signature that verifies", rf_acme_key_kind_name((enum rf_acme_key_kind)kind));
        rf_assert(rf_base64url_decode(member(rf_buf_span(&b), "protected"), head, sizeof head, &n) == RF_OK);
        ok(rf_span_starts(rf_span(head, n), kind == RF_ACME_ECDSA ? "{\"alg\":\"ES256\",\"jwk\":{\"crv\":\"P-256\""
                                                                  : "{\"alg\":\"RS256\",\"jwk\":{\"e\":\"AQAB\"") &&
               rf_span_find_str(rf_span(head, n), RF_SPAN_LIT(",\"nonce\":\"abc\",\"url\":\"https://ca.test/x\"}")) < n,
           "RFC 8555 6.2: alg, jwk, nonce, url");
        b = rf_buf(mem, sizeof mem);
        j.kid = "https://ca.test/acct/1";
        ok(rf_jws_put(&b, &j, rf_span("", 0)) == RF_OK && member(rf_buf_span(&b), "payload").n == 0 &&
               verify(key, rf_buf_span(&b), kind == RF_ACME_ECDSA),
           "RFC 8555 6.3: POST-as-GET has an empty payload");
        b = rf_buf(mem, 40);
        ok(rf_jws_put(&b, &j, rf_span("", 0)) == RF_ERR_NOMEM, "one that does not fit is none");
        rf_assert(rf_acme_key_put(&k, key) == RF_OK);
        again = rf_acme_key_read(rf_buf_span(&k));
        ok(again != NULL && EVP_PKEY_eq(again, key) == 1, "a key is read back");
        EVP_PKEY_free(again);
        EVP_PKEY_free(key);
    }
}

/* --- answers --- */

#define ORDER(rest) "{\"status\":\"pending\",\"finalize\":\"https://a/f\"," rest "}"
#define AUTHZ(token) "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.b\"},\"challenges\":[" \
                     "{\"type\":\"http-01\",\"url\":\"https://a/c\",\"token\":\"" token "\",\"status\":\"pending\"}]}"

static const struct {
    char kind;
    const char *in;
    bool is_fine;
    const char *why;
} answers[] = {
    { 'd', "{\"newNonce\":\"https://a/n\",\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\"}", true, "RFC 8555 7.1.1" },
    { 'd', "{\"newNonce\":\"https://a/n\",\"newAccount\":\"https://a/a\"}", false, "no newOrder" },
    { 'd', "{\"newNonce\":\"http://a/n\",\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\"}", false, "6.1: https alone" },
    { 'd', "[]", false, "no object" },
    { 'd', "{\"newNonce\":1,\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\"}", false, "a number for a URL" },
    { 'o', ORDER("\"authorizations\":[\"https://a/1\"]"), true, "7.1.3" },
    { 'o', ORDER("\"authorizations\":[1]"), false, "a number in the list" },
    { 'o', ORDER("\"authorizations\":\"https://a/1\""), false, "no list" },
    { 'o', "{\"status\":\"great\",\"finalize\":\"https://a/f\",\"authorizations\":[]}", false, "a status that is none" },
    { 'o', ORDER("\"authorizations\":[\"https://a/\\u0000b\"]"), false, "a NUL in a URL" },
    { 'o', ORDER("\"authorizations\":[\"https://a/ b\"]"), false, "a space in a URL" },
    { 'o', "{\"status\":\"pending\",\"status\":\"valid\",\"finalize\":\"https://a/f\",\"authorizations\":[]}", false, "said twice" },
    { 'a', AUTHZ("0123456789012345678901"), true, "7.1.4" },
    { 'a', AUTHZ("012345678901234567890"), false, "8.1: a token has 128 bits" },
    { 'a', AUTHZ("../0123456789012345678901"), false, "8.1: base64url; it becomes a path" },
    { 'a', AUTHZ("0123456789012345678901\\r\\nX:"), false, "8.1: nor a header" },
    { 'w', "{\"suggestedWindow\":{\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-02T00:00:00Z\"}}", true, "RFC 9773 4.2" },
    { 'w', "{\"suggestedWindow\":{\"start\":\"2026-01-02T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\"}}", false, "its end before its start" },
    { 'w', "{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"later\"}}", false, "no times" },
};

static void
read_answers(void)
{
    static struct rf_acme_directory d;
    static struct rf_acme_order o;
    static struct rf_acme_authz a;
    struct rf_acme_problem p;
    struct rf_acme_window w;
    char many[RF_ACME_JSON_MAX];
    struct rf_buf b = rf_buf(many, sizeof many - 1);

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct rf_span in = rf_span_str(answers[i].in);
        enum rf_err err = answers[i].kind == 'd'   ? rf_acme_directory_read(in, &d)
                          : answers[i].kind == 'o' ? rf_acme_order_read(in, &o)
                          : answers[i].kind == 'a' ? rf_acme_authz_read(in, &a)
                                                   : rf_acme_window_read(in, &w);

        ok((err == RF_OK) == answers[i].is_fine, "answer %c %zu: %s", answers[i].kind, i, answers[i].why);
    }
    rf_put_str(&b, "{\"status\":\"pending\",\"finalize\":\"https://a/f\",\"authorizations\":[");
    for (int i = 0; i <= RF_ACME_NAMES_MAX; i++)
        rf_putf(&b, "%s\"https://a/%d\"", i > 0 ? "," : "", i);
    rf_put_str(&b, "]}");
    ok(rf_acme_order_read(rf_buf_span(&b), &o) == RF_ERR_RANGE, "an order of more authorizations than names is refused");
    rf_acme_problem_read(RF_SPAN_LIT("{\"type\":\"urn:ietf:params:acme:error:malformed\",\"detail\":\"line\\none\",\"subproblems\":"
                                     "[{\"identifier\":{\"value\":\"a.b\"},\"detail\":\"no\"}]}"), 400, &p);
    ok(strcmp(p.type, "malformed") == 0 && strcmp(p.detail, "line one; a.b: no") == 0, "a problem on one line (%s)", p.detail);
    rf_acme_problem_read(RF_SPAN_LIT("<html>"), 502, &p);
    ok(p.type[0] == '\0' && strstr(p.detail, "502") != NULL, "what is no problem document is named by its status");
}

static const struct {
    const char *in;
    int64_t at; /* 0: none */
} times[] = {
    { "1970-01-02T00:00:00Z", 86400 }, { "2026-11-21T12:00:00Z", 1795262400 }, { "2026-11-21T12:00:00.25Z", 1795262400 },
    { "2026-11-21T13:00:00+01:00", 1795262400 }, { "2024-02-29T00:00:00Z", 1709164800 }, { "2026-11-21 12:00:00Z", 0 },
    { "2026-13-21T12:00:00Z", 0 }, { "2026-11-21T12:00:00", 0 }, { "2026-11-21T12:00:00.Z", 0 }, { "", 0 },
    { "2026-11-21T12:00:00+0100", 0 },
};

static void
read_times(void)
{
    char url[RF_ACME_URL_MAX];

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t at = 0;
        enum rf_err err = rf_acme_time_read(rf_span_str(times[i].in), &at);

        ok(times[i].at == 0 ? err != RF_OK : err == RF_OK && at == times[i].at, "RFC 3339 \"%s\" (%lld)", times[i].in,
           (long long)at);
    }
    ok(rf_acme_retry_after(RF_SPAN_LIT("120"), 0) == 120 &&
           rf_acme_retry_after(RF_SPAN_LIT("Sun, 06 Nov 1994 08:49:37 GMT"), 784111717) == 60 &&
           rf_acme_retry_after(RF_SPAN_LIT("Sun, 06 Nov 1994 08:49:37 GMT"), 884111717) == 0 &&
           rf_acme_retry_after(RF_SPAN_LIT("soon"), 0) == 0,
       "Retry-After: seconds, a date, a date that is past, neither");
    ok(rf_acme_link_read(RF_SPAN_LIT("<https://a/i>;rel=\"index\", <https://a/alt>; rel=\"alternate\""), "alternate", url) ==
               RF_OK && strcmp(url, "https://a/alt") == 0,
       "RFC 8288: the one with this relation");
    ok(rf_acme_link_read(RF_SPAN_LIT("<https://a/i>;rel=\"index\""), "alternate", url) == RF_ERR_NOT_FOUND, "or none");
}

/* --- requests and proofs --- */

static const struct {
    const char *name;
    bool is_fine;
} names[] = {
    { "pbx.example", true },  { "localhost", true },      { "192.0.2.1", true },  { "2001:db8::1", true },
    { "pbx", false },         { "*.example.com", false }, { "-a.example", false }, { "a..example", false },
    { "A.example", false },   { "", false },              { "a_b.example", false }, { "a.example.", false },
    { "[2001:db8::1]", false }, { "a.example/../b", false },
};

static void
requests(void)
{
    static const char list[3][RF_ACME_NAME_MAX] = { "pbx.example", "192.0.2.1", "2001:db8::1" };
    static char many[RF_ACME_NAMES_MAX][RF_ACME_NAME_MAX];
    static uint8_t mem[RF_ACME_CSR_MAX];
    EVP_PKEY *key = rf_acme_key_new(RF_ACME_ECDSA);
    struct rf_buf b = rf_buf(mem, sizeof mem);
    const uint8_t *p = mem;
    X509_REQ *req;
    STACK_OF(X509_EXTENSION) *extensions;
    GENERAL_NAMES *san;
    enum rf_err err;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ok(rf_acme_name_is_valid(rf_span_str(names[i].name)) == names[i].is_fine, "name \"%s\"", names[i].name);
    rf_assert(rf_acme_csr_put(&b, key, list, 3) == RF_OK);
    req = d2i_X509_REQ(NULL, &p, (long)b.n);
    extensions = X509_REQ_get_extensions(req);
    san = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    ok(X509_REQ_verify(req, key) == 1 && sk_GENERAL_NAME_num(san) == 3 &&
           sk_GENERAL_NAME_value(san, 0)->type == GEN_DNS && sk_GENERAL_NAME_value(san, 1)->type == GEN_IPADD &&
           ASN1_STRING_length(sk_GENERAL_NAME_value(san, 2)->d.iPAddress) == 16,
       "RFC 8738: names and addresses in one request, signed with its key");
    GENERAL_NAMES_free(san);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(req);
    for (int i = 0; i < RF_ACME_NAMES_MAX; i++) {
        for (int k = 0; k < 245; k++)
            many[i][k] = k % 40 == 39 ? '.' : (char)('a' + i % 26);
        snprintf(many[i] + 245, 9, ".b%d", i);
    }
    b = rf_buf(mem, sizeof mem);
    err = rf_acme_csr_put(&b, key, many, RF_ACME_NAMES_MAX);
    ok(!err, "a request for 64 names of 250 octets fits (%zu octets)", b.n);
    EVP_PKEY_free(key);
}

static void
alpn(void)
{
    struct rf_cert *c = NULL, *found;
    struct rf_acme_shown *s;
    char server_name[RF_ACME_NAME_MAX], why[200] = "", text[RF_ACME_AUTHORIZATION_MAX];
    uint8_t want[32];
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    X509_EXTENSION *e;
    const ASN1_OCTET_STRING *value;
    int at;

    rf_assert(rf_acme_alpn_certificate(&c, "pbx.example", RF_SPAN_LIT("token.thumb"), 1800000000) == RF_OK);
    at = X509_get_ext_by_OBJ(rf_cert_leaf(c), oid, -1);
    e = X509_get_ext(rf_cert_leaf(c), at);
    value = X509_EXTENSION_get_data(e);
    EVP_Digest("token.thumb", 11, want, NULL, EVP_sha256(), NULL);
    ok(at >= 0 && X509_EXTENSION_get_critical(e) == 1 && ASN1_STRING_length(value) == 34 &&
           memcmp(ASN1_STRING_get0_data(value), "\x04\x20", 2) == 0 &&
           memcmp(ASN1_STRING_get0_data(value) + 2, want, 32) == 0,
       "RFC 8737 3: acmeIdentifier is critical, an OCTET STRING with the digest");
    ok(rf_cert_facts(c)->san_count == 1 && strcmp(rf_cert_facts(c)->san[0].text, "pbx.example") == 0 &&
           rf_cert_facts(c)->is_self_signed,
       "RFC 8737 3: self-signed, for this name alone");
    ok(rf_acme_selftest(c, why, sizeof why) == RF_OK, "it can be shown in a handshake (%s)", why);
    rf_cert_unref(c);
    ASN1_OBJECT_free(oid);
    rf_acme_server_name("192.0.2.1", server_name);
    ok(strcmp(server_name, "1.2.0.192.in-addr.arpa") == 0, "RFC 8738 6: the server name of an address");
    rf_acme_server_name("2001:db8::1", server_name);
    ok(strcmp(server_name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") == 0,
       "RFC 8738 6: of an IPv6 one");
    rf_assert(rf_acme_shown_new(&s) == RF_OK);
    rf_assert(rf_acme_shown_put(s, RF_ACME_HTTP_01, "pbx.example", "tok", "tok.thumb", 0) == RF_OK);
    rf_assert(rf_acme_shown_put(s, RF_ACME_TLS_ALPN_01, "pbx.example", "tok2", "tok2.thumb", 1800000000) == RF_OK);
    found = rf_acme_shown_certificate(s, RF_SPAN_LIT("PBX.example"));
    ok(rf_acme_shown_token(s, RF_SPAN_LIT("tok"), text) && strcmp(text, "tok.thumb") == 0 && found != NULL &&
           !rf_acme_shown_token(s, RF_SPAN_LIT("tok2"), text) && !rf_acme_shown_token(s, RF_SPAN_LIT(""), text),
       "what is shown is found by its kind alone");
    rf_cert_unref(found);
    rf_acme_shown_remove(s, RF_ACME_HTTP_01, "pbx.example", "tok");
    ok(!rf_acme_shown_token(s, RF_SPAN_LIT("tok"), text), "and gone when it is hidden");
    rf_acme_shown_free(s);
}

static void
renewal(void)
{
    uint64_t seed = 3;
    const struct rf_rand rand = { rf_rand_seeded_fill, &seed };
    const struct rf_acme_life quarter = { 0, 90 * 86400 }, week = { 0, 6 * 86400 };
    const struct rf_acme_window late = { .start_s = 89 * 86400, .end_s = 95 * 86400 };

    ok(rf_acme_renew_at(&quarter, 0) == 60 * 86400, "IPC-31 90 days: with a third left");
    ok(rf_acme_renew_at(&week, 0) == 3 * 86400, "IPC-31 6 days: with half left");
    ok(rf_acme_renew_at(&quarter, 10 * 86400) == 80 * 86400, "or as it is set");
    ok(rf_acme_renew_at(&week, 30 * 86400) == 6 * 86400 / 10, "but not before a tenth of its life");
    ok(rf_acme_window_moment(&late, &quarter, &rand) == 81 * 86400, "a window near the end leaves a tenth for failures");
    ok(rf_acme_warnings_due(&quarter, 59 * 86400) == 0 && rf_acme_warnings_due(&quarter, 60 * 86400) == 1 &&
           rf_acme_warnings_due(&quarter, 77 * 86400) == 2 && rf_acme_warnings_due(&quarter, 89 * 86400) == 5,
       "IPC-31 warnings at 30, 14, 7, 3 and 1 days");
    ok(rf_acme_warnings_due(&week, 1 * 86400) == 0 && rf_acme_warnings_due(&week, 5 * 86400) == 5,
       "of a life of six days only those that mean something");
}

int
main(void)
{
    thumbprint();
    signatures();
    read_answers();
    read_times();
    requests();
    alpn();
    renewal();
    return tap_done();
}
