/*
 * tls/levelout.h - the table of levels, for people and for programs
 *
 * The JSON has the form of Mozilla's own file of guideline 5.0, so that the two may be compared field by field;
 * the later guidelines stand beside it under "guidelines", in the form of theirs.
 */
#ifndef RF_TLS_LEVELOUT_H
#define RF_TLS_LEVELOUT_H

#include "base/buf.h"

#define RF_TLS_LEVELS_JSON_MAX 32768
#define RF_TLS_LEVELS_TEXT_MAX 16384

void rf_tls_levels_json(struct rf_buf *b);
void rf_tls_levels_text(struct rf_buf *b);

#endif
