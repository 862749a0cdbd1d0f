#include "main/media.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/loop.h"
#include "main/launch.h"
#include "main/sandbox.h"
#include "relay/media.h"

#define LOOK_MS      1000
#define BEAT_LATE_US (5 * RF_S) /* a thread's loop turns every second at least; packets of its calls are being lost */

struct media {
    struct rf_launch *launch;
    int channel, log_fd, stop_fd;
    _Atomic uint64_t *beat; /* [thread] */
    uint64_t *seen_late;    /* [thread]: the beat that was late at the last look; 0: none */
};

/*
 * A thread whose loop does not turn takes its calls with it, and nothing in this process can help it: end, and the
 * parent starts another one that goes on with the sessions in the map. Late at two looks with the same beat, so that
 * a machine that stood still as a whole gives its threads a second to go on.
 */
static void
look_at_threads(struct media *m)
{
    uint64_t now_us = rf_now_us();

    for (unsigned t = 0; t < m->launch->threads; t++) {
        uint64_t beat_us = atomic_load_explicit(&m->beat[t], memory_order_relaxed);

        /* 0: still taking over the sessions of its predecessor, which may be thousands. */
        if (beat_us == 0 || now_us < beat_us + BEAT_LATE_US) {
            m->seen_late[t] = 0;
            continue;
        }
        if (m->seen_late[t] != beat_us) {
            m->seen_late[t] = beat_us;
            continue;
        }
        RF_LOGF(RF_LOG_ERROR, "media.thread_hangs", "a media thread does not turn its loop: media starts anew",
                RF_F_U64("thread", t), RF_F_U64("seconds", (now_us - beat_us) / RF_S));
        _exit(70);
    }
}

/* Words of the parent, and ours to it. It is a thread of its own because the relay's threads wait for packets. */
static void *
talk(void *arg)
{
    struct media *m = arg;
    uint64_t one = 1;

    for (;;) {
        struct pollfd p = { m->channel, POLLIN, 0 };
        struct rf_channel_msg msg;
        enum rf_err err;
        int fd;

        (void)poll(&p, 1, LOOK_MS);
        while ((err = rf_channel_receive(m->channel, &msg, &fd)) == RF_OK) {
            if (msg.what == RF_SAY_LOG && fd >= 0 && m->log_fd >= 0)
                (void)dup3(fd, m->log_fd, O_CLOEXEC);
            if (fd >= 0)
                close(fd);
            if (msg.what == RF_SAY_STOP)
                (void)!write(m->stop_fd, &one, sizeof one);
        }
        if (err == RF_ERR_CLOSED) {
            (void)!write(m->stop_fd, &one, sizeof one);
            return NULL;
        }
        look_at_threads(m);
        (void)rf_channel_send(m->channel, RF_SAY_ALIVE, 0, NULL, -1);
    }
}

static int
failed(const char *what)
{
    RF_LOGF(RF_LOG_ERROR, "media.failed", "media cannot start", RF_F_STR("step", what),
            RF_F_STR("reason", strerror(errno)));
    return 1;
}

/* Everything that reads a file must have been done before the sandbox is entered. */
static enum rf_err
warm_up(const struct rf_launch *l)
{
    tzset();
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    return rf_srtp_init(l->backend);
}

int
rf_media_main(void)
{
    struct media m = { .stop_fd = -1 };
    struct rf_media_start start = { .tick_us = 0 };
    struct rf_sandbox sandbox = { .role = RF_SANDBOX_MEDIA };
    int *control, *ports;
    pthread_t talker;
    unsigned workers, threads;
    int status;

    if (rf_launch_receive(&m.launch) != RF_OK)
        return 2;
    workers = m.launch->workers;
    threads = m.launch->threads;
    m.channel = rf_launch_find(m.launch, RF_FD_CHANNEL, 0, 0);
    m.log_fd = rf_launch_find(m.launch, RF_FD_LOG, 0, 0);
    rf_log_open(STDERR_FILENO, m.log_fd, (enum rf_log_level)m.launch->log_level, "media");
    prctl(PR_SET_NAME, "rf-media");
    control = calloc(workers * threads, sizeof *control);
    ports = calloc(threads, sizeof *ports);
    if (control == NULL || ports == NULL)
        return failed("memory");
    for (unsigned t = 0; t < threads; t++) {
        ports[t] = rf_launch_find(m.launch, RF_FD_PORTS, t, 0);
        for (unsigned w = 0; w < workers; w++)
            control[t * workers + w] = rf_launch_find(m.launch, RF_FD_MEDIA, w, t);
    }
    if (rf_media_map_attach(rf_launch_find(m.launch, RF_FD_MAP, 0, 0), threads, m.launch->slots_per_thread,
                            m.launch->ports_per_thread, true, &start.map) != RF_OK)
        return failed("map");
    m.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m.stop_fd < 0 || warm_up(m.launch) != RF_OK)
        return failed("crypto");
    sandbox.drops_user = m.launch->drops_user;
    sandbox.uid = m.launch->uid;
    sandbox.gid = m.launch->gid;
    sandbox.log_fd = m.log_fd;
    if (rf_sandbox_enter(&sandbox) != RF_OK)
        return failed("sandbox");
    RF_LOGF(RF_LOG_INFO, "media.serves", "media serves", RF_F_I64("pid", getpid()), RF_F_U64("threads", threads),
            RF_F_STR("srtp", rf_srtp_backend()), RF_F_STR("sandbox", rf_sandbox_text()));
    m.beat = calloc(threads, sizeof *m.beat);
    m.seen_late = calloc(threads, sizeof *m.seen_late);
    if (m.beat == NULL || m.seen_late == NULL)
        return failed("memory");
    start.beat = m.beat;
    if (pthread_create(&talker, NULL, talk, &m) != 0)
        return failed("thread");
    (void)rf_channel_send(m.channel, RF_SAY_READY, 0, NULL, -1);
    start.workers = workers;
    start.replay_window = m.launch->replay_window;
    start.control = control;
    start.ports = ports;
    start.stop = m.stop_fd;
    status = rf_media_run(&start);
    _exit(status); /* the talker may be waiting; nothing is left to be written */
}
