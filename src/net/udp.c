#include "net/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define DATAGRAM_MAX   65535
#define V4_PAYLOAD_MAX 65507 /* 65535 - 20 (IPv4) - 8 (UDP) */
#define V6_PAYLOAD_MAX 65527 /* 65535 - 8 (UDP) */
#define TX_MESSAGES    64
#define TX_OCTETS      (256u << 10)

/* Room for one struct in6_pktinfo, the larger of the two. */
union control {
    char octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct cmsghdr align;
};

struct rf_udp_rx {
    char *buffer; /* RF_UDP_BATCH datagrams; mapped, so that pages never written cost nothing */
    struct mmsghdr message[RF_UDP_BATCH];
    struct iovec iov[RF_UDP_BATCH];
    struct sockaddr_in6 from[RF_UDP_BATCH];
    union control control[RF_UDP_BATCH];
};

enum rf_err
rf_udp_rx_new(struct rf_udp_rx **out)
{
    struct rf_udp_rx *rx = calloc(1, sizeof *rx);

    if (rx == NULL)
        return RF_ERR_NOMEM;
    rx->buffer = mmap(NULL, (size_t)RF_UDP_BATCH * DATAGRAM_MAX, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (rx->buffer == MAP_FAILED) {
        free(rx);
        return RF_ERR_NOMEM;
    }
    for (size_t i = 0; i < RF_UDP_BATCH; i++) {
        struct msghdr *h = &rx->message[i].msg_hdr;

        rx->iov[i] = (struct iovec){ rx->buffer + i * DATAGRAM_MAX, DATAGRAM_MAX };
        h->msg_iov = &rx->iov[i];
        h->msg_iovlen = 1;
        h->msg_name = &rx->from[i];
        h->msg_control = &rx->control[i];
    }
    *out = rx;
    return RF_OK;
}

void
rf_udp_rx_free(struct rf_udp_rx *rx)
{
    if (rx == NULL)
        return;
    munmap(rx->buffer, (size_t)RF_UDP_BATCH * DATAGRAM_MAX);
    free(rx);
}

/* The address the datagram was sent to, with the port of the socket. */
static struct rf_addr
local_of(struct msghdr *h, const struct rf_addr *bound)
{
    struct rf_addr local = *bound;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            local.v4.sin_addr = info.ipi_addr;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            local.v6.sin6_addr = info.ipi6_addr;
            local.v6.sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
        }
    }
    return local;
}

size_t
rf_udp_recv(struct rf_udp_rx *rx, int fd, const struct rf_addr *bound, struct rf_udp_datagram *out,
            bool *more)
{
    size_t count = 0;
    int n;

    for (size_t i = 0; i < RF_UDP_BATCH; i++) {
        rx->message[i].msg_hdr.msg_namelen = sizeof rx->from[i];
        rx->message[i].msg_hdr.msg_controllen = sizeof rx->control[i];
    }
    n = recvmmsg(fd, rx->message, RF_UDP_BATCH, MSG_DONTWAIT, NULL);
    *more = n == RF_UDP_BATCH;
    for (int i = 0; i < n; i++) {
        struct msghdr *h = &rx->message[i].msg_hdr;

        if ((h->msg_flags & MSG_TRUNC) != 0)
            continue;
        out[count].remote = rf_addr_from(h->msg_name);
        out[count].local = local_of(h, bound);
        out[count].octets = rf_span(rx->iov[i].iov_base, rx->message[i].msg_len);
        count++;
    }
    return count;
}

struct rf_udp_tx {
    int fd;
    size_t count, used; /* messages and octets queued */
    uint64_t dropped;
    struct mmsghdr message[TX_MESSAGES];
    struct iovec iov[TX_MESSAGES];
    struct rf_addr to[TX_MESSAGES];
    union control control[TX_MESSAGES];
    char octets[TX_OCTETS];
};

enum rf_err
rf_udp_tx_new(struct rf_udp_tx **out, int fd)
{
    struct rf_udp_tx *tx = calloc(1, sizeof *tx);

    if (tx == NULL)
        return RF_ERR_NOMEM;
    tx->fd = fd;
    *out = tx;
    return RF_OK;
}

void
rf_udp_tx_free(struct rf_udp_tx *tx)
{
    free(tx);
}

static void
set_source(struct msghdr *h, union control *control, const struct rf_addr *local)
{
    struct cmsghdr *c;

    h->msg_control = NULL;
    h->msg_controllen = 0;
    if (!rf_addr_is_set(local) || rf_addr_is_any(local))
        return;
    memset(control, 0, sizeof *control);
    h->msg_control = control;
    h->msg_controllen = sizeof *control;
    c = CMSG_FIRSTHDR(h);
    if (local->sa.sa_family == AF_INET) {
        struct in_pktinfo info = { .ipi_spec_dst = local->v4.sin_addr };

        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        h->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in6_pktinfo info = { .ipi6_addr = local->v6.sin6_addr,
                                    .ipi6_ifindex = local->v6.sin6_scope_id };

        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        h->msg_controllen = CMSG_SPACE(sizeof info);
    }
}

enum rf_err
rf_udp_send(struct rf_udp_tx *tx, const struct rf_addr *remote, const struct rf_addr *local,
            struct rf_span octets)
{
    size_t i;
    struct msghdr *h;

    if (octets.n > (remote->sa.sa_family == AF_INET ? V4_PAYLOAD_MAX : V6_PAYLOAD_MAX))
        return RF_ERR_RANGE;
    if (tx->count == TX_MESSAGES || octets.n > TX_OCTETS - tx->used)
        rf_udp_flush(tx);
    i = tx->count++;
    h = &tx->message[i].msg_hdr;
    memcpy(tx->octets + tx->used, octets.p, octets.n);
    tx->iov[i] = (struct iovec){ tx->octets + tx->used, octets.n };
    tx->used += octets.n;
    tx->to[i] = *remote;
    *h = (struct msghdr){
        .msg_name = &tx->to[i], .msg_namelen = rf_addr_len(remote), .msg_iov = &tx->iov[i], .msg_iovlen = 1
    };
    set_source(h, &tx->control[i], local);
    return RF_OK;
}

void
rf_udp_flush(struct rf_udp_tx *tx)
{
    size_t done = 0;

    while (done < tx->count) {
        int n =
            sendmmsg(tx->fd, tx->message + done, (unsigned)(tx->count - done), MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            tx->dropped++; /* the first of the rest was refused; the others may still go */
            done++;
        }
    }
    tx->count = tx->used = 0;
}

uint64_t
rf_udp_dropped(const struct rf_udp_tx *tx)
{
    return tx->dropped;
}
