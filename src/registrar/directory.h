/*
 * registrar/directory.h - the users of a configuration, ready for sign-in and calls
 *
 * Made once from a snapshot, read by all workers. A user's password is turned into its three verifiers here and
 * is not kept; one that is stored as a verifier (rf_directory_pack) never was a password to us.
 *
 * Threads: read-only after it was made; counted, any thread. Cost: 3 us a user when made.
 */
#ifndef RF_REGISTRAR_DIRECTORY_H
#define RF_REGISTRAR_DIRECTORY_H

#include "base/hash.h"
#include "conf/conf.h"
#include "registrar/auth.h"

enum rf_directory_srtp { RF_DIRECTORY_SRTP_OFF, RF_DIRECTORY_SRTP_OPTIONAL, RF_DIRECTORY_SRTP_REQUIRED };

/* Where calls of a user go instead; "" nowhere. */
struct rf_directory_forward {
    const char *always, *busy, *no_answer;
    uint32_t no_answer_s; /* so long its phones ring */
    bool do_not_disturb;
};

struct rf_directory_user {
    struct rf_hash_node node;
    const char *name;         /* "201" */
    const char *display;      /* "Reception"; "" */
    const char *codecs;       /* "PCMA all": sdp/codecs.h */
    enum rf_directory_srtp srtp; /* in the order of enum rf_srtp_mode */
    bool require_tls;
    uint32_t calls_max;
    struct rf_directory_forward forward;
    bool may_set_mailboxes;
    bool can_sign_in;         /* false: its secret is missing, or a verifier of another user or domain */
    struct rf_digest_verifier verifier;
};

struct rf_directory;

/** The realm is the configuration's domain. Keeps a reference to the snapshot. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_directory_new(struct rf_directory **out, struct rf_conf *conf,
                                           const struct rf_rand *rand);
struct rf_directory *rf_directory_ref(struct rf_directory *d);
void rf_directory_unref(struct rf_directory *d); /* NULL is fine */

/** NULL: no such user. Letter case counts (RFC 3261 19.1.4). */
const struct rf_directory_user *rf_directory_find(const struct rf_directory *d, struct rf_span name);
size_t rf_directory_count(const struct rf_directory *d);
const struct rf_directory_user *rf_directory_at(const struct rf_directory *d, size_t i);
/** Users that cannot sign in. */
size_t rf_directory_locked_out(const struct rf_directory *d);

/** The `lookup` of rf_auth_check; ctx is the directory. */
bool rf_directory_lookup(void *directory, struct rf_span user, struct rf_auth_user *out);

/**
 * What to keep as `secret:NAME` instead of a password: the verifiers, bound to user and realm.
 * RF_ERR_RANGE: no password, or one that is longer than 128 octets or begins with a NUL.
 */
RF_MUST_CHECK enum rf_err rf_directory_pack(struct rf_span user, struct rf_span realm, struct rf_span password,
                                            struct rf_secret *out);

#endif
