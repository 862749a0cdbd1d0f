/*
 * main/launch.h - how the parent starts a child and what it gives it
 *
 * A child is this same binary, started anew: no memory of the parent (keys, the operator's files) is in it. All
 * it gets is a sealed memfd at descriptor 3 with one struct rf_launch: plain data and the numbers of the
 * descriptors that it inherits. Everything else is closed.
 *
 * The channel between parent and child is a SOCK_SEQPACKET pair with struct rf_channel_msg by value.
 */
#ifndef RF_MAIN_LAUNCH_H
#define RF_MAIN_LAUNCH_H

#include <sys/types.h>

#include "flow/flow.h"

#define RF_LAUNCH_FD       3
#define RF_LAUNCH_VERSION  2
#define RF_WORKERS_MAX     64 /* signal workers: one a core is the default */
#define RF_THREADS_MAX     64 /* media threads */
#define RF_LAUNCH_PATH_MAX 1024

enum rf_launch_role { RF_ROLE_SIGNAL = 1, RF_ROLE_MEDIA };

/* What an inherited descriptor is. */
enum rf_launch_kind {
    RF_FD_CHANNEL = 1, /* to the parent */
    RF_FD_LOG,         /* DIR/log.jsonl, O_APPEND */
    RF_FD_MAP,         /* the media map (relay/map.h) */
    RF_FD_CONTROL,     /* signal: listening control socket */
    RF_FD_CERTS,       /* signal: sealed memfd with certificates, keys and passwords (main/keyfiles.h) */
    RF_FD_BANS,        /* signal: bans that outlive it (flow/ban_memory.h) */
    RF_FD_LISTENER,    /* signal: a = worker, b = the listener's id; transport, name, addr */
    RF_FD_MEDIA,       /* a = signal worker, b = media thread: one end of their pair */
    RF_FD_PORTS        /* media: a = thread; its channel to the port keeper */
};

struct rf_launch_fd {
    uint32_t kind; /* enum rf_launch_kind */
    int fd;
    uint16_t a, b;
    uint32_t transport; /* enum rf_transport */
    char name[24];
    struct rf_addr addr; /* as bound: port 0 was replaced by what the kernel gave */
};

struct rf_launch {
    uint32_t version, role;
    uint16_t workers, threads;
    uint32_t log_level;       /* enum rf_log_level */
    uint64_t epoch;           /* of this start: grows with each start of a signal process */
    uint32_t slots_per_thread, ports_per_thread; /* of the media map; ports in pairs */
    uint16_t replay_window;
    char backend[16];         /* setting media.backend */
    uint8_t drops_user, has_config;
    uid_t uid;
    gid_t gid;
    int64_t started_wall_s;   /* of the parent */
    char state_dir[RF_LAUNCH_PATH_MAX], config[RF_LAUNCH_PATH_MAX];
    uint32_t fd_count;
    struct rf_launch_fd fd[];
};

/** In the parent, first of all: closes what it inherited but stdio and keeps descriptor 3 free for the children. */
RF_MUST_CHECK enum rf_err rf_launch_prepare(void);

/**
 * Start a child with exactly these descriptors. `title` is what the process list shows.
 * @return RF_ERR_IO (errno)
 */
RF_MUST_CHECK enum rf_err rf_launch_spawn(const struct rf_launch *l, const char *title, pid_t *pid);

/** In the child: what it was given; freed with free(). RF_ERR_SYNTAX: not started by a parent of this build. */
RF_MUST_CHECK enum rf_err rf_launch_receive(struct rf_launch **out);

/** The first descriptor of this kind with these numbers; -1 when there is none. */
int rf_launch_find(const struct rf_launch *l, enum rf_launch_kind kind, unsigned a, unsigned b);

/** An anonymous file with this content that nobody can change any more; -1 (errno). */
int rf_sealed_file(const char *name, const void *p, size_t n);

/** The whole content of such a file, freed by the caller (wipe it when it holds keys). NULL: RF_ERR_*. */
void *rf_sealed_read(int fd, size_t max, size_t *n);

/* --- the channel --- */

enum rf_channel_what {
    RF_SAY_READY = 1, /* child: it serves */
    RF_SAY_ALIVE,     /* child: all its threads turn round; at least every 5 s */
    RF_SAY_STATUS,    /* signal: text for the service manager */
    RF_SAY_STOP,      /* parent: end in order; value: seconds that calls may go on. signal: somebody asked for it */
    RF_SAY_RELOAD,    /* signal: asks for it, value: a number that grows, descriptor: the store's layer as it would be,
                           none: as it is. parent: read the configuration again, with the certificates' descriptor,
                           value: that number, 0: nobody asked; count: listeners that it told of before; without a
                           descriptor the text says why nothing can change, and count is its refusal or 0 */
    RF_SAY_RENEW,     /* signal: our own authority's certificate shall be made anew at the next reload */
    RF_SAY_LISTEN,    /* parent: listener number `value` of the next configuration; a descriptor a worker if new */
    RF_SAY_RELOADED,  /* signal: value 1: that configuration is in force, 0: it is not, and nothing has changed */
    RF_SAY_LOG        /* parent: a new log file, with its descriptor */
};

struct rf_channel_msg {
    uint32_t version; /* RF_LAUNCH_VERSION */
    uint32_t what;    /* enum rf_channel_what */
    uint32_t value, count;
    struct rf_launch_fd listener; /* its descriptors travel beside it */
    char text[600];
};

/** Send one with n descriptors, at most RF_WORKERS_MAX; sets its version. Never blocks: RF_ERR_AGAIN, RF_ERR_CLOSED. */
RF_MUST_CHECK enum rf_err rf_channel_post(int channel, struct rf_channel_msg *m, const int *fds, size_t n);

/** Send what has no more than a value and a text, with a descriptor or -1. As rf_channel_post. */
enum rf_err rf_channel_send(int channel, enum rf_channel_what what, uint32_t value, const char *text, int fd);

/** The next one. RF_ERR_AGAIN none is there; RF_ERR_CLOSED; RF_ERR_SYNTAX not one of ours. *fd -1: none came. */
RF_MUST_CHECK enum rf_err rf_channel_receive(int channel, struct rf_channel_msg *out, int *fd);
/** As rf_channel_receive, with all its descriptors: *n of them, the caller's; 0 on any error. */
RF_MUST_CHECK enum rf_err rf_channel_receive_all(int channel, struct rf_channel_msg *out, int fds[RF_WORKERS_MAX],
                                                 size_t *n);

#endif
