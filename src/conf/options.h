/*
 * conf/options.h - every setting there is, one row each
 *
 * Parser, checker, defaults, `config explain`, completion, the console's forms and docs/reference/settings.md
 * come from this table. A row that nothing reads must not be here.
 *
 * Names are dotted; `*` stands for the label of a block: "user.*.srtp" is `user 201 { srtp required }`.
 */
#ifndef RF_CONF_OPTIONS_H
#define RF_CONF_OPTIONS_H

#include "base/addr.h"

enum rf_option_type {
    RF_OPT_FLAG,     /* on, off */
    RF_OPT_ENUM,     /* one of the choices */
    RF_OPT_LEVEL,    /* one of the choices, with @VERSION or without */
    RF_OPT_NUMBER,   /* within the range; `auto` where the range says so, read as 0 */
    RF_OPT_DURATION, /* 500ms is not known: 10s 5m 12h 30d; 0; read in seconds */
    RF_OPT_TEXT,     /* at most the range's octets */
    RF_OPT_DOMAIN,   /* a host name or address */
    RF_OPT_ADDRESS,  /* IPv4 or IPv6, or a choice such as `auto` */
    RF_OPT_SERVER,   /* ADDRESS or ADDRESS:PORT, or a choice such as `system` */
    RF_OPT_NETWORK,  /* ADDRESS or ADDRESS/BITS */
    RF_OPT_TARGET,   /* HOST, HOST:PORT, with ;transport=tls|tcp|udp, with sip: or sips: in front */
    RF_OPT_LISTEN,   /* SCHEME:ADDRESS:PORT, the choices are the schemes */
    RF_OPT_PORTS,    /* 30000-39999 */
    RF_OPT_SECRET,   /* secret:NAME, file:PATH, env:NAME, or a literal */
    RF_OPT_PATH,     /* a file or folder: /PATH or file:/PATH */
    RF_OPT_FILE,     /* file:PATH that must be readable; a list may be said in several lines */
    RF_OPT_KEY_FILE, /* file:PATH that others must not be able to read (RF-809) */
    RF_OPT_BLOCK     /* label of a block of the kind that stands first in the choices, or another choice */
};

struct rf_option {
    const char *name;
    enum rf_option_type type;
    bool is_list;               /* several words */
    bool needs_restart;         /* otherwise `reload` applies it */
    const char *compatible;     /* default by security-profile; "@sip.srtp": the value of that setting;
                                   "@sip.x?a\0b": a when that setting is 1 or on, else b;
                                   "@certificate.x?a\0b": a when there is such a block, else b */
    const char *secure;
    const char *choices;        /* "a|b|c", or "LOW..HIGH" for numbers and durations, "auto|LOW..HIGH" */
    const char *hosted;         /* NULL, or what platform hosted allows: "a|b", the first is enforced */
    const char *requirements;   /* "IPC-21 TEL-2", may be empty */
    const char *help;           /* one paragraph */
};

/** Row i, NULL past the last. */
const struct rf_option *rf_option_at(size_t i);
size_t rf_option_count(void);

/** By exact name with `*` for the label; NULL: none. */
const struct rf_option *rf_option_find(struct rf_span pattern);
/** By dotted name with a label ("user.201.srtp"); *label is set, empty when there is none. NULL: none. */
const struct rf_option *rf_option_resolve(struct rf_span name, struct rf_span *label);

/* What the words `prefix` + name are: prefix is "", "sip." or "user.*.". */
enum rf_option_place { RF_PLACE_UNKNOWN, RF_PLACE_SETTING, RF_PLACE_BLOCK, RF_PLACE_LABELLED_BLOCK };
enum rf_option_place rf_option_place(struct rf_span prefix, struct rf_span name);

/** The name a person most likely meant, among those that may follow prefix; NULL when none is near. In `mem`. */
const char *rf_option_suggest(struct rf_span prefix, struct rf_span name, char *mem, size_t size);

/** Nearest of "a|b|c" to a word, or NULL. In `mem`. */
const char *rf_choice_suggest(const char *choices, struct rf_span word, char *mem, size_t size);
/** Is the word one of "a|b|c"? */
bool rf_choice_has(const char *choices, struct rf_span word);

/**
 * Are these words a value of this setting?
 * @param sentence  what is wrong, without the place
 * @return RF_ERR_SYNTAX, RF_ERR_RANGE
 */
RF_MUST_CHECK enum rf_err rf_option_check(const struct rf_option *o, const struct rf_span *word, size_t n,
                                          char *sentence, size_t size);

#define RF_LEVEL_VERSIONS "5.0|5.7|5.8|6.0" /* of Mozilla's levels, behind the @ */
#define RF_PATH_MAX       1024              /* octets of a path, with its end */
/** The path of a file:PATH or /PATH. */
struct rf_span rf_option_path(struct rf_span word);

/** "10s", "5m", "12h", "30d", "0" in seconds. RF_ERR_SYNTAX, RF_ERR_RANGE. */
RF_MUST_CHECK enum rf_err rf_duration_parse(struct rf_span text, int64_t *seconds);
/** Number or duration of a checked value; `auto` is 0. */
int64_t rf_option_number(const struct rf_option *o, const char *text);

/** "192.0.2.0/24" or an address. RF_ERR_SYNTAX; RF_ERR_RANGE: more bits than the family has. */
RF_MUST_CHECK enum rf_err rf_network_parse(struct rf_span text, struct rf_addr *out, unsigned *bits);

enum rf_listen_scheme { RF_LISTEN_UDP, RF_LISTEN_TCP, RF_LISTEN_TLS, RF_LISTEN_HTTP, RF_LISTEN_HTTPS };
const char *rf_listen_scheme_name(enum rf_listen_scheme s);
struct rf_listen {
    enum rf_listen_scheme scheme;
    struct rf_addr addr; /* port 0: any free one */
};
/** Without a scheme port 80 means http, any other https. */
RF_MUST_CHECK enum rf_err rf_listen_parse(struct rf_span text, struct rf_listen *out);
/* Where requests go. */
#define RF_CONF_FQDN_OF_A_HOST_MAX 32 /* connections of type fqdn with one host in server */
#define RF_CONF_CONNECTIONS_MAX  4096 /* each is looked at for (C4) and (C5) of route/connection.h */
#define RF_CONF_ALLOW_MAX          64 /* networks of one connection; they lie in it, so that a look at all is quick */

struct rf_target_text {
    bool is_sips;
    struct rf_span host;      /* IPv6 with its brackets */
    uint16_t port;            /* 0: none given */
    struct rf_span transport; /* "tls", "tcp", "udp" as written; empty: none given */
};
RF_MUST_CHECK enum rf_err rf_target_text_parse(struct rf_span text, struct rf_target_text *out);
/** "192.0.2.1", "[2001:db8::1]:5353": without a port it is the one given. */
RF_MUST_CHECK enum rf_err rf_server_parse(struct rf_span text, uint16_t port, struct rf_addr *out);
/** "30000-39999". RF_ERR_SYNTAX; RF_ERR_RANGE below 1024 or without an even-odd pair. */
RF_MUST_CHECK enum rf_err rf_ports_parse(struct rf_span text, uint16_t *low, uint16_t *high);

#endif
