/*
 * cli/prove.c - the claims of the demo, each checked by real phones through real sockets
 *
 * Two calls run while the quick claims are checked, so that the whole takes hardly longer than one call. A
 * claim makes checks until one fails; what is looked at after that is skipped.
 */
#include "cli/prove.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/secret.h"
#include "conf/options.h"
#include "loop/loop.h"
#include "srtp/srtp.h"

#define PACKETS 150    /* each way: 3 s of speech */
#define ODD 5          /* forged, and as many replayed packets */
#define ANSWER_MS 5000 /* until anything on loopback is answered */

enum { A, B, C, PHONES };

static const uint32_t tones[PHONES] = { 440, 620, 350 };
static const char *const users[PHONES] = {"201", "202", "203"};
/* A phone that connects anew replaces its binding instead of adding one (RFC 5626). */
static const char *const instances[PHONES] = {
    "urn:uuid:8d0f0a5e-0000-4000-8000-000000000201",
    "urn:uuid:8d0f0a5e-0000-4000-8000-000000000202",
    "urn:uuid:8d0f0a5e-0000-4000-8000-000000000203",
};

/* As they stand on the screen. */
enum claim { SIGN_IN, SECURE, PARTLY, PLAIN, TLS_OLD, NO_TLS, PASSWORD, FORGED, SECOND, KILLED, CLAIMS };

static const char *const names[CLAIMS] = {
    [SIGN_IN] = "phones sign in",   [SECURE] = "call 201 -> 202",   [PARTLY] = "call 203 -> 201",
    [PLAIN] = "call without SRTP",  [TLS_OLD] = "phone on TLS 1.1", [NO_TLS] = "phone without TLS",
    [PASSWORD] = "wrong password",  [FORGED] = "forged, replayed",  [SECOND] = "a second daemon",
    [KILLED] = "kill -9 of signal",
};

struct prove {
    const struct rf_prove_conf *conf;
    struct rf_claim *claim; /* the one that is looked at */
    struct rf_ua_set *set;
    char trust[RF_DEMO_PATH_MAX + 16];
    struct rf_addr tls, tls6, udp; /* tls6: not set without IPv6 */
    char password[PHONES][RF_DEMO_PASSWORD_MAX];
    struct rf_ua_conf phone_conf[PHONES];
    struct rf_ua *phone[PHONES];
    struct rf_self_call secure, partly;
};

/* --- checks --- */

static void
fail(struct prove *p, const char *code, const char *sentence)
{
    p->claim->state = RF_CLAIM_FAILED;
    snprintf(p->claim->code, sizeof p->claim->code, "%s", code);
    snprintf(p->claim->sentence, sizeof p->claim->sentence, "%s", sentence);
}

/* One comparison; the sentence is for when it fails. */
__attribute__((format(printf, 3, 4))) static bool
check(struct prove *p, bool held, const char *format, ...)
{
    char sentence[256];
    va_list ap;

    p->claim->checks++;
    if (held)
        return true;
    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    fail(p, "", sentence);
    return false;
}

/* As many comparisons as were made by rf_self_call_...; none: one of them failed. */
static bool
check_call(struct prove *p, const struct rf_self_call *c, unsigned made)
{
    p->claim->checks += made;
    if (made == 0)
        fail(p, c->code, c->why);
    return made > 0;
}

__attribute__((format(printf, 3, 4))) static void
show(struct prove *p, int line, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(p->claim->seen[line], sizeof p->claim->seen[line], format, ap);
    va_end(ap);
}

static void
held(struct prove *p, const char *mark)
{
    p->claim->state = RF_CLAIM_HELD;
    snprintf(p->claim->mark, sizeof p->claim->mark, "%s", mark);
}

/* Phones go on while anything is waited for. false: the proof is over, or the daemon is gone. */
static bool
run(struct prove *p, uint32_t ms)
{
    rf_ua_run(p->set, ms);
    if (!rf_demo_daemon_pump(p->conf->daemon, 0)) {
        fail(p, p->conf->daemon->code,
             p->conf->daemon->sentence[0] != '\0' ? p->conf->daemon->sentence : "the daemon has ended");
        return false;
    }
    if (p->conf->is_over(p->conf->ctx)) {
        fail(p, "", "interrupted");
        return false;
    }
    return true;
}

/* How often the daemon has refused for this reason. */
static int64_t
refusals(const struct prove *p, const char *code)
{
    int status;
    json_t *s = rf_cli_ask_quietly(p->conf->site->dir, json_pack("{s:s}", "command", "status"), &status);
    int64_t n = json_integer_value(json_object_get(json_object_get(s, "refused"), code));

    json_decref(s);
    return n;
}

/* It must have been counted once, no more and no less. */
static bool
check_refused_once(struct prove *p, const char *code, int64_t before)
{
    for (int i = 0; i < 20 && refusals(p, code) == before; i++)
        if (!run(p, 25))
            return false;
    return check(p, refusals(p, code) == before + 1, "the daemon counted %lld refusals %s, expected 1",
                 (long long)(refusals(p, code) - before), code);
}

/* --- phones --- */

/* A phone beside the three, for one claim. NULL: the claim has failed. */
static struct rf_ua *
extra_phone(struct prove *p, const struct rf_ua_conf *conf)
{
    struct rf_ua *ua = NULL;

    if (rf_ua_new(&ua, p->set, conf) != RF_OK)
        fail(p, "", "a phone could not be set up");
    return ua;
}

static struct rf_ua_conf
conf_of(const struct prove *p, int who)
{
    return (struct rf_ua_conf){
        .user = users[who],
        .password = p->password[who],
        .domain = RF_DEMO_DOMAIN,
        .server = p->tls,
        .transport = RF_UA_TLS,
        .trust_file = p->trust,
        .server_name = RF_DEMO_DOMAIN,
        .instance = instances[who],
        .srtp = who == C ? RF_SRTP_OFF : RF_SRTP_REQUIRED,
        .tone_hz = tones[who],
        .rtcp_ms = 1000,
        .reply = RF_UA_RING,
        .ring = 180,
    };
}

/* "TLSv1.3" -> "1.3" */
static const char *
tls_number(const char *version)
{
    return strncmp(version, "TLSv", 4) == 0 ? version + 4 : version;
}

static bool
sign_in_one(struct prove *p, int who)
{
    struct rf_ua_link_info link;
    enum rf_err err = rf_ua_register(p->phone[who], 120);

    if (!err)
        err = rf_ua_wait_registered(p->phone[who], ANSWER_MS);
    rf_ua_link(p->phone[who], &link);
    return check(p, !err, "%s: REGISTER was answered %d %s", users[who], rf_ua_register_status(p->phone[who]),
                 link.error) &&
           check(p, link.is_verified, "%s: the certificate does not prove " RF_DEMO_DOMAIN, users[who]) &&
           check(p, rf_ua_digest_used(p->phone[who]) != RF_DIGEST_COUNT, "%s was let in without a password",
                 users[who]) &&
           check(p, rf_ua_bindings(p->phone[who]) > 0, "%s: the 200 lists no binding", users[who]);
}

static void
sign_in(struct prove *p)
{
    struct rf_ua_link_info link;

    for (int i = 0; i < PHONES; i++) {
        p->phone_conf[i] = conf_of(p, i);
        if (i == B && rf_addr_is_set(&p->tls6)) {
            p->phone_conf[i].server = p->phone_conf[i].local = p->tls6;
            rf_addr_set_port(&p->phone_conf[i].local, 0);
        }
        p->phone[i] = extra_phone(p, &p->phone_conf[i]);
        if (p->phone[i] == NULL || !sign_in_one(p, i))
            return;
    }
    rf_ua_link(p->phone[A], &link);
    show(p, 0, "TLS %s%s, certificate verified, %s", tls_number(link.tls_version),
         rf_addr_is_set(&p->tls6) ? " on IPv4 and IPv6" : "", rf_digest_name(rf_ua_digest_used(p->phone[A])));
    held(p, "");
}

/* --- calls --- */

static bool
begin_call(struct prove *p, struct rf_self_call *c, int from, int to)
{
    *c = (struct rf_self_call){.phone = {p->phone[from], p->phone[to]}};
    p->claim->checks++;
    if (rf_self_call_begin(c, p->set, users[to], ANSWER_MS) == RF_OK)
        return true;
    fail(p, c->code, c->why);
    return false;
}

static void
begin_secure(struct prove *p)
{
    (void)begin_call(p, &p->secure, A, B);
}

static void
begin_partly(struct prove *p)
{
    (void)begin_call(p, &p->partly, C, A);
}

static bool
hear(struct prove *p, const struct rf_self_call *c, uint64_t packets)
{
    uint64_t until_us = rf_now_us() + packets * 20 * RF_MS + ANSWER_MS * RF_MS;

    while (rf_self_call_heard(c) < packets && rf_now_us() < until_us)
        if (!run(p, 20))
            return false;
    return check(p, rf_self_call_heard(c) >= packets, "%llu packets arrived, expected %llu",
                 (unsigned long long)rf_self_call_heard(c), (unsigned long long)packets);
}

static bool
measure(struct prove *p, struct rf_self_call *c)
{
    if (rf_self_call_measure(c, p->set, p->conf->site->dir) == RF_OK)
        return true;
    fail(p, c->code, c->why);
    return false;
}

static bool
check_verdict(struct prove *p, const struct rf_self_call *c, const char *want)
{
    return check(p, strcmp(rf_cli_text(c->record, "verdict_min"), want) == 0,
                 "the daemon's verdict is %s, expected %s", rf_cli_text(c->record, "verdict_min"), want);
}

/* What the daemon says of a leg must be what its phone negotiated. */
static bool
check_leg(struct prove *p, const struct rf_self_call *c, int leg)
{
    struct rf_ua_link_info link;

    rf_ua_link(c->phone[leg], &link);
    return check(p,
                 strcmp(rf_self_call_text(c, leg, "signalling", "tls_version"),
                        tls_number(link.tls_version)) == 0 &&
                     link.tls_version[0] != '\0',
                 "leg %d: the phone uses %s, the daemon says TLS %s", leg + 1, link.tls_version,
                 rf_self_call_text(c, leg, "signalling", "tls_version")) &&
           check(p, strcmp(rf_self_call_text(c, leg, "signalling", "tls_cipher"), link.tls_cipher) == 0,
                 "leg %d: the phone uses %s, the daemon says %s", leg + 1, link.tls_cipher,
                 rf_self_call_text(c, leg, "signalling", "tls_cipher")) &&
           check(p,
                 strcmp(rf_self_call_text(c, leg, "media", "suite"), c->media[leg].tx_suite) == 0 &&
                     strcmp(c->media[leg].rx_suite, c->media[leg].tx_suite) == 0,
                 "leg %d: the phone uses %s, the daemon says %s", leg + 1, c->media[leg].tx_suite,
                 rf_self_call_text(c, leg, "media", "suite"));
}

static void
secure_call(struct prove *p)
{
    struct rf_self_call *c = &p->secure;

    if (!hear(p, c, PACKETS) || !measure(p, c) || !check_call(p, c, rf_self_call_agrees(c, 0)) ||
        !check_call(p, c, rf_self_call_sounds(c, tones)) || !check_leg(p, c, 0) || !check_leg(p, c, 1) ||
        !check(p, c->media[0].tx_suite[0] != '\0' && c->media[1].tx_suite[0] != '\0', "a leg has no SRTP") ||
        !check_verdict(p, c, "ENCRYPTED"))
        return;
    rf_self_call_describe(c, tones, p->claim);
    held(p, "encrypted");
}

static void
partly_call(struct prove *p)
{
    struct rf_self_call *c = &p->partly;
    const uint32_t tone[2] = { tones[C], tones[A] };

    if (!hear(p, c, PACKETS / 3) || !measure(p, c) || !check_call(p, c, rf_self_call_agrees(c, 0)) ||
        !check_call(p, c, rf_self_call_sounds(c, tone)) || !check_leg(p, c, 1) ||
        !check(p, c->media[0].tx_suite[0] == '\0' && c->media[1].tx_suite[0] != '\0',
               "the legs should be plain RTP and SRTP") ||
        !check_verdict(p, c, "PARTLY") ||
        !check(p, strcmp(rf_cli_text(c->record, "code"), "RF-403") == 0,
               "the daemon says %s, expected RF-403", rf_cli_text(c->record, "code")))
        return;
    rf_self_call_describe(c, tone, p->claim);
    held(p, "PARTLY RF-403");
    rf_self_call_end(c, p->set);
}

/* --- what must be refused --- */

static void
plain_offer(struct prove *p)
{
    struct rf_ua_conf conf = conf_of(p, A);
    int64_t before = refusals(p, "RF-301");
    struct rf_ua_call_info info;
    struct rf_ua_call *call = NULL;
    struct rf_ua *ua;

    conf.srtp = RF_SRTP_OFF;
    ua = extra_phone(p, &conf);
    if (ua == NULL)
        return;
    if (check(p, rf_ua_call(ua, users[B], false, &call) == RF_OK, "the INVITE could not be sent")) {
        (void)!rf_ua_wait_up(call, ANSWER_MS);
        rf_ua_call_info(call, &info);
        if (check(p, info.status == 488, "it was answered %d, expected 488", info.status) &&
            check(p, strstr(info.reason, "Q.850") != NULL && strstr(info.reason, "cause=88") != NULL,
                  "the Reason is %.80s, expected Q.850 cause 88", info.reason) &&
            check(p, strstr(info.warning, "RF-301") != NULL, "the phone was not told why: %.80s",
                  info.warning) &&
            check_refused_once(p, "RF-301", before)) {
            show(p, 0, "refused %d, Q.850 cause 88", info.status);
            held(p, "RF-301");
        }
    }
    rf_ua_free(ua);
}

static void
old_tls(struct prove *p)
{
    struct rf_ua_conf conf = conf_of(p, A);
    int64_t before = refusals(p, "RF-101");
    struct rf_ua_link_info link;
    struct rf_ua *ua;
    enum rf_err err;

    conf.tls_max = 0x0302;
    ua = extra_phone(p, &conf);
    if (ua == NULL)
        return;
    err = rf_ua_register(ua, 120);
    if (!err)
        err = rf_ua_wait_registered(ua, ANSWER_MS);
    rf_ua_link(ua, &link);
    if (check(p, err != RF_OK && rf_ua_bindings(ua) == 0 && !link.is_up, "a phone with TLS 1.1 was let in") &&
        check(p, strstr(link.error, "protocol version") != NULL,
              "the phone was told %s, expected the alert protocol_version", link.error) &&
        check_refused_once(p, "RF-101", before)) {
        show(p, 0, "refused at the handshake");
        held(p, "RF-101");
    }
    rf_ua_free(ua);
}

/* A REGISTER that must be answered with this status. */
static void
refused_register(struct prove *p, const struct rf_ua_conf *conf, int status, const char *code)
{
    int64_t before = refusals(p, code);
    struct rf_ua *ua = extra_phone(p, conf);

    if (ua == NULL)
        return;
    if (check(p, rf_ua_register(ua, 120) == RF_OK && rf_ua_wait_registered(ua, ANSWER_MS) == RF_ERR_REFUSED,
              "REGISTER was answered %d, expected %d", rf_ua_register_status(ua), status) &&
        check(p, rf_ua_register_status(ua) == status, "REGISTER was answered %d, expected %d",
              rf_ua_register_status(ua), status) &&
        check_refused_once(p, code, before)) {
        show(p, 0, "refused %d", status);
        held(p, code);
    }
    rf_ua_free(ua);
}

static void
wrong_password(struct prove *p)
{
    struct rf_ua_conf conf = conf_of(p, A);

    conf.password = "not the password";
    refused_register(p, &conf, 401, "RF-501");
}

static void
no_tls(struct prove *p)
{
    struct rf_ua_conf conf = conf_of(p, A);

    conf.transport = RF_UA_UDP;
    conf.server = p->udp;
    refused_register(p, &conf, 403, "RF-510");
}

static void
second_daemon(struct prove *p)
{
    struct rf_demo_daemon second = { .log_fd = -1 };
    uint64_t until_us = rf_now_us() + ANSWER_MS * RF_MS;
    char pid[24];
    bool goes_on = true;

    if (rf_demo_daemon_start(&second, p->conf->site) != RF_OK) {
        fail(p, "", "a process could not be started");
        return;
    }
    while (goes_on && rf_demo_daemon_pump(&second, 0) && rf_now_us() < until_us)
        goes_on = run(p, 10);
    (void)rf_demo_daemon_pump(&second, 0);
    snprintf(pid, sizeof pid, "process %d", (int)p->conf->daemon->pid);
    if (goes_on && check(p, second.pid == 0 && second.status == RF_EXIT_FAILED, "it was not refused") &&
        check(p, strcmp(second.code, "RF-808") == 0, "it ended with %s %s, expected RF-808", second.code,
              second.sentence) &&
        check(p, strstr(second.sentence, pid) != NULL, "it does not name %s: %.100s", pid, second.sentence)) {
        show(p, 0, "refused: %s has the state directory", pid);
        held(p, "RF-808");
    }
    rf_demo_daemon_stop(&second);
}

/* --- what a running call must bear --- */

/* Both phones are silent since they were measured: every packet that is counted now is one of these. */
static void
forged_packets(struct prove *p)
{
    struct rf_self_call *c = &p->secure;
    int64_t refused = rf_self_call_count(c, 0, "in", "refused"),
            replayed = rf_self_call_count(c, 0, "in", "replayed");
    uint64_t heard = c->media[1].received;

    for (int i = 0; i < ODD; i++)
        if (!check(p, rf_ua_send_forged(c->call[0]) == RF_OK && rf_ua_send_replay(c->call[0]) == RF_OK,
                   "a packet could not be sent"))
            return;
    if (!run(p, 20) || !measure(p, c) ||
        !check(p, rf_self_call_count(c, 0, "in", "refused") == refused + ODD,
               "%lld forged packets were refused, expected %d",
               (long long)(rf_self_call_count(c, 0, "in", "refused") - refused), ODD) ||
        !check(p, rf_self_call_count(c, 0, "in", "replayed") == replayed + ODD,
               "%lld replayed packets were refused, expected %d",
               (long long)(rf_self_call_count(c, 0, "in", "replayed") - replayed), ODD) ||
        !check(p, c->media[1].received == heard, "%llu of them reached the other phone",
               (unsigned long long)(c->media[1].received - heard)) ||
        !check_call(p, c, rf_self_call_agrees(c, 2 * ODD)) || !check_verdict(p, c, "ENCRYPTED"))
        return;
    show(p, 0, "%d and %d packets dropped, none heard", ODD, ODD);
    held(p, "");
}

/* Media goes on without signal; its successor knows the call, and a BYE on a new connection ends it. */
static void
signal_killed(struct prove *p)
{
    struct rf_self_call *c = &p->secure;
    struct rf_demo_daemon *d = p->conf->daemon;
    uint64_t killed_us, back_us;
    struct rf_ua_media_info before;
    unsigned starts = d->signal_starts;
    pid_t old = d->signal_pid;

    rf_self_call_talk(c);
    if (!run(p, 200) ||
        !check(p, old > 0 && kill(old, SIGKILL) == 0, "the signal process could not be killed"))
        return;
    killed_us = rf_now_us();
    rf_ua_media(c->call[1], &before);
    while (d->signal_starts == starts && rf_now_us() < killed_us + 10 * RF_S)
        if (!run(p, 20))
            return;
    back_us = rf_now_us();
    if (!check(p, d->signal_starts == starts + 1 && d->signal_pid != old, "no new signal process came") ||
        !run(p, 600) || !sign_in_one(p, A) || !sign_in_one(p, B) || !measure(p, c) ||
        !check_call(p, c, rf_self_call_agrees(c, 2 * ODD)) ||
        !check_call(p, c, rf_self_call_sounds(c, tones)) ||
        !check(p,
               strcmp(rf_cli_text(c->record, "state"), "up") == 0 &&
                   json_is_true(json_object_get(c->record, "restored")),
               "the new process does not know the call") ||
        !check_verdict(p, c, "ENCRYPTED"))
        return;
    show(p, 0, "call kept, %llu packets since, %llu lost, back within %llu ms",
         (unsigned long long)(c->media[1].authentic - before.authentic), (unsigned long long)c->media[1].lost,
         (unsigned long long)((back_us - killed_us) / RF_MS));
    if (check(p, rf_ua_call_end(c->call[0]) == RF_OK && rf_ua_wait_ended(c->call[1], ANSWER_MS) == RF_OK,
              "a BYE on a new connection did not end the call") &&
        measure(p, c) &&
        check(p, strcmp(rf_cli_text(c->record, "state"), "ended") == 0, "the record says the call is %s",
              rf_cli_text(c->record, "state")))
        held(p, "");
}

/* --- the whole --- */

/* The order of work; a claim may have several parts. */
static const struct {
    enum claim claim;
    void (*work)(struct prove *p);
} parts[] = {
    { SIGN_IN, sign_in },    { SECURE, begin_secure }, { PARTLY, begin_partly },     { PLAIN, plain_offer },
    { TLS_OLD, old_tls },    { NO_TLS, no_tls },       { PASSWORD, wrong_password }, { SECOND, second_daemon },
    { PARTLY, partly_call }, { SECURE, secure_call },  { FORGED, forged_packets },   { KILLED, signal_killed },
};

static bool
take_listeners(struct prove *p)
{
    const struct rf_demo_daemon *d = p->conf->daemon;

    for (size_t i = 0; i < d->listen_count; i++) {
        struct rf_listen listen;

        if (rf_listen_parse(rf_span_str(d->listen[i]), &listen) != RF_OK)
            continue;
        if (listen.scheme == RF_LISTEN_TLS && listen.addr.sa.sa_family == AF_INET)
            p->tls = listen.addr;
        else if (listen.scheme == RF_LISTEN_TLS)
            p->tls6 = listen.addr;
        else if (listen.scheme == RF_LISTEN_UDP && listen.addr.sa.sa_family == AF_INET)
            p->udp = listen.addr;
    }
    return rf_addr_is_set(&p->tls) && rf_addr_is_set(&p->udp);
}

static bool
prepare(struct prove *p)
{
    snprintf(p->trust, sizeof p->trust, "%s/ca/ca.pem", p->conf->site->dir);
    for (int i = 0; i < PHONES; i++)
        if (rf_demo_password(p->conf->site->dir, users[i], p->password[i]) != RF_OK) {
            fail(p, "", "the passwords in the state directory cannot be read");
            return false;
        }
    if (!take_listeners(p)) {
        fail(p, "", "the daemon listens neither on TLS nor on UDP");
        return false;
    }
    if (rf_srtp_init("auto") != RF_OK || rf_ua_set_new(&p->set) != RF_OK) {
        fail(p, "", "phones could not be set up");
        return false;
    }
    return true;
}

/* Registrations of phones that are gone would be a puzzle to whoever looks next. */
static void
sign_out(struct prove *p)
{
    for (int i = 0; i < PHONES; i++)
        if (p->phone[i] != NULL && rf_ua_register_status(p->phone[i]) == 200 &&
            rf_ua_register(p->phone[i], 0) == RF_OK)
            (void)!rf_ua_wait_registered(p->phone[i], 1000);
}

bool
rf_prove(const struct rf_prove_conf *conf, struct rf_claim claim[static RF_CLAIMS_MAX], size_t *count)
{
    struct prove p = { .conf = conf, .claim = &claim[0] };
    bool good;

    *count = CLAIMS;
    for (int i = 0; i < CLAIMS; i++)
        claim[i] = (struct rf_claim){.name = names[i]};
    good = prepare(&p);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && good; i++) {
        p.claim = &claim[parts[i].claim];
        if (conf->progress != NULL)
            conf->progress(conf->ctx, p.claim->name);
        parts[i].work(&p);
        good = p.claim->state != RF_CLAIM_FAILED;
    }
    for (int i = 0; i < CLAIMS; i++)
        if (claim[i].state == RF_CLAIM_OPEN)
            claim[i].state = RF_CLAIM_SKIPPED;
    if (p.set != NULL) {
        rf_self_call_end(&p.partly, p.set);
        rf_self_call_end(&p.secure, p.set);
        sign_out(&p);
    }
    rf_ua_set_free(p.set);
    rf_wipe(p.password, sizeof p.password);
    return good;
}
