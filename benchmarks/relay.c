/*
 * benchmarks/relay.c - CPU time per relayed packet, beside rtpengine
 *
 * usage: bench-relay [calls=400] [load=1000] [secs=8] [rounds=3] [modes=null,rtp-srtp,srtp-srtp] [peer=auto|none]
 *
 * The relay runs on CPU 0, this generator on CPU 1. A call is two legs of 50 packets a second, 172 octets of RTP
 * (G.711, 20 ms), each endpoint with an address of its own in 127.16.0.0/12. srtp-srtp has another suite on each
 * leg (AES_CM_128_HMAC_SHA1_80 and _32), so every packet is decrypted and encrypted anew. One packet in 16 is
 * decrypted and compared.
 *
 * Reported: growth of /proc/PID/task/.../schedstat of the relay over the window, by packets that the far end
 * received in it; and the loss. Rounds are interleaved, figures are medians, and only ratios of one run count.
 * `calls` is the load of the comparison (one that rtpengine carries without loss), `load` that of the last run:
 * ringfence alone, where nothing may be lost.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "relay/client.h"
#include "relay/media.h"
#include "relay/port_keeper.h"
#include "rtp/octets.h"

#define SOCKETS    64   /* their queues must outlast the moments in which this generator does not run */
#define PORT       40000
#define CALLS_MAX  4000
#define PPS        50
#define BURST      32
#define WARM_S     9.0 /* sockets are connected after at most 7.5 s */
#define NG_PORT    22222
#define RTPENGINE  "/usr/bin/rtpengine"
#define OCTETS     172
#define PACE_MIN   0.95 /* of the generator's CPU time, by the clock */

enum mode { MODE_NULL, MODE_RTP_SRTP, MODE_SRTP_SRTP, MODES };
static const char *const mode_name[MODES] = { "null", "rtp-srtp", "srtp-srtp" };

struct endpoint {
    struct rf_addr addr, relay;
    struct rf_srtp_key sends, gets;
    struct rf_srtp_ctx *tx, *rx;
    struct rf_srtp_stream tx_stream, rx_stream;
    uint16_t seq;
};

struct result {
    double ns, loss, cpu, generator;
    uint64_t dropped_here, verified, bad;
};

static struct endpoint *ends;
static int sockets[SOCKETS];

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static double
now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* CPU seconds of all threads of a process. */
static double
cpu_of(pid_t pid)
{
    char path[400];
    double sum = 0;
    struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    dir = opendir(path);
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        unsigned long long ns = 0;
        FILE *f;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, e->d_name);
        f = fopen(path, "r");
        if (f != NULL) {
            if (fscanf(f, "%llu", &ns) == 1)
                sum += (double)ns * 1e-9;
            fclose(f);
        }
    }
    if (dir != NULL)
        closedir(dir);
    return sum;
}

static void
pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        perror("sched_setaffinity (goes on unpinned)");
}

/* --- endpoints --- */

static const struct rf_srtp_suite *
suite_of(enum mode mode, unsigned leg)
{
    const char *name = leg == 0 ? "AES_CM_128_HMAC_SHA1_80"
                                : mode == MODE_SRTP_SRTP ? "AES_CM_128_HMAC_SHA1_32" : "AES_CM_128_HMAC_SHA1_80";

    if (mode == MODE_NULL || (mode == MODE_RTP_SRTP && leg == 0))
        return NULL;
    return rf_srtp_suite_named(rf_span_str(name));
}

static void
make_key(const struct rf_srtp_suite *s, struct rf_srtp_key *k)
{
    memset(k, 0, sizeof *k);
    if (s == NULL)
        return;
    k->suite = s->id;
    rf_rand_fill(&rf_rand_system, k->key, s->key_octets);
    rf_rand_fill(&rf_rand_system, k->salt, s->salt_octets);
}

static void
make_contexts(struct endpoint *e)
{
    if (e->sends.suite != 0 && rf_srtp_ctx_new(&e->tx, &e->sends, NULL) != RF_OK)
        die("context");
    if (e->gets.suite != 0 && rf_srtp_ctx_new(&e->rx, &e->gets, NULL) != RF_OK)
        die("context");
}

static void
make_endpoints(unsigned calls, enum mode mode)
{
    ends = calloc(2 * (size_t)calls, sizeof *ends);
    if (ends == NULL)
        die("calloc");
    for (unsigned i = 0; i < 2 * calls; i++) {
        uint32_t host = (127u << 24) + (16u << 16) + i + 1 + (i + 1) / 255 + 256;

        ends[i].addr.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(host),
                                                .sin_port = htons((uint16_t)(PORT + i % SOCKETS)) };
        ends[i].relay.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f090901) };
        make_key(suite_of(mode, i % 2), &ends[i].sends);
        make_key(suite_of(mode, i % 2), &ends[i].gets);
    }
}

static void
free_endpoints(unsigned calls)
{
    for (unsigned i = 0; i < 2 * calls; i++) {
        rf_srtp_ctx_free(ends[i].tx);
        rf_srtp_ctx_free(ends[i].rx);
    }
    free(ends);
}

static void
open_sockets(void)
{
    int big = 32 << 20;

    for (unsigned i = 0; i < SOCKETS; i++) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(PORT + i)) };

        sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (sockets[i] < 0)
            die("socket");
        if (setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big) != 0)
            setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
        if (bind(sockets[i], (struct sockaddr *)&a, sizeof a) != 0)
            die("bind");
    }
}

static void
close_sockets(void)
{
    for (unsigned i = 0; i < SOCKETS; i++)
        close(sockets[i]);
}

/* --- ringfence's media process --- */

struct channel {
    struct rf_watch watch;
};

static struct {
    struct rf_loop *loop;
    struct rf_media_client *client;
    struct rf_port_keeper *keeper;
    struct channel channel;
    int map_fd, control[2], ports[2];
    struct rf_media_map *map;
    struct rf_media_reply answer;
    pid_t pid;
} us;

static void
on_channel(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    if (rf_port_keeper_serve(us.keeper, 0, w->fd) == RF_ERR_CLOSED)
        rf_loop_unwatch(us.loop, w);
}

static void
on_reply(void *ctx, const struct rf_media_reply *reply, uint64_t now_us)
{
    if (reply->cookie != 0)
        us.answer = *reply;
}

static struct rf_media_reply
ask(struct rf_media_request q)
{
    q.cookie = 1;
    us.answer.cookie = 0;
    if (rf_media_client_send(us.client, &q, rf_now_us()) != RF_OK) {
        fprintf(stderr, "request refused\n");
        exit(1);
    }
    while (us.answer.cookie == 0)
        rf_loop_once(us.loop, 100000);
    return us.answer;
}

static void
start_ringfence(unsigned calls)
{
    struct rf_port_keeper_conf ports = { .threads = 1, .blocks_per_thread = 2 * calls / 16 + 4, .port_low = 10000,
                                         .port_high = 39999 };
    struct rf_media_client_conf conf = { .threads = 1, .slots_per_thread = calls, .epoch = 1, .reply = on_reply };
    uint32_t pairs = (2 * calls / 16 + 4) * 16;

    memset(&us, 0, sizeof us);
    ports.address[0].v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f090901) };
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, us.control) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, us.ports) != 0 ||
        rf_media_map_new(1, calls, &us.map_fd) != RF_OK ||
        rf_media_map_attach(us.map_fd, 1, calls, 0, false, &us.map) != RF_OK || rf_port_keeper_new(&us.keeper, &ports) != RF_OK ||
        rf_loop_new(&us.loop) != RF_OK)
        die("start");
    us.pid = fork();
    if (us.pid == 0) {
        struct rf_media_start s = { .workers = 1, .control = us.control, .ports = us.ports, .crypto = "auto",
                                    .stop = -1 };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(0);
        close(us.ports[1]);
        rf_log_open(2, -1, RF_LOG_ERROR, "media");
        if (rf_media_map_attach(us.map_fd, 1, calls, pairs, true, &s.map) != RF_OK)
            _exit(1);
        _exit(rf_media_run(&s));
    }
    close(us.ports[0]);
    conf.loop = us.loop;
    conf.control = &us.control[1];
    conf.map = us.map;
    us.channel.watch = (struct rf_watch){ .fd = us.ports[1], .ready = on_channel };
    if (rf_loop_watch(us.loop, &us.channel.watch, EPOLLIN) != RF_OK ||
        rf_media_client_new(&us.client, &conf) != RF_OK)
        die("start");
    for (unsigned c = 0; c < calls; c++) {
        struct rf_media_request q = { .command = RF_MEDIA_OPEN, .family = { 4, 4 } };
        struct rf_media_reply r = ask(q);

        if (r.event != RF_MEDIA_OPENED) {
            fprintf(stderr, "call %u: no session (RLIMIT_NOFILE?)\n", c);
            exit(1);
        }
        for (unsigned leg = 0; leg < 2; leg++) {
            struct endpoint *e = &ends[2 * c + leg];

            rf_addr_set_port(&e->relay, r.port[leg]);
            make_contexts(e);
            q = (struct rf_media_request){ .command = RF_MEDIA_CHANGE, .session = r.session, .leg = leg };
            q.change = (struct rf_media_leg){ .peer = e->addr, .tx = e->gets, .rx_count = e->sends.suite != 0,
                                              .rx = { e->sends }, .rtcp_mux = 1, .may_send = 1, .may_receive = 1,
                                              .symmetric = 1, .require_srtp = e->sends.suite != 0 };
            if (ask(q).event != RF_MEDIA_CHANGED)
                die("change");
        }
    }
}

static void
stop_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
stop_ringfence(void)
{
    stop_child(us.pid);
    rf_media_client_free(us.client);
    rf_port_keeper_free(us.keeper);
    rf_loop_free(us.loop);
    us.loop = NULL;
    rf_media_map_detach(us.map);
    close(us.map_fd);
    close(us.control[0]);
    close(us.control[1]);
    close(us.ports[1]);
}

/* --- rtpengine, by its ng protocol (bencode over UDP) --- */

static int ng_fd;
static pid_t ng_pid;

static void
put_string(struct rf_buf *b, const char *s)
{
    rf_putf(b, "%zu:%s", strlen(s), s);
}

static void
put_sdp(struct rf_buf *b, const struct endpoint *e, unsigned tag)
{
    char text[64], host[64];

    snprintf(host, sizeof host, "%s", inet_ntop(AF_INET, &e->addr.v4.sin_addr, text, sizeof text));
    rf_putf(b, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/%s 0\r\n"
               "a=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
            host, host, rf_addr_port(&e->addr), e->sends.suite != 0 ? "SAVP" : "AVP");
    if (e->sends.suite != 0) {
        const struct rf_srtp_suite *s = rf_srtp_suite(e->sends.suite);
        uint8_t octets[64];

        memcpy(octets, e->sends.key, s->key_octets);
        memcpy(octets + s->key_octets, e->sends.salt, s->salt_octets);
        rf_putf(b, "a=crypto:%u %s inline:", tag, s->name);
        rf_put_base64(b, octets, (size_t)s->key_octets + s->salt_octets);
        rf_put_str(b, "\r\n");
    }
}

/* One command with the SDP of `from`; what rtpengine says to `to`: its port, and the key it will send with. */
static unsigned
ng_exchange(const char *command, unsigned call, const struct endpoint *from, struct endpoint *to, unsigned tag)
{
    static char out[8192], sdp[2048], in[65536];
    static unsigned cookie;
    struct rf_buf b = rf_buf(out, sizeof out), s = rf_buf(sdp, sizeof sdp - 1);
    char id[64], pattern[64], *text, *at;
    ssize_t n = 0;

    snprintf(id, sizeof id, "bench-%d-%u", getpid(), call);
    put_sdp(&s, from, tag);
    sdp[s.n] = '\0';
    rf_putf(&b, "bench%u d", cookie++);
    put_string(&b, "call-id"), put_string(&b, id);
    put_string(&b, "command"), put_string(&b, command);
    put_string(&b, "from-tag"), put_string(&b, "a");
    if (strcmp(command, "answer") == 0)
        put_string(&b, "to-tag"), put_string(&b, "b");
    put_string(&b, "ICE"), put_string(&b, "remove");
    put_string(&b, "DTLS"), put_string(&b, "off");
    put_string(&b, "sdp"), put_string(&b, sdp);
    put_string(&b, "transport-protocol"), put_string(&b, to->sends.suite != 0 ? "RTP/SAVP" : "RTP/AVP");
    rf_put_str(&b, "e");
    if (send(ng_fd, out, b.n, 0) < 0 || (n = recv(ng_fd, in, sizeof in - 1, 0)) <= 0)
        die("ng");
    in[n] = '\0';
    text = strstr(in, "v=0");
    at = text != NULL ? strstr(text, "m=audio ") : NULL;
    if (at == NULL) {
        fprintf(stderr, "rtpengine: %s\n", in);
        exit(1);
    }
    rf_addr_set_port(&to->relay, (uint16_t)atoi(at + 8));
    if (to->gets.suite == 0)
        return 0;
    {
        const struct rf_srtp_suite *suite = rf_srtp_suite(to->gets.suite);
        uint8_t octets[64];
        size_t count;

        snprintf(pattern, sizeof pattern, " %s inline:", suite->name);
        at = strstr(text, pattern);
        if (at == NULL) {
            fprintf(stderr, "rtpengine offers no %s\n", suite->name);
            exit(1);
        }
        text = at + strlen(pattern);
        if (rf_base64_decode(rf_span(text, strcspn(text, "|\r\n ")), octets, sizeof octets, &count) != RF_OK ||
            count != (size_t)suite->key_octets + suite->salt_octets)
            die("key");
        memcpy(to->gets.key, octets, suite->key_octets);
        memcpy(to->gets.salt, octets + suite->key_octets, suite->salt_octets);
        while (at[-1] != ':')
            at--;
        return (unsigned)atoi(at);
    }
}

static void
start_rtpengine(unsigned calls)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(NG_PORT),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = 3 };
    char ng[64], pong[256];

    ng_pid = fork();
    if (ng_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(0);
        snprintf(ng, sizeof ng, "--listen-ng=127.0.0.1:%d", NG_PORT);
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        execl(RTPENGINE, "rtpengine", "--config-file=none", "--table=-1", "--interface=127.9.9.1", ng,
              "--num-threads=1", "--port-min=10000", "--port-max=39999", "--log-level=3", "--foreground", "--log-stderr",
              (char *)NULL);
        _exit(127);
    }
    ng_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ng_fd < 0 || connect(ng_fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        setsockopt(ng_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
        die("ng socket");
    for (unsigned tries = 0;; tries++) {
        static const char ping[] = "ping d7:command4:pinge";

        if (send(ng_fd, ping, sizeof ping - 1, 0) > 0 && recv(ng_fd, pong, sizeof pong, 0) > 0)
            break;
        if (tries == 50 || waitpid(ng_pid, NULL, WNOHANG) == ng_pid) {
            fprintf(stderr, "rtpengine does not answer\n");
            exit(1);
        }
        usleep(100000);
    }
    for (unsigned c = 0; c < calls; c++) {
        struct endpoint *x = &ends[2 * c], *y = x + 1;
        unsigned tag = ng_exchange("offer", c, x, y, 1);

        ng_exchange("answer", c, y, x, tag);
        make_contexts(x);
        make_contexts(y);
    }
}

/* --- traffic --- */

static struct {
    struct mmsghdr msg[BURST * 2];
    struct iovec iov[BURST * 2];
    uint8_t octets[BURST * 2][512];
} rx;

static uint64_t sent, received, verified, bad;

static void
check(uint8_t *p, size_t n, unsigned ends_count)
{
    uint32_t to = (rf_get32(p + 8) - 1) ^ 1;
    struct endpoint *e = &ends[to];
    struct rf_srtp_job job = { .packet = p, .octets = n, .room = 512, .result = RF_OK };

    if (to >= ends_count) {
        bad++;
        return;
    }
    if (e->rx != NULL) {
        job.ctx = e->rx;
        job.stream = &e->rx_stream;
        rf_srtp_unprotect(&job, 1);
    }
    verified++;
    if (job.result != RF_OK || job.octets != OCTETS || p[12] != p[3] || p[171] != (uint8_t)(p[3] + 5))
        bad++;
}

static void
receive(unsigned ends_count)
{
    for (unsigned s = 0; s < SOCKETS; s++) {
        int n = recvmmsg(sockets[s], rx.msg, BURST * 2, MSG_DONTWAIT, NULL);

        for (int i = 0; i < n; i++) {
            received++;
            if ((rx.octets[i][3] & 15) == 0 && rx.msg[i].msg_len >= 12)
                check(rx.octets[i], rx.msg[i].msg_len, ends_count);
        }
    }
}

static void
send_burst(const unsigned *order, unsigned *at, unsigned count, unsigned n)
{
    static uint8_t octets[BURST][512];
    struct rf_srtp_job jobs[BURST];
    unsigned who[BURST], job_of[BURST];
    size_t job_count = 0;

    for (unsigned i = 0; i < n; i++) {
        struct endpoint *e = &ends[who[i] = order[*at]];
        uint8_t *p = octets[i];

        *at = (*at + 1) % count;
        p[0] = 0x80;
        p[1] = 0;
        rf_set16(p + 2, e->seq);
        rf_set32(p + 4, e->seq * 160u);
        rf_set32(p + 8, who[i] + 1);
        memset(p + 12, p[3], 80);
        memset(p + 92, p[3] + 5, 80);
        e->seq++;
        job_of[i] = BURST;
        if (e->tx != NULL) {
            job_of[i] = (unsigned)job_count;
            jobs[job_count++] = (struct rf_srtp_job){ .ctx = e->tx, .stream = &e->tx_stream, .packet = p,
                                                      .octets = OCTETS, .room = 512 };
        }
    }
    rf_srtp_protect(jobs, job_count);
    for (unsigned i = 0; i < n; i++) {
        struct endpoint *e = &ends[who[i]];
        union {
            char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
            struct cmsghdr head;
        } control = { .head = { .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = IPPROTO_IP,
                                .cmsg_type = IP_PKTINFO } };
        struct in_pktinfo info = { .ipi_spec_dst = e->addr.v4.sin_addr };
        struct iovec iov = { octets[i], job_of[i] < BURST ? jobs[job_of[i]].octets : OCTETS };
        struct msghdr msg = { .msg_name = &e->relay.v4, .msg_namelen = sizeof e->relay.v4, .msg_iov = &iov,
                              .msg_iovlen = 1, .msg_control = control.octets,
                              .msg_controllen = sizeof control.octets };

        memcpy(CMSG_DATA(&control.head), &info, sizeof info);
        if (sendmsg(sockets[who[i] % SOCKETS], &msg, MSG_DONTWAIT) >= 0)
            sent++;
    }
}

/* Packets that the relay delivered and our own sockets could not hold. */
static uint64_t
dropped_here(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SOCKETS; i++) {
        uint32_t info[SK_MEMINFO_VARS] = { 0 };
        socklen_t n = sizeof info;

        if (getsockopt(sockets[i], SOL_SOCKET, SO_MEMINFO, info, &n) == 0)
            sum += info[SK_MEMINFO_DROPS];
    }
    return sum;
}

/* Packets that the kernel's queue between loopback's two ends could not hold (net.core.netdev_max_backlog), of the
 * whole machine: they reach no socket. It happens when the machine is taken away from us for some milliseconds. */
static uint64_t
backlog_dropped(void)
{
    FILE *f = fopen("/proc/net/softnet_stat", "r");
    unsigned processed, dropped;
    uint64_t sum = 0;

    while (f != NULL && fscanf(f, "%x %x %*[^\n]", &processed, &dropped) == 2)
        sum += dropped;
    if (f != NULL)
        fclose(f);
    return sum;
}

static uint64_t backlog_before;

static struct result
traffic(pid_t pid, unsigned calls, double secs)
{
    unsigned count = 2 * calls, at = 0;
    unsigned *order = calloc(count, sizeof *order);
    double rate = (double)count * PPS, start = now_s(), from = 0, until = 0, cpu0 = 0, own0 = 0, stop;
    uint64_t random = 12345, due_sent = 0, got0 = 0;
    struct result r = { 0 };

    if (order == NULL)
        die("calloc");
    sent = received = verified = bad = 0;
    backlog_before = backlog_dropped();
    for (unsigned i = 0; i < BURST * 2; i++) {
        rx.iov[i] = (struct iovec){ rx.octets[i], sizeof rx.octets[i] };
        rx.msg[i].msg_hdr = (struct msghdr){ .msg_iov = &rx.iov[i], .msg_iovlen = 1 };
    }
    /* Random phases. */
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count - 1; i > 0; i--) {
        unsigned j, t;

        rf_rand_seeded_fill(&random, &j, sizeof j);
        j %= i + 1;
        t = order[i], order[i] = order[j], order[j] = t;
    }
    for (;;) {
        double t = now_s();
        uint64_t due = (uint64_t)((t - start) * rate);

        if (from == 0 && t - start >= WARM_S) {
            from = t;
            until = t + secs;
            cpu0 = cpu_of(pid);
            own0 = cpu_of(getpid());
            got0 = received;
        }
        if (from != 0 && t >= until)
            break;
        /* What was not sent while this process did not run is not made up for: phones do not burst. */
        if ((double)(due - due_sent) > rate * 0.02)
            due_sent = due - (uint64_t)(rate * 0.02);
        if (due > due_sent) {
            unsigned n = due - due_sent < BURST ? (unsigned)(due - due_sent) : BURST;

            send_burst(order, &at, count, n);
            due_sent += n;
        } else {
            struct timespec nap = { .tv_nsec = 100000 };

            nanosleep(&nap, NULL);
        }
        receive(count);
        if (us.loop != NULL && at < BURST) /* events, once in a while as signal would */
            rf_loop_once(us.loop, 0);
    }
    stop = now_s();
    r.cpu = (cpu_of(pid) - cpu0) / (stop - from);
    r.generator = (cpu_of(getpid()) - own0) / (stop - from);
    r.ns = r.cpu * (stop - from) * 1e9 / (double)(received - got0);
    for (double end = now_s() + 0.5; now_s() < end;)
        receive(count);
    r.dropped_here = dropped_here();
    r.loss = (double)(int64_t)(sent - received - r.dropped_here) / (double)sent;
    r.verified = verified;
    r.bad = bad;
    free(order);
    return r;
}

/* Where our packets went that did not come back. */
static void
print_counters(unsigned calls)
{
    uint64_t in = 0, out = 0, kernel = 0, refused = 0, failed = 0;
    struct rf_media_map *map;

    if (rf_media_map_attach(us.map_fd, 1, calls, 0, false, &map) != RF_OK)
        return;
    for (unsigned i = 0; i < 2 * calls; i++) {
        const struct rf_media_counts *n = &map->session[i / 2].leg[i % 2].counts;

        in += n->in_packets;
        out += n->out_packets;
        kernel += n->in_kernel_dropped;
        refused += n->in_auth_failed + n->in_replayed + n->in_foreign + n->in_malformed + n->in_other +
                   n->out_refused;
        failed += n->out_failed;
    }
    printf("    sent %llu, in %llu, dropped in its sockets %llu, refused %llu, out %llu, not taken by the kernel %llu, "
           "received %llu, dropped here %llu, in loopback's backlog %llu\n",
           (unsigned long long)sent, (unsigned long long)in, (unsigned long long)kernel, (unsigned long long)refused,
           (unsigned long long)out, (unsigned long long)failed, (unsigned long long)received,
           (unsigned long long)dropped_here(), (unsigned long long)(backlog_dropped() - backlog_before));
    rf_media_map_detach(map);
}

static struct result
run(bool is_peer, enum mode mode, unsigned calls, double secs)
{
    struct result r;

    make_endpoints(calls, mode);
    open_sockets();
    if (is_peer)
        start_rtpengine(calls);
    else
        start_ringfence(calls);
    r = traffic(is_peer ? ng_pid : us.pid, calls, secs);
    if (!is_peer && r.loss > 0)
        print_counters(calls);
    if (is_peer) {
        stop_child(ng_pid);
        close(ng_fd);
    } else {
        stop_ringfence();
    }
    close_sockets();
    free_endpoints(calls);
    printf("  %-9s %-10s %5u calls  %6.0f ns/packet  relay %3.0f %%  lost %.4f %%  checked %llu, wrong %llu  "
           "generator %3.0f %%%s\n",
           mode_name[mode], is_peer ? "rtpengine" : "ringfence", calls, r.ns, 100 * r.cpu, 100 * r.loss,
           (unsigned long long)r.verified, (unsigned long long)r.bad, 100 * r.generator,
           r.dropped_here > 0 ? " (could not keep up)" : "");
    fflush(stdout);
    return r;
}

static int
by_ns(const void *a, const void *b)
{
    const struct result *x = a, *y = b;

    return (x->ns > y->ns) - (x->ns < y->ns);
}

static const char *
option(int argc, char **argv, const char *name, const char *fallback)
{
    size_t n = strlen(name);

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    return fallback;
}

/* Is `name` in a list with commas? */
static bool
is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
            return true;
    }
    return false;
}

#define ROUNDS_MAX 20
#define LOSS_MAX   0.001

/*
 * A round in which the machine was taken away from one of them says nothing. The generator spins: CPU time that it did not get
 * is time in which packets gathered, and packets that come in heaps are cheaper for whoever reads them.
 */
static bool
is_void(const struct result *r)
{
    return r->loss > LOSS_MAX || r->generator < PACE_MIN;
}

int
main(int argc, char **argv)
{
    static const double bar[MODES] = { 0, 0.55, 0.50 };
    unsigned calls = (unsigned)atoi(option(argc, argv, "calls", "400"));
    unsigned load = (unsigned)atoi(option(argc, argv, "load", "1000"));
    unsigned rounds = (unsigned)atoi(option(argc, argv, "rounds", "3"));
    double secs = atof(option(argc, argv, "secs", "8"));
    const char *modes = option(argc, argv, "modes", "null,rtp-srtp,srtp-srtp");
    bool has_peer = strcmp(option(argc, argv, "peer", "auto"), "none") != 0 && access(RTPENGINE, X_OK) == 0;
    static struct result ours[MODES][ROUNDS_MAX], peers[MODES][ROUNDS_MAX];
    struct rlimit files = { 65536, 65536 };
    bool all_good = true;
    unsigned voids = 0;

    if (calls == 0 || calls > CALLS_MAX || load > CALLS_MAX || rounds == 0 || rounds > ROUNDS_MAX || secs < 1) {
        fprintf(stderr, "calls and load up to %d, rounds up to %d, secs from 1\n", CALLS_MAX, ROUNDS_MAX);
        return 2;
    }
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        perror("RLIMIT_NOFILE (goes on with fewer descriptors)");
    if (rf_srtp_init("auto") != RF_OK)
        return 1;
    pin(1);
    printf("relay: %s, %u rounds of %.0f s\n", rf_srtp_backend(), rounds, secs);
    if (!has_peer)
        printf("rtpengine is not installed: no ratios\n");
    for (unsigned i = 0; i < rounds; i++)
        for (unsigned m = 0; m < MODES; m++) {
            if (!is_listed(modes, mode_name[m]))
                continue;
            ours[m][i] = run(false, (enum mode)m, calls, secs);
            if (has_peer)
                peers[m][i] = run(true, (enum mode)m, calls, secs);
            all_good = all_good && ours[m][i].bad == 0;
            if ((is_void(&ours[m][i]) || (has_peer && is_void(&peers[m][i]))) && voids < rounds * MODES) {
                printf("  (void: repeated)\n");
                voids++;
                m--;
            }
        }
    printf("\n%-10s %6s %14s %14s %7s %6s\n", "mode", "calls", "ringfence ns", "rtpengine ns", "ratio", "bar");
    for (unsigned m = 0; m < MODES; m++) {
        if (!is_listed(modes, mode_name[m]))
            continue;
        qsort(ours[m], rounds, sizeof ours[m][0], by_ns);
        qsort(peers[m], rounds, sizeof peers[m][0], by_ns);
        printf("%-10s %6u %14.0f", mode_name[m], calls, ours[m][rounds / 2].ns);
        if (has_peer)
            printf(" %14.0f %7.2f", peers[m][rounds / 2].ns, ours[m][rounds / 2].ns / peers[m][rounds / 2].ns);
        if (has_peer && bar[m] > 0)
            printf(" %6.2f", bar[m]);
        printf("\n");
    }
    if (load > 0) {
        printf("\nload on one core, none lost:\n");
        for (unsigned m = 1; m < MODES; m++)
            for (unsigned tries = 0; is_listed(modes, mode_name[m]) && tries < 3; tries++) {
                struct result r = run(false, (enum mode)m, load, secs);

                all_good = all_good && r.bad == 0;
                if (r.loss <= 0)
                    break;
            }
    }
    return all_good ? 0 : 1;
}
