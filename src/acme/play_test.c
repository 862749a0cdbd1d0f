/*
 * Plays: a keeper and an authority of our own in one process, with virtual time. Years take seconds, because there is no
 * socket and no clock (acme/keeper.h).
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "acme/inside.h"
#include "base/codec.h"
#include "loop/wheel.h"
#include "tap.h"

#define BASE   "https://ca.test"
#define DAY_S  86400
#define BEGIN_S 1800000000 /* 2027-01-15 */

/* --- the authority --- */

struct ca {
    EVP_PKEY *key;
    X509 *root;
    int64_t life_s;
    unsigned bad_nonces;       /* refuse so many requests for their nonce */
    unsigned silent;           /* so many requests get no answer */
    unsigned server_errors;    /* so many get 500 */
    int rate_limited_s;        /* newOrder: 429 with this Retry-After; 0: none */
    const char *refusal;       /* newOrder: this problem; NULL: none */
    bool never_valid;          /* authorizations stay pending */
    bool authz_invalid;        /* with an error of the challenge */
    const char *token;         /* other than the usual */
    bool wrong_key;            /* certificates are for another key */
    bool has_windows, wants_terms;
    int64_t window_start_s, window_end_s;
    int retry_after_s;         /* of renewalInfo */
    bool refuses_replaces;
    const char *profiles;      /* JSON of meta.profiles */

    unsigned nonce, orders, issued, requests, accounts, key_changes, window_asks, revocations, replaced;
    bool authz_asked;          /* the challenge was answered */
    char csr[32768], chain[16384], last_profile[64];
    int64_t order_times[64];
    char shown[256];           /* the key authorization that is shown, "" none */
};

struct world {
    struct ca ca;
    struct rf_acme_keeper *keeper;
    uint64_t now_us;
    int64_t wall_offset_s;     /* of our clock */
    struct rf_acme_certificate *conf;
    size_t confs;
    struct {
        uint64_t serial;
        struct rf_acme_request request;
        char *body;
    } pending[8];
    size_t pendings;
    unsigned deploys, saves;
    bool disk_is_full;
    json_t *store;             /* name -> text */
    uint64_t seed;
    struct rf_rand rand;
};

static int64_t
wall(const struct world *w)
{
    return BEGIN_S + (int64_t)(w->now_us / RF_S);
}

static void
ca_init(struct ca *ca)
{
    X509 *x = X509_new();

    *ca = (struct ca){ .life_s = 90 * DAY_S };
    ca->key = rf_acme_key_new(RF_ACME_ECDSA);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    ASN1_TIME_set(X509_getm_notBefore(x), BEGIN_S - DAY_S);
    ASN1_TIME_set(X509_getm_notAfter(x), BEGIN_S + 3650ll * DAY_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"play root", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, ca->key);
    X509_sign(x, ca->key, EVP_sha256());
    ca->root = x;
}

static void
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    rf_assert(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

/* Signs the CSR in ca->csr. */
static void
ca_issue(struct ca *ca, int64_t now_s)
{
    uint8_t der[24576];
    const uint8_t *p = der;
    size_t n;
    X509_REQ *req;
    X509 *x = X509_new();
    EVP_PKEY *other = ca->wrong_key ? rf_acme_key_new(RF_ACME_ECDSA) : NULL;
    STACK_OF(X509_EXTENSION) *asked;
    BIO *b = BIO_new(BIO_s_mem());
    char *text;

    rf_assert(rf_base64url_decode(rf_span_str(ca->csr), der, sizeof der, &n) == RF_OK);
    req = d2i_X509_REQ(NULL, &p, (long)n);
    rf_assert(req != NULL && X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1000 + ca->issued);
    ASN1_TIME_set(X509_getm_notBefore(x), now_s);
    ASN1_TIME_set(X509_getm_notAfter(x), now_s + ca->life_s);
    X509_set_issuer_name(x, X509_get_subject_name(ca->root));
    X509_set_pubkey(x, other != NULL ? other : X509_REQ_get0_pubkey(req));
    asked = X509_REQ_get_extensions(req);
    for (int i = 0; i < sk_X509_EXTENSION_num(asked); i++)
        X509_add_ext(x, sk_X509_EXTENSION_value(asked, i), -1);
    sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
    add_extension(x, ca->root, NID_subject_key_identifier, "hash");
    add_extension(ca->root, ca->root, NID_subject_key_identifier, "hash");
    add_extension(x, ca->root, NID_authority_key_identifier, "keyid");
    X509_EXTENSION_free(X509_delete_ext(ca->root, X509_get_ext_by_NID(ca->root, NID_subject_key_identifier, -1)));
    X509_sign(x, ca->key, EVP_sha256());
    PEM_write_bio_X509(b, x);
    n = (size_t)BIO_get_mem_data(b, &text);
    snprintf(ca->chain, sizeof ca->chain, "%.*s", (int)n, text);
    ca->issued++;
    BIO_free(b);
    X509_REQ_free(req);
    X509_free(x);
    EVP_PKEY_free(other);
}

static json_t *
part_of(const char *body, const char *name)
{
    json_t *jws = json_loads(body, 0, NULL), *out;
    uint8_t *mem = malloc(65536);
    size_t n = 0;

    rf_assert(rf_base64url_decode(rf_span_str(json_string_value(json_object_get(jws, name))), mem, 65536, &n) == RF_OK);
    out = json_loadb((char *)mem, n, 0, NULL);
    json_decref(jws);
    free(mem);
    return out;
}

struct answer {
    int status;
    char body[20000], location[128], retry[32];
};

static void
put_order(struct ca *ca, struct answer *a)
{
    const char *status = ca->authz_invalid ? "invalid" : ca->chain[0] != '\0' ? "valid" : ca->authz_asked && !ca->never_valid ? "ready"
                                                                                                         : "pending";

    snprintf(a->body, sizeof a->body,
             "{\"status\":\"%s\",\"authorizations\":[\"" BASE "/authz\"],\"finalize\":\"" BASE "/finalize\"%s}", status,
             ca->chain[0] != '\0' ? ",\"certificate\":\"" BASE "/certificate\"" : "");
}

static void
new_order(struct ca *ca, const json_t *payload, struct answer *a, int64_t now_s)
{
    const char *profile = json_string_value(json_object_get(payload, "profile"));

    if (ca->orders < 64)
        ca->order_times[ca->orders] = now_s;
    ca->orders++;
    snprintf(ca->last_profile, sizeof ca->last_profile, "%s", profile != NULL ? profile : "");
    if (ca->rate_limited_s > 0) {
        a->status = 429;
        snprintf(a->retry, sizeof a->retry, "%d", ca->rate_limited_s);
        snprintf(a->body, sizeof a->body, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"too many\"}");
        return;
    }
    if (ca->refusal != NULL || (ca->refuses_replaces && json_object_get(payload, "replaces") != NULL)) {
        a->status = 403;
        snprintf(a->body, sizeof a->body, "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"no, because\"}",
                 ca->refusal != NULL ? ca->refusal : "alreadyReplaced");
        return;
    }
    ca->replaced += json_object_get(payload, "replaces") != NULL;
    ca->authz_asked = false;
    ca->chain[0] = '\0';
    a->status = 201;
    snprintf(a->location, sizeof a->location, BASE "/order/%u", ca->orders);
    put_order(ca, a);
}

static void
put_authz(struct ca *ca, struct answer *a)
{
    bool valid = ca->authz_asked && !ca->never_valid && !ca->authz_invalid;

    snprintf(a->body, sizeof a->body,
             "{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":\"pbx.example.test\"},\"challenges\":["
             "{\"type\":\"dns-01\",\"url\":\"" BASE "/c0\",\"token\":\"x\",\"status\":\"pending\"},"
             "{\"type\":\"http-01\",\"url\":\"" BASE "/challenge\",\"token\":\"%s\",\"status\":\"%s\"%s}]}",
             valid ? "valid" : ca->authz_invalid && ca->authz_asked ? "invalid" : "pending",
             ca->token != NULL ? ca->token : "0123456789abcdefghijklmnopqrstuv", ca->authz_asked ? "processing" : "pending",
             ca->authz_invalid ? ",\"error\":{\"type\":\"urn:ietf:params:acme:error:connection\",\"detail\":\"no route\"}" : "");
}

static void
ca_answer(struct ca *ca, const struct rf_acme_request *r, const char *body, int64_t now_s, struct answer *a)
{
    const char *path = r->url + sizeof BASE - 1;
    json_t *payload = r->method == RF_ACME_POST ? part_of(body, "payload") : NULL;

    *a = (struct answer){ .status = 200 };
    if (strcmp(path, "/dir") == 0)
        snprintf(a->body, sizeof a->body,
                 "{\"newNonce\":\"" BASE "/nonce\",\"newAccount\":\"" BASE "/account\",\"newOrder\":\"" BASE
                 "/new-order\",\"keyChange\":\"" BASE "/key-change\",\"revokeCert\":\"" BASE "/revoke\"%s,\"meta\":{%s%s%s}}",
                 ca->has_windows ? ",\"renewalInfo\":\"" BASE "/window\"" : "",
                 ca->wants_terms ? "\"termsOfService\":\"" BASE "/terms\"" : "", ca->wants_terms && ca->profiles ? "," : "",
                 ca->profiles != NULL ? ca->profiles : "");
    else if (strcmp(path, "/account") == 0) {
        ca->accounts++;
        a->status = 201;
        snprintf(a->location, sizeof a->location, BASE "/account/1");
        snprintf(a->body, sizeof a->body, "{\"status\":\"valid\"}");
    } else if (strcmp(path, "/new-order") == 0)
        new_order(ca, payload, a, now_s);
    else if (strncmp(path, "/order/", 7) == 0)
        put_order(ca, a);
    else if (strcmp(path, "/authz") == 0)
        put_authz(ca, a);
    else if (strcmp(path, "/challenge") == 0) {
        rf_assert(ca->shown[0] != '\0'); /* what the authority will look for is there before it is told to look */
        ca->authz_asked = true;
        snprintf(a->body, sizeof a->body, "{\"status\":\"processing\"}");
    } else if (strcmp(path, "/finalize") == 0) {
        snprintf(ca->csr, sizeof ca->csr, "%s", json_string_value(json_object_get(payload, "csr")));
        ca_issue(ca, now_s);
        put_order(ca, a);
    } else if (strcmp(path, "/certificate") == 0)
        snprintf(a->body, sizeof a->body, "%s", ca->chain);
    else if (strcmp(path, "/key-change") == 0)
        ca->key_changes++;
    else if (strcmp(path, "/revoke") == 0)
        ca->revocations++;
    else if (strncmp(path, "/window/", 8) == 0) {
        char from[40], to[40];
        time_t s = (time_t)ca->window_start_s, e = (time_t)ca->window_end_s;

        ca->window_asks++;
        strftime(from, sizeof from, "%Y-%m-%dT%H:%M:%SZ", gmtime(&s));
        strftime(to, sizeof to, "%Y-%m-%dT%H:%M:%SZ", gmtime(&e));
        snprintf(a->retry, sizeof a->retry, "%d", ca->retry_after_s);
        snprintf(a->body, sizeof a->body, "{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}", from, to);
    } else if (strcmp(path, "/nonce") != 0)
        a->status = 404;
    json_decref(payload);
}

/* --- the keeper's user --- */

static enum rf_err
on_send(void *ctx, uint64_t serial, const struct rf_acme_certificate *conf, const struct rf_acme_request *request)
{
    struct world *w = ctx;

    rf_assert(w->pendings < 8);
    w->pending[w->pendings].serial = serial;
    w->pending[w->pendings].request = *request;
    w->pending[w->pendings++].body = rf_span_dup(request->body);
    return RF_OK;
}

static void
on_cancel(void *ctx, uint64_t serial)
{
    struct world *w = ctx;

    for (size_t i = 0; i < w->pendings; i++)
        if (w->pending[i].serial == serial)
            w->pending[i].serial = 0;
}

static void
on_show(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token, const char *authorization)
{
    struct world *w = ctx;

    snprintf(w->ca.shown, sizeof w->ca.shown, "%s", authorization);
}

static void
on_hide(void *ctx, enum rf_acme_challenge_kind kind, const char *name, const char *token)
{
    ((struct world *)ctx)->ca.shown[0] = '\0';
}

static enum rf_err
on_save(void *ctx, const char *kind, const char *name, struct rf_span value)
{
    struct world *w = ctx;
    char key[1024];

    if (w->disk_is_full)
        return RF_ERR_IO;
    w->saves++;
    snprintf(key, sizeof key, "%s %s", kind, name);
    json_object_set_new(w->store, key, json_stringn(value.p, value.n));
    return RF_OK;
}

static void
on_deploy(void *ctx, const char *label)
{
    ((struct world *)ctx)->deploys++;
}

static void
keeper_start(struct world *w)
{
    const struct rf_acme_keeper_user user = { .ctx = w, .rand = &w->rand, .send = on_send, .cancel = on_cancel,
                                              .show = on_show, .hide = on_hide, .save = on_save, .deploy = on_deploy };
    const char *key;
    json_t *value;

    rf_assert(rf_acme_keeper_new(&w->keeper, &user) == RF_OK);
    json_object_foreach(w->store, key, value) {
        size_t space = rf_span_find(rf_span_str(key), ' ');

        rf_acme_keeper_load(w->keeper, rf_span(key, space), rf_span_str(key + space + 1),
                            rf_span_str(json_string_value(value)));
    }
    rf_assert(rf_acme_keeper_set(w->keeper, w->conf, w->confs, wall(w)) == RF_OK);
}

static struct world *
world_new(void)
{
    struct world *w = calloc(1, sizeof *w);

    ca_init(&w->ca);
    w->store = json_object();
    w->seed = 7;
    w->rand = (struct rf_rand){ rf_rand_seeded_fill, &w->seed };
    w->now_us = RF_S;
    w->conf = calloc(1, sizeof *w->conf);
    w->confs = 1;
    snprintf(w->conf->label, sizeof w->conf->label, "web");
    snprintf(w->conf->directory, sizeof w->conf->directory, BASE "/dir");
    snprintf(w->conf->name[0], RF_ACME_NAME_MAX, "pbx.example.test");
    w->conf->names = 1;
    w->conf->wants[RF_ACME_ECDSA] = true;
    keeper_start(w);
    return w;
}

static void
drop_pending(struct world *w)
{
    for (size_t i = 0; i < w->pendings; i++)
        free(w->pending[i].body);
    w->pendings = 0;
}

static void
world_free(struct world *w)
{
    rf_acme_keeper_free(w->keeper);
    drop_pending(w);
    EVP_PKEY_free(w->ca.key);
    X509_free(w->ca.root);
    json_decref(w->store);
    free(w->conf);
    free(w);
}

/* As after kill -9: only what was saved is left. */
static void
restart(struct world *w)
{
    rf_acme_keeper_free(w->keeper);
    drop_pending(w);
    keeper_start(w);
}

static void
answer_first(struct world *w)
{
    struct ca *ca = &w->ca;
    struct rf_acme_request request = w->pending[0].request;
    uint64_t serial = w->pending[0].serial;
    char *body = w->pending[0].body, nonce[32];
    static struct answer a;
    struct rf_acme_response r;

    memmove(w->pending, w->pending + 1, --w->pendings * sizeof w->pending[0]);
    ca->requests++;
    snprintf(nonce, sizeof nonce, "nonce%u", ++ca->nonce);
    if (ca->silent > 0) {
        ca->silent--;
        r = (struct rf_acme_response){ .failure = "connection refused" };
    } else {
        if (ca->server_errors > 0) {
            ca->server_errors--;
            a = (struct answer){ .status = 500 };
        } else if (request.method == RF_ACME_POST && ca->bad_nonces > 0) {
            ca->bad_nonces--;
            a = (struct answer){ .status = 400, .body = "{\"type\":\"urn:ietf:params:acme:error:badNonce\"}" };
        } else {
            ca_answer(ca, &request, body, wall(w), &a);
        }
        r = (struct rf_acme_response){ .status = a.status, .body = rf_span_str(a.body), .nonce = rf_span_str(nonce),
                                       .location = rf_span_str(a.location), .retry_after = rf_span_str(a.retry) };
    }
    free(body);
    if (serial != 0)
        rf_acme_keeper_answer(w->keeper, serial, &r, w->now_us, wall(w) + w->wall_offset_s);
}

/* Let so much time pass. A request takes 50 ms. */
static void
elapse(struct world *w, int64_t seconds)
{
    uint64_t end_us = w->now_us + (uint64_t)seconds * RF_S;

    while (w->now_us < end_us) {
        uint64_t next_us = rf_acme_keeper_tick(w->keeper, w->now_us, wall(w) + w->wall_offset_s);

        rf_assert(next_us > w->now_us); /* never a busy loop */
        if (w->pendings > 0) {
            w->now_us += 50 * RF_MS;
            answer_first(w);
        } else {
            w->now_us = next_us < end_us ? next_us : end_us;
        }
    }
}

static json_t *
row(struct world *w)
{
    json_t *list = rf_acme_keeper_list(w->keeper, wall(w)), *r = json_incref(json_array_get(list, 0));

    json_decref(list);
    return r;
}

static int64_t
number(struct world *w, const char *key)
{
    json_t *r = row(w);
    int64_t v = json_integer_value(json_object_get(r, key));

    json_decref(r);
    return v;
}

static bool
problem_has(struct world *w, const char *text)
{
    json_t *r = row(w);
    bool has = strstr(json_string_value(json_object_get(r, "problem")), text) != NULL;

    if (!has)
        diag("problem: %s", json_string_value(json_object_get(r, "problem")));
    json_decref(r);
    return has;
}

/* --- plays --- */

static void
a_year(void)
{
    struct world *w = world_new();

    elapse(w, 60);
    ok(w->ca.issued == 1 && w->deploys == 1 && w->ca.accounts == 1, "IPC-30 a certificate is issued at once");
    ok(w->ca.shown[0] == '\0', "and nothing is shown to the authority any more");
    elapse(w, 59 * DAY_S);
    ok(w->ca.issued == 1, "IPC-31 nothing happens for two thirds of its life");
    elapse(w, 2 * DAY_S);
    ok(w->ca.issued == 2 && w->deploys == 2, "IPC-31 then it is renewed");
    elapse(w, 300 * DAY_S);
    ok(w->ca.issued == 7 && w->ca.accounts == 1, "IPC-31 every 60 days, with one account (%u)", w->ca.issued);
    w->ca.life_s = 6 * DAY_S;
    elapse(w, 60 * DAY_S);
    ok(number(w, "not_after") - number(w, "not_before") == 6 * DAY_S, "the authority now gives six days");
    w->ca.issued = 0;
    elapse(w, 30 * DAY_S);
    ok(w->ca.issued == 10, "IPC-31 which is renewed at half of its life (%u in 30 days)", w->ca.issued);
    world_free(w);
}

static void
minutes(void)
{
    struct world *w = world_new();

    w->ca.life_s = 240;
    elapse(w, 3600);
    ok(w->ca.issued >= 29 && w->ca.issued <= 31, "IPC-31 a life of four minutes is renewed every two (%u in an hour)",
       w->ca.issued);
    world_free(w);
}

static void
bad_nonces(void)
{
    struct world *w = world_new();

    w->ca.bad_nonces = 6;
    elapse(w, 60);
    ok(w->ca.issued == 1 && number(w, "failures") == 0, "bad nonces are no failure");
    w->ca.bad_nonces = 1000000;
    rf_assert(rf_acme_keeper_renew(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    w->ca.requests = 0;
    elapse(w, 30);
    ok(number(w, "failures") == 1 && w->ca.requests < 60, "an authority that takes no nonce is given up on (%u requests)",
       w->ca.requests);
    world_free(w);
}

static void
silence(void)
{
    struct world *w = world_new();

    w->ca.silent = 2;
    elapse(w, 60);
    ok(w->ca.issued == 1 && number(w, "failures") == 0, "two requests without an answer are no failure");
    w->ca.server_errors = 2;
    elapse(w, 60 * DAY_S + 120);
    ok(w->ca.issued == 2 && number(w, "failures") == 0, "nor are two errors of the server");
    w->ca.silent = 1000000;
    w->ca.requests = 0;
    elapse(w, 70 * DAY_S);
    ok(number(w, "failures") > 5 && problem_has(w, "cannot be reached: connection refused"),
       "an authority that is down for weeks is a failure with its reason");
    ok(w->ca.requests < 1000, "which costs a bounded number of requests (%u in 70 days)", w->ca.requests);
    ok(w->deploys == 2, "K1 the old certificate stays");
    w->ca.silent = 0;
    elapse(w, DAY_S);
    ok(w->ca.issued == 3 && number(w, "failures") == 0, "and it is renewed within a day when the authority is back");
    world_free(w);
}

static void
rate_limit(void)
{
    struct world *w = world_new();

    w->ca.rate_limited_s = 40000;
    elapse(w, 39000);
    ok(w->ca.orders == 1 && number(w, "failures") == 1 && problem_has(w, "too many"), "a rate limit is respected");
    restart(w);
    elapse(w, 500);
    ok(w->ca.orders == 1, "K4 a restart is no way around it");
    w->ca.rate_limited_s = 0;
    elapse(w, 6000);
    ok(w->ca.issued == 1, "when it is over there is a certificate");
    world_free(w);
}

static void
backoff(void)
{
    struct world *w = world_new();
    int64_t gap[8];

    w->ca.refusal = "rejectedIdentifier";
    elapse(w, 3 * DAY_S);
    for (unsigned i = 0; i < 7; i++)
        gap[i] = w->ca.order_times[i + 1] - w->ca.order_times[i];
    ok(w->ca.orders >= 9 && w->ca.orders < 20, "a refusal is asked for again less and less often (%u in 3 days)",
       w->ca.orders);
    ok(gap[0] >= 200 && gap[0] <= 400 && gap[3] > 2 * gap[0] && gap[6] > 4 * gap[3], "from five minutes, doubling");
    ok(problem_has(w, "no, because"), "with the words of the authority");
    w->ca.refusal = NULL;
    rf_assert(rf_acme_keeper_renew(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    elapse(w, 30);
    ok(w->ca.issued == 1, "by command it is tried at once");
    world_free(w);
}

static void
invalid(void)
{
    struct world *w = world_new();

    w->ca.authz_invalid = true;
    elapse(w, 30);
    ok(number(w, "failures") == 1 && w->ca.shown[0] == '\0', "a proof that fails is a failure, and nothing stays shown");
    w->ca.authz_invalid = false;
    elapse(w, 900);
    ok(w->ca.issued == 1 && w->ca.orders == 2, "the next try is a new order");
    w->ca.never_valid = true;
    rf_assert(rf_acme_keeper_renew(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    w->ca.requests = 0;
    elapse(w, 3600);
    ok(number(w, "failures") >= 1 && w->ca.requests < 400 && problem_has(w, "in time"),
       "an authority that never decides is given up on (%u requests)", w->ca.requests);
    world_free(w);
    w = world_new();
    w->ca.token = "../../../../../etc/passwd/......";
    elapse(w, 30);
    ok(number(w, "failures") == 1 && w->ca.issued == 0, "a token that is none is refused (RFC 8555 8.1)");
    world_free(w);
    w = world_new();
    w->ca.wrong_key = true;
    elapse(w, 30);
    ok(w->ca.issued == 1 && w->deploys == 0 && problem_has(w, "not for our key"),
       "K1 a certificate for another key is not shown");
    world_free(w);
    w = world_new();
    w->ca.wants_terms = true;
    elapse(w, 30);
    ok(w->ca.accounts == 0 && problem_has(w, "terms of service to be agreed to: " BASE "/terms"),
       "no account without the agreement of a person");
    world_free(w);
}

static void
windows(void)
{
    struct world *w = world_new();
    unsigned asks;

    w->ca.has_windows = true;
    w->ca.retry_after_s = 21600;
    w->ca.window_start_s = wall(w) + 20 * DAY_S;
    w->ca.window_end_s = wall(w) + 22 * DAY_S;
    elapse(w, 19 * DAY_S);
    asks = w->ca.window_asks;
    ok(asks >= 70 && asks <= 80, "RFC 9773 the window is asked for every six hours, as told (%u in 19 days)", asks);
    ok(w->ca.issued == 1, "nothing is renewed before it");
    elapse(w, 4 * DAY_S);
    ok(w->ca.issued >= 2 && w->ca.replaced >= 1, "IPC-31 it is renewed within it, and says what it replaces");
    w->ca.issued = 0;
    w->ca.window_start_s = wall(w) - 2 * DAY_S;
    w->ca.window_end_s = wall(w) - DAY_S;
    elapse(w, DAY_S);
    ok(w->ca.issued == 1, "a window that is past means now: the authority is about to revoke");
    elapse(w, 5 * DAY_S);
    ok(w->ca.issued <= 7, "but for a certificate of today it means tomorrow, not for ever (%u in 5 days)", w->ca.issued);
    w->ca.window_start_s = wall(w) + 300 * DAY_S;
    w->ca.window_end_s = wall(w) + 400 * DAY_S;
    w->ca.issued = 0;
    elapse(w, 85 * DAY_S);
    ok(w->ca.issued == 1, "a window behind its end is not waited for");
    w->ca.refuses_replaces = true;
    rf_assert(rf_acme_keeper_renew(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    elapse(w, 60);
    ok(w->ca.issued == 2 && number(w, "failures") == 0, "an authority that does not want `replaces` is asked without");
    world_free(w);
}

static void
profiles(void)
{
    struct world *w = world_new();

    snprintf(w->conf->profile, sizeof w->conf->profile, "shortlived");
    w->ca.profiles = "\"profiles\":{\"classic\":\"a\",\"shortlived\":\"b\"}";
    restart(w);
    elapse(w, 30);
    ok(w->ca.issued == 1 && strcmp(w->ca.last_profile, "shortlived") == 0, "a profile is asked for");
    world_free(w);
    w = world_new();
    snprintf(w->conf->profile, sizeof w->conf->profile, "shortlived");
    restart(w);
    elapse(w, 30);
    ok(w->ca.orders == 0 && problem_has(w, "no profile shortlived"), "one that the authority does not have is not");
    world_free(w);
}

/* After every request the process dies once: each time the next one ends what was begun. */
static void
restarts(void)
{
    unsigned worst = 0;

    for (unsigned at = 1; at < 14; at++) {
        struct world *w = world_new();

        for (unsigned i = 0; i < at; i++) {
            (void)rf_acme_keeper_tick(w->keeper, w->now_us, wall(w));
            w->now_us += 2 * RF_S;
            if (w->pendings > 0)
                answer_first(w);
        }
        restart(w);
        elapse(w, 120);
        if (number(w, "failures") != 0 || w->deploys < 1 || w->ca.orders > 2)
            ok(false, "K2 killed after %u requests: %u orders, %u deployed", at, w->ca.orders, w->deploys);
        worst = w->ca.orders > worst ? w->ca.orders : worst;
        world_free(w);
    }
    ok(worst == 1, "K2 killed after any request, the order goes on: never a second one (%u)", worst);
}

static void
full_disk(void)
{
    struct world *w = world_new();

    elapse(w, 30);
    w->disk_is_full = true;
    elapse(w, 70 * DAY_S);
    ok(w->ca.issued == 1 && w->deploys == 1 && number(w, "failures") > 0,
       "K2 with a full disk no order is made whose key would be lost");
    w->disk_is_full = false;
    elapse(w, DAY_S);
    ok(w->ca.issued == 2 && w->deploys == 2, "and with room it is renewed");
    world_free(w);
}

static void
keys_and_names(void)
{
    struct world *w = world_new();
    json_t *before, *after;

    elapse(w, 30);
    rf_assert(rf_acme_keeper_new_account_key(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    elapse(w, 30);
    ok(w->ca.key_changes == 1 && number(w, "failures") == 0, "the account's key is changed");
    rf_assert(rf_acme_keeper_revoke(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    elapse(w, 30);
    ok(w->ca.revocations == 1 && w->ca.issued == 2, "what is revoked is replaced");
    before = json_deep_copy(w->store);
    snprintf(w->conf->label, sizeof w->conf->label, "other");
    rf_assert(rf_acme_keeper_set(w->keeper, w->conf, 1, wall(w)) == RF_OK);
    elapse(w, 30);
    ok(w->ca.issued == 3 && w->ca.accounts == 1, "another block has another certificate and the same account");
    after = json_object_get(w->store, RF_ACME_ITEM_CERTIFICATE " web/ecdsa");
    ok(json_equal(after, json_object_get(before, RF_ACME_ITEM_CERTIFICATE " web/ecdsa")),
       "that of a block that is gone stays in the store as it was");
    json_decref(before);
    rf_assert(rf_acme_keeper_set(w->keeper, NULL, 0, wall(w)) == RF_OK);
    w->ca.requests = 0;
    elapse(w, 400 * DAY_S);
    ok(w->ca.requests == 0, "without a block nothing is asked");
    world_free(w);
}

static void
wrong_clock(void)
{
    struct world *w = world_new();

    w->wall_offset_s = 200 * DAY_S;
    elapse(w, 30);
    ok(w->ca.issued == 1 && w->deploys == 0 && problem_has(w, "by this machine's clock"),
       "RF-705 what has ended by our own clock is not shown, and the clock is named");
    w->wall_offset_s = -30 * DAY_S;
    restart(w);
    rf_assert(rf_acme_keeper_renew(w->keeper, RF_SPAN_LIT("web")) == RF_OK);
    elapse(w, 30);
    ok(w->deploys == 1, "a clock that is late does not stand in the way");
    world_free(w);
}

int
main(void)
{
    a_year();
    minutes();
    bad_nonces();
    silence();
    rate_limit();
    backoff();
    invalid();
    windows();
    profiles();
    restarts();
    full_disk();
    keys_and_names();
    wrong_clock();
    return tap_done();
}
