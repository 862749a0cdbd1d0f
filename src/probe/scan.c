#include "probe/scan.h"

#include <openssl/ssl.h>
#include <stdio.h>

#include "probe/cause.h"
#include "probe/suites.h"

#define BIT(topic) (1u << RF_TOPIC_##topic)

static const struct rf_probe_topic_row topics[RF_TOPIC_COUNT] = {
#define X(name_, before_, most_, talks_, text_)                                                              \
    [RF_TOPIC_##name_] = {.name = #name_, .text = text_, .before = before_, .most = most_, .talks = talks_},
    RF_PROBE_TOPICS(X)
#undef X
};

const struct rf_probe_topic_row *
rf_probe_topic_row(enum rf_probe_topic topic)
{
    rf_assert(topic < RF_TOPIC_COUNT);
    return &topics[topic];
}

unsigned
rf_probe_connections_max(void)
{
    unsigned n = 0;

    for (int i = 0; i < RF_TOPIC_COUNT; i++)
        n += topics[i].most;
    return n;
}

void
rf_probe_scan_init(struct rf_probe_scan *s, struct rf_span name, enum rf_tls_level level)
{
    memset(s, 0, sizeof *s);
    s->facts.causes.level = level;
    if (rf_span_copy(name, s->facts.name, sizeof s->facts.name) != RF_OK)
        s->facts.name[0] = '\0';
}

/* --- hellos --- */

/* One hello being put together. */
struct plan {
    struct rf_probe_scan *s;
    struct rf_probe_topic_state *t;
    struct rf_probe_hello *hello;
    struct rf_probe_lists *lists;
};

static void
offer_suites(struct plan *p, const uint16_t *suites, size_t n)
{
    if (n > RF_PROBE_OFFER_MAX)
        n = RF_PROBE_OFFER_MAX;
    if (n > 0)
        memcpy(p->lists->suites, suites, n * sizeof *suites);
    p->hello->suite = p->lists->suites;
    p->hello->suite_count = n;
}

static void
offer_groups(struct plan *p, const uint16_t *groups, size_t n)
{
    if (n > 64)
        n = 64;
    if (n > 0)
        memcpy(p->lists->groups, groups, n * sizeof *groups);
    p->hello->group = p->lists->groups;
    p->hello->group_count = n;
}

/* A hello of this version with all that is sound and is not asked about. */
static void
begin_hello(struct plan *p, int version)
{
    struct rf_probe_hello *h = p->hello;
    const uint16_t *groups, *sigalgs;
    size_t n, sound;

    *h = (struct rf_probe_hello){.version = version, .has_share = true};
    h->server_name = rf_span_str(rf_probe_facts_name(&p->s->facts));
    n = version == TLS1_3_VERSION ? rf_probe_groups_13(&groups) : rf_probe_groups_12(&groups);
    offer_groups(p, groups, n);
    if (version >= TLS1_2_VERSION) {
        h->sigalg_count = rf_probe_sigalgs(&sigalgs, &sound);
        h->sigalg = sigalgs;
    }
}

static void
offer_versions(struct plan *p, int min, int max)
{
    size_t n = 0;

    p->hello->version = max;
    if (max < TLS1_3_VERSION)
        return;
    for (int v = max; v >= min && n < 4; v--)
        p->lists->versions[n++] = (uint16_t)v;
    p->hello->versions = p->lists->versions;
    p->hello->version_count = n;
}

static bool
is_member(const uint16_t *list, size_t n, uint16_t v)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == v)
            return true;
    return false;
}

static void
remove_member(uint16_t *list, uint16_t *n, uint16_t v)
{
    uint16_t kept = 0;

    for (uint16_t i = 0; i < *n; i++)
        if (list[i] != v)
            list[kept++] = list[i];
    *n = kept;
}

/* --- what each answer teaches, whatever was asked --- */

static void
learn_bit(enum rf_probe_answered *to, bool yes)
{
    if (*to != RF_PROBE_YES)
        *to = yes ? RF_PROBE_YES : RF_PROBE_NO;
}

static void
learn_dh(struct rf_probe_facts *f, const struct rf_probe_flight *flight)
{
    struct rf_span p = flight->dh_p, g = flight->dh_g;

    if (flight->dh_bits == 0 || (f->dh_bits != 0 && f->dh_bits <= flight->dh_bits))
        return;
    f->dh_bits = flight->dh_bits;
    while (p.n > 0 && p.p[0] == 0)
        p = rf_span_sub(p, 1, p.n);
    f->dh_p_n = 0;
    if (p.n <= sizeof f->dh_p) {
        memcpy(f->dh_p, p.p, p.n);
        f->dh_p_n = (uint16_t)p.n;
    }
    while (g.n > 0 && g.p[0] == 0)
        g = rf_span_sub(g, 1, g.n);
    f->dh_g = g.n == 1 ? (unsigned char)g.p[0] : 0;
}

static void
learn(struct rf_probe_facts *f, const struct rf_probe_flight *flight, const struct rf_probe_topic_state *t)
{
    size_t kept = flight->chain_count < RF_PROBE_CHAIN_MAX ? flight->chain_count : RF_PROBE_CHAIN_MAX;

    if (!flight->has_hello)
        return;
    f->has_hello |= flight->state == RF_FLIGHT_DONE;
    if (t->offered_count > 0 && !is_member(t->offered, t->offered_count, flight->suite))
        f->hello_names_unoffered = true;
    learn_dh(f, flight);
    f->has_explicit_curve |= flight->has_explicit_curve;
    learn_bit(&f->heartbeat, flight->has_heartbeat);
    if (flight->version < TLS1_3_VERSION) {
        if (flight->version > SSL3_VERSION) {
            learn_bit(&f->secure_renegotiation, flight->has_renegotiation_info);
            learn_bit(&f->extended_master_secret, flight->has_extended_master_secret);
            learn_bit(&f->encrypt_then_mac, flight->has_encrypt_then_mac);
        }
        if (kept > 0)
            rf_probe_facts_add_chain(f, flight->cert, kept, flight->chain_count);
    }
}

static bool
is_hello(const struct rf_probe_answer *a)
{
    return a->outcome == RF_OUTCOME_FLIGHT && a->flight->has_hello && a->flight->state == RF_FLIGHT_DONE;
}

/* --- FIRST --- */

/*
 * Hellos that some server of each decade answers: everything up to TLS 1.3, TLS 1.0 alone, SSL 3. One that refuses the
 * first with an alert may not like the name, so it is asked without one (FIRST_NO_NAME).
 */
#define FIRST_NO_NAME 3

static void
ask_first(struct plan *p)
{
    static const int version[] = {TLS1_3_VERSION, TLS1_VERSION, SSL3_VERSION, TLS1_3_VERSION};
    static const uint16_t common[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                                      0x009e, 0x009f, 0xc009, 0xc013, 0xc00a, 0xc014, 0x0033, 0x0039, 0x009c,
                                      0x009d, 0x003c, 0x002f, 0x0035, 0x000a, 0x0016, 0x0005, 0x0004};
    int highest = version[p->t->step];
    size_t from = highest == TLS1_3_VERSION ? 0 : 11; /* older ones choke on numbers they do not know */

    begin_hello(p, highest);
    if (highest == TLS1_3_VERSION)
        offer_versions(p, TLS1_VERSION, TLS1_3_VERSION);
    offer_suites(p, common + from, sizeof common / sizeof *common - from);
    if (p->t->step == FIRST_NO_NAME)
        p->hello->server_name = rf_span(NULL, 0);
}

static bool
take_first(struct rf_probe_scan *s, struct rf_probe_topic_state *t, const struct rf_probe_answer *a)
{
    struct rf_probe_facts *f = &s->facts;
    bool is_flight = a->outcome == RF_OUTCOME_FLIGHT;

    if (t->step == FIRST_NO_NAME) {
        f->name_is_refused = is_hello(a);
        return false;
    }
    if (is_flight && a->flight->state == RF_FLIGHT_NOT_TLS) {
        f->speaks_tls = RF_PROBE_NO;
        memcpy(f->said, a->flight->said, sizeof f->said);
        return false;
    }
    if (is_hello(a)) {
        f->speaks_tls = RF_PROBE_YES;
        return false;
    }
    if (is_flight && a->flight->state == RF_FLIGHT_ALERT) {
        f->speaks_tls = RF_PROBE_YES;
        snprintf(f->first_error, sizeof f->first_error, "it refuses every handshake (alert %s)",
                 rf_tls_alert_name(a->flight->alert));
        t->step = FIRST_NO_NAME;
        return f->name[0] != '\0';
    }
    if (a->outcome == RF_OUTCOME_CLOSED && ++t->step < FIRST_NO_NAME)
        return true;
    f->speaks_tls = RF_PROBE_NO;
    snprintf(f->first_error, sizeof f->first_error, "%s",
             a->outcome == RF_OUTCOME_CLOSED   ? "it closes the connection when a handshake begins"
             : a->outcome == RF_OUTCOME_SILENT ? "it takes the connection and does not answer a hello in time"
             : is_flight && a->flight->state == RF_FLIGHT_TOO_LONG
                 ? "its answer to a hello is longer than 128 kB"
             : is_flight ? "its answer to a hello is broken"
                         : "it cannot be connected to");
    return false;
}

/* --- versions and their suites --- */

static enum rf_probe_version
version_of(enum rf_probe_topic topic)
{
    return (enum rf_probe_version)(topic - RF_TOPIC_SSL3);
}

/* Suites number `chunk` of this version; false past the last. */
static bool
fill_chunk(struct rf_probe_topic_state *t, bool is_13)
{
    size_t skip = (size_t)t->chunk * (RF_PROBE_OFFER_MAX - 2);

    t->left_count = 0;
    for (size_t i = 0; i < rf_probe_suite_count(); i++) {
        uint16_t suite = rf_probe_suite(i);

        if (rf_probe_suite_is_13(suite) != is_13)
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        if (t->left_count < RF_PROBE_OFFER_MAX - 2)
            t->left[t->left_count++] = suite;
    }
    return t->left_count > 0;
}

static bool
ask_suites(struct plan *p, enum rf_probe_topic topic)
{
    int version = rf_probe_version_number(version_of(topic));

    if (p->t->left_count == 0 && !fill_chunk(p->t, version == TLS1_3_VERSION))
        return false;
    begin_hello(p, version);
    offer_suites(p, p->t->left, p->t->left_count);
    return true;
}

static bool
next_chunk(struct rf_probe_topic_state *t, bool is_13)
{
    t->chunk++;
    t->left_count = 0;
    return fill_chunk(t, is_13);
}

static bool
take_suites(struct rf_probe_scan *s, struct rf_probe_topic_state *t, enum rf_probe_topic topic,
            const struct rf_probe_answer *a)
{
    struct rf_probe_version_facts *v = &s->facts.version[version_of(topic)];
    int version = rf_probe_version_number(version_of(topic));
    bool is_13 = version == TLS1_3_VERSION;

    if (is_hello(a)) {
        const struct rf_probe_flight *flight = a->flight;

        if (flight->version != version) { /* it rolled back: it does not speak this one */
            if (v->is_spoken != RF_PROBE_YES)
                v->is_spoken = RF_PROBE_NO;
            return false;
        }
        v->is_spoken = RF_PROBE_YES;
        if (!is_member(t->left, t->left_count, flight->suite)) {
            v->is_incomplete = true;
            return false;
        }
        if (v->suite_count == RF_PROBE_SUITES_MAX) {
            v->is_incomplete = true;
            return false;
        }
        v->suite[v->suite_count++] = flight->suite;
        remove_member(t->left, &t->left_count, flight->suite);
        return t->left_count > 0 || next_chunk(t, is_13);
    }
    if (a->outcome == RF_OUTCOME_NO_ROOM || a->outcome == RF_OUTCOME_SILENT) {
        v->is_incomplete = true;
        return false;
    }
    if (v->is_spoken == RF_PROBE_UNKNOWN)
        v->is_spoken = RF_PROBE_NO;
    if (a->outcome == RF_OUTCOME_FLIGHT && a->flight->alert == SSL_AD_PROTOCOL_VERSION && v->suite_count == 0)
        return false;
    return next_chunk(t, is_13);
}

/* --- groups --- */

/* The newest version below 1.3 that is spoken with a suite of this key exchange; its suites, at most `max`. */
static int
version_with(const struct rf_probe_facts *f, enum rf_probe_kx kx, uint16_t *suites, size_t max, size_t *count)
{
    for (int v = RF_PROBE_TLS12; v >= RF_PROBE_TLS10; v--) {
        *count = 0;
        for (size_t i = 0; i < f->version[v].suite_count && *count < max; i++)
            if (rf_probe_suite_kx(f->version[v].suite[i]) == kx)
                suites[(*count)++] = f->version[v].suite[i];
        if (*count > 0)
            return rf_probe_version_number((enum rf_probe_version)v);
    }
    return 0;
}

/* Without a key share the server says in a retry which group it wants (RFC 8446 4.1.4). */
static bool
ask_groups13(struct plan *p)
{
    const struct rf_probe_version_facts *v = &p->s->facts.version[RF_PROBE_TLS13];
    const uint16_t *groups;

    if (v->suite_count == 0)
        return false;
    if (p->t->step == 0) {
        p->t->step = 1;
        p->t->left_count = (uint16_t)rf_probe_groups_13(&groups);
        memcpy(p->t->left, groups, p->t->left_count * sizeof *groups);
    }
    begin_hello(p, TLS1_3_VERSION);
    p->hello->has_share = false;
    offer_suites(p, v->suite, v->suite_count);
    offer_groups(p, p->t->left, p->t->left_count);
    return true;
}

/* `to` takes the group that was chosen; false: nothing new was learned. */
static bool
take_group(struct rf_probe_topic_state *t, const struct rf_probe_answer *a, uint16_t *to, uint16_t *count)
{
    if (!is_hello(a) || !is_member(t->left, t->left_count, a->flight->group) || *count == RF_PROBE_GROUPS_MAX)
        return false;
    to[(*count)++] = a->flight->group;
    remove_member(t->left, &t->left_count, a->flight->group);
    return t->left_count > 0;
}

/*
 * Below 1.3 the list of groups also says which curves the certificate may have (RFC 8422 5.1), so that a server with
 * a P-256 certificate refuses a hello without P-256. So when it refuses (step 2), the groups it took stand behind.
 */
static bool
ask_groups12(struct plan *p)
{
    struct rf_probe_facts *f = &p->s->facts;
    uint16_t suites[RF_PROBE_SUITES_MAX], groups[64];
    const uint16_t *all;
    size_t n, m = 0;
    int version = version_with(f, RF_KX_ECDHE, suites, RF_PROBE_SUITES_MAX, &n);

    if (version == 0)
        return false;
    if (p->t->step == 0) {
        p->t->step = 1;
        p->t->left_count = (uint16_t)rf_probe_groups_12(&all);
        memcpy(p->t->left, all, p->t->left_count * sizeof *all);
    }
    for (size_t i = 0; i < p->t->left_count && m < 64; i++)
        groups[m++] = p->t->left[i];
    for (size_t i = 0; i < f->group12_count && m < 64 && p->t->step == 2; i++)
        groups[m++] = f->group12[i];
    begin_hello(p, version);
    offer_suites(p, suites, n);
    offer_groups(p, groups, m);
    return true;
}

static bool
take_groups12(struct rf_probe_scan *s, struct rf_probe_topic_state *t, const struct rf_probe_answer *a)
{
    if (take_group(t, a, s->facts.group12, &s->facts.group12_count))
        return true;
    if (t->step == 1 && s->facts.group12_count > 0 && t->left_count > 0 && !is_hello(a)) {
        t->step = 2;
        return true;
    }
    return false;
}

/* --- whose order counts: the same two suites are offered in both orders --- */

static const struct rf_probe_version_facts *
version_for_order(const struct rf_probe_facts *f, enum rf_probe_topic topic)
{
    if (topic == RF_TOPIC_ORDER13)
        return &f->version[RF_PROBE_TLS13];
    for (int v = RF_PROBE_TLS12; v >= RF_PROBE_TLS10; v--)
        if (f->version[v].suite_count > 1)
            return &f->version[v];
    return &f->version[RF_PROBE_TLS12];
}

static bool
ask_order(struct plan *p, enum rf_probe_topic topic)
{
    const struct rf_probe_version_facts *v = version_for_order(&p->s->facts, topic);
    uint16_t two[2];

    if (v->suite_count < 2)
        return false;
    two[0] = v->suite[p->t->step];
    two[1] = v->suite[1 - p->t->step];
    begin_hello(p, rf_probe_version_number((enum rf_probe_version)(v - p->s->facts.version)));
    offer_suites(p, two, 2);
    return true;
}

static bool
take_order(struct rf_probe_scan *s, struct rf_probe_topic_state *t, enum rf_probe_topic topic,
           const struct rf_probe_answer *a)
{
    enum rf_probe_order *to = topic == RF_TOPIC_ORDER13 ? &s->facts.order13 : &s->facts.order12;

    if (!is_hello(a))
        return false;
    if (t->step == 0) {
        t->left[0] = a->flight->suite;
        t->step = 1;
        return true;
    }
    *to = a->flight->suite == t->left[0] ? RF_ORDER_SERVER : RF_ORDER_CLIENT;
    return false;
}

/* --- compression, fallback --- */

/* The n-th newest version that is spoken (0: the newest), below `below`; -1 none. */
static int
newest(const struct rf_probe_facts *f, int below)
{
    for (int v = below - 1; v >= 0; v--)
        if (f->version[v].suite_count > 0)
            return v;
    return -1;
}

static bool
ask_old(struct plan *p, enum rf_probe_topic topic)
{
    const struct rf_probe_facts *f = &p->s->facts;
    int v = newest(f, topic == RF_TOPIC_FALLBACK ? newest(f, RF_PROBE_VERSION_COUNT) : RF_PROBE_TLS13);

    if (v < 0)
        return false;
    begin_hello(p, rf_probe_version_number((enum rf_probe_version)v));
    offer_suites(p, f->version[v].suite, f->version[v].suite_count);
    p->hello->offers_deflate = topic == RF_TOPIC_DEFLATE;
    p->hello->is_fallback = topic == RF_TOPIC_FALLBACK;
    return true;
}

static bool
take_old(struct rf_probe_scan *s, enum rf_probe_topic topic, const struct rf_probe_answer *a)
{
    if (topic == RF_TOPIC_DEFLATE && is_hello(a))
        s->facts.deflate = a->flight->compression != 0 ? RF_PROBE_YES : RF_PROBE_NO;
    if (topic == RF_TOPIC_FALLBACK && a->outcome == RF_OUTCOME_FLIGHT)
        s->facts.fallback_guard = a->flight->alert == SSL_AD_INAPPROPRIATE_FALLBACK ? RF_PROBE_YES
                                  : is_hello(a)                                     ? RF_PROBE_NO
                                                                                    : RF_PROBE_UNKNOWN;
    return false;
}

/* --- the table of what is asked --- */

/* false: this topic has no further question. */
static bool
ask(struct plan *p, enum rf_probe_topic topic)
{
    switch (topic) {
    case RF_TOPIC_FIRST:
        ask_first(p);
        return true;
    case RF_TOPIC_SSL2:
        return p->t->asked == 0;
    case RF_TOPIC_SSL3:
    case RF_TOPIC_TLS10:
    case RF_TOPIC_TLS11:
    case RF_TOPIC_TLS12:
    case RF_TOPIC_TLS13:
        return ask_suites(p, topic);
    case RF_TOPIC_GROUPS13:
        return ask_groups13(p);
    case RF_TOPIC_GROUPS12:
        return ask_groups12(p);
    case RF_TOPIC_ORDER13:
    case RF_TOPIC_ORDER12:
        return ask_order(p, topic);
    case RF_TOPIC_DEFLATE:
    case RF_TOPIC_FALLBACK:
        return ask_old(p, topic);
    case RF_TOPIC_CAUSES:
        return rf_probe_cause_ask(p->s, p->hello, p->lists);
    default:
        return true; /* a conversation */
    }
}

static bool
take(struct rf_probe_scan *s, enum rf_probe_topic topic, const struct rf_probe_answer *a)
{
    struct rf_probe_topic_state *t = &s->topic[topic];

    switch (topic) {
    case RF_TOPIC_FIRST:
        return take_first(s, t, a);
    case RF_TOPIC_SSL2:
        s->facts.ssl2 = a->ssl2 != NULL && a->ssl2->is_hello ? RF_PROBE_YES : RF_PROBE_NO;
        s->facts.ssl2_ciphers = a->ssl2 != NULL ? a->ssl2->cipher_count : 0;
        return false;
    case RF_TOPIC_GROUPS13:
        return take_group(t, a, s->facts.group13, &s->facts.group13_count);
    case RF_TOPIC_GROUPS12:
        return take_groups12(s, t, a);
    case RF_TOPIC_ORDER13:
    case RF_TOPIC_ORDER12:
        return take_order(s, t, topic, a);
    case RF_TOPIC_DEFLATE:
    case RF_TOPIC_FALLBACK:
        return take_old(s, topic, a);
    case RF_TOPIC_CAUSES:
        return rf_probe_cause_take(s, a);
    default:
        return take_suites(s, t, topic, a);
    }
}

/* --- whose turn it is --- */

static uint32_t
done_topics(const struct rf_probe_scan *s)
{
    uint32_t done = 0;

    for (int i = 0; i < RF_TOPIC_COUNT; i++)
        done |= (uint32_t)s->topic[i].is_done << i;
    return done;
}

/* Its last question has been answered, or may not be asked any more. */
static void
finish(struct rf_probe_scan *s, enum rf_probe_topic topic)
{
    s->topic[topic].is_done = true;
    if (topic >= RF_TOPIC_SSL3 && topic <= RF_TOPIC_TLS13 && s->is_ended)
        s->facts.version[version_of(topic)].is_incomplete = true;
    /* What does not speak TLS is asked about SSL 2 and then left alone. */
    if (topic == RF_TOPIC_FIRST && s->facts.speaks_tls != RF_PROBE_YES)
        for (int i = 0; i < RF_TOPIC_COUNT; i++)
            s->topic[i].is_done |= i != RF_TOPIC_SSL2 || s->facts.said[0] != '\0';
}

enum rf_err
rf_probe_scan_next(struct rf_probe_scan *s, enum rf_probe_topic *topic, struct rf_probe_hello *hello,
                   struct rf_probe_lists *lists)
{
    bool any_busy = false;

    for (int i = 0; i < RF_TOPIC_COUNT; i++) {
        struct rf_probe_topic_state *t = &s->topic[i];
        struct plan p = {s, t, hello, lists};

        any_busy |= t->is_busy;
        if (t->is_done || t->is_busy || (topics[i].before & ~done_topics(s)) != 0)
            continue;
        memset(hello, 0, sizeof *hello);
        if (s->is_ended || !ask(&p, (enum rf_probe_topic)i)) {
            finish(s, (enum rf_probe_topic)i);
            i = -1; /* others may have waited for it */
            any_busy = false;
            continue;
        }
        t->offered_count = (uint16_t)hello->suite_count;
        if (hello->suite_count > 0)
            memcpy(t->offered, hello->suite, hello->suite_count * sizeof *hello->suite);
        t->is_busy = true;
        *topic = (enum rf_probe_topic)i;
        return RF_OK;
    }
    return any_busy ? RF_ERR_AGAIN : RF_ERR_NOT_FOUND;
}

void
rf_probe_scan_take(struct rf_probe_scan *s, enum rf_probe_topic topic, const struct rf_probe_answer *a)
{
    struct rf_probe_topic_state *t = &s->topic[topic];
    bool is_doubtful = (a->outcome == RF_OUTCOME_CLOSED || a->outcome == RF_OUTCOME_SILENT) && !s->is_ended &&
                       topic != RF_TOPIC_FIRST && topic != RF_TOPIC_SSL2;
    bool goes_on;

    t->is_busy = false;
    t->asked++;
    s->facts.connections++;
    if (a->outcome == RF_OUTCOME_NO_ROOM)
        s->facts.failed_connections++;
    if (a->outcome == RF_OUTCOME_FLIGHT && a->flight != NULL)
        learn(&s->facts, a->flight, t);
    /* A server that is busy closes, or is slow, as one that refuses: ask once more before it is believed. */
    if (is_doubtful && !t->was_repeated) {
        t->was_repeated = true;
        goes_on = true;
    } else {
        t->was_repeated = false;
        goes_on = take(s, topic, a);
    }
    if (goes_on && t->asked >= topics[topic].most && topic >= RF_TOPIC_SSL3 && topic <= RF_TOPIC_TLS13)
        s->facts.version[version_of(topic)].is_incomplete = true;
    if (!goes_on || t->asked >= topics[topic].most)
        finish(s, topic);
}

void
rf_probe_scan_done(struct rf_probe_scan *s, enum rf_probe_topic topic, unsigned connections)
{
    s->topic[topic].is_busy = false;
    s->topic[topic].asked = (uint16_t)connections;
    s->facts.connections += connections;
    finish(s, topic);
}

void
rf_probe_scan_end(struct rf_probe_scan *s)
{
    s->is_ended = true;
}
