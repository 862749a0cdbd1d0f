/*
 * tests/play/stage_env.h - what stage.c needs of stage_env.c; nobody else includes it
 */
#ifndef RF_PLAY_STAGE_ENV_H
#define RF_PLAY_STAGE_ENV_H

#include "play/stage.h"

/** The outside of the first worker, but for its wheel and transactions. */
void stage_env(struct stage *s, struct rf_call_env *call, struct rf_event_env *event);
/** What of it is another for the second one. */
void stage_env_second(struct rf_call_env *call);
/** The next way of one path that is wanted, to whoever waits for it; false: none is. */
bool stage_give_path(struct stage *s);
/** Letters that are due; false: none were. */
bool stage_deliver_letters(struct stage *s);
/** A message from the network. It comes in where its call is, or will be: what is under way to there is behind it. */
void stage_receive(struct stage *s, struct wire *wire, const struct rf_sip_msg *msg);
/** `changed` of the board of lamps. */
void stage_lamp_changed(void *ctx, const char *user, uint16_t worker);

#endif
