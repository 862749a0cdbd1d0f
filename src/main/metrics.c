#include "main/metrics.h"

#include <stdlib.h>

#include "cert/bundle.h"
#include "conf/iface.h"
#include "main/self.h"
#include "registrar/location.h"
#include "sip/msg.h"
#include "tls/failure.h"
#include "tls/hello.h"

#define FIRST_OCTETS (128u << 10)
#define MOST_OCTETS  (32u << 20) /* 4,096 connections with calls of all kinds fill 20 MB */

/* What one answer is made of. */
struct gather {
    const struct rf_signal *s;
    const struct rf_site *site;
    struct rf_metrics_out out;
    struct rf_tally t; /* the sum */
    struct rf_self_numbers self;
    bool has_self;
};

#define LABELS(...) ((const char *const[]){ __VA_ARGS__ })

static const char *const ways[] = { "in", "out" };
static const char *const directions[] = { "internal", "inbound", "outbound", "transit" };
static const char *const outcomes[] = { "answered", "cancelled", "busy", "no_answer", "refused", "failed" };
static const char *const verdicts[] = { "unproven", "clear", "partly", "encrypted" };
static const char *const drops[] = { "auth", "replay", "clear", "foreign", "malformed" };
static const char *const versions[] = { "other", "1.0", "1.1", "1.2", "1.3" };

_Static_assert(sizeof directions / sizeof *directions == RF_TALLY_DIRECTIONS, "a name for each");
_Static_assert(sizeof outcomes / sizeof *outcomes == RF_TALLY_OUTCOMES, "a name for each");
_Static_assert(sizeof verdicts / sizeof *verdicts == RF_TALLY_VERDICTS, "a name for each");
_Static_assert(sizeof drops / sizeof *drops == RF_TALLY_DROPS, "a name for each");
_Static_assert(sizeof versions / sizeof *versions == RF_TALLY_VERSIONS, "a name for each");

/* A gauge is summed while it changes: one that is taken from before it was seen added would be below nothing. */
static uint64_t
gauge(const rf_cell *c)
{
    uint64_t n = rf_cell_value(c);

    return n > INT64_MAX ? 0 : n;
}

static const char *
iface_name(unsigned i)
{
    return i < RF_IFACE_COUNT ? rf_iface_row((enum rf_iface)i)->name : "other";
}

/* A sample that was never above nothing is left out where there are many. */
static void
put_seen(struct gather *g, const char *const *values, const rf_cell *c)
{
    if (rf_cell_value(c) > 0)
        rf_metrics_put(&g->out, values, rf_cell_value(c));
}

static void
put_seen_times(struct gather *g, const char *const *values, const struct rf_tally_times *t, const uint64_t *bounds)
{
    for (size_t i = 0; i <= RF_TALLY_BUCKETS; i++)
        if (rf_cell_value(&t->bucket[i]) > 0) {
            rf_metrics_put_times(&g->out, values, t, bounds);
            return;
        }
}

/* --- the program --- */

static void
put_build_info(struct gather *g)
{
    rf_metrics_put(&g->out, LABELS(RF_VERSION), 1);
}

static void
put_problems(struct gather *g)
{
    for (int r = 1; r < RF_REFUSAL_COUNT; r++)
        rf_metrics_put(&g->out, LABELS(rf_refusal_row((enum rf_refusal)r)->code),
                       rf_refusal_count((enum rf_refusal)r));
}

static void
put_bans(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, rf_guard_counts(g->s->guard).banned);
}

static void
put_reload_ok(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, !atomic_load(&g->s->reload_failed));
}

static void
put_reload_at(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, (uint64_t)atomic_load(&g->s->configured_s));
}

static void
put_starts(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, g->s->launch->epoch);
}

static void
put_cpu(struct gather *g)
{
    if (g->has_self)
        rf_metrics_put_us(&g->out, NULL, g->self.cpu_us);
}

static void
put_memory(struct gather *g)
{
    if (g->has_self)
        rf_metrics_put(&g->out, NULL, g->self.memory);
}

static void
put_virtual(struct gather *g)
{
    if (g->has_self)
        rf_metrics_put(&g->out, NULL, g->self.addresses);
}

static void
put_open_fds(struct gather *g)
{
    if (g->has_self)
        rf_metrics_put(&g->out, NULL, g->self.fds);
}

static void
put_max_fds(struct gather *g)
{
    if (g->has_self)
        rf_metrics_put(&g->out, NULL, g->self.fds_max);
}

static void
put_started(struct gather *g)
{
    if (g->has_self)
        rf_metrics_put_us(&g->out, NULL, g->self.started_us);
}

/* --- SIP --- */

static void
put_sip_requests(struct gather *g)
{
    for (int w = 0; w < RF_TALLY_WAYS; w++)
        for (int t = 0; t < RF_TALLY_TRANSPORTS; t++)
            for (int m = 0; m < RF_TALLY_METHODS; m++)
                put_seen(g, LABELS(ways[w], rf_transport_name((enum rf_transport)t),
                                   m != RF_SIP_UNKNOWN ? rf_sip_method_name((enum rf_sip_method)m) : "other"),
                         &g->t.sip_requests[w][t][m]);
}

static void
put_sip_responses(struct gather *g)
{
    for (int w = 0; w < RF_TALLY_WAYS; w++)
        for (int t = 0; t < RF_TALLY_TRANSPORTS; t++)
            for (unsigned s = 0; s < RF_TALLY_STATUSES; s++)
                put_seen(g, LABELS(ways[w], rf_transport_name((enum rf_transport)t), rf_tally_status_name(s)),
                         &g->t.sip_responses[w][t][s]);
}

static void
put_sip_malformed(struct gather *g)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < g->s->workers; i++)
        if (g->s->worker[i] != NULL)
            n += atomic_load_explicit(&g->s->worker[i]->numbers.malformed, memory_order_relaxed);
    rf_metrics_put(&g->out, NULL, n);
}

static void
put_registrations(struct gather *g)
{
    struct rf_location_counts c = rf_location_counts(g->s->location);

    for (int t = 0; t < RF_TRANSPORT_COUNT; t++)
        rf_metrics_put(&g->out, LABELS(rf_transport_name((enum rf_transport)t)), c.by_transport[t]);
}

static void
put_users_registered(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, rf_location_counts(g->s->location).aors);
}

/* --- TLS --- */

#define VERSION_1_2 3 /* of versions[]: those that every level has */

/* What is seldom counted is shown from the start where it may happen. */
static bool
listens(const struct gather *g, unsigned i)
{
    return i < RF_IFACE_COUNT && g->site->ifaces->iface[i].has_listener;
}

static void
put_tls_connections(struct gather *g)
{
    for (unsigned i = 0; i < RF_TALLY_IFACES; i++)
        for (unsigned v = 0; v < RF_TALLY_VERSIONS; v++)
            if (gauge(&g->t.tls_open[i][v]) > 0 || (v >= VERSION_1_2 && listens(g, i)))
                rf_metrics_put(&g->out, LABELS(iface_name(i), versions[v]), gauge(&g->t.tls_open[i][v]));
}

static void
put_tls_handshakes(struct gather *g)
{
    char text[48];

    for (unsigned i = 0; i < RF_TALLY_IFACES; i++) {
        uint64_t failed = 0;

        for (unsigned v = 0; v < RF_TALLY_VERSIONS; v++)
            for (unsigned c = 0; c < RF_TALLY_CIPHERS; c++) {
                const char *name =
                    rf_tally_cipher_at(c) != 0 ? rf_tls_suite_name(rf_tally_cipher_at(c), text) : "other";

                put_seen(g, LABELS(iface_name(i), "full", versions[v], name), &g->t.tls_done[i][v][c][0]);
                put_seen(g, LABELS(iface_name(i), "resumed", versions[v], name), &g->t.tls_done[i][v][c][1]);
            }
        for (int r = 0; r < RF_REFUSAL_COUNT; r++)
            failed += rf_cell_value(&g->t.tls_failed[i][r]);
        if (failed > 0 || listens(g, i))
            rf_metrics_put(&g->out, LABELS(iface_name(i), "failed", "", ""), failed);
    }
}

/* RF-101 to RF-110 and what is wrong with certificates: an alert needs them from the start, at nothing. */
static bool
is_usual_failure(int r)
{
    return r >= RF_REFUSE_TLS_VERSION && r <= RF_REFUSE_CERT_REFUSED_BY_PEER;
}

static void
put_tls_failures(struct gather *g)
{
    for (unsigned i = 0; i < RF_TALLY_IFACES; i++)
        for (int r = 1; r < RF_REFUSAL_COUNT; r++)
            if (rf_cell_value(&g->t.tls_failed[i][r]) > 0 || (listens(g, i) && is_usual_failure(r)))
                rf_metrics_put(&g->out, LABELS(iface_name(i), rf_refusal_row((enum rf_refusal)r)->code),
                               rf_cell_value(&g->t.tls_failed[i][r]));
}

#define ALERT_UNKNOWN_CA 48 /* RFC 8446 6 */

static void
put_tls_refused(struct gather *g)
{
    for (unsigned i = 0; i < RF_TALLY_IFACES; i++)
        for (int a = 0; a < RF_TALLY_ALERTS; a++)
            if (rf_cell_value(&g->t.tls_refused_us[i][a]) > 0 || (listens(g, i) && a == ALERT_UNKNOWN_CA))
                rf_metrics_put(&g->out,
                               LABELS(iface_name(i), a < RF_TALLY_ALERTS - 1 ? rf_tls_alert_name(a) : "other"),
                               rf_cell_value(&g->t.tls_refused_us[i][a]));
}

static void
put_tls_duration(struct gather *g)
{
    for (unsigned i = 0; i < RF_TALLY_IFACES; i++)
        for (int resumed = 0; resumed < 2; resumed++)
            put_seen_times(g, LABELS(iface_name(i), resumed != 0 ? "true" : "false"), &g->t.tls_took[i][resumed],
                           rf_metric_bounds_handshake);
}

/* --- certificates --- */

#define ENDS_MAX 2048 /* names; the trusted ones of a large site */

struct end {
    const char *name, *kind;
    int64_t at_s;
};

/* Of one name the earliest: two samples of the same labels would make the whole text invalid. */
static void
note_end(struct end *ends, size_t *n, const char *name, const char *kind, int64_t at_s)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(ends[i].name, name) == 0 && ends[i].kind == kind) {
            if (at_s < ends[i].at_s)
                ends[i].at_s = at_s;
            return;
        }
    if (*n < ENDS_MAX)
        ends[(*n)++] = (struct end){ name, kind, at_s };
}

static void
put_cert_expiry(struct gather *g)
{
    static const char own[] = "own", trusted[] = "trusted";
    const struct rf_ifaces *f = g->site->ifaces;
    struct end *ends = calloc(ENDS_MAX, sizeof *ends);
    size_t n = 0;

    if (ends == NULL)
        return;
    for (size_t i = 0; i < f->cert_count; i++)
        note_end(ends, &n, f->cert[i].name, own, rf_cert_facts(f->cert[i].cert)->not_after);
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        const struct rf_trust *t = f->iface[i].check.trust;

        for (size_t k = 0; k < rf_trust_count(t); k++) {
            const struct rf_trust_entry *e = rf_trust_entry(t, k);

            if (strcmp(e->origin, RF_BUNDLE_SYSTEM) != 0) /* the system's own are the system's care */
                note_end(ends, &n, e->facts.subject, trusted, e->facts.not_after);
        }
    }
    for (size_t i = 0; i < n; i++)
        rf_metrics_put(&g->out, LABELS(ends[i].name, ends[i].kind), (uint64_t)(ends[i].at_s > 0 ? ends[i].at_s : 0));
    free(ends);
}

static void
put_acme_renewals(struct gather *g)
{
    rf_metrics_put(&g->out, LABELS("done"), rf_cell_value(&g->t.renewals[RF_TALLY_DONE]));
    rf_metrics_put(&g->out, LABELS("failed"), rf_cell_value(&g->t.renewals[RF_TALLY_NOT_DONE]));
}

/* --- calls --- */

static void
put_calls(struct gather *g)
{
    for (int v = 0; v < RF_TALLY_VERDICTS; v++)
        rf_metrics_put(&g->out, LABELS(verdicts[v]), gauge(&g->t.calls[v]));
}

static void
put_calls_total(struct gather *g)
{
    for (const struct rf_tally_connection *k = NULL; (k = rf_tally_connection_next(k)) != NULL;)
        for (int d = 0; d < RF_TALLY_DIRECTIONS; d++)
            for (int o = 0; o < RF_TALLY_OUTCOMES; o++)
                for (int v = 0; v < RF_TALLY_VERDICTS; v++)
                    put_seen(g, LABELS(directions[d], k->name, outcomes[o], verdicts[v]), &k->calls[d][o][v]);
}

static void
put_call_setup(struct gather *g)
{
    for (int d = 0; d < RF_TALLY_DIRECTIONS; d++)
        put_seen_times(g, LABELS(directions[d]), &g->t.call_setup[d], rf_metric_bounds_setup);
}

static void
put_call_duration(struct gather *g)
{
    for (int d = 0; d < RF_TALLY_DIRECTIONS; d++)
        put_seen_times(g, LABELS(directions[d]), &g->t.call_length[d], rf_metric_bounds_length);
}

/* --- media --- */

static const char *
suite_name(unsigned id)
{
    const struct rf_srtp_suite *s = rf_srtp_suite(id);

    return s != NULL ? s->name : "none";
}

static void
put_srtp_packets(struct gather *g)
{
    for (int w = 0; w < RF_TALLY_WAYS; w++)
        for (unsigned s = 0; s < RF_TALLY_SUITES; s++)
            put_seen(g, LABELS(ways[w], suite_name(s)), &g->t.srtp_packets[w][s]);
}

static void
put_srtp_rejected(struct gather *g)
{
    for (int d = 0; d < RF_TALLY_DROPS; d++)
        rf_metrics_put(&g->out, LABELS(drops[d]), rf_cell_value(&g->t.dropped[d]));
}

static void
put_clear(struct gather *g, const char *name, uint64_t in, uint64_t out)
{
    rf_metrics_put(&g->out, LABELS(name, ways[RF_TALLY_IN]), in);
    rf_metrics_put(&g->out, LABELS(name, ways[RF_TALLY_OUT]), out);
}

/* Of each connection from the start, at nothing, so that the first packet is a rise. */
static void
put_clear_packets(struct gather *g)
{
    for (const struct rf_tally_connection *k = NULL; (k = rf_tally_connection_next(k)) != NULL;)
        if (k->name[0] != '(' || rf_cell_value(&k->clear[RF_TALLY_IN]) + rf_cell_value(&k->clear[RF_TALLY_OUT]) > 0)
            put_clear(g, k->name, rf_cell_value(&k->clear[RF_TALLY_IN]), rf_cell_value(&k->clear[RF_TALLY_OUT]));
    if (!rf_tally_has_connection(""))
        put_clear(g, "", 0, 0);
    for (size_t i = 0; i < rf_connections_count(g->site->connections); i++) {
        const char *name = rf_connection_at(g->site->connections, i)->name;

        if (!rf_tally_has_connection(name))
            put_clear(g, name, 0, 0);
    }
}

static void
put_media_streams(struct gather *g)
{
    for (unsigned s = 0; s < RF_TALLY_SUITES; s++)
        if (s == 0 || gauge(&g->t.streams[s]) > 0)
            rf_metrics_put(&g->out, LABELS(suite_name(s), s == 0 ? "none" : "sdes"), gauge(&g->t.streams[s]));
}

static void
put_one_way(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, rf_cell_value(&g->t.one_way));
}

static void
put_zero_packet(struct gather *g)
{
    rf_metrics_put(&g->out, NULL, rf_cell_value(&g->t.zero_packet));
}

static void
put_packets_lost(struct gather *g)
{
    for (int w = 0; w < RF_TALLY_WAYS; w++)
        rf_metrics_put(&g->out, LABELS(ways[w]), rf_cell_value(&g->t.lost[w]));
}

static void
put_jitter(struct gather *g)
{
    for (int w = 0; w < RF_TALLY_WAYS; w++)
        put_seen_times(g, LABELS(ways[w]), &g->t.jitter[w], rf_metric_bounds_jitter);
}

/* --- all --- */

static void (*const put[RF_METRIC_COUNT])(struct gather *g) = {
    [RF_METRIC_BUILD_INFO] = put_build_info,
    [RF_METRIC_CALLS] = put_calls,
    [RF_METRIC_CALLS_TOTAL] = put_calls_total,
    [RF_METRIC_CALL_SETUP] = put_call_setup,
    [RF_METRIC_CALL_DURATION] = put_call_duration,
    [RF_METRIC_SIP_REQUESTS] = put_sip_requests,
    [RF_METRIC_SIP_RESPONSES] = put_sip_responses,
    [RF_METRIC_SIP_MALFORMED] = put_sip_malformed,
    [RF_METRIC_REGISTRATIONS] = put_registrations,
    [RF_METRIC_USERS_REGISTERED] = put_users_registered,
    [RF_METRIC_TLS_CONNECTIONS] = put_tls_connections,
    [RF_METRIC_TLS_HANDSHAKES] = put_tls_handshakes,
    [RF_METRIC_TLS_FAILURES] = put_tls_failures,
    [RF_METRIC_TLS_REFUSED] = put_tls_refused,
    [RF_METRIC_TLS_DURATION] = put_tls_duration,
    [RF_METRIC_SRTP_PACKETS] = put_srtp_packets,
    [RF_METRIC_SRTP_REJECTED] = put_srtp_rejected,
    [RF_METRIC_CLEAR_PACKETS] = put_clear_packets,
    [RF_METRIC_MEDIA_STREAMS] = put_media_streams,
    [RF_METRIC_ONE_WAY] = put_one_way,
    [RF_METRIC_ZERO_PACKET] = put_zero_packet,
    [RF_METRIC_PACKETS_LOST] = put_packets_lost,
    [RF_METRIC_JITTER] = put_jitter,
    [RF_METRIC_CERT_EXPIRY] = put_cert_expiry,
    [RF_METRIC_ACME_RENEWALS] = put_acme_renewals,
    [RF_METRIC_PROBLEMS] = put_problems,
    [RF_METRIC_BANS] = put_bans,
    [RF_METRIC_RELOAD_OK] = put_reload_ok,
    [RF_METRIC_RELOAD_AT] = put_reload_at,
    [RF_METRIC_STARTS] = put_starts,
    [RF_METRIC_CPU] = put_cpu,
    [RF_METRIC_MEMORY] = put_memory,
    [RF_METRIC_VIRTUAL] = put_virtual,
    [RF_METRIC_OPEN_FDS] = put_open_fds,
    [RF_METRIC_MAX_FDS] = put_max_fds,
    [RF_METRIC_STARTED] = put_started,
};

static void
put_all(struct gather *g, struct rf_buf *b, bool is_json)
{
    rf_metrics_begin(&g->out, b, is_json);
    for (int m = 0; m < RF_METRIC_COUNT; m++) {
        rf_assert(put[m] != NULL);
        rf_metrics_open(&g->out, (enum rf_metric)m);
        put[m](g);
    }
    rf_metrics_end(&g->out);
}

enum rf_err
rf_metrics_make(const struct rf_signal *s, const struct rf_site *site, bool is_json, struct rf_span *out)
{
    struct gather *g = calloc(1, sizeof *g);
    enum rf_err err = RF_ERR_NOMEM;

    if (g == NULL)
        return err;
    g->s = s;
    g->site = site;
    g->has_self = rf_self_look(s->self, &g->self);
    rf_tally_sum(&g->t);
    for (size_t cap = FIRST_OCTETS; err && cap <= MOST_OCTETS; cap *= 2) {
        struct rf_buf b = rf_buf(malloc(cap), cap);

        if (b.p == NULL)
            break;
        put_all(g, &b, is_json);
        err = rf_buf_done(&b);
        if (!err)
            *out = rf_buf_span(&b);
        else
            free(b.p);
    }
    free(g);
    return err;
}
