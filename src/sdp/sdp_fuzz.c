/* What is read can be written, and what was written can be read and says the same. */
#include "sdp/codecs.h"
#include "sdp/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list of codecs takes away and reorders, and never leaves an m= line without formats. */
static void
codecs(const struct rf_sdp *s, int stream, const char *names, bool takes_all)
{
    static struct rf_sdp kept;
    const struct rf_sdp_media *was = &s->media[stream], *is = &kept.media[stream];
    size_t speech, from = 0;

    kept = *s;
    speech = rf_sdp_codecs_keep(&kept, stream, rf_span_str(names));
    rf_assert(is->format_count > 0 && is->format_count <= was->format_count && speech <= is->format_count);
    rf_assert((speech > 0 && !takes_all) || is->format_count == was->format_count);
    for (size_t i = 0; i < is->format_count; i++, from = 0) {
        while (from < was->format_count && !rf_span_eq(was->format[from], is->format[i]))
            from++;
        rf_assert(from < was->format_count);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rf_sdp s, again;
    static char text[4 * RF_SDP_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_sdp_face face = { .profile = RF_RTP_AVP, .session_id = 1, .version = 1 };
    const char *why = NULL;
    int stream;

    if (rf_sdp_parse(rf_span(data, size), &s, &why) != RF_OK) {
        rf_assert(why != NULL);
        return 0;
    }
    stream = rf_sdp_first_audio(&s);
    if (stream < 0)
        return 0;
    rf_assert(rf_addr_parse(RF_SPAN_LIT("192.0.2.1"), 9, &face.rtp) == RF_OK);
    face.direction = s.media[stream].direction;
    face.profile = s.media[stream].profile == RF_PROFILE_OTHER ? RF_RTP_AVP : s.media[stream].profile;
    rf_put_sdp(&b, &s, stream, &s, stream, &face);
    rf_assert(!b.overflow);
    /* A stream of another profile may list formats that are no payload types; a call refuses it before this. */
    if (s.media[stream].profile == RF_PROFILE_OTHER || b.n > RF_SDP_MAX)
        return 0;
    rf_assert(rf_sdp_parse(rf_buf_span(&b), &again, &why) == RF_OK);
    rf_assert(again.media_count == s.media_count && rf_sdp_first_audio(&again) == stream);
    rf_assert(again.media[stream].direction == face.direction);
    rf_assert(again.media[stream].format_count == s.media[stream].format_count);
    for (size_t i = 0; i < again.media_count; i++)
        rf_assert(i == (size_t)stream || again.media[i].port == 0);
    codecs(&again, stream, "PCMA opus", false);
    codecs(&again, stream, "G722 all", true);
    return 0;
}
