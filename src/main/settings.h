/*
 * main/settings.h - what the processes themselves need to know of the configuration, as plain data
 *
 * The parent reads it at start (what needs a restart) and for certificates; the rest of the configuration is
 * signal's business (main/site.h).
 */
#ifndef RF_MAIN_SETTINGS_H
#define RF_MAIN_SETTINGS_H

#include "base/log.h"
#include "conf/conf.h"
#include "conf/iface.h"

struct rf_run_settings {
    unsigned workers, threads;
    enum rf_log_level log_level;
    size_t listen_count;
    struct rf_iface_listen listen[RF_LISTENERS_MAX];
    uint16_t port_low, port_high;  /* media.ports */
    uint32_t calls_max;
    uint16_t replay_window;
    char backend[16];
    char domain[256];
};

/** RF_ERR_RANGE with *problem set: valid one by one, not together. */
RF_MUST_CHECK enum rf_err rf_run_settings_take(struct rf_run_settings *out, const struct rf_conf *c,
                                               struct rf_conf_problem *problem);

/** "file:line:column: sentence", or "store:line: sentence". */
void rf_conf_problem_text(const struct rf_conf_problem *p, char *out, size_t size);
/** What to do about a configuration that was refused for this; "" when its sentence says it all. A constant string. */
const char *rf_config_fix(enum rf_refusal code);
/** Log that it was not applied: by its own code, or RF-810. @param detail  the problem's text */
void rf_config_refuse(const struct rf_conf_problem *p, const char *detail);

#endif
