/*
 * sip/digest.h - digest challenges and answers (RFC 3261 22, RFC 7616, RFC 8760): texts and computation
 *
 * No state and no secrets kept: who keeps nonces and verifiers is registrar/auth.h.
 */
#ifndef RF_SIP_DIGEST_H
#define RF_SIP_DIGEST_H

#include "base/buf.h"
#include "base/secret.h"

enum rf_digest_algorithm { RF_DIGEST_MD5, RF_DIGEST_SHA256, RF_DIGEST_SHA512_256, RF_DIGEST_COUNT };

#define RF_DIGEST_OCTETS_MAX 32

/** 16 or 32. */
size_t rf_digest_octets(enum rf_digest_algorithm a);
/** "MD5", "SHA-256", "SHA-512-256". */
const char *rf_digest_name(enum rf_digest_algorithm a);

/* H(user:realm:password) for each algorithm: what is stored instead of a password. */
struct rf_digest_verifier {
    uint8_t ha1[RF_DIGEST_COUNT][RF_DIGEST_OCTETS_MAX];
};

void rf_digest_verifier_make(struct rf_digest_verifier *v, struct rf_span user, struct rf_span realm,
                             struct rf_span password);

/* An Authorization or Proxy-Authorization value, unquoted (escapes kept in the spans, see digest.c). */
struct rf_digest_credentials {
    enum rf_digest_algorithm algorithm;
    bool is_sess;                  /* -sess */
    struct rf_span username, realm, nonce, uri, response, cnonce, opaque, qop;
    struct rf_span nc_text;        /* as sent: the eight hex digits go into the hash */
    uint32_t nc;
    bool has_qop, is_auth_int;
};

/**
 * RF_ERR_UNSUPPORTED for another scheme or algorithm (challenge anew), RF_ERR_SYNTAX for a broken one
 * (400).
 */
RF_MUST_CHECK enum rf_err rf_digest_credentials_parse(struct rf_span value, struct rf_digest_credentials *out);

/** Does the response follow from ha1? Constant-time compare. body is used by auth-int only. */
bool rf_digest_verify(const struct rf_digest_credentials *c, const uint8_t ha1[static RF_DIGEST_OCTETS_MAX],
                      struct rf_span method, struct rf_span body);

/* A WWW-Authenticate or Proxy-Authenticate value. */
struct rf_digest_challenge {
    enum rf_digest_algorithm algorithm;
    bool is_sess, is_stale, has_auth, has_auth_int; /* qop values offered */
    struct rf_span realm, nonce, opaque;
};

RF_MUST_CHECK enum rf_err rf_digest_challenge_parse(struct rf_span value, struct rf_digest_challenge *out);

/** Appends `Digest realm="...", nonce="...", algorithm=..., qop="auth"[, stale=true]`. */
void rf_put_digest_challenge(struct rf_buf *b, enum rf_digest_algorithm a, struct rf_span realm,
                             struct rf_span nonce, bool stale);

/**
 * Appends the credentials that answer a challenge (UAC side): qop auth when offered; when only auth-int is,
 * that over an empty body (a request with a body cannot be answered then, and no server that we know asks for
 * it). Sets overflow when OpenSSL's policy forbids the algorithm.
 * @param uri     the Request-URI
 * @param cnonce  fresh random text for each answer
 */
void rf_put_digest_credentials(struct rf_buf *b, const struct rf_digest_challenge *c, struct rf_span user,
                               struct rf_span password, struct rf_span method, struct rf_span uri,
                               uint32_t nc, struct rf_span cnonce);

#endif
