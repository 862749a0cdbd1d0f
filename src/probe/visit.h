/*
 * probe/visit.h - one connection to a server as it is configured: connect, TLS by our own settings, OPTIONS
 *
 * Unlike the conversations of probe/talk.h, which take everything, this is the client that calls use: its level, its
 * certificate, and the verdict that it would come to. What ends a call ends the visit, with the same refusal.
 *
 * Threads: any; the client must be this thread's own. It blocks until the target's deadlines, or until it is cancelled.
 * Memory: a report of 20 kB and the certificates, until rf_probe_visit_fini.
 */
#ifndef RF_PROBE_VISIT_H
#define RF_PROBE_VISIT_H

#include "probe/talk.h"
#include "tls/conn.h"

struct rf_probe_visit {
    bool is_connected;         /* UDP: always, once there is a socket */
    char error[160];           /* why not */
    uint32_t connect_us, shake_us;
    /* TLS */
    bool is_up;                /* the handshake was done, and our certificate was not refused afterwards */
    enum rf_refusal refusal;   /* when it is not up */
    char sentence[768], fix[512];
    char causes[256];          /* RF-108: what may be behind it, the likeliest first */
    char version[12], suite[48], group[24];
    bool asks_certificate;     /* the server asked for ours */
    size_t authority_count;    /* of which it wants one; those kept */
    char authority[RF_PROBE_CA_NAMES][128];
    struct rf_probe_chain chain;
    uint8_t sha256[32];        /* of its leaf */
    struct rf_check_report *report; /* the verdict on its certificate; NULL: it showed none, or it cannot be judged */
    /* OPTIONS, once all else was in order */
    struct rf_probe_talk_facts talk;
};

/**
 * @param client  TLS by these settings; NULL: the target's transport is without TLS
 * @param check   of the same settings
 * @param out     zeroed first
 */
void rf_probe_visit(const struct rf_probe_target *t, struct rf_tls_client *client, const struct rf_tls_check *check,
                    struct rf_probe_visit *out);
void rf_probe_visit_fini(struct rf_probe_visit *v);

#endif
