/*
 * conf/grammar.h - text of the configuration's grammar to a tree of lines, and back
 *
 *   file    =  *( line LF )
 *   line    =  [ setting / block-start / "}" ] [ comment ]
 *   setting =  word *( 1*WSP word )
 *   block-start = word *( 1*WSP word ) 1*WSP "{"       ; the brace ends its line
 *   comment =  "#" *OCTET                              ; only where a word could begin
 *   word    =  1*octet-but-WSP / DQUOTE *( octet-but-DQUOTE / "\" DQUOTE / "\\" ) DQUOTE
 *
 * `import FILE` and `import DIR/` with a pattern such as *.conf stand for the lines of those files; a relative name counts from the
 * folder of the file that says it. Nothing here knows any setting's name.
 *
 * Threads: plain data. Memory: the tree owns copies of the texts; secrets may stand in them, so they are wiped.
 */
#ifndef RF_CONF_GRAMMAR_H
#define RF_CONF_GRAMMAR_H

#include "conf/conf.h"

#define RF_CONF_TEXT_MAX   (64u << 20) /* octets of all files together: 100,000 users take a tenth of it */
#define RF_CONF_DEPTH_MAX  8           /* blocks in blocks; the grammar's own settings need 3 */
#define RF_CONF_IMPORT_MAX 8           /* files that import files */
#define RF_CONF_FILES_MAX  1000
#define RF_CONF_WORDS_MAX  256         /* words of a line */

struct rf_conf_word {
    struct rf_span text;
    int column;
    bool was_quoted;
};

struct rf_conf_node {
    struct rf_conf_node *next, *first, *last; /* siblings; lines of a block */
    struct rf_conf_word *word;                /* [0] is the name */
    size_t words;
    bool is_block;
    struct rf_conf_origin at;
};

struct rf_conf_text; /* a file's octets */

struct rf_conf_tree {
    struct rf_arena arena;
    struct rf_conf_node root;
    struct rf_conf_text *texts;
    size_t octets, files;
};

/** Empty. */
void rf_conf_tree_init(struct rf_conf_tree *t);
void rf_conf_tree_fini(struct rf_conf_tree *t);

/**
 * Add the lines of a text. It cannot import (it did not come from a file).
 * @param name  stands in origins, as a constant string that outlives the tree; NULL: none
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE a limit, RF_ERR_NOMEM; *problem says where
 */
RF_MUST_CHECK enum rf_err rf_conf_tree_add(struct rf_conf_tree *t, struct rf_span text, enum rf_conf_layer layer,
                                           const char *name, struct rf_conf_problem *problem);
/** Add the lines of a file and of what it imports. Also RF_ERR_NOT_FOUND, RF_ERR_IO. */
RF_MUST_CHECK enum rf_err rf_conf_tree_read(struct rf_conf_tree *t, const char *path,
                                            struct rf_conf_problem *problem);

typedef ssize_t (*rf_conf_read_fn)(int fd, void *p, size_t n); /* read(2), or a test's */
/**
 * All n octets of a file of that size. A disk that fails in the middle, or somebody who writes the file meanwhile, is no
 * end of the file: half a configuration may be a valid one, with half of the users and without the rules at its end.
 * @return NULL, or why not
 */
const char *rf_conf_take_octets(rf_conf_read_fn take, int fd, char *out, size_t n);

/** Normal form: four spaces a block, one between words, quotes only where needed. */
void rf_conf_tree_put(const struct rf_conf_tree *t, struct rf_buf *out);
/** A new last line of a block (or of the root). NULL: memory is out. Words are copied. */
struct rf_conf_node *rf_conf_node_add(struct rf_conf_tree *t, struct rf_conf_node *parent,
                                      const struct rf_span *word, size_t words, bool is_block);
void rf_conf_node_remove(struct rf_conf_node *parent, struct rf_conf_node *node);
/** Could this stand as one word (no line end, no control characters, UTF-8)? */
bool rf_conf_word_is_valid(struct rf_span word);

/** "sentence" at a place. Formats into problem->sentence. */
__attribute__((format(printf, 3, 4))) void rf_conf_say(struct rf_conf_problem *problem, struct rf_conf_origin at,
                                                       const char *format, ...);

#endif
