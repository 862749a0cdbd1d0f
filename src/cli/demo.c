/*
 * cli/demo.c - `demo`: the daemon with an embedded configuration on loopback, and its proof (interface 1.2)
 *
 * The configuration and the users' passwords are made in the state directory; the passwords are random, one set a
 * directory. The daemon is a child of this program and ends with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/prove.h"

#define READY_MS 15000
#define DOMAIN   "localhost"

static const char *const users[3] = { "201", "202", "203" };

static const char configuration[] =
    "# What ringfence demo runs: everything on loopback, nothing below port 1024. Made anew at each start.\n"
    "domain            " DOMAIN "\n"
    "security-profile  secure\n"
    "sip {\n"
    "    listen  udp:127.0.0.1:5060 tcp:127.0.0.1:5060 tls:127.0.0.1:5061\n"
    "}\n"
    "user 201 {\n"
    "    name      \"Reception\"\n"
    "    password  file:%s/demo-201\n"
    "    srtp      required\n"
    "}\n"
    "user 202 {\n"
    "    name      \"Maya\"\n"
    "    password  file:%s/demo-202\n"
    "    srtp      required\n"
    "}\n"
    "user 203 {\n"
    "    name      \"Workshop\"\n"
    "    password  file:%s/demo-203\n"
    "    srtp      optional              # a softphone that knows only plain RTP\n"
    "}\n";

static double
seconds_since(const struct timespec *t)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

static enum rf_err
write_new(const char *path, const char *text, bool replace)
{
    size_t n = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (replace ? O_TRUNC : O_EXCL), 0600);
    enum rf_err err;

    if (fd < 0)
        return errno == EEXIST ? RF_ERR_EXISTS : RF_ERR_IO;
    err = write(fd, text, n) == (ssize_t)n ? RF_OK : RF_ERR_IO;
    if (close(fd) != 0)
        err = RF_ERR_IO;
    return err;
}

static bool
make_password(const char *path, char password[static 64])
{
    uint8_t random[12];
    char text[64];
    struct rf_buf b = rf_buf(text, sizeof text - 2);
    FILE *in;
    enum rf_err err;

    rf_rand_fill(&rf_rand_system, random, sizeof random);
    rf_put_hex(&b, random, sizeof random);
    text[b.n] = '\n';
    text[b.n + 1] = '\0';
    err = write_new(path, text, false);
    rf_wipe(text, sizeof text);
    if (err && err != RF_ERR_EXISTS)
        return false;
    in = fopen(path, "re");
    if (in == NULL)
        return false;
    setvbuf(in, NULL, _IONBF, 0);
    if (fgets(password, 64, in) == NULL)
        password[0] = '\0';
    fclose(in);
    password[strcspn(password, "\n")] = '\0';
    return password[0] != '\0';
}

/*
 * Passwords and configuration; 0 or an exit status. They lie in the state directory itself, whose files the parent
 * gives to its children's user.
 */
static int
prepare(const struct rf_cli *cli, const char *dir, char password[3][64])
{
    char path[1200], text[8192];

    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/demo-%s", dir, users[i]);
        if (!make_password(path, password[i]))
            return rf_cli_fail(cli, RF_EXIT_FAILED, "%s: %s", path, strerror(errno));
    }
    snprintf(text, sizeof text, configuration, dir, dir, dir);
    snprintf(path, sizeof path, "%s/demo.conf", dir);
    if (write_new(path, text, true) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "%s: %s", path, strerror(errno));
    return 0;
}

static pid_t
start_daemon(const struct rf_cli *cli, const char *dir)
{
    char config[1200];
    pid_t parent = getpid(), pid;

    snprintf(config, sizeof config, "%s/demo.conf", dir);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        /* Its log is DIR/log.jsonl; here only the proof is shown. */
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0)
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(1);
        setpgid(0, 0); /* Ctrl-C comes by us, so that it is said once */
        _exit(cli->hooks->run(dir, config));
    }
    return pid;
}

/* true: it serves. */
static bool
wait_ready(const struct rf_cli *cli, const char *dir, pid_t pid, int *exit_status)
{
    struct timespec pause = { .tv_nsec = 20 * 1000000 };

    for (int ms = 0; ms < READY_MS; ms += 20) {
        int status;
        json_t *s = rf_cli_ask_quietly(dir, json_pack("{s:s}", "command", "status"), &status);

        if (s != NULL) {
            json_decref(s);
            return true;
        }
        if (waitpid(pid, &status, WNOHANG) == pid) {
            *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : RF_EXIT_FAILED;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    *exit_status = RF_EXIT_FAILED;
    return false;
}

/* The first thing that the daemon complained of at this start; what follows is its consequence. */
static void
show_error(const struct rf_cli *cli, const char *dir, const char *since)
{
    char path[1200], line[16384], msg[512] = "it does not say why", code[16] = "", fix[512] = "";
    bool found = false;
    FILE *in;

    snprintf(path, sizeof path, "%s/log.jsonl", dir);
    in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        json_t *o = json_loads(line, 0, NULL);

        if (o != NULL && !found && strcmp(rf_cli_text(o, "level"), "error") == 0 &&
            strcmp(rf_cli_text(o, "ts"), since) >= 0) {
            found = true;
            const char *reason = rf_cli_text(o, "reason");

            snprintf(msg, sizeof msg, "%s%s%s", rf_cli_text(o, "msg"), reason[0] != '\0' ? ": " : "", reason);
            snprintf(code, sizeof code, "%s", rf_cli_text(o, "code"));
            snprintf(fix, sizeof fix, "%s", rf_cli_text(o, "fix"));
        }
        json_decref(o);
    }
    if (in != NULL)
        fclose(in);
    rf_cli_error(cli, RF_EXIT_FAILED, code, msg, fix);
}

static volatile sig_atomic_t stop_asked;

static void
on_signal(int sig)
{
    stop_asked = 1;
}

static int
stop_daemon(pid_t pid)
{
    int status = 0;

    kill(pid, SIGTERM);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : RF_EXIT_FAILED;
}

static void
print_step(const struct rf_cli *cli, int number, const char *name, const char *what, double seconds)
{
    if (!cli->json)
        printf(" [%d/4] %-11s %-48s %5.1f s\n", number, name, what, seconds);
    fflush(stdout);
}

/* true: all passed. */
static bool
prove(const struct rf_cli *cli, const char *dir, char password[3][64])
{
    struct rf_proof proofs[RF_PROOFS_MAX];
    char trust[1200], what[64];
    struct rf_cli own = *cli;
    struct rf_prove p = { .cli = &own, .domain = DOMAIN, .trust_file = trust };
    struct timespec began;
    size_t n, passed = 0;

    own.state_dir = dir;
    snprintf(trust, sizeof trust, "%s/ca/ca.pem", dir);
    for (int i = 0; i < 3; i++) {
        p.user[i] = users[i];
        p.password[i] = password[i];
    }
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (rf_prove_find(&own, &p) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "the daemon has no TLS listener") == RF_EXIT_DONE;
    n = rf_prove_run(&p, proofs);
    for (size_t i = 0; i < n; i++)
        passed += proofs[i].passed;
    snprintf(what, sizeof what, "%zu of %zu claims hold", passed, n);
    print_step(cli, 4, "prove", what, seconds_since(&began));
    if (!cli->json)
        putchar('\n');
    for (size_t i = 0; i < n; i++)
        rf_proof_print(cli, &proofs[i]);
    return passed == n && n > 0;
}

static void
print_end(const struct rf_cli *cli, const char *dir)
{
    if (cli->json || cli->quiet)
        return;
    printf("\n  SIP        tls 127.0.0.1:5061           ringfence --state %s ladder last\n"
           "  Phones     201 202 203 @" DOMAIN "      their passwords: %s/demo-2*\n"
           "             trust this authority         %s/ca/ca.pem\n"
           "\nCtrl-C stops it.\n", dir, dir, dir);
    fflush(stdout);
}

int
rf_cmd_demo(struct rf_cli *cli)
{
    struct sigaction act = { .sa_handler = on_signal };
    char password[3][64], dir[1024], since[32], *real;
    struct timespec began;
    time_t now = time(NULL);
    int status, ended = 0;
    bool good;
    pid_t pid;

    clock_gettime(CLOCK_MONOTONIC, &began);
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%S", gmtime(&now));
    if (mkdir(cli->state_dir, 0700) != 0 && errno != EEXIST)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "%s: %s", cli->state_dir, strerror(errno));
    real = realpath(cli->state_dir, NULL);
    if (real == NULL || strlen(real) > sizeof dir - 64) {
        free(real);
        return rf_cli_fail(cli, RF_EXIT_FAILED, "%s: the path cannot be used", cli->state_dir);
    }
    snprintf(dir, sizeof dir, "%s", real);
    free(real);
    status = prepare(cli, dir, password);
    if (status != 0)
        return status;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    pid = start_daemon(cli, dir);
    if (pid < 0)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "the daemon could not be started: %s", strerror(errno));
    if (!wait_ready(cli, dir, pid, &status)) {
        show_error(cli, dir, since);
        (void)kill(pid, SIGTERM);
        return status != 0 ? status : RF_EXIT_FAILED;
    }
    print_step(cli, 3, "start", "embedded configuration on loopback, local CA", seconds_since(&began));
    good = prove(cli, dir, password);
    rf_wipe(password, sizeof password);
    if (rf_cli_flag(cli, "--once") != NULL || !good) {
        ended = stop_daemon(pid);
        return good ? ended : RF_EXIT_FAILED;
    }
    print_end(cli, dir);
    while (!stop_asked) {
        pid_t gone = waitpid(pid, &ended, 0);

        if (gone == pid)
            return rf_cli_fail(cli, RF_EXIT_FAILED, "the daemon ended by itself; see %s/log.jsonl", dir);
    }
    return stop_daemon(pid);
}
