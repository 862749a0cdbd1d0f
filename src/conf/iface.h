/*
 * conf/iface.h - the interfaces: places where others reach us, each with TLS settings of its own
 *
 * One setting for all would be wrong for somebody: old phones need TLS 1.0, trunks must not have it; browsers have no
 * certificates, trunks must show theirs. So every listener belongs to one interface, and this is the one table of them.
 * What an interface is set to is read here from a snapshot; files are read and contexts made elsewhere (main/ifaces.h).
 */
#ifndef RF_CONF_IFACE_H
#define RF_CONF_IFACE_H

#include "conf/conf.h"
#include "conf/options.h"

enum rf_iface {
    RF_IFACE_SIP_PHONES,
    RF_IFACE_SIP_TRUNKS,
    RF_IFACE_SIP_SHARED, /* an address that stands in both blocks (AVA-22) */
    RF_IFACE_HTTPS,
    RF_IFACE_PROVISIONING,
    RF_IFACE_MANAGEMENT,
    RF_IFACE_NODE_LINK,
    RF_IFACE_METRICS,
    RF_IFACE_COUNT
};

struct rf_iface_row {
    const char *name;     /* "sip-phones": in flows, log lines and commands */
    const char *block;    /* "sip": in the configuration; that of phones for a shared address */
    bool is_sip;
    bool needs_tls_12;    /* whatever its level says (TEL-14) */
};

/** Its row; i is one of them. */
const struct rf_iface_row *rf_iface_row(enum rf_iface i);
/** By name or block; RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_iface_find(struct rf_span name, enum rf_iface *out);

enum rf_iface_ask { RF_ASK_NO_CERTIFICATE, RF_ASK_OPTIONAL, RF_ASK_REQUIRED };

/* Texts live as long as the snapshot; lists have spaces between their words. */
struct rf_iface_settings {
    const char *level;            /* "intermediate", "old@5.7" */
    const char *certificates;     /* names of certificate blocks, "local" */
    const char *checks;           /* "medium-remote" */
    const char *trusted;          /* paths */
    const char *revocation_lists; /* paths */
    enum rf_iface_ask ask;
    unsigned verify_depth;
    bool system_authorities, medium_is_legacy;
    unsigned ocsp;                /* place in off, soft, hard: enum rf_check_ocsp, which is above conf */
};
void rf_iface_settings(const struct rf_conf *c, enum rf_iface i, struct rf_iface_settings *out);

/** Where a setting of an interface was said ("cipher-suite-level"); for sentences about it. */
struct rf_conf_origin rf_iface_origin(const struct rf_conf *c, enum rf_iface i, const char *setting);

#define RF_LISTENERS_MAX 32 /* addresses; times workers is the number of sockets */

struct rf_iface_listen {
    enum rf_iface iface;
    struct rf_listen at;
};

/**
 * All addresses to listen on. One that stands in `sip` and `sip-trunks` comes once, as RF_IFACE_SIP_SHARED.
 * @return RF_ERR_RANGE: more than max, or an address that stands in two other blocks; *problem says where
 */
RF_MUST_CHECK enum rf_err rf_iface_listens(const struct rf_conf *c, struct rf_iface_listen *out, size_t max, size_t *n,
                                           struct rf_conf_problem *problem);

/** The next word of a list of a checked setting; false: there is none. */
bool rf_conf_next_word(struct rf_span *left, struct rf_span *word);

#endif
