/*
 * main/receive.c - what arrives at a worker: whose is it, may its source ask, and to whom does it go
 *
 * In this order: broken, nobody's peer, a source that asks too much, a peer whose certificate was refused, another
 * worker's call. What is left is a transaction's, and its requests are the registrar's, the watchers' or a call's.
 */
#include "main/worker.h"

#include "base/refusal.h"

void
rf_worker_answer_bare(struct rf_worker *w, const struct rf_sip_msg *msg, struct rf_flow *flow, int status,
                      struct rf_span headers)
{
    struct rf_buf b = rf_buf(w->out, sizeof w->out);

    /* A Via that cannot be read is sent back as it came, to where the request came from: its sender may know it
     * again. Without any there is nobody to answer to. */
    if (rf_sip_value(msg, RF_HDR_VIA).p == NULL)
        return;
    rf_sip_put_response(&b, msg, status, NULL, RF_SPAN_LIT("rf"), &flow->remote);
    rf_put(&b, headers);
    rf_put_str(&b, "Server: ");
    rf_put_str(&b, w->site->call.server);
    rf_put_str(&b, "\r\n");
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    if (rf_buf_done(&b) == RF_OK)
        (void)rf_flow_send(flow, rf_buf_span(&b));
}

void
rf_worker_say_unusable(struct rf_worker *w, const struct rf_addr *from, int status, const char *detail,
                       uint64_t now_us)
{
    char host[RF_ADDR_TEXT_MAX];
    struct rf_buf who = rf_buf(host, sizeof host);

    rf_put_host(&who, from, false);
    rf_fold_refuse_source(w->shared->fold, RF_REFUSE_BAD_REQUEST, from,
                          (struct rf_log_field[]){ RF_F_SPAN("who", rf_buf_span(&who)), RF_F_STR("detail", detail),
                                                   RF_F_I64("status", status), { 0 } },
                          now_us);
}

static void
malformed(struct rf_worker *w, struct rf_flow *flow, const struct rf_sip_problem *problem, bool is_parsed,
          uint64_t now_us)
{
    atomic_fetch_add_explicit(&w->numbers.malformed, 1, memory_order_relaxed);
    rf_worker_say_unusable(w, &flow->remote, problem->status, problem->sentence, now_us);
    if (is_parsed && problem->status != 0)
        rf_worker_answer_bare(w, &w->msg, flow, problem->status, rf_span(NULL, 0));
}

void
rf_worker_post_message(struct rf_worker *w, uint16_t to, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_letter_message head = { .head = { .kind = RF_LETTER_MESSAGE, .from = w->index } };

    rf_flow_card_fill(&head.flow, flow);
    if (rf_worker_post(w->shared->worker[to]->letters, &head, sizeof head, w->msg.raw)) {
        atomic_fetch_add_explicit(&w->numbers.posted, 1, memory_order_relaxed);
        return;
    }
    /* (W1) */
    atomic_fetch_add_explicit(&w->numbers.post_refused, 1, memory_order_relaxed);
    if (!w->msg.is_request || w->msg.method == RF_SIP_ACK)
        return;
    rf_fold_refuse(w->shared->fold, RF_REFUSE_OVERLOAD, rf_span_str("mailbox"),
                   (struct rf_log_field[]){ RF_F_STR("what", "a worker's mailbox"), RF_F_ADDR("who", &flow->remote),
                                            RF_F_U64("seconds", 5), { 0 } },
                   now_us);
    rf_worker_answer_bare(w, &w->msg, flow, 503, RF_SPAN_LIT("Retry-After: 5\r\n"));
}

/* Handled where it arrives: REGISTER, and OPTIONS that belong to no dialog. */
static bool
is_anybodys(const struct rf_sip_msg *m)
{
    return m->is_request && (m->method == RF_SIP_REGISTER || (m->method == RF_SIP_OPTIONS && m->to_tag.n == 0));
}

/* Interfaces of the web have TLS of their own, and nothing to serve in this version. */
static bool
is_web(struct rf_flow *flow)
{
    static const char nothing[] = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                                  "Content-Length: 22\r\n\r\nThere is nothing here.";

    if (rf_iface_row(rf_listener_iface(flow->listener))->is_sip)
        return false;
    (void)rf_flow_send(flow, rf_span(nothing, sizeof nothing - 1));
    rf_flow_close(flow);
    return true;
}

uint16_t
rf_worker_next(const struct rf_worker *w, const struct rf_sip_msg *m, bool is_posted)
{
    uint16_t home = rf_call_owner(&w->shared->owner_key, m->call_id, (uint16_t)w->shared->workers);

    return rf_call_guests_next(w->shared->guests, m, home, w->index, is_posted);
}

/*
 * Does it say that it belongs to a dialog or a transaction, and to none of ours? Anybody can write a tag, or CANCEL what
 * there never was. What does belong to one may come from another of its hosts, and as often as it likes.
 */
static bool
is_stray(struct rf_worker *w)
{
    const struct rf_sip_msg *m = &w->msg;

    return m->is_request && m->method != RF_SIP_ACK && (m->to_tag.n > 0 || m->method == RF_SIP_CANCEL) &&
           !rf_txn_knows(w->txn, m) && !rf_call_has_dialog(w->calls, m) && !rf_event_has_dialog(w->events, m);
}

/* By the worker that owns it, who knows its dialogs. */
void
rf_worker_received(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    if (is_stray(w) && (rf_worker_ignores_request(w, flow, now_us) || !rf_worker_guards_stray(w, flow, now_us)))
        return;
    rf_txn_received(w->txn, &w->msg, flow, now_us);
}

static void
on_message(void *ctx, struct rf_flow *flow, struct rf_span octets, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_sip_problem problem;
    uint16_t next;

    if (is_web(flow))
        return;
    rf_worker_prove_again(w, flow);
    if (rf_sip_msg_parse(&w->msg, octets, &problem) != RF_OK) {
        if (!rf_worker_ignores(w, flow, "a broken message", now_us))
            malformed(w, flow, &problem, true, now_us);
        return;
    }
    /* Of requests in a dialog their owner decides, who knows the dialogs. */
    if (w->msg.to_tag.n == 0 && rf_worker_ignores_request(w, flow, now_us))
        return;
    if (!rf_worker_guards(w, flow, now_us))
        return;
    if (rf_register_challenge(w->registers, &w->msg, flow, now_us))
        return;
    if (flow->peer_refusal != RF_REFUSE_NONE) {
        if (w->msg.is_request && w->msg.method != RF_SIP_ACK)
            rf_worker_answer_bare(w, &w->msg, flow, 403, rf_span(NULL, 0));
        return;
    }
    next = is_anybodys(&w->msg) ? w->index : rf_worker_next(w, &w->msg, false);
    if (next == w->index)
        rf_worker_received(w, flow, now_us);
    else
        rf_worker_post_message(w, next, flow, now_us);
}

static void
on_opened(void *ctx, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_worker *w = ctx;

    rf_worker_judge_peer(w, flow, now_us);
    if (!flow->is_closed)
        rf_paths_opened(w->paths, flow, now_us);
}

/* A certificate that was refused is kept, for whoever wants to trust it after all (AVA-26). */
static void
on_tls_failed(void *ctx, const struct rf_flow *flow, const struct rf_tls_failure *f, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    const struct rf_tls_conn *tls = rf_transport_tls(flow);
    const struct rf_tls_peer *peer = tls != NULL ? rf_tls_conn_peer(tls) : NULL;

    if (peer != NULL && peer->has_shown && !peer->is_accepted)
        rf_worker_keep_refused(w, flow, f->refusal, f->reason, peer->passes_level);
}

static void
on_broken(void *ctx, struct rf_flow *flow, struct rf_span head, const struct rf_sip_problem *problem, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_sip_problem ignored;
    bool is_parsed = head.n > 0;

    if (is_web(flow))
        return;
    rf_worker_prove_again(w, flow);
    if (rf_worker_ignores(w, flow, "a broken message", now_us))
        return;
    if (is_parsed) /* what it finds is wrong is known already; the fields for an answer count */
        (void)!rf_sip_msg_parse(&w->msg, head, &ignored);
    malformed(w, flow, problem, is_parsed, now_us);
}

static void
on_transport_refused(void *ctx, enum rf_refusal why, const struct rf_addr *who, const struct rf_log_field *fields,
                     uint64_t now_us)
{
    struct rf_worker *w = ctx;

    rf_fold_refuse_source(w->shared->fold, why, who, fields, now_us);
}

/* --- the transactions' user --- */

static void
on_request(void *ctx, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_worker *w = ctx;

    if (msg->method == RF_SIP_REGISTER && msg->to_tag.n == 0)
        rf_register_request(w->registers, txn, msg, now_us);
    else if (!rf_event_request(w->events, txn, msg, now_us))
        rf_call_request(w->calls, txn, msg, now_us);
}

static void
on_ack(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    rf_call_ack(((struct rf_worker *)ctx)->calls, msg, flow, now_us);
}

static void
on_stray_response(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    rf_call_stray_response(((struct rf_worker *)ctx)->calls, msg, flow, now_us);
}

static void
on_refusal_acked(void *ctx, const struct rf_sip_msg *msg, uint64_t now_us)
{
    rf_call_refusal_acked(((struct rf_worker *)ctx)->calls, msg, now_us);
}

void
rf_worker_transport_user(struct rf_worker *w, struct rf_transport_user *out)
{
    *out = (struct rf_transport_user){ .ctx = w,
                                       .connections = w->shared->connections,
                                       .message = on_message,
                                       .broken = on_broken,
                                       .admit = rf_worker_admits,
                                       .opened = on_opened,
                                       .tls_failed = on_tls_failed,
                                       .refuse = on_transport_refused };
}

void
rf_worker_txn_user(struct rf_worker *w, struct rf_txn_user *out)
{
    *out = (struct rf_txn_user){ .ctx = w,
                                 .request = on_request,
                                 .ack = on_ack,
                                 .stray_response = on_stray_response,
                                 .refusal_acked = on_refusal_acked };
}
