/*
 * srtp2-peer - one end of an SRTP call on Debian's libsrtp2, for tests/interop/libsrtp_peer.py
 *
 * libsrtp is what FreeSWITCH, Asterisk and PJSIP speak. Version 2.5 derives AES-192 keys in a way of its own, and with
 * --rtcp-tag 32 SRTCP is cut as FreeSWITCH does it. --clear authenticates without encrypting
 * (UNENCRYPTED_SRTP, ..._SRTCP). Payloads are audio() of tests/lib/rtp.py, and compared on arrival.
 *
 *   srtp2-peer --port N --to HOST:PORT --suite NAME --tx BASE64 --rx BASE64 [--rtcp-tag 32|80] [--mux] [--seconds N]
 *              [--seq N] [--clear rtp|rtcp|both]
 *
 * Prints one JSON object at the end.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <srtp2/srtp.h>

#define PAYLOAD   160
#define INTERVAL  5000000L /* ns between two packets */
#define RTCP_EACH 20       /* packets */
#define OCTETS    2048

typedef void policy_set(srtp_crypto_policy_t *p);

static const struct suite {
    const char *name;
    policy_set *rtp, *rtcp_80, *rtcp_32;
    size_t key_octets; /* with salt */
} suites[] = {
    { "AES_CM_128_HMAC_SHA1_80", srtp_crypto_policy_set_rtp_default,
      srtp_crypto_policy_set_rtp_default, srtp_crypto_policy_set_rtp_default, 30 },
    { "AES_CM_128_HMAC_SHA1_32", srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
      srtp_crypto_policy_set_rtp_default, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32, 30 },
    { "AES_192_CM_HMAC_SHA1_80", srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80,
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80, srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80, 38 },
    { "AES_192_CM_HMAC_SHA1_32", srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32,
      srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80, srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32, 38 },
    { "AES_256_CM_HMAC_SHA1_80", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80, 46 },
    { "AES_256_CM_HMAC_SHA1_32", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32,
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32, 46 },
    { "AEAD_AES_128_GCM", srtp_crypto_policy_set_aes_gcm_128_16_auth, srtp_crypto_policy_set_aes_gcm_128_16_auth,
      srtp_crypto_policy_set_aes_gcm_128_16_auth, 28 },
    { "AEAD_AES_256_GCM", srtp_crypto_policy_set_aes_gcm_256_16_auth, srtp_crypto_policy_set_aes_gcm_256_16_auth,
      srtp_crypto_policy_set_aes_gcm_256_16_auth, 44 },
    { "AEAD_AES_128_GCM_8", srtp_crypto_policy_set_aes_gcm_128_8_auth, srtp_crypto_policy_set_aes_gcm_128_8_auth,
      srtp_crypto_policy_set_aes_gcm_128_8_auth, 28 },
    { "AEAD_AES_256_GCM_8", srtp_crypto_policy_set_aes_gcm_256_8_auth, srtp_crypto_policy_set_aes_gcm_256_8_auth,
      srtp_crypto_policy_set_aes_gcm_256_8_auth, 44 },
    { "AES_CM_128_NULL_AUTH", srtp_crypto_policy_set_aes_cm_128_null_auth, srtp_crypto_policy_set_aes_cm_128_null_auth,
      srtp_crypto_policy_set_aes_cm_128_null_auth, 30 },
};

static struct {
    unsigned sent, received, refused, wrong, rtcp_sent, rtcp_received, rtcp_refused;
} count;

static void
die(const char *what)
{
    fprintf(stderr, "srtp2-peer: %s\n", what);
    exit(2);
}

static size_t
unbase64(const char *text, uint8_t *out, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, held = 0;
    size_t n = 0;

    for (; *text != '\0' && *text != '='; text++) {
        const char *digit = strchr(digits, *text);

        if (digit == NULL)
            die("a key is no base64");
        bits = bits << 6 | (uint32_t)(digit - digits);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (n == room)
            die("a key is too long");
        out[n++] = (uint8_t)(bits >> held);
    }
    return n;
}

static srtp_t
session(const struct suite *suite, const char *base64, int rtcp_tag, const char *clear, srtp_ssrc_type_t direction)
{
    static uint8_t keys[2][64];
    static unsigned used;
    uint8_t *key = keys[used++];
    srtp_policy_t policy;
    srtp_t s;

    if (unbase64(base64, key, sizeof keys[0]) != suite->key_octets)
        die("a key has another length than the suite's");
    memset(&policy, 0, sizeof policy);
    suite->rtp(&policy.rtp);
    (rtcp_tag == 32 ? suite->rtcp_32 : suite->rtcp_80)(&policy.rtcp);
    if (strcmp(clear, "rtp") == 0 || strcmp(clear, "both") == 0)
        policy.rtp.sec_serv = sec_serv_auth;
    if (strcmp(clear, "rtcp") == 0 || strcmp(clear, "both") == 0)
        policy.rtcp.sec_serv = sec_serv_auth;
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = 128;
    if (srtp_create(&s, &policy) != srtp_err_status_ok)
        die("libsrtp makes no session of this suite");
    return s;
}

static void
put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static void
speak(int fd, srtp_t tx, uint16_t seq)
{
    uint8_t p[OCTETS] = { 0x80, 0 };
    int n = 12 + PAYLOAD;

    put16(p + 2, seq);
    put32(p + 4, seq * 160u);
    put32(p + 8, 0x5e57);
    for (unsigned k = 0; k < PAYLOAD; k += 2)
        put16(p + 12 + k, seq * 40503u & 0xffff);
    if (srtp_protect(tx, p, &n) != srtp_err_status_ok)
        die("srtp_protect");
    if (send(fd, p, (size_t)n, 0) == n)
        count.sent++;
}

/* A sender report without blocks. */
static void
report(int fd, srtp_t tx)
{
    uint8_t p[OCTETS] = { 0x80, 200, 0, 6 };
    int n = 28;

    put32(p + 4, 0x5e57);
    put32(p + 20, count.sent);
    put32(p + 24, count.sent * PAYLOAD);
    if (srtp_protect_rtcp(tx, p, &n) != srtp_err_status_ok)
        die("srtp_protect_rtcp");
    if (send(fd, p, (size_t)n, 0) == n)
        count.rtcp_sent++;
}

static int
is_wrong(const uint8_t *p, int n)
{
    unsigned audio = (unsigned)(p[2] << 8 | p[3]) * 40503u & 0xffff;

    for (int k = 12; k + 1 < n; k += 2)
        if ((unsigned)(p[k] << 8 | p[k + 1]) != audio)
            return 1;
    return n != 12 + PAYLOAD;
}

static void
listen_to(int fd, srtp_t rx)
{
    uint8_t p[OCTETS];
    ssize_t got;

    while ((got = recv(fd, p, sizeof p, MSG_DONTWAIT)) > 0) {
        int n = (int)got;

        if (n >= 8 && p[1] >= 192 && p[1] <= 223) {
            if (srtp_unprotect_rtcp(rx, p, &n) == srtp_err_status_ok)
                count.rtcp_received++;
            else
                count.rtcp_refused++;
            continue;
        }
        if (srtp_unprotect(rx, p, &n) != srtp_err_status_ok) {
            count.refused++;
            continue;
        }
        count.received++;
        count.wrong += is_wrong(p, n);
    }
}

static int
open_socket(int port, const char *to, int above)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(port + above)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in there = { .sin_family = AF_INET };
    const char *colon = strchr(to, ':');
    char host[64];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (colon == NULL || (size_t)(colon - to) >= sizeof host)
        die("--to HOST:PORT");
    memcpy(host, to, (size_t)(colon - to));
    host[colon - to] = '\0';
    there.sin_port = htons((uint16_t)(atoi(colon + 1) + above));
    if (inet_pton(AF_INET, host, &there.sin_addr) != 1 || fd < 0 ||
        bind(fd, (struct sockaddr *)&here, sizeof here) != 0 ||
        connect(fd, (struct sockaddr *)&there, sizeof there) != 0)
        die("the socket");
    return fd;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = { { "port", 1, NULL, 'p' },  { "to", 1, NULL, 't' },
                                             { "suite", 1, NULL, 's' }, { "tx", 1, NULL, 'k' },
                                             { "rx", 1, NULL, 'r' },    { "rtcp-tag", 1, NULL, 'g' },
                                             { "seconds", 1, NULL, 'n' }, { "seq", 1, NULL, 'q' },
                                             { "mux", 0, NULL, 'm' },   { "clear", 1, NULL, 'c' },
                                             { 0 } };
    const char *to = NULL, *tx_key = NULL, *rx_key = NULL, *clear = "";
    const struct suite *suite = NULL;
    const struct timespec pause = { .tv_nsec = INTERVAL };
    int port = 0, rtcp_tag = 80, muxed = 0, c, fd, rtcp_fd;
    unsigned rounds = 200, seq = 100;
    srtp_t tx, rx;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'p': port = atoi(optarg); break;
        case 't': to = optarg; break;
        case 'k': tx_key = optarg; break;
        case 'r': rx_key = optarg; break;
        case 'g': rtcp_tag = atoi(optarg); break;
        case 'n': rounds = (unsigned)(atof(optarg) * 1e9 / INTERVAL); break;
        case 'm': muxed = 1; break;
        case 'c': clear = optarg; break;
        case 'q': seq = (unsigned)atoi(optarg); break;
        case 's':
            for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
                if (strcmp(suites[i].name, optarg) == 0)
                    suite = &suites[i];
            break;
        default: die("see the head of srtp2-peer.c");
        }
    }
    if (port == 0 || to == NULL || tx_key == NULL || rx_key == NULL || suite == NULL)
        die("--port, --to, --suite, --tx and --rx are needed");
    if (srtp_init() != srtp_err_status_ok)
        die("srtp_init");
    tx = session(suite, tx_key, rtcp_tag, clear, ssrc_any_outbound);
    rx = session(suite, rx_key, rtcp_tag, clear, ssrc_any_inbound);
    fd = open_socket(port, to, 0);
    rtcp_fd = muxed ? fd : open_socket(port, to, 1);
    for (unsigned i = 0; i < rounds; i++) {
        speak(fd, tx, (uint16_t)(seq + i));
        if (i % RTCP_EACH == RTCP_EACH - 1)
            report(rtcp_fd, tx);
        nanosleep(&pause, NULL);
        listen_to(fd, rx);
        if (rtcp_fd != fd)
            listen_to(rtcp_fd, rx);
    }
    printf("{\"library\":\"%s\",\"sent\":%u,\"received\":%u,\"refused\":%u,\"wrong\":%u,\"rtcp_sent\":%u,"
           "\"rtcp_received\":%u,\"rtcp_refused\":%u}\n",
           srtp_get_version_string(), count.sent, count.received, count.refused, count.wrong, count.rtcp_sent,
           count.rtcp_received, count.rtcp_refused);
    srtp_dealloc(tx);
    srtp_dealloc(rx);
    srtp_shutdown();
    close(fd);
    if (rtcp_fd != fd)
        close(rtcp_fd);
    return 0;
}
