/*
 * main/letters.h - what workers and signal's first thread write to each other (loop/mailbox.h)
 *
 * Copies, not pointers. The exceptions are counted or handed over whole: a site (a snapshot with a reference count), the
 * answer to a question, which belongs to the reader from then on, and an errand to a certificate's authority.
 */
#ifndef RF_MAIN_LETTERS_H
#define RF_MAIN_LETTERS_H

#include <assert.h>
#include <jansson.h>

#include "call/call.h"
#include "flow/remote.h"

/* A message of the largest size, or a flow's letter, with its head. */
#define RF_LETTER_MAX  (RF_REMOTE_LETTER_MAX + 1024)
/* Per worker: some 2000 messages of 1 kB with their heads. Longer queues only make answers late. */
#define RF_LETTER_RING (4u << 20)

enum rf_letter_kind {
    RF_LETTER_MESSAGE = 1, /* struct rf_letter_message, octets: a SIP message for a call of the reader */
    RF_LETTER_FLOW,        /* struct rf_letter_head, octets: for rf_remote_letter (flow/remote.h) */
    RF_LETTER_WANT,        /* struct rf_letter_card: what is this flow of the reader like? */
    RF_LETTER_CARD,        /* struct rf_letter_card: its answer */
    RF_LETTER_STORED,      /* struct rf_letter_stored: a write is committed, or failed */
    RF_LETTER_SITE,        /* struct rf_letter_site */
    RF_LETTER_LISTEN,      /* struct rf_letter_listen: a socket of the reader's own */
    RF_LETTER_UNLISTEN,    /* struct rf_letter_listen: no more at this one */
    RF_LETTER_ASK,         /* struct rf_letter_ask: a question of the first thread */
    RF_LETTER_TOLD,        /* struct rf_letter_told: its answer */
    RF_LETTER_RESTORE,     /* struct rf_letter_item, octets: a call that was up */
    RF_LETTER_TRANSFER,    /* struct rf_letter_head, octets: for rf_call_letter (call/call.h) */
    RF_LETTER_PASSED,      /* struct rf_letter_passed, octets: an INVITE that another worker has judged */
    RF_LETTER_SWEEP,       /* struct rf_letter_head: all calls were restored */
    RF_LETTER_STOP,        /* struct rf_letter_head: end all calls */
    RF_LETTER_CERTIFICATE, /* struct rf_letter_head, to the desk: the store has a new certificate of our own */
    RF_LETTER_LAMP,        /* struct rf_letter_lamp: there is news of a user whom the reader watches */
    RF_LETTER_SUBSCRIPTION,/* struct rf_letter_item, octets: a subscription of before the restart */
    RF_LETTER_INQUIRY      /* struct rf_letter_inquiry, to the slow thread: what does its authority say? */
};

struct rf_letter_head {
    uint32_t kind;
    uint32_t from; /* worker; RF_WORKERS_MAX: the first thread */
};

struct rf_letter_message {
    struct rf_letter_head head;
    struct rf_flow_card flow; /* by which it came */
};

struct rf_letter_passed {
    struct rf_letter_message message;
    struct rf_call_passed who;
};

static_assert(sizeof(struct rf_letter_passed) <= 1024, "the largest message still fits RF_LETTER_MAX");

struct rf_letter_card {
    struct rf_letter_head head;
    uint64_t serial;          /* of the question */
    uint64_t is_found;        /* answer: the flow is there */
    struct rf_flow_card flow; /* question: its id alone */
};

struct rf_letter_stored {
    struct rf_letter_head head;
    uint64_t cookie;
    int64_t err; /* enum rf_err */
};

struct rf_letter_lamp {
    struct rf_letter_head head;
    char user[64];
};

struct rf_letter_item {
    struct rf_letter_head head;
    char name[32]; /* under which it is kept */
};

struct rf_site;
struct rf_letter_site {
    struct rf_letter_head head;
    struct rf_site *site; /* a reference of the reader's own */
};

struct rf_letter_listen {
    struct rf_letter_head head;
    uint32_t id;
    int32_t fd;        /* LISTEN */
    uint32_t transport; /* enum rf_transport */
    char name[24];
};

struct rf_ocsp_errand;
struct rf_letter_inquiry {
    struct rf_letter_head head;
    struct rf_ocsp_errand *errand; /* the cache's; the reader's until it answers */
};

enum rf_question {
    RF_ASK_CALLS = 1, RF_ASK_CALL, RF_ASK_HANGUP, RF_ASK_NUMBERS, RF_ASK_SUBSCRIPTIONS,
    RF_ASK_ACME_LIST, RF_ASK_ACME_RENEW, RF_ASK_ACME_ACCOUNT_KEY, RF_ASK_ACME_REVOKE /* of the slow thread */
};

struct rf_letter_ask {
    struct rf_letter_head head;
    uint32_t question; /* enum rf_question */
    uint64_t serial;
    char text[128];    /* a call's id, a certificate's label */
};

struct rf_letter_told {
    struct rf_letter_head head;
    uint64_t serial;
    json_t *answer;    /* the reader's; NULL: nothing to tell */
    uint64_t newness;  /* RF_ASK_CALL: which of several answers is the last call (rf_call_show) */
};

struct rf_mailbox;

/** Release what letters own that nobody will read: the readers' and the senders' threads have ended. NULL is fine. */
void rf_letters_drop(struct rf_mailbox *m);

#endif
