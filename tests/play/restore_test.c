/*
 * tests/play/restore_test.c - what the store gives back about a call may be damaged: cut off, changed, of another
 * version. It is refused or makes a call that can be ended; it never breaks anything.
 */
#include <stdlib.h>

#include "play/stage.h"
#include "tap.h"

#define SDP                                                                                                           \
    "v=0\r\no=x 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"            \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"
#define OTHER_SDP                                                                                                     \
    "v=0\r\no=x 1 1 IN IP4 192.0.2.98\r\ns=-\r\nc=IN IP4 192.0.2.98\r\nt=0 0\r\nm=audio 4100 RTP/SAVP 0\r\n"            \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj\r\n"

static struct stage *
with_a_call(void)
{
    struct stage *s = stage_open(5);
    struct phone *a, *b;

    stage_user(s, "201", RF_SRTP_REQUIRED);
    stage_user(s, "202", RF_SRTP_REQUIRED);
    a = stage_phone(s, "a", "201", RF_TLS, false);
    b = stage_phone(s, "b", "202", RF_TLS, false);
    phone_register(s, a);
    phone_register(s, b);
    phone_invite(s, a, "202", SDP, NULL);
    phone_answer(s, b, true, 200, NULL, OTHER_SDP, NULL);
    phone_ack(s, a, NULL);
    return s;
}

/* As the program before version 9 saved it: without join, who picked up and trail, the last octets of all. */
static void
make_older(struct stage *s)
{
    ok(s->saved[0].value[0] == 9, "what is new in version 9 is known here");
    s->saved[0].value[0] = 8;
    s->saved[0].n -= 1 + sizeof(uint32_t) + 1 + 1;
}

static void
end_all(struct stage *s)
{
    rf_call_hangup_all(s->calls, s->now);
    stage_pump(s);
    stage_elapse(s, 70 * RF_S);
}

int
main(void)
{
    struct stage *s;
    char *value;
    size_t n = 0, accepted = 0, cut_accepted = 0;
    uint64_t seed = 11, r;

    rf_log_open(-1, -1, RF_LOG_ERROR, "restore");
    s = with_a_call();
    ok(s->saved[0].value != NULL, "a call that is up is saved");
    if (s->saved[0].value == NULL)
        return tap_done();
    n = s->saved[0].n;
    value = malloc(n);
    memcpy(value, s->saved[0].value, n);
    make_older(s);
    stage_restart(s);
    ok(rf_call_count(s->calls) == 1, "a call that the program before an upgrade saved is known again");
    end_all(s);
    stage_close(s);
    s = with_a_call();
    stage_restart(s);
    ok(rf_call_count(s->calls) == 1, "and one of our own, whole");
    end_all(s);

    for (size_t i = 0; i < n; i++) {
        char *cut = malloc(i);

        memcpy(cut, value, i);
        if (rf_call_restore(s->calls, rf_span(cut, i), s->now) == RF_OK)
            cut_accepted++;
        free(cut);
    }
    ok(cut_accepted == 0, "cut off anywhere (%zu places) it is refused", n);
    ok(rf_call_restore(s->calls, RF_SPAN_LIT("\377\377\377\377"), s->now) == RF_ERR_UNSUPPORTED, "another version is refused");
    ok(rf_call_count(s->calls) == 0, "what was refused leaves no call");
    stage_close(s);

    for (int i = 0; i < 3000; i++) {
        char *changed = malloc(n);

        s = i % 100 == 0 ? with_a_call() : s;
        memcpy(changed, value, n);
        for (int k = 0; k < 1 + i % 3; k++) {
            rf_rand_seeded_fill(&seed, &r, sizeof r);
            changed[r % n] = (char)(r >> 32);
        }
        if (rf_call_restore(s->calls, rf_span(changed, n), s->now) == RF_OK)
            accepted++;
        free(changed);
        if (i % 100 == 99) {
            end_all(s);
            stage_close(s);
        }
    }
    ok(accepted > 0, "3000 damaged ones break nothing (%zu made a call, which was ended)", accepted);
    free(value);
    return tap_done();
}
