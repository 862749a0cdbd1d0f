/*
 * main/listen.h - the sockets that the parent binds: SIP listeners and the control socket
 *
 * Each worker has a socket of its own for each address (net/socket.h), so that workers share no queue.
 */
#ifndef RF_MAIN_LISTEN_H
#define RF_MAIN_LISTEN_H

#include "main/launch.h"

#define RF_LISTENERS_MAX 32 /* addresses; times workers is the number of sockets */

/* One address of `listen`. */
struct rf_listen_item {
    enum rf_transport transport;
    struct rf_addr addr;
};

/** Words such as "udp:0.0.0.0:5060 tls:[::]:5061". RF_ERR_SYNTAX with *bad set to the word; RF_ERR_RANGE too many. */
RF_MUST_CHECK enum rf_err rf_listen_parse(struct rf_span words, struct rf_listen_item *out, size_t *n,
                                          struct rf_span *bad);

/** The control socket below the state directory, mode 0660; -1 (errno). The caller holds the directory's lock. */
int rf_listen_control(int dir_fd, uid_t uid, gid_t gid);

#endif
