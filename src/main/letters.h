/*
 * main/letters.h - what workers and signal's first thread write to each other (loop/mailbox.h)
 *
 * Copies, not pointers. The two exceptions are counted or handed over whole: a site (a snapshot with a reference
 * count), and the answer to a question, which belongs to the reader from then on.
 */
#ifndef RF_MAIN_LETTERS_H
#define RF_MAIN_LETTERS_H

#include <jansson.h>

#include "flow/flow.h"
#include "sip/msg.h"

/* A message of the largest size with its head. */
#define RF_LETTER_MAX  (RF_SIP_MESSAGE_MAX + 1024)
/* Per worker: some 2000 messages of 1 kB with their heads. Longer queues only make answers late. */
#define RF_LETTER_RING (4u << 20)

enum rf_letter_kind {
    RF_LETTER_MESSAGE = 1, /* struct rf_letter_flow, octets: a SIP message for a call of the reader */
    RF_LETTER_SEND,        /* struct rf_letter_flow, octets: send them by a flow of the reader */
    RF_LETTER_CLOSE,       /* struct rf_letter_flow: close a flow of the reader */
    RF_LETTER_WATCH,       /* struct rf_letter_flow: tell the writer when this flow of the reader is gone */
    RF_LETTER_GONE,        /* struct rf_letter_flow: a flow that the reader knows from afar is gone */
    RF_LETTER_STORED,      /* struct rf_letter_stored: a write is committed, or failed */
    RF_LETTER_SITE,        /* struct rf_letter_site */
    RF_LETTER_ASK,         /* struct rf_letter_ask: a question of the control thread */
    RF_LETTER_TOLD,        /* struct rf_letter_told: its answer */
    RF_LETTER_RESTORE,     /* struct rf_letter_head, octets: a call that was up */
    RF_LETTER_SWEEP,       /* struct rf_letter_head: all calls were restored */
    RF_LETTER_STOP         /* struct rf_letter_head: end all calls */
};

struct rf_letter_head {
    uint32_t kind;
    uint16_t from; /* worker; RF_WORKERS_MAX: the first thread */
    uint16_t pad;
};

/* All that a flow of another worker shows. */
struct rf_letter_flow {
    struct rf_letter_head head;
    uint64_t id;
    uint32_t transport;
    struct rf_addr local, remote;
    char listener[24];
    struct rf_flow_facts facts;
};

struct rf_letter_stored {
    struct rf_letter_head head;
    uint64_t cookie;
    int64_t err; /* enum rf_err */
};

struct rf_site;
struct rf_letter_site {
    struct rf_letter_head head;
    struct rf_site *site; /* a reference of the reader's own */
};

enum rf_question { RF_ASK_CALLS = 1, RF_ASK_CALL, RF_ASK_HANGUP, RF_ASK_NUMBERS };

struct rf_letter_ask {
    struct rf_letter_head head;
    uint32_t question; /* enum rf_question */
    uint64_t serial;
    char text[128];    /* a call's id */
};

struct rf_letter_told {
    struct rf_letter_head head;
    uint64_t serial;
    json_t *answer;    /* the reader's; NULL: nothing to tell */
};

#endif
