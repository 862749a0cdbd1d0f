/*
 * main/keyfiles.h - files with keys and passwords, read by the parent and handed to signal in a sealed memfd
 *
 * The operator's key files belong to root and have mode 0600, and signal runs as another user: it cannot open them,
 * and shall not. The parent reads every file that the configuration names (file:PATH), with the mode and owner
 * checked on the descriptor it reads from, and puts the octets under their paths into one block. Signal gets the
 * block at its start (RF_FD_CERTS) and at each reload (RF_SAY_RELOAD), looks files up in it by path while it loads
 * the configuration, and then wipes their octets; the names stay, so that a later check knows them.
 *
 * Who may name a file: the configuration file may name what root or the daemon's user owns. A setting that a command
 * wrote into the store may name only what the daemon's user could read by itself: a signal process that was taken over
 * writes the store, and must not learn by the parent's hands what it may not read by its own.
 *
 * What options of the types RF_OPT_FILE, RF_OPT_KEY_FILE and RF_OPT_SECRET name is collected. Certificates as interfaces
 * use them, trusted ones and revocation lists stand in one more block (cert/bundle.h), under a name that no path has.
 *
 * Threads: one thread. Memory: the files' octets, in memory of its own that is wiped when freed.
 */
#ifndef RF_MAIN_KEYFILES_H
#define RF_MAIN_KEYFILES_H

#include <sys/types.h>

#include "conf/conf.h"

#define RF_KEY_FILE_MAX        (1u << 20)  /* octets of one file: a long chain has 20 kB */
#define RF_KEY_FILES_MAX       (64u << 20) /* octets of all: 100,000 password files take a tenth of it */
#define RF_KEY_FILES_CERTS     "certificates" /* cert/bundle.h; a name that no path has: a path begins with / */

struct rf_key_files;

struct rf_key_file {
    const char *path;
    bool is_secret;           /* a key or password: nobody else may read it (RF-809) */
    struct rf_conf_origin at; /* the setting that names it: for the sentence, and its layer decides what it may name */
};

/* --- the parent --- */

RF_MUST_CHECK enum rf_err rf_key_files_new(struct rf_key_files **out);
void rf_key_files_free(struct rf_key_files *k); /* NULL is fine */

/**
 * Read one file into the block; one that is there already is not read again.
 * @param uid      the user that the children run as
 * @param problem  file, line and column of the setting, and what to do
 * @return RF_ERR_REFUSED (mode or owner), RF_ERR_NOT_FOUND, RF_ERR_IO, RF_ERR_RANGE too large, RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_key_files_add(struct rf_key_files *k, const struct rf_key_file *file, uid_t uid,
                                           struct rf_conf_problem *problem);
/** All that a configuration names. Errors as rf_key_files_add. */
RF_MUST_CHECK enum rf_err rf_key_files_collect(struct rf_key_files *k, const struct rf_conf *c, uid_t uid,
                                               struct rf_conf_problem *problem);
/** Octets under a name. RF_ERR_RANGE, RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_key_files_put(struct rf_key_files *k, struct rf_span name, struct rf_span octets);
/** The block as a sealed file for the other process; -1 (errno). */
int rf_key_files_seal(const struct rf_key_files *k);

/* --- signal --- */

/** From such a file, which the caller closes. RF_ERR_SYNTAX: it is none; RF_ERR_IO; RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_key_files_receive(struct rf_key_files **out, int fd);
/** Is it here? *octets points into the block. k may be NULL. */
bool rf_key_files_find(const struct rf_key_files *k, struct rf_span name, struct rf_span *octets);

#endif
