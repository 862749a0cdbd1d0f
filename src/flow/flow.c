#include "flow/flow.h"

#include <stdlib.h>

#include "base/hash.h"

const char *
rf_transport_name(enum rf_transport t)
{
    static const char *const names[RF_TRANSPORT_COUNT] = {
        [RF_UDP] = "UDP", [RF_TCP] = "TCP", [RF_TLS] = "TLS", [RF_WS] = "WS", [RF_WSS] = "WSS",
    };

    rf_assert(t < RF_TRANSPORT_COUNT);
    return names[t];
}

uint64_t
rf_flow_proof(struct rf_span connection, struct rf_span host)
{
    static const struct rf_hash_key fixed; /* who chooses both is the operator */
    char lower[256];
    size_t n = host.n < sizeof lower ? host.n : sizeof lower;
    uint64_t both[2], proof;

    for (size_t i = 0; i < n; i++)
        lower[i] = host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] | 0x20) : host.p[i];
    both[0] = rf_siphash(&fixed, connection.p, connection.n);
    both[1] = rf_siphash(&fixed, lower, n);
    proof = rf_siphash(&fixed, both, sizeof both);
    return proof != 0 ? proof : 1;
}

void
rf_flow_init(struct rf_flow *f, const struct rf_flow_ops *ops, enum rf_transport transport, uint64_t id)
{
    memset(f, 0, sizeof *f);
    f->ops = ops;
    f->refs = 1;
    f->transport = transport;
    f->id = id;
    f->worker = (uint16_t)(id >> 48);
    rf_list_init(&f->watches);
}

struct rf_flow *
rf_flow_ref(struct rf_flow *f)
{
    f->refs++;
    return f;
}

void
rf_flow_unref(struct rf_flow *f)
{
    if (f == NULL)
        return;
    rf_assert(f->refs > 0);
    if (--f->refs > 0)
        return;
    free(f->proven);
    f->ops->free(f);
}

void
rf_flow_watch(struct rf_flow *f, struct rf_flow_watch *w)
{
    rf_list_remove(&w->link);
    rf_list_append(&f->watches, &w->link);
}

void
rf_flow_unwatch(struct rf_flow_watch *w)
{
    rf_list_remove(&w->link);
}

void
rf_flow_gone(struct rf_flow *f, uint64_t now_us)
{
    if (f->is_closed)
        return;
    f->is_closed = true;
    /* A watcher may take itself or others out of the list, and may drop the last reference but ours. */
    rf_flow_ref(f);
    while (!rf_list_empty(&f->watches)) {
        struct rf_flow_watch *w = rf_container(f->watches.next, struct rf_flow_watch, link);

        rf_list_remove(&w->link);
        w->gone(w, now_us);
    }
    rf_flow_unref(f);
}
