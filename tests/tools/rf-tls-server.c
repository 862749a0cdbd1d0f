/*
 * tests/tools/rf-tls-server.c - a TLS listener of one interface, for scanners
 *
 * rf-tls-server INTERFACE LEVEL CHAIN.pem KEY.pem [CHAIN.pem KEY.pem]
 * Prints the port of 127.0.0.1 that it listens on. What a daemon's interface does with TLS, without the rest: after
 * the handshake it answers whatever comes with a short HTTP answer and closes. Each handshake is a line of JSON on
 * standard error. Ends by SIGTERM.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "tls/conn.h"

#define PEERS_MAX 256
#define PEER_US   (20 * 1000000ull) /* a scanner that is silent for this long has gone */

struct peer {
    int fd;
    struct rf_tls_conn *tls;
    bool is_up;
    uint64_t since_us;
};

static struct peer peers[PEERS_MAX];
static size_t peer_count;
static struct rf_tls_ring *ring;
static uint64_t seen_good, seen_failed;

static int
listen_anywhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    rf_assert(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 128) == 0);
    rf_assert(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void
print_events(bool failed, uint64_t *seen)
{
    static struct rf_tls_event event;
    static struct rf_tls_offer offer;
    static char text[16384];

    while (rf_tls_ring_copy(ring, *seen, failed, &event, &offer, 1) == 1) {
        struct rf_buf b = rf_buf(text, sizeof text);

        *seen = event.serial;
        rf_tls_event_json(&b, &event, failed ? &offer : NULL);
        if (!b.overflow)
            fprintf(stderr, "%.*s\n", (int)b.n - 1, text); /* without the comma behind */
    }
}

static void
drop(size_t i)
{
    rf_tls_conn_free(peers[i].tls);
    close(peers[i].fd);
    peers[i] = peers[--peer_count];
}

/* false: it is over. */
static bool
serve(struct peer *p)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    char octets[16384];
    enum rf_err err;
    size_t n;

    if (!p->is_up) {
        err = rf_tls_conn_handshake(p->tls);
        p->is_up = err == RF_OK;
        if (err != RF_OK)
            return err == RF_ERR_AGAIN;
    }
    err = rf_tls_conn_read(p->tls, octets, sizeof octets, &n);
    if (err == RF_ERR_AGAIN)
        return true;
    if (err == RF_OK && rf_tls_conn_write(p->tls, RF_SPAN_LIT(answer), &n) == RF_OK)
        rf_tls_conn_close(p->tls);
    return false;
}

int
main(int argc, char **argv)
{
    struct rf_cert *cert[2];
    struct rf_cert_problem problem;
    struct rf_tls_server_conf conf = { .cert = cert };
    struct rf_tls_server *server;
    struct pollfd watched[PEERS_MAX + 1];
    const char *why;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    if ((argc != 5 && argc != 7) || rf_tls_level_find(rf_span_str(argv[2]), &conf.level) != RF_OK) {
        fprintf(stderr, "usage: rf-tls-server INTERFACE LEVEL CHAIN.pem KEY.pem [CHAIN.pem KEY.pem]\n");
        return 2;
    }
    conf.interface = argv[1];
    for (int i = 3; i + 1 < argc; i += 2) {
        if (rf_cert_load(&cert[conf.cert_count++], argv[i], argv[i + 1], &problem) != RF_OK) {
            fprintf(stderr, "%s\n", problem.text);
            return 1;
        }
    }
    rf_assert(rf_tls_ring_new(&ring, 64, 64) == RF_OK);
    conf.ring = ring;
    if (rf_tls_server_new(&server, &conf, &why) != RF_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    fd = listen_anywhere();
    for (;;) {
        watched[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
        for (size_t i = 0; i < peer_count; i++)
            watched[i + 1] = (struct pollfd){ .fd = peers[i].fd, .events = POLLIN };
        if (poll(watched, peer_count + 1, 1000) < 0 && errno != EINTR)
            return 1;
        for (size_t i = peer_count; i-- > 0;)
            if ((watched[i + 1].revents != 0 && !serve(&peers[i])) || rf_now_us() - peers[i].since_us > PEER_US)
                drop(i);
        while (peer_count < PEERS_MAX) {
            struct peer p = { .fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), .since_us = rf_now_us() };

            if (p.fd < 0)
                break;
            if (rf_tls_conn_accept(&p.tls, server, p.fd) != RF_OK)
                return 1;
            peers[peer_count++] = p;
        }
        print_events(false, &seen_good);
        print_events(true, &seen_failed);
    }
}
