#include "sdp/codecs.h"

/* Payload types that need no a=rtpmap (RFC 3551 6). */
static const struct {
    const char *format, *name;
} fixed[] = {
    { "0", "PCMU" }, { "3", "GSM" },   { "4", "G723" }, { "5", "DVI4" },  { "6", "DVI4" }, { "7", "LPC" },
    { "8", "PCMA" }, { "9", "G722" },  { "10", "L16" }, { "11", "L16" },  { "12", "QCELP" }, { "13", "CN" },
    { "14", "MPA" }, { "15", "G728" }, { "16", "DVI4" }, { "17", "DVI4" }, { "18", "G729" },
};

/* a=rtpmap:<payload type> <encoding name>/<clock rate>... (RFC 8866 6.6): what follows the type; empty: there is none. */
static struct rf_span
encoding_of(const struct rf_sdp *s, const struct rf_sdp_media *m, struct rf_span format)
{
    for (size_t i = m->attr_from; i < m->attr_from + m->attr_count; i++) {
        struct rf_span value = s->attr[i].value;
        size_t n = rf_span_find(value, ' ');

        if (rf_span_is(s->attr[i].name, "rtpmap") && rf_span_eq(rf_span_sub(value, 0, n), format))
            return rf_span_trim(rf_span_sub(value, n, value.n));
    }
    return (struct rf_span){ 0 };
}

/* Encoding name; empty: nobody knows. */
static struct rf_span
name_of(const struct rf_sdp *s, const struct rf_sdp_media *m, struct rf_span format)
{
    struct rf_span encoding = encoding_of(s, m, format);

    if (encoding.n > 0)
        return rf_span_sub(encoding, 0, rf_span_find(encoding, '/'));
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (rf_span_is(format, fixed[i].format))
            return rf_span_str(fixed[i].name);
    return (struct rf_span){ 0 };
}

static bool
is_speech(struct rf_span name)
{
    return !rf_span_iis(name, "telephone-event") && !rf_span_iis(name, "CN");
}

static bool
next_name(struct rf_span *left, struct rf_span *name)
{
    size_t n;

    *left = rf_span_trim(*left);
    n = rf_span_find(*left, ' ');
    *name = rf_span_sub(*left, 0, n);
    *left = rf_span_sub(*left, n, left->n);
    return name->n > 0;
}

static bool
is_named(struct rf_span names, struct rf_span codec)
{
    struct rf_span name;

    while (next_name(&names, &name))
        if (rf_span_ieq(name, codec))
            return true;
    return false;
}

size_t
rf_sdp_codecs_keep(struct rf_sdp *s, int stream, struct rf_span names)
{
    struct rf_sdp_media *m = &s->media[stream];
    struct rf_span codec[RF_SDP_FORMAT_MAX], kept[RF_SDP_FORMAT_MAX], left = names, name;
    bool is_taken[RF_SDP_FORMAT_MAX] = { false };
    size_t n = 0, speech;

    if (rf_span_trim(names).n == 0)
        left = names = RF_SPAN_LIT("all");
    for (size_t i = 0; i < m->format_count; i++)
        codec[i] = name_of(s, m, m->format[i]);
    while (next_name(&left, &name)) {
        bool is_all = rf_span_iis(name, "all");

        for (size_t i = 0; i < m->format_count; i++)
            if (!is_taken[i] && is_speech(codec[i]) &&
                (is_all ? !is_named(names, codec[i]) : rf_span_ieq(codec[i], name))) {
                is_taken[i] = true;
                kept[n++] = m->format[i];
            }
    }
    speech = n;
    for (size_t i = 0; i < m->format_count; i++)
        if (!is_speech(codec[i]))
            kept[n++] = m->format[i];
    if (speech == 0)
        return 0;
    memcpy(m->format, kept, n * sizeof *kept);
    m->format_count = n;
    return speech;
}

/* Empty: it goes without saying. */
static struct rf_span
rate_of(const struct rf_sdp *s, const struct rf_sdp_media *m, struct rf_span format)
{
    struct rf_span encoding = encoding_of(s, m, format);
    struct rf_span rate = rf_span_sub(encoding, rf_span_find(encoding, '/') + 1, encoding.n);

    return rf_span_trim(rf_span_sub(rate, 0, rf_span_find(rate, '/')));
}

static bool
is_same_rate(struct rf_span a, struct rf_span b)
{
    return a.n == 0 || b.n == 0 || rf_span_eq(a, b);
}

static bool
has_codec(const struct rf_sdp *s, const struct rf_sdp_media *m, struct rf_span name, struct rf_span rate)
{
    for (size_t i = 0; i < m->format_count; i++) {
        if (rf_span_ieq(name_of(s, m, m->format[i]), name) && is_same_rate(rate_of(s, m, m->format[i]), rate))
            return true;
    }
    return false;
}

size_t
rf_sdp_codecs_common(struct rf_sdp *s, int stream, const struct rf_sdp *other, int other_stream)
{
    struct rf_sdp_media *m = &s->media[stream];
    struct rf_span kept[RF_SDP_FORMAT_MAX];
    size_t n = 0, speech = 0;

    for (size_t i = 0; i < m->format_count; i++) {
        struct rf_span name = name_of(s, m, m->format[i]);

        if (name.n == 0 || !has_codec(other, &other->media[other_stream], name, rate_of(s, m, m->format[i])))
            continue;
        kept[n++] = m->format[i];
        speech += is_speech(name);
    }
    if (speech == 0)
        return 0;
    memcpy(m->format, kept, n * sizeof *kept);
    m->format_count = n;
    return speech;
}

static bool
has_format(const struct rf_sdp_media *m, struct rf_span format)
{
    for (size_t i = 0; i < m->format_count; i++)
        if (rf_span_eq(m->format[i], format))
            return true;
    return false;
}

bool
rf_sdp_codecs_cover(const struct rf_sdp *s, int stream, const struct rf_sdp *other, int other_stream)
{
    const struct rf_sdp_media *m = &s->media[stream], *o = &other->media[other_stream];

    for (size_t i = 0; i < o->format_count; i++) {
        struct rf_span name = name_of(other, o, o->format[i]);

        if (!is_speech(name))
            continue;
        if (!has_format(m, o->format[i]) || !rf_span_ieq(name_of(s, m, o->format[i]), name) ||
            !is_same_rate(rate_of(s, m, o->format[i]), rate_of(other, o, o->format[i])))
            return false;
    }
    return true;
}
