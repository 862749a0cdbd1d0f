/*
 * policy/srtp_policy.c - offers and answers against the setting `srtp`
 *
 * Invariants, tested over every combination of inputs in srtp_policy_test.c:
 * (P1) Where SRTP is required (mode, or platform hosted) nothing is accepted that is not encrypted, or (P5).
 * (P2) Whatever is accepted as encrypted has a key of theirs and a suite that encrypts and is of our list (or
 *      NULL_AUTH where its switch is on).
 * (P3) An answer is accepted as encrypted only with a tag, its suite and its session parameters that we offered.
 * (P4) A key of ours never equals one of theirs.
 * (P5) A line that leaves something in clear (UNENCRYPTED_...) is chosen only where its switch is on, never on platform
 *      hosted, and when no line encrypts; all of it is authenticated (TEL-29).
 */
#include "policy/srtp_policy.h"

#include <stdio.h>

#include "base/secret.h"

static bool
is_required(const struct rf_srtp_policy *p)
{
    return p->mode == RF_SRTP_REQUIRED || p->hosted;
}

static bool
may_carry_keys(const struct rf_srtp_policy *p)
{
    return p->transport_secure || !(p->hosted || p->strict_transport);
}

/* May media be protected with it here? NULL_AUTH needs no place in the list: its switch is enough (TEL-30). */
static bool
is_usable(const struct rf_srtp_policy *p, const struct rf_srtp_suite *suite)
{
    if (suite->has_null_cipher)
        return false;
    if (suite->has_null_auth)
        return p->allow_null_auth && !p->hosted;
    for (size_t i = 0; i < p->suite_count; i++)
        if (p->suite[i] == suite->id)
            return true;
    return false;
}

static void
detail_set(struct rf_srtp_decision *out, const char *text)
{
    snprintf(out->detail, sizeof out->detail, "%s", text);
}

static void
refuse(struct rf_srtp_decision *out, enum rf_refusal refusal, const char *detail)
{
    out->refusal = refusal;
    out->encrypted = false;
    detail_set(out, detail);
}

/* "A, B" into a C string; what does not fit is left out whole. */
static void
name_add(char *list, size_t size, const char *name)
{
    size_t n = strlen(list), more = strlen(name) + (n > 0 ? 2 : 0);

    if (n + more < size)
        snprintf(list + n, size - n, "%s%s", n > 0 ? ", " : "", name);
}

static void
name_ours(const struct rf_srtp_policy *p, struct rf_srtp_decision *out)
{
    for (size_t i = 0; i < p->suite_count; i++) {
        const struct rf_srtp_suite *suite = rf_srtp_suite(p->suite[i]);

        if (suite != NULL && is_usable(p, suite))
            name_add(out->ours, sizeof out->ours, suite->name);
    }
    if (out->ours[0] == '\0')
        name_add(out->ours, sizeof out->ours, "no suite");
}

/* (P5) */
static const char *
clear_problem(const struct rf_srtp_policy *p, const struct rf_crypto_line *line)
{
    if (line->clear == 0)
        return NULL;
    if (!p->allow_unencrypted || p->hosted)
        return "it asks for packets that are not encrypted";
    if (line->suite->has_null_auth)
        return "it asks for packets that are neither encrypted nor authenticated";
    if (!rf_srtp_suite_may_be_clear(line->suite, line->clear))
        return "its suite has no SRTP that is not encrypted (RFC 7714 8.2)";
    return NULL;
}

/* What an a=crypto line of a known suite leads to, before that is compared with others. */
static const char *
line_problem(const struct rf_srtp_policy *p, const struct rf_crypto_line *line)
{
    if (line->unauthenticated_srtp)
        return "it asks for packets that are not authenticated";
    if (clear_problem(p, line) != NULL)
        return clear_problem(p, line);
    if (line->has_unknown_mandatory_param)
        return "it has a mandatory parameter that is not known here";
    if (line->fec_or_kdr)
        return "key derivation rates and forward error correction are not supported";
    return NULL;
}

static void
take_line(struct rf_srtp_decision *out, const struct rf_crypto_line *line)
{
    out->encrypted = true;
    out->tag = line->tag;
    out->suite = line->suite;
    out->their_key_count = line->key_count;
    memcpy(out->their_key, line->key, sizeof out->their_key);
    out->clear = line->clear;
    out->weak = line->suite->has_null_auth || line->suite->srtp_tag == 4 || line->clear != 0;
}

static void
drop_line(struct rf_srtp_decision *out)
{
    out->encrypted = out->weak = false;
    out->clear = 0;
    out->suite = NULL;
    out->their_key_count = 0;
    rf_wipe(out->their_key, sizeof out->their_key);
}

/* Keys went over a transport where they can be read (TEL-12). */
static void
check_transport(const struct rf_srtp_policy *p, struct rf_srtp_decision *out)
{
    if (p->transport_secure)
        return;
    out->keys_in_clear = true;
    if (may_carry_keys(p))
        return;
    refuse(out, RF_REFUSE_KEYS_IN_CLEAR, "");
    drop_line(out);
}

/* Lines that are taken only for want of better ones, in whatever order they came; 0: none of these. */
static unsigned
last_resort(const struct rf_srtp_suite *suite, uint8_t clear)
{
    return (clear & RF_SRTP_CLEAR_RTP) != 0 ? 3 : (clear & RF_SRTP_CLEAR_RTCP) != 0 ? 2 : suite->has_null_auth ? 1 : 0;
}

/* Than what was taken so far. */
static bool
is_stronger(const struct rf_srtp_policy *p, const struct rf_crypto_line *line, const struct rf_srtp_decision *than)
{
    unsigned mine = last_resort(line->suite, line->clear), theirs;

    if (than->suite == NULL)
        return true;
    theirs = last_resort(than->suite, than->clear);
    if (mine != theirs)
        return mine < theirs;
    return !p->offerer_order && line->suite->strength > than->suite->strength;
}

/* What was found in the a=crypto lines of an offer. */
struct lines {
    size_t count, unusable; /* lines; of these: broken, or with parameters that are refused */
    bool tag_twice;
    size_t tag_count;       /* lines that could be read */
    uint32_t tag[RF_CRYPTO_LINES_MAX];
    uint32_t bad_tag;       /* of the first unusable line, 0 when it could not be read */
    const char *why;        /* what is wrong with it */
};

static void
tag_note(struct lines *l, uint32_t tag)
{
    for (size_t i = 0; i < l->tag_count; i++)
        if (l->tag[i] == tag) {
            l->tag_twice = true;
            l->bad_tag = tag;
        }
    l->tag[l->tag_count++] = tag;
}

static void
line_refused(struct lines *l, uint32_t tag, const char *why)
{
    if (l->unusable++ == 0) {
        l->bad_tag = tag;
        l->why = why;
    }
}

/*
 * Looks at every line of the offer and takes the best (RFC 4568 5.1.2, 7.1.2). A line that is broken or cannot be
 * honoured is passed over. Lines beyond RF_CRYPTO_LINES_MAX are not looked at.
 */
static void
offer_lines(const struct rf_srtp_policy *p, const struct rf_sdp *s, const struct rf_sdp_media *m, struct lines *l,
            struct rf_srtp_decision *out)
{
    struct rf_crypto_line line;

    for (size_t i = m->attr_from; i < m->attr_from + m->attr_count; i++) {
        const char *why = NULL;
        enum rf_err err;

        if (!rf_span_is(s->attr[i].name, "crypto"))
            continue;
        if (l->count == RF_CRYPTO_LINES_MAX) {
            out->skipped++;
            continue;
        }
        l->count++;
        err = rf_crypto_line_parse(s->attr[i].value, &line, &why);
        if (err == RF_OK)
            tag_note(l, line.tag);
        if (err == RF_OK && line.suite != NULL) {
            why = line_problem(p, &line);
            name_add(out->theirs, sizeof out->theirs, line.suite->name);
        }
        if (why != NULL)
            line_refused(l, line.tag, why);
        if (why != NULL || line.suite == NULL || !is_usable(p, line.suite))
            out->skipped++;
        else if (is_stronger(p, &line, out))
            take_line(out, &line);
    }
    rf_wipe(&line, sizeof line);
}

/* Does their stream speak RTP at all? Fills in out->profile. */
static bool
stream_begin(const struct rf_sdp *s, int stream, struct rf_srtp_decision *out)
{
    const struct rf_sdp_media *m;

    memset(out, 0, sizeof *out);
    if (stream < 0 || (size_t)stream >= s->media_count || s->media[stream].port == 0) {
        refuse(out, RF_REFUSE_BAD_SDP, "there is no audio stream that is on");
        return false;
    }
    m = &s->media[stream];
    snprintf(out->profile, sizeof out->profile, "%.*s", RF_SPAN_ARG(m->profile_text));
    if (m->profile == RF_PROFILE_OTHER) {
        refuse(out, RF_REFUSE_BAD_SDP, "the transport of the audio stream is not RTP");
        return false;
    }
    return true;
}

static bool
is_dtls(enum rf_sdp_profile p)
{
    return p == RF_UDP_TLS_RTP_SAVP || p == RF_UDP_TLS_RTP_SAVPF;
}

static enum rf_sdp_profile
answer_profile(const struct rf_srtp_policy *p, enum rf_sdp_profile offered, bool encrypted)
{
    if (!encrypted || !p->answer_savp)
        return offered;
    return offered == RF_RTP_AVP ? RF_RTP_SAVP : offered == RF_RTP_AVPF ? RF_RTP_SAVPF : offered;
}

/* An offer without a line that we can take: plain RTP where that is allowed, a refusal otherwise. */
static void
offer_without_key(const struct rf_srtp_policy *p, enum rf_sdp_profile profile, const struct lines *l,
                  struct rf_srtp_decision *out)
{
    /* RFC 8643 3.2: under RTP/AVP suites are an invitation, and plain RTP is the answer that declines it. */
    if (!rf_sdp_profile_is_secure(profile) && !is_required(p))
        return;
    if (l->count == 0) {
        refuse(out, rf_sdp_profile_is_secure(profile) ? RF_REFUSE_PROFILE_MISMATCH : RF_REFUSE_CRYPTO_MISSING,
               is_dtls(profile) ? "DTLS-SRTP is not spoken here" : "");
    } else if (l->unusable > 0) {
        out->tag = l->bad_tag;
        refuse(out, RF_REFUSE_BAD_CRYPTO_LINE, l->why);
    } else {
        if (out->theirs[0] == '\0')
            name_add(out->theirs, sizeof out->theirs, "only suites that are not known here");
        name_ours(p, out);
        refuse(out, RF_REFUSE_NO_COMMON_SUITE, "");
    }
}

void
rf_srtp_offer_in(const struct rf_srtp_policy *p, const struct rf_sdp *offer, int stream,
                 struct rf_srtp_decision *out)
{
    struct lines l = { .why = "" };
    const struct rf_sdp_media *m;

    if (!stream_begin(offer, stream, out))
        return;
    m = &offer->media[stream];
    /* a=crypto belongs to the RTP profiles of RFC 4568 12.1; DTLS-SRTP brings its keys itself. */
    if (!is_dtls(m->profile))
        offer_lines(p, offer, m, &l, out);
    if (l.tag_twice) {
        /* RFC 4568 4.1: tags are unique, so an answer could not say which line it means. */
        drop_line(out);
        out->tag = l.bad_tag;
        refuse(out, RF_REFUSE_BAD_CRYPTO_LINE, "the tag stands on two lines");
        return;
    }
    if (out->encrypted)
        check_transport(p, out);
    else
        offer_without_key(p, m->profile, &l, out);
    if (out->refusal == RF_REFUSE_NONE)
        out->answer_profile = answer_profile(p, m->profile, out->encrypted);
}

/* --- keys of ours --- */

static bool
same_octets(const struct rf_srtp_key *a, const struct rf_srtp_key *b)
{
    return rf_octets_eq(a->key, b->key, sizeof a->key) && rf_octets_eq(a->salt, b->salt, sizeof a->salt);
}

static void
key_fill(const struct rf_srtp_suite *suite, const struct rf_rand *rand, struct rf_srtp_key *key)
{
    memset(key, 0, sizeof *key);
    key->suite = suite->id;
    rf_rand_fill(rand, key->key, suite->key_octets);
    rf_rand_fill(rand, key->salt, suite->salt_octets);
}

static void
face_add(struct rf_sdp_face *face, const struct rf_srtp_suite *suite, const struct rf_rand *rand)
{
    size_t n = face->crypto_count++;

    face->crypto[n].tag = (uint32_t)n + 1;
    key_fill(suite, rand, &face->crypto[n].key);
}

static void
face_clear(struct rf_sdp_face *face, enum rf_sdp_profile profile)
{
    face->profile = profile;
    face->crypto_count = 0;
    rf_wipe(face->crypto, sizeof face->crypto);
}

enum rf_refusal
rf_srtp_offer_out(const struct rf_srtp_policy *p, const struct rf_rand *rand, struct rf_sdp_face *face)
{
    const struct rf_srtp_suite *null_auth = NULL;

    face_clear(face, is_required(p) ? RF_RTP_SAVP : RF_RTP_AVP);
    if (p->mode == RF_SRTP_OFF && !p->hosted)
        return RF_REFUSE_NONE;
    if (!may_carry_keys(p))
        return is_required(p) ? RF_REFUSE_KEYS_IN_CLEAR : RF_REFUSE_NONE;
    for (size_t i = 0; i < p->suite_count; i++) {
        const struct rf_srtp_suite *suite = rf_srtp_suite(p->suite[i]);

        if (suite == NULL || !is_usable(p, suite))
            continue;
        if (suite->has_null_auth)
            null_auth = suite; /* goes last, whatever its place in the list */
        else if (face->crypto_count < RF_CRYPTO_LINES_MAX)
            face_add(face, suite, rand);
    }
    if (null_auth != NULL && face->crypto_count < RF_CRYPTO_LINES_MAX)
        face_add(face, null_auth, rand);
    return face->crypto_count == 0 && is_required(p) ? RF_REFUSE_NO_COMMON_SUITE : RF_REFUSE_NONE;
}

void
rf_srtp_answer_out(const struct rf_srtp_decision *d, const struct rf_rand *rand, struct rf_sdp_face *face)
{
    bool is_theirs;

    face_clear(face, d->answer_profile);
    if (!d->encrypted)
        return;
    face->crypto_count = 1;
    face->crypto[0].tag = d->tag;
    do { /* (P4), RFC 4568 7.1.2 */
        key_fill(d->suite, rand, &face->crypto[0].key);
        face->crypto[0].key.clear = d->clear; /* RFC 4568 5.1.2: what was negotiated stands in the answer */
        is_theirs = false;
        for (size_t i = 0; i < d->their_key_count; i++)
            is_theirs |= same_octets(&face->crypto[0].key, &d->their_key[i]);
    } while (is_theirs);
}

/* --- answers --- */

/* The one a=crypto line of an answer against what we offered (RFC 4568 5.1.3, 7.1.3; TEL-38). NULL: it fits. */
static const char *
answer_line_problem(const struct rf_srtp_policy *p, const struct rf_sdp_face *ours,
                    const struct rf_crypto_line *line)
{
    const struct rf_srtp_key *offered = NULL;

    for (size_t i = 0; i < ours->crypto_count; i++)
        if (ours->crypto[i].tag == line->tag)
            offered = &ours->crypto[i].key;
    if (offered == NULL || rf_srtp_suite(offered->suite) == NULL)
        return "this tag was not offered";
    if (line->suite != rf_srtp_suite(offered->suite))
        return "its suite is not the one that was offered with this tag";
    if (line_problem(p, line) != NULL)
        return line_problem(p, line);
    if ((line->clear & ~offered->clear) != 0)
        return "it asks for packets that are not encrypted, which was not offered";
    if (line->clear != offered->clear) /* RFC 4568 5.1.3 */
        return "a session parameter of the offered line is missing";
    if (!is_usable(p, line->suite))
        return "its suite is not allowed here";
    for (size_t i = 0; i < ours->crypto_count; i++)
        for (size_t k = 0; k < line->key_count; k++)
            if (same_octets(&ours->crypto[i].key, &line->key[k]))
                return "its key is our own";
    return NULL;
}

static void
answer_with_key(const struct rf_srtp_policy *p, const struct rf_sdp_face *ours, const struct rf_sdp_attr *attr,
                struct rf_srtp_decision *out)
{
    struct rf_crypto_line line;
    const char *why = NULL;
    enum rf_err err = rf_crypto_line_parse(attr->value, &line, &why);

    if (err == RF_OK)
        why = answer_line_problem(p, ours, &line);
    out->tag = line.tag;
    if (why != NULL) {
        refuse(out, RF_REFUSE_BAD_CRYPTO_LINE, why);
    } else {
        take_line(out, &line);
        check_transport(p, out);
    }
    rf_wipe(&line, sizeof line);
}

void
rf_srtp_answer_in(const struct rf_srtp_policy *p, const struct rf_sdp_face *ours, const struct rf_sdp *answer,
                  int stream, struct rf_srtp_decision *out)
{
    const struct rf_sdp_attr *first = NULL;
    const struct rf_sdp_media *m;
    size_t count = 0;
    bool is_secure;

    if (!stream_begin(answer, stream, out))
        return;
    m = &answer->media[stream];
    is_secure = rf_sdp_profile_is_secure(m->profile);
    for (size_t i = m->attr_from; i < m->attr_from + m->attr_count; i++)
        if (rf_span_is(answer->attr[i].name, "crypto") && count++ == 0)
            first = &answer->attr[i];

    if (ours->crypto_count == 0 && (count > 0 || is_secure))
        refuse(out, RF_REFUSE_CRYPTO_NOT_ENABLED, ""); /* TEL-32 */
    else if (is_dtls(m->profile))
        refuse(out, RF_REFUSE_PROFILE_MISMATCH, "DTLS-SRTP was not offered");
    else if (count > 1)
        refuse(out, RF_REFUSE_BAD_CRYPTO_LINE, "an answer has one a=crypto line, this one has several");
    else if (count == 1)
        answer_with_key(p, ours, first, out);
    else if (is_required(p) || rf_sdp_profile_is_secure(ours->profile))
        refuse(out, RF_REFUSE_ANSWER_WITHOUT_CRYPTO, ""); /* TEL-31 */
    else if (is_secure)
        refuse(out, RF_REFUSE_PROFILE_MISMATCH, "");
}

/* --- what is not ours to decide --- */

void
rf_srtp_bypass(const struct rf_srtp_policy *p, const struct rf_sdp *sdp, int stream, struct rf_srtp_decision *out)
{
    if (!stream_begin(sdp, stream, out))
        return;
    if (p->hosted) {
        refuse(out, RF_REFUSE_BYPASS_UNPROVEN, "");
        return;
    }
    out->keys_in_clear = !p->transport_secure && rf_sdp_has_keys(sdp->raw);
    if (out->keys_in_clear)
        refuse(out, RF_REFUSE_KEYS_IN_CLEAR, "");
}

static bool
has_fingerprint(const struct rf_sdp *s, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        if (rf_span_is(s->attr[i].name, "fingerprint"))
            return true;
    return false;
}

/* Whatever is chosen of it, packets are encrypted. */
static bool
is_closed_stream(const struct rf_srtp_policy *p, const struct rf_sdp *s, const struct rf_sdp_media *m)
{
    struct rf_crypto_line line;
    size_t count = 0;
    bool is_good = true;

    if (!rf_sdp_profile_is_secure(m->profile))
        return false;
    if (is_dtls(m->profile))
        return has_fingerprint(s, 0, s->session_attr_count) || has_fingerprint(s, m->attr_from, m->attr_count);
    for (size_t i = m->attr_from; i < m->attr_from + m->attr_count && is_good; i++) {
        const char *why;

        if (!rf_span_is(s->attr[i].name, "crypto"))
            continue;
        is_good = ++count <= RF_CRYPTO_LINES_MAX && rf_crypto_line_parse(s->attr[i].value, &line, &why) == RF_OK &&
                  line.suite != NULL && !line.suite->has_null_cipher && line.clear == 0 &&
                  line_problem(p, &line) == NULL;
    }
    rf_wipe(&line, sizeof line);
    return is_good && count > 0;
}

bool
rf_srtp_bypass_may(const struct rf_srtp_policy *p, const struct rf_sdp *sdp)
{
    for (size_t i = 0; is_required(p) && i < sdp->media_count; i++)
        if (sdp->media[i].port != 0 && !is_closed_stream(p, sdp, &sdp->media[i]))
            return false;
    return true;
}

int
rf_srtp_incompatible_status(int status, size_t places)
{
    return places > 1 ? 503 : status == 606 ? 606 : 488;
}

void
rf_srtp_refusal_fields(const struct rf_srtp_decision *d, const char *who, const char *setting,
                       const char *transport, struct rf_log_field field[static RF_SRTP_REFUSAL_FIELDS])
{
    size_t n = 0;

    field[n++] = RF_F_STR("who", who);
    field[n++] = RF_F_STR("setting", setting);
    field[n++] = RF_F_STR("transport", transport);
    field[n++] = RF_F_STR("profile", d->profile);
    field[n++] = RF_F_STR("detail", d->detail);
    field[n++] = RF_F_U64("tag", d->tag);
    field[n++] = RF_F_STR("theirs", d->theirs);
    field[n++] = RF_F_STR("ours", d->ours);
    field[n] = (struct rf_log_field){ .kind = RF_LOG_END };
}

/* --- lists of suites --- */

static size_t
suites_of(const char *list, uint8_t suite[static RF_CRYPTO_LINES_MAX])
{
    struct rf_span unknown;
    size_t n = 0;
    enum rf_err err = rf_srtp_suites_parse(rf_span_str(list), suite, &n, &unknown);

    rf_assert(err == RF_OK);
    return n;
}

size_t
rf_srtp_suites_for_phones(uint8_t suite[static RF_CRYPTO_LINES_MAX])
{
    return suites_of("AES_CM_128_HMAC_SHA1_80 AEAD_AES_256_GCM AEAD_AES_128_GCM AES_256_CM_HMAC_SHA1_80 "
                     "AES_CM_128_HMAC_SHA1_32", suite);
}

size_t
rf_srtp_suites_for_connections(uint8_t suite[static RF_CRYPTO_LINES_MAX])
{
    return suites_of("AEAD_AES_256_GCM_8 AEAD_AES_128_GCM_8 AES_256_CM_HMAC_SHA1_80 AES_192_CM_HMAC_SHA1_80 "
                     "AES_CM_128_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_32 AES_192_CM_HMAC_SHA1_32 "
                     "AES_CM_128_HMAC_SHA1_32 AEAD_AES_256_GCM AEAD_AES_128_GCM", suite);
}

enum rf_err
rf_srtp_suites_parse(struct rf_span list, uint8_t suite[static RF_CRYPTO_LINES_MAX], size_t *n,
                     struct rf_span *unknown)
{
    size_t at = 0;

    *n = 0;
    while (at < list.n) {
        const struct rf_srtp_suite *s;
        size_t from = at;
        bool is_there = false;

        while (at < list.n && list.p[at] != ' ' && list.p[at] != ',' && list.p[at] != '\t')
            at++;
        if (at == from) {
            at++;
            continue;
        }
        s = rf_srtp_suite_named(rf_span_sub(list, from, at - from));
        if (s == NULL) {
            *unknown = rf_span_sub(list, from, at - from);
            return RF_ERR_NOT_FOUND;
        }
        for (size_t i = 0; i < *n; i++)
            is_there |= suite[i] == s->id;
        if (!is_there && *n < RF_CRYPTO_LINES_MAX)
            suite[(*n)++] = s->id;
    }
    return *n > 0 ? RF_OK : RF_ERR_SYNTAX;
}
