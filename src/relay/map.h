/*
 * relay/map.h - media state in memory that outlives both children
 *
 * A sealed memfd that the parent made and both children map. Media writes sessions; signal reads counters
 * (one writer each, relaxed loads). A new media process continues from here: same ports, keys, rollover
 * counters. Only plain data lies here: no pointers.
 */
#ifndef RF_RELAY_MAP_H
#define RF_RELAY_MAP_H

#include <stdatomic.h>

#include "relay/control.h"
#include "srtp/srtp.h"

#define RF_MEDIA_SSRCS 4 /* streams of one leg and direction that we tell apart: audio, and forks or re-starts */

/* Counters of one leg. All from the relay's view: `in` is what the peer sent. */
struct rf_media_counts {
    _Atomic uint64_t in_packets, in_octets;    /* RTP accepted from the peer and relayed or dropped by hold */
    _Atomic uint64_t in_authentic;             /* of these: SRTP that authenticated */
    _Atomic uint64_t in_clear;                 /* of these: plain RTP */
    _Atomic uint64_t in_auth_failed, in_replayed, in_malformed, in_foreign; /* dropped, and why */
    _Atomic uint64_t in_clear_refused;         /* plain RTP where SRTP is required: dropped */
    _Atomic uint64_t in_lost;                  /* RFC 3550 A.3 expected - received, not below 0 */
    _Atomic uint64_t in_jitter_us;             /* RFC 3550 A.8 */
    _Atomic uint64_t in_rtcp, in_rtcp_refused, in_dtmf; /* telephone-event packets */
    _Atomic uint64_t out_packets, out_octets;  /* RTP sent to the peer */
    _Atomic uint64_t out_encrypted, out_clear; /* of these */
    _Atomic uint64_t out_refused;              /* not sent: index used before, no key, not allowed */
    _Atomic uint64_t out_rtcp;
    _Atomic uint64_t last_in_us, last_bad_us;  /* monotonic: last accepted, last refused */
    _Atomic uint64_t last_clear_us;            /* last clear packet in or out */
    _Atomic uint32_t rtt_us;                   /* from RTCP, 0: unknown */
    _Atomic uint32_t quirks;                   /* RF_SRTP_QUIRK_* seen from this peer */
};

struct rf_media_leg_state {
    struct rf_media_leg set;         /* as of the last CHANGE; keys are wiped on close */
    struct rf_addr learnt;           /* where media really goes; not set: as set.peer */
    struct rf_addr learnt_rtcp;
    uint32_t port_index;             /* of the parent's port table */
    uint16_t port;
    struct rf_srtp_stream rx[RF_MEDIA_SSRCS], tx[RF_MEDIA_SSRCS];
    struct rf_media_counts counts;
};

struct rf_media_session {
    _Atomic uint32_t generation;     /* odd: in use; even: free. Grows by one at open and at close */
    uint32_t worker;                 /* signal worker it belongs to */
    uint64_t epoch;                  /* of the signal process that opened or adopted it */
    uint64_t opened_us, timeout_us;
    struct rf_media_leg_state leg[2];
};

struct rf_media_map {
    uint32_t version, threads;
    uint32_t slots_per_thread;       /* thread t owns slots [t * slots_per_thread, ...) */
    uint32_t ports_per_thread;
    struct rf_media_session session[];
};

/** Octets for a map of so many slots. */
size_t rf_media_map_size(uint32_t threads, uint32_t slots_per_thread);
/** For signal: the session if it is still this one; NULL otherwise. */
const struct rf_media_session *rf_media_map_find(const struct rf_media_map *map, struct rf_media_name name);

#endif
