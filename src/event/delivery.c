/*
 * event/delivery.c - a text message on its way to one target: the way there, the request, its answer
 *
 * From target to target as calls go (route/hunt.h): a server that is silent or answers 503 is put aside, and the next
 * one is asked.
 */
#include <stdlib.h>

#include "event/message.h"

#define CHALLENGES_MAX 2 /* the first, and one more when the nonce was too old */

static void path_ready(void *owner, struct rf_flow *flow, enum rf_err why);

/* --- what goes out --- */

static const struct rf_connection *
connection_of(const struct target *t)
{
    const struct rf_call_routing *r = message_routing(t->m->l);

    return r != NULL && t->connection[0] != '\0' ? rf_connection_named(r->connections, rf_span_str(t->connection))
                                                 : NULL;
}

static const char *
shown_number(const struct target *t, const struct rf_connection *k, char number[static RF_NUMBER_MAX])
{
    const char *user = t->m->from.user;

    if (k == NULL)
        return user;
    if (k->caller_id[0] != '\0')
        return k->caller_id;
    return rf_number_write(rf_span_str(user), k->format, k->country, number) == RF_OK ? number : user;
}

/* Names of our users stay inside, as in calls. */
static const char *
shown_name(const struct target *t, const struct rf_connection *k)
{
    const struct rf_call_party *from = &t->m->from;

    if (k == NULL)
        return from->display;
    if (k->caller_name[0] != '\0')
        return k->caller_name;
    return k->trusts_identity || (t->m->from_connection[0] != '\0' && !from->is_private) ? from->display : "";
}

static void
put_identity(const struct target *t, const struct rf_connection *k, struct rf_buf *b)
{
    char number[RF_NUMBER_MAX];
    const char *name = shown_name(t, k);

    if (name[0] != '\0') {
        rf_put_quoted(b, rf_span_str(name));
        rf_put_char(b, ' ');
    }
    rf_put_char(b, '<');
    rf_call_put_aor(b, rf_span_str(shown_number(t, k, number)), layer_domain(t->m->l));
    rf_put_char(b, '>');
}

static enum rf_err
begin(struct target *t)
{
    struct rf_event_layer *l = t->m->l;
    const struct rf_connection *k = connection_of(t);
    char local[512], remote[512], call_id[48], tag[17];
    struct rf_buf from = rf_buf(local, sizeof local), to = rf_buf(remote, sizeof remote);
    struct rf_buf id = rf_buf(call_id, sizeof call_id), g = rf_buf(tag, sizeof tag);
    uint8_t octets[8];
    enum rf_err err;

    if (t->m->from.is_private && !(k != NULL && k->caller_id[0] != '\0'))
        rf_put_str(&from, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    else
        put_identity(t, k, &from);
    rf_put_char(&to, '<');
    rf_call_put_aor(&to, rf_span_str(t->user), layer_domain(l));
    rf_put_char(&to, '>');
    rf_rand_fill(l->env.call.rand, octets, sizeof octets);
    rf_put_hex(&g, octets, sizeof octets);
    rf_call_put_own_id(&l->env.call, rf_span_str(t->m->call_id), &id);
    if (from.overflow || to.overflow)
        return RF_ERR_RANGE;
    err = rf_dialog_begin(&t->dialog, rf_buf_span(&id), rf_buf_span(&g), rf_buf_span(&from), rf_buf_span(&to),
                          rf_span_str(t->binding.contact), rf_span_str(t->binding.path), 0);
    t->dialog.has_max_forwards = !err;
    t->dialog.max_forwards = t->m->max_forwards - 1; /* one of none was refused (rf_call_party_of) */
    return err;
}

static enum rf_err
make(struct target *t, char branch[static 49], struct rf_buf *b)
{
    struct rf_event_layer *l = t->m->l;
    struct rf_call_env *env = &l->env.call;
    const struct rf_connection *k = connection_of(t);
    struct rf_addr ours, media;
    struct rf_hop hop = { t->flow->transport, &ours };

    env->our_address(env->ctx, t->flow, &ours, &media);
    rf_txn_branch(env->txn, branch);
    *b = rf_buf(l->out, sizeof l->out);
    if (t->challenges == 0)
        t->dialog.local_cseq = 0; /* the same request, but for its branch (RFC 3263 4.3) */
    rf_dialog_put_request(b, &t->dialog, RF_SIP_MESSAGE, &hop, branch);
    layer_put_server(l, b, RF_HDR_USER_AGENT);
    if (k != NULL && k->trusts_identity && strcmp(t->m->from.user, "anonymous") != 0) {
        rf_put_str(b, "P-Asserted-Identity: ");
        put_identity(t, k, b);
        rf_put_str(b, "\r\n");
    }
    if (k != NULL && t->m->from.is_private)
        rf_put_str(b, "Privacy: id\r\n");
    if (k != NULL)
        rf_call_trail_put(env, &t->m->trail, k->name, t->user, b);
    if (t->credentials != NULL)
        rf_put_str(b, t->credentials);
    rf_put(b, rf_span(t->m->headers, t->m->headers_n));
    rf_putf(b, "Content-Length: %zu\r\n\r\n", t->m->body_n);
    rf_put(b, rf_span(t->m->body, t->m->body_n));
    return rf_buf_done(b);
}

/* --- from target to target (route/hunt.h) --- */

static bool
path_begin(struct target *t)
{
    struct rf_call_env *env = &t->m->l->env.call;
    struct rf_call_server server = { t->connection[0] != '\0' ? t->connection : t->device, t->connection[0] == '\0' };
    bool is_server = server.name[0] != '\0';

    if (t->path != NULL)
        env->path_end(env->ctx, t->path);
    t->path = env->path_new(env->ctx, &t->binding, is_server ? &server : NULL, path_ready, t);
    return t->path != NULL;
}

static void
drop_way(struct target *t)
{
    rf_flow_unref(t->flow);
    t->flow = NULL;
    if (t->txn != NULL)
        rf_client_txn_disown(t->txn);
    t->txn = NULL;
}

/* The message may be gone after it. */
static void
seek(struct target *t, bool is_large)
{
    struct rf_call_env *env = &t->m->l->env.call;

    drop_way(t);
    t->is_large = t->is_large || is_large;
    env->path_next(env->ctx, t->path, is_large);
}

static void
close_target(struct target *t)
{
    struct rf_call_env *env = &t->m->l->env.call;

    t->is_over = true;
    drop_way(t);
    if (t->path != NULL)
        env->path_end(env->ctx, t->path);
    t->path = NULL;
}

static void
target_over(struct target *t, enum rf_hunt_event e, uint64_t now_us)
{
    struct message *m = t->m;
    struct rf_call_env *env = &m->l->env.call;
    unsigned act = rf_hunt_feed(&t->hunt, e);

    if (act & RF_HUNT_ASIDE)
        env->path_aside(env->ctx, t->path, t->retry_after_s, now_us);
    t->retry_after_s = 0;
    if (act & (RF_HUNT_ASK | RF_HUNT_ASK_LARGE)) {
        seek(t, (act & RF_HUNT_ASK_LARGE) != 0);
        return;
    }
    if (act & RF_HUNT_ASK_PLACE) {
        while (target_take_place(t))
            if (path_begin(t)) {
                seek(t, false);
                return;
            }
        t->hunt.state = RF_HUNT_OVER;
    }
    close_target(t);
    message_settle(m, now_us);
}

static const struct rf_client_txn_events events;

static void
send_to(struct target *t, uint64_t now_us)
{
    struct rf_call_env *env = &t->m->l->env.call;
    char branch[49];
    struct rf_buf b;
    enum rf_err err = RF_OK;
    bool is_too_large = false;

    if (t->dialog.call_id == NULL)
        err = begin(t);
    if (!err)
        err = make(t, branch, &b);
    if (!err)
        is_too_large = t->flow->transport == RF_UDP && b.n > env->udp_max(env->ctx, &t->flow->remote, b.n);
    if (is_too_large && !t->is_large) {
        target_over(t, RF_HUNT_EV_LARGE, now_us);
        return;
    }
    if (is_too_large) {
        t->status = 513;
        target_over(t, RF_HUNT_EV_FINAL, now_us);
        return;
    }
    if (!err)
        err = rf_client_txn_new(&t->txn, env->txn, t->flow, RF_SIP_MESSAGE, rf_span_str(branch), rf_buf_span(&b),
                                &events, t, now_us);
    if (!err)
        return;
    t->txn = NULL;
    t->status = err == RF_ERR_CLOSED ? 480 : 503;
    target_over(t, err == RF_ERR_CLOSED ? RF_HUNT_EV_LOST : RF_HUNT_EV_FINAL, now_us);
}

static void
path_ready(void *owner, struct rf_flow *flow, enum rf_err why)
{
    struct target *t = owner;
    uint64_t now_us = layer_now(t->m->l);

    if (flow == NULL) {
        if (t->status == 0)
            t->status = why == RF_ERR_AGAIN || why == RF_ERR_NOMEM ? 503 : 480;
        target_over(t, RF_HUNT_EV_NO_WAY, now_us);
        return;
    }
    t->flow = flow;
    (void)rf_hunt_feed(&t->hunt, RF_HUNT_EV_WAY);
    send_to(t, now_us);
}

/* --- answers --- */

/* 401, 407: with the name and password of the connection; once, and once more when the nonce was too old. */
static bool
sign_in_there(struct target *t, const struct rf_sip_msg *msg)
{
    struct rf_call_env *env = &t->m->l->env.call;
    bool is_proxy = msg->status == 407;
    const struct rf_sip_field *f;
    char text[1536];
    size_t i = 0;

    if ((msg->status != 401 && !is_proxy) || t->connection[0] == '\0' || env->answer_challenge == NULL ||
        t->challenges >= CHALLENGES_MAX)
        return false;
    while ((f = rf_sip_field_next(msg, is_proxy ? RF_HDR_PROXY_AUTHENTICATE : RF_HDR_WWW_AUTHENTICATE, &i)) != NULL) {
        struct rf_buf b = rf_buf(text, sizeof text - 1);
        struct rf_digest_challenge ch;

        if (rf_digest_challenge_parse(f->value, &ch) != RF_OK || (t->challenges > 0 && !ch.is_stale))
            continue;
        rf_putf(&b, "%s: ", is_proxy ? "Proxy-Authorization" : "Authorization");
        if (env->answer_challenge(env->ctx, t->connection, &ch, RF_SPAN_LIT("MESSAGE"), rf_span_str(t->dialog.target),
                                  &b) != RF_OK)
            continue;
        rf_put_str(&b, "\r\n");
        if (rf_buf_done(&b) != RF_OK)
            continue;
        target_forget_credentials(t);
        t->credentials = rf_span_dup(rf_buf_span(&b));
        rf_wipe(text, sizeof text);
        t->challenges++;
        return t->credentials != NULL;
    }
    return false;
}

static void
answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct target *t = owner;
    struct rf_sip_retry_after r;

    if (msg->status < 200) {
        (void)rf_hunt_feed(&t->hunt, RF_HUNT_EV_1XX);
        return;
    }
    rf_client_txn_disown(txn);
    t->txn = NULL;
    if (msg->status < 300) {
        (void)rf_hunt_feed(&t->hunt, RF_HUNT_EV_2XX);
        t->status = msg->status;
        if (t->m->txn != NULL)
            message_reply(t->m, msg->status == 202 ? 202 : 200, now_us);
        close_target(t);
        message_settle(t->m, now_us);
        return;
    }
    if (sign_in_there(t, msg)) {
        (void)rf_hunt_feed(&t->hunt, RF_HUNT_EV_AGAIN);
        send_to(t, now_us);
        return;
    }
    t->status = msg->status;
    if (msg->status == 503 && rf_sip_retry_after_parse(rf_sip_value(msg, RF_HDR_RETRY_AFTER), &r) == RF_OK)
        t->retry_after_s = r.seconds;
    target_over(t, rf_hunt_event_of(msg->status), now_us);
}

static void
failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct target *t = owner;

    rf_client_txn_disown(txn);
    t->txn = NULL;
    t->status = why == RF_ERR_CLOSED ? 480 : 408;
    target_over(t, why == RF_ERR_CLOSED ? RF_HUNT_EV_LOST : RF_HUNT_EV_TIMEOUT, now_us);
}

static void
ended(void *owner, struct rf_client_txn *txn)
{
    struct target *t = owner;

    if (t->txn == txn)
        t->txn = NULL;
}

static const struct rf_client_txn_events events = { answered, failed, ended };

void
target_set_out(struct target *t)
{
    rf_hunt_begin(&t->hunt, t->connection[0] != '\0' ? (unsigned)(t->m->places - t->m->place_next) : 0);
    if (path_begin(t))
        seek(t, false);
    else {
        t->status = 503;
        close_target(t);
    }
}
