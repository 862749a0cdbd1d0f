/*
 * main/web.h - signal's thread that answers browsers and programs over HTTP (interface https)
 *
 * A thread of its own: whoever floods it with handshakes takes nothing from calls. What it answers is the table of
 * routes in web.c; connections are flow/http_server.h.
 */
#ifndef RF_MAIN_WEB_H
#define RF_MAIN_WEB_H

#include "main/sidethread.h"
#include "main/worker.h"

struct rf_web;

/** @param site  in force; a reference is taken */
RF_MUST_CHECK enum rf_err rf_web_new(struct rf_web **out, struct rf_signal *shared, struct rf_site *site);
void rf_web_free(struct rf_web *w); /* after its thread was stopped; NULL is fine */

/** Its thread, to start and stop; its letters: RF_LETTER_SITE, RF_LETTER_LISTEN, RF_LETTER_UNLISTEN. NULL of NULL. */
struct rf_side_thread *rf_web_thread(struct rf_web *w);

#endif
