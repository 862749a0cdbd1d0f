/*
 * main/sandbox.h - what a child may still do once it reads from the network
 *
 * Entered by signal and media before their first thread starts and before their first octet from outside:
 * another user, no new privileges, no core with keys in it, files by landlock (where the kernel has it), system
 * calls by an allow-list. A call that is not on the list ends the process, and the last line it writes names it.
 *
 * Invariants:
 * (S1) media opens no file and makes no socket: all it will ever use was given to it.
 * (S2) neither child runs another program, makes a process or maps memory that is executable.
 *
 * Sanitizer builds leave (S1) for files and landlock out, because their reports read /proc; they say so in the log.
 */
#ifndef RF_MAIN_SANDBOX_H
#define RF_MAIN_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum rf_sandbox_role { RF_SANDBOX_SIGNAL, RF_SANDBOX_MEDIA };

struct rf_sandbox {
    enum rf_sandbox_role role;
    bool drops_user;         /* started as root: become uid and gid */
    uid_t uid;
    gid_t gid;
    const char *state_dir;   /* signal: may be read and written */
    const char *config_path; /* signal: its folder may be read; NULL: none */
    int log_fd;              /* where the last line of a refused system call goes, or -1 */
};

/** Enter it. On an error (errno) the process must end: it is half in. */
RF_MUST_CHECK enum rf_err rf_sandbox_enter(const struct rf_sandbox *s);

/** "landlock 7, seccomp" and so on: what holds on this kernel in this build. A constant string. */
const char *rf_sandbox_text(void);

/** ABI of landlock in this kernel; 0: none. */
int rf_sandbox_landlock_abi(void);

#endif
