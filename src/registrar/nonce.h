/*
 * registrar/nonce.h - nonces that prove themselves, and the table of nonce counts that were used
 *
 * A nonce is a number, the second it was made, the algorithm it is for, whom it was sent to, and a MAC over them under
 * a key of this run. Nothing is kept until a right answer has come: then the number and the counts that were used stand in a
 * table of fixed size. A full set of that table forgets its oldest nonce and remembers that it did (`floor`): what
 * is not above the floor and not in the set is stale, so a forgotten nonce can never be used again.
 *
 * Threads: any. Making and checking a nonce locks nothing; the table has a lock for each group of sets.
 */
#ifndef RF_REGISTRAR_NONCE_H
#define RF_REGISTRAR_NONCE_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/hash.h"
#include "sip/digest.h"

#define RF_NONCE_OCTETS 31                    /* number 6, second 4, algorithm 1, whom 4, MAC 16 */
#define RF_NONCE_TEXT   (RF_NONCE_OCTETS * 2) /* hexadecimal: phones' parsers disagree on the rest */
#define RF_NONCE_WINDOW 64                    /* counts below the highest that may still come late (UDP) */

struct rf_nonces;

/** slots: nonces whose counts are remembered at once, at least. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_nonces_new(struct rf_nonces **out, const struct rf_rand *rand, uint32_t slots);
void rf_nonces_free(struct rf_nonces *n);

/** Append a fresh nonce that is sent to an address. */
void rf_nonce_put(struct rf_nonces *n, struct rf_buf *b, enum rf_digest_algorithm a, const struct rf_addr *to,
                  uint64_t now_us);

struct rf_nonce {
    uint64_t number;
    uint32_t made_s, whom;
    enum rf_digest_algorithm algorithm;
};

/**
 * Whom a nonce is sent to, as it stands in it: a keyed hash of an IPv4 address or an IPv6 /64. A phone whose address
 * changes may still use its nonce; but who echoes one that was sent elsewhere has not proven his address.
 */
uint32_t rf_nonce_whom(const struct rf_nonces *n, const struct rf_addr *a);

/** RF_ERR_AUTH: not made by us in this run. Its age is not judged. */
RF_MUST_CHECK enum rf_err rf_nonce_open(const struct rf_nonces *n, struct rf_span text, struct rf_nonce *out);

/**
 * Use a count of a nonce, once.
 * @param count      the nonce count; is_single: the answer had none, so the nonce is used up as a whole
 * @param life_s     nonces made more than this before now may be forgotten
 * @return RF_OK, RF_ERR_REPLAY used before or too far below the highest, RF_ERR_STALE the nonce was forgotten
 */
RF_MUST_CHECK enum rf_err rf_nonce_use(struct rf_nonces *n, const struct rf_nonce *nonce, uint32_t count,
                                       bool is_single, uint32_t life_s, uint64_t now_us);

#endif
