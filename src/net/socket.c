#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "net/who.h"

#define BACKLOG 4096 /* a reconnect storm of 1000 at once must fit; the kernel clips it to somaxconn */
/* Octets of unread datagrams: half a second of 10,000 messages a second of 800 octets. */
#define UDP_BUFFER (4 << 20)
/* What we sent stays unacknowledged so long: the peer is gone (64 * T1, when transactions give up as well). */
#define TCP_USER_TIMEOUT_MS 32000

static bool
set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static void
set_tcp_options(int fd)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS);
}

static void
set_udp_options(int fd, int family)
{
    if (family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    /* FORCE goes beyond the system's limit and needs the rights that the parent still has. */
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER))
        set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
    if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_BUFFER))
        set_int(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
}

static int
open_socket(int type, const struct rf_addr *addr)
{
    int fd = socket(addr->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && addr->sa.sa_family == AF_INET6 && !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A member of a group joins others that share; so first see whether it could be had alone. */
static bool
is_free(int type, const struct rf_addr *addr)
{
    int fd = open_socket(type, addr), saved;
    bool free_now;

    if (fd < 0)
        return false;
    /* Streams: connections of a former run in TIME-WAIT do not count, a listener does. */
    if (type == SOCK_STREAM)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    free_now = bind(fd, &addr->sa, rf_addr_len(addr)) == 0 && (type != SOCK_STREAM || listen(fd, 1) == 0);
    saved = errno;
    close(fd);
    errno = saved;
    return free_now;
}

static int
bind_one(int type, const struct rf_addr *addr)
{
    int fd = open_socket(type, addr), saved;

    if (fd < 0)
        return -1;
    if (type == SOCK_STREAM) {
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        set_tcp_options(fd);
    } else {
        set_udp_options(fd, addr->sa.sa_family);
    }
    if (set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) && bind(fd, &addr->sa, rf_addr_len(addr)) == 0 &&
        (type != SOCK_STREAM || listen(fd, BACKLOG) == 0))
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void
explain(struct rf_bind_problem *problem, int type, const struct rf_addr *addr)
{
    struct rf_port_owner owner;
    bool has_owner;

    problem->os_errno = errno;
    has_owner = problem->os_errno == EADDRINUSE && rf_port_owner_find(type, addr, &owner) == RF_OK;
    if (has_owner && owner.pid != 0)
        snprintf(problem->reason, sizeof problem->reason, "the port is taken by %s (pid %d)", owner.name,
                 owner.pid);
    else if (has_owner)
        snprintf(problem->reason, sizeof problem->reason,
                 "the port is taken by a program of user %u; root is told which", owner.uid);
    else if (problem->os_errno == EADDRINUSE)
        snprintf(problem->reason, sizeof problem->reason, "the port is taken by another program");
    else if (problem->os_errno == EACCES)
        snprintf(problem->reason, sizeof problem->reason, "ports below 1024 need the right to bind them");
    else if (problem->os_errno == EADDRNOTAVAIL)
        snprintf(problem->reason, sizeof problem->reason, "this machine does not have the address");
    else
        snprintf(problem->reason, sizeof problem->reason, "%s", strerror(problem->os_errno));
}

enum rf_err
rf_socket_bind_group(int *fds, size_t n, int type, const struct rf_addr *addr,
                     struct rf_bind_problem *problem)
{
    if (rf_addr_port(addr) != 0 && !is_free(type, addr)) {
        explain(problem, type, addr);
        for (size_t i = 0; i < n; i++)
            fds[i] = -1;
        return RF_ERR_IO;
    }
    return rf_socket_bind_beside(fds, n, type, addr, problem);
}

enum rf_err
rf_socket_bind_beside(int *fds, size_t n, int type, const struct rf_addr *addr, struct rf_bind_problem *problem)
{
    struct rf_addr at = *addr;

    rf_assert(n >= 1 && n <= RF_BIND_GROUP_MAX);
    memset(problem, 0, sizeof *problem);
    for (size_t i = 0; i < n; i++)
        fds[i] = -1;
    for (size_t i = 0; i < n; i++) {
        fds[i] = bind_one(type, &at);
        if (fds[i] < 0)
            goto fail;
        if (rf_addr_port(&at) == 0)
            at = rf_socket_local(fds[i]);
    }
    return RF_OK;

fail:
    explain(problem, type, &at);
    for (size_t i = 0; i < n; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
    return RF_ERR_IO;
}

struct rf_addr
rf_socket_local(int fd)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t n = sizeof ss;
    struct rf_addr none = { 0 };

    if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0 ||
        (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
        return none;
    return rf_addr_from((const struct sockaddr *)&ss);
}

struct rf_addr
rf_socket_source(const struct rf_addr *remote)
{
    struct rf_addr none = { 0 }, local;
    int fd = open_socket(SOCK_DGRAM, remote);

    if (fd < 0)
        return none;
    /* Connecting a datagram socket sends nothing; it looks the route up. */
    local = connect(fd, &remote->sa, rf_addr_len(remote)) == 0 ? rf_socket_local(fd) : none;
    close(fd);
    if (rf_addr_is_set(&local))
        rf_addr_set_port(&local, 0);
    return local;
}

int
rf_socket_mtu(const struct rf_addr *remote)
{
    bool is_v6 = remote->sa.sa_family == AF_INET6;
    int fd = open_socket(SOCK_DGRAM, remote), mtu = 0;
    socklen_t n = sizeof mtu;

    if (fd < 0)
        return 0;
    if (connect(fd, &remote->sa, rf_addr_len(remote)) != 0 ||
        getsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_MTU : IP_MTU, &mtu, &n) != 0)
        mtu = 0;
    close(fd);
    return mtu;
}

enum rf_err
rf_tcp_accept(int listen_fd, int *fd, struct rf_addr *remote)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;

    *fd = accept4(listen_fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (*fd >= 0) {
        *remote = rf_addr_from((const struct sockaddr *)&ss);
        return RF_OK;
    }
    switch (errno) {
    case EAGAIN:
        return RF_ERR_AGAIN;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return RF_ERR_NOMEM;
    default: /* accept(2): errors of the new connection are reported here as well */
        return RF_ERR_CLOSED;
    }
}

enum rf_err
rf_tcp_connect(int *fd, const struct rf_addr *remote, const struct rf_addr *local)
{
    int s = open_socket(SOCK_STREAM, remote), saved;

    if (s < 0)
        return RF_ERR_IO;
    set_tcp_options(s);
    if (local != NULL && rf_addr_is_set(local)) {
        set_int(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        if (bind(s, &local->sa, rf_addr_len(local)) != 0)
            goto fail;
    }
    if (connect(s, &remote->sa, rf_addr_len(remote)) != 0 && errno != EINPROGRESS)
        goto fail;
    *fd = s;
    return RF_OK;

fail:
    saved = errno;
    close(s);
    errno = saved;
    return RF_ERR_IO;
}

enum rf_err
rf_tcp_connected(int fd)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;
    int os_errno = 0;
    socklen_t size = sizeof os_errno;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &os_errno, &size) != 0)
        return RF_ERR_IO;
    if (os_errno != 0) {
        errno = os_errno;
        return RF_ERR_IO;
    }
    if (getpeername(fd, (struct sockaddr *)&ss, &n) == 0)
        return RF_OK;
    return errno == ENOTCONN ? RF_ERR_AGAIN : RF_ERR_IO;
}
