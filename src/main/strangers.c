/*
 * main/strangers.c - where only trunks are expected, whoever is nobody's peer gets no answer
 *
 * An answer tells a scanner that a SIP server is here, of which make, and which of its guesses exist; a challenge gives
 * it something to guess at. On an address of sip-trunks alone there is often nobody who could need one: every
 * connection is known by its address, its name, its certificate or our registration. What comes from elsewhere is then
 * dropped, a datagram silently, a connection by closing it, and counted (`strangers` in status).
 * docs/design/0019-strangers.md
 */
#include "main/worker.h"

bool
rf_site_ignores_strangers(const struct rf_conf *conf, const struct rf_connections *connections)
{
    const char *answers = rf_conf_text(conf, "sip-trunks.answer-strangers");
    size_t n = rf_connections_count(connections);

    if (strcmp(answers, "auto") != 0)
        return strcmp(answers, "off") == 0;
    for (size_t i = 0; i < n; i++) {
        const struct rf_connection *k = rf_connection_at(connections, i);

        if (k->type == RF_CONNECTION_CREDENTIAL && !k->is_customer)
            return false; /* it signs in, from wherever it is */
    }
    return n > 0;
}

/* One that we opened has a port of its own (callenv.c). */
static bool
is_opened_by_us(const struct rf_worker *w, const struct rf_flow *flow)
{
    if (!rf_transport_is_reliable(flow->transport))
        return false;
    for (size_t i = 0; i < w->site->listener_count; i++)
        if (w->site->listener[i].transport == flow->transport &&
            rf_addr_port(&w->site->listener[i].addr) == rf_addr_port(&flow->local))
            return false;
    return true;
}

/* Could a request of this sender be a connection's, by any rule of route/connection.h but a password? */
static bool
is_peer(const struct rf_worker *w, const struct rf_flow *flow)
{
    const struct rf_connections *connections = w->site->connections;
    char name[RF_CONNECTION_NAME_MAX];

    if (flow->proven != NULL || is_opened_by_us(w, flow) || rf_site_is_trunk(w->site, &flow->remote) ||
        rf_board_of_flow(w->shared->board, flow->id, name))
        return true;
    for (size_t i = 0; i < rf_connections_count(connections); i++) {
        const struct rf_connection *k = rf_connection_at(connections, i);

        for (size_t n = 0; n < k->network_count; n++)
            if (rf_addr_is_within(&flow->remote, &k->network[n].addr, k->network[n].bits))
                return true;
        if (k->host[0] != '\0' && rf_board_leads_to(w->shared->board, k, &flow->remote))
            return true;
    }
    return false;
}

bool
rf_worker_ignores(struct rf_worker *w, struct rf_flow *flow, const char *what, uint64_t now_us)
{
    char host[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(host, sizeof host);

    if (!w->site->ignores_strangers || strcmp(flow->listener, rf_iface_row(RF_IFACE_SIP_TRUNKS)->name) != 0 ||
        is_peer(w, flow))
        return false;
    atomic_fetch_add_explicit(&w->numbers.strangers, 1, memory_order_relaxed);
    rf_put_host(&b, &flow->remote, false);
    rf_fold_refuse(w->shared->fold, RF_REFUSE_STRANGER, rf_buf_span(&b),
                   (struct rf_log_field[]){ RF_F_STR("what", what), RF_F_SPAN("addr", rf_buf_span(&b)),
                                            RF_F_STR("transport", rf_transport_name(flow->transport)), { 0 } },
                   now_us);
    if (rf_transport_is_reliable(flow->transport))
        rf_flow_close(flow);
    return true;
}

bool
rf_worker_ignores_request(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    const struct rf_sip_msg *m = &w->msg;

    /* An ACK is never answered. */
    return m->is_request && m->method != RF_SIP_ACK &&
           rf_worker_ignores(w, flow, rf_sip_method_name(m->method), now_us);
}
