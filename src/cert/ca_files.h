/*
 * cert/ca_files.h - inside cert: files of an authority, written whole or not at all, by one writer at a time
 *
 * A folder is held open while something is written in it, and every name is relative to it, so that nobody
 * can move the folder away underneath. Files belong to the folder's owner, whoever runs the command: the
 * daemon that reads them runs as that user.
 */
#ifndef RF_CERT_CA_FILES_H
#define RF_CERT_CA_FILES_H

#include <openssl/types.h>
#include <sys/stat.h>

#include "cert/cert.h"

#define RF_CA_FILE_NAME_MAX 96 /* "NAME.0011223344556677.pem.new", NAME as RF_CA_NAME_MAX */

struct rf_ca_folder {
    char path[512];
    int fd;      /* -1: not open */
    int lock_fd; /* -1: not locked */
    uid_t uid;
    gid_t gid;
};

/** Open a folder that exists. RF_ERR_NOT_FOUND, RF_ERR_REFUSED (not permitted), RF_ERR_IO, RF_ERR_RANGE. */
RF_MUST_CHECK enum rf_err rf_ca_folder_open(struct rf_ca_folder *f, const char *path,
                                            struct rf_cert_problem *problem);
/**
 * Be the only writer, until it is closed. Waits ten seconds for another one.
 * @return RF_ERR_TIMEOUT somebody else holds it; RF_ERR_REFUSED, RF_ERR_IO
 */
RF_MUST_CHECK enum rf_err rf_ca_folder_lock(struct rf_ca_folder *f, struct rf_cert_problem *problem);
void rf_ca_folder_close(struct rf_ca_folder *f);
bool rf_ca_folder_has(const struct rf_ca_folder *f, const char *name);

/** Write NAME.new and sync it; nothing is seen under NAME yet. RF_ERR_REFUSED, RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_ca_stage(const struct rf_ca_folder *f, const char *name, mode_t mode,
                                      BIO *content, struct rf_cert_problem *problem);
/** Put NAME.new into its place, and the folder on disk. RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_ca_commit(const struct rf_ca_folder *f, const char *name,
                                       struct rf_cert_problem *problem);
/** Take NAME.new away again. */
void rf_ca_unstage(const struct rf_ca_folder *f, const char *name);
/** Both steps: a reader sees the old file or the new one. */
RF_MUST_CHECK enum rf_err rf_ca_write(const struct rf_ca_folder *f, const char *name, mode_t mode,
                                      BIO *content, struct rf_cert_problem *problem);

/**
 * A private key as PKCS #8 in memory that is wiped when it is freed by rf_ca_key_free. NULL: out of memory.
 */
BIO *rf_ca_key_pem(EVP_PKEY *key);
void rf_ca_key_free(BIO *pem);

#endif
