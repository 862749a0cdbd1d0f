/*
 * cli/help.c - help on the screen and completion: one reading of the table
 */
#include "cli/help.h"

#define COLUMNS 80 /* help fits a terminal of this width */

/* Text with line breaks at spaces; continuation lines are indented. */
static void
print_wrapped(const char *text, int indent, int column)
{
    while (*text != '\0') {
        size_t n = strcspn(text, " ");

        if (column > indent && column + (int)n >= COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        printf("%.*s", (int)n, text);
        column += (int)n;
        text += n;
        if (*text == ' ') {
            text++;
            if (column + 1 < COLUMNS) {
                putchar(' ');
                column++;
            }
        }
    }
    putchar('\n');
}

/* "ringfence user add NAME" in `line`; returns its length. */
static int
usage_of(char *line, size_t size, const struct rf_cli_command *c)
{
    return snprintf(line, size, "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                    c->args[0] != '\0' ? " " : "", c->args);
}

static void
print_row(const struct rf_cli_command *c)
{
    char line[128];
    int n = usage_of(line, sizeof line, c);

    printf("  %-28s ", line);
    if (n > 28)
        printf("\n%*s", 31, "");
    print_wrapped(c->help, 31, 31);
}

static void
print_flags(const struct rf_cli_flag *f)
{
    for (; f->name != NULL; f++) {
        char left[64];

        snprintf(left, sizeof left, "%s%s%s", f->name, f->value != NULL ? " " : "", f->value != NULL ? f->value : "");
        printf("  %-22s ", left);
        if (strlen(left) > 22)
            printf("\n%*s", 25, "");
        print_wrapped(f->help, 25, 25);
    }
}

int
rf_help_all(const struct rf_cli *cli, bool was_asked_for)
{
    if (!was_asked_for) {
        return rf_cli_error(cli, RF_EXIT_USAGE, "", "a command is missing",
                            "ringfence --help lists them; ringfence run starts the daemon");
    }
    printf("ringfence %s - secure voice platform\n\n"
           "example:\n  ringfence run --state ./state\n  ringfence call show last\n\ncommands:\n", RF_VERSION);
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++)
        print_row(c);
    printf("\nflags of every command:\n");
    print_flags(rf_cli_global_flags);
    printf("\nexit status: 0 done, 1 failed, 2 usage, 3 configuration invalid, 4 daemon not\n"
           "reachable, 5 a check found problems, 6 refused by the hosted lock, 7 not permitted\n");
    return RF_EXIT_DONE;
}

int
rf_help_noun(const struct rf_cli *cli, const char *noun)
{
    const struct rf_cli_command *first = NULL;

    for (const struct rf_cli_command *c = rf_cli_commands; first == NULL; c++)
        if (strcmp(c->noun, noun) == 0)
            first = c;
    if (first[1].noun == NULL || strcmp(first[1].noun, noun) != 0)
        return rf_help_command(cli, first);
    printf("example:\n  %s\n\ncommands:\n", first->example);
    for (const struct rf_cli_command *c = first; c->noun != NULL; c++) /* `cert` has two groups of rows */
        if (strcmp(c->noun, noun) == 0)
            print_row(c);
    printf("\nringfence help %s VERB shows one of them with its flags\n", noun);
    return RF_EXIT_DONE;
}

int
rf_help_command(const struct rf_cli *cli, const struct rf_cli_command *c)
{
    char line[128];

    usage_of(line, sizeof line, c);
    printf("example:\n  %s\n\nusage: ringfence %s%s\n\n", c->example, line,
           c->flags[0].name != NULL ? " [FLAGS]" : "");
    print_wrapped(c->help, 0, 0);
    if (c->flags[0].name != NULL) {
        printf("\nflags:\n");
        print_flags(c->flags);
    }
    printf("\nflags of every command:\n");
    print_flags(rf_cli_global_flags);
    return RF_EXIT_DONE;
}

int
rf_cmd_completion(struct rf_cli *cli)
{
    const char *noun = "";

    if (strcmp(cli->arg[0], "bash") != 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "completion is made for bash; %s is not known here", cli->arg[0]);
    printf("# bash completion for ringfence %s, made by: ringfence completion bash\n"
           "_ringfence()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} words=\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words=\"", RF_VERSION);
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++) {
        if (strcmp(noun, c->noun) != 0)
            printf("%s ", c->noun);
        noun = c->noun;
    }
    printf("help\"\n    else\n        case \"$noun $verb\" in\n");
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++) {
        if (c->flags[0].name == NULL)
            continue;
        printf("        \"%s %s\"%s) words=\"", c->noun, c->verb != NULL ? c->verb : "", c->verb != NULL ? "" : "*");
        for (const struct rf_cli_flag *f = c->flags; f->name != NULL; f++)
            printf("%s ", f->name);
        printf("\" ;;\n");
    }
    printf("        esac\n        if [ \"$COMP_CWORD\" = 2 ]; then\n            case \"$noun\" in\n");
    for (const struct rf_cli_command *c = rf_cli_commands; c->noun != NULL; c++) {
        if (c != rf_cli_commands && strcmp(c[-1].noun, c->noun) == 0)
            continue;
        printf("            %s) words=\"$words", c->noun);
        for (const struct rf_cli_command *v = c; v->noun != NULL && strcmp(v->noun, c->noun) == 0; v++)
            if (v->verb != NULL)
                printf(" %s", v->verb);
        printf("\" ;;\n");
    }
    printf("            esac\n        fi\n        words=\"$words");
    for (const struct rf_cli_flag *f = rf_cli_global_flags; f->name != NULL; f++)
        printf(" %s", f->name);
    printf("\"\n    fi\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
           "}\ncomplete -F _ringfence ringfence\n");
    return RF_EXIT_DONE;
}
