/*
 * main/refused.h - chains of peers that were refused, kept for whoever wants to trust one of them (AVA-26)
 *
 * Of each refused certificate the last chain, with why, when, where and how often. Bounded: the oldest goes.
 *
 * Threads: any; a lock of a few instructions, taken only when a certificate is refused or somebody asks.
 * Memory: at most RF_REFUSED_MAX chains of RF_REFUSED_OCTETS_MAX: 1.5 MB.
 */
#ifndef RF_MAIN_REFUSED_H
#define RF_MAIN_REFUSED_H

#include "tls/conn.h"

#define RF_REFUSED_MAX        64
#define RF_REFUSED_OCTETS_MAX 24576 /* certificates behind those that fit are left out; the leaf always fits or none */

struct rf_refused_chain {
    uint32_t number;          /* of the event; grows */
    uint32_t times;           /* this certificate was refused so often */
    int64_t wall_s;           /* the last time */
    struct rf_addr peer;
    char interface[24];
    enum rf_refusal refusal;
    char detail[160];
    uint8_t passes_level;     /* bit per enum rf_check_level */
    uint8_t sha256[32];       /* of the leaf */
    uint32_t count;           /* certificates, leaf first */
    uint32_t end[RF_CHECK_CHAIN_MAX];
    char *der;                /* the list's */
};

struct rf_refused;

/** Empty. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_refused_new(struct rf_refused **out);
void rf_refused_free(struct rf_refused *r); /* NULL is fine */

/** Remember the chain of this connection's peer; nothing when it showed none. */
void rf_refused_add(struct rf_refused *r, const struct rf_tls_conn *c, const struct rf_refused_chain *why);

/** All, the newest first, under the lock: `visit` copies and returns; false stops. */
void rf_refused_visit(struct rf_refused *r, bool (*visit)(void *ctx, const struct rf_refused_chain *c), void *ctx);

struct rf_span rf_refused_der(const struct rf_refused_chain *c, size_t i);

#endif
