#include "loop/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256 /* events taken from the kernel at once; more wait for the next round */

/* So many rounds in so long, 2000 a second, make a loop busy; a rest in which nothing came ends that. */
#define BUSY_ROUNDS 16
#define LOOK_US     (8 * RF_MS)

struct rf_loop {
    int epoll_fd;
    struct rf_wheel *wheel;
    struct rf_link sources, hooks;
    void (*end_round)(void *ctx, uint64_t now_us);
    void *end_round_ctx;
    struct epoll_event event[EVENTS_MAX];
    int event_count, event_next; /* not delivered yet: [event_next, event_count) */
    struct rf_watch wake;        /* eventfd */
    /* True from just before the loop looks for letters the last time until it has slept: whoever turns it
     * false wakes the loop, everybody else needs no system call. */
    _Atomic bool is_asleep;
    _Atomic bool is_stopped;
    uint64_t rest_us;            /* rf_loop_rest; 0: never */
    uint64_t round_us;           /* when the last round began */
    uint64_t look_us;            /* since then rounds are counted */
    unsigned rounds;
    bool is_busy;
};

uint64_t
rf_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * RF_S + (uint64_t)t.tv_nsec / 1000;
}

int64_t
rf_wall_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

static void
woken(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    uint64_t times;

    while (read(w->fd, &times, sizeof times) < 0 && errno == EINTR)
        ;
}

enum rf_err
rf_loop_new(struct rf_loop **out)
{
    struct rf_loop *l = calloc(1, sizeof *l);
    enum rf_err err;

    if (l == NULL)
        return RF_ERR_NOMEM;
    rf_list_init(&l->sources);
    rf_list_init(&l->hooks);
    l->wake.ready = woken;
    l->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    err = RF_ERR_IO;
    if (l->wake.fd < 0 || l->epoll_fd < 0)
        goto fail;
    err = rf_wheel_new(&l->wheel, rf_now_us());
    if (err != RF_OK)
        goto fail;
    err = rf_loop_watch(l, &l->wake, EPOLLIN);
    if (err != RF_OK)
        goto fail;
    *out = l;
    return RF_OK;

fail:
    rf_loop_free(l);
    return err;
}

void
rf_loop_free(struct rf_loop *l)
{
    if (l == NULL)
        return;
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->wake.fd >= 0)
        close(l->wake.fd);
    rf_wheel_free(l->wheel);
    free(l);
}

enum rf_err
rf_loop_watch(struct rf_loop *l, struct rf_watch *w, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = w };

    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, w->fd, &ev) != 0)
        return RF_ERR_IO;
    w->events = events;
    w->is_watched = true;
    return RF_OK;
}

void
rf_loop_rewatch(struct rf_loop *l, struct rf_watch *w, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = w };

    if (!w->is_watched || w->events == events)
        return;
    rf_assert(epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev) == 0);
    w->events = events;
}

void
rf_loop_unwatch(struct rf_loop *l, struct rf_watch *w)
{
    if (!w->is_watched)
        return;
    w->is_watched = false;
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    for (int i = l->event_next; i < l->event_count; i++)
        if (l->event[i].data.ptr == w)
            l->event[i].data.ptr = NULL;
}

struct rf_wheel *
rf_loop_wheel(struct rf_loop *l)
{
    return l->wheel;
}

void
rf_loop_on_round(struct rf_loop *l, void (*end_round)(void *ctx, uint64_t now_us), void *ctx)
{
    l->end_round = end_round;
    l->end_round_ctx = ctx;
}

void
rf_loop_add_source(struct rf_loop *l, struct rf_loop_source *s)
{
    rf_list_append(&l->sources, &s->link);
}

void
rf_loop_remove_source(struct rf_loop *l, struct rf_loop_source *s)
{
    rf_list_remove(&s->link);
}

void
rf_loop_add_hook(struct rf_loop *l, struct rf_loop_hook *h)
{
    rf_list_append(&l->hooks, &h->link);
}

void
rf_loop_remove_hook(struct rf_loop *l, struct rf_loop_hook *h)
{
    rf_list_remove(&h->link);
}

void
rf_loop_wake(struct rf_loop *l)
{
    uint64_t once = 1;
    int saved = errno;

    if (atomic_exchange(&l->is_asleep, false))
        while (write(l->wake.fd, &once, sizeof once) < 0 && errno == EINTR)
            ;
    errno = saved;
}

void
rf_loop_rest(struct rf_loop *l, uint64_t rest_us)
{
    l->rest_us = rest_us;
}

/* Rounds follow each other so closely that a rest gathers several of them. */
static void
count_round(struct rf_loop *l, uint64_t now_us)
{
    l->round_us = now_us;
    if (now_us - l->look_us > LOOK_US) {
        l->look_us = now_us;
        l->rounds = 0;
    }
    if (++l->rounds >= BUSY_ROUNDS)
        l->is_busy = true;
}

/* While it is busy: let events gather, and take what came. 0: nothing did, so it is not busy any more. */
static int
take_gathered(struct rf_loop *l)
{
    uint64_t until_us = l->round_us + l->rest_us;
    struct timespec until = { (time_t)(until_us / RF_S), (long)(until_us % RF_S * 1000) };
    int n;

    if (l->rest_us == 0 || !l->is_busy)
        return 0;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    n = epoll_wait(l->epoll_fd, l->event, EVENTS_MAX, 0);
    l->is_busy = n > 0;
    return n;
}

static bool
has_work(const struct rf_loop *l)
{
    RF_LIST_FOREACH(&l->sources, link)
    {
        struct rf_loop_source *s = rf_container(link, struct rf_loop_source, link);

        if (s->has_work(s))
            return true;
    }
    return atomic_load(&l->is_stopped);
}

/* Milliseconds for epoll_wait, rounded up so that the due timer is due when it returns. */
static int
wait_ms(const struct rf_loop *l, uint64_t max_wait_us)
{
    uint64_t now_us = rf_now_us(), next_us = rf_wheel_next_us(l->wheel);
    uint64_t wait_us = next_us > now_us ? next_us - now_us : 0;

    if (wait_us > max_wait_us)
        wait_us = max_wait_us;
    if (wait_us > 3600 * RF_S)
        wait_us = 3600 * RF_S;
    return (int)((wait_us + RF_MS - 1) / RF_MS);
}

void
rf_loop_once(struct rf_loop *l, uint64_t max_wait_us)
{
    int n = take_gathered(l);
    uint64_t now_us;

    if (n == 0) {
        int ms = wait_ms(l, max_wait_us);

        if (ms > 0) {
            /* First say that we sleep, then look: a sender first puts its letter in, then looks whether we sleep.
             * Both orders are sequentially consistent, so one of the two sees the other. */
            atomic_store(&l->is_asleep, true);
            if (has_work(l))
                ms = 0;
        }
        n = epoll_wait(l->epoll_fd, l->event, EVENTS_MAX, ms);
        atomic_store(&l->is_asleep, false);
    }
    now_us = rf_now_us();
    count_round(l, now_us);
    rf_wheel_look(l->wheel, now_us); /* events come before timers, and may arm some */
    l->event_count = n > 0 ? n : 0;
    for (l->event_next = 0; l->event_next < l->event_count;) {
        struct epoll_event *ev = &l->event[l->event_next++];
        struct rf_watch *w = ev->data.ptr;

        if (w != NULL)
            w->ready(w, ev->events, now_us);
    }
    l->event_count = l->event_next = 0;
    RF_LIST_FOREACH(&l->sources, link)
    {
        struct rf_loop_source *s = rf_container(link, struct rf_loop_source, link);

        s->work(s, now_us);
    }
    rf_wheel_advance(l->wheel, now_us);
    if (l->end_round != NULL)
        l->end_round(l->end_round_ctx, now_us);
    RF_LIST_FOREACH(&l->hooks, link)
    {
        struct rf_loop_hook *h = rf_container(link, struct rf_loop_hook, link);

        h->run(h, now_us);
    }
}

void
rf_loop_run(struct rf_loop *l)
{
    while (!atomic_load(&l->is_stopped))
        rf_loop_once(l, UINT64_MAX);
    atomic_store(&l->is_stopped, false);
}

void
rf_loop_stop(struct rf_loop *l)
{
    atomic_store(&l->is_stopped, true);
    rf_loop_wake(l);
}
