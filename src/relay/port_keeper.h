/*
 * relay/port_keeper.h - the parent's part of the media ports: it binds them and keeps them
 *
 * The kernel closes a process' sockets when it dies. So the parent makes them, keeps a copy of each descriptor and
 * hands them out again: a new media process has the same ports, and what arrived meanwhile waits in their queues.
 *
 * Media asks over a SOCK_SEQPACKET pair of its own per media thread; the parent has the other end of each and
 * calls rf_port_keeper_serve when it is readable, which never blocks. Media may have been taken over: all that it
 * can get is blocks of ports up to the limit, bound to the addresses given here.
 *
 * A pair of ports has three sockets (SO_REUSEPORT lets the first two share a port):
 *   RTP       is connected to the peer once that is stable: cheaper, and strangers do not reach it
 *   RTP any   never connected: strangers to be counted, and a peer whose address changed
 *   RTCP      one port above
 *
 * Descriptors: 3 a pair; 1000 calls take 6000 in the parent and as many in media (RLIMIT_NOFILE).
 */
#ifndef RF_RELAY_PORT_KEEPER_H
#define RF_RELAY_PORT_KEEPER_H

#include "base/addr.h"

#define RF_PORT_BLOCK_PAIRS 16
#define RF_PORT_PAIR_FDS    3
#define RF_PORT_BLOCK_FDS   (RF_PORT_BLOCK_PAIRS * RF_PORT_PAIR_FDS) /* one message: the kernel allows 253 */
#define RF_PORT_VERSION     1

enum rf_port_command {
    RF_PORT_FETCH = 1, /* the block `index` of this thread, bound before */
    RF_PORT_BIND       /* one more block of `family` */
};

struct rf_port_request {
    uint32_t version, command;
    uint32_t index;  /* FETCH */
    uint32_t family; /* BIND: 4 or 6 */
};

/* With RF_PORT_BLOCK_FDS descriptors when count is not 0: of the first pair RTP, RTP any, RTCP, and so on. */
struct rf_port_reply {
    uint32_t version;
    uint32_t index;  /* of the thread's blocks, from 0 */
    uint32_t family;
    uint32_t count;  /* RF_PORT_BLOCK_PAIRS, or 0: no such block, no more ports */
    uint16_t port[RF_PORT_BLOCK_PAIRS]; /* RTP, even */
};

struct rf_port_keeper_conf {
    uint32_t threads;
    uint32_t blocks_per_thread;  /* at most */
    struct rf_addr address[2];   /* IPv4 and IPv6 to bind to; not set: none of that family */
    uint16_t port_low, port_high; /* setting media.ports: RTP and RTCP lie within */
    int receive_octets;          /* SO_RCVBUF; 0: 262144, about 2 s of voice while media is restarted */
};

struct rf_port_keeper;

/** RF_ERR_RANGE: a figure of conf is out of bounds; RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_port_keeper_new(struct rf_port_keeper **out, const struct rf_port_keeper_conf *conf);
/** Closes all its sockets. NULL is fine. */
void rf_port_keeper_free(struct rf_port_keeper *k);

/**
 * Answer one request of media thread `thread`, if there is one at fd.
 * @return RF_OK; RF_ERR_AGAIN: nothing there; RF_ERR_CLOSED: the other end is gone; RF_ERR_SYNTAX: nonsense, which
 *         was dropped (media is broken or taken over: restart it); RF_ERR_IO
 */
RF_MUST_CHECK enum rf_err rf_port_keeper_serve(struct rf_port_keeper *k, uint32_t thread, int fd);

/** Bind to this address from now on: of a family that had none (rf_port_keeper_conf.address). */
void rf_port_keeper_set_address(struct rf_port_keeper *k, const struct rf_addr *address);

/** Pairs bound so far, of all threads. */
uint32_t rf_port_keeper_pairs(const struct rf_port_keeper *k);

#endif
