/*
 * tests/play/stage.c - see stage.h
 */
#include <stdio.h>
#include <stdlib.h>

#include "event/watchers.h"
#include "play/stage.h"


void
stage_wrong(struct stage *s, const char *what)
{
    if (s->wrong[0] == '\0')
        snprintf(s->wrong, sizeof s->wrong, "%s", what);
}

/* --- wires --- */

static enum rf_err
wire_send(struct rf_flow *f, struct rf_span message)
{
    struct wire *w = rf_container(f, struct wire, flow);
    char *copy;

    if (w->phone == NULL)
        return f->transport == RF_UDP ? RF_OK : RF_ERR_CLOSED;
    copy = rf_span_dup(message);
    if (w->phone->inbox_n == INBOX_MAX) {
        free(copy);
        return RF_OK;
    }
    w->phone->inbox[w->phone->inbox_n++] = copy;
    return RF_OK;
}
static void wire_close(struct rf_flow *f) { (void)f; }
static void wire_free(struct rf_flow *f) { free(rf_container(f, struct wire, flow)); }
static const struct rf_flow_ops wire_ops = { wire_send, wire_close, wire_free };

static void
wire_open(struct stage *s, struct phone *p)
{
    struct wire *w = calloc(1, sizeof *w);

    rf_flow_init(&w->flow, &wire_ops, p->transport, ++s->flow_ids);
    w->phone = p;
    w->flow.remote = p->addr;
    if (rf_addr_parse_port(p->addr.sa.sa_family == AF_INET6 ? RF_SPAN_LIT("[2001:db8::1]:5060")
                                                             : RF_SPAN_LIT("192.0.2.1:5060"),
                           &w->flow.local) != RF_OK)
        abort();
    snprintf(w->flow.listener, sizeof w->flow.listener, "sip");
    if (p->transport == RF_TLS) {
        snprintf(w->flow.facts.tls_version, sizeof w->flow.facts.tls_version, "1.3");
        snprintf(w->flow.facts.tls_cipher, sizeof w->flow.facts.tls_cipher, "TLS_AES_256_GCM_SHA384");
        snprintf(w->flow.facts.tls_group, sizeof w->flow.facts.tls_group, "X25519");
    }
    p->wire = w;
}

/* --- env --- */

static const struct rf_call_settings *
env_settings(void *ctx)
{
    return &((struct stage *)ctx)->settings;
}

static bool
env_user(void *ctx, struct rf_span name, struct rf_call_user *out)
{
    struct stage *s = ctx;

    for (int i = 0; i < s->users; i++)
        if (rf_span_is(name, s->user[i].name)) {
            *out = s->user[i];
            return true;
        }
    return false;
}

static void
env_our_address(void *ctx, const struct rf_flow *flow, struct rf_addr *sip, struct rf_addr *media)
{
    (void)ctx;
    *sip = flow->local;
    *media = flow->local;
    rf_addr_set_port(media, 0);
}

static const struct rf_call_routing *
env_routing(void *ctx)
{
    struct stage *s = ctx;

    return s->conf != NULL ? &s->routing : NULL;
}

static enum rf_err
env_answer_challenge(void *ctx, const char *connection, const struct rf_digest_challenge *c, struct rf_span method,
                     struct rf_span uri, struct rf_buf *out)
{
    struct stage *s = ctx;
    const struct rf_connection *k = rf_connection_named(s->connections, rf_span_str(connection));

    if (k == NULL || k->username[0] == '\0')
        return RF_ERR_NOT_FOUND;
    rf_put_digest_credentials(out, c, rf_span_str(k->username), RF_SPAN_LIT(PASSWORD), method, uri, 1, RF_SPAN_LIT("ef01"));
    return rf_buf_done(out);
}

const char *
stage_configure(struct stage *s, const char *lines)
{
    static struct rf_conf_problem problem;
    static char text[16384];
    struct rf_conf_sources from = { 0 };
    struct rf_conf *conf;
    struct rf_connections *connections;
    const struct rf_srtp_policy common = { .strict_transport = s->strict_keys };
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    stage_new_rules(s);
    strncat(s->conf_text, lines, sizeof s->conf_text - strlen(s->conf_text) - 1);
    rf_putf(&b, "domain %s\n%s", DOMAIN, s->conf_text);
    for (int i = 0; i < s->users; i++)
        rf_putf(&b, "user %s {\n password %s\n}\n", s->user[i].name, PASSWORD);
    text[b.n] = '\0';
    from.store_text = rf_span_str(text);
    if (rf_conf_load_from(&conf, &from, &problem) != RF_OK)
        return problem.sentence;
    if (rf_connections_new(&connections, conf, &common) != RF_OK)
        return "no connections";
    rf_connections_free(s->connections);
    rf_conf_unref(s->conf);
    s->conf = conf;
    s->connections = connections;
    s->routing = (struct rf_call_routing){ .conf = conf, .connections = connections };
    s->routing.devices.suite_count = rf_srtp_suites_for_phones(s->routing.devices.suite);
    return NULL;
}

bool
stage_rewrite(struct stage *s, const char *was, const char *is)
{
    char *at = strstr(s->conf_text, was);

    if (at == NULL || strlen(is) > strlen(was))
        return false;
    memmove(at + strlen(is), at + strlen(was), strlen(at + strlen(was)) + 1);
    memcpy(at, is, strlen(is));
    return true;
}

/* The phone that plays a server: the one with this address, or named like the first label of the host. */
static struct phone *
phone_of_server(struct stage *s, const struct rf_binding *to)
{
    struct rf_sip_uri uri;
    struct rf_addr a;

    if (rf_sip_uri_parse(rf_span_str(to->contact), &uri) != RF_OK)
        return NULL;
    for (int i = 0; i < s->phones; i++)
        if (rf_addr_parse(uri.host, 0, &a) == RF_OK
                ? rf_addr_same_host(&a, &s->phone[i].addr)
                : rf_span_is(rf_span_sub(uri.host, 0, rf_span_find(uri.host, '.')), s->phone[i].name))
            return &s->phone[i];
    return NULL;
}

/* The ways to a binding: the phone that registered it, then those that `way` of the play names. */
struct rf_path {
    struct rf_link link;
    struct stage *s;
    const struct rf_binding *to;
    bool is_server;
    struct phone *phone; /* whose binding it is */
    void (*ready)(void *, struct rf_flow *, enum rf_err);
    void *owner;
    int at;              /* ways given or found closed */
    bool is_wanted, is_large;
};

static struct phone *
phone_of_binding(struct stage *s, const struct rf_binding *to)
{
    for (int i = 0; i < s->phones; i++) {
        struct wire *w = s->phone[i].wire;

        if (w != NULL && !w->flow.is_closed &&
            (w->flow.id == to->flow_id || (to->transport == RF_UDP && rf_addr_eq(&to->source, &w->flow.remote))))
            return &s->phone[i];
    }
    return NULL;
}

/* Way number `at`; NULL: it leads nowhere. A large request goes first to where the play says. */
static struct phone *
way_of(struct phone *p, int at, bool is_large)
{
    if (is_large && p->large_way != NULL && at == 0)
        return p->large_way;
    at -= is_large && p->large_way != NULL;
    return at == 0 ? p : p->way[at - 1];
}

static void
give_path(struct rf_path *path)
{
    struct phone *p = path->phone != NULL ? path->phone
                      : path->is_server   ? phone_of_server(path->s, path->to)
                                          : phone_of_binding(path->s, path->to);
    int ways = p != NULL ? 1 + p->ways + (path->is_large && p->large_way != NULL) : 0;

    path->is_wanted = false;
    path->phone = p;
    while (path->at < ways) {
        struct phone *to = way_of(p, path->at++, path->is_large);

        if (to->wire != NULL && !to->wire->flow.is_closed) {
            for (int i = 0; i < path->s->phones; i++)
                if (path->s->phone[i].is_way_of == path)
                    path->s->phone[i].is_way_of = NULL;
            to->is_way_of = path;
            path->ready(path->owner, rf_flow_ref(&to->wire->flow), RF_OK);
            return;
        }
    }
    path->ready(path->owner, NULL, p == NULL || p->wire == NULL ? RF_ERR_CLOSED : RF_ERR_IO);
}

static struct rf_path *
env_path_new(void *ctx, const struct rf_binding *to, const struct rf_call_server *server, void (*ready)(void *, struct rf_flow *, enum rf_err), void *owner)
{
    struct stage *s = ctx;
    struct rf_path *path = calloc(1, sizeof *path);

    *path = (struct rf_path){ .s = s, .to = to, .is_server = server != NULL && to->flow_id == 0, .ready = ready,
                              .owner = owner };
    path->phone = path->is_server ? phone_of_server(s, to) : phone_of_binding(s, to);
    rf_list_append(&s->paths, &path->link);
    return path;
}

static void
env_path_next(void *ctx, struct rf_path *path, bool is_large)
{
    if (path->is_wanted)
        stage_wrong(ctx, "a path is asked twice at once");
    path->is_wanted = true;
    if (is_large && !path->is_large) {
        path->is_large = true;
        path->at = 0;
    }
    if (!path->s->slow_paths)
        give_path(path);
}

static void
env_path_aside(void *ctx, struct rf_path *path, uint32_t retry_after_s, uint64_t now_us)
{
    struct stage *s = ctx;

    (void)now_us;
    for (int i = 0; i < s->phones; i++)
        if (s->phone[i].is_way_of == path) {
            s->phone[i].asides++;
            s->phone[i].retry_after_s = retry_after_s;
        }
}

static void
env_path_end(void *ctx, struct rf_path *path)
{
    struct stage *s = ctx;

    for (int i = 0; i < s->phones; i++)
        if (s->phone[i].is_way_of == path)
            s->phone[i].is_way_of = NULL;
    rf_list_remove(&path->link);
    free(path);
}

static size_t
env_udp_max(void *ctx, const struct rf_addr *peer, size_t octets)
{
    (void)peer;
    (void)octets;
    return ((struct stage *)ctx)->udp_max;
}

static enum rf_refusal
env_judge_message(void *ctx, const char *who, size_t octets, uint64_t now_us)
{
    struct stage *s = ctx;

    return rf_event_judge_message(s->lamps, &s->event_settings, who, octets, now_us);
}

/* (I3) as seen from the relay. */
static void
check_leg(struct stage *s, const struct rf_media_leg *leg)
{
    if (s->all_required && !leg->require_srtp)
        stage_wrong(s, "a leg of a user that requires SRTP does not require it at the relay");
    if (leg->require_srtp && leg->may_send && leg->tx.suite == 0)
        stage_wrong(s, "a leg that requires SRTP may send without a key");
    if (leg->require_srtp && leg->may_receive && leg->rx_count == 0)
        stage_wrong(s, "a leg that requires SRTP may receive without a key");
    if (leg->tx.clear != (leg->rx_count > 0 ? leg->rx[0].clear : leg->tx.clear))
        stage_wrong(s, "a leg leaves something in clear in one direction alone");
    if (leg->tx.clear != 0 && !leg->unencrypted_allowed)
        stage_wrong(s, "a leg leaves something in clear that nobody allowed (TEL-29)");
    if (leg->tx.suite != 0 && leg->rx_count > 0 && memcmp(leg->tx.key, leg->rx[0].key, sizeof leg->tx.key) == 0)
        stage_wrong(s, "a leg sends with the key of its peer");
}

static enum rf_err
env_media(void *ctx, const struct rf_media_request *r)
{
    struct stage *s = ctx;
    struct rf_media_reply reply = { .version = RF_MEDIA_VERSION, .cookie = r->cookie, .session = r->session };
    struct media_slot *slot = NULL;

    if (s->relay_away)
        return RF_ERR_CLOSED;
    if (r->command != RF_MEDIA_OPEN && r->session.slot < SLOTS && s->slot[r->session.slot].used &&
        s->slot[r->session.slot].name.generation == r->session.generation)
        slot = &s->slot[r->session.slot];
    switch (r->command) {
    case RF_MEDIA_OPEN:
        s->changes = 0;
        reply.event = RF_MEDIA_FULL;
        for (uint32_t i = 0; i < SLOTS && !s->relay_full && slot == NULL; i++)
            if (!s->slot[i].used) {
                slot = &s->slot[i];
                memset(slot->leg, 0, sizeof slot->leg);
                slot->has[0] = slot->has[1] = false;
                slot->used = true;
                slot->name.slot = i;
                slot->name.generation += 2;
                slot->name.generation |= 1;
                memset(&s->map->session[i], 0, sizeof s->map->session[i]);
                s->map->session[i].generation = slot->name.generation;
                reply.event = RF_MEDIA_OPENED;
                reply.session = slot->name;
                reply.port[0] = (uint16_t)(30000 + 4 * i);
                reply.port[1] = (uint16_t)(30002 + 4 * i);
            }
        break;
    case RF_MEDIA_EXTEND:
        reply.leg = r->leg;
        reply.event = slot == NULL ? RF_MEDIA_GONE : s->relay_full || s->relay_one_family ? RF_MEDIA_FULL : RF_MEDIA_EXTENDED;
        reply.port[r->leg] = (uint16_t)(31000 + 4 * r->session.slot);
        break;
    case RF_MEDIA_CHANGE:
        s->changes++;
        if (slot == NULL) {
            reply.event = RF_MEDIA_GONE;
            break;
        }
        check_leg(s, &r->change);
        slot->leg[r->leg] = r->change;
        slot->has[r->leg] = true;
        s->map->session[slot->name.slot].leg[r->leg].set = r->change;
        reply.event = RF_MEDIA_CHANGED;
        break;
    case RF_MEDIA_CLOSE:
        if (slot == NULL && s->lost_some)
            return RF_OK;
        if (slot == NULL) {
            stage_wrong(s, "CLOSE of a media session that is not open");
            return RF_OK;
        }
        slot->used = false;
        s->map->session[slot->name.slot].generation = slot->name.generation + 1;
        reply.event = RF_MEDIA_CLOSED;
        break;
    case RF_MEDIA_ADOPT:
        reply.event = slot != NULL ? RF_MEDIA_ADOPTED : RF_MEDIA_GONE;
        if (slot != NULL)
            slot->is_adopted = true;
        break;
    default:
        return RF_OK;
    }
    if (s->replies < 64) {
        s->reply_to[s->replies] = s->asks_media;
        s->reply[s->replies++] = reply;
    }
    return RF_OK;
}

/* --- the second worker --- */

static enum rf_err
env_media2(void *ctx, const struct rf_media_request *r)
{
    struct stage *s = ctx;
    enum rf_err err;

    s->asks_media = 1;
    err = env_media(ctx, r);
    s->asks_media = 0;
    return err;
}

static bool
send_letter(struct stage *s, uint16_t from, uint16_t to, struct wire *wire, struct rf_span octets,
            const struct rf_call_passed *who)
{
    struct stage_letter *l = &s->letter[s->letters];

    if (s->letters == LETTERS_MAX)
        return false;
    *l = (struct stage_letter){ .from = from, .to = to, .wire = wire, .octets = malloc(octets.n + 1), .n = octets.n };
    memcpy(l->octets, octets.p, octets.n);
    l->octets[octets.n] = '\0';
    if (who != NULL)
        l->who = *who;
    s->letters++;
    return true;
}

static bool
env_post(void *ctx, uint16_t worker, struct rf_span letter)
{
    return send_letter(ctx, 0, worker, NULL, letter, NULL);
}

static bool
env_post2(void *ctx, uint16_t worker, struct rf_span letter)
{
    return send_letter(ctx, 1, worker, NULL, letter, NULL);
}

static bool
env_pass(void *ctx, uint16_t worker, struct rf_flow *flow, struct rf_span message, const struct rf_call_passed *who)
{
    return send_letter(ctx, 1 - worker, worker, rf_container(flow, struct wire, flow), message, who);
}

static void
take_letter(struct stage *s, const struct stage_letter *l)
{
    static struct rf_sip_msg msg;
    struct rf_sip_problem problem;
    struct rf_call_layer *calls = l->to == 0 ? s->calls : s->calls2;

    if (l->wire == NULL) {
        rf_call_letter(calls, l->from, rf_span(l->octets, l->n), s->now);
        return;
    }
    if (rf_sip_msg_parse(&msg, rf_span(l->octets, l->n), &problem) != RF_OK)
        abort();
    rf_call_pass_begin(calls, &l->who);
    if (l->wire->phone != NULL)
        rf_txn_received(l->to == 0 ? s->txn : s->txn2, &msg, &l->wire->flow, s->now);
    rf_call_pass_end(calls, &msg);
}

static bool
deliver_letters(struct stage *s)
{
    bool any = false;

    while (s->letters > 0 && s->letters_due != 0) {
        struct stage_letter l = s->letter[0];

        memmove(s->letter, s->letter + 1, (size_t)--s->letters * sizeof l);
        s->letters_due -= s->letters_due > 0;
        take_letter(s, &l);
        free(l.octets);
        any = true;
    }
    return any;
}

static uint16_t
owner_of(const struct stage *s, const struct rf_sip_msg *msg)
{
    static const struct rf_hash_key key;
    uint16_t owner = rf_call_owner(&key, msg->call_id, (uint16_t)s->workers);

    (void)rf_call_guests_lead(s->guests, msg, &owner);
    return owner;
}

bool
stage_is_owner(const struct stage *s, int worker, const char *call_id)
{
    static const struct rf_hash_key key;

    return worker < 0 || s->workers == 1 ||
           rf_call_owner(&key, rf_span_str(call_id), (uint16_t)s->workers) == worker;
}

static void
env_save(void *ctx, struct rf_span id, struct rf_span value)
{
    struct stage *s = ctx;
    int at = -1;

    for (int i = 0; i < SAVED_MAX; i++) {
        if (s->saved[i].value != NULL && rf_span_is(id, s->saved[i].id))
            at = i;
        else if (s->saved[i].value == NULL && at < 0 && value.p != NULL)
            at = i;
    }
    for (int i = 0; i < SAVED_MAX; i++)
        if (s->saved[i].value != NULL && rf_span_is(id, s->saved[i].id))
            at = i;
    if (at < 0)
        return;
    free(s->saved[at].value);
    s->saved[at].value = NULL;
    if (value.p == NULL)
        return;
    s->saved[at].value = malloc(value.n);
    memcpy(s->saved[at].value, value.p, value.n);
    s->saved[at].n = value.n;
    snprintf(s->saved[at].id, sizeof s->saved[at].id, "%.*s", RF_SPAN_ARG(id));
    if (rf_span_find_str(value, RF_SPAN_LIT("inline:")) < value.n)
        stage_wrong(s, "a key was written to the store");
}

static void
env_record(void *ctx, struct rf_span id, const struct rf_call_record *r)
{
    struct stage *s = ctx;
    json_t *record = json_loadb(r->text.p, r->text.n, 0, NULL);

    (void)id;
    free(s->record);
    s->record = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(record);
    s->records++;
    if (strstr(s->record, "inline:") != NULL || strstr(s->record, "response=") != NULL)
        stage_wrong(s, "a secret is in a call record");
}

/* --- subscriptions --- */

static const struct rf_event_settings *
env_event_settings(void *ctx)
{
    return &((struct stage *)ctx)->event_settings;
}

/* The users with watched-by, and the ring-groups of the play, as the rules read them. */
static const struct rf_conf *
rules(struct stage *s)
{
    static struct rf_conf_problem problem;
    static char text[16384];
    struct rf_conf_sources from = { 0 };
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    if (s->rules != NULL)
        return s->rules;
    rf_putf(&b, "domain %s\n%s", DOMAIN, s->conf_text);
    for (int i = 0; i < s->users; i++)
        rf_putf(&b, "user %s {\n password %s\n watched-by %s\n}\n", s->user[i].name, PASSWORD,
                s->watched_by[i][0] != '\0' ? s->watched_by[i] : "all");
    text[b.n] = '\0';
    from.store_text = rf_span_str(text);
    if (rf_conf_load_from(&s->rules, &from, &problem) != RF_OK)
        stage_wrong(s, problem.sentence);
    return s->rules;
}

void
stage_new_rules(struct stage *s)
{
    rf_conf_unref(s->rules);
    s->rules = NULL;
}

static bool
env_may_watch(void *ctx, const char *watcher, const char *user)
{
    const struct rf_conf *c = rules(ctx);

    return c != NULL && rf_watchers_may_see(c, watcher, user);
}

static bool
env_may_take(void *ctx, const char *who, const char *user, bool is_answered)
{
    const struct rf_conf *c = rules(ctx);

    return c != NULL && rf_watchers_may_take(c, who, user, is_answered);
}

static bool
env_may_set_mailboxes(void *ctx, const char *user)
{
    return strcmp(((struct stage *)ctx)->voice_mail, user) == 0;
}

static enum rf_err
env_store(void *ctx, const char *kind, struct rf_span name, struct rf_span value, uint64_t cookie)
{
    struct stage *s = ctx;
    int at = -1;

    for (int i = 0; i < ITEMS_MAX; i++)
        if (s->item[i].value != NULL && strcmp(s->item[i].kind, kind) == 0 && rf_span_is(name, s->item[i].name))
            at = i;
    for (int i = 0; i < ITEMS_MAX && at < 0; i++)
        if (s->item[i].value == NULL)
            at = i;
    if (at < 0 || (cookie != 0 && s->stored_n == ITEMS_MAX))
        return RF_ERR_NOMEM;
    if (!s->disk_fails) {
        free(s->item[at].value);
        s->item[at].value = NULL;
        if (value.p != NULL) {
            s->item[at].value = malloc(value.n + 1);
            memcpy(s->item[at].value, value.p, value.n);
            s->item[at].n = value.n;
            snprintf(s->item[at].kind, sizeof s->item[at].kind, "%s", kind);
            snprintf(s->item[at].name, sizeof s->item[at].name, "%.*s", RF_SPAN_ARG(name));
        }
    }
    if (cookie != 0) {
        s->stored[s->stored_n].cookie = cookie;
        s->stored[s->stored_n++].err = s->disk_fails ? RF_ERR_IO : RF_OK;
    }
    return RF_OK;
}

static void
env_dialog(void *ctx, const struct rf_call_dialog *d)
{
    rf_event_board_tell(((struct stage *)ctx)->lamps, d);
}

static void
lamp_changed(void *ctx, const char *user, uint16_t worker)
{
    struct stage *s = ctx;

    (void)worker;
    if (s->news_n < NEWS_MAX)
        snprintf(s->news[s->news_n++], sizeof s->news[0], "%s", user);
    else
        s->news_lost = true; /* as a full mailbox loses it */
}

int64_t
stage_wall_s(const struct stage *s)
{
    return (int64_t)(1800000000 + s->now / RF_S);
}

static int64_t
env_wall_s(void *ctx)
{
    return stage_wall_s(ctx);
}

/* --- life --- */

static void
on_request(void *ctx, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    if (!rf_event_request(((struct stage *)ctx)->events, txn, msg, now_us))
        rf_call_request(((struct stage *)ctx)->calls, txn, msg, now_us);
}
static void
on_request2(void *ctx, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    rf_call_request(((struct stage *)ctx)->calls2, txn, msg, now_us);
}
static void
on_ack2(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    rf_call_ack(((struct stage *)ctx)->calls2, msg, flow, now_us);
}
static void
on_stray2(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    rf_call_stray_response(((struct stage *)ctx)->calls2, msg, flow, now_us);
}
static void
on_ack(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    rf_call_ack(((struct stage *)ctx)->calls, msg, flow, now_us);
}
static void
on_stray(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    rf_call_stray_response(((struct stage *)ctx)->calls, msg, flow, now_us);
}

static void
on_refusal_acked(void *ctx, const struct rf_sip_msg *msg, uint64_t now_us)
{
    rf_call_refusal_acked(((struct stage *)ctx)->calls, msg, now_us);
}

static void
layers_open(struct stage *s)
{
    const struct rf_txn_limits limits = { 500, 500, 500 * RF_MS, 4 * RF_S, 5 * RF_S };
    const struct rf_txn_user user = { s, on_request, on_ack, on_stray, on_refusal_acked };
    const struct rf_auth_settings auth = { { RF_DIGEST_SHA256, RF_DIGEST_MD5 }, 2, 300, 1024 };
    struct rf_call_env env = { .ctx = s, .rand = &s->rand, .location = s->location, .media_map = s->map,
                               .worker = 0, .workers = (uint16_t)s->workers, .guests = s->guests, .settings = env_settings, .user = env_user,
                               .routing = env_routing, .answer_challenge = env_answer_challenge, .board = s->board,
                               .our_address = env_our_address, .path_new = env_path_new, .path_next = env_path_next,
                               .path_aside = env_path_aside, .path_end = env_path_end, .udp_max = env_udp_max,
                               .judge_message = env_judge_message, .media = env_media,
                               .save = env_save, .record = env_record, .wall_s = env_wall_s,
                               .post = env_post, .pass = env_pass, .may_take = env_may_take, .dialog = env_dialog };
    struct rf_event_env events = { .quota = s->subscriptions, .settings = env_event_settings,
                                   .may_watch = env_may_watch, .may_set_mailboxes = env_may_set_mailboxes,
                                   .store = env_store };

    if (rf_wheel_new(&s->wheel, s->now) != RF_OK || rf_auth_new(&s->auth, &s->rand, &auth) != RF_OK ||
        rf_txn_layer_new(&s->txn, s->wheel, &s->rand, &limits, &user) != RF_OK)
        abort();
    env.wheel = s->wheel;
    env.txn = s->txn;
    env.auth = s->auth;
    if (rf_call_layer_new(&s->calls, &env) != RF_OK)
        abort();
    if (rf_event_board_new(&s->lamps, &s->rand, lamp_changed, s) != RF_OK)
        abort();
    if (s->workers > 1) {
        const struct rf_txn_user user2 = { s, on_request2, on_ack2, on_stray2, NULL };
        struct rf_call_env env2 = env;

        if (rf_txn_layer_new(&s->txn2, s->wheel, &s->rand, &limits, &user2) != RF_OK)
            abort();
        env2.txn = s->txn2;
        env2.worker = 1;
        env2.media = env_media2;
        env2.post = env_post2;
        if (rf_call_layer_new(&s->calls2, &env2) != RF_OK)
            abort();
    }
    events.call = env;
    events.calls = s->calls;
    events.board = s->lamps;
    if (rf_event_layer_new(&s->events, &events) != RF_OK)
        abort();
}

static void
layers_close(struct stage *s)
{
    s->replies = s->stored_n = s->news_n = 0;
    while (s->letters > 0)
        free(s->letter[--s->letters].octets);
    rf_event_layer_free(s->events);
    rf_call_layer_free(s->calls);
    rf_call_layer_free(s->calls2);
    s->calls2 = NULL;
    rf_event_board_free(s->lamps);
    if (!rf_list_empty(&s->paths))
        stage_wrong(s, "a path outlives its call");
    rf_txn_layer_free(s->txn);
    rf_txn_layer_free(s->txn2);
    s->txn2 = NULL;
    rf_auth_free(s->auth);
    rf_wheel_free(s->wheel);
}

struct stage *
stage_open(uint64_t seed)
{
    struct stage *s = calloc(1, sizeof *s);
    const struct rf_location_limits limits = { 60, 3600, 3600, RF_BINDINGS_PER_AOR, 1000 };

    s->seed = seed;
    s->rand = (struct rf_rand){ rf_rand_seeded_fill, &s->seed };
    s->now = 1000 * RF_S;
    s->udp_max = SIZE_MAX;
    s->workers = 1;
    s->letters_due = -1;
    rf_list_init(&s->paths);
    s->map = aligned_alloc(4096, (rf_media_map_size(1, SLOTS) + 4095) / 4096 * 4096);
    memset(s->map, 0, rf_media_map_size(1, SLOTS));
    s->map->threads = 1;
    s->map->slots_per_thread = SLOTS;
    s->settings = (struct rf_call_settings){ .domain = DOMAIN, .server = "ringfence/test", .ring_time_s = 180,
                                             .session_expires_s = 1800, .min_se_s = 90, .media_timeout_s = 60,
                                             .calls_max = 100, .calls_per_user_max = 10, .explain_to_peer = true,
                                             .transfer = true };
    s->event_settings = (struct rf_event_settings){ .message_max = 8192, .messages_per_minute = 60,
                                                    .subscriptions_per_user = 10, .subscriptions_max = 20,
                                                    .expires_max_s = 3600 };
    if (rf_quota_new(&s->subscriptions, &s->rand) != RF_OK)
        abort();
    if (rf_board_new(&s->board, &s->rand) != RF_OK)
        abort();
    if (rf_location_new(&s->location, NULL, &s->rand, &limits) != RF_OK)
        abort();
    layers_open(s);
    return s;
}

void
stage_second_worker(struct stage *s)
{
    layers_close(s);
    s->workers = 2;
    if (rf_call_guests_new(&s->guests, &s->rand) != RF_OK)
        abort();
    layers_open(s);
}

static void
wire_shut(struct stage *s, struct phone *p)
{
    struct wire *w = p->wire;

    if (w == NULL)
        return;
    w->phone = NULL;
    p->wire = NULL;
    rf_location_flow_gone(s->location, w->flow.id);
    rf_flow_gone(&w->flow, s->now);
    rf_flow_unref(&w->flow);
}

void
stage_close(struct stage *s)
{
    layers_close(s);
    for (int i = 0; i < s->phones; i++) {
        struct phone *p = &s->phone[i];
        char *m;

        if (p->wire != NULL) {
            p->wire->phone = NULL;
            rf_flow_unref(&p->wire->flow);
        }
        while ((m = phone_take(p)) != NULL)
            free(m);
        free(p->invite);
        free(p->request);
        free(p->invite_in);
        free(p->notify_in);
        free(p->sdp_in);
    }
    for (int i = 0; i < SAVED_MAX; i++)
        free(s->saved[i].value);
    for (int i = 0; i < ITEMS_MAX; i++)
        free(s->item[i].value);
    rf_quota_free(s->subscriptions);
    rf_location_free(s->location);
    rf_connections_free(s->connections);
    rf_conf_unref(s->conf);
    rf_conf_unref(s->rules);
    rf_call_guests_free(s->guests);
    rf_board_free(s->board);
    free(s->record);
    free(s->map);
    free(s);
}

void
stage_restart(struct stage *s)
{
    layers_close(s);
    for (int i = 0; i < s->phones; i++) {
        struct phone *p = &s->phone[i];

        if (p->wire == NULL)
            continue;
        p->wire->phone = NULL;
        rf_location_flow_gone(s->location, p->wire->flow.id);
        rf_flow_unref(&p->wire->flow);
        p->wire = NULL;
    }
    s->relay_away = false;
    for (int i = 0; i < SLOTS; i++)
        s->slot[i].is_adopted = false;
    layers_open(s);
    for (int i = 0; i < SAVED_MAX; i++)
        if (s->saved[i].value != NULL) {
            char *value = s->saved[i].value;
            size_t n = s->saved[i].n;
            char *copy = malloc(n);

            memcpy(copy, value, n);
            (void)!rf_call_restore(s->calls, rf_span(copy, n), s->now);
            free(copy);
        }
    for (int i = 0; i < ITEMS_MAX; i++) {
        struct rf_mailbox_state m;

        if (s->item[i].value == NULL)
            continue;
        if (strcmp(s->item[i].kind, RF_EVENT_SUBSCRIPTION) == 0) {
            char *copy = malloc(s->item[i].n + 1);
            size_t n = s->item[i].n;
            char name[80];

            memcpy(copy, s->item[i].value, n);
            memcpy(name, s->item[i].name, sizeof name);
            if (rf_event_restore(s->events, rf_span_str(name), rf_span(copy, n), s->now) != RF_OK)
                stage_wrong(s, "a subscription does not come back");
            free(copy);
        } else if (rf_mailbox_parse(rf_span(s->item[i].value, s->item[i].n), &m) != RF_OK ||
                   rf_event_board_set_mailbox(s->lamps, s->item[i].name, &m) != RF_OK) {
            stage_wrong(s, "a mailbox does not come back");
        }
    }
    for (int i = 0; i < SLOTS; i++) /* RF_MEDIA_SWEEP: what the process before us opened and nobody knows */
        if (s->slot[i].used && !s->slot[i].is_adopted) {
            s->slot[i].used = false;
            s->map->session[i].generation = s->slot[i].name.generation + 1;
        }
    stage_pump(s);
}

const char *
stage_keep(struct stage *s, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = s->kept + s->kept_n;

    if (n > sizeof s->kept - s->kept_n)
        abort();
    memcpy(copy, text, n);
    s->kept_n += n;
    return copy;
}

struct rf_call_user *
stage_user(struct stage *s, const char *name, enum rf_srtp_mode mode)
{
    struct rf_call_user *u = &s->user[s->users++];

    memset(u, 0, sizeof *u);
    snprintf(u->name, sizeof u->name, "%s", name);
    snprintf(u->display, sizeof u->display, "User %s", name);
    snprintf(u->srtp_setting, sizeof u->srtp_setting, "user.%s.srtp", name);
    u->srtp.mode = mode;
    u->srtp.suite_count = rf_srtp_suites_for_phones(u->srtp.suite);
    rf_digest_verifier_make(&u->auth.verifier, rf_span_str(name), RF_SPAN_LIT(DOMAIN), RF_SPAN_LIT(PASSWORD));
    return u;
}

struct phone *
stage_phone(struct stage *s, const char *name, const char *user, enum rf_transport t, bool is_v6)
{
    struct phone *p = &s->phone[s->phones];
    char addr[32];

    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->user, sizeof p->user, "%s", user);
    p->transport = t;
    snprintf(addr, sizeof addr, is_v6 ? "[2001:db8::%d]:5060" : "192.0.2.%d:5060", 10 + s->phones);
    if (rf_addr_parse_port(rf_span_str(addr), &p->addr) != RF_OK)
        abort();
    p->port = 40000 + 100 * s->phones;
    p->key = 1 + 10 * s->phones;
    p->version = 1;
    p->worker = -1;
    s->phones++;
    wire_open(s, p);
    return p;
}

struct phone *
phone_named(struct stage *s, const char *name)
{
    for (int i = 0; i < s->phones; i++)
        if (strcmp(s->phone[i].name, name) == 0)
            return &s->phone[i];
    return NULL;
}

void
phone_leave(struct stage *s, struct phone *p)
{
    wire_shut(s, p);
    stage_pump(s);
}

void
phone_return(struct stage *s, struct phone *p)
{
    wire_open(s, p);
    phone_register(s, p);
}

char *
phone_take(struct phone *p)
{
    char *first;

    if (p->inbox_n == 0)
        return NULL;
    first = p->inbox[0];
    memmove(p->inbox, p->inbox + 1, (size_t)--p->inbox_n * sizeof p->inbox[0]);
    if (first[0] == '\t')
        memmove(first, first + 1, strlen(first));
    return first;
}

void
phone_send(struct stage *s, struct phone *p, const char *text)
{
    static struct rf_sip_msg msg;
    struct rf_sip_problem problem;

    if (p->wire == NULL)
        return;
    if (rf_sip_msg_parse(&msg, rf_span_str(text), &problem) != RF_OK) {
        char why[300];

        snprintf(why, sizeof why, "a phone sent what does not parse: %s", problem.sentence);
        stage_wrong(s, why);
        return;
    }
    rf_txn_received(s->workers == 1 || owner_of(s, &msg) == 0 ? s->txn : s->txn2, &msg, &p->wire->flow,
                    s->now);
    stage_pump(s);
}

void
stage_pump(struct stage *s)
{
    static int depth;

    if (depth > 0)
        return;
    depth++;
    for (bool more = true; more;) {
        more = false;
        RF_LIST_FOREACH(&s->paths, it) {
            struct rf_path *path = rf_container(it, struct rf_path, link);

            if (!path->is_wanted || s->slow_paths)
                continue;
            give_path(path);
            more = true; /* it may have ended others: the list is walked anew */
            break;
        }
        while (s->stored_n > 0 && !s->disk_is_slow) {
            uint64_t cookie = s->stored[0].cookie;
            enum rf_err err = s->stored[0].err;

            memmove(s->stored, s->stored + 1, (size_t)--s->stored_n * sizeof s->stored[0]);
            rf_event_stored(s->events, cookie, err, s->now);
            more = true;
        }
        if (s->news_lost) {
            s->news_lost = false;
            rf_event_look_at_all(s->events, s->now);
            more = true;
        }
        while (s->news_n > 0) {
            char user[64];

            memcpy(user, s->news[0], sizeof user);
            memmove(s->news, s->news + 1, (size_t)--s->news_n * sizeof s->news[0]);
            rf_event_changed(s->events, user, s->now);
            more = true;
        }
        while (s->replies > 0 && !s->relay_silent) {
            struct rf_media_reply r = s->reply[0];
            struct rf_call_layer *to = s->reply_to[0] == 0 ? s->calls : s->calls2;

            memmove(s->reply, s->reply + 1, (size_t)--s->replies * sizeof s->reply[0]);
            memmove(s->reply_to, s->reply_to + 1, (size_t)s->replies * sizeof s->reply_to[0]);
            rf_call_media_reply(to, &r, s->now);
            more = true;
        }
        more = deliver_letters(s) || more;
        for (int i = 0; i < s->phones; i++) {
            struct phone *p = &s->phone[i];

            for (int j = 0; j < p->inbox_n; j++)
                if (phone_signs_in(s, p, p->inbox[j])) {
                    free(p->inbox[j]);
                    memmove(p->inbox + j, p->inbox + j + 1, (size_t)(--p->inbox_n - j) * sizeof p->inbox[0]);
                    more = true;
                    break;
                } else if (p->inbox[j][0] != '\t') {
                    char *heard = malloc(strlen(p->inbox[j]) + 2);

                    sprintf(heard, "\t%s", p->inbox[j]); /* a tab marks what was heard */
                    free(p->inbox[j]);
                    p->inbox[j] = heard;
                    phone_hears(s, p, heard + 1);
                    more = true;
                    break;
                }
        }
    }
    depth--;
}

void
stage_elapse(struct stage *s, uint64_t us)
{
    uint64_t until = s->now + us;

    for (;;) {
        uint64_t next = rf_wheel_next_us(s->wheel);

        if (next > until) {
            s->now = until;
            rf_wheel_advance(s->wheel, until);
            stage_pump(s);
            if (rf_wheel_next_us(s->wheel) > until)
                return;
            continue;
        }
        s->now = next > s->now ? next : s->now + RF_MS;
        if (s->now > until)
            s->now = until;
        rf_wheel_advance(s->wheel, s->now);
        stage_pump(s);
        if (s->now >= until)
            return;
    }
}

int
stage_media_count(const struct stage *s)
{
    int n = 0;

    for (int i = 0; i < SLOTS; i++)
        n += s->slot[i].used;
    return n;
}

struct media_slot *
stage_media(struct stage *s)
{
    for (int i = 0; i < SLOTS; i++)
        if (s->slot[i].used)
            return &s->slot[i];
    return NULL;
}
