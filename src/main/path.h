/*
 * main/path.h - finds a flow to a binding, for the calls of one worker: main/pathrule.h put into practice
 *
 * Several targets of a name are tried one after the other until a connection is open; a UDP target counts as
 * reached. Connections that we opened are used again (rf_transport_connect).
 *
 * Threads: one of these a worker. Memory: nothing for a flow that is there; 3 kB while another worker or a peer is
 * waited for, 15 kB while names are looked up.
 */
#ifndef RF_MAIN_PATH_H
#define RF_MAIN_PATH_H

#include "flow/remote.h"
#include "main/letters.h"
#include "main/pathrule.h"
#include "net/dns.h"

struct rf_paths;
struct rf_worker;

/** DNS servers by setting sip.dns-servers. After the worker's loop and transport were made. */
RF_MUST_CHECK enum rf_err rf_paths_new(struct rf_paths **out, struct rf_worker *w);
/** The site has other listeners now: they decide which addresses can be reached. */
void rf_paths_see_listeners(struct rf_paths *p);
/** Searches that are under way are dropped without a word: those who asked are gone. NULL is fine. */
void rf_paths_free(struct rf_paths *p);

/** As flow_to of call/call.h: `ready` is called once, perhaps before this returns. */
void rf_paths_find(struct rf_paths *p, const struct rf_binding *b,
                   void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why), void *owner);

/** A connection is open (`opened` of flow/transport.h). */
void rf_paths_opened(struct rf_paths *p, struct rf_flow *flow);

/** Another worker asks for a flow of ours; and what it answered to our question. */
void rf_paths_want(struct rf_paths *p, const struct rf_letter_card *letter);
void rf_paths_card(struct rf_paths *p, const struct rf_letter_card *letter, uint64_t now_us);

#endif
