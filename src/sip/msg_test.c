/*
 * Messages like those of RFC 4475, each made for one point, in a compact form: a template with its
 * differences. The 24 messages of the RFC that are not in tests/data are rebuilt here by what they are about.
 */
#include "sip/sip_test.h"
#include "sip/header.h"
#include "tap.h"

static struct rf_sip_msg msg;
static struct rf_sip_problem problem;

/* The fields that make a request whole, each on its line, for cases that give their own for one of them. */
#define VIA  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:a@example.com>;tag=1\r\n"
#define TO   "To: <sip:b@example.org>\r\n"
#define ID   "Call-ID: c1@192.0.2.1\r\n"
#define OPT  "CSeq: 1 OPTIONS\r\n"
#define INV  "CSeq: 1 INVITE\r\n"
#define REG  "CSeq: 1 REGISTER\r\n"
#define CORE VIA FROM TO ID
#define OPTIONS_LINE "OPTIONS sip:b@example.org SIP/2.0\r\n"
#define INVITE_LINE "INVITE sip:b@example.org SIP/2.0\r\n"
#define REGISTER_LINE "REGISTER sip:example.org SIP/2.0\r\n"
#define OPTIONS_WITH(header) OPTIONS_LINE CORE OPT header "\r\n"
#define REGISTER_WITH(header) REGISTER_LINE CORE REG header "\r\n"
#define ANSWER_WITH(header) "SIP/2.0 200 OK\r\n" CORE INV header "\r\n"
#define END "\r\n"

#define OK (-1)   /* accepted */
#define DROP 0    /* refused, nothing is sent */

static const struct {
    int want; /* OK, DROP, or the status of the answer */
    const char *why;
    struct rf_span in;
} cases[] = {
#define M(text) RF_SPAN_LIT(text)
    /* start line, RFC 3261 7.1, 25.1 */
    { OK, "a plain OPTIONS", M(OPTIONS_WITH("")) },
    { OK, "empty lines before the start line (7.5)", M("\r\n\r\n" OPTIONS_WITH("")) },
    { OK, "SIP-Version is matched without case", M("OPTIONS sip:b@example.org sip/2.0\r\n" CORE OPT END) },
    { 400, "methods are case-sensitive: CSeq differs", M("options sip:b@example.org SIP/2.0\r\n" CORE OPT END) },
    { 400, "two spaces (lwsstart 3.1.2.9)", M("OPTIONS  sip:b@example.org  SIP/2.0\r\n" CORE OPT END) },
    { DROP, "a tab for a space: without a method it may be an ACK", M("OPTIONS\tsip:b@example.org SIP/2.0\r\n" CORE OPT END) },
    { 400, "a space at the end (trws 3.1.2.10)", M("OPTIONS sip:b@example.org SIP/2.0 \r\n" CORE OPT END) },
    { 400, "URI in < > (ltgtruri 3.1.2.7)", M("OPTIONS <sip:b@example.org> SIP/2.0\r\n" CORE OPT END) },
    { 400, "LWS in the URI (lwsruri 3.1.2.8)", M("OPTIONS sip:b@example.org; lr SIP/2.0\r\n" CORE OPT END) },
    { 400, "header part in the URI (escruri 3.1.2.11)",
      M("INVITE sip:b@example.org?Route=%3Csip:example.com%3E SIP/2.0\r\n" CORE INV END) },
    { 400, "no version", M("OPTIONS sip:b@example.org\r\n" CORE OPT END) },
    { 400, "no URI", M("OPTIONS SIP/2.0\r\n" CORE OPT END) },
    { 400, "an empty URI", M("OPTIONS  SIP/2.0\r\n" CORE OPT END) },
    { 400, "a folded start line", M("OPTIONS sip:b@example.org\r\n SIP/2.0\r\n" CORE OPT END) },
    { 505, "SIP/3.0", M("OPTIONS sip:b@example.org SIP/3.0\r\n" CORE OPT END) },
    { 505, "SIP/2.1", M("OPTIONS sip:b@example.org SIP/2.1\r\n" CORE OPT END) },
    { 505, "SIP/20.0", M("OPTIONS sip:b@example.org SIP/20.0\r\n" CORE OPT END) },
    { 400, "SIP/2", M("OPTIONS sip:b@example.org SIP/2\r\n" CORE OPT END) },
    { 400, "HTTP", M("OPTIONS /x HTTP/1.1\r\n" CORE OPT END) },
    { DROP, "an HTTP request has no Via", M("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n") },
    { OK, "a method of our making", M("NEWMETHOD sip:b@example.org SIP/2.0\r\n" CORE "CSeq: 1 NEWMETHOD\r\n" END) },
    { OK, "escapes in a method are none (esc02 3.1.1.5)",
      M("RE%47IST%45R sip:registrar.example.com SIP/2.0\r\n" VIA ID "CSeq: 29344 RE%47IST%45R\r\n"
        "To: \"%Z%45\" <sip:resource@example.com>\r\nFrom: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23\r\n"
        "Max-Forwards: 70\r\nContact: <sip:alias1@host1.example.com>\r\n"
        "Contact: <sip:al%69as2@host2.example.com>\r\nContent-Length: 0\r\n\r\n") },
    { OK, "every character that a token, a user and a word may hold (intmeth 3.1.1.2)",
      M("!interesting-Method0123456789_*+`.%indeed'~ "
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com"
        " SIP/2.0\r\n"
        "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
        "To: \"BEL:\\\007 NUL:\\\000 DEL:\\\177\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\r\n"
        "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
        "\"\320\277\320\276\"\r\n ;tag=_token~1'+`*%!-.\r\n"
        "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
        "Max-Forwards: 255\r\n"
        "extensionHeader-!.%*+_`'~: \357\273\277\345\244\247\345\201\234\351\233\273\r\n"
        "Content-Length: 0\r\n\r\n") },
    { DROP, "a method that is no token", M("OPT(IONS sip:b@example.org SIP/2.0\r\n" CORE OPT END) },
    { OK, "scheme novelsc (3.3.3): 416 is the caller's", M("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" CORE OPT END) },
    { OK, "tel URI", M("INVITE tel:+1-201-555-0123 SIP/2.0\r\n" CORE INV END) },
    { 400, "no scheme", M("OPTIONS b@example.org SIP/2.0\r\n" CORE OPT END) },
    { 400, "no host", M("OPTIONS sip:b@ SIP/2.0\r\n" CORE OPT END) },
    { 400, "an empty user", M("OPTIONS sip:@example.org SIP/2.0\r\n" CORE OPT END) },
    { 400, "port 0", M("OPTIONS sip:example.org:0 SIP/2.0\r\n" CORE OPT END) },
    { 400, "port 65536", M("OPTIONS sip:example.org:65536 SIP/2.0\r\n" CORE OPT END) },
    { 400, "a port that wraps 32 bits", M("OPTIONS sip:example.org:4294972356 SIP/2.0\r\n" CORE OPT END) },
    { 400, "half an escape", M("OPTIONS sip:b%4@example.org SIP/2.0\r\n" CORE OPT END) },
    { 400, "NUL in the start line", M("OPTIONS sip:b\0@example.org SIP/2.0\r\n" CORE OPT END) },
    { DROP, "nothing", M("") },
    { DROP, "only empty lines: keep-alive", M("\r\n\r\n") },
    { DROP, "four zero octets: keep-alive of some phones", M("\0\0\0\0") },
    { DROP, "a STUN message", M("\0\1\0\0\x21\x12\xa4\x42" "abcdefghijkl") },

    /* responses: what is broken is dropped */
    { OK, "a plain 200", M(ANSWER_WITH("")) },
    { OK, "no reason phrase (noreason 3.1.1.13)", M("SIP/2.0 100 \r\n" CORE INV END) },
    { DROP, "no second space", M("SIP/2.0 100\r\n" CORE INV END) },
    { DROP, "status 4294967301 (bigcode 3.1.2.19)", M("SIP/2.0 4294967301 better not break the receiver\r\n" CORE INV END) },
    { DROP, "status 099", M("SIP/2.0 099 Low\r\n" CORE INV END) },
    { DROP, "status 700", M("SIP/2.0 700 High\r\n" CORE INV END) },
    { OK, "status 699", M("SIP/2.0 699 Strange\r\n" CORE INV END) },
    { DROP, "status 2xx", M("SIP/2.0 2xx OK\r\n" CORE INV END) },
    { DROP, "SIP/7.0 in a response", M("SIP/7.0 200 OK\r\n" CORE INV END) },
    { DROP, "numbers beyond range in a response (scalarlg 3.1.2.5)",
      M("SIP/2.0 503 Service Unavailable\r\n"
        "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129\r\n"
        "To: <sip:user@example.com>\r\nFrom: <sip:other@example.net>;tag=2easdjfejw\r\n"
        "CSeq: 9292394834772304023312 OPTIONS\r\nCall-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r\r\n"
        "Retry-After: 949302838503028349304023988\r\nWarning: 1812 overture \"In Progress\"\r\n"
        "Content-Length: 0\r\n\r\n") },
    { OK, "a second Via of 255.255.255.255 (bcast 3.3.10): the caller's",
      M("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n"
        "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\n" FROM TO ID INV "Content-Length: 0\r\n\r\n") },
    { DROP, "no To in a response", M("SIP/2.0 200 OK\r\n" VIA FROM ID INV END) },

    /* ACK is never answered */
    { OK, "a plain ACK", M("ACK sip:b@example.org SIP/2.0\r\n" CORE "CSeq: 1 ACK\r\n" END) },
    { DROP, "ACK with another CSeq method", M("ACK sip:b@example.org SIP/2.0\r\n" CORE INV END) },
    { DROP, "ACK of SIP/7.0", M("ACK sip:b@example.org SIP/7.0\r\n" CORE "CSeq: 1 ACK\r\n" END) },
    { DROP, "ACK with a negative Content-Length",
      M("ACK sip:b@example.org SIP/2.0\r\n" CORE "CSeq: 1 ACK\r\nContent-Length: -1\r\n\r\n") },

    /* header part, 7.3 */
    { OK, "blanks before the colon", M(OPTIONS_WITH("Subject \t : x\r\n")) },
    { OK, "no blank behind the colon", M(OPTIONS_WITH("Subject:x\r\n")) },
    { OK, "an empty value", M(OPTIONS_WITH("Subject:\r\n")) },
    { OK, "a fold right behind the colon", M(OPTIONS_WITH("Subject:\r\n x\r\n")) },
    { OK, "a fold by HTAB", M(OPTIONS_WITH("Subject: a\r\n\tb\r\n")) },
    { OK, "a fold of blanks only", M(OPTIONS_WITH("Subject: a\r\n  \r\n b\r\n")) },
    { 400, "no colon", M(OPTIONS_WITH("Subject\r\n")) },
    { 400, "no name", M(OPTIONS_WITH(": x\r\n")) },
    { 400, "a name that is no token", M(OPTIONS_WITH("Sub ject: x\r\n")) },
    { 400, "a name in quotes", M(OPTIONS_WITH("\"Subject\": x\r\n")) },
    { 400, "the first header line is a fold", M(OPTIONS_LINE " x\r\n" CORE OPT END) },
    { 400, "NUL in a value", M(OPTIONS_WITH("Subject: a\0b\r\n")) },
    { 400, "NUL in a name", M(OPTIONS_WITH("Sub\0ject: b\r\n")) },
    { OK, "NUL as a quoted-pair in a quoted string", M(OPTIONS_WITH("Contact: \"a\\\0b\" <sip:a@b>\r\n")) },
    { 400, "NUL as a quoted-pair outside quotes", M(OPTIONS_WITH("Subject: a\\\0b\r\n")) },
    { 400, "NUL in a quoted string without backslash", M(OPTIONS_WITH("Contact: \"a\0b\" <sip:a@b>\r\n")) },
    { 400, "a bare LF in a value", M(OPTIONS_WITH("Subject: a\nb\r\n")) },
    { 400, "a bare LF that would hide a header", M(OPTIONS_WITH("Subject: a\nContact: <sip:evil@example.com>\r\n")) },
    { 400, "a bare CR in a value", M(OPTIONS_WITH("Subject: a\rb\r\n")) },
    { 400, "a bare LF before a blank is no fold", M(OPTIONS_WITH("Subject: a\n b\r\n")) },
    { 400, "CR CR LF", M(OPTIONS_WITH("Subject: a\r\r\n")) },
    { DROP, "lines that end in LF alone", M("OPTIONS sip:b@example.org SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1\n\n") },
    { 400, "no empty line", M(OPTIONS_LINE CORE OPT) },
    { 400, "the last line has no end", M(OPTIONS_LINE CORE "CSeq: 1 OPTIONS") },
    { OK, "compact forms", M("INVITE sip:b@example.org SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                             "f: <sip:a@b>;tag=1\r\nt: <sip:b@c>\r\ni: x\r\n" INV "m: <sip:a@b>\r\nk: timer\r\n"
                             "s: x\r\nx: 1800\r\ne: identity\r\nl: 0\r\n\r\n") },
    { OK, "header names in any case", M("OPTIONS sip:b@example.org SIP/2.0\r\nVIA: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                                        "fRoM: <sip:a@b>;tag=1\r\nTO: <sip:b@c>\r\ncall-id: x\r\ncSEQ: 1 OPTIONS\r\n\r\n") },

    /* what must be there, and once */
    { 400, "no From, To, Call-ID (insuf 3.3.1) is still answered",
      M("INVITE sip:user@example.com SIP/2.0\r\nCSeq: 193942 INVITE\r\n"
        "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\r\nContent-Length: 0\r\n\r\n") },
    { 400, "no Call-ID", M(OPTIONS_LINE VIA FROM TO OPT END) },
    { 400, "no CSeq", M(OPTIONS_LINE CORE END) },
    { 400, "no From", M(OPTIONS_LINE VIA TO ID OPT END) },
    { DROP, "no Via: nowhere to send an answer", M(OPTIONS_LINE FROM TO ID OPT END) },
    { DROP, "a Via with a bare LF cannot be sent back",
      M(OPTIONS_LINE "Via: SIP/2.0/UDP a\nb\r\n" FROM TO ID OPT END) },
    { OK, "no Max-Forwards, branch or tag (inv2543 3.4.1)",
      M("INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n"
        "From: <sip:+13035551111@ift.client.example.net;user=phone>\r\n"
        "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\r\n"
        "To: sip:+16505552222@ss1.example.net;user=phone\r\nCall-ID: inv2543.1717@ift.client.example.com\r\n"
        "CSeq: 56 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n") },
    { 400, "several values where one is allowed (multi01 3.3.8)",
      M("INVITE sip:user@company.com SIP/2.0\r\nContact: <sip:caller@host25.example.net>\r\n"
        "Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\r\nMax-Forwards: 70\r\nCSeq: 5 INVITE\r\n"
        "Call-ID: multi01.98asdh@192.0.2.1\r\nCSeq: 59 INVITE\r\nCall-ID: multi01.98asdh@192.0.2.2\r\n"
        "From: sip:caller@example.com;tag=3413415\r\nTo: sip:user@example.com\r\nTo: sip:other@example.net\r\n"
        "From: sip:caller@example.net;tag=2923420123\r\nMax-Forwards: 5\r\n\r\n") },
    { 400, "two From", M(OPTIONS_LINE CORE FROM OPT END) },
    { 400, "two To, one compact", M(OPTIONS_LINE CORE "t: <sip:b@example.org>\r\n" OPT END) },
    { 400, "two Call-ID that are equal", M(OPTIONS_LINE CORE ID OPT END) },
    { 400, "two CSeq", M(OPTIONS_WITH(OPT)) },
    { 400, "two Max-Forwards", M(OPTIONS_WITH("Max-Forwards: 70\r\nMax-Forwards: 69\r\n")) },
    { 400, "two Content-Length that are equal", M(OPTIONS_WITH("Content-Length: 0\r\nl: 0\r\n")) },
    { 400, "two Content-Type", M(OPTIONS_WITH("Content-Type: application/sdp\r\nc: text/plain\r\n")) },
    { 400, "two Expires", M(REGISTER_WITH("Expires: 60\r\nExpires: 3600\r\n")) },
    { 400, "two Replaces", M("INVITE sip:b@c SIP/2.0\r\n" CORE INV "Replaces: a;to-tag=1;from-tag=2\r\n"
                             "Replaces: b;to-tag=1;from-tag=2\r\n\r\n") },
    { OK, "two User-Agent: a remark", M(OPTIONS_WITH("User-Agent: a\r\nUser-Agent: b\r\n")) },
    { OK, "two Authorization", M(REGISTER_WITH("Authorization: Digest a=b, c=d\r\nAuthorization: Basic x\r\n")) },

    /* CSeq */
    { OK, "CSeq 2147483647", M(OPTIONS_LINE CORE "CSeq: 2147483647 OPTIONS\r\n" END) },
    { 400, "CSeq 2147483648 (8.1.1.5)", M(OPTIONS_LINE CORE "CSeq: 2147483648 OPTIONS\r\n" END) },
    { 400, "CSeq 36893488147419103232 (scalar02 3.1.2.4)", M(OPTIONS_LINE CORE "CSeq: 36893488147419103232 OPTIONS\r\n" END) },
    { OK, "CSeq with zeros in front", M(OPTIONS_LINE CORE "CSeq: 00000000000000000000000001 OPTIONS\r\n" END) },
    { 400, "CSeq -1", M(OPTIONS_LINE CORE "CSeq: -1 OPTIONS\r\n" END) },
    { 400, "CSeq without a number", M(OPTIONS_LINE CORE "CSeq: OPTIONS\r\n" END) },
    { 400, "CSeq without a method", M(OPTIONS_LINE CORE "CSeq: 1\r\n" END) },
    { 400, "CSeq without LWS", M(OPTIONS_LINE CORE "CSeq: 1OPTIONS\r\n" END) },
    { 400, "CSeq with leftovers", M(OPTIONS_LINE CORE "CSeq: 1 OPTIONS x\r\n" END) },
    { 400, "CSeq of another method (mismatch01 3.1.2.17)", M(OPTIONS_LINE CORE INV END) },
    { 400, "an unknown method and another CSeq (mismatch02 3.1.2.18)", M("NEWMETHOD sip:b@c SIP/2.0\r\n" CORE INV END) },

    /* Max-Forwards */
    { OK, "Max-Forwards 0", M(OPTIONS_WITH("Max-Forwards: 0\r\n")) },
    { OK, "Max-Forwards 255", M(OPTIONS_WITH("Max-Forwards: 255\r\n")) },
    { 400, "Max-Forwards 256", M(OPTIONS_WITH("Max-Forwards: 256\r\n")) },
    { 400, "Max-Forwards -1", M(OPTIONS_WITH("Max-Forwards: -1\r\n")) },
    { 400, "Max-Forwards empty", M(OPTIONS_WITH("Max-Forwards:\r\n")) },
    { 400, "Max-Forwards 4294967366", M(OPTIONS_WITH("Max-Forwards: 4294967366\r\n")) },

    /* Content-Length of a datagram, 18.3 */
    { OK, "no Content-Length: the body is the rest", M(OPTIONS_WITH("") "body") },
    { OK, "octets behind the body are dropped", M(OPTIONS_WITH("Content-Length: 2\r\n") "bodyrest") },
    { 400, "more than came (clerr 3.1.2.2)", M(OPTIONS_WITH("Content-Length: 9999\r\n") "body") },
    { 400, "negative (ncl 3.1.2.3)", M(OPTIONS_WITH("Content-Length: -999\r\n") "body") },
    { 400, "plus sign", M(OPTIONS_WITH("Content-Length: +4\r\n") "body") },
    { 400, "hexadecimal", M(OPTIONS_WITH("Content-Length: 0x4\r\n") "body") },
    { 400, "2^64", M(OPTIONS_WITH("Content-Length: 18446744073709551616\r\n") "body") },
    { 400, "2^64 + 4", M(OPTIONS_WITH("Content-Length: 18446744073709551620\r\n") "body") },
    { 400, "empty", M(OPTIONS_WITH("Content-Length:\r\n") "body") },
    { 400, "a list", M(OPTIONS_WITH("Content-Length: 4, 4\r\n") "body") },
    { OK, "zeros in front", M(OPTIONS_WITH("Content-Length: 0004\r\n") "body") },
    { OK, "NUL and LF in the body are its own business (mpart01 3.1.1.11)",
      M("MESSAGE sip:kumiko@example.org SIP/2.0\r\n" CORE "CSeq: 127 MESSAGE\r\n"
        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\r\nContent-Length: 36\r\n\r\n"
        "--7a9cbec02ceef655\r\n\r\n\0\1\n\r\xff" "binary\r\n--") },

    /* Via, 20.42 */
    { OK, "blanks everywhere in Via", M(OPTIONS_LINE "Via: SIP / 2.0 / UDP  h.example.com : 5060 ; branch = z9hG4bK1\r\n" FROM TO ID OPT END) },
    { OK, "transports (3.1.1.10)",
      M(OPTIONS_LINE "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\r\n"
        "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\r\n"
        "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\r\n"
        "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\r\n"
        "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee\r\n" FROM TO ID OPT END) },
    { OK, "IPv6 in Via", M(OPTIONS_LINE "Via: SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bK1;received=2001:db8::9\r\n" FROM TO ID OPT END) },
    { OK, "received with brackets", M(OPTIONS_LINE "Via: SIP/2.0/TLS h;branch=z9hG4bK1;received=[2001:db8::9]\r\n" FROM TO ID OPT END) },
    { OK, "branch is the bare cookie (badbranch 3.2.1)", M(OPTIONS_LINE "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\r\n" FROM TO ID OPT END) },
    { OK, "rport, alias, keep", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;rport;alias;keep;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { DROP, "an empty Via", M(OPTIONS_LINE "Via:\r\n" FROM TO ID OPT END) },
    { 400, "empty parameters and elements (badinv01 3.1.2.1)", M(OPTIONS_LINE "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO ID OPT END) },
    { 400, "a comma at the end of Via", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;branch=z9hG4bK1,\r\n" FROM TO ID OPT END) },
    { 400, "the first Via is broken, the second is not the top one", M(OPTIONS_LINE "Via: SIP/2.0/UDP a b\r\n" VIA FROM TO ID OPT END) },
    { 400, "the second Via is broken", M(OPTIONS_LINE VIA "Via: SIP/2.0/UDP\r\n" FROM TO ID OPT END) },
    { 400, "Via of SIP/1.0", M(OPTIONS_LINE "Via: SIP/1.0/UDP h;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "no transport", M(OPTIONS_LINE "Via: SIP/2.0 h;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "no LWS before sent-by", M(OPTIONS_LINE "Via: SIP/2.0/UDP\r\n" FROM TO ID OPT END) },
    { 400, "port 0 in Via", M(OPTIONS_LINE "Via: SIP/2.0/UDP h:0;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "port 99999 in Via", M(OPTIONS_LINE "Via: SIP/2.0/UDP h:99999;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "an empty branch", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;branch=\r\n" FROM TO ID OPT END) },
    { 400, "two branches", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;branch=z9hG4bK1;branch=z9hG4bK2\r\n" FROM TO ID OPT END) },
    { 400, "rport=99999", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;rport=99999;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "ttl=256", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;ttl=256;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "half an IPv6 address", M(OPTIONS_LINE "Via: SIP/2.0/UDP [2001:db8::1;branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "IPv4 in brackets", M(OPTIONS_LINE "Via: SIP/2.0/UDP [192.0.2.1];branch=z9hG4bK1\r\n" FROM TO ID OPT END) },
    { 400, "a Via in quotes that never end", M(OPTIONS_LINE "Via: SIP/2.0/UDP h;x=\"y\r\n" FROM TO ID OPT END) },

    /* From, To, Contact, Route: name-addr and addr-spec, 20.10, 20.20 */
    { OK, "addr-spec: the parameter is the header's", M(OPTIONS_LINE VIA TO ID OPT "From: sip:a@example.com;tag=1\r\n" END) },
    { OK, "From without tag (RFC 2543)", M(OPTIONS_LINE VIA TO ID OPT "From: <sip:a@example.com>\r\n" END) },
    { OK, "no LWS before <", M(OPTIONS_LINE VIA TO ID OPT "From: caller<sip:a@example.com>;tag=1\r\n" END) },
    { OK, "a display name in ISO 8859-1 without quotes", M(OPTIONS_LINE VIA TO ID OPT "From: M\374ller <sip:a@example.com>;tag=1\r\n" END) },
    { OK, "a display name with ( ) and /", M(OPTIONS_LINE VIA TO ID OPT "From: Lab/2 (ground floor) <sip:a@b>;tag=1\r\n" END) },
    { OK, "< > and commas in a quoted name", M(OPTIONS_LINE VIA TO ID OPT "From: \"<a>, b\" <sip:a@b>;tag=1\r\n" END) },
    { OK, "unknown schemes (unksm2 3.3.4)",
      M("REGISTER sip:example.com SIP/2.0\r\nTo: isbn:2983792873\r\nFrom: <http://www.example.com>;tag=3234233\r\n"
        "Call-ID: unksm2.daksdj@hyphenated-host.example.com\r\nCSeq: 234902 REGISTER\r\nMax-Forwards: 70\r\n"
        "Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw\r\nContact: <name:John_Smith>\r\nl: 0\r\n\r\n") },
    { 400, "a comma in a display name without quotes (baddn 3.1.2.15)", M(OPTIONS_LINE VIA TO ID OPT "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43\r\n" END) },
    { 400, "a quoted string that never ends (quotbal 3.1.2.6)", M(OPTIONS_LINE VIA FROM ID OPT "To: \"Mr. J. User <sip:j.user@example.com>\r\n" END) },
    { 400, "a quoted string that ends in a backslash", M(OPTIONS_LINE VIA FROM ID OPT "To: \"a\\\" <sip:j.user@example.com>\r\n" END) },
    { 400, "spaces in < > (badaspec 3.1.2.14)", M(OPTIONS_LINE VIA FROM ID OPT "To: \"Watson, Thomas\" < sip:t.watson@example.org >\r\n" END) },
    { 400, "no >", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@example.org\r\n" END) },
    { 400, "text behind >", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@example.org> x\r\n" END) },
    { 400, "two addresses in To", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@example.org>, <sip:c@example.org>\r\n" END) },
    { 400, "an empty To", M(OPTIONS_LINE VIA FROM ID OPT "To:\r\n" END) },
    { 400, "a name without an address", M(OPTIONS_LINE VIA FROM ID OPT "To: Bob\r\n" END) },
    { 400, "an empty tag", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@c>;tag=\r\n" END) },
    { 400, "a tag without value", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@c>;tag\r\n" END) },
    { 400, "two tags", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@c>;tag=1;tag=2\r\n" END) },
    { 400, "a quoted tag", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@c>;tag=\"1\"\r\n" END) },
    { 400, "an empty parameter", M(OPTIONS_LINE VIA FROM ID OPT "To: <sip:b@c>;;tag=1\r\n" END) },
    { 400, "a header part without < > (regbadct 3.1.2.13)", M(REGISTER_WITH("Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\r\n")) },
    { OK, "a header part in < > (regescrt 3.3.14)", M(REGISTER_WITH("Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\r\n")) },
    { OK, "an unknown Contact parameter (cparam01 3.3.12)", M(REGISTER_WITH("Contact: sip:+19725552222@gw1.example.net;unknownparam\r\n")) },
    { OK, "an unknown URI parameter (cparam02 3.3.13)", M(REGISTER_WITH("Contact: <sip:+19725552222@gw1.example.net;unknownparam>\r\n")) },
    { OK, "Contact *", M(REGISTER_WITH("Contact: *\r\nExpires: 0\r\n")) },
    { 400, "Contact * in a list", M(REGISTER_WITH("Contact: *, <sip:a@b>\r\n")) },
    { OK, "two Contacts in one field", M(REGISTER_WITH("Contact: <sip:a@b>;q=0.1,\r\n \"x, y\" <sip:c@d;p=1>;expires=60\r\n")) },
    { 400, "the second Contact is broken", M(REGISTER_WITH("Contact: <sip:a@b>, <sip:>\r\n")) },
    { 400, "parameters of Contact are empty", M(REGISTER_WITH("Contact: \"Joe\" <sip:joe@example.org>;;;;\r\n")) },
    { OK, "expires beyond 2^32 (scalar02)", M(REGISTER_WITH("Contact: <sip:a@b>;expires=280297596632815\r\n")) },
    { OK, "Expires beyond range: taken for the largest", M(REGISTER_WITH("Expires: 1000000000000000000000\r\n")) },
    { OK, "a broken Expires: for the registrar (10.2.1.1)", M(REGISTER_WITH("Expires: soon\r\n")) },
    { 400, "a broken Route", M(OPTIONS_WITH("Route: <sip:a@b;lr\r\n")) },
    { 400, "an empty element of Route", M(OPTIONS_WITH("Route: <sip:a;lr>,,<sip:b;lr>\r\n")) },
    { 400, "a broken Record-Route", M(OPTIONS_WITH("Record-Route: sip\r\n")) },
    { 400, "a broken Path", M(REGISTER_WITH("Path: <>\r\n")) },

    /* Call-ID */
    { OK, "Call-ID with every word character", M(OPTIONS_LINE VIA FROM TO OPT "Call-ID: a-.!%*_+`'~()<>:\\\"/[]?{}@b\r\n" END) },
    { OK, "Call-ID in Base64", M(OPTIONS_LINE VIA FROM TO OPT "Call-ID: aGVsbG8gd29ybGQ=@192.0.2.1\r\n" END) },
    { 400, "an empty Call-ID", M(OPTIONS_LINE VIA FROM TO OPT "Call-ID:\r\n" END) },
    { 400, "Call-ID with a blank", M(OPTIONS_LINE VIA FROM TO OPT "Call-ID: a b\r\n" END) },
    { 400, "Call-ID that is not ASCII", M(OPTIONS_LINE VIA FROM TO OPT "Call-ID: \303\244\r\n" END) },

    /* not the parser's to refuse */
    { OK, "a Date of another zone (baddate 3.1.2.12)", M(OPTIONS_WITH("Date: Fri, 01 Jan 2010 16:00:00 EST\r\n")) },
    { OK, "an unknown body type (invut 3.3.6)", M(INVITE_LINE CORE INV "Content-Type: application/unknownformat\r\nContent-Length: 4\r\n\r\n<x/>") },
    { OK, "an answer in a type we do not have (sdp01 3.3.15)", M(INVITE_LINE CORE INV "Accept: text/nobodyKnowsThis\r\n\r\n") },
    { OK, "INVITE without Contact", M(INVITE_LINE CORE INV END) },
    { OK, "an extension nobody has (bext01 3.3.5)", M(OPTIONS_WITH("Require: nothingSupportsThis\r\n")) },
    { OK, "an Authorization scheme nobody has (regaut01 3.3.7)", M(REGISTER_WITH("Authorization: NoOneKnowsThisScheme opaque-data=here\r\n")) },
#undef M
};

static struct rf_addr source;

static char text[RF_SIP_MESSAGE_MAX + 1];

static void
check_answer(const char *why, int status)
{
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_span left;
    size_t vias = 0;

    rf_sip_put_response(&b, &msg, status, NULL, RF_SPAN_LIT("tag"), &source);
    rf_sip_put_body(&b, NULL, rf_span(NULL, 0));
    left = rf_buf_span(&b);
    while (left.n > 0) {
        size_t end = rf_span_find_str(left, RF_SPAN_LIT("\r\n"));
        struct rf_span line = rf_span(left.p, end);

        vias += rf_span_starts(line, "Via: ");
        if (rf_span_find(line, '\n') < line.n || rf_span_find(line, '\r') < line.n)
            b.overflow = true;
        left = rf_span_sub(left, end + 2, left.n);
    }
    ok(!b.overflow && vias > 0, "%s: the %d has a Via and clean lines", why, status);
}

static void
check_case(size_t i)
{
    /* A copy of exactly this size lets the sanitizer see a read behind it. */
    char *exact = malloc(cases[i].in.n > 0 ? cases[i].in.n : 1);
    const char *wrong;
    enum rf_err err;

    rf_assert(exact != NULL);
    memcpy(exact, cases[i].in.p, cases[i].in.n);
    err = rf_sip_msg_parse(&msg, rf_span(exact, cases[i].in.n), &problem);
    if (cases[i].want == OK) {
        ok(err == RF_OK, "%s: accepted (%s)", cases[i].why, err == RF_OK ? "yes" : problem.sentence);
        wrong = err == RF_OK ? message_round_trip(&msg) : "it was refused";
        ok(wrong == NULL, "%s: written and parsed again it is the same (%s)", cases[i].why, wrong != NULL ? wrong : "yes");
    } else {
        ok(err == RF_ERR_SYNTAX && problem.status == cases[i].want && problem.sentence != NULL, "%s: %d (%d, %s)",
           cases[i].why, cases[i].want, problem.status, err == RF_OK ? "accepted" : problem.sentence);
        if (err != RF_OK && problem.status != 0)
            check_answer(cases[i].why, problem.status);
    }
    free(exact);
}

static enum rf_err
parse(const char *message)
{
    return rf_sip_msg_parse(&msg, rf_span_str(message), &problem);
}

/* Limits: messages too long for a table. */
static void
check_limits(void)
{
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_put_str(&b, OPTIONS_LINE FROM TO ID OPT);
    for (int i = 0; i < 34; i++)
        rf_putf(&b, "Via: SIP/2.0/TCP sip%d.example.com;branch=z9hG4bK%d;unknown-parameter-with-a-long-name=value\r\n", i, i);
    for (int i = 0; i < 3000; i++)
        rf_put_str(&b, i == 0 ? "User-Agent: x" : "y");
    rf_put_str(&b, "\r\n\r\n");
    ok(rf_sip_msg_parse(&msg, rf_buf_span(&b), &problem) == RF_OK && rf_span_is(msg.via.host, "sip0.example.com"),
       "34 Via and a long value (longreq 3.1.1.7)");

    for (int vias = RF_SIP_VIA_MAX; vias <= RF_SIP_VIA_MAX + 1; vias++) {
        b = rf_buf(text, sizeof text);
        rf_put_str(&b, OPTIONS_LINE FROM TO ID OPT "Via: SIP/2.0/UDP h;branch=z9hG4bK0");
        for (int i = 1; i < vias; i++)
            rf_put_str(&b, ",SIP/2.0/UDP h");
        rf_put_str(&b, "\r\n\r\n");
        if (vias == RF_SIP_VIA_MAX)
            ok(rf_sip_msg_parse(&msg, rf_buf_span(&b), &problem) == RF_OK, "70 Via");
        else
            ok(rf_sip_msg_parse(&msg, rf_buf_span(&b), &problem) != RF_OK && problem.status == 483, "71 Via: 483");
    }
    for (size_t fields = RF_SIP_HEADERS_MAX; fields <= RF_SIP_HEADERS_MAX + 1; fields++) {
        b = rf_buf(text, sizeof text);
        rf_put_str(&b, OPTIONS_LINE CORE OPT);
        for (size_t i = 5; i < fields; i++)
            rf_put_str(&b, "X-A: y\r\n");
        rf_put_str(&b, "\r\n");
        if (fields == RF_SIP_HEADERS_MAX)
            ok(rf_sip_msg_parse(&msg, rf_buf_span(&b), &problem) == RF_OK && msg.field_count == fields, "128 fields");
        else
            ok(rf_sip_msg_parse(&msg, rf_buf_span(&b), &problem) != RF_OK && problem.status == 513, "129 fields: 513");
    }
    b = rf_buf(text, sizeof text);
    rf_put_str(&b, OPTIONS_WITH(""));
    memset(text + b.n, 'x', sizeof text - b.n);
    ok(rf_sip_msg_parse(&msg, rf_span(text, RF_SIP_MESSAGE_MAX), &problem) == RF_OK, "65535 octets");
    ok(rf_sip_msg_parse(&msg, rf_span(text, RF_SIP_MESSAGE_MAX + 1), &problem) != RF_OK && problem.status == 513,
       "65536 octets: 513");
}

static void
check_fields(void)
{
    struct rf_sip_walk w;
    struct rf_span e;
    size_t i = 0, n = 0;
    uint32_t v;

    ok(parse("INVITE sip:b@example.org SIP/2.0\r\n" CORE INV "Supported: timer, 100rel,,\r\nk: Path\r\n"
             "Require:\r\nAuthorization: Digest a=b, c=d\r\nX-Y: 1\r\nx-y: 2\r\nContact: \"a,b\" <sip:a,b@c>, <sip:d@e>\r\n"
             "Expires: 99999999999\r\nMin-Expires: 60 \r\nMin-SE: 90;x=y\r\nRetry-After: 5 (busy)\r\n"
             "Subject: a, b\r\nSession-Expires: x\r\n\r\n") == RF_OK, "a message with lists");
    ok(rf_sip_has_token(&msg, RF_HDR_SUPPORTED, "100REL") && rf_sip_has_token(&msg, RF_HDR_SUPPORTED, "path") &&
           !rf_sip_has_token(&msg, RF_HDR_SUPPORTED, "100") && !rf_sip_has_token(&msg, RF_HDR_SUPPORTED, ""),
       "tokens over commas, lines and compact forms, without case");
    ok(!rf_sip_has_token(&msg, RF_HDR_REQUIRE, ""), "an empty Require has no token");
    w = rf_sip_walk(&msg, RF_HDR_SUPPORTED);
    for (n = 0; rf_sip_walk_next(&w, &e); n++)
        ;
    ok(n == 3, "empty elements are passed over");
    w = rf_sip_walk(&msg, RF_HDR_CONTACT);
    ok(rf_sip_walk_next(&w, &e) && rf_span_is(e, "\"a,b\" <sip:a,b@c>") && rf_sip_walk_next(&w, &e) &&
           rf_span_is(e, "<sip:d@e>") && !rf_sip_walk_next(&w, &e), "commas in quotes and < > join nothing");
    w = rf_sip_walk(&msg, RF_HDR_AUTHORIZATION);
    ok(rf_sip_walk_next(&w, &e) && rf_span_is(e, "Digest a=b, c=d") && !rf_sip_walk_next(&w, &e),
       "Authorization is one element (7.3.1)");
    w = rf_sip_walk(&msg, RF_HDR_SUBJECT);
    ok(rf_sip_walk_next(&w, &e) && rf_span_is(e, "a, b"), "Subject is one element");
    ok(rf_sip_field_next(&msg, RF_HDR_OTHER, &i) != NULL && rf_span_is(msg.field[i - 1].name, "X-Y") &&
           rf_sip_field_next(&msg, RF_HDR_OTHER, &i) != NULL && rf_span_is(msg.field[i - 1].value, "2") &&
           rf_sip_field_next(&msg, RF_HDR_OTHER, &i) == NULL, "unknown fields are found with their names");
    ok(rf_sip_seconds(&msg, RF_HDR_EXPIRES, 7, &v) == RF_OK && v == UINT32_MAX, "Expires beyond 2^32-1 is the largest");
    ok(rf_sip_seconds(&msg, RF_HDR_MIN_EXPIRES, 7, &v) == RF_OK && v == 60, "Min-Expires");
    ok(rf_sip_seconds(&msg, RF_HDR_MIN_SE, 7, &v) == RF_OK && v == 90, "a parameter behind the number");
    ok(rf_sip_seconds(&msg, RF_HDR_RETRY_AFTER, 7, &v) == RF_OK && v == 5, "a comment behind the number");
    ok(rf_sip_seconds(&msg, RF_HDR_SESSION_EXPIRES, 7, &v) == RF_ERR_SYNTAX && v == 7, "no number");
    ok(rf_sip_seconds(&msg, RF_HDR_FLOW_TIMER, 7, &v) == RF_OK && v == 7, "absent");
    ok(rf_sip_value(&msg, RF_HDR_FLOW_TIMER).p == NULL && rf_sip_value(&msg, RF_HDR_REQUIRE).p != NULL &&
           rf_sip_value(&msg, RF_HDR_REQUIRE).n == 0, "absent and empty are two things");
}

static void
check_names(void)
{
    char name[32];

    for (unsigned id = 1; id < RF_HDR_COUNT; id++) {
        const char *full = rf_sip_header_name((enum rf_sip_header)id);
        size_t n = strlen(full);

        for (size_t i = 0; i < n; i++)
            name[i] = (char)(full[i] >= 'a' && full[i] <= 'z' ? full[i] - 32 : full[i]);
        ok(rf_sip_header_find(rf_span(full, n)) == id && rf_sip_header_find(rf_span(name, n)) == id &&
               (n == 2 || rf_sip_header_find(rf_span(full, n - 1)) != id), "%s is found by its name", full);
    }
    ok(rf_sip_header_find(RF_SPAN_LIT("Vib")) == RF_HDR_OTHER && rf_sip_header_find(RF_SPAN_LIT("")) == RF_HDR_OTHER &&
           rf_sip_header_find(RF_SPAN_LIT("z")) == RF_HDR_OTHER && rf_sip_header_find(RF_SPAN_LIT("\x16")) == RF_HDR_OTHER,
       "other names are not");
#define X(id, text, compact, many) \
    if (compact != 0) { \
        name[0] = compact; \
        ok(rf_sip_header_find(rf_span(name, 1)) == RF_HDR_##id, "%s by its compact form", text); \
    }
    RF_SIP_HEADERS(X)
#undef X
    for (unsigned m = 1; m < RF_SIP_METHOD_COUNT; m++)
        ok(rf_sip_method_find(rf_span_str(rf_sip_method_name((enum rf_sip_method)m))) == m, "method %s",
           rf_sip_method_name((enum rf_sip_method)m));
    ok(rf_sip_method_find(RF_SPAN_LIT("invite")) == RF_SIP_UNKNOWN, "methods are case-sensitive");
}

int
main(void)
{
    rf_assert(rf_addr_parse(RF_SPAN_LIT("198.51.100.7"), 5070, &source) == RF_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(i);
    check_limits();
    check_fields();
    check_names();
    return tap_done();
}
