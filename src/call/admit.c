/*
 * call/admit.c - may this request come in? (RFC 3261 8.2, 22, IPC-24, IPC-28, failures 5.4)
 */
#include <stdlib.h>

#include "call/layer.h"

/* --- what every request gets --- */

/* A request that is SIP and still cannot be used: its source and the reason go to the log (RF-513), its sender, whom nobody
 * knows yet, learns what the status and its header lines say. */
static void
refuse_unusable(struct rf_call_layer *l, struct rf_server_txn *txn, int status, const char *detail, struct rf_span headers,
                uint64_t now_us)
{
    char host[RF_ADDR_TEXT_MAX + 1];
    struct rf_buf b = rf_buf(host, sizeof host - 1);
    const struct rf_log_field fields[] = { RF_F_STR("who", host), RF_F_STR("detail", detail),
                                           RF_F_I64("status", status), { 0 } };

    rf_put_host(&b, &rf_server_txn_flow(txn)->remote, false);
    host[b.n] = '\0';
    if (l->env.refuse != NULL)
        l->env.refuse(l->env.ctx, RF_REFUSE_BAD_REQUEST, rf_buf_span(&b), fields, now_us);
    else
        rf_refuse(RF_REFUSE_BAD_REQUEST, fields);
    rf_server_txn_reply(txn, status, NULL, headers, now_us);
}

/* RFC 3261 8.2.2.3: option tags that the peer insists on and we do not have. */
static bool
check_required(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    char text[512];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_span tag;
    bool missing = false;

    rf_put_str(&b, "Unsupported: ");
    for (int i = 0; i < 2; i++) {
        struct rf_sip_walk w = rf_sip_walk(msg, i == 0 ? RF_HDR_REQUIRE : RF_HDR_PROXY_REQUIRE);

        while (rf_sip_walk_next(&w, &tag)) {
            if (i == 0 && (rf_span_iis(tag, "timer") || rf_span_iis(tag, "100rel") ||
                           rf_span_iis(tag, "replaces") || rf_span_iis(tag, "norefersub")))
                continue;
            if (missing)
                rf_put_str(&b, ", ");
            rf_put(&b, tag);
            missing = true;
        }
    }
    rf_put_str(&b, "\r\n");
    if (!missing)
        return true;
    refuse_unusable(l, txn, 420, "it requires an extension that is not known here",
                    rf_buf_done(&b) == RF_OK ? rf_buf_span(&b) : (struct rf_span){ 0 }, now_us);
    return false;
}

bool
request_check(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    if (msg->ruri.scheme == RF_URI_OTHER) {
        refuse_unusable(l, txn, 416, "its Request-URI is neither sip, sips nor tel", (struct rf_span){ 0 }, now_us);
        return false;
    }
    if (!check_required(l, txn, msg, now_us))
        return false;
    /* We send what we join on, so we count as a hop for what we would pass on (RFC 7092, RFC 3261 16.3). */
    if (msg->max_forwards == 0 && msg->method == RF_SIP_INVITE && msg->to_tag.n == 0) {
        refuse_unusable(l, txn, 483, "its Max-Forwards is 0: it went through too many servers, or in a circle",
                        (struct rf_span){ 0 }, now_us);
        return false;
    }
    return true;
}

int
request_sdp(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_span type = rf_sip_value(msg, RF_HDR_CONTENT_TYPE);
    struct rf_span encoding = rf_sip_value(msg, RF_HDR_CONTENT_ENCODING);
    struct rf_sip_walk w = rf_sip_walk(msg, RF_HDR_ACCEPT);
    struct rf_span range;
    bool asks = false, takes = false;

    while (rf_sip_walk_next(&w, &range)) {
        range = rf_span_trim(rf_span_sub(range, 0, rf_span_find(range, ';')));
        asks = true;
        takes = takes || rf_span_iis(range, "application/sdp") || rf_span_iis(range, "application/*") ||
                rf_span_iis(range, "*/*");
    }
    if (asks && !takes) {
        refuse_unusable(l, txn, 406, "its Accept does not take application/sdp", (struct rf_span){ 0 }, now_us);
        return -1;
    }
    if (msg->body.n == 0)
        return 0;
    type = rf_span_trim(rf_span_sub(type, 0, rf_span_find(type, ';')));
    if (!rf_span_iis(type, "application/sdp") || (encoding.n > 0 && !rf_span_iis(encoding, "identity"))) {
        refuse_unusable(l, txn, 415, "its body is no session description, or is encoded",
                        RF_SPAN_LIT("Accept: application/sdp\r\nAccept-Encoding: identity\r\n"), now_us);
        return -1;
    }
    if (msg->body.n > RF_SDP_MAX) {
        refuse_unusable(l, txn, 513, "its session description is longer than is read here", (struct rf_span){ 0 }, now_us);
        return -1;
    }
    return 1;
}

/* --- who is it? --- */

struct lookup {
    struct rf_call_layer *l;
    struct rf_call_user *user;
    const struct rf_connection *connection; /* whose username it is; NULL: a user's */
    bool found;
};

static bool
lookup_user(void *ctx, struct rf_span name, struct rf_auth_user *out)
{
    struct lookup *k = ctx;
    struct rf_call_env *env = &k->l->env;

    k->found = env->user(env->ctx, name, k->user);
    if (k->found)
        *out = k->user->auth;
    else if (env->routing != NULL && env->routing(env->ctx) != NULL) {
        k->connection = rf_connection_of_username(env->routing(env->ctx)->connections, name);
        k->found = k->connection != NULL && k->connection->can_sign_in;
        if (k->found)
            out->verifier = k->connection->verifier;
    }
    return k->found;
}

static void
challenge(struct rf_call_layer *l, struct rf_server_txn *txn, bool stale, const char *note, uint64_t now_us)
{
    char text[2048];
    struct rf_buf b = rf_buf(text, sizeof text);
    const struct rf_call_settings *s = l->env.settings(l->env.ctx);

    rf_auth_put_challenges(l->env.auth, &b, RF_HDR_PROXY_AUTHORIZATION, rf_span_str(s->domain),
                           rf_server_txn_request(txn), &rf_server_txn_flow(txn)->remote, stale, now_us);
    prelude_challenged(l, rf_server_txn_request(txn), 407, note, now_us);
    rf_server_txn_reply(txn, 407, NULL, rf_buf_span(&b), now_us);
}

bool
request_sign_in(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                struct rf_call_user *user, const struct rf_connection **connection, const char **algorithm,
                uint64_t now_us)
{
    const struct rf_call_settings *s = l->env.settings(l->env.ctx);
    struct rf_flow *flow = rf_server_txn_flow(txn);
    struct lookup k = { .l = l, .user = user };
    struct rf_auth_result r;

    memset(user, 0, sizeof *user);
    rf_auth_check(l->env.auth, msg, RF_HDR_PROXY_AUTHORIZATION, rf_span_str(s->domain), lookup_user, &k, now_us, &r);
    switch (r.verdict) {
    case RF_AUTH_OK:
        rf_wipe(&user->auth, sizeof user->auth);
        *algorithm = rf_digest_name(r.algorithm);
        *connection = k.connection;
        return true;
    case RF_AUTH_CHALLENGE:
        challenge(l, txn, false, "", now_us);
        break;
    case RF_AUTH_STALE:
    case RF_AUTH_REPLAY:
        challenge(l, txn, true, "the nonce was used or too old", now_us);
        break;
    case RF_AUTH_BAD:
        if (l->env.sign_in_failed != NULL)
            l->env.sign_in_failed(l->env.ctx, flow, &r, k.found, now_us);
        else if (k.found)
            RF_REFUSE(WRONG_PASSWORD, RF_F_SPAN("user", r.username), RF_F_ADDR("addr", &flow->remote));
        else
            RF_REFUSE(UNKNOWN_USER, RF_F_SPAN("user", r.username), RF_F_STR("domain", s->domain),
                      RF_F_ADDR("addr", &flow->remote));
        challenge(l, txn, false, "wrong user or password", now_us);
        break;
    case RF_AUTH_BROKEN:
        refuse_unusable(l, txn, 400, "its Proxy-Authorization is broken, or for another request", (struct rf_span){ 0 },
                        now_us);
        break;
    }
    rf_wipe(user, sizeof *user);
    return false;
}

/* --- an INVITE that starts a call --- */

static bool
user_part(const struct rf_sip_uri *uri, char *out, size_t size)
{
    struct rf_buf b = rf_buf(out, size - 1);

    rf_put_unescaped(&b, uri->user);
    out[b.overflow ? 0 : b.n] = '\0';
    return !b.overflow && b.n > 0 && memchr(out, '\0', b.n) == NULL;
}

/* RF-503: a user speaks for its own address of record alone. */
static bool
check_identity(struct call *c, const struct rf_sip_msg *msg, uint64_t now_us)
{
    char name[64];
    bool same = (msg->from.uri.scheme == RF_URI_SIP || msg->from.uri.scheme == RF_URI_SIPS) &&
                user_part(&msg->from.uri, name, sizeof name) && strcmp(name, c->a->user) == 0 &&
                call_host_is_ours(c->l, &msg->from.uri, c->a->flow);

    if (same)
        return true;
    call_refuse(c, RF_REFUSE_FORBIDDEN, 0,
                (const struct rf_log_field[]){ RF_F_SPAN("what", msg->from.uri.raw), RF_F_STR("who", leg_who(c->a)),
                                               RF_F_STR("reason", "From must be the user that signed in"),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
    return false;
}

static bool
check_transport(struct call *c, const struct rf_call_user *user, uint64_t now_us)
{
    if (!user->require_tls || rf_transport_is_secure(c->a->transport))
        return true;
    call_refuse(c, RF_REFUSE_TLS_REQUIRED, 0,
                (const struct rf_log_field[]){ RF_F_STR("who", leg_who(c->a)),
                                               RF_F_STR("transport", rf_transport_name(c->a->transport)),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
    return false;
}

static void
refuse_full(struct call *c, const char *what, uint64_t now_us)
{
    call_refuse(c, RF_REFUSE_OVERLOAD, 0,
                (const struct rf_log_field[]){ RF_F_STR("what", what), RF_F_STR("who", leg_who(c->a)),
                                               RF_F_STR("seconds", "5"), RF_F_STR("call", c->id), { 0 } },
                now_us);
}

/* Its caller's share of calls, and a place among all of them. */
static bool
check_room(struct call *c, uint32_t user_max, uint64_t now_us)
{
    char what[128];

    switch (rf_quota_take(c->l->env.quota, rf_span_str(c->a->user), user_max, call_settings(c)->calls_max, &c->share)) {
    case RF_OK:
        return true;
    case RF_ERR_RANGE:
        snprintf(what, sizeof what, "the number of calls of this user (user.%s.calls-max)", c->a->user);
        break;
    default:
        snprintf(what, sizeof what, "the number of calls (calls-max)");
    }
    refuse_full(c, what, now_us);
    return false;
}

/* Session-Expires of an INVITE; false: answered 400 or 422. */
static bool
check_session(struct call *c, const struct rf_sip_msg *msg, uint64_t now_us)
{
    const struct rf_call_settings *s = call_settings(c);
    struct rf_session_expires asked;
    char text[64];
    struct rf_buf b = rf_buf(text, sizeof text);

    if (rf_session_expires_of(msg, &asked) != RF_OK) {
        call_end(c, "us", 400, RF_REFUSE_NONE, now_us);
        return false;
    }
    if (rf_session_timer_uas(&asked, s->session_expires_s, s->min_se_s, &c->a->session) != RF_OK) {
        rf_sip_put_headerf(&b, RF_HDR_MIN_SE, "%u", (unsigned)s->min_se_s);
        leg_respond(c->a, 422, rf_buf_span(&b), (struct rf_span){ 0 }, now_us);
        call_end(c, "us", 422, RF_REFUSE_NONE, now_us);
        return false;
    }
    return true;
}

static bool
check_offer(struct call *c, const struct rf_sip_msg *msg, bool has_sdp, uint64_t now_us)
{
    enum rf_refusal why;

    if (!has_sdp) {
        c->is_offerless = true;
        return true;
    }
    why = leg_offer_in(c->a, msg->body, &c->a->next);
    if (why == RF_REFUSE_NONE)
        return true;
    call_end(c, "us", rf_refusal_row(why)->sip, why, now_us);
    return false;
}

/* Before the offer is judged: whether media passes us by depends on where the call goes. */
static bool
find_targets(struct call *c, const struct rf_sip_msg *msg, uint64_t now_us)
{
    enum rf_refusal why = RF_REFUSE_NOT_FOUND;
    bool ours = msg->ruri.scheme == RF_URI_TEL || call_host_is_ours(c->l, &msg->ruri, c->a->flow);

    if (ours && c->called[0] != '\0' && call_find_places(c, rf_span_str(c->called), &why))
        return true;
    /* The transport of who is called is no fault of who calls: to him it is not available (RFC 3261 21.4.18). */
    call_refuse(c, why, why == RF_REFUSE_TLS_REQUIRED || why == RF_REFUSE_REGISTERED_IN_CLEAR ? 480 : 0,
                (const struct rf_log_field[]){ RF_F_STR("number", c->called), RF_F_STR("user", c->called),
                                               RF_F_STR("who", why == RF_REFUSE_CALL_LOOP ? leg_who(c->a) : c->called),
                                               RF_F_STR("transport", "another transport"),
                                               RF_F_STR("call", c->id), { 0 } },
                now_us);
    return false;
}

/* Leg A from its INVITE; 0, or the status that refuses it. */
static int
make_leg_a(struct call *c, struct rf_server_txn *txn, const struct rf_sip_msg *msg, const struct caller *who)
{
    const struct rf_call_user *user = &who->user;
    struct leg *a = leg_new(c, 0);
    enum rf_err err;
    struct rf_addr sip;

    if (a == NULL)
        return 503;
    c->a = a;
    snprintf(a->user, sizeof a->user, "%s", user->name);
    snprintf(a->display, sizeof a->display, "%s", user->display);
    snprintf(a->setting, sizeof a->setting, "%s", user->srtp_setting);
    a->policy = user->srtp;
    a->sign_in = who->sign_in;
    a->is_private = who->is_private;
    if (who->connection != NULL)
        snprintf(a->connection, sizeof a->connection, "%s", who->connection->name);
    err = rf_dialog_from_request(&a->dialog, msg, rf_server_txn_to_tag(txn));
    if (err != RF_OK)
        return err == RF_ERR_SYNTAX ? 400 : err == RF_ERR_RANGE ? 513 : 503;
    leg_set_flow(a, rf_server_txn_flow(txn));
    c->l->env.our_address(c->l->env.ctx, a->flow, &sip, &a->media_addr);
    leg_enter(a);
    a->server = txn;
    a->server_is_open = true;
    rf_server_txn_own(txn, &leg_server_events, a);
    prack_learn(a, msg);
    leg_learn_allow(a, msg);
    if (who->connection != NULL)
        caller_dialled(who, msg, c->called, sizeof c->called);
    else if (!user_part(&msg->ruri, c->called, sizeof c->called))
        c->called[0] = '\0';
    return 0;
}

static void
refuse_no_memory(struct rf_call_layer *l, struct rf_server_txn *txn, const char *who, uint64_t now_us)
{
    rf_call_refuse_request(l, txn, RF_REFUSE_OVERLOAD, 0, who,
                           (const struct rf_log_field[]){ RF_F_STR("what", "memory for calls"), RF_F_STR("who", who),
                                                          RF_F_U64("seconds", 5), { 0 } },
                           now_us);
}

void
call_invite(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    const struct rf_call_settings *s = l->env.settings(l->env.ctx);
    struct caller who;
    struct call *c;
    int has_sdp, status;

    if (!request_caller(l, txn, msg, &who, now_us))
        return;
    has_sdp = request_sdp(l, txn, msg, now_us);
    if (has_sdp < 0)
        return;
    c = call_new(l, now_us);
    if (c == NULL) {
        refuse_no_memory(l, txn, who.user.name, now_us);
        return;
    }
    status = make_leg_a(c, txn, msg, &who);
    if (status != 0) {
        if (status == 503)
            refuse_no_memory(l, txn, who.user.name, now_us);
        else
            refuse_unusable(l, txn, status, "what a dialog needs of it is missing or too long", (struct rf_span){ 0 }, now_us);
        call_free(c);
        return;
    }
    leg_was_passed(c->a, msg);
    c->max_forwards = msg->max_forwards;
    forward_count_before(c, msg);
    rf_call_trail_read(&l->env, msg, &c->trail);
    rf_timer_arm(l->env.wheel, &c->timer, now_us + s->ring_time_s * RF_S);
    prelude_take(c, msg);
    ladder_msg(c, 0, false, msg, now_us);
    if (who.connection != NULL) {
        if (!check_connection(c, &who, msg, now_us))
            return;
    } else if (!check_identity(c, msg, now_us) || !check_transport(c, &who.user, now_us) ||
               !check_room(c, who.user.calls_max != 0 ? who.user.calls_max : s->calls_per_user_max, now_us)) {
        return;
    }
    if (!check_session(c, msg, now_us))
        return;
    if (rf_sip_value(msg, RF_HDR_REPLACES).p != NULL) {
        status = transfer_replaces(c, msg, &who);
        if (status != 0)
            transfer_refuse(c, status, now_us);
        else if (check_offer(c, msg, has_sdp > 0, now_us))
            transfer_open(c, now_us);
    } else if (find_targets(c, msg, now_us) && check_offer(c, msg, has_sdp > 0, now_us)) {
        call_stage_begin(c, now_us);
    }
}
