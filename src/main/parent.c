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
#include "base/secret.h"
#include "cli/command.h"
#include "loop/loop.h"
#include "flow/ban_memory.h"
#include "main/children.h"
#include "main/credentials.h"
#include "main/listen.h"
#include "main/logfile.h"
#include "main/notify.h"
#include "main/peek.h"
#include "main/settings.h"
#include "net/socket.h"
#include "relay/map.h"
#include "relay/port_keeper.h"
#include "store/state_dir.h"

/* How long calls may go on after the first request to stop; a second one ends at once. */
#define STOP_GRACE_US (10 * RF_S)
#define AGAIN_US      (RF_S / 2) /* some send a signal to the process and to its group: that is one request */
#define LOG_LOOK_US   (10 * RF_S)
#define FILES_LOOK_US (2 * RF_S)  /* have certificates or revocation lists changed on disk? */
#define LAYER_MAX     (RF_STORE_LAYER_MAX + 1)

struct parent {
    struct rf_state_dir *dir;
    const char *config; /* NULL: none */
    uid_t uid;
    gid_t gid;
    bool drops_user;
    int log_fd, signal_fd, map_fd, bans_fd, control_fd, certs_fd;
    struct rf_run_settings settings;
    struct rf_conf *conf;          /* in force, for certificates */
    struct rf_bundle *files;       /* what was read for them; without its octets */
    int64_t renew_at_s;            /* our own authority's certificate */
    bool files_changed;            /* at the last look; when nothing more changes they are read */
    struct {
        uint32_t number;           /* 0: none */
        int certs_fd;
        struct rf_conf *conf;
    } offered;                     /* to signal, which says whether it took it */
    struct rf_port_keeper *ports;
    uint32_t slots_per_thread, pairs_per_thread;
    int (*port_channel)[2];        /* [thread]: our end, media's end */
    size_t listener_count;
    struct rf_launch_fd *listener; /* listener_count * workers */
    int (*media)[2];               /* [worker * threads + thread]: signal's end, media's end */
    struct rf_child child[2];
    bool was_ready, stops;
    int status;
    uint64_t stopped_us;
    uint64_t stop_at_us;           /* then what still runs is killed */
    uint64_t watchdog_us;
    int64_t started_wall_s;
    sigset_t old_mask;
};

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
    for (char *slash = strrchr(path, '/'); p->drops_user && slash != NULL && slash != path; slash = strrchr(path, '/')) {
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

/* Both layers as they are now, or with `layer` in the place of the store's. */
static enum rf_err
read_conf(struct parent *p, const char *layer, struct rf_conf **out, struct rf_conf_problem *problem)
{
    char *text = NULL, why[256] = "";
    enum rf_err err = RF_OK;

    if (layer == NULL)
        err = rf_peek_settings(rf_state_dir_path(p->dir), p->drops_user, p->uid, p->gid, &text, why, sizeof why);
    if (err) {
        *problem = (struct rf_conf_problem){ 0 };
        snprintf(problem->sentence, sizeof problem->sentence, "%.160s: %s", why, rf_err_text(err));
        return err;
    }
    err = rf_conf_load(out, rf_span_str(layer != NULL ? layer : text), p->config, problem);
    if (text != NULL)
        rf_wipe(text, strlen(text));
    free(text);
    return err;
}

static int
load_settings(struct parent *p)
{
    struct rf_conf_problem problem = { 0 };
    char detail[400];
    enum rf_err err = read_conf(p, NULL, &p->conf, &problem);

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
    unsigned workers = p->settings.workers;

    p->listener = calloc(p->settings.listen_count * workers + 1, sizeof *p->listener);
    if (p->listener == NULL)
        return RF_EXIT_FAILED;
    for (size_t i = 0; i < p->settings.listen_count; i++) {
        static const enum rf_transport transports[] = { RF_UDP, RF_TCP, RF_TLS, RF_TCP, RF_TLS }; /* by rf_listen_scheme */
        const struct rf_listen *item = &p->settings.listen[i].at;
        const char *name = rf_iface_row(p->settings.listen[i].iface)->name;
        struct rf_bind_problem problem = { 0 };
        int fds[RF_WORKERS_MAX];

        if (rf_socket_bind_group(fds, workers, item->scheme == RF_LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM, &item->addr,
                                 &problem) != RF_OK)
            return refuse(RF_REFUSE_CANNOT_LISTEN, RF_EXIT_FAILED,
                          (struct rf_log_field[]){ RF_F_ADDR("addr", &item->addr),
                                                   RF_F_STR("reason", problem.reason), { 0 } });
        for (unsigned w = 0; w < workers; w++) {
            struct rf_launch_fd *f = &p->listener[p->listener_count++];

            *f = (struct rf_launch_fd){ .kind = RF_FD_LISTENER, .fd = fds[w], .a = (uint16_t)w,
                                        .transport = transports[item->scheme], .b = (uint16_t)p->settings.listen[i].iface,
                                        .addr = rf_socket_local(fds[w]) };
            snprintf(f->name, sizeof f->name, "%s", name);
        }
    }
    return 0;
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

/* Certificates and keys go to signal by a sealed file, never by a path. -1: see *problem. */
static int
certificates_file(struct parent *p, const struct rf_conf *c, struct rf_conf_problem *problem)
{
    struct rf_bundle *bundle = NULL;
    enum rf_err err = rf_bundle_new(&bundle);
    int fd = -1;

    if (!err)
        err = rf_credentials_gather(bundle, rf_state_dir_path(p->dir), c, rf_wall_s(), &p->renew_at_s, problem);
    if (!err) {
        struct rf_span block = rf_bundle_block(bundle);

        fd = rf_sealed_file("ringfence-certs", block.p, block.n);
        if (fd < 0)
            snprintf(problem->sentence, sizeof problem->sentence, "%s", strerror(errno));
    }
    if (bundle != NULL) {
        rf_bundle_drop(bundle);
        rf_bundle_free(p->files);
        p->files = bundle;
        p->files_changed = false;
    }
    return fd;
}

static int
make_certificates(struct parent *p)
{
    struct rf_conf_problem problem = { 0 };
    char detail[400];

    p->certs_fd = certificates_file(p, p->conf, &problem);
    if (p->certs_fd >= 0)
        return 0;
    rf_conf_problem_text(&problem, detail, sizeof detail);
    rf_config_refuse(&problem, detail);
    return RF_EXIT_CONFIG;
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

/* Media binds to the addresses of the families that we listen on; 0.0.0.0 and :: when they differ. */
static void
media_addresses(const struct rf_run_settings *s, struct rf_addr out[2])
{
    static const char *const any[2] = { "0.0.0.0", "::" };

    for (size_t i = 0; i < s->listen_count; i++) {
        const struct rf_addr *a = &s->listen[i].at.addr;
        int f = a->sa.sa_family == AF_INET6;

        if (!rf_iface_row(s->listen[i].iface)->is_sip)
            continue; /* no calls come by it */
        if (!rf_addr_is_set(&out[f]))
            out[f] = *a;
        else if (!rf_addr_same_host(&out[f], a))
            (void)!rf_addr_parse(rf_span_str(any[f]), 0, &out[f]);
        rf_addr_set_port(&out[f], 0);
    }
}

static int
make_media(struct parent *p)
{
    const struct rf_run_settings *s = &p->settings;
    unsigned pairs = s->workers * s->threads;
    uint32_t port_pairs = (uint32_t)(s->port_high - s->port_low + 1) / 2;
    uint32_t calls = s->calls_max < port_pairs / 2 ? s->calls_max : port_pairs / 2;
    struct rf_port_keeper_conf conf = { .threads = s->threads, .port_low = s->port_low, .port_high = s->port_high };

    conf.blocks_per_thread = (port_pairs / s->threads + RF_PORT_BLOCK_PAIRS - 1) / RF_PORT_BLOCK_PAIRS;
    p->pairs_per_thread = conf.blocks_per_thread * RF_PORT_BLOCK_PAIRS;
    /* Twice as many slots as calls, because a slot rests for a while after its call (relay/map.h). */
    p->slots_per_thread = 2 * ((calls + s->threads - 1) / s->threads) + 16;
    media_addresses(s, conf.address);
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

/* --- what the children are given --- */

static struct rf_launch *
launch_new(struct parent *p, size_t fds)
{
    struct rf_launch *l = calloc(1, sizeof *l + (fds + 2) * sizeof l->fd[0]);

    if (l == NULL)
        return NULL;
    l->version = RF_LAUNCH_VERSION;
    l->workers = (uint16_t)p->settings.workers;
    l->threads = (uint16_t)p->settings.threads;
    l->log_level = p->settings.log_level;
    l->slots_per_thread = p->slots_per_thread;
    l->ports_per_thread = p->pairs_per_thread;
    l->replay_window = p->settings.replay_window;
    snprintf(l->backend, sizeof l->backend, "%s", p->settings.backend);
    l->drops_user = p->drops_user;
    l->uid = p->uid;
    l->gid = p->gid;
    l->started_wall_s = p->started_wall_s;
    snprintf(l->state_dir, sizeof l->state_dir, "%s", rf_state_dir_path(p->dir));
    if (p->config != NULL)
        snprintf(l->config, sizeof l->config, "%s", p->config);
    l->has_config = p->config != NULL;
    l->fd[l->fd_count++] = (struct rf_launch_fd){ .kind = RF_FD_CHANNEL, .fd = -1 };
    l->fd[l->fd_count++] = (struct rf_launch_fd){ .kind = RF_FD_LOG, .fd = p->log_fd };
    return l;
}

static void
launch_add(struct rf_launch *l, enum rf_launch_kind kind, unsigned a, unsigned b, int fd)
{
    l->fd[l->fd_count++] = (struct rf_launch_fd){ .kind = kind, .a = (uint16_t)a, .b = (uint16_t)b, .fd = fd };
}

/* Each media process has channels of its own to the port keeper: the end of one tells either side that the other
 * is gone. Its ends are blocking, ours are not. */
static enum rf_err
open_port_channels(struct rf_child *c, void *ctx)
{
    struct parent *p = ctx;
    unsigned t = 0;

    for (uint32_t i = 0; i < c->launch->fd_count; i++) {
        struct rf_launch_fd *f = &c->launch->fd[i];

        if (f->kind != RF_FD_PORTS)
            continue;
        t = f->a;
        if (p->port_channel[t][0] >= 0)
            close(p->port_channel[t][0]);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->port_channel[t]) != 0) {
            p->port_channel[t][0] = p->port_channel[t][1] = -1;
            return RF_ERR_IO;
        }
        if (fcntl(p->port_channel[t][0], F_SETFL, O_NONBLOCK) != 0)
            return RF_ERR_IO;
        f->fd = p->port_channel[t][1];
    }
    return RF_OK;
}

static void
close_port_channels(struct rf_child *c, void *ctx)
{
    struct parent *p = ctx;

    for (unsigned t = 0; t < p->settings.threads; t++) {
        if (p->port_channel[t][1] >= 0)
            close(p->port_channel[t][1]);
        p->port_channel[t][1] = -1;
    }
}

/* A signal process that follows a dead one gets what is on disk now; what worked before when that is broken. */
static enum rf_err
read_certificates_again(struct rf_child *c, void *ctx)
{
    struct parent *p = ctx;
    struct rf_conf_problem problem = { 0 };
    struct rf_conf *conf = NULL;
    int fd = -1;

    if (p->was_ready && read_conf(p, NULL, &conf, &problem) == RF_OK)
        fd = certificates_file(p, conf, &problem);
    if (fd >= 0) {
        (void)dup3(fd, p->certs_fd, O_CLOEXEC);
        close(fd);
        rf_conf_unref(p->conf);
        p->conf = rf_conf_ref(conf);
    }
    rf_conf_unref(conf);
    return RF_OK;
}

static int
prepare_children(struct parent *p)
{
    unsigned workers = p->settings.workers, threads = p->settings.threads;
    struct rf_launch *signal = launch_new(p, 4 + p->listener_count + workers * threads);
    struct rf_launch *media = launch_new(p, 1 + threads + workers * threads);

    if (signal == NULL || media == NULL) {
        free(signal);
        free(media);
        return RF_EXIT_FAILED;
    }
    launch_add(signal, RF_FD_MAP, 0, 0, p->map_fd);
    launch_add(media, RF_FD_MAP, 0, 0, p->map_fd);
    launch_add(signal, RF_FD_CONTROL, 0, 0, p->control_fd);
    launch_add(signal, RF_FD_CERTS, 0, 0, p->certs_fd);
    launch_add(signal, RF_FD_BANS, 0, 0, p->bans_fd);
    for (size_t i = 0; i < p->listener_count; i++)
        signal->fd[signal->fd_count++] = p->listener[i];
    for (unsigned w = 0; w < workers; w++)
        for (unsigned t = 0; t < threads; t++) {
            launch_add(signal, RF_FD_MEDIA, w, t, p->media[w * threads + t][0]);
            launch_add(media, RF_FD_MEDIA, w, t, p->media[w * threads + t][1]);
        }
    for (unsigned t = 0; t < threads; t++)
        launch_add(media, RF_FD_PORTS, t, 0, -1);
    rf_child_init(&p->child[0], RF_ROLE_MEDIA, media);
    p->child[0].before = open_port_channels;
    p->child[0].after = close_port_channels;
    p->child[0].ctx = p;
    rf_child_init(&p->child[1], RF_ROLE_SIGNAL, signal);
    p->child[1].before = read_certificates_again;
    p->child[1].ctx = p;
    return 0;
}

/* --- running --- */

/* ["udp:127.0.0.1:5060", ...]: every bound address with its port; of one interface, or NULL for all. */
static void
put_listeners(const struct parent *p, const char *interface, struct rf_buf *b)
{
    bool first = true;

    rf_put_char(b, '[');
    for (size_t i = 0; i < p->listener_count; i += p->settings.workers) {
        const struct rf_listen *at = &p->settings.listen[i / p->settings.workers].at;

        if (interface != NULL && strcmp(interface, p->listener[i].name) != 0)
            continue;
        rf_putf(b, "%s\"%s:", first ? "" : ",", rf_listen_scheme_name(at->scheme));
        rf_put_addr(b, &p->listener[i].addr);
        rf_put_char(b, '"');
        first = false;
    }
    rf_put_char(b, ']');
}

/* {"sip-phones": [...], ...}: those that have any. */
static void
put_interfaces(const struct parent *p, struct rf_buf *b)
{
    bool first = true;

    rf_put_char(b, '{');
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        const char *name = rf_iface_row((enum rf_iface)i)->name;
        bool has_any = false;

        for (size_t k = 0; k < p->listener_count && !has_any; k++)
            has_any = strcmp(name, p->listener[k].name) == 0;
        if (!has_any)
            continue;
        rf_putf(b, "%s\"%s\":", first ? "" : ",", name);
        put_listeners(p, name, b);
        first = false;
    }
    rf_put_char(b, '}');
}

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
    put_listeners(p, NULL, &listen);
    put_interfaces(p, &interfaces);
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
    RF_LOGF(RF_LOG_INFO, "daemon.stops", again ? "stops at once" : "stops: calls are ended and the store is written out");
    for (int i = 0; i < 2; i++)
        p->child[i].ends = true;
    /* Signal first; media goes on until the last BYE is out, and is told when signal has ended. */
    if (p->child[1].pid == 0)
        p->stop_at_us = now_us;
    else
        (void)rf_channel_send(p->child[1].channel, RF_SAY_STOP, 0, NULL, -1);
}

static void reload(struct parent *p, uint32_t number, int layer_fd);
static void applied(struct parent *p, uint32_t number);

static void
take_word(struct parent *p, struct rf_child *c, const struct rf_channel_msg *m, int fd, uint64_t now_us)
{
    c->heard_us = now_us;
    switch ((enum rf_channel_what)m->what) {
    case RF_SAY_READY:
        c->is_ready = true;
        if (p->child[0].is_ready && p->child[1].is_ready)
            say_ready(p);
        break;
    case RF_SAY_STATUS: {
        char text[200];

        snprintf(text, sizeof text, "STATUS=%.*s", (int)strcspn(m->text, "\n"), m->text);
        rf_notify(text);
        break;
    }
    case RF_SAY_STOP:
        if (c->role == RF_ROLE_SIGNAL)
            stop(p, now_us);
        break;
    case RF_SAY_RELOAD:
        if (c->role == RF_ROLE_SIGNAL)
            reload(p, m->value, fd);
        break;
    case RF_SAY_APPLIED:
        if (c->role == RF_ROLE_SIGNAL)
            applied(p, m->value);
        break;
    case RF_SAY_ALIVE:
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
        RF_LOGF(RF_LOG_ERROR, "log.not_turned", "the log file could not be turned over", RF_F_STR("reason", strerror(errno)));
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
            reload(p, 0, -1);
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

static void
drop_offer(struct parent *p)
{
    if (p->offered.certs_fd >= 0)
        close(p->offered.certs_fd);
    rf_conf_unref(p->offered.conf);
    p->offered.certs_fd = -1;
    p->offered.conf = NULL;
    p->offered.number = 0;
}

/*
 * Read the configuration again, and give signal the certificates as it names them now. Signal judges the whole and
 * says whether it took it; what it refuses is forgotten here, too, so that a next signal process gets what works.
 */
static void
reload(struct parent *p, uint32_t number, int layer_fd)
{
    struct rf_conf_problem problem = { 0 };
    struct rf_conf *conf = NULL;
    char *layer = NULL, detail[600] = "";
    enum rf_err err = RF_OK;
    size_t n = 0;
    int fd = -1;

    if (p->child[1].channel < 0)
        return;
    if (layer_fd >= 0 && (layer = rf_sealed_read(layer_fd, LAYER_MAX, &n)) == NULL)
        return; /* only a damaged signal process sends such a thing */
    err = read_conf(p, layer, &conf, &problem);
    if (layer != NULL)
        rf_wipe(layer, n);
    free(layer);
    if (!err)
        fd = certificates_file(p, conf, &problem);
    drop_offer(p);
    if (fd < 0) {
        rf_conf_problem_text(&problem, detail, sizeof detail);
        rf_conf_unref(conf);
        (void)rf_channel_refuse(p->child[1].channel, RF_SAY_RELOAD, number, problem.code, detail);
        return;
    }
    p->offered.number = number;
    p->offered.certs_fd = fd;
    p->offered.conf = conf;
    (void)rf_channel_send(p->child[1].channel, RF_SAY_RELOAD, number, NULL, fd);
}

static void
applied(struct parent *p, uint32_t number)
{
    if (p->offered.conf == NULL || p->offered.number != number)
        return;
    (void)dup3(p->offered.certs_fd, p->certs_fd, O_CLOEXEC); /* for the next signal process */
    rf_conf_unref(p->conf);
    p->conf = rf_conf_ref(p->offered.conf);
    drop_offer(p);
}

/* Certificates that others renewed, revocation lists that were fetched: read again once nobody writes any more. Our
 * own authority's certificate is made anew when it is due. */
static void
look_at_files(struct parent *p)
{
    bool changed = p->files != NULL && rf_bundle_is_stale(p->files);

    if (p->stops || !p->child[1].is_ready)
        return;
    if ((changed && p->files_changed) || rf_wall_s() >= p->renew_at_s) {
        RF_LOGF(RF_LOG_INFO, "cert.read_again", changed ? "certificates or revocation lists have changed on disk"
                                                        : "the local authority's certificate is due");
        p->files_changed = false;
        p->renew_at_s = rf_wall_s() + 3600; /* when it cannot be made now */
        reload(p, 0, -1);
        return;
    }
    p->files_changed = changed;
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
            look_at_files(p);
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
        RF_LOGF(RF_LOG_WARN, "log.no_file", "the log is not kept in the state directory", RF_F_STR("reason", strerror(errno)));
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
        make_certificates, make_ban_memory, make_media, take_over_signals, prepare_children, serve,
    };
    static struct parent p = { .log_fd = -1, .signal_fd = -1, .map_fd = -1, .bans_fd = -1, .control_fd = -1,
                               .certs_fd = -1, .offered = { .certs_fd = -1 } };
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
    drop_offer(&p);
    rf_conf_unref(p.conf);
    free((char *)(uintptr_t)p.config);
    return status;
}
