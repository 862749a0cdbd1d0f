#include "acme/transport.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define CONNECT_S      15L
#define TOTAL_S        60L /* of a request; a CA that takes longer is asked again later */
#define ADDRESSES_MAX  8   /* of a name that are tried */
#define HEADER_MAX     600
#define CONNECTIONS    4L  /* kept open: an order is some 15 requests to one host */

struct exchange {
    struct rf_link link;
    struct rf_acme_transport *owner;
    uint64_t serial;
    CURL *easy;                  /* NULL while the name is looked up */
    bool is_in_multi;
    struct curl_slist *headers, *resolve;
    struct rf_dns_query query[2]; /* A, AAAA */
    int queries;                 /* under way */
    struct rf_addr address[ADDRESSES_MAX];
    size_t addresses;
    struct rf_timer fails;       /* a failure is told from the loop */
    char host[RF_ACME_NAME_MAX], why[RF_ACME_DETAIL_MAX], curl_why[CURL_ERROR_SIZE];
    uint16_t port;
    struct rf_acme_request request;
    char *request_body, *ca_pem;
    char *body;
    size_t body_n, body_cap;
    char nonce[RF_ACME_NONCE_MAX], location[RF_ACME_URL_MAX], retry_after[64], date[64];
    char link_header[8][HEADER_MAX];
    size_t links;
};

/* A socket of libcurl's. */
struct sock {
    struct rf_link link;
    struct rf_watch watch;
    struct rf_acme_transport *owner;
};

struct rf_acme_transport {
    struct rf_loop *loop;
    struct rf_dns *dns;
    struct rf_acme_transport_user user;
    CURLM *multi;
    struct rf_timer timer;
    struct rf_link exchanges, socks;
    size_t count;
};

enum rf_err
rf_acme_transport_global(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? RF_OK : RF_ERR_CRYPTO;
}

/* --- the end of an exchange --- */

static void
exchange_free(struct exchange *x)
{
    struct rf_acme_transport *t = x->owner;

    for (int i = 0; i < 2; i++)
        rf_dns_cancel(&x->query[i]);
    rf_timer_cancel(rf_loop_wheel(t->loop), &x->fails);
    if (x->is_in_multi)
        curl_multi_remove_handle(t->multi, x->easy);
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    curl_slist_free_all(x->resolve);
    rf_list_remove(&x->link);
    t->count--;
    free(x->request_body);
    free(x->ca_pem);
    free(x->body);
    free(x);
}

/* Tell and end. The answer may send or cancel others: this one is not found any more. */
static void
finish(struct exchange *x, int status, uint64_t now_us)
{
    struct rf_acme_transport *t = x->owner;
    struct rf_acme_response a = { .status = status, .failure = x->why };
    uint64_t serial = x->serial;

    if (status != 0) {
        a.body = rf_span(x->body, x->body_n);
        a.nonce = rf_span_str(x->nonce);
        a.location = rf_span_str(x->location);
        a.retry_after = rf_span_str(x->retry_after);
        a.date = rf_span_str(x->date);
        for (a.links = 0; a.links < x->links; a.links++)
            a.link[a.links] = rf_span_str(x->link_header[a.links]);
    }
    x->serial = 0;
    t->user.answer(t->user.ctx, serial, &a, now_us);
    exchange_free(x);
}

static void
on_fails(struct rf_timer *timer, uint64_t now_us)
{
    finish(rf_container(timer, struct exchange, fails), 0, now_us);
}

static void
fail(struct exchange *x, const char *why)
{
    if (why != NULL)
        snprintf(x->why, sizeof x->why, "%s", why);
    rf_timer_arm(rf_loop_wheel(x->owner->loop), &x->fails, rf_now_us());
}

/* --- libcurl asks our loop --- */

static void
look_for_done(struct rf_acme_transport *t, uint64_t now_us)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(t->multi, &left)) != NULL) {
        struct exchange *x = NULL;
        CURLcode result = m->data.result;
        long status = 0;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
        curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        if (result != CURLE_OK) {
            if (x->why[0] == '\0') /* ours says more */
                snprintf(x->why, sizeof x->why, "%s",
                         x->curl_why[0] != '\0' ? x->curl_why : curl_easy_strerror(result));
            status = 0;
        }
        finish(x, (int)status, now_us);
    }
}

static void
on_socket(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct sock *s = rf_container(w, struct sock, watch);
    struct rf_acme_transport *t = s->owner;
    int bits = ((events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0), running;

    curl_multi_socket_action(t->multi, w->fd, bits, &running); /* may end s */
    look_for_done(t, now_us);
}

static void
on_timer(struct rf_timer *timer, uint64_t now_us)
{
    struct rf_acme_transport *t = rf_container(timer, struct rf_acme_transport, timer);
    int running;

    curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_done(t, now_us);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *its)
{
    struct rf_acme_transport *t = ctx;
    struct sock *s = its;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            rf_loop_unwatch(t->loop, &s->watch);
            rf_list_remove(&s->link);
            free(s);
        }
        curl_multi_assign(t->multi, fd, NULL);
        return 0;
    }
    if (s != NULL) {
        rf_loop_rewatch(t->loop, &s->watch, events);
        return 0;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return -1;
    s->owner = t;
    s->watch = (struct rf_watch){ .fd = fd, .ready = on_socket };
    if (rf_loop_watch(t->loop, &s->watch, events) != RF_OK) {
        free(s);
        return -1;
    }
    rf_list_append(&t->socks, &s->link);
    curl_multi_assign(t->multi, fd, s);
    return 0;
}

static int
want_timer(CURLM *multi, long ms, void *ctx)
{
    struct rf_acme_transport *t = ctx;

    if (ms < 0)
        rf_timer_cancel(rf_loop_wheel(t->loop), &t->timer);
    else
        rf_timer_arm(rf_loop_wheel(t->loop), &t->timer, rf_now_us() + (uint64_t)ms * RF_MS);
    return 0;
}

/* --- what comes --- */

static size_t
take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t octets = size * n;

    if (octets > x->request.answer_max - x->body_n) {
        snprintf(x->why, sizeof x->why, "the answer is longer than %zu octets", x->request.answer_max);
        return 0;
    }
    if (x->body_n + octets > x->body_cap) {
        size_t cap = 2 * (x->body_n + octets);
        char *more = realloc(x->body, cap);

        if (more == NULL)
            return 0;
        x->body = more;
        x->body_cap = cap;
    }
    memcpy(x->body + x->body_n, p, octets);
    x->body_n += octets;
    return octets;
}

static bool
take_value(struct rf_span line, const char *name, char *out, size_t size)
{
    size_t colon = rf_span_find(line, ':');

    if (!rf_span_iis(rf_span_sub(line, 0, colon), name))
        return false;
    if (rf_span_copy(rf_span_trim(rf_span_sub(line, colon + 1, line.n)), out, size) != RF_OK)
        out[0] = '\0';
    return true;
}

static size_t
take_header(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    struct rf_span line = rf_span(p, size * n);

    if (rf_span_starts(line, "HTTP/")) { /* a new head: the one before was 100 Continue or the like */
        x->nonce[0] = x->location[0] = x->retry_after[0] = x->date[0] = '\0';
        x->links = 0;
    } else if (!take_value(line, "replay-nonce", x->nonce, sizeof x->nonce) &&
               !take_value(line, "location", x->location, sizeof x->location) &&
               !take_value(line, "retry-after", x->retry_after, sizeof x->retry_after) &&
               !take_value(line, "date", x->date, sizeof x->date) && x->links < 8 &&
               take_value(line, "link", x->link_header[x->links], HEADER_MAX)) {
        x->links++;
    }
    return line.n;
}

/* --- what is sent --- */

static bool
set_options(struct exchange *x)
{
    const struct rf_acme_request *r = &x->request;
    CURL *e = x->easy;
    bool fine = true;

#define SET(option, value) (fine = fine && curl_easy_setopt(e, option, value) == CURLE_OK)
    SET(CURLOPT_PRIVATE, x);
    SET(CURLOPT_URL, r->url);
    SET(CURLOPT_PROTOCOLS_STR, r->is_plain ? "http" : "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "ringfence/" RF_VERSION); /* RFC 8555 6.1 asks for one */
    SET(CURLOPT_ERRORBUFFER, x->curl_why);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    SET(CURLOPT_TIMEOUT, TOTAL_S);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, x);
    if (x->resolve != NULL)
        SET(CURLOPT_RESOLVE, x->resolve);
    if (x->ca_pem != NULL) {
        struct curl_blob ca = { x->ca_pem, strlen(x->ca_pem), CURL_BLOB_COPY };

        SET(CURLOPT_CAINFO_BLOB, &ca);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (r->method == RF_ACME_HEAD)
        SET(CURLOPT_NOBODY, 1L);
    if (r->method == RF_ACME_POST) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE, (long)r->body.n);
        SET(CURLOPT_POSTFIELDS, x->request_body);
    }
    SET(CURLOPT_HTTPHEADER, x->headers);
#undef SET
    return fine;
}

/* "host:443:192.0.2.1,[2001:db8::1]": what CURLOPT_RESOLVE takes. */
static struct curl_slist *
resolved(const struct exchange *x)
{
    char mem[RF_ACME_NAME_MAX + ADDRESSES_MAX * RF_ADDR_TEXT_MAX + 16];
    struct rf_buf b = rf_buf(mem, sizeof mem - 1);

    rf_putf(&b, "%s:%u:", x->host, x->port);
    for (size_t i = 0; i < x->addresses; i++) {
        if (i > 0)
            rf_put_char(&b, ',');
        rf_put_host(&b, &x->address[i], true);
    }
    mem[b.n] = '\0';
    return curl_slist_append(NULL, mem);
}

static void
start(struct exchange *x)
{
    char type[80];
    bool fine;

    snprintf(type, sizeof type, "Content-Type: %s",
             x->request.content_type != NULL ? x->request.content_type : "application/jose+json");
    x->easy = curl_easy_init();
    if (x->addresses > 0)
        x->resolve = resolved(x);
    /* No "Expect: 100-continue": a round trip for nothing. */
    x->headers = curl_slist_append(curl_slist_append(NULL, type), "Expect:");
    fine = x->easy != NULL && x->headers != NULL && (x->addresses == 0 || x->resolve != NULL) && set_options(x);
    x->is_in_multi = fine && curl_multi_add_handle(x->owner->multi, x->easy) == CURLM_OK;
    if (!x->is_in_multi)
        fail(x, "the request could not be made");
}

static void
found(struct exchange *x, const struct rf_dns_answer *answer)
{
    for (size_t i = 0; answer->status == RF_DNS_FOUND && i < answer->count && x->addresses < ADDRESSES_MAX; i++)
        x->address[x->addresses++] = answer->record[i].addr;
    if (--x->queries > 0)
        return;
    if (x->addresses > 0) {
        start(x);
        return;
    }
    snprintf(x->why, sizeof x->why, "the name %s cannot be looked up", x->host);
    fail(x, NULL);
}

static void
found_v4(struct rf_dns_query *q, const struct rf_dns_answer *answer, uint64_t now_us)
{
    found(rf_container(q, struct exchange, query[0]), answer);
}

static void
found_v6(struct rf_dns_query *q, const struct rf_dns_answer *answer, uint64_t now_us)
{
    found(rf_container(q, struct exchange, query[1]), answer);
}

static void
ask(struct exchange *x, int i, enum rf_dns_type type)
{
    struct rf_dns *dns = x->owner->dns;
    struct rf_span name = rf_span_str(x->host);
    const struct rf_dns_answer *known = rf_dns_cached(dns, type, name, rf_now_us());

    x->queries++;
    if (known != NULL)
        found(x, known);
    else if (rf_dns_ask(dns, &x->query[i], type, name, rf_now_us()) != RF_OK)
        found(x, &(struct rf_dns_answer){ .status = RF_DNS_FAILED });
}

/* The host and port of the URL; false: it is none that we ask. */
static bool
take_place(struct exchange *x)
{
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL;
    uint64_t number = 0;
    bool fine = u != NULL && curl_url_set(u, CURLUPART_URL, x->request.url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                rf_span_copy(rf_span_str(host), x->host, sizeof x->host) == RF_OK &&
                rf_span_u64(rf_span_str(port), 65535, &number) == RF_OK;

    x->port = (uint16_t)number;
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return fine;
}

static struct exchange *
exchange_new(struct rf_acme_transport *t, uint64_t serial, const char *ca_pem, const struct rf_acme_request *request)
{
    struct exchange *x = calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->owner = t;
    x->serial = serial;
    x->fails.fire = on_fails;
    x->query[0].done = found_v4;
    x->query[1].done = found_v6;
    x->request = *request;
    rf_list_append(&t->exchanges, &x->link);
    t->count++;
    if (request->body.n > 0)
        x->request_body = rf_span_dup(request->body);
    if (ca_pem != NULL)
        x->ca_pem = strdup(ca_pem);
    if ((request->body.n > 0 && x->request_body == NULL) || (ca_pem != NULL && x->ca_pem == NULL)) {
        exchange_free(x);
        return NULL;
    }
    return x;
}

enum rf_err
rf_acme_transport_send(struct rf_acme_transport *t, uint64_t serial, const char *ca_pem,
                       const struct rf_acme_request *request)
{
    struct exchange *x = t->count < RF_ACME_REQUESTS_MAX ? exchange_new(t, serial, ca_pem, request) : NULL;
    struct rf_addr a;

    if (x == NULL)
        return RF_ERR_NOMEM;
    if (!take_place(x)) {
        exchange_free(x);
        return RF_ERR_SYNTAX;
    }
    if (rf_addr_parse(rf_span_str(x->host), 0, &a) == RF_OK) {
        start(x);
    } else {
        x->queries = 1; /* so that the first answer, which may be known already, does not end the search */
        ask(x, 0, RF_DNS_A);
        ask(x, 1, RF_DNS_AAAA);
        found(x, &(struct rf_dns_answer){ .status = RF_DNS_NO_DATA });
    }
    return RF_OK;
}

void
rf_acme_transport_cancel(struct rf_acme_transport *t, uint64_t serial)
{
    RF_LIST_FOREACH(&t->exchanges, it) {
        struct exchange *x = rf_container(it, struct exchange, link);

        if (x->serial == serial && serial != 0) {
            exchange_free(x);
            return;
        }
    }
}

/* --- life --- */

enum rf_err
rf_acme_transport_new(struct rf_acme_transport **out, struct rf_loop *loop, struct rf_dns *dns,
                      const struct rf_acme_transport_user *user)
{
    struct rf_acme_transport *t = calloc(1, sizeof *t);

    if (t == NULL)
        return RF_ERR_NOMEM;
    t->loop = loop;
    t->dns = dns;
    t->user = *user;
    t->timer.fire = on_timer;
    rf_list_init(&t->exchanges);
    rf_list_init(&t->socks);
    t->multi = curl_multi_init();
    if (t->multi == NULL || curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, want_socket) != CURLM_OK ||
        curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t) != CURLM_OK ||
        curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, want_timer) != CURLM_OK ||
        curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t) != CURLM_OK ||
        curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS) != CURLM_OK) {
        rf_acme_transport_free(t);
        return RF_ERR_NOMEM;
    }
    *out = t;
    return RF_OK;
}

void
rf_acme_transport_free(struct rf_acme_transport *t)
{
    if (t == NULL)
        return;
    RF_LIST_FOREACH(&t->exchanges, it)
        exchange_free(rf_container(it, struct exchange, link));
    curl_multi_cleanup(t->multi);
    RF_LIST_FOREACH(&t->socks, it) {
        struct sock *s = rf_container(it, struct sock, link);

        rf_loop_unwatch(t->loop, &s->watch);
        rf_list_remove(&s->link);
        free(s);
    }
    rf_timer_cancel(rf_loop_wheel(t->loop), &t->timer);
    free(t);
}
