/*
 * relay/map.c - making and mapping the memory that outlives both children
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relay/map.h"

#define SLOTS_MAX (1u << 24) /* 8 kB each: more than any machine's memory, and far from overflow */

_Static_assert(sizeof(struct rf_media_map) == 4096, "the head is exactly its page");

/* Sessions, and behind them the loads. */
static size_t
shared_octets(uint32_t threads, uint32_t slots_per_thread)
{
    size_t octets = (size_t)threads * slots_per_thread * sizeof(struct rf_media_session) +
                    threads * sizeof(struct rf_media_load);

    return (octets + 4095) & ~(size_t)4095;
}

size_t
rf_media_map_size(uint32_t threads, uint32_t slots_per_thread)
{
    return sizeof(struct rf_media_map) + shared_octets(threads, slots_per_thread);
}

enum rf_err
rf_media_map_new(uint32_t threads, uint32_t slots_per_thread, int *fd)
{
    int made;

    if (threads == 0 || slots_per_thread == 0 || (uint64_t)threads * slots_per_thread > SLOTS_MAX)
        return RF_ERR_RANGE;
    made = memfd_create("ringfence-media", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return RF_ERR_IO;
    /* Sealed in size: a child that shrank it would let the other die of SIGBUS. */
    if (ftruncate(made, (off_t)shared_octets(threads, slots_per_thread)) != 0 ||
        fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        close(made);
        return RF_ERR_IO;
    }
    *fd = made;
    return RF_OK;
}

enum rf_err
rf_media_map_attach(int fd, uint32_t threads, uint32_t slots_per_thread, uint32_t ports_per_thread,
                    bool may_write, struct rf_media_map **out)
{
    size_t octets = rf_media_map_size(threads, slots_per_thread);
    int prot = PROT_READ | (may_write ? PROT_WRITE : 0);
    struct rf_media_map *map;
    void *sessions;

    map = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return RF_ERR_IO;
    sessions = mmap(map->session, octets - sizeof *map, prot, MAP_SHARED | MAP_FIXED, fd, 0);
    if (sessions == MAP_FAILED) {
        munmap(map, octets);
        return RF_ERR_IO;
    }
    *map = (struct rf_media_map){
        .version = RF_MEDIA_VERSION,
        .threads = threads,
        .slots_per_thread = slots_per_thread,
        .ports_per_thread = ports_per_thread,
    };
    /* Keys lie here: not in a core file. */
    if (mprotect(map, sizeof *map, PROT_READ) != 0 || madvise(map, octets, MADV_DONTDUMP) != 0) {
        munmap(map, octets);
        return RF_ERR_IO;
    }
    *out = map;
    return RF_OK;
}

void
rf_media_map_detach(struct rf_media_map *map)
{
    if (map != NULL)
        munmap(map, rf_media_map_size(map->threads, map->slots_per_thread));
}

static const struct rf_media_load *
load_of(const struct rf_media_map *map, uint32_t thread)
{
    const void *behind = &map->session[(size_t)map->threads * map->slots_per_thread];

    return (const struct rf_media_load *)behind + thread;
}

struct rf_media_load *
rf_media_map_load(struct rf_media_map *map, uint32_t thread)
{
    return (struct rf_media_load *)(uintptr_t)load_of(map, thread);
}

uint32_t
rf_media_map_busy(const struct rf_media_map *map, uint32_t thread)
{
    return atomic_load_explicit(&load_of(map, thread)->busy, memory_order_relaxed);
}

const struct rf_media_session *
rf_media_map_find(const struct rf_media_map *map, struct rf_media_name name)
{
    const struct rf_media_session *s;
    uint32_t generation;

    if (name.generation % 2 == 0 || name.slot >= map->threads * map->slots_per_thread)
        return NULL;
    s = &map->session[name.slot];
    generation = atomic_load_explicit(&s->generation, memory_order_acquire);
    return generation == name.generation || generation == name.generation + 1 ? s : NULL;
}

uint32_t
rf_media_roc(const struct rf_media_leg_state *leg)
{
    uint32_t in_use = atomic_load_explicit(&leg->rx.in_use, memory_order_relaxed), roc = 0;

    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        if ((in_use >> i & 1) != 0 && leg->rx.live[i].roc > roc)
            roc = leg->rx.live[i].roc;
    return roc;
}
