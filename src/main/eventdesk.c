/* main/eventdesk.c - commands about who watches whom and about messages that wait: subscriptions, mailbox.* */
#include <stdlib.h>

#include "main/desk.h"

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* --- subscriptions --- */

static void
answer_subscriptions(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    json_t *rows = json_array();
    char *user = more;

    for (size_t i = 0; i < json_array_size(answers); i++)
        for (size_t k = 0; k < json_array_size(json_array_get(answers, i)); k++) {
            json_t *row = json_array_get(json_array_get(answers, i), k);

            if (user[0] == '\0' || strcmp(text_of(row, "watcher"), user) == 0 || strcmp(text_of(row, "of"), user) == 0)
                json_array_append(rows, row);
        }
    rf_control_answer(ask, rows);
    free(user);
}

/* --- mailboxes --- */

static json_t *
row_of(const char *user, const struct rf_mailbox_state *m)
{
    int64_t now_s = rf_wall_s();

    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:s, s:I}", "user", user, "new", (int)m->counts.fresh, "old",
                     (int)m->counts.old, "urgent_new", (int)m->counts.urgent_fresh, "urgent_old",
                     (int)m->counts.urgent_old, "set_by", m->by, "left_s",
                     (json_int_t)(m->until_s > now_s ? m->until_s - now_s : 0));
}

static void
put_row(void *ctx, const char *user, const struct rf_mailbox_state *m)
{
    json_array_append_new(ctx, row_of(user, m));
}

static void
mailbox_list(struct rf_desk *d, struct rf_control_ask *ask)
{
    json_t *rows = json_array();

    rf_event_board_visit_mailboxes(d->conf.shared->lamps, put_row, rows);
    rf_control_answer(ask, rows);
}

/* "3" or "3/1": of these so many are urgent. */
static bool
take_count(const json_t *request, const char *key, uint32_t *all, uint32_t *urgent)
{
    struct rf_cursor c = rf_cur(rf_span_str(text_of(request, key)));

    if (text_of(request, key)[0] == '\0')
        return true; /* as it is */
    *all = (uint32_t)rf_cur_u64(&c, RF_MESSAGES_MAX);
    *urgent = rf_cur_accept(&c, '/') ? (uint32_t)rf_cur_u64(&c, *all) : 0;
    return rf_cur_done(&c) == RF_OK;
}

static void
mailbox_set(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const char *user = text_of(request, "user");
    struct rf_mailbox_state m;
    char text[512], sentence[160];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_store_write write = { .op = RF_STORE_ITEM_PUT, .key = rf_span_str(RF_EVENT_MAILBOX),
                                    .sub = rf_span_str(user) };

    if (rf_directory_find(d->site->users, rf_span_str(user)) == NULL) {
        snprintf(sentence, sizeof sentence, "there is no user %.64s in %.64s", user, d->site->call.domain);
        rf_control_refuse(ask, 1, "RF-502", sentence, "ringfence user lists them");
        return;
    }
    (void)rf_event_board_mailbox(d->conf.shared->lamps, user, &m);
    m.until_s = 0; /* no publication any more: this holds */
    m.etag[0] = '\0';
    snprintf(m.by, sizeof m.by, "command");
    if (!take_count(request, "new", &m.counts.fresh, &m.counts.urgent_fresh) ||
        !take_count(request, "old", &m.counts.old, &m.counts.urgent_old)) {
        rf_control_refuse(ask, 2, "", "counts are numbers up to 99999; 3/1: three, one of them urgent", "");
        return;
    }
    rf_mailbox_put(&b, &m);
    write.value = rf_buf_span(&b);
    if (b.overflow || rf_store_write(d->conf.shared->store, &write, 1, NULL, NULL, 0) != RF_OK ||
        rf_store_flush(d->conf.shared->store) != RF_OK) {
        rf_control_refuse(ask, 1, "RF-516", "the change could not be written to disk",
                          "free space below the state directory");
        return;
    }
    (void)!rf_event_board_set_mailbox(d->conf.shared->lamps, user, &m);
    rf_control_answer(ask, row_of(user, &m));
}

bool
rf_desk_event_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    if (strcmp(command, "subscriptions") == 0)
        rf_desk_ask(d, RF_ASK_SUBSCRIPTIONS, "", ask, answer_subscriptions, strdup(text_of(request, "user")));
    else if (strcmp(command, "mailbox.list") == 0)
        mailbox_list(d, ask);
    else if (strcmp(command, "mailbox.set") == 0)
        mailbox_set(d, ask, request);
    else
        return false;
    return true;
}
