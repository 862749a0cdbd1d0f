/*
 * main/logfile.h - DIR/log.jsonl: the copy of the log that `ringfence log` and `ringfence explain` read
 *
 * The parent alone opens and turns it over, because it alone knows when all children have the new descriptor.
 * The directory belongs to the unprivileged user, so links in it are never followed.
 */
#ifndef RF_MAIN_LOGFILE_H
#define RF_MAIN_LOGFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define RF_LOG_FILE       "log.jsonl"
#define RF_LOG_OCTETS_MAX (16ll << 20) /* then it is turned over */
#define RF_LOG_KEPT       5            /* log.1.jsonl (newest) to log.5.jsonl: 96 MB in all */

/** Open for appending. @return the descriptor (O_CLOEXEC), or -1 (errno) */
int rf_logfile_open(int dir_fd, uid_t uid, gid_t gid);

/** Is it time? */
bool rf_logfile_is_full(int fd);

/** Rename the old ones and open a new one; -1 (errno): the old one stays in use. */
int rf_logfile_turn(int dir_fd, uid_t uid, gid_t gid);

#endif
