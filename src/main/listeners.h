/*
 * main/listeners.h - the SIP listeners that the parent binds, and how they change while it runs
 *
 * The parent alone may bind (a port below 1024, an address of which the children know nothing), so a reload that adds
 * a listener binds it here and hands its sockets, one a worker, to signal. A change has two halves: the next set is
 * made beside the one in force, and it counts when signal says that it applied it; then what is in neither is closed.
 * So a configuration that is refused at any point leaves every socket as it was.
 *
 * Threads: the parent has one.
 */
#ifndef RF_MAIN_LISTENERS_H
#define RF_MAIN_LISTENERS_H

#include "main/launch.h"
#include "main/settings.h"
#include "net/socket.h"

struct rf_listener_sockets {
    struct rf_iface_listen item; /* as configured */
    struct rf_addr addr;    /* as bound: port 0 was replaced by what the kernel gave */
    uint16_t id;            /* of this set of sockets: never given twice */
    bool is_new;            /* of a set that is not in force yet: signal has no copy of its sockets */
    int fd[RF_WORKERS_MAX]; /* one a worker */
};

struct rf_listeners {
    unsigned workers;
    uint16_t last_id;
    size_t count, next_count;
    struct rf_listener_sockets *now, *next; /* next: NULL, or a change that is under way */
};

/** Nothing is bound yet. RF_ERR_NOMEM. */
RF_MUST_CHECK enum rf_err rf_listeners_init(struct rf_listeners *l, unsigned workers);

/**
 * Make the next set: what stays keeps its sockets, what is new is bound, and what only changes its transport (tcp to
 * tls at one address) or its interface takes the old sockets over. No change is under way.
 * @param failed  on RF_ERR_IO: which one cannot be bound
 * @return RF_ERR_IO with *problem, RF_ERR_NOMEM; nothing has changed then
 */
RF_MUST_CHECK enum rf_err rf_listeners_plan(struct rf_listeners *l, const struct rf_iface_listen *want, size_t count,
                                            struct rf_bind_problem *problem, struct rf_addr *failed);
/** Give signal the next set, new sockets with it. RF_ERR_AGAIN, RF_ERR_CLOSED: it did not get all. */
RF_MUST_CHECK enum rf_err rf_listeners_send(const struct rf_listeners *l, int channel);
/** The next set is in force: close what is not in it. Nothing when no change is under way. */
void rf_listeners_commit(struct rf_listeners *l);
/** Forget the next set and close what it bound. Nothing when no change is under way. */
void rf_listeners_abandon(struct rf_listeners *l);

/** A socket of the set in force, as a child is given it. */
struct rf_launch_fd rf_listener_launch_fd(const struct rf_listener_sockets *s, unsigned worker);

/** ["udp:127.0.0.1:5060", ...]: every bound address of the set in force; of one interface, or NULL for all. */
void rf_put_listeners(struct rf_buf *b, const struct rf_listeners *l, const char *interface);
/** {"sip-phones": [...], ...}: those that have any. */
void rf_put_interfaces(struct rf_buf *b, const struct rf_listeners *l);

#endif
