/* What the other threads of this process write to a worker (main/letters.h), on the worker's thread. */
#include "main/worker.h"

#include "base/log.h"

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

/* An INVITE of somebody whom the sender has judged. */
static void
take_passed(struct rf_worker *w, struct rf_span octets, uint64_t now_us)
{
    struct rf_letter_passed passed;

    memcpy(&passed, octets.p, sizeof passed);
    rf_call_pass_begin(w->calls, &passed.who);
    rf_worker_take_message(w, &passed.message.flow, rf_span_sub(octets, sizeof passed, octets.n), now_us);
    rf_call_pass_end(w->calls, &w->msg);
}

static void
take_listening(struct rf_worker *w, struct rf_span octets, bool begins)
{
    struct rf_letter_listen listen;

    memcpy(&listen, octets.p, sizeof listen);
    if (begins)
        rf_worker_take_listener(w, &listen);
    else
        rf_transport_unlisten(w->transport, listen.id);
}

/* Another worker asks for a way, or has found one. */
static void
take_card(struct rf_worker *w, struct rf_span octets, bool is_asked, uint64_t now_us)
{
    struct rf_letter_card card;

    memcpy(&card, octets.p, sizeof card);
    if (is_asked)
        rf_paths_want(w->paths, &card);
    else
        rf_paths_card(w->paths, &card, now_us);
}

/* A call or a subscription of the process before this one. */
static void
take_saved(struct rf_worker *w, struct rf_span octets, bool is_call, uint64_t now_us)
{
    struct rf_letter_item item;

    if (is_call) {
        if (rf_call_restore(w->calls, rf_span_sub(octets, sizeof(struct rf_letter_head), octets.n), now_us) != RF_OK)
            RF_LOGF(RF_LOG_WARN, "call.not_restored", "a call that was up before the restart could not be taken over");
        return;
    }
    memcpy(&item, octets.p, sizeof item);
    if (rf_event_restore(w->events, rf_span_str(item.name), rf_span_sub(octets, sizeof item, octets.n), now_us) != RF_OK)
        RF_LOGF(RF_LOG_WARN, "subscription.not_restored", "a subscription of before the restart could not be taken over");
}

/* All calls that go on have been told to media: what else it has is over. */
static void
sweep_media(struct rf_worker *w, uint64_t now_us)
{
    struct rf_media_request sweep = { .command = RF_MEDIA_SWEEP };

    if (rf_media_client_send(w->media, &sweep, now_us) != RF_OK)
        RF_LOGF(RF_LOG_WARN, "media.not_swept", "media was not told which sessions are over");
}

void
rf_worker_letter(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_letter_head head;
    struct rf_letter_message message;
    struct rf_letter_site site;
    struct rf_letter_ask ask;
    struct rf_letter_lamp lamp;

    if (octets.n < sizeof head)
        return;
    memcpy(&head, octets.p, sizeof head);
    switch ((enum rf_letter_kind)head.kind) {
    case RF_LETTER_MESSAGE:
        memcpy(&message, octets.p, sizeof message);
        rf_worker_take_message(w, &message.flow, rf_span_sub(octets, sizeof message, octets.n), now_us);
        break;
    case RF_LETTER_PASSED:
        take_passed(w, octets, now_us);
        break;
    case RF_LETTER_WANT:
    case RF_LETTER_CARD:
        take_card(w, octets, head.kind == RF_LETTER_WANT, now_us);
        break;
    case RF_LETTER_FLOW:
        rf_remote_letter(w->remotes, rf_span_sub(octets, sizeof head, octets.n), now_us);
        break;
    case RF_LETTER_SITE:
        memcpy(&site, octets.p, sizeof site);
        rf_worker_take_site(w, site.site);
        break;
    case RF_LETTER_LISTEN:
    case RF_LETTER_UNLISTEN:
        take_listening(w, octets, head.kind == RF_LETTER_LISTEN);
        break;
    case RF_LETTER_ASK:
        memcpy(&ask, octets.p, sizeof ask);
        take_question(w, &ask, now_us);
        break;
    case RF_LETTER_RESTORE:
    case RF_LETTER_SUBSCRIPTION:
        take_saved(w, octets, head.kind == RF_LETTER_RESTORE, now_us);
        break;
    case RF_LETTER_TRANSFER:
        rf_call_letter(w->calls, (uint16_t)head.from, rf_span_sub(octets, sizeof head, octets.n), now_us);
        break;
    case RF_LETTER_SWEEP:
        sweep_media(w, now_us);
        break;
    case RF_LETTER_LAMP:
        memcpy(&lamp, octets.p, sizeof lamp);
        rf_event_changed(w->events, lamp.user, now_us);
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
