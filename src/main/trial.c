#include "main/trial.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "main/worker.h"
#include "probe/visit.h"

#define POST_AGAIN_MS 50 /* the desk's mailbox is full: it has room in a moment */

/* --- steps --- */

json_t *
rf_trial_step(struct rf_trial *t, const char *name, const char *target)
{
    json_t *step = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "step", name, "ok", 1, "says", "", "code", "",
                             "sentence", "", "fix", "");

    if (target != NULL)
        json_object_set_new(step, "target", json_string(target));
    json_array_append_new(t->steps, step);
    return step;
}

void
rf_trial_fail_text(struct rf_trial *t, json_t *step, enum rf_refusal why, const char *sentence, const char *fix)
{
    const struct rf_refusal_row *row = rf_refusal_row(why);

    t->failed++;
    json_object_set_new(step, "ok", json_false());
    json_object_set_new(step, "code", json_string(row->code));
    json_object_set_new(step, "sentence", json_string(sentence));
    json_object_set_new(step, "fix", json_string(fix != NULL ? fix : row->fix));
}

void
rf_trial_fail(struct rf_trial *t, json_t *step, enum rf_refusal why, const struct rf_log_field *fields)
{
    const struct rf_refusal_row *row = rf_refusal_row(why);
    char sentence[768], fix[512];
    struct rf_buf s = rf_buf(sentence, sizeof sentence - 1), f = rf_buf(fix, sizeof fix - 1);

    rf_refusal_sentence(&s, row->sentence, fields);
    rf_refusal_sentence(&f, row->fix, fields);
    sentence[s.n] = fix[f.n] = '\0';
    rf_trial_fail_text(t, step, why, sentence, fix);
}

void
rf_trial_say(json_t *step, const char *format, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    json_object_set_new(step, "says", json_string(text));
}

/* --- registration: what is known already --- */

static void
try_registration(struct rf_trial *t)
{
    const struct rf_board_row *b = &t->conf.state;
    enum rf_registration state = t->conf.is_known ? (enum rf_registration)b->registration : RF_REGISTRATION_NONE;
    json_t *step = rf_trial_step(t, "registration", NULL);
    char status[24] = "it does not answer";

    json_object_set_new(step, "state", json_string(rf_registration_name(state)));
    if (state == RF_REGISTRATION_UP) {
        rf_trial_say(step, "we are registered by %s for %lld s; calls go by that connection while it lasts",
                     rf_transport_name(b->transport), (long long)(b->until_s - rf_wall_s()));
        return;
    }
    if (state == RF_REGISTRATION_NONE || state == RF_REGISTRATION_TRYING) {
        rf_trial_say(step, "not registered yet");
        return;
    }
    if (b->status != 0)
        snprintf(status, sizeof status, "%d", b->status);
    rf_trial_fail(t, step, RF_REFUSE_REGISTER_REFUSED,
                  (struct rf_log_field[]){ RF_F_STR("peer", t->connection->name), RF_F_STR("reason", status), { 0 } });
}

/* Its peer registers here: calls go where it did. A second connection could not be opened to it. */
static void
try_binding(struct rf_trial *t)
{
    const struct rf_connection *k = t->connection;
    const struct rf_binding *b = &t->conf.binding;
    json_t *step = rf_trial_step(t, "registration", NULL);
    bool wants_tls = k->requires_tls || (k->out.has_transport && k->out.transport == RF_TLS);
    char source[RF_ADDR_TEXT_MAX];

    if (!t->conf.has_binding) {
        rf_trial_fail_text(t, step, RF_REFUSE_NOT_REGISTERED, "its peer is not registered here, and it has no server",
                           "have the peer register, or set sip-connection.*.server");
        return;
    }
    rf_trial_say(step, "its peer is registered here from %s by %s for %lld s", rf_addr_text(&b->source, source),
                 rf_transport_name(b->transport), (long long)(b->expires_s - rf_wall_s()));
    if (wants_tls && !rf_transport_is_secure(b->transport))
        rf_trial_fail(t, step, RF_REFUSE_REGISTERED_IN_CLEAR,
                      (struct rf_log_field[]){ RF_F_STR("who", k->name),
                                               RF_F_STR("transport", rf_transport_name(b->transport)), { 0 } });
}

/* --- one target --- */

static void
put_chain(const struct rf_probe_visit *v, json_t *step)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->chain.count; i++) {
        struct rf_cert_facts *f = calloc(1, sizeof *f);
        char fingerprint[65];
        struct rf_buf b = rf_buf(fingerprint, sizeof fingerprint - 1);

        if (f == NULL)
            break;
        rf_cert_facts_read(v->chain.x[i], f);
        rf_put_hex(&b, f->sha256, sizeof f->sha256);
        fingerprint[b.n] = '\0';
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s, s:s}", "subject", f->subject, "issuer", f->issuer,
                                              "not_after", (json_int_t)f->not_after, "key", f->key, "sha256",
                                              fingerprint));
        free(f);
    }
    json_object_set_new(step, "chain", list);
}

static void
put_verdict(const struct rf_check_report *r, json_t *step)
{
    static const char *const result[] = { "not made", "pass", "fail" };
    json_t *checks = json_array(), *passes = json_array();

    for (int i = 0; i < RF_CHECK_RULE_COUNT; i++)
        json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s}", "check",
                                                rf_check_rule_name((enum rf_check_rule)i), "result",
                                                result[r->line[i].result], "otherwise", result[r->line[i].otherwise],
                                                "detail", r->line[i].detail));
    for (int i = 0; i < RF_CHECK_LEVEL_COUNT; i++)
        if ((r->passes_level >> i & 1) != 0)
            json_array_append_new(passes, json_string(rf_check_level_name((enum rf_check_level)i)));
    json_object_set_new(step, "checks", checks);
    json_object_set_new(step, "would_pass", passes);
}

static void
put_certificates(const struct rf_trial *t, const struct rf_probe_visit *v, json_t *step)
{
    const struct rf_site_server *s = &t->conf.site->ifaces->server[t->connection->index];
    const char *shown = s->cert != NULL ? rf_cert_facts(s->cert)->subject : NULL;
    json_t *names = json_array();

    put_chain(v, step);
    json_object_set_new(step, "level", json_string(rf_check_level_name(s->check.level)));
    if (v->report != NULL)
        put_verdict(v->report, step);
    json_object_set_new(step, "pins", json_pack("{s:i, s:b}", "set", (int)s->pin_count, "fits",
                                                rf_ifaces_pin_fits(t->conf.site->ifaces, t->connection->index,
                                                                   v->sha256)));
    for (size_t i = 0; i < v->authority_count; i++)
        json_array_append_new(names, json_string(v->authority[i]));
    json_object_set_new(step, "client_certificate",
                        json_pack("{s:b, s:s?, s:o}", "asked", v->asks_certificate, "shown",
                                  v->asks_certificate ? shown : NULL, "authorities", names));
}

/* true: a call would go on. */
static bool
judge_tls(struct rf_trial *t, const struct rf_trial_target *to, const char *target, const struct rf_probe_visit *v)
{
    json_t *step = rf_trial_step(t, "tls", target);
    char fingerprint[65];
    struct rf_buf b = rf_buf(fingerprint, sizeof fingerprint - 1);

    if (v->version[0] != '\0' && strcmp(v->version, "TLS ") != 0)
        json_object_set_new(step, "version", json_string(v->version));
    json_object_set_new(step, "suite", json_string(v->suite));
    json_object_set_new(step, "group", json_string(v->group));
    json_object_set_new(step, "handshake_us", json_integer(v->shake_us));
    put_certificates(t, v, step);
    if (!v->is_up) {
        rf_trial_fail_text(t, step, v->refusal, v->sentence, v->fix);
        if (v->causes[0] != '\0')
            json_object_set_new(step, "causes", json_string(v->causes));
        return false;
    }
    rf_trial_say(step, "%s, %s%s%s; the certificate passes level %s", v->version, v->suite,
                 v->group[0] != '\0' ? ", " : "", v->group,
                 rf_check_level_name(t->conf.site->ifaces->server[t->connection->index].check.level));
    if (rf_ifaces_pin_fits(t->conf.site->ifaces, t->connection->index, v->sha256))
        return true;
    rf_put_hex(&b, v->sha256, sizeof v->sha256);
    fingerprint[b.n] = '\0';
    rf_trial_fail(t, step, RF_REFUSE_SERVER_NOT_PINNED,
                  (struct rf_log_field[]){ RF_F_STR("peer", t->connection->name), RF_F_ADDR("addr", &to->addr),
                                           RF_F_STR("fingerprint", fingerprint), { 0 } });
    return false;
}

/* As main/keeper.h: any final answer but 408 and 503 means that the server is there. */
static void
judge_options(struct rf_trial *t, const char *target, const struct rf_probe_talk_facts *f)
{
    json_t *step = rf_trial_step(t, "options", target);
    char sentence[256];

    if (f->answered != RF_PROBE_YES) {
        snprintf(sentence, sizeof sentence, "%s does not answer OPTIONS: %s", target,
                 f->not_answered[0] != '\0' ? f->not_answered : "nothing came in time");
        rf_trial_fail_text(t, step, RF_REFUSE_PEER_DOWN, sentence,
                           "ask its operator whether SIP is served there and our address is let in");
        return;
    }
    json_object_set_new(step, "status", json_integer(f->status));
    json_object_set_new(step, "reason", json_string(f->reason));
    json_object_set_new(step, "server", json_string(f->server));
    json_object_set_new(step, "allow", json_string(f->allow));
    json_object_set_new(step, "answer_us", json_integer(f->answer_us));
    rf_trial_say(step, "%d %s after %.1f ms", f->status, f->reason, f->answer_us / 1000.0);
    if (f->status == 408 || f->status == 503) {
        snprintf(sentence, sizeof sentence, "%s answers OPTIONS with %d %.100s, so calls do not go there", target,
                 f->status, f->reason);
        rf_trial_fail_text(t, step, RF_REFUSE_PEER_DOWN, sentence,
                           "ask its operator; it says itself that it is not ready");
    }
}

static bool
judge_connect(struct rf_trial *t, const char *target, const struct rf_probe_visit *v, const char *error)
{
    json_t *step = rf_trial_step(t, "connect", target);
    char sentence[256];

    json_object_set_new(step, "connect_us", json_integer(v->connect_us));
    if (v->is_connected) {
        rf_trial_say(step, "connected after %.1f ms", v->connect_us / 1000.0);
        return true;
    }
    snprintf(sentence, sizeof sentence, "%s cannot be connected to: %.120s", target, error);
    rf_trial_fail_text(t, step, RF_REFUSE_PEER_DOWN, sentence,
                       "see that the server runs and that no firewall is between; the port is that of its SRV record "
                       "or of sip-connection.*.server");
    return false;
}

/* UDP leaves by the address of a listener of trunks, when it has one of its own. */
static struct rf_addr
udp_address(const struct rf_site *s, int family)
{
    struct rf_addr a = { 0 };

    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listener[i].transport == RF_UDP && s->listener[i].addr.sa.sa_family == family &&
            !rf_addr_is_any(&s->listener[i].addr) &&
            (!rf_addr_is_set(&a) || s->listener[i].iface == RF_IFACE_SIP_TRUNKS))
            a = s->listener[i].addr;
    if (rf_addr_is_set(&a))
        rf_addr_set_port(&a, 0);
    return a;
}

static void
try_target(struct rf_trial *t, const struct rf_trial_target *to)
{
    const struct rf_connection *k = t->connection;
    struct rf_probe_target target = {
        .addr = to->addr,
        .port = rf_addr_port(&to->addr),
        .is_sip = true,
        .transport = to->transport == RF_TLS   ? RF_PROBE_OVER_TLS
                     : to->transport == RF_TCP ? RF_PROBE_OVER_TCP
                                               : RF_PROBE_OVER_UDP,
        .connection_us = RF_TRIAL_TARGET_S * RF_S,
        .until_us = t->until_us,
        .cancel_fd = t->cancel_fd,
        .uri = k->uri,
        .user = k->username[0] != '\0' ? k->username : "ringfence",
        .local = udp_address(t->conf.site, to->addr.sa.sa_family),
    };
    struct rf_probe_visit *v = calloc(1, sizeof *v);
    struct rf_tls_client *client = NULL;
    char text[RF_ADDR_TEXT_MAX], name[RF_ADDR_TEXT_MAX + 8];
    const char *why = "out of memory";

    snprintf(name, sizeof name, "%s %s", rf_transport_name(to->transport), rf_addr_text(&to->addr, text));
    snprintf(target.host, sizeof target.host, "%s", to->host[0] != '\0' ? to->host : k->host);
    if (v == NULL)
        return;
    if (to->transport == RF_TLS &&
        rf_ifaces_connection(t->conf.site->ifaces, k->index, NULL, &client, &why) != RF_OK) {
        rf_trial_fail_text(t, rf_trial_step(t, "tls", name), RF_REFUSE_TLS_FAILED, why, NULL);
        free(v);
        return;
    }
    rf_probe_visit(&target, client, &t->conf.site->ifaces->server[k->index].check, v);
    if (judge_connect(t, name, v, v->error) && (client == NULL || judge_tls(t, to, name, v)))
        judge_options(t, name, &v->talk);
    rf_probe_visit_fini(v);
    free(v);
    rf_tls_client_unref(client);
}

/* --- the whole --- */

static void
try_all(struct rf_trial *t)
{
    const struct rf_connection *k = t->connection;
    enum rf_transport leg = k->out.has_transport ? k->out.transport : RF_UDP;

    if (k->registers)
        try_registration(t);
    if (k->uri[0] == '\0' && k->can_sign_in) {
        try_binding(t);
        leg = t->conf.has_binding ? t->conf.binding.transport : leg;
    } else if (k->uri[0] == '\0') {
        rf_trial_say(rf_trial_step(t, "resolve", NULL), "there is no server: calls only come in by this connection");
    } else {
        rf_trial_resolve(t);
        leg = t->target_count > 0 ? t->target[0].transport : leg;
    }
    for (size_t i = 0; i < t->target_count && !t->is_cancelled; i++)
        try_target(t, &t->target[i]);
    rf_trial_sdp(t, leg);
}

static void *
run(void *arg)
{
    struct rf_trial *t = arg;
    struct rf_letter_told told = { .head = { .kind = RF_LETTER_TOLD, .from = RF_WORKERS_MAX },
                                   .serial = t->conf.serial };

    prctl(PR_SET_NAME, "rf-trial");
    t->until_us = rf_now_us() + RF_TRIAL_S * RF_S;
    try_all(t);
    told.answer = json_pack("{s:s, s:s, s:b, s:O}", "name", t->connection->name, "server", t->connection->uri, "ok",
                            t->failed == 0, "steps", t->steps);
    while (!t->is_cancelled && told.answer != NULL) {
        struct timespec pause = { .tv_nsec = POST_AGAIN_MS * 1000000l };

        if (rf_worker_post(t->conf.told, &told, sizeof told, rf_span(NULL, 0)))
            return NULL;
        nanosleep(&pause, NULL);
    }
    json_decref(told.answer);
    return NULL;
}

/* --- life --- */

enum rf_err
rf_trial_start(struct rf_trial **out, const struct rf_trial_conf *conf)
{
    struct rf_trial *t = calloc(1, sizeof *t);

    if (t == NULL)
        return RF_ERR_NOMEM;
    t->conf = *conf;
    t->conf.site = rf_site_ref(conf->site);
    t->connection = rf_connection_at(t->conf.site->connections, conf->connection);
    t->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->steps = json_array();
    t->runs = t->cancel_fd >= 0 && t->steps != NULL && pthread_create(&t->thread, NULL, run, t) == 0;
    if (!t->runs) {
        rf_trial_end(t);
        return RF_ERR_NOMEM;
    }
    *out = t;
    return RF_OK;
}

void
rf_trial_end(struct rf_trial *t)
{
    if (t == NULL)
        return;
    t->is_cancelled = true;
    if (t->cancel_fd >= 0)
        (void)!eventfd_write(t->cancel_fd, 1);
    if (t->runs)
        pthread_join(t->thread, NULL);
    if (t->cancel_fd >= 0)
        close(t->cancel_fd);
    json_decref(t->steps);
    rf_site_unref(t->conf.site);
    free(t);
}
