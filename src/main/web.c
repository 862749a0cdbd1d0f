#include "main/web.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "acme/shown.h"
#include "flow/http_server.h"
#include "main/metrics.h"
#include "net/socket.h"

#define RING (1u << 18)
#define METRICS_CONNECTIONS 64 /* each may have an answer of some 100 kB that nobody reads */
#define METRICS_BODY        1024 /* nobody has a reason to send one */

struct rf_web {
    struct rf_signal *shared;
    struct rf_site *site;
    struct rf_side_thread side;
    bool hsts_is_held_back;
    struct rf_http_server *server;  /* of the interface https */
    struct rf_http_server *metrics; /* of the interface metrics: nothing else is served there, and it nowhere else */
    struct rf_span shown;           /* the metrics of the last answer; of malloc */
};

/* --- routes --- */

static void
not_found(struct rf_http_reply *reply)
{
    reply->status = 404;
    reply->body = RF_SPAN_LIT("there is nothing at this address\n");
}

/* RFC 8555 8.3: the key authorization, and nothing around it. */
static void
serve_challenge(void *ctx, const struct rf_http_ask *ask, struct rf_http_reply *reply)
{
    struct rf_web *w = ctx;

    _Static_assert(sizeof reply->mem >= RF_ACME_AUTHORIZATION_MAX, "an answer fits");
    if (!rf_acme_shown_token(w->shared->shown, rf_span_str(ask->rest), reply->mem)) {
        not_found(reply);
        return;
    }
    RF_LOGF(RF_LOG_INFO, "acme.looked", "an authority looked for its challenge", RF_F_ADDR("peer", ask->remote));
    reply->type = "application/octet-stream";
    reply->body = rf_span_str(reply->mem);
}

static void
serve_der(struct rf_span der, const char *type, struct rf_http_reply *reply)
{
    if (der.n == 0) {
        not_found(reply);
        return;
    }
    reply->type = type;
    reply->body = der;
}

static void
serve_root(void *ctx, const struct rf_http_ask *ask, struct rf_http_reply *reply)
{
    serve_der(((struct rf_web *)ctx)->site->root, "application/pkix-cert", reply);
}

static void
serve_revoked(void *ctx, const struct rf_http_ask *ask, struct rf_http_reply *reply)
{
    serve_der(((struct rf_web *)ctx)->site->revoked, "application/pkix-crl", reply);
}

static void
serve_root_pem(void *ctx, const struct rf_http_ask *ask, struct rf_http_reply *reply)
{
    struct rf_span der = ((struct rf_web *)ctx)->site->root;
    const uint8_t *p = (const uint8_t *)der.p;
    X509 *x = der.n > 0 ? d2i_X509(NULL, &p, (long)der.n) : NULL;
    BIO *b = BIO_new(BIO_s_mem());
    char *text;
    long n;

    if (x != NULL && b != NULL && PEM_write_bio_X509(b, x) == 1 && (n = BIO_get_mem_data(b, &text)) > 0 &&
        (size_t)n <= sizeof reply->mem) {
        memcpy(reply->mem, text, (size_t)n);
        reply->type = "application/x-pem-file";
        reply->body = rf_span(reply->mem, (size_t)n);
    } else {
        not_found(reply);
    }
    ERR_clear_error();
    BIO_free(b);
    X509_free(x);
}

static void
serve_metrics(void *ctx, const struct rf_http_ask *ask, struct rf_http_reply *reply)
{
    struct rf_web *w = ctx;

    free((void *)(uintptr_t)w->shown.p);
    w->shown = rf_span(NULL, 0);
    if (rf_metrics_make(w->shared, w->site, false, &w->shown) != RF_OK) {
        reply->status = 503;
        reply->body = RF_SPAN_LIT("there is no memory for the answer\n");
        return;
    }
    reply->type = RF_METRICS_TYPE;
    reply->body = w->shown;
}

#define GET RF_HTTP_BIT(RF_HTTP_GET)

static const struct rf_http_route routes[] = {
    { RF_ACME_HTTP_PATH, true, true, GET, serve_challenge },
    /* Whoever does not trust our authority yet cannot fetch its root over https. */
    { "/ca/root.crt", false, true, GET, serve_root },
    { "/ca/root.pem", false, true, GET, serve_root_pem },
    { "/ca/root.crl", false, true, GET, serve_revoked },
};

static const struct rf_http_route metrics_routes[] = { { "/metrics", false, true, GET, serve_metrics } };

/* --- settings --- */

static struct rf_cert *
find_challenge(void *ctx, struct rf_span server_name)
{
    struct rf_web *w = ctx;

    return rf_acme_shown_certificate(w->shared->shown, server_name);
}

static bool
admit(void *ctx, const struct rf_addr *source, uint64_t now_us)
{
    struct rf_web *w = ctx;

    return rf_guard_connection(w->shared->guard, source, now_us).verdict == RF_GUARD_ALLOW;
}

static void
on_refused(void *ctx, enum rf_refusal why, const struct rf_addr *who, const struct rf_log_field *fields,
           uint64_t now_us)
{
    struct rf_web *w = ctx;

    rf_fold_refuse_source(w->shared->fold, why, who, fields, now_us);
}

static bool
shows_public(const struct rf_ifaces *f)
{
    const struct rf_cert *shown = f->iface[RF_IFACE_HTTPS].cert[0];

    for (size_t i = 0; i < f->cert_count; i++)
        if (f->cert[i].cert == shown)
            return f->cert[i].is_public;
    return false;
}

/* A browser that was told offers no way past a certificate that it does not trust (RFC 6797 8.4). */
static enum rf_http_hsts
hsts_of(struct rf_web *w)
{
    const char *value = rf_conf_text(w->site->conf, "web.https-strict-transport-security");
    bool is_on = strcmp(value, "on") == 0, was_held_back = w->hsts_is_held_back;

    w->hsts_is_held_back = false;
    if (strcmp(value, "always") == 0)
        return RF_HSTS_ON;
    if (strcmp(value, "clear") == 0)
        return RF_HSTS_CLEAR;
    if (!is_on && strcmp(value, "auto") != 0)
        return RF_HSTS_OFF;
    if (shows_public(w->site->ifaces))
        return RF_HSTS_ON;
    w->hsts_is_held_back = is_on && w->site->ifaces->iface[RF_IFACE_HTTPS].has_listener;
    if (w->hsts_is_held_back && !was_held_back) /* not at each reload */
        RF_REFUSE(HSTS_UNTRUSTED, RF_F_STR("setting", "web.https-strict-transport-security"));
    return RF_HSTS_OFF;
}

static uint16_t
https_port(const struct rf_site *site)
{
    for (size_t i = 0; i < site->listener_count; i++)
        if (site->listener[i].iface == RF_IFACE_HTTPS && site->listener[i].transport == RF_TLS)
            return rf_addr_port(&site->listener[i].addr);
    return 443;
}

static enum rf_err
use_tls(struct rf_web *w, struct rf_http_server *server, enum rf_iface i)
{
    struct rf_tls_server *tls;
    const char *why = "";
    enum rf_err err;

    if (!w->site->ifaces->iface[i].has_listener)
        return RF_OK;
    err = rf_ifaces_server(w->site->ifaces, i, w->shared->tickets, NULL, &tls, &why);
    if (err) {
        RF_LOGF(RF_LOG_ERROR, "tls.failed", "the TLS context of the web could not be made",
                RF_F_STR("interface", rf_iface_row(i)->name), RF_F_STR("reason", why));
        return err;
    }
    rf_tls_server_set_challenge(tls, find_challenge, w);
    rf_http_server_set_tls(server, tls);
    rf_tls_server_unref(tls);
    return RF_OK;
}

/* What the site says: contexts first, so that a failure changes nothing. */
static enum rf_err
use_site(struct rf_web *w)
{
    const struct rf_http_policy policy = {
        .force_https = rf_conf_is_on(w->site->conf, "web.force-https-web-access"),
        .https_port = https_port(w->site),
        .hsts = hsts_of(w),
    };
    enum rf_err err = use_tls(w, w->server, RF_IFACE_HTTPS);

    if (!err)
        err = use_tls(w, w->metrics, RF_IFACE_METRICS);
    if (err)
        return err;
    rf_http_server_set_policy(w->server, &policy);
    return RF_OK;
}

static void
take_listener(struct rf_web *w, const struct rf_letter_listen *letter)
{
    struct rf_addr at = rf_socket_local(letter->fd);
    bool is_metrics = strcmp(letter->name, rf_iface_row(RF_IFACE_METRICS)->name) == 0;
    enum rf_err err = rf_http_server_listen(is_metrics ? w->metrics : w->server,
                                            rf_iface_row(is_metrics ? RF_IFACE_METRICS : RF_IFACE_HTTPS)->name,
                                            letter->id, letter->fd, letter->transport == RF_TLS);

    if (!err)
        return;
    RF_REFUSE(CANNOT_LISTEN, RF_F_ADDR("addr", &at), RF_F_STR("reason", rf_err_text(err)));
    close(letter->fd);
}

static void
on_letter(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct rf_web *w = ctx;
    struct rf_letter_head head;
    struct rf_letter_site letter;
    struct rf_letter_listen listen;
    struct rf_site *was = w->site;

    memcpy(&head, octets.p, sizeof head);
    switch ((enum rf_letter_kind)head.kind) {
    case RF_LETTER_SITE:
        memcpy(&letter, octets.p, sizeof letter);
        w->site = letter.site;
        (void)!use_site(w);
        rf_site_unref(was);
        atomic_fetch_sub(&w->shared->sites_under_way, 1);
        break;
    case RF_LETTER_LISTEN: /* one for each worker: the kernel spreads connections over the sockets of an address */
        memcpy(&listen, octets.p, sizeof listen);
        take_listener(w, &listen);
        break;
    case RF_LETTER_UNLISTEN:
        memcpy(&listen, octets.p, sizeof listen);
        rf_http_server_unlisten(w->server, listen.id);
        rf_http_server_unlisten(w->metrics, listen.id);
        break;
    default:
        break;
    }
}

/* --- life --- */

static const struct rf_side_work work = { "rf-web", RING, on_letter, NULL };

enum rf_err
rf_web_new(struct rf_web **out, struct rf_signal *shared, struct rf_site *site)
{
    struct rf_web *w = calloc(1, sizeof *w);
    const struct rf_http_limits limits = RF_HTTP_LIMITS;
    struct rf_http_limits few = RF_HTTP_LIMITS;
    const struct rf_http_user of_metrics = { .ctx = w, .route = metrics_routes,
                                             .routes = sizeof metrics_routes / sizeof *metrics_routes,
                                             .admit = admit, .refuse = on_refused };
    const struct rf_http_user user = { .ctx = w, .route = routes, .routes = sizeof routes / sizeof *routes,
                                       .admit = admit, .refuse = on_refused };
    enum rf_err err = w != NULL ? RF_OK : RF_ERR_NOMEM;

    if (err)
        return err;
    few.connections_max = METRICS_CONNECTIONS;
    few.body_max = METRICS_BODY;
    w->shared = shared;
    w->site = rf_site_ref(site);
    err = rf_side_thread_init(&w->side, &work, w);
    if (!err) {
        rf_pulse_keep(&shared->pulse[RF_PULSE_WEB], w->side.loop, "web", "nothing is answered over HTTP");
        err = rf_http_server_new(&w->server, w->side.loop, &limits, &user);
    }
    if (!err)
        err = rf_http_server_new(&w->metrics, w->side.loop, &few, &of_metrics);
    if (!err)
        err = use_site(w);
    if (err) {
        rf_web_free(w);
        return err;
    }
    *out = w;
    return RF_OK;
}

void
rf_web_free(struct rf_web *w)
{
    if (w == NULL)
        return;
    rf_http_server_free(w->server);
    rf_http_server_free(w->metrics);
    free((void *)(uintptr_t)w->shown.p);
    rf_side_thread_fini(&w->side);
    rf_site_unref(w->site);
    free(w);
}

struct rf_side_thread *
rf_web_thread(struct rf_web *w)
{
    return w != NULL ? &w->side : NULL;
}
