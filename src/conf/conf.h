/*
 * conf/conf.h - the configuration: grammar, option table, layers
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
#include "base/refusal.h"
#include "base/secret.h"

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
    enum rf_refusal code; /* RF-801, RF-809; RF_REFUSE_NONE: only a wrong text (RF-810) */
    bool is_advice; /* a warning of what works as it is and could be better: `config check --strict` alone tells it */
};

struct rf_conf; /* a validated snapshot */

/* What a configuration is made of. Zeroed members are fine. */
struct rf_conf_sources {
    struct rf_span store_text;  /* the store's layer */
    const char *file_path;      /* the file's layer; NULL: none */
    struct rf_span file_text;   /* p != NULL: instead of a file, such as the embedded default; no imports */
    const char *file_name;      /* what origins call file_text; a constant string */

    /**
     * Octets of `secret:NAME`. NULL: secrets, files and variables that are not there are warnings (a check
     * away from the daemon). RF_ERR_NOT_FOUND.
     */
    enum rf_err (*secret)(void *ctx, struct rf_span name, struct rf_secret *out);
    /**
     * A file that the configuration names was read and checked by somebody who may: true. Its octets are empty when
     * they are not at hand any more (a check of a change). NULL or false: the loader opens it itself.
     */
    bool (*file)(void *ctx, struct rf_span path, struct rf_span *octets);
    /** Told of every problem, not only the first. May be NULL. */
    void (*problem)(void *ctx, const struct rf_conf_problem *p);
    void *ctx;
};

/**
 * Read, merge and check both layers; nothing is kept of what fails.
 * @param problem  the first problem
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE, RF_ERR_NOT_FOUND (the file, or a setting nobody knows), RF_ERR_EXISTS
 *         (said twice), RF_ERR_REFUSED (platform lock: exit status 6; file modes), RF_ERR_IO, RF_ERR_NOMEM
 */
RF_MUST_CHECK enum rf_err rf_conf_load_from(struct rf_conf **out, const struct rf_conf_sources *from,
                                            struct rf_conf_problem *problem);
/** rf_conf_load_from with these two alone: a check away from the daemon. */
RF_MUST_CHECK enum rf_err rf_conf_load(struct rf_conf **out, struct rf_span store_text, const char *file_path,
                                       struct rf_conf_problem *problem);
struct rf_conf *rf_conf_ref(struct rf_conf *c);   /* any thread */
void rf_conf_unref(struct rf_conf *c);            /* any thread; NULL is fine */

/** "ringfence.conf:41:7: sentence"; a problem of the store's layer is "settings:41:7: ". */
void rf_conf_put_problem(struct rf_buf *out, const struct rf_conf_problem *p);

/** What is valid and will hardly be meant, or is_advice: literal passwords, ... NULL past the last. */
const struct rf_conf_problem *rf_conf_warning(const struct rf_conf *c, size_t i);

/*
 * Values by their dotted name, "sip.cipher-suite-level" or "user.201.srtp". The name must be of the option table
 * (an unknown one is our own mistake: assertion). Lists are one text with spaces between the words. A secret
 * reads as its reference ("secret:user-201"), or "(hidden)" when it is a literal.
 */
const char *rf_conf_text(const struct rf_conf *c, const char *name);  /* never NULL: the default when not set */
bool rf_conf_is_on(const struct rf_conf *c, const char *name);
int64_t rf_conf_number(const struct rf_conf *c, const char *name);    /* durations in seconds; `auto` is 0 */
struct rf_conf_origin rf_conf_origin(const struct rf_conf *c, const char *name);
/** Is there such a name, with its block in this snapshot? For names that people typed. */
bool rf_conf_knows(const struct rf_conf *c, struct rf_span name);

/** Labels of blocks of a kind: rf_conf_label(c, "user", 0) gives "201". NULL past the last. */
const char *rf_conf_label(const struct rf_conf *c, const char *kind, size_t i);

/* The label of a certificate block that has none, whose certificate the interfaces show when nothing is said. */
#define RF_CONF_UNNAMED "default"

/* A block with a label: `user 201`. Found in O(1); its settings by their names within it. */
struct rf_conf_block;
const struct rf_conf_block *rf_conf_block(const struct rf_conf *c, const char *kind, struct rf_span label);
const struct rf_conf_block *rf_conf_block_at(const struct rf_conf *c, const char *kind, size_t i);
const char *rf_conf_block_label(const struct rf_conf_block *b);
/** The file's when that has the block, too: it cannot be removed elsewhere. */
struct rf_conf_origin rf_conf_block_origin(const struct rf_conf_block *b);
#define RF_CONF_LABEL_MAX 63 /* octets of a block's name */
/** May a block be called so? Letters, digits, and what a SIP URI has without escapes: - _ . + ~ */
bool rf_conf_label_is_valid(struct rf_span s);
const char *rf_conf_block_text(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting);
bool rf_conf_block_is_on(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting);
int64_t rf_conf_block_number(const struct rf_conf *c, const struct rf_conf_block *b, const char *setting);
/** The octets of a secret. RF_ERR_NOT_FOUND: not set, or not there when the snapshot was made. */
RF_MUST_CHECK enum rf_err rf_conf_block_secret(const struct rf_conf *c, const struct rf_conf_block *b,
                                               const char *setting, struct rf_secret *out);

/**
 * What differs between two snapshots, for the answer to `reload`. A block that came or went is told of once,
 * under its name ("user.204"), as "" and "added" or "removed".
 */
void rf_conf_diff(const struct rf_conf *before, const struct rf_conf *after,
                  void (*visit)(void *ctx, const char *name, const char *was, const char *is, bool needs_restart),
                  void *ctx);

/** For `config show`: every value with its origin; for `config export`: the store's layer in normal form. */
void rf_conf_visit(const struct rf_conf *c,
                   void (*visit)(void *ctx, const char *name, const char *value, struct rf_conf_origin origin),
                   void *ctx);

/**
 * The store's layer with one value changed (value p == NULL: removed), as text. Checks nothing but the grammar
 * and that the name is known; load the result to check it. A list's value is split at its spaces.
 */
RF_MUST_CHECK enum rf_err rf_conf_edit(struct rf_span store_text, struct rf_span name, struct rf_span value,
                                       struct rf_buf *out, struct rf_conf_problem *problem);
/** Several at once, in order: one pass over the text. */
struct rf_conf_change {
    struct rf_span name, value;
};
RF_MUST_CHECK enum rf_err rf_conf_edit_all(struct rf_span store_text, const struct rf_conf_change *change, size_t n,
                                           struct rf_buf *out, struct rf_conf_problem *problem);
/** The same with a whole block removed ("user.204"). */
RF_MUST_CHECK enum rf_err rf_conf_remove(struct rf_span store_text, struct rf_span block, struct rf_buf *out,
                                         struct rf_conf_problem *problem);
/** The same text with literal passwords replaced by "(hidden)": what `config export` prints. */
RF_MUST_CHECK enum rf_err rf_conf_hide(struct rf_span text, struct rf_buf *out, struct rf_conf_problem *problem);
/** Normal form of a text of the grammar (comments are lost). */
RF_MUST_CHECK enum rf_err rf_conf_format(struct rf_span text, struct rf_buf *out, struct rf_conf_problem *problem);

#endif
