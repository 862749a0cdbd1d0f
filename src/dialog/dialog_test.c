/*
 * dialog/dialog_test.c - dialogs and session timers as tables (RFC 3261 12, 14.1, RFC 4028)
 */
#include "dialog/dialog.h"
#include "dialog/session_timer.h"
#include "loop/wheel.h"
#include "tap.h"

static struct rf_sip_msg msg;

static void
parse(const char *text)
{
    struct rf_sip_problem problem;

    if (rf_sip_msg_parse(&msg, rf_span_str(text), &problem) != RF_OK) {
        diag("does not parse: %s", problem.sentence);
        fflush(stdout);
        abort();
    }
}

static void
invite(const char *extra, const char *to_params)
{
    static char text[16384]; /* the message of the test points into it */

    snprintf(text, sizeof text,
             "INVITE sip:201@pbx.example SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.7;branch=z9hG4bKx\r\n"
             "From: \"A B\" <sip:a@pbx.example>;tag=ft\r\nTo: <sip:201@pbx.example>%s\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n"
             "%sContent-Length: 0\r\n\r\n",
             to_params, extra);
    parse(text);
}

static void
answer(int status, const char *extra, const char *tag)
{
    static char text[4096];

    snprintf(text, sizeof text,
             "SIP/2.0 %d x\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKy\r\nFrom: <sip:us@pbx.example>;tag=lt\r\n"
             "To: <sip:b@pbx.example>%s%s\r\nCall-ID: c2\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
             status, tag[0] != '\0' ? ";tag=" : "", tag, extra);
    parse(text);
}

static const char *
request(struct rf_dialog *d, enum rf_sip_method method)
{
    static char text[8192];
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    struct rf_addr ours;
    struct rf_hop hop = { RF_TLS, &ours };

    if (rf_addr_parse_port(RF_SPAN_LIT("192.0.2.1:5061"), &ours) != RF_OK)
        abort();
    rf_dialog_put_request(&b, d, method, &hop, "z9hG4bKq");
    text[b.n] = '\0';
    return text;
}

static bool
has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static void
uas(void)
{
    struct rf_dialog d;
    const char *r;
    char routes[8192] = "";

    invite("Contact: <sip:a@192.0.2.7:5061;transport=tls>\r\nRecord-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n", "");
    ok(rf_dialog_from_request(&d, &msg, RF_SPAN_LIT("lt")) == RF_OK && !d.is_uac, "a dialog from an INVITE");
    r = request(&d, RF_SIP_BYE);
    ok(strncmp(r, "BYE sip:a@192.0.2.7:5061;transport=tls SIP/2.0\r\n", 48) == 0, "12.2.1.1: to the remote target");
    ok(has(r, "Route: <sip:p1.example;lr>\r\nRoute: <sip:p2.example;lr>\r\n"), "12.1.1: route set in the order of Record-Route");
    ok(has(r, "From: <sip:201@pbx.example>;tag=lt\r\n") && has(r, "To: \"A B\" <sip:a@pbx.example>;tag=ft\r\n"),
       "From is our To with our tag, To is their From with theirs");
    ok(has(r, "Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKq;rport\r\n"), "Via of our hop");
    ok(has(r, "CSeq: 1 BYE\r\n") && has(request(&d, RF_SIP_INFO), "CSeq: 2 INFO\r\n"), "our CSeq counts on its own");
    ok(rf_dialog_request_in(&d, &msg) == RF_ERR_STALE, "12.2.2: the same CSeq again is stale");
    msg.cseq = 9;
    ok(rf_dialog_request_in(&d, &msg) == RF_OK && d.remote_cseq == 9, "a gap is fine");
    rf_dialog_fini(&d);

    invite("Contact: <sip:a@192.0.2.7>\r\nRecord-Route: <sip:strict.example>, <sip:p2.example;lr>\r\n", "");
    if (rf_dialog_from_request(&d, &msg, RF_SPAN_LIT("lt")) != RF_OK)
        abort();
    r = request(&d, RF_SIP_BYE);
    ok(strncmp(r, "BYE sip:strict.example SIP/2.0\r\n", 32) == 0 &&
           has(r, "Route: <sip:p2.example;lr>\r\nRoute: <sip:a@192.0.2.7>\r\n"),
       "12.2.1.1: a strict router becomes the Request-URI, the target the last Route");
    rf_dialog_fini(&d);

    invite("", "");
    ok(rf_dialog_from_request(&d, &msg, RF_SPAN_LIT("lt")) == RF_ERR_SYNTAX, "no Contact: 400");
    invite("Contact: <tel:+123>\r\n", "");
    ok(rf_dialog_from_request(&d, &msg, RF_SPAN_LIT("lt")) == RF_ERR_SYNTAX, "a Contact that is no SIP URI: 400");
    for (int i = 0; i < RF_DIALOG_ROUTES_MAX + 1; i++)
        strcat(routes, "Record-Route: <sip:p.example;lr>\r\n");
    strcat(routes, "Contact: <sip:a@192.0.2.7>\r\n");
    invite(routes, "");
    ok(rf_dialog_from_request(&d, &msg, RF_SPAN_LIT("lt")) == RF_ERR_RANGE, "more routes than the limit: 513");
}

static void
uac(void)
{
    struct rf_dialog d, fork;
    const char *r;

    if (rf_dialog_begin(&d, RF_SPAN_LIT("c2"), RF_SPAN_LIT("lt"), RF_SPAN_LIT("<sip:us@pbx.example>"),
                        RF_SPAN_LIT("<sip:b@pbx.example>"), RF_SPAN_LIT("sip:b@192.0.2.9"),
                        RF_SPAN_LIT("<sip:path.example;lr>"), 0) != RF_OK)
        abort();
    r = request(&d, RF_SIP_INVITE);
    ok(has(r, "INVITE sip:b@192.0.2.9 SIP/2.0\r\n") && has(r, "Route: <sip:path.example;lr>\r\n") &&
           has(r, "To: <sip:b@pbx.example>\r\n") && has(r, "CSeq: 1 INVITE\r\n"),
       "the first INVITE: Path as Route, To without a tag");
    answer(183, "Contact: <sip:b1@192.0.2.9>\r\nRecord-Route: <sip:p1.example;lr>\r\nRecord-Route: <sip:p2.example;lr>\r\n", "f1");
    ok(rf_dialog_from_response(&fork, &d, &msg) == RF_OK && !fork.is_confirmed, "an early dialog of a fork");
    r = request(&fork, RF_SIP_BYE);
    ok(has(r, "BYE sip:b1@192.0.2.9 ") && has(r, "Route: <sip:p2.example;lr>\r\nRoute: <sip:p1.example;lr>\r\n") &&
           has(r, ";tag=f1\r\n"),
       "12.1.2: route set reversed, target and tag of the response");
    rf_dialog_fini(&fork);
    answer(200, "", "f2");
    ok(rf_dialog_from_response(&fork, &d, &msg) == RF_ERR_SYNTAX, "a 200 without Contact makes no dialog");
    answer(200, "Contact: <sip:b2@192.0.2.9>\r\n", "f2");
    ok(rf_dialog_from_response(&d, &d, &msg) == RF_OK && d.is_confirmed, "the 200 that wins replaces what was begun");
    ok(has(request(&d, RF_SIP_ACK), "CSeq: 1 ACK\r\n"), "13.2.2.4: ACK bears the INVITE's number");
    ok(has(request(&d, RF_SIP_INVITE), "CSeq: 2 INVITE\r\n") && has(request(&d, RF_SIP_INFO), "CSeq: 3 INFO\r\n") &&
           has(request(&d, RF_SIP_ACK), "CSeq: 2 ACK\r\n"),
       "also when another request came between");
    rf_dialog_fini(&d);
}

static void
glare(void)
{
    uint64_t seed = 3;
    const struct rf_rand rand = { rf_rand_seeded_fill, &seed };
    struct rf_dialog d = { .is_uac = true };
    bool owner = true, other = true, steps = true;

    for (int i = 0; i < 2000; i++) {
        uint64_t w = rf_dialog_glare_wait_us(&d, &rand);

        owner = owner && w >= 2100 * RF_MS && w <= 4 * RF_S;
        steps = steps && w % (10 * RF_MS) == 0;
    }
    d.is_uac = false;
    for (int i = 0; i < 2000; i++)
        other = other && rf_dialog_glare_wait_us(&d, &rand) <= 2 * RF_S;
    ok(owner, "14.1: the owner of the Call-ID waits 2.1 to 4 s");
    ok(other, "14.1: the other side 0 to 2 s");
    ok(steps, "in steps of 10 ms");
}

static void
timers(void)
{
    static const struct {
        const char *in; /* headers of the INVITE */
        uint32_t wanted, min_se;
        enum rf_err want;
        uint32_t expires;
        bool we_refresh;
        uint32_t due;
        const char *why;
    } as_uas[] = {
        { "", 1800, 90, RF_OK, 1800, true, 900, "no support: only we can refresh" },
        { "Supported: timer\r\n", 1800, 90, RF_OK, 1800, false, 1768, "supported, nothing asked: the UAC refreshes" },
        { "Supported: timer\r\nSession-Expires: 600\r\n", 1800, 90, RF_OK, 600, false, 568, "what it asks for, below ours" },
        { "Supported: timer\r\nSession-Expires: 3600\r\n", 1800, 90, RF_OK, 1800, false, 1768, "shortened to ours" },
        { "Supported: timer\r\nSession-Expires: 3600\r\nMin-SE: 2400\r\n", 1800, 90, RF_OK, 2400, false, 2368,
          "not below its Min-SE" },
        { "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", 1800, 90, RF_OK, 600, true, 300, "it wants us to" },
        { "Supported: timer\r\nSession-Expires: 60\r\n", 1800, 90, RF_ERR_RANGE, 0, false, 0, "422" },
        { "Session-Expires: 60\r\n", 1800, 90, RF_OK, 90, true, 45, "no support: 422 would mean nothing to it" },
        { "Supported: timer\r\nSession-Expires: 90\r\n", 1800, 90, RF_OK, 90, false, 60, "SE - SE/3 for short ones" },
        { "x: 4000000000000;refresher=uac\r\nSupported: timer\r\n", 1800, 90, RF_OK, 1800, false, 1768, "compact, huge" },
        { "Supported: timer\r\nSession-Expires: 600\r\n", 0, 90, RF_OK, 600, false, 568, "we ask for none, but grant it" },
    };
    static const struct {
        const char *in;
        uint32_t asked, expires;
        bool we_refresh;
        const char *why;
    } as_uac[] = {
        { "", 1800, 1800, true, "the peer has no timer: we refresh alone" },
        { "Session-Expires: 1200;refresher=uas\r\nRequire: timer\r\n", 1800, 1200, false, "it shortened and refreshes" },
        { "Session-Expires: 1200;refresher=uac\r\n", 1800, 1200, true, "we refresh" },
        { "x: 1200 ; Refresher = \"uac\"\r\n", 1800, 1200, true, "some phones quote it: we refresh all the same" },
        { "Session-Expires: 10;refresher=uac\r\n", 1800, 90, true, "nobody makes us refresh every 5 s" },
        { "", 0, 0, true, "none asked, none got" },
    };
    struct rf_session_expires e;
    struct rf_session_timer t;
    char text[256];
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    for (size_t i = 0; i < sizeof as_uas / sizeof as_uas[0]; i++) {
        enum rf_err err;

        invite(as_uas[i].in, "");
        err = rf_session_expires_of(&msg, &e);
        if (err == RF_OK)
            err = rf_session_timer_uas(&e, as_uas[i].wanted, as_uas[i].min_se, &t);
        ok(err == as_uas[i].want && (err != RF_OK || (t.expires_s == as_uas[i].expires && t.we_refresh == as_uas[i].we_refresh &&
                                                     rf_session_timer_due_s(&t) == as_uas[i].due)),
           "UAS: %s", as_uas[i].why);
    }
    for (size_t i = 0; i < sizeof as_uac / sizeof as_uac[0]; i++) {
        answer(200, as_uac[i].in, "x");
        if (rf_session_expires_of(&msg, &e) != RF_OK)
            abort();
        rf_session_timer_uac(&e, as_uac[i].asked, &t);
        ok(t.expires_s == as_uac[i].expires && t.we_refresh == as_uac[i].we_refresh, "UAC: %s", as_uac[i].why);
    }
    invite("Session-Expires: soon\r\n", "");
    ok(rf_session_expires_of(&msg, &e) == RF_ERR_SYNTAX, "a Session-Expires that is no number: 400");
    invite("Session-Expires: 1800;refresher=uac;refresher=uas\r\n", "");
    ok(rf_session_expires_of(&msg, &e) == RF_ERR_SYNTAX, "two refreshers: 400");
    t = (struct rf_session_timer){ 600, false, true, 0 };
    rf_put_session_timer_response(&b, &t);
    text[b.n] = '\0';
    ok(strcmp(text, "Require: timer\r\nSession-Expires: 600;refresher=uac\r\n") == 0, "RFC 4028 9: Require when the peer refreshes");
}

int
main(void)
{
    uas();
    uac();
    glare();
    timers();
    return tap_done();
}
