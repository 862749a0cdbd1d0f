/*
 * event/mailbox.c - how many messages wait for a user, as a voice mail system says it
 *
 * It says so in one of two ways, both with a simple-message-summary (RFC 3842): PUBLISH to the user's address (RFC
 * 3903), or NOTIFY there outside of any dialog, as most systems do. Who may is a setting of the user or of the SIP
 * connection by which the system is known: may-set-mailboxes. A NOTIFY counts until the next word; a publication until
 * it expires.
 */
#include <stdlib.h>

#include "base/json.h"
#include "event/layer.h"

#define PUBLISHES_MAX 4096 /* that wait for the disk at once; more get 503 */

struct publish {
    struct rf_link link; /* in layer.publishes */
    struct rf_event_layer *l;
    struct rf_server_txn *txn; /* NULL: it ended first */
    uint64_t serial;
    char user[64];
    bool is_removed;
    struct rf_mailbox_state state;
    uint32_t expires_s;
};

static void
txn_ended(void *owner)
{
    ((struct publish *)owner)->txn = NULL;
}

static const struct rf_server_txn_events txn_events = { .ended = txn_ended };

static void
publish_free(struct publish *p)
{
    if (p->txn != NULL)
        rf_server_txn_own(p->txn, NULL, NULL);
    rf_list_remove(&p->link);
    p->l->publish_count--;
    free(p);
}

void
publishes_free(struct rf_event_layer *l)
{
    if (l->publishes.next != NULL)
        RF_LIST_FOREACH (&l->publishes, it)
            publish_free(rf_container(it, struct publish, link));
}

/* --- kept --- */

void
rf_mailbox_put(struct rf_buf *b, const struct rf_mailbox_state *m)
{
    rf_json_open(b, NULL, '{');
    rf_json_u64(b, "new", m->counts.fresh);
    rf_json_u64(b, "old", m->counts.old);
    rf_json_u64(b, "urgent_new", m->counts.urgent_fresh);
    rf_json_u64(b, "urgent_old", m->counts.urgent_old);
    rf_json_u64(b, "until_s", (uint64_t)m->until_s);
    rf_json_str(b, "etag", m->etag);
    rf_json_str(b, "by", m->by);
    rf_json_close(b, '}');
    *b = (struct rf_buf){ b->p, rf_json_text(b).n, b->cap, b->overflow };
}

static bool
take_count(const json_t *o, const char *name, uint32_t *out)
{
    json_int_t v = json_integer_value(json_object_get(o, name));

    *out = (uint32_t)v;
    return v >= 0 && v <= RF_MESSAGES_MAX;
}

enum rf_err
rf_mailbox_parse(struct rf_span value, struct rf_mailbox_state *out)
{
    json_t *o = json_loadb(value.p != NULL ? value.p : "", value.n, 0, NULL);
    const char *etag = json_string_value(json_object_get(o, "etag")), *by = json_string_value(json_object_get(o, "by"));
    json_int_t until = json_integer_value(json_object_get(o, "until_s"));
    enum rf_err err = RF_OK;

    *out = (struct rf_mailbox_state){ .until_s = until };
    if (!json_is_object(o) || until < 0 || !take_count(o, "new", &out->counts.fresh) ||
        !take_count(o, "old", &out->counts.old) || !take_count(o, "urgent_new", &out->counts.urgent_fresh) ||
        !take_count(o, "urgent_old", &out->counts.urgent_old) || etag == NULL || strlen(etag) >= sizeof out->etag ||
        by == NULL || strlen(by) >= sizeof out->by) {
        err = RF_ERR_SYNTAX;
    } else {
        snprintf(out->etag, sizeof out->etag, "%s", etag);
        snprintf(out->by, sizeof out->by, "%s", by);
    }
    json_decref(o);
    return err;
}

/* --- may they? --- */

static bool
may_set(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_call_party *who, uint64_t now_us)
{
    struct rf_call_env *env = &l->env.call;
    const char *name = who->connection != NULL ? who->connection->name : who->user;
    struct rf_call_user user;
    bool may = who->connection != NULL ? who->connection->sets_mailboxes
                                       : l->env.may_set_mailboxes(env->ctx, who->user);

    if (!may) {
        rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_FORBIDDEN, 0, name,
                               (const struct rf_log_field[]){ RF_F_STR("what", "setting the messages of a user"),
                                                              RF_F_STR("who", name),
                                                              RF_F_STR("reason", "may-set-mailboxes is off"),
                                                              { 0 } },
                               now_us);
        return false;
    }
    if (!env->user(env->ctx, rf_span_str(who->dialled), &user)) {
        rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_NOT_FOUND, 0, name,
                               (const struct rf_log_field[]){ RF_F_STR("number", who->dialled), { 0 } }, now_us);
        return false;
    }
    rf_wipe(&user, sizeof user);
    return true;
}

/* --- what it says --- */

/* The counts of its body, in *out; false: answered. has_body false: there is none. */
static bool
check_body(struct rf_server_txn *txn, const struct rf_sip_msg *msg, struct rf_message_counts *out, uint64_t now_us)
{
    if (!rf_sip_content_is(msg, package_type[PACKAGE_SUMMARY])) {
        rf_server_txn_reply(txn, 415, NULL, RF_SPAN_LIT("Accept: application/simple-message-summary\r\n"), now_us);
        return false;
    }
    if (rf_summary_parse(msg->body, out) == RF_OK)
        return true;
    rf_server_txn_reply(txn, 400, "Bad Message Summary", rf_span(NULL, 0), now_us);
    return false;
}

/* RFC 3903 6: which publication is meant, and for how long; false: answered. */
static bool
check_publication(struct rf_event_layer *l, struct publish *p, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_span match = rf_sip_value(msg, RF_HDR_SIP_IF_MATCH);
    struct rf_mailbox_state now;
    char text[48];

    (void)rf_event_board_mailbox(l->env.board, p->user, &now);
    if (match.p != NULL && (now.etag[0] == '\0' || !rf_span_is(match, now.etag))) {
        rf_server_txn_reply(p->txn, 412, NULL, rf_span(NULL, 0), now_us);
        return false;
    }
    if (match.p == NULL && msg->body.n == 0) {
        rf_server_txn_reply(p->txn, 400, "No Body", rf_span(NULL, 0), now_us);
        return false;
    }
    if (rf_sip_seconds(msg, RF_HDR_EXPIRES, layer_settings(l)->expires_max_s, &p->expires_s) != RF_OK) {
        rf_server_txn_reply(p->txn, 400, NULL, rf_span(NULL, 0), now_us);
        return false;
    }
    if (p->expires_s > 0 && p->expires_s < EXPIRES_MIN_S) {
        snprintf(text, sizeof text, "Min-Expires: %d\r\n", EXPIRES_MIN_S);
        rf_server_txn_reply(p->txn, 423, NULL, rf_span_str(text), now_us);
        return false;
    }
    if (p->expires_s > layer_settings(l)->expires_max_s)
        p->expires_s = layer_settings(l)->expires_max_s;
    p->state.counts = now.counts;
    p->is_removed = p->expires_s == 0;
    p->state.until_s = layer_wall_s(l) + p->expires_s;
    return true;
}

static void
put_etag(struct rf_event_layer *l, char etag[static 20])
{
    struct rf_buf b = rf_buf(etag, 19);
    uint8_t octets[8];

    rf_rand_fill(l->env.call.rand, octets, sizeof octets);
    rf_put_hex(&b, octets, sizeof octets);
    etag[b.n] = '\0';
}

static bool
keep(struct publish *p)
{
    struct rf_event_env *env = &p->l->env;
    char text[512];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (p->is_removed)
        return env->store(env->call.ctx, RF_EVENT_MAILBOX, rf_span_str(p->user), rf_span(NULL, 0), p->serial) == RF_OK;
    rf_mailbox_put(&b, &p->state);
    return !b.overflow &&
           env->store(env->call.ctx, RF_EVENT_MAILBOX, rf_span_str(p->user), rf_buf_span(&b), p->serial) == RF_OK;
}

static struct publish *
find(struct rf_event_layer *l, uint64_t serial)
{
    RF_LIST_FOREACH (&l->publishes, it)
        if (rf_container(it, struct publish, link)->serial == serial)
            return rf_container(it, struct publish, link);
    return NULL;
}

static void
answer(struct publish *p, uint64_t now_us)
{
    char text[96] = "";

    if (p->txn == NULL)
        return;
    if (rf_server_txn_request(p->txn)->method == RF_SIP_PUBLISH)
        snprintf(text, sizeof text, "SIP-ETag: %s\r\nExpires: %u\r\n", p->state.etag, (unsigned)p->expires_s);
    rf_server_txn_reply(p->txn, 200, NULL, rf_span_str(text), now_us);
}

bool
publish_stored(struct rf_event_layer *l, uint64_t cookie, enum rf_err err, uint64_t now_us)
{
    struct publish *p = find(l, cookie);
    char user[64];
    struct rf_mailbox_state state;
    bool is_removed;

    if (p == NULL)
        return false;
    memcpy(user, p->user, sizeof user);
    state = p->state;
    is_removed = p->is_removed;
    if (!err)
        answer(p, now_us);
    else if (p->txn != NULL)
        rf_call_refuse_request(l->env.calls, p->txn, RF_REFUSE_STORE_FAILED, 0, user,
                               (const struct rf_log_field[]){ RF_F_STR("reason", rf_err_text(err)), { 0 } }, now_us);
    publish_free(p);
    if (!err && rf_event_board_set_mailbox(l->env.board, user, is_removed ? NULL : &state) == RF_OK)
        RF_LOGF(RF_LOG_DEBUG, "mailbox.set", "the messages that wait for a user are others", RF_F_STR("user", user),
                RF_F_STR("by", state.by), RF_F_U64("new", is_removed ? 0 : state.counts.fresh));
    return true;
}

static struct publish *
publish_new(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_call_party *who)
{
    struct publish *p = l->publish_count < PUBLISHES_MAX ? calloc(1, sizeof *p) : NULL;

    if (p == NULL)
        return NULL;
    p->l = l;
    p->txn = txn;
    p->serial = ++l->serial;
    snprintf(p->user, sizeof p->user, "%s", who->dialled);
    snprintf(p->state.by, sizeof p->state.by, "%s", who->connection != NULL ? who->connection->name : who->user);
    rf_list_append(&l->publishes, &p->link);
    l->publish_count++;
    return p;
}

void
publish_request(struct rf_event_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    bool is_publish = msg->method == RF_SIP_PUBLISH;
    struct rf_sip_event event;
    struct rf_call_party who;
    struct publish *p;

    if (rf_sip_event_parse(rf_sip_value(msg, RF_HDR_EVENT), &event) != RF_OK ||
        !rf_span_is(event.package, package_name[PACKAGE_SUMMARY])) {
        rf_server_txn_reply(txn, is_publish ? 489 : 481, NULL,
                            is_publish ? RF_SPAN_LIT("Allow-Events: message-summary\r\n") : rf_span(NULL, 0), now_us);
        return;
    }
    if (!rf_call_party_of(l->env.calls, txn, msg, &who, now_us) || !may_set(l, txn, &who, now_us))
        return;
    p = publish_new(l, txn, &who);
    if (p == NULL) {
        rf_server_txn_reply(txn, 503, NULL, RF_SPAN_LIT("Retry-After: 5\r\n"), now_us);
        return;
    }
    if ((is_publish && !check_publication(l, p, msg, now_us)) ||
        ((!is_publish || msg->body.n > 0) && !check_body(txn, msg, &p->state.counts, now_us))) {
        p->txn = NULL;
        publish_free(p);
        return;
    }
    if (is_publish)
        put_etag(l, p->state.etag);
    rf_server_txn_own(txn, &txn_events, p);
    if (keep(p))
        return;
    rf_server_txn_own(txn, NULL, NULL);
    p->txn = NULL;
    rf_call_refuse_request(l->env.calls, txn, RF_REFUSE_STORE_FAILED, 0, who.user,
                           (const struct rf_log_field[]){ RF_F_STR("reason", "the queue of the store is full"), { 0 } },
                           now_us);
    publish_free(p);
}

/* --- what nobody renewed --- */

#define AT_ONCE 64

struct stale {
    int64_t now_s;
    size_t n;
    char user[AT_ONCE][64];
};

static void
look(void *ctx, const char *user, const struct rf_mailbox_state *m)
{
    struct stale *s = ctx;

    if (m->until_s != 0 && m->until_s <= s->now_s && s->n < AT_ONCE)
        snprintf(s->user[s->n++], sizeof s->user[0], "%s", user);
}

void
rf_event_expire_mailboxes(struct rf_event_layer *l)
{
    struct rf_event_env *env = &l->env;
    struct stale s = { .now_s = layer_wall_s(l) };

    rf_event_board_visit_mailboxes(env->board, look, &s);
    for (size_t i = 0; i < s.n; i++)
        if (env->store(env->call.ctx, RF_EVENT_MAILBOX, rf_span_str(s.user[i]), rf_span(NULL, 0), 0) == RF_OK)
            (void)!rf_event_board_set_mailbox(env->board, s.user[i], NULL);
}
