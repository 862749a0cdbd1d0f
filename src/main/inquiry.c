#include "main/inquiry.h"

#include <openssl/x509.h>
#include <stdlib.h>

#include "base/log.h"

#define IDLE_S 3600 /* nothing to do: look again after that, since clocks are set */

/* One of our own certificates. */
struct own {
    uint8_t sha256[32];
    char name[64];
    X509 *x, *issuer;
    struct rf_tls_staple *staple;
    char url[RF_OCSP_URL_MAX];
    uint64_t serial; /* of the question under way; 0: none */
    int64_t due_s, wait_s;
    bool is_failing; /* was told */
};

struct rf_inquiry {
    struct rf_ocsp_cache *cache;
    struct rf_inquiry_user user;
    uint64_t serial; /* the last one */
    size_t own_count;
    struct own own[RF_SITE_CERTS_MAX];
    struct {
        uint64_t serial; /* 0: a free place */
        struct rf_ocsp_errand *errand;
    } errand[RF_OCSP_ERRANDS_MAX];
};

enum rf_err
rf_inquiry_new(struct rf_inquiry **out, struct rf_ocsp_cache *cache, const struct rf_inquiry_user *user)
{
    struct rf_inquiry *q = calloc(1, sizeof *q);

    if (q == NULL)
        return RF_ERR_NOMEM;
    q->cache = cache;
    q->user = *user;
    *out = q;
    return RF_OK;
}

static void
own_fini(struct own *o)
{
    X509_free(o->x);
    X509_free(o->issuer);
    rf_tls_staple_unref(o->staple);
    *o = (struct own){0};
}

void
rf_inquiry_free(struct rf_inquiry *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->own_count; i++)
        own_fini(&q->own[i]);
    free(q);
}

/* POST of RFC 6960 A.1: a GET could be answered by a cache that is old. */
static enum rf_err
pose(struct rf_inquiry *q, const char *url, struct rf_span request, uint64_t *serial)
{
    struct rf_acme_request r = {.method = RF_ACME_POST,
                                .body = request,
                                .answer_max = RF_OCSP_ANSWER_MAX,
                                .content_type = "application/ocsp-request",
                                .is_plain = true};
    enum rf_err err;

    snprintf(r.url, sizeof r.url, "%s", url);
    *serial = ++q->serial | RF_INQUIRY_BIT;
    err = q->user.send(q->user.ctx, *serial, &r);
    if (err)
        *serial = 0;
    return err;
}

/* --- about peers --- */

void
rf_inquiry_carry(struct rf_inquiry *q, struct rf_ocsp_errand *errand, int64_t now_s)
{
    size_t i = 0;

    while (i < RF_OCSP_ERRANDS_MAX && q->errand[i].serial != 0)
        i++;
    if (i < RF_OCSP_ERRANDS_MAX &&
        pose(q, errand->url, rf_span(errand->request, errand->request_n), &q->errand[i].serial) == RF_OK) {
        q->errand[i].errand = errand;
        return;
    }
    rf_ocsp_cache_answer(q->cache, errand, rf_span(NULL, 0), now_s, NULL);
}

/* --- about our own certificates --- */

static struct own *
own_of(struct own *list, size_t count, const uint8_t sha256[static 32])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(list[i].sha256, sha256, 32) == 0)
            return &list[i];
    return NULL;
}

void
rf_inquiry_set(struct rf_inquiry *q, const struct rf_ifaces *ifaces, int64_t now_s)
{
    struct own next[RF_SITE_CERTS_MAX] = {0};
    size_t count = 0;

    for (size_t i = 0; i < ifaces->cert_count; i++) {
        const struct rf_site_cert *c = &ifaces->cert[i];
        struct own *o = &next[count], *was;

        if (c->staple == NULL || own_of(next, count, rf_cert_facts(c->cert)->sha256) != NULL)
            continue;
        was = own_of(q->own, q->own_count, rf_cert_facts(c->cert)->sha256);
        if (was != NULL && was->staple == c->staple) {
            *o = *was; /* with its question, and all that it owns */
            *was = (struct own){0};
            count++;
            continue;
        }
        *o = (struct own){.staple = rf_tls_staple_ref(c->staple), .due_s = now_s};
        memcpy(o->sha256, rf_cert_facts(c->cert)->sha256, sizeof o->sha256);
        snprintf(o->name, sizeof o->name, "%s", c->name);
        o->x = rf_cert_leaf(c->cert);
        o->issuer = c->issuer;
        X509_up_ref(o->x);
        X509_up_ref(o->issuer);
        (void)!rf_ocsp_url(o->x, o->url, sizeof o->url); /* it has one: c->staple */
        count++;
    }
    for (size_t i = 0; i < q->own_count; i++)
        own_fini(&q->own[i]);
    memcpy(q->own, next, sizeof next);
    q->own_count = count;
}

static void
failed(struct own *o, const char *why, int64_t now_s)
{
    o->wait_s = o->wait_s == 0 ? RF_OCSP_RETRY_S : 2 * o->wait_s;
    if (o->wait_s > RF_OCSP_RETRY_MAX_S)
        o->wait_s = RF_OCSP_RETRY_MAX_S;
    o->due_s = now_s + o->wait_s;
    rf_tls_staple_failed(o->staple, why, now_s);
    if (!o->is_failing)
        RF_LOGF(RF_LOG_WARN, "ocsp.unanswered",
                "the authority of one of our certificates does not say that it is good",
                RF_F_STR("certificate", o->name), RF_F_STR("responder", o->url), RF_F_STR("reason", why));
    o->is_failing = true;
}

static void
take_own(struct own *o, struct rf_span answer, const char *failure, int64_t now_s)
{
    const struct rf_ocsp_question question = {.x = o->x, .issuer = o->issuer, .now_s = now_s};
    struct rf_ocsp_verdict v;

    o->serial = 0;
    if (answer.n == 0) {
        failed(o, failure, now_s);
        return;
    }
    rf_ocsp_judge(&question, answer, &v);
    if (v.status == RF_OCSP_REVOKED) {
        RF_REFUSE(CERT_REVOKED, RF_F_STR("peer", o->name), RF_F_STR("when", "by its authority"),
                  RF_F_STR("reason", v.reason[0] != '\0' ? v.reason : "no reason given"));
        (void)!rf_tls_staple_set(o->staple, rf_span(NULL, 0), 0);
        rf_tls_staple_failed(o->staple, "its authority says that it is revoked", now_s);
        o->is_failing = true;
        o->due_s = now_s + RF_OCSP_RETRY_MAX_S;
        return;
    }
    if (v.status != RF_OCSP_GOOD || rf_tls_staple_set(o->staple, answer, v.next_update) != RF_OK) {
        failed(o,
               v.status == RF_OCSP_UNKNOWN ? "it does not know it"
               : v.status == RF_OCSP_GOOD  ? "out of memory"
                                           : v.why,
               now_s);
        return;
    }
    RF_LOGF(RF_LOG_INFO, "ocsp.stapled", "a certificate is shown with its authority's word that it is good",
            RF_F_STR("certificate", o->name), RF_F_STR("responder", o->url),
            RF_F_U64("hours", (uint64_t)(v.next_update - now_s) / 3600));
    o->is_failing = false;
    o->wait_s = 0;
    o->due_s = rf_ocsp_renew_at(&v);
    if (o->due_s <
        now_s + RF_OCSP_RETRY_S) /* an answer that is old already: its responder has no newer one yet */
        o->due_s = now_s + RF_OCSP_RETRY_S;
}

int64_t
rf_inquiry_tick(struct rf_inquiry *q, int64_t now_s)
{
    int64_t wait_s = IDLE_S;

    for (size_t i = 0; i < q->own_count; i++) {
        struct own *o = &q->own[i];
        char mem[RF_OCSP_REQUEST_MAX];
        struct rf_buf request = rf_buf(mem, sizeof mem);

        /* A clock that was set back by more than any wait lets it be asked. */
        if (o->serial == 0 && (now_s >= o->due_s || o->due_s > now_s + 400 * 86400ll)) {
            if (rf_ocsp_request(o->x, o->issuer, NULL, &request) != RF_OK ||
                pose(q, o->url, rf_buf_span(&request), &o->serial) != RF_OK)
                failed(o, "the question could not be sent", now_s);
        }
        if (o->serial == 0 && o->due_s - now_s < wait_s)
            wait_s = o->due_s - now_s;
    }
    return wait_s > 1 ? wait_s : 1;
}

void
rf_inquiry_answer(struct rf_inquiry *q, uint64_t serial, const struct rf_acme_response *a, int64_t now_s)
{
    struct rf_span body = a->status == 200 ? a->body : rf_span(NULL, 0);
    char why[160];

    if (a->status == 0)
        snprintf(why, sizeof why, "%s", a->failure != NULL ? a->failure : "nobody answered");
    else
        snprintf(why, sizeof why, "HTTP status %d", a->status);
    for (size_t i = 0; i < RF_OCSP_ERRANDS_MAX; i++) {
        if (q->errand[i].serial == serial) {
            q->errand[i].serial = 0;
            rf_ocsp_cache_answer(q->cache, q->errand[i].errand, body, now_s, NULL);
            return;
        }
    }
    for (size_t i = 0; i < q->own_count; i++) {
        if (q->own[i].serial == serial) {
            take_own(&q->own[i], body, why, now_s);
            return;
        }
    }
}
