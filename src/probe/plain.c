/*
 * probe/plain.c - OPTIONS over UDP or TCP, without TLS
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"
#include "net/socket.h"
#include "probe/talk.h"

#define T1_US 500000u /* RFC 3261 17.1.1.1 */
#define T2_US 4000000u

static int
open_socket(const struct rf_probe_target *t, uint64_t until_us)
{
    int fd;

    if (t->transport == RF_PROBE_OVER_TCP)
        return rf_probe_connect(t, until_us);
    fd = socket(t->addr.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Connected: answers of others are not for us. */
    if (fd >= 0 &&
        ((rf_addr_is_set(&t->local) && bind(fd, &t->local.sa, rf_addr_len(&t->local)) != 0) ||
         connect(fd, &t->addr.sa, rf_addr_len(&t->addr)) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool
is_cancelled(const struct rf_probe_target *t)
{
    struct pollfd p = {.fd = t->cancel_fd, .events = POLLIN};

    return t->cancel_fd > 0 && poll(&p, 1, 0) == 1;
}

/* Send what a socket takes; TCP takes a request of 1 kB at once, or is broken. */
static bool
send_whole(int fd, struct rf_span octets)
{
    return send(fd, octets.p, octets.n, MSG_NOSIGNAL) == (ssize_t)octets.n;
}

unsigned
rf_probe_talk_plain(const struct rf_probe_target *t, struct rf_probe_talk_facts *out)
{
    char request[RF_PROBE_REQUEST_MAX], *mem = malloc(RF_PROBE_ANSWER_MAX);
    struct rf_buf b = rf_buf(request, sizeof request);
    struct rf_probe_request r = {.is_sip = true, .transport = t->transport, .host = t->host, .port = t->port,
                                 .uri = t->uri, .user = t->user};
    bool is_udp = t->transport == RF_PROBE_OVER_UDP, is_over = false;
    uint64_t until = rf_probe_deadline(t), began = rf_now_us(), again = T1_US, next;
    int fd = mem != NULL ? open_socket(t, until) : -1;
    size_t n = 0;

    out->is_asked = true;
    if (fd < 0) {
        snprintf(out->error, sizeof out->error, "%s", strerror(errno));
        free(mem);
        return 1;
    }
    out->is_connected = true;
    out->connect_us = (uint32_t)(rf_now_us() - began);
    r.local = rf_socket_local(fd);
    rf_probe_request_init(&r, &rf_rand_system);
    began = rf_now_us();
    next = began + again;
    if (rf_probe_request_put(&b, &r) != RF_OK || !send_whole(fd, rf_buf_span(&b)))
        is_over = true;
    while (rf_probe_answer_read(&r, rf_span(mem, n), is_over, out) == RF_ERR_AGAIN) {
        ssize_t got;

        if (n == RF_PROBE_ANSWER_MAX) {
            is_over = true;
            continue;
        }
        if (!rf_probe_wait(t, fd, POLLIN, is_udp && next < until ? next : until)) {
            is_over = rf_now_us() >= until || !is_udp || is_cancelled(t);
            if (!is_over) { /* the request again: after T1, then twice as long each time, at most T2 */
                (void)send_whole(fd, rf_buf_span(&b));
                again = again * 2 < T2_US ? again * 2 : T2_US;
                next = rf_now_us() + again;
            }
            continue;
        }
        if (is_udp)
            n = 0; /* each datagram is a message of its own */
        got = recv(fd, mem + n, RF_PROBE_ANSWER_MAX - n, 0);
        if (got > 0)
            n += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            snprintf(out->error, sizeof out->error, "%s",
                     got == 0 ? "it closed the connection" : strerror(errno));
            is_over = true;
        }
    }
    out->is_up = out->answered == RF_PROBE_YES;
    out->answer_us = (uint32_t)(rf_now_us() - began);
    if (out->error[0] == '\0')
        snprintf(out->error, sizeof out->error, "%s", out->not_answered);
    free(mem);
    close(fd);
    return 1;
}
