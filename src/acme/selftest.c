#include "acme/selftest.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#define ROUNDS_MAX 20 /* a handshake takes 3 turns */

static SSL *
end_new(SSL_CTX *ctx, BIO *in, BIO *out, bool is_server)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL)
        return NULL;
    BIO_up_ref(in);
    BIO_up_ref(out);
    SSL_set_bio(ssl, in, out);
    if (is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

/* Is what the client saw what the server was to show? */
static bool
is_shown(SSL *client, struct rf_cert *c)
{
    X509 *peer = SSL_get0_peer_certificate(client);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(client);

    return peer != NULL && X509_cmp(peer, rf_cert_leaf(c)) == 0 &&
           (size_t)sk_X509_num(chain) == 1 + rf_cert_extra_count(c);
}

static enum rf_err
shake_hands(SSL_CTX *server_ctx, SSL_CTX *client_ctx, struct rf_cert *c, int version, const char *name)
{
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    SSL *server = NULL, *client = NULL;
    enum rf_err err = RF_ERR_CRYPTO;

    if (a != NULL && b != NULL) {
        server = end_new(server_ctx, a, b, true);
        client = end_new(client_ctx, b, a, false);
    }
    if (server != NULL && client != NULL && SSL_set_min_proto_version(client, version) == 1 &&
        SSL_set_max_proto_version(client, version) == 1 &&
        (name == NULL || SSL_set_tlsext_host_name(client, name) == 1)) {
        int done_a = 0, done_b = 0;

        for (int i = 0; i < ROUNDS_MAX && !(done_a == 1 && done_b == 1); i++) {
            done_a = SSL_do_handshake(client);
            done_b = SSL_do_handshake(server);
        }
        if (done_a == 1 && done_b == 1 && is_shown(client, c))
            err = RF_OK;
    }
    SSL_free(server);
    SSL_free(client);
    BIO_free(a);
    BIO_free(b);
    ERR_clear_error();
    return err;
}

static bool
show(SSL_CTX *ctx, struct rf_cert *c)
{
    if (SSL_CTX_use_certificate(ctx, rf_cert_leaf(c)) != 1 || SSL_CTX_use_PrivateKey(ctx, rf_cert_key(c)) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return false;
    for (size_t i = 0; i < rf_cert_extra_count(c); i++)
        if (SSL_CTX_add1_chain_cert(ctx, rf_cert_extra(c, i)) != 1)
            return false;
    return true;
}

enum rf_err
rf_acme_selftest(struct rf_cert *c, char *why, size_t why_size)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    const struct rf_cert_facts *f = rf_cert_facts(c);
    SSL_CTX *server = SSL_CTX_new(TLS_server_method()), *client = SSL_CTX_new(TLS_client_method());
    enum rf_err err = server != NULL && client != NULL && show(server, c) ? RF_OK : RF_ERR_CRYPTO;

    if (err)
        snprintf(why, why_size, "OpenSSL does not take the certificate or its key");
    /* Who may vouch for it is the business of those who connect; that we can show it is ours. */
    if (!err)
        SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
    for (size_t i = 0; !err && i < f->san_count; i++)
        for (size_t v = 0; !err && v < sizeof versions / sizeof *versions; v++) {
            const char *name = f->san[i].kind == RF_SAN_DNS ? f->san[i].text : NULL;

            err = shake_hands(server, client, c, versions[v], name);
            if (err)
                snprintf(why, why_size, "a handshake with it for %s fails", f->san[i].text);
        }
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    ERR_clear_error();
    return err;
}
