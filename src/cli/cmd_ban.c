/*
 * cli/cmd_ban.c - `ban`: sources that are shut out now
 */
#include "cli/commands.h"

int
rf_cmd_ban_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "SOURCE", "source", false, NULL },
        { "SECONDS LEFT", "left_s", true, NULL },
        { "TIMES", "times", true, NULL },
        { "REASON", "reason", false, NULL },
    };
    int status;
    json_t *rows = rf_cli_ask(cli, json_pack("{s:s}", "command", "ban.list"), &status);

    if (rows == NULL)
        return status;
    rf_cli_list(cli, rows, columns, sizeof columns / sizeof *columns);
    json_decref(rows);
    return RF_EXIT_DONE;
}

int
rf_cmd_ban_lift(struct rf_cli *cli)
{
    int status;
    json_t *result = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "ban.lift", "source", cli->arg[0]), &status);

    if (result == NULL)
        return status;
    if (cli->json)
        rf_cli_json(result);
    else if (!cli->quiet)
        fprintf(stderr, "the ban of %s is lifted\n", cli->arg[0]);
    json_decref(result);
    return RF_EXIT_DONE;
}
