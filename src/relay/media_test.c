/*
 * relay/media_test.c - the media process with real sockets on loopback: child, port keeper, client, kill -9
 *
 * The test is the parent and a signal worker in one: it serves the port keeper and runs the client on one loop. The
 * media process is a child, so that it can be killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "relay/client.h"
#include "relay/media.h"
#include "relay/port_keeper.h"
#include "rtp/octets.h"
#include "free_ports.h"
#include "tap.h"

#define THREADS_MAX 4
#define ANSWERS_MAX 256
#define PORTS       1000 /* 4 threads with 4 blocks of 16 pairs, and room */

static uint16_t port_low;

struct channel {
    struct rf_watch watch;
    uint32_t thread;
};

static struct {
    uint32_t threads, slots;
    int map_fd;
    struct rf_media_map *map;               /* as signal has it: to read only */
    int control[THREADS_MAX][2];            /* [thread]: media's end, ours */
    struct rf_port_keeper *keeper;
    struct channel channel[THREADS_MAX];
    pid_t media;
    struct rf_loop *loop;
    struct rf_media_client *client;
    struct rf_media_reply answer[ANSWERS_MAX];
    unsigned answers;
} d;

static void
on_channel(struct rf_watch *w, uint32_t events, uint64_t now_us)
{
    struct channel *c = rf_container(w, struct channel, watch);

    if (rf_port_keeper_serve(d.keeper, c->thread, w->fd) == RF_ERR_CLOSED)
        rf_loop_unwatch(d.loop, w);
}

static void
on_reply(void *ctx, const struct rf_media_reply *reply, uint64_t now_us)
{
    if (d.answers < ANSWERS_MAX)
        d.answer[d.answers++] = *reply;
}

static void
start_media(void)
{
    int ends[THREADS_MAX], pair[2], control[THREADS_MAX];

    for (uint32_t i = 0; i < d.threads; i++) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
            abort();
        ends[i] = pair[0];
        control[i] = d.control[i][0];
        d.channel[i].watch = (struct rf_watch){ .fd = pair[1], .ready = on_channel };
        d.channel[i].thread = i;
        if (rf_loop_watch(d.loop, &d.channel[i].watch, EPOLLIN) != RF_OK)
            abort();
    }
    d.media = fork();
    if (d.media == 0) {
        struct rf_media_start s = { .workers = 1, .control = control, .ports = ends, .crypto = "auto", .stop = -1 };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (uint32_t i = 0; i < d.threads; i++)
            close(d.channel[i].watch.fd);
        rf_log_open(2, -1, RF_LOG_ERROR, "media");
        if (rf_media_map_attach(d.map_fd, d.threads, d.slots, 256, true, &s.map) != RF_OK)
            _exit(9);
        _exit(rf_media_run(&s));
    }
    for (uint32_t i = 0; i < d.threads; i++)
        close(ends[i]);
}

static void
kill_media(void)
{
    kill(d.media, SIGKILL);
    waitpid(d.media, NULL, 0);
    for (uint32_t i = 0; i < d.threads; i++) {
        if (d.channel[i].watch.is_watched)
            rf_loop_unwatch(d.loop, &d.channel[i].watch);
        close(d.channel[i].watch.fd);
    }
}

static void
begin(uint32_t threads, uint32_t slots, uint32_t blocks)
{
    struct rf_port_keeper_conf ports = { .threads = threads, .blocks_per_thread = blocks, .port_low = port_low,
                                         .port_high = (uint16_t)(port_low + PORTS - 1) };
    struct rf_media_client_conf conf = { .threads = threads, .slots_per_thread = slots, .epoch = 7,
                                         .reply = on_reply };
    int ours[THREADS_MAX];

    memset(&d, 0, sizeof d);
    d.threads = threads;
    d.slots = slots;
    if (rf_loop_new(&d.loop) != RF_OK || rf_media_map_new(threads, slots, &d.map_fd) != RF_OK ||
        rf_media_map_attach(d.map_fd, threads, slots, 256, false, &d.map) != RF_OK)
        abort();
    for (uint32_t i = 0; i < threads; i++) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, d.control[i]) != 0)
            abort();
        ours[i] = d.control[i][1];
    }
    if (rf_addr_parse(RF_SPAN_LIT("127.0.0.1"), 0, &ports.address[0]) != RF_OK ||
        rf_addr_parse(RF_SPAN_LIT("::1"), 0, &ports.address[1]) != RF_OK ||
        rf_port_keeper_new(&d.keeper, &ports) != RF_OK)
        abort();
    conf.loop = d.loop;
    conf.control = ours;
    conf.map = d.map;
    if (rf_media_client_new(&d.client, &conf) != RF_OK)
        abort();
}

static void
end(void)
{
    rf_media_client_free(d.client);
    rf_port_keeper_free(d.keeper);
    rf_media_map_detach(d.map);
    close(d.map_fd);
    for (uint32_t i = 0; i < d.threads; i++) {
        close(d.control[i][0]);
        close(d.control[i][1]);
    }
    rf_loop_free(d.loop);
}

static void
run_for(uint64_t us)
{
    uint64_t until = rf_now_us() + us, now;

    while ((now = rf_now_us()) < until)
        rf_loop_once(d.loop, until - now);
}

/* Send, and wait for the answer with this cookie. */
static struct rf_media_reply
ask(struct rf_media_request q, uint64_t wait_us)
{
    static uint64_t cookie = 1000;
    uint64_t until = rf_now_us() + wait_us;
    unsigned from = d.answers = 0;

    q.cookie = ++cookie;
    if (rf_media_client_send(d.client, &q, rf_now_us()) != RF_OK)
        return (struct rf_media_reply){ 0 };
    while (rf_now_us() < until) {
        rf_loop_once(d.loop, 10000);
        for (; from < d.answers; from++)
            if (d.answer[from].cookie == cookie)
                return d.answer[from];
    }
    return (struct rf_media_reply){ 0 };
}

/* --- a far end --- */

struct end {
    int fd;
    struct rf_addr addr;
    struct rf_addr relay; /* our port at the relay */
    struct rf_srtp_key sends, gets;
    struct rf_srtp_ctx *tx, *rx;
    struct rf_srtp_stream tx_stream, rx_stream;
    uint16_t seq;
    uint32_t ssrc;
    unsigned got, failed, repeated;
};

static void
end_init(struct end *e, const char *host, unsigned suite, uint32_t ssrc)
{
    socklen_t n = sizeof e->addr;

    memset(e, 0, sizeof *e);
    if (rf_addr_parse(rf_span_str(host), 0, &e->addr) != RF_OK)
        abort();
    e->relay = e->addr;
    e->fd = socket(e->addr.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (e->fd < 0 || bind(e->fd, &e->addr.sa, rf_addr_len(&e->addr)) != 0 ||
        getsockname(e->fd, &e->addr.sa, &n) != 0)
        abort();
    e->ssrc = ssrc;
    e->seq = 100;
    if (suite == 0)
        return;
    e->sends.suite = e->gets.suite = (uint8_t)suite;
    rf_rand_fill(&rf_rand_system, e->sends.key, rf_srtp_suite(suite)->key_octets);
    rf_rand_fill(&rf_rand_system, e->sends.salt, rf_srtp_suite(suite)->salt_octets);
    rf_rand_fill(&rf_rand_system, e->gets.key, rf_srtp_suite(suite)->key_octets);
    rf_rand_fill(&rf_rand_system, e->gets.salt, rf_srtp_suite(suite)->salt_octets);
    if (rf_srtp_ctx_new(&e->tx, &e->sends, NULL) != RF_OK || rf_srtp_ctx_new(&e->rx, &e->gets, NULL) != RF_OK)
        abort();
}

static void
end_fini(struct end *e)
{
    close(e->fd);
    rf_srtp_ctx_free(e->tx);
    rf_srtp_ctx_free(e->rx);
}

static struct rf_media_leg
leg_of(const struct end *e)
{
    struct rf_media_leg leg = { .peer = e->addr, .tx = e->gets, .rx_count = e->sends.suite != 0,
                                .rtcp_mux = 1, .may_send = 1, .may_receive = 1, .symmetric = 1,
                                .require_srtp = e->sends.suite != 0 };

    leg.rx[0] = e->sends;
    return leg;
}

static void
say(struct end *e)
{
    uint8_t p[400];
    size_t n = 172;

    p[0] = 0x80;
    p[1] = 0;
    rf_set16(p + 2, e->seq);
    rf_set32(p + 4, e->seq * 160u);
    rf_set32(p + 8, e->ssrc);
    memset(p + 12, (uint8_t)e->seq, 160);
    e->seq++;
    if (e->tx != NULL) {
        struct rf_srtp_job job = { .ctx = e->tx, .stream = &e->tx_stream, .packet = p, .octets = n, .room = sizeof p };

        rf_srtp_protect(&job, 1);
        n = job.octets;
    }
    if (sendto(e->fd, p, n, 0, &e->relay.sa, rf_addr_len(&e->relay)) != (ssize_t)n)
        diag("sendto: %s", strerror(errno));
}

static void
hear(struct end *e)
{
    uint8_t p[2000];
    ssize_t n;

    while ((n = recv(e->fd, p, sizeof p, MSG_DONTWAIT)) > 0) {
        struct rf_srtp_job job = { .ctx = e->rx, .stream = &e->rx_stream, .packet = p, .octets = (size_t)n,
                                   .room = sizeof p };

        job.result = RF_OK;
        if (e->rx != NULL)
            rf_srtp_unprotect(&job, 1);
        if (job.result == RF_ERR_REPLAY || job.result == RF_ERR_STALE)
            e->repeated++;
        else if (job.result != RF_OK || job.octets != 172 || p[12] != p[3] || p[171] != p[3])
            e->failed++;
        else
            e->got++;
    }
}

static bool
join(struct end *a, struct end *b, struct rf_media_name *name)
{
    struct rf_media_request q = {
        .command = RF_MEDIA_OPEN,
        .timeout_s = 60,
        .family = { a->addr.sa.sa_family == AF_INET ? 4 : 6, b->addr.sa.sa_family == AF_INET ? 4 : 6 },
    };
    struct rf_media_reply r = ask(q, 3000000);

    if (r.event != RF_MEDIA_OPENED)
        return false;
    *name = r.session;
    rf_addr_set_port(&a->relay, r.port[0]);
    rf_addr_set_port(&b->relay, r.port[1]);
    q = (struct rf_media_request){ .command = RF_MEDIA_CHANGE, .session = r.session, .change = leg_of(a) };
    if (ask(q, 3000000).event != RF_MEDIA_CHANGED)
        return false;
    q.leg = 1;
    q.change = leg_of(b);
    return ask(q, 3000000).event == RF_MEDIA_CHANGED;
}

/* n packets each way, one each `us`. */
static void
converse(struct end *a, struct end *b, unsigned n, uint64_t us)
{
    for (unsigned i = 0; i < n; i++) {
        say(a);
        say(b);
        run_for(us);
        hear(a);
        hear(b);
    }
}

/* --- tests --- */

static void
test_threads(uint32_t threads)
{
    enum { CALLS = 8 };
    static struct end a[CALLS], b[CALLS];
    struct rf_media_name name[CALLS];
    uint32_t on_thread[THREADS_MAX] = { 0 };
    bool all = true;
    unsigned got = 0, least = CALLS;

    begin(threads, 16, 4);
    start_media();
    for (unsigned i = 0; i < CALLS; i++) {
        end_init(&a[i], "127.0.0.1", i % 2 == 0 ? 1 : 0, 0xa0 + i);
        end_init(&b[i], "127.0.0.1", 3, 0xb0 + i);
        if (!join(&a[i], &b[i], &name[i])) {
            ok(false, "a session is opened: are the ports taken?");
            return;
        }
        on_thread[name[i].slot / 16]++;
    }
    for (uint32_t i = 0; i < threads; i++)
        if (on_thread[i] < least)
            least = on_thread[i];
    ok(all && least == CALLS / threads, "%u threads: sessions are spread evenly", threads);
    for (unsigned k = 0; k < 10; k++) {
        for (unsigned i = 0; i < CALLS; i++)
            converse(&a[i], &b[i], 1, 200);
    }
    run_for(30000);
    for (unsigned i = 0; i < CALLS; i++) {
        hear(&a[i]);
        hear(&b[i]);
        got += a[i].got + b[i].got;
    }
    ok(got == CALLS * 20, "every packet arrives, decrypts and is what was sent (%u of %u)", got, CALLS * 20);
    for (unsigned i = 0; i < CALLS; i++) {
        struct rf_media_request q = { .command = RF_MEDIA_CLOSE, .session = name[i] };
        const struct rf_media_session *s = rf_media_map_find(d.map, name[i]);

        all = s != NULL && s->leg[0].counts.in_packets == 10 && s->leg[1].counts.out_encrypted == 10 && all;
        all = ask(q, 3000000).event == RF_MEDIA_CLOSED && all;
        end_fini(&a[i]);
        end_fini(&b[i]);
    }
    ok(all, "signal reads the counters in the map; CLOSE");
    kill_media();
    end();
}

/* The promise: killing media costs a stream 15 packets at most; same ports, keys, ROC, no index twice. */
static void
test_kill(void)
{
    struct end a, b;
    struct rf_media_name name;
    unsigned sent = 0;
    uint32_t generation;

    begin(2, 16, 4);
    start_media();
    end_init(&a, "127.0.0.1", 1, 0xa0);
    end_init(&b, "127.0.0.1", 3, 0xb0);
    a.seq = 65350; /* it wraps under way, near a kill */
    b.seq = 65450;
    ok(join(&a, &b, &name), "a call, SRTP on both legs");
    generation = name.generation;
    for (unsigned kills = 0; kills < 4; kills++) {
        converse(&a, &b, 60, 2000);
        say(&a); /* in flight */
        say(&b);
        kill_media();
        for (unsigned i = 0; i < 5; i++) { /* while nobody is there */
            say(&a);
            say(&b);
        }
        start_media();
        sent += 66;
    }
    converse(&a, &b, 60, 2000);
    sent += 60;
    run_for(100000);
    hear(&a);
    hear(&b);
    ok(sent - a.got <= 4 * 15 && sent - b.got <= 4 * 15, "kill -9, 4 times: %u and %u of %u packets lost (15 each allowed)",
       sent - a.got, sent - b.got, sent);
    ok(a.failed == 0 && b.failed == 0, "all that arrive decrypt: ROC and keys were kept, across a wrap");
    ok(a.repeated == 0 && b.repeated == 0, "no index was used twice");
    ok(a.rx_stream.roc == 1 && b.rx_stream.roc == 1, "both directions have wrapped");
    ok(rf_media_map_find(d.map, name) != NULL && rf_media_map_find(d.map, name)->generation == generation,
       "the session is the same");
    kill_media();
    end_fini(&a);
    end_fini(&b);
    end();
}

static void
test_full_and_lost(void)
{
    struct rf_media_request q = { .command = RF_MEDIA_OPEN, .family = { 4, 4 } };
    struct rf_media_reply r;
    unsigned open = 0;
    uint64_t t;

    begin(1, 32, 1);
    /* Nobody is there yet: the request waits in the socket. */
    q.cookie = 5;
    if (rf_media_client_send(d.client, &q, rf_now_us()) != RF_OK)
        abort();
    run_for(300000);
    ok(d.answers == 0, "without media there is no answer");
    start_media();
    run_for(800000);
    ok(d.answers == 1 && d.answer[0].event == RF_MEDIA_OPENED && d.answer[0].cookie == 5,
       "when media starts, a waiting OPEN is answered, once");
    for (unsigned i = 1; i < 8; i++)
        open += ask(q, 3000000).event == RF_MEDIA_OPENED;
    ok(open == 7, "16 pairs of ports carry 8 sessions");
    t = rf_now_us();
    ok(ask(q, 3000000).event == RF_MEDIA_FULL && rf_now_us() - t < 1000000, "then it is FULL");
    ok(rf_port_keeper_pairs(d.keeper) == 16, "the keeper did not give more than its limit");

    kill_media();
    /* A timer's time is that of its round of the loop: what is sent in the round seems to come from the future. */
    d.answers = 0;
    for (unsigned i = 0; i < 2; i++)
        if (rf_media_client_send(d.client, &(const struct rf_media_request){ .command = RF_MEDIA_CLOSE, .cookie = 6 + i,
                                                                             .session = { 0, 1 } },
                                 rf_now_us() + i * RF_S) != RF_OK)
            abort();
    run_for(1500000);
    ok(d.answers == 0, "a request of a later time than the timer's is not given up at once");
    run_for(2000000);
    ok(d.answers == 2, "it is when its own time is over");
    q.session = d.answer[0].session;
    r = ask((struct rf_media_request){ .command = RF_MEDIA_CLOSE, .session = { 0, 1 } }, 3000000);
    ok(r.event == RF_MEDIA_GONE && r.session.generation == 1, "no media for 2 s: the client answers GONE");
    t = rf_now_us();
    ok(ask(q, 3000000).event == RF_MEDIA_FULL && rf_now_us() - t > 1900000, "and FULL to an OPEN");
    ok(rf_media_client_pending(d.client) == 0, "nothing is left waiting");
    start_media();
    run_for(300000);
    open = 0;
    for (uint32_t i = 0; i < d.slots; i++)
        open += d.map->session[i].generation % 2;
    ok(open == 7, "the CLOSE that waited was carried out (%u sessions)", open);
    kill_media();
    end();
}

/* The client gave an OPEN up, and media does it after all: nobody wants that session. */
static void
test_given_up(void)
{
    struct rf_media_request q = { .command = RF_MEDIA_OPEN, .family = { 4, 4 } };
    unsigned open = 0, closed = 0;

    begin(1, 16, 4);
    ok(ask(q, 3000000).event == RF_MEDIA_FULL, "no media at all: FULL after 2 s");
    start_media();
    run_for(300000);
    for (uint32_t i = 0; i < d.slots; i++) {
        open += d.map->session[i].generation % 2;
        closed += d.map->session[i].generation == 2;
    }
    ok(open == 0 && closed == 1, "what media opens late, once for all repetitions, is closed again");
    ok(ask(q, 3000000).event == RF_MEDIA_OPENED, "and the next call is served");
    kill_media();
    end();
}

/* Is there a socket of `port` that is connected to `peer`? */
static bool
is_connected(uint16_t port, uint16_t peer)
{
    FILE *f = fopen("/proc/net/udp", "r");
    char line[512];
    bool found = false;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        unsigned local, remote;

        if (sscanf(line, " %*d: %*8x:%x %*8x:%x", &local, &remote) == 2 && local == port && remote == peer)
            found = true;
    }
    if (f != NULL)
        fclose(f);
    return found;
}

/* The fast socket is connected after a second; a peer that moves is heard at once all the same. */
static void
test_connected(void)
{
    struct end a, b, moved, stranger, other;
    struct rf_media_request q = { .command = RF_MEDIA_CHANGE, .leg = 1 };
    struct rf_media_name name;
    const struct rf_media_session *s;
    struct rf_addr home;
    int first;

    begin(1, 16, 4);
    start_media();
    end_init(&other, "127.0.0.1", 0, 0xb0);
    end_init(&a, "127.0.0.1", 1, 0xa0);
    end_init(&b, "127.0.0.1", 0, 0xb0);
    end_init(&moved, "127.0.0.1", 0, 0xa0);
    end_init(&stranger, "127.0.0.1", 0, 0xee);
    ok(join(&a, &b, &name), "a call, SRTP to RTP");
    converse(&a, &b, 100, 20000);
    ok(is_connected(rf_addr_port(&a.relay), rf_addr_port(&a.addr)) &&
           is_connected(rf_addr_port(&b.relay), rf_addr_port(&b.addr)),
       "after two seconds both ports are connected to their peers");
    ok(a.got == 100 && b.got == 100, "and nothing was lost on the way there (%u, %u)", a.got, b.got);

    s = rf_media_map_find(d.map, name);
    stranger.relay = b.relay;
    for (unsigned i = 0; i < 5; i++)
        say(&stranger);
    run_for(30000);
    ok(s != NULL && s->leg[1].counts.in_foreign == 5, "strangers at a connected port are counted");

    home = a.addr;
    first = dup(a.fd);
    dup2(moved.fd, a.fd); /* the phone's NAT gives it another port */
    a.addr = moved.addr;
    a.got = b.got = 0;
    converse(&a, &b, 10, 5000);
    run_for(20000);
    hear(&a);
    hear(&b);
    ok(b.got == 10 && a.got >= 9, "a peer that moves is followed with its first packet (%u, %u)", b.got, a.got);
    ok(!is_connected(rf_addr_port(&a.relay), rf_addr_port(&s->leg[0].set.peer)), "the old connection is undone");

    dup2(first, a.fd); /* and the first one again, before a second is over */
    close(first);
    a.addr = home;
    a.got = b.got = 0;
    converse(&a, &b, 10, 5000);
    run_for(20000);
    hear(&a);
    hear(&b);
    ok(b.got == 10 && a.got >= 9, "one that comes back is, too (%u, %u)", b.got, a.got);
    converse(&a, &b, 70, 20000);
    ok(is_connected(rf_addr_port(&a.relay), rf_addr_port(&home)), "and is connected to again once it stands");

    q.session = name; /* re-INVITE: the media of the plain leg goes elsewhere */
    q.change = leg_of(&other);
    ok(is_connected(rf_addr_port(&b.relay), rf_addr_port(&b.addr)) && ask(q, 3000000).event == RF_MEDIA_CHANGED,
       "a connected leg gets another target");
    other.relay = b.relay;
    other.seq = b.seq; /* one source that went elsewhere: the other end keeps one window */
    a.got = b.got = 0;
    converse(&a, &other, 70, 20000);
    hear(&b);
    ok(other.got == 70 && b.got == 0 && a.got >= 69, "and speaks with that one alone from then on (%u, %u, %u)", other.got,
       b.got, a.got);
    ok(is_connected(rf_addr_port(&b.relay), rf_addr_port(&other.addr)) &&
           !is_connected(rf_addr_port(&b.relay), rf_addr_port(&b.addr)), "to which it is connected after a second");
    end_fini(&other);
    kill_media();
    end_fini(&a);
    end_fini(&b);
    end_fini(&moved);
    end_fini(&stranger);
    end();
}

static unsigned
open_sessions(void)
{
    unsigned open = 0;

    for (uint32_t i = 0; i < d.threads * d.slots; i++)
        open += d.map->session[i].generation % 2;
    return open;
}

/* Many short calls: opened ahead, spread by ports that rest too, and nothing of it is left when the calls stop. */
static void
test_spares(void)
{
    const struct rf_media_request q = { .command = RF_MEDIA_OPEN, .family = { 4, 4 }, .timeout_s = 60 };
    struct rf_media_request other = q;
    struct rf_media_request close_it = { .command = RF_MEDIA_CLOSE };
    struct rf_media_reply r;
    unsigned opened = 0;
    uint32_t busy[2];

    begin(2, 64, 8);
    start_media();
    for (unsigned i = 0; i < 40; i++) {
        r = ask(q, 3000000);
        opened += r.event == RF_MEDIA_OPENED;
        close_it.session = r.session;
        if (rf_media_client_send(d.client, &close_it, rf_now_us()) != RF_OK)
            abort();
        run_for(10000);
    }
    ok(opened == 40, "40 short calls, 100 a second");
    run_for(100000);
    busy[0] = rf_media_map_busy(d.map, 0);
    busy[1] = rf_media_map_busy(d.map, 1);
    ok(busy[0] + busy[1] >= 80 && busy[0] <= busy[1] + 4 && busy[1] <= busy[0] + 4,
       "their ports rest, as many of each thread (%u and %u pairs)", busy[0], busy[1]);
    kill(d.media, SIGSTOP);
    waitpid(d.media, NULL, WUNTRACED); /* it stands still now, not soon */
    r = ask(q, 400000);
    ok(r.event == RF_MEDIA_OPENED && rf_media_map_find(d.map, r.session) != NULL,
       "one more is answered although media stands still: its session was opened ahead");
    other.timeout_s = 61;
    ok(ask(other, 50000).event == 0, "but not one that wants another session");
    kill(d.media, SIGCONT);
    run_for(2600000);
    ok(open_sessions() == 2, "when no more calls come, what was opened ahead is closed (%u sessions)", open_sessions());
    kill_media();
    end();
}

/* What was opened ahead must not be missing when ports run out, nor rest when no call had it. */
static void
test_spares_and_shortage(void)
{
    struct rf_media_request q = { .command = RF_MEDIA_OPEN, .family = { 4, 4 }, .timeout_s = 60 };
    unsigned opened = 0;

    begin(1, 64, 2);
    start_media();
    for (unsigned i = 0; i < 16; i++)
        opened += ask(q, 3000000).event == RF_MEDIA_OPENED;
    ok(opened == 16, "32 pairs of ports carry 16 sessions, however quickly they are asked for (%u)", opened);
    ok(ask(q, 3000000).event == RF_MEDIA_FULL, "then it is FULL");
    kill_media();
    end();

    begin(1, 64, 2);
    start_media();
    for (unsigned i = 0; i < 12; i++)
        opened += ask(q, 3000000).event == RF_MEDIA_OPENED;
    run_for(2500000); /* what was opened ahead is closed by now */
    for (unsigned i = 12; i < 16; i++)
        opened += ask(q, 3000000).event == RF_MEDIA_OPENED;
    ok(opened == 32 && open_sessions() == 16, "ports that no call had need no rest (%u)", opened);
    kill_media();
    end();
}

/* What comes to a port while it rests is thrown away, and the port is heard again in its next session. */
static void
test_rest(void)
{
    enum { CALLS = 8 }; /* all 16 pairs, so that each port is used again */
    const struct rf_media_request q = { .command = RF_MEDIA_OPEN, .family = { 4, 4 } };
    struct rf_media_request close_it = { .command = RF_MEDIA_CLOSE };
    struct rf_media_reply first[CALLS];
    struct rf_media_name name;
    struct end a, b;
    const struct rf_media_session *s = NULL;
    unsigned in = 0;

    begin(1, 64, 1);
    start_media();
    end_init(&a, "127.0.0.1", 0, 0xa0);
    end_init(&b, "127.0.0.1", 0, 0xb0);
    for (unsigned i = 0; i < CALLS; i++) {
        first[i] = ask(q, 3000000);
        close_it.session = first[i].session;
        ok(first[i].event == RF_MEDIA_OPENED && ask(close_it, 3000000).event == RF_MEDIA_CLOSED, "call %u", i);
    }
    for (unsigned i = 0; i < CALLS; i++)
        for (unsigned leg = 0; leg < 2; leg++) {
            rf_addr_set_port(&a.relay, first[i].port[leg]);
            for (unsigned k = 0; k < 3; k++)
                say(&a);
        }
    run_for(RF_MEDIA_REST_US + 300000);
    for (unsigned i = 0; i < CALLS; i++) {
        ok(join(&a, &b, &name), "call %u at a port that rested", i);
        a.got = b.got = 0;
        converse(&a, &b, 5, 2000);
        run_for(20000);
        hear(&a);
        hear(&b);
        s = rf_media_map_find(d.map, name);
        for (unsigned leg = 0; s != NULL && leg < 2; leg++)
            in += (unsigned)(s->leg[leg].counts.in_packets + s->leg[leg].counts.in_foreign +
                             s->leg[leg].counts.in_other + s->leg[leg].counts.in_kernel_dropped);
        ok(a.got == 5 && b.got == 5, "is heard on both legs (%u, %u)", a.got, b.got);
    }
    ok(in == CALLS * 10, "and hears nothing of what came in the rest (%u packets)", in);
    kill_media();
    end_fini(&a);
    end_fini(&b);
    end();
}

static void
test_ipv6(void)
{
    struct rf_addr probe;
    struct end a, b;
    struct rf_media_name name;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (rf_addr_parse(RF_SPAN_LIT("::1"), 0, &probe) != RF_OK)
        abort();
    if (fd < 0 || bind(fd, &probe.sa, rf_addr_len(&probe)) != 0) {
        diag("no IPv6 here: not tested");
        if (fd >= 0)
            close(fd);
        return;
    }
    close(fd);
    begin(1, 16, 4);
    start_media();
    end_init(&a, "127.0.0.1", 0, 0xa0);
    end_init(&b, "::1", 1, 0xb0);
    ok(join(&a, &b, &name), "IPv4 on one leg, IPv6 on the other");
    converse(&a, &b, 20, 2000);
    run_for(30000);
    hear(&a);
    hear(&b);
    ok(a.got == 20 && b.got == 20, "both ways (%u, %u)", a.got, b.got);
    kill_media();
    end_fini(&a);
    end_fini(&b);
    end();
}

static void
test_keeper(void)
{
    struct rf_port_keeper_conf conf = { .threads = 1, .blocks_per_thread = 2, .port_low = port_low,
                                         .port_high = (uint16_t)(port_low + 50) };
    struct rf_port_request q = { RF_PORT_VERSION, RF_PORT_BIND, 0, 4 };
    struct rf_port_reply reply;
    struct rf_port_keeper *k;
    int pair[2];

    if (rf_addr_parse(RF_SPAN_LIT("127.0.0.1"), 0, &conf.address[0]) != RF_OK ||
        rf_port_keeper_new(&k, &conf) != RF_OK || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) != 0)
        abort();
#define SAYS(octets_, want, why)                                                                              \
    if (send(pair[1], &q, octets_, 0) < 0)                                                                    \
        abort();                                                                                              \
    ok(rf_port_keeper_serve(k, 0, pair[0]) == (want), "keeper: %s", why)
#define ANSWERS(count_, why)                                                                                  \
    ok(recv(pair[1], &reply, sizeof reply, 0) == sizeof reply && reply.count == (count_), "keeper: %s", why)

    ok(rf_port_keeper_serve(k, 0, pair[0]) == RF_ERR_AGAIN, "keeper: nothing to do");
    SAYS(sizeof q, RF_OK, "BIND");
    ANSWERS(16, "gives 16 pairs");
    ok(reply.port[0] % 2 == 0 && reply.port[0] >= port_low && reply.port[15] < port_low + 50, "even, and within the range");
    SAYS(sizeof q, RF_OK, "a second block");
    ANSWERS(0, "does not fit the range");
    q.family = 6;
    SAYS(sizeof q, RF_OK, "IPv6 without an address");
    ANSWERS(0, "gives none");
    q.command = RF_PORT_FETCH;
    SAYS(sizeof q, RF_OK, "FETCH of the first block");
    ANSWERS(16, "gives it again");
    q.index = UINT32_MAX;
    SAYS(sizeof q, RF_OK, "FETCH beyond the end");
    ANSWERS(0, "gives none");
    q.command = 9;
    SAYS(sizeof q, RF_ERR_SYNTAX, "an unknown command is nonsense");
    SAYS(3, RF_ERR_SYNTAX, "so is a short one");
    close(pair[1]);
    ok(rf_port_keeper_serve(k, 0, pair[0]) == RF_ERR_CLOSED, "keeper: the end");
    close(pair[0]);
    rf_port_keeper_free(k);
#undef SAYS
#undef ANSWERS
}

int
main(void)
{
    if (rf_srtp_init("auto") != RF_OK)
        abort();
    port_low = (uint16_t)free_ports(PORTS);
    test_keeper();
    for (uint32_t threads = 1; threads <= THREADS_MAX; threads *= 2)
        test_threads(threads);
    test_kill();
    test_full_and_lost();
    test_given_up();
    test_connected();
    test_spares();
    test_spares_and_shortage();
    test_rest();
    test_ipv6();
    return tap_done();
}
