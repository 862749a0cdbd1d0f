/*
 * base/tally.h - what happened so far, counted where it happens: cells of each thread, summed when somebody asks
 *
 * A thread that counts often has a block of its own (rf_tally_enter), so that workers share no cache line; all others
 * share one. Counting is one relaxed addition: no lock, no allocation, no line in the log. Nobody asks for a single
 * cell: whoever shows them sums the blocks of all threads into a copy (rf_tally_sum). Gauges are cells too, which
 * may be taken from by another thread than the one that added: their sum is right, a block alone is not.
 *
 * The sizes bound the labels: what is in no table here counts as "other". Nothing that a peer chooses makes a cell.
 *
 * What is counted by the name of a SIP connection has a row of its own (struct rf_tally_connection).
 *
 * Threads: any. Memory: 60 kB a thread that enters, of which it touches what it counts; 0.9 kB a connection that had
 * a call.
 */
#ifndef RF_BASE_TALLY_H
#define RF_BASE_TALLY_H

#include <stdatomic.h>

#include "base/refusal.h"

typedef _Atomic uint64_t rf_cell;

/* Sizes; the folder that owns the numbering checks it with a static assertion. */
#define RF_TALLY_TRANSPORTS 5   /* enum rf_transport */
#define RF_TALLY_METHODS    15  /* enum rf_sip_method, 0: none of ours */
#define RF_TALLY_STATUSES   64  /* rf_tally_status */
#define RF_TALLY_IFACES     9   /* enum rf_iface; the last: none of them */
#define RF_TALLY_VERSIONS   5   /* rf_tally_version: other, TLS 1.0 to 1.3 */
#define RF_TALLY_CIPHERS    48  /* rf_tally_cipher; the last: any beyond */
#define RF_TALLY_ALERTS     128 /* RFC 8446 6: the highest is 120; the last: any beyond */
#define RF_TALLY_SUITES     20  /* SRTP suites by id; 0: not known */

enum rf_tally_way { RF_TALLY_IN, RF_TALLY_OUT, RF_TALLY_WAYS };
enum rf_tally_direction { RF_TALLY_INTERNAL, RF_TALLY_INBOUND, RF_TALLY_OUTBOUND, RF_TALLY_TRANSIT,
                          RF_TALLY_DIRECTIONS };
enum rf_tally_outcome { RF_TALLY_ANSWERED, RF_TALLY_CANCELLED, RF_TALLY_BUSY, RF_TALLY_NO_ANSWER, RF_TALLY_REFUSED,
                        RF_TALLY_FAILED, RF_TALLY_OUTCOMES };
#define RF_TALLY_VERDICTS 4     /* enum verdict of call */
enum rf_tally_drop { RF_TALLY_DROP_AUTH, RF_TALLY_DROP_REPLAY, RF_TALLY_DROP_CLEAR, RF_TALLY_DROP_FOREIGN,
                     RF_TALLY_DROP_MALFORMED, RF_TALLY_DROPS };
enum rf_tally_result { RF_TALLY_DONE, RF_TALLY_NOT_DONE, RF_TALLY_RESULTS };

#define RF_TALLY_BUCKETS 12

/* How long something took. Bucket i: up to bound i and above the one before; the last has no bound. */
struct rf_tally_times {
    rf_cell bucket[RF_TALLY_BUCKETS + 1];
    rf_cell sum_us;
};

/* Cells alone: rf_tally_sum goes through it as through an array. */
struct rf_tally {
    rf_cell sip_requests[RF_TALLY_WAYS][RF_TALLY_TRANSPORTS][RF_TALLY_METHODS];
    rf_cell sip_responses[RF_TALLY_WAYS][RF_TALLY_TRANSPORTS][RF_TALLY_STATUSES];
    rf_cell tls_open[RF_TALLY_IFACES][RF_TALLY_VERSIONS]; /* a gauge */
    rf_cell tls_done[RF_TALLY_IFACES][RF_TALLY_VERSIONS][RF_TALLY_CIPHERS][2]; /* full, resumed */
    rf_cell tls_failed[RF_TALLY_IFACES][RF_REFUSAL_COUNT];
    rf_cell tls_refused_us[RF_TALLY_IFACES][RF_TALLY_ALERTS]; /* our certificate, by the peer's alert */
    struct rf_tally_times tls_took[RF_TALLY_IFACES][2];
    rf_cell calls[RF_TALLY_VERDICTS];                     /* a gauge */
    struct rf_tally_times call_setup[RF_TALLY_DIRECTIONS], call_length[RF_TALLY_DIRECTIONS];
    rf_cell srtp_packets[RF_TALLY_WAYS][RF_TALLY_SUITES];
    rf_cell dropped[RF_TALLY_DROPS];
    rf_cell streams[RF_TALLY_SUITES];                     /* a gauge; 0: in clear */
    rf_cell one_way, zero_packet;
    rf_cell lost[RF_TALLY_WAYS];
    struct rf_tally_times jitter[RF_TALLY_WAYS];
    rf_cell renewals[RF_TALLY_RESULTS];
};

/* What is counted by the SIP connection that a call came by or went out by; "": users' phones alone. */
struct rf_tally_connection {
    char name[64];
    rf_cell calls[RF_TALLY_DIRECTIONS][RF_TALLY_OUTCOMES][RF_TALLY_VERDICTS];
    rf_cell clear[RF_TALLY_WAYS];
    struct rf_tally_connection *next, *in_bucket;
};

/** The thread that calls this counts much: it gets a block of its own, or goes on with the shared one when there is
 *  no memory for it. It stays when the thread ends: what was counted was counted. */
void rf_tally_enter(void);

/** Where this thread counts. */
struct rf_tally *rf_tally_mine(void);

static inline void
rf_count(rf_cell *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}
/** Of a gauge. */
static inline void
rf_uncount(rf_cell *c)
{
    atomic_fetch_sub_explicit(c, 1, memory_order_relaxed);
}
static inline uint64_t
rf_cell_value(const rf_cell *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

/** Into the bucket that fits. @param bounds  RF_TALLY_BUCKETS of them, rising; in microseconds, as `us` */
void rf_tally_time(struct rf_tally_times *t, const uint64_t *bounds, uint64_t us);

/** The place of a SIP status. Those without a place of their own share the one of their class. */
unsigned rf_tally_status(unsigned status);
/** "404", or "4xx" of those that share; NULL: no such place. */
const char *rf_tally_status_name(unsigned place);
/** 0x0303 and the like, as on the wire. */
unsigned rf_tally_version(uint16_t version);
/** The place of a TLS suite; suites get theirs in the order in which they are used first. Lock-free. */
unsigned rf_tally_cipher(uint16_t suite);
/** The suite of a place, 0: none yet, or the place of all beyond. */
uint16_t rf_tally_cipher_at(unsigned place);

/** The row of a name, made when there is none. Of more than 8,192 names all others share the row "(other)". For once
 *  a leg, never for a packet. Rows stay as long as the process. */
struct rf_tally_connection *rf_tally_connection(const char *name);
/** Has it a row already? */
bool rf_tally_has_connection(const char *name);
/** Rows one after the other; NULL: from the first one. NULL past the last. No lock. */
const struct rf_tally_connection *rf_tally_connection_next(const struct rf_tally_connection *row);

/** All threads' cells, added to what is in `out`. Not one moment: each cell is read for itself. */
void rf_tally_sum(struct rf_tally *out);

#endif
