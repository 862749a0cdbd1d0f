/*
 * call/tally.c - what calls add to the metrics (base/tally.h)
 *
 * The relay counts packets where it has its sessions (relay/map.h); here they are read as the verdict is, once a
 * second and at the end, and what is new since the last look is added. So a packet counts once however often a leg
 * moves, and a new signal process goes on with the numbers of calls that are up.
 */
#include "base/metric.h"
#include "call/layer.h"

_Static_assert(VERDICT_ENCRYPTED + 1 == RF_TALLY_VERDICTS, "a cell for each");

void
tally_verdict(struct call *c)
{
    rf_cell *cell = &rf_tally_mine()->calls[c->verdict_now];

    if (cell == c->verdict_cell)
        return;
    tally_no_verdict(c);
    rf_count(cell, 1);
    c->verdict_cell = cell;
}

void
tally_no_verdict(struct call *c)
{
    if (c->verdict_cell != NULL)
        rf_uncount(c->verdict_cell);
    c->verdict_cell = NULL;
}

/* --- packets --- */

/* What grew since it was looked at last; an estimate that shrank adds nothing until it is above where it was. */
static uint64_t
news(uint64_t *seen, uint64_t now)
{
    uint64_t n = now > *seen ? now - *seen : 0;

    *seen += n;
    return n;
}

static void
add(rf_cell *to, uint64_t *seen, uint64_t now)
{
    uint64_t n = news(seen, now);

    if (n > 0)
        rf_count(to, n);
}

static void
add_clear(struct leg *leg, enum rf_tally_way way, uint64_t *seen, uint64_t now)
{
    uint64_t n = news(seen, now);

    if (n == 0)
        return;
    if (leg->tally.row == NULL)
        leg->tally.row = rf_tally_connection(leg->connection);
    rf_count(&leg->tally.row->clear[way], n);
}

static void
add_packets(struct leg *leg, const struct media_numbers *n)
{
    struct rf_tally *t = rf_tally_mine();
    struct leg_tally *l = &leg->tally;

    if (leg->media != NULL && leg->media->tx.suite != 0 && leg->media->tx.suite < RF_TALLY_SUITES)
        l->suite = leg->media->tx.suite;
    add(&t->srtp_packets[RF_TALLY_IN][l->suite], &l->authentic, n->in_authentic);
    add(&t->srtp_packets[RF_TALLY_OUT][l->suite], &l->encrypted, n->out_encrypted);
    add_clear(leg, RF_TALLY_IN, &l->clear_in, n->in_clear);
    add_clear(leg, RF_TALLY_OUT, &l->clear_out, n->out_clear);
    add(&t->dropped[RF_TALLY_DROP_AUTH], &l->auth, n->in_auth_failed);
    add(&t->dropped[RF_TALLY_DROP_REPLAY], &l->replay, n->in_replayed);
    add(&t->dropped[RF_TALLY_DROP_CLEAR], &l->clear_refused, n->in_clear_refused);
    add(&t->dropped[RF_TALLY_DROP_FOREIGN], &l->foreign, n->in_foreign);
    add(&t->dropped[RF_TALLY_DROP_MALFORMED], &l->malformed, n->in_malformed);
    add(&t->lost[RF_TALLY_IN], &l->lost, n->in_lost);
    add(&t->lost[RF_TALLY_OUT], &l->far_lost, n->far_lost);
}

static void
no_stream(struct leg *leg)
{
    if (leg->tally.stream != NULL)
        rf_uncount(leg->tally.stream);
    leg->tally.stream = NULL;
}

static void
count_stream(const struct call *c, struct leg *leg)
{
    const struct leg_media *m = c->state == CALL_UP && !c->is_bypass ? leg->media : NULL;
    rf_cell *cell = m != NULL && m->tx.suite < RF_TALLY_SUITES ? &rf_tally_mine()->streams[m->tx.suite] : NULL;

    if (cell == leg->tally.stream)
        return;
    no_stream(leg);
    if (cell != NULL)
        rf_count(cell, 1);
    leg->tally.stream = cell;
}

void
tally_sample(struct call *c)
{
    struct leg *legs[2] = { c->a, c->b };
    struct media_numbers n;

    if (c->state == CALL_ENDING)
        return;
    tally_verdict(c);
    for (int i = 0; i < 2; i++) {
        if (legs[i] == NULL)
            continue;
        if (call_media_numbers(c, legs[i], &n))
            add_packets(legs[i], &n);
        if (!legs[i]->has_end)
            count_stream(c, legs[i]);
    }
}

void
tally_leg_over(struct call *c, struct leg *leg)
{
    const struct leg_media *m = leg->media;

    add_packets(leg, &leg->end);
    no_stream(leg);
    if (!c->answered || c->is_bypass || m == NULL)
        return;
    if (leg->end.in_packets == 0 && (m->theirs == RF_SENDRECV || m->theirs == RF_SENDONLY))
        rf_count(&rf_tally_mine()->zero_packet, 1);
    if (leg->end.in_packets > 0)
        rf_tally_time(&rf_tally_mine()->jitter[RF_TALLY_IN], rf_metric_bounds_jitter, leg->end.in_jitter_us);
    if (leg->end.far_reports > 0)
        rf_tally_time(&rf_tally_mine()->jitter[RF_TALLY_OUT], rf_metric_bounds_jitter, leg->end.far_jitter_us);
}

void
tally_leg_anew(struct leg *leg, const struct media_numbers *base)
{
    struct leg_tally *l = &leg->tally;

    /* What peers report is not made less by the base (media.c). */
    *l = (struct leg_tally){ .row = l->row, .stream = l->stream, .suite = l->suite, .far_lost = base->far_lost };
}

void
tally_leg_free(struct leg *leg)
{
    no_stream(leg);
}

/* --- calls --- */

static enum rf_tally_outcome
outcome_of(const struct call *c)
{
    if (c->answered)
        return RF_TALLY_ANSWERED;
    switch (c->status) {
    case 487:
        return RF_TALLY_CANCELLED;
    case 486:
    case 600:
        return RF_TALLY_BUSY;
    case 408:
    case 480:
        return RF_TALLY_NO_ANSWER;
    default:
        return c->status / 100 == 5 ? RF_TALLY_FAILED : RF_TALLY_REFUSED;
    }
}

/* Who was called: the leg that answered, or of a call that nobody answered the first that rang. */
static const struct leg *
called_leg(const struct call *c)
{
    if (c->b != NULL)
        return c->b;
    return !rf_list_empty(&c->attempts) ? rf_container(c->attempts.next, const struct leg, link) : NULL;
}

void
tally_ended(const struct call *c)
{
    const struct leg *b = called_leg(c);
    bool came_in = c->a->connection[0] != '\0', goes_out = b != NULL && b->connection[0] != '\0';
    enum rf_tally_direction d = came_in && goes_out ? RF_TALLY_TRANSIT
                                : came_in           ? RF_TALLY_INBOUND
                                : goes_out          ? RF_TALLY_OUTBOUND
                                                    : RF_TALLY_INTERNAL;
    const char *name = came_in ? c->a->connection : goes_out ? b->connection : "";
    struct rf_tally *t = rf_tally_mine();

    rf_count(&rf_tally_connection(name)->calls[d][outcome_of(c)][c->verdict_seen ? c->verdict_min : VERDICT_UNPROVEN],
             1);
    if (!c->answered)
        return;
    if (!c->restored && c->origin == NULL) /* else nobody has waited from its beginning */
        rf_tally_time(&t->call_setup[d], rf_metric_bounds_setup, c->answered_us - c->began_us);
    if (c->ended_us > c->answered_us)
        rf_tally_time(&t->call_length[d], rf_metric_bounds_length, c->ended_us - c->answered_us);
}

void
tally_one_way(void)
{
    rf_count(&rf_tally_mine()->one_way, 1);
}
