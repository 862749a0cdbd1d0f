/*
 * main/callenv.c - what calls need of the outside, for the calls of one worker (struct rf_call_env)
 */
#include <stdlib.h>

#include "main/worker.h"

/* The time of the round, which is what everything else in it is given: the clock itself is ahead of that, and a
 * deadline made from it would lie in the future of the timer that looks at it. */
static uint64_t
round_us(const struct rf_worker *w)
{
    return rf_wheel_now_us(rf_loop_wheel(w->loop));
}

static const struct rf_call_settings *
settings(void *ctx)
{
    return &((struct rf_worker *)ctx)->site->call;
}

static bool
user(void *ctx, struct rf_span name, struct rf_call_user *out)
{
    return rf_site_user(((struct rf_worker *)ctx)->site, name, out);
}

static void
our_address(void *ctx, const struct rf_flow *flow, struct rf_addr *sip, struct rf_addr *media)
{
    struct rf_worker *w = ctx;
    const struct rf_launch *l = w->shared->launch;

    rf_site_our_address(w->site, flow, sip, media);
    /* A connection that we opened has a port of its own; we are reached at the listener of its transport. */
    for (uint32_t i = 0; i < l->fd_count; i++)
        if (l->fd[i].kind == RF_FD_LISTENER && l->fd[i].transport == flow->transport &&
            l->fd[i].addr.sa.sa_family == sip->sa.sa_family) {
            rf_addr_set_port(sip, rf_addr_port(&l->fd[i].addr));
            if (rf_addr_port(&l->fd[i].addr) == rf_addr_port(&flow->local))
                break;
        }
}

/* --- a path to a binding --- */

/* The address in a contact, when it is a literal one. */
static bool
contact_address(const struct rf_binding *b, struct rf_addr *out)
{
    struct rf_sip_uri uri;
    uint16_t port;

    if (rf_sip_uri_parse(rf_span_str(b->contact), &uri) != RF_OK)
        return false;
    port = uri.port != 0 ? uri.port : b->transport == RF_TLS ? 5061 : 5060;
    return rf_addr_parse(uri.host, port, out) == RF_OK;
}

/* A contact may ask for another transport than that of its REGISTER: "Contact: <sip:201@192.0.2.7:5070;transport=tcp>"
 * in a datagram. */
static bool
wants_tcp(const struct rf_binding *b)
{
    struct rf_span value;
    struct rf_sip_uri uri;

    if (b->transport == RF_TCP)
        return true;
    return b->transport == RF_UDP && rf_sip_uri_parse(rf_span_str(b->contact), &uri) == RF_OK &&
           rf_sip_param(uri.params, "transport", &value) && rf_span_iis(value, "tcp");
}

/* Where datagrams for a UDP phone go. Its contact counts when it names the host that the REGISTER came from (then no
 * NAT is between us); else the outside of its NAT, which is where the REGISTER came from (RFC 3581). */
static struct rf_addr
udp_target(const struct rf_binding *b)
{
    struct rf_addr contact;

    if (contact_address(b, &contact) && (!rf_addr_is_set(&b->source) || rf_addr_same_host(&contact, &b->source)))
        return contact;
    return b->source;
}

#define WANT_WAIT_US (3 * RF_S) /* a neighbour answers in a millisecond; later means that question or answer was lost */

/* A flow of another worker that was asked for: its owner knows whether it is there and what it is like. Its timer
 * stands for an answer that a full mailbox lost, so that `ready` is called once in any case. */
struct want {
    struct rf_link link;
    struct rf_timer timer;
    struct rf_worker *worker;
    uint64_t serial;
    void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why);
    void *owner;
};

/* Frees it; `ready` comes last, because the call may ask again in it. */
static void
want_done(struct want *want, struct rf_flow *flow, enum rf_err why)
{
    struct want copy = *want;

    rf_timer_cancel(rf_loop_wheel(copy.worker->loop), &want->timer);
    rf_list_remove(&want->link);
    free(want);
    copy.ready(copy.owner, flow, why);
}

static void
want_late(struct rf_timer *t, uint64_t now_us)
{
    want_done(rf_container(t, struct want, timer), NULL, RF_ERR_CLOSED);
}

/* The calls that asked are gone by now. */
void
rf_worker_forget_wants(struct rf_worker *w)
{
    RF_LIST_FOREACH(&w->wants, it) {
        struct want *want = rf_container(it, struct want, link);

        rf_timer_cancel(rf_loop_wheel(w->loop), &want->timer);
        rf_list_remove(it);
        free(want);
    }
}

static enum rf_err
ask_owner(struct rf_worker *w, uint64_t flow_id, void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why),
          void *owner)
{
    struct rf_letter_card letter = { .head = { .kind = RF_LETTER_WANT, .from = w->index }, .flow = { .id = flow_id } };
    struct want *want = calloc(1, sizeof *want);

    if (want == NULL)
        return RF_ERR_NOMEM;
    want->serial = letter.serial = ++w->want_serial;
    want->ready = ready;
    want->owner = owner;
    want->worker = w;
    want->timer.fire = want_late;
    if (!rf_worker_post(w->shared->worker[flow_id >> 48]->letters, &letter, sizeof letter, rf_span(NULL, 0))) {
        free(want);
        return RF_ERR_CLOSED;
    }
    rf_list_append(&w->wants, &want->link);
    rf_timer_arm(rf_loop_wheel(w->loop), &want->timer, round_us(w) + WANT_WAIT_US);
    return RF_OK;
}

void
rf_worker_want(struct rf_worker *w, const struct rf_letter_card *letter)
{
    struct rf_letter_card answer = *letter;
    struct rf_flow *f = rf_transport_find(w->transport, letter->flow.id);
    unsigned to = letter->head.from;

    answer.head = (struct rf_letter_head){ .kind = RF_LETTER_CARD, .from = w->index };
    answer.is_found = f != NULL && !f->is_closed;
    if (answer.is_found)
        rf_flow_card_fill(&answer.flow, f);
    /* A full mailbox loses the answer: the asker's timer stands for it. */
    if (to < w->shared->workers &&
        !rf_worker_post(w->shared->worker[to]->letters, &answer, sizeof answer, rf_span(NULL, 0)))
        atomic_fetch_add_explicit(&w->numbers.post_refused, 1, memory_order_relaxed);
}

void
rf_worker_card(struct rf_worker *w, const struct rf_letter_card *letter)
{
    RF_LIST_FOREACH(&w->wants, it) {
        struct want *want = rf_container(it, struct want, link);
        struct rf_flow *flow = NULL;
        enum rf_err err = RF_ERR_CLOSED;

        if (want->serial != letter->serial)
            continue;
        if (letter->is_found)
            err = rf_remote_flow(w->remotes, &letter->flow, &flow);
        want_done(want, err ? NULL : flow, err);
        return;
    }
}

static void
flow_to(void *ctx, const struct rf_binding *b, void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why),
        void *owner)
{
    struct rf_worker *w = ctx;
    uint64_t at = b->flow_id >> 48;
    struct rf_flow *flow = NULL, *own;
    enum rf_err err = RF_ERR_CLOSED;
    struct rf_addr target;

    if (b->transport == RF_UDP && !wants_tcp(b)) {
        target = udp_target(b);
        err = RF_ERR_NOT_FOUND;
        if (rf_addr_is_set(&target))
            err = rf_transport_udp(w->transport, b->listener[0] != '\0' ? b->listener : NULL, &target, &flow);
        ready(owner, err ? NULL : flow, err);
        return;
    }
    /* The very connection by which it registered (RFC 5626): whose worker is in its id. */
    own = b->transport != RF_UDP && b->flow_id != 0 && at == w->index ? rf_transport_find(w->transport, b->flow_id) : NULL;
    if (own != NULL && !own->is_closed) {
        ready(owner, rf_flow_ref(own), RF_OK);
        return;
    }
    if (b->transport != RF_UDP && b->flow_id != 0 && at != w->index && at < w->shared->workers) {
        err = ask_owner(w, b->flow_id, ready, owner);
        if (err)
            ready(owner, NULL, err);
        return;
    }
    /* TCP without a connection: a phone that is not behind NAT can be called back (RFC 3261 18.1.1). TLS phones are
     * not connected to: they have no certificate of their own. */
    if (wants_tcp(b) && contact_address(b, &target) && rf_addr_same_host(&target, &b->source)) {
        const struct rf_connect_conf conf = { .transport = RF_TCP, .remote = target, .name = b->listener };

        err = rf_transport_connect(w->transport, &conf, &flow);
    }
    ready(owner, err ? NULL : flow, err);
}

/* --- media, store, time --- */

static enum rf_err
media(void *ctx, const struct rf_media_request *request)
{
    struct rf_worker *w = ctx;

    return rf_media_client_send(w->media, request, round_us(w));
}

static void
save(void *ctx, struct rf_span call_id, struct rf_span value)
{
    struct rf_worker *w = ctx;
    struct rf_store_write write = { .op = value.p != NULL ? RF_STORE_DIALOG_PUT : RF_STORE_DIALOG_DELETE,
                                    .key = call_id, .value = value };

    /* Nobody waits for it: a restart at this moment would end the call, and the store counts its failures. */
    if (rf_store_write(w->shared->store, &write, 1, NULL, NULL, 0) != RF_OK)
        rf_fold_refuse(w->fold, RF_REFUSE_STORE_FAILED, rf_span_str("call"),
                       (struct rf_log_field[]){ RF_F_STR("reason", "the queue of the store is full"), { 0 } },
                       round_us(w));
}

static void
record(void *ctx, struct rf_span call_id, json_t *r)
{
    struct rf_worker *w = ctx;
    char *text = json_dumps(r, JSON_COMPACT);
    struct rf_store_write write = { .op = RF_STORE_RECORD_PUT, .key = call_id, .expires_s = rf_wall_s() };
    char *ladder;

    if (text == NULL)
        return;
    write.value = rf_span_str(text);
    if (rf_store_write(w->shared->store, &write, 1, NULL, NULL, 0) != RF_OK)
        rf_fold_refuse(w->fold, RF_REFUSE_STORE_FAILED, rf_span_str("record"),
                       (struct rf_log_field[]){ RF_F_STR("reason", "the queue of the store is full"), { 0 } },
                       round_us(w));
    /* The line has the evidence; the ladder, which comes last, is in the store. (Within a string the quotes would
     * have backslashes.) */
    ladder = strstr(text, ",\"ladder\":");
    if (ladder != NULL)
        memcpy(ladder, "}", 2);
    RF_LOGF(RF_LOG_INFO, "call.record", "a call ended", RF_F_SPAN("call_id", call_id),
            RF_F_STR("verdict_min", json_string_value(json_object_get(r, "verdict_min"))),
            RF_F_JSON("record", rf_span_str(text)));
    free(text);
}

static void
refuse(void *ctx, enum rf_refusal why, struct rf_span who, const struct rf_log_field *fields, uint64_t now_us)
{
    rf_fold_refuse(((struct rf_worker *)ctx)->fold, why, who, fields, now_us);
}

static void
sign_in_failed(void *ctx, struct rf_flow *flow, const struct rf_auth_result *who, bool known, uint64_t now_us)
{
    rf_worker_sign_in_failed(ctx, flow, who, now_us);
}

static int64_t
wall_s(void *ctx)
{
    return rf_wall_s();
}

void
rf_worker_call_env(struct rf_worker *w, struct rf_call_env *env)
{
    *env = (struct rf_call_env){
        .ctx = w,
        .rand = &rf_rand_system,
        .wheel = rf_loop_wheel(w->loop),
        .txn = w->txn,
        .auth = w->shared->auth,
        .location = w->shared->location,
        .media_map = w->shared->map,
        .worker = w->index,
        .workers = (uint16_t)w->shared->workers,
        .owner_key = w->shared->owner_key,
        .settings = settings,
        .user = user,
        .our_address = our_address,
        .flow_to = flow_to,
        .media = media,
        .save = save,
        .record = record,
        .wall_s = wall_s,
        .refuse = refuse,
        .sign_in_failed = sign_in_failed,
    };
}
