#include "probe/cause.h"

#include <openssl/ssl.h>

#include "probe/suites.h"

/* What can be widened. */
enum { W_SUITE = 1, W_GROUP = 2, W_SIGNATURE = 4, W_NAME = 8, W_ALL = 15 };

static const struct {
    unsigned wide;
    enum rf_tls_cause cause;
} single[] = {
    {W_SUITE, RF_TLS_CAUSE_SUITE},
    {W_GROUP, RF_TLS_CAUSE_GROUP},
    {W_SIGNATURE, RF_TLS_CAUSE_SIGNATURE},
    {W_NAME, RF_TLS_CAUSE_SERVER_NAME},
};
#define SINGLES (sizeof single / sizeof *single)

/* Steps: our own hello; one thing widened (1 to 4); all widened (5); all but one (6 to 9). */
#define STEP_ALL (1 + SINGLES)
#define STEP_END (STEP_ALL + 1 + SINGLES)

static unsigned
width_of(unsigned step)
{
    if (step == 0)
        return 0;
    if (step <= SINGLES)
        return single[step - 1].wide;
    return step == STEP_ALL ? W_ALL : W_ALL & ~single[step - STEP_ALL - 1].wide;
}

static bool
in_level(rf_tls_level_set set, enum rf_tls_level level)
{
    return (set >> level & 1) != 0;
}

/* Is there a version that both speak? */
static enum rf_probe_answered
lacks_version(const struct rf_probe_facts *f, enum rf_tls_level level)
{
    enum rf_probe_answered lacks = RF_PROBE_UNKNOWN;

    for (int v = 0; v < RF_PROBE_VERSION_COUNT; v++) {
        if (f->version[v].suite_count == 0)
            continue;
        if (in_level(rf_tls_levels_with_version(rf_probe_version_number((enum rf_probe_version)v)), level))
            return RF_PROBE_NO;
        lacks = RF_PROBE_YES;
    }
    return lacks;
}

/* What the handshake of our client at this level showed. */
static void
take_handshake(struct rf_probe_facts *f)
{
    struct rf_probe_causes *c = &f->causes;
    const struct rf_tls_failure *failure = &f->level[c->level].failure;
    bool wants = false;

    for (size_t i = 0; i < failure->cause_count; i++)
        wants |= failure->cause[i] == RF_TLS_CAUSE_CLIENT_CERT;
    c->cause[RF_TLS_CAUSE_PLAIN_PORT] = RF_PROBE_NO;
    c->cause[RF_TLS_CAUSE_VERSION] = lacks_version(f, c->level);
    c->cause[RF_TLS_CAUSE_DH] = failure->refusal == RF_REFUSE_TLS_DH_SMALL ? RF_PROBE_YES : RF_PROBE_NO;
    c->cause[RF_TLS_CAUSE_CLIENT_CERT] = wants && f->talk.asks_certificate == RF_PROBE_YES ? RF_PROBE_YES
                                         : f->talk.asks_certificate == RF_PROBE_NO         ? RF_PROBE_NO
                                                                                           : RF_PROBE_UNKNOWN;
    if (failure->refusal == RF_REFUSE_TLS_LEGACY_SIGNATURE)
        c->cause[RF_TLS_CAUSE_SIGNATURE] = RF_PROBE_YES;
}

static bool
is_explained(const struct rf_probe_causes *c)
{
    for (int i = 0; i < RF_TLS_CAUSE_COUNT; i++)
        if (c->cause[i] == RF_PROBE_YES)
            return true;
    return false;
}

static size_t
add_suite(uint16_t *to, size_t n, uint16_t suite)
{
    for (size_t i = 0; i < n; i++)
        if (to[i] == suite)
            return n;
    if (n < RF_PROBE_OFFER_MAX)
        to[n++] = suite;
    return n;
}

/* What the level has stands first. Widened: what the peer was seen to take, then as much as one hello holds. */
static size_t
suites_of(const struct rf_probe_facts *f, bool wide, uint16_t *to)
{
    size_t n = 0;

    for (size_t i = 0; i < rf_probe_suite_count(); i++)
        if (in_level(rf_tls_levels_with_suite(rf_probe_suite(i)), f->causes.level))
            n = add_suite(to, n, rf_probe_suite(i));
    for (int v = RF_PROBE_VERSION_COUNT - 1; v >= 0 && wide; v--)
        for (size_t i = 0; i < f->version[v].suite_count; i++)
            n = add_suite(to, n, f->version[v].suite[i]);
    for (size_t i = 0; i < rf_probe_suite_count() && wide; i++)
        n = add_suite(to, n, rf_probe_suite(i));
    return n;
}

static size_t
groups_of(enum rf_tls_level level, bool wide, uint16_t *to)
{
    const uint16_t *all[2];
    size_t count[2] = {rf_probe_groups_13(&all[0]), rf_probe_groups_12(&all[1])}, n = 0;

    for (size_t list = 0; list < 2; list++) {
        for (size_t i = 0; i < count[list] && n < 64; i++) {
            uint16_t group = all[list][i];
            bool is_there = false;

            for (size_t k = 0; k < n; k++)
                is_there |= to[k] == group;
            if (is_there || (!wide && !in_level(rf_tls_levels_with_group(group), level)))
                continue;
#if OPENSSL_VERSION_NUMBER < 0x30500000L
            if (!wide && group >= 4587) /* our client leaves out what its library does not have */
                continue;
#endif
            to[n++] = group;
        }
    }
    return n;
}

static void
begin(struct rf_probe_scan *s)
{
    s->facts.causes.is_asked = true;
    take_handshake(&s->facts);
}

bool
rf_probe_cause_ask(struct rf_probe_scan *s, struct rf_probe_hello *hello, struct rf_probe_lists *lists)
{
    struct rf_probe_topic_state *t = &s->topic[RF_TOPIC_CAUSES];
    const enum rf_tls_level level = s->facts.causes.level;
    const struct rf_tls_level_row *row = rf_tls_level_row(level);
    const uint16_t *sigalgs;
    size_t sound, all;
    unsigned wide = width_of(t->step);

    if (!s->facts.level[level].is_asked || s->facts.level[level].is_up)
        return false;
    if (t->asked == 0)
        begin(s);
    if (s->facts.causes.cause[RF_TLS_CAUSE_VERSION] == RF_PROBE_YES ||
        s->facts.causes.cause[RF_TLS_CAUSE_DH] == RF_PROBE_YES || t->step >= STEP_END) {
        s->facts.causes.is_explained = is_explained(&s->facts.causes);
        return false;
    }
    *hello = (struct rf_probe_hello){.version = row->max_version, .has_share = true};
    for (int v = row->max_version; v >= row->min_version && hello->version_count < 4; v--)
        lists->versions[hello->version_count++] = (uint16_t)v;
    hello->versions = lists->versions;
    hello->suite = lists->suites;
    hello->suite_count = suites_of(&s->facts, (wide & W_SUITE) != 0, lists->suites);
    hello->group = lists->groups;
    hello->group_count = groups_of(level, (wide & W_GROUP) != 0, lists->groups);
    all = rf_probe_sigalgs(&sigalgs, &sound);
    hello->sigalg = sigalgs;
    hello->sigalg_count = (wide & W_SIGNATURE) != 0 || row->min_version < TLS1_2_VERSION ? all : sound;
    if ((wide & W_NAME) == 0)
        hello->server_name = rf_span_str(s->facts.name);
    return true;
}

static void
rule_out(struct rf_probe_causes *c)
{
    for (size_t i = 0; i < SINGLES; i++)
        if (c->cause[single[i].cause] == RF_PROBE_UNKNOWN)
            c->cause[single[i].cause] = RF_PROBE_NO;
}

bool
rf_probe_cause_take(struct rf_probe_scan *s, const struct rf_probe_answer *a)
{
    struct rf_probe_topic_state *t = &s->topic[RF_TOPIC_CAUSES];
    struct rf_probe_causes *c = &s->facts.causes;
    bool is_answered = a->outcome == RF_OUTCOME_FLIGHT && a->flight->has_hello;
    unsigned step = t->step++;

    if (a->outcome == RF_OUTCOME_NO_ROOM || a->outcome == RF_OUTCOME_SILENT)
        t->step = STEP_END;
    else if (step == 0 && is_answered) { /* it agreed to our hello: what fails comes after */
        rule_out(c);
        t->step = STEP_END;
    } else if (step >= 1 && step <= SINGLES) {
        c->cause[single[step - 1].cause] = is_answered ? RF_PROBE_YES : RF_PROBE_UNKNOWN;
        if (step == SINGLES && is_explained(c)) {
            rule_out(c);
            t->step = STEP_END;
        }
    } else if (step == STEP_ALL && !is_answered) {
        t->step = STEP_END; /* it answers none of them: nothing can be said */
    } else if (step > STEP_ALL) {
        c->cause[single[step - STEP_ALL - 1].cause] = is_answered ? RF_PROBE_NO : RF_PROBE_YES;
    }
    c->is_explained = is_explained(c);
    return t->step < STEP_END;
}
