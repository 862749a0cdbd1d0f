/*
 * cli/cmd_object.c - objects of the configuration by command: connection, number, route
 *
 * Settings are words KEY=VALUE with the names that they have in the block (`ringfence config explain sip-connection`).
 * A password is no such word: password=- asks for it, or reads it from standard input.
 */
#include "cli/commands.h"
#include "conf/options.h"

static json_t *
request_of(const struct rf_cli *cli, const char *verb)
{
    char command[32];

    snprintf(command, sizeof command, "%s.%s", cli->command->noun, verb);
    if (cli->arg_count == 0)
        return json_pack("{s:s}", "command", command);
    return json_pack("{s:s, s:s}", "command", command, "name", cli->arg[0]);
}

static const char *
block_of(const struct rf_cli *cli)
{
    return strcmp(cli->command->noun, "connection") == 0 ? "sip-connection" : cli->command->noun;
}

/* --- what there is --- */

int
rf_cmd_number_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "NUMBER", "name", false, NULL },
        { "TO", "to", false, NULL },
        { "CONNECTION", "connection", false, NULL },
        { "FROM", "origin", false, NULL },
    };

    return rf_cli_ask_list(cli, request_of(cli, "list"), columns, sizeof columns / sizeof *columns);
}

int
rf_cmd_route_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "ROUTE", "name", false, NULL },   { "MATCH", "match", false, NULL },
        { "USE", "use", false, NULL },      { "TO", "to", false, NULL },
        { "CALLERS", "from", false, NULL }, { "FROM", "origin", false, NULL },
    };

    return rf_cli_ask_list(cli, request_of(cli, "list"), columns, sizeof columns / sizeof *columns);
}

static void
put_line(const char *name, const json_t *value)
{
    char text[1024];
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_cli_put_value(&b, value);
    printf("%-22s %.*s\n", name, RF_SPAN_ARG(rf_buf_span(&b)));
}

/* A json_t walks only when it is not const; nothing of it is changed. */
static void
print_object(const struct rf_cli *cli, const json_t *o)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)o, name, value)
        if (!json_is_object(value))
            put_line(name, value);
    json_object_foreach (json_object_get(o, "settings"), name, value)
        put_line(name, value);
}

int
rf_cmd_object_show(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, request_of(cli, "show"), print_object);
}

/* --- what changes --- */

static const struct rf_option *
option_of(const struct rf_cli *cli, const char *key)
{
    char pattern[160];

    snprintf(pattern, sizeof pattern, "%s.*.%.100s", block_of(cli), key);
    return rf_option_find(rf_span_str(pattern));
}

/* KEY=VALUE goes into `settings`; a list is said in one word or several times. 0: go on. */
static int
take_word(const struct rf_cli *cli, const char *word, json_t *settings)
{
    size_t n = strcspn(word, "=");
    char key[104], value[4096];
    const struct rf_option *o;
    const char *before;

    if (n == 0 || word[n] == '\0' || n >= sizeof key)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%.60s is no setting: KEY=VALUE is, such as %s", word,
                           strcmp(cli->command->noun, "connection") == 0 ? "type=ip"
                           : strcmp(cli->command->noun, "number") == 0   ? "to=201"
                                                                         : "match=+*");
    snprintf(key, sizeof key, "%.*s", (int)n, word);
    o = option_of(cli, key);
    before = json_string_value(json_object_get(settings, key));
    if (before != NULL && (o == NULL || !o->is_list))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s is given twice", key);
    n = (size_t)snprintf(value, sizeof value, "%s%s%s", before != NULL ? before : "", before != NULL ? " " : "",
                         word + n + 1);
    if (n >= sizeof value)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "the value of %s is too long", key);
    if (json_object_set_new(settings, key, json_string(value)) != 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "settings are UTF-8 text");
    return 0;
}

static bool
is_reference(const char *value)
{
    return strncmp(value, "secret:", 7) == 0 || strncmp(value, "file:", 5) == 0 || strncmp(value, "env:", 4) == 0;
}

/* password=- , and of a new connection that signs in and names none. */
static bool
wants_password(const struct rf_cli *cli, const json_t *settings, bool is_new)
{
    const char *type = json_string_value(json_object_get(settings, "type"));
    const char *password = json_string_value(json_object_get(settings, "password"));

    if (strcmp(cli->command->noun, "connection") != 0)
        return false;
    if (password != NULL)
        return strcmp(password, "-") == 0;
    return is_new && (type == NULL || strcmp(type, "credential") == 0);
}

/* The password as asked for goes beside the settings; a literal one is refused before it goes anywhere. 0: go on. */
static int
take_password(const struct rf_cli *cli, json_t *settings, bool is_new, json_t *request)
{
    const char *word = json_string_value(json_object_get(settings, "password"));
    char value[RF_CLI_SECRET_ROOM] = "";
    int failed;

    if (strcmp(cli->command->noun, "connection") != 0)
        return 0;
    if (wants_password(cli, settings, is_new)) {
        (void)json_object_del(settings, "password");
        if (rf_cli_secret(cli, "password", value, sizeof value) != RF_OK)
            return RF_EXIT_USAGE;
        failed = json_object_set_new(request, "password", json_string(value));
        rf_wipe(value, sizeof value);
        return failed != 0 ? rf_cli_fail(cli, RF_EXIT_USAGE, "a password is UTF-8 text") : 0;
    }
    if (word != NULL && word[0] != '\0' && !is_reference(word))
        return rf_cli_refuse(cli, RF_EXIT_USAGE, RF_REFUSE_COMMAND,
                             "password=- asks for it or reads standard input; password=secret:NAME names a kept one",
                             "a password is no argument: whoever lists the processes of this machine reads it there");
    return 0;
}

/* `add type=ip ...`: no name has this sign (conf.h), so nobody is asked for a password first. */
static bool
is_setting(const char *word)
{
    return strchr(word, '=') != NULL;
}

static int
change(struct rf_cli *cli, const char *verb, bool is_new, const char *done)
{
    json_t *request, *settings;
    int status = 0;

    if (is_setting(cli->arg[0]))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%.60s is a setting: the name comes before it", cli->arg[0]);
    request = request_of(cli, verb);
    settings = json_object();
    for (int i = 1; i < cli->arg_count && status == 0; i++)
        status = take_word(cli, cli->arg[i], settings);
    if (status == 0 && request != NULL)
        status = take_password(cli, settings, is_new, request);
    if (status != 0) {
        json_decref(settings);
        json_decref(request);
        return status;
    }
    if (request != NULL)
        json_object_set(request, "settings", settings);
    json_decref(settings);
    return rf_cli_ask_change(cli, request, "%s %s %s", cli->command->noun, cli->arg[0], done);
}

int
rf_cmd_object_add(struct rf_cli *cli)
{
    return change(cli, "add", true, "is added and in force");
}

int
rf_cmd_object_set(struct rf_cli *cli)
{
    return change(cli, "set", false, "is changed");
}

int
rf_cmd_object_remove(struct rf_cli *cli)
{
    char question[128];

    snprintf(question, sizeof question, "Remove %s %.63s?", cli->command->noun, cli->arg[0]);
    if (!rf_cli_confirm(cli, question))
        return RF_EXIT_USAGE;
    return rf_cli_ask_change(cli, request_of(cli, "remove"), "%s %s is removed", cli->command->noun, cli->arg[0]);
}
