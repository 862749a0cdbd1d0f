/*
 * tests/play/runner.c - performs the plays of tests/call and tests/event (files *.t) on the stage
 *
 * A play is lines of words (script.h). What can stand in a line are the tables `verbs` and `phone_verbs` and the comment
 * above each function that they name; README.md begins with an example. Each play ends with an elapse of 70 s after
 * which nothing may be left, unless it says `stays`.
 */
#include <dirent.h>

#include "base/codec.h"
#include "base/tally.h"
#include "play/script.h"
#include "play/stage.h"
#include "tap.h"

struct play {
    struct stage *s;
    struct script script;
    char **words; /* of the line that is performed; NULL after the last one */
    int n;
    bool stays, failed;
    char sdp[4096], extra[65536];
};

__attribute__((format(printf, 2, 3))) static void
fails(struct play *p, const char *format, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    diag("%s: %s", script_where(&p->script), text);
    p->failed = true;
}

/* --- words --- */

/* "key=value" among the words from `from` on; NULL: not there. */
static const char *
option(struct play *p, int from, const char *key)
{
    size_t n = strlen(key);

    for (int i = from; i < p->n; i++)
        if (strncmp(p->words[i], key, n) == 0 && p->words[i][n] == '=')
            return p->words[i] + n + 1;
    return NULL;
}

static bool
flag(struct play *p, int from, const char *word)
{
    for (int i = from; i < p->n; i++)
        if (strcmp(p->words[i], word) == 0)
            return true;
    return false;
}

static uint64_t
duration(const char *text)
{
    char *unit;
    double v = strtod(text, &unit);

    return (uint64_t)(v * (strcmp(unit, "ms") == 0 ? 1000 : strcmp(unit, "us") == 0 ? 1 : 1e6));
}

/* --- descriptions --- */

/* The first a=crypto line of what came in: "tag" and suite. */
static void
crypto_of(const struct phone *p, char *tag, char *suite)
{
    const char *at = p->sdp_in != NULL ? strstr(p->sdp_in, "a=crypto:") : NULL;

    strcpy(tag, "1");
    strcpy(suite, "AES_CM_128_HMAC_SHA1_80");
    if (at != NULL)
        (void)!sscanf(at, "a=crypto:%15s %63s", tag, suite);
}

/*
 * sdp: avp | savp | avp+crypto | savp-plain, with  dir=sendonly  port=N  addr=A  key=N  tag=N  suite=NAME  ver=N  twice
 * "codecs=0 8"  "attr=x-room:17"  line=k=prompt (behind m=)  badkey  mki  lifetime
 * "params=UNENCRYPTED_SRTP". In a response tag and suite are those of the offer.
 */
static const char *
describe(struct play *p, struct phone *ph, int from, bool answers)
{
    struct rf_buf b = rf_buf(p->sdp, sizeof p->sdp - 1);
    char tag[16], suite[64], addr[64];
    const char *profile = NULL, *v;
    bool crypto = false;
    uint8_t key[46];
    struct rf_addr host;
    struct rf_buf a = rf_buf(addr, sizeof addr - 1);
    const struct rf_srtp_suite *row;

    for (int i = from; i < p->n; i++) {
        if (strcmp(p->words[i], "avp") == 0)
            profile = "RTP/AVP";
        else if (strcmp(p->words[i], "savp-plain") == 0)
            profile = "RTP/SAVP";
        else if (strcmp(p->words[i], "savp") == 0)
            profile = "RTP/SAVP", crypto = true;
        else if (strcmp(p->words[i], "avp+crypto") == 0)
            profile = "RTP/AVP", crypto = true;
        else if (strcmp(p->words[i], "garbage") == 0)
            return "this is no session description\r\n";
    }
    if (profile == NULL)
        return NULL;
    host = ph->addr;
    rf_put_host(&a, &host, false);
    addr[a.n] = '\0';
    if ((v = option(p, from, "addr")) != NULL)
        snprintf(addr, sizeof addr, "%s", v);
    if ((v = option(p, from, "port")) != NULL)
        ph->port = atoi(v);
    if ((v = option(p, from, "key")) != NULL)
        ph->key = atoi(v);
    if ((v = option(p, from, "ver")) != NULL)
        ph->version = atoi(v);
    rf_putf(&b, "v=0\r\no=%s 7 %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d %s ", ph->user, ph->version,
            strchr(addr, ':') != NULL ? "IP6" : "IP4", addr, strchr(addr, ':') != NULL ? "IP6" : "IP4", addr, ph->port,
            profile);
    v = option(p, from, "codecs");
    rf_putf(&b, "%s\r\n", v != NULL ? v : "0 101");
    if ((v = option(p, from, "line")) != NULL)
        rf_putf(&b, "%s\r\n", v);
    rf_put_str(&b, "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n");
    if ((v = option(p, from, "dir")) != NULL)
        rf_putf(&b, "a=%s\r\n", v);
    if ((v = option(p, from, "attr")) != NULL)
        rf_putf(&b, "a=%s\r\n", v);
    if (!crypto)
        goto done;
    if (answers)
        crypto_of(ph, tag, suite);
    else
        strcpy(tag, "1"), strcpy(suite, "AES_CM_128_HMAC_SHA1_80");
    if ((v = option(p, from, "tag")) != NULL)
        snprintf(tag, sizeof tag, "%s", v);
    if ((v = option(p, from, "suite")) != NULL)
        snprintf(suite, sizeof suite, "%s", v);
    row = rf_srtp_suite_named(rf_span_str(suite));
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(ph->key * 7 + (int)i);
    rf_putf(&b, "a=crypto:%s %s inline:", tag, suite);
    rf_put_base64(&b, key, row == NULL ? 30 : (size_t)row->key_octets + row->salt_octets - flag(p, from, "badkey"));
    if (flag(p, from, "lifetime"))
        rf_put_str(&b, "|2^31");
    if (flag(p, from, "mki"))
        rf_put_str(&b, "|1:1");
    if ((v = option(p, from, "params")) != NULL)
        rf_putf(&b, " %s", v);
    rf_put_str(&b, "\r\n");
    if (flag(p, from, "twice")) {
        rf_putf(&b, "a=crypto:%d %s inline:", atoi(tag) + 1, suite);
        rf_put_base64(&b, key + 1, 30);
        rf_put_str(&b, "\r\n");
    }
done:
    p->sdp[b.n] = '\0';
    return p->sdp;
}

/* The dialog of a phone as Replaces names it towards us; escaped: within a URI (RFC 3891 6.1). */
static void
put_dialog_of(struct play *p, struct rf_buf *b, const char *name, bool escaped)
{
    struct phone *ph = phone_named(p->s, name[0] == '^' || name[0] == '+' ? name + 1 : name);
    static struct rf_sip_msg msg;
    struct rf_sip_problem problem;

    if (ph == NULL)
        fails(p, "there is no phone %s", name);
    else if (name[0] == '+' && (ph->invite_in == NULL ||
                                rf_sip_msg_parse(&msg, rf_span_str(ph->invite_in), &problem) != RF_OK))
        fails(p, "%s has no INVITE", name + 1);
    else if (name[0] == '+')
        rf_put(b, rf_sip_value(&msg, RF_HDR_SESSION_ID));
    else if (name[0] == '^')
        rf_put_str(b, ph->lamp);
    else
        rf_putf(b, escaped ? "%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s" : "%s;to-tag=%s;from-tag=%s", ph->call_id,
                ph->their_tag, ph->our_tag);
}

/* Words with a colon and a blank behind it are header lines. In them {b} is the dialog of phone b as Replaces names it,
 * {%b} the same within a URI, {^b} the dialog that b's lamp told it last, {+b} the Session-ID of the last INVITE to b,
 * {b.cseq} the number of its last request and {x*60000} so many x. */
static const char *
extra_of(struct play *p, int from)
{
    struct rf_buf b = rf_buf(p->extra, sizeof p->extra - 1);
    char name[32];
    int octets;

    for (int i = from; i < p->n; i++) {
        if (strstr(p->words[i], ": ") == NULL || strncmp(p->words[i], "body=", 5) == 0)
            continue;
        for (const char *w = p->words[i]; *w != '\0';) {
            if (*w != '{' || sscanf(w, "{%31[^}]}", name) != 1) {
                rf_put_char(&b, *w++);
                continue;
            }
            w = strchr(w, '}') + 1;
            if (sscanf(name, "x*%d", &octets) == 1)
                while (octets-- > 0)
                    rf_put_char(&b, 'x');
            else if (strstr(name, ".cseq") != NULL) {
                *strstr(name, ".cseq") = '\0';
                rf_putf(&b, "%u", (unsigned)phone_named(p->s, name)->cseq);
            } else
                put_dialog_of(p, &b, name[0] == '%' ? name + 1 : name, name[0] == '%');
        }
        rf_put_str(&b, "\r\n");
    }
    p->extra[b.n] = '\0';
    return p->extra;
}

/* --- verbs --- */

/* [body="line|line"] [fill=N]: a text, or so many octets; NULL: neither. */
static const char *
body_of(struct play *p, int from)
{
    static char body[40000];
    const char *text = option(p, from, "body"), *fill = option(p, from, "fill");
    struct rf_buf b = rf_buf(body, sizeof body - 1);

    for (const char *c = text; c != NULL && *c != '\0'; c++)
        rf_put_str(&b, *c == '|' ? "\r\n" : (char[]){ *c, '\0' });
    if (text != NULL && strchr(text, '|') != NULL)
        rf_put_str(&b, "\r\n");
    for (int i = 0; fill != NULL && i < atoi(fill); i++)
        rf_put_char(&b, 'x');
    body[b.n] = '\0';
    return text != NULL || fill != NULL ? body : NULL;
}

/* a asks METHOD USER: a request outside of a dialog
 * a sends INVITE 202 avp|savp... ["Header: x"] / reINVITE / ACK / CANCEL / BYE / INFO ["body"] / MESSAGE [type=] [body=] [fill=] / OPTIONS / METHOD [avp|savp...] [rack]
 * b sends 180|183|200 ... [tag=x] [to [NOTIFY]]: answers the last INVITE, or the last request of another method */
static void
sends(struct play *p, struct phone *ph)
{
    const char *what = p->words[2];
    int status = atoi(what);

    if (status > 0) {
        const char *sdp = describe(p, ph, 3, true);
        const char *request = !flag(p, 3, "to")     ? ph->invite_in
                              : flag(p, 3, "NOTIFY") ? ph->notify_in
                                                     : ph->request;

        phone_answer_to(p->s, ph, request, status, option(p, 3, "totag"), sdp, extra_of(p, 3));
        return;
    }
    if (strcmp(what, "INVITE") == 0)
        phone_invite(p->s, ph, p->words[3], describe(p, ph, 4, false), extra_of(p, 4));
    else if (strcmp(what, "reINVITE") == 0)
        phone_reinvite(p->s, ph, describe(p, ph, 3, false), extra_of(p, 3));
    else if (strcmp(what, "ACK") == 0)
        phone_ack(p->s, ph, describe(p, ph, 3, true));
    else if (strcmp(what, "CANCEL") == 0)
        phone_cancel(p->s, ph);
    else if (strcmp(what, "INFO") == 0)
        phone_indialog(p->s, ph, "INFO", extra_of(p, 3), "application/dtmf-relay",
                       p->n > 3 && strchr(p->words[3], '=') ? p->words[3] : NULL);
    else if (strcmp(what, "MESSAGE") == 0) {
        const char *type = option(p, 3, "type");

        phone_indialog(p->s, ph, what, extra_of(p, 3), type != NULL ? type : "text/plain", body_of(p, 3));
    } else {
        uint32_t cseq = ph->cseq;

        if (option(p, 3, "cseq") != NULL)
            ph->cseq = (uint32_t)atoi(option(p, 3, "cseq")) - 1;
        extra_of(p, 3);
        if (flag(p, 3, "rack")) /* of the last reliable response */
            snprintf(p->extra + strlen(p->extra), 64, "RAck: %s\r\n", ph->rack);
        phone_indialog(p->s, ph, what, p->extra, "application/sdp", describe(p, ph, 3, what[0] == 'P'));
        if (ph->cseq < cseq)
            ph->cseq = cseq;
    }
}

/* a requests METHOD USER ["Header: x"] [type=text/plain] [body="line|line"] [fill=N]: outside of a dialog, signing in;
 * fill: a body of so many octets */
static void
requests(struct play *p, struct phone *ph)
{
    const char *type = option(p, 4, "type");

    phone_requests(p->s, ph, p->words[2], p->words[3], extra_of(p, 4), type != NULL ? type : "text/plain", body_of(p, 4));
}

static bool
is_retransmission(const char *text, const char *before)
{
    return before != NULL && strcmp(text, before) == 0;
}

/* same-crypto: the first a=crypto line is, octet for octet, that of the message before which had one; new-crypto: its key
 * is another one. */
static bool
is_crypto(struct phone *ph, const char *text, bool same)
{
    const char *at = strstr(text, "a=crypto:"), *now, *then = strstr(ph->crypto_seen, "inline:");
    size_t n = at != NULL ? strcspn(at, "\r") : 0;

    if (n == 0 || then == NULL)
        return false;
    now = strstr(at, "inline:");
    return same ? strlen(ph->crypto_seen) == n && strncmp(at, ph->crypto_seen, n) == 0
                : now != NULL && strncmp(now, then, strcspn(then, "|")) != 0;
}

static void
see_crypto(struct phone *ph, const char *text)
{
    const char *at = strstr(text, "a=crypto:");

    if (at != NULL)
        snprintf(ph->crypto_seen, sizeof ph->crypto_seen, "%.*s", (int)strcspn(at, "\r"), at);
}

/* a expects 200 [avp|savp|avp+crypto|no-sdp] [same-crypto|new-crypto] ["text"] [!"text"]... / expects INVITE ... / expects nothing
 * 100 Trying is passed over unless asked for; `again`: the message before, octet for octet */
static void
expects(struct play *p, struct phone *ph)
{
    static char before[PHONES_MAX][65536];
    char *last = before[ph - p->s->phone];
    const char *what = p->words[2];
    char *text;
    bool is_status = atoi(what) > 0;

    if (strcmp(what, "nothing") == 0) {
        while ((text = phone_take(ph)) != NULL) {
            if (strncmp(text, "SIP/2.0 100 ", 12) != 0)
                fails(p, "%s got: %.60s", ph->name, text);
            free(text);
        }
        return;
    }
    for (;;) {
        text = phone_take(ph);
        if (text == NULL) {
            fails(p, "%s got nothing instead of %s", ph->name, what);
            return;
        }
        if (strncmp(text, "SIP/2.0 100 ", 12) != 0 || strcmp(what, "100") == 0)
            break;
        free(text);
    }
    if (is_status ? strncmp(text, "SIP/2.0 ", 8) != 0 || strncmp(text + 8, what, 3) != 0
                  : strncmp(text, what, strlen(what)) != 0 || text[strlen(what)] != ' ')
        fails(p, "%s expects %s and got: %.*s", ph->name, what, (int)strcspn(text, "\r"), text);
    for (int i = 3; i < p->n; i++) {
        const char *w = p->words[i];
        bool has_crypto = strstr(text, "a=crypto:") != NULL, savp = strstr(text, " RTP/SAVP ") != NULL;

        if (strcmp(w, "savp") == 0 ? !(savp && has_crypto)
            : strcmp(w, "avp") == 0 ? savp || has_crypto || strstr(text, " RTP/AVP ") == NULL
            : strcmp(w, "avp+crypto") == 0 ? savp || !has_crypto
            : strcmp(w, "no-sdp") == 0 ? strstr(text, "m=audio") != NULL
            : strcmp(w, "same-crypto") == 0 || strcmp(w, "new-crypto") == 0 ? !is_crypto(ph, text, w[0] == 's')
            : strcmp(w, "again") == 0 ? !is_retransmission(text, last)
            : strncmp(w, "dir=", 4) == 0
                ? (strcmp(w + 4, "sendrecv") == 0 ? strstr(text, "a=sendonly") || strstr(text, "a=recvonly") ||
                                                        strstr(text, "a=inactive")
                                                  : strstr(text, w + 4) == NULL)
            : w[0] == '!' ? strstr(text, w + 1) != NULL
                          : strstr(text, w) == NULL)
            fails(p, "%s: \"%s\" does not hold for: %s", ph->name, w, text);
    }
    see_crypto(ph, text);
    snprintf(last, sizeof before[0], "%s", text);
    free(text);
}

static struct phone *
the_phone(struct play *p)
{
    struct phone *ph = phone_named(p->s, p->words[0]);

    if (ph == NULL)
        fails(p, "there is no phone %s", p->words[0]);
    return ph;
}

static void
take_forward(struct play *p, const char *key, char out[static 64])
{
    if (option(p, 2, key) != NULL)
        snprintf(out, 64, "%s", option(p, 2, key));
}

/* user 201 [off|optional|required] [tls] [strict] [suites=..] ["codecs=PCMA all"] [answer-savp] [forward-always=..]
 * [forward-busy=..] [forward-no-answer=..] [forward-no-answer-time=S] [do-not-disturb] [watched-by=USER]
 * [voice-mail] [allow-unencrypted-srtp] [hosted] */
static void
user(struct play *p)
{
    struct rf_call_user *u = stage_user(p->s, p->words[1], RF_SRTP_REQUIRED);

    if (flag(p, 2, "off"))
        u->srtp.mode = RF_SRTP_OFF;
    if (flag(p, 2, "optional"))
        u->srtp.mode = RF_SRTP_OPTIONAL;
    u->require_tls = flag(p, 2, "tls");
    if (option(p, 2, "codecs") != NULL)
        u->codecs = stage_keep(p->s, option(p, 2, "codecs"));
    u->srtp.strict_transport = flag(p, 2, "strict");
    u->srtp.answer_savp = flag(p, 2, "answer-savp");
    u->srtp.allow_unencrypted = flag(p, 2, "allow-unencrypted-srtp");
    u->srtp.hosted = flag(p, 2, "hosted");
    take_forward(p, "forward-always", u->forward.always);
    take_forward(p, "forward-busy", u->forward.busy);
    take_forward(p, "forward-no-answer", u->forward.no_answer);
    u->forward.no_answer_s = option(p, 2, "forward-no-answer-time") != NULL
                                 ? (uint32_t)atoi(option(p, 2, "forward-no-answer-time")) : 20;
    u->forward.do_not_disturb = flag(p, 2, "do-not-disturb");
    take_forward(p, "watched-by", p->s->watched_by[p->s->users - 1]);
    stage_new_rules(p->s);
    if (flag(p, 2, "voice-mail"))
        snprintf(p->s->voice_mail, sizeof p->s->voice_mail, "%s", p->words[1]);
    if (option(p, 2, "suites") != NULL) {
        struct rf_span unknown;

        if (rf_srtp_suites_parse(rf_span_str(option(p, 2, "suites")), u->srtp.suite, &u->srtp.suite_count, &unknown) !=
            RF_OK)
            fails(p, "unknown suite");
    }
}

/* connection NAME key=value...: a block sip-connection; "inbound.srtp=required" goes into its inner block; a value with
 * blanks is in quotes: "allow=192.0.2.12 192.0.2.13". number N ..., route N ..., dn N ..., group N ... in the same way.
 * After the users. */
static void
configure(struct play *p)
{
    static const char *const inner[] = { "inbound.", "outbound." };
    const char *kind = strcmp(p->words[0], "connection") == 0 ? "sip-connection"
                       : strcmp(p->words[0], "group") == 0    ? "ring-group"
                                                              : p->words[0];
    char text[2048];
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    const char *why;

    rf_putf(&b, "%s %s {\n", kind, p->words[1]);
    for (int i = 2; i < p->n; i++) {
        char *value = strchr(p->words[i], '=');

        if (value == NULL || strncmp(p->words[i], "inbound.", 8) == 0 || strncmp(p->words[i], "outbound.", 9) == 0)
            continue;
        rf_putf(&b, "%.*s %s\n", (int)(value - p->words[i]), p->words[i], value + 1);
    }
    for (int k = 0; k < 2 && strcmp(kind, "sip-connection") == 0; k++) {
        rf_putf(&b, "%.*s {\n", (int)strlen(inner[k]) - 1, inner[k]);
        for (int i = 2; i < p->n; i++) {
            const char *value = strchr(p->words[i], '=');
            size_t n = strlen(inner[k]);

            if (strncmp(p->words[i], inner[k], n) == 0 && value != NULL)
                rf_putf(&b, "%.*s %s\n", (int)(value - p->words[i] - (long)n), p->words[i] + n, value + 1);
        }
        rf_put_str(&b, "}\n");
    }
    rf_put_str(&b, "}\n");
    text[b.n] = '\0';
    why = stage_configure(p->s, text);
    if (why != NULL)
        fails(p, "%s", why);
}

/* reload WAS IS...: of the configuration, the first place that says WAS says IS from now on, which is not longer */
static void
reload(struct play *p)
{
    const char *why;

    for (int i = 1; i < p->n; i += 2)
        if (i + 1 == p->n || !stage_rewrite(p->s, p->words[i], p->words[i + 1]))
            fails(p, "the configuration does not say \"%s\", or has no room", p->words[i]);
    why = stage_configure(p->s, "");
    if (why != NULL)
        fails(p, "%s", why);
}

/* phone a 201 udp|tcp|tls [v6] [unregistered] [mute] [worker=0|1]: that its calls belong to */
static void
phone(struct play *p)
{
    enum rf_transport t = flag(p, 3, "tls") ? RF_TLS : flag(p, 3, "tcp") ? RF_TCP : RF_UDP;
    struct phone *ph = stage_phone(p->s, p->words[1], p->words[2], t, flag(p, 3, "v6"));

    ph->is_mute = flag(p, 3, "mute");
    if (option(p, 3, "worker") != NULL)
        ph->worker = atoi(option(p, 3, "worker"));
    if (!flag(p, 3, "unregistered"))
        phone_register(p->s, ph);
}

/* b leads to c d: the binding of b leads to c and d when b itself does not serve (RFC 3263)
 * b leads large c: a request that does not fit UDP goes to c first */
static void
leads(struct play *p, struct phone *ph)
{
    for (int i = 3; i < p->n; i++) {
        struct phone *to = phone_named(p->s, p->words[i]);

        if (to == NULL || ph->ways == WAYS_MAX)
            fails(p, "no phone %s", p->words[i]);
        else if (strcmp(p->words[2], "large") == 0)
            ph->large_way = to;
        else
            ph->way[ph->ways++] = to;
    }
}

/* set ring-time|session-expires|min-se|calls-max|calls-per-user|explain|transfer|udp-max|strict-keys N */
static void
set(struct play *p)
{
    struct rf_call_settings *s = &p->s->settings;
    uint32_t v = (uint32_t)atoi(p->words[2]);

    if (strcmp(p->words[1], "ring-time") == 0)
        s->ring_time_s = v;
    else if (strcmp(p->words[1], "session-expires") == 0)
        s->session_expires_s = v;
    else if (strcmp(p->words[1], "min-se") == 0)
        s->min_se_s = v;
    else if (strcmp(p->words[1], "calls-max") == 0)
        s->calls_max = v;
    else if (strcmp(p->words[1], "calls-per-user") == 0)
        s->calls_per_user_max = v;
    else if (strcmp(p->words[1], "udp-max") == 0)
        p->s->udp_max = v;
    else if (strcmp(p->words[1], "strict-keys") == 0)
        p->s->strict_keys = v != 0;
    else if (strcmp(p->words[1], "message-max") == 0)
        p->s->event_settings.message_max = v;
    else if (strcmp(p->words[1], "messages-per-minute") == 0)
        p->s->event_settings.messages_per_minute = v;
    else if (strcmp(p->words[1], "subscriptions-per-user") == 0)
        p->s->event_settings.subscriptions_per_user = v;
    else if (strcmp(p->words[1], "explain") == 0)
        s->explain_to_peer = v != 0;
    else if (strcmp(p->words[1], "transfer") == 0)
        s->transfer = v != 0;
    else
        fails(p, "no such setting");
}

static unsigned
leaves_clear(const struct rf_srtp_key *key)
{
    return key->suite != 0 ? rf_srtp_suite_leaves_clear(rf_srtp_suite(key->suite), key->clear) : 0;
}

/* relay unbridged: the session opened last was never told whom it joins, open or not
 * relay full|one-family|silent|away|back|timeout A|gone
 * relay leg A encrypted|clear|sends|mute|listens|deaf|required|unset|unencrypted|all-encrypted */
static void
relay(struct play *p)
{
    struct stage *s = p->s;
    struct media_slot *slot = stage_media(s);
    const char *what = p->words[1];
    struct rf_media_reply r = { .version = RF_MEDIA_VERSION };
    int leg = p->n > 2 && strcmp(p->words[2], "B") == 0;

    if (strcmp(what, "full") == 0)
        s->relay_full = true;
    else if (strcmp(what, "one-family") == 0)
        s->relay_one_family = true;
    else if (strcmp(what, "silent") == 0)
        s->relay_silent = true;
    else if (strcmp(what, "away") == 0)
        s->relay_away = true;
    else if (strcmp(what, "back") == 0) {
        s->relay_away = s->relay_silent = s->relay_full = false;
        stage_pump(s);
    }
    else if (strcmp(what, "unbridged") == 0) {
        if (s->changes != 0)
            fails(p, "the relay was told %d times whom to join", s->changes);
    } else if (slot == NULL)
        fails(p, "no media session is open");
    else if (strcmp(what, "timeout") == 0 || strcmp(what, "gone") == 0 || strcmp(what, "started") == 0) {
        r.event = strcmp(what, "gone") == 0 ? RF_MEDIA_GONE
                  : strcmp(what, "started") == 0 ? RF_MEDIA_STARTED : RF_MEDIA_TIMEOUT;
        r.session = slot->name;
        r.leg = (uint32_t)leg;
        if (r.event == RF_MEDIA_GONE)
            slot->used = false;
        rf_call_media_reply(s->calls, &r, s->now);
        stage_pump(s);
    } else if (strcmp(what, "leg") == 0) {
        const struct rf_media_leg *l = &slot->leg[leg];

        for (int i = 3; i < p->n; i++) {
            const char *w = p->words[i];
            bool holds = strcmp(w, "encrypted") == 0  ? l->tx.suite != 0 && l->rx_count > 0
                         : strcmp(w, "clear") == 0    ? l->tx.suite == 0 && l->rx_count == 0
                         : strcmp(w, "sends") == 0    ? l->may_send
                         : strcmp(w, "mute") == 0     ? !l->may_send
                         : strcmp(w, "listens") == 0  ? l->may_receive
                         : strcmp(w, "deaf") == 0     ? !l->may_receive
                         : strcmp(w, "required") == 0 ? l->require_srtp
                         : strcmp(w, "unset") == 0    ? !slot->has[leg]
                         : strcmp(w, "unencrypted") == 0
                             ? l->unencrypted_allowed && leaves_clear(&l->tx) != 0 && leaves_clear(&l->rx[0]) == leaves_clear(&l->tx)
                         : strcmp(w, "all-encrypted") == 0
                             ? l->tx.suite != 0 && leaves_clear(&l->tx) == 0 && leaves_clear(&l->rx[0]) == 0 && !l->unencrypted_allowed
                         : strncmp(w, "keys=", 5) == 0 ? l->rx_count == atoi(w + 5)
                         : strncmp(w, "port=", 5) == 0 ? rf_addr_port(&l->peer) == atoi(w + 5)
                                                       : false;

            if (!holds)
                fails(p, "leg %s is not %s", p->words[2], w);
        }
    } else {
        fails(p, "relay what?");
    }
}

/* packets A in 10 enc|clear|bare / packets A out ...; bare: SRTP without encryption */
static void
packets(struct play *p)
{
    struct media_slot *slot = stage_media(p->s);
    struct rf_media_counts *c;
    uint64_t n = strtoul(p->words[3], NULL, 10);
    bool enc = strcmp(p->words[4], "enc") == 0;

    if (slot == NULL) {
        fails(p, "no media session is open");
        return;
    }
    c = &p->s->map->session[slot->name.slot].leg[strcmp(p->words[1], "B") == 0].counts;
    if (strcmp(p->words[2], "in") == 0) {
        c->in_packets += n;
        *(enc ? &c->in_authentic : strcmp(p->words[4], "bare") == 0 ? &c->in_unencrypted : &c->in_clear) += n;
    } else {
        c->out_packets += n;
        *(enc ? &c->out_encrypted : &c->out_clear) += n;
    }
}

/* What became of the five packets that `side` sent. */
static bool
talk_step(struct rf_media_session *m, int side, const char *fate)
{
    struct rf_media_counts *in = &m->leg[side].counts, *out = &m->leg[1 - side].counts;
    bool enc = strcmp(fate, "enc") == 0;

    if (enc || strcmp(fate, "clear") == 0) {
        out->out_packets += 5;
        *(enc ? &out->out_encrypted : &out->out_clear) += 5;
        in->in_packets += 5;
        *(enc ? &in->in_authentic : &in->in_clear) += 5;
    } else if (strcmp(fate, "unsent") == 0 || strcmp(fate, "held-back") == 0 || strcmp(fate, "nowhere") == 0) {
        in->in_packets += 5;
        in->in_authentic += 5;
        if (fate[0] != 'n')
            *(fate[0] == 'u' ? &out->out_failed : &out->out_refused) += 5;
    } else if (strcmp(fate, "reports") == 0) {
        in->in_rtcp++;
    } else {
        _Atomic uint64_t *refused = strcmp(fate, "forged") == 0     ? &in->in_auth_failed
                                    : strcmp(fate, "plain") == 0    ? &in->in_clear_refused
                                    : strcmp(fate, "foreign") == 0  ? &in->in_foreign
                                    : strcmp(fate, "replayed") == 0 ? &in->in_replayed
                                    : strcmp(fate, "other") == 0    ? &in->in_other
                                    : strcmp(fate, "queue") == 0    ? &in->in_kernel_dropped
                                                                    : NULL;

        if (refused == NULL)
            return false;
        *refused += 5;
    }
    return true;
}

/* talk 5s A=enc B=forged: packets of each side, ten times a second; a side that is not named is silent. Fates:
 * enc clear unsent held-back nowhere reports forged plain foreign replayed other queue */
static void
talk(struct play *p)
{
    struct media_slot *slot = stage_media(p->s);
    const char *fate[2] = { option(p, 2, "A"), option(p, 2, "B") };

    for (uint64_t left = duration(p->words[1]) / (100 * RF_MS); left > 0; left--) {
        for (int side = 0; side < 2; side++)
            if (fate[side] != NULL && (slot == NULL || !slot->used ||
                                       !talk_step(&p->s->map->session[slot->name.slot], side, fate[side]))) {
                fails(p, "%s", slot == NULL || !slot->used ? "no media session is open" : "no such fate of a packet");
                return;
            }
        stage_elapse(p->s, 100 * RF_MS);
    }
}

/* record has|lacks "text"; shown has|lacks "text": the live call */
static void
look(struct play *p, const char *text)
{
    for (int i = 2; i < p->n; i++) {
        bool there = text != NULL && strstr(text, p->words[i]) != NULL;

        if (there != (strcmp(p->words[1], "has") == 0))
            fails(p, "%s %s %s: %s", p->words[0], p->words[1], p->words[i], text != NULL ? text : "(none)");
    }
}

/* What the metrics show as going on now; 0 when all that began has ended, by whatever way. */
static uint64_t
gauges(void)
{
    static struct rf_tally sum;
    uint64_t n = 0;

    memset(&sum, 0, sizeof sum);
    rf_tally_sum(&sum);
    for (int v = 0; v < RF_TALLY_VERDICTS; v++)
        n |= rf_cell_value(&sum.calls[v]);
    for (int suite = 0; suite < RF_TALLY_SUITES; suite++)
        n |= rf_cell_value(&sum.streams[suite]);
    return n;
}

static void
nothing_left(struct play *p)
{
    struct rf_txn_counts n = rf_txn_counts(p->s->txn);

    if (p->s->workers > 1) {
        struct rf_txn_counts more = rf_txn_counts(p->s->txn2);

        if (more.servers + more.clients != 0 || rf_call_count(p->s->calls2) != 0 ||
            rf_call_guests_count(p->s->guests) != 0)
            fails(p, "left at the other worker: %u + %u transactions, %zu calls, %zu guests", more.servers, more.clients,
                  rf_call_count(p->s->calls2), rf_call_guests_count(p->s->guests));
    }
    if (n.servers + n.clients != 0 || rf_call_count(p->s->calls) != 0 || stage_media_count(p->s) != 0 ||
        rf_wheel_count(p->s->wheel) != 0)
        fails(p, "left: %u + %u transactions, %zu calls, %d media sessions, %zu timers", n.servers, n.clients,
              rf_call_count(p->s->calls), stage_media_count(p->s), rf_wheel_count(p->s->wheel));
    for (int i = 0; i < SAVED_MAX; i++)
        if (p->s->saved[i].value != NULL)
            fails(p, "a call that ended is still saved");
    for (int i = 0; i < ITEMS_MAX; i++)
        if (p->s->item[i].value != NULL && strcmp(p->s->item[i].kind, RF_EVENT_SUBSCRIPTION) == 0)
            fails(p, "a subscription that ended is still saved");
    if (rf_event_count(p->s->events) != 0 || rf_quota_all(p->s->subscriptions) != 0)
        fails(p, "left: %zu subscriptions, %u shares", rf_event_count(p->s->events),
              (unsigned)rf_quota_all(p->s->subscriptions));
    if (!rf_list_empty(&p->s->paths))
        fails(p, "left: a path");
    if (gauges() != 0)
        fails(p, "left: a call or a leg that the metrics still count");
}

static void
elapse(struct play *p)
{
    stage_elapse(p->s, duration(p->words[1]));
}

/* restart [lost]: a new signal process; lost: the media process died as well */
static void
restart(struct play *p)
{
    for (int i = 0; i < SLOTS && flag(p, 1, "lost"); i++) {
        p->s->slot[i].used = false;
        p->s->map->session[i].generation = 0;
    }
    stage_restart(p->s);
}

static void
record(struct play *p)
{
    look(p, p->s->record);
}

static void
shown(struct play *p)
{
    uint64_t newness;
    json_t *o = rf_call_show(p->s->calls, RF_SPAN_LIT("last"), p->s->now, &newness);
    char *text = json_dumps(o, JSON_COMPACT);

    look(p, text);
    free(text);
    json_decref(o);
}

/* records N, calls N, subscriptions N: so many there are */
static void
count(struct play *p)
{
    const char *what = p->words[0];
    int n = strcmp(what, "records") == 0 ? p->s->records
            : strcmp(what, "calls") == 0 ? (int)rf_call_count(p->s->calls)
                                         : (int)rf_event_count(p->s->events);

    if (n != atoi(p->words[1]))
        fails(p, "%d %s", n, what);
}

/* hangup: an operator ends all calls */
static void
hangup(struct play *p)
{
    rf_call_hangup_all(p->s->calls, p->s->now);
    stage_pump(p->s);
}

/* paths slow|come */
static void
paths(struct play *p)
{
    p->s->slow_paths = strcmp(p->words[1], "slow") == 0;
    stage_pump(p->s);
}

/* disk fails|slow|works */
static void
disk(struct play *p)
{
    p->s->disk_fails = strcmp(p->words[1], "fails") == 0;
    p->s->disk_is_slow = strcmp(p->words[1], "slow") == 0;
    stage_pump(p->s);
}

/* unwatched 202 USER: from now on only USER may watch 202 */
static void
unwatched(struct play *p)
{
    for (int i = 0; i < p->s->users; i++)
        if (strcmp(p->s->user[i].name, p->words[1]) == 0)
            snprintf(p->s->watched_by[i], sizeof p->s->watched_by[i], "%s", p->words[2]);
    stage_new_rules(p->s);
    rf_event_settings_changed(p->s->events, p->s->now);
    stage_pump(p->s);
}

static void
stays(struct play *p)
{
    p->stays = true;
}

/* left nothing: after the longest timer of a transaction */
static void
left(struct play *p)
{
    stage_elapse(p->s, 70 * RF_S);
    nothing_left(p);
}

/* workers 2: the first line of a play */
static void
workers(struct play *p)
{
    stage_second_worker(p->s);
}

/* letters held|come|N: none, all, or the next N between workers */
static void
letters(struct play *p)
{
    p->s->letters_due = strcmp(p->words[1], "held") == 0 ? 0 : strcmp(p->words[1], "come") == 0 ? -1 : atoi(p->words[1]);
    stage_pump(p->s);
}

static const struct verb {
    const char *word;
    int least; /* words of the line */
    void (*perform)(struct play *p);
} verbs[] = {
    { "user", 2, user },        { "phone", 3, phone },         { "connection", 2, configure },
    { "number", 2, configure }, { "route", 2, configure },     { "dn", 2, configure },
    { "group", 2, configure },  { "set", 3, set },             { "relay", 2, relay },
    { "packets", 5, packets },  { "talk", 2, talk },           { "elapse", 2, elapse },
    { "restart", 1, restart },  { "record", 3, record },       { "records", 2, count },
    { "calls", 2, count },      { "subscriptions", 2, count }, { "shown", 3, shown },
    { "hangup", 1, hangup },    { "paths", 2, paths },         { "disk", 2, disk },
    { "stays", 1, stays },      { "unwatched", 3, unwatched }, { "left", 2, left },
    { "workers", 2, workers },  { "letters", 2, letters },     { "reload", 3, reload },
};

/* b aside N [retry-after=S]: how often b was set aside */
static void
aside(struct play *p, struct phone *ph)
{
    const char *seconds = option(p, 3, "retry-after");

    if (ph->asides != atoi(p->words[2]) || (seconds != NULL && ph->retry_after_s != (uint32_t)atoi(seconds)))
        fails(p, "%s was set aside %d times, Retry-After %u", ph->name, ph->asides, ph->retry_after_s);
}

static void
asks(struct play *p, struct phone *ph)
{
    phone_asks(p->s, ph, p->words[2], p->words[3]);
}

/* a pretends 203: in its From, signing in as itself */
static void
pretends(struct play *p, struct phone *ph)
{
    snprintf(ph->from, sizeof ph->from, "%s", p->words[2]);
}

/* a moves: its next connection has another address and contact */
static void
moves(struct play *p, struct phone *ph)
{
    ph->addr.v4.sin_addr.s_addr = htonl(ntohl(ph->addr.v4.sin_addr.s_addr) + 100);
}

static void
leaves(struct play *p, struct phone *ph)
{
    phone_leave(p->s, ph);
}

static void
returns(struct play *p, struct phone *ph)
{
    phone_return(p->s, ph);
}

/* a forgets: what came and was not expected */
static void
forgets(struct play *p, struct phone *ph)
{
    char *m;

    while ((m = phone_take(ph)) != NULL)
        free(m);
}

/* c repeats: its last INVITE, octet for octet, as by UDP when no answer came through */
static void
repeats(struct play *p, struct phone *ph)
{
    if (ph->invite == NULL)
        fails(p, "%s has sent no INVITE", ph->name);
    else
        phone_send(p->s, ph, ph->invite);
}

static const struct phone_verb {
    const char *word; /* the second; the first is the phone */
    int least;
    void (*perform)(struct play *p, struct phone *ph);
} phone_verbs[] = {
    { "sends", 3, sends },       { "expects", 3, expects }, { "requests", 4, requests }, { "asks", 4, asks },
    { "leads", 4, leads },       { "aside", 3, aside },     { "pretends", 3, pretends }, { "moves", 2, moves },
    { "leaves", 2, leaves },     { "returns", 2, returns }, { "forgets", 2, forgets },
    { "repeats", 2, repeats },
};

static void
perform(struct play *p)
{
    const char *w = p->words[0];
    struct phone *ph;

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(w, verbs[i].word) == 0) {
            if (p->n < verbs[i].least)
                fails(p, "%s wants %d words", w, verbs[i].least);
            else
                verbs[i].perform(p);
            return;
        }
    ph = p->n >= 2 ? the_phone(p) : NULL;
    for (size_t i = 0; ph != NULL && i < sizeof phone_verbs / sizeof *phone_verbs; i++)
        if (strcmp(p->words[1], phone_verbs[i].word) == 0) {
            if (p->n < phone_verbs[i].least)
                fails(p, "%s wants %d words", p->words[1], phone_verbs[i].least);
            else
                phone_verbs[i].perform(p, ph);
            return;
        }
    if (p->n < 2)
        fails(p, "what is %s?", w);
    else if (ph != NULL)
        fails(p, "no verb %s", p->words[1]);
}

static void
play(const char *path, const char *name)
{
    static struct play p;

    p = (struct play){ .n = 0 };
    if (!script_open(&p.script, path, name)) {
        ok(false, "%s: %s", name, p.script.problem);
        return;
    }
    p.s = stage_open(strlen(name) * 7919);
    while (!p.failed && script_next(&p.script)) {
        p.words = p.script.words;
        p.n = p.script.n;
        perform(&p);
        if (p.s->wrong[0] != '\0')
            fails(&p, "%s", p.s->wrong);
    }
    if (p.script.problem[0] != '\0')
        fails(&p, "%s", p.script.problem);
    if (!p.failed && !p.stays) {
        stage_elapse(p.s, 70 * RF_S);
        nothing_left(&p);
        if (p.s->wrong[0] != '\0')
            fails(&p, "%s", p.s->wrong);
    }
    ok(!p.failed, "%s:%s", name, p.script.title);
    script_close(&p.script);
    stage_close(p.s);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int
main(int argc, char **argv)
{
    static const char *const concepts[] = { "call", "event" };
    char path[1024];

    rf_log_open(-1, -1, RF_LOG_ERROR, "play");
    for (int i = 1; i < argc; i++)
        play(argv[i], argv[i]);
    for (size_t c = 0; argc == 1 && c < sizeof concepts / sizeof concepts[0]; c++) {
        char folder[1024];
        char *names[512];
        int n = 0;
        struct dirent *e;
        DIR *d;

        snprintf(folder, sizeof folder, "%s/../%s", getenv("RF_DATA") ? getenv("RF_DATA") : "tests/data", concepts[c]);
        d = opendir(folder);
        while (d != NULL && (e = readdir(d)) != NULL && n < 512) {
            size_t len = strlen(e->d_name);

            if (len > 2 && strcmp(e->d_name + len - 2, ".t") == 0)
                names[n++] = strdup(e->d_name);
        }
        if (d != NULL)
            closedir(d);
        if (n == 0)
            ok(false, "there are plays in %s", folder);
        qsort(names, (size_t)n, sizeof names[0], by_name);
        for (int i = 0; i < n; i++) {
            char shown[512];

            snprintf(path, sizeof path, "%.700s/%.300s", folder, names[i]);
            snprintf(shown, sizeof shown, "%s/%.300s", concepts[c], names[i]);
            play(path, shown);
            free(names[i]);
        }
    }
    return tap_done();
}
