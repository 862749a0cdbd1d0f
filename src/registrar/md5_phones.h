/*
 * registrar/md5_phones.h - phones that understand only MD5 (RFC 8760 2.4)
 *
 * A list of challenges, best first, is what RFC 8760 asks for. Old phones take the first one without reading its
 * algorithm, fail, and send the same request again without credentials (baresip 1.0 does). That is how they are
 * known: the next request of the same Call-ID, with a higher CSeq, has no credentials either. From then on this
 * kind of phone (User-Agent) at this address is challenged with MD5 alone, where MD5 is among the algorithms.
 *
 * Both tables are small, fixed and forgetful: a collision or a restart costs a phone one more failed try. A
 * stranger could at most make a phone behind the same address answer with MD5, which the operator allows anyway.
 *
 * Threads: any; the cells are atomic and each stands alone.
 */
#ifndef RF_REGISTRAR_MD5_PHONES_H
#define RF_REGISTRAR_MD5_PHONES_H

#include <stdatomic.h>

#include "base/addr.h"
#include "base/hash.h"
#include "sip/msg.h"

#define RF_MD5_CELLS 4096 /* a power of two; 32 kB a table */

struct rf_md5_phones {
    struct rf_hash_key key;
    _Atomic uint64_t asked[RF_MD5_CELLS]; /* by Call-ID: challenged with the list, not answered yet */
    _Atomic uint64_t known[RF_MD5_CELLS]; /* by address and User-Agent: understands only MD5 */
};

/** Nobody is known yet. */
void rf_md5_phones_init(struct rf_md5_phones *p, const struct rf_rand *rand);

/** A request without credentials is about to be challenged. true: with MD5 alone. */
bool rf_md5_phones_challenge(struct rf_md5_phones *p, const struct rf_sip_msg *req, const struct rf_addr *source,
                             uint64_t now_us);

/** Is this kind of phone known to understand only MD5? */
bool rf_md5_phones_is_known(const struct rf_md5_phones *p, const struct rf_sip_msg *req, const struct rf_addr *source,
                            uint64_t now_us);

/** Credentials for our realm came with this request: its phone could answer. */
void rf_md5_phones_answered(struct rf_md5_phones *p, const struct rf_sip_msg *req);

#endif
