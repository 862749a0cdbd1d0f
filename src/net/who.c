#include "net/who.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INODES_MAX 16 /* sockets at one port: SO_REUSEPORT groups */
#define TCP_LISTEN 10 /* "st" of /proc/net/tcp */

/* The sockets at one port, by what /proc/net says of them. */
struct sockets {
    unsigned long inode[INODES_MAX];
    unsigned uid; /* of the last one */
    size_t n;
};

/* Both families count: a dual-stack socket blocks IPv4 as well. */
static void
add_sockets(struct sockets *s, const char *path, uint16_t port, bool listeners_only)
{
    FILE *f = fopen(path, "re");
    char line[512];

    if (f == NULL)
        return;
    while (s->n < INODES_MAX && fgets(line, sizeof line, f) != NULL) {
        unsigned local_port, state, uid;
        unsigned long ino;

        if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*d %lu", &local_port,
                   &state, &uid, &ino) != 4 ||
            local_port != port || ino == 0 || (listeners_only && state != TCP_LISTEN))
            continue;
        s->inode[s->n++] = ino;
        s->uid = uid;
    }
    fclose(f);
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
    uint16_t port = rf_addr_port(addr);
    struct sockets at = { .n = 0 };
    DIR *proc;
    struct dirent *d;

    /* A listener has it; or else a connection that was made from this port. */
    for (int try = 0; try < 2 && at.n == 0; try++) {
        add_sockets(&at, is_tcp ? "/proc/net/tcp" : "/proc/net/udp", port, is_tcp && try == 0);
        add_sockets(&at, is_tcp ? "/proc/net/tcp6" : "/proc/net/udp6", port, is_tcp && try == 0);
    }
    if (at.n == 0)
        return RF_ERR_NOT_FOUND;
    *out = (struct rf_port_owner){ .uid = at.uid };
    proc = opendir("/proc");
    if (proc == NULL)
        return RF_OK;
    while (out->pid == 0 && (d = readdir(proc)) != NULL) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || !has_inode(d->d_name, at.inode, at.n))
            continue;
        out->pid = atoi(d->d_name);
        name_of(d->d_name, out->name, sizeof out->name);
    }
    closedir(proc);
    return RF_OK;
}
