#include "main/keeper.h"

#include <stdlib.h>

#include "dialog/dialog.h"
#include "main/worker.h"
#include "route/search.h"
#include "sip/header.h"

#define NAMES_US        (10 * RF_S)
#define REFUSED_US      (300 * RF_S)
#define FAILED_FIRST_US (4 * RF_S)
#define FAILED_DOUBLES  6
#define CHALLENGES_MAX  2
#define FIRST_US        (300 * RF_MS) /* our own listeners are opened meanwhile */
#define SPREAD_MS       2000 /* connections of one configuration do not all begin in the same millisecond */

struct kept {
    struct rf_link link;
    struct rf_keeper *keeper;
    char name[RF_CONNECTION_NAME_MAX];
    char uri[300];               /* of its server, as it was when this began: another one is another server */
    bool is_there;               /* rf_keeper_take_site: in the new site */
    struct rf_binding to;
    /* REGISTER */
    struct rf_timer register_timer;
    struct rf_path *register_path;
    struct rf_client_txn *register_txn;
    struct rf_flow *flow;        /* by which we are registered; NULL: none */
    struct rf_flow_watch watch;
    char call_id[40], options_call_id[40], tag[20];
    uint32_t cseq;
    unsigned challenges, failures;
    char credentials[1536];
    /* OPTIONS */
    struct rf_timer options_timer;
    struct rf_path *options_path;
    struct rf_client_txn *options_txn;
    uint32_t options_cseq;
    /* names */
    struct rf_timer names_timer;
    struct rf_search *search;
    size_t address_count;
    struct rf_addr address[RF_BOARD_ADDRESSES_MAX];
};

struct rf_keeper {
    struct rf_worker *worker;
    struct rf_link all;
};

static void send_register(struct kept *e, struct rf_flow *flow, uint64_t now_us);
static void find_register_path(struct kept *e);

static struct rf_wheel *
wheel(const struct kept *e)
{
    return rf_loop_wheel(e->keeper->worker->loop);
}

static const struct rf_connection *
connection(const struct kept *e)
{
    return rf_connection_named(e->keeper->worker->site->connections, rf_span_str(e->name));
}

static struct rf_board *
board(const struct kept *e)
{
    return e->keeper->worker->shared->board;
}

/* --- a request outside of a dialog --------------------------------------------------------------------- */

/* From, To, Call-ID and the rest; the body is none. */
static enum rf_err
put_request(struct kept *e, const char *method, uint32_t cseq, struct rf_flow *flow, const char *branch,
            struct rf_buf *b)
{
    const struct rf_connection *c = connection(e);
    struct rf_worker *w = e->keeper->worker;
    bool is_v6 = strchr(c->host, ':') != NULL;
    struct rf_addr ours, media;
    struct rf_hop hop = { flow->transport, &ours };
    const char *user = c->username[0] != '\0' ? c->username : "ringfence";
    struct rf_call_env env;

    rf_worker_call_env(w, &env);
    env.our_address(w, flow, &ours, &media);
    rf_sip_put_request(b, method, rf_span_str(c->uri));
    rf_put_via(b, &hop, branch);
    rf_put_str(b, "Max-Forwards: 70\r\nFrom: <sip:");
    rf_put_escaped_user(b, rf_span_str(user));
    rf_putf(b, "@%s%s%s>;tag=%s\r\nTo: <sip:", is_v6 ? "[" : "", c->host, is_v6 ? "]" : "", e->tag);
    rf_put_escaped_user(b, rf_span_str(user));
    rf_putf(b, "@%s%s%s>\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", is_v6 ? "[" : "", c->host, is_v6 ? "]" : "",
            method[0] == 'O' ? e->options_call_id : e->call_id, (unsigned)cseq, method);
    rf_put_contact(b, &hop, rf_span_str(c->username));
    rf_putf(b, "User-Agent: %s\r\n", w->site->call.server);
    return b->overflow ? RF_ERR_RANGE : RF_OK;
}

/* --- REGISTER ------------------------------------------------------------------------------------------ */

static void
drop_flow(struct kept *e)
{
    rf_flow_unwatch(&e->watch);
    rf_flow_unref(e->flow);
    e->flow = NULL;
}

static void
drop_register(struct kept *e)
{
    if (e->register_txn != NULL)
        rf_client_txn_disown(e->register_txn);
    e->register_txn = NULL;
    rf_path_free(e->register_path);
    e->register_path = NULL;
}

static void
register_later(struct kept *e, uint64_t us, uint64_t now_us)
{
    rf_timer_arm(wheel(e), &e->register_timer, now_us + us);
}

static void
register_failed(struct kept *e, enum rf_registration state, int status, const char *reason, uint64_t now_us)
{
    char text[160];
    uint64_t wait = REFUSED_US;

    drop_register(e);
    drop_flow(e);
    if (state == RF_REGISTRATION_FAILED)
        wait = FAILED_FIRST_US << (e->failures < FAILED_DOUBLES ? e->failures : FAILED_DOUBLES);
    e->failures++;
    rf_board_set_registration(board(e), e->name, state, status, 0, RF_UDP, 0);
    if (status != 0)
        snprintf(text, sizeof text, "%d %s", status, reason);
    else
        snprintf(text, sizeof text, "%s", reason);
    rf_fold_refuse(e->keeper->worker->shared->fold, RF_REFUSE_REGISTER_REFUSED, rf_span_str(e->name),
                   (struct rf_log_field[]){ RF_F_STR("peer", e->name), RF_F_STR("reason", text),
                                            RF_F_STR("connection", e->name), { 0 } },
                   now_us);
    register_later(e, wait, now_us);
}

/* The registration's connection is gone: its calls would have nowhere to come to. */
static void
flow_gone(struct rf_flow_watch *watch, uint64_t now_us)
{
    struct kept *e = rf_container(watch, struct kept, watch);

    rf_flow_unref(e->flow);
    e->flow = NULL;
    rf_board_set_registration(board(e), e->name, RF_REGISTRATION_TRYING, 0, 0, RF_UDP, 0);
    RF_LOGF(RF_LOG_WARN, "connection.lost", "the connection of our registration is gone; registering anew",
            RF_F_STR("connection", e->name));
    if (e->register_txn == NULL && e->register_path == NULL)
        register_later(e, FAILED_FIRST_US, now_us);
}

/* How long the registrar granted what we asked for: of our Contact, else of Expires (RFC 3261 10.2.4). */
static uint32_t
granted(const struct rf_sip_msg *msg, const struct rf_addr *ours, uint32_t asked)
{
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_CONTACT);
    struct rf_span element, value = rf_sip_value(msg, RF_HDR_EXPIRES);
    struct rf_sip_contact c;
    uint64_t seconds = asked;
    char host[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(host, sizeof host);

    rf_put_host(&b, ours, true);
    if (value.n > 0 && rf_span_u64(value, UINT32_MAX, &seconds) != RF_OK)
        seconds = asked;
    while (rf_sip_walk_next(&w, &element))
        if (rf_sip_contact_parse(element, &c) == RF_OK && !c.is_star && c.has_expires &&
            rf_span_ieq(c.addr.uri.host, rf_buf_span(&b)))
            seconds = c.expires;
    return seconds > asked ? asked : (uint32_t)seconds;
}

static void
registered(struct kept *e, const struct rf_sip_msg *msg, uint64_t now_us)
{
    const struct rf_connection *c = connection(e);
    struct rf_worker *w = e->keeper->worker;
    struct rf_addr ours, media;
    struct rf_call_env env;
    uint32_t seconds;

    rf_worker_call_env(w, &env);
    env.our_address(w, e->flow, &ours, &media);
    seconds = granted(msg, &ours, c->register_expires_s);
    if (seconds < 2) {
        register_failed(e, RF_REGISTRATION_FAILED, msg->status, "it was granted for no time", now_us);
        return;
    }
    if (e->failures > 0 || e->register_path != NULL)
        RF_LOGF(RF_LOG_INFO, "connection.registered", "we are registered", RF_F_STR("connection", e->name),
                RF_F_STR("transport", rf_transport_name(e->flow->transport)), RF_F_U64("seconds", seconds));
    e->failures = 0;
    drop_register(e);
    rf_board_set_registration(board(e), e->name, RF_REGISTRATION_UP, msg->status, e->flow->id, e->flow->transport,
                              rf_wall_s() + seconds);
    register_later(e, (uint64_t)seconds * RF_S / 2, now_us);
}

/* true: the request goes out again with credentials. */
static bool
answers_challenge(struct kept *e, const struct rf_sip_msg *msg)
{
    bool is_proxy = msg->status == 407;
    const struct rf_sip_field *f;
    const struct rf_connection *c = connection(e);
    struct rf_call_env env;
    size_t i = 0;

    rf_worker_call_env(e->keeper->worker, &env);
    if (e->challenges >= CHALLENGES_MAX)
        return false;
    while ((f = rf_sip_field_next(msg, is_proxy ? RF_HDR_PROXY_AUTHENTICATE : RF_HDR_WWW_AUTHENTICATE, &i)) != NULL) {
        struct rf_buf b = rf_buf(e->credentials, sizeof e->credentials - 1);
        struct rf_digest_challenge ch;

        if (rf_digest_challenge_parse(f->value, &ch) != RF_OK || (e->challenges > 0 && !ch.is_stale))
            continue;
        rf_putf(&b, "%s: ", is_proxy ? "Proxy-Authorization" : "Authorization");
        if (env.answer_challenge(env.ctx, e->name, &ch, RF_SPAN_LIT("REGISTER"), rf_span_str(c->uri), &b) != RF_OK)
            continue;
        rf_put_str(&b, "\r\n");
        e->credentials[b.overflow ? 0 : b.n] = '\0';
        e->challenges++;
        return !b.overflow;
    }
    return false;
}

static void
register_response(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct kept *e = owner;
    char reason[80];

    if (msg->status < 200)
        return;
    rf_client_txn_disown(txn);
    e->register_txn = NULL;
    if (connection(e) == NULL || e->flow == NULL)
        return; /* it is being taken away; or its connection went with this answer, and the timer runs */
    snprintf(reason, sizeof reason, "%.*s", (int)(msg->reason.n < 79 ? msg->reason.n : 79), msg->reason.p);
    if (msg->status < 300) {
        registered(e, msg, now_us);
        return;
    }
    if (msg->status == 401 || msg->status == 407) {
        if (answers_challenge(e, msg))
            send_register(e, e->flow, now_us);
        else
            register_failed(e, RF_REGISTRATION_REFUSED, msg->status, reason, now_us);
        return;
    }
    if (msg->status == 503 && e->register_path != NULL) {
        rf_path_aside(e->register_path, 0, now_us);
        drop_flow(e);
        rf_path_next(e->register_path, false);
        return;
    }
    register_failed(e, msg->status == 403 || msg->status == 404 ? RF_REGISTRATION_REFUSED : RF_REGISTRATION_FAILED,
                    msg->status, reason, now_us);
}

static void
register_unanswered(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    struct kept *e = owner;

    rf_client_txn_disown(txn);
    e->register_txn = NULL;
    if (connection(e) == NULL)
        return;
    drop_flow(e);
    if (e->register_path != NULL) {
        rf_path_aside(e->register_path, 0, now_us);
        rf_path_next(e->register_path, false);
        return;
    }
    find_register_path(e); /* the old way does not serve any more: all of them */
}

static const struct rf_client_txn_events register_events = { register_response, register_unanswered, NULL };

static void
send_register(struct kept *e, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_worker *w = e->keeper->worker;
    const struct rf_connection *c = connection(e);
    struct rf_buf b = rf_buf(w->out, sizeof w->out);
    char branch[49];
    enum rf_err err;

    rf_txn_branch(w->txn, branch);
    err = put_request(e, "REGISTER", ++e->cseq, flow, branch, &b);
    rf_putf(&b, "Expires: %u\r\nSupported: path\r\n%s", (unsigned)c->register_expires_s, e->credentials);
    rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
    rf_wipe(e->credentials, sizeof e->credentials);
    if (!err)
        err = rf_buf_done(&b);
    if (!err)
        err = rf_client_txn_new(&e->register_txn, w->txn, flow, RF_SIP_REGISTER, rf_span_str(branch), rf_buf_span(&b),
                                &register_events, e, now_us);
    if (err)
        register_failed(e, RF_REGISTRATION_FAILED, 0, rf_err_text(err), now_us);
}

static void
register_way(void *owner, struct rf_flow *flow, enum rf_err why)
{
    struct kept *e = owner;
    uint64_t now_us = rf_now_us();

    if (flow == NULL) {
        register_failed(e, RF_REGISTRATION_FAILED, 0, rf_err_text(why), now_us);
        return;
    }
    drop_flow(e);
    e->flow = flow; /* its reference is ours */
    e->watch.gone = flow_gone;
    rf_flow_watch(flow, &e->watch);
    e->challenges = 0;
    send_register(e, flow, now_us);
}

static void
find_register_path(struct kept *e)
{
    const struct rf_call_server server = { e->name, false };

    drop_register(e);
    e->register_path = rf_path_new(e->keeper->worker->paths, &e->to, &server, register_way, e);
    if (e->register_path != NULL)
        rf_path_next(e->register_path, false);
    else
        register_failed(e, RF_REGISTRATION_FAILED, 0, "out of memory", rf_now_us());
}

static void
register_due(struct rf_timer *t, uint64_t now_us)
{
    struct kept *e = rf_container(t, struct kept, register_timer);

    e->challenges = 0;
    if (e->flow != NULL && !e->flow->is_closed && e->register_txn == NULL)
        send_register(e, e->flow, now_us);
    else
        find_register_path(e);
}

/* --- OPTIONS ------------------------------------------------------------------------------------------- */

static void
drop_options(struct kept *e)
{
    if (e->options_txn != NULL)
        rf_client_txn_disown(e->options_txn);
    e->options_txn = NULL;
    rf_path_free(e->options_path);
    e->options_path = NULL;
}

/* Answered, or not until now. */
static void
note(struct kept *e, bool answered, uint64_t now_us)
{
    const struct rf_connection *c = connection(e);
    char seconds[16];

    if (c == NULL || !rf_board_heard(board(e), e->name, answered, (uint64_t)c->force_s * RF_S, now_us))
        return;
    snprintf(seconds, sizeof seconds, "%u", (unsigned)c->force_s);
    if (answered)
        RF_LOGF(RF_LOG_INFO, "connection.up", "the server answers", RF_F_STR("connection", e->name));
    else
        RF_REFUSE(PEER_DOWN, RF_F_STR("peer", e->name), RF_F_STR("seconds", seconds), RF_F_STR("connection", e->name));
}

static void
heard(struct kept *e, bool answered, uint64_t now_us)
{
    drop_options(e);
    note(e, answered, now_us);
}

static void
options_response(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    if (msg->status >= 200)
        heard(owner, msg->status != 408 && msg->status != 503, now_us);
}

static void
options_unanswered(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    heard(owner, false, now_us);
}

static const struct rf_client_txn_events options_events = { options_response, options_unanswered, NULL };

static void
options_way(void *owner, struct rf_flow *flow, enum rf_err why)
{
    struct kept *e = owner;
    struct rf_worker *w = e->keeper->worker;
    struct rf_buf b = rf_buf(w->out, sizeof w->out);
    uint64_t now_us = rf_now_us();
    char branch[49];
    enum rf_err err = flow != NULL ? RF_OK : why;

    if (!err) {
        rf_txn_branch(w->txn, branch);
        err = put_request(e, "OPTIONS", ++e->options_cseq, flow, branch, &b);
    }
    if (!err) {
        rf_put_str(&b, "Accept: application/sdp\r\n");
        rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
        err = rf_buf_done(&b);
    }
    if (!err)
        err = rf_client_txn_new(&e->options_txn, w->txn, flow, RF_SIP_OPTIONS, rf_span_str(branch), rf_buf_span(&b),
                                &options_events, e, now_us);
    rf_flow_unref(flow);
    if (err)
        heard(e, false, now_us);
}

static void
options_due(struct rf_timer *t, uint64_t now_us)
{
    struct kept *e = rf_container(t, struct kept, options_timer);
    const struct rf_call_server server = { e->name, false };
    const struct rf_connection *c = connection(e);

    rf_timer_arm(wheel(e), t, now_us + (uint64_t)c->check_s * RF_S);
    if (e->options_txn != NULL || e->options_path != NULL) { /* the one before still waits, until its timer F */
        note(e, false, now_us);
        return;
    }
    rf_board_asked(board(e), e->name, now_us);
    e->options_path = rf_path_new(e->keeper->worker->paths, &e->to, &server, options_way, e);
    if (e->options_path != NULL)
        rf_path_next(e->options_path, false);
}

/* --- names --------------------------------------------------------------------------------------------- */

static void
drop_search(struct kept *e)
{
    if (e->search != NULL)
        rf_search_end(e->search);
    free(e->search);
    e->search = NULL;
}

static void
names_on(struct kept *e, uint64_t now_us)
{
    struct rf_target t;
    enum rf_err err;
    bool is_whole;

    while ((err = rf_search_next(e->search, &t, now_us)) == RF_OK) {
        bool is_known = false;

        for (size_t i = 0; i < e->address_count; i++)
            is_known = is_known || rf_addr_same_host(&e->address[i], &t.addr);
        if (!is_known && e->address_count < RF_BOARD_ADDRESSES_MAX)
            e->address[e->address_count++] = t.addr;
    }
    if (err == RF_ERR_AGAIN)
        return;
    is_whole = err == RF_ERR_NOT_FOUND && !e->search->resolve.had_failure;
    drop_search(e);
    if (is_whole)
        rf_board_set_addresses(board(e), e->name, e->address, e->address_count);
    if (is_whole && e->address_count == 0)
        rf_fold_refuse(e->keeper->worker->shared->fold, RF_REFUSE_SERVER_NOT_RESOLVING, rf_span_str(e->name),
                       (struct rf_log_field[]){ RF_F_STR("name", e->uri), RF_F_STR("connection", e->name),
                                                RF_F_STR("setting", "sip-connection.*.server"), { 0 } },
                       now_us);
}

static void
names_ready(struct rf_search *search, uint64_t now_us)
{
    names_on(search->owner, now_us);
}

static void
names_due(struct rf_timer *t, uint64_t now_us)
{
    struct kept *e = rf_container(t, struct kept, names_timer);
    struct rf_sip_uri uri;

    rf_timer_arm(wheel(e), t, now_us + NAMES_US);
    if (e->search != NULL || rf_sip_uri_parse(rf_span_str(e->uri), &uri) != RF_OK)
        return;
    e->search = calloc(1, sizeof *e->search);
    if (e->search == NULL)
        return;
    if (rf_paths_search(e->keeper->worker->paths, e->search, &uri) != RF_OK) {
        drop_search(e);
        return;
    }
    e->address_count = 0;
    e->search->ready = names_ready;
    e->search->owner = e;
    names_on(e, now_us);
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void
kept_free(struct kept *e)
{
    struct rf_wheel *wh = wheel(e);

    rf_timer_cancel(wh, &e->register_timer);
    rf_timer_cancel(wh, &e->options_timer);
    rf_timer_cancel(wh, &e->names_timer);
    drop_register(e);
    drop_options(e);
    drop_search(e);
    drop_flow(e);
    rf_list_remove(&e->link);
    rf_wipe(e->credentials, sizeof e->credentials);
    free(e);
}

/* A Call-ID whose responses come to this worker (rf_call_owner). */
static void
own_call_id(const struct kept *e, char out[static 40])
{
    const struct rf_worker *w = e->keeper->worker;
    uint8_t octets[16];

    do {
        struct rf_buf b = rf_buf(out, 39);

        rf_rand_fill(&rf_rand_system, octets, sizeof octets);
        rf_put_hex(&b, octets, sizeof octets);
        out[b.n] = '\0';
    } while (rf_call_owner(&w->shared->owner_key, rf_span_str(out), (uint16_t)w->shared->workers) != w->index);
}

static bool
has_work(const struct rf_connection *c)
{
    return c->uri[0] != '\0' && (c->registers || c->check_s > 0 || c->type == RF_CONNECTION_FQDN || c->is_customer);
}

static void
begin(struct rf_keeper *k, const struct rf_connection *c)
{
    struct kept *e = calloc(1, sizeof *e);
    uint64_t now_us = rf_now_us(), spread;
    uint8_t octets[8];
    struct rf_buf b;
    struct rf_addr literal;

    if (e == NULL)
        return; /* the next reload tries again */
    e->keeper = k;
    e->is_there = true;
    snprintf(e->name, sizeof e->name, "%s", c->name);
    snprintf(e->uri, sizeof e->uri, "%s", c->uri);
    snprintf(e->to.contact, sizeof e->to.contact, "%s", c->uri);
    e->to.transport = c->out.has_transport ? c->out.transport : RF_UDP;
    own_call_id(e, e->call_id);
    own_call_id(e, e->options_call_id);
    rf_rand_fill(&rf_rand_system, octets, sizeof octets);
    b = rf_buf(e->tag, sizeof e->tag - 1);
    rf_put_hex(&b, octets, sizeof octets);
    e->register_timer.fire = register_due;
    e->options_timer.fire = options_due;
    e->names_timer.fire = names_due;
    rf_list_append(&k->all, &e->link);
    spread = rf_rand_u64(&rf_rand_system) % SPREAD_MS * RF_MS;
    if (c->registers) {
        rf_board_set_registration(board(e), e->name, RF_REGISTRATION_TRYING, 0, 0, RF_UDP, 0);
        register_later(e, FIRST_US + spread / 8, now_us);
    }
    if (c->check_s > 0)
        rf_timer_arm(wheel(e), &e->options_timer, now_us + FIRST_US + spread);
    if ((c->type == RF_CONNECTION_FQDN || c->is_customer) && rf_addr_parse(rf_span_str(c->host), 0, &literal) != RF_OK)
        rf_timer_arm(wheel(e), &e->names_timer, now_us);
}

void
rf_keeper_take_site(struct rf_keeper *k)
{
    const struct rf_connections *t = k->worker->site->connections;

    RF_LIST_FOREACH(&k->all, it)
        rf_container(it, struct kept, link)->is_there = false;
    for (size_t i = 0; i < rf_connections_count(t); i++) {
        const struct rf_connection *c = rf_connection_at(t, i);
        bool is_kept = false;

        if (i % k->worker->shared->workers != k->worker->index || !has_work(c))
            continue;
        RF_LIST_FOREACH(&k->all, it) {
            struct kept *e = rf_container(it, struct kept, link);

            if (strcmp(e->name, c->name) == 0 && strcmp(e->uri, c->uri) == 0 &&
                c->registers ==
                    (rf_timer_is_armed(&e->register_timer) || e->register_path != NULL || e->register_txn != NULL) &&
                (c->check_s > 0) == rf_timer_is_armed(&e->options_timer))
                is_kept = e->is_there = true;
        }
        if (!is_kept)
            begin(k, c);
    }
    RF_LIST_FOREACH(&k->all, it) {
        struct kept *e = rf_container(it, struct kept, link);

        if (!e->is_there)
            kept_free(e);
    }
}

enum rf_err
rf_keeper_new(struct rf_keeper **out, struct rf_worker *w)
{
    struct rf_keeper *k = calloc(1, sizeof *k);

    if (k == NULL)
        return RF_ERR_NOMEM;
    k->worker = w;
    rf_list_init(&k->all);
    *out = k;
    return RF_OK;
}

void
rf_keeper_free(struct rf_keeper *k)
{
    if (k == NULL)
        return;
    RF_LIST_FOREACH(&k->all, it)
        kept_free(rf_container(it, struct kept, link));
    free(k);
}
