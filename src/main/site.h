/*
 * main/site.h - a snapshot of all that is set: configuration, users, certificate
 *
 * Made by signal's first thread at start and at each reload, read-only from then on, counted. Each worker holds
 * one and gets the next by letter; what it decided with the old one stands.
 */
#ifndef RF_MAIN_SITE_H
#define RF_MAIN_SITE_H

#include "call/call.h"
#include "conf/conf.h"
#include "event/event.h"
#include "main/automatic.h"
#include "main/ifaces.h"
#include "main/keyfiles.h"
#include "main/launch.h"
#include "main/settings.h"
#include "net/dns.h"
#include "registrar/directory.h"

#define RF_SITE_R11_MARK "system-r11-checks" /* in the store: medium-without-r11-checks has ended (AVA-10) */

/* A socket address at which we are reached. */
struct rf_site_listener {
    uint32_t id;
    enum rf_transport transport;
    enum rf_iface iface;
    char name[24];       /* the interface's */
    struct rf_addr addr; /* as bound */
};

struct rf_site {
    _Atomic uint32_t refs;
    struct rf_conf *conf;
    struct rf_directory *users;
    struct rf_ifaces *ifaces;          /* TLS of each interface */
    struct rf_automatic *automatic;    /* certificates that renew themselves */
    struct rf_span root, revoked;      /* our own authority's certificate and revocation list in DER; may be empty */
    struct rf_call_settings call;
    struct rf_event_settings event;
    struct rf_connections *connections;
    struct rf_call_routing routing;
    bool ignores_strangers;            /* on addresses of sip-trunks alone: strangers.c */
    struct rf_srtp_policy srtp;        /* what all users have in common; mode by user */
    struct rf_addr public_address[2];  /* IPv4, IPv6; not set: the socket's own */
    size_t listener_count;             /* set by whoever knows them, before the site is given to anybody */
    struct rf_site_listener listener[RF_LISTENERS_MAX];
};

struct rf_site_sources {
    struct rf_store *store;
    const char *layer;                 /* instead of the store's layer, to check it before it is written; or NULL */
    const char *config;                /* path or NULL */
    const struct rf_key_files *files;  /* what the parent read for us; certificates under RF_KEY_FILES_CERTS */
    const struct rf_site *running;     /* in force; NULL at the start */
    int64_t trust_version;             /* of the trusted certificates in the store; 0: as of now */
    struct rf_ocsp_cache *ocsp;        /* outlives the site; NULL: nobody is asked about certificates */
    bool secrets_may_miss;             /* a check: a secret is written together with the layer */
};

/**
 * Load everything or nothing.
 * @param problem  why not, with file, line and column when it is a line's fault
 */
RF_MUST_CHECK enum rf_err rf_site_load(struct rf_site **out, const struct rf_site_sources *from,
                                       struct rf_conf_problem *problem);
struct rf_site *rf_site_ref(struct rf_site *s);
void rf_site_unref(struct rf_site *s); /* any thread; NULL is fine */

/** false: no such user, or it has no password and cannot sign in. */
bool rf_site_user(const struct rf_site *s, struct rf_span name, struct rf_call_user *out);

/** Who may register here: a user, or a connection of type credential whose provider we are, by its username. */
bool rf_site_registrant(const struct rf_site *s, struct rf_span name, struct rf_call_user *out);

/** What SIP and SDP name to this flow's peer. */
void rf_site_our_address(const struct rf_site *s, const struct rf_flow *flow, struct rf_addr *sip,
                         struct rf_addr *media);

/** Does nobody who is not a connection's peer get an answer on addresses of sip-trunks alone? */
bool rf_site_ignores_strangers(const struct rf_conf *conf, const struct rf_connections *connections);

/** A listener of the parent's into the site. */
void rf_site_add_listener(struct rf_site *s, const struct rf_launch_fd *f);

/** Whom to ask, by setting sip.dns-servers. @return how many; 0: those of the system */
size_t rf_site_dns_servers(const struct rf_conf *c, struct rf_addr server[static RF_DNS_SERVERS_MAX]);

/** The store's layer as a C string, freed by the caller; NULL: memory or the store. */
char *rf_site_store_layer(struct rf_store *store);

#endif
