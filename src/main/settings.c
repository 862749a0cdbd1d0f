#include "main/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "cert/ca.h"

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

/* "file:PATH" -> PATH */
static void
take_path(const struct rf_conf *c, const char *name, char *out, size_t size)
{
    const char *value = rf_conf_text(c, name);

    snprintf(out, size, "%s", strncmp(value, "file:", 5) == 0 ? value + 5 : value);
}

enum rf_err
rf_run_settings_take(struct rf_run_settings *out, const struct rf_conf *c, struct rf_conf_problem *problem)
{
    struct rf_span words = rf_span_trim(rf_span_str(rf_conf_text(c, "sip.listen")));
    const char *certificate = rf_conf_text(c, "sip.certificate");

    *out = (struct rf_run_settings){ .workers = threads_of(c, "signal.workers"),
                                     .threads = threads_of(c, "media.threads"),
                                     .log_level = log_level_of(c),
                                     .calls_max = (uint32_t)rf_conf_number(c, "calls-max"),
                                     .replay_window = (uint16_t)rf_conf_number(c, "media.replay-window") };
    while (words.n > 0) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));

        if (out->listen_count == RF_LISTENERS_MAX)
            return problem_at(problem, c, "sip.listen", "more than 32 addresses");
        if (rf_listen_parse(word, &out->listen[out->listen_count]) != RF_OK)
            return problem_at(problem, c, "sip.listen", "an address cannot be read");
        out->listen_count++;
        words = rf_span_trim(rf_span_sub(words, word.n, words.n));
    }
    if (rf_ports_parse(rf_span_str(rf_conf_text(c, "media.ports")), &out->port_low, &out->port_high) != RF_OK)
        return problem_at(problem, c, "media.ports", "the range cannot be read");
    snprintf(out->backend, sizeof out->backend, "%s", rf_conf_text(c, "media.backend"));
    snprintf(out->domain, sizeof out->domain, "%s", rf_conf_text(c, "domain"));
    if (strcmp(certificate, "local") != 0) {
        char name[128];

        snprintf(name, sizeof name, "certificate.%s.chain", certificate);
        take_path(c, name, out->chain, sizeof out->chain);
        snprintf(name, sizeof name, "certificate.%s.key", certificate);
        take_path(c, name, out->key, sizeof out->key);
        if (out->chain[0] == '\0' || out->key[0] == '\0')
            return problem_at(problem, c, "sip.certificate", "its certificate block needs a chain and a key");
    }
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

void
rf_config_refuse(const struct rf_conf_problem *p, const char *detail)
{
    const struct rf_refusal_row *row = rf_refusal_row(p->code);

    if (p->code == RF_REFUSE_NONE) {
        RF_REFUSE(CONFIG_INVALID, RF_F_STR("detail", detail));
        return;
    }
    rf_refusal_add(p->code, 1);
    RF_LOG_CODE(RF_LOG_ERROR, row->code, "refused", detail, RF_F_STR("effect", "the configuration was not applied"));
}

/* --- certificates --- */

/* RF-809 where it is one. */
static void
say_key_mode(const struct rf_cert_problem *problem, const char *path)
{
    char mode[8];

    if (!problem->key_file_is_open)
        return;
    snprintf(mode, sizeof mode, "%04o", problem->mode);
    RF_REFUSE(KEY_FILE_MODE, RF_F_STR("file", path), RF_F_STR("mode", mode));
}

/* Names that the local certificate speaks for: the domain, and every address that phones may be pointed at. */
static size_t
local_names(const struct rf_run_settings *s, char mem[][RF_ADDR_TEXT_MAX], const char **name, size_t max)
{
    char host[64] = "";
    size_t n = 0, m = 0;

    name[n++] = s->domain;
    if (strcmp(s->domain, "localhost") != 0)
        name[n++] = "localhost";
    if (gethostname(host, sizeof host) == 0 && host[0] != '\0' && strcmp(host, s->domain) != 0 &&
        strcmp(host, "localhost") != 0 && m < max) {
        snprintf(mem[m], RF_ADDR_TEXT_MAX, "%s", host);
        name[n++] = mem[m++];
    }
    name[n++] = "127.0.0.1";
    name[n++] = "::1";
    for (size_t i = 0; i < s->listen_count && m < max; i++) {
        struct rf_buf b = rf_buf(mem[m], RF_ADDR_TEXT_MAX - 1);
        bool seen = rf_addr_is_any(&s->listen[i].addr);

        rf_put_host(&b, &s->listen[i].addr, false);
        mem[m][b.n] = '\0';
        for (size_t k = 0; k < n; k++)
            seen = seen || strcmp(name[k], mem[m]) == 0;
        if (!seen)
            name[n++] = mem[m++];
    }
    return n;
}

/* The CA's folder stays root's: signal is given the listeners' key, never the CA's. */
static enum rf_err
make_local(const char *state_dir, const struct rf_run_settings *s, int64_t wall_s, char *chain, char *key, size_t size,
           char *why, size_t why_size)
{
    char mem[RF_LISTENERS_MAX + 1][RF_ADDR_TEXT_MAX], ca_name[300], dir[1000];
    const char *name[RF_LISTENERS_MAX + 8];
    struct rf_ca_conf conf = { .dir = dir, .ca_name = ca_name, .name = name };
    struct rf_cert_problem problem = { 0 };
    struct rf_ca_result result = { 0 };
    enum rf_err err;

    snprintf(dir, sizeof dir, "%s/ca", state_dir);
    snprintf(ca_name, sizeof ca_name, "ringfence local CA (%.200s)", s->domain);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        snprintf(why, why_size, "%s: %s", dir, strerror(errno));
        return RF_ERR_IO;
    }
    if (geteuid() == 0)
        (void)!lchown(dir, 0, 0);
    conf.name_count = local_names(s, mem, name, RF_LISTENERS_MAX + 1);
    err = rf_ca_ensure(&conf, wall_s, &result, &problem);
    if (err) {
        snprintf(chain, size, "%s/server.key", dir);
        say_key_mode(&problem, chain);
        snprintf(why, why_size, "%s", problem.text);
        return err;
    }
    if (result.made_ca || result.made_leaf)
        RF_LOGF(RF_LOG_INFO, "cert.made", result.made_ca ? "a local certificate authority and a certificate were made"
                                                         : "a new certificate was made by the local authority",
                RF_F_STR("folder", dir), RF_F_STR("reason", result.why != NULL ? result.why : ""));
    snprintf(chain, size, "%s/server.pem", dir);
    snprintf(key, size, "%s/server.key", dir);
    return RF_OK;
}

/* Made or found in the CA's folder, and put under names that no path has. */
static enum rf_err
put_local(struct rf_key_files *files, const char *state_dir, const struct rf_run_settings *s, int64_t wall_s, char *why,
          size_t why_size)
{
    static const char *const names[2] = { RF_KEY_FILES_LOCAL_CHAIN, RF_KEY_FILES_LOCAL_KEY };
    char path[2][1100];
    struct rf_cert_problem problem = { 0 };
    enum rf_err err = make_local(state_dir, s, wall_s, path[0], path[1], sizeof path[0], why, why_size);

    for (int i = 0; !err && i < 2; i++) {
        char *octets = NULL;
        size_t n = 0;

        err = rf_cert_file_read(path[i], i == 1, &octets, &n, &problem);
        if (err) {
            say_key_mode(&problem, path[i]);
            snprintf(why, why_size, "%s", problem.text);
        } else {
            err = rf_key_files_put(files, rf_span_str(names[i]), rf_span(octets, n));
            rf_wipe(octets, n);
        }
        free(octets);
    }
    return err;
}

enum rf_err
rf_listener_cert_make(struct rf_key_files *files, const char *state_dir, const struct rf_run_settings *s, int64_t wall_s,
                      char *why, size_t why_size)
{
    struct rf_cert_problem problem = { 0 };
    struct rf_span chain, key;
    struct rf_cert *c = NULL;
    enum rf_err err = RF_OK;

    if (s->chain[0] == '\0')
        err = put_local(files, state_dir, s, wall_s, why, why_size);
    if (err)
        return err;
    err = rf_listener_cert_find(files, s->chain, s->key, &chain, &key);
    /* Key and certificate must belong together before anything that works is replaced. */
    if (!err)
        err = rf_cert_from_pem(&c, chain, key, &problem);
    rf_cert_unref(c);
    if (err)
        snprintf(why, why_size, "%s%s%s", s->chain, s->chain[0] != '\0' ? ": " : "",
                 problem.text[0] != '\0' ? problem.text : rf_err_text(err));
    return err;
}

enum rf_err
rf_listener_cert_find(const struct rf_key_files *files, const char *chain_path, const char *key_path,
                      struct rf_span *chain, struct rf_span *key)
{
    bool is_local = chain_path[0] == '\0';

    if (rf_key_files_find(files, rf_span_str(is_local ? RF_KEY_FILES_LOCAL_CHAIN : chain_path), chain) &&
        rf_key_files_find(files, rf_span_str(is_local ? RF_KEY_FILES_LOCAL_KEY : key_path), key))
        return RF_OK;
    return RF_ERR_NOT_FOUND;
}
