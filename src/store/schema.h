/*
 * store/schema.h - the SQLite database: how a connection is opened, and the versions of its tables
 *
 * The table `migration` has a row for each version that was applied. A database made by a newer program is
 * refused and left as it is; an older one is brought up step by step, each step in one transaction.
 *
 * Threads: a connection is used by one thread at a time.
 */
#ifndef RF_STORE_SCHEMA_H
#define RF_STORE_SCHEMA_H

#include <sqlite3.h>

#include "base/span.h"

#define RF_SCHEMA_VERSION 4

/**
 * Open or make the database (mode 0600), check it and bring its tables to RF_SCHEMA_VERSION.
 * @return RF_ERR_IO, RF_ERR_UNSUPPORTED (newer), RF_ERR_STATE (damaged, or not ours); with a sentence
 */
RF_MUST_CHECK enum rf_err rf_schema_open(sqlite3 **out, const char *path, char *why, size_t why_size);
/** A second connection to a database that rf_schema_open has opened; it cannot write. */
RF_MUST_CHECK enum rf_err rf_schema_open_reader(sqlite3 **out, const char *path, char *why, size_t why_size);

/** What an SQLite result means to a caller: RF_ERR_STATE damaged, RF_ERR_IO all else. */
enum rf_err rf_schema_err(int sqlite_result);
/** "database or disk is full (No space left on device)". */
void rf_schema_why(sqlite3 *db, char *why, size_t why_size);

#endif
