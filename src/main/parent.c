#include "main/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/refusal.h"
#include "cli/command.h"
#include "loop/loop.h"
#include "flow/ban_memory.h"
#include "main/listen.h"
#include "main/logfile.h"
#include "main/notify.h"
#include "relay/map.h"

/* How long calls may go on after the first request to stop; a second one ends at once. */
#define STOP_GRACE_US (10 * RF_S)
#define AGAIN_US      (RF_S / 2) /* some send a signal to the process and to its group: that is one request */
#define LOG_LOOK_US   (10 * RF_S)
#define FILES_LOOK_US (2 * RF_S) /* have certificates or revocation lists changed on disk? */

static int
refuse(enum rf_refusal r, int status, const struct rf_log_field *fields)
{
    rf_refuse(r, fields);
    return status;
}

/* Whom the children run as. Nothing to choose when we are not root. */
static void
choose_user(struct parent *p)
{
    struct passwd *pw;

    p->uid = geteuid();
    p->gid = getegid();
    p->drops_user = p->uid == 0;
    if (!p->drops_user)
        return;
    pw = getpwnam("ringfence");
    if (pw == NULL || pw->pw_uid == 0)
        pw = getpwnam("nobody");
    p->uid = pw != NULL && pw->pw_uid != 0 ? pw->pw_uid : 65534;
    p->gid = pw != NULL && pw->pw_uid != 0 ? pw->pw_gid : 65534;
}

static int
take_state_dir(struct parent *p, const char *state_dir)
{
    char why[256] = "", pid_text[16] = "unknown";
    pid_t pid = 0;
    enum rf_err err = rf_state_dir_open(&p->dir, state_dir, &pid, why, sizeof why);

    if (err == RF_ERR_EXISTS) {
        if (pid > 0)
            snprintf(pid_text, sizeof pid_text, "%d", (int)pid);
        return refuse(RF_REFUSE_SECOND_INSTANCE, RF_EXIT_FAILED,
                      (struct rf_log_field[]){ RF_F_STR("dir", state_dir), RF_F_STR("pid", pid_text), { 0 } });
    }
    if (err) {
        RF_LOGF(RF_LOG_ERROR, "daemon.failed", why, RF_F_STR("dir", state_dir));
        return RF_EXIT_FAILED;
    }
    err = rf_state_dir_give(p->dir, p->uid, p->gid);
    if (err) {
        RF_LOGF(RF_LOG_ERROR, "daemon.failed", "the state directory cannot be given to the daemon's user",
                RF_F_STR("dir", state_dir), RF_F_STR("reason", strerror(errno)));
        return RF_EXIT_FAILED;
    }
    return 0;
}

/* The whole path must be open to the children's user, or nothing in it is. */
static int
check_reach(struct parent *p)
{
    char path[RF_LAUNCH_PATH_MAX];
    struct stat st;
    int status = 0;

    snprintf(path, sizeof path, "%s", rf_state_dir_path(p->dir));
    for (char *slash = strrchr(path, '/'); p->drops_user && slash != NULL && slash != path;
         slash = strrchr(path, '/')) {
        *slash = '\0';
        if (stat(path, &st) == 0 && (st.st_mode & S_IXOTH) == 0 && !(st.st_uid == p->uid && (st.st_mode & S_IXUSR)) &&
            !(st.st_gid == p->gid && (st.st_mode & S_IXGRP))) {
            RF_LOGF(RF_LOG_ERROR, "daemon.failed",
                    "the daemon's unprivileged user may not enter a folder above the state directory",
                    RF_F_STR("folder", path), RF_F_STR("fix", "name another directory with --state"));
            status = RF_EXIT_FAILED;
        }
    }
    return status;
}

static int
load_settings(struct parent *p)
{
    struct rf_conf_problem problem = { 0 };
    char detail[400];
    enum rf_err err = rf_parent_read_conf(p, NULL, &p->conf, &problem);

    if (err && p->store_failed) {
        if (problem.code != RF_REFUSE_NONE)
            RF_LOG_CODE(RF_LOG_ERROR, rf_refusal_row(problem.code)->code, "daemon.failed", problem.sentence,
                        RF_F_STR("effect", "nothing was changed"));
        else
            RF_LOGF(RF_LOG_ERROR, "daemon.failed", problem.sentence);
        return RF_EXIT_FAILED;
    }
    if (!err)
        err = rf_run_settings_take(&p->settings, p->conf, &problem);
    if (err) {
        rf_conf_problem_text(&problem, detail, sizeof detail);
        rf_config_refuse(&problem, detail);
        return RF_EXIT_CONFIG;
    }
    return 0;
}

static int
bind_listeners(struct parent *p)
{
    struct rf_bind_problem problem;
    struct rf_addr failed = { 0 };
    enum rf_err err = rf_listeners_init(&p->listeners, p->settings.workers);

    if (!err)
        err = rf_listeners_plan(&p->listeners, p->settings.listen, p->settings.listen_count, &problem, &failed);
    if (err == RF_ERR_IO)
        return refuse(RF_REFUSE_CANNOT_LISTEN, RF_EXIT_FAILED,
                      (struct rf_log_field[]){ RF_F_ADDR("addr", &failed), RF_F_STR("reason", problem.reason), { 0 } });
    rf_listeners_commit(&p->listeners);
    return err ? RF_EXIT_FAILED : 0;
}

static int
bind_control(struct parent *p)
{
    p->control_fd = rf_listen_control(rf_state_dir_fd(p->dir), p->uid, p->gid);
    if (p->control_fd >= 0)
        return 0;
    RF_LOGF(RF_LOG_ERROR, "daemon.failed", "the control socket cannot be made", RF_F_STR("reason", strerror(errno)));
    return RF_EXIT_FAILED;
}

static int
make_certificates(struct parent *p)
{
    struct rf_conf_problem problem = { 0 };
    char detail[400];

    p->certs_fd = rf_parent_certificates(p, p->conf, &problem);
    if (p->certs_fd >= 0)
        return 0;
    rf_conf_problem_text(&problem, detail, sizeof detail);
    rf_config_refuse(&problem, detail);
    /* What no line names is not the configuration's fault: our own authority's files, memory. */
    return problem.at.line > 0 ? RF_EXIT_CONFIG : RF_EXIT_FAILED;
}

static int
make_ban_memory(struct parent *p)
{
    p->bans_fd = rf_ban_memory_file();
    if (p->bans_fd >= 0)
        return 0;
    RF_LOGF(RF_LOG_ERROR, "daemon.failed", "the memory of bans could not be made", RF_F_STR("reason", strerror(errno)));
    return RF_EXIT_FAILED;
}

/*
 * Twice as many as calls, because a slot rests for a while after its call (relay/map.h). Not more calls than there are
 * ports for: each takes two pairs. The numbers of slots are names of sessions, so this holds until the next start
 * (docs/design/0008).
 */
uint32_t
rf_media_slots(const struct rf_run_settings *s, uint32_t calls_max)
{
    uint32_t calls = (uint32_t)(s->port_high - s->port_low + 1) / 4;

    if (calls_max < calls)
        calls = calls_max;
    return 2 * ((calls + s->threads - 1) / s->threads) + 16;
}

static int
make_media(struct parent *p)
{
    const struct rf_run_settings *s = &p->settings;
    unsigned pairs = s->workers * s->threads;
    uint32_t port_pairs = (uint32_t)(s->port_high - s->port_low + 1) / 2;
    struct rf_port_keeper_conf conf = { .threads = s->threads, .port_low = s->port_low, .port_high = s->port_high };

    conf.blocks_per_thread = (port_pairs / s->threads + RF_PORT_BLOCK_PAIRS - 1) / RF_PORT_BLOCK_PAIRS;
    p->pairs_per_thread = conf.blocks_per_thread * RF_PORT_BLOCK_PAIRS;
    p->slots_per_thread = rf_media_slots(s, s->calls_max);
    rf_media_addresses(s, p->media_address);
    memcpy(conf.address, p->media_address, sizeof conf.address);
    p->media = calloc(pairs, sizeof *p->media);
    p->port_channel = calloc(s->threads, sizeof *p->port_channel);
    if (p->media == NULL || p->port_channel == NULL ||
        rf_media_map_new(s->threads, p->slots_per_thread, &p->map_fd) != RF_OK ||
        rf_port_keeper_new(&p->ports, &conf) != RF_OK)
        goto fail;
    for (unsigned i = 0; i < pairs; i++)
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->media[i]) != 0)
            goto fail;
    for (unsigned t = 0; t < s->threads; t++)
        p->port_channel[t][0] = p->port_channel[t][1] = -1;
    return 0;

fail:
    RF_LOGF(RF_LOG_ERROR, "daemon.failed", "what media needs could not be made", RF_F_STR("reason", strerror(errno)));
    return RF_EXIT_FAILED;
}

static int
prepare(struct parent *p)
{
    if (rf_parent_prepare_children(p) != RF_OK)
        return RF_EXIT_FAILED;
    p->child[1].before = rf_parent_read_certificates_again;
    p->child[1].ctx = p;
    return 0;
}

/* --- running --- */

static void
say_ready(struct parent *p)
{
    char control[RF_LAUNCH_PATH_MAX + 16], mem[RF_LISTENERS_MAX * (RF_ADDR_TEXT_MAX + 12)];
    char more[RF_LISTENERS_MAX * (RF_ADDR_TEXT_MAX + 12) + RF_IFACE_COUNT * 24];
    struct rf_buf listen = rf_buf(mem, sizeof mem), interfaces = rf_buf(more, sizeof more);

    if (p->was_ready) {
        RF_LOGF(RF_LOG_INFO, "daemon.whole", "both children serve again");
        return;
    }
    p->was_ready = true;
    snprintf(control, sizeof control, "%s/control.sock", rf_state_dir_path(p->dir));
    rf_put_listeners(&listen, &p->listeners, NULL);
    rf_put_interfaces(&interfaces, &p->listeners);
    RF_LOGF(RF_LOG_INFO, "daemon.ready", "ready", RF_F_STR("version", RF_VERSION), RF_F_I64("pid", getpid()),
            RF_F_U64("workers", p->settings.workers), RF_F_U64("media_threads", p->settings.threads),
            RF_F_STR("control", control), RF_F_JSON("listen", rf_buf_span(&listen)),
            RF_F_JSON("interfaces", rf_buf_span(&interfaces)));
    rf_notify("READY=1");
}

static void
stop(struct parent *p, uint64_t now_us)
{
    bool again = p->stops && now_us - p->stopped_us > AGAIN_US;

    if (p->stops && !again)
        return;
    p->stops = true;
    p->stopped_us = now_us;
    p->stop_at_us = again ? now_us : now_us + STOP_GRACE_US;
    rf_notify("STOPPING=1");
    RF_LOGF(RF_LOG_INFO, "daemon.stops",
            again ? "stops at once" : "stops: calls are ended and the store is written out");
    for (int i = 0; i < 2; i++)
        p->child[i].ends = true;
    /* Signal first; media goes on until the last BYE is out, and is told when signal has ended. */
    if (p->child[1].pid == 0)
        p->stop_at_us = now_us;
    else
        (void)rf_channel_send(p->child[1].channel, RF_SAY_STOP, 0, NULL, -1);
}

static void
take_word(struct parent *p, struct rf_child *c, const struct rf_channel_msg *m, int fd, uint64_t now_us)
{
    c->heard_us = now_us;
    switch ((enum rf_channel_what)m->what) {
    case RF_SAY_READY:
        c->is_ready = true;
        /* A signal process that was started again has read the configuration anew: its listeners shall be those. */
        if (c->role == RF_ROLE_SIGNAL && p->was_ready)
            rf_parent_reload(p, 0, -1);
        if (p->child[0].is_ready && p->child[1].is_ready)
            say_ready(p);
        break;
    case RF_SAY_STATUS: {
        char text[200];

        snprintf(text, sizeof text, "STATUS=%.180s", m->text);
        text[strcspn(text, "\n")] = '\0';
        rf_notify(text);
        break;
    }
    case RF_SAY_STOP:
        if (c->role == RF_ROLE_SIGNAL)
            stop(p, now_us);
        break;
    case RF_SAY_RELOAD:
        if (c->role == RF_ROLE_SIGNAL)
            rf_parent_reload(p, m->value, fd);
        break;
    case RF_SAY_RENEW:
        p->must_renew = p->must_renew || c->role == RF_ROLE_SIGNAL;
        break;
    case RF_SAY_RELOADED:
        if (c->role == RF_ROLE_SIGNAL)
            rf_parent_reloaded(p, m->value == 1);
        break;
    case RF_SAY_ALIVE:
    case RF_SAY_LISTEN:
    case RF_SAY_LOG:
        break;
    }
}

static void
listen_to(struct parent *p, struct rf_child *c, uint64_t now_us)
{
    struct rf_channel_msg m;
    int fd;

    for (int i = 0; i < 16 && c->channel >= 0; i++) {
        enum rf_err err = rf_channel_receive(c->channel, &m, &fd);

        if (err == RF_ERR_AGAIN)
            return;
        if (err == RF_ERR_CLOSED) { /* it is dying: SIGCHLD tells the rest */
            close(c->channel);
            c->channel = -1;
            return;
        }
        if (!err)
            take_word(p, c, &m, fd, now_us);
        if (fd >= 0)
            close(fd);
    }
}

static void
bury(struct parent *p, uint64_t now_us)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < 2; i++) {
            struct rf_child *c = &p->child[i];

            if (c->pid != pid)
                continue;
            listen_to(p, c, now_us);
            rf_child_ended(c, status, now_us);
            /* It may have applied the change and not said so; its successor reads the new configuration anyhow. */
            if (c->role == RF_ROLE_SIGNAL) {
                rf_parent_forget_reload(p);
                rf_parent_reloaded(p, true);
            }
            if (c->role == RF_ROLE_SIGNAL && p->stops && p->child[0].pid != 0)
                (void)rf_channel_send(p->child[0].channel, RF_SAY_STOP, 0, NULL, -1);
            /* Before the first "ready" a death is a failed start, and trying again would only repeat it. */
            if (!p->was_ready && !p->stops) {
                p->status = RF_EXIT_FAILED;
                stop(p, now_us);
            }
        }
}

static void
turn_log(struct parent *p)
{
    int fd;

    if (!rf_logfile_is_full(p->log_fd))
        return;
    fd = rf_logfile_turn(rf_state_dir_fd(p->dir), p->uid, p->gid);
    if (fd < 0) {
        RF_LOGF(RF_LOG_ERROR, "log.not_turned", "the log file could not be turned over",
                RF_F_STR("reason", strerror(errno)));
        return;
    }
    /* The number of the descriptor stays, in us and in the children: a line is written to the old or the new one. */
    (void)dup3(fd, p->log_fd, O_CLOEXEC);
    close(fd);
    for (int i = 0; i < 2; i++)
        if (p->child[i].channel >= 0)
            (void)rf_channel_send(p->child[i].channel, RF_SAY_LOG, 0, NULL, p->log_fd);
}

static void
take_signals(struct parent *p, uint64_t now_us)
{
    struct signalfd_siginfo info;

    while (read(p->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        switch (info.ssi_signo) {
        case SIGTERM:
        case SIGINT:
            stop(p, now_us);
            break;
        case SIGHUP:
            rf_parent_reload(p, 0, -1);
            break;
        case SIGCHLD:
            bury(p, now_us);
            break;
        default:
            break;
        }
}

static void
serve_ports(struct parent *p, unsigned thread)
{
    enum rf_err err;

    for (int i = 0; i < 16; i++) {
        err = rf_port_keeper_serve(p->ports, thread, p->port_channel[thread][0]);
        if (err == RF_ERR_AGAIN)
            return;
        if (err == RF_ERR_CLOSED) { /* media is dead: its successor gets a new one */
            close(p->port_channel[thread][0]);
            p->port_channel[thread][0] = -1;
            return;
        }
        if (err == RF_ERR_SYNTAX && p->child[0].pid != 0) {
            RF_LOGF(RF_LOG_ERROR, "child.nonsense", "media asked for ports in a way it never does, and is started anew",
                    RF_F_I64("pid", p->child[0].pid));
            kill(p->child[0].pid, SIGKILL);
            return;
        }
        if (err)
            return;
    }
}

static int
serve(struct parent *p)
{
    uint64_t look_at_us = 0, files_at_us = 0, ping_at_us = 0, now_us = rf_now_us();

    for (int i = 0; i < 2; i++)
        if (rf_child_start(&p->child[i], now_us) != RF_OK) {
            RF_LOGF(RF_LOG_ERROR, "daemon.failed", "a child could not be started", RF_F_STR("reason", strerror(errno)));
            return RF_EXIT_FAILED;
        }
    while (!p->stops || p->child[0].pid != 0 || p->child[1].pid != 0) {
        struct pollfd fds[3 + RF_THREADS_MAX] = { { p->signal_fd, POLLIN, 0 },
                                                  { p->child[0].channel, POLLIN, 0 },
                                                  { p->child[1].channel, POLLIN, 0 } };
        uint64_t next_us = now_us + RF_S;

        for (int i = 0; i < 2; i++) {
            uint64_t due = rf_child_tend(&p->child[i], now_us);

            next_us = due < next_us ? due : next_us;
        }
        if (p->stops && now_us >= p->stop_at_us) {
            for (int i = 0; i < 2; i++)
                if (p->child[i].pid != 0)
                    kill(p->child[i].pid, SIGKILL);
            p->stop_at_us = now_us + RF_S;
        }
        for (unsigned t = 0; t < p->settings.threads; t++)
            fds[3 + t] = (struct pollfd){ p->port_channel[t][0], POLLIN, 0 };
        (void)poll(fds, 3 + p->settings.threads,
                   next_us > now_us ? (int)((next_us - now_us + RF_MS - 1) / RF_MS) : 0);
        now_us = rf_now_us();
        for (unsigned t = 0; t < p->settings.threads; t++)
            if (fds[3 + t].revents != 0)
                serve_ports(p, t);
        for (int i = 0; i < 2; i++)
            if (fds[1 + i].revents != 0)
                listen_to(p, &p->child[i], now_us);
        take_signals(p, now_us);
        if (now_us >= look_at_us) {
            turn_log(p);
            look_at_us = now_us + LOG_LOOK_US;
        }
        if (now_us >= files_at_us) {
            rf_parent_look_at_files(p);
            files_at_us = now_us + FILES_LOOK_US;
        }
        if (p->watchdog_us > 0 && now_us >= ping_at_us && p->child[0].pid != 0 && p->child[1].pid != 0) {
            rf_notify("WATCHDOG=1");
            ping_at_us = now_us + p->watchdog_us / 3;
        }
    }
    RF_LOGF(RF_LOG_INFO, "daemon.stopped", "stopped");
    return p->status;
}

static int
take_over_signals(struct parent *p)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* whoever started us may have ignored it, which would hide the deaths */
    if (sigprocmask(SIG_BLOCK, &mask, &p->old_mask) != 0)
        return RF_EXIT_FAILED;
    p->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    return p->signal_fd >= 0 ? 0 : RF_EXIT_FAILED;
}

static int
open_log(struct parent *p)
{
    p->log_fd = rf_logfile_open(rf_state_dir_fd(p->dir), p->uid, p->gid);
    if (p->log_fd < 0)
        RF_LOGF(RF_LOG_WARN, "log.no_file", "the log is not kept in the state directory",
                RF_F_STR("reason", strerror(errno)));
    rf_log_open(STDERR_FILENO, p->log_fd, RF_LOG_INFO, "parent");
    if (p->log_fd < 0) /* the children are given something that takes their lines */
        p->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return p->log_fd >= 0 ? 0 : RF_EXIT_FAILED;
}

/* Three descriptors a pair of media ports, and a socket a worker for each listener. */
static void
raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

int
rf_parent_run(const char *state_dir, const char *config)
{
    /* The story of a start. Each step returns 0, or the exit status after it said why. */
    static int (*const steps[])(struct parent *) = {
        open_log,     check_reach, load_settings, bind_control,     bind_listeners,
        make_certificates, make_ban_memory, make_media, take_over_signals, prepare, serve,
    };
    static struct parent p = { .log_fd = -1,
                               .signal_fd = -1,
                               .map_fd = -1,
                               .bans_fd = -1,
                               .control_fd = -1,
                               .certs_fd = -1,
                               .next_certs_fd = -1,
                               .again = { .layer_fd = -1 } };
    int status = 0;

    rf_log_open(STDERR_FILENO, -1, RF_LOG_INFO, "parent");
    raise_limits();
    p.started_wall_s = rf_wall_s();
    p.watchdog_us = rf_notify_watchdog_us();
    if (config != NULL && (p.config = realpath(config, NULL)) == NULL) {
        char detail[1200];

        snprintf(detail, sizeof detail, "%s: %s", config, strerror(errno));
        return refuse(RF_REFUSE_CONFIG_INVALID, RF_EXIT_CONFIG,
                      (struct rf_log_field[]){ RF_F_STR("detail", detail), { 0 } });
    }
    if (rf_launch_prepare() != RF_OK)
        return RF_EXIT_FAILED;
    choose_user(&p);
    status = take_state_dir(&p, state_dir);
    for (size_t i = 0; status == 0 && i < sizeof steps / sizeof *steps; i++)
        status = steps[i](&p);
    rf_state_dir_close(p.dir);
    rf_bundle_free(p.files);
    rf_conf_unref(p.conf);
    rf_conf_unref(p.next_conf);
    free((char *)(uintptr_t)p.config);
    return status;
}
