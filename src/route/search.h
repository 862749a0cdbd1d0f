/*
 * route/search.h - route/resolve.h driven by a worker's DNS
 *
 *     err = rf_search_begin(&s, dns, &uri, &conf);     then, and at each failure of a target:
 *     err = rf_search_next(&s, &target, now_us);       RF_ERR_AGAIN: s.ready is called when it may be asked again
 *
 * Threads: one worker. Memory: lies inside its owner (12 kB), who ends it with rf_search_end.
 */
#ifndef RF_ROUTE_SEARCH_H
#define RF_ROUTE_SEARCH_H

#include "net/dns.h"
#include "route/resolve.h"

struct rf_search {
    struct rf_resolve resolve;
    struct rf_dns *dns;
    struct rf_dns_query query;
    void (*ready)(struct rf_search *s, uint64_t now_us); /* from the loop; set by the owner after begin */
    void *owner;                                         /* the owner's, for `ready` */
};

/** As rf_resolve_begin. */
RF_MUST_CHECK enum rf_err rf_search_begin(struct rf_search *s, struct rf_dns *dns, const struct rf_sip_uri *uri,
                                          const struct rf_resolve_conf *conf);

/**
 * The next target. Not to be called again between RF_ERR_AGAIN and s->ready.
 * @return RF_OK; RF_ERR_AGAIN; RF_ERR_NOT_FOUND no more; RF_ERR_TIMEOUT no more, and some DNS server failed;
 *         RF_ERR_NOMEM too many questions are under way: answer 503
 */
RF_MUST_CHECK enum rf_err rf_search_next(struct rf_search *s, struct rf_target *target, uint64_t now_us);

/** Fine at any time; a zeroed one too. */
void rf_search_end(struct rf_search *s);

#endif
