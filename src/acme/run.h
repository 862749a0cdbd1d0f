/*
 * acme/run.h - one talk with an ACME server from its directory to the end (RFC 8555 7)
 *
 * A run is a state machine without socket and clock. It is started, then fed answers and due times, and says each
 * time what to do next: send a request, wait until a time, or nothing more because it has ended. Its steps are the
 * table in run.c.
 *
 * What can go wrong ends in an rf_acme_result with the CA's own words; a run never tries for ever: every kind of
 * repetition has a bound, and the whole run has a deadline.
 *
 * Threads: one. Memory: about 150 kB while it lasts (an order of 64 names, the largest request).
 */
#ifndef RF_ACME_RUN_H
#define RF_ACME_RUN_H

#include "acme/answer.h"
#include "base/rand.h"

#define RF_ACME_CONTACTS_MAX 4
#define RF_ACME_CONTACT_MAX  256

enum rf_acme_goal {
    RF_ACME_ISSUE,      /* a certificate for `names` */
    RF_ACME_ASK_WINDOW, /* when does the CA want `chain` to be renewed? */
    RF_ACME_NEW_KEY,    /* give the account a new key (RFC 8555 7.3.5) */
    RF_ACME_REVOKE      /* `chain` */
};

/* Who we are at this CA. Texts and keys belong to the caller and outlive the run. */
struct rf_acme_account {
    const char *directory;           /* URL */
    EVP_PKEY *key;
    char url[RF_ACME_URL_MAX];       /* "kid"; "": not known yet; the run fills it in */
    size_t contact_count;
    char contact[RF_ACME_CONTACTS_MAX][RF_ACME_CONTACT_MAX]; /* "mailto:ops@example.com" */
    bool contact_changed;            /* since the account was made: the run tells the CA */
    bool terms_agreed;
    const char *external_id;         /* external account binding (RFC 8555 7.3.4); NULL: none */
    struct rf_span external_key;     /* its HMAC key, decoded */
};

struct rf_acme_run_conf {
    enum rf_acme_goal goal;
    struct rf_acme_account *account;
    EVP_PKEY *new_key;               /* RF_ACME_NEW_KEY: of the account; RF_ACME_ISSUE: of the certificate */
    const char (*name)[RF_ACME_NAME_MAX];
    size_t names;
    enum rf_acme_challenge_kind challenge;
    const char *profile;             /* "": the CA's default */
    const char *authority;           /* preferred chain: part of an issuer's common name; "": the first one */
    struct rf_span chain;            /* the certificate in force, PEM; empty: none */
    const char *order;               /* an order that was made before we were interrupted; "": none */

    /** Be ready for the CA's look: http-01 or tls-alpn-01 for this name. */
    void (*show)(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token,
                 const char *key_authorization);
    /** The look is over. */
    void (*hide)(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token);
    /** The account has a URL now, or the order has: keep it, so that an interrupted run goes on there. */
    void (*note)(void *ctx, const char *account_url, const char *order_url);
    void *ctx;
    const struct rf_rand *rand;
};

enum rf_acme_method { RF_ACME_GET, RF_ACME_HEAD, RF_ACME_POST };

struct rf_acme_request {
    enum rf_acme_method method;
    char url[RF_ACME_URL_MAX];
    struct rf_span body;             /* valid until the next call */
    size_t answer_max;               /* octets of body to take at most */
};

struct rf_acme_response {
    int status;                      /* 0: none came */
    const char *failure;             /* status 0: why, a sentence */
    struct rf_span body;
    struct rf_span nonce, location, retry_after, date;
    struct rf_span link[8];          /* values of Link headers */
    size_t links;
};

enum rf_acme_act { RF_ACME_SEND, RF_ACME_WAIT, RF_ACME_END };

struct rf_acme_action {
    enum rf_acme_act act;
    const struct rf_acme_request *request; /* RF_ACME_SEND */
    uint64_t due_us;                       /* RF_ACME_WAIT */
};

struct rf_acme_result {
    enum rf_err err;                 /* RF_OK; RF_ERR_REFUSED by the CA; RF_ERR_AGAIN rate limit; RF_ERR_TIMEOUT;
                                        RF_ERR_CLOSED not reached; RF_ERR_SYNTAX it talks nonsense; ... */
    char step[24];                   /* at which it failed */
    struct rf_acme_problem problem;  /* detail is always a sentence when err is set */
    int64_t retry_after_s;           /* what the CA said, 0: nothing */
    struct rf_span chain;            /* RF_ACME_ISSUE: PEM; lives as long as the run */
    bool has_window;                 /* RF_ACME_ASK_WINDOW: false, the CA does not offer it */
    struct rf_acme_window window;
    bool order_is_dead;              /* do not go on with the order that was noted */
    int64_t clock_off_s;             /* the CA's clock minus ours; 0 within two minutes or unknown */
    char terms[RF_ACME_URL_MAX];
};

struct rf_acme_run;

/** RF_ERR_NOMEM, RF_ERR_RANGE (no names, too many). */
RF_MUST_CHECK enum rf_err rf_acme_run_new(struct rf_acme_run **out, const struct rf_acme_run_conf *conf);
/** Hides what it still shows. NULL is fine. */
void rf_acme_run_free(struct rf_acme_run *r);

/** The first action. */
struct rf_acme_action rf_acme_run_start(struct rf_acme_run *r, uint64_t now_us, int64_t wall_s);
/** The answer to the request of the last action, or that there is none. */
struct rf_acme_action rf_acme_run_answer(struct rf_acme_run *r, const struct rf_acme_response *a, uint64_t now_us,
                                         int64_t wall_s);
/** The time of the last action RF_ACME_WAIT has come. */
struct rf_acme_action rf_acme_run_due(struct rf_acme_run *r, uint64_t now_us, int64_t wall_s);

/** After RF_ACME_END. */
const struct rf_acme_result *rf_acme_run_result(const struct rf_acme_run *r);
/** The step it is at: "newOrder", "authorization" and so on; for `cert list`. */
const char *rf_acme_run_step(const struct rf_acme_run *r);

#endif
