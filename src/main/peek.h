/*
 * main/peek.h - the store's layer of the configuration, read without opening the store in the parent
 *
 * The store's file is written by the unprivileged signal process; a parent that is root must not parse it. A
 * short-lived child of that user reads it and passes on the text, whose grammar is ours and is fuzzed.
 */
#ifndef RF_MAIN_PEEK_H
#define RF_MAIN_PEEK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/span.h"

#define RF_STORE_LAYER_MAX (4u << 20) /* octets: 10,000 users of 300 octets and room */

/**
 * @param text  the layer as a C string, freed by the caller; empty when there is none yet
 * @param why   on error a sentence for the operator
 * @return RF_ERR_IO, RF_ERR_STATE the store is damaged, RF_ERR_UNSUPPORTED made by a newer version
 */
RF_MUST_CHECK enum rf_err rf_peek_settings(const char *state_dir, bool drops_user, uid_t uid, gid_t gid, char **text,
                                           char *why, size_t why_size);

#endif
