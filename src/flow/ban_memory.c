#include "flow/ban_memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x31736e6162667200u /* changes with the layout */

int
rf_ban_memory_file(void)
{
    int fd = memfd_create("ringfence-bans", MFD_CLOEXEC);
    int why;

    if (fd < 0 || ftruncate(fd, sizeof(struct rf_ban_memory)) == 0)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

struct rf_ban_memory *
rf_ban_memory_map(int fd, const struct rf_rand *rand)
{
    struct stat st;
    struct rf_ban_memory *m;

    if (fstat(fd, &st) != 0)
        return NULL;
    if (st.st_size != (off_t)sizeof *m) {
        errno = EINVAL;
        return NULL;
    }
    m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        return NULL;
    if (m->magic != MAGIC) {
        memset(m, 0, sizeof *m);
        rf_rand_fill(rand, &m->key, sizeof m->key);
        m->magic = MAGIC;
    }
    return m;
}

void
rf_ban_memory_unmap(struct rf_ban_memory *m)
{
    if (m != NULL)
        munmap(m, sizeof *m);
}
