/*
 * sip/field.c - looking up and walking the header fields of a parsed message
 */
#include "sip/chars.h"
#include "sip/msg.h"

const struct rf_sip_field *
rf_sip_field_next(const struct rf_sip_msg *m, enum rf_sip_header id, size_t *i)
{
    if (*i == 0 && id != RF_HDR_OTHER) {
        if (m->first[id] == 0)
            return NULL;
        *i = m->first[id] - 1u;
    }
    for (; *i < m->field_count; (*i)++)
        if (m->field[*i].id == id)
            return &m->field[(*i)++];
    return NULL;
}

struct rf_span
rf_sip_value(const struct rf_sip_msg *m, enum rf_sip_header id)
{
    size_t i = 0;
    const struct rf_sip_field *f = rf_sip_field_next(m, id, &i);

    return f != NULL ? f->value : rf_span(NULL, 0);
}

/* RFC 3261 7.3.1: these four do not follow the comma rule; the others are one value by their grammar. */
static bool
comma_joins(enum rf_sip_header id)
{
    switch (id) {
    case RF_HDR_AUTHORIZATION:
    case RF_HDR_PROXY_AUTHORIZATION:
    case RF_HDR_WWW_AUTHENTICATE:
    case RF_HDR_PROXY_AUTHENTICATE:
    case RF_HDR_AUTHENTICATION_INFO:
    case RF_HDR_CALL_ID:
    case RF_HDR_DATE:
    case RF_HDR_SUBJECT:
    case RF_HDR_USER_AGENT:
    case RF_HDR_SERVER:
    case RF_HDR_OTHER:
        return false;
    default:
        return true;
    }
}

bool
rf_sip_walk_next(struct rf_sip_walk *w, struct rf_span *element)
{
    const struct rf_sip_field *f;

    while (!rf_sip_list_next(&w->left, element)) {
        f = rf_sip_field_next(w->m, w->id, &w->i);
        if (f == NULL)
            return false;
        if (!comma_joins(w->id)) {
            *element = f->value;
            return true;
        }
        w->left = f->value;
    }
    return true;
}

bool
rf_sip_has_token(const struct rf_sip_msg *m, enum rf_sip_header id, const char *token)
{
    struct rf_sip_walk w = rf_sip_walk(m, id);
    struct rf_span element;

    while (rf_sip_walk_next(&w, &element))
        if (rf_span_iis(element, token))
            return true;
    return false;
}

enum rf_err
rf_sip_seconds(const struct rf_sip_msg *m, enum rf_sip_header id, uint32_t absent, uint32_t *out)
{
    struct rf_span value = rf_sip_value(m, id);
    struct rf_cursor c = rf_cur(value);
    uint64_t seconds;

    *out = absent;
    if (value.p == NULL)
        return RF_OK;
    seconds = rf_cur_u64(&c, UINT32_MAX);
    if (c.err == RF_ERR_RANGE) {
        *out = UINT32_MAX;
        return RF_OK;
    }
    rf_sip_sws(&c);
    if (!rf_cur_at_end(&c) && *c.p != ';' && *c.p != '(')
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    if (c.err == RF_OK)
        *out = (uint32_t)seconds;
    return c.err;
}
