#include "route/plan.h"

#include <stdarg.h>
#include <stdio.h>

#include "conf/iface.h"

__attribute__((format(printf, 2, 3))) static void
say(const struct rf_plan_question *q, const char *format, ...)
{
    char text[400];
    va_list ap;

    if (q->say == NULL)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    q->say(q->ctx, text);
}

static const char *
caller(const struct rf_plan_question *q)
{
    return q->connection != NULL ? q->connection->name : q->user != NULL ? q->user : "nobody";
}

static bool
has_word(const char *list, const char *word)
{
    struct rf_span left = rf_span_str(list), w;

    while (rf_conf_next_word(&left, &w))
        if (rf_span_is(w, word))
            return true;
    return false;
}

static void
take_bypass(const struct rf_plan_question *q, struct rf_plan *out, const char *kind, const struct rf_conf_block *b)
{
    if (out->is_bypass || strcmp(rf_conf_block_text(q->conf, b, "media-handling-mode"), "bypass") != 0)
        return;
    out->is_bypass = true;
    snprintf(out->bypass_setting, sizeof out->bypass_setting, "%s.%s.media-handling-mode", kind,
             rf_conf_block_label(b));
    say(q, "media bypasses us: %s", out->bypass_setting);
}

/* --- places -------------------------------------------------------------------------------------------- */

static struct rf_place *
add(struct rf_plan *out, enum rf_place_kind kind, const char *name)
{
    struct rf_place *p;

    for (size_t i = 0; i < out->count; i++)
        if (out->place[i].kind == kind && strcmp(out->place[i].name, name) == 0)
            return NULL;
    if (out->count == RF_PLAN_PLACES_MAX)
        return NULL;
    p = &out->place[out->count++];
    *p = (struct rf_place){ .kind = kind, .name = name };
    return p;
}

static void
add_connection(const struct rf_plan_question *q, const struct rf_connection *c, struct rf_span number,
               struct rf_plan *out)
{
    char written[RF_NUMBER_MAX];
    struct rf_place *p;

    if (c == q->connection) {
        say(q, "connection %s: passed over, the call came from there", c->name);
        if (out->count == 0)
            out->refusal = RF_REFUSE_CALL_LOOP;
        return;
    }
    if (rf_number_write(number, c->format, c->country, written) != RF_OK) {
        say(q, "connection %s: passed over, the number is too long for it", c->name);
        return;
    }
    p = add(out, RF_PLACE_CONNECTION, c->name);
    if (p == NULL)
        return;
    p->connection = c;
    memcpy(p->number, written, sizeof p->number);
    say(q, "place %zu: connection %s, as %s%s", out->count, c->name, p->number,
        q->is_up != NULL && !q->is_up(q->ctx, c) ? " (does not answer now)" : "");
}

/*
 * That of a connection is its own, and media goes one way for all places of a call: so all of them must have it. Where
 * one has not, media comes through us, and each place gets what its own SRTP setting says.
 */
static void
take_bypass_of_places(const struct rf_plan_question *q, struct rf_plan *out)
{
    const struct rf_connection *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < out->count; i++) {
        const struct rf_place *p = &out->place[i];

        if (p->kind != RF_PLACE_CONNECTION || !p->connection->is_bypass)
            continue;
        n++;
        first = first != NULL ? first : p->connection;
    }
    if (n > 0 && n == out->count)
        take_bypass(q, out, "sip-connection", first->block);
    else if (n > 0 && !out->is_bypass)
        say(q, "media comes through us: sip-connection.%s.media-handling-mode is bypass, but not that of all places",
            first->name);
}

/* Connections that do not answer now come last, in their order: one of them may be back. */
static void
move_down_last(const struct rf_plan_question *q, struct rf_plan *out)
{
    struct rf_place down[RF_PLAN_PLACES_MAX];
    size_t up = 0, n = 0;

    if (q->is_up == NULL)
        return;
    for (size_t i = 0; i < out->count; i++) {
        if (out->place[i].kind == RF_PLACE_CONNECTION && !q->is_up(q->ctx, out->place[i].connection))
            down[n++] = out->place[i];
        else
            out->place[up++] = out->place[i];
    }
    for (size_t i = 0; i < n; i++)
        out->place[up + i] = down[i];
    if (n > 0 && up > 0)
        say(q, "connections that do not answer now are tried last");
}

/* What a call does with these is call/forward.c's; whoever tests a number wants to see them. */
static void
say_forwards(const struct rf_plan_question *q, const struct rf_conf_block *user)
{
    static const char *const kinds[] = { "forward-always", "forward-busy", "forward-no-answer" };

    if (q->say == NULL)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *to = rf_conf_block_text(q->conf, user, kinds[i]);

        if (to[0] != '\0')
            say(q, "user %s: %s to %s", rf_conf_block_label(user), kinds[i], to);
    }
    if (rf_conf_block_is_on(q->conf, user, "do-not-disturb"))
        say(q, "user %s: do-not-disturb is on", rf_conf_block_label(user));
}

/* A user, and where it is reached while it is not registered (GEN-9). */
static bool
add_user(const struct rf_plan_question *q, struct rf_span name, struct rf_plan *out)
{
    const struct rf_conf_block *user = rf_conf_block(q->conf, "user", name);
    const struct rf_conf_block *dn = rf_conf_block(q->conf, "dn", name);
    size_t before = out->count;

    if (user != NULL && add(out, RF_PLACE_USER, rf_conf_block_label(user)) != NULL) {
        say(q, "place %zu: user %s, where it is registered%s", out->count, rf_conf_block_label(user),
            dn != NULL ? ", else the contact of dn" : "");
        say_forwards(q, user);
    }
    if (user == NULL && dn != NULL && add(out, RF_PLACE_DEVICE, rf_conf_block_label(dn)) != NULL)
        say(q, "place %zu: dn %s at %s", out->count, rf_conf_block_label(dn),
            rf_conf_block_text(q->conf, dn, "contact"));
    return out->count > before || user != NULL || dn != NULL;
}

#define MEMBER_RINGS_S 20 /* in-order, when `time` says nothing: four rings in most countries */

static void
add_group(const struct rf_plan_question *q, const struct rf_conf_block *group, struct rf_plan *out)
{
    bool in_order = strcmp(rf_conf_block_text(q->conf, group, "strategy"), "in-order") == 0;
    struct rf_span left = rf_span_str(rf_conf_block_text(q->conf, group, "members")), word;
    uint8_t stage = 0;

    out->is_group = true;
    out->stage_s = (uint32_t)rf_conf_block_number(q->conf, group, "time");
    if (in_order && out->stage_s == 0)
        out->stage_s = MEMBER_RINGS_S;
    if (in_order)
        say(q, "ring-group %s rings its members one after the other, each for %u s", rf_conf_block_label(group),
            out->stage_s);
    else
        say(q, "ring-group %s rings all its members", rf_conf_block_label(group));
    while (rf_conf_next_word(&left, &word)) {
        const struct rf_conf_block *user = rf_conf_block(q->conf, "user", word);
        size_t before = out->count;

        if (user != NULL && rf_conf_block_is_on(q->conf, user, "do-not-disturb")) {
            say(q, "member %s is passed over: do-not-disturb is on", rf_conf_block_label(user));
            continue;
        }
        if (!add_user(q, word, out))
            say(q, "member %.*s: there is no such user or dn", RF_SPAN_ARG(word));
        if (out->count > before)
            out->place[before].stage = in_order ? stage++ : 0;
    }
}

/* A user, dn, group or connection by its name. */
static bool
add_named(const struct rf_plan_question *q, struct rf_span name, struct rf_span number, bool may_connect,
          struct rf_plan *out)
{
    const struct rf_conf_block *group = rf_conf_block(q->conf, "ring-group", name);
    const struct rf_connection *c = may_connect ? rf_connection_named(q->connections, name) : NULL;

    if (add_user(q, name, out))
        return true;
    if (group != NULL) {
        add_group(q, group, out);
        return true;
    }
    if (c == NULL)
        return false;
    add_connection(q, c, number, out);
    return true;
}

/* --- steps --------------------------------------------------------------------------------------------- */

/* true: the number decides, whatever it leads to. */
static bool
take_number(const struct rf_plan_question *q, struct rf_span number, struct rf_plan *out)
{
    const struct rf_conf_block *b = rf_conf_block(q->conf, "number", number);
    struct rf_span left, word;
    const char *to;

    if (b == NULL) {
        say(q, "number %.*s: there is no such block", RF_SPAN_ARG(number));
        return false;
    }
    if (q->connection != NULL && !rf_number_belongs(q->conf, number, q->connection)) {
        /* TEL: a customer calls a number of another customer: only by a route. */
        say(q, "number %.*s: it does not belong to connection %s", RF_SPAN_ARG(number), q->connection->name);
        return false;
    }
    to = rf_conf_block_text(q->conf, b, "to");
    take_bypass(q, out, "number", b);
    if (to[0] != '\0') {
        say(q, "number %.*s leads to %s", RF_SPAN_ARG(number), to);
        if (!add_named(q, rf_span_str(to), number, true, out))
            say(q, "%s: there is no such user, ring-group, dn or sip-connection", to);
        return true;
    }
    left = rf_span_str(rf_conf_block_text(q->conf, b, "connection"));
    while (rf_conf_next_word(&left, &word)) {
        const struct rf_connection *c = rf_connection_named(q->connections, word);

        if (c != NULL)
            add_connection(q, c, number, out);
    }
    return true;
}

static bool
may_use(const struct rf_plan_question *q, const struct rf_conf_block *route)
{
    const char *from = rf_conf_block_text(q->conf, route, "from");

    if (from[0] == '\0')
        return q->connection == NULL;
    return has_word(from, caller(q));
}

/* How special the best pattern of a route is; -1: none fits. */
static int
rank_of(const struct rf_plan_question *q, const struct rf_conf_block *route, struct rf_span number)
{
    struct rf_span left = rf_span_str(rf_conf_block_text(q->conf, route, "match")), word;
    int best = -1;

    while (rf_conf_next_word(&left, &word)) {
        int rank = rf_number_match(word.p, word.n, number);

        best = rank > best ? rank : best;
    }
    return best;
}

static enum rf_err
rewrite(const struct rf_plan_question *q, const struct rf_conf_block *route, struct rf_span number,
        char out[static RF_NUMBER_MAX])
{
    size_t strip = (size_t)rf_conf_block_number(q->conf, route, "strip");
    const char *prefix = rf_conf_block_text(q->conf, route, "prefix");
    struct rf_buf b = rf_buf(out, RF_NUMBER_MAX - 1);

    rf_put_str(&b, prefix);
    rf_put(&b, rf_span_sub(number, strip < number.n ? strip : number.n, number.n));
    out[b.overflow ? 0 : b.n] = '\0';
    if (!b.overflow && (strip > 0 || prefix[0] != '\0'))
        say(q, "strip %zu, prefix \"%s\": the number becomes %s", strip, prefix, out);
    return b.overflow || b.n == 0 ? RF_ERR_RANGE : RF_OK;
}

static void
take_routes(const struct rf_plan_question *q, struct rf_span number, struct rf_plan *out)
{
    const struct rf_conf_block *best = NULL, *b;
    char sent[RF_NUMBER_MAX];
    struct rf_span left, word;
    int best_rank = -1;

    for (size_t i = 0; (b = rf_conf_block_at(q->conf, "route", i)) != NULL; i++) {
        int rank = rank_of(q, b, number);

        if (rank < 0)
            say(q, "route %s: %s does not match", rf_conf_block_label(b), rf_conf_block_text(q->conf, b, "match"));
        else if (!may_use(q, b))
            say(q, "route %s: matches, but is not for %s", rf_conf_block_label(b), caller(q));
        else if (rank <= best_rank)
            say(q, "route %s: matches, but %s says more or came before", rf_conf_block_label(b),
                rf_conf_block_label(best));
        else {
            say(q, "route %s: matches%s", rf_conf_block_label(b),
                best != NULL ? ", and says more than the one before" : "");
            best = b;
            best_rank = rank;
        }
    }
    if (best == NULL)
        return;
    say(q, "route %s is taken", rf_conf_block_label(best));
    take_bypass(q, out, "route", best);
    if (rewrite(q, best, number, sent) != RF_OK) {
        say(q, "nothing is left of the number, or it is too long");
        return;
    }
    if (rf_conf_block_text(q->conf, best, "to")[0] != '\0') {
        say(q, "route %s leads to %s", rf_conf_block_label(best), rf_conf_block_text(q->conf, best, "to"));
        if (!add_named(q, rf_span_str(rf_conf_block_text(q->conf, best, "to")), rf_span_str(sent), false, out))
            say(q, "%s: there is no such user, ring-group or dn", rf_conf_block_text(q->conf, best, "to"));
        return;
    }
    left = rf_span_str(rf_conf_block_text(q->conf, best, "use"));
    while (rf_conf_next_word(&left, &word)) {
        const struct rf_connection *c = rf_connection_named(q->connections, word);

        if (c != NULL)
            add_connection(q, c, rf_span_str(sent), out);
    }
}

void
rf_plan_make(const struct rf_plan_question *q, struct rf_plan *out)
{
    char cleaned[RF_NUMBER_MAX], whole[RF_NUMBER_MAX];
    struct rf_span number;

    *out = (struct rf_plan){ .refusal = RF_REFUSE_NOT_FOUND };
    if (rf_number_clean(q->number, cleaned) != RF_OK ||
        rf_number_read(rf_span_str(cleaned), q->connection != NULL ? q->connection->country : "", whole) != RF_OK) {
        say(q, "the number is too long");
        return;
    }
    number = rf_span_str(whole);
    if (!rf_span_eq(number, q->number))
        say(q, "%.*s is read as %s", RF_SPAN_ARG(q->number), whole);
    if (!take_number(q, number, out) && (q->connection != NULL || !add_named(q, number, number, false, out)))
        take_routes(q, number, out);
    move_down_last(q, out);
    take_bypass_of_places(q, out);
    if (out->count == 0)
        say(q, out->refusal == RF_REFUSE_CALL_LOOP ? "refused: the call would go back to where it came from (RF-518)"
                                                   : "refused: nothing answers this number (RF-505)");
}
