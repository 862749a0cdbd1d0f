/*
 * tls/tickets.h - session ticket keys that every worker, reload and restart agrees on
 *
 * Keys are computed, not stored: period number = time / period, and each period's keys are HMACs of it under one
 * master secret. Whoever has the secret and the time has the keys, so a phone may resume at another worker, after
 * a reload, after a restart, or at another member of a pool, and nobody has to hand keys around.
 *
 * Tickets of this period and the one before are accepted; they live one period, so none fails for its age.
 *
 * Threads: any, after it is made. The master secret stays with it until the last reference goes, then is wiped.
 */
#ifndef RF_TLS_TICKETS_H
#define RF_TLS_TICKETS_H

#include "base/secret.h"

#define RF_TLS_TICKET_PERIOD_S 21600 /* 6 h: a reconnect storm after a long power cut still resumes */

struct rf_tls_tickets;

/* Keys of one period. */
struct rf_tls_ticket_keys {
    int64_t period;
    bool is_set;
    uint8_t name[16], aes[32], mac[32];
};

/**
 * @param master    at least 32 octets of the caller's, from a random source
 * @param period_s  1 or more
 * @param wall_s    the clock: rf_wall_s in the daemon
 * @return RF_ERR_RANGE a master that is too short; RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_tls_tickets_new(struct rf_tls_tickets **out, struct rf_span master, uint32_t period_s,
                                             int64_t (*wall_s)(void));
struct rf_tls_tickets *rf_tls_tickets_ref(struct rf_tls_tickets *t);
void rf_tls_tickets_unref(struct rf_tls_tickets *t); /* NULL is fine */

uint32_t rf_tls_tickets_period_s(const struct rf_tls_tickets *t);

/**
 * Keys of the period `ago` periods before now (0: the current one).
 * @param settings  at most 32 octets that stand for interface, level and check: tickets made under others cannot
 *                  be read, so a raised level ends resumption at once
 */
void rf_tls_tickets_derive(const struct rf_tls_tickets *t, int ago, struct rf_span settings,
                           struct rf_tls_ticket_keys *out);
/** The current period's number. */
int64_t rf_tls_tickets_period(const struct rf_tls_tickets *t);

#endif
