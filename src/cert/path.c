/*
 * Invariants of the search:
 * (P1) A certificate stands in a path only when its signature was verified with the key of the next one, or when it
 *      is the anchor: itself in the store.
 * (P2) No subject stands in a path twice with the same key, so that cross-signed authorities cannot go in circles.
 * (P3) Every issuer that is looked at counts towards RF_CHECK_PATHS_MAX, whatever becomes of it.
 * (P4) Each pair of certificate and issuer is verified once.
 */
#include "cert/path.h"

#include <openssl/err.h>
#include <stdio.h>

/* A signature that was checked (P4). */
struct pair {
    const struct rf_part *cert, *issuer;
    bool is_good;
};

struct search {
    const struct rf_part *sent;
    size_t sent_count;
    const struct rf_trust *trust;
    unsigned depth;
    int64_t now_s;
    unsigned tries, sent_tries;
    struct pair pair[RF_CHECK_PATHS_MAX];
    size_t pairs;
    const struct rf_part *part[RF_PATH_MAX]; /* the path as it stands */
    size_t count;
    struct rf_path *best; /* how far the best try came, and why it ended */
};

/* --- what went wrong --- */

/* Of two ends the longer path counts, and at the same length the fault that needed more to be found. */
__attribute__((format(printf, 3, 4))) static bool
fail(struct search *s, enum rf_path_fault fault, const char *format, ...)
{
    struct rf_path *best = s->best;
    va_list ap;

    if (s->count < best->count || (s->count == best->count && fault <= best->fault))
        return false;
    best->fault = fault;
    best->count = s->count;
    memcpy(best->part, s->part, s->count * sizeof s->part[0]);
    va_start(ap, format);
    vsnprintf(best->detail, sizeof best->detail, format, ap);
    va_end(ap);
    return false;
}

static const char *
name_of(const struct rf_part *p, char text[static 96])
{
    rf_part_subject(p, text, 96);
    return text;
}

/* --- one issuer --- */

static bool
is_verified(struct search *s, const struct rf_part *p, const struct rf_part *issuer, bool is_sent)
{
    struct pair *pair;

    for (size_t i = 0; i < s->pairs; i++)
        if (s->pair[i].cert == p && s->pair[i].issuer == issuer)
            return s->pair[i].is_good;
    if (!issuer->can_verify || s->pairs == RF_CHECK_PATHS_MAX ||
        (is_sent && s->sent_tries == RF_PATH_SENT_TRIES_MAX))
        return false;
    s->sent_tries += is_sent;
    pair = &s->pair[s->pairs++];
    *pair = (struct pair){ p, issuer, X509_verify(p->x, X509_get0_pubkey(issuer->x)) == 1 };
    ERR_clear_error();
    return pair->is_good;
}

/* May this certificate sign others? A root of version 1 has no extensions to say so; being in the store does. */
static bool
may_sign(const struct rf_part *p, bool is_anchor)
{
    if (p->has_key_usage && (p->key_usage & X509v3_KU_KEY_CERT_SIGN) == 0)
        return false;
    if (p->has_basic)
        return p->is_ca;
    return is_anchor && (p->is_v1 || (p->has_key_usage && (p->key_usage & X509v3_KU_KEY_CERT_SIGN) != 0));
}

/* Intermediates below the next place that count for a path length: those that others issued (RFC 5280 6.1.4 l). */
static long
length_below(const struct search *s)
{
    long n = 0;

    for (size_t i = 1; i < s->count; i++)
        n += !s->part[i]->is_self_issued;
    return n;
}

/* What RFC 5280 asks of an issuer at the end of the path as it stands. */
static bool
is_fit(struct search *s, const struct rf_part *p, bool is_anchor)
{
    char name[96], when[40], why[128];

    name_of(p, name);
    if (!may_sign(p, is_anchor))
        return fail(s, RF_PATH_NOT_VALID, "%s may not sign certificates", name);
    if (p->is_malformed)
        return fail(s, RF_PATH_NOT_VALID, "%s has an extension that cannot be read", name);
    if (!p->has_times || p->not_before > s->now_s || p->not_after < s->now_s) {
        bool is_early = p->has_times && p->not_before > s->now_s;

        rf_part_time_text(is_early ? p->not_before : p->not_after, when, sizeof when);
        return fail(s, RF_PATH_NOT_VALID, "%s %s %s", name, is_early ? "starts" : "ended", when);
    }
    if (p->unknown_critical[0] != '\0')
        return fail(s, RF_PATH_NOT_VALID, "%s has the critical extension %s", name, p->unknown_critical);
    if (p->key_strength < RF_STRENGTH_RSA_1024)
        return fail(s, RF_PATH_NOT_VALID, "%s has a key of %s %d", name, p->key_kind, p->key_bits);
    if (p->path_len >= 0 && length_below(s) > p->path_len)
        return fail(s, RF_PATH_NOT_VALID, "%s allows %ld authorities below it, here are %ld", name,
                    p->path_len, length_below(s));
    for (size_t i = 0; p->constraints != NULL && i < s->count; i++)
        if ((i == 0 || !s->part[i]->is_self_issued) &&
            !rf_constraint_is_kept(s->part[i], p->constraints, why, sizeof why))
            return fail(s, RF_PATH_NOT_VALID, "%s may not sign for %s", name, why);
    return true;
}

static bool
is_in_path(const struct search *s, const struct rf_part *p)
{
    for (size_t i = 0; i < s->count; i++)
        if (memcmp(s->part[i]->spki, p->spki, sizeof p->spki) == 0 &&
            X509_NAME_cmp(X509_get_subject_name(s->part[i]->x), X509_get_subject_name(p->x)) == 0)
            return true;
    return false;
}

/* --- the search --- */

/* Policies (RFC 5280 6.1.3 to 6.1.5) matter only when somebody requires one; we ask for no certain one. */
static bool
has_policy(struct search *s)
{
    bool is_wanted = false;
    STACK_OF(X509) * certs;
    STACK_OF(ASN1_OBJECT) * any;
    X509_POLICY_TREE *tree = NULL;
    int explicit_policy = 0, got;

    for (size_t i = 0; i < s->count; i++)
        is_wanted |= s->part[i]->wants_policies;
    if (!is_wanted)
        return true;
    certs = sk_X509_new_null();
    for (size_t i = 0; certs != NULL && i < s->count; i++)
        if (sk_X509_push(certs, s->part[i]->x) <= 0)
            break;
    any = sk_ASN1_OBJECT_new_null(); /* the policies that we ask for; constant objects, so not freed */
    got = certs != NULL && sk_X509_num(certs) == (int)s->count && any != NULL &&
                  sk_ASN1_OBJECT_push(any, OBJ_nid2obj(NID_any_policy)) > 0
              ? X509_policy_check(&tree, &explicit_policy, certs, any, 0)
              : 0;
    X509_policy_tree_free(tree);
    sk_ASN1_OBJECT_free(any);
    sk_X509_free(certs);
    ERR_clear_error();
    return got == 1 ||
           fail(s, RF_PATH_NOT_VALID, "an authority requires a policy that the path does not have");
}

static bool climb(struct search *s);

/* One issuer at the end of the path: does the path go on through it to an anchor? */
static bool
climb_through(struct search *s, const struct rf_part *p, bool is_anchor, bool is_sent)
{
    char name[96];
    bool is_found;

    if (s->tries == RF_CHECK_PATHS_MAX || is_in_path(s, p))
        return false;
    s->tries++;
    if (!is_verified(s, s->part[s->count - 1], p, is_sent))
        return fail(s, RF_PATH_BAD_SIGNATURE, "the key of %s does not verify it", name_of(p, name));
    if (!is_fit(s, p, is_anchor))
        return false;
    s->part[s->count++] = p;
    is_found = is_anchor ? has_policy(s) : climb(s);
    if (!is_found)
        s->count--;
    return is_found;
}

static bool
is_anchor_entry(const struct rf_trust *t, int i)
{
    const struct rf_trust_entry *e = rf_trust_entry(t, (size_t)i);

    return e->use == RF_TRUST_ANCHOR || e->is_marked_anchor;
}

static bool
climb_store(struct search *s, enum rf_part_fit fit, bool anchors)
{
    const struct rf_part *last = s->part[s->count - 1];
    const X509_NAME *issuer = X509_get_issuer_name(last->x);

    for (int i = rf_trust_next(s->trust, issuer, -1); i >= 0; i = rf_trust_next(s->trust, issuer, i)) {
        const struct rf_part *p = rf_trust_part(s->trust, (size_t)i);

        if (is_anchor_entry(s->trust, i) == anchors && rf_part_fit(last, p) == fit &&
            climb_through(s, p, anchors, false))
            return true;
    }
    return false;
}

static bool
climb_sent(struct search *s, enum rf_part_fit fit)
{
    const struct rf_part *last = s->part[s->count - 1];

    for (size_t i = 1; i < s->sent_count; i++) {
        const struct rf_part *p = &s->sent[i];

        /* What is in the store as well is taken from there, with what the store says of it. */
        if (rf_part_fit(last, p) == fit && rf_trust_index(s->trust, p) < 0 &&
            X509_NAME_cmp(X509_get_issuer_name(last->x), X509_get_subject_name(p->x)) == 0 &&
            climb_through(s, p, false, true))
            return true;
    }
    return false;
}

/* From the last certificate of the path on. True: s->part ends at an anchor. */
static bool
climb(struct search *s)
{
    const struct rf_part *last = s->part[s->count - 1];

    if (last->has_weak_signature)
        return fail(s, RF_PATH_WEAK_SIGNATURE, "it is signed with %s", last->signature);
    if (s->count - 1 > s->depth || s->count == RF_PATH_MAX)
        return fail(s, RF_PATH_NOT_VALID, "it is too deep: there are more than %u certificates between it and its root",
                    s->depth);
    if (last->is_self_issued && is_verified(s, last, last, true))
        return fail(s, RF_PATH_UNKNOWN_ROOT, "its root is not in the store");
    for (int fit = 0; fit < RF_PART_FIT_COUNT; fit++)
        if (climb_store(s, (enum rf_part_fit)fit, true) || climb_sent(s, (enum rf_part_fit)fit) ||
            climb_store(s, (enum rf_part_fit)fit, false))
            return true;
    if (s->tries == RF_CHECK_PATHS_MAX)
        return fail(s, RF_PATH_NOT_VALID, "%d issuers of the same name were tried", RF_CHECK_PATHS_MAX);
    return fail(s, RF_PATH_NO_ISSUER, "nobody has its issuer");
}

void
rf_path_find(struct rf_path *out, const struct rf_part *sent, size_t sent_count, const struct rf_trust *trust,
             unsigned depth, int64_t now_s)
{
    struct search s = { .sent = sent,
                        .sent_count = sent_count,
                        .trust = trust,
                        .depth = depth,
                        .now_s = now_s,
                        .count = 1,
                        .best = out };
    int copy = rf_trust_index(trust, &sent[0]);

    memset(out, 0, sizeof *out);
    s.part[0] = &sent[0];
    if (sent[0].is_malformed) {
        fail(&s, RF_PATH_NOT_VALID, "it has an extension that cannot be read");
        return;
    }
    /* The leaf is itself an anchor: a self-signed certificate that was put into the store, or marked there. */
    if ((copy >= 0 && is_anchor_entry(trust, copy)) || climb(&s)) {
        out->fault = RF_PATH_OK;
        out->detail[0] = '\0';
        out->count = s.count;
        memcpy(out->part, s.part, s.count * sizeof s.part[0]);
    }
}
