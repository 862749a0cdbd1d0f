/* Values of settings: what each type accepts, and the sentence when it does not. */
#include "conf/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DURATION_MAX_S (3650ll * 86400)

enum rf_err
rf_duration_parse(struct rf_span text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t s;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    uint64_t number;

    if (rf_span_is(text, "0")) {
        *seconds = 0;
        return RF_OK;
    }
    if (text.n < 2)
        return RF_ERR_SYNTAX;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        enum rf_err err;

        if (text.p[text.n - 1] != units[i].letter)
            continue;
        err = rf_span_u64(rf_span_sub(text, 0, text.n - 1), (uint64_t)(DURATION_MAX_S / units[i].s), &number);
        if (err)
            return err;
        *seconds = (int64_t)number * units[i].s;
        return RF_OK;
    }
    return RF_ERR_SYNTAX;
}

static const char *const schemes[] = { "udp", "tcp", "tls", "http", "https" }; /* by rf_listen_scheme */

const char *
rf_listen_scheme_name(enum rf_listen_scheme s)
{
    return schemes[s];
}

enum rf_err
rf_listen_parse(struct rf_span text, struct rf_listen *out)
{
    struct rf_span scheme = rf_span_sub(text, 0, rf_span_find(text, ':'));
    enum rf_err err;

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (rf_span_is(scheme, schemes[i])) {
            out->scheme = (enum rf_listen_scheme)i;
            return rf_addr_parse_port(rf_span_sub(text, scheme.n + 1, text.n), &out->addr);
        }
    err = rf_addr_parse_port(text, &out->addr);
    if (err == RF_OK)
        out->scheme = rf_addr_port(&out->addr) == 80 ? RF_LISTEN_HTTP : RF_LISTEN_HTTPS;
    return err;
}

enum rf_err
rf_server_parse(struct rf_span text, uint16_t port, struct rf_addr *out)
{
    enum rf_err err = rf_addr_parse(text, port, out);

    if (err)
        err = rf_addr_parse_port(text, out);
    return err == RF_OK && rf_addr_port(out) == 0 ? RF_ERR_RANGE : err;
}

enum rf_err
rf_network_parse(struct rf_span text, struct rf_addr *out, unsigned *bits)
{
    size_t slash = rf_span_find(text, '/');
    enum rf_err err = rf_addr_parse(rf_span_sub(text, 0, slash), 0, out);
    uint64_t n, most;

    if (err)
        return err;
    most = out->sa.sa_family == AF_INET6 ? 128 : 32;
    if (slash == text.n) {
        *bits = (unsigned)most;
        return RF_OK;
    }
    err = rf_span_u64(rf_span_sub(text, slash + 1, text.n), most, &n);
    *bits = (unsigned)n;
    return err;
}

enum rf_err
rf_ports_parse(struct rf_span text, uint16_t *low, uint16_t *high)
{
    size_t dash = rf_span_find(text, '-');
    uint64_t a, b;
    enum rf_err err = rf_span_u64(rf_span_sub(text, 0, dash), 65535, &a);

    if (err == RF_OK)
        err = rf_span_u64(rf_span_sub(text, dash + 1, text.n), 65535, &b);
    if (err)
        return err;
    *low = (uint16_t)a;
    *high = (uint16_t)b;
    /* RTP takes an even port and RTCP the next one. */
    return a >= 1024 && b > a + (a & 1) ? RF_OK : RF_ERR_RANGE;
}

/* "LOW..HIGH", "auto|LOW..HIGH" of numbers or durations. */
static void
range_of(const struct rf_option *o, struct rf_span *low, struct rf_span *high, bool *has_auto)
{
    struct rf_span s = rf_span_str(o->choices);
    size_t dots;

    *has_auto = rf_span_starts(s, "auto|");
    if (*has_auto)
        s = rf_span_sub(s, 5, s.n);
    dots = rf_span_find_str(s, RF_SPAN_LIT(".."));
    *low = rf_span_sub(s, 0, dots);
    *high = rf_span_sub(s, dots + 2, s.n);
}

static enum rf_err
number_of(const struct rf_option *o, struct rf_span text, int64_t *out)
{
    uint64_t v = 0;
    enum rf_err err;

    if (o->type == RF_OPT_DURATION)
        return rf_duration_parse(text, out);
    err = rf_span_u64(text, INT64_MAX, &v);
    *out = (int64_t)v;
    return err;
}

int64_t
rf_option_number(const struct rf_option *o, const char *text)
{
    int64_t v = 0;

    rf_assert(o->type == RF_OPT_NUMBER || o->type == RF_OPT_DURATION);
    if (strcmp(text, "auto") == 0)
        return 0;
    rf_assert(number_of(o, rf_span_str(text), &v) == RF_OK); /* it was checked when it was set */
    return v;
}

static enum rf_err
check_number(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    const char *what = o->type == RF_OPT_DURATION ? "a time such as 30s, 5m, 12h or 30d" : "a number";
    struct rf_span low_text, high_text;
    int64_t low = 0, high = 0, v = 0;
    bool has_auto;
    enum rf_err err;

    range_of(o, &low_text, &high_text, &has_auto);
    rf_assert(number_of(o, low_text, &low) == RF_OK && number_of(o, high_text, &high) == RF_OK);
    if (has_auto && rf_span_is(word, "auto"))
        return RF_OK;
    err = number_of(o, word, &v);
    if (err == RF_ERR_SYNTAX) {
        snprintf(sentence, size, "%s takes %s%s, not %.*s", o->name, what, has_auto ? " or auto" : "",
                 (int)(word.n < 60 ? word.n : 60), word.p);
        return RF_ERR_SYNTAX;
    }
    if (err != RF_OK || v < low || v > high) {
        snprintf(sentence, size, "%s takes %.*s to %.*s, not %.*s", o->name, RF_SPAN_ARG(low_text),
                 RF_SPAN_ARG(high_text), (int)(word.n < 60 ? word.n : 60), word.p);
        return RF_ERR_RANGE;
    }
    return RF_OK;
}

static enum rf_err
check_choice(const struct rf_option *o, const char *choices, struct rf_span word, char *sentence, size_t size)
{
    char near[64], list[400];
    size_t n = 0;

    if (rf_choice_has(choices, word))
        return RF_OK;
    for (const char *c = choices; *c != '\0' && n + 3 < sizeof list; c++) {
        if (*c == '|')
            list[n++] = ',';
        list[n++] = *c == '|' ? ' ' : *c;
    }
    list[n] = '\0';
    if (rf_choice_suggest(choices, word, near, sizeof near) != NULL)
        snprintf(sentence, size, "%s cannot be %.*s; did you mean %s?", o->name,
                 (int)(word.n < 60 ? word.n : 60), word.p, near);
    else if (n < 120)
        snprintf(sentence, size, "%s cannot be %.*s; it takes %s", o->name, (int)(word.n < 60 ? word.n : 60),
                 word.p, list);
    else
        snprintf(sentence, size, "%s cannot be %.*s; `ringfence config explain %s` lists what it takes", o->name,
                 (int)(word.n < 60 ? word.n : 60), word.p, o->name);
    return RF_ERR_RANGE;
}

/* A host name (RFC 1123 2.1) or an address: what may stand behind the @ of a SIP URI. */
static bool
is_domain(struct rf_span s)
{
    struct rf_addr addr;
    size_t label = 0;

    if (s.n == 0 || s.n > 253)
        return false;
    if (rf_addr_parse(s, 0, &addr) == RF_OK)
        return true;
    for (size_t i = 0; i < s.n; i++) {
        bool is_letter = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
                         (s.p[i] >= 'A' && s.p[i] <= 'Z');

        if (s.p[i] == '.') {
            if (label == 0 || s.p[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        if (!is_letter && (s.p[i] != '-' || label == 0))
            return false;
        if (++label > 63)
            return false;
    }
    return label > 0 && s.p[s.n - 1] != '-';
}

/* "intermediate", "old@5.7". Whether that version has this level is for whoever makes contexts of it. */
static enum rf_err
check_level(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    size_t at = rf_span_find(word, '@');
    enum rf_err err = check_choice(o, o->choices, rf_span_sub(word, 0, at), sentence, size);

    if (err || at == word.n || rf_choice_has(RF_LEVEL_VERSIONS, rf_span_sub(word, at + 1, word.n)))
        return err;
    snprintf(sentence, size, "%s: there is no version %.*s of the levels; it may be 5.0, 5.7, 5.8 or 6.0", o->name,
             (int)(word.n - at - 1 < 20 ? word.n - at - 1 : 20), word.p + at + 1);
    return RF_ERR_RANGE;
}

static enum rf_err
check_path(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_span path = rf_option_path(word);

    if (path.n > 1 && path.p[0] == '/' && path.n < RF_PATH_MAX)
        return RF_OK;
    snprintf(sentence, size, "%s takes a path that begins with /", o->name);
    return RF_ERR_SYNTAX;
}

struct rf_span
rf_option_path(struct rf_span word)
{
    return rf_span_starts(word, "file:") ? rf_span_sub(word, 5, word.n) : word;
}

enum rf_err
rf_target_text_parse(struct rf_span text, struct rf_target_text *out)
{
    size_t semicolon, colon;
    uint64_t port = 0;
    struct rf_addr addr;

    *out = (struct rf_target_text){ .is_sips = rf_span_starts(text, "sips:") };
    if (out->is_sips || rf_span_starts(text, "sip:"))
        text = rf_span_sub(text, out->is_sips ? 5 : 4, text.n);
    semicolon = rf_span_find(text, ';');
    if (semicolon < text.n) {
        struct rf_span param = rf_span_sub(text, semicolon + 1, text.n);

        out->transport = rf_span_sub(param, 10, param.n);
        if (!rf_span_starts(param, "transport=") ||
            !(rf_span_iis(out->transport, "tls") || rf_span_iis(out->transport, "tcp") ||
              rf_span_iis(out->transport, "udp")))
            return RF_ERR_SYNTAX;
        text = rf_span_sub(text, 0, semicolon);
    }
    if (rf_addr_parse_port(text, &addr) == RF_OK) {
        for (colon = text.n; text.p[colon - 1] != ':'; colon--)
            ;
        colon--;
    } else {
        colon = rf_span_starts(text, "[") ? text.n : rf_span_find(text, ':');
    }
    out->host = rf_span_sub(text, 0, colon);
    if (colon < text.n && (rf_span_u64(rf_span_sub(text, colon + 1, text.n), 65535, &port) != RF_OK || port == 0))
        return RF_ERR_RANGE;
    out->port = (uint16_t)port;
    return is_domain(out->host) && (rf_span_find(out->host, ':') == out->host.n || rf_span_starts(out->host, "["))
               ? RF_OK
               : RF_ERR_SYNTAX;
}

static enum rf_err
check_file(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    if (rf_span_starts(word, "file:") && word.n > 5)
        return RF_OK;
    snprintf(sentence, size, "%s takes file:PATH", o->name);
    return RF_ERR_SYNTAX;
}

static enum rf_err
check_secret(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    static const char *const kinds[] = { "secret:", "file:", "env:" };

    for (int i = 0; i < 3; i++)
        if (rf_span_is(word, kinds[i])) {
            snprintf(sentence, size, "%s: there is nothing behind %s", o->name, kinds[i]);
            return RF_ERR_SYNTAX;
        }
    if (word.n == 0 || word.n > 128 || rf_span_is(word, "(hidden)")) {
        snprintf(sentence, size, "%s takes secret:NAME, file:PATH, env:NAME, or 1 to 128 octets", o->name);
        return RF_ERR_RANGE;
    }
    return RF_OK;
}

static enum rf_err
check_text(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_span low, high;
    bool has_auto;
    uint64_t max = 0;

    range_of(o, &low, &high, &has_auto);
    rf_assert(rf_span_u64(high, 65535, &max) == RF_OK);
    if (word.n <= max)
        return RF_OK;
    snprintf(sentence, size, "%s takes at most %llu octets", o->name, (unsigned long long)max);
    return RF_ERR_RANGE;
}

/* What is wrong with a word that no grammar takes. */
__attribute__((format(printf, 3, 4))) static enum rf_err
malformed(char *sentence, size_t size, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, size, format, ap);
    va_end(ap);
    return RF_ERR_SYNTAX;
}

static enum rf_err
check_address(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_addr addr;

    if (rf_choice_has(o->choices, word) || rf_addr_parse(word, 0, &addr) == RF_OK)
        return RF_OK;
    return malformed(sentence, size, "%s takes an IP address or %s", o->name, o->choices);
}

static enum rf_err
check_server(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_addr addr;

    if (rf_choice_has(o->choices, word) || rf_server_parse(word, 53, &addr) == RF_OK)
        return RF_OK;
    return malformed(sentence, size, "%s takes an IP address, one with :PORT such as 192.0.2.53:5353, or %s", o->name,
                     o->choices);
}

static enum rf_err
check_network(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_addr addr;
    unsigned bits;

    if (rf_network_parse(word, &addr, &bits) == RF_OK)
        return RF_OK;
    return malformed(sentence, size, "%s takes an IP address, or a network such as 192.0.2.0/24", o->name);
}

static enum rf_err
check_target(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_target_text target;

    if (word.n <= 255 && rf_target_text_parse(word, &target) == RF_OK)
        return RF_OK;
    return malformed(sentence, size, "%s takes HOST or HOST:PORT, with ;transport=tls, tcp or udp when it matters", o->name);
}

static enum rf_err
check_listen(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    struct rf_listen listen;

    if (rf_listen_parse(word, &listen) == RF_OK && rf_choice_has(o->choices, rf_span_str(schemes[listen.scheme])))
        return RF_OK;
    if (rf_choice_has(o->choices, RF_SPAN_LIT("https")))
        return malformed(sentence, size,
                         "%s takes ADDRESS:PORT, with https: or http: before it or without, such as 0.0.0.0:443 or "
                         "https:[::]:443",
                         o->name);
    return malformed(sentence, size,
                     "%s takes udp:, tcp: or tls: with ADDRESS:PORT, such as tls:0.0.0.0:5061 or tls:[::]:5061", o->name);
}

static enum rf_err
check_ports(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    uint16_t low, high;
    enum rf_err err = rf_ports_parse(word, &low, &high);

    if (err)
        (void)malformed(sentence, size,
                        "%s takes a range of ports from 1024 up with an even one and the next, such as 30000-39999",
                        o->name);
    return err;
}

static enum rf_err
check_word(const struct rf_option *o, struct rf_span word, char *sentence, size_t size)
{
    switch (o->type) {
    case RF_OPT_FLAG:
        return check_choice(o, "on|off", word, sentence, size);
    case RF_OPT_ENUM:
        return check_choice(o, o->choices, word, sentence, size);
    case RF_OPT_LEVEL:
        return check_level(o, word, sentence, size);
    case RF_OPT_NUMBER:
    case RF_OPT_DURATION:
        return check_number(o, word, sentence, size);
    case RF_OPT_TEXT:
        return check_text(o, word, sentence, size);
    case RF_OPT_DOMAIN:
        return is_domain(word) ? RF_OK
                               : malformed(sentence, size, "%s takes a host name such as office.example", o->name);
    case RF_OPT_ADDRESS:
        return check_address(o, word, sentence, size);
    case RF_OPT_SERVER:
        return check_server(o, word, sentence, size);
    case RF_OPT_NETWORK:
        return check_network(o, word, sentence, size);
    case RF_OPT_TARGET:
        return check_target(o, word, sentence, size);
    case RF_OPT_LISTEN:
        return check_listen(o, word, sentence, size);
    case RF_OPT_PORTS:
        return check_ports(o, word, sentence, size);
    case RF_OPT_SECRET:
        return check_secret(o, word, sentence, size);
    case RF_OPT_PATH:
        return check_path(o, word, sentence, size);
    case RF_OPT_FILE:
    case RF_OPT_KEY_FILE:
        return check_file(o, word, sentence, size);
    case RF_OPT_BLOCK:
        return RF_OK; /* whether the block is there shows when all is read */
    }
    return RF_ERR_STATE;
}

enum rf_err
rf_option_check(const struct rf_option *o, const struct rf_span *word, size_t n, char *sentence, size_t size)
{
    if (n == 0) {
        snprintf(sentence, size, "%s needs a value", o->name);
        return RF_ERR_SYNTAX;
    }
    if (n > 1 && !o->is_list) {
        snprintf(sentence, size, "%s takes one value; put quotes around words with spaces", o->name);
        return RF_ERR_SYNTAX;
    }
    for (size_t i = 0; i < n; i++) {
        enum rf_err err = check_word(o, word[i], sentence, size);

        if (err)
            return err;
        for (size_t j = 0; j < i; j++)
            if (rf_span_eq(word[i], word[j])) {
                snprintf(sentence, size, "%s names %.*s twice", o->name, (int)(word[i].n < 60 ? word[i].n : 60),
                         word[i].p);
                return RF_ERR_RANGE;
            }
    }
    return RF_OK;
}
