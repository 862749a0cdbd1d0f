/*
 * Bindings, as plays in virtual time: RFC 3261 10.3, RFC 3327, RFC 5626; and with a store behind them: what was
 * acknowledged is there after a restart, and what failed is undone.
 */
#include "registrar/location.h"

#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "registrar/table.h"
#include "sip/write.h"
#include "tap.h"

static uint64_t seed = 7;
static const struct rf_rand repeatable = { rf_rand_seeded_fill, &seed };
static const struct rf_location_limits limits = { 60, 3600, 1800, 3, 1000 };

#define T0 1800000000ll /* wall clock at the start of every play */

/* --- requests ------------------------------------------------------------------------------------------ */

static const struct rf_flow_ops no_ops;
static struct rf_flow flows[5]; /* 0 UDP, the others TLS connections */

static void
make_flows(void)
{
    for (int i = 0; i < 5; i++) {
        flows[i] = (struct rf_flow){ .ops = &no_ops, .refs = 1, .transport = i == 0 ? RF_UDP : RF_TLS, .id = 100 + (uint64_t)i,
                                     .worker = (uint16_t)i, .listener = "sip" };
        rf_assert(rf_addr_parse(RF_SPAN_LIT("192.0.2.7"), (uint16_t)(5060 + i), &flows[i].remote) == RF_OK);
    }
}

/* A REGISTER whose differences are in `headers`; parsed in place of the one before. NULL: refused by the parser. */
static const struct rf_sip_msg *
request(const char *call_id, uint32_t cseq, const char *headers)
{
    static _Thread_local char mem[16384];
    static _Thread_local struct rf_sip_msg msg;
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_sip_problem problem;

    rf_putf(&b,
            "REGISTER sip:office.example SIP/2.0\r\n%sVia: SIP/2.0/TLS 192.0.2.7;branch=z9hG4bK1\r\n"
            "From: <sip:201@office.example>;tag=1\r\nTo: <sip:201@office.example>\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\n"
            "User-Agent: Phone 1.0\r\n%sContent-Length: 0\r\n\r\n",
            strstr(headers, "Path:") != NULL || strstr(headers, "X-Hop:") != NULL
                ? "Via: SIP/2.0/TLS proxy.example;branch=z9hG4bK2\r\n" : "",
            call_id, (unsigned)cseq, headers);
    if (rf_sip_msg_parse(&msg, rf_buf_span(&b), &problem) == RF_OK)
        return &msg;
    rf_assert(problem.status == 400);
    return NULL;
}

/* What can be reached: "sip:a@x#2 sip:b@x" with the flow's number behind #, none when it is gone. */
static const char *
reachable(struct rf_location *l, const char *aor, int64_t now_s)
{
    static struct rf_binding found[16];
    static char text[4096];
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    size_t n = rf_location_find(l, rf_span_str(aor), now_s, found, 16);

    for (size_t i = 0; i < n; i++) {
        rf_putf(&b, "%s%s", i > 0 ? " " : "", found[i].contact);
        if (found[i].flow_id != 0)
            rf_putf(&b, "#%d", (int)found[i].flow_id - 100);
    }
    text[b.n] = '\0';
    return text;
}

/* --- plays --------------------------------------------------------------------------------------------- */

struct step {
    int at_s;
    int flow;            /* -1 - n: flow n is gone, nothing is sent */
    const char *call_id;
    uint32_t cseq;
    const char *headers;
    int status;
    const char *left;    /* what can be reached afterwards */
    const char *answer;  /* a part of the 200's lines, NULL: any */
};

#define C(uri, params) "Contact: <" uri ">" params "\r\n"
#define INSTANCE ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""

static const struct play {
    const char *what;
    struct step steps[12];
} plays[] = {
    { "RFC 3261 10.3: add, refresh, remove, fetch",
      { { 0, 0, "a", 1, C("sip:201@1.1.1.1", ""), 200, "sip:201@1.1.1.1#0", "Contact: <sip:201@1.1.1.1>;expires=1800" },
        { 10, 0, "a", 2, C("sip:201@1.1.1.1", ";expires=600"), 200, "sip:201@1.1.1.1#0", ";expires=600" },
        { 20, 0, "a", 3, "", 200, "sip:201@1.1.1.1#0", "Contact: <sip:201@1.1.1.1>;expires=590" },
        { 609, 0, "a", 4, "", 200, "sip:201@1.1.1.1#0", ";expires=1\r\n" },
        { 610, 0, "a", 5, "", 200, "", "Supported: path, outbound" },
        { 611, 0, "a", 6, C("sip:201@1.1.1.1", ""), 200, "sip:201@1.1.1.1#0", NULL },
        { 612, 0, "a", 7, C("sip:201@1.1.1.1", ";expires=0"), 200, "", NULL },
        { 613, 0, "a", 8, C("sip:201@1.1.1.1", ";expires=0"), 200, "", NULL } } },
    { "RFC 3261 10.2.1.1: where the time comes from",
      { { 0, 0, "a", 1, C("sip:a@1.1.1.1", "") "Expires: 300\r\n", 200, "sip:a@1.1.1.1#0", ";expires=300" },
        { 0, 0, "a", 2, C("sip:a@1.1.1.1", ";expires=400") "Expires: 300\r\n", 200, "sip:a@1.1.1.1#0", ";expires=400" },
        { 0, 0, "a", 3, C("sip:a@1.1.1.1", "") "Expires: soon\r\n", 200, "sip:a@1.1.1.1#0", ";expires=3600" },
        { 0, 0, "a", 4, C("sip:a@1.1.1.1", ";expires=99999999999") , 200, "sip:a@1.1.1.1#0", ";expires=3600" },
        { 0, 0, "a", 5, C("sip:a@1.1.1.1", ";expires=7200"), 200, "sip:a@1.1.1.1#0", ";expires=3600" } } },
    { "RFC 3261 10.3: 423 with Min-Expires",
      { { 0, 0, "a", 1, C("sip:a@1.1.1.1", ";expires=59"), 423, "", NULL },
        { 0, 0, "a", 2, C("sip:a@1.1.1.1", ";expires=60"), 200, "sip:a@1.1.1.1#0", ";expires=60" },
        { 1, 0, "a", 3, C("sip:a@1.1.1.1", "") C("sip:b@1.1.1.1", ";expires=1"), 423, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "a", 4, C("sip:a@1.1.1.1", ";expires=0"), 200, "", NULL } } },
    { "RFC 3261 10.3: requests out of order",
      { { 0, 0, "a", 5, C("sip:a@1.1.1.1", ""), 200, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "a", 5, C("sip:a@1.1.1.1", ";expires=0"), 500, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "a", 4, C("sip:a@1.1.1.1", ";expires=0"), 500, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "b", 1, C("sip:a@1.1.1.1", ";expires=600"), 200, "sip:a@1.1.1.1#0", ";expires=600" },
        { 1, 0, "b", 1, "Contact: *\r\nExpires: 0\r\n", 500, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "b", 2, "Contact: *\r\nExpires: 0\r\n", 200, "", NULL } } },
    { "RFC 3261 10.3: a request is done whole or not at all",
      { { 0, 0, "a", 5, C("sip:a@1.1.1.1", ""), 200, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "a", 5, C("sip:b@1.1.1.1", "") C("sip:a@1.1.1.1", ""), 500, "sip:a@1.1.1.1#0", NULL },
        { 1, 0, "a", 6, C("sip:b@1.1.1.1", "") "m: <sip:a@1.1.1.1>;expires=0\r\n", 200, "sip:b@1.1.1.1#0", NULL },
        { 1, 0, "a", 7, "Contact: <sip:c@1.1.1.1>;q=0.5, <sip:d@1.1.1.1>;q=0.9\r\n", 200,
          "sip:b@1.1.1.1#0 sip:d@1.1.1.1#0 sip:c@1.1.1.1#0", ";q=0.900" } } },
    { "RFC 3261 10.3: Contact *",
      { { 0, 0, "a", 1, C("sip:a@1.1.1.1", "") C("sip:b@1.1.1.1", ""), 200, "sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "a", 2, "Contact: *\r\n", 400, "sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "a", 3, "Contact: *\r\nExpires: 1\r\n", 400, "sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "a", 4, "Contact: *, <sip:c@1.1.1.1>\r\nExpires: 0\r\n", 400, "sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "a", 5, "Contact: *\r\nExpires: zero\r\n", 400, "sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "c", 1, "Contact: *\r\nExpires: 0\r\n", 200, "", NULL },
        { 0, 0, "c", 2, "Contact: *\r\nExpires: 0\r\n", 200, "", NULL } } },
    { "RFC 3261 19.1.4: the same contact in other letters",
      { { 0, 0, "a", 1, C("sip:a@Host.Example;transport=TLS", ""), 200, "sip:a@Host.Example;transport=TLS#0", NULL },
        { 0, 0, "a", 2, C("sip:%61@host.example;transport=tls", ""), 200, "sip:%61@host.example;transport=tls#0", NULL },
        { 0, 0, "a", 3, C("sip:A@host.example;transport=tls", ""), 200,
          "sip:A@host.example;transport=tls#0 sip:%61@host.example;transport=tls#0", NULL },
        { 0, 0, "a", 4, C("sip:a@host.example", ""), 200,
          "sip:a@host.example#0 sip:A@host.example;transport=tls#0 sip:%61@host.example;transport=tls#0", NULL } } },
    { "a contact that is said twice counts once",
      { { 0, 0, "a", 1, C("sip:a@1.1.1.1", ";expires=0") C("sip:a@1.1.1.1", ";expires=100"), 200, "sip:a@1.1.1.1#0", ";expires=100" },
        { 0, 0, "a", 2, C("sip:a@1.1.1.1", ";expires=100") C("sip:a@1.1.1.1", ";expires=0"), 200, "", NULL } } },
    { "registrar.bindings-max",
      { { 0, 0, "a", 1, C("sip:a@1.1.1.1", "") C("sip:b@1.1.1.1", "") C("sip:c@1.1.1.1", ""), 200,
          "sip:c@1.1.1.1#0 sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "a", 2, C("sip:d@1.1.1.1", ""), 403, "sip:c@1.1.1.1#0 sip:b@1.1.1.1#0 sip:a@1.1.1.1#0", NULL },
        { 0, 0, "a", 3, C("sip:a@1.1.1.1", ""), 200, "sip:a@1.1.1.1#0 sip:c@1.1.1.1#0 sip:b@1.1.1.1#0", NULL },
        { 0, 0, "a", 4, C("sip:d@1.1.1.1", "") C("sip:a@1.1.1.1", ";expires=0"), 200,
          "sip:d@1.1.1.1#0 sip:c@1.1.1.1#0 sip:b@1.1.1.1#0", NULL },
        { 1800, 0, "a", 5, C("sip:e@1.1.1.1", ""), 200, "sip:e@1.1.1.1#0", NULL } } },
    { "contacts that cannot be",
      { { 0, 0, "a", 1, C("mailto:a@example.com", ""), 400, "", NULL },
        { 0, 0, "a", 2, C("tel:+15551234", ""), 400, "", NULL },
        { 0, 0, "a", 3, C("sip:a@1.1.1.1", ";q=1.5"), 400, "", NULL },
        { 0, 0, "a", 4, C("sip:a@1.1.1.1?Route=%3Csip:x%3E", ";feature=new"), 200, "sip:a@1.1.1.1?Route=%3Csip:x%3E#0", NULL } } },
    { "RFC 3327: Path is stored and goes back",
      { { 0, 1, "a", 1, C("sip:a@1.1.1.1", "") "Path: <sip:p2.example;lr>, <sip:p1.example;lr>\r\nSupported: path\r\n", 200,
          "sip:a@1.1.1.1#1", "Path: <sip:p2.example;lr>, <sip:p1.example;lr>\r\n" } } },
    { "RFC 5626 6: a phone that connects anew replaces its flow",
      { { 0, 1, "a", 1, C("sip:a@1.1.1.1:1000", INSTANCE ";reg-id=1") "Supported: outbound, path\r\n", 200,
          "sip:a@1.1.1.1:1000#1", "Require: outbound" },
        { 1, -2, NULL, 0, NULL, 0, "sip:a@1.1.1.1:1000", NULL },
        { 2, 2, "b", 1, C("sip:a@1.1.1.1:2000", INSTANCE ";reg-id=1") "Supported: outbound, path\r\n", 200,
          "sip:a@1.1.1.1:2000#2", ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1" },
        { 3, -2, NULL, 0, NULL, 0, "sip:a@1.1.1.1:2000#2", NULL },
        { 4, 2, "b", 2, C("sip:a@1.1.1.1:2000", INSTANCE ";reg-id=1;expires=0"), 200, "", NULL } } },
    { "RFC 5626 7: two flows of one phone, one of them is used at a time",
      { { 0, 1, "a", 1, C("sip:a@1.1.1.1:1000", INSTANCE ";reg-id=1"), 200, "sip:a@1.1.1.1:1000#1", NULL },
        { 0, 2, "a", 2, C("sip:a@1.1.1.1:2000", INSTANCE ";reg-id=2"), 200, "sip:a@1.1.1.1:2000#2", "reg-id=1" },
        { 1, -3, NULL, 0, NULL, 0, "sip:a@1.1.1.1:1000#1", NULL },
        { 2, 3, "a", 3, C("sip:a@1.1.1.1:3000", INSTANCE ";reg-id=2"), 200, "sip:a@1.1.1.1:3000#3", NULL },
        { 3, 4, "x", 1, C("sip:b@1.1.1.2:4000", ""), 200, "sip:b@1.1.1.2:4000#4 sip:a@1.1.1.1:3000#3", NULL } } },
    { "RFC 5626 6: reg-id without instance, and one of two contacts",
      { { 0, 1, "a", 1, C("sip:a@1.1.1.1", ";reg-id=1"), 200, "sip:a@1.1.1.1#1", "Contact: <sip:a@1.1.1.1>;expires=1800\r\n" },
        { 0, 1, "a", 2, C("sip:a@1.1.1.1", INSTANCE ";reg-id=1") C("sip:b@1.1.1.1", ""), 400, "sip:a@1.1.1.1#1", NULL } } },
    { "RFC 5626 6: behind a proxy that does not keep connections",
      { { 0, 1, "a", 1, C("sip:a@1.1.1.1", INSTANCE ";reg-id=1") "Supported: outbound\r\nX-Hop: 1\r\n", 439, "", NULL },
        { 0, 1, "a", 2, C("sip:a@1.1.1.1", INSTANCE ";reg-id=1") "Path: <sip:p.example;lr>\r\nSupported: outbound\r\n", 439, "", NULL },
        { 0, 1, "a", 3, C("sip:a@1.1.1.1", INSTANCE ";reg-id=1") "Path: <sip:p.example;lr>\r\n", 200, "sip:a@1.1.1.1#1",
          "8000-000A95A0E128>\"\r\n" },
        { 0, 1, "a", 4, C("sip:a@1.1.1.1", INSTANCE ";reg-id=1") "Path: <sip:p.example;lr;ob>\r\nSupported: outbound\r\n", 200,
          "sip:a@1.1.1.1#1 sip:a@1.1.1.1#1", "Require: outbound" } } },
    { "a phone with an instance and without reg-id, whose connection is gone",
      { { 0, 1, "a", 1, C("sip:a@1.1.1.1:1000", INSTANCE), 200, "sip:a@1.1.1.1:1000#1", NULL },
        { 1, 2, "b", 1, C("sip:a@1.1.1.1:2000", INSTANCE), 200, "sip:a@1.1.1.1:2000#2 sip:a@1.1.1.1:1000#1", NULL },
        { 2, -2, NULL, 0, NULL, 0, "sip:a@1.1.1.1:2000#2 sip:a@1.1.1.1:1000", NULL },
        { 3, 3, "c", 1, C("sip:a@1.1.1.1:3000", INSTANCE), 200, "sip:a@1.1.1.1:3000#3 sip:a@1.1.1.1:2000#2", NULL } } },
};

static void
play(const struct play *p)
{
    struct rf_location *l = NULL;

    seed = 7;
    if (rf_location_new(&l, NULL, &repeatable, &limits) != RF_OK)
        abort();
    for (size_t i = 0; i < 12 && p->steps[i].left != NULL; i++) {
        const struct step *st = &p->steps[i];
        struct rf_register_result r = { .status = 0, .sentence = "" };
        int64_t now_s = T0 + st->at_s;
        static char mem[8192];
        struct rf_buf b = rf_buf(mem, sizeof mem - 1);
        bool passed;

        if (st->flow < 0) {
            rf_location_flow_gone(l, flows[-1 - st->flow].id);
        } else {
            const struct rf_sip_msg *msg = request(st->call_id, st->cseq, st->headers);

            if (msg == NULL)
                r = (struct rf_register_result){ .status = 400, .sentence = "refused by the parser" };
            else
                rf_location_register(l, RF_SPAN_LIT("201"), msg, &flows[st->flow], now_s, NULL, NULL, 0, &r);
            if (r.status == 200)
                rf_location_put_contacts(l, RF_SPAN_LIT("201"), msg, now_s, &b);
        }
        mem[b.n] = '\0';
        passed = r.status == st->status && strcmp(reachable(l, "201", now_s), st->left) == 0 &&
                 (st->answer == NULL || strstr(mem, st->answer) != NULL) && !r.waits_for_store && !b.overflow &&
                 (r.status == 200 || r.status == 0 || r.sentence[0] != '\0') && (r.status != 423 || r.min_expires_s == 60);
        ok(passed, "%s: step %zu: %d %s", p->what, i + 1, r.status, r.sentence);
        if (!passed)
            diag("left %s\n# answer %s", reachable(l, "201", now_s), mem);
    }
    rf_location_free(l);
}

/* --- what a binding holds ------------------------------------------------------------------------------ */

static void
contents(void)
{
    struct rf_location *l = NULL;
    struct rf_binding b[4];
    struct rf_register_result r;
    char text[RF_ADDR_TEXT_MAX];

    if (rf_location_new(&l, NULL, &repeatable, &limits) != RF_OK)
        abort();
    rf_location_register(l, RF_SPAN_LIT("201"),
                         request("call", 9, C("sip:201@10.0.0.5:1234;transport=tls", INSTANCE ";reg-id=1;q=0.7")
                                 "Path: <sip:p2.example;lr;ob>\r\nPath: <sip:p1.example;lr>\r\n"),
                         &flows[3], T0, NULL, NULL, 0, &r);
    ok(rf_location_find(l, RF_SPAN_LIT("201"), T0, b, 4) == 1 && strcmp(b[0].contact, "sip:201@10.0.0.5:1234;transport=tls") == 0 &&
           strcmp(b[0].path, "<sip:p2.example;lr;ob>, <sip:p1.example;lr>") == 0 &&
           strcmp(b[0].instance, "urn:uuid:00000000-0000-1000-8000-000A95A0E128") == 0 && b[0].reg_id == 1 &&
           strcmp(b[0].call_id, "call") == 0 && b[0].cseq == 9 && b[0].q == 700 && b[0].expires_s == T0 + 1800 &&
           b[0].transport == RF_TLS && strcmp(rf_addr_text(&b[0].source, text), "192.0.2.7:5063") == 0 &&
           b[0].flow_id == 103 && b[0].worker == 3 && strcmp(b[0].listener, "sip") == 0 &&
           strcmp(b[0].user_agent, "Phone 1.0") == 0,
       "a binding holds what the REGISTER said and whence it came");
    ok(rf_location_find(l, RF_SPAN_LIT("201"), T0 + 1799, b, 4) == 1 && rf_location_find(l, RF_SPAN_LIT("201"), T0 + 1800, b, 4) == 0,
       "it ends with its second");
    ok(rf_location_counts(l).bindings == 1, "until the sweep it stands in the table");
    for (int i = 0; i < RF_LOCATION_SHARDS; i++)
        rf_location_sweep(l, T0 + 1800);
    ok(rf_location_counts(l).bindings == 0 && rf_location_counts(l).aors == 0, "the sweep takes it out");
    rf_location_register(l, RF_SPAN_LIT(""), request("call", 9, C("sip:a@1.1.1.1", "")), &flows[0], T0, NULL, NULL, 0, &r);
    ok(r.status == 400, "an empty address of record");
    rf_location_free(l);
}

static void
too_many(void)
{
    struct rf_location *l = NULL;
    struct rf_location_limits few = limits;
    struct rf_register_result r;
    char headers[8192];
    struct rf_buf b = rf_buf(headers, sizeof headers - 1);

    few.aors_max = 2;
    if (rf_location_new(&l, NULL, &repeatable, &few) != RF_OK)
        abort();
    for (int i = 0; i < 3; i++) {
        char aor[8];

        snprintf(aor, sizeof aor, "20%d", i);
        rf_location_register(l, rf_span_str(aor), request("a", 1, C("sip:a@1.1.1.1", "")), &flows[0], T0, NULL, NULL, 0, &r);
    }
    ok(r.status == 503 && rf_location_counts(l).aors == 2, "a third user where two are allowed: %s", r.sentence);
    rf_put_str(&b, "Contact: ");
    for (int i = 0; i < 65; i++)
        rf_putf(&b, "%s<sip:a%d@1.1.1.1>", i > 0 ? ", " : "", i);
    rf_put_str(&b, "\r\n");
    headers[b.n] = '\0';
    rf_location_register(l, RF_SPAN_LIT("200"), request("b", 1, headers), &flows[0], T0, NULL, NULL, 0, &r);
    ok(r.status == 400, "65 contacts in one request: %s", r.sentence);
    b.n = 0;
    rf_put_str(&b, "Contact: <sip:");
    for (int i = 0; i < 520; i++)
        rf_put_char(&b, 'a');
    rf_put_str(&b, "@1.1.1.1>\r\n");
    headers[b.n] = '\0';
    rf_location_register(l, RF_SPAN_LIT("200"), request("b", 2, headers), &flows[0], T0, NULL, NULL, 0, &r);
    ok(r.status == 400, "a contact of 530 octets: %s", r.sentence);
    rf_location_free(l);
}

/* --- with a store -------------------------------------------------------------------------------------- */

static char dir[64];

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return remove(path);
}

static void
answered(void *ctx, uint64_t cookie, enum rf_err err)
{
    *(_Atomic int *)ctx = err == RF_OK ? 1 : 2;
}

static struct rf_store *
open_store(void)
{
    struct rf_store *s = NULL;
    char why[256];

    if (rf_store_open(&s, dir, why, sizeof why) != RF_OK) {
        diag("%s", why);
        abort();
    }
    return s;
}

static struct rf_location *
open_location(struct rf_store *s, int64_t now_s)
{
    struct rf_location *l = NULL;

    if (rf_location_new(&l, s, &rf_rand_system, &limits) != RF_OK || rf_location_load(l, now_s) != RF_OK)
        abort();
    return l;
}

/* Status, and behind it what the store said: 1 committed, 2 failed, 0 not asked. */
static int
register_stored(struct rf_location *l, struct rf_store *s, uint32_t cseq, const char *headers, int64_t now_s)
{
    _Atomic int answer = 0;
    struct rf_register_result r;
    enum rf_err flushed;

    rf_location_register(l, RF_SPAN_LIT("201"), request("a", cseq, headers), &flows[1], now_s, answered, &answer, 5, &r);
    flushed = rf_store_flush(s);
    if (r.waits_for_store != (answer != 0) || (flushed == RF_OK) != (answer != 2))
        return -1;
    return r.status * 10 + answer;
}

static void
restart(void)
{
    struct rf_store *s = open_store();
    struct rf_location *l = open_location(s, T0);
    struct rf_binding b[4];
    char text[RF_ADDR_TEXT_MAX];

    ok(register_stored(l, s, 1, C("sip:a@1.1.1.1", ";q=0.5") C("sip:b@1.1.1.1", ";expires=100"), T0) == 2001, "two bindings are committed");
    ok(register_stored(l, s, 2, "", T0) == 2000, "a fetch waits for nothing");
    ok(register_stored(l, s, 1, C("sip:a@1.1.1.1", ""), T0) == 5000, "nor does a refusal");
    rf_store_close(s);
    rf_location_free(l);

    s = open_store();
    l = open_location(s, T0 + 50);
    ok(strcmp(reachable(l, "201", T0 + 50), "sip:b@1.1.1.1 sip:a@1.1.1.1") == 0, "after a restart both are known, without flows");
    ok(rf_location_find(l, RF_SPAN_LIT("201"), T0 + 50, b, 4) == 2 && b[1].q == 500 && b[1].expires_s == T0 + 1800 && b[1].cseq == 1 &&
           strcmp(b[1].call_id, "a") == 0 && b[1].transport == RF_TLS &&
           strcmp(rf_addr_text(&b[1].source, text), "192.0.2.7:5061") == 0 && strcmp(b[1].user_agent, "Phone 1.0") == 0,
       "with all that the REGISTER said");
    ok(register_stored(l, s, 1, C("sip:a@1.1.1.1", ";expires=0"), T0 + 50) == 5000, "and the order of its requests still counts");
    ok(register_stored(l, s, 3, C("sip:a@1.1.1.1", ";expires=0"), T0 + 50) == 2001, "one is removed");
    rf_store_close(s);
    rf_location_free(l);

    s = open_store();
    l = open_location(s, T0 + 100);
    ok(strcmp(reachable(l, "201", T0 + 100), "") == 0, "after another restart it is gone, and the other one has expired");
    ok(register_stored(l, s, 4, C("sip:c@1.1.1.1", "") C("sip:d@1.1.1.1", ";expires=60"), T0 + 100) == 2001, "two more");
    ok(register_stored(l, s, 5, C("sip:c@1.1.1.1", ""), T0 + 200) == 2001, "of which one has expired at the other's refresh");
    ok(register_stored(l, s, 6, "Contact: *\r\nExpires: 0\r\n", T0 + 201) == 2001 && register_stored(l, s, 7, "Contact: *\r\nExpires: 0\r\n", T0 + 202) == 2000,
       "all are removed once");
    rf_store_close(s);
    rf_location_free(l);
    s = open_store();
    l = open_location(s, T0 + 203);
    ok(rf_location_counts(l).aors == 0, "and stay so");
    rf_store_close(s);
    rf_location_free(l);
}

static bool
count_rows(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t at_s)
{
    ++*(int *)ctx;
    return true;
}

/* A disk that takes nothing: the phone is told, and memory goes back to what is on disk. */
static void
failed_commit(void)
{
    struct rf_store *s = open_store();
    struct rf_location *l = open_location(s, T0);
    struct rlimit before, none = { 0, 0 };
    int rows = 0;

    signal(SIGXFSZ, SIG_IGN);
    ok(register_stored(l, s, 11, C("sip:old@1.1.1.1", ""), T0) == 2001, "a binding is committed");
    getrlimit(RLIMIT_FSIZE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &none);
    ok(register_stored(l, s, 12, C("sip:old@1.1.1.1", ";expires=0") C("sip:new@1.1.1.1", ""), T0 + 1) == 2002, "the next one is not");
    rf_location_reload(l, RF_SPAN_LIT("201"), T0 + 1);
    if (rf_store_flush(s) != RF_OK)
        diag("the barrier itself could not be written");
    setrlimit(RLIMIT_FSIZE, &before);
    ok(strcmp(reachable(l, "201", T0 + 1), "sip:old@1.1.1.1") == 0, "RF-516 it is undone: %s", reachable(l, "201", T0 + 1));
    ok(register_stored(l, s, 13, C("sip:new@1.1.1.1", ""), T0 + 2) == 2001 &&
           strcmp(reachable(l, "201", T0 + 2), "sip:new@1.1.1.1#1 sip:old@1.1.1.1") == 0,
       "with space again it works");
    rf_location_reload(l, RF_SPAN_LIT("201"), T0 + 2);
    ok(rf_store_flush(s) == RF_OK && strcmp(reachable(l, "201", T0 + 2), "sip:new@1.1.1.1#1 sip:old@1.1.1.1") == 0,
       "a reload of what is right changes nothing, and a flow that is up stays");
    for (int i = 0; i < RF_LOCATION_SHARDS; i++)
        rf_location_sweep(l, T0 + 5000);
    ok(rf_store_flush(s) == RF_OK && rf_store_load_bindings(s, RF_SPAN_LIT(""), count_rows, &rows) == RF_OK && rows == 0,
       "the sweep deletes in the store as well");
    rf_store_close(s);
    rf_location_free(l);
}

/* --- threads ------------------------------------------------------------------------------------------- */

struct worker {
    struct rf_location *l;
    int number;
    _Atomic int waiting;
};

static void
one_less(void *ctx, uint64_t cookie, enum rf_err err)
{
    atomic_fetch_sub((_Atomic int *)ctx, 1);
}

static void *
work(void *ctx)
{
    struct worker *w = ctx;
    struct rf_binding b[4];
    struct rf_register_result r;

    for (int i = 0; i < 400; i++) {
        char aor[16], headers[128], call_id[16];
        const struct rf_sip_msg *msg;

        snprintf(aor, sizeof aor, "u%d", i % 20);
        snprintf(call_id, sizeof call_id, "w%d", w->number);
        snprintf(headers, sizeof headers, C("sip:a@1.1.1.%d", "") "%s", w->number, i % 7 == 6 ? "Expires: 0\r\n" : "");
        msg = request(call_id, (uint32_t)i + 1, headers);
        atomic_fetch_add(&w->waiting, 1);
        rf_location_register(w->l, rf_span_str(aor), msg, &flows[w->number], T0, one_less, &w->waiting, 0, &r);
        if (!r.waits_for_store)
            atomic_fetch_sub(&w->waiting, 1);
        rf_location_find(w->l, rf_span_str(aor), T0, b, 4);
        if (i % 50 == 49)
            rf_location_flow_gone(w->l, flows[w->number].id);
        if (i % 100 == 99)
            rf_location_reload(w->l, rf_span_str(aor), T0);
        if (i % 10 == 0)
            rf_location_sweep(w->l, T0);
    }
    return NULL;
}

static void
count_binding(void *ctx, struct rf_span aor, const struct rf_binding *b)
{
    ++*(int *)ctx;
}

static void
threads(void)
{
    struct rf_store *s = open_store();
    struct rf_location *l = open_location(s, T0);
    struct worker w[3] = { 0 };
    pthread_t t[3];
    int in_memory = 0, in_store = 0;

    for (int i = 0; i < 3; i++) {
        w[i] = (struct worker){ .l = l, .number = i + 1 };
        pthread_create(&t[i], NULL, work, &w[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    /* A reload that was overtaken waits again, so twice. */
    ok(rf_store_flush(s) == RF_OK && rf_store_flush(s) == RF_OK && w[0].waiting + w[1].waiting + w[2].waiting == 0,
       "three workers: every write is answered");
    rf_location_visit(l, T0, count_binding, &in_memory);
    ok(rf_store_load_bindings(s, RF_SPAN_LIT(""), count_rows, &in_store) == RF_OK && in_memory == in_store && in_memory > 0,
       "and memory holds what the store holds: %d", in_memory);
    rf_store_close(s);
    rf_location_free(l);
}

int
main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%.40s/rf-location-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        return 1;
    make_flows();
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        play(&plays[i]);
    contents();
    too_many();
    restart();
    failed_commit();
    threads();
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
