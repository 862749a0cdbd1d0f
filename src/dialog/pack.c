/*
 * dialog/pack.c - what of a dialog outlives the process, as octets: calls and subscriptions are saved with it
 */
#include "base/pack.h"
#include "dialog/dialog.h"

void
rf_dialog_pack(struct rf_buf *b, const struct rf_dialog *d)
{
    rf_pack_str(b, d->local_tag);
    rf_pack_str(b, d->remote_tag);
    rf_pack_str(b, d->local);
    rf_pack_str(b, d->remote);
    rf_pack_str(b, d->target);
    rf_pack_u(b, d->route_count, 1);
    for (size_t i = 0; i < d->route_count; i++)
        rf_pack_str(b, d->route[i]);
}

void
rf_dialog_unpack(struct rf_cursor *c, struct rf_dialog *d)
{
    size_t routes;

    d->local_tag = rf_unpack_dup(c);
    d->remote_tag = rf_unpack_dup(c);
    d->local = rf_unpack_dup(c);
    d->remote = rf_unpack_dup(c);
    d->target = rf_unpack_dup(c);
    routes = rf_unpack_enum(c, RF_DIALOG_ROUTES_MAX + 1);
    for (size_t i = 0; i < routes && c->err == RF_OK; i++) {
        d->route[i] = rf_unpack_dup(c);
        d->route_count = i + (d->route[i] != NULL);
    }
}
