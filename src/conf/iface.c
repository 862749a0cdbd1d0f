#include "conf/iface.h"

#include <stdio.h>

static const struct rf_iface_row rows[RF_IFACE_COUNT] = {
    [RF_IFACE_SIP_PHONES] = { "sip-phones", "sip", true, false },
    [RF_IFACE_SIP_TRUNKS] = { "sip-trunks", "sip-trunks", true, true },
    [RF_IFACE_SIP_SHARED] = { "sip-shared", "sip", true, false },
    [RF_IFACE_HTTPS] = { "https", "web", false, false },
    [RF_IFACE_PROVISIONING] = { "provisioning", "provisioning", false, false },
    [RF_IFACE_MANAGEMENT] = { "management", "management", false, false },
    [RF_IFACE_NODE_LINK] = { "node-link", "node-link", false, false },
    [RF_IFACE_METRICS] = { "metrics", "metrics", false, false },
};

const struct rf_iface_row *
rf_iface_row(enum rf_iface i)
{
    rf_assert((unsigned)i < RF_IFACE_COUNT);
    return &rows[i];
}

enum rf_err
rf_iface_find(struct rf_span name, enum rf_iface *out)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < RF_IFACE_COUNT; i++)
            if (rf_span_is(name, pass == 0 ? rows[i].name : rows[i].block)) {
                *out = (enum rf_iface)i;
                return RF_OK;
            }
    return RF_ERR_NOT_FOUND;
}

bool
rf_conf_next_word(struct rf_span *left, struct rf_span *word)
{
    size_t space = rf_span_find(*left, ' ');

    *word = rf_span_sub(*left, 0, space);
    *left = rf_span_sub(*left, space + 1, left->n);
    return word->n > 0;
}

/* --- settings ------------------------------------------------------------------------------------------ */

static const char *
name_of(enum rf_iface i, const char *setting, char mem[96])
{
    snprintf(mem, 96, "%s.%s", rows[i].block, setting);
    return mem;
}

static const char *
text_of(const struct rf_conf *c, enum rf_iface i, const char *setting)
{
    char name[96];

    return rf_conf_text(c, name_of(i, setting, name));
}

struct rf_conf_origin
rf_iface_origin(const struct rf_conf *c, enum rf_iface i, const char *setting)
{
    char name[96];

    return rf_conf_origin(c, name_of(i, setting, name));
}

static enum rf_iface_ask
ask_of(const char *text)
{
    if (strcmp(text, "required") == 0)
        return RF_ASK_REQUIRED;
    return strcmp(text, "optional") == 0 ? RF_ASK_OPTIONAL : RF_ASK_NO_CERTIFICATE;
}

static unsigned
ocsp_of(const char *text)
{
    return strcmp(text, "hard") == 0 ? 2 : strcmp(text, "soft") == 0 ? 1 : 0;
}

void
rf_iface_settings(const struct rf_conf *c, enum rf_iface i, struct rf_iface_settings *out)
{
    /* On a shared address phones decide what can be spoken; what trunks must show is theirs to say. */
    enum rf_iface judge = i == RF_IFACE_SIP_SHARED ? RF_IFACE_SIP_TRUNKS : i;
    char name[96];

    *out = (struct rf_iface_settings){
        .level = text_of(c, i, "cipher-suite-level"),
        .certificates = text_of(c, i, "certificate"),
        .checks = text_of(c, judge, "received-certificate-checks"),
        .trusted = text_of(c, judge, "trusted-certificate-store"),
        .revocation_lists = rf_conf_text(c, "security.revocation-lists"),
        .ask = i == RF_IFACE_SIP_SHARED ? RF_ASK_OPTIONAL : ask_of(text_of(c, i, "client-certificate")),
        .verify_depth = (unsigned)rf_conf_number(c, name_of(judge, "verify-depth", name)),
        .ocsp = ocsp_of(rf_conf_text(c, "security.ocsp")),
        .system_authorities = rf_conf_is_on(c, "security.system-authorities"),
        .medium_is_legacy = rf_conf_is_on(c, "security.medium-without-r11-checks"),
    };
}

/* --- addresses ----------------------------------------------------------------------------------------- */

static bool
is_datagram(enum rf_listen_scheme s)
{
    return s == RF_LISTEN_UDP;
}

static bool
is_same_place(const struct rf_listen *a, const struct rf_listen *b)
{
    return is_datagram(a->scheme) == is_datagram(b->scheme) && rf_addr_port(&a->addr) != 0 &&
           rf_addr_eq(&a->addr, &b->addr);
}

__attribute__((format(printf, 4, 5))) static enum rf_err
say(struct rf_conf_problem *p, const struct rf_conf *c, enum rf_iface i, const char *format, ...)
{
    va_list ap;

    p->at = rf_iface_origin(c, i, "listen");
    va_start(ap, format);
    vsnprintf(p->sentence, sizeof p->sentence, format, ap);
    va_end(ap);
    return RF_ERR_RANGE;
}

static enum rf_err
add_listen(const struct rf_conf *c, struct rf_iface_listen *out, size_t max, size_t *n, enum rf_iface i,
           struct rf_span word, struct rf_conf_problem *problem)
{
    struct rf_listen at;
    char text[80];

    if (rf_span_copy(word, text, sizeof text) != RF_OK || rf_listen_parse(word, &at) != RF_OK)
        return say(problem, c, i, "an address cannot be read");
    for (size_t k = 0; k < *n; k++) {
        if (!is_same_place(&out[k].at, &at))
            continue;
        if (out[k].iface == RF_IFACE_SIP_PHONES && i == RF_IFACE_SIP_TRUNKS && out[k].at.scheme == at.scheme) {
            out[k].iface = RF_IFACE_SIP_SHARED;
            return RF_OK;
        }
        return say(problem, c, i, "%s is listened on already", text);
    }
    if (*n == max)
        return say(problem, c, i, "more than %d addresses to listen on", RF_LISTENERS_MAX);
    out[(*n)++] = (struct rf_iface_listen){ i, at };
    return RF_OK;
}

enum rf_err
rf_iface_listens(const struct rf_conf *c, struct rf_iface_listen *out, size_t max, size_t *n,
                 struct rf_conf_problem *problem)
{
    *n = 0;
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        struct rf_span left, word;

        if (i == RF_IFACE_SIP_SHARED)
            continue;
        left = rf_span_str(text_of(c, (enum rf_iface)i, "listen"));
        while (rf_conf_next_word(&left, &word)) {
            enum rf_err err = add_listen(c, out, max, n, (enum rf_iface)i, word, problem);

            if (err)
                return err;
        }
    }
    return RF_OK;
}
