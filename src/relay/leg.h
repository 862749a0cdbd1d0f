/*
 * relay/leg.h - one leg as the media thread sees it: inside the folder only
 */
#ifndef RF_RELAY_LEG_H
#define RF_RELAY_LEG_H

#include "relay/learn.h"
#include "relay/relay.h"
#include "relay/streams.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"

/* Private to the process and derived from the map: it can be lost. */
struct rf_leg {
    /* read for each packet, written on CHANGE */
    alignas(64) struct rf_media_leg_state *state; /* in the map */
    struct rf_srtp_ctx *tx, *rx[RF_MEDIA_KEYS_MAX];
    uint8_t rx_count;
    bool is_open, is_changed;  /* a session; and one that had a CHANGE */
    bool may_send, may_receive, require_srtp, rtcp_mux, is_tx_srtp, symmetric;
    bool is_tx_null;           /* what is sent is not encrypted, though authenticated (TEL-29) */
    bool is_tx_bare, is_rx_bare; /* a key leaves RTP or RTCP in clear and nobody allowed that: for (I3) it is no key */
    uint8_t rx_null;           /* bit n: as is_tx_null, of what comes under key n */
    bool is_rx_authentic;      /* no key is of a suite without authentication (TEL-30) */
    uint8_t rx_first;          /* which key is tried first, when there are two */
    uint32_t rx_serial[RF_MEDIA_KEYS_MAX];
    uint32_t rx_roc;           /* where the peer's ROC stood in another session, or 0 */
    uint8_t rx_late;           /* bit n: key n is listed for packets that were on their way when another came */
    uint8_t dtmf_payload;
    uint8_t owed;              /* RF_LEG_OWES_*: events not sent yet */
    uint32_t port_index;       /* in use: copy of the map's, which was checked when it was claimed */
    uint32_t place_index[2];   /* all that it has, so */
    uint8_t place_count;
    uint32_t clock_rate;       /* of the timestamps, not 0 */
    uint8_t quirks;            /* RF_SRTP_QUIRK_* of the peer's latest stream: what it sends it also wants to get */
    uint64_t heard_us;         /* last accepted packet, RTCP too */

    struct rf_streams in, out; /* SSRCs we receive, and send */

    struct rf_addr to_rtp, to_rtcp; /* where to; from `set` and `learnt` */

    /* RF-308: failing authentication without a success between */
    uint32_t bad_count;
    uint64_t bad_since_us, bad_told_us;

    struct rf_rtcp_rtt rtt; /* sender reports that went to this leg */
};

#define RF_LEG_OWES_STARTED  1
#define RF_LEG_OWES_AUTH_BAD 2

struct rf_relay {
    struct rf_media_map *map;
    struct rf_relay_io io;
    uint32_t thread, first_slot, slots;
    uint16_t replay_window;         /* packets, of every context (TEL-25) */
    struct rf_leg *leg;             /* 2 a slot */
    uint32_t *free_slot;            /* a ring: free slots, longest rest first */
    uint64_t *free_at_us;           /* when that one may be used */
    uint32_t free_head, free_count;
    uint32_t open_count;
    uint32_t batch;                 /* number of the present one */
    uint32_t tick_slot;             /* next that rf_relay_tick looks at */
    uint32_t owing;                 /* legs with `owed` set */
    bool has_fresh_event;           /* owed since the last attempt; older ones wait for rf_relay_tick */
    uint64_t tick_us;
};

static inline void
rf_bump(_Atomic uint64_t *counter, uint64_t by)
{
    /* One writer: no locked instruction is needed. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static inline void
rf_note(_Atomic uint64_t *mark, uint64_t value)
{
    atomic_store_explicit(mark, value, memory_order_relaxed);
}

static inline struct rf_leg *
rf_leg_other(const struct rf_relay *r, uint32_t leg)
{
    return &r->leg[leg ^ 1];
}

/** Remember where media really goes; is_rtcp: of the RTCP port alone. */
void rf_leg_learn(struct rf_relay *r, uint32_t leg, const struct rf_addr *from, bool is_rtcp,
                  enum rf_learn_strength how);
/** to_rtp and to_rtcp anew. */
void rf_leg_aim(struct rf_relay *r, uint32_t leg);

/* --- reception.c --- */

/** An RTP packet was accepted: loss, jitter, telephone-events. It is in clear. */
void rf_leg_received(struct rf_leg *leg, const uint8_t *packet, uint32_t octets, bool is_authentic,
                     uint64_t now_us);
/**
 * RTCP from this leg: a report that answers a sender report which went there gives the round trip; one on the stream
 * that the other leg speaks now says how that arrives there.
 */
void rf_leg_rtcp_received(struct rf_leg *leg, const struct rf_leg *other, const struct rf_rtcp *rtcp, uint64_t now_us);
/**
 * Reports on what the other leg sends, before they go there: the highest number that this leg's peer has seen, which
 * srtp/protect.c may have shifted and which a phone that came by a transfer counts from anew, in the other's own numbers.
 */
void rf_leg_rtcp_renumber(struct rf_leg *leg, const struct rf_leg *other, const struct rf_rtcp *rtcp, uint8_t *packet,
                          uint32_t batch);

#endif
