/* acme/manage.c - what people say to a keeper: the certificates of a configuration, commands, and the list of all */
#include <stdlib.h>

#include "acme/inside.h"
#include "base/secret.h"

/* --- configuration --- */

void
rf_acme_certificate_free(struct rf_acme_certificate *c)
{
    if (c == NULL)
        return;
    free(c->ca_pem);
    rf_wipe(c->external_key, sizeof c->external_key);
    free(c);
}

static struct rf_acme_certificate *
certificate_dup(const struct rf_acme_certificate *c)
{
    struct rf_acme_certificate *copy = malloc(sizeof *copy);

    if (copy == NULL)
        return NULL;
    memcpy(copy, c, sizeof *copy);
    if (c->ca_pem != NULL && (copy->ca_pem = strdup(c->ca_pem)) == NULL) {
        free(copy);
        return NULL;
    }
    return copy;
}

/* A run whose settings change is given up; its order stays noted and goes on when the names are the same. */
void
rf_acme_give_up(struct acme_entry *e)
{
    struct rf_acme_keeper *k = e->keeper;

    if (e->run == NULL)
        return;
    if (e->serial != 0)
        k->user.cancel(k->user.ctx, e->serial);
    rf_acme_run_free(e->run);
    e->run = NULL;
    e->serial = 0;
    e->account->busy = NULL;
    e->account = NULL;
}

static bool
is_same(const struct rf_acme_certificate *a, const struct rf_acme_certificate *b)
{
    /* The pointer is the last member; made and copied as octets, so that what lies between members is zero. */
    return memcmp(a, b, offsetof(struct rf_acme_certificate, ca_pem)) == 0 &&
           strcmp(a->ca_pem != NULL ? a->ca_pem : "", b->ca_pem != NULL ? b->ca_pem : "") == 0;
}

static enum rf_err
attach(struct rf_acme_keeper *k, struct rf_acme_certificate *c)
{
    for (int kind = 0; kind < RF_ACME_KEY_KINDS; kind++) {
        char name[RF_ACME_LABEL_MAX + 8];
        struct acme_entry *e;

        if (!c->wants[kind])
            continue;
        snprintf(name, sizeof name, "%s/%s", c->label, rf_acme_key_kind_name((enum rf_acme_key_kind)kind));
        e = rf_acme_entry_of(k, name);
        if (e == NULL)
            e = rf_acme_entry_new(k, name);
        if (e == NULL)
            return RF_ERR_NOMEM;
        if (e->conf != NULL && e->conf != c) {
            rf_acme_give_up(e);
            e->s.next_s = 0; /* somebody who changes what failed should not have to wait */
        }
        e->conf = c;
    }
    return RF_OK;
}

/* Settings that did not change keep their object, which runs point to; others get a new one. */
static struct rf_acme_certificate *
certificate_of(struct rf_acme_certificate **old, size_t olds, const struct rf_acme_certificate *c)
{
    for (size_t i = 0; i < olds; i++)
        if (old[i] != NULL && is_same(old[i], c)) {
            struct rf_acme_certificate *same = old[i];

            old[i] = NULL;
            return same;
        }
    return certificate_dup(c);
}

/* What is not configured any more: its certificate stays in the store, nothing is done for it. */
static void
detach_others(struct rf_acme_keeper *k)
{
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);
        bool is_there = false;

        for (size_t i = 0; i < k->confs; i++)
            is_there = is_there || (e->conf == k->conf[i] && k->conf[i]->wants[e->kind]);
        if (!is_there) {
            rf_acme_give_up(e);
            e->conf = NULL;
        }
    }
}

enum rf_err
rf_acme_keeper_set(struct rf_acme_keeper *k, const struct rf_acme_certificate *conf, size_t n, int64_t wall_s)
{
    struct rf_acme_certificate *old[RF_ACME_CERTIFICATES_MAX];
    size_t olds = k->confs;
    enum rf_err err = n <= RF_ACME_CERTIFICATES_MAX ? RF_OK : RF_ERR_RANGE;

    if (err)
        return err;
    k->wall_s = wall_s;
    memcpy(old, k->conf, sizeof old);
    k->confs = 0;
    for (size_t i = 0; i < n && !err; i++) {
        struct rf_acme_certificate *c = certificate_of(old, olds, &conf[i]);

        if (c == NULL) {
            err = RF_ERR_NOMEM;
            break;
        }
        k->conf[k->confs++] = c;
        err = attach(k, c);
    }
    detach_others(k);
    for (size_t i = 0; i < olds; i++)
        rf_acme_certificate_free(old[i]);
    return err;
}

/* --- commands --- */

static bool
has_label(const struct acme_entry *e, struct rf_span label)
{
    return e->conf != NULL && rf_span_is(label, e->conf->label);
}

static bool
is_ordering(const struct acme_entry *e)
{
    return e->run != NULL && e->goal == RF_ACME_ISSUE;
}

/* One that can take a command, now or after a question that is under way. RF_ERR_NOT_FOUND, RF_ERR_EXISTS all order. */
static enum rf_err
find(struct rf_acme_keeper *k, struct rf_span label, struct acme_entry **out)
{
    enum rf_err err = RF_ERR_NOT_FOUND;

    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);

        if (!has_label(e, label))
            continue;
        if (!is_ordering(e)) {
            *out = e;
            return RF_OK;
        }
        err = RF_ERR_EXISTS;
    }
    return err;
}

enum rf_err
rf_acme_keeper_renew(struct rf_acme_keeper *k, struct rf_span label)
{
    struct acme_entry *any;
    enum rf_err err = find(k, label, &any);

    if (err)
        return err;
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);

        if (has_label(e, label) && !is_ordering(e)) {
            e->wants_now = true;
            e->s.next_s = 0;
        }
    }
    return RF_OK;
}

enum rf_err
rf_acme_keeper_new_account_key(struct rf_acme_keeper *k, struct rf_span label)
{
    struct acme_entry *e;
    struct acme_account *a;
    enum rf_err err = find(k, label, &e);

    if (err)
        return err;
    a = rf_acme_account_of(k, e->conf);
    if (a == NULL)
        return RF_ERR_IO;
    a->wants_new_key = true;
    return RF_OK;
}

enum rf_err
rf_acme_keeper_revoke(struct rf_acme_keeper *k, struct rf_span label)
{
    struct acme_entry *any;
    enum rf_err err = find(k, label, &any);

    if (err)
        return err;
    err = RF_ERR_STATE;
    RF_LIST_FOREACH(&k->entries, it) {
        struct acme_entry *e = rf_container(it, struct acme_entry, link);

        if (has_label(e, label) && e->s.chain != NULL) {
            e->wants_revocation = true;
            err = RF_OK;
        }
    }
    return err;
}

json_t *
rf_acme_keeper_list(const struct rf_acme_keeper *k, int64_t wall_s)
{
    json_t *list = json_array();

    RF_LIST_FOREACH(&k->entries, it) {
        const struct acme_entry *e = rf_container(it, const struct acme_entry, link);
        int64_t at;

        if (e->conf == NULL)
            continue;
        at = rf_acme_order_at(e);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:b, s:I, s:s, s:s, s:s, s:I}",
                            "certificate", e->conf->label, "key", rf_acme_key_kind_name(e->kind), "source",
                            "automatic", "directory", e->conf->directory, "names", e->s.names != NULL ? e->s.names : "",
                            "issued", e->s.chain != NULL, "not_before", (json_int_t)e->life.not_before, "not_after",
                            (json_int_t)e->life.not_after, "renews_in_s", (json_int_t)(at > wall_s ? at - wall_s : 0),
                            "by_window", e->s.has_window, "failures", (json_int_t)e->s.failures, "problem",
                            e->s.problem, "problem_step", e->s.step, "step",
                            e->run != NULL ? rf_acme_run_step(e->run) : "", "issued_s", (json_int_t)e->s.issued_s));
    }
    return list;
}
