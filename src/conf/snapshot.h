/*
 * conf/snapshot.h - the inside of a configuration snapshot, shared by the files of this folder
 *
 * Only what was said is stored; what was not said is answered from the option table (rf_snapshot_value).
 */
#ifndef RF_CONF_SNAPSHOT_H
#define RF_CONF_SNAPSHOT_H

#include <stdatomic.h>

#include "base/hash.h"
#include "conf/conf.h"
#include "conf/options.h"

struct setting {
    struct setting *next;
    const struct rf_option *option;
    const char *text; /* words with spaces between; a secret's reference */
    uint8_t *secret;  /* its octets when they are known; wiped with the snapshot */
    size_t secret_n;
    struct rf_conf_origin at;
};

struct rf_conf_block {
    struct rf_hash_node node;
    struct rf_conf_block *next;
    const struct kind *kind;
    const char *label;
    struct setting *settings;
    struct rf_conf_origin at; /* where it was first said */
};

/* Blocks of one kind: all of `user`. */
struct kind {
    struct kind *next;
    char name[32];
    struct rf_hash by_label;
    struct rf_conf_block *first, *last, **list;
    size_t count;
};

struct warning {
    struct warning *next;
    struct rf_conf_problem problem;
};

struct rf_conf {
    atomic_uint refs;
    struct rf_arena arena;
    struct setting *settings; /* those outside of labelled blocks */
    struct kind *kinds;
    bool is_secure, is_hosted; /* which defaults, which locks */
    struct warning *warnings, *last_warning;
    size_t warning_count;
};

/** The value in force of a setting (block NULL for one without a label) and where it comes from (may be NULL). */
const char *rf_snapshot_value(const struct rf_conf *c, const struct rf_option *o, const struct rf_conf_block *b,
                              struct rf_conf_origin *at);
struct setting *rf_snapshot_setting(struct setting *list, const struct rf_option *o);
struct kind *rf_snapshot_kind(const struct rf_conf *c, struct rf_span name);
struct rf_conf_block *rf_snapshot_block(const struct kind *k, struct rf_span label);

/* One load: collects problems, of which the first decides the result. */
struct loader {
    struct rf_conf *conf;
    const struct rf_conf_sources *from;
    struct rf_conf_problem *first;
    enum rf_err err;
};
__attribute__((format(printf, 4, 5))) void rf_loader_fail(struct loader *l, enum rf_err err,
                                                          struct rf_conf_origin at, const char *format, ...);
/** As rf_loader_fail with RF_ERR_REFUSED, for what has a code of its own. */
__attribute__((format(printf, 4, 5))) void rf_loader_refuse(struct loader *l, enum rf_refusal code,
                                                            struct rf_conf_origin at, const char *format, ...);
__attribute__((format(printf, 3, 4))) void rf_loader_warn(struct loader *l, struct rf_conf_origin at,
                                                          const char *format, ...);
/** A warning that is_advice. */
__attribute__((format(printf, 3, 4))) void rf_loader_advise(struct loader *l, struct rf_conf_origin at,
                                                            const char *format, ...);

/** Fetch the octets of a secret that was set (conf/secret.c). @param name dotted, for sentences */
void rf_loader_secret(struct loader *l, struct setting *s, struct rf_span value, const char *name);
/** The checks that need the whole configuration (conf/check.c). */
void rf_loader_check(struct loader *l);
/** Of these: SIP connections, numbers, routes, devices and ring groups (conf/connections.c). */
void rf_loader_check_connections(struct loader *l);

#endif
