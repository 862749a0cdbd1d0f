/* What we write: responses with their Via, headers that cannot be smuggled in, phrases. */
#include "sip/write.h"

#include "tap.h"

static char text[4096];
static struct rf_sip_msg msg;

static const struct {
    const char *via, *want, *why;
    const char *source;
} vias[] = {
    { "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "sent-by is the source", "192.0.2.1:5060" },
    { "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;received=198.51.100.7", "another source (18.2.1)", "198.51.100.7:1024" },
    { "SIP/2.0/UDP host.example;branch=z9hG4bK1", "SIP/2.0/UDP host.example;branch=z9hG4bK1;received=198.51.100.7", "a name gets received", "198.51.100.7:1024" },
    { "SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1;rport=1024;branch=z9hG4bK1;received=192.0.2.1", "rport gets a port and received (RFC 3581 4)", "192.0.2.1:1024" },
    { "SIP/2.0/UDP 192.0.2.1;rport=9;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1;rport=1024;branch=z9hG4bK1;received=192.0.2.1", "a port of the sender's making goes", "192.0.2.1:1024" },
    { "SIP/2.0/UDP 192.0.2.1;received=203.0.113.9;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "a received of the sender's making goes", "192.0.2.1:5060" },
    { "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1;rport", "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1;rport=5061;received=2001:db8::1", "IPv6 without brackets in received", "[2001:db8::1]:5061" },
    { "SIP / 2.0 / UDP\r\n h ; x = \"a;b\" ; branch=z9hG4bK1, SIP/2.0/TCP  g\r\n ;y", "SIP/2.0/UDP h;x=\"a;b\";branch=z9hG4bK1;received=192.0.2.1, SIP/2.0/TCP  g ;y", "folds go, the second one stays", "192.0.2.1:1" },
};

static bool
has_line(struct rf_span message, const char *name, const char *value)
{
    static char line[1024];

    snprintf(line, sizeof line, "\r\n%s: %s\r\n", name, value);
    return rf_span_find_str(message, rf_span_str(line)) < message.n;
}

static void
check_vias(void)
{
    char request[1024];
    struct rf_sip_problem problem;

    for (size_t i = 0; i < sizeof vias / sizeof vias[0]; i++) {
        struct rf_buf b = rf_buf(text, sizeof text);
        struct rf_addr source;

        snprintf(request, sizeof request,
                 "OPTIONS sip:b@c SIP/2.0\r\nVia: %s\r\nv: SIP/2.0/UDP last\r\nf: <sip:a@b>;tag=1\r\nt: \"B\"\r\n <sip:b@c>\r\n"
                 "i: x\r\nCSeq: 1 OPTIONS\r\nTimestamp: 54\r\n\r\n", vias[i].via);
        rf_assert(rf_addr_parse_port(rf_span_str(vias[i].source), &source) == RF_OK);
        rf_assert(rf_sip_msg_parse(&msg, rf_span_str(request), &problem) == RF_OK);
        rf_sip_put_response(&b, &msg, 404, NULL, RF_SPAN_LIT("our-tag"), &source);
        ok(!b.overflow && has_line(rf_buf_span(&b), "Via", vias[i].want), "%s", vias[i].why);
        ok(rf_span_starts(rf_buf_span(&b), "SIP/2.0 404 Not Found\r\nVia: ") &&
               has_line(rf_buf_span(&b), "Via", "SIP/2.0/UDP last") &&
               has_line(rf_buf_span(&b), "To", "\"B\" <sip:b@c>;tag=our-tag") &&
               has_line(rf_buf_span(&b), "From", "<sip:a@b>;tag=1") && has_line(rf_buf_span(&b), "Call-ID", "x") &&
               has_line(rf_buf_span(&b), "CSeq", "1 OPTIONS") && !has_line(rf_buf_span(&b), "Timestamp", "54"),
           "%s: the other lines", vias[i].why);
    }
}

static void
check_response(void)
{
    struct rf_sip_problem problem;
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_addr source = { 0 };

    rf_assert(rf_sip_msg_parse(&msg, RF_SPAN_LIT("INVITE sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h;rport\r\nf: <sip:a@b>;tag=1\r\n"
                                                 "t: <sip:b@c>;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\n\r\n"),
                               &problem) == RF_OK);
    rf_sip_put_response(&b, &msg, 100, NULL, rf_span(NULL, 0), NULL);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    ok(rf_span_is(rf_buf_span(&b), "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP h;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
                                   "To: <sip:b@c>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\n"
                                   "Content-Length: 0\r\n\r\n"),
       "a 100 without a source: Via as it came, Timestamp back");
    b = rf_buf(text, sizeof text);
    rf_sip_put_response(&b, &msg, 200, "Fine", RF_SPAN_LIT("3"), &source);
    ok(rf_span_starts(rf_buf_span(&b), "SIP/2.0 200 Fine\r\nVia: SIP/2.0/UDP h;rport\r\n") &&
           has_line(rf_buf_span(&b), "To", "<sip:b@c>;tag=2"),
       "a phrase of our own; a tag that is there stays alone");
    b = rf_buf(text, 40);
    rf_sip_put_response(&b, &msg, 200, NULL, RF_SPAN_LIT("3"), &source);
    ok(b.overflow && b.n <= 40, "a buffer that is too small is noticed");
}

static void
check_smuggling(void)
{
    static const struct rf_span bad[] = {
        RF_SPAN_LIT("a\r\nContact: <sip:evil@example.com>"), RF_SPAN_LIT("a\nb"), RF_SPAN_LIT("a\rb"),
        RF_SPAN_LIT("a\0b"), RF_SPAN_LIT("\r\n"), RF_SPAN_LIT("a\r\n b"),
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rf_buf b = rf_buf(text, sizeof text);
        char string[64] = "";

        rf_sip_put_header(&b, RF_HDR_SUBJECT, bad[i]);
        ok(b.overflow, "rf_sip_put_header refuses case %zu", i);
        b = rf_buf(text, sizeof text);
        rf_sip_put_request(&b, "INVITE", bad[i]);
        ok(b.overflow, "rf_sip_put_request refuses case %zu", i);
        b = rf_buf(text, sizeof text);
        rf_sip_put_warning(&b, 399, bad[i], RF_SPAN_LIT("x"));
        ok(b.overflow, "rf_sip_put_warning refuses agent %zu", i);
        b = rf_buf(text, sizeof text);
        rf_sip_put_warning(&b, 399, RF_SPAN_LIT("x"), bad[i]);
        ok(b.overflow, "rf_sip_put_warning refuses text %zu", i);
        if (rf_span_copy(bad[i], string, sizeof string) != RF_OK)
            continue;
        b = rf_buf(text, sizeof text);
        rf_sip_put_headerf(&b, RF_HDR_SUBJECT, "<%s>", string);
        ok(b.overflow, "rf_sip_put_headerf refuses case %zu", i);
        b = rf_buf(text, sizeof text);
        rf_sip_put_body(&b, string, RF_SPAN_LIT("x"));
        ok(b.overflow, "rf_sip_put_body refuses type %zu", i);
    }
}

static void
check_parts(void)
{
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_sip_put_request(&b, "INVITE", RF_SPAN_LIT("sip:b@c"));
    rf_sip_put_header(&b, RF_HDR_CALL_ID, RF_SPAN_LIT("x"));
    rf_sip_put_headerf(&b, RF_HDR_CSEQ, "%u %s", 1u, "INVITE");
    rf_sip_put_reason_q850(&b, 88);
    rf_sip_put_reason_q850(&b, 0);
    rf_sip_put_warning(&b, 306, RF_SPAN_LIT("pbx.example.com"), RF_SPAN_LIT("no \"a=crypto\""));
    rf_sip_put_body(&b, "application/sdp", RF_SPAN_LIT("v=0\r\n"));
    ok(rf_span_is(rf_buf_span(&b), "INVITE sip:b@c SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
                                   "Reason: Q.850;cause=88;text=\"INCOMPATIBLE_DESTINATION\"\r\n"
                                   "Warning: 306 pbx.example.com \"no \\\"a=crypto\\\"\"\r\n"
                                   "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"),
       "a request of our own");
    ok(strcmp(rf_sip_reason_phrase(488), "Not Acceptable Here") == 0 && strcmp(rf_sip_reason_phrase(299), "Unknown") == 0,
       "reason phrases");
}

static void
check_copy(void)
{
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_sip_problem problem;

    rf_assert(rf_sip_msg_parse(&msg, RF_SPAN_LIT("INVITE sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nf: <sip:a@b>;tag=1\r\n"
                                                 "t: <sip:b@c>\r\ni: x\r\nCSeq: 1 INVITE\r\n"
                                                 "Record-Route: <sip:p1;lr>,\r\n\t<sip:p2;lr>\r\nX-Own :\r\n  y \r\n"
                                                 "record-route: <sip:p3;lr>\r\n\r\n"),
                               &problem) == RF_OK);
    rf_sip_put_copy(&b, &msg, RF_HDR_RECORD_ROUTE);
    rf_sip_put_copy(&b, &msg, RF_HDR_OTHER);
    rf_sip_put_copy(&b, &msg, RF_HDR_PATH);
    ok(rf_span_is(rf_buf_span(&b), "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\nX-Own: y\r\n"),
       "fields are copied in order, unfolded, by their full names");
}

int
main(void)
{
    check_vias();
    check_response();
    check_smuggling();
    check_parts();
    check_copy();
    return tap_done();
}
