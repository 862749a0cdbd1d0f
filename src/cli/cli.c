/*
 * cli/cli.c - from argv to a row of the table
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/command.h"
#include "cli/help.h"

#define STATE_DIR_DEFAULT "/var/lib/ringfence"

const struct rf_cli_flag rf_cli_global_flags[] = {
    { "--state", "DIR", "state directory of the daemon (" STATE_DIR_DEFAULT ")" },
    { "--timeout", "SECONDS", "how long the daemon may be silent before the command gives up (60)" },
    { "--json", NULL, "one JSON object; lists as JSON lines" },
    { "--quiet", NULL, "no output but data (-q)" },
    { "--yes", NULL, "answer yes to every question" },
    { "--no-color", NULL, "no colours" },
    { "--help", NULL, "help for the command (-h)" },
    { NULL, NULL, NULL },
};

const char *
rf_cli_flag(const struct rf_cli *cli, const char *name)
{
    for (int i = 0; i < cli->flag_count; i++)
        if (strcmp(cli->flag[i].name, name) == 0)
            return cli->flag[i].value;
    return NULL;
}

const char *
rf_cli_flag_nth(const struct rf_cli *cli, const char *name, size_t n)
{
    for (int i = 0; i < cli->flag_count; i++)
        if (strcmp(cli->flag[i].name, name) == 0 && n-- == 0)
            return cli->flag[i].value;
    return NULL;
}

/* Edit distance (insert, delete, replace, swap of neighbours each cost one) of short words. */
static size_t
distance(const char *a, const char *b)
{
    enum { MAX = 40 };
    size_t d[MAX + 1][MAX + 1], n = strlen(a), m = strlen(b);

    if (n > MAX || m > MAX)
        return MAX;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            size_t best;

            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *
rf_cli_nearest(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t limit = strlen(word) / 3 + 1;

    for (size_t i = 0; i < n; i++) {
        size_t d = words[i] != NULL ? distance(word, words[i]) : limit + 1;

        if (d <= limit) {
            limit = d - (d > 0);
            best = words[i];
            if (d == 0)
                break;
        }
    }
    return best;
}

static int
unknown(const struct rf_cli *cli, const char *what, const char *word, const char *near)
{
    if (near != NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "unknown %s %s; did you mean %s?", what, word, near);
    return rf_cli_fail(cli, RF_EXIT_USAGE, "unknown %s %s; ringfence --help lists what there is", what, word);
}

static int
unknown_command(const struct rf_cli *cli, const char *noun)
{
    const char *words[128];
    size_t n = 0;

    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL && n < 128; c++)
        words[n++] = c->noun;
    return unknown(cli, "command", noun, rf_cli_nearest(noun, words, n));
}

static int
unknown_verb(const struct rf_cli *cli, const char *noun, const char *verb)
{
    const char *words[128];
    char what[64];
    size_t n = 0;

    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL && n < 128; c++)
        if (strcmp(c->noun, noun) == 0 && c->verb != NULL)
            words[n++] = c->verb;
    snprintf(what, sizeof what, "%s command", noun);
    if (verb == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "ringfence %s needs a verb; ringfence help %s lists them", noun, noun);
    return unknown(cli, what, verb, rf_cli_nearest(verb, words, n));
}

/* The row for the words; *used of them name it. NULL: no such noun, or the verb is unknown. */
static const struct rf_cli_command *
find_command(const char *noun, const char *verb, int *used, bool *noun_exists)
{
    const struct rf_cli_command *bare = NULL;

    *noun_exists = false;
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++) {
        if (strcmp(c->noun, noun) != 0)
            continue;
        *noun_exists = true;
        if (c->verb == NULL) {
            bare = c;
        } else if (verb != NULL && strcmp(c->verb, verb) == 0) {
            *used = 2;
            return c;
        }
    }
    *used = 1;
    return bare;
}

static const struct rf_cli_flag *
flag_named(const struct rf_cli_flag *flags, const char *name, size_t n)
{
    for (; flags->name != NULL; flags++)
        if (strlen(flags->name) == n && strncmp(flags->name, name, n) == 0)
            return flags;
    return NULL;
}

static int
unknown_flag(const struct rf_cli *cli, const char *word)
{
    const char *words[32];
    size_t n = 0;

    for (const struct rf_cli_flag *f = rf_cli_global_flags; f->name != NULL; f++)
        words[n++] = f->name;
    for (const struct rf_cli_flag *f = cli->command != NULL ? cli->command->flags : NULL; f != NULL && f->name != NULL;
         f++)
        words[n++] = f->name;
    return unknown(cli, "flag", word, rf_cli_nearest(word, words, n));
}

/* Notes a flag that is global. */
static void
take_global(struct rf_cli *cli, const char *name, const char *value)
{
    if (strcmp(name, "--state") == 0)
        cli->state_dir = value;
    else if (strcmp(name, "--timeout") == 0)
        cli->timeout = value;
    else if (strcmp(name, "--quiet") == 0)
        cli->quiet = true;
    else if (strcmp(name, "--yes") == 0)
        cli->yes = true;
    else if (strcmp(name, "--no-color") == 0)
        cli->colour = false;
}

static const char *
long_form(const char *word)
{
    static const char *const shorts[][2] = { { "-q", "--quiet" }, { "-h", "--help" }, { "-f", "--follow" },
                                             { "-n", "--lines" }, { "-y", "--yes" } };

    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
        if (strcmp(word, shorts[i][0]) == 0)
            return shorts[i][1];
    return word;
}

/* argv taken apart: words, and where flags stand. */
struct line {
    const char *word[RF_CLI_ARGS_MAX + 2];
    int words;
    int flag_at[RF_CLI_FLAGS_MAX];
    int flags;
};

/*
 * A flag's value is not a word: which flags take one is said by the command whose words came before it, and for
 * flags in front of those by all rows.
 */
static const struct rf_cli_flag *
flag_so_far(const struct line *l, const char *w, size_t n)
{
    const struct rf_cli_flag *f = flag_named(rf_cli_global_flags, w, n);
    const struct rf_cli_command *c;
    bool noun_exists;
    int used;

    if (f == NULL && l->words > 0) {
        c = find_command(l->word[0], l->words > 1 ? l->word[1] : NULL, &used, &noun_exists);
        f = c != NULL ? flag_named(c->flags, w, n) : NULL;
    }
    for (c = rf_cli_commands; c->noun != NULL && f == NULL; c++)
        f = flag_named(c->flags, w, n);
    return f;
}

/* Words first, since they name the command, which says what its flags are. -1: go on. */
static int
take_apart(struct rf_cli *cli, int argc, char **argv, struct line *l)
{
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        const char *w = only_words ? argv[i] : long_form(argv[i]);
        const struct rf_cli_flag *f;
        size_t n = strcspn(w, "=");

        if (!only_words && strcmp(w, "--") == 0) {
            only_words = true;
            continue;
        }
        if (only_words || w[0] != '-' || w[1] == '\0') {
            if (l->words == RF_CLI_ARGS_MAX + 2)
                return rf_cli_fail(cli, RF_EXIT_USAGE, "too many words");
            l->word[l->words++] = argv[i];
            continue;
        }
        f = flag_so_far(l, w, n);
        if (f == NULL)
            return unknown_flag(cli, argv[i]);
        if (l->flags == RF_CLI_FLAGS_MAX)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "too many flags");
        l->flag_at[l->flags++] = i;
        if (f->value != NULL && w[n] == '\0' && ++i == argc)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s needs a value: %s %s", f->name, f->name, f->value);
    }
    return -1;
}

/* The command, by now known, and its flags. -1: go on. */
static int
take_flags(struct rf_cli *cli, char **argv, const struct line *l, bool *wants_help)
{
    for (int k = 0; k < l->flags; k++) {
        const char *w = long_form(argv[l->flag_at[k]]);
        size_t n = strcspn(w, "=");
        const struct rf_cli_flag *f = flag_named(rf_cli_global_flags, w, n);
        const char *value;

        if (f == NULL && cli->command != NULL)
            f = flag_named(cli->command->flags, w, n);
        if (f == NULL)
            return unknown_flag(cli, w);
        value = f->value == NULL ? "" : w[n] == '=' ? w + n + 1 : argv[l->flag_at[k] + 1];
        if (f->value == NULL && w[n] == '=')
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s takes no value", f->name);
        if (strcmp(f->name, "--help") == 0)
            *wants_help = true;
        /* One of two values would be left aside, and whoever gave both meant each. A switch twice is a switch. */
        if (f->value != NULL && !f->may_repeat && rf_cli_flag(cli, f->name) != NULL)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s is given twice: %s %s", f->name, f->name, f->value);
        if (f->value != NULL && value[0] == '\0' && strcmp(f->name, "--state") == 0)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "--state needs a value: --state DIR");
        take_global(cli, f->name, value);
        cli->flag[cli->flag_count].name = f->name;
        cli->flag[cli->flag_count++].value = value;
    }
    cli->json = rf_cli_flag(cli, "--json") != NULL;
    return -1;
}

/* Before it is known what the line means: what is wrong with it is said in the form that was asked for. */
static bool
mentions_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* -1: the command is to be run, or without a word there is none; otherwise the exit status. */
static int
parse(struct rf_cli *cli, int argc, char **argv, bool *wants_help)
{
    struct line l = { .words = 0 };
    bool noun_exists;
    int used = 0, status;

    cli->json = mentions_json(argc, argv);
    status = take_apart(cli, argc, argv, &l);
    if (status >= 0)
        return status;
    if (l.words > 0 && strcmp(l.word[0], "help") == 0) {
        *wants_help = true;
        memmove(l.word, l.word + 1, sizeof *l.word * (size_t)--l.words);
    }
    if (l.words > 0) {
        cli->command = find_command(l.word[0], l.words > 1 ? l.word[1] : NULL, &used, &noun_exists);
        if (!noun_exists)
            return unknown_command(cli, l.word[0]);
        for (int i = used; cli->command != NULL && i < l.words; i++) {
            if (cli->arg_count == RF_CLI_ARGS_MAX)
                return rf_cli_fail(cli, RF_EXIT_USAGE, "too many words");
            cli->arg[cli->arg_count++] = l.word[i];
        }
    }
    status = take_flags(cli, argv, &l, wants_help);
    if (status >= 0 || l.words == 0)
        return status;
    if (*wants_help) {
        if (cli->command == NULL || l.words == 1)
            return rf_help_noun(cli, l.word[0]);
        return rf_help_command(cli, cli->command);
    }
    if (cli->command == NULL)
        return unknown_verb(cli, l.word[0], l.words > 1 ? l.word[1] : NULL);
    /* "user lst": the bare noun takes no words, so this is a verb that is mistyped. */
    if (cli->command->verb == NULL && cli->arg_count > cli->command->args_max && cli->command->args_max == 0 &&
        cli->command[1].noun != NULL && strcmp(cli->command[1].noun, cli->command->noun) == 0)
        return unknown_verb(cli, l.word[0], l.word[1]);
    return -1;
}

int
rf_cli_main(int argc, char **argv, const struct rf_cli_hooks *hooks)
{
    struct rf_cli cli = { .hooks = hooks, .state_dir = STATE_DIR_DEFAULT };
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool wants_help = false;
    int status;

    json_set_alloc_funcs(malloc, rf_wipe_and_free); /* requests hold passwords */
    cli.is_terminal = isatty(STDOUT_FILENO) == 1;
    cli.colour = cli.is_terminal && (no_color == NULL || no_color[0] == '\0') &&
                 (term == NULL || strcmp(term, "dumb") != 0);
    status = parse(&cli, argc, argv, &wants_help);
    if (status < 0) {
        const struct rf_cli_command *c = cli.command;

        if (c == NULL)
            status = rf_help_all(&cli, wants_help);
        else if (cli.arg_count < c->args_min || cli.arg_count > c->args_max)
            status = rf_cli_fail(&cli, RF_EXIT_USAGE, "%s: ringfence %s%s%s%s%s",
                                 cli.arg_count < c->args_min ? "something is missing" : "too many words", c->noun,
                                 c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "", c->args[0] ? " " : "",
                                 c->args);
        else
            status = c->run(&cli);
    }
    /* A full disk or a closed pipe must not look like success; what failed before this flush is in ferror alone. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == RF_EXIT_DONE)
        status = rf_cli_fail(&cli, RF_EXIT_FAILED, "the output could not be written");
    return status;
}
