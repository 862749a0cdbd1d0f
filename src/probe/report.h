/*
 * probe/report.h - the result for people (80 columns, words beside colours) and for programs
 */
#ifndef RF_PROBE_REPORT_H
#define RF_PROBE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "probe/judge.h"
#include "probe/run.h"

/* Everything there is to say, in one place for both forms. */
struct rf_probe_report {
    const struct rf_probe_result *result;
    struct rf_probe_chain_verdict *chain; /* one for each chain of the facts */
    bool has_min;
    enum rf_tls_level min;
    bool is_met;
    char below[160]; /* the first thing that is below it */
};

void rf_probe_report_text(const struct rf_probe_report *r, bool colour, FILE *out);
/** NULL: out of memory. */
json_t *rf_probe_report_json(const struct rf_probe_report *r);

#endif
