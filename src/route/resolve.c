#include "route/resolve.h"

#include <stdio.h>

uint16_t
rf_transport_port(enum rf_transport t)
{
    return rf_transport_is_secure(t) ? 5061 : 5060;
}

/* --- beginning --- */

static bool
has_transport(const struct rf_resolve_conf *conf, enum rf_transport t)
{
    return (t == RF_UDP && conf->udp) || (t == RF_TCP && conf->tcp) || (t == RF_TLS && conf->tls);
}

/* By ;transport=. sips over anything but TLS does not exist (RFC 3261 19.1.4, 26.2.2): tcp there means TLS. */
static enum rf_err
given_transport(struct rf_span value, bool is_sips, enum rf_transport *out)
{
    if (rf_span_iis(value, "tls") || (is_sips && rf_span_iis(value, "tcp")))
        *out = RF_TLS;
    else if (rf_span_iis(value, "tcp"))
        *out = RF_TCP;
    else if (rf_span_iis(value, "udp") && !is_sips)
        *out = RF_UDP;
    else
        return RF_ERR_UNSUPPORTED;
    return RF_OK;
}

/* Without a word about it: TLS for sips, else UDP, or TCP for what is too large for UDP. */
static enum rf_err
usual_transport(const struct rf_resolve *r, enum rf_transport *out)
{
    const struct rf_resolve_conf *c = &r->conf;

    if (r->is_sips)
        *out = RF_TLS;
    else if (c->udp && !(c->avoid_udp && c->tcp))
        *out = RF_UDP;
    else
        *out = c->tcp ? RF_TCP : RF_TLS;
    return has_transport(c, *out) ? RF_OK : RF_ERR_UNSUPPORTED;
}

static void
add_service(struct rf_resolve *r, enum rf_transport t, const char *prefix, const char *domain)
{
    struct rf_resolve_service *s = &r->service[r->service_count];

    if (r->service_count == RF_RESOLVE_SERVICES_MAX || !has_transport(&r->conf, t) ||
        strlen(prefix) + strlen(domain) > 253)
        return;
    s->transport = t;
    snprintf(s->name, sizeof s->name, "%.16s%.253s", prefix, domain);
    r->service_count++;
}

/* The SRV names of one transport (RFC 3263 4.1). */
static void
add_services_of(struct rf_resolve *r, enum rf_transport t)
{
    if (t == RF_TLS && r->conf.sips_tls_name)
        add_service(r, RF_TLS, "_sips._tls.", r->host);
    if (t == RF_TLS)
        add_service(r, RF_TLS, "_sips._tcp.", r->host);
    else
        add_service(r, t, t == RF_TCP ? "_sip._tcp." : "_sip._udp.", r->host);
}

static void
add_host(struct rf_resolve *r, enum rf_transport t, uint16_t port, const char *name)
{
    struct rf_resolve_host *h = &r->host_list[r->host_count];

    if (r->host_count == RF_RESOLVE_HOSTS_MAX)
        return;
    h->transport = t;
    h->port = port;
    snprintf(h->name, sizeof h->name, "%s", name);
    r->host_count++;
}

static void
begin_host(struct rf_resolve *r)
{
    add_host(r, r->fallback, r->port != 0 ? r->port : rf_transport_port(r->fallback), r->host);
    if (r->udp_at_last)
        add_host(r, RF_UDP, r->port != 0 ? r->port : rf_transport_port(RF_UDP), r->host);
    r->step = RF_RESOLVE_HOST;
}

static void
add_ready(struct rf_resolve *r, enum rf_transport t, const struct rf_addr *a, uint16_t port)
{
    r->ready[r->ready_count] = *a;
    rf_addr_set_port(&r->ready[r->ready_count], port);
    r->ready_transport[r->ready_count++] = t;
}

static bool
family_is_ours(const struct rf_resolve *r, const struct rf_addr *a)
{
    return a->sa.sa_family == AF_INET6 ? r->conf.ipv6 : r->conf.ipv4;
}

enum rf_err
rf_resolve_begin(struct rf_resolve *r, const struct rf_sip_uri *uri, const struct rf_resolve_conf *conf)
{
    struct rf_span target = uri->host, value;
    struct rf_addr numeric;
    bool is_given;
    enum rf_err err;

    memset(r, 0, sizeof *r);
    r->conf = *conf;
    r->is_sips = uri->scheme == RF_URI_SIPS;
    r->port = uri->port;
    if (uri->scheme != RF_URI_SIP && uri->scheme != RF_URI_SIPS)
        return RF_ERR_UNSUPPORTED;
    if (rf_sip_param(uri->params, "maddr", &value) && value.n > 0)
        target = value;
    is_given = rf_sip_param(uri->params, "transport", &value);
    err = is_given ? given_transport(value, r->is_sips, &r->fallback) : usual_transport(r, &r->fallback);
    if (err != RF_OK)
        return err;
    if (!has_transport(conf, r->fallback))
        return RF_ERR_UNSUPPORTED;
    r->udp_at_last = !is_given && !r->is_sips && conf->avoid_udp && conf->udp && r->fallback != RF_UDP;

    if (rf_addr_parse(target, 0, &numeric) == RF_OK) {
        struct rf_buf b = rf_buf(r->host, sizeof r->host - 1);

        if (!family_is_ours(r, &numeric))
            return RF_ERR_UNSUPPORTED;
        rf_put_host(&b, &numeric, false);
        add_ready(r, r->fallback, &numeric, r->port != 0 ? r->port : rf_transport_port(r->fallback));
        if (r->udp_at_last)
            add_ready(r, RF_UDP, &numeric, r->port != 0 ? r->port : rf_transport_port(RF_UDP));
        r->step = RF_RESOLVE_END;
        return RF_OK;
    }
    if (!rf_dns_name_is_fit(target) || rf_span_copy(target, r->host, sizeof r->host) != RF_OK)
        return RF_ERR_SYNTAX;
    if (r->host[target.n - 1] == '.')
        r->host[target.n - 1] = '\0';
    for (char *p = r->host; *p != '\0'; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    if (r->port != 0) {
        begin_host(r);
    } else if (is_given) {
        add_services_of(r, r->fallback);
        r->step = RF_RESOLVE_SRV;
    } else {
        r->step = RF_RESOLVE_NAPTR;
    }
    return RF_OK;
}

/* --- answers --- */

static bool
naptr_transport(const struct rf_resolve *r, const struct rf_dns_record *n, enum rf_transport *out)
{
    struct rf_span service = rf_span_str(n->naptr.service);

    if (!rf_span_iis(rf_span_str(n->naptr.flags), "s") || n->naptr.replacement[0] == '\0')
        return false;
    if (rf_span_iis(service, "SIPS+D2T"))
        *out = RF_TLS;
    else if (rf_span_iis(service, "SIP+D2T") && !r->is_sips)
        *out = RF_TCP;
    else if (rf_span_iis(service, "SIP+D2U") && !r->is_sips)
        *out = RF_UDP;
    else
        return false;
    return has_transport(&r->conf, *out);
}

/* Does `a`, which leads to transport at, come before b? A large request goes by UDP only when nothing else is left. */
static bool
naptr_is_before(const struct rf_resolve *r, const struct rf_dns_record *a, enum rf_transport at,
                const struct rf_dns_record *b, enum rf_transport bt)
{
    if (r->conf.avoid_udp && (at == RF_UDP) != (bt == RF_UDP))
        return bt == RF_UDP;
    return a->naptr.order < b->naptr.order ||
           (a->naptr.order == b->naptr.order && a->naptr.preference < b->naptr.preference);
}

/* Usable records by order, then preference: each leads to one SRV name. */
static void
take_naptr(struct rf_resolve *r, const struct rf_dns_answer *a)
{
    bool used[RF_DNS_RECORDS_MAX] = { false };

    for (size_t round = 0; round < a->count; round++) {
        const struct rf_dns_record *best = NULL;
        enum rf_transport t, best_t = RF_UDP;
        size_t at = 0;

        for (size_t i = 0; i < a->count; i++) {
            const struct rf_dns_record *n = &a->record[i];

            if (used[i] || !naptr_transport(r, n, &t))
                continue;
            if (best == NULL || naptr_is_before(r, n, t, best, best_t)) {
                best = n;
                best_t = t;
                at = i;
            }
        }
        if (best == NULL)
            break;
        used[at] = true;
        add_service(r, best_t, "", best->naptr.replacement);
    }
    if (r->service_count > 0)
        return;
    /* RFC 3263 4.1: _sips for sips URIs, _sip for sip URIs; a domain that wants TLS for the latter says so by
     * NAPTR. Where TLS is all we have, it is asked for. */
    if (r->fallback == RF_TLS) {
        add_services_of(r, RF_TLS);
        return;
    }
    add_services_of(r, r->conf.avoid_udp ? RF_TCP : RF_UDP);
    add_services_of(r, r->conf.avoid_udp ? RF_UDP : RF_TCP);
}

/*
 * RFC 2782: lowest priority first; among equals at random, in proportion to the weights, those of weight 0 being
 * considered first so that they have a small chance.
 */
static void
take_srv(struct rf_resolve *r, const struct rf_dns_answer *a, enum rf_transport t)
{
    size_t order[RF_DNS_RECORDS_MAX], left = 0;

    for (int zero = 1; zero >= 0; zero--)
        for (size_t i = 0; i < a->count; i++)
            if ((a->record[i].srv.weight == 0) == zero)
                order[left++] = i;
    while (left > 0) {
        uint32_t lowest = UINT32_MAX, sum = 0, running = 0, pick;
        size_t chosen = 0;

        for (size_t k = 0; k < left; k++)
            if (a->record[order[k]].srv.priority < lowest)
                lowest = a->record[order[k]].srv.priority;
        for (size_t k = 0; k < left; k++)
            if (a->record[order[k]].srv.priority == lowest)
                sum += a->record[order[k]].srv.weight;
        pick = (uint32_t)(rf_rand_u64(r->conf.rand) % ((uint64_t)sum + 1));
        for (size_t k = 0; k < left; k++) {
            const struct rf_dns_record *s = &a->record[order[k]];

            if (s->srv.priority != lowest)
                continue;
            running += s->srv.weight;
            chosen = k;
            if (running >= pick)
                break;
        }
        if (a->record[order[chosen]].srv.target[0] != '\0')
            add_host(r, t, a->record[order[chosen]].srv.port, a->record[order[chosen]].srv.target);
        memmove(&order[chosen], &order[chosen + 1], (left - chosen - 1) * sizeof order[0]);
        left--;
    }
}

/* The next family of this host, or the next host. */
static void
next_family(struct rf_resolve *r)
{
    if (++r->family_step == 2) {
        r->family_step = 0;
        r->host_next++;
    }
}

static void
take_addresses(struct rf_resolve *r, const struct rf_dns_answer *a)
{
    const struct rf_resolve_host *h = &r->host_list[r->host_next];

    r->ready_next = r->ready_count = 0;
    for (size_t i = 0; i < a->count; i++)
        add_ready(r, h->transport, &a->record[i].addr, h->port);
    next_family(r);
}

void
rf_resolve_answer(struct rf_resolve *r, const struct rf_dns_answer *answer)
{
    rf_assert(answer->type == r->question.type);
    if (answer->status == RF_DNS_FAILED)
        r->had_failure = true;
    switch (r->step) {
    case RF_RESOLVE_NAPTR:
        take_naptr(r, answer);
        r->step = RF_RESOLVE_SRV;
        break;
    case RF_RESOLVE_SRV:
        r->found_srv = r->found_srv || answer->count > 0;
        take_srv(r, answer, r->service[r->service_next].transport);
        r->service_next++;
        r->step = r->host_count > 0 ? RF_RESOLVE_HOST : RF_RESOLVE_SRV;
        break;
    case RF_RESOLVE_HOST:
        take_addresses(r, answer);
        break;
    case RF_RESOLVE_END:
        break;
    }
}

/* --- questions --- */

static enum rf_err
ask(struct rf_resolve *r, enum rf_dns_type type, const char *name)
{
    r->question.type = type;
    snprintf(r->question.name, sizeof r->question.name, "%s", name);
    return RF_ERR_AGAIN;
}

/* Its A or AAAA record, whichever is next; false when neither family of this step is ours. */
static bool
ask_host(struct rf_resolve *r)
{
    bool wants_v6 = (r->family_step == 0) != r->conf.ipv4_first;

    if (!(wants_v6 ? r->conf.ipv6 : r->conf.ipv4))
        return false;
    ask(r, wants_v6 ? RF_DNS_AAAA : RF_DNS_A, r->host_list[r->host_next].name);
    return true;
}

enum rf_err
rf_resolve_next(struct rf_resolve *r, struct rf_target *target)
{
    for (;;) {
        if (r->ready_next < r->ready_count) {
            target->transport = r->ready_transport[r->ready_next];
            target->addr = r->ready[r->ready_next++];
            memcpy(target->host, r->host, sizeof target->host);
            return RF_OK;
        }
        switch (r->step) {
        case RF_RESOLVE_NAPTR:
            return ask(r, RF_DNS_NAPTR, r->host);
        case RF_RESOLVE_SRV:
            if (r->service_next < r->service_count)
                return ask(r, RF_DNS_SRV, r->service[r->service_next].name);
            if (r->found_srv)
                r->step = RF_RESOLVE_END; /* the domain's servers are those of its records and no other */
            else
                begin_host(r);
            break;
        case RF_RESOLVE_HOST:
            if (r->host_next == r->host_count) {
                /* All servers of one service failed: the next service (transport), if there is one. */
                bool has_more = r->service_next < r->service_count;

                r->host_count = r->host_next = 0;
                r->step = has_more ? RF_RESOLVE_SRV : RF_RESOLVE_END;
                break;
            }
            if (ask_host(r))
                return RF_ERR_AGAIN;
            next_family(r);
            break;
        case RF_RESOLVE_END:
            return RF_ERR_NOT_FOUND;
        }
    }
}
