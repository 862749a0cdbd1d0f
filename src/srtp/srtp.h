/*
 * srtp/srtp.h - SRTP and SRTCP: contexts, windows, protect and unprotect in batches (RFC 3711, 6188, 7714)
 *
 * Three kinds of data with three lifetimes:
 *   rf_srtp_key     what was negotiated: suite, master key and salt, MKI. Plain data; lies in the mapping that
 *                   outlives a process; wiped by its owner.
 *   rf_srtp_stream  what moves: SSRC, ROC, highest index, replay window, SRTCP index. Plain data, same place,
 *                   so that a new media process goes on where the old one died.
 *   rf_srtp_ctx     session keys derived from rf_srtp_key, private to a process; can always be derived anew.
 *
 * Order of unprotect is security: look in the window, authenticate, decrypt, and only then mark (RFC 3711 3.3).
 * A forged packet changes nothing. Protect refuses to use an index twice (a GCM nonce repeated with other
 * content would give the key away), so protecting has a window of its own.
 *
 * Threads: a stream and its contexts belong to one thread. No call allocates, except rf_srtp_ctx_new.
 */
#ifndef RF_SRTP_SRTP_H
#define RF_SRTP_SRTP_H

#include "crypto/suite.h"

#define RF_SRTP_WINDOW_WORDS 16 /* 1024 packets at most; TEL-25 asks for 128 or more */

/* One SSRC in one direction. Zeroed: nothing seen yet. */
struct rf_srtp_stream {
    uint32_t ssrc;
    uint32_t roc;             /* RFC 3711 3.3.1. Before is_started: where it is, or with
                                 keep_roc_try_zero may be besides 0 */
    uint16_t s_l;             /* highest sequence number that was authenticated (or sent) */
    bool is_started;          /* ssrc, roc and s_l are set */
    uint8_t quirks;           /* RF_SRTP_QUIRK_*, learnt by unprotect and kept */
    bool rtcp_is_started;
    bool gap_seen, has_former;
    uint16_t shift;           /* sending, bridge_gaps: added to the sequence numbers that come in */
    uint16_t gap_next;        /* with gap_seen: the number that would prove that the source begins anew */
    uint16_t former_s_l;      /* with has_former: where it stood under the key before, see rf_srtp_stream_follow */
    uint32_t former_roc;
    uint32_t key, key_floor;  /* serials: the latest key it used, and the first that it may still use */
    uint32_t rtcp_key, rtcp_key_floor; /* the same for SRTCP */
    uint32_t rtcp_index;      /* highest SRTCP index authenticated (receiving) or sent (sending); 31 bits */
    uint32_t rtcp_reserved;   /* sending: indices below this may have been used; raised in blocks before use,
                                 so that a process that dies never leads to an index used twice */
    uint64_t packets;         /* protected or accepted under this master key, for its lifetime */
    uint64_t window[RF_SRTP_WINDOW_WORDS];      /* ring: bit (index mod 1024) is set when that index is taken */
    uint64_t rtcp_window[RF_SRTP_WINDOW_WORDS];
};

/* Compatibility, learnt per stream, counted and shown. */
#define RF_SRTP_QUIRK_RTCP_TAG32   1 /* SRTCP with the 32-bit tag of a _32 suite (FreeSWITCH, Asterisk, libre) */
#define RF_SRTP_QUIRK_AES192_OLD   2 /* AES-192 session keys as libsrtp before 2.8.0 derives them */
#define RF_SRTP_QUIRK_NULL_AUTH_RTCP_TAG 4 /* NULL_AUTH suite with an 80-bit SRTCP tag, as RFC 3711 wants */
/* Not a deviation but a choice that only a second key after a wrap shows (TEL-40). At most one of the two. */
#define RF_SRTP_QUIRK_ROC_KEPT    8  /* the ROC went on under a new key (RFC 3711 3.3.1) */
#define RF_SRTP_QUIRK_ROC_RESET   16 /* it began at 0 again (MS Teams, most that make a new libsrtp session) */

struct rf_srtp_options {
    uint16_t window;        /* packets; 64 .. 1024, 0: 128 */
    uint8_t allow_quirks;   /* RF_SRTP_QUIRK_* that unprotect may try when authentication fails */
    bool keep_roc_try_zero; /* after re-keying: when authentication fails with the kept ROC try 0 (TEL-40) */
    bool bridge_gaps;       /* sending what others have numbered: when a source begins anew behind the window, or
                               after a gap that no receiver could follow, number its packets on from the highest */
    uint32_t serial;        /* of this key among those of a stream, growing; 0: told by rf_srtp_stream_rekey instead.
                               Unprotect takes the first packet under a higher one for a re-keying. The keys before
                               stay good, in one window, unless the place in the stream is another one: then they
                               are over, because their window is */
};

/**
 * The key of this stream changed (re-INVITE with new keys): forget what was taken under the old one and how many
 * packets it carried. ROC and highest index stay (RFC 3711 3.3.1); with keep_roc_try_zero the first packet that
 * authenticates decides whether the peer kept its ROC (TEL-40). Sending goes on above every index used before.
 * Only for a key that really differs: under the same key it would let indices be used twice.
 */
void rf_srtp_stream_rekey(struct rf_srtp_stream *stream);

/**
 * For a zeroed stream that sends under a new key what `former`, of the same SSRC, sent under the one before: numbers
 * are shifted alike, the SRTCP index goes on, the ROC begins at 0 as with most peers that make a new session.
 */
void rf_srtp_stream_follow(struct rf_srtp_stream *stream, const struct rf_srtp_stream *former);
/** The peer turns out to keep its ROC (RF_SRTP_QUIRK_ROC_KEPT): send on with that of the key before. Indices grow. */
void rf_srtp_stream_keep_roc(struct rf_srtp_stream *stream);

/** A new process sends on with a stream that another left behind: go on at rtcp_reserved. RTP indices come from
 *  the packets; their window survived with the stream. */
void rf_srtp_stream_resume(struct rf_srtp_stream *stream);

struct rf_srtp_ctx;

/** Session keys from a master key; serves both directions and any number of streams. options NULL: all zero.
 *  RF_ERR_RANGE: no such suite, MKI length or window, or a suite that cannot be in clear as the key says;
 *  RF_ERR_NOMEM; RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_srtp_ctx_new(struct rf_srtp_ctx **out, const struct rf_srtp_key *key,
                                          const struct rf_srtp_options *options);
/** Wipes and frees. NULL is fine. */
void rf_srtp_ctx_free(struct rf_srtp_ctx *ctx);

/* A packet to protect or unprotect, in place. */
struct rf_srtp_job {
    struct rf_srtp_ctx *ctx;
    struct rf_srtp_stream *stream;
    uint8_t *packet;       /* 16 octets before it need not be there; it is changed in place */
    size_t octets, room;   /* length now, and of the memory; protecting needs RF_SRTP_TRAILER_MAX more room */
    bool is_rtcp;
    bool after_silence;    /* unprotect: nothing came for so long that the sequence number may have wrapped unheard */
    bool is_derivation_known; /* unprotect: another stream under this key has shown how the peer derives its keys, and
                                 stream->quirks says it */
    enum rf_err result;    /* set by the call: see there */
};

/**
 * Protect each job. Results:
 *   RF_OK          job->octets is the new length
 *   RF_ERR_REPLAY  this index was used: do not send
 *   RF_ERR_STALE   too far behind the highest index to know whether it was used: do not send. With bridge_gaps
 *                  the next one in sequence is sent
 *   RF_ERR_SYNTAX  no RTP (RTCP) packet
 *   RF_ERR_RANGE   no room for the trailer
 *   RF_ERR_REFUSED the key's lifetime is over (RFC 3711 9.2)
 *   RF_ERR_STATE   the packet's SSRC is not the stream's: one stream for each SSRC, else nonces would repeat
 *   RF_ERR_CRYPTO  OpenSSL reported an error; the index counts as used
 * On failure the packet's content is undefined and must not leave. Jobs of one stream are done in order.
 * A stream with RF_SRTP_QUIRK_AES192_OLD is protected with that derivation: copy the bit from the receiving
 * stream of the same peer, which speaks one language in both directions. SRTCP always carries its full tag.
 */
void rf_srtp_protect(struct rf_srtp_job *jobs, size_t n);

/**
 * Unprotect each job. Results:
 *   RF_OK          job->octets is the new length
 *   RF_ERR_SYNTAX  too short, or no RTP (RTCP) packet
 *   RF_ERR_REPLAY  this index was accepted before
 *   RF_ERR_STALE   before the window, or under a key that is over
 *   RF_ERR_AUTH    tag or MKI is wrong
 *   RF_ERR_REFUSED SRTCP whose E bit is not as negotiated (RFC 4568 6.3.2), or lifetime over
 *   RF_ERR_STATE   the packet's SSRC is not the stream's
 *   RF_ERR_CRYPTO  OpenSSL reported an error
 * On failure the stream is unchanged, and the packet too (except RF_ERR_CRYPTO): it may be tried with another key.
 */
void rf_srtp_unprotect(struct rf_srtp_job *jobs, size_t n);

/** "ipsec-mb 1.3 (AVX512)" or "OpenSSL 3.0": which back end passed its self-test and is in use. */
const char *rf_srtp_backend(void);

/** Choose and self-test the back end; called once per process before threads. `want` "auto", "openssl" or
 *  "ipsec-mb". RF_ERR_NOT_FOUND when that one is not built in or failed its self-test (auto falls back).
 *  Without this call OpenSSL serves, untested. */
RF_MUST_CHECK enum rf_err rf_srtp_init(const char *want);

#endif
