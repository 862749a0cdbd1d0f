/*
 * cli/cmd_user.c - users: who may sign in, and how their calls are protected
 *
 * A password is asked for without echo or read from standard input. It goes to the daemon by the control socket,
 * which stores what sign-in needs of it, and it is never shown again.
 */
#include "base/secret.h"
#include "cli/commands.h"

#define PASSWORD_MIN 8
#define PASSWORD_MAX 128

int
rf_cmd_user_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "USER", "user", false, NULL },           { "NAME", "name", false, NULL },
        { "SRTP", "srtp", false, NULL },           { "TLS REQUIRED", "require_tls", false, NULL },
        { "PASSWORD", "password", false, NULL },   { "REGISTERED", "registered", true, NULL },
        { "FROM", "origin", false, NULL },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "user.list"), columns, sizeof columns / sizeof *columns);
}

static void
print_user(const struct rf_cli *cli, const json_t *user)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)user, key, value) {
        char mem[1024];
        struct rf_buf b = rf_buf(mem, sizeof mem);

        rf_cli_put_value(&b, value);
        printf("%-14s %.*s\n", key, RF_SPAN_ARG(rf_buf_span(&b)));
    }
}

int
rf_cmd_user_show(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s, s:s}", "command", "user.show", "user", cli->arg[0]), print_user);
}

/* The settings of a user that were given as flags. */
static json_t *
settings_of(const struct rf_cli *cli)
{
    static const char *const flags[][2] = { { "--name", "name" }, { "--srtp", "srtp" },
                                            { "--require-tls", "require-tls" }, { "--calls-max", "calls-max" },
                                            { "--forward-always", "forward-always" },
                                            { "--forward-busy", "forward-busy" },
                                            { "--forward-no-answer", "forward-no-answer" },
                                            { "--forward-no-answer-time", "forward-no-answer-time" },
                                            { "--do-not-disturb", "do-not-disturb" },
                                            { "--watched-by", "watched-by" } };
    json_t *o = json_object();

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (rf_cli_flag(cli, flags[i][0]) != NULL)
            json_object_set_new(o, flags[i][1], json_string(rf_cli_flag(cli, flags[i][0])));
    return o;
}

static int
ask_password(const struct rf_cli *cli, char password[static RF_SECRET_MAX])
{
    enum rf_err err = rf_cli_secret(cli, "password", password, RF_SECRET_MAX);

    if (err)
        return RF_EXIT_USAGE;
    if (strlen(password) < PASSWORD_MIN || strlen(password) > PASSWORD_MAX) {
        rf_wipe(password, RF_SECRET_MAX);
        return rf_cli_fail(cli, RF_EXIT_USAGE, "a password has %d to %d octets; phones keep it, so let it be random",
                           PASSWORD_MIN, PASSWORD_MAX);
    }
    return 0;
}

int
rf_cmd_user_add(struct rf_cli *cli)
{
    char password[RF_SECRET_MAX] = "";
    json_t *request;
    int status = ask_password(cli, password);

    if (status != 0)
        return status;
    request = json_pack("{s:s, s:s, s:o, s:s}", "command", "user.add", "user", cli->arg[0], "settings",
                        settings_of(cli), "password", password);
    rf_wipe(password, sizeof password);
    if (request == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "name and password are UTF-8 text");
    return rf_cli_ask_change(cli, request, "user %s can sign in now", cli->arg[0]);
}

int
rf_cmd_user_password(struct rf_cli *cli)
{
    char password[RF_SECRET_MAX] = "";
    json_t *request;
    int status = ask_password(cli, password);

    if (status != 0)
        return status;
    request = json_pack("{s:s, s:s, s:s}", "command", "user.password", "user", cli->arg[0], "password", password);
    rf_wipe(password, sizeof password);
    if (request == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "a password is UTF-8 text");
    return rf_cli_ask_change(cli, request, "the password of %s is changed; set it on the phone as well", cli->arg[0]);
}

int
rf_cmd_user_set(struct rf_cli *cli)
{
    json_t *settings = settings_of(cli);

    if (json_object_size(settings) == 0) {
        json_decref(settings);
        return rf_cli_fail(cli, RF_EXIT_USAGE, "nothing to set: `ringfence help user` names the flags");
    }
    return rf_cli_ask_change(cli, json_pack("{s:s, s:s, s:o}", "command", "user.set", "user", cli->arg[0], "settings",
                                            settings), "user %s is changed", cli->arg[0]);
}

int
rf_cmd_user_remove(struct rf_cli *cli)
{
    char question[128];

    snprintf(question, sizeof question, "Remove user %.60s, its password and its registrations?", cli->arg[0]);
    if (!rf_cli_confirm(cli, question))
        return RF_EXIT_USAGE;
    return rf_cli_ask_change(cli, json_pack("{s:s, s:s}", "command", "user.remove", "user", cli->arg[0]),
                             "user %s is removed", cli->arg[0]);
}
