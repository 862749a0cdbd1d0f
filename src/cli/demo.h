/*
 * cli/demo.h - the demo: a daemon on loopback with an embedded configuration and three users of its own
 *
 *   demo_site.c    its state directory, passwords and configuration
 *   demo_daemon.c  the daemon as a child process, and the events that it logs
 *   cmd_demo.c     the command and its screen; what is proven, and how, is in prove.h
 *
 * Passwords are made once per state directory and lie there, one file a user, mode 0600. Nothing shows them.
 */
#ifndef RF_CLI_DEMO_H
#define RF_CLI_DEMO_H

#include <sys/types.h>

#include "cli/command.h"

#define RF_DEMO_DOMAIN "ringfence.local"
#define RF_DEMO_PORT 5060 /* UDP and TCP; TLS has the next */
#define RF_DEMO_PATH_MAX 1024
#define RF_DEMO_PASSWORD_MAX 64

/* --- site: what lies in the state directory --- */

struct rf_demo_site {
    char dir[RF_DEMO_PATH_MAX];         /* absolute */
    char config[RF_DEMO_PATH_MAX + 32]; /* the embedded configuration as the daemon reads it */
    bool moved;                         /* dir is not where it was asked for: see rf_demo_site_prepare */
};

/**
 * Make or find the state directory, its passwords and its configuration.
 *
 * The daemon's children are not root. Where no directory is named and the usual one (./.state) lies in a
 * folder that only root may enter, /var/lib/ringfence-demo is taken instead.
 *
 * @param dir        NULL: the usual one
 * @param port_base  UDP and TCP port, TLS gets the next; 0: any free ones
 * @return exit status; not RF_EXIT_DONE: an error was printed
 */
int rf_demo_site_prepare(const struct rf_cli *cli, const char *dir, uint16_t port_base,
                         struct rf_demo_site *out);

/** Password of a user of the demo that lives in this state directory. RF_ERR_NOT_FOUND, RF_ERR_IO (errno). */
RF_MUST_CHECK enum rf_err rf_demo_password(const char *dir, const char *user,
                                           char out[static RF_DEMO_PASSWORD_MAX]);

/* --- the daemon --- */

#define RF_DEMO_LISTENERS_MAX 8

struct rf_demo_daemon {
    pid_t pid;  /* 0: none, or it has ended */
    int log_fd; /* its log lines; -1: closed */
    int status; /* exit status once it has ended */
    size_t line_n;
    char line[16384]; /* a log line is at most this long */

    /* What its events said. */
    bool is_ready;
    pid_t signal_pid;       /* of the signal process that serves now */
    unsigned signal_starts; /* how many signal processes have served */
    size_t listen_count;
    char listen[RF_DEMO_LISTENERS_MAX][80]; /* "tls:127.0.0.1:5061" */
    char code[16], sentence[512], fix[256]; /* of the last event that was an error; "" when none was */

    /** Each event, for a screen that shows them; may be NULL. */
    void (*on_event)(void *ctx, const json_t *event);
    void *ctx;
};

/** Start `ringfence run`. It ends with us, also when we are killed. RF_ERR_IO (errno). */
RF_MUST_CHECK enum rf_err rf_demo_daemon_start(struct rf_demo_daemon *d, const struct rf_demo_site *site);
/** Take what it has logged and notice its end, waiting at most timeout_ms. false: it runs no more. */
bool rf_demo_daemon_pump(struct rf_demo_daemon *d, int timeout_ms);
/** Until it is ready. RF_ERR_CLOSED: it ended (code, sentence, fix say why); RF_ERR_TIMEOUT. */
RF_MUST_CHECK enum rf_err rf_demo_daemon_wait(struct rf_demo_daemon *d, uint32_t timeout_ms);
/** Stop it and wait for its end; what does not end in 15 s is killed. */
void rf_demo_daemon_stop(struct rf_demo_daemon *d);

#endif
