/*
 * benchmarks/callmedia.h - the media of the calls that sipload makes: plain RTP of who calls, SRTP of who is called
 *
 * An end is one UDP port of 127.0.0.1. It sends 50 packets of 160 octets a second to where the other side's description says, and
 * counts what comes; each packet that comes is decrypted, if it is to be, and its audio compared.
 *
 * Threads: one, that of the loop.
 */
#ifndef BENCH_CALLMEDIA_H
#define BENCH_CALLMEDIA_H

#include "base/span.h"
#include "loop/loop.h"

struct media_end;

struct media_count {
    uint64_t sent, received, wrong; /* packets; wrong: not authentic, or other audio than was sent */
};

/** Opens `count` ends. @return false: errno says why */
bool media_open(struct rf_loop *loop, unsigned count);

/** An end that is free; NULL: all are in use. */
struct media_end *media_take(void);
/** It falls silent and is free again. NULL is fine. */
void media_give_back(struct media_end *e);

/** Its description: an offer, or the answer to one. @param offer  without a description: ours is an offer, in clear
 *  @return octets written; 0: no room, or no crypto line of AES_CM_128_HMAC_SHA1_80 in an offer of RTP/SAVP */
size_t media_describe(struct media_end *e, struct rf_span offer, char *text, size_t room);

/** Talk to who is described. @param packets  after so many it stops by itself; 0: until it is given back */
bool media_start(struct media_end *e, struct rf_span description, unsigned packets, uint64_t now_us);
/** It has sent all that media_start told it to. */
bool media_is_over(const struct media_end *e);

/** Sends what is due. Once a round. */
void media_run(uint64_t now_us);

struct media_count media_counted(void);

#endif
