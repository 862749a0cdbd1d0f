/*
 * call/leg.c - one leg: its place in the table, its path, what it says on the wire
 */
#include <stdlib.h>

#include "call/layer.h"

static void ack_timer_fired(struct rf_timer *t, uint64_t now_us);
static void session_timer_fired(struct rf_timer *t, uint64_t now_us);
static void flow_gone(struct rf_flow_watch *w, uint64_t now_us);

struct leg *
leg_new(struct call *c, uint8_t side)
{
    struct leg *leg = calloc(1, sizeof *leg);

    if (leg == NULL)
        return NULL;
    leg->call = c;
    leg->side = side;
    leg->sdp_id = rf_rand_u64(c->l->env.rand) >> 2; /* RFC 8866 5.2: a number; below 2^62 every parser takes it */
    leg->sdp_version = 1;
    leg->ack_timer.fire = ack_timer_fired;
    leg->session_timer.fire = session_timer_fired;
    return leg;
}

void
leg_free(struct leg *leg)
{
    struct rf_wheel *wheel;

    if (leg == NULL)
        return;
    leg_tell_gone(leg);
    tally_leg_free(leg);
    wheel = leg->call->l->env.wheel;
    rf_timer_cancel(wheel, &leg->ack_timer);
    rf_timer_cancel(wheel, &leg->session_timer);
    if (leg->server != NULL)
        rf_server_txn_own(leg->server, NULL, NULL);
    if (leg->client != NULL)
        rf_client_txn_disown(leg->client);
    if (leg->bye != NULL)
        rf_client_txn_disown(leg->bye);
    if (leg->refresh != NULL)
        rf_client_txn_disown(leg->refresh);
    update_disown(leg);
    early_offer_free(leg);
    prack_free(leg);
    if (leg->is_guest)
        rf_call_guests_drop(leg->call->l->env.guests, leg_guest_name(leg), leg->call->l->env.worker);
    rf_hash_remove(&leg->call->l->legs, &leg->node);
    leg_passed_over(leg);
    pickup_unname(leg);
    leg_uncount(leg);
    free(leg->places);
    leg_credentials_drop(leg);
    leg_path_end(leg);
    leg_set_flow(leg, NULL);
    rf_dialog_fini(&leg->dialog);
    leg_media_free(leg->media);
    leg_media_free(leg->next);
    leg_offer_drop(leg);
    if (leg->sent != NULL)
        rf_wipe(leg->sent, leg->sent_n);
    free(leg->sent);
    free(leg->ack);
    free(leg);
}

/* --- the table --- */

struct leg_key {
    struct rf_span call_id, tag;
};

static uint64_t
leg_hash(struct rf_call_layer *l, struct leg_key k)
{
    uint64_t h[2] = { rf_siphash(&l->legs.key, k.call_id.p, k.call_id.n), rf_siphash(&l->legs.key, k.tag.p, k.tag.n) };

    return rf_siphash(&l->legs.key, h, sizeof h);
}

static bool
leg_is(const struct rf_hash_node *node, const void *key)
{
    const struct leg *leg = rf_container(node, const struct leg, node);
    const struct leg_key *k = key;

    return rf_span_is(k->call_id, leg->dialog.call_id) && rf_span_is(k->tag, leg->dialog.local_tag);
}

void
leg_enter(struct leg *leg)
{
    struct leg_key k = { rf_span_str(leg->dialog.call_id), rf_span_str(leg->dialog.local_tag) };

    rf_hash_insert(&leg->call->l->legs, &leg->node, leg_hash(leg->call->l, k));
}

struct leg *
leg_find(struct rf_call_layer *l, struct rf_span call_id, struct rf_span our_tag)
{
    struct leg_key k = { call_id, our_tag };
    struct rf_hash_node *node = rf_hash_find(&l->legs, leg_hash(l, k), leg_is, &k);

    return node != NULL ? rf_container(node, struct leg, node) : NULL;
}

struct rf_call_guest_name
leg_guest_name(const struct leg *leg)
{
    return (struct rf_call_guest_name){ rf_span_str(leg->dialog.call_id), rf_span_str(leg->dialog.local_tag) };
}

void
leg_be_guest(struct leg *leg)
{
    struct rf_call_env *env = &leg->call->l->env;
    struct rf_call_guest_name name = leg_guest_name(leg);

    leg->is_guest = false;
    if (env->guests == NULL)
        return;
    if (rf_call_owner(&env->owner_key, name.call_id, env->workers) == env->worker)
        rf_call_guests_drop(env->guests, name, env->worker); /* it came home */
    else
        leg->is_guest = rf_call_guests_add(env->guests, name, env->worker) == RF_OK;
}

struct leg *
leg_other(const struct leg *leg)
{
    return leg == leg->call->a ? leg->call->b : leg->call->a;
}

const char *
leg_who(const struct leg *leg)
{
    return leg->connection[0] != '\0' ? leg->connection : leg->user;
}

bool
leg_set_user(struct leg *leg, struct rf_span name)
{
    struct rf_call_env *env = &leg->call->l->env;
    struct rf_call_user user;
    bool found = env->user(env->ctx, name, &user);

    if (found) {
        snprintf(leg->user, sizeof leg->user, "%s", user.name);
        snprintf(leg->display, sizeof leg->display, "%s", user.display);
        snprintf(leg->setting, sizeof leg->setting, "%s", user.srtp_setting);
        leg->policy = user.srtp;
    }
    rf_wipe(&user, sizeof user);
    return found;
}

const struct rf_srtp_policy *
leg_policy(struct leg *leg)
{
    leg->policy.transport_secure = rf_transport_is_secure(leg->transport);
    return &leg->policy;
}

/* --- path --- */

void
leg_set_flow(struct leg *leg, struct rf_flow *flow)
{
    if (flow == leg->flow)
        return;
    rf_flow_unwatch(&leg->watch);
    rf_flow_unref(leg->flow);
    leg->flow = NULL;
    if (flow == NULL)
        return;
    leg->flow = rf_flow_ref(flow);
    leg->watch.gone = flow_gone;
    rf_flow_watch(flow, &leg->watch);
    leg->transport = flow->transport;
    leg->remote = flow->remote;
    leg->facts = flow->facts;
    memcpy(leg->listener, flow->listener, sizeof leg->listener);
}

/* A call outlives its connections: the phone comes back on a new one, or we find it by its binding. */
static void
flow_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    struct leg *leg = rf_container(w, struct leg, watch);

    ladder_add(leg->call, leg->side, false, "", 0, "connection lost", now_us);
    rf_flow_unref(leg->flow);
    leg->flow = NULL;
}

void
leg_path_end(struct leg *leg)
{
    struct rf_call_env *env = &leg->call->l->env;

    if (leg->path != NULL)
        env->path_end(env->ctx, leg->path);
    leg->path = NULL;
    leg->path_wanted = false;
    free(leg->binding);
    leg->binding = NULL;
}

void
leg_hop(struct leg *leg, struct rf_hop *hop, struct rf_addr *ours)
{
    struct rf_call_env *env = &leg->call->l->env;
    struct rf_addr media;

    env->our_address(env->ctx, leg->flow, ours, &media);
    hop->transport = leg->flow->transport;
    hop->ours = ours;
}

/* --- responses --- */

static void
put_our_headers(struct rf_buf *b, struct leg *leg)
{
    const char *server = call_settings(leg->call)->server;

    if (server[0] != '\0')
        rf_sip_put_header(b, RF_HDR_SERVER, rf_span_str(server));
}

void
leg_respond(struct leg *leg, int status, struct rf_span extra, struct rf_span sdp, uint64_t now_us)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_flow *flow;
    const struct rf_sip_msg *req;

    if (leg->server == NULL || !leg->server_is_open)
        return;
    flow = rf_server_txn_flow(leg->server);
    req = rf_server_txn_request(leg->server);
    rf_sip_put_response(&b, req, status, NULL, rf_span_str(leg->dialog.local_tag), &flow->remote);
    if (status > 100 && status < 300) {
        struct rf_addr ours, media;
        struct rf_hop hop = { flow->transport, &ours };

        l->env.our_address(l->env.ctx, flow, &ours, &media);
        rf_sip_put_copy(&b, req, RF_HDR_RECORD_ROUTE);
        rf_put_contact(&b, &hop, leg_contact_user(leg));
        rf_put_str(&b, "Allow: " ALLOW "\r\n");
        if (status >= 200) {
            rf_put_str(&b, "Supported: " SUPPORTED "\r\n");
            rf_put_session_timer_response(&b, &leg->session);
        }
    }
    if (status > 100 && status < 200 && !prack_put(leg, status, sdp, &b))
        return;
    if (status >= 200)
        prack_final(leg);
    put_our_headers(&b, leg);
    rf_put(&b, extra);
    rf_sip_put_body(&b, sdp.n > 0 ? "application/sdp" : NULL, sdp);
    if (rf_buf_done(&b) != RF_OK) {
        rf_server_txn_reply(leg->server, 500, NULL, (struct rf_span){ 0 }, now_us);
        leg->server_is_open = false;
        return;
    }
    ladder_sdp(leg->call, leg->side, rf_sip_method_name(RF_SIP_INVITE), status, sdp, now_us);
    if (status >= 200)
        leg->server_is_open = false;
    if (status >= 200 && status < 300)
        leg->dialog.is_confirmed = true;
    leg_tell(leg);
    rf_server_txn_respond(leg->server, status, rf_buf_span(&b), now_us);
}

/* RFC 3261 13.3.1.4, also on streams: T1 doubling to T2, at most 64*T1. The figures are the RFC's own. */
#define REPEAT_FIRST_US (500 * RF_MS)
#define REPEAT_MOST_US  (4 * RF_S)
#define REPEAT_END_US   (64 * REPEAT_FIRST_US)

void
leg_repeat_2xx(struct leg *leg, uint64_t now_us)
{
    leg->awaits_ack = true;
    leg->ack_interval_us = REPEAT_FIRST_US;
    leg->ack_until_us = now_us + REPEAT_END_US;
    rf_timer_arm(leg->call->l->env.wheel, &leg->ack_timer, now_us + leg->ack_interval_us);
}

static void
ack_timer_fired(struct rf_timer *t, uint64_t now_us)
{
    struct leg *leg = rf_container(t, struct leg, ack_timer);
    struct call *c = leg->call;
    uint64_t next;

    if (now_us >= leg->ack_until_us || leg->server == NULL) {
        leg->awaits_ack = false;
        ladder_add(c, leg->side, false, "ACK", 0, "never came", now_us);
        if (leg->bye_waits_for_ack) {
            leg->bye_waits_for_ack = false;
            leg_bye(leg, now_us);
            call_settle(c);
            return;
        }
        call_end(c, "no ACK", 408, RF_REFUSE_NONE, now_us); /* 13.3.1.4: BYE */
        return;
    }
    rf_server_txn_repeat(leg->server);
    leg->ack_interval_us = 2 * leg->ack_interval_us < REPEAT_MOST_US ? 2 * leg->ack_interval_us : REPEAT_MOST_US;
    next = now_us + leg->ack_interval_us;
    rf_timer_arm(c->l->env.wheel, t, next < leg->ack_until_us ? next : leg->ack_until_us);
}

void
leg_ack_received(struct leg *leg, uint64_t now_us)
{
    if (!leg->awaits_ack)
        return;
    leg->awaits_ack = false;
    rf_timer_cancel(leg->call->l->env.wheel, &leg->ack_timer);
    if (leg->server != NULL)
        rf_server_txn_acked(leg->server);
    if (leg->bye_waits_for_ack) {
        leg->bye_waits_for_ack = false;
        leg_bye(leg, now_us);
    }
}

/* It has picked up a call whose caller made no offer: its 200 waits for the caller's answer (pickup.c). */
static bool
waits_for_caller(const struct leg *leg)
{
    return leg == leg->call->b && leg->server_is_open && leg->call->exchange.from != leg;
}

/* The INVITE's owner on the server side: leg A, and whoever sent a re-INVITE. */
static void
server_cancelled(void *owner, uint64_t now_us)
{
    struct leg *leg = owner;
    struct call *c = leg->call;

    ladder_add(c, leg->side, false, "CANCEL", 0, "", now_us);
    if (c->state == CALL_UP && c->join != JOIN_INVITE && !waits_for_caller(leg)) {
        /* A re-INVITE: the other side decides, its answer may be on its way (exchange.c). */
        if (c->exchange.from == leg && leg->server_is_open) {
            c->exchange.is_cancelled = true;
            if (c->exchange.to != NULL && c->exchange.to->client_is_open)
                rf_client_txn_cancel(c->exchange.to->client, (struct rf_span){ 0 }, now_us);
            else
                exchange_stop(c, 487, now_us);
        }
        return;
    }
    call_end(c, leg == c->a ? "caller" : "callee", 487, RF_REFUSE_NONE, now_us);
}

static void
server_failed(void *owner, uint64_t now_us)
{
    struct leg *leg = owner;
    struct call *c = leg->call;
    bool is_its_first;

    if (!leg->server_is_open)
        return; /* no ACK for a refusal: the call has ended long ago, or goes on after a refused re-INVITE */
    is_its_first = c->state != CALL_UP || c->join == JOIN_INVITE || waits_for_caller(leg);
    leg->server_is_open = false;
    if (!is_its_first)
        exchange_stop(c, 0, now_us);
    else
        call_end(c, leg == c->a ? "caller's connection" : "callee's connection", 487, RF_REFUSE_NONE, now_us);
}

static void
server_ended(void *owner)
{
    struct leg *leg = owner;

    leg->server = NULL;
    leg->server_is_open = false;
}

static void
server_trying(void *owner, uint64_t now_us)
{
    const struct leg *leg = owner;

    ladder_add(leg->call, leg->side, true, "INVITE", 100, "", now_us);
}

const struct rf_server_txn_events leg_server_events = {
    .cancelled = server_cancelled, .failed = server_failed, .ended = server_ended, .trying = server_trying,
};

/* --- requests --- */

/*
 * RFC 3261 18.1.1, of requests whose body makes them so. is_large: the path was asked, and this is what there is; the
 * dialog goes on by it.
 */
static bool
is_too_large(const struct leg *leg, enum rf_sip_method method, size_t octets)
{
    const struct rf_call_env *env = &leg->call->l->env;

    bool counts = method == RF_SIP_MESSAGE || ((method == RF_SIP_INVITE || method == RF_SIP_INFO) && !leg->is_large);

    return counts && leg->flow->transport == RF_UDP && octets > env->udp_max(env->ctx, &leg->flow->remote, octets);
}

enum rf_err
leg_send(struct leg *leg, enum rf_sip_method method, struct rf_span extra, const char *type, struct rf_span body,
         const struct rf_client_txn_events *events, void *owner, struct rf_client_txn **out, uint64_t now_us)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_client_txn *txn;
    struct rf_addr ours;
    struct rf_hop hop;
    char branch[49];
    enum rf_err err;

    if (leg->flow == NULL || leg->flow->is_closed)
        return RF_ERR_CLOSED;
    leg_hop(leg, &hop, &ours);
    rf_txn_branch(l->env.txn, branch);
    rf_dialog_put_request(&b, &leg->dialog, method, &hop, branch);
    if (method == RF_SIP_INVITE || method == RF_SIP_UPDATE || method == RF_SIP_NOTIFY) /* RFC 3311 5.1, 6665 8.2.1 */
        rf_put_contact(&b, &hop, leg_contact_user(leg));
    if (call_settings(leg->call)->server[0] != '\0')
        rf_sip_put_header(&b, RF_HDR_USER_AGENT, rf_span_str(call_settings(leg->call)->server));
    rf_put(&b, extra);
    if (leg->credentials != NULL)
        rf_put_str(&b, leg->credentials);
    rf_sip_put_body(&b, body.n > 0 ? type : NULL, body);
    err = rf_buf_done(&b);
    if (err != RF_OK)
        return err;
    if (is_too_large(leg, method, b.n))
        return RF_ERR_RANGE;
    err = rf_client_txn_new(&txn, l->env.txn, leg->flow, method, rf_span_str(branch), rf_buf_span(&b), events, owner,
                            now_us);
    if (err != RF_OK)
        return err;
    leg_credentials_sent(leg, method);
    if (method == RF_SIP_INVITE)
        ladder_sdp(leg->call, leg->side, rf_sip_method_name(method), 0, body, now_us);
    else
        ladder_add(leg->call, leg->side, true, rf_sip_method_name(method), 0, "", now_us);
    if (out != NULL)
        *out = txn;
    return RF_OK;
}

void
leg_send_ack(struct leg *leg, struct rf_span sdp)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_addr ours;
    struct rf_hop hop;
    char branch[49];

    if (leg->flow == NULL || leg->flow->is_closed)
        return; /* the phone repeats its 2xx on whatever path it has; see rf_call_stray_response */
    leg_hop(leg, &hop, &ours);
    rf_txn_branch(l->env.txn, branch);
    rf_dialog_put_request(&b, &leg->dialog, RF_SIP_ACK, &hop, branch);
    if (leg->shown_credentials != NULL)
        rf_put_str(&b, leg->shown_credentials);
    rf_sip_put_body(&b, sdp.n > 0 ? "application/sdp" : NULL, sdp);
    if (rf_buf_done(&b) != RF_OK)
        return;
    if (leg->ack != NULL)
        rf_wipe(leg->ack, leg->ack_n); /* an answer in it has our key */
    free(leg->ack);
    leg->ack = malloc(b.n);
    leg->ack_n = leg->ack != NULL ? b.n : 0;
    if (leg->ack != NULL)
        memcpy(leg->ack, b.p, b.n);
    leg->ack_cseq = leg->dialog.invite_cseq;
    ladder_add(leg->call, leg->side, true, "ACK", 0, "", call_now(leg->call));
    (void)!rf_flow_send(leg->flow, rf_buf_span(&b));
}

void
leg_repeat_ack(struct leg *leg)
{
    if (leg->ack_n > 0 && leg->flow != NULL)
        (void)!rf_flow_send(leg->flow, rf_span(leg->ack, leg->ack_n));
}

static void
put_bye_reason(struct leg *leg, struct rf_buf *b)
{
    const struct rf_refusal_row *row = rf_refusal_row(leg->call->refusal);

    if (leg->call->refusal != RF_REFUSE_NONE)
        rf_sip_put_reason_q850(b, row->q850);
}

/* The transaction is done with, and would tell us of its end: the leg may be gone by then. */
static void
bye_over(struct leg *leg)
{
    rf_client_txn_disown(leg->bye);
    leg->bye = NULL;
}

static bool bye_now(struct leg *leg, uint64_t now_us);

static void
bye_answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct leg *leg = owner;

    if (msg->status < 200)
        return;
    ladder_msg(leg->call, leg->side, false, msg, now_us);
    bye_over(leg);
    /* Unanswered, a carrier that asks who hangs up would go on with the call, and bill it. */
    if (leg_answers_challenge(leg, msg, &leg->bye_challenges) && bye_now(leg, now_us))
        return;
    leg->bye_wanted = msg->status == 503;
    if (leg->bye_wanted) {
        leg->bye_challenges = 0;
        leg_next_way(leg, rf_client_txn_flow(txn), retry_after_of(msg), now_us);
    } else {
        call_settle(leg->call);
    }
}

static void
bye_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct leg *leg = owner;

    ladder_add(leg->call, leg->side, false, "BYE", 0,
               why == RF_ERR_CLOSED ? "no answer: its connection is gone" : "no answer", now_us);
    bye_over(leg);
    leg->bye_wanted = true;
    leg_next_way(leg, rf_client_txn_flow(txn), 0, now_us);
}

static void
bye_ended(void *owner, struct rf_client_txn *txn)
{
    struct leg *leg = owner;

    if (leg->bye == txn)
        leg->bye = NULL;
}

static const struct rf_client_txn_events bye_events = { bye_answered, bye_failed, bye_ended };

static bool
bye_now(struct leg *leg, uint64_t now_us)
{
    char text[160];
    struct rf_buf extra = rf_buf(text, sizeof text);

    put_bye_reason(leg, &extra);
    return leg_send(leg, RF_SIP_BYE, rf_buf_span(&extra), NULL, (struct rf_span){ 0 }, &bye_events, leg, &leg->bye,
                    now_us) == RF_OK;
}

void
leg_bye_path(struct leg *leg, enum rf_err why, uint64_t now_us)
{
    leg->bye_wanted = false;
    if ((!leg_has_way(leg) || !bye_now(leg, now_us)) && leg->state == LEG_UP) /* else it is told how it failed */
        ladder_add(leg->call, leg->side, true, "BYE", 0, rf_err_text(why == RF_OK ? RF_ERR_CLOSED : why), now_us);
    leg->state = LEG_DONE;
}

static void
path_ready(void *owner, struct rf_flow *flow, enum rf_err why)
{
    struct leg *leg = owner;
    struct rf_call_env *env = &leg->call->l->env;
    const struct leg_failed_way *failed = flow != NULL ? leg_failed_on(leg, flow) : NULL;
    uint64_t now_us = call_now(leg->call);

    if (failed != NULL) {
        rf_flow_unref(flow);
        env->path_aside(env->ctx, leg->path, failed->retry_after_s, now_us);
        env->path_next(env->ctx, leg->path, leg->is_large);
        return;
    }
    leg_path_end(leg);
    if (flow != NULL) {
        if (!leg_has_way(leg)) /* a request of theirs may have brought one meanwhile */
            leg_set_flow(leg, flow);
        rf_flow_unref(flow);
    }
    leg_way_known(leg, why, now_us);
}

struct rf_path *
leg_path_new(struct leg *leg, void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why))
{
    struct rf_call_env *env = &leg->call->l->env;
    bool is_device = leg->connection[0] == '\0' && leg->device[0] != '\0' && !leg->is_registered;
    const struct rf_call_server server = { is_device ? leg->device : leg->connection, is_device };

    return env->path_new(env->ctx, leg->binding, server.name[0] != '\0' ? &server : NULL, ready, leg);
}

static bool
ask_path_to(struct leg *leg, const struct rf_binding *binding, bool keeps_flow)
{
    struct rf_call_env *env = &leg->call->l->env;

    leg_path_end(leg);
    leg->binding = malloc(sizeof *leg->binding);
    if (leg->binding == NULL)
        return false;
    *leg->binding = *binding;
    leg->path = leg_path_new(leg, path_ready);
    if (leg->path == NULL) {
        leg_path_end(leg);
        return false;
    }
    if (!keeps_flow)
        leg_set_flow(leg, NULL);
    leg->path_wanted = true;
    env->path_next(env->ctx, leg->path, leg->is_large);
    return true;
}

bool
leg_ask_path(struct leg *leg)
{
    struct rf_binding binding;

    if (leg->path_wanted)
        return true;
    leg_set_flow(leg, NULL);
    return leg_find_binding(leg, &binding) && ask_path_to(leg, &binding, false);
}

bool
leg_ask_large_path(struct leg *leg)
{
    struct rf_binding binding;

    leg->is_large = true;
    leg_own_binding(leg, &binding);
    return !leg->path_wanted && ask_path_to(leg, &binding, false);
}

bool
leg_ask_other_path(struct leg *leg)
{
    struct rf_binding binding;

    return leg_find_binding(leg, &binding) && ask_path_to(leg, &binding, true);
}

void
leg_bye(struct leg *leg, uint64_t now_us)
{
    bool found;

    if (leg->state != LEG_UP)
        return;
    if (leg->awaits_ack) {
        leg->bye_waits_for_ack = true;
        return;
    }
    if (bye_now(leg, now_us)) {
        leg->state = LEG_DONE;
        return;
    }
    leg->bye_wanted = true;
    leg->call->paths_wanted++; /* a path that is there at once must not end the call under our caller (I5) */
    found = leg_ask_path(leg);
    leg->call->paths_wanted--;
    if (found)
        return;
    leg->bye_wanted = false;
    ladder_add(leg->call, leg->side, true, "BYE", 0, "no path: its connection is gone", now_us);
    leg->state = LEG_DONE;
}

void
leg_drop_2xx(struct leg *leg, const struct rf_sip_msg *msg, struct rf_flow *flow, enum rf_refusal why,
             uint64_t now_us)
{
    struct call *c = leg->call;
    struct rf_call_layer *l = c->l;
    struct rf_dialog d, saved;
    char branch[49];
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    struct rf_addr ours, media;
    struct rf_hop hop;
    bool known = false;

    for (size_t i = 0; i < leg->fork_count; i++)
        known = known || rf_span_is(msg->to_tag, leg->fork_tag[i]);
    saved = leg->dialog;
    saved.invite_cseq = msg->cseq;
    if (flow == NULL || flow->is_closed || rf_dialog_from_response(&d, &saved, msg) != RF_OK)
        return;
    l->env.our_address(l->env.ctx, flow, &ours, &media);
    hop = (struct rf_hop){ flow->transport, &ours };
    rf_txn_branch(l->env.txn, branch);
    rf_dialog_put_request(&b, &d, RF_SIP_ACK, &hop, branch);
    rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
    if (rf_buf_done(&b) == RF_OK)
        (void)!rf_flow_send(flow, rf_buf_span(&b));
    if (!known) {
        if (leg->fork_count < FORKS_MAX &&
            rf_span_copy(msg->to_tag, leg->fork_tag[leg->fork_count], sizeof leg->fork_tag[0]) == RF_OK)
            leg->fork_count++;
        if (unwanted_bye(l, &d, flow, leg->connection, why, now_us) && leg->node.is_in_table) {
            ladder_add(c, leg->side, true, "ACK", 0, "", now_us);
            ladder_add(c, leg->side, true, "BYE", 0, why != RF_REFUSE_NONE ? rf_refusal_row(why)->code : "", now_us);
        }
    }
    rf_dialog_fini(&d);
}

/* --- session timer (RFC 4028) --- */

void
leg_session_start(struct leg *leg, uint64_t now_us)
{
    struct rf_wheel *wheel = leg->call->l->env.wheel;

    if (leg->session.expires_s == 0)
        rf_timer_cancel(wheel, &leg->session_timer);
    else
        rf_timer_arm(wheel, &leg->session_timer, now_us + rf_session_timer_due_s(&leg->session) * RF_S);
}

static void
session_timer_fired(struct rf_timer *t, uint64_t now_us)
{
    struct leg *leg = rf_container(t, struct leg, session_timer);

    if (leg->call->state != CALL_UP)
        return;
    if (leg->session.we_refresh)
        update_refresh(leg, now_us);
    else
        call_end(leg->call, "session timer", 408, RF_REFUSE_NONE, now_us);
}
