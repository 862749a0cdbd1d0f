#include "acme/answer.h"

#include <jansson.h>
#include <stdio.h>

#include "http/date.h"

#define ERROR_PREFIX "urn:ietf:params:acme:error:"

/* --- pieces --- */

bool
rf_acme_url_is_valid(struct rf_span url)
{
    if (!rf_span_starts(url, "https://") || url.n < 10 || url.n >= RF_ACME_URL_MAX)
        return false;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '"' || url.p[i] == '\\')
            return false;
    return true;
}

static struct rf_span
text_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    return json_is_string(v) ? rf_span(json_string_value(v), json_string_length(v)) : rf_span(NULL, 0);
}

/* A URL, or RF_ERR_SYNTAX; what is missing is "" and RF_OK unless it must be there. */
static enum rf_err
take_url(const json_t *object, const char *key, bool must, char out[static RF_ACME_URL_MAX])
{
    struct rf_span s = text_of(object, key);

    out[0] = '\0';
    if (s.n == 0)
        return must ? RF_ERR_SYNTAX : RF_OK;
    if (!rf_acme_url_is_valid(s))
        return RF_ERR_RANGE;
    return rf_span_copy(s, out, RF_ACME_URL_MAX);
}

/* For people: clipped, on one line. */
static void
take_words(struct rf_span s, char *out, size_t size)
{
    struct rf_buf b = rf_buf(out, size - 1);

    for (size_t i = 0; i < s.n && b.n < b.cap; i++)
        rf_put_char(&b, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i]);
    out[b.n] = '\0';
}

static json_t *
object_of(struct rf_span json)
{
    json_t *o = json.n > 0 && json.n <= RF_ACME_JSON_MAX ? json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL)
                                                        : NULL;

    if (o != NULL && !json_is_object(o)) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

static enum rf_acme_status
status_of(const json_t *object)
{
    static const struct {
        const char *name;
        enum rf_acme_status status;
    } rows[] = {
        { "pending", RF_ACME_PENDING }, { "ready", RF_ACME_READY },           { "processing", RF_ACME_PROCESSING },
        { "valid", RF_ACME_VALID },     { "invalid", RF_ACME_INVALID },       { "deactivated", RF_ACME_DEACTIVATED },
        { "expired", RF_ACME_EXPIRED }, { "revoked", RF_ACME_REVOKED },
    };
    struct rf_span s = text_of(object, "status");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rf_span_is(s, rows[i].name))
            return rows[i].status;
    return RF_ACME_UNKNOWN;
}

/* --- directory --- */

static void
take_profiles(const json_t *meta, struct rf_acme_directory *out)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(meta, "profiles"), name, value) {
        if (out->profile_count == RF_ACME_PROFILES_MAX)
            return;
        if (rf_span_copy(rf_span_str(name), out->profile[out->profile_count], RF_ACME_PROFILE_MAX) == RF_OK)
            out->profile_count++;
    }
}

enum rf_err
rf_acme_directory_read(struct rf_span json, struct rf_acme_directory *out)
{
    json_t *o = object_of(json);
    const json_t *meta = json_object_get(o, "meta");
    const struct {
        const char *key;
        char *to;
        bool must;
    } urls[] = {
        { "newNonce", out->new_nonce, true },      { "newAccount", out->new_account, true },
        { "newOrder", out->new_order, true },      { "revokeCert", out->revoke_cert, false },
        { "keyChange", out->key_change, false },   { "renewalInfo", out->renewal_info, false },
    };
    enum rf_err err = o != NULL ? RF_OK : RF_ERR_SYNTAX;

    *out = (struct rf_acme_directory){ 0 };
    for (size_t i = 0; !err && i < sizeof urls / sizeof *urls; i++)
        err = take_url(o, urls[i].key, urls[i].must, urls[i].to);
    if (!err) {
        take_words(text_of(meta, "termsOfService"), out->terms, sizeof out->terms);
        out->wants_external_account = json_is_true(json_object_get(meta, "externalAccountRequired"));
        take_profiles(meta, out);
    }
    json_decref(o);
    return err;
}

/* --- problems --- */

static void
take_problem(const json_t *o, struct rf_acme_problem *out)
{
    const json_t *sub = json_array_get(json_object_get(o, "subproblems"), 0);
    struct rf_span type = text_of(o, "type"), detail = text_of(o, "detail");
    char mem[1024];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    if (rf_span_starts(type, ERROR_PREFIX))
        take_words(rf_span_sub(type, sizeof ERROR_PREFIX - 1, type.n), out->type, sizeof out->type);
    rf_put(&b, rf_span_sub(detail, 0, sizeof mem / 2));
    if (sub != NULL) {
        rf_put_str(&b, b.n > 0 ? "; " : "");
        rf_put(&b, rf_span_sub(text_of(json_object_get(sub, "identifier"), "value"), 0, RF_ACME_NAME_MAX));
        rf_put_str(&b, ": ");
        detail = text_of(sub, "detail");
        rf_put(&b, rf_span_sub(detail, 0, b.cap - b.n));
    }
    if (b.n == 0)
        rf_put(&b, out->type[0] != '\0' ? rf_span_str(out->type) : rf_span_sub(type, 0, sizeof mem));
    take_words(rf_buf_span(&b), out->detail, sizeof out->detail);
    if (json_is_integer(json_object_get(o, "status")))
        out->status = (int)json_integer_value(json_object_get(o, "status"));
}

void
rf_acme_problem_read(struct rf_span json, int http_status, struct rf_acme_problem *out)
{
    json_t *o = object_of(json);

    *out = (struct rf_acme_problem){ .status = http_status };
    if (o != NULL)
        take_problem(o, out);
    if (out->detail[0] == '\0')
        snprintf(out->detail, sizeof out->detail, "the server answered with HTTP status %d", http_status);
    json_decref(o);
}

/* --- orders --- */

enum rf_err
rf_acme_order_read(struct rf_span json, struct rf_acme_order *out)
{
    json_t *o = object_of(json);
    const json_t *list = json_object_get(o, "authorizations"), *error = json_object_get(o, "error");
    enum rf_err err = o != NULL && json_is_array(list) ? RF_OK : RF_ERR_SYNTAX;

    *out = (struct rf_acme_order){ .status = status_of(o) };
    if (!err)
        err = take_url(o, "finalize", true, out->finalize);
    if (!err)
        err = take_url(o, "certificate", false, out->certificate);
    if (!err && json_array_size(list) > RF_ACME_NAMES_MAX)
        err = RF_ERR_RANGE;
    for (size_t i = 0; !err && i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        struct rf_span url = json_is_string(v) ? rf_span_str(json_string_value(v)) : rf_span(NULL, 0);

        if (!rf_acme_url_is_valid(url))
            err = RF_ERR_RANGE;
        else
            err = rf_span_copy(url, out->authz[out->authz_count++], RF_ACME_URL_MAX);
    }
    if (!err && out->status == RF_ACME_UNKNOWN)
        err = RF_ERR_SYNTAX;
    if (!err && json_is_object(error)) {
        out->has_problem = true;
        take_problem(error, &out->problem);
    }
    json_decref(o);
    return err;
}

const char *
rf_acme_challenge_name(enum rf_acme_challenge_kind kind)
{
    return kind == RF_ACME_TLS_ALPN_01 ? "tls-alpn-01" : "http-01";
}

/* token = 22*128( ALPHA / DIGIT / "-" / "_" )                 RFC 8555 8.1 */
static bool
is_token(struct rf_span s)
{
    if (s.n < 22 || s.n >= RF_ACME_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static enum rf_err
take_challenge(const json_t *c, struct rf_acme_authz *out)
{
    struct rf_span type = text_of(c, "type"), token = text_of(c, "token");
    const json_t *error = json_object_get(c, "error");
    enum rf_err err;

    if (json_is_object(error) && !out->has_problem) {
        out->has_problem = true;
        take_problem(error, &out->problem);
    }
    for (int k = 0; k < RF_ACME_CHALLENGES; k++) {
        struct rf_acme_challenge *to = &out->challenge[k];

        if (!rf_span_is(type, rf_acme_challenge_name((enum rf_acme_challenge_kind)k)))
            continue;
        if (!is_token(token))
            return RF_ERR_SYNTAX;
        err = take_url(c, "url", true, to->url);
        if (!err)
            err = rf_span_copy(token, to->token, sizeof to->token);
        to->is_offered = !err;
        to->status = status_of(c);
        return err;
    }
    return RF_OK; /* dns-01 and what is yet to come */
}

enum rf_err
rf_acme_authz_read(struct rf_span json, struct rf_acme_authz *out)
{
    json_t *o = object_of(json);
    const json_t *list = json_object_get(o, "challenges");
    enum rf_err err = o != NULL && json_is_array(list) ? RF_OK : RF_ERR_SYNTAX;

    *out = (struct rf_acme_authz){ .status = status_of(o) };
    if (!err)
        err = rf_span_copy(text_of(json_object_get(o, "identifier"), "value"), out->name, sizeof out->name);
    if (!err && (!rf_acme_name_is_valid(rf_span_str(out->name)) || json_array_size(list) > 32))
        err = RF_ERR_RANGE;
    for (size_t i = 0; !err && i < json_array_size(list); i++)
        err = take_challenge(json_array_get(list, i), out);
    if (!err && out->status == RF_ACME_UNKNOWN)
        err = RF_ERR_SYNTAX;
    json_decref(o);
    return err;
}

/* --- times --- */

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t
days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static unsigned
two_digits(const char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9'
               ? (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0')
               : 1000;
}

/* date-time = full-date "T" partial-time ( "Z" / ( "+" / "-" ) 2DIGIT ":" 2DIGIT )       RFC 3339 5.6 */
enum rf_err
rf_acme_time_read(struct rf_span text, int64_t *wall_s)
{
    const char *p = text.p;
    unsigned century, year, month, day, hour, minute, second, zone_hour, zone_minute;
    struct rf_span rest;
    int64_t zone = 0;

    if (text.n < 20 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't') || p[13] != ':' || p[16] != ':')
        return RF_ERR_SYNTAX;
    century = two_digits(p);
    year = two_digits(p + 2);
    month = two_digits(p + 5);
    day = two_digits(p + 8);
    hour = two_digits(p + 11);
    minute = two_digits(p + 14);
    second = two_digits(p + 17);
    if (century > 99 || year > 99 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60 || century < 19)
        return RF_ERR_RANGE;
    rest = rf_span_sub(text, 19, text.n);
    if (rest.n > 0 && rest.p[0] == '.') {
        size_t i = 1;

        while (i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9')
            i++;
        if (i == 1)
            return RF_ERR_SYNTAX;
        rest = rf_span_sub(rest, i, rest.n);
    }
    if (rest.n == 6 && (rest.p[0] == '+' || rest.p[0] == '-') && rest.p[3] == ':') {
        zone_hour = two_digits(rest.p + 1);
        zone_minute = two_digits(rest.p + 4);
        if (zone_hour > 23 || zone_minute > 59)
            return RF_ERR_RANGE;
        zone = (int64_t)(zone_hour * 3600 + zone_minute * 60) * (rest.p[0] == '+' ? 1 : -1);
    } else if (!rf_span_iis(rest, "Z")) {
        return RF_ERR_SYNTAX;
    }
    *wall_s = days_of((int64_t)century * 100 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
    return RF_OK;
}

enum rf_err
rf_acme_window_read(struct rf_span json, struct rf_acme_window *out)
{
    json_t *o = object_of(json);
    const json_t *window = json_object_get(o, "suggestedWindow");
    enum rf_err err = window != NULL ? RF_OK : RF_ERR_SYNTAX;

    *out = (struct rf_acme_window){ 0 };
    if (!err)
        err = rf_acme_time_read(text_of(window, "start"), &out->start_s);
    if (!err)
        err = rf_acme_time_read(text_of(window, "end"), &out->end_s);
    if (!err && out->end_s <= out->start_s)
        err = RF_ERR_RANGE;
    if (!err)
        take_words(text_of(o, "explanationURL"), out->explanation, sizeof out->explanation);
    json_decref(o);
    return err;
}

int64_t
rf_acme_retry_after(struct rf_span value, int64_t wall_s)
{
    uint64_t seconds;
    int64_t date;

    value = rf_span_trim(value);
    if (rf_span_u64(value, 1000000000, &seconds) == RF_OK)
        return (int64_t)seconds;
    if (rf_http_date_read(value, &date) == RF_OK && date > wall_s)
        return date - wall_s;
    return 0;
}

/* Link = "<" URI ">" *( OWS ";" OWS link-param ), commas between                          RFC 8288 3 */
enum rf_err
rf_acme_link_read(struct rf_span value, const char *rel, char out[static RF_ACME_URL_MAX])
{
    while (value.n > 0) {
        size_t open = rf_span_find(value, '<'), close, end;
        struct rf_span url, params;
        char want[64];

        value = rf_span_sub(value, open + 1, value.n);
        close = rf_span_find(value, '>');
        url = rf_span_sub(value, 0, close);
        value = rf_span_sub(value, close + 1, value.n);
        end = rf_span_find(value, '<'); /* parameters of the next one do not stand before it */
        params = rf_span_sub(value, 0, end);
        snprintf(want, sizeof want, "rel=\"%s\"", rel);
        if (rf_span_find_str(params, rf_span_str(want)) == params.n) {
            snprintf(want, sizeof want, "rel=%s", rel);
            if (rf_span_find_str(params, rf_span_str(want)) == params.n) {
                value = rf_span_sub(value, end, value.n);
                continue;
            }
        }
        return rf_acme_url_is_valid(url) ? rf_span_copy(url, out, RF_ACME_URL_MAX) : RF_ERR_RANGE;
    }
    return RF_ERR_NOT_FOUND;
}
