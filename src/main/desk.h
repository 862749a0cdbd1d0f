/*
 * main/desk.h - commands: what people ask of the daemon, and what they change
 *
 * Runs on signal's first thread with the control socket. Questions to workers go by letters; a change of the
 * configuration is checked, written to the store, and then everything is loaded anew (main/site.h).
 */
#ifndef RF_MAIN_DESK_H
#define RF_MAIN_DESK_H

#include "main/control.h"
#include "main/expiry.h"
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

/** It listens to commands from now on. RF_ERR_NOMEM, RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_desk_new(struct rf_desk **out, const struct rf_desk_conf *conf);

/** The process ends and no worker will answer any more: who still waits for an answer is told so. NULL is fine. */
void rf_desk_end(struct rf_desk *d);
void rf_desk_free(struct rf_desk *d); /* after rf_desk_end; NULL is fine */

/** The parent tells of a listener of the next configuration; its descriptors are ours now (RF_SAY_LISTEN). */
void rf_desk_listener(struct rf_desk *d, const struct rf_channel_msg *m, const int *fds, size_t n);

/** The parent sent certificates, or why there are none (RF_SAY_RELOAD): load everything, give it to the workers, answer
 *  who asked. */
void rf_desk_reload(struct rf_desk *d, int certs_fd, const struct rf_channel_msg *m);

/** There is a new certificate of our own in the store: load it like any change, as soon as none is under way. */
void rf_desk_new_certificate(struct rf_desk *d);

/** A letter of a worker. */
void rf_desk_letter(struct rf_desk *d, struct rf_span octets);

/** A line for the service manager. */
void rf_desk_tick(struct rf_desk *d, uint64_t now_us);

/* For the files of this folder. */
struct rf_desk {
    struct rf_desk_conf conf;
    struct rf_control *control;
    bool is_ending;                  /* rf_desk_end: questions are asked of nobody */
    bool has_new_certificate;        /* rf_desk_new_certificate, while another change was under way */
    struct rf_site *site;
    struct rf_link questions;        /* under way */
    struct rf_link trials;           /* of SIP connections, likewise (routedesk.c) */
    uint64_t serial;
    struct rf_desk_change *change;   /* under way: the parent reads certificates for it */
    struct rf_link deferred;         /* commands that change something and wait for that */
    uint32_t last_change;            /* its number */
    struct rf_desk_listener *next;   /* of the next configuration, as far as the parent has told */
    size_t next_count;
    struct rf_expiry *expiry;
    uint64_t expiry_at_us;           /* the next look */
    struct rf_timer sweep;
    unsigned ticks;
};

/**
 * Ask all workers; `done` is called once, with an array of an answer (or null) for each worker.
 * @param text  a call's id, or ""
 */
void rf_desk_ask(struct rf_desk *d, enum rf_question question, const char *text, struct rf_control_ask *ask,
                 void (*done)(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more), void *more);

#define RF_DESK_WRITES_MAX 40 /* a chain of trusted certificates at once */

/**
 * Apply a new layer: the parent reads the certificates that it names, then everything is loaded and judged, then it is
 * written (with other writes, committed together), and then it is in force. A change that is refused at any of these
 * steps leaves no trace. Answers `ask`, which may be NULL, when all is done. One change at a time; commands that come
 * meanwhile wait (rf_desk_defer).
 * @param layer  copied; NULL: the one that is there, read anew; `more` is written without a new version of it
 * @param trust_version  the trusted certificates are those of this version again; 0: they stay
 */
void rf_desk_apply(struct rf_desk *d, struct rf_control_ask *ask, const char *layer, const struct rf_store_write *more,
                   size_t more_n, int64_t trust_version);
/** The same of a layer that a command edited: what is wrong with it is said without a line of it. */
void rf_desk_apply_edit(struct rf_desk *d, struct rf_control_ask *ask, const char *layer,
                        const struct rf_store_write *more, size_t more_n);

/* changedesk.c */
RF_MUST_CHECK enum rf_err rf_desk_changes_init(struct rf_desk *d);
/** Answer whoever waits for a change: there will be none. */
void rf_desk_changes_end(struct rf_desk *d);
void rf_desk_changes_fini(struct rf_desk *d);
/** A command that has to wait for the change under way: true, and rf_desk_command is called with it later. */
bool rf_desk_defer(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request);
/** Do what a command says. */
void rf_desk_command(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request);
/** Tell the store how many call records are kept; it deletes the others. */
void rf_desk_keep_records(struct rf_desk *d);
/** Answer with a configuration's problem. */
void rf_desk_refuse(struct rf_control_ask *ask, enum rf_err err, const struct rf_conf_problem *p);

/* acmedesk.c */
/** Have a certificate that renews itself renewed now; answers. */
void rf_desk_renew_automatic(struct rf_desk *d, struct rf_control_ask *ask, const char *name);
/* acme.*; false: not one of these commands */
bool rf_desk_acme_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request);

/**
 * Post a letter of the configuration. A mailbox that is full has room in a moment: waiting is right, for nothing may go on
 * with the old one. false after a second, which is logged.
 */
bool rf_desk_give(struct rf_mailbox *to, const void *letter, size_t n);

/* listendesk.c */
/** The change came to nothing: close what was meant for it. */
void rf_desk_forget_listeners(struct rf_desk *d);
/** d->site has the next listeners: open the new ones before those are closed that only the site before has. */
void rf_desk_change_listeners(struct rf_desk *d, const struct rf_site *was);

/* --- editdesk.c: the store's layer with something changed; all errors are kept until it is applied --- */

struct rf_desk_edit {
    char *text; /* C string, owned */
    struct rf_conf_problem problem;
    char fix[160]; /* of the problem; "" when nothing better is known than config explain */
    enum rf_err err;
};
void rf_desk_edit_begin(struct rf_desk *d, struct rf_desk_edit *e);
/** value NULL: as if it had never been set. */
void rf_desk_edit_set(struct rf_desk_edit *e, const char *name, const char *value);
/** The same of several, with one pass over the layer. */
void rf_desk_edit_set_all(struct rf_desk_edit *e, const struct rf_conf_change *change, size_t n);
/** A whole block: "user.204". */
void rf_desk_edit_remove(struct rf_desk_edit *e, const char *block);
/** Check it as a whole and hand it to rf_desk_apply; or answer what is wrong with it. Ends the edit. */
void rf_desk_edit_apply(struct rf_desk *d, struct rf_control_ask *ask, struct rf_desk_edit *e,
                        const struct rf_store_write *more, size_t n);
void rf_desk_edit_end(struct rf_desk_edit *e); /* without applying it */
/** Why an edited layer cannot be in force. @param fix  "" when nothing better is known than config explain */
void rf_desk_refuse_edit(struct rf_control_ask *ask, enum rf_err err, const struct rf_conf_problem *p,
                         const char *fix);
/** What the file says cannot be changed by command: true, and that is answered. */
bool rf_desk_is_pinned(struct rf_desk *d, struct rf_control_ask *ask, const char *name);
/** A layer as somebody typed it, with lines that he knows: false, and what is wrong is answered. */
bool rf_desk_layer_is_valid(struct rf_desk *d, struct rf_control_ask *ask, const char *layer);
/** "store", "FILE:LINE", "default". In `mem` or constant. */
const char *rf_desk_origin_text(struct rf_conf_origin at, char *mem, size_t size);
/** The parent opens files, and judges them when it is asked for the change: here they only exist. */
bool rf_desk_file_is_read(void *ctx, struct rf_span path, struct rf_span *octets);

/* objectdesk.c: connection.add|set|remove, number.*, route.* but its test; false: not one of these commands */
bool rf_desk_object_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command,
                            const json_t *request);
/** One of those that change something. */
bool rf_desk_is_object_change(const char *command);

/* settingsdesk.c: config.*, user.* ; false: not one of these commands */
bool rf_desk_settings_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command,
                              const json_t *request);

/* recorddesk.c: calls.ended; false: not that command */
bool rf_desk_record_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command,
                            const json_t *request);

/* secretdesk.c: secret.*; false: not one of these commands */
bool rf_desk_secret_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command,
                            const json_t *request);
/** Names of the settings that need it, also of a line that the file's stands over. */
json_t *rf_desk_secret_users(struct rf_desk *d, const char *name);
/** The value that a setting names, and whether there is one. */
bool rf_desk_secret_exists(struct rf_desk *d, const char *name);

/* certdesk.c: cert.*, tls.*; false: not one of these commands */
bool rf_desk_cert_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request);
/** trustdesk.c: cert.refused, .trust, .pin, .untrust; false: not one of these commands */
bool rf_desk_trust_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request);
/** One of those that change something. */
bool rf_desk_is_cert_change(const char *command);

/** settingsdesk.c: a certificate block that names these files, and interfaces that show it. */
void rf_desk_cert_add(struct rf_desk *d, struct rf_control_ask *ask, const json_t *request);
/** The local authority makes its certificate anew; then as rf_desk_apply without a layer. */
void rf_desk_renew_local(struct rf_desk *d, struct rf_control_ask *ask);
/** The store's layer unchanged, with these writes: certificates that are trusted or no more. */
void rf_desk_apply_writes(struct rf_desk *d, struct rf_control_ask *ask, const struct rf_store_write *more, size_t n);

/* eventdesk.c: subscriptions, mailbox.*; false: not one of these commands */
bool rf_desk_event_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request);

/* routedesk.c: route.test, connection.*; false: not one of these commands */
bool rf_desk_route_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request);
/** A letter that answers none of our questions: is it a trial's? It is answered then. */
bool rf_desk_trial_told(struct rf_desk *d, const struct rf_letter_told *told);
/** Before the threads end whose mailboxes they may write to. None begins after it: nobody reads commands then. */
void rf_desk_trials_end(struct rf_desk *d);

#endif
