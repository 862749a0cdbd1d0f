#include "main/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

enum rf_err
rf_launch_prepare(void)
{
    int fd;

    if (close_range(RF_LAUNCH_FD, ~0u, 0) != 0)
        return RF_ERR_IO;
    /* stdio may be closed as well (a daemon tool): then a log line must not end in a socket. */
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < RF_LAUNCH_FD);
    if (fd < 0)
        return RF_ERR_IO;
    for (int i = 0; i < RF_LAUNCH_FD; i++)
        (void)fcntl(i, F_SETFD, 0);
    return fd == RF_LAUNCH_FD ? RF_OK : RF_ERR_STATE;
}

int
rf_sealed_file(const char *name, const void *p, size_t n)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t done = 0;

    while (fd >= 0 && done < n) {
        ssize_t k = write(fd, (const char *)p + done, n - done);

        if (k <= 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        done += k > 0 ? (size_t)k : 0;
    }
    if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void *
rf_sealed_read(int fd, size_t max, size_t *n)
{
    struct stat st;
    char *p;

    if (fstat(fd, &st) != 0 || st.st_size < 0 || (size_t)st.st_size > max)
        return NULL;
    p = malloc((size_t)st.st_size + 1);
    if (p == NULL)
        return NULL;
    *n = 0;
    while (*n < (size_t)st.st_size) {
        ssize_t k = pread(fd, p + *n, (size_t)st.st_size - *n, (off_t)*n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            rf_wipe(p, *n);
            free(p);
            return NULL;
        }
        *n += (size_t)k;
    }
    p[*n] = '\0';
    return p;
}

/* In the new process, before exec: only functions that are safe between fork and exec. */
static void
become(const struct rf_launch *l, int memfd, const char *title)
{
    char *const argv[] = { (char *)(uintptr_t)title, NULL };
    sigset_t none;

    for (uint32_t i = 0; i < l->fd_count; i++)
        if (fcntl(l->fd[i].fd, F_SETFD, 0) != 0)
            _exit(126);
    if (dup2(memfd, RF_LAUNCH_FD) < 0)
        _exit(126);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Ctrl-C on a terminal reaches the whole group; it is the parent that tells the children to end. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN); /* service managers send it to all processes at once */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of that write, like a full disk */
    execv("/proc/self/exe", argv);
    _exit(127);
}

enum rf_err
rf_launch_spawn(const struct rf_launch *l, const char *title, pid_t *pid)
{
    int memfd = rf_sealed_file("ringfence-launch", l, sizeof *l + l->fd_count * sizeof l->fd[0]);

    if (memfd < 0)
        return RF_ERR_IO;
    *pid = fork();
    if (*pid == 0)
        become(l, memfd, title);
    close(memfd);
    return *pid > 0 ? RF_OK : RF_ERR_IO;
}

enum rf_err
rf_launch_receive(struct rf_launch **out)
{
    size_t n;
    struct rf_launch *l = rf_sealed_read(RF_LAUNCH_FD, 64u << 20, &n);

    if (l == NULL)
        return RF_ERR_SYNTAX;
    if (n < sizeof *l || l->version != RF_LAUNCH_VERSION || n != sizeof *l + l->fd_count * sizeof l->fd[0] ||
        l->workers == 0 || l->workers > RF_WORKERS_MAX || l->threads == 0 || l->threads > RF_THREADS_MAX) {
        free(l);
        return RF_ERR_SYNTAX;
    }
    close(RF_LAUNCH_FD);
    *out = l;
    return RF_OK;
}

int
rf_launch_find(const struct rf_launch *l, enum rf_launch_kind kind, unsigned a, unsigned b)
{
    for (uint32_t i = 0; i < l->fd_count; i++)
        if (l->fd[i].kind == kind && l->fd[i].a == a && l->fd[i].b == b)
            return l->fd[i].fd;
    return -1;
}

enum rf_err
rf_channel_post(int channel, struct rf_channel_msg *m, const int *fds, size_t n)
{
    union {
        char octets[CMSG_SPACE(RF_WORKERS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = { { 0 } };
    struct iovec iov = { m, sizeof *m };
    struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

    rf_assert(n <= RF_WORKERS_MAX);
    m->version = RF_LAUNCH_VERSION;
    if (n > 0) {
        struct cmsghdr *c;

        h.msg_control = control.octets;
        h.msg_controllen = CMSG_SPACE(n * sizeof *fds);
        c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof *fds);
        memcpy(CMSG_DATA(c), fds, n * sizeof *fds);
    }
    if (sendmsg(channel, &h, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *m)
        return RF_OK;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS ? RF_ERR_AGAIN : RF_ERR_CLOSED;
}

enum rf_err
rf_channel_send(int channel, enum rf_channel_what what, uint32_t value, const char *text, int fd)
{
    struct rf_channel_msg m = { .what = what, .value = value };

    snprintf(m.text, sizeof m.text, "%s", text != NULL ? text : "");
    return rf_channel_post(channel, &m, &fd, fd >= 0 ? 1 : 0);
}

/* Out of a message that came; more than its room the kernel has closed already. */
static size_t
take_descriptors(struct msghdr *h, int fds[RF_WORKERS_MAX])
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        int got[RF_WORKERS_MAX];
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(got, CMSG_DATA(c), count * sizeof(int));
        for (size_t i = 0; i < count; i++) {
            if (n < RF_WORKERS_MAX)
                fds[n++] = got[i];
            else
                close(got[i]);
        }
    }
    return n;
}

enum rf_err
rf_channel_receive_all(int channel, struct rf_channel_msg *out, int fds[RF_WORKERS_MAX], size_t *n)
{
    union {
        char octets[CMSG_SPACE(RF_WORKERS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = { out, sizeof *out };
    struct msghdr h = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.octets,
                        .msg_controllen = sizeof control.octets };
    ssize_t octets;

    *n = 0;
    do
        octets = recvmsg(channel, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (octets < 0 && errno == EINTR);
    if (octets < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? RF_ERR_AGAIN : RF_ERR_CLOSED;
    if (octets == 0)
        return RF_ERR_CLOSED;
    *n = take_descriptors(&h, fds);
    if (octets != (ssize_t)sizeof *out || out->version != RF_LAUNCH_VERSION) {
        while (*n > 0)
            close(fds[--*n]);
        return RF_ERR_SYNTAX;
    }
    out->text[sizeof out->text - 1] = '\0';
    out->listener.name[sizeof out->listener.name - 1] = '\0';
    return RF_OK;
}

enum rf_err
rf_channel_receive(int channel, struct rf_channel_msg *out, int *fd)
{
    int fds[RF_WORKERS_MAX];
    size_t n;
    enum rf_err err = rf_channel_receive_all(channel, out, fds, &n);

    *fd = n > 0 ? fds[n - 1] : -1;
    for (size_t i = 0; i + 1 < n; i++)
        close(fds[i]); /* one is all that is ever sent: leak none */
    return err;
}
