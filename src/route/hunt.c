#include "route/hunt.h"

struct step {
    uint8_t next;
    uint8_t act;
};

#define NEXT_TARGET { RF_HUNT_SEEKING, RF_HUNT_ASIDE | RF_HUNT_ASK }
#define NEXT_PLACE  { RF_HUNT_SEEKING, RF_HUNT_ASK_PLACE }
#define FAILED      { RF_HUNT_OVER, RF_HUNT_FAIL }

static const struct step steps[RF_HUNT_STATES][RF_HUNT_EVENTS] = {
    [RF_HUNT_SEEKING] = {
        [RF_HUNT_EV_WAY]     = { RF_HUNT_SENT, RF_HUNT_SEND },
        [RF_HUNT_EV_NO_WAY]  = NEXT_PLACE,
        [RF_HUNT_EV_CANCEL]  = { RF_HUNT_OVER, 0 },
    },
    [RF_HUNT_SENT] = {
        [RF_HUNT_EV_LARGE]   = { RF_HUNT_SEEKING, RF_HUNT_ASK_LARGE },
        [RF_HUNT_EV_AGAIN]   = { RF_HUNT_SENT, RF_HUNT_SEND },
        [RF_HUNT_EV_1XX]     = { RF_HUNT_HEARD, 0 },
        [RF_HUNT_EV_2XX]     = { RF_HUNT_OVER, 0 },
        [RF_HUNT_EV_503]     = NEXT_TARGET,
        [RF_HUNT_EV_AWAY]    = NEXT_PLACE,
        [RF_HUNT_EV_FINAL]   = FAILED,
        [RF_HUNT_EV_TIMEOUT] = NEXT_TARGET,
        [RF_HUNT_EV_LOST]    = NEXT_TARGET,
        [RF_HUNT_EV_CANCEL]  = { RF_HUNT_CANCELLED, 0 },
    },
    [RF_HUNT_HEARD] = {
        [RF_HUNT_EV_AGAIN]   = { RF_HUNT_SENT, RF_HUNT_SEND },
        [RF_HUNT_EV_1XX]     = { RF_HUNT_HEARD, 0 },
        [RF_HUNT_EV_2XX]     = { RF_HUNT_OVER, 0 },
        [RF_HUNT_EV_503]     = NEXT_TARGET,
        [RF_HUNT_EV_AWAY]    = NEXT_PLACE,
        [RF_HUNT_EV_FINAL]   = FAILED,
        [RF_HUNT_EV_TIMEOUT] = FAILED, /* an INVITE that was heard of has no timer; others have F */
        [RF_HUNT_EV_LOST]    = NEXT_TARGET,
        [RF_HUNT_EV_CANCEL]  = { RF_HUNT_CANCELLED, 0 },
    },
    [RF_HUNT_CANCELLED] = {
        [RF_HUNT_EV_1XX]     = { RF_HUNT_CANCELLED, 0 },
        [RF_HUNT_EV_2XX]     = { RF_HUNT_OVER, 0 }, /* they crossed: the caller ends the dialog */
        [RF_HUNT_EV_503]     = FAILED,
        [RF_HUNT_EV_AWAY]    = FAILED,
        [RF_HUNT_EV_FINAL]   = FAILED,
        [RF_HUNT_EV_TIMEOUT] = FAILED,
        [RF_HUNT_EV_LOST]    = FAILED,
    },
};

void
rf_hunt_begin(struct rf_hunt *h, unsigned more)
{
    *h = (struct rf_hunt){ .state = RF_HUNT_SEEKING, .places = (uint8_t)(more < UINT8_MAX ? more : UINT8_MAX) };
}

unsigned
rf_hunt_feed(struct rf_hunt *h, enum rf_hunt_event e)
{
    struct step s = steps[h->state][e];

    if (s.next == RF_HUNT_NONE)
        return 0;
    if ((s.act & RF_HUNT_ASK_PLACE) && h->places == 0)
        s = (struct step)FAILED;
    else if (s.act & RF_HUNT_ASK_PLACE)
        h->places--;
    h->state = s.next;
    return s.act;
}

enum rf_hunt_event
rf_hunt_event_of(int status)
{
    if (status < 200)
        return RF_HUNT_EV_1XX;
    if (status < 300)
        return RF_HUNT_EV_2XX;
    if (status == 503)
        return RF_HUNT_EV_503;
    return status == 408 || status == 480 || status == 488 || status == 504 ? RF_HUNT_EV_AWAY : RF_HUNT_EV_FINAL;
}

const char *
rf_hunt_state_name(enum rf_hunt_state s)
{
    static const char *const name[] = { "none", "seeking", "sent", "heard", "cancelled", "over" };

    return name[s];
}

const char *
rf_hunt_event_name(enum rf_hunt_event e)
{
    static const char *const name[] = { "way", "no way", "large", "again", "1xx", "2xx", "503", "away", "final",
                                        "timeout", "lost", "cancel" };

    return name[e];
}
