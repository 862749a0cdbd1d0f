/*
 * base/err.h - errors as values
 *
 * A function that can fail returns enum rf_err and hands results out through pointers, which count only on
 * RF_OK. Broken input from the network is an ordinary value; rf_assert is for our own mistakes and stays on
 * in production.
 */
#ifndef RF_BASE_ERR_H
#define RF_BASE_ERR_H

#define RF_MUST_CHECK __attribute__((warn_unused_result))

/* name, what it means to a reader of a log line */
#define RF_ERRORS(X)                                                                                          \
    X(OK, "done")                                                                                             \
    X(ERR_SYNTAX, "the input does not follow its grammar")                                                    \
    X(ERR_RANGE, "a number or length is outside what is allowed")                                             \
    X(ERR_NOMEM, "a pool, buffer or table is full")                                                           \
    X(ERR_NOT_FOUND, "there is no such thing")                                                                \
    X(ERR_EXISTS, "it is there already")                                                                      \
    X(ERR_AGAIN, "not now: wait and try again")                                                               \
    X(ERR_CLOSED, "the other side is gone")                                                                   \
    X(ERR_IO, "the operating system reported an error (errno)")                                               \
    X(ERR_AUTH, "authentication failed")                                                                      \
    X(ERR_REPLAY, "seen before")                                                                              \
    X(ERR_STALE, "too old")                                                                                   \
    X(ERR_STATE, "not possible in this state")                                                                \
    X(ERR_LOOP, "it has been here before")                                                                    \
    X(ERR_TIMEOUT, "no answer in time")                                                                       \
    X(ERR_REFUSED, "policy says no")                                                                          \
    X(ERR_UNSUPPORTED, "not supported here")                                                                  \
    X(ERR_CRYPTO, "the cryptographic library reported an error")

enum rf_err {
#define X(name, text) RF_##name,
    RF_ERRORS(X)
#undef X
    RF_ERR_COUNT
};

/** "ERR_SYNTAX" and so on; a constant string. */
const char *rf_err_name(enum rf_err err);

/** The sentence of RF_ERRORS; a constant string. */
const char *rf_err_text(enum rf_err err);

/** Print file, line and claim on stderr and abort: only for our own mistakes, never for input. */
_Noreturn void rf_assert_failed(const char *file, int line, const char *claim);

#define rf_assert(claim) ((claim) ? (void)0 : rf_assert_failed(__FILE__, __LINE__, #claim))

#endif
