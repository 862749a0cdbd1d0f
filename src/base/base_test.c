/* Tables for base: spans, cursor, Base64 and hexadecimal, JSON, addresses, hash, refusal sentences. */
#include "base/addr.h"
#include "base/arena.h"
#include "base/codec.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/list.h"
#include "base/refusal.h"
#include "base/secret.h"
#include "tap.h"

static void
numbers(void)
{
    static const struct {
        char in[28];
        uint64_t max;
        enum rf_err want;
    } cases[] = {
        { "0", 10, RF_OK },           { "10", 10, RF_OK },
        { "11", 10, RF_ERR_RANGE },   { "", 10, RF_ERR_SYNTAX },
        { "-1", 10, RF_ERR_SYNTAX },  { "1 ", 10, RF_ERR_SYNTAX },
        { "18446744073709551615", UINT64_MAX, RF_OK },
        { "18446744073709551616", UINT64_MAX, RF_ERR_RANGE },
        { "99999999999999999999999999", UINT64_MAX, RF_ERR_RANGE },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v;

        ok(rf_span_u64(rf_span_str(cases[i].in), cases[i].max, &v) == cases[i].want, "number \"%s\" up to %llu",
           cases[i].in, (unsigned long long)cases[i].max);
    }
}

static void
base64(void)
{
    static const struct {
        const char *in, *hex;
        enum rf_err want;
    } cases[] = {
        { "", "", RF_OK },
        { "Zg==", "66", RF_OK },
        { "Zg", "66", RF_OK },
        { "Zm8=", "666f", RF_OK },
        { "Zm9v", "666f6f", RF_OK },
        { "Zm9vYg==", "666f6f62", RF_OK },
        { "Z", "", RF_ERR_SYNTAX },
        { "Zh==", "", RF_ERR_SYNTAX }, /* unused bits set */
        { "Zg=", "", RF_ERR_SYNTAX },
        { "Zg===", "", RF_ERR_SYNTAX },
        { "Z=g=", "", RF_ERR_SYNTAX },
        { "Zm9vYmFyZm9vYmFy", "", RF_ERR_RANGE },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[8];
        char hex[17] = "";
        struct rf_buf b = rf_buf(hex, sizeof hex);
        size_t n = 0;
        enum rf_err err = rf_base64_decode(rf_span_str(cases[i].in), out, sizeof out, &n);

        rf_put_hex(&b, out, n);
        ok(err == cases[i].want && rf_span_is(rf_buf_span(&b), cases[i].hex), "Base64 \"%s\"", cases[i].in);
    }
}

static void
addresses(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "192.0.2.1:5060", "192.0.2.1:5060" },
        { "[2001:db8::1]:5061", "[2001:db8::1]:5061" },
        { "2001:db8::1:5061", NULL },
        { "192.0.2.1", NULL },
        { "192.0.2.1:65536", NULL },
        { "host:5060", NULL },
        { "", NULL },
    };
    struct rf_addr mapped, plain;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_addr a;
        char text[RF_ADDR_TEXT_MAX];
        enum rf_err err = rf_addr_parse_port(rf_span_str(cases[i].in), &a);

        ok(cases[i].out == NULL ? err != RF_OK : err == RF_OK && strcmp(rf_addr_text(&a, text), cases[i].out) == 0,
           "address \"%s\"", cases[i].in);
    }
    ok(rf_addr_parse(rf_span_str("::ffff:192.0.2.1"), 5060, &mapped) == RF_OK &&
           rf_addr_parse(rf_span_str("192.0.2.1"), 5060, &plain) == RF_OK,
       "a mapped address parses");
    mapped = rf_addr_from(&mapped.sa);
    ok(rf_addr_eq(&mapped, &plain), "an IPv4-mapped address from a socket is the IPv4 address");
}

/* rf_putf has its own way for most formats: it must say what printf says. */
static void
formats(void)
{
    char want[200], got[200];
    struct rf_buf b;

#define SAME(...)                                                                                             \
    b = rf_buf(got, sizeof got);                                                                              \
    rf_putf(&b, __VA_ARGS__);                                                                                 \
    snprintf(want, sizeof want, __VA_ARGS__);                                                                 \
    ok(rf_buf_done(&b) == RF_OK && rf_span_is(rf_buf_span(&b), want), "format gives \"%s\"", want)

    SAME("%u %s", 0u, "INVITE");
    SAME("%u|%d|%d", UINT32_MAX, INT32_MIN, INT32_MAX);
    SAME("%llu %lld %lu %zu", (unsigned long long)UINT64_MAX, (long long)INT64_MIN, 7ul, (size_t)SIZE_MAX);
    SAME("%04d-%02d-%02dT%02d.%03ldZ", 2026, 1, 31, 0, 7l);
    SAME("%03d|%03d|%02d", -1, -1000, 123);
    SAME("<%.*s> %c 100%%", 3, "abcdef", 'x');
    SAME("%.*s|", 9, "short");
    SAME("%.*s|", -1, "all of it");
    SAME("%s, then %08x and %-5s|", "first", 0xbeefu, "ab");
    SAME("%5u %+d %.2f", 3u, 4, 0.5);
    SAME("%s", "");
#undef SAME

    b = rf_buf(got, 6);
    rf_putf(&b, "ab");
    rf_putf(&b, "%u", 12345u);
    ok(b.overflow && b.n == 2, "what does not fit is left out whole");
    b = rf_buf(got, 6);
    rf_putf(&b, "%s%s", "abc", "def");
    ok(!b.overflow && b.n == 6, "what fits exactly is there");
}

struct member {
    struct rf_hash_node node;
    int key;
};

static bool
is_member(const struct rf_hash_node *node, const void *key)
{
    return ((const struct member *)(const void *)((const char *)node - offsetof(struct member, node)))->key ==
           *(const int *)key;
}

static void
tables(void)
{
    static struct member m[1000];
    static const struct rf_hash_key siphash_key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
    static const uint8_t siphash_in[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
    struct rf_hash h;
    int found = 0;

    ok(rf_siphash(&siphash_key, siphash_in, 15) == 0xa129ca6149be45e5u, "SipHash-2-4: the paper's own vector");
    ok(rf_hash_init(&h, &rf_rand_system) == RF_OK, "a table");
    for (int i = 0; i < 1000; i++) {
        m[i].key = i;
        rf_hash_insert(&h, &m[i].node, rf_hash_of(&h, rf_span(&i, sizeof i)));
    }
    for (int i = 0; i < 1000; i += 2)
        rf_hash_remove(&h, &m[i].node);
    for (int i = 0; i < 1000; i++)
        found += rf_hash_find(&h, rf_hash_of(&h, rf_span(&i, sizeof i)), is_member, &i) != NULL ? 1 : 0;
    ok(found == 500 && h.count == 500, "1000 members in, every second out, 500 found");
    RF_HASH_FOREACH(&h, node)
        rf_hash_remove(&h, node);
    ok(h.count == 0, "a table can be emptied while it is walked");
    rf_hash_fini(&h);
}

static void
arenas(void)
{
    struct rf_arena a;

    rf_arena_init(&a, 10000);
    ok(rf_arena_alloc(&a, 100) != NULL && rf_arena_alloc(&a, 5000) != NULL, "an arena gives small and large pieces");
    ok(rf_arena_alloc(&a, 5000) == NULL && rf_arena_alloc(&a, SIZE_MAX) == NULL, "an arena ends at its limit");
    rf_arena_fini(&a);
}

static void
sentences(void)
{
    static const char *const mends[][2] = {
        { "", "" },
        { "Bj\xc3\xb6rn, line\n\tend", "Bj\xc3\xb6rn, line\n\tend" },
        { "cut \xc3", "cut ?" },
        { "cut \xe2\x82", "cut ??" },
        { "\xff\xfe", "??" },
        { "\x1b[31mred\x7f\r", "?[31mred??" },
        { "\xc0\xaf", "??" },
    };
    char mem[256];
    struct rf_buf b = rf_buf(mem, sizeof mem);
    const struct rf_log_field fields[] = { RF_F_STR("who", "203"), RF_F_STR("setting", "user.203.srtp"), { 0 } };

    rf_refusal_sentence(&b, rf_refusal_row(RF_REFUSE_CRYPTO_MISSING)->sentence, fields);
    ok(rf_span_is(rf_buf_span(&b),
                  "203 offered no encryption (no a=crypto) and SRTP is required (user.203.srtp)"),
       "a refusal's sentence is filled");
    ok(rf_refusal_find(RF_SPAN_LIT("rf-301")) == RF_REFUSE_CRYPTO_MISSING &&
           rf_refusal_find(RF_SPAN_LIT("crypto-missing")) == RF_REFUSE_CRYPTO_MISSING &&
           rf_refusal_find(RF_SPAN_LIT("RF-999")) == RF_REFUSE_NONE,
       "refusals are found by code and by slug");
    for (int r = 1; r < RF_REFUSAL_COUNT; r++)
        for (int s = r + 1; s < RF_REFUSAL_COUNT; s++)
            if (strcmp(rf_refusal_row((enum rf_refusal)r)->code, rf_refusal_row((enum rf_refusal)s)->code) == 0)
                ok(false, "code %s stands once", rf_refusal_row((enum rf_refusal)r)->code);
    b = rf_buf(mem, sizeof mem);
    rf_put_json_string(&b, RF_SPAN_LIT("a\"\\\n\xff\xc3\xa9"));
    ok(rf_span_is(rf_buf_span(&b), "\"a\\\"\\\\\\u000a\\ufffd\xc3\xa9\""), "JSON strings escape what they must");
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++) {
        snprintf(mem, sizeof mem, "%s", mends[i][0]);
        rf_text_mend(mem);
        ok(strcmp(mem, mends[i][1]) == 0, "text for people, row %zu", i);
    }
}

static void
json(void)
{
    static const char want[] = "{\"a\":\"\\\"\\\\\\u0001\\ufffd\",\"list\":[1,{},[]],\"yes\":true,\"ms\":12.005}";
    char mem[sizeof want + 1]; /* room for the comma that the last close leaves */
    struct rf_buf b = rf_buf(mem, sizeof mem), small = rf_buf(mem, 8);

    rf_json_open(&b, NULL, '{');
    rf_json_str(&b, "a", "\"\\\001\xff");
    rf_json_str(&b, "none", NULL);
    rf_json_open(&b, "list", '[');
    rf_json_u64(&b, NULL, 1);
    rf_json_open(&b, NULL, '{');
    rf_json_close(&b, '}');
    rf_json_open(&b, NULL, '[');
    rf_json_close(&b, ']');
    rf_json_close(&b, ']');
    rf_json_bool(&b, "yes", true);
    rf_json_ms(&b, "ms", 12005);
    rf_json_close(&b, '}');
    ok(!b.overflow && rf_span_is(rf_json_text(&b), want), "JSON: escapes, empty brackets, no comma too many (%.*s)",
       RF_SPAN_ARG(rf_json_text(&b)));
    rf_json_open(&small, NULL, '{');
    rf_json_str(&small, "name", "longer than the memory");
    rf_json_close(&small, '}');
    ok(rf_buf_done(&small) == RF_ERR_NOMEM, "JSON: what does not fit is told");
}

int
main(void)
{
    struct rf_secret s = { 0 };

    numbers();
    formats();
    base64();
    json();
    addresses();
    tables();
    arenas();
    sentences();
    ok(rf_secret_set(&s, "pw", 2) == RF_OK && s.n == 2, "a secret holds octets");
    rf_secret_fini(&s);
    ok(s.n == 0 && s.octet[0] == 0, "a secret is wiped when it ends");
    return tap_done();
}
