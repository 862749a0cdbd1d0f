/* Offers and answers of a phone: one audio stream, PCMU and telephone-event (RFC 3264, 4568, 8643). */
#include "ua/inside.h"

#include <stdio.h>

#define EVENT_PAYLOAD_TYPE 101 /* ours, when we offer */

/* A description that only says which codecs: rf_put_sdp takes nothing else of it. */
static void
codecs_of(struct rf_sdp *out, int pcmu, int event)
{
    static _Thread_local char text[512];
    const char *why = NULL;
    enum rf_err err;
    int n;

    n = snprintf(text, sizeof text,
                 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP %d", pcmu);
    if (event >= 0)
        n += snprintf(text + n, sizeof text - (size_t)n, " %d", event);
    n += snprintf(text + n, sizeof text - (size_t)n, "\r\na=rtpmap:%d PCMU/8000\r\n", pcmu);
    if (event >= 0)
        n += snprintf(text + n, sizeof text - (size_t)n, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-16\r\n",
                      event, event);
    snprintf(text + n, sizeof text - (size_t)n, "a=ptime:20\r\n");
    err = rf_sdp_parse(rf_span_str(text), out, &why);
    rf_assert(err == RF_OK);
}

/* The payload type of their stream with this encoding ("PCMU/8000"); -1: none. */
static int
payload_type_of(const struct rf_sdp *s, const struct rf_sdp_media *m, const char *encoding, int by_itself)
{
    for (size_t i = 0; i < m->format_count; i++) {
        uint64_t format = 0;

        if (rf_span_u64(m->format[i], 127, &format) != RF_OK)
            continue;
        if ((int)format == by_itself)
            return by_itself;
        for (size_t k = m->attr_from; k < m->attr_from + m->attr_count; k++) {
            struct rf_span v = s->attr[k].value;
            size_t blank = v.p != NULL ? rf_span_find(v, ' ') : 0;

            if (v.p == NULL || !rf_span_is(s->attr[k].name, "rtpmap") ||
                !rf_span_eq(rf_span_sub(v, 0, blank), m->format[i]))
                continue;
            v = rf_span_sub(v, blank + 1, SIZE_MAX);
            if (rf_span_iis(rf_span_sub(v, 0, strlen(encoding)), encoding))
                return (int)format;
        }
    }
    return -1;
}

static enum rf_err
refused(struct rf_ua_call *call, enum rf_refusal refusal, const char *detail)
{
    call->info.refusal = refusal;
    snprintf(call->info.detail, sizeof call->info.detail, "%s", detail);
    return RF_ERR_REFUSED;
}

static enum rf_err
media_ready(struct rf_ua_call *call)
{
    enum rf_err err = call->media != NULL ? RF_OK : ua_media_new(&call->media, call);

    if (err == RF_OK)
        call->face.rtp = call->media->local;
    return err;
}

/* What a re-offer goes on with: the one key in use, or none. */
static void
offer_again(struct rf_ua_call *call)
{
    struct rf_sdp_face *f = &call->face;

    f->crypto_count = 0;
    if (call->media->tx == NULL)
        return;
    f->crypto_count = 1;
    f->crypto[0].tag = 1;
    f->crypto[0].key = call->media->tx_key;
}

enum rf_err
ua_offer_put(struct rf_ua_call *call, enum rf_sdp_direction direction, bool fresh, struct rf_buf *b)
{
    const struct rf_ua_conf *conf = &call->ua->conf;
    enum rf_err err = media_ready(call);
    enum rf_refusal refusal = RF_REFUSE_NONE;
    struct rf_sdp codecs;

    if (err != RF_OK)
        return err;
    if (call->is_agreed && !fresh)
        offer_again(call);
    else
        refusal = rf_srtp_offer_out(&call->ua->policy, &rf_rand_system, &call->face);
    if (refusal != RF_REFUSE_NONE)
        return refused(call, refusal, "our own offer");
    if (conf->offer_avp && call->face.profile == RF_RTP_SAVP)
        call->face.profile = RF_RTP_AVP;
    call->face.direction = direction;
    call->face.version++;
    call->face.rtcp_mux = call->is_agreed ? call->media->is_muxed : conf->rtcp_mux;
    call->has_face = call->has_offered = true;
    codecs_of(&codecs, 0, EVENT_PAYLOAD_TYPE);
    rf_put_sdp(b, &codecs, 0, NULL, 0, &call->face);
    return rf_buf_done(b);
}

/* Our direction in an answer: what theirs allows of what we want (RFC 3264 6.1). */
static enum rf_sdp_direction
answer_direction(enum rf_sdp_direction theirs, enum rf_sdp_direction wanted)
{
    bool send = rf_sdp_receives(theirs) && rf_sdp_sends(wanted);
    bool receive = rf_sdp_sends(theirs) && rf_sdp_receives(wanted);

    return rf_sdp_direction_of(send, receive);
}

static bool
is_key_in_use(const struct rf_ua_call *call, const struct rf_srtp_decision *d)
{
    return call->is_agreed && call->media->tx != NULL && d->encrypted && call->media->tx_key.suite == d->suite->id;
}

enum rf_err
ua_offer_take(struct rf_ua_call *call, struct rf_span text, bool transport_secure, struct rf_buf *b)
{
    struct rf_srtp_policy policy = call->ua->policy;
    enum rf_sdp_direction wanted = call->held_here ? RF_SENDONLY : RF_SENDRECV;
    enum rf_err err = media_ready(call);
    struct rf_srtp_decision d;
    struct rf_sdp theirs, codecs;
    const char *why = NULL;
    int stream, pcmu, event;

    if (err != RF_OK)
        return err;
    if (rf_sdp_parse(text, &theirs, &why) != RF_OK)
        return refused(call, RF_REFUSE_BAD_SDP, why);
    stream = rf_sdp_first_audio(&theirs);
    policy.transport_secure = transport_secure;
    rf_srtp_offer_in(&policy, &theirs, stream, &d);
    if (d.refusal != RF_REFUSE_NONE)
        return refused(call, d.refusal, d.detail);
    pcmu = payload_type_of(&theirs, &theirs.media[stream], "PCMU/8000", 0);
    event = payload_type_of(&theirs, &theirs.media[stream], "telephone-event/8000", -1);
    if (pcmu < 0) {
        rf_wipe(&d, sizeof d);
        return refused(call, RF_REFUSE_BAD_SDP, "PCMU is not offered");
    }
    call->info.their_direction = theirs.media[stream].direction;
    call->face.direction = answer_direction(theirs.media[stream].direction, wanted);
    call->face.rtcp_mux = theirs.media[stream].rtcp_mux && call->ua->conf.rtcp_mux;
    call->face.version++;
    if (is_key_in_use(call, &d)) {
        offer_again(call);
        call->face.crypto[0].tag = d.tag;
        call->face.profile = d.answer_profile;
    } else {
        rf_srtp_answer_out(&d, &rf_rand_system, &call->face);
    }
    call->media->payload_type = pcmu;
    call->media->event_type = event;
    err = ua_media_set(call->media, call->face.crypto_count > 0 ? &call->face.crypto[0].key : NULL, &d,
                       &theirs.media[stream], call->face.direction, call->face.rtcp_mux);
    rf_wipe(&d, sizeof d);
    if (err != RF_OK)
        return err;
    call->has_face = call->is_agreed = true;
    codecs_of(&codecs, pcmu, event);
    rf_put_sdp(b, &codecs, 0, &theirs, stream, &call->face);
    return rf_buf_done(b);
}

enum rf_err
ua_answer_take(struct rf_ua_call *call, struct rf_span text, bool transport_secure)
{
    struct rf_srtp_policy policy = call->ua->policy;
    const struct rf_srtp_key *tx = NULL;
    struct rf_srtp_decision d;
    struct rf_sdp theirs;
    const char *why = NULL;
    enum rf_err err;
    int stream;

    call->has_offered = false;
    if (rf_sdp_parse(text, &theirs, &why) != RF_OK)
        return refused(call, RF_REFUSE_BAD_SDP, why);
    stream = rf_sdp_first_audio(&theirs);
    policy.transport_secure = transport_secure;
    rf_srtp_answer_in(&policy, &call->face, &theirs, stream, &d);
    if (d.refusal != RF_REFUSE_NONE)
        return refused(call, d.refusal, d.detail);
    for (size_t i = 0; d.encrypted && i < call->face.crypto_count; i++)
        if (call->face.crypto[i].tag == d.tag)
            tx = &call->face.crypto[i].key;
    call->info.their_direction = theirs.media[stream].direction;
    call->held_here = call->face.direction == RF_SENDONLY;
    call->media->payload_type = payload_type_of(&theirs, &theirs.media[stream], "PCMU/8000", 0);
    call->media->event_type = payload_type_of(&theirs, &theirs.media[stream], "telephone-event/8000", -1);
    err = call->media->payload_type < 0
              ? refused(call, RF_REFUSE_BAD_SDP, "PCMU is not in the answer")
              : ua_media_set(call->media, tx, &d, &theirs.media[stream],
                             answer_direction(theirs.media[stream].direction, call->face.direction),
                             call->face.rtcp_mux && theirs.media[stream].rtcp_mux);
    rf_wipe(&d, sizeof d);
    call->is_agreed |= err == RF_OK;
    return err;
}
