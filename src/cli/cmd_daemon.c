/*
 * cli/cmd_daemon.c - `run`, `status`, `stop`, `version`
 */
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "srtp/srtp.h"

#define CONFIG_DEFAULT "/etc/ringfence/ringfence.conf"

int
rf_cmd_run(struct rf_cli *cli)
{
    const char *config = rf_cli_flag(cli, "--config");

    /* The usual place counts when it is there; a file that was named must be there. */
    if (config == NULL && access(CONFIG_DEFAULT, F_OK) == 0)
        config = CONFIG_DEFAULT;
    return cli->hooks->run(cli->state_dir, config);
}

int
rf_cmd_version(struct rf_cli *cli)
{
    const char *backend = rf_srtp_init("auto") == RF_OK ? rf_srtp_backend() : "none";

    if (cli->json) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "version", RF_VERSION, "openssl",
                              OpenSSL_version(OPENSSL_VERSION), "sqlite", sqlite3_libversion(), "srtp", backend,
                              "sandbox", cli->hooks->sandbox());

        rf_cli_json(o);
        json_decref(o);
        return RF_EXIT_DONE;
    }
    printf("ringfence %s\n%s\nSQLite %s\nSRTP by %s\nsandbox: %s\n", RF_VERSION, OpenSSL_version(OPENSSL_VERSION),
           sqlite3_libversion(), backend, cli->hooks->sandbox());
    return RF_EXIT_DONE;
}

int
rf_cmd_stop(struct rf_cli *cli)
{
    const char *drain = rf_cli_flag(cli, "--drain");
    json_t *request = json_pack("{s:s}", "command", "stop");

    if (drain != NULL)
        json_object_set_new(request, "drain", json_string(drain));
    return rf_cli_ask_change(cli, request, "the daemon of %s stops%s%s", cli->state_dir,
                             drain != NULL ? "; calls may go on for " : "", drain != NULL ? drain : "");
}

static long long
number(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static void
print_status(const struct rf_cli *cli, const json_t *s)
{
    const json_t *list = json_object_get(s, "listen"), *store = json_object_get(s, "store"), *refused;
    long long up = number(s, "uptime_s");
    const char *key;
    json_t *value;

    printf("ringfence %s   up %lld d %02lld:%02lld:%02lld   pid %lld\n", rf_cli_text(s, "version"), up / 86400,
           up / 3600 % 24, up / 60 % 60, up % 60, number(s, "pid"));
    for (size_t i = 0; i < json_array_size(list); i++)
        printf("  listens      %s\n", json_string_value(json_array_get(list, i)));
    printf("  calls        %lld, %lld encrypted; calls-max %lld\n", number(s, "calls"), number(s, "calls_encrypted"),
           number(json_object_get(json_object_get(s, "shares"), "calls"), "max"));
    printf("  registered   %lld contacts of %lld users\n", number(s, "bindings"), number(s, "aors"));
    printf("  connections  %lld; sip.connections-max %lld\n", number(s, "connections"),
           number(json_object_get(json_object_get(s, "shares"), "connections"), "max"));
    if (number(json_object_get(json_object_get(s, "shares"), "guard"), "banned") > 0)
        printf("  banned       %lld sources   ringfence ban\n",
               number(json_object_get(json_object_get(s, "shares"), "guard"), "banned"));
    printf("  workers      %lld signal, %lld media; %s\n", number(s, "workers"), number(s, "media_threads"),
           rf_cli_text(s, "sandbox"));
    printf("  store        %lld writes, %lld failed, %lld waiting%s%s\n", number(store, "writes"),
           number(store, "failed"), number(store, "queued"), rf_cli_text(store, "last_why")[0] ? "; last: " : "",
           rf_cli_text(store, "last_why"));
    list = json_object_get(s, "threads");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *t = json_array_get(list, i);

        if (!json_is_true(json_object_get(t, "turns")))
            printf("  hangs        the thread %s for %lld s: %s (RF-812)\n", rf_cli_text(t, "name"),
                   number(t, "silent_s"), rf_cli_text(t, "stops"));
    }
    list = json_object_get(s, "problems");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);

        printf("  problem      %s  %s\n               %s\n  fix          %s\n", rf_cli_text(p, "code"),
               rf_cli_text(p, "sentence"), rf_cli_text(p, "effect"), rf_cli_text(p, "fix"));
    }
    refused = json_object_get(s, "refused");
    json_object_foreach ((json_t *)(uintptr_t)refused, key, value)
        printf("  refused      %s  %lld times\n", key, (long long)json_integer_value(value));
}

int
rf_cmd_metrics(struct rf_cli *cli)
{
    size_t i;
    int status;
    json_t *family, *result =
        rf_cli_ask(cli, json_pack("{s:s, s:b}", "command", "metrics", "json", cli->json), &status);

    if (result == NULL)
        return status;
    if (cli->json)
        json_array_foreach (result, i, family)
            rf_cli_json(family);
    else
        fputs(json_string_value(result), stdout);
    json_decref(result);
    return RF_EXIT_DONE;
}

int
rf_cmd_status(struct rf_cli *cli)
{
    return rf_cli_ask_show(cli, json_pack("{s:s}", "command", "status"), print_status);
}
