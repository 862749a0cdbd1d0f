#include "main/letters.h"

#include <string.h>
#include <unistd.h>

#include "loop/mailbox.h"
#include "main/site.h"

static void
drop(void *ctx, struct rf_span letter, uint64_t now_us)
{
    struct rf_letter_head head;
    struct rf_letter_site site;
    struct rf_letter_listen listen;
    struct rf_letter_told told;

    memcpy(&head, letter.p, sizeof head);
    switch ((enum rf_letter_kind)head.kind) {
    case RF_LETTER_SITE:
        memcpy(&site, letter.p, sizeof site);
        rf_site_unref(site.site);
        break;
    case RF_LETTER_LISTEN:
        memcpy(&listen, letter.p, sizeof listen);
        close(listen.fd);
        break;
    case RF_LETTER_TOLD:
        memcpy(&told, letter.p, sizeof told);
        json_decref(told.answer);
        break;
    default: /* they own nothing */
        break;
    }
}

void
rf_letters_drop(struct rf_mailbox *m)
{
    if (m != NULL)
        rf_mailbox_empty(m, drop, NULL);
}
