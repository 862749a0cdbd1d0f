/*
 * registrar/auth.h - who is it? Digest sign-in with nonces that need no state (RFC 3261 22, 7616, 8760)
 *
 * A nonce is a time and a keyed hash over it; it is good for nonce_life_s after it was made and never after a
 * restart (the key is made at start). Nonce counts that were used are kept in a bounded table against replay;
 * when the table is full the oldest nonce becomes stale, never acceptable again.
 *
 * Threads: one rf_auth is shared by all workers; its table has locks of its own, held for a few instructions.
 */
#ifndef RF_REGISTRAR_AUTH_H
#define RF_REGISTRAR_AUTH_H

#include "base/rand.h"
#include "base/refusal.h"
#include "sip/digest.h"
#include "sip/msg.h"

struct rf_auth;

struct rf_auth_settings {
    enum rf_digest_algorithm algorithm[RF_DIGEST_COUNT]; /* challenges in this order (RFC 8760: best first) */
    size_t algorithm_count;
    uint32_t nonce_life_s; /* 300 */
    uint32_t replay_slots; /* nonces remembered at once: 65536 */
};

/** The nonces of another one, before a restart, are stale for it. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_auth_new(struct rf_auth **out, const struct rf_rand *rand,
                                      const struct rf_auth_settings *settings);
void rf_auth_free(struct rf_auth *a);
/** New algorithms and nonce life (a reload); replay_slots stays. Any thread, while others use it. */
void rf_auth_change(struct rf_auth *a, const struct rf_auth_settings *settings);

/* What is known of a user, filled by the caller's lookup. */
struct rf_auth_user {
    struct rf_digest_verifier verifier;
};

enum rf_auth_verdict {
    RF_AUTH_OK,
    RF_AUTH_CHALLENGE, /* no credentials for our realm, or a scheme, algorithm or qop we did not offer: challenge */
    RF_AUTH_STALE,     /* right or not, the nonce is too old, or of an earlier run: challenge with stale=true */
    RF_AUTH_BAD,       /* wrong password or unknown user (both look the same on the wire): challenge, count */
    RF_AUTH_REPLAY,    /* nonce count used before: challenge with stale=true, count */
    RF_AUTH_BROKEN     /* the header cannot be parsed, or its uri is not the Request-URI: 400 */
};

struct rf_auth_result {
    enum rf_auth_verdict verdict;
    enum rf_digest_algorithm algorithm; /* that was used: for the call record */
    struct rf_span username;            /* of the credentials, as sent; empty: none */
    bool nonce_is_ours;                 /* the sender echoed a nonce of ours, */
    uint32_t nonce_whom;                /* which was sent to this address: rf_auth_proves */
};

/**
 * Check the credentials of a request.
 * @param header  RF_HDR_AUTHORIZATION (401, registrar and UAS) or RF_HDR_PROXY_AUTHORIZATION
 * @param lookup  returns false for an unknown user (the time taken is the same)
 */
void rf_auth_check(struct rf_auth *a, const struct rf_sip_msg *req, enum rf_sip_header header,
                   struct rf_span realm, bool (*lookup)(void *ctx, struct rf_span user, struct rf_auth_user *out),
                   void *ctx, uint64_t now_us, struct rf_auth_result *out);

/** Did whoever sent these credentials get a nonce at this very address? A datagram's source may be forged otherwise. */
bool rf_auth_proves(const struct rf_auth *a, const struct rf_auth_result *r, const struct rf_addr *source);

/**
 * Do credentials of this request answer a challenge that this very address got, in time and for this request? Whether
 * rightly is for rf_auth_check to say. What stands in such a header otherwise may be made up. A few microseconds.
 */
bool rf_auth_is_answer(struct rf_auth *a, const struct rf_sip_msg *req, struct rf_span realm,
                       const struct rf_addr *source, uint64_t now_us);

/**
 * Header lines with one challenge per algorithm, in the order of the settings (WWW-Authenticate, or
 * Proxy-Authenticate for RF_HDR_PROXY_AUTHORIZATION), each with a nonce that is good for its algorithm alone. MD5
 * alone for a phone that showed that it understands nothing else (registrar/md5_phones.h).
 * @param req     the request that is challenged; it came from `source`
 * @param stale   only its nonce was too old: the password may well be right
 */
void rf_auth_put_challenges(struct rf_auth *a, struct rf_buf *b, enum rf_sip_header header,
                            struct rf_span realm, const struct rf_sip_msg *req, const struct rf_addr *source,
                            bool stale, uint64_t now_us);

#endif
