/*
 * call/connection.c - calls by SIP connections: who calls, what is shown of whom, and the places of a route
 *
 * What crosses the border to another company is made here and nowhere else (RFC 3323, RFC 3325): nothing of the other
 * leg's message is copied. A number that its owner hides goes only to connections whose trust-identity is on, in
 * P-Asserted-Identity, and From is anonymous. What an untrusted connection asserts is dropped.
 */
#include <stdio.h>
#include <stdlib.h>

#include "call/layer.h"

#define ANONYMOUS "\"Anonymous\" <sip:anonymous@anonymous.invalid>"
#define CHALLENGES_MAX 2 /* the first, and one more when the nonce was too old */

static const struct rf_call_routing *
routing(struct rf_call_layer *l)
{
    return l->env.routing != NULL ? l->env.routing(l->env.ctx) : NULL;
}

const struct rf_connection *
connection_of(struct call *c, const char *name)
{
    const struct rf_call_routing *r = routing(c->l);

    return r != NULL && name[0] != '\0' ? rf_connection_named(r->connections, rf_span_str(name)) : NULL;
}

/* --- who calls? ---------------------------------------------------------------------------------------- */

static bool
user_of(const struct rf_sip_uri *uri, char out[static RF_NUMBER_MAX])
{
    char text[3 * RF_NUMBER_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_put_unescaped(&b, uri->user);
    return !b.overflow && b.n > 0 && rf_number_clean(rf_buf_span(&b), out) == RF_OK && out[0] != '\0';
}

/* RFC 3325 9.1: the first identity that has a number or name. */
static bool
asserted(const struct rf_sip_msg *msg, struct rf_sip_name_addr *out)
{
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_P_ASSERTED_IDENTITY);
    struct rf_span element;

    while (rf_sip_walk_next(&w, &element))
        if (rf_sip_name_addr_parse(element, out) == RF_OK && out->uri.scheme != RF_URI_OTHER && out->uri.user.n > 0)
            return true;
    return false;
}

static bool
asks_privacy(const struct rf_sip_msg *msg)
{
    struct rf_span value = rf_sip_value(msg, RF_HDR_PRIVACY);

    while (value.n > 0) {
        size_t n = rf_span_find(value, ';');
        struct rf_span word = rf_span_trim(rf_span_sub(value, 0, n));

        value = rf_span_sub(value, n + 1, value.n);
        if (rf_span_iis(word, "id") || rf_span_iis(word, "user") || rf_span_iis(word, "header"))
            return true;
    }
    return false;
}

static bool
is_anonymous(const struct rf_sip_uri *uri)
{
    return rf_span_iis(uri->host, "anonymous.invalid") || rf_span_iis(uri->user, "anonymous");
}

static void
take_caller(const struct rf_connection *k, const struct rf_sip_msg *msg, struct caller *out)
{
    struct rf_call_user *u = &out->user;
    const struct rf_sip_name_addr *id = &msg->from;
    struct rf_sip_name_addr pai;
    char said[RF_NUMBER_MAX];
    struct rf_buf display = rf_buf(u->display, sizeof u->display - 1);

    *u = (struct rf_call_user){ .srtp = k->in.srtp, .require_tls = k->requires_tls, .calls_max = k->calls_max };
    snprintf(u->srtp_setting, sizeof u->srtp_setting, "%s", k->in.srtp_setting);
    out->connection = k;
    out->is_private = asks_privacy(msg) || is_anonymous(&msg->from.uri);
    if (k->trusts_identity && asserted(msg, &pai))
        id = &pai;
    else if (is_anonymous(&msg->from.uri))
        id = NULL;
    if (id == NULL || !user_of(&id->uri, said) || rf_number_read(rf_span_str(said), k->country, u->name) != RF_OK)
        snprintf(u->name, sizeof u->name, "anonymous");
    if (id != NULL)
        rf_put_unquoted(&display, id->display);
    u->display[display.overflow ? 0 : display.n] = '\0';
}

static bool
leads_to(void *ctx, const struct rf_connection *c, const struct rf_addr *source)
{
    return rf_board_leads_to(ctx, c, source);
}

/* Once a source and minute: whoever forges its datagrams could fill the log. */
static void
say_ambiguous(struct rf_call_layer *l, const struct rf_flow *flow, const char *by)
{
    char host[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(host, sizeof host);
    const struct rf_log_field fields[] = {
        RF_F_STR("what", "a call"), RF_F_ADDR("who", &flow->remote),
        RF_F_STR("reason", strcmp(by, "certificate") == 0
                               ? "its certificate is that of several connections, and the number belongs to none of "
                                 "them, or to several"
                               : "several connections lead to this address, and the number belongs to none of them, or "
                                 "to several"),
        { 0 }
    };

    rf_put_host(&b, &flow->remote, false);
    if (l->env.refuse != NULL)
        l->env.refuse(l->env.ctx, RF_REFUSE_FORBIDDEN, rf_buf_span(&b), fields, rf_wheel_now_us(l->env.wheel));
    else
        rf_refuse(RF_REFUSE_FORBIDDEN, fields);
}

/* By address, registration or certificate; credentials come before all these (C1). */
static const struct rf_connection *
find(struct rf_call_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow, const char **by)
{
    const struct rf_call_routing *r = routing(l);
    char registered[RF_CONNECTION_NAME_MAX], dialled[RF_NUMBER_MAX];
    struct rf_connection_finding f;
    struct rf_connection_evidence e = { .source = &flow->remote, .leads_to = leads_to, .ctx = l->env.board };

    if (r == NULL)
        return NULL;
    e.conf = r->conf;
    if (l->env.board != NULL && rf_board_of_flow(l->env.board, flow->id, registered))
        e.registered = registered;
    e.proven = flow->proven;
    if (user_of(&msg->ruri, dialled))
        e.number = rf_span_str(dialled);
    rf_connection_find(r->connections, &e, &f);
    if (f.connection == NULL && f.candidates > 1)
        say_ambiguous(l, flow, f.by);
    *by = f.by;
    return f.connection;
}

static bool
has_credentials(const struct rf_sip_msg *msg)
{
    size_t i = 0;

    return rf_sip_field_next(msg, RF_HDR_PROXY_AUTHORIZATION, &i) != NULL;
}

/* (C0) It says that it is one of our users: that is for this user's password to prove, wherever it comes from. */
static bool
claims_user(struct rf_call_layer *l, const struct rf_sip_msg *msg, struct rf_flow *flow)
{
    char name[RF_NUMBER_MAX];
    struct rf_call_user user;
    bool found = user_of(&msg->from.uri, name) && call_host_is_ours(l, &msg->from.uri, flow) &&
                 l->env.user(l->env.ctx, rf_span_str(name), &user);

    if (found)
        rf_wipe(&user, sizeof user);
    return found;
}

bool
request_caller(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, struct caller *out,
               uint64_t now_us)
{
    const struct rf_connection *k;

    *out = (struct caller){ .sign_in = "" };
    if (l->passed != NULL && msg->method == RF_SIP_INVITE) {
        out->sign_in = l->passed->sign_in;
        out->is_private = asks_privacy(msg);
        if (l->env.user(l->env.ctx, rf_span_str(l->passed->user), &out->user)) {
            rf_wipe(&out->user.auth, sizeof out->user.auth);
            return true;
        }
        rf_server_txn_reply(txn, 403, NULL, (struct rf_span){ 0 }, now_us); /* a reload has removed it */
        return false;
    }
    if (!has_credentials(msg) && !claims_user(l, msg, rf_server_txn_flow(txn)) &&
        (k = find(l, msg, rf_server_txn_flow(txn), &out->sign_in)) != NULL) {
        take_caller(k, msg, out);
        return true;
    }
    if (!request_sign_in(l, txn, msg, &out->user, &k, &out->sign_in, now_us))
        return false;
    if (k != NULL)
        take_caller(k, msg, out);
    else
        out->is_private = asks_privacy(msg);
    return true;
}

void
caller_dialled(const struct caller *who, const struct rf_sip_msg *msg, char *out, size_t size)
{
    char number[RF_NUMBER_MAX];
    const struct rf_sip_uri *uri = &msg->ruri;

    /* What we registered as is our name there, not a number: the number stands in To then. */
    if (who->connection->is_customer && uri->user.n > 0 && rf_span_is(uri->user, who->connection->username) &&
        msg->to.uri.user.n > 0)
        uri = &msg->to.uri;
    snprintf(out, size, "%s", user_of(uri, number) ? number : "");
}

/* --- may it? ------------------------------------------------------------------------------------------- */

/* TEL-35: the connection wants TLS and this did not come by it. */
static bool
check_tls(struct call *c, const struct rf_connection *k, uint64_t now_us)
{
    char setting[160];
    bool by_way = k->in.has_transport && k->in.transport == RF_TLS;

    if (rf_transport_is_secure(c->a->transport) || !(k->requires_tls || by_way))
        return true;
    if (k->requires_tls)
        snprintf(setting, sizeof setting, "sip-connection.%s.require-tls off", k->name);
    else
        snprintf(setting, sizeof setting, "sip-connection.%s.%s.sip-transport-protocol auto", k->name,
                 k->is_customer ? "inbound" : "outbound");
    call_refuse(c, RF_REFUSE_CONNECTION_NEEDS_TLS, 0,
                (const struct rf_log_field[]){ RF_F_STR("who", k->name), RF_F_STR("setting", setting),
                                               RF_F_STR("transport", rf_transport_name(c->a->transport)),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
    return false;
}

/*
 * A call of ours that comes back as it left: its Call-ID and From tag are those of a leg B (RFC 3261 16.3 step 4 does the
 * same with a Via). Behind another B2BUA both are others: marker.c, and at last Max-Forwards, end that circle.
 */
static bool
check_loop(struct call *c, const struct rf_connection *k, const struct rf_sip_msg *msg, uint64_t now_us)
{
    const struct leg *other = leg_find(c->l, msg->call_id, msg->from_tag);

    if (other == NULL || other->call == c)
        return true;
    call_refuse(c, RF_REFUSE_CALL_LOOP, 0,
                (const struct rf_log_field[]){ RF_F_STR("number", c->called), RF_F_STR("who", k->name),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
    return false;
}

static bool
refuse_full(struct call *c, const char *what, uint64_t now_us)
{
    call_refuse(c, RF_REFUSE_OVERLOAD, 0,
                (const struct rf_log_field[]){ RF_F_STR("what", what), RF_F_STR("who", leg_who(c->a)),
                                               RF_F_STR("seconds", "5"), RF_F_STR("call", c->id), { 0 } },
                now_us);
    return false;
}

static bool
count(struct leg *leg, const struct rf_connection *k)
{
    struct rf_board *board = leg->call->l->env.board;

    if (board != NULL && rf_board_take(board, k->name, k->calls_max) != RF_OK)
        return false;
    leg->is_counted = board != NULL;
    return true;
}

void
leg_uncount(struct leg *leg)
{
    if (leg->is_counted)
        rf_board_drop(leg->call->l->env.board, leg->connection);
    leg->is_counted = false;
}

bool
check_connection(struct call *c, const struct caller *who, const struct rf_sip_msg *msg, uint64_t now_us)
{
    const struct rf_connection *k = who->connection;
    struct rf_call_env *env = &c->l->env;
    char what[160];

    if (!check_tls(c, k, now_us) || !check_loop(c, k, msg, now_us))
        return false;
    if (env->board != NULL && !rf_board_rate(env->board, k->name, k->calls_per_s, now_us)) {
        snprintf(what, sizeof what, "the number of new calls a second (sip-connection.%s.calls-per-second)", k->name);
        return refuse_full(c, what, now_us);
    }
    if (!count(c->a, k)) {
        snprintf(what, sizeof what, "the number of calls of this connection (sip-connection.%s.calls-max)", k->name);
        return refuse_full(c, what, now_us);
    }
    if (rf_quota_take(env->quota, (struct rf_span){ 0 }, UINT32_MAX, call_settings(c)->calls_max, &c->share) != RF_OK)
        return refuse_full(c, "the number of calls (calls-max)", now_us);
    return true;
}

/* --- places -------------------------------------------------------------------------------------------- */

enum rf_refusal
connection_registered(struct rf_call_layer *l, struct call *c, const struct rf_connection *k, struct rf_binding *out)
{
    struct rf_call_env *env = &l->env;
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    enum rf_refusal why = RF_REFUSE_NOT_REGISTERED;
    size_t n = 0;

    rf_call_put_aor(&b, rf_span_str(k->username), env->settings(env->ctx)->domain);
    if (rf_buf_done(&b) == RF_OK)
        n = rf_location_find(env->location, rf_buf_span(&b), env->wall_s(env->ctx), binding, RF_BINDINGS_PER_AOR);
    for (size_t i = 0; i < n; i++) {
        if (!rf_transport_is_secure(binding[i].transport) &&
            (k->requires_tls || (k->out.has_transport && k->out.transport == RF_TLS))) {
            why = RF_REFUSE_REGISTERED_IN_CLEAR;
            if (c != NULL)
                call_say(c, why,
                         (const struct rf_log_field[]){ RF_F_STR("who", k->name), RF_F_STR("call", c->id),
                                                        RF_F_STR("transport", rf_transport_name(binding[i].transport)),
                                                        { 0 } });
            continue;
        }
        *out = binding[i];
        return RF_REFUSE_NONE;
    }
    return why;
}

enum rf_refusal
connection_server(struct rf_call_layer *l, const struct rf_connection *k, const char *number, struct rf_binding *out)
{
    struct rf_buf b = rf_buf(out->contact, sizeof out->contact - 1);
    struct rf_board_row row;
    size_t scheme = k->uri[3] == 's' ? 5 : 4;

    memset(out, 0, sizeof *out);
    rf_put(&b, rf_span(k->uri, scheme));
    rf_put_escaped_user(&b, rf_span_str(number));
    rf_put_char(&b, '@');
    rf_put_str(&b, k->uri + scheme);
    out->contact[b.overflow ? 0 : b.n] = '\0';
    out->transport = k->out.has_transport ? k->out.transport : RF_UDP;
    /* Calls of a connection that we registered go out by the same flow. */
    if (k->registers && l->env.board != NULL && rf_board_look(l->env.board, k->name, &row) &&
        row.registration == RF_REGISTRATION_UP && row.flow_id != 0 && rf_transport_is_reliable(row.transport)) {
        out->flow_id = row.flow_id;
        out->transport = row.transport;
    }
    return b.overflow ? RF_REFUSE_NOT_FOUND : RF_REFUSE_NONE;
}

/* What the place before had is of no worth with this one. */
static void
forget_place(struct leg *leg)
{
    leg_uncount(leg);
    rf_hash_remove(&leg->call->l->legs, &leg->node);
    rf_dialog_fini(&leg->dialog);
    leg->dialog = (struct rf_dialog){ 0 };
    leg->connection[0] = '\0';
    leg->is_large = leg->is_registered = false;
    leg->sign_in = NULL;
    leg->instance[0] = '\0';
    leg->challenges = 0;
    leg->session_ask_s = call_settings(leg->call)->session_expires_s;
    if (leg->sent != NULL)
        rf_wipe(leg->sent, leg->sent_n);
    free(leg->sent);
    leg->sent = NULL;
    leg->sent_n = 0;
}

static enum rf_refusal
take_place(struct leg *leg, const struct leg_place *place)
{
    const struct rf_connection *k = connection_of(leg->call, place->connection);
    bool registers_here = k != NULL && k->type == RF_CONNECTION_CREDENTIAL && !k->is_customer;
    enum rf_refusal why;

    if (k == NULL)
        return RF_REFUSE_NOT_FOUND; /* a reload took it away */
    if (rf_call_trail_is_circle(&leg->call->l->env, &leg->call->trail, k->name, place->number))
        return RF_REFUSE_CALL_LOOP;
    snprintf(leg->user, sizeof leg->user, "%s", place->number);
    snprintf(leg->connection, sizeof leg->connection, "%s", k->name);
    snprintf(leg->setting, sizeof leg->setting, "%s", k->out.srtp_setting);
    leg->display[0] = '\0';
    leg->policy = k->out.srtp;
    leg->binding = calloc(1, sizeof *leg->binding);
    if (leg->binding == NULL)
        return RF_REFUSE_OVERLOAD;
    why = registers_here ? connection_registered(leg->call->l, leg->call, k, leg->binding)
                         : connection_server(leg->call->l, k, leg->user, leg->binding);
    if (why == RF_REFUSE_NONE && !count(leg, k))
        why = RF_REFUSE_OVERLOAD;
    if (why != RF_REFUSE_NONE) {
        free(leg->binding);
        leg->binding = NULL;
        return why;
    }
    leg->is_registered = registers_here;
    leg->sign_in = registers_here ? "registered" : NULL;
    leg->transport = leg->binding->transport;
    memcpy(leg->instance, leg->binding->instance, sizeof leg->instance);
    return RF_REFUSE_NONE;
}

bool
leg_take_place(struct leg *leg, uint64_t now_us)
{
    while (leg->place_next < leg->place_count) {
        const struct leg_place *place = &leg->places[leg->place_next++];
        enum rf_refusal why;

        forget_place(leg);
        leg->refusal = RF_REFUSE_NONE;
        why = take_place(leg, place);
        if (why == RF_REFUSE_NONE)
            return true;
        leg->status = why == RF_REFUSE_NOT_REGISTERED || why == RF_REFUSE_REGISTERED_IN_CLEAR ? 480
                      : why == RF_REFUSE_CALL_LOOP                                            ? 482
                                                                                              : 503;
        leg->refusal = why;
        ladder_add(leg->call, 1, true, "", 0, rf_refusal_row(why)->slug, now_us);
    }
    return false;
}

/* --- what is shown of whom ----------------------------------------------------------------------------- */

/* The number that a connection sees as the caller's. */
static const char *
shown_number(const struct leg *leg, const struct rf_connection *k, char out[static RF_NUMBER_MAX])
{
    const struct leg *a = leg->call->a;

    if (k->caller_id[0] != '\0')
        return k->caller_id;
    if (rf_number_write(rf_span_str(a->user), k->format, k->country, out) != RF_OK)
        return a->user;
    return out;
}

/* The name that this leg's peer sees. Those of our own users stay inside, unless the connection is trusted. */
static const char *
shown_name(const struct leg *leg, const struct rf_connection *k)
{
    const struct leg *a = leg->call->a;

    if (k == NULL)
        return a->display;
    if (k->caller_name[0] != '\0')
        return k->caller_name;
    return k->trusts_identity || (a->connection[0] != '\0' && !a->is_private) ? a->display : "";
}

static void
put_display(struct rf_buf *b, const char *display)
{
    if (display[0] == '\0')
        return;
    rf_put_quoted(b, rf_span_str(display));
    rf_put_char(b, ' ');
}

enum rf_err
leg_put_parties(struct leg *leg, struct rf_buf *from, struct rf_buf *to)
{
    const struct leg *a = leg->call->a;
    const struct rf_connection *k = connection_of(leg->call, leg->connection);
    const char *domain = call_settings(leg->call)->domain;
    char number[RF_NUMBER_MAX];

    if (a->is_private && !(k != NULL && k->caller_id[0] != '\0')) {
        rf_put_str(from, ANONYMOUS);
    } else {
        put_display(from, a->is_private && k->caller_name[0] == '\0' ? "" : shown_name(leg, k));
        rf_put_char(from, '<');
        rf_call_put_aor(from, rf_span_str(k != NULL ? shown_number(leg, k, number) : a->user), domain);
        rf_put_char(from, '>');
    }
    rf_put_char(to, '<');
    if (k != NULL && !leg->is_registered && k->host[0] != '\0') {
        bool is_v6 = strchr(k->host, ':') != NULL;

        rf_put_str(to, "sip:");
        rf_put_escaped_user(to, rf_span_str(leg->user));
        rf_putf(to, "@%s%s%s", is_v6 ? "[" : "", k->host, is_v6 ? "]" : "");
    } else {
        rf_call_put_aor(to, rf_span_str(leg->user), domain);
    }
    rf_put_char(to, '>');
    return from->overflow || to->overflow ? RF_ERR_RANGE : RF_OK;
}

void
leg_put_identity(struct leg *leg, struct rf_buf *extra)
{
    const struct leg *a = leg->call->a;
    const struct rf_connection *k = connection_of(leg->call, leg->connection);
    char number[RF_NUMBER_MAX];

    if (k == NULL)
        return;
    if (k->trusts_identity && strcmp(a->user, "anonymous") != 0) {
        rf_put_str(extra, "P-Asserted-Identity: ");
        put_display(extra, shown_name(leg, k));
        rf_put_char(extra, '<');
        rf_call_put_aor(extra, rf_span_str(shown_number(leg, k, number)), call_settings(leg->call)->domain);
        rf_put_str(extra, ">\r\n");
    }
    if (a->is_private)
        rf_put_str(extra, "Privacy: id\r\n");
    rf_call_trail_put(&leg->call->l->env, &leg->call->trail, k->name, leg->user, extra);
}

/* No name of one side is told to the other unless it is the caller's own number. */
struct rf_span
leg_contact_user(const struct leg *leg)
{
    const struct call *c = leg->call;

    if (leg == c->a)
        return rf_span_str(c->called);
    if (leg->connection[0] != '\0' || c->a->is_private)
        return (struct rf_span){ 0 };
    return rf_span_str(c->a->user);
}

/* --- we sign in there ---------------------------------------------------------------------------------- */

static void
wipe_line(char **line)
{
    if (*line != NULL)
        rf_wipe(*line, strlen(*line));
    free(*line);
    *line = NULL;
}

void
leg_credentials_drop(struct leg *leg)
{
    wipe_line(&leg->credentials);
    wipe_line(&leg->shown_credentials);
}

void
leg_credentials_sent(struct leg *leg, enum rf_sip_method method)
{
    if (method == RF_SIP_INVITE) {
        wipe_line(&leg->shown_credentials);
        leg->shown_credentials = leg->credentials;
        leg->credentials = NULL;
    } else {
        wipe_line(&leg->credentials);
    }
}

char *
call_credentials(struct rf_call_layer *l, const char *connection, const char *uri, const struct rf_sip_msg *msg,
                 uint8_t *answered)
{
    struct rf_call_env *env = &l->env;
    struct rf_span method = rf_span_str(rf_sip_method_name(msg->method));
    bool is_proxy = msg->status == 407;
    const struct rf_sip_field *f;
    char text[1536], *line;
    size_t i = 0;

    if ((msg->status != 401 && !is_proxy) || connection[0] == '\0' || env->answer_challenge == NULL ||
        *answered >= CHALLENGES_MAX)
        return NULL;
    while ((f = rf_sip_field_next(msg, is_proxy ? RF_HDR_PROXY_AUTHENTICATE : RF_HDR_WWW_AUTHENTICATE, &i)) != NULL) {
        struct rf_buf b = rf_buf(text, sizeof text - 1);
        struct rf_digest_challenge ch;

        if (rf_digest_challenge_parse(f->value, &ch) != RF_OK || (*answered > 0 && !ch.is_stale))
            continue;
        rf_putf(&b, "%s: ", is_proxy ? "Proxy-Authorization" : "Authorization");
        if (env->answer_challenge(env->ctx, connection, &ch, method, rf_span_str(uri), &b) != RF_OK)
            continue;
        rf_put_str(&b, "\r\n");
        if (rf_buf_done(&b) != RF_OK)
            continue;
        line = rf_span_dup(rf_buf_span(&b));
        rf_wipe(text, sizeof text);
        ++*answered;
        return line;
    }
    return NULL;
}

bool
leg_answers_challenge(struct leg *leg, const struct rf_sip_msg *msg, uint8_t *answered)
{
    char *line = call_credentials(leg->call->l, leg->connection, leg->dialog.target, msg, answered);

    if (line == NULL)
        return false;
    wipe_line(&leg->credentials);
    leg->credentials = line;
    return true;
}
