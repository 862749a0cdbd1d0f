#include "main/worker.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "acme/shown.h"
#include "base/refusal.h"
#include "main/keeper.h"
#include "net/socket.h"

#define TICK_US (200 * RF_MS)
/* Handshakes that are remembered, by a worker: 0.3 MB in all. */
#define HANDSHAKES_GOOD   256
#define HANDSHAKES_FAILED 128

bool
rf_worker_post(struct rf_mailbox *to, const void *head, size_t head_octets, struct rf_span octets)
{
    const struct rf_span parts[2] = { rf_span(head, head_octets), octets };

    return rf_mailbox_send(to, parts, octets.n > 0 ? 2 : 1) == RF_OK;
}

/* --- messages --- */

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

static void
malformed(struct rf_worker *w, struct rf_flow *flow, const struct rf_sip_problem *problem, bool is_parsed,
          uint64_t now_us)
{
    char host[RF_ADDR_TEXT_MAX], source[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(host, sizeof host), key = rf_buf(source, sizeof source);

    atomic_fetch_add_explicit(&w->numbers.malformed, 1, memory_order_relaxed);
    rf_put_host(&b, &flow->remote, false);
    rf_fold_put_source(&key, &flow->remote);
    rf_fold_refuse(w->shared->fold, RF_REFUSE_BAD_REQUEST, rf_buf_span(&key),
                   (struct rf_log_field[]){ RF_F_SPAN("who", rf_buf_span(&b)), RF_F_STR("detail", problem->sentence),
                                            RF_F_I64("status", problem->status), { 0 } },
                   now_us);
    if (is_parsed && problem->status != 0)
        rf_worker_answer_bare(w, &w->msg, flow, problem->status, rf_span(NULL, 0));
}

static void
post_message(struct rf_worker *w, uint16_t owner, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_letter_message head = { .head = { .kind = RF_LETTER_MESSAGE, .from = w->index } };

    rf_flow_card_fill(&head.flow, flow);
    if (rf_worker_post(w->shared->worker[owner]->letters, &head, sizeof head, w->msg.raw)) {
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

/* --- the guard: who asks too much --- */

void
rf_signal_guard_limits(const struct rf_conf *c, struct rf_guard_limits *l)
{
    *l = (struct rf_guard_limits)RF_GUARD_LIMITS;
    l->requests_per_s = (uint32_t)rf_conf_number(c, "security.requests-per-source");
    l->requests_burst = 5 * l->requests_per_s;
    l->connections_per_s = (uint32_t)rf_conf_number(c, "security.handshakes-per-source");
    l->connections_burst = 5 * l->connections_per_s;
    l->wrong_passwords_max = (uint32_t)rf_conf_number(c, "security.wrong-passwords");
    l->ban_first_us = (uint64_t)rf_conf_number(c, "security.ban-time") * RF_S;
    l->loopback_is_exempt = rf_conf_is_on(c, "security.exempt-loopback");
    l->ban_max_us = l->ban_first_us > 0 ? 86400 * RF_S : 0;
}

static void
transport_limits(const struct rf_worker *w, struct rf_transport_limits *l)
{
    const struct rf_conf *c = w->site->conf;

    *l = (struct rf_transport_limits)RF_TRANSPORT_LIMITS;
    l->connections_max = (uint32_t)rf_conf_number(c, "sip.connections-max");
    l->per_source_max = (uint32_t)rf_conf_number(c, "sip.connections-per-source");
    l->loopback_is_exempt = rf_conf_is_on(c, "security.exempt-loopback");
    l->unused_us = (uint64_t)rf_conf_number(c, "sip.idle-time") * RF_S;
}

/* Logs what it says; true: go on. */
static bool
guard_allows(struct rf_worker *w, const struct rf_addr *source, const struct rf_guard_answer *a, uint64_t now_us)
{
    char host[RF_ADDR_TEXT_MAX], key_mem[160], until[32];
    struct rf_buf b = rf_buf(host, sizeof host), key = rf_buf(key_mem, sizeof key_mem);

    if (a->verdict == RF_GUARD_ALLOW)
        return true;
    atomic_fetch_add_explicit(&w->numbers.guarded, 1, memory_order_relaxed);
    rf_put_host(&b, source, false);
    rf_fold_put_source(&key, source);
    rf_put_char(&key, ' ');
    rf_put_str(&key, a->reason);
    snprintf(until, sizeof until, "%u s from now", a->retry_after_s);
    if (a->verdict == RF_GUARD_BANNED)
        rf_fold_refuse(w->shared->fold, RF_REFUSE_BANNED, rf_buf_span(&key),
                       (struct rf_log_field[]){ RF_F_SPAN("addr", rf_buf_span(&b)), RF_F_STR("until", until),
                                                RF_F_STR("reason", a->reason), { 0 } },
                       now_us);
    else
        rf_fold_refuse(w->shared->fold, RF_REFUSE_OVERLOAD, rf_buf_span(&key),
                       (struct rf_log_field[]){ RF_F_STR("what", a->reason), RF_F_SPAN("who", rf_buf_span(&b)),
                                                RF_F_U64("seconds", a->retry_after_s), { 0 } },
                       now_us);
    return false;
}

/* A datagram's source may be forged; that of a connection is not. */
static bool
is_proven(const struct rf_flow *flow)
{
    return rf_transport_is_reliable(flow->transport);
}

/* Requests with credentials are judged by those; what belongs to a dialog is not a stranger's. */
static bool
is_strangers(const struct rf_sip_msg *m)
{
    size_t i = 0, k = 0;

    return m->is_request && m->method != RF_SIP_ACK && m->method != RF_SIP_CANCEL && m->to_tag.n == 0 &&
           rf_sip_field_next(m, RF_HDR_AUTHORIZATION, &i) == NULL &&
           rf_sip_field_next(m, RF_HDR_PROXY_AUTHORIZATION, &k) == NULL;
}

static bool
guard_message(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_guard_answer a;
    char header[48];
    struct rf_buf b = rf_buf(header, sizeof header);

    if (is_strangers(&w->msg))
        a = rf_guard_request(w->shared->guard, &flow->remote, is_proven(flow), now_us);
    else
        a = rf_guard_ask(w->shared->guard, &flow->remote, now_us);
    if (guard_allows(w, &flow->remote, &a, now_us))
        return true;
    if (a.verdict == RF_GUARD_BANNED && is_proven(flow))
        rf_flow_close(flow);
    else if (w->msg.is_request && w->msg.method != RF_SIP_ACK) {
        rf_sip_put_headerf(&b, RF_HDR_RETRY_AFTER, "%u", a.retry_after_s);
        rf_worker_answer_bare(w, &w->msg, flow, 503, rf_buf_span(&b));
    }
    return false;
}

static bool
on_admit(void *ctx, const struct rf_addr *source, enum rf_transport t, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_guard_answer a = rf_guard_connection(w->shared->guard, source, now_us);

    return guard_allows(w, source, &a, now_us);
}

void
rf_worker_sign_in_failed(struct rf_worker *w, const struct rf_flow *flow, const struct rf_auth_result *who,
                         uint64_t now_us)
{
    struct rf_guard_answer a;
    struct rf_call_user user;
    char key[160], address[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(key, sizeof key);
    bool known = rf_site_user(w->site, who->username, &user);

    rf_put(&b, rf_span_sub(who->username, 0, 64));
    rf_put_char(&b, ' ');
    rf_fold_put_source(&b, &flow->remote);
    rf_fold_refuse(w->shared->fold, known ? RF_REFUSE_WRONG_PASSWORD : RF_REFUSE_UNKNOWN_USER, rf_buf_span(&b),
                   (struct rf_log_field[]){ RF_F_SPAN("user", who->username), RF_F_STR("domain", w->site->call.domain),
                                            RF_F_STR("addr", rf_addr_text(&flow->remote, address)), { 0 } },
                   now_us);
    a = rf_guard_wrong_password(w->shared->guard, &flow->remote, is_proven(flow) || who->nonce_is_ours, now_us);
    /* This one is answered like any other; what comes next is not. */
    (void)guard_allows(w, &flow->remote, &a, now_us);
}

void
rf_worker_signed_in(struct rf_worker *w, const struct rf_flow *flow)
{
    rf_guard_signed_in(w->shared->guard, &flow->remote);
}

/* Handled where it arrives: REGISTER, and OPTIONS that belong to no dialog. */
static bool
is_anybodys(const struct rf_sip_msg *m)
{
    return m->is_request && (m->method == RF_SIP_REGISTER || (m->method == RF_SIP_OPTIONS && m->to_tag.n == 0));
}

/* Which interface a listener belongs to; its name is the interface's. */
static enum rf_iface
iface_of(const char *listener)
{
    enum rf_iface i = RF_IFACE_SIP_PHONES;

    (void)!rf_iface_find(rf_span_str(listener), &i);
    return i;
}

/* Interfaces of the web have TLS of their own, and nothing to serve in this version. */
static bool
is_web(struct rf_flow *flow)
{
    static const char nothing[] = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                                  "Content-Length: 22\r\n\r\nThere is nothing here.";

    if (rf_iface_row(iface_of(flow->listener))->is_sip)
        return false;
    (void)rf_flow_send(flow, rf_span(nothing, sizeof nothing - 1));
    rf_flow_close(flow);
    return true;
}

/* Whose it is: by its Call-ID, unless its dialog was transferred into a call of another worker. */
static uint16_t
owner_of(const struct rf_worker *w, const struct rf_sip_msg *m)
{
    uint16_t owner = rf_call_owner(&w->shared->owner_key, m->call_id, (uint16_t)w->shared->workers);

    (void)rf_call_guests_find(w->shared->guests, rf_call_guest_of(m), &owner);
    return owner;
}

/* By the worker that owns it. */
static void
received(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    if (w->msg.to_tag.n == 0 || !rf_worker_ignores_request(w, flow, now_us))
        rf_txn_received(w->txn, &w->msg, flow, now_us);
}

static void
on_message(void *ctx, struct rf_flow *flow, struct rf_span octets, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_sip_problem problem;
    uint16_t owner;

    if (is_web(flow))
        return;
    if (rf_sip_msg_parse(&w->msg, octets, &problem) != RF_OK) {
        if (!rf_worker_ignores(w, flow, "a broken message", now_us))
            malformed(w, flow, &problem, true, now_us);
        return;
    }
    /* Of requests in a dialog their owner decides, who knows the dialogs. */
    if (w->msg.to_tag.n == 0 && rf_worker_ignores_request(w, flow, now_us))
        return;
    if (!guard_message(w, flow, now_us))
        return;
    if (rf_register_challenge(w->registers, &w->msg, flow, now_us))
        return;
    if (flow->peer_refusal != RF_REFUSE_NONE) {
        if (w->msg.is_request && w->msg.method != RF_SIP_ACK)
            rf_worker_answer_bare(w, &w->msg, flow, 403, rf_span(NULL, 0));
        return;
    }
    owner = is_anybodys(&w->msg) ? w->index : owner_of(w, &w->msg);
    if (owner == w->index)
        received(w, flow, now_us);
    else
        post_message(w, owner, flow, now_us);
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

    if (is_web(flow) || rf_worker_ignores(w, flow, "a broken message", now_us))
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

static void
on_media(void *ctx, const struct rf_media_reply *reply, uint64_t now_us)
{
    rf_call_media_reply(((struct rf_worker *)ctx)->calls, reply, now_us);
}

/* --- letters --- */

static enum rf_err
post_flow_letter(void *ctx, uint16_t worker, const struct rf_span *parts, size_t n)
{
    struct rf_worker *w = ctx;
    struct rf_letter_head head = { .kind = RF_LETTER_FLOW, .from = w->index };
    struct rf_span all[8] = { rf_span(&head, sizeof head) };

    if (worker >= w->shared->workers || n > 7)
        return RF_ERR_RANGE;
    if (w->shared->worker[worker] == NULL)
        return RF_ERR_CLOSED; /* we are ending, and it is gone already */
    memcpy(all + 1, parts, n * sizeof *parts);
    return rf_mailbox_send(w->shared->worker[worker]->letters, all, n + 1);
}

void
rf_worker_take_message(struct rf_worker *w, const struct rf_flow_card *card, struct rf_span octets, uint64_t now_us)
{
    struct rf_sip_problem problem;
    struct rf_flow *flow;
    enum rf_err err;

    /* It parsed at the sender, so it parses here. */
    if (rf_sip_msg_parse(&w->msg, octets, &problem) != RF_OK)
        return;
    /* Each worker has a UDP socket with the same address: the answer need not go by the one it came to. */
    if (card->transport == RF_UDP)
        err = rf_transport_udp(w->transport, card->listener, &card->remote, &flow);
    else
        err = rf_remote_flow(w->remotes, card, &flow);
    if (err) {
        atomic_fetch_add_explicit(&w->numbers.dropped, 1, memory_order_relaxed);
        return;
    }
    received(w, flow, now_us);
    rf_flow_unref(flow);
}

/* What an authority wants to see (tls-alpn-01): the port 443 that it asks may lead to a listener of SIP. */
static struct rf_cert *
find_challenge(void *ctx, struct rf_span server_name)
{
    struct rf_worker *w = ctx;

    return w->shared->shown != NULL ? rf_acme_shown_certificate(w->shared->shown, server_name) : NULL;
}

/* Contexts of all interfaces that listen, or none of them: half of a configuration is never in force. */
static enum rf_err
make_tls(struct rf_worker *w)
{
    struct rf_tls_server *made[RF_IFACE_COUNT] = { NULL };
    const char *why = "";
    enum rf_err err = RF_OK;

    for (int i = 0; !err && i < RF_IFACE_COUNT; i++)
        if (w->site->ifaces->iface[i].has_listener) {
            err = rf_ifaces_server(w->site->ifaces, (enum rf_iface)i, w->shared->tickets, w->handshakes, &made[i],
                                   &why);
            if (!err)
                rf_tls_server_set_challenge(made[i], find_challenge, w);
        }
    if (err)
        RF_LOGF(RF_LOG_ERROR, "tls.failed", "the TLS contexts could not be made", RF_F_STR("reason", why));
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        struct rf_tls_server *old = err ? made[i] : w->tls[i];

        if (!err)
            w->tls[i] = made[i];
        rf_tls_server_unref(old);
    }
    return err;
}

static void
drop_clients(struct rf_worker *w)
{
    rf_tls_client_unref(w->client);
    w->client = NULL;
    for (size_t i = 0; i < w->client_count; i++)
        rf_tls_client_unref(w->clients[i]);
    free(w->clients);
    w->clients = NULL;
    w->client_count = 0;
}

struct rf_tls_client *
rf_worker_client(struct rf_worker *w, const struct rf_call_server *server)
{
    const struct rf_connection *k =
        server->is_device ? NULL : rf_connection_named(w->site->connections, rf_span_str(server->name));
    struct rf_tls_client **slot = &w->client;
    const char *why = "";
    enum rf_err err = RF_OK;

    if (k == NULL && !server->is_device)
        return NULL; /* a reload took it away */
    if (k != NULL && w->clients == NULL) {
        w->client_count = rf_connections_count(w->site->connections);
        w->clients = calloc(w->client_count, sizeof(struct rf_tls_client *));
        if (w->clients == NULL) {
            w->client_count = 0;
            return NULL;
        }
    }
    if (k != NULL)
        slot = &w->clients[k->index];
    if (*slot == NULL && k != NULL)
        err = rf_ifaces_connection(w->site->ifaces, k->index, w->handshakes, slot, &why);
    else if (*slot == NULL)
        err = rf_ifaces_client(w->site->ifaces, RF_IFACE_SIP_TRUNKS, w->handshakes, slot, &why);
    if (err)
        RF_LOGF(RF_LOG_ERROR, "tls.failed", "the TLS context could not be made", RF_F_STR("server", server->name),
                RF_F_STR("reason", why));
    return *slot;
}

void
rf_worker_take_site(struct rf_worker *w, struct rf_site *site)
{
    struct rf_site *was = w->site;
    struct rf_transport_limits transport;

    w->site = site;
    drop_clients(w);
    transport_limits(w, &transport);
    rf_transport_set_limits(w->transport, &transport);
    if (make_tls(w) == RF_OK)
        for (int i = 0; i < RF_IFACE_COUNT; i++)
            if (w->tls[i] != NULL)
                rf_transport_set_tls(w->transport, rf_iface_row((enum rf_iface)i)->name, w->tls[i]);
    rf_paths_see_listeners(w->paths);
    rf_keeper_take_site(w->keeper);
    rf_event_settings_changed(w->events, rf_now_us());
    rf_site_unref(was);
}

void
rf_worker_take_listener(struct rf_worker *w, const struct rf_letter_listen *letter)
{
    struct rf_listener_conf conf = { .name = letter->name, .transport = (enum rf_transport)letter->transport,
                                     .fd = letter->fd, .id = letter->id };
    struct rf_addr at = rf_socket_local(letter->fd);
    enum rf_err err;

    if (conf.transport == RF_TLS)
        conf.tls = w->tls[iface_of(letter->name)];
    err = rf_transport_listen(w->transport, &conf);
    if (!err)
        return;
    /* Only memory and descriptors can be short here: the others of its group serve. */
    RF_REFUSE(CANNOT_LISTEN, RF_F_ADDR("addr", &at), RF_F_STR("reason", rf_err_text(err)),
              RF_F_U64("worker", w->index));
    close(letter->fd);
}

static void
on_tick(struct rf_timer *t, uint64_t now_us)
{
    struct rf_worker *w = rf_container(t, struct rf_worker, tick);

    atomic_store_explicit(&w->numbers.beat_us, now_us, memory_order_relaxed);
    atomic_store_explicit(&w->numbers.calls, rf_call_count(w->calls), memory_order_relaxed);
    rf_worker_tick_events(w, now_us);
    rf_timer_arm(rf_loop_wheel(w->loop), t, now_us + TICK_US);
}

json_t *
rf_worker_numbers_json(struct rf_worker *w)
{
    struct rf_transport_counts t;
    struct rf_txn_counts x = rf_txn_counts(w->txn);
    struct rf_call_counts calls = rf_call_counts(w->calls);
    json_t *o = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        { "calls", calls.calls },
        { "calls_encrypted", calls.encrypted },
        { "calls_ending", rf_call_count(w->calls) - calls.calls },
        { "subscriptions", rf_event_count(w->events) },
        { "transactions", x.servers + x.clients },
        { "retransmits_in", x.retransmits_in },
        { "retransmits_out", x.retransmits_out },
        { "timeouts", x.timeouts },
        { "malformed", atomic_load_explicit(&w->numbers.malformed, memory_order_relaxed) },
        { "dropped", atomic_load_explicit(&w->numbers.dropped, memory_order_relaxed) },
        { "posted", atomic_load_explicit(&w->numbers.posted, memory_order_relaxed) },
        { "post_refused", atomic_load_explicit(&w->numbers.post_refused, memory_order_relaxed) },
        { "guarded", atomic_load_explicit(&w->numbers.guarded, memory_order_relaxed) },
        { "strangers", atomic_load_explicit(&w->numbers.strangers, memory_order_relaxed) },
        { "registers", atomic_load_explicit(&w->numbers.registers, memory_order_relaxed) },
        { "media_pending", rf_media_client_pending(w->media) },
    };

    rf_transport_counts(w->transport, &t);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    json_object_set_new(o, "connections", json_integer(t.connections));
    json_object_set_new(o, "tls_connections", json_integer(t.tls_connections));
    json_object_set_new(o, "handshakes", json_integer((json_int_t)t.handshakes));
    json_object_set_new(o, "handshakes_failed", json_integer((json_int_t)t.handshakes_failed));
    json_object_set_new(o, "messages_in", json_integer((json_int_t)t.messages_in));
    return o;
}

/* --- its life --- */

static enum rf_err
make_parts(struct rf_worker *w)
{
    const struct rf_launch *l = w->shared->launch;
    struct rf_transport_limits limits;
    const struct rf_transport_user user = { .ctx = w, .connections = w->shared->connections, .message = on_message,
                                            .broken = on_broken, .admit = on_admit, .opened = on_opened,
                                            .tls_failed = on_tls_failed,
                                            .refuse = on_transport_refused };
    const struct rf_txn_user txn_user = { .ctx = w, .request = on_request, .ack = on_ack,
                                          .stray_response = on_stray_response,
                                          .refusal_acked = on_refusal_acked };
    /* 65,536 of each: at 10,000 REGISTERs a second over UDP, timer J keeps 32 s of them; beyond that 503. */
    const struct rf_txn_limits txn_limits = { .server_max = 400000, .client_max = 65536, .t1_us = 500 * RF_MS,
                                              .t2_us = 4 * RF_S, .t4_us = 5 * RF_S };
    int control[RF_THREADS_MAX];
    struct rf_media_client_conf media = { .threads = l->threads, .slots_per_thread = l->slots_per_thread,
                                          .map = w->shared->map,
                                          .control = control, .epoch = l->epoch, .reply = on_media, .ctx = w };
    struct rf_call_env env;
    enum rf_err err;

    transport_limits(w, &limits);
    err = rf_loop_new(&w->loop);
    if (!err)
        err = rf_mailbox_new(&w->letters, w->loop, RF_LETTER_MAX, RF_LETTER_RING, rf_worker_letter, w);
    if (!err)
        err = rf_transport_layer_new(&w->transport, w->loop, w->index, &limits, &user, &rf_rand_system);
    if (!err) {
        const struct rf_remote_conf remote = { .worker = w->index, .layer = w->transport,
                                               .wheel = rf_loop_wheel(w->loop), .rand = &rf_rand_system,
                                               .post = post_flow_letter, .ctx = w };

        err = rf_remote_flows_new(&w->remotes, &remote);
    }
    if (!err)
        err = rf_txn_layer_new(&w->txn, rf_loop_wheel(w->loop), &rf_rand_system, &txn_limits, &txn_user);
    if (!err)
        err = rf_paths_new(&w->paths, w);
    if (!err)
        err = rf_keeper_new(&w->keeper, w);
    if (!err)
        err = rf_register_new(&w->registers, w);
    if (err)
        return err;
    for (unsigned t = 0; t < l->threads; t++)
        control[t] = rf_launch_find(l, RF_FD_MEDIA, w->index, t);
    media.loop = w->loop;
    err = rf_media_client_new(&w->media, &media);
    if (err)
        return err;
    rf_worker_call_env(w, &env);
    err = rf_call_layer_new(&w->calls, &env);
    return err ? err : rf_worker_make_events(w, &env);
}

enum rf_err
rf_worker_new(struct rf_worker **out, struct rf_signal *shared, uint16_t index, struct rf_site *site)
{
    struct rf_worker *w = calloc(1, sizeof *w);
    enum rf_err err = w != NULL ? RF_OK : RF_ERR_NOMEM;

    if (err)
        return err;
    w->shared = shared;
    w->index = index;
    w->site = site;
    w->tick.fire = on_tick;
    err = rf_tls_ring_new(&w->handshakes, HANDSHAKES_GOOD, HANDSHAKES_FAILED);
    if (!err)
        err = rf_devices_new(&w->devices, shared->store, &rf_rand_system);
    if (!err)
        err = make_parts(w);
    if (!err)
        err = make_tls(w);
    if (err) {
        rf_worker_free(w);
        return err;
    }
    atomic_store_explicit(&w->numbers.beat_us, rf_now_us(), memory_order_relaxed);
    *out = w;
    return RF_OK;
}

static void *
run(void *arg)
{
    struct rf_worker *w = arg;
    char name[16];

    snprintf(name, sizeof name, "rf-worker-%u", w->index);
    prctl(PR_SET_NAME, name);
    on_tick(&w->tick, rf_now_us());
    rf_keeper_take_site(w->keeper);
    rf_loop_run(w->loop);
    return NULL;
}

enum rf_err
rf_worker_start(struct rf_worker *w)
{
    w->runs = pthread_create(&w->thread, NULL, run, w) == 0;
    return w->runs ? RF_OK : RF_ERR_NOMEM;
}

void
rf_worker_stop(struct rf_worker *w)
{
    if (!w->runs)
        return;
    rf_loop_stop(w->loop);
    pthread_join(w->thread, NULL);
    w->runs = false;
}

void
rf_worker_free(struct rf_worker *w)
{
    if (w == NULL)
        return;
    rf_event_layer_free(w->events);
    rf_call_layer_free(w->calls);
    rf_keeper_free(w->keeper);
    rf_paths_free(w->paths);
    rf_media_client_free(w->media);
    rf_txn_layer_free(w->txn);
    rf_remote_flows_free(w->remotes);
    rf_transport_layer_free(w->transport);
    for (int i = 0; i < RF_IFACE_COUNT; i++)
        rf_tls_server_unref(w->tls[i]);
    drop_clients(w);
    rf_tls_ring_free(w->handshakes);
    rf_devices_free(w->devices);
    rf_register_free(w->registers);
    rf_mailbox_free(w->stored);
    rf_mailbox_free(w->kept);
    rf_letters_drop(w->letters);
    rf_mailbox_free(w->letters);
    if (w->loop != NULL)
        rf_timer_cancel(rf_loop_wheel(w->loop), &w->tick);
    rf_loop_free(w->loop);
    rf_site_unref(w->site);
    free(w);
}
