/*
 * cli/command.h - one table of commands
 *
 * Parser, --help, completion, the manual page and the documents check are made from the rows of this table, so
 * that they cannot disagree. A command is a noun and maybe a verb; a bare noun lists.
 *
 * Data goes to stdout, everything else to stderr. No command prints a key, a password or a digest response.
 */
#ifndef RF_CLI_COMMAND_H
#define RF_CLI_COMMAND_H

#include <jansson.h>
#include <stdio.h>

#include "base/refusal.h"
#include "base/secret.h"

/* Exit statuses; scripts rely on them. */
enum rf_exit {
    RF_EXIT_DONE = 0,
    RF_EXIT_FAILED = 1,
    RF_EXIT_USAGE = 2,
    RF_EXIT_CONFIG = 3,
    RF_EXIT_NO_DAEMON = 4, /* none, or one that does not answer */
    RF_EXIT_FOUND = 5,  /* a check found problems */
    RF_EXIT_LOCKED = 6, /* refused by the platform lock */
    RF_EXIT_NOT_PERMITTED = 7
};

/* What a command can do that lies above this folder; given by main. */
struct rf_cli_hooks {
    /** Be the daemon; returns its exit status. config NULL: none was named. */
    int (*run)(const char *state_dir, const char *config);
    /** "seccomp, landlock 7" as it would be on this machine. */
    const char *(*sandbox)(void);
};

#define RF_CLI_TIMEOUT_S 60 /* a reload with 100,000 users takes some seconds; the daemon itself gives a worker 2 s */
#define RF_CLI_ARGS_MAX  64 /* a connection with all its settings has 40 */
#define RF_CLI_FLAGS_MAX 80 /* a certificate may be ordered with 64 names */

struct rf_cli_flag {
    const char *name;  /* "--config" */
    const char *value; /* "FILE": what follows; NULL: a switch */
    const char *help;
    bool may_repeat;   /* a value and given several times: rf_cli_flag_nth. Others are refused the second time */
};

struct rf_cli_command;

/* One run of the program. */
struct rf_cli {
    const struct rf_cli_hooks *hooks;
    const struct rf_cli_command *command;
    const char *state_dir;
    const char *timeout;               /* as it was given; NULL: RF_CLI_TIMEOUT_S */
    bool json, quiet, yes;
    bool is_terminal, colour;          /* of stdout */
    int arg_count;
    const char *arg[RF_CLI_ARGS_MAX];  /* positional; NULL past the last */
    struct {
        const char *name, *value;      /* value "" for a switch */
    } flag[RF_CLI_FLAGS_MAX];
    int flag_count;
};

struct rf_cli_command {
    const char *noun, *verb;           /* verb NULL: the bare noun */
    const char *args;                  /* "ID", "[USER]"; "" when it takes none */
    int args_min, args_max;
    bool needs_daemon;
    const char *example;
    const char *help;                  /* one sentence, no full stop */
    int (*run)(struct rf_cli *cli);
    struct rf_cli_flag flags[14];      /* ended by one without a name */
};

extern const struct rf_cli_command rf_cli_commands[]; /* ended by one without a noun */
extern const struct rf_cli_flag rf_cli_global_flags[];

/** Run the command line; the exit status. */
int rf_cli_main(int argc, char **argv, const struct rf_cli_hooks *hooks);

/** Value of a flag that was given; NULL when it was not; "" for a switch. */
const char *rf_cli_flag(const struct rf_cli *cli, const char *name);
/** Of one that may be given several times: the n-th, from 0; NULL past the last. */
const char *rf_cli_flag_nth(const struct rf_cli *cli, const char *name, size_t n);

/** The nearest word of a list to a mistyped one (at most a third of it differs), or NULL. */
const char *rf_cli_nearest(const char *word, const char *const *words, size_t n);

/* --- what goes to people --- */

/** "error RF-123 sentence" and the fix below it, on stderr; returns `status`. code, fix: "" or NULL for none. */
int rf_cli_error(const struct rf_cli *cli, int status, const char *code, const char *sentence, const char *fix);
/** The same with a sentence made here. A mistake in the command's words (RF_EXIT_USAGE) is RF-814, and its fix the help. */
__attribute__((format(printf, 3, 4))) int rf_cli_fail(const struct rf_cli *cli, int status, const char *format, ...);
/** The same with a code of the table. fix NULL: the table's, which must have no {words} then. */
__attribute__((format(printf, 5, 6))) int rf_cli_refuse(const struct rf_cli *cli, int status, enum rf_refusal code,
                                                        const char *fix, const char *format, ...);

/* A column of a list. */
struct rf_cli_column {
    const char *title;
    const char *key;                                                 /* member of the row's object */
    bool right;                                                      /* numbers stand right */
    void (*put)(struct rf_buf *b, const json_t *row, bool terminal); /* NULL: the member as it is */
};

/**
 * Print a list: JSON lines with --json, aligned columns on a terminal, tab-separated with a header line elsewhere.
 * @param rows  array of objects; not consumed
 */
void rf_cli_list(const struct rf_cli *cli, const json_t *rows, const struct rf_cli_column *columns, size_t n);

/** One object as a JSON line on stdout. */
void rf_cli_json(const json_t *object);

/** Text of a member for people: strings as they are, numbers, on/off; "" when it is not there. */
void rf_cli_put_value(struct rf_buf *b, const json_t *value);
const char *rf_cli_text(const json_t *object, const char *key); /* "" when it is no string */

/* --- the daemon --- */

/**
 * Ask the daemon of --state. Prints the error itself when there is one.
 * @param request  consumed
 * @param status   exit status when NULL is returned
 * @return its answer's "result", a new reference
 */
json_t *rf_cli_ask(const struct rf_cli *cli, json_t *request, int *status);

/*
 * Commands that are one such question. `request` is consumed; the exit status is returned.
 *   list:    the answer is rows: rf_cli_list
 *   show:    the answer is an object: as it is with --json, else as `print` shows it
 *   change:  something was done: the answer with --json, else a sentence on stderr (unless --quiet)
 */
int rf_cli_ask_list(const struct rf_cli *cli, json_t *request, const struct rf_cli_column *columns, size_t n);
int rf_cli_ask_show(const struct rf_cli *cli, json_t *request,
                    void (*print)(const struct rf_cli *cli, const json_t *result));
__attribute__((format(printf, 3, 4))) int rf_cli_ask_change(const struct rf_cli *cli, json_t *request,
                                                            const char *format, ...);

/** What the daemon warns of in a change that it made, on stderr: valid, and hardly meant. */
void rf_cli_warnings(const json_t *result);

/** rf_cli_ask without a word on stderr: NULL when no daemon serves this state directory. */
json_t *rf_cli_ask_quietly(const char *state_dir, json_t *request, int *status);

#define RF_CLI_SECRET_ROOM (RF_SECRET_MAX + 2) /* the longest secret as a line: its end, and the NUL */

/**
 * A secret: asked for twice without echo on a terminal, else the first line of stdin. On RF_ERR_SYNTAX (none), _RANGE (more
 * than fits) and _IO it was said why, and `out` is wiped.
 */
RF_MUST_CHECK enum rf_err rf_cli_secret(const struct rf_cli *cli, const char *prompt, char *out, size_t size);

/** Yes or no: --yes, or asked on a terminal; without either false and an error is printed. */
bool rf_cli_confirm(const struct rf_cli *cli, const char *question);

/** All of stdin, at most max octets; freed by the caller. NULL: too large or an error, which was printed. */
char *rf_cli_stdin(const struct rf_cli *cli, size_t max, size_t *n);

#endif
