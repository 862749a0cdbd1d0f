/*
 * What a voice mail system says, what the store gives back, and what a display name may hold. The first octet chooses.
 * A summary that is read is written and read again; a dialog-info holds no octet that would end it early, whatever goes
 * in.
 */
#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
summary(struct rf_span s)
{
    char mem[1024];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_message_counts m, again;

    if (rf_summary_parse(s, &m) != RF_OK)
        return;
    rf_assert(m.fresh <= RF_MESSAGES_MAX && m.old <= RF_MESSAGES_MAX);
    rf_summary_put(&b, "pbx.example", "201", &m);
    rf_assert(!b.overflow && rf_summary_parse(rf_buf_span(&b), &again) == RF_OK);
    rf_assert(memcmp(&m, &again, sizeof m) == 0);
}

static void
mailbox(struct rf_span s)
{
    char mem[1024];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    struct rf_mailbox_state m, again;

    if (rf_mailbox_parse(s, &m) != RF_OK)
        return;
    rf_mailbox_put(&b, &m);
    rf_assert(!b.overflow && rf_mailbox_parse(rf_buf_span(&b), &again) == RF_OK);
    rf_assert(memcmp(&m.counts, &again.counts, sizeof m.counts) == 0 && m.until_s == again.until_s);
}

static void
xml(struct rf_span s)
{
    static char mem[8 * 4096];
    struct rf_call_dialog d = { .state = RF_DIALOG_EARLY };
    struct rf_dialog_info info = { .domain = "pbx.example", .user = "201", .is_full = true, .dialog = &d, .count = 1 };
    struct rf_buf b = rf_buf(mem, sizeof mem);
    size_t opened = 0, closed = 0, quotes = 0;

    (void)!rf_span_copy(rf_span_sub(s, 0, sizeof d.remote_display - 1), d.remote_display, sizeof d.remote_display);
    (void)!rf_span_copy(rf_span_sub(s, 7, sizeof d.call_id - 1), d.call_id, sizeof d.call_id);
    (void)!rf_span_copy(rf_span_sub(s, 3, sizeof d.remote_user - 1), d.remote_user, sizeof d.remote_user);
    rf_dialog_info_put(&b, &info);
    rf_assert(!b.overflow);
    for (size_t i = 0; i < b.n; i++) {
        opened += mem[i] == '<';
        closed += mem[i] == '>';
        quotes += mem[i] == '"';
        rf_assert((unsigned char)mem[i] >= 0x20 || mem[i] == '\r' || mem[i] == '\n');
    }
    rf_assert(opened == closed && quotes % 2 == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rf_hash_key key = { { 1, 2 } };
    struct rf_span rest = rf_span((const char *)data + 1, size > 0 ? size - 1 : 0);

    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        summary(rest);
        break;
    case 1:
        mailbox(rest);
        break;
    case 2:
        rf_assert(rf_event_saved_owner(&key, rest, 4) < 4);
        break;
    default:
        xml(rest);
    }
    return 0;
}
