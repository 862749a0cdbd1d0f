/*
 * cli/ladder.h - a call as people read it: its evidence and its messages
 */
#ifndef RF_CLI_LADDER_H
#define RF_CLI_LADDER_H

#include "cli/command.h"

/** The evidence of both legs side by side. */
void rf_call_print(const struct rf_cli *cli, const json_t *call);

/** The messages between the two parties and us. */
void rf_ladder_print(const struct rf_cli *cli, const json_t *call);

#endif
