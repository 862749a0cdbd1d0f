/*
 * store/state_dir.h - the state directory: made, checked and locked
 *
 * One daemon per directory: a second one is refused and told which process has it (RF-808). The lock is
 * flock(2) on DIR/lock and ends with the last process that holds its descriptor, so a killed daemon leaves no
 * stale lock behind; the file's text (the pid) is for people only.
 *
 * Threads: one. Memory: a few octets and one descriptor.
 */
#ifndef RF_STORE_STATE_DIR_H
#define RF_STORE_STATE_DIR_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct rf_state_dir;

/**
 * Open the directory (made with mode 0700 when it is not there; its parent must be) and take its lock.
 * A directory that others may write, or read when it is not empty, is refused; an empty one of ours is tightened.
 *
 * @param pid  when another process has it: that one's id (0 when its file does not say); may be NULL
 * @param why  on error a sentence for the operator
 * @return RF_ERR_EXISTS another instance has it; RF_ERR_REFUSED mode or owner; RF_ERR_IO (errno)
 */
RF_MUST_CHECK enum rf_err rf_state_dir_open(struct rf_state_dir **out, const char *path, pid_t *pid, char *why,
                                            size_t why_size);
/** The absolute path, without a slash at its end. */
const char *rf_state_dir_path(const struct rf_state_dir *d);
/** The directory's descriptor (O_CLOEXEC), for openat. */
int rf_state_dir_fd(const struct rf_state_dir *d);
/**
 * Give the directory and the files in it to a user, for children that are not root. Does nothing when we are
 * not root. Symbolic links are not followed.
 */
RF_MUST_CHECK enum rf_err rf_state_dir_give(struct rf_state_dir *d, uid_t uid, gid_t gid);
/** Let the lock go (once every process that inherited it has) and free. NULL is fine. */
void rf_state_dir_close(struct rf_state_dir *d);

#endif
