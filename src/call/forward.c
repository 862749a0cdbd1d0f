/*
 * call/forward.c - what comes next when the phones of one place did not take a call: the next member of a ring-group,
 * or where the user has forwarded it to
 *
 * Attempts have stages. Those of one stage ring together; when all of them failed, or their time is over, the next
 * stage begins. The members of a ring-group in order are stages from the beginning; a forwarded call gets new ones.
 *
 * A user's forwarding counts when the number dialled leads to this user alone, not to a group of which it is a member:
 *   always       the user's phones do not ring
 *   busy         486, 600 or 603 from a phone, or do-not-disturb
 *   no answer    its phones rang for so long; or none could be reached (408, 480, 404, 410, 5xx, not registered)
 * What else a phone says (488: no encryption in common) is the caller's business and goes back to him.
 *
 * The forwarding user dials the target: what he may not dial, nobody reaches by calling him, and the target's own
 * forwarding counts again.
 *
 * Invariants
 * (F1) Nobody is a target who has forwarded this call before, nor the caller; with what others did before us
 * (Diversion,
 *      History-Info) a call is forwarded FORWARDS_MAX times at most: RF-518.
 * (F2) A user is named outside by a number of that connection or by nothing.
 */
#include <stdlib.h>

#include "base/json.h"
#include "call/layer.h"

const char *
forward_reason_name(unsigned reason)
{
    static const char *const names[FORWARD_REASONS] = { "always", "busy", "do-not-disturb", "no answer",
                                                        "not reachable" };

    return reason < FORWARD_REASONS ? names[reason] : "";
}

/* RFC 5806 4, and the cause of RFC 4458 for RFC 7044. */
static const struct { const char *diversion; int cause; } words[FORWARD_REASONS] = {
    [FORWARD_ALWAYS] = { "unconditional", 302 },       [FORWARD_BUSY] = { "user-busy", 486 },
    [FORWARD_DO_NOT_DISTURB] = { "do-not-disturb", 486 }, [FORWARD_NO_ANSWER] = { "no-answer", 408 },
    [FORWARD_UNREACHABLE] = { "unavailable", 503 },
};

static const char *
target_of(const struct rf_call_forward *f, enum forward_reason reason)
{
    switch (reason) {
    case FORWARD_ALWAYS:
        return f->always;
    case FORWARD_BUSY:
    case FORWARD_DO_NOT_DISTURB:
        return f->busy;
    default:
        return f->no_answer;
    }
}

/* --- what was forwarded before --- */

void
forward_count_before(struct call *c, const struct rf_sip_msg *invite)
{
    struct rf_sip_walk diversion = rf_sip_walk(invite, RF_HDR_DIVERSION);
    struct rf_sip_walk history = rf_sip_walk(invite, RF_HDR_HISTORY_INFO);
    struct rf_span element;
    unsigned diverted = 0, retargeted = 0;

    while (rf_sip_walk_next(&diversion, &element))
        diverted++;
    while (rf_sip_walk_next(&history, &element))
        retargeted++;
    /* The first entry is whom the caller dialled. */
    retargeted -= retargeted > 0;
    diverted = diverted > retargeted ? diverted : retargeted;
    c->diverted = (uint8_t)(diverted < FORWARDS_MAX ? diverted : FORWARDS_MAX);
}

/* (F1) */
static bool
is_circle(const struct call *c, struct rf_span name)
{
    for (size_t i = 0; i < c->forward_count; i++)
        if (rf_span_is(name, c->forwards[i].user))
            return true;
    return c->forward_count > 0 && c->a->connection[0] == '\0' && rf_span_is(name, c->a->user);
}

/* --- finding --- */

/* c->forwarder's calls go elsewhere: new attempts, of later stages. */
static bool
forward(struct call *c, enum forward_reason reason, enum rf_refusal *why)
{
    struct forward *f;
    char note[72];

    *why = RF_REFUSE_CALL_LOOP;
    if (c->forward_count + c->diverted >= FORWARDS_MAX)
        return false;
    if (c->forwards == NULL)
        c->forwards = calloc(FORWARDS_MAX, sizeof *c->forwards);
    if (c->forwards == NULL) {
        *why = RF_REFUSE_OVERLOAD;
        return false;
    }
    f = &c->forwards[c->forward_count++];
    f->reason = (uint8_t)reason;
    snprintf(f->user, sizeof f->user, "%s", c->forwarder);
    snprintf(f->to, sizeof f->to, "%s", target_of(&c->forward, reason));
    snprintf(note, sizeof note, "forwarded by %.16s to %.20s: %s", f->user, f->to, forward_reason_name(reason));
    ladder_add(c, 0, true, "", 0, note, call_now(c));
    RF_LOGF(RF_LOG_INFO, "call.forwarded", "a call is forwarded", RF_F_STR("user", f->user), RF_F_STR("to", f->to),
            RF_F_STR("reason", forward_reason_name(reason)), RF_F_STR("call", c->id));
    return call_find_stages(c, rf_span_str(f->to), f->user, NULL, why);
}

bool
call_find_user(struct call *c, struct rf_span name, bool is_alone, enum rf_refusal *why)
{
    struct rf_call_env *env = &c->l->env;
    const struct rf_call_routing *r = env->routing != NULL ? env->routing(env->ctx) : NULL;
    struct rf_call_user user;
    bool is_known = env->user(env->ctx, name, &user);

    rf_wipe(&user.auth, sizeof user.auth);
    if (is_alone && is_circle(c, name)) {
        *why = RF_REFUSE_CALL_LOOP;
        return false;
    }
    if (is_alone && is_known) {
        snprintf(c->forwarder, sizeof c->forwarder, "%s", user.name);
        c->forward = user.forward;
        if (user.forward.always[0] != '\0')
            return forward(c, FORWARD_ALWAYS, why);
        if (user.forward.do_not_disturb && user.forward.busy[0] != '\0')
            return forward(c, FORWARD_DO_NOT_DISTURB, why);
        *why = RF_REFUSE_DO_NOT_DISTURB;
        if (user.forward.do_not_disturb)
            return false;
    }
    if (call_find_targets(c, name, why) || (r != NULL && call_find_device(c, r, name)))
        return true;
    return is_alone && is_known && user.forward.no_answer[0] != '\0' && forward(c, FORWARD_UNREACHABLE, why);
}

/* The first stage that no attempt has. */
static uint8_t
free_stage(const struct call *c)
{
    uint8_t stage = 0;

    RF_LIST_FOREACH(&c->attempts, it) {
        const struct leg *leg = rf_container(it, struct leg, link);

        stage = leg->stage >= stage ? (uint8_t)(leg->stage + 1) : stage;
    }
    return stage;
}

static bool
take_plan(struct call *c, const struct rf_call_routing *r, const struct rf_plan *plan, enum rf_refusal *why)
{
    bool is_alone = plan->count == 1 && !plan->is_group, found = false, has_connection = false;
    uint8_t base = free_stage(c);

    c->forwarder[0] = '\0';
    c->stage_s = plan->stage_s;
    *why = plan->refusal;
    for (size_t i = 0; i < plan->count; i++) {
        struct rf_span name = rf_span_str(plan->place[i].name);

        c->stage_new = (uint8_t)(base + plan->place[i].stage);
        switch (plan->place[i].kind) {
        case RF_PLACE_USER:
            found = call_find_user(c, name, is_alone, why) || found;
            break;
        case RF_PLACE_DEVICE:
            found = call_find_device(c, r, name) || found;
            break;
        case RF_PLACE_CONNECTION:
            has_connection = true;
        }
    }
    if (has_connection)
        found = call_find_connections(c, plan, why) || found;
    if (plan->is_group && plan->count == 0)
        *why = RF_REFUSE_NOT_REGISTERED; /* all of them are passed over */
    return found;
}

bool
call_find_stages(struct call *c, struct rf_span number, const char *user, const struct rf_connection *connection,
                 enum rf_refusal *why)
{
    struct rf_call_env *env = &c->l->env;
    const struct rf_call_routing *r = env->routing != NULL ? env->routing(env->ctx) : NULL;
    struct rf_plan_question q = { .number = number, .user = user, .connection = connection, .is_up = rf_board_is_up,
                                  .ctx = env->board };
    bool is_first = c->forward_count == 0, found;
    struct rf_plan *plan;

    if (r == NULL) {
        c->stage_new = free_stage(c);
        return call_find_user(c, number, true, why);
    }
    plan = malloc(sizeof *plan);
    if (plan == NULL) {
        *why = RF_REFUSE_OVERLOAD;
        return false;
    }
    q.conf = r->conf;
    q.connections = r->connections;
    rf_plan_make(&q, plan);
    found = take_plan(c, r, plan, why);
    /* Whom the caller dialled decides it: later on both sides know of each other's media, or of ours; and a leg that
     * stays in a transfer is known by its codecs alone. What `required` is worth where it is forwarded to: bypass_may
     * in offer.c. */
    if (is_first && plan->is_bypass && found && c->origin == NULL) {
        c->is_bypass = true;
        RF_REFUSE(BYPASS_UNPROVEN, RF_F_STR("setting", plan->bypass_setting), RF_F_STR("call", c->id));
    }
    free(plan);
    return found;
}

/* --- one stage after the other --- */

/* The lowest one from `least` on; -1: there is none. */
static int
stage_from(const struct call *c, int least)
{
    int stage = -1;

    RF_LIST_FOREACH(&c->attempts, it) {
        const struct leg *leg = rf_container(it, struct leg, link);

        if (leg->stage >= least && (stage < 0 || leg->stage < stage))
            stage = leg->stage;
    }
    return stage;
}

static void
begin(struct call *c, int stage, uint64_t now_us)
{
    struct rf_wheel *wheel = c->l->env.wheel;
    uint32_t seconds = c->forwarder[0] != '\0' && c->forward.no_answer[0] != '\0' ? c->forward.no_answer_s : c->stage_s;

    c->stage = c->stage_new = (uint8_t)stage;
    rf_timer_cancel(wheel, &c->stage_timer);
    if (seconds > 0)
        rf_timer_arm(wheel, &c->stage_timer, now_us + seconds * RF_S);
    if (stage > 0) /* sip.ring-time is for each of them */
        rf_timer_arm(wheel, &c->timer, now_us + call_settings(c)->ring_time_s * RF_S);
    call_paths_ask(c, now_us);
}

/* RFC 3261 21.1.3: the caller hears of it once for each. */
static void
say_forwarded(struct call *c, uint64_t now_us)
{
    c->early_status = 181;
    leg_respond(c->a, 181, (struct rf_span){ 0 }, (struct rf_span){ 0 }, now_us);
}

void
call_stage_begin(struct call *c, uint64_t now_us)
{
    leg_tell(c->a);
    if (c->forward_count > 0)
        say_forwarded(c, now_us);
    begin(c, stage_from(c, 0), now_us);
}

static void
refuse(struct call *c, enum rf_refusal why, uint64_t now_us)
{
    const struct forward *f = &c->forwards[c->forward_count > 0 ? c->forward_count - 1 : 0];
    const char *to = c->forward_count > 0 ? f->to : c->called;

    call_refuse(c, why, why == RF_REFUSE_TLS_REQUIRED ? 480 : 0,
                (const struct rf_log_field[]){ RF_F_STR("number", to), RF_F_STR("user", to),
                                               RF_F_STR("who", leg_who(c->a)), RF_F_STR("what", "forwarding"),
                                               RF_F_STR("seconds", "5"), RF_F_STR("transport", "another transport"),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
}

/* The next stage, or a forwarded call; false: this was all. */
static bool
go_on(struct call *c, enum forward_reason reason, uint64_t now_us)
{
    int next = stage_from(c, c->stage + 1);
    enum rf_refusal why;

    if (next < 0) {
        if (reason == FORWARD_REASONS || c->forwarder[0] == '\0' || target_of(&c->forward, reason)[0] == '\0')
            return false;
        if (!forward(c, reason, &why)) {
            refuse(c, why, now_us);
            return true;
        }
        say_forwarded(c, now_us);
        next = stage_from(c, c->stage + 1);
    }
    begin(c, next, now_us);
    return true;
}

static enum forward_reason
reason_of(const struct leg *leg)
{
    if (rf_refusal_row(leg->refusal)->q850 == 88)
        return FORWARD_REASONS;
    switch (leg->status) {
    case 486:
    case 600:
    case 603:
        return FORWARD_BUSY;
    case 404:
    case 408:
    case 410:
    case 480:
    case 604:
        return FORWARD_UNREACHABLE;
    default:
        return leg->status >= 500 && leg->status < 600 ? FORWARD_UNREACHABLE : FORWARD_REASONS;
    }
}

bool
call_goes_on(struct call *c, const struct leg *best, uint64_t now_us)
{
    if (c->state != CALL_OPENING && c->state != CALL_RINGING)
        return false;
    return go_on(c, best != NULL ? reason_of(best) : FORWARD_REASONS, now_us);
}

/* This stage has rung for long enough. */
static void
time_over(struct rf_timer *t, uint64_t now_us)
{
    struct call *c = rf_container(t, struct call, stage_timer);
    char seconds[16];

    if (c->state != CALL_OPENING && c->state != CALL_RINGING)
        return;
    c->paths_wanted++;
    RF_LIST_FOREACH(&c->attempts, it) {
        struct leg *leg = rf_container(it, struct leg, link);

        if (leg->stage > c->stage || (leg->state != LEG_NEW && leg->state != LEG_INVITED))
            continue;
        leg->status = 480;
        leg_cancel(leg, RF_REFUSE_NONE, now_us);
    }
    c->paths_wanted--;
    if (go_on(c, FORWARD_NO_ANSWER, now_us))
        return;
    snprintf(seconds, sizeof seconds, "%u", (unsigned)c->stage_s);
    call_refuse(c, RF_REFUSE_NO_ANSWER, 0,
                (const struct rf_log_field[]){ RF_F_STR("number", c->called), RF_F_STR("seconds", seconds),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
}

void
forward_timer_init(struct call *c)
{
    c->stage_timer.fire = time_over;
}

/* --- what is told of it --- */

/* (F2): the number of this connection that leads to the user; "" when there is none that it knows. */
static const char *
number_outside(struct leg *leg, const struct rf_connection *k, const char *user)
{
    struct rf_call_env *env = &leg->call->l->env;
    const struct rf_conf *conf = env->routing(env->ctx)->conf;
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(conf, "number", i)) != NULL; i++)
        if (strcmp(rf_conf_block_text(conf, b, "to"), user) == 0 &&
            rf_number_belongs(conf, rf_span_str(rf_conf_block_label(b)), k))
            return rf_conf_block_label(b);
    return k->caller_id;
}

/* `forwards[i]` towards this leg as "name" <uri>; false: not to be told. */
static bool
put_forwarder(struct leg *leg, const struct rf_connection *k, const struct forward *f, struct rf_buf *b,
              const char *parameters)
{
    struct rf_call_env *env = &leg->call->l->env;
    char number[RF_NUMBER_MAX];
    const char *name = f->user;
    struct rf_call_user user;

    if (k != NULL) {
        name = number_outside(leg, k, f->user);
        if (name[0] == '\0')
            return false;
        if (name != k->caller_id && rf_number_write(rf_span_str(name), k->format, k->country, number) == RF_OK)
            name = number;
    } else if (env->user(env->ctx, rf_span_str(f->user), &user)) {
        rf_wipe(&user.auth, sizeof user.auth);
        if (user.display[0] != '\0') {
            rf_put_quoted(b, rf_span_str(user.display));
            rf_put_char(b, ' ');
        }
    }
    rf_put_char(b, '<');
    rf_call_put_aor(b, rf_span_str(name), call_settings(leg->call)->domain);
    rf_put_str(b, parameters);
    rf_put_char(b, '>');
    return true;
}

/* RFC 5806: who forwarded it last stands first. */
static void
put_diversion(struct leg *leg, const struct rf_connection *k, struct rf_buf *extra)
{
    const struct call *c = leg->call;

    for (size_t i = c->forward_count; i-- > 0;) {
        size_t was = extra->n;

        rf_put_str(extra, "Diversion: ");
        if (put_forwarder(leg, k, &c->forwards[i], extra, ""))
            rf_putf(extra, ";reason=%s;counter=1\r\n", words[c->forwards[i].reason].diversion);
        else
            extra->n = was;
    }
}

/* RFC 7044: whom the caller dialled, and after him each target with the reason why it is one. */
static void
put_history(struct leg *leg, const struct rf_connection *k, struct rf_buf *extra)
{
    const struct call *c = leg->call;
    char index[2 * FORWARDS_MAX + 4] = "1", cause[16] = "";
    size_t was = extra->n;

    rf_put_str(extra, "History-Info: ");
    for (size_t i = 0; i < c->forward_count; i++) {
        if (!put_forwarder(leg, k, &c->forwards[i], extra, cause)) {
            extra->n = was;
            return;
        }
        rf_putf(extra, ";index=%s, ", index);
        strcat(index, ".1");
        snprintf(cause, sizeof cause, ";cause=%d", words[c->forwards[i].reason].cause);
    }
    rf_put_char(extra, '<');
    rf_call_put_aor(extra, rf_span_str(leg->user), call_settings(leg->call)->domain);
    rf_putf(extra, "%s>;index=%s;mp=1\r\n", cause, index);
}

void
leg_put_forwarded(struct leg *leg, struct rf_buf *extra)
{
    const struct rf_connection *k = connection_of(leg->call, leg->connection);

    if (leg->call->forward_count == 0)
        return;
    if (leg->connection[0] == '\0') {
        put_diversion(leg, NULL, extra);
        put_history(leg, NULL, extra);
    } else if (k != NULL && k->tells_diversion) {
        put_diversion(leg, k, extra);
    } else if (k != NULL && k->tells_history) {
        put_history(leg, k, extra);
    }
}

void
forward_put(const struct call *c, struct rf_buf *b)
{
    if (c->forward_count == 0)
        return;
    rf_json_open(b, "forwarded", '[');
    for (size_t i = 0; i < c->forward_count; i++) {
        rf_json_open(b, NULL, '{');
        rf_json_str(b, "by", c->forwards[i].user);
        rf_json_str(b, "reason", forward_reason_name(c->forwards[i].reason));
        rf_json_str(b, "to", c->forwards[i].to);
        rf_json_close(b, '}');
    }
    rf_json_close(b, ']');
}
