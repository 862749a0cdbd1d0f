#include "sdp/write.h"

#include "base/secret.h"

/* Is the payload type that a=rtpmap or a=fmtp begins with one that m= lists? */
static bool
speaks_of_format(const struct rf_sdp_media *m, struct rf_span value)
{
    struct rf_span format = rf_span_sub(value, 0, rf_span_find(value, ' '));

    for (size_t i = 0; i < m->format_count; i++)
        if (rf_span_eq(m->format[i], format))
            return true;
    return false;
}

static void
put_formats(struct rf_buf *b, const struct rf_sdp_media *m)
{
    for (size_t i = 0; i < m->format_count; i++) {
        rf_put_char(b, ' ');
        rf_put(b, m->format[i]);
    }
    rf_put_str(b, "\r\n");
}

/* The codec description of the other leg, and nothing else of it. */
static void
put_codec_attrs(struct rf_buf *b, const struct rf_sdp *s, const struct rf_sdp_media *m)
{
    for (size_t i = m->attr_from; i < m->attr_from + m->attr_count; i++) {
        const struct rf_sdp_attr *a = &s->attr[i];
        bool is_of_format = rf_span_is(a->name, "rtpmap") || rf_span_is(a->name, "fmtp");

        if (a->value.p == NULL)
            continue;
        if (is_of_format ? !speaks_of_format(m, a->value)
                         : !rf_span_is(a->name, "ptime") && !rf_span_is(a->name, "maxptime"))
            continue;
        rf_put_str(b, "a=");
        rf_put(b, a->name);
        rf_put_char(b, ':');
        rf_put(b, a->value);
        rf_put_str(b, "\r\n");
    }
}

static void
put_stream(struct rf_buf *b, const struct rf_sdp *codecs, const struct rf_sdp_media *m,
           const struct rf_sdp_face *face)
{
    rf_put_str(b, "m=audio ");
    rf_put_u64(b, rf_addr_port(&face->rtp));
    rf_put_char(b, ' ');
    rf_put_str(b, rf_sdp_profile_name(face->profile));
    put_formats(b, m);
    put_codec_attrs(b, codecs, m);
    for (size_t i = 0; i < face->crypto_count; i++)
        rf_put_crypto_line(b, face->crypto[i].tag, &face->crypto[i].key);
    if (face->rtcp_mux)
        rf_put_str(b, "a=rtcp-mux\r\n");
    rf_put_str(b, "a=");
    rf_put_str(b, rf_sdp_direction_name(face->direction));
    rf_put_str(b, "\r\n");
}

/* A stream of the offer that we do not take: its line again with port 0 (RFC 3264 6). */
static void
put_refused(struct rf_buf *b, const struct rf_sdp_media *m)
{
    rf_put_str(b, "m=");
    rf_put(b, m->type);
    rf_put_str(b, " 0 ");
    rf_put(b, m->profile_text);
    put_formats(b, m);
}

void
rf_put_sdp(struct rf_buf *b, const struct rf_sdp *codecs, int stream, const struct rf_sdp *shape, int audio_index,
           const struct rf_sdp_face *face)
{
    const char *family = face->rtp.sa.sa_family == AF_INET6 ? "IP6 " : "IP4 ";
    const struct rf_sdp_media *m = &codecs->media[stream];

    rf_assert(stream >= 0 && (size_t)stream < codecs->media_count);
    rf_assert(face->profile != RF_PROFILE_OTHER);
    rf_put_str(b, "v=0\r\no=- ");
    rf_put_u64(b, face->session_id);
    rf_put_char(b, ' ');
    rf_put_u64(b, face->version);
    rf_put_str(b, " IN ");
    rf_put_str(b, family);
    rf_put_host(b, &face->rtp, false);
    rf_put_str(b, "\r\ns=-\r\nc=IN ");
    rf_put_str(b, family);
    rf_put_host(b, &face->rtp, false);
    rf_put_str(b, "\r\nt=0 0\r\n");
    if (shape == NULL) {
        put_stream(b, codecs, m, face);
        return;
    }
    rf_assert(audio_index >= 0 && (size_t)audio_index < shape->media_count);
    for (size_t i = 0; i < shape->media_count; i++) {
        if (i == (size_t)audio_index)
            put_stream(b, codecs, m, face);
        else
            put_refused(b, &shape->media[i]);
    }
}
