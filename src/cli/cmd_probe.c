/*
 * cli/cmd_probe.c - `ringfence probe HOST[:PORT]`: look at a peer from outside
 */
#include <stdlib.h>

#include "cli/commands.h"
#include "loop/loop.h"
#include "probe/report.h"

#define SIPS_PORT 5061
#define SIP_PORT 5060
#define HTTPS_PORT 443
#define TIMEOUT_S 60
#define ONE_S 5 /* for one connection */

/* --- HOST[:PORT] --- */

/* "host", "host:port", "[v6]:port", "v6". Port 0: none was given. */
static int
split_host(const struct rf_cli *cli, const char *text, char host[static 256], uint16_t *port)
{
    struct rf_span s = rf_span_str(text), rest;
    struct rf_addr addr;
    uint64_t number = 0;

    *port = 0;
    if (rf_addr_parse(s, 0, &addr) == RF_OK) {
        rest = rf_span(NULL, 0);
        if (s.p[0] == '[')
            s = rf_span_sub(s, 1, s.n - 2);
    } else if (s.n > 0 && s.p[0] == '[') {
        size_t end = rf_span_find(s, ']');

        rest = rf_span_sub(s, end + 1, s.n);
        s = rf_span_sub(s, 1, end - 1);
        if (end + 1 > strlen(text) || rf_addr_parse(s, 0, &addr) != RF_OK)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s: what stands in brackets is no address", text);
    } else {
        size_t end = rf_span_find(s, ':');

        rest = rf_span_sub(s, end, s.n);
        s = rf_span_sub(s, 0, end);
    }
    if (rest.n > 0 && (rest.p[0] != ':' ||
                       rf_span_u64(rf_span_sub(rest, 1, rest.n), 65535, &number) != RF_OK || number == 0))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s: a port is a number from 1 to 65535", text);
    *port = (uint16_t)number;
    if (s.n == 0 || s.n > 253 || rf_span_copy(s, host, 256) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s: there is no host name", text);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f ||
            strchr("/@\\\"<>?#%", s.p[i]) != NULL)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s is a host name or an address, nothing else", text);
    return 0;
}

/* --- flags --- */

/* A whole number of a flag from 1 to max; `absent` when it was not given. */
static int
take_number(const struct rf_cli *cli, const char *flag, uint64_t max, uint64_t absent, uint64_t *out)
{
    const char *text = rf_cli_flag(cli, flag);

    *out = absent;
    if (text == NULL)
        return 0;
    if (rf_span_u64(rf_span_str(text), max, out) != RF_OK || *out == 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s takes a number from 1 to %llu", flag,
                           (unsigned long long)max);
    return 0;
}

static int
take_transport(const struct rf_cli *cli, struct rf_probe_conf *conf)
{
    const char *transport = rf_cli_flag(cli, "--transport");
    bool sip = rf_cli_flag(cli, "--sip") != NULL, https = rf_cli_flag(cli, "--https") != NULL;

    if (sip && https)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--sip or --https, not both");
    if (transport == NULL || strcmp(transport, "tls") == 0)
        conf->transport = RF_PROBE_OVER_TLS;
    else if (strcmp(transport, "tcp") == 0)
        conf->transport = RF_PROBE_OVER_TCP;
    else if (strcmp(transport, "udp") == 0)
        conf->transport = RF_PROBE_OVER_UDP;
    else
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--transport takes tls, tcp or udp");
    if (https && conf->transport != RF_PROBE_OVER_TLS)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--transport tcp and udp are for SIP");
    /* The ports that HTTPS is usually at; everything else is taken for SIP. */
    conf->is_sip = sip || (!https && (conf->transport != RF_PROBE_OVER_TLS ||
                                      (conf->port != 443 && conf->port != 8443 && conf->port != 411)));
    if (conf->port == 0)
        conf->port = https ? HTTPS_PORT : conf->transport == RF_PROBE_OVER_TLS ? SIPS_PORT : SIP_PORT;
    return 0;
}

static int
take_flags(const struct rf_cli *cli, struct rf_probe_conf *conf, struct rf_probe_report *report)
{
    const char *min = rf_cli_flag(cli, "--min"), *level = rf_cli_flag(cli, "--level");
    uint64_t parallel, timeout_s;
    int status = take_transport(cli, conf);

    if (status == 0)
        status = take_number(cli, "--parallel", RF_PROBE_PARALLEL_MAX, 4, &parallel);
    if (status == 0)
        status = take_number(cli, "--timeout", 3600, TIMEOUT_S, &timeout_s);
    if (status != 0)
        return status;
    conf->parallel = (unsigned)parallel;
    conf->timeout_us = timeout_s * 1000000;
    conf->connection_us = (timeout_s < ONE_S ? timeout_s : ONE_S) * 1000000;
    conf->server_name = rf_cli_flag(cli, "--server-name");
    conf->level = RF_TLS_INTERMEDIATE;
    report->has_min = min != NULL;
    if (min != NULL && conf->transport != RF_PROBE_OVER_TLS)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--min is about TLS");
    if (min != NULL && rf_tls_level_find(rf_span_str(min), &report->min) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--min: there is no level %s; there are %s", min,
                           rf_tls_level_names());
    if (min != NULL)
        conf->level = report->min;
    if (level != NULL && rf_tls_level_find(rf_span_str(level), &conf->level) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--level: there is no level %s; there are %s", level,
                           rf_tls_level_names());
    return 0;
}

/* --cert and --key. */
static int
read_cert(const struct rf_cli *cli, struct rf_cert **out)
{
    const char *cert = rf_cli_flag(cli, "--cert"), *key = rf_cli_flag(cli, "--key");
    struct rf_cert_problem problem = {0};

    if (cert == NULL && key == NULL)
        return 0;
    if (cert == NULL || key == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--cert and --key go together");
    return rf_cert_load(out, cert, key, &problem) == RF_OK ? 0
                                                           : rf_cli_fail(cli, RF_EXIT_USAGE, "%s", problem.text);
}

/* --store, or what the system trusts. */
static int
read_store(const struct rf_cli *cli, struct rf_trust *trust)
{
    const char *path = rf_cli_flag(cli, "--store");
    struct rf_cert_problem problem;

    if (path != NULL)
        return rf_trust_add_path(trust, path, &problem) == RF_OK
                   ? 0
                   : rf_cli_fail(cli, RF_EXIT_USAGE, "%s", problem.text);
    /* A machine without a bundle trusts nobody, which the report then says of each chain. */
    (void)(rf_trust_add_system(trust, &problem) == RF_OK);
    return 0;
}

static int
print(const struct rf_cli *cli, const struct rf_probe_report *report)
{
    const struct rf_probe_result *result = report->result;

    if (cli->json) {
        json_t *o = rf_probe_report_json(report);

        if (o == NULL)
            return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
        rf_cli_json(o);
        json_decref(o);
    } else {
        rf_probe_report_text(report, cli->colour, stdout);
    }
    if (!result->is_reached)
        return RF_EXIT_FAILED;
    return report->has_min && !report->is_met ? RF_EXIT_FOUND : RF_EXIT_DONE;
}

static int
judge_and_print(const struct rf_cli *cli, struct rf_probe_report *report, const struct rf_trust *trust)
{
    const struct rf_probe_result *result = report->result;
    const struct rf_probe_facts *f = &result->facts;
    const char *host = f->name[0] != '\0' ? f->name : result->target.host;
    int status;

    report->chain = calloc(f->chain_count + 1, sizeof *report->chain);
    if (report->chain == NULL)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < f->chain_count; i++)
        rf_probe_judge_chain(&f->chain[i], host, result->target.is_sip, trust, rf_wall_s(),
                             &report->chain[i]);
    if (report->has_min)
        report->is_met = result->is_reached && rf_probe_meets(f, report->min, report->below);
    status = print(cli, report);
    free(report->chain);
    return status;
}

int
rf_cmd_probe(struct rf_cli *cli)
{
    struct rf_probe_conf conf = {0};
    struct rf_probe_report report = {0};
    struct rf_probe_result *result = NULL;
    struct rf_trust *trust = NULL;
    char host[256];
    int status = split_host(cli, cli->arg[0], host, &conf.port);

    conf.host = host;
    if (status == 0)
        status = take_flags(cli, &conf, &report);
    if (status == 0 && rf_trust_new(&trust) != RF_OK)
        status = rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    if (status == 0)
        status = read_store(cli, trust);
    if (status == 0)
        status = read_cert(cli, &conf.cert);
    if (status == 0 && rf_probe_run(&conf, &result) != RF_OK)
        status = rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    if (status == 0) {
        report.result = result;
        status = judge_and_print(cli, &report, trust);
    }
    rf_probe_result_free(result);
    rf_cert_unref(conf.cert);
    rf_trust_unref(trust);
    return status;
}
