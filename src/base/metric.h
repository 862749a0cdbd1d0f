/*
 * base/metric.h - every metric there is, one row each, and the text in which they are shown
 *
 * `ringfence metrics`, GET /metrics and docs/reference/metrics.md are made from this table, so that they cannot
 * disagree. Names follow the rules of Prometheus (practices/naming): one prefix, base units, _total on what only
 * grows, no label whose values somebody outside chooses, sums that mean something. Names are stable for ever.
 *
 * The writer makes the text exposition format, version 0.0.4, or the same as JSON. It allocates nothing; what does not
 * fit sets the buffer's overflow, as always (base/buf.h).
 */
#ifndef RF_BASE_METRIC_H
#define RF_BASE_METRIC_H

#include "base/buf.h"
#include "base/tally.h"

/* name, as shown, type, labels with spaces between, what it says */
#define RF_METRICS(X)                                                                                                 \
    X(BUILD_INFO, "ringfence_build_info", GAUGE, "version", "1, and which version runs.")                             \
    X(CALLS, "ringfence_calls", GAUGE, "verdict",                                                                     \
      "Calls that ring or are up, by what protects them now: encrypted, partly, clear, unproven.")                    \
    X(CALLS_TOTAL, "ringfence_calls_total", COUNTER, "direction connection outcome verdict",                          \
      "Calls that ended. direction: internal, or inbound, outbound, transit by way of SIP connections; connection: "  \
      "the one it came by, else the one it went out by, empty between users. outcome: answered, cancelled, busy, "    \
      "no_answer, refused, failed. verdict: the worst that protected it in its life.")                                \
    X(CALL_SETUP, "ringfence_call_setup_seconds", HISTOGRAM, "direction",                                             \
      "From a call's INVITE to its answer, of calls that were answered.")                                             \
    X(CALL_DURATION, "ringfence_call_duration_seconds", HISTOGRAM, "direction",                                       \
      "From a call's answer to its end.")                                                                             \
    X(SIP_REQUESTS, "ringfence_sip_requests_total", COUNTER, "direction transport method",                            \
      "SIP requests that arrived (in) or were sent (out), repeats and ACKs among them; other: a method that we do "   \
      "not know.")                                                                                                    \
    X(SIP_RESPONSES, "ringfence_sip_responses_total", COUNTER, "direction transport status_code",                     \
      "SIP responses that arrived or were sent, repeats among them. A rare status shows as its class: 4xx.")          \
    X(SIP_MALFORMED, "ringfence_sip_malformed_total", COUNTER, "",                                                    \
      "SIP messages that could not be read, or not even cut from their stream (RF-513).")                             \
    X(REGISTRATIONS, "ringfence_registrations", GAUGE, "transport", "Contacts of phones that are registered now.")    \
    X(USERS_REGISTERED, "ringfence_registered_users", GAUGE, "", "Users with at least one registered contact.")       \
    X(TLS_CONNECTIONS, "ringfence_tls_connections", GAUGE, "surface protocol_version",                                \
      "TLS connections that are open, by interface.")                                                                 \
    X(TLS_HANDSHAKES, "ringfence_tls_handshakes_total", COUNTER, "surface result protocol_version cipher",            \
      "TLS handshakes by interface. result: full, resumed, or failed, where version and cipher stay empty. A peer of " \
      "TLS 1.3 that refuses our certificate does so after the handshake: it counts as full and as failed.")           \
    X(TLS_FAILURES, "ringfence_tls_handshake_failures_total", COUNTER, "surface code",                                \
      "TLS handshakes that failed, by the reason that ringfence explain CODE explains.")                              \
    X(TLS_REFUSED, "ringfence_tls_peer_rejected_certificate_total", COUNTER, "surface alert",                         \
      "Handshakes in which the peer refused our certificate (RF-202), by its alert. unknown_ca: it does not have the " \
      "root of our certificate.")                                                                                     \
    X(TLS_DURATION, "ringfence_tls_handshake_duration_seconds", HISTOGRAM, "surface resumed",                         \
      "From a connection's first octet of TLS to the end of its handshake, of those that were done.")                 \
    X(SRTP_PACKETS, "ringfence_srtp_packets_total", COUNTER, "direction suite",                                       \
      "SRTP packets that arrived and were authentic, or were sent.")                                                  \
    X(SRTP_REJECTED, "ringfence_srtp_rejected_packets_total", COUNTER, "reason",                                      \
      "Packets that were dropped. auth: not authentic; replay: seen before, or too old to tell; clear: plain RTP "    \
      "where SRTP is required; foreign: not from the peer's address; malformed: no RTP.")                             \
    X(CLEAR_PACKETS, "ringfence_rtp_cleartext_packets_total", COUNTER, "connection direction",                        \
      "RTP packets in clear that were accepted or sent, by SIP connection, empty: phones of users. Where all media "  \
      "is to be encrypted, any rise is an alarm.")                                                                    \
    X(MEDIA_STREAMS, "ringfence_media_streams", GAUGE, "suite keying",                                                \
      "Legs of calls with media that passes through here, by what protects it now; keying: sdes, or none.")           \
    X(ONE_WAY, "ringfence_one_way_sessions_total", COUNTER, "",                                                       \
      "Legs of calls from which no audio came while the other side spoke (RF-401).")                                  \
    X(ZERO_PACKET, "ringfence_zero_packet_streams_total", COUNTER, "",                                                \
      "Legs of answered calls that had said that they send and from which not one packet was accepted.")              \
    X(PACKETS_LOST, "ringfence_rtp_packets_lost_total", COUNTER, "direction",                                         \
      "RTP packets lost on the way to us (in, by their sequence numbers) and from us (out, as peers reported).")      \
    X(JITTER, "ringfence_rtp_jitter_seconds", HISTOGRAM, "direction",                                                 \
      "Interarrival jitter (RFC 3550) of a leg when its call ended; out: as the peer reported.")                      \
    X(CERT_EXPIRY, "ringfence_certificate_expiry_timestamp_seconds", GAUGE, "name kind",                              \
      "When a certificate ends. kind own: a certificate of this machine, by its block; trusted: one of the trusted "  \
      "certificate stores, by its subject. Of several with one name the earliest.")                                   \
    X(ACME_RENEWALS, "ringfence_acme_renewals_total", COUNTER, "result",                                              \
      "Certificates that were issued or renewed by themselves (done), and attempts that failed.")                     \
    X(PROBLEMS, "ringfence_problems_total", COUNTER, "code",                                                          \
      "What was refused or went wrong, by the code that ringfence explain CODE explains.")                            \
    X(BANS, "ringfence_banned_sources", GAUGE, "", "Sources that are shut out now.")                                  \
    X(RELOAD_OK, "ringfence_config_last_reload_successful", GAUGE, "",                                                \
      "1: the last change or reload of the configuration was applied; 0: it was refused.")                            \
    X(RELOAD_AT, "ringfence_config_last_reload_success_timestamp_seconds", GAUGE, "",                                 \
      "When the configuration in force was taken over.")                                                              \
    X(STARTS, "ringfence_signal_starts_total", COUNTER, "",                                                           \
      "How often the process that counts was started, since the daemon was. A rise means that the counters began "    \
      "anew.")                                                                                                        \
    X(CPU, "process_cpu_seconds_total", COUNTER, "", "Time of the processor that the signal process used.")           \
    X(MEMORY, "process_resident_memory_bytes", GAUGE, "", "Memory that the signal process has in use.")               \
    X(VIRTUAL, "process_virtual_memory_bytes", GAUGE, "", "Addresses that the signal process has mapped.")            \
    X(OPEN_FDS, "process_open_fds", GAUGE, "", "Descriptors that the signal process has open.")                       \
    X(MAX_FDS, "process_max_fds", GAUGE, "", "Descriptors that the signal process may have open.")                    \
    X(STARTED, "process_start_time_seconds", GAUGE, "", "When the signal process was started.")

enum rf_metric {
#define X(name, shown, type, labels, help) RF_METRIC_##name,
    RF_METRICS(X)
#undef X
    RF_METRIC_COUNT
};

enum rf_metric_type { RF_METRIC_COUNTER, RF_METRIC_GAUGE, RF_METRIC_HISTOGRAM };

#define RF_METRIC_LABELS_MAX 4

struct rf_metric_row {
    const char *name;
    enum rf_metric_type type;
    const char *labels; /* with spaces between */
    const char *help;
};

const struct rf_metric_row *rf_metric_row(enum rf_metric m);
/** "counter", "gauge", "histogram": as after # TYPE. */
const char *rf_metric_type_name(enum rf_metric_type t);

/* The bounds of the buckets of each kind of time, in microseconds, rising. */
extern const uint64_t rf_metric_bounds_setup[RF_TALLY_BUCKETS];     /* a call rings for seconds */
extern const uint64_t rf_metric_bounds_length[RF_TALLY_BUCKETS];    /* and lasts minutes */
extern const uint64_t rf_metric_bounds_handshake[RF_TALLY_BUCKETS]; /* a millisecond on a LAN, a second far away */
extern const uint64_t rf_metric_bounds_jitter[RF_TALLY_BUCKETS];    /* 20 ms is a packet; above 60 nobody understands */

/* Writes all of them, family after family. */
struct rf_metrics_out {
    struct rf_buf *to;
    bool is_json;
    bool is_open;
    enum rf_metric now;
};

void rf_metrics_begin(struct rf_metrics_out *o, struct rf_buf *to, bool is_json);
/** The samples that follow are this family's. Each family is opened once. */
void rf_metrics_open(struct rf_metrics_out *o, enum rf_metric m);
/** @param values  of the labels, in the table's order; NULL where it has none */
void rf_metrics_put(struct rf_metrics_out *o, const char *const *values, uint64_t n);
/** A value in seconds. */
void rf_metrics_put_us(struct rf_metrics_out *o, const char *const *values, uint64_t us);
/** A family of type histogram. @param bounds  those it was counted with */
void rf_metrics_put_times(struct rf_metrics_out *o, const char *const *values, const struct rf_tally_times *t,
                          const uint64_t *bounds);
void rf_metrics_end(struct rf_metrics_out *o);

#endif
