/*
 * main/automatic.h - certificates that renew themselves: from settings to acme/keeper.h, from the store to listeners
 */
#ifndef RF_MAIN_AUTOMATIC_H
#define RF_MAIN_AUTOMATIC_H

#include "acme/keeper.h"
#include "conf/conf.h"
#include "store/store.h"

#define RF_AUTOMATIC_CERTS_MAX RF_ACME_KEY_KINDS

/* All certificate blocks with lets-encrypt on, as the keeper wants them. Read-only. */
struct rf_automatic {
    size_t count;
    struct rf_acme_certificate certificate[];
};

/**
 * @param bundle  where the parent put ca-file (cert/bundle.h)
 * @return with *problem set at the line: RF_ERR_SYNTAX, RF_ERR_RANGE, RF_ERR_NOT_FOUND; RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_automatic_new(struct rf_automatic **out, const struct rf_conf *c, struct rf_span bundle,
                                           struct rf_conf_problem *problem);
void rf_automatic_free(struct rf_automatic *a); /* NULL is fine */

/** What the store has under a label, with references; ECDSA first. How many. */
size_t rf_automatic_certs(struct rf_store *store, const char *label,
                          struct rf_cert *out[static RF_AUTOMATIC_CERTS_MAX]);

#endif
