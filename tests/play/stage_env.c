/*
 * tests/play/stage_env.c - what a worker's layers ask of the outside, on a stage: settings and users, paths to phones, a relay that
 * keeps notes, letters between two workers, a store in memory
 */
#include <stdio.h>
#include <stdlib.h>

#include "event/watchers.h"
#include "play/stage_env.h"

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

bool
stage_give_path(struct stage *s)
{
    RF_LIST_FOREACH(&s->paths, it) {
        struct rf_path *path = rf_container(it, struct rf_path, link);

        if (!path->is_wanted || s->slow_paths)
            continue;
        give_path(path);
        return true; /* it may have ended others: the list is walked anew */
    }
    return false;
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

/* The relay has said that there is no such session, and who asked has not heard it yet: after a restart a call that had
 * just ended is looked for once more. */
static bool
gone_is_on_its_way(const struct stage *s, struct rf_media_name name)
{
    for (int i = 0; i < s->replies; i++)
        if (s->reply[i].event == RF_MEDIA_GONE && s->reply[i].session.slot == name.slot &&
            s->reply[i].session.generation == name.generation)
            return true;
    return false;
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
        if (slot == NULL) {
            if (!gone_is_on_its_way(s, r->session))
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

/* who: of an INVITE that is passed. */
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
    l->is_passed = who != NULL;
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
handle(struct stage *s, uint16_t here, bool is_posted, struct wire *wire, const struct rf_sip_msg *msg)
{
    static const struct rf_hash_key key;
    uint16_t home = rf_call_owner(&key, msg->call_id, (uint16_t)s->workers);
    uint16_t next = rf_call_guests_next(s->guests, msg, home, here, is_posted);

    if (next == here)
        rf_txn_received(here == 0 ? s->txn : s->txn2, msg, &wire->flow, s->now);
    else if (!send_letter(s, here, next, wire, msg->raw, NULL))
        stage_wrong(s, "there are too many letters");
}

void
stage_receive(struct stage *s, struct wire *wire, const struct rf_sip_msg *msg)
{
    static const struct rf_hash_key key;
    uint16_t home = rf_call_owner(&key, msg->call_id, (uint16_t)s->workers);

    handle(s, rf_call_guests_next(s->guests, msg, home, home, false), false, wire, msg);
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
    if (!l->is_passed) {
        if (l->wire->phone != NULL)
            handle(s, l->to, true, l->wire, &msg);
        return;
    }
    rf_call_pass_begin(calls, &l->who);
    if (l->wire->phone != NULL)
        rf_txn_received(l->to == 0 ? s->txn : s->txn2, &msg, &l->wire->flow, s->now);
    rf_call_pass_end(calls, &msg);
}

bool
stage_deliver_letters(struct stage *s)
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

void
stage_lamp_changed(void *ctx, const char *user, uint16_t worker)
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

void
stage_env(struct stage *s, struct rf_call_env *call, struct rf_event_env *event)
{
    *call = (struct rf_call_env){ .ctx = s, .rand = &s->rand, .location = s->location, .media_map = s->map,
                                  .worker = 0, .workers = (uint16_t)s->workers, .guests = s->guests,
                                  .settings = env_settings, .user = env_user, .routing = env_routing,
                                  .answer_challenge = env_answer_challenge, .board = s->board,
                                  .our_address = env_our_address, .path_new = env_path_new,
                                  .path_next = env_path_next, .path_aside = env_path_aside, .path_end = env_path_end,
                                  .udp_max = env_udp_max, .judge_message = env_judge_message, .media = env_media,
                                  .save = env_save, .record = env_record, .wall_s = env_wall_s, .post = env_post,
                                  .pass = env_pass, .may_take = env_may_take, .dialog = env_dialog };
    *event = (struct rf_event_env){ .quota = s->subscriptions, .settings = env_event_settings,
                                   .may_watch = env_may_watch, .may_set_mailboxes = env_may_set_mailboxes,
                                   .store = env_store };
}

void
stage_env_second(struct rf_call_env *call)
{
    call->media = env_media2;
    call->post = env_post2;
}
