/*
 * cli/cmd_call.c - `calls`, `call show|hangup`, `ladder`, `registrations`: what happens now and what happened
 */
#include <stdlib.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/ladder.h"

#define SHORT_IDS_MAX 1000 /* each pair is compared; nobody types the ID of one of more calls */

static json_t *
leg_of(const json_t *call, size_t i)
{
    return json_array_get(json_object_get(call, "legs"), i);
}

static void
put_party(struct rf_buf *b, const json_t *call, const char *user, const char *display)
{
    rf_putf(b, "%s%s%s", rf_cli_text(call, user), rf_cli_text(call, display)[0] != '\0' ? " " : "",
            rf_cli_text(call, display));
}

static void
put_from(struct rf_buf *b, const json_t *row, bool terminal)
{
    put_party(b, row, "from", "from_display");
}

static void
put_to(struct rf_buf *b, const json_t *row, bool terminal)
{
    put_party(b, row, "to", "to_display");
}

static void
put_for(struct rf_buf *b, const json_t *row, bool terminal)
{
    json_int_t s = json_integer_value(json_object_get(row, "seconds"));

    if (!terminal)
        rf_putf(b, "%lld", (long long)s);
    else if (s >= 3600)
        rf_putf(b, "%lld:%02lld:%02lld", (long long)s / 3600, (long long)s / 60 % 60, (long long)s % 60);
    else
        rf_putf(b, "%02lld:%02lld", (long long)s / 60, (long long)s % 60);
}

/* "AEAD_AES_256_GCM" -> "GCM-256": short enough for a line of calls; `call show` has the whole name. */
static void
put_suite(struct rf_buf *b, const char *suite)
{
    static const char *const shorts[][2] = {
        { "AEAD_AES_256_GCM", "GCM-256" },         { "AEAD_AES_128_GCM", "GCM-128" },
        { "AES_CM_128_HMAC_SHA1_80", "CM-80" },    { "AES_CM_128_HMAC_SHA1_32", "CM-32" },
        { "AES_256_CM_HMAC_SHA1_80", "CM256-80" }, { "AES_256_CM_HMAC_SHA1_32", "CM256-32" },
    };

    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
        if (strcmp(suite, shorts[i][0]) == 0) {
            rf_put_str(b, shorts[i][1]);
            return;
        }
    rf_put_str(b, suite);
}

/* "TLS1.3 | GCM-256", "UDP | none" */
static void
put_leg(struct rf_buf *b, const json_t *leg)
{
    const json_t *s = json_object_get(leg, "signalling"), *m = json_object_get(leg, "media");

    rf_put_str(b, rf_cli_text(s, "transport"));
    rf_put_str(b, rf_cli_text(s, "tls_version"));
    rf_put_str(b, " | ");
    if (strcmp(rf_cli_text(m, "protection"), "SRTP, not encrypted") == 0)
        rf_put_str(b, "clear SRTP");
    else if (rf_cli_text(m, "suite")[0] != '\0')
        put_suite(b, rf_cli_text(m, "suite"));
    else
        rf_put_str(b, rf_cli_text(m, "protection"));
}

static void
put_leg_a(struct rf_buf *b, const json_t *row, bool terminal)
{
    put_leg(b, leg_of(row, 0));
}

static void
put_leg_b(struct rf_buf *b, const json_t *row, bool terminal)
{
    put_leg(b, leg_of(row, 1));
}

/* As much of each ID as tells it from the others of the list, 4 digits at least: commands take such a beginning. */
static void
shorten_ids(json_t *rows)
{
    size_t n = 4;

    for (size_t i = 0; i < json_array_size(rows); i++)
        for (size_t k = i + 1; k < json_array_size(rows); k++) {
            const char *a = rf_cli_text(json_array_get(rows, i), "id"), *b = rf_cli_text(json_array_get(rows, k), "id");
            size_t same = 0;

            while (a[same] != '\0' && a[same] == b[same])
                same++;
            n = same >= n ? same + 1 : n;
        }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const char *id = rf_cli_text(row, "id");

        json_object_set_new(row, "id", json_stringn(id, strnlen(id, n)));
    }
}

void
rf_calls_print_ended(const struct rf_cli *cli, json_t *rows)
{
    static const struct rf_cli_column columns[] = {
        { "BEGAN", "began", false, NULL },   { "FROM", NULL, false, put_from },   { "TO", NULL, false, put_to },
        { "FOR", NULL, true, put_for },      { "LEG A", NULL, false, put_leg_a }, { "LEG B", NULL, false, put_leg_b },
        { "WORST", "verdict_min", false, NULL }, { "STATUS", "status", true, NULL }, { "CODE", "code", false, NULL },
        { "ID", "id", false, NULL },
    };

    if (cli->is_terminal && json_array_size(rows) <= SHORT_IDS_MAX)
        shorten_ids(rows);
    rf_cli_list(cli, rows, columns, sizeof columns / sizeof *columns);
}

int
rf_cmd_calls(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "ID", "id", false, NULL },       { "FROM", NULL, false, put_from },    { "TO", NULL, false, put_to },
        { "FOR", NULL, true, put_for },    { "LEG A", NULL, false, put_leg_a },  { "LEG B", NULL, false, put_leg_b },
        { "STATE", "verdict", false, NULL }, { "CODE", "code", false, NULL },
    };
    int status;
    json_t *rows;
    size_t encrypted = 0;

    if (rf_cli_flag(cli, "--ended") != NULL)
        return rf_cmd_calls_ended(cli);
    for (const struct rf_cli_flag *f = cli->command->flags; f->name != NULL; f++)
        if (rf_cli_flag(cli, f->name) != NULL)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s is for calls that ended: add --ended", f->name);
    rows = rf_cli_ask(cli, json_pack("{s:s}", "command", "calls"), &status);

    if (rows == NULL)
        return status;
    if (!cli->json && cli->is_terminal && json_array_size(rows) <= SHORT_IDS_MAX)
        shorten_ids(rows);
    rf_cli_list(cli, rows, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < json_array_size(rows); i++)
        encrypted += strcmp(rf_cli_text(json_array_get(rows, i), "verdict"), "ENCRYPTED") == 0;
    if (!cli->json && cli->is_terminal && !cli->quiet)
        printf("%zu calls, %zu fully encrypted\n", json_array_size(rows), encrypted);
    json_decref(rows);
    return RF_EXIT_DONE;
}

int
rf_cmd_call_show(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s, s:s}", "command", "call.show", "id",
                                          cli->arg_count > 0 ? cli->arg[0] : "last"), rf_call_print);
}

int
rf_cmd_call_hangup(struct rf_cli *cli)
{
    int status;
    json_t *done;
    char question[128];

    snprintf(question, sizeof question, "End call %.40s for both sides?", cli->arg[0]);
    if (!rf_cli_confirm(cli, question))
        return RF_EXIT_USAGE;
    done = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "call.hangup", "id", cli->arg[0]), &status);
    if (done == NULL)
        return status;
    if (cli->json)
        rf_cli_json(done);
    else if (!cli->quiet)
        fprintf(stderr, "call %s is being ended\n", rf_cli_text(done, "id"));
    json_decref(done);
    return RF_EXIT_DONE;
}

int
rf_cmd_ladder(struct rf_cli *cli)
{
    const char *from = rf_cli_flag(cli, "--from");
    json_t *request = json_pack("{s:s, s:s}", "command", "ladder", "id", cli->arg_count > 0 ? cli->arg[0] : "last");

    if (from != NULL)
        json_object_set_new(request, "from", json_string(from));
    return rf_cli_ask_show(cli, request, rf_ladder_print);
}

static void
put_left(struct rf_buf *b, const json_t *row, bool terminal)
{
    json_int_t s = json_integer_value(json_object_get(row, "expires_s"));

    rf_putf(b, terminal ? "%lld s" : "%lld", (long long)s);
}

int
rf_cmd_registrations(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "USER", "user", false, NULL },        { "CONTACT", "contact", false, NULL },
        { "VIA", "transport", false, NULL },    { "FROM", "source", false, NULL },
        { "EXPIRES", NULL, true, put_left },    { "REACHABLE", "reachable", false, NULL },
        { "DEVICE", "user_agent", false, NULL },
    };
    json_t *request = json_pack("{s:s}", "command", "registrations");

    if (cli->arg_count > 0)
        json_object_set_new(request, "user", json_string(cli->arg[0]));
    return rf_cli_ask_list(cli, request, columns, sizeof columns / sizeof *columns);
}
