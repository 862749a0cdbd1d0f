/*
 * cli/cmd_config.c - the configuration: `config ...`, `get`, `set`
 *
 * What is asked of a file (check, fmt, explain, default) needs no daemon; what is in force is asked of the one
 * that runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cli/commands.h"
#include "conf/conf.h"
#include "conf/explain.h"
#include "conf/grammar.h"
#include "conf/options.h"

#define TEXT_MAX (4u << 20) /* octets of a layer */

static char *
read_file(const struct rf_cli *cli, const char *path, size_t *n)
{
    FILE *in;
    char *p;

    if (strcmp(path, "-") == 0)
        return rf_cli_stdin(cli, TEXT_MAX, n);
    in = fopen(path, "re");
    p = in != NULL ? malloc(TEXT_MAX + 1) : NULL;
    if (p != NULL) {
        *n = fread(p, 1, TEXT_MAX + 1, in);
        if (ferror(in) || *n > TEXT_MAX) {
            free(p);
            p = NULL;
            errno = errno != 0 ? errno : EFBIG;
        }
    }
    if (p == NULL)
        rf_cli_fail(cli, RF_EXIT_USAGE, "%s: %s", path, strerror(errno));
    if (in != NULL)
        fclose(in);
    return p;
}

static void
print_object(json_t *o)
{
    rf_cli_json(o);
    json_decref(o);
}

/* --- check --- */

struct findings {
    const struct rf_cli *cli;
    const char *kind;
    int count;
};

static void
print_finding(void *ctx, const struct rf_conf_problem *p)
{
    struct findings *f = ctx;
    char mem[1600];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    f->count++;
    if (f->cli->json) {
        print_object(json_pack("{s:s, s:s, s:i, s:i, s:s}", "kind", f->kind, "file",
                               p->at.file != NULL ? p->at.file : "", "line", p->at.line, "column", p->at.column,
                               "sentence", p->sentence));
        return;
    }
    rf_conf_put_problem(&b, p);
    fprintf(stderr, "%.*s%s\n", RF_SPAN_ARG(rf_buf_span(&b)), strcmp(f->kind, "warning") == 0 ? " (warning)" : "");
}

int
rf_cmd_config_check(struct rf_cli *cli)
{
    struct findings f = { cli, "error", 0 };
    struct rf_conf_sources from = { .file_path = cli->arg[0], .problem = print_finding, .ctx = &f };
    struct rf_conf_problem first = { 0 };
    struct rf_conf *conf;
    enum rf_err err = rf_conf_load_from(&conf, &from, &first);
    const struct rf_conf_problem *w;
    bool is_strict = rf_cli_flag(cli, "--strict") != NULL;

    if (err) {
        if (f.count == 0)
            print_finding(&f, &first);
        return RF_EXIT_CONFIG;
    }
    f.kind = "warning";
    f.count = 0;
    for (size_t i = 0; (w = rf_conf_warning(conf, i)) != NULL; i++)
        if (is_strict || (!w->is_advice && !cli->quiet))
            print_finding(&f, w);
    rf_conf_unref(conf);
    if (is_strict && f.count > 0)
        return RF_EXIT_FOUND;
    if (cli->json)
        print_object(json_pack("{s:s, s:s}", "kind", "valid", "file", cli->arg[0]));
    else if (!cli->quiet)
        fprintf(stderr, "%s: valid\n", cli->arg[0]);
    return RF_EXIT_DONE;
}

/* --- what is in force --- */

int
rf_cmd_config_show(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "SETTING", "name", false, NULL },
        { "VALUE", "value", false, NULL },
        { "FROM", "origin", false, NULL },
    };
    int status;
    json_t *rows = rf_cli_ask(cli, json_pack("{s:s}", "command", "config.show"), &status), *shown;

    if (rows == NULL)
        return status;
    /* A word narrows it down: "config show media". */
    shown = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (cli->arg_count == 0 || strncmp(rf_cli_text(json_array_get(rows, i), "name"), cli->arg[0],
                                           strlen(cli->arg[0])) == 0)
            json_array_append(shown, json_array_get(rows, i));
    rf_cli_list(cli, shown, columns, 3);
    json_decref(shown);
    json_decref(rows);
    return RF_EXIT_DONE;
}

static void
print_text(const struct rf_cli *cli, const json_t *result)
{
    fputs(rf_cli_text(result, "text"), stdout);
}

static void
print_value(const struct rf_cli *cli, const json_t *result)
{
    printf("%s\n", rf_cli_text(result, "value"));
}

static void
print_changes(const struct rf_cli *cli, const json_t *result)
{
    const json_t *changes = json_object_get(result, "changes");

    if (cli->quiet)
        return;
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *c = json_array_get(changes, i);

        printf("%s: %s -> %s%s\n", rf_cli_text(c, "name"), rf_cli_text(c, "was")[0] ? rf_cli_text(c, "was") : "(none)",
               rf_cli_text(c, "is"),
               json_is_true(json_object_get(c, "needs_restart")) ? "   needs a restart (RF-811)" : "");
    }
    if (json_array_size(changes) == 0)
        fprintf(stderr, "nothing changed\n");
    rf_cli_warnings(result);
}

int
rf_cmd_config_export(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s}", "command", "config.export"), print_text);
}

int
rf_cmd_config_load(struct rf_cli *cli)
{
    size_t n;
    char *text = read_file(cli, cli->arg[0], &n);
    json_t *request;

    if (text == NULL)
        return RF_EXIT_USAGE;
    request = json_pack("{s:s, s:s%}", "command", "config.load", "text", text, n);
    free(text);
    if (request == NULL)
        return rf_cli_fail(cli, RF_EXIT_CONFIG, "%s is not UTF-8 text", cli->arg[0]);
    if (!rf_cli_confirm(cli, "Replace all settings of the store?")) {
        json_decref(request);
        return RF_EXIT_USAGE;
    }
    return rf_cli_ask_show(cli, request, print_changes);
}

static void
put_when(struct rf_buf *b, const json_t *row, bool terminal)
{
    time_t at = (time_t)json_integer_value(json_object_get(row, "at"));
    struct tm tm;
    char text[40];

    if (localtime_r(&at, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &tm) > 0)
        rf_put_str(b, text);
}

int
rf_cmd_config_history(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "VERSION", "version", true, NULL }, { "AT", "at", false, put_when },   { "WHO", "who", false, NULL },
        { "OCTETS", "octets", true, NULL },   { "TRUSTED", "trusted", true, NULL },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "config.history"), columns,
                           sizeof columns / sizeof *columns);
}

int
rf_cmd_config_rollback(struct rf_cli *cli)
{
    uint64_t version = 0;

    if (rf_span_u64(rf_span_str(cli->arg[0]), INT64_MAX, &version) != RF_OK || version == 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s is no version; ringfence config history lists them", cli->arg[0]);
    if (!rf_cli_confirm(cli, "Go back to the settings and trusted certificates of that version?"))
        return RF_EXIT_USAGE;
    return rf_cli_ask_show(cli, json_pack("{s:s, s:I}", "command", "config.rollback", "version", (json_int_t)version),
                           print_changes);
}

int
rf_cmd_reload(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s}", "command", "reload"), print_changes);
}

int
rf_cmd_get(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s, s:s}", "command", "config.get", "name", cli->arg[0]), print_value);
}

int
rf_cmd_set(struct rf_cli *cli)
{
    json_t *request = json_pack("{s:s, s:s}", "command", "config.set", "name", cli->arg[0]);
    char value[4096] = "";
    size_t n = 0;

    for (int i = 1; i < cli->arg_count && n < sizeof value; i++)
        n += (size_t)snprintf(value + n, sizeof value - n, "%s%s", i > 1 ? " " : "", cli->arg[i]);
    if (n >= sizeof value) {
        json_decref(request);
        return rf_cli_fail(cli, RF_EXIT_USAGE, "the value is too long");
    }
    if (rf_cli_flag(cli, "--reset") != NULL) {
        if (cli->arg_count > 1) {
            json_decref(request);
            return rf_cli_fail(cli, RF_EXIT_USAGE, "--reset takes no value");
        }
    } else if (cli->arg_count < 2) {
        json_decref(request);
        return rf_cli_fail(cli, RF_EXIT_USAGE, "a value is missing: ringfence set SETTING VALUE, or --reset");
    } else {
        json_object_set_new(request, "value", json_string(value));
        if (!rf_cmd_cert_level_is_fine(cli, cli->arg[0], value)) {
            json_decref(request);
            return RF_EXIT_USAGE;
        }
    }
    return rf_cli_ask_show(cli, request, print_changes);
}

/* --- without a daemon --- */

static json_t *
json_of(const struct rf_option *o)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "name", o->name, "choices",
                     o->choices != NULL ? o->choices : "", "compatible", o->compatible, "secure", o->secure, "hosted",
                     o->hosted != NULL ? o->hosted : "", "list", o->is_list, "needs_restart", o->needs_restart,
                     "requirements", o->requirements, "help", o->help);
}

/* Those of a block, a line each. false: there is no such block. */
static bool
print_settings(const char *block)
{
    size_t n = strlen(block), found = 0;

    for (size_t i = 0; rf_option_at(i) != NULL; i++)
        if (strncmp(rf_option_at(i)->name, block, n) == 0 && rf_option_at(i)->name[n] == '.') {
            print_object(json_of(rf_option_at(i)));
            found++;
        }
    return found > 0;
}

int
rf_cmd_config_explain(struct rf_cli *cli)
{
    char mem[32768];
    struct rf_buf out = rf_buf(mem, sizeof mem);
    struct rf_span label;
    const struct rf_option *o = rf_option_find(rf_span_str(cli->arg[0]));

    if (o == NULL)
        o = rf_option_resolve(rf_span_str(cli->arg[0]), &label);
    if (cli->json && o != NULL) {
        print_object(json_of(o));
        return RF_EXIT_DONE;
    }
    if (cli->json && print_settings(cli->arg[0]))
        return RF_EXIT_DONE;
    if (rf_conf_explain(&out, rf_span_str(cli->arg[0]), NULL) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%.*s", RF_SPAN_ARG(rf_span_trim(rf_buf_span(&out))));
    printf("%.*s", RF_SPAN_ARG(rf_buf_span(&out)));
    return RF_EXIT_DONE;
}

int
rf_cmd_config_default(struct rf_cli *cli)
{
    static char mem[256 << 10];
    struct rf_buf out = rf_buf(mem, sizeof mem);

    rf_conf_put_defaults(&out, rf_cli_flag(cli, "--secure") != NULL);
    if (cli->json) {
        print_object(json_pack("{s:s%}", "text", out.p, out.n));
        return RF_EXIT_DONE;
    }
    printf("%.*s", RF_SPAN_ARG(rf_buf_span(&out)));
    return RF_EXIT_DONE;
}

int
rf_cmd_config_fmt(struct rf_cli *cli)
{
    struct rf_conf_problem problem = { 0 };
    size_t n, size = 4096;
    char *text = read_file(cli, cli->arg[0], &n), *mem;
    struct rf_buf out;
    enum rf_err err;

    if (text == NULL)
        return RF_EXIT_USAGE;
    for (size_t i = 0; i < n; i++) /* quotes and escapes at most double a word, and each line is indented */
        size += 2 + (text[i] == '\n' ? 4 * (RF_CONF_DEPTH_MAX + 1) : 0);
    mem = malloc(size);
    if (mem == NULL) {
        free(text);
        return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    }
    out = rf_buf(mem, size);
    err = rf_conf_format(rf_span(text, n), &out, &problem);
    if (!err && out.overflow)
        err = RF_ERR_NOMEM;
    if (err) {
        struct findings f = { cli, "error", 0 };

        problem.at.file = cli->arg[0];
        print_finding(&f, &problem);
    } else if (cli->json)
        print_object(json_pack("{s:s%}", "text", out.p, out.n));
    else
        printf("%.*s", RF_SPAN_ARG(rf_buf_span(&out)));
    free(mem);
    free(text);
    return err ? RF_EXIT_CONFIG : RF_EXIT_DONE;
}
