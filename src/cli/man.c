/*
 * cli/man.c - manual pages (roff) and the reference (Markdown), made from the tables
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/metric.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "conf/explain.h"
#include "conf/options.h"

#define EXIT_STATUSES                                                                                         \
    "0 done; 1 failed at run time; 2 usage; 3 configuration invalid; 4 daemon not reachable; 5 a check found " \
    "problems; 6 refused by the hosted lock; 7 not permitted."

/* --- roff: a backslash and a dot or quote at the start of a line mean something to it --- */

static void
roff(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\')
            fputs("\\e", stdout);
        else if ((*p == '.' || *p == '\'') && p == text)
            printf("\\&%c", *p);
        else if (*p == '-')
            fputs("\\-", stdout);
        else
            putchar(*p);
    }
}

static void
roff_head(const char *name, int section, const char *what)
{
    printf(".\\\" made by: ringfence man\n.TH %s %d \"\" \"ringfence %s\" \"ringfence\"\n.SH NAME\n", name, section,
           RF_VERSION);
    roff(name);
    printf(" \\- ");
    roff(what);
    putchar('\n');
}

static void
roff_flags(const struct rf_cli_flag *f)
{
    for (; f->name != NULL; f++) {
        printf(".TP\n.B ");
        roff(f->name);
        if (f->value != NULL) {
            printf(" \\fI");
            roff(f->value);
            printf("\\fR");
        }
        putchar('\n');
        roff(f->help);
        putchar('\n');
    }
}

static int
man_ringfence(void)
{
    roff_head("ringfence", 1, "secure voice platform: daemon and commands");
    printf(".SH SYNOPSIS\n.B ringfence\n\\fINOUN\\fR [\\fIVERB\\fR] [\\fIARGUMENT\\fR...] [\\fIFLAGS\\fR]\n"
           ".SH COMMANDS\n");
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++) {
        printf(".SS ringfence ");
        roff(c->noun);
        if (c->verb != NULL)
            printf(" %s", c->verb);
        if (c->args[0] != '\0') {
            putchar(' ');
            roff(c->args);
        }
        putchar('\n');
        roff(c->help);
        printf(".\n.PP\nExample:\n.PP\n.nf\n.RS 4\n");
        roff(c->example);
        printf("\n.RE\n.fi\n");
        if (c->flags[0].name != NULL)
            roff_flags(c->flags);
    }
    printf(".SH FLAGS OF EVERY COMMAND\n");
    roff_flags(rf_cli_global_flags);
    printf(".SH EXIT STATUS\n"
           EXIT_STATUSES "\n"
           ".SH SEE ALSO\n.BR ringfence.conf (5),\n.BR ringfence\\-codes (7)\n");
    return RF_EXIT_DONE;
}

static int
man_codes(void)
{
    roff_head("ringfence-codes", 7, "why ringfence said no, and what to do about it");
    printf(".SH DESCRIPTION\nEach refusal has one code, the same in the log, on the screen, and (towards phones that "
           "have signed in) in a Warning header. Words in braces are filled in when it happens.\n.SH CODES\n");
    for (int i = 1; i < RF_REFUSAL_COUNT; i++) {
        const struct rf_refusal_row *r = rf_refusal_row((enum rf_refusal)i);

        printf(".SS ");
        roff(r->code);
        putchar(' ');
        roff(r->slug);
        printf("\n.TP\nwhat\n");
        roff(r->sentence);
        printf("\n.TP\nwhy\n");
        roff(r->causes);
        printf("\n.TP\nfix\n");
        roff(r->fix);
        putchar('\n');
        if (r->sip != 0) {
            printf(".TP\non the wire\nSIP %d", r->sip);
            if (r->q850 != 0)
                printf(", Q.850 cause %d (%s)", r->q850, rf_q850_text(r->q850));
            putchar('\n');
        }
    }
    printf(".SH SEE ALSO\n.BR ringfence (1)\n");
    return RF_EXIT_DONE;
}

static int
man_conf(void)
{
    roff_head("ringfence.conf", 5, "configuration of ringfence");
    printf(".SH DESCRIPTION\nOne setting a line: a name and its values. A block is a name, maybe a label, and lines "
           "between braces. A # begins a comment at the start of a word; quotes hold spaces together. What the file "
           "says cannot be changed by commands; what it leaves out is in the store's layer "
           "(ringfence set, ringfence config export), else the default holds.\n.SH SETTINGS\n");
    for (size_t i = 0; i < rf_option_count(); i++) {
        const struct rf_option *o = rf_option_at(i);

        printf(".TP\n.B ");
        roff(o->name);
        putchar('\n');
        roff(o->help);
        printf("\n.br\nDefault: ");
        roff(o->compatible[0] != '\0' ? o->compatible : "none");
        if (strcmp(o->compatible, o->secure) != 0) {
            printf("; with security\\-profile secure: ");
            roff(o->secure);
        }
        printf(".%s\n", o->needs_restart ? " Applied at a restart." : "");
    }
    printf(".SH FILES\n/etc/ringfence/ringfence.conf\n.SH SEE ALSO\n.BR ringfence (1)\n");
    return RF_EXIT_DONE;
}

int
rf_cmd_man(struct rf_cli *cli)
{
    const char *page = cli->arg_count > 0 ? cli->arg[0] : "ringfence";

    if (strcmp(page, "ringfence") == 0)
        return man_ringfence();
    if (strcmp(page, "codes") == 0 || strcmp(page, "ringfence-codes") == 0)
        return man_codes();
    if (strcmp(page, "conf") == 0 || strcmp(page, "ringfence.conf") == 0)
        return man_conf();
    return rf_cli_fail(cli, RF_EXIT_USAGE, "unknown page %s; there are ringfence, codes and conf", page);
}

/* --- Markdown --- */

static FILE *
open_page(const struct rf_cli *cli, const char *name)
{
    char path[1100];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", cli->arg[0], name);
    out = fopen(path, "we");
    if (out == NULL)
        rf_cli_fail(cli, RF_EXIT_FAILED, "%s: %s", path, strerror(errno));
    return out;
}

/* In a table cell a bar would end it. */
static void
cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void
put_number(FILE *out, int number)
{
    if (number != 0)
        fprintf(out, "%d", number);
    else
        fputc('-', out);
}

/* A section for each, so that a code can be linked to and a fix can be read. */
static void
put_refusals(FILE *out)
{
    fprintf(out, "# Refusals\n\n"
                 "Made by `ringfence docs` from the table in `src/base/refusal.h`; `ringfence explain CODE` and\n"
                 "ringfence-codes(7) say the same. Words in braces are filled in when it happens. A code without SIP\n"
                 "status never goes on the wire; it stands in the log, in call records and on the screen.\n\n"
                 "| code | name | SIP | Q.850 |\n|---|---|---|---|\n");
    for (int i = 1; i < RF_REFUSAL_COUNT; i++) {
        const struct rf_refusal_row *r = rf_refusal_row((enum rf_refusal)i);

        fprintf(out, "| [%s](#rf-%s-%s) | %s | ", r->code, r->code + strlen("RF-"), r->slug, r->slug);
        put_number(out, r->sip);
        fprintf(out, " | ");
        put_number(out, r->q850);
        fprintf(out, " |\n");
    }
    for (int i = 1; i < RF_REFUSAL_COUNT; i++) {
        const struct rf_refusal_row *r = rf_refusal_row((enum rf_refusal)i);

        fprintf(out, "\n## %s %s\n\n%s.\n\n- why: %s\n- fix: %s\n", r->code, r->slug, r->sentence, r->causes, r->fix);
        if (r->sip != 0)
            fprintf(out, "- on the wire: %d", r->sip);
        if (r->sip != 0 && r->q850 != 0)
            fprintf(out, ", Q.850 cause %d %s", r->q850, rf_q850_text(r->q850));
        if (r->sip != 0)
            fputc('\n', out);
    }
}

static void
put_flags(FILE *out, const struct rf_cli_flag *f)
{
    fprintf(out, "\n| flag | meaning |\n|---|---|\n");
    for (; f->name != NULL; f++) {
        fprintf(out, "| `%s%s", f->name, f->value != NULL ? " " : "");
        cell(out, f->value != NULL ? f->value : "");
        fprintf(out, "` | ");
        cell(out, f->help);
        fprintf(out, " |\n");
    }
}

static void
put_commands(FILE *out)
{
    fprintf(out, "# Commands\n\nMade by `ringfence docs` from the table in `src/cli/table.c`; `ringfence help` and\n"
                 "ringfence(1) say the same. Data goes to stdout, everything else to stderr.\n\n"
                 "Exit status: " EXIT_STATUSES "\n\nFlags of every command:\n");
    put_flags(out, rf_cli_global_flags);
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++) {
        fprintf(out, "\n## ringfence %s%s%s%s%s\n\n%c%s.%s\n\n```\n%s\n```\n", c->noun, c->verb != NULL ? " " : "",
                c->verb != NULL ? c->verb : "", c->args[0] != '\0' ? " " : "", c->args,
                toupper((unsigned char)c->help[0]), c->help + 1, c->needs_daemon ? " Needs a running daemon." : "",
                c->example);
        if (c->flags[0].name != NULL)
            put_flags(out, c->flags);
    }
}

static void
put_settings(FILE *out)
{
    static char mem[256 << 10];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    rf_conf_put_reference(&b);
    fwrite(b.p, 1, b.n, out);
}

static void
put_metrics(FILE *out)
{
    fprintf(out, "# Metrics\n\nMade by `ringfence docs` from the table in `src/base/metric.h`. "
                 "`ringfence metrics` shows them, and\n`metrics.listen` answers GET /metrics with the same text.\n\n"
                 "| metric | type | labels |\n|---|---|---|\n");
    for (int m = 0; m < RF_METRIC_COUNT; m++) {
        const struct rf_metric_row *row = rf_metric_row((enum rf_metric)m);

        fprintf(out, "| `%s` | %s | %s |\n", row->name, rf_metric_type_name(row->type), row->labels);
    }
    for (int m = 0; m < RF_METRIC_COUNT; m++) {
        const struct rf_metric_row *row = rf_metric_row((enum rf_metric)m);

        fprintf(out, "\n## %s\n\n%s\n", row->name, row->help);
    }
}

int
rf_cmd_docs(struct rf_cli *cli)
{
    static const struct {
        const char *name;
        void (*put)(FILE *out);
    } pages[] = { { "metrics.md", put_metrics },
                  { "refusals.md", put_refusals }, { "commands.md", put_commands }, { "settings.md", put_settings },
                  { "records.md", rf_cmd_put_records } };

    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        FILE *out = open_page(cli, pages[i].name);

        if (out == NULL)
            return RF_EXIT_FAILED;
        pages[i].put(out);
        if (fclose(out) != 0)
            return rf_cli_fail(cli, RF_EXIT_FAILED, "%s: %s", pages[i].name, strerror(errno));
    }
    return RF_EXIT_DONE;
}
