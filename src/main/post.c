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

/*
 * A message that another worker received, for a Call-ID or a call of ours. Its dialog may have moved to another worker,
 * also while it waited in our mailbox, or its INVITE may have been passed on: then it follows, and comes after it.
 */
static void
receive_posted(struct rf_worker *w, const struct rf_flow_card *card, struct rf_span octets, bool is_passed,
               uint64_t now_us)
{
    struct rf_sip_problem problem;
    struct rf_flow *flow;
    uint16_t next;
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
    next = is_passed ? w->index : rf_worker_next(w, &w->msg, true);
    if (next == w->index)
        rf_worker_received(w, flow, now_us);
    else
        rf_worker_post_message(w, next, flow, now_us);
    rf_flow_unref(flow);
}

static void
take_message(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_message head;

    memcpy(&head, letter.p, sizeof head);
    receive_posted(w, &head.flow, rf_span_sub(letter, sizeof head, letter.n), false, now_us);
}

/* An INVITE of somebody whom the sender has judged. */
static void
take_passed(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_passed head;

    memcpy(&head, letter.p, sizeof head);
    rf_call_pass_begin(w->calls, &head.who);
    receive_posted(w, &head.message.flow, rf_span_sub(letter, sizeof head, letter.n), true, now_us);
    rf_call_pass_end(w->calls, &w->msg);
}

static void
take_site(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_site head;
    struct rf_site *was = w->site;
    struct rf_transport_limits transport;

    memcpy(&head, letter.p, sizeof head);
    w->site = head.site;
    w->judgement++;
    rf_worker_drop_clients(w);
    rf_worker_transport_limits(w, &transport);
    rf_transport_set_limits(w->transport, &transport);
    if (rf_worker_make_tls(w) == RF_OK)
        for (int i = 0; i < RF_IFACE_COUNT; i++)
            if (w->tls[i] != NULL)
                rf_transport_set_tls(w->transport, rf_iface_row((enum rf_iface)i)->name, w->tls[i]);
    rf_paths_see_listeners(w->paths);
    rf_keeper_take_site(w->keeper);
    rf_event_settings_changed(w->events, now_us);
    rf_site_unref(was);
    atomic_fetch_sub(&w->shared->sites_under_way, 1);
}

static void
take_listener(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_listen head;
    struct rf_listener_conf conf;
    struct rf_addr at;
    enum rf_err err;

    memcpy(&head, letter.p, sizeof head);
    conf = (struct rf_listener_conf){ .name = head.name, .transport = (enum rf_transport)head.transport,
                                      .fd = head.fd, .id = head.id };
    at = rf_socket_local(head.fd);
    if (conf.transport == RF_TLS)
        conf.tls = w->tls[rf_listener_iface(head.name)];
    err = rf_transport_listen(w->transport, &conf);
    if (!err)
        return;
    /* Only memory and descriptors can be short here: the others of its group serve. */
    RF_REFUSE(CANNOT_LISTEN, RF_F_ADDR("addr", &at), RF_F_STR("reason", rf_err_text(err)),
              RF_F_U64("worker", w->index));
    close(head.fd);
}

static void
take_question(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_told told = { .head = { .kind = RF_LETTER_TOLD, .from = w->index } };
    struct rf_letter_ask ask;
    struct rf_span text;
    enum rf_err err;

    memcpy(&ask, letter.p, sizeof ask);
    told.serial = ask.serial;
    text = rf_span_str(ask.text);
    switch ((enum rf_question)ask.question) {
    case RF_ASK_CALLS:
        told.answer = rf_call_list(w->calls, now_us);
        break;
    case RF_ASK_CALL:
        told.answer = rf_call_show(w->calls, text, now_us, &told.newness);
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

static void
take_want(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_card card;

    memcpy(&card, letter.p, sizeof card);
    rf_paths_want(w->paths, &card);
}

static void
take_card(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_card card;

    memcpy(&card, letter.p, sizeof card);
    rf_paths_card(w->paths, &card, now_us);
}

static void
take_unlisten(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_listen head;

    memcpy(&head, letter.p, sizeof head);
    rf_transport_unlisten(w->transport, head.id);
}

/* What stands behind the head of a letter that has nothing else. */
static struct rf_span
behind_head(struct rf_span letter)
{
    return rf_span_sub(letter, sizeof(struct rf_letter_head), letter.n);
}

static void
take_flow(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    rf_remote_letter(w->remotes, behind_head(letter), now_us);
}

/* What cannot be read, of another version or damaged, would be met again by each process to come: its row goes. */
static void
take_call(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_item item;
    struct rf_store_write drop = { .op = RF_STORE_DIALOG_DELETE };
    enum rf_err err;

    memcpy(&item, letter.p, sizeof item);
    err = rf_call_restore(w->calls, rf_span_sub(letter, sizeof item, letter.n), now_us);
    if (err == RF_OK)
        return;
    RF_LOGF(RF_LOG_WARN, "call.not_restored", "a call that was up before the restart could not be taken over",
            RF_F_STR("call", item.name), RF_F_STR("reason", rf_err_name(err)));
    drop.key = rf_span_str(item.name);
    if (err != RF_ERR_NOMEM && rf_store_write(w->shared->store, &drop, 1, NULL, NULL, 0) != RF_OK)
        RF_REFUSE(STORE_FAILED, RF_F_STR("reason", "the queue of the store is full"));
}

static void
take_transfer(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_head head;

    memcpy(&head, letter.p, sizeof head);
    rf_call_letter(w->calls, (uint16_t)head.from, behind_head(letter), now_us);
}

static void
take_sweep(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_media_request sweep = { .command = RF_MEDIA_SWEEP };

    if (rf_media_client_send(w->media, &sweep, now_us) != RF_OK)
        RF_LOGF(RF_LOG_WARN, "media.not_swept", "media was not told which sessions are over");
}

static void
take_lamp(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_lamp lamp;

    memcpy(&lamp, letter.p, sizeof lamp);
    rf_event_changed(w->events, lamp.user, now_us);
}

static void
take_subscription(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_item item;

    memcpy(&item, letter.p, sizeof item);
    if (rf_event_restore(w->events, rf_span_str(item.name), rf_span_sub(letter, sizeof item, letter.n), now_us) !=
        RF_OK)
        RF_LOGF(RF_LOG_WARN, "subscription.not_restored",
                "a subscription of before the restart could not be taken over");
}

static void
take_stop(struct rf_worker *w, struct rf_span letter, uint64_t now_us)
{
    rf_call_hangup_all(w->calls, now_us);
}

/* By kind; the others are for other threads. */
static void (*const take[])(struct rf_worker *w, struct rf_span letter, uint64_t now_us) = {
    [RF_LETTER_MESSAGE] = take_message,   [RF_LETTER_FLOW] = take_flow,
    [RF_LETTER_WANT] = take_want,         [RF_LETTER_CARD] = take_card,
    [RF_LETTER_SITE] = take_site,         [RF_LETTER_LISTEN] = take_listener,
    [RF_LETTER_UNLISTEN] = take_unlisten, [RF_LETTER_ASK] = take_question,
    [RF_LETTER_RESTORE] = take_call,      [RF_LETTER_TRANSFER] = take_transfer,
    [RF_LETTER_SWEEP] = take_sweep,       [RF_LETTER_STOP] = take_stop,
    [RF_LETTER_LAMP] = take_lamp,         [RF_LETTER_SUBSCRIPTION] = take_subscription,
    [RF_LETTER_PASSED] = take_passed,
};

void
rf_worker_letter(void *ctx, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_head head;

    if (letter.n < sizeof head)
        return;
    memcpy(&head, letter.p, sizeof head);
    if (head.kind < sizeof take / sizeof *take && take[head.kind] != NULL)
        take[head.kind](ctx, letter, now_us);
}
