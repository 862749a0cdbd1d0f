/*
 * cli/cmd_connection.c - `connection` and `route`: who we interconnect with, and where a number goes
 */
#include "cli/commands.h"

/* "up", "registered 540 s", "down". */
static void
put_state(struct rf_buf *b, const json_t *row, bool terminal)
{
    const char *registration = rf_cli_text(row, "registration");

    if (registration[0] != '\0') {
        rf_put_str(b, registration);
        if (strcmp(registration, "registered") == 0)
            rf_putf(b, " %s %lld s", rf_cli_text(row, "transport"),
                    (long long)json_integer_value(json_object_get(row, "register_left_s")));
        else if (json_integer_value(json_object_get(row, "register_status")) != 0)
            rf_putf(b, " %lld", (long long)json_integer_value(json_object_get(row, "register_status")));
        rf_put_str(b, ", ");
    }
    rf_put_str(b, rf_cli_text(row, "health"));
}

int
rf_cmd_connection_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "NAME", "name", false, NULL },
        { "TYPE", "type", false, NULL },
        { "SIDE", "side", false, NULL },
        { "SERVER", "server", false, NULL },
        { "SRTP IN", "inbound.srtp", false, NULL },
        { "SRTP OUT", "outbound.srtp", false, NULL },
        { "CALLS", "calls", true, NULL },
        { "STATE", NULL, false, put_state },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "connection.list"), columns,
                           sizeof columns / sizeof *columns);
}

static void
put_line(const char *name, const json_t *value)
{
    char text[1024];
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            rf_put_str(&b, i > 0 ? " " : "");
            rf_cli_put_value(&b, json_array_get(value, i));
        }
    } else {
        rf_cli_put_value(&b, value);
    }
    text[b.n] = '\0';
    printf("%-34s %s\n", name, text);
}

/* A json_t walks only when it is not const; nothing of it is changed. */
static void
print_connection(const struct rf_cli *cli, const json_t *o)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)o, name, value)
        if (!json_is_object(value) && strchr(name, '.') == NULL)
            put_line(name, value);
    json_object_foreach(json_object_get(o, "settings"), name, value)
        put_line(name, value);
}

int
rf_cmd_connection_show(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s, s:s}", "command", "connection.show", "name", cli->arg[0]),
                           print_connection);
}

int
rf_cmd_route_test(struct rf_cli *cli)
{
    const char *from = rf_cli_flag(cli, "--from");
    json_t *request = json_pack("{s:s, s:s}", "command", "route.test", "number", cli->arg[0]), *o;
    int status;
    bool found;
    size_t i;
    json_t *step;

    if (from != NULL)
        json_object_set_new(request, "from", json_string(from));
    o = rf_cli_ask(cli, request, &status);
    if (o == NULL)
        return status;
    found = json_array_size(json_object_get(o, "places")) > 0;
    if (cli->json)
        rf_cli_json(o);
    else
        json_array_foreach(json_object_get(o, "steps"), i, step)
            printf("%2zu  %s\n", i + 1, json_string_value(step));
    json_decref(o);
    return found ? RF_EXIT_DONE : RF_EXIT_FOUND;
}
