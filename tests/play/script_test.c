/* Reading of plays: words, scenes that are included, and where what is wrong stands (tests/play/script.h). */
#include "play/script.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static const struct {
    const char *line, *words, *problem; /* words: with | between them */
} lines[] = {
    { "a sends INVITE 202 savp # why", "a|sends|INVITE|202|savp", "" },
    { "  a\texpects 200  \r", "a|expects|200", "" },
    { "log has \"two words\" 'and \"these\"'", "log|has|two words|and \"these\"", "" },
    { "a expects 200 !\"a=crypto: 1\" !plain", "a|expects|200|!a=crypto: 1|!plain", "" },
    { "a expects \"# no comment\"", "a|expects|# no comment", "" },
    { "a expects \"\"", "a|expects|", "" },
    { "a expects \"200", "", "a \" that is not closed" },
    { "a expects !\"200", "", "a \" that is not closed" },
    { "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33", "",
      "more than 32 words" },
    { "include", "", "include wants one file" },
    { "include a b", "", "include wants one file" },
    { "include nowhere", "", "nowhere: No such file or directory" },
};

static char folder[] = "/tmp/rf-script-XXXXXX";

static const char *
path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");

    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static const char *
joined(const struct script *s)
{
    static char text[4096];
    size_t n = 0;

    text[0] = '\0';
    for (int i = 0; i < s->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? "|" : "", s->words[i]);
    return text;
}

static void
words(void)
{
    struct script s;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[512];
        bool more;

        snprintf(text, sizeof text, "\n# comment\n%s\n", lines[i].line);
        put("play", text);
        ok(script_open(&s, path_of("play"), "play"), "%s: opens", lines[i].line);
        more = script_next(&s);
        ok(more == (lines[i].problem[0] == '\0') && (!more || strcmp(joined(&s), lines[i].words) == 0) &&
               strcmp(s.problem, lines[i].problem) == 0 && strcmp(script_where(&s), "play:3") == 0,
           "%s: %s%s, at line 3", lines[i].line, lines[i].words, lines[i].problem);
        ok(!more || (s.words[s.n] == NULL && !script_next(&s) && s.problem[0] == '\0'), "%s: and no more",
           lines[i].line);
        script_close(&s);
    }
}

static void
included(void)
{
    static const char wanted[] =
        "a|first at call/play:2\n"
        "b|one at call/scenes/one:2, included at call/play:3\n"
        "c|two at call/scenes/two:2, included at call/scenes/one:3, included at call/play:3\n"
        "b|end at call/scenes/one:4, included at call/play:3\n"
        "a|last at call/play:4\n";
    struct script s;
    char told[1024] = "";

    if (mkdir(path_of("scenes"), 0700) != 0)
        abort();
    put("play", "# the title\na first\ninclude scenes/one\na last\n");
    put("scenes/one", "# not the title\nb one\ninclude two\nb end\n");
    put("scenes/two", "\nc two\n");
    if (!script_open(&s, path_of("play"), "call/play"))
        abort();
    while (script_next(&s)) {
        size_t n = strlen(told);

        snprintf(told + n, sizeof told - n, "%s at %s\n", joined(&s), script_where(&s));
    }
    if (!ok(strcmp(told, wanted) == 0, "scenes stand where they are included, relative to the file that includes them"))
        for (char *line = strtok(told, "\n"); line != NULL; line = strtok(NULL, "\n"))
            diag("%s", line);
    ok(strcmp(s.title, " the title") == 0, "the title is that of the play");
    script_close(&s);

    put("scenes/two", "c two \"\n");
    if (!script_open(&s, path_of("play"), "call/play"))
        abort();
    while (script_next(&s)) {}
    ok(strcmp(s.problem, "a \" that is not closed") == 0 &&
           strcmp(script_where(&s),
                  "call/scenes/two:1, included at call/scenes/one:3, included at call/play:3") == 0,
       "what is wrong in a scene is told with the way to it: %s", script_where(&s));
    script_close(&s);

    put("scenes/two", "include two\n");
    if (!script_open(&s, path_of("play"), "call/play"))
        abort();
    while (script_next(&s)) {}
    ok(strncmp(s.problem, "include two: a file in a file 4 deep", 36) == 0, "a scene that includes itself ends: %s",
       s.problem);
    script_close(&s);
    ok(!script_open(&s, path_of("nowhere"), "nowhere") && s.problem[0] != '\0', "a play that is not there: %s",
       s.problem);
    script_close(&s);
}

static void
too_long(void)
{
    static char text[4096];
    struct script s;

    memset(text, 'x', 2047);
    put("play", text);
    if (!script_open(&s, path_of("play"), "play"))
        abort();
    ok(!script_next(&s) && strstr(s.problem, "2046 octets") != NULL, "a line of 2047 octets: %s", s.problem);
    script_close(&s);
    text[2046] = '\n';
    put("play", text);
    if (!script_open(&s, path_of("play"), "play"))
        abort();
    ok(script_next(&s) && strlen(s.words[0]) == 2046, "one of 2046 octets is read");
    script_close(&s);
}

int
main(void)
{
    static const char *const made[] = { "scenes/one", "scenes/two", "scenes", "play" };

    if (mkdtemp(folder) == NULL)
        abort();
    words();
    included();
    too_long();
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        (void)remove(path_of(made[i]));
    (void)rmdir(folder);
    return tap_done();
}
