/*
 * call/unwanted.c - the BYE of a dialog that nobody wants: a 2xx of another fork, one that crossed our CANCEL, one that
 * is refused
 *
 * It outlives its call, which waits for nothing of it. A peer that is not content with the BYE goes on with its side:
 * so a carrier that asks who hangs up is told, or it would bill a call that never was.
 *
 * A 2xx of no call at all may come from anybody, a datagram with another's address, too. A BYE is repeated for 32 s: so
 * few at once are answered that neither our transactions run out nor somebody else drowns in them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/layer.h"

#define STRAYS_MAX 256 /* above so many BYEs under way: of 65536 transactions, and 90 datagrams a second */

struct unwanted {
    struct rf_link link; /* in layer.unwanted */
    struct rf_call_layer *l;
    struct rf_client_txn *txn;
    struct rf_flow *flow;
    struct rf_dialog dialog;
    char connection[RF_CONNECTION_NAME_MAX];
    enum rf_refusal why;
    uint8_t challenges;
};

static void
unwanted_free(struct unwanted *u)
{
    rf_list_remove(&u->link);
    u->l->unwanted_count--;
    if (u->txn != NULL)
        rf_client_txn_disown(u->txn);
    rf_flow_unref(u->flow);
    rf_dialog_fini(&u->dialog);
    free(u);
}

static enum rf_err send_bye(struct unwanted *u, const char *credentials, uint64_t now_us);

static void
answered(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct unwanted *u = owner;
    char *credentials;
    enum rf_err err = RF_ERR_STATE;

    (void)txn;
    if (msg->status < 200)
        return;
    rf_client_txn_disown(u->txn);
    u->txn = NULL;
    credentials = call_credentials(u->l, u->connection, u->dialog.target, msg, &u->challenges);
    if (credentials != NULL) {
        err = send_bye(u, credentials, now_us);
        rf_wipe(credentials, strlen(credentials));
        free(credentials);
    }
    if (err != RF_OK)
        unwanted_free(u);
}

static void
failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t now_us)
{
    (void)txn;
    (void)why;
    (void)now_us;
    unwanted_free(owner);
}

static const struct rf_client_txn_events events = { answered, failed, NULL };

static enum rf_err
send_bye(struct unwanted *u, const char *credentials, uint64_t now_us)
{
    struct rf_call_env *env = &u->l->env;
    struct rf_buf b = rf_buf(u->l->out, sizeof u->l->out);
    struct rf_addr ours, media;
    struct rf_hop hop = { u->flow->transport, &ours };
    char branch[49];
    enum rf_err err;

    env->our_address(env->ctx, u->flow, &ours, &media);
    rf_txn_branch(env->txn, branch);
    rf_dialog_put_request(&b, &u->dialog, RF_SIP_BYE, &hop, branch);
    if (u->why != RF_REFUSE_NONE)
        rf_sip_put_reason_q850(&b, rf_refusal_row(u->why)->q850);
    rf_put_str(&b, credentials);
    rf_sip_put_body(&b, NULL, (struct rf_span){ 0 });
    err = rf_buf_done(&b);
    if (err != RF_OK)
        return err;
    return rf_client_txn_new(&u->txn, env->txn, u->flow, RF_SIP_BYE, rf_span_str(branch), rf_buf_span(&b), &events, u,
                             now_us);
}

bool
unwanted_bye(struct rf_call_layer *l, struct rf_dialog *dialog, struct rf_flow *flow, const char *connection,
             enum rf_refusal why, uint64_t now_us)
{
    struct unwanted *u = calloc(1, sizeof *u);

    if (u == NULL)
        return false;
    u->l = l;
    u->flow = rf_flow_ref(flow);
    u->dialog = *dialog;
    *dialog = (struct rf_dialog){ 0 };
    u->why = why;
    snprintf(u->connection, sizeof u->connection, "%s", connection);
    rf_list_append(&l->unwanted, &u->link);
    l->unwanted_count++;
    if (send_bye(u, "", now_us) == RF_OK)
        return true;
    unwanted_free(u);
    return false;
}

bool
unwanted_is_told(struct rf_call_layer *l, const struct rf_sip_msg *msg)
{
    RF_LIST_FOREACH(&l->unwanted, it) {
        const struct rf_dialog *d = &rf_container(it, struct unwanted, link)->dialog;

        if (rf_span_is(msg->to_tag, d->remote_tag) && rf_span_is(msg->from_tag, d->local_tag) &&
            rf_span_is(msg->call_id, d->call_id))
            return true;
    }
    return false;
}

bool
unwanted_has_room(const struct rf_call_layer *l)
{
    return l->unwanted_count < STRAYS_MAX;
}

void
unwanted_forget(struct rf_call_layer *l)
{
    if (l->unwanted.next == NULL)
        return;
    RF_LIST_FOREACH(&l->unwanted, it)
        unwanted_free(rf_container(it, struct unwanted, link));
}
