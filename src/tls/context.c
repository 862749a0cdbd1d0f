#include "tls/context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "tls/conn.h"
#include "tls/peer.h"
#include "tls/strength.h"

/*
 * One SSL_CTX holds one certificate per key type, so certificates for the same names but of another type share
 * one, and each further set of names has its own.
 */
struct site {
    SSL_CTX *ctx;
    struct rf_cert *leader; /* its names are the site's */
};

struct rf_tls_server {
    _Atomic uint32_t refs;
    struct rf_tls_side side;
    enum rf_tls_ask ask;
    struct rf_tls_tickets *tickets;
    struct rf_tls_ticket_keys keys[2]; /* this period's and the one before; computed when needed */
    struct site *site;
    size_t site_count;
    struct shown {
        struct rf_cert *cert;
        struct rf_tls_staple *staple; /* NULL: none */
    } * shown;
    size_t shown_count;
    struct rf_cert *(*challenge)(void *ctx, struct rf_span server_name); /* tls-alpn-01; or NULL */
    void *challenge_ctx;
};

struct rf_tls_client {
    _Atomic uint32_t refs;
    struct rf_tls_side side;
    SSL_CTX *ctx;
};

/* --- words --- */

static const char *const ask_names[RF_TLS_ASK_COUNT] = { "off", "optional", "required" };

const char *
rf_tls_ask_name(enum rf_tls_ask ask)
{
    rf_assert(ask < RF_TLS_ASK_COUNT);
    return ask_names[ask];
}

/* --- what both roles have --- */

static enum rf_err
side_init(struct rf_tls_side *side, const char *interface, enum rf_tls_level level, int min_version,
          const struct rf_tls_check *check, enum rf_tls_ask ask, struct rf_tls_ring *ring)
{
    int floor = rf_tls_version_floor(interface);
    size_t n = strlen(interface);

    side->level = level;
    side->min_version = rf_tls_level_row(level)->min_version;
    if (side->min_version < floor)
        side->min_version = floor;
    if (side->min_version < min_version)
        side->min_version = min_version;
    side->ring = ring;
    memcpy(side->interface, interface, n < sizeof side->interface ? n : sizeof side->interface - 1);
    rf_tls_check_digest(check, interface, level, ask, side->digest);
    side->has_check = check != NULL;
    return check != NULL ? rf_tls_check_copy(&side->check, check) : RF_OK;
}

static void
side_fini(struct rf_tls_side *side)
{
    while (side->spare_count > 0)
        free(side->spare[--side->spare_count]);
    rf_tls_check_fini(&side->check);
}

static bool
has_weak_peers(const struct rf_tls_side *side)
{
    return side->has_check && (side->check.level == RF_CHECK_NONE || side->check.level == RF_CHECK_LOW);
}

/* --- tickets --- */

static const struct rf_tls_ticket_keys *
keys_of(struct rf_tls_server *s, int ago)
{
    struct rf_tls_ticket_keys *k = &s->keys[ago];

    if (!k->is_set || k->period != rf_tls_tickets_period(s->tickets) - ago)
        rf_tls_tickets_derive(s->tickets, ago, rf_span(s->side.digest, sizeof s->side.digest), k);
    return k;
}

static bool
set_mac(EVP_MAC_CTX *mac, const struct rf_tls_ticket_keys *k)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->mac, sizeof k->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* For SSL_CTX_set_tlsext_ticket_key_evp_cb. 0: no such key, do a full handshake; 2: good, but send a new one. */
static int
ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
           int enc)
{
    struct rf_tls_server *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct rf_tls_ticket_keys *k;

    if (enc) {
        k = keys_of(s, 0);
        memcpy(name, k->name, sizeof k->name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv) != 1 || !set_mac(mac, k))
            return -1;
        return 1;
    }
    for (int ago = 0; ago < 2; ago++) {
        k = keys_of(s, ago);
        if (memcmp(name, k->name, sizeof k->name) != 0)
            continue;
        if (!set_mac(mac, k) || EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv) != 1)
            return -1;
        return ago == 0 ? 1 : 2;
    }
    return 0;
}

/* --- making contexts --- */

static bool
set_level(SSL_CTX *ctx, const struct rf_tls_side *side)
{
    const struct rf_tls_level_row *row = rf_tls_level_row(side->level);
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_SSLv3;

    if (row->server_order)
        options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
    SSL_CTX_set_options(ctx, options);
    /* Buffers of 16 kB each way only while something is in them: an idle phone must cost little. A record is
     * then read with its header in one system call. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, RF_TLS_CHAIN_OCTETS_MAX);
    return rf_tls_strength_set(ctx, row, side->min_version, has_weak_peers(side));
}

static bool
use_cert(SSL_CTX *ctx, const struct rf_cert *c)
{
    if (SSL_CTX_use_certificate(ctx, rf_cert_leaf(c)) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, rf_cert_key(c)) != 1)
        return false;
    for (size_t i = 0; i < rf_cert_extra_count(c); i++)
        if (SSL_CTX_add1_chain_cert(ctx, rf_cert_extra(c, i)) != 1)
            return false;
    return true;
}

static bool
set_tickets(SSL_CTX *ctx, const struct rf_tls_server *s)
{
    if (s->tickets == NULL) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ctx, 0) == 1;
    }
    SSL_CTX_set_timeout(ctx, rf_tls_tickets_period_s(s->tickets));
    /* One TLS 1.3 ticket instead of two: 5-10 % of a handshake, and phones keep one connection. */
    return SSL_CTX_set_num_tickets(ctx, 1) == 1 && SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key) == 1;
}

/* Whose certificates we take: in the request for one, so that a client with several picks the right one. */
static bool
set_ask(SSL_CTX *ctx, const struct rf_tls_server *s)
{
    bool must = s->ask == RF_TLS_ASK_REQUIRED && s->side.check.enforce == RF_TLS_ENFORCE_HANDSHAKE;
    STACK_OF(X509_NAME) * names;

    if (s->ask == RF_TLS_ASK_OFF)
        return true;
    if (s->side.check.trust != NULL) {
        names = rf_trust_names(s->side.check.trust);
        if (names == NULL)
            return false;
        SSL_CTX_set_client_CA_list(ctx, names);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    return true;
}

static int
on_status(SSL *ssl, void *arg)
{
    struct rf_tls_server *s = arg;
    X509 *x = SSL_get_certificate(ssl);

    for (size_t i = 0; i < s->shown_count; i++) {
        unsigned char *p;
        size_t n;

        if (rf_cert_leaf(s->shown[i].cert) != x || s->shown[i].staple == NULL)
            continue;
        n = rf_tls_staple_get(s->shown[i].staple,
                              s->side.check.wall_s != NULL ? s->side.check.wall_s() : rf_wall_s(), &p);
        if (n == 0)
            break;
        SSL_set_tlsext_status_ocsp_resp(ssl, p, (long)n);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* The site that shows certificates for the same name with a key of another type; NULL: none. */
static struct site *
site_for(struct rf_tls_server *s, const struct rf_cert *c)
{
    const struct rf_cert_facts *f = rf_cert_facts(c);

    for (size_t i = 0; i < s->site_count; i++) {
        const struct rf_cert *leader = s->site[i].leader;

        if (f->san_count > 0 && f->san_count == rf_cert_facts(leader)->san_count &&
            rf_cert_is_for(leader, rf_span_str(f->san[0].text)) &&
            EVP_PKEY_get_base_id(rf_cert_key(leader)) != EVP_PKEY_get_base_id(rf_cert_key(c)))
            return &s->site[i];
    }
    return NULL;
}

static const char refused_cert[] = "a certificate or its key is too weak, or OpenSSL does not take it";
static const char refused_level[] = "OpenSSL does not know a suite or group of the level";

static enum rf_err
site_new(struct rf_tls_server *s, struct rf_cert *leader, const char **why)
{
    struct site *site = &s->site[s->site_count];

    site->ctx = SSL_CTX_new(TLS_server_method());
    if (site->ctx == NULL)
        return RF_ERR_NOMEM;
    site->leader = rf_cert_ref(leader);
    s->site_count++;
    SSL_CTX_set_app_data(site->ctx, s);
    /* The digest of the settings: OpenSSL compares it with the session's. */
    if (!set_level(site->ctx, &s->side) || !set_tickets(site->ctx, s) ||
        SSL_CTX_set_session_id_context(site->ctx, s->side.digest, sizeof s->side.digest) != 1) {
        *why = refused_level;
        return RF_ERR_CRYPTO;
    }
    if (!set_ask(site->ctx, s))
        return RF_ERR_NOMEM;
    SSL_CTX_set_tlsext_status_cb(site->ctx, on_status);
    SSL_CTX_set_tlsext_status_arg(site->ctx, s);
    rf_tls_conn_hook(site->ctx, true, s->ask != RF_TLS_ASK_OFF);
    return RF_OK;
}

static enum rf_err
add_cert(struct rf_tls_server *s, struct rf_cert *c, struct rf_tls_staple *staple, const char **why)
{
    struct site *site = site_for(s, c);
    struct shown *shown = &s->shown[s->shown_count++];

    shown->cert = rf_cert_ref(c);
    shown->staple = staple != NULL ? rf_tls_staple_ref(staple) : NULL;
    if (site == NULL) {
        enum rf_err err = site_new(s, c, why);

        if (err != RF_OK)
            return err;
        site = &s->site[s->site_count - 1];
    }
    if (!use_cert(site->ctx, c)) {
        *why = refused_cert;
        return RF_ERR_CRYPTO;
    }
    return RF_OK;
}

enum rf_err
rf_tls_server_new(struct rf_tls_server **out, const struct rf_tls_server_conf *conf, const char **why)
{
    struct rf_tls_server *s = calloc(1, sizeof *s);
    enum rf_err err;

    *why = "";
    if (s == NULL)
        return RF_ERR_NOMEM;
    rf_assert(conf->cert_count >= 1 && (conf->ask == RF_TLS_ASK_OFF || conf->check != NULL));
    ERR_clear_error();
    atomic_init(&s->refs, 1);
    s->ask = conf->ask;
    s->tickets = conf->tickets != NULL ? rf_tls_tickets_ref(conf->tickets) : NULL;
    err = side_init(&s->side, conf->interface, conf->level, 0, conf->check, conf->ask, conf->ring);
    s->site = calloc(conf->cert_count, sizeof *s->site);
    s->shown = calloc(conf->cert_count, sizeof *s->shown);
    if (s->site == NULL || s->shown == NULL)
        err = RF_ERR_NOMEM;
    for (size_t i = 0; err == RF_OK && i < conf->cert_count; i++)
        err = add_cert(s, conf->cert[i], conf->staple != NULL ? conf->staple[i] : NULL, why);
    if (err != RF_OK) {
        rf_tls_server_unref(s);
        return err;
    }
    *out = s;
    return RF_OK;
}

void
rf_tls_server_set_challenge(struct rf_tls_server *s, struct rf_cert *(*find)(void *ctx, struct rf_span server_name),
                            void *ctx)
{
    s->challenge = find;
    s->challenge_ctx = ctx;
}

struct rf_cert *
rf_tls_server_challenge(const struct rf_tls_server *s, struct rf_span server_name)
{
    return s->challenge != NULL ? s->challenge(s->challenge_ctx, server_name) : NULL;
}

struct rf_tls_server *
rf_tls_server_ref(struct rf_tls_server *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void
rf_tls_server_unref(struct rf_tls_server *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->site_count; i++) {
        SSL_CTX_free(s->site[i].ctx);
        rf_cert_unref(s->site[i].leader);
    }
    for (size_t i = 0; i < s->shown_count; i++) {
        rf_cert_unref(s->shown[i].cert);
        rf_tls_staple_unref(s->shown[i].staple);
    }
    free(s->site);
    free(s->shown);
    side_fini(&s->side);
    rf_tls_tickets_unref(s->tickets);
    rf_wipe(s->keys, sizeof s->keys);
    free(s);
}

SSL_CTX *
rf_tls_server_ctx(const struct rf_tls_server *s)
{
    return s->site[0].ctx;
}

SSL_CTX *
rf_tls_server_ctx_for(const struct rf_tls_server *s, struct rf_span name)
{
    for (size_t i = 0; i < s->site_count; i++)
        if (rf_cert_is_for(s->site[i].leader, name))
            return s->site[i].ctx;
    return s->site[0].ctx;
}

/* --- client --- */

enum rf_err
rf_tls_client_new(struct rf_tls_client **out, const struct rf_tls_client_conf *conf, const char **why)
{
    struct rf_tls_client *c = calloc(1, sizeof *c);

    *why = "";
    if (c == NULL)
        return RF_ERR_NOMEM;
    rf_assert(conf->check != NULL);
    ERR_clear_error();
    atomic_init(&c->refs, 1);
    if (side_init(&c->side, conf->interface != NULL ? conf->interface : "", conf->level, conf->min_version,
                  conf->check, RF_TLS_ASK_REQUIRED, conf->ring) != RF_OK) {
        rf_tls_client_unref(c);
        return RF_ERR_NOMEM;
    }
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (c->ctx == NULL || !set_level(c->ctx, &c->side) ||
        SSL_CTX_set_session_id_context(c->ctx, c->side.digest, sizeof c->side.digest) != 1)
        *why = refused_level;
    else if (conf->cert != NULL && !use_cert(c->ctx, conf->cert))
        *why = refused_cert;
    if (**why != '\0') {
        rf_tls_client_unref(c);
        return RF_ERR_CRYPTO;
    }
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    rf_tls_conn_hook(c->ctx, false, true);
    if (conf->check->ocsp != RF_CHECK_OCSP_OFF && !rf_tls_conn_hook_status(c->ctx)) {
        rf_tls_client_unref(c);
        return RF_ERR_CRYPTO;
    }
    *out = c;
    return RF_OK;
}

struct rf_tls_client *
rf_tls_client_ref(struct rf_tls_client *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void
rf_tls_client_unref(struct rf_tls_client *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->ctx);
    side_fini(&c->side);
    free(c);
}

SSL_CTX *
rf_tls_client_ctx(const struct rf_tls_client *c)
{
    return c->ctx;
}

struct rf_tls_side *
rf_tls_client_side(struct rf_tls_client *c)
{
    return &c->side;
}

struct rf_tls_side *
rf_tls_server_side(struct rf_tls_server *s)
{
    return &s->side;
}

enum rf_tls_ask
rf_tls_server_ask(const struct rf_tls_server *s)
{
    return s->ask;
}
