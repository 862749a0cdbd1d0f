#include "cli/prove.h"

#include <math.h>
#include <stdlib.h>

#include "srtp/srtp.h"

#define ANSWER_MS  5000 /* everything but media is over in a few milliseconds on loopback */
#define PACKETS    150  /* 3 s of audio each way */
#define MEDIA_MS   8000
#define PURE       0.9  /* share of the energy at the tone; silence and noise have about 0.01 */
#define HZ_OFF     5.0
#define BAD_PACKETS 5   /* forged and replayed ones that are sent */

static const uint32_t tone[3] = { 440, 620, 523 };

/* A run: the phones and what the steps share. */
struct run {
    struct rf_prove *p;
    struct rf_ua_set *set;
    struct rf_ua *phone[3];
    struct rf_ua_conf conf[3];
    struct rf_proof *out;
    size_t n;
};

static struct rf_proof *
begin(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static struct rf_proof *
begin(struct run *r, const char *format, ...)
{
    struct rf_proof *o = &r->out[r->n++];
    va_list ap;

    *o = (struct rf_proof){ .passed = false };
    va_start(ap, format);
    vsnprintf(o->what, sizeof o->what, format, ap);
    va_end(ap);
    return o;
}

__attribute__((format(printf, 3, 4))) static bool
fail(struct rf_proof *o, const char *fix, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(o->found, sizeof o->found, format, ap);
    va_end(ap);
    snprintf(o->fix, sizeof o->fix, "%s", fix);
    snprintf(o->word, sizeof o->word, "FAIL");
    return false;
}

static struct rf_ua_conf
phone_conf(const struct rf_prove *p, int i)
{
    return (struct rf_ua_conf){ .user = p->user[i], .password = p->password[i], .domain = p->domain, .server = p->tls,
                                .transport = RF_UA_TLS, .trust_file = p->trust_file, .tone_hz = tone[i],
                                .srtp = i < 2 ? RF_SRTP_REQUIRED : RF_SRTP_OFF, .reply = RF_UA_ANSWER, .ring = 180 };
}

/* --- what the daemon says of it --- */

static json_t *
last_call(const struct run *r)
{
    int status;

    return rf_cli_ask_quietly(r->p->cli->state_dir, json_pack("{s:s, s:s}", "command", "call.show", "id", "last"),
                              &status);
}

static json_int_t
leg_count(const json_t *call, size_t leg, const char *direction, const char *key)
{
    const json_t *l = json_array_get(json_object_get(call, "legs"), leg);

    return json_integer_value(json_object_get(json_object_get(json_object_get(l, "media"), direction), key));
}

static const char *
leg_signalling(const json_t *call, size_t leg, const char *key)
{
    return rf_cli_text(json_object_get(json_array_get(json_object_get(call, "legs"), leg), "signalling"), key);
}

static json_int_t
refused_so_far(const struct run *r, const char *code)
{
    int status;
    json_t *s = rf_cli_ask_quietly(r->p->cli->state_dir, json_pack("{s:s}", "command", "status"), &status);
    json_int_t n = json_integer_value(json_object_get(json_object_get(s, "refused"), code));

    json_decref(s);
    return n;
}

/* --- steps --- */

static bool
register_phones(struct run *r)
{
    for (int i = 0; i < 3; i++) {
        struct rf_ua_link_info link;
        struct rf_proof *o;
        enum rf_err err;

        if (r->p->user[i] == NULL)
            continue;
        r->conf[i] = phone_conf(r->p, i);
        err = rf_ua_new(&r->phone[i], r->set, &r->conf[i]);
        if (!err)
            err = rf_ua_register(r->phone[i], 600);
        if (!err)
            err = rf_ua_wait_registered(r->phone[i], ANSWER_MS);
        if (!err)
            continue;
        o = begin(r, "%s signs in over TLS", r->p->user[i]);
        if (r->phone[i] != NULL)
            rf_ua_link(r->phone[i], &link);
        else
            link.error[0] = '\0';
        return fail(o, "ringfence log --level warn", "%s, status %d %s", rf_err_text(err),
                    r->phone[i] != NULL ? rf_ua_register_status(r->phone[i]) : 0, link.error);
    }
    return true;
}

/* The other side has been sent as many by then, but for the last few. */
static bool
has_heard(struct run *r, const struct rf_ua_call *call, uint64_t packets)
{
    for (int ms = 0; ms < MEDIA_MS; ms += 20) {
        struct rf_ua_media_info m;

        rf_ua_media(call, &m);
        if (m.authentic + m.clear >= packets)
            return true;
        rf_ua_run(r->set, 20);
    }
    return false;
}

/* Calls, waits for the answer and for packets on both sides. */
static bool
call_up(struct run *r, struct rf_proof *o, int from, int to, uint64_t packets, struct rf_ua_call **a,
        struct rf_ua_call **b)
{
    struct rf_ua_call_info info;

    if (rf_ua_call(r->phone[from], r->p->user[to], false, a) != RF_OK)
        return fail(o, "ringfence log", "the call could not be placed");
    if (rf_ua_wait_up(*a, ANSWER_MS) != RF_OK) {
        rf_ua_call_info(*a, &info);
        return fail(o, "ringfence ladder last", "not answered: status %d %s", info.status, info.warning);
    }
    *b = rf_ua_incoming(r->phone[to]);
    if (*b == NULL || rf_ua_wait_media(*a, packets, MEDIA_MS) != RF_OK || !has_heard(r, *b, packets))
        return fail(o, "ringfence call show last", "too little media arrived");
    return true;
}

static void
hang_up(struct rf_ua_call *a, struct rf_ua_call *b)
{
    if (a != NULL && rf_ua_call_end(a) == RF_OK)
        (void)!rf_ua_wait_ended(a, ANSWER_MS);
    if (b != NULL)
        (void)!rf_ua_wait_ended(b, ANSWER_MS);
    rf_ua_call_free(a);
    rf_ua_call_free(b);
}

static bool
hears(const struct rf_ua_media_info *m, uint32_t hz)
{
    return fabs(m->hz - hz) < HZ_OFF && m->purity > PURE;
}

/* Forged and replayed packets in the middle of a call: the relay must drop them, the other side must not see one. */
static bool
attack(struct run *r, struct rf_ua_call *a, struct rf_ua_call *b)
{
    struct rf_proof *o = begin(r, "forged, replayed");
    struct rf_ua_media_info sent, heard;
    json_t *call;
    json_int_t forged, replayed;

    for (int i = 0; i < BAD_PACKETS; i++) {
        if (rf_ua_send_forged(a) != RF_OK || rf_ua_send_replay(a) != RF_OK)
            return fail(o, "", "they could not be sent");
        rf_ua_run(r->set, 40);
    }
    rf_ua_run(r->set, 200);
    rf_ua_media(a, &sent);
    rf_ua_media(b, &heard);
    call = last_call(r);
    forged = leg_count(call, 0, "in", "refused");
    replayed = leg_count(call, 0, "in", "replayed");
    json_decref(call);
    if (sent.forged_sent != BAD_PACKETS || sent.replays_sent != BAD_PACKETS)
        return fail(o, "", "only %llu and %llu were sent", (unsigned long long)sent.forged_sent,
                    (unsigned long long)sent.replays_sent);
    if (forged != BAD_PACKETS || replayed != BAD_PACKETS || heard.auth_failed + heard.replayed + heard.malformed > 0)
        return fail(o, "ringfence call show last", "relay dropped %lld forged, %lld replayed; %llu got through",
                    (long long)forged, (long long)replayed,
                    (unsigned long long)(heard.auth_failed + heard.replayed + heard.malformed));
    snprintf(o->found, sizeof o->found, "%lld forged, %lld replayed: dropped by the relay", (long long)forged,
             (long long)replayed);
    snprintf(o->word, sizeof o->word, "dropped");
    return o->passed = true;
}

/* "TLS 1.3 AES_256_GCM | SRTP AEAD_AES_256_GCM" */
static void
put_tls(char *out, size_t size, const json_t *call, const char *suite)
{
    const char *cipher = leg_signalling(call, 0, "tls_cipher");
    const char *hash = strstr(cipher, "_SHA");

    if (strncmp(cipher, "TLS_", 4) == 0)
        cipher += 4;
    snprintf(out, size, "TLS %s %.*s | SRTP %s", leg_signalling(call, 0, "tls_version"),
             hash != NULL ? (int)(hash - cipher) : 40, cipher, suite);
}

static bool
secured_call(struct run *r)
{
    struct rf_proof *o = begin(r, "call %s -> %s", r->p->user[0], r->p->user[1]);
    struct rf_ua_call *a = NULL, *b = NULL;
    struct rf_ua_media_info ma, mb;
    json_t *call;
    bool good = call_up(r, o, 0, 1, PACKETS, &a, &b), attacked;

    if (!good) {
        hang_up(a, b);
        return false;
    }
    rf_ua_media(a, &ma);
    rf_ua_media(b, &mb);
    if (ma.clear + mb.clear + ma.auth_failed + mb.auth_failed > 0)
        good = fail(o, "ringfence call show last", "packets in clear or not authentic arrived at a phone");
    else if (!hears(&ma, tone[1]) || !hears(&mb, tone[0]))
        good = fail(o, "ringfence call show last", "the tones are wrong: %.0f Hz and %.0f Hz", ma.hz, mb.hz);
    attacked = good && attack(r, a, b);
    hang_up(a, b);
    if (!good)
        return false;
    call = last_call(r);
    o = &r->out[r->n - 2]; /* the attack has its own line */
    if (strcmp(rf_cli_text(call, "verdict_min"), "ENCRYPTED") != 0) {
        good = fail(o, "ringfence call show last", "the record says %s", rf_cli_text(call, "verdict_min"));
    } else {
        put_tls(o->found, sizeof o->found, call, ma.rx_suite);
        snprintf(o->detail, sizeof o->detail, "both directions, %llu and %llu packets, %llu lost, tones heard",
                 (unsigned long long)mb.authentic, (unsigned long long)ma.authentic,
                 (unsigned long long)(ma.lost + mb.lost));
        snprintf(o->word, sizeof o->word, "encrypted");
        o->passed = true;
    }
    json_decref(call);
    return good && attacked;
}

static bool
partly_call(struct run *r)
{
    struct rf_proof *o;
    struct rf_ua_call *a = NULL, *b = NULL;
    struct rf_ua_media_info ma, mb;
    json_t *call;

    if (r->p->user[2] == NULL)
        return true;
    o = begin(r, "call %s -> %s", r->p->user[2], r->p->user[0]);
    if (!call_up(r, o, 2, 0, PACKETS / 3, &a, &b)) {
        hang_up(a, b);
        return false;
    }
    rf_ua_media(a, &ma);
    rf_ua_media(b, &mb);
    hang_up(a, b);
    if (ma.clear == 0 || ma.authentic > 0 || mb.clear > 0 || mb.authentic == 0)
        return fail(o, "ringfence call show last", "plain leg: %llu clear, SRTP leg: %llu authentic, %llu clear",
                    (unsigned long long)ma.clear, (unsigned long long)mb.authentic, (unsigned long long)mb.clear);
    call = last_call(r);
    if (strcmp(rf_cli_text(call, "verdict_min"), "PARTLY") != 0) {
        fail(o, "ringfence call show last", "the record says %s", rf_cli_text(call, "verdict_min"));
    } else {
        snprintf(o->found, sizeof o->found, "plain RTP phone | SRTP %s", mb.rx_suite);
        snprintf(o->detail, sizeof o->detail, "shown as %s (%s) in the call's record", rf_cli_text(call, "verdict_min"),
                 rf_cli_text(call, "code"));
        snprintf(o->word, sizeof o->word, "partly");
        o->passed = true;
    }
    json_decref(call);
    return o->passed;
}

static bool
plain_offer(struct run *r)
{
    struct rf_proof *o = begin(r, "call %s -> %s", r->p->user[1], r->p->user[0]);
    struct rf_ua_conf plain = r->conf[1];
    struct rf_ua_call_info info = { 0 };
    struct rf_ua_call *a = NULL;
    enum rf_err err;

    plain.srtp = RF_SRTP_OFF;
    rf_ua_set_conf(r->phone[1], &plain);
    err = rf_ua_call(r->phone[1], r->p->user[0], false, &a);
    if (!err) {
        err = rf_ua_wait_up(a, ANSWER_MS);
        rf_ua_call_info(a, &info);
        rf_ua_call_free(a);
    }
    rf_ua_set_conf(r->phone[1], &r->conf[1]);
    if (err != RF_ERR_REFUSED || info.status != 488 || strstr(info.reason, "cause=88") == NULL)
        return fail(o, "ringfence ladder last", "expected 488 with cause 88, got %d %s", info.status, info.reason);
    snprintf(o->found, sizeof o->found, "phone offers no SRTP: %d, Q.850 cause 88", info.status);
    snprintf(o->word, sizeof o->word, "%.6s",
             strstr(info.warning, "RF-") != NULL ? strstr(info.warning, "RF-") : "488");
    return o->passed = true;
}

static bool
old_tls(struct run *r)
{
    struct rf_ua_conf conf = phone_conf(r->p, 0);
    struct rf_ua_link_info link = { 0 };
    struct rf_ua *old = NULL;
    json_int_t before, after;
    struct rf_proof *o;
    enum rf_err err;

    if (r->p->calls_only)
        return true;
    o = begin(r, "phone on TLS 1.1");
    before = refused_so_far(r, "RF-101");
    conf.tls_max = 0x0302;
    err = rf_ua_new(&old, r->set, &conf);
    if (!err)
        err = rf_ua_register(old, 600);
    if (!err)
        err = rf_ua_wait_registered(old, ANSWER_MS);
    if (old != NULL)
        rf_ua_link(old, &link);
    rf_ua_free(old);
    after = refused_so_far(r, "RF-101");
    if (err != RF_ERR_CLOSED || after != before + 1)
        return fail(o, "ringfence log --code RF-1xx", "expected a failed handshake (RF-101), got: %s %s", rf_err_text(err),
                    link.error);
    snprintf(o->found, sizeof o->found, "refused at the handshake");
    snprintf(o->word, sizeof o->word, "RF-101");
    return o->passed = true;
}

enum rf_err
rf_prove_find(const struct rf_cli *cli, struct rf_prove *p)
{
    int status;
    json_t *s = rf_cli_ask_quietly(cli->state_dir, json_pack("{s:s}", "command", "status"), &status);
    const json_t *list = json_object_get(s, "listen");
    enum rf_err err = RF_ERR_NOT_FOUND;

    for (size_t i = 0; i < json_array_size(list) && err; i++) {
        struct rf_span at = rf_span_str(json_string_value(json_array_get(list, i)));

        if (rf_span_starts(at, "tls:"))
            err = rf_addr_parse_port(rf_span_sub(at, 4, at.n), &p->tls);
    }
    json_decref(s);
    /* A listener on all addresses is reached by loopback. */
    if (!err && rf_addr_is_any(&p->tls))
        err = rf_addr_parse(rf_span_str(p->tls.sa.sa_family == AF_INET6 ? "::1" : "127.0.0.1"), rf_addr_port(&p->tls),
                            &p->tls);
    return err;
}

size_t
rf_prove_run(struct rf_prove *p, struct rf_proof out[static RF_PROOFS_MAX])
{
    static bool (*const steps[])(struct run *) = { register_phones, secured_call, partly_call, plain_offer, old_tls };
    struct run r = { .p = p, .out = out };

    if (rf_srtp_init("auto") != RF_OK || rf_ua_set_new(&r.set) != RF_OK) {
        fail(begin(&r, "phones"), "ringfence doctor", "they could not be made");
        return r.n;
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!steps[i](&r))
            break;
    /* Leave nothing behind. */
    for (int i = 0; i < 3; i++)
        if (r.phone[i] != NULL && rf_ua_register(r.phone[i], 0) == RF_OK)
            (void)!rf_ua_wait_registered(r.phone[i], ANSWER_MS);
    rf_ua_set_free(r.set);
    return r.n;
}

void
rf_proof_print(const struct rf_cli *cli, const struct rf_proof *p)
{
    const char *colour = !cli->colour ? "" : p->passed ? "\033[32m" : "\033[31m", *end = cli->colour ? "\033[0m" : "";

    if (cli->json) {
        json_t *o = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "check", p->what, "passed", p->passed, "found", p->found,
                              "detail", p->detail, "word", p->word, "fix", p->fix);

        rf_cli_json(o);
        json_decref(o);
        return;
    }
    printf("  %-17s %-45s %s%s%s  %s\n", p->what, p->found, colour, p->passed ? "ok" : "FAIL", end, p->passed ? p->word : "");
    if (p->detail[0] != '\0')
        printf("  %-17s %s\n", "", p->detail);
    if (!p->passed && p->fix[0] != '\0')
        printf("  %-17s see %s\n", "", p->fix);
}
