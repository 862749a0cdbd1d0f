/*
 * call/watch.c - who is called and who speaks, told to whoever watches (RFC 4235 3.7)
 *
 * The dialogs of a user are those of its phones with us: one for each phone that rings. Call-ID and tags are theirs, so
 * that what a watcher says about a dialog (RFC 3891) finds the leg.
 */
#include "call/layer.h"

static enum rf_call_dialog_state
state_of(const struct leg *leg)
{
    const struct call *c = leg->call;

    if (c->state == CALL_ENDING || leg->state == LEG_DONE || leg->state == LEG_CANCELLED)
        return RF_DIALOG_NONE;
    if (leg->dialog.call_id == NULL || leg->dialog.local_tag == NULL)
        return RF_DIALOG_NONE; /* it has none yet, or stands in for a leg that is still another call's (transfer.c) */
    if (leg->state == LEG_UP)
        return RF_DIALOG_CONFIRMED;
    if (leg == c->a)
        return c->early_status > 100 ? RF_DIALOG_EARLY : RF_DIALOG_TRYING;
    return leg->early_tag[0] != '\0' ? RF_DIALOG_EARLY : RF_DIALOG_NONE;
}

/* The other party, as far as it lets itself be seen. */
static void
put_remote(const struct leg *leg, struct rf_call_dialog *d)
{
    const struct call *c = leg->call;

    if (leg == c->a) {
        snprintf(d->remote_user, sizeof d->remote_user, "%s", c->called);
        if (c->b != NULL)
            snprintf(d->remote_display, sizeof d->remote_display, "%s", c->b->display);
    } else if (!c->a->is_private) {
        snprintf(d->remote_user, sizeof d->remote_user, "%s", c->a->user);
        snprintf(d->remote_display, sizeof d->remote_display, "%s", c->a->display);
    }
}

static void
put_names(const struct leg *leg, struct rf_call_dialog *d)
{
    const char *their_tag = leg->dialog.remote_tag != NULL ? leg->dialog.remote_tag : leg->early_tag;

    /* A name that does not fit would be another's: without them the dialog is seen and cannot be spoken of. */
    if (strlen(leg->dialog.call_id) >= sizeof d->call_id ||
        strlen(their_tag) >= sizeof d->local_tag || strlen(leg->dialog.local_tag) >= sizeof d->remote_tag)
        return;
    if (leg->dialog.remote_tag == NULL && leg->early_tag_is_none)
        return;
    snprintf(d->call_id, sizeof d->call_id, "%s", leg->dialog.call_id);
    snprintf(d->local_tag, sizeof d->local_tag, "%s", their_tag);
    snprintf(d->remote_tag, sizeof d->remote_tag, "%s", leg->dialog.local_tag);
}

/* A name under which others than its user may speak of it while it rings: pickup.c. */
static void
put_alias(struct leg *leg, struct rf_call_dialog *d)
{
    pickup_name(leg);
    snprintf(d->alias.call_id, sizeof d->alias.call_id, "%s", leg->alias.call_id);
    snprintf(d->alias.local_tag, sizeof d->alias.local_tag, "%s", leg->alias.their_tag);
    snprintf(d->alias.remote_tag, sizeof d->alias.remote_tag, "%s", leg->alias.our_tag);
}

static void
tell(struct leg *leg, enum rf_call_dialog_state state)
{
    struct rf_call_env *env = &leg->call->l->env;
    struct rf_call_dialog d = { .state = state, .is_caller = leg->side == 0 };

    if (env->dialog == NULL || state == leg->told || leg->connection[0] != '\0' || leg->user[0] == '\0')
        return;
    if (leg->told_id[0] == '\0')
        snprintf(leg->told_id, sizeof leg->told_id, "%s-%u", leg->call->id, (unsigned)++leg->call->told_ids);
    leg->told = (uint8_t)state;
    snprintf(d.user, sizeof d.user, "%s", leg->user);
    memcpy(d.id, leg->told_id, sizeof d.id);
    if (state != RF_DIALOG_NONE) {
        put_names(leg, &d);
        put_remote(leg, &d);
    }
    if (state == RF_DIALOG_EARLY && leg->side == 1)
        put_alias(leg, &d);
    env->dialog(env->ctx, &d);
}

void
leg_tell(struct leg *leg)
{
    tell(leg, state_of(leg));
}

void
leg_tell_gone(struct leg *leg)
{
    tell(leg, RF_DIALOG_NONE);
}

void
leg_note_early(struct leg *leg, const struct rf_sip_msg *msg)
{
    if (msg->status == 100)
        return;
    leg->early_tag_is_none =
        msg->to_tag.n == 0 || rf_span_copy(msg->to_tag, leg->early_tag, sizeof leg->early_tag) != RF_OK;
    if (leg->early_tag_is_none)
        snprintf(leg->early_tag, sizeof leg->early_tag, "-");
    leg_tell(leg);
}

void
call_tell(struct call *c)
{
    if (c->a != NULL)
        leg_tell(c->a);
    if (c->b != NULL)
        leg_tell(c->b);
    RF_LIST_FOREACH(&c->attempts, it)
        leg_tell(rf_container(it, struct leg, link));
}
