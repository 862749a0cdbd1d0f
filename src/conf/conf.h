/*
 * conf/conf.h - the configuration: grammar, option table, layers (interface 3, design 7)
 *
 * Grammar: one setting per line, `name value...`; a block is `name [label...] {` ... `}`; `#` starts a comment at
 * the start of a word; quotes for spaces. One table of options (conf/options.h) feeds parser, checker, help,
 * `config explain`, the manual and completion. Precedence: default < store < file < platform lock.
 *
 * A snapshot is read-only after it was made and counted; workers hold one each and get a new one by a letter.
 */
#ifndef RF_CONF_CONF_H
#define RF_CONF_CONF_H

#include "base/arena.h"
#include "base/buf.h"

enum rf_conf_layer { RF_CONF_DEFAULT, RF_CONF_STORE, RF_CONF_FILE, RF_CONF_LOCK };

/* Where a value comes from. */
struct rf_conf_origin {
    enum rf_conf_layer layer;
    const char *file; /* RF_CONF_FILE */
    int line, column;
};

/* Why a configuration was refused: "file:line:column: sentence". */
struct rf_conf_problem {
    struct rf_conf_origin at;
    char sentence[256]; /* "unknown setting cipher-level; did you mean cipher-suite-level?" */
};

struct rf_conf; /* a validated snapshot */

/**
 * Read, merge and check both layers.
 * @param store_text  the store's layer (may be empty); file_path NULL: no file
 * @param problem     the first problem; more are logged by `config check`
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE, RF_ERR_NOT_FOUND (the file), RF_ERR_REFUSED (platform lock)
 */
RF_MUST_CHECK enum rf_err rf_conf_load(struct rf_conf **out, struct rf_span store_text, const char *file_path,
                                       struct rf_conf_problem *problem);
struct rf_conf *rf_conf_ref(struct rf_conf *c);   /* any thread */
void rf_conf_unref(struct rf_conf *c);            /* any thread; NULL is fine */

/*
 * Values by their dotted name, "sip.cipher-suite-level" or "user.201.srtp". The name must be of the option table
 * (an unknown one is our own mistake: assertion). Lists are one text with spaces between the words.
 */
const char *rf_conf_text(const struct rf_conf *c, const char *name);  /* never NULL: the default when not set */
bool rf_conf_is_on(const struct rf_conf *c, const char *name);
int64_t rf_conf_number(const struct rf_conf *c, const char *name);    /* durations in seconds */
struct rf_conf_origin rf_conf_origin(const struct rf_conf *c, const char *name);

/** Labels of blocks of a kind: rf_conf_label(c, "user", 0) gives "201". NULL past the last. */
const char *rf_conf_label(const struct rf_conf *c, const char *kind, size_t i);

/** For `config show`: every value with its origin; for `config export`: the store's layer in normal form. */
void rf_conf_visit(const struct rf_conf *c,
                   void (*visit)(void *ctx, const char *name, const char *value, struct rf_conf_origin origin),
                   void *ctx);

/**
 * The store's layer with one value changed (value p == NULL: removed), as text. Checks nothing but the grammar;
 * load the result to check it.
 */
RF_MUST_CHECK enum rf_err rf_conf_edit(struct rf_span store_text, struct rf_span name, struct rf_span value,
                                       struct rf_buf *out, struct rf_conf_problem *problem);
/** The same with a whole block removed ("user.204"). */
RF_MUST_CHECK enum rf_err rf_conf_remove(struct rf_span store_text, struct rf_span block, struct rf_buf *out,
                                         struct rf_conf_problem *problem);
/** Normal form of a text of the grammar (comments are lost). */
RF_MUST_CHECK enum rf_err rf_conf_format(struct rf_span text, struct rf_buf *out, struct rf_conf_problem *problem);

#endif
