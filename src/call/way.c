/*
 * call/way.c - a request in a dialog whose target failed: the next one (RFC 3263 4.3)
 *
 * The targets are those of the dialog's next hop, its first Route or its remote target (RFC 3261 12.2.1.1); for a phone
 * that registered, those of its binding. A leg has one flow for all its requests, so the way that is found serves what
 * comes after, too. What failed is passed over until a request is answered.
 *
 *   BYE, re-INVITE   timeout, 503, connection lost   the next way
 *   INFO             503, connection lost            the next way
 *   INFO             timeout                         it has failed: its sender has given up as well (timer F), and a
 *                                                    digit that is 32 s late is worse than none
 *
 * The request gets a new CSeq: others may have used later numbers meanwhile, and then the old one is out of order.
 */
#include "call/layer.h"

const struct leg_failed_way *
leg_failed_on(const struct leg *leg, const struct rf_flow *flow)
{
    for (size_t i = 0; i < leg->failed_ways; i++)
        if (leg->failed_way[i].transport == flow->transport && rf_addr_eq(&leg->failed_way[i].addr, &flow->remote))
            return &leg->failed_way[i];
    return NULL;
}

bool
leg_has_way(const struct leg *leg)
{
    return leg->flow != NULL && !leg->flow->is_closed && leg_failed_on(leg, leg->flow) == NULL;
}

void
leg_way_works(struct leg *leg)
{
    leg->failed_ways = 0;
}

void
leg_way_known(struct leg *leg, enum rf_err why, uint64_t now_us)
{
    struct call *c = leg->call;

    c->paths_wanted++; /* an answer to an INFO must not end the call under us (I5) */
    infos_path(c, leg, now_us);
    if (leg->bye_wanted)
        leg_bye_path(leg, why, now_us);
    else if (c->state == CALL_UP)
        exchange_path(c, leg, now_us);
    c->paths_wanted--;
    if (!leg->path_wanted && !leg_has_way(leg))
        leg_way_works(leg); /* none is left: whatever comes next begins anew */
    call_settle(c);
}

void
leg_next_way(struct leg *leg, const struct rf_flow *failed, uint32_t retry_after_s, uint64_t now_us)
{
    if (leg_failed_on(leg, failed) == NULL && leg->failed_ways < FAILED_WAYS_MAX)
        leg->failed_way[leg->failed_ways++] =
            (struct leg_failed_way){ failed->transport, failed->remote, retry_after_s };
    if (leg->path_wanted) /* another request of this leg has asked */
        return;
    /* A request of theirs may have brought another way meanwhile. */
    if (leg_has_way(leg) || leg->failed_ways == FAILED_WAYS_MAX || !leg_ask_other_path(leg))
        leg_way_known(leg, RF_ERR_IO, now_us);
}
