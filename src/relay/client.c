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
#define BATCH     16        /* requests or answers with one system call */
/* What nobody waits for waits so long for company: each wake-up of a media thread costs more than what it does then. */
#define MAY_WAIT_US 20000ull
#define SPARES_MAX    128
#define SPARES_LAST_US 100000ull /* of calls, at the rate of this second */

struct pending {
    struct rf_link link;     /* of its thread, oldest first */
    uint64_t cookie;         /* the caller's; ours is in the request */
    uint64_t first_us, due_us;
    bool is_sent;
    bool is_spare;           /* an OPEN of our own */
    bool is_outdated;        /* a later CHANGE of this leg was queued: not to be repeated */
    struct rf_media_request request;
};

struct to_thread {
    struct rf_watch watch;
    struct rf_media_client *client;
    struct rf_link pending;
    uint32_t opening;        /* OPENs without an answer: the map does not show them yet */
    uint32_t unsent;         /* of pending */
    bool is_blocked;         /* the socket took no more */
    bool has_unsent;         /* requests of this round, which leave together at its end: one wake-up for all */
};

/*
 * Sessions that were opened before a call asked for them, so that a busy worker's call need not wait for media, nor wake
 * it for this alone: what is used up is asked for together with the next request. At fewer than ten calls a second
 * there are none.
 */
struct spares {
    struct rf_media_request kind;    /* what they were opened with */
    struct rf_media_reply session[SPARES_MAX];
    uint32_t count, asked, wanted;
    bool is_short;                   /* ports have run out in this second: calls that are there come first */
    uint32_t opens;                  /* OPENs since the timer last fired */
    struct rf_timer timer;           /* each second while there is demand */
    struct rf_media_reply given[SPARES_MAX]; /* to callers, who are told at the beginning of the next round */
    uint32_t given_count;
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
    struct spares spares;
};

static enum rf_err send_to(struct rf_media_client *c, struct to_thread *t, const struct rf_media_request *request,
                           bool is_spare, uint64_t now_us);
static struct to_thread *least_busy(struct rf_media_client *c);

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
forget(struct to_thread *t, struct pending *p)
{
    rf_list_remove(&p->link);
    t->client->pending--;
    t->opening -= p->request.command == RF_MEDIA_OPEN;
    t->unsent -= !p->is_sent;
    rf_wipe(p, sizeof *p);
    free(p);
}

static void
mark_sent(struct to_thread *t, struct pending *p, uint64_t now_us)
{
    p->is_sent = true;
    p->due_us = now_us + REPEAT_US;
    t->unsent--;
}

/* The oldest that were not sent, BATCH at most. How many there were, in batch[]. */
static unsigned
next_unsent(const struct to_thread *t, struct rf_link **from, struct pending *batch[BATCH])
{
    unsigned n = 0;

    for (; *from != &t->pending && n < BATCH; *from = (*from)->next) {
        struct pending *p = rf_container(*from, struct pending, link);

        if (!p->is_sent)
            batch[n++] = p;
    }
    return n;
}

/* How many left. Fewer than n: the socket is full, or broken, and time repeats the rest. */
static unsigned
transmit(struct to_thread *t, struct pending *const batch[BATCH], unsigned n, uint64_t now_us)
{
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    int sent;

    memset(msg, 0, n * sizeof *msg);
    for (unsigned i = 0; i < n; i++) {
        iov[i] = (struct iovec){ &batch[i]->request, sizeof batch[i]->request };
        msg[i].msg_hdr.msg_iov = &iov[i];
        msg[i].msg_hdr.msg_iovlen = 1;
    }
    sent = sendmmsg(t->watch.fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (int i = 0; i < sent; i++)
        mark_sent(t, batch[i], now_us);
    return sent > 0 ? (unsigned)sent : 0;
}

/* All is sent: the timer need not wake us before the first repeat. */
static void
rearm(struct rf_media_client *c)
{
    uint64_t next_us = UINT64_MAX;

    for (uint32_t i = 0; i < c->conf.threads; i++) {
        struct to_thread *t = &c->thread[i];

        if (t->unsent > 0)
            return;
        /* Sent in this order, so the first is due first. */
        if (!rf_list_empty(&t->pending)) {
            uint64_t due_us = rf_container(t->pending.next, struct pending, link)->due_us;

            next_us = due_us < next_us ? due_us : next_us;
        }
    }
    if (next_us != UINT64_MAX && rf_timer_is_armed(&c->timer) && c->timer.due_us < next_us)
        rf_timer_arm(rf_loop_wheel(c->conf.loop), &c->timer, next_us);
}

static void
transmit_waiting(struct to_thread *t, uint64_t now_us)
{
    struct rf_link *from = t->pending.next;
    struct pending *batch[BATCH];
    unsigned n, sent;

    if (t->is_blocked)
        watch_for_room(t, false);
    while (t->unsent > 0 && (n = next_unsent(t, &from, batch)) > 0) {
        sent = transmit(t, batch, n, now_us);
        if (sent == n)
            continue;
        if (sent > 0 || errno == EAGAIN)
            watch_for_room(t, true);
        return;
    }
    rearm(t->client);
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

/* --- spare sessions --- */

static bool
is_kind(const struct spares *s, const struct rf_media_request *q)
{
    return q->family[0] == s->kind.family[0] && q->family[1] == s->kind.family[1] &&
           q->timeout_s == s->kind.timeout_s;
}

static void
close_spare(struct rf_media_client *c, struct rf_media_name name, uint64_t now_us)
{
    struct rf_media_request q = { .command = RF_MEDIA_CLOSE, .session = name, .is_ahead = 1 };

    /* When even this finds no room, it is lost until the next start sweeps. */
    (void)!send_to(c, thread_of(c, name), &q, false, now_us);
}

static void
ask_for_spares(struct rf_media_client *c, uint64_t now_us)
{
    struct spares *s = &c->spares;

    while (!s->is_short && s->count + s->asked < s->wanted) {
        if (send_to(c, least_busy(c), &s->kind, true, now_us) != RF_OK)
            return;
        s->asked++;
    }
}

static void
want_spares(struct spares *s)
{
    uint64_t wanted = s->opens * SPARES_LAST_US / RF_S;

    s->wanted = wanted < SPARES_MAX ? (uint32_t)wanted : SPARES_MAX;
}

static void
spare_opened(struct rf_media_client *c, const struct rf_media_reply *reply, uint64_t now_us)
{
    struct spares *s = &c->spares;

    s->asked--;
    if (reply->event != RF_MEDIA_OPENED)
        s->is_short = true;
    else if (s->count < SPARES_MAX)
        s->session[s->count++] = *reply;
    else
        close_spare(c, reply->session, now_us);
}

static void
on_second(struct rf_timer *timer, uint64_t now_us)
{
    struct rf_media_client *c = rf_container(timer, struct rf_media_client, spares.timer);
    struct spares *s = &c->spares;

    want_spares(s);
    while (s->count > s->wanted)
        close_spare(c, s->session[--s->count].session, now_us);
    if (s->opens > 0 || s->count > 0)
        rf_timer_arm(rf_loop_wheel(c->conf.loop), timer, now_us + RF_S);
    s->opens = 0;
    s->is_short = false;
}

static void
count_open(struct rf_media_client *c, const struct rf_media_request *q, uint64_t now_us)
{
    struct spares *s = &c->spares;
    uint32_t wanted = s->wanted;

    if (!is_kind(s, q) && s->count + s->asked == 0) {
        s->kind = *q;
        s->kind.is_ahead = 1;
    }
    s->opens++;
    want_spares(s);
    if (s->wanted < wanted)
        s->wanted = wanted; /* the second is young */
    if (!rf_timer_is_armed(&s->timer))
        rf_timer_arm(rf_loop_wheel(c->conf.loop), &s->timer, now_us + RF_S);
}

/* The answer to an OPEN, as if media had given it; told later, since who sends is not called back. */
static bool
give_spare(struct rf_media_client *c, const struct rf_media_request *q)
{
    struct spares *s = &c->spares;

    if (s->count == 0 || s->given_count == SPARES_MAX || !is_kind(s, q))
        return false;
    s->given[s->given_count] = s->session[--s->count];
    s->given[s->given_count++].cookie = q->cookie;
    return true;
}

static void
tell_given(struct rf_media_client *c, uint64_t now_us)
{
    struct spares *s = &c->spares;
    uint32_t n = s->given_count;

    for (uint32_t i = 0; i < n; i++)
        c->conf.reply(c->conf.ctx, &s->given[i], now_us); /* may add to them */
    s->given_count -= n;
    memmove(s->given, s->given + n, s->given_count * sizeof s->given[0]);
}

/* --- answers --- */

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
        reply->cookie = p->cookie;
        if (p->is_spare) {
            forget(t, p);
            spare_opened(c, reply, now_us);
            return;
        }
        if (reply->event == RF_MEDIA_FULL && p->request.command == RF_MEDIA_OPEN && give_spare(c, &p->request)) {
            c->spares.given[c->spares.given_count - 1].cookie = p->cookie;
            forget(t, p);
            return;
        }
        forget(t, p);
    }
    c->conf.reply(c->conf.ctx, reply, now_us);
}

/* How many came, their lengths in octets[]; 0: none, or the other end is closed. */
static int
take_replies(struct to_thread *t, struct rf_media_reply reply[BATCH], size_t octets[BATCH])
{
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    int n;

    memset(msg, 0, sizeof msg);
    for (unsigned i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){ &reply[i], sizeof reply[i] };
        msg[i].msg_hdr.msg_iov = &iov[i];
        msg[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(t->watch.fd, msg, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    for (int i = 0; i < n; i++) {
        octets[i] = msg[i].msg_len;
        if (octets[i] == 0)
            return i;
    }
    return n > 0 ? n : 0;
}

static void
on_ready(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct to_thread *t = rf_container(w, struct to_thread, watch);
    struct rf_media_reply reply[BATCH];
    size_t octets[BATCH];
    int n = BATCH;

    if (events & EPOLLOUT)
        transmit_waiting(t, now_us);
    if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN)) {
        rf_loop_unwatch(t->client->conf.loop, w); /* the parent is gone, and so are we soon */
        return;
    }
    /* Fewer than fit: the socket is empty. And bounded: signal has other work between; the rest makes the socket
     * readable again. */
    for (unsigned i = 0; i < 4 && n == BATCH; i++) {
        n = take_replies(t, reply, octets);
        for (int k = 0; k < n; k++)
            if (rf_media_reply_check(&reply[k], octets[k]) == RF_OK &&
                (reply[k].event == RF_MEDIA_FULL || reply[k].event == RF_MEDIA_GONE ||
                 thread_of(t->client, reply[k].session) == t))
                deliver(t, &reply[k], now_us);
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

    if (p->request.command == RF_MEDIA_OPEN)
        c->given_up[c->given_up_count++ % GIVEN_UP] = p->request.cookie;
    if (p->is_spare) {
        forget(t, p);
        spare_opened(c, &reply, now_us);
        return;
    }
    forget(t, p);
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
        bool needs_sending = false;

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
                t->unsent++;
            }
            needs_sending |= p->due_us <= now_us && !p->is_sent;
            if (p->due_us <= now_us)
                p->due_us = now_us + REPEAT_US;
            if (p->due_us < next_us)
                next_us = p->due_us;
        }
        if (needs_sending && !t->is_blocked)
            transmit_waiting(t, now_us);
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
has_work(struct rf_loop_source *s)
{
    const struct rf_media_client *c = rf_container(s, struct rf_media_client, source);

    return c->has_unsent || c->spares.given_count > 0;
}

static void
round_begins(struct rf_loop_source *s, uint64_t now_us)
{
    struct rf_media_client *c = rf_container(s, struct rf_media_client, source);

    tell_given(c, now_us);
    send_unsent(c, now_us);
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
    c->spares.timer.fire = on_second;
    c->hook.run = round_ends;
    c->source.has_work = has_work;
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
    rf_timer_cancel(rf_loop_wheel(c->conf.loop), &c->spares.timer);
    rf_loop_remove_hook(c->conf.loop, &c->hook);
    rf_loop_remove_source(c->conf.loop, &c->source);
    for (uint32_t i = 0; c->thread != NULL && i < c->conf.threads; i++) {
        struct to_thread *t = &c->thread[i];

        if (t->watch.is_watched && !t->is_blocked)
            transmit_waiting(t, rf_now_us()); /* a CLOSE that waited */
        if (t->watch.is_watched)
            rf_loop_unwatch(c->conf.loop, &t->watch);
        while (!rf_list_empty(&t->pending))
            forget(t, rf_container(t->pending.next, struct pending, link));
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

/* By pairs of ports that cannot be had, of all workers' sessions: short calls leave ports that rest, and a thread
 * whose share of the range has run out refuses calls while another has room. */
static struct to_thread *
least_busy(struct rf_media_client *c)
{
    uint32_t best = c->next_thread % c->conf.threads;
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < c->conf.threads; i++) {
        uint32_t number = (c->next_thread + i) % c->conf.threads;
        uint64_t busy = (uint64_t)rf_media_map_busy(c->conf.map, number) + 2ull * c->thread[number].opening;

        if (busy < least) {
            best = number;
            least = busy;
        }
    }
    c->next_thread = best + 1;
    return &c->thread[best];
}

static enum rf_err
send_to(struct rf_media_client *c, struct to_thread *t, const struct rf_media_request *request, bool is_spare,
        uint64_t now_us)
{
    bool may_wait = is_spare || request->command == RF_MEDIA_CLOSE;
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
    p->due_us = now_us + (may_wait ? MAY_WAIT_US : REPEAT_US);
    p->is_spare = is_spare;
    rf_list_append(&t->pending, &p->link);
    c->pending++;
    t->unsent++;
    t->opening += request->command == RF_MEDIA_OPEN;
    if (!may_wait)
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

    for (uint32_t i = 0; i < c->conf.threads; i++)
        c->thread[i].has_unsent = c->has_unsent = true;
    send_unsent(c, now_us);
    q.version = RF_MEDIA_VERSION;
    q.epoch = c->conf.epoch;
    for (uint32_t i = 0; i < c->conf.threads; i++)
        if (send(c->thread[i].watch.fd, &q, sizeof q, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof q)
            err = RF_ERR_NOMEM;
    return err;
}

static enum rf_err
open(struct rf_media_client *c, const struct rf_media_request *request, uint64_t now_us)
{
    enum rf_err err = RF_OK;

    count_open(c, request, now_us);
    if (!give_spare(c, request))
        err = send_to(c, least_busy(c), request, false, now_us);
    ask_for_spares(c, now_us);
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
    if (request->command == RF_MEDIA_OPEN)
        return open(c, request, now_us);
    t = thread_of(c, request->session);
    return t != NULL ? send_to(c, t, request, false, now_us) : RF_ERR_RANGE;
}

size_t
rf_media_client_pending(const struct rf_media_client *c)
{
    return c->pending;
}
