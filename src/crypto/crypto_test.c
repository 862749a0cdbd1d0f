/* The suite table against tests/data/srtp/suites.json, the primitives against the RFCs, both back ends. */
#include "crypto/aes.h"
#include "crypto/seal.h"
#include "vectors.h"

static void
suite_table(void)
{
    static const struct {
        const char *cipher;
        enum rf_srtp_cipher want;
    } ciphers[] = {
        { "AES-GCM-256", RF_CIPHER_AES_GCM }, { "AES-GCM-128", RF_CIPHER_AES_GCM },
        { "AES-CM-256", RF_CIPHER_AES_CM },   { "AES-CM-192", RF_CIPHER_AES_CM },
        { "AES-CM-128", RF_CIPHER_AES_CM },   { "AES-f8-128", RF_CIPHER_AES_F8 },
        { "NULL", RF_CIPHER_NULL },
    };
    json_t *root = vectors_load("srtp/suites.json"), *row, *alias;
    size_t i, k;

    ok(rf_srtp_suite_count() == json_array_size(root), "TEL-20: %u suites", rf_srtp_suite_count());
    json_array_foreach(root, i, row) {
        const struct rf_srtp_suite *s = rf_srtp_suite_named(rf_span_str(text(row, "name")));
        bool same_cipher = false;

        if (!ok(s != NULL, "TEL-20: %s is known", text(row, "name")))
            continue;
        for (k = 0; k < sizeof ciphers / sizeof *ciphers; k++)
            same_cipher = same_cipher ||
                          (strcmp(ciphers[k].cipher, text(row, "cipher")) == 0 && ciphers[k].want == s->cipher);
        ok(same_cipher && rf_srtp_suite(s->id) == s &&
               s->key_octets == json_integer_value(json_object_get(row, "master_key")) &&
               s->salt_octets == json_integer_value(json_object_get(row, "master_salt")) &&
               s->srtp_tag == json_integer_value(json_object_get(row, "srtp_tag")) &&
               s->srtcp_tag == json_integer_value(json_object_get(row, "srtcp_tag")),
           "TEL-20: sizes of %s", s->name);
        ok(s->has_null_cipher == (s->cipher == RF_CIPHER_NULL) && s->has_null_auth == (s->srtp_tag == 0),
           "TEL-30: what %s leaves out is marked", s->name);
        ok(rf_srtp_suite_leaves_clear(s, 0) == (s->cipher == RF_CIPHER_NULL ? 3u : 0u) &&
               rf_srtp_suite_may_be_clear(s, 0) && rf_srtp_suite_may_be_clear(s, RF_SRTP_CLEAR_RTCP) &&
               rf_srtp_suite_may_be_clear(s, RF_SRTP_CLEAR_RTP) ==
                   (strncmp(s->name, "AEAD", 4) != 0 && strcmp(s->name, "AES_CM_128_NULL_AUTH") != 0) &&
               !rf_srtp_suite_may_be_clear(s, 4),
           "TEL-29: %s without encryption", s->name);
        json_array_foreach(json_object_get(row, "aliases"), k, alias)
            ok(rf_srtp_suite_named(rf_span_str(json_string_value(alias))) == s, "%s is %s",
               json_string_value(alias), s->name);
    }
    json_decref(root);
    ok(rf_srtp_suite(0) == NULL && rf_srtp_suite(rf_srtp_suite_count() + 1) == NULL, "ids end where rows end");
    ok(rf_srtp_suite_named(RF_SPAN_LIT("aes_cm_128_hmac_sha1_80")) == NULL &&
           rf_srtp_suite_named(RF_SPAN_LIT("")) == NULL,
       "RFC 4568: names are case-sensitive");
}

static void
strengths(void)
{
    static const char *const order[] = {
        "AEAD_AES_256_GCM",        "AEAD_AES_128_GCM",        "AEAD_AES_256_GCM_8",      "AEAD_AES_128_GCM_8",
        "AES_256_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32",
        "AES_192_CM_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_32", "F8_128_HMAC_SHA1_80",     "F8_128_HMAC_SHA1_32",
        "NULL_HMAC_SHA1_80",       "NULL_HMAC_SHA1_32",       "AES_CM_128_NULL_AUTH",
    };

    for (size_t i = 0; i + 1 < sizeof order / sizeof *order; i++) {
        const struct rf_srtp_suite *a = rf_srtp_suite_named(rf_span_str(order[i]));
        const struct rf_srtp_suite *b = rf_srtp_suite_named(rf_span_str(order[i + 1]));

        ok(a != NULL && b != NULL && a->strength > b->strength, "TEL-22: %s before %s", order[i], order[i + 1]);
    }
}

static void
key_streams(const json_t *row)
{
    static uint8_t stream[65282 * 16];
    uint8_t key[32], iv[16] = { 0 }, want[16];
    size_t n = hex(row, "session_key", key, sizeof key), i;
    const json_t *block;

    hex(row, "session_salt", iv, 14);
    memset(stream, 0, sizeof stream);
    if (rf_aes_ctr(key, n, iv, stream, sizeof stream) != RF_OK) {
        ok(false, "%s", text(row, "source"));
        return;
    }
    json_array_foreach(json_object_get(row, "blocks"), i, block) {
        size_t at = (size_t)json_integer_value(json_object_get(block, "block"));

        ok(hex(block, "keystream", want, sizeof want) == 16 && at < 65282 &&
               memcmp(want, stream + at * 16, 16) == 0,
           "%s, block %zu", text(row, "source"), at);
    }
}

static void
f8(const json_t *row)
{
    uint8_t key[16], salt[16], iv[16], data[256], want[256];
    size_t salt_octets = hex(row, "session_salt", salt, sizeof salt), n = hex(row, "plain", data, sizeof data);

    hex(row, "session_key", key, sizeof key);
    hex(row, "iv", iv, sizeof iv);
    ok(n > 0 && hex(row, "cipher", want, sizeof want) == n &&
           rf_aes_f8(key, salt, salt_octets, iv, data, n) == RF_OK && memcmp(data, want, n) == 0,
       "TEL-27: %s", text(row, "source"));
}

static void
rfc_vectors(void)
{
    json_t *root = vectors_load("srtp/rfc-vectors.json"), *row;
    size_t i;

    json_array_foreach(root, i, row) {
        if (json_object_get(row, "blocks") != NULL)
            key_streams(row);
        else if (json_object_get(row, "cipher") != NULL)
            f8(row);
    }
    json_decref(root);
}

static void
back_ends(void)
{
    ok(rf_seal_init("openssl") == RF_OK && strncmp(rf_seal_backend(), "OpenSSL 3", 9) == 0,
       "OpenSSL passes its self-test");
    ok(rf_seal_init("no-such") == RF_ERR_NOT_FOUND && strncmp(rf_seal_backend(), "OpenSSL", 7) == 0,
       "an unknown back end changes nothing");
    if (RF_HAVE_IPSEC_MB)
        ok(rf_seal_init("ipsec-mb") == RF_OK && strncmp(rf_seal_backend(), "ipsec-mb", 8) == 0,
           "ipsec-mb passes its self-test");
    else
        ok(rf_seal_init("ipsec-mb") == RF_ERR_NOT_FOUND, "ipsec-mb is not built in and says so");
    ok(rf_seal_init("auto") == RF_OK, "auto finds one");
    diag("%s", rf_seal_backend());
}

int
main(void)
{
    suite_table();
    strengths();
    rfc_vectors();
    back_ends();
    return tap_done();
}
