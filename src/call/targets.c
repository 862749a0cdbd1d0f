/*
 * call/targets.c - which phones ring, and by which binding is a phone reached (RFC 3261 16.5, TEL-16, GEN-12)
 */
#include <stdlib.h>

#include "call/layer.h"
#include "conf/options.h"

bool
call_host_is_ours(struct rf_call_layer *l, const struct rf_sip_uri *uri, struct rf_flow *flow)
{
    const struct rf_call_settings *s = l->env.settings(l->env.ctx);
    struct rf_addr literal, sip, media;

    if (rf_span_iis(uri->host, s->domain))
        return true;
    /* Phones that were given our address instead of our name. */
    if (flow == NULL || rf_addr_parse(uri->host, 0, &literal) != RF_OK)
        return false;
    l->env.our_address(l->env.ctx, flow, &sip, &media);
    return rf_addr_same_host(&literal, &sip) || rf_addr_same_host(&literal, &flow->local);
}

static struct leg *
attempt_new(struct call *c, const struct rf_binding *binding)
{
    struct leg *leg = leg_new(c, 1);

    if (leg == NULL)
        return NULL;
    leg->binding = malloc(sizeof *leg->binding);
    if (leg->binding == NULL) {
        leg_free(leg);
        return NULL;
    }
    *leg->binding = *binding;
    leg->stage = c->stage_new;
    leg->is_registered = true;
    leg->sign_in = "registered";
    leg->transport = binding->transport;
    memcpy(leg->instance, binding->instance, sizeof leg->instance);
    leg->session_ask_s = call_settings(c)->session_expires_s;
    rf_list_append(&c->attempts, &leg->link);
    c->attempt_count++;
    return leg;
}

bool
call_find_targets(struct call *c, struct rf_span name, enum rf_refusal *why)
{
    struct rf_call_env *env = &c->l->env;
    struct rf_call_user user;
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    size_t n, added = 0;

    *why = RF_REFUSE_NOT_FOUND;
    if (!env->user(env->ctx, name, &user))
        return false;
    rf_wipe(&user.auth, sizeof user.auth);
    rf_call_put_aor(&b, name, call_settings(c)->domain);
    if (rf_buf_done(&b) != RF_OK)
        return false;
    n = rf_location_find(env->location, rf_buf_span(&b), env->wall_s(env->ctx), binding, RF_BINDINGS_PER_AOR);
    *why = RF_REFUSE_NOT_REGISTERED;
    for (size_t i = 0; i < n && c->attempt_count < ATTEMPTS_MAX; i++) {
        struct leg *leg;

        /* IPC-24: what registered in clear while TLS is required is not a place to ring. */
        if (user.require_tls && !rf_transport_is_secure(binding[i].transport)) {
            *why = RF_REFUSE_TLS_REQUIRED;
            continue;
        }
        leg = attempt_new(c, &binding[i]);
        if (leg == NULL)
            break;
        leg_set_user(leg, name);
        added++;
    }
    return added > 0;
}

bool
rf_call_device_binding(const struct rf_call_routing *r, struct rf_span name, struct rf_binding *out)
{
    const struct rf_conf_block *b = rf_conf_block(r->conf, "dn", name);
    struct rf_target_text t;

    if (b == NULL || rf_target_text_parse(rf_span_str(rf_conf_block_text(r->conf, b, "contact")), &t) != RF_OK)
        return false;
    *out = (struct rf_binding){ 0 };
    out->transport = rf_span_iis(t.transport, "tls") ? RF_TLS : rf_span_iis(t.transport, "tcp") ? RF_TCP : RF_UDP;
    /* GEN-10: the transport stands in the Request-URI. */
    snprintf(out->contact, sizeof out->contact, "sip:%.*s@%.*s", RF_SPAN_ARG(name), RF_SPAN_ARG(t.host));
    if (t.port != 0)
        snprintf(out->contact + strlen(out->contact), 16, ":%u", t.port);
    if (t.transport.n > 0)
        snprintf(out->contact + strlen(out->contact), 32, ";transport=%.*s", RF_SPAN_ARG(t.transport));
    return true;
}

/* A block `dn`: where something stands that does not register (GEN-9, GEN-22). */
bool
call_find_device(struct call *c, const struct rf_call_routing *r, struct rf_span name)
{
    const struct rf_conf_block *b = rf_conf_block(r->conf, "dn", name);
    struct rf_binding binding;
    struct leg *leg;

    if (c->attempt_count >= ATTEMPTS_MAX || !rf_call_device_binding(r, name, &binding))
        return false;
    leg = attempt_new(c, &binding);
    if (leg == NULL)
        return false;
    leg->is_registered = false;
    leg->sign_in = NULL;
    if (!leg_set_user(leg, name)) {
        snprintf(leg->user, sizeof leg->user, "%.*s", RF_SPAN_ARG(name));
        snprintf(leg->setting, sizeof leg->setting, "dn.%.*s.srtp", RF_SPAN_ARG(name));
        leg->policy = r->devices;
        leg->policy.mode = strcmp(rf_conf_block_text(r->conf, b, "srtp"), "required") == 0 ? RF_SRTP_REQUIRED
                           : strcmp(rf_conf_block_text(r->conf, b, "srtp"), "optional") == 0 ? RF_SRTP_OPTIONAL
                                                                                            : RF_SRTP_OFF;
    }
    snprintf(leg->device, sizeof leg->device, "%.*s", RF_SPAN_ARG(name));
    return true;
}

/* One leg for all connections of a plan: they are tried one after the other. */
bool
call_find_connections(struct call *c, const struct rf_plan *plan, enum rf_refusal *why)
{
    struct leg *leg = c->attempt_count < ATTEMPTS_MAX ? leg_new(c, 1) : NULL;

    if (leg == NULL)
        return false;
    leg->places = calloc(RF_PLAN_PLACES_MAX, sizeof *leg->places);
    for (size_t i = 0; leg->places != NULL && i < plan->count; i++) {
        struct leg_place *place = &leg->places[leg->place_count];

        if (plan->place[i].kind != RF_PLACE_CONNECTION)
            continue;
        snprintf(place->connection, sizeof place->connection, "%s", plan->place[i].name);
        snprintf(place->number, sizeof place->number, "%s", plan->place[i].number);
        leg->place_count++;
    }
    if (leg->place_count == 0 || !leg_take_place(leg, call_now(c))) {
        *why = leg->refusal != RF_REFUSE_NONE ? leg->refusal : *why;
        leg_free(leg);
        return false;
    }
    leg->stage = c->stage_new;
    rf_list_append(&c->attempts, &leg->link);
    c->attempt_count++;
    return true;
}

bool
call_find_places(struct call *c, struct rf_span number, enum rf_refusal *why)
{
    const char *connection, *user = call_payer(c, &connection);
    const struct rf_connection *k = connection_of(c, connection);

    if (connection[0] != '\0' && k == NULL) { /* a reload took it away; without it the plan would take it for a user */
        *why = RF_REFUSE_NOT_FOUND;
        return false;
    }
    return call_find_stages(c, number, user, k, why);
}

/* 3xx: only to our own users, and not for ever; anything else is a failure like any. */
void
call_redirect(struct call *c, struct leg *leg, const struct rf_sip_msg *msg)
{
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_CONTACT);
    struct rf_span element;
    struct rf_sip_name_addr contact;
    char name[64];

    while (c->redirects < REDIRECTS_MAX && rf_sip_walk_next(&w, &element)) {
        struct rf_buf b = rf_buf(name, sizeof name - 1);
        enum rf_refusal why;

        if (rf_sip_name_addr_parse(element, &contact) != RF_OK || contact.uri.scheme > RF_URI_SIPS ||
            !call_host_is_ours(c->l, &contact.uri, leg->flow))
            continue;
        rf_put_unescaped(&b, contact.uri.user);
        if (rf_buf_done(&b) != RF_OK || b.n == 0)
            continue;
        name[b.n] = '\0';
        if (strcmp(name, leg->user) == 0)
            continue; /* to itself: a ring */
        c->redirects++;
        (void)call_find_targets(c, rf_buf_span(&b), &why);
    }
}

/*
 * A leg whose connection is gone: the phone has registered anew, by the same instance or contact; a phone that never
 * registered is tried where it was seen.
 */
static size_t
reachable_bindings(struct leg *leg, struct rf_binding binding[RF_BINDINGS_PER_AOR])
{
    struct rf_call_env *env = &leg->call->l->env;
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    const struct rf_connection *k = connection_of(leg->call, leg->connection);
    size_t n = 0, reachable = 0;

    /* The leg of a connection has bindings only when that registers here; its user part is a number of somebody. */
    if (leg->connection[0] != '\0' && (k == NULL || k->type != RF_CONNECTION_CREDENTIAL || k->is_customer))
        return 0;
    rf_call_put_aor(&b, rf_span_str(k != NULL ? k->username : leg->user), call_settings(leg->call)->domain);
    if (rf_buf_done(&b) == RF_OK)
        n = rf_location_find(env->location, rf_buf_span(&b), env->wall_s(env->ctx), binding, RF_BINDINGS_PER_AOR);
    /* What a connection that is gone left behind is not a path, also when it has the same contact. */
    for (size_t i = 0; i < n; i++)
        if (binding[i].transport == RF_UDP || binding[i].flow_id != 0)
            binding[reachable++] = binding[i];
    return reachable;
}

static bool
is_binding_of(const struct leg *leg, const struct rf_binding *b)
{
    return (leg->instance[0] != '\0' && strcmp(b->instance, leg->instance) == 0) ||
           strcmp(b->contact, leg->dialog.target) == 0;
}

/* What its messages say of it. */
static void
make_binding(const struct leg *leg, struct rf_binding *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->contact, sizeof out->contact, "%s", leg->dialog.target);
    if (leg->dialog.route_count > 0)
        snprintf(out->path, sizeof out->path, "%s", leg->dialog.route[0]);
    out->transport = leg->transport;
    out->source = leg->remote;
    memcpy(out->listener, leg->listener, sizeof out->listener);
}

bool
leg_find_binding(struct leg *leg, struct rf_binding *out)
{
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    size_t reachable = reachable_bindings(leg, binding);

    for (size_t i = 0; i < reachable; i++)
        if (is_binding_of(leg, &binding[i])) {
            *out = binding[i];
            return true;
        }
    /* One phone: it is this one, with another port in its contact. */
    if (reachable == 1) {
        *out = binding[0];
        return true;
    }
    if (!rf_addr_is_set(&leg->remote))
        return false;
    make_binding(leg, out);
    return true;
}

void
leg_own_binding(struct leg *leg, struct rf_binding *out)
{
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    size_t reachable = reachable_bindings(leg, binding);

    make_binding(leg, out);
    for (size_t i = 0; i < reachable; i++)
        if (is_binding_of(leg, &binding[i]) && binding[i].transport == leg->transport)
            *out = binding[i];
}
