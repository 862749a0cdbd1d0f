/*
 * main/changedesk.c - a change of the configuration, from its command to its answer
 *
 * The parent reads the certificates that the new configuration names and binds its listeners; then everything is
 * loaded and judged; then it is written; then it is in force. What is refused at any step leaves no trace. One change
 * at a time: commands that come meanwhile wait their turn, so that each stands on what the one before left.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "main/desk.h"
#include "main/settings.h"

#define TAKEN_WITHIN_US 500000ull /* far less than the silence for which the parent would end us */

/* A change of the configuration between its command and its answer. What is written is a copy; it may hold secrets. */
struct rf_desk_change {
    uint32_t number;
    struct rf_control_ask *ask;
    char *layer;                 /* NULL: it stays */
    bool is_edit;                /* nobody has seen it as a text */
    int64_t trust_version;
    struct rf_store_write write[RF_DESK_WRITES_MAX];
    size_t write_count;
    char *octets;                /* of the writes */
    size_t octet_count;
};

/* A command that waits for the change under way. */
struct deferred {
    struct rf_link link;
    struct rf_control_ask *ask;
    json_t *request;
};

struct changes {
    json_t *list;
};

static void
put_change(void *ctx, const char *name, const char *was, const char *is, bool needs_restart)
{
    struct changes *c = ctx;

    json_t *change = json_pack("{s:s, s:s, s:s, s:b}", "name", name, "was", was, "is", is, "needs_restart",
                               needs_restart);

    if (needs_restart) {
        json_object_set_new(change, "code", json_string(rf_refusal_row(RF_REFUSE_NEEDS_RESTART)->code));
        RF_REFUSE(NEEDS_RESTART, RF_F_STR("setting", name), RF_F_STR("value", is));
    }
    json_array_append_new(c->list, change);
}

void
rf_desk_keep_records(struct rf_desk *d)
{
    const struct rf_conf *c = d->site->conf;

    rf_store_keep_records(d->conf.shared->store, rf_conf_number(c, "call-records.max"),
                          rf_conf_number(c, "call-records.age"));
}

/* New settings for what the workers share; each of them locks inside. */
static void
change_shared(struct rf_desk *d)
{
    const struct rf_conf *c = d->site->conf;
    struct rf_location_limits limits;
    struct rf_auth_settings auth;
    struct rf_guard_limits guard;

    rf_signal_guard_limits(c, &guard);
    rf_guard_set_limits(d->conf.shared->guard, &guard);
    rf_signal_limits(c, &limits, &auth);
    rf_location_change(d->conf.shared->location, &limits);
    rf_auth_change(d->conf.shared->auth, &auth);
    rf_desk_keep_records(d);
}

static bool
give_site(struct rf_desk *d, struct rf_mailbox *to)
{
    struct rf_letter_site letter = { .head = { .kind = RF_LETTER_SITE, .from = RF_WORKERS_MAX },
                                     .site = rf_site_ref(d->site) };
    bool is_given = rf_desk_give(to, &letter, sizeof letter);

    if (!is_given)
        rf_site_unref(letter.site);
    return is_given;
}

/* To who accepts connections, and counted: the count is there before the letter, or its taker would go below nothing. */
static void
give_counted(struct rf_desk *d, struct rf_mailbox *to)
{
    atomic_fetch_add(&d->conf.shared->sites_under_way, 1);
    if (!give_site(d, to))
        atomic_fetch_sub(&d->conf.shared->sites_under_way, 1);
}

static void
give_to_workers(struct rf_desk *d)
{
    for (unsigned i = 0; i < d->conf.shared->workers; i++)
        give_counted(d, d->conf.shared->worker[i]->letters);
    give_counted(d, d->conf.shared->web);
    (void)give_site(d, d->conf.shared->slow);
}

/* Whoever was told that a change is in force tries it at once. A thread that is busy for longer than this has it later. */
static void
wait_for_takers(struct rf_desk *d)
{
    uint64_t until_us = rf_now_us() + TAKEN_WITHIN_US;

    while (atomic_load(&d->conf.shared->sites_under_way) > 0 && rf_now_us() < until_us)
        usleep(200);
}

static void
change_free(struct rf_desk_change *c)
{
    if (c == NULL)
        return;
    if (c->layer != NULL)
        rf_wipe(c->layer, strlen(c->layer));
    free(c->layer);
    if (c->octets != NULL)
        rf_wipe(c->octets, c->octet_count);
    free(c->octets);
    free(c);
}

/* The change is over, one way or the other: the next one's turn. */
static void
change_done(struct rf_desk *d)
{
    struct deferred *next;
    struct deferred copy;

    change_free(d->change);
    d->change = NULL;
    if (rf_list_empty(&d->deferred)) {
        if (d->has_new_certificate)
            rf_desk_new_certificate(d);
        return;
    }
    next = rf_container(d->deferred.next, struct deferred, link);
    rf_list_remove(&next->link);
    copy = *next;
    free(next);
    rf_desk_command(d, copy.ask, copy.request);
    json_decref(copy.request);
    /* One that was refused at once makes no change: go on with those behind it. */
    if (d->change == NULL && (!rf_list_empty(&d->deferred) || d->has_new_certificate))
        change_done(d);
}

static void
change_refused(struct rf_desk *d, enum rf_err err, const struct rf_conf_problem *p)
{
    char sentence[1600];
    struct rf_buf b = rf_buf(sentence, sizeof sentence - 1);

    rf_desk_forget_listeners(d);
    (void)rf_channel_send(d->conf.channel, RF_SAY_RELOADED, 0, NULL, -1);
    rf_conf_put_problem(&b, p);
    sentence[b.n] = '\0';
    rf_config_refuse(p, sentence);
    atomic_store(&d->conf.shared->reload_failed, true);
    if (d->change == NULL || d->change->ask == NULL)
        return;
    if (d->change->is_edit)
        rf_desk_refuse_edit(d->change->ask, err, p, "");
    else
        rf_desk_refuse(d->change->ask, err, p);
}

void
rf_desk_refuse(struct rf_control_ask *ask, enum rf_err err, const struct rf_conf_problem *p)
{
    char sentence[1600];
    struct rf_buf b = rf_buf(sentence, sizeof sentence - 1);

    rf_conf_put_problem(&b, p);
    sentence[b.n] = '\0';
    if (p->code != RF_REFUSE_NONE)
        rf_control_refuse(ask, p->code == RF_REFUSE_LOCKED_BY_HOSTED ? 6 : 3, rf_refusal_row(p->code)->code, sentence,
                          rf_config_fix(p->code));
    else
        rf_control_refuse(ask, err == RF_ERR_NOT_FOUND && p->at.line == 0 ? 2 : 3,
                          rf_refusal_row(RF_REFUSE_CONFIG_INVALID)->code, sentence,
                          "ringfence config check FILE; what runs stays as it was");
}

/* false: it is not on disk, and that was answered. */
static bool
write_change(struct rf_desk *d, struct rf_desk_change *c)
{
    struct rf_store *store = d->conf.shared->store;
    struct rf_store_counts before, after;
    enum rf_err err;

    rf_store_counts(store, &before);
    err = rf_store_write(store, c->write, c->write_count, NULL, NULL, 0);
    if (!err)
        err = rf_store_flush(store);
    rf_store_counts(store, &after);
    if (!err && after.failed == before.failed)
        return true;
    if (c->ask != NULL)
        rf_control_refuse(c->ask, 1, rf_refusal_row(RF_REFUSE_STORE_FAILED)->code,
                          after.last_why[0] != '\0' ? after.last_why : "the change could not be written to disk",
                          "free space below the state directory");
    return false;
}

/* Memory follows the store. */
static void
forget_bindings(struct rf_desk *d, const struct rf_desk_change *c)
{
    for (size_t i = 0; i < c->write_count; i++)
        if (c->write[i].op == RF_STORE_BINDING_DELETE)
            rf_location_reload(d->conf.shared->location, c->write[i].key, rf_wall_s());
}

static void
say_warnings(const struct rf_ifaces *s)
{
    for (size_t i = 0; i < s->warning_count; i++)
        RF_LOG_CODE(RF_LOG_WARN, rf_refusal_row(s->warning[i].code)->code, "tls.warning", s->warning[i].text);
    if (s->fault.code == RF_REFUSE_NONE)
        return;
    rf_refusal_add(s->fault.code, 1);
    RF_LOG_CODE(RF_LOG_ERROR, rf_refusal_row(s->fault.code)->code, "ca.damaged", s->fault.sentence,
                RF_F_STR("effect", s->fault.effect), RF_F_STR("fix", rf_site_fault_fix(&s->fault)));
}

static bool
was_said(const struct rf_conf *conf, const struct rf_conf_problem *warning)
{
    const struct rf_conf_problem *w;

    for (size_t i = 0; conf != NULL && (w = rf_conf_warning(conf, i)) != NULL; i++)
        if (strcmp(w->sentence, warning->sentence) == 0)
            return true;
    return false;
}

/*
 * Those that the configuration before (NULL: none) did not have: a change must not repeat what everybody knows.
 * @param list  gets their sentences for whoever asked for the change; NULL: nobody did
 */
static void
say_conf_warnings(const struct rf_conf *conf, const struct rf_conf *before, json_t *list)
{
    const struct rf_conf_problem *w;
    char mem[1600];

    for (size_t i = 0; (w = rf_conf_warning(conf, i)) != NULL; i++) {
        struct rf_buf b = rf_buf(mem, sizeof mem - 1);

        if (w->is_advice || was_said(before, w))
            continue;
        rf_conf_put_problem(&b, w);
        mem[b.n] = '\0';
        RF_LOGF(RF_LOG_WARN, "config.warning", mem);
        json_array_append_new(list, json_string(w->sentence));
    }
}

/* What ended by the change of a level stays so, until the setting itself is taken out (AVA-10). */
static void
remember_legacy(struct rf_desk *d, const struct rf_site *next)
{
    const bool is_set = rf_conf_is_on(next->conf, "security.medium-without-r11-checks");
    const struct rf_store_write write = { .op = is_set ? RF_STORE_SECRET_PUT : RF_STORE_SECRET_DELETE,
                                          .key = RF_SPAN_LIT(RF_SITE_R11_MARK), .value = RF_SPAN_LIT("over") };

    if (is_set && !next->ifaces->legacy_is_over)
        return;
    if (rf_store_write(d->conf.shared->store, &write, 1, NULL, NULL, 0) != RF_OK)
        RF_REFUSE(STORE_FAILED, RF_F_STR("reason", "the queue of the store is full"));
}

/* `next` is in force from here on. */
static void
put_in_force(struct rf_desk *d, struct rf_site *next, json_t *told)
{
    struct rf_site *was = d->site;
    struct changes list = { json_object_get(told, "changes") };

    rf_conf_diff(was->conf, next->conf, put_change, &list);
    for (size_t i = 0; i < d->next_count; i++)
        rf_site_add_listener(next, &d->next[i].at);
    d->site = next;
    atomic_store(&d->conf.shared->reload_failed, false);
    atomic_store(&d->conf.shared->configured_s, rf_wall_s());
    remember_legacy(d, next);
    change_shared(d);
    give_to_workers(d);
    rf_desk_change_listeners(d, was);
    wait_for_takers(d);
    (void)rf_channel_send(d->conf.channel, RF_SAY_RELOADED, 1, NULL, -1);
    say_conf_warnings(next->conf, was->conf, json_object_get(told, "warnings"));
    rf_site_unref(was);
    say_warnings(next->ifaces);
    rf_expiry_look(d->expiry, next->ifaces, rf_wall_s());
    RF_LOGF(RF_LOG_INFO, "daemon.reloaded", "the configuration was applied",
            RF_F_U64("changes", json_array_size(list.list)), RF_F_U64("users", rf_directory_count(d->site->users)));
}

static void
answer_changed(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *told)
{
    rf_control_answer(ask, told);
}

/* Something is written beside the layer, or without one: the configuration may need it. */
static bool
has_more(const struct rf_desk_change *c)
{
    return c->write_count > (c->layer != NULL ? 1 : 0);
}

static void
take_certificates(struct rf_desk *d, const struct rf_channel_msg *m, const struct rf_key_files *files)
{
    struct rf_desk_change *c = d->change;
    struct rf_site_sources from = { .store = d->conf.shared->store, .files = files, .running = d->site,
                                    .ocsp = d->conf.shared->ocsp };
    struct rf_conf_problem problem = { 0 };
    struct rf_site *next = NULL;
    json_t *told;
    enum rf_err err;

    if (d->conf.shared->launch->has_config)
        from.config = d->conf.shared->launch->config;
    if (c != NULL) {
        from.layer = c->layer;
        from.trust_version = c->trust_version;
        from.secrets_may_miss = has_more(c);
    }
    err = rf_site_load(&next, &from, &problem);
    if (!err && m->count != d->next_count) {
        rf_site_unref(next);
        err = RF_ERR_STATE;
        snprintf(problem.sentence, sizeof problem.sentence, "the parent did not tell of all listeners");
    }
    if (err) {
        change_refused(d, err, &problem);
        return;
    }
    if (c != NULL && c->write_count > 0) {
        if (!write_change(d, c)) {
            rf_site_unref(next);
            rf_desk_forget_listeners(d);
            (void)rf_channel_send(d->conf.channel, RF_SAY_RELOADED, 0, NULL, -1);
            return;
        }
        forget_bindings(d, c);
        /* Once more, from the store: with the secrets and certificates that were written together with the layer. */
        if (has_more(c)) {
            rf_site_unref(next);
            from.layer = NULL;
            from.trust_version = 0;
            from.secrets_may_miss = false;
            err = rf_site_load(&next, &from, &problem);
            if (err) {
                change_refused(d, err, &problem);
                return;
            }
        }
    }
    told = json_pack("{s:[], s:[]}", "changes", "warnings");
    put_in_force(d, next, told);
    /* Answered when each worker has taken it: who asked then finds what was asked for, whichever worker answers. */
    if (c != NULL && c->ask != NULL)
        rf_desk_ask(d, RF_ASK_NUMBERS, "", c->ask, answer_changed, told);
    else
        json_decref(told);
}

void
rf_desk_reload(struct rf_desk *d, int certs_fd, const struct rf_channel_msg *m)
{
    struct rf_desk_change *meanwhile = d->change;
    struct rf_key_files *files = NULL;

    /* An answer to nobody, while somebody may wait for another one. */
    if (d->change != NULL && d->change->number != m->value)
        d->change = NULL;
    if (certs_fd >= 0 && rf_key_files_receive(&files, certs_fd) == RF_OK) {
        take_certificates(d, m, files);
        rf_key_files_free(files);
    } else {
        struct rf_conf_problem problem = { .code = m->count < RF_REFUSAL_COUNT ? (enum rf_refusal)m->count
                                                                              : RF_REFUSE_NONE };

        snprintf(problem.sentence, sizeof problem.sentence, "%.250s",
                 certs_fd < 0 && m->text[0] != '\0' ? m->text : "the certificates of the parent cannot be read");
        change_refused(d, RF_ERR_RANGE, &problem);
    }
    if (d->change == meanwhile)
        change_done(d);
    else
        d->change = meanwhile;
}

static size_t
octets_of(const struct rf_store_write *w)
{
    return w->key.n + w->sub.n + w->value.n;
}

static struct rf_span
keep(struct rf_desk_change *c, struct rf_span s)
{
    char *to = c->octets + c->octet_count;

    if (s.n > 0)
        memcpy(to, s.p, s.n);
    c->octet_count += s.n;
    return rf_span(to, s.n);
}

static struct rf_desk_change *
change_new(struct rf_desk *d, struct rf_control_ask *ask, const char *layer, const struct rf_store_write *more,
           size_t n, int64_t trust_version)
{
    struct rf_desk_change *c = calloc(1, sizeof *c);
    size_t octets = 1;

    if (c == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        octets += octets_of(&more[i]);
    c->ask = ask;
    c->number = ++d->last_change == 0 ? ++d->last_change : d->last_change;
    c->trust_version = trust_version;
    c->octets = malloc(octets);
    c->layer = layer != NULL ? strdup(layer) : NULL;
    if (c->octets == NULL || (layer != NULL && c->layer == NULL)) {
        change_free(c);
        return NULL;
    }
    /* The layer first: what belongs to its version stands behind it (store/store.h). */
    if (layer != NULL)
        c->write[c->write_count++] = (struct rf_store_write){ .op = RF_STORE_SETTINGS_PUT,
                                                              .key = RF_SPAN_LIT("control"),
                                                              .value = rf_span_str(c->layer) };
    for (size_t i = 0; i < n; i++) {
        struct rf_store_write *w = &c->write[c->write_count++];

        *w = more[i];
        w->key = keep(c, more[i].key);
        w->sub = keep(c, more[i].sub);
        w->value = keep(c, more[i].value);
    }
    return c;
}

void
rf_desk_apply(struct rf_desk *d, struct rf_control_ask *ask, const char *layer, const struct rf_store_write *more,
              size_t more_n, int64_t trust_version)
{
    struct rf_desk_change *c;
    int fd = -1;

    rf_assert(more_n < RF_DESK_WRITES_MAX && d->change == NULL);
    c = change_new(d, ask, layer, more, more_n, trust_version);
    if (c != NULL && layer != NULL)
        fd = rf_sealed_file("ringfence-layer", layer, strlen(layer));
    if (c == NULL || (layer != NULL && fd < 0) ||
        rf_channel_send(d->conf.channel, RF_SAY_RELOAD, c->number, NULL, fd) != RF_OK) {
        change_free(c);
        if (ask != NULL)
            rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_NO_DAEMON)->code, "the parent process could not be asked to read the certificates",
                              "try again");
    } else {
        d->change = c;
    }
    if (fd >= 0)
        close(fd);
}

void
rf_desk_apply_edit(struct rf_desk *d, struct rf_control_ask *ask, const char *layer, const struct rf_store_write *more,
                   size_t more_n)
{
    rf_desk_apply(d, ask, layer, more, more_n, 0);
    if (d->change != NULL)
        d->change->is_edit = true;
}

void
rf_desk_new_certificate(struct rf_desk *d)
{
    d->has_new_certificate = d->change != NULL;
    if (!d->has_new_certificate)
        rf_desk_apply(d, NULL, NULL, NULL, 0, 0);
}

void
rf_desk_renew_local(struct rf_desk *d, struct rf_control_ask *ask)
{
    if (rf_channel_send(d->conf.channel, RF_SAY_RENEW, 0, NULL, -1) != RF_OK) {
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_NO_DAEMON)->code, "the parent process could not be asked", "try again");
        return;
    }
    rf_desk_apply(d, ask, NULL, NULL, 0, 0);
}

/* Commands that change what is set: one after the other. */
static bool
changes_something(const char *command)
{
    static const char *const some[] = { "reload",   "config.set", "config.load", "config.rollback", "user.add",
                                        "user.set", "user.password", "user.remove", "secret.add",
                                        "secret.set", "secret.remove" };

    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (strcmp(command, some[i]) == 0)
            return true;
    return rf_desk_is_cert_change(command) || rf_desk_is_object_change(command);
}

bool
rf_desk_defer(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    struct deferred *w;

    if (d->change == NULL || !changes_something(command))
        return false;
    w = calloc(1, sizeof *w);
    if (w == NULL) {
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_OVERLOAD)->code, "out of memory", "try again");
        return true;
    }
    w->ask = ask;
    w->request = json_incref((json_t *)(uintptr_t)request);
    rf_list_append(&d->deferred, &w->link);
    return true;
}

/* --- its life ------------------------------------------------------------------------------------------ */

enum rf_err
rf_desk_changes_init(struct rf_desk *d)
{
    rf_list_init(&d->deferred);
    d->next = calloc(RF_LISTENERS_MAX, sizeof *d->next);
    if (d->next == NULL || rf_expiry_new(&d->expiry) != RF_OK)
        return RF_ERR_NOMEM;
    change_shared(d);
    say_conf_warnings(d->site->conf, NULL, NULL);
    say_warnings(d->site->ifaces);
    return RF_OK;
}

void
rf_desk_changes_end(struct rf_desk *d)
{
    if (d->change != NULL && d->change->ask != NULL)
        rf_control_answer(d->change->ask, NULL);
    change_free(d->change);
    d->change = NULL;
    RF_LIST_FOREACH(&d->deferred, it) {
        struct deferred *w = rf_container(it, struct deferred, link);

        rf_list_remove(it);
        rf_control_answer(w->ask, NULL);
        json_decref(w->request);
        free(w);
    }
}

void
rf_desk_changes_fini(struct rf_desk *d)
{
    rf_desk_forget_listeners(d);
    free(d->next);
    rf_expiry_free(d->expiry);
}
