/*
 * From texts to a snapshot: read both layers, put each line where it belongs, let the file's win.
 *
 * Problems of grammar end a layer at once; problems of meaning are collected, so that one check shows them all.
 */
#include "conf/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/grammar.h"

#define SNAPSHOT_OCTETS_MAX (512u << 20)
#define WARNINGS_MAX        200 /* nobody reads more; the last one says that there are */

/* The first problem decides; all are told to whoever listens. */
static void
note_problem(struct loader *l, enum rf_err err, const struct rf_conf_problem *p)
{
    if (l->err == RF_OK) {
        l->err = err;
        *l->first = *p;
    }
    if (l->from->problem != NULL)
        l->from->problem(l->from->ctx, p);
}

void
rf_loader_fail(struct loader *l, enum rf_err err, struct rf_conf_origin at, const char *format, ...)
{
    struct rf_conf_problem p = { .at = at };
    va_list ap;

    va_start(ap, format);
    vsnprintf(p.sentence, sizeof p.sentence, format, ap);
    va_end(ap);
    note_problem(l, err, &p);
}

void
rf_loader_refuse(struct loader *l, enum rf_refusal code, struct rf_conf_origin at, const char *format, ...)
{
    struct rf_conf_problem p = { .at = at, .code = code };
    va_list ap;

    va_start(ap, format);
    vsnprintf(p.sentence, sizeof p.sentence, format, ap);
    va_end(ap);
    note_problem(l, RF_ERR_REFUSED, &p);
}

__attribute__((format(printf, 4, 0))) static void
note_warning(struct loader *l, struct rf_conf_origin at, bool is_advice, const char *format, va_list ap)
{
    struct rf_conf *c = l->conf;
    struct warning *w;

    if (c->warning_count > WARNINGS_MAX)
        return;
    w = rf_arena_alloc(&c->arena, sizeof *w);
    if (w == NULL)
        return;
    w->problem.at = at;
    w->problem.is_advice = is_advice;
    if (c->warning_count++ == WARNINGS_MAX)
        snprintf(w->problem.sentence, sizeof w->problem.sentence, "and more");
    else
        vsnprintf(w->problem.sentence, sizeof w->problem.sentence, format, ap);
    if (c->last_warning != NULL)
        c->last_warning->next = w;
    else
        c->warnings = w;
    c->last_warning = w;
}

void
rf_loader_warn(struct loader *l, struct rf_conf_origin at, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    note_warning(l, at, false, format, ap);
    va_end(ap);
}

void
rf_loader_advise(struct loader *l, struct rf_conf_origin at, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    note_warning(l, at, true, format, ap);
    va_end(ap);
}

static bool
out_of_memory(struct loader *l)
{
    if (l->err == RF_OK)
        rf_loader_fail(l, RF_ERR_NOMEM, (struct rf_conf_origin){ 0 }, "the configuration is too large");
    return false;
}

/* --- places -------------------------------------------------------------------------------------------- */

/* The settings outside of labelled blocks (b NULL) or of one. */
struct scope {
    struct rf_conf_block *block;
    const struct kind *kind;
    char prefix[80]; /* "", "sip.", "user.*." */
};

static void
unknown_name(struct loader *l, const struct scope *in, const struct rf_conf_node *n)
{
    struct rf_span name = n->word[0].text;
    int shown = (int)(name.n < 60 ? name.n : 60);
    const char *what = n->is_block ? "block" : "setting";
    char near[64];

    if (rf_option_suggest(rf_span_str(in->prefix), name, near, sizeof near) != NULL) {
        rf_loader_fail(l, RF_ERR_NOT_FOUND, n->at, "unknown %s %.*s; did you mean %s?", what, shown, name.p, near);
        return;
    }
    /* A setting that stands in the wrong block. */
    for (size_t i = 0; in->block == NULL && rf_option_at(i) != NULL; i++) {
        const char *option = rf_option_at(i)->name, *dot = strrchr(option, '.');

        if (dot != NULL && rf_span_is(name, dot + 1) && strchr(option, '*') == NULL) {
            rf_loader_fail(l, RF_ERR_NOT_FOUND, n->at, "unknown %s %.*s; it belongs in the block %.*s", what, shown,
                           name.p, (int)(dot - option), option);
            return;
        }
    }
    rf_loader_fail(l, RF_ERR_NOT_FOUND, n->at, "unknown %s %.*s", what, shown, name.p);
}

/* Behind `before`, which may be NULL. */
static const char *
text_of_words(struct loader *l, const char *before, const struct rf_conf_node *n)
{
    size_t head = before != NULL ? strlen(before) : 0, octets = head + 1;
    char *text, *p;

    for (size_t i = 1; i < n->words; i++)
        octets += n->word[i].text.n + 1;
    text = p = rf_arena_alloc(&l->conf->arena, octets + 1);
    if (text == NULL)
        return NULL;
    if (head > 0)
        memcpy(p, before, head);
    p += head;
    for (size_t i = 1; i < n->words; i++) {
        if (p > text)
            *p++ = ' ';
        if (n->word[i].text.n > 0)
            memcpy(p, n->word[i].text.p, n->word[i].text.n);
        p += n->word[i].text.n;
    }
    return text;
}

/* --- settings ------------------------------------------------------------------------------------------ */

/* A certificate's files: a line for each. */
static bool
may_be_said_again(const struct rf_option *o)
{
    return o->is_list && (o->type == RF_OPT_FILE || o->type == RF_OPT_KEY_FILE);
}

/* A level of received certificate checks that is one, but not on lines between nodes (AVA-24). */
static bool
is_remote_level(const struct rf_option *o, const struct rf_conf_node *n)
{
    return strcmp(o->name, "node-link.received-certificate-checks") == 0 && n->words == 2 &&
           rf_choice_has("medium-remote|high-remote", n->word[1].text);
}

static void
refuse_remote_level(struct loader *l, const struct rf_option *o, const struct rf_conf_node *n, struct rf_conf_origin at)
{
    char sentence[240];
    struct rf_buf out = rf_buf(sentence, sizeof sentence - 1);
    const struct rf_log_field fields[] = { RF_F_SPAN("check_level", n->word[1].text), { 0 } };

    rf_refusal_sentence(&out, rf_refusal_row(RF_REFUSE_REMOTE_NOT_AVAILABLE)->sentence, fields);
    sentence[out.n] = '\0';
    rf_loader_refuse(l, RF_REFUSE_REMOTE_NOT_AVAILABLE, at, "%s; %s takes none, low, medium or high", sentence,
                     o->name);
}

static void
add_setting(struct loader *l, const struct scope *in, const struct rf_option *o, const struct rf_conf_node *n)
{
    struct setting **list = in->block != NULL ? &in->block->settings : &l->conf->settings;
    struct setting *s = rf_snapshot_setting(*list, o);
    struct rf_span word[RF_CONF_WORDS_MAX];
    struct rf_conf_origin at = n->at;
    char sentence[200], name[320];
    bool goes_on = s != NULL && s->at.layer == n->at.layer && may_be_said_again(o);
    enum rf_err err;

    if (s != NULL && s->at.layer == n->at.layer && !goes_on) {
        rf_loader_fail(l, RF_ERR_EXISTS, n->at, "%.*s is set twice; the first is at %s:%d",
                       RF_SPAN_ARG(n->word[0].text), s->at.file != NULL ? s->at.file : "line", s->at.line);
        return;
    }
    for (size_t i = 1; i < n->words; i++)
        word[i - 1] = n->word[i].text;
    err = rf_option_check(o, word, n->words - 1, sentence, sizeof sentence);
    if (err) {
        if (n->words > 1)
            at.column = n->word[1].column;
        if (is_remote_level(o, n))
            refuse_remote_level(l, o, n, at);
        else
            rf_loader_fail(l, err, at, "%s", sentence);
        return;
    }
    if (s == NULL) {
        s = rf_arena_alloc(&l->conf->arena, sizeof *s);
        if (s == NULL) {
            out_of_memory(l);
            return;
        }
        s->option = o;
        s->next = *list;
        *list = s;
    }
    if (!goes_on)
        s->at = n->at;
    if (o->type == RF_OPT_SECRET) {
        if (in->block != NULL)
            snprintf(name, sizeof name, "%s.%s.%s", in->kind->name, in->block->label, o->name + strlen(in->prefix));
        else
            snprintf(name, sizeof name, "%s", o->name);
        rf_loader_secret(l, s, word[0], name);
        return;
    }
    s->text = text_of_words(l, goes_on ? s->text : NULL, n);
    if (s->text == NULL)
        out_of_memory(l);
}

/* --- blocks -------------------------------------------------------------------------------------------- */

/* What a user's name may be in a SIP URI without escapes (RFC 3261 25.1 unreserved, and "+"). */
bool
rf_conf_label_is_valid(struct rf_span s)
{
    if (s.n == 0 || s.n > RF_CONF_LABEL_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("-_.+~", c) != NULL)))
            return false;
    }
    return true;
}

static struct kind *
kind_of(struct loader *l, struct rf_span name)
{
    struct kind *k = rf_snapshot_kind(l->conf, name);

    if (k != NULL)
        return k;
    k = rf_arena_alloc(&l->conf->arena, sizeof *k);
    if (k == NULL || rf_span_copy(name, k->name, sizeof k->name) != RF_OK ||
        rf_hash_init(&k->by_label, &rf_rand_system) != RF_OK) {
        out_of_memory(l);
        return NULL;
    }
    k->next = l->conf->kinds;
    l->conf->kinds = k;
    return k;
}

static struct rf_conf_block *
block_of(struct loader *l, struct kind *k, struct rf_span label, const struct rf_conf_node *n)
{
    struct rf_conf_block *b = rf_snapshot_block(k, label);

    if (b != NULL) {
        if (b->at.layer == n->at.layer) {
            rf_loader_fail(l, RF_ERR_EXISTS, n->at, "there are two blocks %s %s; the first is at %s:%d", k->name,
                           b->label, b->at.file != NULL ? b->at.file : "line", b->at.line);
            return NULL;
        }
        b->at = n->at;
        return b;
    }
    b = rf_arena_alloc(&l->conf->arena, sizeof *b);
    if (b == NULL || (b->label = rf_arena_str(&l->conf->arena, label)) == NULL) {
        out_of_memory(l);
        return NULL;
    }
    b->kind = k;
    b->at = n->at;
    rf_hash_insert(&k->by_label, &b->node, rf_hash_of(&k->by_label, label));
    if (k->last != NULL)
        k->last->next = b;
    else
        k->first = b;
    k->last = b;
    k->count++;
    return b;
}

static void add_lines(struct loader *l, const struct scope *in, const struct rf_conf_node *n);

static void
add_block(struct loader *l, const struct scope *outer, const struct rf_conf_node *n, bool is_labelled)
{
    struct scope in = *outer;
    struct rf_span name = n->word[0].text, label = n->words > 1 ? n->word[1].text : rf_span(NULL, 0);
    bool may_be_unnamed = rf_span_is(name, "certificate"); /* most machines have one */

    if (n->words == 1 && is_labelled && may_be_unnamed) {
        label = rf_span_str(RF_CONF_UNNAMED);
    } else if (n->words != (is_labelled ? 2u : 1u)) {
        if (is_labelled)
            rf_loader_fail(l, RF_ERR_SYNTAX, n->at, "the block %.*s needs one name, as in: %.*s NAME {",
                           RF_SPAN_ARG(name), RF_SPAN_ARG(name));
        else
            rf_loader_fail(l, RF_ERR_SYNTAX, n->at, "the block %.*s takes no name", RF_SPAN_ARG(name));
        return;
    }
    snprintf(in.prefix, sizeof in.prefix, "%s%.*s.%s", outer->prefix, RF_SPAN_ARG(name), is_labelled ? "*." : "");
    if (is_labelled) {
        struct kind *k = kind_of(l, name);

        if (!rf_conf_label_is_valid(label)) {
            rf_loader_fail(l, RF_ERR_SYNTAX, n->at,
                           "the name of a block %.*s takes 1 to %d letters, digits and - _ . + ~", RF_SPAN_ARG(name),
                           RF_CONF_LABEL_MAX);
            return;
        }
        in.kind = k;
        in.block = k != NULL ? block_of(l, k, label, n) : NULL;
        if (in.block == NULL)
            return;
    }
    add_lines(l, &in, n->first);
}

static void
add_lines(struct loader *l, const struct scope *in, const struct rf_conf_node *n)
{
    for (; n != NULL; n = n->next) {
        struct rf_span name = n->word[0].text;
        const struct rf_option *o;
        enum rf_option_place place;
        char pattern[160];

        if (!n->is_block && name.n < 64) {
            snprintf(pattern, sizeof pattern, "%s%.*s", in->prefix, RF_SPAN_ARG(name));
            o = rf_option_find(rf_span_str(pattern));
            if (o != NULL && rf_span_find(name, '.') == name.n && rf_span_find(name, '*') == name.n) {
                add_setting(l, in, o, n);
                continue;
            }
        }
        place = rf_option_place(rf_span_str(in->prefix), name);
        if (n->is_block && (place == RF_PLACE_BLOCK || place == RF_PLACE_LABELLED_BLOCK))
            add_block(l, in, n, place == RF_PLACE_LABELLED_BLOCK);
        else if (n->is_block && place == RF_PLACE_SETTING)
            rf_loader_fail(l, RF_ERR_SYNTAX, n->at, "%.*s is a setting, not a block", RF_SPAN_ARG(name));
        else if (place != RF_PLACE_UNKNOWN)
            rf_loader_fail(l, RF_ERR_SYNTAX, n->at, "%.*s is a block: %.*s%s {", RF_SPAN_ARG(name),
                           RF_SPAN_ARG(name), place == RF_PLACE_LABELLED_BLOCK ? " NAME" : "");
        else
            unknown_name(l, in, n);
    }
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static void
read_layer(struct loader *l, enum rf_conf_layer layer)
{
    const struct rf_conf_sources *from = l->from;
    struct rf_conf_problem p = { 0 };
    struct rf_conf_tree tree;
    enum rf_err err;

    rf_conf_tree_init(&tree);
    if (layer == RF_CONF_STORE)
        err = rf_conf_tree_add(&tree, from->store_text, layer, NULL, &p);
    else if (from->file_text.p != NULL)
        err = rf_conf_tree_add(&tree, from->file_text, layer, from->file_name, &p);
    else if (from->file_path != NULL)
        err = rf_conf_tree_read(&tree, from->file_path, &p);
    else
        err = RF_OK;
    if (err == RF_OK)
        add_lines(l, &(struct scope){ 0 }, tree.root.first);
    else
        rf_loader_fail(l, err, p.at, "%s", p.sentence);
    rf_conf_tree_fini(&tree);
}

/* rf_conf_block_at wants them numbered. */
static void
number_blocks(struct loader *l)
{
    for (struct kind *k = l->conf->kinds; k != NULL; k = k->next) {
        size_t i = 0;

        k->list = rf_arena_alloc(&l->conf->arena, (k->count > 0 ? k->count : 1) * sizeof(struct rf_conf_block *));
        if (k->list == NULL) {
            k->count = 0;
            out_of_memory(l);
            return;
        }
        for (struct rf_conf_block *b = k->first; b != NULL; b = b->next)
            k->list[i++] = b;
    }
}

enum rf_err
rf_conf_load_from(struct rf_conf **out, const struct rf_conf_sources *from, struct rf_conf_problem *problem)
{
    struct loader l = { .from = from, .first = problem };

    *problem = (struct rf_conf_problem){ 0 };
    l.conf = calloc(1, sizeof *l.conf);
    if (l.conf == NULL)
        return RF_ERR_NOMEM;
    atomic_init(&l.conf->refs, 1);
    rf_arena_init(&l.conf->arena, SNAPSHOT_OCTETS_MAX);
    read_layer(&l, RF_CONF_STORE);
    read_layer(&l, RF_CONF_FILE);
    number_blocks(&l);
    rf_loader_check(&l);
    if (l.err) {
        rf_conf_unref(l.conf);
        return l.err;
    }
    *out = l.conf;
    return RF_OK;
}

enum rf_err
rf_conf_load(struct rf_conf **out, struct rf_span store_text, const char *file_path,
             struct rf_conf_problem *problem)
{
    const struct rf_conf_sources from = { .store_text = store_text, .file_path = file_path };

    return rf_conf_load_from(out, &from, problem);
}
