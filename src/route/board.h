/*
 * route/board.h - what is known of SIP connections now: addresses, health, registration, calls
 *
 * The configuration says what a connection is (route/connection.h); the board, what it is doing. One worker looks after each
 * connection and writes; every worker asks. A connection is here by its name, so that a reload keeps what is known.
 *
 * Threads: any; one lock, held for a few instructions. Memory: 1 kB a connection that was ever written of.
 */
#ifndef RF_ROUTE_BOARD_H
#define RF_ROUTE_BOARD_H

#include "route/connection.h"

struct rf_board;

#define RF_BOARD_ADDRESSES_MAX 16 /* of one name: those that calls may come from */

RF_MUST_CHECK enum rf_err rf_board_new(struct rf_board **out, const struct rf_rand *rand);
void rf_board_free(struct rf_board *b); /* NULL is fine */

/* --- addresses: connections of type fqdn, and those of a carrier that we are a customer of --- */

/** All that its server leads to now. None: the name leads nowhere, and nobody is taken for it. */
void rf_board_set_addresses(struct rf_board *b, const char *name, const struct rf_addr *address, size_t n);
/** `leads_to` of struct rf_connection_evidence with the board as ctx; a numeric server leads to itself. */
bool rf_board_leads_to(void *board, const struct rf_connection *c, const struct rf_addr *source);

/* --- health --- */

enum rf_health { RF_HEALTH_UNKNOWN, RF_HEALTH_UP, RF_HEALTH_DOWN };

/** An OPTIONS leaves. Silence is counted from the first one that gets no answer, not from when we give it up (32 s). */
void rf_board_asked(struct rf_board *b, const char *name, uint64_t now_us);
/**
 * An OPTIONS was answered, or was not until now.
 * @return the state changed by this: the first answer, or `force_us` without one (RF-507)
 */
bool rf_board_heard(struct rf_board *b, const char *name, bool answered, uint64_t force_us, uint64_t now_us);
/** `is_up` of struct rf_plan_question with the board as ctx. What is not known counts as up. */
bool rf_board_is_up(void *board, const struct rf_connection *c);

/* --- our registration at its server --- */

enum rf_registration { RF_REGISTRATION_NONE, RF_REGISTRATION_TRYING, RF_REGISTRATION_UP, RF_REGISTRATION_REFUSED,
                       RF_REGISTRATION_FAILED };

/** @param flow_id  by which its calls come and ours go; 0: none */
void rf_board_set_registration(struct rf_board *b, const char *name, enum rf_registration state, int status,
                               uint64_t flow_id, enum rf_transport transport, int64_t until_s);
/** The connection that registered by this flow: its name into `name`. false: none. */
bool rf_board_of_flow(struct rf_board *b, uint64_t flow_id, char name[static RF_CONNECTION_NAME_MAX]);

/* --- calls --- */

/** A call's leg begins. RF_ERR_RANGE: the connection has its share. */
RF_MUST_CHECK enum rf_err rf_board_take(struct rf_board *b, const char *name, uint32_t max);
void rf_board_drop(struct rf_board *b, const char *name);
/** May a new call come in now? A second's worth may come at once. */
bool rf_board_rate(struct rf_board *b, const char *name, uint32_t per_s, uint64_t now_us);

/* --- for people --- */

struct rf_board_row {
    uint8_t health;        /* enum rf_health */
    uint8_t registration;  /* enum rf_registration */
    int status;            /* of the last answer to REGISTER */
    uint64_t flow_id;
    enum rf_transport transport; /* of the registration */
    int64_t until_s;
    uint32_t calls;
    uint64_t heard_us;     /* last answer to OPTIONS; 0: none */
    size_t address_count;
    struct rf_addr address[RF_BOARD_ADDRESSES_MAX];
};

/** What is known of it; false: nothing. */
bool rf_board_look(struct rf_board *b, const char *name, struct rf_board_row *out);

const char *rf_health_name(enum rf_health h);
const char *rf_registration_name(enum rf_registration r);

#endif
