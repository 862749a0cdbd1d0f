/*
 * main/trialroute.c - the first steps of a trial: where a connection's server is, and what DNS said of it
 */
#include <stdlib.h>

#include "main/pathrule.h"
#include "main/trial.h"
#include "net/dns.h"
#include "probe/answer.h"
#include "route/resolve.h"

#define TURN_US (100 * RF_MS) /* how soon a cancelled trial is noticed */

struct search {
    struct rf_trial *trial;
    struct rf_loop *loop;
    struct rf_dns *dns;
    struct rf_dns_query query;
    struct rf_resolve resolve;
    json_t *questions;
    bool is_over;
    enum rf_err why; /* it ended early */
};

static void search_on(struct search *s, uint64_t now_us);

/* --- for people and programs --- */

static const char *
type_name(enum rf_dns_type t)
{
    return t == RF_DNS_NAPTR ? "NAPTR" : t == RF_DNS_SRV ? "SRV" : t == RF_DNS_AAAA ? "AAAA" : "A";
}

static json_t *
record_json(enum rf_dns_type type, const struct rf_dns_record *r)
{
    char text[RF_ADDR_TEXT_MAX], flags[8], service[32], name[RF_DNS_NAME_MAX];
    struct rf_buf b = rf_buf(text, sizeof text - 1);

    switch (type) {
    case RF_DNS_NAPTR: /* whoever writes the zone writes these, and JSON is UTF-8 */
        rf_probe_clean(flags, sizeof flags, rf_span_str(r->naptr.flags));
        rf_probe_clean(service, sizeof service, rf_span_str(r->naptr.service));
        rf_probe_clean(name, sizeof name, rf_span_str(r->naptr.replacement));
        return json_pack("{s:i, s:i, s:s, s:s, s:s}", "order", (int)r->naptr.order, "preference",
                         (int)r->naptr.preference, "flags", flags, "service", service, "replacement", name);
    case RF_DNS_SRV:
        rf_probe_clean(name, sizeof name, rf_span_str(r->srv.target));
        return json_pack("{s:i, s:i, s:i, s:s}", "priority", (int)r->srv.priority, "weight", (int)r->srv.weight, "port",
                         (int)r->srv.port, "target", name);
    default:
        rf_put_host(&b, &r->addr, false);
        text[b.n] = '\0';
        return json_pack("{s:s}", "address", text);
    }
}

static void
note_answer(struct search *s, const struct rf_dns_answer *a)
{
    static const char *const status[] = { "found", "no such name", "no such record", "no answer" };
    json_t *records = json_array();

    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(records, record_json(a->type, &a->record[i]));
    json_array_append_new(s->questions,
                          json_pack("{s:s, s:s, s:s, s:i, s:o}", "type", type_name(s->resolve.question.type), "name",
                                    s->resolve.question.name, "status", status[a->status], "ttl_s", (int)a->ttl_s,
                                    "records", records));
}

/* --- the search --- */

static void
add_target(struct rf_trial *t, enum rf_transport transport, const struct rf_addr *addr, const char *host)
{
    struct rf_trial_target *to = &t->target[t->target_count];

    if (t->target_count == RF_TRIAL_TARGETS_MAX)
        return;
    to->transport = transport;
    to->addr = *addr;
    snprintf(to->host, sizeof to->host, "%s", host);
    t->target_count++;
}

static void
on_answer(struct rf_dns_query *q, const struct rf_dns_answer *a, uint64_t now_us)
{
    struct search *s = rf_container(q, struct search, query);

    note_answer(s, a);
    rf_resolve_answer(&s->resolve, a);
    search_on(s, now_us);
}

static void
search_on(struct search *s, uint64_t now_us)
{
    struct rf_target t;
    enum rf_err err;

    while ((err = rf_resolve_next(&s->resolve, &t)) == RF_OK && s->trial->target_count < RF_TRIAL_TARGETS_MAX)
        add_target(s->trial, t.transport, &t.addr, t.host);
    if (err == RF_ERR_AGAIN)
        err = rf_dns_ask(s->dns, &s->query, s->resolve.question.type, rf_span_str(s->resolve.question.name), now_us);
    else
        s->is_over = true;
    if (err && err != RF_ERR_NOT_FOUND) {
        s->why = err;
        s->is_over = true;
    }
}

static enum rf_err
search_begin(struct search *s, const struct rf_sip_uri *uri)
{
    const struct rf_site *site = s->trial->conf.site;
    struct rf_addr server[RF_DNS_SERVERS_MAX];
    struct rf_dns_conf dns = RF_DNS_CONF;
    /* As main/path.c does for servers: connections need no listener, what comes by UDP needs one. */
    struct rf_resolve_conf conf = { .tcp = true, .tls = true, .ipv4 = true, .ipv6 = true, .ipv4_first = true,
                                    .rand = &rf_rand_system };
    enum rf_err err = rf_loop_new(&s->loop);

    for (size_t i = 0; i < site->listener_count; i++)
        conf.udp = conf.udp || (site->listener[i].transport == RF_UDP && rf_iface_row(site->listener[i].iface)->is_sip);
    dns.server = server;
    dns.server_count = rf_site_dns_servers(site->conf, server);
    dns.cache_max = 64;
    dns.pending_max = 4;
    if (!err)
        err = rf_dns_new(&s->dns, s->loop, &dns, &rf_rand_system);
    if (!err)
        err = rf_resolve_begin(&s->resolve, uri, &conf);
    s->query.done = on_answer;
    return err;
}

static void
search_run(struct search *s, const struct rf_sip_uri *uri)
{
    s->why = search_begin(s, uri);
    if (!s->why)
        search_on(s, rf_now_us());
    while (!s->why && !s->is_over && !s->trial->is_cancelled) {
        if (rf_now_us() >= s->trial->until_us)
            s->why = RF_ERR_TIMEOUT;
        else
            rf_loop_once(s->loop, TURN_US);
    }
    rf_dns_cancel(&s->query);
    rf_dns_free(s->dns);
    rf_loop_free(s->loop);
}

static void
put_targets(struct rf_trial *t, json_t *step)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->target_count; i++) {
        char text[RF_ADDR_TEXT_MAX];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "transport", rf_transport_name(t->target[i].transport),
                                              "address", rf_addr_text(&t->target[i].addr, text), "name",
                                              t->target[i].host));
    }
    json_object_set_new(step, "targets", list);
}

void
rf_trial_resolve(struct rf_trial *t)
{
    const struct rf_connection *k = t->connection;
    struct search *s = calloc(1, sizeof *s);
    struct rf_binding *to = calloc(1, sizeof *to);
    json_t *step = rf_trial_step(t, "resolve", NULL);
    char setting[128];
    struct rf_path_choice choice;

    snprintf(setting, sizeof setting, "sip-connection.%s.server", k->name);
    if (s == NULL || to == NULL) {
        rf_trial_fail_text(t, step, RF_REFUSE_SERVER_NOT_RESOLVING, rf_err_text(RF_ERR_NOMEM), NULL);
        free(s);
        free(to);
        return;
    }
    s->trial = t;
    s->questions = json_array();
    snprintf(to->contact, sizeof to->contact, "%s", k->uri);
    rf_path_choose_server(to, true, &choice);
    if (choice.way == RF_PATH_ADDRESS)
        add_target(t, choice.transport, &choice.addr, k->host);
    else if (choice.way == RF_PATH_SEARCH)
        search_run(s, &choice.uri);
    json_object_set_new(step, "questions", s->questions);
    put_targets(t, step);
    if (t->target_count > 0)
        rf_trial_say(step, "%s leads to %zu target%s", k->uri, t->target_count, t->target_count > 1 ? "s" : "");
    else
        rf_trial_fail(t, step, RF_REFUSE_SERVER_NOT_RESOLVING,
                      (struct rf_log_field[]){ RF_F_STR("name", k->uri), RF_F_STR("setting", setting), { 0 } });
    if (t->target_count == 0 && s->why && s->why != RF_ERR_NOT_FOUND)
        rf_trial_say(step, "the search ended early: %s", rf_err_text(s->why));
    free(s);
    free(to);
}
