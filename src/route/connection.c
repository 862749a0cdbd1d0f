#include "route/connection.h"

#include <assert.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "conf/iface.h"
#include "conf/options.h"

struct entry {
    struct rf_hash_node by_name, by_username;
    struct rf_connection connection;
};

struct rf_connections {
    struct rf_hash name, username;
    size_t count;
    struct entry **list;
};

/* --- from settings ------------------------------------------------------------------------------------- */

static void
take_uri(const struct rf_conf *c, struct rf_connection *k)
{
    struct rf_target_text t;
    struct rf_buf b = rf_buf(k->uri, sizeof k->uri - 1);
    struct rf_span host;

    if (rf_target_text_parse(rf_span_str(rf_conf_block_text(c, k->block, "server")), &t) != RF_OK)
        return; /* not set: it was checked */
    host = rf_span_starts(t.host, "[") ? rf_span_sub(t.host, 1, t.host.n - 2) : t.host;
    (void)!rf_span_copy(host, k->host, sizeof k->host);
    rf_put_str(&b, t.is_sips ? "sips:" : "sip:");
    rf_put(&b, t.host);
    if (t.port != 0)
        rf_putf(&b, ":%u", t.port);
    /* What the URI says of the transport is more special than the direction's setting. */
    if (t.transport.n > 0) {
        rf_put_str(&b, ";transport=");
        rf_put(&b, t.transport);
    } else if (k->out.has_transport && !t.is_sips) {
        rf_put_str(&b, k->out.transport == RF_TLS ? ";transport=tls" : k->out.transport == RF_TCP ? ";transport=tcp"
                                                                                                   : ";transport=udp");
    }
    k->uri[b.n] = '\0';
}

static void
take_way(const struct rf_conf *c, struct rf_connection *k, const char *direction, const struct rf_srtp_policy *common,
         struct rf_connection_way *way)
{
    char setting[64];
    const char *text;
    struct rf_span unknown;

    snprintf(setting, sizeof setting, "%s.srtp", direction);
    snprintf(way->srtp_setting, sizeof way->srtp_setting, "sip-connection.%s.%s", k->name, setting);
    way->srtp = *common;
    text = rf_conf_block_text(c, k->block, setting);
    way->srtp.mode = strcmp(text, "required") == 0 ? RF_SRTP_REQUIRED
                     : strcmp(text, "optional") == 0 ? RF_SRTP_OPTIONAL : RF_SRTP_OFF;
    if (rf_srtp_suites_parse(rf_span_str(rf_conf_block_text(c, k->block, "crypto-suites")), way->srtp.suite,
                             &way->srtp.suite_count, &unknown) != RF_OK)
        way->srtp.suite_count = 0; /* its words were checked; with none nothing is offered and nothing accepted */
    way->srtp.answer_savp = strcmp(rf_conf_block_text(c, k->block, "answer-profile"), "savp") == 0;
    way->srtp.offerer_order = strcmp(rf_conf_block_text(c, k->block, "suite-order"), "offerer") == 0;
    way->srtp.allow_null_auth = rf_conf_block_is_on(c, k->block, "allow-null-auth");
    way->srtp.allow_unencrypted = rf_conf_block_is_on(c, k->block, "allow-unencrypted-srtp");
    snprintf(setting, sizeof setting, "%s.sip-transport-protocol", direction);
    text = rf_conf_block_text(c, k->block, setting);
    way->has_transport = strcmp(text, "auto") != 0;
    way->transport = strcmp(text, "TLS") == 0 ? RF_TLS : strcmp(text, "TCP") == 0 ? RF_TCP : RF_UDP;
}

static void
take_networks(const struct rf_conf *c, struct rf_connection *k)
{
    struct rf_span left = rf_span_str(rf_conf_block_text(c, k->block, "allow")), word;

    while (k->network_count < RF_CONF_ALLOW_MAX && rf_conf_next_word(&left, &word)) {
        struct rf_connection_network *n = &k->network[k->network_count];

        if (rf_network_parse(word, &n->addr, &n->bits) == RF_OK)
            k->network_count++;
    }
}

static void
take_password(const struct rf_conf *c, struct rf_connection *k)
{
    struct rf_secret password = { 0 };

    if (k->type != RF_CONNECTION_CREDENTIAL || k->is_customer ||
        rf_conf_block_secret(c, k->block, "password", &password) != RF_OK)
        return;
    rf_digest_verifier_make(&k->verifier, rf_span_str(k->username), rf_span_str(rf_conf_text(c, "domain")),
                            rf_span(password.octet, password.n));
    rf_secret_fini(&password);
    k->can_sign_in = true;
}

static uint32_t
number(const struct rf_conf *c, const struct rf_connection *k, const char *setting)
{
    return (uint32_t)rf_conf_block_number(c, k->block, setting);
}

static void
take(const struct rf_conf *c, const struct rf_srtp_policy *common, struct rf_connection *k)
{
    const char *type = rf_conf_block_text(c, k->block, "type");

    k->name = rf_conf_block_label(k->block);
    k->type = strcmp(type, "ip") == 0 ? RF_CONNECTION_IP
              : strcmp(type, "fqdn") == 0 ? RF_CONNECTION_FQDN : RF_CONNECTION_CREDENTIAL;
    k->registers = rf_conf_block_is_on(c, k->block, "register");
    k->is_customer = k->registers || strcmp(rf_conf_block_text(c, k->block, "side"), "customer") == 0;
    take_way(c, k, k->is_customer ? "outbound" : "inbound", common, &k->out);
    take_way(c, k, k->is_customer ? "inbound" : "outbound", common, &k->in);
    take_uri(c, k);
    if (k->type == RF_CONNECTION_FQDN && k->host[0] != '\0')
        k->proof = rf_flow_proof(rf_span_str(k->name), rf_span_str(k->host));
    take_networks(c, k);
    k->requires_tls = rf_conf_block_is_on(c, k->block, "require-tls");
    k->trusts_identity = rf_conf_block_is_on(c, k->block, "trust-identity");
    k->is_bypass = strcmp(rf_conf_block_text(c, k->block, "media-handling-mode"), "bypass") == 0;
    k->username = rf_conf_block_text(c, k->block, "username");
    take_password(c, k);
    k->codecs = rf_conf_block_text(c, k->block, "codecs");
    k->caller_id = rf_conf_block_text(c, k->block, "caller-id");
    k->caller_name = rf_conf_block_text(c, k->block, "caller-name");
    k->takes_messages = rf_conf_block_is_on(c, k->block, "messages");
    k->sets_mailboxes = rf_conf_block_is_on(c, k->block, "may-set-mailboxes");
    k->tells_diversion = strcmp(rf_conf_block_text(c, k->block, "forwarded-by"), "diversion") == 0;
    k->tells_history = strcmp(rf_conf_block_text(c, k->block, "forwarded-by"), "history-info") == 0;
    k->country = rf_conf_block_text(c, k->block, "country-code");
    k->format = rf_number_format_of(rf_conf_block_text(c, k->block, "number-format"));
    k->calls_max = number(c, k, "calls-max");
    k->calls_per_s = number(c, k, "calls-per-second");
    k->register_expires_s = number(c, k, "register-expires");
    k->check_s = number(c, k, "oos-check");
    k->force_s = number(c, k, "oos-force");
}

/* --- the table ----------------------------------------------------------------------------------------- */

enum rf_err
rf_connections_new(struct rf_connections **out, const struct rf_conf *conf, const struct rf_srtp_policy *common)
{
    struct rf_connections *t = calloc(1, sizeof *t);
    enum rf_err err = t != NULL ? rf_hash_init(&t->name, &rf_rand_system) : RF_ERR_NOMEM;
    size_t n = 0;

    if (!err)
        err = rf_hash_init(&t->username, &rf_rand_system);
    while (rf_conf_block_at(conf, "sip-connection", n) != NULL)
        n++;
    if (!err && n > RF_CONF_CONNECTIONS_MAX)
        err = RF_ERR_RANGE;
    if (!err && (t->list = calloc(n + 1, sizeof(struct entry *))) == NULL)
        err = RF_ERR_NOMEM;
    for (size_t i = 0; !err && i < n; i++) {
        struct entry *e = calloc(1, sizeof *e);

        if (e == NULL) {
            err = RF_ERR_NOMEM;
            break;
        }
        t->list[t->count++] = e;
        e->connection.block = rf_conf_block_at(conf, "sip-connection", i);
        e->connection.index = i;
        take(conf, common, &e->connection);
        rf_hash_insert(&t->name, &e->by_name, rf_hash_of(&t->name, rf_span_str(e->connection.name)));
        if (e->connection.type == RF_CONNECTION_CREDENTIAL && !e->connection.is_customer)
            rf_hash_insert(&t->username, &e->by_username,
                           rf_hash_of(&t->username, rf_span_str(e->connection.username)));
    }
    if (err) {
        rf_connections_free(t);
        return err;
    }
    *out = t;
    return RF_OK;
}

void
rf_connections_free(struct rf_connections *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; t->list != NULL && i < t->count; i++) {
        rf_wipe(t->list[i], sizeof *t->list[i]);
        free(t->list[i]);
    }
    free(t->list);
    rf_hash_fini(&t->name);
    rf_hash_fini(&t->username);
    free(t);
}

size_t
rf_connections_count(const struct rf_connections *t)
{
    return t->count;
}

const struct rf_connection *
rf_connection_at(const struct rf_connections *t, size_t i)
{
    return i < t->count ? &t->list[i]->connection : NULL;
}

static bool
has_name(const struct rf_hash_node *node, const void *key)
{
    return rf_span_is(*(const struct rf_span *)key, rf_container(node, const struct entry, by_name)->connection.name);
}

static bool
has_username(const struct rf_hash_node *node, const void *key)
{
    return rf_span_is(*(const struct rf_span *)key,
                      rf_container(node, const struct entry, by_username)->connection.username);
}

const struct rf_connection *
rf_connection_named(const struct rf_connections *t, struct rf_span name)
{
    struct rf_hash_node *node = rf_hash_find(&t->name, rf_hash_of(&t->name, name), has_name, &name);

    return node != NULL ? &rf_container(node, struct entry, by_name)->connection : NULL;
}

const struct rf_connection *
rf_connection_of_username(const struct rf_connections *t, struct rf_span username)
{
    struct rf_hash_node *node = rf_hash_find(&t->username, rf_hash_of(&t->username, username), has_username, &username);

    return node != NULL ? &rf_container(node, struct entry, by_username)->connection : NULL;
}

/* --- whose is it? -------------------------------------------------------------------------------------- */

bool
rf_number_belongs(const struct rf_conf *conf, struct rf_span number, const struct rf_connection *c)
{
    const struct rf_conf_block *b = rf_conf_block(conf, "number", number);
    struct rf_span left, word;

    if (b == NULL)
        return false;
    left = rf_span_str(rf_conf_block_text(conf, b, "connection"));
    while (rf_conf_next_word(&left, &word))
        if (rf_span_is(word, c->name))
            return true;
    return false;
}

static_assert(RF_FLOW_PROVEN_MAX >= RF_CONF_FQDN_OF_A_HOST_MAX, "a flow has room for all that one certificate proves");

/* Several have the same proof: the number that was dialled says which. */
struct choice {
    const struct rf_connection_evidence *e;
    const struct rf_connection *owner, *last;
    size_t owners, candidates;
};

static void
choice_add(struct choice *x, const struct rf_connection *c)
{
    char dialled[RF_NUMBER_MAX], whole[RF_NUMBER_MAX];

    x->candidates++;
    x->last = c;
    if (rf_number_clean(x->e->number, dialled) != RF_OK ||
        rf_number_read(rf_span_str(dialled), c->country, whole) != RF_OK ||
        !rf_number_belongs(x->e->conf, rf_span_str(whole), c))
        return;
    x->owners++;
    x->owner = c;
}

static void
choice_made(const struct choice *x, const char *by, struct rf_connection_finding *out)
{
    out->connection = x->candidates == 1 ? x->last : x->owners == 1 ? x->owner : NULL;
    out->candidates = x->candidates;
    if (x->candidates > 0)
        out->by = by;
}

static bool
is_among(const uint64_t proven[static RF_FLOW_PROVEN_MAX], uint64_t proof)
{
    for (size_t n = 0; n < RF_FLOW_PROVEN_MAX && proven[n] != 0; n++)
        if (proven[n] == proof)
            return true;
    return false;
}

/* (C3): type ip stays with its addresses, whatever a certificate says. */
static void
by_certificate(const struct rf_connections *t, const struct rf_connection_evidence *e,
               struct rf_connection_finding *out)
{
    struct choice x = { .e = e };

    for (size_t i = 0; e->proven != NULL && i < t->count; i++) {
        const struct rf_connection *c = &t->list[i]->connection;

        if (c->proof != 0 && is_among(e->proven, c->proof))
            choice_add(&x, c);
    }
    choice_made(&x, "certificate", out);
}

/* (C4) */
static const struct rf_connection *
by_address(const struct rf_connections *t, const struct rf_addr *source)
{
    const struct rf_connection *best = NULL;
    unsigned bits = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct rf_connection *c = &t->list[i]->connection;

        for (size_t k = 0; c->type == RF_CONNECTION_IP && k < c->network_count; k++)
            if (rf_addr_is_within(source, &c->network[k].addr, c->network[k].bits) &&
                (best == NULL || c->network[k].bits > bits)) {
                best = c;
                bits = c->network[k].bits;
            }
    }
    return best;
}

/* (C5) */
static void
by_name(const struct rf_connections *t, const struct rf_connection_evidence *e, struct rf_connection_finding *out)
{
    struct choice x = { .e = e };

    for (size_t i = 0; e->leads_to != NULL && i < t->count; i++) {
        const struct rf_connection *c = &t->list[i]->connection;

        if ((c->type == RF_CONNECTION_FQDN || (c->type == RF_CONNECTION_CREDENTIAL && c->is_customer)) &&
            e->leads_to(e->ctx, c, e->source))
            choice_add(&x, c);
    }
    choice_made(&x, "name", out);
}

void
rf_connection_find(const struct rf_connections *t, const struct rf_connection_evidence *e,
                   struct rf_connection_finding *out)
{
    *out = (struct rf_connection_finding){ .by = "" };
    if (e->registered != NULL && (out->connection = rf_connection_named(t, rf_span_str(e->registered))) != NULL) {
        out->by = "registration";
        return;
    }
    by_certificate(t, e, out);
    if (out->candidates > 0) /* weaker evidence must not decide what this one leaves open */
        return;
    if ((out->connection = by_address(t, e->source)) != NULL) {
        out->by = "address";
        return;
    }
    by_name(t, e, out);
}
