/*
 * net/socket.h - sockets: bound by one process, used by another
 *
 * The parent binds with whatever rights that takes, the unprivileged child inherits descriptors. So binding
 * (rf_socket_bind_group) and using (net/udp.h, rf_tcp_accept) know nothing of each other.
 *
 * Every socket is non-blocking and close-on-exec; an IPv6 socket is IPv6 only, so that one port can be bound
 * for both families and a peer has one form of address.
 */
#ifndef RF_NET_SOCKET_H
#define RF_NET_SOCKET_H

#include "base/addr.h"

/* Why binding failed; `reason` completes "cannot listen on 0.0.0.0:5060: ..." (RF-805). */
struct rf_bind_problem {
    int os_errno;
    char reason[160]; /* "the port is taken by kamailio (pid 812)" */
};

#define RF_BIND_GROUP_MAX 64 /* workers */

/**
 * Bind n sockets to one address with SO_REUSEPORT, one a worker: the kernel spreads connections and datagrams.
 * Refused when anybody else has the port already, even if that one would share it.
 *
 * @param type  SOCK_DGRAM or SOCK_STREAM; streams listen when it returns
 * @param addr  port 0: the kernel chooses one, the same for all
 * @param fds   n descriptors, the caller's to close
 * @return RF_ERR_IO with *problem; nothing is bound then
 */
RF_MUST_CHECK enum rf_err rf_socket_bind_group(int *fds, size_t n, int type, const struct rf_addr *addr,
                                               struct rf_bind_problem *problem);

/**
 * As rf_socket_bind_group, for a port that sockets of ours hold at another address and are about to leave: whether
 * somebody else has it as well cannot be told then.
 */
RF_MUST_CHECK enum rf_err rf_socket_bind_beside(int *fds, size_t n, int type, const struct rf_addr *addr,
                                                struct rf_bind_problem *problem);

/** The address a socket is bound to; no address (rf_addr_is_set) when it has none. */
struct rf_addr rf_socket_local(int fd);

/** The address of ours from which the kernel would send to `remote`, port 0; no address without a route. */
struct rf_addr rf_socket_source(const struct rf_addr *remote);

/** MTU of the path to `remote` as far as the kernel knows it: of the route, or what ICMP said; 0: unknown. */
int rf_socket_mtu(const struct rf_addr *remote);

/**
 * Accept one connection.
 * @return RF_ERR_AGAIN none waits; RF_ERR_NOMEM no descriptors are left (it stays in the queue); RF_ERR_CLOSED
 *         it went away while it waited: take the next
 */
RF_MUST_CHECK enum rf_err rf_tcp_accept(int listen_fd, int *fd, struct rf_addr *remote);

/**
 * Start to connect; the socket becomes writable when it is done (rf_tcp_connected tells how it went).
 * @param local  bind to this address first (port 0: any); NULL: the kernel chooses
 */
RF_MUST_CHECK enum rf_err rf_tcp_connect(int *fd, const struct rf_addr *remote, const struct rf_addr *local);
/** RF_OK, RF_ERR_AGAIN, or RF_ERR_IO with errno set to the reason. */
RF_MUST_CHECK enum rf_err rf_tcp_connected(int fd);

#endif
