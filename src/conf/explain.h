/*
 * conf/explain.h - the option table as text for people
 */
#ifndef RF_CONF_EXPLAIN_H
#define RF_CONF_EXPLAIN_H

#include "conf/options.h"

struct rf_conf;

/**
 * `config explain SETTING`: what it means, takes, and is by default.
 * @param name  dotted, with a label, `*`, or neither ("user.srtp"), or the last word alone when only one has it
 * @param c     the running configuration, whose value and origin are shown too; NULL: none
 * @return RF_ERR_NOT_FOUND: `out` then has "unknown setting ...; did you mean ...?"
 */
RF_MUST_CHECK enum rf_err rf_conf_explain(struct rf_buf *out, struct rf_span name, const struct rf_conf *c);

/** `config default`: every setting with its default, as a configuration that loads (all lines are comments but
 *  the profile), in the order of the table. */
void rf_conf_put_defaults(struct rf_buf *out, bool secure);

/** docs/reference/settings.md. */
void rf_conf_put_reference(struct rf_buf *out);

#endif
