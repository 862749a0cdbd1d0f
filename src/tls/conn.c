#include "tls/conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct rf_tls_conn {
    SSL *ssl;
    struct rf_tls_server *server; /* one of the two */
    struct rf_tls_client *client;
    struct rf_tls_hello *hello; /* while a server's handshake lasts */
    int16_t alert_sent, alert_received;
    bool wants_write, is_done, saw_eof;
    int16_t failed_reason; /* ERR_GET_REASON of the handshake's failure */
};

/* --- ClientHello --- */

/* Values that are no suites: TLS_FALLBACK_SCSV, the renegotiation SCSV, GREASE (RFC 8701). */
static bool
is_signalling(unsigned id)
{
    return id == 0x5600 || id == 0x00ff || ((id & 0x0f0f) == 0x0a0a && (id >> 8) == (id & 0xff));
}

static void
read_suites(SSL *ssl, struct rf_tls_hello *h)
{
    STACK_OF(SSL_CIPHER) *ours = SSL_get_ciphers(ssl);
    const unsigned char *p;
    size_t n = SSL_client_hello_get0_ciphers(ssl, &p);

    for (size_t i = 0; i + 1 < n; i += 2) {
        unsigned id = (unsigned)p[i] << 8 | p[i + 1];
        const SSL_CIPHER *known;

        if (is_signalling(id))
            continue;
        if (h->suite_count < UINT16_MAX)
            h->suite_count++;
        known = SSL_CIPHER_find(ssl, p + i);
        if (known == NULL)
            continue;
        if (h->first_suite[0] == '\0')
            snprintf(h->first_suite, sizeof h->first_suite, "%s", SSL_CIPHER_get_name(known));
        if (sk_SSL_CIPHER_find(ours, (SSL_CIPHER *)(uintptr_t)known) >= 0)
            h->shares_suite = true;
    }
}

static void
read_versions(SSL *ssl, struct rf_tls_hello *h)
{
    const unsigned char *p;
    size_t n;

    h->highest_version = (int)SSL_client_hello_get0_legacy_version(ssl);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p, &n) != 1 || n < 1)
        return;
    h->highest_version = 0;
    for (size_t i = 1; i + 1 < n; i += 2) {
        int v = p[i] << 8 | p[i + 1];

        if (!is_signalling((unsigned)v) && v <= TLS1_3_VERSION && v > h->highest_version)
            h->highest_version = v;
    }
}

/* Group numbers of RFC 8446 4.2.7 that the levels name. */
static bool
group_is_ours(const char *groups, unsigned id)
{
    return (id == 29 && strstr(groups, "X25519") != NULL) || (id == 23 && strstr(groups, "P-256") != NULL) ||
           (id == 24 && strstr(groups, "P-384") != NULL);
}

static void
read_groups(SSL *ssl, const char *ours, struct rf_tls_hello *h)
{
    const unsigned char *p;
    size_t n;

    /* Without the extension a TLS 1.2 client takes any group (RFC 8422 4). */
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_groups, &p, &n) != 1) {
        h->shares_group = true;
        return;
    }
    for (size_t i = 2; i + 1 < n; i += 2)
        if (group_is_ours(ours, (unsigned)p[i] << 8 | p[i + 1]))
            h->shares_group = true;
}

/* ServerNameList of RFC 6066 3: length, then type 0, length, name. */
static void
read_server_name(SSL *ssl, struct rf_tls_hello *h)
{
    const unsigned char *p;
    size_t n, len;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1 || n < 5 || p[2] != 0)
        return;
    len = (size_t)p[3] << 8 | p[4];
    if (len > n - 5 || rf_span_copy(rf_span(p + 5, len), h->server_name, sizeof h->server_name) != RF_OK)
        h->server_name[0] = '\0';
}

static int
on_hello(SSL *ssl, int *alert, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    struct rf_tls_hello *h;

    if (c == NULL || c->server == NULL || c->hello != NULL) /* not NULL: the second hello after a retry */
        return SSL_CLIENT_HELLO_SUCCESS;
    h = c->hello = calloc(1, sizeof *h);
    if (h == NULL) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    read_versions(ssl, h);
    read_suites(ssl, h);
    read_groups(ssl, rf_tls_server_level(c->server)->groups, h);
    read_server_name(ssl, h);
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

static void
empty(EVP_PKEY *key)
{
    /* Frees and wipes what the shell holds, then complains that there is no such type. */
    EVP_PKEY_set_type(key, EVP_PKEY_NONE);
    EVP_PKEY_free(key);
}

/* OpenSSL keeps the keys of the key exchange as long as the connection. Nobody needs them any more: what cannot be
 * found in memory later cannot open what was recorded before, and an idle phone costs 400 octets less. */
static void
forget_exchange(SSL *ssl)
{
    EVP_PKEY *key = NULL;

    if (SSL_get_tmp_key(ssl, &key) == 1)
        empty(key);
    key = NULL;
    if (SSL_get_peer_tmp_key(ssl, &key) == 1)
        empty(key);
    ERR_clear_error();
}

enum rf_err
rf_tls_conn_handshake(struct rf_tls_conn *c)
{
    enum rf_err err;

    ERR_clear_error();
    err = outcome(c, SSL_do_handshake(c->ssl));
    if (err == RF_OK) {
        c->is_done = true;
        forget_exchange(c->ssl);
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

static const struct {
    int number;
    const char *name, *meaning;
    bool about_our_certificate;
} alerts[] = {
    { SSL_AD_CLOSE_NOTIFY, "close_notify", "it closed the connection", false },
    { SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message", "it got a message out of order", false },
    { SSL_AD_BAD_RECORD_MAC, "bad_record_mac", "a record failed authentication", false },
    { SSL_AD_HANDSHAKE_FAILURE, "handshake_failure", "it found no settings in common and did not say which",
      false },
    { SSL_AD_BAD_CERTIFICATE, "bad_certificate", "our certificate looks broken or is for another name",
      true },
    { SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported_certificate", "it does not know our kind of certificate",
      true },
    { SSL_AD_CERTIFICATE_REVOKED, "certificate_revoked", "it takes our certificate for revoked", true },
    { SSL_AD_CERTIFICATE_EXPIRED, "certificate_expired",
      "our certificate is not valid at the time of its clock", true },
    { SSL_AD_CERTIFICATE_UNKNOWN, "certificate_unknown",
      "it does not accept our certificate and did not say why", true },
    { SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter", "it found a value out of range", false },
    { SSL_AD_UNKNOWN_CA, "unknown_ca", "it does not know the issuer", true },
    { SSL_AD_ACCESS_DENIED, "access_denied", "it denies access", true },
    { SSL_AD_DECODE_ERROR, "decode_error", "it could not read a message", false },
    { SSL_AD_DECRYPT_ERROR, "decrypt_error", "a signature or key failed its check", false },
    { SSL_AD_PROTOCOL_VERSION, "protocol_version", "it does not speak our TLS versions", false },
    { SSL_AD_INSUFFICIENT_SECURITY, "insufficient_security", "it wants stronger suites", false },
    { SSL_AD_INTERNAL_ERROR, "internal_error", "it had an error of its own", false },
    { SSL_AD_USER_CANCELLED, "user_canceled", "it gave up", false },
    { SSL_AD_NO_RENEGOTIATION, "no_renegotiation", "it does not renegotiate", false },
    { SSL_AD_MISSING_EXTENSION, "missing_extension", "it misses an extension", false },
    { SSL_AD_UNRECOGNIZED_NAME, "unrecognized_name", "it has no certificate for the name we asked for",
      false },
};

static size_t
alert_row(int alert)
{
    size_t i = 0;

    while (i < sizeof alerts / sizeof *alerts && alerts[i].number != alert)
        i++;
    return i;
}

const char *
rf_tls_alert_name(int alert)
{
    size_t i = alert_row(alert);

    return i < sizeof alerts / sizeof *alerts ? alerts[i].name : "an unknown alert";
}

/* The peer ended it with an alert: about our certificate, or something else. */
static void
failed_by_peer(const struct rf_tls_conn *c, struct rf_tls_failure *out)
{
    size_t i = alert_row(c->alert_received);

    out->refusal = RF_REFUSE_TLS_FAILED;
    if (i == sizeof alerts / sizeof *alerts) {
        snprintf(out->reason, sizeof out->reason, "it sent alert %d", c->alert_received);
        return;
    }
    if (alerts[i].about_our_certificate)
        out->refusal = RF_REFUSE_CERT_REFUSED_BY_PEER;
    snprintf(out->reason, sizeof out->reason, "%s (alert %s)", alerts[i].meaning, alerts[i].name);
}

/* We ended it, as the server: the hello says what was missing. */
static enum rf_refusal
failed_by_hello(const struct rf_tls_conn *c, const struct rf_tls_level_row *level)
{
    const struct rf_tls_hello *h = c->hello;

    if (h == NULL)
        return RF_REFUSE_TLS_FAILED;
    if (h->highest_version < level->min_version)
        return RF_REFUSE_TLS_VERSION;
    if (c->failed_reason == SSL_R_NO_SUITABLE_KEY_SHARE || c->failed_reason == SSL_R_NO_SHARED_CIPHER ||
        c->failed_reason == SSL_R_NO_SHARED_GROUPS) {
        if (!h->shares_group && h->shares_suite)
            return RF_REFUSE_TLS_NO_GROUP;
        return RF_REFUSE_TLS_NO_CIPHER;
    }
    return RF_REFUSE_TLS_FAILED;
}

void
rf_tls_conn_failure(const struct rf_tls_conn *c, struct rf_tls_failure *out)
{
    const struct rf_tls_level_row *level =
        c->server != NULL ? rf_tls_server_level(c->server) : rf_tls_client_level(c->client);
    long verify = SSL_get_verify_result(c->ssl);
    const char *why;

    memset(out, 0, sizeof *out);
    out->alert_sent = c->alert_sent;
    out->alert_received = c->alert_received;
    if (c->hello != NULL)
        out->hello = *c->hello;
    snprintf(out->version, sizeof out->version, "TLS %s",
             c->hello != NULL ? rf_tls_version_name(c->hello->highest_version) : "unknown");
    snprintf(out->min, sizeof out->min, "%s", rf_tls_version_name(level->min_version));
    if (c->alert_received > 0) {
        failed_by_peer(c, out);
        return;
    }
    if (c->saw_eof) {
        out->refusal = RF_REFUSE_TLS_CLOSED;
        return;
    }
    out->refusal = c->server != NULL ? failed_by_hello(c, level) : RF_REFUSE_TLS_FAILED;
    why = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, c->failed_reason));
    if (c->client != NULL && verify != X509_V_OK)
        snprintf(out->reason, sizeof out->reason, "its certificate was refused: %s",
                 X509_verify_cert_error_string(verify));
    else
        snprintf(out->reason, sizeof out->reason, "%s", why != NULL ? why : "a fault in the record layer");
}

void
rf_tls_failure_refuse(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener)
{
    char text[RF_ADDR_TEXT_MAX];
    struct rf_log_field fields[] = {
        RF_F_STR("peer", rf_addr_text(peer, text)),
        RF_F_STR("listener", listener),
        RF_F_STR("version", f->version),
        RF_F_STR("min", f->min),
        RF_F_STR("reason", f->reason),
        RF_F_U64("suites", f->hello.suite_count),
        RF_F_STR("first_suite", f->hello.first_suite),
        RF_F_STR("server_name", f->hello.server_name),
        RF_F_STR("alert_sent", f->alert_sent >= 0 ? rf_tls_alert_name(f->alert_sent) : ""),
        RF_F_STR("alert_received", f->alert_received >= 0 ? rf_tls_alert_name(f->alert_received) : ""),
        { 0 },
    };

    rf_refuse(f->refusal, fields);
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

long
rf_tls_conn_verify_result(const struct rf_tls_conn *c)
{
    return SSL_get_verify_result(c->ssl);
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
