/*
 * main/slow.h - signal's thread for work that waits: certificates that renew themselves, questions about certificates
 *
 * It talks to authorities (acme/keeper.h over acme/transport.h), makes keys, writes to the store and waits for it: what
 * would hold up calls elsewhere. It learns of a new configuration by letter, and says by letter when listeners have a new
 * certificate to show.
 */
#ifndef RF_MAIN_SLOW_H
#define RF_MAIN_SLOW_H

#include "acme/shown.h"
#include "main/sidethread.h"
#include "main/worker.h"

struct rf_slow;

/** @param site  in force; a reference is taken. What the CA may look at is in shared->shown. */
RF_MUST_CHECK enum rf_err rf_slow_new(struct rf_slow **out, struct rf_signal *shared, struct rf_site *site);
void rf_slow_free(struct rf_slow *s); /* after its thread was stopped; NULL is fine */

/** Its thread, to start and stop; its letters: RF_LETTER_SITE, RF_LETTER_ASK, RF_LETTER_INQUIRY. NULL of NULL. */
struct rf_side_thread *rf_slow_thread(struct rf_slow *s);

#endif
