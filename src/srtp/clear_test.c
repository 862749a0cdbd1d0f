/*
 * TEL-29: SRTP and SRTCP that are authenticated and not encrypted (UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP), with every
 * suite that may be so and each back end. What must leave is the packet as it was, the MKI, and an HMAC that OpenSSL
 * computes here.
 */
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/rand.h"
#include "rtp/octets.h"
#include "srtp/kdf.h"
#include "srtp/srtp.h"
#include "tap.h"

#define ROOM 512
#define SSRC 0x11223344
#define E_BIT 0x80u /* in the first octet of E, index */

static uint64_t seed = 29;
static const struct rf_rand rand_test = { rf_rand_seeded_fill, &seed };

struct packet {
    uint8_t octet[ROOM];
    size_t n;
};

static struct rf_srtp_key
key_of(const struct rf_srtp_suite *suite, bool has_mki, uint8_t clear)
{
    struct rf_srtp_key key = { .suite = suite->id, .mki_octets = has_mki ? 4 : 0, .clear = clear };

    rf_rand_fill(&rand_test, key.key, suite->key_octets);
    rf_rand_fill(&rand_test, key.salt, suite->salt_octets);
    if (has_mki)
        memcpy(key.mki, "\0\1\2\3", 4);
    return key;
}

static struct rf_srtp_ctx *
ctx_of(const struct rf_srtp_key *key)
{
    struct rf_srtp_ctx *ctx;

    if (rf_srtp_ctx_new(&ctx, key, NULL) != RF_OK)
        exit(ok(false, "a context"));
    return ctx;
}

static struct packet
rtp(uint16_t seq)
{
    struct packet p = { .octet = { 0x80, 0x00 }, .n = 172 };

    rf_set16(p.octet + 2, seq);
    rf_set32(p.octet + 8, SSRC);
    for (size_t i = 12; i < p.n; i++)
        p.octet[i] = (uint8_t)(seq + i);
    return p;
}

/* A sender report without blocks. */
static struct packet
rtcp(void)
{
    struct packet p = { .octet = { 0x80, 200, 0, 6 }, .n = 28 };

    rf_set32(p.octet + 4, SSRC);
    for (size_t i = 8; i < p.n; i++)
        p.octet[i] = (uint8_t)(7 * i);
    return p;
}

static enum rf_err
run(void (*run_jobs)(struct rf_srtp_job *, size_t), struct rf_srtp_ctx *ctx, struct rf_srtp_stream *s, struct packet *p,
    bool is_rtcp)
{
    struct rf_srtp_job job = { .ctx = ctx, .stream = s, .packet = p->octet, .octets = p->n, .room = ROOM,
                               .is_rtcp = is_rtcp };

    run_jobs(&job, 1);
    p->n = job.octets;
    return job.result;
}

/* body || word under this key, as RFC 3711 4.2 wants it of SRTP (the ROC) and of SRTCP (E, index). */
static void
tag_of(const uint8_t *auth, const struct packet *plain, uint32_t word, uint8_t tag[static 20])
{
    uint8_t signed_octets[ROOM];
    unsigned n = 0;

    memcpy(signed_octets, plain->octet, plain->n);
    rf_set32(signed_octets + plain->n, word);
    if (HMAC(EVP_sha1(), auth, 20, signed_octets, plain->n + 4, tag, &n) == NULL || n != 20)
        exit(ok(false, "OpenSSL computes an HMAC"));
}

/* Each octet changed in turn: refused, the packet as it came, the stream untouched. */
static bool
is_guarded(struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *stream, const struct packet *sealed, bool is_rtcp)
{
    for (size_t i = 0; i < sealed->n; i++) {
        struct rf_srtp_stream s = *stream;
        struct packet p = *sealed, before;

        p.octet[i] ^= 0x10;
        before = p;
        if (run(rf_srtp_unprotect, ctx, &s, &p, is_rtcp) == RF_OK || p.n != before.n ||
            memcmp(p.octet, before.octet, p.n) != 0 || memcmp(&s, stream, sizeof s) != 0)
            return false;
    }
    return true;
}

static void
one_srtp(const struct rf_srtp_suite *suite, bool has_mki)
{
    struct rf_srtp_key key = key_of(suite, has_mki, RF_SRTP_CLEAR_RTP);
    struct rf_srtp_ctx *near = ctx_of(&key), *far = ctx_of(&key);
    struct rf_srtp_stream tx = { .roc = 5 }, rx = { .roc = 5 }, blank = { .roc = 5 };
    struct rf_srtp_session_keys session;
    bool is_plain = true, opens = true, is_once = true, guarded;
    struct packet sealed[6], opened;

    if (rf_srtp_kdf(suite, key.key, key.salt, false, &session) != RF_OK)
        exit(ok(false, "session keys"));
    for (uint16_t i = 0; i < 6; i++) { /* over the wrap: the tag is made with the next ROC */
        uint16_t seq = (uint16_t)(65533 + i);
        struct packet plain = rtp(seq), p = plain;
        uint8_t tag[20];
        size_t mki_octets = has_mki ? 4 : 0;

        tag_of(session.rtp.auth, &plain, seq > 60000 ? 5 : 6, tag);
        is_plain = run(rf_srtp_protect, near, &tx, &p, false) == RF_OK && is_plain &&
                   p.n == plain.n + mki_octets + suite->srtp_tag && memcmp(p.octet, plain.octet, plain.n) == 0 &&
                   memcmp(p.octet + plain.n, key.mki, mki_octets) == 0 &&
                   memcmp(p.octet + plain.n + mki_octets, tag, suite->srtp_tag) == 0;
        sealed[i] = opened = p;
        opens = run(rf_srtp_unprotect, far, &rx, &opened, false) == RF_OK && opens && opened.n == plain.n &&
                memcmp(opened.octet, plain.octet, plain.n) == 0;
    }
    for (size_t i = 0; i < 6; i++)
        is_once = run(rf_srtp_unprotect, far, &rx, &sealed[i], false) == RF_ERR_REPLAY && is_once;
    opened = rtp(0); /* a number that was used */
    is_once = run(rf_srtp_protect, near, &tx, &opened, false) == RF_ERR_REPLAY && is_once;
    guarded = is_guarded(far, &blank, &sealed[0], false);
    ok(is_plain, "TEL-29 %s%s: the packet as it was, MKI, and the tag of OpenSSL's HMAC", suite->name,
       has_mki ? " with MKI" : "");
    ok(opens && rx.roc == 6 && rx.s_l == 2, "and it is taken, over the wrap");
    ok(is_once, "TEL-25: each once");
    ok(guarded, "TEL-26: whatever is changed in it is seen");
    rf_srtp_ctx_free(near);
    rf_srtp_ctx_free(far);
}

/* Several in one call, with packets of another key that encrypts between them. */
static void
one_batch(void)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(RF_SPAN_LIT("AES_CM_128_HMAC_SHA1_80"));
    struct rf_srtp_key key[2] = { key_of(suite, false, RF_SRTP_CLEAR_RTP), key_of(suite, false, 0) };
    struct rf_srtp_ctx *ctx[2] = { ctx_of(&key[0]), ctx_of(&key[1]) };
    struct rf_srtp_stream tx[2] = { 0 }, rx[2] = { 0 };
    struct packet p[64], plain[64];
    struct rf_srtp_job jobs[64];
    bool good = true;

    for (size_t i = 0; i < 64; i++) {
        p[i] = plain[i] = rtp((uint16_t)(i / 2));
        jobs[i] = (struct rf_srtp_job){ .ctx = ctx[i % 2], .stream = &tx[i % 2], .packet = p[i].octet,
                                        .octets = p[i].n, .room = ROOM };
    }
    rf_srtp_protect(jobs, 64);
    for (size_t i = 0; i < 64; i++) {
        good = good && jobs[i].result == RF_OK && (memcmp(p[i].octet, plain[i].octet, 172) == 0) == (i % 2 == 0);
        jobs[i].stream = &rx[i % 2];
    }
    rf_srtp_unprotect(jobs, 64);
    for (size_t i = 0; i < 64; i++)
        good = good && jobs[i].result == RF_OK && jobs[i].octets == 172 && memcmp(p[i].octet, plain[i].octet, 172) == 0;
    ok(good, "TEL-29: in one batch with packets that are encrypted, each as its key says");
    rf_srtp_ctx_free(ctx[0]);
    rf_srtp_ctx_free(ctx[1]);
}

static size_t
word_at(const struct rf_srtp_suite *suite)
{
    return 28 + (suite->cipher == RF_CIPHER_AES_GCM ? suite->srtcp_tag : 0u);
}

static void
one_srtcp(const struct rf_srtp_suite *suite, bool has_mki)
{
    struct rf_srtp_key key = key_of(suite, has_mki, RF_SRTP_CLEAR_RTCP), as_usual = key;
    struct rf_srtp_ctx *clear = ctx_of(&key), *encrypts;
    struct rf_srtp_stream tx = { .rtcp_reserved = 300 }, rx = { 0 }, blank = { 0 }, usual_tx = { .rtcp_reserved = 300 };
    struct packet plain = rtcp(), p = plain, other = plain, opened, before;
    struct rf_srtp_session_keys session;
    size_t mki_octets = has_mki ? 4 : 0;
    uint8_t tag[20];

    as_usual.clear = 0;
    encrypts = ctx_of(&as_usual);
    if (rf_srtp_kdf(suite, key.key, key.salt, false, &session) != RF_OK)
        exit(ok(false, "session keys"));
    tag_of(session.rtcp.auth, &plain, 300, tag);
    ok(run(rf_srtp_protect, clear, &tx, &p, true) == RF_OK && p.n == 28 + 4 + mki_octets + suite->srtcp_tag &&
           memcmp(p.octet, plain.octet, 28) == 0 && rf_get32(p.octet + word_at(suite)) == 300 &&
           (suite->cipher == RF_CIPHER_AES_GCM || memcmp(p.octet + 32 + mki_octets, tag, suite->srtcp_tag) == 0),
       "TEL-29 %s%s: SRTCP as it was, its E bit 0, its tag that of %s", suite->name, has_mki ? " with MKI" : "",
       suite->cipher == RF_CIPHER_AES_GCM ? "the vectors" : "OpenSSL's HMAC");
    opened = p;
    ok(run(rf_srtp_unprotect, clear, &rx, &opened, true) == RF_OK && opened.n == 28 &&
           memcmp(opened.octet, plain.octet, 28) == 0 && rx.rtcp_index == 300,
       "and it is taken");
    opened = p;
    ok(run(rf_srtp_unprotect, clear, &rx, &opened, true) == RF_ERR_REPLAY, "TEL-25: once");
    ok(suite->has_null_auth || is_guarded(clear, &blank, &p, true), "TEL-26: whatever is changed in it is seen");

    /* RFC 4568 6: the E bit must not override what was negotiated, either way. */
    before = p;
    ok(run(rf_srtp_unprotect, encrypts, &blank, &p, true) == RF_ERR_REFUSED && p.n == before.n &&
           memcmp(p.octet, before.octet, p.n) == 0,
       "not where it was not negotiated");
    if (run(rf_srtp_protect, encrypts, &usual_tx, &other, true) != RF_OK ||
        (other.octet[word_at(suite)] & E_BIT) == 0)
        exit(ok(false, "SRTCP as usual"));
    before = other;
    ok(run(rf_srtp_unprotect, clear, &blank, &other, true) == RF_ERR_REFUSED && other.n == before.n &&
           memcmp(other.octet, before.octet, other.n) == 0 && !blank.rtcp_is_started && !blank.is_started,
       "nor encrypted SRTCP where UNENCRYPTED_SRTCP was negotiated: nothing of both is remembered");
    rf_srtp_ctx_free(clear);
    rf_srtp_ctx_free(encrypts);
}

/* One parameter says nothing of the other kind of packet. */
static void
one_each(const struct rf_srtp_suite *suite)
{
    struct rf_srtp_key key = key_of(suite, false, RF_SRTP_CLEAR_RTP);
    struct rf_srtp_ctx *ctx = ctx_of(&key);
    struct rf_srtp_stream tx = { 0 };
    struct packet a = rtcp(), b = rtp(1);

    ok(run(rf_srtp_protect, ctx, &tx, &a, true) == RF_OK && memcmp(a.octet + 8, rtcp().octet + 8, 20) != 0 &&
           (a.octet[word_at(suite)] & E_BIT) != 0,
       "%s: with UNENCRYPTED_SRTP alone SRTCP is encrypted", suite->name);
    rf_srtp_ctx_free(ctx);
    key.clear = RF_SRTP_CLEAR_RTCP;
    ctx = ctx_of(&key);
    ok(run(rf_srtp_protect, ctx, &tx, &b, false) == RF_OK && memcmp(b.octet + 12, rtp(1).octet + 12, 160) != 0,
       "with UNENCRYPTED_SRTCP alone SRTP is");
    rf_srtp_ctx_free(ctx);
}

static void
all_with(const char *backend)
{
    if (rf_srtp_init(backend) != RF_OK) {
        diag("%s is not here", backend);
        return;
    }
    diag("%s", rf_srtp_backend());
    for (unsigned id = 1; id <= rf_srtp_suite_count(); id++) {
        const struct rf_srtp_suite *suite = rf_srtp_suite(id);
        struct rf_srtp_key key = key_of(suite, false, RF_SRTP_CLEAR_RTP);
        struct rf_srtp_ctx *ctx = NULL;

        if (suite->has_null_cipher)
            continue; /* nothing to leave out; vectors_test.c */
        one_srtcp(suite, false);
        one_srtcp(suite, true);
        if (suite->cipher == RF_CIPHER_AES_GCM || suite->has_null_auth) {
            ok(rf_srtp_ctx_new(&ctx, &key, NULL) == RF_ERR_RANGE && ctx == NULL,
               "TEL-29: there is no %s without encryption (RFC 7714 8.2)", suite->name);
            continue;
        }
        one_srtp(suite, false);
        one_srtp(suite, true);
        one_each(suite);
    }
    one_batch();
}

int
main(void)
{
    all_with("openssl");
    all_with("ipsec-mb");
    return tap_done();
}
