/* The text of metrics (exposition format 0.0.4) and its JSON; what threads count is summed, and nothing else. */
#include "base/metric.h"

#include <pthread.h>

#include "tap.h"

#define V(...) ((const char *const[]){ __VA_ARGS__ })

static char mem[65536];

static void
is_text(const struct rf_buf *b, const char *want, const char *what)
{
    if (!ok(rf_span_is(rf_buf_span(b), want), "%s", what))
        printf("# got:\n%.*s\n", (int)b->n, b->p);
}

static const struct { const char *in, *out, *why; } escapes[] = {
    { "acme", "acme", "a plain name" },
    { "", "", "no name" },
    { "a\"b", "a\\\"b", "a quote" },
    { "a\\b", "a\\\\b", "a backslash" },
    { "a\nb", "a\\nb", "the end of a line: nobody makes a sample of his own" },
    { "\\\"\n", "\\\\\\\"\\n", "all of them" },
    { "M\xc3\xbcller {x=\"1\"} 2", "M\xc3\xbcller {x=\\\"1\\\"} 2", "braces stand as they are" },
};

static void
test_escapes(void)
{
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        struct rf_buf b = rf_buf(mem, sizeof mem);
        struct rf_metrics_out o;
        char want[512];

        rf_metrics_begin(&o, &b, false);
        o.now = RF_METRIC_CERT_EXPIRY;
        rf_metrics_put(&o, V(escapes[i].in, "own"), 7);
        snprintf(want, sizeof want, "ringfence_certificate_expiry_timestamp_seconds{name=\"%s\",kind=\"own\"} 7\n",
                 escapes[i].out);
        is_text(&b, want, escapes[i].why);
    }
}

static void
put_two(struct rf_buf *b, bool is_json)
{
    struct rf_metrics_out o;

    rf_metrics_begin(&o, b, is_json);
    rf_metrics_open(&o, RF_METRIC_BANS);
    rf_metrics_put(&o, NULL, 3);
    rf_metrics_open(&o, RF_METRIC_CPU);
    rf_metrics_put_us(&o, NULL, 1250000);
    rf_metrics_open(&o, RF_METRIC_ACME_RENEWALS);
    rf_metrics_put(&o, V("done"), UINT64_MAX);
    rf_metrics_put(&o, V("failed"), 0);
    rf_metrics_end(&o);
}

static void
test_families(void)
{
    struct rf_buf b = rf_buf(mem, sizeof mem), little = rf_buf(mem, 100);

    put_two(&b, false);
    is_text(&b,
            "# HELP ringfence_banned_sources Sources that are shut out now.\n"
            "# TYPE ringfence_banned_sources gauge\n"
            "ringfence_banned_sources 3\n"
            "# HELP process_cpu_seconds_total Time of the processor that the signal process used.\n"
            "# TYPE process_cpu_seconds_total counter\n"
            "process_cpu_seconds_total 1.25\n"
            "# HELP ringfence_acme_renewals_total Certificates that were issued or renewed by themselves (done), and "
            "attempts that failed.\n"
            "# TYPE ringfence_acme_renewals_total counter\n"
            "ringfence_acme_renewals_total{result=\"done\"} 18446744073709551615\n"
            "ringfence_acme_renewals_total{result=\"failed\"} 0\n",
            "HELP and TYPE once for each family, then its samples");
    b = rf_buf(mem, sizeof mem);
    put_two(&b, true);
    is_text(&b,
            "[{\"name\":\"ringfence_banned_sources\",\"type\":\"gauge\",\"help\":\"Sources that are shut out now.\","
            "\"samples\":[{\"labels\":{},\"value\":3}]},"
            "{\"name\":\"process_cpu_seconds_total\",\"type\":\"counter\",\"help\":\"Time of the processor that the "
            "signal process used.\",\"samples\":[{\"labels\":{},\"value\":1.25}]},"
            "{\"name\":\"ringfence_acme_renewals_total\",\"type\":\"counter\",\"help\":\"Certificates that were issued "
            "or renewed by themselves (done), and attempts that failed.\",\"samples\":["
            "{\"labels\":{\"result\":\"done\"},\"value\":18446744073709551615},"
            "{\"labels\":{\"result\":\"failed\"},\"value\":0}]}]",
            "the same as JSON");
    put_two(&little, false);
    ok(rf_buf_done(&little) == RF_ERR_NOMEM, "what does not fit is told");
}

static void
test_times(void)
{
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_tally_times t = { 0 };
    struct rf_metrics_out o;

    rf_tally_time(&t, rf_metric_bounds_jitter, 0);
    rf_tally_time(&t, rf_metric_bounds_jitter, 1000);    /* a bound belongs to its bucket */
    rf_tally_time(&t, rf_metric_bounds_jitter, 1001);
    rf_tally_time(&t, rf_metric_bounds_jitter, 7000000); /* above all */
    rf_metrics_begin(&o, &b, false);
    o.now = RF_METRIC_JITTER;
    rf_metrics_put_times(&o, V("in"), &t, rf_metric_bounds_jitter);
    is_text(&b,
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.001\"} 2\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.0025\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.005\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.01\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.015\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.02\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.03\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.04\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.06\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.1\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.2\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"0.5\"} 3\n"
            "ringfence_rtp_jitter_seconds_bucket{direction=\"in\",le=\"+Inf\"} 4\n"
            "ringfence_rtp_jitter_seconds_sum{direction=\"in\"} 7.002001\n"
            "ringfence_rtp_jitter_seconds_count{direction=\"in\"} 4\n",
            "a histogram: buckets add up, and the last holds all");
}

/* A name as prometheus wants it, and as we do: one prefix, a unit, _total where it only grows. */
static void
test_table(void)
{
    for (int m = 0; m < RF_METRIC_COUNT; m++) {
        const struct rf_metric_row *r = rf_metric_row((enum rf_metric)m);
        size_t n = strlen(r->name), labels = r->labels[0] != '\0';
        bool is_fine = strncmp(r->name, "ringfence_", 10) == 0 || strncmp(r->name, "process_", 8) == 0;

        is_fine = is_fine && strspn(r->name, "abcdefghijklmnopqrstuvwxyz_") == n;
        is_fine = is_fine && strspn(r->labels, "abcdefghijklmnopqrstuvwxyz_ ") == strlen(r->labels);
        is_fine = is_fine && (r->type == RF_METRIC_COUNTER) == (n > 6 && strcmp(r->name + n - 6, "_total") == 0);
        is_fine = is_fine && (r->type != RF_METRIC_HISTOGRAM || strcmp(r->name + n - 8, "_seconds") == 0);
        is_fine = is_fine && strpbrk(r->help, "\\\n") == NULL && r->help[0] != '\0';
        for (const char *p = r->labels; *p != '\0'; p++)
            labels += *p == ' ';
        is_fine = is_fine && labels <= RF_METRIC_LABELS_MAX;
        for (int k = 0; k < m; k++)
            is_fine = is_fine && strcmp(r->name, rf_metric_row((enum rf_metric)k)->name) != 0;
        if (!is_fine)
            ok(false, "%s: its name, labels or help", r->name);
    }
    ok(true, "%d metrics have names of one form, each its own", (int)RF_METRIC_COUNT);
}

static void
test_places(void)
{
    static const struct { unsigned status; const char *name; } statuses[] = {
        { 100, "100" }, { 180, "180" }, { 199, "1xx" }, { 200, "200" }, { 299, "2xx" }, { 401, "401" }, { 418, "4xx" },
        { 488, "488" }, { 503, "503" }, { 504, "504" }, { 599, "5xx" }, { 600, "600" }, { 603, "6xx" }, { 699, "6xx" },
        { 999, "6xx" }, { 0, "1xx" },
    };
    bool are_fine = true;

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        are_fine = are_fine && strcmp(rf_tally_status_name(rf_tally_status(statuses[i].status)), statuses[i].name) == 0;
    ok(are_fine, "a status has its own place, or that of its class");
    ok(rf_tally_status_name(RF_TALLY_STATUSES) == NULL, "and there are no more places");
    for (unsigned s = 1; s <= 200; s++)
        are_fine = are_fine && rf_tally_cipher((uint16_t)s) == (s < RF_TALLY_CIPHERS ? s - 1 : RF_TALLY_CIPHERS - 1);
    ok(are_fine && rf_tally_cipher(3) == 2 && rf_tally_cipher_at(2) == 3 && rf_tally_cipher_at(RF_TALLY_CIPHERS) == 0,
       "suites get places as they come; those beyond share the last");
    ok(rf_tally_version(0x0303) == 3 && rf_tally_version(0x0300) == 0 && rf_tally_version(0x7f1c) == 0,
       "versions that we do not know share one");
}

#define THREADS 4
#define ROUNDS  100000

static void *
count(void *arg)
{
    if (arg == NULL)
        rf_tally_enter(); /* the first has cells of its own, the others share some */
    for (int i = 0; i < ROUNDS; i++) {
        rf_count(&rf_tally_mine()->one_way, 1);
        rf_count(&rf_tally_mine()->calls[1], 1);
        rf_count(&rf_tally_connection(i % 2 == 0 ? "acme" : "")->clear[0], 1);
        rf_uncount(&rf_tally_mine()->calls[1]);
    }
    return NULL;
}

static void
test_threads(void)
{
    static struct rf_tally sum, before;
    pthread_t t[THREADS];
    const struct rf_tally_connection *k = NULL;
    unsigned rows = 0;

    rf_tally_sum(&before);
    for (intptr_t i = 0; i < THREADS; i++)
        rf_assert(pthread_create(&t[i], NULL, count, (void *)(i / 2)) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    rf_tally_sum(&sum);
    ok(rf_cell_value(&sum.one_way) == THREADS * ROUNDS, "what %d threads counted is there, also after their end",
       THREADS);
    ok(rf_cell_value(&sum.calls[1]) == 0 && rf_cell_value(&sum.calls[0]) == 0, "a gauge goes back to nothing");
    ok(rf_cell_value(&before.one_way) == 0, "and before there was nothing");
    ok(rf_cell_value(&rf_tally_connection("acme")->clear[0]) == THREADS * ROUNDS / 2, "one row for each connection");
    while ((k = rf_tally_connection_next(k)) != NULL)
        rows++;
    ok(rows == 3, "two names, and the row of those that have none (%u)", rows);
}

int
main(void)
{
    test_escapes();
    test_families();
    test_times();
    test_table();
    test_places();
    test_threads();
    return tap_done();
}
