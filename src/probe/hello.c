#include "probe/hello.h"

#include <openssl/ssl.h>

#include "base/cursor.h"
#include "probe/suites.h"

/* Content types (RFC 8446 5.1) and handshake types (RFC 8446 4, RFC 5246 7.4). */
enum { CHANGE_CIPHER = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION = 23 };
enum {
    SERVER_HELLO = 2,
    NEW_TICKET = 4,
    CERTIFICATE = 11,
    SERVER_KEY = 12,
    CERT_REQUEST = 13,
    HELLO_DONE = 14,
    CERT_STATUS = 22
};

#define SCSV_RENEGOTIATION 0x00ff /* RFC 5746 3.3 */
#define SCSV_FALLBACK 0x5600      /* RFC 7507 */
#define X25519 29
#define WARNINGS_MAX 16
#define RECORD_MAX (16384 + 2048) /* RFC 5246 6.2.3 */

/* --- writing --- */

static void
put_u16(struct rf_buf *b, unsigned v)
{
    rf_put_char(b, (char)(v >> 8));
    rf_put_char(b, (char)v);
}

/* Space for a length of 2 octets; close_u16 fills it in. */
static size_t
open_u16(struct rf_buf *b)
{
    put_u16(b, 0);
    return b->n;
}

static void
close_u16(struct rf_buf *b, size_t start)
{
    if (b->overflow)
        return;
    b->p[start - 2] = (char)((b->n - start) >> 8);
    b->p[start - 1] = (char)(b->n - start);
}

static void
put_numbers(struct rf_buf *b, const uint16_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_u16(b, v[i]);
}

static void
put_random(struct rf_buf *b, size_t n, const struct rf_rand *rand)
{
    uint8_t octets[32];

    rf_rand_fill(rand, octets, n);
    rf_put(b, rf_span(octets, n));
}

/* An extension whose body is one list with 2 octets of length. */
static void
put_list(struct rf_buf *b, unsigned type, const uint16_t *v, size_t n)
{
    size_t body, list;

    if (n == 0)
        return;
    put_u16(b, type);
    body = open_u16(b);
    list = open_u16(b);
    put_numbers(b, v, n);
    close_u16(b, list);
    close_u16(b, body);
}

/* ServerNameList (RFC 6066 3) with one host name. */
static void
put_server_name(struct rf_buf *b, struct rf_span name)
{
    size_t body, list;

    if (name.n == 0)
        return;
    put_u16(b, TLSEXT_TYPE_server_name);
    body = open_u16(b);
    list = open_u16(b);
    rf_put_char(b, 0);
    put_u16(b, (unsigned)name.n);
    rf_put(b, name);
    close_u16(b, list);
    close_u16(b, body);
}

static void
put_versions(struct rf_buf *b, const struct rf_probe_hello *h)
{
    static const uint16_t only_13[] = {TLS1_3_VERSION};
    const uint16_t *v = h->version_count > 0 ? h->versions : only_13;
    size_t n = h->version_count > 0 ? h->version_count : 1;

    put_u16(b, TLSEXT_TYPE_supported_versions);
    put_u16(b, (unsigned)(1 + 2 * n));
    rf_put_char(b, (char)(2 * n));
    put_numbers(b, v, n);
    put_u16(b, TLSEXT_TYPE_psk_kex_modes);
    rf_put(b, rf_span("\0\2\1\1", 4)); /* psk_dhe_ke */
}

/* Any 32 octets are a public value of X25519 (RFC 7748 5). */
static void
put_share(struct rf_buf *b, bool has_share, const struct rf_rand *rand)
{
    size_t body, list;

    put_u16(b, TLSEXT_TYPE_key_share);
    body = open_u16(b);
    list = open_u16(b);
    if (has_share) {
        put_u16(b, X25519);
        put_u16(b, 32);
        put_random(b, 32, rand);
    }
    close_u16(b, list);
    close_u16(b, body);
}

static void
put_extensions(struct rf_buf *b, const struct rf_probe_hello *h, const struct rf_rand *rand)
{
    bool is_13 = h->version == TLS1_3_VERSION;
    size_t all = open_u16(b);

    put_server_name(b, h->server_name);
    rf_put(b, rf_span("\xff\x01\0\1\0", 5));     /* renegotiation_info, empty (RFC 5746) */
    rf_put(b, rf_span("\0\x17\0\0", 4));         /* extended_master_secret (RFC 7627) */
    rf_put(b, rf_span("\0\x16\0\0", 4));         /* encrypt_then_mac (RFC 7366) */
    rf_put(b, rf_span("\0\x23\0\0", 4));         /* session_ticket, empty (RFC 5077) */
    rf_put(b, rf_span("\0\5\0\5\1\0\0\0\0", 9)); /* status_request: OCSP */
    rf_put(b, rf_span("\0\x0f\0\1\1", 5));       /* heartbeat (RFC 6520): is it offered at all? */
    put_list(b, TLSEXT_TYPE_supported_groups, h->group, h->group_count);
    if (h->group_count > 0)
        rf_put(b, rf_span("\0\x0b\0\2\1\0", 6)); /* ec_point_formats: uncompressed */
    put_list(b, TLSEXT_TYPE_signature_algorithms, h->sigalg, h->sigalg_count);
    if (is_13) {
        put_versions(b, h);
        put_share(b, h->has_share, rand);
    }
    close_u16(b, all);
}

enum rf_err
rf_probe_hello_put(struct rf_buf *b, const struct rf_probe_hello *h, const struct rf_rand *rand)
{
    bool is_13 = h->version == TLS1_3_VERSION;
    unsigned legacy = is_13 ? TLS1_2_VERSION : (unsigned)h->version;
    size_t record, message, suites;

    rf_put_char(b, HANDSHAKE);
    put_u16(b, h->version == SSL3_VERSION ? SSL3_VERSION : TLS1_VERSION);
    record = open_u16(b);
    rf_put(b, rf_span("\1\0", 2)); /* client_hello; the first of three octets of length */
    message = open_u16(b);
    put_u16(b, legacy);
    put_random(b, 32, rand);
    rf_put_char(b, is_13 ? 32 : 0); /* a session id: middleboxes want to see one (RFC 8446 D.4) */
    if (is_13)
        put_random(b, 32, rand);
    suites = open_u16(b);
    put_numbers(b, h->suite, h->suite_count);
    if (h->version == SSL3_VERSION)
        put_u16(b, SCSV_RENEGOTIATION);
    if (h->is_fallback)
        put_u16(b, SCSV_FALLBACK);
    close_u16(b, suites);
    rf_put(b, h->offers_deflate ? rf_span("\2\1\0", 3) : rf_span("\1\0", 2));
    if (h->version != SSL3_VERSION) /* servers of that time stumble over octets after the compressions */
        put_extensions(b, h, rand);
    close_u16(b, message);
    close_u16(b, record);
    return rf_buf_done(b);
}

enum rf_err
rf_probe_hello_put_ssl2(struct rf_buf *b, const struct rf_rand *rand)
{
    /* RC4, RC4 export, RC2, RC2 export, IDEA, DES, 3DES, each 128 bits or what its name says. */
    static const char kinds[] = "\1\0\200\2\0\200\3\0\200\4\0\200\5\0\200\6\0\100\7\0\300";
    size_t n = sizeof kinds - 1;

    put_u16(b, 0x8000 | (unsigned)(9 + n + 16));
    rf_put_char(b, 1); /* CLIENT-HELLO */
    put_u16(b, SSL2_VERSION);
    put_u16(b, (unsigned)n);
    put_u16(b, 0);
    put_u16(b, 16);
    rf_put(b, rf_span(kinds, n));
    put_random(b, 16, rand);
    return rf_buf_done(b);
}

/* --- reading --- */

static unsigned
take_number(struct rf_cursor *c, size_t octets)
{
    struct rf_span s = rf_cur_take(c, octets);
    unsigned v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

/* A vector: its length in `octets` octets, then so many octets. */
static struct rf_span
take_vector(struct rf_cursor *c, size_t octets)
{
    return rf_cur_take(c, take_number(c, octets));
}

void
rf_probe_flight_init(struct rf_probe_flight *f)
{
    memset(f, 0, offsetof(struct rf_probe_flight, octets));
    f->alert = f->warning = -1;
}

static void
read_extension(struct rf_probe_flight *f, unsigned type, struct rf_span body)
{
    struct rf_cursor c = rf_cur(body);

    switch (type) {
    case TLSEXT_TYPE_supported_versions:
        f->version = (int)take_number(&c, 2);
        break;
    case TLSEXT_TYPE_key_share: /* a group alone in a retry */
        f->group = (uint16_t)take_number(&c, 2);
        break;
    case TLSEXT_TYPE_renegotiate:
        f->has_renegotiation_info = true;
        break;
    case TLSEXT_TYPE_extended_master_secret:
        f->has_extended_master_secret = true;
        break;
    case TLSEXT_TYPE_encrypt_then_mac:
        f->has_encrypt_then_mac = true;
        break;
    case TLSEXT_TYPE_session_ticket:
        f->has_ticket = true;
        break;
    case TLSEXT_TYPE_server_name:
        f->acknowledges_name = true;
        break;
    case 15: /* heartbeat */
        f->has_heartbeat = true;
        break;
    default:
        break;
    }
}

/* SHA-256 of "HelloRetryRequest": the random of a ServerHello that is one (RFC 8446 4.1.3). */
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                         0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                         0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* ServerHello: version, random, session id, suite, compression, extensions (RFC 5246 7.4.1.3, RFC 8446 4.1.3). */
static bool
read_server_hello(struct rf_probe_flight *f, struct rf_span body)
{
    struct rf_cursor c = rf_cur(body), e;
    struct rf_span random, extensions = {NULL, 0};

    f->version = (int)take_number(&c, 2);
    random = rf_cur_take(&c, 32);
    f->has_session_id = take_vector(&c, 1).n > 0;
    f->suite = (uint16_t)take_number(&c, 2);
    f->compression = (uint8_t)take_number(&c, 1);
    if (!rf_cur_at_end(&c))
        extensions = take_vector(&c, 2);
    if (rf_cur_done(&c) != RF_OK)
        return false;
    f->is_retry = memcmp(random.p, retry_random, sizeof retry_random) == 0;
    e = rf_cur(extensions);
    while (!rf_cur_at_end(&e)) {
        unsigned type = take_number(&e, 2);
        struct rf_span one = take_vector(&e, 2);

        if (e.err == RF_OK)
            read_extension(f, type, one);
    }
    f->has_hello = rf_cur_done(&e) == RF_OK;
    if (f->has_hello && f->version >= TLS1_3_VERSION)
        f->state = RF_FLIGHT_DONE;
    return f->has_hello;
}

static bool
read_certificates(struct rf_probe_flight *f, struct rf_span body)
{
    struct rf_cursor c = rf_cur(body), list = rf_cur(take_vector(&c, 3));

    while (!rf_cur_at_end(&list)) {
        struct rf_span one = take_vector(&list, 3);

        if (list.err == RF_OK && f->chain_count < RF_PROBE_CHAIN_MAX)
            f->cert[f->chain_count] = one;
        if (list.err == RF_OK && f->chain_count < UINT16_MAX)
            f->chain_count++;
    }
    return rf_cur_done(&c) == RF_OK && list.err == RF_OK;
}

static uint16_t
bits_of(struct rf_span number)
{
    size_t bits;

    while (number.n > 0 && number.p[0] == 0)
        number = rf_span_sub(number, 1, number.n);
    bits = number.n * 8;
    for (unsigned top = number.n > 0 ? (unsigned char)number.p[0] : 0x80; (top & 0x80) == 0; top <<= 1)
        bits--;
    return bits > UINT16_MAX ? UINT16_MAX : (uint16_t)bits;
}

/* ServerKeyExchange: as far as the parameters; the signature is not looked at. */
static bool
read_server_key(struct rf_probe_flight *f, struct rf_span body)
{
    struct rf_cursor c = rf_cur(body);
    enum rf_probe_kx kx = rf_probe_suite_kx(f->suite);

    if (rf_probe_suite_has_hint(f->suite))
        (void)take_vector(&c, 2);
    if (kx == RF_KX_DHE) {
        f->dh_p = take_vector(&c, 2);
        f->dh_g = take_vector(&c, 2);
        (void)take_vector(&c, 2);
        f->dh_bits = bits_of(f->dh_p);
    } else if (kx == RF_KX_ECDHE) {
        if (take_number(&c, 1) == 3) /* named_curve */
            f->group = (uint16_t)take_number(&c, 2);
        else
            f->has_explicit_curve = true;
    }
    return c.err == RF_OK;
}

/* CertificateRequest (RFC 5246 7.4.4; before TLS 1.2 without signature algorithms). */
static bool
read_request(struct rf_probe_flight *f, struct rf_span body)
{
    struct rf_cursor c = rf_cur(body);

    f->asks_certificate = true;
    (void)take_vector(&c, 1);
    if (f->version >= TLS1_2_VERSION)
        (void)take_vector(&c, 2);
    f->ca_names = take_vector(&c, 2);
    return c.err == RF_OK;
}

static bool
read_status(struct rf_probe_flight *f, struct rf_span body)
{
    struct rf_cursor c = rf_cur(body);

    if (take_number(&c, 1) == 1) /* ocsp */
        f->staple = take_vector(&c, 3);
    return c.err == RF_OK;
}

static bool
read_message(struct rf_probe_flight *f, unsigned type, struct rf_span body)
{
    /* Nothing but a ServerHello may come first. */
    if (!f->has_hello)
        return type == SERVER_HELLO && read_server_hello(f, body);
    switch (type) {
    case CERTIFICATE:
        return f->chain_count == 0 && read_certificates(f, body);
    case SERVER_KEY:
        return read_server_key(f, body);
    case CERT_REQUEST:
        return read_request(f, body);
    case CERT_STATUS:
        return read_status(f, body);
    case HELLO_DONE:
        f->state = RF_FLIGHT_DONE;
        return true;
    default:
        return type != SERVER_HELLO;
    }
}

static void
read_messages(struct rf_probe_flight *f)
{
    while (f->state == RF_FLIGHT_MORE) {
        struct rf_span left = rf_span(f->octets + f->parsed_n, f->octets_n - f->parsed_n);
        struct rf_cursor c = rf_cur(left);
        unsigned type, n;
        struct rf_span body;

        if (left.n < 4)
            return;
        type = take_number(&c, 1);
        n = take_number(&c, 3);
        if (n > RF_PROBE_FLIGHT_MAX - 4 - f->parsed_n) {
            f->state = RF_FLIGHT_TOO_LONG;
            return;
        }
        if (left.n - 4 < n)
            return;
        body = rf_cur_take(&c, n);
        f->parsed_n += 4 + n;
        if (!read_message(f, type, body))
            f->state = RF_FLIGHT_BROKEN;
    }
}

static void
read_alert_octet(struct rf_probe_flight *f, uint8_t octet)
{
    f->alert_octets[f->alert_n++] = octet;
    if (f->alert_n < 2)
        return;
    f->alert_n = 0;
    /* A warning goes before the hello (unrecognized_name); close_notify ends the connection all the same. */
    if (f->alert_octets[0] == SSL3_AL_WARNING && f->alert_octets[1] != SSL_AD_CLOSE_NOTIFY &&
        ++f->warning_count <= WARNINGS_MAX) {
        f->warning = f->alert_octets[1];
        return;
    }
    f->alert = f->alert_octets[1];
    f->state = RF_FLIGHT_ALERT;
}

/* What a server of another protocol said, for people: its first line, and never nothing. */
static void
keep_words(struct rf_probe_flight *f, struct rf_span octets)
{
    size_t n = 0;

    for (size_t i = 0; i < f->header_n && n < sizeof f->said - 1; i++)
        f->said[n++] = (char)f->header[i];
    for (size_t i = 0; i < octets.n && n < sizeof f->said - 1; i++)
        f->said[n++] = octets.p[i];
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (f->said[i] == '\r' || f->said[i] == '\n')) {
            n = i;
            break;
        }
        if ((unsigned char)f->said[i] < ' ' || (unsigned char)f->said[i] >= 0x7f)
            f->said[i] = '.';
    }
    f->said[n] = '\0';
}

/* Five octets of a record header are there. */
static void
begin_record(struct rf_probe_flight *f, struct rf_span rest)
{
    unsigned n = (unsigned)f->header[3] << 8 | f->header[4];

    if (f->header[0] < CHANGE_CIPHER || f->header[0] > APPLICATION || f->header[1] != 3) {
        f->state = f->has_hello ? RF_FLIGHT_BROKEN : RF_FLIGHT_NOT_TLS;
        keep_words(f, rest);
        return;
    }
    f->header_n = 0;
    f->body_left = n;
    if (n > RECORD_MAX || ++f->record_count > RF_PROBE_RECORDS_MAX)
        f->state = RF_FLIGHT_TOO_LONG;
    else if (f->header[0] == CHANGE_CIPHER || f->header[0] == APPLICATION)
        f->state = RF_FLIGHT_BROKEN; /* nothing of a first flight in clear is in them */
}

enum rf_probe_flight_state
rf_probe_flight_feed(struct rf_probe_flight *f, struct rf_span octets)
{
    while (octets.n > 0 && f->state == RF_FLIGHT_MORE) {
        size_t n;

        if (f->body_left == 0) {
            f->header[f->header_n++] = (uint8_t)octets.p[0];
            octets = rf_span_sub(octets, 1, octets.n);
            if (f->header_n == 5)
                begin_record(f, octets);
            continue;
        }
        n = octets.n < f->body_left ? octets.n : f->body_left;
        if (f->header[0] == ALERT) {
            n = 1;
            read_alert_octet(f, (uint8_t)octets.p[0]);
        } else if (n > RF_PROBE_FLIGHT_MAX - f->octets_n) {
            f->state = RF_FLIGHT_TOO_LONG;
            break;
        } else {
            memcpy(f->octets + f->octets_n, octets.p, n);
            f->octets_n += (uint32_t)n;
            read_messages(f);
        }
        f->body_left -= (uint32_t)n;
        octets = rf_span_sub(octets, n, octets.n);
    }
    return f->state;
}

enum rf_err
rf_probe_flight_ca_name(const struct rf_probe_flight *f, size_t i, struct rf_span *out)
{
    struct rf_cursor c = rf_cur(f->ca_names);

    while (!rf_cur_at_end(&c)) {
        *out = take_vector(&c, 2);
        if (c.err == RF_OK && i-- == 0)
            return RF_OK;
    }
    return RF_ERR_NOT_FOUND;
}

/* SERVER-HELLO of SSL 2: header of 2 octets, type 4, session hit, certificate type, version, three lengths. */
enum rf_err
rf_probe_ssl2_read(struct rf_span octets, struct rf_probe_ssl2 *out)
{
    struct rf_cursor c = rf_cur(octets);
    unsigned n, cert_n, ciphers_n, id_n;

    memset(out, 0, sizeof *out);
    if (octets.n > 0 && (octets.p[0] & 0x80) == 0)
        return RF_ERR_SYNTAX;
    if (octets.n > 2 && octets.p[2] != 4)
        return RF_ERR_SYNTAX;
    if (octets.n < 13)
        return RF_ERR_AGAIN;
    n = take_number(&c, 2) & 0x7fff;
    (void)take_number(&c, 3);
    if (take_number(&c, 2) != SSL2_VERSION)
        return RF_ERR_SYNTAX;
    cert_n = take_number(&c, 2);
    ciphers_n = take_number(&c, 2);
    id_n = take_number(&c, 2);
    if (11 + cert_n + ciphers_n + id_n != n)
        return RF_ERR_SYNTAX;
    if (octets.n - 2 < n)
        return RF_ERR_AGAIN;
    out->is_hello = true;
    out->cert = rf_cur_take(&c, cert_n);
    out->cipher_count = (uint16_t)(ciphers_n / 3);
    return RF_OK;
}
