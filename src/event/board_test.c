/* event/board.h: who is told of what, and what is kept. */
#include "event/board.h"

#include "loop/wheel.h"
#include "tap.h"

static int told;
static uint64_t told_workers;
static char told_user[64];

static void
changed(void *ctx, const char *user, uint16_t worker)
{
    (void)ctx;
    told++;
    told_workers |= 1ull << worker;
    snprintf(told_user, sizeof told_user, "%s", user);
}

static void
tell(struct rf_event_board *b, const char *user, const char *id, enum rf_call_dialog_state state)
{
    struct rf_call_dialog d = { .state = state };

    snprintf(d.user, sizeof d.user, "%s", user);
    snprintf(d.id, sizeof d.id, "%s", id);
    told = 0;
    told_workers = 0;
    rf_event_board_tell(b, &d);
}

static void
dialogs(struct rf_event_board *b)
{
    struct rf_call_dialog out[RF_EVENT_DIALOGS_MAX];
    char id[RF_CALL_DIALOG_ID];

    tell(b, "201", "a", RF_DIALOG_EARLY);
    ok(told == 0, "nobody watches: nobody is told");
    rf_event_board_watch(b, "201", 3, true);
    rf_event_board_watch(b, "201", 63, true);
    ok(rf_event_board_dialogs(b, "201", out) == 1 && strcmp(out[0].id, "a") == 0, "who comes later sees it");
    tell(b, "201", "a", RF_DIALOG_CONFIRMED);
    ok(told == 2 && told_workers == (1ull << 3 | 1ull << 63) && strcmp(told_user, "201") == 0,
       "each worker that watches is told once");
    tell(b, "202", "x", RF_DIALOG_CONFIRMED);
    ok(told == 0, "not of others");
    tell(b, "201", "b", RF_DIALOG_EARLY);
    tell(b, "201", "a", RF_DIALOG_NONE);
    ok(told == 2 && rf_event_board_dialogs(b, "201", out) == 1 && strcmp(out[0].id, "b") == 0, "what is over goes");
    tell(b, "201", "a", RF_DIALOG_NONE);
    ok(told == 0, "once");
    rf_event_board_watch(b, "201", 3, false);
    tell(b, "201", "b", RF_DIALOG_NONE);
    ok(told == 1 && told_workers == 1ull << 63, "who watches no more is not told");
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "many-%d", i);
        tell(b, "201", id, RF_DIALOG_EARLY);
    }
    ok(rf_event_board_dialogs(b, "201", out) == RF_EVENT_DIALOGS_MAX, "more dialogs than anybody is told");
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "many-%d", i);
        tell(b, "201", id, RF_DIALOG_NONE);
    }
    ok(rf_event_board_dialogs(b, "201", out) == 0, "and none is left");
}

static void
count(void *ctx, const char *user, const struct rf_mailbox_state *m)
{
    (void)user;
    *(int *)ctx += (int)m->counts.fresh;
}

static void
mailboxes(struct rf_event_board *b)
{
    struct rf_mailbox_state m = { .counts = { 2, 1, 0, 0 } }, out;
    int sum = 0;

    ok(!rf_event_board_mailbox(b, "201", &out) && out.counts.fresh == 0, "nothing is known at first");
    told = 0;
    ok(rf_event_board_set_mailbox(b, "201", &m) == RF_OK && told == 1, "whoever watches is told");
    m.counts.fresh = 5;
    ok(rf_event_board_set_mailbox(b, "205", &m) == RF_OK, "of somebody whom nobody watches");
    rf_event_board_visit_mailboxes(b, count, &sum);
    ok(sum == 7, "all of them are visited");
    ok(rf_event_board_mailbox(b, "205", &out) && out.counts.fresh == 5, "and found");
    ok(rf_event_board_set_mailbox(b, "205", NULL) == RF_OK && !rf_event_board_mailbox(b, "205", &out), "and forgotten");
}

static void
rates(struct rf_event_board *b)
{
    unsigned may = 0, others = 0;
    char name[16];

    for (int i = 0; i < 100; i++)
        may += rf_event_board_rate(b, "201", 60, 1000 * RF_S);
    ok(may == 60, "a minute's worth at once, and no more (%u)", may);
    ok(!rf_event_board_rate(b, "201", 60, 1000 * RF_S + 900 * RF_MS) && rf_event_board_rate(b, "201", 60, 1002 * RF_S),
       "one more each second");
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "u%d", i);
        others += rf_event_board_rate(b, name, 1, 1003 * RF_S);
    }
    ok(others == 1000, "each sender has its own share");
}

int
main(void)
{
    uint64_t seed = 3;
    struct rf_rand rand = { rf_rand_seeded_fill, &seed };
    struct rf_event_board *b;

    if (rf_event_board_new(&b, &rand, changed, NULL) != RF_OK)
        return 1;
    dialogs(b);
    mailboxes(b);
    rates(b);
    rf_event_board_free(b);
    return tap_done();
}
