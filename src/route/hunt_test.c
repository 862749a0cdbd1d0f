/* The table of route/hunt.h: every state with every event, and whole hunts. */
#include "route/hunt.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

#define UP RF_HUNT_OVER

/* What is not listed does nothing and stays. `more`: places left. */
static const struct {
    enum rf_hunt_state at;
    enum rf_hunt_event event;
    unsigned more;
    enum rf_hunt_state then;
    unsigned act;
    const char *why;
} cells[] = {
    { RF_HUNT_SEEKING, RF_HUNT_EV_WAY, 0, RF_HUNT_SENT, RF_HUNT_SEND, "a way" },
    { RF_HUNT_SEEKING, RF_HUNT_EV_NO_WAY, 0, UP, RF_HUNT_FAIL, "no more targets" },
    { RF_HUNT_SEEKING, RF_HUNT_EV_NO_WAY, 1, RF_HUNT_SEEKING, RF_HUNT_ASK_PLACE, "no more targets, another connection" },
    { RF_HUNT_SEEKING, RF_HUNT_EV_CANCEL, 1, UP, 0, "CANCEL between two targets" },
    { RF_HUNT_SENT, RF_HUNT_EV_LARGE, 0, RF_HUNT_SEEKING, RF_HUNT_ASK_LARGE, "RFC 3261 18.1.1" },
    { RF_HUNT_SENT, RF_HUNT_EV_AGAIN, 0, RF_HUNT_SENT, RF_HUNT_SEND, "422" },
    { RF_HUNT_SENT, RF_HUNT_EV_1XX, 0, RF_HUNT_HEARD, 0, "100" },
    { RF_HUNT_SENT, RF_HUNT_EV_2XX, 0, UP, 0, "200" },
    { RF_HUNT_SENT, RF_HUNT_EV_503, 0, RF_HUNT_SEEKING, RF_HUNT_ASIDE | RF_HUNT_ASK, "RFC 3263 4.3: 503" },
    { RF_HUNT_SENT, RF_HUNT_EV_AWAY, 0, UP, RF_HUNT_FAIL, "480 from the only place" },
    { RF_HUNT_SENT, RF_HUNT_EV_AWAY, 2, RF_HUNT_SEEKING, RF_HUNT_ASK_PLACE, "480 from one of several connections" },
    { RF_HUNT_SENT, RF_HUNT_EV_FINAL, 1, UP, RF_HUNT_FAIL, "404, 486, 603" },
    { RF_HUNT_SENT, RF_HUNT_EV_TIMEOUT, 0, RF_HUNT_SEEKING, RF_HUNT_ASIDE | RF_HUNT_ASK, "RFC 3263 4.3: timer B, F" },
    { RF_HUNT_SENT, RF_HUNT_EV_LOST, 0, RF_HUNT_SEEKING, RF_HUNT_ASIDE | RF_HUNT_ASK, "RFC 3263 4.3: transport" },
    { RF_HUNT_SENT, RF_HUNT_EV_CANCEL, 0, RF_HUNT_CANCELLED, 0, "CANCEL" },
    { RF_HUNT_HEARD, RF_HUNT_EV_AGAIN, 0, RF_HUNT_SENT, RF_HUNT_SEND, "422 after 100" },
    { RF_HUNT_HEARD, RF_HUNT_EV_1XX, 0, RF_HUNT_HEARD, 0, "180 after 100" },
    { RF_HUNT_HEARD, RF_HUNT_EV_2XX, 0, UP, 0, "200 after 180" },
    { RF_HUNT_HEARD, RF_HUNT_EV_503, 0, RF_HUNT_SEEKING, RF_HUNT_ASIDE | RF_HUNT_ASK, "503 after 100" },
    { RF_HUNT_HEARD, RF_HUNT_EV_AWAY, 1, RF_HUNT_SEEKING, RF_HUNT_ASK_PLACE, "480 after 180" },
    { RF_HUNT_HEARD, RF_HUNT_EV_AWAY, 0, UP, RF_HUNT_FAIL, "408 after 180, the only place" },
    { RF_HUNT_HEARD, RF_HUNT_EV_FINAL, 1, UP, RF_HUNT_FAIL, "486 after 180" },
    { RF_HUNT_HEARD, RF_HUNT_EV_TIMEOUT, 1, UP, RF_HUNT_FAIL, "timer F after a 1xx: it had been heard of" },
    { RF_HUNT_HEARD, RF_HUNT_EV_LOST, 0, RF_HUNT_SEEKING, RF_HUNT_ASIDE | RF_HUNT_ASK, "a connection lost after 180" },
    { RF_HUNT_HEARD, RF_HUNT_EV_CANCEL, 0, RF_HUNT_CANCELLED, 0, "CANCEL after 180" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_1XX, 0, RF_HUNT_CANCELLED, 0, "100 after CANCEL" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_2XX, 0, UP, 0, "200 crosses CANCEL" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_503, 3, UP, RF_HUNT_FAIL, "503 after CANCEL: no other target" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_AWAY, 3, UP, RF_HUNT_FAIL, "480 after CANCEL: no other place" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_FINAL, 0, UP, RF_HUNT_FAIL, "487" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_TIMEOUT, 0, UP, RF_HUNT_FAIL, "nothing came after CANCEL" },
    { RF_HUNT_CANCELLED, RF_HUNT_EV_LOST, 3, UP, RF_HUNT_FAIL, "lost after CANCEL" },
};

static void
table(void)
{
    unsigned empty = 0;

    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct rf_hunt h = { .state = (uint8_t)cells[i].at, .places = (uint8_t)cells[i].more };
        unsigned act = rf_hunt_feed(&h, cells[i].event);

        ok(h.state == cells[i].then && act == cells[i].act &&
               h.places == cells[i].more - ((act & RF_HUNT_ASK_PLACE) != 0),
           "%s, %s: %s, act %u (%s)", rf_hunt_state_name(cells[i].at), rf_hunt_event_name(cells[i].event),
           rf_hunt_state_name(h.state), act, cells[i].why);
    }
    for (unsigned s = RF_HUNT_SEEKING; s < RF_HUNT_STATES; s++)
        for (unsigned e = 0; e < RF_HUNT_EVENTS; e++) {
            struct rf_hunt h = { .state = (uint8_t)s, .places = 1 };
            bool is_listed = false;

            for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
                is_listed = is_listed || (cells[i].at == s && cells[i].event == e);
            if (is_listed)
                continue;
            empty++;
            if (rf_hunt_feed(&h, e) != 0 || h.state != s || h.places != 1)
                ok(false, "%s, %s does nothing", rf_hunt_state_name(s), rf_hunt_event_name(e));
        }
    ok(empty == 31, "the %u other cells are empty", empty);
}

static void
responses(void)
{
    static const struct {
        int status;
        enum rf_hunt_event want;
    } rows[] = { { 100, RF_HUNT_EV_1XX },   { 183, RF_HUNT_EV_1XX },   { 200, RF_HUNT_EV_2XX },  { 302, RF_HUNT_EV_FINAL },
                 { 404, RF_HUNT_EV_FINAL }, { 408, RF_HUNT_EV_AWAY },  { 480, RF_HUNT_EV_AWAY }, { 486, RF_HUNT_EV_FINAL },
                 { 487, RF_HUNT_EV_FINAL }, { 488, RF_HUNT_EV_AWAY },  { 606, RF_HUNT_EV_FINAL }, { 500, RF_HUNT_EV_FINAL }, { 503, RF_HUNT_EV_503 },  { 504, RF_HUNT_EV_AWAY },
                 { 603, RF_HUNT_EV_FINAL } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ok(rf_hunt_event_of(rows[i].status) == rows[i].want, "%d is %s", rows[i].status,
           rf_hunt_event_name(rf_hunt_event_of(rows[i].status)));
}

/* Two connections of two targets each. */
static void
whole(void)
{
    struct rf_hunt h;

    rf_hunt_begin(&h, 1);
    ok(rf_hunt_feed(&h, RF_HUNT_EV_WAY) == RF_HUNT_SEND && rf_hunt_feed(&h, RF_HUNT_EV_TIMEOUT) == (RF_HUNT_ASIDE | RF_HUNT_ASK) &&
           rf_hunt_feed(&h, RF_HUNT_EV_WAY) == RF_HUNT_SEND && rf_hunt_feed(&h, RF_HUNT_EV_503) == (RF_HUNT_ASIDE | RF_HUNT_ASK) &&
           rf_hunt_feed(&h, RF_HUNT_EV_NO_WAY) == RF_HUNT_ASK_PLACE && rf_hunt_feed(&h, RF_HUNT_EV_WAY) == RF_HUNT_SEND &&
           rf_hunt_feed(&h, RF_HUNT_EV_1XX) == 0 && rf_hunt_feed(&h, RF_HUNT_EV_AWAY) == RF_HUNT_FAIL && h.state == RF_HUNT_OVER,
       "both targets of the first connection, then the second one, whose 480 is the answer");
}

int
main(void)
{
    table();
    responses();
    whole();
    return tap_done();
}
