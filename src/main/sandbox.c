#include "main/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"

/* Not in the kernel headers of Debian 12; the kernel may know them all the same. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define ACCESS_FS_IOCTL_DEV    (1ULL << 15)
#define ACCESS_NET_BIND_TCP    (1ULL << 0)
#define ACCESS_NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX    (1ULL << 0)
#define SCOPE_SIGNAL           (1ULL << 1)

/* struct landlock_ruleset_attr as of ABI 6; older kernels are given fewer of its octets. */
struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

/* System calls that both children need once they run. */
static const char *const calls_of_both[] = {
    "read", "write", "readv", "writev", "close", "lseek", "fstat", "munmap", "mremap", "madvise", "brk",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "futex", "nanosleep", "clock_nanosleep",
    "clock_gettime", "clock_getres", "gettimeofday", "time", "getpid", "gettid", "getppid", "tgkill", "epoll_create1",
    "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create", "timerfd_settime",
    "poll", "ppoll", "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg", "connect", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "shutdown", "exit", "exit_group", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "getrandom", "restart_syscall", "set_robust_list", "rseq", "getcpu",
    "dup", "dup2", "dup3", "fcntl", "membarrier", "getrusage", "sysinfo", "uname", "getuid", "geteuid", "getgid",
    "getegid", "close_range",
};

/* What signal needs besides: its state directory (SQLite), the resolver, connections. */
static const char *const calls_of_signal[] = {
    "open", "openat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "unlink",
    "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "fsync", "fdatasync", "ftruncate", "pread64",
    "pwrite64", "preadv", "pwritev", "fallocate", "fadvise64", "fchmod", "fchown", "getdents64", "readlink",
    "readlinkat", "getcwd", "statfs", "fstatfs", "flock", "umask", "utimensat", "bind", "listen", "accept",
    "accept4", "socketpair", "pipe2", "memfd_create",
};

static struct {
    int log_fd;
    const char *process;
    char name[512][24]; /* of system calls by number, so that the handler need not look them up */
} trapped;

static const char *sandbox_text = "none";

const char *
rf_sandbox_text(void)
{
    return sandbox_text;
}

int
rf_sandbox_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

static void
put(char *line, size_t size, size_t *n, const char *s)
{
    while (*s != '\0' && *n < size)
        line[(*n)++] = *s++;
}

/* Only functions that are safe in a signal handler; the thread may hold any lock. */
static void
refused_call(int sig, siginfo_t *info, void *context)
{
    char line[256];
    size_t n = 0;
    unsigned number = (unsigned)info->si_syscall;

    put(line, sizeof line, &n, "{\"level\":\"error\",\"event\":\"sandbox.refused\",\"process\":\"");
    put(line, sizeof line, &n, trapped.process);
    put(line, sizeof line, &n, "\",\"msg\":\"the sandbox refused a system call and ended the process\",\"syscall\":\"");
    put(line, sizeof line, &n, number < 512 && trapped.name[number][0] != '\0' ? trapped.name[number] : "unknown");
    put(line, sizeof line, &n, "\"}\n");
    (void)!write(STDERR_FILENO, line, n);
    if (trapped.log_fd >= 0)
        (void)!write(trapped.log_fd, line, n);
    signal(SIGSYS, SIG_DFL);
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGSYS);
    _exit(128 + SIGSYS);
}

static enum rf_err
trap_install(const struct rf_sandbox *s)
{
    struct sigaction act = { .sa_sigaction = refused_call, .sa_flags = SA_SIGINFO | SA_NODEFER };

    trapped.log_fd = s->log_fd;
    trapped.process = s->role == RF_SANDBOX_MEDIA ? "media" : "signal";
    for (int i = 0; i < 512; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

        if (name != NULL && strlen(name) < sizeof trapped.name[i])
            memcpy(trapped.name[i], name, strlen(name) + 1);
        free(name);
    }
    return sigaction(SIGSYS, &act, NULL) == 0 ? RF_OK : RF_ERR_IO;
}

/* --- files: landlock --- */

static void
allow_beneath(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = access };

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return; /* not there: nothing to allow */
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

static void
allow_folder_of(int ruleset, const char *path)
{
    char folder[1024];
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else if (slash == path)
        snprintf(folder, sizeof folder, "%s", path); /* a file in the root: itself alone, not everything */
    else
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    allow_beneath(ruleset, folder, LANDLOCK_ACCESS_FS_READ_FILE | (slash == path ? 0 : LANDLOCK_ACCESS_FS_READ_DIR));
}

static enum rf_err
restrict_files(const struct rf_sandbox *s, int abi)
{
    /* Resolver, time zone and the library's own configuration. */
    static const char *const readable[] = { "/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/etc/hosts",
                                            "/etc/nsswitch.conf", "/etc/host.conf", "/etc/ssl", "/etc/localtime",
                                            "/usr/share/zoneinfo" };
    const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    const uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             (abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
    struct ruleset_attr attr = { .handled_access_fs = (1ULL << 13) - 1 };
    size_t size = sizeof attr.handled_access_fs;
    int ruleset;
    long err;

    if (abi >= 2)
        attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi >= 4) {
        size = 2 * sizeof(uint64_t);
        if (s->role == RF_SANDBOX_MEDIA)
            attr.handled_access_net = ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP;
    }
    if (abi >= 5)
        attr.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
    if (abi >= 6) {
        size = sizeof attr;
        attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    }
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return RF_ERR_IO;
    if (s->role == RF_SANDBOX_SIGNAL) {
        allow_beneath(ruleset, s->state_dir, reading | writing);
        if (s->config_path != NULL)
            allow_folder_of(ruleset, s->config_path);
        for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) {
            /* Directory rights on a file are refused as a whole, so try both. */
            allow_beneath(ruleset, readable[i], reading);
            allow_beneath(ruleset, readable[i], LANDLOCK_ACCESS_FS_READ_FILE);
        }
    }
    err = syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return err == 0 ? RF_OK : RF_ERR_IO;
}

/* --- system calls: seccomp --- */

static int
allow_all_of(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int nr = seccomp_syscall_resolve_name(names[i]);

        if (nr != __NR_SCMP_ERROR && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) < 0)
            return -1;
    }
    return 0;
}

/* Calls of which only some arguments are fine. */
static int
allow_by_argument(scmp_filter_ctx ctx, enum rf_sandbox_role role)
{
    static const unsigned long ioctls[] = { TCGETS, FIONREAD, FIONBIO };
    static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
    int bad = 0;

    /* (S2) threads, never processes; glibc tries clone3 first, whose flags a filter cannot see. */
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, 0x00010000, 0x00010000)); /* CLONE_THREAD */
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_TIMERSLACK));
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
                            SCMP_A0(SCMP_CMP_EQ, 0x53564d41));                                     /* names of maps */
    bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)); /* ask only */
    for (size_t i = 0; i < sizeof ioctls / sizeof *ioctls; i++)
        bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i]));
    if (role == RF_SANDBOX_MEDIA)
        /* glibc's fstat; without AT_EMPTY_PATH it would be a look at files. */
        bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                                SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    else
        for (size_t i = 0; i < sizeof families / sizeof *families; i++)
            bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
    return bad;
}

static enum rf_err
restrict_calls(const struct rf_sandbox *s)
{
    static const char *const never[] = { "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv",
                                         "process_vm_writev", "kexec_load", "mount", "umount2", "setns", "unshare" };
    scmp_filter_ctx ctx = seccomp_init(RF_SANITIZED ? SCMP_ACT_ALLOW : SCMP_ACT_TRAP);
    int bad = ctx == NULL;

    if (bad)
        return RF_ERR_IO;
    if (RF_SANITIZED) {
        /* The sanitizers read /proc, fork a tracer and map as they like: refuse only what none of us does. */
        for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
            int nr = seccomp_syscall_resolve_name(never[i]);

            if (strcmp(never[i], "ptrace") != 0 && nr != __NR_SCMP_ERROR)
                bad |= seccomp_rule_add(ctx, SCMP_ACT_TRAP, nr, 0);
        }
        if (s->role == RF_SANDBOX_MEDIA)
            bad |= seccomp_rule_add(ctx, SCMP_ACT_TRAP, SCMP_SYS(socket), 0);
    } else {
        bad |= allow_all_of(ctx, calls_of_both, sizeof calls_of_both / sizeof *calls_of_both);
        if (s->role == RF_SANDBOX_SIGNAL)
            bad |= allow_all_of(ctx, calls_of_signal, sizeof calls_of_signal / sizeof *calls_of_signal);
        bad |= allow_by_argument(ctx, s->role);
    }
    /* A filter on one thread could be escaped by another. */
    bad |= seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    bad = bad != 0 || seccomp_load(ctx) != 0;
    seccomp_release(ctx);
    return bad ? RF_ERR_IO : RF_OK;
}

static enum rf_err
drop_user(const struct rf_sandbox *s)
{
    if (setgroups(0, NULL) != 0 || setresgid(s->gid, s->gid, s->gid) != 0 || setresuid(s->uid, s->uid, s->uid) != 0)
        return RF_ERR_IO;
    /* Never trust that it worked. */
    if (s->uid != 0 && setuid(0) == 0) {
        errno = EPERM;
        return RF_ERR_IO;
    }
    return RF_OK;
}

enum rf_err
rf_sandbox_enter(const struct rf_sandbox *s)
{
    static char text[96];
    struct rlimit files, none = { 0, 0 };
    int abi = RF_SANITIZED ? 0 : rf_sandbox_landlock_abi();
    enum rf_err err;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return RF_ERR_IO;
    err = trap_install(s);
    if (err)
        return err;
    /* Before the user changes: the paths of the rules may not be open to it (the rules are, then, of no use). */
    if (abi > 0) {
        err = restrict_files(s, abi);
        if (err)
            return err;
    }
    if (s->drops_user) {
        err = drop_user(s);
        if (err)
            return err;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return RF_ERR_IO;
    /* Both after the change of user, which clears it. SIGKILL: the store and the calls are made for that, and a
     * child that went on without its parent would hold ports and files of the next daemon. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return RF_ERR_IO;
    err = restrict_calls(s);
    if (err)
        return err;

    if (abi > 0)
        snprintf(text, sizeof text, "seccomp, landlock %d", abi);
    else
        snprintf(text, sizeof text, "%s", RF_SANITIZED ? "seccomp for processes and sockets alone (sanitizer build)"
                                                       : "seccomp; this kernel has no landlock");
    sandbox_text = text;
    return RF_OK;
}
