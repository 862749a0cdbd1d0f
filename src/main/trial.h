/*
 * main/trial.h - `connection test`: what a call to a SIP connection needs, tried step by step, each refusal named
 *
 *   registration  of connections where we register, or whose peer registers here: how it stands
 *   resolve       every question to DNS and its answer, and the targets that come of it (RFC 3263)
 *   connect, tls, options   at each target, by the connection's own settings: level, certificate, check level, pins
 *   sdp           what we would offer, and how each kind of answer would be judged
 *
 * It runs on a thread of its own, because it waits: for DNS, for servers that do not answer. It uses the site that was
 * in force when it began, opens connections of its own and ends them; registrations, calls and health are not touched. Its
 * requests by UDP come from a port of their own at the listener's address, so that its answers reach it and no worker.
 *
 * Threads: made and ended on signal's first thread. Bounded: RF_TRIAL_TARGETS_MAX targets, RF_TRIAL_S seconds.
 */
#ifndef RF_MAIN_TRIAL_H
#define RF_MAIN_TRIAL_H

#include <jansson.h>
#include <pthread.h>

#include "loop/mailbox.h"
#include "main/site.h"
#include "route/board.h"

#define RF_TRIAL_S           45 /* the command waits for 60 */
#define RF_TRIAL_TARGET_S    5  /* for one target: a SYN that is lost is sent again after 1 s and 3 s */
#define RF_TRIAL_TARGETS_MAX 8  /* as many as a call would try (main/path.c) */

struct rf_trial;

struct rf_trial_conf {
    struct rf_site *site;        /* a reference is taken */
    size_t connection;           /* its index */
    bool is_known;               /* to the board: */
    struct rf_board_row state;
    bool has_binding;            /* its peer is registered here: */
    struct rf_binding binding;
    struct rf_mailbox *told;     /* where its RF_LETTER_TOLD goes */
    uint64_t serial;             /* of that letter */
};

/** Begin. The letter comes in any case, unless it is ended before. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_trial_start(struct rf_trial **out, const struct rf_trial_conf *conf);
/** End it, whatever it is at, and free it. NULL is fine. */
void rf_trial_end(struct rf_trial *t);

/* --- for trial.c and its neighbours trialroute.c and trialsdp.c --- */

struct rf_trial_target {
    enum rf_transport transport;
    struct rf_addr addr;
    char host[256]; /* TLS: whom its certificate must name */
};

struct rf_trial {
    struct rf_trial_conf conf;
    const struct rf_connection *connection;
    pthread_t thread;
    bool runs;
    int cancel_fd;               /* readable: it is to end */
    _Atomic bool is_cancelled;
    uint64_t until_us;
    json_t *steps;
    unsigned failed;             /* steps */
    size_t target_count;
    struct rf_trial_target target[RF_TRIAL_TARGETS_MAX];
};

/** A step that is in order until it is told otherwise; borrowed. @param target  "tls 192.0.2.7:5061"; NULL: none */
json_t *rf_trial_step(struct rf_trial *t, const char *name, const char *target);
/** It failed, with this refusal's words. */
void rf_trial_fail(struct rf_trial *t, json_t *step, enum rf_refusal why, const struct rf_log_field *fields);
/** It failed, with words of its own; fix NULL: the table's, which has no {words} then. */
void rf_trial_fail_text(struct rf_trial *t, json_t *step, enum rf_refusal why, const char *sentence, const char *fix);
/** What it came to, in a line. */
__attribute__((format(printf, 2, 3))) void rf_trial_say(json_t *step, const char *format, ...);

/** Look up the targets of its server. */
void rf_trial_resolve(struct rf_trial *t);
/** @param transport  that of the leg */
void rf_trial_sdp(struct rf_trial *t, enum rf_transport transport);

#endif
