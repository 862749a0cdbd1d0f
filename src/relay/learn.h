/*
 * relay/learn.h - whether a packet's source may become the place where media goes
 *
 * Pure: facts in, verdict out. SDP says where a peer wants its media, but behind NAT that is often wrong, so the
 * source of what it sends is believed instead - as far as nobody else can make use of that:
 *   SRTP       a packet that authenticates and is the newest of its stream moves the leg. An old one that comes late
 *              by the former path is accepted and moves nothing.
 *   plain RTP  the first packet latches. For RF_LEARN_WINDOW_US or RF_LEARN_WINDOW_PACKETS from it a source that
 *              signalling speaks for more strongly may take its place; then it is final until a CHANGE names
 *              another peer. When SDP names a public address, only that host is believed.
 */
#ifndef RF_RELAY_LEARN_H
#define RF_RELAY_LEARN_H

#include "base/addr.h"

#define RF_LEARN_WINDOW_US      5000000ull
#define RF_LEARN_WINDOW_PACKETS 50

/* How well signalling speaks for a source of plain RTP. */
enum rf_learn_strength {
    RF_LEARN_NONE,    /* nothing learnt */
    RF_LEARN_ANYONE,  /* SDP names a private address or none, so anybody could be the peer */
    RF_LEARN_HOST,    /* the host of the SDP, or the host that the SIP comes from */
    RF_LEARN_EXACT    /* the address and port of the SDP */
};

enum rf_learn_verdict {
    RF_LEARN_REFUSE, /* foreign: drop and count */
    RF_LEARN_ACCEPT, /* accept; it changes nothing */
    RF_LEARN_FOLLOW  /* accept, and send there from now on */
};

struct rf_learn_facts {
    const struct rf_addr *from;
    const struct rf_addr *peer;           /* of the SDP; may be not set */
    const struct rf_addr *signalled_from; /* may be not set */
    const struct rf_addr *learnt;         /* may be not set */
    bool symmetric;                       /* following is allowed */
    bool is_authentic, is_newest;         /* SRTP */
    enum rf_learn_strength learnt_how;    /* plain: of `learnt` */
    uint64_t since_us;                    /* plain: time since the first packet that was accepted */
    uint32_t packets;                     /* plain: packets accepted since then */
};

/** @param how  plain: strength of this source, to be kept with it when it is followed */
enum rf_learn_verdict rf_learn(const struct rf_learn_facts *f, enum rf_learn_strength *how);

#endif
