/*
 * relay/media.h - the body of the media process
 *
 * The parent makes, once and for all starts of media:
 *   - the memfd of the map (rf_media_map_new); both children map it (rf_media_map_attach)
 *   - a SOCK_SEQPACKET pair for each (thread, signal worker): rf_media_request one way, rf_media_reply back. They
 *     outlive both children, so what was sent to a process that died is read by its successor.
 *   - a SOCK_SEQPACKET pair for each thread to a port keeper (port_keeper.h) in the parent, which must be served
 *     while media runs, from before it starts. A fresh pair for each start of media: its end tells that the other
 *     side is gone.
 * Then rf_media_run is called in the sandbox. Its system calls from then on: recvmsg recvfrom sendto epoll_*
 * close connect getsockopt clock_nanosleep clock_gettime eventfd2 prctl(PR_SET_TIMERSLACK) and what threads and
 * malloc need. It opens no file and makes no socket. RLIMIT_NOFILE: 6 a call and some (port_keeper.h).
 *
 * Each thread owns a range of slots of the map and its ports, and shares nothing with the others. Under load it
 * sleeps to the next tick and then takes all that has arrived: the wake-up is the largest avoidable cost of a
 * relay (media limits: 9.8 -> 4.4 us a packet, for 0.5 ms of mean delay). Below about 200 packets a second it waits
 * in epoll, and each packet leaves at once.
 */
#ifndef RF_RELAY_MEDIA_H
#define RF_RELAY_MEDIA_H

#include "relay/map.h"

struct rf_media_start {
    struct rf_media_map *map; /* to write; its head says how many threads, slots and ports */
    uint32_t workers;         /* signal workers, at most 64 */
    const int *control;       /* [thread * workers + worker]: media's ends */
    const int *ports;         /* [thread]: media's ends, blocking; media's own from here on */
    const char *crypto;       /* for rf_srtp_init: "auto"; NULL: it was called already */
    uint32_t tick_us;         /* 500 to 2000; 0: 1000 */
    uint16_t replay_window;   /* packets, 64 to 1024; 0: 128 */
    int stop;                 /* readable: return; -1: none */
    _Atomic uint64_t *beat;   /* [thread]: when its loop went round last (rf_now_us), at least once a second; 0 until
                                 its first round; NULL: nobody looks */
};

/**
 * Relay until `stop` is readable or the parent is gone.
 * @return 0, or 1 when it could not start (logged)
 */
int rf_media_run(const struct rf_media_start *s);

#endif
