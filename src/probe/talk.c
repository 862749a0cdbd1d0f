#include "probe/talk.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"
#include "net/socket.h"

#define CLOSE_WAIT_US                                                                                        \
    1500000u /* how long a close_notify is waited for: longer, and "it stays open" is the answer */
#define OTHER_NAME "not-your-name.invalid" /* RFC 6761: nobody has it */

/* --- sockets --- */

uint64_t
rf_probe_deadline(const struct rf_probe_target *t)
{
    uint64_t at = rf_now_us() + t->connection_us;

    return at < t->until_us ? at : t->until_us;
}

bool
rf_probe_wait(const struct rf_probe_target *t, int fd, short events, uint64_t until_us)
{
    struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = t->cancel_fd, .events = POLLIN}};

    for (;;) {
        uint64_t now = rf_now_us();
        int n;

        if (now >= until_us)
            return false;
        n = poll(p, t->cancel_fd > 0 ? 2 : 1, (int)((until_us - now + 999) / 1000));
        if (n > 0)
            return p[0].revents != 0;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

int
rf_probe_connect(const struct rf_probe_target *t, uint64_t until_us)
{
    int fd;

    if (rf_tcp_connect(&fd, &t->addr, NULL) != RF_OK)
        return -1;
    if (!rf_probe_wait(t, fd, POLLOUT, until_us)) {
        close(fd);
        errno = ETIMEDOUT;
        return -1;
    }
    if (rf_tcp_connected(fd) != RF_OK) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* --- one connection --- */

struct line {
    const struct rf_probe_target *t;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    uint64_t until_us;
    int alert; /* received; -1 none */
    bool was_closed, was_reset, timed_out, was_asked;
    char error[160];
    SSL_SESSION *session; /* the newest that came */
    size_t chain_n, chain_sent;
    X509 *chain[RF_PROBE_CHAIN_MAX];
    struct rf_probe_talk_facts *facts; /* NULL: nobody wants to know */
};

static struct line *
line_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static void
on_info(const SSL *ssl, int where, int value)
{
    struct line *l = line_of(ssl);

    if (l != NULL && (where & SSL_CB_ALERT) != 0 && (where & SSL_CB_READ) != 0)
        l->alert = value & 0xff;
}

/* In place of a verification: the certificates are kept, and all are taken. */
static int
on_verify(X509_STORE_CTX *x, void *arg)
{
    struct line *l = line_of(X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx()));
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(x);

    if (l->chain_n > 0) /* a renegotiation shows them again */
        return 1;
    l->chain_sent = (size_t)sk_X509_num(sent);
    for (int i = 0; i < sk_X509_num(sent) && l->chain_n < RF_PROBE_CHAIN_MAX; i++)
        if (X509_up_ref(sk_X509_value(sent, i)) == 1)
            l->chain[l->chain_n++] = sk_X509_value(sent, i);
    return 1;
}

/* Which keys and signatures a client's certificate may have (RFC 5246 7.4.4, RFC 8446 4.3.2). */
static void
take_wanted_kinds(SSL *ssl, struct rf_probe_talk_facts *out)
{
    static const char *const kinds[] = {
        [TLS_CT_RSA_SIGN] = "RSA", [TLS_CT_DSS_SIGN] = "DSA", [TLS_CT_ECDSA_SIGN] = "ECDSA"};
    struct rf_buf keys = rf_buf(out->wanted_keys, sizeof out->wanted_keys - 1);
    struct rf_buf signatures = rf_buf(out->wanted_signatures, sizeof out->wanted_signatures - 1);
    const unsigned char *types;
    size_t n = SSL_get0_certificate_types(ssl, &types);
    int count = SSL_get_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL);

    for (size_t i = 0; i < n && i < 8; i++) {
        const char *name = types[i] < sizeof kinds / sizeof *kinds ? kinds[types[i]] : NULL;

        if (name != NULL)
            rf_putf(&keys, "%s%s", keys.n > 0 ? " " : "", name);
    }
    for (int i = 0; i < count && i < 32; i++) {
        int sign = NID_undef, hash = NID_undef;

        (void)SSL_get_sigalgs(ssl, i, &sign, &hash, NULL, NULL, NULL);
        if (sign == NID_undef || signatures.n + 32 > sizeof out->wanted_signatures)
            continue;
        rf_putf(&signatures, "%s%s%s%s", signatures.n > 0 ? " " : "", OBJ_nid2sn(sign), hash != NID_undef ? "+" : "",
                hash != NID_undef ? OBJ_nid2sn(hash) : "");
    }
    out->wanted_keys[keys.n] = out->wanted_signatures[signatures.n] = '\0';
}

static int
on_cert_wanted(SSL *ssl, void *arg)
{
    struct line *l = line_of(ssl);
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);
    char text[512];

    l->was_asked = true;
    if (l->facts == NULL)
        return 1;
    take_wanted_kinds(ssl, l->facts);
    l->facts->ca_name_count = 0;
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
        if (l->facts->ca_name_count < RF_PROBE_CA_NAMES &&
            X509_NAME_oneline(sk_X509_NAME_value(names, i), text, sizeof text) != NULL)
            rf_probe_clean(l->facts->ca_name[l->facts->ca_name_count], sizeof l->facts->ca_name[0],
                           rf_span_str(text));
        if (l->facts->ca_name_count < UINT16_MAX)
            l->facts->ca_name_count++;
    }
    return 1;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    struct line *l = line_of(ssl);

    SSL_SESSION_free(l->session);
    l->session = session; /* 1: the reference is ours */
    return 1;
}

static bool
line_use_cert(SSL_CTX *ctx, const struct rf_cert *cert)
{
    if (cert == NULL)
        return true;
    if (SSL_CTX_use_certificate(ctx, rf_cert_leaf(cert)) != 1 || SSL_CTX_use_PrivateKey(ctx, rf_cert_key(cert)) != 1)
        return false;
    for (size_t i = 0; i < rf_cert_extra_count(cert); i++)
        if (SSL_CTX_add1_chain_cert(ctx, rf_cert_extra(cert, i)) != 1)
            return false;
    return true;
}

/*
 * A client that takes anything: all versions and suites that the library still has, whatever the system's own
 * policy is.
 */
static bool
line_init(struct line *l, const struct rf_probe_target *t, int min, int max)
{
    *l = (struct line){.t = t, .fd = -1, .alert = -1};
    l->ctx = SSL_CTX_new(TLS_client_method());
    if (l->ctx == NULL)
        return false;
    SSL_CTX_set_security_level(l->ctx, 0);
    SSL_CTX_set_options(l->ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    /* One message of the handshake at a time, so that endless ones meet the deadline. */
    SSL_CTX_clear_mode(l->ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(l->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_info_callback(l->ctx, on_info);
    SSL_CTX_set_cert_verify_callback(l->ctx, on_verify, NULL);
    SSL_CTX_set_verify(l->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_cb(l->ctx, on_cert_wanted, NULL);
    SSL_CTX_set_session_cache_mode(l->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(l->ctx, on_session);
    return line_use_cert(l->ctx, t->cert) && SSL_CTX_set_cipher_list(l->ctx, "ALL:!aNULL:@SECLEVEL=0") == 1 &&
           SSL_CTX_set_min_proto_version(l->ctx, min) == 1 && SSL_CTX_set_max_proto_version(l->ctx, max) == 1;
}

/* Ends the connection; context and session stay. */
static void
line_hang_up(struct line *l)
{
    /* Without goodbye the session would count as broken, at the server and here. */
    if (l->ssl != NULL && SSL_is_init_finished(l->ssl))
        (void)SSL_shutdown(l->ssl);
    if (l->ssl != NULL)
        SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(l->ssl);
    l->ssl = NULL;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    for (size_t i = 0; i < l->chain_n; i++)
        X509_free(l->chain[i]);
    l->chain_n = 0;
    ERR_clear_error();
}

static void
line_fini(struct line *l)
{
    line_hang_up(l);
    SSL_SESSION_free(l->session);
    SSL_CTX_free(l->ctx);
}

/* After a call of OpenSSL that did not succeed: wait and go on, or false and l->error is set. */
static bool
line_goes_on(struct line *l, int result)
{
    int saved = errno, why = SSL_get_error(l->ssl, result);
    unsigned long first = ERR_peek_error();
    const char *text;

    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        /* Without AUTO_RETRY this is said also while more is buffered. */
        if (why == SSL_ERROR_WANT_READ && SSL_has_pending(l->ssl) && rf_now_us() < l->until_us)
            return true;
        if (rf_probe_wait(l->t, l->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, l->until_us))
            return true;
        l->timed_out = true;
        snprintf(l->error, sizeof l->error, "no answer in time");
        return false;
    }
    l->was_closed = why == SSL_ERROR_ZERO_RETURN ||
                    ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
                    (why == SSL_ERROR_SYSCALL && first == 0);
    l->was_reset = why == SSL_ERROR_SYSCALL && saved == ECONNRESET;
    text = ERR_reason_error_string(first);
    if (l->alert > 0)
        snprintf(l->error, sizeof l->error, "it sent the alert %s", rf_tls_alert_name(l->alert));
    else if (l->was_closed)
        snprintf(l->error, sizeof l->error, "it closed the connection without an alert");
    else
        snprintf(l->error, sizeof l->error, "%s", text != NULL ? text : "the connection broke");
    ERR_clear_error();
    return false;
}

/* Connect and shake hands. `name` NULL: no SNI. */
static bool
line_open(struct line *l, const char *name, SSL_SESSION *resume)
{
    uint64_t began = rf_now_us();
    int n;

    l->until_us = rf_probe_deadline(l->t);
    l->alert = -1;
    l->error[0] = '\0';
    l->fd = rf_probe_connect(l->t, l->until_us);
    if (l->fd < 0) {
        snprintf(l->error, sizeof l->error, "%s", strerror(errno));
        return false;
    }
    if (l->facts != NULL)
        l->facts->connect_us = (uint32_t)(rf_now_us() - began);
    began = rf_now_us();
    l->ssl = SSL_new(l->ctx);
    if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1) {
        snprintf(l->error, sizeof l->error, "out of memory");
        return false;
    }
    SSL_set_app_data(l->ssl, l);
    if (name != NULL && name[0] != '\0')
        SSL_set_tlsext_host_name(l->ssl, name);
    SSL_set_tlsext_status_type(l->ssl, TLSEXT_STATUSTYPE_ocsp);
    if (resume != NULL)
        SSL_set_session(l->ssl, resume);
    ERR_clear_error();
    while ((n = SSL_connect(l->ssl)) != 1)
        if (!line_goes_on(l, n))
            return false;
    if (l->facts != NULL)
        l->facts->shake_us = (uint32_t)(rf_now_us() - began);
    return true;
}

static bool
line_write(struct line *l, struct rf_span octets)
{
    while (octets.n > 0) {
        size_t n;
        int r = SSL_write_ex(l->ssl, octets.p, octets.n, &n);

        if (r == 1)
            octets = rf_span_sub(octets, n, octets.n);
        else if (!line_goes_on(l, r))
            return false;
    }
    return true;
}

/* Ask OPTIONS or HEAD, and read until the answer is there, or the peer is done. */
static void
line_ask(struct line *l, struct rf_probe_talk_facts *out)
{
    char request[RF_PROBE_REQUEST_MAX], *mem = malloc(RF_PROBE_ANSWER_MAX);
    struct rf_buf b = rf_buf(request, sizeof request);
    struct rf_probe_request r = {.is_sip = l->t->is_sip,
                                 .transport = RF_PROBE_OVER_TLS,
                                 .host = l->t->host,
                                 .port = l->t->port,
                                 .uri = l->t->uri,
                                 .user = l->t->user,
                                 .local = rf_socket_local(l->fd)};
    uint64_t began = rf_now_us();
    size_t n = 0, got;
    bool is_over = mem == NULL;

    rf_probe_request_init(&r, &rf_rand_system);
    if (rf_probe_request_put(&b, &r) != RF_OK || !line_write(l, rf_buf_span(&b)))
        is_over = true;
    for (;;) {
        if (rf_probe_answer_read(&r, rf_span(mem, n), is_over, out) == RF_OK)
            break;
        if (n == RF_PROBE_ANSWER_MAX) {
            is_over = true;
            continue;
        }
        int result = SSL_read_ex(l->ssl, mem + n, RF_PROBE_ANSWER_MAX - n, &got);

        if (result == 1)
            n += got;
        else if (!line_goes_on(l, result))
            is_over = true;
    }
    free(mem);
    out->answer_us = (uint32_t)(rf_now_us() - began);
    if (out->answered == RF_PROBE_NO && n == 0 && l->error[0] != '\0')
        snprintf(out->not_answered, sizeof out->not_answered, "%.90s", l->error);
}

/* We say goodbye; does it, too? */
static enum rf_probe_close
line_close(struct line *l)
{
    char octets[4096];
    size_t n;
    uint64_t until = rf_now_us() + CLOSE_WAIT_US;

    if (l->was_closed || l->was_reset || l->alert > 0)
        return l->was_reset                      ? RF_CLOSE_RESET
               : l->alert == SSL_AD_CLOSE_NOTIFY ? RF_CLOSE_NOTIFY
                                                 : RF_CLOSE_FIN;
    l->until_us = until < l->until_us ? until : l->until_us;
    (void)SSL_shutdown(l->ssl);
    for (;;) {
        int r = SSL_read_ex(l->ssl, octets, sizeof octets, &n);

        if (r != 1 && (SSL_get_shutdown(l->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
            return RF_CLOSE_NOTIFY;
        if (r == 1 ? rf_now_us() < l->until_us : line_goes_on(l, r))
            continue;
        return l->was_reset ? RF_CLOSE_RESET : l->was_closed ? RF_CLOSE_FIN : RF_CLOSE_STAYS;
    }
}

/* --- what is read from it --- */

void
rf_probe_shown_fini(struct rf_probe_shown *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->chain[i].n; k++)
            X509_free(s->chain[i].x[k]);
    s->count = 0;
}

/* The certificates move to `s`. */
static void
take_chain(struct line *l, struct rf_probe_shown *s)
{
    if (l->chain_n == 0 || s->count == 2)
        return;
    s->chain[s->count].n = l->chain_n;
    s->chain[s->count].sent = l->chain_sent;
    memcpy(s->chain[s->count].x, l->chain, l->chain_n * sizeof *l->chain);
    s->count++;
    l->chain_n = 0;
}

static void
date_text(const ASN1_GENERALIZEDTIME *t, char to[static 16])
{
    struct tm tm;

    snprintf(to, 16, "?");
    if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1)
        snprintf(to, 16, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* The stapled OCSP answer, as it says; its signature is not checked. */
static void
read_staple(struct line *l, struct rf_probe_talk_facts *out)
{
    const unsigned char *p;
    long n = SSL_get_tlsext_status_ocsp_resp(l->ssl, &p);
    OCSP_RESPONSE *response = n > 0 ? d2i_OCSP_RESPONSE(NULL, &p, n) : NULL;
    OCSP_BASICRESP *basic = NULL;
    OCSP_SINGLERESP *one = NULL;
    ASN1_GENERALIZEDTIME *this = NULL, *next = NULL;
    char from[16], to[16];
    int status;

    out->has_staple = n > 0 ? RF_PROBE_YES : RF_PROBE_NO;
    if (n <= 0)
        return;
    if (response != NULL && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic != NULL)
        one = OCSP_resp_get0(basic, 0);
    if (one == NULL) {
        snprintf(out->staple, sizeof out->staple, "it cannot be read");
        out->staple_is_bad = true;
    } else {
        status = OCSP_single_get0_status(one, NULL, NULL, &this, &next);
        date_text(this, from);
        date_text(next, to);
        out->staple_is_bad =
            status != V_OCSP_CERTSTATUS_GOOD || (next != NULL && X509_cmp_current_time(next) < 0);
        snprintf(out->staple, sizeof out->staple, "%s, %s to %s", OCSP_cert_status_str(status), from, to);
    }
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
}

static void
read_settings(SSL *ssl, char version[static 12], char suite[static 48], char group[static 24])
{
    const char *name = NULL;
    int id = (int)SSL_get_negotiated_group(ssl);

    snprintf(version, 12, "TLS %s", rf_tls_version_name(SSL_version(ssl)));
    snprintf(suite, 48, "%s", SSL_get_cipher_name(ssl));
    if (id != 0)
        name = rf_tls_group_name(rf_tls_group_number(id));
    snprintf(group, 24, "%s", name != NULL ? name : "");
}

/* "RSA-PSS SHA256": by what the server signed the handshake; "" when RSA key exchange needs no signature. */
static void
read_signature(SSL *ssl, char to[static 32])
{
    int key, hash;

    if (SSL_get_peer_signature_type_nid(ssl, &key) == 1 && SSL_get_peer_signature_nid(ssl, &hash) == 1)
        snprintf(to, 32, "%s %s", OBJ_nid2sn(key), hash != NID_undef ? OBJ_nid2sn(hash) : "");
}

/* --- topics --- */

static unsigned
talk_main(const struct rf_probe_target *t, struct rf_probe_facts *f, struct rf_probe_shown *shown)
{
    struct rf_probe_talk_facts *out = &f->talk;
    struct line l;

    out->is_asked = true;
    if (!line_init(&l, t, TLS1_VERSION, TLS1_3_VERSION)) {
        line_fini(&l);
        return 0;
    }
    l.facts = out;
    out->is_up = line_open(&l, rf_probe_facts_name(f), NULL);
    if (l.chain_n > 0)
        (void)X509_digest(l.chain[0], EVP_sha256(), out->leaf_sha256, NULL);
    if (out->is_up) {
        read_settings(l.ssl, out->version, out->suite, out->group);
        read_signature(l.ssl, out->signature);
        read_staple(&l, out);
        line_ask(&l, out);
        out->close = line_close(&l);
    }
    snprintf(out->error, sizeof out->error, "%s", l.error);
    if (out->is_up || l.chain_n > 0 || l.was_asked)
        out->asks_certificate = l.was_asked ? RF_PROBE_YES : RF_PROBE_NO;
    if (l.was_asked && t->cert != NULL)
        out->takes_certificate = l.alert > 0 || !out->is_up ? RF_PROBE_NO : RF_PROBE_YES;
    else if (l.was_asked)
        out->needs_certificate = l.alert == SSL_AD_CERTIFICATE_REQUIRED ||
                                         l.alert == SSL_AD_BAD_CERTIFICATE || (!out->is_up && l.alert > 0)
                                     ? RF_PROBE_YES
                                     : RF_PROBE_NO;
    take_chain(&l, shown);
    line_fini(&l);
    return 1;
}

/* Does it have a second certificate, with a key of the other kind? */
static unsigned
talk_chains(const struct rf_probe_target *t, struct rf_probe_facts *f, struct rf_probe_shown *shown)
{
    static const char *const kinds[] = {
        "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA1",
        "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:ECDSA+SHA1",
    };
    struct line l;

    for (size_t i = 0; i < 2; i++) {
        if (line_init(&l, t, TLS1_2_VERSION, TLS1_3_VERSION) &&
            SSL_CTX_set1_sigalgs_list(l.ctx, kinds[i]) == 1)
            (void)line_open(&l, rf_probe_facts_name(f), NULL);
        take_chain(&l, shown);
        line_fini(&l);
    }
    return 2;
}

static unsigned
talk_name(const struct rf_probe_target *t, const struct rf_probe_facts *f, const char *name,
          struct rf_probe_name_facts *out)
{
    uint8_t digest[32];
    struct line l;

    out->is_asked = true;
    if (line_init(&l, t, TLS1_VERSION, TLS1_3_VERSION))
        out->is_up = line_open(&l, name, NULL);
    snprintf(out->error, sizeof out->error, "%s", l.error);
    if (l.chain_n > 0 && X509_digest(l.chain[0], EVP_sha256(), digest, NULL) == 1) {
        char text[512];

        out->same_certificate = memcmp(digest, f->talk.leaf_sha256, sizeof digest) == 0;
        if (X509_NAME_oneline(X509_get_subject_name(l.chain[0]), text, sizeof text) != NULL)
            rf_probe_clean(out->subject, sizeof out->subject, rf_span_str(text));
    }
    line_fini(&l);
    return 1;
}

static unsigned
talk_alpn(const struct rf_probe_target *t, struct rf_probe_facts *f)
{
    static const unsigned char https[] = "\2h2\10http/1.1", sip[] = "\5sip/2\10http/1.1";
    const unsigned char *chosen;
    unsigned n = 0;
    struct line l;

    if (line_init(&l, t, TLS1_VERSION, TLS1_3_VERSION) &&
        SSL_CTX_set_alpn_protos(l.ctx, t->is_sip ? sip : https,
                                (unsigned)(t->is_sip ? sizeof sip : sizeof https) - 1) == 0 &&
        line_open(&l, rf_probe_facts_name(f), NULL)) {
        SSL_get0_alpn_selected(l.ssl, &chosen, &n);
        rf_probe_clean(f->alpn, sizeof f->alpn, rf_span(chosen, n));
        f->alpn_asked = n > 0 ? RF_PROBE_YES : RF_PROBE_NO;
    }
    line_fini(&l);
    return 1;
}

/* Twice: with what the first gave. */
static unsigned
talk_resume(const struct rf_probe_target *t, const struct rf_probe_facts *f, int version, bool by_ticket,
            struct rf_probe_resume_facts *out)
{
    struct rf_probe_talk_facts *scratch = calloc(1, sizeof *scratch);
    SSL_SESSION *session;
    struct line l;
    unsigned made = 0;
    bool is_up = line_init(&l, t, version, version) && scratch != NULL;

    if (is_up && !by_ticket)
        SSL_CTX_set_options(l.ctx, SSL_OP_NO_TICKET);
    if (is_up) {
        is_up = line_open(&l, rf_probe_facts_name(f), NULL);
        made++;
    }
    if (is_up &&
        version == TLS1_3_VERSION) /* tickets come after the handshake: with the answer at the latest */
        line_ask(&l, scratch);
    if (is_up) {
        session = l.session;
        l.session = NULL;
        out->is_offered =
            session != NULL && SSL_SESSION_is_resumable(session) &&
                    (version == TLS1_3_VERSION || (SSL_SESSION_has_ticket(session) != 0) == by_ticket)
                ? RF_PROBE_YES
                : RF_PROBE_NO;
        line_hang_up(&l);
        if (out->is_offered == RF_PROBE_YES) {
            made++;
            out->is_resumed = line_open(&l, rf_probe_facts_name(f), session) && SSL_session_reused(l.ssl) == 1
                                  ? RF_PROBE_YES
                                  : RF_PROBE_NO;
        }
        SSL_SESSION_free(session);
    }
    line_fini(&l);
    free(scratch);
    return made;
}

static unsigned
talk_renegotiate(const struct rf_probe_target *t, struct rf_probe_facts *f)
{
    struct line l;

    if (line_init(&l, t, TLS1_VERSION, TLS1_2_VERSION) && line_open(&l, rf_probe_facts_name(f), NULL)) {
        f->renegotiates = RF_PROBE_NO;
        if (SSL_renegotiate(l.ssl) == 1) {
            int n;

            while ((n = SSL_do_handshake(l.ssl)) != 1)
                if (!line_goes_on(&l, n))
                    break;
            if (n == 1 && SSL_num_renegotiations(l.ssl) > 0 && SSL_renegotiate_pending(l.ssl) == 0)
                f->renegotiates = RF_PROBE_YES;
        }
    }
    line_fini(&l);
    return 1;
}

/* --- our own levels --- */

static void
talk_level(const struct rf_probe_target *t, const char *name, enum rf_tls_level level,
           struct rf_probe_level_facts *out)
{
    struct rf_tls_check check = {.level = RF_CHECK_NONE,
                                 .use = t->is_sip ? RF_CHECK_SIP : RF_CHECK_HTTPS,
                                 .enforce = RF_TLS_ENFORCE_LATER};
    struct rf_tls_client_conf conf = {.level = level, .check = &check, .cert = t->cert};
    struct rf_tls_client *client = NULL;
    struct rf_tls_conn *conn = NULL;
    struct rf_tls_facts facts;
    uint64_t until = rf_probe_deadline(t);
    const char *why;
    enum rf_err err;
    int fd;

    fd = rf_probe_connect(t, until);
    if (fd < 0)
        return;
    if (rf_tls_client_new(&client, &conf, &why) == RF_OK &&
        rf_tls_conn_connect(&conn, client, fd, rf_span_str(name), NULL) == RF_OK) {
        out->is_asked = true;
        while ((err = rf_tls_conn_handshake(conn)) == RF_ERR_AGAIN)
            if (!rf_probe_wait(t, fd, rf_tls_conn_wants_write(conn) ? POLLOUT : POLLIN, until)) {
                out->was_silent = true;
                rf_tls_conn_give_up(conn, "no answer in time");
                break;
            }
        out->is_up = err == RF_OK;
        if (out->is_up) {
            rf_tls_conn_facts(conn, &facts);
            snprintf(out->version, sizeof out->version, "TLS %s", facts.version);
            snprintf(out->suite, sizeof out->suite, "%s", facts.cipher);
            snprintf(out->group, sizeof out->group, "%s", facts.group);
        } else {
            rf_tls_conn_failure(conn, &out->failure);
            out->failure.report = NULL; /* it goes with the connection */
        }
    }
    rf_tls_conn_free(conn);
    rf_tls_client_unref(client);
    close(fd);
}

static unsigned
talk_levels(const struct rf_probe_target *t, struct rf_probe_facts *f)
{
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++)
        talk_level(t, f->name[0] != '\0' ? f->name : t->host, (enum rf_tls_level)i, &f->level[i]);
    return RF_TLS_LEVEL_COUNT;
}

unsigned
rf_probe_talk(const struct rf_probe_target *t, enum rf_probe_topic topic, struct rf_probe_facts *f,
              struct rf_probe_shown *shown)
{
    switch (topic) {
    case RF_TOPIC_TALK:
        return talk_main(t, f, shown);
    case RF_TOPIC_CHAINS:
        return talk_chains(t, f, shown);
    case RF_TOPIC_NO_NAME:
        return talk_name(t, f, NULL, &f->no_name);
    case RF_TOPIC_OTHER_NAME:
        return talk_name(t, f, OTHER_NAME, &f->other_name);
    case RF_TOPIC_ALPN:
        return talk_alpn(t, f);
    case RF_TOPIC_RESUME13:
        return talk_resume(t, f, TLS1_3_VERSION, true, &f->psk13);
    case RF_TOPIC_RESUME12:
        return talk_resume(t, f, TLS1_2_VERSION, true, &f->ticket12) +
               talk_resume(t, f, TLS1_2_VERSION, false, &f->id12);
    case RF_TOPIC_RENEGOTIATE:
        return talk_renegotiate(t, f);
    case RF_TOPIC_LEVELS:
        return talk_levels(t, f);
    default:
        return 0;
    }
}
