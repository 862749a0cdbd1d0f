/*
 * acme/keeper.h - the certificates that renew themselves, from the first order on and for ever
 *
 * A keeper has an entry for each configured certificate and key type, decides when something is due (acme/renew.h),
 * runs it (acme/run.h), keeps what came of it in the store and has it shown. It has no socket and no clock: requests
 * and times go through its user and its arguments, so that plays run years in seconds.
 *
 * Invariants:
 * (K1) The certificate in force is replaced only by one that is on disk and has passed a handshake (acme/selftest.h).
 *      Whatever fails before leaves the old one.
 * (K2) A key is on disk before the CA hears of it: an interrupted order or change of the account's key goes on.
 * (K3) One run at a time for an account, since its key and its URL are the run's.
 * (K4) After a failure nothing is asked before next_s, which is on disk, too: a restart is no way around a rate limit.
 *
 * Threads: one (signal's slow thread). Memory: some 40 kB a certificate, 150 kB more while it runs.
 */
#ifndef RF_ACME_KEEPER_H
#define RF_ACME_KEEPER_H

#include <jansson.h>

#include "acme/renew.h"
#include "acme/run.h"

#define RF_ACME_CERTIFICATES_MAX 256            /* blocks with lets-encrypt on */
#define RF_ACME_LABEL_MAX        64
#define RF_ACME_HMAC_MAX         128            /* key of external account binding */
#define RF_ACME_CA_MAX           (256u << 10)   /* octets of ca-file */

/* kinds of items in the store */
#define RF_ACME_ITEM_CERTIFICATE "acme-certificate" /* name: LABEL "/" key type */
#define RF_ACME_ITEM_ACCOUNT     "acme-account"     /* name: directory URL, and " " EAB id */

/* One `certificate NAME { lets-encrypt on }`. */
struct rf_acme_certificate {
    char label[RF_ACME_LABEL_MAX];
    char directory[RF_ACME_URL_MAX];
    size_t names;
    char name[RF_ACME_NAMES_MAX][RF_ACME_NAME_MAX];
    size_t contacts;
    char contact[RF_ACME_CONTACTS_MAX][RF_ACME_CONTACT_MAX];
    bool wants[RF_ACME_KEY_KINDS];
    enum rf_acme_challenge_kind challenge;
    char profile[RF_ACME_PROFILE_MAX];
    char authority[128];                /* preferred chain */
    bool reuse_key, terms_agreed;
    int64_t renew_before_s;             /* 0: by fraction of its life */
    char external_id[256];              /* "" none */
    uint8_t external_key[RF_ACME_HMAC_MAX];
    size_t external_key_n;
    char *ca_pem;                       /* whom the connection to the CA trusts; NULL: the system's authorities */
};

struct rf_acme_keeper_user {
    void *ctx;
    const struct rf_rand *rand;
    /** Send; the answer comes by rf_acme_keeper_answer with this serial, later. An error: it cannot be sent. */
    enum rf_err (*send)(void *ctx, uint64_t serial, const struct rf_acme_certificate *conf,
                        const struct rf_acme_request *request);
    /** Nobody waits for this answer any more. */
    void (*cancel)(void *ctx, uint64_t serial);
    void (*show)(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token,
                 const char *key_authorization);
    void (*hide)(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token);
    /** Write an item of the store; RF_OK when it is on disk. */
    enum rf_err (*save)(void *ctx, const char *kind, const char *name, struct rf_span value);
    /** The store has a new certificate under this label: show it. */
    void (*deploy)(void *ctx, const char *label);
};

struct rf_acme_keeper;

RF_MUST_CHECK enum rf_err rf_acme_keeper_new(struct rf_acme_keeper **out, const struct rf_acme_keeper_user *user);
void rf_acme_keeper_free(struct rf_acme_keeper *k); /* NULL is fine */

/** A row of the store, before the first rf_acme_keeper_set. A row that is damaged is reported and left out. */
void rf_acme_keeper_load(struct rf_acme_keeper *k, struct rf_span kind, struct rf_span name, struct rf_span value);

/** The certificates of the configuration, copied (ca_pem as well). Runs of others are given up. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_acme_keeper_set(struct rf_acme_keeper *k, const struct rf_acme_certificate *conf,
                                             size_t n, int64_t wall_s);

/** Do what is due. @return when to call again, monotonic microseconds */
uint64_t rf_acme_keeper_tick(struct rf_acme_keeper *k, uint64_t now_us, int64_t wall_s);

/** The answer to a request, or that there is none (status 0). Tick afterwards. */
void rf_acme_keeper_answer(struct rf_acme_keeper *k, uint64_t serial, const struct rf_acme_response *a,
                           uint64_t now_us, int64_t wall_s);

/** Renew now, whatever next_s says (but not while a run is under way). RF_ERR_NOT_FOUND, RF_ERR_EXISTS it runs. */
RF_MUST_CHECK enum rf_err rf_acme_keeper_renew(struct rf_acme_keeper *k, struct rf_span label);
/** Give the account of this certificate a new key. As above. */
RF_MUST_CHECK enum rf_err rf_acme_keeper_new_account_key(struct rf_acme_keeper *k, struct rf_span label);
/** Ask the CA to revoke it, and order another one with a new key. As above; RF_ERR_STATE there is none yet. */
RF_MUST_CHECK enum rf_err rf_acme_keeper_revoke(struct rf_acme_keeper *k, struct rf_span label);

/** For `cert list`: an array with an object for each certificate and key type. */
json_t *rf_acme_keeper_list(const struct rf_acme_keeper *k, int64_t wall_s);

/** Chain and key of an item of kind RF_ACME_ITEM_CERTIFICATE. RF_ERR_NOT_FOUND none was issued yet; RF_ERR_SYNTAX. */
RF_MUST_CHECK enum rf_err rf_acme_item_certificate(struct rf_span value, struct rf_cert **out);

#endif
