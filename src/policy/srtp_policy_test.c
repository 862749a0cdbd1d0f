/*
 * Offers and answers against the setting `srtp`: TEL-12, TEL-20 to TEL-39, IPC-25, IPC-27.
 *
 * The cases are those of tests/data/sdp/srtp-policy.json, all of them.
 */
#include "policy/srtp_policy.h"

#include <jansson.h>

#include "base/codec.h"
#include "tap.h"

#define HEAD "v=0\r\no=- 7 7 IN IP4 192.0.2.50\r\ns=-\r\nc=IN IP4 192.0.2.50\r\nt=0 0\r\n"

static struct rf_srtp_policy
policy_of(const char *suites, enum rf_srtp_mode mode)
{
    struct rf_srtp_policy p = { .mode = mode, .transport_secure = true };
    struct rf_span unknown;

    if (rf_srtp_suites_parse(rf_span_str(suites), p.suite, &p.suite_count, &unknown) != RF_OK)
        ok(false, "test data: suites");
    return p;
}

/* The nine of the Telnyx page in its order. */
static const char nine[] =
    "AEAD_AES_256_GCM_8 AEAD_AES_128_GCM_8 AES_256_CM_HMAC_SHA1_80 AES_192_CM_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_80 "
    "AES_256_CM_HMAC_SHA1_32 AES_192_CM_HMAC_SHA1_32 AES_CM_128_HMAC_SHA1_32 AES_CM_128_NULL_AUTH";

static struct rf_sdp
parsed(const char *text)
{
    struct rf_sdp s;
    const char *why = "";

    if (rf_sdp_parse(rf_span_str(text), &s, &why) != RF_OK)
        ok(false, "test data: %s", why);
    return s;
}

/* An offer or answer with these a=crypto values ("1 SUITE inline:..."), up to a NULL. */
static struct rf_sdp
with_lines(const char *profile, const char *const *value)
{
    static char text[8192]; /* the spans of the result point here */
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    rf_put_str(&b, HEAD);
    rf_putf(&b, "m=audio 40000 %s 0\r\n", profile);
    for (size_t i = 0; value[i] != NULL; i++)
        rf_putf(&b, "a=crypto:%s\r\n", value[i]);
    text[b.n] = '\0';
    return parsed(text);
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Keys of zeros, of the right length for the suite: which octets they are does not matter to decisions. */
static const char *
line_of(unsigned tag, const char *suite_name, const char *after)
{
    static char text[16][256];
    static unsigned next;
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(rf_span_str(suite_name));
    static const uint8_t octet[64];
    char *out = text[next++ % 16];
    struct rf_buf b = rf_buf(out, sizeof text[0] - 1);

    rf_putf(&b, "%u %s inline:", tag, suite_name);
    rf_put_base64(&b, octet, suite != NULL ? (size_t)suite->key_octets + suite->salt_octets : 30);
    rf_put_str(&b, after);
    out[b.n] = '\0';
    return out;
}

/* --- the data file --- */

static bool
reason_is(const json_t *expect, enum rf_refusal refusal)
{
    const struct rf_refusal_row *row = rf_refusal_row(refusal);
    const char *want = json_string_value(json_object_get(expect, "reason"));
    const json_t *status = json_object_get(expect, "status");
    char reason[128];
    bool good = json_is_integer(status) ? json_integer_value(status) == row->sip : !json_is_array(status);

    for (size_t i = 0; i < json_array_size(status); i++)
        good |= json_integer_value(json_array_get(status, i)) == row->sip;
    if (status == NULL)
        good = row->sip == 488;
    snprintf(reason, sizeof reason, "Q.850;cause=%d;text=\"%s\"", row->q850, rf_q850_text(row->q850));
    return good && (want == NULL || strcmp(want, reason) == 0);
}

static bool
profile_is(const json_t *expect, enum rf_sdp_profile have)
{
    const json_t *want = json_object_get(expect, "answer_proto");
    bool good = want == NULL;

    for (size_t i = 0; i < json_array_size(want); i++)
        good |= strcmp(json_string_value(json_array_get(want, i)), rf_sdp_profile_name(have)) == 0;
    return good;
}

/* The answer as text, read back: what the other side would see. */
static bool
answer_is(const json_t *expect, const struct rf_sdp *offer, const struct rf_srtp_decision *d)
{
    struct rf_sdp_face face = { .direction = RF_SENDRECV };
    const json_t *lines = json_object_get(expect, "answer_crypto_lines"), *tag = json_object_get(expect, "tag");
    static char text[4096];
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    const struct rf_sdp_attr *a;
    struct rf_crypto_line line;
    const char *why = "";
    size_t count = 0;
    struct rf_sdp answer;

    if (rf_addr_parse(RF_SPAN_LIT("198.51.100.1"), 30000, &face.rtp) != RF_OK)
        return false;
    rf_srtp_answer_out(d, &rf_rand_system, &face);
    rf_put_sdp(&b, offer, 0, offer, 0, &face);
    text[b.n] = '\0';
    answer = parsed(text);
    for (size_t i = 0; i < answer.attr_count; i++)
        count += rf_span_is(answer.attr[i].name, "crypto");
    if (lines != NULL && (size_t)json_integer_value(lines) != count)
        return false;
    if (!profile_is(expect, answer.media[0].profile))
        return false;
    if (!d->encrypted)
        return count == 0;
    a = rf_sdp_media_attr(&answer, &answer.media[0], "crypto");
    return count == 1 && rf_crypto_line_parse(a->value, &line, &why) == RF_OK && line.tag == d->tag &&
           (tag == NULL || line.tag == (uint32_t)json_integer_value(tag)) && line.suite == d->suite &&
           memcmp(line.key[0].key, d->their_key[0].key, 16) != 0;
}

static bool
offer_case(const json_t *row, const struct rf_srtp_policy *p, const struct rf_sdp *s)
{
    const json_t *expect = json_object_get(row, "expect");
    struct rf_srtp_decision d;

    rf_srtp_offer_in(p, s, rf_sdp_first_audio(s), &d);
    diag("%s %s %s", rf_refusal_row(d.refusal)->slug, d.suite != NULL ? d.suite->name : "", d.detail);
    if (!json_is_true(json_object_get(expect, "accept")))
        return d.refusal != RF_REFUSE_NONE && !d.encrypted && reason_is(expect, d.refusal);
    return d.refusal == RF_REFUSE_NONE && answer_is(expect, s, &d);
}

static bool
answer_case(const json_t *row, const struct rf_srtp_policy *p)
{
    struct rf_sdp_face ours = { .direction = RF_SENDRECV };
    const json_t *sdp = json_object_get(row, "sdp");
    struct rf_srtp_decision d;
    static char text[4096];
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    struct rf_sdp s;

    if (rf_srtp_offer_out(p, &rf_rand_system, &ours) != RF_REFUSE_NONE)
        return false;
    if (json_is_string(sdp)) {
        s = parsed(json_string_value(sdp));
    } else { /* {"template": "answer repeats our own key"} */
        rf_put_str(&b, HEAD "m=audio 40000 RTP/SAVP 0\r\n");
        rf_put_crypto_line(&b, ours.crypto[4].tag, &ours.crypto[4].key);
        text[b.n] = '\0';
        s = parsed(text);
    }
    rf_srtp_answer_in(p, &ours, &s, rf_sdp_first_audio(&s), &d);
    diag("%s: %s", rf_refusal_row(d.refusal)->slug, d.detail);
    if (!json_is_true(json_object_get(json_object_get(row, "expect"), "accept")))
        return d.refusal != RF_REFUSE_NONE && !d.encrypted && rf_refusal_row(d.refusal)->q850 == 88;
    return d.refusal == RF_REFUSE_NONE && d.encrypted && d.tag == 5;
}

/* Passed on as it came; and never from or to a clear leg when it bears keys. */
static bool
bypass_case(const json_t *row, const struct rf_srtp_policy *p)
{
    const json_t *expect = json_object_get(row, "expect");
    struct rf_sdp s = parsed(json_string_value(json_object_get(row, "sdp")));
    struct rf_srtp_policy clear = *p;
    struct rf_srtp_decision d;
    bool good;

    clear.transport_secure = false;
    rf_srtp_bypass(p, &s, rf_sdp_first_audio(&s), &d);
    good = d.refusal == RF_REFUSE_NONE && !d.encrypted && d.suite == NULL;
    if (json_object_get(expect, "require_signalling") != NULL) {
        rf_srtp_bypass(&clear, &s, rf_sdp_first_audio(&s), &d);
        good = good && d.refusal == RF_REFUSE_KEYS_IN_CLEAR;
    }
    return good;
}

#define MEDIA_HEAD  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define MEDIA_KEY   "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define MEDIA_AUDIO "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 " MEDIA_KEY "\r\n"

static const struct {
    const char *sdp;
    bool may;
    const char *why;
} bypass_may[] = {
    { MEDIA_HEAD MEDIA_AUDIO, true, "keys" },
    { MEDIA_HEAD "m=audio 4000 RTP/AVP 0\r\n", false, "in clear" },
    { MEDIA_HEAD "m=audio 4000 RTP/SAVP 0\r\n", false, "a profile without keys" },
    { MEDIA_HEAD "m=audio 4000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 " MEDIA_KEY "\r\n", false, "keys that may be left alone" },
    { MEDIA_HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 " MEDIA_KEY " UNENCRYPTED_SRTP\r\n", false,
      "keys for nothing" },
    { MEDIA_HEAD MEDIA_AUDIO "a=crypto:2 AES_CM_128_HMAC_SHA1_80 " MEDIA_KEY " UNENCRYPTED_SRTP\r\n", false, "one line of two for nothing" },
    { MEDIA_HEAD MEDIA_AUDIO "a=crypto:2 NULL_HMAC_SHA1_80 " MEDIA_KEY "\r\n", false, "a suite that encrypts nothing" },
    { MEDIA_HEAD MEDIA_AUDIO "a=crypto:2 ROT13_HMAC_SHA1_80 " MEDIA_KEY "\r\n", false, "a suite that nobody knows" },
    { MEDIA_HEAD MEDIA_AUDIO "m=video 4002 RTP/AVP 96\r\n", false, "video in clear beside it" },
    { MEDIA_HEAD MEDIA_AUDIO "m=video 0 RTP/AVP 96\r\n", true, "video that is off" },
    { MEDIA_HEAD MEDIA_AUDIO "m=image 4004 udptl t38\r\n", false, "fax in clear beside it" },
    { MEDIA_HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=fingerprint:sha-256 00:11\r\n", true, "DTLS" },
    { MEDIA_HEAD "a=fingerprint:sha-256 00:11\r\nm=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", true, "DTLS, for all streams" },
    { MEDIA_HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", false, "DTLS with anybody" },
};

static void
test_bypass_may(void)
{
    struct rf_srtp_policy p = { .mode = RF_SRTP_REQUIRED }, optional = { .mode = RF_SRTP_OPTIONAL };

    for (size_t i = 0; i < sizeof bypass_may / sizeof *bypass_may; i++) {
        struct rf_sdp s = parsed(bypass_may[i].sdp);

        ok(rf_srtp_bypass_may(&p, &s) == bypass_may[i].may && rf_srtp_bypass_may(&optional, &s),
           "TEL-33: forwarded past us to where SRTP is required: %s", bypass_may[i].why);
    }
}

static bool
status_case(const json_t *row)
{
    const json_t *to = json_object_get(json_object_get(row, "expect"), "to_caller");
    int far = (int)json_integer_value(json_object_get(json_object_get(row, "sdp"), "status"));
    bool good = strstr(json_string_value(json_object_get(to, "reason")), "cause=88") != NULL;

    for (size_t places = 1; places < 3; places++) {
        int status = rf_srtp_incompatible_status(far, places);
        bool is_one = false;

        for (size_t i = 0; i < json_array_size(json_object_get(to, "status")); i++)
            is_one |= json_integer_value(json_array_get(json_object_get(to, "status"), i)) == status;
        good = good && is_one && status == (places == 1 ? 488 : 503);
    }
    return good;
}

static void
test_data(void)
{
    json_error_t problem;
    json_t *list = json_load_file(tap_data("sdp/srtp-policy.json"), 0, &problem), *row;
    size_t i, seen = 0;

    json_array_foreach(list, i, row) {
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *direction = json_string_value(json_object_get(row, "direction"));
        const json_t *config = json_object_get(row, "config");
        struct rf_srtp_policy p = policy_of(nine, RF_SRTP_OFF);
        bool good;

        if (strcmp(json_string_value(json_object_get(config, "srtp")), "on") == 0)
            p.mode = RF_SRTP_REQUIRED;
        p.allow_null_auth = json_is_true(json_object_get(config, "allow_null_auth"));
        p.hosted = json_is_true(json_object_get(config, "hosted"));
        if (strcmp(direction, "status_in") == 0) {
            good = status_case(row);
        } else if (strcmp(json_string_value(json_object_get(config, "media")), "bypass") == 0) {
            good = bypass_case(row, &p);
        } else if (strcmp(direction, "offer_in") == 0) {
            struct rf_sdp s = parsed(json_string_value(json_object_get(row, "sdp")));

            good = offer_case(row, &p, &s);
        } else {
            good = answer_case(row, &p);
        }
        ok(good, "%s: %s", id, json_string_value(json_object_get(row, "source")));
        seen++;
    }
    ok(seen == json_array_size(list) && seen >= 31, "all cases were there: %zu", seen);
    json_decref(list);
}

/* --- offers that the file leaves out --- */

#define GCM256 "AEAD_AES_256_GCM"
#define GCM128 "AEAD_AES_128_GCM"
#define CM256 "AES_256_CM_HMAC_SHA1_80"
#define CM80 "AES_CM_128_HMAC_SHA1_80"
#define CM32 "AES_CM_128_HMAC_SHA1_32"
#define NULL_AUTH "AES_CM_128_NULL_AUTH"
#define NULL_CIPHER "NULL_HMAC_SHA1_80"

struct offer_case {
    const char *why, *suites, *profile;
    const char *line[4];           /* "TAG SUITE[ AFTER]", keys are put in */
    enum rf_srtp_mode mode;
    bool answer_savp, allow_null_auth, offerer_order, hosted, clear, strict, allow_unencrypted;
    enum rf_refusal refusal;
    uint32_t tag;                  /* 0: plain */
    const char *answer_profile;
    bool weak, keys_in_clear;
    uint8_t unencrypted;           /* RF_SRTP_CLEAR_*, in the decision, their keys and ours */
};

static const struct offer_case offer_cases[] = {
    { "TEL-22: the strongest common suite", nine, "RTP/SAVP", { "1 " CM80, "2 " CM32, "3 " CM256 }, RF_SRTP_REQUIRED,
      .tag = 3, .answer_profile = "RTP/SAVP" },
    { "TEL-22: offerer-order takes the first", nine, "RTP/SAVP", { "1 " CM32, "2 " CM80, "3 " CM256 },
      RF_SRTP_REQUIRED, .offerer_order = true, .tag = 1, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-28: the list restricts what is taken", CM80, "RTP/SAVP", { "1 " CM256, "2 " CM80 }, RF_SRTP_REQUIRED,
      .tag = 2, .answer_profile = "RTP/SAVP" },
    { "TEL-28: no common suite", CM80, "RTP/SAVP", { "1 " CM256, "2 " CM32 }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "TEL-23: RTP/AVP with a=crypto is mirrored", nine, "RTP/AVP", { "5 " CM80 }, RF_SRTP_REQUIRED, .tag = 5,
      .answer_profile = "RTP/AVP" },
    { "TEL-23: answer-profile savp", nine, "RTP/AVP", { "5 " CM80 }, RF_SRTP_REQUIRED, .answer_savp = true, .tag = 5,
      .answer_profile = "RTP/SAVP" },
    { "TEL-23: answer-profile savp keeps feedback", nine, "RTP/AVPF", { "5 " CM80 }, RF_SRTP_REQUIRED,
      .answer_savp = true, .tag = 5, .answer_profile = "RTP/SAVPF" },
    { "answer-profile savp leaves plain RTP plain", nine, "RTP/AVP", { NULL }, RF_SRTP_OPTIONAL, .answer_savp = true,
      .answer_profile = "RTP/AVP" },
    { "TEL-36: suites are honoured with SRTP off, RTP/AVP", nine, "RTP/AVP", { "5 " CM80 }, RF_SRTP_OFF, .tag = 5,
      .answer_profile = "RTP/AVP" },
    { "TEL-36: suites are honoured with SRTP off, RTP/SAVP", nine, "RTP/SAVP", { "5 " CM80 }, RF_SRTP_OFF, .tag = 5,
      .answer_profile = "RTP/SAVP" },
    { "TEL-34: no crypto where it is required", nine, "RTP/AVP", { NULL }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_CRYPTO_MISSING },
    { "optional: no crypto is plain RTP", nine, "RTP/AVP", { NULL }, RF_SRTP_OPTIONAL, .answer_profile = "RTP/AVP" },
    { "RFC 8643: no common suite under RTP/AVP is plain RTP", CM80, "RTP/AVP", { "1 " CM256 }, RF_SRTP_OPTIONAL,
      .answer_profile = "RTP/AVP" },
    { "but not under RTP/SAVP", CM80, "RTP/SAVP", { "1 " CM256 }, RF_SRTP_OPTIONAL,
      .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "and not where SRTP is required", CM80, "RTP/AVP", { "1 " CM256 }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "RTP/SAVP without a key", nine, "RTP/SAVP", { NULL }, RF_SRTP_OPTIONAL, .refusal = RF_REFUSE_PROFILE_MISMATCH },
    { "DTLS-SRTP", nine, "UDP/TLS/RTP/SAVPF", { "1 " CM80 }, RF_SRTP_OPTIONAL, .refusal = RF_REFUSE_PROFILE_MISMATCH },
    { "TEL-30: NULL_AUTH is taken last", nine, "RTP/SAVP", { "1 " NULL_AUTH, "2 " CM32 }, RF_SRTP_REQUIRED,
      .allow_null_auth = true, .tag = 2, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-30: also in the offerer's order", nine, "RTP/SAVP", { "1 " NULL_AUTH, "2 " CM32 }, RF_SRTP_REQUIRED,
      .allow_null_auth = true, .offerer_order = true, .tag = 2, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-30: NULL_AUTH alone, allowed, flagged", nine, "RTP/SAVP", { "1 " NULL_AUTH }, RF_SRTP_REQUIRED,
      .allow_null_auth = true, .tag = 1, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-30: its switch is enough, the list need not name it", CM80, "RTP/SAVP", { "1 " NULL_AUTH },
      RF_SRTP_REQUIRED, .allow_null_auth = true, .tag = 1, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-30: refused although the list names it", NULL_AUTH, "RTP/SAVP", { "1 " NULL_AUTH }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "TEL-30: refused on hosted", nine, "RTP/SAVP", { "1 " NULL_AUTH }, RF_SRTP_REQUIRED, .allow_null_auth = true,
      .hosted = true, .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "TEL-29: a suite that encrypts nothing is never taken", NULL_CIPHER " " CM80, "RTP/SAVP", { "1 " NULL_CIPHER },
      RF_SRTP_OFF, .allow_null_auth = true, .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "TEL-29: unencrypted RTCP is skipped, the next line taken", nine, "RTP/SAVP",
      { "1 " CM256 " UNENCRYPTED_SRTCP", "2 " CM80 }, RF_SRTP_REQUIRED, .tag = 2, .answer_profile = "RTP/SAVP" },
    { "TEL-29: and so is unencrypted SRTP, where SRTP is off as well", nine, "RTP/SAVP",
      { "1 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_OFF, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: under RTP/AVP without the switch it is plain RTP", nine, "RTP/AVP", { "1 " CM80 " UNENCRYPTED_SRTP" },
      RF_SRTP_OPTIONAL, .answer_profile = "RTP/AVP" },
    { "TEL-29: allowed, alone, flagged, even where SRTP is required", nine, "RTP/SAVP",
      { "1 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED, .allow_unencrypted = true, .tag = 1,
      .answer_profile = "RTP/SAVP", .weak = true, .unencrypted = RF_SRTP_CLEAR_RTP },
    { "TEL-29: both parameters, in any order", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTCP UNENCRYPTED_SRTP" },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .tag = 1, .answer_profile = "RTP/SAVP", .weak = true,
      .unencrypted = RF_SRTP_CLEAR_RTP | RF_SRTP_CLEAR_RTCP },
    { "TEL-29: allowed, and taken after all that encrypts", nine, "RTP/SAVP",
      { "1 " CM256 " UNENCRYPTED_SRTP", "2 " CM256 " UNENCRYPTED_SRTCP", "3 " CM32 }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .tag = 3, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-29: in the offerer's order, too", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTP", "2 " CM32 },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .offerer_order = true, .tag = 2, .answer_profile = "RTP/SAVP",
      .weak = true },
    { "TEL-29: after NULL_AUTH", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTCP", "2 " NULL_AUTH }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .allow_null_auth = true, .tag = 2, .answer_profile = "RTP/SAVP", .weak = true },
    { "TEL-29: reports in clear rather than audio", nine, "RTP/SAVP",
      { "1 " CM256 " UNENCRYPTED_SRTP", "2 " CM80 " UNENCRYPTED_SRTCP" }, RF_SRTP_REQUIRED, .allow_unencrypted = true,
      .tag = 2, .answer_profile = "RTP/SAVP", .weak = true, .unencrypted = RF_SRTP_CLEAR_RTCP },
    { "TEL-29: the strongest of those that are alike", nine, "RTP/SAVP",
      { "1 " CM32 " UNENCRYPTED_SRTP", "2 " CM256 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED, .allow_unencrypted = true,
      .tag = 2, .answer_profile = "RTP/SAVP", .weak = true, .unencrypted = RF_SRTP_CLEAR_RTP },
    { "TEL-29: never on hosted", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .hosted = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: nor reports alone", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTCP" }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .hosted = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: RFC 7714 8.2: never SRTP with GCM", GCM256, "RTP/SAVP", { "1 " GCM256 " UNENCRYPTED_SRTP" },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: RFC 7714 9.3: SRTCP with GCM", GCM256, "RTP/SAVP", { "1 " GCM256 " UNENCRYPTED_SRTCP" },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .tag = 1, .answer_profile = "RTP/SAVP", .weak = true,
      .unencrypted = RF_SRTP_CLEAR_RTCP },
    { "TEL-29: neither encrypted nor authenticated", nine, "RTP/SAVP", { "1 " NULL_AUTH " UNENCRYPTED_SRTP" },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .allow_null_auth = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: by two parameters", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTP UNAUTHENTICATED_SRTP" },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: the switch is not for a suite that is not in the list", CM80, "RTP/SAVP",
      { "1 " CM256 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED, .allow_unencrypted = true,
      .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "TEL-29: nor for one that encrypts nothing", NULL_CIPHER, "RTP/SAVP", { "1 " NULL_CIPHER }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .refusal = RF_REFUSE_NO_COMMON_SUITE },
    { "TEL-29: keys in clear are refused as ever", nine, "RTP/SAVP", { "1 " CM80 " UNENCRYPTED_SRTP" },
      RF_SRTP_REQUIRED, .allow_unencrypted = true, .clear = true, .strict = true, .refusal = RF_REFUSE_KEYS_IN_CLEAR,
      .keys_in_clear = true },
    { "TEL-29: unauthenticated SRTP, whatever is allowed", nine, "RTP/SAVP", { "1 " CM80 " UNAUTHENTICATED_SRTP" },
      RF_SRTP_OFF, .allow_unencrypted = true, .allow_null_auth = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: unauthenticated SRTP alone", nine, "RTP/SAVP", { "1 " CM80 " UNAUTHENTICATED_SRTP" }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "RFC 4568 6.3.7: a mandatory parameter that is not known", nine, "RTP/SAVP", { "1 " CM80 " NEW=1" },
      RF_SRTP_REQUIRED, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "a key derivation rate is not supported", nine, "RTP/SAVP", { "1 " CM80 " KDR=3", "2 " CM32 }, RF_SRTP_REQUIRED,
      .tag = 2, .answer_profile = "RTP/SAVP", .weak = true },
    { "a tag on two lines", nine, "RTP/AVP", { "1 " CM80, "2 " CM32, "1 " CM256 }, RF_SRTP_OPTIONAL,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-12: keys in clear are reported", nine, "RTP/SAVP", { "1 " CM80 }, RF_SRTP_REQUIRED, .clear = true, .tag = 1,
      .answer_profile = "RTP/SAVP", .keys_in_clear = true },
    { "TEL-12: and refused when strict", nine, "RTP/AVP", { "1 " CM80 }, RF_SRTP_OPTIONAL, .clear = true,
      .strict = true, .refusal = RF_REFUSE_KEYS_IN_CLEAR, .keys_in_clear = true },
    { "TEL-12: and on hosted", nine, "RTP/SAVP", { "1 " CM80 }, RF_SRTP_OFF, .clear = true, .hosted = true,
      .refusal = RF_REFUSE_KEYS_IN_CLEAR, .keys_in_clear = true },
    { "IPC-25: hosted requires SRTP whatever the mode", nine, "RTP/AVP", { NULL }, RF_SRTP_OFF, .hosted = true,
      .refusal = RF_REFUSE_CRYPTO_MISSING },
    { "IPC-27: a phone with CM_32 alone", NULL, "RTP/SAVP", { "1 " CM32 }, RF_SRTP_REQUIRED, .tag = 1,
      .answer_profile = "RTP/SAVP", .weak = true },
    { "IPC-27: a phone with CM_80 alone", NULL, "RTP/SAVP", { "1 " CM80 }, RF_SRTP_REQUIRED, .tag = 1,
      .answer_profile = "RTP/SAVP" },
    { "not RTP at all", nine, "udptl", { NULL }, RF_SRTP_OFF, .refusal = RF_REFUSE_BAD_SDP },
};

static struct rf_sdp
offer_of(const char *profile, const char *const line[4])
{
    const char *value[5] = { NULL };

    for (size_t i = 0; i < 4 && line[i] != NULL; i++) {
        char suite[64] = "", after[64] = "";
        unsigned tag = 0;

        if (sscanf(line[i], "%u %63s %62[^\n]", &tag, suite, after + 1) == 3)
            after[0] = ' ';
        value[i] = line_of(tag, suite, after);
    }
    return with_lines(profile, value);
}

/* RFC 4568 5.1.2: the answer repeats the session parameters that were negotiated, and no others. */
static bool
answers_as_agreed(const struct rf_srtp_decision *d)
{
    static const char *const tail[] = { "", " UNENCRYPTED_SRTP", " UNENCRYPTED_SRTCP",
                                        " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP" };
    struct rf_sdp_face face = { 0 };
    char text[512], want[64];
    const char *after_key;
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    if (!d->encrypted)
        return d->clear == 0;
    rf_srtp_answer_out(d, &rf_rand_system, &face);
    rf_put_crypto_line(&b, face.crypto[0].tag, &face.crypto[0].key);
    text[b.n] = '\0';
    snprintf(want, sizeof want, "%s\r\n", tail[d->clear]);
    after_key = strstr(text, "inline:") + strcspn(strstr(text, "inline:"), " \r");
    return d->their_key[0].clear == d->clear && strcmp(after_key, want) == 0;
}

static void
test_offers(void)
{
    for (size_t i = 0; i < sizeof offer_cases / sizeof offer_cases[0]; i++) {
        const struct offer_case *c = &offer_cases[i];
        struct rf_srtp_policy p = policy_of(c->suites != NULL ? c->suites : nine, c->mode);
        struct rf_sdp s = offer_of(c->profile, c->line);
        struct rf_srtp_decision d;

        if (c->suites == NULL)
            p.suite_count = rf_srtp_suites_for_phones(p.suite);
        p.answer_savp = c->answer_savp;
        p.allow_null_auth = c->allow_null_auth;
        p.offerer_order = c->offerer_order;
        p.hosted = c->hosted;
        p.transport_secure = !c->clear;
        p.strict_transport = c->strict;
        p.allow_unencrypted = c->allow_unencrypted;
        rf_srtp_offer_in(&p, &s, 0, &d);
        ok(d.refusal == c->refusal && d.clear == c->unencrypted && answers_as_agreed(&d) &&
               d.keys_in_clear == c->keys_in_clear && d.weak == c->weak &&
               d.encrypted == (c->tag != 0) && (c->tag == 0 || d.tag == c->tag) &&
               (c->refusal != RF_REFUSE_NONE ||
                strcmp(rf_sdp_profile_name(d.answer_profile), c->answer_profile) == 0),
           "%s: %s %s %s", c->why, rf_refusal_row(d.refusal)->slug, d.suite != NULL ? d.suite->name : "", d.detail);
    }
}

/* Every suite alone, with its tag (TEL-20), and every pair: the stronger one (TEL-22). */
static void
test_suites(void)
{
    struct rf_srtp_policy p = { .mode = RF_SRTP_REQUIRED, .transport_secure = true, .allow_null_auth = true };

    for (unsigned id = 1; id <= rf_srtp_suite_count(); id++)
        p.suite[p.suite_count++] = (uint8_t)id;
    for (unsigned id = 1; id <= rf_srtp_suite_count(); id++) {
        const struct rf_srtp_suite *suite = rf_srtp_suite(id);
        struct rf_sdp s = with_lines("RTP/SAVP", LINES(line_of(40 + id, suite->name, "")));
        struct rf_srtp_decision d;
        struct rf_sdp_face face = { 0 };
        bool good = true;

        rf_srtp_offer_in(&p, &s, 0, &d);
        if (suite->has_null_cipher) {
            ok(d.refusal == RF_REFUSE_NO_COMMON_SUITE, "TEL-29: %s encrypts nothing", suite->name);
            continue;
        }
        rf_srtp_answer_out(&d, &rf_rand_system, &face);
        ok(d.encrypted && d.suite == suite && d.tag == 40 + id && face.crypto_count == 1 &&
               face.crypto[0].tag == 40 + id && face.crypto[0].key.suite == id && face.profile == RF_RTP_SAVP,
           "TEL-20: %s alone: same tag, same suite, a key of our own", suite->name);
        for (unsigned other = 1; other <= rf_srtp_suite_count(); other++) {
            const struct rf_srtp_suite *o = rf_srtp_suite(other);

            if (o == suite || o->has_null_cipher)
                continue;
            s = with_lines("RTP/SAVP", LINES(line_of(1, suite->name, ""), line_of(2, o->name, "")));
            rf_srtp_offer_in(&p, &s, 0, &d);
            good &= d.tag == (suite->strength > o->strength ? 1u : 2u);
        }
        ok(good, "TEL-22: %s against each other suite", suite->name);
    }
}

static void
test_mki(void)
{
    struct rf_srtp_policy p = policy_of(nine, RF_SRTP_REQUIRED);
    struct rf_sdp s = with_lines("RTP/SAVP", LINES("1 " CM80 " inline:u0Xbfdmr9bV7HbK3DJLxqh6eqLpZ6a7gPu2gQ7WT|2^31|1:4;"
                                                   "inline:iu0fxiht9mjbuwnTGKxen+9dLp8TQwEi0jhTf3lF|2:4"));
    struct rf_srtp_decision d;
    struct rf_sdp_face face = { 0 };

    rf_srtp_offer_in(&p, &s, 0, &d);
    rf_srtp_answer_out(&d, &rf_rand_system, &face);
    ok(d.encrypted && d.their_key_count == 2 && d.their_key[1].mki[3] == 2 && d.their_key[0].mki_octets == 4,
       "TEL-39: two keys with MKIs are received with");
    ok(face.crypto[0].key.mki_octets == 0 && face.crypto[0].key.lifetime == 0, "TEL-39: no MKI and lifetime is echoed");
}

/* A generator that first gives their key again. */
struct echo {
    const struct rf_srtp_key *key;
    unsigned fills;
};

static void
echo_fill(void *ctx, void *out, size_t n)
{
    struct echo *e = ctx;

    e->fills++;
    if (e->fills == 1)
        memcpy(out, e->key->key, n);
    else if (e->fills == 2)
        memcpy(out, e->key->salt, n);
    else
        memset(out, (int)e->fills, n);
}

static void
test_own_key(void)
{
    struct rf_srtp_policy p = policy_of(nine, RF_SRTP_REQUIRED);
    struct rf_sdp s = with_lines("RTP/SAVP", LINES(line_of(1, CM80, "")));
    struct rf_srtp_decision d;
    struct echo e = { .key = &d.their_key[0] };
    struct rf_rand rand = { echo_fill, &e };
    struct rf_sdp_face face = { 0 };

    rf_srtp_offer_in(&p, &s, 0, &d);
    rf_srtp_answer_out(&d, &rand, &face);
    ok(e.fills == 4 && memcmp(face.crypto[0].key.key, d.their_key[0].key, 16) != 0,
       "RFC 4568 7.1.2: a key that equals theirs is thrown away");
}

/* --- our offers, and answers to them --- */

static const struct {
    const char *why;
    enum rf_srtp_mode mode;
    bool hosted, clear, strict, null_auth;
    enum rf_refusal refusal;
    enum rf_sdp_profile profile;
    size_t lines;
} out_cases[] = {
    { "IPC-25: required offers RTP/SAVP with suites", RF_SRTP_REQUIRED, .profile = RF_RTP_SAVP, .lines = 8 },
    { "RFC 8643: optional offers RTP/AVP with suites", RF_SRTP_OPTIONAL, .profile = RF_RTP_AVP, .lines = 8 },
    { "off offers plain RTP", RF_SRTP_OFF, .profile = RF_RTP_AVP },
    { "hosted offers RTP/SAVP whatever the mode", RF_SRTP_OFF, .hosted = true, .profile = RF_RTP_SAVP, .lines = 8 },
    { "TEL-30: NULL_AUTH stands in the list and is allowed", RF_SRTP_REQUIRED, .null_auth = true,
      .profile = RF_RTP_SAVP, .lines = 9 },
    { "TEL-30: never on hosted", RF_SRTP_REQUIRED, .hosted = true, .null_auth = true, .profile = RF_RTP_SAVP,
      .lines = 8 },
    { "TEL-12: over a clear transport", RF_SRTP_REQUIRED, .clear = true, .profile = RF_RTP_SAVP, .lines = 8 },
    { "TEL-12: required, strict: no offer is possible", RF_SRTP_REQUIRED, .clear = true, .strict = true,
      .refusal = RF_REFUSE_KEYS_IN_CLEAR, .profile = RF_RTP_SAVP },
    { "TEL-12: hosted: no offer is possible", RF_SRTP_OFF, .clear = true, .hosted = true,
      .refusal = RF_REFUSE_KEYS_IN_CLEAR, .profile = RF_RTP_SAVP },
    { "TEL-12: optional, strict: plain RTP is offered, no key leaves", RF_SRTP_OPTIONAL, .clear = true,
      .strict = true, .profile = RF_RTP_AVP },
};

static void
test_offer_out(void)
{
    for (size_t i = 0; i < sizeof out_cases / sizeof out_cases[0]; i++) {
        struct rf_srtp_policy p = policy_of(nine, out_cases[i].mode);
        struct rf_sdp_face face = { 0 };
        bool good;

        p.hosted = out_cases[i].hosted;
        p.transport_secure = !out_cases[i].clear;
        p.strict_transport = out_cases[i].strict;
        p.allow_null_auth = out_cases[i].null_auth;
        p.allow_unencrypted = true; /* TEL-29: it is never our wish */
        good = rf_srtp_offer_out(&p, &rf_rand_system, &face) == out_cases[i].refusal &&
               face.profile == out_cases[i].profile && face.crypto_count == out_cases[i].lines;
        for (size_t k = 0; k < face.crypto_count; k++) {
            good &= face.crypto[k].tag == k + 1 && face.crypto[k].key.clear == 0 &&
                    face.crypto[k].key.suite == p.suite[k];
            for (size_t j = 0; j < k; j++)
                good &= memcmp(face.crypto[k].key.key, face.crypto[j].key.key, 16) != 0;
        }
        ok(good, "%s", out_cases[i].why);
    }
    {
        struct rf_srtp_policy p = policy_of(NULL_CIPHER, RF_SRTP_REQUIRED);
        struct rf_sdp_face face = { 0 };

        ok(rf_srtp_offer_out(&p, &rf_rand_system, &face) == RF_REFUSE_NO_COMMON_SUITE && face.crypto_count == 0 &&
               face.profile == RF_RTP_SAVP,
           "TEL-29: a list of nothing but a NULL cipher: no offer is possible");
        p.suite_count = rf_srtp_suites_for_phones(p.suite);
        ok(rf_srtp_offer_out(&p, &rf_rand_system, &face) == RF_REFUSE_NONE && face.crypto_count == 5 &&
               strcmp(rf_srtp_suite(face.crypto[0].key.suite)->name, CM80) == 0,
           "IPC-27: CM_80 is the first of five for phones");
    }
}

static const struct {
    const char *why, *profile;
    const char *line[4];
    enum rf_srtp_mode mode;
    bool clear, allow_unencrypted;
    uint8_t offered; /* RF_SRTP_CLEAR_* of the offered line, as of a call that was agreed so and changes */
    enum rf_refusal refusal;
    bool encrypted;
} answer_cases[] = {
    { "one of ours", "RTP/SAVP", { "5 " CM80 }, RF_SRTP_REQUIRED, .encrypted = true },
    { "with its key under RTP/AVP", "RTP/AVP", { "5 " CM80 }, RF_SRTP_REQUIRED, .encrypted = true },
    { "RFC 8643: optional becomes SRTP", "RTP/AVP", { "5 " CM80 }, RF_SRTP_OPTIONAL, .encrypted = true },
    { "TEL-23: optional, answered RTP/SAVP", "RTP/SAVP", { "5 " CM80 }, RF_SRTP_OPTIONAL, .encrypted = true },
    { "RFC 8643: optional stays plain", "RTP/AVP", { NULL }, RF_SRTP_OPTIONAL },
    { "optional, RTP/SAVP without a key", "RTP/SAVP", { NULL }, RF_SRTP_OPTIONAL,
      .refusal = RF_REFUSE_PROFILE_MISMATCH },
    { "TEL-31: required, no crypto", "RTP/AVP", { NULL }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_ANSWER_WITHOUT_CRYPTO },
    { "TEL-31: required, RTP/SAVP without a key", "RTP/SAVP", { NULL }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_ANSWER_WITHOUT_CRYPTO },
    { "TEL-32: off, answered with a key", "RTP/AVP", { "1 " CM80 }, RF_SRTP_OFF,
      .refusal = RF_REFUSE_CRYPTO_NOT_ENABLED },
    { "TEL-32: off, answered RTP/SAVP", "RTP/SAVP", { NULL }, RF_SRTP_OFF, .refusal = RF_REFUSE_CRYPTO_NOT_ENABLED },
    { "off, plain", "RTP/AVP", { NULL }, RF_SRTP_OFF },
    { "TEL-38: tag that was not offered", "RTP/SAVP", { "77 " CM80 }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-38: tag of another suite", "RTP/SAVP", { "4 " CM80 }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-38: key of another length", "RTP/SAVP", { "5 MADE_UP_HERE" }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-38: two lines", "RTP/SAVP", { "5 " CM80, "8 " CM32 }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "a broken line is refused where SRTP is optional too", "RTP/AVP", { "77 " CM80 }, RF_SRTP_OPTIONAL,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: unencrypted, which was not offered", "RTP/SAVP", { "5 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: nor is it taken where that is allowed", "RTP/SAVP", { "5 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: nor for reports", "RTP/SAVP", { "5 " CM80 " UNENCRYPTED_SRTCP" }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: offered and taken", "RTP/SAVP", { "5 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .offered = RF_SRTP_CLEAR_RTP, .encrypted = true },
    { "RFC 4568 5.1.3: offered, and missing in the answer", "RTP/SAVP", { "5 " CM80 }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .offered = RF_SRTP_CLEAR_RTP, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "RFC 4568 5.1.3: one of two missing", "RTP/SAVP", { "5 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED,
      .allow_unencrypted = true, .offered = RF_SRTP_CLEAR_RTP | RF_SRTP_CLEAR_RTCP,
      .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "TEL-29: offered, and not allowed any more", "RTP/SAVP", { "5 " CM80 " UNENCRYPTED_SRTP" }, RF_SRTP_REQUIRED,
      .offered = RF_SRTP_CLEAR_RTP, .refusal = RF_REFUSE_BAD_CRYPTO_LINE },
    { "DTLS-SRTP was not offered", "UDP/TLS/RTP/SAVP", { "5 " CM80 }, RF_SRTP_OPTIONAL,
      .refusal = RF_REFUSE_PROFILE_MISMATCH },
    { "TEL-12: keys came in clear", "RTP/SAVP", { "5 " CM80 }, RF_SRTP_REQUIRED, .clear = true, .encrypted = true },
};

static void
test_answers(void)
{
    for (size_t i = 0; i < sizeof answer_cases / sizeof answer_cases[0]; i++) {
        struct rf_srtp_policy p = policy_of(nine, answer_cases[i].mode);
        struct rf_sdp s = offer_of(answer_cases[i].profile, answer_cases[i].line);
        struct rf_sdp_face ours = { 0 };
        struct rf_srtp_decision d;

        p.transport_secure = !answer_cases[i].clear;
        if (rf_srtp_offer_out(&p, &rf_rand_system, &ours) != RF_REFUSE_NONE)
            ok(false, "test data: our offer");
        p.allow_unencrypted = answer_cases[i].allow_unencrypted;
        for (size_t k = 0; k < ours.crypto_count; k++)
            ours.crypto[k].key.clear = answer_cases[i].offered;
        rf_srtp_answer_in(&p, &ours, &s, 0, &d);
        ok(d.refusal == answer_cases[i].refusal && d.clear == (d.encrypted ? answer_cases[i].offered : 0) &&
               d.encrypted == answer_cases[i].encrypted &&
               d.keys_in_clear == (answer_cases[i].clear && d.encrypted) &&
               (d.refusal == RF_REFUSE_NONE || rf_refusal_row(d.refusal)->q850 == 88),
           "%s: %s %s", answer_cases[i].why, rf_refusal_row(d.refusal)->slug, d.detail);
    }
    {
        struct rf_srtp_policy p = policy_of(nine, RF_SRTP_REQUIRED);
        struct rf_sdp_face ours = { 0 };
        struct rf_sdp s = with_lines("RTP/SAVP", LINES("5 " CM80 " inline:mesPQvpBJD5FibYcKvKC25Wq47RCvIFPepU3bko="));
        struct rf_srtp_decision d;

        if (rf_srtp_offer_out(&p, &rf_rand_system, &ours) != RF_REFUSE_NONE)
            ok(false, "test data: our offer");
        rf_srtp_answer_in(&p, &ours, &s, 0, &d);
        ok(d.refusal == RF_REFUSE_BAD_CRYPTO_LINE && d.tag == 5, "TEL-38: key of 29 octets: %s", d.detail);
        rf_srtp_answer_in(&p, &ours, &s, -1, &d);
        ok(d.refusal == RF_REFUSE_BAD_SDP, "an answer that turns the stream off: %s", d.detail);
    }
}

/* --- lists and sentences --- */

static void
test_lists(void)
{
    uint8_t suite[RF_CRYPTO_LINES_MAX];
    struct rf_span unknown = { NULL, 0 };
    size_t n;

    ok(rf_srtp_suites_parse(RF_SPAN_LIT(" " CM80 ", " GCM256 " " CM80 "\t"), suite, &n, &unknown) == RF_OK && n == 2,
       "a list with commas, blanks and one name twice");
    ok(rf_srtp_suites_parse(RF_SPAN_LIT(CM80 " NOPE"), suite, &n, &unknown) == RF_ERR_NOT_FOUND &&
           rf_span_is(unknown, "NOPE"),
       "an unknown name is shown");
    ok(rf_srtp_suites_parse(RF_SPAN_LIT(" , "), suite, &n, &unknown) == RF_ERR_SYNTAX, "an empty list");
    ok(rf_srtp_suites_for_connections(suite) == 10 && strcmp(rf_srtp_suite(suite[4])->name, CM80) == 0 &&
           strcmp(rf_srtp_suite(suite[8])->name, GCM256) == 0,
       "TEL-21: the page's order without NULL_AUTH, then the two suites of RFC 7714");
}

static void
test_sentences(void)
{
    static const struct { const char *suites, *profile, *line[4]; const char *want; } cases[] = {
        { CM80, "RTP/SAVP", { "1 " CM256, "2 " CM32 },
          "phone 201 offers AES_256_CM_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32; we accept AES_CM_128_HMAC_SHA1_80" },
        { CM80, "RTP/AVP", { NULL },
          "phone 201 offered no encryption (no a=crypto) and SRTP is required (user.201.srtp)" },
        { CM80, "RTP/SAVP", { NULL }, "phone 201 used RTP/SAVP without a usable a=crypto line" },
        { CM80, "RTP/SAVP", { "7 " CM80 " UNENCRYPTED_SRTP" },
          "phone 201's a=crypto line 7 is not usable: it asks for packets that are not encrypted" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_srtp_policy p = policy_of(cases[i].suites, RF_SRTP_REQUIRED);
        struct rf_sdp s = offer_of(cases[i].profile, cases[i].line);
        struct rf_log_field field[RF_SRTP_REFUSAL_FIELDS];
        struct rf_srtp_decision d;
        char text[512];
        struct rf_buf b = rf_buf(text, sizeof text);

        rf_srtp_offer_in(&p, &s, 0, &d);
        rf_srtp_refusal_fields(&d, "phone 201", "user.201.srtp", "tls", field);
        rf_refusal_sentence(&b, rf_refusal_row(d.refusal)->sentence, field);
        ok(rf_span_is(rf_buf_span(&b), cases[i].want), "%.*s", RF_SPAN_ARG(rf_buf_span(&b)));
    }
}

int
main(void)
{
    test_data();
    test_offers();
    test_suites();
    test_mki();
    test_own_key();
    test_offer_out();
    test_answers();
    test_lists();
    test_sentences();
    test_bypass_may();
    return tap_done();
}
