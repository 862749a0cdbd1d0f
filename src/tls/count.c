/*
 * tls/count.c - handshakes for the metrics: by interface, version, suite and resumption, or by why they failed
 */
#include "base/metric.h"
#include "conf/iface.h"
#include "tls/inside.h"
#include "tls/failure.h"

_Static_assert((int)RF_IFACE_COUNT + 1 == RF_TALLY_IFACES, "a cell for each interface, and one for no interface");

static unsigned
iface_place(const char *interface)
{
    enum rf_iface i;

    return rf_iface_find(rf_span_str(interface), &i) == RF_OK ? i : RF_TALLY_IFACES - 1;
}

void
rf_tls_count_done(struct rf_tls_conn *c, uint64_t took_us)
{
    const SSL_CIPHER *suite = SSL_get_current_cipher(c->ssl);
    struct rf_tally *t = rf_tally_mine();
    unsigned iface = iface_place(rf_tls_conn_side(c)->interface);
    unsigned version = rf_tally_version((uint16_t)SSL_version(c->ssl));
    bool is_resumed = SSL_session_reused(c->ssl) == 1;

    if (suite == NULL)
        return;
    rf_count(&t->tls_done[iface][version][rf_tally_cipher(SSL_CIPHER_get_protocol_id(suite))][is_resumed], 1);
    rf_tally_time(&t->tls_took[iface][is_resumed], rf_metric_bounds_handshake, took_us);
    c->open_cell = &t->tls_open[iface][version];
    rf_count(c->open_cell, 1);
}

void
rf_tls_count_lost(const char *interface, enum rf_refusal why)
{
    rf_count(&rf_tally_mine()->tls_failed[iface_place(interface)][why], 1);
}

void
rf_tls_count_failed(const struct rf_tls_conn *c, const struct rf_tls_failure *f)
{
    const char *interface = rf_tls_conn_side(c)->interface;
    bool refused_us = f->refusal == RF_REFUSE_CERT_REFUSED_BY_PEER;
    unsigned alert = rf_tls_alert_is_known(f->alert_received) && f->alert_received < RF_TALLY_ALERTS - 1
                         ? (unsigned)f->alert_received
                         : RF_TALLY_ALERTS - 1;

    if (c->is_done && !refused_us)
        return; /* a connection that broke long after */
    rf_tls_count_lost(interface, f->refusal);
    if (refused_us)
        rf_count(&rf_tally_mine()->tls_refused_us[iface_place(interface)][alert], 1);
}
