/* URIs, name-addr, Via, lists and escapes, a table for each grammar rule. */
#include "sip/uri.h"

#include "tap.h"

static char mem[4096];

static const struct {
    enum rf_err want;
    const char *in, *why;
    enum rf_uri_scheme scheme;
    const char *user, *password, *host;
    int port;
    const char *params, *headers;
} uris[] = {
    { RF_OK, "sip:alice@atlanta.com", "RFC 3261 19.1.3", RF_URI_SIP, "alice", "", "atlanta.com", 0, "", "" },
    { RF_OK, "sip:alice:secretword@atlanta.com;transport=tcp", "19.1.3", RF_URI_SIP, "alice", "secretword", "atlanta.com", 0, ";transport=tcp", "" },
    { RF_OK, "sips:alice@atlanta.com?subject=project%20x&priority=urgent", "19.1.3", RF_URI_SIPS, "alice", "", "atlanta.com", 0, "", "subject=project%20x&priority=urgent" },
    { RF_OK, "sip:+1-212-555-1212:1234@gateway.com;user=phone", "19.1.3", RF_URI_SIP, "+1-212-555-1212", "1234", "gateway.com", 0, ";user=phone", "" },
    { RF_OK, "sips:1212@gateway.com", "19.1.3", RF_URI_SIPS, "1212", "", "gateway.com", 0, "", "" },
    { RF_OK, "sip:alice@192.0.2.4", "19.1.3", RF_URI_SIP, "alice", "", "192.0.2.4", 0, "", "" },
    { RF_OK, "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", "19.1.3", RF_URI_SIP, "", "", "atlanta.com", 0, ";method=REGISTER", "to=alice%40atlanta.com" },
    { RF_OK, "sip:alice;day=tuesday@atlanta.com", "19.1.3", RF_URI_SIP, "alice;day=tuesday", "", "atlanta.com", 0, "", "" },
    { RF_OK, "SIP:a@[2001:db8::10]:5061;lr", "IPv6", RF_URI_SIP, "a", "", "[2001:db8::10]", 5061, ";lr", "" },
    { RF_OK, "sip:a@host_1.local.", "an underscore, a dot at the end", RF_URI_SIP, "a", "", "host_1.local.", 0, "", "" },
    { RF_OK, "sip:%00@h", "an escaped NUL", RF_URI_SIP, "%00", "", "h", 0, "", "" },
    { RF_OK, "sip:*72#@h", "a bare #, as Grandstream may send", RF_URI_SIP, "*72#", "", "h", 0, "", "" },
    { RF_OK, "sip:a:@h", "an empty password", RF_URI_SIP, "a", "", "h", 0, "", "" },
    { RF_OK, "sip:h?a=", "an empty hvalue", RF_URI_SIP, "", "", "h", 0, "", "a=" },
    { RF_OK, "sip:h;a=[x]:/&+$", "all of param-unreserved", RF_URI_SIP, "", "", "h", 0, ";a=[x]:/&+$", "" },
    { RF_OK, "tel:+1-201-555-0123;ext=7", "RFC 3966", RF_URI_TEL, "+1-201-555-0123", "", "", 0, ";ext=7", "" },
    { RF_OK, "tel:7042;phone-context=example.com", "RFC 3966, local", RF_URI_TEL, "7042", "", "", 0, ";phone-context=example.com", "" },
    { RF_OK, "mailto:alice@example.com", "another scheme", RF_URI_OTHER, "", "", "", 0, "", "" },
    { RF_OK, "urn:service:sos", "another scheme", RF_URI_OTHER, "", "", "", 0, "", "" },
    { RF_ERR_SYNTAX, "", "nothing" },
    { RF_ERR_SYNTAX, "sip", "no colon" },
    { RF_ERR_SYNTAX, "sip:", "no host" },
    { RF_ERR_SYNTAX, ":a", "no scheme" },
    { RF_ERR_SYNTAX, "1a:b", "a scheme begins with a letter" },
    { RF_ERR_SYNTAX, "a_b:c", "no underscore in a scheme" },
    { RF_ERR_SYNTAX, "sip:a@", "no host" },
    { RF_ERR_SYNTAX, "sip:@h", "an empty user" },
    { RF_ERR_SYNTAX, "sip:a@b@c", "two @" },
    { RF_ERR_SYNTAX, "sip:a b@c", "a blank" },
    { RF_ERR_SYNTAX, "sip:a@h:", "a colon and no port" },
    { RF_ERR_RANGE, "sip:a@h:0", "port 0" },
    { RF_ERR_RANGE, "sip:a@h:65536", "port 65536" },
    { RF_ERR_RANGE, "sip:a@h:99999999999999999999999", "a port of 23 digits" },
    { RF_ERR_SYNTAX, "sip:a@h:5060x", "text behind the port" },
    { RF_ERR_SYNTAX, "sip:a@h;", "an empty parameter" },
    { RF_ERR_SYNTAX, "sip:a@h;;lr", "an empty parameter" },
    { RF_ERR_SYNTAX, "sip:a@h;=x", "no name" },
    { RF_ERR_SYNTAX, "sip:a@h;x=", "no value" },
    { RF_ERR_SYNTAX, "sip:a@h;x=\"y\"", "quotes" },
    { RF_ERR_SYNTAX, "sip:a@h?", "no header" },
    { RF_ERR_SYNTAX, "sip:a@h?x", "a header without =" },
    { RF_ERR_SYNTAX, "sip:a@h?x=y&", "an empty header" },
    { RF_ERR_SYNTAX, "sip:a%@h", "half an escape" },
    { RF_ERR_SYNTAX, "sip:a%4@h", "half an escape" },
    { RF_ERR_SYNTAX, "sip:a%4g@h", "not hexadecimal" },
    { RF_ERR_SYNTAX, "sip:[::1", "no bracket" },
    { RF_ERR_SYNTAX, "sip:[]", "nothing in brackets" },
    { RF_ERR_SYNTAX, "sip:[1.2.3.4]", "IPv4 in brackets" },
    { RF_ERR_SYNTAX, "sip:[::1%25eth0]", "a zone" },
    { RF_ERR_SYNTAX, "sip:h\303\244", "not ASCII" },
    { RF_ERR_SYNTAX, "tel:", "no number" },
    { RF_ERR_SYNTAX, "tel:+", "no digit" },
    { RF_ERR_SYNTAX, "tel:+1a", "a letter in a global number" },
    { RF_ERR_SYNTAX, "tel:abc x", "a blank" },
    { RF_ERR_SYNTAX, "http:", "nothing behind the scheme" },
    { RF_ERR_SYNTAX, "http://a b", "a blank" },
    { RF_ERR_SYNTAX, "http://a<b", "no uric" },
};

static void
check_uris(void)
{
    struct rf_sip_uri u;

    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        enum rf_err err = rf_sip_uri_parse(rf_span_str(uris[i].in), &u);
        bool same = err == uris[i].want;

        if (same && err == RF_OK && uris[i].scheme != RF_URI_OTHER)
            same = u.scheme == uris[i].scheme && rf_span_is(u.user, uris[i].user) &&
                   rf_span_is(u.password, uris[i].password) && rf_span_is(u.host, uris[i].host) &&
                   u.port == uris[i].port && rf_span_is(u.params, uris[i].params) &&
                   rf_span_is(u.headers, uris[i].headers) && rf_sip_uri_eq(&u, &u);
        else if (same && err == RF_OK)
            same = u.scheme == RF_URI_OTHER && rf_span_is(u.raw, uris[i].in);
        ok(same, "URI \"%s\": %s", uris[i].in, uris[i].why);
    }
}

static const struct {
    bool eq;
    const char *a, *b, *why;
} pairs[] = {
    /* RFC 3261 19.1.4 */
    { true, "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", "19.1.4" },
    { true, "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", "19.1.4" },
    { true, "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", "19.1.4" },
    { true, "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", "19.1.4" },
    { true, "sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", "19.1.4" },
    { false, "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", "the user's case" },
    { false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", "a port that is given" },
    { false, "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", "a transport that is given" },
    { false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", "port and transport" },
    { false, "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", "a header" },
    { false, "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", "names are not resolved" },
    { false, "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", "a parameter of both" },
    /* ours */
    { false, "sip:a@h", "sips:a@h", "scheme" },
    { false, "sip:h", "sip:a@h", "a user in one" },
    { false, "sip:a:p@h", "sip:a:q@h", "password" },
    { false, "sip:a:p@h", "sip:a@h", "a password in one" },
    { true, "sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::1]", "two texts of an IPv6 address" },
    { false, "sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]", "two IPv6 addresses" },
    { false, "sip:a@h;maddr=192.0.2.1", "sip:a@h", "maddr in one" },
    { false, "sip:a@h", "sip:a@h;ttl=1", "ttl in one" },
    { false, "sip:a@h;user=phone", "sip:a@h", "user in one" },
    { true, "sip:a@h;%6C%72", "sip:a@h;lr", "an escaped name" },
    { true, "sip:a@h;x", "sip:a@h;y", "lr, ob and others in one" },
    { false, "sip:null-%00-null@h", "sip:null-@h", "NUL cuts nothing (escnull)" },
    { false, "sip:%00@h", "sip:%00%00@h", "one NUL and two (escnull)" },
    { false, "sip:a%3Bb@h", "sip:a;b@h", "an escaped reserved octet is another (19.1.4)" },
    { true, "sip:a%2Db@h", "sip:a-b@h", "an escaped mark is the same" },
    { true, "tel:+1-201-555-0123", "tel:+12015550123", "visual separators (RFC 3966 4)" },
    { false, "tel:+12015550123", "tel:12015550123", "global and local" },
    { true, "tel:7042;phone-context=a;ext=1", "tel:7042;ext=1;phone-context=A", "parameters in any order" },
    { false, "tel:7042;phone-context=a", "tel:7042", "a parameter in one" },
    { true, "sip:a@h;method=X;method=Y", "sip:a@h;method=X;method=Z", "of two with one name the first counts" },
    { false, "sip:a@h;x;x=1", "sip:a@h;x=1", "of two with one name the first counts" },
    { true, "urn:service:sos", "urn:service:sos", "other schemes by octets" },
    { false, "urn:service:sos", "urn:service:SOS", "other schemes by octets" },
};

static void
check_limits(void)
{
    struct rf_sip_uri u;
    struct rf_buf b = rf_buf(mem, sizeof mem);

    rf_put_str(&b, "sip:h");
    for (int i = 0; i < RF_SIP_URI_PARAMS_MAX; i++)
        rf_put_str(&b, ";x");
    ok(rf_sip_uri_parse(rf_buf_span(&b), &u) == RF_OK, "32 parameters");
    rf_put_str(&b, ";x");
    ok(rf_sip_uri_parse(rf_buf_span(&b), &u) == RF_ERR_RANGE, "33 parameters");
    b.n = 0;
    rf_put_str(&b, "sip:h?x=");
    for (int i = 1; i < RF_SIP_URI_PARAMS_MAX; i++)
        rf_put_str(&b, "&x=");
    ok(rf_sip_uri_parse(rf_buf_span(&b), &u) == RF_OK, "32 headers");
    rf_put_str(&b, "&x=");
    ok(rf_sip_uri_parse(rf_buf_span(&b), &u) == RF_ERR_RANGE, "33 headers");
}

static void
check_equality(void)
{
    struct rf_sip_uri a, b;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        bool parsed = rf_sip_uri_parse(rf_span_str(pairs[i].a), &a) == RF_OK &&
                      rf_sip_uri_parse(rf_span_str(pairs[i].b), &b) == RF_OK;

        ok(parsed && rf_sip_uri_eq(&a, &b) == pairs[i].eq && rf_sip_uri_eq(&b, &a) == pairs[i].eq, "%s %s %s: %s",
           pairs[i].a, pairs[i].eq ? "is" : "is not", pairs[i].b, pairs[i].why);
    }
}

static const struct {
    enum rf_err want;
    const char *in, *display, *uri, *params, *tag;
} addresses[] = {
    { RF_OK, "\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s", "A. G. Bell", "sip:agb@bell-telephone.com", ";tag=a48s", "a48s" },
    { RF_OK, "sip:+12125551212@server.phone2net.com;tag=887s", "", "sip:+12125551212@server.phone2net.com", ";tag=887s", "887s" },
    { RF_OK, "Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8", "Anonymous", "sip:c8oqz84zk7z@privacy.org", ";tag=hyh8", "hyh8" },
    { RF_OK, "<sip:a@b;x=y>;z", "", "sip:a@b;x=y", ";z", "" },
    { RF_OK, "sip:a@b", "", "sip:a@b", "", "" },
    { RF_OK, " <sip:a@b> ; TAG = 1 ; x = \"y;z\" ", "", "sip:a@b", "; TAG = 1 ; x = \"y;z\"", "1" },
    { RF_OK, "\"\" <sip:a@b>", "", "sip:a@b", "", "" },
    { RF_OK, "tel:+1-201-555-0123", "", "tel:+1-201-555-0123", "", "" },
    { RF_OK, "<tel:+12015550123;ext=1>;x", "", "tel:+12015550123;ext=1", ";x", "" },
    { RF_OK, "a@b <sip:a@b>", "a@b", "sip:a@b", "", "" },
    { RF_ERR_SYNTAX, "" },
    { RF_ERR_SYNTAX, "<sip:a@b" },
    { RF_ERR_SYNTAX, "sip:a@b>" },
    { RF_ERR_SYNTAX, "<<sip:a@b>>" },
    { RF_ERR_SYNTAX, "\"a\" sip:a@b" },
    { RF_ERR_SYNTAX, "\"a\"\"b\" <sip:a@b>" },
    { RF_ERR_SYNTAX, "a \"b\" <sip:a@b>" },
    { RF_ERR_SYNTAX, "\"a <sip:a@b>" },
    { RF_ERR_SYNTAX, "\"\001\" <sip:a@b>" },
    { RF_ERR_SYNTAX, "<sip:a@b>;x=" },
    { RF_ERR_SYNTAX, "<sip:a@b>;=x" },
    { RF_ERR_SYNTAX, "<sip:a@b>;x=y z" },
    { RF_ERR_SYNTAX, "<sip:a@b>;x=<y>" },
    { RF_ERR_SYNTAX, "<sip:a@b>, <sip:c@d>" },
    { RF_ERR_SYNTAX, "sip:a@b?x=y" },
    { RF_ERR_SYNTAX, "sip:a,b@c" },
    { RF_ERR_SYNTAX, "sip:a@b <sip:c@d>" },
};

static void
check_addresses(void)
{
    struct rf_sip_name_addr a;

    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        enum rf_err err = rf_sip_name_addr_parse(rf_span_str(addresses[i].in), &a);

        ok((err == RF_OK) == (addresses[i].want == RF_OK) &&
               (err != RF_OK || (rf_span_is(a.display, addresses[i].display) &&
                                 rf_span_is(a.uri.raw, addresses[i].uri) &&
                                 rf_span_is(a.params, addresses[i].params) && rf_span_is(a.tag, addresses[i].tag))),
           "address %s: %s", addresses[i].in, rf_err_name(err));
    }
}

static const struct {
    enum rf_err want;
    const char *in, *transport, *host;
    int port;
    const char *branch, *received;
    int rport; /* -1: none; 0: without value */
} vias[] = {
    { RF_OK, "SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7", "UDP", "erlang.bell-telephone.com", 5060, "z9hG4bK87asdks7", "", -1 },
    { RF_OK, "SIP/2.0/UDP 192.0.2.1:5060 ;received=192.0.2.207;branch=z9hG4bK77asjd", "UDP", "192.0.2.1", 5060, "z9hG4bK77asjd", "192.0.2.207", -1 },
    { RF_OK, "SIP / 2.0 / UDP first.example.com: 4000;ttl=16;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1", "UDP", "first.example.com", 4000, "z9hG4bKa7c6a8dlze.1", "", -1 },
    { RF_OK, "SIP/2.0/TLS [2001:db8::9:1];RPORT;received=2001:db8::9:255;branch=z9hG4bKas3", "TLS", "[2001:db8::9:1]", 0, "z9hG4bKas3", "2001:db8::9:255", 0 },
    { RF_OK, "SIP/2.0/WSS df7jal23ls0d.invalid;rport=1;branch=b", "WSS", "df7jal23ls0d.invalid", 0, "b", "", 1 },
    { RF_OK, "sip/2.0/tcp\r\n h", "tcp", "h", 0, "", "", -1 },
    { RF_ERR_SYNTAX, "" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP " },
    { RF_ERR_SYNTAX, "SIP/2.0 UDP h" },
    { RF_ERR_SYNTAX, "SIP/2.0/ h" },
    { RF_ERR_SYNTAX, "SIP/3.0/UDP h" },
    { RF_ERR_SYNTAX, "HTTP/2.0/UDP h" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h:" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h g" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;rport=" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;rport=x" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;rport=0" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;rport;rport" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;received=1;received=2" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h;ttl=x" },
    { RF_ERR_SYNTAX, "SIP/2.0/UDP h,SIP/2.0/UDP g" },
};

static void
check_vias(void)
{
    struct rf_sip_via v;

    for (size_t i = 0; i < sizeof vias / sizeof vias[0]; i++) {
        enum rf_err err = rf_sip_via_parse(rf_span_str(vias[i].in), &v);

        ok((err == RF_OK) == (vias[i].want == RF_OK) &&
               (err != RF_OK || (rf_span_is(v.transport, vias[i].transport) && rf_span_is(v.host, vias[i].host) &&
                                 v.port == vias[i].port && rf_span_is(v.branch, vias[i].branch) &&
                                 rf_span_is(v.received, vias[i].received) && v.has_rport == (vias[i].rport >= 0) &&
                                 (vias[i].rport < 0 || v.rport == vias[i].rport))),
           "Via %zu, %.12s...: %s", i, vias[i].in, rf_err_name(err));
    }
}

static void
check_params(void)
{
    struct rf_span list = RF_SPAN_LIT(";a=b; C = \"d;e=f\" ;g"), name, value;
    struct rf_sip_uri u;

    ok(rf_sip_param(list, "c", &value) && rf_span_is(value, "\"d;e=f\"") && rf_span_is(rf_sip_unquote(value), "d;e=f"),
       "a quoted value with separators in it");
    ok(!rf_sip_param(list, "e", &value) && value.p == NULL, "a name inside quotes is none");
    ok(rf_sip_param(list, "G", &value) && value.p == NULL, "a parameter without value");
    ok(rf_sip_param_next(&list, &name, &value) && rf_span_is(name, "a") && rf_sip_param_next(&list, &name, &value) &&
           rf_span_is(name, "C") && rf_sip_param_next(&list, &name, &value) && rf_span_is(name, "g") &&
           !rf_sip_param_next(&list, &name, &value), "all three in order");
    ok(rf_sip_uri_parse(RF_SPAN_LIT("sip:a@b;%6C%72;n%61me=v%61lue%25%34%31"), &u) == RF_OK &&
           rf_sip_uri_param(&u, "lr", &value) && !rf_sip_param(u.params, "lr", &value) &&
           rf_sip_uri_param(&u, "NAME", &value) && rf_span_is(value, "v%61lue%25%34%31"),
       "escaped names of URI parameters (RFC 4475 3.1.1.3)");
}

static void
check_text(void)
{
    static const struct {
        void (*put)(struct rf_buf *b, struct rf_span s);
        const char *why;
        struct rf_span in, want;
    } texts[] = {
#define S(text) RF_SPAN_LIT(text)
        { rf_put_unescaped, "%HH is undone", S("I%20have%20spaces"), S("I have spaces") },
        { rf_put_unescaped, "once", S("v%25%34%31"), S("v%41") },
        { rf_put_unescaped, "a NUL stays an octet", S("null-%00-null"), S("null-\0-null") },
        { rf_put_unescaped, "what is no escape stays", S("%4%zz%"), S("%4%zz%") },
        { rf_put_escaped_user, "what a user may hold stays", S("a-z_.!~*'()&=+$,;?/"), S("a-z_.!~*'()&=+$,;?/") },
        { rf_put_escaped_user, "everything else is escaped", S("a b@c:#%\"<>\0\xff"), S("a%20b%40c%3A%23%25%22%3C%3E%00%FF") },
        { rf_put_unquoted, "quoted-pairs", S("a\\\"b\\\\c"), S("a\"b\\c") },
        { rf_put_unquoted, "a fold is one SP", S("a\r\n  b"), S("a b") },
        { rf_put_unquoted, "a backslash at the end", S("a\\"), S("a\\") },
        { rf_put_quoted, "quotes and backslashes", S("a\"b\\c"), S("\"a\\\"b\\\\c\"") },
#undef S
    };
    struct rf_buf b;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        b = rf_buf(mem, sizeof mem);
        texts[i].put(&b, texts[i].in);
        ok(!b.overflow && rf_span_eq(rf_buf_span(&b), texts[i].want), "%s", texts[i].why);
    }
    for (const char *bad = "\r\n"; *bad != '\0'; bad++) {
        b = rf_buf(mem, sizeof mem);
        rf_put_quoted(&b, rf_span(bad, 1));
        ok(b.overflow, "a line end cannot be quoted");
    }
    b = rf_buf(mem, sizeof mem);
    rf_put_quoted(&b, rf_span("\0", 1));
    ok(b.overflow, "a NUL cannot be quoted");
}

int
main(void)
{
    check_uris();
    check_limits();
    check_equality();
    check_addresses();
    check_vias();
    check_params();
    check_text();
    return tap_done();
}
