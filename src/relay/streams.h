/*
 * relay/streams.h - the SRTP streams of one leg and direction: which SSRC lies where
 *
 * A leg has RF_MEDIA_SSRCS live streams in the map. A further SSRC takes the place of the one that was silent for
 * longest, which is parked: its index is kept, so that it goes on there when it comes back and neither uses nor
 * accepts an index twice. What fits neither is refused until a CHANGE brings another key.
 *
 * Receiving, a stream is an SSRC: it goes on under the next key (srtp.h: `serial`). Sending, it is an SSRC under one
 * key, and the streams of keys before wait parked: of several phones that ring, each with its key, the one that spoke
 * first may be the one that answers.
 */
#ifndef RF_RELAY_STREAMS_H
#define RF_RELAY_STREAMS_H

#include "relay/map.h"

/* A process' own view: the SSRCs of the live streams in one place, so a look-up touches one cache line. */
struct rf_streams {
    struct rf_media_streams *in_map;
    uint32_t ssrc[RF_MEDIA_SSRCS];
    uint32_t key[RF_MEDIA_SSRCS];   /* sending: its key's serial; receiving: 0 */
    uint32_t batch[RF_MEDIA_SSRCS]; /* in which it was used last */
    uint32_t in_use;                /* copy of in_map->in_use */
    uint32_t present;               /* sending: serial of the key in use; receiving: 0 */
    uint32_t oldest;                /* parked streams of keys before this one may be given up for want of room */
};

/**
 * From the map, as a former process or CHANGE left it.
 * @param present  sending: serial of the key; receiving: 0
 * @param oldest   serial of the oldest key in use
 */
void rf_streams_load(struct rf_streams *s, struct rf_media_streams *in_map, uint32_t present, uint32_t oldest);

static inline struct rf_srtp_stream *
rf_streams_find(struct rf_streams *s, uint32_t ssrc, uint32_t batch)
{
    for (unsigned i = 0; i < RF_MEDIA_SSRCS; i++)
        if (s->ssrc[i] == ssrc && s->key[i] == s->present && (s->in_use >> i & 1) != 0) {
            s->batch[i] = batch;
            return &s->in_map->live[i];
        }
    return NULL;
}

/** What is known of an SSRC that is not live: its parked index, or nothing yet. Sending under a new key: where it
 *  stood under the one before (rf_srtp_stream_follow). */
void rf_streams_recall(const struct rf_streams *s, uint32_t ssrc, struct rf_srtp_stream *out);
/**
 * Make it live; evicts where needed, but never a stream used in this batch, since jobs may point to it.
 * @return NULL when there is no room
 */
struct rf_srtp_stream *rf_streams_adopt(struct rf_streams *s, const struct rf_srtp_stream *stream,
                                        uint32_t batch);

#endif
