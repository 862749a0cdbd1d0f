/*
 * probe/answer.h - the question behind the handshake, and what the peer says to it: OPTIONS or HEAD
 *
 * Threads: plain data. Pure: octets in, facts out. What the peer wrote is kept printable and clipped.
 */
#ifndef RF_PROBE_ANSWER_H
#define RF_PROBE_ANSWER_H

#include "probe/facts.h"

#define RF_PROBE_REQUEST_MAX 2048
#define RF_PROBE_ANSWER_MAX 65536 /* octets of an answer that are read */

enum rf_probe_transport { RF_PROBE_OVER_TLS, RF_PROBE_OVER_TCP, RF_PROBE_OVER_UDP };

struct rf_probe_request {
    bool is_sip;
    enum rf_probe_transport transport;
    const char *host; /* name or address in text form */
    uint16_t port;
    const char *uri, *user; /* of OPTIONS, and of From and Contact; NULL: of the host itself, and "probe" */
    struct rf_addr local; /* for Via and Contact */
    char branch[40], call_id[40], tag[20];
};

/** Fill branch, Call-ID and tag. */
void rf_probe_request_init(struct rf_probe_request *r, const struct rf_rand *rand);
RF_MUST_CHECK enum rf_err rf_probe_request_put(struct rf_buf *b, const struct rf_probe_request *r);

/**
 * Read the final answer out of what came so far.
 * @param is_over  nothing more will come
 * @return RF_OK: the facts are filled, also when it is no proper answer (not_answered); RF_ERR_AGAIN: read on
 */
RF_MUST_CHECK enum rf_err rf_probe_answer_read(const struct rf_probe_request *r, struct rf_span octets,
                                               bool is_over, struct rf_probe_talk_facts *out);

/** Copy what a peer wrote: printable ASCII and UTF-8 stay, the rest becomes '.', and it is clipped. */
void rf_probe_clean(char *to, size_t size, struct rf_span from);

#endif
