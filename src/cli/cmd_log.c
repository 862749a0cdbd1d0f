/*
 * cli/cmd_log.c - `log` and `explain`: what the daemon wrote down, and what a code means
 *
 * Both read DIR/log.jsonl themselves, so they work when the daemon is down, which is when they are needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"

#define LINE_MAX_OCTETS 65536 /* longer lines are skipped; the daemon writes at most 16 kB */
#define LINES_DEFAULT   50
#define LINES_MAX       100000

/* What is asked for. */
struct filter {
    const char *code, *level, *grep;
};

static int
level_rank(const char *level)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };

    for (int i = 0; i < 4; i++)
        if (strcmp(level, names[i]) == 0)
            return i;
    return -1;
}

static bool
passes(const struct filter *f, const json_t *line)
{
    if (f->code != NULL && strncasecmp(rf_cli_text(line, "code"), f->code, strcspn(f->code, "x*")) != 0)
        return false;
    if (f->code != NULL && rf_cli_text(line, "code")[0] == '\0')
        return false;
    return f->level == NULL || level_rank(rf_cli_text(line, "level")) <= level_rank(f->level);
}

/* The daemon's time (UTC) as local time for people. */
static void
print_time(const char *ts)
{
    struct tm tm = { 0 };
    int ms = 0;
    time_t t;
    char text[32];

    if (sscanf(ts, "%d-%d-%dT%d:%d:%d.%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
               &ms) != 7) {
        printf("%s ", ts);
        return;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    t = timegm(&tm);
    localtime_r(&t, &tm);
    strftime(text, sizeof text, "%m-%d %H:%M:%S", &tm);
    printf("%s.%03d ", text, ms);
}

static void
print_line(const struct rf_cli *cli, const json_t *line)
{
    static const char *const shown[] = { "ts", "level", "code", "event", "msg", "process", "fix", "record", NULL };
    const char *level = rf_cli_text(line, "level"), *key;
    json_t *value;

    if (cli->json) {
        rf_cli_json(line);
        return;
    }
    if (!cli->is_terminal) {
        printf("%s\t%s\t%s\t%s\t%s\n", rf_cli_text(line, "ts"), level, rf_cli_text(line, "code"),
               rf_cli_text(line, "event"), rf_cli_text(line, "msg"));
        return;
    }
    print_time(rf_cli_text(line, "ts"));
    printf("%s%-5s%s %s%s%s", !cli->colour ? "" : strcmp(level, "error") == 0 ? "\033[31m"
                                              : strcmp(level, "warn") == 0    ? "\033[33m"
                                                                              : "",
           level, cli->colour ? "\033[0m" : "", rf_cli_text(line, "code"),
           rf_cli_text(line, "code")[0] != '\0' ? " " : "", rf_cli_text(line, "msg"));
    json_object_foreach ((json_t *)(uintptr_t)line, key, value) {
        char mem[256];
        struct rf_buf b = rf_buf(mem, sizeof mem);
        bool skip = json_is_object(value) || json_is_array(value);

        for (int i = 0; shown[i] != NULL; i++)
            skip = skip || strcmp(key, shown[i]) == 0;
        if (skip)
            continue;
        rf_cli_put_value(&b, value);
        printf("  %s=%.*s", key, RF_SPAN_ARG(rf_buf_span(&b)));
    }
    putchar('\n');
}

/* Ring of the newest lines that pass. */
struct newest {
    json_t **line;
    size_t n, next, cap;
};

static void
keep(struct newest *r, json_t *line)
{
    json_decref(r->line[r->next]);
    r->line[r->next] = json_incref(line);
    r->next = (r->next + 1) % r->cap;
    r->n += r->n < r->cap;
}

static int
each_line(FILE *in, const struct filter *f, void (*line)(void *ctx, json_t *line), void *ctx)
{
    static char text[LINE_MAX_OCTETS];
    int count = 0;

    while (fgets(text, sizeof text, in) != NULL) {
        json_t *o;

        if (strchr(text, '\n') == NULL) {
            /* Half a line at the end of the file: it is being written. Take it with the next look. */
            if (feof(in)) {
                fseek(in, -(long)strlen(text), SEEK_CUR);
                clearerr(in);
                break;
            }
            continue;
        }
        o = json_loads(text, 0, NULL);
        if (o != NULL && passes(f, o)) {
            line(ctx, o);
            count++;
        }
        json_decref(o);
    }
    return count;
}

static void
keep_line(void *ctx, json_t *line)
{
    keep(ctx, line);
}

static void
show_line(void *ctx, json_t *line)
{
    print_line(ctx, line);
}

static FILE *
open_log(const char *state_dir, int number)
{
    char path[1100];

    if (number == 0)
        snprintf(path, sizeof path, "%s/log.jsonl", state_dir);
    else
        snprintf(path, sizeof path, "%s/log.%d.jsonl", state_dir, number);
    return fopen(path, "re");
}

static int
cannot_read(const struct rf_cli *cli)
{
    char fix[160];

    snprintf(fix, sizeof fix, "name the state directory of the daemon with --state");
    if (errno == EACCES)
        return rf_cli_error(cli, RF_EXIT_NOT_PERMITTED, "", "the log of this state directory may not be read by you",
                            "run this as root, or as a member of the daemon's group");
    return rf_cli_error(cli, RF_EXIT_FAILED, "", "there is no log in this state directory", fix);
}

static void
follow(const struct rf_cli *cli, const struct filter *f, FILE *in)
{
    struct timespec pause = { .tv_nsec = 200 * 1000000 };

    for (;;) {
        struct stat open_one, named;
        char path[1100];

        if (each_line(in, f, show_line, (void *)(uintptr_t)cli) > 0 && fflush(stdout) != 0)
            return;
        nanosleep(&pause, NULL);
        clearerr(in);
        /* Turned over: read what is left of the old one, then go on with the new one. */
        snprintf(path, sizeof path, "%s/log.jsonl", cli->state_dir);
        if (fstat(fileno(in), &open_one) == 0 && stat(path, &named) == 0 && named.st_ino != open_one.st_ino) {
            FILE *turned;

            each_line(in, f, show_line, (void *)(uintptr_t)cli);
            turned = open_log(cli->state_dir, 0);
            if (turned != NULL) {
                fclose(in);
                in = turned;
            }
        }
    }
}

int
rf_cmd_log(struct rf_cli *cli)
{
    const char *lines = rf_cli_flag(cli, "--lines");
    struct filter f = { .code = rf_cli_flag(cli, "--code"), .level = rf_cli_flag(cli, "--level") };
    uint64_t want = LINES_DEFAULT;
    struct newest r = { 0 };
    FILE *in;

    if (lines != NULL && (rf_span_u64(rf_span_str(lines), LINES_MAX, &want) != RF_OK || want == 0))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--lines takes a number from 1 to %d", LINES_MAX);
    if (f.level != NULL && level_rank(f.level) < 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--level takes error, warn, info or debug");
    r.cap = (size_t)want;
    r.line = calloc(r.cap, sizeof *r.line);
    if (r.line == NULL)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    /* The file before first: the newest one may have been turned over a moment ago. */
    for (int i = 1; i >= 0; i--) {
        in = open_log(cli->state_dir, i);
        if (in == NULL && i == 0) {
            free(r.line);
            return cannot_read(cli);
        }
        if (in == NULL)
            continue;
        each_line(in, &f, keep_line, &r);
        if (i > 0)
            fclose(in);
    }
    if (!cli->json && !cli->is_terminal)
        printf("TIME\tLEVEL\tCODE\tEVENT\tMESSAGE\n");
    for (size_t i = 0; i < r.n; i++) {
        json_t *line = r.line[(r.next + r.cap - r.n + i) % r.cap];

        print_line(cli, line);
        json_decref(line);
    }
    free(r.line);
    if (rf_cli_flag(cli, "--follow") != NULL) {
        fflush(stdout);
        follow(cli, &f, in);
    } else {
        fclose(in);
    }
    return RF_EXIT_DONE;
}

/* --- explain --- */

struct seen {
    uint64_t times;
    json_t *last;
};

static void
count_line(void *ctx, json_t *line)
{
    struct seen *s = ctx;
    json_int_t repeat = json_integer_value(json_object_get(line, "repeat"));

    s->times += repeat > 0 ? (uint64_t)repeat : 1;
    json_decref(s->last);
    s->last = json_incref(line);
}

/* {words} without braces, as placeholders for people. */
static void
print_sentence(const char *label, const char *text)
{
    printf("%s%s\n", label, text);
}

int
rf_cmd_explain(struct rf_cli *cli)
{
    enum rf_refusal r = rf_refusal_find(rf_span_str(cli->arg[0]));
    const struct rf_refusal_row *row = rf_refusal_row(r);
    struct seen seen = { 0 };
    struct filter f = { .code = row->code };

    if (r == RF_REFUSE_NONE) {
        const char *words[2 * RF_REFUSAL_COUNT];
        const char *near;
        size_t n = 0;

        for (int i = 1; i < RF_REFUSAL_COUNT; i++) {
            words[n++] = rf_refusal_row((enum rf_refusal)i)->code;
            words[n++] = rf_refusal_row((enum rf_refusal)i)->slug;
        }
        near = rf_cli_nearest(cli->arg[0], words, n);
        return rf_cli_fail(cli, RF_EXIT_USAGE, "unknown code %s%s%s%s", cli->arg[0],
                           near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                           near != NULL ? "?" : "; ringfence man codes lists them");
    }
    for (int i = 5; i >= 0; i--) {
        FILE *in = open_log(cli->state_dir, i);

        if (in != NULL) {
            each_line(in, &f, count_line, &seen);
            fclose(in);
        }
    }
    if (cli->json) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:o*}", "code", row->code, "slug", row->slug,
                              "sentence", row->sentence, "causes", row->causes, "fix", row->fix, "sip", row->sip,
                              "q850", row->q850, "seen", (json_int_t)seen.times, "last", seen.last);

        if (o == NULL)
            return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
        rf_cli_json(o);
        json_decref(o);
        return RF_EXIT_DONE;
    }
    printf("%s  %s\n", row->code, row->slug);
    print_sentence("  what         ", row->sentence);
    print_sentence("  why          ", row->causes);
    print_sentence("  fix          ", row->fix);
    if (row->sip != 0 && row->q850 != 0)
        printf("  on the wire  SIP %d, Q.850 cause %d %s\n", row->sip, row->q850, rf_q850_text(row->q850));
    else if (row->sip != 0)
        printf("  on the wire  SIP %d\n", row->sip);
    if (seen.times > 0) {
        printf("  seen         %llu times in this log, last ", (unsigned long long)seen.times);
        print_time(rf_cli_text(seen.last, "ts"));
        printf("\n  last         %s\n", rf_cli_text(seen.last, "msg"));
        if (rf_cli_text(seen.last, "fix")[0] != '\0')
            printf("  its fix      %s\n", rf_cli_text(seen.last, "fix"));
    } else {
        printf("  seen         not in the log of %s\n", cli->state_dir);
    }
    json_decref(seen.last);
    return RF_EXIT_DONE;
}
