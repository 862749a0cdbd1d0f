/*
 * tls/failure.h - why a handshake failed: one refusal, and what to look at where one side cannot know
 *
 * Five causes hide behind one alert. What this side saw decides the refusal; where that leaves several causes,
 * each is named as a self-check, in order of likelihood (failures.md 5.1).
 */
#ifndef RF_TLS_FAILURE_H
#define RF_TLS_FAILURE_H

#include "cert/check.h"

/* Name, what it means, and how it is checked from here. */
#define RF_TLS_CAUSES(X)                                                                                      \
    X(SUITE, "no-shared-suite", "it accepts none of our cipher suites")                                       \
    X(GROUP, "no-shared-group", "it accepts none of our key-exchange groups")                                 \
    X(VERSION, "no-shared-version", "it accepts none of our TLS versions")                                    \
    X(DH, "dh-too-small", "its side found a Diffie-Hellman key too small")                                    \
    X(SIGNATURE, "legacy-signature", "one side speaks TLS 1.0 or 1.1 and the other refuses SHA-1 signatures") \
    X(CLIENT_CERT, "client-certificate-missing", "it wants a certificate and we showed none")                 \
    X(SERVER_NAME, "server-name", "it does not serve the name we asked for")                                  \
    X(ROOT, "root-not-trusted", "it does not trust the root of our certificate")                              \
    X(CHAIN, "intermediate-not-sent", "our chain lacks an intermediate certificate")                          \
    X(SELF_SIGNED, "self-signed", "our certificate is self-signed")                                           \
    X(NAME, "name-mismatch", "our certificate is not for the name it asked for")                              \
    X(EXPIRED, "expired", "our certificate has ended")                                                        \
    X(NOT_YET, "not-yet-valid", "our certificate is not valid yet at its clock")                              \
    X(CLOCK, "clock-wrong", "its clock, or ours, is wrong")                                                   \
    X(KEY, "key-too-small", "our key is too small for it")                                                    \
    X(PURPOSE, "wrong-purpose", "our certificate is not meant for this use")                                  \
    X(EXTENSION, "critical-extension", "our certificate has a critical extension that it does not know")      \
    X(REVOKED, "revoked", "our certificate has been revoked")                                                 \
    X(PLAIN_PORT, "not-a-tls-port", "it does not speak TLS on this port")                                     \
    X(SCAN, "scan-or-health-check", "a port scan, a health check, or a device that gave up")

enum rf_tls_cause {
#define X(name, slug, text) RF_TLS_CAUSE_##name,
    RF_TLS_CAUSES(X)
#undef X
    RF_TLS_CAUSE_COUNT
};

const char *rf_tls_cause_slug(enum rf_tls_cause cause);
const char *rf_tls_cause_text(enum rf_tls_cause cause);

#define RF_TLS_FAILURE_CAUSES 6

struct rf_tls_failure {
    enum rf_refusal refusal;  /* RF_REFUSE_TLS_VERSION ...; of the check engine for a certificate */
    char version[12], min[12];/* words of RF-101, RF-105: "TLS 1.0", "1.2" */
    char reason[192];         /* word of RF-108 and RF-202, detail of a failed check */
    char first_suite[48];     /* the client's first choice, "" none */
    uint16_t suite_count;     /* how many it offered */
    uint16_t dh_bits;         /* RF-104 */
    int16_t alert_sent, alert_received; /* RFC 8446 6; -1 none */
    uint8_t cause_count;
    uint8_t cause[RF_TLS_FAILURE_CAUSES]; /* enum rf_tls_cause, the likeliest first, none that is ruled out */
    char server_name[128];    /* SNI, clipped */
    char names[128];          /* of the peer's certificate: subject, RF-206's names */
    char nearest_level[20];   /* RF-102: the strictest level that would take it; "" none */
    const struct rf_check_report *report; /* the peer's certificate was refused: lives as long as the connection */
};

/** "unknown_ca" of an alert number. */
const char *rf_tls_alert_name(int alert);
/** It has a name of its own. */
bool rf_tls_alert_is_known(int alert);

/** Where a refusal goes, with its fields: to the log, or to be folded with those like it. */
typedef void rf_tls_refuse_fn(void *ctx, enum rf_refusal why, const struct rf_log_field *fields);

/** Say it with the peer's address and the facts. @param refuse  NULL: counted and logged (rf_refuse) */
void rf_tls_failure_refuse(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener,
                           rf_tls_refuse_fn *refuse, void *ctx);
/** Its sentence and its fix with their words filled in, as that would log them. */
void rf_tls_failure_text(const struct rf_tls_failure *f, const struct rf_addr *peer, const char *listener,
                         struct rf_buf *sentence, struct rf_buf *fix);

#endif
