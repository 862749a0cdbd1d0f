/*
 * acme/answer.h - what an ACME server says, as plain data (RFC 8555 7.1, RFC 9773 4.2)
 *
 * Everything here came from outside: each text has a bound, each URL must be https, control characters are
 * replaced in what a person will read. Unknown members are ignored, as the RFC asks.
 *
 * Threads: any; plain functions. Memory: the caller's; jansson's tree lives during a call only.
 */
#ifndef RF_ACME_ANSWER_H
#define RF_ACME_ANSWER_H

#include "acme/csr.h"

#define RF_ACME_URL_MAX      512           /* longest seen: 120 */
#define RF_ACME_TOKEN_MAX    129           /* 22 characters at least (RFC 8555 8.1); seen: 43 */
#define RF_ACME_NONCE_MAX    256
#define RF_ACME_DETAIL_MAX   400
#define RF_ACME_PROFILES_MAX 16
#define RF_ACME_PROFILE_MAX  64
#define RF_ACME_JSON_MAX     (64u << 10)   /* octets of an answer that is not a chain; an order of 64 names: 10 kB */

struct rf_acme_directory {
    char new_nonce[RF_ACME_URL_MAX], new_account[RF_ACME_URL_MAX], new_order[RF_ACME_URL_MAX];
    char revoke_cert[RF_ACME_URL_MAX], key_change[RF_ACME_URL_MAX];
    char renewal_info[RF_ACME_URL_MAX];    /* "": not offered */
    char terms[RF_ACME_URL_MAX];           /* of service; "": none */
    bool wants_external_account;
    size_t profile_count;
    char profile[RF_ACME_PROFILES_MAX][RF_ACME_PROFILE_MAX];
};
RF_MUST_CHECK enum rf_err rf_acme_directory_read(struct rf_span json, struct rf_acme_directory *out);

/* A problem document (RFC 7807 as RFC 8555 6.7 uses it). */
struct rf_acme_problem {
    char type[64];                         /* without "urn:ietf:params:acme:error:"; "" when it is not of ACME */
    char detail[RF_ACME_DETAIL_MAX];       /* the first subproblem's name and detail are added */
    int status;
};
/** Always fills *out: what is not a problem document is named by its HTTP status. */
void rf_acme_problem_read(struct rf_span json, int http_status, struct rf_acme_problem *out);

enum rf_acme_status {
    RF_ACME_UNKNOWN, RF_ACME_PENDING, RF_ACME_READY, RF_ACME_PROCESSING, RF_ACME_VALID, RF_ACME_INVALID,
    RF_ACME_DEACTIVATED, RF_ACME_EXPIRED, RF_ACME_REVOKED
};

struct rf_acme_order {
    enum rf_acme_status status;
    size_t authz_count;
    char authz[RF_ACME_NAMES_MAX][RF_ACME_URL_MAX];
    char finalize[RF_ACME_URL_MAX], certificate[RF_ACME_URL_MAX];
    bool has_problem;
    struct rf_acme_problem problem;
};
/** RF_ERR_SYNTAX, RF_ERR_RANGE (too many authorizations, a URL that is too long or not https). */
RF_MUST_CHECK enum rf_err rf_acme_order_read(struct rf_span json, struct rf_acme_order *out);

enum rf_acme_challenge_kind { RF_ACME_HTTP_01, RF_ACME_TLS_ALPN_01, RF_ACME_CHALLENGES };
/** "http-01", "tls-alpn-01". */
const char *rf_acme_challenge_name(enum rf_acme_challenge_kind kind);

struct rf_acme_challenge {
    bool is_offered;
    enum rf_acme_status status;
    char url[RF_ACME_URL_MAX], token[RF_ACME_TOKEN_MAX];
};

struct rf_acme_authz {
    enum rf_acme_status status;
    char name[RF_ACME_NAME_MAX];
    struct rf_acme_challenge challenge[RF_ACME_CHALLENGES];
    bool has_problem;                      /* of the challenge that failed */
    struct rf_acme_problem problem;
};
/** RF_ERR_SYNTAX, also a token that is not base64url (RFC 8555 8.1: it becomes part of a path). */
RF_MUST_CHECK enum rf_err rf_acme_authz_read(struct rf_span json, struct rf_acme_authz *out);

/* When the CA would like the certificate to be renewed. Wall seconds. */
struct rf_acme_window {
    int64_t start_s, end_s;
    char explanation[RF_ACME_URL_MAX];     /* a page for people; "" */
};
/** RF_ERR_SYNTAX, RF_ERR_RANGE an end that is not behind the start. */
RF_MUST_CHECK enum rf_err rf_acme_window_read(struct rf_span json, struct rf_acme_window *out);

/** "2026-11-21T10:00:00Z", also with fraction and offset (RFC 3339), in wall seconds. RF_ERR_SYNTAX, RF_ERR_RANGE. */
RF_MUST_CHECK enum rf_err rf_acme_time_read(struct rf_span text, int64_t *wall_s);

/** Retry-After (RFC 9110 10.2.3), seconds from now: a number or a date; 0 when it is neither or is past. */
int64_t rf_acme_retry_after(struct rf_span value, int64_t wall_s);

/** The target of <URL>;rel="..." in one value of a Link header (RFC 8288). RF_ERR_NOT_FOUND. */
RF_MUST_CHECK enum rf_err rf_acme_link_read(struct rf_span value, const char *rel, char out[static RF_ACME_URL_MAX]);

/** May we ask this URL: https, printable, not too long? */
bool rf_acme_url_is_valid(struct rf_span url);

#endif
