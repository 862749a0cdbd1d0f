/*
 * The invariants (P1) to (P5) of srtp_policy.c over every combination of mode, profile, a=crypto lines, direction,
 * hosted, NULL_AUTH, unencrypted SRTP, transport, order and answer profile: never a clear leg where SRTP is required.
 */
#include "policy/srtp_policy.h"

#include "tap.h"

#define CM80 "AES_CM_128_HMAC_SHA1_80"
#define KEY30 "inline:u0Xbfdmr9bV7HbK3DJLxqh6eqLpZ6a7gPu2gQ7WT"
#define KEY44 "inline:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
#define KEY46 "inline:1Riu612pR2OHGhEo29MuMiTO/uqC9maG85rTMLC0i77c3jXsf/jc9NtgjXh+BQ=="

/* Sets of a=crypto lines: none, good, weak, broken, mixed. In an answer, tags 1 and 2 are those that we offered. */
static const char *const line_sets[] = {
    "",
    "a=crypto:1 " CM80 " " KEY30 "\r\n",
    "a=crypto:2 AES_256_CM_HMAC_SHA1_80 " KEY46 "\r\n",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_32 " KEY30 "\r\n",
    "a=crypto:3 AES_CM_128_NULL_AUTH " KEY30 "\r\n",
    "a=crypto:1 NULL_HMAC_SHA1_80 " KEY30 "\r\n",
    "a=crypto:1 F8_128_HMAC_SHA1_80 " KEY30 "\r\n",
    "a=crypto:1 MADE_UP " KEY30 "\r\n",
    "a=crypto:1 " CM80 " " KEY46 "\r\n",
    "a=crypto:1 " CM80 " " KEY30 " UNENCRYPTED_SRTP\r\n",
    "a=crypto:1 " CM80 " " KEY30 " UNENCRYPTED_SRTCP\r\n",
    "a=crypto:1 " CM80 " " KEY30 " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP\r\n"
    "a=crypto:2 AES_256_CM_HMAC_SHA1_80 " KEY46 "\r\n",
    "a=crypto:2 AES_256_CM_HMAC_SHA1_80 " KEY46 "\r\na=crypto:1 " CM80 " " KEY30 " UNENCRYPTED_SRTCP\r\n",
    "a=crypto:3 AES_CM_128_NULL_AUTH " KEY30 " UNENCRYPTED_SRTP\r\n",
    "a=crypto:1 AEAD_AES_256_GCM " KEY44 " UNENCRYPTED_SRTP\r\n",
    "a=crypto:1 AEAD_AES_256_GCM " KEY44 " UNENCRYPTED_SRTCP\r\n",
    "a=crypto:1 " CM80 " " KEY30 " UNAUTHENTICATED_SRTP\r\n",
    "a=crypto:1 " CM80 " " KEY30 " KDR=1\r\n",
    "a=crypto:1 " CM80 " " KEY30 " NEW=1\r\n",
    "a=crypto:1 " CM80 " " KEY30 "\r\na=crypto:2 AES_256_CM_HMAC_SHA1_80 " KEY46 "\r\n",
    "a=crypto:1 " CM80 " " KEY30 "\r\na=crypto:1 AES_256_CM_HMAC_SHA1_80 " KEY46 "\r\n",
    "a=crypto:3 AES_CM_128_NULL_AUTH " KEY30 "\r\na=crypto:1 " CM80 " " KEY30 "\r\n",
    "a=crypto:x\r\n",
    "a=crypto:x\r\na=crypto:1 " CM80 " " KEY30 "\r\n",
};

static const char *const profiles[] = { "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP",
                                        "UDP/TLS/RTP/SAVPF", "udptl" };
static const char *const suite_lists[] = { CM80 " AES_256_CM_HMAC_SHA1_80 AES_CM_128_NULL_AUTH",
                                           "NULL_HMAC_SHA1_80 AES_CM_128_NULL_AUTH", "AEAD_AES_256_GCM" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static size_t combinations, accepted, encrypted, clear, broken[6];

static bool
is_required(const struct rf_srtp_policy *p)
{
    return p->mode == RF_SRTP_REQUIRED || p->hosted;
}

/* Of decisions in either direction. */
static void
check(const struct rf_srtp_policy *p, const struct rf_srtp_decision *d, const struct rf_sdp_media *m, bool has_lines)
{
    bool in_list = false;
    unsigned leaves;

    combinations++;
    if (d->refusal != RF_REFUSE_NONE) {
        /* A refusal hands out nothing that could be used by mistake, and can be told to the peer. */
        broken[0] += d->encrypted || d->clear != 0 || d->suite != NULL || d->their_key_count != 0 ||
                     rf_refusal_row(d->refusal)->sip != 488;
        return;
    }
    accepted++;
    broken[1] += is_required(p) && !d->encrypted; /* (P1) */
    if (!d->encrypted) {
        broken[2] += d->suite != NULL || d->their_key_count != 0 || rf_sdp_profile_is_secure(m->profile);
        return;
    }
    encrypted++;
    leaves = rf_srtp_suite_leaves_clear(d->suite, d->clear);
    for (size_t i = 0; i < p->suite_count; i++)
        in_list |= p->suite[i] == d->suite->id;
    in_list |= d->suite->has_null_auth && p->allow_null_auth;
    broken[3] += !has_lines || !in_list || d->their_key_count == 0 ||
                 d->their_key[0].suite != d->suite->id ||
                 (d->suite->has_null_auth && (!p->allow_null_auth || p->hosted)); /* (P2) */
    clear += leaves != 0;
    /* (P5): with its switch alone, authenticated, and a word of the offer's or answer's own. */
    broken[5] += d->clear != d->their_key[0].clear ||
                 (leaves != 0 && (!p->allow_unencrypted || p->hosted || !d->weak || d->suite->has_null_auth ||
                                    ((d->clear & RF_SRTP_CLEAR_RTP) != 0 && d->suite->cipher == RF_CIPHER_AES_GCM)));
    broken[4] += !p->transport_secure && (p->hosted || p->strict_transport || !d->keys_in_clear); /* TEL-12 */
}

static size_t broken_out[3];

static void
check_answer_out(const struct rf_srtp_policy *p, const struct rf_srtp_decision *d, const struct rf_sdp_media *m)
{
    struct rf_sdp_face face = { 0 };

    if (d->refusal != RF_REFUSE_NONE)
        return;
    rf_srtp_answer_out(d, &rf_rand_system, &face);
    broken_out[0] += face.crypto_count != (d->encrypted ? 1u : 0u) ||
                     (d->encrypted && (face.crypto[0].tag != d->tag || face.crypto[0].key.clear != d->clear ||
                                       face.crypto[0].key.suite != d->suite->id ||
                                       memcmp(face.crypto[0].key.key, d->their_key[0].key, 16) == 0)); /* (P4) */
    broken_out[1] += face.profile != m->profile &&
                     !(p->answer_savp && d->encrypted && face.profile == m->profile + (RF_RTP_SAVP - RF_RTP_AVP));
}

static void
check_answer_in(const struct rf_srtp_policy *p, const struct rf_sdp *s, bool has_lines)
{
    struct rf_sdp_face ours = { 0 };
    struct rf_srtp_decision d;
    enum rf_refusal refusal = rf_srtp_offer_out(p, &rf_rand_system, &ours);
    bool offered = false;

    broken_out[2] += (is_required(p) && !rf_sdp_profile_is_secure(ours.profile)) ||
                     (refusal != RF_REFUSE_NONE && ours.crypto_count != 0);
    for (size_t i = 0; i < ours.crypto_count; i++)
        broken_out[2] += rf_srtp_suite(ours.crypto[i].key.suite)->has_null_cipher;
    rf_srtp_answer_in(p, &ours, s, rf_sdp_first_audio(s), &d);
    check(p, &d, &s->media[0], has_lines);
    for (size_t i = 0; d.encrypted && i < ours.crypto_count; i++)
        offered |= ours.crypto[i].tag == d.tag && ours.crypto[i].key.suite == d.suite->id &&
                   ours.crypto[i].key.clear == d.clear;
    broken_out[2] += d.encrypted && !offered; /* (P3) */
}

static void
all_policies(const struct rf_sdp *s, bool has_lines)
{
    for (unsigned bits = 0; bits < 128; bits++) {
        for (size_t list = 0; list < COUNT(suite_lists); list++) {
            for (int mode = RF_SRTP_OFF; mode <= RF_SRTP_REQUIRED; mode++) {
                struct rf_srtp_policy p = { .mode = (enum rf_srtp_mode)mode,
                                            .answer_savp = bits & 1,
                                            .allow_null_auth = bits & 2,
                                            .offerer_order = bits & 4,
                                            .hosted = bits & 8,
                                            .transport_secure = bits & 16,
                                            .strict_transport = bits & 32,
                                            .allow_unencrypted = bits & 64 };
                struct rf_span unknown;
                struct rf_srtp_decision d;

                if (rf_srtp_suites_parse(rf_span_str(suite_lists[list]), p.suite, &p.suite_count, &unknown) != RF_OK)
                    abort();
                rf_srtp_offer_in(&p, s, rf_sdp_first_audio(s), &d);
                check(&p, &d, &s->media[0], has_lines);
                check_answer_out(&p, &d, &s->media[0]);
                check_answer_in(&p, s, has_lines);
            }
        }
    }
}

int
main(void)
{
    for (size_t i = 0; i < COUNT(profiles); i++) {
        for (size_t k = 0; k < COUNT(line_sets); k++) {
            char text[1024];
            struct rf_sdp s;
            const char *why = "";

            snprintf(text, sizeof text,
                     "v=0\r\no=- 7 7 IN IP4 192.0.2.50\r\ns=-\r\nc=IN IP4 192.0.2.50\r\nt=0 0\r\nm=audio 40000 %s 0\r\n%s",
                     profiles[i], line_sets[k]);
            if (rf_sdp_parse(rf_span_str(text), &s, &why) != RF_OK) {
                ok(false, "test data: %s", why);
                continue;
            }
            all_policies(&s, line_sets[k][0] != '\0');
        }
    }
    diag("%zu decisions, %zu accepted, %zu of these encrypted, %zu with something in clear", combinations, accepted,
         encrypted, clear);
    ok(combinations == COUNT(profiles) * COUNT(line_sets) * 128 * COUNT(suite_lists) * 3 * 2, "every combination ran");
    ok(accepted > 1000 && encrypted > 1000 && clear > 500 && accepted - encrypted > 1000, "all outcomes occurred");
    ok(broken[0] == 0, "a refusal hands out no key and is a 488");
    ok(broken[1] == 0, "(P1) IPC-25, TEL-31, TEL-34: never a clear leg where SRTP is required or on hosted");
    ok(broken[2] == 0, "plain RTP is never agreed under a secure profile");
    ok(broken[3] == 0, "(P2) TEL-29, TEL-30: what is agreed as encrypted has a suite that encrypts and is allowed");
    ok(broken[4] == 0, "TEL-12: keys in clear are reported, on hosted and strict refused");
    ok(broken[5] == 0, "(P5) TEL-29: nothing is left in clear but where that is allowed, and never on hosted");
    ok(broken_out[0] == 0, "(P4) TEL-22: an answer has one line: same tag, suite and parameters, another key");
    ok(broken_out[1] == 0, "TEL-23: an answer's profile is the offer's, or the secure one where that is set");
    ok(broken_out[2] == 0, "(P3) TEL-38: an answer counts only with a tag and suite that we offered; without a cipher none is");
    return tap_done();
}
