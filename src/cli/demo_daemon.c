/*
 * cli/demo_daemon.c - the daemon as a child process: its log is what we learn of it
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/demo.h"
#include "loop/loop.h"

#define STOP_MS 15000 /* the daemon gives its calls 10 s to end */

/* In the new process. */
_Noreturn static void
become_daemon(const struct rf_demo_site *site, pid_t demo, int log_fd)
{
    char *const argv[] = {"ringfence", "run",
                          "--config",  (char *)(uintptr_t)site->config,
                          "--state",   (char *)(uintptr_t)site->dir,
                          NULL};
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;

    /* A group of its own: Ctrl-C reaches us alone, and we stop it in order. */
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != demo)
        _exit(1); /* it died before the line above */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 ||
        dup2(log_fd, STDERR_FILENO) < 0)
        _exit(1);
    execv("/proc/self/exe", argv);
    _exit(127);
}

enum rf_err
rf_demo_daemon_start(struct rf_demo_daemon *d, const struct rf_demo_site *site)
{
    pid_t us = getpid();
    int log[2];

    d->log_fd = -1;
    if (pipe2(log, O_CLOEXEC | O_NONBLOCK) != 0)
        return RF_ERR_IO;
    /* The daemon's end blocks: a line that is lost could be the one that we wait for. */
    if (fcntl(log[1], F_SETFL, 0) != 0)
        goto fail;
    d->pid = fork();
    if (d->pid == 0)
        become_daemon(site, us, log[1]);
    if (d->pid < 0)
        goto fail;
    close(log[1]);
    d->log_fd = log[0];
    return RF_OK;

fail:
    d->pid = 0;
    close(log[0]);
    close(log[1]);
    return RF_ERR_IO;
}

static void
take_ready(struct rf_demo_daemon *d, const json_t *event)
{
    const json_t *list = json_object_get(event, "listen");

    d->is_ready = true;
    for (size_t i = 0; i < json_array_size(list) && d->listen_count < RF_DEMO_LISTENERS_MAX; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        snprintf(d->listen[d->listen_count++], sizeof d->listen[0], "%s", text != NULL ? text : "");
    }
}

/* A refusal's sentence is whole; other errors name their circumstances in fields. */
static void
take_sentence(struct rf_demo_daemon *d, const json_t *event, bool is_whole)
{
    const char *more = is_whole ? "" : rf_cli_text(event, "reason");

    if (!is_whole && more[0] == '\0')
        more = rf_cli_text(event, "folder");
    snprintf(d->sentence, sizeof d->sentence, "%s%s%s", rf_cli_text(event, "msg"),
             more[0] != '\0' ? ": " : "", more);
}

static void
take_event(struct rf_demo_daemon *d, const json_t *event)
{
    const char *name = rf_cli_text(event, "event");

    if (strcmp(name, "daemon.ready") == 0) {
        take_ready(d, event);
    } else if (strcmp(name, "signal.serves") == 0) {
        d->signal_pid = (pid_t)json_integer_value(json_object_get(event, "pid"));
        d->signal_starts++;
    } else if (strcmp(rf_cli_text(event, "level"), "error") == 0) {
        snprintf(d->code, sizeof d->code, "%s", rf_cli_text(event, "code"));
        take_sentence(d, event, strcmp(name, "refused") == 0);
        snprintf(d->fix, sizeof d->fix, "%s", rf_cli_text(event, "fix"));
    }
    if (d->on_event != NULL)
        d->on_event(d->ctx, event);
}

static void
take_octets(struct rf_demo_daemon *d, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *event;

        if (p[i] != '\n') {
            if (d->line_n < sizeof d->line) /* what is longer is no line of ours: it is dropped at its end */
                d->line[d->line_n] = p[i];
            d->line_n += d->line_n <= sizeof d->line;
            continue;
        }
        event = d->line_n <= sizeof d->line ? json_loadb(d->line, d->line_n, 0, NULL) : NULL;
        if (event != NULL)
            take_event(d, event);
        else if (d->line_n <= sizeof d->line) /* no event: a library's last words, a sanitizer's report */
            fprintf(stderr, "%.*s\n", (int)d->line_n, d->line);
        d->line_n = 0;
        json_decref(event);
    }
}

static void
bury(struct rf_demo_daemon *d)
{
    int status;

    if (d->pid == 0 || waitpid(d->pid, &status, WNOHANG) != d->pid)
        return;
    d->pid = 0;
    d->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool
rf_demo_daemon_pump(struct rf_demo_daemon *d, int timeout_ms)
{
    struct pollfd fd = {d->log_fd, POLLIN, 0};
    char octets[4096];
    ssize_t n = -1;

    if (poll(&fd, 1, timeout_ms) > 0)
        while ((n = read(d->log_fd, octets, sizeof octets)) > 0 || (n < 0 && errno == EINTR))
            take_octets(d, octets, n > 0 ? (size_t)n : 0);
    if (n == 0) {
        close(d->log_fd);
        d->log_fd = -1;
    }
    /* Its children hold the pipe, too: the last line is there when the parent is buried after it closed. */
    bury(d);
    return d->pid != 0;
}

enum rf_err
rf_demo_daemon_wait(struct rf_demo_daemon *d, uint32_t timeout_ms)
{
    uint64_t until_us = rf_now_us() + timeout_ms * UINT64_C(1000);

    while (!d->is_ready) {
        if (!rf_demo_daemon_pump(d, 20)) {
            (void)rf_demo_daemon_pump(d, 0); /* what it said last */
            return RF_ERR_CLOSED;
        }
        if (rf_now_us() > until_us)
            return RF_ERR_TIMEOUT;
    }
    return RF_OK;
}

void
rf_demo_daemon_stop(struct rf_demo_daemon *d)
{
    uint64_t until_us = rf_now_us() + STOP_MS * UINT64_C(1000);

    if (d->pid != 0)
        kill(d->pid, SIGTERM);
    while (rf_demo_daemon_pump(d, 20))
        if (rf_now_us() > until_us) {
            kill(d->pid, SIGKILL);
            until_us = UINT64_MAX;
        }
    if (d->log_fd >= 0)
        close(d->log_fd);
    d->log_fd = -1;
}
