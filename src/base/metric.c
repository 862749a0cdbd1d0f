#include "base/metric.h"

#include "base/json.h"

static const struct rf_metric_row rows[RF_METRIC_COUNT] = {
#define X(name, shown, type, labels, help) [RF_METRIC_##name] = { shown, RF_METRIC_##type, labels, help },
    RF_METRICS(X)
#undef X
};

#define S 1000000ull
#define MS 1000ull
const uint64_t rf_metric_bounds_setup[RF_TALLY_BUCKETS] = { 100 * MS, 250 * MS, 500 * MS, 1 * S, 2 * S, 4 * S, 8 * S,
                                                            15 * S, 30 * S, 60 * S, 120 * S, 180 * S };
const uint64_t rf_metric_bounds_length[RF_TALLY_BUCKETS] = { 1 * S, 5 * S, 15 * S, 30 * S, 60 * S, 120 * S, 300 * S,
                                                             600 * S, 1800 * S, 3600 * S, 7200 * S, 14400 * S };
const uint64_t rf_metric_bounds_handshake[RF_TALLY_BUCKETS] = { 1 * MS, 2500, 5 * MS, 10 * MS, 25 * MS, 50 * MS,
                                                                100 * MS, 250 * MS, 500 * MS, 1 * S, 2500 * MS,
                                                                10 * S };
const uint64_t rf_metric_bounds_jitter[RF_TALLY_BUCKETS] = { 1 * MS, 2500, 5 * MS, 10 * MS, 15 * MS, 20 * MS, 30 * MS,
                                                             40 * MS, 60 * MS, 100 * MS, 200 * MS, 500 * MS };

const struct rf_metric_row *
rf_metric_row(enum rf_metric m)
{
    rf_assert((unsigned)m < RF_METRIC_COUNT);
    return &rows[m];
}

const char *
rf_metric_type_name(enum rf_metric_type t)
{
    static const char *const names[] = { "counter", "gauge", "histogram" };

    return names[t];
}

/* "2.5", "0.001", "60": no more digits than there are. */
static void
put_seconds(struct rf_buf *b, uint64_t us)
{
    unsigned left = (unsigned)(us % S);

    rf_put_u64(b, us / S);
    if (left == 0)
        return;
    rf_put_char(b, '.');
    for (unsigned digit = (unsigned)S / 10; left > 0; digit /= 10) {
        rf_put_char(b, (char)('0' + left / digit));
        left %= digit;
    }
}

/* --- text --- */

/* In a label's value three octets are written otherwise (exposition format 0.0.4). */
static void
put_escaped(struct rf_buf *b, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            rf_put_char(b, '\\');
        if (*value == '\n')
            rf_put_str(b, "\\n");
        else
            rf_put_char(b, *value);
    }
}

static void
put_labels(struct rf_buf *b, const char *names, const char *const *values, const char *le)
{
    struct rf_span left = rf_span_str(names);
    bool first = true;

    if (left.n == 0 && le == NULL)
        return;
    rf_put_char(b, '{');
    for (size_t i = 0; left.n > 0; i++) {
        size_t space = rf_span_find(left, ' ');

        rf_put_str(b, first ? "" : ",");
        first = false;
        rf_put(b, rf_span_sub(left, 0, space));
        rf_put_str(b, "=\"");
        put_escaped(b, values[i]);
        rf_put_char(b, '"');
        left = rf_span_sub(left, space + 1, left.n);
    }
    if (le != NULL) {
        rf_put_str(b, first ? "le=\"" : ",le=\"");
        rf_put_str(b, le);
        rf_put_char(b, '"');
    }
    rf_put_char(b, '}');
}

static void
put_name(struct rf_metrics_out *o, const char *suffix, const char *const *values, const char *le)
{
    rf_put_str(o->to, rows[o->now].name);
    rf_put_str(o->to, suffix);
    put_labels(o->to, rows[o->now].labels, values, le);
    rf_put_char(o->to, ' ');
}

/* --- JSON --- */

static void
open_sample(struct rf_metrics_out *o, const char *const *values)
{
    struct rf_span left = rf_span_str(rows[o->now].labels);
    char name[32];

    rf_json_open(o->to, NULL, '{');
    rf_json_open(o->to, "labels", '{');
    for (size_t i = 0; left.n > 0; i++) {
        size_t space = rf_span_find(left, ' ');

        if (rf_span_copy(rf_span_sub(left, 0, space), name, sizeof name) == RF_OK)
            rf_json_str(o->to, name, values[i]);
        left = rf_span_sub(left, space + 1, left.n);
    }
    rf_json_close(o->to, '}');
}

static void
put_json_seconds(struct rf_buf *b, const char *name, uint64_t us)
{
    rf_putf(b, "\"%s\":", name);
    put_seconds(b, us);
    rf_put_char(b, ',');
}

/* --- both --- */

void
rf_metrics_begin(struct rf_metrics_out *o, struct rf_buf *to, bool is_json)
{
    *o = (struct rf_metrics_out){ .to = to, .is_json = is_json };
    if (is_json)
        rf_json_open(to, NULL, '[');
}

static void
close_family(struct rf_metrics_out *o)
{
    if (o->is_open && o->is_json) {
        rf_json_close(o->to, ']');
        rf_json_close(o->to, '}');
    }
    o->is_open = false;
}

void
rf_metrics_open(struct rf_metrics_out *o, enum rf_metric m)
{
    const struct rf_metric_row *row = rf_metric_row(m);

    close_family(o);
    o->now = m;
    o->is_open = true;
    if (o->is_json) {
        rf_json_open(o->to, NULL, '{');
        rf_json_str(o->to, "name", row->name);
        rf_json_str(o->to, "type", rf_metric_type_name(row->type));
        rf_json_str(o->to, "help", row->help);
        rf_json_open(o->to, "samples", '[');
        return;
    }
    rf_putf(o->to, "# HELP %s %s\n", row->name, row->help);
    rf_putf(o->to, "# TYPE %s %s\n", row->name, rf_metric_type_name(row->type));
}

void
rf_metrics_put(struct rf_metrics_out *o, const char *const *values, uint64_t n)
{
    if (o->is_json) {
        open_sample(o, values);
        rf_json_u64(o->to, "value", n);
        rf_json_close(o->to, '}');
        return;
    }
    put_name(o, "", values, NULL);
    rf_put_u64(o->to, n);
    rf_put_char(o->to, '\n');
}

void
rf_metrics_put_us(struct rf_metrics_out *o, const char *const *values, uint64_t us)
{
    if (o->is_json) {
        open_sample(o, values);
        put_json_seconds(o->to, "value", us);
        rf_json_close(o->to, '}');
        return;
    }
    put_name(o, "", values, NULL);
    put_seconds(o->to, us);
    rf_put_char(o->to, '\n');
}

static void
put_json_times(struct rf_metrics_out *o, const char *const *values, const struct rf_tally_times *t,
               const uint64_t *bounds)
{
    uint64_t n = 0;

    open_sample(o, values);
    rf_json_open(o->to, "buckets", '[');
    for (size_t i = 0; i < RF_TALLY_BUCKETS; i++) {
        n += rf_cell_value(&t->bucket[i]);
        rf_json_open(o->to, NULL, '{');
        put_json_seconds(o->to, "le", bounds[i]);
        rf_json_u64(o->to, "count", n);
        rf_json_close(o->to, '}');
    }
    rf_json_close(o->to, ']');
    put_json_seconds(o->to, "sum", rf_cell_value(&t->sum_us));
    rf_json_u64(o->to, "count", n + rf_cell_value(&t->bucket[RF_TALLY_BUCKETS]));
    rf_json_close(o->to, '}');
}

void
rf_metrics_put_times(struct rf_metrics_out *o, const char *const *values, const struct rf_tally_times *t,
                     const uint64_t *bounds)
{
    uint64_t n = 0;

    if (o->is_json) {
        put_json_times(o, values, t, bounds);
        return;
    }
    for (size_t i = 0; i <= RF_TALLY_BUCKETS; i++) {
        char text[32];
        struct rf_buf le = rf_buf(text, sizeof text - 1);

        n += rf_cell_value(&t->bucket[i]);
        if (i < RF_TALLY_BUCKETS)
            put_seconds(&le, bounds[i]);
        else
            rf_put_str(&le, "+Inf");
        text[le.n] = '\0';
        put_name(o, "_bucket", values, text);
        rf_put_u64(o->to, n);
        rf_put_char(o->to, '\n');
    }
    put_name(o, "_sum", values, NULL);
    put_seconds(o->to, rf_cell_value(&t->sum_us));
    rf_put_char(o->to, '\n');
    put_name(o, "_count", values, NULL);
    rf_put_u64(o->to, n);
    rf_put_char(o->to, '\n');
}

void
rf_metrics_end(struct rf_metrics_out *o)
{
    close_family(o);
    if (!o->is_json)
        return;
    rf_json_close(o->to, ']');
    if (!o->to->overflow && o->to->n > 0)
        o->to->n--; /* the comma that every value ends with */
}
