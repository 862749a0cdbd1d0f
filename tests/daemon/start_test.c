/*
 * tests/daemon/start_test.c - the daemon's start and end, and what it refuses to start with
 */
#include "harness.h"

static const char good[] = "domain test.example\n"
                           "sip {\n    listen udp:127.0.0.1:0 tcp:127.0.0.1:0 tls:127.0.0.1:0 udp:[::1]:0\n}\n"
                           "media {\n    ports %u-%u\n}\n"
                           "user 201 {\n    password \"a-password\"\n}\n";

static void
test_good(void)
{
    unsigned first = free_ports(200);
    struct daemon d;
    char out[4096], conf[sizeof good + 16];
    pid_t signal_pid, media_pid;
    struct stat st;
    char path[128];
    int status = 0;

    snprintf(conf, sizeof conf, good, first, first + 199);
    daemon_init(&d, conf);
    ok(daemon_start(&d, &status), "it starts and serves (status %d)", status);
    ok(d.listen[0][0] != '\0' && d.listen[1][0] != '\0' && d.listen[2][0] != '\0', "port 0 became ports: %s %s %s",
       d.listen[0], d.listen[1], d.listen[2]);
    for (int i = 0; i < 100 && log_count(&d, "daemon.ready", "") == 0; i++)
        sleep_ms(20); /* signal answers a moment before the parent has heard that both children serve */
    ok(log_count(&d, "daemon.ready", d.listen[2]) == 1, "the event daemon.ready names them (interface 0.4)");

    signal_pid = child_of(&d, "ringfence: signal");
    media_pid = child_of(&d, "ringfence: media");
    ok(signal_pid > 0 && media_pid > 0, "the children show as ringfence: signal and ringfence: media (interface 0.9)");
    if (geteuid() == 0) {
        snprintf(path, sizeof path, "/proc/%d/status", (int)signal_pid);
        run_program(NULL, out, sizeof out, "version", NULL);
        FILE *in = fopen(path, "r");
        int uid = -1;

        while (in != NULL && fgets(out, sizeof out, in) != NULL)
            if (sscanf(out, "Uid: %d", &uid) == 1)
                break;
        if (in != NULL)
            fclose(in);
        ok(uid > 0, "signal is not root");
    }
    snprintf(path, sizeof path, "%s/control.sock", d.dir);
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660, "the control socket has mode 0660");

    ok(run_program(NULL, out, sizeof out, "run", "--state", d.dir, "--config", d.conf, NULL) == 1 &&
           strstr(out, "RF-808") != NULL,
       "a second instance is refused with RF-808");
    snprintf(path, sizeof path, "process %d", (int)d.pid);
    ok(strstr(out, path) != NULL, "and told which process has the directory");
    ok(run_program(NULL, out, sizeof out, "status", "--state", d.dir, "--json", NULL) == 0 &&
           strstr(out, "\"version\"") != NULL,
       "status answers as JSON");

    ok(kill_child(&d, "ringfence: media"), "media is started again when it is killed");
    ok(kill_child(&d, "ringfence: signal"), "signal is started again when it is killed");
    ok(child_of(&d, "ringfence: media") > 0, "and media went on");
    signal_pid = child_of(&d, "ringfence: signal");
    media_pid = child_of(&d, "ringfence: media");
    kill(d.pid, SIGKILL);
    daemon_wait(&d);
    /* A build that watches its threads takes a while to die of its parent's death. */
    for (int i = 0; i < 100 && (kill(signal_pid, 0) == 0 || kill(media_pid, 0) == 0); i++)
        sleep_ms(100);
    ok(kill(signal_pid, 0) != 0 && kill(media_pid, 0) != 0, "no child outlives the parent");
    ok(daemon_start(&d, &status), "it starts again after kill -9 of the parent (status %d)", status);
    ok(run_program(NULL, out, sizeof out, "stop", "--state", d.dir, NULL) == 0, "stop is answered");
    status = daemon_wait(&d);
    ok(status == 0, "and it ends with status 0 (%d)", status);
    ok(run_program(NULL, out, sizeof out, "status", "--state", d.dir, NULL) == 4, "then status exits with 4");
    daemon_fini(&d);
}

static void
test_bad(void)
{
    static const struct {
        const char *conf;
        int status;
        const char *says, *what;
    } cases[] = {
        { "sip {\n    listen udp:127.0.0.1:99999\n}\n", 3, ":2:", "an address that cannot be" },
        { "sip {\n    cipher-level modern\n}\n", 3, "did you mean", "an unknown setting gets a suggestion" },
        { "user 201 {\n", 3, ":", "a block that does not end" },
        { "sip {\n    listen udp:192.0.2.1:5060\n}\n", 1, "RF-805", "an address that is not ours" },
        { "platform hosted\nsip {\n    listen udp:127.0.0.1:0\n}\n", 3, "RF-801", "what hosted does not allow" },
    };
    char out[8192];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct daemon d;
        int status;

        daemon_init(&d, cases[i].conf);
        status = run_program(NULL, out, sizeof out, "run", "--state", d.dir, "--config", d.conf, NULL);
        ok(status == cases[i].status && strstr(out, cases[i].says) != NULL, "%s: status %d", cases[i].what, status);
        if (status != cases[i].status || strstr(out, cases[i].says) == NULL)
            diag("%s", out);
        daemon_fini(&d);
    }
    ok(run_program(NULL, out, sizeof out, "run", "--config", "/nowhere/x.conf", "--state", "/tmp/rf-none", NULL) == 3,
       "a configuration that is not there");
    ok(run_program(NULL, out, sizeof out, "rnu", NULL) == 2 && strstr(out, "did you mean run?") != NULL,
       "an unknown command gets a suggestion");
    ok(run_program(NULL, out, sizeof out, "user", "lst", NULL) == 2 && strstr(out, "did you mean list?") != NULL,
       "an unknown verb, too");
    ok(run_program(NULL, out, sizeof out, "status", "--jsn", NULL) == 2 && strstr(out, "did you mean --json?") != NULL,
       "an unknown flag, too");
    ok(run_program(NULL, out, sizeof out, "user", "add", "--help", NULL) == 0 && strncmp(out, "example:", 8) == 0,
       "help begins with an example");
    ok(run_program(NULL, out, sizeof out, "explain", "rf-301", NULL) == 0 && strstr(out, "crypto-missing") != NULL,
       "explain knows the codes");
}

int
main(void)
{
    test_good();
    test_bad();
    return tap_done();
}
