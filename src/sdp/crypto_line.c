/*
 * sdp/crypto_line.c - reads and writes a=crypto (RFC 4568 6, 9)
 *
 *   tag 1*WSP crypto-suite 1*WSP key-params *(1*WSP session-param)
 *
 * Liberal where phones differ: tag 0 and leading zeros in a tag (the number counts), suite names in any letter
 * case (ABNF literals; older libsrtp users), HTAB and runs of blanks, blanks at the end, Base64 without padding.
 * A key never leaves this file but in struct rf_srtp_key; what was half read is wiped.
 */
#include "sdp/crypto_line.h"

#include "base/codec.h"
#include "base/cursor.h"
#include "base/secret.h"

#define LIFETIME_MAX (UINT64_C(1) << 48) /* RFC 3711 9.2: packets under one master key */

static enum rf_err
refuse(const char **why, enum rf_err err, const char *text)
{
    *why = text;
    return err;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word; the blanks before it are at least one, but at the start of the value none. */
static struct rf_span
word_next(struct rf_cursor *c)
{
    const char *start;

    while (c->p < c->end && is_blank(*c->p))
        c->p++;
    start = c->p;
    while (c->p < c->end && !is_blank(*c->p))
        c->p++;
    return rf_span(start, (size_t)(c->p - start));
}

/* The table's own look-up is exact; this one is for what peers write. */
static const struct rf_srtp_suite *
suite_of(struct rf_span name)
{
    for (unsigned id = 1; id <= rf_srtp_suite_count(); id++) {
        const struct rf_srtp_suite *s = rf_srtp_suite(id);

        if (rf_span_iis(name, s->name))
            return s;
        for (size_t i = 0; i < sizeof s->alias / sizeof s->alias[0]; i++)
            if (s->alias[i] != NULL && rf_span_iis(name, s->alias[i]))
                return s;
    }
    return NULL;
}

static const char *
wrong_length(const struct rf_srtp_suite *suite)
{
    switch (suite->key_octets + suite->salt_octets) {
    case 28:
        return "key and salt are not the 28 octets that the suite needs";
    case 30:
        return "key and salt are not the 30 octets that the suite needs";
    case 38:
        return "key and salt are not the 38 octets that the suite needs";
    case 44:
        return "key and salt are not the 44 octets that the suite needs";
    case 46:
        return "key and salt are not the 46 octets that the suite needs";
    }
    return "key and salt are not as long as the suite needs";
}

/* lifetime = ["2^"] 1*(DIGIT), no leading zeros, 1 to 2^48                        RFC 4568 6.1 */
static enum rf_err
lifetime_parse(struct rf_span text, uint64_t *out, const char **why)
{
    bool is_power = rf_span_starts(text, "2^");
    struct rf_span digits = is_power ? rf_span_sub(text, 2, SIZE_MAX) : text;
    uint64_t n;

    if (rf_span_u64(digits, is_power ? 48 : LIFETIME_MAX, &n) != RF_OK || (digits.n > 1 && digits.p[0] == '0'))
        return refuse(why, RF_ERR_SYNTAX, "the lifetime is not a number up to 2^48");
    if (!is_power && n == 0)
        return refuse(why, RF_ERR_SYNTAX, "the lifetime is zero");
    *out = is_power ? UINT64_C(1) << n : n;
    return RF_OK;
}

/* mki = 1*DIGIT ":" 1*3DIGIT: a number, big-endian in so many octets               RFC 4568 6.1 */
static enum rf_err
mki_parse(struct rf_span text, struct rf_srtp_key *key, const char **why)
{
    size_t colon = rf_span_find(text, ':');
    struct rf_span value = rf_span_sub(text, 0, colon);
    uint64_t octets;

    if (colon == text.n)
        return refuse(why, RF_ERR_SYNTAX, "the MKI has no length");
    if (rf_span_u64(rf_span_sub(text, colon + 1, SIZE_MAX), RF_SRTP_MKI_MAX, &octets) != RF_OK || octets == 0 ||
        text.p[colon + 1] == '0')
        return refuse(why, RF_ERR_SYNTAX, "the length of the MKI is not 1 to 128");
    if (value.n == 0 || (value.n > 1 && value.p[0] == '0'))
        return refuse(why, RF_ERR_SYNTAX, "the MKI is not a number without leading zeros");
    for (size_t i = 0; i < value.n; i++) {
        unsigned carry = (unsigned char)value.p[i] - (unsigned)'0';

        if (carry > 9)
            return refuse(why, RF_ERR_SYNTAX, "the MKI is not a number without leading zeros");
        for (size_t o = octets; o-- > 0;) {
            carry += key->mki[o] * 10u;
            key->mki[o] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry != 0)
            return refuse(why, RF_ERR_SYNTAX, "the MKI does not fit its length");
    }
    key->mki_octets = (uint8_t)octets;
    return RF_OK;
}

/* "inline:" key-salt ["|" lifetime] ["|" mki] */
static enum rf_err
key_parse(struct rf_span param, const struct rf_srtp_suite *suite, struct rf_srtp_key *key, const char **why)
{
    uint8_t octet[RF_SRTP_KEY_MAX + RF_SRTP_SALT_MAX];
    size_t colon = rf_span_find(param, ':'), n = 0;
    struct rf_cursor c = rf_cur(rf_span_sub(param, colon + 1, SIZE_MAX));
    struct rf_span text = rf_cur_until(&c, '|'), part;
    enum rf_err err;

    memset(key, 0, sizeof *key);
    key->suite = suite->id;
    if (!rf_span_iis(rf_span_sub(param, 0, colon), "inline") || colon == param.n)
        return refuse(why, RF_ERR_SYNTAX, "the key method is not inline:");
    if (text.n == 0)
        return refuse(why, RF_ERR_SYNTAX, "there is no key after inline:");
    err = rf_base64_decode(text, octet, sizeof octet, &n);
    if (err == RF_ERR_SYNTAX)
        return refuse(why, err, "the key is not Base64");
    if (err != RF_OK || n != (size_t)suite->key_octets + suite->salt_octets) {
        rf_wipe(octet, sizeof octet);
        return refuse(why, RF_ERR_RANGE, wrong_length(suite));
    }
    memcpy(key->key, octet, suite->key_octets);
    memcpy(key->salt, octet + suite->key_octets, suite->salt_octets);
    rf_wipe(octet, sizeof octet);

    if (!rf_cur_accept(&c, '|'))
        return RF_OK;
    part = rf_cur_until(&c, '|');
    if (rf_span_find(part, ':') == part.n) {
        err = lifetime_parse(part, &key->lifetime, why);
        if (err != RF_OK || !rf_cur_accept(&c, '|'))
            return err;
        part = rf_cur_rest(&c);
    }
    if (!rf_cur_at_end(&c))
        return refuse(why, RF_ERR_SYNTAX, "something stands after the MKI");
    return mki_parse(part, key, why);
}

static bool
same_mki(const struct rf_srtp_key *a, const struct rf_srtp_key *b)
{
    return memcmp(a->mki, b->mki, sizeof a->mki) == 0;
}

/* key-param *(";" key-param); several keys need MKIs, all of one length and all different (RFC 4568 6.1) */
static enum rf_err
keys_parse(struct rf_span params, struct rf_crypto_line *out, const char **why)
{
    struct rf_cursor c = rf_cur(params);
    size_t seen = 0;

    do {
        struct rf_srtp_key spare, *key = seen < RF_CRYPTO_KEYS_MAX ? &out->key[seen] : &spare;
        enum rf_err err = key_parse(rf_cur_until(&c, ';'), out->suite, key, why);

        if (err == RF_OK && seen > 0 && (key->mki_octets == 0 || key->mki_octets != out->key[0].mki_octets))
            err = refuse(why, RF_ERR_SYNTAX, "several keys need MKIs, all of one length");
        for (size_t i = 0; err == RF_OK && i < seen && i < RF_CRYPTO_KEYS_MAX; i++)
            if (same_mki(&out->key[i], key))
                err = refuse(why, RF_ERR_SYNTAX, "two keys have the same MKI");
        if (seen >= RF_CRYPTO_KEYS_MAX)
            rf_wipe(&spare, sizeof spare);
        if (err != RF_OK)
            return err;
        seen++;
    } while (rf_cur_accept(&c, ';'));
    out->key_count = seen < RF_CRYPTO_KEYS_MAX ? seen : RF_CRYPTO_KEYS_MAX;
    return RF_OK;
}

/* "NAME=" at the start, letter case does not count; *value is the rest */
static bool
param_is(struct rf_span param, const char *name, struct rf_span *value)
{
    size_t n = strlen(name);

    *value = rf_span_sub(param, n, SIZE_MAX);
    return param.n >= n && rf_span_iis(rf_span_sub(param, 0, n), name);
}

/* session-param                                                                    RFC 4568 6.3, 9.2 */
static enum rf_err
session_param_parse(struct rf_span param, struct rf_crypto_line *out, const char **why)
{
    struct rf_span value;
    uint64_t n;

    for (size_t i = 0; i < param.n; i++)
        if (param.p[i] <= ' ' || param.p[i] >= 0x7f)
            return refuse(why, RF_ERR_SYNTAX, "a session parameter has characters that may not stand there");
    if (rf_span_iis(param, "UNENCRYPTED_SRTP")) {
        out->clear |= RF_SRTP_CLEAR_RTP;
    } else if (rf_span_iis(param, "UNENCRYPTED_SRTCP")) {
        out->clear |= RF_SRTP_CLEAR_RTCP;
    } else if (rf_span_iis(param, "UNAUTHENTICATED_SRTP")) {
        out->unauthenticated_srtp = true;
    } else if (param_is(param, "KDR=", &value)) {
        if (rf_span_u64(value, 24, &n) != RF_OK || (value.n > 1 && value.p[0] == '0'))
            return refuse(why, RF_ERR_SYNTAX, "KDR is not a number from 0 to 24");
        out->fec_or_kdr |= n != 0;
    } else if (param_is(param, "FEC_ORDER=", &value)) {
        if (!rf_span_iis(value, "FEC_SRTP") && !rf_span_iis(value, "SRTP_FEC"))
            return refuse(why, RF_ERR_SYNTAX, "FEC_ORDER is neither FEC_SRTP nor SRTP_FEC");
        out->fec_or_kdr = true;
    } else if (param_is(param, "FEC_KEY=", &value)) {
        out->fec_or_kdr = true;
    } else if (param_is(param, "WSH=", &value)) {
        if (rf_span_u64(value, UINT32_MAX, &n) != RF_OK || n < 64)
            return refuse(why, RF_ERR_SYNTAX, "WSH is not a number of 64 or more");
        out->wsh = (uint32_t)n;
    } else if (param.p[0] != '-') {
        /* Without '-' the sender insists on it (6.3.7): we cannot honour what we do not know. */
        out->has_unknown_mandatory_param = true;
    } else if (param.n == 1 || param.p[1] == '-') {
        return refuse(why, RF_ERR_SYNTAX, "a session parameter has no name");
    }
    return RF_OK;
}

static bool
is_suite_name(struct rf_span s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return s.n > 0;
}

enum rf_err
rf_crypto_line_parse(struct rf_span value, struct rf_crypto_line *out, const char **why)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span tag, name, keys, param;
    uint64_t number = 0;
    enum rf_err err;

    memset(out, 0, sizeof *out);
    tag = value.n > 0 && is_blank(value.p[0]) ? rf_span(value.p, 0) : word_next(&c);
    if (tag.n > 9 || rf_span_u64(tag, 999999999, &number) != RF_OK)
        return refuse(why, RF_ERR_SYNTAX, "the tag is not a number of 1 to 9 digits");
    out->tag = (uint32_t)number;
    name = word_next(&c);
    if (!is_suite_name(name))
        return refuse(why, RF_ERR_SYNTAX, "there is no crypto suite");
    keys = word_next(&c);
    if (keys.n == 0)
        return refuse(why, RF_ERR_SYNTAX, "there is no key");
    out->suite = suite_of(name);
    if (out->suite == NULL)
        return RF_OK;
    err = keys_parse(keys, out, why);
    while (err == RF_OK && (param = word_next(&c)).n > 0)
        err = session_param_parse(param, out, why);
    for (size_t i = 0; i < out->key_count; i++)
        out->key[i].clear = out->clear;
    if (err != RF_OK) {
        out->key_count = 0;
        rf_wipe(out->key, sizeof out->key);
    }
    return err;
}

/* A number of up to 128 octets in decimal: at most 309 digits. */
static void
put_mki(struct rf_buf *b, const struct rf_srtp_key *key)
{
    uint8_t left[RF_SRTP_MKI_MAX];
    char digits[310];
    size_t at = sizeof digits;
    bool more;

    memcpy(left, key->mki, key->mki_octets);
    do {
        unsigned rest = 0;

        more = false;
        for (size_t i = 0; i < key->mki_octets; i++) {
            rest = rest << 8 | left[i];
            left[i] = (uint8_t)(rest / 10);
            more |= left[i] != 0;
            rest %= 10;
        }
        digits[--at] = (char)('0' + rest);
    } while (more && at > 0);
    rf_put_char(b, '|');
    rf_put(b, rf_span(digits + at, sizeof digits - at));
    rf_put_char(b, ':');
    rf_put_u64(b, key->mki_octets);
}

void
rf_put_crypto_line(struct rf_buf *b, uint32_t tag, const struct rf_srtp_key *key)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite(key->suite);
    uint8_t octet[RF_SRTP_KEY_MAX + RF_SRTP_SALT_MAX];

    rf_assert(suite != NULL);
    memcpy(octet, key->key, suite->key_octets);
    memcpy(octet + suite->key_octets, key->salt, suite->salt_octets);
    rf_put_str(b, "a=crypto:");
    rf_put_u64(b, tag);
    rf_put_char(b, ' ');
    rf_put_str(b, suite->name);
    rf_put_str(b, " inline:");
    rf_put_base64(b, octet, (size_t)suite->key_octets + suite->salt_octets);
    if (key->mki_octets > 0)
        put_mki(b, key);
    if ((key->clear & RF_SRTP_CLEAR_RTP) != 0)
        rf_put_str(b, " UNENCRYPTED_SRTP");
    if ((key->clear & RF_SRTP_CLEAR_RTCP) != 0)
        rf_put_str(b, " UNENCRYPTED_SRTCP");
    rf_put_str(b, "\r\n");
    rf_wipe(octet, sizeof octet);
}
