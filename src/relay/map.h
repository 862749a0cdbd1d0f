/*
 * relay/map.h - media state in memory that outlives both children
 *
 * A sealed memfd that the parent made and both children map. Media writes sessions; signal reads counters
 * (one writer each, relaxed loads). A new media process continues from here: same ports, keys, rollover
 * counters. Only plain data lies here: no pointers.
 */
#ifndef RF_RELAY_MAP_H
#define RF_RELAY_MAP_H

#include <stdalign.h>
#include <stdatomic.h>

#include "relay/control.h"
#include "rtp/stats.h"
#include "srtp/srtp.h"

#define RF_MEDIA_SSRCS 4 /* streams of one leg and direction that we tell apart: audio, and forks or re-starts */

#define RF_MEDIA_REST_US 10000000ull /* slots and ports rest so long after a close: late packets of the old peer */

/* Counters of one leg. All from the relay's view: `in` is what the peer sent. */
struct rf_media_counts {
    _Atomic uint64_t in_packets, in_octets;    /* RTP accepted from the peer and relayed or dropped by hold */
    _Atomic uint64_t in_authentic;             /* of these: SRTP that authenticated, encrypted */
    _Atomic uint64_t in_clear;                 /* of these: plain RTP */
    _Atomic uint64_t in_auth_failed, in_replayed, in_malformed, in_foreign; /* dropped, and why */
    _Atomic uint64_t in_clear_refused;         /* plain RTP where SRTP is required: dropped */
    _Atomic uint64_t in_other;                 /* STUN, DTLS, keep-alives and what comes without a CHANGE: dropped */
    _Atomic uint64_t in_kernel_dropped;        /* lost in the socket's queue before we read it */
    _Atomic uint64_t in_lost;                  /* RFC 3550 A.3 expected - received, not below 0 */
    _Atomic uint64_t in_jitter_us;             /* RFC 3550 A.8 */
    _Atomic uint64_t in_rtcp, in_rtcp_refused, in_dtmf; /* telephone-event packets */
    _Atomic uint64_t out_packets, out_octets;  /* RTP sent to the peer */
    _Atomic uint64_t out_encrypted, out_clear; /* of these */
    _Atomic uint64_t out_refused;              /* not sent: index used before, no key, not allowed */
    _Atomic uint64_t out_rtcp;
    _Atomic uint64_t out_failed;               /* the kernel did not take it (RTP and RTCP) */
    _Atomic uint64_t last_in_us, last_bad_us;  /* monotonic: last accepted, last refused */
    _Atomic uint64_t last_clear_us;            /* last clear packet in or out ... */
    _Atomic uint64_t clear_us;                 /* ... and for how long there were such */
    _Atomic uint64_t in_unencrypted;           /* SRTP that authenticated, its payload in clear (TEL-29) */
    _Atomic uint64_t far_lost, far_jitter_us;  /* of what we send, as the peer's reports say */
    _Atomic uint64_t far_reports;              /* that said so */
    _Atomic uint32_t rtt_us;                   /* from RTCP, 0: unknown */
    _Atomic uint32_t quirks;                   /* RF_SRTP_QUIRK_* seen from this peer */
};

/* A stream that gave way to newer ones: enough to go on where it stopped, so that no index is used or accepted
 * twice when its SSRC, or its key, comes back. */
struct rf_media_parked {
    uint32_t ssrc, roc;
    uint32_t rtcp_index, rtcp_reserved;
    uint32_t key, key_floor, rtcp_key, rtcp_key_floor;
    uint64_t packets;
    uint16_t s_l, shift;
    uint8_t quirks;
    bool is_started, rtcp_is_started;
};
#define RF_MEDIA_PARKED 13 /* one is a spare, to change places with a live one. With the live ones: 16 SSRCs under
                            * one key, then a peer must negotiate a new one */

/* The streams of one leg and direction. Bit i of in_use: live[i] is taken. */
struct rf_media_streams {
    _Atomic uint32_t in_use, parked_count;
    uint32_t key_over; /* sending: a stream under this key was given up, so keys up to it must not come back */
    struct rf_srtp_stream live[RF_MEDIA_SSRCS];
    struct rf_media_parked parked[RF_MEDIA_PARKED];
};

/* Reception statistics of the SSRC that speaks now. */
struct rf_media_reception {
    uint32_t ssrc;
    uint64_t lost_before; /* by earlier SSRCs */
    struct rf_rtp_stats stats;
};

#define RF_MEDIA_KEYS_KNOWN 32 /* more than the phones that may ring for one call, each with a key of its own */

/* The keys of one leg and direction in the order of their first use: a key that comes back gets its old number. */
struct rf_media_keys {
    uint32_t count;                        /* serial of the newest */
    uint64_t print[RF_MEDIA_KEYS_KNOWN];   /* fingerprint of key n at (n - 1) % RF_MEDIA_KEYS_KNOWN */
};

/* A pair of ports of a leg. */
struct rf_media_place {
    uint32_t port_index; /* of the thread's port table */
    uint16_t port;
    uint8_t family;      /* 4 or 6; 0: none. Written last */
};

struct rf_media_leg_state {
    struct rf_media_leg set;         /* as of the last CHANGE; keys are wiped on close */
    struct rf_media_leg next;        /* while `pending` is not 0: what is being made of it */
    _Atomic uint32_t pending;        /* RF_MEDIA_PENDING_*: a CHANGE that was begun; done again by a new process */
    struct rf_addr learnt;           /* where media really goes; not set: as set.peer */
    struct rf_addr learnt_rtcp;
    _Atomic uint32_t learnt_torn;    /* 1 while the two above are being written */
    uint8_t learnt_how;              /* enum rf_learn_strength */
    uint32_t learnt_packets;         /* plain RTP: packets since the first one ... */
    uint64_t learnt_since_us;        /* ... and when that was */
    struct rf_media_place place[2];  /* [0]: of OPEN; [1]: of EXTEND, of the other family */
    uint8_t at;                      /* which of them is used: that of set.peer's family */
    uint8_t told;                    /* RF_MEDIA_TOLD_*: events that were sent */
    struct rf_media_keys tx_keys, rx_keys;
    uint32_t tx_serial, rx_serial[RF_MEDIA_KEYS_MAX];           /* of the keys in `set`; 0: none */
    uint32_t next_tx_serial, next_rx_serial[RF_MEDIA_KEYS_MAX]; /* of those in `next` */
    uint64_t changed_us;             /* of the last CHANGE; 0: none yet */
    struct rf_media_streams rx, tx;
    struct rf_media_reception reception;
    uint32_t far_ssrc;               /* of the stream that goes to the peer, as its last report named it */
    uint64_t far_lost_before;        /* of earlier ones, as the last report on each said */
    struct rf_media_counts counts;
};

#define RF_MEDIA_PENDING_COMMIT  1 /* `next` is complete */
#define RF_MEDIA_PENDING_PEER_NEW 2 /* another peer: what was learnt is forgotten */
#define RF_MEDIA_TOLD_STARTED 1
#define RF_MEDIA_TOLD_TIMEOUT 2

struct rf_media_session {
    alignas(64) _Atomic uint32_t generation; /* odd: in use; even: free. Grows by one at open and at close */
    uint32_t worker;                 /* signal worker it belongs to */
    uint64_t epoch;                  /* of the signal process that opened or adopted it */
    uint64_t cookie;                 /* of the OPEN, to know it when it is repeated */
    uint64_t opened_us, timeout_us;
    struct rf_media_leg_state leg[2];
};

/* What placement of new sessions goes by. One writer; whoever reads it believes it for nothing else. */
struct rf_media_load {
    alignas(64) _Atomic uint32_t busy; /* pairs of ports of a thread that are in use or rest */
};

/*
 * The head is a page of its own that each process has privately and read-only (rf_media_map_attach): a media
 * process that was taken over cannot lie to signal about the geometry.
 */
struct rf_media_map {
    uint32_t version, threads;
    uint32_t slots_per_thread;       /* thread t owns slots [t * slots_per_thread, ...) */
    uint32_t ports_per_thread;
    alignas(4096) struct rf_media_session session[]; /* then a struct rf_media_load for each thread */
};

/**
 * For the parent: a new, sealed memfd for the sessions, all free.
 * @param fd  close-on-exec; the parent keeps it as long as it lives
 * @return RF_ERR_IO, RF_ERR_RANGE (0 threads or slots, or more than 2^24 slots)
 */
RF_MUST_CHECK enum rf_err rf_media_map_new(uint32_t threads, uint32_t slots_per_thread, int *fd);
/**
 * Map it. Signal maps it to read only, media to write. The geometry comes from the parent, never from the memory.
 * @return RF_ERR_IO
 */
RF_MUST_CHECK enum rf_err rf_media_map_attach(int fd, uint32_t threads, uint32_t slots_per_thread,
                                              uint32_t ports_per_thread, bool may_write,
                                              struct rf_media_map **out);
void rf_media_map_detach(struct rf_media_map *map); /* NULL is fine */

/** For the media thread: its load, to be kept true. */
struct rf_media_load *rf_media_map_load(struct rf_media_map *map, uint32_t thread);
/** For signal: pairs of ports of this thread that are in use or rest. */
uint32_t rf_media_map_busy(const struct rf_media_map *map, uint32_t thread);

/** For signal: the highest ROC of what this leg's peer sends; 0 when nothing was heard. */
uint32_t rf_media_roc(const struct rf_media_leg_state *leg);

/** Octets for a map of so many slots. */
size_t rf_media_map_size(uint32_t threads, uint32_t slots_per_thread);
/** For signal: the session if it is this one, open or closed and not used again (its final numbers; a slot rests for
 *  RF_MEDIA_REST_US); NULL otherwise. */
const struct rf_media_session *rf_media_map_find(const struct rf_media_map *map, struct rf_media_name name);

#endif
