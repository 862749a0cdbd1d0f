/*
 * A TCP or TLS connection from its first octet to its last. States and what moves between them:
 *
 *   CONNECTING --connected--> HANDSHAKE (TLS) --done--> OPEN
 *   CONNECTING --connected--> OPEN (TCP)
 *   OPEN --rf_flow_close--> DRAINING --queue empty--> LINGERING --peer's FIN, 2 s--> ENDED
 *   any --error, timeout, peer's FIN--> ENDED; an error inside a call goes by FAILED, see (I2) of layer.h
 */
#include "flow/layer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/socket.h"

#define READS_MAX 4          /* of SCRATCH_MAX octets from one connection in one round */
#define DRAIN_US  (5 * RF_S) /* for what was queued when we close */
#define LINGER_US (2 * RF_S)

static struct rf_conn *
conn_of(struct rf_flow *f)
{
    return rf_container(f, struct rf_conn, flow);
}

static bool
has_queue(const struct rf_conn *c)
{
    return c->out_n > c->out_at;
}

/* A peer that does not read is not read from either: its requests would only make more answers. */
static bool
is_backlogged(const struct rf_conn *c)
{
    return c->out_n - c->out_at > c->layer->limits.write_max / 2;
}

/* --- timer --- */

static uint64_t
after(uint64_t from_us, uint64_t limit_us)
{
    return limit_us == 0 ? UINT64_MAX : from_us + limit_us;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t
deadline(const struct rf_conn *c)
{
    const struct rf_transport_limits *limits = &c->layer->limits;
    uint64_t due;

    switch (c->state) {
    case RF_CONN_CONNECTING:
        return after(c->state_us, limits->connect_us);
    case RF_CONN_HANDSHAKE:
        return after(c->state_us, limits->handshake_us);
    case RF_CONN_OPEN:
        due = after(c->active_us, limits->unused_us != 0 && rf_list_empty(&c->flow.watches) ? limits->unused_us
                                                                                            : limits->idle_us);
        if (c->half_us != 0)
            due = earlier(due, after(c->half_us, limits->half_message_us));
        if (has_queue(c))
            due = earlier(due, after(c->progress_us, limits->stall_us));
        if (c->deaf_us != 0)
            due = earlier(due, c->deaf_us);
        return due;
    case RF_CONN_DRAINING:
        return c->state_us + DRAIN_US;
    case RF_CONN_LINGERING:
        return c->state_us + LINGER_US;
    case RF_CONN_FAILED:
    case RF_CONN_ENDED:
        break;
    }
    return 0;
}

/* The timer may be earlier than the deadline (what it was set for did not come true), never later. */
void
rf_conn_want_timer(struct rf_conn *c, uint64_t due_us)
{
    if (due_us != UINT64_MAX && (!rf_timer_is_armed(&c->timer) || c->timer.due_us > due_us))
        rf_timer_arm(c->layer->wheel, &c->timer, due_us);
}

static void
enter(struct rf_conn *c, enum rf_conn_state state, uint64_t now_us)
{
    c->state = state;
    c->state_us = c->active_us = now_us;
    rf_conn_want_timer(c, deadline(c));
    rf_conn_watch_anew(c);
}

void
rf_conn_watch_anew(struct rf_conn *c)
{
    uint32_t events = EPOLLIN;

    if (c->state == RF_CONN_CONNECTING || c->state == RF_CONN_DRAINING)
        events = EPOLLOUT;
    else if (c->state == RF_CONN_HANDSHAKE && c->tls != NULL && rf_tls_conn_is_held(c->tls))
        events = 0; /* the timer goes on with it */
    else if (c->state == RF_CONN_HANDSHAKE && c->tls != NULL && rf_tls_conn_wants_write(c->tls))
        events = EPOLLOUT;
    else if (c->state == RF_CONN_OPEN)
        events = (is_backlogged(c) || c->deaf_us != 0 ? 0 : EPOLLIN) | (has_queue(c) ? EPOLLOUT : 0);
    rf_loop_rewatch(c->layer->loop, &c->watch, events);
}

/* --- how many there are --- */

static struct rf_span
source_name(const struct rf_addr *a, uint8_t name[9])
{
    memset(name, 0, 9);
    name[0] = a->sa.sa_family == AF_INET6 ? 6 : 4;
    if (name[0] == 6)
        memcpy(name + 1, &a->v6.sin6_addr, 8); /* a /64 is one site: it can use any of its addresses */
    else
        memcpy(name + 1, &a->v4.sin_addr, 4);
    return rf_span(name, 9);
}

/* Count one more connection of this source. */
static enum rf_err
share_take(struct rf_transport_layer *l, const struct rf_addr *remote, struct rf_quota_share **out)
{
    const struct rf_transport_limits *limits = &l->limits;
    bool is_counted =
        limits->per_source_max != 0 && !(limits->loopback_is_exempt && rf_addr_is_loopback(remote));
    uint8_t name[9];

    return rf_quota_take(l->user.connections, is_counted ? source_name(remote, name) : rf_span(NULL, 0),
                         limits->per_source_max, limits->connections_max, out);
}

static void
refuse_connection(struct rf_listener *ln, const struct rf_addr *remote, enum rf_err why, uint64_t now_us)
{
    struct rf_transport_layer *l = ln->layer;
    char text[RF_ADDR_TEXT_MAX];
    struct rf_log_field fields[] = {
        RF_F_STR("what", why == RF_ERR_RANGE ? "the share of connections of one address (sip.connections-per-source)"
                                             : "the connection table (sip.connections-max)"),
        RF_F_STR("who", rf_addr_text(remote, text)),
        RF_F_U64("seconds", 1),
        RF_F_STR("listener", ln->name),
        { 0 },
    };

    if (why == RF_ERR_RANGE)
        l->counts.refused_source++;
    else
        l->counts.refused_full++;
    rf_transport_refuse(l, RF_REFUSE_OVERLOAD, remote, fields, now_us);
}

/* --- octets --- */

enum rf_err
rf_conn_write(struct rf_conn *c, struct rf_span octets, size_t *n)
{
    ssize_t sent;

    if (c->tls != NULL)
        return rf_tls_conn_write(c->tls, octets, n);
    *n = 0;
    sent = send(c->watch.fd, octets.p, octets.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
        *n = (size_t)sent;
        return RF_OK;
    }
    return errno == EAGAIN || errno == EINTR ? RF_ERR_AGAIN : RF_ERR_CLOSED;
}

static enum rf_err
conn_read(struct rf_conn *c, size_t *n)
{
    char *to = c->layer->scratch;
    ssize_t got;

    if (c->tls != NULL)
        return rf_tls_conn_read(c->tls, to, SCRATCH_MAX, n);
    got = recv(c->watch.fd, to, SCRATCH_MAX, MSG_DONTWAIT);
    if (got > 0) {
        *n = (size_t)got;
        return RF_OK;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? RF_ERR_AGAIN : RF_ERR_CLOSED;
}

struct sink {
    struct rf_conn *conn;
    uint64_t now_us;
};

/* A scanner that tries one thing after the other makes a line a minute of each kind, not one for each try. */
static void
refuse_peer(void *ctx, enum rf_refusal why, const struct rf_log_field *fields)
{
    const struct sink *s = ctx;

    rf_transport_refuse(s->conn->layer, why, &s->conn->flow.remote, fields, s->now_us);
}

static void
say_failed(struct rf_conn *c, const struct rf_tls_failure *f, uint64_t now_us)
{
    rf_tls_failure_refuse(f, &c->flow.remote, c->flow.listener, refuse_peer, &(struct sink){ c, now_us });
}

/* TLS 1.3: a server that does not like our certificate says so when the handshake is done for us. */
static void
say_refused(struct rf_conn *c, uint64_t now_us)
{
    struct rf_tls_failure f;

    if (c->tls == NULL || !rf_tls_conn_was_refused(c->tls))
        return;
    rf_tls_conn_failure(c->tls, &f);
    say_failed(c, &f, now_us);
}

static void
read_some(struct rf_conn *c, uint64_t now_us)
{
    for (int i = 0; i < READS_MAX || (c->tls != NULL && rf_tls_conn_has_pending(c->tls)); i++) {
        size_t n;
        enum rf_err err;

        if (c->state != RF_CONN_OPEN || c->deaf_us != 0 || is_backlogged(c))
            break;
        err = conn_read(c, &n);
        if (err == RF_ERR_AGAIN)
            break;
        if (err == RF_OK) {
            c->active_us = now_us;
            err = rf_stream_received(c, rf_span(c->layer->scratch, n), now_us);
        }
        if (err != RF_OK) {
            if (err == RF_ERR_CRYPTO)
                say_refused(c, now_us);
            if (c->state == RF_CONN_OPEN)
                rf_conn_end(c, now_us);
            return;
        }
        /* A short read emptied the socket; asking again would cost a system call. */
        if (c->tls != NULL ? !rf_tls_conn_has_pending(c->tls) : n < SCRATCH_MAX)
            break;
    }
    if (c->state == RF_CONN_OPEN) {
        rf_conn_want_timer(c, deadline(c));
        rf_conn_watch_anew(c);
    }
}

/* --- steps --- */

/* Who it said it is. Not asked of a phone that showed nothing: parsing a certificate costs 10 us. */
static void
take_peer(const struct rf_tls_conn *tls, struct rf_flow_facts *to)
{
    const struct rf_tls_peer *peer = rf_tls_conn_peer(tls);
    struct rf_cert_facts leaf;

    if (peer == NULL || !peer->has_shown || rf_tls_conn_peer_facts(tls, &leaf) != RF_OK)
        return;
    snprintf(to->tls_peer, sizeof to->tls_peer, "%s", leaf.subject);
    memcpy(to->tls_peer_sha256, leaf.sha256, sizeof to->tls_peer_sha256);
}

static void
opened(struct rf_conn *c, uint64_t now_us)
{
    struct rf_transport_layer *l = c->layer;

    if (c->tls != NULL) {
        struct rf_tls_facts facts;
        struct rf_flow_facts *to = &c->flow.facts;

        take_peer(c->tls, to);
        rf_tls_conn_facts(c->tls, &facts);
        if (rf_span_copy(rf_span_str(facts.version), to->tls_version, sizeof to->tls_version) != RF_OK ||
            rf_span_copy(rf_span_str(facts.cipher), to->tls_cipher, sizeof to->tls_cipher) != RF_OK ||
            rf_span_copy(rf_span_str(facts.group), to->tls_group, sizeof to->tls_group) != RF_OK)
            rf_assert(!"a name of OpenSSL is longer than rf_flow_facts allows");
        to->tls_resumed = facts.resumed;
        to->tls_fits = facts.fits;
        l->counts.handshakes++;
        l->counts.resumed += facts.resumed;
    }
    c->flow.facts.since_wall_s = rf_wall_s();
    enter(c, RF_CONN_OPEN, now_us);
    if (!c->is_inbound)
        l->counts.connected++;
    if (l->user.opened != NULL && !c->is_plain_on_tls)
        l->user.opened(l->user.ctx, &c->flow, now_us);
    if (c->state == RF_CONN_OPEN && rf_stream_flush(c, now_us) != RF_OK)
        rf_conn_end(c, now_us);
    else if (c->state == RF_CONN_OPEN && c->tls != NULL)
        read_some(c, now_us); /* what came with the end of the handshake; epoll does not know of it */
}

/* No more is sent: wait for the peer's FIN, then end. The flow is gone for its users. */
static void
linger(struct rf_conn *c, uint64_t now_us)
{
    if (c->tls != NULL)
        rf_tls_conn_close(c->tls);
    shutdown(c->watch.fd, SHUT_WR);
    rf_tls_conn_free(c->tls);
    if (c->tls != NULL)
        c->layer->counts.tls_connections--;
    c->tls = NULL;
    rf_stream_free_buffers(c);
    enter(c, RF_CONN_LINGERING, now_us);
    rf_flow_gone(&c->flow, now_us);
}

static void
handshake_failed(struct rf_conn *c, const struct rf_tls_failure *f, uint64_t now_us)
{
    struct rf_transport_layer *l = c->layer;

    l->counts.handshakes_failed++;
    if (c->tls == NULL) /* else it was counted there */
        rf_tls_count_lost(c->flow.listener, f->refusal);
    say_failed(c, f, now_us);
    if (l->user.tls_failed != NULL)
        l->user.tls_failed(l->user.ctx, &c->flow, f, now_us);
    /* Our alert must not be eaten by a reset for what the peer sent meanwhile. */
    if (f->alert_sent >= 0)
        linger(c, now_us);
    else
        rf_conn_end(c, now_us);
}

static void
handshake(struct rf_conn *c, uint64_t now_us)
{
    struct rf_tls_failure f;

    switch (rf_tls_conn_handshake(c->tls)) {
    case RF_OK:
        /* RFC 8737 3: the handshake was all that the authority wanted; nothing else may be done over it. */
        if (rf_tls_conn_is_challenge(c->tls))
            linger(c, now_us);
        else
            opened(c, now_us);
        break;
    case RF_ERR_AGAIN:
        if (rf_tls_conn_is_held(c->tls))
            rf_conn_want_timer(c, now_us + RF_TLS_HELD_US);
        rf_conn_watch_anew(c);
        break;
    default:
        rf_tls_conn_failure(c->tls, &f);
        handshake_failed(c, &f, now_us);
    }
}

static void
handshake_timed_out(struct rf_conn *c, uint64_t now_us)
{
    struct rf_tls_failure f = { .refusal = RF_REFUSE_TLS_FAILED, .alert_sent = -1, .alert_received = -1 };

    c->layer->counts.timeouts++;
    snprintf(f.reason, sizeof f.reason, "it was not done within %u s",
             (unsigned)(c->layer->limits.handshake_us / RF_S));
    if (c->tls != NULL) {
        char reason[sizeof f.reason];

        memcpy(reason, f.reason, sizeof reason);
        rf_tls_conn_give_up(c->tls, reason);
        rf_tls_conn_failure(c->tls, &f);
        f.alert_sent = -1;
    }
    handshake_failed(c, &f, now_us);
}

/*
 * The first octet tells TLS (a handshake record, 22) from a device that speaks SIP in clear (RF-106). OpenSSL's
 * part of the connection is made only now: who connects and says nothing costs little.
 */
static void
first_octet(struct rf_conn *c, uint64_t now_us)
{
    struct rf_tls_failure failure = { .refusal = RF_REFUSE_TLS_CLOSED,
                                      .alert_sent = -1,
                                      .alert_received = -1 };
    unsigned char octet;
    ssize_t n = recv(c->watch.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        handshake_failed(c, &failure, now_us);
        return;
    }
    if (octet == 22) {
        if (rf_tls_conn_accept(&c->tls, c->server, c->watch.fd) != RF_OK) {
            rf_conn_end(c, now_us);
            return;
        }
        rf_tls_conn_may_hold(c->tls);
        c->layer->counts.tls_connections++;
    } else {
        c->layer->counts.plain_on_tls++;
        c->is_plain_on_tls = true;
    }
    rf_tls_server_unref(c->server);
    c->server = NULL;
    if (c->tls != NULL)
        handshake(c, now_us);
    else
        opened(c, now_us);
}

static void
connect_done(struct rf_conn *c, uint64_t now_us)
{
    enum rf_err err = rf_tcp_connected(c->watch.fd);

    if (err == RF_ERR_AGAIN)
        return;
    if (err != RF_OK) {
        rf_conn_end(c, now_us);
        return;
    }
    if (c->client == NULL) {
        opened(c, now_us);
        return;
    }
    if (rf_tls_conn_connect(&c->tls, c->client, c->watch.fd, rf_span_str(c->host), NULL) != RF_OK) {
        rf_conn_end(c, now_us);
        return;
    }
    rf_tls_conn_may_hold(c->tls);
    c->layer->counts.tls_connections++;
    enter(c, RF_CONN_HANDSHAKE, now_us);
    handshake(c, now_us);
}

static void
drain(struct rf_conn *c, uint64_t now_us)
{
    if (rf_stream_flush(c, now_us) != RF_OK)
        rf_conn_end(c, now_us);
    else if (!has_queue(c))
        linger(c, now_us);
}

static void
drop_what_comes(struct rf_conn *c, uint64_t now_us)
{
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t n = recv(c->watch.fd, c->layer->scratch, SCRATCH_MAX, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            rf_conn_end(c, now_us);
            return;
        }
    }
}

static void
conn_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct rf_conn *c = rf_container(w, struct rf_conn, watch);

    rf_flow_ref(&c->flow);
    switch (c->state) {
    case RF_CONN_CONNECTING:
        connect_done(c, now_us);
        break;
    case RF_CONN_HANDSHAKE:
        if (c->server != NULL)
            first_octet(c, now_us);
        else if (c->tls != NULL && rf_tls_conn_is_held(c->tls) && (events & (EPOLLHUP | EPOLLERR)) != 0)
            rf_conn_end(c, now_us);
        else
            handshake(c, now_us);
        break;
    case RF_CONN_OPEN:
        if (has_queue(c) && rf_stream_flush(c, now_us) != RF_OK)
            rf_conn_end(c, now_us);
        else if (c->deaf_us == 0)
            read_some(c, now_us);
        else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
            rf_conn_end(c, now_us);
        break;
    case RF_CONN_DRAINING:
        drain(c, now_us);
        break;
    case RF_CONN_LINGERING:
        drop_what_comes(c, now_us);
        break;
    case RF_CONN_FAILED:
    case RF_CONN_ENDED:
        break; /* the timer ends it */
    }
    rf_flow_unref(&c->flow);
}

static void
conn_timer(struct rf_timer *t, uint64_t now_us)
{
    struct rf_conn *c = rf_container(t, struct rf_conn, timer);
    uint64_t due_us = deadline(c);

    rf_flow_ref(&c->flow);
    if (c->state == RF_CONN_DRAINING && now_us < due_us) {
        drain(c, now_us);
    } else if (now_us < due_us && c->state == RF_CONN_HANDSHAKE && c->tls != NULL && rf_tls_conn_is_held(c->tls)) {
        handshake(c, now_us);
        if (c->state == RF_CONN_HANDSHAKE)
            rf_conn_want_timer(c, due_us);
    } else if (now_us < due_us) {
        rf_conn_want_timer(c, due_us); /* something happened since it was armed */
    } else if (c->state == RF_CONN_HANDSHAKE) {
        handshake_timed_out(c, now_us);
    } else if (c->state == RF_CONN_OPEN && c->deaf_us != 0) {
        rf_conn_close(c);
    } else {
        c->layer->counts.timeouts += c->state < RF_CONN_DRAINING;
        rf_conn_end(c, now_us);
    }
    if (c->state == RF_CONN_DRAINING)
        rf_conn_want_timer(c, deadline(c));
    rf_flow_unref(&c->flow);
}

/* --- from outside --- */

static enum rf_err
flow_send(struct rf_flow *f, struct rf_span message)
{
    enum rf_err err = message.n > RF_SIP_MESSAGE_MAX ? RF_ERR_RANGE : rf_stream_send(conn_of(f), message);

    if (!err)
        rf_flow_count(RF_TALLY_OUT, f->transport, message);
    return err;
}

/* Ends it from the loop, at once: (I2). */
void
rf_conn_fail(struct rf_conn *c)
{
    c->state = RF_CONN_FAILED;
    rf_loop_unwatch(c->layer->loop, &c->watch);
    rf_timer_arm(c->layer->wheel, &c->timer, 0);
}

void
rf_conn_close(struct rf_conn *c)
{
    if (c->state < RF_CONN_OPEN) {
        rf_conn_fail(c);
    } else if (c->state == RF_CONN_OPEN) {
        enter(c, RF_CONN_DRAINING, rf_now_us());
        rf_timer_arm(c->layer->wheel, &c->timer, 0);
    }
}

static void
flow_close(struct rf_flow *f)
{
    rf_conn_close(conn_of(f));
}

static void
flow_free(struct rf_flow *f)
{
    struct rf_conn *c = conn_of(f);

    rf_assert(c->state == RF_CONN_ENDED);
    free(c->host);
    free(c);
}

static const struct rf_flow_ops conn_ops = { flow_send, flow_close, flow_free };

const struct rf_tls_conn *
rf_transport_tls(const struct rf_flow *flow)
{
    return flow->ops == &conn_ops ? rf_container(flow, const struct rf_conn, flow)->tls : NULL;
}

bool
rf_transport_is_open(const struct rf_flow *flow)
{
    if (flow->ops != &conn_ops)
        return !flow->is_closed;
    return !flow->is_closed && rf_container(flow, const struct rf_conn, flow)->state == RF_CONN_OPEN;
}

void
rf_transport_ping(struct rf_flow *flow)
{
    struct rf_conn *c = conn_of(flow);

    if (flow->ops == &conn_ops && !flow->is_closed && rf_stream_send(c, RF_SPAN_LIT("\r\n\r\n")) == RF_OK)
        c->pings_sent++;
}

/* --- life --- */

static struct rf_conn *
conn_new(struct rf_transport_layer *l, enum rf_transport t, const char *name, int fd,
         const struct rf_addr *remote)
{
    struct rf_conn *c = calloc(1, sizeof *c);
    uint64_t id;

    if (c == NULL)
        return NULL;
    id = ++l->last_id;
    rf_flow_init(&c->flow, &conn_ops, t, id);
    c->flow.remote = *remote;
    snprintf(c->flow.listener, sizeof c->flow.listener, "%s", name);
    c->layer = l;
    c->watch.fd = fd;
    c->watch.ready = conn_ready;
    c->timer.fire = conn_timer;
    return c;
}

/* Into the tables; from here on rf_conn_end is its end. */
static void
conn_add(struct rf_conn *c)
{
    struct rf_transport_layer *l = c->layer;

    rf_list_append(&l->conns, &c->link);
    rf_hash_insert(&l->by_id, &c->by_id, rf_hash_of(&l->by_id, rf_span(&c->flow.id, sizeof c->flow.id)));
    l->counts.connections++;
}

void
rf_conn_accepted(struct rf_listener *ln, int fd, const struct rf_addr *remote, uint64_t now_us)
{
    struct rf_transport_layer *l = ln->layer;
    struct rf_quota_share *share = NULL;
    struct rf_conn *c = NULL;
    enum rf_err err = share_take(l, remote, &share);

    if (err) {
        refuse_connection(ln, remote, err, now_us);
        goto fail;
    }
    c = conn_new(l, ln->transport, ln->name, fd, remote);
    if (c == NULL || rf_loop_watch(l->loop, &c->watch, EPOLLIN) != RF_OK)
        goto fail;
    c->flow.local = rf_addr_is_any(&ln->bound) ? rf_socket_local(fd) : ln->bound;
    c->is_inbound = true;
    c->share = share;
    conn_add(c);
    l->counts.accepted++;
    rf_flow_ref(&c->flow);
    if (ln->tls != NULL) {
        c->server = rf_tls_server_ref(ln->tls);
        enter(c, RF_CONN_HANDSHAKE, now_us);
    } else {
        opened(c, now_us);
    }
    rf_flow_unref(&c->flow);
    return;

fail:
    if (share != NULL)
        rf_quota_drop(l->user.connections, share);
    close(fd);
    free(c);
}

void
rf_conn_end(struct rf_conn *c, uint64_t now_us)
{
    struct rf_transport_layer *l = c->layer;

    if (c->state == RF_CONN_ENDED)
        return;
    c->state = RF_CONN_ENDED;
    rf_timer_cancel(l->wheel, &c->timer);
    rf_loop_unwatch(l->loop, &c->watch);
    if (c->tls != NULL)
        l->counts.tls_connections--;
    rf_tls_conn_free(c->tls);
    c->tls = NULL;
    close(c->watch.fd);
    rf_stream_free_buffers(c);
    rf_tls_server_unref(c->server);
    rf_tls_client_unref(c->client);
    c->server = NULL;
    c->client = NULL;
    rf_quota_drop(l->user.connections, c->share);
    rf_hash_remove(&l->by_id, &c->by_id);
    rf_hash_remove(&l->by_peer, &c->by_peer);
    rf_list_remove(&c->link);
    l->counts.connections--;
    rf_flow_gone(&c->flow, now_us);
    rf_flow_unref(&c->flow);
}

/* --- connecting --- */

/* What a connection that we opened is looked up by; compared whole afterwards. */
struct peer {
    enum rf_transport transport;
    const struct rf_addr *remote, *local;
    struct rf_span host;
    const struct rf_tls_client *client;
};

static uint64_t
peer_hash(const struct rf_hash *h, const struct peer *p)
{
    char text[512];
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_put_u64(&b, p->transport);
    rf_put_addr(&b, p->remote);
    rf_put(&b, p->host);
    return rf_hash_of(h, rf_buf_span(&b));
}

static bool
peer_is(const struct rf_hash_node *node, const void *key)
{
    const struct rf_conn *c = rf_container(node, const struct rf_conn, by_peer);
    const struct peer *p = key;

    return c->state <= RF_CONN_OPEN && c->flow.transport == p->transport && c->client == p->client &&
           rf_addr_eq(&c->flow.remote, p->remote) &&
           (!rf_addr_is_set(p->local) || rf_addr_same_host(&c->flow.local, p->local)) &&
           rf_span_eq(rf_span_str(c->host != NULL ? c->host : ""), p->host);
}

enum rf_err
rf_transport_connect(struct rf_transport_layer *l, const struct rf_connect_conf *conf, struct rf_flow **out)
{
    struct peer peer = { conf->transport, &conf->remote, &conf->local, conf->host, conf->tls };
    uint64_t hash;
    struct rf_hash_node *node;
    struct rf_quota_share *share;
    struct rf_conn *c;
    enum rf_err err;
    int fd;

    rf_assert(conf->transport == RF_TCP ||
              (conf->transport == RF_TLS && conf->tls != NULL && conf->host.n > 0));
    if (conf->transport == RF_TCP) {
        peer.host = rf_span("", 0);
        peer.client = NULL;
    }
    hash = peer_hash(&l->by_peer, &peer);
    node = rf_hash_find(&l->by_peer, hash, peer_is, &peer);
    if (node != NULL) {
        *out = rf_flow_ref(&rf_container(node, struct rf_conn, by_peer)->flow);
        return RF_OK;
    }
    /* Whom we connect to is our choice: it counts among all alone. */
    if (rf_quota_take(l->user.connections, rf_span(NULL, 0), 0, l->limits.connections_max, &share) != RF_OK)
        return RF_ERR_NOMEM;
    err = rf_tcp_connect(&fd, &conf->remote, &conf->local);
    if (err != RF_OK) {
        rf_quota_drop(l->user.connections, share);
        return err;
    }
    c = conn_new(l, conf->transport, conf->name, fd, &conf->remote);
    if (c != NULL && peer.client != NULL)
        c->host = rf_span_dup(conf->host);
    if (c == NULL || (peer.client != NULL && c->host == NULL) ||
        rf_loop_watch(l->loop, &c->watch, EPOLLOUT) != RF_OK) {
        close(fd);
        rf_quota_drop(l->user.connections, share);
        if (c != NULL)
            free(c->host);
        free(c);
        return RF_ERR_NOMEM;
    }
    c->flow.local = rf_socket_local(fd);
    c->share = share;
    if (peer.client != NULL)
        c->client = rf_tls_client_ref(conf->tls);
    conn_add(c);
    rf_hash_insert(&l->by_peer, &c->by_peer, hash);
    enter(c, RF_CONN_CONNECTING, rf_now_us());
    *out = rf_flow_ref(&c->flow);
    return RF_OK;
}
