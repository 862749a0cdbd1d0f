/*
 * call/layer.c - the calls of one worker: tables, life of a call, and what others ask of it
 *
 * Life of a call, one function a step:
 *   call_invite       admit.c    who is it, and may they?
 *   leg_offer_in      offer.c    does the offer meet the SRTP policy?
 *   call_find_targets targets.c  which phones?
 *   call_paths_ask    ring.c     a path to each
 *   call_media_open   media.c    two ports
 *   call_ring         ring.c     leg B: our own dialog, our own offer, a fresh key
 *   call_early, call_answered    answer.c
 *   exchange_invite   exchange.c hold, resume, refresh
 *   call_end          end.c      BYE, CANCEL, the record
 */
#include <stdlib.h>

#include "base/codec.h"
#include "call/layer.h"

static void timer_fired(struct rf_timer *t, uint64_t now_us);

enum rf_err
rf_call_layer_new(struct rf_call_layer **out, const struct rf_call_env *env)
{
    struct rf_call_layer *l = calloc(1, sizeof *l);

    if (l == NULL)
        return RF_ERR_NOMEM;
    l->env = *env;
    rf_list_init(&l->all);
    rf_list_init(&l->unwanted);
    layer_closing_init(l);
    layer_passed_init(l);
    if (rf_hash_init(&l->legs, env->rand) != RF_OK || rf_hash_init(&l->calls, env->rand) != RF_OK ||
        rf_hash_init(&l->medias, env->rand) != RF_OK || rf_hash_init(&l->aliases, env->rand) != RF_OK ||
        (env->quota == NULL && rf_quota_new(&l->own_quota, env->rand) != RF_OK)) {
        rf_call_layer_free(l);
        return RF_ERR_NOMEM;
    }
    if (env->quota == NULL)
        l->env.quota = l->own_quota;
    *out = l;
    return RF_OK;
}

void
rf_call_layer_free(struct rf_call_layer *l)
{
    if (l == NULL)
        return;
    if (l->all.next != NULL)
        RF_LIST_FOREACH(&l->all, it)
            call_free(rf_container(it, struct call, all));
    unwanted_forget(l);
    layer_closing_fini(l);
    layer_passed_fini(l);
    rf_hash_fini(&l->legs);
    rf_hash_fini(&l->calls);
    rf_hash_fini(&l->medias);
    rf_hash_fini(&l->aliases);
    rf_quota_free(l->own_quota);
    for (size_t i = 0; i < RECENT_MAX; i++)
        free(l->recent[i].record);
    free(l->record_mem);
    free(l->save_mem);
    rf_wipe(l->sdp, sizeof l->sdp);
    rf_wipe(l->out, sizeof l->out);
    free(l);
}

const struct rf_call_settings *
call_settings(const struct call *c)
{
    return c->l->env.settings(c->l->env.ctx);
}

uint64_t
call_now(const struct call *c)
{
    return rf_wheel_now_us(c->l->env.wheel);
}

void
rf_call_put_aor(struct rf_buf *b, struct rf_span user, const char *domain)
{
    rf_put_str(b, "sip:");
    rf_put_escaped_user(b, user);
    rf_put_char(b, '@');
    rf_put_str(b, domain);
}

/* --- our Call-IDs and their owner --- */

/* "rf" 8 hex digits of the hash of the first leg's Call-ID, "-", 24 random ones. */
#define OWN_CALL_ID_N (2 + 8 + 1 + 24)

static bool
own_call_id(struct rf_span id, uint32_t *hash)
{
    uint8_t octets[4];
    size_t n;

    if (id.n != OWN_CALL_ID_N || !rf_span_starts(id, "rf") || id.p[10] != '-' ||
        rf_hex_decode(rf_span_sub(id, 2, 8), octets, sizeof octets, &n) != RF_OK)
        return false;
    *hash = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
    return true;
}

uint16_t
rf_call_owner(const struct rf_hash_key *key, struct rf_span call_id, uint16_t workers)
{
    uint32_t hash;

    if (workers <= 1)
        return 0;
    /* A peer may choose a Call-ID in our form: it then only chooses which worker serves it. */
    if (!own_call_id(call_id, &hash))
        hash = (uint32_t)rf_siphash(key, call_id.p, call_id.n);
    return (uint16_t)(hash % workers);
}

void
rf_call_put_own_id(const struct rf_call_env *env, struct rf_span first, struct rf_buf *b)
{
    uint8_t octets[12];
    uint32_t hash;

    if (!own_call_id(first, &hash)) /* a leg B of ours may be a leg A of ours: a call to ourselves */
        hash = (uint32_t)rf_siphash(&env->owner_key, first.p, first.n);
    /* A leg A that moved here from another worker (guests.h): its legs B are ours all the same. */
    if (env->workers > 1)
        hash = hash - hash % env->workers + env->worker;
    if (hash % (env->workers > 0 ? env->workers : 1) != env->worker)
        hash -= env->workers; /* it went round: below, the same remainder */
    rf_rand_fill(env->rand, octets, sizeof octets);
    rf_putf(b, "rf%08x-", (unsigned)hash);
    rf_put_hex(b, octets, sizeof octets);
}

void
call_own_id(struct call *c, struct rf_buf *b)
{
    rf_call_put_own_id(&c->l->env, rf_span_str(c->a->dialog.call_id), b);
}

/* --- calls --- */

struct call *
call_new(struct rf_call_layer *l, uint64_t now_us)
{
    struct call *c = calloc(1, sizeof *c);
    uint8_t octets[ID_OCTETS];
    struct rf_buf b;

    if (c == NULL)
        return NULL;
    c->l = l;
    c->serial = ++l->serial;
    c->began_us = now_us;
    c->began_wall_s = l->env.wall_s(l->env.ctx);
    rf_rand_fill(l->env.rand, octets, sizeof octets);
    b = rf_buf(c->id, sizeof c->id - 1);
    rf_put_hex(&b, octets, sizeof octets);
    rf_list_init(&c->attempts);
    rf_list_init(&c->infos);
    rf_list_init(&c->held);
    rf_list_append(&l->all, &c->all);
    rf_hash_insert(&l->calls, &c->by_serial, rf_siphash(&l->calls.key, &c->serial, sizeof c->serial));
    l->count++;
    c->timer.fire = timer_fired;
    exchange_timer_init(c);
    forward_timer_init(c);
    tally_verdict(c);
    return c;
}

void
call_free(struct call *c)
{
    struct rf_call_layer *l = c->l;

    rf_timer_cancel(l->env.wheel, &c->timer);
    rf_timer_cancel(l->env.wheel, &c->media_timer);
    rf_timer_cancel(l->env.wheel, &c->exchange.glare);
    rf_timer_cancel(l->env.wheel, &c->stage_timer);
    infos_stop(c, call_now(c));
    tally_no_verdict(c);
    if (c->share != NULL)
        rf_quota_drop(l->env.quota, c->share);
    refer_free(c);
    origin_free(c);
    held_forget(c);
    leg_free(c->a);
    leg_free(c->b);
    RF_LIST_FOREACH(&c->attempts, it)
        leg_free(rf_container(it, struct leg, link));
    rf_hash_remove(&l->calls, &c->by_serial);
    rf_hash_remove(&l->medias, &c->by_media);
    rf_list_remove(&c->all);
    l->count--;
    free(c->ladder);
    free(c->forwards);
    free(c);
}

static bool
serial_is(const struct rf_hash_node *node, const void *key)
{
    return rf_container(node, const struct call, by_serial)->serial == *(const uint64_t *)key;
}

struct call *
call_by_serial(struct rf_call_layer *l, uint64_t serial)
{
    struct rf_hash_node *node =
        rf_hash_find(&l->calls, rf_siphash(&l->calls.key, &serial, sizeof serial), serial_is, &serial);

    return node != NULL ? rf_container(node, struct call, by_serial) : NULL;
}

static bool
leg_is_waited_for(const struct leg *leg)
{
    return leg != NULL && (leg->path_wanted || leg->bye_waits_for_ack || leg->bye_wanted || leg->client_is_open ||
                           leg->bye != NULL);
}

/* The record waits no longer for the answer to our BYE; the BYE itself may still find another way (way.c). */
static void
leg_wait_no_more(struct leg *leg, uint64_t now_us)
{
    if (leg == NULL || leg->bye == NULL)
        return;
    if (!leg->call->record_made)
        ladder_add(leg->call, leg->side, false, "BYE", 0, "no answer yet", now_us);
    if (!leg->call->l->is_stopping)
        return;
    rf_client_txn_disown(leg->bye);
    leg->bye = NULL;
}

void
call_close_record(struct call *c, uint64_t now_us)
{
    leg_wait_no_more(c->a, now_us);
    leg_wait_no_more(c->b, now_us);
    if (c->record_made)
        return;
    rf_timer_cancel(c->l->env.wheel, &c->timer);
    if (c->answered)
        call_forget(c);
    record_keep(c, now_us);
}

void
call_settle(struct call *c)
{
    if (c->state != CALL_ENDING || c->media_opening || c->paths_wanted > 0 || leg_is_waited_for(c->a) ||
        leg_is_waited_for(c->b))
        return;
    RF_LIST_FOREACH(&c->attempts, it)
        if (leg_is_waited_for(rf_container(it, struct leg, link)))
            return;
    call_close_record(c, call_now(c));
    if (!refer_is_open(c) || c->l->is_stopping)
        call_free(c);
}

static void
timer_fired(struct rf_timer *t, uint64_t now_us)
{
    struct call *c = rf_container(t, struct call, timer);

    if (c->state == CALL_ENDING) {
        call_close_record(c, now_us);
        call_settle(c);
        return;
    }
    if (c->state == CALL_UP) {
        evidence_sample(c);
        oneway_sample(c, now_us);
        /* Calls that began at different moments are looked at together. */
        rf_timer_arm_late(c->l->env.wheel, &c->timer, now_us + SAMPLE_US);
        if (c->old_keys_end && c->exchange.kind == EXCHANGE_NONE) {
            c->old_keys_end = false;
            call_media_change(c, c->b, NULL);
            call_media_change(c, c->a, NULL);
        }
        transfer_tick(c, now_us);
        return;
    }
    if (c->state == CALL_OPENING || c->state == CALL_RINGING) {
        char seconds[16];

        snprintf(seconds, sizeof seconds, "%u", (unsigned)call_settings(c)->ring_time_s);
        call_refuse(c, RF_REFUSE_NO_ANSWER, 0,
                    (const struct rf_log_field[]){ RF_F_STR("number", c->called), RF_F_STR("seconds", seconds),
                                                   RF_F_STR("call", c->id), { 0 } },
                    now_us);
    }
}

/* --- requests --- */

/* OPTIONS is answered without a challenge and says nothing about anybody (IPC-28). */
static void
reply_options(struct rf_server_txn *txn, uint64_t now_us)
{
    rf_server_txn_reply(txn, 200, NULL,
                        RF_SPAN_LIT("Allow: " ALLOW "\r\nAllow-Events: dialog, message-summary\r\n"
                                    "Accept: application/sdp\r\nSupported: " SUPPORTED "\r\n"), now_us);
}

static void
reply_not_allowed(struct rf_server_txn *txn, uint64_t now_us)
{
    rf_server_txn_reply(txn, 405, NULL, RF_SPAN_LIT("Allow: " ALLOW "\r\n"), now_us);
}

static bool
is_confirmed(const struct leg *leg, const struct rf_sip_msg *msg)
{
    return leg != NULL && leg->dialog.remote_tag != NULL && rf_dialog_is(&leg->dialog, msg);
}

bool
rf_call_has_dialog(struct rf_call_layer *l, const struct rf_sip_msg *msg)
{
    const struct leg *leg = leg_find(l, msg->call_id, msg->to_tag);

    return is_confirmed(leg, msg) ||
           (leg != NULL && leg->dialog.remote_tag == NULL && rf_dialog_is(&leg->early, msg));
}

void
rf_call_request(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct caller who;

    if (request_comes_again(l, msg)) {
        rf_server_txn_forget(txn);
        return;
    }
    if (!request_check(l, txn, msg, now_us))
        return;
    if (msg->to_tag.n > 0) {
        struct leg *leg = leg_find(l, msg->call_id, msg->to_tag);

        if (leg != NULL && leg->dialog.remote_tag == NULL && rf_dialog_is(&leg->early, msg))
            prack_early_request(leg, txn, msg, now_us);
        else if (is_confirmed(leg, msg))
            indialog_request(l, leg, txn, msg, now_us);
        else
            rf_server_txn_reply(txn, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    switch (msg->method) {
    case RF_SIP_INVITE:
        call_invite(l, txn, msg, now_us);
        return;
    case RF_SIP_OPTIONS:
        reply_options(txn, now_us);
        return;
    case RF_SIP_BYE:
    case RF_SIP_INFO:
    case RF_SIP_PRACK:
    case RF_SIP_UPDATE:
    case RF_SIP_NOTIFY:
    case RF_SIP_REFER: /* of a call there is, which only its own dialog names */
        rf_server_txn_reply(txn, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    case RF_SIP_UNKNOWN:
        rf_server_txn_reply(txn, 501, NULL, RF_SPAN_LIT("Allow: " ALLOW "\r\n"), now_us);
        return;
    default:
        if (request_caller(l, txn, msg, &who, now_us))
            reply_not_allowed(txn, now_us);
    }
}

void
rf_call_ack(struct rf_call_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    struct leg *leg = leg_find(l, msg->call_id, msg->to_tag);

    (void)flow;
    if (is_confirmed(leg, msg))
        call_ack_received(leg->call, leg, msg, now_us);
}

/*
 * A 2xx to an INVITE of ours without a transaction: late, of a call that ended, or of the process before us. Its
 * sender repeats it for 32 s and believes in a call: a known dialog gets its ACK again, any other ACK and BYE.
 * Or somebody has made it up: unwanted.c bounds what that is worth.
 */
void
rf_call_stray_response(struct rf_call_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow,
                       uint64_t now_us)
{
    struct leg *leg;
    uint32_t hash;

    if (msg->method != RF_SIP_INVITE || msg->status < 200 || msg->status >= 300 || msg->to_tag.n == 0)
        return;
    leg = leg_find(l, msg->call_id, msg->from_tag);
    if (leg != NULL && leg->dialog.remote_tag != NULL && rf_span_is(msg->to_tag, leg->dialog.remote_tag)) {
        if (leg->ack_cseq == msg->cseq)
            leg_repeat_ack(leg);
        return;
    }
    if (own_call_id(msg->call_id, &hash)) {
        bool is_told = unwanted_is_told(l, msg);
        struct leg stray = { .side = 1 };
        struct call nobody = { .l = l };
        char local[600], remote[600];
        struct rf_buf from = rf_buf(local, sizeof local), to = rf_buf(remote, sizeof remote);

        if (!is_told && !unwanted_has_room(l))
            return;
        if (is_told && rf_span_copy(msg->to_tag, stray.fork_tag[0], sizeof stray.fork_tag[0]) != RF_OK)
            return;
        stray.fork_count = is_told;
        stray.call = &nobody;
        rf_put_char(&from, '<');
        rf_put(&from, msg->from.uri.raw);
        rf_put_char(&from, '>');
        rf_put_char(&to, '<');
        rf_put(&to, msg->to.uri.raw);
        rf_put_char(&to, '>');
        if (rf_buf_done(&from) == RF_OK && rf_buf_done(&to) == RF_OK &&
            rf_dialog_begin(&stray.dialog, msg->call_id, msg->from_tag, rf_buf_span(&from), rf_buf_span(&to),
                            RF_SPAN_LIT("sip:unknown.invalid"), (struct rf_span){ 0 }, msg->cseq) == RF_OK) {
            stray.dialog.invite_cseq = msg->cseq;
            leg_drop_2xx(&stray, msg, flow, RF_REFUSE_NONE, now_us);
        }
        rf_dialog_fini(&stray.dialog);
    }
}

/* --- what people ask --- */

size_t
rf_call_count(const struct rf_call_layer *l)
{
    return l->count;
}

struct rf_call_counts
rf_call_counts(struct rf_call_layer *l)
{
    struct rf_call_counts n = { 0, 0 };

    RF_LIST_FOREACH(&l->all, it) {
        struct call *c = rf_container(it, struct call, all);

        if (c->state == CALL_ENDING)
            continue;
        evidence_sample(c);
        n.calls++;
        n.encrypted += c->verdict_now == VERDICT_ENCRYPTED;
    }
    return n;
}

static struct call *
find_call(struct rf_call_layer *l, struct rf_span id)
{
    struct call *found = NULL;

    RF_LIST_FOREACH(&l->all, it) {
        struct call *c = rf_container(it, struct call, all);

        if (!c->record_made && id.n > 0 && id.n <= strlen(c->id) && memcmp(c->id, id.p, id.n) == 0) {
            if (found != NULL)
                return NULL; /* not unique */
            found = c;
        }
    }
    return found;
}

json_t *
rf_call_list(struct rf_call_layer *l, uint64_t now_us)
{
    json_t *list = json_array();

    RF_LIST_FOREACH(&l->all, it) {
        struct call *c = rf_container(it, struct call, all);

        if (c->state != CALL_ENDING) {
            evidence_sample(c);
            json_array_append_new(list, record_make(c, now_us, false)); /* NULL is not appended */
        }
    }
    return list;
}

/* Does the call's id begin so? It is the record's first member. */
static bool
is_record_of(struct rf_span record, struct rf_span id)
{
    static const char head[] = "{\"id\":\"";
    struct rf_span its = rf_span_sub(record, sizeof head - 1, record.n);

    its = rf_span_sub(its, 0, rf_span_find(its, '"'));
    return id.n <= its.n && memcmp(its.p, id.p, id.n) == 0;
}

#define NEWER_THAN_ENDED ((uint64_t)1 << 63) /* above every clock */

json_t *
rf_call_show(struct rf_call_layer *l, struct rf_span id, uint64_t now_us, uint64_t *newness)
{
    struct call *c = find_call(l, id);
    const char *found = NULL;
    bool is_last = rf_span_is(id, "last");

    *newness = 0;
    if (is_last) {
        /* A call that is up is newer than one that ended. */
        if (!rf_list_empty(&l->all)) {
            struct call *newest = rf_container(l->all.prev, struct call, all);

            if (!newest->record_made)
                c = newest;
        }
    }
    if (c != NULL) {
        *newness = c->began_us | (c->record_made ? 0 : NEWER_THAN_ENDED);
        evidence_sample(c);
        return record_make(c, now_us, true);
    }
    for (size_t i = 0; found == NULL && i < RECENT_MAX && i < l->recent_next; i++) {
        size_t at = (l->recent_next - 1 - i) % RECENT_MAX;
        const char *r = l->recent[at].record;

        if (r != NULL && (is_last || (id.n >= 4 && is_record_of(rf_span_str(r), id)))) {
            found = r;
            *newness = l->recent[at].began_us;
        }
    }
    return found != NULL ? json_loads(found, 0, NULL) : NULL;
}

enum rf_err
rf_call_hangup(struct rf_call_layer *l, struct rf_span id, uint64_t now_us)
{
    struct call *c = find_call(l, id);

    if (c == NULL || c->state == CALL_ENDING)
        return RF_ERR_NOT_FOUND;
    call_end(c, "operator", 480, RF_REFUSE_NONE, now_us);
    return RF_OK;
}

/* The call after this one; NULL: it is the last. */
static struct call *
call_after(struct rf_call_layer *l, struct call *c)
{
    return c->all.next != &l->all ? rf_container(c->all.next, struct call, all) : NULL;
}

void
rf_call_hangup_all(struct rf_call_layer *l, uint64_t now_us)
{
    struct call *c = rf_list_empty(&l->all) ? NULL : rf_container(l->all.next, struct call, all), *next;

    l->is_stopping = true;
    for (; c != NULL; c = next) {
        /* A call that ends may end others, of who waits to pick it up or was transferred out of it: they stay until
         * their turn (I5). */
        next = call_after(l, c);
        if (next != NULL)
            next->paths_wanted++;
        if (c->state != CALL_ENDING) {
            call_end(c, "operator", 480, RF_REFUSE_NONE, now_us);
        } else {
            call_close_record(c, now_us);
            call_settle(c);
        }
        if (next != NULL)
            next->paths_wanted--;
    }
    l->is_stopping = false;
}
