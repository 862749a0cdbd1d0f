#include "conf/explain.h"

#include <stdio.h>

#include "conf/conf.h"

static const char *
type_text(const struct rf_option *o)
{
    switch (o->type) {
    case RF_OPT_FLAG:
        return "on or off";
    case RF_OPT_ENUM:
        return o->is_list ? "one or more of" : "one of";
    case RF_OPT_LEVEL:
        return "with or without @VERSION, one of";
    case RF_OPT_NUMBER:
        return "number";
    case RF_OPT_DURATION:
        return "time (10s 5m 12h 30d)";
    case RF_OPT_TEXT:
        return "text";
    case RF_OPT_DOMAIN:
        return "host name or address";
    case RF_OPT_ADDRESS:
        return "IP address or auto";
    case RF_OPT_SERVER:
        return "IP address with or without :PORT, or system";
    case RF_OPT_TARGET:
        return "HOST, HOST:PORT, with ;transport=tls, tcp or udp; with sip: or sips: in front";
    case RF_OPT_NETWORK:
        return "IP addresses and networks";
    case RF_OPT_LISTEN:
        return "SCHEME:ADDRESS:PORT, several";
    case RF_OPT_PORTS:
        return "range of UDP ports";
    case RF_OPT_SECRET:
        return "secret:NAME, file:PATH, env:NAME or the password";
    case RF_OPT_PATH:
        return "paths of files and folders";
    case RF_OPT_FILE:
    case RF_OPT_KEY_FILE:
        return o->is_list ? "file:PATH, several lines" : "file:PATH";
    case RF_OPT_BLOCK:
        return o->is_list ? "names of blocks" : "name of a block";
    }
    return "";
}

/* "a|b|c" as "a b c"; a range as "10s to 1h"; nothing for types that say it all themselves. */
static void
put_choices(struct rf_buf *out, const struct rf_option *o)
{
    const char *c = o->choices;

    if (c == NULL || o->type == RF_OPT_TEXT || o->type == RF_OPT_ADDRESS || o->type == RF_OPT_SERVER)
        return;
    rf_put_str(out, o->type == RF_OPT_BLOCK ? " of the kind " : " ");
    for (; *c != '\0'; c++) {
        if (c[0] == '.' && c[1] == '.') {
            rf_put_str(out, " to ");
            c++;
        } else if (*c == '|') {
            rf_put_str(out, o->type == RF_OPT_NUMBER || o->type == RF_OPT_DURATION || o->type == RF_OPT_BLOCK ? " or "
                                                                                                             : " ");
        } else {
            rf_put_char(out, *c);
        }
    }
}

/* A paragraph in lines of at most `width`, each behind `indent`. */
static void
put_wrapped(struct rf_buf *out, const char *text, const char *indent, size_t width)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column > 0 && column + 1 + word > width) {
            rf_put_char(out, '\n');
            column = 0;
        }
        if (column == 0) {
            rf_put_str(out, indent);
            column = strlen(indent);
        } else {
            rf_put_char(out, ' ');
            column++;
        }
        rf_put(out, rf_span(text, word));
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    rf_put_char(out, '\n');
}

static void
put_default(struct rf_buf *out, const char *value)
{
    size_t name = strcspn(value, "?"), dot = strcspn(value, ".");
    bool is_setting = value[0] == '@' && rf_option_find(rf_span(value + 1, name - 1)) != NULL;

    if (value[0] == '@' && value[name] == '?' && !is_setting)
        rf_putf(out, "%s when there is a block %.*s %.*s, else %s", value + name + 1, (int)dot - 1, value + 1,
                (int)(name - dot - 1), value + dot + 1, value + strlen(value) + 1);
    else if (value[0] == '@' && value[name] == '?')
        rf_putf(out, "%s when %.*s is 1, else %s", value + name + 1, (int)name - 1, value + 1,
                value + strlen(value) + 1);
    else if (value[0] == '@')
        rf_putf(out, "that of %s", value + 1);
    else
        rf_put_str(out, value[0] != '\0' ? value : "none");
}

/* --- explain ------------------------------------------------------------------------------------------- */

/* As people type it: "user.201.srtp", "user.*.srtp", "user.srtp", "srtp" when only one block has it. */
static const struct rf_option *
find_typed(struct rf_span name)
{
    const struct rf_option *found = rf_option_find(name);
    struct rf_span label;
    size_t dot = rf_span_find(name, '.');

    if (found == NULL)
        found = rf_option_resolve(name, &label);
    if (found == NULL && dot < name.n) {
        char pattern[160];
        struct rf_buf b = rf_buf(pattern, sizeof pattern);

        rf_put(&b, rf_span_sub(name, 0, dot));
        rf_put_str(&b, ".*.");
        rf_put(&b, rf_span_sub(name, dot + 1, name.n));
        found = rf_option_find(rf_buf_span(&b));
    }
    if (found != NULL || dot < name.n)
        return found;
    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const char *last = strrchr(rf_option_at(i)->name, '.');

        if (last == NULL || !rf_span_is(name, last + 1))
            continue;
        if (found != NULL)
            return NULL; /* two blocks have it */
        found = rf_option_at(i);
    }
    return found;
}

static enum rf_err
put_unknown(struct rf_buf *out, struct rf_span name)
{
    struct rf_span prefix = rf_span(NULL, 0), last = name;
    size_t dot = rf_span_find(name, '.');
    char near[64];
    int count = 0;

    rf_putf(out, "unknown setting %.*s", (int)(name.n < 80 ? name.n : 80), name.p);
    for (size_t i = 0; dot == name.n && rf_option_at(i) != NULL; i++) {
        const char *option = rf_option_at(i)->name, *end = strrchr(option, '.');

        if (end == NULL || !rf_span_is(name, end + 1))
            continue;
        rf_put_str(out, count++ == 0 ? "; did you mean " : " or ");
        rf_put_str(out, option);
    }
    if (count == 0) {
        if (dot < name.n) {
            prefix = rf_span_sub(name, 0, dot + 1);
            last = rf_span_sub(name, dot + 1, name.n);
        }
        if (rf_option_suggest(prefix, last, near, sizeof near) != NULL) {
            rf_put_str(out, "; did you mean ");
            rf_put(out, prefix);
            rf_put_str(out, near);
            count++;
        }
    }
    rf_put_str(out, count > 0 ? "?\n" : "\n");
    return RF_ERR_NOT_FOUND;
}

static void
put_origin(struct rf_buf *out, struct rf_conf_origin at)
{
    switch (at.layer) {
    case RF_CONF_DEFAULT:
        rf_put_str(out, "default");
        break;
    case RF_CONF_STORE:
        rf_put_str(out, "set here");
        break;
    case RF_CONF_FILE:
        rf_putf(out, "%s:%d", at.file != NULL ? at.file : "file", at.line);
        break;
    case RF_CONF_LOCK:
        rf_put_str(out, "enforced by hosted");
        break;
    }
}

/* "sip-connection": its settings, a line each; RF_ERR_NOT_FOUND: no such block. */
static enum rf_err
put_block(struct rf_buf *out, struct rf_span name)
{
    enum rf_option_place place = rf_option_place(rf_span(NULL, 0), name);
    const char *label = place == RF_PLACE_LABELLED_BLOCK ? ".*" : "";

    if (place != RF_PLACE_BLOCK && place != RF_PLACE_LABELLED_BLOCK)
        return RF_ERR_NOT_FOUND;
    rf_putf(out, "%.*s%s: a block with these settings, defaults in parentheses\n", RF_SPAN_ARG(name),
            label[0] != '\0' ? " NAME" : "");
    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *o = rf_option_at(i);
        struct rf_span option = rf_span_str(o->name);

        if (!rf_span_eq(rf_span_sub(option, 0, name.n), name) || option.p[name.n] != '.')
            continue;
        rf_putf(out, "  %s  (", o->name + name.n + strlen(label) + 1);
        put_default(out, o->compatible);
        rf_put_str(out, ")\n");
    }
    rf_putf(out, "ringfence config explain %.*s%s.SETTING says what one means and takes\n", RF_SPAN_ARG(name), label);
    return RF_OK;
}

enum rf_err
rf_conf_explain(struct rf_buf *out, struct rf_span name, const struct rf_conf *c)
{
    const struct rf_option *o = find_typed(name);

    if (o == NULL && put_block(out, name) == RF_OK)
        return RF_OK;
    if (o == NULL)
        return put_unknown(out, name);
    rf_putf(out, "%s\n", o->name);
    put_wrapped(out, o->help, "  ", 78);
    rf_putf(out, "  takes     %s", type_text(o));
    put_choices(out, o);
    rf_put_str(out, "\n  default   ");
    put_default(out, o->compatible);
    if (strcmp(o->compatible, o->secure) != 0) {
        rf_put_str(out, "; with security-profile secure: ");
        put_default(out, o->secure);
    }
    rf_put_char(out, '\n');
    if (o->hosted != NULL && o->type != RF_OPT_ENUM)
        rf_putf(out, "  hosted    %s only\n", o->hosted);
    else if (o->hosted != NULL)
        rf_put_str(out, "  hosted    limited to what encrypts\n");
    rf_putf(out, "  applied   %s\n", o->needs_restart ? "at the next start" : "by reload");
    if (c != NULL && rf_conf_knows(c, rf_span_str(o->name))) {
        rf_putf(out, "  now       %s (", rf_conf_text(c, o->name));
        put_origin(out, rf_conf_origin(c, o->name));
        rf_put_str(out, ")\n");
    }
    return RF_OK;
}

/* --- the whole table ----------------------------------------------------------------------------------- */

static struct rf_span
block_of(const struct rf_option *o)
{
    struct rf_span name = rf_span_str(o->name);
    size_t dot = rf_span_find(name, '.');

    return rf_span_sub(name, 0, dot < name.n ? dot : 0);
}

static const char *
last_of(const struct rf_option *o)
{
    const char *dot = strrchr(o->name, '.'), *star = strchr(o->name, '*');

    if (star != NULL)
        return star + 2; /* "inbound.srtp" too */
    return dot != NULL ? dot + 1 : o->name;
}

/* "inbound" of sip-connection.*.inbound.srtp; empty: none. */
static struct rf_span
inner_of(const struct rf_option *o)
{
    struct rf_span last = rf_span_str(last_of(o));
    size_t dot = rf_span_find(last, '.');

    return rf_span_sub(last, 0, dot < last.n && strchr(o->name, '*') != NULL ? dot : 0);
}

void
rf_conf_put_defaults(struct rf_buf *out, bool secure)
{
    struct rf_span open = rf_span(NULL, 0), open_inner = rf_span(NULL, 0);

    rf_putf(out, "# Every setting with its default; remove the # of a line to change it.\nsecurity-profile %s\n",
            secure ? "secure" : "compatible");
    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *o = rf_option_at(i);
        const char *value = secure ? o->secure : o->compatible;
        struct rf_span block = block_of(o), inner = inner_of(o);
        bool is_labelled = strchr(o->name, '*') != NULL;

        if (strcmp(o->name, "security-profile") == 0)
            continue;
        if (open_inner.n > 0 && !(rf_span_eq(block, open) && rf_span_eq(inner, open_inner))) {
            rf_put_str(out, "#     }\n");
            open_inner = rf_span(NULL, 0);
        }
        if (!rf_span_eq(block, open)) {
            if (open.n > 0)
                rf_put_str(out, "# }\n");
            rf_put_str(out, "\n");
            if (block.n > 0)
                rf_putf(out, "# %.*s %s{\n", RF_SPAN_ARG(block), is_labelled ? "NAME " : "");
            open = block;
        }
        if (inner.n > 0 && open_inner.n == 0) {
            rf_putf(out, "#     %.*s {\n", RF_SPAN_ARG(inner));
            open_inner = inner;
        }
        rf_putf(out, "# %s%s%s ", block.n > 0 ? "    " : "", inner.n > 0 ? "    " : "",
                last_of(o) + (inner.n > 0 ? inner.n + 1 : 0));
        put_default(out, value);
        rf_put_char(out, '\n');
    }
    rf_put_str(out, open.n > 0 ? "# }\n" : "");
}

void
rf_conf_put_reference(struct rf_buf *out)
{
    struct rf_span open = rf_span("?", 1);

    rf_put_str(out, "# Settings\n\n"
                    "Made from the option table (`src/conf/options.c`); `ringfence config explain SETTING` prints the "
                    "same. A value\nin the file wins over one that console or CLI set, and both over the default. "
                    "Defaults that differ by\n`security-profile` are given as *compatible* / *secure*.\n");
    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *o = rf_option_at(i);
        struct rf_span block = block_of(o);

        if (!rf_span_eq(block, open)) {
            if (block.n == 0)
                rf_put_str(out, "\n## Without a block\n");
            else
                rf_putf(out, "\n## `%.*s %s{ }`\n", RF_SPAN_ARG(block), strchr(o->name, '*') != NULL ? "NAME " : "");
            open = block;
        }
        rf_putf(out, "\n### `%s`\n", last_of(o));
        put_wrapped(out, o->help, "", 110);
        rf_putf(out, "\n- takes: %s", type_text(o));
        put_choices(out, o);
        rf_put_str(out, "\n- default: ");
        put_default(out, o->compatible);
        if (strcmp(o->compatible, o->secure) != 0) {
            rf_put_str(out, " / ");
            put_default(out, o->secure);
        }
        if (o->hosted != NULL)
            rf_put_str(out, "\n- platform hosted: enforced");
        rf_putf(out, "\n- applied: %s\n", o->needs_restart ? "at the next start" : "by reload");
        if (o->requirements[0] != '\0')
            rf_putf(out, "- requirements: %s\n", o->requirements);
    }
}
