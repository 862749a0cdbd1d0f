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

struct rf_desk_conf {
    struct rf_signal *shared;
    struct rf_loop *loop;
    struct rf_site *site;   /* in force now; a reference is taken */
    int channel;            /* to the parent */
    struct rf_key_files *files; /* taken: what the parent read, its octets forgotten */
    /** Somebody asked to stop; calls may go on for so long. */
    void (*stop)(void *ctx, uint32_t drain_s);
    void *ctx;
};

RF_MUST_CHECK enum rf_err rf_desk_new(struct rf_desk **out, const struct rf_desk_conf *conf);
void rf_desk_free(struct rf_desk *d); /* NULL is fine */

/** The parent sent the key files (or why there are none): load everything, give it to the workers, answer who asked. */
void rf_desk_reload(struct rf_desk *d, int files_fd, enum rf_refusal code, const char *why);

/** A letter of a worker. */
void rf_desk_letter(struct rf_desk *d, struct rf_span octets);

/** A line for the service manager. */
void rf_desk_tick(struct rf_desk *d, uint64_t now_us);

/* For the files of this folder. */
struct rf_desk {
    struct rf_desk_conf conf;
    struct rf_control *control;
    struct rf_site *site;
    struct rf_link questions;        /* under way */
    uint64_t serial;
    struct rf_link reloads;          /* who waits for the reload under way */
    struct rf_key_files *files;      /* names of those in force: for checks of changes */
    struct rf_timer sweep;
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

/* settingsdesk.c: config.*, user.* ; false: not one of these commands */
bool rf_desk_settings_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command,
                              const json_t *request);

#endif
