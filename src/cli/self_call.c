/*
 * cli/self_call.c - one call between two phones of ours, counted at both ends and by the daemon
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "cli/prove.h"
#include "loop/loop.h"

#define DRAIN_MS                                                                                             \
    80 /* on loopback what was sent is there within a packet time, 20 ms; the daemon ticks in 1 ms */
#define COUNTED_MS 2000 /* until the daemon's counters must show what has arrived */

__attribute__((format(printf, 2, 3))) static void
blame(struct rf_self_call *c, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(c->why, sizeof c->why, format, ap);
    va_end(ap);
}

/* "399 ringfence.local "RF-301 201 offered ..."" -> code and sentence */
static void
blame_response(struct rf_self_call *c, const struct rf_ua_call_info *i)
{
    const char *code = strstr(i->warning, "RF-");

    if (code != NULL && strlen(code) > 7) {
        snprintf(c->code, sizeof c->code, "%.6s", code);
        blame(c, "answered %d: %.*s", i->status, (int)strcspn(code + 7, "\""), code + 7);
    } else if (i->refusal != RF_REFUSE_NONE) {
        snprintf(c->code, sizeof c->code, "%s", rf_refusal_row(i->refusal)->code);
        blame(c, "the phone refused what came: %s", i->detail);
    } else {
        blame(c, "the call was answered %d", i->status);
    }
}

/* Rings there, or has failed. */
static enum rf_err
wait_ringing(struct rf_self_call *c, uint32_t timeout_ms)
{
    uint64_t until_us = rf_now_us() + timeout_ms * RF_MS;
    struct rf_ua_call_info info;
    enum rf_err err;

    do {
        err = rf_ua_wait_incoming(c->phone[1], 20, &c->call[1]);
        rf_ua_call_info(c->call[0], &info);
    } while (err == RF_ERR_TIMEOUT && info.state != RF_UA_ENDED && rf_now_us() < until_us);
    if (!err)
        return RF_OK;
    if (info.state == RF_UA_ENDED)
        blame_response(c, &info);
    else
        blame(c, "the phone that was called does not ring");
    return err;
}

enum rf_err
rf_self_call_begin(struct rf_self_call *c, struct rf_ua_set *set, const char *target, uint32_t timeout_ms)
{
    struct rf_ua_call_info info;
    enum rf_err err = rf_ua_call(c->phone[0], target, false, &c->call[0]);

    if (err) {
        blame(c, "the INVITE could not be sent");
        return err;
    }
    err = wait_ringing(c, timeout_ms);
    if (err)
        return err;
    /* What a callee sends before its answer has arrived cannot be decrypted by anyone (RFC 4568 5.1.1). Nobody
     * speaks until both are connected, so that every packet must be counted. */
    for (int i = 0; i < 2; i++)
        rf_ua_mute(c->call[i], true);
    err = rf_ua_call_answer(c->call[1]);
    if (!err)
        err = rf_ua_wait_up(c->call[0], timeout_ms);
    if (err) {
        rf_ua_call_info(c->call[0], &info);
        blame_response(c, &info);
        return err;
    }
    rf_self_call_talk(c);
    return RF_OK;
}

uint64_t
rf_self_call_heard(const struct rf_self_call *c)
{
    struct rf_ua_media_info m[2];
    uint64_t heard[2];

    for (int i = 0; i < 2; i++) {
        rf_ua_media(c->call[i], &m[i]);
        heard[i] = m[i].authentic + m[i].clear;
    }
    return heard[0] < heard[1] ? heard[0] : heard[1];
}

/* --- the daemon's side --- */

static const json_t *
leg_of(const json_t *record, int leg)
{
    return json_array_get(json_object_get(record, "legs"), (size_t)leg);
}

const char *
rf_self_call_text(const struct rf_self_call *c, int leg, const char *part, const char *key)
{
    return rf_cli_text(json_object_get(leg_of(c->record, leg), part), key);
}

int64_t
rf_self_call_count(const struct rf_self_call *c, int leg, const char *direction, const char *key)
{
    const json_t *n =
        json_object_get(json_object_get(json_object_get(leg_of(c->record, leg), "media"), direction), key);

    return json_is_integer(n) ? (int64_t)json_integer_value(n) : -1;
}

/* The call whose caller's messages come from the address that this phone has. */
static void
find_id(struct rf_self_call *c, const char *state_dir)
{
    struct rf_addr at = rf_ua_addr(c->phone[0]);
    char text[RF_ADDR_TEXT_MAX];
    int status;
    json_t *calls = rf_cli_ask_quietly(state_dir, json_pack("{s:s}", "command", "calls"), &status);

    rf_addr_text(&at, text);
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *row = json_array_get(calls, i);

        if (strcmp(rf_cli_text(json_object_get(leg_of(row, 0), "signalling"), "address"), text) == 0 &&
            strcmp(rf_cli_text(row, "state"), "up") == 0)
            snprintf(c->id, sizeof c->id, "%s", rf_cli_text(row, "id"));
    }
    json_decref(calls);
}

/* What is counted of a leg; a record that shows less than what the phones saw is asked for again. */
static bool
is_counted(const struct rf_self_call *c)
{
    for (int i = 0; i < 2; i++)
        if (rf_self_call_count(c, i, "in", "packets") < (int64_t)c->media[i].sent ||
            rf_self_call_count(c, i, "out", "packets") < (int64_t)(c->media[i].authentic + c->media[i].clear))
            return false;
    return true;
}

enum rf_err
rf_self_call_measure(struct rf_self_call *c, struct rf_ua_set *set, const char *state_dir)
{
    uint64_t until_us = rf_now_us() + COUNTED_MS * UINT64_C(1000);
    int status;

    for (int i = 0; i < 2; i++)
        rf_ua_mute(c->call[i], true);
    rf_ua_run(set, DRAIN_MS);
    for (int i = 0; i < 2; i++)
        rf_ua_media(c->call[i], &c->media[i]);
    if (c->id[0] == '\0')
        find_id(c, state_dir);
    do {
        json_decref(c->record);
        c->record = rf_cli_ask_quietly(state_dir,
                                       json_pack("{s:s, s:s}", "command", "call.show", "id", c->id), &status);
        if (c->record == NULL || c->id[0] == '\0') {
            blame(c, "the daemon does not know this call");
            return RF_ERR_NOT_FOUND;
        }
        if (is_counted(c))
            break;
        rf_ua_run(set, 50);
    } while (rf_now_us() < until_us);
    return RF_OK;
}

void
rf_self_call_talk(struct rf_self_call *c)
{
    for (int i = 0; i < 2; i++)
        rf_ua_mute(c->call[i], false);
}

/* --- comparisons --- */

struct tally {
    struct rf_self_call *c;
    unsigned made;
    bool failed;
};

static void
same(struct tally *t, uint64_t got, uint64_t want, const char *what, const char *user)
{
    t->made++;
    if (got == want || t->failed)
        return;
    t->failed = true;
    blame(t->c, "%s%s: %lld, expected %llu", user, what, (long long)got, (unsigned long long)want);
}

/* Packets of phone `from`, all the way to the other. */
static void
follow(struct tally *t, int from, uint64_t odd)
{
    const struct rf_self_call *c = t->c;
    const struct rf_ua_media_info *mine = &c->media[from], *theirs = &c->media[1 - from];
    const char *who = from == 0 ? "caller's" : "callee's", *other = from == 0 ? "callee's" : "caller's";
    bool in_srtp = mine->tx_suite[0] != '\0', out_srtp = theirs->rx_suite[0] != '\0';

    same(t, (uint64_t)rf_self_call_count(c, from, "in", in_srtp ? "authentic" : "clear"), mine->sent,
         in_srtp ? " leg, packets that authenticated" : " leg, packets in clear", who);
    same(t, (uint64_t)rf_self_call_count(c, from, "in", in_srtp ? "clear" : "authentic"), 0,
         in_srtp ? " leg, packets in clear" : " leg, packets that authenticated", who);
    same(t,
         (uint64_t)(rf_self_call_count(c, from, "in", "refused") +
                    rf_self_call_count(c, from, "in", "replayed") +
                    rf_self_call_count(c, from, "in", "malformed") +
                    rf_self_call_count(c, from, "in", "clear_refused")),
         odd, " leg, packets refused", who);
    same(t, (uint64_t)rf_self_call_count(c, from, "in", "lost"), 0, " leg, packets lost", who);
    same(t, (uint64_t)rf_self_call_count(c, 1 - from, "out", out_srtp ? "encrypted" : "clear"), mine->sent,
         out_srtp ? " leg, packets encrypted" : " leg, packets sent in clear", other);
    same(t, (uint64_t)rf_self_call_count(c, 1 - from, "out", out_srtp ? "clear" : "encrypted"), 0,
         out_srtp ? " leg, packets sent in clear" : " leg, packets encrypted", other);
    same(t, out_srtp ? theirs->authentic : theirs->clear, mine->sent, " phone, packets heard", other);
    same(t, theirs->received, mine->sent, " phone, datagrams received", other);
    same(t, theirs->auth_failed + theirs->replayed + theirs->malformed, 0, " phone, packets refused", other);
    same(t, theirs->lost, 0, " phone, packets lost", other);
}

unsigned
rf_self_call_agrees(struct rf_self_call *c, uint64_t odd)
{
    struct tally t = { c, 0, false };

    follow(&t, 0, odd);
    follow(&t, 1, 0);
    return t.failed ? 0 : t.made;
}

unsigned
rf_self_call_sounds(struct rf_self_call *c, const uint32_t tone_hz[2])
{
    for (int i = 0; i < 2; i++) {
        double want = tone_hz[1 - i];

        if (fabs(c->media[i].hz - want) > want / 100 || c->media[i].purity < 0.95) {
            blame(c, "the %s heard %.0f Hz with a share of %.2f of the sound, expected %.0f Hz",
                  i == 0 ? "caller" : "callee", c->media[i].hz, c->media[i].purity, want);
            return 0;
        }
    }
    return 4;
}

/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384" -> "TLS 1.3 AES_256_GCM": what protects the records */
static void
put_link(struct rf_buf *b, const struct rf_ua_link_info *link)
{
    const char *cipher = strncmp(link->tls_cipher, "TLS_", 4) == 0 ? link->tls_cipher + 4 : link->tls_cipher;
    const char *hash = strstr(cipher, "_SHA");

    if (link->tls_version[0] == '\0')
        rf_put_str(b, "no TLS");
    else
        rf_putf(b, "TLS %s %.*s",
                strncmp(link->tls_version, "TLSv", 4) == 0 ? link->tls_version + 4 : link->tls_version,
                hash != NULL ? (int)(hash - cipher) : (int)strlen(cipher), cipher);
}

static void
put_media(struct rf_buf *b, const struct rf_ua_media_info *m)
{
    rf_putf(b, "%s%s", m->tx_suite[0] != '\0' ? "SRTP " : "plain RTP", m->tx_suite);
}

void
rf_self_call_describe(const struct rf_self_call *c, const uint32_t tone_hz[2], struct rf_claim *out)
{
    struct rf_buf b = rf_buf(out->seen[0], sizeof out->seen[0] - 1);
    struct rf_ua_link_info link[2];

    for (int i = 0; i < 2; i++)
        rf_ua_link(c->phone[i], &link[i]);
    if (strcmp(c->media[0].tx_suite, c->media[1].tx_suite) == 0 &&
        strcmp(link[0].tls_cipher, link[1].tls_cipher) == 0) {
        put_link(&b, &link[0]);
        rf_put_str(&b, " | ");
        put_media(&b, &c->media[0]);
    } else {
        put_media(&b, &c->media[0]);
        rf_put_str(&b, " | ");
        put_media(&b, &c->media[1]);
    }
    out->seen[0][b.n] = '\0';
    snprintf(out->seen[1], sizeof out->seen[1],
             "both legs, both directions, %llu and %llu packets, %llu lost",
             (unsigned long long)(c->media[1].authentic + c->media[1].clear),
             (unsigned long long)(c->media[0].authentic + c->media[0].clear),
             (unsigned long long)(c->media[0].lost + c->media[1].lost));
    snprintf(out->seen[2], sizeof out->seen[2], "tones sent %u and %u Hz, heard %.0f and %.0f Hz", tone_hz[0],
             tone_hz[1], c->media[1].hz, c->media[0].hz);
}

void
rf_self_call_end(struct rf_self_call *c, struct rf_ua_set *set)
{
    if (c->call[0] != NULL && rf_ua_call_end(c->call[0]) == RF_OK && c->call[1] != NULL)
        (void)!rf_ua_wait_ended(c->call[1], 3000);
    rf_ua_run(set, 20); /* the last answer is on its way */
    for (int i = 0; i < 2; i++) {
        rf_ua_call_free(c->call[i]);
        c->call[i] = NULL;
    }
    json_decref(c->record);
    c->record = NULL;
}
