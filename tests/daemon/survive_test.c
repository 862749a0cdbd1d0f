/*
 * tests/daemon/survive_test.c - what outlives the death of a process (design 12, issue "How it is checked")
 */
#include "harness.h"
#include "srtp/srtp.h"
#include "ua/ua.h"

#define WAIT_MS (5000 * SLOW)

static const char configuration[] = "domain localhost\n"
                                    "security-profile secure\n"
                                    "signal {\n    workers %d\n}\n"
                                    "sip {\n    listen udp:127.0.0.1:0 tcp:127.0.0.1:0 tls:127.0.0.1:0\n}\n"
                                    "media {\n    ports %u-%u\n    threads %d\n}\n"
                                    "user 201 {\n    password \"password-201\"\n}\n"
                                    "user 202 {\n    password \"password-202\"\n}\n"
                                    "user 203 {\n    password \"password-203\"\n    require-tls off\n}\n";

static char trust[96];

static struct rf_ua *
phone(struct rf_ua_set *set, const struct daemon *d, const char *user, const char *password, uint32_t hz,
      const char *instance)
{
    struct rf_ua_conf conf = { .user = user, .password = password, .domain = "localhost", .transport = RF_UA_TLS,
                               .trust_file = trust, .srtp = RF_SRTP_REQUIRED, .tone_hz = hz, .reply = RF_UA_ANSWER,
                               .ring = 180, .instance = instance };
    struct rf_ua *ua;

    if (rf_addr_parse_port(rf_span_str(d->listen[2]), &conf.server) != RF_OK || rf_ua_new(&ua, set, &conf) != RF_OK) {
        printf("Bail out! no phone\n");
        exit(1);
    }
    return ua;
}

static bool
registers(struct rf_ua *ua)
{
    return rf_ua_register(ua, 600) == RF_OK && rf_ua_wait_registered(ua, WAIT_MS) == RF_OK;
}

static const char *
text_of_last(const struct daemon *d, const char *key, char *mem, size_t size)
{
    json_t *call = ask(d, json_pack("{s:s, s:s}", "command", "call.show", "id", "last"));

    snprintf(mem, size, "%s", rf_cli_text(call, key));
    json_decref(call);
    return mem;
}

static size_t
calls_up(const struct daemon *d)
{
    json_t *list = ask(d, json_pack("{s:s}", "command", "calls"));
    size_t n = json_array_size(list);

    json_decref(list);
    return n;
}

static void
test_kill(int workers, int threads)
{
    unsigned first = free_ports(200);
    struct daemon d;
    struct rf_ua_set *set;
    struct rf_ua *a, *b;
    struct rf_ua_call *call = NULL, *other;
    struct rf_ua_media_info before, after;
    char conf[2048], text[64];
    int status = 0;

    diag("%d workers, %d media threads", workers, threads);
    snprintf(conf, sizeof conf, configuration, workers, first, first + 199, threads);
    daemon_init(&d, conf);
    snprintf(trust, sizeof trust, "%s/ca/ca.pem", d.dir);
    if (!ok(daemon_start(&d, &status) && rf_ua_set_new(&set) == RF_OK, "the daemon serves (status %d)", status))
        return;
    /* One phone names itself (RFC 5626), the other one is as plain as most: its old binding can only run out. */
    a = phone(set, &d, "201", "password-201", 440, "urn:uuid:00000000-0000-1000-8000-0004f2000201");
    b = phone(set, &d, "202", "password-202", 620, NULL);
    ok(registers(a) && registers(b), "two phones register over TLS");
    if (!ok(rf_ua_call(a, "202", false, &call) == RF_OK && rf_ua_wait_up(call, WAIT_MS) == RF_OK &&
                rf_ua_wait_media(call, 25, WAIT_MS) == RF_OK,
            "a call is up with media")) {
        struct rf_ua_call_info info = { 0 };

        if (call != NULL)
            rf_ua_call_info(call, &info);
        diag("status %d %s %s %s", info.status, info.reason, info.warning, info.detail);
        rf_ua_set_free(set);
        daemon_stop(&d);
        daemon_fini(&d);
        return;
    }
    other = rf_ua_incoming(b);

    /* signal */
    rf_ua_media(other, &before);
    ok(kill_child(&d, "ringfence: signal"), "kill -9 of signal: it comes back");
    rf_ua_run(set, 500);
    rf_ua_media(other, &after);
    ok(after.authentic > before.authentic + 20 && after.lost == before.lost && after.auth_failed == 0,
       "no media packet is lost meanwhile (%llu more, %llu lost)",
       (unsigned long long)(after.authentic - before.authentic), (unsigned long long)(after.lost - before.lost));
    ok(calls_up(&d) == 1, "the new process knows the call");
    ok(registers(a) && registers(b), "the phones connect anew and register");
    ok(rf_ua_bindings(a) == 1, "a phone with an instance replaces its binding (%u)", rf_ua_bindings(a));

    /* media */
    rf_ua_media(other, &before);
    ok(kill_child(&d, "ringfence: media"), "kill -9 of media: it comes back");
    rf_ua_run(set, 1500);
    rf_ua_media(other, &after);
    ok(after.authentic > before.authentic + 20 && after.lost - before.lost <= 15 && after.auth_failed == 0 &&
           after.replayed == 0,
       "at most 15 packets are lost, none replayed (%llu lost, %llu more)",
       (unsigned long long)(after.lost - before.lost), (unsigned long long)(after.authentic - before.authentic));

    ok(rf_ua_call_end(call) == RF_OK && rf_ua_wait_ended(call, WAIT_MS) == RF_OK, "a BYE on the new connection is answered");
    ok(rf_ua_wait_ended(other, WAIT_MS) == RF_OK, "and ends the other side");
    rf_ua_run(set, 300);
    ok(calls_up(&d) == 0, "no call is left");
    ok(strcmp(text_of_last(&d, "verdict_min", text, sizeof text), "ENCRYPTED") == 0, "its record is complete: %s", text);
    ok(strcmp(text_of_last(&d, "state", text, sizeof text), "ended") == 0, "and says that it ended");
    rf_ua_call_free(call);

    /* A reload drops nothing. */
    if (ok(rf_ua_call(b, "201", false, &call) == RF_OK && rf_ua_wait_up(call, WAIT_MS) == RF_OK, "another call")) {
        struct rf_ua_link_info link;
        json_t *r = ask(&d, json_pack("{s:s}", "command", "reload"));

        ok(r != NULL, "the configuration is read again");
        json_decref(r);
        ok(rf_ua_wait_media(call, 25, WAIT_MS) == RF_OK, "media goes on");
        rf_ua_link(b, &link);
        ok(link.is_up, "and the connection, too");
        write_file(d.conf, "nonsense {\n");
        r = ask(&d, json_pack("{s:s}", "command", "reload"));
        ok(r == NULL, "a broken configuration is refused");
        json_decref(r);
        ok(rf_ua_wait_media(call, 25, WAIT_MS) == RF_OK && calls_up(&d) == 1, "and changes nothing");
        write_file(d.conf, conf);
        ok(rf_ua_call_end(call) == RF_OK && rf_ua_wait_ended(call, WAIT_MS) == RF_OK, "it ends as usual");
    }
    rf_ua_set_free(set);
    status = daemon_stop(&d);
    ok(status == 0, "stopped (%d)", status);
    daemon_fini(&d);
}

/* kill -9 of everything while phones register: each one that got 200 is there afterwards. */
static void
test_bindings(void)
{
    enum { PHONES = 40 };
    struct daemon d;
    struct rf_ua_set *set;
    struct rf_ua *ua[PHONES];
    char conf[8192], name[PHONES][8];
    size_t n;
    unsigned answered = 0, kept = 0;
    json_t *list;
    int status = 0;

    n = (size_t)snprintf(conf, sizeof conf,
                         "domain localhost\nsip {\n    listen udp:127.0.0.1:0 tcp:127.0.0.1:0 tls:127.0.0.1:0\n}\n");
    for (int i = 0; i < PHONES; i++) {
        snprintf(name[i], sizeof name[i], "%d", 300 + i);
        n += (size_t)snprintf(conf + n, sizeof conf - n, "user %s {\n    password \"password-x\"\n}\n", name[i]);
    }
    daemon_init(&d, conf);
    if (!ok(daemon_start(&d, &status) && rf_ua_set_new(&set) == RF_OK, "the daemon serves (status %d)", status))
        return;
    for (int i = 0; i < PHONES; i++) {
        struct rf_ua_conf c = { .user = name[i], .password = "password-x", .domain = "localhost",
                                .transport = i % 2 ? RF_UA_TCP : RF_UA_UDP };

        if (rf_addr_parse_port(rf_span_str(d.listen[i % 2]), &c.server) != RF_OK || rf_ua_new(&ua[i], set, &c) != RF_OK ||
            rf_ua_register(ua[i], 3000) != RF_OK)
            exit(1);
    }
    for (int i = 0; i < 2000 && rf_ua_register_status(ua[PHONES / 2]) != 200; i++)
        rf_ua_poll(set, 5);
    kill(child_of(&d, "ringfence: signal"), SIGKILL);
    kill(d.pid, SIGKILL);
    daemon_wait(&d);
    rf_ua_run(set, 50); /* what was on its way still arrives */
    for (int i = 0; i < PHONES; i++)
        answered += rf_ua_register_status(ua[i]) == 200;
    ok(daemon_start(&d, &status), "it starts again (status %d)", status);
    list = ask(&d, json_pack("{s:s}", "command", "registrations"));
    for (int i = 0; i < PHONES; i++)
        for (size_t k = 0; k < json_array_size(list); k++)
            if (rf_ua_register_status(ua[i]) == 200 &&
                strcmp(rf_cli_text(json_array_get(list, k), "user"), name[i]) == 0) {
                kept++;
                break;
            }
    json_decref(list);
    ok(answered > 0 && kept == answered, "of %u that were answered 200 before kill -9 of everything, %u are there", answered,
       kept);
    rf_ua_set_free(set);
    ok(daemon_stop(&d) == 0, "stopped");
    daemon_fini(&d);
}

int
main(void)
{
    if (rf_srtp_init("auto") != RF_OK)
        return 1;
    test_kill(1, 1);
    test_kill(3, 2);
    test_bindings();
    return tap_done();
}
