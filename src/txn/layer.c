/*
 * txn/layer.c - what came in: finds its transaction, makes a new one, or refuses (RFC 3261 17, 18, 8.2.2.2)
 */
#include <stdlib.h>

#include "txn/layer.h"

/* What a full worker asks for: long enough to drain a burst, short enough for a phone to retry its REGISTER. */
#define RETRY_AFTER "Retry-After: 5\r\n"

enum rf_err
rf_txn_layer_new(struct rf_txn_layer **out, struct rf_wheel *wheel, const struct rf_rand *rand,
                 const struct rf_txn_limits *limits, const struct rf_txn_user *user)
{
    struct rf_txn_layer *l = calloc(1, sizeof *l);

    if (l == NULL)
        return RF_ERR_NOMEM;
    l->wheel = wheel;
    l->rand = *rand;
    l->limits = *limits;
    l->user = *user;
    rf_list_init(&l->servers);
    rf_list_init(&l->clients);
    rf_list_init(&l->spent);
    if (rf_hash_init(&l->by_key, rand) != RF_OK || rf_hash_init(&l->by_merge, rand) != RF_OK ||
        rf_hash_init(&l->clients_by_key, rand) != RF_OK) {
        rf_txn_layer_free(l);
        return RF_ERR_NOMEM;
    }
    *out = l;
    return RF_OK;
}

void
rf_txn_layer_free(struct rf_txn_layer *l)
{
    if (l == NULL)
        return;
    RF_LIST_FOREACH(&l->servers, it)
        rf_server_txn_free(rf_container(it, struct rf_server_txn, all));
    RF_LIST_FOREACH(&l->clients, it)
        rf_client_txn_free(rf_container(it, struct rf_client_txn, all));
    rf_hash_fini(&l->by_key);
    rf_hash_fini(&l->by_merge);
    rf_hash_fini(&l->clients_by_key);
    free(l);
}

void
rf_txn_random(struct rf_txn_layer *l, void *out, size_t n)
{
    if (l->random_left < n) {
        rf_rand_fill(&l->rand, l->random, sizeof l->random);
        l->random_left = sizeof l->random;
    }
    l->random_left -= n;
    memcpy(out, l->random + l->random_left, n);
    memset(l->random + l->random_left, 0, n); /* a tag that is out must not be found here later */
}

void
rf_txn_branch(struct rf_txn_layer *l, char branch[static 49])
{
    struct rf_buf b = rf_buf(branch, 48);
    uint8_t octets[16];

    rf_txn_random(l, octets, sizeof octets);
    rf_put_str(&b, "z9hG4bK");
    rf_put_hex(&b, octets, sizeof octets);
    branch[b.n] = '\0';
}

struct rf_txn_counts
rf_txn_counts(const struct rf_txn_layer *l)
{
    return l->counts;
}

/* A response for which no transaction is kept: a repeat of the request makes it again. */
static void
reply_stateless(struct rf_txn_layer *l, const struct rf_sip_msg *m, struct rf_flow *flow, int status,
                const char *extra)
{
    struct rf_buf b = rf_buf(l->out, sizeof l->out);
    char tag[RF_TXN_TAG_MAX];
    struct rf_buf t = rf_buf(tag, sizeof tag);
    uint8_t octets[8];

    rf_txn_random(l, octets, sizeof octets);
    rf_put_hex(&t, octets, sizeof octets);
    rf_sip_put_response(&b, m, status, NULL, rf_buf_span(&t), &flow->remote);
    rf_put_str(&b, extra);
    rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
    if (rf_buf_done(&b) == RF_OK)
        (void)!rf_flow_send(flow, rf_buf_span(&b)); /* lost like any datagram: the request is repeated */
}

static bool
merge_is(const struct rf_hash_node *node, const void *key)
{
    const struct rf_server_txn *t = rf_container(node, const struct rf_server_txn, merge_node);

    return rf_span_eq(rf_span(t->key + t->key_n, t->merge_n), *(const struct rf_span *)key);
}

/* The same request by another path while the first one lasts. Only without a To tag (8.2.2.2). */
static bool
is_merged(struct rf_txn_layer *l, const struct rf_sip_msg *m)
{
    struct rf_span key;

    if (m->to_tag.n > 0)
        return false;
    key = rf_txn_key_merge(l, m);
    return rf_hash_find(&l->by_merge, rf_hash_of(&l->by_merge, key), merge_is, &key) != NULL;
}

/* The INVITE an ACK belongs to. An RFC 2543 peer's ACK bears the tag that our response gave, the INVITE did not. */
static struct rf_server_txn *
find_invite_for_ack(struct rf_txn_layer *l, const struct rf_sip_msg *m)
{
    struct rf_server_txn *t = rf_txn_find_server(l, rf_txn_key_server(l, m, RF_SIP_INVITE, true));

    if (t == NULL && !rf_txn_has_cookie(m)) {
        t = rf_txn_find_server(l, rf_txn_key_server(l, m, RF_SIP_INVITE, false));
        if (t != NULL && !rf_span_is(m->to_tag, t->to_tag))
            t = NULL;
    }
    return t;
}

/* RFC 3261 9.2: CANCEL is answered here, hop by hop; the INVITE's owner answers the INVITE. */
static void
cancel_received(struct rf_txn_layer *l, struct rf_server_txn *cancel, const struct rf_sip_msg *m, uint64_t now_us)
{
    struct rf_server_txn *invite = rf_txn_find_server(l, rf_txn_key_server(l, m, RF_SIP_INVITE, true));

    if (invite == NULL) {
        rf_server_txn_reply(cancel, 481, NULL, (struct rf_span){ 0 }, now_us);
        return;
    }
    memcpy(cancel->to_tag, invite->to_tag, sizeof cancel->to_tag);
    rf_server_txn_reply(cancel, 200, NULL, (struct rf_span){ 0 }, now_us);
    rf_server_txn_cancelled(invite, now_us);
}

static void
request_received(struct rf_txn_layer *l, const struct rf_sip_msg *m, struct rf_flow *flow, uint64_t now_us)
{
    struct rf_server_txn *t;
    struct rf_span key;

    if (m->method == RF_SIP_ACK) {
        t = find_invite_for_ack(l, m);
        if (t != NULL)
            rf_server_txn_event(t, RF_TXN_EV_ACK, m, flow, now_us);
        else
            l->user.ack(l->user.ctx, m, flow, now_us);
        return;
    }
    key = rf_txn_key_server(l, m, m->method, true);
    t = rf_txn_find_server(l, key);
    if (t != NULL) {
        l->counts.retransmits_in++;
        rf_server_txn_event(t, RF_TXN_EV_REQUEST, m, flow, now_us);
        return;
    }
    if (m->method != RF_SIP_CANCEL && is_merged(l, m)) {
        l->counts.merged++;
        reply_stateless(l, m, flow, 482, "");
        return;
    }
    if (l->counts.servers >= l->limits.server_max) {
        l->counts.refused_full++;
        reply_stateless(l, m, flow, 503, RETRY_AFTER);
        return;
    }
    t = rf_server_txn_make(l, m, flow, rf_txn_key_server(l, m, m->method, true), now_us);
    if (t == NULL) {
        l->counts.refused_full++;
        reply_stateless(l, m, flow, 503, RETRY_AFTER);
        return;
    }
    l->now_txn = t;
    l->now_msg = m;
    if (m->method == RF_SIP_CANCEL)
        cancel_received(l, t, m, now_us);
    else
        l->user.request(l->user.ctx, t, m, now_us);
    l->now_txn = NULL;
    l->now_msg = NULL;
}

bool
rf_txn_knows(struct rf_txn_layer *l, const struct rf_sip_msg *m)
{
    return rf_txn_find_server(l, rf_txn_key_server(l, m, m->method, true)) != NULL ||
           (m->method == RF_SIP_CANCEL &&
            rf_txn_find_server(l, rf_txn_key_server(l, m, RF_SIP_INVITE, true)) != NULL);
}

/* A 2xx to an INVITE whose owner is gone: of another fork, or one that crossed its end. Unanswered its sender would
 * repeat it for 32 s and believe in a call (RFC 3261 13.2.2.4). */
static bool
is_nobodys(const struct rf_client_txn *t, const struct rf_sip_msg *m)
{
    return t->events == NULL && t->method == RF_SIP_INVITE && m->status >= 200 && m->status < 300;
}

void
rf_txn_received(struct rf_txn_layer *l, const struct rf_sip_msg *m, struct rf_flow *flow, uint64_t now_us)
{
    RF_LIST_FOREACH(&l->spent, it)
        rf_server_txn_drop_request(rf_container(it, struct rf_server_txn, spent));

    if (m->is_request) {
        request_received(l, m, flow, now_us);
    } else {
        struct rf_client_txn *t = rf_txn_find_client(l, rf_txn_key_client(l, m->via.branch, m->method));
        bool is_stray = t == NULL || is_nobodys(t, m);

        if (t != NULL)
            rf_client_txn_received(t, m, now_us);
        if (is_stray)
            l->user.stray_response(l->user.ctx, m, flow, now_us);
    }
}
