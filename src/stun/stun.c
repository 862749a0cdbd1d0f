/* stun/stun.c - STUN messages decoded: see stun.h */
#include "stun/stun.h"

#include "base/secret.h"
#include "crypto/digest.h"
#include "rtp/octets.h"
#include "stun/wire.h"

struct attribute {
    uint16_t type;
    const uint8_t *p;
    size_t n;
};

/*
 * |x x x x x x x x|    family     |           port, XORed         |      RFC 8489 14.2
 * |                address, 4 or 16 octets, XORed                 |
 */
static enum rf_err
address(const struct attribute *a, const uint8_t *message, bool is_xored, struct rf_addr *out)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    uint8_t octets[18];

    if (a->n != 8 && a->n != 20)
        return RF_ERR_SYNTAX;
    memcpy(octets, a->p + 2, a->n - 2);
    if (is_xored) {
        octets[0] ^= message[4];
        octets[1] ^= message[5];
        for (size_t i = 2; i < a->n - 2; i++)
            octets[i] ^= message[4 + i - 2]; /* cookie, then transaction id */
    }
    if (a->p[1] == RF_STUN_IPV4 && a->n == 8) {
        v4.sin_port = htons(rf_get16(octets));
        memcpy(&v4.sin_addr, octets + 2, 4);
        *out = rf_addr_from((const struct sockaddr *)&v4);
        return RF_OK;
    }
    if (a->p[1] == RF_STUN_IPV6 && a->n == 20) {
        v6.sin6_port = htons(rf_get16(octets));
        memcpy(&v6.sin6_addr, octets + 2, 16);
        *out = rf_addr_from((const struct sockaddr *)&v6);
        return RF_OK;
    }
    return RF_ERR_SYNTAX;
}

/* |           Reserved, should be 0         |Class|     Number    |  reason   RFC 8489 14.8 */
static enum rf_err
error_code(const struct attribute *a, struct rf_stun *out)
{
    unsigned class = a->n >= 4 ? a->p[2] & 7 : 0;

    if (class < 3 || class > 6 || a->p[3] > 99)
        return RF_ERR_SYNTAX;
    out->error_code = class * 100 + a->p[3];
    out->error_reason = rf_span(a->p + 4, a->n - 4);
    return RF_OK;
}

static void
first(struct rf_span *field, const struct attribute *a)
{
    if (field->p == NULL)
        *field = rf_span(a->p, a->n);
}

static enum rf_err
tie_breaker(const struct attribute *a, struct rf_stun *out)
{
    if (a->n != 8)
        return RF_ERR_SYNTAX;
    out->tie_breaker = (uint64_t)rf_get32(a->p) << 32 | rf_get32(a->p + 4);
    return RF_OK;
}

/* One attribute before MESSAGE-INTEGRITY. */
static enum rf_err
attribute(const struct attribute *a, const uint8_t *message, struct rf_stun *out, bool *has_xored)
{
    switch (a->type) {
    case RF_STUN_MAPPED_ADDRESS:
        return rf_addr_is_set(&out->mapped) ? RF_OK : address(a, message, false, &out->mapped);
    case RF_STUN_XOR_MAPPED_ADDRESS:
        if (*has_xored)
            return RF_OK;
        *has_xored = true;
        return address(a, message, true, &out->mapped);
    case RF_STUN_USERNAME:
        first(&out->username, a);
        return a->n <= RF_STUN_USERNAME_MAX ? RF_OK : RF_ERR_SYNTAX;
    case RF_STUN_REALM:
        first(&out->realm, a);
        return RF_OK;
    case RF_STUN_NONCE:
        first(&out->nonce, a);
        return RF_OK;
    case RF_STUN_SOFTWARE:
        first(&out->software, a);
        return RF_OK;
    case RF_STUN_ERROR_CODE:
        return out->error_code != 0 ? RF_OK : error_code(a, out);
    case RF_STUN_PRIORITY:
        if (a->n != 4)
            return RF_ERR_SYNTAX;
        if (!out->has_priority)
            out->priority = rf_get32(a->p);
        out->has_priority = true;
        return RF_OK;
    case RF_STUN_USE_CANDIDATE:
        out->use_candidate = true;
        return RF_OK;
    case RF_STUN_ICE_CONTROLLED:
        out->is_controlled = true;
        return tie_breaker(a, out);
    case RF_STUN_ICE_CONTROLLING:
        out->is_controlling = true;
        return tie_breaker(a, out);
    case RF_STUN_UNKNOWN_ATTRIBUTES:
    case RF_STUN_ALTERNATE_SERVER:
        return RF_OK;
    default:
        if (a->type < 0x8000 && out->unknown_count < RF_STUN_UNKNOWN_MAX)
            out->unknown[out->unknown_count++] = a->type;
        return RF_OK;
    }
}

/* Both bits of the class lie among those of the method: M11-M7 C1 M6-M4 C0 M3-M0 (RFC 8489 5). */
static void
type(uint16_t t, struct rf_stun *out)
{
    out->class = t & RF_STUN_CLASS_MASK;
    out->method = (uint16_t)((t & 0x000f) | (t & 0x00e0) >> 1 | (t & 0x3e00) >> 2);
}

enum rf_err
rf_stun_parse(const uint8_t *p, size_t n, struct rf_stun *out)
{
    size_t at = RF_STUN_HEADER_OCTETS;
    bool has_xored = false;

    memset(out, 0, sizeof *out);
    if (n < RF_STUN_HEADER_OCTETS || (p[0] & 0xc0) != 0 || rf_get32(p + 4) != RF_STUN_COOKIE ||
        rf_get16(p + 2) != n - RF_STUN_HEADER_OCTETS || n % 4 != 0)
        return RF_ERR_SYNTAX;
    out->whole = rf_span(p, n);
    type(rf_get16(p), out);
    memcpy(out->id, p + 8, sizeof out->id);

    while (at < n) {
        struct attribute a;
        enum rf_err err = RF_OK;
        size_t padded;

        if (n - at < 4)
            return RF_ERR_SYNTAX;
        a = (struct attribute){ rf_get16(p + at), p + at + 4, rf_get16(p + at + 2) };
        padded = (a.n + 3) & ~(size_t)3;
        if (padded > n - at - 4)
            return RF_ERR_SYNTAX;

        if (a.type == RF_STUN_FINGERPRINT) {
            /* RFC 8489 14.7: the last attribute, over all before it. */
            if (a.n != 4 || at + 8 != n)
                return RF_ERR_SYNTAX;
            if (rf_get32(a.p) != rf_stun_fingerprint(p, at))
                return RF_ERR_AUTH;
            out->has_fingerprint = true;
        } else if (a.type == RF_STUN_MESSAGE_INTEGRITY && out->integrity_at == 0) {
            if (a.n != RF_STUN_INTEGRITY_OCTETS)
                return RF_ERR_SYNTAX;
            out->integrity_at = at;
        } else if (out->integrity_at == 0) {
            err = attribute(&a, p, out, &has_xored);
        }
        if (err)
            return err;
        at += 4 + padded;
    }
    return RF_OK;
}

bool
rf_stun_is_from(const struct rf_stun *m, struct rf_span key)
{
    uint8_t tag[RF_DIGEST_MAX];

    if (m->integrity_at == 0 || rf_stun_integrity((const uint8_t *)m->whole.p, m->integrity_at, key, tag) != RF_OK)
        return false;
    return rf_octets_eq(tag, m->whole.p + m->integrity_at + 4, RF_STUN_INTEGRITY_OCTETS);
}

enum rf_err
rf_stun_long_term_key(struct rf_span username, struct rf_span realm, struct rf_span password,
                      uint8_t key[static 16])
{
    struct rf_span parts[] = { username, RF_SPAN_LIT(":"), realm, RF_SPAN_LIT(":"), password };

    return rf_digest(RF_DIGEST_MD5, parts, sizeof parts / sizeof *parts, key);
}
