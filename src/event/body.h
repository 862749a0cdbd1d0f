/*
 * event/body.h - the bodies of NOTIFY and PUBLISH: dialog-info (RFC 4235), simple-message-summary (RFC 3842)
 *
 * Threads: plain functions.
 */
#ifndef RF_EVENT_BODY_H
#define RF_EVENT_BODY_H

#include "base/buf.h"
#include "call/call.h"

/* --- application/dialog-info+xml --- */

struct rf_dialog_info {
    const char *domain, *user;           /* whose dialogs */
    uint32_t version;                    /* one more with each document of a subscription */
    bool is_full;                        /* otherwise only what is new since the document before */
    const struct rf_call_dialog *dialog;
    size_t count;
    const char (*ended)[RF_CALL_DIALOG_ID]; /* ids of dialogs that the watcher knows and that are over */
    size_t ended_count;
};

/**
 * Text that peers chose (display names, Call-IDs) is written as XML whatever it holds: marks are escaped, octets that
 * are not UTF-8 and characters that XML does not have become '?'.
 */
void rf_dialog_info_put(struct rf_buf *b, const struct rf_dialog_info *d);

/** One text between marks or within quotes. */
void rf_xml_put(struct rf_buf *b, struct rf_span text);

/* --- application/simple-message-summary --- */

struct rf_message_counts {
    uint32_t fresh, old;               /* voice messages */
    uint32_t urgent_fresh, urgent_old; /* of these, those that are urgent */
};
#define RF_MESSAGES_MAX 99999u

void rf_summary_put(struct rf_buf *b, const char *domain, const char *user, const struct rf_message_counts *m);

/**
 * Read one. Counts of other kinds (fax, text) are passed over. "Messages-Waiting: yes" alone is one message: some voice
 * mail systems count no further.
 * @return RF_ERR_SYNTAX: it does not begin with Messages-Waiting, or counts are no numbers; RF_ERR_RANGE: too many
 */
RF_MUST_CHECK enum rf_err rf_summary_parse(struct rf_span text, struct rf_message_counts *out);

#endif
