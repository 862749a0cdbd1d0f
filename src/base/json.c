#include "base/json.h"

#include "base/log.h"

static void
put_name(struct rf_buf *b, const char *name)
{
    if (name == NULL)
        return;
    rf_put_char(b, '"');
    rf_put_str(b, name);
    rf_put_str(b, "\":");
}

void
rf_json_open(struct rf_buf *b, const char *name, char bracket)
{
    put_name(b, name);
    rf_put_char(b, bracket);
}

void
rf_json_close(struct rf_buf *b, char bracket)
{
    if (!b->overflow && b->n > 0 && b->p[b->n - 1] == ',')
        b->n--;
    rf_put_char(b, bracket);
    rf_put_char(b, ',');
}

void
rf_json_str(struct rf_buf *b, const char *name, const char *text)
{
    if (text == NULL)
        return;
    put_name(b, name);
    rf_put_json_string(b, rf_span_str(text));
    rf_put_char(b, ',');
}

void
rf_json_u64(struct rf_buf *b, const char *name, uint64_t v)
{
    put_name(b, name);
    rf_put_u64(b, v);
    rf_put_char(b, ',');
}

void
rf_json_bool(struct rf_buf *b, const char *name, bool v)
{
    put_name(b, name);
    rf_put_str(b, v ? "true," : "false,");
}

void
rf_json_ms(struct rf_buf *b, const char *name, uint64_t us)
{
    const char digit[3] = { (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10), (char)('0' + us % 10) };

    put_name(b, name);
    rf_put_u64(b, us / 1000);
    rf_put_char(b, '.');
    rf_put(b, rf_span(digit, sizeof digit));
    rf_put_char(b, ',');
}

struct rf_span
rf_json_text(const struct rf_buf *b)
{
    size_t n = b->n > 0 && b->p[b->n - 1] == ',' ? b->n - 1 : b->n;

    return rf_span(b->p, n);
}
