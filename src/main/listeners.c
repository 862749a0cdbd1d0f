#include "main/listeners.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const enum rf_transport transport_of[] = { RF_UDP, RF_TCP, RF_TLS, RF_TCP, RF_TLS }; /* by rf_listen_scheme */

static int
socket_type(const struct rf_iface_listen *item)
{
    return item->at.scheme == RF_LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

enum rf_err
rf_listeners_init(struct rf_listeners *l, unsigned workers)
{
    *l = (struct rf_listeners){ .workers = workers };
    l->now = calloc(RF_LISTENERS_MAX, sizeof *l->now);
    return l->now != NULL ? RF_OK : RF_ERR_NOMEM;
}

static void
close_all(const struct rf_listeners *l, struct rf_listener_sockets *s)
{
    for (unsigned w = 0; w < l->workers; w++) {
        if (s->fd[w] >= 0)
            close(s->fd[w]);
        s->fd[w] = -1;
    }
}

/* --- the next set --- */

static bool
is_in_next(const struct rf_listeners *l, uint16_t id)
{
    for (size_t i = 0; i < l->next_count; i++)
        if (l->next[i].id == id)
            return true;
    return false;
}

static bool
is_same(const struct rf_iface_listen *a, const struct rf_iface_listen *b)
{
    return a->iface == b->iface && a->at.scheme == b->at.scheme && rf_addr_eq(&a->at.addr, &b->at.addr);
}

/* The listener in force that stays as it is for this item; two equal items need two. */
static const struct rf_listener_sockets *
find_same(const struct rf_listeners *l, const struct rf_iface_listen *item)
{
    for (size_t i = 0; i < l->count; i++)
        if (is_same(&l->now[i].item, item) && !is_in_next(l, l->now[i].id))
            return &l->now[i];
    return NULL;
}

static bool
is_wanted(const struct rf_listener_sockets *s, const struct rf_iface_listen *want, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_same(&want[i], &s->item))
            return true;
    return false;
}

/*
 * A listener that goes and has the port that this item needs: at the same address its sockets are taken over; at
 * another one (0.0.0.0 becomes 192.0.2.1) both are bound for a moment.
 */
static const struct rf_listener_sockets *
find_going(const struct rf_listeners *l, const struct rf_iface_listen *item, const struct rf_iface_listen *want,
           size_t count, bool same_address)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct rf_listener_sockets *s = &l->now[i];

        if (socket_type(&s->item) == socket_type(item) && rf_addr_port(&item->at.addr) != 0 &&
            rf_addr_port(&s->addr) == rf_addr_port(&item->at.addr) &&
            s->addr.sa.sa_family == item->at.addr.sa.sa_family &&
            (!same_address || rf_addr_same_host(&s->addr, &item->at.addr)) && !is_wanted(s, want, count))
            return s;
    }
    return NULL;
}

static enum rf_err
take_over(const struct rf_listeners *l, struct rf_listener_sockets *s, const struct rf_listener_sockets *from)
{
    for (unsigned w = 0; w < l->workers; w++) {
        s->fd[w] = fcntl(from->fd[w], F_DUPFD_CLOEXEC, 0);
        if (s->fd[w] < 0)
            return RF_ERR_NOMEM;
    }
    return RF_OK;
}

static enum rf_err
open_new(struct rf_listeners *l, struct rf_listener_sockets *s, const struct rf_iface_listen *want, size_t count,
         struct rf_bind_problem *problem)
{
    const struct rf_listener_sockets *going = find_going(l, &s->item, want, count, true);
    enum rf_err err;

    memset(s->fd, -1, sizeof s->fd);
    s->is_new = true;
    s->id = ++l->last_id;
    if (going != NULL)
        err = take_over(l, s, going);
    else if (find_going(l, &s->item, want, count, false) != NULL)
        err = rf_socket_bind_beside(s->fd, l->workers, socket_type(&s->item), &s->item.at.addr, problem);
    else
        err = rf_socket_bind_group(s->fd, l->workers, socket_type(&s->item), &s->item.at.addr, problem);
    if (!err)
        s->addr = rf_socket_local(s->fd[0]);
    return err;
}

enum rf_err
rf_listeners_plan(struct rf_listeners *l, const struct rf_iface_listen *want, size_t count,
                  struct rf_bind_problem *problem, struct rf_addr *failed)
{
    enum rf_err err = RF_OK;

    rf_assert(l->next == NULL && count <= RF_LISTENERS_MAX);
    *problem = (struct rf_bind_problem){ 0 };
    l->next = calloc(RF_LISTENERS_MAX, sizeof *l->next);
    l->next_count = 0;
    if (l->next == NULL)
        return RF_ERR_NOMEM;
    for (size_t i = 0; !err && i < count; i++) {
        const struct rf_listener_sockets *same = find_same(l, &want[i]);
        struct rf_listener_sockets *s = &l->next[l->next_count];

        if (same != NULL) {
            *s = *same;
            s->is_new = false;
        } else {
            s->item = want[i];
            err = open_new(l, s, want, count, problem);
        }
        l->next_count++;
        if (err)
            *failed = want[i].at.addr;
    }
    if (err)
        rf_listeners_abandon(l);
    return err;
}

enum rf_err
rf_listeners_send(const struct rf_listeners *l, int channel)
{
    for (size_t i = 0; i < l->next_count; i++) {
        const struct rf_listener_sockets *s = &l->next[i];
        struct rf_channel_msg m = { .what = RF_SAY_LISTEN,
                                    .value = (uint32_t)i,
                                    .listener = rf_listener_launch_fd(s, 0) };
        enum rf_err err = rf_channel_post(channel, &m, s->fd, s->is_new ? l->workers : 0);

        if (err)
            return err;
    }
    return RF_OK;
}

void
rf_listeners_commit(struct rf_listeners *l)
{
    if (l->next == NULL)
        return;
    for (size_t i = 0; i < l->count; i++)
        if (!is_in_next(l, l->now[i].id))
            close_all(l, &l->now[i]);
    free(l->now);
    l->now = l->next;
    l->count = l->next_count;
    l->next = NULL;
    l->next_count = 0;
}

void
rf_listeners_abandon(struct rf_listeners *l)
{
    if (l->next == NULL)
        return;
    for (size_t i = 0; i < l->next_count; i++)
        if (l->next[i].is_new)
            close_all(l, &l->next[i]);
    free(l->next);
    l->next = NULL;
    l->next_count = 0;
}

/* --- what others see of it --- */

struct rf_launch_fd
rf_listener_launch_fd(const struct rf_listener_sockets *s, unsigned worker)
{
    struct rf_launch_fd f = { .kind = RF_FD_LISTENER, .fd = s->fd[worker], .a = (uint16_t)worker, .b = s->id,
                                  .transport = transport_of[s->item.at.scheme], .addr = s->addr };

    snprintf(f.name, sizeof f.name, "%s", rf_iface_row(s->item.iface)->name);
    return f;
}

void
rf_put_listeners(struct rf_buf *b, const struct rf_listeners *l, const char *interface)
{
    bool first = true;

    rf_put_char(b, '[');
    for (size_t i = 0; i < l->count; i++) {
        const struct rf_iface_listen *item = &l->now[i].item;

        if (interface != NULL && strcmp(interface, rf_iface_row(item->iface)->name) != 0)
            continue;
        rf_putf(b, "%s\"%s:", first ? "" : ",", rf_listen_scheme_name(item->at.scheme));
        rf_put_addr(b, &l->now[i].addr);
        rf_put_char(b, '"');
        first = false;
    }
    rf_put_char(b, ']');
}

void
rf_put_interfaces(struct rf_buf *b, const struct rf_listeners *l)
{
    bool first = true;

    rf_put_char(b, '{');
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        const char *name = rf_iface_row((enum rf_iface)i)->name;
        bool has_any = false;

        for (size_t k = 0; k < l->count; k++)
            has_any = has_any || l->now[k].item.iface == (enum rf_iface)i;
        if (!has_any)
            continue;
        rf_putf(b, "%s\"%s\":", first ? "" : ",", name);
        rf_put_listeners(b, l, name);
        first = false;
    }
    rf_put_char(b, '}');
}
