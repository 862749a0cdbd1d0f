/* Known answers of tests/data/srtp, once with each back end: derivation, packets both ways, what must be refused. */
#include "crypto/aes.h"
#include "srtp/ctx.h"
#include "srtp/kdf.h"
#include "srtp/srtp.h"
#include "srtp/tool.h"
#include "vectors.h"

#define QUIRKS (RF_SRTP_QUIRK_RTCP_TAG32 | RF_SRTP_QUIRK_AES192_OLD | RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG)

static struct rf_srtp_key
key_of(const json_t *row)
{
    struct rf_srtp_key key = { 0 };
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(rf_span_str(text(row, "suite")));

    key.suite = suite != NULL ? suite->id : 0;
    hex(row, "master_key", key.key, sizeof key.key);
    hex(row, "master_salt", key.salt, sizeof key.salt);
    key.mki_octets = (uint8_t)hex(row, "mki", key.mki, sizeof key.mki);
    return key;
}

static bool
same(const json_t *row, const char *name, const uint8_t *got, size_t n)
{
    uint8_t want[64];

    return hex(row, name, want, sizeof want) == n && memcmp(want, got, n) == 0;
}

static void
derivation(void)
{
    json_t *root = vectors_load("srtp/kdf.json"), *row;
    size_t i;

    json_array_foreach(root, i, row) {
        const struct rf_srtp_suite *suite = rf_srtp_suite_named(rf_span_str(text(row, "suite")));
        struct rf_srtp_key key = key_of(row);
        struct rf_srtp_session_keys got;
        bool has_auth = text(row, "srtp_auth_key")[0] != '\0';
        bool has_cipher = text(row, "srtp_cipher_key")[0] != '\0';

        ok(suite != NULL && rf_srtp_kdf(suite, key.key, key.salt, false, &got) == RF_OK &&
               (!has_cipher || (same(row, "srtp_cipher_key", got.rtp.key, suite->key_octets) &&
                                same(row, "srtcp_cipher_key", got.rtcp.key, suite->key_octets) &&
                                same(row, "srtp_salt", got.rtp.salt, suite->salt_octets) &&
                                same(row, "srtcp_salt", got.rtcp.salt, suite->salt_octets))) &&
               (!has_auth || (same(row, "srtp_auth_key", got.rtp.auth, 20) &&
                              same(row, "srtcp_auth_key", got.rtcp.auth, 20))) &&
               (has_cipher || has_auth),
           "session keys of %s", text(row, "suite"));
    }
    json_decref(root);
}

static void
rfc_derivation(const json_t *row)
{
    struct rf_srtp_key key = { 0 };
    size_t n = hex(row, "master_key", key.key, sizeof key.key);
    const char *name = n == 16   ? "AES_CM_128_HMAC_SHA1_80"
                       : n == 24 ? "AES_192_CM_HMAC_SHA1_80"
                                 : "AES_256_CM_HMAC_SHA1_80";
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(rf_span_str(name));
    struct rf_srtp_session_keys got;
    uint8_t auth[94];

    hex(row, "master_salt", key.salt, sizeof key.salt);
    hex(row, "auth_key", auth, sizeof auth);
    ok(rf_srtp_kdf(suite, key.key, key.salt, false, &got) == RF_OK && same(row, "cipher_key", got.rtp.key, n) &&
           same(row, "cipher_salt", got.rtp.salt, 14) && memcmp(auth, got.rtp.auth, 20) == 0,
       "%s", text(row, "source"));
}

/* RFC 7714 gives session keys: put them in place of the derived ones. */
static struct rf_srtp_ctx *
ctx_with_session(const json_t *row, uint8_t clear)
{
    struct rf_srtp_key master = { .suite = rf_srtp_suite_named(rf_span_str(text(row, "suite")))->id, .clear = clear };
    struct rf_srtp_options options = { 0 };
    struct rf_seal_key session = { .cipher = RF_CIPHER_AES_GCM, .salt_octets = 12 };
    struct rf_srtp_ctx *ctx;

    if (rf_srtp_ctx_new(&ctx, &master, &options) != RF_OK)
        exit(ok(false, "a context"));
    session.key_octets = hex(row, "session_key", session.key, sizeof session.key);
    hex(row, "session_salt", session.salt, sizeof session.salt);
    rf_seal_end((struct rf_seal *)(void *)ctx->session.seal);
    if (rf_seal_make((struct rf_seal *)(void *)ctx->session.seal, &session) != RF_OK)
        exit(ok(false, "a seal"));
    memcpy(ctx->session.rtp_salt, session.salt, 12);
    memcpy(ctx->session.rtcp_salt, session.salt, 12);
    memcpy(ctx->session.rtcp_key, session.key, sizeof session.key);
    return ctx;
}

static void
rfc_packet(const json_t *row)
{
    bool is_rtcp = strcmp(text(row, "kind"), "srtcp") == 0;
    bool is_clear = is_rtcp && !json_is_true(json_object_get(row, "encrypted"));
    struct rf_srtp_ctx *ctx = ctx_with_session(row, is_clear ? RF_SRTP_CLEAR_RTCP : 0);
    struct rf_srtp_stream tx = { .rtcp_reserved = (uint32_t)number(row, "index") }, rx = { 0 };
    uint8_t plain[256], sealed[256], packet[512];
    size_t n = hex(row, "plain", plain, sizeof plain), m = hex(row, "protected", sealed, sizeof sealed);
    struct rf_srtp_job job = { .ctx = ctx, .stream = &tx, .packet = packet, .octets = n, .room = sizeof packet,
                               .is_rtcp = is_rtcp };

    memcpy(packet, plain, n);
    rf_srtp_protect(&job, 1);
    ok(job.result == RF_OK && job.octets == m && memcmp(packet, sealed, m) == 0, "%s: protect", text(row, "source"));
    memcpy(packet, sealed, m);
    job.stream = &rx;
    job.octets = m;
    rf_srtp_unprotect(&job, 1);
    ok(job.result == RF_OK && job.octets == n && memcmp(packet, plain, n) == 0, "%s: unprotect",
       text(row, "source"));
    rf_srtp_ctx_free(ctx);
}

/* Authentication without encryption: SRTP has no way to ask for it, so the primitive is held against the RFC. */
static void
rfc_auth_only(const json_t *row)
{
    uint8_t plain[256], sealed[256], key[32], nonce[12], tag[16];
    size_t n = hex(row, "plain", plain, sizeof plain), m = hex(row, "protected", sealed, sizeof sealed);
    struct rf_gcm g = { .key = key, .key_octets = hex(row, "session_key", key, sizeof key), .nonce = nonce,
                        .aad = { plain }, .aad_octets = { n } };

    hex(row, "session_salt", nonce, sizeof nonce);
    for (size_t i = 0; i < 4; i++)
        nonce[2 + i] ^= plain[8 + i];
    nonce[10] ^= plain[2];
    nonce[11] ^= plain[3];
    ok(rf_gcm_seal(&g, tag) == RF_OK && m == n + 16 && memcmp(tag, sealed + n, 16) == 0, "%s: tag alone",
       text(row, "source"));
}

static void
rfc_vectors(void)
{
    json_t *root = vectors_load("srtp/rfc-vectors.json"), *row;
    size_t i;

    json_array_foreach(root, i, row) {
        if (json_object_get(row, "cipher_key") != NULL)
            rfc_derivation(row);
        else if (strcmp(text(row, "kind"), "srtp-auth-only") == 0)
            rfc_auth_only(row);
        else if (json_object_get(row, "kind") != NULL)
            rfc_packet(row);
    }
    json_decref(root);
}

/* SRTCP in clear, which UNENCRYPTED_SRTCP asks for (TEL-29). */
static bool
is_clear_rtcp(const json_t *row)
{
    const json_t *encrypted = json_object_get(row, "encrypted");

    return encrypted != NULL && !json_is_true(encrypted) &&
           !rf_srtp_suite_named(rf_span_str(text(row, "suite")))->has_null_cipher;
}

/* Known packets that we accept but never send: a short or missing SRTCP tag, the old AES-192. */
static bool
is_only_received(const json_t *row)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(rf_span_str(text(row, "suite")));
    const json_t *tag = json_object_get(row, "srtcp_tag");

    return tag != NULL && json_integer_value(tag) != suite->srtcp_tag;
}

static struct rf_srtp_stream
stream_before(const json_t *row)
{
    return (struct rf_srtp_stream){ .roc = (uint32_t)number(row, "roc"),
                                    .rtcp_reserved = (uint32_t)number(row, "index") };
}

/* @param quirk  stream that protects as an old libsrtp */
static void
one_packet(const json_t *row, uint8_t quirk)
{
    struct rf_srtp_key key = key_of(row);
    const struct rf_srtp_suite *suite = rf_srtp_suite(key.suite);
    struct rf_srtp_options strict = { 0 };
    struct rf_srtp_options lenient = { .allow_quirks = QUIRKS };
    struct rf_srtp_ctx *ctx, *ctx_strict;
    struct rf_srtp_stream tx = stream_before(row), rx = stream_before(row), rx_strict = stream_before(row), blank;
    static uint8_t plain[2048], sealed[2048], packet[4096];
    size_t n = hex(row, "plain", plain, sizeof plain), m = hex(row, "protected", sealed, sizeof sealed);
    struct rf_srtp_job job = { .packet = packet, .room = sizeof packet,
                               .is_rtcp = strcmp(text(row, "kind"), "srtcp") == 0 };
    bool only_received = is_only_received(row), must_fail;

    if (rf_srtp_ctx_new(&ctx_strict, &key, &strict) != RF_OK)
        exit(ok(false, "%s: a context", text(row, "id")));
    key.clear = is_clear_rtcp(row) ? RF_SRTP_CLEAR_RTCP : 0;
    if (rf_srtp_ctx_new(&ctx, &key, &lenient) != RF_OK)
        exit(ok(false, "%s: a context", text(row, "id")));

    if (!only_received) {
        memcpy(packet, plain, n);
        tx.quirks = quirk;
        job.ctx = ctx;
        job.stream = &tx;
        job.octets = n;
        rf_srtp_protect(&job, 1);
        ok(job.result == RF_OK && job.octets == m && memcmp(packet, sealed, m) == 0, "%s: protect (%s)",
           text(row, "id"), rf_err_name(job.result));
    }

    memcpy(packet, sealed, m);
    job.ctx = ctx;
    job.stream = &rx;
    job.octets = m;
    rf_srtp_unprotect(&job, 1);
    ok(job.result == RF_OK && job.octets == n && memcmp(packet, plain, n) == 0, "%s: unprotect (%s)",
       text(row, "id"), rf_err_name(job.result));

    /* Without leave for compatibility, or for SRTCP in clear, these are refused and nothing is remembered of them. */
    must_fail = quirk != 0 || only_received || is_clear_rtcp(row);
    memcpy(packet, sealed, m);
    blank = rx_strict;
    job.ctx = ctx_strict;
    job.stream = &rx_strict;
    job.octets = m;
    rf_srtp_unprotect(&job, 1);
    ok(must_fail ? job.result != RF_OK && memcmp(&blank, &rx_strict, sizeof blank) == 0 &&
                       memcmp(packet, sealed, m) == 0
                 : job.result == RF_OK,
       "%s: strict says %s", text(row, "id"), rf_err_name(job.result));
    if (quirk != 0)
        ok((rx.quirks & quirk) != 0, "%s: the derivation is learnt", text(row, "id"));
    if (suite->srtp_tag == 4 && only_received && json_integer_value(json_object_get(row, "srtcp_tag")) == 4)
        ok((rx.quirks & RF_SRTP_QUIRK_RTCP_TAG32) != 0, "%s: the short tag is learnt", text(row, "id"));
    rf_srtp_ctx_free(ctx);
    rf_srtp_ctx_free(ctx_strict);
}

static void
packets(const char *file, uint8_t quirk)
{
    json_t *root = vectors_load(file), *row;
    size_t i;

    json_array_foreach(root, i, row)
        one_packet(row, quirk);
    json_decref(root);
}

/* Each packet lies in memory of exactly its length, so that a sanitizer sees an octet read or written beyond. */
static void
negative(void)
{
    static const struct {
        const char *expect;
        enum rf_err want;
    } reasons[] = { { "auth_fail", RF_ERR_AUTH }, { "too_short", RF_ERR_SYNTAX }, { "bad_header", RF_ERR_SYNTAX } };
    json_t *root = vectors_load("srtp/negative.json"), *row;
    size_t i, k;

    json_array_foreach(root, i, row) {
        struct rf_srtp_key key = key_of(row);
        struct rf_srtp_stream stream = stream_before(row), before = stream;
        struct rf_srtp_options options = { .allow_quirks = QUIRKS };
        struct rf_srtp_ctx *ctx;
        uint8_t octets[2048], *packet;
        size_t n = hex(row, "packet", octets, sizeof octets);
        struct rf_srtp_job job = { .stream = &stream, .octets = n, .room = n,
                                   .is_rtcp = strcmp(text(row, "kind"), "srtcp") == 0 };

        for (k = 0; k < 2 && strcmp(reasons[k].expect, text(row, "expect")) != 0;)
            k++;
        packet = malloc(n);
        if (packet == NULL || rf_srtp_ctx_new(&ctx, &key, &options) != RF_OK)
            exit(ok(false, "memory"));
        memcpy(packet, octets, n);
        job.packet = packet;
        job.ctx = ctx;
        rf_srtp_unprotect(&job, 1);
        ok(job.result == reasons[k].want && memcmp(&before, &stream, sizeof before) == 0 &&
               memcmp(packet, octets, n) == 0,
           "TEL-26: %s: %s (%s)", text(row, "id"), text(row, "expect"), rf_err_name(job.result));
        free(packet);
        rf_srtp_ctx_free(ctx);
    }
    json_decref(root);
}

static void
tool_says(const json_t *row, bool is_protect, bool is_clear, const char *packet, uint64_t seq,
          enum rf_err want, const char *result)
{
    static char mem[8192];
    char keysalt[128], base64[128];
    struct rf_buf out = rf_buf(mem, sizeof mem), key = rf_buf(base64, sizeof base64);
    size_t n = hex(row, "master_key", (uint8_t *)keysalt, 64);
    struct rf_srtp_tool t = { .is_protect = is_protect,
                              .is_rtcp = strcmp(text(row, "kind"), "srtcp") == 0,
                              .clear = is_clear ? RF_SRTP_CLEAR_RTCP : 0,
                              .suite = rf_span_str(text(row, "suite")),
                              .mki = rf_span_str(text(row, "mki")),
                              .seq = seq,
                              .roc = number(row, "roc"),
                              .packet = rf_span_str(packet) };
    const char *why;
    enum rf_err err;

    n += hex(row, "master_salt", (uint8_t *)keysalt + n, 64);
    rf_put_base64(&key, keysalt, n);
    t.key = rf_buf_span(&key);
    err = rf_srtp_tool(&t, &out, &why);
    ok(err == want && (want != RF_OK || rf_span_is(rf_buf_span(&out), result)), "tool, %s %s: %s", text(row, "id"),
       is_protect ? "protect" : "unprotect", err == RF_OK ? "done" : why);
}

static void
tool(void)
{
    json_t *root = vectors_load("srtp/packets.json"), *row;
    size_t i;

    json_array_foreach(root, i, row) {
        const char *plain = text(row, "plain"), *sealed = text(row, "protected");
        uint64_t seq = number(row, json_object_get(row, "index") != NULL ? "index" : "seq");

        if (!is_only_received(row))
            tool_says(row, true, is_clear_rtcp(row), plain, seq, RF_OK, sealed);
        tool_says(row, false, is_clear_rtcp(row), sealed, seq, RF_OK, plain);
        if (strcmp(text(row, "kind"), "srtcp") == 0 &&
            !rf_srtp_suite_named(rf_span_str(text(row, "suite")))->has_null_cipher)
            tool_says(row, false, !is_clear_rtcp(row), sealed, seq, RF_ERR_REFUSED, plain);
    }
    json_decref(root);

    root = vectors_load("srtp/negative.json");
    json_array_foreach(root, i, row) {
        const char *packet = text(row, "packet");
        uint64_t seq = 0;

        /* The sequence number that the packet claims, so that only its fault is seen. */
        if (strcmp(text(row, "kind"), "srtp") == 0 && strlen(packet) >= 8)
            seq = strtoul((char[]){ packet[4], packet[5], packet[6], packet[7], '\0' }, NULL, 16);
        tool_says(row, false, false, packet, seq,
                  strcmp(text(row, "expect"), "auth_fail") == 0 ? RF_ERR_AUTH : RF_ERR_SYNTAX, "");
    }
    json_decref(root);
}

static void
tool_arguments(void)
{
    static const struct {
        struct rf_srtp_tool t;
        enum rf_err want;
        const char *why;
    } cases[] = {
        { { .suite = { "NO_SUCH", 7 } }, RF_ERR_NOT_FOUND, "an unknown suite" },
        { { .suite = { "AEAD_AES_128_GCM", 16 }, .key = { "AAAA", 4 } }, RF_ERR_RANGE, "a short key" },
        { { .suite = { "AEAD_AES_128_GCM", 16 }, .roc = (uint64_t)1 << 32 }, RF_ERR_RANGE, "a ROC of 33 bits" },
        { { .suite = { "AEAD_AES_128_GCM", 16 }, .seq = 65536 }, RF_ERR_RANGE, "a sequence number of 17 bits" },
        { { .suite = { "AEAD_AES_128_GCM", 16 }, .mki = { "0", 1 } }, RF_ERR_SYNTAX, "half an octet of MKI" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char mem[64];
        struct rf_buf out = rf_buf(mem, sizeof mem);
        const char *why = "";
        enum rf_err err = rf_srtp_tool(&cases[i].t, &out, &why);

        ok(err == cases[i].want && out.n == 0, "tool: %s: %s", cases[i].why, why);
    }
}

static void
all_with(const char *backend)
{
    if (rf_srtp_init(backend) != RF_OK) {
        diag("%s is not here", backend);
        return;
    }
    diag("%s", rf_srtp_backend());
    rfc_vectors();
    packets("srtp/packets.json", 0);
    packets("srtp/aes192-libsrtp-legacy.json", RF_SRTP_QUIRK_AES192_OLD);
    negative();
}

int
main(void)
{
    derivation();
    all_with("openssl");
    all_with("ipsec-mb");
    tool();
    tool_arguments();
    return tap_done();
}
