/*
 * cli/cmd_doctor.c - is this machine fit? Clock, ports, files, disk, kernel, limits
 *
 * Every line was measured now. A WARN is a limit that will be felt, a FAIL stops the daemon or lies to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/refusal.h"
#include "cert/ca.h"
#include "cli/commands.h"
#include "conf/conf.h"
#include "conf/options.h"
#include "net/socket.h"
#include "srtp/srtp.h"

struct doctor {
    const struct rf_cli *cli;
    json_t *rows;
    int fails, warns;
};

enum verdict { FINE, WARN, FAIL };

__attribute__((format(printf, 5, 6))) static void
say(struct doctor *d, const char *what, enum verdict v, const char *fix, const char *format, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    d->fails += v == FAIL;
    d->warns += v == WARN;
    json_array_append_new(d->rows, json_pack("{s:s, s:s, s:s, s:s}", "check", what, "verdict",
                                             v == FINE ? "ok" : v == WARN ? "WARN" : "FAIL", "found", text, "fix",
                                             v == FINE ? "" : fix));
}

static void
check_clock(struct doctor *d)
{
    struct timex t = { 0 };
    int state = adjtimex(&t);

    if (state < 0)
        say(d, "clock", WARN, "", "the kernel does not say whether it is synchronised: %s", strerror(errno));
    else if ((t.status & STA_UNSYNC) != 0)
        say(d, "clock", WARN, "timedatectl set-ntp true",
            "no time service keeps it; certificates and nonces depend on it");
    else
        say(d, "clock", FINE, "", "synchronised, estimated error %ld ms", t.esterror / 1000);
}

/* Keys that others may read (RF-809), anywhere in the state directory. */
static void
check_keys(struct doctor *d, const char *path, int depth)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    while (dir != NULL && (e = readdir(dir)) != NULL) {
        char name[1400];
        struct stat st;
        size_t n = strlen(e->d_name);

        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (lstat(name, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth > 0)
            check_keys(d, name, depth - 1);
        if (S_ISREG(st.st_mode) &&
            ((n > 4 && strcmp(e->d_name + n - 4, ".key") == 0) || strstr(e->d_name, ".db") != NULL) &&
            (st.st_mode & 077) != 0)
            say(d, "file mode", FAIL, "chmod 600 FILE", "%s holds keys and others may read it (mode %04o)", name,
                (unsigned)st.st_mode & 07777);
    }
    if (dir != NULL)
        closedir(dir);
}

static void
check_state(struct doctor *d)
{
    const char *path = d->cli->state_dir;
    struct statvfs fs;
    struct stat st;
    unsigned long long mb;

    if (stat(path, &st) != 0) {
        say(d, "state", errno == ENOENT ? FINE : FAIL, "", "%s: %s", path,
            errno == ENOENT ? "is not there yet; ringfence run makes it" : strerror(errno));
        return;
    }
    if ((st.st_mode & 022) != 0)
        say(d, "state", FAIL, "chmod go-w DIR", "others may write %s (mode %04o)", path, (unsigned)st.st_mode & 07777);
    else
        say(d, "state", FINE, "", "%s, mode %04o", path, (unsigned)st.st_mode & 07777);
    check_keys(d, path, 2);
    if (statvfs(path, &fs) != 0)
        return;
    mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    say(d, "disk", mb < 50 ? FAIL : mb < 500 ? WARN : FINE, "free space below the state directory",
        "%llu MB free; logs take up to 96 MB, 100,000 call records about 300 MB", mb);
}

static long
kernel_number(const char *path)
{
    char text[32] = "";
    FILE *in = fopen(path, "re");

    if (in == NULL)
        return -1;
    if (fgets(text, sizeof text, in) == NULL)
        text[0] = '\0';
    fclose(in);
    return text[0] != '\0' ? strtol(text, NULL, 10) : -1;
}

static void
check_kernel(struct doctor *d)
{
    struct utsname u;
    struct rlimit files = { 0, 0 };
    long rmem = kernel_number("/proc/sys/net/core/rmem_max"), backlog = kernel_number("/proc/sys/net/core/somaxconn");

    if (uname(&u) == 0)
        say(d, "kernel", FINE, "", "%s; sandbox: %s", u.release, d->cli->hooks->sandbox());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        say(d, "open files", files.rlim_max < 16384 ? WARN : FINE,
            "LimitNOFILE=1048576 in the unit, or ulimit -Hn 1048576",
            "%llu at most; a phone by TLS takes 1, a call takes 6", (unsigned long long)files.rlim_max);
    if (rmem >= 0)
        say(d, "UDP buffers", rmem < (1 << 20) ? WARN : FINE, "sysctl -w net.core.rmem_max=8388608",
            "net.core.rmem_max is %ld; a burst of 1000 REGISTERs takes about 2 MB", rmem);
    if (backlog >= 0)
        say(d, "connection queue", backlog < 1024 ? WARN : FINE, "sysctl -w net.core.somaxconn=4096",
            "net.core.somaxconn is %ld; 1000 phones may connect at once", backlog);
}

/* The back end that media takes, chosen here as it is there: by the setting in force, and its test vectors. */
static void
check_srtp(struct doctor *d, bool daemon_runs)
{
    const char *path = rf_cli_flag(d->cli, "--config");
    struct rf_conf_problem problem = { 0 };
    struct rf_conf *conf;
    char want[32] = "auto";
    enum rf_err err;
    int status;

    if (daemon_runs) {
        json_t *setting = rf_cli_ask_quietly(d->cli->state_dir, json_pack("{s:s, s:s}", "command", "config.get", "name",
                                                                          "media.backend"), &status);

        if (rf_cli_text(setting, "value")[0] != '\0')
            snprintf(want, sizeof want, "%s", rf_cli_text(setting, "value"));
        json_decref(setting);
    } else if (path != NULL && rf_conf_load(&conf, rf_span(NULL, 0), path, &problem) == RF_OK) {
        snprintf(want, sizeof want, "%s", rf_conf_text(conf, "media.backend"));
        rf_conf_unref(conf);
    }
    err = rf_srtp_init(want);
    say(d, "SRTP", err == RF_OK ? FINE : FAIL, "ringfence set media.backend auto", "%s (media.backend %s)",
        err == RF_OK ? rf_srtp_backend() : "this back end is not there or did not pass its test vectors", want);
}

/* Are the listeners' ports free? When a daemon of this directory runs, they are its own. */
static void
check_ports(struct doctor *d, bool daemon_runs)
{
    const char *path = rf_cli_flag(d->cli, "--config");
    struct rf_conf_problem problem = { 0 };
    char text[600];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_conf *conf;
    struct rf_span words;

    if (daemon_runs)
        return;
    if (rf_conf_load(&conf, rf_span(NULL, 0), path, &problem) != RF_OK) {
        rf_conf_put_problem(&b, &problem);
        say(d, "configuration", FAIL, "ringfence config check FILE", "%.*s", RF_SPAN_ARG(rf_buf_span(&b)));
        return;
    }
    words = rf_span_trim(rf_span_str(rf_conf_text(conf, "sip.listen")));
    while (words.n > 0) {
        struct rf_span word = rf_span_sub(words, 0, rf_span_find(words, ' '));
        struct rf_bind_problem why = { 0 };
        struct rf_listen listen;
        int fd;

        words = rf_span_trim(rf_span_sub(words, word.n, words.n));
        if (rf_listen_parse(word, &listen) != RF_OK)
            continue;
        if (rf_socket_bind_group(&fd, 1, listen.scheme == RF_LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM, &listen.addr,
                                 &why) != RF_OK) {
            say(d, "port", FAIL, "stop the other program, or set another port in sip.listen", "%.*s: %s",
                RF_SPAN_ARG(word), why.reason);
            continue;
        }
        close(fd);
        say(d, "port", FINE, "", "%.*s is free", RF_SPAN_ARG(word));
    }
    rf_conf_unref(conf);
}

/* Those that no call depends on: nothing else would show that they hang. */
static void
check_threads(struct doctor *d, const json_t *running)
{
    const json_t *list = json_object_get(running, "threads");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *t = json_array_get(list, i);

        if (json_is_true(json_object_get(t, "turns")))
            say(d, "thread", FINE, "", "%s turns", rf_cli_text(t, "name"));
        else
            say(d, "thread", FAIL, rf_refusal_row(RF_REFUSE_THREAD_HANGS)->fix,
                "RF-812: %s has done nothing for %lld s: %s", rf_cli_text(t, "name"),
                (long long)json_integer_value(json_object_get(t, "silent_s")), rf_cli_text(t, "stops"));
    }
}

/* Of a daemon that runs what it says; otherwise what it would find, without making anything. */
static void
check_authority(struct doctor *d, const json_t *running)
{
    const json_t *list = json_object_get(running, "problems");
    struct rf_cert_problem problem;
    char dir[1100];
    enum rf_err err;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);

        say(d, "local authority", FAIL, rf_cli_text(p, "fix"), "%s: %s; %s", rf_cli_text(p, "code"),
            rf_cli_text(p, "sentence"), rf_cli_text(p, "effect"));
    }
    if (running != NULL)
        return;
    snprintf(dir, sizeof dir, "%.1000s/ca", d->cli->state_dir);
    err = rf_ca_look(dir, &problem);
    if (err == RF_ERR_STATE || problem.key_file_is_open) /* there is none yet; or check_keys has said it */
        return;
    if (err)
        say(d, "local authority", FAIL, rf_refusal_row(RF_REFUSE_LOCAL_CA)->fix,
            "RF-220: the local authority cannot be used: %s", problem.text[0] != '\0' ? problem.text : rf_err_text(err));
    else
        say(d, "local authority", FINE, "", "its files can be read");
}

int
rf_cmd_doctor(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "CHECK", "check", false, NULL },
        { "VERDICT", "verdict", false, NULL },
        { "FOUND", "found", false, NULL },
        { "FIX", "fix", false, NULL },
    };
    struct doctor d = { cli, json_array(), 0, 0 };
    int status;
    json_t *running = rf_cli_ask_quietly(cli->state_dir, json_pack("{s:s}", "command", "status"), &status);

    if (running != NULL)
        say(&d, "daemon", FINE, "", "serves %s", cli->state_dir);
    else
        say(&d, "daemon", FINE, "", "does not run on %s", cli->state_dir);
    check_clock(&d);
    check_state(&d);
    check_kernel(&d);
    check_srtp(&d, running != NULL);
    check_ports(&d, running != NULL);
    check_threads(&d, running);
    check_authority(&d, running);
    rf_cli_list(cli, d.rows, columns, 4);
    json_decref(running);
    json_decref(d.rows);
    return d.fails > 0 ? RF_EXIT_FOUND : RF_EXIT_DONE;
}
