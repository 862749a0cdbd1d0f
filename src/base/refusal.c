#include "base/refusal.h"

#include <stdatomic.h>

static const struct rf_refusal_row rows[RF_REFUSAL_COUNT] = {
    [RF_REFUSE_NONE] = { "NONE", "", "", RF_LOG_INFO, 0, 0, "", "", "" },
#define X(name, code, slug, severity, sip, q850, sentence, causes, fix)                                       \
    [RF_REFUSE_##name] = { #name, code, slug, RF_LOG_##severity, sip, q850, sentence, causes, fix },
    RF_REFUSALS(X)
#undef X
};

static _Atomic uint64_t counts[RF_REFUSAL_COUNT];

const struct rf_refusal_row *
rf_refusal_row(enum rf_refusal r)
{
    rf_assert((unsigned)r < RF_REFUSAL_COUNT);
    return &rows[r];
}

enum rf_refusal
rf_refusal_find(struct rf_span code_or_slug)
{
    for (int r = 1; r < RF_REFUSAL_COUNT; r++)
        if (rf_span_iis(code_or_slug, rows[r].code) || rf_span_iis(code_or_slug, rows[r].slug))
            return (enum rf_refusal)r;
    return RF_REFUSE_NONE;
}

static const struct rf_log_field *
field_named(const struct rf_log_field *fields, struct rf_span name)
{
    for (; fields->kind != RF_LOG_END; fields++)
        if (rf_span_is(name, fields->name))
            return fields;
    return NULL;
}

static void
put_field(struct rf_buf *out, const struct rf_log_field *f)
{
    switch (f != NULL ? f->kind : RF_LOG_END) {
    case RF_LOG_STR:
        rf_put_str(out, f->str);
        break;
    case RF_LOG_SPAN:
    case RF_LOG_JSON:
        rf_put(out, f->span);
        break;
    case RF_LOG_U64:
    case RF_LOG_BOOL:
        rf_put_u64(out, f->u64);
        break;
    case RF_LOG_I64:
        rf_putf(out, "%lld", (long long)f->i64);
        break;
    case RF_LOG_ADDR:
        rf_put_addr(out, f->addr);
        break;
    case RF_LOG_END:
        rf_put_char(out, '?');
        break;
    }
}

void
rf_refusal_sentence(struct rf_buf *out, const char *text, const struct rf_log_field *fields)
{
    struct rf_span left = rf_span_str(text);

    while (left.n > 0) {
        size_t open = rf_span_find(left, '{');
        size_t close = rf_span_find(left, '}');

        rf_put(out, rf_span_sub(left, 0, open));
        if (open == left.n || close == left.n)
            return;
        put_field(out, field_named(fields, rf_span_sub(left, open + 1, close - open - 1)));
        left = rf_span_sub(left, close + 1, left.n);
    }
}

/* "refused" is what we did; here it is the peer who refused. */
static const char *
event_of(enum rf_refusal r)
{
    return r == RF_REFUSE_CERT_REFUSED_BY_PEER ? "tls.peer_rejected_our_certificate" : "refused";
}

void
rf_refuse(enum rf_refusal r, const struct rf_log_field *fields)
{
    const struct rf_refusal_row *row = rf_refusal_row(r);
    struct rf_log_field all[40]; /* a refused certificate has 30 */
    char mem[1024], fix_mem[512];
    struct rf_buf sentence = rf_buf(mem, sizeof mem - 1), fix = rf_buf(fix_mem, sizeof fix_mem - 1);
    size_t n = 0;

    atomic_fetch_add_explicit(&counts[r], 1, memory_order_relaxed);
    rf_refusal_sentence(&sentence, row->sentence, fields);
    rf_refusal_sentence(&fix, row->fix, fields);
    mem[sentence.n] = '\0';
    for (const struct rf_log_field *f = fields; f->kind != RF_LOG_END && n < 38; f++)
        all[n++] = *f;
    all[n++] = RF_F_SPAN("fix", rf_buf_span(&fix));
    all[n] = (struct rf_log_field){ 0 };
    rf_log_event(row->severity, row->code, event_of(r), mem, all);
}

void
rf_refusal_add(enum rf_refusal r, uint64_t n)
{
    atomic_fetch_add_explicit(&counts[r], n, memory_order_relaxed);
}

uint64_t
rf_refusal_count(enum rf_refusal r)
{
    return atomic_load_explicit(&counts[r], memory_order_relaxed);
}

const char *
rf_q850_text(int cause)
{
    /* The names that FreeSWITCH and Telnyx write, from Q.850 table 1. */
    switch (cause) {
    case 1:
        return "UNALLOCATED_NUMBER";
    case 16:
        return "NORMAL_CLEARING";
    case 17:
        return "USER_BUSY";
    case 18:
        return "NO_USER_RESPONSE";
    case 19:
        return "NO_ANSWER";
    case 20:
        return "SUBSCRIBER_ABSENT";
    case 21:
        return "CALL_REJECTED";
    case 27:
        return "DESTINATION_OUT_OF_ORDER";
    case 31:
        return "NORMAL_UNSPECIFIED";
    case 41:
        return "NORMAL_TEMPORARY_FAILURE";
    case 88:
        return "INCOMPATIBLE_DESTINATION";
    case 102:
        return "RECOVERY_ON_TIMER_EXPIRE";
    default:
        return "INTERWORKING";
    }
}
