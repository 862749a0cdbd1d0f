/*
 * main/shares.c - who asks too much: the share of each source, and what a wrong password counts (flow/guard.h)
 */
#include "main/worker.h"

void
rf_signal_guard_limits(const struct rf_conf *c, struct rf_guard_limits *l)
{
    *l = (struct rf_guard_limits)RF_GUARD_LIMITS;
    l->requests_per_s = (uint32_t)rf_conf_number(c, "security.requests-per-source");
    l->requests_burst = 5 * l->requests_per_s;
    l->connections_per_s = (uint32_t)rf_conf_number(c, "security.handshakes-per-source");
    l->connections_burst = 5 * l->connections_per_s;
    l->wrong_passwords_max = (uint32_t)rf_conf_number(c, "security.wrong-passwords");
    l->ban_first_us = (uint64_t)rf_conf_number(c, "security.ban-time") * RF_S;
    l->loopback_is_exempt = rf_conf_is_on(c, "security.exempt-loopback");
    l->ban_max_us = l->ban_first_us > 0 ? 86400 * RF_S : 0;
}

/* Logs what it says; true: go on. */
static bool
guard_allows(struct rf_worker *w, const struct rf_addr *source, const struct rf_guard_answer *a, uint64_t now_us)
{
    char host[RF_ADDR_TEXT_MAX], key_mem[160], until[32];
    struct rf_buf b = rf_buf(host, sizeof host), key = rf_buf(key_mem, sizeof key_mem);

    if (a->verdict == RF_GUARD_ALLOW)
        return true;
    atomic_fetch_add_explicit(&w->numbers.guarded, 1, memory_order_relaxed);
    rf_put_host(&b, source, false);
    rf_fold_put_source(&key, source);
    rf_put_char(&key, ' ');
    rf_put_str(&key, a->reason);
    snprintf(until, sizeof until, "%u s from now", a->retry_after_s);
    if (a->verdict == RF_GUARD_BANNED)
        rf_fold_refuse(w->shared->fold, RF_REFUSE_BANNED, rf_buf_span(&key),
                       (struct rf_log_field[]){ RF_F_SPAN("addr", rf_buf_span(&b)), RF_F_STR("until", until),
                                                RF_F_STR("reason", a->reason), { 0 } },
                       now_us);
    else
        rf_fold_refuse(w->shared->fold, RF_REFUSE_OVERLOAD, rf_buf_span(&key),
                       (struct rf_log_field[]){ RF_F_STR("what", a->reason), RF_F_SPAN("who", rf_buf_span(&b)),
                                                RF_F_U64("seconds", a->retry_after_s), { 0 } },
                       now_us);
    return false;
}

/* A datagram's source may be forged; that of a connection is not. */
static bool
is_proven(const struct rf_flow *flow)
{
    return rf_transport_is_reliable(flow->transport);
}

/*
 * Requests with credentials are judged by those, when they answer a challenge of ours: anybody can write a header. Of
 * OPTIONS nobody asks them. Whether what says so belongs to a dialog, its owner knows (rf_worker_guards_stray).
 */
static bool
is_strangers(const struct rf_worker *w, const struct rf_addr *source, uint64_t now_us)
{
    const struct rf_sip_msg *m = &w->msg;

    return m->is_request && m->method != RF_SIP_ACK && m->method != RF_SIP_CANCEL && m->to_tag.n == 0 &&
           (m->method == RF_SIP_OPTIONS ||
            !rf_auth_is_answer(w->shared->auth, m, rf_span_str(w->site->call.domain), source, now_us));
}

/* Does what the guard says about the message in w->msg; true: go on. */
static bool
obey(struct rf_worker *w, struct rf_flow *flow, const struct rf_guard_answer *a, uint64_t now_us)
{
    char header[48];
    struct rf_buf b = rf_buf(header, sizeof header);

    if (guard_allows(w, &flow->remote, a, now_us))
        return true;
    if (a->verdict == RF_GUARD_BANNED && is_proven(flow))
        rf_flow_close(flow);
    else if (w->msg.is_request && w->msg.method != RF_SIP_ACK) {
        rf_sip_put_headerf(&b, RF_HDR_RETRY_AFTER, "%u", a->retry_after_s);
        rf_worker_answer_bare(w, &w->msg, flow, 503, rf_buf_span(&b));
    }
    return false;
}

bool
rf_worker_guards(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_guard_answer a;

    if (is_strangers(w, &flow->remote, now_us))
        a = rf_guard_request(w->shared->guard, &flow->remote, is_proven(flow), now_us);
    else
        a = rf_guard_ask(w->shared->guard, &flow->remote, now_us);
    return obey(w, flow, &a, now_us);
}

bool
rf_worker_guards_stray(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_guard_answer a = rf_guard_request(w->shared->guard, &flow->remote, is_proven(flow), now_us);

    return obey(w, flow, &a, now_us);
}

bool
rf_worker_admits(void *ctx, const struct rf_addr *source, enum rf_transport t, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_guard_answer a = rf_guard_connection(w->shared->guard, source, now_us);

    return guard_allows(w, source, &a, now_us);
}

void
rf_worker_sign_in_failed(struct rf_worker *w, const struct rf_flow *flow, const struct rf_auth_result *who,
                         uint64_t now_us)
{
    struct rf_guard_answer a;
    struct rf_call_user user;
    char key[160], address[RF_ADDR_TEXT_MAX];
    struct rf_buf b = rf_buf(key, sizeof key);
    bool known = rf_site_user(w->site, who->username, &user);

    rf_put(&b, rf_span_sub(who->username, 0, 64));
    rf_put_char(&b, ' ');
    rf_fold_put_source(&b, &flow->remote);
    rf_fold_refuse(w->shared->fold, known ? RF_REFUSE_WRONG_PASSWORD : RF_REFUSE_UNKNOWN_USER, rf_buf_span(&b),
                   (struct rf_log_field[]){ RF_F_SPAN("user", who->username), RF_F_STR("domain", w->site->call.domain),
                                            RF_F_STR("addr", rf_addr_text(&flow->remote, address)), { 0 } },
                   now_us);
    a = rf_guard_wrong_password(w->shared->guard, &flow->remote,
                                is_proven(flow) || rf_auth_proves(w->shared->auth, who, &flow->remote), now_us);
    /* This one is answered like any other; what comes next is not. */
    (void)guard_allows(w, &flow->remote, &a, now_us);
}

void
rf_worker_signed_in(struct rf_worker *w, const struct rf_flow *flow)
{
    rf_guard_signed_in(w->shared->guard, &flow->remote);
}
