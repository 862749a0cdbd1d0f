#include "base/pack.h"

void
rf_pack_u(struct rf_buf *b, uint64_t v, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        rf_put_char(b, (char)(v >> (8 * i)));
}

void
rf_pack_text(struct rf_buf *b, struct rf_span s)
{
    rf_pack_u(b, s.n, 4);
    rf_put(b, s);
}

void
rf_pack_str(struct rf_buf *b, const char *s)
{
    rf_pack_text(b, rf_span_str(s));
}

void
rf_pack_addr(struct rf_buf *b, const struct rf_addr *a)
{
    char text[RF_ADDR_TEXT_MAX];

    rf_pack_str(b, rf_addr_is_set(a) ? rf_addr_text(a, text) : "");
}

uint64_t
rf_unpack_u(struct rf_cursor *c, size_t octets)
{
    struct rf_span s = rf_cur_take(c, octets);
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v |= (uint64_t)(uint8_t)s.p[i] << (8 * i);
    return v;
}

bool
rf_unpack_bool(struct rf_cursor *c)
{
    uint64_t v = rf_unpack_u(c, 1);

    if (v > 1)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return v == 1;
}

unsigned
rf_unpack_enum(struct rf_cursor *c, unsigned count)
{
    uint64_t v = rf_unpack_u(c, 1);

    if (v >= count) {
        rf_cur_fail(c, RF_ERR_RANGE);
        return 0;
    }
    return (unsigned)v;
}

struct rf_span
rf_unpack_text(struct rf_cursor *c)
{
    return rf_cur_take(c, (size_t)rf_unpack_u(c, 4));
}

void
rf_unpack_array(struct rf_cursor *c, char *out, size_t size)
{
    struct rf_span s = rf_unpack_text(c);

    if (memchr(s.p != NULL ? s.p : "", '\0', s.n) != NULL || rf_span_copy(s, out, size) != RF_OK)
        rf_cur_fail(c, RF_ERR_RANGE);
}

char *
rf_unpack_dup(struct rf_cursor *c)
{
    struct rf_span s = rf_unpack_text(c);
    char *p = c->err == RF_OK ? rf_span_dup(s) : NULL;

    if (p == NULL)
        rf_cur_fail(c, RF_ERR_NOMEM);
    return p;
}

struct rf_addr
rf_unpack_addr(struct rf_cursor *c)
{
    struct rf_span s = rf_unpack_text(c);
    struct rf_addr a = { 0 };

    if (c->err == RF_OK && s.n > 0 && rf_addr_parse_port(s, &a) != RF_OK)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return a;
}
