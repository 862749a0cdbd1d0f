/* Answers made octet by octet, and a small server on loopback that counts who asks. */
#include "net/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/socket.h"
#include "tap.h"

/* --- making messages --- */

struct maker {
    uint8_t p[4096];
    size_t n;
};

static void
put(struct maker *m, uint32_t v, int octets)
{
    while (octets-- > 0)
        m->p[m->n++] = (uint8_t)(octets < 4 ? v >> (8 * octets) : 0);
}

static void
put_name(struct maker *m, const char *name)
{
    while (*name != '\0') {
        size_t n = strcspn(name, ".");

        put(m, (uint32_t)n, 1);
        memcpy(m->p + m->n, name, n);
        m->n += n;
        name += n + (name[n] == '.');
    }
    put(m, 0, 1);
}

static void
put_string(struct maker *m, const char *s)
{
    put(m, (uint32_t)strlen(s), 1);
    memcpy(m->p + m->n, s, strlen(s));
    m->n += strlen(s);
}

static void
begin(struct maker *m, uint16_t id, uint16_t flags, const char *name, int type, int answers, int authorities)
{
    m->n = 0;
    put(m, id, 2);
    put(m, flags, 2);
    put(m, 1, 2);
    put(m, (uint32_t)answers, 2);
    put(m, (uint32_t)authorities, 2);
    put(m, 0, 2);
    put_name(m, name);
    put(m, (uint32_t)type, 2);
    put(m, 1, 2);
}

/* Owner, type, class, TTL and a length that end_rr fills in; NULL: a pointer to the question's name. */
static size_t
begin_rr(struct maker *m, const char *owner, int type, uint32_t ttl)
{
    if (owner == NULL)
        put(m, 0xc00c, 2);
    else
        put_name(m, owner);
    put(m, (uint32_t)type, 2);
    put(m, 1, 2);
    put(m, ttl, 4);
    put(m, 0, 2);
    return m->n;
}

static void
end_rr(struct maker *m, size_t begun)
{
    m->p[begun - 2] = (uint8_t)((m->n - begun) >> 8);
    m->p[begun - 1] = (uint8_t)(m->n - begun);
}

static void
put_a(struct maker *m, const char *owner, uint32_t ttl, uint32_t address)
{
    size_t at = begin_rr(m, owner, RF_DNS_A, ttl);

    put(m, address, 4);
    end_rr(m, at);
}

static void
put_cname(struct maker *m, const char *owner, uint32_t ttl, const char *target)
{
    size_t at = begin_rr(m, owner, 5, ttl);

    put_name(m, target);
    end_rr(m, at);
}

static void
put_srv(struct maker *m, const char *owner, uint32_t ttl, int priority, int weight, int port,
        const char *target)
{
    size_t at = begin_rr(m, owner, RF_DNS_SRV, ttl);

    put(m, (uint32_t)priority, 2);
    put(m, (uint32_t)weight, 2);
    put(m, (uint32_t)port, 2);
    put_name(m, target);
    end_rr(m, at);
}

static void
put_naptr(struct maker *m, const char *owner, int order, int preference, const char *flags,
          const char *service, const char *replacement)
{
    size_t at = begin_rr(m, owner, RF_DNS_NAPTR, 77);

    put(m, (uint32_t)order, 2);
    put(m, (uint32_t)preference, 2);
    put_string(m, flags);
    put_string(m, service);
    put_string(m, "");
    put_name(m, replacement);
    end_rr(m, at);
}

static void
put_soa(struct maker *m, uint32_t ttl, uint32_t minimum)
{
    size_t at = begin_rr(m, "example", 6, ttl);

    put_name(m, "ns.example");
    put_name(m, "root.example");
    for (int i = 0; i < 4; i++)
        put(m, 1, 4);
    put(m, minimum, 4);
    end_rr(m, at);
}

/* --- the decoder --- */

static struct rf_dns_answer answer;
static struct maker m;

static enum rf_err
decode(enum rf_dns_type type, const char *name)
{
    return rf_dns_decode(rf_span(m.p, m.n), type, rf_span_str(name), &answer);
}

static void
good_answers(void)
{
    char text[RF_ADDR_TEXT_MAX];

    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 2, 0);
    put_a(&m, NULL, 300, 0xc0000201);
    put_a(&m, NULL, 200, 0xc0000202);
    ok(decode(RF_DNS_A, "A.Example.") == RF_OK && answer.status == RF_DNS_FOUND && answer.count == 2 &&
           answer.ttl_s == 200,
       "two addresses; the smaller TTL counts; letter case does not");
    ok(strcmp(rf_addr_text(&answer.record[1].addr, text), "192.0.2.2:0") == 0, "the second is %s", text);

    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 3, 0);
    put_cname(&m, "a.example", 60, "b.example");
    put_cname(&m, "b.example", 50, "C.example");
    put_a(&m, "c.example", 300, 0xc0000203);
    ok(decode(RF_DNS_A, "a.example") == RF_OK && answer.count == 1 && answer.ttl_s == 50,
       "through two CNAMEs");

    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 2, 0);
    put_cname(&m, "a.example", 60, "a.example");
    put_a(&m, "z.example", 300, 0xc0000203);
    ok(decode(RF_DNS_A, "a.example") == RF_OK && answer.status == RF_DNS_NO_DATA,
       "a CNAME ring ends, and records of other names do not count");

    begin(&m, 1, 0x8180, "_sip._udp.example", RF_DNS_SRV, 3, 0);
    put_srv(&m, NULL, 90, 10, 60, 5060, "Big.example");
    put_srv(&m, NULL, 90, 10, 20, 5070, "small.example");
    put_srv(&m, NULL, 90, 20, 0, 5080, "");
    ok(decode(RF_DNS_SRV, "_sip._udp.example") == RF_OK && answer.count == 3 &&
           strcmp(answer.record[0].srv.target, "big.example") == 0 && answer.record[1].srv.port == 5070 &&
           answer.record[0].srv.weight == 60 && answer.record[2].srv.target[0] == '\0',
       "SRV records (RFC 2782)");

    begin(&m, 1, 0x8180, "example", RF_DNS_NAPTR, 2, 0);
    put_naptr(&m, NULL, 50, 50, "s", "SIPS+D2T", "_sips._tcp.example");
    put_naptr(&m, NULL, 90, 50, "s", "SIP+D2T", "_sip._tcp.example");
    ok(decode(RF_DNS_NAPTR, "example") == RF_OK && answer.count == 2 && answer.record[0].naptr.order == 50 &&
           strcmp(answer.record[0].naptr.service, "SIPS+D2T") == 0 &&
           strcmp(answer.record[1].naptr.replacement, "_sip._tcp.example") == 0,
       "NAPTR records (RFC 3263 4.1)");

    begin(&m, 1, 0x8183, "no.example", RF_DNS_A, 0, 1);
    put_soa(&m, 900, 120);
    ok(decode(RF_DNS_A, "no.example") == RF_OK && answer.status == RF_DNS_NO_NAME && answer.ttl_s == 120,
       "no such name, for as long as the SOA says (RFC 2308)");
    begin(&m, 1, 0x8180, "no.example", RF_DNS_A, 0, 1);
    put_soa(&m, 90000, 90000);
    ok(decode(RF_DNS_A, "no.example") == RF_OK && answer.status == RF_DNS_NO_DATA &&
           answer.ttl_s == RF_DNS_NEGATIVE_MAX_S,
       "no data, but not for a day");
    begin(&m, 1, 0x8182, "a.example", RF_DNS_A, 0, 0);
    ok(decode(RF_DNS_A, "a.example") == RF_OK && answer.status == RF_DNS_FAILED,
       "a server's failure is an answer");
    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 1, 0);
    put_a(&m, NULL, 0xffffffff, 1);
    ok(decode(RF_DNS_A, "a.example") == RF_OK && answer.ttl_s == 0,
       "a TTL with the top bit is zero (RFC 2181 8)");
}

static void
bad_answers(void)
{
    size_t whole;

    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 1, 0);
    put_a(&m, NULL, 300, 1);
    whole = m.n;
    for (m.n = 0; m.n < whole; m.n++)
        if (decode(RF_DNS_A, "a.example") != RF_ERR_SYNTAX || answer.status != RF_DNS_FAILED)
            break;
    ok(m.n == whole, "cut at each of its %zu octets it is refused", whole);
    ok(decode(RF_DNS_A, "b.example") == RF_ERR_SYNTAX, "an answer to another name");
    ok(decode(RF_DNS_AAAA, "a.example") == RF_ERR_SYNTAX, "an answer to another type");
    m.p[2] = 0x01;
    ok(decode(RF_DNS_A, "a.example") == RF_ERR_SYNTAX, "a question instead of an answer");

    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 1, 0);
    put(&m, 0xc000 | (uint32_t)m.n, 2);
    put(&m, 0, 20);
    ok(decode(RF_DNS_A, "a.example") == RF_ERR_SYNTAX, "a pointer to itself");
    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 1, 0);
    put(&m, 0xc000 | (uint32_t)(m.n + 2), 2);
    put(&m, 0, 20);
    ok(decode(RF_DNS_A, "a.example") == RF_ERR_SYNTAX, "a pointer forward");
    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 1, 0);
    put(&m, 0x40, 1);
    put(&m, 0, 80);
    ok(decode(RF_DNS_A, "a.example") == RF_ERR_SYNTAX, "a label of 64");

    begin(&m, 1, 0x8180, "_sip._udp.example", RF_DNS_SRV, 2, 0);
    put_srv(&m, NULL, 90, 10, 60, 5060, "evil\r\n.example");
    put_srv(&m, NULL, 90, 10, 60, 5060, "good.example");
    ok(decode(RF_DNS_SRV, "_sip._udp.example") == RF_OK && answer.count == 1 &&
           strcmp(answer.record[0].srv.target, "good.example") == 0,
       "a target with odd octets is passed over");

    begin(&m, 1, 0x8180, "a.example", RF_DNS_A, 100, 0);
    for (int i = 0; i < 100; i++)
        put_a(&m, NULL, 5, (uint32_t)i);
    ok(decode(RF_DNS_A, "a.example") == RF_OK && answer.count == RF_DNS_RECORDS_MAX, "more records than fit");
}

static void
fit_names(void)
{
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        { "a", true },
        { "a.example.", true },
        { "_sip._tcp.x-y.example", true },
        { "", false },
        { ".", false },
        { "a..b", false },
        { ".a", false },
        { "a b", false },
        { "a\n", false },
        { "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg.x", true },
        { "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.x", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(rf_dns_name_is_fit(rf_span_str(cases[i].name)) == cases[i].want, "name %zu is %s", i,
           cases[i].want ? "fit" : "not fit");
}

/* --- a server --- */

static struct rf_loop *loop;
static struct rf_watch server;
static int asked, mute;

static void
serve(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct sockaddr_storage from;
    socklen_t from_n = sizeof from;
    uint8_t q[1500];
    ssize_t n = recvfrom(w->fd, q, sizeof q, 0, (struct sockaddr *)&from, &from_n);
    char name[256] = "";
    size_t at = 12, out = 0;
    uint16_t id;
    int type;

    if (n < 17)
        return;
    asked++;
    if (mute)
        return;
    while (at < (size_t)n && q[at] != 0) {
        memcpy(name + out, q + at + 1, q[at]);
        out += q[at];
        at += (size_t)q[at] + 1;
        name[out++] = '.';
    }
    name[out > 0 ? out - 1 : 0] = '\0';
    id = (uint16_t)(q[0] << 8 | q[1]);
    type = q[at + 1] << 8 | q[at + 2];
    if (strcmp(name, "a.example") == 0 && type == RF_DNS_A) {
        begin(&m, id, 0x8180, name, type, 1, 0);
        put_a(&m, NULL, 100, 0xc0000201);
    } else if (strcmp(name, "zero.example") == 0 && type == RF_DNS_A) {
        begin(&m, id, 0x8180, name, type, 1, 0);
        put_a(&m, NULL, 0, 0xc0000201);
    } else if (strcmp(name, "_sip._tcp.example") == 0 && type == RF_DNS_SRV) {
        begin(&m, id, 0x8180, name, type, 1, 0);
        put_srv(&m, NULL, 30, 1, 1, 5060, "a.example");
    } else if (strcmp(name, "broken.example") == 0) {
        begin(&m, id, 0x8180, name, type, 1, 0);
    } else if (strncmp(name, "many", 4) == 0) {
        begin(&m, id, 0x8180, name, type, 1, 0);
        put_a(&m, NULL, 100, 0xc0000210);
    } else {
        begin(&m, id, 0x8183, name, type, 0, 1);
        put_soa(&m, 40, 40);
    }
    if (sendto(w->fd, m.p, m.n, 0, (struct sockaddr *)&from, from_n) < 0)
        diag("the test's server could not answer: %d", errno);
}

struct asker {
    struct rf_dns_query query;
    int done;
    enum rf_dns_status status;
    uint32_t ttl_s;
    size_t count;
};

static void
heard(struct rf_dns_query *q, const struct rf_dns_answer *a, uint64_t now_us)
{
    struct asker *who = rf_container(q, struct asker, query);

    who->done++;
    who->status = a->status;
    who->ttl_s = a->ttl_s;
    who->count = a->count;
}

#define PUMP_UNTIL(claim)                                                                                    \
    do {                                                                                                     \
        uint64_t pump_end_us = rf_now_us() + 5 * RF_S;                                                       \
        while (!(claim) && rf_now_us() < pump_end_us)                                                        \
            rf_loop_once(loop, 20 * RF_MS);                                                                  \
    } while (0)

static void
asking(void)
{
    struct rf_dns_conf conf = RF_DNS_CONF;
    struct rf_bind_problem problem;
    struct rf_addr at;
    struct asker a = { .query = { .done = heard } }, b = a, c = a;
    struct rf_dns *d;
    char hosts[] = "/tmp/rf-hosts-XXXXXX";
    int fd = mkstemp(hosts);
    FILE *f = fdopen(fd, "w");

    fputs("# comment\n192.0.2.50 Host.example alias.example # more\n2001:db8::50 host.example\nnonsense\n",
          f);
    fclose(f);
    rf_assert(rf_addr_parse_port(RF_SPAN_LIT("127.0.0.1:0"), &at) == RF_OK);
    rf_assert(rf_loop_new(&loop) == RF_OK);
    rf_assert(rf_socket_bind_group(&server.fd, 1, SOCK_DGRAM, &at, &problem) == RF_OK);
    at = rf_socket_local(server.fd);
    server.ready = serve;
    rf_assert(rf_loop_watch(loop, &server, EPOLLIN) == RF_OK);
    conf.server = &at;
    conf.server_count = 1;
    conf.hosts = hosts;
    conf.cache_max = 20;
    conf.pending_max = 8;
    conf.timeout_ms = 60;
    rf_assert(rf_dns_new(&d, loop, &conf, &rf_rand_system) == RF_OK);
    unlink(hosts);

    ok(rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("a.example"), rf_now_us()) == NULL,
       "nothing is remembered yet");
    ok(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("a.example"), rf_now_us()) == RF_OK && a.done == 0,
       "a question is asked; the answer does not come from inside");
    ok(rf_dns_ask(d, &b.query, RF_DNS_A, RF_SPAN_LIT("A.example."), rf_now_us()) == RF_OK, "and once more");
    PUMP_UNTIL(a.done && b.done);
    ok(a.done == 1 && b.done == 1 && a.status == RF_DNS_FOUND && a.ttl_s == 100 && asked == 1,
       "both hear it, and it travelled once");
    ok(rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("a.example"), rf_now_us()) != NULL, "it is remembered");
    ok(rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("a.example"), rf_now_us() + 101 * RF_S) == NULL,
       "as long as its TTL says");
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("a.example"), rf_now_us()) == RF_OK);
    PUMP_UNTIL(a.done == 2);
    ok(a.done == 2 && asked == 1, "asked again it does not travel");
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("a.example"), rf_now_us() + 101 * RF_S) == RF_OK);
    PUMP_UNTIL(a.done == 3);
    ok(a.done == 3 && asked == 2, "after its TTL it does");

    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_SRV, RF_SPAN_LIT("_sip._tcp.example"), rf_now_us()) == RF_OK);
    PUMP_UNTIL(a.done == 4);
    ok(a.status == RF_DNS_FOUND && a.count == 1 && a.ttl_s == 30, "an SRV record with its TTL");
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("nobody.example"), rf_now_us()) == RF_OK);
    PUMP_UNTIL(a.done == 5);
    ok(a.status == RF_DNS_NO_NAME && a.ttl_s == 40 &&
           rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("nobody.example"), rf_now_us()) != NULL,
       "a no is remembered as well");
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("broken.example"), rf_now_us()) == RF_OK);
    PUMP_UNTIL(a.done == 6);
    ok(a.status == RF_DNS_FAILED, "a broken answer is a failure");
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("zero.example"), rf_now_us()) == RF_OK);
    PUMP_UNTIL(a.done == 7);
    ok(a.status == RF_DNS_FOUND &&
           rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("zero.example"), rf_now_us()) == NULL,
       "a TTL of zero is for those who asked alone");

    asked = 0;
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_AAAA, RF_SPAN_LIT("HOST.example"), rf_now_us()) == RF_OK);
    rf_assert(rf_dns_ask(d, &b.query, RF_DNS_A, RF_SPAN_LIT("alias.example"), rf_now_us()) == RF_OK);
    PUMP_UNTIL(a.done == 8 && b.done == 2);
    ok(a.status == RF_DNS_FOUND && b.status == RF_DNS_FOUND && asked == 0,
       "names of the hosts file are not asked for");

    for (int i = 0; i < 60; i++) {
        char name[32];

        snprintf(name, sizeof name, "many%d.example", i);
        rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, rf_span_str(name), rf_now_us()) == RF_OK);
        PUMP_UNTIL(a.done == 9 + i);
    }
    ok(rf_dns_counts(d).cached <= 20 && rf_dns_counts(d).pending == 0, "the cache is bounded: %u",
       rf_dns_counts(d).cached);
    ok(rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("alias.example"), rf_now_us()) != NULL &&
           rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("many59.example"), rf_now_us()) != NULL &&
           rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("many0.example"), rf_now_us()) == NULL,
       "the oldest went, the hosts file stays");
    rf_dns_forget(d);
    ok(rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("many59.example"), rf_now_us()) == NULL &&
           rf_dns_cached(d, RF_DNS_A, RF_SPAN_LIT("alias.example"), rf_now_us()) != NULL,
       "forgetting spares it too");

    ok(rf_dns_ask(d, &c.query, RF_DNS_A, RF_SPAN_LIT("not a name"), rf_now_us()) == RF_ERR_SYNTAX,
       "not a name");
    mute = 1;
    a.done = 0;
    rf_assert(rf_dns_ask(d, &a.query, RF_DNS_A, RF_SPAN_LIT("silent.example"), rf_now_us()) == RF_OK);
    rf_assert(rf_dns_ask(d, &c.query, RF_DNS_A, RF_SPAN_LIT("silent.example"), rf_now_us()) == RF_OK);
    rf_dns_cancel(&c.query);
    PUMP_UNTIL(a.done == 1);
    ok(a.done == 1 && a.status == RF_DNS_FAILED && c.done == 0,
       "a silent server ends in failure; who cancelled hears nothing");
    {
        struct asker many[10];
        enum rf_err err = RF_OK;
        int n = 0;

        for (; n < 10 && err == RF_OK; n++) {
            char name[32];

            many[n] = (struct asker){ .query = { .done = heard } };
            snprintf(name, sizeof name, "p%d.example", n);
            err = rf_dns_ask(d, &many[n].query, RF_DNS_A, rf_span_str(name), rf_now_us());
        }
        ok(err == RF_ERR_NOMEM && n == 9, "questions under way are bounded");
        rf_dns_free(d);
    }
    ok(true, "freed with questions under way");
    rf_loop_unwatch(loop, &server);
    close(server.fd);
    rf_loop_free(loop);
}

int
main(void)
{
    good_answers();
    bad_answers();
    fit_names();
    asking();
    return tap_done();
}
