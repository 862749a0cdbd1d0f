#include "main/fold.h"

#include <stdlib.h>

#include "base/list.h"

struct entry {
    struct rf_hash_node node;
    struct rf_link link;  /* oldest first */
    uint64_t since_us, repeats;
    enum rf_refusal refusal;
    char key[160];
    char sentence[256];   /* of the first one */
};

struct rf_fold {
    struct rf_hash table;
    struct rf_link oldest;
    uint64_t unnamed;     /* refused while the table was full */
};

enum rf_err
rf_fold_new(struct rf_fold **out, const struct rf_rand *rand)
{
    struct rf_fold *f = calloc(1, sizeof *f);

    if (f == NULL || rf_hash_init(&f->table, rand) != RF_OK) {
        free(f);
        return RF_ERR_NOMEM;
    }
    rf_list_init(&f->oldest);
    *out = f;
    return RF_OK;
}

static void
entry_free(struct rf_fold *f, struct entry *e)
{
    rf_hash_remove(&f->table, &e->node);
    rf_list_remove(&e->link);
    free(e);
}

void
rf_fold_free(struct rf_fold *f)
{
    if (f == NULL)
        return;
    RF_LIST_FOREACH(&f->oldest, it)
        entry_free(f, rf_container(it, struct entry, link));
    rf_hash_fini(&f->table);
    free(f);
}

static bool
is_key(const struct rf_hash_node *node, const void *key)
{
    return strcmp(rf_container(node, struct entry, node)->key, key) == 0;
}

void
rf_fold_refuse(struct rf_fold *f, enum rf_refusal r, struct rf_span key, const struct rf_log_field *fields,
               uint64_t now_us)
{
    char name[160];
    struct rf_buf b = rf_buf(name, sizeof name - 1), sentence;
    struct rf_hash_node *node;
    struct entry *e;
    uint64_t hash;

    rf_put_str(&b, rf_refusal_row(r)->code);
    rf_put_char(&b, ' ');
    rf_put(&b, rf_span_sub(key, 0, 120));
    name[b.n] = '\0';
    hash = rf_hash_of(&f->table, rf_buf_span(&b));
    node = rf_hash_find(&f->table, hash, is_key, name);
    if (node != NULL) {
        rf_container(node, struct entry, node)->repeats++;
        rf_refusal_add(r, 1);
        return;
    }
    e = f->table.count < RF_FOLD_MAX ? calloc(1, sizeof *e) : NULL;
    if (e == NULL) {
        f->unnamed++;
        rf_refusal_add(r, 1);
        return;
    }
    memcpy(e->key, name, b.n + 1);
    e->refusal = r;
    e->since_us = now_us;
    sentence = rf_buf(e->sentence, sizeof e->sentence - 1);
    rf_refusal_sentence(&sentence, rf_refusal_row(r)->sentence, fields);
    rf_hash_insert(&f->table, &e->node, hash);
    rf_list_append(&f->oldest, &e->link);
    rf_refuse(r, fields);
}

void
rf_fold_tick(struct rf_fold *f, uint64_t now_us)
{
    RF_LIST_FOREACH(&f->oldest, it) {
        struct entry *e = rf_container(it, struct entry, link);
        const struct rf_refusal_row *row = rf_refusal_row(e->refusal);

        if (now_us - e->since_us < RF_FOLD_WAIT_US)
            break;
        if (e->repeats == 0) {
            entry_free(f, e);
            continue;
        }
        RF_LOG_CODE(row->severity, row->code, "refused.repeated", e->sentence, RF_F_U64("repeat", e->repeats),
                    RF_F_STR("fix", row->fix));
        e->repeats = 0;
        e->since_us = now_us;
        rf_list_remove(&e->link);
        rf_list_append(&f->oldest, &e->link);
    }
    if (f->unnamed > 0) {
        RF_LOGF(RF_LOG_WARN, "refused.many", "more kinds of refusals at once than are told apart", RF_F_U64("repeat", f->unnamed));
        f->unnamed = 0;
    }
}
