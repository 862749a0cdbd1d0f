/*
 * main/parent.h - `ringfence run`: the process that starts, watches and ends the other two
 *
 * It alone may be root, and it reads nothing that came from the network: sockets are bound here and read in the
 * children. What it reads are the operator's files, the local CA, and words of a fixed size from its children.
 */
#ifndef RF_MAIN_PARENT_H
#define RF_MAIN_PARENT_H

#include <signal.h>

#include "cert/bundle.h"
#include "main/children.h"
#include "main/listeners.h"
#include "main/settings.h"
#include "relay/port_keeper.h"
#include "store/state_dir.h"

/** Runs until it is told to stop. @param config  path or NULL @return exit status */
int rf_parent_run(const char *state_dir, const char *config);

/* --- for the files of this folder --- */

struct parent {
    struct rf_state_dir *dir;
    const char *config; /* NULL: none */
    uid_t uid;
    gid_t gid;
    bool drops_user;
    int log_fd, signal_fd, map_fd, bans_fd, control_fd, certs_fd;
    struct rf_run_settings settings;
    struct rf_port_keeper *ports;
    uint32_t slots_per_thread, pairs_per_thread;
    int (*port_channel)[2];        /* [thread]: our end, media's end */
    struct rf_listeners listeners;
    struct rf_addr media_address[2]; /* IPv4, IPv6: what media ports are bound to; not set: none yet */
    struct rf_conf *conf;          /* in force, for certificates */
    struct rf_bundle *files;       /* what was read for them; without its octets */
    bool store_failed;             /* the last reading of the configuration, and not for a line of it */
    bool files_changed;            /* at the last look; when nothing more changes they are read */
    int64_t renew_at_s;            /* our own authority's certificate */
    bool must_renew;               /* somebody asked for a new one */
    struct rf_run_settings next;   /* of a reload that signal has not answered yet, with its certificates: */
    struct rf_conf *next_conf;
    int next_certs_fd;
    struct {
        bool is_set;               /* somebody asked meanwhile */
        uint32_t number;
        int layer_fd;
    } again;
    int (*media)[2];               /* [worker * threads + thread]: signal's end, media's end */
    struct rf_child child[2];
    bool was_ready, stops;
    int status;
    uint64_t stopped_us;
    uint64_t stop_at_us;           /* then what still runs is killed */
    uint64_t watchdog_us;
    int64_t started_wall_s;
    sigset_t old_mask;
};

/* parentchange.c */

/** Both layers as they are now, or with `layer` in the place of the store's. Errors as rf_conf_load_from. */
RF_MUST_CHECK enum rf_err rf_parent_read_conf(struct parent *p, const char *layer, struct rf_conf **out,
                                              struct rf_conf_problem *problem);
/** What it names, as a sealed file for signal; -1: see *problem. */
int rf_parent_certificates(struct parent *p, const struct rf_conf *c, struct rf_conf_problem *problem);
/** For rf_child.before: a signal process that follows a dead one gets what is on disk now. */
enum rf_err rf_parent_read_certificates_again(struct rf_child *c, void *ctx);
/** What media binds to: the addresses of the families that we listen on; 0.0.0.0 and :: when they differ. */
void rf_media_addresses(const struct rf_run_settings *s, struct rf_addr out[2]);
/** Slots of each media thread for so many calls at one time, as far as there are ports for them. */
uint32_t rf_media_slots(const struct rf_run_settings *s, uint32_t calls_max);
/** Read everything again and offer it to signal. @param number  of signal's question; 0: nobody asked
 *  @param layer_fd  the store's layer as it would be, the caller's; -1: as it is */
void rf_parent_reload(struct parent *p, uint32_t number, int layer_fd);
/** Signal has answered: what was offered is in force, or forgotten. */
void rf_parent_reloaded(struct parent *p, bool is_applied);
/** Nobody waits any more for a reload that was put off. */
void rf_parent_forget_reload(struct parent *p);
/** Have files of certificates changed on disk, or is one due? From time to time. */
void rf_parent_look_at_files(struct parent *p);

/* given.c */

/** Both children as they will be started. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_parent_prepare_children(struct parent *p);
/** Fill signal's anew for its next start: the listeners have changed. */
void rf_parent_fill_signal_launch(struct parent *p, struct rf_launch *l);

#endif
