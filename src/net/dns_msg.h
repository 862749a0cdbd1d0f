/*
 * net/dns_msg.h - decodes DNS answers (RFC 1035, 2308, 2782, 3403)
 *
 * Of our own because the resolver library's parsers drop the TTLs of SRV and NAPTR. Pure: octets in, plain data
 * out. Names come in lower case without a final dot; "" is the root.
 */
#ifndef RF_NET_DNS_MSG_H
#define RF_NET_DNS_MSG_H

#include "base/addr.h"

enum rf_dns_type { RF_DNS_A = 1, RF_DNS_AAAA = 28, RF_DNS_SRV = 33, RF_DNS_NAPTR = 35 };

#define RF_DNS_NAME_MAX    256 /* 253 octets of text and a NUL, rounded up */
#define RF_DNS_RECORDS_MAX 32  /* of one type under one name; more are left out */

struct rf_dns_record {
    union {
        struct rf_addr addr; /* A, AAAA; port 0 */
        struct {
            uint16_t priority, weight, port;
            char target[RF_DNS_NAME_MAX]; /* "": the service is decidedly not there (RFC 2782) */
        } srv;
        struct {
            uint16_t order, preference;
            char flags[8], service[32];
            char replacement[RF_DNS_NAME_MAX];
        } naptr;
    };
};

enum rf_dns_status {
    RF_DNS_FOUND,
    RF_DNS_NO_NAME,  /* NXDOMAIN */
    RF_DNS_NO_DATA,  /* the name is there, not with this type */
    RF_DNS_FAILED    /* no server gave a usable answer */
};

struct rf_dns_answer {
    enum rf_dns_status status;
    enum rf_dns_type type;
    uint32_t ttl_s;  /* how long it may be kept; negative answers too (RFC 2308) */
    size_t count;    /* 1 or more when RF_DNS_FOUND */
    struct rf_dns_record record[RF_DNS_RECORDS_MAX];
};

#define RF_DNS_TTL_MAX_S      86400
#define RF_DNS_NEGATIVE_MAX_S 300 /* a new record must be seen in reasonable time */
#define RF_DNS_NEGATIVE_S     60  /* when the answer has no SOA */

/**
 * The records of `type` that an answer holds for `name`, through its CNAMEs.
 * @return RF_ERR_SYNTAX the message is broken or answers another question; *out is then RF_DNS_FAILED
 */
RF_MUST_CHECK enum rf_err rf_dns_decode(struct rf_span message, enum rf_dns_type type, struct rf_span name,
                                        struct rf_dns_answer *out);

/** May it be looked up: 1 to 253 octets of letters, digits, '-', '_' in labels of 1 to 63? A final dot is fine. */
bool rf_dns_name_is_fit(struct rf_span name);

#endif
