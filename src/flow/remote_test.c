/* Two workers on one loop, their mailboxes, and a connection of the first that the second uses. */
#include "flow/harness.h"

#include "flow/remote.h"
#include "loop/mailbox.h"

static const struct rf_transport_limits usual = RF_TRANSPORT_LIMITS;
static struct heard worker[2];
static struct rf_remote_flows *remote[2];
static struct rf_mailbox *box[2];
static bool boxes_are_full;
static char buffer[70000], reply[70000];

static void
on_letter(void *ctx, struct rf_span letter, uint64_t now_us)
{
    rf_remote_letter(remote[(uintptr_t)ctx], letter, now_us);
}

static enum rf_err
post(void *ctx, uint16_t to, const struct rf_span *parts, size_t n)
{
    return boxes_are_full ? RF_ERR_NOMEM : rf_mailbox_send(box[to], parts, n);
}

static void
up(void)
{
    for (uintptr_t i = 0; i < 2; i++) {
        struct rf_remote_conf conf = { (uint16_t)i, NULL, rf_loop_wheel(loop), &rf_rand_system, post, NULL };

        layer_up(&worker[i], (uint16_t)i, &usual);
        conf.layer = worker[i].layer;
        rf_assert(rf_remote_flows_new(&remote[i], &conf) == RF_OK);
        rf_assert(rf_mailbox_new(&box[i], loop, RF_REMOTE_LETTER_MAX, 1 << 20, on_letter, (void *)i) ==
                  RF_OK);
    }
}

static void
down(void)
{
    for (int i = 0; i < 2; i++) {
        rf_remote_flows_free(remote[i]);
        layer_down(&worker[i]);
        rf_mailbox_free(box[i]);
    }
}

int
main(void)
{
    struct rf_addr to;
    struct rf_flow_card card, old;
    struct rf_flow *f, *again, *stale;
    bool is_end;
    int fd;
    size_t n;

    rf_assert(rf_loop_new(&loop) == RF_OK);
    up();
    to = listen_at(&worker[0], "sip", RF_TCP, "127.0.0.1:0", NULL);
    fd = dial(&to);
    PUMP_UNTIL(worker[0].opened == 1);
    rf_flow_card_fill(&card, worker[0].flow);
    ok(rf_remote_flow(remote[0], &card, &f) == RF_OK && f == worker[0].flow, "the owner gets its own flow");
    rf_flow_unref(f);
    card.proven[0] = 7;
    card.proven[1] = 8;
    ok(rf_remote_flow(remote[1], &card, &f) == RF_OK && f->proven != NULL && f->proven[0] == 7 && f->proven[1] == 8 &&
           f->proven[2] == 0, "what its peer's certificate proves comes along");
    card.proven[0] = 9;
    card.proven[1] = 0;
    ok(rf_remote_flow(remote[1], &card, &again) == RF_OK && again == f && f->proven[0] == 9 && f->proven[1] == 0,
       "judged anew by its owner, it is known here with the next message (TEL-10)");
    rf_flow_unref(again);
    card.proven[0] = 0;
    ok(rf_remote_flow(remote[1], &card, &again) == RF_OK && again == f && f->proven == NULL, "also that it proves nothing");
    rf_flow_unref(again);
    rf_flow_unref(f);
    ok(rf_remote_flow(remote[1], &card, &f) == RF_OK && f != worker[0].flow && f->worker == 0 &&
           f->id == card.id && rf_addr_eq(&f->remote, &worker[0].flow->remote),
       "another worker gets one that looks like it");
    ok(rf_remote_flow(remote[1], &card, &again) == RF_OK && again == f, "the same one again");
    rf_flow_unref(again);

    n = make_message(buffer, sizeof buffer, "far", 65000);
    ok(rf_flow_send(f, rf_span(buffer, n)) == RF_OK, "it takes a message of 65 kB");
    ok(hear(fd, reply, n, &is_end) == (ssize_t)n && memcmp(buffer, reply, n) == 0,
       "which leaves by the owner's socket");
    boxes_are_full = true;
    ok(rf_flow_send(f, rf_span(buffer, 10)) == RF_ERR_NOMEM, "a full mailbox is told");
    boxes_are_full = false;

    rf_flow_watch(f, &worker[1].watch);
    close(fd);
    boxes_are_full = true;
    PUMP_UNTIL(worker[0].flow->is_closed);
    PUMP_FOR(20 * RF_MS);
    ok(worker[1].gone == 0, "the news waits while the mailbox is full");
    boxes_are_full = false;
    PUMP_UNTIL(worker[1].gone == 1);
    ok(worker[1].gone == 1 && f->is_closed && rf_flow_send(f, rf_span(buffer, 1)) == RF_ERR_CLOSED,
       "then the other worker hears that it is gone");
    rf_flow_unref(f);

    old = card;
    ok(rf_remote_flow(remote[1], &old, &stale) == RF_OK, "a card of a flow that is gone");
    rf_flow_watch(stale, &worker[1].watch);
    PUMP_UNTIL(worker[1].gone == 2);
    ok(worker[1].gone == 2 && stale->is_closed, "is found out");
    rf_flow_unref(stale);
    ok(rf_remote_flow(remote[0], &old, &stale) == RF_ERR_CLOSED, "at once by its owner");

    fd = dial(&to);
    PUMP_UNTIL(worker[0].opened == 2);
    rf_flow_card_fill(&card, worker[0].flow);
    rf_assert(rf_remote_flow(remote[1], &card, &f) == RF_OK);
    rf_flow_watch(f, &worker[1].watch);
    rf_flow_close(f);
    hear(fd, reply, 1, &is_end);
    ok(is_end, "closing it closes the connection");
    close(fd);
    PUMP_UNTIL(worker[1].gone == 3);
    ok(worker[1].gone == 3, "and that is told");
    rf_flow_unref(f);

    fd = dial(&to);
    PUMP_UNTIL(worker[0].opened == 3);
    rf_flow_card_fill(&card, worker[0].flow);
    rf_assert(rf_remote_flow(remote[1], &card, &f) == RF_OK);
    PUMP_FOR(5 * RF_MS);
    rf_flow_unref(f);
    PUMP_FOR(5 * RF_MS);
    ok(rf_list_empty(&worker[0].flow->watches), "who lets it go is no longer told");
    rf_assert(rf_remote_flow(remote[1], &card, &f) == RF_OK);
    down();
    ok(f->is_closed, "a flow that outlives its worker is closed");
    rf_flow_unref(f);
    close(fd);
    rf_loop_free(loop);
    return tap_done();
}
