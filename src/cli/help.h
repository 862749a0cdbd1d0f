/*
 * cli/help.h - help, completion and manual pages, made from the table of commands
 */
#ifndef RF_CLI_HELP_H
#define RF_CLI_HELP_H

#include "cli/command.h"

/** Everything there is; exit status 0 when it was asked for, 2 when a command was missing. */
int rf_help_all(const struct rf_cli *cli, bool was_asked_for);
int rf_help_noun(const struct rf_cli *cli, const char *noun);
int rf_help_command(const struct rf_cli *cli, const struct rf_cli_command *c);

/**
 * Print words, broken between them so that no line has more than `width` columns, with a line's end behind the last.
 * The first line has begun at column `indent`, the others are indented as far.
 */
void rf_cli_print_wrapped(const char *text, int indent, int width);

/* Commands: man, completion, docs. */
int rf_cmd_man(struct rf_cli *cli);
int rf_cmd_completion(struct rf_cli *cli);
int rf_cmd_docs(struct rf_cli *cli);

#endif
