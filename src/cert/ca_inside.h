/*
 * cert/ca_inside.h - inside cert: an authority whose folder is open and locked, for ca.c and ca_issue.c
 */
#ifndef RF_CERT_CA_INSIDE_H
#define RF_CERT_CA_INSIDE_H

#include "cert/ca_files.h"
#include "cert/ca_list.h"
#include "cert/ca_make.h"
#include "cert/ca_urls.h"

struct rf_ca_session {
    struct rf_ca_folder folder;
    struct rf_cert *root;
    struct rf_ca_list list;
    struct rf_ca_urls urls;
};

/**
 * Open, lock and read. RF_ERR_STATE: there is no root (and with folder.lock_fd >= 0, room for one). Close it
 * after an error, too.
 */
RF_MUST_CHECK enum rf_err rf_ca_session_open(struct rf_ca_session *s, const char *dir,
                                             struct rf_cert_problem *problem);
void rf_ca_session_close(struct rf_ca_session *s);

/** Put a certificate on the list, and the list on disk. */
RF_MUST_CHECK enum rf_err rf_ca_record_add(struct rf_ca_session *s, X509 *x, const struct rf_ca_leaf *leaf,
                                           int64_t wall_s, struct rf_ca_record *out,
                                           struct rf_cert_problem *problem);
RF_MUST_CHECK enum rf_err rf_ca_write_list(struct rf_ca_session *s, struct rf_cert_problem *problem);
/** Make ca.crl anew when it is stale. @param due_s  when it will be the next time */
RF_MUST_CHECK enum rf_err rf_ca_keep_crl(struct rf_ca_session *s, int64_t wall_s, bool *made, int64_t *due_s,
                                         struct rf_cert_problem *problem);

BIO *rf_ca_cert_pem(X509 *x);
enum rf_err rf_ca_crypto_failed(struct rf_cert_problem *problem, const char *what);

#endif
