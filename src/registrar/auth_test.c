/* Sign-in: IPC-28, RFC 3261 22, 7616, 8760. Requests are real messages, answered as a phone answers them. */
#include "registrar/auth.h"

#include <pthread.h>
#include <stdlib.h>

#include "conf/options.h"
#include "crypto/suite.h"
#include "registrar/directory.h"
#include "registrar/nonce.h"
#include "sip/write.h"
#include "tap.h"

#define REALM RF_SPAN_LIT("office.example")
#define S     1000000ull

static uint64_t seed = 42;
static const struct rf_rand repeatable = { rf_rand_seeded_fill, &seed };

/* One user: 201 with password "tidal". */
static bool
one_user(void *ctx, struct rf_span user, struct rf_auth_user *out)
{
    if (!rf_span_is(user, "201"))
        return false;
    rf_digest_verifier_make(&out->verifier, user, REALM, RF_SPAN_LIT("tidal"));
    return true;
}

/* --- a phone ------------------------------------------------------------------------------------------- */

struct answer {
    const char *user, *password, *uri; /* uri: of the digest */
    uint32_t nc;
    bool no_qop, other_realm, is_sess;
    int algorithm;       /* -1: that of the challenge */
    const char *replace; /* the whole header value */
};

static char message_mem[8192];
static struct rf_sip_msg message;

static const struct rf_sip_msg *
request_in(const char *call_id, const char *authorization)
{
    struct rf_buf b = rf_buf(message_mem, sizeof message_mem);
    struct rf_sip_problem problem;

    rf_putf(&b,
            "REGISTER sip:office.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
            "From: <sip:201@office.example>;tag=1\r\nTo: <sip:201@office.example>\r\nCall-ID: %s\r\n"
            "User-Agent: phone\r\nCSeq: 1 REGISTER\r\n%s%s%sContent-Length: 0\r\n\r\n",
            call_id, authorization != NULL ? "Authorization: " : "", authorization != NULL ? authorization : "",
            authorization != NULL ? "\r\n" : "");
    if (rf_sip_msg_parse(&message, rf_buf_span(&b), &problem) != RF_OK) {
        diag("%s", problem.sentence);
        abort();
    }
    return &message;
}

static const struct rf_sip_msg *
request(const char *authorization)
{
    static int number;
    char call_id[24];

    snprintf(call_id, sizeof call_id, "%d", ++number);
    return request_in(call_id, authorization);
}

/* Value of the i-th challenge that auth writes to this request. */
static const char *
challenge_to(struct rf_auth *a, const struct rf_sip_msg *req, int i, bool stale, uint64_t now_us)
{
    static char mem[4096];
    static const struct rf_addr source = { .v4 = { .sin_family = AF_INET } };
    struct rf_buf b = rf_buf(mem, sizeof mem - 1);
    char *line;

    rf_auth_put_challenges(a, &b, RF_HDR_AUTHORIZATION, REALM, req, &source, stale, now_us);
    mem[b.n] = '\0';
    line = strtok(mem, "\r\n");
    while (i-- > 0 && line != NULL)
        line = strtok(NULL, "\r\n");
    return line != NULL ? line + strlen("WWW-Authenticate: ") : "";
}

/* ... to a new request. */
static const char *
challenge(struct rf_auth *a, int i, bool stale, uint64_t now_us)
{
    return challenge_to(a, request(NULL), i, stale, now_us);
}

static const char *
credentials(const char *challenge_value, const struct answer *how)
{
    static char mem[2048];
    struct rf_buf b = rf_buf(mem, sizeof mem - 1);
    struct rf_digest_challenge c;

    if (rf_digest_challenge_parse(rf_span_str(challenge_value), &c) != RF_OK)
        abort();
    if (how->no_qop)
        c.has_auth = false;
    if (how->other_realm)
        c.realm = RF_SPAN_LIT("other.example");
    if (how->algorithm >= 0)
        c.algorithm = (enum rf_digest_algorithm)how->algorithm;
    c.is_sess = how->is_sess;
    rf_put_digest_credentials(&b, &c, rf_span_str(how->user), rf_span_str(how->password), RF_SPAN_LIT("REGISTER"),
                              rf_span_str(how->uri), how->nc, RF_SPAN_LIT("0a4f113b"));
    mem[b.n] = '\0';
    return mem;
}

static struct rf_auth_result
check_of(struct rf_auth *a, const struct rf_sip_msg *req, uint64_t now_us)
{
    struct rf_auth_result r;

    rf_auth_check(a, req, RF_HDR_AUTHORIZATION, REALM, one_user, NULL, now_us, &r);
    return r;
}

static struct rf_auth_result
check(struct rf_auth *a, const char *authorization, uint64_t now_us)
{
    return check_of(a, request(authorization), now_us);
}

static struct rf_auth *
new_auth(uint32_t slots)
{
    static const struct rf_auth_settings settings = {
        .algorithm = { RF_DIGEST_SHA512_256, RF_DIGEST_SHA256, RF_DIGEST_MD5 }, .algorithm_count = 3,
        .nonce_life_s = 300, .replay_slots = 65536,
    };
    struct rf_auth_settings s = settings;
    struct rf_auth *a = NULL;

    s.replay_slots = slots;
    if (rf_auth_new(&a, &repeatable, &s) != RF_OK)
        abort();
    return a;
}

/* --- tables -------------------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct answer answer;
    uint64_t after_s;
    enum rf_auth_verdict want;
    bool nonce_is_ours;
} cases[] = {
    { "the right password", { "201", "tidal", "sip:office.example", 1, .algorithm = -1 }, 0, RF_AUTH_OK, true },
    { "a wrong password", { "201", "tydal", "sip:office.example", 1, .algorithm = -1 }, 0, RF_AUTH_BAD, true },
    { "an unknown user looks the same", { "299", "tidal", "sip:office.example", 1, .algorithm = -1 }, 0, RF_AUTH_BAD, true },
    { "the last second of a nonce", { "201", "tidal", "sip:office.example", 1, .algorithm = -1 }, 300, RF_AUTH_OK, true },
    { "a nonce that is too old", { "201", "tidal", "sip:office.example", 1, .algorithm = -1 }, 301, RF_AUTH_STALE, true },
    { "an old nonce with a wrong password says nothing of it",
      { "201", "wrong", "sip:office.example", 1, .algorithm = -1 }, 301, RF_AUTH_STALE, true },
    { "an answer for another URI", { "201", "tidal", "sip:other.example", 1, .algorithm = -1 }, 0, RF_AUTH_BROKEN, true },
    { "the same URI in other letters", { "201", "tidal", "sip:OFFICE.example", 1, .algorithm = -1 }, 0, RF_AUTH_OK, true },
    { "no qop, as RFC 2069 phones", { "201", "tidal", "sip:office.example", 1, .no_qop = true, .algorithm = -1 }, 0, RF_AUTH_OK, true },
    { "credentials for another realm", { "201", "tidal", "sip:office.example", 1, .other_realm = true, .algorithm = -1 }, 0,
      RF_AUTH_CHALLENGE, false },
    { "-sess, which was not offered", { "201", "tidal", "sip:office.example", 1, .is_sess = true, .algorithm = -1 }, 0,
      RF_AUTH_CHALLENGE, true },
    { "MD5 over the nonce of a stronger one", { "201", "tidal", "sip:office.example", 1, .algorithm = RF_DIGEST_MD5 }, 0,
      RF_AUTH_CHALLENGE, true },
};

/* Design 3: a phone that fails on a list sends its request again, without credentials. */
static void
md5_phones(struct rf_auth *a)
{
    const struct answer how = { "201", "tidal", "sip:office.example", 1, .algorithm = -1 };
    const char *c;

    c = challenge_to(a, request_in("able", NULL), 0, false, 900 * S);
    (void)check_of(a, request_in("able", credentials(c, &how)), 900 * S);
    ok(strstr(challenge_to(a, request_in("able", NULL), 0, false, 901 * S), "algorithm=SHA-512-256") != NULL,
       "a phone that answered the list keeps it when it begins anew without credentials");
    ok(strstr(challenge_to(a, request_in("old", NULL), 0, false, 1000 * S), "algorithm=SHA-512-256") != NULL,
       "a phone is asked with the whole list, best first");
    ok(strstr(challenge_to(a, request_in("old", NULL), 0, false, 1001 * S), "algorithm=MD5") != NULL &&
           challenge_to(a, request_in("old", NULL), 1, false, 1001 * S)[0] == '\0',
       "it asks again without credentials: MD5 alone");
    ok(strstr(challenge_to(a, request_in("other", NULL), 0, false, 1002 * S), "algorithm=MD5") != NULL,
       "the same kind of phone at the same address: MD5 alone from the first request on");
    ok(strstr(challenge_to(a, request_in("late", NULL), 0, false, 90000 * S), "algorithm=SHA-512-256") != NULL,
       "a day later the old one is asked with the list again");
}

static void
table(void)
{
    struct rf_auth *a = new_auth(1024);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *c = challenge(a, 0, false, 1000 * S);
        struct rf_auth_result r = check(a, credentials(c, &cases[i].answer), (1000 + cases[i].after_s) * S);

        ok(r.verdict == cases[i].want && r.nonce_is_ours == cases[i].nonce_is_ours, "IPC-28 %s: %d", cases[i].what,
           r.verdict);
    }
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = { "algorithm=SHA-512-256", "algorithm=SHA-256", "algorithm=MD5" };
        const char *c = challenge(a, i, false, 1000 * S);
        bool is_in_order = strstr(c, names[i]) != NULL;
        struct rf_auth_result r =
            check(a, credentials(c, &(struct answer){ "201", "tidal", "sip:office.example", 1, .algorithm = -1 }), 1000 * S);

        ok(is_in_order && r.verdict == RF_AUTH_OK && rf_span_is(r.username, "201"), "RFC 8760: %s", names[i]);
    }
    ok(strstr(challenge(a, 0, true, 0), "stale=true") != NULL, "a stale challenge says so");
    md5_phones(a);
    rf_auth_free(a);
}

static void
broken_headers(void)
{
    static const struct {
        const char *value;
        enum rf_auth_verdict want;
    } headers[] = {
        { NULL, RF_AUTH_CHALLENGE },
        { "Basic MjAxOnRpZGFs", RF_AUTH_CHALLENGE },
        { "Bearer abc", RF_AUTH_CHALLENGE },
        { "Digest username=\"201\"", RF_AUTH_BROKEN },
        { "Digest username=\"201", RF_AUTH_BROKEN },
        { "Digest username=\"201\", realm=\"office.example\", nonce=\"x\", uri=\"sip:office.example\", "
          "response=\"00\", algorithm=SHA-1", RF_AUTH_CHALLENGE },
        { "Digest username=\"201\", realm=\"office.example\", nonce=\"x\", uri=\"sip:office.example\", "
          "response=\"00\", qop=auth, nc=1, cnonce=\"x\"", RF_AUTH_BROKEN },
        { "Digest username=\"201\", realm=\"office.example\", nonce=\"\", uri=\"sip:office.example\", response=\"\"",
          RF_AUTH_STALE },
        { "Digest username=\"201\", realm=\"office.example\", "
          "nonce=\"000000000001000003e802000000000000000000000000000000000000\", uri=\"sip:office.example\", "
          "response=\"00\"", RF_AUTH_STALE },
    };
    struct rf_auth *a = new_auth(1024);

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct rf_auth_result r = check(a, headers[i].value, 1000 * S);

        ok(r.verdict == headers[i].want && !r.nonce_is_ours, "%s", headers[i].value != NULL ? headers[i].value : "nothing");
    }
    rf_auth_free(a);
}

/* --- replay -------------------------------------------------------------------------------------------- */

static void
replay(void)
{
    static const struct {
        uint32_t nc;
        enum rf_auth_verdict want;
    } steps[] = {
        { 1, RF_AUTH_OK },      { 1, RF_AUTH_REPLAY },  { 2, RF_AUTH_OK },      { 10, RF_AUTH_OK },
        { 9, RF_AUTH_OK },      { 9, RF_AUTH_REPLAY },  { 3, RF_AUTH_OK },      { 42, RF_AUTH_OK },
        { 11, RF_AUTH_OK },     { 10, RF_AUTH_REPLAY }, { 200, RF_AUTH_OK },    { 136, RF_AUTH_REPLAY },
        { 168, RF_AUTH_OK },    { 168, RF_AUTH_REPLAY }, { 42, RF_AUTH_REPLAY }, { UINT32_MAX, RF_AUTH_OK },
        { UINT32_MAX, RF_AUTH_REPLAY }, { 0, RF_AUTH_REPLAY },
    };
    struct rf_auth *a = new_auth(1024), *next_run;
    char c[512], old[2048];
    struct rf_auth_result r;

    snprintf(c, sizeof c, "%s", challenge(a, 1, false, 1000 * S));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct answer how = { "201", "tidal", "sip:office.example", steps[i].nc, .algorithm = -1 };

        r = check(a, credentials(c, &how), 1001 * S);
        ok(r.verdict == steps[i].want, "nonce count %u: %s", steps[i].nc,
           steps[i].want == RF_AUTH_OK ? "once, also out of order" : "never again");
    }
    {
        struct answer how = { "201", "wrong", "sip:office.example", 1, .algorithm = -1 };

        snprintf(c, sizeof c, "%s", challenge(a, 1, false, 1000 * S));
        r = check(a, credentials(c, &how), 1001 * S);
        how.password = "tidal";
        r = check(a, credentials(c, &how), 1001 * S);
        ok(r.verdict == RF_AUTH_OK, "a wrong answer does not use up the count");
    }
    {
        struct answer how = { "201", "tidal", "sip:office.example", 1, .no_qop = true, .algorithm = -1 };

        snprintf(c, sizeof c, "%s", challenge(a, 1, false, 1000 * S));
        snprintf(old, sizeof old, "%s", credentials(c, &how));
        ok(check(a, old, 1001 * S).verdict == RF_AUTH_OK && check(a, old, 1001 * S).verdict == RF_AUTH_REPLAY,
           "without a count a nonce is good once");
        how.no_qop = false;
        ok(check(a, credentials(c, &how), 1001 * S).verdict == RF_AUTH_REPLAY, "and not with one afterwards");
    }
    {
        struct answer how = { "201", "tidal", "sip:office.example", 1, .algorithm = -1 };

        snprintf(old, sizeof old, "%s", credentials(challenge(a, 1, false, 1000 * S), &how));
        next_run = new_auth(1024);
        r = check(next_run, old, 1001 * S);
        ok(r.verdict == RF_AUTH_STALE && !r.nonce_is_ours, "a nonce of an earlier run is stale");
        rf_auth_free(next_run);
    }
    rf_auth_free(a);
}

/* The table is full of living nonces: the oldest becomes stale, and stays so. */
static void
full_table(void)
{
    struct rf_nonces *n = NULL;
    struct rf_nonce nonce[400];
    int accepted_again = 0, stale = 0;

    if (rf_nonces_new(&n, &repeatable, 64) != RF_OK)
        abort();
    for (int i = 0; i < 400; i++) {
        char text[RF_NONCE_TEXT];
        struct rf_buf b = rf_buf(text, sizeof text);

        rf_nonce_put(n, &b, RF_DIGEST_MD5, &(struct rf_addr){ .sa.sa_family = AF_INET }, 1000 * S);
        if (rf_nonce_open(n, rf_buf_span(&b), &nonce[i]) != RF_OK ||
            rf_nonce_use(n, &nonce[i], 1, false, 300, 1000 * S) != RF_OK)
            ok(false, "nonce %d", i);
    }
    for (int i = 0; i < 400; i++) {
        enum rf_err err = rf_nonce_use(n, &nonce[i], 1, false, 300, 1000 * S);

        accepted_again += err == RF_OK;
        stale += err == RF_ERR_STALE;
    }
    ok(accepted_again == 0 && stale >= 400 - 64, "of 400 nonces in 64 places none is accepted twice, %d are stale", stale);
    rf_nonces_free(n);
}

/* --- threads ------------------------------------------------------------------------------------------- */

struct race {
    struct rf_auth *auth;
    char value[2048];
    struct rf_sip_msg *msg;
    _Atomic int accepted;
};

static void *
answer_all(void *ctx)
{
    struct race *race = ctx;
    struct rf_auth_result r;

    for (int i = 0; i < 50; i++) {
        rf_auth_check(race->auth, race->msg, RF_HDR_AUTHORIZATION, REALM, one_user, NULL, 1000 * S, &r);
        race->accepted += r.verdict == RF_AUTH_OK;
    }
    return NULL;
}

static void
threads(void)
{
    struct answer how = { "201", "tidal", "sip:office.example", 1, .algorithm = -1 };
    struct race race = { .auth = new_auth(1024) };
    pthread_t t[4];

    snprintf(race.value, sizeof race.value, "%s", credentials(challenge(race.auth, 2, false, 1000 * S), &how));
    race.msg = &message;
    request(race.value);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, answer_all, &race);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    ok(race.accepted == 1, "one answer sent 200 times by four workers is accepted once: %d", race.accepted);
    rf_auth_free(race.auth);
}

/* --- the directory ------------------------------------------------------------------------------------- */

static struct rf_secret packed;

static enum rf_err
packed_secret(void *ctx, struct rf_span name, struct rf_secret *out)
{
    *out = packed;
    return rf_span_is(name, "v") ? RF_OK : RF_ERR_NOT_FOUND;
}

static void
directory(void)
{
    struct rf_conf_sources from = {
        .file_text = RF_SPAN_LIT("domain office.example\nsip {\n srtp optional\n}\n"
                                 "user 201 {\n password tidal\n name \"Maya B.\"\n require-tls on\n}\n"
                                 "user 202 {\n password secret:v\n srtp required\n calls-max 3\n}\n"
                                 "user 203 {\n password secret:v\n}\n"),
        .file_name = "f", .secret = packed_secret };
    struct rf_conf_problem problem;
    struct rf_conf *c = NULL;
    struct rf_directory *d = NULL;
    const struct rf_directory_user *u;
    struct rf_digest_verifier v;
    struct rf_auth_user found;

    ok(rf_directory_pack(RF_SPAN_LIT("202"), REALM, RF_SPAN_LIT("copper"), &packed) == RF_OK, "a verifier is packed");
    if (rf_conf_load_from(&c, &from, &problem) != RF_OK) {
        diag("%s", problem.sentence);
        abort();
    }
    ok(rf_directory_new(&d, c, &repeatable) == RF_OK && rf_directory_count(d) == 3, "three users");
    rf_conf_unref(c);
    u = rf_directory_find(d, RF_SPAN_LIT("201"));
    rf_digest_verifier_make(&v, RF_SPAN_LIT("201"), REALM, RF_SPAN_LIT("tidal"));
    ok(u != NULL && strcmp(u->display, "Maya B.") == 0 && u->srtp == RF_DIRECTORY_SRTP_OPTIONAL && u->require_tls &&
           u->calls_max == 10 && u->can_sign_in && memcmp(&u->verifier, &v, sizeof v) == 0,
       "IPC-28 a user of a password");
    u = rf_directory_find(d, RF_SPAN_LIT("202"));
    rf_digest_verifier_make(&v, RF_SPAN_LIT("202"), REALM, RF_SPAN_LIT("copper"));
    ok(u != NULL && u->srtp == RF_DIRECTORY_SRTP_REQUIRED && !u->require_tls && u->calls_max == 3 && u->can_sign_in &&
           memcmp(&u->verifier, &v, sizeof v) == 0,
       "IPC-28 a user of a stored verifier");
    u = rf_directory_find(d, RF_SPAN_LIT("203"));
    ok(u != NULL && !u->can_sign_in && memcmp(&u->verifier, &v, sizeof v) != 0 && rf_directory_locked_out(d) == 1,
       "a verifier of another user lets nobody in");
    ok(rf_directory_find(d, RF_SPAN_LIT("20")) == NULL && rf_directory_find(d, RF_SPAN_LIT("")) == NULL, "no such user");
    ok(rf_directory_lookup(d, RF_SPAN_LIT("202"), &found) && !rf_directory_lookup(d, RF_SPAN_LIT("299"), &found),
       "the lookup of sign-in");
    ok(rf_directory_pack(RF_SPAN_LIT("202"), REALM, RF_SPAN_LIT(""), &packed) == RF_ERR_RANGE, "no password, no verifier");
    rf_directory_unref(rf_directory_ref(d));
    rf_directory_unref(d);
}

/* The two tables lie on one layer and cannot include each other. */
static void
suites_agree(void)
{
    const struct rf_option *o = rf_option_find(RF_SPAN_LIT("media.crypto-suites"));
    unsigned same = 0, choices = 1;

    for (const char *c = o->choices; *c != '\0'; c++)
        choices += *c == '|';
    for (unsigned id = 1; id <= rf_srtp_suite_count(); id++)
        same += rf_choice_has(o->choices, rf_span_str(rf_srtp_suite(id)->name));
    ok(same == rf_srtp_suite_count() && same == choices, "media.crypto-suites takes the %u suites there are", same);
}

int
main(void)
{
    suites_agree();
    table();
    broken_headers();
    replay();
    full_table();
    threads();
    directory();
    return tap_done();
}
