/*
 * A connection:
 *
 *   HANDSHAKE (TLS) --done--> OPEN --last answer written--> LINGERING --peer's FIN, 2 s--> ended
 *   any --error, timeout, peer's FIN--> ended
 *
 * Lingering: octets that a peer still sends to a closed socket would make the kernel throw away our answer on its way.
 */
#include "flow/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"

#define READ_OCTETS    16384
#define READS_MAX      4            /* of one connection in one round */
#define LINGER_US      (2 * RF_S)
#define OUT_KEEP_MAX   (64u << 10)  /* with so much unsent, the next request waits */
#define HSTS_MAX_AGE_S 63072000     /* two years (IPC-4) */

enum state { HANDSHAKE, OPEN, LINGERING };

struct listener {
    struct rf_link link;
    struct rf_watch watch;
    struct rf_http_server *server;
    const char *name;
    uint32_t id;
    bool is_tls;
};

struct conn {
    struct rf_link link;
    struct rf_watch watch;
    struct rf_timer timer;
    struct rf_http_server *server;
    struct rf_tls_conn *tls;
    const char *listener;
    struct rf_addr remote;
    enum state state;
    bool ends, saw_fin, said_continue;
    uint32_t requests;
    uint64_t since_us;              /* of the state, the request, or the last progress of an answer */
    bool has_head;                  /* the head of a request is there, its body is not */
    char *in, *out;                 /* NULL while empty */
    size_t in_n, in_cap, out_n, out_at, out_cap;
};

struct rf_http_server {
    struct rf_loop *loop;
    struct rf_http_limits limits;
    struct rf_http_user user;
    struct rf_http_policy policy;
    struct rf_tls_server *tls;
    struct rf_link listeners, conns;
    uint32_t connections; /* now */
    struct rf_http_request request; /* scratch: the one being served */
    struct rf_http_reply reply;
    char path[RF_HTTP_TARGET_MAX + 1];
    char *body;                     /* scratch for chunked bodies */
};

/* --- ends --- */

static void
conn_free(struct conn *c)
{
    struct rf_http_server *s = c->server;

    rf_timer_cancel(rf_loop_wheel(s->loop), &c->timer);
    rf_loop_unwatch(s->loop, &c->watch);
    rf_tls_conn_free(c->tls);
    close(c->watch.fd);
    rf_list_remove(&c->link);
    s->connections--;
    free(c->in);
    free(c->out);
    free(c);
}

/* --- time --- */

static uint64_t
deadline(const struct conn *c)
{
    const struct rf_http_limits *l = &c->server->limits;

    if (c->state == HANDSHAKE)
        return c->since_us + l->handshake_us;
    if (c->state == LINGERING)
        return c->since_us + LINGER_US;
    if (c->out_n > c->out_at)
        return c->since_us + l->stall_us;
    if (c->has_head)
        return c->since_us + l->body_us;
    return c->since_us + (c->in_n > 0 ? l->head_us : l->idle_us);
}

/* Something went on: the next deadline counts from here. */
static void
mark(struct conn *c, uint64_t now_us)
{
    c->since_us = now_us;
    rf_timer_arm(rf_loop_wheel(c->server->loop), &c->timer, deadline(c));
}

static void
watch_anew(struct conn *c)
{
    uint32_t events = EPOLLIN;

    if (c->state == HANDSHAKE && rf_tls_conn_wants_write(c->tls))
        events = EPOLLOUT;
    else if (c->state == OPEN && c->out_n > c->out_at)
        events = EPOLLOUT | (c->ends || c->out_n - c->out_at > OUT_KEEP_MAX ? 0 : EPOLLIN);
    rf_loop_rewatch(c->server->loop, &c->watch, events);
}

/* --- writing --- */

static enum rf_err
write_some(struct conn *c, struct rf_span octets, size_t *n)
{
    ssize_t sent;

    if (c->tls != NULL)
        return rf_tls_conn_write(c->tls, octets, n);
    sent = send(c->watch.fd, octets.p, octets.n, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? RF_ERR_AGAIN : RF_ERR_CLOSED;
    *n = (size_t)sent;
    return RF_OK;
}

/* false: the connection is gone. */
static bool
flush(struct conn *c, uint64_t now_us)
{
    while (c->out_n > c->out_at) {
        size_t n = 0;
        enum rf_err err = write_some(c, rf_span(c->out + c->out_at, c->out_n - c->out_at), &n);

        if (err == RF_ERR_AGAIN)
            return true;
        if (err) {
            conn_free(c);
            return false;
        }
        c->out_at += n;
        mark(c, now_us);
    }
    free(c->out);
    c->out = NULL;
    c->out_n = c->out_at = c->out_cap = 0;
    if (!c->ends)
        return true;
    if (c->tls != NULL)
        rf_tls_conn_close(c->tls);
    if (c->saw_fin || shutdown(c->watch.fd, SHUT_WR) != 0) {
        conn_free(c);
        return false;
    }
    c->state = LINGERING;
    free(c->in);
    c->in = NULL;
    c->in_n = c->in_cap = 0;
    mark(c, now_us);
    return true;
}

/* Room for n more octets of answers; NULL: memory. */
static char *
make_room(struct conn *c, size_t n)
{
    if (c->out_cap - c->out_n < n) {
        size_t cap = c->out_n + n;
        char *more = realloc(c->out, cap);

        if (more == NULL)
            return NULL;
        c->out = more;
        c->out_cap = cap;
    }
    return c->out + c->out_n;
}

/* --- answers --- */

static void
put_policy(const struct conn *c, struct rf_buf *b)
{
    /* RFC 6797 7.2: never over plain HTTP. */
    if (c->tls != NULL && c->server->policy.hsts != RF_HSTS_OFF)
        rf_http_put_headerf(b, "Strict-Transport-Security", "max-age=%d",
                            c->server->policy.hsts == RF_HSTS_ON ? HSTS_MAX_AGE_S : 0);
    rf_http_put_header(b, "X-Content-Type-Options", RF_SPAN_LIT("nosniff"));
    rf_http_put_header(b, "Connection", c->ends ? RF_SPAN_LIT("close") : RF_SPAN_LIT("keep-alive"));
}

static void
respond(struct conn *c, const struct rf_http_reply *r, bool is_head)
{
    size_t room = r->body.n + r->headers.n + 1024;
    char *to = make_room(c, room);
    struct rf_buf b = rf_buf(to, room);

    if (to == NULL) {
        c->ends = true;
        return;
    }
    rf_http_put_status(&b, r->status != 0 ? r->status : 200, rf_wall_s());
    put_policy(c, &b);
    rf_put(&b, rf_buf_span(&r->headers));
    rf_http_put_body(&b, r->type != NULL ? r->type : "text/plain; charset=utf-8", r->body, is_head);
    if (rf_buf_done(&b) == RF_OK)
        c->out_n += b.n;
    else
        c->ends = true; /* a header that would split the response: no response */
}

/* Every refusal is a status and a sentence for whoever reads it. */
static void
respond_sentence(struct conn *c, int status, const char *sentence, bool is_head)
{
    struct rf_http_reply *r = &c->server->reply;
    char *mem = r->mem;
    int n = snprintf(mem, sizeof r->mem / 2, "%s\n", sentence);

    r->status = status;
    r->type = NULL;
    r->body = rf_span(mem, n > 0 ? (size_t)n : 0);
    respond(c, r, is_head);
}

static struct rf_http_reply *
fresh_reply(struct rf_http_server *s)
{
    static _Thread_local char headers[2048];

    memset(&s->reply, 0, offsetof(struct rf_http_reply, mem));
    s->reply.headers = rf_buf(headers, sizeof headers);
    return &s->reply;
}

static void
redirect(struct conn *c, bool is_head)
{
    const struct rf_http_request *q = &c->server->request;
    struct rf_http_reply *r = fresh_reply(c->server);
    uint16_t port = c->server->policy.https_port;
    char mem[RF_HTTP_TARGET_MAX + 300];
    struct rf_buf to = rf_buf(mem, sizeof mem);

    rf_put_str(&to, "https://");
    rf_put(&to, q->host);
    if (port != 443)
        rf_putf(&to, ":%u", port);
    rf_put(&to, q->path);
    if (q->query.n > 0) {
        rf_put_char(&to, '?');
        rf_put(&to, q->query);
    }
    if (q->host.n == 0 || rf_buf_done(&to) != RF_OK || to.n > 1900) {
        respond_sentence(c, 403, "use https", is_head);
        return;
    }
    rf_http_put_header(&r->headers, "Location", rf_buf_span(&to));
    respond_sentence(c, 308, "this is served over https only", is_head);
}

static void
refuse_method(struct conn *c, const struct rf_http_route *route, bool is_head)
{
    struct rf_http_reply *r = fresh_reply(c->server);
    char mem[128];
    struct rf_buf allow = rf_buf(mem, sizeof mem);

    for (int m = RF_HTTP_GET; m < RF_HTTP_METHOD_COUNT; m++)
        if ((route->methods & RF_HTTP_BIT(m)) != 0)
            rf_putf(&allow, "%s%s", allow.n > 0 ? ", " : "", rf_http_method_name((enum rf_http_method)m));
    if ((route->methods & RF_HTTP_BIT(RF_HTTP_GET)) != 0)
        rf_put_str(&allow, ", HEAD");
    rf_http_put_header(&r->headers, "Allow", rf_buf_span(&allow));
    respond_sentence(c, 405, "this address does not take this method", is_head);
}

static const struct rf_http_route *
route_for(const struct rf_http_server *s, const char *path)
{
    for (size_t i = 0; i < s->user.routes; i++) {
        const struct rf_http_route *r = &s->user.route[i];

        if (r->is_prefix ? strncmp(path, r->path, strlen(r->path)) == 0 : strcmp(path, r->path) == 0)
            return r;
    }
    return NULL;
}

static void
serve(struct conn *c, struct rf_span body)
{
    struct rf_http_server *s = c->server;
    const struct rf_http_request *q = &s->request;
    struct rf_http_reply *reply = fresh_reply(s);
    struct rf_http_ask ask = { .request = q, .path = s->path, .body = body, .is_tls = c->tls != NULL,
                               .remote = &c->remote, .wall_s = rf_wall_s() };
    bool is_head = q->method == RF_HTTP_HEAD;
    const struct rf_http_route *route;

    c->ends = !q->keep_alive || ++c->requests >= s->limits.requests_max;
    if (rf_http_path_decode(q->path, s->path, sizeof s->path) != RF_OK) {
        respond_sentence(c, 400, "the address cannot be read", is_head);
        return;
    }
    route = route_for(s, s->path);
    if (c->tls == NULL && s->policy.force_https && (route == NULL || !route->stays_plain)) {
        redirect(c, is_head);
        return;
    }
    if (route == NULL) {
        respond_sentence(c, 404, "there is nothing at this address", is_head);
        return;
    }
    if ((route->methods & RF_HTTP_BIT(is_head ? RF_HTTP_GET : q->method)) == 0) {
        refuse_method(c, route, is_head);
        return;
    }
    ask.rest = route->is_prefix ? s->path + strlen(route->path) : "";
    route->serve(s->user.ctx, &ask, reply);
    respond(c, reply, is_head);
}

/* --- reading --- */

static void
consume(struct conn *c, size_t n)
{
    c->in_n -= n;
    memmove(c->in, c->in + n, c->in_n);
    if (c->in_n == 0) {
        free(c->in);
        c->in = NULL;
        c->in_cap = 0;
    }
}

static void
refuse_and_end(struct conn *c, int status, const char *sentence)
{
    c->ends = true;
    fresh_reply(c->server);
    respond_sentence(c, status, sentence, false);
}

/* Serve what is whole. */
static void
serve_requests(struct conn *c, uint64_t now_us)
{
    struct rf_http_server *s = c->server;

    while (!c->ends && c->in_n > 0 && c->out_n - c->out_at <= OUT_KEEP_MAX) {
        struct rf_http_problem problem;
        struct rf_span octets = rf_span(c->in, c->in_n), body;
        size_t used;
        enum rf_err err = rf_http_request_read(octets, &s->request, &problem);

        if (err == RF_ERR_AGAIN)
            return;
        if (err) {
            refuse_and_end(c, problem.status, problem.sentence);
            return;
        }
        if (!c->has_head) {
            c->has_head = true;
            mark(c, now_us);
        }
        err = rf_http_body_read(&s->request, rf_span_sub(octets, s->request.head_octets, octets.n), s->body,
                                s->limits.body_max, &body, &used);
        if (err == RF_ERR_AGAIN) {
            if (s->request.expects_continue && !c->said_continue && make_room(c, 32) != NULL) {
                static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

                memcpy(c->out + c->out_n, go_on, sizeof go_on - 1);
                c->out_n += sizeof go_on - 1;
                c->said_continue = true;
            }
            return;
        }
        if (err) {
            refuse_and_end(c, err == RF_ERR_RANGE ? 413 : 400,
                           err == RF_ERR_RANGE ? "the body is too long" : "the body cannot be read");
            return;
        }
        serve(c, body);
        consume(c, s->request.head_octets + used);
        c->has_head = c->said_continue = false;
        mark(c, now_us);
    }
}

static enum rf_err
read_some(struct conn *c, char *to, size_t cap, size_t *n)
{
    ssize_t got;

    if (c->tls != NULL)
        return rf_tls_conn_read(c->tls, to, cap, n);
    got = recv(c->watch.fd, to, cap, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? RF_ERR_AGAIN : RF_ERR_CLOSED;
    *n = (size_t)got;
    return got == 0 ? RF_ERR_CLOSED : RF_OK;
}

/* A whole head and a whole body with the framing of tiny chunks. */
static size_t
in_max(const struct conn *c)
{
    return RF_HTTP_HEAD_MAX + 2 * c->server->limits.body_max + READ_OCTETS;
}

/* false: the connection is gone. */
static bool
take(struct conn *c, uint64_t now_us)
{
    static _Thread_local char mem[READ_OCTETS];

    for (int i = 0; i < READS_MAX || (c->tls != NULL && rf_tls_conn_has_pending(c->tls)); i++) {
        size_t n = 0;
        enum rf_err err = read_some(c, mem, sizeof mem, &n);

        if (err == RF_ERR_AGAIN)
            return true;
        if (err || c->in_n + n > in_max(c)) {
            c->saw_fin = true;
            if (c->out_n > c->out_at && err == RF_ERR_CLOSED) { /* it may still read */
                c->ends = true;
                return true;
            }
            conn_free(c);
            return false;
        }
        if (c->in_cap - c->in_n < n) {
            char *more = realloc(c->in, c->in_n + n);

            if (more == NULL) {
                conn_free(c);
                return false;
            }
            c->in = more;
            c->in_cap = c->in_n + n;
        }
        memcpy(c->in + c->in_n, mem, n);
        c->in_n += n;
        if (c->in_n == n) /* the first of a request: its head must be whole by then */
            mark(c, now_us);
    }
    return true;
}

/* --- events --- */

struct sink {
    struct conn *conn;
    uint64_t now_us;
};

static void
refuse_peer(void *ctx, enum rf_refusal why, const struct rf_log_field *fields)
{
    const struct sink *s = ctx;
    const struct rf_http_user *user = &s->conn->server->user;

    if (user->refuse != NULL)
        user->refuse(user->ctx, why, &s->conn->remote, fields, s->now_us);
    else
        rf_refuse(why, fields);
}

/* true: done, and what came together with its last message may be inside of OpenSSL already. */
static bool
shake_hands(struct conn *c, uint64_t now_us)
{
    struct rf_tls_failure why;
    enum rf_err err = rf_tls_conn_handshake(c->tls);

    if (err == RF_ERR_AGAIN) {
        watch_anew(c);
        return false;
    }
    if (err) {
        rf_tls_conn_failure(c->tls, &why);
        rf_tls_failure_refuse(&why, &c->remote, c->listener, refuse_peer, &(struct sink){ c, now_us });
        conn_free(c);
        return false;
    }
    /* RFC 8737 3: the handshake was all that the CA wanted; nothing else may be done over it. */
    if (rf_tls_conn_is_challenge(c->tls)) {
        rf_tls_conn_close(c->tls);
        conn_free(c);
        return false;
    }
    c->state = OPEN;
    mark(c, now_us);
    watch_anew(c);
    return true;
}

static void
linger(struct conn *c)
{
    char mem[4096];
    ssize_t n = recv(c->watch.fd, mem, sizeof mem, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        conn_free(c);
}

static void
on_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct conn *c = rf_container(w, struct conn, watch);

    if (c->state == HANDSHAKE) {
        if (!shake_hands(c, now_us))
            return;
        events = EPOLLIN;
    }
    if (c->state == LINGERING) {
        linger(c);
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !take(c, now_us))
        return;
    serve_requests(c, now_us);
    if (flush(c, now_us)) {
        serve_requests(c, now_us); /* what waited for the answers before it to leave */
        if (flush(c, now_us))
            watch_anew(c);
    }
}

static void
on_time(struct rf_timer *t, uint64_t now_us)
{
    struct conn *c = rf_container(t, struct conn, timer);

    if (now_us < deadline(c)) {
        rf_timer_arm(rf_loop_wheel(c->server->loop), t, deadline(c));
        return;
    }
    if (c->state == OPEN && c->out_n == c->out_at && c->in_n > 0 && !c->ends) {
        refuse_and_end(c, 408, "the request did not come in time");
        if (flush(c, now_us))
            watch_anew(c);
        return;
    }
    conn_free(c);
}

static void
conn_new(struct listener *l, int fd, const struct rf_addr *remote, uint64_t now_us)
{
    struct rf_http_server *s = l->server;
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL || (l->is_tls && (s->tls == NULL || rf_tls_conn_accept(&c->tls, s->tls, fd) != RF_OK))) {
        free(c);
        close(fd);
        return;
    }
    c->server = s;
    c->listener = l->name;
    c->remote = *remote;
    c->state = l->is_tls ? HANDSHAKE : OPEN;
    c->timer.fire = on_time;
    c->watch = (struct rf_watch){ .fd = fd, .ready = on_ready };
    rf_list_append(&s->conns, &c->link);
    s->connections++;
    if (rf_loop_watch(s->loop, &c->watch, EPOLLIN) != RF_OK) {
        conn_free(c);
        return;
    }
    mark(c, now_us);
}

static void
on_connect(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct listener *l = rf_container(w, struct listener, watch);
    struct rf_http_server *s = l->server;

    /* A burst is taken in pieces, so that those who are connected are served meanwhile. */
    for (int i = 0; i < 64; i++) {
        struct rf_addr remote;
        int fd;
        enum rf_err err = rf_tcp_accept(w->fd, &fd, &remote);

        if (err == RF_ERR_CLOSED)
            continue;
        if (err)
            return;
        if (s->connections >= s->limits.connections_max ||
            (s->user.admit != NULL && !s->user.admit(s->user.ctx, &remote, now_us))) {
            close(fd);
            continue;
        }
        conn_new(l, fd, &remote, now_us);
    }
}

/* --- life --- */

enum rf_err
rf_http_server_new(struct rf_http_server **out, struct rf_loop *loop, const struct rf_http_limits *limits,
                   const struct rf_http_user *user)
{
    struct rf_http_server *s = calloc(1, sizeof *s);

    if (s == NULL)
        return RF_ERR_NOMEM;
    s->loop = loop;
    s->limits = *limits;
    s->user = *user;
    rf_list_init(&s->listeners);
    rf_list_init(&s->conns);
    s->body = malloc(limits->body_max);
    if (s->body == NULL) {
        free(s);
        return RF_ERR_NOMEM;
    }
    *out = s;
    return RF_OK;
}

static void
listener_free(struct listener *l)
{
    rf_loop_unwatch(l->server->loop, &l->watch);
    close(l->watch.fd);
    rf_list_remove(&l->link);
    free(l);
}

void
rf_http_server_free(struct rf_http_server *s)
{
    if (s == NULL)
        return;
    RF_LIST_FOREACH(&s->conns, it)
        conn_free(rf_container(it, struct conn, link));
    RF_LIST_FOREACH(&s->listeners, it)
        listener_free(rf_container(it, struct listener, link));
    rf_tls_server_unref(s->tls);
    free(s->body);
    free(s);
}

enum rf_err
rf_http_server_listen(struct rf_http_server *s, const char *name, uint32_t id, int fd, bool is_tls)
{
    struct listener *l = calloc(1, sizeof *l);
    enum rf_err err = l != NULL ? RF_OK : RF_ERR_NOMEM;

    if (err)
        return err;
    *l = (struct listener){ .watch = { .fd = fd, .ready = on_connect }, .server = s, .name = name, .id = id,
                            .is_tls = is_tls };
    err = rf_loop_watch(s->loop, &l->watch, EPOLLIN);
    if (err)
        free(l);
    else
        rf_list_append(&s->listeners, &l->link);
    return err;
}

void
rf_http_server_unlisten(struct rf_http_server *s, uint32_t id)
{
    RF_LIST_FOREACH(&s->listeners, it)
        if (rf_container(it, struct listener, link)->id == id)
            listener_free(rf_container(it, struct listener, link));
}

void
rf_http_server_set_tls(struct rf_http_server *s, struct rf_tls_server *tls)
{
    struct rf_tls_server *was = s->tls;

    s->tls = rf_tls_server_ref(tls);
    rf_tls_server_unref(was);
}

void
rf_http_server_set_policy(struct rf_http_server *s, const struct rf_http_policy *policy)
{
    s->policy = *policy;
}
