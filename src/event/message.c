/*
 * event/message.c - text messages: MESSAGE to all phones of a user, or over a connection (RFC 3428)
 *
 * Like a call it is asked for at one side and made anew at the other: no header of the sender's goes on but those that
 * say what the body is. It goes to all phones that the dial plan names, and is answered 200 when the first of them has
 * it; over connections it goes to one after the other until one takes it. Nothing is kept for later: whoever is not
 * there is not reached, and the sender learns so. Forwarding and do-not-disturb are about calls.
 *
 * A body is at most sip.message-max; a request that does not fit a datagram goes by TCP or TLS or not at all, because
 * nothing slows a sender of datagrams down (RFC 3428 8).
 */
#include <stdlib.h>

#include "event/layer.h"
#include "route/hunt.h"

#define HEADERS_MAX 2048 /* of those that describe the body */
#define PLACES_MAX RF_PLAN_PLACES_MAX
#define CHALLENGES_MAX 2 /* the first, and one more when the nonce was too old */

/* One phone, device, or the connections of a route. */
struct target {
    struct message *m;
    char user[64];                           /* whose phone; of a connection: the number */
    char connection[RF_CONNECTION_NAME_MAX]; /* empty: none */
    char device[64];                         /* a block dn; empty: none */
    struct rf_binding binding;
    struct rf_dialog dialog; /* Call-ID, From, To: there is no dialog (RFC 3428 4) */
    struct rf_hunt hunt;
    struct rf_path *path;
    struct rf_flow *flow;
    struct rf_client_txn *txn;
    bool is_large, is_over;
    uint8_t challenges;
    char *credentials; /* wiped */
    uint32_t retry_after_s;
    int status; /* of the last answer, or ours for it */
};

struct place {
    char connection[RF_CONNECTION_NAME_MAX];
    char number[RF_NUMBER_MAX];
};

struct message {
    struct rf_event_layer *l;
    struct rf_link link;
    struct rf_server_txn *txn; /* NULL: answered, or over */
    struct rf_call_party from;
    char from_connection[RF_CONNECTION_NAME_MAX];
    char *call_id; /* of the request: whose worker ours must belong to */
    uint8_t max_forwards;
    struct rf_call_trail trail;
    bool is_circle; /* a connection was passed over because it came back from there */
    char *headers, *body;
    size_t headers_n, body_n;
    struct place place[PLACES_MAX]; /* connections, for the one target that has them */
    size_t places, place_next;
    struct target *target[ATTEMPTS_MAX];
    size_t targets;
    unsigned busy; /* a list is walked: nothing is freed */
};

static void target_over(struct target *t, enum rf_hunt_event e, uint64_t now_us);
static void path_ready(void *owner, struct rf_flow *flow, enum rf_err why);

/* --- life --- */

static void
forget_credentials(struct target *t)
{
    if (t->credentials != NULL)
        rf_wipe(t->credentials, strlen(t->credentials));
    free(t->credentials);
    t->credentials = NULL;
}

static void
target_free(struct target *t)
{
    struct rf_call_env *env = &t->m->l->env.call;

    if (t->txn != NULL)
        rf_client_txn_disown(t->txn);
    if (t->path != NULL)
        env->path_end(env->ctx, t->path);
    rf_flow_unref(t->flow);
    rf_dialog_fini(&t->dialog);
    forget_credentials(t);
    free(t);
}

static void
message_free(struct message *m)
{
    if (m->txn != NULL)
        rf_server_txn_own(m->txn, NULL, NULL);
    for (size_t i = 0; i < m->targets; i++)
        target_free(m->target[i]);
    rf_list_remove(&m->link);
    m->l->message_count--;
    free(m->call_id);
    free(m->headers);
    free(m->body);
    free(m);
}

void
messages_free(struct rf_event_layer *l)
{
    if (l->messages.next != NULL)
        RF_LIST_FOREACH (&l->messages, it)
            message_free(rf_container(it, struct message, link));
}

static void
txn_ended(void *owner)
{
    ((struct message *)owner)->txn = NULL;
}

static const struct rf_server_txn_events txn_events = { .ended = txn_ended };

static struct target *
target_new(struct message *m, const char *user)
{
    struct target *t = m->targets < ATTEMPTS_MAX ? calloc(1, sizeof *t) : NULL;

    if (t == NULL)
        return NULL;
    t->m = m;
    snprintf(t->user, sizeof t->user, "%s", user);
    m->target[m->targets++] = t;
    return t;
}

/* --- to whom --- */

static const struct rf_call_routing *
routing(struct rf_event_layer *l)
{
    return l->env.call.routing != NULL ? l->env.call.routing(l->env.call.ctx) : NULL;
}

static bool
find_user(struct message *m, const char *name, enum rf_refusal *why)
{
    struct rf_call_env *env = &m->l->env.call;
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    struct rf_call_user user;
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    size_t n = 0, before = m->targets;

    if (!env->user(env->ctx, rf_span_str(name), &user))
        return false;
    rf_wipe(&user.auth, sizeof user.auth);
    *why = RF_REFUSE_NOT_REGISTERED;
    rf_call_put_aor(&b, rf_span_str(name), layer_domain(m->l));
    if (rf_buf_done(&b) == RF_OK)
        n = rf_location_find(env->location, rf_buf_span(&b), env->wall_s(env->ctx), binding, RF_BINDINGS_PER_AOR);
    for (size_t i = 0; i < n; i++) {
        struct target *t;

        if (user.require_tls && !rf_transport_is_secure(binding[i].transport))
            continue;
        t = target_new(m, name);
        if (t == NULL)
            break;
        t->binding = binding[i];
    }
    return m->targets > before;
}

static bool
find_device(struct message *m, const struct rf_call_routing *r, const char *name)
{
    struct rf_binding binding;
    struct target *t;

    if (!rf_call_device_binding(r, rf_span_str(name), &binding) || (t = target_new(m, name)) == NULL)
        return false;
    t->binding = binding;
    snprintf(t->device, sizeof t->device, "%s", name);
    return true;
}

/* The next connection of the route; false: there is none left. */
static bool
take_place(struct target *t)
{
    struct message *m = t->m;

    while (m->place_next < m->places) {
        const struct place *p = &m->place[m->place_next++];
        const struct rf_call_routing *r = routing(m->l);
        const struct rf_connection *k = r != NULL ? rf_connection_named(r->connections, rf_span_str(p->connection))
                                                  : NULL;

        if (k != NULL && rf_call_trail_is_circle(&m->l->env.call, &m->trail, k->name, p->number)) {
            m->is_circle = true;
            continue;
        }
        if (k == NULL || rf_call_binding_of(m->l->env.calls, k, p->number, &t->binding) != RF_REFUSE_NONE)
            continue;
        rf_dialog_fini(&t->dialog);
        t->dialog = (struct rf_dialog){ 0 };
        forget_credentials(t);
        t->challenges = 0;
        t->is_large = false;
        snprintf(t->user, sizeof t->user, "%s", p->number);
        snprintf(t->connection, sizeof t->connection, "%s", p->connection);
        return true;
    }
    return false;
}

static void
add_place(struct message *m, const struct rf_place *p)
{
    struct place *place = &m->place[m->places];

    if (!p->connection->takes_messages)
        return;
    snprintf(place->connection, sizeof place->connection, "%s", p->name);
    snprintf(place->number, sizeof place->number, "%s", p->number);
    m->places++;
}

static bool
find_targets(struct message *m, enum rf_refusal *why)
{
    struct rf_event_layer *l = m->l;
    const struct rf_call_routing *r = routing(l);
    struct rf_plan_question q = { .user = m->from.user,
                                  .connection = m->from.connection,
                                  .number = rf_span_str(m->from.dialled),
                                  .is_up = rf_board_is_up,
                                  .ctx = l->env.call.board };
    struct rf_plan *plan;

    *why = RF_REFUSE_NOT_FOUND;
    if (r == NULL)
        return find_user(m, m->from.dialled, why);
    plan = malloc(sizeof *plan);
    if (plan == NULL)
        return false;
    q.conf = r->conf;
    q.connections = r->connections;
    rf_plan_make(&q, plan);
    *why = plan->refusal;
    for (size_t i = 0; i < plan->count; i++) {
        const struct rf_place *p = &plan->place[i];

        if (p->kind == RF_PLACE_CONNECTION)
            add_place(m, p);
        else if (p->kind == RF_PLACE_DEVICE || !find_user(m, p->name, why))
            (void)find_device(m, r, p->name);
    }
    free(plan);
    if (m->places > 0) {
        struct target *t = target_new(m, "");

        if (t != NULL && !take_place(t)) {
            m->targets--;
            target_free(t);
        }
    }
    if (m->targets == 0 && m->is_circle)
        *why = RF_REFUSE_CALL_LOOP;
    return m->targets > 0;
}

/* --- what goes out --- */

static const struct rf_connection *
connection_of(const struct target *t)
{
    const struct rf_call_routing *r = routing(t->m->l);

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

/* --- the end of it --- */

/* Challenges and redirections are between us and the phone; a 503 would say that we are out of service. */
static int
outward(int status)
{
    if (status < 400 || status == 401 || status == 407 || status == 481)
        return 480;
    return status == 503 ? 500 : status;
}

/* RFC 3261 16.7 step 6; lower is better. */
static int
rank(int status)
{
    return status >= 600 ? 0 : status == 408 ? 3 : status < 500 ? 1 : 2;
}

static void
too_large(struct message *m, uint64_t now_us)
{
    struct rf_server_txn *txn = m->txn;

    m->txn = NULL;
    rf_server_txn_own(txn, NULL, NULL);
    rf_call_message_too_large(m->l->env.calls, txn, m->from.user, m->body_n,
                              "the other side is reached by UDP alone", now_us);
}

static void
say(const struct message *m, int status)
{
    RF_LOGF(RF_LOG_INFO, "message.done", status < 300 ? "a text message arrived" : "a text message did not arrive",
            RF_F_STR("from", m->from.user), RF_F_STR("to", m->from.dialled), RF_F_U64("octets", m->body_n),
            RF_F_I64("status", status));
}

static void
reply(struct message *m, int status, uint64_t now_us)
{
    struct rf_server_txn *txn = m->txn;

    say(m, status);
    m->txn = NULL;
    if (txn == NULL)
        return;
    rf_server_txn_own(txn, NULL, NULL);
    rf_server_txn_reply(txn, status, NULL, rf_span(NULL, 0), now_us);
}

/* All of them are over? Then so is the message. */
static void
settle(struct message *m, uint64_t now_us)
{
    int best = 0;
    bool arrived = false;

    if (m->busy > 0)
        return;
    for (size_t i = 0; i < m->targets; i++) {
        const struct target *t = m->target[i];

        if (!t->is_over)
            return;
        arrived = arrived || (t->status >= 200 && t->status < 300);
        if (best == 0 || rank(t->status) < rank(best))
            best = t->status;
    }
    if (m->txn != NULL && !arrived && best == 513)
        too_large(m, now_us);
    else if (m->txn != NULL && !arrived)
        reply(m, outward(best), now_us);
    message_free(m);
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
        while (take_place(t))
            if (path_begin(t)) {
                seek(t, false);
                return;
            }
        t->hunt.state = RF_HUNT_OVER;
    }
    close_target(t);
    settle(m, now_us);
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
        forget_credentials(t);
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
            reply(t->m, msg->status == 202 ? 202 : 200, now_us);
        close_target(t);
        settle(t->m, now_us);
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

/* --- the request --- */

enum rf_refusal
rf_event_judge_message(struct rf_event_board *b, const struct rf_event_settings *s, const char *who, size_t octets,
                       uint64_t now_us)
{
    if (octets > s->message_max)
        return RF_REFUSE_MESSAGE_TOO_LARGE;
    return rf_event_board_rate(b, who, s->messages_per_minute, now_us) ? RF_REFUSE_NONE : RF_REFUSE_OVERLOAD;
}

static void
overload(struct rf_event_layer *l, struct rf_server_txn *txn, const char *who, const char *what, uint64_t now_us)
{
    rf_call_refuse_request(
        l->env.calls, txn, RF_REFUSE_OVERLOAD, 0, who,
        (const struct rf_log_field[]){ RF_F_STR("what", what), RF_F_STR("who", who), RF_F_STR("seconds", "5"), { 0 } },
        now_us);
}

/* false: answered. */
static bool
check(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
      const struct rf_call_party *from, uint64_t now_us)
{
    const char *who = from->connection != NULL ? from->connection->name : from->user;

    if (from->connection != NULL && !from->connection->takes_messages) {
        rf_call_forbid_message(l->env.calls, txn, from->connection->name, now_us);
        return false;
    }
    if (msg->body.n > 0 && rf_sip_value(msg, RF_HDR_CONTENT_TYPE).p == NULL) {
        rf_server_txn_reply(txn, 400, "No Content-Type", rf_span(NULL, 0), now_us);
        return false;
    }
    if (!rf_call_message_may(l->env.calls, txn, who, msg->body.n, now_us))
        return false;
    if (l->message_count >= MESSAGES_MAX) {
        overload(l, txn, who, "the number of text messages under way", now_us);
        return false;
    }
    return true;
}

static struct message *
message_new(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
            const struct rf_call_party *from)
{
    static const enum rf_sip_header about[] = {
        RF_HDR_CONTENT_TYPE, RF_HDR_CONTENT_ENCODING, RF_HDR_CONTENT_DISPOSITION,
        RF_HDR_MIME_VERSION, RF_HDR_SUBJECT,          RF_HDR_DATE
    };
    struct message *m = calloc(1, sizeof *m);
    char text[HEADERS_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (m == NULL)
        return NULL;
    m->l = l;
    m->from = *from;
    if (from->connection != NULL)
        snprintf(m->from_connection, sizeof m->from_connection, "%s", from->connection->name);
    m->max_forwards = msg->max_forwards;
    rf_call_trail_read(&l->env.call, msg, &m->trail);
    rf_list_append(&l->messages, &m->link);
    l->message_count++;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        rf_sip_put_copy(&b, msg, about[i]);
    m->call_id = rf_span_dup(msg->call_id);
    m->headers = rf_span_dup(rf_buf_span(&b));
    m->headers_n = b.n;
    m->body = malloc(msg->body.n + 1);
    m->body_n = msg->body.n;
    if (rf_buf_done(&b) != RF_OK || m->call_id == NULL || m->headers == NULL || m->body == NULL) {
        message_free(m);
        return NULL;
    }
    if (msg->body.n > 0)
        memcpy(m->body, msg->body.p, msg->body.n);
    m->txn = txn;
    rf_server_txn_own(txn, &txn_events, m);
    return m;
}

void
message_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_call_party from;
    enum rf_refusal why;
    struct message *m;

    if (!rf_call_party_of(l->env.calls, txn, msg, &from, now_us) || !check(l, txn, msg, &from, now_us))
        return;
    m = message_new(l, txn, msg, &from);
    if (m == NULL) {
        rf_server_txn_reply(txn, 503, NULL, RF_SPAN_LIT("Retry-After: 5\r\n"), now_us);
        return;
    }
    if (from.dialled[0] == '\0' || !find_targets(m, &why)) {
        why = from.dialled[0] == '\0' ? RF_REFUSE_NOT_FOUND : why;
        m->txn = NULL;
        rf_server_txn_own(txn, NULL, NULL);
        rf_call_refuse_request(
            l->env.calls, txn, why, 0, from.user,
            (const struct rf_log_field[]){
                RF_F_STR("number", from.dialled), RF_F_STR("user", from.dialled),
                RF_F_STR("who", from.connection != NULL ? from.connection->name : from.user), { 0 } },
            now_us);
        message_free(m);
        return;
    }
    m->from.connection = NULL; /* of the configuration, which may change while it is under way */
    m->busy++;
    for (size_t i = 0; i < m->targets; i++) {
        struct target *t = m->target[i];

        rf_hunt_begin(&t->hunt, t->connection[0] != '\0' ? (unsigned)(m->places - m->place_next) : 0);
        if (path_begin(t))
            seek(t, false);
        else {
            t->status = 503;
            close_target(t);
        }
    }
    m->busy--;
    settle(m, now_us);
}
