/*
 * event/watchers.h - who sees on lamps what a user does, and who may take the user's calls (user.*.watched-by)
 *
 * Threads: any; reads a snapshot of the configuration.
 */
#ifndef RF_EVENT_WATCHERS_H
#define RF_EVENT_WATCHERS_H

#include "conf/conf.h"

/** May `watcher`, another user, see it? */
bool rf_watchers_may_see(const struct rf_conf *c, const char *watcher, const char *user);

/**
 * May `who`, another user, take a call of `user` by Replaces (RFC 3891)? While it rings: whoever may see it, and members
 * of a ring-group of which the user is one. When it is answered: those members, and whom watched-by names; the word
 * `all` lets nobody into a call that others speak in.
 */
bool rf_watchers_may_take(const struct rf_conf *c, const char *who, const char *user, bool is_answered);

#endif
