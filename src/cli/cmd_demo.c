/*
 * cli/cmd_demo.c - `demo`: a daemon on loopback, the proof, and the screen of ./run (interface 1.2)
 *
 * ./run prints steps 1 and 2 (packages, build); this prints 3 and 4. Every line fits 80 columns.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/prove.h"
#include "loop/loop.h"

#define READY_MS 20000

struct demo {
    const struct rf_cli *cli;
    struct rf_demo_site site;
    struct rf_demo_daemon daemon;
    char place[RF_DEMO_PATH_MAX],
        program[RF_DEMO_PATH_MAX]; /* state directory, this program: as people write them */
    int signal_fd;
    bool asked_to_stop, made_ca, shows_events, has_progress;
    uint64_t ready_us, proof_us;
    struct rf_claim claim[RF_CLAIMS_MAX];
    size_t claims;
};

/* --- being stopped --- */

static bool
is_over(void *ctx)
{
    struct demo *d = ctx;
    struct signalfd_siginfo info;

    while (read(d->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        d->asked_to_stop = true;
    return d->asked_to_stop;
}

static bool
take_signals(struct demo *d)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) != 0)
        return false;
    d->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    return d->signal_fd >= 0;
}

/* --- the screen --- */

static void
print_step(const char *name, const char *text, uint64_t took_us)
{
    char time[32];

    snprintf(time, sizeof time, "%.1f s", (double)took_us / 1e6);
    printf(" %-18s%-51s %8s\n", name, text, time);
}

/* A path beneath the current folder is shown from there. */
static void
put_path(char *out, size_t size, const char *path)
{
    char here[RF_DEMO_PATH_MAX];
    size_t n = getcwd(here, sizeof here) != NULL ? strlen(here) : 0;
    bool is_beneath = n > 1 && strncmp(path, here, n) == 0 && path[n] == '/';

    snprintf(out, size, "%s", is_beneath ? path + n + 1 : path);
}

static void
name_places(struct demo *d)
{
    char program[RF_DEMO_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

    put_path(d->place, sizeof d->place, d->site.dir);
    program[n > 0 ? n : 0] = '\0';
    put_path(d->program, sizeof d->program,
             strncmp(program, "/usr/", 5) != 0 && n > 0 ? program : "ringfence");
}

static unsigned
count_checks(const struct demo *d)
{
    unsigned n = 0;

    for (size_t i = 0; i < d->claims; i++)
        n += d->claim[i].checks;
    return n;
}

/* "tls  127.0.0.1:5061  [::1]:5061" */
static void
print_listeners(const struct demo *d)
{
    static const char *const schemes[] = {"tls", "tcp", "udp"};

    for (size_t s = 0; s < 3; s++) {
        printf("  %-10s %s", s == 0 ? "SIP" : "", schemes[s]);
        for (size_t i = 0; i < d->daemon.listen_count; i++)
            if (strncmp(d->daemon.listen[i], schemes[s], 3) == 0)
                printf("  %s", d->daemon.listen[i] + 4);
        printf("%s\n", s == 0 ? "" : "   users here need TLS");
    }
}

static void
print_welcome(const struct demo *d)
{
    putchar('\n');
    print_listeners(d);
    printf("  Users      201 and 202 (SRTP required), 203 (SRTP optional)\n");
    printf("  Domain     " RF_DEMO_DOMAIN "\n");
    printf("  Passwords  %s/201.password and so on, mode 0600\n", d->place);
    printf("  Authority  %s/ca/ca.pem   for phones that check certificates\n", d->place);
    printf("  Look       %s ladder last --state %s\n", d->program, d->place);
    printf("             %s selfcall --state %s\n\n", d->program, d->place);
    printf("Ctrl-C stops it. What it keeps lies in %s.\n", d->place);
}

static void
progress(void *ctx, const char *name)
{
    struct demo *d = ctx;

    if (!d->cli->is_terminal || d->cli->json || d->cli->quiet)
        return;
    printf("\r [4/4] prove       %-51s", name);
    fflush(stdout);
    d->has_progress = true;
}

static void
print_json(const struct demo *d, bool good)
{
    json_t *claims = json_array(), *listen = json_array(), *o;

    for (size_t i = 0; i < d->claims; i++)
        json_array_append_new(claims, rf_claim_json(&d->claim[i]));
    for (size_t i = 0; i < d->daemon.listen_count; i++)
        json_array_append_new(listen, json_string(d->daemon.listen[i]));
    o = json_pack("{s:b, s:s, s:o, s:I, s:I, s:i, s:o}", "ok", good, "state", d->site.dir, "listen", listen,
                  "ready_ms", (json_int_t)(d->ready_us / RF_MS), "proof_ms",
                  (json_int_t)(d->proof_us / RF_MS), "checks", (int)count_checks(d), "claims", claims);
    rf_cli_json(o);
    json_decref(o);
    fflush(stdout);
}

static void
print_proof(const struct demo *d, bool good)
{
    char text[64];

    if (d->cli->json) {
        print_json(d, good);
        return;
    }
    snprintf(text, sizeof text, "%u checks%s", count_checks(d), good ? "" : ", the last of them FAILED");
    if (d->has_progress)
        putchar('\r');
    print_step("[4/4] prove", text, d->proof_us);
    putchar('\n');
    for (size_t i = 0; i < d->claims; i++)
        rf_claim_print(d->cli, &d->claim[i], d->place);
    fflush(stdout);
}

/* What needs an eye while it serves; during the proof refusals are what is asked for. */
static void
note_event(void *ctx, const json_t *event)
{
    struct demo *d = ctx;
    const char *level = rf_cli_text(event, "level"), *text = rf_cli_text(event, "msg");

    if (strcmp(rf_cli_text(event, "event"), "cert.made") == 0)
        d->made_ca = true;
    if (!d->shows_events || d->cli->quiet || (strcmp(level, "warn") != 0 && strcmp(level, "error") != 0))
        return;
    fprintf(stderr, "%.8s  %-5s %s ",
            strlen(rf_cli_text(event, "ts")) > 19 ? rf_cli_text(event, "ts") + 11 : "", level,
            rf_cli_text(event, "code"));
    for (; *text != '\0'; text++) /* it may hold what a peer sent: nothing that moves a cursor */
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, stderr);
    fputc('\n', stderr);
}

/* --- the steps --- */

static int
start(struct demo *d)
{
    uint64_t began_us = rf_now_us();
    char text[128], fix[300];
    enum rf_err err;

    d->daemon = (struct rf_demo_daemon){.on_event = note_event, .ctx = d};
    err = rf_demo_daemon_start(&d->daemon, &d->site);
    if (!err)
        err = rf_demo_daemon_wait(&d->daemon, READY_MS);
    d->ready_us = rf_now_us() - began_us;
    if (err) {
        if (strcmp(d->daemon.code, "RF-805") == 0)
            snprintf(fix, sizeof fix, "stop the other program, or choose other ports: --port-base 25060");
        else
            snprintf(fix, sizeof fix, "%s", d->daemon.fix);
        return rf_cli_error(d->cli, RF_EXIT_FAILED, d->daemon.code,
                            d->daemon.sentence[0] != '\0' ? d->daemon.sentence
                            : err == RF_ERR_TIMEOUT       ? "the daemon did not become ready"
                                                          : "the daemon ended before it was ready",
                            fix);
    }
    if (d->cli->json)
        return RF_EXIT_DONE;
    /* A long name stands on the screen that follows, if at all. */
    snprintf(text, sizeof text, "embedded configuration%s%s%s", d->made_ca ? ", local CA made" : "",
             strlen(d->place) > 12 ? ""
             : d->made_ca          ? " in "
                                   : ", state in ",
             strlen(d->place) > 12 ? "" : d->place);
    print_step("[3/4] start", text, d->ready_us);
    if (d->site.moved)
        printf("%19skept in %s (only root may enter here)\n", "", d->place);
    fflush(stdout);
    return RF_EXIT_DONE;
}

static bool
prove(struct demo *d)
{
    const struct rf_prove_conf conf = {
        .daemon = &d->daemon, .site = &d->site, .is_over = is_over, .progress = progress, .ctx = d};
    uint64_t began_us = rf_now_us();
    bool good = rf_prove(&conf, d->claim, &d->claims);

    d->proof_us = rf_now_us() - began_us;
    print_proof(d, good);
    return good;
}

/* Until Ctrl-C, or until the daemon ends by itself (`ringfence stop`, or a failure). */
static int
serve(struct demo *d)
{
    if (!d->cli->json && !d->cli->quiet)
        print_welcome(d);
    fflush(stdout);
    d->shows_events = true;
    while (!is_over(d)) {
        struct pollfd fds[2] = { {d->signal_fd, POLLIN, 0 }, {d->daemon.log_fd, POLLIN, 0}};

        (void)poll(fds, 2, 1000);
        if (!rf_demo_daemon_pump(&d->daemon, 0))
            return d->daemon.status == 0
                       ? RF_EXIT_DONE
                       : rf_cli_error(d->cli, RF_EXIT_FAILED, d->daemon.code,
                                      d->daemon.sentence[0] != '\0' ? d->daemon.sentence
                                                                    : "the daemon has ended",
                                      d->daemon.fix);
    }
    if (!d->cli->json && !d->cli->quiet)
        fprintf(stderr, "\nstops\n");
    return RF_EXIT_DONE;
}

int
rf_cmd_demo(struct rf_cli *cli)
{
    const char *port = rf_cli_flag(cli, "--port-base");
    struct demo *d;
    uint64_t base = RF_DEMO_PORT;
    int status;

    if (port != NULL && (rf_span_u64(rf_span_str(port), 65534, &base) != RF_OK || (base > 0 && base < 1024)))
        return rf_cli_fail(cli, RF_EXIT_USAGE,
                           "--port-base takes a port from 1024 to 65534, or 0 for any free ones");
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    d->cli = cli;
    if (!take_signals(d)) {
        free(d);
        return rf_cli_fail(cli, RF_EXIT_FAILED, "signals cannot be handled: %s", strerror(errno));
    }
    status = rf_demo_site_prepare(cli, rf_cli_flag(cli, "--state"), (uint16_t)base, &d->site);
    if (status == RF_EXIT_DONE) {
        name_places(d);
        status = start(d);
        if (status == RF_EXIT_DONE && !prove(d))
            status = RF_EXIT_FAILED;
        if (status == RF_EXIT_DONE && rf_cli_flag(cli, "--once") == NULL)
            status = serve(d);
        d->shows_events = false;
        rf_demo_daemon_stop(&d->daemon);
    }
    close(d->signal_fd);
    free(d);
    return status;
}
