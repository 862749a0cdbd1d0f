/*
 * main/listendesk.c - listeners that come and go by a reload: from the parent's words to the workers' sockets
 */
#include <stdlib.h>
#include <unistd.h>

#include "main/desk.h"

bool
rf_desk_give(struct rf_mailbox *to, const void *letter, size_t n)
{
    for (int tries = 0; tries < 1000; tries++) {
        if (rf_worker_post(to, letter, n, rf_span(NULL, 0)))
            return true;
        usleep(1000);
    }
    RF_LOGF(RF_LOG_ERROR, "reload.late", "a worker could not be given the new configuration");
    return false;
}

void
rf_desk_forget_listeners(struct rf_desk *d)
{
    for (size_t i = 0; i < d->next_count; i++)
        for (size_t k = 0; k < d->next[i].fds; k++)
            close(d->next[i].fd[k]);
    d->next_count = 0;
}

void
rf_desk_listener(struct rf_desk *d, const struct rf_channel_msg *m, const int *fds, size_t n)
{
    struct rf_desk_listener *next;

    if (m->value == 0)
        rf_desk_forget_listeners(d); /* of a change that came to nothing */
    /* Out of turn: the reload that follows finds too few and changes nothing. */
    if (m->value != d->next_count || d->next_count == RF_LISTENERS_MAX || (n != 0 && n != d->conf.shared->workers)) {
        while (n > 0)
            close(fds[--n]);
        return;
    }
    next = &d->next[d->next_count++];
    next->at = m->listener;
    next->fds = n;
    memcpy(next->fd, fds, n * sizeof *fds);
}

struct rf_mailbox *
rf_acceptor(const struct rf_signal *s, const char *interface, unsigned worker)
{
    bool is_web = strcmp(interface, rf_iface_row(RF_IFACE_HTTPS)->name) == 0 ||
                  strcmp(interface, rf_iface_row(RF_IFACE_METRICS)->name) == 0;

    return is_web ? s->web : s->worker[worker]->letters;
}

static void
open_listener(struct rf_desk *d, struct rf_desk_listener *next)
{
    for (unsigned w = 0; w < next->fds; w++) {
        struct rf_letter_listen letter = { .head = { .kind = RF_LETTER_LISTEN, .from = RF_WORKERS_MAX },
                                           .id = next->at.b, .fd = next->fd[w], .transport = next->at.transport };

        memcpy(letter.name, next->at.name, sizeof letter.name);
        if (!rf_desk_give(rf_acceptor(d->conf.shared, letter.name, w), &letter, sizeof letter))
            close(next->fd[w]);
    }
    next->fds = 0; /* they are the workers' */
}

static bool
is_listener_of(const struct rf_site *s, uint32_t id)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listener[i].id == id)
            return true;
    return false;
}

void
rf_desk_change_listeners(struct rf_desk *d, const struct rf_site *was)
{
    for (size_t i = 0; i < d->next_count; i++)
        open_listener(d, &d->next[i]);
    d->next_count = 0;
    for (size_t i = 0; i < was->listener_count; i++) {
        struct rf_letter_listen letter = { .head = { .kind = RF_LETTER_UNLISTEN, .from = RF_WORKERS_MAX },
                                           .id = was->listener[i].id };

        for (unsigned w = 0; !is_listener_of(d->site, letter.id) && w < d->conf.shared->workers; w++)
            (void)rf_desk_give(rf_acceptor(d->conf.shared, was->listener[i].name, w), &letter, sizeof letter);
    }
}
