/*
 * srtp/protect.c - RTP to SRTP: index, window, encrypt, authenticate
 *
 * (I1) An index is taken in the stream before anything is encrypted with it, so that neither an error nor the end
 *      of the process can lead to its second use: under GCM that would give the authentication key away.
 * (I2) Nothing is taken for a packet that is refused.
 */
/*
 * Numbers that others gave (bridge_gaps). We send on what a source numbered, under a key and SSRC that outlast it: it
 * may begin anew with a random number (RFC 3550 5.1), or go on after a hold in which it counted and we sent nothing.
 * Receivers take half of all such jumps for old packets and drop them, for up to 32768 packets: 11 minutes of silence.
 * So a number behind the window is followed if the next one follows it, as RFC 3550 A.1 does, and those from there on
 * are shifted to go on from the highest that was sent.
 */
#include "rtp/octets.h"
#include "rtp/rtp.h"
#include "srtp/ctx.h"
#include "srtp/window.h"

#define PACKET_MAX 65535 /* octets: a UDP datagram, and far below the 2^16 blocks of one index (RFC 3711 9.2) */
#define INDEX_END  ((int64_t)1 << 48)

/* A number that is refused as too old: is it the second in sequence? */
static bool
follows_gap(const struct rf_srtp_ctx *ctx, struct rf_srtp_stream *s, uint16_t seq)
{
    if (!ctx->bridge_gaps)
        return false;
    if (s->gap_seen && seq == s->gap_next)
        return true;
    s->gap_seen = true;
    s->gap_next = (uint16_t)(seq + 1);
    return false;
}

/* The index of a packet to send, now taken. */
static enum rf_err
take_index(const struct rf_srtp_ctx *ctx, struct rf_srtp_stream *s, const struct rf_rtp *h, int64_t *index)
{
    int64_t highest = rf_srtp_highest(s);
    uint16_t seq = (uint16_t)(h->seq + s->shift);
    enum rf_err err;

    if (s->packets >= ctx->lifetime)
        return RF_ERR_REFUSED;
    if (!s->is_started) {
        if (s->rtcp_is_started && s->ssrc != h->ssrc)
            return RF_ERR_STATE;
        *index = (int64_t)s->roc << 16 | seq;
        highest = *index;
    } else {
        if (s->ssrc != h->ssrc)
            return RF_ERR_STATE;
        *index = rf_srtp_index_near(s->roc, s->s_l, seq);
        err = rf_window_look(s->window, highest, *index, ctx->window);
        if (err == RF_ERR_STALE && follows_gap(ctx, s, h->seq)) {
            seq = (uint16_t)(s->s_l + 1);
            s->shift = (uint16_t)(seq - h->seq);
            *index = highest + 1;
            err = RF_OK;
        }
        if (err)
            return err;
    }
    if (*index >= INDEX_END)
        return RF_ERR_REFUSED;

    if (*index >= highest) {
        s->roc = (uint32_t)(*index >> 16);
        s->s_l = seq;
    }
    s->gap_seen = false;
    rf_window_take(s->window, highest, *index);
    s->ssrc = h->ssrc;
    s->is_started = true;
    s->packets++;
    return RF_OK;
}

/* Checks, takes the index, and lays the work out. */
static enum rf_err
begin(struct rf_srtp_job *job, struct rf_seal_job *work)
{
    const struct rf_srtp_suite *suite = job->ctx->suite;
    const struct rf_srtp_session *session = rf_srtp_session_of(job->ctx, job->stream);
    struct rf_rtp h;
    int64_t index;
    enum rf_err err;

    if (job->octets > PACKET_MAX || rf_rtp_parse(job->packet, job->octets, &h) != RF_OK)
        return RF_ERR_SYNTAX;
    if (job->room < job->octets || job->room - job->octets < (size_t)suite->srtp_tag + job->ctx->mki_octets)
        return RF_ERR_RANGE;
    err = take_index(job->ctx, job->stream, &h, &index);
    if (err)
        return err;

    rf_set16(job->packet + 2, (uint16_t)index); /* as shifted */
    work->seal = rf_srtp_seal(session);
    work->failed = false;
    rf_srtp_iv(suite, session, job->packet, index, work->iv);
    work->data = job->packet + h.header_octets;
    work->octets = (uint32_t)(job->octets - h.header_octets);
    work->auth = job->packet;
    work->auth_octets = h.header_octets; /* GCM; HMAC below */
    if (suite->cipher != RF_CIPHER_AES_GCM && suite->srtp_tag > 0) {
        /* RFC 3711 4.2: the ROC is authenticated behind the packet, where the tag comes later. */
        rf_set32(job->packet + job->octets, (uint32_t)(index >> 16));
        work->auth_octets = (uint32_t)job->octets + 4;
    }
    return RF_OK;
}

/* HMAC: MKI, then tag (RFC 3711 3.1). GCM: the tag ends the cipher text, then MKI (RFC 7714 8). */
static void
finish(struct rf_srtp_job *job, const struct rf_seal_job *work)
{
    const struct rf_srtp_ctx *ctx = job->ctx;
    uint8_t *end = job->packet + job->octets;
    size_t tag_octets = ctx->suite->srtp_tag, mki_octets = ctx->mki_octets;
    bool is_gcm = ctx->suite->cipher == RF_CIPHER_AES_GCM;

    if (work->failed) {
        job->result = RF_ERR_CRYPTO;
        return;
    }
    if (mki_octets > 0)
        memcpy(end + (is_gcm ? tag_octets : 0), ctx->mki, mki_octets);
    memcpy(end + (is_gcm ? 0 : mki_octets), work->tag, tag_octets);
    job->octets += tag_octets + mki_octets;
}

static void
protect_batch(struct rf_srtp_job *jobs, size_t n)
{
    struct rf_seal_job work[RF_SEAL_BATCH], *cipher[RF_SEAL_BATCH], *hash[RF_SEAL_BATCH];
    size_t cipher_count = 0, hash_count = 0;

    for (size_t i = 0; i < n; i++) {
        if (i + RF_SRTP_PREFETCH < n)
            rf_srtp_prefetch(&jobs[i + RF_SRTP_PREFETCH]);
        if (jobs[i].is_rtcp) {
            jobs[i].result = rf_srtcp_protect(&jobs[i]);
            continue;
        }
        jobs[i].result = begin(&jobs[i], &work[i]);
        if (jobs[i].result != RF_OK)
            continue;
        if (jobs[i].ctx->suite->cipher == RF_CIPHER_AES_GCM) {
            rf_seal_gcm_seal(&work[i]);
            continue;
        }
        cipher[cipher_count++] = &work[i];
        if (jobs[i].ctx->suite->srtp_tag > 0)
            hash[hash_count++] = &work[i];
    }
    rf_seal_cipher(cipher, cipher_count);
    rf_seal_hmac(hash, hash_count);
    for (size_t i = 0; i < n; i++) {
        if (!jobs[i].is_rtcp && jobs[i].result == RF_OK)
            finish(&jobs[i], &work[i]);
    }
}

void
rf_srtp_protect(struct rf_srtp_job *jobs, size_t n)
{
    for (size_t at = 0; at < n; at += RF_SEAL_BATCH)
        protect_batch(jobs + at, n - at < RF_SEAL_BATCH ? n - at : RF_SEAL_BATCH);
}
