/*
 * srtp/ctx.h - what lies behind struct rf_srtp_ctx; private to this folder
 */
#ifndef RF_SRTP_CTX_H
#define RF_SRTP_CTX_H

#include <assert.h>
#include <stdalign.h>

#include "crypto/seal.h"
#include "srtp/srtp.h"

/* One derivation of a master key. SRTCP comes every few seconds: its keys stay raw and are expanded each time,
 * which saves more memory than it costs time. */
struct rf_srtp_session {
    alignas(RF_SEAL_ALIGN) uint8_t rtp_salt[16]; /* zero behind its 12 or 14 octets */
    uint8_t rtcp_salt[16];
    uint8_t rtcp_key[RF_SRTP_KEY_MAX];
    uint8_t rtcp_auth[RF_HMAC_SHA1_KEY];
    alignas(RF_SEAL_ALIGN) uint8_t seal[]; /* struct rf_seal */
};

struct rf_srtp_ctx {
    alignas(64) const struct rf_srtp_suite *suite;
    uint64_t lifetime;            /* packets, at most 2^48 */
    struct rf_srtp_session *old;  /* AES-192 as libsrtp before 2.8.0 derives it, or NULL; owned */
    uint8_t *mki;                 /* or NULL; owned */
    uint16_t window;
    uint8_t mki_octets, allow_quirks;
    bool is_rtcp_clear, keep_roc_try_zero, bridge_gaps;
    uint32_t serial;
    uint32_t session_octets;
    struct rf_srtp_session session;
};

static_assert(offsetof(struct rf_srtp_ctx, session) == 64, "a context's own fields fill one line");

static inline const struct rf_seal *
rf_srtp_seal(const struct rf_srtp_session *s)
{
    return (const struct rf_seal *)(const void *)s->seal;
}

/* Jobs ahead that are fetched: a thread has thousands of contexts and streams, none of them in its cache. */
#define RF_SRTP_PREFETCH 4

static inline void
rf_srtp_prefetch(const struct rf_srtp_job *job)
{
    __builtin_prefetch(job->ctx);
    __builtin_prefetch(&job->ctx->session);
    __builtin_prefetch(job->stream);
    rf_seal_prefetch(rf_srtp_seal(&job->ctx->session));
}

/** The session that a stream of these quirks is protected with. */
static inline const struct rf_srtp_session *
rf_srtp_session_of(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *stream)
{
    return (stream->quirks & RF_SRTP_QUIRK_AES192_OLD) != 0 && ctx->old != NULL ? ctx->old : &ctx->session;
}

/** Counter mode, f8 or GCM: the IV (16 octets) of an SRTP packet with this index. */
void rf_srtp_iv(const struct rf_srtp_suite *suite, const struct rf_srtp_session *s, const uint8_t *packet,
                int64_t index, uint8_t iv[static 16]);
/** The same for SRTCP. `word` is the E bit and the index as they stand in the packet. */
void rf_srtcp_iv(const struct rf_srtp_suite *suite, const struct rf_srtp_session *s, const uint8_t *packet,
                 uint32_t word, uint8_t iv[static 16]);

/** Whether the derivation of keys is still open: nothing was accepted under this key. */
static inline bool
rf_srtp_is_unsettled(const struct rf_srtp_ctx *ctx, const struct rf_srtp_stream *s)
{
    if (ctx->serial != 0)
        return ctx->serial > s->key && ctx->serial > s->rtcp_key;
    return s->packets == 0 && !s->rtcp_is_started;
}

enum rf_err rf_srtcp_protect(struct rf_srtp_job *job);
enum rf_err rf_srtcp_unprotect(struct rf_srtp_job *job);

#endif
