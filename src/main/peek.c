#include "main/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

/* What the child sends: one octet enum rf_err, then the text or the sentence. */

static bool
write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool
pass_row(void *ctx, struct rf_span key, struct rf_span sub, struct rf_span value, int64_t expires_s)
{
    *(bool *)ctx = write_all(STDOUT_FILENO, value.p, value.n);
    return false;
}

_Noreturn static void
peek(const char *state_dir, bool drops_user, uid_t uid, gid_t gid)
{
    struct rf_store *store;
    char why[400] = "";
    bool sent = true;
    enum rf_err err;
    char first;

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (drops_user && (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
        _exit(1);
    err = rf_store_open(&store, state_dir, why, sizeof why);
    first = (char)err;
    if (!write_all(STDOUT_FILENO, &first, 1))
        _exit(1);
    if (err)
        _exit(write_all(STDOUT_FILENO, why, strlen(why)) ? 0 : 1);
    err = rf_store_load_settings(store, pass_row, &sent);
    rf_store_close(store);
    _exit(err || !sent);
}

enum rf_err
rf_peek_settings(const char *state_dir, bool drops_user, uid_t uid, gid_t gid, char **text, char *why, size_t why_size)
{
    char *p = malloc(RF_STORE_LAYER_MAX + 2);
    int pipe_fd[2], status;
    size_t n = 0;
    pid_t pid;

    snprintf(why, why_size, "the store in %s could not be read", state_dir);
    if (p == NULL || pipe2(pipe_fd, O_CLOEXEC) != 0) {
        free(p);
        return RF_ERR_IO;
    }
    pid = fork();
    if (pid == 0) {
        if (dup2(pipe_fd[1], STDOUT_FILENO) < 0)
            _exit(1);
        close(pipe_fd[0]);
        peek(state_dir, drops_user, uid, gid);
    }
    close(pipe_fd[1]);
    while (pid > 0 && n < RF_STORE_LAYER_MAX + 1) {
        ssize_t k = read(pipe_fd[0], p + n, RF_STORE_LAYER_MAX + 1 - n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break;
        n += (size_t)k;
    }
    close(pipe_fd[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || n == 0) {
        free(p);
        return RF_ERR_IO;
    }
    p[n] = '\0';
    if (p[0] != RF_OK) {
        enum rf_err err = (unsigned char)p[0] < RF_ERR_COUNT ? (enum rf_err)p[0] : RF_ERR_IO;

        if (n > 1)
            snprintf(why, why_size, "%s", p + 1);
        free(p);
        return err;
    }
    memmove(p, p + 1, n);
    *text = p;
    return RF_OK;
}
