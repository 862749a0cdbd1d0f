/*
 * cert/ca_list.h - what our authority issued: a line for each certificate, in the file `issued` beside it
 *
 *   SERIAL  FROM  UNTIL  REVOKED  REASON  USE  NAME  NAMES         (tabs; times in seconds since 1970, 0 not revoked)
 *
 * The file is one of ours alone, but read as strictly as if it were not: a line that cannot be understood is an error,
 * because a list that forgets who is revoked is worse than none. What has ended makes room when the file is full.
 */
#ifndef RF_CERT_CA_LIST_H
#define RF_CERT_CA_LIST_H

#include "cert/ca.h"

#define RF_CA_LIST_FILE "issued"

struct rf_ca_list {
    struct rf_ca_record *record; /* in the order of issue */
    size_t count, cap;
    size_t octets;               /* of the file */
};

/** Read a file's text. RF_ERR_SYNTAX with the line, RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_ca_list_parse(struct rf_ca_list *list, struct rf_span text, struct rf_cert_problem *problem);
/** Of a folder; without a file it is empty. As above, RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_ca_list_load(struct rf_ca_list *list, const char *dir, struct rf_cert_problem *problem);
void rf_ca_list_fini(struct rf_ca_list *list);

/**
 * Add one; those that have ended go, the oldest first, when there is no room.
 * @return RF_ERR_RANGE the file would be too long although nothing has ended; RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_ca_list_add(struct rf_ca_list *list, const struct rf_ca_record *r, int64_t wall_s);
/** Take the last one away again. */
void rf_ca_list_undo(struct rf_ca_list *list);
struct rf_ca_record *rf_ca_list_find(const struct rf_ca_list *list, const char *serial);

/** The file's text. NULL: out of memory. */
BIO *rf_ca_list_text(const struct rf_ca_list *list);

#endif
