/*
 * relay/port_keeper.c - binding and handing out media ports in the parent
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/port_keeper.h"

#define RECEIVE_OCTETS 262144

struct block {
    int fd[RF_PORT_BLOCK_FDS];
    uint16_t port[RF_PORT_BLOCK_PAIRS];
    uint8_t family;
};

struct rf_port_keeper {
    struct rf_port_keeper_conf conf;
    struct block **block;  /* [thread * blocks_per_thread + index] */
    uint32_t *block_count; /* a thread */
    uint32_t next_port[2]; /* where the search for a free one goes on, a family */
};

enum rf_err
rf_port_keeper_new(struct rf_port_keeper **out, const struct rf_port_keeper_conf *conf)
{
    struct rf_port_keeper *k;

    /* Each field bounds an allocation or a loop; 65536 / 2 / 16 blocks fill the port space of a family. */
    if (conf->threads == 0 || conf->threads > 1024 || conf->blocks_per_thread == 0 ||
        conf->blocks_per_thread > 4096 || conf->port_low < 2 || conf->port_high <= conf->port_low)
        return RF_ERR_RANGE;
    k = calloc(1, sizeof *k);
    if (k == NULL)
        return RF_ERR_NOMEM;
    k->conf = *conf;
    k->block = calloc((size_t)conf->threads * conf->blocks_per_thread, sizeof(struct block *));
    k->block_count = calloc(conf->threads, sizeof *k->block_count);
    if (k->block == NULL || k->block_count == NULL) {
        rf_port_keeper_free(k);
        return RF_ERR_NOMEM;
    }
    k->next_port[0] = k->next_port[1] = conf->port_low;
    *out = k;
    return RF_OK;
}

static void
block_free(struct block *b)
{
    if (b == NULL)
        return;
    for (unsigned i = 0; i < RF_PORT_BLOCK_FDS; i++)
        if (b->fd[i] >= 0)
            close(b->fd[i]);
    free(b);
}

void
rf_port_keeper_free(struct rf_port_keeper *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; k->block != NULL && i < (size_t)k->conf.threads * k->conf.blocks_per_thread; i++)
        block_free(k->block[i]);
    free(k->block);
    free(k->block_count);
    free(k);
}

static int
bind_socket(const struct rf_port_keeper *k, const struct rf_addr *address, uint16_t port, bool is_shared)
{
    int octets = k->conf.receive_octets > 0 ? k->conf.receive_octets : RECEIVE_OCTETS;
    int one = 1, probe = IP_PMTUDISC_PROBE, probe6 = IPV6_PMTUDISC_PROBE;
    struct rf_addr a = *address;
    int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    rf_addr_set_port(&a, port);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    /* Don't fragment: voice is small, and choosing an IP id costs 2 % of the send path. */
    if (a.sa.sa_family == AF_INET) {
        setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    } else {
        setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof probe6);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    /* Only from a port that nobody else has: is_shared is set between the two binds of one port. */
    if ((is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) ||
        bind(fd, &a.sa, rf_addr_len(&a)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/*
 * Three sockets on an even port and the next. SO_REUSEPORT would also let us into a port that another process of
 * the same user shares, so the first bind is made without it and proves that the port is ours.
 */
static bool
bind_pair(const struct rf_port_keeper *k, const struct rf_addr *address, uint16_t port, int fd[RF_PORT_PAIR_FDS])
{
    int proof = bind_socket(k, address, port, false);

    if (proof < 0)
        return false;
    close(proof);
    fd[0] = bind_socket(k, address, port, true);
    fd[1] = bind_socket(k, address, port, true);
    fd[2] = bind_socket(k, address, (uint16_t)(port + 1), false);
    if (fd[0] >= 0 && fd[1] >= 0 && fd[2] >= 0)
        return true;
    for (unsigned i = 0; i < RF_PORT_PAIR_FDS; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    return false;
}

/* The next block of the range that can be bound; ports that somebody else has are passed over. */
static struct block *
bind_block(struct rf_port_keeper *k, unsigned family)
{
    const struct rf_addr *address = &k->conf.address[family == 6];
    uint32_t *next = &k->next_port[family == 6];
    struct block *b;
    unsigned n = 0;

    if (!rf_addr_is_set(address))
        return NULL;
    b = malloc(sizeof *b);
    if (b == NULL)
        return NULL;
    b->family = (uint8_t)family;
    for (unsigned i = 0; i < RF_PORT_BLOCK_FDS; i++)
        b->fd[i] = -1;
    for (uint32_t port = (*next + 1) & ~1u; n < RF_PORT_BLOCK_PAIRS && port + 1 <= k->conf.port_high; port += 2) {
        int fd[RF_PORT_PAIR_FDS];

        if (bind_pair(k, address, (uint16_t)port, fd)) {
            memcpy(&b->fd[n * RF_PORT_PAIR_FDS], fd, sizeof fd);
            b->port[n++] = (uint16_t)port;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            break; /* not the port's fault: the search must not run through the range */
        }
        *next = port + 2;
    }
    if (n == RF_PORT_BLOCK_PAIRS)
        return b;
    /* Short of ports: those that were bound are given back to the search. */
    if (n > 0)
        *next = b->port[0];
    block_free(b);
    return NULL;
}

static enum rf_err
send_reply(int fd, const struct rf_port_reply *reply, const int *fds)
{
    union {
        char octets[CMSG_SPACE(sizeof(int) * RF_PORT_BLOCK_FDS)];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)reply, .iov_len = sizeof *reply };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (fds != NULL) {
        struct cmsghdr *c = &control.align;

        msg.msg_control = control.octets;
        msg.msg_controllen = sizeof control.octets;
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * RF_PORT_BLOCK_FDS);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * RF_PORT_BLOCK_FDS);
    }
    /* Media has one request open at a time, so its queue is empty; when it is not, it asks again. */
    return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *reply ? RF_OK : RF_ERR_IO;
}

enum rf_err
rf_port_keeper_serve(struct rf_port_keeper *k, uint32_t thread, int fd)
{
    struct rf_port_request q;
    struct rf_port_reply reply = { .version = RF_PORT_VERSION };
    struct block **mine;
    const struct block *b = NULL;
    ssize_t n;

    rf_assert(thread < k->conf.threads);
    n = recv(fd, &q, sizeof q, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? RF_ERR_AGAIN : RF_ERR_IO;
    if (n == 0)
        return RF_ERR_CLOSED;
    if (n != (ssize_t)sizeof q || q.version != RF_PORT_VERSION)
        return RF_ERR_SYNTAX;

    mine = &k->block[(size_t)thread * k->conf.blocks_per_thread];
    if (q.command == RF_PORT_FETCH) {
        reply.index = q.index;
        if (q.index < k->block_count[thread])
            b = mine[q.index];
    } else if (q.command == RF_PORT_BIND && (q.family == 4 || q.family == 6)) {
        reply.index = k->block_count[thread];
        reply.family = q.family;
        if (k->block_count[thread] < k->conf.blocks_per_thread &&
            (mine[reply.index] = bind_block(k, q.family)) != NULL)
            b = mine[k->block_count[thread]++];
    } else {
        return RF_ERR_SYNTAX;
    }
    if (b == NULL)
        return send_reply(fd, &reply, NULL);
    reply.family = b->family;
    reply.count = RF_PORT_BLOCK_PAIRS;
    memcpy(reply.port, b->port, sizeof reply.port);
    return send_reply(fd, &reply, b->fd);
}

void
rf_port_keeper_set_address(struct rf_port_keeper *k, const struct rf_addr *address)
{
    struct rf_addr *own = &k->conf.address[address->sa.sa_family == AF_INET6];

    rf_assert(!rf_addr_is_set(own)); /* ports that are bound already stay where they are */
    *own = *address;
}

uint32_t
rf_port_keeper_pairs(const struct rf_port_keeper *k)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < k->conf.threads; i++)
        n += k->block_count[i] * RF_PORT_BLOCK_PAIRS;
    return n;
}
