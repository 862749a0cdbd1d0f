/*
 * net/udp.h - datagrams in batches
 *
 * A worker has one rf_udp_rx for all its UDP sockets (a batch is handled before the next is read) and one
 * rf_udp_tx a socket, flushed at the end of a round. The local address of each datagram is known, and answers
 * leave from it, also when the socket is bound to 0.0.0.0 or ::.
 *
 * Threads: one. Memory: rx 2 MB of address space, of which only what datagrams touched is used; tx 256 kB.
 */
#ifndef RF_NET_UDP_H
#define RF_NET_UDP_H

#include "base/addr.h"

#define RF_UDP_BATCH 32

struct rf_udp_datagram {
    struct rf_addr remote, local;
    struct rf_span octets; /* valid until the next rf_udp_recv */
};

struct rf_udp_rx;
struct rf_udp_tx;

RF_MUST_CHECK enum rf_err rf_udp_rx_new(struct rf_udp_rx **out);
void rf_udp_rx_free(struct rf_udp_rx *rx); /* NULL is fine */

/**
 * Read what waits, at most RF_UDP_BATCH datagrams. Datagrams that the kernel cut are left out.
 * @param bound  address of the socket: its port, and its address when that is not "any"
 * @param out    RF_UDP_BATCH of them
 * @return how many; `*more` when the batch was full
 */
size_t rf_udp_recv(struct rf_udp_rx *rx, int fd, const struct rf_addr *bound, struct rf_udp_datagram *out,
                   bool *more);

RF_MUST_CHECK enum rf_err rf_udp_tx_new(struct rf_udp_tx **out, int fd);
void rf_udp_tx_free(struct rf_udp_tx *tx); /* what was not flushed is dropped; NULL is fine */

/**
 * Queue one datagram (copied); sent by rf_udp_flush, or at once when the queue is full.
 * @param local  source address; "any" leaves the choice to the kernel
 * @return RF_ERR_RANGE larger than a datagram can be
 */
RF_MUST_CHECK enum rf_err rf_udp_send(struct rf_udp_tx *tx, const struct rf_addr *remote,
                                      const struct rf_addr *local, struct rf_span octets);
/** Send what is queued. What the kernel refuses is dropped and counted: UDP loses, senders repeat. */
void rf_udp_flush(struct rf_udp_tx *tx);
uint64_t rf_udp_dropped(const struct rf_udp_tx *tx);

#endif
