/*
 * txn/match.c - which transaction does a message belong to? (RFC 3261 17.1.3, 17.2.3, 8.2.2.2)
 *
 * A key is the text of everything the RFC compares, with newlines between, so that one comparison decides.
 */
#include "txn/layer.h"

/* RFC 3261 8.1.1.7. A branch that is the cookie and nothing else is no branch (RFC 4475 3.1.2.19). */
#define COOKIE "z9hG4bK"

static struct rf_buf
key_begin(struct rf_txn_layer *l)
{
    return rf_buf(l->key, sizeof l->key);
}

static void
put_lower(struct rf_buf *b, struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        rf_put_char(b, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

static void
put_method(struct rf_buf *b, const struct rf_sip_msg *m, enum rf_sip_method as)
{
    if (as == RF_SIP_UNKNOWN)
        rf_put(b, m->method_text);
    else
        rf_put_str(b, rf_sip_method_name(as));
}

bool
rf_txn_has_cookie(const struct rf_sip_msg *m)
{
    return m->via.branch.n > sizeof COOKIE - 1 &&
           rf_span_ieq(rf_span_sub(m->via.branch, 0, sizeof COOKIE - 1), RF_SPAN_LIT(COOKIE));
}

struct rf_span
rf_txn_key_server(struct rf_txn_layer *l, const struct rf_sip_msg *m, enum rf_sip_method as, bool with_to_tag)
{
    struct rf_buf b = key_begin(l);

    put_method(&b, m, as);
    rf_put_char(&b, '\n');
    if (rf_txn_has_cookie(m)) {
        rf_put(&b, m->via.branch);
        rf_put_char(&b, '\n');
        put_lower(&b, m->via.host);
        rf_put_char(&b, ':');
        rf_put_u64(&b, m->via.port);
        return rf_buf_span(&b);
    }
    /* RFC 2543 peers: everything that does not change between repeats (17.2.3, last list) */
    rf_put(&b, m->ruri_text);
    rf_put_char(&b, '\n');
    if (with_to_tag)
        rf_put(&b, m->to_tag);
    rf_put_char(&b, '\n');
    rf_put(&b, m->from_tag);
    rf_put_char(&b, '\n');
    rf_put(&b, m->call_id);
    rf_put_char(&b, '\n');
    rf_put_u64(&b, m->cseq);
    rf_put_char(&b, '\n');
    rf_put(&b, m->via.raw);
    return rf_buf_span(&b);
}

struct rf_span
rf_txn_key_merge(struct rf_txn_layer *l, const struct rf_sip_msg *m)
{
    struct rf_buf b = key_begin(l);

    put_method(&b, m, m->method);
    rf_put_char(&b, '\n');
    rf_put_u64(&b, m->cseq);
    rf_put_char(&b, '\n');
    rf_put(&b, m->from_tag);
    rf_put_char(&b, '\n');
    rf_put(&b, m->call_id);
    return rf_buf_span(&b);
}

struct rf_span
rf_txn_key_client(struct rf_txn_layer *l, struct rf_span branch, enum rf_sip_method method)
{
    struct rf_buf b = key_begin(l);

    rf_put(&b, branch);
    rf_put_char(&b, '\n');
    rf_put_u64(&b, method);
    return rf_buf_span(&b);
}

static bool
server_is(const struct rf_hash_node *node, const void *key)
{
    const struct rf_server_txn *t = rf_container(node, const struct rf_server_txn, node);

    return rf_span_eq(rf_span(t->key, t->key_n), *(const struct rf_span *)key);
}

static bool
client_is(const struct rf_hash_node *node, const void *key)
{
    const struct rf_client_txn *t = rf_container(node, const struct rf_client_txn, node);

    return rf_span_eq(rf_span(t->key, t->key_n), *(const struct rf_span *)key);
}

struct rf_server_txn *
rf_txn_find_server(struct rf_txn_layer *l, struct rf_span key)
{
    struct rf_hash_node *node = rf_hash_find(&l->by_key, rf_hash_of(&l->by_key, key), server_is, &key);

    return node != NULL ? rf_container(node, struct rf_server_txn, node) : NULL;
}

struct rf_client_txn *
rf_txn_find_client(struct rf_txn_layer *l, struct rf_span key)
{
    struct rf_hash_node *node =
        rf_hash_find(&l->clients_by_key, rf_hash_of(&l->clients_by_key, key), client_is, &key);

    return node != NULL ? rf_container(node, struct rf_client_txn, node) : NULL;
}
