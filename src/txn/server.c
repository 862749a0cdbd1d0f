/*
 * txn/server.c - server transactions: requests we received (RFC 3261 17.2, RFC 6026, RFC 4320)
 */
#include <stdlib.h>

#include "txn/layer.h"

#define TRYING_AFTER_US (200 * RF_MS) /* RFC 3261 17.2.1 */
/* RFC 4320 4.1: 100 to a non-INVITE not before a client's timer E has reached T2 (0.5 + 1 + 2 s), but then. */
#define TRYING_AFTER_T1S 7

static void retry_fired(struct rf_timer *timer, uint64_t now_us);
static void end_fired(struct rf_timer *timer, uint64_t now_us);

static void
flow_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    rf_server_txn_event(rf_container(w, struct rf_server_txn, watch), RF_TXN_EV_GONE, NULL, NULL, now_us);
}

struct rf_server_txn *
rf_server_txn_make(struct rf_txn_layer *l, const struct rf_sip_msg *m, struct rf_flow *flow, struct rf_span key,
                   uint64_t now_us)
{
    size_t merge_max = m->to_tag.n > 0 ? 0 : m->call_id.n + m->from_tag.n + m->method_text.n + 16;
    struct rf_server_txn *t = malloc(sizeof *t + key.n + merge_max);
    struct rf_buf tag;
    uint8_t octets[8];

    if (t == NULL)
        return NULL;
    memset(t, 0, sizeof *t);
    t->request = malloc(m->raw.n + 1);
    if (t->request == NULL) {
        free(t);
        return NULL;
    }
    memcpy(t->request, m->raw.p, m->raw.n);
    t->request_n = m->raw.n;
    t->l = l;
    t->method = m->method;
    t->had_tag = m->to_tag.n > 0;
    t->machine = m->method == RF_SIP_INVITE ? RF_TXN_IST : RF_TXN_NIST;
    t->state = m->method == RF_SIP_INVITE ? RF_TXN_PROCEEDING : RF_TXN_TRYING;

    memcpy(t->key, key.p, key.n); /* before the scratch that holds it is used again */
    t->key_n = key.n;
    rf_hash_insert(&l->by_key, &t->node, rf_hash_of(&l->by_key, rf_span(t->key, t->key_n)));
    if (merge_max > 0) {
        struct rf_span merge = rf_txn_key_merge(l, m);

        rf_assert(merge.n <= merge_max);
        memcpy(t->key + t->key_n, merge.p, merge.n);
        t->merge_n = merge.n;
        rf_hash_insert(&l->by_merge, &t->merge_node, rf_hash_of(&l->by_merge, merge));
    }
    rf_list_append(&l->servers, &t->all);
    l->counts.servers++;

    rf_txn_random(l, octets, sizeof octets);
    tag = rf_buf(t->to_tag, sizeof t->to_tag - 1);
    rf_put_hex(&tag, octets, sizeof octets);

    t->flow = rf_flow_ref(flow);
    t->retry.fire = retry_fired;
    t->end.fire = end_fired;
    if (t->machine == RF_TXN_IST) {
        t->watch.gone = flow_gone;
        rf_flow_watch(flow, &t->watch);
        rf_timer_arm(l->wheel, &t->retry, now_us + TRYING_AFTER_US);
    } else {
        rf_timer_arm(l->wheel, &t->retry, now_us + TRYING_AFTER_T1S * l->limits.t1_us);
        rf_timer_arm(l->wheel, &t->end, now_us + 64 * l->limits.t1_us);
    }
    return t;
}

void
rf_server_txn_drop_request(struct rf_server_txn *t)
{
    rf_list_remove(&t->spent);
    free(t->msg);
    free(t->request);
    t->msg = NULL;
    t->request = NULL;
    t->request_n = 0;
}

void
rf_server_txn_acked(struct rf_server_txn *t)
{
    rf_server_txn_drop_request(t);
    free(t->response);
    t->response = NULL;
    t->response_n = 0;
}

void
rf_server_txn_free(struct rf_server_txn *t)
{
    struct rf_txn_layer *l = t->l;

    rf_timer_cancel(l->wheel, &t->retry);
    rf_timer_cancel(l->wheel, &t->end);
    rf_flow_unwatch(&t->watch);
    rf_flow_unref(t->flow);
    rf_hash_remove(&l->by_key, &t->node);
    rf_hash_remove(&l->by_merge, &t->merge_node);
    rf_list_remove(&t->all);
    l->counts.servers--;
    rf_server_txn_drop_request(t);
    free(t->response);
    free(t);
}

void
rf_server_txn_forget(struct rf_server_txn *t)
{
    rf_server_txn_free(t);
}

/* (T1) (T2) Out of everything first, then the owner hears of it. */
static void
server_end(struct rf_server_txn *t)
{
    const struct rf_server_txn_events *events = t->events;
    void *owner = t->owner;

    rf_server_txn_free(t);
    if (events != NULL && events->ended != NULL)
        events->ended(owner);
}

static void
arm_end(struct rf_server_txn *t, uint16_t act, uint64_t now_us)
{
    struct rf_txn_layer *l = t->l;
    bool stream = rf_transport_is_reliable(t->flow->transport);

    if (act & RF_TXN_END_64T1)
        rf_timer_arm_late(l->wheel, &t->end, now_us + 64 * l->limits.t1_us);
    else if (act & RF_TXN_END_64T1_UDP)
        rf_timer_arm_late(l->wheel, &t->end, stream ? now_us : now_us + 64 * l->limits.t1_us);
    else if (act & RF_TXN_END_T4_UDP)
        rf_timer_arm_late(l->wheel, &t->end, stream ? now_us : now_us + l->limits.t4_us);
}

void
rf_server_txn_event(struct rf_server_txn *t, enum rf_txn_event e, const struct rf_sip_msg *m,
                    struct rf_flow *flow, uint64_t now_us)
{
    struct rf_txn_layer *l = t->l;
    struct rf_txn_step step = rf_txn_step(t->machine, t->state, e);
    unsigned was = t->state;

    if (step.next == RF_TXN_NONE)
        return;
    t->state = step.next;
    if ((step.act & (RF_TXN_SEND | RF_TXN_RESEND)) && t->response_n > 0) {
        if (step.act & RF_TXN_RESEND)
            l->counts.retransmits_out++;
        /* A repeated request may come by another path than the first: a phone that lost its connection, or one
         * that fell back to another transport. The answer goes where it is waited for. What gets lost is covered
         * by repeats and flow_gone. */
        (void)!rf_flow_send((step.act & RF_TXN_RESEND) && flow != NULL ? flow : t->flow,
                            rf_span(t->response, t->response_n));
    }
    if (step.act & RF_TXN_RETRY_OFF)
        rf_timer_cancel(l->wheel, &t->retry);
    if ((step.act & RF_TXN_RETRY_ON) && !rf_transport_is_reliable(t->flow->transport)) {
        t->retry_us = l->limits.t1_us;
        rf_timer_arm(l->wheel, &t->retry, now_us + t->retry_us);
    }
    if (step.act & RF_TXN_RETRY_MORE) {
        t->retry_us = 2 * t->retry_us < l->limits.t2_us ? 2 * t->retry_us : l->limits.t2_us;
        rf_timer_arm(l->wheel, &t->retry, now_us + t->retry_us);
    }
    arm_end(t, step.act, now_us);
    if (e == RF_TXN_EV_ACK && was == RF_TXN_COMPLETED && l->user.refusal_acked != NULL)
        l->user.refusal_acked(l->user.ctx, m, now_us);

    if (step.act & RF_TXN_TO_USER) {
        l->user.ack(l->user.ctx, m, flow, now_us);
        return;
    }
    if (t->state == RF_TXN_TERMINATED) {
        const struct rf_server_txn_events *events = t->events;
        bool tell = (step.act & (RF_TXN_TIMEOUT | RF_TXN_LOST)) != 0;

        if (step.act & RF_TXN_TIMEOUT)
            l->counts.timeouts++;
        if (tell && events != NULL && events->failed != NULL) {
            /* The owner may answer or disown it in here, but it cannot end it: (T2). */
            events->failed(t->owner, now_us);
        }
        server_end(t);
    }
}

static void
retry_fired(struct rf_timer *timer, uint64_t now_us)
{
    struct rf_server_txn *t = rf_container(timer, struct rf_server_txn, retry);

    if (t->state == RF_TXN_COMPLETED) {
        rf_server_txn_event(t, RF_TXN_EV_RETRY, NULL, NULL, now_us);
    } else if (t->response_n == 0) {
        rf_server_txn_reply(t, 100, NULL, (struct rf_span){ 0 }, now_us);
        if (t->events != NULL && t->events->trying != NULL)
            t->events->trying(t->owner, now_us);
    }
}

static void
end_fired(struct rf_timer *timer, uint64_t now_us)
{
    rf_server_txn_event(rf_container(timer, struct rf_server_txn, end), RF_TXN_EV_END, NULL, NULL, now_us);
}

void
rf_server_txn_cancelled(struct rf_server_txn *t, uint64_t now_us)
{
    if (t->state == RF_TXN_PROCEEDING && t->events != NULL && t->events->cancelled != NULL)
        t->events->cancelled(t->owner, now_us);
}

void
rf_server_txn_own(struct rf_server_txn *t, const struct rf_server_txn_events *events, void *owner)
{
    t->events = events;
    t->owner = owner;
}

static enum rf_txn_event
event_of(int status)
{
    return status < 200 ? RF_TXN_EV_1XX : status < 300 ? RF_TXN_EV_2XX : RF_TXN_EV_FAIL;
}

void
rf_server_txn_respond(struct rf_server_txn *t, int status, struct rf_span message, uint64_t now_us)
{
    enum rf_txn_event e = event_of(status);
    char *copy;

    if (rf_txn_step(t->machine, t->state, e).next == RF_TXN_NONE)
        return; /* a second final response, or a provisional one after it */
    copy = realloc(t->response, message.n);
    if (copy != NULL) {
        memcpy(copy, message.p, message.n);
        t->response = copy;
        t->response_n = message.n;
    } else if (t->response != NULL) {
        t->response_n = 0; /* an old response must not be repeated as if it were this one */
    }
    if (t->state < RF_TXN_ACCEPTED)
        rf_timer_cancel(t->l->wheel, &t->retry);
    if (t->machine == RF_TXN_NIST && status >= 200 && !rf_link_is_in_list(&t->spent))
        rf_list_append(&t->l->spent, &t->spent);
    rf_server_txn_event(t, e, NULL, NULL, now_us);
}

void
rf_server_txn_repeat(struct rf_server_txn *t)
{
    if (t->response_n == 0)
        return;
    t->l->counts.retransmits_out++;
    (void)!rf_flow_send(t->flow, rf_span(t->response, t->response_n));
}

const struct rf_sip_msg *
rf_server_txn_request(const struct rf_server_txn *txn)
{
    struct rf_server_txn *t = (struct rf_server_txn *)txn; /* the index is a cache */
    struct rf_sip_msg whole;
    struct rf_sip_problem problem;
    size_t size;

    if (t->msg != NULL)
        return t->msg;
    rf_assert(t->request != NULL); /* acknowledged, or answered and no INVITE (txn.h) */
    /* It parsed when it came in; what is refused now would have been refused then. */
    if (rf_sip_msg_parse(&whole, rf_span(t->request, t->request_n), &problem) != RF_OK && problem.status == 0)
        rf_assert(!"a transaction's request parses");
    size = offsetof(struct rf_sip_msg, field) + whole.field_count * sizeof whole.field[0];
    t->msg = malloc(size);
    rf_assert(t->msg != NULL);
    memcpy(t->msg, &whole, size);
    return t->msg;
}

struct rf_flow *
rf_server_txn_flow(const struct rf_server_txn *t)
{
    return t->flow;
}

struct rf_span
rf_server_txn_to_tag(const struct rf_server_txn *t)
{
    return rf_span_str(t->to_tag);
}

void
rf_server_txn_reply(struct rf_server_txn *t, int status, const char *reason, struct rf_span extra_headers,
                    uint64_t now_us)
{
    const struct rf_sip_msg *request = t == t->l->now_txn ? t->l->now_msg : NULL;
    struct rf_buf b = rf_buf(t->l->out, sizeof t->l->out);
    struct rf_span tag = status == 100 ? (struct rf_span){ 0 } : rf_span_str(t->to_tag);

    if (rf_txn_step(t->machine, t->state, event_of(status)).next == RF_TXN_NONE)
        return; /* answered already; its request may be gone */
    if (request == NULL)
        request = rf_server_txn_request(t);
    rf_sip_put_response(&b, request, status, reason, tag, &t->flow->remote);
    rf_put(&b, extra_headers);
    rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
    if (rf_buf_done(&b) == RF_OK)
        rf_server_txn_respond(t, status, rf_buf_span(&b), now_us);
    else if (status != 500)
        rf_server_txn_reply(t, 500, NULL, (struct rf_span){ 0 }, now_us);
}
