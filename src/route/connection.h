/*
 * route/connection.h - SIP connections as they are set, and whose a request is
 *
 * A connection is a configured peer: a carrier, or a customer's system. Which setting rules a call depends on its
 * direction: `inbound` is a call to a number of the connection's owner. With side platform the owner is at the other
 * end, so inbound is what we send; with side customer we are the owner, so inbound is what we receive (TEL-37).
 *
 * Whose is a request? The rules, first match first; each proves more than the next:
 *   (C0) From is one of our own users: he signs in, also where a connection has the same address
 *   (C1) digest credentials of the connection's username (registrar/auth.h; before all others)
 *   (C2) it came by the connection by which we registered at its server (RFC 5626)
 *   (C3) the peer's certificate was verified and speaks for the connection's host
 *   (C4) type ip: the source lies in `allow`; of several the longest prefix. Equal ones are refused in the configuration.
 *   (C5) type fqdn, and credential with side customer: the source is one of the addresses that server leads to now
 * If (C3) or (C5) leads to several connections, it is the one that the dialled number belongs to; if that is not one,
 * nobody's: connections with one host share a certificate, and a peer may call from any port and with any SNI. A
 * name of type fqdn that leads nowhere now lets nobody in. Ports do not count: a peer calls from where it likes.
 *
 * Threads: made once from a snapshot of the configuration, read-only from then on.
 */
#ifndef RF_ROUTE_CONNECTION_H
#define RF_ROUTE_CONNECTION_H

#include "conf/conf.h"
#include "conf/options.h"
#include "flow/flow.h"
#include "policy/srtp_policy.h"
#include "route/number.h"
#include "sip/digest.h"

enum rf_connection_type { RF_CONNECTION_CREDENTIAL, RF_CONNECTION_IP, RF_CONNECTION_FQDN };

#define RF_CONNECTION_NAME_MAX 64

/* What holds for calls in one direction on the wire. */
struct rf_connection_way {
    struct rf_srtp_policy srtp;
    char srtp_setting[112];          /* "sip-connection.acme.outbound.srtp": which setting decides, for sentences */
    bool has_transport;              /* false: auto */
    enum rf_transport transport;
};

struct rf_connection_network {
    struct rf_addr addr;
    unsigned bits;
};

struct rf_connection {
    const char *name;                /* of the snapshot, like all texts here */
    const struct rf_conf_block *block;
    size_t index;
    enum rf_connection_type type;
    bool is_customer;                /* side customer: we are theirs */
    bool registers, requires_tls, trusts_identity, is_bypass, takes_messages, sets_mailboxes;
    bool tells_diversion, tells_history; /* who forwarded a call to it */
    char uri[300];                   /* of server, without a user: "sip:sip.carrier.example;transport=tls"; "" none */
    char host[256];                  /* of server, without brackets: whom its certificate must name */
    uint64_t proof;                  /* rf_flow_proof of name and host; 0: type is another, or there is no host */
    const char *username, *caller_id, *caller_name, *country;
    const char *codecs;              /* sdp/codecs.h */
    bool can_sign_in;                /* side platform, credential: its password is there */
    struct rf_digest_verifier verifier;
    struct rf_connection_way out, in; /* what we send, what we receive */
    enum rf_number_format format;
    size_t network_count;
    struct rf_connection_network network[RF_CONF_ALLOW_MAX];
    uint32_t calls_max, calls_per_s, register_expires_s, check_s, force_s;
};

struct rf_connections;

/**
 * @param common  of the policy: answer profile and the like when nothing else is said; hosted, strict_transport
 * @return RF_ERR_NOMEM; RF_ERR_RANGE more than RF_CONF_CONNECTIONS_MAX
 */
RF_MUST_CHECK enum rf_err rf_connections_new(struct rf_connections **out, const struct rf_conf *conf,
                                             const struct rf_srtp_policy *common);
void rf_connections_free(struct rf_connections *t); /* NULL is fine */

size_t rf_connections_count(const struct rf_connections *t);
const struct rf_connection *rf_connection_at(const struct rf_connections *t, size_t i);
/** NULL: there is none. */
const struct rf_connection *rf_connection_named(const struct rf_connections *t, struct rf_span name);
/** Of side platform and type credential, by the name with which it signs in. NULL: there is none. */
const struct rf_connection *rf_connection_of_username(const struct rf_connections *t, struct rf_span username);

/* What is known of a request's sender. */
struct rf_connection_evidence {
    const struct rf_addr *source;
    const char *registered;          /* (C2): name of the connection, or NULL */
    const uint64_t *proven;          /* (C3): as in struct rf_flow, or NULL */
    struct rf_span number;           /* dialled, for (C3) and (C5) */
    const struct rf_conf *conf;      /* whose numbers are they? */
    /** (C5): does server of this connection lead to this address now? */
    bool (*leads_to)(void *ctx, const struct rf_connection *c, const struct rf_addr *source);
    void *ctx;
};

struct rf_connection_finding {
    const struct rf_connection *connection; /* NULL: nobody's */
    const char *by;                  /* "registration", "certificate", "address", "name"; a constant string */
    size_t candidates;               /* (C3), (C5): more than one, and nobody's: it is ambiguous */
};

/** Rules (C2) to (C5). */
void rf_connection_find(const struct rf_connections *t, const struct rf_connection_evidence *e,
                        struct rf_connection_finding *out);

/** Does number NUMBER of the configuration belong to this connection? NULL number block: no. */
bool rf_number_belongs(const struct rf_conf *conf, struct rf_span number, const struct rf_connection *c);

#endif
