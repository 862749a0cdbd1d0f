/*
 * tests/play/stray_test.c - 2xx that nobody asked for (RFC 3261 13.2.2.4): each gets ACK and BYE, for its sender may
 * believe in a call. Anybody can write one, also with another's address in a datagram: so many at once are answered, each
 * dialog is told once, and calls go on.
 */
#include <stdio.h>

#include "play/stage.h"
#include "tap.h"

#define STRAYS 1000 /* twice as many transactions as the stage has room for */

/* A 200 to an INVITE with a Call-ID in our form; anybody who was called by us has seen one. */
static void
forge(struct stage *s, struct phone *by, unsigned dialog)
{
    char text[900];

    snprintf(text, sizeof text,
             "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%032x\r\n"
             "From: <sip:201@pbx.example>;tag=%016x\r\nTo: <sip:202@pbx.example>;tag=t%u\r\n"
             "Call-ID: rf%08x-%024x\r\nCSeq: 1 INVITE\r\nContact: <sip:x@192.0.2.99>\r\nContent-Length: 0\r\n\r\n",
             dialog, dialog, dialog, dialog, dialog);
    phone_send(s, by, text);
}

/* What it heard of a method since the last time. */
static unsigned
heard(struct phone *p, const char *method)
{
    unsigned n = 0;

    for (char *m; (m = phone_take(p)) != NULL; free(m))
        n += strncmp(m, method, strlen(method)) == 0;
    return n;
}

int
main(void)
{
    struct stage *s = stage_open(3);
    struct phone *a, *b, *x;

    rf_log_open(-1, -1, RF_LOG_ERROR, "stray");
    stage_user(s, "201", RF_SRTP_OFF);
    stage_user(s, "202", RF_SRTP_OFF);
    a = stage_phone(s, "a", "201", RF_TCP, false);
    b = stage_phone(s, "b", "202", RF_TCP, false);
    x = stage_phone(s, "x", "202", RF_UDP, false);
    phone_register(s, a);
    phone_register(s, b);
    (void)heard(b, "");

    forge(s, x, 1);
    ok(heard(x, "BYE ") == 1, "13.2.2.4: who believes in a call is told goodbye");
    for (int i = 0; i < 20; i++)
        forge(s, x, 1);
    ok(heard(x, "BYE ") == 0, "once, however often its 2xx comes again meanwhile");
    for (int i = 0; i < 5; i++)
        forge(s, x, 1);
    ok(heard(x, "ACK ") == 5, "and each time it is acknowledged");

    for (unsigned i = 2; i < STRAYS; i++) {
        forge(s, x, i);
        if (i % 50 == 0)
            (void)heard(x, "");
    }
    ok(rf_txn_counts(s->txn).clients <= 256, "of a flood so many are answered: %u", rf_txn_counts(s->txn).clients);
    (void)heard(x, "");
    phone_asks(s, a, "INVITE", "202");
    ok(heard(b, "INVITE ") == 1, "and a call still gets through");

    stage_elapse(s, 200 * RF_S);
    (void)heard(x, "");
    ok(rf_txn_counts(s->txn).clients == 0, "all of it ends");
    forge(s, x, STRAYS);
    ok(heard(x, "BYE ") == 1, "and the next one is answered again");
    stage_elapse(s, 200 * RF_S);
    stage_close(s);
    return tap_done();
}
