/*
 * route/hunt.h - one request from target to target, until one of them answers (RFC 3263 4.3): the rules alone
 *
 * A place is whom we look for: a binding, or one connection of a route. It has targets, tried one after the other,
 * each by a client transaction of its own with a new branch. A route of several connections is a list of places.
 *
 *   what the target did                    then                                                   from
 *   its connection fails or is lost        set aside, the next target                             RFC 3263 4.3
 *   503, with or without Retry-After       set aside for at least as long, the next target        RFC 3263 4.3
 *   said nothing (timer B, F)              set aside, the next target                             RFC 3263 4.3
 *   said 1xx, then nothing (timer F)       the request has failed: it is being worked on there    RFC 3263 4.3
 *   408, 480, 504                          the next place; without one, that is the answer        TEL: ordered routes
 *   488                                    the same: another connection has another policy,       TEL-35
 *                                          and gets another offer
 *   any other final response               that is the answer: it speaks of the person called, and other servers of
 *                                          the same place would say no other thing
 *
 * CANCEL ends the hunt in every state. A request that is too large for a datagram goes back, unsent, and the place
 * is begun anew with ways for large requests first (RFC 3261 18.1.1).
 *
 * Neither socket nor clock: who hunts feeds events and does what is returned. Threads: plain data.
 */
#ifndef RF_ROUTE_HUNT_H
#define RF_ROUTE_HUNT_H

#include <stdint.h>

enum rf_hunt_state {
    RF_HUNT_NONE,      /* in the table: an empty cell */
    RF_HUNT_SEEKING,   /* a way to the next target is asked for */
    RF_HUNT_SENT,      /* the request is out */
    RF_HUNT_HEARD,     /* a 1xx came */
    RF_HUNT_CANCELLED, /* the final response is waited for, whatever it is */
    RF_HUNT_OVER,
    RF_HUNT_STATES
};

enum rf_hunt_event {
    RF_HUNT_EV_WAY,      /* there is a way to the next target */
    RF_HUNT_EV_NO_WAY,   /* the place has no more targets */
    RF_HUNT_EV_LARGE,    /* the way is UDP and the request is too large for it: nothing was sent */
    RF_HUNT_EV_AGAIN,    /* the same target wants another request: a challenge, a 422 */
    RF_HUNT_EV_1XX,
    RF_HUNT_EV_2XX,
    RF_HUNT_EV_503,
    RF_HUNT_EV_AWAY,     /* 408, 480, 488, 504 */
    RF_HUNT_EV_FINAL,    /* any other final response */
    RF_HUNT_EV_TIMEOUT,  /* timer B or F */
    RF_HUNT_EV_LOST,     /* transport error */
    RF_HUNT_EV_CANCEL,
    RF_HUNT_EVENTS
};

enum rf_hunt_act {
    RF_HUNT_SEND = 1,       /* the request, as a new client transaction */
    RF_HUNT_ASK = 2,        /* for a way to the next target */
    RF_HUNT_ASK_LARGE = 4,  /* for the ways of this place from the start, those for large requests first */
    RF_HUNT_ASK_PLACE = 8,  /* for a way to the first target of the next place */
    RF_HUNT_ASIDE = 16,     /* the target is not to be tried for a while (route/peers.h) */
    RF_HUNT_FAIL = 32       /* the request has failed: what came last is the answer */
};

struct rf_hunt {
    uint8_t state;  /* enum rf_hunt_state */
    uint8_t places; /* that come after the present one */
};

/** A way to the first target of the first place is being asked for. more: places after that one. */
void rf_hunt_begin(struct rf_hunt *h, unsigned more);

/** Bits of enum rf_hunt_act: what is to be done now. 0 also for an event that does not belong here. */
unsigned rf_hunt_feed(struct rf_hunt *h, enum rf_hunt_event e);

/** The event that a response is. */
enum rf_hunt_event rf_hunt_event_of(int status);

const char *rf_hunt_state_name(enum rf_hunt_state s);
const char *rf_hunt_event_name(enum rf_hunt_event e);

#endif
