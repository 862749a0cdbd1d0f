/*
 * relay/learn.c - the rules of learn.h
 */
#include "relay/learn.h"

static enum rf_learn_strength
strength(const struct rf_learn_facts *f)
{
    bool has_peer = rf_addr_is_set(f->peer) && !rf_addr_is_any(f->peer);

    if (has_peer && rf_addr_eq(f->from, f->peer))
        return RF_LEARN_EXACT;
    if (has_peer && rf_addr_same_host(f->from, f->peer))
        return RF_LEARN_HOST;
    if (has_peer && !rf_addr_is_private(f->peer))
        return RF_LEARN_NONE;
    if (rf_addr_is_set(f->signalled_from) && rf_addr_same_host(f->from, f->signalled_from))
        return RF_LEARN_HOST;
    return RF_LEARN_ANYONE;
}

enum rf_learn_verdict
rf_learn(const struct rf_learn_facts *f, enum rf_learn_strength *how)
{
    const struct rf_addr *now = rf_addr_is_set(f->learnt) ? f->learnt : f->peer;
    bool is_same = rf_addr_is_set(now) && rf_addr_eq(f->from, now);

    *how = RF_LEARN_NONE;
    if (!f->symmetric)
        return rf_addr_is_set(f->peer) && rf_addr_eq(f->from, f->peer) ? RF_LEARN_ACCEPT : RF_LEARN_REFUSE;
    if (f->is_authentic)
        return is_same || !f->is_newest ? RF_LEARN_ACCEPT : RF_LEARN_FOLLOW;

    if (rf_addr_is_set(f->learnt) && is_same)
        return RF_LEARN_ACCEPT;
    *how = strength(f);
    if (*how == RF_LEARN_NONE)
        return RF_LEARN_REFUSE;
    if (!rf_addr_is_set(f->learnt))
        return RF_LEARN_FOLLOW;
    if (*how <= f->learnt_how || f->since_us >= RF_LEARN_WINDOW_US || f->packets >= RF_LEARN_WINDOW_PACKETS)
        return RF_LEARN_REFUSE;
    return RF_LEARN_FOLLOW;
}
