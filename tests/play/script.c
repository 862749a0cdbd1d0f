#include "play/script.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool
is_wrong(struct script *s, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(s->problem, sizeof s->problem, format, ap);
    va_end(ap);
    return false;
}

static bool
open_file(struct script *s, const char *path, const char *name)
{
    struct script_file *file = &s->file[s->depth];
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return is_wrong(s, "%s: %s", name, strerror(errno));
    file->f = f;
    file->line = 0;
    snprintf(file->path, sizeof file->path, "%s", path);
    snprintf(file->name, sizeof file->name, "%s", name);
    s->depth++;
    return true;
}

bool
script_open(struct script *s, const char *path, const char *name)
{
    *s = (struct script){ .depth = 0 };
    return open_file(s, path, name);
}

void
script_close(struct script *s)
{
    while (s->depth > 0)
        fclose(s->file[--s->depth].f);
}

/* include FILE: relative to the file that has the line */
static bool
include(struct script *s)
{
    const struct script_file *by = &s->file[s->depth - 1];
    const char *wanted = s->words[1];
    char path[sizeof by->path], name[sizeof by->name];
    int folder = strrchr(by->path, '/') != NULL ? (int)(strrchr(by->path, '/') - by->path) + 1 : 0;
    int shown = strrchr(by->name, '/') != NULL ? (int)(strrchr(by->name, '/') - by->name) + 1 : 0;

    if (s->n != 2)
        return is_wrong(s, "include wants one file");
    if (s->depth == SCRIPT_DEPTH_MAX)
        return is_wrong(s, "include %s: a file in a file %d deep; does a scene include itself?", wanted,
                        SCRIPT_DEPTH_MAX);
    if ((size_t)snprintf(path, sizeof path, "%.*s%s", folder, by->path, wanted) >= sizeof path ||
        (size_t)snprintf(name, sizeof name, "%.*s%s", shown, by->name, wanted) >= sizeof name)
        return is_wrong(s, "include %s: the name is too long", wanted);
    return open_file(s, path, name);
}

/* "Quotes" and 'quotes' keep blanks, !"text" becomes !text; a # outside of them begins a comment. */
static bool
split(struct script *s)
{
    char *at = s->text;

    for (s->n = 0;; s->n++) {
        bool not, is_quoted;

        at += strspn(at, " \t\r\n");
        if (*at == '\0' || *at == '#')
            break;
        if (s->n == SCRIPT_WORDS_MAX)
            return is_wrong(s, "more than %d words", SCRIPT_WORDS_MAX);
        not = at[0] == '!' && at[1] == '"';
        is_quoted = not || *at == '"' || *at == '\'';
        s->words[s->n] = is_quoted && !not ? at + 1 : at;
        if (is_quoted) {
            char quote = at[not];
            char *end = strchr(at + not + 1, quote);

            if (end == NULL)
                return is_wrong(s, "a %c that is not closed", quote);
            if (not) /* the ! moves to where the quote was */
                *(s->words[s->n] = at + 1) = '!';
            at = end;
        } else {
            at += strcspn(at, " \t\r\n");
        }
        if (*at != '\0')
            *at++ = '\0';
    }
    s->words[s->n] = NULL;
    return true;
}

bool
script_next(struct script *s)
{
    while (s->depth > 0) {
        struct script_file *file = &s->file[s->depth - 1];

        if (fgets(s->text, sizeof s->text, file->f) == NULL) {
            if (s->depth == 1)
                return false;
            fclose(file->f);
            s->depth--;
            continue;
        }
        file->line++;
        if (strlen(s->text) == sizeof s->text - 1 && s->text[sizeof s->text - 2] != '\n')
            return is_wrong(s, "a line of more than %zu octets", sizeof s->text - 2);
        if (s->depth == 1 && s->text[0] == '#' && s->title[0] == '\0')
            snprintf(s->title, sizeof s->title, "%.*s", (int)strcspn(s->text + 1, "\n"), s->text + 1);
        if (!split(s))
            return false;
        if (s->n > 0 && strcmp(s->words[0], "include") == 0) {
            if (!include(s))
                return false;
        } else if (s->n > 0) {
            return true;
        }
    }
    return false;
}

const char *
script_where(const struct script *s)
{
    static char text[SCRIPT_DEPTH_MAX * 560];
    size_t n = 0;

    text[0] = '\0';
    for (int i = s->depth; i-- > 0 && n < sizeof text;)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%d", i == s->depth - 1 ? "" : ", included at ",
                              s->file[i].name, s->file[i].line);
    return text;
}
