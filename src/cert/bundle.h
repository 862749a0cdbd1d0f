/*
 * cert/bundle.h - certificates, keys and trusted certificates read from files, as one block of memory
 *
 * The process that may read the operator's files is not the one that shakes hands with strangers. So the one reads and
 * the other gets a block: octets with lengths, no pointers. What goes in was parsed first: a file that a setting names
 * by mistake (or by malice) comes out as "no certificate", never as its content.
 *
 *   own      a chain and its key, in PEM, under the name of its certificate block
 *   trusted  one certificate or revocation list in DER, in a group (the path that a setting names), with its file
 *   fault    what could not be read although nothing that is served may need it: code, sentence, what it brings about
 *
 * Threads: one. Memory: at most RF_BUNDLE_MAX; keys are wiped when it is freed or grows.
 */
#ifndef RF_CERT_BUNDLE_H
#define RF_CERT_BUNDLE_H

#include <sys/stat.h>

#include "cert/cert.h"

#define RF_BUNDLE_MAX       (48u << 20) /* some large revocation lists; the public authorities are 0.2 MB */
#define RF_BUNDLE_FILES_MAX 4096        /* files of all folders together */
#define RF_BUNDLE_LIST_MAX  (8u << 20)  /* one file */
#define RF_BUNDLE_SYSTEM    "system"    /* the group in which the system's authorities stand */

/* A file or folder that was read, as it was then. */
struct rf_bundle_file {
    char *path;
    struct timespec mtime;
    off_t size;
    ino_t inode; /* 0: it was not there */
};

struct rf_bundle;

RF_MUST_CHECK enum rf_err rf_bundle_new(struct rf_bundle **out);
void rf_bundle_free(struct rf_bundle *b); /* NULL is fine */

/**
 * A chain and its key, in PEM; they must belong together.
 * @return as rf_cert_from_pem; RF_ERR_NOMEM also when it does not fit
 */
RF_MUST_CHECK enum rf_err rf_bundle_add_own(struct rf_bundle *b, const char *name, struct rf_span chain,
                                            struct rf_span key, struct rf_cert_problem *problem);
/** A file that was read for it: when it changes, the bundle is stale. Call it before the file is read. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_bundle_watch(struct rf_bundle *b, const char *path);
/**
 * A file, or all *.pem, *.crt, *.cer, *.der and *.crl files of a folder.
 * @param group  the name under which they stand; one that is there already is not read again
 * @return RF_ERR_NOT_FOUND, RF_ERR_IO; RF_ERR_SYNTAX a file without a certificate or list; RF_ERR_NOMEM too much
 */
RF_MUST_CHECK enum rf_err rf_bundle_add_trusted(struct rf_bundle *b, const char *group, const char *path,
                                                struct rf_cert_problem *problem);
/**
 * A root and its list of revoked certificates, both or none: with another authority's list, or none, whoever was
 * revoked would be trusted again. As above.
 */
RF_MUST_CHECK enum rf_err rf_bundle_add_authority(struct rf_bundle *b, const char *group, const char *root_path,
                                                  const char *list_path, struct rf_cert_problem *problem);
/** Something that could not be read and is told by whoever gets the block. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_bundle_add_fault(struct rf_bundle *b, const char *code, const char *sentence,
                                              const char *effect);
/** The operating system's public authorities, under RF_BUNDLE_SYSTEM; nothing when it has none. */
RF_MUST_CHECK enum rf_err rf_bundle_add_system(struct rf_bundle *b);

/** The block so far; valid until the next add. */
struct rf_span rf_bundle_block(const struct rf_bundle *b);

/** Wipe the octets; which files they came from is kept, for rf_bundle_is_stale. */
void rf_bundle_drop(struct rf_bundle *b);
/** Would reading the files again give something else? */
bool rf_bundle_is_stale(const struct rf_bundle *b);

/* --- reading --- */

enum rf_bundle_kind { RF_BUNDLE_OWN = 1, RF_BUNDLE_TRUSTED, RF_BUNDLE_FAULT };

struct rf_bundle_item {
    enum rf_bundle_kind kind;
    struct rf_span name;          /* of the certificate block; or of the group; or "RF-220" */
    struct rf_span first, second; /* own: chain, key in PEM; trusted: DER, the file's path; fault: sentence, effect */
};

/** The item at *at, which moves on; false: no more, or (with *at != block.n) not a block of ours. */
bool rf_bundle_next(struct rf_span block, size_t *at, struct rf_bundle_item *out);

#endif
