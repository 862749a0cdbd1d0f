/*
 * main/listen.h - the control socket that the parent binds (SIP listeners: net/socket.h)
 */
#ifndef RF_MAIN_LISTEN_H
#define RF_MAIN_LISTEN_H

#include <sys/types.h>

/** The control socket below the state directory, mode 0660; -1 (errno). The caller holds the directory's lock. */
int rf_listen_control(int dir_fd, uid_t uid, gid_t gid);

#endif
