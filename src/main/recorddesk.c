/*
 * main/recorddesk.c - calls.ended: records of calls that ended, by who, what and when, in pages
 *
 * A page is bounded, so that a list of 100,000 records is many short answers: commands, calls and registrations go on
 * between them. Who reads on names the last record he has.
 */
#include "main/desk.h"

#define PAGE_MAX 200 /* records of about 4 kB: less than a MB, made in some 10 ms */

static const char *
text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

/* The ladder stays where it is: it is most of a record, and `ladder ID` shows it. */
static bool
put_record(void *ctx, struct rf_span call, struct rf_span number, struct rf_span value, int64_t began_s)
{
    json_t *record = json_loadb(value.p, value.n, 0, NULL);
    uint64_t n = 0;

    if (record == NULL)
        return true;
    json_object_del(record, "ladder");
    json_object_del(record, "ladder_more");
    (void)!rf_span_u64(number, INT64_MAX, &n);
    json_object_set_new(record, "record", json_integer((json_int_t)n));
    json_array_append_new(ctx, record);
    return true;
}

static void
calls_ended(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request)
{
    const json_int_t limit = json_integer_value(json_object_get(request, "limit"));
    const struct rf_store_search by = {
        .user = rf_span_str(text_of(request, "user")),
        .number = rf_span_str(text_of(request, "number")),
        .connection = rf_span_str(text_of(request, "connection")),
        .verdict = rf_span_str(text_of(request, "verdict")),
        .code = rf_span_str(text_of(request, "code")),
        .from_s = json_integer_value(json_object_get(request, "from")),
        .until_s = json_integer_value(json_object_get(request, "until")),
        .before = json_integer_value(json_object_get(request, "before")),
        .limit = limit > 0 && limit < PAGE_MAX ? (int)limit : PAGE_MAX,
    };
    json_t *rows = json_array();

    if (rf_store_search_records(d->conf.shared->store, &by, put_record, rows) == RF_OK) {
        rf_control_answer(ask, rows);
        return;
    }
    json_decref(rows);
    rf_control_refuse(ask, 1, "", "the call records cannot be read from the store", "ringfence log");
}

bool
rf_desk_record_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    if (strcmp(command, "calls.ended") != 0)
        return false;
    calls_ended(d, ask, request);
    return true;
}
