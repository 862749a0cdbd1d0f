/*
 * txn/machine.h - the four transaction machines as tables (RFC 3261 figures 5 to 8, RFC 6026 for Accepted)
 *
 * Pure data: a state and an event give the next state and what to do. Timers have two places only, because no
 * state runs more than two: `retry` repeats a message (A, E, G), `end` leaves the state (B, D, F, H, I, J, K, L, M).
 * B and F are exact; the others only tidy up, and may be RF_TIMER_LATE_US late.
 * An empty cell is counted and dropped: a peer may send anything.
 */
#ifndef RF_TXN_MACHINE_H
#define RF_TXN_MACHINE_H

#include <stdint.h>

enum rf_txn_machine { RF_TXN_IST, RF_TXN_NIST, RF_TXN_ICT, RF_TXN_NICT, RF_TXN_MACHINES };

enum rf_txn_state {
    RF_TXN_NONE, /* no such step: an empty cell */
    RF_TXN_TRYING, /* "Calling" for the INVITE client */
    RF_TXN_PROCEEDING,
    RF_TXN_ACCEPTED,
    RF_TXN_COMPLETED,
    RF_TXN_CONFIRMED,
    RF_TXN_TERMINATED,
    RF_TXN_STATES
};

enum rf_txn_event {
    RF_TXN_EV_REQUEST, /* the request again */
    RF_TXN_EV_ACK,
    RF_TXN_EV_1XX, /* responses: received by a client, given by its user to a server */
    RF_TXN_EV_2XX,
    RF_TXN_EV_FAIL, /* 300 to 699 */
    RF_TXN_EV_RETRY,
    RF_TXN_EV_END,
    RF_TXN_EV_GONE, /* the flow is gone (RFC 3261 17.1.4) */
    RF_TXN_EVENTS
};

enum rf_txn_act {
    RF_TXN_SEND = 1,       /* the new message */
    RF_TXN_RESEND = 2,     /* the message again, octet for octet */
    RF_TXN_TO_USER = 4,    /* hand it up */
    RF_TXN_TIMEOUT = 8,    /* tell the user that no answer came */
    RF_TXN_LOST = 16,      /* tell the user that the flow is gone */
    RF_TXN_RETRY_ON = 32,  /* start repeating after T1; UDP only */
    RF_TXN_RETRY_MORE = 64,/* the next interval */
    RF_TXN_RETRY_OFF = 128,
    RF_TXN_END_64T1 = 256, /* H, L, M */
    RF_TXN_END_64T1_UDP = 512, /* D, J: nothing to wait for on a stream */
    RF_TXN_END_T4_UDP = 1024,  /* I, K: same */
    RF_TXN_END_OFF = 2048,
    RF_TXN_ACKNOWLEDGE = 4096, /* send the ACK for a 300-699 */
};

struct rf_txn_step {
    uint8_t next; /* enum rf_txn_state */
    uint16_t act; /* bits of enum rf_txn_act */
};

/** The cell of a machine's table; next RF_TXN_NONE: nothing happens. */
struct rf_txn_step rf_txn_step(enum rf_txn_machine m, enum rf_txn_state s, enum rf_txn_event e);

/** "Proceeding"; "Calling" for the INVITE client's first state. */
const char *rf_txn_state_name(enum rf_txn_machine m, enum rf_txn_state s);

#endif
