/*
 * tests/daemon/harness.h - the real daemon as a child of a test: real processes, sockets and files
 *
 * Each test program has a state directory of its own below /tmp and lets the kernel choose the ports, so several
 * run at once. Every wait has a limit.
 */
#ifndef RF_TESTS_DAEMON_HARNESS_H
#define RF_TESTS_DAEMON_HARNESS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "loop/loop.h"
#include "free_ports.h"
#include "tap.h"

#define SLOW (RF_SANITIZED ? 5 : 1) /* sanitizers take their time */

struct daemon {
    char dir[64], conf[96];  /* state directory; configuration file */
    pid_t pid;               /* the parent; 0: it does not run */
    char listen[3][64];      /* udp, tcp, tls: "127.0.0.1:5060" */
};

__attribute__((unused)) static void
sleep_ms(unsigned ms)
{
    struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

    nanosleep(&t, NULL);
}

__attribute__((unused)) static const char *
binary(void)
{
    const char *path = getenv("RF_BINARY");

    if (path == NULL) {
        printf("Bail out! RF_BINARY is not set\n");
        exit(1);
    }
    return path;
}

__attribute__((unused)) static void
write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(1);
    }
}

/* A directory and a configuration. Words of the daemon's own user must be able to read it. */
__attribute__((unused)) static void
daemon_init(struct daemon *d, const char *configuration)
{
    *d = (struct daemon){ .dir = "/tmp/rf-daemon-XXXXXX" };
    if (mkdtemp(d->dir) == NULL)
        exit(1);
    snprintf(d->conf, sizeof d->conf, "%s.conf", d->dir);
    write_file(d->conf, configuration);
}

__attribute__((unused)) static void
remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    while (dir != NULL && (e = readdir(dir)) != NULL) {
        char name[600];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (unlink(name) != 0)
            remove_tree(name);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

__attribute__((unused)) static void
daemon_fini(struct daemon *d)
{
    remove_tree(d->dir);
    unlink(d->conf);
}

__attribute__((unused)) static json_t *
ask(const struct daemon *d, json_t *request)
{
    int status;

    return rf_cli_ask_quietly(d->dir, request, &status);
}

/* Runs the program with these words (NULL ends them) and returns its exit status; its output goes to `out`. */
__attribute__((unused)) static int
run_program(const char *input, char *out, size_t size, ...)
{
    const char *argv[32] = { binary() };
    int to[2], from[2], status, n = 1;
    size_t got = 0;
    va_list ap;
    pid_t pid;

    va_start(ap, size);
    while (n < 31 && (argv[n] = va_arg(ap, const char *)) != NULL)
        n++;
    va_end(ap);
    if (pipe(to) != 0 || pipe(from) != 0)
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        dup2(from[1], 2);
        close(to[1]);
        close(from[0]);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    if (input != NULL && write(to[1], input, strlen(input)) < 0)
        status = -1;
    close(to[1]);
    for (;;) {
        char scratch[4096];
        ssize_t k = read(from[0], scratch, sizeof scratch);

        if (k <= 0)
            break;
        for (ssize_t i = 0; i < k && got + 1 < size; i++)
            out[got++] = scratch[i];
    }
    if (size > 0)
        out[got] = '\0';
    close(from[0]);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Start it and wait until it serves. false: it ended, with *exit_status. */
__attribute__((unused)) static bool
daemon_start(struct daemon *d, int *exit_status)
{
    fflush(stdout);
    d->pid = fork();
    if (d->pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(null, 1);
        if (getenv("RF_SHOW_LOG") == NULL)
            dup2(null, 2);
        execl(binary(), "ringfence", "run", "--state", d->dir, "--config", d->conf, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 * SLOW; i++) {
        json_t *s = ask(d, json_pack("{s:s}", "command", "status"));
        const json_t *list = json_object_get(s, "listen");
        int status;

        if (s != NULL) {
            for (size_t k = 0; k < json_array_size(list); k++) {
                const char *text = json_string_value(json_array_get(list, k));
                int which = strncmp(text, "udp", 3) == 0 ? 0 : strncmp(text, "tcp", 3) == 0 ? 1 : 2;

                snprintf(d->listen[which], sizeof d->listen[which], "%s", text + 4);
            }
            json_decref(s);
            return true;
        }
        if (waitpid(d->pid, &status, WNOHANG) == d->pid) {
            d->pid = 0;
            if (exit_status != NULL)
                *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            return false;
        }
        sleep_ms(20);
    }
    return false;
}

/* Its exit status, or minus the signal that ended it. */
__attribute__((unused)) static int
daemon_wait(struct daemon *d)
{
    int status = 0;

    for (int i = 0; i < 1000 * SLOW && d->pid != 0; i++) {
        if (waitpid(d->pid, &status, WNOHANG) == d->pid)
            d->pid = 0;
        else
            sleep_ms(20);
    }
    return d->pid != 0 ? -999 : WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

__attribute__((unused)) static int
daemon_stop(struct daemon *d)
{
    if (d->pid != 0)
        kill(d->pid, SIGTERM);
    return daemon_wait(d);
}

/* The pid of the child with this role; 0: none. */
__attribute__((unused)) static pid_t
child_of(const struct daemon *d, const char *role)
{
    char path[64], text[128];
    FILE *in;
    pid_t pid;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)d->pid, (int)d->pid);
    in = fopen(path, "r");
    while (in != NULL && fscanf(in, "%d", &pid) == 1) {
        FILE *name;
        size_t n;

        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        name = fopen(path, "r");
        n = name != NULL ? fread(text, 1, sizeof text - 1, name) : 0;
        text[n] = '\0';
        if (name != NULL)
            fclose(name);
        if (strstr(text, role) != NULL) {
            fclose(in);
            return pid;
        }
    }
    if (in != NULL)
        fclose(in);
    return 0;
}

/* Kills a child and waits until its successor serves. */
__attribute__((unused)) static bool
kill_child(const struct daemon *d, const char *role)
{
    pid_t was = child_of(d, role);

    if (was == 0 || kill(was, SIGKILL) != 0)
        return false;
    for (int i = 0; i < 500 * SLOW; i++) {
        pid_t now = child_of(d, role);
        json_t *s = now != 0 && now != was ? ask(d, json_pack("{s:s}", "command", "status")) : NULL;

        if (s != NULL) {
            json_decref(s);
            return true;
        }
        sleep_ms(10);
    }
    return false;
}

/* How many lines of the log have this event (NULL: any) and this text in them. */
__attribute__((unused)) static int
log_count(const struct daemon *d, const char *event, const char *text)
{
    static char line[65536];
    char path[128];
    FILE *in;
    int n = 0;

    snprintf(path, sizeof path, "%s/log.jsonl", d->dir);
    in = fopen(path, "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        json_t *o = json_loads(line, 0, NULL);

        n += o != NULL && (event == NULL || strcmp(rf_cli_text(o, "event"), event) == 0) && strstr(line, text) != NULL;
        json_decref(o);
    }
    if (in != NULL)
        fclose(in);
    return n;
}

#endif
