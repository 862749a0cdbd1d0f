/*
 * main/post.c - what a worker writes to others, and what it does with the letters that it gets (main/letters.h)
 */
#include <unistd.h>

#include "base/refusal.h"
#include "main/keeper.h"
#include "main/worker.h"
#include "net/socket.h"

bool
rf_worker_post(struct rf_mailbox *to, const void *head, size_t head_octets, struct rf_span octets)
{
    const struct rf_span parts[2] = { rf_span(head, head_octets), octets };

    return rf_mailbox_send(to, parts, octets.n > 0 ? 2 : 1) == RF_OK;
}

enum rf_err
rf_worker_post_flow(void *ctx, uint16_t worker, const struct rf_span *parts, size_t n)
{
    struct rf_worker *w = ctx;
    struct rf_letter_head head = { .kind = RF_LETTER_FLOW, .from = w->index };
    struct rf_span all[8] = { rf_span(&head, sizeof head) };

    if (worker >= w->shared->workers || n > 7)
        return RF_ERR_RANGE;
    if (w->shared->worker[worker] == NULL)
        return RF_ERR_CLOSED; /* we are ending, and it is gone already */
    memcpy(all + 1, parts, n * sizeof *parts);
    return rf_mailbox_send(w->shared->worker[worker]->letters, all, n + 1);
}

static void
take_message(struct rf_worker *w, const struct rf_flow_card *card, struct rf_span octets, uint64_t now_us)
{
    struct rf_sip_problem problem;
    struct rf_flow *flow;
    enum rf_err err;

    /* It parsed at the sender, so it parses here. */
    if (rf_sip_msg_parse(&w->msg, octets, &problem) != RF_OK)
        return;
    /* Each worker has a UDP socket with the same address: the answer need not go by the one it came to. */
    if (card->transport == RF_UDP)
        err = rf_transport_udp(w->transport, card->listener, &card->remote, &flow);
    else
        err = rf_remote_flow(w->remotes, card, &flow);
    if (err) {
        atomic_fetch_add_explicit(&w->numbers.dropped, 1, memory_order_relaxed);
        return;
    }
    rf_worker_received(w, flow, now_us);
    rf_flow_unref(flow);
}

static void
take_site(struct rf_worker *w, struct rf_site *site)
{
    struct rf_site *was = w->site;
    struct rf_transport_limits transport;

    w->site = site;
    rf_worker_drop_clients(w);
    rf_worker_transport_limits(w, &transport);
    rf_transport_set_limits(w->transport, &transport);
    if (rf_worker_make_tls(w) == RF_OK)
        for (int i = 0; i < RF_IFACE_COUNT; i++)
            if (w->tls[i] != NULL)
                rf_transport_set_tls(w->transport, rf_iface_row((enum rf_iface)i)->name, w->tls[i]);
    rf_paths_see_listeners(w->paths);
    rf_keeper_take_site(w->keeper);
    rf_event_settings_changed(w->events, rf_now_us());
    rf_site_unref(was);
}

static void
take_listener(struct rf_worker *w, const struct rf_letter_listen *letter)
{
    struct rf_listener_conf conf = { .name = letter->name, .transport = (enum rf_transport)letter->transport,
                                     .fd = letter->fd, .id = letter->id };
    struct rf_addr at = rf_socket_local(letter->fd);
    enum rf_err err;

    if (conf.transport == RF_TLS)
        conf.tls = w->tls[rf_listener_iface(letter->name)];
    err = rf_transport_listen(w->transport, &conf);
    if (!err)
        return;
    /* Only memory and descriptors can be short here: the others of its group serve. */
    RF_REFUSE(CANNOT_LISTEN, RF_F_ADDR("addr", &at), RF_F_STR("reason", rf_err_text(err)),
              RF_F_U64("worker", w->index));
    close(letter->fd);
}

static void
take_question(struct rf_worker *w, const struct rf_letter_ask *ask, uint64_t now_us)
{
    struct rf_letter_told told = { .head = { .kind = RF_LETTER_TOLD, .from = w->index }, .serial = ask->serial };
    struct rf_span text = rf_span_str(ask->text);
    enum rf_err err;

    switch ((enum rf_question)ask->question) {
    case RF_ASK_CALLS:
        told.answer = rf_call_list(w->calls, now_us);
        break;
    case RF_ASK_CALL:
        told.answer = rf_call_show(w->calls, text, now_us);
        break;
    case RF_ASK_HANGUP:
        err = rf_call_hangup(w->calls, text, now_us);
        told.answer = err ? NULL : json_true();
        break;
    case RF_ASK_SUBSCRIPTIONS:
        told.answer = rf_event_list(w->events);
        break;
    case RF_ASK_NUMBERS:
        told.answer = rf_worker_numbers_json(w);
        break;
    default: /* of the slow thread */
        break;
    }
    if (!rf_worker_post(w->shared->desk, &told, sizeof told, rf_span(NULL, 0)))
        json_decref(told.answer);
}

void
rf_worker_letter(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_letter_head head;
    struct rf_letter_message message;
    struct rf_letter_card card;
    struct rf_letter_site site;
    struct rf_letter_listen listen;
    struct rf_letter_ask ask;
    struct rf_letter_lamp lamp;
    struct rf_letter_item item;

    if (octets.n < sizeof head)
        return;
    memcpy(&head, octets.p, sizeof head);
    switch ((enum rf_letter_kind)head.kind) {
    case RF_LETTER_MESSAGE:
        memcpy(&message, octets.p, sizeof message);
        take_message(w, &message.flow, rf_span_sub(octets, sizeof message, octets.n), now_us);
        break;
    case RF_LETTER_WANT:
    case RF_LETTER_CARD:
        memcpy(&card, octets.p, sizeof card);
        if (head.kind == RF_LETTER_WANT)
            rf_paths_want(w->paths, &card);
        else
            rf_paths_card(w->paths, &card, now_us);
        break;
    case RF_LETTER_FLOW:
        rf_remote_letter(w->remotes, rf_span_sub(octets, sizeof head, octets.n), now_us);
        break;
    case RF_LETTER_SITE:
        memcpy(&site, octets.p, sizeof site);
        take_site(w, site.site);
        break;
    case RF_LETTER_LISTEN:
        memcpy(&listen, octets.p, sizeof listen);
        take_listener(w, &listen);
        break;
    case RF_LETTER_UNLISTEN:
        memcpy(&listen, octets.p, sizeof listen);
        rf_transport_unlisten(w->transport, listen.id);
        break;
    case RF_LETTER_ASK:
        memcpy(&ask, octets.p, sizeof ask);
        take_question(w, &ask, now_us);
        break;
    case RF_LETTER_RESTORE:
        if (rf_call_restore(w->calls, rf_span_sub(octets, sizeof head, octets.n), now_us) != RF_OK)
            RF_LOGF(RF_LOG_WARN, "call.not_restored", "a call that was up before the restart could not be taken over");
        break;
    case RF_LETTER_TRANSFER:
        rf_call_letter(w->calls, (uint16_t)head.from, rf_span_sub(octets, sizeof head, octets.n), now_us);
        break;
    case RF_LETTER_SWEEP: {
        struct rf_media_request sweep = { .command = RF_MEDIA_SWEEP };

        if (rf_media_client_send(w->media, &sweep, now_us) != RF_OK)
            RF_LOGF(RF_LOG_WARN, "media.not_swept", "media was not told which sessions are over");
        break;
    }
    case RF_LETTER_LAMP:
        memcpy(&lamp, octets.p, sizeof lamp);
        rf_event_changed(w->events, lamp.user, now_us);
        break;
    case RF_LETTER_SUBSCRIPTION:
        memcpy(&item, octets.p, sizeof item);
        if (rf_event_restore(w->events, rf_span_str(item.name), rf_span_sub(octets, sizeof item, octets.n), now_us) !=
            RF_OK)
            RF_LOGF(RF_LOG_WARN, "subscription.not_restored",
                    "a subscription of before the restart could not be taken over");
        break;
    case RF_LETTER_STOP:
        rf_call_hangup_all(w->calls, now_us);
        break;
    case RF_LETTER_STORED:
    case RF_LETTER_TOLD:
    case RF_LETTER_CERTIFICATE:
    case RF_LETTER_INQUIRY:
        break;
    }
}
