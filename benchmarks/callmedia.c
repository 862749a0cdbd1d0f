#include "callmedia.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/rand.h"
#include "base/span.h"
#include "rtp/octets.h"
#include "srtp/srtp.h"

#define AUDIO_OCTETS 160
#define PACKET_US    (20 * RF_MS)
#define SUITE        "AES_CM_128_HMAC_SHA1_80"
#define KEY_OCTETS   30 /* 16 of the key, 14 of the salt (RFC 4568 6.2) */

struct media_end {
    struct rf_watch watch;
    uint16_t port;
    bool is_taken, is_sending;
    struct sockaddr_in peer;
    unsigned left;                /* packets to send; 0 with is_endless */
    bool is_endless;
    uint64_t due_us;
    uint16_t seq;
    uint32_t ssrc;
    struct rf_srtp_ctx *tx, *rx;  /* NULL: plain */
    struct rf_srtp_stream tx_stream, rx_stream;
    uint8_t key[KEY_OCTETS];      /* by which it sends */
};

static struct media_end *ends;
static unsigned end_count, next_end;
static struct media_count counted;

static uint8_t
audio(uint16_t seq)
{
    return (uint8_t)(seq * 7);
}

static void
receive_one(struct media_end *e, uint8_t *packet, size_t octets, size_t room)
{
    struct rf_srtp_job job = { .ctx = e->rx, .stream = &e->rx_stream, .packet = packet, .octets = octets, .room = room,
                               .result = RF_OK };

    if (octets < 12 || (packet[1] & 0x7f) >= 64)
        return; /* RTCP: a relay may send reports of its own */
    counted.received++;
    if (e->rx != NULL)
        rf_srtp_unprotect(&job, 1);
    if (job.result != RF_OK || job.octets != 12 + AUDIO_OCTETS || packet[12] != audio(rf_get16(packet + 2)))
        counted.wrong++;
}

static void
on_packets(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct media_end *e = rf_container(w, struct media_end, watch);
    uint8_t packet[512];
    ssize_t n;

    while ((n = recv(w->fd, packet, sizeof packet, MSG_DONTWAIT)) > 0)
        if (e->is_taken)
            receive_one(e, packet, (size_t)n, sizeof packet);
}

bool
media_open(struct rf_loop *loop, unsigned count)
{
    ends = calloc(count, sizeof *ends);
    if (ends == NULL)
        return false;
    for (end_count = 0; end_count < count; end_count++) {
        struct media_end *e = &ends[end_count];
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof a;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        e->watch = (struct rf_watch){ .fd = fd, .ready = on_packets };
        if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || getsockname(fd, (struct sockaddr *)&a, &size) != 0 ||
            rf_loop_watch(loop, &e->watch, EPOLLIN) != RF_OK)
            return false;
        e->port = ntohs(a.sin_port);
    }
    return rf_srtp_init("auto") == RF_OK;
}

struct media_end *
media_take(void)
{
    for (unsigned i = 0; i < end_count; i++) {
        struct media_end *e = &ends[next_end];

        next_end = (next_end + 1) % end_count; /* the one that rests longest */
        if (e->is_taken)
            continue;
        e->is_taken = true;
        e->tx_stream = e->rx_stream = (struct rf_srtp_stream){ 0 };
        e->seq = (uint16_t)rf_rand_u64(&rf_rand_system);
        e->ssrc = (uint32_t)rf_rand_u64(&rf_rand_system);
        return e;
    }
    return NULL;
}

void
media_give_back(struct media_end *e)
{
    if (e == NULL)
        return;
    rf_srtp_ctx_free(e->tx);
    rf_srtp_ctx_free(e->rx);
    e->tx = e->rx = NULL;
    e->is_taken = e->is_sending = false;
}

/* Where a line begins with this; its text up to the line's end. */
static struct rf_span
line_of(struct rf_span text, const char *begins)
{
    const char *p = memmem(text.p, text.n, begins, strlen(begins)), *end;

    if (p == NULL)
        return (struct rf_span){ 0 };
    end = memchr(p, '\r', text.n - (size_t)(p - text.p));
    return rf_span(p, end != NULL ? (size_t)(end - p) : text.n - (size_t)(p - text.p));
}

static bool
context_of(const uint8_t key[static KEY_OCTETS], struct rf_srtp_ctx **out)
{
    const struct rf_srtp_suite *suite = rf_srtp_suite_named(RF_SPAN_LIT(SUITE));
    struct rf_srtp_key k = { .suite = suite->id };

    memcpy(k.key, key, suite->key_octets);
    memcpy(k.salt, key + suite->key_octets, suite->salt_octets);
    return rf_srtp_ctx_new(out, &k, NULL) == RF_OK;
}

/* The line of our suite: its tag, and the context for what comes from there. */
static bool
take_crypto(struct media_end *e, struct rf_span text, unsigned *tag)
{
    for (struct rf_span rest = text, line; (line = line_of(rest, "a=crypto:")).n > 0;) {
        char inline_key[64] = "";
        uint8_t key[KEY_OCTETS];
        size_t n;

        rest = rf_span(line.p + line.n, (size_t)(text.p + text.n - (line.p + line.n)));
        if (memmem(line.p, line.n, " " SUITE " ", strlen(" " SUITE " ")) == NULL ||
            sscanf(line.p, "a=crypto:%u %*s inline:%40[A-Za-z0-9+/]", tag, inline_key) != 2)
            continue;
        return rf_base64_decode(rf_span_str(inline_key), key, sizeof key, &n) == RF_OK && n == sizeof key &&
               context_of(key, &e->rx);
    }
    return false;
}

size_t
media_describe(struct media_end *e, struct rf_span offer, char *text, size_t room)
{
    bool is_secure = line_of(offer, "m=audio").n > 0 && memmem(offer.p, offer.n, "RTP/SAVP", 8) != NULL;
    char crypto[128] = "";
    unsigned tag = 1;
    int n;

    if (is_secure) {
        char key[64];
        struct rf_buf b = rf_buf(key, sizeof key - 1);

        if (!take_crypto(e, offer, &tag))
            return 0;
        rf_rand_fill(&rf_rand_system, e->key, sizeof e->key);
        rf_put_base64(&b, e->key, sizeof e->key);
        key[b.n] = '\0';
        if (!context_of(e->key, &e->tx))
            return 0;
        snprintf(crypto, sizeof crypto, "a=crypto:%u " SUITE " inline:%s\r\n", tag, key);
    }
    n = snprintf(text, room,
                 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %u RTP/%s 0\r\n"
                 "%sa=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n",
                 e->port, is_secure ? "SAVP" : "AVP", crypto);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

bool
media_start(struct media_end *e, struct rf_span description, unsigned packets, uint64_t now_us)
{
    struct rf_span c = line_of(description, "c=IN IP4 "), m = line_of(description, "m=audio ");
    char host[20] = "";
    unsigned port = 0;

    if (c.n == 0 || m.n == 0 || sscanf(c.p, "c=IN IP4 %19[0-9.]", host) != 1 || sscanf(m.p, "m=audio %u", &port) != 1)
        return false;
    e->peer = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, host, &e->peer.sin_addr) != 1 || port == 0)
        return false;
    e->left = packets;
    e->is_endless = packets == 0;
    e->is_sending = true;
    e->due_us = now_us + rf_rand_u64(&rf_rand_system) % PACKET_US; /* calls do not talk in step */
    return true;
}

bool
media_is_over(const struct media_end *e)
{
    return !e->is_sending;
}

static void
send_one(struct media_end *e)
{
    uint8_t packet[512] = { 0x80 };
    struct rf_srtp_job job = { .ctx = e->tx, .stream = &e->tx_stream, .packet = packet, .octets = 12 + AUDIO_OCTETS,
                               .room = sizeof packet, .result = RF_OK };

    rf_set16(packet + 2, e->seq);
    rf_set32(packet + 4, e->seq * (uint32_t)AUDIO_OCTETS);
    rf_set32(packet + 8, e->ssrc);
    memset(packet + 12, audio(e->seq), AUDIO_OCTETS);
    e->seq++;
    if (e->tx != NULL)
        rf_srtp_protect(&job, 1);
    if (job.result == RF_OK &&
        sendto(e->watch.fd, packet, job.octets, MSG_DONTWAIT, (struct sockaddr *)&e->peer, sizeof e->peer) > 0)
        counted.sent++;
}

void
media_run(uint64_t now_us)
{
    for (unsigned i = 0; i < end_count; i++) {
        struct media_end *e = &ends[i];

        while (e->is_sending && e->due_us <= now_us) {
            send_one(e);
            e->due_us += PACKET_US;
            if (!e->is_endless && --e->left == 0)
                e->is_sending = false;
        }
    }
}

struct media_count
media_counted(void)
{
    return counted;
}
