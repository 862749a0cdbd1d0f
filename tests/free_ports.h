/*
 * tests/free_ports.h - UDP ports for a test alone, whatever runs beside it
 *
 * Looking for free ports is not enough: another test may look at the same moment. So a unit of ports is
 * claimed by binding an abstract socket with its name, which the kernel gives to one process, for as long as
 * it lives, in the same network namespace that the ports belong to. tests/lib/ports.py claims by the same
 * names. All units lie below the ports that the kernel gives out by itself.
 */
#ifndef RF_TESTS_FREE_PORTS_H
#define RF_TESTS_FREE_PORTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PORTS_UNIT 100
#define PORTS_LOW  10000
#define PORTS_HIGH 32700 /* net.ipv4.ip_local_port_range begins at 32768 */

/* Held until the process ends; -1: somebody has it. */
static inline int
ports_claim(unsigned first)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "ringfence-test-ports-%u", first);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 &&
        bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static inline bool
port_is_free(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}; /* of every address */
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;

    if (fd >= 0)
        close(fd);
    return is_free;
}

/* Claim from `first` on, at most 64 units; false: somebody has one, or a port is taken by a stranger. */
static inline bool
ports_take(unsigned first, unsigned n)
{
    int fd[64];
    unsigned units = 0;
    bool all = true;

    for (unsigned at = first; all && at < first + n; at += PORTS_UNIT) {
        fd[units] = ports_claim(at);
        all = fd[units] >= 0;
        units += all;
    }
    for (unsigned port = first; all && port < first + n; port++)
        all = port_is_free(port);
    while (!all && units > 0)
        close(fd[--units]);
    return all;
}

/** The first of n UDP ports, an even one, that are ours until this process ends. Waits up to a minute for them. */
__attribute__((unused)) static unsigned
free_ports(unsigned n)
{
    unsigned count = (PORTS_HIGH - PORTS_LOW - n) / PORTS_UNIT, from = (unsigned)getpid() * 7 % count;
    struct timespec pause = { 0, 200 * 1000000 };

    for (int look = 0; look < 300; look++) {
        for (unsigned i = 0; i < count; i++) {
            unsigned first = PORTS_LOW + (from + i) % count * PORTS_UNIT;

            if (ports_take(first, n))
                return first;
        }
        nanosleep(&pause, NULL);
    }
    printf("Bail out! no %u free ports in a row\n", n);
    exit(1);
}

#endif
