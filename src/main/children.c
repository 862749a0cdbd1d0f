#include "main/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void
rf_child_init(struct rf_child *c, enum rf_launch_role role, struct rf_launch *launch)
{
    *c = (struct rf_child){ .role = role, .launch = launch, .channel = -1 };
    c->name = role == RF_ROLE_SIGNAL ? "signal" : "media";
    c->title = role == RF_ROLE_SIGNAL ? "ringfence: signal" : "ringfence: media";
    rf_assert(launch->fd_count > 0 && launch->fd[0].kind == RF_FD_CHANNEL);
}

enum rf_err
rf_child_start(struct rf_child *c, uint64_t now_us)
{
    int pair[2];
    enum rf_err err;

    if (c->before != NULL) {
        err = c->before(c, c->ctx);
        if (err)
            return err;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return RF_ERR_IO;
    c->launch->role = c->role;
    c->launch->epoch = ++c->starts;
    c->launch->fd[0].fd = pair[1];
    err = rf_launch_spawn(c->launch, c->title, &c->pid);
    close(pair[1]);
    if (c->after != NULL)
        c->after(c, c->ctx);
    if (err) {
        close(pair[0]);
        c->pid = 0;
        return err;
    }
    if (c->channel >= 0)
        close(c->channel);
    c->channel = pair[0];
    c->is_ready = false;
    c->started_us = c->heard_us = now_us;
    return RF_OK;
}

void
rf_child_ended(struct rf_child *c, int wait_status, uint64_t now_us)
{
    char why[96];
    uint64_t pause = 0;

    if (WIFSIGNALED(wait_status))
        snprintf(why, sizeof why, "killed by signal %d (%s)", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    else
        snprintf(why, sizeof why, "ended with status %d", WEXITSTATUS(wait_status));
    c->deaths_young = now_us - c->started_us < RF_CHILD_OLD_US ? c->deaths_young + 1 : 0;
    /* 0, 100 ms, 200, 400 ... */
    if (c->deaths_young > 1)
        pause = 50 * RF_MS << (c->deaths_young < 10 ? c->deaths_young : 10);
    if (pause > RF_CHILD_WAIT_US)
        pause = RF_CHILD_WAIT_US;
    c->start_at_us = now_us + pause;
    RF_LOGF(c->ends ? RF_LOG_INFO : RF_LOG_ERROR, "child.ended",
            c->ends ? "a child ended, as it was told to" : "a child died", RF_F_STR("child", c->name),
            RF_F_I64("pid", c->pid), RF_F_STR("reason", why), RF_F_U64("pause_ms", pause / RF_MS));
    c->pid = 0;
    c->is_ready = false;
    if (c->channel >= 0)
        close(c->channel);
    c->channel = -1;
}

uint64_t
rf_child_tend(struct rf_child *c, uint64_t now_us)
{
    if (c->pid != 0) {
        if (now_us - c->heard_us < RF_CHILD_SILENT_US)
            return c->heard_us + RF_CHILD_SILENT_US;
        RF_LOGF(RF_LOG_ERROR, "child.hangs", "a child says nothing any more and is killed", RF_F_STR("child", c->name),
                RF_F_I64("pid", c->pid));
        kill(c->pid, SIGKILL);
        c->heard_us = now_us;
        return now_us + RF_CHILD_SILENT_US;
    }
    if (c->ends)
        return UINT64_MAX;
    if (now_us < c->start_at_us)
        return c->start_at_us;
    if (rf_child_start(c, now_us) != RF_OK) {
        RF_LOGF(RF_LOG_ERROR, "child.not_started", "a child could not be started", RF_F_STR("child", c->name),
                RF_F_STR("reason", strerror(errno)));
        c->start_at_us = now_us + RF_CHILD_WAIT_US;
        return c->start_at_us;
    }
    return now_us + RF_CHILD_SILENT_US;
}
