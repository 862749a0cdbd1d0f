/* The dial plan and whose a request is, over configurations as people write them. */
#include "route/plan.h"

#include <stdio.h>

#include "tap.h"

static const char text[] =
    "sip-connection carrier { \n type ip\n side customer\n allow 192.0.2.10 198.51.100.0/24\n server 192.0.2.10\n"
    " country-code 44\n}\n"
    "sip-connection spare {\n type fqdn\n side customer\n server sbc.partner.example\n number-format national\n"
    " country-code 44\n}\n"
    "sip-connection twin {\n type fqdn\n side customer\n server sbc.partner.example\n}\n"
    "sip-connection acme {\n type credential\n username acme\n password x\n}\n"
    "sip-connection near {\n type ip\n allow 198.51.100.7\n server 198.51.100.7\n}\n"
    "user 201 {\n password x\n}\nuser 202 {\n password x\n}\n"
    "dn 301 {\n contact 192.0.2.50:5061;transport=tls\n}\n"
    "dn 202 {\n contact 192.0.2.51:5060\n}\n"
    "ring-group 200 {\n members 201 202 301\n}\n"
    "ring-group 210 {\n members 202 204 201\n strategy in-order\n time 15s\n}\n"
    "ring-group 211 {\n members 201 202\n strategy in-order\n}\n"
    "user 204 {\n password x\n do-not-disturb on\n}\n"
    "user 205 {\n password x\n forward-always +4930\n}\n"
    "route desk {\n match 8*\n to 210\n}\n"
    "number +442071838750 {\n connection carrier spare\n to 200\n}\n"
    "number +442071838751 {\n connection acme\n}\n"
    "number +442071838752 {\n connection twin\n to 201\n}\n"
    "number 1800 {\n to acme\n}\n"
    "route all {\n match +*\n use carrier spare\n}\n"
    "route mobile {\n match +447*\n use spare\n media-handling-mode bypass\n}\n"
    "sip-connection past {\n type ip\n allow 192.0.2.77\n server 192.0.2.77\n media-handling-mode bypass\n}\n"
    "route mixed {\n match 71*\n use past carrier\n}\n"
    "route mixed2 {\n match 72*\n use carrier past\n}\n"
    "route alone {\n match 73*\n use past\n}\n"
    "route nine {\n match 9XXXXXXX*\n strip 1\n use carrier\n}\n"
    "route resold {\n match +*\n from acme\n use carrier\n}\n"
    "route back {\n match 5*\n from carrier spare\n use acme carrier\n}\n" /* refused below */;

static struct rf_conf *conf;
static struct rf_connections *connections;
static const char *down;

static bool
is_up(void *ctx, const struct rf_connection *c)
{
    return down == NULL || strcmp(c->name, down) != 0;
}

static char said[8000];

static void
keep(void *ctx, const char *step)
{
    strcat(strcat(said, step), "\n");
}

/* "user 201, connection carrier +4420..." */
static const char *
plan(const char *user, const char *connection, const char *number)
{
    static char out[1000];
    struct rf_buf b = rf_buf(out, sizeof out - 1);
    struct rf_plan_question q = { .conf = conf, .connections = connections, .user = user,
                                  .number = rf_span_str(number), .is_up = is_up, .say = keep };
    struct rf_plan p;

    said[0] = '\0';
    q.connection = connection != NULL ? rf_connection_named(connections, rf_span_str(connection)) : NULL;
    rf_plan_make(&q, &p);
    for (size_t i = 0; i < p.count; i++)
        rf_putf(&b, "%s%s %s", i > 0 ? ", " : "",
                p.place[i].kind == RF_PLACE_USER ? "user" : p.place[i].kind == RF_PLACE_DEVICE ? "dn" : "connection",
                p.place[i].name);
    if (p.count > 0 && p.place[0].kind == RF_PLACE_CONNECTION)
        rf_putf(&b, " as %s", p.place[0].number);
    if (p.stage_s > 0) {
        rf_put_str(&b, " stages");
        for (size_t i = 0; i < p.count; i++)
            rf_putf(&b, " %u", (unsigned)p.place[i].stage);
        rf_putf(&b, " of %u s", (unsigned)p.stage_s);
    }
    if (p.is_bypass)
        rf_putf(&b, " bypass %s", p.bypass_setting);
    if (p.count == 0)
        rf_put_str(&b, rf_refusal_row(p.refusal)->code);
    out[b.n] = '\0';
    return out;
}

static const struct {
    const char *user, *connection, *number, *want, *why;
} plans[] = {
    { "201", NULL, "202", "user 202", "a user calls a user" },
    { "201", NULL, "210", "user 202, user 201 stages 0 1 of 15 s", "a group in order; one is not to be disturbed" },
    { "201", NULL, "211", "user 201, user 202 stages 0 1 of 20 s", "a group in order that says no time" },
    { "201", NULL, "80", "user 202, user 201 stages 0 1 of 15 s", "a route that leads to a group" },
    { "201", NULL, "204", "user 204", "who is not to be disturbed is still found: the call decides" },
    { "201", NULL, "205", "user 205", "and who forwards" },
    { "201", NULL, "301", "dn 301", "a device that does not register (GEN-22)" },
    { "201", NULL, "200", "user 201, user 202, dn 301", "a ring group" },
    { "201", NULL, "+44 20 7183-8750", "user 201, user 202, dn 301", "our own number, with marks, stays here" },
    { "201", NULL, "+4930123456", "connection carrier, connection spare as +4930123456", "a route, in order" },
    { "201", NULL, "+447700900123", "connection spare as 07700900123 bypass route.mobile.media-handling-mode",
      "the longest match, the number as that connection writes it" },
    { "201", NULL, "73", "connection past as 73 bypass sip-connection.past.media-handling-mode", "that of a connection" },
    { "201", NULL, "71", "connection past, connection carrier as 71", "is its own, and no other connection's of a route" },
    { "201", NULL, "72", "connection carrier, connection past as 72", "whichever is first" },
    { "201", NULL, "912345678", "connection carrier as 12345678", "strip" },
    { "201", NULL, "91234", "RF-505", "X stands for a digit" },
    { "201", NULL, "nobody", "RF-505", "no such user" },
    { "201", NULL, "1800", "connection acme as 1800", "a number that leads to a connection" },
    { NULL, "carrier", "+442071838750", "user 201, user 202, dn 301", "inbound by its number" },
    { NULL, "carrier", "02071838750", "user 201, user 202, dn 301", "written in its country's form" },
    { NULL, "carrier", "201", "RF-505", "extensions are not there for who calls from outside" },
    { NULL, "carrier", "+4930123456", "RF-505", "no route is open to a connection that it does not name" },
    { NULL, "twin", "+442071838750", "RF-505", "another connection's number" },
    { NULL, "acme", "+4930123456", "connection carrier as +4930123456", "a route that names it" },
    { NULL, "acme", "+442071838751", "RF-518", "its own number would go back to it" },
    { "201", NULL, "+442071838751", "connection acme as +442071838751", "a number goes to its owner" },
};

static bool
leads_to(void *ctx, const struct rf_connection *c, const struct rf_addr *source)
{
    struct rf_addr a;

    return strcmp(c->host, "sbc.partner.example") == 0 && rf_addr_parse(RF_SPAN_LIT("203.0.113.5"), 0, &a) == RF_OK &&
           rf_addr_same_host(&a, source);
}

#define BOTH "spare sbc.partner.example twin sbc.partner.example"

/* "connection host connection host" */
static void
prove(uint64_t *proof, const char *words)
{
    char connection[64], host[64];
    int n;

    for (; words != NULL && sscanf(words, "%63s %63s%n", connection, host, &n) == 2; words += n)
        *proof++ = rf_flow_proof(rf_span_str(connection), rf_span_str(host));
}

static const struct {
    const char *source, *registered, *proven, *number, *want, *by, *why;
} findings[] = {
    { "192.0.2.10", NULL, NULL, "1", "carrier", "address", "an address" },
    { "198.51.100.9", NULL, NULL, "1", "carrier", "address", "a network" },
    { "198.51.100.7", NULL, NULL, "1", "near", "address", "the longer prefix" },
    { "192.0.2.11", NULL, NULL, "1", NULL, "", "next to an address" },
    { "203.0.113.5", NULL, NULL, "+442071838752", "twin", "name", "two names with one address: whose number is it?" },
    { "203.0.113.5", NULL, NULL, "+442071838750", "spare", "name", "the other one" },
    { "203.0.113.5", NULL, NULL, "+4930", NULL, "name", "nobody's number: ambiguous" },
    { "203.0.113.9", NULL, "spare SBC.partner.example", "1", "spare", "certificate", "a certificate, from anywhere" },
    { "203.0.113.9", NULL, "twin sbc.partner.example", "1", "twin", "certificate", "of the one whose pin and authority fit" },
    { "203.0.113.9", NULL, BOTH, "+442071838752", "twin", "certificate", "two with one certificate: whose number is it?" },
    { "203.0.113.9", NULL, BOTH, "+442071838750", "spare", "certificate", "the other one" },
    { "203.0.113.9", NULL, BOTH, "+4930", NULL, "certificate", "nobody's number: ambiguous" },
    { "203.0.113.5", NULL, BOTH, "+4930", NULL, "certificate", "and so it stays, whatever the address says" },
    { "192.0.2.10", NULL, BOTH, "1", NULL, "certificate", "also that of another connection" },
    { "203.0.113.9", NULL, "spare old.partner.example", "1", NULL, "", "it had another host when it was proven" },
    { "203.0.113.9", NULL, "gone sbc.partner.example", "1", NULL, "", "a reload took it away" },
    { "192.0.2.99", NULL, "carrier 192.0.2.10", "1", NULL, "", "type ip stays with its addresses" },
    { "192.0.2.99", "spare", NULL, "1", "spare", "registration", "the connection we registered by" },
    { "2001:db8::1", NULL, NULL, "1", NULL, "", "another family" },
};

int
main(void)
{
    struct rf_conf_problem problem;
    struct rf_srtp_policy common = { .hosted = false };
    struct rf_conf_sources from = { .store_text = rf_span_str(text) };
    char good[sizeof text];
    const struct rf_connection *fresh;

    ok(rf_conf_load_from(&conf, &from, &problem) == RF_ERR_RANGE && strstr(problem.sentence, "a loop") != NULL,
       "a route that sends calls back is refused: %s", problem.sentence);
    strcpy(good, text);
    *strstr(good, "route back") = '\0';
    from.store_text = rf_span_str(good);
    if (!ok(rf_conf_load_from(&conf, &from, &problem) == RF_OK, "the rest loads %s", problem.sentence) ||
        !ok(rf_connections_new(&connections, conf, &common) == RF_OK, "connections"))
        return tap_done();
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        const char *got = plan(plans[i].user, plans[i].connection, plans[i].number);

        if (!ok(strcmp(got, plans[i].want) == 0, "%s: %s", plans[i].number, plans[i].why))
            diag("got %s\n%s", got, said);
    }
    down = "carrier";
    ok(strcmp(plan("201", NULL, "+4930123456"), "connection spare, connection carrier as 004930123456") == 0 &&
           strstr(said, "tried last") != NULL,
       "what does not answer comes last");
    (void)plan("201", NULL, "+447700900123");
    ok(strstr(said, "route all: matches") != NULL && strstr(said, "says more than the one before") != NULL &&
           strstr(said, "route resold: matches, but is not for 201") != NULL &&
           strstr(said, "media bypasses us: route.mobile.media-handling-mode") != NULL,
       "every step is told");
    (void)plan("201", NULL, "205");
    ok(strstr(said, "user 205: forward-always to +4930") != NULL, "where a user forwards to is told");
    (void)plan("201", NULL, "210");
    ok(strstr(said, "member 204 is passed over: do-not-disturb is on") != NULL, "and whom a group passes over");
    for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
        struct rf_addr source;
        struct rf_connection_finding f;
        uint64_t proof[RF_FLOW_PROVEN_MAX] = { 0 };
        struct rf_connection_evidence e = { .source = &source, .registered = findings[i].registered,
                                            .proven = proof,
                                            .number = rf_span_str(findings[i].number), .conf = conf,
                                            .leads_to = leads_to };

        if (rf_addr_parse(rf_span_str(findings[i].source), 40000, &source) != RF_OK)
            return 1;
        prove(proof, findings[i].proven);
        rf_connection_find(connections, &e, &f);
        ok((f.connection == NULL) == (findings[i].want == NULL) &&
               (f.connection == NULL || strcmp(f.connection->name, findings[i].want) == 0) &&
               strcmp(f.by, findings[i].by) == 0,
           "from %s: %s (TEL-1)", findings[i].source, findings[i].why);
    }
    ok(rf_connection_of_username(connections, RF_SPAN_LIT("acme")) != NULL &&
           rf_connection_of_username(connections, RF_SPAN_LIT("acm")) == NULL,
       "by its username (TEL-1)");
    fresh = rf_connection_named(connections, RF_SPAN_LIT("acme"));
    ok(fresh->in.srtp.mode == RF_SRTP_OFF && fresh->out.srtp.mode == RF_SRTP_OFF && !fresh->requires_tls &&
           !fresh->in.has_transport && !fresh->out.has_transport,
       "TEL-2: a connection of which nothing is said has SRTP off and wants no TLS, in both directions");
    rf_connections_free(connections);
    rf_conf_unref(conf);
    return tap_done();
}
