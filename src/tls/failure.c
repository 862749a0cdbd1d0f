#include "tls/failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "tls/why.h"

/* --- causes --- */

const char *
rf_tls_cause_slug(enum rf_tls_cause cause)
{
    static const char *const slugs[] = {
#define X(name, slug, text) slug,
        RF_TLS_CAUSES(X)
#undef X
    };

    rf_assert(cause < RF_TLS_CAUSE_COUNT);
    return slugs[cause];
}

const char *
rf_tls_cause_text(enum rf_tls_cause cause)
{
    static const char *const texts[] = {
#define X(name, slug, text) text,
        RF_TLS_CAUSES(X)
#undef X
    };

    rf_assert(cause < RF_TLS_CAUSE_COUNT);
    return texts[cause];
}

static void
add_cause(struct rf_tls_failure *f, enum rf_tls_cause cause)
{
    for (size_t i = 0; i < f->cause_count; i++)
        if (f->cause[i] == cause)
            return;
    if (f->cause_count < RF_TLS_FAILURE_CAUSES)
        f->cause[f->cause_count++] = (uint8_t)cause;
}

/* --- alerts --- */

static const struct {
    int number;
    const char *name, *meaning;
    bool about_our_certificate;
} alerts[] = {
    { SSL_AD_CLOSE_NOTIFY, "close_notify", "it closed the connection", false },
    { SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message", "it got a message out of order", false },
    { SSL_AD_BAD_RECORD_MAC, "bad_record_mac", "a record failed authentication", false },
    { SSL_AD_RECORD_OVERFLOW, "record_overflow", "it got a record that is too long", false },
    { SSL_AD_HANDSHAKE_FAILURE, "handshake_failure", "it found no settings in common and did not say which",
      false },
    { SSL_AD_NO_CERTIFICATE, "no_certificate", "it has no certificate", false },
    { SSL_AD_BAD_CERTIFICATE, "bad_certificate", "our certificate looks broken or is for another name",
      true },
    { SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported_certificate",
      "our certificate is of a kind or for a purpose that it does not take", true },
    { SSL_AD_CERTIFICATE_REVOKED, "certificate_revoked", "it takes our certificate for revoked", true },
    { SSL_AD_CERTIFICATE_EXPIRED, "certificate_expired",
      "our certificate is not valid at the time of its clock", true },
    { SSL_AD_CERTIFICATE_UNKNOWN, "certificate_unknown",
      "it does not accept our certificate and did not say why", true },
    { SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter", "it found a value out of range", false },
    { SSL_AD_UNKNOWN_CA, "unknown_ca", "it does not know the issuer", true },
    { SSL_AD_ACCESS_DENIED, "access_denied", "it denies access", true },
    { SSL_AD_DECODE_ERROR, "decode_error", "it could not read a message", false },
    { SSL_AD_DECRYPT_ERROR, "decrypt_error", "a signature or key failed its check", false },
    { SSL_AD_PROTOCOL_VERSION, "protocol_version", "it does not speak our TLS versions", false },
    { SSL_AD_INSUFFICIENT_SECURITY, "insufficient_security", "it wants stronger suites", false },
    { SSL_AD_INTERNAL_ERROR, "internal_error", "it had an error of its own", false },
    { SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate_fallback",
      "it speaks a newer version than the one that was offered", false },
    { SSL_AD_USER_CANCELLED, "user_canceled", "it gave up", false },
    { SSL_AD_NO_RENEGOTIATION, "no_renegotiation", "it does not renegotiate", false },
    { SSL_AD_MISSING_EXTENSION, "missing_extension", "it misses an extension", false },
    { SSL_AD_UNSUPPORTED_EXTENSION, "unsupported_extension", "it got an extension that it did not ask for",
      false },
    { SSL_AD_UNRECOGNIZED_NAME, "unrecognized_name", "it has no certificate for the name we asked for",
      false },
    { SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, "bad_certificate_status_response",
      "it does not accept the revocation status that came with our certificate", true },
    { SSL_AD_CERTIFICATE_REQUIRED, "certificate_required", "it wants a certificate and we showed none",
      true },
    { SSL_AD_NO_APPLICATION_PROTOCOL, "no_application_protocol", "it speaks no protocol that was offered",
      false },
};
#define ALERTS (sizeof alerts / sizeof *alerts)

static size_t
alert_row(int alert)
{
    size_t i = 0;

    while (i < ALERTS && alerts[i].number != alert)
        i++;
    return i;
}

const char *
rf_tls_alert_name(int alert)
{
    size_t i = alert_row(alert);

    return i < ALERTS ? alerts[i].name : "an unknown alert";
}

bool
rf_tls_alert_is_known(int alert)
{
    return alert_row(alert) < ALERTS;
}

/* --- the peer ended it --- */

/* What its alert leaves open about our certificate; what we know to be in order is left out. */
static void
certificate_causes(const struct rf_tls_why *w, struct rf_tls_failure *f)
{
    const struct rf_tls_own_facts *own = &w->own;

    switch (w->alert_received) {
    case SSL_AD_CERTIFICATE_REQUIRED:
        add_cause(f, RF_TLS_CAUSE_CLIENT_CERT);
        return;
    case SSL_AD_UNKNOWN_CA:
        if (own->is_self_signed)
            add_cause(f, RF_TLS_CAUSE_SELF_SIGNED);
        else if (own->sent_alone)
            add_cause(f, RF_TLS_CAUSE_CHAIN);
        add_cause(f, RF_TLS_CAUSE_ROOT);
        return;
    case SSL_AD_CERTIFICATE_EXPIRED:
        add_cause(f, own->is_expired ? RF_TLS_CAUSE_EXPIRED : RF_TLS_CAUSE_CLOCK);
        return;
    case SSL_AD_BAD_CERTIFICATE:
        if (own->name_differs)
            add_cause(f, RF_TLS_CAUSE_NAME);
        if (own->is_not_yet_valid)
            add_cause(f, RF_TLS_CAUSE_NOT_YET);
        else if (own->is_young)
            add_cause(f, RF_TLS_CAUSE_CLOCK);
        if (own->rsa_bits > 0 && own->rsa_bits < 3072)
            add_cause(f, RF_TLS_CAUSE_KEY);
        if (f->cause_count == 0 || !own->name_differs)
            add_cause(f, RF_TLS_CAUSE_NAME); /* it may have looked for another name than it asked for */
        return;
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
        add_cause(f, RF_TLS_CAUSE_PURPOSE);
        return;
    case SSL_AD_CERTIFICATE_REVOKED:
        add_cause(f, RF_TLS_CAUSE_REVOKED);
        return;
    default:
        add_cause(f, RF_TLS_CAUSE_EXTENSION);
        add_cause(f, RF_TLS_CAUSE_ROOT);
    }
}

/* handshake_failure says nothing; what both sides said before rules some causes out. */
static void
settings_causes(const struct rf_tls_why *w, struct rf_tls_failure *f)
{
    switch (w->alert_received) {
    case SSL_AD_PROTOCOL_VERSION:
        add_cause(f, RF_TLS_CAUSE_VERSION);
        return;
    case SSL_AD_UNRECOGNIZED_NAME:
        add_cause(f, RF_TLS_CAUSE_SERVER_NAME);
        return;
    case SSL_AD_INSUFFICIENT_SECURITY:
        add_cause(f, RF_TLS_CAUSE_DH);
        add_cause(f, RF_TLS_CAUSE_SUITE);
        return;
    case SSL_AD_INTERNAL_ERROR:
        if (w->version == 0 || w->version < TLS1_2_VERSION)
            add_cause(f, RF_TLS_CAUSE_SIGNATURE);
        return;
    case SSL_AD_HANDSHAKE_FAILURE:
        break;
    default:
        return;
    }
    if (w->cert_was_wanted) /* it chose suite and group already, and asked for a certificate that we do not have */
        add_cause(f, RF_TLS_CAUSE_CLIENT_CERT);
    if (w->suite != 0) { /* both sides agreed on a suite */
        add_cause(f, RF_TLS_CAUSE_DH);
        return;
    }
    add_cause(f, RF_TLS_CAUSE_SUITE);
    add_cause(f, RF_TLS_CAUSE_GROUP);
    if (!w->we_are_server) {
        add_cause(f, RF_TLS_CAUSE_CLIENT_CERT);
        add_cause(f, RF_TLS_CAUSE_SERVER_NAME);
    }
}

static void
failed_by_peer(const struct rf_tls_why *w, struct rf_tls_failure *f)
{
    size_t i = alert_row(w->alert_received);

    f->refusal = RF_REFUSE_TLS_FAILED;
    if (i == ALERTS) {
        snprintf(f->reason, sizeof f->reason, "it sent alert %d", w->alert_received);
        return;
    }
    if (alerts[i].about_our_certificate) {
        f->refusal = RF_REFUSE_CERT_REFUSED_BY_PEER;
        certificate_causes(w, f);
    } else {
        settings_causes(w, f);
    }
    if (w->alert_received == SSL_AD_INTERNAL_ERROR && f->cause_count > 0)
        f->refusal = RF_REFUSE_TLS_LEGACY_SIGNATURE;
    snprintf(f->reason, sizeof f->reason, "%s (alert %s)", alerts[i].meaning, alerts[i].name);
}

/* --- we ended it --- */

/* The strictest level of 5.0 that would have taken this client. */
static const char *
nearest_level(const struct rf_tls_offer *o)
{
    static const enum rf_tls_level order[] = { RF_TLS_MODERN, RF_TLS_INTERMEDIATE, RF_TLS_OLD };

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if ((o->fits >> order[i] & 1) != 0)
            return rf_tls_level_row(order[i])->name;
    return "";
}

/* TLS 1.0 and 1.1 sign with SHA-1; so does a TLS 1.2 client that offers nothing else. */
static bool
signs_with_sha1_only(const struct rf_tls_offer *o)
{
    size_t kept = o->sigalg_count < RF_TLS_OFFER_SIGALGS ? o->sigalg_count : RF_TLS_OFFER_SIGALGS;

    if (o->highest_version < TLS1_2_VERSION || !o->has_sigalgs)
        return true;
    for (size_t i = 0; i < kept; i++)
        if (o->sigalg[i] >> 8 > 2)
            return false;
    return true;
}

/* We are the server: the hello says what was missing. */
static enum rf_refusal
failed_by_offer(const struct rf_tls_why *w)
{
    const struct rf_tls_offer *o = w->offer;

    switch (w->reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
        return RF_REFUSE_TLS_VERSION;
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_WRONG_SIGNATURE_TYPE:
        return o == NULL || signs_with_sha1_only(o) ? RF_REFUSE_TLS_LEGACY_SIGNATURE
                                                    : RF_REFUSE_TLS_NO_CIPHER;
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
        return RF_REFUSE_TLS_NO_GROUP;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_SPECIFIED:
        if (o != NULL && !rf_tls_offer_has_version(o, w->min_version, w->level->max_version))
            return RF_REFUSE_TLS_VERSION;
        if (o != NULL && rf_tls_offer_has_suite(o, w->level_id) && !rf_tls_offer_has_group(o, w->level_id))
            return RF_REFUSE_TLS_NO_GROUP;
        return RF_REFUSE_TLS_NO_CIPHER;
    default:
        return RF_REFUSE_TLS_FAILED;
    }
}

/* Reasons that both roles share; RF_REFUSE_NONE: none of them. */
static enum rf_refusal
failed_by_reason(const struct rf_tls_why *w, struct rf_tls_failure *f)
{
    switch (w->reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return RF_REFUSE_CERT_MISSING;
    case SSL_R_DH_KEY_TOO_SMALL:
        f->dh_bits = w->dh_bits;
        return RF_REFUSE_TLS_DH_SMALL;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return RF_REFUSE_TLS_PLAIN_ON_TLS;
    case SSL_R_WRONG_VERSION_NUMBER:
        if (w->we_are_server && w->offer == NULL)
            return RF_REFUSE_TLS_PLAIN_ON_TLS;
        if (!w->we_are_server)
            add_cause(f, RF_TLS_CAUSE_PLAIN_PORT);
        return RF_REFUSE_TLS_FAILED;
    case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
        return RF_REFUSE_TLS_LEGACY_SIGNATURE;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return RF_REFUSE_TLS_VERSION;
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        if (!w->is_certificate)
            return RF_REFUSE_NONE;
        snprintf(f->reason, sizeof f->reason, "it is too large: more than %d kB were sent", RF_TLS_CHAIN_OCTETS_MAX / 1024);
        return RF_REFUSE_CERT_CHAIN_NOT_VALID;
    default:
        return RF_REFUSE_NONE;
    }
}

/* In words of ours where OpenSSL's say too little. */
static const char *
reason_text(int reason)
{
    const char *text;

    switch (reason) {
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return "a message is longer than we take";
    case SSL_R_WRONG_VERSION_NUMBER:
        return "what came is not TLS";
    case SSL_R_NO_RENEGOTIATION:
        return "it wanted to renegotiate, which is not done here";
    default:
        text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
        return text != NULL ? text : "a fault in the record layer";
    }
}

void
rf_tls_why_explain(const struct rf_tls_why *w, struct rf_tls_failure *f)
{
    const struct rf_tls_offer *o = w->offer;
    char name[48];

    memset(f, 0, sizeof *f);
    f->alert_sent = (int16_t)w->alert_sent;
    f->alert_received = (int16_t)w->alert_received;
    snprintf(f->version, sizeof f->version, "TLS %s",
             rf_tls_version_name(o != NULL ? o->highest_version : w->version));
    snprintf(f->min, sizeof f->min, "%s", rf_tls_version_name(w->min_version));
    if (o != NULL) {
        snprintf(f->server_name, sizeof f->server_name, "%s", o->server_name);
        f->suite_count = o->suite_count;
        if (o->suite_count > 0)
            snprintf(f->first_suite, sizeof f->first_suite, "%s", rf_tls_suite_name(o->suite[0], name));
        snprintf(f->nearest_level, sizeof f->nearest_level, "%s", nearest_level(o));
    }
    if (w->alert_received > 0) {
        failed_by_peer(w, f);
        return;
    }
    if (w->gave_up != NULL) {
        f->refusal = RF_REFUSE_TLS_FAILED;
        snprintf(f->reason, sizeof f->reason, "%s", w->gave_up);
        return;
    }
    if (w->saw_eof) {
        f->refusal = RF_REFUSE_TLS_CLOSED;
        if (w->we_are_server)
            add_cause(f, RF_TLS_CAUSE_SCAN);
        else
            add_cause(f, RF_TLS_CAUSE_PLAIN_PORT);
        return;
    }
    if (w->verdict != NULL && w->verdict->refusal != RF_REFUSE_NONE) {
        f->refusal = w->verdict->refusal;
        snprintf(f->reason, sizeof f->reason, "%s", w->verdict->detail);
        snprintf(f->names, sizeof f->names, "%s", w->verdict->subject);
        f->report = w->verdict->report;
        return;
    }
    snprintf(f->reason, sizeof f->reason, "%s", reason_text(w->reason));
    f->refusal = failed_by_reason(w, f);
    if (f->refusal == RF_REFUSE_NONE || (f->refusal == RF_REFUSE_TLS_LEGACY_SIGNATURE && w->we_are_server))
        f->refusal = w->we_are_server ? failed_by_offer(w) : RF_REFUSE_TLS_FAILED;
}

/* The words of a failure's sentence, and what else its event has. */
struct words {
    char peer[RF_ADDR_TEXT_MAX], causes[256];
    struct rf_log_field field[RF_CHECK_FIELDS_MAX + 14];
};

/* Beside the fields of each failure, a refused certificate has those of its report (AVA-26). */
static void
words_of_certificate(const struct rf_tls_failure *f, const char *listener, struct words *w)
{
    size_t n = 0;

    rf_check_fields(f->report, w->peer, w->field);
    while (w->field[n].name != NULL)
        n++;
    w->field[n++] = RF_F_STR("listener", listener);
    w->field[n++] = RF_F_STR("alert_sent", f->alert_sent >= 0 ? rf_tls_alert_name(f->alert_sent) : "");
    w->field[n] = (struct rf_log_field){ 0 };
}

static void
words_of(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener, struct words *w)
{
    struct rf_buf b = rf_buf(w->causes, sizeof w->causes - 1);

    rf_addr_text(peer, w->peer);
    if (f->report != NULL) {
        words_of_certificate(f, listener, w);
        return;
    }
    for (size_t i = 0; i < f->cause_count; i++)
        rf_putf(&b, "%s%s", i > 0 ? ", " : "", rf_tls_cause_slug((enum rf_tls_cause)f->cause[i]));
    w->causes[b.n] = '\0';
    memcpy(w->field,
           (const struct rf_log_field[]){
               RF_F_STR("peer", w->peer),
               RF_F_STR("listener", listener),
               RF_F_STR("version", f->version),
               RF_F_STR("min", f->min),
               RF_F_STR("reason", f->reason),
               RF_F_U64("bits", f->dh_bits),
               RF_F_U64("suites", f->suite_count),
               RF_F_STR("first_suite", f->first_suite),
               RF_F_STR("server_name", f->server_name),
               RF_F_STR("nearest_level", f->nearest_level),
               RF_F_STR("causes", w->causes),
               RF_F_STR("alert_sent", f->alert_sent >= 0 ? rf_tls_alert_name(f->alert_sent) : ""),
               RF_F_STR("alert_received", f->alert_received >= 0 ? rf_tls_alert_name(f->alert_received) : ""),
               { 0 },
           },
           14 * sizeof *w->field);
}

static void
log_it(void *ctx, enum rf_refusal why, const struct rf_log_field *fields)
{
    rf_refuse(why, fields);
}

void
rf_tls_failure_refuse(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener,
                      rf_tls_refuse_fn *refuse, void *ctx)
{
    struct words w;

    words_of(f, peer, listener, &w);
    if (refuse == NULL)
        refuse = log_it;
    refuse(ctx, f->refusal, w.field);
}

void
rf_tls_failure_text(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener,
                    struct rf_buf *sentence, struct rf_buf *fix)
{
    const struct rf_refusal_row *row = rf_refusal_row(f->refusal);
    struct words w;

    words_of(f, peer, listener, &w);
    rf_refusal_sentence(sentence, row->sentence, w.field);
    rf_refusal_sentence(fix, row->fix, w.field);
}
