/*
 * relay/ports.c - pairs of ports and their sockets
 *
 * One recvfrom and one send a packet: a voice stream has 50 packets a second, so two packets of one socket in one
 * tick are rare and recvmmsg on it costs an extra empty look. What does save is connect(): no route look-up for
 * each packet. It is made when a leg's target has stood for STABLE_US and packets come from there, and undone at
 * once when the target moves. RTP any stays unconnected, so a peer that moved is heard at once.
 *
 * A call's set-up and end touch no socket when nothing came there: sockets stay with epoll while their pair rests and
 * while it is free. The first datagram then makes the pair wet: epoll lets go of it, so that a stranger who sends to
 * it wakes nobody a second time, and it is emptied before it is used again.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/ports.h"

#define STABLE_US    1000000ull  /* then a plain leg has heard RF_LEARN_WINDOW_PACKETS and is final */
#define HEARD_US     1000000ull
#define LOW_WATER    32          /* free pairs of a family: below, a block is asked for ahead of need */
#define ASK_AGAIN_US 1000000ull  /* an answer that did not come; or there were no ports */
#define DRAIN_MAX    256         /* datagrams thrown away at the end of a rest */
#define REST_MORE_US 1000000ull  /* when it still rained */
#define REST_MORE_MAX 10         /* then it is used all the same: strangers are refused by source */
#define TICKS_A_ROUND 50         /* of rf_ports_tick, to look at each pair once */
#define AHEAD 2 /* events whose legs are fetched before their turn; a recvfrom takes about 1 us */
#define NONE UINT32_MAX

enum pair_state { PAIR_FREE, PAIR_USED, PAIR_RESTING };

struct pair {
    int fd[RF_PORT_PAIR_FDS];
    uint32_t leg;
    uint16_t port;
    uint8_t family;
    uint8_t state;
    bool is_connected;
    bool is_listed;        /* in a list of free pairs */
    bool is_watched;       /* epoll has all its sockets */
    bool is_wet;           /* not in use, and something came, or may have come while no process looked */
    bool has_heard;        /* something came since `dropped` was read for a new use */
    uint8_t more_rests;
    uint32_t next;         /* in the list of its state; NONE: last */
    uint32_t dropped[RF_PORT_PAIR_FDS]; /* by the kernel, as of the last look */
    uint64_t due_us;       /* resting: until; used: the target stands since */
};

struct list {
    uint32_t first, last, count;
};

struct rf_ports {
    int epoll, channel;
    struct pair *pair;
    uint32_t limit, count;
    struct list free[2], resting; /* free: IPv4, IPv6 */
    bool is_asking;
    uint8_t asked_family;
    uint64_t asked_us;
    uint64_t none_us[2];   /* when the parent said that there are no more; 0: it did not */
    uint32_t round;        /* next pair that rf_ports_tick looks at */
    uint64_t now_us;       /* of the last tick */
};

static void
list_append(struct rf_ports *p, struct list *l, uint32_t index)
{
    p->pair[index].next = NONE;
    if (l->count == 0)
        l->first = index;
    else
        p->pair[l->last].next = index;
    l->last = index;
    l->count++;
}

static uint32_t
list_take(struct rf_ports *p, struct list *l)
{
    uint32_t index = l->first;

    l->first = p->pair[index].next;
    l->count--;
    return index;
}

enum rf_err
rf_ports_new(struct rf_ports **out, int epoll, int channel, uint32_t limit)
{
    struct rf_ports *p = calloc(1, sizeof *p);

    if (p == NULL)
        return RF_ERR_NOMEM;
    p->epoll = epoll;
    p->channel = channel;
    p->limit = limit / RF_PORT_BLOCK_PAIRS * RF_PORT_BLOCK_PAIRS;
    p->pair = calloc(p->limit > 0 ? p->limit : 1, sizeof *p->pair);
    if (p->pair == NULL) {
        free(p);
        return RF_ERR_NOMEM;
    }
    *out = p;
    return RF_OK;
}

void
rf_ports_free(struct rf_ports *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->count; i++)
        for (unsigned j = 0; j < RF_PORT_PAIR_FDS; j++)
            close(p->pair[i].fd[j]);
    free(p->pair);
    free(p);
}

/* --- the channel to the parent --- */

static bool
ask(struct rf_ports *p, enum rf_port_command command, uint32_t family)
{
    struct rf_port_request q = { RF_PORT_VERSION, command, p->count / RF_PORT_BLOCK_PAIRS, family };

    if (send(p->channel, &q, sizeof q, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof q)
        return false;
    p->is_asking = true;
    p->asked_family = (uint8_t)family;
    p->asked_us = p->now_us;
    return true;
}

static void
add_block(struct rf_ports *p, const struct rf_port_reply *reply, const int *fds)
{
    for (unsigned i = 0; i < RF_PORT_BLOCK_PAIRS; i++) {
        struct pair *n = &p->pair[p->count];

        /* A process before us may have connected it, and have left what came. */
        *n = (struct pair){ .port = reply->port[i], .family = (uint8_t)reply->family, .is_connected = true,
                            .is_wet = true, .has_heard = true };
        memcpy(n->fd, fds + (size_t)i * RF_PORT_PAIR_FDS, sizeof n->fd);
        p->count++;
    }
}

static void
set_free(struct rf_ports *p, uint32_t index)
{
    struct pair *n = &p->pair[index];

    n->state = PAIR_FREE;
    n->is_listed = true;
    list_append(p, &p->free[n->family == 6], index);
}

void
rf_ports_settle(struct rf_ports *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->pair[i].state == PAIR_FREE && !p->pair[i].is_listed)
            set_free(p, i);
}

/* One reply. RF_ERR_NOT_FOUND: no block. */
static enum rf_err
receive_reply(struct rf_ports *p, int flags)
{
    union {
        char octets[CMSG_SPACE(sizeof(int) * RF_PORT_BLOCK_FDS)];
        struct cmsghdr align;
    } control;
    struct rf_port_reply reply;
    struct iovec iov = { &reply, sizeof reply };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.octets,
                          .msg_controllen = sizeof control.octets };
    int fds[RF_PORT_BLOCK_FDS];
    size_t fd_count = 0;
    ssize_t n = recvmsg(p->channel, &msg, flags | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? RF_ERR_AGAIN : RF_ERR_IO;
    if (n == 0)
        return RF_ERR_CLOSED;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            fd_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(c), fd_count * sizeof(int));
        }
    p->is_asking = false;
    if (n == (ssize_t)sizeof reply && reply.version == RF_PORT_VERSION && fd_count == RF_PORT_BLOCK_FDS &&
        reply.count == RF_PORT_BLOCK_PAIRS && reply.index == p->count / RF_PORT_BLOCK_PAIRS &&
        p->count < p->limit && (reply.family == 4 || reply.family == 6)) {
        add_block(p, &reply, fds);
        return RF_OK;
    }
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    return RF_ERR_NOT_FOUND;
}

enum rf_err
rf_ports_fetch(struct rf_ports *p)
{
    enum rf_err err = RF_OK;

    while (err == RF_OK && p->count < p->limit) {
        if (!ask(p, RF_PORT_FETCH, 0))
            return RF_ERR_IO;
        do
            err = receive_reply(p, 0);
        while (err == RF_ERR_AGAIN);
    }
    p->is_asking = false;
    return err == RF_OK || err == RF_ERR_NOT_FOUND ? RF_OK : RF_ERR_IO;
}

/* Ask ahead of need. true: an answer is to come. */
static bool
want_more(struct rf_ports *p, unsigned family)
{
    uint64_t none_us = p->none_us[family == 6];

    if (p->is_asking)
        return true;
    if (p->count >= p->limit || (none_us != 0 && p->now_us - none_us < ASK_AGAIN_US))
        return false;
    return ask(p, RF_PORT_BIND, family);
}

bool
rf_ports_readable(struct rf_ports *p, uint64_t now_us, enum rf_err *err)
{
    uint8_t family = p->asked_family;

    p->now_us = now_us;
    *err = receive_reply(p, MSG_DONTWAIT);
    rf_ports_settle(p);
    if (*err == RF_ERR_NOT_FOUND && (family == 4 || family == 6))
        p->none_us[family == 6] = now_us;
    return *err == RF_OK || *err == RF_ERR_NOT_FOUND;
}

/* --- use and rest --- */

static void
unwatch(struct rf_ports *p, uint32_t index)
{
    for (unsigned i = 0; i < RF_PORT_PAIR_FDS; i++)
        epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->pair[index].fd[i], NULL);
    p->pair[index].is_watched = false;
}

static bool
watch(struct rf_ports *p, uint32_t index)
{
    for (unsigned i = 0; i < RF_PORT_PAIR_FDS; i++) {
        struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uint64_t)i << 32 | index };

        if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->pair[index].fd[i], &e) != 0) {
            unwatch(p, index);
            return false;
        }
    }
    p->pair[index].is_watched = true;
    return true;
}

static void
disconnect(struct pair *n)
{
    struct sockaddr none = { .sa_family = AF_UNSPEC };

    if (n->is_connected)
        connect(n->fd[0], &none, sizeof none);
    n->is_connected = false;
}

static uint32_t
kernel_dropped(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = { 0 };
    socklen_t n = sizeof info;

    /* Asked for now and then: SO_RXQ_OVFL would add a control message to each packet. */
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n) != 0 || n < (SK_MEMINFO_DROPS + 1) * sizeof info[0])
        return 0;
    return info[SK_MEMINFO_DROPS];
}

static bool
drain(int fd)
{
    uint8_t octet;

    for (unsigned i = 0; i < DRAIN_MAX; i++)
        if (recv(fd, &octet, sizeof octet, MSG_DONTWAIT) < 0 && errno == EAGAIN)
            return true;
    return false;
}

/* All sockets of a wet pair. false: it still rains. */
static bool
dry(struct pair *n)
{
    bool is_dry = true;

    for (unsigned i = 0; i < RF_PORT_PAIR_FDS; i++)
        is_dry = drain(n->fd[i]) && is_dry;
    n->is_wet = !is_dry;
    return is_dry;
}

static bool
use(struct rf_ports *p, uint32_t index, uint32_t leg)
{
    struct pair *n = &p->pair[index];

    n->state = PAIR_USED;
    n->is_wet = false;
    n->leg = leg;
    n->due_us = p->now_us;
    n->more_rests = 0;
    disconnect(n);
    for (unsigned i = 0; n->has_heard && i < RF_PORT_PAIR_FDS; i++)
        n->dropped[i] = kernel_dropped(n->fd[i]);
    n->has_heard = false;
    return n->is_watched || watch(p, index);
}

enum rf_err
rf_ports_take(struct rf_ports *p, unsigned family, uint32_t leg, uint32_t *index, uint16_t *port)
{
    struct list *l = &p->free[family == 6];
    bool is_asking = l->count < LOW_WATER && want_more(p, family);

    if (l->count == 0)
        return is_asking ? RF_ERR_AGAIN : RF_ERR_NOMEM;
    *index = list_take(p, l);
    *port = p->pair[*index].port;
    p->pair[*index].is_listed = false;
    if (p->pair[*index].is_wet)
        dry(&p->pair[*index]);
    if (use(p, *index, leg))
        return RF_OK;
    rf_ports_give(p, *index, 0);
    return RF_ERR_NOMEM;
}

bool
rf_ports_claim(struct rf_ports *p, unsigned family, uint32_t leg, uint32_t index, uint16_t port)
{
    if (index >= p->count || p->pair[index].state != PAIR_FREE || p->pair[index].is_listed ||
        p->pair[index].family != family || p->pair[index].port != port)
        return false;
    if (use(p, index, leg))
        return true;
    rf_ports_give(p, index, 0);
    return false;
}

void
rf_ports_give(struct rf_ports *p, uint32_t index, uint64_t now_us)
{
    struct pair *n = &p->pair[index];

    if (index >= p->count || n->state != PAIR_USED)
        return;
    disconnect(n);
    if (now_us == 0) {
        set_free(p, index);
        return;
    }
    n->state = PAIR_RESTING;
    n->due_us = now_us + RF_MEDIA_REST_US;
    list_append(p, &p->resting, index);
}

void
rf_ports_moved(struct rf_ports *p, uint32_t index)
{
    if (index >= p->count)
        return;
    disconnect(&p->pair[index]);
    p->pair[index].due_us = p->now_us;
}

/* --- datagrams --- */

static void
count(_Atomic uint64_t *n, uint64_t more)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + more, memory_order_relaxed);
}

/* At the port of the family by which this leg does not speak: nobody of the call. */
static void
drop_elsewhere(int fd, struct rf_media_counts *counts)
{
    uint8_t octet;

    if (recv(fd, &octet, sizeof octet, MSG_DONTWAIT) >= 0)
        count(&counts->in_foreign, 1);
}

/* The leg of a later event: its lines arrive while the kernel hands over the packets before it. */
static void
look_ahead(const struct rf_ports *p, const struct rf_relay *r, const struct epoll_event *event)
{
    uint32_t kind = (uint32_t)(event->data.u64 >> 32), index = (uint32_t)event->data.u64;

    if (kind <= RF_WATCH_RTCP && p->pair[index].state == PAIR_USED)
        rf_relay_prefetch(r, p->pair[index].leg);
}

size_t
rf_ports_receive(struct rf_ports *p, struct rf_relay *r, const struct epoll_event *events, size_t n,
                 struct rf_frame *frames)
{
    size_t filled = 0;

    for (size_t i = 0; i < n && i < AHEAD; i++)
        look_ahead(p, r, &events[i]);
    for (size_t i = 0; i < n; i++) {
        uint32_t kind = (uint32_t)(events[i].data.u64 >> 32), index = (uint32_t)events[i].data.u64;
        struct rf_frame *f = &frames[filled];
        struct pair *pair;
        socklen_t len = sizeof f->addr;
        ssize_t octets;

        if (i + AHEAD < n)
            look_ahead(p, r, &events[i + AHEAD]);
        if (kind > RF_WATCH_RTCP)
            continue;
        pair = &p->pair[index];
        if (pair->state != PAIR_USED) {
            pair->is_wet = pair->has_heard = true;
            if (pair->is_watched)
                unwatch(p, index);
            continue;
        }
        pair->has_heard = true;
        if (rf_relay_port(r, pair->leg) != index) {
            drop_elsewhere(pair->fd[kind], rf_relay_counts(r, pair->leg));
            continue;
        }
        octets = recvfrom(pair->fd[kind], f->packet, RF_FRAME_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC, &f->addr.sa,
                          &len);
        if (octets < 0)
            continue; /* EAGAIN, or what a connected socket heard by ICMP: the peer may come back */
        if (octets > RF_FRAME_PACKET_MAX) {
            count(&rf_relay_counts(r, pair->leg)->in_malformed, 1);
            continue;
        }
        f->octets = (uint32_t)octets;
        f->leg = pair->leg;
        f->port = kind == RF_WATCH_RTCP ? RF_PORT_RTCP : RF_PORT_RTP;
        filled++;
    }
    return filled;
}

static bool
send_frame(const struct pair *pair, const struct rf_frame *f)
{
    bool is_rtcp_port = f->port == RF_PORT_RTCP;
    bool is_connected = pair->is_connected && !is_rtcp_port;
    int fd = pair->fd[is_rtcp_port ? RF_WATCH_RTCP : RF_WATCH_RTP];

    for (unsigned tries = 0; tries < 2; tries++) {
        ssize_t n = sendto(fd, f->packet, f->octets, MSG_DONTWAIT | MSG_NOSIGNAL,
                           is_connected ? NULL : &f->addr.sa, is_connected ? 0 : rf_addr_len(&f->addr));

        if (n >= 0)
            return true;
        /* An ICMP answer to an earlier packet: reported instead of sending, so this one is tried again. */
        if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH)
            return false;
    }
    return false;
}

/* Packets go to a place that stands and answers: the kernel need not look up the way for each any more. */
static void
settle(struct pair *n, const struct rf_addr *target, uint64_t heard_us, uint64_t now_us)
{
    if (now_us - n->due_us < STABLE_US || now_us - heard_us >= HEARD_US || !rf_addr_is_set(target))
        return;
    n->is_connected = connect(n->fd[0], &target->sa, rf_addr_len(target)) == 0;
    n->due_us = now_us; /* if it could not be made: not with each packet again */
}

void
rf_ports_send(struct rf_ports *p, struct rf_relay *r, const struct rf_frame *frames, size_t n, uint64_t now_us)
{
    for (size_t i = 0; i < n; i++) {
        const struct rf_frame *f = &frames[i];
        struct pair *pair;

        if (!rf_relay_may_leave(r, f))
            continue;
        pair = &p->pair[rf_relay_port(r, f->leg)];
        rf_relay_sent(r, f, send_frame(pair, f), now_us);
        if (!pair->is_connected && f->port == RF_PORT_RTP)
            settle(pair, rf_relay_target(r, f->leg), rf_relay_heard_us(r, f->leg), now_us);
    }
}

/* --- from time to time --- */

static void
look_at(struct rf_relay *r, struct pair *n)
{
    _Atomic uint64_t *dropped = &rf_relay_counts(r, n->leg)->in_kernel_dropped;

    for (unsigned i = 0; i < RF_PORT_PAIR_FDS; i++) {
        uint32_t now = kernel_dropped(n->fd[i]);

        count(dropped, (uint32_t)(now - n->dropped[i]));
        n->dropped[i] = now;
    }
}

static void
end_rests(struct rf_ports *p, uint64_t now_us)
{
    while (p->resting.count > 0 && p->pair[p->resting.first].due_us <= now_us) {
        uint32_t index = list_take(p, &p->resting);
        struct pair *n = &p->pair[index];

        if (!n->is_wet || dry(n) || n->more_rests >= REST_MORE_MAX) {
            set_free(p, index);
        } else {
            /* It is due before those behind it, and waits for them: up to RF_MEDIA_REST_US longer. */
            n->more_rests++;
            n->due_us = now_us + REST_MORE_US;
            list_append(p, &p->resting, index);
        }
    }
}

uint32_t
rf_ports_busy(const struct rf_ports *p)
{
    return p->count - p->free[0].count - p->free[1].count;
}

bool
rf_ports_are_quiet(const struct rf_ports *p)
{
    return p->resting.count == 0 && !p->is_asking;
}

void
rf_ports_tick(struct rf_ports *p, struct rf_relay *r, uint64_t now_us)
{
    uint32_t part = (p->count + TICKS_A_ROUND - 1) / TICKS_A_ROUND;

    p->now_us = now_us;
    end_rests(p, now_us);
    for (uint32_t i = 0; i < part; i++) {
        p->round = (p->round + 1) % p->count;
        if (p->pair[p->round].state == PAIR_USED)
            look_at(r, &p->pair[p->round]);
    }
    /* The parent did not answer: what it may have bound is fetched first. */
    if (p->is_asking && now_us - p->asked_us >= ASK_AGAIN_US) {
        p->is_asking = false;
        ask(p, RF_PORT_FETCH, 0);
    } else if (p->count == 0 && !p->is_asking) {
        want_more(p, 4); /* the first block, ahead of the first call */
    }
}
