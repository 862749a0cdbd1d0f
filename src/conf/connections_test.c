/* Tables for what SIP connections claim together: hosts, addresses, user names; and what they are warned of. */
#include "conf/conf.h"
#include "conf/options.h"

#include <stdlib.h>
#include <time.h>

#include "tap.h"

#define FQDN(name, server) "sip-connection " name " {\n type fqdn\n server " server "\n}\n"
#define FOUR(n)  FQDN(n "1", "sbc.example") FQDN(n "2", "sbc.example") FQDN(n "3", "sbc.example") FQDN(n "4", "sbc.example")
#define EIGHT(n) FOUR(n) FOUR(n "x")

/* TEL-1: calls of connections with one host and one certificate are told apart by the number that is called. */
static void
one_host(void)
{
    static const struct {
        const char *text;
        enum rf_err err;
        const char *says, *why;
    } cases[] = {
        { FQDN("a", "sbc.example") FQDN("b", "SBC.example:5071;transport=tls"), RF_OK,
          "test:5: sip-connection a and b have the same server", "a port does not tell who calls" },
        { FQDN("a", "sbc.example") FQDN("b", "sbc.example") "number +1 {\n connection a\n}\n", RF_OK,
          "no number belongs to b", "one has no number" },
        { FQDN("a", "sbc.example") FQDN("b", "sbc.example") "number +1 {\n connection a\n}\nnumber +2 {\n connection b\n}\n",
          RF_OK, NULL, "each has its number" },
        { FQDN("a", "sbc.example") FQDN("b", "sbc2.example"), RF_OK, NULL, "two hosts" },
        { FQDN("a", "sbc.example") "sip-connection b {\n type ip\n allow 192.0.2.1\n server sbc.example\n}\n", RF_OK, NULL,
          "type ip is known by its address alone" },
        { EIGHT("a") EIGHT("b") EIGHT("c") EIGHT("d") FQDN("e", "sbc.example"), RF_OK,
          "test:129: sip-connection e: 32 of type fqdn have the server sbc.example", "more than a proof has room for" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_conf_sources from = { .store_text = rf_span_str(cases[i].text) };
        struct rf_conf_problem problem = { 0 };
        struct rf_conf *c = NULL;
        char said[600] = "";
        enum rf_err err = rf_conf_load_from(&c, &from, &problem);
        const struct rf_conf_problem *warning;
        bool is_found = false;

        for (size_t n = 0; !is_found && c != NULL && (warning = rf_conf_warning(c, n)) != NULL; n++) {
            snprintf(said, sizeof said, "test:%d: %s", warning->at.line, warning->sentence);
            is_found = cases[i].says != NULL && strstr(said, cases[i].says) != NULL;
        }
        ok(err == cases[i].err && (cases[i].says == NULL ? said[0] == '\0' : is_found), "TEL-1: %s: %s", cases[i].why, said);
        rf_conf_unref(c);
    }
}

/* TEL-29: whoever allows SRTP that is not encrypted is told, at each reading. */
static void
unencrypted_srtp(void)
{
#define CONNECTION(lines) "sip-connection c {\n type ip\n allow 192.0.2.1\n server 192.0.2.1\n" lines "}\n"
    static const struct {
        const char *text, *says;
        int line; /* of the warning; 0: there is none */
    } cases[] = {
        { CONNECTION(""), NULL, 0 },
        { CONNECTION(" allow-unencrypted-srtp on\n"), "RF-403: sip-connection.c.allow-unencrypted-srtp", 1 },
        { "media {\n allow-unencrypted-srtp on\n}\n" CONNECTION(""), "RF-403: media.allow-unencrypted-srtp", 2 },
        { "media {\n allow-unencrypted-srtp on\n}\n" CONNECTION(" allow-unencrypted-srtp off\n"),
          "RF-403: media.allow-unencrypted-srtp", 2 },
    };
#undef CONNECTION

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_conf_sources from = { .store_text = rf_span_str(cases[i].text) };
        struct rf_conf_problem problem = { 0 };
        struct rf_conf *c = NULL;
        const struct rf_conf_problem *warning;
        size_t said = 0;
        bool is_right = true;

        if (rf_conf_load_from(&c, &from, &problem) != RF_OK)
            diag("%s", problem.sentence);
        for (size_t n = 0; c != NULL && (warning = rf_conf_warning(c, n)) != NULL; n++)
            if (strstr(warning->sentence, "allow-unencrypted-srtp") != NULL) {
                said++;
                is_right = cases[i].says != NULL && strstr(warning->sentence, cases[i].says) != NULL &&
                           (int)warning->at.line == cases[i].line;
            }
        ok(c != NULL && said == (cases[i].says != NULL) && is_right, "TEL-29: %s",
           cases[i].says != NULL ? cases[i].says : "nothing to say");
        rf_conf_unref(c);
    }
}

static enum rf_err
any_secret(void *ctx, struct rf_span name, struct rf_secret *out)
{
    return rf_secret_set(out, "tidal-copper", 12);
}

#define IP(name, allow) "sip-connection " name " {\n type ip\n server 198.51.100.9\n allow " allow "\n}\n"
#define CREDENTIAL(name, username, more) \
    "sip-connection " name " {\n type credential\n username " username "\n password secret:p\n" more "}\n"

/* TEL-1: what a call is known by leads to one connection. */
static void
one_owner(void)
{
    static const struct {
        const char *text, *says; /* NULL: it loads */
    } cases[] = {
        { IP("a", "192.0.2.1") IP("b", "192.0.2.2"), NULL },
        { IP("a", "192.0.2.1") IP("b", "192.0.2.2 192.0.2.1"), "sip-connection a and b both allow 192.0.2.1" },
        { IP("a", "192.0.2.3 192.0.2.1") IP("b", "192.0.2.2") IP("c", "192.0.2.1"), "a and c both allow 192.0.2.1" },
        { IP("a", "192.0.2.0/24") IP("b", "192.0.2.7"), NULL }, /* the longer prefix decides */
        { IP("a", "192.0.2.0/24") IP("b", "192.0.2.0/25"), NULL },
        { IP("a", "10.0.0.0") IP("b", "a00::"), NULL }, /* the same octets, of two families */
        { IP("a", "192.0.2.7") IP("b", "192.0.2.7/32"), "a and b both allow 192.0.2.7/32" },
        { IP("a", "2001:db8::1") IP("b", "192.0.2.1 2001:DB8:0::1"), "a and b both allow 2001:DB8:0::1" },
        { IP("a", "10.0.0.0/8") IP("b", "10.1.0.0/8"), "both allow 10.1.0.0/8" },
        { CREDENTIAL("a", "acme", "") CREDENTIAL("b", "acme2", ""), NULL },
        { CREDENTIAL("a", "acme", "") CREDENTIAL("b", "acme", ""), "a and b both have the username acme" },
        { CREDENTIAL("a", "acme", "") CREDENTIAL("b", "ACME", ""), NULL },
        { CREDENTIAL("a", "acme", "") CREDENTIAL("b", "acme", " side customer\n server 192.0.2.1\n"), NULL },
        { CREDENTIAL("a", "acme", " register on\n server 192.0.2.1\n")
              CREDENTIAL("b", "acme", " register on\n server 192.0.2.2\n"), NULL },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_conf_sources from = { .store_text = rf_span_str(cases[i].text), .secret = any_secret };
        struct rf_conf_problem problem = { 0 };
        struct rf_conf *c = NULL;
        enum rf_err err = rf_conf_load_from(&c, &from, &problem);

        if (cases[i].says == NULL)
            ok(err == RF_OK, "case %zu loads: %s", i, problem.sentence);
        else
            ok(err == RF_ERR_RANGE && strstr(problem.sentence, cases[i].says) != NULL, "case %zu: %s", i, problem.sentence);
        rf_conf_unref(c);
    }
}

/* CPU time of loading n connections, half of one host; the best of three, in ms. */
static double
load_many(unsigned n)
{
    size_t cap = (size_t)n * 200;
    char *text = malloc(cap);
    struct rf_buf b = rf_buf(text, cap);
    struct rf_conf_sources from;
    double best = 1e9;

    if (text == NULL)
        abort();
    for (unsigned i = 0; i < n; i++)
        if (i % 2 == 0)
            rf_putf(&b, "sip-connection c%u {\n type fqdn\n server sbc.example\n}\n", i);
        else
            rf_putf(&b, "sip-connection c%u {\n type ip\n server 198.51.100.9\n allow 10.%u.%u.1\n}\n", i, i >> 8, i & 255);
    from = (struct rf_conf_sources){ .store_text = rf_span(text, b.n) };
    for (int round = 0; round < 3; round++) {
        struct rf_conf_problem problem = { 0 };
        struct rf_conf *c = NULL;
        clock_t t0 = clock();
        double took;

        if (b.overflow || rf_conf_load_from(&c, &from, &problem) != RF_OK) {
            diag("%s", problem.sentence);
            best = 0;
        }
        took = (double)(clock() - t0) * 1000 / CLOCKS_PER_SEC;
        best = took < best ? took : best;
        rf_conf_unref(c);
    }
    free(text);
    return best;
}

/* A carrier's configuration: its connections are not compared each with each. */
static void
many_connections(void)
{
    double few = load_many(1000), many = load_many(4000);

    ok(few > 0 && many > 0 && many < 10 * few, "4000 connections take less than 10 times as long as 1000 (%.0f and %.0f ms)",
       many, few);
}

/* What a running daemon has room for, the check of its configuration demands. */
static void
limits(void)
{
    static char text[400000];

    for (unsigned over = 0; over < 2; over++) {
        struct rf_buf b = rf_buf(text, sizeof text);
        struct rf_conf_problem problem = { 0 };
        struct rf_conf_sources from;
        struct rf_conf *c = NULL;
        enum rf_err err;

        rf_put_str(&b, "sip-connection a {\n type ip\n server 198.51.100.9\n allow");
        for (unsigned i = 0; i < RF_CONF_ALLOW_MAX + over; i++)
            rf_putf(&b, " 192.0.2.%u", i);
        rf_put_str(&b, "\n}\n");
        from = (struct rf_conf_sources){ .store_text = rf_buf_span(&b) };
        err = rf_conf_load_from(&c, &from, &problem);
        ok(!b.overflow && (err == RF_OK) == (over == 0) && (over == 0 || strstr(problem.sentence, "at most 64") != NULL),
           "%d networks%s %s", RF_CONF_ALLOW_MAX, over ? " and one" : "", problem.sentence);
        rf_conf_unref(c);

        c = NULL;
        b.n = 0;
        for (unsigned i = 0; i < RF_CONF_CONNECTIONS_MAX + over; i++)
            rf_putf(&b, "sip-connection c%u {\n type fqdn\n server h%u.example\n}\n", i, i);
        from.store_text = rf_buf_span(&b);
        err = rf_conf_load_from(&c, &from, &problem);
        ok(!b.overflow && (err == RF_OK) == (over == 0) && (over == 0 || strstr(problem.sentence, "more than 4096") != NULL),
           "%d connections%s %s", RF_CONF_CONNECTIONS_MAX, over ? " and one" : "", problem.sentence);
        rf_conf_unref(c);
    }
}

int
main(void)
{
    limits();
    one_host();
    one_owner();
    unencrypted_srtp();
    many_connections();
    return tap_done();
}
