/*
 * probe/talk.h - conversations: whole handshakes, and what is said inside them
 *
 * Where something is encrypted before it can be seen (TLS 1.3's certificates, resumption, OPTIONS) a real handshake
 * is needed. Each conversation makes a few connections, one after the other, each with its own deadline. No
 * certificate is refused here: what may be said against it is for the report. Our own levels are tried with the
 * client of tls/context.h itself.
 *
 * Threads: any; each call has contexts of its own. Memory: OpenSSL's, some 200 kB at most for each connection.
 */
#ifndef RF_PROBE_TALK_H
#define RF_PROBE_TALK_H

#include "probe/answer.h"
#include "probe/scan.h"

struct rf_probe_target {
    char host[256]; /* as given: a name or an address in text form */
    uint16_t port;
    struct rf_addr addr; /* the one address that is connected to */
    bool is_sip;
    enum rf_probe_transport transport;
    uint64_t connection_us; /* for one connection, from connect to close */
    uint64_t until_us;      /* rf_now_us: when all must be over */
    int cancel_fd;          /* readable: wait for nothing any more; 0: none */
    const char *uri, *user; /* OPTIONS: for this one, by this user; NULL: the host's own, by "probe" */
    struct rf_cert *cert;   /* shown when the server asks; NULL: none */
    struct rf_addr local;   /* UDP: bound to this address; not set: the kernel chooses */
};

/* Certificates that were seen in conversations of one topic. */
struct rf_probe_shown {
    size_t count;
    struct {
        size_t n, sent;
        X509 *x[RF_PROBE_CHAIN_MAX];
    } chain[2];
};

void rf_probe_shown_fini(struct rf_probe_shown *s);

/**
 * Hold the conversations of a topic.
 * @param f  only the members of this topic are written; what the topic comes after is read
 * @return connections made
 */
unsigned rf_probe_talk(const struct rf_probe_target *t, enum rf_probe_topic topic, struct rf_probe_facts *f,
                       struct rf_probe_shown *shown);

/** OPTIONS without TLS. @return connections made */
unsigned rf_probe_talk_plain(const struct rf_probe_target *t, struct rf_probe_talk_facts *out);

/* --- sockets with a deadline --- */

/** @return descriptor, or -1: errno says why (ETIMEDOUT) */
int rf_probe_connect(const struct rf_probe_target *t, uint64_t until_us);
/** Wait for events of poll; false: the time is up, or it was cancelled. */
bool rf_probe_wait(const struct rf_probe_target *t, int fd, short events, uint64_t until_us);
/** The deadline of a connection that begins now. */
uint64_t rf_probe_deadline(const struct rf_probe_target *t);

#endif
