/*
 * main/control.h - the control socket: commands and their answers as lines of JSON
 *
 * A request is one line {"command": NAME, ...}; its answer is one line {"ok": true, "result": ...} or {"ok":
 * false, "exit": N, "code": "RF-...", "sentence": ..., "fix": ...}. Peers are root, the daemon's own user and
 * members of its group; the kernel says who they are.
 *
 * It runs on signal's first thread. What workers know is collected by letters: a command posts a question to all
 * workers and goes on when all have answered, or when a worker took too long.
 *
 * Threads: the loop's. Memory: at most RF_CONTROL_PEERS requests of RF_CONTROL_REQUEST_MAX octets.
 */
#ifndef RF_MAIN_CONTROL_H
#define RF_MAIN_CONTROL_H

#include <jansson.h>

#include "loop/loop.h"

#define RF_CONTROL_PEERS       32          /* connections at once; more wait in the kernel's queue */
#define RF_CONTROL_REQUEST_MAX (5u << 20)  /* `config load` brings a whole layer */
#define RF_CONTROL_IDLE_US     (30 * RF_S) /* a peer that says nothing for so long is sent away */

struct rf_control;
struct rf_control_ask; /* a request that waits for its answer */

/** Who listens to commands. Each request must be answered once, now or later. */
typedef void rf_control_command(void *ctx, struct rf_control_ask *ask, const json_t *request);

/** @param fd  the listening socket; stays the caller's */
RF_MUST_CHECK enum rf_err rf_control_new(struct rf_control **out, struct rf_loop *loop, int fd, uid_t uid, gid_t gid,
                                         rf_control_command *command, void *ctx);

/** The process ends: whatever is answered from now on, who asked is told that and nothing else. NULL is fine. */
void rf_control_end(struct rf_control *c);
void rf_control_free(struct rf_control *c); /* when each request was answered; NULL is fine */

/**
 * Text that a peer or a person chose, as JSON: Jansson takes none that is not UTF-8, and what is made without it is
 * missing from the answer, or the whole answer is.
 */
json_t *rf_control_text(const char *text);
/** Answer with a result, which is taken. */
void rf_control_answer(struct rf_control_ask *ask, json_t *result);

/** Answer with a refusal. code and fix may be ""; the code of exit status 2 is RF-814 then. */
void rf_control_refuse(struct rf_control_ask *ask, int exit_status, const char *code, const char *sentence,
                       const char *fix);

#endif
