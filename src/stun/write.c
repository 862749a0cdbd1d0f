/* stun/write.c - STUN messages encoded, and the two checksums: see stun.h and wire.h */
#include "crypto/digest.h"
#include "rtp/octets.h"
#include "stun/stun.h"
#include "stun/wire.h"

#define FINGERPRINT_XOR 0x5354554eu
#define CRC_POLYNOMIAL  0xedb88320u /* ITU V.42, reflected */

uint32_t
rf_stun_fingerprint(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (CRC_POLYNOMIAL & (0u - (crc & 1)));
    }
    return ~crc ^ FINGERPRINT_XOR;
}

enum rf_err
rf_stun_integrity(const uint8_t *p, size_t n, struct rf_span key, uint8_t *tag)
{
    uint8_t length[2];
    struct rf_span parts[] = { rf_span(p, 2), rf_span(length, 2), rf_span(p + 4, n - 4) };

    rf_assert(n >= RF_STUN_HEADER_OCTETS);
    rf_set16(length, (uint16_t)(n - RF_STUN_HEADER_OCTETS + 4 + RF_STUN_INTEGRITY_OCTETS));
    return rf_hmac(RF_DIGEST_SHA1, key, parts, 3, tag);
}

static void
put16(struct rf_buf *b, uint16_t v)
{
    uint8_t octets[2];

    rf_set16(octets, v);
    rf_put(b, rf_span(octets, sizeof octets));
}

static void
put32(struct rf_buf *b, uint32_t v)
{
    uint8_t octets[4];

    rf_set32(octets, v);
    rf_put(b, rf_span(octets, sizeof octets));
}

void
rf_stun_begin(struct rf_buf *b, uint16_t method, uint16_t class, const uint8_t id[static RF_STUN_ID_OCTETS])
{
    rf_assert(b->n == 0);
    put16(b, (uint16_t)((method & 0x000f) | (method & 0x0070) << 1 | (method & 0x0f80) << 2 | class));
    put16(b, 0);
    put32(b, RF_STUN_COOKIE);
    rf_put(b, rf_span(id, RF_STUN_ID_OCTETS));
}

void
rf_stun_put(struct rf_buf *b, enum rf_stun_attribute type, struct rf_span value)
{
    static const uint8_t zeros[3];

    put16(b, (uint16_t)type);
    put16(b, (uint16_t)value.n);
    rf_put(b, value);
    rf_put(b, rf_span(zeros, (4 - value.n % 4) % 4));
}

void
rf_stun_put_u32(struct rf_buf *b, enum rf_stun_attribute type, uint32_t value)
{
    uint8_t octets[4];

    rf_set32(octets, value);
    rf_stun_put(b, type, rf_span(octets, sizeof octets));
}

void
rf_stun_put_u64(struct rf_buf *b, enum rf_stun_attribute type, uint64_t value)
{
    uint8_t octets[8];

    rf_set32(octets, (uint32_t)(value >> 32));
    rf_set32(octets + 4, (uint32_t)value);
    rf_stun_put(b, type, rf_span(octets, sizeof octets));
}

void
rf_stun_put_mapped(struct rf_buf *b, const struct rf_addr *addr)
{
    uint8_t octets[20] = { 0 }, key[16];
    size_t n = addr->sa.sa_family == AF_INET6 ? 16 : 4;

    if (b->overflow || b->n < RF_STUN_HEADER_OCTETS)
        return;
    memcpy(key, b->p + 4, sizeof key); /* cookie and transaction id */
    octets[1] = n == 16 ? RF_STUN_IPV6 : RF_STUN_IPV4;
    rf_set16(octets + 2, rf_addr_port(addr) ^ (uint16_t)(RF_STUN_COOKIE >> 16));
    if (n == 16)
        memcpy(octets + 4, &addr->v6.sin6_addr, 16);
    else
        memcpy(octets + 4, &addr->v4.sin_addr, 4);
    for (size_t i = 0; i < n; i++)
        octets[4 + i] ^= key[i];
    rf_stun_put(b, RF_STUN_XOR_MAPPED_ADDRESS, rf_span(octets, 4 + n));
}

void
rf_stun_put_error(struct rf_buf *b, unsigned code, const char *reason)
{
    uint8_t mem[4 + 128] = { 0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100) };
    size_t n = strlen(reason);

    rf_assert(code >= 300 && code <= 699 && n <= 128);
    memcpy(mem + 4, reason, n);
    rf_stun_put(b, RF_STUN_ERROR_CODE, rf_span(mem, 4 + n));
}

enum rf_err
rf_stun_end(struct rf_buf *b, struct rf_span key)
{
    uint8_t tag[RF_DIGEST_MAX];
    enum rf_err err;

    if (key.p != NULL) {
        if (b->overflow)
            return RF_ERR_NOMEM;
        err = rf_stun_integrity((const uint8_t *)b->p, b->n, key, tag);
        if (err)
            return err;
        rf_stun_put(b, RF_STUN_MESSAGE_INTEGRITY, rf_span(tag, RF_STUN_INTEGRITY_OCTETS));
    }
    if (b->overflow || b->cap - b->n < 8)
        return RF_ERR_NOMEM;
    rf_set16((uint8_t *)b->p + 2, (uint16_t)(b->n + 8 - RF_STUN_HEADER_OCTETS));
    rf_stun_put_u32(b, RF_STUN_FINGERPRINT, rf_stun_fingerprint((const uint8_t *)b->p, b->n));
    return rf_buf_done(b);
}

enum rf_err
rf_stun_binding_success(struct rf_buf *b, const struct rf_stun *request, const struct rf_addr *from,
                        struct rf_span key)
{
    rf_stun_begin(b, RF_STUN_BINDING, RF_STUN_SUCCESS, request->id);
    rf_stun_put_mapped(b, from);
    return rf_stun_end(b, key);
}

enum rf_err
rf_stun_refusal(struct rf_buf *b, const struct rf_stun *request, unsigned code, struct rf_span key)
{
    static const struct {
        unsigned code;
        const char *reason;
    } reasons[] = { { 400, "Bad Request" },   { 401, "Unauthenticated" },      { 420, "Unknown Attribute" },
                    { 487, "Role Conflict" }, { 500, "Server Error" } };
    const char *reason = "";

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].code == code)
            reason = reasons[i].reason;
    }
    rf_stun_begin(b, request->method, RF_STUN_ERROR, request->id);
    rf_stun_put_error(b, code, reason);
    if (code == 420) {
        uint8_t list[2 * RF_STUN_UNKNOWN_MAX];

        for (size_t i = 0; i < request->unknown_count; i++)
            rf_set16(list + 2 * i, request->unknown[i]);
        rf_stun_put(b, RF_STUN_UNKNOWN_ATTRIBUTES, rf_span(list, 2 * request->unknown_count));
    }
    return rf_stun_end(b, key);
}

enum rf_err
rf_stun_binding_request(struct rf_buf *b, const struct rf_stun_check *check)
{
    rf_stun_begin(b, RF_STUN_BINDING, RF_STUN_REQUEST, check->id);
    if (check->username.n > 0) {
        rf_stun_put_u32(b, RF_STUN_PRIORITY, check->priority);
        rf_stun_put_u64(b, check->is_controlling ? RF_STUN_ICE_CONTROLLING : RF_STUN_ICE_CONTROLLED,
                        check->tie_breaker);
        if (check->use_candidate)
            rf_stun_put(b, RF_STUN_USE_CANDIDATE, rf_span(NULL, 0));
        rf_stun_put(b, RF_STUN_USERNAME, check->username);
    }
    return rf_stun_end(b, check->key);
}
