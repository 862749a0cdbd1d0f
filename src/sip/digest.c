/*
 * sip/digest.c - digest challenges and credentials: parse, compute, compare
 *
 * The spans of a parsed header keep the escapes of their quoted strings; what goes into a hash is the text
 * without them (unq() of RFC 7616 3.4.1). Nothing here keeps or prints a secret: intermediate values are
 * wiped.
 */
#include "sip/digest.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/rand.h"
#include "crypto/digest.h"
#include "sip/chars.h"
#include "sip/uri.h"

static const struct {
    const char *name;
    enum rf_md md;
    size_t octets;
} algorithms[RF_DIGEST_COUNT] = {
    [RF_DIGEST_MD5] = { "MD5", RF_MD_MD5, 16 },
    [RF_DIGEST_SHA256] = { "SHA-256", RF_MD_SHA256, 32 },
    [RF_DIGEST_SHA512_256] = { "SHA-512-256", RF_MD_SHA512_256, 32 },
};

#define HEX_MAX (2 * RF_DIGEST_OCTETS_MAX)
/* Text with escapes is rare (a quote in a realm or a name); this much of it fits, more is refused. */
#define UNESCAPED_MAX 1024

/* What goes into one hash: parts joined by colons. */
struct input {
    struct rf_span part[16];
    size_t n;
    char mem[UNESCAPED_MAX];
    struct rf_buf unescaped;
};

static void
input_init(struct input *in)
{
    in->n = 0;
    in->unescaped = rf_buf(in->mem, sizeof in->mem);
}

static void
add(struct input *in, struct rf_span s)
{
    rf_assert(in->n + 2 <= sizeof in->part / sizeof in->part[0]);
    if (in->n > 0)
        in->part[in->n++] = RF_SPAN_LIT(":");
    in->part[in->n++] = s;
}

/* As add, for text from a quoted string. */
static void
add_quoted(struct input *in, struct rf_span s)
{
    size_t start = in->unescaped.n;

    if (rf_span_find(s, '\\') < s.n || rf_span_find(s, '\r') < s.n) {
        rf_put_unquoted(&in->unescaped, s);
        s = rf_span(in->mem + start, in->unescaped.n - start);
    }
    add(in, s);
}

static bool
hash(enum rf_digest_algorithm a, const struct input *in, uint8_t out[static RF_DIGEST_OCTETS_MAX])
{
    return !in->unescaped.overflow && rf_digest(algorithms[a].md, in->part, in->n, out) == RF_OK;
}

static bool
hash_hex(enum rf_digest_algorithm a, const struct input *in, struct rf_buf *hex)
{
    uint8_t octets[RF_DIGEST_OCTETS_MAX];
    bool done = hash(a, in, octets);

    hex->n = 0;
    if (done)
        rf_put_hex(hex, octets, algorithms[a].octets);
    rf_wipe(octets, sizeof octets);
    return done;
}

size_t
rf_digest_octets(enum rf_digest_algorithm a)
{
    return algorithms[a].octets;
}

const char *
rf_digest_name(enum rf_digest_algorithm a)
{
    return algorithms[a].name;
}

void
rf_digest_verifier_make(struct rf_digest_verifier *v, struct rf_span user, struct rf_span realm,
                        struct rf_span password)
{
    memset(v, 0, sizeof *v);
    for (unsigned a = 0; a < RF_DIGEST_COUNT; a++) {
        struct input in;

        input_init(&in);
        add(&in, user);
        add(&in, realm);
        add(&in, password);
        /* An algorithm that OpenSSL's policy forbids gets octets that nobody knows: zeros would be a
         * password. */
        if (!hash((enum rf_digest_algorithm)a, &in, v->ha1[a]))
            rf_rand_fill(&rf_rand_system, v->ha1[a], algorithms[a].octets);
        rf_wipe(&in, sizeof in);
    }
}

/* "Digest" 1*LWS: another scheme is RF_ERR_UNSUPPORTED. */
static void
take_scheme(struct rf_cursor *c)
{
    struct rf_span scheme;

    rf_sip_sws(c);
    scheme = rf_sip_take_some(c, RF_CH_TOKEN);
    if (c->err == RF_OK && !rf_span_iis(scheme, "Digest"))
        rf_cur_fail(c, RF_ERR_UNSUPPORTED);
    rf_cur_lws(c);
}

/* name EQUAL ( token / quoted-string ), the quotes taken off. false at the end of the list. */
static bool
take_directive(struct rf_cursor *c, struct rf_span *name, struct rf_span *value)
{
    if (rf_cur_at_end(c))
        return false;
    *name = rf_sip_take_some(c, RF_CH_TOKEN);
    if (!rf_sip_sep(c, '='))
        rf_cur_fail(c, RF_ERR_SYNTAX);
    *value = rf_cur_peek(c) == '"' ? rf_sip_take_quoted(c) : rf_sip_take_some(c, RF_CH_TOKEN);
    rf_sip_sws(c);
    if (!rf_cur_at_end(c) && !rf_sip_sep(c, ','))
        rf_cur_fail(c, RF_ERR_SYNTAX);
    return c->err == RF_OK;
}

/* A directive that stands twice could be read in two ways. */
static void
keep_once(struct rf_cursor *c, struct rf_span *slot, struct rf_span value)
{
    if (slot->p != NULL)
        rf_cur_fail(c, RF_ERR_SYNTAX);
    *slot = value;
}

/* "SHA-256-sess". Absent: MD5 (RFC 2617 3.2.1). */
static enum rf_err
algorithm_of(struct rf_span text, enum rf_digest_algorithm *algorithm, bool *is_sess)
{
    *algorithm = RF_DIGEST_MD5;
    *is_sess = false;
    if (text.p == NULL)
        return RF_OK;
    if (text.n > 5 && rf_span_iis(rf_span_sub(text, text.n - 5, 5), "-sess")) {
        *is_sess = true;
        text.n -= 5;
    }
    for (unsigned a = 0; a < RF_DIGEST_COUNT; a++)
        if (rf_span_iis(text, algorithms[a].name)) {
            *algorithm = (enum rf_digest_algorithm)a;
            return RF_OK;
        }
    return RF_ERR_UNSUPPORTED;
}

/* nc-value = 8LHEX */
static enum rf_err
nc_of(struct rf_span text, uint32_t *nc)
{
    uint8_t octet[4];
    size_t n;

    if (text.n != 8 || rf_hex_decode(text, octet, sizeof octet, &n) != RF_OK)
        return RF_ERR_SYNTAX;
    *nc = (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 | (uint32_t)octet[2] << 8 | octet[3];
    return RF_OK;
}

/*
 * digest-response (RFC 3261 25.1, RFC 7616 3.4). qop, nc and algorithm are tokens; quoted ones are accepted,
 * because older phones quote them. Needed: username, realm, nonce, uri, response; with qop also cnonce and
 * nc.
 */
enum rf_err
rf_digest_credentials_parse(struct rf_span value, struct rf_digest_credentials *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v, algorithm = { NULL, 0 }, hashed_user = { NULL, 0 };
    const struct {
        const char *name;
        struct rf_span *slot;
    } known[] = {
        { "username", &out->username }, { "realm", &out->realm },   { "nonce", &out->nonce },
        { "uri", &out->uri },           { "response", &out->response }, { "cnonce", &out->cnonce },
        { "opaque", &out->opaque },     { "qop", &out->qop },       { "nc", &out->nc_text },
        { "algorithm", &algorithm },    { "username*", &hashed_user },
    };

    memset(out, 0, sizeof *out);
    take_scheme(&c);
    while (take_directive(&c, &name, &v))
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (rf_span_iis(name, known[i].name))
                keep_once(&c, known[i].slot, v);
    if (c.err == RF_OK && hashed_user.p != NULL)
        rf_cur_fail(&c, RF_ERR_UNSUPPORTED); /* we never offer it (RFC 7616 3.4.4) */
    if (out->username.p == NULL || out->realm.p == NULL || out->nonce.p == NULL || out->uri.p == NULL ||
        out->response.p == NULL)
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    rf_cur_fail(&c, algorithm_of(algorithm, &out->algorithm, &out->is_sess));
    if (out->qop.p != NULL) {
        out->has_qop = true;
        out->is_auth_int = rf_span_iis(out->qop, "auth-int");
        if (!out->is_auth_int && !rf_span_iis(out->qop, "auth"))
            rf_cur_fail(&c, RF_ERR_UNSUPPORTED);
        if (out->cnonce.p == NULL)
            rf_cur_fail(&c, RF_ERR_SYNTAX);
        rf_cur_fail(&c, nc_of(out->nc_text, &out->nc));
    }
    if (out->is_sess && out->cnonce.p == NULL)
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    return rf_cur_done(&c);
}

/* What both sides compute: c with the spans of a parsed header, escapes and all. */
static bool
response_hash(const struct rf_digest_credentials *c, const uint8_t ha1[static RF_DIGEST_OCTETS_MAX],
              struct rf_span method, struct rf_span body, uint8_t out[static RF_DIGEST_OCTETS_MAX])
{
    char ha1_hex[HEX_MAX], ha2_hex[HEX_MAX], body_hex[HEX_MAX];
    struct rf_buf a1 = rf_buf(ha1_hex, sizeof ha1_hex), a2 = rf_buf(ha2_hex, sizeof ha2_hex);
    struct rf_buf entity = rf_buf(body_hex, sizeof body_hex);
    struct input in;
    bool done = true;

    rf_put_hex(&a1, ha1, algorithms[c->algorithm].octets);
    if (c->is_sess) {
        input_init(&in);
        add(&in, rf_buf_span(&a1));
        add_quoted(&in, c->nonce);
        add_quoted(&in, c->cnonce);
        done = hash_hex(c->algorithm, &in, &a1);
    }

    if (c->is_auth_int) {
        input_init(&in);
        add(&in, body);
        done = done && hash_hex(c->algorithm, &in, &entity);
    }
    input_init(&in);
    add(&in, method);
    add_quoted(&in, c->uri);
    if (c->is_auth_int)
        add(&in, rf_buf_span(&entity));
    done = done && hash_hex(c->algorithm, &in, &a2);

    input_init(&in);
    add(&in, rf_buf_span(&a1));
    add_quoted(&in, c->nonce);
    if (c->has_qop) {
        add(&in, c->nc_text);
        add_quoted(&in, c->cnonce);
        add(&in, c->qop);
    }
    add(&in, rf_buf_span(&a2));
    done = done && hash(c->algorithm, &in, out);
    rf_wipe(ha1_hex, sizeof ha1_hex);
    rf_wipe(&in, sizeof in);
    return done;
}

bool
rf_digest_verify(const struct rf_digest_credentials *c, const uint8_t ha1[static RF_DIGEST_OCTETS_MAX],
                 struct rf_span method, struct rf_span body)
{
    uint8_t want[RF_DIGEST_OCTETS_MAX], got[RF_DIGEST_OCTETS_MAX];
    size_t octets = algorithms[c->algorithm].octets, n = 0;
    bool is_right;

    is_right = response_hash(c, ha1, method, body, want) &&
               rf_hex_decode(c->response, got, sizeof got, &n) == RF_OK && n == octets &&
               rf_octets_eq(want, got, octets);
    rf_wipe(want, sizeof want);
    return is_right;
}

/*
 * challenge = "Digest" LWS digest-cln *( COMMA digest-cln ). Needed: realm and nonce. A qop that we do not
 * know is passed over; when none that we know is left the challenge is answered as in RFC 2069.
 */
enum rf_err
rf_digest_challenge_parse(struct rf_span value, struct rf_digest_challenge *out)
{
    struct rf_cursor c = rf_cur(value);
    struct rf_span name, v, algorithm = { NULL, 0 }, qop = { NULL, 0 }, stale = { NULL, 0 }, option;

    memset(out, 0, sizeof *out);
    take_scheme(&c);
    while (take_directive(&c, &name, &v)) {
        if (rf_span_iis(name, "realm"))
            keep_once(&c, &out->realm, v);
        else if (rf_span_iis(name, "nonce"))
            keep_once(&c, &out->nonce, v);
        else if (rf_span_iis(name, "opaque"))
            keep_once(&c, &out->opaque, v);
        else if (rf_span_iis(name, "algorithm"))
            keep_once(&c, &algorithm, v);
        else if (rf_span_iis(name, "qop"))
            keep_once(&c, &qop, v);
        else if (rf_span_iis(name, "stale"))
            keep_once(&c, &stale, v);
    }
    if (out->realm.p == NULL || out->nonce.p == NULL)
        rf_cur_fail(&c, RF_ERR_SYNTAX);
    rf_cur_fail(&c, algorithm_of(algorithm, &out->algorithm, &out->is_sess));
    out->is_stale = rf_span_iis(stale, "true");
    while (rf_sip_list_next(&qop, &option)) {
        out->has_auth |= rf_span_iis(option, "auth");
        out->has_auth_int |= rf_span_iis(option, "auth-int");
    }
    return rf_cur_done(&c);
}

void
rf_put_digest_challenge(struct rf_buf *b, enum rf_digest_algorithm a, struct rf_span realm, struct rf_span nonce,
                        bool stale)
{
    rf_put_str(b, "Digest realm=");
    rf_put_quoted(b, realm);
    rf_put_str(b, ", nonce=");
    rf_put_quoted(b, nonce);
    rf_put_str(b, ", algorithm=");
    rf_put_str(b, algorithms[a].name);
    rf_put_str(b, ", qop=\"auth\"");
    if (stale)
        rf_put_str(b, ", stale=true");
}

/* `, name="value"` of a span that has its escapes already. A fold in it is refused: no server sends one. */
static void
put_echo(struct rf_buf *b, const char *name, struct rf_span value)
{
    if (rf_span_find(value, '\r') < value.n || rf_span_find(value, '\n') < value.n ||
        rf_span_find(value, '\0') < value.n)
        b->overflow = true;
    rf_put_str(b, name);
    rf_put(b, value);
    rf_put_char(b, '"');
}

void
rf_put_digest_credentials(struct rf_buf *b, const struct rf_digest_challenge *c, struct rf_span user,
                          struct rf_span password, struct rf_span method, struct rf_span uri, uint32_t nc,
                          struct rf_span cnonce)
{
    struct rf_digest_credentials mine = { .algorithm = c->algorithm, .is_sess = c->is_sess, .realm = c->realm,
                                          .nonce = c->nonce, .uri = uri, .cnonce = cnonce };
    uint8_t ha1[RF_DIGEST_OCTETS_MAX], response[RF_DIGEST_OCTETS_MAX];
    char nc_text[9];
    struct input in;
    bool done;

    snprintf(nc_text, sizeof nc_text, "%08x", (unsigned)nc);
    mine.nc_text = rf_span(nc_text, 8);
    mine.has_qop = c->has_auth || c->has_auth_int;
    mine.is_auth_int = c->has_auth_int && !c->has_auth;
    mine.qop = mine.is_auth_int ? RF_SPAN_LIT("auth-int") : RF_SPAN_LIT("auth");

    input_init(&in);
    add(&in, user);
    add_quoted(&in, c->realm);
    add(&in, password);
    done = hash(c->algorithm, &in, ha1) && response_hash(&mine, ha1, method, rf_span(NULL, 0), response);
    rf_wipe(&in, sizeof in);
    rf_wipe(ha1, sizeof ha1);
    if (!done) {
        b->overflow = true;
        return;
    }

    rf_put_str(b, "Digest username=");
    rf_put_quoted(b, user);
    put_echo(b, ", realm=\"", c->realm);
    put_echo(b, ", nonce=\"", c->nonce);
    rf_put_str(b, ", uri=");
    rf_put_quoted(b, uri);
    rf_put_str(b, ", response=\"");
    rf_put_hex(b, response, algorithms[c->algorithm].octets);
    rf_put_str(b, "\", algorithm=");
    rf_put_str(b, algorithms[c->algorithm].name);
    if (c->is_sess)
        rf_put_str(b, "-sess");
    if (mine.has_qop || c->is_sess) {
        rf_put_str(b, ", cnonce=");
        rf_put_quoted(b, cnonce);
    }
    if (mine.has_qop) {
        rf_put_str(b, ", qop=");
        rf_put(b, mine.qop);
        rf_put_str(b, ", nc=");
        rf_put(b, mine.nc_text);
    }
    if (c->opaque.p != NULL)
        put_echo(b, ", opaque=\"", c->opaque);
}
