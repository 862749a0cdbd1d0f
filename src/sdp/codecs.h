/*
 * sdp/codecs.h - which codecs of a stream go on to the other leg, and in which order
 *
 * Nothing is transcoded, so a list of codecs can only take away and reorder: what is left was offered with this
 * payload type and these parameters. Key presses (telephone-event, RFC 4733) and comfort noise (CN, RFC 3389) are no
 * codecs of speech: they stay, behind, and a stream of them alone counts as empty.
 */
#ifndef RF_SDP_CODECS_H
#define RF_SDP_CODECS_H

#include "sdp/sdp.h"

/**
 * @param names  encoding names as in a=rtpmap, with blanks between, whatever their case; `all` stands for all that the
 *               list does not name, in the stream's order. Empty: as if it were `all`.
 * @return codecs of speech that are left. 0: none; the stream is then as it was, since an m= line without formats is
 *         no SDP (RFC 8866 5.14): the caller refuses.
 */
size_t rf_sdp_codecs_keep(struct rf_sdp *s, int stream, struct rf_span names);

/**
 * Of this stream what the other one has, too, by encoding name and clock rate; payload types and order stay, because
 * who reads this description sends with its numbers, and they are passed on as they are (RFC 3264 6.1 asks for the
 * other side's numbers, "should").
 *
 * @return codecs of speech that are left. 0: none; the stream is then as it was
 */
size_t rf_sdp_codecs_common(struct rf_sdp *s, int stream, const struct rf_sdp *other, int other_stream);

/** Has the stream of `s` each codec of speech of the other one, under the same payload type? */
bool rf_sdp_codecs_cover(const struct rf_sdp *s, int stream, const struct rf_sdp *other, int other_stream);

#endif
