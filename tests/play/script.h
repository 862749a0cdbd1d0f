/*
 * tests/play/script.h - the lines of a play as words, with the lines of the scenes that it includes in their place
 *
 * One thread; memory is in the struct but for the open files.
 */
#ifndef RF_TESTS_PLAY_SCRIPT_H
#define RF_TESTS_PLAY_SCRIPT_H

#include <stdbool.h>
#include <stdio.h>

#define SCRIPT_DEPTH_MAX 4 /* a play, and scenes in scenes; a scene that includes itself ends here */
#define SCRIPT_WORDS_MAX 32

struct script {
    struct script_file {
        FILE *f;
        char path[1024], name[512]; /* where it is; what it is called in reports */
        int line;
    } file[SCRIPT_DEPTH_MAX];
    int depth; /* files that are open */
    char title[256]; /* the first comment of the play itself */
    char text[2048];
    char *words[SCRIPT_WORDS_MAX + 1]; /* NULL after the last one */
    int n;
    char problem[512]; /* why script_next ended; empty: that was all */
};

/** Open a play; `name` is what reports call it. false: it cannot be opened. Close it in any case. */
bool script_open(struct script *s, const char *path, const char *name);
void script_close(struct script *s);

/**
 * Read the words of the next line that has any into s->words, which the next call overwrites.
 *
 * @return false at the end, and at what is wrong: then s->problem says what, and script_where where.
 */
bool script_next(struct script *s);

/** Where its last line stands: "call/busy.t:9", "call/scenes/up.scene:4, included at call/busy.t:2"; one static buffer. */
const char *script_where(const struct script *s);

#endif
