/*
 * cli/help.c - help on the screen and completion: one reading of the table
 */
#include "cli/help.h"

#define WIDTH 79 /* help fits a terminal of 80 columns */

void
rf_cli_print_wrapped(const char *text, int indent, int width)
{
    int column = indent;

    while (*text != '\0') {
        int n = (int)strcspn(text, " ");

        if (column > indent && column + 1 + n > width) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", n, text);
        column += n;
        text += n;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* "user add NAME" */
static void
put_usage(char *line, size_t size, const struct rf_cli_command *c)
{
    snprintf(line, size, "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
             c->args[0] != '\0' ? " " : "", c->args);
}

/* A name at the left and its help at the right, which begins on the next line when the name is too long for its column. */
static void
print_pair(const char *name, int name_width, const char *help)
{
    int indent = 2 + name_width + 1;

    if ((int)strlen(name) > name_width)
        printf("  %s\n%*s", name, indent, "");
    else
        printf("  %-*s ", name_width, name);
    rf_cli_print_wrapped(help, indent, WIDTH);
}

static void
print_row(const struct rf_cli_command *c)
{
    char line[128];

    put_usage(line, sizeof line, c);
    print_pair(line, 28, c->help);
}

static void
print_flags(const struct rf_cli_flag *f)
{
    for (; f->name != NULL; f++) {
        char left[64];

        snprintf(left, sizeof left, "%s%s%s", f->name, f->value != NULL ? " " : "", f->value != NULL ? f->value : "");
        print_pair(left, 22, f->help);
    }
}

static void
print_ends(void)
{
    printf("\nflags of every command:\n");
    print_flags(rf_cli_global_flags);
    printf("\nexit status: ");
    rf_cli_print_wrapped("0 done, 1 failed, 2 usage, 3 configuration invalid, 4 daemon not reachable, 5 a check found "
                         "problems, 6 refused by the hosted lock, 7 not permitted", 13, WIDTH);
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
    print_ends();
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

    put_usage(line, sizeof line, c);
    printf("example:\n  %s\n\nusage: ringfence %s%s\n\n", c->example, line,
           c->flags[0].name != NULL ? " [FLAGS]" : "");
    rf_cli_print_wrapped(c->help, 0, WIDTH);
    if (c->flags[0].name != NULL) {
        printf("\nflags:\n");
        print_flags(c->flags);
    }
    print_ends();
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
