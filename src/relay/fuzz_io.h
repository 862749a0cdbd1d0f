/*
 * relay/fuzz_io.h - ports that are only numbers, for the two fuzz targets of this folder
 */
#ifndef RF_RELAY_FUZZ_IO_H
#define RF_RELAY_FUZZ_IO_H

#include <stdlib.h>
#include <unistd.h>

#include "relay/relay.h"

#define FUZZ_SLOTS 4
#define FUZZ_PORTS 16

static bool fuzz_taken[FUZZ_PORTS];

static enum rf_err
fuzz_take(void *ctx, unsigned family, uint32_t leg, uint32_t *index, uint16_t *port)
{
    for (uint32_t i = 0; i < FUZZ_PORTS; i++)
        if (!fuzz_taken[i]) {
            fuzz_taken[i] = true;
            *index = i;
            *port = (uint16_t)(10000 + 2 * i);
            return RF_OK;
        }
    return RF_ERR_NOMEM;
}

static bool
fuzz_claim(void *ctx, unsigned family, uint32_t leg, uint32_t index, uint16_t port)
{
    if (index >= FUZZ_PORTS || fuzz_taken[index])
        return false;
    return fuzz_taken[index] = true;
}

static void
fuzz_give(void *ctx, uint32_t index, uint64_t now_us)
{
    rf_assert(index < FUZZ_PORTS && fuzz_taken[index]);
    fuzz_taken[index] = false;
}

static void
fuzz_moved(void *ctx, uint32_t index)
{
    rf_assert(index < FUZZ_PORTS);
}

static bool
fuzz_event(void *ctx, uint32_t worker, const struct rf_media_reply *event)
{
    rf_assert(rf_media_reply_check(event, sizeof *event) == RF_OK);
    return true;
}

static struct rf_relay *
fuzz_relay(struct rf_media_map *map, uint64_t now_us)
{
    static const struct rf_relay_io io = { NULL, fuzz_take, fuzz_claim, fuzz_give, fuzz_moved, fuzz_event };
    struct rf_relay *r;

    memset(fuzz_taken, 0, sizeof fuzz_taken);
    if (rf_relay_new(&r, map, 0, 0, &io, now_us) != RF_OK)
        abort();
    return r;
}

static struct rf_media_map *
fuzz_map(int *fd)
{
    struct rf_media_map *map;

    if (rf_media_map_new(1, FUZZ_SLOTS, fd) != RF_OK ||
        rf_media_map_attach(*fd, 1, FUZZ_SLOTS, FUZZ_PORTS, true, &map) != RF_OK)
        abort();
    return map;
}

#endif
