#include "main/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
rf_logfile_open(int dir_fd, uid_t uid, gid_t gid)
{
    struct stat st;
    int fd = openat(dir_fd, RF_LOG_FILE, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);

    if (fd < 0)
        return -1;
    /* A second name would let the unprivileged user have root append to a file of its choice. */
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        close(fd);
        errno = ELOOP;
        return -1;
    }
    if (geteuid() == 0 && (st.st_uid != uid || st.st_gid != gid))
        (void)!fchown(fd, uid, gid);
    return fd;
}

bool
rf_logfile_is_full(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > RF_LOG_OCTETS_MAX;
}

int
rf_logfile_turn(int dir_fd, uid_t uid, gid_t gid)
{
    char from[32], to[32];

    for (int i = RF_LOG_KEPT - 1; i >= 0; i--) {
        if (i == 0)
            snprintf(from, sizeof from, RF_LOG_FILE);
        else
            snprintf(from, sizeof from, "log.%d.jsonl", i);
        snprintf(to, sizeof to, "log.%d.jsonl", i + 1);
        if (renameat(dir_fd, from, dir_fd, to) != 0 && errno != ENOENT)
            return -1;
    }
    return rf_logfile_open(dir_fd, uid, gid);
}
