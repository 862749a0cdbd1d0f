/*
 * cli/client.c - one question to the daemon: a line of JSON there, a line back (main/control.c)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/command.h"

#define ANSWER_MAX (64u << 20) /* a list of 100,000 registrations is about 40 MB */

/* The limit is for each step: connecting, a piece of the question, a piece of the answer. A daemon whose first thread
 * stands still is found out, a long list that comes slowly is not cut. */
static bool
set_limit(int fd, uint32_t seconds)
{
    struct timeval tv = { .tv_sec = seconds };

    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0;
}

/* -1: errno says why. */
static int
connected_to(const struct sockaddr_un *to, uint32_t seconds)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && (!set_limit(fd, seconds) || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)) {
        int why = errno == EAGAIN ? ETIMEDOUT : errno; /* its queue of connections is full */

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static int
connect_to(const char *state_dir, uint32_t seconds)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int n = snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", state_dir);
    int fd, dir_fd = -1;

    if (n < 0 || (size_t)n >= sizeof to.sun_path) { /* as main/listen.c binds it: by the directory's descriptor */
        dir_fd = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
            return -1;
        snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/control.sock", dir_fd);
    }
    fd = connected_to(&to, seconds);
    if (dir_fd >= 0) {
        int why = errno;

        close(dir_fd);
        errno = why;
    }
    return fd;
}

/* Requests may carry a password: the text is wiped. */
static bool
send_line(int fd, const json_t *request, int *why)
{
    char *text = json_dumps(request, JSON_COMPACT);
    size_t n = text != NULL ? strlen(text) : 0, done = 0;

    if (text == NULL)
        return false;
    text[n] = '\n';
    while (done < n + 1) {
        ssize_t k = send(fd, text + done, n + 1 - done, MSG_NOSIGNAL);

        if (k <= 0 && errno != EINTR) {
            *why = errno == EAGAIN ? ETIMEDOUT : errno;
            break;
        }
        done += k > 0 ? (size_t)k : 0;
    }
    rf_wipe(text, n);
    free(text);
    return done == n + 1;
}

static json_t *
receive_line(int fd, int *why)
{
    char *p = NULL;
    size_t n = 0, cap = 0;
    json_t *answer = NULL;

    for (;;) {
        ssize_t k;

        if (n == cap) {
            char *grown = cap < ANSWER_MAX ? realloc(p, cap = cap > 0 ? cap * 2 : 16384) : NULL;

            if (grown == NULL)
                break;
            p = grown;
        }
        k = recv(fd, p + n, cap - n, 0);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            *why = errno == EAGAIN ? ETIMEDOUT : errno;
        if (k <= 0)
            break;
        n += (size_t)k;
        if (p[n - 1] == '\n') {
            answer = json_loadb(p, n - 1, 0, NULL);
            break;
        }
    }
    free(p);
    return answer;
}

static json_t *
ask(const char *state_dir, uint32_t seconds, json_t *request, int *why)
{
    int fd = connect_to(state_dir, seconds);
    json_t *answer = NULL;

    *why = errno;
    if (fd >= 0) {
        *why = 0;
        if (send_line(fd, request, why))
            answer = receive_line(fd, why);
        close(fd);
    }
    json_decref(request);
    return answer;
}

json_t *
rf_cli_ask_quietly(const char *state_dir, json_t *request, int *status)
{
    int why;
    json_t *answer = ask(state_dir, RF_CLI_TIMEOUT_S, request, &why), *result;

    *status = answer == NULL ? RF_EXIT_NO_DAEMON : (int)json_integer_value(json_object_get(answer, "exit"));
    result = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return result;
}

json_t *
rf_cli_ask(const struct rf_cli *cli, json_t *request, int *status)
{
    uint64_t seconds = RF_CLI_TIMEOUT_S;
    int why;
    json_t *answer, *result;
    char sentence[256], fix[256];

    if (cli->timeout != NULL && (rf_span_u64(rf_span_str(cli->timeout), 86400, &seconds) != RF_OK || seconds == 0)) {
        json_decref(request);
        *status = rf_cli_fail(cli, RF_EXIT_USAGE, "--timeout takes seconds, from 1 to 86400");
        return NULL;
    }
    if (request == NULL) {
        *status = rf_cli_fail(cli, RF_EXIT_USAGE, "a word of this command is not UTF-8 text");
        return NULL;
    }
    answer = ask(cli->state_dir, (uint32_t)seconds, request, &why);
    if (answer == NULL && why == ETIMEDOUT) {
        snprintf(sentence, sizeof sentence,
                 "the daemon of %s has not answered for %u s; what was asked for may still happen", cli->state_dir,
                 (unsigned)seconds);
        *status = rf_cli_error(cli, RF_EXIT_NO_DAEMON, rf_refusal_row(RF_REFUSE_NO_DAEMON)->code, sentence,
                               "ringfence log shows what it did last; a process of it that hangs is started anew "
                               "within a minute. --timeout SECONDS waits longer");
        return NULL;
    }
    if (answer == NULL) {
        if (why == EACCES || why == EPERM) {
            snprintf(sentence, sizeof sentence, "you may not talk to the daemon of %s", cli->state_dir);
            *status = rf_cli_error(cli, RF_EXIT_NOT_PERMITTED, rf_refusal_row(RF_REFUSE_NO_DAEMON)->code, sentence,
                                   "run this as root, or as a member of the daemon's group");
            return NULL;
        }
        snprintf(sentence, sizeof sentence, "no daemon serves %s%s%s", cli->state_dir, why != 0 ? ": " : "",
                 why == ENOENT || why == ECONNREFUSED ? "it does not run" : why != 0 ? strerror(why) : "");
        snprintf(fix, sizeof fix, "ringfence run --state %s   or name the directory of the one that runs with --state",
                 cli->state_dir);
        *status = rf_cli_error(cli, RF_EXIT_NO_DAEMON, rf_refusal_row(RF_REFUSE_NO_DAEMON)->code, sentence, fix);
        return NULL;
    }
    if (!json_is_true(json_object_get(answer, "ok"))) {
        *status = (int)json_integer_value(json_object_get(answer, "exit"));
        if (*status == 0)
            *status = RF_EXIT_FAILED;
        rf_cli_error(cli, *status, rf_cli_text(answer, "code"), rf_cli_text(answer, "sentence"),
                     rf_cli_text(answer, "fix"));
        json_decref(answer);
        return NULL;
    }
    *status = RF_EXIT_DONE;
    result = json_object_get(answer, "result");
    result = result != NULL ? json_incref(result) : json_object();
    json_decref(answer);
    return result;
}
