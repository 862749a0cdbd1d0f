#include "registrar/auth.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "registrar/md5_phones.h"
#include "registrar/nonce.h"
#include "sip/write.h"

#define USER_MAX 128 /* octets of a user name; longer ones exist nowhere and are answered as unknown */

struct rf_auth {
    struct rf_nonces *nonces;
    _Atomic uint32_t algorithms; /* four bits each, first one lowest, 15: end */
    _Atomic uint32_t nonce_life_s;
    struct rf_md5_phones md5_phones;
    struct rf_digest_verifier nobody; /* what an unknown user's answer is compared with: takes the same time */
};

static void
keep_settings(struct rf_auth *a, const struct rf_auth_settings *settings)
{
    uint32_t packed = UINT32_MAX;

    rf_assert(settings->algorithm_count > 0 && settings->algorithm_count <= RF_DIGEST_COUNT);
    for (size_t i = settings->algorithm_count; i-- > 0;)
        packed = packed << 4 | settings->algorithm[i];
    atomic_store_explicit(&a->algorithms, packed, memory_order_relaxed);
    atomic_store_explicit(&a->nonce_life_s, settings->nonce_life_s, memory_order_relaxed);
}

enum rf_err
rf_auth_new(struct rf_auth **out, const struct rf_rand *rand, const struct rf_auth_settings *settings)
{
    struct rf_auth *a = calloc(1, sizeof *a);
    enum rf_err err;

    if (a == NULL)
        return RF_ERR_NOMEM;
    keep_settings(a, settings);
    rf_rand_fill(rand, &a->nobody, sizeof a->nobody);
    rf_md5_phones_init(&a->md5_phones, rand);
    err = rf_nonces_new(&a->nonces, rand, settings->replay_slots);
    if (err) {
        rf_auth_free(a);
        return err;
    }
    *out = a;
    return RF_OK;
}

void
rf_auth_free(struct rf_auth *a)
{
    if (a == NULL)
        return;
    rf_nonces_free(a->nonces);
    rf_wipe(a, sizeof *a);
    free(a);
}

void
rf_auth_change(struct rf_auth *a, const struct rf_auth_settings *settings)
{
    keep_settings(a, settings);
}

/* Walks the algorithms in their order; false after the last. Start with *left = a->algorithms. */
static bool
next_algorithm(uint32_t *left, enum rf_digest_algorithm *algorithm)
{
    if ((*left & 15) == 15)
        return false;
    *algorithm = (enum rf_digest_algorithm)(*left & 15);
    *left = *left >> 4 | 15u << 28;
    return true;
}

static bool
is_offered(const struct rf_auth *a, enum rf_digest_algorithm wanted)
{
    uint32_t left = atomic_load_explicit(&a->algorithms, memory_order_relaxed);
    enum rf_digest_algorithm algorithm;

    while (next_algorithm(&left, &algorithm))
        if (algorithm == wanted)
            return true;
    return false;
}

/* --- checking ------------------------------------------------------------------------------------------ */

/*
 * The credentials for our realm among the fields of this name. RF_ERR_NOT_FOUND when there are none that we can
 * use; RF_ERR_SYNTAX when one is broken and none is for us, since that one may have been.
 */
static enum rf_err
find_credentials(const struct rf_sip_msg *req, enum rf_sip_header header, struct rf_span realm,
                 struct rf_digest_credentials *out)
{
    const struct rf_sip_field *f;
    enum rf_err result = RF_ERR_NOT_FOUND;
    size_t i = 0;

    while ((f = rf_sip_field_next(req, header, &i)) != NULL) {
        enum rf_err err = rf_digest_credentials_parse(f->value, out);

        if (err == RF_OK && rf_span_eq(out->realm, realm))
            return RF_OK;
        if (err == RF_ERR_SYNTAX)
            result = RF_ERR_SYNTAX;
    }
    *out = (struct rf_digest_credentials){ 0 };
    return result;
}

/*
 * The same octets, or the same URI by RFC 3261 19.1.4: some phones leave out what does not change the meaning,
 * such as the port's or the method's default parameters' order. A different one is an answer to another request.
 *
 * Leniency: a URI without a user that names the server by its address or by the Request-URI's host is accepted
 * (sipp 3.6 signs "sip:ADDRESS:PORT" whatever it asks for, and phones behind an outbound proxy do alike). It speaks
 * of no other user, and the nonce count keeps it from being used a second time.
 */
static bool
is_for_this_uri(const struct rf_sip_msg *req, struct rf_span text)
{
    struct rf_sip_uri uri;
    struct rf_addr address;

    if (rf_span_eq(text, req->ruri_text))
        return true;
    if (rf_sip_uri_parse(text, &uri) != RF_OK)
        return false;
    if (rf_sip_uri_eq(&uri, &req->ruri))
        return true;
    return !uri.has_user && (uri.scheme == RF_URI_SIP || uri.scheme == RF_URI_SIPS) &&
           (rf_span_ieq(uri.host, req->ruri.host) || rf_addr_parse(uri.host, 0, &address) == RF_OK);
}

static bool
is_expired(const struct rf_auth *a, const struct rf_nonce *nonce, uint64_t now_us)
{
    uint64_t now_s = now_us / 1000000u, life_s = atomic_load_explicit(&a->nonce_life_s, memory_order_relaxed);

    return now_s > nonce->made_s && now_s - nonce->made_s > life_s;
}

static bool
has_right_answer(const struct rf_auth *a, const struct rf_sip_msg *req, const struct rf_digest_credentials *c,
                 bool (*lookup)(void *ctx, struct rf_span user, struct rf_auth_user *out), void *ctx)
{
    char mem[USER_MAX];
    struct rf_buf name = rf_buf(mem, sizeof mem);
    struct rf_auth_user user;
    bool is_known, is_right;

    rf_put_unquoted(&name, c->username);
    is_known = !name.overflow && lookup(ctx, rf_buf_span(&name), &user);
    if (!is_known)
        user.verifier = a->nobody;
    is_right = rf_digest_verify(c, user.verifier.ha1[c->algorithm], req->method_text, req->body);
    rf_wipe(&user, sizeof user);
    return is_known & is_right;
}

bool
rf_auth_proves(const struct rf_auth *a, const struct rf_auth_result *r, const struct rf_addr *source)
{
    return r->nonce_is_ours && r->nonce_whom == rf_nonce_whom(a->nonces, source);
}

/* An answer with another algorithm than its nonce was made for would let a weak one stand for a strong one. */
static bool
is_with_its_algorithm(const struct rf_auth *a, const struct rf_digest_credentials *c, const struct rf_nonce *nonce)
{
    return c->algorithm == nonce->algorithm && !c->is_sess && !c->is_auth_int && is_offered(a, c->algorithm);
}

bool
rf_auth_is_answer(struct rf_auth *a, const struct rf_sip_msg *req, struct rf_span realm, const struct rf_addr *source,
                  uint64_t now_us)
{
    static const enum rf_sip_header headers[] = { RF_HDR_AUTHORIZATION, RF_HDR_PROXY_AUTHORIZATION };

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct rf_digest_credentials c;
        struct rf_nonce nonce;

        if (find_credentials(req, headers[i], realm, &c) == RF_OK && rf_nonce_open(a->nonces, c.nonce, &nonce) == RF_OK &&
            nonce.whom == rf_nonce_whom(a->nonces, source) && is_for_this_uri(req, c.uri) &&
            is_with_its_algorithm(a, &c, &nonce) && !is_expired(a, &nonce, now_us))
            return true;
    }
    return false;
}

static enum rf_auth_verdict
check(struct rf_auth *a, const struct rf_sip_msg *req, enum rf_sip_header header, struct rf_span realm,
      bool (*lookup)(void *ctx, struct rf_span user, struct rf_auth_user *out), void *ctx, uint64_t now_us,
      struct rf_auth_result *out)
{
    struct rf_digest_credentials c;
    struct rf_nonce nonce;
    enum rf_err err = find_credentials(req, header, realm, &c);

    if (err)
        return err == RF_ERR_SYNTAX ? RF_AUTH_BROKEN : RF_AUTH_CHALLENGE;
    rf_md5_phones_answered(&a->md5_phones, req);
    out->username = c.username;
    out->algorithm = c.algorithm;
    if (rf_nonce_open(a->nonces, c.nonce, &nonce) != RF_OK)
        return RF_AUTH_STALE;
    out->nonce_is_ours = true;
    out->nonce_whom = nonce.whom;
    if (!is_for_this_uri(req, c.uri))
        return RF_AUTH_BROKEN;
    if (!is_with_its_algorithm(a, &c, &nonce))
        return RF_AUTH_CHALLENGE;
    if (is_expired(a, &nonce, now_us))
        return RF_AUTH_STALE;
    if (!has_right_answer(a, req, &c, lookup, ctx))
        return RF_AUTH_BAD;
    /* Only right answers reach the table, so a stranger cannot fill it. */
    err = rf_nonce_use(a->nonces, &nonce, c.nc, !c.has_qop,
                       atomic_load_explicit(&a->nonce_life_s, memory_order_relaxed), now_us);
    return err == RF_OK ? RF_AUTH_OK : err == RF_ERR_REPLAY ? RF_AUTH_REPLAY : RF_AUTH_STALE;
}

void
rf_auth_check(struct rf_auth *a, const struct rf_sip_msg *req, enum rf_sip_header header, struct rf_span realm,
              bool (*lookup)(void *ctx, struct rf_span user, struct rf_auth_user *out), void *ctx, uint64_t now_us,
              struct rf_auth_result *out)
{
    rf_assert(header == RF_HDR_AUTHORIZATION || header == RF_HDR_PROXY_AUTHORIZATION);
    *out = (struct rf_auth_result){ 0 };
    out->verdict = check(a, req, header, realm, lookup, ctx, now_us, out);
}

/* --- challenges ---------------------------------------------------------------------------------------- */

void
rf_auth_put_challenges(struct rf_auth *a, struct rf_buf *b, enum rf_sip_header header, struct rf_span realm,
                       const struct rf_sip_msg *req, const struct rf_addr *source, bool stale, uint64_t now_us)
{
    enum rf_sip_header answer =
        header == RF_HDR_PROXY_AUTHORIZATION || header == RF_HDR_PROXY_AUTHENTICATE ? RF_HDR_PROXY_AUTHENTICATE
                                                                                    : RF_HDR_WWW_AUTHENTICATE;
    uint32_t left = atomic_load_explicit(&a->algorithms, memory_order_relaxed);
    enum rf_digest_algorithm algorithm;
    bool is_list = (left >> 4 & 15) != 15;
    /* Where MD5 was switched off, nobody's failures bring it back. */
    bool md5_only = is_list && is_offered(a, RF_DIGEST_MD5) &&
                    (stale ? rf_md5_phones_is_known(&a->md5_phones, req, source, now_us)
                           : rf_md5_phones_challenge(&a->md5_phones, req, source, now_us));

    while (next_algorithm(&left, &algorithm)) {
        char value[640], text[RF_NONCE_TEXT];
        struct rf_buf v = rf_buf(value, sizeof value), nonce = rf_buf(text, sizeof text);

        if (md5_only && algorithm != RF_DIGEST_MD5)
            continue;
        rf_nonce_put(a->nonces, &nonce, algorithm, source, now_us);
        rf_put_digest_challenge(&v, algorithm, realm, rf_buf_span(&nonce), stale);
        b->overflow |= v.overflow;
        rf_sip_put_header(b, answer, rf_buf_span(&v));
    }
}
