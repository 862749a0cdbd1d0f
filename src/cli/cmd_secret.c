/*
 * cli/cmd_secret.c - `secret`: values that settings name as secret:NAME
 *
 * A value is asked for without echo or read from standard input, and never shown again.
 */
#include "cli/commands.h"

static void
put_used_by(struct rf_buf *b, const json_t *row, bool terminal)
{
    const json_t *list = json_object_get(row, "used_by");

    for (size_t i = 0; i < json_array_size(list); i++)
        rf_putf(b, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(list, i)));
    if (json_array_size(list) == 0)
        rf_put_str(b, "-");
}

int
rf_cmd_secret_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "SECRET", "name", false, NULL },
        { "SEALED BY", "key", false, NULL },
        { "NEEDED BY", NULL, false, put_used_by },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "secret.list"), columns,
                           sizeof columns / sizeof *columns);
}

static int
put(const struct rf_cli *cli, const char *command, const char *after)
{
    char value[RF_CLI_SECRET_ROOM] = "";
    json_t *request;

    if (rf_cli_secret(cli, "secret", value, sizeof value) != RF_OK)
        return RF_EXIT_USAGE;
    request = json_pack("{s:s, s:s, s:s}", "command", command, "name", cli->arg[0], "value", value);
    rf_wipe(value, sizeof value);
    if (request == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "name and secret are UTF-8 text");
    return rf_cli_ask_change(cli, request, "secret %s %s", cli->arg[0], after);
}

int
rf_cmd_secret_add(struct rf_cli *cli)
{
    return put(cli, "secret.add", "is kept; settings name it as secret:NAME");
}

int
rf_cmd_secret_set(struct rf_cli *cli)
{
    return put(cli, "secret.set", "has another value, which is in force");
}

int
rf_cmd_secret_remove(struct rf_cli *cli)
{
    char question[128];

    snprintf(question, sizeof question, "Forget secret %.60s?", cli->arg[0]);
    if (!rf_cli_confirm(cli, question))
        return RF_EXIT_USAGE;
    return rf_cli_ask_change(cli, json_pack("{s:s, s:s}", "command", "secret.remove", "name", cli->arg[0]),
                             "secret %s is forgotten", cli->arg[0]);
}

int
rf_cmd_secret_rotate(struct rf_cli *cli)
{
    int status;
    json_t *result = rf_cli_ask(cli, json_pack("{s:s}", "command", "secret.rotate"), &status);

    if (result == NULL)
        return status;
    if (cli->json)
        rf_cli_json(result);
    else if (!cli->quiet)
        fprintf(stderr,
                "%lld secrets are sealed by key %s; back up %s/secret.key with the next backup of the database\n",
                (long long)json_integer_value(json_object_get(result, "secrets")), rf_cli_text(result, "key"),
                cli->state_dir);
    json_decref(result);
    return RF_EXIT_DONE;
}
