/*
 * cli/cmd_acme.c - certificates that renew themselves: when, from whom, and what stands in the way
 */
#include <time.h>

#include "cli/commands.h"

static int64_t
number_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* "59 d", "3 h", "now": what a person plans with. */
static void
put_duration(struct rf_buf *b, int64_t seconds)
{
    static const struct {
        int64_t s;
        const char *unit;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds >= 2 * units[i].s || (units[i].s == 1 && seconds > 0)) {
            rf_putf(b, "%lld %s", (long long)(seconds / units[i].s), units[i].unit);
            return;
        }
    rf_put_str(b, "now");
}

static void
put_ends(struct rf_buf *b, const json_t *row, bool terminal)
{
    int64_t left = number_of(row, "not_after") - (int64_t)time(NULL);

    if (!json_is_true(json_object_get(row, "issued")))
        rf_put_str(b, "none yet");
    else if (left <= 0)
        rf_put_str(b, "ENDED");
    else
        put_duration(b, left);
}

static void
put_renews(struct rf_buf *b, const json_t *row, bool terminal)
{
    put_duration(b, number_of(row, "renews_in_s"));
    if (json_is_true(json_object_get(row, "by_window")))
        rf_put_str(b, " (asked for)");
}

static void
put_state(struct rf_buf *b, const json_t *row, bool terminal)
{
    if (rf_cli_text(row, "step")[0] != '\0')
        rf_putf(b, "asking: %s", rf_cli_text(row, "step"));
    else if (number_of(row, "failures") > 0)
        rf_putf(b, "failed %lld times at %s: %s", (long long)number_of(row, "failures"),
                rf_cli_text(row, "problem_step"), rf_cli_text(row, "problem"));
    else
        rf_put_str(b, "ok");
}

int
rf_cmd_cert_automatic(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "CERTIFICATE", "certificate", false, NULL }, { "KEY", "key", false, NULL },
        { "SOURCE", "source", false, NULL },           { "NAMES", "names", false, NULL },
        { "ENDS IN", NULL, true, put_ends },           { "RENEWS IN", NULL, true, put_renews },
        { "STATE", NULL, false, put_state },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "acme.list"), columns, sizeof columns / sizeof *columns);
}

static int
send_command(struct rf_cli *cli, const char *command, const char *sentence)
{
    return rf_cli_ask_change(cli, json_pack("{s:s, s:s}", "command", command, "name", cli->arg[0]), "%s: %s",
                             cli->arg[0], sentence);
}

int
rf_cmd_cert_account_key(struct rf_cli *cli)
{
    return send_command(cli, "acme.account-key", "the account gets a new key now");
}

int
rf_cmd_cert_revoke(struct rf_cli *cli)
{
    if (!rf_cli_confirm(cli, "Revoke this certificate? Whoever checks will refuse it from then on."))
        return RF_EXIT_USAGE;
    return send_command(cli, "acme.revoke", "the authority is asked to revoke it, and then for another one");
}
