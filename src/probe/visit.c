#include "probe/visit.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"
#include "net/socket.h"

struct visit {
    const struct rf_probe_target *t;
    const struct rf_tls_check *check;
    struct rf_tls_conn *conn;
    int fd;
    uint64_t until_us;
    struct rf_probe_visit *out;
};

/* After RF_ERR_AGAIN; false: the time is up. */
static bool
wait(const struct visit *v)
{
    return rf_probe_wait(v->t, v->fd, rf_tls_conn_wants_write(v->conn) ? POLLOUT : POLLIN, v->until_us);
}

/* --- what was seen of the handshake, also of one that failed --- */

static void
take_chain(const struct visit *v)
{
    struct rf_probe_chain *c = &v->out->chain;
    size_t n = rf_tls_conn_chain_count(v->conn);

    c->sent = (uint16_t)n;
    for (size_t i = 0; i < n && i < RF_PROBE_CHAIN_MAX; i++) {
        struct rf_span der = rf_tls_conn_chain(v->conn, i);
        const unsigned char *p = (const unsigned char *)der.p;
        X509 *x = d2i_X509(NULL, &p, (long)der.n);

        if (x == NULL)
            break;
        c->x[c->count++] = x;
    }
    if (c->count > 0)
        (void)X509_digest(c->x[0], EVP_sha256(), c->sha256, NULL);
    memcpy(v->out->sha256, c->sha256, sizeof v->out->sha256);
    ERR_clear_error();
}

/* What it asked of us. A server that resumes nothing and asks for a certificate says so in every handshake. */
static void
take_facts(const struct visit *v)
{
    struct rf_probe_visit *out = v->out;
    struct rf_tls_facts facts;
    char text[512];

    rf_tls_conn_facts(v->conn, &facts);
    out->asks_certificate = facts.asks_certificate;
    snprintf(out->version, sizeof out->version, "TLS %s", facts.version);
    snprintf(out->suite, sizeof out->suite, "%s", facts.cipher);
    snprintf(out->group, sizeof out->group, "%s", facts.group);
    while (out->asks_certificate && out->authority_count < RF_PROBE_CA_NAMES &&
           rf_tls_conn_wanted_authority(v->conn, out->authority_count, text, sizeof text)) {
        rf_probe_clean(out->authority[out->authority_count], sizeof out->authority[0], rf_span_str(text));
        out->authority_count++;
    }
}

static void
take_failure(const struct visit *v)
{
    struct rf_probe_visit *out = v->out;
    struct rf_buf sentence = rf_buf(out->sentence, sizeof out->sentence - 1);
    struct rf_buf fix = rf_buf(out->fix, sizeof out->fix - 1);
    struct rf_buf causes = rf_buf(out->causes, sizeof out->causes - 1);
    struct rf_tls_failure f;

    rf_tls_conn_failure(v->conn, &f);
    rf_tls_failure_text(&f, &v->t->addr, "", &sentence, &fix);
    for (size_t i = 0; i < f.cause_count; i++)
        rf_putf(&causes, "%s%s", i > 0 ? "; " : "", rf_tls_cause_text((enum rf_tls_cause)f.cause[i]));
    out->is_up = false;
    out->refusal = f.refusal;
    out->sentence[sentence.n] = out->fix[fix.n] = out->causes[causes.n] = '\0';
    if (f.report != NULL && out->report == NULL && (out->report = malloc(sizeof *out->report)) != NULL)
        memcpy(out->report, f.report, sizeof *out->report);
}

/*
 * Each line of the verdict, once the handshake has accepted it. What the server sent along of its authority is gone by
 * then: when only that is missing now, it is left out.
 */
static void
take_verdict(const struct visit *v)
{
    struct rf_check_report *r = malloc(sizeof *r);
    struct rf_tls_check check = *v->check;
    struct rf_span host = rf_span_str(v->t->host);
    enum rf_err err = r != NULL ? rf_tls_conn_judge(v->conn, &check, host, &v->t->addr, r) : RF_ERR_NOMEM;

    check.ocsp = RF_CHECK_OCSP_OFF;
    if (!err && r->refusal == RF_REFUSE_CERT_STATUS_UNKNOWN)
        err = rf_tls_conn_judge(v->conn, &check, host, &v->t->addr, r);
    if (!err)
        v->out->report = r;
    else
        free(r);
}

static bool
shake(struct visit *v)
{
    uint64_t began = rf_now_us();
    enum rf_err err;

    while ((err = rf_tls_conn_handshake(v->conn)) == RF_ERR_AGAIN)
        if (!wait(v)) {
            rf_tls_conn_give_up(v->conn, "no answer in time");
            break;
        }
    v->out->shake_us = (uint32_t)(rf_now_us() - began);
    v->out->is_up = err == RF_OK;
    take_chain(v);
    return v->out->is_up;
}

/* --- OPTIONS --- */

static enum rf_err
write_all(struct visit *v, struct rf_span octets)
{
    enum rf_err err = RF_OK;

    while (octets.n > 0) {
        size_t n = 0;

        err = rf_tls_conn_write(v->conn, octets, &n);
        octets = rf_span_sub(octets, n, octets.n);
        if (err == RF_ERR_AGAIN && wait(v))
            continue;
        if (err)
            break;
    }
    return err;
}

/* One read; false: nothing more will come. */
static bool
read_some(struct visit *v, char *to, size_t cap, size_t *n)
{
    for (;;) {
        enum rf_err err = rf_tls_conn_read(v->conn, to, cap, n);

        if (err == RF_OK)
            return true;
        if (err != RF_ERR_AGAIN || !wait(v))
            return false;
    }
}

static void
ask(struct visit *v)
{
    struct rf_probe_talk_facts *out = &v->out->talk;
    char request[RF_PROBE_REQUEST_MAX], *mem = malloc(RF_PROBE_ANSWER_MAX);
    struct rf_buf b = rf_buf(request, sizeof request);
    struct rf_probe_request r = { .is_sip = v->t->is_sip, .transport = RF_PROBE_OVER_TLS, .host = v->t->host,
                                  .port = v->t->port, .uri = v->t->uri, .user = v->t->user,
                                  .local = rf_socket_local(v->fd) };
    uint64_t began = rf_now_us();
    bool is_over = mem == NULL;
    size_t n = 0, got;

    out->is_asked = true;
    rf_probe_request_init(&r, &rf_rand_system);
    if (rf_probe_request_put(&b, &r) != RF_OK || write_all(v, rf_buf_span(&b)) != RF_OK)
        is_over = true;
    while (rf_probe_answer_read(&r, rf_span(mem, n), is_over, out) == RF_ERR_AGAIN) {
        if (n < RF_PROBE_ANSWER_MAX && read_some(v, mem + n, RF_PROBE_ANSWER_MAX - n, &got))
            n += got;
        else
            is_over = true;
    }
    free(mem);
    out->is_up = out->answered == RF_PROBE_YES;
    out->answer_us = (uint32_t)(rf_now_us() - began);
}

/* --- the visit --- */

static void
visit_tls(struct visit *v, struct rf_tls_client *client)
{
    if (rf_tls_conn_connect(&v->conn, client, v->fd, rf_span_str(v->t->host), NULL) != RF_OK) {
        v->out->refusal = RF_REFUSE_TLS_FAILED;
        snprintf(v->out->sentence, sizeof v->out->sentence, "the TLS connection could not be made: out of memory");
        return;
    }
    if (shake(v)) {
        take_verdict(v);
        ask(v);
    }
    /* In TLS 1.3 it is the first read that finds our certificate refused. */
    if (!v->out->is_up || rf_tls_conn_was_refused(v->conn))
        take_failure(v);
    take_facts(v);
    rf_tls_conn_close(v->conn);
    rf_tls_conn_free(v->conn);
}

void
rf_probe_visit(const struct rf_probe_target *t, struct rf_tls_client *client, const struct rf_tls_check *check,
               struct rf_probe_visit *out)
{
    struct visit v = { .t = t, .check = check, .out = out, .until_us = rf_probe_deadline(t) };
    uint64_t began = rf_now_us();

    memset(out, 0, sizeof *out);
    if (client == NULL) {
        (void)rf_probe_talk_plain(t, &out->talk);
        out->is_connected = out->talk.is_connected;
        out->connect_us = out->talk.connect_us;
        snprintf(out->error, sizeof out->error, "%s", out->talk.error);
        return;
    }
    v.fd = rf_probe_connect(t, v.until_us);
    out->connect_us = (uint32_t)(rf_now_us() - began);
    if (v.fd < 0) {
        snprintf(out->error, sizeof out->error, "%s", strerror(errno));
        return;
    }
    out->is_connected = true;
    visit_tls(&v, client);
    close(v.fd);
}

void
rf_probe_visit_fini(struct rf_probe_visit *v)
{
    for (size_t i = 0; i < v->chain.count; i++)
        X509_free(v->chain.x[i]);
    v->chain.count = 0;
    free(v->report);
    v->report = NULL;
}
