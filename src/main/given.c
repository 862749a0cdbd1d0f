/*
 * main/given.c - what the parent's children are given: descriptors and plain data, nothing else (main/launch.h)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "main/parent.h"

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

static struct rf_launch *
signal_launch_new(struct parent *p)
{
    return launch_new(p, 4 + RF_LISTENERS_MAX * p->settings.workers + p->settings.workers * p->settings.threads);
}

void
rf_parent_fill_signal_launch(struct parent *p, struct rf_launch *l)
{
    unsigned workers = p->settings.workers, threads = p->settings.threads;

    l->fd_count = 2; /* channel and log, of launch_new */
    launch_add(l, RF_FD_MAP, 0, 0, p->map_fd);
    launch_add(l, RF_FD_CONTROL, 0, 0, p->control_fd);
    launch_add(l, RF_FD_CERTS, 0, 0, p->certs_fd);
    launch_add(l, RF_FD_BANS, 0, 0, p->bans_fd);
    for (size_t i = 0; i < p->listeners.count; i++)
        for (unsigned w = 0; w < workers; w++)
            l->fd[l->fd_count++] = rf_listener_launch_fd(&p->listeners.now[i], w);
    for (unsigned w = 0; w < workers; w++)
        for (unsigned t = 0; t < threads; t++)
            launch_add(l, RF_FD_MEDIA, w, t, p->media[w * threads + t][0]);
}

static struct rf_launch *
media_launch(struct parent *p)
{
    unsigned workers = p->settings.workers, threads = p->settings.threads;
    struct rf_launch *l = launch_new(p, 1 + threads + workers * threads);

    if (l == NULL)
        return NULL;
    launch_add(l, RF_FD_MAP, 0, 0, p->map_fd);
    for (unsigned w = 0; w < workers; w++)
        for (unsigned t = 0; t < threads; t++)
            launch_add(l, RF_FD_MEDIA, w, t, p->media[w * threads + t][1]);
    for (unsigned t = 0; t < threads; t++)
        launch_add(l, RF_FD_PORTS, t, 0, -1);
    return l;
}

enum rf_err
rf_parent_prepare_children(struct parent *p)
{
    struct rf_launch *signal = signal_launch_new(p), *media = media_launch(p);

    if (signal == NULL || media == NULL) {
        free(signal);
        free(media);
        return RF_ERR_NOMEM;
    }
    rf_parent_fill_signal_launch(p, signal);
    rf_child_init(&p->child[0], RF_ROLE_MEDIA, media);
    p->child[0].before = open_port_channels;
    p->child[0].after = close_port_channels;
    p->child[0].ctx = p;
    rf_child_init(&p->child[1], RF_ROLE_SIGNAL, signal);
    return RF_OK;
}
