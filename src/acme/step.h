/*
 * acme/step.h - a run's inside, for the files of its steps
 *
 * run.c has the table of steps and what they have in common; steps_account.c and steps_order.c have the steps. Each is
 * a pair: ask makes the request, took takes its good answer and names the next step.
 */
#ifndef RF_ACME_STEP_H
#define RF_ACME_STEP_H

#include "acme/run.h"

#define ALTERNATES_MAX 4
#define PAYLOAD_MAX    (36u << 10) /* the largest: a CSR of RF_ACME_CSR_MAX in base64url */
#define BODY_MAX       (64u << 10)

enum step {
    DIRECTORY, ACCOUNT, CONTACTS, NEW_KEY, WINDOW, REVOKE, NEW_ORDER, ORDER, AUTHORIZATION, CHALLENGE, FINALIZE,
    CERTIFICATE, ALTERNATE, END
};

struct rf_acme_run {
    struct rf_acme_run_conf conf;
    enum step step;
    bool asks_nonce;                 /* the request under way is for a nonce */
    bool waits;                      /* took() wants to wait until due_us before the next request */
    bool was_account_lost, replaces_refused, sent_replaces, is_resumed, is_proving, shows;
    unsigned bad_nonces, silent, polls;
    uint64_t started_us, due_us, now_us;
    int64_t wall_s;
    size_t at;                       /* authorization under way */
    size_t alternate_at, alternates;
    char nonce[RF_ACME_NONCE_MAX];
    char order_url[RF_ACME_URL_MAX];
    char alternate[ALTERNATES_MAX][RF_ACME_URL_MAX];
    char thumbprint[RF_ACME_THUMBPRINT_MAX];
    char shown_name[RF_ACME_NAME_MAX], shown_token[RF_ACME_TOKEN_MAX];
    char *chain;                     /* owned */
    struct rf_acme_directory directory;
    struct rf_acme_order order;
    struct rf_acme_authz authz;
    struct rf_acme_request request;
    struct rf_acme_result result;
    char payload[PAYLOAD_MAX], body[BODY_MAX];
};

/* --- run.c: how a step ends, for `return` --- */

/** The run fails. @param sentence  NULL: result.problem says it already */
enum step rf_acme_run_fail(struct rf_acme_run *r, enum rf_err err, const char *sentence);
/** With the CA's own words. */
enum step rf_acme_run_fail_with(struct rf_acme_run *r, enum rf_err err, const struct rf_acme_problem *p);
/** The answer cannot be read. */
enum step rf_acme_run_nonsense(struct rf_acme_run *r, enum rf_err err);
/** Ask for the same object again: after what the server said, or 1, 2, 4 ... 15 s. */
enum step rf_acme_run_poll_again(struct rf_acme_run *r, const struct rf_acme_response *a, enum step next);
/** Nothing is shown to the CA any more (R2). */
void rf_acme_run_hide(struct rf_acme_run *r);

/* --- steps_account.c: from the directory to what is done with the account alone --- */

enum rf_err rf_acme_ask_directory(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_directory(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_account(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_account(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_contacts(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_contacts(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_new_key(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_end(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_window(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_window(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_revoke(struct rf_acme_run *r, struct rf_buf *payload);

/* --- steps_order.c: from a new order to the chain --- */

enum rf_err rf_acme_ask_new_order(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_follow_order(struct rf_acme_run *r, const struct rf_acme_response *a);
enum step rf_acme_took_new_order(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_order(struct rf_acme_run *r, struct rf_buf *payload);
enum rf_err rf_acme_ask_authorization(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_authorization(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_challenge(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_challenge(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_finalize(struct rf_acme_run *r, struct rf_buf *payload);
enum rf_err rf_acme_ask_certificate(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_certificate(struct rf_acme_run *r, const struct rf_acme_response *a);
enum rf_err rf_acme_ask_alternate(struct rf_acme_run *r, struct rf_buf *payload);
enum step rf_acme_took_alternate(struct rf_acme_run *r, const struct rf_acme_response *a);
/** An order that cannot go on: a new one when it was from before an interruption. */
enum step rf_acme_order_failed(struct rf_acme_run *r);
/** The next of the chains that the CA offers besides, or the end. */
enum step rf_acme_next_alternate(struct rf_acme_run *r);

#endif
