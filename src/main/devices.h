/*
 * main/devices.h - which TLS devices use: version, suite and group, and which levels would still take them
 *
 * So that a level can be raised knowing who would be left outside. Of each device and kind of TLS one row for 30 days;
 * a row is written once a day at most, whoever registers how often.
 *
 * Threads: a worker's own; the rows are the store's. Memory: RF_DEVICES_RECENT * 16 octets a worker.
 */
#ifndef RF_MAIN_DEVICES_H
#define RF_MAIN_DEVICES_H

#include <jansson.h>

#include "base/rand.h"
#include "flow/flow.h"
#include "store/store.h"
#include "tls/level.h"

#define RF_DEVICES_RECENT 8192           /* rows that a worker knows to be written; others cost one write more a day */
#define RF_DEVICES_KEEP_S (30 * 86400ll)

struct rf_devices;

/** The store must stay as long. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_devices_new(struct rf_devices **out, struct rf_store *store, const struct rf_rand *rand);
void rf_devices_free(struct rf_devices *d); /* NULL is fine */

/**
 * Note what this device's connection uses; nothing for one without TLS, or noted today: of several users of one
 * connection the first stands for all. @param device  "201", "192.0.2.7"
 */
void rf_devices_note(struct rf_devices *d, struct rf_span device, struct rf_flow *flow, int64_t now_s);

/**
 * Rows of the store as objects: device, interface, version, suite, group, levels that would take it, last (seconds).
 * @param interface  only these; NULL: all
 */
RF_MUST_CHECK enum rf_err rf_devices_list(struct rf_store *store, const char *interface, int64_t now_s, json_t **out);

#endif
