/*
 * main/routedesk.c - commands about numbers and SIP connections: route.test, connection.list|show|test
 */
#include <stdlib.h>

#include "conf/options.h"
#include "main/desk.h"
#include "main/trial.h"

/* --- route test ---------------------------------------------------------------------------------------- */

struct asker {
    struct rf_board *board;
    json_t *steps;
};

static bool
is_up(void *ctx, const struct rf_connection *c)
{
    return rf_board_is_up(((struct asker *)ctx)->board, c);
}

static void
say(void *ctx, const char *step)
{
    json_array_append_new(((struct asker *)ctx)->steps, json_string(step));
}

static json_t *
places_of(const struct rf_plan *plan)
{
    static const char *const kind[] = { "user", "dn", "connection" };
    json_t *places = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        json_t *o = json_pack("{s:s, s:s}", "kind", kind[plan->place[i].kind], "name", plan->place[i].name);

        if (plan->place[i].kind == RF_PLACE_CONNECTION) {
            json_object_set_new(o, "number", json_string(plan->place[i].number));
            json_object_set_new(o, "server", json_string(plan->place[i].connection->uri));
            json_object_set_new(o, "srtp",
                                json_string(plan->place[i].connection->out.srtp.mode == RF_SRTP_REQUIRED   ? "required"
                                            : plan->place[i].connection->out.srtp.mode == RF_SRTP_OPTIONAL ? "optional"
                                                                                                           : "off"));
        }
        json_array_append_new(places, o);
    }
    return places;
}

static void
route_test(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *number = json_string_value(json_object_get(request, "number"));
    const char *from = json_string_value(json_object_get(request, "from"));
    struct asker asker = { .board = d->conf.shared->board };
    struct rf_plan_question q = { .conf = d->site->conf,
                                  .connections = d->site->connections,
                                  .user = from,
                                  .is_up = is_up,
                                  .say = say,
                                  .ctx = &asker };
    struct rf_plan *plan;
    json_t *result;

    if (number == NULL || number[0] == '\0') {
        rf_control_refuse(ask, 2, "", "a number is wanted", "ringfence route test +442071838750 --from 201");
        return;
    }
    if (from != NULL) {
        q.connection = rf_connection_named(d->site->connections, rf_span_str(from));
        if (q.connection == NULL && rf_conf_block(d->site->conf, "user", rf_span_str(from)) == NULL) {
            rf_control_refuse(ask, 2, "", "--from takes a user or a sip-connection, and there is none of that name",
                              "");
            return;
        }
    }
    plan = malloc(sizeof *plan);
    asker.steps = json_array();
    if (plan == NULL || asker.steps == NULL) {
        free(plan);
        json_decref(asker.steps);
        rf_control_refuse(ask, 1, "", "out of memory", "");
        return;
    }
    q.number = rf_span_str(number);
    rf_plan_make(&q, plan);
    result = json_pack("{s:s, s:s, s:o, s:o, s:b}", "number", number, "from", from != NULL ? from : "a user", "steps",
                       asker.steps, "places", places_of(plan), "bypass", plan->is_bypass);
    if (plan->count == 0)
        json_object_set_new(result, "code", json_string(rf_refusal_row(plan->refusal)->code));
    free(plan);
    rf_control_answer(ask, result);
}

/* --- connections --------------------------------------------------------------------------------------- */

static const char *
type_name(enum rf_connection_type t)
{
    return t == RF_CONNECTION_IP ? "ip" : t == RF_CONNECTION_FQDN ? "fqdn" : "credential";
}

static void
put_state(struct rf_desk *d, const struct rf_connection *k, json_t *o)
{
    struct rf_board_row row = { 0 };
    char text[RF_ADDR_TEXT_MAX];
    json_t *addresses = json_array();

    (void)rf_board_look(d->conf.shared->board, k->name, &row);
    json_object_set_new(o, "health", json_string(rf_health_name((enum rf_health)row.health)));
    json_object_set_new(o, "calls", json_integer(row.calls));
    if (k->registers) {
        json_object_set_new(o, "registration",
                            json_string(rf_registration_name((enum rf_registration)row.registration)));
        json_object_set_new(o, "register_status", json_integer(row.status));
        json_object_set_new(o, "register_left_s",
                            json_integer(row.until_s > rf_wall_s() ? row.until_s - rf_wall_s() : 0));
        if (row.registration == RF_REGISTRATION_UP)
            json_object_set_new(o, "transport", json_string(rf_transport_name(row.transport)));
    }
    for (size_t i = 0; i < row.address_count; i++) {
        struct rf_buf b = rf_buf(text, sizeof text - 1);

        rf_put_host(&b, &row.address[i], false);
        text[b.n] = '\0';
        json_array_append_new(addresses, json_string(text));
    }
    json_object_set_new(o, "addresses", addresses);
}

static json_t *
connection_json(struct rf_desk *d, const struct rf_connection *k)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "name", k->name, "type", type_name(k->type), "side",
                          k->is_customer ? "customer" : "platform", "server", k->uri);
    const char *const shown[] = { "inbound.srtp", "outbound.srtp", "inbound.sip-transport-protocol",
                                  "outbound.sip-transport-protocol" };
    char mem[1200];

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        json_object_set_new(o, shown[i], json_string(rf_conf_block_text(d->site->conf, k->block, shown[i])));
    put_state(d, k, o);
    json_object_set_new(o, "origin", json_string(rf_desk_origin_text(rf_conf_block_origin(k->block), mem, sizeof mem)));
    return o;
}

static void
connection_list(struct rf_desk *d, struct rf_control_ask *ask)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < rf_connections_count(d->site->connections); i++)
        json_array_append_new(rows, connection_json(d, rf_connection_at(d->site->connections, i)));
    rf_control_answer(ask, rows);
}

/* Every setting of the block but its password, and what is known of it now. */
static void
put_setting(void *ctx, const char *name, const char *value, struct rf_conf_origin at)
{
    json_t *const *o = ctx;
    const char *prefix = json_string_value(o[1]);
    struct rf_span label;
    const struct rf_option *option = rf_option_resolve(rf_span_str(name), &label);

    if (strncmp(name, prefix, strlen(prefix)) == 0 && option != NULL && option->type != RF_OPT_SECRET)
        json_object_set_new(o[0], name + strlen(prefix), json_string(value));
}

static void
connection_show(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const struct rf_connection *k = name != NULL ? rf_connection_named(d->site->connections, rf_span_str(name)) : NULL;
    char prefix[112];
    json_t *pair[2], *o, *numbers;
    const struct rf_conf_block *b;

    if (k == NULL) {
        rf_control_refuse(ask, 1, "", "there is no sip-connection of that name", "ringfence connection list");
        return;
    }
    o = connection_json(d, k);
    snprintf(prefix, sizeof prefix, "sip-connection.%s.", k->name);
    pair[0] = json_object();
    pair[1] = json_string(prefix);
    rf_conf_visit(d->site->conf, put_setting, pair);
    json_decref(pair[1]);
    json_object_set_new(o, "settings", pair[0]);
    numbers = json_array();
    for (size_t i = 0; (b = rf_conf_block_at(d->site->conf, "number", i)) != NULL; i++)
        if (rf_number_belongs(d->site->conf, rf_span_str(rf_conf_block_label(b)), k))
            json_array_append_new(numbers, json_string(rf_conf_block_label(b)));
    json_object_set_new(o, "numbers", numbers);
    rf_control_answer(ask, o);
}

/* --- connection test ----------------------------------------------------------------------------------- */

#define TRIALS_MAX 4 /* at one time: each is a thread and some connections */

struct tried {
    struct rf_link link;
    struct rf_trial *trial;
    struct rf_control_ask *ask;
    uint64_t serial;
};

static void
tried_free(struct tried *e)
{
    rf_trial_end(e->trial);
    rf_list_remove(&e->link);
    free(e);
}

bool
rf_desk_trial_told(struct rf_desk *d, const struct rf_letter_told *told)
{
    RF_LIST_FOREACH(&d->trials, it) {
        struct tried *e = rf_container(it, struct tried, link);
        struct rf_control_ask *ask = e->ask;

        if (e->serial != told->serial)
            continue;
        tried_free(e);
        rf_control_answer(ask, told->answer);
        return true;
    }
    return false;
}

void
rf_desk_trials_end(struct rf_desk *d)
{
    RF_LIST_FOREACH(&d->trials, it) {
        struct tried *e = rf_container(it, struct tried, link);
        struct rf_control_ask *ask = e->ask;

        tried_free(e);
        rf_control_refuse(ask, 1, "", "the daemon stops; the test was not finished", "");
    }
}

/* Where its peer registered; the first one is called first. */
static void
find_binding(struct rf_desk *d, const struct rf_connection *k, struct rf_trial_conf *conf)
{
    char aor[400];
    struct rf_buf b = rf_buf(aor, sizeof aor);

    rf_call_put_aor(&b, rf_span_str(k->username), d->site->call.domain);
    conf->has_binding = k->can_sign_in && !b.overflow &&
                        rf_location_find(d->conf.shared->location, rf_buf_span(&b), rf_wall_s(), &conf->binding, 1) > 0;
}

static void
connection_test(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    const struct rf_connection *k = name != NULL ? rf_connection_named(d->site->connections, rf_span_str(name)) : NULL;
    struct rf_trial_conf conf = { .site = d->site, .told = d->conf.shared->desk, .serial = ++d->serial };
    struct tried *e;
    size_t n = 0;

    RF_LIST_FOREACH(&d->trials, it)
        n++;
    if (k == NULL) {
        rf_control_refuse(ask, 1, "", "there is no sip-connection of that name", "ringfence connection list");
        return;
    }
    if (n == TRIALS_MAX) {
        rf_control_refuse(ask, 1, "", "as many connections are being tested as may be at one time",
                          "try again when one of them is done, within a minute");
        return;
    }
    conf.connection = k->index;
    conf.is_known = rf_board_look(d->conf.shared->board, k->name, &conf.state);
    find_binding(d, k, &conf);
    e = calloc(1, sizeof *e);
    if (e == NULL || rf_trial_start(&e->trial, &conf) != RF_OK) {
        free(e);
        rf_control_refuse(ask, 1, "", "out of memory", "");
        return;
    }
    e->ask = ask;
    e->serial = conf.serial;
    rf_list_append(&d->trials, &e->link);
}

bool
rf_desk_route_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    if (strcmp(command, "route.test") == 0)
        route_test(d, ask, request);
    else if (strcmp(command, "connection.list") == 0)
        connection_list(d, ask);
    else if (strcmp(command, "connection.show") == 0)
        connection_show(d, ask, request);
    else if (strcmp(command, "connection.test") == 0)
        connection_test(d, ask, request);
    else
        return false;
    return true;
}
