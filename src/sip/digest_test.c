/* Digest: tests/data/digest through parser, computation and writer, and what must be refused. */
#include <jansson.h>

#include "base/codec.h"
#include "sip/digest.h"
#include "sip/uri.h"
#include "tap.h"

static const char *
member(const json_t *c, const char *name)
{
    const char *s = json_string_value(json_object_get(c, name));

    return s != NULL ? s : "";
}

static enum rf_digest_algorithm
algorithm_of(const char *name)
{
    return strncmp(name, "SHA-256", 7) == 0       ? RF_DIGEST_SHA256
           : strncmp(name, "SHA-512-256", 11) == 0 ? RF_DIGEST_SHA512_256
                                                   : RF_DIGEST_MD5;
}

static void
put_quoted_directive(struct rf_buf *b, const char *name, const char *value)
{
    rf_putf(b, ", %s=", name);
    rf_put_quoted(b, rf_span_str(value));
}

/* The credentials as a phone would send them. */
static void
put_credentials(struct rf_buf *b, const json_t *c, const char *response)
{
    rf_put_str(b, "Digest username=");
    rf_put_quoted(b, rf_span_str(member(c, "user")));
    put_quoted_directive(b, "realm", member(c, "realm"));
    put_quoted_directive(b, "nonce", member(c, "nonce"));
    put_quoted_directive(b, "uri", member(c, "uri"));
    put_quoted_directive(b, "response", response);
    rf_putf(b, ",algorithm=%s", member(c, "alg"));
    if (*member(c, "qop") != '\0')
        rf_putf(b, ", qop=%s ,nc = %s", member(c, "qop"), member(c, "nc"));
    if (*member(c, "cnonce") != '\0')
        put_quoted_directive(b, "cnonce", member(c, "cnonce"));
}

static void
check_case(const json_t *c)
{
    static char mem[4096], again[4096];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_digest_verifier v;
    struct rf_digest_credentials got;
    struct rf_digest_challenge challenge = { 0 };
    enum rf_digest_algorithm a = algorithm_of(member(c, "alg"));
    const char *id = member(c, "id"), *response = member(c, "response");
    struct rf_span method = rf_span_str(member(c, "method")), body = rf_span_str(member(c, "body"));
    bool is_sess = strstr(member(c, "alg"), "-sess") != NULL;
    bool has_qop = *member(c, "qop") != '\0', is_int = strcmp(member(c, "qop"), "auth-int") == 0;
    uint8_t ha1[RF_DIGEST_OCTETS_MAX];
    char wrong[2 * RF_DIGEST_OCTETS_MAX + 1];
    size_t n;

    rf_digest_verifier_make(&v, rf_span_str(member(c, "user")), rf_span_str(member(c, "realm")), rf_span_str(member(c, "pw")));
    if (!is_sess)
        ok(rf_hex_decode(rf_span_str(member(c, "ha1")), ha1, sizeof ha1, &n) == RF_OK && n == rf_digest_octets(a) &&
               memcmp(ha1, v.ha1[a], n) == 0, "%s: HA1", id);
    put_credentials(&b, c, response);
    ok(rf_digest_credentials_parse(rf_buf_span(&b), &got) == RF_OK && got.algorithm == a && got.is_sess == is_sess &&
           got.has_qop == has_qop && got.is_auth_int == is_int, "%s: credentials are read", id);
    ok(rf_digest_verify(&got, v.ha1[a], method, body), "%s: the response is right", id);
    ok(!rf_digest_verify(&got, v.ha1[a], RF_SPAN_LIT("BYE"), body), "%s: not for another method", id);
    ok(rf_digest_verify(&got, v.ha1[a], method, RF_SPAN_LIT("x")) == !is_int, "%s: another body", id);
    v.ha1[a][0] ^= 1;
    ok(!rf_digest_verify(&got, v.ha1[a], method, body), "%s: not with another password", id);
    v.ha1[a][0] ^= 1;

    snprintf(wrong, sizeof wrong, "%s", response);
    wrong[strlen(wrong) - 1] = wrong[strlen(wrong) - 1] == '0' ? '1' : '0';
    b.n = 0;
    put_credentials(&b, c, wrong);
    ok(rf_digest_credentials_parse(rf_buf_span(&b), &got) == RF_OK && !rf_digest_verify(&got, v.ha1[a], method, body),
       "%s: the last digit counts", id);
    wrong[strlen(wrong) - 2] = '\0';
    b.n = 0;
    put_credentials(&b, c, wrong);
    ok(rf_digest_credentials_parse(rf_buf_span(&b), &got) == RF_OK && !rf_digest_verify(&got, v.ha1[a], method, body),
       "%s: a short response is wrong", id);

    if (is_int)
        return; /* the client answers auth-int only for an empty body */
    b = rf_buf(again, sizeof again);
    challenge = (struct rf_digest_challenge){ .algorithm = a, .is_sess = is_sess, .has_auth = has_qop };
    rf_put_quoted(&b, rf_span_str(member(c, "realm")));
    challenge.realm = rf_sip_unquote(rf_buf_span(&b));
    challenge.nonce = rf_span_str(member(c, "nonce"));
    b = rf_buf(mem, sizeof mem);
    rf_put_digest_credentials(&b, &challenge, rf_span_str(member(c, "user")), rf_span_str(member(c, "pw")), method,
                              rf_span_str(member(c, "uri")), (uint32_t)strtoul(member(c, "nc"), NULL, 16),
                              rf_span_str(member(c, "cnonce")));
    ok(!b.overflow && rf_digest_credentials_parse(rf_buf_span(&b), &got) == RF_OK && rf_span_is(got.response, response),
       "%s: the client computes the same", id);
}

static const struct {
    const char *in;
    enum rf_err want;
    const char *why;
} credentials[] = {
#define NEED "username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:x\",response=\"00\""
    { "Digest " NEED, RF_OK, "what is needed, RFC 2069" },
    { "DIGEST\r\n " NEED, RF_OK, "letter case and a fold" },
    { "Digest " NEED ",qop=auth,cnonce=\"c\",nc=00000001", RF_OK, "with qop" },
    { "Digest " NEED ",qop=\"auth\",cnonce=\"c\",nc=\"0000000A\",algorithm=\"md5\"", RF_OK, "quoted tokens of older phones" },
    { "Digest " NEED ",unknown=x,other=\"y, z\"", RF_OK, "unknown directives" },
    { "Digest " NEED ",", RF_OK, "a comma at the end, as some phones send" },
    { "Basic dXNlcjpwYXNz", RF_ERR_UNSUPPORTED, "another scheme" },
    { "NoOneKnowsThisScheme opaque-data=here", RF_ERR_UNSUPPORTED, "another scheme (RFC 4475 3.3.7)" },
    { "Digest " NEED ",algorithm=SHA-1", RF_ERR_UNSUPPORTED, "an unknown algorithm" },
    { "Digest " NEED ",algorithm=SHA-256-", RF_ERR_UNSUPPORTED, "half a name" },
    { "Digest " NEED ",qop=auth-conf,cnonce=\"c\",nc=00000001", RF_ERR_UNSUPPORTED, "an unknown qop" },
    { "Digest username*=UTF-8''x," NEED, RF_ERR_UNSUPPORTED, "a hashed or encoded user name" },
    { "", RF_ERR_SYNTAX, "nothing" },
    { "Digest", RF_ERR_SYNTAX, "nothing behind the scheme" },
    { "Digest username=\"u\"", RF_ERR_SYNTAX, "directives are missing" },
    { "Digest " NEED ",username=\"v\"", RF_ERR_SYNTAX, "two user names" },
    { "Digest " NEED ",nonce=\"n\"", RF_ERR_SYNTAX, "two nonces" },
    { "Digest " NEED ",qop=auth,nc=00000001", RF_ERR_SYNTAX, "qop without cnonce" },
    { "Digest " NEED ",qop=auth,cnonce=\"c\"", RF_ERR_SYNTAX, "qop without nc" },
    { "Digest " NEED ",qop=auth,cnonce=\"c\",nc=1", RF_ERR_SYNTAX, "nc of one digit" },
    { "Digest " NEED ",qop=auth,cnonce=\"c\",nc=0000000g", RF_ERR_SYNTAX, "nc that is not hexadecimal" },
    { "Digest " NEED ",qop=auth,cnonce=\"c\",nc=000000001", RF_ERR_SYNTAX, "nc of nine digits" },
    { "Digest " NEED ",algorithm=MD5-sess", RF_ERR_SYNTAX, "-sess without cnonce" },
    { "Digest " NEED " x", RF_ERR_SYNTAX, "no comma" },
    { "Digest " NEED ",x", RF_ERR_SYNTAX, "no value" },
    { "Digest " NEED ",x=\"y", RF_ERR_SYNTAX, "a string that never ends" },
    { "Digest =x," NEED, RF_ERR_SYNTAX, "no name" },
#undef NEED
};

static void
check_challenges(void)
{
    struct rf_digest_challenge c;
    struct rf_digest_credentials got;
    char mem[512], answer[512];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    rf_put_digest_challenge(&b, RF_DIGEST_SHA512_256, RF_SPAN_LIT("a \"realm\""), RF_SPAN_LIT("n0nce"), true);
    ok(rf_span_is(rf_buf_span(&b), "Digest realm=\"a \\\"realm\\\"\", nonce=\"n0nce\", algorithm=SHA-512-256, qop=\"auth\", stale=true"),
       "a challenge as RFC 8760 wants it");
    ok(rf_digest_challenge_parse(rf_buf_span(&b), &c) == RF_OK && c.algorithm == RF_DIGEST_SHA512_256 && c.is_stale &&
           c.has_auth && !c.has_auth_int && rf_span_is(c.nonce, "n0nce"), "and is read again");
    ok(rf_digest_challenge_parse(RF_SPAN_LIT("Digest realm=\"r\", qop=\"auth,auth-int\", nonce=\"n\", opaque=\"o\\\"p\", algorithm=MD5-sess"),
                                 &c) == RF_OK && c.has_auth && c.has_auth_int && c.is_sess && !c.is_stale, "a list of qop");
    b = rf_buf(answer, sizeof answer);
    rf_put_digest_credentials(&b, &c, RF_SPAN_LIT("u\"v"), RF_SPAN_LIT("p"), RF_SPAN_LIT("REGISTER"), RF_SPAN_LIT("sip:x"), 10,
                              RF_SPAN_LIT("cn"));
    ok(!b.overflow && rf_digest_credentials_parse(rf_buf_span(&b), &got) == RF_OK && rf_span_is(got.opaque, "o\\\"p") &&
           rf_span_is(got.username, "u\\\"v") && got.nc == 10 && got.is_sess && rf_span_is(got.qop, "auth"),
       "opaque goes back as it came, nc is hexadecimal");
    ok(rf_digest_challenge_parse(RF_SPAN_LIT("Digest realm=\"r\""), &c) == RF_ERR_SYNTAX, "no nonce");
    ok(rf_digest_challenge_parse(RF_SPAN_LIT("Digest realm=\"r\",nonce=\"n\",realm=\"s\""), &c) == RF_ERR_SYNTAX, "two realms");
    ok(rf_digest_challenge_parse(RF_SPAN_LIT("Digest realm=\"r\",nonce=\"n\",algorithm=AKAv1-MD5"), &c) == RF_ERR_UNSUPPORTED,
       "an algorithm we do not have");
    c = (struct rf_digest_challenge){ .realm = RF_SPAN_LIT("r\r\nX: y"), .nonce = RF_SPAN_LIT("n") };
    b = rf_buf(answer, sizeof answer);
    rf_put_digest_credentials(&b, &c, RF_SPAN_LIT("u"), RF_SPAN_LIT("p"), RF_SPAN_LIT("REGISTER"), RF_SPAN_LIT("sip:x"), 1, RF_SPAN_LIT("c"));
    ok(b.overflow, "a realm with a line end is not echoed");
}

int
main(void)
{
    json_t *all = json_load_file(tap_data("digest/digest.json"), 0, NULL);
    struct rf_digest_credentials c;

    ok(json_array_size(all) == 17, "digest.json has 17 cases");
    for (size_t i = 0; i < json_array_size(all); i++)
        check_case(json_array_get(all, i));
    json_decref(all);
    for (size_t i = 0; i < sizeof credentials / sizeof credentials[0]; i++)
        ok(rf_digest_credentials_parse(rf_span_str(credentials[i].in), &c) == credentials[i].want, "credentials: %s", credentials[i].why);
    check_challenges();
    return tap_done();
}
