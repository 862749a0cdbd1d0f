/*
 * store/keyring.h - the keys that secrets of the database are sealed with: a file beside it, DIR/secret.key
 *
 * Whoever has the database alone - a backup, a copied disk - has no password, verifier or private key. A value is
 * sealed by AES-256-GCM with a fresh nonce; its row says by which key, and the row's kind, name and key are
 * authenticated with it, so that no value can be given another row's place.
 *
 * The file is text of mode 0600: a line that says what it is, then `ID KEY` in hexadecimal, the newest last. A key's ID
 * is computed from it, so a row names the very key. More than one key stands there only while a rotation is under way.
 *
 * Threads: plain data; the store locks. Memory: wiped by rf_keyring_fini.
 */
#ifndef RF_STORE_KEYRING_H
#define RF_STORE_KEYRING_H

#include "base/rand.h"
#include "base/span.h"

#define RF_KEYRING_FILE  "secret.key"
#define RF_KEYRING_KEYS  4  /* a rotation that was cut off leaves two; one more step of it needs no third */
#define RF_SEAL_EXTRA    28 /* octets that a sealed value is longer: a nonce of 12, a tag of 16 */

struct rf_keyring {
    size_t n;
    struct {
        int64_t id;        /* above 0 */
        uint8_t octet[32];
    } key[RF_KEYRING_KEYS]; /* the newest last */
};

/* Whose value it is. Both names may hold any octet. */
struct rf_sealed_row {
    const char *kind;      /* of the table: "secret" */
    struct rf_span key, sub;
};

/**
 * Read DIR/secret.key.
 * @return RF_ERR_NOT_FOUND no such file: the ring is empty; RF_ERR_REFUSED others may read it; RF_ERR_STATE it is
 *         damaged; RF_ERR_IO; with a sentence
 */
RF_MUST_CHECK enum rf_err rf_keyring_read(struct rf_keyring *ring, const char *dir, char *why, size_t why_size);
/** Write it: a new file in the place of the old one, on disk when this returns. RF_ERR_IO with a sentence. */
RF_MUST_CHECK enum rf_err rf_keyring_write(const struct rf_keyring *ring, const char *dir, char *why, size_t why_size);
/** A new key, the newest from now on. RF_ERR_RANGE: the ring is full; RF_ERR_CRYPTO. */
RF_MUST_CHECK enum rf_err rf_keyring_add(struct rf_keyring *ring, const struct rf_rand *rand);
/** All but the newest leave. */
void rf_keyring_keep_newest(struct rf_keyring *ring);
void rf_keyring_fini(struct rf_keyring *ring);

/** ID of the newest key; 0: the ring is empty. */
int64_t rf_keyring_newest(const struct rf_keyring *ring);
bool rf_keyring_has(const struct rf_keyring *ring, int64_t id);

/**
 * Seal with the newest key.
 * @param out  value.n + RF_SEAL_EXTRA octets
 * @return RF_ERR_CRYPTO, RF_ERR_STATE the ring is empty
 */
RF_MUST_CHECK enum rf_err rf_keyring_seal(const struct rf_keyring *ring, const struct rf_rand *rand,
                                          const struct rf_sealed_row *row, struct rf_span value, uint8_t *out);
/**
 * Open what rf_keyring_seal made for this row with this key.
 * @param out  sealed.n - RF_SEAL_EXTRA octets; unspecified on error
 * @return RF_ERR_NOT_FOUND no such key; RF_ERR_AUTH changed, or of another row; RF_ERR_CRYPTO
 */
RF_MUST_CHECK enum rf_err rf_keyring_unseal(const struct rf_keyring *ring, int64_t id, const struct rf_sealed_row *row,
                                            struct rf_span sealed, uint8_t *out);

#endif
