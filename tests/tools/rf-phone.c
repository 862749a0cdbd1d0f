/*
 * tests/tools/rf-phone.c - a phone for shell tests: does what its flags say and prints what it saw as one JSON line
 *
 *   rf-phone --user 201 --password p --server 127.0.0.1:5061 --transport tls --trust ca.pem --answer --seconds 3
 *   rf-phone --user 202 --password p --server 127.0.0.1:5061 --transport tls --trust ca.pem --call 201 --tone 440
 *
 * Order: register (unless --no-register), call or wait for a call (--answer, --ring-only, --reject) or neither, talk
 * for --seconds (after half of them --mute sends nothing more, --forging only packets that are not authentic; a
 * caller with --silent never sends anything), do once what --hold, --rekey, --info, --dtmf, --forge, --replay, --clear ask, hang up (unless
 * --no-hangup), unregister (with --unregister). Progress goes to standard error, a word a line: registered, ringing,
 * incoming, up, ended.
 *
 * "clear_datagrams" counts received datagrams that are the peer's tone in clear: of --expect HZ, or of the frequency that
 * was heard. --audio FILE keeps what was heard: 16 bits, 8000 samples a second.
 *
 * Exit status: 0 it happened; 1 it did not; 2 the flags make no sense.
 */
#include "ua/ua.h"

#include <getopt.h>
#include <jansson.h>

#include "srtp/srtp.h"

struct plan {
    struct rf_ua_conf conf;
    const char *call, *info, *dtmf, *audio_file;
    bool no_register, unregister, offerless, wait_for_call, hold, rekey, no_hangup, mute, forging, silent;
    unsigned forge, replay, clear;
    uint32_t seconds_ms, wait_ms, cancel_after_ms, expires_s, expect_hz;
};

static _Noreturn void
usage(const char *what, const char *value)
{
    fprintf(stderr, "rf-phone: %s %s\n", what, value);
    exit(2);
}

static uint32_t
number(const char *name, const char *text, uint32_t max)
{
    uint64_t v = 0;

    if (rf_span_u64(rf_span_str(text), max, &v) != RF_OK)
        usage(name, "needs a number");
    return (uint32_t)v;
}

/* "1.5" seconds in milliseconds. */
static uint32_t
milliseconds(const char *name, const char *text)
{
    char *end;
    double v = strtod(text, &end);

    if (*end != '\0' || v < 0 || v > 86400)
        usage(name, "needs seconds");
    return (uint32_t)(v * 1000);
}

static struct rf_addr
address(const char *name, const char *text)
{
    struct rf_addr a;

    if (rf_addr_parse_port(rf_span_str(text), &a) != RF_OK && rf_addr_parse(rf_span_str(text), 0, &a) != RF_OK)
        usage(name, "needs an address");
    return a;
}

/* Position of text in a list of words that ends in NULL. */
static int
word(const char *name, const char *text, const char *const *list)
{
    for (int i = 0; list[i] != NULL; i++)
        if (strcmp(text, list[i]) == 0)
            return i;
    usage(name, text);
}

static unsigned
digests(const char *text)
{
    unsigned bits = 0;

    for (int a = 0; a < RF_DIGEST_COUNT; a++)
        if (strcasecmp(text, rf_digest_name((enum rf_digest_algorithm)a)) == 0)
            bits |= 1u << a;
    if (bits == 0)
        usage("--digest", text);
    return bits;
}

enum flag {
    F_USER = 256, F_PASSWORD, F_DISPLAY, F_DOMAIN, F_SERVER, F_TRANSPORT, F_LOCAL, F_LISTEN, F_CERT, F_KEY, F_TRUST,
    F_SERVER_NAME, F_INSECURE, F_TLS_MAX, F_DIGEST, F_EXPIRES, F_INSTANCE, F_SRTP, F_SUITES, F_OFFER_AVP,
    F_ANSWER_SAVP, F_RTCP_MUX, F_TONE, F_CALL, F_OFFERLESS, F_ANSWER, F_RING_ONLY, F_REJECT, F_RING, F_ANSWER_AFTER,
    F_SECONDS, F_WAIT, F_CANCEL_AFTER, F_HOLD, F_REKEY, F_INFO, F_DTMF, F_FORGE, F_REPLAY, F_CLEAR, F_MUTE, F_FORGING, F_SILENT, F_NO_HANGUP,
    F_NO_REGISTER, F_UNREGISTER, F_EXPECT, F_AUDIO, F_JSON
};

static const struct option options[] = {
    { "user", 1, NULL, F_USER }, { "password", 1, NULL, F_PASSWORD }, { "display", 1, NULL, F_DISPLAY },
    { "domain", 1, NULL, F_DOMAIN }, { "server", 1, NULL, F_SERVER }, { "transport", 1, NULL, F_TRANSPORT },
    { "local", 1, NULL, F_LOCAL }, { "listen", 0, NULL, F_LISTEN }, { "cert", 1, NULL, F_CERT },
    { "key", 1, NULL, F_KEY }, { "trust", 1, NULL, F_TRUST }, { "server-name", 1, NULL, F_SERVER_NAME },
    { "insecure", 0, NULL, F_INSECURE }, { "tls-max", 1, NULL, F_TLS_MAX }, { "digest", 1, NULL, F_DIGEST },
    { "expires", 1, NULL, F_EXPIRES }, { "instance", 1, NULL, F_INSTANCE }, { "srtp", 1, NULL, F_SRTP },
    { "suites", 1, NULL, F_SUITES }, { "offer-avp", 0, NULL, F_OFFER_AVP },
    { "answer-savp", 0, NULL, F_ANSWER_SAVP }, { "rtcp-mux", 0, NULL, F_RTCP_MUX }, { "tone", 1, NULL, F_TONE },
    { "call", 1, NULL, F_CALL }, { "offerless", 0, NULL, F_OFFERLESS }, { "answer", 0, NULL, F_ANSWER },
    { "ring-only", 0, NULL, F_RING_ONLY }, { "reject", 1, NULL, F_REJECT }, { "ring", 1, NULL, F_RING },
    { "answer-after", 1, NULL, F_ANSWER_AFTER }, { "seconds", 1, NULL, F_SECONDS }, { "wait", 1, NULL, F_WAIT },
    { "cancel-after", 1, NULL, F_CANCEL_AFTER }, { "hold", 0, NULL, F_HOLD }, { "rekey", 0, NULL, F_REKEY },
    { "info", 1, NULL, F_INFO }, { "dtmf", 1, NULL, F_DTMF }, { "forge", 1, NULL, F_FORGE },
    { "replay", 1, NULL, F_REPLAY }, { "clear", 1, NULL, F_CLEAR },
    { "mute", 0, NULL, F_MUTE }, { "forging", 0, NULL, F_FORGING }, { "silent", 0, NULL, F_SILENT }, { "no-hangup", 0, NULL, F_NO_HANGUP },
    { "no-register", 0, NULL, F_NO_REGISTER }, { "unregister", 0, NULL, F_UNREGISTER },
    { "expect", 1, NULL, F_EXPECT }, { "audio", 1, NULL, F_AUDIO }, { "json", 0, NULL, F_JSON }, { NULL, 0, NULL, 0 },
};

static void
flag_take(struct plan *p, int flag)
{
    static const char *const transports[] = { "udp", "tcp", "tls", NULL };
    static const char *const modes[] = { "off", "optional", "required", NULL };
    static const char *const versions[] = { "1.0", "1.1", "1.2", "1.3", NULL };
    struct rf_ua_conf *c = &p->conf;

    switch ((enum flag)flag) {
    case F_USER: c->user = optarg; break;
    case F_PASSWORD: c->password = optarg; break;
    case F_DISPLAY: c->display = optarg; break;
    case F_DOMAIN: c->domain = optarg; break;
    case F_SERVER: c->server = address("--server", optarg); break;
    case F_TRANSPORT: c->transport = (enum rf_ua_transport)word("--transport", optarg, transports); break;
    case F_LOCAL: c->local = address("--local", optarg); break;
    case F_LISTEN: c->listen = true; break;
    case F_CERT: c->cert_file = optarg; break;
    case F_KEY: c->key_file = optarg; break;
    case F_TRUST: c->trust_file = optarg; break;
    case F_SERVER_NAME: c->server_name = optarg; break;
    case F_INSECURE: c->tls_unverified = true; break;
    case F_TLS_MAX: c->tls_max = 0x0301 + word("--tls-max", optarg, versions); break;
    case F_DIGEST: c->digests |= digests(optarg); break;
    case F_EXPIRES: p->expires_s = number("--expires", optarg, 86400 * 7); break;
    case F_INSTANCE: c->instance = optarg; break;
    case F_SRTP: c->srtp = (enum rf_srtp_mode)word("--srtp", optarg, modes); break;
    case F_SUITES: c->suites = optarg; break;
    case F_OFFER_AVP: c->offer_avp = true; break;
    case F_ANSWER_SAVP: c->answer_savp = true; break;
    case F_RTCP_MUX: c->rtcp_mux = true; break;
    case F_TONE: c->tone_hz = number("--tone", optarg, 3400); break;
    case F_CALL: p->call = optarg; break;
    case F_OFFERLESS: p->offerless = true; break;
    case F_ANSWER: p->wait_for_call = true; break;
    case F_RING_ONLY: p->wait_for_call = true; c->reply = RF_UA_RING; break;
    case F_REJECT:
        p->wait_for_call = true;
        c->reply = RF_UA_REJECT;
        c->reject_status = (int)number("--reject", optarg, 699);
        break;
    case F_RING: c->ring = (int)number("--ring", optarg, 199); break;
    case F_ANSWER_AFTER: c->answer_after_ms = milliseconds("--answer-after", optarg); break;
    case F_SECONDS: p->seconds_ms = milliseconds("--seconds", optarg); break;
    case F_WAIT: p->wait_ms = milliseconds("--wait", optarg); break;
    case F_CANCEL_AFTER: p->cancel_after_ms = milliseconds("--cancel-after", optarg); break;
    case F_HOLD: p->hold = true; break;
    case F_REKEY: p->rekey = true; break;
    case F_INFO: p->info = optarg; break;
    case F_DTMF: p->dtmf = optarg; break;
    case F_FORGE: p->forge = number("--forge", optarg, 100000); break;
    case F_REPLAY: p->replay = number("--replay", optarg, 100000); break;
    case F_CLEAR: p->clear = number("--clear", optarg, 100000); break;
    case F_MUTE: p->mute = true; break;
    case F_FORGING: p->forging = true; break;
    case F_SILENT: p->silent = true; break;
    case F_NO_HANGUP: p->no_hangup = true; break;
    case F_NO_REGISTER: p->no_register = true; break;
    case F_UNREGISTER: p->unregister = true; break;
    case F_EXPECT: p->expect_hz = number("--expect", optarg, 3400); break;
    case F_AUDIO: p->audio_file = optarg; break;
    case F_JSON: break; /* the result always is */
    }
}

/* --- doing it --- */

static void
say(const char *what)
{
    fprintf(stderr, "%s\n", what);
}

/* Each on its own 100 ms, so that what came of one is seen apart from the next. */
static bool
disturb(struct rf_ua_set *set, struct rf_ua_call *call, const struct plan *p)
{
    bool good = true;

    for (unsigned i = 0; i < p->forge; i++)
        good &= rf_ua_send_forged(call) == RF_OK;
    for (unsigned i = 0; i < p->replay; i++)
        good &= rf_ua_send_replay(call) == RF_OK;
    for (unsigned i = 0; i < p->clear; i++)
        good &= rf_ua_send_clear(call) == RF_OK;
    if (p->hold) {
        good &= rf_ua_call_hold(call, true) == RF_OK && rf_ua_wait_reinvite(call, 5000) == RF_OK;
        rf_ua_run(set, 500);
        good &= rf_ua_call_hold(call, false) == RF_OK && rf_ua_wait_reinvite(call, 5000) == RF_OK;
    }
    if (p->rekey)
        good &= rf_ua_call_rekey(call) == RF_OK && rf_ua_wait_reinvite(call, 5000) == RF_OK;
    if (p->info != NULL)
        good &= rf_ua_call_request(call, RF_SIP_INFO, "application/dtmf-relay", rf_span_str(p->info)) == RF_OK;
    for (const char *d = p->dtmf; d != NULL && *d != '\0'; d++) {
        good &= rf_ua_send_dtmf(call, *d) == RF_OK;
        rf_ua_run(set, 300);
    }
    return good;
}

/* The second half of the call without our audio. */
static bool
second_half(struct rf_ua_set *set, struct rf_ua_call *call, const struct plan *p)
{
    bool good = true;

    rf_ua_mute(call, p->mute || p->forging || p->silent);
    for (uint32_t ms = 0; p->forging && good && ms < p->seconds_ms / 2; ms += 20) {
        good = rf_ua_send_forged(call) == RF_OK;
        rf_ua_run(set, 20);
    }
    return good;
}

static bool
talk(struct rf_ua_set *set, struct rf_ua_call *call, const struct plan *p)
{
    struct rf_ua_call_info info;
    bool good = true;

    say("up");
    rf_ua_run(set, p->seconds_ms / 2);
    rf_ua_call_info(call, &info);
    if (info.state == RF_UA_UP)
        good = disturb(set, call, p) && second_half(set, call, p);
    if (rf_ua_wait_ended(call, p->forging ? 0 : p->seconds_ms - p->seconds_ms / 2) == RF_ERR_TIMEOUT && !p->no_hangup)
        good &= rf_ua_call_end(call) == RF_OK;
    rf_ua_run(set, 50);
    say("ended");
    return good;
}

static bool
outgoing(struct rf_ua_set *set, struct rf_ua *ua, const struct plan *p, struct rf_ua_call **call)
{
    if (rf_ua_call(ua, p->call, p->offerless, call) != RF_OK)
        return false;
    rf_ua_mute(*call, p->silent);
    if (p->cancel_after_ms > 0) {
        if (rf_ua_wait_up(*call, p->cancel_after_ms) != RF_ERR_TIMEOUT || rf_ua_call_end(*call) != RF_OK)
            return false;
        return rf_ua_wait_ended(*call, 5000) == RF_OK;
    }
    return rf_ua_wait_up(*call, p->wait_ms) == RF_OK && talk(set, *call, p);
}

static bool
incoming(struct rf_ua_set *set, struct rf_ua *ua, const struct plan *p, struct rf_ua_call **call)
{
    enum rf_err err;

    if (rf_ua_wait_incoming(ua, p->wait_ms, call) != RF_OK) {
        *call = rf_ua_incoming(ua); /* refused the moment it came in */
        return *call != NULL && p->conf.reply == RF_UA_REJECT;
    }
    say("incoming");
    if (p->conf.reply != RF_UA_ANSWER)
        return rf_ua_wait_ended(*call, p->wait_ms) == RF_OK;
    err = rf_ua_wait_up(*call, p->wait_ms);
    return err == RF_OK && talk(set, *call, p);
}

/* --- telling it --- */

static json_t *
media_json(const struct rf_ua_call *call, const struct plan *p)
{
    struct rf_ua_media_info m;
    char local[RF_ADDR_TEXT_MAX] = "", peer[RF_ADDR_TEXT_MAX] = "";

    rf_ua_media(call, &m);
    if (rf_addr_is_set(&m.local))
        rf_addr_text(&m.local, local);
    if (rf_addr_is_set(&m.peer))
        rf_addr_text(&m.peer, peer);
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:s}",
                     "tx_suite", m.tx_suite, "rx_suite", m.rx_suite, "local", local, "peer", peer,
                     "sent", (json_int_t)m.sent, "received", (json_int_t)m.received,
                     "authentic", (json_int_t)m.authentic, "clear", (json_int_t)m.clear,
                     "auth_failed", (json_int_t)m.auth_failed, "replayed", (json_int_t)m.replayed,
                     "malformed", (json_int_t)m.malformed, "early", (json_int_t)m.early, "lost", (json_int_t)m.lost,
                     "jitter_us", (json_int_t)m.jitter_us, "rtcp_sent", (json_int_t)m.rtcp_sent,
                     "rtcp_received", (json_int_t)m.rtcp_received, "rtcp_refused", (json_int_t)m.rtcp_refused,
                     "audio_ms", (json_int_t)m.audio_ms,
                     "clear_datagrams",
                     (json_int_t)rf_ua_clear_datagrams(call, p->expect_hz > 0 ? p->expect_hz : m.hz),
                     "hz", m.hz, "purity", m.purity, "dtmf", rf_ua_dtmf(call));
}

static json_t *
call_json(const struct rf_ua_call *call, const struct plan *p)
{
    struct rf_ua_call_info i;

    rf_ua_call_info(call, &i);
    return json_pack("{s:s,s:b,s:b,s:i,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:s,s:s,s:s,s:s,s:o}",
                     "state", rf_ua_state_name(i.state), "incoming", i.is_incoming, "ended_by_peer", i.ended_by_peer,
                     "status", i.status, "reason", i.reason, "warning", i.warning,
                     "reinvite_status", i.reinvite_status, "request_status", i.request_status,
                     "provisional", (int)i.provisional, "infos", (int)i.infos, "reinvites", (int)i.reinvites,
                     "last_body", i.last_body, "their_direction", rf_sdp_direction_name(i.their_direction),
                     "refusal", rf_refusal_row(i.refusal)->code, "detail", i.detail, "media", media_json(call, p));
}

static void
print_result(bool good, struct rf_ua *ua, const struct rf_ua_call *call, const struct plan *p)
{
    struct rf_ua_link_info l;
    enum rf_digest_algorithm used = rf_ua_digest_used(ua);
    json_t *o;

    rf_ua_link(ua, &l);
    o = json_pack("{s:b,s:i,s:i,s:s,s:{s:b,s:s,s:s,s:b,s:s}}", "ok", good,
                  "register_status", rf_ua_register_status(ua), "bindings", (int)rf_ua_bindings(ua),
                  "digest", used < RF_DIGEST_COUNT ? rf_digest_name(used) : "",
                  "link", "up", l.is_up, "tls_version", l.tls_version, "tls_cipher", l.tls_cipher,
                  "verified", l.is_verified, "error", l.error);
    if (o != NULL && call != NULL)
        json_object_set_new(o, "call", call_json(call, p));
    if (o == NULL || json_dumpf(o, stdout, JSON_COMPACT) != 0)
        say("out of memory");
    printf("\n");
    json_decref(o);
}

static void
write_audio(const struct rf_ua_call *call, const char *path)
{
    const int16_t *sample;
    size_t n = rf_ua_audio(call, &sample);
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(sample, sizeof *sample, n, f) != n)
        perror(path);
    if (f != NULL)
        fclose(f);
}

int
main(int argc, char **argv)
{
    struct plan p = { .seconds_ms = 2000, .wait_ms = 10000, .expires_s = 600,
                      .conf = { .ring = 180, .record_max = 4 << 20, .rtcp_ms = 1000 } };
    struct rf_ua_call *call = NULL;
    struct rf_ua_set *set;
    struct rf_ua *ua;
    bool good = true;
    int flag;

    while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (flag == '?')
            return 2;
        flag_take(&p, flag);
    }
    if (optind != argc || p.conf.user == NULL || (p.call != NULL && p.wait_for_call))
        usage("needs", "--user, and at most one of --call, --answer, --ring-only, --reject");
    if (rf_srtp_init("auto") != RF_OK || rf_ua_set_new(&set) != RF_OK || rf_ua_new(&ua, set, &p.conf) != RF_OK) {
        say("the phone could not be set up: address, suites or certificate files");
        return 1;
    }
    if (!p.no_register) {
        good = rf_ua_register(ua, p.expires_s) == RF_OK &&
               rf_ua_wait_registered(ua, p.wait_ms) == RF_OK;
        if (good)
            say("registered");
    }
    if (good && p.call != NULL)
        good = outgoing(set, ua, &p, &call);
    else if (good && p.wait_for_call)
        good = incoming(set, ua, &p, &call);
    else if (good)
        rf_ua_run(set, p.seconds_ms);
    if (p.unregister && !p.no_register)
        good &= rf_ua_register(ua, 0) == RF_OK && rf_ua_wait_registered(ua, p.wait_ms) == RF_OK;
    print_result(good, ua, call, &p);
    if (p.audio_file != NULL && call != NULL)
        write_audio(call, p.audio_file);
    rf_ua_set_free(set);
    return good ? 0 : 1;
}
