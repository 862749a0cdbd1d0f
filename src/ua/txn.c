/* Transactions of a phone, both sides (RFC 3261 17), and the answering of digest challenges (22). */
#include "ua/inside.h"

#include <stdio.h>

#include "base/rand.h"

static const char *const via_transport[] = { [RF_UA_UDP] = "UDP", [RF_UA_TCP] = "TCP", [RF_UA_TLS] = "TLS" };

static bool
is_reliable(const struct rf_ua *ua)
{
    return ua->conf.transport != RF_UA_UDP;
}

static bool
copy_out(const struct rf_buf *b, char **out, size_t *n)
{
    char *p = b->overflow ? NULL : malloc(b->n);

    if (p == NULL)
        return false;
    memcpy(p, b->p, b->n);
    free(*out);
    *out = p;
    *n = b->n;
    return true;
}

/* --- client: building --- */

static void
put_head(struct rf_buf *b, const struct ua_ctxn *t, const char *method, struct rf_span to)
{
    const struct ua_request *q = t->req;
    char addr[RF_ADDR_TEXT_MAX];

    rf_sip_put_request(b, method, rf_span_str(q->uri));
    rf_sip_put_headerf(b, RF_HDR_VIA, "SIP/2.0/%s %s;branch=%s;rport", via_transport[t->ua->conf.transport],
                       rf_addr_text(&t->conn->local, addr), t->branch);
    rf_sip_put_headerf(b, RF_HDR_MAX_FORWARDS, "70");
    rf_sip_put_header(b, RF_HDR_FROM, rf_span_str(q->from));
    rf_sip_put_header(b, RF_HDR_TO, to);
    rf_sip_put_header(b, RF_HDR_CALL_ID, rf_span_str(q->call_id));
    rf_sip_put_headerf(b, RF_HDR_CSEQ, "%u %s", (unsigned)q->cseq, method);
    rf_put_str(b, q->routes);
}

static bool
build(struct ua_ctxn *t)
{
    const struct ua_request *q = t->req;
    static _Thread_local char text[RF_SIP_MESSAGE_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);

    put_head(&b, t, rf_sip_method_name(q->method), rf_span_str(q->to));
    rf_put_str(&b, q->headers);
    rf_put_str(&b, q->auth);
    rf_sip_put_header(&b, RF_HDR_USER_AGENT, RF_SPAN_LIT(UA_AGENT));
    rf_sip_put_body(&b, q->body_type, rf_span(q->body, q->body_n));
    return copy_out(&b, &t->wire, &t->wire_n);
}

static bool
send_first(struct ua_ctxn *t)
{
    uint64_t now = ua_now_us();
    char random[17];

    ua_random_hex(random, 8);
    snprintf(t->branch, sizeof t->branch, "z9hG4bK%s", random);
    t->req->cseq = ++*t->req->cseq_counter;
    t->state = UA_CALLING;
    t->interval_us = UA_T1_US;
    t->resend_us = is_reliable(t->ua) ? UA_NEVER : now + UA_T1_US;
    t->end_us = now + UA_TIMEOUT_US;
    return build(t) && ua_conn_send(t->conn, &t->to, rf_span(t->wire, t->wire_n));
}

struct ua_ctxn *
ua_ctxn_start(struct rf_ua *ua, struct ua_request *req, const struct rf_addr *to,
              void (*on_response)(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status), void *owner)
{
    struct ua_ctxn *t = calloc(1, sizeof *t);
    struct ua_conn *conn = t != NULL ? ua_conn_to(ua, to) : NULL;

    if (conn == NULL) {
        free(t);
        free(req);
        return NULL;
    }
    t->ua = ua;
    t->req = req;
    t->conn = conn;
    t->to = *to;
    rf_list_append(&ua->ctxns, &t->link);
    if (!send_first(t)) {
        t->state = UA_DEAD;
        return NULL;
    }
    t->on_response = on_response; /* only now: a failure above is told by the return value alone */
    t->owner = owner;
    return t;
}

void
ua_ctxn_free(struct ua_ctxn *t)
{
    rf_list_remove(&t->link);
    free(t->req);
    free(t->wire);
    free(t->ack);
    free(t);
}

static void
cancel_answered(struct ua_ctxn *t, const struct rf_sip_msg *msg, int status)
{
    /* The INVITE's own final response says how it ended (RFC 3261 9.1). */
}

void
ua_ctxn_cancel(struct ua_ctxn *invite)
{
    struct ua_ctxn *t = calloc(1, sizeof *t);
    struct ua_request *q = t != NULL ? malloc(sizeof *q) : NULL;
    static _Thread_local char text[8192];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (q == NULL) {
        free(t);
        return;
    }
    *q = *invite->req;
    q->method = RF_SIP_CANCEL;
    t->ua = invite->ua;
    t->req = q;
    t->conn = invite->conn;
    t->to = invite->to;
    t->on_response = cancel_answered;
    memcpy(t->branch, invite->branch, sizeof t->branch);
    t->interval_us = UA_T1_US;
    t->resend_us = is_reliable(t->ua) ? UA_NEVER : ua_now_us() + UA_T1_US;
    t->end_us = ua_now_us() + UA_TIMEOUT_US;
    rf_list_append(&t->ua->ctxns, &t->link);
    put_head(&b, t, "CANCEL", rf_span_str(q->to));
    rf_sip_put_body(&b, NULL, RF_SPAN_LIT(""));
    if (!copy_out(&b, &t->wire, &t->wire_n) || !ua_conn_send(t->conn, &t->to, rf_span(t->wire, t->wire_n)))
        t->state = UA_DEAD;
}

void
ua_ack_send(struct rf_ua *ua, struct ua_request *q, const struct rf_addr *to, char **wire, size_t *n)
{
    struct ua_ctxn t = { .ua = ua, .conn = ua_conn_to(ua, to), .to = *to, .req = q };
    static _Thread_local char text[16384];
    struct rf_buf b = rf_buf(text, sizeof text);
    char random[17];

    if (t.conn == NULL)
        return;
    ua_random_hex(random, 8);
    snprintf(t.branch, sizeof t.branch, "z9hG4bK%s", random);
    put_head(&b, &t, "ACK", rf_span_str(q->to));
    rf_put_str(&b, q->auth);
    rf_sip_put_body(&b, q->body_type, rf_span(q->body, q->body_n));
    if (copy_out(&b, wire, n))
        ua_conn_send(t.conn, to, rf_span(*wire, *n));
}

/* --- client: answering challenges --- */

/* The strongest algorithm that is offered and that this phone is set to know. */
static bool
best_challenge(const struct rf_ua *ua, const struct rf_sip_msg *msg, enum rf_sip_header id,
               struct rf_digest_challenge *best)
{
    const struct rf_sip_field *f;
    bool found = false;
    size_t i = 0;

    while ((f = rf_sip_field_next(msg, id, &i)) != NULL) {
        struct rf_digest_challenge c;

        if (rf_digest_challenge_parse(f->value, &c) != RF_OK)
            continue;
        if (ua->conf.digests != 0 && (ua->conf.digests & 1u << c.algorithm) == 0)
            continue;
        if (!found || c.algorithm > best->algorithm)
            *best = c;
        found = true;
    }
    return found;
}

/* A refusal of an INVITE is acknowledged even when it comes again while its successor is under way. */
static void
linger(struct ua_ctxn *t)
{
    struct ua_ctxn *old = calloc(1, sizeof *old);

    if (old == NULL)
        return;
    *old = *t;
    old->req = NULL;
    old->wire = NULL;
    old->state = UA_COMPLETED;
    old->resend_us = UA_NEVER;
    old->end_us = ua_now_us() + UA_TIMEOUT_US;
    old->link = (struct rf_link){ 0 };
    t->ack = NULL;
    rf_list_append(&t->ua->ctxns, &old->link);
}

static bool
answer_challenge(struct ua_ctxn *t, const struct rf_sip_msg *msg)
{
    bool is_proxy = msg->status == 407;
    enum rf_sip_header id = is_proxy ? RF_HDR_PROXY_AUTHENTICATE : RF_HDR_WWW_AUTHENTICATE;
    struct ua_request *q = t->req;
    struct rf_ua *ua = t->ua;
    struct rf_digest_challenge c;
    struct rf_buf b = rf_buf(q->auth, sizeof q->auth - 1);
    char cnonce[17];

    if (ua->conf.password == NULL || !best_challenge(ua, msg, id, &c))
        return false;
    /* A second challenge means a wrong password, unless it says that only the nonce was too old. */
    if (t->auth_tries >= 3 || (t->auth_tries > 0 && !c.is_stale))
        return false;
    t->auth_tries++;
    ua_random_hex(cnonce, 8);
    rf_put_str(&b, is_proxy ? "Proxy-Authorization: " : "Authorization: ");
    rf_put_digest_credentials(&b, &c, rf_span_str(ua->conf.user), rf_span_str(ua->conf.password),
                              rf_span_str(rf_sip_method_name(q->method)), rf_span_str(q->uri), 1, rf_span_str(cnonce));
    rf_put_str(&b, "\r\n");
    if (b.overflow)
        return false;
    q->auth[b.n] = '\0';
    ua->digest_used = c.algorithm;
    if (q->method == RF_SIP_INVITE)
        linger(t);
    return send_first(t);
}

/* --- client: responses --- */

static struct ua_ctxn *
client_find(struct rf_ua *ua, const struct rf_sip_msg *msg)
{
    RF_LIST_FOREACH(&ua->ctxns, it) {
        struct ua_ctxn *t = rf_container(it, struct ua_ctxn, link);
        enum rf_sip_method method = t->req != NULL ? t->req->method : RF_SIP_INVITE;

        if (t->state != UA_DEAD && method == msg->method && rf_span_is(msg->via.branch, t->branch))
            return t;
    }
    return NULL;
}

/* ACK of a refusal: a part of the INVITE's transaction (RFC 3261 17.1.1.3). */
static void
ack_refusal(struct ua_ctxn *t, const struct rf_sip_msg *msg)
{
    static _Thread_local char text[8192];
    struct rf_buf b = rf_buf(text, sizeof text);

    put_head(&b, t, "ACK", msg->to.raw);
    rf_sip_put_body(&b, NULL, RF_SPAN_LIT(""));
    if (copy_out(&b, &t->ack, &t->ack_n))
        ua_conn_send(t->conn, &t->to, rf_span(t->ack, t->ack_n));
}

static void
client_response(struct ua_ctxn *t, const struct rf_sip_msg *msg)
{
    bool is_invite = msg->method == RF_SIP_INVITE;
    uint64_t now = ua_now_us();

    if (t->state == UA_COMPLETED) {
        if (msg->status >= 300)
            ua_conn_send(t->conn, &t->to, rf_span(t->ack, t->ack_n));
        return;
    }
    if (msg->status < 200) {
        t->state = UA_PROCEEDING;
        if (is_invite) {
            t->resend_us = UA_NEVER;
            t->end_us = now + 10 * UA_TIMEOUT_US; /* somebody rings; the other side has its own limit */
        } else {
            t->interval_us = UA_T2_US;
        }
        t->on_response(t, msg, msg->status);
        return;
    }
    if (is_invite && msg->status >= 300)
        ack_refusal(t, msg);
    if ((msg->status == 401 || msg->status == 407) && answer_challenge(t, msg))
        return;
    if (t->state == UA_DEAD) /* the connection broke while credentials were sent, and that was told */
        return;
    if (is_invite && msg->status >= 300 && !is_reliable(t->ua)) {
        t->state = UA_COMPLETED; /* Timer D: the refusal may come again */
        t->resend_us = UA_NEVER;
        t->end_us = now + UA_TIMEOUT_US;
    } else {
        t->state = UA_DEAD;
    }
    t->on_response(t, msg, msg->status);
}

static void
client_fail(struct ua_ctxn *t, int status)
{
    bool was_waiting = t->state == UA_CALLING || t->state == UA_PROCEEDING;

    t->state = UA_DEAD;
    if (was_waiting && t->on_response != NULL)
        t->on_response(t, NULL, status);
}

/* --- server --- */

static struct ua_stxn *
server_find(struct rf_ua *ua, const struct rf_sip_msg *msg, enum rf_sip_method method)
{
    RF_LIST_FOREACH(&ua->stxns, it) {
        struct ua_stxn *t = rf_container(it, struct ua_stxn, link);

        if (!t->is_dead && t->msg.method == method && rf_span_eq(t->msg.via.branch, msg->via.branch) &&
            rf_span_eq(t->msg.via.host, msg->via.host) && t->msg.via.port == msg->via.port)
            return t;
    }
    return NULL;
}

static void
server_send(struct ua_stxn *t)
{
    if (t->wire != NULL && t->conn != NULL)
        ua_conn_send(t->conn, &t->source, rf_span(t->wire, t->wire_n));
}

void
ua_respond(struct ua_stxn *t, int status, struct rf_span to_tag, const char *headers, const char *body_type,
           struct rf_span body)
{
    bool is_invite = t->msg.method == RF_SIP_INVITE;
    static _Thread_local char text[RF_SIP_MESSAGE_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);
    uint64_t now = ua_now_us();

    rf_sip_put_response(&b, &t->msg, status, NULL, to_tag, &t->source);
    if (is_invite && status > 100 && status < 300)
        rf_sip_put_copy(&b, &t->msg, RF_HDR_RECORD_ROUTE);
    rf_put_str(&b, headers);
    rf_sip_put_header(&b, RF_HDR_USER_AGENT, RF_SPAN_LIT(UA_AGENT));
    rf_sip_put_body(&b, body_type, body);
    if (!copy_out(&b, &t->wire, &t->wire_n)) {
        t->is_dead = true;
        return;
    }
    t->status = status;
    server_send(t);
    if (status < 200)
        return;
    t->end_us = now + UA_TIMEOUT_US;
    /* A 2xx is repeated on every transport (RFC 3261 13.3.1.4), a refusal only where it may be lost (17.2.1). */
    if (is_invite && (status < 300 || !is_reliable(t->ua))) {
        t->interval_us = UA_T1_US;
        t->resend_us = now + UA_T1_US;
    }
}

void
ua_stxn_free(struct ua_stxn *t)
{
    rf_list_remove(&t->link);
    free(t->raw);
    free(t->wire);
    free(t);
}

static struct ua_stxn *
server_new(struct rf_ua *ua, struct ua_conn *c, const struct rf_addr *source, struct rf_span octets)
{
    struct ua_stxn *t = calloc(1, sizeof *t);
    struct rf_sip_problem problem;

    if (t == NULL || (t->raw = malloc(octets.n)) == NULL)
        goto fail;
    memcpy(t->raw, octets.p, octets.n);
    if (rf_sip_msg_parse(&t->msg, rf_span(t->raw, octets.n), &problem) != RF_OK)
        goto fail;
    t->ua = ua;
    t->conn = c;
    t->source = *source;
    t->resend_us = UA_NEVER;
    t->end_us = UA_NEVER;
    rf_list_append(&ua->stxns, &t->link);
    return t;

fail:
    if (t != NULL)
        free(t->raw);
    free(t);
    return NULL;
}

static void
server_request(struct rf_ua *ua, struct ua_conn *c, const struct rf_addr *source, const struct rf_sip_msg *msg)
{
    bool is_ack = msg->method == RF_SIP_ACK;
    struct ua_stxn *t = server_find(ua, msg, is_ack ? RF_SIP_INVITE : msg->method);

    if (t != NULL && is_ack) {
        t->is_acked = true;
        t->resend_us = UA_NEVER;
        if (t->status < 300) /* a peer that repeats the branch in the ACK of a 2xx */
            ua_callee_ack(ua, msg);
    } else if (t != NULL) {
        server_send(t);
    } else if (is_ack) {
        ua_callee_ack(ua, msg);
    } else if ((t = server_new(ua, c, source, msg->raw)) != NULL) {
        ua_callee_request(ua, t);
    }
}

/* --- both --- */

void
ua_txn_receive(struct rf_ua *ua, struct ua_conn *c, const struct rf_addr *source, struct rf_span octets)
{
    struct rf_sip_problem problem;
    static _Thread_local struct rf_sip_msg msg;
    struct ua_ctxn *t;

    if (rf_sip_msg_parse(&msg, octets, &problem) != RF_OK)
        return;
    if (msg.is_request) {
        server_request(ua, c, source, &msg);
        return;
    }
    t = client_find(ua, &msg);
    if (t != NULL)
        client_response(t, &msg);
    else if (msg.method == RF_SIP_INVITE && msg.status >= 200 && msg.status < 300)
        ua_call_stray(ua, &msg);
}

void
ua_txn_conn_lost(struct rf_ua *ua, struct ua_conn *c)
{
    RF_LIST_FOREACH(&ua->stxns, it) {
        struct ua_stxn *t = rf_container(it, struct ua_stxn, link);

        if (t->conn == c)
            t->conn = NULL;
    }
    RF_LIST_FOREACH(&ua->ctxns, it) {
        struct ua_ctxn *t = rf_container(it, struct ua_ctxn, link);

        if (t->conn == c && t->state != UA_DEAD)
            client_fail(t, 503); /* RFC 3261 8.1.3.1: a transport error counts as 503 */
    }
}

static uint64_t
client_tick(struct ua_ctxn *t, uint64_t now)
{
    if (t->state == UA_DEAD)
        return UA_NEVER;
    if (now >= t->end_us) {
        client_fail(t, 408);
        return UA_NEVER;
    }
    if (now >= t->resend_us) {
        bool is_invite = t->req != NULL && t->req->method == RF_SIP_INVITE;

        t->interval_us *= 2;
        if (!is_invite && t->interval_us > UA_T2_US)
            t->interval_us = UA_T2_US;
        t->resend_us = now + t->interval_us;
        ua_conn_send(t->conn, &t->to, rf_span(t->wire, t->wire_n));
    }
    return t->resend_us < t->end_us ? t->resend_us : t->end_us;
}

static uint64_t
server_tick(struct ua_stxn *t, uint64_t now)
{
    if (t->is_dead)
        return UA_NEVER;
    if (now >= t->end_us) {
        struct rf_ua_call *call = t->call;
        bool was_lost = t->msg.method == RF_SIP_INVITE && t->status < 300 && !t->is_acked;

        t->is_dead = true;
        if (was_lost && call != NULL && call->info.state == RF_UA_UP) /* RFC 3261 13.3.1.4: no ACK, so BYE */
            ua_call_send_bye(call, "");
        return UA_NEVER;
    }
    if (now >= t->resend_us) {
        t->interval_us = t->interval_us * 2 < UA_T2_US ? t->interval_us * 2 : UA_T2_US;
        t->resend_us = now + t->interval_us;
        server_send(t);
    }
    return t->resend_us < t->end_us ? t->resend_us : t->end_us;
}

uint64_t
ua_txn_tick(struct rf_ua *ua, uint64_t now)
{
    uint64_t next = UA_NEVER, due;

    RF_LIST_FOREACH(&ua->ctxns, it) {
        due = client_tick(rf_container(it, struct ua_ctxn, link), now);
        next = due < next ? due : next;
    }
    RF_LIST_FOREACH(&ua->stxns, it) {
        due = server_tick(rf_container(it, struct ua_stxn, link), now);
        next = due < next ? due : next;
    }
    return next;
}
