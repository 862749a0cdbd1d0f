#include "main/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int
rf_listen_control(int dir_fd, uid_t uid, gid_t gid)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask;
    int bad;

    if (fd < 0)
        return -1;
    /* By the directory's descriptor: a long path would not fit into sun_path. */
    snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/control.sock", dir_fd);
    if (unlinkat(dir_fd, "control.sock", 0) != 0 && errno != ENOENT)
        goto fail;
    mask = umask(0117);
    bad = bind(fd, (struct sockaddr *)&at, sizeof at);
    umask(mask);
    if (bad != 0 || listen(fd, 64) != 0)
        goto fail;
    if (geteuid() == 0 && fchownat(dir_fd, "control.sock", uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
        goto fail;
    return fd;

fail:;
    int why = errno;

    close(fd);
    errno = why;
    return -1;
}
