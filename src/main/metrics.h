/*
 * main/metrics.h - the metrics as of now: what threads have counted (base/tally.h), and what is asked where it lives
 *
 * Asked by the web thread and by the desk at the same time, each with the site that it holds. No worker is asked
 * anything: a worker that is busy, or stands still, delays nobody who wants to see why.
 */
#ifndef RF_MAIN_METRICS_H
#define RF_MAIN_METRICS_H

#include "base/metric.h"
#include "main/worker.h"

#define RF_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/**
 * All of them, as text for Prometheus or as JSON.
 * @param out  of malloc, to be freed by the caller
 * @return RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_metrics_make(const struct rf_signal *s, const struct rf_site *site, bool is_json,
                                          struct rf_span *out);

#endif
