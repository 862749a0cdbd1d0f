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

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "ban.list"), columns, sizeof columns / sizeof *columns);
}

int
rf_cmd_ban_lift(struct rf_cli *cli)
{
    return rf_cli_ask_change(cli, json_pack("{s:s, s:s}", "command", "ban.lift", "source", cli->arg[0]),
                             "the ban of %s is lifted", cli->arg[0]);
}
