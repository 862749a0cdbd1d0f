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
#include "conf/options.h"
#include "main/keyfiles.h"

#define RF_LISTENERS_MAX 32 /* addresses; times workers is the number of sockets */

struct rf_run_settings {
    unsigned workers, threads;
    enum rf_log_level log_level;
    size_t listen_count;
    struct rf_listen listen[RF_LISTENERS_MAX];
    uint16_t port_low, port_high;  /* media.ports */
    uint32_t calls_max;
    uint16_t replay_window;
    char backend[16];
    char domain[256];
    char chain[1024], key[1024];   /* paths of sip.certificate; empty: local */
};

/** RF_ERR_RANGE with *problem set: valid one by one, not together. */
RF_MUST_CHECK enum rf_err rf_run_settings_take(struct rf_run_settings *out, const struct rf_conf *c,
                                               struct rf_conf_problem *problem);

/** "file:line:column: sentence", or "store:line: sentence". */
void rf_conf_problem_text(const struct rf_conf_problem *p, char *out, size_t size);
/** Log that it was not applied: by its own code, or RF-810. @param detail  the problem's text */
void rf_config_refuse(const struct rf_conf_problem *p, const char *detail);

/**
 * The certificate and key of the listeners into `files`, where those of a certificate block are already. Our own CA
 * makes them when none is configured. They belong together when this returns RF_OK.
 * @param why  otherwise a sentence for the operator
 */
RF_MUST_CHECK enum rf_err rf_listener_cert_make(struct rf_key_files *files, const char *state_dir,
                                                const struct rf_run_settings *s, int64_t wall_s, char *why,
                                                size_t why_size);
/** Its two PEM texts. RF_ERR_NOT_FOUND. @param chain_path, key_path  of rf_run_settings: empty for our own */
RF_MUST_CHECK enum rf_err rf_listener_cert_find(const struct rf_key_files *files, const char *chain_path,
                                                const char *key_path, struct rf_span *chain, struct rf_span *key);

#endif
