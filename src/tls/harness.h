/*
 * tls/harness.h - for the tests of this folder: certificates of any kind, and handshakes over socket pairs
 *
 * One side is ours, the other OpenSSL as it comes (or ours too).
 */
#ifndef RF_TLS_HARNESS_H
#define RF_TLS_HARNESS_H

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "loop/loop.h"
#include "tap.h"
#include "tls/conn.h"

/* --- certificates --- */

struct id {
    X509 *x;
    EVP_PKEY *key;
};

struct make {
    const char *cn, *san, *eku, *key_usage; /* as X509V3_EXT_conf takes them; NULL: without */
    int rsa_bits;                           /* 0: EC P-256 */
    int64_t from_s, to_s;                   /* relative to now; both 0: from an hour ago to a day ahead */
    bool is_ca;
    const EVP_MD *md;              /* NULL: SHA-256 */
    const char *extension, *value; /* one more, by OID: "critical,DER:0500" */
};

static void
add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = value != NULL ? X509V3_EXT_conf_nid(NULL, ctx, nid, value) : NULL;

    if (e != NULL)
        X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

/* A certificate, signed by `issuer`, or by itself when that is NULL. */
__attribute__((unused)) static struct id
make_id(const struct id *issuer, const struct make *m)
{
    static long serial = 100;
    struct id id = { X509_new(), m->rsa_bits > 0 ? EVP_RSA_gen((unsigned)m->rsa_bits) : EVP_EC_gen("P-256") };
    X509V3_CTX ctx;
    int64_t from_s = m->from_s == 0 && m->to_s == 0 ? -3600 : m->from_s;
    int64_t to_s = m->from_s == 0 && m->to_s == 0 ? 86400 : m->to_s;

    X509_set_version(id.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(id.x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(id.x), (long)from_s);
    X509_gmtime_adj(X509_getm_notAfter(id.x), (long)to_s);
    X509_set_pubkey(id.x, id.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(id.x), "CN", MBSTRING_ASC, (const unsigned char *)m->cn,
                               -1, -1, 0);
    X509_set_issuer_name(id.x, X509_get_subject_name(issuer != NULL ? issuer->x : id.x));
    X509V3_set_ctx(&ctx, issuer != NULL ? issuer->x : id.x, id.x, NULL, NULL, 0);
    add_extension(id.x, &ctx, NID_basic_constraints, m->is_ca ? "critical,CA:TRUE" : NULL);
    add_extension(id.x, &ctx, NID_key_usage,
                  m->key_usage != NULL ? m->key_usage
                  : m->is_ca           ? "critical,keyCertSign,cRLSign"
                                       : "digitalSignature,keyEncipherment");
    add_extension(id.x, &ctx, NID_subject_key_identifier, "hash");
    add_extension(id.x, &ctx, NID_subject_alt_name, m->san);
    add_extension(id.x, &ctx, NID_ext_key_usage, m->eku);
    if (m->extension != NULL) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, m->extension, m->value);

        rf_assert(e != NULL);
        X509_add_ext(id.x, e, -1);
        X509_EXTENSION_free(e);
    }
    rf_assert(X509_sign(id.x, issuer != NULL ? issuer->key : id.key, m->md != NULL ? m->md : EVP_sha256()) >
              0);
    return id;
}

__attribute__((unused)) static void
free_id(struct id *id)
{
    X509_free(id->x);
    EVP_PKEY_free(id->key);
}

/* As an interface shows it, with up to two intermediates. */
__attribute__((unused)) static struct rf_cert *
as_cert(const struct id *id, const struct id *above, const struct id *higher)
{
    BIO *chain = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
    struct rf_cert_problem problem;
    struct rf_cert *c = NULL;
    char *p, *q;
    long pn, qn;

    PEM_write_bio_X509(chain, id->x);
    if (above != NULL)
        PEM_write_bio_X509(chain, above->x);
    if (higher != NULL)
        PEM_write_bio_X509(chain, higher->x);
    PEM_write_bio_PrivateKey(key, id->key, NULL, NULL, 0, NULL, NULL);
    pn = BIO_get_mem_data(chain, &p);
    qn = BIO_get_mem_data(key, &q);
    rf_assert(rf_cert_from_pem(&c, rf_span(p, (size_t)pn), rf_span(q, (size_t)qn), &problem) == RF_OK);
    BIO_free(chain);
    BIO_free(key);
    return c;
}

__attribute__((unused)) static void
trust_add(struct rf_trust *t, const struct id *id)
{
    struct rf_cert_problem problem;
    unsigned char *der = NULL;
    int n = i2d_X509(id->x, &der);

    rf_assert(n > 0 && rf_trust_add(t, rf_span(der, (size_t)n), "test", false, &problem) == RF_OK);
    OPENSSL_free(der);
}

/* --- the other side --- */

__attribute__((unused)) static SSL_CTX *
other_side(bool is_server, const struct id *id, const struct id *above)
{
    SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (id != NULL)
        rf_assert(SSL_CTX_use_certificate(ctx, id->x) == 1 && SSL_CTX_use_PrivateKey(ctx, id->key) == 1);
    if (above != NULL)
        rf_assert(SSL_CTX_add1_chain_cert(ctx, above->x) == 1);
    return ctx;
}

/* --- a handshake --- */

struct duel {
    int fd[2]; /* ours, theirs */
    struct rf_tls_conn *ours;
    SSL *theirs;
    enum rf_err outcome; /* ours */
    struct rf_tls_failure failure;
    struct rf_tls_facts facts;
    bool is_up; /* both sides are content, also after what TLS 1.3 says late */
};

__attribute__((unused)) static void
duel_open(struct duel *d, struct rf_tls_server *s, struct rf_tls_client *c, const char *host, SSL_CTX *other)
{
    memset(d, 0, sizeof *d);
    d->outcome = RF_ERR_AGAIN;
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, d->fd) == 0);
    if (s != NULL)
        rf_assert(rf_tls_conn_accept(&d->ours, s, d->fd[0]) == RF_OK);
    else
        rf_assert(rf_tls_conn_connect(&d->ours, c, d->fd[0], rf_span_str(host), NULL) == RF_OK);
    d->theirs = SSL_new(other);
    SSL_set_fd(d->theirs, d->fd[1]);
    if (s != NULL) {
        if (host != NULL)
            SSL_set_tlsext_host_name(d->theirs, host);
        SSL_set_connect_state(d->theirs);
    } else {
        SSL_set_accept_state(d->theirs);
    }
}

__attribute__((unused)) static void
duel_run(struct duel *d)
{
    enum rf_err after = RF_ERR_AGAIN;
    bool over = false;
    int r = 0;
    size_t n;
    char octet;

    for (int i = 0; i < 30 && (d->outcome == RF_ERR_AGAIN || !over); i++) {
        if (!over) {
            r = SSL_do_handshake(d->theirs);
            over = r == 1 || SSL_get_error(d->theirs, r) != SSL_ERROR_WANT_READ;
            ERR_clear_error();
        }
        if (d->outcome == RF_ERR_AGAIN)
            d->outcome = rf_tls_conn_handshake(d->ours);
    }
    /* TLS 1.3: tickets, and the alert of who did not like the other's certificate, come late. */
    SSL_read(d->theirs, &octet, 1);
    ERR_clear_error();
    if (d->outcome == RF_OK) {
        after = rf_tls_conn_read(d->ours, &octet, 1, &n);
        rf_tls_conn_facts(d->ours, &d->facts);
    }
    d->is_up = d->outcome == RF_OK && r == 1 && after == RF_ERR_AGAIN;
    if (!d->is_up)
        rf_tls_conn_failure(d->ours, &d->failure);
}

__attribute__((unused)) static void
duel_close(struct duel *d)
{
    SSL_set_shutdown(d->theirs, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(d->theirs);
    rf_tls_conn_free(d->ours);
    close(d->fd[0]);
    close(d->fd[1]);
}

#endif
