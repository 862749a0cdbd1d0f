/* Which codecs go on: order, what is taken away, what stays whatever the list says, and that nothing empty is made. */
#include "sdp/codecs.h"

#include "tap.h"

#define OFFER(formats, attrs)                                                                              \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP " formats \
    "\r\n" attrs

#define MAPS                                                                                                     \
    "a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:97  AMR-WB/16000\r\n"               \
    "a=rtpmap:102 TELEPHONE-EVENT/48000\r\na=rtpmap:99 red/8000\r\n"

static const struct {
    const char *names, *offer, *want; /* want NULL: refused, and the stream is as it was */
    const char *why;
} cases[] = {
    { "", OFFER("0 8 96 101", MAPS), "0 8 96 101", "no list: as it came" },
    { "all", OFFER("0 101 8", MAPS), "0 8 101", "all: the order of the offer, key presses behind" },
    { "PCMA PCMU", OFFER("0 8 9 101", MAPS), "8 0 101", "ours first; G722 is not in the list" },
    { "pcma", OFFER("0 8", ""), "8", "a fixed payload type without a=rtpmap (RFC 3551 6), in any case of letters" },
    { "PCMA all", OFFER("96 0 8 101", MAPS), "8 96 0 101", "one that we like best, and then all others" },
    { "all PCMU", OFFER("0 8 96", MAPS), "8 96 0", "one that comes last" },
    { "OPUS", OFFER("0 96 101 102 13", MAPS), "96 101 102 13", "both clock rates of key presses stay, and CN" },
    { "AMR-WB", OFFER("97 96", MAPS), "97", "two blanks in a=rtpmap" },
    { "PCMU PCMU", OFFER("0 8", ""), "0", "a name that stands twice" },
    { "G729", OFFER("0 8 101", MAPS), NULL, "none of ours: refused" },
    { "all", OFFER("101 13", MAPS), NULL, "key presses alone are no call" },
    { "PCMU", OFFER("98 0", ""), "0", "a dynamic payload type without a name is nobody's" },
    { "all", OFFER("98", ""), "98", "but all takes it as well" },
    { "PCMU", OFFER("99 0", MAPS), "0", "red is a codec like others: not named, not taken" },
    { "opus", OFFER("0 96", "a=rtpmap:96 opusx/48000\r\na=rtpmap:0 opus/48000\r\n"), "0",
      "whole names; a=rtpmap decides, also for a payload type that has a fixed one" },
};

static const struct {
    const char *offer, *other, *want; /* want NULL: nothing in common, and the stream is as it was */
    const char *why;
} pairs[] = {
    { OFFER("0 8 101", MAPS), OFFER("8 9", ""), "8", "one in common; key presses that the other has not are left out" },
    { OFFER("96 101", MAPS), OFFER("111 96", "a=rtpmap:111 OPUS/48000/2\r\na=rtpmap:96 telephone-event/8000\r\n"),
      "96 101", "by name and not by number, which stay those of the first" },
    { OFFER("0 102 101", MAPS), OFFER("0 101", MAPS), "0 101", "key presses of another clock rate are another codec" },
    { OFFER("0", ""), OFFER("99", "a=rtpmap:99 PCMU/8000\r\n"), "0", "a fixed payload type and a dynamic one" },
    { OFFER("0 101", MAPS), OFFER("8 101", MAPS), NULL, "key presses alone are nothing in common" },
    { OFFER("98", ""), OFFER("98", ""), NULL, "a number without a name is not known to be the same" },
};

static const char *
formats(const struct rf_sdp *s, char text[static 256])
{
    struct rf_buf b = rf_buf(text, 255);

    for (size_t k = 0; k < s->media[0].format_count; k++) {
        if (k > 0)
            rf_put_char(&b, ' ');
        rf_put(&b, s->media[0].format[k]);
    }
    text[b.n] = '\0';
    return text;
}

static const struct {
    const char *offer, *agreed;
    bool covers;
    const char *why;
} covers[] = {
    { OFFER("0 8 101", MAPS), OFFER("0 101", MAPS), true, "more than what was agreed upon" },
    { OFFER("0", ""), OFFER("0 101", MAPS), true, "key presses may go away" },
    { OFFER("8", ""), OFFER("0", ""), false, "another codec" },
    { OFFER("0", ""), OFFER("0 8", ""), false, "one of two that may be sent" },
    { OFFER("111", "a=rtpmap:111 opus/48000/2\r\n"), OFFER("96", MAPS), false, "the same one under another number" },
    { OFFER("96", "a=rtpmap:96 AMR-WB/16000\r\n"), OFFER("96", MAPS), false, "the same number for another one" },
    { OFFER("96", "a=rtpmap:96 opus/16000/2\r\n"), OFFER("96", MAPS), false, "another clock rate" },
    { OFFER("0", "a=rtpmap:0 pcmu/8000\r\n"), OFFER("0", ""), true, "a fixed payload type with and without a=rtpmap" },
};

static void
test_cover(void)
{
    for (size_t i = 0; i < sizeof covers / sizeof *covers; i++) {
        struct rf_sdp s, other;
        const char *why = "";

        ok(rf_sdp_parse(rf_span_str(covers[i].offer), &s, &why) == RF_OK &&
               rf_sdp_parse(rf_span_str(covers[i].agreed), &other, &why) == RF_OK &&
               rf_sdp_codecs_cover(&s, 0, &other, 0) == covers[i].covers,
           "%s %s: %s", covers[i].covers ? "covered" : "not covered", covers[i].why, why);
    }
}

static void
test_common(void)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct rf_sdp s, other;
        const char *why = "";
        char text[256];
        size_t before, n;

        if (!ok(rf_sdp_parse(rf_span_str(pairs[i].offer), &s, &why) == RF_OK &&
                    rf_sdp_parse(rf_span_str(pairs[i].other), &other, &why) == RF_OK,
                "the pair can be read %s", why))
            continue;
        before = s.media[0].format_count;
        n = rf_sdp_codecs_common(&s, 0, &other, 0);
        if (pairs[i].want == NULL)
            ok(n == 0 && s.media[0].format_count == before, "%s", pairs[i].why);
        else
            ok(n > 0 && strcmp(formats(&s, text), pairs[i].want) == 0, "%s: %s", pairs[i].why, text);
    }
}

int
main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_sdp s;
        const char *why = "";
        char text[256];
        size_t before, n;

        if (!ok(rf_sdp_parse(rf_span_str(cases[i].offer), &s, &why) == RF_OK, "the case can be read %s", why))
            continue;
        before = s.media[0].format_count;
        n = rf_sdp_codecs_keep(&s, 0, rf_span_str(cases[i].names));
        if (cases[i].want == NULL)
            ok(n == 0 && s.media[0].format_count == before, "%s", cases[i].why);
        else
            ok(n > 0 && strcmp(formats(&s, text), cases[i].want) == 0, "%s: %s", cases[i].why, text);
    }
    test_common();
    test_cover();
    return tap_done();
}
