/*
 * main/secretdesk.c - secret.*: what settings name as secret:NAME, and the key by which it is kept
 *
 * A value comes in and never goes out: no command, no answer and no log line has one.
 */
#include <stdlib.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "main/desk.h"

#define OWN_NAMES "system-" /* of the daemon itself */

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* --- what there is --- */

struct use {
    const char *name;
    json_t *settings;
};

static void
look_at_setting(void *ctx, const char *setting, const char *value, struct rf_conf_origin at)
{
    const struct use *use = ctx;

    if (strncmp(value, "secret:", 7) == 0 && strcmp(value + 7, use->name) == 0)
        json_array_append_new(use->settings, json_string(setting));
}

/* A line of the store's layer wants its secret also where the file has another one. */
static bool
layer_names(struct rf_desk *d, const char *name)
{
    char *layer = rf_site_store_layer(d->conf.shared->store), word[80];
    size_t n = (size_t)snprintf(word, sizeof word, "secret:%.64s", name);
    bool found = layer == NULL; /* who cannot look says yes */

    for (const char *at = layer; at != NULL && !found && (at = strstr(at, word)) != NULL; at += n)
        found = at[n] == '\0' || strchr(" \t\r\n\"}", at[n]) != NULL;
    if (layer != NULL)
        rf_wipe(layer, strlen(layer));
    free(layer);
    return found;
}

json_t *
rf_desk_secret_users(struct rf_desk *d, const char *name)
{
    struct use use = { name, json_array() };

    rf_conf_visit(d->site->conf, look_at_setting, &use);
    if (json_array_size(use.settings) == 0 && layer_names(d, name))
        json_array_append_new(use.settings, json_string("a line of the store's layer, over which stands the file's"));
    if (strncmp(name, OWN_NAMES, sizeof OWN_NAMES - 1) == 0)
        json_array_append_new(use.settings, json_string("the daemon itself"));
    return use.settings;
}

static bool
put_name(void *ctx, struct rf_span name, struct rf_span key, struct rf_span value, int64_t at_s)
{
    json_t *row = json_pack("{s:s%, s:s%}", "name", name.p, name.n, "key", key.p, key.n);

    if (row != NULL)
        json_array_append_new(ctx, row);
    return true;
}

static json_t *
names_of_store(struct rf_desk *d)
{
    json_t *rows = json_array();

    if (rf_store_load_secret_names(d->conf.shared->store, put_name, rows) == RF_OK)
        return rows;
    json_decref(rows);
    return NULL;
}

/* All settings are looked at once for all names: a user more is a secret more. */
static void
note_use(void *ctx, const char *setting, const char *value, struct rf_conf_origin at)
{
    json_t *used = ctx, *list;

    if (strncmp(value, "secret:", 7) != 0)
        return;
    list = json_object_get(used, value + 7);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(used, value + 7, list);
    }
    json_array_append_new(list, json_string(setting));
}

static void
secret_list(struct rf_desk *d, struct rf_control_ask *ask)
{
    json_t *rows = names_of_store(d), *used = json_object(), *row;
    size_t i;

    if (rows == NULL) {
        json_decref(used);
        rf_control_refuse(ask, 1, "", "the secrets cannot be read from the store", "ringfence log");
        return;
    }
    rf_conf_visit(d->site->conf, note_use, used);
    json_array_foreach (rows, i, row) {
        const char *name = text_of(row, "name");
        json_t *list = json_object_get(used, name);

        if (strncmp(name, OWN_NAMES, sizeof OWN_NAMES - 1) == 0)
            json_object_set_new(row, "used_by", json_pack("[s]", "the daemon itself"));
        else
            json_object_set_new(row, "used_by", list != NULL ? json_incref(list) : json_array());
    }
    json_decref(used);
    rf_control_answer(ask, rows);
}

/* --- what changes --- */

/* It stands behind "secret:" in a line of the configuration, so it has no space in it, and is shown in lists. */
static bool
is_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 64 || strncmp(name, OWN_NAMES, sizeof OWN_NAMES - 1) == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(name[i] >= '0' && name[i] <= '9') && !(name[i] >= 'a' && name[i] <= 'z') &&
            !(name[i] >= 'A' && name[i] <= 'Z') && (i == 0 || strchr("-_+.@", name[i]) == NULL))
            return false;
    return true;
}

bool
rf_desk_secret_exists(struct rf_desk *d, const char *name)
{
    struct rf_secret value = { .n = 0 };
    bool found = rf_store_load_secret(d->conf.shared->store, rf_span_str(name), &value) != RF_ERR_NOT_FOUND;

    rf_secret_fini(&value);
    return found;
}

/* @param anew  false: it must not be there yet; true: it must be */
static void
secret_put(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request, bool anew)
{
    const char *name = text_of(request, "name"), *value = text_of(request, "value");
    const struct rf_store_write write = { .op = RF_STORE_SECRET_PUT, .key = rf_span_str(name),
                                          .value = rf_span_str(value) };
    char sentence[160], fix[120];

    if (!is_name(name)) {
        rf_control_refuse(ask, 2, "",
                          "the name of a secret has letters, digits and - _ + . @ in it, at most 64, and does not "
                          "begin with " OWN_NAMES, "");
    } else if (strlen(value) == 0 || strlen(value) > RF_SECRET_MAX) {
        rf_control_refuse(ask, 2, "", "a secret has 1 to 256 octets", "");
    } else if (rf_desk_secret_exists(d, name) != anew) {
        snprintf(sentence, sizeof sentence, "there is %s secret %.64s%s", anew ? "no" : "a", name,
                 anew ? "" : " already");
        snprintf(fix, sizeof fix, "ringfence secret %s %.64s", anew ? "add" : "set", name);
        rf_control_refuse(ask, 1, "", sentence, fix);
    } else {
        rf_desk_apply(d, ask, NULL, &write, 1, 0);
    }
}

static void
secret_remove(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = text_of(request, "name");
    const struct rf_store_write write = { .op = RF_STORE_SECRET_DELETE, .key = rf_span_str(name) };
    json_t *settings = rf_desk_secret_users(d, name);
    char sentence[240];

    if (!rf_desk_secret_exists(d, name)) {
        snprintf(sentence, sizeof sentence, "there is no secret %.64s", name);
        rf_control_refuse(ask, 1, "", sentence, "ringfence secret list");
    } else if (json_array_size(settings) > 0) {
        snprintf(sentence, sizeof sentence, "secret %.64s is needed by %.80s%s", name,
                 json_string_value(json_array_get(settings, 0)), json_array_size(settings) > 1 ? " and others" : "");
        rf_control_refuse(ask, 1, "", sentence, "take it out of those settings first; ringfence secret list has them");
    } else {
        rf_desk_apply(d, ask, NULL, &write, 1, 0);
    }
    json_decref(settings);
}

static void
secret_rotate(struct rf_desk *d, struct rf_control_ask *ask)
{
    struct rf_store *store = d->conf.shared->store;
    const struct rf_store_write write = { .op = RF_STORE_KEY_ROTATE };
    struct rf_store_counts before, after;
    json_t *rows;
    enum rf_err err;

    rf_store_counts(store, &before);
    err = rf_store_write(store, &write, 1, NULL, NULL, 0);
    if (!err)
        err = rf_store_flush(store);
    rf_store_counts(store, &after);
    rows = names_of_store(d);
    if (err || after.failed != before.failed || rows == NULL) {
        json_decref(rows);
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_STORE_FAILED)->code,
                          after.last_why[0] != '\0' ? after.last_why : "the secrets could not be sealed anew",
                          "free space below the state directory; nothing is lost, and the command may be given again");
        return;
    }
    RF_LOGF(RF_LOG_INFO, "secret.rotated", "all secrets are sealed by a new key",
            RF_F_STR("key", text_of(json_array_get(rows, 0), "key")), RF_F_U64("secrets", json_array_size(rows)));
    rf_control_answer(ask, json_pack("{s:s, s:i}", "key", text_of(json_array_get(rows, 0), "key"), "secrets",
                                     (int)json_array_size(rows)));
    json_decref(rows);
}

bool
rf_desk_secret_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    if (strcmp(command, "secret.list") == 0)
        secret_list(d, ask);
    else if (strcmp(command, "secret.add") == 0)
        secret_put(d, ask, request, false);
    else if (strcmp(command, "secret.set") == 0)
        secret_put(d, ask, request, true);
    else if (strcmp(command, "secret.remove") == 0)
        secret_remove(d, ask, request);
    else if (strcmp(command, "secret.rotate") == 0)
        secret_rotate(d, ask);
    else
        return false;
    return true;
}
