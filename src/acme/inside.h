/* acme/inside.h - what the files of the keeper share: entries, accounts, and their form in the store */
#ifndef RF_ACME_INSIDE_H
#define RF_ACME_INSIDE_H

#include "acme/keeper.h"
#include "base/list.h"

#define RF_ACME_VALUE_MAX (256u << 10) /* of an item: a chain of RF_ACME_CHAIN_MAX with JSON escapes, two keys, names */

struct acme_account {
    struct rf_link link;
    char name[RF_ACME_URL_MAX + 260];  /* in the store */
    struct rf_acme_account a;          /* .key and texts: see below */
    EVP_PKEY *next_key;                /* a change of the key is under way (K2) */
    bool wants_new_key, was_interrupted;
    struct acme_entry *busy;           /* (K3) */
    char contacts[RF_ACME_CONTACTS_MAX * RF_ACME_CONTACT_MAX]; /* as the CA knows them, spaces between */
};

/* What the store keeps of an entry. */
struct acme_state {
    char *chain;                       /* PEM in force; NULL: none */
    EVP_PKEY *key;                     /* of it */
    EVP_PKEY *next_key;                /* of the order under way (K2) */
    char *names;                       /* for which the chain was ordered, spaces between */
    char *next_names;                  /* of the order under way */
    char order[RF_ACME_URL_MAX];       /* under way; "" none */
    char directory[RF_ACME_URL_MAX];   /* where the chain is from */
    unsigned failures;                 /* in a row */
    int64_t next_s;                    /* (K4) */
    bool has_window;
    struct rf_acme_window window;
    int64_t moment_s;                  /* within it */
    int64_t window_again_s;
    unsigned warned;                   /* of RF_ACME_WARNINGS */
    int64_t issued_s;
    char problem[RF_ACME_DETAIL_MAX], step[24];
};

struct acme_entry {
    struct rf_link link;
    struct rf_acme_keeper *keeper;
    char name[RF_ACME_LABEL_MAX + 8];  /* in the store: LABEL/ecdsa */
    enum rf_acme_key_kind kind;
    struct rf_acme_certificate *conf;  /* NULL: not configured now */
    struct acme_state s;
    struct rf_acme_life life;          /* of s.chain */
    struct acme_account *account;      /* while a run is under way */
    struct rf_acme_run *run;
    enum rf_acme_goal goal;
    uint64_t serial;                   /* of the request under way; 0: none */
    uint64_t due_us;                   /* the run waits until then */
    bool wants_now, wants_revocation, was_revoked;
};

struct rf_acme_keeper {
    struct rf_acme_keeper_user user;
    struct rf_link entries, accounts;
    struct rf_acme_certificate *conf[RF_ACME_CERTIFICATES_MAX];
    size_t confs;
    uint64_t serial;
    int64_t wall_s;                    /* of the last call */
};

/* keeper.c */
struct acme_entry *rf_acme_entry_of(struct rf_acme_keeper *k, const char *name); /* NULL: none */
struct acme_entry *rf_acme_entry_new(struct rf_acme_keeper *k, const char *name);
/** The account for this certificate, made and saved when there was none. NULL: memory, or the store does not take it. */
struct acme_account *rf_acme_account_of(struct rf_acme_keeper *k, const struct rf_acme_certificate *c);
/** When the next order is due, wall seconds (K4). */
int64_t rf_acme_order_at(const struct acme_entry *e);

/* manage.c */
void rf_acme_give_up(struct acme_entry *e);
void rf_acme_certificate_free(struct rf_acme_certificate *c);

/* state.c. Texts made by encode hold keys: wipe and free them. NULL: memory. */
char *rf_acme_state_encode(const struct acme_state *s);
RF_MUST_CHECK enum rf_err rf_acme_state_decode(struct rf_span value, struct acme_state *out);
void rf_acme_state_fini(struct acme_state *s);
char *rf_acme_account_encode(const struct acme_account *a);
RF_MUST_CHECK enum rf_err rf_acme_account_decode(struct rf_span value, struct acme_account *out);
/** Wipe and free a text; NULL is fine. */
void rf_acme_text_free(char *text);

#endif
