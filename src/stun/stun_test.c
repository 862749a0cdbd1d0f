/* STUN: the messages of RFC 5769, every bit of them turned, our own messages there and back, broken ones. */
#include "stun/stun.h"
#include "vectors.h"

static struct rf_span
key_of(const json_t *row, uint8_t mem[16])
{
    struct rf_span password = rf_span_str(text(row, "password"));

    if (json_object_get(row, "realm") == NULL)
        return password;
    if (rf_stun_long_term_key(rf_span_str(text(row, "username")), rf_span_str(text(row, "realm")), password, mem) !=
        RF_OK)
        exit(ok(false, "MD5"));
    return rf_span(mem, 16);
}

static void
one_message(const json_t *row)
{
    uint8_t octets[256], mem[16], *exact;
    size_t n = 0, accepted = 0;
    struct rf_span key = key_of(row, mem);
    struct rf_stun m;
    char addr[RF_ADDR_TEXT_MAX] = "";
    bool had_fingerprint;

    if (!ok(rf_hex_decode(rf_span_str(text(row, "message")), octets, sizeof octets, &n) == RF_OK &&
                rf_stun_parse(octets, n, &m) == RF_OK,
            "%s is decoded", text(row, "source")))
        return;
    if (rf_addr_is_set(&m.mapped))
        rf_addr_text(&m.mapped, addr);
    ok(strcmp(addr, text(row, "mapped")) == 0 && rf_span_is(m.username, text(row, "username")) &&
           rf_span_is(m.software, text(row, "software")) && rf_span_is(m.realm, text(row, "realm")) &&
           rf_span_is(m.nonce, text(row, "nonce")),
       "%s: what it says", text(row, "source"));
    ok(rf_stun_is_from(&m, key) && m.has_fingerprint == (strcmp(text(row, "fingerprint"), "valid") == 0),
       "%s: integrity and fingerprint", text(row, "source"));
    ok(!rf_stun_is_from(&m, RF_SPAN_LIT("other")), "%s: not with another key", text(row, "source"));

    /* Without the name of its attribute the fingerprint is one that follows the integrity: ignored. */
    had_fingerprint = m.has_fingerprint;
    for (size_t bit = 0; bit < n * 8; bit++) {
        octets[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (rf_stun_parse(octets, n, &m) == RF_OK && rf_stun_is_from(&m, key) &&
            m.has_fingerprint == had_fingerprint)
            accepted++;
        octets[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ok(accepted == 0, "%s: no bit can be turned", text(row, "source"));

    accepted = 0;
    for (size_t cut = 0; cut < n; cut++) {
        exact = malloc(cut > 0 ? cut : 1);
        if (exact == NULL)
            exit(ok(false, "memory"));
        memcpy(exact, octets, cut);
        accepted += rf_stun_parse(exact, cut, &m) == RF_OK;
        free(exact);
    }
    ok(accepted == 0, "%s: no part of it is a message", text(row, "source"));
}

static void
there_and_back(const char *from)
{
    static const uint8_t id[RF_STUN_ID_OCTETS] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    struct rf_stun_check check = { .username = RF_SPAN_LIT("them:us"), .key = RF_SPAN_LIT("secret"), .priority = 77,
                                   .tie_breaker = 0x0102030405060708, .is_controlling = true, .use_candidate = true };
    char mem[RF_STUN_MESSAGE_MAX], mem2[RF_STUN_MESSAGE_MAX], small[40];
    struct rf_buf b = rf_buf(mem, sizeof mem), b2 = rf_buf(mem2, sizeof mem2), b3 = rf_buf(small, sizeof small);
    struct rf_stun m, answer;
    struct rf_addr addr;

    memcpy(check.id, id, sizeof id);
    ok(rf_stun_binding_request(&b, &check) == RF_OK && rf_stun_parse((uint8_t *)b.p, b.n, &m) == RF_OK &&
           m.method == RF_STUN_BINDING && m.class == RF_STUN_REQUEST && memcmp(m.id, id, sizeof id) == 0 &&
           rf_span_is(m.username, "them:us") && m.has_priority && m.priority == 77 && m.is_controlling &&
           m.tie_breaker == check.tie_breaker && m.use_candidate && m.has_fingerprint &&
           rf_stun_is_from(&m, check.key) && m.unknown_count == 0,
       "a check, there and back");
    ok(rf_addr_parse_port(rf_span_str(from), &addr) == RF_OK &&
           rf_stun_binding_success(&b2, &m, &addr, check.key) == RF_OK &&
           rf_stun_parse((uint8_t *)b2.p, b2.n, &answer) == RF_OK && answer.class == RF_STUN_SUCCESS &&
           memcmp(answer.id, id, sizeof id) == 0 && rf_addr_eq(&answer.mapped, &addr) &&
           rf_stun_is_from(&answer, check.key),
       "its answer says %s", from);
    ok(rf_stun_binding_success(&b3, &m, &addr, check.key) == RF_ERR_NOMEM, "40 octets are too few for it");

    m.unknown_count = 2;
    m.unknown[0] = 0x7001;
    m.unknown[1] = 0x0002;
    b2 = rf_buf(mem2, sizeof mem2);
    ok(rf_stun_refusal(&b2, &m, 420, check.key) == RF_OK &&
           rf_stun_parse((uint8_t *)b2.p, b2.n, &answer) == RF_OK && answer.class == RF_STUN_ERROR &&
           answer.error_code == 420 && rf_span_is(answer.error_reason, "Unknown Attribute"),
       "a refusal");
}

/* Attributes after a header of a binding request; lengths are filled in. */
static void
by_hand(void)
{
    static const struct {
        const char *hex;
        enum rf_err want;
        size_t unknown;
        const char *why;
    } cases[] = {
        { "", RF_OK, 0, "no attributes" },
        { "00060003616263ff", RF_OK, 0, "padding may be any octet" },
        { "00060009", RF_ERR_SYNTAX, 0, "a value beyond the end" },
        { "0006ffff61626364", RF_ERR_SYNTAX, 0, "a length of 65535" },
        { "000600056162636465000000", RF_OK, 0, "five octets padded to eight" },
        { "0020000800010000", RF_ERR_SYNTAX, 0, "half an address" },
        { "0020000800030000aabbccdd", RF_ERR_SYNTAX, 0, "an address of an unknown family" },
        { "0020000800020000aabbccdd", RF_ERR_SYNTAX, 0, "IPv6 in four octets" },
        { "7001000400000000", RF_OK, 1, "an unknown attribute that must be understood" },
        { "f001000400000000", RF_OK, 0, "an unknown attribute that need not be" },
        { "0024000300000000", RF_ERR_SYNTAX, 0, "a priority of three octets" },
        { "0009000400000700", RF_ERR_SYNTAX, 0, "error class 7" },
        { "0009000400000464", RF_ERR_SYNTAX, 0, "error number 100" },
        { "8028000400000000", RF_ERR_AUTH, 0, "a wrong fingerprint" },
        { "80280004000000000006000161000000", RF_ERR_SYNTAX, 0, "a fingerprint that is not last" },
        { "0008000461626364", RF_ERR_SYNTAX, 0, "an integrity of four octets" },
        { "00080014000102030405060708090a0b0c0d0e0f101112137001000400000000", RF_OK, 0,
          "what follows the integrity does not count" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t octets[128] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 }, *exact;
        size_t n = 0;
        struct rf_stun m;
        enum rf_err err;

        if (rf_hex_decode(rf_span_str(cases[i].hex), octets + 20, sizeof octets - 20, &n) != RF_OK)
            exit(ok(false, "%s", cases[i].hex));
        octets[3] = (uint8_t)n;
        exact = malloc(20 + n);
        if (exact == NULL)
            exit(ok(false, "memory"));
        memcpy(exact, octets, 20 + n);
        err = rf_stun_parse(exact, 20 + n, &m);
        ok(err == cases[i].want && (err != RF_OK || m.unknown_count == cases[i].unknown), "%s: %s", cases[i].why,
           rf_err_name(err));
        free(exact);
    }
}

int
main(void)
{
    json_t *root = json_load_file(tap_data("stun/rfc5769.json"), 0, NULL), *row;
    size_t i;

    ok(json_array_size(root) == 4, "RFC 5769 has four messages");
    json_array_foreach(root, i, row)
        one_message(row);
    json_decref(root);
    there_and_back("192.0.2.7:40000");
    there_and_back("[2001:db8::7]:40000");
    by_hand();
    return tap_done();
}
