/*
 * relay/media.c - threads of the media process: control messages, ticks, bursts of packets
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "loop/loop.h"
#include "relay/media.h"
#include "relay/ports.h"

#define WORKERS_MAX     64
#define OUTBOX          256       /* answers and events that wait for a signal worker */
#define OUTBOX_LAZY_MAX 64        /* beyond that they leave although nobody waits for them */
#define REQUESTS_MAX    16        /* taken or sent with one system call */
#define WAITING_MAX     64        /* OPENs that wait for ports; the parent binds 16 pairs in about 1 ms */
#define WAITING_US      1500000ull /* then FULL; the client gives up after 2 s */
#define HOUSEKEEPING_US 50000ull
#define IDLE_MS         1000      /* with nothing to look after: only to show that the loop turns */
#define SWEEPS_A_TICK   64        /* rounds of epoll before time is looked at again */
#define TICK_ON_PPS     400       /* packets a second above which the thread ticks ... */
#define TICK_OFF_PPS    200       /* ... and below which it waits: apart, so that it does not flap */
#define TIMER_SLACK_NS  1000      /* the default of 50 us would be 5 % of a tick */

/* One signal worker, as this thread sees it. */
struct link {
    int fd;
    bool is_blocked;   /* its socket took no more */
    bool is_awaited;   /* somebody waits for what lies in the outbox */
    uint32_t head, count;
    struct rf_media_reply outbox[OUTBOX];
};

struct waiting {
    uint32_t worker;
    uint64_t since_us;
    struct rf_media_request request;
};

struct thread {
    const struct rf_media_start *start;
    uint32_t number;
    int epoll;
    _Atomic bool is_stopped;
    struct rf_relay *relay;
    struct rf_ports *ports;
    struct rf_media_load *load;
    struct link *link;            /* a worker each */
    bool has_awaited;             /* one of them */
    struct rf_media_request request[REQUESTS_MAX]; /* as they came; wiped at once */
    struct waiting waiting[WAITING_MAX];
    uint32_t waiting_count;
    uint8_t *memory;              /* of the frames */
    struct rf_frame frame[RF_BATCH_MAX];
    uint64_t packets;             /* in this thread's life */
    uint64_t counted, counted_us; /* for the rate */
    uint64_t housekeeping_us;
    bool is_ticking;
    pthread_t id;
};

/* --- to signal --- */

static void
rewatch(struct thread *t, uint32_t worker)
{
    struct link *l = &t->link[worker];
    /* Answers need room: while they queue up, no more questions are taken. */
    uint32_t events = (l->count < OUTBOX / 2 ? EPOLLIN : 0) | (l->is_blocked ? EPOLLOUT : 0);
    struct epoll_event e = { .events = events, .data.u64 = (uint64_t)RF_WATCH_CONTROL << 32 | worker };

    epoll_ctl(t->epoll, EPOLL_CTL_MOD, l->fd, &e);
}

/* How many of the oldest replies the socket took, or had no use for; fewer than n: it is full. */
static uint32_t
send_replies(struct link *l, uint32_t n)
{
    struct mmsghdr msg[REQUESTS_MAX];
    struct iovec iov[REQUESTS_MAX];
    int sent;

    memset(msg, 0, n * sizeof *msg);
    for (uint32_t i = 0; i < n; i++) {
        iov[i] = (struct iovec){ &l->outbox[(l->head + i) % OUTBOX], sizeof l->outbox[0] };
        msg[i].msg_hdr.msg_iov = &iov[i];
        msg[i].msg_hdr.msg_iovlen = 1;
    }
    sent = sendmmsg(l->fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN ? 0 : n;
    return (uint32_t)sent;
}

static void
flush(struct thread *t, uint32_t worker)
{
    struct link *l = &t->link[worker];
    bool was_blocked = l->is_blocked;

    l->is_blocked = false;
    while (l->count > 0 && !l->is_blocked) {
        uint32_t n = l->count < REQUESTS_MAX ? l->count : REQUESTS_MAX, sent = send_replies(l, n);

        l->head = (l->head + sent) % OUTBOX;
        l->count -= sent;
        l->is_blocked = sent < n;
    }
    l->is_awaited = false;
    if (l->is_blocked != was_blocked)
        rewatch(t, worker);
}

/* Each wake-up of the worker costs more than the answer: what it does not wait for leaves with what it does, or at
 * the next housekeeping. Its client repeats a request only after ten times as long. */
static bool
post(struct thread *t, uint32_t worker, const struct rf_media_reply *reply, bool is_awaited)
{
    struct link *l = &t->link[worker];

    if (l->count == OUTBOX)
        return false;
    l->outbox[(l->head + l->count) % OUTBOX] = *reply;
    l->count++;
    if (is_awaited || l->count >= OUTBOX_LAZY_MAX)
        l->is_awaited = t->has_awaited = true;
    return true;
}

/* At the end of a round; `all`: also what nobody waits for. */
static void
flush_all(struct thread *t, bool all)
{
    if (!all && !t->has_awaited)
        return;
    t->has_awaited = false;
    for (uint32_t w = 0; w < t->start->workers; w++)
        if (t->link[w].count > 0 && !t->link[w].is_blocked && (all || t->link[w].is_awaited))
            flush(t, w);
}

static bool
owes_replies(const struct thread *t)
{
    for (uint32_t w = 0; w < t->start->workers; w++)
        if (t->link[w].count > 0)
            return true;
    return false;
}

static bool
on_event(void *ctx, uint32_t worker, const struct rf_media_reply *event)
{
    struct thread *t = ctx;

    /* The worker is a number from the map: signal may have been started with fewer since. An event may be put
     * off, an answer not: half of the queue is theirs. */
    if (worker >= t->start->workers)
        return true;
    return t->link[worker].count < OUTBOX / 2 && post(t, worker, event, true);
}

/* --- from signal --- */

static bool
is_waiting(const struct thread *t, uint32_t worker, const struct rf_media_request *q)
{
    for (uint32_t i = 0; i < t->waiting_count; i++)
        if (t->waiting[i].worker == worker && t->waiting[i].request.epoch == q->epoch &&
            t->waiting[i].request.cookie == q->cookie)
            return true;
    return false;
}

static void
answer(struct thread *t, uint32_t worker, const struct rf_media_request *q, const struct rf_media_reply *reply)
{
    post(t, worker, reply, reply->event != RF_MEDIA_CHANGED && reply->event != RF_MEDIA_CLOSED && !q->is_ahead);
}

static void
answer_full(struct thread *t, uint32_t worker, const struct rf_media_request *q)
{
    struct rf_media_reply reply = { .version = RF_MEDIA_VERSION, .event = RF_MEDIA_FULL, .cookie = q->cookie };

    answer(t, worker, q, &reply);
}

static void
handle(struct thread *t, uint32_t worker, const struct rf_media_request *q, uint64_t now_us)
{
    struct rf_media_reply reply;
    enum rf_err err = rf_relay_request(t->relay, worker, q, &reply, now_us);

    if (err == RF_OK) {
        answer(t, worker, q, &reply);
    } else if (err == RF_ERR_AGAIN) {
        if (is_waiting(t, worker, q))
            return;
        if (t->waiting_count < WAITING_MAX)
            t->waiting[t->waiting_count++] = (struct waiting){ worker, now_us, *q };
        else
            answer_full(t, worker, q);
    }
}

/* A request that cannot be right: signal is broken or taken over. The session it names is ended. */
static void
handle_nonsense(struct thread *t, uint32_t worker, const struct rf_media_request *q, size_t octets, uint64_t now_us)
{
    struct rf_media_request end = { .version = RF_MEDIA_VERSION, .command = RF_MEDIA_CLOSE };

    RF_LOGF(RF_LOG_ERROR, "media.bad_request", "signal sent a request that cannot be right",
            RF_F_U64("worker", worker), RF_F_U64("octets", octets));
    if (octets != sizeof *q)
        return;
    end.cookie = q->cookie;
    end.session = q->session;
    handle(t, worker, &end, now_us);
}

/* How many came: messages of t->request, their lengths in octets[]. */
static int
take_requests(struct thread *t, uint32_t worker, size_t octets[REQUESTS_MAX])
{
    struct mmsghdr msg[REQUESTS_MAX];
    struct iovec iov[REQUESTS_MAX];
    int n;

    memset(msg, 0, sizeof msg);
    for (unsigned i = 0; i < REQUESTS_MAX; i++) {
        iov[i] = (struct iovec){ &t->request[i], sizeof t->request[i] };
        msg[i].msg_hdr.msg_iov = &iov[i];
        msg[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(t->link[worker].fd, msg, REQUESTS_MAX, MSG_DONTWAIT | MSG_TRUNC, NULL);
    for (int i = 0; i < n; i++) {
        octets[i] = msg[i].msg_len;
        if (octets[i] == 0) /* the other end is closed */
            return i;
    }
    return n;
}

static void
read_requests(struct thread *t, uint32_t worker, uint64_t now_us)
{
    size_t octets[REQUESTS_MAX];
    int n = REQUESTS_MAX;

    /* Fewer than fit: the socket is empty, and asking again would cost a system call. */
    while (n == REQUESTS_MAX && t->link[worker].count < OUTBOX / 2) {
        n = take_requests(t, worker, octets);
        for (int i = 0; i < n; i++) {
            const struct rf_media_request *q = &t->request[i];

            if (rf_media_request_check(q, octets[i]) == RF_OK)
                handle(t, worker, q, now_us);
            else
                handle_nonsense(t, worker, q, octets[i], now_us);
        }
        if (n > 0)
            rf_wipe(t->request, (size_t)n * sizeof t->request[0]);
        flush_all(t, false);
    }
    if (t->link[worker].count >= OUTBOX / 2)
        rewatch(t, worker);
}

static void
on_control(struct thread *t, uint32_t worker, uint32_t events, uint64_t now_us)
{
    if (events & EPOLLOUT) {
        flush(t, worker);
        rewatch(t, worker);
    }
    if (events & EPOLLIN)
        read_requests(t, worker, now_us);
    else if (events & (EPOLLHUP | EPOLLERR))
        t->is_stopped = true; /* the parent holds the other end: it is gone */
}

/* OPENs that waited: there are more ports now, or it took too long. */
static void
offer_again(struct thread *t, uint64_t now_us)
{
    uint32_t n = t->waiting_count, kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct waiting *w = &t->waiting[i];
        struct rf_media_reply reply;
        enum rf_err err = rf_relay_request(t->relay, w->worker, &w->request, &reply, now_us);

        if (err == RF_ERR_AGAIN && now_us - w->since_us < WAITING_US)
            t->waiting[kept++] = *w;
        else if (err == RF_OK)
            answer(t, w->worker, &w->request, &reply);
        else
            answer_full(t, w->worker, &w->request);
    }
    t->waiting_count = kept;
}

/* --- rounds --- */

static void
on_channel(struct thread *t, uint64_t now_us)
{
    enum rf_err err;

    if (rf_ports_readable(t->ports, now_us, &err))
        offer_again(t, now_us);
    if (err == RF_ERR_CLOSED || err == RF_ERR_IO)
        t->is_stopped = true;
}

/* For the placement of new sessions. */
static void
tell_load(struct thread *t)
{
    uint32_t busy = rf_ports_busy(t->ports);

    if (atomic_load_explicit(&t->load->busy, memory_order_relaxed) != busy)
        atomic_store_explicit(&t->load->busy, busy, memory_order_relaxed);
}

/* Everything that waits, at most `sweeps` times RF_BATCH_MAX. */
static void
sweep(struct thread *t, int timeout_ms)
{
    struct epoll_event events[RF_BATCH_MAX];

    for (unsigned i = 0; i < SWEEPS_A_TICK && !t->is_stopped; i++) {
        int n = epoll_wait(t->epoll, events, RF_BATCH_MAX, i == 0 ? timeout_ms : 0);
        uint64_t now_us = rf_now_us();
        size_t count;

        if (n <= 0)
            return;
        for (int k = 0; k < n; k++) {
            uint32_t kind = (uint32_t)(events[k].data.u64 >> 32), number = (uint32_t)events[k].data.u64;

            if (kind == RF_WATCH_CONTROL)
                on_control(t, number, events[k].events, now_us);
            else if (kind == RF_WATCH_CHANNEL)
                on_channel(t, now_us);
            else if (kind == RF_WATCH_STOP)
                t->is_stopped = true;
        }
        tell_load(t);
        flush_all(t, false);
        count = rf_ports_receive(t->ports, t->relay, events, (size_t)n, t->frame);
        if (count > 0) {
            rf_relay_batch(t->relay, t->frame, count, now_us);
            rf_ports_send(t->ports, t->relay, t->frame, count, now_us);
            t->packets += count;
            flush_all(t, false);
        }
        /* What is still queued at a socket comes with the next sweep, 1 ms later. */
        if (n < RF_BATCH_MAX)
            return;
    }
}

static void
housekeeping(struct thread *t, uint64_t now_us)
{
    uint64_t pps = (t->packets - t->counted) * 1000000 / (now_us - t->counted_us + 1);

    t->housekeeping_us = now_us;
    rf_ports_tick(t->ports, t->relay, now_us);
    rf_relay_tick(t->relay, now_us);
    tell_load(t);
    if (t->waiting_count > 0)
        offer_again(t, now_us);
    flush_all(t, true);
    if (pps > TICK_ON_PPS)
        t->is_ticking = true;
    else if (pps < TICK_OFF_PPS)
        t->is_ticking = false;
    t->counted = t->packets;
    t->counted_us = now_us;
}

static void
sleep_to_tick(uint32_t tick_us)
{
    uint64_t due_us = (rf_now_us() / tick_us + 1) * tick_us;
    struct timespec due = { .tv_sec = (time_t)(due_us / 1000000), .tv_nsec = (long)(due_us % 1000000 * 1000) };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* Nothing to look after: it may sleep until it is spoken to, or has to show that it turns. */
static bool
is_idle(const struct thread *t)
{
    return rf_relay_open_count(t->relay) == 0 && t->waiting_count == 0 && rf_ports_are_quiet(t->ports) &&
           !owes_replies(t);
}

static void *
run(void *ctx)
{
    struct thread *t = ctx;
    uint32_t tick_us = t->start->tick_us != 0 ? t->start->tick_us : 1000;
    char name[16];
    uint64_t now_us;

    if (t->number > 0) { /* the first is the process's, and bears its name */
        snprintf(name, sizeof name, "rf-media-%u", t->number);
        prctl(PR_SET_NAME, name);
    }
    t->housekeeping_us = t->counted_us = rf_now_us();
    rf_ports_tick(t->ports, t->relay, t->counted_us);
    while (!t->is_stopped) {
        if (t->is_ticking) {
            sleep_to_tick(tick_us);
            sweep(t, 0);
        } else {
            sweep(t, is_idle(t) ? IDLE_MS : (int)(HOUSEKEEPING_US / 1000));
        }
        now_us = rf_now_us();
        if (t->start->beat != NULL)
            atomic_store_explicit(&t->start->beat[t->number], now_us, memory_order_relaxed);
        if (now_us - t->housekeeping_us >= HOUSEKEEPING_US)
            housekeeping(t, now_us);
    }
    return NULL;
}

/* --- start and end --- */

static enum rf_err
port_take(void *ctx, unsigned family, uint32_t leg, uint32_t *index, uint16_t *port)
{
    return rf_ports_take(((struct thread *)ctx)->ports, family, leg, index, port);
}

static bool
port_claim(void *ctx, unsigned family, uint32_t leg, uint32_t index, uint16_t port)
{
    return rf_ports_claim(((struct thread *)ctx)->ports, family, leg, index, port);
}

static void
port_give(void *ctx, uint32_t index, uint64_t now_us)
{
    rf_ports_give(((struct thread *)ctx)->ports, index, now_us);
}

static void
port_moved(void *ctx, uint32_t index)
{
    rf_ports_moved(((struct thread *)ctx)->ports, index);
}

static bool
watch(struct thread *t, int fd, enum rf_media_watch kind, uint32_t number)
{
    struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | number };

    return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static enum rf_err
thread_init(struct thread *t, const struct rf_media_start *s, uint32_t number)
{
    struct rf_relay_io io = { t, port_take, port_claim, port_give, port_moved, on_event };
    enum rf_err err;

    t->start = s;
    t->number = number;
    t->load = rf_media_map_load(s->map, number);
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    t->link = calloc(s->workers, sizeof *t->link);
    t->memory = aligned_alloc(64, (size_t)RF_BATCH_MAX * RF_FRAME_STRIDE);
    if (t->epoll < 0 || t->link == NULL || t->memory == NULL)
        return RF_ERR_NOMEM;
    memset(t->memory, 0, (size_t)RF_BATCH_MAX * RF_FRAME_STRIDE);
    for (unsigned i = 0; i < RF_BATCH_MAX; i++)
        t->frame[i].packet = t->memory + (size_t)i * RF_FRAME_STRIDE + RF_FRAME_HEADROOM;
    for (uint32_t w = 0; w < s->workers; w++) {
        t->link[w].fd = s->control[number * s->workers + w];
        if (!watch(t, t->link[w].fd, RF_WATCH_CONTROL, w))
            return RF_ERR_IO;
    }
    if (s->stop >= 0 && !watch(t, s->stop, RF_WATCH_STOP, 0))
        return RF_ERR_IO;
    err = rf_ports_new(&t->ports, t->epoll, s->ports[number], s->map->ports_per_thread);
    if (err == RF_OK)
        err = rf_ports_fetch(t->ports);
    if (err)
        return err;
    if (!watch(t, s->ports[number], RF_WATCH_CHANNEL, 0))
        return RF_ERR_IO;
    err = rf_relay_new(&t->relay, s->map, number, s->replay_window, &io, rf_now_us());
    if (err == RF_OK)
        rf_ports_settle(t->ports);
    return err;
}

static void
thread_fini(struct thread *t)
{
    rf_relay_free(t->relay);
    rf_ports_free(t->ports);
    if (t->epoll > 0)
        close(t->epoll);
    free(t->link);
    free(t->memory);
}

int
rf_media_run(const struct rf_media_start *s)
{
    uint32_t threads = s->map->threads, made = 0;
    struct thread *t;
    enum rf_err err = RF_OK;

    if (s->workers == 0 || s->workers > WORKERS_MAX || (s->tick_us != 0 && (s->tick_us < 500 || s->tick_us > 2000)))
        return 1;
    if (s->crypto != NULL && rf_srtp_init(s->crypto) != RF_OK) {
        RF_LOGF(RF_LOG_ERROR, "media.crypto", "the SRTP back end is not there or failed its self-test",
                RF_F_STR("want", s->crypto));
        return 1;
    }
    /* New threads take it over from this one. */
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    t = calloc(threads, sizeof *t);
    if (t == NULL)
        return 1;
    for (uint32_t i = 0; i < threads && err == RF_OK; i++) {
        t[i].epoll = -1;
        err = thread_init(&t[i], s, i);
    }
    if (err) {
        RF_LOGF(RF_LOG_ERROR, "media.start", "media could not start", RF_F_STR("error", rf_err_text(err)));
    } else {
        uint64_t open = 0;

        for (uint32_t i = 0; i < threads; i++)
            open += rf_relay_open_count(t[i].relay);
        RF_LOGF(RF_LOG_INFO, "media.started", "media relays", RF_F_U64("threads", threads),
                RF_F_U64("sessions", open), RF_F_STR("crypto", rf_srtp_backend()));
        for (made = 1; made < threads; made++)
            if (pthread_create(&t[made].id, NULL, run, &t[made]) != 0)
                break;
        if (made == threads)
            run(&t[0]);
        else
            RF_LOGF(RF_LOG_ERROR, "media.start", "a thread could not be made", RF_F_U64("threads", made));
    }
    for (uint32_t i = 1; i < made; i++) {
        if (made < threads)
            t[i].is_stopped = true;
        pthread_join(t[i].id, NULL);
    }
    for (uint32_t i = 0; i < threads; i++)
        thread_fini(&t[i]);
    rf_wipe(t, threads * sizeof *t);
    free(t);
    return err == RF_OK && made == threads ? 0 : 1;
}
