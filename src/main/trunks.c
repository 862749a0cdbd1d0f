/*
 * main/trunks.c - certificates of peers, where more than the handshake decides
 *
 * A server does not know in the handshake for whom a peer will speak. What was left open there is decided here, when
 * the connection is open: the names of the remote levels (AVA-16, AVA-17), and, on an address that phones and trunks
 * share, whether a peer that comes from a trunk's address has shown what a trunk must show (AVA-22).
 */
#include <stdlib.h>

#include "main/worker.h"

/* --- which addresses are trunks' ----------------------------------------------------------------------- */

bool
rf_site_is_trunk(const struct rf_site *s, const struct rf_addr *a)
{
    struct rf_span left = rf_span_str(rf_conf_text(s->conf, "sip-trunks.peer-addresses")), word;

    while (rf_conf_next_word(&left, &word)) {
        struct rf_addr network;
        unsigned bits;

        if (rf_network_parse(word, &network, &bits) == RF_OK && rf_addr_is_within(a, &network, bits))
            return true;
    }
    return false;
}

/* --- the verdict --------------------------------------------------------------------------------------- */

void
rf_worker_keep_refused(struct rf_worker *w, const struct rf_flow *flow, enum rf_refusal why, const char *detail,
                       uint8_t passes_level)
{
    const struct rf_tls_conn *tls = rf_transport_tls(flow);
    const struct rf_tls_peer *peer = rf_tls_conn_peer(tls);
    struct rf_refused_chain c = { .wall_s = rf_wall_s(), .peer = flow->remote, .refusal = why,
                                  .passes_level = passes_level };

    snprintf(c.interface, sizeof c.interface, "%s", flow->listener);
    snprintf(c.detail, sizeof c.detail, "%s", detail);
    memcpy(c.sha256, peer->sha256, sizeof c.sha256);
    rf_refused_add(w->shared->refused, tls, &c);
}

static void
say_refused(struct rf_worker *w, const struct rf_flow *flow, const struct rf_check_report *r, uint64_t now_us)
{
    struct rf_log_field fields[RF_CHECK_FIELDS_MAX + 2];
    char peer[RF_ADDR_TEXT_MAX], host[RF_ADDR_TEXT_MAX];
    struct rf_buf key = rf_buf(host, sizeof host);
    size_t n = 0;

    rf_check_fields(r, rf_addr_text(&flow->remote, peer), fields);
    while (fields[n].kind != RF_LOG_END)
        n++;
    fields[n++] = RF_F_STR("listener", flow->listener);
    fields[n] = (struct rf_log_field){ 0 };
    rf_put_host(&key, &flow->remote, false);
    rf_fold_refuse(w->shared->fold, r->refusal, rf_buf_span(&key), fields, now_us);
    if (r->first_failed != RF_CHECK_PRESENT)
        rf_worker_keep_refused(w, flow, r->refusal, r->line[r->first_failed].detail, r->passes_level);
}

/* By one of the names that trunks may speak for; by its address when there is none. */
static enum rf_err
judge_names(const struct rf_worker *w, const struct rf_flow *flow, const struct rf_tls_conn *tls,
            struct rf_check_report *r)
{
    const struct rf_ifaces *s = w->site->ifaces;
    const struct rf_tls_check *check = &s->iface[RF_IFACE_SIP_TRUNKS].check;
    enum rf_err err;

    if (s->peer_name_count == 0)
        return rf_tls_conn_judge(tls, check, rf_span(NULL, 0), &flow->remote, r);
    for (size_t i = 0; i < s->peer_name_count; i++) {
        err = rf_tls_conn_judge(tls, check, rf_span_str(s->peer_name[i]), NULL, r);
        if (err || r->is_accepted)
            return err;
    }
    return RF_OK;
}

static enum rf_err
judge_trunk(const struct rf_worker *w, const struct rf_flow *flow, struct rf_check_report *r)
{
    const struct rf_tls_conn *tls = rf_transport_tls(flow);
    const struct rf_tls_peer *peer = rf_tls_conn_peer(tls);
    enum rf_check_level level = w->site->ifaces->iface[RF_IFACE_SIP_TRUNKS].check.level;

    if (peer != NULL && peer->has_shown && peer->is_accepted && !peer->needs_target) {
        r->is_accepted = true;
        return RF_OK;
    }
    if (peer != NULL && peer->has_shown && (level == RF_CHECK_MEDIUM_REMOTE || level == RF_CHECK_HIGH_REMOTE))
        return judge_names(w, flow, tls, r);
    return rf_tls_conn_judge(tls, &w->site->ifaces->iface[RF_IFACE_SIP_TRUNKS].check, rf_span(NULL, 0), &flow->remote,
                             r);
}

/* Their names differ, or `config check` had warned (conf/connections.c). Once a connection, whose peer is verified. */
static void
say_too_many(const struct rf_flow *flow, const struct rf_connection *k)
{
    char peer[RF_ADDR_TEXT_MAX];

    RF_LOGF(RF_LOG_WARN, "connection.too_many",
            "the peer's certificate speaks for more sip-connections than can be told apart; calls by it are never taken "
            "for this one's or a later one's",
            RF_F_STR("connection", k->name), RF_F_U64("max", RF_FLOW_PROVEN_MAX),
            RF_F_STR("peer", rf_addr_text(&flow->remote, peer)));
}

/*
 * A certificate that speaks for the host of a connection tells whose calls these are (route/connection.h, C3). It must pass the
 * connection's checks with that name, as if we had called: at medium-remote at least, whatever less the interface asks.
 * Connections that have the host in common each have their own authorities and pins, so each is asked.
 */
static void
prove_name(const struct rf_worker *w, struct rf_flow *flow)
{
    const struct rf_tls_conn *tls = rf_transport_tls(flow);
    const struct rf_tls_peer *peer = rf_tls_conn_peer(tls);
    struct rf_cert_facts *facts = malloc(sizeof *facts);
    struct rf_check_report *r = calloc(1, sizeof *r);
    bool has_facts = facts != NULL && r != NULL && peer != NULL && peer->has_shown &&
                     rf_tls_conn_peer_facts(tls, facts) == RF_OK;
    size_t proven = 0;
    size_t n_connections = has_facts ? rf_connections_count(w->site->connections) : 0;

    flow->proven_by = w->judgement;
    free(flow->proven);
    flow->proven = NULL;
    for (size_t i = 0; i < n_connections; i++) {
        const struct rf_connection *k = rf_connection_at(w->site->connections, i);
        struct rf_tls_check check = w->site->ifaces->server[i].check;
        bool is_named = false;

        if (k->proof == 0)
            continue;
        for (size_t n = 0; n < facts->san_count; n++)
            is_named = is_named || rf_span_iis(rf_span_str(k->host), facts->san[n].text);
        if (check.level != RF_CHECK_HIGH_REMOTE)
            check.level = RF_CHECK_MEDIUM_REMOTE;
        if (is_named && rf_tls_conn_judge(tls, &check, rf_span_str(k->host), NULL, r) == RF_OK && r->is_accepted &&
            rf_ifaces_pin_fits(w->site->ifaces, i, peer->sha256)) {
            if (proven == RF_FLOW_PROVEN_MAX) {
                say_too_many(flow, k);
                break;
            }
            if (flow->proven == NULL)
                flow->proven = calloc(RF_FLOW_PROVEN_MAX, sizeof *flow->proven);
            if (flow->proven == NULL)
                break; /* without memory nothing is proven */
            flow->proven[proven++] = k->proof;
        }
    }
    free(facts);
    free(r);
}

/* Is it one whose certificate may prove a connection? */
static bool
may_prove(const struct rf_flow *flow)
{
    return rf_transport_tls(flow) != NULL &&
           (strcmp(flow->listener, rf_iface_row(RF_IFACE_SIP_TRUNKS)->name) == 0 ||
            strcmp(flow->listener, rf_iface_row(RF_IFACE_SIP_SHARED)->name) == 0);
}

void
rf_worker_prove_again(struct rf_worker *w, struct rf_flow *flow)
{
    if (flow->proven_by == w->judgement)
        return;
    flow->proven_by = w->judgement;
    if (may_prove(flow))
        prove_name(w, flow);
}

/* What old phones may speak on a shared address, trunks may not (TEL-14). */
static bool
is_too_old(const struct rf_flow *flow)
{
    return strcmp(flow->facts.tls_version, "1.2") != 0 && strcmp(flow->facts.tls_version, "1.3") != 0;
}

void
rf_worker_judge_peer(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    const struct rf_tls_conn *tls = rf_transport_tls(flow);
    const struct rf_tls_peer *peer = tls != NULL ? rf_tls_conn_peer(tls) : NULL;
    bool is_shared = strcmp(flow->listener, rf_iface_row(RF_IFACE_SIP_SHARED)->name) == 0;
    bool is_trunks = strcmp(flow->listener, rf_iface_row(RF_IFACE_SIP_TRUNKS)->name) == 0;
    char address[RF_ADDR_TEXT_MAX];
    struct rf_buf host = rf_buf(address, sizeof address);
    struct rf_check_report *r;

    if (is_trunks && tls != NULL) {
        rf_put_host(&host, &flow->remote, false);
        rf_devices_note(w->devices, rf_buf_span(&host), flow, rf_wall_s());
    }
    if (may_prove(flow))
        prove_name(w, flow);
    if (tls == NULL || !(is_trunks ? peer != NULL && peer->has_shown && peer->needs_target
                                   : is_shared && rf_site_is_trunk(w->site, &flow->remote)))
        return;
    if (is_shared && is_too_old(flow)) {
        flow->peer_refusal = RF_REFUSE_TLS_VERSION;
        RF_REFUSE(TLS_VERSION, RF_F_STR("peer", rf_addr_text(&flow->remote, address)),
                  RF_F_STR("version", flow->facts.tls_version), RF_F_STR("min", "1.2"),
                  RF_F_STR("listener", flow->listener));
        return;
    }
    r = calloc(1, sizeof *r);
    if (r == NULL || judge_trunk(w, flow, r) != RF_OK) {
        rf_flow_close(flow);
    } else if (!r->is_accepted) {
        say_refused(w, flow, r, now_us);
        /* On an address of trunks alone nobody waits for words of SIP from one that was not let in. */
        if (is_shared)
            flow->peer_refusal = (uint16_t)r->refusal;
        else
            rf_flow_close(flow);
    }
    free(r);
}
