/*
 * main/keeper.h - looks after SIP connections: registers where we are customers, asks whether servers are there, and looks
 * up the names from which calls may come
 *
 * Each connection has one keeper, the worker number (index of the connection) modulo workers; what it learns goes to the board
 * (route/board.h), which every worker reads.
 *
 *   REGISTER   when the site is new, then at half of what was granted; after a failure in 4, 8, 16 ... 256 s, after a refusal
 *              of our password in 300 s, so that an account is not locked by us; at once when its connection is lost, once
 *   OPTIONS    every oos-check; any final answer but 408 and 503 means that the server is there
 *   names      every 10 s, from the cache of net/dns.h until the records' time to live is over; what a DNS server that does not
 *              answer would have said is what it said last
 *
 * Threads: one of these a worker.
 */
#ifndef RF_MAIN_KEEPER_H
#define RF_MAIN_KEEPER_H

#include "main/site.h"

struct rf_keeper;
struct rf_worker;

/** After the worker's loop, transport, transactions and paths. */
RF_MUST_CHECK enum rf_err rf_keeper_new(struct rf_keeper **out, struct rf_worker *w);
/** The worker has another site: connections that are new begin, those that are gone end, others go on. */
void rf_keeper_take_site(struct rf_keeper *k);
/** Before the worker's paths and transactions. NULL is fine. */
void rf_keeper_free(struct rf_keeper *k);

#endif
