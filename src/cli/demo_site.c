/*
 * cli/demo_site.c - the demo's state directory: passwords and the embedded configuration
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/rand.h"
#include "base/secret.h"
#include "cli/demo.h"
#include "store/state_dir.h"

#define DIR_USUAL ".state"
#define DIR_OTHER "/var/lib/ringfence-demo"

static const struct {
    const char *user, *name, *srtp;
} users[] = {
    { "201", "Reception", "required" },
    { "202", "Maya", "required" },
    { "203", "Workshop", "optional" },
};

/* Whether an unprivileged user may come as far as this folder. It need not exist yet, those above it must. */
static bool
is_open_to_all(const char *dir)
{
    char path[PATH_MAX], *slash;
    struct stat st;

    if (dir[0] == '/')
        snprintf(path, sizeof path, "%s", dir);
    else if (getcwd(path, sizeof path - 256) == NULL)
        return true; /* then opening it says what is wrong */
    else
        snprintf(path + strlen(path), sizeof path - strlen(path), "/%.250s", dir);
    while ((slash = strrchr(path, '/')) != NULL && slash != path) {
        *slash = '\0';
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & S_IXOTH) == 0)
            return false;
    }
    return true;
}

static bool
is_ipv6_here(void)
{
    struct rf_addr a;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool here =
        fd >= 0 && rf_addr_parse(rf_span_str("::1"), 0, &a) == RF_OK && bind(fd, &a.sa, rf_addr_len(&a)) == 0;

    if (fd >= 0)
        close(fd);
    return here;
}

static void
put_config(struct rf_buf *b, const char *dir, uint16_t port)
{
    const unsigned tls = port != 0 ? port + 1u : 0;

    rf_put_str(b, "# The embedded configuration of `ringfence demo`, written anew at each of its starts.\n"
                  "domain " RF_DEMO_DOMAIN "\n"
                  "platform pbx\n"
                  "security-profile secure\n");
    rf_putf(b, "sip {\n    listen udp:127.0.0.1:%u tcp:127.0.0.1:%u tls:127.0.0.1:%u", port, port, tls);
    if (is_ipv6_here())
        rf_putf(b, " udp:[::1]:%u tcp:[::1]:%u tls:[::1]:%u", port, port, tls);
    rf_put_str(b, "\n}\n");
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        rf_putf(b, "user %s {\n    name %s\n    password \"file:%s/%s.password\"\n    srtp %s\n}\n",
                users[i].user, users[i].name, dir, users[i].user, users[i].srtp);
}

/* A file of ours with mode 0600, whole or not at all. */
static enum rf_err
write_file(int dir_fd, const char *name, struct rf_span text)
{
    char fresh[64];
    int fd;
    bool good;

    snprintf(fresh, sizeof fresh, "%.50s.new", name);
    if (unlinkat(dir_fd, fresh, 0) != 0 && errno != ENOENT)
        return RF_ERR_IO;
    fd = openat(dir_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return RF_ERR_IO;
    good = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    if (close(fd) != 0 || !good || renameat(dir_fd, fresh, dir_fd, name) != 0) {
        int why = errno;

        (void)unlinkat(dir_fd, fresh, 0);
        errno = why;
        return RF_ERR_IO;
    }
    return RF_OK;
}

/* 100 random bits in 20 letters and digits that are hard to mistake for each other. */
static enum rf_err
make_password(int dir_fd, const char *file)
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz234567892"; /* 32, so that 5 bits choose one */
    uint8_t random[20];
    char text[sizeof random + 1];
    enum rf_err err;

    rf_rand_fill(&rf_rand_system, random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        text[i] = letters[random[i] & 31];
    text[sizeof random] = '\n';
    err = write_file(dir_fd, file, rf_span(text, sizeof text));
    rf_wipe(random, sizeof random);
    rf_wipe(text, sizeof text);
    return err;
}

static enum rf_err
fill_dir(int dir_fd, const char *dir, uint16_t port)
{
    char mem[4096 + 3 * RF_DEMO_PATH_MAX], file[32];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        snprintf(file, sizeof file, "%s.password", users[i].user);
        if (faccessat(dir_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        if (errno != ENOENT || make_password(dir_fd, file) != RF_OK)
            return RF_ERR_IO;
    }
    put_config(&b, dir, port);
    if (rf_buf_done(&b) != RF_OK)
        return RF_ERR_RANGE;
    return write_file(dir_fd, "demo.conf", rf_buf_span(&b));
}

int
rf_demo_site_prepare(const struct rf_cli *cli, const char *dir, uint16_t port_base, struct rf_demo_site *out)
{
    struct rf_state_dir *held;
    char why[RF_DEMO_PATH_MAX + 256] = "", fix[RF_DEMO_PATH_MAX + 64];
    pid_t pid = 0;
    enum rf_err err;

    *out = (struct rf_demo_site){.moved = dir == NULL && geteuid() == 0 && !is_open_to_all(DIR_USUAL)};
    if (dir == NULL)
        dir = out->moved ? DIR_OTHER : DIR_USUAL;
    err = rf_state_dir_open(&held, dir, &pid, why, sizeof why);
    if (err == RF_ERR_EXISTS) {
        snprintf(fix, sizeof fix, "kill %d   or name another directory with --state DIR", (int)pid);
        return rf_cli_error(cli, RF_EXIT_FAILED, rf_refusal_row(RF_REFUSE_SECOND_INSTANCE)->code, why,
                            pid > 0 ? fix : "");
    }
    if (err)
        return rf_cli_error(cli, RF_EXIT_FAILED, "", why, "name another directory with --state DIR");
    if (strlen(rf_state_dir_path(held)) >= sizeof out->dir ||
        strpbrk(rf_state_dir_path(held), "\"\\\n") != NULL)
        err = RF_ERR_RANGE; /* the configuration could not name it */
    if (!err) {
        snprintf(out->dir, sizeof out->dir, "%s", rf_state_dir_path(held));
        snprintf(out->config, sizeof out->config, "%s/demo.conf", out->dir);
        err = fill_dir(rf_state_dir_fd(held), out->dir, port_base);
    }
    snprintf(why, sizeof why, "%s cannot be made ready: %s", dir,
             err == RF_ERR_RANGE ? "its path is too long or has odd characters" : strerror(errno));
    rf_state_dir_close(held);
    return err ? rf_cli_error(cli, RF_EXIT_FAILED, "", why, "name another directory with --state DIR")
               : RF_EXIT_DONE;
}

enum rf_err
rf_demo_password(const char *dir, const char *user, char out[static RF_DEMO_PASSWORD_MAX])
{
    char path[RF_DEMO_PATH_MAX + 64];
    struct stat st;
    ssize_t n = -1;
    int fd, why;

    /* A user's name comes from the command line: it must not lead out of the directory. */
    if (strchr(user, '/') != NULL || strlen(user) > 32)
        return RF_ERR_NOT_FOUND;
    snprintf(path, sizeof path, "%.*s/%s.password", RF_DEMO_PATH_MAX, dir, user);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = read(fd, out, RF_DEMO_PASSWORD_MAX - 1);
    why = errno;
    close(fd);
    if (n <= 0) {
        errno = why;
        return RF_ERR_IO;
    }
    out[n] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return RF_OK;
}
