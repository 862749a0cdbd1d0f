#include "registrar/directory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/digest.h"

/*
 * A packed verifier: MAGIC, 8 octets of SHA-256("user:realm") that say whose it is, then the HA1 of MD5, SHA-256
 * and SHA-512/256. A password cannot begin with a NUL, so the two cannot be taken for each other.
 */
static const char magic[8] = "\0rfHA1\1";
#define OWNER_OCTETS  8
#define PACKED_OCTETS (sizeof magic + OWNER_OCTETS + 16 + 32 + 32)

struct rf_directory {
    atomic_uint refs;
    struct rf_conf *conf;
    const char *realm;
    struct rf_hash by_name;
    struct rf_directory_user *user;
    size_t count, locked_out;
};

/* --- verifiers ----------------------------------------------------------------------------------------- */

static enum rf_err
owner_of(struct rf_span user, struct rf_span realm, uint8_t out[static OWNER_OCTETS])
{
    const struct rf_span parts[] = { user, RF_SPAN_LIT(":"), realm };
    uint8_t digest[RF_MD_MAX];
    enum rf_err err = rf_digest(RF_MD_SHA256, parts, 3, digest);

    memcpy(out, digest, OWNER_OCTETS);
    return err;
}

enum rf_err
rf_directory_pack(struct rf_span user, struct rf_span realm, struct rf_span password, struct rf_secret *out)
{
    struct rf_digest_verifier v;
    uint8_t *at = out->octet;
    enum rf_err err;

    static_assert(PACKED_OCTETS <= RF_SECRET_MAX, "a packed verifier is a secret");
    if (password.n == 0 || password.n > 128 || password.p[0] == '\0')
        return RF_ERR_RANGE;
    memcpy(at, magic, sizeof magic);
    at += sizeof magic;
    err = owner_of(user, realm, at);
    at += OWNER_OCTETS;
    rf_digest_verifier_make(&v, user, realm, password);
    for (int a = 0; a < RF_DIGEST_COUNT; a++) {
        size_t n = rf_digest_octets((enum rf_digest_algorithm)a);

        memcpy(at, v.ha1[a], n);
        at += n;
    }
    out->n = PACKED_OCTETS;
    rf_wipe(&v, sizeof v);
    return err;
}

/* false: a verifier that was made for another user or domain. */
static bool
verifier_of(const struct rf_secret *secret, struct rf_span user, struct rf_span realm, struct rf_digest_verifier *v)
{
    const uint8_t *at = secret->octet + sizeof magic;
    uint8_t owner[OWNER_OCTETS];

    if (secret->n == 0)
        return false;
    if (secret->n < sizeof magic || memcmp(secret->octet, magic, sizeof magic) != 0) {
        rf_digest_verifier_make(v, user, realm, rf_span(secret->octet, secret->n));
        return true;
    }
    if (secret->n != PACKED_OCTETS || owner_of(user, realm, owner) != RF_OK || memcmp(at, owner, sizeof owner) != 0)
        return false;
    at += OWNER_OCTETS;
    memset(v, 0, sizeof *v);
    for (int a = 0; a < RF_DIGEST_COUNT; a++) {
        size_t n = rf_digest_octets((enum rf_digest_algorithm)a);

        memcpy(v->ha1[a], at, n);
        at += n;
    }
    return true;
}

/* --- making -------------------------------------------------------------------------------------------- */

static void
fill_user(struct rf_directory *d, struct rf_directory_user *u, const struct rf_conf_block *b,
          const struct rf_rand *rand)
{
    struct rf_secret secret = { .n = 0 };
    const char *srtp = rf_conf_block_text(d->conf, b, "srtp");

    u->name = rf_conf_block_label(b);
    u->display = rf_conf_block_text(d->conf, b, "name");
    u->codecs = rf_conf_block_text(d->conf, b, "codecs");
    u->srtp = strcmp(srtp, "required") == 0   ? RF_DIRECTORY_SRTP_REQUIRED
              : strcmp(srtp, "optional") == 0 ? RF_DIRECTORY_SRTP_OPTIONAL
                                              : RF_DIRECTORY_SRTP_OFF;
    u->require_tls = rf_conf_block_is_on(d->conf, b, "require-tls");
    u->calls_max = (uint32_t)rf_conf_block_number(d->conf, b, "calls-max");
    u->forward = (struct rf_directory_forward){
        .always = rf_conf_block_text(d->conf, b, "forward-always"),
        .busy = rf_conf_block_text(d->conf, b, "forward-busy"),
        .no_answer = rf_conf_block_text(d->conf, b, "forward-no-answer"),
        .no_answer_s = (uint32_t)rf_conf_block_number(d->conf, b, "forward-no-answer-time"),
        .do_not_disturb = rf_conf_block_is_on(d->conf, b, "do-not-disturb"),
    };
    u->may_set_mailboxes = rf_conf_block_is_on(d->conf, b, "may-set-mailboxes");
    u->can_sign_in = rf_conf_block_secret(d->conf, b, "password", &secret) == RF_OK &&
                     verifier_of(&secret, rf_span_str(u->name), rf_span_str(d->realm), &u->verifier);
    rf_secret_fini(&secret);
    if (!u->can_sign_in) {
        rf_rand_fill(rand, &u->verifier, sizeof u->verifier); /* nobody's answer is right */
        d->locked_out++;
    }
    rf_hash_insert(&d->by_name, &u->node, rf_hash_of(&d->by_name, rf_span_str(u->name)));
}

enum rf_err
rf_directory_new(struct rf_directory **out, struct rf_conf *conf, const struct rf_rand *rand)
{
    struct rf_directory *d = calloc(1, sizeof *d);
    size_t n = 0;

    if (d == NULL)
        return RF_ERR_NOMEM;
    atomic_init(&d->refs, 1);
    d->conf = rf_conf_ref(conf);
    d->realm = rf_conf_text(conf, "domain");
    while (rf_conf_block_at(conf, "user", n) != NULL)
        n++;
    d->user = calloc(n > 0 ? n : 1, sizeof *d->user);
    if (d->user == NULL || rf_hash_init(&d->by_name, rand) != RF_OK) {
        rf_directory_unref(d);
        return RF_ERR_NOMEM;
    }
    d->count = n;
    for (size_t i = 0; i < n; i++)
        fill_user(d, &d->user[i], rf_conf_block_at(conf, "user", i), rand);
    *out = d;
    return RF_OK;
}

struct rf_directory *
rf_directory_ref(struct rf_directory *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void
rf_directory_unref(struct rf_directory *d)
{
    if (d == NULL || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    rf_hash_fini(&d->by_name);
    if (d->user != NULL)
        rf_wipe(d->user, d->count * sizeof *d->user);
    free(d->user);
    rf_conf_unref(d->conf);
    free(d);
}

/* --- asking -------------------------------------------------------------------------------------------- */

static bool
is_name(const struct rf_hash_node *node, const void *key)
{
    static_assert(offsetof(struct rf_directory_user, node) == 0, "a node is its user");

    return rf_span_is(*(const struct rf_span *)key, ((const struct rf_directory_user *)(const void *)node)->name);
}

const struct rf_directory_user *
rf_directory_find(const struct rf_directory *d, struct rf_span name)
{
    return (const struct rf_directory_user *)(const void *)rf_hash_find(&d->by_name, rf_hash_of(&d->by_name, name),
                                                                        is_name, &name);
}

size_t
rf_directory_count(const struct rf_directory *d)
{
    return d->count;
}

const struct rf_directory_user *
rf_directory_at(const struct rf_directory *d, size_t i)
{
    return i < d->count ? &d->user[i] : NULL;
}

size_t
rf_directory_locked_out(const struct rf_directory *d)
{
    return d->locked_out;
}

bool
rf_directory_lookup(void *directory, struct rf_span user, struct rf_auth_user *out)
{
    const struct rf_directory_user *u = rf_directory_find(directory, user);

    if (u == NULL)
        return false;
    out->verifier = u->verifier;
    return true;
}
