/*
 * tests/play/sim_test.c - seeded chaos: phones that do anything at any moment over a network that loses, repeats and
 * reorders, connections and processes that die. After each schedule nothing may be left, and at no moment may the
 * relay be told of a leg that requires SRTP and could send in clear (stage.c checks that at each message). A phone hears of
 * SRTP that is not encrypted only where its user's allow-unencrypted-srtp is on (TEL-29).
 *
 * RF_SIM_SEED=n runs that one schedule again; RF_SIM_RUNS=n more or fewer of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "play/stage.h"
#include "tap.h"

#define RUNS      300
#define STEPS     400
#define FLYING    64

struct flying {
    struct phone *phone;
    char *text;
    uint64_t due;
};

struct sim {
    struct stage *s;
    uint64_t seed;
    struct flying flying[FLYING]; /* from phones to us, on a network that may reorder */
    int n;
    char sdp[2048];
    bool is_over;
};

static uint64_t
dice(struct sim *m, uint64_t sides)
{
    uint64_t v;

    rf_rand_seeded_fill(&m->seed, &v, sizeof v);
    return v % sides;
}

static bool
one_in(struct sim *m, uint64_t n)
{
    return dice(m, n) == 0;
}

/* What a phone asks to leave in clear: as it was offered most of the time, and now and then whatever it likes. */
static const char *
some_params(struct sim *m, const char *offered)
{
    static const char *const params[] = { "", " UNENCRYPTED_SRTP", " UNENCRYPTED_SRTCP",
                                          " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP" };
    size_t i = 0;

    if (one_in(m, 5))
        return params[dice(m, 4)];
    if (offered != NULL && (strstr(offered, "UNENCRYPTED_SRTP ") != NULL || strstr(offered, "UNENCRYPTED_SRTP\r") != NULL))
        i |= 1;
    if (offered != NULL && strstr(offered, "UNENCRYPTED_SRTCP") != NULL)
        i |= 2;
    return params[i];
}

/* A description: right most of the time, plain, broken or with a wrong tag sometimes. */
static const char *
some_sdp(struct sim *m, struct phone *p, bool answers)
{
    struct rf_buf b = rf_buf(m->sdp, sizeof m->sdp - 1);
    static const char *const dirs[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
    char tag[16] = "1", suite[64] = "AES_CM_128_HMAC_SHA1_80";
    uint8_t key[46];
    bool plain = one_in(m, 8);
    const char *at = answers && p->sdp_in != NULL ? strstr(p->sdp_in, "a=crypto:") : NULL;
    const struct rf_srtp_suite *row;

    if (one_in(m, 40))
        return "v=0\r\nwhat?\r\n";
    if (answers && p->sdp_in != NULL && at == NULL && !one_in(m, 10))
        plain = true;
    if (at != NULL)
        (void)!sscanf(at, "a=crypto:%15s %63s", tag, suite);
    if (one_in(m, 20))
        strcpy(tag, "77");
    if (one_in(m, 4))
        p->key++;
    if (one_in(m, 4))
        p->port += 2;
    row = rf_srtp_suite_named(rf_span_str(suite));
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(p->key * 13 + (int)i);
    rf_putf(&b, "v=0\r\no=x 1 %d IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=audio %d RTP/%s 0 8\r\n",
            ++p->version, p->port, plain ? "AVP" : "SAVP");
    if (one_in(m, 4))
        rf_putf(&b, "a=%s\r\n", dirs[dice(m, 4)]);
    if (!plain) {
        rf_putf(&b, "a=crypto:%s %s inline:", tag, suite);
        rf_put_base64(&b, key, row == NULL ? 30 : (size_t)row->key_octets + row->salt_octets);
        rf_put_str(&b, some_params(m, at));
        rf_put_str(&b, "\r\n");
    }
    m->sdp[b.n] = '\0';
    return m->sdp;
}

static void
answer_invite(struct sim *m, struct phone *p)
{
    static const int failures[] = { 486, 480, 488, 603, 302, 401, 500, 503, 491, 422, 481, 408 };
    char tag[16], reliable[64];

    snprintf(tag, sizeof tag, "f%d", (int)dice(m, 3));
    snprintf(reliable, sizeof reliable, "Require: 100rel\r\nRSeq: %u\r\n", one_in(m, 5) ? 7 : ++p->rseq);
    switch (dice(m, 8)) {
    case 0:
        phone_answer(m->s, p, true, 180, NULL, NULL, one_in(m, 2) ? reliable : NULL);
        break;
    case 1:
        phone_answer(m->s, p, true, 183, one_in(m, 2) ? tag : NULL, some_sdp(m, p, true),
                     one_in(m, 2) ? reliable : NULL);
        break;
    case 2:
        phone_answer(m->s, p, true, failures[dice(m, 12)], NULL, NULL,
                     one_in(m, 2) ? "Contact: <sip:203@pbx.example>\r\nMin-SE: 2000\r\n" : NULL);
        break;
    case 3:
        break; /* says nothing */
    default:
        phone_answer(m->s, p, true, 200, one_in(m, 6) ? tag : NULL, one_in(m, 20) ? NULL : some_sdp(m, p, true),
                     one_in(m, 3)   ? "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n"
                     : one_in(m, 2) ? "Allow: INVITE, ACK, BYE, UPDATE\r\nSupported: timer\r\n"
                                      "Session-Expires: 90;refresher=uac\r\n"
                                    : NULL);
    }
}

static void
react(struct sim *m, struct phone *p, const char *text)
{
    struct stage *s = m->s;

    if (strncmp(text, "INVITE ", 7) == 0) {
        answer_invite(m, p);
        if (one_in(m, 3))
            answer_invite(m, p);
    } else if (strncmp(text, "CANCEL ", 7) == 0) {
        phone_answer(s, p, false, 200, NULL, NULL, NULL);
        if (one_in(m, 5))
            phone_answer(s, p, true, 200, NULL, some_sdp(m, p, true), NULL);
        else if (!one_in(m, 10))
            phone_answer(s, p, true, 487, NULL, NULL, NULL);
    } else if (strncmp(text, "ACK ", 4) == 0) {
        return;
    } else if (strncmp(text, "SIP/2.0 ", 8) != 0) {
        if (!one_in(m, 12))
            phone_answer(s, p, false, one_in(m, 10) ? 481 : 200, NULL, NULL, NULL);
    } else if (strncmp(text, "SIP/2.0 200", 11) == 0 && strstr(text, " INVITE\r\n") != NULL) {
        if (!one_in(m, 10))
            phone_ack(s, p, p->invite != NULL && strstr(p->invite, "m=audio") == NULL ? some_sdp(m, p, true) : NULL);
    }
}

/* The dialog of some phone, as Replaces names it towards us. */
static const struct phone *
some_dialog(struct sim *m)
{
    return &m->s->phone[dice(m, (unsigned)m->s->phones)];
}

static void
refer(struct sim *m, struct phone *p)
{
    const struct phone *of = some_dialog(m);
    char extra[512];

    if (one_in(m, 2))
        snprintf(extra, sizeof extra, "Refer-To: <sip:20%d@pbx.example>\r\n%s", (int)dice(m, 5),
                 one_in(m, 5) ? "Refer-Sub: false\r\n" : "");
    else
        snprintf(extra, sizeof extra,
                 "Refer-To: <sip:203@pbx.example?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>\r\n", of->call_id,
                 of->their_tag, of->our_tag);
    phone_indialog(m->s, p, "REFER", extra, NULL, NULL);
}

static void
take_over(struct sim *m, struct phone *p)
{
    const struct phone *of = some_dialog(m);
    char extra[512];

    snprintf(extra, sizeof extra, "Replaces: %s;to-tag=%s;from-tag=%s\r\n", of->call_id, of->their_tag, of->our_tag);
    if (of != p && of->their_tag[0] != '\0')
        phone_invite(m->s, p, "201", one_in(m, 5) ? NULL : some_sdp(m, p, false), extra);
}

static void
act(struct sim *m, struct phone *p)
{
    struct stage *s = m->s;
    static const char *const who[] = { "201", "202", "203", "999" };
    char rack[80];

    if (p->wire == NULL) {
        if (one_in(m, 10))
            phone_return(s, p);
        return;
    }
    switch (dice(m, 60)) {
    case 0:
    case 1:
        phone_invite(s, p, who[dice(m, 4)], one_in(m, 8) ? NULL : some_sdp(m, p, false),
                     one_in(m, 4)   ? "Supported: timer\r\nSession-Expires: 120\r\nAllow: UPDATE\r\n"
                    : one_in(m, 2) ? "Supported: 100rel\r\n"
                    : one_in(m, 4) ? "Require: 100rel\r\n"
                                   : NULL);
        break;
    case 2:
        if (p->invite != NULL && p->is_caller)
            phone_cancel(s, p);
        break;
    case 3:
        if (p->call_id[0] != '\0')
            phone_indialog(s, p, "BYE", NULL, NULL, NULL);
        break;
    case 4:
    case 5:
        if (p->call_id[0] != '\0' && p->their_tag[0] != '\0')
            phone_reinvite(s, p, one_in(m, 6) ? NULL : some_sdp(m, p, false), NULL);
        break;
    case 6:
        if (p->call_id[0] != '\0')
            phone_indialog(s, p, one_in(m, 2) ? "INFO" : "OPTIONS", NULL, NULL, NULL);
        break;
    case 7:
        if (one_in(m, 4))
            phone_leave(s, p);
        break;
    case 8:
        if (p->invite_in != NULL)
            answer_invite(m, p); /* late, or twice */
        break;
    case 9:
    case 10:
        if (p->call_id[0] != '\0' && p->their_tag[0] != '\0')
            refer(m, p);
        break;
    case 11:
        if (one_in(m, 2))
            take_over(m, p);
        break;
    case 12:
        if (p->call_id[0] != '\0')
            phone_indialog(s, p, "UPDATE", NULL, "application/sdp", one_in(m, 3) ? NULL : some_sdp(m, p, false));
        break;
    case 13:
    case 14:
        snprintf(rack, sizeof rack, "RAck: %s\r\n", one_in(m, 8) ? "1 1 INVITE" : p->rack);
        if (p->call_id[0] != '\0' && p->rack[0] != '\0')
            phone_indialog(s, p, "PRACK", rack, "application/sdp", one_in(m, 4) ? some_sdp(m, p, one_in(m, 2)) : NULL);
        break;
    case 15:
        phone_requests(s, p, "SUBSCRIBE", who[dice(m, 4)],
                       one_in(m, 6) ? "Event: message-summary\r\n" : "Event: dialog\r\nExpires: 90\r\n", NULL, NULL);
        break;
    case 16:
        phone_requests(s, p, "MESSAGE", who[dice(m, 4)], NULL, "text/plain", one_in(m, 4) ? NULL : "hello");
        break;
    case 17:
        if (p->call_id[0] != '\0')
            phone_indialog(s, p, "SUBSCRIBE", one_in(m, 2) ? "Event: dialog\r\nExpires: 0\r\n"
                                                           : "Event: dialog\r\nExpires: 60\r\n", NULL, NULL);
        break;
    default:
        break;
    }
}

static void
accidents(struct sim *m)
{
    struct stage *s = m->s;
    struct media_slot *slot = stage_media(s);
    struct rf_media_reply r = { .version = RF_MEDIA_VERSION };

    switch (dice(m, 400)) {
    case 0:
        stage_restart(s);
        break;
    case 1:
        s->relay_full = !s->relay_full;
        break;
    case 2:
        s->relay_away = !s->relay_away;
        break;
    case 3:
        s->slow_paths = !s->slow_paths;
        stage_pump(s);
        break;
    case 4:
        s->relay_silent = !s->relay_silent;
        stage_pump(s);
        break;
    case 8:
        s->disk_fails = !s->disk_fails;
        break;
    case 9:
        s->disk_is_slow = !s->disk_is_slow;
        stage_pump(s);
        break;
    case 5:
    case 6:
        if (slot == NULL)
            break;
        r.event = one_in(m, 2) ? RF_MEDIA_TIMEOUT : RF_MEDIA_AUTH_BAD;
        r.session = slot->name;
        r.leg = (uint32_t)dice(m, 2);
        rf_call_media_reply(s->calls, &r, s->now);
        break;
    case 7:
        if (slot == NULL || s->replies > 0) /* what was opened and not yet told of cannot be said to be gone */
            break;
        r.event = RF_MEDIA_GONE;
        r.session = slot->name;
        slot->used = false;
        rf_call_media_reply(s->calls, &r, s->now);
        break;
    default:
        break;
    }
}

/* Whose dialog it is: any phone may have it, since the ways to a contact lead anywhere here. */
static bool
may_be_unencrypted(const struct sim *m, const struct phone *p, const char *text)
{
    const char *from = strstr(text, "\r\nFrom: ");
    char user[24];

    if (sscanf(text, "%*[A-Z] sip:%23[^@]@", user) != 1 && /* a request to it, or the response to one of its own */
        (from == NULL || sscanf(from, "\r\nFrom: <sip:%23[^@]@", user) != 1))
        snprintf(user, sizeof user, "%s", p->user);
    for (int i = 0; i < m->s->users; i++)
        if (strcmp(m->s->user[i].name, user) == 0)
            return m->s->user[i].srtp.allow_unencrypted;
    return false;
}

/* What the network does to a phone's inbox: loss and repeats on UDP. */
static void
deliver(struct sim *m, struct phone *p)
{
    char *text = phone_take(p);

    if (text == NULL)
        return;
    if (strstr(text, "UNENCRYPTED") != NULL && !may_be_unencrypted(m, p, text))
        stage_wrong(m->s, "a phone is told of SRTP in clear that its user does not allow");
    if (p->transport != RF_UDP || !one_in(m, 8)) {
        react(m, p, text);
        if (p->transport == RF_UDP && one_in(m, 8))
            react(m, p, text);
    }
    free(text);
}

/* And what phones repeat: their last INVITE or ACK, octet for octet, late. */
static void
repeat(struct sim *m, struct phone *p)
{
    if (p->wire != NULL && p->transport == RF_UDP && p->invite != NULL && one_in(m, 20))
        phone_send(m->s, p, p->invite);
}

/* Where calls of a user go instead: in a third of the schedules, often in circles. */
static void
forward(struct sim *m, struct rf_call_user *u)
{
    static const char *const to[] = { "201", "202", "203", "999" };

    u->forward.no_answer_s = 3;
    if (!one_in(m, 3))
        return;
    if (one_in(m, 6))
        snprintf(u->forward.always, sizeof u->forward.always, "%s", to[dice(m, 4)]);
    if (one_in(m, 2))
        snprintf(u->forward.busy, sizeof u->forward.busy, "%s", to[dice(m, 4)]);
    if (one_in(m, 2))
        snprintf(u->forward.no_answer, sizeof u->forward.no_answer, "%s", to[dice(m, 4)]);
    u->forward.do_not_disturb = one_in(m, 8);
}

static bool
run(uint64_t seed, char why[static 400])
{
    struct sim m = { .seed = seed };
    static const enum rf_transport transports[] = { RF_UDP, RF_TLS, RF_UDP, RF_TCP };
    struct rf_txn_counts n;
    struct rf_call_user *u;
    bool good;

    m.s = stage_open(seed ^ 0x9e3779b97f4a7c15ull);
    m.s->all_required = seed % 2 == 0;
    m.s->settings.ring_time_s = 30;
    m.s->event_settings.expires_max_s = 100;
    m.s->settings.session_expires_s = seed % 3 == 0 ? 120 : 1800;
    for (int i = 0; i < 3; i++) {
        char name[8];

        snprintf(name, sizeof name, "20%d", i + 1);
        u = stage_user(m.s, name, m.s->all_required ? RF_SRTP_REQUIRED : (enum rf_srtp_mode)dice(&m, 3));
        u->srtp.allow_unencrypted = one_in(&m, 2);
        forward(&m, u);
    }
    for (int i = 0; i < 4; i++) {
        char name[8], user[8];

        snprintf(name, sizeof name, "p%d", i);
        snprintf(user, sizeof user, "20%d", i % 3 + 1);
        phone_register(m.s, stage_phone(m.s, name, user, transports[(i + seed) % 4], (i + seed) % 3 == 2));
    }
    /* Bindings that lead on to other phones, and to them first when the INVITE is large. */
    for (int i = 0; i < m.s->phones && seed % 4 != 0; i++) {
        struct phone *p = &m.s->phone[i];

        p->way[p->ways++] = &m.s->phone[dice(&m, (unsigned)m.s->phones)];
        if (seed % 3 == 1 && p->transport == RF_UDP)
            p->large_way = &m.s->phone[dice(&m, (unsigned)m.s->phones)];
    }
    if (seed % 3 == 1)
        m.s->udp_max = 900;
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < m.s->phones; i++) {
            deliver(&m, &m.s->phone[i]);
            act(&m, &m.s->phone[i]);
            repeat(&m, &m.s->phone[i]);
        }
        accidents(&m);
        stage_elapse(m.s, dice(&m, one_in(&m, 20) ? 40 * RF_S : 400 * RF_MS));
    }
    /* The storm is over: everything that is up is ended, nobody answers any more. */
    m.s->slow_paths = m.s->relay_silent = m.s->relay_away = m.s->disk_fails = m.s->disk_is_slow = false;
    stage_pump(m.s);
    stage_elapse(m.s, 10 * RF_S);
    rf_call_hangup_all(m.s->calls, m.s->now);
    stage_pump(m.s);
    stage_elapse(m.s, 140 * RF_S);
    n = rf_txn_counts(m.s->txn);
    good = m.s->wrong[0] == '\0' && n.servers + n.clients == 0 && rf_call_count(m.s->calls) == 0 &&
           stage_media_count(m.s) == 0 && rf_wheel_count(m.s->wheel) == 0 && rf_event_count(m.s->events) == 0 &&
           rf_quota_all(m.s->subscriptions) == 0;
    snprintf(why, 400, "%s; left %u + %u transactions, %zu calls, %d media sessions, %zu subscriptions, %zu timers",
             m.s->wrong, n.servers, n.clients, rf_call_count(m.s->calls), stage_media_count(m.s),
             rf_event_count(m.s->events), rf_wheel_count(m.s->wheel));
    stage_close(m.s);
    return good;
}

int
main(void)
{
    const char *one = getenv("RF_SIM_SEED"), *runs = getenv("RF_SIM_RUNS");
    uint64_t from = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t n = one != NULL ? 1 : runs != NULL ? strtoull(runs, NULL, 10) : RUNS;
    uint64_t bad = 0;
    char why[400];

    rf_log_open(-1, -1, RF_LOG_ERROR, "sim");
    for (uint64_t seed = from; seed < from + n; seed++)
        if (!run(seed, why)) {
            bad++;
            diag("RF_SIM_SEED=%llu: %s", (unsigned long long)seed, why);
        }
    ok(bad == 0, "%llu schedules of chaos leave nothing behind and nothing in clear", (unsigned long long)n);
    return tap_done();
}
