/*
 * main/desk.h - commands: what people ask of the daemon, and what they change
 *
 * Runs on signal's first thread with the control socket. Questions to workers go by letters; a change of the
 * configuration is checked, written to the store, and then everything is loaded anew (main/site.h).
 */
#ifndef RF_MAIN_DESK_H
#define RF_MAIN_DESK_H

#include "main/control.h"
#include "main/worker.h"

struct rf_desk;

struct rf_desk_listener {
    struct rf_launch_fd at;
    size_t fds;              /* one a worker, or 0: it is there already */
    int fd[RF_WORKERS_MAX];
};

struct rf_desk_conf {
    struct rf_signal *shared;
    struct rf_loop *loop;
    struct rf_site *site;   /* in force now; a reference is taken */
    int channel;            /* to the parent */
    /** Somebody asked to stop; calls may go on for so long. */
    void (*stop)(void *ctx, uint32_t drain_s);
    void *ctx;
};

RF_MUST_CHECK enum rf_err rf_desk_new(struct rf_desk **out, const struct rf_desk_conf *conf);
void rf_desk_free(struct rf_desk *d); /* NULL is fine */

/** The parent tells of a listener of the next configuration; its descriptors are ours now (RF_SAY_LISTEN). */
void rf_desk_listener(struct rf_desk *d, const struct rf_channel_msg *m, const int *fds, size_t n);

/** The parent sent certificates, or why there are none (RF_SAY_RELOAD): load everything, give it to the workers, answer
 *  who asked. */
void rf_desk_reload(struct rf_desk *d, int certs_fd, const struct rf_channel_msg *m);

/** A letter of a worker. */
void rf_desk_letter(struct rf_desk *d, struct rf_span octets);

/** A line for the service manager; and the number of calls as of the last look. */
void rf_desk_tick(struct rf_desk *d, uint64_t now_us);

/* For the files of this folder. */
struct rf_desk {
    struct rf_desk_conf conf;
    struct rf_control *control;
    struct rf_site *site;
    struct rf_link questions;        /* under way */
    uint64_t serial;
    struct rf_link reloads;          /* who waits for the reload under way */
    uint32_t reload_serial;          /* of the last one that was asked for */
    struct rf_desk_listener *next;   /* of the next configuration, as far as the parent has told */
    size_t next_count;
    void *certs;                     /* the block in force; wiped when replaced */
    size_t certs_n;
    struct rf_timer sweep;
    uint64_t calls, calls_encrypted; /* as of the last status line */
};

/**
 * Ask all workers; `done` is called once, with an array of an answer (or null) for each worker.
 * @param text  a call's id, or ""
 */
void rf_desk_ask(struct rf_desk *d, enum rf_question question, const char *text, struct rf_control_ask *ask,
                 void (*done)(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more), void *more);

/** Check `layer`, write it (with other writes, committed together) and apply it; then answers. */
void rf_desk_apply(struct rf_desk *d, struct rf_control_ask *ask, const char *layer, const struct rf_store_write *more,
                   size_t more_n);

/**
 * Post a letter of the configuration. A mailbox that is full has room in a moment: waiting is right, for nothing may go on
 * with the old one. false after a second, which is logged.
 */
bool rf_desk_give(struct rf_desk *d, unsigned worker, const void *letter, size_t n);

/* listendesk.c */
/** The change came to nothing: close what was meant for it. */
void rf_desk_forget_listeners(struct rf_desk *d);
/** d->site has the next listeners: open the new ones before those are closed that only the site before has. */
void rf_desk_change_listeners(struct rf_desk *d, const struct rf_site *was);

/* settingsdesk.c: config.*, user.* ; false: not one of these commands */
bool rf_desk_settings_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command,
                              const json_t *request);

#endif
