/*
 * event/recipients.c - to whom a text message goes: all phones of the users that the dial plan names, a device, or one
 * after the other the connections of a route
 */
#include <stdlib.h>

#include "event/message.h"

void
target_forget_credentials(struct target *t)
{
    if (t->credentials != NULL)
        rf_wipe(t->credentials, strlen(t->credentials));
    free(t->credentials);
    t->credentials = NULL;
}

void
target_free(struct target *t)
{
    struct rf_call_env *env = &t->m->l->env.call;

    if (t->txn != NULL)
        rf_client_txn_disown(t->txn);
    if (t->path != NULL)
        env->path_end(env->ctx, t->path);
    rf_flow_unref(t->flow);
    rf_dialog_fini(&t->dialog);
    target_forget_credentials(t);
    free(t);
}

static struct target *
target_new(struct message *m, const char *user)
{
    struct target *t = m->targets < ATTEMPTS_MAX ? calloc(1, sizeof *t) : NULL;

    if (t == NULL)
        return NULL;
    t->m = m;
    snprintf(t->user, sizeof t->user, "%s", user);
    m->target[m->targets++] = t;
    return t;
}

const struct rf_call_routing *
message_routing(struct rf_event_layer *l)
{
    return l->env.call.routing != NULL ? l->env.call.routing(l->env.call.ctx) : NULL;
}

static bool
find_user(struct message *m, const char *name, enum rf_refusal *why)
{
    struct rf_call_env *env = &m->l->env.call;
    struct rf_binding binding[RF_BINDINGS_PER_AOR];
    struct rf_call_user user;
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);
    size_t n = 0, before = m->targets;

    if (!env->user(env->ctx, rf_span_str(name), &user))
        return false;
    rf_wipe(&user.auth, sizeof user.auth);
    *why = RF_REFUSE_NOT_REGISTERED;
    rf_call_put_aor(&b, rf_span_str(name), layer_domain(m->l));
    if (rf_buf_done(&b) == RF_OK)
        n = rf_location_find(env->location, rf_buf_span(&b), env->wall_s(env->ctx), binding, RF_BINDINGS_PER_AOR);
    for (size_t i = 0; i < n; i++) {
        struct target *t;

        if (user.require_tls && !rf_transport_is_secure(binding[i].transport))
            continue;
        t = target_new(m, name);
        if (t == NULL)
            break;
        t->binding = binding[i];
    }
    return m->targets > before;
}

static bool
find_device(struct message *m, const struct rf_call_routing *r, const char *name)
{
    struct rf_binding binding;
    struct target *t;

    if (!rf_call_device_binding(r, rf_span_str(name), &binding) || (t = target_new(m, name)) == NULL)
        return false;
    t->binding = binding;
    snprintf(t->device, sizeof t->device, "%s", name);
    return true;
}

/* The next connection of the route; false: there is none left. */
bool
target_take_place(struct target *t)
{
    struct message *m = t->m;

    while (m->place_next < m->places) {
        const struct place *p = &m->place[m->place_next++];
        const struct rf_call_routing *r = message_routing(m->l);
        const struct rf_connection *k = r != NULL ? rf_connection_named(r->connections, rf_span_str(p->connection))
                                                  : NULL;

        if (k != NULL && rf_call_trail_is_circle(&m->l->env.call, &m->trail, k->name, p->number)) {
            m->is_circle = true;
            continue;
        }
        if (k == NULL || rf_call_binding_of(m->l->env.calls, k, p->number, &t->binding) != RF_REFUSE_NONE)
            continue;
        rf_dialog_fini(&t->dialog);
        t->dialog = (struct rf_dialog){ 0 };
        target_forget_credentials(t);
        t->challenges = 0;
        t->is_large = false;
        snprintf(t->user, sizeof t->user, "%s", p->number);
        snprintf(t->connection, sizeof t->connection, "%s", p->connection);
        return true;
    }
    return false;
}

static void
add_place(struct message *m, const struct rf_place *p)
{
    struct place *place = &m->place[m->places];

    if (!p->connection->takes_messages)
        return;
    snprintf(place->connection, sizeof place->connection, "%s", p->name);
    snprintf(place->number, sizeof place->number, "%s", p->number);
    m->places++;
}

bool
message_find_targets(struct message *m, enum rf_refusal *why)
{
    struct rf_event_layer *l = m->l;
    const struct rf_call_routing *r = message_routing(l);
    struct rf_plan_question q = { .user = m->from.user,
                                  .connection = m->from.connection,
                                  .number = rf_span_str(m->from.dialled),
                                  .is_up = rf_board_is_up,
                                  .ctx = l->env.call.board };
    struct rf_plan *plan;

    *why = RF_REFUSE_NOT_FOUND;
    if (r == NULL)
        return find_user(m, m->from.dialled, why);
    plan = malloc(sizeof *plan);
    if (plan == NULL)
        return false;
    q.conf = r->conf;
    q.connections = r->connections;
    rf_plan_make(&q, plan);
    *why = plan->refusal;
    for (size_t i = 0; i < plan->count; i++) {
        const struct rf_place *p = &plan->place[i];

        if (p->kind == RF_PLACE_CONNECTION)
            add_place(m, p);
        else if (p->kind == RF_PLACE_DEVICE || !find_user(m, p->name, why))
            (void)find_device(m, r, p->name);
    }
    free(plan);
    if (m->places > 0) {
        struct target *t = target_new(m, "");

        if (t != NULL && !target_take_place(t)) {
            m->targets--;
            target_free(t);
        }
    }
    if (m->targets == 0 && m->is_circle)
        *why = RF_REFUSE_CALL_LOOP;
    return m->targets > 0;
}
