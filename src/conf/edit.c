/* Changing the store's layer: a text in, a text in normal form out. */
#include "conf/grammar.h"
#include "conf/options.h"

static struct rf_conf_node *
find_node(struct rf_conf_node *parent, struct rf_span name, struct rf_span label, bool is_block)
{
    struct rf_conf_node *n = parent->first;

    while (n != NULL && !(n->is_block == is_block && rf_span_eq(n->word[0].text, name) &&
                          (label.n == 0 || (n->words > 1 && rf_span_eq(n->word[1].text, label)))))
        n = n->next;
    return n;
}

static enum rf_err
unknown(struct rf_span name, struct rf_conf_problem *problem)
{
    char near[64];
    size_t dot = rf_span_find(name, '.');
    struct rf_span prefix = rf_span_sub(name, 0, dot < name.n ? dot + 1 : 0);
    struct rf_span last = rf_span_sub(name, prefix.n, name.n);
    const char *suggestion;
    char labelled[96];
    struct rf_buf b = rf_buf(labelled, sizeof labelled);

    /* user.201.pasword: compare behind the label. */
    if (prefix.n > 0 && rf_option_place(rf_span(NULL, 0), rf_span_sub(prefix, 0, prefix.n - 1)) ==
                            RF_PLACE_LABELLED_BLOCK) {
        size_t end = last.n;

        while (end > 0 && last.p[end - 1] != '.')
            end--;
        rf_put(&b, prefix);
        rf_put_str(&b, "*.");
        last = rf_span_sub(last, end, last.n);
        prefix = rf_buf_span(&b);
    }
    switch (prefix.n == 0 ? rf_option_place(rf_span(NULL, 0), name) : RF_PLACE_UNKNOWN) {
    case RF_PLACE_BLOCK:
    case RF_PLACE_LABELLED_BLOCK:
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "%.*s is a block, not a setting: name one of its settings, %.*s%s",
                    (int)name.n, name.p, (int)name.n, name.p,
                    rf_option_place(rf_span(NULL, 0), name) == RF_PLACE_BLOCK ? ".SETTING" : ".NAME.SETTING");
        return RF_ERR_NOT_FOUND;
    default:
        break;
    }
    suggestion = rf_option_suggest(prefix, last, near, sizeof near);
    if (suggestion != NULL)
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "unknown setting %.*s; did you mean %s?",
                    (int)(name.n < 80 ? name.n : 80), name.p, suggestion);
    else
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "unknown setting %.*s",
                    (int)(name.n < 80 ? name.n : 80), name.p);
    return RF_ERR_NOT_FOUND;
}

/* A setting's name in its parts. */
struct place {
    struct rf_span block; /* "sip", "user"; empty: none */
    struct rf_span label; /* "201"; empty: none */
    struct rf_span inner; /* "inbound" of sip-connection.*.inbound.srtp; empty: none */
    struct rf_span last;  /* "listen" */
};

static struct place
place_of(const struct rf_option *o, struct rf_span label)
{
    struct rf_span name = rf_span_str(o->name);
    const char *dot = strrchr(o->name, '.');
    const char *star = strchr(o->name, '*');
    size_t first = rf_span_find(name, '.');
    struct place p = { .last = name };

    if (dot == NULL)
        return p;
    p = (struct place){ .block = rf_span_sub(name, 0, first), .label = label, .last = rf_span_str(dot + 1) };
    if (star != NULL && dot > star + 1)
        p.inner = rf_span(star + 2, (size_t)(dot - star - 2));
    return p;
}

/* Out of a block, or of the blocks of that name within it; one that is empty then goes too. */
static bool
remove_from(struct rf_conf_node *block, const struct place *p)
{
    struct rf_conf_node *old;

    if (p->inner.n == 0) {
        old = find_node(block, p->last, rf_span(NULL, 0), false);
        if (old != NULL)
            rf_conf_node_remove(block, old);
        return old != NULL;
    }
    for (struct rf_conf_node *n = block->first; n != NULL; n = n->next) {
        if (!n->is_block || !rf_span_eq(n->word[0].text, p->inner) ||
            (old = find_node(n, p->last, rf_span(NULL, 0), false)) == NULL)
            continue;
        rf_conf_node_remove(n, old);
        if (n->first == NULL)
            rf_conf_node_remove(block, n);
        return true;
    }
    return false;
}

/* An unlabelled block may stand in the text several times; a setting stands in one of them. */
static bool
remove_setting(struct rf_conf_tree *t, const struct place *p)
{
    struct rf_conf_node *old = p->block.n == 0 ? find_node(&t->root, p->last, p->label, false) : NULL;

    if (old != NULL) {
        rf_conf_node_remove(&t->root, old);
        return true;
    }
    for (struct rf_conf_node *n = t->root.first; n != NULL && p->block.n > 0; n = n->next) {
        if (!n->is_block || !rf_span_eq(n->word[0].text, p->block) ||
            (p->label.n > 0 && !(n->words > 1 && rf_span_eq(n->word[1].text, p->label))))
            continue;
        if (remove_from(n, p))
            return true;
    }
    return false;
}

static enum rf_err
set_value(struct rf_conf_tree *t, const struct rf_option *o, const struct place *p, struct rf_span value)
{
    struct rf_span word[RF_CONF_WORDS_MAX], head[2] = { p->block, p->label };
    struct rf_conf_node *block = &t->root;
    size_t words = 1;

    word[0] = p->last;
    if (!o->is_list)
        word[words++] = value;
    while (o->is_list && value.n > 0) {
        size_t space = rf_span_find(value, ' ');

        if (words == RF_CONF_WORDS_MAX)
            return RF_ERR_RANGE;
        if (space > 0)
            word[words++] = rf_span_sub(value, 0, space);
        value = rf_span_sub(value, space + 1, value.n);
    }
    remove_setting(t, p);
    if (p->block.n > 0) {
        block = find_node(&t->root, p->block, p->label, true);
        if (block == NULL)
            block = rf_conf_node_add(t, &t->root, head, p->label.n > 0 ? 2 : 1, true);
    }
    if (block != NULL && p->inner.n > 0) {
        struct rf_conf_node *outer = block;

        block = find_node(outer, p->inner, rf_span(NULL, 0), true);
        if (block == NULL)
            block = rf_conf_node_add(t, outer, &p->inner, 1, true);
    }
    return block != NULL && rf_conf_node_add(t, block, word, words, false) != NULL ? RF_OK : RF_ERR_NOMEM;
}

static enum rf_err
finish(struct rf_conf_tree *t, enum rf_err err, struct rf_buf *out, struct rf_conf_problem *problem)
{
    if (err == RF_OK) {
        rf_conf_tree_put(t, out);
        err = rf_buf_done(out);
    }
    if (err != RF_OK && problem->sentence[0] == '\0')
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "the settings are too large");
    rf_conf_tree_fini(t);
    return err;
}

/* One change of the tree. */
static enum rf_err
change_one(struct rf_conf_tree *t, struct rf_span name, struct rf_span value, struct rf_conf_problem *problem)
{
    struct rf_span label;
    const struct rf_option *o = rf_option_resolve(name, &label);
    struct place place;

    if (o == NULL)
        return unknown(name, problem);
    if (!rf_conf_word_is_valid(label)) {
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "a name must be one line of text");
        return RF_ERR_SYNTAX;
    }
    if (!rf_conf_word_is_valid(value)) {
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "%.*s must be one line of text",
                    (int)(name.n < 160 ? name.n : 160), name.p);
        return RF_ERR_SYNTAX;
    }
    place = place_of(o, label);
    if (value.p != NULL)
        return set_value(t, o, &place, value);
    if (remove_setting(t, &place))
        return RF_OK;
    rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "%.*s is not set in the settings",
                (int)(name.n < 80 ? name.n : 80), name.p);
    return RF_ERR_NOT_FOUND;
}

enum rf_err
rf_conf_edit_all(struct rf_span store_text, const struct rf_conf_change *change, size_t n, struct rf_buf *out,
                 struct rf_conf_problem *problem)
{
    struct rf_conf_tree t;
    enum rf_err err;

    *problem = (struct rf_conf_problem){ 0 };
    rf_conf_tree_init(&t);
    err = rf_conf_tree_add(&t, store_text, RF_CONF_STORE, NULL, problem);
    for (size_t i = 0; i < n && err == RF_OK; i++)
        err = change_one(&t, change[i].name, change[i].value, problem);
    return finish(&t, err, out, problem);
}

enum rf_err
rf_conf_edit(struct rf_span store_text, struct rf_span name, struct rf_span value, struct rf_buf *out,
             struct rf_conf_problem *problem)
{
    const struct rf_conf_change change = { name, value };

    return rf_conf_edit_all(store_text, &change, 1, out, problem);
}

enum rf_err
rf_conf_remove(struct rf_span store_text, struct rf_span block, struct rf_buf *out, struct rf_conf_problem *problem)
{
    size_t dot = rf_span_find(block, '.');
    struct rf_span name = rf_span_sub(block, 0, dot), label = rf_span_sub(block, dot + 1, block.n);
    struct rf_conf_tree t;
    struct rf_conf_node *n;
    enum rf_err err;

    *problem = (struct rf_conf_problem){ 0 };
    rf_conf_tree_init(&t);
    err = rf_conf_tree_add(&t, store_text, RF_CONF_STORE, NULL, problem);
    if (err)
        return finish(&t, err, out, problem);
    /* "user" alone names no block: it must not take all users with it. */
    n = rf_option_place(rf_span(NULL, 0), name) == RF_PLACE_LABELLED_BLOCK && label.n == 0
            ? NULL
            : find_node(&t.root, name, label, true);
    if (n == NULL) {
        rf_conf_say(problem, (struct rf_conf_origin){ 0 }, "there is no %.*s in the settings",
                    (int)(block.n < 80 ? block.n : 80), block.p);
        return finish(&t, RF_ERR_NOT_FOUND, out, problem);
    }
    for (; n != NULL; n = find_node(&t.root, name, label, true))
        rf_conf_node_remove(&t.root, n);
    return finish(&t, RF_OK, out, problem);
}

enum rf_err
rf_conf_format(struct rf_span text, struct rf_buf *out, struct rf_conf_problem *problem)
{
    struct rf_conf_tree t;

    *problem = (struct rf_conf_problem){ 0 };
    rf_conf_tree_init(&t);
    return finish(&t, rf_conf_tree_add(&t, text, RF_CONF_STORE, NULL, problem), out, problem);
}

/* --- hiding -------------------------------------------------------------------------------------------- */

static void
hide_literals(struct rf_conf_node *n, const char *prefix)
{
    for (; n != NULL; n = n->next) {
        char path[160];
        struct rf_buf b = rf_buf(path, sizeof path - 1);
        const struct rf_option *o;

        rf_put_str(&b, prefix);
        rf_put(&b, n->word[0].text);
        if (n->is_block) {
            rf_put_str(&b, n->words > 1 ? ".*." : ".");
            path[b.n] = '\0';
            hide_literals(n->first, path);
            continue;
        }
        o = rf_option_find(rf_buf_span(&b));
        for (size_t i = 1; o != NULL && o->type == RF_OPT_SECRET && i < n->words; i++)
            if (!rf_span_starts(n->word[i].text, "secret:") && !rf_span_starts(n->word[i].text, "file:") &&
                !rf_span_starts(n->word[i].text, "env:"))
                n->word[i].text = RF_SPAN_LIT("(hidden)");
    }
}

enum rf_err
rf_conf_hide(struct rf_span text, struct rf_buf *out, struct rf_conf_problem *problem)
{
    struct rf_conf_tree t;
    enum rf_err err;

    *problem = (struct rf_conf_problem){ 0 };
    rf_conf_tree_init(&t);
    err = rf_conf_tree_add(&t, text, RF_CONF_STORE, NULL, problem);
    if (err == RF_OK)
        hide_literals(t.root.first, "");
    return finish(&t, err, out, problem);
}
