/*
 * cli/ask.c - commands that are one question to the daemon, and what becomes of its answer
 */
#include <stdarg.h>

#include "cli/command.h"

int
rf_cli_ask_list(const struct rf_cli *cli, json_t *request, const struct rf_cli_column *columns, size_t n)
{
    int status;
    json_t *rows = rf_cli_ask(cli, request, &status);

    if (rows == NULL)
        return status;
    rf_cli_list(cli, rows, columns, n);
    json_decref(rows);
    return RF_EXIT_DONE;
}

int
rf_cli_ask_show(const struct rf_cli *cli, json_t *request,
                void (*print)(const struct rf_cli *cli, const json_t *result))
{
    int status;
    json_t *result = rf_cli_ask(cli, request, &status);

    if (result == NULL)
        return status;
    if (cli->json)
        rf_cli_json(result);
    else
        print(cli, result);
    json_decref(result);
    return RF_EXIT_DONE;
}

int
rf_cli_ask_change(const struct rf_cli *cli, json_t *request, const char *format, ...)
{
    int status;
    json_t *result = rf_cli_ask(cli, request, &status);
    va_list ap;

    if (result == NULL)
        return status;
    if (cli->json) {
        rf_cli_json(result);
    } else if (!cli->quiet) {
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        rf_cli_warnings(result);
    }
    json_decref(result);
    return RF_EXIT_DONE;
}

void
rf_cli_warnings(const json_t *result)
{
    const json_t *list = json_object_get(result, "warnings");

    for (size_t i = 0; i < json_array_size(list); i++)
        fprintf(stderr, "warning  %s\n", json_string_value(json_array_get(list, i)));
}
