/*
 * cli/cmd_event.c - `subscriptions` and `mailbox`: who watches whom, and how many messages wait
 */
#include "cli/commands.h"

int
rf_cmd_subscriptions(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "WATCHER", "watcher", false, NULL }, { "EVENT", "event", false, NULL },
        { "OF", "of", false, NULL },           { "BY", "transport", false, NULL },
        { "FROM", "source", false, NULL },     { "SECONDS LEFT", "expires_s", true, NULL },
        { "NOTIFIED", "notifies", true, NULL }, { "REACHABLE", "reachable", false, NULL },
        { "STATE", "state", false, NULL },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s, s:s}", "command", "subscriptions", "user",
                                          cli->arg[0] != NULL ? cli->arg[0] : ""),
                           columns, sizeof columns / sizeof *columns);
}

int
rf_cmd_mailbox_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "USER", "user", false, NULL },    { "NEW", "new", true, NULL },
        { "OLD", "old", true, NULL },       { "URGENT", "urgent_new", true, NULL },
        { "SET BY", "set_by", false, NULL }, { "SECONDS LEFT", "left_s", true, NULL },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "mailbox.list"), columns,
                           sizeof columns / sizeof *columns);
}

int
rf_cmd_mailbox_set(struct rf_cli *cli)
{
    const char *fresh = rf_cli_flag(cli, "--new"), *old = rf_cli_flag(cli, "--old");
    int status;
    json_t *result;

    if (fresh == NULL && old == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "nothing to set: --new or --old");
    result = rf_cli_ask(cli, json_pack("{s:s, s:s, s:s, s:s}", "command", "mailbox.set", "user", cli->arg[0], "new",
                                       fresh != NULL ? fresh : "", "old", old != NULL ? old : ""), &status);
    if (result == NULL)
        return status;
    if (cli->json)
        rf_cli_json(result);
    else if (!cli->quiet)
        fprintf(stderr, "%lld new messages wait for %s\n",
                (long long)json_integer_value(json_object_get(result, "new")), cli->arg[0]);
    json_decref(result);
    return RF_EXIT_DONE;
}
