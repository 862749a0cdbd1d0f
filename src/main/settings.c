#include "main/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "base/refusal.h"

static enum rf_err
problem_at(struct rf_conf_problem *p, const struct rf_conf *c, const char *name, const char *sentence)
{
    p->at = rf_conf_origin(c, name);
    snprintf(p->sentence, sizeof p->sentence, "%s", sentence);
    return RF_ERR_RANGE;
}

static unsigned
threads_of(const struct rf_conf *c, const char *name)
{
    int64_t n = rf_conf_number(c, name);
    long cores;

    if (n > 0)
        return (unsigned)n;
    cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

static enum rf_log_level
log_level_of(const struct rf_conf *c)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };

    for (int i = 0; i < 4; i++)
        if (strcmp(rf_conf_text(c, "log.level"), names[i]) == 0)
            return (enum rf_log_level)i;
    return RF_LOG_INFO;
}

enum rf_err
rf_run_settings_take(struct rf_run_settings *out, const struct rf_conf *c, struct rf_conf_problem *problem)
{
    *out = (struct rf_run_settings){ .workers = threads_of(c, "signal.workers"),
                                     .threads = threads_of(c, "media.threads"),
                                     .log_level = log_level_of(c),
                                     .calls_max = (uint32_t)rf_conf_number(c, "calls-max"),
                                     .replay_window = (uint16_t)rf_conf_number(c, "media.replay-window") };
    if (rf_iface_listens(c, out->listen, RF_LISTENERS_MAX, &out->listen_count, problem) != RF_OK)
        return RF_ERR_RANGE;
    if (rf_ports_parse(rf_span_str(rf_conf_text(c, "media.ports")), &out->port_low, &out->port_high) != RF_OK)
        return problem_at(problem, c, "media.ports", "the range cannot be read");
    snprintf(out->backend, sizeof out->backend, "%s", rf_conf_text(c, "media.backend"));
    snprintf(out->domain, sizeof out->domain, "%s", rf_conf_text(c, "domain"));
    return RF_OK;
}

void
rf_conf_problem_text(const struct rf_conf_problem *p, char *out, size_t size)
{
    if (p->at.layer == RF_CONF_FILE && p->at.file != NULL)
        snprintf(out, size, "%s:%d:%d: %s", p->at.file, p->at.line, p->at.column, p->sentence);
    else if (p->at.layer == RF_CONF_STORE)
        snprintf(out, size, "store:%d:%d: %s", p->at.line, p->at.column, p->sentence);
    else
        snprintf(out, size, "%s", p->sentence);
}

/* The table's fix speaks of a peer, with words that are not at hand here: of our own files something else is to be done. */
const char *
rf_config_fix(enum rf_refusal code)
{
    const char *fix = rf_refusal_row(code)->fix;

    switch (code) {
    case RF_REFUSE_KEY_FILE_MODE:
        return "chmod 600 that file";
    case RF_REFUSE_CERT_EXPIRED:
    case RF_REFUSE_CERT_NOT_YET_VALID:
    case RF_REFUSE_CERT_KEY_TOO_SMALL:
    case RF_REFUSE_CERT_BAD_SIGNATURE:
        return "name another certificate there, or have this one issued anew";
    case RF_REFUSE_TLS_NO_CIPHER:
        return "name a certificate whose key the level can use, or another level";
    default:
        return strchr(fix, '{') == NULL ? fix : ""; /* the sentence names the file */
    }
}

void
rf_config_refuse(const struct rf_conf_problem *p, const char *detail)
{
    const struct rf_refusal_row *row = rf_refusal_row(p->code);

    if (p->code == RF_REFUSE_NONE) {
        RF_REFUSE(CONFIG_INVALID, RF_F_STR("detail", detail));
        return;
    }
    rf_refusal_add(p->code, 1);
    RF_LOG_CODE(RF_LOG_ERROR, row->code, "refused", detail, RF_F_STR("effect", "the configuration was not applied"),
                RF_F_STR("fix", rf_config_fix(p->code)));
}
