#include "event/body.h"

#include "base/cursor.h"

/* --- XML --- */

/* Octets of the character that p begins with; 0: it is no UTF-8, or none that XML 1.0 has (2.2). */
static size_t
character(struct rf_span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    uint32_t c;

    if (n == 0 || n > s.n)
        return 0;
    c = n == 1 ? p[0] : p[0] & (0x3fu >> (n - 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000) ||
        c == 0xfffe || c == 0xffff || c < 0x20 || c == 0x7f)
        return 0;
    return n;
}

void
rf_xml_put(struct rf_buf *b, struct rf_span text)
{
    while (text.n > 0) {
        size_t n = character(text);

        switch (text.p[0]) {
        case '<':
            rf_put_str(b, "&lt;");
            break;
        case '>':
            rf_put_str(b, "&gt;");
            break;
        case '&':
            rf_put_str(b, "&amp;");
            break;
        case '"':
            rf_put_str(b, "&quot;");
            break;
        case '\'':
            rf_put_str(b, "&apos;");
            break;
        default:
            if (n == 0)
                rf_put_char(b, '?');
            else
                rf_put(b, rf_span_sub(text, 0, n));
        }
        text = rf_span_sub(text, n > 0 ? n : 1, text.n);
    }
}

static void
put_attribute(struct rf_buf *b, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    rf_putf(b, " %s=\"", name);
    rf_xml_put(b, rf_span_str(value));
    rf_put_char(b, '"');
}

static void
put_uri(struct rf_buf *b, const char *user, const char *domain)
{
    char text[3 * 64 + 300];
    struct rf_buf uri = rf_buf(text, sizeof text);

    rf_call_put_aor(&uri, rf_span_str(user), domain);
    rf_xml_put(b, rf_buf_span(&uri));
}

/* --- dialog-info --- */

static const char *
state_name(enum rf_call_dialog_state s)
{
    switch (s) {
    case RF_DIALOG_TRYING:
        return "trying";
    case RF_DIALOG_EARLY:
        return "early";
    case RF_DIALOG_CONFIRMED:
        return "confirmed";
    default:
        return "terminated";
    }
}

/* Its identity and where it is reached, which here are the same: our own addresses. */
static void
put_party(struct rf_buf *b, const char *which, const char *user, const char *display, const char *domain)
{
    rf_putf(b, "<%s><identity", which);
    put_attribute(b, "display", display);
    rf_put_char(b, '>');
    put_uri(b, user, domain);
    rf_put_str(b, "</identity><target uri=\"");
    put_uri(b, user, domain);
    rf_putf(b, "\"/></%s>\r\n", which);
}

static void
put_dialog(struct rf_buf *b, const struct rf_dialog_info *info, const struct rf_call_dialog *d)
{
    rf_put_str(b, "<dialog");
    put_attribute(b, "id", d->id);
    put_attribute(b, "call-id", d->call_id);
    put_attribute(b, "local-tag", d->local_tag);
    put_attribute(b, "remote-tag", d->remote_tag);
    put_attribute(b, "direction", d->is_caller ? "initiator" : "recipient");
    rf_putf(b, ">\r\n<state>%s</state>\r\n", state_name(d->state));
    put_party(b, "local", info->user, "", info->domain);
    if (d->remote_user[0] != '\0') /* not so of a caller who hides his number */
        put_party(b, "remote", d->remote_user, d->remote_display, info->domain);
    rf_put_str(b, "</dialog>\r\n");
}

void
rf_dialog_info_put(struct rf_buf *b, const struct rf_dialog_info *d)
{
    rf_putf(b,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"%u\" state=\"%s\" entity=\"",
            (unsigned)d->version, d->is_full ? "full" : "partial");
    put_uri(b, d->user, d->domain);
    rf_put_str(b, "\">\r\n");
    for (size_t i = 0; i < d->count; i++)
        put_dialog(b, d, &d->dialog[i]);
    for (size_t i = 0; i < d->ended_count; i++) {
        rf_put_str(b, "<dialog");
        put_attribute(b, "id", d->ended[i]);
        rf_put_str(b, "><state>terminated</state></dialog>\r\n");
    }
    rf_put_str(b, "</dialog-info>\r\n");
}

/* --- message-summary --- */

void
rf_summary_put(struct rf_buf *b, const char *domain, const char *user, const struct rf_message_counts *m)
{
    rf_putf(b, "Messages-Waiting: %s\r\nMessage-Account: ", m->fresh > 0 ? "yes" : "no");
    rf_call_put_aor(b, rf_span_str(user), domain);
    rf_putf(b, "\r\nVoice-Message: %u/%u (%u/%u)\r\n", (unsigned)m->fresh, (unsigned)m->old, (unsigned)m->urgent_fresh,
            (unsigned)m->urgent_old);
}

/* newmsgs SLASH oldmsgs [ LPAREN new-urgentmsgs SLASH old-urgentmsgs RPAREN ] */
static enum rf_err
counts_parse(struct rf_span value, struct rf_message_counts *out)
{
    struct rf_cursor c = rf_cur(value);

    out->fresh = (uint32_t)rf_cur_u64(&c, RF_MESSAGES_MAX);
    rf_cur_sws(&c);
    rf_cur_expect(&c, '/');
    rf_cur_sws(&c);
    out->old = (uint32_t)rf_cur_u64(&c, RF_MESSAGES_MAX);
    rf_cur_sws(&c);
    out->urgent_fresh = out->urgent_old = 0;
    if (rf_cur_accept(&c, '(')) {
        rf_cur_sws(&c);
        out->urgent_fresh = (uint32_t)rf_cur_u64(&c, RF_MESSAGES_MAX);
        rf_cur_sws(&c);
        rf_cur_expect(&c, '/');
        rf_cur_sws(&c);
        out->urgent_old = (uint32_t)rf_cur_u64(&c, RF_MESSAGES_MAX);
        rf_cur_sws(&c);
        rf_cur_expect(&c, ')');
        rf_cur_sws(&c);
    }
    return rf_cur_done(&c);
}

/* message-summary = msg-status-line *(msg-summary-line) [ *opt-msg-headers ]     RFC 3842 5.2 */
enum rf_err
rf_summary_parse(struct rf_span text, struct rf_message_counts *out)
{
    bool has_status = false, waits = false, has_counts = false;

    *out = (struct rf_message_counts){ 0 };
    while (text.n > 0) {
        size_t end = rf_span_find(text, '\n'), colon;
        struct rf_span line = rf_span_trim(rf_span_sub(text, 0, end)), name, value;

        text = rf_span_sub(text, end + 1, text.n);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line = rf_span_trim(rf_span_sub(line, 0, line.n - 1));
        if (line.n == 0)
            continue; /* after it come headers of single messages */
        colon = rf_span_find(line, ':');
        name = rf_span_trim(rf_span_sub(line, 0, colon));
        value = rf_span_trim(rf_span_sub(line, colon + 1, line.n));
        if (!has_status) {
            if (!rf_span_iis(name, "Messages-Waiting") || !(rf_span_iis(value, "yes") || rf_span_iis(value, "no")))
                return RF_ERR_SYNTAX;
            has_status = true;
            waits = rf_span_iis(value, "yes");
        } else if (rf_span_iis(name, "Voice-Message") && !has_counts) {
            enum rf_err err = counts_parse(value, out);

            if (err)
                return err;
            has_counts = true;
        }
    }
    if (!has_status)
        return RF_ERR_SYNTAX;
    if (!has_counts)
        out->fresh = waits;
    return RF_OK;
}
