/*
 * probe/cause.h - inside probe: what RF-108 leaves open, tried cause by cause
 *
 * "It ended the handshake without saying why" has several causes. Our client's hello at a level is sent with one
 * thing of it widened at a time: all suites, all groups, all signature algorithms, no server name. What makes the
 * peer answer is the cause. When no single one does, each is narrowed alone out of a hello with all widened.
 * Versions, Diffie-Hellman and the client certificate are known from the other topics.
 */
#ifndef RF_PROBE_CAUSE_H
#define RF_PROBE_CAUSE_H

#include "probe/scan.h"

/* false: no further question; facts.causes is filled. */
bool rf_probe_cause_ask(struct rf_probe_scan *s, struct rf_probe_hello *hello, struct rf_probe_lists *lists);
bool rf_probe_cause_take(struct rf_probe_scan *s, const struct rf_probe_answer *a);

#endif
