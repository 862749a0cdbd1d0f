/*
 * cli/prove.h - real calls through a daemon, by phones of our own (ua/ua.h), and what was measured of them
 *
 * Nothing here looks at settings: every claim is counted on both phones, and held against the daemon's own
 * evidence. A step that fails says what was expected and what came.
 */
#ifndef RF_CLI_PROVE_H
#define RF_CLI_PROVE_H

#include "cli/command.h"
#include "ua/ua.h"

/* The daemon and the accounts that are used. */
struct rf_prove {
    const struct rf_cli *cli;
    const char *domain, *trust_file;
    struct rf_addr tls;            /* its TLS listener */
    const char *user[3];           /* 201, 202: srtp required; 203: srtp optional; NULL: none */
    const char *password[3];
    bool calls_only;               /* leave out what a live system would note as an attack on its listener */
};

/* One line of the screen. */
struct rf_proof {
    bool passed;
    char what[48];     /* "call 201 -> 202" */
    char found[96];    /* what was measured */
    char detail[96];   /* a second line, or empty */
    char word[24];     /* "encrypted", "RF-301" */
    char fix[160];     /* of a failure */
};

#define RF_PROOFS_MAX 8

/** Where the running daemon of cli->state_dir listens for TLS. RF_ERR_NOT_FOUND: nowhere. */
RF_MUST_CHECK enum rf_err rf_prove_find(const struct rf_cli *cli, struct rf_prove *p);

/** All steps that the accounts allow; returns how many were done. They stop at the first that fails. */
size_t rf_prove_run(struct rf_prove *p, struct rf_proof out[static RF_PROOFS_MAX]);

/** Print one as a line (two with a detail). */
void rf_proof_print(const struct rf_cli *cli, const struct rf_proof *p);

#endif
