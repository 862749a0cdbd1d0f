/*
 * main/web.h - signal's thread that answers browsers and programs over HTTP (interface https)
 *
 * A thread of its own: whoever floods it with handshakes takes nothing from calls. What it answers is the table of
 * routes in web.c; connections are flow/web.h.
 */
#ifndef RF_MAIN_WEB_H
#define RF_MAIN_WEB_H

#include "main/worker.h"

struct rf_web;

/** @param site  in force; a reference is taken */
RF_MUST_CHECK enum rf_err rf_web_new(struct rf_web **out, struct rf_signal *shared, struct rf_site *site);
RF_MUST_CHECK enum rf_err rf_web_start(struct rf_web *w);
void rf_web_stop(struct rf_web *w);
void rf_web_free(struct rf_web *w); /* NULL is fine */

/** Where its letters go: RF_LETTER_SITE, RF_LETTER_LISTEN, RF_LETTER_UNLISTEN. */
struct rf_mailbox *rf_web_letters(struct rf_web *w);

#endif
