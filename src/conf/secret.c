/*
 * Where secrets come from: the store, a file, a variable, or the line itself.
 *
 * A missing secret is a problem for the daemon and a warning for a check that has no store (from->secret NULL).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/snapshot.h"

static void
keep(struct loader *l, struct setting *s, const void *octets, size_t n)
{
    s->secret = rf_arena_alloc(&l->conf->arena, n > 0 ? n : 1);
    if (s->secret == NULL) {
        rf_loader_fail(l, RF_ERR_NOMEM, s->at, "the configuration is too large");
        return;
    }
    memcpy(s->secret, octets, n);
    s->secret_n = n;
}

__attribute__((format(printf, 4, 5))) static void
missing(struct loader *l, struct setting *s, enum rf_err err, const char *format, ...)
{
    char sentence[240];
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    if (l->from->secret != NULL)
        rf_loader_fail(l, err, s->at, "%s", sentence);
    else
        rf_loader_advise(l, s->at, "%s", sentence);
}

/* The first line is the secret. */
static void
first_line(struct loader *l, struct setting *s, struct rf_span text, const char *path, const char *name)
{
    size_t end = rf_span_find(text, '\n');

    if (end > 0 && text.p[end - 1] == '\r')
        end--;
    if (end == 0 || end > RF_SECRET_MAX)
        rf_loader_fail(l, RF_ERR_RANGE, s->at, "%s: the first line of %s has %s octets", name, path,
                       end == 0 ? "no" : "too many");
    else
        keep(l, s, text.p, end);
}

/* A file that nobody else can read. */
static void
from_file(struct loader *l, struct setting *s, const char *path, const char *name)
{
    char octets[RF_SECRET_MAX + 2];
    struct rf_span given;
    struct stat st;
    ssize_t n;
    int fd;

    if (l->from->file != NULL && l->from->file(l->from->ctx, rf_span_str(path), &given)) {
        if (given.n > 0)
            first_line(l, s, given, path, name);
        return;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        missing(l, s, RF_ERR_NOT_FOUND, "%s: cannot read %s: %s", name, path, fd < 0 ? strerror(errno) : "no file");
        if (fd >= 0)
            close(fd);
        return;
    }
    if ((st.st_mode & 077) != 0) {
        close(fd);
        rf_loader_refuse(l, RF_REFUSE_KEY_FILE_MODE, s->at, "%s: others may read %s (mode %04o): chmod 600 %s", name,
                         path, (unsigned)st.st_mode & 07777, path);
        return;
    }
    n = read(fd, octets, sizeof octets);
    close(fd);
    first_line(l, s, rf_span(octets, n > 0 ? (size_t)n : 0), path, name);
    rf_wipe(octets, sizeof octets);
}

void
rf_loader_secret(struct loader *l, struct setting *s, struct rf_span value, const char *name)
{
    struct rf_arena *arena = &l->conf->arena;

    if (s->secret != NULL) /* the file's layer replaces what the store's set */
        rf_wipe(s->secret, s->secret_n);
    s->secret = NULL;
    if (rf_span_starts(value, "secret:")) {
        struct rf_span reference = rf_span_sub(value, 7, value.n);
        struct rf_secret found = { .n = 0 };
        enum rf_err err;

        s->text = rf_arena_str(arena, value);
        if (l->from->secret == NULL)
            return;
        err = l->from->secret(l->from->ctx, reference, &found);
        if (err)
            rf_loader_fail(l, err, s->at, "%s: there is no secret %.*s in the store", name, RF_SPAN_ARG(reference));
        else
            keep(l, s, found.octet, found.n);
        rf_secret_fini(&found);
        return;
    }
    if (rf_span_starts(value, "file:")) {
        s->text = rf_arena_str(arena, value);
        if (s->text != NULL)
            from_file(l, s, s->text + 5, name);
        return;
    }
    if (rf_span_starts(value, "env:")) {
        const char *found;

        s->text = rf_arena_str(arena, value);
        found = s->text != NULL ? getenv(s->text + 4) : NULL;
        if (found == NULL || found[0] == '\0')
            missing(l, s, RF_ERR_NOT_FOUND, "%s: the variable %s is not set", name,
                    s->text != NULL ? s->text + 4 : "");
        else if (strlen(found) > RF_SECRET_MAX)
            rf_loader_fail(l, RF_ERR_RANGE, s->at, "%s: the variable %s has too many octets", name, s->text + 4);
        else
            keep(l, s, found, strlen(found));
        return;
    }
    s->text = "(hidden)";
    keep(l, s, value.p, value.n);
    rf_loader_advise(l, s->at, "%s stands here as it is; secret:NAME keeps it out of this text", name);
}
