/*
 * main/path.h - the ways to a binding, for the calls of one worker: main/pathrule.h put into practice
 *
 * A path hands out one way after the other (RFC 3263 4.3): targets of a name, a connection and what is left when it is
 * gone, TCP and then UDP for a large request. A target whose connection cannot be opened is passed over; a UDP target
 * counts as reached. What fails is set aside for a while (route/peers.h). Connections that we opened are used again
 * (rf_transport_connect).
 *
 * Threads: one of these a worker. Memory: 1 kB a path, 13 kB while its names are looked up.
 */
#ifndef RF_MAIN_PATH_H
#define RF_MAIN_PATH_H

#include "call/call.h"
#include "flow/remote.h"
#include "main/letters.h"
#include "main/pathrule.h"
#include "net/dns.h"

struct rf_path;
struct rf_paths;
struct rf_worker;

/** DNS servers by setting sip.dns-servers. After the worker's loop and transport were made. */
RF_MUST_CHECK enum rf_err rf_paths_new(struct rf_paths **out, struct rf_worker *w);
/** The site has other listeners now: they decide which addresses can be reached. */
void rf_paths_see_listeners(struct rf_paths *p);
/** After all its paths. NULL is fine. */
void rf_paths_free(struct rf_paths *p);

typedef void rf_path_ready(void *owner, struct rf_flow *flow, enum rf_err why);

/**
 * A path to this binding, which must stay as long as the path. Nothing is asked yet.
 * @param server  whose it is, by pathrule.h's second table; NULL: a phone's
 * @param ready  as path_new of call/call.h
 * @return NULL: no memory
 */
struct rf_path *rf_path_new(struct rf_paths *p, const struct rf_binding *b, const struct rf_call_server *server,
                            rf_path_ready *ready, void *owner);
/** Ends it; what it has asked for is not heard of any more. NULL is fine, so is within `ready`. */
void rf_path_free(struct rf_path *s);

/** The next way: `ready` is called once, perhaps before this returns. is_large: see path_next of call/call.h. */
void rf_path_next(struct rf_path *s, bool is_large);

/** The way given last failed. retry_after_s: as it asked; 0: it did not. */
void rf_path_aside(struct rf_path *s, uint32_t retry_after_s, uint64_t now_us);

/** Octets that a request to this peer may have by UDP; asked for one of so many (RFC 3261 18.1.1). */
size_t rf_path_udp_max(const struct rf_addr *peer, size_t octets);

/** Look up where a server of the configuration may be, by its URI: all of it, for who calls from there. */
struct rf_search;
RF_MUST_CHECK enum rf_err rf_paths_search(struct rf_paths *p, struct rf_search *s, const struct rf_sip_uri *uri);

/** A connection is open (`opened` of flow/transport.h). */
void rf_paths_opened(struct rf_paths *p, struct rf_flow *flow, uint64_t now_us);

/** Another worker asks for a flow of ours; and what it answered to our question. */
void rf_paths_want(struct rf_paths *p, const struct rf_letter_card *letter);
/** What another worker says of a flow that was asked for. */
void rf_paths_card(struct rf_paths *p, const struct rf_letter_card *letter, uint64_t now_us);

#endif
