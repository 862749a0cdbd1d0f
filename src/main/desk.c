#include "main/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "main/metrics.h"
#include "main/sandbox.h"
#include "main/settings.h"

#define PATIENCE_US (3 * RF_S) /* a worker that has not answered by then is left out */
#define KEEP_EVERY  360        /* ticks: an hour */
#define RECORDS_MAX 500        /* call records that `calls` and `ladder --from` look through */

/* --- questions --- */

struct question {
    struct rf_link link;
    struct rf_desk *desk;
    struct rf_timer timer;
    uint64_t serial;
    unsigned open;
    json_t *answers;  /* the newest is the first */
    uint64_t newness; /* of the first */
    struct rf_control_ask *ask;
    void (*done)(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more);
    void *more;
};

static void
question_done(struct question *q)
{
    struct question copy = *q;

    rf_timer_cancel(rf_loop_wheel(q->desk->conf.loop), &q->timer);
    rf_list_remove(&q->link);
    free(q);
    copy.done(copy.desk, copy.ask, copy.answers, copy.more);
    json_decref(copy.answers);
}

static void
question_late(struct rf_timer *t, uint64_t now_us)
{
    struct question *q = rf_container(t, struct question, timer);

    RF_LOGF(RF_LOG_WARN, "control.late", "a worker did not answer a question in time", RF_F_U64("missing", q->open));
    question_done(q);
}

void
rf_desk_ask(struct rf_desk *d, enum rf_question what, const char *text, struct rf_control_ask *ask,
            void (*done)(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more), void *more)
{
    struct rf_letter_ask letter = { .head = { .kind = RF_LETTER_ASK, .from = RF_WORKERS_MAX }, .question = what,
                                    .serial = ++d->serial };
    struct question *q = d->is_ending ? NULL : calloc(1, sizeof *q);

    if (q == NULL) {
        json_t *none = json_array();

        done(d, ask, none, more);
        json_decref(none);
        return;
    }
    snprintf(letter.text, sizeof letter.text, "%s", text);
    *q = (struct question){ .desk = d, .serial = letter.serial, .answers = json_array(), .ask = ask, .done = done,
                            .more = more, .timer = { .fire = question_late } };
    rf_list_append(&d->questions, &q->link);
    if (what >= RF_ASK_ACME_LIST)
        q->open = rf_worker_post(d->conf.shared->slow, &letter, sizeof letter, rf_span(NULL, 0));
    else for (unsigned i = 0; i < d->conf.shared->workers; i++)
        q->open += rf_worker_post(d->conf.shared->worker[i]->letters, &letter, sizeof letter, rf_span(NULL, 0));
    rf_timer_arm(rf_loop_wheel(d->conf.loop), &q->timer, rf_now_us() + (q->open > 0 ? PATIENCE_US : 0));
}

void
rf_desk_letter(struct rf_desk *d, struct rf_span octets)
{
    struct rf_letter_told told;

    struct rf_letter_head head;

    memcpy(&head, octets.p, sizeof head);
    if (head.kind == RF_LETTER_CERTIFICATE) {
        rf_desk_new_certificate(d);
        return;
    }
    if (octets.n != sizeof told)
        return;
    memcpy(&told, octets.p, sizeof told);
    RF_LIST_FOREACH(&d->questions, it) {
        struct question *q = rf_container(it, struct question, link);

        if (q->serial != told.serial)
            continue;
        if (told.answer != NULL && told.newness > q->newness) {
            json_array_insert_new(q->answers, 0, told.answer);
            q->newness = told.newness;
        } else if (told.answer != NULL) {
            json_array_append_new(q->answers, told.answer);
        }
        if (--q->open == 0)
            question_done(q);
        return;
    }
    if (!rf_desk_trial_told(d, &told))
        json_decref(told.answer); /* too late */
}

/* --- calls --- */

static void
answer_calls(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    json_t *all = json_array();

    for (size_t i = 0; i < json_array_size(answers); i++)
        json_array_extend(all, json_array_get(answers, i));
    rf_control_answer(ask, all);
}

struct look {
    json_t *found;
    const char *from;
};

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

static bool
look_at_record(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct look *l = ctx;
    json_t *record = json_loadb(value.p, value.n, 0, NULL);

    if (record == NULL)
        return true;
    if (l->from == NULL || strcmp(text_of(record, "from"), l->from) == 0) {
        l->found = record;
        return false;
    }
    json_decref(record);
    return true;
}

/* The newest of what workers know and what the store has. */
static void
answer_call(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    char *id = more;
    struct look look = { 0 };
    json_t *best = json_array_get(answers, 0);

    if (best == NULL) {
        bool last = strcmp(id, "last") == 0;

        if (rf_store_load_records(d->conf.shared->store, rf_span_str(last ? "" : id), 1, look_at_record, &look) ==
            RF_OK)
            best = look.found;
    }
    if (best != NULL)
        rf_control_answer(ask, json_incref(best));
    else
        rf_control_refuse(ask, 1, "", strcmp(id, "last") == 0 ? "there was no call yet" : "there is no such call",
                          "ringfence calls lists those that are up");
    json_decref(look.found);
    free(id);
}

static void
call_show(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *id = text_of(request, "id"), *from = text_of(request, "from");

    if (from[0] != '\0') {
        struct look look = { .from = from };

        if (rf_store_load_records(d->conf.shared->store, rf_span(NULL, 0), RECORDS_MAX, look_at_record, &look) ==
                RF_OK &&
            look.found != NULL)
            rf_control_answer(ask, look.found);
        else
            rf_control_refuse(ask, 1, "", "this user has made no call that is recorded", "");
        return;
    }
    rf_desk_ask(d, RF_ASK_CALL, id[0] != '\0' ? id : "last", ask, answer_call, strdup(id[0] != '\0' ? id : "last"));
}

static void
answer_hangup(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    char *id = more;

    if (json_array_size(answers) > 0)
        rf_control_answer(ask, json_pack("{s:s}", "id", id));
    else
        rf_control_refuse(ask, 1, "", "there is no such call", "ringfence calls lists those that are up");
    free(id);
}

/* The calls of all workers are in: which one does this prefix name? Only then a call is ended. */
static void
hangup_found(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    char *prefix = more;
    const char *id = NULL;
    bool several = false;

    for (size_t i = 0; i < json_array_size(answers); i++)
        for (size_t k = 0; k < json_array_size(json_array_get(answers, i)); k++) {
            const char *its = text_of(json_array_get(json_array_get(answers, i), k), "id");

            if (prefix[0] == '\0' || strncmp(its, prefix, strlen(prefix)) != 0)
                continue;
            several = several || id != NULL;
            id = its;
        }
    if (several)
        rf_control_refuse(ask, 2, "", "several calls begin with this ID", "give more of it");
    else if (id == NULL)
        rf_control_refuse(ask, 1, "", "there is no such call", "ringfence calls lists those that are up");
    else
        rf_desk_ask(d, RF_ASK_HANGUP, id, ask, answer_hangup, strdup(id));
    free(prefix);
}

/* --- registrations --- */

struct visit {
    json_t *rows;
    const struct rf_desk *d;
    const char *user;
    int64_t now_s;
};

static void
put_binding(void *ctx, struct rf_span aor, const struct rf_binding *b)
{
    struct visit *v = ctx;
    size_t colon = rf_span_find(aor, ':');
    struct rf_span user = rf_span_sub(aor, colon + 1, aor.n);
    char address[RF_ADDR_TEXT_MAX];

    user = rf_span_sub(user, 0, rf_span_find(user, '@'));
    if (v->user[0] != '\0' && !rf_span_is(user, v->user))
        return;
    json_array_append_new(
        v->rows, json_pack("{s:s%, s:o, s:s, s:s, s:I, s:b, s:o, s:o, s:i}", "user", user.p, user.n, "contact",
                           rf_control_text(b->contact), "transport", rf_transport_name(b->transport), "source",
                           rf_addr_text(&b->source, address), "expires_s", (json_int_t)(b->expires_s - v->now_s),
                           "reachable", b->transport == RF_UDP || b->flow_id != 0, "user_agent",
                           rf_control_text(b->user_agent), "instance", rf_control_text(b->instance),
                           "reg_id", (int)b->reg_id));
}

static void
registrations(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    struct visit v = { json_array(), d, text_of(request, "user"), rf_wall_s() };

    rf_location_visit(d->conf.shared->location, v.now_s, put_binding, &v);
    rf_control_answer(ask, v.rows);
}

/* --- bans --- */

static void
ban_list(struct rf_desk *d, struct rf_control_ask *ask)
{
    struct rf_guard_ban *bans = calloc(RF_BANS_MAX, sizeof *bans);
    size_t n = bans != NULL ? rf_guard_bans(d->conf.shared->guard, rf_now_us(), bans, RF_BANS_MAX) : 0;
    json_t *rows = json_array();

    for (size_t i = 0; i < n; i++) {
        char source[RF_ADDR_TEXT_MAX + 4];
        struct rf_buf b = rf_buf(source, sizeof source - 1);

        rf_put_host(&b, &bans[i].source, false);
        if (bans[i].source.sa.sa_family == AF_INET6)
            rf_put_str(&b, "/64");
        source[b.n] = '\0';
        json_array_append_new(rows, json_pack("{s:s, s:i, s:i, s:s}", "source", source, "left_s", (int)bans[i].left_s,
                                              "times", (int)bans[i].level, "reason", bans[i].reason));
    }
    free(bans);
    rf_control_answer(ask, rows);
}

static void
ban_lift(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    struct rf_span text = rf_span_str(text_of(request, "source"));
    struct rf_addr source;

    if (rf_addr_parse(rf_span_sub(text, 0, rf_span_find(text, '/')), 0, &source) != RF_OK) {
        rf_control_refuse(ask, 2, "", "an address is wanted, such as 192.0.2.7", "ringfence ban lists them");
        return;
    }
    if (!rf_guard_unban(d->conf.shared->guard, &source, rf_now_us())) {
        rf_control_refuse(ask, 1, "", "this source is not banned", "ringfence ban lists those that are");
        return;
    }
    RF_LOGF(RF_LOG_INFO, "guard.lifted", "a ban was lifted by command", RF_F_SPAN("source", text));
    rf_control_answer(ask, json_pack("{s:s%}", "source", text.p, text.n));
}

/* --- metrics --- */

static void
metrics(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    bool is_json = json_is_true(json_object_get(request, "json"));
    struct rf_span text;

    if (rf_metrics_make(d->conf.shared, d->site, is_json, &text) != RF_OK) {
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_OVERLOAD)->code, "out of memory", "try again");
        return;
    }
    rf_control_answer(ask, is_json ? json_loadb(text.p, text.n, 0, NULL) : json_stringn(text.p, text.n));
    free((void *)(uintptr_t)text.p);
}

/* --- status --- */

static json_t *
listeners(const struct rf_site *s)
{
    static const char *const names[] = { "udp", "tcp", "tls", "ws", "wss" };
    json_t *list = json_array();

    for (size_t i = 0; i < s->listener_count; i++) {
        char address[RF_ADDR_TEXT_MAX];

        json_array_append_new(list, json_sprintf("%s:%s", names[s->listener[i].transport],
                                                 rf_addr_text(&s->listener[i].addr, address)));
    }
    return list;
}

static json_t *
refusals(void)
{
    json_t *o = json_object();

    for (int r = 1; r < RF_REFUSAL_COUNT; r++)
        if (rf_refusal_count((enum rf_refusal)r) > 0)
            json_object_set_new(o, rf_refusal_row((enum rf_refusal)r)->code,
                                json_integer((json_int_t)rf_refusal_count((enum rf_refusal)r)));
    return o;
}

/* What has a limit for the whole daemon: how much of it is taken. */
static json_t *
shares(const struct rf_desk *d)
{
    const struct rf_signal *s = d->conf.shared;
    const struct rf_conf *c = d->site->conf;
    struct rf_guard_counts guard = rf_guard_counts(s->guard);

    return json_pack("{s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I}}", "calls", "now",
                     (json_int_t)rf_quota_all(s->calls), "max", (json_int_t)rf_conf_number(c, "calls-max"), "users",
                     (json_int_t)rf_quota_names(s->calls), "connections", "now",
                     (json_int_t)rf_quota_all(s->connections), "max",
                     (json_int_t)rf_conf_number(c, "sip.connections-max"), "sources",
                     (json_int_t)rf_quota_names(s->connections), "guard", "sources", (json_int_t)guard.sources,
                     "banned", (json_int_t)guard.banned, "bans", (json_int_t)guard.bans, "refused",
                     (json_int_t)guard.refused);
}

static json_int_t
sum(const json_t *answers, const char *key)
{
    json_int_t n = 0;

    for (size_t i = 0; i < json_array_size(answers); i++)
        n += json_integer_value(json_object_get(json_array_get(answers, i), key));
    return n;
}

/* What is wrong and stays so until somebody mends it. */
static json_t *
problems(const struct rf_site *site)
{
    const struct rf_site_fault *f = &site->ifaces->fault;
    json_t *list = json_array();

    if (f->code != RF_REFUSE_NONE)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "code", rf_refusal_row(f->code)->code, "sentence",
                                              f->sentence, "effect", f->effect, "fix", rf_site_fault_fix(f)));
    return list;
}

static void
answer_status(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    const struct rf_launch *l = d->conf.shared->launch;
    struct rf_location_counts where = rf_location_counts(d->conf.shared->location);
    struct rf_store_counts store;
    json_t *o = json_object();

    rf_store_counts(d->conf.shared->store, &store);
    json_object_set_new(o, "version", json_string(RF_VERSION));
    json_object_set_new(o, "pid", json_integer(getppid()));
    json_object_set_new(o, "uptime_s", json_integer(rf_wall_s() - l->started_wall_s));
    json_object_set_new(o, "signal_starts", json_integer((json_int_t)l->epoch));
    json_object_set_new(o, "listen", listeners(d->site));
    json_object_set_new(o, "calls", json_integer(sum(answers, "calls")));
    json_object_set_new(o, "calls_encrypted", json_integer(sum(answers, "calls_encrypted")));
    json_object_set_new(o, "aors", json_integer((json_int_t)where.aors));
    json_object_set_new(o, "bindings", json_integer((json_int_t)where.bindings));
    json_object_set_new(o, "connections", json_integer(sum(answers, "connections")));
    json_object_set_new(o, "tls_connections", json_integer(sum(answers, "tls_connections")));
    json_object_set_new(o, "users", json_integer((json_int_t)rf_directory_count(d->site->users)));
    json_object_set_new(o, "workers", json_integer(l->workers));
    json_object_set_new(o, "media_threads", json_integer(l->threads));
    json_object_set_new(o, "sandbox", json_string(rf_sandbox_text()));
    json_object_set_new(o, "store", json_pack("{s:I, s:I, s:I, s:I, s:s}", "writes", (json_int_t)store.writes,
                                              "commits", (json_int_t)store.commits, "failed",
                                              (json_int_t)store.failed, "queued", (json_int_t)store.queued, "last_why",
                                              store.last_error ? store.last_why : ""));
    json_object_set_new(o, "refused", refusals());
    json_object_set_new(o, "shares", shares(d));
    json_object_set_new(o, "threads", rf_pulse_show(d->conf.shared->pulse, rf_now_us()));
    json_object_set_new(o, "problems", problems(d->site));
    json_object_set(o, "worker", answers);
    rf_control_answer(ask, o);
}

/* Calls and how many are encrypted, for the line of the service manager. */
static void
note_calls(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    struct rf_location_counts where = rf_location_counts(d->conf.shared->location);
    char text[160];

    snprintf(text, sizeof text, "%lld calls, %lld encrypted, %llu registered", (long long)sum(answers, "calls"),
             (long long)sum(answers, "calls_encrypted"), (unsigned long long)where.bindings);
    (void)rf_channel_send(d->conf.channel, RF_SAY_STATUS, 0, text, -1);
}

void
rf_desk_tick(struct rf_desk *d, uint64_t now_us)
{
    rf_desk_ask(d, RF_ASK_NUMBERS, "", NULL, note_calls, NULL);
    if (d->ticks++ % KEEP_EVERY == 0)
        rf_desk_keep_records(d); /* records grow old where no call comes, too */
}

/* --- the table --- */

static void
on_command(void *ctx, struct rf_control_ask *ask, const json_t *request)
{
    struct rf_desk *d = ctx;

    if (!rf_desk_defer(d, ask, text_of(request, "command"), request))
        rf_desk_command(d, ask, request);
}

void
rf_desk_command(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *command = text_of(request, "command");

    if (rf_desk_route_command(d, ask, command, request) || rf_desk_record_command(d, ask, command, request) ||
        rf_desk_secret_command(d, ask, command, request) || rf_desk_event_command(d, ask, command, request) ||
        rf_desk_object_command(d, ask, command, request))
        return;
    if (strcmp(command, "status") == 0)
        rf_desk_ask(d, RF_ASK_NUMBERS, "", ask, answer_status, NULL);
    else if (strcmp(command, "metrics") == 0)
        metrics(d, ask, request);
    else if (strcmp(command, "calls") == 0)
        rf_desk_ask(d, RF_ASK_CALLS, "", ask, answer_calls, NULL);
    else if (strcmp(command, "call.show") == 0 || strcmp(command, "ladder") == 0)
        call_show(d, ask, request);
    else if (strcmp(command, "call.hangup") == 0)
        rf_desk_ask(d, RF_ASK_CALLS, "", ask, hangup_found, strdup(text_of(request, "id")));
    else if (strcmp(command, "registrations") == 0)
        registrations(d, ask, request);
    else if (strcmp(command, "ban.list") == 0)
        ban_list(d, ask);
    else if (strcmp(command, "ban.lift") == 0)
        ban_lift(d, ask, request);
    else if (strcmp(command, "reload") == 0)
        rf_desk_apply(d, ask, NULL, NULL, 0, 0);
    else if (strcmp(command, "stop") == 0) {
        int64_t drain_s = 0;

        if (text_of(request, "drain")[0] != '\0' &&
            rf_duration_parse(rf_span_str(text_of(request, "drain")), &drain_s) != RF_OK) {
            rf_control_refuse(ask, 2, "", "--drain takes a time such as 30s or 5m", "");
            return;
        }
        rf_control_answer(ask, json_object());
        d->conf.stop(d->conf.ctx, (uint32_t)drain_s);
    } else if (!rf_desk_acme_command(d, ask, command, request) &&
               !rf_desk_settings_command(d, ask, command, request) &&
               !rf_desk_cert_command(d, ask, command, request)) {
        rf_control_refuse(ask, 2, "", "the daemon does not know this command",
                          "use the ringfence program of its version");
    }
}

/* What devices used longer ago than anybody asks. */
static void
forget_devices(struct rf_desk *d)
{
    const struct rf_store_write write = { .op = RF_STORE_USE_EXPIRE, .expires_s = rf_wall_s() };

    (void)!rf_store_write(d->conf.shared->store, &write, 1, NULL, NULL, 0);
}

static void
on_sweep(struct rf_timer *t, uint64_t now_us)
{
    struct rf_desk *d = rf_container(t, struct rf_desk, sweep);

    rf_location_sweep(d->conf.shared->location, rf_wall_s());
    if (now_us >= d->expiry_at_us) {
        rf_expiry_look(d->expiry, d->site->ifaces, rf_wall_s());
        d->expiry_at_us = now_us + 3600 * RF_S;
        forget_devices(d);
    }
    rf_timer_arm(rf_loop_wheel(d->conf.loop), t, now_us + RF_S);
}

enum rf_err
rf_desk_new(struct rf_desk **out, const struct rf_desk_conf *conf)
{
    const struct rf_launch *l = conf->shared->launch;
    struct rf_desk *d = calloc(1, sizeof *d);
    enum rf_err err;

    if (d == NULL)
        return RF_ERR_NOMEM;
    d->conf = *conf;
    d->site = rf_site_ref(conf->site);
    rf_list_init(&d->questions);
    rf_list_init(&d->trials);
    err = rf_desk_changes_init(d);
    if (!err)
        err = rf_control_new(&d->control, conf->loop, rf_launch_find(l, RF_FD_CONTROL, 0, 0), geteuid(), getegid(),
                             on_command, d);
    if (err) {
        rf_desk_free(d);
        return err;
    }
    d->sweep.fire = on_sweep;
    rf_timer_arm(rf_loop_wheel(conf->loop), &d->sweep, rf_now_us() + RF_S);
    *out = d;
    return RF_OK;
}

void
rf_desk_end(struct rf_desk *d)
{
    if (d == NULL)
        return;
    d->is_ending = true;
    rf_control_end(d->control);
    rf_desk_trials_end(d);
    rf_desk_changes_end(d);
    while (!rf_list_empty(&d->questions))
        question_done(rf_container(d->questions.next, struct question, link));
}

void
rf_desk_free(struct rf_desk *d)
{
    if (d == NULL)
        return;
    rf_desk_end(d);
    rf_timer_cancel(rf_loop_wheel(d->conf.loop), &d->sweep);
    rf_desk_changes_fini(d);
    rf_control_free(d->control);
    rf_site_unref(d->site);
    free(d);
}
