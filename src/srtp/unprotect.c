/*
 * srtp/unprotect.c - SRTP to RTP: window, authenticate, decrypt, and only then mark (RFC 3711 3.3)
 *
 * (I1) The stream changes in accept() alone, and accept() is reached only by a packet whose tag was right (or
 *      whose suite has none).
 * (I2) Tags of a batch are computed at once, but judged one after the other in the order of arrival, each against
 *      the stream as the ones before left it: a replay, or the wrap of the sequence number, within one batch comes
 *      out as it would one at a time.
 * (I3) A packet that is refused is given back as it came.
 */
#include "base/secret.h"
#include "rtp/octets.h"
#include "rtp/rtp.h"
#include "srtp/ctx.h"
#include "srtp/window.h"

#define PACKET_MAX 65535 /* octets of a UDP datagram */

/* What is known of a packet between the passes over a batch. */
struct item {
    struct rf_seal_job work;
    const struct rf_srtp_session *session; /* that the tag was computed with */
    int64_t index;                         /* that it was computed for */
    uint32_t header_octets, body_octets;   /* body: header and payload, without MKI and tag */
    uint32_t ssrc;
    uint16_t seq;
    bool is_hashed;
    uint8_t tag[16];                       /* as received */
    uint8_t under_roc[4];                  /* what stood where the ROC is written for the hash */
};

/* Where an index may lie. Several only until the first packet of a key is accepted, and after a long silence. */
struct candidates {
    int64_t index[4];
    size_t n;
};

/* A key under which this stream has had no packet yet, though it had some under another. */
static bool
is_rekeyed(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *s)
{
    return s->is_started && ctx->keep_roc_try_zero && (s->packets == 0 || ctx->serial > s->key);
}

static struct candidates
indices(const struct rf_srtp_job *job, uint16_t seq)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    const struct rf_srtp_stream *s = job->stream;
    struct candidates c = { .n = 1 };

    if (!s->is_started) {
        c.index[0] = (int64_t)s->roc << 16 | seq;
        /* The sender may have wrapped before its first packet reached us (SEQ starts anywhere, RFC 3550 5.1). */
        if (seq < 0x8000)
            c.index[c.n++] = ((int64_t)s->roc + 1) << 16 | seq;
        /* A ROC that was only expected: it may have begun at 0 as well. */
        if (s->roc > 0 && ctx->keep_roc_try_zero)
            c.index[c.n++] = seq;
        if (s->roc > 0 && ctx->keep_roc_try_zero && seq < 0x8000)
            c.index[c.n++] = 0x10000 + (int64_t)seq;
        return c;
    }
    c.index[0] = rf_srtp_index_near(s->roc, s->s_l, seq);
    if (is_rekeyed(ctx, s)) {
        /* TEL-40: some peers start their ROC anew with a new key, and may have wrapped since. */
        c.index[c.n++] = seq;
        if (seq < 0x8000 && s->s_l >= 0x8000)
            c.index[c.n++] = 0x10000 + (int64_t)seq;
    } else if (job->after_silence) {
        c.index[c.n++] = c.index[0] + 0x10000;
    }
    return c;
}

/* Under a new key nothing has been taken: the first packet accepted sets the place, wherever it is. */
static bool
sets_the_place(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *s)
{
    return !s->is_started || is_rekeyed(ctx, s);
}

static enum rf_err
look(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *s, int64_t index)
{
    if (index < 0 || index >= (int64_t)1 << 48)
        return RF_ERR_STALE;
    if (sets_the_place(ctx, s))
        return RF_OK;
    return rf_window_look(s->window, rf_srtp_highest(s), index, ctx->window);
}

/* What the first packet under another key says of the peer's ROC, if it could be another one (TEL-40). */
static uint8_t
roc_choice(const struct rf_srtp_stream *s, const struct item *it)
{
    if (s->roc == 0)
        return s->quirks;
    return (uint8_t)((s->quirks & ~(RF_SRTP_QUIRK_ROC_KEPT | RF_SRTP_QUIRK_ROC_RESET)) |
                     (it->index == rf_srtp_index_near(s->roc, s->s_l, it->seq) ? RF_SRTP_QUIRK_ROC_KEPT
                                                                                : RF_SRTP_QUIRK_ROC_RESET));
}

/* (I1) */
static void
accept(const struct rf_srtp_ctx *ctx, struct rf_srtp_stream *s, const struct item *it)
{
    int64_t highest = rf_srtp_highest(s);

    if (!s->is_started) {
        highest = it->index;
    } else if (is_rekeyed(ctx, s)) {
        s->quirks = roc_choice(s, it);
        /* The window goes on if the numbers do: the keys before stay good with it. Elsewhere it begins anew. */
        if (it->index != rf_srtp_index_near(s->roc, s->s_l, it->seq) ||
            rf_window_look(s->window, highest, it->index, ctx->window) != RF_OK) {
            memset(s->window, 0, sizeof s->window);
            s->key_floor = ctx->serial;
            highest = it->index;
        }
    }
    if (ctx->serial > s->key) {
        s->key = ctx->serial;
        s->packets = 0;
    }
    rf_window_take(s->window, highest, it->index);
    if (it->index >= highest) {
        s->roc = (uint32_t)(it->index >> 16);
        s->s_l = it->seq;
    }
    s->ssrc = it->ssrc;
    s->is_started = true;
    s->packets++;
    if (it->session == ctx->old)
        s->quirks |= RF_SRTP_QUIRK_AES192_OLD;
    else
        s->quirks &= (uint8_t)~RF_SRTP_QUIRK_AES192_OLD;
}

/* Header, trailer and stream, without any cryptography. */
static enum rf_err
examine(const struct rf_srtp_job *job, struct item *it)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    const struct rf_srtp_stream *s = job->stream;
    size_t tag_octets = ctx->suite->srtp_tag, trailer = tag_octets + ctx->mki_octets;
    const uint8_t *end;
    struct rf_rtp h;

    if (job->octets > PACKET_MAX || job->octets < trailer ||
        rf_rtp_parse(job->packet, job->octets - trailer, &h) != RF_OK)
        return RF_ERR_SYNTAX;
    if ((s->is_started || s->rtcp_is_started) && s->ssrc != h.ssrc)
        return RF_ERR_STATE;

    it->header_octets = h.header_octets;
    it->body_octets = (uint32_t)(job->octets - trailer);
    it->seq = h.seq;
    it->ssrc = h.ssrc;
    it->is_hashed = false;
    end = job->packet + it->body_octets;
    if (ctx->suite->cipher == RF_CIPHER_AES_GCM) {
        memcpy(it->tag, end, tag_octets);
        end += tag_octets;
    } else {
        memcpy(it->tag, end + ctx->mki_octets, tag_octets);
    }
    if (ctx->mki_octets > 0 && memcmp(end, ctx->mki, ctx->mki_octets) != 0)
        return RF_ERR_AUTH;
    it->session = rf_srtp_session_of(ctx, s);
    it->index = indices(job, h.seq).index[0];
    return RF_OK;
}

static void
work_cipher(const struct rf_srtp_job *job, struct item *it)
{
    it->work.seal = rf_srtp_seal(it->session);
    it->work.failed = false;
    it->work.data = job->packet + it->header_octets;
    it->work.octets = it->body_octets - it->header_octets;
    rf_srtp_iv(job->ctx->suite, it->session, job->packet, it->index, it->work.iv);
}

/* Writes the ROC behind the body for the time of hashing (RFC 3711 4.2). */
static void
hash_begin(const struct rf_srtp_job *job, struct item *it)
{
    it->work.seal = rf_srtp_seal(it->session);
    it->work.failed = false;
    it->work.auth = job->packet;
    it->work.auth_octets = it->body_octets + 4;
    memcpy(it->under_roc, job->packet + it->body_octets, 4);
    rf_set32(job->packet + it->body_octets, (uint32_t)(it->index >> 16));
    it->is_hashed = true;
}

static enum rf_err
hash_end(const struct rf_srtp_job *job, const struct item *it)
{
    memcpy(job->packet + it->body_octets, it->under_roc, 4);
    if (it->work.failed)
        return RF_ERR_CRYPTO;
    return rf_octets_eq(it->work.tag, it->tag, job->ctx->suite->srtp_tag) ? RF_OK : RF_ERR_AUTH;
}

/* Authenticate for the session and index in *it: alone, not in a batch. GCM decrypts at the same time. */
static enum rf_err
authenticate(const struct rf_srtp_job *job, struct item *it)
{
    struct rf_seal_job *work = &it->work;

    if (job->ctx->suite->cipher == RF_CIPHER_AES_GCM) {
        work_cipher(job, it);
        work->auth = job->packet;
        work->auth_octets = it->header_octets;
        memcpy(work->tag, it->tag, sizeof it->tag);
        return rf_seal_gcm_open(work, job->ctx->suite->srtp_tag);
    }
    if (job->ctx->suite->srtp_tag == 0)
        return RF_OK;
    hash_begin(job, it);
    rf_seal_hmac(&work, 1);
    return hash_end(job, it);
}

/*
 * The tag did not fit where we first looked. Try what else it may have been made with: the place as it is now
 * that earlier packets of the batch are through (I2), other ROCs, and the other AES-192 derivation.
 */
static enum rf_err
try_others(const struct rf_srtp_job *job, struct item *it)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    const struct rf_srtp_stream *s = job->stream;
    const struct rf_srtp_session *first = it->session, *session[2] = { rf_srtp_session_of(ctx, s), NULL };
    struct candidates c = indices(job, it->seq);
    int64_t first_index = it->index;
    enum rf_err err = RF_ERR_AUTH;

    if (ctx->old != NULL && !job->is_derivation_known && rf_srtp_is_unsettled(ctx, s))
        session[1] = session[0] == ctx->old ? &ctx->session : ctx->old;
    for (size_t k = 0; k < 2 && session[k] != NULL; k++) {
        for (size_t i = 0; i < c.n; i++) {
            if (session[k] == first && c.index[i] == first_index)
                continue;
            it->session = session[k];
            it->index = c.index[i];
            if (look(ctx, s, it->index) != RF_OK)
                continue;
            err = authenticate(job, it);
            if (err != RF_ERR_AUTH)
                return err;
        }
    }
    return RF_ERR_AUTH;
}

/* What must hold of the stream before a tag is looked at. */
static enum rf_err
may_judge(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *s, const struct item *it)
{
    if ((s->is_started || s->rtcp_is_started) && s->ssrc != it->ssrc)
        return RF_ERR_STATE;
    if (s->is_started && ctx->serial < s->key_floor)
        return RF_ERR_STALE;
    return s->packets >= ctx->lifetime && ctx->serial <= s->key ? RF_ERR_REFUSED : RF_OK;
}

/* The verdict where we look first. A tag that the batch computed counts if we would still look there (I2). */
static enum rf_err
first_verdict(struct rf_srtp_job *job, struct item *it)
{
    struct rf_srtp_stream *s = job->stream;
    const struct rf_srtp_session *session = rf_srtp_session_of(job->ctx, s);
    int64_t index = indices(job, it->seq).index[0];
    enum rf_err tag = it->is_hashed ? hash_end(job, it) : RF_ERR_AGAIN, err = may_judge(job->ctx, s, it);
    bool is_current = it->is_hashed && it->session == session && it->index == index;

    if (err)
        return err;
    it->session = session;
    it->index = index;
    err = look(job->ctx, s, index);
    if (err != RF_OK) /* while several places are open the first guess may well look stale */
        return sets_the_place(job->ctx, s) || (job->after_silence && err == RF_ERR_STALE) ? RF_ERR_AUTH : err;
    return is_current ? tag : authenticate(job, it);
}

/* One packet in its turn (I2). On RF_OK it is accepted and, unless GCM did that, waits to be decrypted. */
static enum rf_err
judge(struct rf_srtp_job *job, struct item *it)
{
    enum rf_err err = first_verdict(job, it);

    if (err == RF_ERR_AUTH)
        err = try_others(job, it);
    if (err == RF_OK)
        accept(job->ctx, job->stream, it);
    return err;
}

static void
unprotect_batch(struct rf_srtp_job *jobs, size_t n)
{
    struct item items[RF_SEAL_BATCH];
    struct rf_seal_job *list[RF_SEAL_BATCH];
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        const struct rf_srtp_suite *suite = jobs[i].ctx->suite;

        if (i + RF_SRTP_PREFETCH < n)
            rf_srtp_prefetch(&jobs[i + RF_SRTP_PREFETCH]);
        jobs[i].result = RF_OK;
        if (jobs[i].is_rtcp)
            continue;
        jobs[i].result = examine(&jobs[i], &items[i]);
        /* What the window refuses now is looked at again in its turn, and hashed only if it passes then. */
        if (jobs[i].result == RF_OK && suite->cipher != RF_CIPHER_AES_GCM && suite->srtp_tag > 0 &&
            look(jobs[i].ctx, jobs[i].stream, items[i].index) == RF_OK) {
            hash_begin(&jobs[i], &items[i]);
            list[count++] = &items[i].work;
        }
    }
    rf_seal_hmac(list, count);

    count = 0;
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].is_rtcp) {
            jobs[i].result = rf_srtcp_unprotect(&jobs[i]);
            continue;
        }
        if (jobs[i].result == RF_OK)
            jobs[i].result = judge(&jobs[i], &items[i]);
        if (jobs[i].result == RF_OK && jobs[i].ctx->suite->cipher != RF_CIPHER_AES_GCM) {
            work_cipher(&jobs[i], &items[i]);
            list[count++] = &items[i].work;
        }
    }
    rf_seal_cipher(list, count);
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].is_rtcp || jobs[i].result != RF_OK)
            continue;
        if (items[i].work.failed)
            jobs[i].result = RF_ERR_CRYPTO;
        else
            jobs[i].octets = items[i].body_octets;
    }
}

void
rf_srtp_unprotect(struct rf_srtp_job *jobs, size_t n)
{
    for (size_t at = 0; at < n; at += RF_SEAL_BATCH)
        unprotect_batch(jobs + at, n - at < RF_SEAL_BATCH ? n - at : RF_SEAL_BATCH);
}
