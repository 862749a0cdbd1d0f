/* a=crypto lines: tests/data/srtp/sdes-lines.json, telnyx-offer.json, and what they leave out. TEL-20, 38, 39. */
#include "sdp/crypto_line.h"

#include "vectors.h"

/* What stands behind "a=crypto:". */
static struct rf_span
value_of(const char *line)
{
    return rf_span_str(line + strlen("a=crypto:"));
}

static bool
number_is(const json_t *row, const char *name, uint64_t have)
{
    const json_t *want = json_object_get(row, name);

    return want == NULL || (uint64_t)json_integer_value(want) == have;
}

static uint64_t
mki_value(const struct rf_srtp_key *key)
{
    uint64_t v = 0;

    for (size_t i = 0; i < key->mki_octets; i++)
        v = v << 8 | key->mki[i];
    return v;
}

static bool
keys_eq(const struct rf_crypto_line *a, const struct rf_crypto_line *b)
{
    return a->tag == b->tag && a->suite == b->suite && b->key_count == 1 &&
           memcmp(a->key[0].key, b->key[0].key, sizeof a->key[0].key) == 0 &&
           memcmp(a->key[0].salt, b->key[0].salt, sizeof a->key[0].salt) == 0 &&
           a->key[0].mki_octets == b->key[0].mki_octets && a->key[0].clear == b->key[0].clear && a->clear == b->clear &&
           memcmp(a->key[0].mki, b->key[0].mki, sizeof a->key[0].mki) == 0;
}

/* Written again and read again, it is the same line. */
static bool
comes_back(const struct rf_crypto_line *line)
{
    char text[1024];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_crypto_line again;
    const char *why = NULL;

    rf_put_crypto_line(&b, line->tag, &line->key[0]);
    if (rf_buf_done(&b) != RF_OK || b.n < 12 || memcmp(text + b.n - 2, "\r\n", 2) != 0)
        return false;
    return rf_crypto_line_parse(rf_span(text + 9, b.n - 11), &again, &why) == RF_OK && keys_eq(line, &again);
}

static void
test_lines(void)
{
    json_t *list = vectors_load("srtp/sdes-lines.json"), *row;
    size_t i;

    json_array_foreach(list, i, row) {
        const char *text = json_string_value(json_object_get(row, "line"));
        const char *want_suite = json_string_value(json_object_get(row, "suite"));
        const char *policy = json_string_value(json_object_get(row, "policy"));
        const char *why = "";
        struct rf_crypto_line line;
        enum rf_err err = rf_crypto_line_parse(value_of(text), &line, &why);
        bool valid = err == RF_OK && !line.has_unknown_mandatory_param;
        bool refused = line.clear != 0 || line.unauthenticated_srtp || line.fec_or_kdr;
        bool good = valid == json_is_true(json_object_get(row, "valid"));

        if (good && valid && policy != NULL && strcmp(policy, "skip") == 0)
            good = line.suite == NULL;
        else if (good && valid)
            good = line.suite != NULL && (want_suite == NULL || strcmp(line.suite->name, want_suite) == 0) &&
                   number_is(row, "tag", line.tag) && number_is(row, "lifetime", line.key[0].lifetime) &&
                   number_is(row, "mki", mki_value(&line.key[0])) &&
                   number_is(row, "mki_len", line.key[0].mki_octets) && number_is(row, "keys", line.key_count) &&
                   refused == (policy != NULL) && comes_back(&line);
        ok(good, "TEL-39: %s (%s)", json_string_value(json_object_get(row, "why")),
           err != RF_OK ? why : valid ? "valid" : "mandatory parameter");
    }
    json_decref(list);
}

static void
test_telnyx(void)
{
    json_t *list = vectors_load("srtp/telnyx-offer.json"), *row;
    size_t i;

    json_array_foreach(list, i, row) {
        const char *suite = json_string_value(json_object_get(row, "suite"));
        char text[256];
        uint8_t key[RF_SRTP_KEY_MAX], salt[RF_SRTP_SALT_MAX];
        size_t key_n = 0, salt_n = 0;
        struct rf_crypto_line line;
        const char *why = "";

        snprintf(text, sizeof text, "%d %s inline:%s", (int)json_integer_value(json_object_get(row, "tag")), suite,
                 json_string_value(json_object_get(row, "inline")));
        ok(rf_crypto_line_parse(rf_span_str(text), &line, &why) == RF_OK && line.suite != NULL &&
               strcmp(line.suite->name, suite) == 0 && number_is(row, "tag", line.tag) &&
               number_is(row, "octets", (uint64_t)line.suite->key_octets + line.suite->salt_octets) &&
               rf_hex_decode(rf_span_str(json_string_value(json_object_get(row, "master_key"))), key, sizeof key,
                             &key_n) == RF_OK &&
               rf_hex_decode(rf_span_str(json_string_value(json_object_get(row, "master_salt"))), salt, sizeof salt,
                             &salt_n) == RF_OK &&
               key_n == line.suite->key_octets && salt_n == line.suite->salt_octets &&
               memcmp(line.key[0].key, key, key_n) == 0 && memcmp(line.key[0].salt, salt, salt_n) == 0,
           "TEL-20: %s: key and salt as decoded from the page", suite);
    }
    json_decref(list);
}

#define KEY "inline:u0Xbfdmr9bV7HbK3DJLxqh6eqLpZ6a7gPu2gQ7WT"
#define CM80 "AES_CM_128_HMAC_SHA1_80 "

static const struct {
    const char *value;
    bool valid;
    size_t keys;
    const char *why;
} more_cases[] = {
    { "1 " CM80 KEY "|2^31|1:1", true, 1, "TEL-39: as Cisco and Snom write it" },
    { "1 " CM80 KEY "|0:4", true, 1, "MKI of value 0" },
    { "1 " CM80 KEY "|340282366920938463463374607431768211455:16", true, 1, "an MKI of 128 one-bits" },
    { "1 " CM80 KEY "|340282366920938463463374607431768211456:16", false, 0, "one more does not fit 16 octets" },
    { "1 " CM80 KEY "|1:1;" KEY "|2:1;" KEY "|3:1;" KEY "|4:1;" KEY "|5:1", true, 4, "five keys: four are kept" },
    { "1 " CM80 KEY "|1:1;" KEY "|2:1;" KEY "|3:1;" KEY "|4:1;" KEY, false, 0, "the fifth key has no MKI" },
    { "1 " CM80 KEY "|1:1;" KEY "|1:1", false, 0, "one MKI for two keys" },
    { "1 " CM80 KEY "|1:1;", false, 0, "nothing after the semicolon" },
    { "1 " CM80 KEY "|", false, 0, "nothing after the bar" },
    { "1 " CM80 KEY "|2^", false, 0, "no exponent" },
    { "1 " CM80 KEY "|2^031", false, 0, "leading zero in the exponent" },
    { "1 " CM80 KEY "|1:4|2^31", false, 0, "MKI before the lifetime" },
    { "1 " CM80 KEY "|2^31|1:4|9", false, 0, "something after the MKI" },
    { "1 " CM80 KEY "|1:04", false, 0, "leading zero in the length of the MKI" },
    { "1 " CM80 KEY "|1:0", false, 0, "MKI of no octets" },
    { "1 " CM80 KEY "|:1", false, 0, "no MKI before the colon" },
    { "1 " CM80 KEY "|-1:1", false, 0, "a sign in the MKI" },
    { "1 " CM80 KEY "|1:1;" KEY "|2:1 UNENCRYPTED_SRTCP unencrypted_srtp", true, 2, "TEL-29: both, for each key" },
    { "1 " CM80 KEY " -UNENCRYPTED_SRTP", true, 1, "RFC 4568 6.3.7: what may be left out is left out" },
    { "1 " CM80 KEY " KDR=0", true, 1, "KDR of 0 asks for nothing" },
    { "1 " CM80 KEY " KDR=01", false, 0, "leading zero in KDR" },
    { "1 " CM80 KEY " FEC_ORDER=X", false, 0, "an order that does not exist" },
    { "1 " CM80 KEY " -", false, 0, "an optional parameter without a name" },
    { "1 " CM80 KEY " --X", false, 0, "RFC 4568 9.2: the name does not begin with a dash" },
    { "1 " CM80 KEY " X\x01", false, 0, "a control character" },
    { "1 " CM80 KEY " WSH=99999999999", false, 0, "WSH beyond 32 bits" },
    { " 1 " CM80 KEY, false, 0, "a blank before the tag" },
    { "1", false, 0, "a tag alone" },
    { "", false, 0, "nothing" },
    { "1 AES-CM " KEY, false, 0, "a hyphen is not in the grammar of suites" },
    { "1 MADE_UP anything:at|all", true, 0, "an unknown suite has its own grammar of keys" },
};

static void
test_more(void)
{
    static const uint8_t zero[sizeof(struct rf_srtp_key)];

    for (size_t i = 0; i < sizeof more_cases / sizeof more_cases[0]; i++) {
        struct rf_crypto_line line;
        const char *why = "";
        enum rf_err err = rf_crypto_line_parse(rf_span_str(more_cases[i].value), &line, &why);

        ok((err == RF_OK) == more_cases[i].valid && line.key_count == more_cases[i].keys &&
               (line.key_count == 0 || comes_back(&line)),
           "%s: %s", more_cases[i].why, err == RF_OK ? "read" : why);
        if (err != RF_OK)
            ok(memcmp(&line.key[0], zero, sizeof zero) == 0, "and no key is left behind");
    }
}

int
main(void)
{
    test_lines();
    test_telnyx();
    test_more();
    return tap_done();
}
