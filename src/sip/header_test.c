/* Header fields that are parsed on first use, a table for each grammar rule. */
#include "sip/header.h"

#include "tap.h"

static struct rf_sip_msg msg;

static void
check_session_timer(void)
{
    static const struct {
        const char *in;
        enum rf_err want;
        uint32_t seconds;
        enum rf_sip_refresher refresher;
    } cases[] = {
        { "1800", RF_OK, 1800, RF_REFRESHER_NONE },
        { "4000;refresher=uac", RF_OK, 4000, RF_REFRESHER_UAC },
        { "90 ; Refresher = UAS ; x=y", RF_OK, 90, RF_REFRESHER_UAS },
        { "90;refresher=\"uac\"", RF_OK, 90, RF_REFRESHER_UAC },
        { "0", RF_OK, 0, RF_REFRESHER_NONE },
        { "99999999999", RF_OK, UINT32_MAX, RF_REFRESHER_NONE },
        { "", RF_ERR_SYNTAX },
        { "x", RF_ERR_SYNTAX },
        { "-1", RF_ERR_SYNTAX },
        { "90 x", RF_ERR_SYNTAX },
        { "90;refresher=proxy", RF_ERR_SYNTAX },
        { "90;refresher", RF_ERR_SYNTAX },
        { "90;refresher=uac;refresher=uas", RF_ERR_SYNTAX },
    };
    struct rf_sip_session_expires se;
    uint32_t seconds;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum rf_err err = rf_sip_session_expires_parse(rf_span_str(cases[i].in), &se);

        ok(err == cases[i].want && (err != RF_OK || (se.seconds == cases[i].seconds && se.refresher == cases[i].refresher)),
           "Session-Expires: %s", cases[i].in);
    }
    ok(rf_sip_min_se_parse(RF_SPAN_LIT("90;x"), &seconds) == RF_OK && seconds == 90, "Min-SE: 90;x");
    ok(rf_sip_min_se_parse(RF_SPAN_LIT("90s"), &seconds) == RF_ERR_SYNTAX, "Min-SE: 90s");
}

static void
check_contacts(void)
{
    static const struct {
        const char *in;
        enum rf_err want;
        int64_t expires; /* -1: none */
        int q;
        const char *instance;
        uint32_t reg_id;
        bool ob;
    } cases[] = {
        { "<sip:a@b>", RF_OK, -1, 1000, "", 0, false },
        { "sip:a@b;expires=60;q=0.5", RF_OK, 60, 500, "", 0, false },
        { "<sip:a@b;ob>;reg-id=1;+sip.instance=\"<urn:uuid:0-1>\"", RF_OK, -1, 1000, "urn:uuid:0-1", 1, true },
        { "<sip:a@b>;+SIP.INSTANCE=\"urn:uuid:2\"", RF_OK, -1, 1000, "urn:uuid:2", 0, false },
        { "<sip:a@b>;q=1", RF_OK, -1, 1000, "", 0, false },
        { "<sip:a@b>;q=1.000", RF_OK, -1, 1000, "", 0, false },
        { "<sip:a@b>;q=0", RF_OK, -1, 0, "", 0, false },
        { "<sip:a@b>;q=0.", RF_OK, -1, 0, "", 0, false },
        { "<sip:a@b>;q=0.33", RF_OK, -1, 330, "", 0, false },
        { "<sip:a@b>;q=0.007", RF_OK, -1, 7, "", 0, false },
        { "<sip:a@b>;expires=280297596632815", RF_OK, UINT32_MAX, 1000, "", 0, false },
        { "<sip:a@b>;expires=soon", RF_OK, 3600, 1000, "", 0, false },
        { "<sip:a@b>;expires=\"60\"", RF_OK, 3600, 1000, "", 0, false },
        { "<sip:a@b>;expires", RF_OK, 3600, 1000, "", 0, false },
        { "<sip:a@b>;reg-id=2147483647", RF_OK, -1, 1000, "", INT32_MAX, false },
        { "<sip:a@b>;q=1.001", RF_ERR_RANGE },
        { "<sip:a@b>;q=2", RF_ERR_RANGE },
        { "<sip:a@b>;q=0.1234", RF_ERR_SYNTAX },
        { "<sip:a@b>;q=-1", RF_ERR_SYNTAX },
        { "<sip:a@b>;q", RF_ERR_SYNTAX },
        { "<sip:a@b>;reg-id=0", RF_ERR_RANGE },
        { "<sip:a@b>;reg-id=2147483648", RF_ERR_RANGE },
        { "<sip:a@b>;reg-id=x", RF_ERR_SYNTAX },
        { "<sip:a@b>;+sip.instance=\"<>\"", RF_ERR_SYNTAX },
        { "<sip:a@b>, <sip:c@d>", RF_ERR_SYNTAX },
        { "", RF_ERR_SYNTAX },
    };
    struct rf_sip_contact c;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum rf_err err = rf_sip_contact_parse(rf_span_str(cases[i].in), &c);

        ok(err == cases[i].want &&
               (err != RF_OK || (c.has_expires == (cases[i].expires >= 0) &&
                                 (!c.has_expires || c.expires == (uint32_t)cases[i].expires) && c.q == cases[i].q &&
                                 rf_span_is(c.instance, cases[i].instance) && c.reg_id == cases[i].reg_id &&
                                 c.has_ob == cases[i].ob && !c.is_star)),
           "Contact: %s", cases[i].in);
    }
    ok(rf_sip_contact_parse(RF_SPAN_LIT("*"), &c) == RF_OK && c.is_star, "Contact: *");
}

static void
check_reason_and_retry(void)
{
    struct rf_sip_reason r;
    struct rf_sip_retry_after ra;

    ok(rf_sip_reason_parse(RF_SPAN_LIT("Q.850 ;cause=16 ;text=\"Terminated\""), &r) == RF_OK &&
           rf_span_is(r.protocol, "Q.850") && r.cause == 16 && rf_span_is(r.text, "Terminated"), "Reason: Q.850 (RFC 3326 2)");
    ok(rf_sip_reason_parse(RF_SPAN_LIT("SIP"), &r) == RF_OK && r.cause == 0 && r.text.n == 0, "Reason: SIP alone");
    ok(rf_sip_reason_parse(RF_SPAN_LIT("SIP;cause=x"), &r) == RF_ERR_SYNTAX, "Reason: a cause that is no number");
    ok(rf_sip_reason_parse(RF_SPAN_LIT("SIP;cause=1000"), &r) == RF_ERR_RANGE, "Reason: a cause of four digits");
    ok(rf_sip_reason_parse(RF_SPAN_LIT(";cause=1"), &r) == RF_ERR_SYNTAX, "Reason: no protocol");

    ok(rf_sip_retry_after_parse(RF_SPAN_LIT("18000;duration=3600"), &ra) == RF_OK && ra.seconds == 18000 && ra.duration == 3600,
       "Retry-After: 18000;duration=3600 (20.33)");
    ok(rf_sip_retry_after_parse(RF_SPAN_LIT("120 (I'm in a (long) meeting \\) )"), &ra) == RF_OK && ra.seconds == 120,
       "Retry-After: with a comment in a comment");
    ok(rf_sip_retry_after_parse(RF_SPAN_LIT("949302838503028349304023988"), &ra) == RF_OK && ra.seconds == UINT32_MAX,
       "Retry-After: beyond range (RFC 4475 3.1.2.5)");
    ok(rf_sip_retry_after_parse(RF_SPAN_LIT("120 (x"), &ra) == RF_ERR_SYNTAX, "Retry-After: a comment that never ends");
    ok(rf_sip_retry_after_parse(RF_SPAN_LIT("120 (x\\"), &ra) == RF_ERR_SYNTAX, "Retry-After: a backslash at the end");
    ok(rf_sip_retry_after_parse(RF_SPAN_LIT("120;duration=x"), &ra) == RF_ERR_SYNTAX, "Retry-After: a broken duration");
}

static void
check_content_type(void)
{
    static const struct {
        const char *in;
        bool is_sdp;
    } cases[] = {
        { "application/sdp", true },    { "Application/SDP;charset=utf-8", true }, { "application / sdp ; x=y", true },
        { "application/sdpx", false },  { "application", false },                  { "application/sdp x", false },
        { "application/sdp;", false },  { "text/plain", false },                   { "", false },
        { "application/sdp, text/plain", false },
    };
    struct rf_sip_problem problem;
    char text[512];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "INVITE sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nf: <sip:a@b>;tag=1\r\nt: <sip:b@c>\r\n"
                                    "i: x\r\nCSeq: 1 INVITE\r\nc: %s\r\n\r\n", cases[i].in);
        ok(rf_sip_msg_parse(&msg, rf_span_str(text), &problem) == RF_OK &&
               rf_sip_content_is(&msg, "application/sdp") == cases[i].is_sdp, "Content-Type: %s", cases[i].in);
    }
}

static void
check_replaces_and_refer(void)
{
    static const char broken[][36] = {
        "", "x", "x;to-tag=1", "x;from-tag=1", ";to-tag=1;from-tag=2", "x;to-tag=1;to-tag=2;from-tag=3",
        "x;to-tag=;from-tag=1", "x y;to-tag=1;from-tag=2", "x;to-tag=1;from-tag=2;",
    };
    struct rf_sip_replaces r;
    struct rf_sip_refer_to rt;
    char mem[256];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    ok(rf_sip_replaces_parse(RF_SPAN_LIT("98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n ;to-tag=ff87ff"), &r) == RF_OK &&
           rf_span_is(r.call_id, "98732@sip.example.com") && rf_span_is(r.from_tag, "r33th4x0r") &&
           rf_span_is(r.to_tag, "ff87ff") && !r.is_early_only, "Replaces of RFC 3891 6.1");
    ok(rf_sip_replaces_parse(RF_SPAN_LIT("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only"), &r) == RF_OK && r.is_early_only,
       "Replaces: early-only");
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        ok(rf_sip_replaces_parse(rf_span_str(broken[i]), &r) == RF_ERR_SYNTAX, "Replaces: \"%s\" is refused", broken[i]);

    ok(rf_sip_refer_to_parse(RF_SPAN_LIT("<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3B"
                                         "to-tag%3D12345%3Bfrom-tag%3D5FFE-3994>"), &rt) == RF_OK, "Refer-To of RFC 3515 2.1");
    rf_put_unescaped(&b, rt.replaces);
    ok(rf_sip_replaces_parse(rf_buf_span(&b), &r) == RF_OK && rf_span_is(r.call_id, "12345@192.168.118.3") &&
           rf_span_is(r.from_tag, "5FFE-3994"), "and the Replaces in it");
    ok(rf_sip_refer_to_parse(RF_SPAN_LIT("<sip:carol@cleveland.example.org;method=SUBSCRIBE>"), &rt) == RF_OK &&
           rf_span_is(rt.method, "SUBSCRIBE") && rt.replaces.n == 0, "Refer-To with a method");
    ok(rf_sip_refer_to_parse(RF_SPAN_LIT("<sip:a@b?Replaces=x&replaces=y>"), &rt) == RF_ERR_SYNTAX, "Refer-To: two Replaces");
    ok(rf_sip_refer_to_parse(RF_SPAN_LIT("sip:a@b?Replaces=x"), &rt) == RF_ERR_SYNTAX, "Refer-To: headers without < >");
}

static void
check_reliability(void)
{
    struct rf_sip_rack r;
    uint32_t rseq;

    ok(rf_sip_rack_parse(RF_SPAN_LIT("776656 1 INVITE"), &r) == RF_OK && r.rseq == 776656 && r.cseq == 1 &&
           r.method == RF_SIP_INVITE, "RAck of RFC 3262 7.2");
    ok(rf_sip_rack_parse(RF_SPAN_LIT("0 1 INVITE"), &r) == RF_ERR_RANGE, "RAck: 0");
    ok(rf_sip_rack_parse(RF_SPAN_LIT("1 2147483648 INVITE"), &r) == RF_ERR_RANGE, "RAck: a CSeq beyond range");
    ok(rf_sip_rack_parse(RF_SPAN_LIT("1 1"), &r) == RF_ERR_SYNTAX, "RAck: no method");
    ok(rf_sip_rack_parse(RF_SPAN_LIT("1 1 INVITE x"), &r) == RF_ERR_SYNTAX, "RAck: leftovers");
    ok(rf_sip_rseq_parse(RF_SPAN_LIT("988789"), &rseq) == RF_OK && rseq == 988789, "RSeq of RFC 3262 7.1");
    ok(rf_sip_rseq_parse(RF_SPAN_LIT("4294967296"), &rseq) == RF_ERR_RANGE, "RSeq: 2^32");
    ok(rf_sip_rseq_parse(RF_SPAN_LIT("0"), &rseq) == RF_ERR_RANGE, "RSeq: 0");
}

static void
check_events(void)
{
    struct rf_sip_event e;
    struct rf_sip_subscription_state s;
    struct rf_span package;

    ok(rf_sip_event_parse(RF_SPAN_LIT("dialog;id=7;call-id=\"x\""), &e) == RF_OK && rf_span_is(e.package, "dialog") &&
           rf_span_is(e.id, "7") && rf_span_is(e.params, ";id=7;call-id=\"x\""), "Event: dialog;id=7");
    ok(rf_sip_event_parse(RF_SPAN_LIT("presence.winfo"), &e) == RF_OK && rf_span_is(e.package, "presence.winfo"), "Event: a template");
    ok(rf_sip_event_parse(RF_SPAN_LIT(""), &e) == RF_ERR_SYNTAX && rf_sip_event_parse(RF_SPAN_LIT("a b"), &e) == RF_ERR_SYNTAX,
       "Event: empty, and two words");
    ok(rf_sip_subscription_state_parse(RF_SPAN_LIT("active;expires=3599"), &s) == RF_OK && s.state == RF_SUBSTATE_ACTIVE &&
           s.has_expires && s.expires == 3599, "Subscription-State: active");
    ok(rf_sip_subscription_state_parse(RF_SPAN_LIT("Terminated;reason=noresource;retry-after=5"), &s) == RF_OK &&
           s.state == RF_SUBSTATE_TERMINATED && rf_span_is(s.reason, "noresource") && s.has_retry_after && s.retry_after == 5,
       "Subscription-State: terminated");
    ok(rf_sip_subscription_state_parse(RF_SPAN_LIT("dozing"), &s) == RF_OK && s.state == RF_SUBSTATE_OTHER &&
           rf_span_is(s.state_text, "dozing"), "Subscription-State: another word");
    ok(rf_sip_subscription_state_parse(RF_SPAN_LIT("active;expires=x"), &s) == RF_ERR_SYNTAX, "Subscription-State: a broken expires");
    ok(rf_sip_info_package_parse(RF_SPAN_LIT("dtmf;x=y"), &package) == RF_OK && rf_span_is(package, "dtmf"), "Info-Package");
}

static void
check_allow(void)
{
    struct rf_sip_problem problem;
    uint32_t methods;

    rf_assert(rf_sip_msg_parse(&msg, RF_SPAN_LIT("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nf: <sip:a@b>;tag=1\r\nt: <sip:b@c>\r\ni: x\r\n"
                                                 "CSeq: 1 OPTIONS\r\nAllow: INVITE,ACK , FOO, invite\r\nAllow: BYE\r\n\r\n"),
                               &problem) == RF_OK);
    methods = rf_sip_allow(&msg);
    ok(methods == (1u << RF_SIP_INVITE | 1u << RF_SIP_ACK | 1u << RF_SIP_BYE), "Allow: known methods as bits");
}

int
main(void)
{
    check_session_timer();
    check_contacts();
    check_reason_and_retry();
    check_content_type();
    check_replaces_and_refer();
    check_reliability();
    check_events();
    check_allow();
    return tap_done();
}
