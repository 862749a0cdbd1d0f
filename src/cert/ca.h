/*
 * cert/ca.h - the local certificate authority: a root of our own, the server certificate it signs, and those
 * that an operator asks for
 *
 * For a machine without a public certificate, and for both sides of a link that nobody else needs to trust
 * (GEN-18). Files in one directory, written whole or not at all, the keys with mode 0600:
 *   ca.pem      root, P-256, 10 years          what phones and peers are given
 *   ca.key
 *   ca.crl      what it revoked, for 30 days   what peers are given when something was
 *   server.pem  leaf, P-256, 397 days          what listeners show; the root is not sent with it
 *   server.key
 *   urls        where its list and its responder are, when it was told   cert/ca_urls.h
 *   issued      a line for each certificate    ca_list.h
 *   lock        held by whoever writes
 *
 * The server's leaf is made anew, with a new key, when a third of its life is left, when the names changed,
 * when it was revoked, or when the root is another. The root is never replaced: phones trust it.
 *
 * No clock: times are arguments. The daemon and the command line may use one directory at the same time.
 */
#ifndef RF_CERT_CA_H
#define RF_CERT_CA_H

#include "cert/cert.h"

#define RF_CA_DAYS 3652       /* 10 years */
#define RF_LEAF_DAYS 397      /* the most that browsers accept */
#define RF_CA_NAME_MAX 64     /* octets of a common name (RFC 5280 A.1, ub-common-name) */
#define RF_CA_NAMES_TEXT 2048 /* octets of all names of one certificate, with commas: 64 of 31 */

/* --- what the daemon needs --- */

struct rf_ca_conf {
    const char *dir;         /* exists, ours alone */
    const char *ca_name;     /* common name of a new root: "ringfence local CA (pbx)" */
    const char *const *name; /* host names and addresses in text form; the first is the common name */
    size_t name_count;       /* 1 to RF_CERT_NAMES_MAX */
    bool must_renew;         /* the leaf, whatever its age */
};

struct rf_ca_result {
    bool made_ca, made_leaf, made_crl;
    const char *why; /* the leaf was made: "there was none", "its names changed", ...; constant strings */
    int64_t due_s;   /* when to come back: for the leaf or for the list of revoked ones, whichever is first */
};

/**
 * See that root, leaf and list of revoked certificates are there and current.
 * @param wall_s  now, seconds since 1970
 * @return RF_ERR_REFUSED a key file that others may read (RF-809), or a file that we may not read;
 *         RF_ERR_RANGE a name that cannot be in a certificate; RF_ERR_SYNTAX a root or a list that is broken
 *         (it is not replaced); RF_ERR_TIMEOUT another writer; RF_ERR_IO, RF_ERR_CRYPTO
 */
RF_MUST_CHECK enum rf_err rf_ca_ensure(const struct rf_ca_conf *conf, int64_t wall_s,
                                       struct rf_ca_result *result, struct rf_cert_problem *problem);

/**
 * Read all of its files as rf_ca_ensure would, and make nothing.
 * @return RF_ERR_STATE there is none; otherwise as rf_ca_ensure
 */
RF_MUST_CHECK enum rf_err rf_ca_look(const char *dir, struct rf_cert_problem *problem);

/** The time at which a third of a certificate's life is left. */
int64_t rf_cert_renew_at(const struct rf_cert_facts *f);

/* --- what an operator does --- */

enum rf_ca_key { RF_CA_ECDSA, RF_CA_RSA };

#define RF_CA_CLIENT 1u
#define RF_CA_SERVER 2u

/* Reasons of RFC 5280 5.3.1 that an operator may give; the values are those of CRLReason. */
enum rf_ca_reason {
    RF_CA_UNSPECIFIED = 0,
    RF_CA_KEY_COMPROMISE = 1,
    RF_CA_AFFILIATION_CHANGED = 3,
    RF_CA_SUPERSEDED = 4,
    RF_CA_CESSATION = 5
};

/* One certificate that was issued. */
struct rf_ca_record {
    char serial[48]; /* hexadecimal */
    char name[RF_CA_NAME_MAX + 1];
    char names[RF_CA_NAMES_TEXT]; /* "pbx.example,192.0.2.1,sip:pbx.example" */
    unsigned use;                 /* RF_CA_CLIENT | RF_CA_SERVER */
    int64_t from, until;
    int64_t revoked; /* when; 0: it is not */
    enum rf_ca_reason reason;
};

/* A root as an operator wants it. */
struct rf_ca_root {
    const char *name;          /* common name; NULL: whatever it is called */
    const char *default_name;  /* of a new one when no name is asked for */
    const enum rf_ca_key *key; /* NULL: whatever it has, P-256 when it is new */
    int days;                  /* of a new one */
    const char *crl_url, *ocsp_url; /* what certificates name from now on (cert/ca_urls.h); "" none; NULL: as it is */
};

/**
 * Make the root, unless there is one.
 * @param dir    made with mode 0700 when it is not there; what it is in must exist
 * @param facts  of the root; or NULL
 * @return RF_ERR_EXISTS there is one with another name or kind of key: it is not replaced; RF_ERR_RANGE a name or
 *         an address; otherwise as rf_ca_ensure
 */
RF_MUST_CHECK enum rf_err rf_ca_init(const char *dir, const struct rf_ca_root *want, int64_t wall_s,
                                     bool *made, struct rf_cert_facts *facts,
                                     struct rf_cert_problem *problem);

struct rf_ca_order {
    const char *name;         /* common name, and NAME.pem and NAME.key: letters, digits, '.', '-', '_' */
    const char *const *names; /* host names, addresses, "sip:example.com"; none: the common name */
    size_t name_count;        /* at most RF_CERT_NAMES_MAX */
    unsigned use;
    enum rf_ca_key key;
    int days;            /* 1 or more; never beyond the root's end */
    const char *out_dir; /* exists */
    bool may_replace;    /* files of that name that are there */
};

/**
 * A key and a certificate for somebody: NAME.key (0600), NAME.pem and the root as ca.pem in out_dir. It is
 * on the list before anybody sees it.
 * @param made  what went on the list; names and `until` as they were taken
 * @return RF_ERR_RANGE a name, a number of days; RF_ERR_EXISTS such a file is there; RF_ERR_NOT_FOUND no
 *         such folder; RF_ERR_STATE no root; otherwise as rf_ca_ensure. Nothing was issued then.
 */
RF_MUST_CHECK enum rf_err rf_ca_issue(const char *dir, const struct rf_ca_order *order, int64_t wall_s,
                                      struct rf_ca_record *made, struct rf_cert_problem *problem);

/**
 * Revoke one, and make the list of revoked ones anew.
 * @param which  serial number, or the name when only one valid certificate has it
 * @return RF_ERR_NOT_FOUND; RF_ERR_EXISTS it was revoked before; RF_ERR_RANGE several have that name:
 *         problem->text has their numbers; RF_ERR_STATE no root; otherwise as rf_ca_ensure
 */
RF_MUST_CHECK enum rf_err rf_ca_revoke(const char *dir, const char *which, enum rf_ca_reason reason,
                                       int64_t wall_s, struct rf_ca_record *revoked,
                                       struct rf_cert_problem *problem);

/**
 * What was issued, in the order of issue; *out is the caller's to free. RF_ERR_STATE no such folder; as
 * rf_ca_ensure.
 */
RF_MUST_CHECK enum rf_err rf_ca_issued(const char *dir, struct rf_ca_record **out, size_t *count,
                                       struct rf_cert_problem *problem);

/**
 * The list of revoked certificates as PEM, made anew first when it is stale; *out is the caller's to free.
 * @return as rf_ca_ensure; RF_ERR_STATE no root
 */
RF_MUST_CHECK enum rf_err rf_ca_crl(const char *dir, int64_t wall_s, char **out, size_t *n,
                                    struct rf_cert_problem *problem);

const char *rf_ca_reason_name(enum rf_ca_reason reason); /* "key-compromise" */
RF_MUST_CHECK enum rf_err rf_ca_reason_find(struct rf_span name, enum rf_ca_reason *out);

#endif
