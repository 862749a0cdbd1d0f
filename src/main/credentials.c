#include "main/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "cert/ca.h"
#include "conf/iface.h"

#define PATH_MAX_OCTETS 1200

/* What is wrong with our own authority. Nothing that is served may need it: signal decides (main/ifaces.c). */
struct fault {
    enum rf_refusal code; /* RF_REFUSE_NONE: nothing */
    char sentence[sizeof ((struct rf_conf_problem *)0)->sentence];
};

struct gather {
    struct rf_bundle *to;
    struct rf_key_files *files;
    const char *state_dir;
    const struct rf_conf *conf;
    struct rf_credentials_sources *from;
    char local_chain[PATH_MAX_OCTETS], local_key[PATH_MAX_OCTETS], local_root[PATH_MAX_OCTETS],
        local_crl[PATH_MAX_OCTETS];
    struct fault fault;
    bool has_local_leaf, has_local_root; /* what of our own authority can be used */
    struct rf_conf_problem *problem;
};

/* --- problems ------------------------------------------------------------------------------------------ */

static enum rf_err
fail(struct gather *g, enum rf_err err, struct rf_conf_origin at, const struct rf_cert_problem *why,
     const char *key_path)
{
    struct rf_conf_problem *p = g->problem;

    *p = (struct rf_conf_problem){ .at = at };
    if (why->key_file_is_open) {
        char mode[8];
        struct rf_buf out = rf_buf(p->sentence, sizeof p->sentence - 1);

        snprintf(mode, sizeof mode, "%04o", why->mode);
        rf_refusal_sentence(&out, rf_refusal_row(RF_REFUSE_KEY_FILE_MODE)->sentence,
                            (const struct rf_log_field[]){ RF_F_STR("file", key_path), RF_F_STR("mode", mode), { 0 } });
        p->sentence[out.n] = '\0';
        p->code = RF_REFUSE_KEY_FILE_MODE;
    } else {
        p->code = why->is_mismatch ? RF_REFUSE_KEY_MISMATCH : RF_REFUSE_NONE;
        snprintf(p->sentence, sizeof p->sentence, "%s", why->text[0] != '\0' ? why->text : rf_err_text(err));
    }
    return err;
}

/* --- our own authority --------------------------------------------------------------------------------- */

/* The first one counts: what follows is its consequence more often than not. */
static void
note_fault(struct gather *g, enum rf_err err, const struct rf_cert_problem *why)
{
    struct fault *f = &g->fault;
    struct rf_buf out = rf_buf(f->sentence, sizeof f->sentence - 1);
    const char *reason = why->text[0] != '\0' ? why->text : rf_err_text(err);

    if (f->code != RF_REFUSE_NONE)
        return;
    f->code = why->key_file_is_open ? RF_REFUSE_KEY_FILE_MODE : RF_REFUSE_LOCAL_CA;
    if (why->key_file_is_open) /* its text names the file; which one of the two keys is not known here */
        rf_put_str(&out, why->text);
    else
        rf_refusal_sentence(&out, rf_refusal_row(f->code)->sentence,
                            (const struct rf_log_field[]){ RF_F_STR("reason", reason), { 0 } });
    f->sentence[out.n] = '\0';
}

/* Names that the local certificate speaks for: the domain, and every address that others may be pointed at. */
static size_t
local_names(const struct rf_conf *c, char mem[][RF_ADDR_TEXT_MAX], const char **name, size_t max)
{
    const char *domain = rf_conf_text(c, "domain");
    struct rf_iface_listen listen[RF_LISTENERS_MAX];
    struct rf_conf_problem ignored = { 0 };
    size_t n = 0, m = 0, listens = 0;
    char host[64] = "";

    name[n++] = domain;
    if (strcmp(domain, "localhost") != 0)
        name[n++] = "localhost";
    if (gethostname(host, sizeof host) == 0 && host[0] != '\0' && strcmp(host, domain) != 0 &&
        strcmp(host, "localhost") != 0 && m < max) {
        snprintf(mem[m], RF_ADDR_TEXT_MAX, "%s", host);
        name[n++] = mem[m++];
    }
    name[n++] = "127.0.0.1";
    name[n++] = "::1";
    if (rf_iface_listens(c, listen, RF_LISTENERS_MAX, &listens, &ignored) != RF_OK)
        listens = 0;
    for (size_t i = 0; i < listens && m < max; i++) {
        struct rf_buf b = rf_buf(mem[m], RF_ADDR_TEXT_MAX - 1);
        bool seen = rf_addr_is_any(&listen[i].at.addr);

        rf_put_host(&b, &listen[i].at.addr, false);
        mem[m][b.n] = '\0';
        for (size_t k = 0; k < n; k++)
            seen = seen || strcmp(name[k], mem[m]) == 0;
        if (!seen)
            name[n++] = mem[m++];
    }
    return n;
}

/* Tried again later, and when somebody mends one of its files. */
#define MEND_LOOK_S 3600

static void
watch_authority(struct gather *g, const char *dir)
{
    static const char *const names[] = { "", "/ca.key", "/issued", "/urls" };
    char path[PATH_MAX_OCTETS];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s%s", dir, names[i]);
        (void)!rf_bundle_watch(g->to, path);
    }
    g->from->renew_at_s = g->from->wall_s + MEND_LOOK_S;
}

/* The CA's folder stays root's: signal is given the listeners' key, never the CA's. */
static enum rf_err
make_local(struct gather *g)
{
    char mem[RF_LISTENERS_MAX + 1][RF_ADDR_TEXT_MAX], ca_name[300], dir[1000];
    const char *name[RF_LISTENERS_MAX + 8];
    struct rf_ca_conf conf = { .dir = dir, .ca_name = ca_name, .name = name,
                               .must_renew = g->from->must_renew };
    struct rf_cert_problem problem = { 0 };
    struct rf_ca_result result = { 0 };
    enum rf_err err = RF_OK;

    snprintf(dir, sizeof dir, "%s/ca", g->state_dir);
    snprintf(ca_name, sizeof ca_name, "ringfence local CA (%.200s)", rf_conf_text(g->conf, "domain"));
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        snprintf(problem.text, sizeof problem.text, "%.150s: %s", dir, strerror(errno));
        err = RF_ERR_IO;
    } else if (geteuid() == 0) {
        (void)!lchown(dir, 0, 0);
    }
    snprintf(g->local_chain, sizeof g->local_chain, "%s/server.pem", dir);
    snprintf(g->local_key, sizeof g->local_key, "%s/server.key", dir);
    snprintf(g->local_root, sizeof g->local_root, "%s/ca.pem", dir);
    snprintf(g->local_crl, sizeof g->local_crl, "%s/ca.crl", dir);
    conf.name_count = local_names(g->conf, mem, name, RF_LISTENERS_MAX + 1);
    if (!err)
        err = rf_ca_ensure(&conf, g->from->wall_s, &result, &problem);
    if (result.made_ca || result.made_leaf)
        RF_LOGF(RF_LOG_INFO, "cert.made", result.made_ca ? "a local certificate authority and a certificate were made"
                                                         : "a new certificate was made by the local authority",
                RF_F_STR("folder", dir), RF_F_STR("reason", result.why != NULL ? result.why : ""));
    g->from->renew_at_s = result.due_s;
    if (!err)
        return RF_OK;
    note_fault(g, err, &problem);
    watch_authority(g, dir);
    if (!g->from->must_renew)
        return RF_OK;
    *g->problem = (struct rf_conf_problem){ .code = g->fault.code }; /* whoever asked for a new one is told */
    memcpy(g->problem->sentence, g->fault.sentence, sizeof g->problem->sentence);
    return err;
}

/* --- certificate blocks -------------------------------------------------------------------------------- */

static enum rf_err
add_pair(struct gather *g, const char *name, const char *chain_path, struct rf_span chain, struct rf_span key,
         struct rf_conf_origin at)
{
    struct rf_cert_problem problem = { 0 };
    enum rf_err err = rf_bundle_add_own(g->to, name, chain, key, &problem);
    char why[sizeof problem.text];

    if (!err)
        return RF_OK;
    memcpy(why, problem.text, sizeof why);
    snprintf(problem.text, sizeof problem.text, "%.100s: %.90s", chain_path, why[0] != '\0' ? why : rf_err_text(err));
    return fail(g, err, at, &problem, "");
}

/* Files of our own: those of our authority, and what was put below the state directory. */
static enum rf_err
add_own(struct gather *g, const char *name, const char *chain_path, const char *key_path, struct rf_conf_origin at)
{
    struct rf_cert_problem problem = { 0 };
    char *chain = NULL, *key = NULL;
    size_t chain_n = 0, key_n = 0;
    enum rf_err err = rf_bundle_watch(g->to, chain_path);

    if (!err)
        err = rf_bundle_watch(g->to, key_path);
    if (!err)
        err = rf_cert_file_read(chain_path, false, &chain, &chain_n, &problem);
    if (!err)
        err = rf_cert_file_read(key_path, true, &key, &key_n, &problem);
    if (err)
        err = fail(g, err, at, &problem, key_path);
    else
        err = add_pair(g, name, chain_path, rf_span(chain, chain_n), rf_span(key, key_n), at);
    if (key != NULL)
        rf_wipe(key, key_n);
    free(key);
    free(chain);
    return err;
}

/* Files of the operator, as rf_key_files_collect read them. */
static enum rf_err
add_files(struct gather *g, const char *name, const char *chain_path, const char *key_path, struct rf_conf_origin at)
{
    struct rf_span chain, key;

    if (!rf_key_files_find(g->files, rf_span_str(chain_path), &chain) ||
        !rf_key_files_find(g->files, rf_span_str(key_path), &key))
        return RF_ERR_STATE;
    return add_pair(g, name, chain_path, chain, key, at);
}

/* The files that its lines name, in pairs. */
static enum rf_err
add_named(struct gather *g, const char *name, const char *chains, const char *keys, struct rf_conf_origin at)
{
    struct rf_span chain_left = rf_span_str(chains), key_left = rf_span_str(keys), chain, key;
    char chain_path[RF_PATH_MAX], key_path[RF_PATH_MAX];
    enum rf_err err = RF_OK;

    while (!err && rf_conf_next_word(&chain_left, &chain) && rf_conf_next_word(&key_left, &key)) {
        err = rf_span_copy(rf_option_path(chain), chain_path, sizeof chain_path);
        if (!err)
            err = rf_span_copy(rf_option_path(key), key_path, sizeof key_path);
        if (!err)
            err = add_files(g, name, chain_path, key_path, at);
    }
    return err;
}

/* What our own authority issued for us; nothing, and a fault, when that cannot be read. */
static enum rf_err
add_local(struct gather *g, const char *name)
{
    struct rf_cert_problem why = { 0 };
    struct rf_cert *c = NULL;
    enum rf_err err;

    if (g->has_local_leaf)
        return add_own(g, name, g->local_chain, g->local_key, (struct rf_conf_origin){ 0 });
    err = rf_cert_load(&c, g->local_chain, g->local_key, &why);
    rf_cert_unref(c);
    if (!err) {
        g->has_local_leaf = true;
        return add_own(g, name, g->local_chain, g->local_key, (struct rf_conf_origin){ 0 });
    }
    note_fault(g, err, &why);
    err = rf_bundle_watch(g->to, g->local_chain);
    return err ? err : rf_bundle_watch(g->to, g->local_key);
}

/* What was put below the state directory under its name; our own authority's while there is none. */
static enum rf_err
add_kept(struct gather *g, const char *name, struct rf_conf_origin at)
{
    static const char *const which[] = { "", "-2" };
    char chain[PATH_MAX_OCTETS], key[PATH_MAX_OCTETS];
    enum rf_err err = RF_OK;
    bool found = false;

    for (int i = 0; !err && i < 2; i++) {
        snprintf(chain, sizeof chain, "%s/" RF_CREDENTIALS_FOLDER "/%s%s.pem", g->state_dir, name, which[i]);
        snprintf(key, sizeof key, "%s/" RF_CREDENTIALS_FOLDER "/%s%s.key", g->state_dir, name, which[i]);
        if (access(chain, F_OK) != 0)
            continue;
        found = true;
        err = add_own(g, name, chain, key, at);
    }
    return err || found ? err : add_local(g, name);
}

/* Whom the connection to an ACME authority trusts (main/automatic.c). */
static enum rf_err
add_authority_file(struct gather *g, const struct rf_conf_block *b, const char *name)
{
    struct rf_cert_problem problem = { 0 };
    char path[RF_PATH_MAX], setting[128];
    struct rf_span file = rf_option_path(rf_span_str(rf_conf_block_text(g->conf, b, "ca-file")));
    enum rf_err err;

    if (file.n == 0)
        return RF_OK;
    err = rf_span_copy(file, path, sizeof path);
    if (!err)
        err = rf_bundle_add_trusted(g->to, path, path, &problem);
    snprintf(setting, sizeof setting, "certificate.%s.ca-file", name);
    return err ? fail(g, err, rf_conf_origin(g->conf, setting), &problem, "") : RF_OK;
}

static enum rf_err
add_blocks(struct gather *g)
{
    const struct rf_conf_block *b;
    enum rf_err err = add_local(g, RF_CREDENTIALS_LOCAL);

    for (size_t i = 0; !err && (b = rf_conf_block_at(g->conf, "certificate", i)) != NULL; i++) {
        const char *name = rf_conf_block_label(b), *chains = rf_conf_block_text(g->conf, b, "chain");
        char setting[128];
        struct rf_conf_origin at;

        snprintf(setting, sizeof setting, "certificate.%s.chain", name);
        at = rf_conf_origin(g->conf, setting);
        if (chains[0] != '\0')
            err = add_named(g, name, chains, rf_conf_block_text(g->conf, b, "key"), at);
        else
            err = add_kept(g, name, at);
        if (!err)
            err = add_authority_file(g, b, name);
    }
    return err;
}

/* --- trusted certificates ------------------------------------------------------------------------------ */

static enum rf_err
add_trusted(struct gather *g, const char *paths, struct rf_conf_origin at)
{
    struct rf_span left = rf_span_str(paths), word;
    struct rf_cert_problem problem = { 0 };
    char path[RF_PATH_MAX];
    enum rf_err err = RF_OK;

    while (!err && rf_conf_next_word(&left, &word)) {
        err = rf_span_copy(rf_option_path(word), path, sizeof path);
        if (!err)
            err = rf_bundle_add_trusted(g->to, path, path, &problem);
    }
    return err ? fail(g, err, at, &problem, "") : RF_OK;
}

static enum rf_err
add_local_root(struct gather *g)
{
    struct rf_cert_problem why = { 0 };
    enum rf_err err = rf_bundle_add_authority(g->to, RF_CREDENTIALS_LOCAL, g->local_root, g->local_crl, &why);

    g->has_local_root = err == RF_OK;
    if (err)
        note_fault(g, err, &why);
    return err == RF_ERR_NOMEM ? err : RF_OK;
}

static enum rf_err
add_fault(struct gather *g)
{
    static const char *const effect[2][2] = {
        { "listeners cannot show its certificate; peers with its certificates are not trusted",
          "listeners cannot show its certificate; it issues and revokes nothing" },
        { "its certificate is shown until it ends; peers with its certificates are not trusted",
          "its certificate is shown until it ends; it issues and revokes nothing" },
    };

    if (g->fault.code == RF_REFUSE_NONE)
        return RF_OK;
    return rf_bundle_add_fault(g->to, rf_refusal_row(g->fault.code)->code, g->fault.sentence,
                               effect[g->has_local_leaf][g->has_local_root]);
}

/* A connection that is made by command has no line that the reader knows. */
static void
name_setting(struct gather *g, const char *setting)
{
    char said[sizeof g->problem->sentence];

    memcpy(said, g->problem->sentence, sizeof said);
    snprintf(g->problem->sentence, sizeof g->problem->sentence, "%s: %s", setting, said);
}

static enum rf_err
add_stores(struct gather *g)
{
    enum rf_err err = add_local_root(g);

    for (int i = 0; !err && i < RF_IFACE_COUNT; i++) {
        struct rf_iface_settings s;

        if (i == RF_IFACE_SIP_SHARED)
            continue;
        rf_iface_settings(g->conf, (enum rf_iface)i, &s);
        err = add_trusted(g, s.trusted, rf_iface_origin(g->conf, (enum rf_iface)i, "trusted-certificate-store"));
        if (!err && i == 0)
            err = add_trusted(g, s.revocation_lists, rf_conf_origin(g->conf, "security.revocation-lists"));
    }
    for (size_t i = 0; !err && rf_conf_block_at(g->conf, "sip-connection", i) != NULL; i++) {
        const struct rf_conf_block *b = rf_conf_block_at(g->conf, "sip-connection", i);
        char setting[128];

        snprintf(setting, sizeof setting, "sip-connection.%s.trusted-certificate-store", rf_conf_block_label(b));
        err = add_trusted(g, rf_conf_block_text(g->conf, b, "trusted-certificate-store"),
                          rf_conf_origin(g->conf, setting));
        if (err)
            name_setting(g, setting);
    }
    /* Always there: for servers to which we connect, and to see whether what we show is publicly trusted. */
    return err ? err : rf_bundle_add_system(g->to);
}

/* Of all that the configuration names, before any of it is read. */
static void
watch_value(void *ctx, const char *name, const char *value, struct rf_conf_origin at)
{
    struct gather *g = ctx;
    struct rf_span label, left = rf_span_str(value), word;
    const struct rf_option *o = rf_option_resolve(rf_span_str(name), &label);
    char path[RF_PATH_MAX];

    if (o == NULL || (o->type != RF_OPT_FILE && o->type != RF_OPT_KEY_FILE))
        return;
    while (rf_conf_next_word(&left, &word))
        if (rf_span_copy(rf_option_path(word), path, sizeof path) == RF_OK)
            (void)!rf_bundle_watch(g->to, path);
}

enum rf_err
rf_credentials_gather(struct rf_bundle *out, struct rf_key_files *files, struct rf_credentials_sources *from,
                      struct rf_conf_problem *problem)
{
    struct gather g = { .to = out, .files = files, .state_dir = from->state_dir, .conf = from->conf, .from = from,
                        .problem = problem };
    enum rf_err err;

    rf_conf_visit(from->conf, watch_value, &g);
    err = rf_key_files_collect(files, from->conf, from->uid, problem);
    if (!err)
        err = make_local(&g);
    if (!err)
        err = add_blocks(&g);
    if (!err)
        err = add_stores(&g);
    if (!err)
        err = add_fault(&g);
    if (!err)
        err = rf_key_files_put(files, RF_SPAN_LIT(RF_KEY_FILES_CERTS), rf_bundle_block(out));
    if (err && problem->sentence[0] == '\0')
        snprintf(problem->sentence, sizeof problem->sentence, "the certificates cannot be read: %s", rf_err_text(err));
    return err;
}
