#include "main/site.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "cert/bundle.h"
#include "main/credentials.h"
#include "loop/loop.h"
#include "main/settings.h"
#include "store/store.h"

/* --- the store's layer and its secrets --- */

static bool
take_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    *(char **)ctx = rf_span_dup(value);
    return false;
}

size_t
rf_site_dns_servers(const struct rf_conf *c, struct rf_addr server[static RF_DNS_SERVERS_MAX])
{
    struct rf_span left = rf_span_str(rf_conf_text(c, "sip.dns-servers")), word;
    size_t n = 0;

    while (n < RF_DNS_SERVERS_MAX && rf_conf_next_word(&left, &word))
        if (rf_server_parse(word, 53, &server[n]) == RF_OK) /* not so: "system" */
            n++;
    return n;
}

char *
rf_site_store_layer(struct rf_store *store)
{
    char *text = NULL;

    if (rf_store_load_settings(store, take_row, &text) != RF_OK) {
        free(text);
        return NULL;
    }
    return text != NULL ? text : strdup("");
}

static enum rf_err
secret_of_store(void *ctx, struct rf_span name, struct rf_secret *out)
{
    return rf_store_load_secret(((const struct rf_site_sources *)ctx)->store, name, out);
}

static bool
file_of_parent(void *ctx, struct rf_span path, struct rf_span *octets)
{
    return rf_key_files_find(((const struct rf_site_sources *)ctx)->files, path, octets);
}

/* --- from settings to what calls need --- */

static uint32_t
number(const struct rf_conf *c, const char *name)
{
    return (uint32_t)rf_conf_number(c, name);
}

static void
take_call_settings(struct rf_site *s)
{
    const struct rf_conf *c = s->conf;
    struct rf_call_settings *o = &s->call;

    snprintf(o->domain, sizeof o->domain, "%s", rf_conf_text(c, "domain"));
    snprintf(o->server, sizeof o->server, "ringfence/%s", RF_VERSION);
    o->ring_time_s = number(c, "sip.ring-time");
    o->session_expires_s = number(c, "sip.session-expires");
    o->min_se_s = number(c, "sip.min-se");
    o->media_timeout_s = number(c, "media.timeout");
    o->calls_max = number(c, "calls-max");
    o->calls_per_user_max = 10;
    o->transfer = rf_conf_is_on(c, "sip.transfer");
    o->explain_to_peer = rf_conf_is_on(c, "sip.explain-to-peer");
    s->event = (struct rf_event_settings){
        .message_max = number(c, "sip.message-max"),
        .messages_per_minute = number(c, "sip.messages-per-minute"),
        .subscriptions_per_user = number(c, "sip.subscriptions-per-user"),
        .subscriptions_max = number(c, "sip.subscriptions-max"),
        .expires_max_s = number(c, "sip.subscription-expires"),
    };
}

static enum rf_err
take_srtp(struct rf_site *s, struct rf_conf_problem *problem)
{
    const struct rf_conf *c = s->conf;
    struct rf_srtp_policy *p = &s->srtp;
    struct rf_span unknown;

    if (rf_srtp_suites_parse(rf_span_str(rf_conf_text(c, "media.crypto-suites")), p->suite, &p->suite_count,
                             &unknown) != RF_OK) {
        problem->at = rf_conf_origin(c, "media.crypto-suites");
        snprintf(problem->sentence, sizeof problem->sentence, "unknown suite %.*s", RF_SPAN_ARG(unknown));
        return RF_ERR_NOT_FOUND;
    }
    p->answer_savp = strcmp(rf_conf_text(c, "media.answer-profile"), "savp") == 0;
    p->offerer_order = strcmp(rf_conf_text(c, "media.suite-order"), "offerer") == 0;
    p->allow_null_auth = rf_conf_is_on(c, "media.allow-null-auth");
    p->allow_unencrypted = rf_conf_is_on(c, "media.allow-unencrypted-srtp");
    p->strict_transport = rf_conf_is_on(c, "security.strict-keys");
    p->hosted = strcmp(rf_conf_text(c, "platform"), "hosted") == 0;
    return RF_OK;
}

static void
take_public_address(struct rf_site *s)
{
    struct rf_span words = rf_span_trim(rf_span_str(rf_conf_text(s->conf, "media.public-address")));

    while (words.n > 0) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));
        struct rf_addr a;

        words = rf_span_trim(rf_span_sub(words, word.n, words.n));
        if (rf_addr_parse(word, 0, &a) == RF_OK)
            s->public_address[a.sa.sa_family == AF_INET6] = a;
    }
}

static enum rf_err
take_ifaces(struct rf_site *s, const struct rf_site_sources *from, struct rf_conf_problem *problem)
{
    struct rf_ifaces_sources sources = { .conf = s->conf,
                                         .store = from->store,
                                         .trust_version = from->trust_version,
                                         .ocsp = from->ocsp,
                                         .now_s = rf_wall_s(),
                                         .running = from->running != NULL ? from->running->ifaces : NULL };

    struct rf_secret mark = { .n = 0 };

    sources.legacy_is_over = rf_store_load_secret(from->store, RF_SPAN_LIT(RF_SITE_R11_MARK), &mark) == RF_OK;
    rf_secret_fini(&mark);
    if (!rf_key_files_find(from->files, RF_SPAN_LIT(RF_KEY_FILES_CERTS), &sources.bundle))
        return RF_ERR_STATE;
    return rf_ifaces_new(&s->ifaces, &sources, problem);
}

/* What whoever trusts our own authority may fetch. */
static void
take_authority(struct rf_site *s, struct rf_span bundle)
{
    struct rf_bundle_item item;
    size_t at = 0;

    while (rf_bundle_next(bundle, &at, &item)) {
        const uint8_t *p = (const uint8_t *)item.first.p;
        X509 *x;
        struct rf_span *to;

        if (item.kind != RF_BUNDLE_TRUSTED || !rf_span_is(item.name, RF_CREDENTIALS_LOCAL))
            continue;
        x = d2i_X509(NULL, &p, (long)item.first.n);
        ERR_clear_error();
        to = x != NULL ? &s->root : &s->revoked;
        X509_free(x);
        if (to->p == NULL)
            *to = rf_span(rf_span_dup(item.first), item.first.n);
    }
}

enum rf_err
rf_site_load(struct rf_site **out, const struct rf_site_sources *from, struct rf_conf_problem *problem)
{
    struct rf_span certs;
    struct rf_site *s = calloc(1, sizeof *s);
    char *layer = from->layer != NULL ? strdup(from->layer) : rf_site_store_layer(from->store);
    struct rf_conf_sources sources = { .file_path = from->config, .secret = secret_of_store,
                                       .file = file_of_parent, .ctx = (void *)(uintptr_t)from };
    enum rf_err err = s != NULL ? RF_OK : RF_ERR_NOMEM;

    if (from->secrets_may_miss)
        sources.secret = NULL;
    *problem = (struct rf_conf_problem){ 0 };
    if (layer == NULL) {
        snprintf(problem->sentence, sizeof problem->sentence, "the store cannot be read");
        err = RF_ERR_IO;
    }
    if (!err) {
        atomic_init(&s->refs, 1);
        sources.store_text = rf_span_str(layer);
        err = rf_conf_load_from(&s->conf, &sources, problem);
    }
    if (layer != NULL)
        rf_wipe(layer, strlen(layer)); /* a literal password may stand in it */
    free(layer);
    if (!err) {
        take_call_settings(s);
        take_public_address(s);
        err = take_srtp(s, problem);
    }
    if (!err)
        err = rf_connections_new(&s->connections, s->conf, &s->srtp);
    s->ignores_strangers = !err && rf_site_ignores_strangers(s->conf, s->connections);
    s->routing = (struct rf_call_routing){ .conf = s->conf, .connections = s->connections, .devices = s->srtp };
    if (!err)
        err = rf_directory_new(&s->users, s->conf, &rf_rand_system);
    if (!err)
        err = take_ifaces(s, from, problem);
    if (!err && !rf_key_files_find(from->files, RF_SPAN_LIT(RF_KEY_FILES_CERTS), &certs))
        certs = rf_span(NULL, 0);
    if (!err)
        take_authority(s, certs);
    if (!err)
        err = rf_automatic_new(&s->automatic, s->conf, certs, problem);
    if (err) {
        if (problem->sentence[0] == '\0')
            snprintf(problem->sentence, sizeof problem->sentence, "%s", rf_err_text(err));
        rf_site_unref(s);
        return err;
    }
    *out = s;
    return RF_OK;
}

struct rf_site *
rf_site_ref(struct rf_site *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void
rf_site_unref(struct rf_site *s)
{
    if (s == NULL || (atomic_load(&s->refs) > 0 && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1))
        return;
    rf_directory_unref(s->users);
    rf_connections_free(s->connections);
    rf_ifaces_free(s->ifaces);
    rf_automatic_free(s->automatic);
    free((char *)(uintptr_t)s->root.p);
    free((char *)(uintptr_t)s->revoked.p);
    rf_conf_unref(s->conf);
    free(s);
}

void
rf_site_add_listener(struct rf_site *s, const struct rf_launch_fd *f)
{
    struct rf_site_listener *ln = &s->listener[s->listener_count];

    rf_assert(s->listener_count < RF_LISTENERS_MAX);
    *ln = (struct rf_site_listener){ .id = f->b, .transport = (enum rf_transport)f->transport, .addr = f->addr };
    snprintf(ln->name, sizeof ln->name, "%s", f->name);
    (void)!rf_iface_find(rf_span_str(ln->name), &ln->iface);
    s->listener_count++;
}

bool
rf_site_user(const struct rf_site *s, struct rf_span name, struct rf_call_user *out)
{
    const struct rf_directory_user *u = rf_directory_find(s->users, name);

    if (u == NULL || rf_span_copy(name, out->name, sizeof out->name) != RF_OK)
        return false;
    snprintf(out->display, sizeof out->display, "%s", u->display);
    out->srtp = s->srtp;
    out->srtp.mode = (enum rf_srtp_mode)u->srtp;
    snprintf(out->srtp_setting, sizeof out->srtp_setting, "user.%s.srtp", out->name);
    out->codecs = u->codecs;
    out->require_tls = u->require_tls;
    out->calls_max = u->calls_max;
    snprintf(out->forward.always, sizeof out->forward.always, "%s", u->forward.always);
    snprintf(out->forward.busy, sizeof out->forward.busy, "%s", u->forward.busy);
    snprintf(out->forward.no_answer, sizeof out->forward.no_answer, "%s", u->forward.no_answer);
    out->forward.no_answer_s = u->forward.no_answer_s;
    out->forward.do_not_disturb = u->forward.do_not_disturb;
    out->auth.verifier = u->verifier;
    return u->can_sign_in;
}

bool
rf_site_registrant(const struct rf_site *s, struct rf_span name, struct rf_call_user *out)
{
    const struct rf_connection *k;

    if (rf_site_user(s, name, out))
        return true;
    k = rf_connection_of_username(s->connections, name);
    if (k == NULL || !k->can_sign_in || rf_span_copy(name, out->name, sizeof out->name) != RF_OK)
        return false;
    out->require_tls = k->requires_tls;
    out->auth.verifier = k->verifier;
    return true;
}

void
rf_site_our_address(const struct rf_site *s, const struct rf_flow *flow, struct rf_addr *sip, struct rf_addr *media)
{
    const struct rf_addr *public_one = &s->public_address[flow->local.sa.sa_family == AF_INET6];

    *sip = flow->local;
    /* A peer of a private network reaches us where it sent to; one outside needs the outside address. */
    if (rf_addr_is_set(public_one) && !rf_addr_is_private(&flow->remote)) {
        uint16_t port = rf_addr_port(sip);

        *sip = *public_one;
        rf_addr_set_port(sip, port);
    }
    *media = *sip;
    rf_addr_set_port(media, 0);
}
