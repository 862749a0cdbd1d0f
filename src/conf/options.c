#include "conf/options.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"

#define SUITES                                                                                                \
    "AEAD_AES_256_GCM|AEAD_AES_128_GCM|AEAD_AES_256_GCM_8|AEAD_AES_128_GCM_8|AES_256_CM_HMAC_SHA1_80|"        \
    "AES_256_CM_HMAC_SHA1_32|AES_192_CM_HMAC_SHA1_80|AES_192_CM_HMAC_SHA1_32|AES_CM_128_HMAC_SHA1_80|"        \
    "AES_CM_128_HMAC_SHA1_32|AES_CM_128_NULL_AUTH|F8_128_HMAC_SHA1_80|F8_128_HMAC_SHA1_32|"                   \
    "NULL_HMAC_SHA1_80|NULL_HMAC_SHA1_32"
#define SUITES_WITH_PROTECTION                                                                                \
    "AEAD_AES_256_GCM|AEAD_AES_128_GCM|AEAD_AES_256_GCM_8|AEAD_AES_128_GCM_8|AES_256_CM_HMAC_SHA1_80|"        \
    "AES_256_CM_HMAC_SHA1_32|AES_192_CM_HMAC_SHA1_80|AES_192_CM_HMAC_SHA1_32|AES_CM_128_HMAC_SHA1_80|"        \
    "AES_CM_128_HMAC_SHA1_32|F8_128_HMAC_SHA1_80|F8_128_HMAC_SHA1_32"

/* TEL-20 and TEL-21: the nine of the page without the one that authenticates nothing, then the RFC's own two. */
#define TRUNK_SUITES                                                                                          \
    "AEAD_AES_256_GCM_8 AEAD_AES_128_GCM_8 AES_256_CM_HMAC_SHA1_80 AES_192_CM_HMAC_SHA1_80 "                  \
    "AES_CM_128_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_32 AES_192_CM_HMAC_SHA1_32 AES_CM_128_HMAC_SHA1_32 "        \
    "AEAD_AES_256_GCM AEAD_AES_128_GCM"

/* Encoding names of a=rtpmap (sdp/codecs.h). A table, so that a misspelt one is an error and not a silent phone. */
#define CODECS                                                                                                \
    "all|opus|G722|PCMA|PCMU|G729|G723|G726-16|G726-24|G726-32|G726-40|G7221|G728|GSM|GSM-EFR|iLBC|speex|AMR|" \
    "AMR-WB|EVS|SILK|L16|red"
#define CODECS_HELP                                                                                           \
    "Codecs that we pass on, the one that we would rather have first; all stands for those that are not named. "  \
    "Nothing is transcoded: a list takes away and reorders what the other side offers. Key presses "          \
    "(telephone-event) always stay. An offer of which nothing is left is refused with 488 (RF-310)."

/*
 * The settings that every interface has (conf/iface.h). `who` stands in sentences; a default that begins with @ is
 * another setting's value.
 */
#define LEVELS "old|intermediate|modern"
#define ASKS   "off|optional|required"
#define CHECKS "none|low|medium|high|medium-remote|high-remote"

#define INTERFACE(block, who, level_compatible, level_secure, level_ids, level_more, certificate, ask_compatible,     \
                  ask_secure, ask_hosted, ask_ids, checks, checks_allowed, checks_ids)                                \
    { block ".cipher-suite-level", RF_OPT_LEVEL, ONE, RELOAD, level_compatible, level_secure, LEVELS,                 \
      "intermediate|modern", level_ids,                                                                               \
      "TLS versions and cipher suites for " who " (Mozilla Server Side TLS 5.0; intermediate@5.7 takes another of "   \
      "its versions). modern: TLS 1.3 alone. intermediate: 1.2 and 1.3. " level_more },                              \
    { block ".certificate", RF_OPT_BLOCK, LIST, RELOAD, certificate, certificate, "certificate|local", NULL,          \
      "TEL-4 TEL-9 IPC-29",                                                                                           \
      "What we show to " who ": names of certificate blocks, or local for one that our own authority issues (who "    \
      "connects then needs its root). Of several the one is shown whose names fit what the other side asks for "      \
      "(SNI), the first one when none does; RSA and ECDSA for the same names stand side by side." },                  \
    { block ".client-certificate", RF_OPT_ENUM, ONE, RELOAD, ask_compatible, ask_secure, ASKS, ask_hosted, ask_ids,   \
      "Whether we ask " who " for a certificate. required: the handshake fails without one (RF-110). optional: what " \
      "comes is checked. off: not asked." },                                                                          \
    { block ".received-certificate-checks", RF_OPT_ENUM, ONE, RELOAD, checks, checks, checks_allowed, NULL,           \
      checks_ids,                                                                                                     \
      "What a certificate of " who " must pass. none: in date. low: and a key of 1024 bits. medium: and a chain to "  \
      "the trusted certificate store, key usage, purpose, no unknown critical extension. high: and 2048 bits, not "   \
      "self-signed, none of ours, a copy of it in the store. The remote levels also compare its names." },            \
    { block ".trusted-certificate-store", RF_OPT_PATH, LIST, RELOAD, "@security.trusted-certificate-store",           \
      "@security.trusted-certificate-store", NULL, NULL, "AVA-6 GEN-17 GEN-19",                                       \
      "Files and folders with the certificates that are trusted for " who ", in PEM or DER, besides those that "      \
      "`cert trust` added. Revocation lists may stand there, too. Read again when they change." },                    \
    { block ".verify-depth", RF_OPT_NUMBER, ONE, RELOAD, "@security.verify-depth", "@security.verify-depth", "1..10", \
      NULL, "GEN-17", "Certificates between that of " who " and its root, at most." }

/* What both directions of a connection have. `inbound` is a call to a number of its owner (side). */
#define DIRECTION(block, calls)                                                                                       \
    { block ".sip-transport-protocol", RF_OPT_ENUM, ONE, RELOAD, "auto", "TLS", "auto|UDP|TCP|TLS", "TLS",            \
      "TEL-16 TEL-17 TEL-18",                                                                                         \
      "Transport of " calls ". auto: what the URI of server says, else what NAPTR and SRV records say (RFC 3263), "   \
      "else UDP. Where the other side calls, TLS refuses all else with 503 and cause 88; the others refuse nothing." }, \
    { block ".srtp", RF_OPT_ENUM, ONE, RELOAD, "off", "required", "off|optional|required", "required",                \
      "TEL-2 TEL-21 TEL-31 TEL-32 TEL-34 TEL-36 TEL-37",                                                              \
      "Encryption of the media of " calls ". required: offered and demanded; without it the call is refused "         \
      "(488, Q.850 cause 88). optional: offered, plain RTP is accepted. off: not offered; an offer of the other "     \
      "side is honoured, suites in its answer are refused." }

/* An unnamed certificate block is for all that is shown to strangers. */
#define UNNAMED_OR_LOCAL "@certificate." RF_CONF_UNNAMED "?" RF_CONF_UNNAMED "\0local"

#define LIST true
#define ONE false
#define RESTART true
#define RELOAD false

static const struct rf_option options[] = {
    { "domain", RF_OPT_DOMAIN, ONE, RELOAD, "localhost", "localhost", NULL, NULL, "",
      "The SIP domain: the part behind the @ of every user's address, and the realm of digest sign-in. Stored "
      "verifiers are made for one domain; after a change, passwords that are kept as verifiers must be set anew." },
    { "platform", RF_OPT_ENUM, ONE, RESTART, "pbx", "pbx", "pbx|hosted", NULL, "IPC-33 IPC-34 IPC-36",
      "pbx: everything can be switched. hosted: many customers on one platform; encryption is enforced, and a "
      "line that contradicts it is an error (RF-801)." },
    { "security-profile", RF_OPT_ENUM, ONE, RELOAD, "compatible", "secure", "compatible|secure", NULL,
      "IPC-21 IPC-22 TEL-2",
      "Chooses the defaults of all other settings. compatible: unencrypted until switched on, so that every "
      "phone works. secure: TLS and SRTP required. What is set explicitly holds in both." },
    { "calls-max", RF_OPT_NUMBER, ONE, RELOAD, "10000", "10000", "1..1000000", NULL, "",
      "Calls at one time on this machine. One more is answered 503 with Retry-After (RF-512)." },

    { "sip.listen", RF_OPT_LISTEN, LIST, RELOAD, "udp:0.0.0.0:5060 tcp:0.0.0.0:5060 tls:0.0.0.0:5061",
      "tls:0.0.0.0:5061", "udp|tcp|tls", "tls", "IPC-22",
      "Where phones reach us: SCHEME:ADDRESS:PORT, several with spaces between; IPv6 in brackets, as in "
      "tls:[::]:5061. Port 0 takes any free one, which the event daemon.ready names. udp and tcp carry "
      "passwords' digests and SRTP keys that anybody on the way can read." },
    INTERFACE("sip", "phones", "old", "intermediate", "IPC-26",
              "old: 1.0 to 1.3, for handsets that know nothing newer, but no 3DES.", "@web.certificate", "off", "off",
              NULL, "AVA-22", "@security.received-certificate-checks-telephony-endpoints", CHECKS, "AVA-21"),
    { "sip.digest-algorithms", RF_OPT_ENUM, LIST, RELOAD, "SHA-256 MD5", "SHA-256 MD5",
      "MD5|SHA-256|SHA-512-256", NULL, "IPC-28",
      "Digest algorithms offered for sign-in, in this order (RFC 8760). Without MD5, phones that know nothing "
      "else cannot sign in." },
    { "sip.srtp", RF_OPT_ENUM, ONE, RELOAD, "off", "required", "off|optional|required", "required",
      "IPC-21 IPC-25 TEL-2",
      "Encryption of media for users who do not say otherwise. required: a call without it is refused with 488. "
      "optional: offered, and plain RTP is accepted. off: not offered; a phone that offers it gets it." },
    { "sip.require-tls", RF_OPT_FLAG, ONE, RELOAD, "off", "on", NULL, "on", "IPC-22 IPC-24",
      "on: users may sign in and call over TLS only; over UDP or TCP they are answered 403." },
    { "sip.explain-to-peer", RF_OPT_FLAG, ONE, RELOAD, "on", "on", NULL, NULL, "",
      "Put the RF code and its sentence into a Warning header of refusals. Only phones that have signed in get "
      "it; a stranger sees the status alone." },
    { "sip.transfer", RF_OPT_FLAG, ONE, RELOAD, "on", "on", NULL, NULL, "",
      "Phones and connections may transfer their calls: REFER, blind or to a call they have (RFC 3515, RFC 3891), and "
      "INVITE with Replaces. The new leg goes out with the rights of whoever asks for it, and each leg keeps its SRTP "
      "policy. off: such requests are answered 403 (RF-503)." },
    { "sip.ring-time", RF_OPT_DURATION, ONE, RELOAD, "180s", "180s", "5s..1h", NULL, "",
      "How long phones ring before the caller is answered 480 (RF-515)." },
    { "sip.message-max", RF_OPT_NUMBER, ONE, RELOAD, "8192", "8192", "1300..32768", NULL, "",
      "Octets of the body of a text message (MESSAGE). A longer one is answered 513 (RF-531). What does not fit a "
      "datagram goes by TCP or TLS, or not at all (RFC 3428 8)." },
    { "sip.messages-per-minute", RF_OPT_NUMBER, ONE, RELOAD, "60", "60", "1..6000", NULL, "",
      "Text messages of one sender in a minute; one more is answered 503 (RF-512)." },
    { "sip.subscriptions-per-user", RF_OPT_NUMBER, ONE, RELOAD, "200", "200", "1..10000", NULL, "",
      "Subscriptions of one user at one time, as busy lamps need them: one for each lamp of each of its phones. One "
      "more is answered 503 (RF-512)." },
    { "sip.subscriptions-max", RF_OPT_NUMBER, ONE, RELOAD, "100000", "100000", "1..1000000", NULL, "",
      "Subscriptions of all users at one time. One more is answered 503 (RF-512)." },
    { "sip.subscription-expires", RF_OPT_DURATION, ONE, RELOAD, "1h", "1h", "60s..1d", NULL, "",
      "The longest subscription; a longer one is shortened to it. Below 60s: 423." },
    { "sip.session-expires", RF_OPT_DURATION, ONE, RELOAD, "30m", "30m", "0..1d", NULL, "",
      "Session timer of calls (RFC 4028): a call whose phone has vanished ends after this long at most. 0 "
      "switches it off; such a call then ends by media.timeout alone." },
    { "sip.min-se", RF_OPT_DURATION, ONE, RELOAD, "90s", "90s", "90s..1h", NULL, "",
      "The shortest session timer that a phone may ask for (RFC 4028 sets 90s); a shorter one is answered 422." },
    { "sip.connections-max", RF_OPT_NUMBER, ONE, RELOAD, "100000", "100000", "16..1000000", NULL, "",
      "TCP and TLS connections at one time. One more is closed at once, which a phone takes as a reason to wait." },
    { "sip.connections-per-source", RF_OPT_NUMBER, ONE, RELOAD, "2000", "2000", "1..1000000", NULL, "",
      "Connections at one time from one address. An office behind one NAT address needs one for each phone." },
    { "sip.dns-servers", RF_OPT_SERVER, LIST, RESTART, "system", "system", "system", NULL, "",
      "Whom to ask for the addresses of phones and proxies that registered with a host name (RFC 3263): system "
      "for those of /etc/resolv.conf, or at most eight addresses, each with :PORT unless it is 53." },
    { "sip.idle-time", RF_OPT_DURATION, ONE, RELOAD, "3m", "3m", "30s..1d", NULL, "",
      "A TCP or TLS connection by which nobody has registered, and that is silent for this long, is closed." },

    { "sip-trunks.listen", RF_OPT_LISTEN, LIST, RESTART, "", "", "udp|tcp|tls", "tls", "AVA-22 TEL-14",
      "Where trunks reach us, as in sip.listen. An address that stands in both serves phones and trunks: there the "
      "certificate is asked for, and demanded as soon as the other side turns out to be a trunk." },
    INTERFACE("sip-trunks", "trunks", "intermediate", "intermediate", "TEL-14",
              "old: the suites of old with TLS 1.2 and 1.3; no trunk speaks 1.0 or 1.1.", "@sip.certificate",
              "@security.tls-mutual?required\0off", "@security.tls-mutual?required\0off", NULL,
              "AVA-1 AVA-2 GEN-14 GEN-15", "@security.received-certificate-checks-telephony-endpoints", CHECKS,
              "AVA-21 AVA-25"),
    { "sip-trunks.peer-names", RF_OPT_DOMAIN, LIST, RELOAD, "", "", NULL, NULL, "AVA-16 AVA-17",
      "Host names and SIP domains that trunks may speak for. At the levels medium-remote and high-remote a trunk's "
      "certificate must name one of them; without any it must name the address that it comes from." },
    { "sip-trunks.peer-addresses", RF_OPT_NETWORK, LIST, RELOAD, "", "", NULL, NULL, "AVA-22",
      "Addresses and networks (192.0.2.0/24) from which trunks come. On an address that serves phones, too, what "
      "comes from there must show a trunk's certificate, or is refused with 403." },
    { "sip-trunks.answer-strangers", RF_OPT_ENUM, ONE, RELOAD, "auto", "auto", "auto|on|off", NULL, "TEL-1",
      "Whether requests on an address of sip-trunks alone are answered when they are no connection's: not from its "
      "addresses, name, certificate or registration, nor from peer-addresses. off: a datagram gets no answer and a "
      "connection is closed, so that a scanner learns nothing (RF-520). on: they are challenged, as on addresses of "
      "sip. auto: off when there are connections and none of them signs in here with a password." },

    { "web.listen", RF_OPT_LISTEN, LIST, RESTART, "", "", "http|https", NULL, "IPC-1",
      "Where browsers and programs reach the interface https: https:ADDRESS:PORT or http:ADDRESS:PORT, several with "
      "spaces between; without a scheme port 80 means http, any other https." },
    INTERFACE("web", "browsers and clients of the interface https", "old", "intermediate", "IPC-5 IPC-8 IPC-11",
              "old: 1.0 to 1.3.", UNNAMED_OR_LOCAL, "off", "off", NULL, "AVA-19 AVA-20",
              "@security.received-certificate-checks-management-interfaces", CHECKS, "AVA-19"),
    { "web.force-https-web-access", RF_OPT_FLAG, ONE, RELOAD, "off", "on", NULL, "on", "IPC-3 IPC-33",
      "on: what is asked over http is answered with 308 to the same address with https, and nothing is done. Not so "
      "what an authority asks to see that a name is ours." },
    { "web.https-strict-transport-security", RF_OPT_ENUM, ONE, RELOAD, "off", "auto", "off|on|auto|always|clear",
      "on|auto", "IPC-4 IPC-33",
      "Whether browsers are told to use https alone for two years (RFC 6797). on: told, and held back while the "
      "certificate is not publicly trusted (RF-807), because a browser that was told so offers no way past a bad one. "
      "auto: the same without a word of it. always: told whatever the certificate is, where browsers were given the "
      "root of an authority of your own. clear: told to forget it." },
    { "provisioning.listen", RF_OPT_LISTEN, LIST, RESTART, "", "", "http|https", "https", "IPC-11 IPC-13",
      "Where phones fetch their configuration: https:ADDRESS:PORT or http:ADDRESS:PORT, several with spaces between; "
      "without a scheme port 80 means http, any other https." },
    INTERFACE("provisioning", "phones that fetch their configuration", "@web.cipher-suite-level",
              "@web.cipher-suite-level", "IPC-11 IPC-14", "old: 1.0 to 1.3. That of web when nothing is said.",
              "@web.certificate", "off", "required", "required", "IPC-15", "medium", CHECKS, "IPC-15"),
    { "management.listen", RF_OPT_LISTEN, LIST, RESTART, "", "", "http|https", "https", "AVA-19",
      "Where administrators' programs reach us: https:ADDRESS:PORT or http:ADDRESS:PORT, several with spaces "
      "between; without a scheme port 80 means http, any other https." },
    INTERFACE("management", "administrators and programs of the interface management", "intermediate", "intermediate",
              "GEN-26", "old: 1.0 to 1.3.", "@web.certificate", "off", "off", NULL, "AVA-19",
              "@security.received-certificate-checks-management-interfaces", CHECKS, "AVA-19"),
    { "node-link.listen", RF_OPT_LISTEN, LIST, RESTART, "", "", "http|https", "https", "AVA-23",
      "Where other nodes of the pool reach us: https:ADDRESS:PORT or http:ADDRESS:PORT, several with spaces between; "
      "without a scheme port 80 means http, any other https." },
    INTERFACE("node-link", "other nodes of the pool", "intermediate", "intermediate", "AVA-23", "old: 1.0 to 1.3.",
              "local", "@security.tls-mutual?required\0off", "@security.tls-mutual?required\0off", NULL, "GEN-15",
              "medium", "none|low|medium|high", "AVA-23 AVA-24"),
    { "metrics.listen", RF_OPT_LISTEN, LIST, RESTART, "", "", "http|https", NULL, "TEL-8",
      "Where GET /metrics is answered, for Prometheus and what understands its text: http:127.0.0.1:9464, several with "
      "spaces between; empty: nowhere. An address that is not loopback must be https: with "
      "metrics.client-certificate required, for the numbers tell who works here when. What they mean: "
      "docs/reference/metrics.md; ringfence metrics shows them without a listener." },
    INTERFACE("metrics", "programs that fetch metrics", "intermediate", "intermediate", "GEN-26", "old: 1.0 to 1.3.",
              "@web.certificate", "off", "off", NULL, "AVA-19",
              "@security.received-certificate-checks-management-interfaces", CHECKS, "AVA-19"),

    { "user.*.name", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..95", NULL, "",
      "The name that phones show and the console lists." },
    { "user.*.password", RF_OPT_SECRET, ONE, RELOAD, "", "", NULL, NULL, "IPC-28",
      "The password of sign-in: secret:NAME (kept in the store), file:PATH (its first line; nobody else may "
      "read the file), env:NAME. A literal works; config check --strict warns of it." },
    { "user.*.srtp", RF_OPT_ENUM, ONE, RELOAD, "@sip.srtp", "@sip.srtp", "off|optional|required", "required",
      "IPC-21 IPC-25 TEL-2", "As sip.srtp, for this user alone." },
    { "user.*.codecs", RF_OPT_ENUM, LIST, RELOAD, "all", "all", CODECS, NULL, "", CODECS_HELP },
    { "user.*.require-tls", RF_OPT_FLAG, ONE, RELOAD, "@sip.require-tls", "@sip.require-tls", NULL, "on",
      "IPC-24", "As sip.require-tls, for this user alone." },
    { "user.*.calls-max", RF_OPT_NUMBER, ONE, RELOAD, "10", "10", "1..1000", NULL, "",
      "Calls at one time of this user; one more is answered 503 (RF-512)." },
    { "user.*.forward-always", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "",
      "Where all calls to this user go instead: a user, a ring-group, a dn, or a number that this user may dial. The "
      "user's own phones do not ring. Empty: not forwarded." },
    { "user.*.forward-busy", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "",
      "Where calls go while this user is busy: its phones answer 486, 600 or 603, or do-not-disturb is on." },
    { "user.*.forward-no-answer", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "",
      "Where calls go when nobody answers in forward-no-answer-time, or no phone of this user can be reached." },
    { "user.*.forward-no-answer-time", RF_OPT_DURATION, ONE, RELOAD, "20s", "20s", "1s..10m", NULL, "",
      "How long this user's phones ring before forward-no-answer." },
    { "user.*.do-not-disturb", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "",
      "on: phones of this user do not ring. A call goes where forward-busy says, or is answered 486 (RF-530); a "
      "ring-group passes the user over." },
    { "user.*.watched-by", RF_OPT_TEXT, LIST, RELOAD, "all", "all", "0..63", NULL, "",
      "Who may see on busy lamps whether this user is called or speaks, and with whom: all users, none, or names of "
      "users and of ring-groups, whose members may. A user may always watch itself; whoever comes by a connection, "
      "never. Who may watch may take the call while it rings (pickup: INVITE with Replaces); when it is answered only "
      "who is named here, not all, and members of a ring-group to which the user belongs." },
    { "user.*.may-set-mailboxes", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "",
      "on: this user is a voice mail system: its PUBLISH and NOTIFY of message-summary say how many messages wait "
      "for any user." },

    { "sip-connection.*.type", RF_OPT_ENUM, ONE, RELOAD, "credential", "credential", "credential|ip|fqdn", NULL, "TEL-1",
      "How the other side is known. credential: by user name and password; we register there (side customer), or they "
      "register here (side platform). ip: by the addresses of allow. fqdn: by the addresses to which the name of "
      "server leads, looked up again whenever they run out." },
    { "sip-connection.*.side", RF_OPT_ENUM, ONE, RELOAD, "platform", "platform", "platform|customer", NULL, "TEL-37",
      "Who we are. platform: the provider; inbound is then a call that we send to the connection's owner. customer: a "
      "carrier's customer; inbound is then a call that the carrier sends to us. register on means customer." },
    { "sip-connection.*.server", RF_OPT_TARGET, ONE, RELOAD, "", "", NULL, NULL, "TEL-17 TEL-18",
      "Where calls go: a host name (NAPTR and SRV records are followed), ADDRESS, HOST:PORT, or a whole URI such as "
      "sip:192.0.2.10:5061;transport=tls." },
    { "sip-connection.*.allow", RF_OPT_NETWORK, LIST, RELOAD, "", "", NULL, NULL, "TEL-1",
      "Type ip: addresses and networks (192.0.2.0/24) from which calls of this connection come." },
    { "sip-connection.*.username", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "TEL-1",
      "The name of sign-in: ours there (side customer), or theirs here (side platform)." },
    { "sip-connection.*.password", RF_OPT_SECRET, ONE, RELOAD, "", "", NULL, NULL, "TEL-1 IPC-28",
      "Its password: secret:NAME (kept in the store), file:PATH, env:NAME." },
    { "sip-connection.*.register", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "TEL-16",
      "on: we register at server. Calls then come by the transport of that registration." },
    { "sip-connection.*.register-expires", RF_OPT_DURATION, ONE, RELOAD, "10m", "10m", "60s..1d", NULL, "TEL-16",
      "How long a registration is asked for. It is renewed when half of what was granted is over." },
    { "sip-connection.*.require-tls", RF_OPT_FLAG, ONE, RELOAD, "off", "on", NULL, "on", "TEL-16 TEL-35",
      "on: what comes by UDP or TCP is refused: REGISTER with 403, a call with 503 and cause 88." },
    { "sip-connection.*.received-certificate-checks-telephony-endpoints", RF_OPT_ENUM, ONE, RELOAD,
      "@sip-trunks.received-certificate-checks", "@sip-trunks.received-certificate-checks", CHECKS, NULL, "TEL-6 AVA-21",
      "What the certificate of this server must pass when we connect to it, as in sip-trunks." },
    { "sip-connection.*.trusted-certificate-store", RF_OPT_PATH, LIST, RELOAD, "", "", NULL, NULL, "TEL-6 TEL-10",
      "Files and folders with authorities that count for this connection alone, besides those of sip-trunks and the "
      "system's." },
    { "sip-connection.*.certificate", RF_OPT_BLOCK, ONE, RELOAD, "interface", "interface", "certificate|local|interface",
      NULL, "TEL-10",
      "The certificate that we show to this server: the name of a certificate block, local, or interface for that of "
      "sip-trunks." },
    { "sip-connection.*.certificate-pin", RF_OPT_TEXT, LIST, RELOAD, "", "", "0..71", NULL, "TEL-7 AVA-22",
      "sha256:HEX, the fingerprint of the server's certificate, or of several: a server with another one is refused, "
      "whatever else its certificate passes." },
    DIRECTION("sip-connection.*.inbound", "calls to numbers of the connection's owner"),
    DIRECTION("sip-connection.*.outbound", "calls that the connection's owner makes"),
    { "sip-connection.*.crypto-suites", RF_OPT_ENUM, LIST, RELOAD, TRUNK_SUITES, TRUNK_SUITES, SUITES,
      SUITES_WITH_PROTECTION, "TEL-20 TEL-21 TEL-28",
      "SRTP suites offered to this connection, in this order, and accepted from it." },
    { "sip-connection.*.suite-order", RF_OPT_ENUM, ONE, RELOAD, "@media.suite-order", "@media.suite-order",
      "strongest|offerer", NULL, "TEL-22", "As media.suite-order, for this connection alone." },
    { "sip-connection.*.codecs", RF_OPT_ENUM, LIST, RELOAD, "all", "all", CODECS, NULL, "", CODECS_HELP },
    { "sip-connection.*.answer-profile", RF_OPT_ENUM, ONE, RELOAD, "@media.answer-profile", "@media.answer-profile",
      "mirror|savp", NULL, "TEL-23", "As media.answer-profile, for this connection alone." },
    { "sip-connection.*.allow-null-auth", RF_OPT_FLAG, ONE, RELOAD, "@media.allow-null-auth", "@media.allow-null-auth",
      NULL, "off", "TEL-30", "As media.allow-null-auth, for this connection alone." },
    { "sip-connection.*.allow-unencrypted-srtp", RF_OPT_FLAG, ONE, RELOAD, "@media.allow-unencrypted-srtp",
      "@media.allow-unencrypted-srtp", NULL, "off", "TEL-29",
      "As media.allow-unencrypted-srtp, for this connection alone." },
    { "sip-connection.*.media-handling-mode", RF_OPT_ENUM, ONE, RELOAD, "default", "default", "default|bypass", "default",
      "TEL-3 TEL-33",
      "default: media goes through us and its encryption is proven packet by packet. bypass: both sides send it to "
      "each other; nobody can say whether it is encrypted (RF-307). In a route with several connections all of them "
      "must say so, else media goes through us." },
    { "sip-connection.*.calls-max", RF_OPT_NUMBER, ONE, RELOAD, "100", "100", "1..100000", NULL, "",
      "Calls of this connection at one time, both directions together; one more is answered 503 (RF-512), and one of "
      "ours takes the next connection of its route." },
    { "sip-connection.*.calls-per-second", RF_OPT_NUMBER, ONE, RELOAD, "20", "20", "1..10000", NULL, "",
      "New calls a second from this connection; more are answered 503 (RF-512)." },
    { "sip-connection.*.caller-id", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "",
      "The number that our calls show to this connection. Without it: the caller's own." },
    { "sip-connection.*.trust-identity", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "",
      "on: P-Asserted-Identity of this connection is believed, and ours is sent to it, also for callers who hide their "
      "number (RFC 3325). off: theirs is dropped, ours is never sent." },
    { "sip-connection.*.caller-name", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..95", NULL, "",
      "The name that our calls show to this connection. Without it: the caller's own when trust-identity is on, else "
      "none, since names of our users are nobody's business outside." },
    { "sip-connection.*.forwarded-by", RF_OPT_ENUM, ONE, RELOAD, "off", "off", "off|diversion|history-info", NULL, "",
      "Whether this connection is told who forwarded a call to it: diversion (RFC 5806), history-info (RFC 7044). A "
      "user is named by a number of this connection that leads to it, else by caller-id; without one nothing is "
      "told." },
    { "sip-connection.*.messages", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "",
      "on: text messages (MESSAGE) go over this connection, in both directions. off: its own are refused, and ours "
      "do not take it." },
    { "sip-connection.*.may-set-mailboxes", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "",
      "on: a voice mail system is at the other side: its PUBLISH and NOTIFY of message-summary say how many messages "
      "wait for any user." },
    { "sip-connection.*.country-code", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..3", NULL, "",
      "Digits of the country whose national numbers this connection uses, such as 44. Without it numbers without + are "
      "left as they come." },
    { "sip-connection.*.number-format", RF_OPT_ENUM, ONE, RELOAD, "as-is", "as-is", "as-is|e164|e164-without-plus|national",
      NULL, "",
      "How numbers are written to this connection. national: with 0 in front for its own country, 00 for others." },
    { "sip-connection.*.oos-check", RF_OPT_DURATION, ONE, RELOAD, "30s", "30s", "0..1h", NULL, "GEN-24",
      "How often server is asked whether it is there (OPTIONS). 0: never; it then counts as there." },
    { "sip-connection.*.oos-force", RF_OPT_DURATION, ONE, RELOAD, "60s", "60s", "1s..1h", NULL, "GEN-24",
      "After how long without an answer, from the first OPTIONS that got none, calls go to the next connection of "
      "their route first (RF-507). Looked at every oos-check." },

    { "number.*.connection", RF_OPT_BLOCK, LIST, RELOAD, "", "", "sip-connection", NULL, "TEL-33",
      "The connections that this number belongs to: calls to it are taken from these alone. Without any it is a number "
      "for our own users." },
    { "number.*.to", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "",
      "Where calls to this number go: a user, a ring-group, a dn or a sip-connection. Without it they go to the "
      "connection that it belongs to." },
    { "number.*.media-handling-mode", RF_OPT_ENUM, ONE, RELOAD, "default", "default", "default|bypass", "default", "TEL-33",
      "As in sip-connection, for calls to this number." },

    { "route.*.match", RF_OPT_TEXT, LIST, RELOAD, "", "", "0..63", NULL, "",
      "Patterns of dialled numbers: digits and + stand for themselves, X for any digit, * at the end for anything. The "
      "pattern with the most characters that stand for themselves comes first." },
    { "route.*.use", RF_OPT_BLOCK, LIST, RELOAD, "", "", "sip-connection", NULL, "TEL-18",
      "The connections by which these calls go, in order. The next one is taken on 408, 480, 488, 503, 504, silence and "
      "lost connections, not on 404, 486, 603." },
    { "route.*.to", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "",
      "Instead of use: the user, ring-group or dn to which these calls go." },
    { "route.*.from", RF_OPT_TEXT, LIST, RELOAD, "", "", "0..63", NULL, "",
      "Users and connections that may use this route. Without it: all users, and no connection." },
    { "route.*.strip", RF_OPT_NUMBER, ONE, RELOAD, "0", "0", "0..20", NULL, "",
      "Characters taken off the front of the dialled number." },
    { "route.*.prefix", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..20", NULL, "",
      "What is put in front of the number, after strip." },
    { "route.*.media-handling-mode", RF_OPT_ENUM, ONE, RELOAD, "default", "default", "default|bypass", "default", "TEL-33",
      "As in sip-connection, for calls by this route." },

    { "dn.*.contact", RF_OPT_TARGET, ONE, RELOAD, "", "", NULL, NULL, "GEN-9 GEN-10 GEN-22",
      "HOST:PORT, with ;transport=tls for TLS: where it is reached. A user of the block's name is reached there while it "
      "is not registered; without such a user it is a device or a gateway that never registers." },
    { "dn.*.srtp", RF_OPT_ENUM, ONE, RELOAD, "@sip.srtp", "@sip.srtp", "off|optional|required", "required", "IPC-25",
      "As sip.srtp, for this device." },

    { "ring-group.*.members", RF_OPT_TEXT, LIST, RELOAD, "", "", "0..63", NULL, "",
      "Users and dn blocks; the first that answers has the call. Where they forward their own calls does not count "
      "here." },
    { "ring-group.*.strategy", RF_OPT_ENUM, ONE, RELOAD, "all", "all", "all|in-order", NULL, "",
      "all: they ring at once. in-order: one after the other, the next when one is busy, declines or does not "
      "answer." },
    { "ring-group.*.time", RF_OPT_DURATION, ONE, RELOAD, "0", "0", "0..10m", NULL, "",
      "in-order: how long each member rings; 0: 20 s. all: how long they ring; 0: sip.ring-time." },

    { "certificate.*.chain", RF_OPT_FILE, LIST, RELOAD, "", "", NULL, NULL, "TEL-5 IPC-30",
      "The certificate and its intermediates in PEM, the server's own first: file:PATH. A second line is a second "
      "certificate for the same names, with a key of another type." },
    { "certificate.*.key", RF_OPT_KEY_FILE, LIST, RELOAD, "", "", NULL, NULL, "TEL-5 IPC-30",
      "The private key in PEM: file:PATH, one for each chain, in the same order. Refused when others may read the "
      "file (RF-809)." },
    { "certificate.*.staple", RF_OPT_FLAG, ONE, RELOAD, "on", "on", NULL, NULL, "",
      "Its authority is asked by itself whether it is still good (OCSP), and the answer is sent along with it, so that "
      "clients need not ask. Only when the certificate names a responder. off: nobody is asked." },
    { "certificate.*.lets-encrypt", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "IPC-30 IPC-31",
      "on: this certificate is obtained and renewed by itself from an authority that speaks ACME (RFC 8555), Let's "
      "Encrypt unless directory names another. Until the first one is there, one of our own authority is shown." },
    { "certificate.*.directory", RF_OPT_TEXT, ONE, RELOAD, "https://acme-v02.api.letsencrypt.org/directory",
      "https://acme-v02.api.letsencrypt.org/directory", "0..511", NULL, "IPC-30",
      "The address of the authority's ACME directory." },
    { "certificate.*.names", RF_OPT_DOMAIN, LIST, RELOAD, "", "", NULL, NULL, "IPC-30",
      "Host names, and IP addresses where the authority knows them (RFC 8738), that the certificate is for; empty "
      "for domain alone. Each must lead to this machine." },
    { "certificate.*.contact", RF_OPT_TEXT, LIST, RELOAD, "", "", "0..247", NULL, "IPC-30",
      "Mail addresses of the account at the authority, at most four." },
    { "certificate.*.key-type", RF_OPT_ENUM, ONE, RELOAD, "both", "both", "both|ecdsa|rsa", NULL, "IPC-30",
      "both: two certificates for the same names, an ECDSA one that costs little and an RSA one for old phones." },
    { "certificate.*.challenge", RF_OPT_ENUM, ONE, RELOAD, "http-01", "http-01", "http-01|tls-alpn-01", NULL, "IPC-30",
      "How the authority sees that a name is ours. http-01: it asks TCP port 80, so web.listen needs http: there. "
      "tls-alpn-01: it asks port 443, which must lead to any of our TLS listeners: https: of web.listen, or tls: of "
      "sip.listen or sip-trunks.listen where a firewall forwards it." },
    { "certificate.*.profile", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..63", NULL, "IPC-30",
      "The certificate profile, where the authority has several: shortlived lives for days and may name addresses." },
    { "certificate.*.preferred-chain", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..127", NULL, "IPC-29",
      "Part of the name of the root or intermediate below which the chain should end, where the authority offers "
      "several." },
    { "certificate.*.reuse-key", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "TEL-7 AVA-15",
      "on: a renewal keeps the key, for appliances that have pinned it. off: each renewal has a new one." },
    { "certificate.*.renew-before", RF_OPT_DURATION, ONE, RELOAD, "0", "0", "0..365d", NULL, "IPC-31",
      "So long before its end the certificate is renewed. 0: when a third of its life is left, half of a life below 10 "
      "days. What the authority suggests (RFC 9773) comes first." },
    { "certificate.*.external-account-id", RF_OPT_TEXT, ONE, RELOAD, "", "", "0..255", NULL, "IPC-30",
      "For authorities that want an account made outside of ACME: the key identifier that they gave." },
    { "certificate.*.external-account-key", RF_OPT_SECRET, ONE, RELOAD, "", "", NULL, NULL, "IPC-30",
      "And the HMAC key, in base64url: secret:NAME." },
    { "certificate.*.ca-file", RF_OPT_FILE, ONE, RELOAD, "", "", NULL, NULL, "IPC-30",
      "Certificates in PEM that the connection to the authority trusts, for one inside of a company: file:PATH. Empty "
      "for the system's." },
    { "certificate.*.terms-agreed", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "IPC-30",
      "on: you have read the authority's terms of service and agree to them; without it there is no account." },

    { "media.ports", RF_OPT_PORTS, ONE, RESTART, "30000-39999", "30000-39999", NULL, NULL, "",
      "UDP ports of media, a pair for each leg of a call: 10,000 ports carry 2,500 calls. The firewall must let "
      "them in." },
    { "media.public-address", RF_OPT_ADDRESS, LIST, RELOAD, "auto", "auto", "auto", NULL, "TEL-3",
      "The address that SDP, Via and Contact name: auto for that of the interface by which the phone is reached, "
      "or the outside address of a 1:1 NAT. One IPv4 and one IPv6 address may stand here." },
    { "media.crypto-suites", RF_OPT_ENUM, LIST, RELOAD,
      "AES_CM_128_HMAC_SHA1_80 AEAD_AES_256_GCM AEAD_AES_128_GCM AES_256_CM_HMAC_SHA1_80 "
      "AES_CM_128_HMAC_SHA1_32",
      "AES_CM_128_HMAC_SHA1_80 AEAD_AES_256_GCM AEAD_AES_128_GCM AES_256_CM_HMAC_SHA1_80 "
      "AES_CM_128_HMAC_SHA1_32",
      SUITES, SUITES_WITH_PROTECTION, "IPC-27 TEL-22",
      "SRTP suites offered to phones, in this order, and accepted from them. Old phones look at the first two "
      "alone, and a long list does not fit a UDP datagram." },
    { "media.suite-order", RF_OPT_ENUM, ONE, RELOAD, "strongest", "strongest", "strongest|offerer", NULL,
      "TEL-22", "Which suite of an offer is taken: the strongest one in common, or the offerer's first." },
    { "media.answer-profile", RF_OPT_ENUM, ONE, RELOAD, "mirror", "mirror", "mirror|savp", NULL, "TEL-23",
      "The profile of an answer to RTP/AVP with a=crypto: mirror answers RTP/AVP (RFC 8643), savp answers "
      "RTP/SAVP as some carriers do." },
    { "media.allow-null-auth", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, "off", "TEL-30",
      "Let AES_CM_128_NULL_AUTH be chosen when nothing better is in common. Its packets can be forged." },
    { "media.allow-unencrypted-srtp", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, "off", "TEL-29",
      "Let a peer have SRTP that is authenticated but not encrypted (UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP of RFC 4568) "
      "when none of the lines that it offers encrypts, even where srtp is required; NULL_HMAC_SHA1_80 and ..._32, too, if "
      "they stand in crypto-suites. Whoever is on the way can listen. Such a call is shown as not encrypted (RF-403)." },
    { "media.timeout", RF_OPT_DURATION, ONE, RELOAD, "60s", "60s", "0..1d", NULL, "",
      "A call from which no media came for this long is ended (RF-404). 0: never. A call on hold does not count." },
    { "media.threads", RF_OPT_NUMBER, ONE, RESTART, "auto", "auto", "auto|1..64", NULL, "",
      "Media threads; auto: one for each processor." },
    { "media.backend", RF_OPT_ENUM, ONE, RESTART, "auto", "auto", "auto|openssl|ipsec-mb", NULL, "",
      "What encrypts packets: ipsec-mb is several times faster, openssl is everywhere. auto takes ipsec-mb when "
      "it is built in and passes its test vectors." },
    { "media.replay-window", RF_OPT_NUMBER, ONE, RESTART, "128", "128", "64..1024", NULL, "TEL-25",
      "Packets that may arrive late and still be accepted once (RFC 3711 3.3.2 asks for 64 at least)." },

    { "registrar.min-expires", RF_OPT_DURATION, ONE, RELOAD, "60s", "60s", "1s..1d", NULL, "",
      "The shortest registration; a shorter one is answered 423 with this value." },
    { "registrar.max-expires", RF_OPT_DURATION, ONE, RELOAD, "1h", "1h", "60s..30d", NULL, "",
      "The longest registration; a longer one is shortened to it." },
    { "registrar.default-expires", RF_OPT_DURATION, ONE, RELOAD, "1h", "1h", "60s..30d", NULL, "",
      "How long a registration lasts when the phone does not say." },
    { "registrar.bindings-max", RF_OPT_NUMBER, ONE, RELOAD, "10", "10", "1..100", NULL, "",
      "Phones of one user that can be registered at one time." },

    { "security.ban-time", RF_OPT_DURATION, ONE, RELOAD, "5m", "5m", "0..1d", NULL, "",
      "How long a source stays out after its first ban; each further one doubles it, up to a day. Only sources "
      "whose address is proven are banned, since a forged datagram must not ban its victim. 0: no bans." },
    { "security.wrong-passwords", RF_OPT_NUMBER, ONE, RELOAD, "10", "10", "1..1000", NULL, "",
      "Wrong passwords from one source within a minute before it is banned." },
    { "security.requests-per-source", RF_OPT_NUMBER, ONE, RELOAD, "200", "200", "1..1000000", NULL, "",
      "Requests a second from one source that has not signed in; more are answered 503." },
    { "security.handshakes-per-source", RF_OPT_NUMBER, ONE, RELOAD, "100", "100", "1..1000000", NULL, "",
      "TLS handshakes a second from one source." },
    { "security.exempt-loopback", RF_OPT_FLAG, ONE, RELOAD, "on", "on", NULL, NULL, "",
      "on: bans and limits for one source do not count for this machine's own programs, which reach us by loopback. "
      "off: they count for them, too; right where a proxy on this machine hands on what others send." },
    { "security.nonce-life", RF_OPT_DURATION, ONE, RELOAD, "5m", "5m", "10s..1h", NULL, "IPC-28",
      "How long a phone may use one digest nonce before it is told that it is stale." },
    { "security.strict-keys", RF_OPT_FLAG, ONE, RELOAD, "off", "on", NULL, "on", "TEL-12",
      "on: SRTP keys that come over UDP or TCP are refused with 488 (RF-309), since whoever reads the signalling "
      "can decrypt the media. off: accepted and reported." },

    { "security.received-certificate-checks-management-interfaces", RF_OPT_ENUM, ONE, RELOAD, "medium", "medium",
      CHECKS, NULL, "AVA-19",
      "The checks of web and management for certificates that they receive; each may say otherwise in its block." },
    { "security.received-certificate-checks-telephony-endpoints", RF_OPT_ENUM, ONE, RELOAD, "medium", "medium",
      CHECKS, NULL, "AVA-21",
      "The checks of sip and sip-trunks for certificates that they receive, in both roles; each may say otherwise in "
      "its block." },
    { "security.trusted-certificate-store", RF_OPT_PATH, LIST, RELOAD, "", "", NULL, NULL, "AVA-6",
      "Files and folders with trusted certificates, for every interface that names none of its own." },
    { "security.system-authorities", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, NULL, "TEL-6",
      "on: every interface also trusts the public authorities of the operating system. Without it they count only for "
      "servers to which we connect." },
    { "security.revocation-lists", RF_OPT_PATH, LIST, RELOAD, "", "", NULL, NULL, "",
      "Files and folders with certificate revocation lists, for every interface. Read again when they change." },
    { "security.ocsp", RF_OPT_ENUM, ONE, RELOAD, "off", "off", "off|soft|hard", NULL, "",
      "Is the authority of a peer's certificate asked whether it is still good? It counts from level medium on, for "
      "certificates that name a responder. soft: revoked is refused (RF-212), no answer is let pass. hard: no answer "
      "is refused, too (RF-217): a peer that nobody asked about yet comes in once the answer is there, seconds "
      "later." },
    { "security.tls-mutual", RF_OPT_ENUM, ONE, RELOAD, "0", "1", "0|1", NULL, "GEN-14 GEN-15 GEN-16",
      "1: sip-trunks and node-link demand a certificate of whoever connects. 0: the server alone shows one. Each may "
      "say otherwise in its block." },
    { "security.verify-depth", RF_OPT_NUMBER, ONE, RELOAD, "10", "10", "1..10", NULL, "GEN-17",
      "Certificates between the one received and its root, at most." },
    { "security.medium-without-r11-checks", RF_OPT_FLAG, ONE, RELOAD, "off", "off", NULL, "off", "AVA-10",
      "on: medium does not look at key usage, purpose and critical extensions. For settings that come from a system "
      "older than these checks; it goes off by itself when a level of received certificate checks is changed." },

    { "call-records.max", RF_OPT_NUMBER, ONE, RELOAD, "100000", "100000", "100..100000000", NULL, "",
      "Call records that are kept; the oldest go first." },
    { "call-records.age", RF_OPT_DURATION, ONE, RELOAD, "0", "0", "0..3650d", NULL, "",
      "Call records older than this are deleted. 0: none for their age." },

    { "log.level", RF_OPT_ENUM, ONE, RESTART, "info", "info", "error|warn|info|debug", NULL, "",
      "The least important events that are logged." },

    { "signal.workers", RF_OPT_NUMBER, ONE, RESTART, "auto", "auto", "auto|1..64", NULL, "",
      "Threads that handle signalling; auto: one for each processor." },
};

#define COUNT (sizeof options / sizeof *options)

const struct rf_option *
rf_option_at(size_t i)
{
    return i < COUNT ? &options[i] : NULL;
}

size_t
rf_option_count(void)
{
    return COUNT;
}

/* The rows by name: a configuration of thousands of blocks asks for a row some hundred thousand times. */
static uint16_t by_name[COUNT];
static pthread_once_t sorted = PTHREAD_ONCE_INIT;

static int
order(const void *a, const void *b)
{
    return strcmp(options[*(const uint16_t *)a].name, options[*(const uint16_t *)b].name);
}

static void
sort(void)
{
    for (size_t i = 0; i < COUNT; i++)
        by_name[i] = (uint16_t)i;
    qsort(by_name, COUNT, sizeof *by_name, order);
}

/* Where a row's name stands to a pattern, in the order of strcmp; a pattern may hold a NUL, and ends there not. */
static int
stands(const char *name, struct rf_span pattern)
{
    size_t n = strlen(name), shared = n < pattern.n ? n : pattern.n;
    int way = shared > 0 ? memcmp(name, pattern.p, shared) : 0;

    return way != 0 ? way : (n > pattern.n) - (n < pattern.n);
}

const struct rf_option *
rf_option_find(struct rf_span pattern)
{
    size_t low = 0, high = COUNT;

    pthread_once(&sorted, sort);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct rf_option *o = &options[by_name[middle]];
        int way = stands(o->name, pattern);

        if (way == 0)
            return o;
        if (way < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct rf_option *
rf_option_resolve(struct rf_span name, struct rf_span *label)
{
    *label = rf_span(NULL, 0);
    for (size_t i = 0; i < COUNT; i++) {
        struct rf_span pattern = rf_span_str(options[i].name);
        size_t star = rf_span_find(pattern, '*');
        struct rf_span head = rf_span_sub(pattern, 0, star), tail = rf_span_sub(pattern, star + 1, pattern.n);

        if (star == pattern.n) {
            if (rf_span_eq(name, pattern))
                return &options[i];
            continue;
        }
        /* A label may hold dots of its own; the words behind it are ours and do not begin with one. */
        if (name.n > head.n + tail.n && rf_span_eq(rf_span_sub(name, 0, head.n), head) &&
            rf_span_eq(rf_span_sub(name, name.n - tail.n, tail.n), tail)) {
            *label = rf_span_sub(name, head.n, name.n - head.n - tail.n);
            return &options[i];
        }
    }
    return NULL;
}

/* The part of an option's name behind prefix, up to the next dot; empty when it does not begin with prefix. */
static struct rf_span
component_after(const struct rf_option *o, struct rf_span prefix, struct rf_span *rest)
{
    struct rf_span name = rf_span_str(o->name);
    size_t dot;

    *rest = rf_span(NULL, 0);
    if (!rf_span_eq(rf_span_sub(name, 0, prefix.n), prefix) || name.n <= prefix.n)
        return rf_span(NULL, 0);
    name = rf_span_sub(name, prefix.n, name.n);
    dot = rf_span_find(name, '.');
    if (dot < name.n)
        *rest = rf_span_sub(name, dot + 1, name.n);
    return rf_span_sub(name, 0, dot);
}

enum rf_option_place
rf_option_place(struct rf_span prefix, struct rf_span name)
{
    for (size_t i = 0; i < COUNT; i++) {
        struct rf_span rest, component = component_after(&options[i], prefix, &rest);

        if (component.n == 0 || !rf_span_eq(component, name) || rf_span_is(component, "*"))
            continue;
        if (rest.n == 0)
            return RF_PLACE_SETTING;
        return rest.p[0] == '*' ? RF_PLACE_LABELLED_BLOCK : RF_PLACE_BLOCK;
    }
    return RF_PLACE_UNKNOWN;
}
