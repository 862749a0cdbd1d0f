/*
 * relay/packet_fuzz.c - datagrams of any content into calls of all kinds
 *
 * Input: records of four octets and a packet: leg; port, source and time; octets (2). Batches end where the time says.
 * Leg 7 is a CHANGE instead: of which call, to which of four keys, with the old one beside it or not, after a silence,
 * and with something left in clear by its key (RF_SRTP_CLEAR_*), allowed or not.
 * Whatever comes, nothing in clear leaves to a leg that requires SRTP, and no packet grows beyond its frame.
 */
#include "relay/fuzz_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Legs whose keys leave something in clear though nobody allowed it: bit n is leg n. */
static unsigned bare;

/* @param number  which of its keys; 0: the first. old: the one that is still listed, or -1
 * @param more    RF_SRTP_CLEAR_* of these keys; 4: that is allowed */
static void
change_to(struct rf_relay *r, uint32_t slot, unsigned leg, const char *suite, bool mux, unsigned number, int old,
          unsigned more)
{
    struct rf_media_request q = { .version = RF_MEDIA_VERSION, .command = RF_MEDIA_CHANGE, .session = { slot, 1 },
                                  .leg = leg };
    struct rf_media_leg *c = &q.change;
    struct rf_media_reply reply;

    c->peer.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001 + leg),
                                       .sin_port = htons(4000) };
    c->rtcp_mux = mux;
    c->may_send = c->may_receive = c->symmetric = 1;
    if (suite != NULL) {
        c->tx.suite = c->rx[0].suite = rf_srtp_suite_named(rf_span_str(suite))->id;
        c->tx.key[0] = (uint8_t)(1 + slot * 2 + leg);
        c->rx[0].key[0] = (uint8_t)(101 + slot * 2 + leg);
        c->tx.key[1] = c->rx[0].key[1] = (uint8_t)number;
        /* Rows 1 to 4 are GCM. */
        c->tx.clear = c->rx[0].clear = (uint8_t)(more & (c->tx.suite <= 4 ? RF_SRTP_CLEAR_RTCP : 3u));
        c->unencrypted_allowed = more >> 2 & 1;
        bare &= ~(1u << (2 * slot + leg));
        if (c->tx.clear != 0 && !c->unencrypted_allowed)
            bare |= 1u << (2 * slot + leg);
        c->rx_count = 1;
        c->require_srtp = 1;
        if (old >= 0 && old != (int)number) {
            c->rx[1] = c->rx[0];
            c->rx[1].key[1] = (uint8_t)old;
            c->rx_count = 2;
        }
    }
    if (rf_relay_request(r, 0, &q, &reply, 1) != RF_OK || reply.event != RF_MEDIA_CHANGED)
        abort();
}

static void
change(struct rf_relay *r, uint32_t slot, unsigned leg, const char *suite, bool mux)
{
    change_to(r, slot, leg, suite, mux, 0, -1, 0);
}

static void
flush(struct rf_relay *r, struct rf_frame *f, size_t n, uint64_t now_us)
{
    rf_relay_batch(r, f, n, now_us);
    for (size_t i = 0; i < n; i++) {
        if (!rf_relay_may_leave(r, &f[i]))
            continue;
        /* Legs 1 and up require SRTP, but for the plain one of the second call. */
        rf_assert(f[i].is_encrypted || f[i].leg < 2 || f[i].leg == 2);
        rf_assert((bare >> f[i].leg & 1) == 0); /* (I3), TEL-29 */
        rf_assert(f[i].octets <= RF_FRAME_ROOM && rf_addr_is_set(&f[i].addr));
        rf_relay_sent(r, &f[i], true, now_us);
    }
    rf_relay_tick(r, now_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[RF_BATCH_MAX][RF_FRAME_ROOM];
    struct rf_frame f[RF_BATCH_MAX];
    uint64_t now_us = 1000000;
    size_t n = 0;
    int fd;
    struct rf_media_map *map = fuzz_map(&fd);
    struct rf_relay *r = fuzz_relay(map, now_us);

    bare = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct rf_media_request q = { .version = RF_MEDIA_VERSION, .command = RF_MEDIA_OPEN, .family = { 4, 4 } };
        struct rf_media_reply reply;

        if (rf_relay_request(r, 0, &q, &reply, now_us) != RF_OK || reply.event != RF_MEDIA_OPENED)
            abort();
    }
    change(r, 0, 0, NULL, true);
    change(r, 0, 1, NULL, false);
    change(r, 1, 0, NULL, false);
    change(r, 1, 1, "AES_CM_128_HMAC_SHA1_80", true);
    change(r, 2, 0, "AES_CM_128_NULL_AUTH", true);
    change(r, 2, 1, "AEAD_AES_128_GCM", false);

    while (size >= 4) {
        uint32_t octets;

        if (data[0] % 8 == 7) {
            bool is_gcm = (data[1] & 1) != 0;

            flush(r, f, n, now_us += (data[1] & 0x40) != 0 ? 40000000 : 20000);
            n = 0;
            change_to(r, is_gcm ? 2 : 1, 1, is_gcm ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80", !is_gcm,
                      data[1] >> 1 & 3, (data[1] & 0x20) != 0 ? data[1] >> 3 & 3 : -1, data[2] & 7u);
            data += 4;
            size -= 4;
            continue;
        }
        octets = ((uint32_t)data[2] << 8 | data[3]) % (RF_FRAME_PACKET_MAX + 1);

        if (octets > size - 4)
            octets = (uint32_t)(size - 4);
        memcpy(memory[n], data + 4, octets);
        f[n] = (struct rf_frame){ .packet = memory[n], .octets = octets, .leg = data[0] % 8,
                                  .port = data[1] & 1 };
        f[n].addr.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001 + data[0] % 2),
                                             .sin_port = htons((uint16_t)(4000 + (data[1] >> 1 & 3))) };
        n++;
        if (n == RF_BATCH_MAX || (data[1] & 0x80) != 0) {
            flush(r, f, n, now_us += 20000);
            n = 0;
        }
        data += 4 + octets;
        size -= 4 + octets;
    }
    flush(r, f, n, now_us + 20000);
    rf_relay_free(r);
    rf_media_map_detach(map);
    close(fd);
    return 0;
}
