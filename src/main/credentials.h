/*
 * main/credentials.h - certificates, keys and trusted certificates that a configuration names, read by the parent
 *
 * Signal gets them in one sealed block (cert/bundle.h); it never opens a key file. What a certificate block names:
 *
 *   chain and key          those files of the operator
 *   neither of them        DIR/certs/NAME.pem and NAME.key, and NAME-2.pem and NAME-2.key beside them: what `cert add`
 *                          or certificate renewal put there; while there is none, what our own authority issues
 *   local (no block)       DIR/ca/server.pem and server.key: what our own authority issues
 *
 * What is wrong with our own authority's files is no error here: it goes along as a fault (cert/bundle.h), with what of
 * it can be used, because nothing that is served may need the rest.
 *
 * Threads: the parent's one.
 */
#ifndef RF_MAIN_CREDENTIALS_H
#define RF_MAIN_CREDENTIALS_H

#include "cert/bundle.h"
#include "main/keyfiles.h"

#define RF_CREDENTIALS_FOLDER "certs" /* below the state directory; of the daemon's user, mode 0700 */
#define RF_CREDENTIALS_LOCAL  "local" /* name of our own authority's certificate, and group of its root */

struct rf_credentials_sources {
    const char *state_dir;
    const struct rf_conf *conf;
    uid_t uid;           /* the user that the children run as */
    int64_t wall_s;
    bool must_renew;     /* our own authority's certificate, although it is not due */
    int64_t renew_at_s;  /* out: when it is due, seconds since 1970 */
};

/**
 * Read everything; our own authority makes what is missing or due.
 * @param out    with the files' names also on an error: rf_bundle_is_stale tells when to try again
 * @param files  what the configuration names is put there, and the bundle under RF_KEY_FILES_CERTS
 * @return with *problem set, at the line that names the file: RF_ERR_NOT_FOUND, RF_ERR_IO, RF_ERR_SYNTAX,
 *         RF_ERR_REFUSED (RF-809), RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_credentials_gather(struct rf_bundle *out, struct rf_key_files *files,
                                                struct rf_credentials_sources *from, struct rf_conf_problem *problem);

#endif
