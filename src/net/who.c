#include "net/who.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INODES_MAX 16 /* sockets at one port: SO_REUSEPORT groups */
#define TCP_LISTEN 10 /* "st" of /proc/net/tcp */

/* Inodes of the sockets at this port, of both families: a dual-stack socket blocks IPv4 as well. */
static size_t
inodes_at(const char *path, bool is_tcp, uint16_t port, unsigned long *inode, size_t max)
{
    FILE *f = fopen(path, "re");
    char line[512];
    size_t n = 0;

    if (f == NULL)
        return 0;
    while (n < max && fgets(line, sizeof line, f) != NULL) {
        unsigned local_port, state;
        unsigned long ino;

        if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*d %*d %lu",
                   &local_port, &state, &ino) == 3 &&
            local_port == port && (!is_tcp || state == TCP_LISTEN) && ino != 0)
            inode[n++] = ino;
    }
    fclose(f);
    return n;
}

static bool
has_inode(const char *pid, const unsigned long *inode, size_t n)
{
    char path[300], target[64];
    DIR *fds;
    struct dirent *d;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    fds = opendir(path);
    if (fds == NULL)
        return false;
    while (!found && (d = readdir(fds)) != NULL) {
        ssize_t len;
        unsigned long ino;

        len = readlinkat(dirfd(fds), d->d_name, target, sizeof target - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        if (sscanf(target, "socket:[%lu]", &ino) != 1)
            continue;
        for (size_t i = 0; i < n; i++)
            found = found || inode[i] == ino;
    }
    closedir(fds);
    return found;
}

static void
name_of(const char *pid, char *name, size_t size)
{
    char path[300];
    FILE *f;

    snprintf(name, size, "a program");
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return;
    if (fgets(name, (int)size, f) != NULL)
        name[strcspn(name, "\n")] = '\0';
    fclose(f);
}

enum rf_err
rf_port_owner_find(int type, const struct rf_addr *addr, struct rf_port_owner *out)
{
    bool is_tcp = type == SOCK_STREAM;
    unsigned long inode[INODES_MAX];
    size_t n;
    DIR *proc;
    struct dirent *d;
    enum rf_err err = RF_ERR_NOT_FOUND;

    n = inodes_at(is_tcp ? "/proc/net/tcp" : "/proc/net/udp", is_tcp, rf_addr_port(addr), inode, INODES_MAX);
    n += inodes_at(is_tcp ? "/proc/net/tcp6" : "/proc/net/udp6", is_tcp, rf_addr_port(addr), inode + n,
                   INODES_MAX - n);
    proc = n > 0 ? opendir("/proc") : NULL;
    if (proc == NULL)
        return RF_ERR_NOT_FOUND;
    while (err != RF_OK && (d = readdir(proc)) != NULL) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || !has_inode(d->d_name, inode, n))
            continue;
        out->pid = atoi(d->d_name);
        name_of(d->d_name, out->name, sizeof out->name);
        err = RF_OK;
    }
    closedir(proc);
    return err;
}
