#include "store/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/secret.h"
#include "crypto/aes.h"
#include "crypto/digest.h"

#define HEAD         "ringfence secret key 1\n"
#define ID_DIGITS    16
#define KEY_DIGITS   64
#define LINE_OCTETS  (ID_DIGITS + 1 + KEY_DIGITS + 1)
#define FILE_OCTETS  (sizeof HEAD - 1 + RF_KEYRING_KEYS * LINE_OCTETS)
#define NONCE_OCTETS 12
#define TAG_OCTETS   16

/* --- the ring ------------------------------------------------------------------------------------------ */

/* 63 bits of a digest of the key: SQLite's integers have a sign, and 0 says that a row is not sealed. */
static enum rf_err
id_of(const uint8_t *key, int64_t *id)
{
    const struct rf_span parts[] = { RF_SPAN_LIT("ringfence secret key id"), rf_span(key, 32) };
    uint8_t digest[RF_MD_MAX];
    enum rf_err err = rf_digest(RF_MD_SHA256, parts, 2, digest);
    uint64_t n = 0;

    for (size_t i = 0; i < 8; i++)
        n = n << 8 | digest[i];
    *id = (int64_t)(n >> 1 | 1);
    return err;
}

static enum rf_err
append(struct rf_keyring *ring, const uint8_t *key)
{
    enum rf_err err;

    if (ring->n == RF_KEYRING_KEYS)
        return RF_ERR_RANGE;
    err = id_of(key, &ring->key[ring->n].id);
    if (err)
        return err;
    memcpy(ring->key[ring->n].octet, key, 32);
    ring->n++;
    return RF_OK;
}

enum rf_err
rf_keyring_add(struct rf_keyring *ring, const struct rf_rand *rand)
{
    uint8_t key[32];
    enum rf_err err;

    rf_rand_fill(rand, key, sizeof key);
    err = append(ring, key);
    rf_wipe(key, sizeof key);
    return err;
}

void
rf_keyring_keep_newest(struct rf_keyring *ring)
{
    if (ring->n == 0)
        return;
    ring->key[0] = ring->key[ring->n - 1];
    rf_wipe(&ring->key[1], sizeof ring->key - sizeof ring->key[0]);
    ring->n = 1;
}

void
rf_keyring_fini(struct rf_keyring *ring)
{
    rf_wipe(ring, sizeof *ring);
}

int64_t
rf_keyring_newest(const struct rf_keyring *ring)
{
    return ring->n > 0 ? ring->key[ring->n - 1].id : 0;
}

static const uint8_t *
find(const struct rf_keyring *ring, int64_t id)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->key[i].id == id)
            return ring->key[i].octet;
    return NULL;
}

bool
rf_keyring_has(const struct rf_keyring *ring, int64_t id)
{
    return find(ring, id) != NULL;
}

/* --- the file ------------------------------------------------------------------------------------------ */

/* line = ID SP KEY LF; the ID must be that of the key. */
static enum rf_err
take_line(struct rf_keyring *ring, struct rf_span line)
{
    uint8_t key[32];
    char id[ID_DIGITS + 1];
    size_t n;
    enum rf_err err = line.n == LINE_OCTETS && line.p[ID_DIGITS] == ' ' && line.p[LINE_OCTETS - 1] == '\n'
                          ? rf_hex_decode(rf_span_sub(line, ID_DIGITS + 1, KEY_DIGITS), key, sizeof key, &n)
                          : RF_ERR_SYNTAX;

    if (!err)
        err = append(ring, key);
    rf_wipe(key, sizeof key);
    if (err)
        return err;
    snprintf(id, sizeof id, "%016" PRIx64, (uint64_t)ring->key[ring->n - 1].id);
    return memcmp(id, line.p, ID_DIGITS) == 0 ? RF_OK : RF_ERR_SYNTAX;
}

static enum rf_err
take_text(struct rf_keyring *ring, struct rf_span text)
{
    enum rf_err err = rf_span_starts(text, HEAD) ? RF_OK : RF_ERR_SYNTAX;

    for (size_t at = sizeof HEAD - 1; !err && at < text.n; at += LINE_OCTETS)
        err = take_line(ring, rf_span_sub(text, at, LINE_OCTETS));
    return !err && ring->n == 0 ? RF_ERR_SYNTAX : err;
}

enum rf_err
rf_keyring_read(struct rf_keyring *ring, const char *dir, char *why, size_t why_size)
{
    char path[1100], text[FILE_OCTETS + 1];
    struct stat st;
    ssize_t n;
    int fd;
    enum rf_err err;

    rf_keyring_fini(ring);
    snprintf(path, sizeof path, "%s/" RF_KEYRING_FILE, dir);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        err = fd < 0 && errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO;
        snprintf(why, why_size, "cannot read %s: %s", path, fd < 0 ? strerror(errno) : "it is no file");
        if (fd >= 0)
            close(fd);
        return err;
    }
    if ((st.st_mode & 077) != 0) {
        close(fd);
        snprintf(why, why_size, "others may read %s (mode %04o): chmod 600 %s", path, (unsigned)st.st_mode & 07777,
                 path);
        return RF_ERR_REFUSED;
    }
    n = read(fd, text, sizeof text);
    close(fd);
    err = n < 0 ? RF_ERR_IO : take_text(ring, rf_span(text, (size_t)n));
    rf_wipe(text, sizeof text);
    if (err) {
        snprintf(why, why_size, "%s is damaged: put it back from a backup", path);
        rf_keyring_fini(ring);
        return err == RF_ERR_IO ? RF_ERR_IO : RF_ERR_STATE;
    }
    return RF_OK;
}

static void
put_text(const struct rf_keyring *ring, struct rf_buf *b)
{
    rf_put_str(b, HEAD);
    for (size_t i = 0; i < ring->n; i++) {
        rf_putf(b, "%016" PRIx64 " ", (uint64_t)ring->key[i].id);
        for (size_t k = 0; k < sizeof ring->key[i].octet; k++)
            rf_putf(b, "%02x", ring->key[i].octet[k]);
        rf_put_char(b, '\n');
    }
}

/* Beside its place, on disk, then renamed: whenever we die, there is the old file or the new one, whole. */
enum rf_err
rf_keyring_write(const struct rf_keyring *ring, const char *dir, char *why, size_t why_size)
{
    static const char temp[] = RF_KEYRING_FILE ".new";
    char text[FILE_OCTETS + 1];
    struct rf_buf b = rf_buf(text, sizeof text);
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
    bool good = dir_fd >= 0;

    put_text(ring, &b);
    if (good) {
        (void)unlinkat(dir_fd, temp, 0); /* of a start that died */
        fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        good = fd >= 0 && write(fd, b.p, b.n) == (ssize_t)b.n && fsync(fd) == 0;
    }
    if (good)
        good = renameat(dir_fd, temp, dir_fd, RF_KEYRING_FILE) == 0 && fsync(dir_fd) == 0;
    if (!good)
        snprintf(why, why_size, "cannot write %s/" RF_KEYRING_FILE ": %s", dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (dir_fd >= 0)
        close(dir_fd);
    rf_wipe(text, sizeof text);
    return good ? RF_OK : RF_ERR_IO;
}

/* --- values -------------------------------------------------------------------------------------------- */

/* What a value is bound to. Lengths stand before the names, so no two rows have the same. */
static enum rf_err
bound_to(const struct rf_sealed_row *row, int64_t id, uint8_t out[static RF_MD_MAX])
{
    uint64_t numbers[3] = { (uint64_t)id, row->key.n, row->sub.n };
    uint8_t head[sizeof numbers];

    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 8; k++)
            head[8 * i + k] = (uint8_t)(numbers[i] >> (56 - 8 * k));
    return rf_digest(RF_MD_SHA256,
                     (const struct rf_span[]){ rf_span(head, sizeof head), rf_span_str(row->kind),
                                               rf_span("", 1), row->key, row->sub },
                     5, out);
}

enum rf_err
rf_keyring_seal(const struct rf_keyring *ring, const struct rf_rand *rand, const struct rf_sealed_row *row,
                struct rf_span value, uint8_t *out)
{
    uint8_t bound[RF_MD_MAX];
    const int64_t id = rf_keyring_newest(ring);
    enum rf_err err = ring->n > 0 ? bound_to(row, id, bound) : RF_ERR_STATE;

    if (err)
        return err;
    rf_rand_fill(rand, out, NONCE_OCTETS);
    if (value.n > 0)
        memcpy(out + NONCE_OCTETS, value.p, value.n);
    return rf_gcm_seal(&(struct rf_gcm){ .key = ring->key[ring->n - 1].octet, .key_octets = 32, .nonce = out,
                                         .aad = { bound, NULL }, .aad_octets = { sizeof bound, 0 },
                                         .data = out + NONCE_OCTETS, .octets = value.n },
                       out + NONCE_OCTETS + value.n);
}

enum rf_err
rf_keyring_unseal(const struct rf_keyring *ring, int64_t id, const struct rf_sealed_row *row, struct rf_span sealed,
                  uint8_t *out)
{
    const uint8_t *key = find(ring, id), *p = (const uint8_t *)sealed.p;
    uint8_t bound[RF_MD_MAX];
    enum rf_err err;

    if (key == NULL)
        return RF_ERR_NOT_FOUND;
    if (sealed.n < RF_SEAL_EXTRA)
        return RF_ERR_AUTH;
    err = bound_to(row, id, bound);
    if (err)
        return err;
    memcpy(out, p + NONCE_OCTETS, sealed.n - RF_SEAL_EXTRA);
    return rf_gcm_open(&(struct rf_gcm){ .key = key, .key_octets = 32, .nonce = p, .aad = { bound, NULL },
                                         .aad_octets = { sizeof bound, 0 }, .data = out,
                                         .octets = sealed.n - RF_SEAL_EXTRA },
                       p + sealed.n - TAG_OCTETS, TAG_OCTETS);
}
