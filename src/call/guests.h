/*
 * call/guests.h - dialogs that live at another worker than their Call-ID says, after a transfer
 *
 * A Call-ID says which worker its calls belong to (rf_call_owner). When a leg moves into a call of another worker its
 * Call-ID stays what it is, so all workers share this list of exceptions. It is empty but for transferred calls, and
 * then a message costs one atomic load.
 *
 * A name is in the list before the guest itself is there, which waits in a mailbox. So what comes from the network goes
 * first to the worker of its Call-ID, also when the guest is where it came in: that worker sent the guest away, and
 * what it sends later comes later (rf_call_guests_next). A CANCEL that overtook its INVITE would find nothing.
 *
 * A dialog is named by its Call-ID and our tag in it. The Call-ID alone is the peer's choice in half of them: whoever
 * chose the same one would be led to that worker, and its own transfer would take the other's place here. Our tag is 64
 * random bits that only its peer was told.
 *
 * Threads: any; one lock, held for a look-up. Memory: 100 octets and its name for each such leg, so that calls-max
 * bounds it, and for 32 s after the end of an INVITE that was passed on, of 1024 a worker at most (passed.c); nothing
 * is kept for what peers merely send.
 */
#ifndef RF_CALL_GUESTS_H
#define RF_CALL_GUESTS_H

#include "base/rand.h"
#include "base/span.h"
#include "sip/msg.h"

struct rf_call_guests;

struct rf_call_guest_name {
    struct rf_span call_id;
    /* Our tag; of a request that has none yet, its branch: an INVITE that was passed on, its repeats and its CANCEL. Empty:
     * nobody's guest. */
    struct rf_span our_tag;
};

/** What a message would be found under: its spans. */
struct rf_call_guest_name rf_call_guest_of(const struct rf_sip_msg *msg);

RF_MUST_CHECK enum rf_err rf_call_guests_new(struct rf_call_guests **out, const struct rf_rand *rand);
/** NULL is fine. */
void rf_call_guests_free(struct rf_call_guests *g);

/** Its messages are for `worker` from now on, whoever had it before. RF_ERR_NOMEM, RF_ERR_RANGE (no tag). */
RF_MUST_CHECK enum rf_err rf_call_guests_add(struct rf_call_guests *g, struct rf_call_guest_name name, uint16_t worker);
/** It ended at `worker`. Nothing happens when another one has it by now. */
void rf_call_guests_drop(struct rf_call_guests *g, struct rf_call_guest_name name, uint16_t worker);
/** Is it a guest, and whose? NULL: there are none. */
bool rf_call_guests_find(struct rf_call_guests *g, struct rf_call_guest_name name, uint16_t *worker);
/**
 * Which worker has a message next? A guest's is found by its dialog; the ACK of a refusal also by its branch, which is
 * its INVITE's (RFC 3261 17.1.1.3).
 * @param home       of its Call-ID (rf_call_owner)
 * @param here       who has it now; the answer when it is to be handled here
 * @param is_posted  another worker sent it here; it is not from the network
 */
uint16_t rf_call_guests_next(struct rf_call_guests *g, const struct rf_sip_msg *msg, uint16_t home, uint16_t here,
                             bool is_posted);
/** How many there are: for tests of leaks. */
size_t rf_call_guests_count(struct rf_call_guests *g);

#endif
