/*
 * relay/ports.h - a media thread's ports: its table, and datagrams in and out
 *
 * The sockets come from the parent (port_keeper.h) over a channel. A pair is free, in use by a leg, or rests for
 * RF_MEDIA_REST_US after a session: late packets of the old peer must not reach a new one. Its index in the table
 * is what the map keeps (port_index): blocks are numbered by the parent and come back in the same order.
 *
 * The rest of the folder says "send to this leg" and gets frames; which descriptor that is, is known here alone.
 *
 * Threads: one. Memory: 80 octets a pair.
 */
#ifndef RF_RELAY_PORTS_H
#define RF_RELAY_PORTS_H

#include <sys/epoll.h>

#include "relay/port_keeper.h"
#include "relay/relay.h"

/* What an epoll event is about: kind << 32 | number. The first three are the sockets of a pair. */
enum rf_media_watch {
    RF_WATCH_RTP,
    RF_WATCH_RTP_ANY,
    RF_WATCH_RTCP,
    RF_WATCH_CHANNEL,
    RF_WATCH_CONTROL,
    RF_WATCH_STOP
};

struct rf_ports;

/**
 * @param channel  our end of the thread's pair to the parent
 * @param limit    pairs at most; a multiple of RF_PORT_BLOCK_PAIRS is used
 */
RF_MUST_CHECK enum rf_err rf_ports_new(struct rf_ports **out, int epoll, int channel, uint32_t limit);
/** Closes our copies of the sockets. NULL is fine. */
void rf_ports_free(struct rf_ports *p);

/** At the start, before sockets may be in use: ask for all blocks that are bound already. Blocks; RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_ports_fetch(struct rf_ports *p);

/** After the sessions of a former process have claimed theirs: the others are free. */
void rf_ports_settle(struct rf_ports *p);

/* For rf_relay_io: see there. rf_ports_claim only before rf_ports_settle. */
enum rf_err rf_ports_take(struct rf_ports *p, unsigned family, uint32_t leg, uint32_t *index, uint16_t *port);
bool rf_ports_claim(struct rf_ports *p, unsigned family, uint32_t leg, uint32_t index, uint16_t port);
void rf_ports_give(struct rf_ports *p, uint32_t index, uint64_t now_us);
void rf_ports_moved(struct rf_ports *p, uint32_t index);

/** The channel is readable. true: there are more ports than before. RF_ERR_CLOSED in *err: the parent is gone. */
bool rf_ports_readable(struct rf_ports *p, uint64_t now_us, enum rf_err *err);

/** At most one datagram of each readable socket. Returns how many frames were filled. */
size_t rf_ports_receive(struct rf_ports *p, struct rf_relay *r, const struct epoll_event *events, size_t n,
                        struct rf_frame *frames);
/** Send those frames that may leave. */
void rf_ports_send(struct rf_ports *p, struct rf_relay *r, const struct rf_frame *frames, size_t n,
                   uint64_t now_us);

/** Pairs that are in use or rest. */
uint32_t rf_ports_busy(const struct rf_ports *p);

/** Nothing to do until somebody speaks: no rest to end, no answer to wait for. */
bool rf_ports_are_quiet(const struct rf_ports *p);
/** About every 50 ms: ends rests, connects what is stable, counts what the kernel dropped. */
void rf_ports_tick(struct rf_ports *p, struct rf_relay *r, uint64_t now_us);

#endif
