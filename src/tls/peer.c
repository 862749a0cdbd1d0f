#include "tls/peer.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"

/* --- chains, kept small --- */

struct rf_tls_kept *
rf_tls_kept_new(STACK_OF(X509) * chain)
{
    int n = sk_X509_num(chain), sent = n;
    size_t octets = 0;
    struct rf_tls_kept *k;

    if (n < 0)
        n = sent = 0;
    if (n > RF_CHECK_CHAIN_MAX)
        n = RF_CHECK_CHAIN_MAX;
    for (int i = 0; i < n; i++) {
        int len = i2d_X509(sk_X509_value(chain, i), NULL);

        if (len <= 0)
            return NULL;
        octets += (size_t)len;
    }
    k = octets <= RF_TLS_CHAIN_OCTETS_MAX ? calloc(1, sizeof *k + octets) : NULL;
    if (k == NULL)
        return NULL;
    k->count = (uint32_t)n;
    k->sent = (uint32_t)sent;
    for (int i = 0, at = 0; i < n; i++) {
        unsigned char *p = (unsigned char *)k->der + at;

        at += i2d_X509(sk_X509_value(chain, i), &p);
        k->end[i] = (uint32_t)at;
    }
    return k;
}

struct rf_span
rf_tls_kept_der(const struct rf_tls_kept *k, size_t i)
{
    uint32_t from = i > 0 ? k->end[i - 1] : 0;

    rf_assert(i < k->count);
    return rf_span(k->der + from, k->end[i] - from);
}

/* In a ticket: how many, then each with three octets of length. */
void
rf_tls_kept_put(const struct rf_tls_kept *k, struct rf_buf *b)
{
    rf_put_char(b, (char)k->count);
    for (size_t i = 0; i < k->count; i++) {
        struct rf_span der = rf_tls_kept_der(k, i);

        rf_put_char(b, (char)(der.n >> 16));
        rf_put_char(b, (char)(der.n >> 8));
        rf_put_char(b, (char)der.n);
        rf_put(b, der);
    }
}

struct rf_tls_kept *
rf_tls_kept_parse(struct rf_span octets)
{
    struct rf_tls_kept *k;
    size_t at = 1, to = 0;

    if (octets.n < 1 || octets.n > RF_TLS_CHAIN_OCTETS_MAX || (unsigned char)octets.p[0] > RF_CHECK_CHAIN_MAX)
        return NULL;
    k = calloc(1, sizeof *k + octets.n);
    if (k == NULL)
        return NULL;
    k->count = k->sent = (unsigned char)octets.p[0];
    for (size_t i = 0; i < k->count; i++) {
        const unsigned char *p = (const unsigned char *)octets.p + at;
        size_t n;

        if (octets.n - at < 3)
            goto bad;
        n = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
        at += 3;
        if (n == 0 || n > octets.n - at)
            goto bad;
        memcpy(k->der + to, octets.p + at, n);
        at += n;
        to += n;
        k->end[i] = (uint32_t)to;
    }
    if (at == octets.n)
        return k;
bad:
    free(k);
    return NULL;
}

/* --- settings --- */

enum rf_err
rf_tls_check_copy(struct rf_tls_check *to, const struct rf_tls_check *from)
{
    struct rf_check_own *own = NULL;

    if (from->own_count > 0) {
        own = calloc(from->own_count, sizeof *own);
        if (own == NULL)
            return RF_ERR_NOMEM;
        memcpy(own, from->own, from->own_count * sizeof *own);
    }
    *to = *from;
    to->own = own;
    to->trust = from->trust != NULL ? rf_trust_ref(from->trust) : NULL;
    if (to->wall_s == NULL)
        to->wall_s = rf_wall_s;
    return RF_OK;
}

void
rf_tls_check_fini(struct rf_tls_check *c)
{
    free((void *)(uintptr_t)c->own);
    rf_trust_unref(c->trust);
    memset(c, 0, sizeof *c);
}

void
rf_tls_check_digest(const struct rf_tls_check *check, const char *interface, enum rf_tls_level level,
                    enum rf_tls_ask ask, uint8_t out[static 32])
{
    char text[256];
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_putf(&b, "%s %s %s", interface, rf_tls_level_row(level)->name, rf_tls_ask_name(ask));
    if (check != NULL && ask != RF_TLS_ASK_OFF)
        rf_putf(&b, " %d %d %d %d%d%d%d %u %d", check->level, check->use, check->enforce,
                check->medium_is_legacy, check->purpose_may_be_missing, check->common_name_counts,
                check->wildcard_counts_in_sip, check->verify_depth, check->ocsp);
    SHA256((const unsigned char *)b.p, b.n, out);
}

/* --- judgement --- */

enum rf_err
rf_tls_judge(const struct rf_tls_check *check, const struct rf_tls_question *q, const struct rf_tls_kept *k,
             struct rf_check_report *report)
{
    X509 *chain[RF_CHECK_CHAIN_MAX] = { NULL };
    struct rf_check_question question = {
        .level = check->level,
        .medium_is_legacy = check->medium_is_legacy,
        .use = check->use,
        .peer_is_server = q->peer_is_server,
        .purpose_may_be_missing = check->purpose_may_be_missing,
        .common_name_counts = check->common_name_counts,
        .wildcard_counts_in_sip = check->wildcard_counts_in_sip,
        .verify_depth = check->verify_depth,
        .chain = chain,
        .trust = check->trust,
        .target = q->target,
        .source = q->source,
        .own = check->own,
        .own_count = check->own_count,
        .ocsp = q->ocsp_later ? RF_CHECK_OCSP_OFF : check->ocsp,
        .staple_is_due = q->staple_is_due,
        .stapled = q->stapled,
        .ocsp_source = check->ocsp_source.ask != NULL ? &check->ocsp_source : NULL,
        .now_s = check->wall_s != NULL ? check->wall_s() : rf_wall_s(),
    };
    enum rf_err err = RF_OK;

    for (size_t i = 0; k != NULL && i < k->count && err == RF_OK; i++) {
        struct rf_span der = rf_tls_kept_der(k, i);
        const unsigned char *p = (const unsigned char *)der.p;

        chain[i] = d2i_X509(NULL, &p, (long)der.n);
        if (chain[i] == NULL)
            err = RF_ERR_SYNTAX;
        else
            question.chain_count++;
    }
    if (k != NULL && question.chain_count == RF_CHECK_CHAIN_MAX)
        question.chain_count = k->sent; /* rf_check_peer looks at the first ones, and says that there are more */
    if (err == RF_OK)
        err = rf_check_peer(&question, report);
    for (size_t i = 0; i < RF_CHECK_CHAIN_MAX; i++)
        X509_free(chain[i]);
    ERR_clear_error();
    return err;
}

/* OpenSSL chooses the alert by the verify code (RFC 8446 6.2); these are the codes for the alerts we want. */
static int
code_for_alert(int alert)
{
    switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
        return X509_V_ERR_CERT_HAS_EXPIRED;
    case SSL_AD_CERTIFICATE_REVOKED:
        return X509_V_ERR_CERT_REVOKED;
    case SSL_AD_UNKNOWN_CA:
        return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
        return X509_V_ERR_INVALID_PURPOSE;
    case SSL_AD_BAD_CERTIFICATE:
        return X509_V_ERR_CERT_REJECTED;
    case SSL_AD_DECRYPT_ERROR:
        return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case SSL_AD_HANDSHAKE_FAILURE:
        return X509_V_ERR_APPLICATION_VERIFICATION;
    default: /* certificate_unknown */
        return X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION;
    }
}

int
rf_tls_judge_now(const struct rf_tls_check *check, const struct rf_tls_question *q, struct rf_tls_kept *k,
                 struct rf_tls_verdict *verdict)
{
    struct rf_check_report *report = malloc(sizeof *report); /* 20 kB: names and paths of any length */
    struct rf_tls_peer *p = &k->peer;
    struct rf_span leaf = k->count > 0 ? rf_tls_kept_der(k, 0) : rf_span(NULL, 0);
    enum rf_err err = report != NULL ? rf_tls_judge(check, q, k, report) : RF_ERR_NOMEM;

    rf_tls_verdict_fini(verdict);
    p->was_asked = true;
    p->has_shown = k->count > 0;
    p->level = check->level;
    p->first_failed = RF_CHECK_RULE_COUNT;
    if (leaf.n > 0)
        SHA256((const unsigned char *)leaf.p, leaf.n, p->sha256);
    if (err != RF_OK) {
        p->refusal = verdict->refusal = RF_REFUSE_TLS_FAILED;
        snprintf(verdict->detail, sizeof verdict->detail, "%s",
                 err == RF_ERR_NOMEM ? "there is no memory to check its certificate"
                                     : "its certificate cannot be read");
        free(report);
        return err == RF_ERR_NOMEM ? X509_V_ERR_OUT_OF_MEM : X509_V_ERR_CERT_REJECTED;
    }
    p->is_accepted = report->is_accepted;
    p->needs_target = !report->is_name_known &&
                      (check->level == RF_CHECK_MEDIUM_REMOTE || check->level == RF_CHECK_HIGH_REMOTE);
    p->first_failed = report->first_failed;
    p->refusal = report->refusal;
    p->passes_level = report->passes_level;
    p->not_after = report->leaf.not_after;
    snprintf(verdict->subject, sizeof verdict->subject, "%s", report->leaf.subject);
    if (report->is_accepted) {
        free(report);
        return X509_V_OK;
    }
    verdict->refusal = report->refusal;
    verdict->report = report;
    snprintf(verdict->detail, sizeof verdict->detail, "%s: %s", rf_check_rule_name(report->first_failed),
             report->line[report->first_failed].detail);
    /* Nobody said that it is revoked: the peer need not be told so. */
    return code_for_alert(report->refusal == RF_REFUSE_CERT_STATUS_UNKNOWN ? SSL_AD_CERTIFICATE_UNKNOWN
                                                                           : rf_check_rule_alert(report->first_failed));
}

void
rf_tls_verdict_fini(struct rf_tls_verdict *v)
{
    free(v->report);
    memset(v, 0, sizeof *v);
}
