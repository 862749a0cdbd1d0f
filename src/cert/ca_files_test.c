/* Files of the authority and of `cert add`: on disk before they have their name, and their name on disk before it is said. */
#include "cert/ca_files.h"

#include <errno.h>
#include <openssl/bio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/rf-ca-files-XXXXXX";

/* In the place of the C library's: what was synced, in order, and which of it fails. */
static char synced[8];
static size_t syncs;
static char fails; /* 'f' a file, 'd' a folder; 0 none */

int
fsync(int fd)
{
    struct stat st;
    char what = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 'f';

    if (syncs < sizeof synced - 1)
        synced[syncs++] = what;
    if (what != fails)
        return 0;
    errno = EIO;
    return -1;
}

static bool
is_there(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static enum rf_err
try_to_write(char what_fails, const char *name, struct rf_cert_problem *problem)
{
    static char content[] = "content\n";
    BIO *in = BIO_new_mem_buf(content, -1);
    struct rf_ca_folder f;
    enum rf_err err;

    memset(synced, 0, sizeof synced);
    syncs = 0;
    fails = what_fails;
    memset(problem, 0, sizeof *problem);
    rf_assert(in != NULL && rf_ca_folder_open(&f, dir, problem) == RF_OK);
    err = rf_ca_write(&f, name, 0600, in, problem);
    rf_ca_folder_close(&f);
    BIO_free(in);
    return err;
}

int
main(void)
{
    static const struct {
        char fails;
        enum rf_err want;
        const char *synced;
        bool is_there;
        const char *why;
    } rows[] = {
        { 'f', RF_ERR_IO, "f", false, "the file does not reach the disk: it gets no name" },
        { 'd', RF_ERR_IO, "fd", true, "its name does not: that is an error, not success" },
        { 0, RF_OK, "fd", true, "the file before its name, the name before it is said" },
    };
    struct rf_cert_problem problem;

    if (!ok(mkdtemp(dir) != NULL, "a directory"))
        return tap_done();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum rf_err err = try_to_write(rows[i].fails, "x.pem", &problem);
        bool says = err == RF_OK || (strstr(problem.text, "x.pem") != NULL && strstr(problem.text, strerror(EIO)) != NULL);

        ok(err == rows[i].want && strcmp(synced, rows[i].synced) == 0 && is_there("x.pem") == rows[i].is_there,
           "%s (%s)", rows[i].why, synced);
        /* The staged file is taken away after a failure, which must not change what is said of it. */
        ok(says && !is_there("x.pem.new"), "and what is said is what happened: %s", problem.text);
    }
    fails = 0;
    ok(try_to_write(0, "no/such/folder", &problem) == RF_ERR_IO && strstr(problem.text, strerror(ENOENT)) != NULL,
       "a folder that is not there: %s", problem.text);
    rf_assert(unlink(strcat(strcat((char[64]){ 0 }, dir), "/x.pem")) == 0 && rmdir(dir) == 0);
    return tap_done();
}
