/*
 * cli/output.c - errors, lists and questions
 */
#include <stdarg.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "cli/command.h"

static void
put_error(const struct rf_cli *cli, int status, const char *code, const char *sentence, const char *fix)
{
    bool colour = cli->colour && isatty(STDERR_FILENO) == 1;

    if (cli->json) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "error", sentence, "code", code, "fix", fix,
                              "exit", status);

        if (o != NULL) {
            json_dumpf(o, stderr, JSON_COMPACT);
            fputc('\n', stderr);
            json_decref(o);
            return;
        }
    }
    fprintf(stderr, "%serror%s %s%s%s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "", code,
            code[0] != '\0' ? "  " : "", sentence);
    if (fix[0] != '\0')
        fprintf(stderr, "  fix          %s\n", fix);
}

int
rf_cli_error(const struct rf_cli *cli, int status, const char *code, const char *sentence, const char *fix)
{
    char *said = strdup(sentence), *mend = strdup(fix != NULL ? fix : "");

    /* Names of files and of peers stand in them. */
    if (said != NULL)
        rf_text_mend(said);
    if (mend != NULL)
        rf_text_mend(mend);
    put_error(cli, status, code != NULL ? code : "", said != NULL ? said : "memory is out", mend != NULL ? mend : "");
    free(said);
    free(mend);
    return status;
}

int
rf_cli_fail(const struct rf_cli *cli, int status, const char *format, ...)
{
    const struct rf_cli_command *c = cli->command;
    char text[1024], fix[128] = "ringfence --help lists the commands";
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (status != RF_EXIT_USAGE)
        return rf_cli_error(cli, status, "", text, "");
    if (c != NULL)
        snprintf(fix, sizeof fix, "ringfence help %s%s%s   shows what it takes", c->noun, c->verb != NULL ? " " : "",
                 c->verb != NULL ? c->verb : "");
    return rf_cli_error(cli, status, rf_refusal_row(RF_REFUSE_COMMAND)->code, text, fix);
}

int
rf_cli_refuse(const struct rf_cli *cli, int status, enum rf_refusal code, const char *fix, const char *format, ...)
{
    const struct rf_refusal_row *row = rf_refusal_row(code);
    char text[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return rf_cli_error(cli, status, row->code, text, fix != NULL ? fix : row->fix);
}

const char *
rf_cli_text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s != NULL ? s : "";
}

void
rf_cli_put_value(struct rf_buf *b, const json_t *value)
{
    switch (value != NULL ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        rf_put(b, rf_span(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        rf_putf(b, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        rf_putf(b, "%.1f", json_real_value(value));
        break;
    case JSON_TRUE:
        rf_put_str(b, "yes");
        break;
    case JSON_FALSE:
        rf_put_str(b, "no");
        break;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0)
                rf_put_char(b, ' ');
            rf_cli_put_value(b, json_array_get(value, i));
        }
        break;
    case JSON_OBJECT:
    case JSON_NULL:
        break;
    }
}

void
rf_cli_json(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    fputc('\n', stdout);
}

/* The text of a cell. Control characters never reach a terminal: what a peer sent could move its cursor. */
static void
put_cell(struct rf_buf *b, const json_t *row, const struct rf_cli_column *c, bool terminal)
{
    if (c->put != NULL)
        c->put(b, row, terminal);
    else
        rf_cli_put_value(b, json_object_get(row, c->key));
    for (size_t i = 0; i < b->n; i++)
        if ((unsigned char)b->p[i] < 0x20 || b->p[i] == 0x7f)
            b->p[i] = '?';
}

/* Columns on the screen: octets that do not continue a UTF-8 character. */
static size_t
width_of(struct rf_span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

void
rf_cli_list(const struct rf_cli *cli, const json_t *rows, const struct rf_cli_column *columns, size_t n)
{
    size_t width[32] = { 0 }, count = json_array_size(rows);
    char mem[1024];

    if (cli->json) {
        for (size_t r = 0; r < count; r++)
            rf_cli_json(json_array_get(rows, r));
        return;
    }
    for (size_t c = 0; c < n && c < 32 && cli->is_terminal; c++) {
        width[c] = strlen(columns[c].title);
        for (size_t r = 0; r < count; r++) {
            struct rf_buf b = rf_buf(mem, sizeof mem);

            put_cell(&b, json_array_get(rows, r), &columns[c], true);
            if (width_of(rf_buf_span(&b)) > width[c])
                width[c] = width_of(rf_buf_span(&b));
        }
    }
    for (size_t r = 0; r <= count; r++) {
        for (size_t c = 0; c < n && c < 32; c++) {
            struct rf_buf b = rf_buf(mem, sizeof mem);
            size_t pad;

            if (r == 0)
                rf_put_str(&b, columns[c].title);
            else
                put_cell(&b, json_array_get(rows, r - 1), &columns[c], cli->is_terminal);
            if (!cli->is_terminal) {
                printf("%s%.*s", c > 0 ? "\t" : "", RF_SPAN_ARG(rf_buf_span(&b)));
                continue;
            }
            pad = width[c] - width_of(rf_buf_span(&b));
            printf("%s%*s%.*s", c > 0 ? "  " : "", columns[c].right ? (int)pad : 0, "",
                   RF_SPAN_ARG(rf_buf_span(&b)));
            if (!columns[c].right && c + 1 < n)
                printf("%*s", (int)pad, "");
        }
        putchar('\n');
    }
}

static enum rf_err
read_line(FILE *in, char *out, size_t size)
{
    size_t n;

    if (fgets(out, (int)size, in) == NULL)
        return RF_ERR_IO;
    n = strlen(out);
    if (n > 0 && out[n - 1] == '\n')
        out[--n] = '\0';
    else if (n + 1 == size)
        return RF_ERR_RANGE;
    if (n > 0 && out[n - 1] == '\r')
        out[--n] = '\0';
    return n > 0 ? RF_OK : RF_ERR_SYNTAX;
}

static enum rf_err
read_hidden(const char *prompt, char *out, size_t size)
{
    struct termios was, hidden;
    enum rf_err err;

    fprintf(stderr, "%s: ", prompt);
    if (tcgetattr(STDIN_FILENO, &was) != 0)
        return RF_ERR_IO;
    hidden = was;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return RF_ERR_IO;
    err = read_line(stdin, out, size);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
    fputc('\n', stderr);
    return err;
}

enum rf_err
rf_cli_secret(const struct rf_cli *cli, const char *prompt, char *out, size_t size)
{
    char again[RF_CLI_SECRET_ROOM], text[128];
    enum rf_err err;

    /* Unbuffered, so that no copy of the secret stays in stdio's memory. */
    setvbuf(stdin, NULL, _IONBF, 0);
    if (isatty(STDIN_FILENO) != 1) {
        err = read_line(stdin, out, size);
        if (err) {
            rf_wipe(out, size);
            rf_cli_fail(cli, RF_EXIT_USAGE, err == RF_ERR_RANGE ? "the %s on standard input is too long"
                                                                : "no %s on standard input", prompt);
        }
        return err;
    }
    err = read_hidden(prompt, out, size);
    snprintf(text, sizeof text, "%s again", prompt);
    if (!err)
        err = read_hidden(text, again, sizeof again);
    if (!err && strcmp(again, out) != 0)
        err = RF_ERR_SYNTAX;
    rf_wipe(again, sizeof again);
    if (err) {
        rf_wipe(out, size);
        rf_cli_fail(cli, RF_EXIT_USAGE, "nothing was changed: the two entries are empty or differ");
    }
    return err;
}

bool
rf_cli_confirm(const struct rf_cli *cli, const char *question)
{
    char answer[16];

    if (cli->yes)
        return true;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        rf_cli_refuse(cli, RF_EXIT_USAGE, RF_REFUSE_COMMAND, "the same command with --yes",
                      "%s This needs --yes where nobody can be asked", question);
        return false;
    }
    fprintf(stderr, "%s [y/N] ", question);
    return read_line(stdin, answer, sizeof answer) == RF_OK && (answer[0] == 'y' || answer[0] == 'Y');
}

char *
rf_cli_stdin(const struct rf_cli *cli, size_t max, size_t *n)
{
    char *p = malloc(max + 1);

    *n = p != NULL ? fread(p, 1, max + 1, stdin) : 0;
    if (p == NULL || ferror(stdin) || *n > max) {
        rf_cli_fail(cli, RF_EXIT_USAGE, "standard input cannot be read, or is longer than %zu octets", max);
        free(p);
        return NULL;
    }
    return p;
}
