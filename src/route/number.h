/*
 * route/number.h - telephone numbers: what a pattern matches, and how a number is written
 *
 * Inside, a number that has a country is E.164 with its +; what has none (extensions, emergency calls, numbers of a
 * connection whose country is not set) is what was dialled, without the marks that people put between digits.
 *
 * Threads: plain functions.
 */
#ifndef RF_ROUTE_NUMBER_H
#define RF_ROUTE_NUMBER_H

#include "base/buf.h"

#define RF_NUMBER_MAX 64 /* with its end: E.164 has 15 digits, prefixes and names of users come to more */

enum rf_number_format { RF_NUMBER_AS_IS, RF_NUMBER_E164, RF_NUMBER_E164_PLAIN, RF_NUMBER_NATIONAL };

/** "as-is", "e164", "e164-without-plus", "national"; of the option table, so always known. */
enum rf_number_format rf_number_format_of(const char *name);

/** Only digits, * and #, perhaps with + in front, once the marks - . ( ) and blanks are gone? */
bool rf_number_is(struct rf_span text);

/** Without marks. What is no number is copied as it is. RF_ERR_RANGE: it does not fit. */
RF_MUST_CHECK enum rf_err rf_number_clean(struct rf_span text, char out[static RF_NUMBER_MAX]);

/**
 * What a connection of this country says, as E.164: "+..." stays, "00..." is international, "0..." national, and
 * digits that begin with the country's own code and are long enough to be whole get their +. Anything else, and all
 * when country is "", stays.
 * @param number  cleaned
 */
RF_MUST_CHECK enum rf_err rf_number_read(struct rf_span number, const char *country, char out[static RF_NUMBER_MAX]);

/** The other way: as a connection of this country wants it. */
RF_MUST_CHECK enum rf_err rf_number_write(struct rf_span number, enum rf_number_format format, const char *country,
                                          char out[static RF_NUMBER_MAX]);

/**
 * Does the pattern (route.*.match) match? Digits, + and # stand for themselves, X for a digit, * at the end for anything.
 * @return -1 no; else how special the match is: more of what stands for itself first, then more X, then without *
 */
int rf_number_match(const char *pattern, size_t pattern_n, struct rf_span number);

#endif
