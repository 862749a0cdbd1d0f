#include "store/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct rf_state_dir {
    char *path;
    int fd, lock_fd;
};

static bool
dir_is_empty(int fd)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *e;
    bool is_empty = dir != NULL;

    if (dir == NULL) {
        if (again >= 0)
            close(again);
        return false;
    }
    while (is_empty && (e = readdir(dir)) != NULL)
        is_empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(dir);
    return is_empty;
}

/* The group may look in (0750: the control socket is for group ringfence); nobody else may do anything. */
static enum rf_err
check_mode(struct rf_state_dir *d, const char *path, char *why, size_t why_size)
{
    struct stat st;

    if (fstat(d->fd, &st) != 0) {
        snprintf(why, why_size, "cannot look at the state directory %s: %s", path, strerror(errno));
        return RF_ERR_IO;
    }
    if (st.st_uid != geteuid() && geteuid() != 0) {
        snprintf(why, why_size, "the state directory %s belongs to user %u and we are user %u", path,
                 (unsigned)st.st_uid, (unsigned)geteuid());
        return RF_ERR_REFUSED;
    }
    if ((st.st_mode & 0027) == 0)
        return RF_OK;
    if (dir_is_empty(d->fd) && fchmod(d->fd, 0700) == 0)
        return RF_OK;
    snprintf(why, why_size, "others may use the state directory %s (mode %04o): chmod 700 %s", path,
             (unsigned)st.st_mode & 07777, path);
    return RF_ERR_REFUSED;
}

static pid_t
read_pid(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

static enum rf_err
take_lock(struct rf_state_dir *d, const char *path, pid_t *pid, char *why, size_t why_size)
{
    char text[32];
    int n;

    d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (d->lock_fd < 0) {
        snprintf(why, why_size, "cannot open %s/lock: %s", path, strerror(errno));
        return RF_ERR_IO;
    }
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        int saved = errno;
        pid_t holder = read_pid(d->lock_fd);

        if (saved != EWOULDBLOCK) {
            snprintf(why, why_size, "cannot lock %s/lock: %s", path, strerror(saved));
            return RF_ERR_IO;
        }
        if (pid != NULL)
            *pid = holder;
        snprintf(why, why_size, "the state directory %s is in use by process %ld", path, (long)holder);
        return RF_ERR_EXISTS;
    }
    n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(d->lock_fd, 0) != 0 || pwrite(d->lock_fd, text, (size_t)n, 0) != n) {
        /* The lock itself holds; only a second instance could not name us. A full disk must not stop a start. */
        return RF_OK;
    }
    return RF_OK;
}

enum rf_err
rf_state_dir_open(struct rf_state_dir **out, const char *path, pid_t *pid, char *why, size_t why_size)
{
    struct rf_state_dir *d = calloc(1, sizeof *d);
    enum rf_err err;

    if (pid != NULL)
        *pid = 0;
    if (d == NULL)
        return RF_ERR_NOMEM;
    d->fd = d->lock_fd = -1;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        snprintf(why, why_size, "cannot make the state directory %s: %s", path, strerror(errno));
        err = RF_ERR_IO;
        goto fail;
    }
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    d->path = d->fd >= 0 ? realpath(path, NULL) : NULL;
    if (d->path == NULL) {
        snprintf(why, why_size, "cannot open the state directory %s: %s", path, strerror(errno));
        err = RF_ERR_IO;
        goto fail;
    }
    err = check_mode(d, d->path, why, why_size);
    if (err)
        goto fail;
    err = take_lock(d, d->path, pid, why, why_size);
    if (err)
        goto fail;
    *out = d;
    return RF_OK;

fail:
    rf_state_dir_close(d);
    return err;
}

const char *
rf_state_dir_path(const struct rf_state_dir *d)
{
    return d->path;
}

int
rf_state_dir_fd(const struct rf_state_dir *d)
{
    return d->fd;
}

enum rf_err
rf_state_dir_give(struct rf_state_dir *d, uid_t uid, gid_t gid)
{
    int again;
    DIR *dir;
    struct dirent *e;
    enum rf_err err = RF_OK;

    if (geteuid() != 0)
        return RF_OK;
    again = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = again >= 0 ? fdopendir(again) : NULL;
    if (dir == NULL) {
        if (again >= 0)
            close(again);
        return RF_ERR_IO;
    }
    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fchownat(dirfd(dir), e->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
            err = RF_ERR_IO;
    }
    closedir(dir);
    if (fchown(d->fd, uid, gid) != 0)
        err = RF_ERR_IO;
    return err;
}

void
rf_state_dir_close(struct rf_state_dir *d)
{
    if (d == NULL)
        return;
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    if (d->fd >= 0)
        close(d->fd);
    free(d->path);
    free(d);
}
