/*
 * main/sandbox_test.c - what the children cannot do any more
 */
#include "main/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static char state_dir[] = "/tmp/rf-sandbox-XXXXXX";

static int
open_passwd(void)
{
    int fd = open("/etc/passwd", O_RDONLY);

    return fd < 0 ? 1 : 0;
}

static int
make_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? 1 : 0;
}

static int
make_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? 1 : 0;
}

static int
run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return 1;
}

static int
make_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid < 0 ? 1 : 0;
}

static int
map_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? 1 : 0;
}

static int
write_state(void)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "%s/x", state_dir);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && unlink(path) == 0 ? 0 : 1;
}

static void *
thread_body(void *p)
{
    *(int *)p = 1;
    return NULL;
}

static int
make_thread(void)
{
    pthread_t t;
    int ran = 0;

    return pthread_create(&t, NULL, thread_body, &ran) == 0 && pthread_join(t, NULL) == 0 && ran ? 0 : 1;
}

enum outcome { WORKS, FAILS, KILLED };

/* Runs `act` in a child inside the sandbox. */
static enum outcome
outcome_of(enum rf_sandbox_role role, int (*act)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rf_sandbox s = { .role = role, .state_dir = state_dir, .log_fd = -1 };

        (void)!freopen("/dev/null", "w", stderr);
        if (geteuid() == 0) {
            s.drops_user = true;
            s.uid = s.gid = 65534;
        }
        if (rf_sandbox_enter(&s) != RF_OK)
            _exit(99);
        _exit(act());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return FAILS;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return KILLED;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? WORKS : FAILS;
}

int
main(void)
{
    /* strict: only where no sanitizer needs the call itself */
    static const struct {
        enum rf_sandbox_role role;
        int (*act)(void);
        enum outcome want;
        bool strict;
        const char *what;
    } cases[] = {
        { RF_SANDBOX_MEDIA, open_passwd, KILLED, true, "media cannot open a file" },
        { RF_SANDBOX_MEDIA, write_state, KILLED, true, "media cannot write the state directory" },
        { RF_SANDBOX_MEDIA, make_socket, KILLED, false, "media cannot make a socket" },
        { RF_SANDBOX_MEDIA, run_program, KILLED, false, "media cannot run a program" },
        { RF_SANDBOX_MEDIA, make_process, KILLED, true, "media cannot make a process" },
        { RF_SANDBOX_MEDIA, map_executable, KILLED, true, "media cannot map executable memory" },
        { RF_SANDBOX_MEDIA, make_thread, WORKS, false, "media can make threads" },
        { RF_SANDBOX_SIGNAL, write_state, WORKS, false, "signal can write its state directory" },
        { RF_SANDBOX_SIGNAL, make_socket, WORKS, false, "signal can make a UDP socket" },
        { RF_SANDBOX_SIGNAL, make_netlink, KILLED, true, "signal cannot make a netlink socket" },
        { RF_SANDBOX_SIGNAL, run_program, KILLED, false, "signal cannot run a program" },
        { RF_SANDBOX_SIGNAL, make_process, KILLED, true, "signal cannot make a process" },
        { RF_SANDBOX_SIGNAL, map_executable, KILLED, true, "signal cannot map executable memory" },
        { RF_SANDBOX_SIGNAL, make_thread, WORKS, false, "signal can make threads" },
    };

    if (mkdtemp(state_dir) == NULL || (geteuid() == 0 && chown(state_dir, 65534, 65534) != 0))
        return 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!RF_SANITIZED || !cases[i].strict)
            ok(outcome_of(cases[i].role, cases[i].act) == cases[i].want, "%s", cases[i].what);
    if (!RF_SANITIZED && rf_sandbox_landlock_abi() > 0)
        ok(outcome_of(RF_SANDBOX_SIGNAL, open_passwd) == FAILS, "signal cannot read a file outside its folders");
    rmdir(state_dir);
    return tap_done();
}
