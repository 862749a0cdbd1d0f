/*
 * probe/run.h - the plan carried out: names resolved, connections made a few at a time, all of it in bounded time
 *
 * It connects to one address of the host that was given and to nothing else: no name of a certificate is looked up,
 * nothing is fetched. Connections: rf_probe_connections_max at most, `parallel` of them at one time.
 *
 * Threads: rf_probe_run makes `parallel` threads and has ended them when it returns; one that waits for the resolver
 * may outlive it. Memory: 200 kB a thread and OpenSSL's.
 */
#ifndef RF_PROBE_RUN_H
#define RF_PROBE_RUN_H

#include "probe/talk.h"

#define RF_PROBE_PARALLEL_MAX 8

struct rf_probe_conf {
    const char *host; /* name or address */
    uint16_t port;
    const char *server_name; /* SNI; NULL: the host when it is a name */
    bool is_sip;
    enum rf_probe_transport transport;
    enum rf_tls_level level; /* the one whose failure is explained */
    struct rf_cert *cert;    /* shown to a server that asks; NULL: none */
    unsigned parallel;       /* 1 to RF_PROBE_PARALLEL_MAX; servers that limit connections want few */
    uint64_t timeout_us;     /* for everything */
    uint64_t connection_us;  /* for one connection */
};

struct rf_probe_result {
    struct rf_probe_target target;
    struct rf_probe_facts facts;
    bool is_reached; /* something at that address took the connection and spoke the protocol */
    bool is_resolved;
    char error[160]; /* why it was not reached */
    uint64_t took_us;
};

/** @return RF_OK when the probe was made, reached or not; RF_ERR_NOMEM. Free with rf_probe_result_free. */
RF_MUST_CHECK enum rf_err rf_probe_run(const struct rf_probe_conf *conf, struct rf_probe_result **out);
void rf_probe_result_free(struct rf_probe_result *r); /* NULL is fine */

#endif
