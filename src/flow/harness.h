/*
 * flow/harness.h - for the tests of this folder: a loop, a layer that notes what it hears, plain sockets
 */
#ifndef RF_FLOW_HARNESS_H
#define RF_FLOW_HARNESS_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "flow/transport.h"
#include "net/socket.h"
#include "tap.h"

#define HEARD_MAX 64

/* What the layer told its user. */
struct heard {
    struct rf_transport_layer *layer;
    unsigned messages, broken, opened, tls_failed, stun, gone;
    char last[65536];
    size_t last_n;
    struct rf_flow *flow;      /* of the last message or opening; a reference */
    struct rf_sip_problem problem;
    struct rf_tls_failure failure;
    struct rf_flow_watch watch;
    const char *answer;        /* sent back for each message; NULL: nothing */
    bool close_after, refuse_all;
};

static struct rf_loop *loop;

__attribute__((unused)) static struct rf_addr
addr_of(const char *text)
{
    struct rf_addr a;

    rf_assert(rf_addr_parse_port(rf_span_str(text), &a) == RF_OK);
    return a;
}

static void
hold(struct heard *h, struct rf_flow *f)
{
    rf_flow_ref(f);
    rf_flow_unref(h->flow);
    h->flow = f;
}

static void
on_message(void *ctx, struct rf_flow *f, struct rf_span octets, uint64_t now_us)
{
    struct heard *h = ctx;

    h->messages++;
    rf_assert(octets.n <= sizeof h->last);
    memcpy(h->last, octets.p, octets.n);
    h->last_n = octets.n;
    hold(h, f);
    if (h->answer != NULL && rf_flow_send(f, rf_span_str(h->answer)) != RF_OK)
        diag("the answer could not be sent");
    if (h->close_after)
        rf_flow_close(f);
}

static void
on_broken(void *ctx, struct rf_flow *f, struct rf_span head, const struct rf_sip_problem *p, uint64_t now_us)
{
    struct heard *h = ctx;

    h->broken++;
    h->problem = *p;
    if (p->status != 0 && rf_flow_send(f, RF_SPAN_LIT("SIP/2.0 400 Bad Request\r\n\r\n")) != RF_OK)
        diag("the answer could not be sent");
}

static void
on_stun(void *ctx, struct rf_flow *f, struct rf_span octets, uint64_t now_us)
{
    ((struct heard *)ctx)->stun++;
}

static bool
on_admit(void *ctx, const struct rf_addr *source, enum rf_transport t, uint64_t now_us)
{
    return !((struct heard *)ctx)->refuse_all;
}

static void
on_opened(void *ctx, struct rf_flow *f, uint64_t now_us)
{
    ((struct heard *)ctx)->opened++;
    hold(ctx, f);
}

static void
on_tls_failed(void *ctx, const struct rf_flow *f, const struct rf_tls_failure *failure, uint64_t now_us)
{
    ((struct heard *)ctx)->tls_failed++;
    ((struct heard *)ctx)->failure = *failure;
}

__attribute__((unused)) static void
on_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    rf_container(w, struct heard, watch)->gone++;
}

__attribute__((unused)) static void
layer_up(struct heard *h, uint16_t worker, const struct rf_transport_limits *limits)
{
    struct rf_transport_user user = { h, on_message, on_broken, on_stun, on_admit, on_opened, on_tls_failed };

    memset(h, 0, sizeof *h);
    h->watch.gone = on_gone;
    rf_assert(rf_transport_layer_new(&h->layer, loop, worker, limits, &user, &rf_rand_system) == RF_OK);
}

__attribute__((unused)) static void
layer_down(struct heard *h)
{
    rf_flow_unwatch(&h->watch);
    rf_transport_layer_free(h->layer);
    rf_flow_unref(h->flow);
    h->flow = NULL;
}

/* Bind, hand to the layer; the address. */
__attribute__((unused)) static struct rf_addr
listen_at(struct heard *h, const char *name, enum rf_transport t, const char *at, struct rf_tls_server *tls)
{
    struct rf_addr a = addr_of(at);
    struct rf_bind_problem problem;
    struct rf_listener_conf conf = { name, t, -1, tls };

    rf_assert(rf_socket_bind_group(&conf.fd, 1, t == RF_UDP ? SOCK_DGRAM : SOCK_STREAM, &a, &problem) == RF_OK);
    rf_assert(rf_transport_listen(h->layer, &conf) == RF_OK);
    return rf_socket_local(conf.fd);
}

/* Run the loop until `claim` holds, at most 5 s. */
#define PUMP_UNTIL(claim)                                                                                     \
    do {                                                                                                      \
        uint64_t pump_end_us = rf_now_us() + 5 * RF_S;                                                        \
        while (!(claim) && rf_now_us() < pump_end_us)                                                         \
            rf_loop_once(loop, 20 * RF_MS);                                                                   \
    } while (0)

#define PUMP_FOR(us)                                                                                          \
    do {                                                                                                      \
        uint64_t pump_end_us = rf_now_us() + (us);                                                            \
        while (rf_now_us() < pump_end_us)                                                                     \
            rf_loop_once(loop, 5 * RF_MS);                                                                    \
    } while (0)

__attribute__((unused)) static struct rf_transport_counts
counts(const struct heard *h)
{
    struct rf_transport_counts c;

    rf_transport_counts(h->layer, &c);
    return c;
}

/* --- a client of plain sockets --- */

__attribute__((unused)) static int
dial(const struct rf_addr *to)
{
    int fd;

    rf_assert(rf_tcp_connect(&fd, to, NULL) == RF_OK);
    for (enum rf_err err = RF_ERR_AGAIN; err == RF_ERR_AGAIN;) {
        rf_loop_once(loop, 5 * RF_MS);
        err = rf_tcp_connected(fd);
    }
    return fd;
}

__attribute__((unused)) static bool
say(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno != EAGAIN)
            return false;
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
        rf_loop_once(loop, 0);
    }
    return true;
}

/* Octets read into `to` until `want` of them or the end; -1: reset. *is_end: FIN came. */
__attribute__((unused)) static ssize_t
hear(int fd, char *to, size_t want, bool *is_end)
{
    size_t n = 0;
    uint64_t end_us = rf_now_us() + 5 * RF_S;

    *is_end = false;
    while (n < want && rf_now_us() < end_us) {
        ssize_t got = recv(fd, to + n, want - n, MSG_DONTWAIT);

        if (got == 0) {
            *is_end = true;
            break;
        }
        if (got < 0 && errno != EAGAIN)
            return -1;
        n += got > 0 ? (size_t)got : 0;
        rf_loop_once(loop, got > 0 ? 0 : 5 * RF_MS);
    }
    return (ssize_t)n;
}

/* A SIP message of about `body` octets more than its header part. */
__attribute__((unused)) static size_t
make_message(char *to, size_t size, const char *call_id, size_t body)
{
    int n = snprintf(to, size,
                     "OPTIONS sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK%s\r\n"
                     "From: <sip:a@example.com>;tag=1\r\nTo: <sip:pbx.example>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
                     "Max-Forwards: 70\r\nContent-Length: %zu\r\n\r\n",
                     call_id, call_id, body);

    rf_assert(n > 0 && (size_t)n + body < size);
    memset(to + n, 'x', body);
    return (size_t)n + body;
}

#endif
