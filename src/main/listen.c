#include "main/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool
take_item(struct rf_span word, struct rf_listen_item *out)
{
    static const struct {
        const char *scheme;
        enum rf_transport transport;
    } schemes[] = { { "udp:", RF_UDP }, { "tcp:", RF_TCP }, { "tls:", RF_TLS } };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (rf_span_starts(word, schemes[i].scheme)) {
            out->transport = schemes[i].transport;
            return rf_addr_parse_port(rf_span_sub(word, 4, word.n), &out->addr) == RF_OK;
        }
    return false;
}

enum rf_err
rf_listen_parse(struct rf_span words, struct rf_listen_item *out, size_t *n, struct rf_span *bad)
{
    *n = 0;
    for (words = rf_span_trim(words); words.n > 0; words = rf_span_trim(words)) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));

        *bad = word;
        if (*n == RF_LISTENERS_MAX)
            return RF_ERR_RANGE;
        if (!take_item(word, &out[*n]))
            return RF_ERR_SYNTAX;
        ++*n;
        words = rf_span_sub(words, word.n, words.n);
    }
    return RF_OK;
}

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
