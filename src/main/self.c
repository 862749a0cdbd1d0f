#include "main/self.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"

struct rf_self {
    pthread_mutex_t lock; /* of the place in `fds` */
    int stat;
    DIR *fds;
    uint64_t started_us;
};

/* proc(5): what stands behind the name of the program, which is in parentheses and may hold anything. */
#define FIELD_UTIME   14
#define FIELD_STIME   15
#define FIELD_STARTED 22
#define FIELD_VSIZE   23
#define FIELD_RSS     24

static bool
read_stat(int fd, uint64_t field[FIELD_RSS + 1])
{
    char text[1024], *p;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return false;
    text[n] = '\0';
    p = strrchr(text, ')');
    if (p == NULL || p[1] == '\0')
        return false;
    p += 2;
    for (int i = 3; i <= FIELD_RSS; i++) { /* 3 is a letter */
        field[i] = i == 3 ? 0 : strtoull(p, NULL, 10);
        p = strchr(p, ' ');
        if (p == NULL)
            return false;
        p++;
    }
    return true;
}

static uint64_t
ticks_us(uint64_t ticks)
{
    return ticks * RF_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The kernel counts from its start; by today's clock that is what users compare it with. */
static uint64_t
started_us(uint64_t ticks)
{
    struct timespec boot, wall;

    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (uint64_t)(wall.tv_sec - boot.tv_sec) * RF_S + ticks_us(ticks);
}

enum rf_err
rf_self_new(struct rf_self **out)
{
    struct rf_self *s = calloc(1, sizeof *s);
    uint64_t field[FIELD_RSS + 1];

    if (s == NULL)
        return RF_ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    s->stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    s->fds = opendir("/proc/self/fd");
    if (s->stat >= 0 && read_stat(s->stat, field))
        s->started_us = started_us(field[FIELD_STARTED]);
    *out = s;
    return RF_OK;
}

void
rf_self_free(struct rf_self *s)
{
    if (s == NULL)
        return;
    if (s->stat >= 0)
        close(s->stat);
    if (s->fds != NULL)
        closedir(s->fds);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static uint64_t
count_fds(struct rf_self *s)
{
    const struct dirent *e;
    uint64_t n = 0;

    if (s->fds == NULL)
        return 0;
    pthread_mutex_lock(&s->lock);
    rewinddir(s->fds);
    while ((e = readdir(s->fds)) != NULL)
        n += e->d_name[0] != '.';
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool
rf_self_look(struct rf_self *s, struct rf_self_numbers *out)
{
    uint64_t field[FIELD_RSS + 1];
    struct rlimit limit;

    if (s->stat < 0 || !read_stat(s->stat, field))
        return false;
    *out = (struct rf_self_numbers){ .cpu_us = ticks_us(field[FIELD_UTIME] + field[FIELD_STIME]),
                                     .memory = field[FIELD_RSS] * (uint64_t)sysconf(_SC_PAGESIZE),
                                     .addresses = field[FIELD_VSIZE],
                                     .fds = count_fds(s),
                                     .started_us = s->started_us };
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        out->fds_max = limit.rlim_cur;
    return true;
}
