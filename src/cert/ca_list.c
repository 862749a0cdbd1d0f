#include "cert/ca_list.h"

#include <openssl/bio.h>
#include <stdio.h>
#include <stdlib.h>

/* rf_cert_file_read takes no more. Some 8000 certificates: a phone each, and each of them anew every year. */
#define OCTETS_MAX RF_CERT_FILE_MAX

static const char head[] =
    "# certificates of this authority: serial, from, until, revoked, reason, use, name, names\n";

static const char *const uses[] = {"none", "client", "server", "both"};

/* --- a line --- */

/* The next field of a line, up to a tab. */
static struct rf_span
take_field(struct rf_span *line)
{
    size_t n = rf_span_find(*line, '\t');
    struct rf_span field = rf_span_sub(*line, 0, n);

    *line = rf_span_sub(*line, n + 1, line->n);
    return field;
}

static bool
take_number(struct rf_span *line, int64_t *out)
{
    uint64_t n;

    if (rf_span_u64(take_field(line), INT64_MAX, &n) != RF_OK)
        return false;
    *out = (int64_t)n;
    return true;
}

static bool
take_use(struct rf_span *line, unsigned *out)
{
    struct rf_span f = take_field(line);

    for (unsigned i = 0; i < sizeof uses / sizeof *uses; i++) {
        if (rf_span_is(f, uses[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool
is_hex(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr("0123456789abcdef", s.p[i]) == NULL || s.p[i] == '\0')
            return false;
    return s.n > 0;
}

static bool
parse_line(struct rf_span line, struct rf_ca_record *r)
{
    struct rf_span serial = take_field(&line);
    int64_t from, until, revoked;

    memset(r, 0, sizeof *r);
    if (!is_hex(serial) || rf_span_copy(serial, r->serial, sizeof r->serial) != RF_OK ||
        !take_number(&line, &from) || !take_number(&line, &until) || !take_number(&line, &revoked) ||
        rf_ca_reason_find(take_field(&line), &r->reason) != RF_OK || !take_use(&line, &r->use) ||
        rf_span_copy(take_field(&line), r->name, sizeof r->name) != RF_OK || r->name[0] == '\0' ||
        rf_span_copy(take_field(&line), r->names, sizeof r->names) != RF_OK || line.n > 0)
        return false;
    r->from = from;
    r->until = until;
    r->revoked = revoked;
    return true;
}

static int
format_line(const struct rf_ca_record *r, char *out, size_t size)
{
    return snprintf(out, size, "%s\t%lld\t%lld\t%lld\t%s\t%s\t%s\t%s\n", r->serial, (long long)r->from,
                    (long long)r->until, (long long)r->revoked, rf_ca_reason_name(r->reason),
                    uses[r->use & 3], r->name, r->names);
}

/* --- the list --- */

static enum rf_err
make_room(struct rf_ca_list *list)
{
    size_t cap = list->cap > 0 ? 2 * list->cap : 16;
    struct rf_ca_record *more;

    if (list->count < list->cap)
        return RF_OK;
    more = realloc(list->record, cap * sizeof *more);
    if (more == NULL)
        return RF_ERR_NOMEM;
    list->record = more;
    list->cap = cap;
    return RF_OK;
}

enum rf_err
rf_ca_list_parse(struct rf_ca_list *list, struct rf_span text, struct rf_cert_problem *problem)
{
    memset(list, 0, sizeof *list);
    list->octets = sizeof head - 1;
    for (size_t number = 1; text.n > 0; number++) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        struct rf_span line = rf_span_sub(text, 0, n);
        enum rf_err err;

        text = rf_span_sub(text, n + 1, text.n);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        err = make_room(list);
        if (!err && (end == NULL || !parse_line(line, &list->record[list->count]))) {
            snprintf(problem->text, sizeof problem->text,
                     RF_CA_LIST_FILE ":%zu: this line cannot be understood", number);
            err = RF_ERR_SYNTAX;
        }
        if (err) {
            rf_ca_list_fini(list);
            return err;
        }
        list->count++;
        list->octets += n + 1;
    }
    return RF_OK;
}

enum rf_err
rf_ca_list_load(struct rf_ca_list *list, const char *dir, struct rf_cert_problem *problem)
{
    char path[600], *text;
    enum rf_err err;
    size_t n;

    memset(list, 0, sizeof *list);
    list->octets = sizeof head - 1;
    snprintf(path, sizeof path, "%s/" RF_CA_LIST_FILE, dir);
    err = rf_cert_file_read(path, false, &text, &n, problem);
    if (err == RF_ERR_NOT_FOUND) {
        problem->text[0] = '\0';
        return RF_OK;
    }
    if (err)
        return err;
    err = rf_ca_list_parse(list, rf_span(text, n), problem);
    if (err == RF_ERR_SYNTAX) {
        char why[sizeof problem->text];

        memcpy(why, problem->text, sizeof why);
        snprintf(problem->text, sizeof problem->text, "%.100s/%.90s", dir, why); /* "DIR/issued:3: ..." */
    }
    free(text);
    return err;
}

void
rf_ca_list_fini(struct rf_ca_list *list)
{
    free(list->record);
    memset(list, 0, sizeof *list);
}

static void
remove_at(struct rf_ca_list *list, size_t i)
{
    char line[RF_CA_NAMES_TEXT + 512];

    list->octets -= (size_t)format_line(&list->record[i], line, sizeof line);
    memmove(&list->record[i], &list->record[i + 1], (list->count - i - 1) * sizeof *list->record);
    list->count--;
}

enum rf_err
rf_ca_list_add(struct rf_ca_list *list, const struct rf_ca_record *r, int64_t wall_s)
{
    char line[RF_CA_NAMES_TEXT + 512];
    size_t n = (size_t)format_line(r, line, sizeof line);

    for (size_t i = 0; list->octets + n > OCTETS_MAX && i < list->count;)
        if (list->record[i].until < wall_s)
            remove_at(list, i);
        else
            i++;
    if (list->octets + n > OCTETS_MAX)
        return RF_ERR_RANGE;
    if (make_room(list) != RF_OK)
        return RF_ERR_NOMEM;
    list->record[list->count++] = *r;
    list->octets += n;
    return RF_OK;
}

void
rf_ca_list_undo(struct rf_ca_list *list)
{
    remove_at(list, list->count - 1);
}

struct rf_ca_record *
rf_ca_list_find(const struct rf_ca_list *list, const char *serial)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->record[i].serial, serial) == 0)
            return &list->record[i];
    return NULL;
}

BIO *
rf_ca_list_text(const struct rf_ca_list *list)
{
    BIO *out = BIO_new(BIO_s_mem());
    bool good = out != NULL && BIO_puts(out, head) > 0;

    for (size_t i = 0; good && i < list->count; i++) {
        char line[RF_CA_NAMES_TEXT + 512];
        int n = format_line(&list->record[i], line, sizeof line);

        good = BIO_write(out, line, n) == n;
    }
    if (!good) {
        BIO_free(out);
        return NULL;
    }
    return out;
}

/* --- reasons --- */

static const struct {
    enum rf_ca_reason reason;
    const char *name;
} reasons[] = {
    {RF_CA_UNSPECIFIED, "unspecified"},  {RF_CA_KEY_COMPROMISE, "key-compromise"},
    {RF_CA_SUPERSEDED, "superseded"},    {RF_CA_AFFILIATION_CHANGED, "affiliation-changed"},
    {RF_CA_CESSATION, "no-longer-used"},
};

const char *
rf_ca_reason_name(enum rf_ca_reason reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].reason == reason)
            return reasons[i].name;
    return reasons[0].name;
}

enum rf_err
rf_ca_reason_find(struct rf_span name, enum rf_ca_reason *out)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (rf_span_is(name, reasons[i].name)) {
            *out = reasons[i].reason;
            return RF_OK;
        }
    }
    return RF_ERR_NOT_FOUND;
}
