#include "tls/conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls/why.h"

struct rf_tls_conn {
    SSL *ssl;
    struct rf_tls_server *server; /* one of the two */
    struct rf_tls_client *client;
    struct rf_tls_offer *hello; /* while a server's handshake lasts */
    int16_t alert_sent, alert_received;
    bool wants_write, is_done, saw_eof;
    int16_t failed_reason; /* ERR_GET_REASON of the handshake's failure */
};

/* --- ClientHello --- */

static bool
read_extension(SSL *ssl, unsigned type, struct rf_span *out)
{
    const unsigned char *p;
    size_t n;

    if (SSL_client_hello_get0_ext(ssl, type, &p, &n) != 1)
        return false;
    *out = rf_span(p, n);
    return true;
}

static int
on_hello(SSL *ssl, int *alert, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    struct rf_tls_hello_parts parts = { 0 };
    const unsigned char *p;
    struct rf_span ignored;

    if (c == NULL || c->server == NULL || c->hello != NULL) /* not NULL: the second hello after a retry */
        return SSL_CLIENT_HELLO_SUCCESS;
    c->hello = calloc(1, sizeof *c->hello);
    if (c->hello == NULL) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    parts.legacy_version = (int)SSL_client_hello_get0_legacy_version(ssl);
    parts.suites.n = SSL_client_hello_get0_ciphers(ssl, &p);
    parts.suites.p = (const char *)p;
    parts.has_versions = read_extension(ssl, TLSEXT_TYPE_supported_versions, &parts.versions);
    parts.has_groups = read_extension(ssl, TLSEXT_TYPE_supported_groups, &parts.groups);
    parts.has_sigalgs = read_extension(ssl, TLSEXT_TYPE_signature_algorithms, &parts.sigalgs);
    parts.asks_status = read_extension(ssl, TLSEXT_TYPE_status_request, &ignored);
    read_extension(ssl, TLSEXT_TYPE_server_name, &parts.server_name);
    read_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &parts.alpn);
    rf_tls_offer_read(&parts, c->hello);
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* A name that no certificate is for gets the first one: the client decides whether it likes it. */
static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *ctx;

    if (c == NULL || c->server == NULL || name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    ctx = rf_tls_server_ctx_for(c->server, rf_span_str(name));
    if (ctx != SSL_get_SSL_CTX(ssl))
        SSL_set_SSL_CTX(ssl, ctx);
    return SSL_TLSEXT_ERR_OK;
}

static void
on_info(const SSL *ssl, int where, int value)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);

    if (c == NULL || (where & SSL_CB_ALERT) == 0)
        return;
    if ((where & SSL_CB_READ) != 0)
        c->alert_received = (int16_t)(value & 0xff);
    else
        c->alert_sent = (int16_t)(value & 0xff);
}

void
rf_tls_conn_hook(SSL_CTX *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_info_callback(ctx, on_info);
}

/* --- life --- */

static struct rf_tls_conn *
conn_new(SSL_CTX *ctx, int fd)
{
    struct rf_tls_conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    ERR_clear_error();
    c->alert_sent = c->alert_received = -1;
    c->ssl = SSL_new(ctx);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) {
        SSL_free(c->ssl);
        free(c);
        return NULL;
    }
    SSL_set_app_data(c->ssl, c);
    return c;
}

enum rf_err
rf_tls_conn_accept(struct rf_tls_conn **out, struct rf_tls_server *s, int fd)
{
    struct rf_tls_conn *c = conn_new(rf_tls_server_ctx(s), fd);

    if (c == NULL)
        return RF_ERR_NOMEM;
    c->server = rf_tls_server_ref(s);
    SSL_set_accept_state(c->ssl);
    *out = c;
    return RF_OK;
}

enum rf_err
rf_tls_conn_connect(struct rf_tls_conn **out, struct rf_tls_client *client, int fd, struct rf_span host,
                    SSL_SESSION *resume)
{
    struct rf_tls_conn *c = conn_new(rf_tls_client_ctx(client), fd);
    struct rf_addr a;
    char name[256];
    bool set;

    if (c == NULL)
        return RF_ERR_NOMEM;
    c->client = rf_tls_client_ref(client);
    SSL_set_connect_state(c->ssl);
    if (rf_addr_parse(host, 0, &a) == RF_OK) {
        struct rf_buf b = rf_buf(name, sizeof name - 1);

        rf_put_host(&b, &a, false);
        name[b.n] = '\0';
        set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), name) == 1;
    } else {
        set = host.n > 0 && rf_span_copy(host, name, sizeof name) == RF_OK &&
              SSL_set_tlsext_host_name(c->ssl, name) == 1 && SSL_set1_host(c->ssl, name) == 1;
        SSL_set_hostflags(c->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    }
    if (set && resume != NULL)
        set = SSL_set_session(c->ssl, resume) == 1;
    if (!set) {
        rf_tls_conn_free(c);
        return RF_ERR_CRYPTO;
    }
    *out = c;
    return RF_OK;
}

void
rf_tls_conn_free(struct rf_tls_conn *c)
{
    if (c == NULL)
        return;
    /* Otherwise OpenSSL takes the session of a connection that just broke off for bad and never resumes it. */
    if (c->is_done)
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    rf_tls_server_unref(c->server);
    rf_tls_client_unref(c->client);
    free(c->hello);
    free(c);
}

/* What SSL_get_error says, as one of ours. OpenSSL's error queue is the thread's: it is read and emptied. */
static enum rf_err
outcome(struct rf_tls_conn *c, int result)
{
    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_NONE:
        return RF_OK;
    case SSL_ERROR_WANT_READ:
        c->wants_write = false;
        return RF_ERR_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->wants_write = true;
        return RF_ERR_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return RF_ERR_CLOSED;
    case SSL_ERROR_SYSCALL:
        c->saw_eof = true;
        ERR_clear_error();
        return RF_ERR_CLOSED;
    default:
        c->failed_reason = (int16_t)ERR_GET_REASON(ERR_peek_error());
        ERR_clear_error();
        if (c->failed_reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            c->saw_eof = true;
            return RF_ERR_CLOSED;
        }
        return RF_ERR_CRYPTO;
    }
}

enum rf_err
rf_tls_conn_handshake(struct rf_tls_conn *c)
{
    enum rf_err err;

    ERR_clear_error();
    err = outcome(c, SSL_do_handshake(c->ssl));
    if (err == RF_OK) {
        c->is_done = true;
        free(c->hello);
        c->hello = NULL;
    }
    return err == RF_ERR_CLOSED ? RF_ERR_CRYPTO : err;
}

bool
rf_tls_conn_wants_write(const struct rf_tls_conn *c)
{
    return c->wants_write;
}

/* --- failures --- */

void
rf_tls_conn_failure(const struct rf_tls_conn *c, struct rf_tls_failure *out)
{
    struct rf_tls_why w = { .we_are_server = c->server != NULL, .offer = c->hello, .reason = c->failed_reason,
                            .alert_sent = c->alert_sent, .alert_received = c->alert_received,
                            .saw_eof = c->saw_eof };
    long verify = SSL_get_verify_result(c->ssl);

    w.level = c->server != NULL ? rf_tls_server_level(c->server) : rf_tls_client_level(c->client);
    w.level_id = (enum rf_tls_level)(w.level - rf_tls_level_row(RF_TLS_OLD));
    w.min_version = w.level->min_version;
    rf_tls_why_explain(&w, out);
    if (c->client != NULL && verify != X509_V_OK)
        snprintf(out->reason, sizeof out->reason, "its certificate was refused: %s",
                 X509_verify_cert_error_string(verify));
}

/* --- use --- */

void
rf_tls_conn_facts(const struct rf_tls_conn *c, struct rf_tls_facts *out)
{
    int group = (int)SSL_get_negotiated_group(c->ssl);
    const char *name = group != 0 ? SSL_group_to_name(c->ssl, group) : NULL;

    out->version = rf_tls_version_name(SSL_version(c->ssl));
    out->cipher = SSL_get_cipher_name(c->ssl);
    out->resumed = SSL_session_reused(c->ssl) == 1;
    if (name == NULL)
        name = "";
    /* As the levels and RFC 8446 write them, not as OpenSSL does. */
    if (strcasecmp(name, "x25519") == 0)
        name = "X25519";
    else if (strcmp(name, "secp256r1") == 0 || strcmp(name, "prime256v1") == 0)
        name = "P-256";
    else if (strcmp(name, "secp384r1") == 0)
        name = "P-384";
    out->group = name;
}

enum rf_err
rf_tls_conn_read(struct rf_tls_conn *c, void *p, size_t cap, size_t *n)
{
    *n = 0;
    ERR_clear_error();
    return outcome(c, SSL_read_ex(c->ssl, p, cap, n));
}

bool
rf_tls_conn_has_pending(const struct rf_tls_conn *c)
{
    return SSL_has_pending(c->ssl) == 1;
}

enum rf_err
rf_tls_conn_write(struct rf_tls_conn *c, struct rf_span octets, size_t *n)
{
    *n = 0;
    ERR_clear_error();
    return outcome(c, SSL_write_ex(c->ssl, octets.p, octets.n, n));
}

void
rf_tls_conn_close(struct rf_tls_conn *c)
{
    ERR_clear_error();
    if (c->is_done)
        SSL_shutdown(c->ssl);
    ERR_clear_error();
}

SSL_SESSION *
rf_tls_conn_session(struct rf_tls_conn *c)
{
    return SSL_get1_session(c->ssl);
}
