#include "tls/context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tls/conn.h"

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
    enum rf_tls_level level;
    struct rf_tls_tickets *tickets;
    struct rf_tls_ticket_keys keys[2]; /* this period's and the one before; computed when needed */
    struct site *site;
    size_t site_count;
};

struct rf_tls_client {
    _Atomic uint32_t refs;
    enum rf_tls_level level;
    SSL_CTX *ctx;
};

/* --- tickets --- */

static const struct rf_tls_ticket_keys *
keys_of(struct rf_tls_server *s, int ago)
{
    struct rf_tls_ticket_keys *k = &s->keys[ago];

    if (!k->is_set || k->period != rf_tls_tickets_period(s->tickets) - ago)
        rf_tls_tickets_derive(s->tickets, ago, k);
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
set_level(SSL_CTX *ctx, const struct rf_tls_level_row *row)
{
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;

    if (row->server_order)
        options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
    SSL_CTX_set_options(ctx, options);
    /* Buffers of 16 kB each way only while something is in them: an idle phone must cost little. A record is
     * then read with its header in one system call. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* Debian's openssl.cnf sets its own floor first; what we say here replaces it. Security level 2 refuses DH
     * below 2048 bits and RSA below 2048, in both roles (TEL-13). */
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_dh_auto(ctx, 1);
    return SSL_CTX_set_min_proto_version(ctx, row->min_version) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, row->max_version) == 1 &&
           SSL_CTX_set_cipher_list(ctx, row->suites_12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, row->suites_13) == 1 &&
           SSL_CTX_set1_groups_list(ctx, row->groups) == 1;
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
set_tickets(SSL_CTX *ctx, const struct rf_tls_server *s, const char *interface)
{
    size_t n = strlen(interface);

    if (s->tickets == NULL) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ctx, 0) == 1;
    }
    SSL_CTX_set_timeout(ctx, rf_tls_tickets_period_s(s->tickets));
    /* One TLS 1.3 ticket instead of two: 5-10 % of a handshake, and phones keep one connection. */
    return SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key) == 1 &&
           SSL_CTX_set_session_id_context(ctx, (const unsigned char *)interface,
                                          (unsigned)(n < SSL_MAX_SID_CTX_LENGTH ? n
                                                                                : SSL_MAX_SID_CTX_LENGTH)) ==
               1;
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

static enum rf_err
add_cert(struct rf_tls_server *s, const struct rf_tls_server_conf *conf, struct rf_cert *c, const char **why)
{
    struct site *site = site_for(s, c);

    if (site == NULL) {
        site = &s->site[s->site_count];
        site->ctx = SSL_CTX_new(TLS_server_method());
        if (site->ctx == NULL)
            return RF_ERR_NOMEM;
        site->leader = rf_cert_ref(c);
        s->site_count++;
        SSL_CTX_set_app_data(site->ctx, s);
        if (!set_level(site->ctx, rf_tls_level_row(conf->level)) ||
            !set_tickets(site->ctx, s, conf->interface)) {
            *why = "OpenSSL does not know a suite or group of the level";
            return RF_ERR_CRYPTO;
        }
        rf_tls_conn_hook(site->ctx);
    }
    if (!use_cert(site->ctx, c)) {
        *why = "OpenSSL refuses the certificate or its key (too small, or an old signature)";
        return RF_ERR_CRYPTO;
    }
    return RF_OK;
}

enum rf_err
rf_tls_server_new(struct rf_tls_server **out, const struct rf_tls_server_conf *conf, const char **why)
{
    struct rf_tls_server *s = calloc(1, sizeof *s);
    enum rf_err err = RF_OK;

    *why = "";
    if (s == NULL)
        return RF_ERR_NOMEM;
    rf_assert(conf->cert_count >= 1);
    ERR_clear_error();
    atomic_init(&s->refs, 1);
    s->level = conf->level;
    s->tickets = conf->tickets != NULL ? rf_tls_tickets_ref(conf->tickets) : NULL;
    s->site = calloc(conf->cert_count, sizeof *s->site);
    if (s->site == NULL)
        err = RF_ERR_NOMEM;
    for (size_t i = 0; err == RF_OK && i < conf->cert_count; i++)
        err = add_cert(s, conf, conf->cert[i], why);
    if (err != RF_OK) {
        rf_tls_server_unref(s);
        return err;
    }
    *out = s;
    return RF_OK;
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
    free(s->site);
    rf_tls_tickets_unref(s->tickets);
    rf_wipe(s->keys, sizeof s->keys);
    free(s);
}

const struct rf_tls_level_row *
rf_tls_server_level(const struct rf_tls_server *s)
{
    return rf_tls_level_row(s->level);
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

static bool
add_roots(SSL_CTX *ctx, struct rf_span pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *b;
    X509 *x;
    int n = 0;

    if (pem.n == 0)
        return SSL_CTX_set_default_verify_paths(ctx) == 1;
    if (pem.n > RF_CERT_FILE_MAX)
        return false;
    b = BIO_new_mem_buf(pem.p, (int)pem.n);
    while (b != NULL && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert(store, x) == 1;
        X509_free(x);
    }
    BIO_free(b);
    return n > 0;
}

enum rf_err
rf_tls_client_new(struct rf_tls_client **out, const struct rf_tls_client_conf *conf, const char **why)
{
    struct rf_tls_client *c = calloc(1, sizeof *c);

    *why = "";
    if (c == NULL)
        return RF_ERR_NOMEM;
    ERR_clear_error();
    atomic_init(&c->refs, 1);
    c->level = conf->level;
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (c->ctx == NULL || !set_level(c->ctx, rf_tls_level_row(conf->level)))
        *why = "OpenSSL does not know a suite or group of the level";
    else if (!add_roots(c->ctx, conf->roots_pem))
        *why = "there is no usable root certificate";
    else if (conf->cert != NULL && !use_cert(c->ctx, conf->cert))
        *why = "OpenSSL refuses the certificate or its key (too small, or an old signature)";
    if (**why != '\0') {
        rf_tls_client_unref(c);
        return RF_ERR_CRYPTO;
    }
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    rf_tls_conn_hook(c->ctx);
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
    free(c);
}

SSL_CTX *
rf_tls_client_ctx(const struct rf_tls_client *c)
{
    return c->ctx;
}

const struct rf_tls_level_row *
rf_tls_client_level(const struct rf_tls_client *c)
{
    return rf_tls_level_row(c->level);
}
