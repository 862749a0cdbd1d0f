/*
 * call/offer.c - offers and answers of one leg, and the keys in them (RFC 3264, 4568, TEL-21 to TEL-40)
 *
 * Each leg is a session of its own: codecs are those of the other leg, keys, addresses and origin are ours. What is
 * kept of a peer's description is its text without lines that hold keys; its keys live in leg_media alone and are wiped.
 */
#include <stdio.h>
#include <stdlib.h>

#include "call/layer.h"
#include "sdp/codecs.h"

void
leg_media_free(struct leg_media *m)
{
    if (m == NULL)
        return;
    free(m->sdp);
    if (m->raw != NULL)
        rf_wipe(m->raw, m->raw_n);
    free(m->raw);
    rf_wipe(m, sizeof *m);
    free(m);
}

struct leg_media *
leg_media_dup(const struct leg_media *m)
{
    struct leg_media *copy = calloc(1, sizeof *copy);

    if (copy == NULL)
        return NULL;
    *copy = *m;
    rf_wipe(copy->rx, sizeof copy->rx);
    rf_wipe(&copy->tx, sizeof copy->tx);
    copy->tx.suite = m->tx.suite; /* its name stands in the record, and what it leaves in clear */
    copy->tx.clear = m->tx.clear;
    copy->rx_count = 0;
    copy->raw = NULL;
    copy->raw_n = 0;
    copy->sdp = rf_span_dup(rf_span(m->sdp, m->sdp_n));
    if (copy->sdp != NULL)
        return copy;
    leg_media_free(copy);
    return NULL;
}

void
leg_offer_drop(struct leg *leg)
{
    if (leg->offer == NULL)
        return;
    rf_wipe(leg->offer, sizeof *leg->offer);
    free(leg->offer);
    leg->offer = NULL;
}

/* TEL-12: the call goes on, and whoever reads the log knows what its encryption is worth. Once for a leg. */
static void
report_keys_in_clear(const struct leg *leg)
{
    if (!leg->next->keys_in_clear || (leg->media != NULL && leg->media->keys_in_clear))
        return;
    RF_LOG_CODE(RF_LOG_WARN, rf_refusal_row(RF_REFUSE_KEYS_IN_CLEAR)->code, "srtp.keys_in_clear",
                "SRTP keys went over an unencrypted connection", RF_F_STR("user", leg->user),
                RF_F_STR("transport", rf_transport_name(leg->transport)), RF_F_STR("call", leg->call->id));
}

void
leg_media_agree(struct leg *leg)
{
    leg_offer_drop(leg);
    if (leg->next == NULL)
        return;
    report_keys_in_clear(leg);
    leg_media_free(leg->media);
    leg->media = leg->next;
    leg->next = NULL;
}

void
leg_media_disagree(struct leg *leg)
{
    leg_offer_drop(leg);
    leg_media_free(leg->next);
    leg->next = NULL;
}

/* The text without lines that hold keys. */
static bool
keep_text(struct leg_media *m, struct rf_span text)
{
    struct rf_span left = text;

    m->sdp = malloc(text.n + 1);
    if (m->sdp == NULL)
        return false;
    while (left.n > 0) {
        size_t n = rf_span_find(left, '\n');
        struct rf_span line = rf_span_sub(left, 0, n + 1);

        if (!rf_sdp_line_has_keys(line)) {
            memcpy(m->sdp + m->sdp_n, line.p, line.n);
            m->sdp_n += line.n;
        }
        left = rf_span_sub(left, n + 1, left.n);
    }
    return true;
}

/* RFC 2543 hold: c=0.0.0.0 means "do not send to me" (RFC 3264 8.4 still allows it). */
static enum rf_sdp_direction
their_direction(const struct rf_sdp_media *m)
{
    if (!rf_addr_is_set(&m->connection) || !rf_addr_is_any(&m->connection))
        return m->direction;
    return m->direction == RF_SENDRECV || m->direction == RF_SENDONLY ? RF_SENDONLY : RF_INACTIVE;
}

/* What offers and answers have in common. */
static struct leg_media *
media_new(const struct rf_sdp *sdp, int stream, const struct rf_srtp_decision *d)
{
    struct leg_media *m = calloc(1, sizeof *m);
    const struct rf_sdp_media *s = &sdp->media[stream];

    if (m == NULL || !keep_text(m, sdp->raw)) {
        leg_media_free(m);
        return NULL;
    }
    m->stream = stream;
    m->theirs = their_direction(s);
    m->rtcp_mux = s->rtcp_mux;
    if (rf_addr_is_set(&s->connection) && !rf_addr_is_any(&s->connection)) {
        m->peer = s->connection;
        rf_addr_set_port(&m->peer, s->port);
        m->peer_rtcp = s->rtcp;
    }
    m->is_encrypted = d->encrypted;
    m->is_weak = d->weak;
    m->keys_in_clear = d->keys_in_clear;
    m->tag = d->tag;
    if (d->encrypted) {
        m->rx_count = (uint8_t)(d->their_key_count < RF_MEDIA_KEYS_MAX ? d->their_key_count : RF_MEDIA_KEYS_MAX);
        for (size_t i = 0; i < m->rx_count; i++)
            m->rx[i] = d->their_key[i];
    }
    return m;
}

/* RFC 4568 7.1.4 and TEL-40: the same key goes on, a new key or a leg that moved gets a new one of ours. */
static bool
is_same_stream(const struct leg_media *was, const struct leg_media *is)
{
    return was != NULL && was->is_encrypted && is->is_encrypted && was->rx[0].suite == is->rx[0].suite &&
           was->rx[0].clear == is->rx[0].clear && rf_addr_eq(&was->peer, &is->peer) &&
           rf_octets_eq(was->rx[0].key, is->rx[0].key, sizeof is->rx[0].key) &&
           rf_octets_eq(was->rx[0].salt, is->rx[0].salt, sizeof is->rx[0].salt);
}

/* Refused: why, in words about this leg. The decision's fields never hold keys. */
static enum rf_refusal
say(struct leg *leg, const struct rf_srtp_decision *d)
{
    struct rf_log_field field[RF_SRTP_REFUSAL_FIELDS];

    rf_srtp_refusal_fields(d, leg_who(leg), leg->setting, rf_transport_name(leg->transport), field);
    call_say(leg->call, d->refusal, field);
    return d->refusal;
}

static enum rf_refusal
say_bad(struct leg *leg, const char *detail)
{
    call_say(leg->call, RF_REFUSE_BAD_SDP,
             (const struct rf_log_field[]){ RF_F_STR("who", leg_who(leg)), RF_F_STR("detail", detail),
                                            RF_F_STR("call", leg->call->id), { 0 } });
    return RF_REFUSE_BAD_SDP;
}

/* --- codecs --- */

/* Which the leg's side has, and the setting that says so. Asked anew for each description: a reload counts at once. */
static struct rf_span
codecs_of(const struct leg *leg, char *setting, size_t size)
{
    const struct rf_connection *k = connection_of(leg->call, leg->connection);
    struct rf_call_env *env = &leg->call->l->env;
    struct rf_call_user user = { .codecs = NULL };
    const char *codecs = NULL;

    snprintf(setting, size, "%s.%s.codecs", leg->connection[0] != '\0' ? "sip-connection" : "user",
             leg->connection[0] != '\0' ? leg->connection : leg->user);
    if (k != NULL)
        codecs = k->codecs;
    else if (leg->connection[0] == '\0' && env->user(env->ctx, rf_span_str(leg->user), &user))
        codecs = user.codecs;
    rf_wipe(&user, sizeof user);
    return rf_span_str(codecs != NULL ? codecs : "all");
}

static enum rf_refusal
say_codecs(const struct leg *leg)
{
    char setting[112];

    (void)codecs_of(leg, setting, sizeof setting);
    call_say(leg->call, RF_REFUSE_NO_COMMON_CODEC,
             (const struct rf_log_field[]){ RF_F_STR("who", leg_who(leg)), RF_F_STR("setting", setting),
                                            RF_F_STR("call", leg->call->id), { 0 } });
    return RF_REFUSE_NO_COMMON_CODEC;
}

/* What this leg's side may say or hear of. */
static bool
keep_codecs(const struct leg *leg, struct rf_sdp *s, int stream)
{
    char setting[112];

    return rf_sdp_codecs_keep(s, stream, codecs_of(leg, setting, sizeof setting)) > 0;
}

/* Those of them, as they are ordered. */
static void
keep_in_order(const struct leg *leg, struct rf_sdp *s, int stream)
{
    struct rf_sdp_media kept = s->media[stream], *m = &s->media[stream];
    size_t n = 0;

    if (!keep_codecs(leg, s, stream))
        return;
    for (size_t i = 0; i < kept.format_count; i++)
        for (size_t k = 0; k < m->format_count; k++)
            if (rf_span_eq(kept.format[i], m->format[k])) {
                kept.format[n++] = kept.format[i];
                break;
            }
    kept.format_count = n;
    *m = kept;
}

void
leg_say_unoffered(struct leg *leg)
{
    if (leg->refusal == RF_REFUSE_NONE)
        return;
    if (leg->refusal == RF_REFUSE_NO_COMMON_CODEC)
        (void)say_codecs(leg);
    else
        call_say(leg->call, leg->refusal, /* CRYPTO_MISSING: of whom the description is that passes us by */
                 (const struct rf_log_field[]){ RF_F_STR("who", leg_who(leg->refusal == RF_REFUSE_CRYPTO_MISSING &&
                                                                                 leg_other(leg) != NULL
                                                                             ? leg_other(leg) : leg)),
                                                RF_F_STR("setting", leg->setting),
                                                RF_F_STR("transport", rf_transport_name(leg->transport)),
                                                RF_F_STR("call", leg->call->id), { 0 } });
}

static void remember_sent(struct leg *leg, struct rf_span text);

/* --- bypass: what one side says passes to the other as it is (TEL-33) --- */

/*
 * Who said bypass of a number or a route knows whom it leads to. Where its users forward a call to, he may not know: there
 * the bypass stays, since the caller has been told of another's media by then, and `required` holds as far as
 * descriptions say.
 */
static bool
bypass_may(struct leg *leg, const struct rf_sdp *sdp)
{
    return leg->side == 0 || leg->call->forward_count == 0 || rf_srtp_bypass_may(leg_policy(leg), sdp);
}

static enum rf_refusal
bypass_in(struct leg *leg, struct rf_span text, enum rf_refusal in_clear, struct leg_media **out)
{
    struct rf_sdp sdp;
    struct rf_srtp_decision d;
    struct leg_media *m;
    const char *sentence;

    if (rf_sdp_parse(text, &sdp, &sentence) != RF_OK)
        return say_bad(leg, sentence);
    rf_srtp_bypass(leg_policy(leg), &sdp, rf_sdp_first_audio(&sdp), &d);
    if (d.refusal == RF_REFUSE_NONE && !bypass_may(leg, &sdp))
        d.refusal = in_clear;
    if (d.refusal != RF_REFUSE_NONE)
        return say(leg, &d);
    m = media_new(&sdp, rf_sdp_first_audio(&sdp), &d);
    if (m != NULL && (m->raw = rf_span_dup(text)) != NULL) {
        m->raw_n = text.n;
        m->ours = m->theirs;
        *out = m;
        return RF_REFUSE_NONE;
    }
    leg_media_free(m);
    return RF_REFUSE_OVERLOAD;
}

/* Empty: it bears keys and the way to this leg is clear, it bears none and must, or a restart has forgotten it (its keys are
 * on no disk). */
static struct rf_span
bypass_out(struct leg *leg, const struct leg_media *from)
{
    struct rf_span text = rf_span(from->raw, from->raw_n);
    struct rf_sdp sdp;
    const char *why;

    if (text.n > 0 && (rf_sdp_parse(text, &sdp, &why) != RF_OK || !bypass_may(leg, &sdp))) {
        leg->refusal = RF_REFUSE_CRYPTO_MISSING;
        return (struct rf_span){ 0 };
    }
    if (rf_sdp_has_keys(text) && !rf_transport_is_secure(leg->transport)) {
        leg->refusal = RF_REFUSE_KEYS_IN_CLEAR;
        return (struct rf_span){ 0 };
    }
    if (leg->sent != NULL && !rf_span_eq(text, rf_span(leg->sent, leg->sent_n)))
        leg->sdp_version++;
    remember_sent(leg, text);
    return text;
}

enum rf_refusal
leg_offer_in(struct leg *leg, struct rf_span text, struct leg_media **out)
{
    struct rf_sdp sdp;
    struct rf_srtp_decision d;
    struct rf_sdp_face face;
    struct leg_media *m;
    enum rf_refusal why = RF_REFUSE_NONE;
    const char *sentence;
    int stream;

    if (leg->call->is_bypass)
        return bypass_in(leg, text, RF_REFUSE_CRYPTO_MISSING, out);
    if (rf_sdp_parse(text, &sdp, &sentence) != RF_OK)
        return say_bad(leg, sentence);
    stream = rf_sdp_first_audio(&sdp);
    memset(&face, 0, sizeof face);
    rf_srtp_offer_in(leg_policy(leg), &sdp, stream, &d);
    if (d.refusal != RF_REFUSE_NONE) {
        why = say(leg, &d);
        goto done;
    }
    m = media_new(&sdp, stream, &d);
    if (m == NULL) {
        why = RF_REFUSE_OVERLOAD;
        goto done;
    }
    m->profile = d.answer_profile;
    if (!keep_codecs(leg, &sdp, stream)) {
        leg_media_free(m);
        why = say_codecs(leg);
        goto done;
    }
    rf_srtp_answer_out(&d, leg->call->l->env.rand, &face);
    if (m->is_encrypted)
        m->tx = is_same_stream(leg->media, m) ? leg->media->tx : face.crypto[0].key;
    *out = m;
done:
    rf_wipe(&d, sizeof d);
    rf_wipe(&face, sizeof face);
    return why;
}

enum rf_refusal
leg_answer_in(struct leg *leg, struct rf_span text, struct leg_media **out)
{
    struct rf_sdp sdp;
    struct rf_srtp_decision d;
    struct leg_media *m;
    enum rf_refusal why;
    const char *sentence;
    int stream;

    if (leg->call->is_bypass)
        return bypass_in(leg, text, RF_REFUSE_ANSWER_WITHOUT_CRYPTO, out);
    if (leg->offer == NULL)
        return say_bad(leg, "it answers no offer of ours");
    if (rf_sdp_parse(text, &sdp, &sentence) != RF_OK)
        return say_bad(leg, sentence);
    stream = rf_sdp_first_audio(&sdp);
    rf_srtp_answer_in(leg_policy(leg), leg->offer, &sdp, stream, &d);
    why = d.refusal;
    if (why != RF_REFUSE_NONE) {
        say(leg, &d);
        goto done;
    }
    m = media_new(&sdp, stream, &d);
    if (m == NULL) {
        why = RF_REFUSE_OVERLOAD;
        goto done;
    }
    m->profile = leg->offer->profile;
    m->rtcp_mux = m->rtcp_mux && leg->offer->rtcp_mux;
    m->ours = leg->offer->direction;
    for (size_t i = 0; m->is_encrypted && i < leg->offer->crypto_count; i++)
        if (leg->offer->crypto[i].tag == d.tag)
            m->tx = leg->offer->crypto[i].key;
    *out = m;
done:
    rf_wipe(&d, sizeof d);
    return why;
}

/* --- our side --- */

static void
face_of(struct leg *leg, const struct leg_media *m, struct rf_sdp_face *face)
{
    memset(face, 0, sizeof *face);
    face->rtp = leg->media_addr;
    face->session_id = leg->sdp_id;
    face->version = leg->sdp_version;
    if (m == NULL)
        return;
    face->profile = m->profile;
    face->rtcp_mux = m->rtcp_mux;
    if (m->is_encrypted) {
        face->crypto_count = 1;
        face->crypto[0].tag = m->tag;
        face->crypto[0].key = m->tx;
    }
}

static struct rf_span
put_sdp(struct leg *leg, const struct rf_sdp *of, const struct leg_media *codecs, const struct leg_media *shape,
        const struct rf_sdp_face *face)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_buf b = rf_buf(l->sdp, sizeof l->sdp);
    struct rf_sdp like;
    const char *why;

    if (shape != NULL && rf_sdp_parse(rf_span(shape->sdp, shape->sdp_n), &like, &why) != RF_OK)
        return (struct rf_span){ 0 };
    rf_put_sdp(&b, of, codecs->stream, shape != NULL ? &like : NULL, shape != NULL ? shape->stream : 0, face);
    return rf_buf_done(&b) == RF_OK ? rf_buf_span(&b) : (struct rf_span){ 0 };
}

/*
 * Codecs of the other leg in the order that this leg's side likes best; of an offer that cannot be, leg->refusal says
 * so. In an answer the peer's order stays (RFC 3264 6.1), and what is none of ours is left out unless nothing else is.
 * A refresh offers nothing new: a list that a reload has changed does not end the call.
 */
static struct rf_span
write_sdp(struct leg *leg, const struct leg_media *codecs, const struct leg_media *shape,
          const struct rf_sdp_face *face)
{
    const struct leg *other = leg_other(leg);
    bool is_refresh = leg->call->exchange.kind == EXCHANGE_REFRESH;
    struct rf_sdp of, asked;
    const char *why;

    if (rf_sdp_parse(rf_span(codecs->sdp, codecs->sdp_n), &of, &why) != RF_OK)
        return (struct rf_span){ 0 };
    if (shape == NULL &&
        ((other != NULL && !keep_codecs(other, &of, codecs->stream)) || !keep_codecs(leg, &of, codecs->stream)) &&
        !is_refresh) {
        leg->refusal = RF_REFUSE_NO_COMMON_CODEC;
        return (struct rf_span){ 0 };
    }
    if (shape != NULL && codecs->was_offer) { /* it was not made for this leg's offer (pickup.c) */
        if (rf_sdp_parse(rf_span(shape->sdp, shape->sdp_n), &asked, &why) != RF_OK ||
            rf_sdp_codecs_common(&of, codecs->stream, &asked, shape->stream) == 0 ||
            (other != NULL && !keep_codecs(other, &of, codecs->stream))) {
            leg->refusal = RF_REFUSE_NO_COMMON_CODEC;
            return (struct rf_span){ 0 };
        }
    }
    if (shape != NULL)
        keep_in_order(leg, &of, codecs->stream);
    return put_sdp(leg, &of, codecs, shape, face);
}

static void
remember_sent(struct leg *leg, struct rf_span text)
{
    char *copy = malloc(text.n);

    if (leg->sent != NULL)
        rf_wipe(leg->sent, leg->sent_n);
    free(leg->sent);
    leg->sent = copy;
    leg->sent_n = copy != NULL ? text.n : 0;
    if (copy != NULL)
        memcpy(copy, text.p, text.n);
}

/* The version stays when the text does (RFC 3264 8), and grows by one when it does not. */
static struct rf_span
write_versioned(struct leg *leg, const struct leg_media *codecs, const struct leg_media *shape,
                struct rf_sdp_face *face)
{
    struct rf_span text = write_sdp(leg, codecs, shape, face);

    if (text.n == 0)
        return text;
    if (leg->sent != NULL && !rf_span_eq(text, rf_span(leg->sent, leg->sent_n))) {
        face->version = ++leg->sdp_version;
        text = write_sdp(leg, codecs, shape, face);
    }
    remember_sent(leg, text);
    return text;
}

static enum rf_refusal
offer_face(struct leg *leg, const struct leg_media *agreed, const struct leg_media *codecs, struct rf_sdp_face *face)
{
    enum rf_refusal why = RF_REFUSE_NONE;

    face_of(leg, agreed, face);
    face->direction = codecs->theirs;
    if (agreed == NULL)
        why = rf_srtp_offer_out(leg_policy(leg), leg->call->l->env.rand, face);
    return why;
}

static struct rf_span
offer_out(struct leg *leg, const struct leg_media *agreed, const struct leg_media *codecs)
{
    struct rf_span text = { 0 };
    enum rf_refusal why;

    leg_offer_drop(leg);
    leg->offer = calloc(1, sizeof *leg->offer);
    if (leg->offer == NULL)
        return text;
    why = offer_face(leg, agreed, codecs, leg->offer);
    if (why == RF_REFUSE_NONE)
        text = write_versioned(leg, codecs, NULL, leg->offer);
    else
        leg->refusal = why;
    if (text.n == 0)
        leg_offer_drop(leg);
    return text;
}

struct rf_span
leg_offer_out(struct leg *leg, const struct leg_media *codecs)
{
    return leg->call->is_bypass ? bypass_out(leg, codecs) : offer_out(leg, leg->media, codecs);
}

struct rf_span
leg_offer_early(struct leg *leg, const struct leg_media *codecs)
{
    return offer_out(leg, leg->next, codecs);
}

/* What the other leg would be told of a description: its codecs and direction, nothing of ours. */
static uint64_t
essence(struct leg *leg, const struct leg_media *m)
{
    struct rf_call_layer *l = leg->call->l;
    struct rf_sdp_face face;
    struct rf_span text = { 0 };
    struct rf_sdp of;
    const char *why;

    memset(&face, 0, sizeof face);
    face.rtp = leg->call->a->media_addr;
    face.direction = m->theirs;
    if (rf_sdp_parse(rf_span(m->sdp, m->sdp_n), &of, &why) == RF_OK)
        text = put_sdp(leg, &of, m, NULL, &face);
    return rf_siphash(&l->legs.key, text.p, text.n);
}

bool
leg_offer_is_news(struct leg *leg, const struct leg_media *offered)
{
    const struct leg_media *was = leg->media != NULL ? leg->media : leg->next;

    return was == NULL || leg->call->is_bypass || essence(leg, was) != essence(leg, offered);
}

bool
leg_offer_covers(const struct leg_media *offered, const struct leg_media *told)
{
    struct rf_sdp s, other;
    const char *why;

    return rf_sdp_parse(rf_span(offered->sdp, offered->sdp_n), &s, &why) == RF_OK &&
           rf_sdp_parse(rf_span(told->sdp, told->sdp_n), &other, &why) == RF_OK &&
           rf_sdp_codecs_cover(&s, offered->stream, &other, told->stream);
}

struct rf_span
leg_answer_out(struct leg *leg, struct leg_media *mine, const struct leg_media *codecs)
{
    struct rf_sdp_face face;
    struct rf_span text;

    if (leg->call->is_bypass)
        return bypass_out(leg, codecs);
    face_of(leg, mine, &face);
    /* Not more than the other side does, and not more than this offer allows (RFC 3264 6.1). */
    face.direction = rf_sdp_direction_of(rf_sdp_sends(codecs->theirs) && rf_sdp_receives(mine->theirs),
                                         rf_sdp_receives(codecs->theirs) && rf_sdp_sends(mine->theirs));
    mine->ours = face.direction;
    text = write_versioned(leg, codecs, mine, &face);
    rf_wipe(&face, sizeof face);
    return text;
}

void
leg_describe(struct rf_span text, char *note, size_t size)
{
    struct rf_sdp sdp;
    const char *why;
    int stream;
    size_t suites = 0;
    struct rf_buf b = rf_buf(note, size - 1);
    struct rf_span first = { 0 };

    if (rf_sdp_parse(text, &sdp, &why) != RF_OK) {
        rf_put_str(&b, "not SDP");
    } else if ((stream = rf_sdp_first_audio(&sdp)) < 0) {
        rf_put_str(&b, "no audio");
    } else {
        const struct rf_sdp_media *m = &sdp.media[stream];

        for (size_t i = m->attr_from; i < m->attr_from + m->attr_count; i++)
            if (rf_span_is(sdp.attr[i].name, "crypto") && suites++ == 0) {
                struct rf_span rest = sdp.attr[i].value;

                rest = rf_span_trim(rf_span_sub(rest, rf_span_find(rest, ' '), rest.n));
                first = rf_span_sub(rest, 0, rf_span_find(rest, ' ')); /* the suite's name; the key comes after it */
            }
        rf_put(&b, rf_span_sub(m->profile_text, 0, 24));
        if (suites == 1) {
            rf_put_char(&b, ' ');
            rf_put(&b, rf_span_sub(first, 0, 32));
        } else if (suites > 1) {
            rf_putf(&b, " %zu suites", suites);
        } else {
            rf_put_str(&b, ", no a=crypto");
        }
        if (m->direction != RF_SENDRECV)
            rf_putf(&b, " %s", rf_sdp_direction_name(m->direction));
    }
    note[b.n] = '\0';
}
