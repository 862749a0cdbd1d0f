/*
 * tests/play/restore_event_test.c - what the store gives back about a subscription may be damaged: cut off, changed, of
 * another version. It is refused or makes a subscription that ends by its time; it never breaks anything.
 */
#include "play/stage.h"
#include "tap.h"

static struct stage *
with_a_subscription(char name[static 80], char **value, size_t *n)
{
    struct stage *s = stage_open(7);
    struct phone *w;

    stage_user(s, "201", RF_SRTP_REQUIRED);
    stage_user(s, "202", RF_SRTP_REQUIRED);
    w = stage_phone(s, "w", "201", RF_UDP, false);
    phone_register(s, w);
    phone_requests(s, w, "SUBSCRIBE", "202", "Event: dialog\r\nExpires: 600\r\n", NULL, NULL);
    if (s->item[0].value != NULL) {
        memcpy(name, s->item[0].name, 80);
        *n = s->item[0].n;
        *value = malloc(*n);
        memcpy(*value, s->item[0].value, *n);
    }
    return s;
}

int
main(void)
{
    char name[80] = "", *value = NULL;
    size_t n = 0, cut_accepted = 0, accepted = 0, refused = 0;
    struct stage *s = with_a_subscription(name, &value, &n);
    uint64_t seed = 5;

    rf_log_open(-1, -1, RF_LOG_ERROR, "restore");
    ok(value != NULL, "a subscription is saved");
    if (value == NULL)
        return tap_done();
    stage_restart(s);
    ok(rf_event_count(s->events) == 1, "and known again, whole");
    stage_elapse(s, 700 * RF_S);
    ok(rf_event_count(s->events) == 0, "and ends by its time");
    for (size_t i = 0; i < n; i++)
        cut_accepted += rf_event_restore(s->events, rf_span_str(name), rf_span(value, i), s->now) == RF_OK;
    ok(cut_accepted == 0, "cut off anywhere it is refused");
    for (int round = 0; round < 4000; round++) {
        char *bad = malloc(n);
        uint64_t r = seed = seed * 6364136223846793005ull + 1442695040888963407ull;

        memcpy(bad, value, n);
        for (unsigned k = 0; k <= r >> 62; k++) {
            r = seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            bad[(r >> 20) % n] = (char)(r >> 56);
        }
        if (rf_event_restore(s->events, rf_span_str(name), rf_span(bad, n), s->now) == RF_OK)
            accepted++;
        else
            refused++;
        free(bad);
        if (rf_event_count(s->events) > 50)
            stage_elapse(s, 100 * RF_S);
    }
    ok(refused > 0, "changed ones are refused (%zu) or taken (%zu)", refused, accepted);
    stage_restart(s); /* whatever their ends are, the next process has none of them */
    ok(s->wrong[0] == '\0' || strstr(s->wrong, "does not come back") != NULL, "nothing else breaks: %s", s->wrong);
    free(value);
    stage_close(s);
    return tap_done();
}
