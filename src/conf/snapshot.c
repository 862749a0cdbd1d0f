/* Reading a snapshot: values, origins, blocks, differences. */
#include "conf/snapshot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* --- finding ------------------------------------------------------------------------------------------- */

struct setting *
rf_snapshot_setting(struct setting *list, const struct rf_option *o)
{
    while (list != NULL && list->option != o)
        list = list->next;
    return list;
}

struct kind *
rf_snapshot_kind(const struct rf_conf *c, struct rf_span name)
{
    struct kind *k = c->kinds;

    while (k != NULL && !rf_span_is(name, k->name))
        k = k->next;
    return k;
}

static bool
is_label(const struct rf_hash_node *node, const void *key)
{
    const struct rf_conf_block *b = (const struct rf_conf_block *)(const void *)node;

    return rf_span_is(*(const struct rf_span *)key, b->label);
}

struct rf_conf_block *
rf_snapshot_block(const struct kind *k, struct rf_span label)
{
    static_assert(offsetof(struct rf_conf_block, node) == 0, "a node is its block");

    if (k == NULL)
        return NULL;
    return (struct rf_conf_block *)(void *)rf_hash_find(&k->by_label, rf_hash_of(&k->by_label, label), is_label,
                                                        &label);
}

/* What platform hosted puts in the place of any value; NULL when nothing is enforced or a list is only limited. */
static const char *
enforced(const struct rf_conf *c, const struct rf_option *o)
{
    if (!c->is_hosted || o->hosted == NULL || o->is_list || strchr(o->hosted, '|') != NULL)
        return NULL;
    return o->hosted;
}

static bool
has_block(const struct rf_conf *c, struct rf_span name)
{
    size_t dot = rf_span_find(name, '.');
    struct kind *k = rf_snapshot_kind(c, rf_span_sub(name, 0, dot));

    return k != NULL && rf_snapshot_block(k, rf_span_sub(name, dot + 1, name.n)) != NULL;
}

/*
 * Of "sip.srtp", or of "security.tls-mutual?required" with "off" behind the end of that string. What is no setting is
 * a block that is there or not.
 */
static const char *
value_of_other(const struct rf_conf *c, const char *reference, struct rf_conf_origin *at)
{
    size_t question = strcspn(reference, "?");
    const struct rf_option *other = rf_option_find(rf_span(reference, question));
    const char *value;

    if (other == NULL) {
        rf_assert(reference[question] == '?');
        return has_block(c, rf_span(reference, question)) ? reference + question + 1
                                                          : reference + strlen(reference) + 1;
    }
    value = rf_snapshot_value(c, other, NULL, at);
    if (reference[question] == '\0')
        return value;
    if (strcmp(value, "1") == 0 || strcmp(value, "on") == 0)
        return reference + question + 1;
    return reference + strlen(reference) + 1;
}

const char *
rf_snapshot_value(const struct rf_conf *c, const struct rf_option *o, const struct rf_conf_block *b,
                  struct rf_conf_origin *at)
{
    const struct setting *s = rf_snapshot_setting(b != NULL ? b->settings : c->settings, o);
    const char *text = enforced(c, o);

    if (at != NULL)
        *at = (struct rf_conf_origin){ .layer = text != NULL ? RF_CONF_LOCK : RF_CONF_DEFAULT };
    if (text != NULL)
        return text;
    if (s != NULL) {
        if (at != NULL)
            *at = s->at;
        return s->text;
    }
    text = c->is_secure ? o->secure : o->compatible;
    return text[0] == '@' ? value_of_other(c, text + 1, at) : text;
}

/* --- by dotted name ------------------------------------------------------------------------------------ */

static bool
find(const struct rf_conf *c, struct rf_span name, const struct rf_option **o, const struct rf_conf_block **b)
{
    struct rf_span label;

    *b = NULL;
    *o = rf_option_resolve(name, &label);
    if (*o == NULL)
        return false;
    if (label.n == 0)
        return true;
    *b = rf_snapshot_block(rf_snapshot_kind(c, rf_span_sub(name, 0, rf_span_find(name, '.'))), label);
    return *b != NULL;
}

bool
rf_conf_knows(const struct rf_conf *c, struct rf_span name)
{
    const struct rf_option *o;
    const struct rf_conf_block *b;

    return find(c, name, &o, &b);
}

const char *
rf_conf_text(const struct rf_conf *c, const char *name)
{
    const struct rf_option *o;
    const struct rf_conf_block *b;

    rf_assert(find(c, rf_span_str(name), &o, &b));
    return rf_snapshot_value(c, o, b, NULL);
}

bool
rf_conf_is_on(const struct rf_conf *c, const char *name)
{
    return strcmp(rf_conf_text(c, name), "on") == 0;
}

int64_t
rf_conf_number(const struct rf_conf *c, const char *name)
{
    const struct rf_option *o;
    const struct rf_conf_block *b;

    rf_assert(find(c, rf_span_str(name), &o, &b));
    return rf_option_number(o, rf_snapshot_value(c, o, b, NULL));
}

struct rf_conf_origin
rf_conf_origin(const struct rf_conf *c, const char *name)
{
    const struct rf_option *o;
    const struct rf_conf_block *b;
    struct rf_conf_origin at;

    rf_assert(find(c, rf_span_str(name), &o, &b));
    rf_snapshot_value(c, o, b, &at);
    return at;
}

/* --- blocks -------------------------------------------------------------------------------------------- */

const struct rf_conf_block *
rf_conf_block(const struct rf_conf *c, const char *kind, struct rf_span label)
{
    return rf_snapshot_block(rf_snapshot_kind(c, rf_span_str(kind)), label);
}

const struct rf_conf_block *
rf_conf_block_at(const struct rf_conf *c, const char *kind, size_t i)
{
    const struct kind *k = rf_snapshot_kind(c, rf_span_str(kind));

    return k != NULL && i < k->count ? k->list[i] : NULL;
}

const char *
rf_conf_label(const struct rf_conf *c, const char *kind, size_t i)
{
    const struct rf_conf_block *b = rf_conf_block_at(c, kind, i);

    return b != NULL ? b->label : NULL;
}

const char *
rf_conf_block_label(const struct rf_conf_block *b)
{
    return b->label;
}

struct rf_conf_origin
rf_conf_block_origin(const struct rf_conf_block *b)
{
    return b->at;
}

static const struct rf_option *
option_of(const struct rf_conf_block *b, const char *setting)
{
    const struct rf_option *o;
    char pattern[96];

    snprintf(pattern, sizeof pattern, "%s.*.%s", b->kind->name, setting);
    o = rf_option_find(rf_span_str(pattern));
    rf_assert(o != NULL);
    return o;
}

const char *
rf_conf_block_text(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting)
{
    return rf_snapshot_value(c, option_of(b, setting), b, NULL);
}

bool
rf_conf_block_is_on(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting)
{
    return strcmp(rf_conf_block_text(c, b, setting), "on") == 0;
}

int64_t
rf_conf_block_number(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting)
{
    const struct rf_option *o = option_of(b, setting);

    return rf_option_number(o, rf_snapshot_value(c, o, b, NULL));
}

enum rf_err
rf_conf_block_secret(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting,
                     struct rf_secret *out)
{
    const struct setting *s = rf_snapshot_setting(b->settings, option_of(b, setting));

    if (s == NULL || s->secret == NULL)
        return RF_ERR_NOT_FOUND;
    return rf_secret_set(out, s->secret, s->secret_n);
}

/* --- all of it ----------------------------------------------------------------------------------------- */

typedef void visit_value(void *ctx, const char *name, const char *value, struct rf_conf_origin origin);

static void
visit_block(const struct rf_conf *c, const struct kind *k, const struct rf_conf_block *b, visit_value *visit,
            void *ctx)
{
    char prefix[48], name[320];
    int n = snprintf(prefix, sizeof prefix, "%s.*.", k->name);

    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *o = rf_option_at(i);
        struct rf_conf_origin at;
        const char *value;

        if (strncmp(o->name, prefix, (size_t)n) != 0)
            continue;
        snprintf(name, sizeof name, "%s.%s.%s", k->name, b->label, o->name + n);
        value = rf_snapshot_value(c, o, b, &at);
        visit(ctx, name, value, at);
    }
}

void
rf_conf_visit(const struct rf_conf *c, visit_value *visit, void *ctx)
{
    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *o = rf_option_at(i);
        struct rf_conf_origin at;
        const char *value;

        if (strchr(o->name, '*') != NULL)
            continue;
        value = rf_snapshot_value(c, o, NULL, &at);
        visit(ctx, o->name, value, at);
    }
    for (const struct kind *k = c->kinds; k != NULL; k = k->next)
        for (size_t i = 0; i < k->count; i++)
            visit_block(c, k, k->list[i], visit, ctx);
}

/* --- differences --------------------------------------------------------------------------------------- */

struct diff {
    const struct rf_conf *before;
    void (*visit)(void *ctx, const char *name, const char *was, const char *is, bool needs_restart);
    void *ctx;
};

/* A secret's text is its reference, so a new password behind the same name shows only here. */
static bool
same_secret(const struct rf_conf *before, const struct rf_conf *after, struct rf_span name)
{
    const struct rf_option *o;
    const struct rf_conf_block *was, *is;
    const struct setting *a, *b;

    if (!find(before, name, &o, &was) || !find(after, name, &o, &is) || o->type != RF_OPT_SECRET)
        return true;
    a = rf_snapshot_setting(was != NULL ? was->settings : before->settings, o);
    b = rf_snapshot_setting(is != NULL ? is->settings : after->settings, o);
    if (a == NULL || b == NULL || a->secret == NULL || b->secret == NULL)
        return (a == NULL || a->secret == NULL) == (b == NULL || b->secret == NULL);
    return a->secret_n == b->secret_n && rf_octets_eq(a->secret, b->secret, a->secret_n);
}

struct diff_visit {
    const struct diff *diff;
    const struct rf_conf *after;
};

static void
compare_value(void *ctx, const char *name, const char *is, struct rf_conf_origin at)
{
    const struct diff_visit *v = ctx;
    const struct rf_option *o;
    const struct rf_conf_block *b;
    const char *was;

    if (!find(v->diff->before, rf_span_str(name), &o, &b))
        return; /* its block is new: told of as a whole */
    was = rf_snapshot_value(v->diff->before, o, b, NULL);
    if (strcmp(was, is) != 0 || !same_secret(v->diff->before, v->after, rf_span_str(name)))
        v->diff->visit(v->diff->ctx, name, was, is, o->needs_restart);
}

/* Blocks of `a` that `b` does not have. */
static void
missing_blocks(const struct rf_conf *a, const struct rf_conf *b, const struct diff *d, const char *what)
{
    char name[320];

    for (const struct kind *k = a->kinds; k != NULL; k = k->next)
        for (size_t i = 0; i < k->count; i++) {
            if (rf_conf_block(b, k->name, rf_span_str(k->list[i]->label)) != NULL)
                continue;
            snprintf(name, sizeof name, "%s.%s", k->name, k->list[i]->label);
            d->visit(d->ctx, name, "", what, false);
        }
}

void
rf_conf_diff(const struct rf_conf *before, const struct rf_conf *after,
             void (*visit)(void *ctx, const char *name, const char *was, const char *is, bool needs_restart),
             void *ctx)
{
    struct diff d = { before, visit, ctx };
    struct diff_visit v = { &d, after };

    missing_blocks(before, after, &d, "removed");
    missing_blocks(after, before, &d, "added");
    rf_conf_visit(after, compare_value, &v);
}

/* --- life ---------------------------------------------------------------------------------------------- */

const struct rf_conf_problem *
rf_conf_warning(const struct rf_conf *c, size_t i)
{
    const struct warning *w = c->warnings;

    while (w != NULL && i-- > 0)
        w = w->next;
    return w != NULL ? &w->problem : NULL;
}

void
rf_conf_put_problem(struct rf_buf *out, const struct rf_conf_problem *p)
{
    if (p->at.file != NULL)
        rf_put_str(out, p->at.file);
    else if (p->at.layer == RF_CONF_STORE)
        rf_put_str(out, "settings");
    if (p->at.line > 0)
        rf_putf(out, ":%d:%d", p->at.line, p->at.column > 0 ? p->at.column : 1);
    if (p->at.file != NULL || p->at.layer == RF_CONF_STORE)
        rf_put_str(out, ": ");
    rf_put_str(out, p->sentence);
}

struct rf_conf *
rf_conf_ref(struct rf_conf *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void
rf_conf_unref(struct rf_conf *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (struct kind *k = c->kinds; k != NULL; k = k->next)
        rf_hash_fini(&k->by_label);
    rf_arena_wipe(&c->arena);
    free(c);
}
