#include "main/devices.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define DAY_S 86400
#define WAYS  4 /* places where a row may be remembered; the one that was written first gives way */

struct recent {
    uint64_t hash;
    int64_t written_s;
};

struct rf_devices {
    struct rf_store *store;
    struct rf_hash_key key; /* devices are named by strangers: they must not choose their places */
    struct recent recent[RF_DEVICES_RECENT];
};

enum rf_err
rf_devices_new(struct rf_devices **out, struct rf_store *store, const struct rf_rand *rand)
{
    struct rf_devices *d = calloc(1, sizeof *d);

    if (d == NULL)
        return RF_ERR_NOMEM;
    d->store = store;
    rf_rand_fill(rand, &d->key, sizeof d->key);
    *out = d;
    return RF_OK;
}

void
rf_devices_free(struct rf_devices *d)
{
    free(d);
}

/* false: it was written within a day. */
static bool
is_due(struct rf_devices *d, uint64_t hash, int64_t now_s)
{
    struct recent *set = &d->recent[hash % (RF_DEVICES_RECENT / WAYS) * WAYS], *oldest = set;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].hash == hash && now_s - set[i].written_s < DAY_S)
            return false;
        if (set[i].hash == hash) {
            oldest = &set[i];
            break;
        }
        if (set[i].written_s < oldest->written_s)
            oldest = &set[i];
    }
    *oldest = (struct recent){ hash, now_s };
    return true;
}

void
rf_devices_note(struct rf_devices *d, struct rf_span device, struct rf_flow *flow, int64_t now_s)
{
    struct rf_flow_facts *f = &flow->facts;
    char key[512], value[64];
    struct rf_buf b = rf_buf(key, sizeof key), v = rf_buf(value, sizeof value);
    struct rf_store_write write = { .op = RF_STORE_USE_PUT, .expires_s = now_s + RF_DEVICES_KEEP_S };

    if (f->tls_version[0] == '\0' || device.n == 0 || device.n > 128 || now_s < f->tls_noted_s + DAY_S)
        return;
    f->tls_noted_s = now_s;
    rf_put(&b, device);
    rf_put_char(&b, ' ');
    rf_putf(&b, "%s %s %s %s", flow->listener, f->tls_version, f->tls_cipher,
            f->tls_group[0] != '\0' ? f->tls_group : "-");
    if (rf_buf_done(&b) != RF_OK || !is_due(d, rf_siphash(&d->key, b.p, b.n), now_s))
        return;
    rf_putf(&v, "%u", (unsigned)f->tls_fits);
    write.key = rf_span(key, device.n);
    write.sub = rf_span(key + device.n + 1, b.n - device.n - 1);
    write.value = rf_buf_span(&v);
    /* Nobody waits for it, and the next day brings it again. */
    (void)!rf_store_write(d->store, &write, 1, NULL, NULL, 0);
}

/* --- reading ------------------------------------------------------------------------------------------- */

struct list {
    json_t *rows;
    const char *interface;
    int64_t now_s;
};

static struct rf_span
next_word(struct rf_span *left)
{
    struct rf_span word = rf_span_sub(*left, 0, rf_span_find(*left, ' '));

    *left = rf_span_sub(*left, word.n + 1, left->n);
    return word;
}

static bool
put_use(void *ctx, struct rf_span device, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    struct list *l = ctx;
    struct rf_span interface = next_word(&sub), version = next_word(&sub), suite = next_word(&sub),
                   group = next_word(&sub);
    json_t *levels;
    uint64_t fits = 0;

    if (expires_s <= l->now_s || (l->interface != NULL && !rf_span_is(interface, l->interface)))
        return true;
    levels = json_array();
    (void)!rf_span_u64(value, UINT16_MAX, &fits);
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++)
        if (fits & (1u << i))
            json_array_append_new(levels, json_string(rf_tls_level_row((enum rf_tls_level)i)->name));
    json_array_append_new(l->rows, json_pack("{s:s%, s:s%, s:s%, s:s%, s:s%, s:o, s:I}", "device", device.p, device.n,
                                             "interface", interface.p, interface.n, "version", version.p, version.n,
                                             "suite", suite.p, suite.n, "group", group.p, group.n, "levels", levels,
                                             "last", (json_int_t)(expires_s - RF_DEVICES_KEEP_S)));
    return true;
}

enum rf_err
rf_devices_list(struct rf_store *store, const char *interface, int64_t now_s, json_t **out)
{
    struct list l = { json_array(), interface, now_s };
    enum rf_err err = rf_store_load_uses(store, put_use, &l);

    if (err)
        json_decref(l.rows);
    else
        *out = l.rows;
    return err;
}
