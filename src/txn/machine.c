/*
 * txn/machine.c - see machine.h
 */
#include "txn/machine.h"

#define TRYING     RF_TXN_TRYING
#define PROCEEDING RF_TXN_PROCEEDING
#define ACCEPTED   RF_TXN_ACCEPTED
#define COMPLETED  RF_TXN_COMPLETED
#define CONFIRMED  RF_TXN_CONFIRMED
#define TERMINATED RF_TXN_TERMINATED

static const struct rf_txn_step step_table[RF_TXN_MACHINES][RF_TXN_STATES][RF_TXN_EVENTS] = {
    /* INVITE server: RFC 3261 figure 7; Accepted: RFC 6026 7.1 */
    [RF_TXN_IST] = {
        [PROCEEDING] = {
            [RF_TXN_EV_REQUEST] = { PROCEEDING, RF_TXN_RESEND },
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_SEND },
            [RF_TXN_EV_2XX]     = { ACCEPTED,   RF_TXN_SEND | RF_TXN_END_64T1 },                   /* L */
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_SEND | RF_TXN_RETRY_ON | RF_TXN_END_64T1 }, /* G, H */
            [RF_TXN_EV_GONE]    = { TERMINATED, RF_TXN_LOST },
        },
        [ACCEPTED] = {
            [RF_TXN_EV_REQUEST] = { ACCEPTED,   0 }, /* the dialog repeats its own 2xx */
            [RF_TXN_EV_ACK]     = { ACCEPTED,   RF_TXN_TO_USER },
            [RF_TXN_EV_2XX]     = { ACCEPTED,   RF_TXN_SEND },
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
        [COMPLETED] = {
            [RF_TXN_EV_REQUEST] = { COMPLETED,  RF_TXN_RESEND },
            [RF_TXN_EV_RETRY]   = { COMPLETED,  RF_TXN_RESEND | RF_TXN_RETRY_MORE },
            [RF_TXN_EV_ACK]     = { CONFIRMED,  RF_TXN_RETRY_OFF | RF_TXN_END_T4_UDP }, /* I */
            [RF_TXN_EV_END]     = { TERMINATED, RF_TXN_TIMEOUT },
            [RF_TXN_EV_GONE]    = { TERMINATED, RF_TXN_LOST },
        },
        [CONFIRMED] = {
            [RF_TXN_EV_ACK]     = { CONFIRMED,  0 },
            [RF_TXN_EV_REQUEST] = { CONFIRMED,  0 },
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
    },
    /* Non-INVITE server: RFC 3261 figure 8. End in Trying and Proceeding: its client has given up (timer F), an
     * answer of ours would reach nobody (RFC 4320 4.2). */
    [RF_TXN_NIST] = {
        [TRYING] = {
            [RF_TXN_EV_REQUEST] = { TRYING,     0 },
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_SEND },
            [RF_TXN_EV_2XX]     = { COMPLETED,  RF_TXN_SEND | RF_TXN_END_64T1_UDP }, /* J */
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_SEND | RF_TXN_END_64T1_UDP },
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
        [PROCEEDING] = {
            [RF_TXN_EV_REQUEST] = { PROCEEDING, RF_TXN_RESEND },
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_SEND },
            [RF_TXN_EV_2XX]     = { COMPLETED,  RF_TXN_SEND | RF_TXN_END_64T1_UDP },
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_SEND | RF_TXN_END_64T1_UDP },
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
        [COMPLETED] = {
            [RF_TXN_EV_REQUEST] = { COMPLETED,  RF_TXN_RESEND },
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
    },
    /* INVITE client: RFC 3261 figure 5; Accepted: RFC 6026 7.2. End in Proceeding runs only after a CANCEL. */
    [RF_TXN_ICT] = {
        [TRYING] = {
            [RF_TXN_EV_RETRY]   = { TRYING,     RF_TXN_RESEND | RF_TXN_RETRY_MORE }, /* A */
            [RF_TXN_EV_END]     = { TERMINATED, RF_TXN_TIMEOUT },                    /* B */
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_TO_USER | RF_TXN_RETRY_OFF | RF_TXN_END_OFF },
            [RF_TXN_EV_2XX]     = { ACCEPTED,   RF_TXN_TO_USER | RF_TXN_RETRY_OFF | RF_TXN_END_64T1 }, /* M */
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_ACKNOWLEDGE | RF_TXN_TO_USER | RF_TXN_RETRY_OFF |
                                                RF_TXN_END_64T1_UDP }, /* D */
            [RF_TXN_EV_GONE]    = { TERMINATED, RF_TXN_LOST },
        },
        [PROCEEDING] = {
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_TO_USER },
            [RF_TXN_EV_2XX]     = { ACCEPTED,   RF_TXN_TO_USER | RF_TXN_END_64T1 },
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_ACKNOWLEDGE | RF_TXN_TO_USER | RF_TXN_END_64T1_UDP },
            [RF_TXN_EV_END]     = { TERMINATED, RF_TXN_TIMEOUT },
            [RF_TXN_EV_GONE]    = { TERMINATED, RF_TXN_LOST },
        },
        [ACCEPTED] = {
            [RF_TXN_EV_2XX]     = { ACCEPTED,   RF_TXN_TO_USER }, /* repeated, or of another fork */
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
        [COMPLETED] = {
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_ACKNOWLEDGE },
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
            [RF_TXN_EV_GONE]    = { TERMINATED, 0 },
        },
    },
    /* Non-INVITE client: RFC 3261 figure 6 */
    [RF_TXN_NICT] = {
        [TRYING] = {
            [RF_TXN_EV_RETRY]   = { TRYING,     RF_TXN_RESEND | RF_TXN_RETRY_MORE }, /* E */
            [RF_TXN_EV_END]     = { TERMINATED, RF_TXN_TIMEOUT },                    /* F */
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_TO_USER },
            [RF_TXN_EV_2XX]     = { COMPLETED,  RF_TXN_TO_USER | RF_TXN_RETRY_OFF | RF_TXN_END_T4_UDP }, /* K */
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_TO_USER | RF_TXN_RETRY_OFF | RF_TXN_END_T4_UDP },
            [RF_TXN_EV_GONE]    = { TERMINATED, RF_TXN_LOST },
        },
        [PROCEEDING] = {
            [RF_TXN_EV_RETRY]   = { PROCEEDING, RF_TXN_RESEND | RF_TXN_RETRY_MORE },
            [RF_TXN_EV_END]     = { TERMINATED, RF_TXN_TIMEOUT },
            [RF_TXN_EV_1XX]     = { PROCEEDING, RF_TXN_TO_USER },
            [RF_TXN_EV_2XX]     = { COMPLETED,  RF_TXN_TO_USER | RF_TXN_RETRY_OFF | RF_TXN_END_T4_UDP },
            [RF_TXN_EV_FAIL]    = { COMPLETED,  RF_TXN_TO_USER | RF_TXN_RETRY_OFF | RF_TXN_END_T4_UDP },
            [RF_TXN_EV_GONE]    = { TERMINATED, RF_TXN_LOST },
        },
        [COMPLETED] = {
            [RF_TXN_EV_END]     = { TERMINATED, 0 },
        },
    },
};

struct rf_txn_step
rf_txn_step(enum rf_txn_machine m, enum rf_txn_state s, enum rf_txn_event e)
{
    return step_table[m][s][e];
}

const char *
rf_txn_state_name(enum rf_txn_machine m, enum rf_txn_state s)
{
    static const char *const names[RF_TXN_STATES] = { "None",      "Trying",    "Proceeding", "Accepted",
                                                      "Completed", "Confirmed", "Terminated" };

    if (m == RF_TXN_ICT && s == RF_TXN_TRYING)
        return "Calling";
    return names[s];
}
