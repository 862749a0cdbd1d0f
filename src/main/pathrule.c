#include "main/pathrule.h"

#include "route/resolve.h"

/* The first Path value, or the contact. RF_ERR_SYNTAX: it cannot be read. */
static enum rf_err
next_hop(const struct rf_binding *b, struct rf_sip_uri *out)
{
    struct rf_span list = rf_span_str(b->path), first;
    struct rf_sip_name_addr hop;

    if (b->path[0] == '\0')
        return rf_sip_uri_parse(rf_span_str(b->contact), out);
    if (!rf_sip_list_next(&list, &first) || rf_sip_name_addr_parse(first, &hop) != RF_OK)
        return RF_ERR_SYNTAX;
    *out = hop.uri;
    return RF_OK;
}

/* By ;transport=, else as it registered. false: a transport that leads to no phone. */
static bool
wanted_transport(const struct rf_binding *b, const struct rf_sip_uri *uri, enum rf_transport *out)
{
    struct rf_span value;

    *out = b->transport;
    if (uri->scheme != RF_URI_SIP)
        return false;
    if (!rf_sip_uri_param(uri, "transport", &value))
        return true;
    *out = rf_span_iis(value, "tcp") ? RF_TCP : RF_UDP;
    return *out == RF_TCP || rf_span_iis(value, "udp");
}

/* Its owner did not say by which transport it wants to be reached. */
static bool
is_open_to_tcp(const struct rf_sip_uri *uri)
{
    struct rf_span value;

    return !rf_sip_uri_param(uri, "transport", &value);
}

static struct rf_path_choice
none(enum rf_err why)
{
    return (struct rf_path_choice){ .way = RF_PATH_NONE, .why = why };
}

static struct rf_path_choice
address(enum rf_transport t, const struct rf_addr *addr)
{
    if (!rf_addr_is_set(addr))
        return none(RF_ERR_NOT_FOUND);
    return (struct rf_path_choice){ .way = RF_PATH_ADDRESS, .transport = t, .addr = *addr };
}

/* The URI's host is an address. */
static struct rf_path_choice
numeric(const struct rf_binding *b, enum rf_transport t, const struct rf_addr *addr)
{
    if (b->path[0] != '\0' || !rf_addr_is_set(&b->source) || rf_addr_same_host(addr, &b->source))
        return address(t, addr);
    return b->transport == RF_UDP ? address(RF_UDP, &b->source) : none(RF_ERR_CLOSED);
}

void
rf_path_choose(const struct rf_binding *b, bool flow_is_lost, struct rf_path_choice *out)
{
    bool is_direct = b->path[0] == '\0';
    enum rf_transport t;
    struct rf_sip_uri uri;
    struct rf_span host, maddr;
    struct rf_addr addr;

    if (rf_transport_is_reliable(b->transport)) {
        if (b->flow_id != 0 && !flow_is_lost) {
            *out = (struct rf_path_choice){ .way = RF_PATH_FLOW };
            return;
        }
        if (b->transport != RF_TCP || b->reg_id != 0) {
            *out = none(RF_ERR_CLOSED);
            return;
        }
    } else if (b->reg_id != 0 && is_direct) {
        *out = address(RF_UDP, &b->source);
        return;
    }
    if (next_hop(b, &uri) != RF_OK || !wanted_transport(b, &uri, &t)) {
        *out = none(RF_ERR_NOT_FOUND);
        return;
    }
    host = rf_sip_uri_param(&uri, "maddr", &maddr) && maddr.n > 0 ? maddr : uri.host;
    if (rf_addr_parse(host, uri.port != 0 ? uri.port : rf_transport_port(t), &addr) == RF_OK) {
        *out = numeric(b, t, &addr);
        out->may_leave_udp = out->way == RF_PATH_ADDRESS && out->transport == RF_UDP &&
                             rf_addr_eq(&out->addr, &addr) && is_open_to_tcp(&uri);
    } else {
        *out = (struct rf_path_choice){ .way = RF_PATH_SEARCH, .uri = uri,
                                        .source_at_last = is_direct && b->transport == RF_UDP &&
                                                          rf_addr_is_set(&b->source),
                                        .may_leave_udp = is_open_to_tcp(&uri) };
    }
}

void
rf_path_choose_server(const struct rf_binding *b, bool flow_is_lost, struct rf_path_choice *out)
{
    struct rf_sip_uri uri;
    struct rf_span value = { 0 };
    enum rf_transport t;
    struct rf_addr addr;

    if (b->flow_id != 0 && !flow_is_lost) {
        *out = (struct rf_path_choice){ .way = RF_PATH_FLOW };
        return;
    }
    if (next_hop(b, &uri) != RF_OK || uri.scheme == RF_URI_TEL || uri.scheme == RF_URI_OTHER) {
        *out = none(RF_ERR_NOT_FOUND);
        return;
    }
    (void)!rf_sip_uri_param(&uri, "transport", &value);
    t = uri.scheme == RF_URI_SIPS || rf_span_iis(value, "tls") ? RF_TLS : rf_span_iis(value, "tcp") ? RF_TCP : RF_UDP;
    if (rf_addr_parse(uri.host, uri.port != 0 ? uri.port : rf_transport_port(t), &addr) == RF_OK)
        *out = address(t, &addr);
    else
        *out = (struct rf_path_choice){ .way = RF_PATH_SEARCH };
    out->uri = uri;
    out->may_leave_udp = t == RF_UDP && value.n == 0;
}

static bool
is_multicast(const struct rf_addr *a)
{
    if (a->sa.sa_family == AF_INET6)
        return a->v6.sin6_addr.s6_addr[0] == 0xff;
    return (ntohl(a->v4.sin_addr.s_addr) >> 28) >= 0xe; /* and what is above: reserved, broadcast */
}

bool
rf_path_may(const struct rf_binding *b, const struct rf_addr *to)
{
    if (!rf_addr_is_set(to) || rf_addr_port(to) == 0 || rf_addr_is_any(to) || is_multicast(to))
        return false;
    /* IPv4 in the clothes of IPv6 would pass by what is asked of IPv4; our own addresses have one form. */
    if (to->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&to->v6.sin6_addr))
        return false;
    return !rf_addr_is_loopback(to) || rf_addr_is_loopback(&b->source);
}
