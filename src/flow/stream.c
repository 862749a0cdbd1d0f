/* Octets of a connection: cut into messages on the way in, queued on the way out. */
#include "flow/layer.h"

#include <stdio.h>
#include <stdlib.h>

#include "sip/write.h"

#define IN_FIRST  2048 /* a message that did not come whole gets this much first */
#define OUT_FIRST 2048
#define PONGS_MAX 16 /* answers to pings that came in one read; nobody needs more */

void
rf_stream_free_buffers(struct rf_conn *c)
{
    free(c->in);
    free(c->out);
    c->in = c->out = NULL;
    c->in_n = c->in_cap = c->out_at = c->out_n = c->out_cap = 0;
    c->half_us = 0;
}

/* --- out --- */

static bool
queue(struct rf_conn *c, struct rf_span octets)
{
    uint32_t waiting = c->out_n - c->out_at;
    uint32_t need = waiting + (uint32_t)octets.n;

    if (c->out_at > 0 && need <= c->out_cap) {
        memmove(c->out, c->out + c->out_at, waiting);
        c->out_at = 0;
        c->out_n = waiting;
    }
    if (need > c->out_cap) {
        uint32_t cap = c->out_cap > 0 ? c->out_cap : OUT_FIRST;
        char *out;

        while (cap < need)
            cap *= 2;
        out = malloc(cap);
        if (out == NULL)
            return false;
        if (waiting > 0)
            memcpy(out, c->out + c->out_at, waiting);
        free(c->out);
        c->out = out;
        c->out_cap = cap;
        c->out_at = 0;
        c->out_n = waiting;
    }
    memcpy(c->out + c->out_n, octets.p, octets.n);
    c->out_n += (uint32_t)octets.n;
    return true;
}

enum rf_err
rf_stream_send(struct rf_conn *c, struct rf_span octets)
{
    struct rf_transport_layer *l = c->layer;
    uint32_t waiting = c->out_n - c->out_at;

    if (c->state > RF_CONN_OPEN)
        return RF_ERR_CLOSED;
    if (octets.n > l->limits.write_max || waiting > l->limits.write_max - octets.n) {
        l->counts.queue_full++;
        return RF_ERR_NOMEM;
    }
    while (c->state == RF_CONN_OPEN && waiting == 0 && octets.n > 0) {
        size_t n;
        enum rf_err err = rf_conn_write(c, octets, &n);

        if (err == RF_ERR_AGAIN)
            break;
        if (err != RF_OK) {
            rf_conn_fail(c);
            return RF_ERR_CLOSED;
        }
        octets = rf_span_sub(octets, n, octets.n);
    }
    if (octets.n == 0)
        return RF_OK;
    if (!queue(c, octets)) {
        rf_conn_fail(c); /* a part may be out already */
        return RF_ERR_CLOSED;
    }
    if (c->state == RF_CONN_OPEN && waiting == 0) {
        c->progress_us = rf_now_us();
        rf_conn_watch_anew(c);
        if (l->limits.stall_us != 0)
            rf_conn_want_timer(c, c->progress_us + l->limits.stall_us);
    }
    return RF_OK;
}

enum rf_err
rf_stream_flush(struct rf_conn *c, uint64_t now_us)
{
    while (c->out_at < c->out_n) {
        size_t n;
        enum rf_err err = rf_conn_write(c, rf_span(c->out + c->out_at, c->out_n - c->out_at), &n);

        if (err == RF_ERR_AGAIN)
            return RF_OK;
        if (err != RF_OK)
            return RF_ERR_CLOSED;
        c->out_at += (uint32_t)n;
        c->progress_us = c->active_us = now_us;
    }
    free(c->out);
    c->out = NULL;
    c->out_at = c->out_n = c->out_cap = 0;
    return RF_OK;
}

/* --- the wrong protocol at the right port --- */

static void
refuse_protocol(struct rf_conn *c, enum rf_refusal why, uint64_t now_us)
{
    char text[RF_ADDR_TEXT_MAX];
    struct rf_log_field fields[] = { RF_F_STR("peer", rf_addr_text(&c->flow.remote, text)),
                                     RF_F_U64("port", rf_addr_port(&c->flow.local)),
                                     RF_F_STR("listener", c->flow.listener),
                                     { 0 } };

    rf_transport_refuse(c->layer, why, &c->flow.remote, fields, now_us);
}

static void
refuse_tls_on_plain(struct rf_conn *c, uint64_t now_us)
{
    /* A TLS alert record: fatal, handshake_failure (RFC 8446 6), so that the client ends at once. */
    static const char alert[] = { 21, 3, 1, 0, 2, 2, 40 };

    c->layer->counts.tls_on_plain++;
    refuse_protocol(c, RF_REFUSE_TLS_ON_PLAIN, now_us);
    if (rf_stream_send(c, rf_span(alert, sizeof alert)) == RF_OK)
        rf_conn_close(c);
}

static bool
is_http(struct rf_span head)
{
    struct rf_span line = rf_span_sub(head, 0, rf_span_find(head, '\n'));

    return rf_span_find_str(line, RF_SPAN_LIT(" HTTP/1.")) < line.n;
}

static void
put_tls_required(struct rf_conn *c, struct rf_buf *b, struct rf_span octets)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                               "Content-Length: 25\r\n\r\nThis port speaks SIP/TLS.";
    struct rf_sip_msg msg;
    struct rf_sip_problem problem;
    char tag[9];

    if (is_http(octets)) {
        rf_put_str(b, http);
        return;
    }
    if (rf_sip_msg_parse(&msg, octets, &problem) != RF_OK || !msg.is_request || msg.method == RF_SIP_ACK)
        return;
    snprintf(tag, sizeof tag, "%08x", (unsigned)c->flow.id);
    rf_sip_put_response(b, &msg, 403, "TLS Required", rf_span_str(tag), &c->flow.remote);
    rf_sip_put_headerf(b, RF_HDR_WARNING,
                       "399 ringfence \"RF-106 this port speaks TLS: set the transport to TLS\"");
    rf_sip_put_body(b, NULL, rf_span("", 0));
}

/* RF-106: an answer in clear, so that the device's user sees why, and the end. */
static void
refuse_plain_on_tls(struct rf_conn *c, struct rf_span octets, uint64_t now_us)
{
    char mem[8192];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    refuse_protocol(c, RF_REFUSE_TLS_PLAIN_ON_TLS, now_us);
    put_tls_required(c, &b, octets);
    if (b.n == 0 || rf_buf_done(&b) != RF_OK || rf_stream_send(c, rf_buf_span(&b)) == RF_OK)
        rf_conn_close(c);
}

/* --- in --- */

#define DEAF_US (100 * RF_MS) /* a neighbour answers within a millisecond, under load within some ten */


static void
broken(struct rf_conn *c, struct rf_span head, const struct rf_sip_problem *problem, uint64_t now_us)
{
    struct rf_transport_layer *l = c->layer;

    l->counts.broken++;
    if (c->is_plain_on_tls) {
        refuse_plain_on_tls(c, head, now_us);
        return;
    }
    if (l->user.broken != NULL)
        l->user.broken(l->user.ctx, &c->flow, head, problem, now_us);
    if (c->flow.is_closed || !c->has_asked) {
        rf_conn_close(c);
        return;
    }
    /* Messages before this one were whole, and another worker may be about to answer them. */
    c->deaf_us = now_us + DEAF_US;
    rf_conn_want_timer(c, c->deaf_us);
    rf_conn_watch_anew(c);
}

static void
message(struct rf_conn *c, struct rf_span octets, uint64_t now_us)
{
    struct rf_transport_layer *l = c->layer;

    if (c->is_plain_on_tls) {
        refuse_plain_on_tls(c, octets, now_us);
        return;
    }
    l->counts.messages_in++;
    rf_flow_count(RF_TALLY_IN, c->flow.transport, octets);
    c->has_asked = true;
    l->user.message(l->user.ctx, &c->flow, octets, now_us);
}

/*
 * CRLFs between messages. Two in a row are a ping and want one back (RFC 5626 4.4.1), also when they come in two
 * reads; one is the answer to a ping of ours, or noise before a start line (RFC 3261 7.5). Returns pongs to send.
 */
static unsigned
crlf(struct rf_conn *c)
{
    if (c->pings_sent > 0) {
        c->pings_sent--;
        c->crlf_run = 0;
        return 0;
    }
    if (++c->crlf_run < 2)
        return 0;
    c->crlf_run = 0;
    c->layer->counts.pings++;
    return 1;
}

/* Hand up what is whole; how many octets were used. */
static size_t
cut(struct rf_conn *c, struct rf_span octets, uint64_t now_us)
{
    static const char pong[2 * PONGS_MAX + 1] =
        "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    unsigned pongs = 0;
    size_t at = 0;

    while (at < octets.n && c->state == RF_CONN_OPEN) {
        struct rf_span left = rf_span_sub(octets, at, octets.n);
        struct rf_sip_problem problem;
        enum rf_sip_frame_kind kind;
        size_t n;

        if (left.p[0] == '\r' && (left.n == 1 || left.p[1] == '\n')) {
            if (left.n == 1)
                break;
            pongs += crlf(c);
            at += 2;
            continue;
        }
        if (!c->has_spoken && left.p[0] == 22 && c->is_inbound && c->tls == NULL) {
            refuse_tls_on_plain(c, now_us);
            return octets.n;
        }
        c->has_spoken = true;
        kind = rf_sip_frame(left, &n, &problem);
        if (kind == RF_FRAME_MORE)
            break;
        if (kind == RF_FRAME_BROKEN) {
            broken(c, rf_span_sub(left, 0, n), &problem, now_us);
            return octets.n;
        }
        at += n;
        c->crlf_run = 0;
        if (kind == RF_FRAME_MESSAGE)
            message(c, rf_span_sub(left, 0, n), now_us);
    }
    if (pongs > 0 && c->state == RF_CONN_OPEN &&
        rf_stream_send(c, rf_span(pong, 2 * (size_t)(pongs < PONGS_MAX ? pongs : PONGS_MAX))) ==
            RF_ERR_CLOSED)
        return octets.n;
    return at;
}

static bool
append(struct rf_conn *c, struct rf_span octets)
{
    uint32_t need = c->in_n + (uint32_t)octets.n;

    if (need > c->in_cap) {
        uint32_t cap = c->in_cap > 0 ? c->in_cap : IN_FIRST;
        char *in;

        while (cap < need)
            cap *= 2;
        in = realloc(c->in, cap);
        if (in == NULL)
            return false;
        c->in = in;
        c->in_cap = cap;
    }
    memcpy(c->in + c->in_n, octets.p, octets.n);
    c->in_n = need;
    return true;
}

/* What is left of `data` waits in c->in for the rest of its message; nothing left, no buffer. */
static bool
keep(struct rf_conn *c, struct rf_span data, size_t used, uint64_t now_us)
{
    size_t left = data.n - used;
    bool is_lone_cr = left == 1 && data.p[used] == '\r';

    /* The clock runs from a message's first octet, whatever trickles in after it. A CR is not a message. */
    if (left == 0 || is_lone_cr)
        c->half_us = 0;
    else if (c->half_us == 0 || used > 0)
        c->half_us = now_us;
    if (c->in == NULL)
        return left == 0 || append(c, rf_span_sub(data, used, left));
    if (left == 0) {
        free(c->in);
        c->in = NULL;
        c->in_n = c->in_cap = 0;
    } else if (used > 0) {
        memmove(c->in, c->in + used, left);
        c->in_n = (uint32_t)left;
    }
    return true;
}

enum rf_err
rf_stream_received(struct rf_conn *c, struct rf_span octets, uint64_t now_us)
{
    struct rf_span data = octets;
    size_t used;

    if (c->in != NULL) {
        if (!append(c, octets))
            return RF_ERR_CLOSED;
        data = rf_span(c->in, c->in_n);
    }
    used = cut(c, data, now_us);
    if (c->state != RF_CONN_OPEN) {
        free(c->in);
        c->in = NULL;
        c->in_n = c->in_cap = 0;
        c->half_us = 0;
        return RF_ERR_CLOSED;
    }
    return keep(c, data, used, now_us) ? RF_OK : RF_ERR_CLOSED;
}
