/*
 * txn/client.c - client transactions: requests we sent (RFC 3261 17.1, 9.1, RFC 6026)
 */
#include <stdlib.h>

#include "txn/layer.h"

static void
client_event(struct rf_client_txn *t, enum rf_txn_event e, const struct rf_sip_msg *m, uint64_t now_us);

static void
flow_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    client_event(rf_container(w, struct rf_client_txn, watch), RF_TXN_EV_GONE, NULL, now_us);
}

static void
retry_fired(struct rf_timer *timer, uint64_t now_us)
{
    client_event(rf_container(timer, struct rf_client_txn, retry), RF_TXN_EV_RETRY, NULL, now_us);
}

static void
end_fired(struct rf_timer *timer, uint64_t now_us)
{
    client_event(rf_container(timer, struct rf_client_txn, end), RF_TXN_EV_END, NULL, now_us);
}

enum rf_err
rf_client_txn_new(struct rf_client_txn **out, struct rf_txn_layer *l, struct rf_flow *flow,
                  enum rf_sip_method method, struct rf_span branch, struct rf_span message,
                  const struct rf_client_txn_events *events, void *owner, uint64_t now_us)
{
    struct rf_client_txn *t;
    struct rf_span key;
    enum rf_err err;

    if (l->counts.clients >= l->limits.client_max)
        return RF_ERR_NOMEM;
    key = rf_txn_key_client(l, branch, method);
    t = calloc(1, sizeof *t + key.n);
    if (t == NULL)
        return RF_ERR_NOMEM;
    t->request = malloc(message.n);
    if (t->request == NULL) {
        free(t);
        return RF_ERR_NOMEM;
    }
    err = rf_flow_send(flow, message);
    if (err != RF_OK) {
        free(t->request);
        free(t);
        return err;
    }
    memcpy(t->request, message.p, message.n);
    t->request_n = message.n;
    memcpy(t->key, key.p, key.n);
    t->key_n = key.n;
    t->l = l;
    t->method = method;
    t->machine = method == RF_SIP_INVITE ? RF_TXN_ICT : RF_TXN_NICT;
    t->state = RF_TXN_TRYING;
    t->events = events;
    t->owner = owner;
    t->flow = rf_flow_ref(flow);
    t->watch.gone = flow_gone;
    rf_flow_watch(flow, &t->watch);
    rf_hash_insert(&l->clients_by_key, &t->node, rf_hash_of(&l->clients_by_key, key));
    rf_list_append(&l->clients, &t->all);
    l->counts.clients++;
    t->retry.fire = retry_fired;
    t->end.fire = end_fired;
    if (!rf_transport_is_reliable(flow->transport)) {
        t->retry_us = l->limits.t1_us;
        rf_timer_arm(l->wheel, &t->retry, now_us + t->retry_us);
    }
    rf_timer_arm(l->wheel, &t->end, now_us + 64 * l->limits.t1_us);
    *out = t;
    return RF_OK;
}

void
rf_client_txn_free(struct rf_client_txn *t)
{
    struct rf_txn_layer *l = t->l;

    rf_timer_cancel(l->wheel, &t->retry);
    rf_timer_cancel(l->wheel, &t->end);
    rf_flow_unwatch(&t->watch);
    rf_flow_unref(t->flow);
    rf_hash_remove(&l->clients_by_key, &t->node);
    rf_list_remove(&t->all);
    l->counts.clients--;
    free(t->request);
    free(t->ack);
    free(t->cancel_extra);
    free(t);
}

/* The fields that an ACK or CANCEL shares with the INVITE it is about (RFC 3261 9.1, 17.1.1.3). */
static void
put_same_hop(struct rf_buf *b, const struct rf_sip_msg *invite, const char *method, const struct rf_sip_msg *to_of)
{
    rf_sip_put_request(b, method, invite->ruri_text);
    rf_sip_put_header(b, RF_HDR_VIA, invite->via.raw);
    rf_sip_put_copy(b, invite, RF_HDR_ROUTE);
    rf_sip_put_header(b, RF_HDR_MAX_FORWARDS, RF_SPAN_LIT("70"));
    rf_sip_put_copy(b, invite, RF_HDR_FROM);
    rf_sip_put_copy(b, to_of, RF_HDR_TO);
    rf_sip_put_copy(b, invite, RF_HDR_CALL_ID);
    rf_sip_put_headerf(b, RF_HDR_CSEQ, "%u %s", (unsigned)invite->cseq, method);
}

/* The ACK for a 300-699: made once, then repeated (T3). */
static void
acknowledge(struct rf_client_txn *t, const struct rf_sip_msg *response)
{
    struct rf_sip_msg invite;
    struct rf_sip_problem problem;
    struct rf_buf b = rf_buf(t->l->out, sizeof t->l->out);

    if (t->ack == NULL) {
        if (rf_sip_msg_parse(&invite, rf_span(t->request, t->request_n), &problem) != RF_OK)
            return;
        put_same_hop(&b, &invite, "ACK", response);
        rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
        if (rf_buf_done(&b) != RF_OK || (t->ack = malloc(b.n)) == NULL)
            return; /* the peer repeats its response, and gives up by its timer H */
        memcpy(t->ack, b.p, b.n);
        t->ack_n = b.n;
    }
    (void)!rf_flow_send(t->flow, rf_span(t->ack, t->ack_n));
}

static void
send_cancel(struct rf_client_txn *t, uint64_t now_us)
{
    struct rf_sip_msg invite;
    struct rf_sip_problem problem;
    struct rf_buf b = rf_buf(t->l->out, sizeof t->l->out);
    struct rf_client_txn *cancel;

    t->cancel_sent = true;
    /* RFC 3261 9.1: without a final response 64*T1 after the CANCEL the INVITE counts as cancelled. */
    rf_timer_arm(t->l->wheel, &t->end, now_us + 64 * t->l->limits.t1_us);
    if (rf_sip_msg_parse(&invite, rf_span(t->request, t->request_n), &problem) != RF_OK)
        return;
    put_same_hop(&b, &invite, "CANCEL", &invite);
    rf_put(&b, rf_span(t->cancel_extra, t->cancel_extra_n));
    rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
    if (rf_buf_done(&b) != RF_OK)
        return;
    /* Nobody waits for its answer; when it cannot be sent, the timer above ends the INVITE. */
    if (rf_client_txn_new(&cancel, t->l, t->flow, RF_SIP_CANCEL, invite.via.branch, rf_buf_span(&b), NULL, NULL,
                          now_us) != RF_OK)
        t->l->counts.timeouts++;
}

void
rf_client_txn_cancel(struct rf_client_txn *t, struct rf_span extra_headers, uint64_t now_us)
{
    if (t->machine != RF_TXN_ICT || t->cancel_wanted || t->state > RF_TXN_PROCEEDING)
        return;
    t->cancel_wanted = true;
    if (extra_headers.n > 0 && (t->cancel_extra = malloc(extra_headers.n)) != NULL) {
        memcpy(t->cancel_extra, extra_headers.p, extra_headers.n);
        t->cancel_extra_n = extra_headers.n;
    }
    if (t->state == RF_TXN_PROCEEDING)
        send_cancel(t, now_us);
}

void
rf_client_txn_disown(struct rf_client_txn *t)
{
    t->events = NULL;
    t->owner = NULL;
    /* An INVITE that rings has no timer of its own, and nobody will CANCEL it now. */
    if (t->machine == RF_TXN_ICT && t->state == RF_TXN_PROCEEDING && !rf_timer_is_armed(&t->end))
        rf_timer_arm(t->l->wheel, &t->end, rf_wheel_now_us(t->l->wheel) + 64 * t->l->limits.t1_us);
}

struct rf_flow *
rf_client_txn_flow(const struct rf_client_txn *t)
{
    return t->flow;
}

static uint64_t
next_interval(const struct rf_client_txn *t)
{
    uint64_t doubled = 2 * t->retry_us;

    if (t->machine == RF_TXN_ICT)
        return doubled; /* timer A has no bound but B */
    if (t->state == RF_TXN_PROCEEDING)
        return t->l->limits.t2_us;
    return doubled < t->l->limits.t2_us ? doubled : t->l->limits.t2_us;
}

/* After a final response the request is repeated no more, and is not to lie idle for 32 s; an ACK is made of it. */
static void
drop_what_is_over(struct rf_client_txn *t)
{
    if (t->state <= RF_TXN_PROCEEDING || (t->machine == RF_TXN_ICT && t->state == RF_TXN_COMPLETED && t->ack == NULL))
        return;
    free(t->request);
    t->request = NULL;
    t->request_n = 0;
}

static void
client_event(struct rf_client_txn *t, enum rf_txn_event e, const struct rf_sip_msg *m, uint64_t now_us)
{
    struct rf_txn_layer *l = t->l;
    struct rf_txn_step step = rf_txn_step(t->machine, t->state, e);
    bool stream = rf_transport_is_reliable(t->flow->transport);
    const struct rf_client_txn_events *events;
    void *owner;

    if (step.next == RF_TXN_NONE)
        return;
    t->state = step.next;
    if (step.act & RF_TXN_RESEND) {
        l->counts.retransmits_out++;
        (void)!rf_flow_send(t->flow, rf_span(t->request, t->request_n));
    }
    if (step.act & RF_TXN_ACKNOWLEDGE)
        acknowledge(t, m);
    drop_what_is_over(t);
    if (step.act & RF_TXN_RETRY_OFF)
        rf_timer_cancel(l->wheel, &t->retry);
    if (step.act & RF_TXN_RETRY_MORE) {
        t->retry_us = next_interval(t);
        rf_timer_arm(l->wheel, &t->retry, now_us + t->retry_us);
    }
    if ((step.act & RF_TXN_END_OFF) && !t->cancel_sent && t->events != NULL)
        rf_timer_cancel(l->wheel, &t->end);
    if (step.act & RF_TXN_END_64T1)
        rf_timer_arm_late(l->wheel, &t->end, now_us + 64 * l->limits.t1_us);
    if (step.act & RF_TXN_END_64T1_UDP)
        rf_timer_arm_late(l->wheel, &t->end, stream ? now_us : now_us + 64 * l->limits.t1_us);
    if (step.act & RF_TXN_END_T4_UDP)
        rf_timer_arm_late(l->wheel, &t->end, stream ? now_us : now_us + l->limits.t4_us);
    if (t->cancel_wanted && !t->cancel_sent && t->state == RF_TXN_PROCEEDING)
        send_cancel(t, now_us);

    events = t->events;
    owner = t->owner;
    if ((step.act & RF_TXN_TO_USER) && events != NULL) {
        events->response(owner, t, m, now_us);
        return;
    }
    if (t->state != RF_TXN_TERMINATED)
        return;
    if (step.act & RF_TXN_TIMEOUT)
        l->counts.timeouts++;
    if ((step.act & (RF_TXN_TIMEOUT | RF_TXN_LOST)) && events != NULL)
        events->failed(owner, t, step.act & RF_TXN_LOST ? RF_ERR_CLOSED : RF_ERR_TIMEOUT, now_us);
    events = t->events; /* failed may have disowned it */
    owner = t->owner;
    if (events != NULL && events->ended != NULL)
        events->ended(owner, t);
    rf_client_txn_free(t);
}

void
rf_client_txn_received(struct rf_client_txn *t, const struct rf_sip_msg *m, uint64_t now_us)
{
    client_event(t, m->status < 200 ? RF_TXN_EV_1XX : m->status < 300 ? RF_TXN_EV_2XX : RF_TXN_EV_FAIL, m, now_us);
}
