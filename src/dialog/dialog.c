/*
 * dialog/dialog.c - see dialog.h
 */
#include <stdlib.h>

#include "dialog/dialog.h"
#include "loop/wheel.h"

void
rf_dialog_fini(struct rf_dialog *d)
{
    free(d->call_id);
    free(d->local_tag);
    free(d->remote_tag);
    free(d->local);
    free(d->remote);
    free(d->target);
    for (size_t i = 0; i < d->route_count; i++)
        free(d->route[i]);
    memset(d, 0, sizeof *d);
}

/* From or To without its tag: "\"Bob\" <sip:bob@x>;other=1" loses other parameters as well, they mean nothing to us. */
static char *
name_addr_dup(const struct rf_sip_name_addr *a)
{
    size_t cap = a->display.n + a->uri.raw.n + 8;
    char *p = malloc(cap + 1);
    struct rf_buf b = rf_buf(p, cap);

    if (p == NULL)
        return NULL;
    if (a->display.n > 0) {
        rf_put_char(&b, '"');
        rf_put(&b, a->display);
        rf_put_str(&b, "\" ");
    }
    rf_put_char(&b, '<');
    rf_put(&b, a->uri.raw);
    rf_put_char(&b, '>');
    p[b.n] = '\0';
    return p;
}

static bool
is_usable_target(const struct rf_sip_uri *u)
{
    return u->scheme == RF_URI_SIP || u->scheme == RF_URI_SIPS;
}

/* The one Contact of a message; RF_ERR_NOT_FOUND when there is none. */
static enum rf_err
contact_of(const struct rf_sip_msg *m, struct rf_sip_name_addr *out)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_CONTACT);
    struct rf_span element;

    if (!rf_sip_walk_next(&w, &element))
        return RF_ERR_NOT_FOUND;
    if (rf_sip_name_addr_parse(element, out) != RF_OK || !is_usable_target(&out->uri))
        return RF_ERR_SYNTAX;
    return RF_OK;
}

/* Record-Route: as sent for a UAS (12.1.1), reversed for a UAC (12.1.2). */
static enum rf_err
take_record_route(struct rf_dialog *d, const struct rf_sip_msg *m, bool reversed)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_RECORD_ROUTE);
    struct rf_span element;
    struct rf_sip_name_addr a;

    while (rf_sip_walk_next(&w, &element)) {
        if (d->route_count == RF_DIALOG_ROUTES_MAX)
            return RF_ERR_RANGE;
        if (rf_sip_name_addr_parse(element, &a) != RF_OK || !is_usable_target(&a.uri))
            return RF_ERR_SYNTAX;
        d->route[d->route_count] = rf_span_dup(a.raw);
        if (d->route[d->route_count] == NULL)
            return RF_ERR_NOMEM;
        d->route_count++;
    }
    for (size_t i = 0; reversed && i < d->route_count / 2; i++) {
        char *other = d->route[d->route_count - 1 - i];

        d->route[d->route_count - 1 - i] = d->route[i];
        d->route[i] = other;
    }
    return RF_OK;
}

static bool
is_whole(const struct rf_dialog *d)
{
    return d->call_id != NULL && d->local_tag != NULL && d->local != NULL && d->remote != NULL && d->target != NULL;
}

static size_t
text_of(const struct rf_sip_msg *m)
{
    size_t n = m->call_id.n + m->from.raw.n + m->to.raw.n, i = 0;
    const struct rf_sip_field *f;

    while ((f = rf_sip_field_next(m, RF_HDR_RECORD_ROUTE, &i)) != NULL)
        n += f->value.n;
    i = 0;
    while ((f = rf_sip_field_next(m, RF_HDR_CONTACT, &i)) != NULL)
        n += f->value.n;
    return n;
}

enum rf_err
rf_dialog_from_request(struct rf_dialog *d, const struct rf_sip_msg *invite, struct rf_span local_tag)
{
    struct rf_sip_name_addr contact;
    enum rf_err err;

    memset(d, 0, sizeof *d);
    if (text_of(invite) > RF_DIALOG_TEXT_MAX)
        return RF_ERR_RANGE;
    if (contact_of(invite, &contact) != RF_OK)
        return RF_ERR_SYNTAX;
    err = take_record_route(d, invite, false);
    if (err != RF_OK)
        goto fail;
    d->call_id = rf_span_dup(invite->call_id);
    d->local_tag = rf_span_dup(local_tag);
    d->remote_tag = rf_span_dup(invite->from_tag); /* RFC 2543 peers have none: the empty tag (12.1.1) */
    d->local = name_addr_dup(&invite->to);
    d->remote = name_addr_dup(&invite->from);
    d->target = rf_span_dup(contact.uri.raw);
    d->remote_cseq = invite->cseq;
    d->has_remote_cseq = true;
    err = RF_ERR_NOMEM;
    if (!is_whole(d) || d->remote_tag == NULL)
        goto fail;
    return RF_OK;

fail:
    rf_dialog_fini(d);
    return err;
}

enum rf_err
rf_dialog_begin(struct rf_dialog *d, struct rf_span call_id, struct rf_span local_tag, struct rf_span local,
                struct rf_span remote, struct rf_span target, struct rf_span routes, uint32_t cseq)
{
    struct rf_span element;

    memset(d, 0, sizeof *d);
    d->is_uac = true;
    d->call_id = rf_span_dup(call_id);
    d->local_tag = rf_span_dup(local_tag);
    d->local = rf_span_dup(local);
    d->remote = rf_span_dup(remote);
    d->target = rf_span_dup(target);
    d->local_cseq = cseq;
    if (!is_whole(d))
        goto fail;
    while (rf_sip_list_next(&routes, &element)) {
        if (d->route_count == RF_DIALOG_ROUTES_MAX) {
            rf_dialog_fini(d);
            return RF_ERR_RANGE;
        }
        d->route[d->route_count] = rf_span_dup(element);
        if (d->route[d->route_count] == NULL)
            goto fail;
        d->route_count++;
    }
    return RF_OK;

fail:
    rf_dialog_fini(d);
    return RF_ERR_NOMEM;
}

enum rf_err
rf_dialog_from_response(struct rf_dialog *out, const struct rf_dialog *begun, const struct rf_sip_msg *response)
{
    struct rf_sip_name_addr contact;
    struct rf_dialog d = { 0 };
    enum rf_err err = contact_of(response, &contact);

    if (response->to_tag.n == 0 || err == RF_ERR_SYNTAX || (err == RF_ERR_NOT_FOUND && response->status >= 200))
        return RF_ERR_SYNTAX;
    if (text_of(response) > RF_DIALOG_TEXT_MAX)
        return RF_ERR_RANGE;
    d.is_uac = true;
    d.is_confirmed = response->status >= 200;
    d.local_cseq = begun->local_cseq;
    d.invite_cseq = begun->invite_cseq;
    d.call_id = rf_span_dup(rf_span_str(begun->call_id));
    d.local_tag = rf_span_dup(rf_span_str(begun->local_tag));
    d.local = rf_span_dup(rf_span_str(begun->local));
    d.remote = rf_span_dup(rf_span_str(begun->remote));
    d.remote_tag = rf_span_dup(response->to_tag);
    d.target = rf_span_dup(err == RF_OK ? contact.uri.raw : rf_span_str(begun->target));
    err = take_record_route(&d, response, true);
    if (err == RF_OK && (!is_whole(&d) || d.remote_tag == NULL))
        err = RF_ERR_NOMEM;
    if (err != RF_OK) {
        rf_dialog_fini(&d);
        return err;
    }
    if (out == begun)
        rf_dialog_fini(out);
    *out = d;
    return RF_OK;
}

bool
rf_dialog_is(const struct rf_dialog *d, const struct rf_sip_msg *request)
{
    return d->call_id != NULL && d->remote_tag != NULL && rf_span_is(request->call_id, d->call_id) &&
           rf_span_is(request->to_tag, d->local_tag) && rf_span_is(request->from_tag, d->remote_tag);
}

enum rf_err
rf_dialog_request_in(struct rf_dialog *d, const struct rf_sip_msg *request)
{
    if (d->has_remote_cseq && request->cseq <= d->remote_cseq)
        return RF_ERR_STALE;
    d->remote_cseq = request->cseq;
    d->has_remote_cseq = true;
    return RF_OK;
}

void
rf_dialog_refresh_target(struct rf_dialog *d, const struct rf_sip_msg *msg)
{
    struct rf_sip_name_addr contact;
    char *target;

    if (contact_of(msg, &contact) != RF_OK || contact.uri.raw.n > RF_DIALOG_TEXT_MAX)
        return;
    target = rf_span_dup(contact.uri.raw);
    if (target == NULL)
        return; /* the old one stays: it worked until now */
    free(d->target);
    d->target = target;
}

void
rf_put_via(struct rf_buf *b, const struct rf_hop *hop, const char *branch)
{
    rf_putf(b, "Via: SIP/2.0/%s ", rf_transport_name(hop->transport));
    rf_put_addr(b, hop->ours);
    rf_putf(b, ";branch=%s;rport\r\n", branch);
}

static const char *
transport_param(enum rf_transport t)
{
    switch (t) {
    case RF_TCP:
        return ";transport=tcp";
    case RF_TLS:
        return ";transport=tls";
    case RF_WS:
    case RF_WSS:
        return ";transport=ws"; /* RFC 7118 5.2.1: also for WSS */
    default:
        return "";
    }
}

void
rf_put_contact(struct rf_buf *b, const struct rf_hop *hop, struct rf_span user)
{
    rf_put_str(b, "Contact: <sip:");
    if (user.n > 0) {
        rf_put_escaped_user(b, user);
        rf_put_char(b, '@');
    }
    rf_put_addr(b, hop->ours);
    rf_putf(b, "%s>\r\n", transport_param(hop->transport));
}

/* Is the first route a strict router, one without ;lr (RFC 3261 12.2.1.1)? */
static bool
is_strict(const char *route, struct rf_sip_name_addr *a)
{
    struct rf_span value;

    return rf_sip_name_addr_parse(rf_span_str(route), a) == RF_OK && !rf_sip_param(a->uri.params, "lr", &value);
}

void
rf_dialog_put_request(struct rf_buf *b, struct rf_dialog *d, enum rf_sip_method method, const struct rf_hop *hop,
                      const char *branch)
{
    const char *name = rf_sip_method_name(method);
    struct rf_sip_name_addr first;
    bool strict = d->route_count > 0 && is_strict(d->route[0], &first);
    bool begins = d->remote_tag == NULL || d->remote_tag[0] == '\0';
    uint32_t cseq = method == RF_SIP_ACK ? d->invite_cseq : ++d->local_cseq;

    if (method == RF_SIP_INVITE)
        d->invite_cseq = cseq;
    rf_sip_put_request(b, name, strict ? first.uri.raw : rf_span_str(d->target));
    rf_put_via(b, hop, branch);
    rf_sip_put_headerf(b, RF_HDR_MAX_FORWARDS, "%u", begins && d->has_max_forwards ? d->max_forwards : 70u);
    for (size_t i = strict ? 1 : 0; i < d->route_count; i++)
        rf_sip_put_header(b, RF_HDR_ROUTE, rf_span_str(d->route[i]));
    if (strict)
        rf_sip_put_headerf(b, RF_HDR_ROUTE, "<%s>", d->target);
    rf_sip_put_headerf(b, RF_HDR_FROM, "%s;tag=%s", d->local, d->local_tag);
    if (begins)
        rf_sip_put_header(b, RF_HDR_TO, rf_span_str(d->remote));
    else
        rf_sip_put_headerf(b, RF_HDR_TO, "%s;tag=%s", d->remote, d->remote_tag);
    rf_sip_put_header(b, RF_HDR_CALL_ID, rf_span_str(d->call_id));
    rf_sip_put_headerf(b, RF_HDR_CSEQ, "%u %s", (unsigned)cseq, name);
}

uint64_t
rf_dialog_glare_wait_us(const struct rf_dialog *d, const struct rf_rand *rand)
{
    uint64_t r = rf_rand_u64(rand);

    if (d->is_uac)
        return 2100 * RF_MS + r % 191 * 10 * RF_MS;
    return r % 201 * 10 * RF_MS;
}
