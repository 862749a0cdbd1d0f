/*
 * main/md5only.h - phones that stumble over a challenge in another algorithm than MD5
 *
 * RFC 8760 has a server offer its algorithms in a list, and a phone answers the first that it knows. Old ones (libre
 * below 2.0 and with it baresip 1.0, sipp 3.6) give up when any line of the list names another algorithm, and begin
 * anew a while later. So who was given the list, answered nothing and asks again, is given MD5 alone; and phones
 * whose User-Agent is known for it at once. Who answers another algorithm is given the list for ever.
 *
 * Only the order of challenges depends on this, never what is accepted. `sip.digest-algorithms` without MD5
 * switches it off.
 *
 * Threads: any; one lock, held for a look-up. Memory: bounded.
 */
#ifndef RF_MAIN_MD5ONLY_H
#define RF_MAIN_MD5ONLY_H

#include "base/addr.h"
#include "base/rand.h"
#include "sip/digest.h"

#define RF_MD5_ONLY_MAX 65536 /* phones remembered; the oldest is forgotten */

struct rf_md5_only;

RF_MUST_CHECK enum rf_err rf_md5_only_new(struct rf_md5_only **out, const struct rf_rand *rand);
void rf_md5_only_free(struct rf_md5_only *m); /* NULL is fine */

/** A request without credentials is about to be challenged: true: with MD5 alone. */
bool rf_md5_only_ask(struct rf_md5_only *m, struct rf_span user, const struct rf_addr *source, struct rf_span user_agent,
                     uint64_t now_us);

/** Credentials came, right or wrong. */
void rf_md5_only_answered(struct rf_md5_only *m, struct rf_span user, const struct rf_addr *source,
                          enum rf_digest_algorithm algorithm);

#endif
