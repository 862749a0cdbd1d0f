/*
 * route/resolve.h - from a URI to servers: RFC 3263, with RFC 2782 weights and both families (RFC 7984)
 *
 * A step machine without network: it says which DNS question it has, is given the answer, and hands out one
 * target after the other. Hosts are looked up when their turn comes, so the usual case costs few questions, and
 * failover is "the next one, please". route/search.h drives it with the real DNS.
 *
 *     rf_resolve_begin(&r, &uri, &conf);
 *     while ((err = rf_resolve_next(&r, &target)) != RF_ERR_NOT_FOUND)
 *         if (err == RF_OK) try target; else rf_resolve_answer(&r, answer to r.question);
 *
 * Threads: plain data. Memory: about 12 kB, until the request has found its server.
 */
#ifndef RF_ROUTE_RESOLVE_H
#define RF_ROUTE_RESOLVE_H

#include "base/rand.h"
#include "flow/flow.h"
#include "net/dns_msg.h"
#include "sip/uri.h"

struct rf_target {
    enum rf_transport transport;
    struct rf_addr addr;
    char host[RF_DNS_NAME_MAX]; /* RF_TLS: for which the certificate must be: the URI's host (RFC 5922 4) */
};

struct rf_resolve_conf {
    bool udp, tcp, tls;       /* what we can send by; at least one */
    bool ipv4, ipv6;          /* at least one */
    bool ipv4_first;          /* of a host with both; otherwise IPv6 (RFC 6724) */
    bool avoid_udp;           /* a large request (RFC 3261 18.1.1): where the URI names no transport, targets of TCP
                                 and TLS come before those of UDP, which are what is left when they fail */
    bool sips_tls_name;       /* ask for _sips._tls before _sips._tcp (requirement GEN-5) */
    const struct rf_rand *rand; /* for the weights; outlives the machine */
};

#define RF_RESOLVE_SERVICES_MAX 8
#define RF_RESOLVE_HOSTS_MAX    32

struct rf_resolve {
    /* Read by the caller while rf_resolve_next says RF_ERR_AGAIN. */
    struct {
        enum rf_dns_type type;
        char name[RF_DNS_NAME_MAX];
    } question;
    bool had_failure; /* a server did not answer: RF_ERR_NOT_FOUND may be a passing trouble */

    /* The machine's own. */
    struct rf_resolve_conf conf;
    enum { RF_RESOLVE_NAPTR, RF_RESOLVE_SRV, RF_RESOLVE_HOST, RF_RESOLVE_END } step;
    bool is_sips, found_srv;
    bool udp_at_last;           /* of a host without SRV records: after `fallback` */
    enum rf_transport fallback; /* without SRV records */
    uint16_t port;              /* of the URI; 0: none */
    char host[RF_DNS_NAME_MAX];
    size_t service_count, service_next;
    struct rf_resolve_service {
        enum rf_transport transport;
        char name[RF_DNS_NAME_MAX]; /* "_sip._tcp.example.com" */
    } service[RF_RESOLVE_SERVICES_MAX];
    size_t host_count, host_next;
    uint8_t family_step;        /* of the host at host_next: 0 first family, 1 second */
    struct rf_resolve_host {
        enum rf_transport transport;
        uint16_t port;
        char name[RF_DNS_NAME_MAX];
    } host_list[RF_RESOLVE_HOSTS_MAX];
    size_t ready_count, ready_next;
    struct rf_addr ready[RF_DNS_RECORDS_MAX]; /* addresses of the last answer */
    enum rf_transport ready_transport[RF_DNS_RECORDS_MAX];
};

/**
 * @param uri  sip or sips; its host, port and its transport and maddr parameters count
 * @return RF_ERR_UNSUPPORTED another scheme, a transport that we do not have or that sips forbids;
 *         RF_ERR_SYNTAX a host that can be no name
 */
RF_MUST_CHECK enum rf_err rf_resolve_begin(struct rf_resolve *r, const struct rf_sip_uri *uri,
                                           const struct rf_resolve_conf *conf);

/** RF_OK: *target; RF_ERR_AGAIN: r->question waits for rf_resolve_answer; RF_ERR_NOT_FOUND: there are no more. */
RF_MUST_CHECK enum rf_err rf_resolve_next(struct rf_resolve *r, struct rf_target *target);

/** The answer to r->question. */
void rf_resolve_answer(struct rf_resolve *r, const struct rf_dns_answer *answer);

/** 5061 for TLS, 5060 otherwise. */
uint16_t rf_transport_port(enum rf_transport t);

#endif
