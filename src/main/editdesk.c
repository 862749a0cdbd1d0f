/*
 * main/editdesk.c - the store's layer with something changed: from the first setting to rf_desk_apply
 *
 * Each change makes the next layer as text, checks it as a whole (a dry load with the file's layer over it), and hands
 * it to rf_desk_apply_edit. Users, objects, certificates and single settings are all changed here, and refused alike.
 */
#include <stdlib.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "conf/grammar.h"
#include "conf/iface.h"
#include "conf/options.h"
#include "main/desk.h"
#include "main/peek.h"

const char *
rf_desk_origin_text(struct rf_conf_origin at, char *mem, size_t size)
{
    switch (at.layer) {
    case RF_CONF_STORE:
        return "store";
    case RF_CONF_FILE:
        snprintf(mem, size, "%s:%d", at.file != NULL ? at.file : "file", at.line);
        return mem;
    case RF_CONF_LOCK:
        return "enforced by hosted";
    case RF_CONF_DEFAULT:
        break;
    }
    return "default";
}

static bool
is_hosted(const struct rf_conf *c)
{
    return strcmp(rf_conf_text(c, "platform"), "hosted") == 0;
}

/* What hosted enforces would mean little if whoever may change a setting could leave it: that takes the file, and
 * with it the machine's operator. */
static void
refuse_leaving_hosted(struct rf_control_ask *ask)
{
    char sentence[240];
    struct rf_buf b = rf_buf(sentence, sizeof sentence - 1);

    rf_refusal_sentence(&b, rf_refusal_row(RF_REFUSE_LOCKED_BY_HOSTED)->sentence,
                        (const struct rf_log_field[]){ RF_F_STR("setting", "platform"), RF_F_STR("value", "pbx"),
                                                       { 0 } });
    sentence[b.n] = '\0';
    rf_control_refuse(ask, 6, rf_refusal_row(RF_REFUSE_LOCKED_BY_HOSTED)->code, sentence, "");
}

bool
rf_desk_file_is_read(void *ctx, struct rf_span path, struct rf_span *octets)
{
    *octets = rf_span(NULL, 0);
    return true;
}

/* A line of a text that nobody has seen helps nobody: the sentence names the setting. */
void
rf_desk_refuse_edit(struct rf_control_ask *ask, enum rf_err err, const struct rf_conf_problem *p, const char *fix)
{
    bool is_word = err == RF_ERR_NOT_FOUND && p->at.line == 0 && p->code == RF_REFUSE_NONE;
    struct rf_conf_problem said = *p;
    const char *behind = strstr(said.sentence, ": ");

    if (said.at.layer == RF_CONF_STORE)
        said.at = (struct rf_conf_origin){ 0 };
    /* The parent has put its line in front (rf_conf_problem_text). */
    if (strncmp(said.sentence, "store:", 6) == 0 && behind != NULL)
        memmove(said.sentence, behind + 2, strlen(behind + 2) + 1);
    if (p->code != RF_REFUSE_NONE || said.at.layer == RF_CONF_FILE)
        rf_desk_refuse(ask, err, &said);
    else
        rf_control_refuse(ask, is_word ? 2 : 3,
                          rf_refusal_row(is_word ? RF_REFUSE_COMMAND : RF_REFUSE_CONFIG_INVALID)->code, said.sentence,
                          fix[0] != '\0' ? fix : "ringfence config explain SETTING says what it takes; what runs stays");
}

static bool
may_follow(struct rf_desk *d, struct rf_control_ask *ask, const char *layer, bool was_typed)
{
    struct rf_conf_problem problem = { 0 };
    struct rf_conf_sources from = { .store_text = rf_span_str(layer), .file = rf_desk_file_is_read };
    struct rf_conf *conf;
    bool leaves_hosted;
    enum rf_err err;

    if (d->conf.shared->launch->has_config)
        from.file_path = d->conf.shared->launch->config;
    err = rf_conf_load_from(&conf, &from, &problem);
    if (err) {
        if (was_typed)
            rf_desk_refuse(ask, err, &problem);
        else
            rf_desk_refuse_edit(ask, err, &problem, "");
        return false;
    }
    leaves_hosted = is_hosted(d->site->conf) && !is_hosted(conf);
    if (leaves_hosted)
        refuse_leaving_hosted(ask);
    rf_conf_unref(conf);
    return !leaves_hosted;
}

bool
rf_desk_layer_is_valid(struct rf_desk *d, struct rf_control_ask *ask, const char *layer)
{
    return may_follow(d, ask, layer, true);
}

void
rf_desk_edit_begin(struct rf_desk *d, struct rf_desk_edit *e)
{
    *e = (struct rf_desk_edit){ .text = rf_site_store_layer(d->conf.shared->store) };
    if (e->text == NULL) {
        e->err = RF_ERR_IO;
        snprintf(e->problem.sentence, sizeof e->problem.sentence, "the store's layer cannot be read");
    }
}

void
rf_desk_edit_end(struct rf_desk_edit *e)
{
    if (e->text != NULL)
        rf_wipe(e->text, strlen(e->text));
    free(e->text);
    e->text = NULL;
}

/* The layer's text gives way to the next one, which rf_conf_edit_all or rf_conf_remove wrote. */
static void
take(struct rf_desk_edit *e, char *mem, struct rf_buf *out)
{
    if (!e->err && out->n > RF_STORE_LAYER_MAX) {
        e->err = RF_ERR_RANGE;
        snprintf(e->problem.sentence, sizeof e->problem.sentence, "the store's layer is too large");
    }
    mem[out->n] = '\0';
    if (e->err) {
        rf_wipe(mem, out->n);
        free(mem);
    } else {
        rf_desk_edit_end(e);
        e->text = mem;
    }
}

static char *
room(struct rf_desk_edit *e, size_t more, struct rf_buf *out)
{
    size_t cap = 2 * ((e->text != NULL ? strlen(e->text) : 0) + more + 65536);
    char *mem = e->err ? NULL : malloc(cap);

    *out = rf_buf(mem, cap - 1);
    if (mem == NULL && !e->err)
        e->err = RF_ERR_NOMEM;
    return mem;
}

/* Of a block's setting: the loader's sentence would name its kind alone. */
static void
check_value(struct rf_desk_edit *e, const struct rf_conf_change *c)
{
    struct rf_span label, word[RF_CONF_WORDS_MAX], left = c->value;
    const struct rf_option *o = rf_option_resolve(c->name, &label);
    char sentence[200];
    size_t n = 0;

    if (e->err || o == NULL || label.n == 0 || c->value.p == NULL)
        return;
    if (!o->is_list)
        word[n++] = c->value;
    while (o->is_list && n < RF_CONF_WORDS_MAX && rf_conf_next_word(&left, &word[n]))
        n++;
    e->err = rf_option_check(o, word, n, sentence, sizeof sentence);
    if (e->err)
        snprintf(e->problem.sentence, sizeof e->problem.sentence, "%.*s%s", RF_SPAN_ARG(c->name),
                 sentence + strlen(o->name));
    if (e->err)
        snprintf(e->fix, sizeof e->fix, "ringfence config explain %s", o->name);
}

void
rf_desk_edit_set_all(struct rf_desk_edit *e, const struct rf_conf_change *change, size_t n)
{
    struct rf_buf out;
    size_t more = 0;
    char *mem;

    for (size_t i = 0; i < n; i++) {
        more += change[i].name.n + change[i].value.n + 64; /* with the lines of its block */
        check_value(e, &change[i]);
    }
    mem = room(e, more, &out);
    if (mem == NULL)
        return;
    e->err = rf_conf_edit_all(rf_span_str(e->text), change, n, &out, &e->problem);
    take(e, mem, &out);
}

void
rf_desk_edit_set(struct rf_desk_edit *e, const char *name, const char *value)
{
    const struct rf_conf_change change = { rf_span_str(name), rf_span_str(value) };

    rf_desk_edit_set_all(e, &change, 1);
}

void
rf_desk_edit_remove(struct rf_desk_edit *e, const char *block)
{
    struct rf_buf out;
    char *mem = room(e, 0, &out);

    if (mem == NULL)
        return;
    e->err = rf_conf_remove(rf_span_str(e->text), rf_span_str(block), &out, &e->problem);
    take(e, mem, &out);
}

void
rf_desk_edit_apply(struct rf_desk *d, struct rf_control_ask *ask, struct rf_desk_edit *e,
                   const struct rf_store_write *more, size_t n)
{
    if (e->err)
        rf_desk_refuse_edit(ask, e->err, &e->problem, e->fix);
    else if (may_follow(d, ask, e->text, false))
        rf_desk_apply_edit(d, ask, e->text, more, n);
    rf_desk_edit_end(e);
}

bool
rf_desk_is_pinned(struct rf_desk *d, struct rf_control_ask *ask, const char *name)
{
    char at[1200], sentence[1500];
    struct rf_conf_origin origin;

    if (!rf_conf_knows(d->site->conf, rf_span_str(name)))
        return false;
    origin = rf_conf_origin(d->site->conf, name);
    if (origin.layer != RF_CONF_FILE)
        return false;
    snprintf(sentence, sizeof sentence, "%.180s is set in %s", name, rf_desk_origin_text(origin, at, sizeof at));
    rf_control_refuse(ask, 7, rf_refusal_row(RF_REFUSE_CONFIG_INVALID)->code, sentence,
                      "change the line there, then ringfence reload");
    return true;
}

