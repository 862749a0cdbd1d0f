/*
 * loop/mailbox.h - messages by value between threads: a bounded queue and an eventfd
 *
 * Many senders, one receiver. Threads exchange copies, not pointers. A full mailbox refuses; it never blocks
 * and never drops what it took. The receiver is woken once for many letters.
 */
#ifndef RF_LOOP_MAILBOX_H
#define RF_LOOP_MAILBOX_H

#include "base/span.h"
#include "loop/loop.h"

struct rf_mailbox;

/**
 * @param letter_max  largest letter in octets; letters are kept in a ring of ring_octets
 * @param receive     called on the loop's thread once per letter; the octets are valid during the call, 8-aligned
 */
RF_MUST_CHECK enum rf_err rf_mailbox_new(struct rf_mailbox **out, struct rf_loop *loop, size_t letter_max,
                                         size_t ring_octets,
                                         void (*receive)(void *ctx, struct rf_span letter, uint64_t now_us),
                                         void *ctx);
void rf_mailbox_free(struct rf_mailbox *m); /* on the loop's thread, after the last sender ended; NULL is fine */

/**
 * Give what nobody took to `take` instead of the receiver: letters that own something must not end unread. On the loop's
 * thread when the loop runs no more and the last sender has ended.
 */
void rf_mailbox_empty(struct rf_mailbox *m, void (*take)(void *ctx, struct rf_span letter, uint64_t now_us), void *ctx);

/**
 * Any thread. The letter is the n parts one after another.
 * @return RF_ERR_NOMEM when it is full: answer 503 or drop and count; RF_ERR_RANGE when it is too large.
 */
RF_MUST_CHECK enum rf_err rf_mailbox_send(struct rf_mailbox *m, const struct rf_span *parts, size_t n);

/** Letters refused because it was full, since the start. Any thread. */
uint64_t rf_mailbox_refused(const struct rf_mailbox *m);

#endif
