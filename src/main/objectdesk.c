/*
 * main/objectdesk.c - objects by command: connection.add|set|remove, number.* and route.* but route.test
 *
 * An object is a block of the configuration with a name. A command makes, changes or takes out the block in the store's
 * layer, as `config set` does with one setting, so it is checked, written and put in force like any change. What the
 * configuration's file says stays the file's: such a block cannot be added or removed here, nor such a line be changed.
 * A password comes beside the settings and is kept as the secret connection-NAME, which goes with its connection.
 */
#include <stdlib.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "conf/iface.h"
#include "conf/options.h"
#include "main/desk.h"

#define SETTINGS_MAX 64 /* of one block; sip-connection has the most, 39 */
#define AOR_OCTETS 400      /* of a username and the domain */
#define NAME_MAX_OCTETS 192 /* "sip-connection.", a label, and the longest setting's name */

struct kind {
    const char *noun;  /* of the command */
    const char *block; /* of the configuration */
};

static const struct kind kinds[] = { { "connection", "sip-connection" }, { "number", "number" }, { "route", "route" } };

/* One command about an object. */
struct job {
    struct rf_desk *d;
    struct rf_control_ask *ask;
    const json_t *request;
    const struct kind *kind;
    const char *name;
    const struct rf_conf_block *block; /* NULL: there is none of that name */
};

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

static const char *
config_invalid(void)
{
    return rf_refusal_row(RF_REFUSE_CONFIG_INVALID)->code;
}

static const char *
not_understood(void)
{
    return rf_refusal_row(RF_REFUSE_COMMAND)->code;
}

/* --- what there is ------------------------------------------------------------------------------------- */

/* Every setting of the kind but secrets, by its name in the block. */
static json_t *
settings_of(const struct job *j, const struct rf_conf_block *b)
{
    json_t *o = json_object();
    size_t n = strlen(j->kind->block);

    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *option = rf_option_at(i);

        if (strncmp(option->name, j->kind->block, n) == 0 && strncmp(option->name + n, ".*.", 3) == 0 &&
            option->type != RF_OPT_SECRET)
            json_object_set_new(o, option->name + n + 3,
                                json_string(rf_conf_block_text(j->d->site->conf, b, option->name + n + 3)));
    }
    return o;
}

static json_t *
origin_of(const struct rf_conf_block *b)
{
    char mem[1200];

    return json_string(rf_desk_origin_text(rf_conf_block_origin(b), mem, sizeof mem));
}

static void
list(const struct job *j)
{
    json_t *rows = json_array();
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(j->d->site->conf, j->kind->block, i)) != NULL; i++) {
        json_t *row = json_pack("{s:s}", "name", rf_conf_block_label(b)), *settings = settings_of(j, b);

        json_object_update(row, settings);
        json_object_set_new(row, "origin", origin_of(b));
        json_array_append_new(rows, row);
        json_decref(settings);
    }
    rf_control_answer(j->ask, rows);
}

/* false: there is none of that name, and that is answered. */
static bool
is_there(const struct job *j)
{
    char sentence[160], fix[120];

    if (j->block != NULL)
        return true;
    snprintf(sentence, sizeof sentence, "there is no %s %.64s", j->kind->block, j->name);
    snprintf(fix, sizeof fix, "ringfence %s list; ringfence %s add %.64s KEY=VALUE...", j->kind->noun, j->kind->noun,
             j->name);
    rf_control_refuse(j->ask, 1, "", sentence, fix);
    return false;
}

static void
show(const struct job *j)
{
    if (is_there(j))
        rf_control_answer(j->ask, json_pack("{s:s, s:o, s:o}", "name", j->name, "origin", origin_of(j->block),
                                            "settings", settings_of(j, j->block)));
}

/* --- what changes -------------------------------------------------------------------------------------- */

/* "sip-connection.carrier.outbound.srtp" of "outbound.srtp". NULL: there is no such setting, and that is answered. */
static const struct rf_option *
option_of(const struct job *j, const char *key, char name[static NAME_MAX_OCTETS])
{
    size_t dot = strlen(key);
    char prefix[96], near[64], sentence[256], fix[120];
    const struct rf_option *o;
    const char *suggestion;
    struct rf_span label;

    snprintf(name, NAME_MAX_OCTETS, "%s.%s.%.80s", j->kind->block, j->name, key);
    o = rf_option_resolve(rf_span_str(name), &label);
    /* A label may have dots: of `add a b.type=ip` nothing must become sip-connection a.b. */
    if (o != NULL && rf_span_is(label, j->name))
        return o;
    while (dot > 0 && key[dot - 1] != '.')
        dot--;
    snprintf(prefix, sizeof prefix, "%s.*.%.*s", j->kind->block, (int)(dot < 40 ? dot : 40), key);
    suggestion = rf_option_suggest(rf_span_str(prefix), rf_span_str(key + dot), near, sizeof near);
    if (suggestion != NULL)
        snprintf(sentence, sizeof sentence, "%s %s: there is no setting %.80s; did you mean %.*s%s?", j->kind->block,
                 j->name, key, (int)(dot < 40 ? dot : 40), key, suggestion);
    else
        snprintf(sentence, sizeof sentence, "%s %s: there is no setting %.80s", j->kind->block, j->name, key);
    snprintf(fix, sizeof fix, "ringfence config explain %s lists its settings", j->kind->block);
    rf_control_refuse(j->ask, 2, not_understood(), sentence, fix);
    return NULL;
}

static bool
is_reference(const char *value)
{
    return strncmp(value, "secret:", 7) == 0 || strncmp(value, "file:", 5) == 0 || strncmp(value, "env:", 4) == 0;
}

/* Literal secrets are not taken as settings: what is typed in a command can be read by whoever lists processes. */
static bool
is_literal(const struct job *j, const struct rf_option *o, const char *key, const char *value)
{
    char sentence[200], fix[160];

    if (o->type != RF_OPT_SECRET || value[0] == '\0' || is_reference(value))
        return false;
    snprintf(sentence, sizeof sentence, "%s %s: %s is no argument, where others could read it", j->kind->block, j->name,
             key);
    snprintf(fix, sizeof fix, "%s=- asks for it or reads standard input; %s=secret:NAME names one of `ringfence secret`",
             key, key);
    rf_control_refuse(j->ask, 2, not_understood(), sentence, fix);
    return true;
}

/* The changes of a request: texts in `names` and in the request. */
struct changes {
    struct rf_conf_change change[SETTINGS_MAX + 1];
    char name[SETTINGS_MAX + 1][NAME_MAX_OCTETS];
    size_t n;
};

static void
note(struct changes *c, struct rf_span value)
{
    c->change[c->n] = (struct rf_conf_change){ rf_span_str(c->name[c->n]), value };
    c->n++;
}

/* false: one of them cannot be set, and that is answered. */
static bool
take_settings(const struct job *j, struct changes *c)
{
    const struct rf_conf *conf = j->d->site->conf;
    const char *key;
    json_t *value;

    json_object_foreach (json_object_get(j->request, "settings"), key, value) {
        const char *text = json_string_value(value), *name = c->name[c->n];
        const struct rf_option *o;

        if (text == NULL || c->n == SETTINGS_MAX) {
            rf_control_refuse(j->ask, 2, not_understood(), "settings are texts by name, and not that many", "");
            return false;
        }
        o = option_of(j, key, c->name[c->n]);
        if (o == NULL || is_literal(j, o, key, text) || rf_desk_is_pinned(j->d, j->ask, name))
            return false;
        if (text[0] != '\0')
            note(c, rf_span_str(text));
        else if (rf_conf_knows(conf, rf_span_str(name)) && rf_conf_origin(conf, name).layer == RF_CONF_STORE)
            note(c, rf_span(NULL, 0)); /* back to the default */
    }
    return true;
}

/* Is the secret needed by any setting but that one? */
static bool
is_shared(struct rf_desk *d, const char *secret, const char *setting)
{
    json_t *users = rf_desk_secret_users(d, secret), *one;
    bool others = false;
    size_t i;

    json_array_foreach (users, i, one)
        others = others || strcmp(json_string_value(one), setting) != 0;
    json_decref(users);
    return others;
}

/* The password beside the settings, a secret of the connection's own. false: it was refused, and that is answered. */
static bool
take_password(const struct job *j, struct changes *c, char secret[static 96], char reference[static 112],
              struct rf_store_write *write, size_t *writes)
{
    const char *password = text_of(j->request, "password"), *name = c->name[c->n];
    char sentence[240];

    if (json_object_get(j->request, "password") == NULL)
        return true;
    if (option_of(j, "password", c->name[c->n]) == NULL || rf_desk_is_pinned(j->d, j->ask, name))
        return false;
    snprintf(secret, 96, "connection-%s", j->name);
    snprintf(reference, 112, "secret:%s", secret);
    if (password[0] == '\0' || strlen(password) > RF_SECRET_MAX) {
        rf_control_refuse(j->ask, 2, not_understood(), "a password has 1 to 256 octets", "");
        return false;
    }
    if (is_shared(j->d, secret, name)) {
        snprintf(sentence, sizeof sentence,
                 "secret %s, which %s %s would keep its password in, is needed by another setting", secret,
                 j->kind->block, j->name);
        rf_control_refuse(j->ask, 1, "", sentence, "password=secret:NAME with another name; ringfence secret list");
        return false;
    }
    note(c, rf_span_str(reference));
    *write = (struct rf_store_write){ .op = RF_STORE_SECRET_PUT, .key = rf_span_str(secret),
                                      .value = rf_span_str(password) };
    *writes = 1;
    return true;
}

/* A block without a line is none: who adds one must say something of it. */
static bool
is_something(const struct job *j, const struct changes *c)
{
    char sentence[200], fix[160];

    if (c->n > 0 || j->block != NULL)
        return true;
    snprintf(sentence, sizeof sentence, "%s %s: a new one needs a setting with a value", j->kind->block, j->name);
    snprintf(fix, sizeof fix, "ringfence config explain %s lists its settings", j->kind->block);
    rf_control_refuse(j->ask, 2, not_understood(), sentence, fix);
    return false;
}

/* Where the connection's owner registered with us. false: nowhere. */
static bool
registration_goes(const struct job *j, struct rf_store_write *write, struct rf_buf *aor)
{
    const struct rf_connection *k = rf_connection_named(j->d->site->connections, rf_span_str(j->name));

    if (strcmp(j->kind->noun, "connection") != 0 || k == NULL || !k->can_sign_in)
        return false;
    rf_call_put_aor(aor, rf_span_str(k->username), j->d->site->call.domain);
    *write = (struct rf_store_write){ .op = RF_STORE_BINDING_DELETE, .key = rf_buf_span(aor) };
    return true;
}

/* Who registered by what it was before must not get the calls of whoever has that username next. */
static bool
signs_in_otherwise(const struct job *j)
{
    static const char *const settings[] = { "username", "type", "side" };

    for (size_t i = 0; j->block != NULL && i < sizeof settings / sizeof *settings; i++) {
        const char *text = json_string_value(json_object_get(json_object_get(j->request, "settings"), settings[i]));

        if (text != NULL && strcmp(text, rf_conf_block_text(j->d->site->conf, j->block, settings[i])) != 0)
            return true;
    }
    return false;
}

static void
change(const struct job *j)
{
    struct changes *c = calloc(1, sizeof *c);
    char secret[96], reference[112], mem[AOR_OCTETS];
    struct rf_buf aor = rf_buf(mem, sizeof mem);
    struct rf_store_write write[2];
    struct rf_desk_edit e;
    size_t writes = 0;

    if (c == NULL) {
        rf_control_refuse(j->ask, 1, rf_refusal_row(RF_REFUSE_OVERLOAD)->code, "out of memory", "try again");
        return;
    }
    if (take_settings(j, c) && take_password(j, c, secret, reference, write, &writes) && is_something(j, c)) {
        if (signs_in_otherwise(j) && registration_goes(j, &write[writes], &aor))
            writes++;
        rf_desk_edit_begin(j->d, &e);
        rf_desk_edit_set_all(&e, c->change, c->n);
        rf_desk_edit_apply(j->d, j->ask, &e, write, writes);
    }
    free(c);
}

/* It stands in setting names: one with a dot in it may not read as another setting's ("a.inbound" and "srtp"). */
static bool
is_name(const struct job *j)
{
    struct rf_span name = rf_span_str(j->name);
    size_t n = strlen(j->kind->block);

    if (!rf_conf_label_is_valid(name))
        return false;
    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const char *option = rf_option_at(i)->name, *inner, *dot;

        if (strncmp(option, j->kind->block, n) != 0 || strncmp(option + n, ".*.", 3) != 0)
            continue;
        inner = option + n + 3;
        dot = strchr(inner, '.');
        if (dot != NULL && name.n > (size_t)(dot - inner) && name.p[name.n - (size_t)(dot - inner) - 1] == '.' &&
            strncmp(name.p + name.n - (dot - inner), inner, (size_t)(dot - inner)) == 0)
            return false;
    }
    return true;
}

static void
add(const struct job *j)
{
    char sentence[1400], fix[160], mem[1200];

    if (!is_name(j)) {
        snprintf(sentence, sizeof sentence,
                 "the name of a %s takes 1 to %d letters, digits and - _ . + ~, and does not end like a setting",
                 j->kind->block, RF_CONF_LABEL_MAX);
        snprintf(fix, sizeof fix, "ringfence help %s add   shows what it takes", j->kind->noun);
        rf_control_refuse(j->ask, 2, not_understood(), sentence, fix);
    } else if (j->block != NULL) {
        snprintf(sentence, sizeof sentence, "there is a %s %s already (%s)", j->kind->block, j->name,
                 rf_desk_origin_text(rf_conf_block_origin(j->block), mem, sizeof mem));
        snprintf(fix, sizeof fix, "ringfence %s set %s KEY=VALUE... changes it", j->kind->noun, j->name);
        rf_control_refuse(j->ask, 1, "", sentence, fix);
    } else {
        change(j);
    }
}

static void
set(const struct job *j)
{
    if (is_there(j))
        change(j);
}

/* --- what goes ----------------------------------------------------------------------------------------- */

static bool
names(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting, const char *word)
{
    struct rf_span left = rf_span_str(rf_conf_block_text(c, b, setting)), w;

    while (rf_conf_next_word(&left, &w))
        if (rf_span_is(w, word))
            return true;
    return false;
}

/* Settings that name a connection; without it the check refuses some, and others would lead nowhere. */
static const struct {
    const char *noun, *setting;
} references[] = { { "number", "connection" }, { "number", "to" }, { "route", "use" }, { "route", "from" } };

/* true: others name it, and that is answered. */
static bool
is_named(const struct job *j)
{
    const struct rf_conf *c = j->d->site->conf;
    const struct rf_conf_block *b;
    char sentence[640], fix[240] = "";
    struct rf_buf out = rf_buf(sentence, sizeof sentence - 1);
    size_t found = 0;

    if (strcmp(j->kind->noun, "connection") != 0)
        return false;
    rf_putf(&out, "%s %s is named by ", j->kind->block, j->name);
    for (size_t r = 0; r < sizeof references / sizeof *references; r++)
        for (size_t i = 0; (b = rf_conf_block_at(c, references[r].noun, i)) != NULL; i++) {
            if (!names(c, b, references[r].setting, j->name))
                continue;
            if (found++ < 3)
                rf_putf(&out, "%s%s.%s.%s", found > 1 ? ", " : "", references[r].noun, rf_conf_block_label(b),
                        references[r].setting);
            if (found == 1)
                snprintf(fix, sizeof fix, "ringfence %s set %s %s=..., or ringfence %s remove %s first",
                         references[r].noun, rf_conf_block_label(b), references[r].setting, references[r].noun,
                         rf_conf_block_label(b));
        }
    if (found > 3)
        rf_putf(&out, " and %zu more", found - 3);
    sentence[out.n] = '\0';
    if (found > 0)
        rf_control_refuse(j->ask, 3, config_invalid(), sentence, fix);
    return found > 0;
}

static bool
is_of_file(const struct job *j)
{
    struct rf_conf_origin at = rf_conf_block_origin(j->block);
    char sentence[1400], mem[1200];

    if (at.layer != RF_CONF_FILE)
        return false;
    snprintf(sentence, sizeof sentence, "%s %s is set in %s", j->kind->block, j->name,
             rf_desk_origin_text(at, mem, sizeof mem));
    rf_control_refuse(j->ask, 7, config_invalid(), sentence, "take it out there, then ringfence reload");
    return true;
}

/* What goes with a connection: the password that is its own, and where its owner registered. */
static size_t
also_goes(const struct job *j, struct rf_store_write *write, char secret[static 96], struct rf_buf *aor)
{
    char setting[NAME_MAX_OCTETS];
    size_t n = 0;

    if (strcmp(j->kind->noun, "connection") != 0)
        return 0;
    snprintf(secret, 96, "connection-%s", j->name);
    snprintf(setting, sizeof setting, "%s.%s.password", j->kind->block, j->name);
    if (strncmp(rf_conf_text(j->d->site->conf, setting), "secret:", 7) == 0 &&
        strcmp(rf_conf_text(j->d->site->conf, setting) + 7, secret) == 0 && !is_shared(j->d, secret, setting))
        write[n++] = (struct rf_store_write){ .op = RF_STORE_SECRET_DELETE, .key = rf_span_str(secret) };
    return registration_goes(j, &write[n], aor) ? n + 1 : n;
}

static void
take_out(const struct job *j)
{
    char block[96], secret[96], mem[AOR_OCTETS];
    struct rf_buf aor = rf_buf(mem, sizeof mem);
    struct rf_store_write write[2];
    struct rf_desk_edit e;

    if (!is_there(j) || is_of_file(j) || is_named(j))
        return;
    snprintf(block, sizeof block, "%s.%s", j->kind->block, j->name);
    rf_desk_edit_begin(j->d, &e);
    rf_desk_edit_remove(&e, block);
    rf_desk_edit_apply(j->d, j->ask, &e, write, also_goes(j, write, secret, &aor));
}

/* --- the table ----------------------------------------------------------------------------------------- */

static const struct {
    const char *verb;
    void (*run)(const struct job *j);
    bool changes, of_connections; /* connection.list and .show tell of its state, too: routedesk.c */
} verbs[] = { { "list", list, false, false },
              { "show", show, false, false },
              { "add", add, true, true },
              { "set", set, true, true },
              { "remove", take_out, true, true } };

/* Which of them a command is: false, none. */
static bool
find(const char *command, size_t *kind, size_t *verb)
{
    const char *dot = strchr(command, '.');

    for (*kind = 0; dot != NULL && *kind < sizeof kinds / sizeof *kinds; ++*kind) {
        const char *noun = kinds[*kind].noun;

        if (strlen(noun) != (size_t)(dot - command) || strncmp(noun, command, (size_t)(dot - command)) != 0)
            continue;
        for (*verb = 0; *verb < sizeof verbs / sizeof *verbs; ++*verb)
            if (strcmp(verbs[*verb].verb, dot + 1) == 0)
                return verbs[*verb].of_connections || strcmp(noun, "connection") != 0;
    }
    return false;
}

bool
rf_desk_is_object_change(const char *command)
{
    size_t kind, verb;

    return find(command, &kind, &verb) && verbs[verb].changes;
}

bool
rf_desk_object_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    struct job j = { .d = d, .ask = ask, .request = request, .name = text_of(request, "name") };
    size_t kind, verb;

    if (!find(command, &kind, &verb))
        return false;
    j.kind = &kinds[kind];
    j.block = rf_conf_block(d->site->conf, j.kind->block, rf_span_str(j.name));
    verbs[verb].run(&j);
    return true;
}
