/*
 * main/expiry.h - certificates that end soon are told of 30, 14, 7, 3 and 1 days before (RF-704)
 *
 * Each step once a process run, of ours and of those that are trusted by name; the system's public authorities are
 * the system's business.
 *
 * Threads: signal's first one.
 */
#ifndef RF_MAIN_EXPIRY_H
#define RF_MAIN_EXPIRY_H

#include "main/ifaces.h"

struct rf_expiry;

/** Nothing was said yet. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_expiry_new(struct rf_expiry **out);
void rf_expiry_free(struct rf_expiry *e); /* NULL is fine */

/** Look at all of them, and say what has come near. Cheap: call it after a change and once an hour. */
void rf_expiry_look(struct rf_expiry *e, const struct rf_ifaces *s, int64_t now_s);

#endif
