#include "main/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/refusal.h"
#include "base/secret.h"

struct peer {
    struct rf_link link;
    struct rf_control *control;
    struct rf_watch watch;
    struct rf_timer idle;
    struct rf_control_ask *ask; /* NULL: it may ask */
    char *in, *out;
    size_t in_n, in_cap, out_n, out_done;
    bool has_ended; /* it will send no more; its last answers are still written */
};

struct rf_control_ask {
    struct peer *peer; /* NULL: it went away; the answer is dropped */
};

struct rf_control {
    struct rf_loop *loop;
    struct rf_watch watch;
    uid_t uid;
    gid_t gid;
    rf_control_command *command;
    void *ctx;
    struct rf_link peers;
    size_t count;
    bool is_ending;
};

static void
peer_free(struct peer *p)
{
    struct rf_control *c = p->control;

    rf_loop_unwatch(c->loop, &p->watch);
    rf_timer_cancel(rf_loop_wheel(c->loop), &p->idle);
    close(p->watch.fd);
    if (p->ask != NULL)
        p->ask->peer = NULL;
    rf_list_remove(&p->link);
    c->count--;
    if (p->in != NULL)
        rf_wipe(p->in, p->in_cap); /* a request may hold a password */
    free(p->in);
    free(p->out);
    free(p);
    rf_loop_rewatch(c->loop, &c->watch, EPOLLIN);
}

static void
peer_idle(struct rf_timer *t, uint64_t now_us)
{
    peer_free(rf_container(t, struct peer, idle));
}

/* Octets of the request that is next; SIZE_MAX: there is none yet, or another one is not yet answered. */
static size_t
next_line(const struct peer *p)
{
    const char *end = p->ask == NULL && p->out == NULL && p->in_n > 0 ? memchr(p->in, '\n', p->in_n) : NULL;

    return end != NULL ? (size_t)(end - p->in) : SIZE_MAX;
}

/* What is waited for of its socket. A request that waits in our memory needs no octet to come: the socket is writable. */
static void
peer_watch(struct peer *p)
{
    bool wants_to_write = p->out != NULL || next_line(p) != SIZE_MAX;

    rf_loop_rewatch(p->control->loop, &p->watch, (p->has_ended ? 0 : EPOLLIN) | (wants_to_write ? EPOLLOUT : 0));
}

static void
peer_touch(struct peer *p, uint64_t now_us)
{
    rf_timer_arm(rf_loop_wheel(p->control->loop), &p->idle, now_us + RF_CONTROL_IDLE_US);
}

/* false: the peer was freed. */
static bool
peer_write(struct peer *p)
{
    while (p->out_done < p->out_n) {
        ssize_t k = send(p->watch.fd, p->out + p->out_done, p->out_n - p->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            peer_watch(p);
            return true;
        }
        if (k <= 0) {
            peer_free(p);
            return false;
        }
        p->out_done += (size_t)k;
    }
    free(p->out);
    p->out = NULL;
    p->out_n = p->out_done = 0;
    if (p->has_ended && p->ask == NULL && next_line(p) == SIZE_MAX) {
        peer_free(p);
        return false;
    }
    peer_watch(p);
    return true;
}

json_t *
rf_control_text(const char *text)
{
    char *copy = strdup(text);
    json_t *o;

    if (copy != NULL)
        rf_text_mend(copy);
    o = json_string(copy != NULL ? copy : "");
    free(copy);
    return o;
}

/* Names of files and of peers stand in a refusal. */
static json_t *
refusal(int exit_status, const char *code, const char *sentence, const char *fix)
{
    return json_pack("{s:b, s:i, s:s, s:o, s:o}", "ok", 0, "exit", exit_status, "code", code, "sentence",
                     rf_control_text(sentence), "fix", rf_control_text(fix));
}

static void
answer(struct rf_control_ask *ask, json_t *whole)
{
    struct peer *p = ask->peer;
    char *text;

    free(ask);
    if (p == NULL) {
        json_decref(whole);
        return;
    }
    p->ask = NULL;
    if (p->control->is_ending) {
        json_decref(whole);
        whole = refusal(1, rf_refusal_row(RF_REFUSE_NO_DAEMON)->code,
                        "the daemon was told to stop before it had answered",
                        "look whether it was done when the daemon runs again");
    }
    text = json_dumps(whole, JSON_COMPACT);
    json_decref(whole);
    if (text == NULL) {
        peer_free(p);
        return;
    }
    p->out = text; /* the one before was written: next_line */
    p->out_n = strlen(text);
    p->out_done = 0;
    text[p->out_n++] = '\n'; /* in place of the NUL */
    peer_touch(p, rf_now_us());
    (void)peer_write(p);
}

void
rf_control_answer(struct rf_control_ask *ask, json_t *result)
{
    answer(ask, json_pack("{s:b, s:o}", "ok", 1, "result", result != NULL ? result : json_object()));
}

void
rf_control_refuse(struct rf_control_ask *ask, int exit_status, const char *code, const char *sentence, const char *fix)
{
    /* Exit status 2 is a mistake in the command's words, as in cli/output.c. */
    if (exit_status == 2 && code[0] == '\0')
        code = rf_refusal_row(RF_REFUSE_COMMAND)->code;
    answer(ask, refusal(exit_status, code, sentence, fix));
}

void
rf_control_end(struct rf_control *c)
{
    if (c != NULL)
        c->is_ending = true;
}

/* One whole line. */
static void
take_line(struct peer *p, size_t n)
{
    json_error_t error;
    json_t *request = json_loadb(p->in, n, JSON_REJECT_DUPLICATES, &error);
    struct rf_control_ask *ask = calloc(1, sizeof *ask);
    struct rf_control *c = p->control;

    rf_wipe(p->in, n);
    memmove(p->in, p->in + n + 1, p->in_n - n - 1);
    p->in_n -= n + 1;
    if (ask == NULL) {
        json_decref(request);
        peer_free(p);
        return;
    }
    ask->peer = p;
    p->ask = ask;
    peer_watch(p); /* not for writing until there is an answer: the socket always is */
    rf_timer_cancel(rf_loop_wheel(c->loop), &p->idle);
    if (!json_is_object(request) || !json_is_string(json_object_get(request, "command")))
        rf_control_refuse(ask, 2, "", "a request is a JSON object with a command", "");
    else
        c->command(c->ctx, ask, request);
    json_decref(request);
}

/* false: the peer was freed. */
static bool
peer_read(struct peer *p)
{
    for (;;) {
        ssize_t k;

        if (p->in_n == p->in_cap) {
            size_t cap = p->in_cap > 0 ? p->in_cap * 2 : 4096;
            char *grown = cap <= RF_CONTROL_REQUEST_MAX * 2 ? calloc(1, cap) : NULL;

            if (grown == NULL) {
                peer_free(p);
                return false;
            }
            if (p->in != NULL) {
                memcpy(grown, p->in, p->in_n);
                rf_wipe(p->in, p->in_cap);
                free(p->in);
            }
            p->in = grown;
            p->in_cap = cap;
        }
        k = recv(p->watch.fd, p->in + p->in_n, p->in_cap - p->in_n, MSG_DONTWAIT);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (k < 0) {
            peer_free(p);
            return false;
        }
        if (k == 0) {
            p->has_ended = true;
            return true;
        }
        p->in_n += (size_t)k;
        if (p->in_n > RF_CONTROL_REQUEST_MAX) {
            peer_free(p);
            return false;
        }
    }
}

static void
peer_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct peer *p = rf_container(w, struct peer, watch);
    size_t line;

    if ((events & (EPOLLHUP | EPOLLERR)) != 0) { /* nobody is left who could read an answer */
        peer_free(p);
        return;
    }
    if ((events & EPOLLIN) != 0 && !peer_read(p))
        return;
    if ((events & EPOLLOUT) != 0 && p->out != NULL && !peer_write(p))
        return;
    if (p->ask == NULL)
        peer_touch(p, now_us);
    line = next_line(p);
    if (line != SIZE_MAX)
        take_line(p, line);
    else if (p->has_ended && p->ask == NULL && p->out == NULL)
        peer_free(p);
    else
        peer_watch(p);
}

static bool
may_ask(const struct rf_control *c, int fd)
{
    struct ucred who;
    socklen_t size = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return false;
    return who.uid == 0 || who.uid == c->uid || (c->gid != 0 && who.gid == c->gid);
}

static void
connection(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct rf_control *c = rf_container(w, struct rf_control, watch);

    while (c->count < RF_CONTROL_PEERS) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct peer *p;

        if (fd < 0)
            return;
        p = may_ask(c, fd) ? calloc(1, sizeof *p) : NULL;
        if (p == NULL) {
            RF_LOGF(RF_LOG_WARN, "control.refused", "a program that may not command the daemon tried to");
            close(fd);
            continue;
        }
        p->control = c;
        p->watch.fd = fd;
        p->watch.ready = peer_ready;
        p->idle.fire = peer_idle;
        if (rf_loop_watch(c->loop, &p->watch, EPOLLIN) != RF_OK) {
            close(fd);
            free(p);
            continue;
        }
        rf_list_append(&c->peers, &p->link);
        c->count++;
        peer_touch(p, now_us);
    }
    rf_loop_rewatch(c->loop, &c->watch, 0); /* full: peer_free takes it up again */
}

enum rf_err
rf_control_new(struct rf_control **out, struct rf_loop *loop, int fd, uid_t uid, gid_t gid, rf_control_command *command,
               void *ctx)
{
    struct rf_control *c = calloc(1, sizeof *c);
    enum rf_err err;

    if (c == NULL)
        return RF_ERR_NOMEM;
    c->loop = loop;
    c->uid = uid;
    c->gid = gid;
    c->command = command;
    c->ctx = ctx;
    rf_list_init(&c->peers);
    c->watch.fd = fd;
    c->watch.ready = connection;
    err = rf_loop_watch(loop, &c->watch, EPOLLIN);
    if (err) {
        free(c);
        return err;
    }
    *out = c;
    return RF_OK;
}

void
rf_control_free(struct rf_control *c)
{
    if (c == NULL)
        return;
    RF_LIST_FOREACH(&c->peers, it)
        peer_free(rf_container(it, struct peer, link));
    rf_loop_unwatch(c->loop, &c->watch);
    free(c);
}
