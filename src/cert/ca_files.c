#include "cert/ca_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

/*
 * A writer needs some 10 ms, an RSA key that is made meanwhile none of them; ten seconds are a machine that
 * swaps.
 */
#define LOCK_TRIES 200
#define LOCK_REST_NS 50000000

static enum rf_err
failed(const struct rf_ca_folder *f, const char *name, struct rf_cert_problem *problem)
{
    int saved = errno;

    snprintf(problem->text, sizeof problem->text, "%.120s%s%s: %s", f->path, name[0] != '\0' ? "/" : "", name,
             strerror(saved));
    return saved == ENOENT                     ? RF_ERR_NOT_FOUND
           : saved == EACCES || saved == EPERM ? RF_ERR_REFUSED
                                               : RF_ERR_IO;
}

enum rf_err
rf_ca_folder_open(struct rf_ca_folder *f, const char *path, struct rf_cert_problem *problem)
{
    struct stat st;

    f->fd = f->lock_fd = -1;
    if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path) {
        snprintf(problem->text, sizeof problem->text, "the path %.100s... is too long", path);
        return RF_ERR_RANGE;
    }
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return failed(f, "", problem);
    if (fstat(f->fd, &st) != 0) {
        enum rf_err err = failed(f, "", problem);

        rf_ca_folder_close(f);
        return err;
    }
    f->uid = st.st_uid;
    f->gid = st.st_gid;
    return RF_OK;
}

/* Who runs as root leaves nothing behind that the folder's owner cannot read. */
static bool
give(const struct rf_ca_folder *f, int fd)
{
    return geteuid() != 0 || fchown(fd, f->uid, f->gid) == 0;
}

enum rf_err
rf_ca_folder_lock(struct rf_ca_folder *f, struct rf_cert_problem *problem)
{
    const struct timespec rest = {.tv_nsec = LOCK_REST_NS};
    int fd = openat(f->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum rf_err err;

    if (fd < 0)
        return failed(f, "lock", problem);
    (void)!give(f, fd);
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            f->lock_fd = fd;
            return RF_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            err = failed(f, "lock", problem);
            close(fd);
            return err;
        }
        nanosleep(&rest, NULL);
    }
    close(fd);
    snprintf(problem->text, sizeof problem->text, "somebody else has been writing in %.120s for ten seconds",
             f->path);
    return RF_ERR_TIMEOUT;
}

void
rf_ca_folder_close(struct rf_ca_folder *f)
{
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = f->lock_fd = -1;
}

bool
rf_ca_folder_has(const struct rf_ca_folder *f, const char *name)
{
    struct stat st;

    return fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
staged_name(const char *name, char out[static RF_CA_FILE_NAME_MAX])
{
    snprintf(out, RF_CA_FILE_NAME_MAX, "%s.new", name);
}

enum rf_err
rf_ca_stage(const struct rf_ca_folder *f, const char *name, mode_t mode, BIO *content,
            struct rf_cert_problem *problem)
{
    char temp[RF_CA_FILE_NAME_MAX], *p;
    long n = BIO_get_mem_data(content, &p), done = 0;
    enum rf_err err;
    int fd;

    staged_name(name, temp);
    (void)unlinkat(f->fd, temp, 0); /* of a run that crashed */
    fd = openat(f->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        err = failed(f, temp, problem);
        return err == RF_ERR_NOT_FOUND ? RF_ERR_IO : err;
    }
    while (done < n) {
        ssize_t w = write(fd, p + done, (size_t)(n - done));

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            break;
        done += w;
    }
    if (done == n && fchmod(fd, mode) == 0 && give(f, fd) && fsync(fd) == 0) {
        close(fd);
        return RF_OK;
    }
    err = failed(f, temp, problem);
    close(fd);
    rf_ca_unstage(f, name);
    return err == RF_ERR_NOT_FOUND ? RF_ERR_IO : err;
}

enum rf_err
rf_ca_commit(const struct rf_ca_folder *f, const char *name, struct rf_cert_problem *problem)
{
    char temp[RF_CA_FILE_NAME_MAX];

    staged_name(name, temp);
    /* The folder as well: without that the name may be gone after a power cut, whatever is in the file. */
    if (renameat(f->fd, temp, f->fd, name) != 0 || fsync(f->fd) != 0) {
        enum rf_err err = failed(f, name, problem);

        return err == RF_ERR_NOT_FOUND ? RF_ERR_IO : err;
    }
    return RF_OK;
}

void
rf_ca_unstage(const struct rf_ca_folder *f, const char *name)
{
    char temp[RF_CA_FILE_NAME_MAX];

    staged_name(name, temp);
    (void)unlinkat(f->fd, temp, 0);
}

enum rf_err
rf_ca_write(const struct rf_ca_folder *f, const char *name, mode_t mode, BIO *content,
            struct rf_cert_problem *problem)
{
    enum rf_err err = rf_ca_stage(f, name, mode, content, problem);

    if (!err)
        err = rf_ca_commit(f, name, problem);
    if (err)
        rf_ca_unstage(f, name);
    return err;
}

BIO *
rf_ca_key_pem(EVP_PKEY *key)
{
    BIO *pem = BIO_new(BIO_s_secmem());

    if (pem != NULL && PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1) {
        rf_ca_key_free(pem);
        pem = NULL;
    }
    return pem;
}

void
rf_ca_key_free(BIO *pem)
{
    if (pem != NULL) {
        char *p;
        long n = BIO_get_mem_data(pem, &p);

        rf_wipe(p, n > 0 ? (size_t)n : 0);
    }
    BIO_free(pem);
}
