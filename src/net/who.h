/*
 * net/who.h - which program has a port, as far as /proc tells
 *
 * For the sentence of RF-805 only. Slow (reads /proc), may miss processes of other users.
 */
#ifndef RF_NET_WHO_H
#define RF_NET_WHO_H

#include "base/addr.h"

struct rf_port_owner {
    int pid;       /* 0: /proc does not tell which program, only whose */
    char name[32]; /* /proc/PID/comm */
    unsigned uid;
};

/** Who is bound to this port (of any address that would clash). RF_ERR_NOT_FOUND: nobody, as far as /proc tells. */
RF_MUST_CHECK enum rf_err rf_port_owner_find(int type, const struct rf_addr *addr, struct rf_port_owner *out);

#endif
