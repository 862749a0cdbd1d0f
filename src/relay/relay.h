/*
 * relay/relay.h - the media of one thread without its sockets: sessions, and what becomes of a packet
 *
 * Bytes, sources and now_us come in as arguments; destinations come out. That is what tests, the fuzzer and a
 * simulation drive. Ports, descriptors and the clock belong to the caller (media.h), who is reached by rf_relay_io.
 *
 * A leg is named by its index: 2 * (slot - first slot of the thread) + 0 or 1.
 *
 * (I1) An index of SRTP or SRTCP is used once under one key: streams lie in the map and are moved on before a
 *      packet leaves, evicted streams are parked and not forgotten, and a key that was replaced never comes back.
 * (I2) A half-written CHANGE is harmless: `next` and `pending` in the map let a new process finish it.
 * (I3) Nothing leaves in clear, and nothing clear is accepted, on a leg with require_srtp: asked by
 *      rf_relay_may_leave at the last moment before the system call. SRTP that leaves its payload in clear counts
 *      as clear unless the leg's unencrypted_allowed is set (TEL-29); plain RTP does always.
 *
 * Threads: one relay belongs to one thread. Memory: about 400 octets a leg beside the map, and the contexts.
 */
#ifndef RF_RELAY_RELAY_H
#define RF_RELAY_RELAY_H

#include "relay/map.h"

#define RF_FRAME_PACKET_MAX 1500 /* octets of a datagram that we take: the MTU of Ethernet; voice is far below */
#define RF_FRAME_ROOM       (RF_FRAME_PACKET_MAX + RF_SRTP_TRAILER_MAX)
#define RF_FRAME_HEADROOM   64   /* before the packet: link, IP and UDP headers of an AF_XDP frame */
#define RF_FRAME_STRIDE     1728 /* 27 cache lines: not a power of two, so frames spread over the cache's sets */
#define RF_BATCH_MAX        128

_Static_assert(RF_FRAME_HEADROOM + RF_FRAME_ROOM <= RF_FRAME_STRIDE, "a frame holds its largest packet");

enum rf_relay_port { RF_PORT_RTP, RF_PORT_RTCP };

struct rf_frame {
    uint8_t *packet;    /* RF_FRAME_ROOM octets are there */
    uint32_t octets;
    uint32_t leg;       /* in: the leg whose port it came to; out: the leg it goes to */
    uint8_t port;       /* enum rf_relay_port, in and out */
    bool is_to_send;    /* out */
    bool is_rtcp;       /* out */
    bool is_encrypted;  /* out: protect succeeded */
    struct rf_addr addr; /* in: its source; out: its destination */
};

/* What lies below: ports, and the way to signal. */
struct rf_relay_io {
    void *ctx;
    /** A free pair of ports. RF_ERR_AGAIN: asked for more, try later; RF_ERR_NOMEM: there are none. */
    enum rf_err (*take)(void *ctx, unsigned family, uint32_t leg, uint32_t *index, uint16_t *port);
    /** The pair that a session of a former process had. false: there is no such pair. */
    bool (*claim)(void *ctx, unsigned family, uint32_t leg, uint32_t index, uint16_t port);
    /** The session ended: the pair rests. */
    void (*give)(void *ctx, uint32_t index, uint64_t now_us);
    /** RTP of this leg goes to another place than before. */
    void (*moved)(void *ctx, uint32_t index);
    /** An event for a signal worker. false: not now, it is offered again at the next rf_relay_tick. */
    bool (*event)(void *ctx, uint32_t worker, const struct rf_media_reply *event);
};

struct rf_relay;

/**
 * Sessions that are in the map already go on (a former process died): their ports are claimed, their contexts
 * derived. One that makes no sense is closed.
 * @param replay_window  packets, 64 .. 1024; 0: 128. It need not be that of the former process
 * @return RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_relay_new(struct rf_relay **out, struct rf_media_map *map, uint32_t thread,
                                       uint16_t replay_window, const struct rf_relay_io *io, uint64_t now_us);
/** Wipes and frees the contexts; the map stays as it is. NULL is fine. */
void rf_relay_free(struct rf_relay *r);

/**
 * Do what signal asks; `request` was checked (rf_media_request_check).
 * @return RF_OK: *reply is the answer; RF_ERR_AGAIN: an OPEN that must wait for ports, to be offered again;
 *         RF_ERR_NOT_FOUND: nothing to answer (SWEEP)
 */
RF_MUST_CHECK enum rf_err rf_relay_request(struct rf_relay *r, uint32_t worker,
                                           const struct rf_media_request *request,
                                           struct rf_media_reply *reply, uint64_t now_us);

/** Relay n <= RF_BATCH_MAX packets; their order is kept. */
void rf_relay_batch(struct rf_relay *r, struct rf_frame *frames, size_t n, uint64_t now_us);

/** The last question before the system call (I3). */
bool rf_relay_may_leave(const struct rf_relay *r, const struct rf_frame *f);
/** It left, or the kernel did not take it: counts. */
void rf_relay_sent(struct rf_relay *r, const struct rf_frame *f, bool is_sent, uint64_t now_us);

/** Events and timeouts; called about every 50 ms, looks at a part of the sessions each time. */
void rf_relay_tick(struct rf_relay *r, uint64_t now_us);

/* For the I/O below. */
size_t rf_relay_open_count(const struct rf_relay *r);
/** A packet for this leg is coming: bring what it needs into the cache. */
void rf_relay_prefetch(const struct rf_relay *r, uint32_t leg);
/** The port pair that this leg has. */
uint32_t rf_relay_port(const struct rf_relay *r, uint32_t leg);
/** Where this leg's RTP goes now; not set: nowhere. */
const struct rf_addr *rf_relay_target(const struct rf_relay *r, uint32_t leg);
/** When a packet of its peer was accepted last; 0: never in this process. */
uint64_t rf_relay_heard_us(const struct rf_relay *r, uint32_t leg);
struct rf_media_counts *rf_relay_counts(struct rf_relay *r, uint32_t leg);

#endif
