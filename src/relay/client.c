/*
 * relay/client.c - requests that wait for their answer
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/list.h"
#include "base/rand.h"
#include "base/secret.h"
#include "relay/client.h"

#define REPEAT_US 500000ull /* a media process that died is back before that */
#define GIVEN_UP  64        /* OPENs we answered FULL ourselves, to end what is opened after all */

struct pending {
    struct rf_link link;     /* of its thread, oldest first */
    uint64_t cookie;         /* the caller's; ours is in the request */
    uint64_t first_us, due_us;
    bool is_sent;
    bool is_outdated;        /* a later CHANGE of this leg was queued: not to be repeated */
    struct rf_media_request request;
};

struct to_thread {
    struct rf_watch watch;
    struct rf_media_client *client;
    struct rf_link pending;
    uint32_t number;
    uint32_t sessions;
    bool is_blocked;         /* the socket took no more */
    bool has_unsent;         /* requests of this round, which leave together at its end: one wake-up for all */
};

struct rf_media_client {
    struct rf_media_client_conf conf;
    struct to_thread *thread;
    struct rf_timer timer;
    struct rf_loop_hook hook;     /* sends at the end of a round */
    struct rf_loop_source source; /* and before the loop sleeps, what was queued outside of a round */
    bool has_unsent;
    uint64_t next_cookie;    /* starts anywhere: answers to a signal process before us may still come */
    uint64_t given_up[GIVEN_UP];
    uint32_t given_up_count;
    uint32_t next_thread;    /* among equals */
    size_t pending;
};

static void
watch_for_room(struct to_thread *t, bool is_blocked)
{
    t->is_blocked = is_blocked;
    rf_loop_rewatch(t->client->conf.loop, &t->watch, EPOLLIN | (is_blocked ? EPOLLOUT : 0));
}

static void
arm(struct rf_media_client *c, uint64_t due_us)
{
    if (!rf_timer_is_armed(&c->timer) || c->timer.due_us > due_us)
        rf_timer_arm(rf_loop_wheel(c->conf.loop), &c->timer, due_us);
}

static void
forget(struct rf_media_client *c, struct pending *p)
{
    rf_list_remove(&p->link);
    c->pending--;
    rf_wipe(p, sizeof *p);
    free(p);
}

static void
transmit(struct to_thread *t, struct pending *p, uint64_t now_us)
{
    ssize_t n = send(t->watch.fd, &p->request, sizeof p->request, MSG_DONTWAIT | MSG_NOSIGNAL);

    p->due_us = now_us + REPEAT_US;
    if (n == (ssize_t)sizeof p->request)
        p->is_sent = true;
    else if (errno == EAGAIN)
        watch_for_room(t, true);
}

static void
transmit_waiting(struct to_thread *t, uint64_t now_us)
{
    watch_for_room(t, false);
    for (struct rf_link *l = t->pending.next; l != &t->pending && !t->is_blocked; l = l->next) {
        struct pending *p = rf_container(l, struct pending, link);

        if (!p->is_sent)
            transmit(t, p, now_us);
    }
}

static struct pending *
find(struct to_thread *t, uint64_t cookie)
{
    for (struct rf_link *l = t->pending.next; l != &t->pending; l = l->next) {
        struct pending *p = rf_container(l, struct pending, link);

        if (p->request.cookie == cookie)
            return p;
    }
    return NULL;
}

static struct to_thread *
thread_of(struct rf_media_client *c, struct rf_media_name name)
{
    uint32_t number = name.slot / c->conf.slots_per_thread;

    return number < c->conf.threads ? &c->thread[number] : NULL;
}

/* --- answers --- */

static void
count_sessions(struct to_thread *t, uint32_t command, uint32_t event)
{
    if (event == RF_MEDIA_OPENED || event == RF_MEDIA_ADOPTED)
        t->sessions++;
    else if (command == RF_MEDIA_CLOSE && t->sessions > 0)
        t->sessions--;
}

/* An OPEN that we gave up was done after all. */
static void
close_unwanted(struct to_thread *t, const struct rf_media_reply *reply)
{
    struct rf_media_request q = {
        .version = RF_MEDIA_VERSION,
        .command = RF_MEDIA_CLOSE,
        .epoch = t->client->conf.epoch,
        .session = reply->session,
    };

    /* When even this finds no room, the session ends by its timeout. */
    send(t->watch.fd, &q, sizeof q, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
deliver(struct to_thread *t, struct rf_media_reply *reply, uint64_t now_us)
{
    struct rf_media_client *c = t->client;
    struct pending *p;

    if (reply->cookie != 0) {
        p = find(t, reply->cookie);
        if (p == NULL) {
            /* A request that was sent twice is answered twice; only what we gave up is not wanted. */
            for (unsigned i = 0; i < GIVEN_UP && reply->event == RF_MEDIA_OPENED; i++)
                if (c->given_up[i] == reply->cookie)
                    close_unwanted(t, reply);
            return;
        }
        count_sessions(t, p->request.command, reply->event);
        reply->cookie = p->cookie;
        forget(c, p);
    }
    c->conf.reply(c->conf.ctx, reply, now_us);
}

static void
on_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct to_thread *t = rf_container(w, struct to_thread, watch);
    struct rf_media_reply reply;

    if (events & EPOLLOUT)
        transmit_waiting(t, now_us);
    if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN)) {
        rf_loop_unwatch(t->client->conf.loop, w); /* the parent is gone, and so are we soon */
        return;
    }
    /* Bounded: signal has other work between. The rest makes the socket readable again. */
    for (unsigned i = 0; i < 64; i++) {
        ssize_t n = recv(w->fd, &reply, sizeof reply, MSG_DONTWAIT | MSG_TRUNC);

        if (n <= 0)
            return;
        if (rf_media_reply_check(&reply, (size_t)n) == RF_OK &&
            (reply.event == RF_MEDIA_FULL || reply.event == RF_MEDIA_GONE || thread_of(t->client, reply.session) == t))
            deliver(t, &reply, now_us);
    }
}

/* --- time --- */

static void
give_up(struct to_thread *t, struct pending *p, uint64_t now_us)
{
    struct rf_media_client *c = t->client;
    struct rf_media_reply reply = {
        .version = RF_MEDIA_VERSION,
        .event = p->request.command == RF_MEDIA_OPEN || p->request.command == RF_MEDIA_EXTEND ? RF_MEDIA_FULL
                                                                                             : RF_MEDIA_GONE,
        .cookie = p->cookie,
        .session = p->request.session,
        .leg = p->request.leg,
    };

    count_sessions(t, p->request.command, 0);
    if (p->request.command == RF_MEDIA_OPEN)
        c->given_up[c->given_up_count++ % GIVEN_UP] = p->request.cookie;
    forget(c, p);
    c->conf.reply(c->conf.ctx, &reply, now_us);
}

static void
on_timer(struct rf_timer *timer, uint64_t now_us)
{
    struct rf_media_client *c = rf_container(timer, struct rf_media_client, timer);
    uint64_t next_us = UINT64_MAX;

    for (uint32_t i = 0; i < c->conf.threads; i++) {
        struct to_thread *t = &c->thread[i];
        struct rf_link *l = t->pending.next;

        while (l != &t->pending) {
            struct pending *p = rf_container(l, struct pending, link);

            l = l->next;
            /* It may have been sent in this round, after the clock was read: not a difference, which would wrap. */
            if (p->first_us + RF_MEDIA_CLIENT_US <= now_us) {
                /* The caller may send and so change the list: start over, with one fewer. */
                give_up(t, p, now_us);
                l = t->pending.next;
                continue;
            }
            if (p->due_us <= now_us && p->is_sent && !p->is_outdated) {
                p->request.is_repeat = 1;
                p->is_sent = false;
                transmit(t, p, now_us);
            }
            if (p->due_us <= now_us)
                p->due_us = now_us + REPEAT_US;
            if (p->due_us < next_us)
                next_us = p->due_us;
        }
    }
    if (next_us != UINT64_MAX)
        arm(c, next_us);
}

static void
send_unsent(struct rf_media_client *c, uint64_t now_us)
{
    if (!c->has_unsent)
        return;
    c->has_unsent = false;
    for (uint32_t i = 0; i < c->conf.threads; i++) {
        struct to_thread *t = &c->thread[i];

        if (t->has_unsent && !t->is_blocked)
            transmit_waiting(t, now_us);
        t->has_unsent = false;
    }
}

static bool
has_unsent(struct rf_loop_source *s)
{
    return rf_container(s, struct rf_media_client, source)->has_unsent;
}

static void
round_begins(struct rf_loop_source *s, uint64_t now_us)
{
    send_unsent(rf_container(s, struct rf_media_client, source), now_us);
}

static void
round_ends(struct rf_loop_hook *h, uint64_t now_us)
{
    send_unsent(rf_container(h, struct rf_media_client, hook), now_us);
}

/* --- life --- */

enum rf_err
rf_media_client_new(struct rf_media_client **out, const struct rf_media_client_conf *conf)
{
    struct rf_media_client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return RF_ERR_NOMEM;
    c->conf = *conf;
    c->next_cookie = rf_rand_u64(&rf_rand_system);
    c->timer.fire = on_timer;
    c->hook.run = round_ends;
    c->source.has_work = has_unsent;
    c->source.work = round_begins;
    rf_loop_add_hook(conf->loop, &c->hook);
    rf_loop_add_source(conf->loop, &c->source);
    c->thread = calloc(conf->threads, sizeof *c->thread);
    if (c->thread == NULL) {
        rf_media_client_free(c);
        return RF_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < conf->threads; i++)
        rf_list_init(&c->thread[i].pending);
    for (uint32_t i = 0; i < conf->threads; i++) {
        struct to_thread *t = &c->thread[i];

        t->client = c;
        t->number = i;
        t->watch.fd = conf->control[i];
        t->watch.ready = on_ready;
        if (rf_loop_watch(conf->loop, &t->watch, EPOLLIN) != RF_OK) {
            rf_media_client_free(c);
            return RF_ERR_IO;
        }
    }
    *out = c;
    return RF_OK;
}

void
rf_media_client_free(struct rf_media_client *c)
{
    if (c == NULL)
        return;
    rf_timer_cancel(rf_loop_wheel(c->conf.loop), &c->timer);
    rf_loop_remove_hook(c->conf.loop, &c->hook);
    rf_loop_remove_source(c->conf.loop, &c->source);
    for (uint32_t i = 0; c->thread != NULL && i < c->conf.threads; i++) {
        struct to_thread *t = &c->thread[i];

        if (t->watch.is_watched)
            rf_loop_unwatch(c->conf.loop, &t->watch);
        while (!rf_list_empty(&t->pending))
            forget(c, rf_container(t->pending.next, struct pending, link));
    }
    free(c->thread);
    free(c);
}

/* A repeated old CHANGE must not undo a later one: each is sent once, in order, and the newest alone again. */
static void
outdate(struct to_thread *t, const struct rf_media_request *q)
{
    for (struct rf_link *l = t->pending.next; l != &t->pending; l = l->next) {
        struct pending *p = rf_container(l, struct pending, link);

        if (p->request.command == RF_MEDIA_CHANGE && p->request.leg == q->leg &&
            p->request.session.slot == q->session.slot &&
            p->request.session.generation == q->session.generation)
            p->is_outdated = true;
    }
}

static struct to_thread *
least_busy(struct rf_media_client *c)
{
    struct to_thread *best = NULL;

    for (uint32_t i = 0; i < c->conf.threads; i++) {
        struct to_thread *t = &c->thread[(c->next_thread + i) % c->conf.threads];

        if (best == NULL || t->sessions < best->sessions)
            best = t;
    }
    c->next_thread = (best->number + 1) % c->conf.threads;
    return best;
}

static enum rf_err
send_to(struct rf_media_client *c, struct to_thread *t, const struct rf_media_request *request, uint64_t now_us)
{
    struct pending *p;

    if (c->pending >= RF_MEDIA_CLIENT_PENDING)
        return RF_ERR_NOMEM;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return RF_ERR_NOMEM;
    if (request->command == RF_MEDIA_CHANGE)
        outdate(t, request);
    p->request = *request;
    p->request.version = RF_MEDIA_VERSION;
    p->request.epoch = c->conf.epoch;
    p->request.is_repeat = 0;
    if (++c->next_cookie == 0)
        c->next_cookie = 1; /* 0 stands for "answers nothing" */
    p->request.cookie = c->next_cookie;
    p->cookie = request->cookie;
    p->first_us = now_us;
    p->due_us = now_us + REPEAT_US;
    rf_list_append(&t->pending, &p->link);
    c->pending++;
    t->has_unsent = c->has_unsent = true;
    arm(c, p->due_us);
    return RF_OK;
}

/* It ends the sessions that nobody has claimed, so the claims go first. */
static enum rf_err
sweep(struct rf_media_client *c, const struct rf_media_request *request, uint64_t now_us)
{
    struct rf_media_request q = *request;
    enum rf_err err = RF_OK;

    send_unsent(c, now_us);
    q.version = RF_MEDIA_VERSION;
    q.epoch = c->conf.epoch;
    for (uint32_t i = 0; i < c->conf.threads; i++)
        if (send(c->thread[i].watch.fd, &q, sizeof q, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof q)
            err = RF_ERR_NOMEM;
    return err;
}

enum rf_err
rf_media_client_send(struct rf_media_client *c, const struct rf_media_request *request, uint64_t now_us)
{
    struct rf_media_request checked = *request;
    struct to_thread *t;
    enum rf_err err;

    checked.version = RF_MEDIA_VERSION;
    err = rf_media_request_check(&checked, sizeof checked);
    rf_wipe(&checked, sizeof checked);
    if (err)
        return err;
    if (request->command == RF_MEDIA_SWEEP)
        return sweep(c, request, now_us);
    t = request->command == RF_MEDIA_OPEN ? least_busy(c) : thread_of(c, request->session);
    return t != NULL ? send_to(c, t, request, now_us) : RF_ERR_RANGE;
}

size_t
rf_media_client_pending(const struct rf_media_client *c)
{
    return c->pending;
}
