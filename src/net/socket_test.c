/* Sockets on loopback: binding with a reason, datagram batches that know their local address. */
#include "net/socket.h"
#include "net/udp.h"
#include "net/who.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

static struct rf_addr
addr(const char *text)
{
    struct rf_addr a;

    rf_assert(rf_addr_parse_port(rf_span_str(text), &a) == RF_OK);
    return a;
}

static bool
readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 5000) == 1;
}

static void
binding(const char *host, int type, const char *what)
{
    struct rf_addr any = addr(host), first, at;
    struct rf_bind_problem problem;
    char expected[64];
    int fds[4], again[2];

    if (!ok(rf_socket_bind_group(fds, 4, type, &any, &problem) == RF_OK, "%s: four sockets at one address",
            what)) {
        diag("%s", problem.reason);
        return;
    }
    first = rf_socket_local(fds[0]);
    at = rf_socket_local(fds[3]);
    ok(rf_addr_port(&at) != 0 && rf_addr_eq(&at, &first), "%s: the kernel's port is the same for all", what);
    ok(rf_socket_bind_group(again, 2, type, &at, &problem) == RF_ERR_IO && problem.os_errno == EADDRINUSE,
       "%s: a port that is shared by others is refused, not joined (RF-805)", what);
    snprintf(expected, sizeof expected, "(pid %d)", (int)getpid());
    ok(strstr(problem.reason, expected) != NULL, "%s: and its owner is named: %s", what, problem.reason);
    ok(again[0] == -1 && again[1] == -1, "%s: nothing stays bound after a refusal", what);
    for (size_t i = 0; i < 4; i++)
        close(fds[i]);
    ok(rf_socket_bind_group(fds, 2, type, &at, &problem) == RF_OK, "%s: free again after close", what);
    close(fds[0]);
    close(fds[1]);
}

static void
not_ours(void)
{
    struct rf_addr a = addr("192.0.2.77:5060");
    struct rf_bind_problem problem;
    int fd;

    ok(rf_socket_bind_group(&fd, 1, SOCK_DGRAM, &a, &problem) == RF_ERR_IO &&
           problem.os_errno == EADDRNOTAVAIL,
       "an address of another machine: %s", problem.reason);
}

/* What is sent to one of several loopback addresses is answered from that very address. */
static void
datagrams(const char *listen_at, const char *target, const char *client_at)
{
    struct rf_addr bound = addr(listen_at), to = addr(target), client = addr(client_at), from;
    struct rf_bind_problem problem;
    struct rf_udp_rx *rx;
    struct rf_udp_tx *tx, *client_tx;
    static struct rf_udp_datagram got[RF_UDP_BATCH];
    static char big[70000];
    char text[RF_ADDR_TEXT_MAX];
    int fd, client_fd;
    bool more;
    size_t n, seen = 0;

    rf_assert(rf_socket_bind_group(&fd, 1, SOCK_DGRAM, &bound, &problem) == RF_OK);
    rf_assert(rf_socket_bind_group(&client_fd, 1, SOCK_DGRAM, &client, &problem) == RF_OK);
    bound = rf_socket_local(fd);
    rf_addr_set_port(&to, rf_addr_port(&bound));
    rf_assert(rf_udp_rx_new(&rx) == RF_OK && rf_udp_tx_new(&tx, fd) == RF_OK &&
              rf_udp_tx_new(&client_tx, client_fd) == RF_OK);

    for (int i = 0; i < 40; i++) {
        char c = (char)i;

        rf_assert(rf_udp_send(client_tx, &to, &client, rf_span(&c, 1)) == RF_OK);
    }
    ok(!rf_udp_recv(rx, fd, &bound, got, &more), "%s: queued datagrams wait for the flush", target);
    rf_udp_flush(client_tx);
    while (seen < 40 && readable(fd)) {
        n = rf_udp_recv(rx, fd, &bound, got, &more);
        for (size_t i = 0; i < n; i++) {
            if (got[i].octets.n != 1 || got[i].octets.p[0] != (char)seen || !rf_addr_eq(&got[i].local, &to))
                break;
            seen++;
        }
    }
    ok(seen == 40, "%s: 40 datagrams in order, each with its local address %s", target,
       rf_addr_text(&got[0].local, text));

    from = got[0].remote;
    rf_assert(rf_udp_send(tx, &from, &got[0].local, RF_SPAN_LIT("pong")) == RF_OK);
    rf_udp_flush(tx);
    n = 0;
    client = rf_socket_local(client_fd);
    if (readable(client_fd))
        n = rf_udp_recv(rx, client_fd, &client, got, &more);
    ok(n == 1 && rf_addr_eq(&got[0].remote, &to), "%s: the answer leaves from the address that was asked",
       target);

    ok(rf_udp_send(tx, &from, &to, rf_span(big, sizeof big)) == RF_ERR_RANGE, "%s: too large for a datagram",
       target);
    n = 0;
    rf_assert(rf_udp_send(tx, &from, &to, rf_span(big, 60000)) == RF_OK);
    rf_udp_flush(tx);
    if (readable(client_fd))
        n = rf_udp_recv(rx, client_fd, &client, got, &more);
    ok(n == 1 && got[0].octets.n == 60000, "%s: a datagram of 60000 octets passes whole", target);
    ok(rf_udp_dropped(tx) == 0, "%s: none was dropped", target);
    rf_udp_rx_free(rx);
    rf_udp_tx_free(tx);
    rf_udp_tx_free(client_tx);
    close(fd);
    close(client_fd);
}

static void
streams(void)
{
    struct rf_addr any = addr("127.0.0.1:0"), at, remote, mine;
    struct rf_bind_problem problem;
    int listener, client, server;
    struct pollfd p;

    rf_assert(rf_socket_bind_group(&listener, 1, SOCK_STREAM, &any, &problem) == RF_OK);
    at = rf_socket_local(listener);
    ok(rf_tcp_accept(listener, &server, &remote) == RF_ERR_AGAIN, "no connection waits");
    mine = addr("127.0.0.9:0");
    ok(rf_tcp_connect(&client, &at, &mine) == RF_OK, "connect is started");
    p = (struct pollfd){ .fd = client, .events = POLLOUT };
    poll(&p, 1, 5000);
    ok(rf_tcp_connected(client) == RF_OK, "and is done when the socket is writable");
    ok(readable(listener) && rf_tcp_accept(listener, &server, &remote) == RF_OK &&
           rf_addr_same_host(&remote, &mine),
       "the other side sees the address we chose");
    close(server);
    close(client);
    close(listener);
    ok(rf_tcp_connect(&client, &at, NULL) == RF_OK, "connect to a port where nobody listens is started");
    p = (struct pollfd){ .fd = client, .events = POLLOUT };
    poll(&p, 1, 5000);
    errno = 0;
    ok(rf_tcp_connected(client) == RF_ERR_IO && errno == ECONNREFUSED, "and is refused");
    close(client);
}

/* What the kernel says of loopback, by both families. */
static void
mtus(void)
{
    struct rf_addr v4 = addr("127.0.0.1:5060"), v6 = addr("[::1]:5060"), none = { 0 };
    FILE *f = fopen("/sys/class/net/lo/mtu", "r");
    int lo = 0;

    rf_assert(f != NULL && fscanf(f, "%d", &lo) == 1);
    fclose(f);
    ok(rf_socket_mtu(&v4) == (lo < 65535 ? lo : 65535) && rf_socket_mtu(&v6) == lo, /* a datagram of IPv4 has no more */
       "the MTU of the path to loopback is %d", lo);
    ok(rf_socket_mtu(&none) == 0, "that to nowhere is not known");
}

int
main(void)
{
    mtus();
    binding("127.0.0.1:0", SOCK_STREAM, "TCP");
    binding("127.0.0.1:0", SOCK_DGRAM, "UDP");
    binding("[::1]:0", SOCK_STREAM, "TCP on IPv6");
    not_ours();
    datagrams("0.0.0.0:0", "127.0.0.5:0", "127.0.0.1:0");
    datagrams("[::]:0", "[::1]:0", "[::1]:0");
    streams();
    return tap_done();
}
