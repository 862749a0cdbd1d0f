/*
 * tests/play/stage.c - see stage.h
 */
#include <stdio.h>
#include <stdlib.h>

#include "play/stage_env.h"

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
    struct rf_call_env env;
    struct rf_event_env events;

    stage_env(s, &env, &events);
    if (rf_wheel_new(&s->wheel, s->now) != RF_OK || rf_auth_new(&s->auth, &s->rand, &auth) != RF_OK ||
        rf_txn_layer_new(&s->txn, s->wheel, &s->rand, &limits, &user) != RF_OK)
        abort();
    env.wheel = s->wheel;
    env.txn = s->txn;
    env.auth = s->auth;
    if (rf_call_layer_new(&s->calls, &env) != RF_OK)
        abort();
    if (rf_event_board_new(&s->lamps, &s->rand, stage_lamp_changed, s) != RF_OK)
        abort();
    if (s->workers > 1) {
        const struct rf_txn_user user2 = { s, on_request2, on_ack2, on_stray2, NULL };
        struct rf_call_env env2 = env;

        if (rf_txn_layer_new(&s->txn2, s->wheel, &s->rand, &limits, &user2) != RF_OK)
            abort();
        env2.txn = s->txn2;
        env2.worker = 1;
        stage_env_second(&env2);
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
    stage_receive(s, p->wire, &msg);
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
        more = stage_give_path(s);
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
        more = stage_deliver_letters(s) || more;
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
