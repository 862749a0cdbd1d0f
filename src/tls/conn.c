#include "tls/conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "tls/inside.h"

/* --- life --- */

static struct rf_tls_conn *
conn_new(SSL_CTX *ctx, struct rf_tls_side *side, int fd)
{
    struct rf_tls_conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    ERR_clear_error();
    c->alert_sent = c->alert_received = -1;
    c->shake = rf_tls_shake_new(side);
    c->ssl = c->shake != NULL ? SSL_new(ctx) : NULL;
    if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) {
        SSL_free(c->ssl);
        free(c->shake);
        free(c);
        return NULL;
    }
    SSL_set_app_data(c->ssl, c);
    return c;
}

/* When it began, and for the ring with whom. */
static void
begin(struct rf_tls_conn *c, int fd)
{
    c->shake->began_us = rf_now_us();
    if (rf_tls_conn_side(c)->ring != NULL)
        c->shake->peer = rf_tls_peer_address(fd);
}

enum rf_err
rf_tls_conn_accept(struct rf_tls_conn **out, struct rf_tls_server *s, int fd)
{
    struct rf_tls_conn *c = conn_new(rf_tls_server_ctx(s), rf_tls_server_side(s), fd);

    if (c == NULL)
        return RF_ERR_NOMEM;
    c->server = rf_tls_server_ref(s);
    SSL_set_accept_state(c->ssl);
    begin(c, fd);
    *out = c;
    return RF_OK;
}

enum rf_err
rf_tls_conn_connect(struct rf_tls_conn **out, struct rf_tls_client *client, int fd, struct rf_span host,
                    SSL_SESSION *resume)
{
    struct rf_tls_conn *c = conn_new(rf_tls_client_ctx(client), rf_tls_client_side(client), fd);
    struct rf_addr a;

    if (c == NULL)
        return RF_ERR_NOMEM;
    c->client = rf_tls_client_ref(client);
    SSL_set_connect_state(c->ssl);
    if (host.n == 0 || rf_span_copy(host, c->shake->host, sizeof c->shake->host) != RF_OK ||
        (rf_addr_parse(host, 0, &a) != RF_OK && SSL_set_tlsext_host_name(c->ssl, c->shake->host) != 1)) {
        rf_tls_conn_free(c);
        return RF_ERR_CRYPTO;
    }
    if (resume != NULL)
        (void)rf_tls_shake_may_resume(c, resume); /* if not, the handshake is a full one */
    begin(c, fd);
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
    if (c->open_cell != NULL)
        rf_uncount(c->open_cell);
    SSL_free(c->ssl);
    rf_tls_shake_free(c);
    rf_tls_server_unref(c->server);
    rf_tls_client_unref(c->client);
    free(c->kept);
    free(c);
}

/* What SSL_get_error says, as one of ours. OpenSSL's error queue is the thread's: it is read and emptied. */
static enum rf_err
outcome(struct rf_tls_conn *c, int result)
{
    int reason;

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
        reason = ERR_GET_REASON(ERR_peek_error());
        ERR_clear_error();
        if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            c->saw_eof = true;
            return RF_ERR_CLOSED;
        }
        if (c->failed_reason == 0) /* a callback of ours may know better */
            c->failed_reason = (int16_t)reason;
        return RF_ERR_CRYPTO;
    }
}

enum rf_err
rf_tls_conn_handshake(struct rf_tls_conn *c)
{
    enum rf_err err;

    ERR_clear_error();
    err = outcome(c, SSL_do_handshake(c->ssl));
    if (err == RF_OK && c->is_held) {
        err = rf_tls_shake_hold(c);
        if (err == RF_ERR_CRYPTO)
            (void)SSL_shutdown(c->ssl);
    }
    if (err == RF_OK)
        rf_tls_shake_done(c);
    else if (err != RF_ERR_AGAIN)
        rf_tls_shake_failed(c);
    return err == RF_ERR_CLOSED ? RF_ERR_CRYPTO : err;
}

bool
rf_tls_conn_wants_write(const struct rf_tls_conn *c)
{
    return c->wants_write;
}

void
rf_tls_conn_may_hold(struct rf_tls_conn *c)
{
    c->may_hold = true;
}

bool
rf_tls_conn_is_held(const struct rf_tls_conn *c)
{
    return c->is_held && SSL_is_init_finished(c->ssl);
}

void
rf_tls_conn_give_up(struct rf_tls_conn *c, const char *reason)
{
    if (c->shake == NULL)
        return;
    snprintf(c->shake->gave_up, sizeof c->shake->gave_up, "%s", reason);
    rf_tls_shake_failed(c);
}

/* --- the peer --- */

const struct rf_tls_peer *
rf_tls_conn_peer(const struct rf_tls_conn *c)
{
    return c->kept != NULL ? &c->kept->peer : NULL;
}

enum rf_err
rf_tls_conn_judge(const struct rf_tls_conn *c, const struct rf_tls_check *check, struct rf_span target,
                  const struct rf_addr *source, struct rf_check_report *report)
{
    const struct rf_tls_question q = { .peer_is_server = c->client != NULL,
                                       .target = target,
                                       .source = source };

    if (check == NULL)
        check = &rf_tls_conn_side(c)->check;
    return rf_tls_judge(check, &q, c->kept, report);
}

size_t
rf_tls_conn_chain_count(const struct rf_tls_conn *c)
{
    return c->kept != NULL ? c->kept->count : 0;
}

struct rf_span
rf_tls_conn_chain(const struct rf_tls_conn *c, size_t i)
{
    rf_assert(c->kept != NULL);
    return rf_tls_kept_der(c->kept, i);
}

enum rf_err
rf_tls_conn_peer_facts(const struct rf_tls_conn *c, struct rf_cert_facts *out)
{
    const unsigned char *p;
    struct rf_span leaf;
    X509 *x;

    if (rf_tls_conn_chain_count(c) == 0)
        return RF_ERR_NOT_FOUND;
    leaf = rf_tls_conn_chain(c, 0);
    p = (const unsigned char *)leaf.p;
    x = d2i_X509(NULL, &p, (long)leaf.n);
    if (x == NULL)
        return RF_ERR_NOMEM;
    rf_cert_facts_read(x, out);
    X509_free(x);
    ERR_clear_error();
    return RF_OK;
}

/* --- use --- */

void
rf_tls_conn_facts(const struct rf_tls_conn *c, struct rf_tls_facts *out)
{
    const char *name = rf_tls_group_name(rf_tls_group_number((int)SSL_get_negotiated_group(c->ssl)));

    out->version = rf_tls_version_name(SSL_version(c->ssl));
    out->cipher = SSL_get_cipher_name(c->ssl);
    out->resumed = SSL_session_reused(c->ssl) == 1;
    out->group = name != NULL ? name : "";
    out->fits = c->fits;
    out->asks_certificate = c->is_asked;
}

bool
rf_tls_conn_wanted_authority(const struct rf_tls_conn *c, size_t i, char *to, size_t size)
{
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(c->ssl);
    BIO *b = NULL;
    int n = -1;

    if (c->client != NULL && i < (size_t)(sk_X509_NAME_num(names) > 0 ? sk_X509_NAME_num(names) : 0))
        b = BIO_new(BIO_s_mem());
    if (b != NULL && X509_NAME_print_ex(b, sk_X509_NAME_value(names, (int)i), 0, XN_FLAG_RFC2253) >= 0)
        n = BIO_read(b, to, (int)size - 1);
    to[n > 0 ? n : 0] = '\0';
    BIO_free(b);
    ERR_clear_error();
    return n > 0;
}

enum rf_err
rf_tls_conn_read(struct rf_tls_conn *c, void *p, size_t cap, size_t *n)
{
    enum rf_err err;

    *n = 0;
    ERR_clear_error();
    err = outcome(c, SSL_read_ex(c->ssl, p, cap, n));
    if (err == RF_ERR_CRYPTO)
        rf_tls_shake_failed(c);
    return err;
}

bool
rf_tls_conn_was_refused(const struct rf_tls_conn *c)
{
    return c->is_done && c->alert_received > 0;
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
