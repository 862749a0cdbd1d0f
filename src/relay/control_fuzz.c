/*
 * relay/control_fuzz.c - control messages of any content, applied to a map; and a new process that goes on from it
 *
 * Input: records. An octet says what: 0x80 a packet passes, 0x40 the process starts anew, 0x20 the map is damaged
 * at a place (as a process that was taken over could), 0x10 a reply is checked; else a request, whose octets
 * follow: leading ones as given, the rest zero.
 */
#include "relay/fuzz_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
take(const uint8_t **data, size_t *size, void *out, size_t n)
{
    if (n > *size)
        n = *size;
    memcpy(out, *data, n);
    *data += n;
    *size -= n;
    return n;
}

static void
packet(struct rf_relay *r, uint8_t kind, uint64_t now_us)
{
    uint8_t memory[RF_FRAME_ROOM] = { 0x80, 0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 1 };
    struct rf_frame f = { .packet = memory, .octets = 172, .leg = kind % (2 * FUZZ_SLOTS) };

    f.addr.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201), .sin_port = 1 };
    rf_relay_batch(r, &f, 1, now_us);
    if (rf_relay_may_leave(r, &f))
        rf_relay_sent(r, &f, true, now_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t now_us = 1000000;
    int fd;
    struct rf_media_map *map = fuzz_map(&fd);
    struct rf_relay *r = fuzz_relay(map, now_us);
    uint8_t kind;

    while (take(&data, &size, &kind, 1) == 1) {
        now_us += 20000;
        if (kind & 0x80) {
            packet(r, kind, now_us);
        } else if (kind & 0x40) {
            rf_relay_free(r);
            r = fuzz_relay(map, now_us);
        } else if (kind & 0x20) {
            uint16_t at = 0;
            uint8_t *session = (uint8_t *)&map->session[kind % FUZZ_SLOTS];

            take(&data, &size, &at, 2);
            take(&data, &size, session + at % sizeof(struct rf_media_session), 1);
            rf_relay_free(r);
            r = fuzz_relay(map, now_us);
        } else if (kind & 0x10) {
            struct rf_media_reply reply = { .version = RF_MEDIA_VERSION };
            size_t n = take(&data, &size, &reply, sizeof reply);

            if (rf_media_reply_check(&reply, n) == RF_OK)
                rf_media_map_find(map, reply.session);
        } else {
            struct rf_media_request q = { .version = RF_MEDIA_VERSION };
            struct rf_media_reply reply;

            size_t most = sizeof q - 4, n = kind % 16 * 64u;

            take(&data, &size, (uint8_t *)&q + 4, n < most ? n : most);
            if (rf_media_request_check(&q, sizeof q) == RF_OK &&
                rf_relay_request(r, kind % 2, &q, &reply, now_us) == RF_OK)
                rf_assert(rf_media_reply_check(&reply, sizeof reply) == RF_OK);
        }
        rf_relay_tick(r, now_us);
    }
    rf_relay_free(r);
    rf_media_map_detach(map);
    close(fd);
    return 0;
}
