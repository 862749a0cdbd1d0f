/*
 * tls/shake.c - what happens during a handshake: the hello is kept, the name chooses a certificate, the peer's
 * chain is judged, a ticket carries it, and what came out is noted
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "loop/loop.h"
#include "tls/inside.h"

struct rf_tls_side *
rf_tls_conn_side(const struct rf_tls_conn *c)
{
    return c->server != NULL ? rf_tls_server_side(c->server) : rf_tls_client_side(c->client);
}

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

/* ProtocolNameList with this one protocol (RFC 8737 3): length, length, name. */
static const char acme_alone[] = "\0\x0b\x0a" "acme-tls/1";
#define ACME_PROTOCOL      (acme_alone + 3)
#define ACME_PROTOCOL_SIZE 10

/* Show the authority's certificate instead of ours. false: nobody waits for its look. */
static bool
take_challenge(struct rf_tls_conn *c)
{
    struct rf_cert *cert = c->server != NULL
                               ? rf_tls_server_challenge(c->server, rf_span_str(c->shake->offer.server_name))
                               : NULL;

    if (cert == NULL)
        return false;
    SSL_certs_clear(c->ssl);
    c->is_challenge = SSL_use_certificate(c->ssl, rf_cert_leaf(cert)) == 1 &&
                      SSL_use_PrivateKey(c->ssl, rf_cert_key(cert)) == 1;
    SSL_set_verify(c->ssl, SSL_VERIFY_NONE, NULL);
    rf_cert_unref(cert);
    return c->is_challenge;
}

/* Only the challenge needs an application protocol named: whoever speaks HTTP or SIP gets no answer, and goes on. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *arg)
{
    const struct rf_tls_conn *c = SSL_get_app_data(ssl);

    if (c == NULL || !c->is_challenge)
        return SSL_TLSEXT_ERR_NOACK;
    *out = (const unsigned char *)ACME_PROTOCOL;
    *out_n = ACME_PROTOCOL_SIZE;
    return SSL_TLSEXT_ERR_OK;
}

bool
rf_tls_conn_is_challenge(const struct rf_tls_conn *c)
{
    return c->is_challenge;
}

static int
on_hello(SSL *ssl, int *alert, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    struct rf_tls_hello_parts parts = { 0 };
    const unsigned char *p;
    struct rf_span ignored;

    if (c == NULL || c->shake == NULL || c->shake->has_offer) /* has: the second hello after a retry */
        return SSL_CLIENT_HELLO_SUCCESS;
    parts.legacy_version = (int)SSL_client_hello_get0_legacy_version(ssl);
    parts.suites.n = SSL_client_hello_get0_ciphers(ssl, &p);
    parts.suites.p = (const char *)p;
    parts.has_versions = read_extension(ssl, TLSEXT_TYPE_supported_versions, &parts.versions);
    parts.has_groups = read_extension(ssl, TLSEXT_TYPE_supported_groups, &parts.groups);
    parts.has_sigalgs = read_extension(ssl, TLSEXT_TYPE_signature_algorithms, &parts.sigalgs);
    parts.asks_status = read_extension(ssl, TLSEXT_TYPE_status_request, &ignored);
    read_extension(ssl, TLSEXT_TYPE_server_name, &parts.server_name);
    read_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &parts.alpn);
    rf_tls_offer_read(&parts, &c->shake->offer);
    c->shake->has_offer = true;
    /* OpenSSL would still read the envelope of SSL 2 around a newer hello. Nothing of this century sends it, and
     * it has no extensions (RFC 8996, IPC-7). */
    if (SSL_client_hello_isv2(ssl)) {
        c->shake->offer.highest_version = SSL2_VERSION;
        c->shake->offer.fits = 0;
        c->failed_reason = SSL_R_UNSUPPORTED_PROTOCOL;
        *alert = SSL_AD_PROTOCOL_VERSION;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (rf_span_eq(parts.alpn, rf_span(acme_alone, sizeof acme_alone - 1)) && !take_challenge(c)) {
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }
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
    if (c->is_challenge)
        return SSL_TLSEXT_ERR_OK;
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
rf_tls_conn_saw_small_dh(const SSL *ssl, EVP_PKEY *key)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);

    if (c != NULL && c->shake != NULL && key != NULL)
        c->shake->dh_bits = (uint16_t)EVP_PKEY_get_bits(key);
}

/* The server wants a certificate of us, whether we have one or not. */
static int
on_cert_asked(SSL *ssl, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);

    if (c != NULL)
        c->is_asked = true;
    return 1;
}

/* And we have none. */
static int
on_cert_wanted(SSL *ssl, X509 **x, EVP_PKEY **key)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);

    if (c != NULL && c->shake != NULL)
        c->shake->cert_was_wanted = true;
    return 0;
}

/* --- the peer's certificate --- */

static struct rf_tls_question
question_of(const struct rf_tls_conn *c)
{
    struct rf_tls_question q = { .peer_is_server = c->client != NULL };

    if (c->client != NULL && c->shake != NULL)
        q.target = rf_span_str(c->shake->host);
    return q;
}

/* Nothing speaks against the peer but that its authority has not answered, and it is being asked. */
static bool
awaits_authority(const struct rf_tls_verdict *v)
{
    return v->refusal == RF_REFUSE_CERT_STATUS_UNKNOWN && v->report != NULL && v->report->is_ocsp_pending;
}

/* true: the handshake may go on, and is held at its end. */
static bool
hold(struct rf_tls_conn *c)
{
    if (!c->may_hold || !awaits_authority(&c->shake->verdict))
        return false;
    c->is_held = true;
    c->shake->held_us = rf_now_us();
    return true;
}

enum rf_err
rf_tls_shake_hold(struct rf_tls_conn *c)
{
    const struct rf_tls_side *side = rf_tls_conn_side(c);
    const struct rf_tls_question q = question_of(c);
    int code = rf_tls_judge_now(&side->check, &q, c->kept, &c->shake->verdict);

    if (awaits_authority(&c->shake->verdict) && rf_now_us() - c->shake->held_us < RF_TLS_HELD_MAX_US)
        return RF_ERR_AGAIN;
    c->is_held = false;
    return code == X509_V_OK || side->check.enforce == RF_TLS_ENFORCE_LATER ? RF_OK : RF_ERR_CRYPTO;
}

/* In place of OpenSSL's X509_verify_cert. */
static int
on_verify(X509_STORE_CTX *x, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    const struct rf_tls_side *side;
    struct rf_tls_question q;
    int code;

    rf_assert(c != NULL && c->shake != NULL);
    side = rf_tls_conn_side(c);
    q = question_of(c);
    q.ocsp_later = c->client != NULL; /* in TLS 1.2 a server's stapled answer comes behind its chain */
    free(c->kept);
    c->kept = rf_tls_kept_new(X509_STORE_CTX_get0_untrusted(x));
    if (c->kept == NULL) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    code = rf_tls_judge_now(&side->check, &q, c->kept, &c->shake->verdict);
    if (code != X509_V_OK && (hold(c) || side->check.enforce == RF_TLS_ENFORCE_LATER))
        code = X509_V_OK;
    X509_STORE_CTX_set_error(x, code);
    return code == X509_V_OK;
}

/*
 * Our side is the client, and all that the server sends before its Finished is there: its authority's answer too, if it
 * sent one along. OpenSSL's alert for a 0 is bad_certificate_status_response (RFC 6066 8).
 */
static int
on_server_status(SSL *ssl, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    const struct rf_tls_side *side;
    struct rf_tls_question q;
    unsigned char *p = NULL;
    long n = SSL_get_tlsext_status_ocsp_resp(ssl, &p);

    if (c == NULL || c->shake == NULL || c->kept == NULL)
        return 0;
    side = rf_tls_conn_side(c);
    q = question_of(c);
    q.staple_is_due = true; /* a full handshake: a resumed one has no place for it */
    if (n > 0)
        q.stapled = rf_span(p, (size_t)n);
    return rf_tls_judge_now(&side->check, &q, c->kept, &c->shake->verdict) == X509_V_OK || hold(c) ||
           side->check.enforce == RF_TLS_ENFORCE_LATER;
}

bool
rf_tls_conn_hook_status(SSL_CTX *ctx)
{
    return SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp) == 1 &&
           SSL_CTX_set_tlsext_status_cb(ctx, on_server_status) == 1;
}

/* --- tickets carry the chain --- */

static int
on_ticket_made(SSL *ssl, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    char octets[RF_TLS_TICKET_CHAIN_MAX];
    struct rf_buf b = rf_buf(octets, sizeof octets);

    if (c == NULL || c->kept == NULL || c->kept->count == 0)
        return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), "", 0);
    rf_tls_kept_put(c->kept, &b);
    /* A chain that long is shown again next time: on_ticket_read finds none. */
    if (b.overflow || c->kept->sent > c->kept->count)
        b.n = 0;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), b.p, b.n);
}

/* Is the peer of this session still welcome? Judged by today's settings, store and clock. */
static SSL_TICKET_RETURN
on_ticket_read(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_n,
               SSL_TICKET_STATUS status, void *arg)
{
    struct rf_tls_conn *c = SSL_get_app_data(ssl);
    bool renew = status == SSL_TICKET_SUCCESS_RENEW;
    const struct rf_tls_side *side;
    struct rf_tls_question q;
    struct rf_tls_kept *k;
    void *octets = NULL;
    size_t n = 0;
    int code;

    if ((status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) || c == NULL || c->shake == NULL)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    SSL_SESSION_get0_ticket_appdata(session, &octets, &n);
    if (n == 0) /* it showed no certificate then: where one is required it must now */
        return rf_tls_server_ask(c->server) == RF_TLS_ASK_REQUIRED || SSL_SESSION_get0_peer(session) != NULL
                   ? SSL_TICKET_RETURN_IGNORE_RENEW
               : renew ? SSL_TICKET_RETURN_USE_RENEW
                       : SSL_TICKET_RETURN_USE;
    k = rf_tls_kept_parse(rf_span(octets, n));
    if (k == NULL)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    side = rf_tls_conn_side(c);
    q = question_of(c);
    code = rf_tls_judge_now(&side->check, &q, k, &c->shake->verdict);
    if (code != X509_V_OK && side->check.enforce == RF_TLS_ENFORCE_HANDSHAKE) {
        free(k); /* a full handshake follows, which refuses it with its alert */
        rf_tls_verdict_fini(&c->shake->verdict);
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    free(c->kept);
    c->kept = k;
    return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/* Our side is the client: the session's server is judged anew too. */
bool
rf_tls_shake_may_resume(struct rf_tls_conn *c, SSL_SESSION *session)
{
    const struct rf_tls_side *side = rf_tls_conn_side(c);
    const char *was_for = SSL_SESSION_get0_hostname(session);
    struct rf_tls_question q = question_of(c);
    const unsigned char *context;
    STACK_OF(X509) * chain;
    unsigned n;
    bool may;

    context = SSL_SESSION_get0_id_context(session, &n);
    if (n != sizeof side->digest || memcmp(context, side->digest, n) != 0)
        return false;
    /* Of a server that was reached by address there is no name in the session, and none is wanted. */
    if (was_for != NULL && strcasecmp(was_for, c->shake->host) != 0)
        return false;
    if (SSL_set_session(c->ssl, session) != 1)
        return false;
    chain = SSL_get_peer_cert_chain(c->ssl);
    free(c->kept);
    c->kept = chain != NULL ? rf_tls_kept_new(chain) : NULL;
    may = c->kept != NULL && (rf_tls_judge_now(&side->check, &q, c->kept, &c->shake->verdict) == X509_V_OK ||
                              side->check.enforce == RF_TLS_ENFORCE_LATER);
    if (!may) {
        free(c->kept);
        c->kept = NULL;
        rf_tls_verdict_fini(&c->shake->verdict);
        SSL_set_session(c->ssl, NULL);
    }
    return may;
}

void
rf_tls_conn_hook(SSL_CTX *ctx, bool is_server, bool asks)
{
    SSL_CTX_set_info_callback(ctx, on_info);
    if (asks)
        SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
    if (!is_server) {
        SSL_CTX_set_cert_cb(ctx, on_cert_asked, NULL);
        SSL_CTX_set_client_cert_cb(ctx, on_cert_wanted);
        return;
    }
    SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    if (asks)
        SSL_CTX_set_session_ticket_cb(ctx, on_ticket_made, on_ticket_read, NULL);
}

/* --- why it failed --- */

static void
own_facts(const struct rf_tls_conn *c, struct rf_tls_own_facts *out)
{
    X509 *x = SSL_get_certificate(c->ssl);
    STACK_OF(X509) *extra = NULL;
    const char *name = c->shake != NULL ? c->shake->offer.server_name : "";
    int days = 0, seconds = 0;

    if (x == NULL)
        return;
    SSL_get0_chain_certs(c->ssl, &extra);
    out->is_self_signed = (X509_get_extension_flags(x) & EXFLAG_SS) != 0;
    out->sent_alone = !out->is_self_signed && sk_X509_num(extra) <= 0;
    out->is_expired = X509_cmp_current_time(X509_get0_notAfter(x)) < 0;
    out->is_not_yet_valid = X509_cmp_current_time(X509_get0_notBefore(x)) > 0;
    if (ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), NULL) == 1)
        out->is_young = days < 1;
    out->name_differs = name[0] != '\0' && X509_check_host(x, name, 0, 0, NULL) != 1;
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(x)) == EVP_PKEY_RSA)
        out->rsa_bits = EVP_PKEY_get_bits(X509_get0_pubkey(x));
}

void
rf_tls_conn_failure(const struct rf_tls_conn *c, struct rf_tls_failure *out)
{
    const struct rf_tls_side *side = rf_tls_conn_side(c);
    const SSL_CIPHER *suite = SSL_get_current_cipher(c->ssl);
    struct rf_tls_why w = {
        .we_are_server = c->server != NULL,
        .level_id = side->level,
        .level = rf_tls_level_row(side->level),
        .min_version = side->min_version,
        .reason = c->failed_reason,
        .alert_sent = c->alert_sent,
        .alert_received = c->alert_received,
        .saw_eof = c->saw_eof,
        /* OpenSSL's state names what came, also when it was too long to be read. */
        .is_certificate = SSL_get_state(c->ssl) == TLS_ST_SR_CERT || SSL_get_state(c->ssl) == TLS_ST_CR_CERT,
    };

    if (suite == NULL)
        suite = SSL_get_pending_cipher(c->ssl);
    if (suite != NULL) {
        w.suite = SSL_CIPHER_get_protocol_id(suite);
        w.version = SSL_version(c->ssl);
    }
    if (c->shake != NULL) {
        w.offer = c->shake->has_offer ? &c->shake->offer : NULL;
        w.verdict = &c->shake->verdict;
        w.cert_was_wanted = c->shake->cert_was_wanted;
        w.dh_bits = c->shake->dh_bits;
        w.gave_up = c->shake->gave_up[0] != '\0' ? c->shake->gave_up : NULL;
    }
    if (c->alert_received > 0)
        own_facts(c, &w.own);
    rf_tls_why_explain(&w, out);
    ERR_clear_error();
}

/* --- evidence --- */

static void
note_peer(const struct rf_tls_conn *c, struct rf_tls_event *e)
{
    const struct rf_tls_peer *p = &c->kept->peer;

    e->was_asked = p->was_asked;
    e->has_certificate = p->has_shown;
    e->is_accepted = p->is_accepted;
    e->check_level = p->level;
    e->first_failed = p->first_failed;
    e->passes_level = p->passes_level;
    e->not_after = p->not_after;
    memcpy(e->sha256, p->sha256, sizeof e->sha256);
}

struct rf_addr
rf_tls_peer_address(int fd)
{
    struct sockaddr_storage from;
    socklen_t n = sizeof from;

    if (getpeername(fd, (struct sockaddr *)&from, &n) == 0 &&
        (from.ss_family == AF_INET || from.ss_family == AF_INET6))
        return rf_addr_from((struct sockaddr *)&from);
    return (struct rf_addr){ 0 };
}

static void
note_shake(const struct rf_tls_conn *c, const struct rf_tls_shake *s, struct rf_tls_event *e)
{
    e->took_us = (uint32_t)(rf_now_us() - s->began_us);
    e->peer = s->peer;
    e->fits = s->offer.fits;
    snprintf(e->server_name, sizeof e->server_name, "%s", c->server != NULL ? s->offer.server_name : s->host);
    memcpy(e->subject, s->verdict.subject, sizeof e->subject);
}

/* `good`: it came up; otherwise it failed, be it late: in TLS 1.3 a server says no to our certificate afterwards. */
static void
note(struct rf_tls_conn *c, bool good)
{
    const struct rf_tls_side *side = rf_tls_conn_side(c);
    const struct rf_tls_shake *s = c->shake;
    const SSL_CIPHER *suite = SSL_get_current_cipher(c->ssl);
    struct rf_tls_event e = { 0 };

    if (c->has_failed)
        return;
    c->has_failed = !good;
    if (good)
        rf_tls_count_done(c, s != NULL ? rf_now_us() - s->began_us : 0);
    if (!good) {
        rf_tls_conn_failure(c, &e.failure);
        rf_tls_count_failed(c, &e.failure);
        e.failure.report = NULL; /* the event outlives it */
    }
    if (side->ring == NULL)
        return;
    e.wall_s = rf_wall_s();
    memcpy(e.interface, side->interface, sizeof e.interface);
    e.we_are_server = c->server != NULL;
    e.is_done = good;
    e.first_failed = RF_CHECK_RULE_COUNT;
    if (s != NULL)
        note_shake(c, s, &e);
    else
        e.peer = rf_tls_peer_address(SSL_get_fd(c->ssl));
    if (suite != NULL) {
        e.version = (uint16_t)SSL_version(c->ssl);
        e.suite = SSL_CIPHER_get_protocol_id(suite);
    }
    if (c->kept != NULL)
        note_peer(c, &e);
    if (c->is_done) {
        e.is_resumed = SSL_session_reused(c->ssl) == 1;
        e.group = rf_tls_group_number((int)SSL_get_negotiated_group(c->ssl));
    }
    rf_tls_ring_add(side->ring, &e, s != NULL && s->has_offer ? &s->offer : NULL);
}

struct rf_tls_shake *
rf_tls_shake_new(struct rf_tls_side *side)
{
    struct rf_tls_shake *s;

    if (side->spare_count == 0)
        return calloc(1, sizeof *s);
    s = side->spare[--side->spare_count];
    memset(s, 0, sizeof *s);
    return s;
}

void
rf_tls_shake_free(struct rf_tls_conn *c)
{
    struct rf_tls_side *side = rf_tls_conn_side(c);

    if (c->shake == NULL)
        return;
    rf_tls_verdict_fini(&c->shake->verdict);
    if (side->spare_count < RF_TLS_SPARES_MAX)
        side->spare[side->spare_count++] = c->shake;
    else
        free(c->shake);
    c->shake = NULL;
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

void
rf_tls_shake_done(struct rf_tls_conn *c)
{
    bool asks = c->client != NULL || (rf_tls_server_ask(c->server) != RF_TLS_ASK_OFF && !c->is_challenge);

    c->is_done = true;
    /* It was asked and showed none: neither a full handshake nor a ticket brought a chain. */
    if (asks &&
        (c->kept == NULL || (SSL_session_reused(c->ssl) != 1 && SSL_get0_peer_certificate(c->ssl) == NULL))) {
        free(c->kept);
        c->kept = calloc(1, sizeof *c->kept);
        if (c->kept != NULL) {
            struct rf_tls_peer *p = &c->kept->peer;

            p->was_asked = true;
            p->is_accepted = c->server != NULL && rf_tls_server_ask(c->server) == RF_TLS_ASK_OPTIONAL;
            p->level = rf_tls_conn_side(c)->check.level;
            p->first_failed = p->is_accepted ? RF_CHECK_RULE_COUNT : RF_CHECK_PRESENT;
            p->refusal = p->is_accepted ? RF_REFUSE_NONE : RF_REFUSE_CERT_MISSING;
        }
    }
    note(c, true);
    c->fits = c->shake != NULL && c->shake->has_offer ? c->shake->offer.fits : 0;
    forget_exchange(c->ssl);
    SSL_set_tlsext_status_ocsp_resp(c->ssl, NULL, 0);
    rf_tls_shake_free(c);
}

void
rf_tls_shake_failed(struct rf_tls_conn *c)
{
    note(c, false);
}
