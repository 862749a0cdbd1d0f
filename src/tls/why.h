/*
 * tls/why.h - inside tls: what one side saw of a handshake that failed, and what it makes of it
 *
 * Pure. tls/conn.c fills it, the test of the 24 causes reads the other end.
 */
#ifndef RF_TLS_WHY_H
#define RF_TLS_WHY_H

#include "tls/failure.h"
#include "tls/hello.h"

/* A chain beyond this is refused with its handshake: ten certificates of RSA 4096 have 20 kB. */
#define RF_TLS_CHAIN_OCTETS_MAX 32768

/* What we know of the certificate that we showed: rules out what cannot be wrong with it. */
struct rf_tls_own_facts {
    bool is_self_signed;
    bool sent_alone;       /* without any intermediate, although it is not self-signed */
    bool is_expired, is_not_yet_valid;
    bool is_young;         /* began less than a day ago: a slow clock takes it for the future */
    bool name_differs;     /* from the name that the client asked for */
    int rsa_bits;          /* 0: not RSA */
};

/* What the check engine said of the peer's certificate. */
struct rf_tls_verdict {
    enum rf_refusal refusal;
    char detail[192], subject[128];
    struct rf_check_report *report; /* of a refused one: its sentence has many words; NULL: none */
};

void rf_tls_verdict_fini(struct rf_tls_verdict *v);

struct rf_tls_why {
    bool we_are_server;
    enum rf_tls_level level_id;
    const struct rf_tls_level_row *level;
    int min_version;       /* ours: of the level and the interface's floor */
    const struct rf_tls_offer *offer;     /* the client's; NULL: none came, or we are the client */
    const struct rf_tls_verdict *verdict; /* NULL: no certificate was refused */
    int version, suite;    /* negotiated so far; 0 not yet */
    int reason;            /* ERR_GET_REASON of what we did not like; 0 none */
    int alert_sent, alert_received;       /* -1 none */
    bool saw_eof;
    bool is_certificate;   /* what ended it was the peer's certificate message */
    bool cert_was_wanted;  /* the server asked for a certificate and we have none */
    uint16_t dh_bits;
    const char *gave_up;   /* the owner ended it with this reason; NULL: no */
    struct rf_tls_own_facts own;
};

void rf_tls_why_explain(const struct rf_tls_why *w, struct rf_tls_failure *f);

#endif
