/*
 * main/settingsdesk.c - commands that read and change the store's layer: config.*, user.*
 *
 * Each change edits the layer (editdesk.c). A refused one leaves no trace.
 */
#include <stdlib.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "main/desk.h"
#include "main/peek.h"
#include "main/settings.h"
#include "registrar/directory.h"

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* --- reading --- */

static void
put_setting(void *ctx, const char *name, const char *value, struct rf_conf_origin at)
{
    char mem[1200];

    json_array_append_new(ctx, json_pack("{s:s, s:s, s:s}", "name", name, "value", value, "origin",
                                         rf_desk_origin_text(at, mem, sizeof mem)));
}

static void
config_show(struct rf_desk *d, struct rf_control_ask *ask)
{
    json_t *rows = json_array();

    rf_conf_visit(d->site->conf, put_setting, rows);
    rf_control_answer(ask, rows);
}

static void
config_get(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = text_of(request, "name");
    char mem[1200], sentence[200], near[64];

    if (!rf_conf_knows(d->site->conf, rf_span_str(name))) {
        const char *s = rf_option_suggest(rf_span(NULL, 0), rf_span_str(name), near, sizeof near);

        snprintf(sentence, sizeof sentence, "unknown setting %.80s%s%s%s", name, s != NULL ? "; did you mean " : "",
                 s != NULL ? s : "", s != NULL ? "?" : "");
        rf_control_refuse(ask, 2, "", sentence, "ringfence config show lists what is set");
        return;
    }
    rf_control_answer(ask, json_pack("{s:s, s:s, s:s}", "name", name, "value", rf_conf_text(d->site->conf, name),
                                     "origin", rf_desk_origin_text(rf_conf_origin(d->site->conf, name), mem, sizeof mem)));
}

/* The member of this name, which is made when it is not there. */
static json_t *
member(json_t *o, struct rf_span name)
{
    char key[128];
    json_t *m;

    snprintf(key, sizeof key, "%.*s", RF_SPAN_ARG(name));
    m = json_object_get(o, key);
    if (m == NULL) {
        m = json_object();
        json_object_set_new(o, key, m);
    }
    return m;
}

/* "user.201.srtp" goes to user, 201, srtp: a label may have dots, kinds and settings have none. A list is an array. */
static void
put_store_setting(void *ctx, const char *name, const char *value, struct rf_conf_origin at)
{
    struct rf_span label, left = rf_span_str(name), words = rf_span_trim(rf_span_str(value));
    const struct rf_option *o = rf_option_resolve(left, &label);
    json_t *place = ctx, *list;

    if (at.layer != RF_CONF_STORE || o == NULL)
        return;
    for (size_t dot; (dot = rf_span_find(left, '.')) < left.n;) {
        place = member(place, rf_span_sub(left, 0, dot));
        left = rf_span_sub(left, dot + 1, left.n);
        if (label.n > 0) {
            place = member(place, label);
            left = rf_span_sub(left, label.n + 1, left.n);
            label.n = 0;
        }
    }
    if (!o->is_list) {
        json_object_setn_new(place, left.p, left.n, json_string(value));
        return;
    }
    list = json_array();
    while (words.n > 0) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));

        json_array_append_new(list, json_stringn(word.p, word.n));
        words = rf_span_trim(rf_span_sub(words, word.n, words.n));
    }
    json_object_setn_new(place, left.p, left.n, list);
}

/* What the store's layer sets and no file overrides; secrets by their references. */
static json_t *
settings_of_store(struct rf_desk *d)
{
    json_t *all = json_object();

    rf_conf_visit(d->site->conf, put_store_setting, all);
    return all;
}

static void
config_export(struct rf_desk *d, struct rf_control_ask *ask)
{
    char *layer = rf_site_store_layer(d->conf.shared->store), *mem = malloc(2 * RF_STORE_LAYER_MAX);
    struct rf_buf out = rf_buf(mem, 2 * RF_STORE_LAYER_MAX);
    struct rf_conf_problem problem = { 0 };

    /* A literal password is not shown, by nobody to nobody. */
    if (layer == NULL || mem == NULL || rf_conf_hide(rf_span_str(layer), &out, &problem) != RF_OK)
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_STORE_FAILED)->code, "the store's layer cannot be read",
                          "ringfence doctor looks at the disk of the state directory");
    else
        rf_control_answer(ask, json_pack("{s:s%, s:o}", "text", out.p, out.n, "settings", settings_of_store(d)));
    if (layer != NULL)
        rf_wipe(layer, strlen(layer));
    free(layer);
    free(mem);
}

/* --- changing --- */

/* What an older system let pass at level medium lasts until a level is changed (AVA-10). */
static void
end_legacy_medium(struct rf_desk *d, struct rf_desk_edit *e, const char *name, const char *value)
{
    static const char legacy[] = "security.medium-without-r11-checks";

    if (strstr(name, ".received-certificate-checks") == NULL || !rf_conf_is_on(d->site->conf, legacy) ||
        !rf_conf_knows(d->site->conf, rf_span_str(name)) ||
        (value != NULL && strcmp(rf_conf_text(d->site->conf, name), value) == 0))
        return;
    if (rf_conf_origin(d->site->conf, legacy).layer == RF_CONF_STORE)
        rf_desk_edit_set(e, legacy, "off");
}

static void
config_set(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = text_of(request, "name");
    struct rf_desk_edit e;

    if (rf_desk_is_pinned(d, ask, name))
        return;
    rf_desk_edit_begin(d, &e);
    rf_desk_edit_set(&e, name, json_string_value(json_object_get(request, "value")));
    end_legacy_medium(d, &e, name, json_string_value(json_object_get(request, "value")));
    rf_desk_edit_apply(d, ask, &e, NULL, 0);
}

static void
config_load(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *text = text_of(request, "text");

    if (strlen(text) > RF_STORE_LAYER_MAX) {
        rf_control_refuse(ask, 3, "RF-810", "the layer is too large", "");
        return;
    }
    if (rf_desk_layer_is_valid(d, ask, text))
        rf_desk_apply(d, ask, text, NULL, 0, 0);
}

void
rf_desk_apply_writes(struct rf_desk *d, struct rf_control_ask *ask, const struct rf_store_write *more, size_t n)
{
    char *layer = rf_site_store_layer(d->conf.shared->store);

    if (layer == NULL) {
        rf_control_refuse(ask, 1, rf_refusal_row(RF_REFUSE_STORE_FAILED)->code, "the store's layer cannot be read",
                          "ringfence doctor looks at the disk of the state directory");
        return;
    }
    rf_desk_apply(d, ask, layer, more, n, 0);
    rf_wipe(layer, strlen(layer));
    free(layer);
}

/* --- versions of the layer, and of the trusted certificates with it --- */

struct history {
    json_t *rows;
    char *text; /* of the version that is looked for */
};

static bool
put_version(void *ctx, struct rf_span who, struct rf_span version, struct rf_span text, int64_t at_s)
{
    struct history *h = ctx;
    uint64_t n = 0;

    (void)!rf_span_u64(version, INT64_MAX, &n);
    json_array_append_new(h->rows, json_pack("{s:I, s:s%, s:I, s:i}", "version", (json_int_t)n, "who", who.p, who.n,
                                             "at", (json_int_t)at_s, "octets", (int)text.n));
    return true;
}

static bool
take_version(void *ctx, struct rf_span who, struct rf_span version, struct rf_span text, int64_t at_s)
{
    ((struct history *)ctx)->text = rf_span_dup(text);
    return false;
}

static bool
count_trusted(void *ctx, struct rf_span fingerprint, struct rf_span scope, struct rf_span value, int64_t at_s)
{
    ++*(int *)ctx;
    return true;
}

static void
config_history(struct rf_desk *d, struct rf_control_ask *ask)
{
    struct history h = { .rows = json_array() };
    size_t i;
    json_t *row;

    if (rf_store_load_history(d->conf.shared->store, 0, put_version, &h) != RF_OK) {
        json_decref(h.rows);
        rf_control_refuse(ask, 1, "", "the store cannot be read", "");
        return;
    }
    json_array_foreach (h.rows, i, row) {
        int trusted = 0;

        if (rf_store_load_trusted(d->conf.shared->store, json_integer_value(json_object_get(row, "version")),
                                  count_trusted, &trusted) == RF_OK)
            json_object_set_new(row, "trusted", json_integer(trusted));
    }
    rf_control_answer(ask, h.rows);
}

static void
config_rollback(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const struct rf_store_write back = { .op = RF_STORE_TRUST_RESTORE,
                                         .expires_s = json_integer_value(json_object_get(request, "version")) };
    struct history h = { NULL, NULL };

    if (back.expires_s <= 0 ||
        rf_store_load_history(d->conf.shared->store, back.expires_s, take_version, &h) != RF_OK || h.text == NULL) {
        rf_control_refuse(ask, 2, "", "there is no such version", "ringfence config history lists those that are kept");
        return;
    }
    if (rf_desk_layer_is_valid(d, ask, h.text))
        rf_desk_apply(d, ask, h.text, &back, 1, back.expires_s);
    rf_wipe(h.text, strlen(h.text));
    free(h.text);
}

/* --- certificate blocks --- */

/* ["file:/a", "file:/b"] as one value. */
static void
join_words(const json_t *list, struct rf_buf *b)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        rf_putf(b, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(list, i)));
    rf_put_char(b, '\0');
}

void
rf_desk_cert_add(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = text_of(request, "name");
    struct rf_span left = rf_span_str(text_of(request, "for"));
    char setting[160], chains[4096], keys[4096];
    struct rf_buf chain = rf_buf(chains, sizeof chains), key = rf_buf(keys, sizeof keys);
    struct rf_desk_edit e;

    snprintf(setting, sizeof setting, "certificate.%.63s.chain", name);
    if (rf_desk_is_pinned(d, ask, setting))
        return;
    join_words(json_object_get(request, "chain"), &chain);
    join_words(json_object_get(request, "key"), &key);
    if (chain.overflow || key.overflow) {
        rf_control_refuse(ask, 2, rf_refusal_row(RF_REFUSE_COMMAND)->code,
                          "the path of the state directory is too long for a certificate's files",
                          "give the daemon a shorter --state");
        return;
    }
    rf_desk_edit_begin(d, &e);
    rf_desk_edit_set(&e, setting, chains);
    snprintf(setting, sizeof setting, "certificate.%.63s.key", name);
    rf_desk_edit_set(&e, setting, keys);
    while (left.n > 0) {
        size_t comma = rf_span_find(left, ',');
        struct rf_span block = rf_span_sub(left, 0, comma), label;
        enum rf_iface i;

        left = rf_span_sub(left, comma + 1, left.n);
        if (rf_iface_find(block, &i) == RF_OK)
            snprintf(setting, sizeof setting, "%s.certificate", rf_iface_row(i)->block);
        else
            snprintf(setting, sizeof setting, "%.*s.certificate", (int)(block.n < 60 ? block.n : 60), block.p);
        if (rf_option_resolve(rf_span_str(setting), &label) == NULL) {
            char sentence[160];

            snprintf(sentence, sizeof sentence, "nothing called %.*s shows a certificate", (int)(block.n < 60 ? block.n : 60),
                     block.p);
            rf_control_refuse(ask, 2, rf_refusal_row(RF_REFUSE_COMMAND)->code, sentence,
                              "--for web, sip, sip-phones, sip-trunks, provisioning, management, node-link");
            rf_desk_edit_end(&e);
            return;
        }
        if (rf_desk_is_pinned(d, ask, setting)) {
            rf_desk_edit_end(&e);
            return;
        }
        rf_desk_edit_set(&e, setting, name);
    }
    rf_desk_edit_apply(d, ask, &e, NULL, 0);
}

/* --- users --- */

static json_t *
user_json(struct rf_desk *d, const struct rf_directory_user *u)
{
    static const char *const srtp[] = { "off", "optional", "required" };
    char name[128], origin[1200], aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    size_t n;

    rf_call_put_aor(&b, rf_span_str(u->name), d->site->call.domain);
    n = rf_location_find(d->conf.shared->location, rf_buf_span(&b), rf_wall_s(), binding, RF_BINDINGS_PER_AOR);
    snprintf(name, sizeof name, "user.%s.password", u->name);
    return json_pack("{s:s, s:s, s:s, s:b, s:i, s:s, s:i, s:s, s:s, s:s, s:i, s:b, s:s}", "user", u->name, "name", u->display,
                     "srtp", srtp[u->srtp], "require_tls", u->require_tls, "calls_max", (int)u->calls_max, "password",
                     u->can_sign_in ? "set" : "missing", "registered", (int)n, "forward_always", u->forward.always,
                     "forward_busy", u->forward.busy, "forward_no_answer", u->forward.no_answer, "forward_no_answer_s",
                     (int)u->forward.no_answer_s, "do_not_disturb", u->forward.do_not_disturb, "origin",
                     rf_desk_origin_text(rf_conf_origin(d->site->conf, name), origin, sizeof origin));
}

static void
user_list(struct rf_desk *d, struct rf_control_ask *ask)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < rf_directory_count(d->site->users); i++)
        json_array_append_new(rows, user_json(d, rf_directory_at(d->site->users, i)));
    rf_control_answer(ask, rows);
}

/* The user of a request, or NULL after a refusal. */
static const struct rf_directory_user *
user_of(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = text_of(request, "user");
    const struct rf_directory_user *u = rf_directory_find(d->site->users, rf_span_str(name));
    char sentence[160], fix[120];

    if (u != NULL)
        return u;
    snprintf(sentence, sizeof sentence, "there is no user %.64s in %.64s", name, d->site->call.domain);
    snprintf(fix, sizeof fix, "ringfence user add %.64s", name);
    rf_control_refuse(ask, 1, "RF-502", sentence, fix);
    return NULL;
}

static void
change_settings(struct rf_desk_edit *e, const char *user, const json_t *settings)
{
    const char *key;
    json_t *value;
    char name[160];

    json_object_foreach ((json_t *)(uintptr_t)settings, key, value) {
        snprintf(name, sizeof name, "user.%s.%s", user, key);
        /* "": as if it was never set, which is what nobody can say of a number, and everybody means of a forwarding */
        rf_desk_edit_set(e, name, json_string_length(value) > 0 ? json_string_value(value) : NULL);
    }
}

/* A user's name becomes part of setting names, secrets and SIP addresses. */
static bool
is_user_name(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 60)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(name[i] >= '0' && name[i] <= '9') && !(name[i] >= 'a' && name[i] <= 'z') &&
            !(name[i] >= 'A' && name[i] <= 'Z') && (i == 0 || strchr("-_+.", name[i]) == NULL))
            return false;
    return true;
}

/* Settings and the password's verifiers, committed together. */
static void
store_user(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request, const char *user)
{
    const char *password = text_of(request, "password");
    char secret_name[80], reference[96], name[96];
    struct rf_secret packed = { .n = 0 };
    struct rf_store_write write = { .op = RF_STORE_SECRET_PUT };
    struct rf_desk_edit e;

    if (rf_directory_pack(rf_span_str(user), rf_span_str(d->site->call.domain), rf_span_str(password), &packed) !=
        RF_OK) {
        rf_control_refuse(ask, 2, "", "a password has 1 to 128 octets", "");
        return;
    }
    snprintf(secret_name, sizeof secret_name, "user-%s", user);
    snprintf(reference, sizeof reference, "secret:%s", secret_name);
    snprintf(name, sizeof name, "user.%s.password", user);
    rf_desk_edit_begin(d, &e);
    change_settings(&e, user, json_object_get(request, "settings"));
    rf_desk_edit_set(&e, name, reference);
    write.key = rf_span_str(secret_name);
    write.value = rf_span(packed.octet, packed.n);
    rf_desk_edit_apply(d, ask, &e, &write, 1);
    rf_secret_fini(&packed);
}

static void
user_add(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *user = text_of(request, "user");
    char sentence[120];

    if (!is_user_name(user)) {
        rf_control_refuse(ask, 2, "", "a user's name has letters, digits and - _ + . in it, at most 60", "");
        return;
    }
    if (rf_directory_find(d->site->users, rf_span_str(user)) != NULL) {
        snprintf(sentence, sizeof sentence, "user %s is there already", user);
        rf_control_refuse(ask, 1, "", sentence, "ringfence user set changes it, ringfence user password its password");
        return;
    }
    store_user(d, ask, request, user);
}

static void
user_password(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const struct rf_directory_user *u = user_of(d, ask, request);
    char name[96];

    if (u == NULL)
        return;
    snprintf(name, sizeof name, "user.%s.password", u->name);
    if (!rf_desk_is_pinned(d, ask, name))
        store_user(d, ask, request, u->name);
}

static void
user_set(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const struct rf_directory_user *u = user_of(d, ask, request);
    const json_t *settings = json_object_get(request, "settings");
    const char *key;
    json_t *value;
    struct rf_desk_edit e;

    if (u == NULL)
        return;
    json_object_foreach ((json_t *)(uintptr_t)settings, key, value) {
        char name[160];

        snprintf(name, sizeof name, "user.%s.%s", u->name, key);
        if (rf_desk_is_pinned(d, ask, name))
            return;
    }
    rf_desk_edit_begin(d, &e);
    change_settings(&e, u->name, settings);
    rf_desk_edit_apply(d, ask, &e, NULL, 0);
}

static void
user_remove(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const struct rf_directory_user *u = user_of(d, ask, request);
    char block[96], secret[80], aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    struct rf_store_write writes[2];
    struct rf_desk_edit e;

    if (u == NULL)
        return;
    snprintf(block, sizeof block, "user.%s.password", u->name);
    if (rf_desk_is_pinned(d, ask, block))
        return;
    snprintf(block, sizeof block, "user.%s", u->name);
    snprintf(secret, sizeof secret, "user-%s", u->name);
    rf_call_put_aor(&b, rf_span_str(u->name), d->site->call.domain);
    writes[0] = (struct rf_store_write){ .op = RF_STORE_SECRET_DELETE, .key = rf_span_str(secret) };
    writes[1] = (struct rf_store_write){ .op = RF_STORE_BINDING_DELETE, .key = rf_buf_span(&b) };
    rf_desk_edit_begin(d, &e);
    rf_desk_edit_remove(&e, block);
    rf_desk_edit_apply(d, ask, &e, writes, 2);
}

bool
rf_desk_settings_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    const struct rf_directory_user *u;

    if (strcmp(command, "config.show") == 0)
        config_show(d, ask);
    else if (strcmp(command, "config.get") == 0)
        config_get(d, ask, request);
    else if (strcmp(command, "config.export") == 0)
        config_export(d, ask);
    else if (strcmp(command, "config.set") == 0)
        config_set(d, ask, request);
    else if (strcmp(command, "config.load") == 0)
        config_load(d, ask, request);
    else if (strcmp(command, "config.history") == 0)
        config_history(d, ask);
    else if (strcmp(command, "config.rollback") == 0)
        config_rollback(d, ask, request);
    else if (strcmp(command, "user.list") == 0)
        user_list(d, ask);
    else if (strcmp(command, "user.add") == 0)
        user_add(d, ask, request);
    else if (strcmp(command, "user.set") == 0)
        user_set(d, ask, request);
    else if (strcmp(command, "user.password") == 0)
        user_password(d, ask, request);
    else if (strcmp(command, "user.remove") == 0)
        user_remove(d, ask, request);
    else if (strcmp(command, "user.show") == 0) {
        u = user_of(d, ask, request);
        if (u != NULL)
            rf_control_answer(ask, user_json(d, u));
    } else {
        return false;
    }
    return true;
}
