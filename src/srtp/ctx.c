/* srtp/ctx.c - contexts, streams, IVs, and the choice of the back end: see srtp.h */
#include "srtp/ctx.h"

#include <stdlib.h>

#include "base/secret.h"
#include "rtp/octets.h"
#include "srtp/kdf.h"
#include "srtp/window.h"

#define LIFETIME_MAX ((uint64_t)1 << 48) /* packets under one master key (RFC 3711 9.2) */
#define WINDOW_DEFAULT 128               /* packets (TEL-25) */
#define WINDOW_MIN 64                    /* RFC 3711 3.3.2 */

/* What encrypts SRTP packets: nothing where UNENCRYPTED_SRTP was negotiated; keys are derived all the same. */
static enum rf_srtp_cipher
rtp_cipher(const struct rf_srtp_suite *suite, const struct rf_srtp_key *key)
{
    return (key->clear & RF_SRTP_CLEAR_RTP) != 0 ? RF_CIPHER_NULL : suite->cipher;
}

static enum rf_err
session_fill(struct rf_srtp_session *s, const struct rf_srtp_suite *suite, const struct rf_srtp_key *key,
             bool old_aes192)
{
    struct rf_srtp_session_keys keys;
    enum rf_err err = rf_srtp_kdf(suite, key->key, key->salt, old_aes192, &keys);

    keys.rtp.cipher = rtp_cipher(suite, key);
    if (err == RF_OK)
        err = rf_seal_make((struct rf_seal *)(void *)s->seal, &keys.rtp);
    if (err == RF_OK) {
        memcpy(s->rtp_salt, keys.rtp.salt, sizeof keys.rtp.salt);
        memcpy(s->rtcp_salt, keys.rtcp.salt, sizeof keys.rtcp.salt);
        memcpy(s->rtcp_key, keys.rtcp.key, sizeof keys.rtcp.key);
        memcpy(s->rtcp_auth, keys.rtcp.auth, sizeof keys.rtcp.auth);
    }
    rf_wipe(&keys, sizeof keys);
    return err;
}

/* Zeroed, aligned memory whose last n octets are a session's and its seal's. */
static void *
zalloc_aligned(size_t n)
{
    void *p;

    n = (n + RF_SEAL_ALIGN - 1) & ~(size_t)(RF_SEAL_ALIGN - 1);
    p = aligned_alloc(RF_SEAL_ALIGN, n);
    if (p != NULL)
        memset(p, 0, n);
    return p;
}

enum rf_err
rf_srtp_ctx_new(struct rf_srtp_ctx **out, const struct rf_srtp_key *key, const struct rf_srtp_options *options)
{
    static const struct rf_srtp_options defaults;
    const struct rf_srtp_suite *suite = rf_srtp_suite(key->suite);
    const struct rf_srtp_options *o = options != NULL ? options : &defaults;
    struct rf_srtp_ctx *ctx;
    size_t session_octets;
    enum rf_err err;

    if (suite == NULL || !rf_srtp_suite_may_be_clear(suite, key->clear) || key->mki_octets > RF_SRTP_MKI_MAX ||
        (o->window != 0 && (o->window < WINDOW_MIN || o->window > RF_SRTP_RING)))
        return RF_ERR_RANGE;

    session_octets = sizeof(struct rf_srtp_session) + rf_seal_size(rtp_cipher(suite, key), suite->key_octets);
    ctx = zalloc_aligned(offsetof(struct rf_srtp_ctx, session) + session_octets);
    if (ctx == NULL)
        return RF_ERR_NOMEM;
    ctx->suite = suite;
    ctx->session_octets = (uint32_t)session_octets;
    ctx->lifetime = key->lifetime == 0 || key->lifetime > LIFETIME_MAX ? LIFETIME_MAX : key->lifetime;
    ctx->window = o->window != 0 ? o->window : WINDOW_DEFAULT;
    ctx->allow_quirks = o->allow_quirks;
    ctx->is_rtcp_clear = (key->clear & RF_SRTP_CLEAR_RTCP) != 0;
    ctx->keep_roc_try_zero = o->keep_roc_try_zero;
    ctx->bridge_gaps = o->bridge_gaps;
    ctx->serial = o->serial;

    err = session_fill(&ctx->session, suite, key, false);
    if (err)
        goto fail;
    if (suite->key_octets == 24 && (o->allow_quirks & RF_SRTP_QUIRK_AES192_OLD) != 0) {
        err = RF_ERR_NOMEM;
        ctx->old = zalloc_aligned(session_octets);
        if (ctx->old == NULL)
            goto fail;
        err = session_fill(ctx->old, suite, key, true);
        if (err)
            goto fail;
    }
    if (key->mki_octets > 0) {
        err = RF_ERR_NOMEM;
        ctx->mki = malloc(key->mki_octets);
        if (ctx->mki == NULL)
            goto fail;
        memcpy(ctx->mki, key->mki, key->mki_octets);
        ctx->mki_octets = key->mki_octets;
    }
    *out = ctx;
    return RF_OK;

fail:
    rf_srtp_ctx_free(ctx);
    return err;
}

void
rf_srtp_ctx_free(struct rf_srtp_ctx *ctx)
{
    size_t octets;

    if (ctx == NULL)
        return;
    octets = ctx->session_octets;
    if (ctx->old != NULL) {
        rf_seal_end((struct rf_seal *)(void *)ctx->old->seal);
        rf_wipe(ctx->old, octets);
        free(ctx->old);
    }
    free(ctx->mki);
    rf_seal_end((struct rf_seal *)(void *)ctx->session.seal);
    rf_wipe(ctx, offsetof(struct rf_srtp_ctx, session) + octets);
    free(ctx);
}

void
rf_srtp_stream_rekey(struct rf_srtp_stream *stream)
{
    stream->packets = 0;
    stream->rtcp_is_started = false;
    memset(stream->window, 0, sizeof stream->window);
    memset(stream->rtcp_window, 0, sizeof stream->rtcp_window);
}

void
rf_srtp_stream_follow(struct rf_srtp_stream *stream, const struct rf_srtp_stream *former)
{
    stream->shift = former->shift;
    stream->rtcp_reserved = former->rtcp_reserved;
    stream->has_former = former->is_started;
    stream->former_roc = former->roc;
    stream->former_s_l = former->s_l;
}

void
rf_srtp_stream_keep_roc(struct rf_srtp_stream *stream)
{
    int64_t index;

    if (!stream->has_former)
        return;
    stream->has_former = false;
    if (!stream->is_started) {
        stream->roc = stream->former_roc;
        stream->s_l = stream->former_s_l;
        stream->is_started = true;
        return;
    }
    /* Above everything that was sent under this key, so that the window may be empty. */
    index = rf_srtp_index_near(stream->former_roc, stream->former_s_l, stream->s_l);
    if (index >> 16 > stream->roc) {
        stream->roc = (uint32_t)(index >> 16);
        memset(stream->window, 0, sizeof stream->window);
    }
}

void
rf_srtp_stream_resume(struct rf_srtp_stream *stream)
{
    stream->rtcp_is_started = false;
}

void
rf_srtp_iv(const struct rf_srtp_suite *suite, const struct rf_srtp_session *s, const uint8_t *packet, int64_t index,
           uint8_t iv[static 16])
{
    uint32_t roc = (uint32_t)(index >> 16);

    if (suite->cipher == RF_CIPHER_AES_F8) {
        /* RFC 3711 4.1.2.2: 0x00 || M || PT || SEQ || TS || SSRC || ROC */
        iv[0] = 0;
        memcpy(iv + 1, packet + 1, 11);
        rf_set32(iv + 12, roc);
        return;
    }
    memcpy(iv, s->rtp_salt, 16);
    if (suite->cipher == RF_CIPHER_AES_GCM) {
        /* RFC 7714 8.1: 00 00 || SSRC || ROC || SEQ, XOR salt */
        for (size_t i = 0; i < 4; i++) {
            iv[2 + i] ^= packet[8 + i];
            iv[6 + i] ^= (uint8_t)(roc >> (24 - 8 * i));
        }
        iv[10] ^= packet[2];
        iv[11] ^= packet[3];
        return;
    }
    /* RFC 3711 4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16) */
    for (size_t i = 0; i < 4; i++) {
        iv[4 + i] ^= packet[8 + i];
        iv[8 + i] ^= (uint8_t)(roc >> (24 - 8 * i));
    }
    iv[12] ^= packet[2];
    iv[13] ^= packet[3];
}

void
rf_srtcp_iv(const struct rf_srtp_suite *suite, const struct rf_srtp_session *s, const uint8_t *packet,
            uint32_t word, uint8_t iv[static 16])
{
    uint32_t index = word & 0x7fffffff;
    size_t ssrc_at = suite->cipher == RF_CIPHER_AES_GCM ? 2 : 4;
    size_t index_at = suite->cipher == RF_CIPHER_AES_GCM ? 8 : 10; /* RFC 7714 9.1; RFC 3711 4.1.1 */

    if (suite->cipher == RF_CIPHER_AES_F8) {
        /* RFC 3711 4.1.2.3: 0..0 || E || index || first 8 octets of the packet */
        memset(iv, 0, 4);
        rf_set32(iv + 4, word);
        memcpy(iv + 8, packet, 8);
        return;
    }
    memcpy(iv, s->rtcp_salt, 16);
    for (size_t i = 0; i < 4; i++) {
        iv[ssrc_at + i] ^= packet[4 + i];
        iv[index_at + i] ^= (uint8_t)(index >> (24 - 8 * i));
    }
}

enum rf_err
rf_srtp_init(const char *want)
{
    return rf_seal_init(want);
}

const char *
rf_srtp_backend(void)
{
    return rf_seal_backend();
}
