/*
 * conf/connections.c - checks of SIP connections, numbers, routes, devices and ring groups that need the whole
 *
 * What is here is refused because calls could not be told apart or would go in circles; what may be meant so is a
 * warning. Where a number leads is a warning too: the user may stand in the other layer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "conf/iface.h"
#include "conf/snapshot.h"

#define FORWARDS_MAX 5 /* call/forward.c: users that one call is forwarded by */

static bool
is_set(const struct rf_conf_block *b, const char *option)
{
    return rf_snapshot_setting(b->settings, rf_option_find(rf_span_str(option))) != NULL;
}

static bool
is(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting, const char *value)
{
    return strcmp(rf_conf_block_text(c, b, setting), value) == 0;
}

static bool
has_word(const char *list, struct rf_span word)
{
    struct rf_span left = rf_span_str(list), w;

    while (rf_conf_next_word(&left, &w))
        if (rf_span_eq(w, word))
            return true;
    return false;
}

static size_t
words_of(const char *list)
{
    struct rf_span left = rf_span_str(list), w;
    size_t n = 0;

    while (rf_conf_next_word(&left, &w))
        n++;
    return n;
}

/* --- connections --------------------------------------------------------------------------------------- */

static bool
is_customer(const struct rf_conf *c, const struct rf_conf_block *b)
{
    return is(c, b, "side", "customer") || rf_conf_block_is_on(c, b, "register");
}

/* Its peer proves itself to us by name and password. */
static bool
signs_in_here(const struct rf_conf *c, const struct rf_conf_block *b)
{
    return is(c, b, "type", "credential") && !is_customer(c, b);
}

/* --- what several claim -------------------------------------------------------------------------------- */

/*
 * By what the connection of a call is found, sorted: a carrier has thousands of connections, and comparing each with
 * each took 9 s of a start with 3000.
 */
enum claim_kind { CLAIM_HOST, CLAIM_NUMBER, CLAIM_SOURCE, CLAIM_USERNAME };

/* One network has many spellings: 192.0.2.7 and 192.0.2.7/32, 2001:db8::1 and 2001:DB8:0::1. */
struct source {
    uint8_t family, bits; /* family 0: no network */
    uint8_t octet[16];    /* behind its bits: 0 */
};

struct claim {
    enum claim_kind kind;
    uint32_t number;                  /* of the connection; of the number block for CLAIM_NUMBER */
    struct rf_span key;               /* of the snapshot */
    struct source source;             /* of CLAIM_SOURCE, made of the key */
    const struct rf_conf_block *block;
};

struct claims {
    struct claim *claim; /* owned */
    size_t count, room;
    bool overflow;
};

static struct source
source_of(struct rf_span word)
{
    struct source s = { 0 };
    struct rf_addr a;
    unsigned bits;

    if (rf_network_parse(word, &a, &bits) != RF_OK)
        return s;
    s.family = a.sa.sa_family == AF_INET ? 4 : 6;
    s.bits = (uint8_t)bits;
    if (s.family == 4)
        memcpy(s.octet, &a.v4.sin_addr, 4);
    else
        memcpy(s.octet, &a.v6.sin6_addr, 16);
    for (unsigned i = bits; i < 128; i++)
        s.octet[i / 8] &= (uint8_t)~(0x80 >> i % 8);
    return s;
}

/* Hosts go by their letters, whatever their case, sources by what they mean, all other keys by their octets. */
static int
order(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    size_t shared = x->key.n < y->key.n ? x->key.n : y->key.n;
    int by_key = 0;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == CLAIM_SOURCE)
        by_key = memcmp(&x->source, &y->source, sizeof x->source);
    else if (shared > 0)
        by_key = x->kind == CLAIM_HOST ? strncasecmp(x->key.p, y->key.p, shared) : memcmp(x->key.p, y->key.p, shared);
    if (by_key != 0)
        return by_key;
    if (x->kind != CLAIM_SOURCE && x->key.n != y->key.n)
        return x->key.n < y->key.n ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void
claim(struct claims *all, enum claim_kind kind, struct rf_span key, uint32_t number, const struct rf_conf_block *b)
{
    if (all->count == all->room) {
        size_t room = all->room == 0 ? 64 : all->room * 2;
        struct claim *more = reallocarray(all->claim, room, sizeof *more);

        all->overflow |= more == NULL;
        if (more == NULL)
            return;
        all->claim = more;
        all->room = room;
    }
    all->claim[all->count++] = (struct claim){
        .kind = kind, .number = number, .key = key, .block = b,
        .source = kind == CLAIM_SOURCE ? source_of(key) : (struct source){ 0 },
    };
}

static void
claim_words(struct claims *all, enum claim_kind kind, const char *list, uint32_t number, const struct rf_conf_block *b)
{
    struct rf_span left = rf_span_str(list), word;

    while (rf_conf_next_word(&left, &word))
        claim(all, kind, word, number, b);
}

/* false: no memory. The caller frees all->claim. */
static bool
gather_claims(const struct rf_conf *c, struct claims *all)
{
    const struct rf_conf_block *b;
    struct rf_target_text target;

    for (uint32_t i = 0; (b = rf_conf_block_at(c, "sip-connection", i)) != NULL; i++) {
        claim_words(all, CLAIM_SOURCE, rf_conf_block_text(c, b, "allow"), i, b);
        if (signs_in_here(c, b))
            claim(all, CLAIM_USERNAME, rf_span_str(rf_conf_block_text(c, b, "username")), i, b);
        if (is(c, b, "type", "fqdn") &&
            rf_target_text_parse(rf_span_str(rf_conf_block_text(c, b, "server")), &target) == RF_OK)
            claim(all, CLAIM_HOST, target.host, i, b);
    }
    for (uint32_t i = 0; (b = rf_conf_block_at(c, "number", i)) != NULL; i++)
        claim_words(all, CLAIM_NUMBER, rf_conf_block_text(c, b, "connection"), i, b);
    if (all->count > 0)
        qsort(all->claim, all->count, sizeof *all->claim, order);
    return !all->overflow;
}

/* How many claims of this key come before that of `number`, whose own need not be there; *first: who was first. */
static size_t
claimed_before(const struct claims *all, enum claim_kind kind, struct rf_span key, uint32_t number,
               const struct rf_conf_block **first)
{
    const struct source source = kind == CLAIM_SOURCE ? source_of(key) : (struct source){ 0 };
    const uint32_t ends[2] = { 0, number };
    size_t at[2];

    for (int e = 0; e < 2; e++) {
        const struct claim wanted = { .kind = kind, .key = key, .source = source, .number = ends[e] };
        size_t low = 0, high = all->count;

        while (low < high) {
            size_t middle = low + (high - low) / 2;

            if (order(&all->claim[middle], &wanted) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        at[e] = low;
    }
    if (first != NULL && at[1] > at[0])
        *first = all->claim[at[0]].block;
    return at[1] - at[0];
}

/* --- each connection ----------------------------------------------------------------------------------- */

static void
check_needs(struct loader *l, const struct rf_conf_block *b)
{
    const struct rf_conf *c = l->conf;
    bool is_credential = is(c, b, "type", "credential");

    if (is_credential && (rf_conf_block_text(c, b, "username")[0] == '\0' || !is_set(b, "sip-connection.*.password")))
        rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "sip-connection %s of type credential needs username and password",
                       b->label);
    if (is(c, b, "type", "ip") && rf_conf_block_text(c, b, "allow")[0] == '\0')
        rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at,
                       "sip-connection %s of type ip needs allow: the addresses it calls from", b->label);
    if ((is(c, b, "type", "fqdn") || (is_credential && is_customer(c, b))) &&
        rf_conf_block_text(c, b, "server")[0] == '\0')
        rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "sip-connection %s needs server", b->label);
    if (rf_conf_block_is_on(c, b, "register") && !is_credential)
        rf_loader_fail(l, RF_ERR_RANGE, b->at, "sip-connection %s: only type credential can register", b->label);
    if (!is(c, b, "type", "ip") && rf_conf_block_text(c, b, "allow")[0] != '\0')
        rf_loader_fail(l, RF_ERR_RANGE, b->at, "sip-connection %s: allow belongs to type ip", b->label);
    if (words_of(rf_conf_block_text(c, b, "allow")) > RF_CONF_ALLOW_MAX)
        rf_loader_fail(l, RF_ERR_RANGE, b->at, "sip-connection %s: allow takes at most %d addresses and networks",
                       b->label, RF_CONF_ALLOW_MAX);
}

/*
 * Connections with one host have one certificate and one set of addresses: the number that is called tells their calls
 * apart (route/connection.h, C3 and C5). Of more than a flow's proof has room for, those
 * that come later are called like any, and known by address or credentials; by certificate nobody is taken for them.
 */
static void
check_host(struct loader *l, const struct claims *all, const struct rf_conf_block *b, uint32_t number)
{
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *first;
    struct rf_target_text target;
    size_t before;
    bool is_ours, is_firsts;

    if (!is(c, b, "type", "fqdn") ||
        rf_target_text_parse(rf_span_str(rf_conf_block_text(c, b, "server")), &target) != RF_OK)
        return;
    before = claimed_before(all, CLAIM_HOST, target.host, number, &first);
    if (before == 0)
        return;
    is_ours = claimed_before(all, CLAIM_NUMBER, rf_span_str(b->label), UINT32_MAX, NULL) > 0;
    is_firsts = claimed_before(all, CLAIM_NUMBER, rf_span_str(first->label), UINT32_MAX, NULL) > 0;
    if (before >= RF_CONF_FQDN_OF_A_HOST_MAX)
        rf_loader_warn(l, b->at,
                       "sip-connection %s: %d of type fqdn have the server %.*s already; a call that comes by its "
                       "certificate is never taken for one of this connection",
                       b->label, RF_CONF_FQDN_OF_A_HOST_MAX, RF_SPAN_ARG(target.host));
    else if (!is_ours || !is_firsts)
        rf_loader_warn(l, b->at,
                       "sip-connection %s and %s have the same server: whose a call from there is says the number that "
                       "is called, and no number belongs to %s",
                       first->label, b->label, is_ours ? first->label : b->label);
}

/* Both would have to lead to one connection, or nobody can say whose call it is. */
static void
check_same(struct loader *l, const struct claims *all, const struct rf_conf_block *b, uint32_t number)
{
    const struct rf_conf *c = l->conf;
    struct rf_span left = rf_span_str(rf_conf_block_text(c, b, "allow")), word;
    const struct rf_conf_block *other;

    while (rf_conf_next_word(&left, &word))
        if (claimed_before(all, CLAIM_SOURCE, word, number, &other) > 0)
            rf_loader_fail(l, RF_ERR_RANGE, b->at, "sip-connection %s and %s both allow %.*s", other->label, b->label,
                           RF_SPAN_ARG(word));
    if (signs_in_here(c, b) && claimed_before(all, CLAIM_USERNAME, rf_span_str(rf_conf_block_text(c, b, "username")),
                                              number, &other) > 0)
        rf_loader_fail(l, RF_ERR_RANGE, b->at, "sip-connection %s and %s both have the username %s", other->label,
                       b->label, rf_conf_block_text(c, b, "username"));
}

static void
check_pins(struct loader *l, const struct rf_conf_block *b)
{
    struct rf_span left = rf_span_str(rf_conf_block_text(l->conf, b, "certificate-pin")), word;

    while (rf_conf_next_word(&left, &word)) {
        bool is_good = rf_span_starts(word, "sha256:") && word.n == 7 + 64;

        for (size_t i = 7; is_good && i < word.n; i++)
            is_good = strchr("0123456789abcdefABCDEF", word.p[i]) != NULL;
        if (!is_good)
            rf_loader_fail(l, RF_ERR_SYNTAX, b->at,
                           "sip-connection %s: certificate-pin takes sha256: and 64 hexadecimal "
                           "digits",
                           b->label);
    }
}

/* RF-307: allowed, but nobody shall be surprised (TEL-33). */
static void
check_bypass(struct loader *l, const struct rf_conf_block *b, const char *what)
{
    const struct rf_conf *c = l->conf;
    char sentence[240], setting[160];
    struct rf_buf out = rf_buf(sentence, sizeof sentence - 1);
    const struct rf_log_field fields[] = { RF_F_STR("setting", setting), { 0 } };

    if (!is(c, b, "media-handling-mode", "bypass"))
        return;
    snprintf(setting, sizeof setting, "%s.%s.media-handling-mode", what, b->label);
    rf_refusal_sentence(&out, rf_refusal_row(RF_REFUSE_BYPASS_UNPROVEN)->sentence, fields);
    sentence[out.n] = '\0';
    rf_loader_warn(l, b->at, "%s: %s", rf_refusal_row(RF_REFUSE_BYPASS_UNPROVEN)->code, sentence);
}

static bool
may_be_encrypted(const struct rf_conf *c, const struct rf_conf_block *b)
{
    return !is(c, b, "inbound.srtp", "off") || !is(c, b, "outbound.srtp", "off");
}

static void
check_connections(struct loader *l)
{
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *b;
    struct claims all = { .claim = NULL };

    if (!gather_claims(c, &all)) {
        rf_loader_fail(l, RF_ERR_NOMEM, (struct rf_conf_origin){ 0 }, "the configuration is too large");
        free(all.claim);
        return;
    }
    if ((b = rf_conf_block_at(c, "sip-connection", RF_CONF_CONNECTIONS_MAX)) != NULL)
        rf_loader_fail(l, RF_ERR_RANGE, b->at, "there are more than %d sip-connections", RF_CONF_CONNECTIONS_MAX);
    for (uint32_t i = 0; (b = rf_conf_block_at(c, "sip-connection", i)) != NULL; i++) {
        check_needs(l, b);
        check_pins(l, b);
        if (may_be_encrypted(c, b))
            check_bypass(l, b, "sip-connection");
        if (!is_customer(c, b) && is(c, b, "type", "credential") &&
            rf_conf_block(c, "user", rf_span_str(rf_conf_block_text(c, b, "username"))) != NULL)
            rf_loader_fail(l, RF_ERR_RANGE, b->at, "sip-connection %s has the username of user %s", b->label,
                           rf_conf_block_text(c, b, "username"));
        check_host(l, &all, b, i);
        check_same(l, &all, b, i);
    }
    free(all.claim);
}

/* --- numbers, routes, devices, groups ------------------------------------------------------------------ */

static bool
is_place(const struct rf_conf *c, struct rf_span name)
{
    return rf_conf_block(c, "user", name) != NULL || rf_conf_block(c, "ring-group", name) != NULL ||
           rf_conf_block(c, "dn", name) != NULL || rf_conf_block(c, "sip-connection", name) != NULL;
}

static void
check_bypass_over(struct loader *l, const struct rf_conf_block *b, const char *kind, const char *list)
{
    struct rf_span left = rf_span_str(rf_conf_block_text(l->conf, b, list)), word;
    const struct rf_conf_block *over;

    while (rf_conf_next_word(&left, &word)) {
        over = rf_conf_block(l->conf, "sip-connection", word);
        if (over != NULL && may_be_encrypted(l->conf, over)) {
            check_bypass(l, b, kind);
            return;
        }
    }
}

static void
check_numbers(struct loader *l)
{
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(c, "number", i)) != NULL; i++) {
        const char *to = rf_conf_block_text(c, b, "to"), *owners = rf_conf_block_text(c, b, "connection");

        if (to[0] == '\0' && owners[0] == '\0')
            rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "number %s needs to or connection", b->label);
        else if (to[0] != '\0' && !is_place(c, rf_span_str(to)))
            rf_loader_warn(l, b->at,
                           "number %s leads to %s, and there is no such user, ring-group, dn or sip-connection",
                           b->label, to);
        else if (to[0] != '\0' && has_word(owners, rf_span_str(to)))
            rf_loader_fail(l, RF_ERR_RANGE, b->at, "number %s sends the calls of %s back to it: a loop", b->label, to);
        check_bypass_over(l, b, "number", "connection");
    }
}

static void
check_routes(struct loader *l)
{
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(c, "route", i)) != NULL; i++) {
        struct rf_span left = rf_span_str(rf_conf_block_text(c, b, "use")), word;

        const char *to = rf_conf_block_text(c, b, "to");

        if (rf_conf_block_text(c, b, "match")[0] == '\0' ||
            (to[0] == '\0' && rf_conf_block_text(c, b, "use")[0] == '\0'))
            rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "route %s needs match and use", b->label);
        if (to[0] != '\0' && rf_conf_block_text(c, b, "use")[0] != '\0')
            rf_loader_fail(l, RF_ERR_RANGE, b->at, "route %s has both to and use", b->label);
        if (to[0] != '\0' && !is_place(c, rf_span_str(to)))
            rf_loader_warn(l, b->at, "route %s leads to %s, and there is no such user, ring-group or dn", b->label, to);
        while (rf_conf_next_word(&left, &word)) {
            const struct rf_conf_block *over = rf_conf_block(c, "sip-connection", word);

            if (has_word(rf_conf_block_text(c, b, "from"), word))
                rf_loader_fail(l, RF_ERR_RANGE, b->at, "route %s sends calls of %.*s back to it: a loop", b->label,
                               RF_SPAN_ARG(word));
            if (over != NULL && !is(c, over, "type", "credential") && rf_conf_block_text(c, over, "server")[0] == '\0')
                rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "route %s uses sip-connection %.*s, which has no server",
                               b->label, RF_SPAN_ARG(word));
        }
        left = rf_span_str(rf_conf_block_text(c, b, "match"));
        while (rf_conf_next_word(&left, &word))
            for (size_t k = 0; k < word.n; k++)
                if (strchr("0123456789+*#X", word.p[k]) == NULL || (word.p[k] == '*' && k + 1 < word.n))
                    rf_loader_fail(l, RF_ERR_SYNTAX, b->at,
                                   "route %s: match takes digits, +, #, X for any digit, and * "
                                   "at the end, not %.*s",
                                   b->label, RF_SPAN_ARG(word));
        check_bypass_over(l, b, "route", "use");
    }
}

static void
check_devices(struct loader *l)
{
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(c, "dn", i)) != NULL; i++) {
        if (rf_conf_block_text(c, b, "contact")[0] == '\0')
            rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "dn %s needs contact", b->label);
    }
    for (size_t i = 0; (b = rf_conf_block_at(c, "ring-group", i)) != NULL; i++) {
        struct rf_span left = rf_span_str(rf_conf_block_text(c, b, "members")), word;

        if (left.n == 0)
            rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "ring-group %s needs members", b->label);
        while (rf_conf_next_word(&left, &word))
            if (rf_conf_block(c, "user", word) == NULL && rf_conf_block(c, "dn", word) == NULL)
                rf_loader_warn(l, b->at, "ring-group %s names %.*s, and there is no such user or dn", b->label,
                               RF_SPAN_ARG(word));
    }
}

/* --- forwarding ---------------------------------------------------------------------------------------- */

/* A circle of users that forward all their calls would answer nobody; those that depend on the day show at run time. */
static void
check_circle(struct loader *l, const struct rf_conf_block *first)
{
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *b = first;

    for (int i = 0; i < FORWARDS_MAX && b != NULL; i++) {
        b = rf_conf_block(c, "user", rf_span_str(rf_conf_block_text(c, b, "forward-always")));
        if (b == first) {
            rf_loader_warn(l, first->at, "user %s: forward-always leads back to it; its calls will be refused (RF-518)",
                           first->label);
            return;
        }
    }
}

static void
check_forwards(struct loader *l)
{
    static const char *const kinds[] = { "forward-always", "forward-busy", "forward-no-answer" };
    const struct rf_conf *c = l->conf;
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(c, "user", i)) != NULL; i++) {
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if (is(c, b, kinds[k], b->label))
                rf_loader_fail(l, RF_ERR_RANGE, b->at, "user %s: %s leads to itself", b->label, kinds[k]);
        check_circle(l, b);
    }
}

void
rf_loader_check_connections(struct loader *l)
{
    check_forwards(l);
    check_connections(l);
    check_numbers(l);
    check_routes(l);
    check_devices(l);
}
