/*
 * main/parentchange.c - the configuration changes while it runs, as the parent sees it
 *
 * The parent reads what the next configuration names, binds what it listens on, and offers both to signal. Signal judges
 * the whole and says whether it took it; until then, and when it did not, everything here stays as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/refusal.h"
#include "base/secret.h"
#include "loop/loop.h"
#include "main/credentials.h"
#include "main/parent.h"
#include "main/peek.h"

#define LAYER_MAX (RF_STORE_LAYER_MAX + 1)

/* Both layers as they are now, or with `layer` in the place of the store's. */
enum rf_err
rf_parent_read_conf(struct parent *p, const char *layer, struct rf_conf **out, struct rf_conf_problem *problem)
{
    char *text = NULL, why[256] = "";
    enum rf_err err = RF_OK;

    if (layer == NULL)
        err = rf_peek_settings(rf_state_dir_path(p->dir), p->drops_user, p->uid, p->gid, &text, why, sizeof why);
    p->store_failed = err != RF_OK;
    if (err) {
        *problem = (struct rf_conf_problem){ 0 };
        if (err == RF_ERR_NOT_FOUND || err == RF_ERR_REFUSED) /* the key of the store's secrets */
            problem->code = err == RF_ERR_NOT_FOUND ? RF_REFUSE_SECRET_KEY : RF_REFUSE_KEY_FILE_MODE;
        if (problem->code != RF_REFUSE_NONE)
            snprintf(problem->sentence, sizeof problem->sentence, "%s", why);
        else
            snprintf(problem->sentence, sizeof problem->sentence, "%.200s: %s", why, rf_err_text(err));
        return err;
    }
    err = rf_conf_load(out, rf_span_str(layer != NULL ? layer : text), p->config, problem);
    if (text != NULL)
        rf_wipe(text, strlen(text));
    free(text);
    return err;
}

/* Certificates and keys go to signal by a sealed file, never by a path. -1: see *problem. */
int
rf_parent_certificates(struct parent *p, const struct rf_conf *c, struct rf_conf_problem *problem)
{
    struct rf_credentials_sources from = { .state_dir = rf_state_dir_path(p->dir), .conf = c, .uid = p->uid,
                                           .wall_s = rf_wall_s(), .must_renew = p->must_renew,
                                           .renew_at_s = p->renew_at_s };
    struct rf_key_files *files = NULL;
    struct rf_bundle *bundle = NULL;
    enum rf_err err = rf_bundle_new(&bundle);
    int fd = -1;

    if (!err)
        err = rf_key_files_new(&files);
    if (!err)
        err = rf_credentials_gather(bundle, files, &from, problem);
    p->renew_at_s = from.renew_at_s;
    p->must_renew = false;
    if (!err) {
        fd = rf_key_files_seal(files);
        if (fd < 0)
            snprintf(problem->sentence, sizeof problem->sentence, "%s", strerror(errno));
    }
    rf_key_files_free(files);
    if (bundle != NULL) {
        rf_bundle_drop(bundle);
        rf_bundle_free(p->files);
        p->files = bundle;
        p->files_changed = false;
    }
    return fd;
}

/* Media binds to the addresses of the families that we listen on; 0.0.0.0 and :: when they differ. */
void
rf_media_addresses(const struct rf_run_settings *s, struct rf_addr out[2])
{
    static const char *const any[2] = { "0.0.0.0", "::" };

    for (size_t i = 0; i < s->listen_count; i++) {
        const struct rf_addr *a = &s->listen[i].at.addr;
        int f = a->sa.sa_family == AF_INET6;

        if (!rf_iface_row(s->listen[i].iface)->is_sip)
            continue; /* no calls come by it */
        if (!rf_addr_is_set(&out[f]))
            out[f] = *a;
        else if (!rf_addr_same_host(&out[f], a))
            (void)!rf_addr_parse(rf_span_str(any[f]), 0, &out[f]);
        rf_addr_set_port(&out[f], 0);
    }
}

/* A signal process that follows a dead one gets what is on disk now; what worked before when that is broken. */
enum rf_err
rf_parent_read_certificates_again(struct rf_child *c, void *ctx)
{
    struct parent *p = ctx;
    struct rf_conf_problem problem = { 0 };
    struct rf_conf *conf = NULL;
    int fd = -1;

    if (p->was_ready && rf_parent_read_conf(p, NULL, &conf, &problem) == RF_OK)
        fd = rf_parent_certificates(p, conf, &problem);
    if (fd >= 0) {
        (void)dup3(fd, p->certs_fd, O_CLOEXEC);
        close(fd);
        rf_conf_unref(p->conf);
        p->conf = rf_conf_ref(conf);
    }
    rf_conf_unref(conf);
    return RF_OK;
}

/* Nobody waits for it any more. */
void
rf_parent_forget_reload(struct parent *p)
{
    if (p->again.layer_fd >= 0)
        close(p->again.layer_fd);
    p->again.layer_fd = -1;
    p->again.is_set = false;
}

/*
 * Media ports are bound to an address each family has when the first listener of it comes. One that is bound stays:
 * its sockets are in use, so a listener that needs another is reached, and its calls have no media until a restart.
 */
static void
change_media_addresses(struct parent *p)
{
    struct rf_addr want[2];

    memset(want, 0, sizeof want);
    rf_media_addresses(&p->settings, want);
    for (int f = 0; f < 2; f++) {
        struct rf_addr *now = &p->media_address[f];

        if (!rf_addr_is_set(&want[f]))
            continue;
        if (!rf_addr_is_set(now)) {
            *now = want[f];
            rf_port_keeper_set_address(p->ports, now);
        } else if (!rf_addr_is_any(now) && !rf_addr_same_host(now, &want[f])) {
            char value[RF_ADDR_TEXT_MAX + 40];
            struct rf_buf b = rf_buf(value, sizeof value - 1);

            rf_put_str(&b, "media at another address than ");
            rf_put_host(&b, now, false);
            value[b.n] = '\0';
            rf_refuse(RF_REFUSE_NEEDS_RESTART,
                      (struct rf_log_field[]){ RF_F_STR("setting", "sip.listen"), RF_F_STR("value", value), { 0 } });
        }
    }
}

/* More calls than there are slots for: those beyond wait for a start, although the setting is in force at once. */
static void
look_at_slots(const struct parent *p)
{
    char value[24];

    if (rf_media_slots(&p->settings, p->next.calls_max) <= p->slots_per_thread)
        return;
    snprintf(value, sizeof value, "%u", (unsigned)p->next.calls_max);
    rf_refuse(RF_REFUSE_NEEDS_RESTART,
              (struct rf_log_field[]){ RF_F_STR("setting", "calls-max"), RF_F_STR("value", value), { 0 } });
}

/* Signal has answered: the listeners are the next ones from now on, or stay as they are. */
void
rf_parent_reloaded(struct parent *p, bool is_applied)
{
    if (p->listeners.next == NULL)
        return;
    if (is_applied) {
        rf_listeners_commit(&p->listeners);
        memcpy(p->settings.listen, p->next.listen, sizeof p->settings.listen);
        p->settings.listen_count = p->next.listen_count;
        memcpy(p->settings.domain, p->next.domain, sizeof p->settings.domain);
        change_media_addresses(p);
        look_at_slots(p);
        (void)dup3(p->next_certs_fd, p->certs_fd, O_CLOEXEC);
        rf_conf_unref(p->conf);
        p->conf = rf_conf_ref(p->next_conf);
        rf_parent_fill_signal_launch(p, p->child[1].launch);
    } else {
        rf_listeners_abandon(&p->listeners);
    }
    close(p->next_certs_fd);
    p->next_certs_fd = -1;
    rf_conf_unref(p->next_conf);
    p->next_conf = NULL;
    if (p->again.is_set) {
        uint32_t number = p->again.number;
        int layer_fd = p->again.layer_fd;

        p->again.is_set = false;
        p->again.layer_fd = -1;
        rf_parent_reload(p, number, layer_fd);
        if (layer_fd >= 0)
            close(layer_fd);
    }
}

/* Certificates and listeners as the configuration names them now. -1: the message says what is wrong with them. */
static int
prepare_change(struct parent *p, const struct rf_conf *conf, struct rf_channel_msg *m)
{
    struct rf_conf_problem wrong = { 0 };
    struct rf_bind_problem problem;
    struct rf_addr failed = { 0 };
    char address[RF_ADDR_TEXT_MAX];
    int fd = rf_parent_certificates(p, conf, &wrong);
    enum rf_err err;

    if (fd < 0) {
        rf_conf_problem_text(&wrong, m->text, sizeof m->text);
        m->count = wrong.code;
        return -1;
    }
    err = rf_listeners_plan(&p->listeners, p->next.listen, p->next.listen_count, &problem, &failed);
    if (!err)
        err = rf_listeners_send(&p->listeners, p->child[1].channel);
    if (!err) {
        m->count = (uint32_t)p->listeners.next_count;
        return fd;
    }
    close(fd);
    snprintf(m->text, sizeof m->text, "the listeners could not be changed: %s", rf_err_text(err));
    if (err == RF_ERR_IO) {
        m->count = RF_REFUSE_CANNOT_LISTEN;
        snprintf(m->text, sizeof m->text, "cannot listen on %s: %s", rf_addr_text(&failed, address), problem.reason);
    }
    rf_listeners_abandon(&p->listeners);
    return -1;
}

/* One change after the other: signal asks for one at a time, and it takes precedence over one that nobody asked for,
 * since it reads the same files. */
static void
reload_later(struct parent *p, uint32_t number, int layer_fd)
{
    if (p->again.is_set && number == 0)
        return;
    rf_parent_forget_reload(p);
    p->again.is_set = true;
    p->again.number = number;
    p->again.layer_fd = layer_fd >= 0 ? fcntl(layer_fd, F_DUPFD_CLOEXEC, 0) : -1;
}

/*
 * Read the configuration again, and give signal certificates and listeners as it names them now. Signal judges the
 * whole, answers whoever asked, and says whether it took it.
 */
void
rf_parent_reload(struct parent *p, uint32_t number, int layer_fd)
{
    struct rf_channel_msg m = { .what = RF_SAY_RELOAD, .value = number };
    struct rf_conf_problem problem = { 0 };
    struct rf_conf *conf = NULL;
    char *layer = NULL;
    enum rf_err err;
    size_t n = 0;
    int fd = -1;

    if (p->listeners.next != NULL) {
        reload_later(p, number, layer_fd);
        return;
    }
    if (p->child[1].channel < 0)
        return; /* the next signal process is asked when it serves (take_word) */
    if (layer_fd >= 0 && (layer = rf_sealed_read(layer_fd, LAYER_MAX, &n)) == NULL)
        return; /* only a damaged signal process sends such a thing */
    err = rf_parent_read_conf(p, layer, &conf, &problem);
    if (layer != NULL)
        rf_wipe(layer, n);
    free(layer);
    if (!err)
        err = rf_run_settings_take(&p->next, conf, &problem);
    if (!err) {
        p->next.workers = p->settings.workers;
        p->next.threads = p->settings.threads;
        fd = prepare_change(p, conf, &m);
    } else {
        rf_conf_problem_text(&problem, m.text, sizeof m.text);
        m.count = problem.code;
    }
    if (fd < 0)
        rf_conf_unref(conf);
    else
        p->next_conf = conf;
    p->next_certs_fd = fd;
    if (rf_channel_post(p->child[1].channel, &m, &fd, fd >= 0 ? 1 : 0) != RF_OK)
        rf_parent_reloaded(p, false); /* it is dying, or full of words: nothing has changed */
}

/* Certificates that others renewed, revocation lists that were fetched: read again once nobody writes any more. Our
 * own authority's certificate is made anew when it is due. */
void
rf_parent_look_at_files(struct parent *p)
{
    bool changed = p->files != NULL && rf_bundle_is_stale(p->files);

    if (p->stops || !p->child[1].is_ready)
        return;
    if ((changed && p->files_changed) || rf_wall_s() >= p->renew_at_s) {
        RF_LOGF(RF_LOG_INFO, "cert.read_again", changed ? "certificates or revocation lists have changed on disk"
                                                        : "the local authority's certificate is due");
        p->files_changed = false;
        p->renew_at_s = rf_wall_s() + 3600; /* when it cannot be made now */
        rf_parent_reload(p, 0, -1);
        return;
    }
    p->files_changed = changed;
}

