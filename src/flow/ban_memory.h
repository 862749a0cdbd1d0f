/*
 * flow/ban_memory.h - bans that outlive the process which made them
 *
 * A guesser must not get a fresh start by a crash of ours. Bans that run lie in a piece of shared memory that the
 * parent holds open and signal alone writes: nothing is written to disk while we are attacked, and a new start of the
 * whole daemon begins without bans.
 *
 * Invariants:
 * (B1) A slot is valid only while its `source` is not 0, which is written last and cleared first: kill -9 in between
 *      leaves an empty slot.
 * (B2) What is read of an earlier process is checked like anything from outside.
 *
 * Threads: a slot belongs to the shard that it lies in (flow/guard.c), whose lock its user holds. Memory: 640 kB.
 */
#ifndef RF_FLOW_BAN_MEMORY_H
#define RF_FLOW_BAN_MEMORY_H

#include "base/hash.h"

#define RF_BANS_MAX 16384 /* that run at one time: a botnet's worth; one more ends with its process */

struct rf_ban_slot {
    uint64_t address;        /* IPv4 address, or the first half of an IPv6 address */
    uint64_t until_us;       /* monotonic, which goes on as long as the machine runs */
    _Atomic uint16_t source; /* (B1) 4, 6; 0: empty */
    uint8_t level, reason;
    uint32_t spare;
};

struct rf_ban_memory {
    uint64_t magic;          /* 0: never used */
    struct rf_hash_key key;  /* spreads sources over shards: the same in the next process */
    struct rf_ban_slot slot[RF_BANS_MAX];
};

/** An empty one in an anonymous file, for the parent; -1 (errno). */
int rf_ban_memory_file(void);

/** Map such a file; NULL (errno). A fresh one is given a key. */
struct rf_ban_memory *rf_ban_memory_map(int fd, const struct rf_rand *rand);
/** NULL is fine. */
void rf_ban_memory_unmap(struct rf_ban_memory *m);

#endif
