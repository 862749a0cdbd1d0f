/* Tables for the configuration: grammar, values, layers, locks, edits, suggestions. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf/explain.h"
#include "conf/grammar.h"
#include "conf/options.h"
#include "tap.h"

static char dir[64];

static const char *
file(const char *name, const char *text, mode_t mode)
{
    static char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, mode) != 0)
        abort();
    return path;
}

/* A store with one secret. */
static enum rf_err
one_secret(void *ctx, struct rf_span name, struct rf_secret *out)
{
    if (!rf_span_is(name, "user-201"))
        return RF_ERR_NOT_FOUND;
    return rf_secret_set(out, "tidal-copper", 12);
}

static enum rf_err
load_text(struct rf_conf **c, const char *store, const char *text, char *why, size_t size)
{
    struct rf_conf_sources from = { .store_text = rf_span_str(store), .file_text = rf_span_str(text),
                                    .file_name = "f", .secret = one_secret };
    struct rf_conf_problem problem;
    struct rf_buf b = rf_buf(why, size - 1);
    enum rf_err err;

    *c = NULL;
    err = rf_conf_load_from(c, &from, &problem);
    if (err)
        rf_conf_put_problem(&b, &problem);
    why[b.n] = '\0';
    return err;
}

/* --- what is refused, and where ----------------------------------------------------------------------- */

static const struct {
    const char *text;
    enum rf_err want;
    const char *sentence; /* of the problem, whole or its beginning */
} refused[] = {
    { "sip {\n    cipher-level old\n}\n", RF_ERR_NOT_FOUND,
      "f:2:5: unknown setting cipher-level; did you mean cipher-suite-level?" },
    { "sip {\n  lisen tls:0.0.0.0:5061\n}\n", RF_ERR_NOT_FOUND, "f:2:3: unknown setting lisen; did you mean listen?" },
    { "spi {\n}\n", RF_ERR_NOT_FOUND, "f:1:1: unknown block spi; did you mean sip?" },
    { "weg {\n}\n", RF_ERR_NOT_FOUND, "f:1:1: unknown block weg; did you mean web?" },
    { "ring-time 60s\n", RF_ERR_NOT_FOUND, "f:1:1: unknown setting ring-time; it belongs in the block sip" },
    { "sip.listen tls:0.0.0.0:5061\n", RF_ERR_NOT_FOUND, "f:1:1: unknown setting sip.listen" },
    { "user 201 {\n password x\n * y\n}\n", RF_ERR_NOT_FOUND, "f:3:2: unknown setting *" },
    { "sip x {\n}\n", RF_ERR_SYNTAX, "f:1:1: the block sip takes no name" },
    { "user {\n}\n", RF_ERR_SYNTAX, "f:1:1: the block user needs one name, as in: user NAME {" },
    { "user 2 0 {\n}\n", RF_ERR_SYNTAX, "f:1:1: the block user needs one name" },
    { "user a@b {\n password x\n}\n", RF_ERR_SYNTAX, "f:1:1: the name of a block user takes 1 to 63 letters" },
    { "user 201\n", RF_ERR_SYNTAX, "f:1:1: user is a block: user NAME {" },
    { "domain {\n}\n", RF_ERR_SYNTAX, "f:1:1: domain is a setting, not a block" },
    { "user 201 {\n password x\n}\nuser 201 {\n password y\n}\n", RF_ERR_EXISTS,
      "f:4:1: there are two blocks user 201; the first is at f:1" },
    { "user 201 {\n name x\n}\n", RF_ERR_NOT_FOUND, "f:1:1: user 201 has no password" },
    { "domain a\ndomain b\n", RF_ERR_EXISTS, "f:2:1: domain is set twice; the first is at f:1" },
    { "sip {\n ring-time 60s\n}\nsip {\n ring-time 60s\n}\n", RF_ERR_EXISTS, "f:5:2: ring-time is set twice" },
    { "domain\n", RF_ERR_SYNTAX, "f:1:1: domain needs a value" },
    { "domain a b\n", RF_ERR_SYNTAX, "f:1:8: domain takes one value" },
    { "domain a_b\n", RF_ERR_SYNTAX, "f:1:8: domain takes a host name" },
    { "domain -a.example\n", RF_ERR_SYNTAX, "f:1:8: domain takes a host name" },
    { "platform hostd\n", RF_ERR_RANGE, "f:1:10: platform cannot be hostd; did you mean hosted?" },
    { "platform cloud\n", RF_ERR_RANGE, "f:1:10: platform cannot be cloud; it takes pbx, hosted" },
    { "sip {\n require-tls yes\n}\n", RF_ERR_RANGE, "f:2:14: sip.require-tls cannot be yes; it takes on, off" },
    { "sip {\n ring-time 60\n}\n", RF_ERR_SYNTAX, "f:2:12: sip.ring-time takes a time such as 30s" },
    { "sip {\n ring-time 2s\n}\n", RF_ERR_RANGE, "f:2:12: sip.ring-time takes 5s to 1h, not 2s" },
    { "sip {\n ring-time 99999999999d\n}\n", RF_ERR_RANGE, "f:2:12: sip.ring-time takes 5s to 1h" },
    { "sip {\n ring-time -5s\n}\n", RF_ERR_SYNTAX, "f:2:12: sip.ring-time takes a time" },
    { "calls-max 0\n", RF_ERR_RANGE, "f:1:11: calls-max takes 1 to 1000000, not 0" },
    { "media {\n threads 65\n}\n", RF_ERR_RANGE, "f:2:10: media.threads takes 1 to 64, not 65" },
    { "media {\n threads many\n}\n", RF_ERR_SYNTAX, "f:2:10: media.threads takes a number or auto" },
    { "media {\n ports 40000-30000\n}\n", RF_ERR_RANGE, "f:2:8: media.ports takes a range" },
    { "media {\n ports 30001-30002\n}\n", RF_ERR_RANGE, "f:2:8: media.ports takes a range" },
    { "media {\n ports 80-90\n}\n", RF_ERR_RANGE, "f:2:8: media.ports takes a range" },
    { "media {\n ports 30000\n}\n", RF_ERR_SYNTAX, "f:2:8: media.ports takes a range" },
    { "media {\n crypto-suites AES_CM_128_HMAC_SHA1_8\n}\n", RF_ERR_RANGE,
      "f:2:16: media.crypto-suites cannot be AES_CM_128_HMAC_SHA1_8; did you mean AES_CM_128_HMAC_SHA1_80?" },
    { "media {\n crypto-suites AEAD_AES_128_GCM AEAD_AES_128_GCM\n}\n", RF_ERR_RANGE,
      "f:2:16: media.crypto-suites names AEAD_AES_128_GCM twice" },
    { "media {\n public-address example.com\n}\n", RF_ERR_SYNTAX, "f:2:17: media.public-address takes an IP address" },
    { "sip {\n dns-servers one.example\n}\n", RF_ERR_SYNTAX, "f:2:14: sip.dns-servers takes an IP address" },
    { "sip {\n dns-servers 192.0.2.53:0\n}\n", RF_ERR_SYNTAX, "f:2:14: sip.dns-servers takes an IP address" },
    { "sip {\n dns-servers 192.0.2.53 [2001:db8::53]:5353 2001:db8::54\n}\n", RF_OK, "" },
    { "sip {\n listen 0.0.0.0:5060\n}\n", RF_ERR_SYNTAX, "f:2:9: sip.listen takes udp:, tcp: or tls:" },
    { "sip {\n listen tls:::1:5061\n}\n", RF_ERR_SYNTAX, "f:2:9: sip.listen takes udp:" },
    { "sip {\n listen tls:0.0.0.0:70000\n}\n", RF_ERR_SYNTAX, "f:2:9: sip.listen takes udp:" },
    { "sip {\n certificate office\n}\n", RF_ERR_NOT_FOUND, "f:2:2: sip.certificate: there is no block certificate office" },
    { "user 201 {\n password x\n forward-busy 201\n}\n", RF_ERR_RANGE, "f:1:1: user 201: forward-busy leads to itself" },
    { "user 201 {\n password x\n forward-no-answer-time 0s\n}\n", RF_ERR_RANGE,
      "f:3:25: user.*.forward-no-answer-time takes 1s to 10m" },
    { "ring-group 9 {\n members 1\n strategy random\n}\n", RF_ERR_RANGE,
      "f:3:11: ring-group.*.strategy cannot be random; it takes all, in-order" },
    { "route x {\n match 9*\n}\n", RF_ERR_NOT_FOUND, "f:1:1: route x needs match and use" },
    { "user 201 {\n password x\n}\nroute x {\n match 9*\n to 201\n}\n", RF_OK, "" },
    { "sip-connection c {\n type ip\n allow 192.0.2.1\n server 192.0.2.1\n}\n"
      "route x {\n match 9*\n to 201\n use c\n}\n", RF_ERR_RANGE, "f:6:1: route x has both to and use" },
    /* interfaces */
    { "web {\n cipher-suite-level ancient\n}\n", RF_ERR_RANGE,
      "f:2:21: web.cipher-suite-level cannot be ancient; it takes old, intermediate, modern" }, /* IPC-8 */
    { "web {\n cipher-suite-level old@5.6\n}\n", RF_ERR_RANGE, "f:2:21: web.cipher-suite-level: there is no version 5.6" },
    { "node-link {\n received-certificate-checks high-remote\n}\n", RF_ERR_REFUSED,
      "f:2:30: level high-remote is not available on this kind of line; node-link.received-certificate-checks takes none, "
      "low, medium or high" }, /* AVA-24 */
    { "sip-trunks {\n received-certificate-checks highest\n}\n", RF_ERR_RANGE,
      "f:2:30: sip-trunks.received-certificate-checks cannot be highest; it takes none, low, medium, high, medium-remote, high-remote" },
    { "sip-trunks {\n listen https:0.0.0.0:5061\n}\n", RF_ERR_SYNTAX, "f:2:9: sip-trunks.listen takes udp:, tcp: or tls:" },
    { "web {\n listen tls:0.0.0.0:443\n}\n", RF_ERR_SYNTAX, "f:2:9: web.listen takes ADDRESS:PORT" },
    { "web {\n listen 0.0.0.0:443\n}\nmanagement {\n listen https:0.0.0.0:443\n}\n", RF_ERR_RANGE,
      "f:5:2: https:0.0.0.0:443 is listened on already" },
    { "sip {\n listen tls:0.0.0.0:5061\n}\nsip-trunks {\n listen tls:0.0.0.0:5061\n}\n", RF_OK, "" }, /* AVA-22 */
    { "sip-trunks {\n trusted-certificate-store certs\n}\n", RF_ERR_SYNTAX,
      "f:2:28: sip-trunks.trusted-certificate-store takes a path that begins with /" },
    { "sip-trunks {\n peer-addresses 192.0.2.0/33\n}\n", RF_ERR_SYNTAX, "f:2:17: sip-trunks.peer-addresses takes an IP" },
    { "certificate local {\n}\n", RF_ERR_RANGE, "f:1:1: local is the name of the certificate that our own authority" },
    { "certificate office {\n chain file:/x\n}\n", RF_ERR_NOT_FOUND, "f:1:1: certificate office needs both" },
    { "certificate office {\n chain /x\n key file:/x\n}\n", RF_ERR_SYNTAX, "f:2:8: certificate.*.chain takes file:PATH" },
    { "registrar {\n min-expires 2h\n}\n", RF_ERR_RANGE,
      "f:2:2: registrar.min-expires (2h) is above registrar.default-expires (1h)" },
    { "registrar {\n max-expires 10m\n}\n", RF_ERR_RANGE,
      "f:2:2: registrar.default-expires (1h) is above registrar.max-expires (10m)" },
    { "sip {\n min-se 45m\n}\n", RF_ERR_RANGE, "f:2:2: sip.min-se (45m) is above sip.session-expires (30m)" },
    { "user 201 {\n password secret:nobody\n}\n", RF_ERR_NOT_FOUND,
      "f:2:2: user.201.password: there is no secret nobody in the store" },
    { "user 201 {\n password secret:\n}\n", RF_ERR_SYNTAX, "f:2:11: user.*.password: there is nothing behind secret:" },
    { "user 201 {\n password (hidden)\n}\n", RF_ERR_RANGE, "f:2:11: user.*.password takes" },
    { "user 201 {\n password env:RF_TEST_NOT_SET\n}\n", RF_ERR_NOT_FOUND,
      "f:2:2: user.201.password: the variable RF_TEST_NOT_SET is not set" },
    { "user 201 {\n password file:/nonexistent\n}\n", RF_ERR_NOT_FOUND,
      "f:2:2: user.201.password: cannot read /nonexistent" },
    /* grammar */
    { "sip {\n", RF_ERR_SYNTAX, "f:1:1: the block sip is not closed" },
    { "}\n", RF_ERR_SYNTAX, "f:1:1: } closes nothing" },
    { "sip {\n} x\n", RF_ERR_SYNTAX, "f:2:3: } must stand alone on its line" },
    { "sip { ring-time 60s }\n", RF_ERR_SYNTAX, "f:1:5: a block begins with { at the end of a line" },
    { "{\n}\n", RF_ERR_SYNTAX, "f:1:1: a block needs a name in front of {" },
    { "domain \"a\n", RF_ERR_SYNTAX, "f:1:8: the quote is not closed on its line" },
    { "domain \"a\"b\n", RF_ERR_SYNTAX, "f:1:8: a space is missing behind the closing quote" },
    { "domain a\"b\n", RF_ERR_SYNTAX, "f:1:8: a quote in the middle of a word" },
    { "domain a\x01\n", RF_ERR_SYNTAX, "f:1:9: an octet that is no text (01)" },
    { "domain a\xff\n", RF_ERR_SYNTAX, "f:1:9: an octet that is no text (ff)" },
    { "domain \xed\xa0\x80\n", RF_ERR_SYNTAX, "f:1:8: an octet that is no text (ed)" },
    { "import x.conf\n", RF_ERR_REFUSED, "f:1:8: import is for files" },
    /* RF-801: platform hosted */
    { "platform hosted\nsip {\n srtp off\n}\n", RF_ERR_REFUSED,
      "f:3:2: sip.srtp is enforced on Hosted platforms and cannot be off" },
    { "platform hosted\nsip {\n listen tls:0.0.0.0:5061 udp:0.0.0.0:5060\n}\n", RF_ERR_REFUSED,
      "f:3:2: sip.listen is enforced on Hosted platforms and cannot be udp:0.0.0.0:5060" },
    { "platform hosted\nsip {\n cipher-suite-level old\n}\n", RF_ERR_REFUSED, "f:3:2: sip.cipher-suite-level is enforced" },
    { "platform hosted\nweb {\n cipher-suite-level old@5.7\n}\n", RF_ERR_REFUSED, "f:3:2: web.cipher-suite-level is enforced" },
    { "platform hosted\nprovisioning {\n client-certificate optional\n}\n", RF_ERR_REFUSED,
      "f:3:2: provisioning.client-certificate is enforced" },
    { "platform hosted\nprovisioning {\n listen http:0.0.0.0:80\n}\n", RF_ERR_REFUSED, "f:3:2: provisioning.listen is enforced" },
    { "platform hosted\nuser 201 {\n password x\n srtp optional\n}\n", RF_ERR_REFUSED,
      "f:4:2: user.201.srtp is enforced on Hosted platforms and cannot be optional" },
    { "platform hosted\nuser 201 {\n password x\n require-tls off\n}\n", RF_ERR_REFUSED, "f:4:2: user.201.require-tls" },
    { "platform hosted\nmedia {\n allow-null-auth on\n}\n", RF_ERR_REFUSED, "f:3:2: media.allow-null-auth" },
    { "platform hosted\nmedia {\n allow-unencrypted-srtp on\n}\n", RF_ERR_REFUSED,
      "f:3:2: media.allow-unencrypted-srtp" },
    { "platform hosted\nsip-connection c {\n type ip\n allow 192.0.2.1\n allow-unencrypted-srtp on\n}\n",
      RF_ERR_REFUSED, "f:5:2: sip-connection.c.allow-unencrypted-srtp" },
    { "platform hosted\nmedia {\n crypto-suites AES_CM_128_NULL_AUTH\n}\n", RF_ERR_REFUSED, "f:3:2: media.crypto-suites" },
    { "platform hosted\nsecurity {\n strict-keys off\n}\n", RF_ERR_REFUSED, "f:3:2: security.strict-keys" },
};

static void
refusals(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct rf_conf *c;
        char why[320];
        enum rf_err err = load_text(&c, "", refused[i].text, why, sizeof why);

        ok(err == refused[i].want && strncmp(why, refused[i].sentence, strlen(refused[i].sentence)) == 0, "%s", why);
        rf_conf_unref(err == RF_OK ? c : NULL);
    }
}

/* --- what is accepted, and what it means -------------------------------------------------------------- */

static const struct {
    const char *store, *file, *name, *want;
    enum rf_conf_layer layer;
} values[] = {
    { "", "", "sip.srtp", "off", RF_CONF_DEFAULT },
    { "", "", "sip.require-tls", "off", RF_CONF_DEFAULT },
    { "", "", "sip.listen", "udp:0.0.0.0:5060 tcp:0.0.0.0:5060 tls:0.0.0.0:5061", RF_CONF_DEFAULT },
    { "", "security-profile secure\n", "sip.srtp", "required", RF_CONF_DEFAULT },
    { "", "security-profile secure\n", "sip.listen", "tls:0.0.0.0:5061", RF_CONF_DEFAULT },
    { "security-profile secure\n", "", "sip.require-tls", "on", RF_CONF_DEFAULT },
    { "", "platform hosted\n", "sip.srtp", "required", RF_CONF_LOCK },
    { "", "platform hosted\n", "sip.require-tls", "on", RF_CONF_LOCK },
    { "", "platform hosted\nsip {\n srtp required\n}\n", "sip.srtp", "required", RF_CONF_LOCK },
    { "", "platform hosted\nsip {\n cipher-suite-level modern\n}\n", "sip.cipher-suite-level", "modern", RF_CONF_FILE },
    { "", "platform hosted\nsecurity-profile compatible\n", "security.strict-keys", "on", RF_CONF_LOCK },
    /* interfaces: whose default is whose */
    { "", "", "web.cipher-suite-level", "old", RF_CONF_DEFAULT }, /* IPC-8 */
    { "", "", "sip-trunks.cipher-suite-level", "intermediate", RF_CONF_DEFAULT }, /* TEL-14 */
    { "", "security-profile secure\n", "web.cipher-suite-level", "intermediate", RF_CONF_DEFAULT },
    { "", "web {\n cipher-suite-level modern\n}\n", "provisioning.cipher-suite-level", "modern", RF_CONF_FILE }, /* IPC-11 */
    { "", "", "sip-trunks.client-certificate", "off", RF_CONF_DEFAULT }, /* GEN-14 */
    { "", "security {\n tls-mutual 1\n}\n", "sip-trunks.client-certificate", "required", RF_CONF_FILE }, /* GEN-15 */
    { "", "security {\n tls-mutual 1\n}\nsip-trunks {\n client-certificate optional\n}\n", "sip-trunks.client-certificate",
      "optional", RF_CONF_FILE },
    { "", "security {\n received-certificate-checks-telephony-endpoints high\n}\n", "sip-trunks.received-certificate-checks",
      "high", RF_CONF_FILE }, /* AVA-21 */
    { "", "security {\n received-certificate-checks-telephony-endpoints high\n}\n", "management.received-certificate-checks",
      "medium", RF_CONF_DEFAULT },
    { "", "security {\n received-certificate-checks-management-interfaces none\n}\n", "node-link.received-certificate-checks",
      "medium", RF_CONF_DEFAULT }, /* AVA-23 */
    { "", "platform hosted\n", "provisioning.client-certificate", "required", RF_CONF_LOCK },
    { "sip {\n ring-time 20s\n}\n", "", "sip.ring-time", "20s", RF_CONF_STORE },
    { "sip {\n ring-time 20s\n}\n", "sip {\n ring-time 30s\n}\n", "sip.ring-time", "30s", RF_CONF_FILE },
    { "sip {\n ring-time 20s\n}\n", "sip {\n srtp off\n}\n", "sip.ring-time", "20s", RF_CONF_STORE },
    { "sip {\n listen tls:0.0.0.0:1\n}\n", "sip {\n listen udp:0.0.0.0:2 tls:[::1]:3\n}\n", "sip.listen",
      "udp:0.0.0.0:2 tls:[::1]:3", RF_CONF_FILE },
    { "user 201 {\n password x\n name Maya\n}\n", "user 201 {\n srtp required\n}\n", "user.201.name", "Maya",
      RF_CONF_STORE },
    { "user 201 {\n password x\n name Maya\n}\n", "user 201 {\n srtp required\n}\n", "user.201.srtp", "required",
      RF_CONF_FILE },
    { "", "user 201 {\n password x\n}\n", "user.201.srtp", "off", RF_CONF_DEFAULT },
    { "", "sip {\n srtp optional\n}\nuser 201 {\n password x\n}\n", "user.201.srtp", "optional", RF_CONF_FILE },
    { "", "security-profile secure\nuser 201 {\n password x\n srtp optional\n}\n", "user.201.srtp", "optional",
      RF_CONF_FILE },
    { "", "platform hosted\nuser 201 {\n password x\n}\n", "user.201.srtp", "required", RF_CONF_LOCK },
    { "", "user a.b {\n password x\n name dots\n}\n", "user.a.b.name", "dots", RF_CONF_FILE },
    { "", "user 201 {\n password x\n}\n", "user.201.password", "(hidden)", RF_CONF_FILE },
    { "", "user 201 {\n password secret:user-201\n}\n", "user.201.password", "secret:user-201", RF_CONF_FILE },
    { "", "\xef\xbb\xbf# a mark, then CR LF\r\ndomain\toffice.example # comment\r\n", "domain", "office.example",
      RF_CONF_FILE },
    { "", "domain office.example", "domain", "office.example", RF_CONF_FILE },
    { "", "domain 192.0.2.1\n", "domain", "192.0.2.1", RF_CONF_FILE },
    { "", "user 201 {\n password \"a # b { \\\" \\\\\"\n name \"Maya B.\"\n}\n", "user.201.name", "Maya B.",
      RF_CONF_FILE },
    { "", "user 201 {\n password x#y\n name #\n}\n", "user.201.name", NULL, RF_CONF_FILE },
    { "", "sip {\n srtp off\n}\nsip {\n require-tls off\n}\n", "sip.require-tls", "off", RF_CONF_FILE },
};

static void
meanings(void)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct rf_conf *c;
        char why[320];
        enum rf_err err = load_text(&c, values[i].store, values[i].file, why, sizeof why);

        if (values[i].want == NULL) {
            ok(err != RF_OK, "a comment leaves no value: %s", why);
            continue;
        }
        ok(err == RF_OK && strcmp(rf_conf_text(c, values[i].name), values[i].want) == 0 &&
               rf_conf_origin(c, values[i].name).layer == values[i].layer,
           "%s is %s%s", values[i].name, err == RF_OK ? rf_conf_text(c, values[i].name) : "", why);
        rf_conf_unref(err == RF_OK ? c : NULL);
    }
}

/* Most machines have one certificate: it needs no name, and no setting that says where it is shown. */
static void
unnamed_certificate(void)
{
    struct rf_conf *c;
    char why[320];

    ok(load_text(&c, "", "certificate {\n lets-encrypt on\n}\n", why, sizeof why) == RF_OK,
       "IPC-30 a certificate block without a name %s", why);
    ok(strcmp(rf_conf_label(c, "certificate", 0), RF_CONF_UNNAMED) == 0, "has one all the same");
    ok(strcmp(rf_conf_text(c, "web.certificate"), RF_CONF_UNNAMED) == 0 &&
           strcmp(rf_conf_text(c, "sip-trunks.certificate"), RF_CONF_UNNAMED) == 0,
       "and is shown where nothing else is said");
    rf_conf_unref(c);
    ok(load_text(&c, "", "web {\n certificate local\n}\ncertificate {\n lets-encrypt on\n}\n", why, sizeof why) ==
               RF_OK &&
           strcmp(rf_conf_text(c, "web.certificate"), "local") == 0,
       "not where something is %s", why);
    rf_conf_unref(c);
    ok(load_text(&c, "", "certificate pub {\n lets-encrypt on\n}\n", why, sizeof why) == RF_OK &&
           strcmp(rf_conf_text(c, "web.certificate"), "local") == 0,
       "one with a name is shown where it is named %s", why);
    rf_conf_unref(c);
    ok(load_text(&c, "", "certificate {\n lets-encrypt on\n}\ncertificate default {\n key-type rsa\n}\n", why,
                 sizeof why) == RF_ERR_EXISTS,
       "two of them are one too many");
}

static void
numbers_and_blocks(void)
{
    struct rf_conf *c;
    struct rf_secret secret;
    const struct rf_conf_block *b;
    char why[320];

    setenv("RF_TEST_PASSWORD", "from-env", 1);
    ok(load_text(&c, "user 203 {\n password z\n}\n",
                 "sip {\n ring-time 2m\n session-expires 0\n}\nmedia {\n threads auto\n}\n"
                 "user 201 {\n password secret:user-201\n}\nuser 202 {\n password \"with space\"\n}\n"
                 "user 204 {\n password env:RF_TEST_PASSWORD\n}\n",
                 why, sizeof why) == RF_OK,
       "four users in two layers %s", why);
    ok(rf_conf_number(c, "sip.ring-time") == 120, "2m are 120 s");
    ok(rf_conf_number(c, "sip.session-expires") == 0, "0 needs no unit");
    ok(rf_conf_number(c, "media.threads") == 0, "auto reads as 0");
    ok(rf_conf_number(c, "registrar.max-expires") == 3600, "a default is read the same way");
    ok(!rf_conf_is_on(c, "sip.require-tls"), "a flag");
    ok(strcmp(rf_conf_label(c, "user", 0), "203") == 0 && strcmp(rf_conf_label(c, "user", 3), "204") == 0 &&
           rf_conf_label(c, "user", 4) == NULL,
       "labels in their order, the store's first");
    ok(rf_conf_label(c, "certificate", 0) == NULL, "no block of a kind");
    ok(rf_conf_block(c, "user", RF_SPAN_LIT("20")) == NULL, "a part of a label is none");
    b = rf_conf_block(c, "user", RF_SPAN_LIT("201"));
    ok(b != NULL && strcmp(rf_conf_block_label(b), "201") == 0, "a block by its label");
    ok(rf_conf_block_secret(c, b, "password", &secret) == RF_OK && secret.n == 12 &&
           memcmp(secret.octet, "tidal-copper", 12) == 0,
       "a password of the store");
    ok(rf_conf_block_secret(c, rf_conf_block(c, "user", RF_SPAN_LIT("202")), "password", &secret) == RF_OK &&
           secret.n == 10 && memcmp(secret.octet, "with space", 10) == 0,
       "a literal password");
    ok(rf_conf_block_secret(c, rf_conf_block(c, "user", RF_SPAN_LIT("204")), "password", &secret) == RF_OK &&
           secret.n == 8 && memcmp(secret.octet, "from-env", 8) == 0,
       "a password of the environment");
    ok(rf_conf_knows(c, RF_SPAN_LIT("user.201.srtp")) && !rf_conf_knows(c, RF_SPAN_LIT("user.209.srtp")) &&
           !rf_conf_knows(c, RF_SPAN_LIT("user.201.colour")),
       "which names are known");
    ok(rf_conf_warning(c, 0) != NULL && strstr(rf_conf_warning(c, 0)->sentence, "user.203.password") != NULL &&
           rf_conf_warning(c, 1) != NULL && rf_conf_warning(c, 2) == NULL,
       "two literal passwords are two warnings");
    rf_conf_unref(rf_conf_ref(c));
    rf_conf_unref(c);
}

/* --- files -------------------------------------------------------------------------------------------- */

static enum rf_err
load_file(const char *path, char *why, size_t size, struct rf_conf **c)
{
    struct rf_conf_problem problem;
    struct rf_buf b = rf_buf(why, size - 1);
    enum rf_err err = rf_conf_load(c, rf_span(NULL, 0), path, &problem);

    if (err)
        rf_conf_put_problem(&b, &problem);
    why[b.n] = '\0';
    return err;
}

/* A file as a failing disk gives it: pieces in order; 0 is the end, below 0 an errno. */
static const int *pieces;

static ssize_t
take_piece(int fd, void *p, size_t n)
{
    int piece = *pieces++;

    if (piece < 0) {
        errno = -piece;
        return -1;
    }
    rf_assert((size_t)piece <= n);
    memset(p, 'x', (size_t)piece);
    return piece;
}

static void
failing_files(void)
{
    static const struct {
        int piece[6];
        const char *says, *why;
    } cases[] = {
        { { 100, 0 }, NULL, "a file in one piece" },
        { { 1, 98, 1, 0 }, NULL, "in three" },
        { { 60, -EINTR, 40, 0 }, NULL, "a signal in the middle" },
        { { 60, -EIO }, "Input/output error", "the disk fails in the middle: not the end of the file" },
        { { -EIO }, "Input/output error", "it fails at once" },
        { { 99, -ESTALE }, "Stale file handle", "a server of files is gone before the last octet" },
        { { 60, 0 }, "shorter", "somebody cuts it off meanwhile" },
        { { 0 }, "shorter", "and empties it" },
        { { 60, 40, 1 }, "longer", "somebody writes on" },
    };
    char out[100], why[400];
    struct rf_conf *c = NULL;
    enum rf_err err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got;

        pieces = cases[i].piece;
        got = rf_conf_take_octets(take_piece, -1, out, sizeof out);
        ok(cases[i].says == NULL ? got == NULL : got != NULL && strstr(got, cases[i].says) != NULL, "%s: %s", cases[i].why,
           got != NULL ? got : "read");
    }
    err = load_file(dir, why, sizeof why, &c);
    ok(err == RF_ERR_IO && strstr(why, "is no file") != NULL, "a folder: %s", why);
    /* Memory at 0 is nobody's: a file that opens, and whose read fails. */
    ok(rf_conf_take_octets(read, open("/proc/self/mem", O_RDONLY | O_CLOEXEC), out, sizeof out) != NULL,
       "a file that the system cannot read");
}

static void
files(void)
{
    char main_path[256], text[512], why[400], want[320];
    struct rf_conf *c = NULL;
    enum rf_err err;

    snprintf(text, sizeof text, "%s/d", dir);
    mkdir(text, 0700);
    file("d/b.conf", "user 202 {\n password x\n}\n", 0600);
    file("d/a.conf", "user 201 {\n password x\n}\n", 0600);
    file("d/.hidden.conf", "nonsense\n", 0600);
    file("d/c.txt", "nonsense\n", 0600);
    file("sip.conf", "srtp optional\n", 0600);
    snprintf(main_path, sizeof main_path, "%s",
             file("main.conf", "import d/*.conf\nimport nothing/*.conf\nsip {\n import sip.conf\n}\n", 0600));
    err = load_file(main_path, why, sizeof why, &c);
    ok(err == RF_OK && strcmp(rf_conf_label(c, "user", 0), "201") == 0 &&
           strcmp(rf_conf_label(c, "user", 1), "202") == 0 && strcmp(rf_conf_text(c, "sip.srtp"), "optional") == 0,
       "imports: a folder in order of names, and inside a block %s", why);
    snprintf(want, sizeof want, "%s/sip.conf", dir);
    ok(err == RF_OK && strcmp(rf_conf_origin(c, "sip.srtp").file, want) == 0, "an origin names the imported file");
    rf_conf_unref(c);

    file("sip.conf", "\nsrtp maybe\n", 0600);
    err = load_file(main_path, why, sizeof why, &c);
    snprintf(want, sizeof want, "%s/sip.conf:2:6: sip.srtp cannot be maybe", dir);
    ok(err == RF_ERR_RANGE && strncmp(why, want, strlen(want)) == 0, "a problem names the imported file: %s", why);
    file("sip.conf", "}\nsip {\n", 0600);
    err = load_file(main_path, why, sizeof why, &c);
    ok(err == RF_ERR_SYNTAX && strstr(why, "} closes nothing") != NULL, "an import cannot close its importer's block: %s",
       why);
    file("sip.conf", "import sip.conf\n", 0600);
    err = load_file(main_path, why, sizeof why, &c);
    ok(err == RF_ERR_RANGE && strstr(why, "import itself") != NULL, "a file that imports itself: %s", why);
    file("sip.conf", "import ../missing.conf\n", 0600);
    err = load_file(main_path, why, sizeof why, &c);
    ok(err == RF_ERR_NOT_FOUND && strstr(why, "missing.conf") != NULL, "an import that is not there: %s", why);
    err = load_file("/nonexistent/ringfence.conf", why, sizeof why, &c);
    ok(err == RF_ERR_NOT_FOUND, "no file: %s", why);
    err = load_file("/dev/zero", why, sizeof why, &c);
    ok(err == RF_ERR_IO, "a device is no file: %s", why);

    file("key.pem", "key\n", 0644);
    file("chain.pem", "chain\n", 0644);
    snprintf(text, sizeof text, "certificate office {\n chain file:%s/chain.pem\n key file:%s/key.pem\n}\n"
             "sip {\n certificate office\n}\n", dir, dir);
    snprintf(main_path, sizeof main_path, "%s", file("cert.conf", text, 0600));
    err = load_file(main_path, why, sizeof why, &c);
    ok(err == RF_ERR_REFUSED && strstr(why, "holds a private key and others may read it (mode 0644)") != NULL,
       "RF-809 a key that others may read: %s", why);
    file("key.pem", "key\n", 0600);
    err = load_file(main_path, why, sizeof why, &c);
    ok(err == RF_OK && strcmp(rf_conf_text(c, "sip.certificate"), "office") == 0, "a key of our own %s", why);
    rf_conf_unref(err == RF_OK ? c : NULL);

    file("password", "tidal copper\r\nsecond line\n", 0644);
    snprintf(text, sizeof text, "user 201 {\n password file:%s/password\n}\n", dir);
    err = load_text(&c, "", text, why, sizeof why);
    ok(err == RF_ERR_REFUSED && strstr(why, "chmod 600") != NULL, "a password file that others may read: %s", why);
    file("password", "tidal copper\r\nsecond line\n", 0600);
    err = load_text(&c, "", text, why, sizeof why);
    {
        struct rf_secret secret = { .n = 0 };
        bool passed = err == RF_OK && rf_conf_block_secret(c, rf_conf_block_at(c, "user", 0), "password", &secret) == RF_OK;

        ok(passed && secret.n == 12 && memcmp(secret.octet, "tidal copper", 12) == 0, "its first line is the password %s",
           why);
    }
    rf_conf_unref(err == RF_OK ? c : NULL);
    file("password", "\n", 0600);
    err = load_text(&c, "", text, why, sizeof why);
    ok(err == RF_ERR_RANGE, "an empty password file: %s", why);
}

/* Five whole configurations: their blocks exist in part, and the first unknown one is named. */
static void
examples(void)
{
    static const struct {
        const char *name, *sentence; /* NULL: loads */
    } cases[] = {
        { "office-pbx", "unknown block manufacturer" },
        { "hosted", "sip.listen takes udp:, tcp: or tls:" },
        { "carrier", NULL },
        { "pool", "unknown block node" },
        { "webrtc", "sip.listen takes udp:, tcp: or tls:" },
        { "office-now", NULL },
        { "hosted-now", NULL },
        { "quotes", NULL },
        { "deep", "blocks stand more than 8 deep" },
    };
    const char *corpus = getenv("RF_CORPUS");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_conf *c = NULL;
        char path[512], why[600];
        enum rf_err err;

        snprintf(path, sizeof path, "%s/conf/%s.conf", corpus != NULL ? corpus : "tests/corpus", cases[i].name);
        err = load_file(path, why, sizeof why, &c);
        ok(cases[i].sentence == NULL ? err == RF_OK : err != RF_OK && strstr(why, cases[i].sentence) != NULL,
           "example %s: %s", cases[i].name, err ? strrchr(why, '/') + 1 : "loads");
        rf_conf_unref(err == RF_OK ? c : NULL);
    }
}

/* --- edits -------------------------------------------------------------------------------------------- */

static const struct {
    const char *text, *name, *value; /* value NULL: removed */
    enum rf_err want;
    const char *result; /* or the problem's beginning */
} edits[] = {
    { "", "sip.ring-time", "60s", RF_OK, "sip {\n    ring-time 60s\n}\n" },
    { "sip {\n ring-time 10s # short\n}\n", "sip.ring-time", "60s", RF_OK, "sip {\n    ring-time 60s\n}\n" },
    { "sip {\n srtp off\n}\nsip {\n ring-time 10s\n}\n", "sip.ring-time", "60s", RF_OK,
      "sip {\n    srtp off\n    ring-time 60s\n}\nsip {\n}\n" },
    { "domain a\n", "domain", "b", RF_OK, "domain b\n" },
    { "", "user.204.password", "a \"b\"", RF_OK, "user 204 {\n    password \"a \\\"b\\\"\"\n}\n" },
    { "user 201 {\n name x\n}\n", "user.204.name", "Maya B.", RF_OK,
      "user 201 {\n    name x\n}\nuser 204 {\n    name \"Maya B.\"\n}\n" },
    { "", "sip.listen", "tls:[::]:5061  udp:0.0.0.0:5060", RF_OK,
      "sip {\n    listen tls:[::]:5061 udp:0.0.0.0:5060\n}\n" },
    { "sip {\n srtp off\n ring-time 10s\n}\n", "sip.srtp", NULL, RF_OK, "sip {\n    ring-time 10s\n}\n" },
    { "", "sip.srtp", NULL, RF_ERR_NOT_FOUND, "sip.srtp is not set" },
    { "", "sip.strp", "off", RF_ERR_NOT_FOUND, "unknown setting sip.strp; did you mean srtp?" },
    { "", "user", "x", RF_ERR_NOT_FOUND, "user is a block, not a setting: name one of its settings, user.NAME.SETTING" },
    { "", "sip", "x", RF_ERR_NOT_FOUND, "sip is a block, not a setting: name one of its settings, sip.SETTING" },
    { "", "user.201.pasword", "x", RF_ERR_NOT_FOUND, "unknown setting user.201.pasword; did you mean password?" },
    { "", "user.201.name", "two\nlines", RF_ERR_SYNTAX, "user.201.name must be one line" },
    { "", "user.2\n}\ndomain evil\nuser x.name", "y", RF_ERR_SYNTAX, "a name must be one line" },
    { "sip {\n", "sip.srtp", "off", RF_ERR_SYNTAX, "the block sip is not closed" },
};

static void
editing(void)
{
    char mem[4096], small[16];
    struct rf_conf_problem problem;
    struct rf_buf b;

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        enum rf_err err;
        const char *got;

        b = rf_buf(mem, sizeof mem - 1);
        err = rf_conf_edit(rf_span_str(edits[i].text), rf_span_str(edits[i].name), rf_span_str(edits[i].value), &b,
                           &problem);
        mem[b.n] = '\0';
        got = err ? problem.sentence : mem;
        ok(err == edits[i].want && (err ? strncmp(got, edits[i].result, strlen(edits[i].result)) == 0
                                        : strcmp(got, edits[i].result) == 0),
           "edit %zu: %s", i, edits[i].want == RF_OK ? edits[i].name : problem.sentence);
    }
    b = rf_buf(small, sizeof small);
    ok(rf_conf_edit(RF_SPAN_LIT(""), RF_SPAN_LIT("domain"), RF_SPAN_LIT("office.example"), &b, &problem) ==
           RF_ERR_NOMEM,
       "a text that does not fit");

    b = rf_buf(mem, sizeof mem - 1);
    ok(rf_conf_remove(RF_SPAN_LIT("user 201 {\n}\nuser 202 {\n}\n"), RF_SPAN_LIT("user.201"), &b, &problem) == RF_OK &&
           rf_span_is(rf_buf_span(&b), "user 202 {\n}\n"),
       "a user is removed");
    b = rf_buf(mem, sizeof mem - 1);
    ok(rf_conf_remove(RF_SPAN_LIT("user 201 {\n}\n"), RF_SPAN_LIT("user"), &b, &problem) == RF_ERR_NOT_FOUND &&
           rf_conf_remove(RF_SPAN_LIT("user 201 {\n}\n"), RF_SPAN_LIT("user."), &b, &problem) == RF_ERR_NOT_FOUND,
       "`user` alone does not remove all users");
    b = rf_buf(mem, sizeof mem - 1);
    ok(rf_conf_hide(RF_SPAN_LIT("user 201 {\n password x\n}\nuser 202 {\n password secret:y\n}\n"), &b, &problem) ==
               RF_OK &&
           rf_span_is(rf_buf_span(&b), "user 201 {\n    password (hidden)\n}\nuser 202 {\n    password secret:y\n}\n"),
       "an export shows no password");
}

/* --- differences, texts, size -------------------------------------------------------------------------- */

static void
note_change(void *ctx, const char *name, const char *was, const char *is, bool needs_restart)
{
    char *text = ctx;
    size_t n = strlen(text);

    snprintf(text + n, 1000 - n, "%s:%s>%s%s ", name, was, is, needs_restart ? "!" : "");
}

static void
differences(void)
{
    struct rf_conf *a, *b;
    char why[320], text[1000] = "";

    if (load_text(&a, "", "user 201 {\n password x\n}\nuser 202 {\n password x\n}\n", why, sizeof why) != RF_OK ||
        load_text(&b, "", "media {\n threads 2\n}\nsip {\n ring-time 60s\n}\n"
                  "user 202 {\n password y\n srtp required\n}\nuser 203 {\n password x\n}\n",
                  why, sizeof why) != RF_OK)
        abort();
    rf_conf_diff(a, b, note_change, text);
    ok(strcmp(text, "user.201:>removed user.203:>added sip.ring-time:180s>60s media.threads:auto>2! "
                    "user.202.password:(hidden)>(hidden) user.202.srtp:off>required ") == 0,
       "what a reload changes: %s", text);
    text[0] = '\0';
    rf_conf_diff(a, a, note_change, text);
    ok(text[0] == '\0', "nothing differs from itself");
    rf_conf_unref(a);
    rf_conf_unref(b);
}

static void
texts(void)
{
    static char mem[200000];
    struct rf_buf b = rf_buf(mem, sizeof mem - 1);
    struct rf_conf *c;
    char why[320];

    ok(rf_conf_explain(&b, RF_SPAN_LIT("user.201.srtp"), NULL) == RF_OK &&
           rf_span_starts(rf_buf_span(&b), "user.*.srtp\n  As sip.srtp, for this user alone.\n"),
       "explain by a name with its label");
    b.n = 0;
    ok(rf_conf_explain(&b, RF_SPAN_LIT("ring-time"), NULL) == RF_OK && rf_span_starts(rf_buf_span(&b), "sip.ring-time\n"),
       "explain by the last word");
    b.n = 0;
    ok(rf_conf_explain(&b, RF_SPAN_LIT("srtp"), NULL) == RF_ERR_NOT_FOUND &&
           rf_span_starts(rf_buf_span(&b), "unknown setting srtp; did you mean sip.srtp or user.*.srtp or "),
       "explain a word of two blocks");
    b.n = 0;
    ok(rf_conf_explain(&b, RF_SPAN_LIT("sip.cipher-level"), NULL) == RF_ERR_NOT_FOUND &&
           rf_span_is(rf_buf_span(&b), "unknown setting sip.cipher-level; did you mean sip.cipher-suite-level?\n"),
       "explain a word that is nearly one");
    for (int secure = 0; secure < 2; secure++) {
        b.n = 0;
        rf_conf_put_defaults(&b, secure);
        mem[b.n] = '\0';
        ok(rf_buf_done(&b) == RF_OK && load_text(&c, "", mem, why, sizeof why) == RF_OK, "config default loads %s", why);
        ok(strcmp(rf_conf_text(c, "sip.srtp"), secure ? "required" : "off") == 0, "with its profile");
        rf_conf_unref(c);
    }
    b.n = 0;
    rf_conf_put_reference(&b);
    ok(rf_buf_done(&b) == RF_OK && rf_span_find_str(rf_buf_span(&b), RF_SPAN_LIT("### `cipher-suite-level`")) < b.n,
       "the reference is made from the table");
}

/* Every row's defaults are values of it, and each has help. */
static void
the_table(void)
{
    int bad = 0;

    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const struct rf_option *o = rf_option_at(i);
        const char *defaults[2] = { o->compatible, o->secure };

        bad += strlen(o->help) < 20;
        for (int d = 0; d < 2; d++) {
            struct rf_span left = rf_span_str(defaults[d]), word[64];
            char why[200];
            size_t n = 0;

            if (left.n == 0)
                continue; /* none: must be said, or is optional */
            if (left.p[0] == '@') {
                struct rf_span name = rf_span_sub(left, 1, rf_span_find(left, '?') - 1);

                size_t dot = rf_span_find(name, '.');

                /* What is no setting asks for a block: only such a default has two values. */
                bad += rf_option_find(name) == NULL &&
                       (name.n + 1 == left.n || rf_option_place(rf_span(NULL, 0), rf_span_sub(name, 0, dot)) !=
                                                    RF_PLACE_LABELLED_BLOCK);
                if (name.n + 1 == left.n)
                    continue;
                /* "@a?b" with "c" behind its end: two values of this setting */
                for (int k = 0; k < 2; k++) {
                    word[0] = k == 0 ? rf_span_sub(left, name.n + 2, left.n) : rf_span_str(left.p + left.n + 1);
                    bad += rf_option_check(o, word, 1, why, sizeof why) != RF_OK;
                }
                continue;
            }
            while (left.n > 0) {
                size_t space = rf_span_find(left, ' ');

                word[n++] = rf_span_sub(left, 0, space);
                left = rf_span_sub(left, space + 1, left.n);
            }
            if (rf_option_check(o, word, n, why, sizeof why) != RF_OK) {
                diag("%s", why);
                bad++;
            }
        }
    }
    ok(bad == 0, "every default of the table is a value of its setting");
}

static void
many_users(void)
{
    size_t cap = 16 << 20;
    char *text = malloc(cap), why[320];
    struct rf_buf b = rf_buf(text, cap - 1);
    struct rf_conf *c = NULL;
    struct timespec t0, t1;
    enum rf_err err;

    for (int i = 0; i < 100000; i++)
        rf_putf(&b, "user %d {\n    name \"Phone %d\"\n    password secret:user-201\n}\n", 100000 + i, i);
    text[b.n] = '\0';
    clock_gettime(CLOCK_MONOTONIC, &t0);
    err = load_text(&c, "", text, why, sizeof why);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    ok(err == RF_OK && rf_conf_label(c, "user", 99999) != NULL, "100,000 users load %s", why);
    diag("in %.2f s", (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9);
    rf_conf_unref(err == RF_OK ? c : NULL);
    free(text);
}

/* The row of that name, by looking at all of them. */
static const struct rf_option *
row_named(struct rf_span pattern)
{
    for (size_t i = 0; rf_option_at(i) != NULL; i++)
        if (rf_span_eq(pattern, rf_span_str(rf_option_at(i)->name)))
            return rf_option_at(i);
    return NULL;
}

/* Each name, all that it begins with, and what is a little more or other than it. */
static void
finding(void)
{
    unsigned looked = 0, bad = 0;

    for (size_t i = 0; rf_option_at(i) != NULL; i++) {
        const char *name = rf_option_at(i)->name;
        size_t n = strlen(name);
        char text[128];

        bad += rf_option_find(rf_span_str(name)) != rf_option_at(i);
        for (size_t k = 0; k <= n; k++) {
            /* The name from its front, from its end, with another octet, and with one more behind. */
            memcpy(text, name, n + 1);
            bad += rf_option_find(rf_span(text, k)) != row_named(rf_span(text, k));
            bad += rf_option_find(rf_span(text + k, n - k)) != row_named(rf_span(text + k, n - k));
            for (const char *c = "\x01*.-az\xff"; *c != '\0'; c++) {
                text[k] = *c;
                bad += rf_option_find(rf_span(text, n)) != row_named(rf_span(text, n));
                bad += rf_option_find(rf_span(text, k + 1)) != row_named(rf_span(text, k + 1));
            }
            looked += 16;
        }
        memcpy(text, name, n + 1);
        memcpy(text + n + 1, name, n < 60 ? n : 60);
        bad += rf_option_find(rf_span(text, n + 1)) != NULL;                    /* NUL, and no more */
        bad += rf_option_find(rf_span(text, n + 1 + (n < 60 ? n : 60))) != NULL; /* NUL, and the name again */
    }
    ok(bad == 0 && looked > 10000, "a row is found by its name and nothing else: %u of %u", bad, looked);
    ok(rf_option_find(rf_span(NULL, 0)) == NULL && rf_option_find(rf_span("\0\0", 2)) == NULL, "nothing has no name");
}

int
main(void)
{
    snprintf(dir, sizeof dir, "/tmp/rf-conf-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    the_table();
    finding();
    refusals();
    meanings();
    numbers_and_blocks();
    unnamed_certificate();
    failing_files();
    files();
    examples();
    editing();
    differences();
    texts();
    many_users();
    return tap_done();
}
