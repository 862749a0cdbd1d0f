/*
 * base/log.h - a line per event
 *
 * One event is one line: JSON objects to a file or pipe, aligned text to a terminal. Whoever
 * decides an outcome logs it, once. Keys, digest responses, passwords and DTMF digits are never logged.
 *
 * Threads: any thread; a line is written by one write(2).
 */
#ifndef RF_BASE_LOG_H
#define RF_BASE_LOG_H

#include "base/addr.h"

enum rf_log_level { RF_LOG_ERROR, RF_LOG_WARN, RF_LOG_INFO, RF_LOG_DEBUG };

enum rf_log_kind { RF_LOG_END, RF_LOG_STR, RF_LOG_SPAN, RF_LOG_U64, RF_LOG_I64, RF_LOG_BOOL, RF_LOG_ADDR,
                   RF_LOG_JSON };

/* A named value of an event. Made by the functions below, ended by one of kind RF_LOG_END (RF_LOGF does it). */
struct rf_log_field {
    enum rf_log_kind kind;
    const char *name;
    union {
        const char *str;
        struct rf_span span;
        uint64_t u64;
        int64_t i64;
        const struct rf_addr *addr;
    };
};

#define RF_F_STR(name_, v) ((struct rf_log_field){ .kind = RF_LOG_STR, .name = (name_), .str = (v) })
#define RF_F_SPAN(name_, v) ((struct rf_log_field){ .kind = RF_LOG_SPAN, .name = (name_), .span = (v) })
#define RF_F_U64(name_, v) ((struct rf_log_field){ .kind = RF_LOG_U64, .name = (name_), .u64 = (v) })
#define RF_F_I64(name_, v) ((struct rf_log_field){ .kind = RF_LOG_I64, .name = (name_), .i64 = (v) })
#define RF_F_BOOL(name_, v) ((struct rf_log_field){ .kind = RF_LOG_BOOL, .name = (name_), .u64 = (v) })
/* v is JSON text already: it is written as it is. */
#define RF_F_JSON(name_, v) ((struct rf_log_field){ .kind = RF_LOG_JSON, .name = (name_), .span = (v) })
#define RF_F_ADDR(name_, v) ((struct rf_log_field){ .kind = RF_LOG_ADDR, .name = (name_), .addr = (v) })

/**
 * Say where lines go. Called once per process before threads start.
 * @param fd       lines for the operator, or -1; text when it is a terminal, JSON otherwise
 * @param file_fd  a second copy, always JSON (what `ringfence log` reads), or -1
 * @param level    the least important level that is written
 * @param process  "parent", "signal" or "media": a field of each line; a constant string
 */
void rf_log_open(int fd, int file_fd, enum rf_log_level level, const char *process);

/** Write one event. `code` is a refusal's code such as "RF-301", or NULL. `msg` is a whole sentence. */
void rf_log_event(enum rf_log_level level, const char *code, const char *event, const char *msg,
                  const struct rf_log_field *fields);

/* RF_LOGF(RF_LOG_INFO, "user.registered", "201 registered", RF_F_STR("user", "201"), ...) */
#define RF_LOGF(level, event, msg, ...)                                                                       \
    rf_log_event(level, NULL, event, msg, (const struct rf_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define RF_LOG_CODE(level, code, event, msg, ...)                                                             \
    rf_log_event(level, code, event, msg, (const struct rf_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

/**
 * A sentence with words in it that others chose, before it goes to a terminal or into JSON: octets that are no UTF-8 (one
 * that was cut in the middle of a character has some) and control characters become '?'.
 */
void rf_text_mend(char *text);
/** Append s as a JSON string with its quotes; octets that are not UTF-8 become U+FFFD. */
void rf_put_json_string(struct rf_buf *b, struct rf_span s);

#endif
