/*
 * cli/cmd_selfcall.c - `selfcall`: two phones of our own call each other through the daemon that runs
 *
 * It is safe on a live system: nobody's phone rings unless that was asked for, the phones sign out afterwards,
 * and the call has an end. Passwords come from a file, a prompt or standard input; the demo's users need none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/commands.h"
#include "cli/prove.h"
#include "conf/options.h"
#include "srtp/srtp.h"

#define SECONDS_MAX 60
#define ANSWER_MS 5000

struct selfcall {
    const struct rf_cli *cli;
    const char *user[2];
    char password[2][RF_SECRET_MAX];
    char domain[256], trust[RF_DEMO_PATH_MAX + 16];
    enum rf_ua_transport transport;
    struct rf_addr server;
    uint32_t seconds;
    struct rf_ua_set *set;
    struct rf_self_call call;
    struct rf_claim claim;
    char name[64];
};

static const uint32_t tones[2] = { 440, 620 };

/* --- what it needs to know --- */

static int
take_passwords_of_file(struct selfcall *s, const char *path)
{
    FILE *f = fopen(path, "re");
    bool good = f != NULL;

    if (f != NULL)
        setvbuf(f, NULL, _IONBF, 0); /* no copy in stdio's memory */
    for (int i = 0; i < 2 && good; i++) {
        good = fgets(s->password[i], sizeof s->password[i], f) != NULL;
        s->password[i][strcspn(s->password[i], "\r\n")] = '\0';
        good = good && s->password[i][0] != '\0';
    }
    if (f != NULL)
        fclose(f);
    return good
               ? RF_EXIT_DONE
               : rf_cli_fail(s->cli, RF_EXIT_USAGE, "%s needs two lines: the password of %s, then that of %s",
                             path, s->user[0], s->user[1]);
}

static int
take_passwords(struct selfcall *s)
{
    const char *file = rf_cli_flag(s->cli, "--passwords");
    char prompt[96];

    if (file != NULL)
        return take_passwords_of_file(s, file);
    for (int i = 0; i < 2; i++) {
        enum rf_err err = rf_demo_password(s->cli->state_dir, s->user[i], s->password[i]);

        if (!err)
            continue;
        if (s->cli->arg_count == 0)
            return rf_cli_error(s->cli, RF_EXIT_USAGE, "",
                                err == RF_ERR_NOT_FOUND ? "which users? only the demo has some of its own"
                                                        : "the demo's passwords cannot be read",
                                err == RF_ERR_NOT_FOUND ? "ringfence selfcall 201 202"
                                                        : "run this as the user who started the demo");
        snprintf(prompt, sizeof prompt, "password of %.40s", s->user[i]);
        if (rf_cli_secret(s->cli, prompt, s->password[i], sizeof s->password[i]) != RF_OK)
            return RF_EXIT_USAGE;
    }
    return RF_EXIT_DONE;
}

/* The listener that protects best; one on every address is reached over loopback. */
static int
take_listener(struct selfcall *s)
{
    static const enum rf_ua_transport transports[] = {RF_UA_UDP, RF_UA_TCP,
                                                      RF_UA_TLS}; /* by rf_listen_scheme */
    int status;
    json_t *answer = rf_cli_ask(s->cli, json_pack("{s:s}", "command", "status"), &status);
    const json_t *list = json_object_get(answer, "listen");

    if (answer == NULL)
        return status;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct rf_listen listen;

        if (text == NULL || rf_listen_parse(rf_span_str(text), &listen) != RF_OK ||
            (rf_addr_is_set(&s->server) && transports[listen.scheme] <= s->transport))
            continue;
        s->transport = transports[listen.scheme];
        s->server = listen.addr;
    }
    json_decref(answer);
    if (!rf_addr_is_set(&s->server))
        return rf_cli_fail(s->cli, RF_EXIT_FAILED, "the daemon listens nowhere that a phone could reach");
    if (rf_addr_is_any(&s->server) &&
        rf_addr_parse(rf_span_str(s->server.sa.sa_family == AF_INET6 ? "::1" : "127.0.0.1"),
                      rf_addr_port(&s->server), &s->server) != RF_OK)
        return RF_EXIT_FAILED;
    return RF_EXIT_DONE;
}

static int
take_domain(struct selfcall *s)
{
    int status;
    json_t *answer =
        rf_cli_ask(s->cli, json_pack("{s:s, s:s}", "command", "config.get", "name", "domain"), &status);

    if (answer == NULL)
        return status;
    snprintf(s->domain, sizeof s->domain, "%s", rf_cli_text(answer, "value"));
    json_decref(answer);
    return RF_EXIT_DONE;
}

/* Our own authority when its certificate is there; else the system's. */
static int
take_trust(struct selfcall *s)
{
    const char *file = rf_cli_flag(s->cli, "--trust");

    if (file != NULL)
        snprintf(s->trust, sizeof s->trust, "%s", file);
    else
        snprintf(s->trust, sizeof s->trust, "%.*s/ca/ca.pem", RF_DEMO_PATH_MAX, s->cli->state_dir);
    if (access(s->trust, R_OK) == 0)
        return RF_EXIT_DONE;
    if (file != NULL || errno == EACCES)
        return rf_cli_error(s->cli, RF_EXIT_NOT_PERMITTED, "", "the authority's certificate cannot be read",
                            "run this as root, or name a copy of it with --trust FILE");
    s->trust[0] = '\0';
    return RF_EXIT_DONE;
}

/* Whoever has a phone under the called name would be rung by this. */
static int
check_silence(struct selfcall *s)
{
    int status, reachable = 0;
    json_t *rows;

    if (rf_cli_flag(s->cli, "--ring") != NULL)
        return RF_EXIT_DONE;
    rows =
        rf_cli_ask(s->cli, json_pack("{s:s, s:s}", "command", "registrations", "user", s->user[1]), &status);
    if (rows == NULL)
        return status;
    for (size_t i = 0; i < json_array_size(rows); i++)
        reachable += json_is_true(json_object_get(json_array_get(rows, i), "reachable"));
    json_decref(rows);
    if (reachable == 0)
        return RF_EXIT_DONE;
    return rf_cli_fail(s->cli, RF_EXIT_FAILED,
                       "%s has %d phone%s registered, which would ring; --ring does it all the same",
                       s->user[1], reachable, reachable > 1 ? "s" : "");
}

/* --- the call --- */

static bool
failed(struct selfcall *s, const char *code, const char *sentence)
{
    s->claim.state = RF_CLAIM_FAILED;
    snprintf(s->claim.code, sizeof s->claim.code, "%s", code);
    snprintf(s->claim.sentence, sizeof s->claim.sentence, "%s", sentence);
    return false;
}

static bool
sign_in(struct selfcall *s, int who)
{
    struct rf_ua_conf conf = {
        .user = s->user[who],
        .password = s->password[who],
        .domain = s->domain,
        .server = s->server,
        .transport = s->transport,
        .local = s->server,
        .trust_file = s->trust[0] != '\0' ? s->trust : NULL,
        .server_name = s->domain,
        .srtp = RF_SRTP_OPTIONAL,
        .tone_hz = tones[who],
        .rtcp_ms = 1000,
        .reply = RF_UA_RING,
        .ring = 180,
    };
    struct rf_ua_link_info link;
    char text[400];
    enum rf_err err;

    rf_addr_set_port(&conf.local, 0);
    if (rf_ua_new(&s->call.phone[who], s->set, &conf) != RF_OK)
        return failed(s, "", "a phone could not be set up");
    err = rf_ua_register(s->call.phone[who], 60 + s->seconds);
    if (!err)
        err = rf_ua_wait_registered(s->call.phone[who], ANSWER_MS);
    rf_ua_link(s->call.phone[who], &link);
    if (!err)
        return true;
    snprintf(text, sizeof text, "%s could not sign in: %d %s", s->user[who],
             rf_ua_register_status(s->call.phone[who]), link.error);
    return failed(s, rf_ua_register_status(s->call.phone[who]) == 401 ? "RF-501" : "", text);
}

static bool
place_call(struct selfcall *s)
{
    struct rf_self_call *c = &s->call;
    const char *code;
    unsigned made[2];

    if (rf_srtp_init("auto") != RF_OK || rf_ua_set_new(&s->set) != RF_OK)
        return failed(s, "", "phones could not be set up");
    if (!sign_in(s, 0) || !sign_in(s, 1))
        return false;
    if (rf_self_call_begin(c, s->set, s->user[1], ANSWER_MS) != RF_OK)
        return failed(s, c->code, c->why);
    rf_ua_run(s->set, s->seconds * 1000);
    if (rf_self_call_measure(c, s->set, s->cli->state_dir) != RF_OK ||
        (made[0] = rf_self_call_agrees(c, 0)) == 0 || (made[1] = rf_self_call_sounds(c, tones)) == 0)
        return failed(s, c->code, c->why);
    s->claim.checks = made[0] + made[1];
    s->claim.state = RF_CLAIM_HELD;
    rf_self_call_describe(c, tones, &s->claim);
    code = rf_cli_text(c->record, "code");
    snprintf(s->claim.mark, sizeof s->claim.mark, "%s%s%s", rf_cli_text(c->record, "verdict_min"),
             code[0] != '\0' ? " " : "", code);
    return true;
}

static void
tell(struct selfcall *s, bool good)
{
    json_t *o;

    if (!s->cli->json) {
        rf_claim_print(s->cli, &s->claim, s->cli->state_dir);
        return;
    }
    o = rf_claim_json(&s->claim);
    json_object_set_new(o, "ok", json_boolean(good));
    json_object_set_new(o, "from", json_string(s->user[0]));
    json_object_set_new(o, "to", json_string(s->user[1]));
    json_object_set_new(o, "verdict", json_string(rf_cli_text(s->call.record, "verdict_min")));
    if (s->call.record != NULL)
        json_object_set(o, "call", s->call.record);
    rf_cli_json(o);
    json_decref(o);
}

static int
run(struct selfcall *s)
{
    bool good = place_call(s), is_encrypted;

    is_encrypted = strcmp(rf_cli_text(s->call.record, "verdict_min"), "ENCRYPTED") == 0;
    tell(s, good);
    if (s->set != NULL) {
        rf_self_call_end(&s->call, s->set);
        for (int i = 0; i < 2; i++)
            if (s->call.phone[i] != NULL && rf_ua_register_status(s->call.phone[i]) == 200 &&
                rf_ua_register(s->call.phone[i], 0) == RF_OK)
                (void)!rf_ua_wait_registered(s->call.phone[i], 2000);
    }
    rf_ua_set_free(s->set);
    return !good ? RF_EXIT_FAILED : is_encrypted ? RF_EXIT_DONE : RF_EXIT_FOUND;
}

int
rf_cmd_selfcall(struct rf_cli *cli)
{
    static int (*const steps[])(struct selfcall *) = {
        take_passwords, take_listener, take_domain, take_trust, check_silence, run,
    };
    const char *seconds = rf_cli_flag(cli, "--seconds");
    struct selfcall s = {.cli = cli, .user = {"201", "202"}};
    uint64_t n = 3;
    int status = RF_EXIT_DONE;

    if (cli->arg_count == 1)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "two users or none: ringfence selfcall 201 202");
    if (seconds != NULL && (rf_span_u64(rf_span_str(seconds), SECONDS_MAX, &n) != RF_OK || n == 0))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--seconds takes a number from 1 to %d", SECONDS_MAX);
    s.seconds = (uint32_t)n;
    for (int i = 0; i < 2 && cli->arg_count == 2; i++)
        s.user[i] = cli->arg[i];
    if (strcmp(s.user[0], s.user[1]) == 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "a user cannot call itself: name two");
    snprintf(s.name, sizeof s.name, "call %.16s -> %.16s", s.user[0], s.user[1]);
    s.claim.name = s.name;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == RF_EXIT_DONE; i++)
        status = steps[i](&s);
    rf_wipe(s.password, sizeof s.password);
    return status;
}
