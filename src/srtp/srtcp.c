/*
 * srtp/srtcp.c - RTCP to SRTCP and back (RFC 3711 3.4, RFC 7714 9)
 *
 * RTCP comes every few seconds, so packets are done one at a time with keys that are expanded each time.
 *
 *   HMAC   header (8) | encrypted | E, index (4) | MKI | tag
 *   GCM    header (8) | encrypted, tag | E, index (4) | MKI
 *
 * (I1) An index is used once: rtcp_reserved is above it before it is used.
 * (I2) The stream changes only when a packet was authenticated; a refused packet is given back as it came.
 */
#include "base/secret.h"
#include "crypto/aes.h"
#include "crypto/digest.h"
#include "rtp/octets.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"
#include "srtp/ctx.h"
#include "srtp/window.h"

#define HEADER_OCTETS 8
#define INDEX_OCTETS  4
#define PACKET_MAX    65535 /* octets of a UDP datagram */
#define E_BIT         0x80000000u
#define INDEX_END     0x80000000u /* 31 bits */

/* Indices that are reserved at a time. RTCP comes every 5 s (RFC 3550 6.2): a process that dies loses 5 minutes of
 * the 2^31 there are. */
#define RESERVE 64

/* Is the E bit as RFC 4568 6.3.2 wants it? One session parameter says it for all packets, and the E bit must not say
 * otherwise (6). The suites without a cipher have no opinion. */
static bool
is_as_negotiated(const struct rf_srtp_ctx *ctx, uint32_t word)
{
    return ctx->suite->cipher == RF_CIPHER_NULL || ((word & E_BIT) == 0) == ctx->is_rtcp_clear;
}

/* Counter mode or f8; nothing for the null cipher. */
static enum rf_err
crypt(const struct rf_srtp_suite *suite, const struct rf_srtp_session *session, uint8_t *packet, size_t body_octets,
      uint32_t word)
{
    uint8_t iv[16];

    if (suite->cipher == RF_CIPHER_NULL || (word & E_BIT) == 0)
        return RF_OK;
    rf_srtcp_iv(suite, session, packet, word, iv);
    if (suite->cipher == RF_CIPHER_AES_F8)
        return rf_aes_f8(session->rtcp_key, session->rtcp_salt, suite->salt_octets, iv, packet + HEADER_OCTETS,
                         body_octets - HEADER_OCTETS);
    return rf_aes_ctr(session->rtcp_key, suite->key_octets, iv, packet + HEADER_OCTETS,
                      body_octets - HEADER_OCTETS);
}

/* What GCM authenticates besides: header and E, index; without the E bit all of the packet (RFC 7714 9.2, 9.3). */
static struct rf_gcm
gcm(const struct rf_srtp_suite *suite, const struct rf_srtp_session *session, uint8_t *packet, size_t body_octets,
    const uint8_t *word_at, const uint8_t *iv)
{
    bool is_encrypted = (rf_get32(word_at) & E_BIT) != 0;

    return (struct rf_gcm){ .key = session->rtcp_key,
                            .key_octets = suite->key_octets,
                            .nonce = iv,
                            .aad = { packet, word_at },
                            .aad_octets = { is_encrypted ? HEADER_OCTETS : body_octets, INDEX_OCTETS },
                            .data = packet + HEADER_OCTETS,
                            .octets = is_encrypted ? body_octets - HEADER_OCTETS : 0 };
}

static enum rf_err
hmac(const struct rf_srtp_session *session, const uint8_t *packet, size_t n, uint8_t tag[static RF_MD_MAX])
{
    struct rf_span part = rf_span(packet, n);

    return rf_hmac(RF_MD_SHA1, rf_span(session->rtcp_auth, sizeof session->rtcp_auth), &part, 1, tag);
}

static bool
is_rtcp(const uint8_t *packet, size_t n)
{
    return n >= HEADER_OCTETS && rf_packet_kind(packet, n) == RF_PACKET_RTCP;
}

/* (I1) */
static enum rf_err
take_index(const struct rf_srtp_ctx *ctx, struct rf_srtp_stream *s, uint32_t ssrc, uint32_t *out)
{
    uint32_t index = s->rtcp_is_started ? s->rtcp_index + 1 : s->rtcp_reserved;

    if ((s->is_started || s->rtcp_is_started) && s->ssrc != ssrc)
        return RF_ERR_STATE;
    if (index >= INDEX_END || index >= ctx->lifetime)
        return RF_ERR_REFUSED;
    if (index >= s->rtcp_reserved)
        s->rtcp_reserved = index < INDEX_END - RESERVE ? index + RESERVE : INDEX_END;
    s->rtcp_index = index;
    s->ssrc = ssrc;
    s->rtcp_is_started = true;
    *out = index;
    return RF_OK;
}

enum rf_err
rf_srtcp_protect(struct rf_srtp_job *job)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    const struct rf_srtp_suite *suite = ctx->suite;
    const struct rf_srtp_session *session = rf_srtp_session_of(ctx, job->stream);
    uint8_t *p = job->packet, *word_at, *mki_at, *tag_at, tag[RF_MD_MAX], iv[16];
    size_t body_octets = job->octets, trailer = INDEX_OCTETS + (size_t)ctx->mki_octets + suite->srtcp_tag;
    uint32_t index, word;
    enum rf_err err;

    if (body_octets > PACKET_MAX || !is_rtcp(p, body_octets))
        return RF_ERR_SYNTAX;
    if (job->room < body_octets || job->room - body_octets < trailer)
        return RF_ERR_RANGE;
    err = take_index(ctx, job->stream, rf_get32(p + 4), &index);
    if (err)
        return err;
    word = index | (suite->cipher == RF_CIPHER_NULL || ctx->is_rtcp_clear ? 0 : E_BIT);

    if (suite->cipher == RF_CIPHER_AES_GCM) {
        struct rf_gcm g;

        tag_at = p + body_octets;
        word_at = tag_at + suite->srtcp_tag;
        mki_at = word_at + INDEX_OCTETS;
        rf_set32(word_at, word);
        rf_srtcp_iv(suite, session, p, word, iv);
        g = gcm(suite, session, p, body_octets, word_at, iv);
        err = rf_gcm_seal(&g, tag);
    } else {
        word_at = p + body_octets;
        mki_at = word_at + INDEX_OCTETS;
        tag_at = mki_at + ctx->mki_octets;
        rf_set32(word_at, word);
        err = crypt(suite, session, p, body_octets, word);
        if (err == RF_OK && suite->srtcp_tag > 0)
            err = hmac(session, p, body_octets + INDEX_OCTETS, tag);
    }
    if (err)
        return err;
    memcpy(tag_at, tag, suite->srtcp_tag);
    if (ctx->mki_octets > 0)
        memcpy(mki_at, ctx->mki, ctx->mki_octets);
    job->octets = body_octets + trailer;
    return RF_OK;
}

/* A way to read a packet: the length of its tag and the derivation of its keys. */
struct reading {
    const struct rf_srtp_session *session;
    size_t tag_octets;
    uint8_t quirk; /* that explains the length, or 0 */
};

/* Nothing was accepted under this key or one after it. */
static bool
is_first(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *s)
{
    return !s->rtcp_is_started || ctx->serial > s->rtcp_key;
}

/*
 * The readings to try, best first. Until the first packet is accepted each that is allowed; then what was learnt.
 *
 *   _32 suites  the standard's 80-bit tag (RFC 4568 6.2.2), then 32 bits as FreeSWITCH, Asterisk and libre send
 *   NULL_AUTH   an 80-bit tag, which shows itself; then none, which nothing shows
 */
static size_t
readings(const struct rf_srtp_job *job, struct reading out[static 4])
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    const struct rf_srtp_stream *s = job->stream;
    const struct rf_srtp_suite *suite = ctx->suite;
    const struct rf_srtp_session *session[2] = { rf_srtp_session_of(ctx, s), NULL };
    struct reading standard = { .tag_octets = suite->srtcp_tag }, other = { 0 };
    bool is_open = is_first(ctx, s);
    size_t n = 0;

    if (ctx->old != NULL && !job->is_derivation_known && rf_srtp_is_unsettled(ctx, s))
        session[1] = session[0] == ctx->old ? &ctx->session : ctx->old;
    if (suite->has_null_auth)
        other = (struct reading){ .tag_octets = 10, .quirk = RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG };
    else if (suite->srtp_tag == 4)
        other = (struct reading){ .tag_octets = 4, .quirk = RF_SRTP_QUIRK_RTCP_TAG32 };
    if ((other.quirk & ctx->allow_quirks) == 0)
        other.quirk = 0;

    for (size_t k = 0; k < 2 && session[k] != NULL; k++) {
        bool has_learnt = (s->quirks & other.quirk) != 0;

        standard.session = other.session = session[k];
        if (other.quirk != 0 && (has_learnt || (is_open && suite->has_null_auth)))
            out[n++] = other;
        if (is_open || !has_learnt)
            out[n++] = standard;
        if (other.quirk != 0 && is_open && !has_learnt && !suite->has_null_auth)
            out[n++] = other;
    }
    return n;
}

/* Where the parts of a packet lie under one reading. */
struct parts {
    size_t body_octets;
    uint8_t *word_at, *mki_at, *tag_at;
};

static bool
lay_out(const struct rf_srtp_job *job, const struct reading *r, struct parts *out)
{
    size_t trailer = INDEX_OCTETS + (size_t)job->ctx->mki_octets + r->tag_octets;

    if (job->octets < HEADER_OCTETS + trailer)
        return false;
    out->body_octets = job->octets - trailer;
    if (job->ctx->suite->cipher == RF_CIPHER_AES_GCM) {
        out->tag_at = job->packet + out->body_octets;
        out->word_at = out->tag_at + r->tag_octets;
        out->mki_at = out->word_at + INDEX_OCTETS;
    } else {
        out->word_at = job->packet + out->body_octets;
        out->mki_at = out->word_at + INDEX_OCTETS;
        out->tag_at = out->mki_at + job->ctx->mki_octets;
    }
    return true;
}

/* Authenticate; with GCM that decrypts at the same time. */
static enum rf_err
authenticate(const struct rf_srtp_job *job, const struct reading *r, const struct parts *at)
{
    const struct rf_srtp_suite *suite = job->ctx->suite;
    uint8_t tag[RF_MD_MAX], iv[16];
    enum rf_err err;

    if (suite->cipher == RF_CIPHER_AES_GCM) {
        struct rf_gcm g;

        rf_srtcp_iv(suite, r->session, job->packet, rf_get32(at->word_at), iv);
        g = gcm(suite, r->session, job->packet, at->body_octets, at->word_at, iv);
        return rf_gcm_open(&g, at->tag_at, r->tag_octets);
    }
    if (r->tag_octets == 0)
        return RF_OK;
    err = hmac(r->session, job->packet, at->body_octets + INDEX_OCTETS, tag);
    if (err)
        return err;
    return rf_octets_eq(tag, at->tag_at, r->tag_octets) ? RF_OK : RF_ERR_AUTH;
}

/* Window, authenticate, decrypt under one reading. */
static enum rf_err
open_as(const struct rf_srtp_job *job, const struct reading *r, struct parts *at, uint32_t *index)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    const struct rf_srtp_stream *s = job->stream;
    struct rf_rtcp plain;
    uint32_t word;
    enum rf_err err;

    if (!lay_out(job, r, at))
        return RF_ERR_SYNTAX;
    if (ctx->mki_octets > 0 && memcmp(at->mki_at, ctx->mki, ctx->mki_octets) != 0)
        return RF_ERR_AUTH;
    word = rf_get32(at->word_at);
    *index = word & ~E_BIT;
    if (!is_first(ctx, s)) {
        err = rf_window_look(s->rtcp_window, s->rtcp_index, *index, ctx->window);
        if (err)
            return err;
    }
    /* Refused packets stay as they came: GCM would decrypt an encrypted one while it authenticates. */
    if (ctx->suite->cipher == RF_CIPHER_AES_GCM && (word & E_BIT) != 0 && !is_as_negotiated(ctx, word))
        return RF_ERR_REFUSED;
    err = authenticate(job, r, at);
    if (err)
        return err;
    if (!is_as_negotiated(ctx, word))
        return RF_ERR_REFUSED;
    if (ctx->suite->cipher == RF_CIPHER_AES_GCM)
        return RF_OK;
    err = crypt(ctx->suite, r->session, job->packet, at->body_octets, word);
    if (err == RF_OK && r->tag_octets == 0 && rf_rtcp_parse(job->packet, at->body_octets, &plain) != RF_OK) {
        /* Nothing vouches for it: that it reads as RTCP is the only sign. The key stream again puts it back. */
        err = crypt(ctx->suite, r->session, job->packet, at->body_octets, word);
        return err != RF_OK ? err : RF_ERR_AUTH;
    }
    return err;
}

enum rf_err
rf_srtcp_unprotect(struct rf_srtp_job *job)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    struct rf_srtp_stream *s = job->stream;
    struct reading reading[4];
    struct parts at;
    uint32_t index = 0, ssrc;
    enum rf_err err = RF_ERR_SYNTAX, first = RF_OK;
    size_t n, k;

    if (job->octets > PACKET_MAX || !is_rtcp(job->packet, job->octets))
        return RF_ERR_SYNTAX;
    ssrc = rf_get32(job->packet + 4);
    if ((s->is_started || s->rtcp_is_started) && s->ssrc != ssrc)
        return RF_ERR_STATE;
    if (s->rtcp_is_started && ctx->serial < s->rtcp_key_floor)
        return RF_ERR_STALE;

    n = readings(job, reading);
    for (k = 0; k < n; k++) {
        err = open_as(job, &reading[k], &at, &index);
        if (err == RF_OK || err == RF_ERR_CRYPTO)
            break;
        /* The reading that came furthest says why. */
        if (first == RF_OK || first == RF_ERR_SYNTAX || err == RF_ERR_REFUSED)
            first = err;
    }
    if (err != RF_OK)
        return err == RF_ERR_CRYPTO ? err : first;

    if (is_first(ctx, s)) {
        s->quirks &= (uint8_t)~(RF_SRTP_QUIRK_RTCP_TAG32 | RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG);
        /* One window for all keys while the indices go on; else it begins anew, and the keys before are over. */
        if (!s->rtcp_is_started ||
            rf_window_look(s->rtcp_window, s->rtcp_index, index, ctx->window) != RF_OK) {
            memset(s->rtcp_window, 0, sizeof s->rtcp_window);
            s->rtcp_index = index;
            s->rtcp_key_floor = ctx->serial;
        }
        s->rtcp_key = ctx->serial;
    }
    rf_window_take(s->rtcp_window, s->rtcp_index, index);
    if (index > s->rtcp_index)
        s->rtcp_index = index;
    s->quirks |= reading[k].quirk;
    if (reading[k].session == ctx->old)
        s->quirks |= RF_SRTP_QUIRK_AES192_OLD;
    else
        s->quirks &= (uint8_t)~RF_SRTP_QUIRK_AES192_OLD;
    s->ssrc = ssrc;
    s->rtcp_is_started = true;
    job->octets = at.body_octets;
    return RF_OK;
}
