/*
 * route/peers.h - what is known of servers that we send to: which of them failed, which asked us to wait, and which
 * have TCP
 *
 * A peer is a transport, an address and a port. Only what differs from the usual is remembered, each entry for a
 * while: a server is not avoided longer than that, and one that answered a stranger's call with "wait for a year" is
 * asked again within the hour.
 *
 * Threads: one worker each has its own. Memory: about 100 octets a peer, at most RF_PEERS_MAX of them; the one that
 * was told of least recently gives way.
 */
#ifndef RF_ROUTE_PEERS_H
#define RF_ROUTE_PEERS_H

#include "base/rand.h"
#include "flow/flow.h"

#define RF_PEERS_MAX 4096 /* 400 kB a worker; each comes from a name or contact that a user chose */

#define RF_PEER_ASIDE_S   300  /* a target that failed, while others of its name serve: five minutes, for a call that
                                  meets a dead one again waits 32 s for timer B */
#define RF_PEER_NO_TCP_S  600  /* a peer without TCP is asked anew: phones get new software, but not often */
#define RF_PEER_TCP_S     3600 /* one that has it */
#define RF_PEER_WAIT_MAX_S 3600 /* of a Retry-After */

struct rf_peers;

enum rf_peer {
    RF_PEER_UNKNOWN,
    RF_PEER_WORKS,  /* it was reached not long ago */
    RF_PEER_FAILED, /* to be tried after all others */
    RF_PEER_WAITS   /* it said Retry-After: not to be tried (RFC 3261 21.5.4) */
};

RF_MUST_CHECK enum rf_err rf_peers_new(struct rf_peers **out, const struct rf_rand *rand);
void rf_peers_free(struct rf_peers *p); /* NULL is fine */

/** Remember `what` for so many seconds, instead of what was known. Without memory it is not remembered. */
void rf_peers_note(struct rf_peers *p, enum rf_transport t, const struct rf_addr *addr, enum rf_peer what,
                   uint32_t seconds, uint64_t now_us);

enum rf_peer rf_peers_look(const struct rf_peers *p, enum rf_transport t, const struct rf_addr *addr, uint64_t now_us);

/** How many are remembered. */
size_t rf_peers_count(const struct rf_peers *p);

#endif
