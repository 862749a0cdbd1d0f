/*
 * route/plan.h - the dial plan: who is rung when somebody dials a number, and why
 *
 * Steps, the first that fits decides. Each is told to `say`, so that `ringfence route test` prints the very steps that a call
 * takes:
 *   1. the number is cleaned, and read as the calling connection's country writes it (route/number.h)
 *   2. a block `number`: for its connections, and for our own users; it leads to what `to` names, or to its connection
 *   3. callers that are users: a user, a ring-group, a dn of that name
 *   4. routes whose pattern fits and whose `from` lets this caller: the most special pattern; connections in order
 *   5. nobody: RF-505
 * A connection's callers reach numbers of that connection and routes that name it in `from`, nothing else: who calls from
 * outside neither finds extensions nor calls others at our cost. A call never goes back to the connection it came from.
 *
 * Threads: plain functions over a snapshot. Nothing is allocated.
 */
#ifndef RF_ROUTE_PLAN_H
#define RF_ROUTE_PLAN_H

#include "route/connection.h"

#define RF_PLAN_PLACES_MAX 16

enum rf_place_kind {
    RF_PLACE_USER,      /* its bindings, all at once */
    RF_PLACE_DEVICE,    /* a dn's contact */
    RF_PLACE_CONNECTION /* tried one after the other */
};

struct rf_place {
    enum rf_place_kind kind;
    const char *name;             /* of the snapshot */
    uint8_t stage;                /* those of one number are tried at once, one number after the other */
    char number[RF_NUMBER_MAX];   /* CONNECTION: as it is written to it */
    const struct rf_connection *connection;
};

struct rf_plan {
    size_t count;                 /* 0: refused */
    struct rf_place place[RF_PLAN_PLACES_MAX];
    bool is_group;                /* a ring-group: its members' own forwarding does not count */
    uint32_t stage_s;             /* so long a stage rings; 0: as long as any call */
    bool is_bypass;               /* media-handling-mode of number or route, or of all connections */
    char bypass_setting[160];     /* which */
    enum rf_refusal refusal;      /* when there is no place: RF_REFUSE_NOT_FOUND, RF_REFUSE_CALL_LOOP */
    const char *user;             /* refused, but a user of this name is known: it has no phone */
};

struct rf_plan_question {
    const struct rf_conf *conf;
    const struct rf_connections *connections;
    const char *user;                       /* who calls: a user ... */
    const struct rf_connection *connection; /* ... or a connection */
    struct rf_span number;                  /* as dialled */
    /** Is the connection to be tried before others? NULL: all are. */
    bool (*is_up)(void *ctx, const struct rf_connection *c);
    /** A step, as a sentence. NULL: nobody reads. */
    void (*say)(void *ctx, const char *step);
    void *ctx;
};

void rf_plan_make(const struct rf_plan_question *q, struct rf_plan *out);

#endif
