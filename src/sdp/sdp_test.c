/* Reading and writing session descriptions: RFC 8866, 3264 6 and 8, 3605, 5761; TEL-3. */
#include "sdp/write.h"

#include "tap.h"

#define HEAD "v=0\r\no=- 7 8 IN IP4 192.0.2.50\r\ns=-\r\n"
#define CONN "c=IN IP4 192.0.2.50\r\n"
#define TIME "t=0 0\r\n"
#define AUDIO "m=audio 40000 RTP/AVP 0 101\r\n"

static const struct {
    const char *text;
    size_t n; /* 0: strlen */
    enum rf_err want;
    const char *why;
} parse_cases[] = {
    { HEAD CONN TIME AUDIO, 0, RF_OK, "a plain offer" },
    { "v=0\no=- 7 8 IN IP4 192.0.2.50\ns=-\nc=IN IP4 192.0.2.50\nt=0 0\nm=audio 40000 RTP/AVP 0\n", 0, RF_OK,
      "(L1) lines that end in LF" },
    { HEAD CONN TIME "m=audio 40000 RTP/AVP 0", 0, RF_OK, "(L1) the last line ends in nothing" },
    { HEAD CONN TIME AUDIO "\r\n\r\n", 0, RF_OK, "(L2) empty lines at the end" },
    { HEAD CONN AUDIO, 0, RF_OK, "(L3) no t=" },
    { HEAD "a=sendrecv\r\nb=AS:84\r\n" CONN TIME AUDIO, 0, RF_OK, "(L3) session lines in another order" },
    { HEAD CONN TIME "m=audio  40000 RTP/AVP 0  8 101 \r\n", 0, RF_OK, "(L4) several SP in m=" },
    { HEAD CONN TIME AUDIO "a=sendonly\r\na=sendonly\r\n", 0, RF_OK, "(L5) one direction twice" },
    { "v=0\r\no=- 7 8 IN IP4 192.0.2.50\r\ns=\r\n" CONN TIME AUDIO, 0, RF_OK, "(L6) empty s=" },
    { HEAD CONN TIME AUDIO "a=sendrecv \r\n", 0, RF_OK, "(L7) blank after a property attribute" },
    { "v=0\r\no=- 99999999999999999999999 1 IN IP4 h\r\ns=-\r\n" CONN TIME AUDIO, 0, RF_OK,
      "session id beyond 64 bits" },
    { HEAD "c=IN IP4 phone.example.com\r\n" TIME AUDIO, 0, RF_OK, "a name in c=" },
    { HEAD "c=IN IP6 2001:db8::1\r\n" TIME AUDIO, 0, RF_OK, "IPv6" },
    { HEAD TIME AUDIO CONN, 0, RF_OK, "c= of the stream only" },
    { HEAD TIME "m=audio 0 RTP/AVP 0\r\n", 0, RF_OK, "a stream that is off needs no c=" },
    { HEAD CONN TIME "m=audio 40000/1 RTP/AVP 0\r\n", 0, RF_OK, "one port said aloud" },
    { HEAD CONN TIME "m=image 40000 udptl t38\r\n", 0, RF_OK, "another transport" },
    { HEAD CONN TIME AUDIO "a=rtcp:40009\r\na=rtcp-mux\r\n", 0, RF_OK, "RFC 3605, 5761" },
    { "", 0, RF_ERR_SYNTAX, "nothing" },
    { "\r\n\r\n", 0, RF_ERR_SYNTAX, "only line ends" },
    { "v=0\r\n", 0, RF_ERR_SYNTAX, "only v=" },
    { "v=1\r\no=- 7 8 IN IP4 h\r\ns=-\r\n" CONN TIME AUDIO, 0, RF_ERR_SYNTAX, "another version" },
    { "o=- 7 8 IN IP4 h\r\nv=0\r\ns=-\r\n" CONN TIME AUDIO, 0, RF_ERR_SYNTAX, "v= is not first" },
    { "v=0\r\ns=-\r\n" CONN TIME AUDIO, 0, RF_ERR_SYNTAX, "no o=" },
    { HEAD "o=- 7 8 IN IP4 h\r\n" CONN TIME AUDIO, 0, RF_ERR_SYNTAX, "o= twice" },
    { "v=0\r\no=- x 8 IN IP4 h\r\ns=-\r\n" CONN AUDIO, 0, RF_ERR_SYNTAX, "session id is no number" },
    { "v=0\r\no=- 7 8 IN IP4\r\ns=-\r\n" CONN AUDIO, 0, RF_ERR_SYNTAX, "o= without its address" },
    { HEAD TIME AUDIO, 0, RF_ERR_SYNTAX, "no c= for a stream that is on" },
    { HEAD CONN CONN TIME AUDIO, 0, RF_ERR_SYNTAX, "two c= in the session part" },
    { HEAD TIME AUDIO CONN CONN, 0, RF_ERR_SYNTAX, "two c= for one stream" },
    { HEAD "c=IN IP4 224.2.36.42/127\r\n" TIME AUDIO, 0, RF_ERR_SYNTAX, "multicast" },
    { HEAD "c=IN IP6 ff15::1\r\n" TIME AUDIO, 0, RF_ERR_SYNTAX, "multicast, IPv6" },
    { HEAD "c=IN IP4 2001:db8::1\r\n" TIME AUDIO, 0, RF_ERR_SYNTAX, "address of the other family" },
    { HEAD "c=IN IP4 a,b\r\n" TIME AUDIO, 0, RF_ERR_SYNTAX, "neither address nor name" },
    { HEAD "c=TN RFC2543 +1\r\n" TIME AUDIO, 0, RF_ERR_SYNTAX, "not the Internet" },
    { HEAD CONN TIME "m=audio 65536 RTP/AVP 0\r\n", 0, RF_ERR_SYNTAX, "port above 65535" },
    { HEAD CONN TIME "m=audio -1 RTP/AVP 0\r\n", 0, RF_ERR_SYNTAX, "port below 0" },
    { HEAD CONN TIME "m=audio 40000/2 RTP/AVP 0\r\n", 0, RF_ERR_SYNTAX, "two ports: layered streams" },
    { HEAD CONN TIME "m=audio 40000 RTP/AVP\r\n", 0, RF_ERR_SYNTAX, "no format" },
    { HEAD CONN TIME "m=audio 40000 RTP/AVP 128\r\n", 0, RF_ERR_SYNTAX, "payload type above 127" },
    { HEAD CONN TIME "m=audio 40000 RTP/AVP x\r\n", 0, RF_ERR_SYNTAX, "payload type is no number" },
    { HEAD CONN TIME "m=audio\r\n", 0, RF_ERR_SYNTAX, "m= with nothing" },
    { HEAD CONN TIME AUDIO "a=\r\n", 0, RF_ERR_SYNTAX, "attribute without a name" },
    { HEAD CONN TIME AUDIO "a=:x\r\n", 0, RF_ERR_SYNTAX, "attribute with a value and no name" },
    { HEAD CONN TIME AUDIO "a=sendonly\r\na=recvonly\r\n", 0, RF_ERR_SYNTAX, "contradicting directions" },
    { HEAD CONN TIME AUDIO "a=rtcp:x\r\n", 0, RF_ERR_SYNTAX, "a=rtcp is no port" },
    { HEAD CONN TIME AUDIO "a=rtcp:4 IN IP4 x,y\r\n", 0, RF_ERR_SYNTAX, "a=rtcp with a broken address" },
    { HEAD CONN TIME AUDIO "a=rtcp:4\r\na=rtcp:5\r\n", 0, RF_ERR_SYNTAX, "a=rtcp twice" },
    { HEAD CONN TIME AUDIO "t=0 0\r\n", 0, RF_ERR_SYNTAX, "a session line after m=" },
    { HEAD CONN TIME AUDIO "x=1\r\n", 0, RF_ERR_SYNTAX, "a type that does not exist" },
    { HEAD CONN TIME "\r\n" AUDIO, 0, RF_ERR_SYNTAX, "an empty line in the middle" },
    { HEAD " " CONN AUDIO, 0, RF_ERR_SYNTAX, "a blank before the type" },
    { HEAD CONN TIME "M=audio 4 RTP/AVP 0\r\n", 0, RF_ERR_SYNTAX, "types are lower-case" },
    { HEAD "i=a\rb\r\n" CONN AUDIO, 0, RF_ERR_SYNTAX, "a CR inside a line" },
    { "v=0\r\no=- 7 8 IN IP4 h\r\ns=a\0b\r\nc=IN IP4 192.0.2.1\r\nm=audio 4 RTP/AVP 0\r\n", 71, RF_ERR_SYNTAX,
      "a NUL inside a line" },
};

static void
test_parse(void)
{
    for (size_t i = 0; i < sizeof parse_cases / sizeof parse_cases[0]; i++) {
        size_t n = parse_cases[i].n != 0 ? parse_cases[i].n : strlen(parse_cases[i].text);
        const char *why = NULL;
        struct rf_sdp s;
        enum rf_err err = rf_sdp_parse(rf_span(parse_cases[i].text, n), &s, &why);

        ok(err == parse_cases[i].want && (err == RF_OK) == (why == NULL), "%s: %s%s%s", parse_cases[i].why,
           rf_err_name(err), why != NULL ? ", " : "", why != NULL ? why : "");
    }
}

/* A session of `lines` copies of `line` below one stream, or of streams. */
static enum rf_err
parse_many(const char *head, const char *line, size_t lines, const char **why)
{
    static char text[64000];
    struct rf_buf b = rf_buf(text, sizeof text);
    static struct rf_sdp s;

    rf_put_str(&b, head);
    for (size_t i = 0; i < lines; i++)
        rf_put_str(&b, line);
    return rf_sdp_parse(rf_buf_span(&b), &s, why);
}

static void
test_limits(void)
{
    const char *why = NULL;

    ok(parse_many(HEAD CONN TIME, AUDIO, RF_SDP_MEDIA_MAX, &why) == RF_OK, "as many streams as are read");
    ok(parse_many(HEAD CONN TIME, AUDIO, RF_SDP_MEDIA_MAX + 1, &why) == RF_ERR_RANGE, "one more: %s", why);
    ok(parse_many(HEAD CONN TIME AUDIO, "a=x:y\r\n", RF_SDP_ATTR_MAX, &why) == RF_OK, "as many a= as are read");
    ok(parse_many(HEAD CONN TIME AUDIO, "a=x\r\n", RF_SDP_ATTR_MAX + 1, &why) == RF_ERR_RANGE, "one more: %s", why);
    ok(parse_many(HEAD CONN TIME "m=audio 4 RTP/AVP", " 96", RF_SDP_FORMAT_MAX, &why) == RF_OK,
       "as many formats as are read");
    ok(parse_many(HEAD CONN TIME "m=audio 4 RTP/AVP", " 96", RF_SDP_FORMAT_MAX + 1, &why) == RF_ERR_RANGE,
       "one more: %s", why);
    ok(parse_many(HEAD CONN TIME, "b=AS:1\r\n", RF_SDP_MAX / 8, &why) == RF_ERR_RANGE, "too long: %s", why);
}

static struct rf_sdp
parsed(const char *text)
{
    struct rf_sdp s;
    const char *why = "";

    if (rf_sdp_parse(rf_span_str(text), &s, &why) != RF_OK)
        ok(false, "test data: %s", why);
    return s;
}

static bool
addr_is(const struct rf_addr *a, const char *want)
{
    char text[RF_ADDR_TEXT_MAX];

    return rf_addr_is_set(a) ? strcmp(rf_addr_text(a, text), want) == 0 : want[0] == '\0';
}

static const struct {
    const char *lines; /* after the head */
    int stream;        /* rf_sdp_first_audio */
    enum rf_sdp_direction direction;
    const char *rtp, *rtcp;
    bool mux;
    const char *why;
} fact_cases[] = {
    { CONN AUDIO, 0, RF_SENDRECV, "192.0.2.50:40000", "192.0.2.50:40001", false, "defaults" },
    { CONN "a=inactive\r\n" AUDIO, 0, RF_INACTIVE, "192.0.2.50:40000", "192.0.2.50:40001", false,
      "direction of the session" },
    { CONN "a=inactive\r\n" AUDIO "a=recvonly\r\n", 0, RF_RECVONLY, "192.0.2.50:40000", "192.0.2.50:40001", false,
      "the stream's direction wins" },
    { CONN AUDIO "c=IN IP4 198.51.100.7\r\n", 0, RF_SENDRECV, "198.51.100.7:40000", "198.51.100.7:40001", false,
      "the stream's address wins" },
    { CONN AUDIO "a=rtcp:53020\r\n", 0, RF_SENDRECV, "192.0.2.50:40000", "192.0.2.50:53020", false, "a=rtcp port" },
    { CONN AUDIO "a=rtcp:53020 IN IP4 198.51.100.9\r\n", 0, RF_SENDRECV, "192.0.2.50:40000", "198.51.100.9:53020",
      false, "a=rtcp port and address" },
    { CONN AUDIO "a=rtcp-mux\r\n", 0, RF_SENDRECV, "192.0.2.50:40000", "192.0.2.50:40001", true, "a=rtcp-mux" },
    { CONN "m=audio 65535 RTP/AVP 0\r\n", 0, RF_SENDRECV, "192.0.2.50:65535", "", false,
      "no port above the last one" },
    { "c=IN IP4 0.0.0.0\r\n" AUDIO, 0, RF_SENDONLY, "0.0.0.0:40000", "0.0.0.0:40001", false,
      "hold as in RFC 2543: RFC 3264 8.4" },
    { "c=IN IP4 0.0.0.0\r\n" AUDIO "a=recvonly\r\n", 0, RF_INACTIVE, "0.0.0.0:40000", "0.0.0.0:40001", false,
      "that hold, and receive only" },
    { "c=IN IP4 host.example\r\n" AUDIO, 0, RF_SENDRECV, "", "", false, "a name is left to the caller" },
    { CONN "m=video 5 RTP/AVP 31\r\n" AUDIO, 1, RF_SENDRECV, "192.0.2.50:40000", "192.0.2.50:40001", false,
      "audio comes second" },
    { CONN "m=audio 0 RTP/AVP 0\r\n" AUDIO, 1, RF_SENDRECV, "192.0.2.50:40000", "192.0.2.50:40001", false,
      "the first audio is off" },
};

static void
test_facts(void)
{
    for (size_t i = 0; i < sizeof fact_cases / sizeof fact_cases[0]; i++) {
        char text[1024];
        struct rf_sdp s;
        const struct rf_sdp_media *m;

        snprintf(text, sizeof text, "%s%s", HEAD, fact_cases[i].lines);
        s = parsed(text);
        m = &s.media[fact_cases[i].stream];
        ok(rf_sdp_first_audio(&s) == fact_cases[i].stream && m->direction == fact_cases[i].direction &&
               addr_is(&m->connection, fact_cases[i].rtp) && addr_is(&m->rtcp, fact_cases[i].rtcp) &&
               m->rtcp_mux == fact_cases[i].mux,
           "%s", fact_cases[i].why);
    }
    {
        struct rf_sdp s = parsed(HEAD CONN "a=tool:x\r\n" AUDIO "a=ptime:20\r\nm=video 0 RTP/AVP 31\r\na=ptime:30\r\n");

        ok(rf_sdp_first_audio(&s) == 0 && s.session_attr_count == 1 &&
               rf_span_is(rf_sdp_media_attr(&s, &s.media[0], "ptime")->value, "20") &&
               rf_span_is(rf_sdp_media_attr(&s, &s.media[1], "ptime")->value, "30") &&
               rf_sdp_media_attr(&s, &s.media[0], "tool") == NULL,
           "attributes belong to their section");
        s = parsed(HEAD CONN "m=video 5 RTP/AVP 31\r\n");
        ok(rf_sdp_first_audio(&s) == -1, "no audio");
        s = parsed(HEAD CONN "m=audio 0 RTP/AVP 0\r\n");
        ok(rf_sdp_first_audio(&s) == -1, "audio that is off is none");
    }
    for (int p = RF_RTP_AVP; p <= RF_UDP_TLS_RTP_SAVPF; p++) {
        char text[512];
        struct rf_sdp s;

        snprintf(text, sizeof text, HEAD CONN "m=audio 4 %s 0\r\n", rf_sdp_profile_name((enum rf_sdp_profile)p));
        s = parsed(text);
        ok(s.media[0].profile == (enum rf_sdp_profile)p &&
               rf_sdp_profile_is_secure(s.media[0].profile) == (strstr(text, "SAVP") != NULL),
           "profile %s", rf_sdp_profile_name((enum rf_sdp_profile)p));
    }
}

static struct rf_sdp_face
face_make(const char *addr)
{
    struct rf_sdp_face f = { .profile = RF_RTP_SAVP, .direction = RF_SENDRECV, .session_id = 11, .version = 3 };

    if (rf_addr_parse(rf_span_str(addr), 30000, &f.rtp) != RF_OK)
        ok(false, "test address");
    f.crypto_count = 1;
    f.crypto[0].tag = 5;
    f.crypto[0].key.suite = rf_srtp_suite_named(RF_SPAN_LIT("AES_CM_128_HMAC_SHA1_80"))->id;
    return f;
}

/* TEL-3: what one side says of its network never reaches the other side. */
static void
test_write(void)
{
    struct rf_sdp a = parsed(HEAD CONN TIME
                             "m=video 6000 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
                             "m=audio 40000 RTP/AVP 0 101\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET\r\n"
                             "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
                             "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=candidate:1 1 UDP 1 10.0.0.1 9 typ host\r\n"
                             "a=fingerprint:sha-256 AA\r\na=rtcp:9 IN IP4 10.0.0.1\r\na=label:x\r\n");
    struct rf_sdp_face f = face_make("198.51.100.1");
    char text[4096];
    struct rf_buf b = rf_buf(text, sizeof text);
    static const char want_offer[] =
        "v=0\r\no=- 11 3 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
        "m=audio 30000 RTP/SAVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\na=ptime:20\r\n"
        "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\na=sendrecv\r\n";
    static const char want_answer[] =
        "v=0\r\no=- 11 3 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
        "m=video 0 RTP/AVP 31\r\n"
        "m=audio 30000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp-mux\r\na=sendonly\r\n";

    rf_put_sdp(&b, &a, 1, NULL, 0, &f);
    ok(rf_span_is(rf_buf_span(&b), want_offer), "TEL-3: an offer of ours has the other leg's codecs and our network");
    f = face_make("2001:db8::1");
    f.crypto_count = 0;
    f.profile = RF_RTP_AVP;
    f.direction = RF_SENDONLY;
    f.rtcp_mux = true;
    b = rf_buf(text, sizeof text);
    rf_put_sdp(&b, &a, 1, &a, 1, &f);
    ok(rf_span_is(rf_buf_span(&b), want_answer), "RFC 3264 6: an answer has the shape of the offer, video refused");
    b = rf_buf(text, 40);
    rf_put_sdp(&b, &a, 1, NULL, 0, &f);
    ok(b.overflow, "a buffer that is too small is noticed");
}

int
main(void)
{
    test_parse();
    test_limits();
    test_facts();
    test_write();
    return tap_done();
}
