/*
 * cli/cmd_trial.c - `connection test NAME`: the steps of main/trial.h for people
 *
 *     ok    resolve       sip:sip.carrier.example leads to 2 targets
 *     FAIL  tls           tls 192.0.2.7:5061
 *           RF-204 its certificate ended ...
 *           fix: ...
 */
#include "cli/commands.h"

#define LABEL 20 /* where texts begin */

static void
put(const char *label, const char *text)
{
    printf("      %-*s %s\n", LABEL - 7, label, text);
}

__attribute__((format(printf, 2, 3))) static void
putf(const char *label, const char *format, ...)
{
    char text[1400];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    put(label, text);
}

static int
number(const json_t *o, const char *key)
{
    return (int)json_integer_value(json_object_get(o, key));
}

/* --- resolve --- */

static void
put_record(const char *type, const json_t *r)
{
    if (strcmp(type, "SRV") == 0)
        putf("", "  priority %d weight %d  %s:%d", number(r, "priority"), number(r, "weight"), rf_cli_text(r, "target"),
             number(r, "port"));
    else if (strcmp(type, "NAPTR") == 0)
        putf("", "  order %d preference %d  \"%s\" %s  %s", number(r, "order"), number(r, "preference"),
             rf_cli_text(r, "flags"), rf_cli_text(r, "service"), rf_cli_text(r, "replacement"));
    else
        putf("", "  %s", rf_cli_text(r, "address"));
}

static void
put_resolve(const json_t *step)
{
    size_t i, k;
    json_t *q, *r;

    json_array_foreach(json_object_get(step, "questions"), i, q) {
        const char *type = rf_cli_text(q, "type");
        bool is_found = json_array_size(json_object_get(q, "records")) > 0;

        if (is_found)
            putf(type, "%s  (kept %d s)", rf_cli_text(q, "name"), number(q, "ttl_s"));
        else
            putf(type, "%s  %s", rf_cli_text(q, "name"), rf_cli_text(q, "status"));
        json_array_foreach(json_object_get(q, "records"), k, r)
            put_record(type, r);
    }
    json_array_foreach(json_object_get(step, "targets"), i, r)
        putf(i == 0 ? "in this order" : "", "%s %s  as %s", rf_cli_text(r, "transport"), rf_cli_text(r, "address"),
             rf_cli_text(r, "name"));
}

/* --- tls --- */

static void
put_client_certificate(const json_t *step)
{
    const json_t *c = json_object_get(step, "client_certificate"), *names = json_object_get(c, "authorities"), *name;
    const char *shown = rf_cli_text(c, "shown");
    size_t i;

    if (!json_is_true(json_object_get(c, "asked"))) {
        put("ours", "it does not ask for a certificate");
        return;
    }
    putf("ours", "it asks for a certificate; %s%s", shown[0] != '\0' ? "we show " : "we have none to show", shown);
    json_array_foreach(names, i, name)
        putf(i == 0 ? "of" : "", "%s", json_string_value(name));
}

static void
put_tls(const json_t *step)
{
    const json_t *pins = json_object_get(step, "pins"), *one;
    size_t i;
    char passes[160];
    struct rf_buf b = rf_buf(passes, sizeof passes - 1);

    json_array_foreach(json_object_get(step, "chain"), i, one) {
        putf(i == 0 ? "chain" : "", "%s  (%s)", rf_cli_text(one, "subject"), rf_cli_text(one, "key"));
        if (i == 0)
            putf("", "sha256 %s", rf_cli_text(one, "sha256"));
    }
    json_array_foreach(json_object_get(step, "checks"), i, one)
        if (strcmp(rf_cli_text(one, "result"), "fail") == 0)
            putf("check", "%s: %s", rf_cli_text(one, "check"), rf_cli_text(one, "detail"));
    json_array_foreach(json_object_get(step, "would_pass"), i, one)
        rf_putf(&b, "%s%s", i > 0 ? ", " : "", json_string_value(one));
    passes[b.n] = '\0';
    if (json_object_get(step, "would_pass") != NULL)
        putf("level", "%s is asked for; it passes %s", rf_cli_text(step, "level"), b.n > 0 ? passes : "none");
    if (number(pins, "set") > 0)
        putf("pins", "%d, %s", number(pins, "set"),
             json_is_true(json_object_get(pins, "fits")) ? "one fits" : "none fits");
    if (rf_cli_text(step, "version")[0] != '\0')
        put_client_certificate(step);
    if (rf_cli_text(step, "causes")[0] != '\0')
        putf("may be", "%s", rf_cli_text(step, "causes"));
}

/* --- sdp --- */

static void
put_sdp(const json_t *step)
{
    const json_t *offer = json_object_get(step, "offer"), *one;
    size_t i;

    json_array_foreach(json_object_get(offer, "suites"), i, one)
        putf(i == 0 ? "we offer" : "", "%d %s", number(one, "tag"), rf_cli_text(one, "suite"));
    json_array_foreach(json_object_get(step, "answers"), i, one) {
        const char *label = i == 0 ? "an answer" : "";

        if (json_is_true(json_object_get(one, "accepted")))
            putf(label, "%s: taken, %s", rf_cli_text(one, "answer"),
                 json_is_true(json_object_get(one, "encrypted")) ? "encrypted" : "not encrypted");
        else
            putf(label, "%s: refused, %s", rf_cli_text(one, "answer"), rf_cli_text(one, "code"));
    }
}

/* --- the whole --- */

static void
put_step(const struct rf_cli *cli, const json_t *step)
{
    const char *name = rf_cli_text(step, "step"), *target = rf_cli_text(step, "target");
    bool ok = json_is_true(json_object_get(step, "ok"));

    printf("%s%-4s%s  %-*s %s%s%s\n", cli->colour ? ok ? "\033[32m" : "\033[31m" : "", ok ? "ok" : "FAIL",
           cli->colour ? "\033[0m" : "", LABEL - 7, name, target,
           target[0] != '\0' && rf_cli_text(step, "says")[0] != '\0' ? ": " : "", rf_cli_text(step, "says"));
    if (!ok) {
        printf("      %s %s\n", rf_cli_text(step, "code"), rf_cli_text(step, "sentence"));
        printf("      fix: %s\n", rf_cli_text(step, "fix"));
    }
    if (strcmp(name, "resolve") == 0)
        put_resolve(step);
    else if (strcmp(name, "tls") == 0)
        put_tls(step);
    else if (strcmp(name, "sdp") == 0)
        put_sdp(step);
}

int
rf_cmd_connection_test(struct rf_cli *cli)
{
    int status;
    json_t *o = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "connection.test", "name", cli->arg[0]), &status);
    json_t *step;
    size_t i;

    if (o == NULL)
        return status;
    if (cli->json)
        rf_cli_json(o);
    else
        json_array_foreach(json_object_get(o, "steps"), i, step)
            put_step(cli, step);
    status = json_is_true(json_object_get(o, "ok")) ? RF_EXIT_DONE : RF_EXIT_FOUND;
    json_decref(o);
    return status;
}
