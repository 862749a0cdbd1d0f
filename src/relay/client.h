/*
 * relay/client.h - a signal worker's way to the media process
 *
 * Sends requests to the thread that has the session, hands answers and events back, and sees to it that each
 * request is answered: when media dies with a request in its hands, it is sent again; what has no answer after
 * RF_MEDIA_CLIENT_US is answered here, with FULL to an OPEN and GONE to all else.
 *
 * Threads: one worker. Memory: a request that waits for its answer is kept (900 octets), wiped afterwards.
 */
#ifndef RF_RELAY_CLIENT_H
#define RF_RELAY_CLIENT_H

#include "loop/loop.h"
#include "relay/map.h"

#define RF_MEDIA_CLIENT_US      2000000ull
#define RF_MEDIA_CLIENT_PENDING 4096 /* requests without an answer; more: RF_ERR_NOMEM, answer 503 */

struct rf_media_client;

struct rf_media_client_conf {
    struct rf_loop *loop;
    uint32_t threads, slots_per_thread;
    const struct rf_media_map *map; /* how busy the threads are; outlives the client */
    const int *control; /* [thread]: signal's ends for this worker; closed by the caller */
    uint64_t epoch;     /* of this signal process: grows with each start (microseconds of the wall clock will do) */
    /** An answer (with the cookie of its request) or an event (cookie 0). It was checked. May send, not free. */
    void (*reply)(void *ctx, const struct rf_media_reply *reply, uint64_t now_us);
    void *ctx;
};

/** RF_ERR_NOMEM; RF_ERR_IO: its descriptors cannot be watched. */
RF_MUST_CHECK enum rf_err rf_media_client_new(struct rf_media_client **out, const struct rf_media_client_conf *conf);
/** Requests without an answer are forgotten. NULL is fine. */
void rf_media_client_free(struct rf_media_client *c);

/**
 * Send. version, epoch and is_repeat are set here; cookie is the caller's and comes back with the answer. OPEN goes
 * to the thread with the fewest ports in use or at rest, SWEEP to all (and has no answer). A CLOSE may wait for
 * another request, up to 20 ms. A busy worker's OPEN is answered with a session that was opened ahead.
 * @return RF_ERR_NOMEM: too many without an answer; RF_ERR_RANGE: the request cannot be right
 */
RF_MUST_CHECK enum rf_err rf_media_client_send(struct rf_media_client *c, const struct rf_media_request *request,
                                               uint64_t now_us);

/** Requests without an answer. */
size_t rf_media_client_pending(const struct rf_media_client *c);

#endif
