/*
 * sip/names.c - methods and header names: text to id and back
 */
#include <assert.h>

#include "sip/chars.h"
#include "sip/msg.h"

static const struct {
    const char *name;
    size_t n;
} methods[RF_SIP_METHOD_COUNT] = {
    { "", 0 },
#define X(name) { #name, sizeof #name - 1 },
    RF_SIP_METHODS(X)
#undef X
};

static const struct header_row {
    const char *name;
    size_t n;
    char compact;
} headers[RF_HDR_COUNT] = {
    { "", 0, 0 },
#define X(id, name, compact, many) { name, sizeof name - 1, compact },
    RF_SIP_HEADERS(X)
#undef X
};

/*
 * Open hashing over length, first, middle and last letter. The factors were searched so that the names of the
 * table do not collide; a new name may, which costs a step and nothing else. Filled before main and only read
 * afterwards. A slot gives a candidate, the whole name is compared.
 */
#define SLOTS 256
#define NAME_MAX_OCTETS 24
static_assert(RF_HDR_COUNT * 3 < SLOTS, "the table of names stays sparse");
static uint8_t slot[SLOTS];
static uint8_t compact_id[26];
static char lower_name[RF_HDR_COUNT][NAME_MAX_OCTETS];

static unsigned
name_hash(const char *p, size_t n)
{
    unsigned first = (unsigned char)p[0] | 0x20u, middle = (unsigned char)p[n / 2] | 0x20u;
    unsigned last = (unsigned char)p[n - 1] | 0x20u;

    return ((unsigned)n * 184 + first * 219 + last * 6 + middle * 17) % SLOTS;
}

__attribute__((constructor)) static void
fill_slots(void)
{
    for (unsigned id = 1; id < RF_HDR_COUNT; id++) {
        unsigned h = name_hash(headers[id].name, headers[id].n);

        while (slot[h] != RF_HDR_OTHER)
            h = (h + 1) % SLOTS;
        slot[h] = (uint8_t)id;
        rf_assert(headers[id].n < NAME_MAX_OCTETS);
        for (size_t i = 0; i < headers[id].n; i++)
            lower_name[id][i] = (char)(headers[id].name[i] | 0x20);
        if (headers[id].compact != 0)
            compact_id[headers[id].compact - 'a'] = (uint8_t)id;
    }
}

const char *
rf_sip_method_name(enum rf_sip_method m)
{
    return methods[m].name;
}

enum rf_sip_method
rf_sip_method_find(struct rf_span name)
{
    for (unsigned m = 1; m < RF_SIP_METHOD_COUNT; m++)
        if (methods[m].n == name.n && memcmp(methods[m].name, name.p, name.n) == 0)
            return (enum rf_sip_method)m;
    return RF_SIP_UNKNOWN;
}

const char *
rf_sip_header_name(enum rf_sip_header id)
{
    return headers[id].name;
}

enum rf_sip_header
rf_sip_header_find(struct rf_span name)
{
    unsigned h;

    if (name.n == 0 || name.n >= NAME_MAX_OCTETS)
        return RF_HDR_OTHER;
    if (name.n == 1) {
        char c = (char)(name.p[0] | 0x20);

        return c >= 'a' && c <= 'z' && name.p[0] >= 'A' ? (enum rf_sip_header)compact_id[c - 'a'] : RF_HDR_OTHER;
    }
    for (h = name_hash(name.p, name.n); slot[h] != RF_HDR_OTHER; h = (h + 1) % SLOTS)
        if (rf_sip_word_is(name, lower_name[slot[h]], headers[slot[h]].n))
            return (enum rf_sip_header)slot[h];
    return RF_HDR_OTHER;
}
