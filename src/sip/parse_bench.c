/* bench-sip-parse: ns a message for rf_sip_msg_parse and rf_sip_frame, on an INVITE of 1.1 kB with 14
 * fields. */
#include <time.h>

#include <stdio.h>

#include "sip/msg.h"

#define ROUNDS 9
#define PER_ROUND 200000

static const char invite[] =
    "INVITE sip:+15551230042@pbx.example.com;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/TLS 192.0.2.45:49152;rport;branch=z9hG4bKPj1f3e5a7c9b2d4f6081a3c5e7f9b1d3;alias\r\n"
    "Max-Forwards: 70\r\n"
    "From: \"Alice Liddell\" <sip:201@pbx.example.com>;tag=8f2c4e6a0b1d3f57\r\n"
    "To: <sip:+15551230042@pbx.example.com;user=phone>\r\n"
    "Contact: "
    "<sip:201@192.0.2.45:49152;transport=tls;ob>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0015650a0b0c>\"\r\n"
    "Call-ID: 3f9d1c7e-5b2a-4e8f-9c6d-0a1b2c3d4e5f@192.0.2.45\r\n"
    "CSeq: 21370 INVITE\r\n"
    "Route: <sip:pbx.example.com:5061;transport=tls;lr>\r\n"
    "Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n"
    "Supported: replaces, 100rel, timer, norefersub, outbound, path\r\n"
    "Session-Expires: 1800\r\n"
    "User-Agent: Example Phone T54W 96.86.0.70\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 333\r\n"
    "\r\n"
    "v=0\r\n"
    "o=- 3906283341 3906283341 IN IP4 192.0.2.45\r\n"
    "s=call\r\n"
    "c=IN IP4 192.0.2.45\r\n"
    "t=0 0\r\n"
    "m=audio 4002 RTP/SAVP 9 8 0 101\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
    "a=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-16\r\n"
    "a=sendrecv\r\n";

static struct rf_sip_msg msg;

static uint64_t
cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool
parse(struct rf_span octets)
{
    struct rf_sip_problem problem;

    if (rf_sip_msg_parse(&msg, octets, &problem) == RF_OK)
        return true;
    fprintf(stderr, "refused: %s\n", problem.sentence);
    return false;
}

static bool
frame(struct rf_span octets)
{
    struct rf_sip_problem problem;
    size_t n;

    return rf_sip_frame(octets, &n, &problem) == RF_FRAME_MESSAGE && n == octets.n;
}

/* The best of some rounds: what is slower than it was disturbed. */
static bool
measure(const char *what, bool (*once)(struct rf_span octets))
{
    struct rf_span octets = rf_span(invite, sizeof invite - 1);
    double best = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start = cpu_ns();
        double ns;

        for (int i = 0; i < PER_ROUND; i++) {
            __asm__ volatile("" : : "r"(octets.p) : "memory");
            if (!once(octets))
                return false;
        }
        ns = (double)(cpu_ns() - start) / PER_ROUND;
        best = ns < best ? ns : best;
    }
    printf("%-20s %6.0f ns a message of %zu octets\n", what, best, octets.n);
    return true;
}

int
main(void)
{
    if (!measure("rf_sip_msg_parse", parse) || !measure("rf_sip_frame", frame))
        return 1;
    printf("%zu header fields, struct rf_sip_msg is %zu octets\n", msg.field_count, sizeof msg);
    return 0;
}
