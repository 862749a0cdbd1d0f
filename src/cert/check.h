/*
 * cert/check.h - may this peer's certificate be accepted? every rule by name, each with pass or fail
 *
 * The levels are those of Avaya's received certificate checks (AVA-4 to AVA-18). OpenSSL verifies signatures; the
 * path and every rule are ours, so that a refusal names the rule, and so that a peer may be judged by each level
 * whatever the one in force says ("would pass").
 *
 * Pure: the chain, the store and the time come as arguments. The same question may be asked again after the
 * handshake, with a target that was not known during it.
 *
 * Threads: any. Memory: none kept; bounded by RF_CHECK_CHAIN_MAX certificates and RF_CHECK_PATHS_MAX tries.
 */
#ifndef RF_CERT_CHECK_H
#define RF_CERT_CHECK_H

#include "base/refusal.h"
#include "cert/ocsp.h"
#include "cert/trust.h"

#define RF_CHECK_CHAIN_MAX 10  /* certificates that a peer may send; real chains have 2 to 4 */
#define RF_CHECK_PATHS_MAX 200 /* issuers tried in all, whatever a hostile set of same-subject certificates asks */

enum rf_check_level {
    RF_CHECK_NONE, RF_CHECK_LOW, RF_CHECK_MEDIUM, RF_CHECK_HIGH, RF_CHECK_MEDIUM_REMOTE, RF_CHECK_HIGH_REMOTE,
    RF_CHECK_LEVEL_COUNT
};

/* In the order in which they are made and shown; the first that fails names the refusal. */
enum rf_check_rule {
    RF_CHECK_PRESENT,            /* a certificate was shown (AVA-2) */
    RF_CHECK_IN_DATE,            /* AVA-4 */
    RF_CHECK_KEY_SIZE,           /* AVA-5, AVA-12: by strength, 80 or 112 bits */
    RF_CHECK_SIGNATURE,          /* of the path: each verifies, none by MD5 or SHA-1 */
    RF_CHECK_CHAIN,              /* AVA-6: a path to an anchor of the store */
    RF_CHECK_KEY_USAGE,          /* AVA-7 */
    RF_CHECK_EXTENDED_KEY_USAGE, /* AVA-8 */
    RF_CHECK_CRITICAL_EXTENSION, /* AVA-9 */
    RF_CHECK_SELF_SIGNED,        /* AVA-13 */
    RF_CHECK_REFLECTED,          /* AVA-14 */
    RF_CHECK_COPY_IN_STORE,      /* AVA-15 */
    RF_CHECK_TARGET_NAME,        /* AVA-16 */
    RF_CHECK_SIP_DOMAIN,         /* AVA-17: RFC 5922 */
    RF_CHECK_REVOKED,
    RF_CHECK_RULE_COUNT
};

enum rf_check_result { RF_CHECK_NOT_MADE, RF_CHECK_PASS, RF_CHECK_FAIL };

enum rf_check_use { RF_CHECK_SIP, RF_CHECK_HTTPS, RF_CHECK_PROVISIONING }; /* what the connection is for */

/*
 * Is the authority asked whether a certificate is still good? Of a path, each certificate below the anchor that names a
 * responder; one that names none is judged by lists alone.
 *   off   nobody is asked
 *   soft  revoked refuses; no answer, or "unknown", is reported and let pass
 *   hard  whatever is not "good" refuses
 */
enum rf_check_ocsp { RF_CHECK_OCSP_OFF, RF_CHECK_OCSP_SOFT, RF_CHECK_OCSP_HARD, RF_CHECK_OCSP_COUNT };

/* The public key of one of our own identities: SHA-256 of its SubjectPublicKeyInfo. */
struct rf_check_own {
    uint8_t spki_sha256[32];
};

struct rf_check_question {
    enum rf_check_level level;
    bool medium_is_legacy;          /* AVA-10: Medium without key usage, purpose and critical extensions */
    enum rf_check_use use;
    bool peer_is_server;            /* its role in TLS: which extended key usage is wanted */
    bool purpose_may_be_missing;    /* per trunk: a public certificate for serverAuth alone, shown as client */
    bool common_name_counts;        /* RFC 5922's allowance when there is no SAN at all */
    bool wildcard_counts_in_sip;    /* against RFC 5922 7.2; never on platform hosted */
    unsigned verify_depth;          /* certificates between leaf and anchor, at most; 0: RF_CHECK_CHAIN_MAX */
    X509 *const *chain;             /* as the peer sent it, leaf first; borrowed */
    size_t chain_count;             /* 0: it showed none */
    const struct rf_trust *trust;
    struct rf_span target;          /* host name, SIP domain or address in text form; empty: not known (yet).
                                     * RF_CHECK_PROVISIONING: the hardware address that was asked for; it counts at
                                     * every level (IPC-17) */
    const struct rf_addr *source;   /* of the peer, for an IP SAN when there is no target; or NULL */
    const struct rf_check_own *own; /* ours, for "reflected" */
    size_t own_count;
    enum rf_check_ocsp ocsp;
    bool staple_is_due;             /* the server was asked for it and could send it: one whose certificate promises it
                                     * (must-staple, RFC 7633) is refused without, unless ocsp is off */
    struct rf_span stapled;         /* answer about the leaf that came in the handshake (RFC 6066 8); or empty */
    const struct rf_ocsp_source *ocsp_source; /* asked where `stapled` says nothing; or NULL */
    int64_t now_s;
};

struct rf_check_line {
    enum rf_check_result result;    /* NOT_MADE: the level does not ask for it, or there was nothing to compare */
    enum rf_check_result otherwise; /* what it would say if the level asked; NOT_MADE: it could not be made */
    char detail[160];               /* "RSA 1024, level high needs 2048"; "" nothing to add */
};

/* Bit in passes_level beside those of the levels: Medium as before Avaya R11.1.3 (AVA-10). */
#define RF_CHECK_PASSES_LEGACY (1u << RF_CHECK_LEVEL_COUNT)

/* Texts for the {words} of a refusal's sentence and fix; "" where the refusal has no such word. */
struct rf_check_words {
    char when[40], now[40], days[24], off[40]; /* dates; "12"; how far our clock is from the date: "3 days" */
    char names[160], expected[256];            /* what it is for, what was wanted */
    char bits[40], min[40];                    /* "1024 (RSA)", "2048" */
    char purpose[64], eku[40];                 /* "TLS client", "clientAuth" */
    char reason[200];
    char fingerprint[65];                      /* SHA-256 of the leaf, hexadecimal */
};

struct rf_check_report {
    bool is_accepted;
    enum rf_check_level level;
    enum rf_check_rule first_failed;          /* RF_CHECK_RULE_COUNT: none */
    enum rf_refusal refusal;                  /* RF_REFUSE_CERT_...; RF_REFUSE_NONE */
    struct rf_check_line line[RF_CHECK_RULE_COUNT];
    uint8_t passes_level;                     /* bit per enum rf_check_level: it would be accepted there */
    bool is_name_known;                       /* false: no target and no source yet; the remote levels say nothing
                                               * about names then, and the question is to be asked again */
    bool is_revocation_stale;                 /* a list that was used is past its end: tell the administrator */
    struct rf_ocsp_verdict ocsp;              /* of the leaf; NO_ANSWER with why "" when nobody was asked */
    bool is_ocsp_missing;                     /* one that names a responder got no answer: soft lets it pass */
    bool is_ocsp_pending;                     /* and one is being fetched: the question may be asked again soon */
    struct rf_cert_facts leaf;                /* zero when none was shown */
    size_t path_count;                        /* subjects from leaf to anchor, as far as a path was found */
    char path[RF_CHECK_CHAIN_MAX + 2][128];
    struct rf_check_words words;
    char missing_issuer[256];                 /* where the path broke: the issuer that nobody has (RF-201, RF-203) */
    char missing_issuer_url[256];             /* AIA caIssuers of that place; "" none */
};

/**
 * Judge a chain.
 * @return RF_OK: the report says yes or no; RF_ERR_SYNTAX: the leaf cannot be read at all; RF_ERR_NOMEM.
 *         The caller refuses on any error.
 */
RF_MUST_CHECK enum rf_err rf_check_peer(const struct rf_check_question *q, struct rf_check_report *report);

#define RF_CHECK_FIELDS_MAX 28

/**
 * Fields of a refused report's sentence, and those that each such event has (AVA-26: check, level, subject, issuer,
 * serial). They point into the report and to `peer`.
 */
void rf_check_fields(const struct rf_check_report *report, const char *peer,
                     struct rf_log_field field[static RF_CHECK_FIELDS_MAX]);

/** One of our own certificates, for `own`. */
void rf_check_own(X509 *x, struct rf_check_own *out);

const char *rf_check_level_name(enum rf_check_level level); /* "medium-remote" */
const char *rf_check_ocsp_name(enum rf_check_ocsp ocsp);    /* "soft" */
RF_MUST_CHECK enum rf_err rf_check_ocsp_find(struct rf_span name, enum rf_check_ocsp *out);
/** "medium-remote", "medium_remote", "Medium + Remote". RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_check_level_find(struct rf_span name, enum rf_check_level *out);
const char *rf_check_rule_name(enum rf_check_rule rule);    /* "extended-key-usage" */
/** Alert of RFC 8446 6.2 with which a peer is told of this rule's failure. */
int rf_check_rule_alert(enum rf_check_rule rule);

#endif
