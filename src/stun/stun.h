/*
 * stun/stun.h - STUN messages: connectivity checks and "what is my address" (RFC 8489; ICE attributes RFC 8445)
 *
 * Decoding copies nothing: spans point into the packet. It checks all that needs no key; whoever has the key then
 * asks rf_stun_is_from. MESSAGE-INTEGRITY is HMAC-SHA1, the one ICE uses.
 */
#ifndef RF_STUN_STUN_H
#define RF_STUN_STUN_H

#include "base/addr.h"

#define RF_STUN_HEADER_OCTETS 20
#define RF_STUN_ID_OCTETS     12
#define RF_STUN_UNKNOWN_MAX   8   /* unknown attributes that an error 420 lists; ICE peers send none */
#define RF_STUN_MESSAGE_MAX   548 /* octets of what we send: fits IPv4's smallest MTU (RFC 8489 6.1) */
#define RF_STUN_USERNAME_MAX  508 /* octets, RFC 8489 14.3: below 509 */

/* Class of a message, as the two bits stand in its type (RFC 8489 5). */
enum { RF_STUN_REQUEST = 0x000, RF_STUN_INDICATION = 0x010, RF_STUN_SUCCESS = 0x100, RF_STUN_ERROR = 0x110 };
#define RF_STUN_CLASS_MASK 0x0110
#define RF_STUN_BINDING    0x0001

enum rf_stun_attribute {
    RF_STUN_MAPPED_ADDRESS = 0x0001,
    RF_STUN_USERNAME = 0x0006,
    RF_STUN_MESSAGE_INTEGRITY = 0x0008,
    RF_STUN_ERROR_CODE = 0x0009,
    RF_STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    RF_STUN_REALM = 0x0014,
    RF_STUN_NONCE = 0x0015,
    RF_STUN_XOR_MAPPED_ADDRESS = 0x0020,
    RF_STUN_PRIORITY = 0x0024,
    RF_STUN_USE_CANDIDATE = 0x0025,
    RF_STUN_SOFTWARE = 0x8022,
    RF_STUN_ALTERNATE_SERVER = 0x8023,
    RF_STUN_FINGERPRINT = 0x8028,
    RF_STUN_ICE_CONTROLLED = 0x8029,
    RF_STUN_ICE_CONTROLLING = 0x802a,
};

struct rf_stun {
    struct rf_span whole;                 /* the message */
    uint16_t method, class;               /* RF_STUN_BINDING; RF_STUN_REQUEST and so on */
    uint8_t id[RF_STUN_ID_OCTETS];
    struct rf_span username, realm, nonce, software; /* p == NULL: not there */
    struct rf_addr mapped;                /* XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS; or not set */
    unsigned error_code;                  /* 300 to 699; 0: none */
    struct rf_span error_reason;
    bool has_priority, use_candidate, is_controlled, is_controlling;
    uint32_t priority;
    uint64_t tie_breaker;
    bool has_fingerprint;                 /* and it was right */
    size_t integrity_at;                  /* of the MESSAGE-INTEGRITY attribute; 0: none */
    size_t unknown_count;                 /* comprehension-required attributes that we do not know */
    uint16_t unknown[RF_STUN_UNKNOWN_MAX];
};

/**
 * Decode. Of an attribute that comes twice the first counts (RFC 8489 14); what follows MESSAGE-INTEGRITY counts
 * not at all, except FINGERPRINT. The octets that pad an attribute may be anything.
 * @return RF_ERR_SYNTAX: no STUN message, or a broken one; RF_ERR_AUTH: the fingerprint is wrong. Drop it.
 */
RF_MUST_CHECK enum rf_err rf_stun_parse(const uint8_t *p, size_t n, struct rf_stun *out);

/** Whether MESSAGE-INTEGRITY is there and was made with this key (constant time). Short-term credentials: the key
 *  is the password. */
bool rf_stun_is_from(const struct rf_stun *m, struct rf_span key);

/** Long-term key: MD5 of username ":" realm ":" password (RFC 8489 9.2.2); the three already prepared. */
RF_MUST_CHECK enum rf_err rf_stun_long_term_key(struct rf_span username, struct rf_span realm,
                                                struct rf_span password, uint8_t key[static 16]);

/*
 * Encoding: begin, put, end. The message starts at b->p. What does not fit shows in rf_stun_end.
 */
void rf_stun_begin(struct rf_buf *b, uint16_t method, uint16_t class, const uint8_t id[static RF_STUN_ID_OCTETS]);
/** Any attribute; padded with zeros. */
void rf_stun_put(struct rf_buf *b, enum rf_stun_attribute type, struct rf_span value);
void rf_stun_put_u32(struct rf_buf *b, enum rf_stun_attribute type, uint32_t value);
void rf_stun_put_u64(struct rf_buf *b, enum rf_stun_attribute type, uint64_t value);
/** XOR-MAPPED-ADDRESS. */
void rf_stun_put_mapped(struct rf_buf *b, const struct rf_addr *addr);
void rf_stun_put_error(struct rf_buf *b, unsigned code, const char *reason);
/** MESSAGE-INTEGRITY with `key` (p == NULL: none), FINGERPRINT, and the length. RF_ERR_NOMEM, RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_stun_end(struct rf_buf *b, struct rf_span key);

/** The answer to a binding request: its id and the address it came from. */
RF_MUST_CHECK enum rf_err rf_stun_binding_success(struct rf_buf *b, const struct rf_stun *request,
                                                  const struct rf_addr *from, struct rf_span key);
/** An error answer to a request: 400, 401, 420 (lists request->unknown), 487, 500. */
RF_MUST_CHECK enum rf_err rf_stun_refusal(struct rf_buf *b, const struct rf_stun *request, unsigned code,
                                          struct rf_span key);

/* A connectivity check of ICE (RFC 8445 7.1.1). */
struct rf_stun_check {
    uint8_t id[RF_STUN_ID_OCTETS]; /* random */
    struct rf_span username;       /* "theirs:ours"; empty: a plain request for our address */
    struct rf_span key;            /* their password */
    uint32_t priority;
    uint64_t tie_breaker;
    bool is_controlling, use_candidate;
};

RF_MUST_CHECK enum rf_err rf_stun_binding_request(struct rf_buf *b, const struct rf_stun_check *check);

#endif
